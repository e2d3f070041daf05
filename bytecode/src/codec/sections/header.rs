//! The INSTRUCTION header: name, flags, then what the flags announce.
//!
//! Flags: bits 0-1 priority (normal, low, high, critical), 2 a version other than 1, 3 deadline, 4-5 target
//! (none, all, exactly, up to), 6 budget in money, 7 budget in tokens, 8 target's filter.

use crate::codec::error::DecodeErrorKind;
use crate::codec::read::{Reader, Result};
use crate::codec::write::Writer;
use crate::module::{Instruction, Priority, Target, TargetCount};

/// Bits of the flags.
const VERSION: u32 = 2;
const LIMITS: [u32; 3] = [3, 6, 7];
const FILTER: u32 = 8;

pub(super) fn write(instruction: &Instruction, out: &mut Writer) {
    if says_nothing(instruction) {
        return;
    }
    out.name(&instruction.name);
    let priority = match instruction.priority {
        Priority::Normal => 0,
        Priority::Low => 1,
        Priority::High => 2,
        Priority::Critical => 3,
    };
    let target = match instruction.target.map(|target| target.count) {
        None => 0,
        Some(TargetCount::All) => 1,
        Some(TargetCount::Exactly(_)) => 2,
        Some(TargetCount::UpTo(_)) => 3,
    };
    let filter = instruction.target.and_then(|target| target.filter);
    let limits = [instruction.deadline_ns, instruction.budget_money, instruction.budget_tokens];
    let mut flags = priority | target << 4 | u16::from(filter.is_some()) << FILTER;
    flags |= u16::from(instruction.version != 1) << VERSION;
    for (bit, limit) in LIMITS.into_iter().zip(limits) {
        flags |= u16::from(limit.is_some()).wrapping_shl(bit);
    }
    out.unsigned(flags);
    if instruction.version != 1 {
        out.unsigned(instruction.version);
    }
    for limit in limits.into_iter().flatten() {
        out.number(limit);
    }
    if let Some(TargetCount::Exactly(count) | TargetCount::UpTo(count)) =
        instruction.target.map(|target| target.count)
    {
        out.unsigned(count);
    }
    if let Some(filter) = filter {
        out.unsigned(filter.0);
    }
}

/// Whether all is as where nothing is said; the part of [`super::fleet`] stands elsewhere.
fn says_nothing(instruction: &Instruction) -> bool {
    let Instruction { name, version, priority, deadline_ns, budget_money, budget_tokens, target, .. } =
        instruction;
    name.is_empty()
        && *version == 0
        && *priority == Priority::default()
        && [deadline_ns, budget_money, budget_tokens].into_iter().all(Option::is_none)
        && target.is_none()
}

pub(super) fn read(reader: &mut Reader<'_>) -> Result<Instruction> {
    let start = reader.position();
    let name = reader.name()?;
    let flags = reader.unsigned16(0x1ff)?;
    let is_set = |bit| flags.wrapping_shr(bit) & 1 == 1;
    let targeted = flags >> 4 & 3;
    if targeted == 0 && is_set(FILTER) {
        return Err(reader.error(DecodeErrorKind::Malformed, "a flag without a meaning is set"));
    }
    let version = if is_set(VERSION) { reader.unsigned32(u32::MAX)? } else { 1 };
    if is_set(VERSION) && version == 1 {
        return Err(reader.error_at(start, DecodeErrorKind::NotCanonical, "version 1 is spelt out"));
    }
    let priority = match flags & 3 {
        0 => Priority::Normal,
        1 => Priority::Low,
        2 => Priority::High,
        _ => Priority::Critical,
    };
    let mut limit = |bit| if is_set(bit) { reader.number().map(Some) } else { Ok(None) };
    let [deadline, money, tokens] = LIMITS;
    let (deadline_ns, budget_money, budget_tokens) = (limit(deadline)?, limit(money)?, limit(tokens)?);
    let count = match targeted {
        0 => None,
        1 => Some(TargetCount::All),
        2 => Some(TargetCount::Exactly(reader.unsigned32(u32::MAX)?)),
        _ => Some(TargetCount::UpTo(reader.unsigned32(u32::MAX)?)),
    };
    let filter =
        if is_set(FILTER) { Some(crate::module::FunctionId(reader.unsigned16(u16::MAX)?)) } else { None };
    let target = count.map(|count| Target { count, filter });
    let instruction = Instruction {
        name,
        version,
        priority,
        deadline_ns,
        budget_money,
        budget_tokens,
        target,
        ..Instruction::default()
    };
    if says_nothing(&instruction) {
        return Err(reader.error_at(start, DecodeErrorKind::NotCanonical, "an empty section"));
    }
    Ok(instruction)
}
