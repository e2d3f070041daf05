//! The INSTRUCTION header: name, version, a byte of flags, then what the flags announce.
//!
//! Flags: bits 0-1 priority, 2 deadline, 3 budget in money, 4 budget in tokens, 5-6 target (none, all, exactly,
//! up to), 7 target's filter.

use super::{flag, known_flags};
use crate::codec::error::DecodeErrorKind;
use crate::codec::read::{Reader, Result};
use crate::codec::write::Writer;
use crate::module::{Instruction, Priority, Target, TargetCount};

pub(super) fn write(instruction: &Instruction, out: &mut Writer) {
    if says_nothing(instruction) {
        return;
    }
    out.name(&instruction.name);
    out.unsigned(instruction.version);
    let priority = match instruction.priority {
        Priority::Low => 0,
        Priority::Normal => 1,
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
    let mut flags = priority | target << 5 | u8::from(filter.is_some()) << 7;
    for (bit, limit) in (2_u32..).zip(limits) {
        flags |= u8::from(limit.is_some()).wrapping_shl(bit);
    }
    out.byte(flags);
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
    let version = reader.unsigned32(u32::MAX)?;
    let flags = reader.byte()?;
    let targeted = flags >> 5 & 3;
    known_flags(reader, flags, if targeted == 0 { 0x1f } else { 0xff })?;
    let priority = match flags & 3 {
        0 => Priority::Low,
        1 => Priority::Normal,
        2 => Priority::High,
        _ => Priority::Critical,
    };
    let mut limit = |bit| if flag(flags, bit) { reader.number().map(Some) } else { Ok(None) };
    let (deadline_ns, budget_money, budget_tokens) = (limit(2)?, limit(3)?, limit(4)?);
    let count = match targeted {
        0 => None,
        1 => Some(TargetCount::All),
        2 => Some(TargetCount::Exactly(reader.unsigned32(u32::MAX)?)),
        _ => Some(TargetCount::UpTo(reader.unsigned32(u32::MAX)?)),
    };
    let filter =
        if flag(flags, 7) { Some(crate::module::FunctionId(reader.unsigned16(u16::MAX)?)) } else { None };
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
