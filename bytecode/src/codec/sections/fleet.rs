//! What of the header only the fleet reads: a byte of flags, the rollout, expectations, stops and reports.
//!
//! Flags: bit 0 there is a rollout, and then 1 it has AFTER, 2 a gate, 3 it halts where the gate does not hold.

use super::{flag, known_flags};
use crate::codec::error::DecodeErrorKind;
use crate::codec::limits;
use crate::codec::read::{Reader, Result};
use crate::codec::write::Writer;
use crate::module::{Expectation, FunctionId, GateFailure, Instruction, MetricId, Reporting, Rollout};

pub(super) fn write(instruction: &Instruction, out: &mut Writer) {
    if says_nothing(instruction) {
        return;
    }
    let Instruction { rollout, expectations, stops, reports, .. } = instruction;
    match rollout {
        None => out.byte(0),
        Some(rollout) => {
            let after = u8::from(rollout.after_ns.is_some());
            let gate = u8::from(rollout.gate.is_some());
            let halts = u8::from(rollout.failure == GateFailure::Halt);
            out.byte(1 | after << 1 | gate << 2 | halts << 3);
            out.list(&rollout.waves, |out, wave| out.number(*wave));
            rollout.after_ns.into_iter().for_each(|after| out.number(after));
            rollout.gate.into_iter().for_each(|gate| out.unsigned(gate.0));
        }
    }
    out.list(expectations, |out, expectation| {
        out.unsigned(expectation.condition.0);
        write_time(out, expectation.by_ns);
        out.text(&expectation.text);
    });
    out.list(stops, |out, stop| out.unsigned(stop.0));
    out.list(reports, |out, report| {
        out.list(&report.metrics, |out, metric| out.unsigned(metric.0));
        write_time(out, report.every_ns);
    });
}

pub(super) fn read(reader: &mut Reader<'_>, instruction: &mut Instruction) -> Result<()> {
    let start = reader.position();
    let flags = reader.byte()?;
    known_flags(reader, flags, if flag(flags, 0) { 0x0f } else { 0 })?;
    if flag(flags, 0) {
        instruction.rollout = Some(Rollout {
            waves: reader.list(limits::WAVES, Reader::number)?,
            after_ns: if flag(flags, 1) { Some(reader.number()?) } else { None },
            gate: if flag(flags, 2) { Some(read_function(reader)?) } else { None },
            failure: if flag(flags, 3) { GateFailure::Halt } else { GateFailure::Rollback },
        });
    }
    instruction.expectations = reader.list(limits::CONDITIONS, |reader| {
        Ok(Expectation { condition: read_function(reader)?, by_ns: read_time(reader)?, text: reader.text()? })
    })?;
    instruction.stops = reader.list(limits::CONDITIONS, read_function)?;
    instruction.reports = reader.list(limits::CONDITIONS, |reader| {
        let metrics = reader.list(limits::METRICS, |reader| reader.unsigned16(u16::MAX).map(MetricId))?;
        Ok(Reporting { metrics, every_ns: read_time(reader)? })
    })?;
    if says_nothing(instruction) {
        return Err(reader.error_at(start, DecodeErrorKind::NotCanonical, "an empty section"));
    }
    Ok(())
}

fn says_nothing(instruction: &Instruction) -> bool {
    let Instruction { rollout, expectations, stops, reports, .. } = instruction;
    rollout.is_none() && expectations.is_empty() && stops.is_empty() && reports.is_empty()
}

fn read_function(reader: &mut Reader<'_>) -> Result<FunctionId> {
    reader.unsigned16(u16::MAX).map(FunctionId)
}

/// 0 for none, else 1 and the number.
fn write_time(out: &mut Writer, time: Option<i64>) {
    out.byte(u8::from(time.is_some()));
    time.into_iter().for_each(|time| out.number(time));
}

fn read_time(reader: &mut Reader<'_>) -> Result<Option<i64>> {
    match reader.byte()? {
        0 => Ok(None),
        1 => reader.number().map(Some),
        _ => Err(reader.error(DecodeErrorKind::Malformed, "neither none nor a time")),
    }
}
