//! Imports, inputs, context values, metrics, STATE variables, and what wakes a program up or holds it back.

use super::types::{EXTRAS, extras_flags, read_extras, write_extras};
use super::{flag, known_flags};
use crate::codec::error::DecodeErrorKind;
use crate::codec::limits;
use crate::codec::read::{Reader, Result};
use crate::codec::write::Writer;
use crate::module::{
    Amount, CallCost, Context, Effect, EventHandler, FunctionId, Import, ImportId, Input, Metric, MetricKind,
    State, StringId, Timer, Veto,
};

/// Name, flags — bits 0-1 effect, 2 result, 3 capability, 4-5 money, 6-7 tokens (none, fixed, computed) —
/// parameters, then what the flags announce.
pub(super) fn write_import(out: &mut Writer, import: &Import) {
    out.name(&import.name);
    let effect = match import.effect {
        Effect::Query => 0,
        Effect::Idempotent => 1,
        Effect::Once => 2,
        Effect::Plain => 3,
    };
    let has_result = u8::from(import.result.is_some());
    let has_capability = u8::from(import.capability.is_some());
    let costs = amount_kind(import.cost.money) << 4 | amount_kind(import.cost.tokens) << 6;
    out.byte(effect | has_result << 2 | has_capability << 3 | costs);
    out.list(&import.parameters, |out, ty| out.ty(*ty));
    if let Some(result) = import.result {
        out.ty(result);
    }
    if let Some(capability) = &import.capability {
        out.name(capability);
    }
    for amount in [import.cost.money, import.cost.tokens] {
        match amount {
            Amount::Fixed(0) => {}
            Amount::Fixed(fixed) => out.number(fixed),
            Amount::Computed(function) => out.unsigned(function.0),
        }
    }
}

pub(super) fn read_import(reader: &mut Reader<'_>) -> Result<Import> {
    let name = reader.name()?;
    let flags = reader.byte()?;
    let effect = match flags & 3 {
        0 => Effect::Query,
        1 => Effect::Idempotent,
        2 => Effect::Once,
        _ => Effect::Plain,
    };
    let parameters = reader.list(limits::PARAMETERS, Reader::ty)?;
    let result = if flag(flags, 2) { Some(reader.ty()?) } else { None };
    let capability = if flag(flags, 3) { Some(reader.name()?) } else { None };
    let cost =
        CallCost { money: read_amount(reader, flags >> 4 & 3)?, tokens: read_amount(reader, flags >> 6)? };
    Ok(Import { name, parameters, result, effect, capability, cost })
}

fn amount_kind(amount: Amount) -> u8 {
    match amount {
        Amount::Fixed(0) => 0,
        Amount::Fixed(_) => 1,
        Amount::Computed(_) => 2,
    }
}

fn read_amount(reader: &mut Reader<'_>, kind: u8) -> Result<Amount> {
    let start = reader.position();
    match kind {
        0 => Ok(Amount::Fixed(0)),
        1 => match reader.number()? {
            0 => Err(reader.error_at(start, DecodeErrorKind::NotCanonical, "a cost of 0 is spelt out")),
            fixed => Ok(Amount::Fixed(fixed)),
        },
        2 => Ok(Amount::Computed(FunctionId(reader.unsigned16(u16::MAX)?))),
        _ => Err(reader.error(DecodeErrorKind::Malformed, "there is no such kind of cost")),
    }
}

pub(super) fn write_input(out: &mut Writer, input: &Input) {
    out.name(&input.name);
    out.ty(input.ty);
    out.byte(extras_flags(input.unit.is_some(), input.default.as_ref()));
    write_extras(out, input.unit.as_deref(), input.default.as_ref());
}

pub(super) fn read_input(reader: &mut Reader<'_>) -> Result<Input> {
    let name = reader.name()?;
    let ty = reader.ty()?;
    let flags = reader.byte()?;
    known_flags(reader, flags, EXTRAS)?;
    let (unit, default) = read_extras(reader, flags)?;
    Ok(Input { name, ty, unit, default })
}

pub(super) fn write_context(out: &mut Writer, context: &Context) {
    out.name(&context.name);
    out.ty(context.ty);
    out.byte(extras_flags(context.unit.is_some(), context.default.as_ref()));
    write_extras(out, context.unit.as_deref(), context.default.as_ref());
}

pub(super) fn read_context(reader: &mut Reader<'_>) -> Result<Context> {
    let Input { name, ty, unit, default } = read_input(reader)?;
    Ok(Context { name, ty, unit, default })
}

pub(super) fn write_metric(out: &mut Writer, metric: &Metric) {
    out.name(&metric.name);
    out.ty(metric.ty);
    out.byte(match metric.kind {
        MetricKind::Total => 0,
        MetricKind::Gauge => 1,
        MetricKind::Distribution => 2,
    });
}

pub(super) fn read_metric(reader: &mut Reader<'_>) -> Result<Metric> {
    let name = reader.name()?;
    let ty = reader.ty()?;
    let kind = match reader.byte()? {
        0 => MetricKind::Total,
        1 => MetricKind::Gauge,
        2 => MetricKind::Distribution,
        _ => return Err(reader.error(DecodeErrorKind::Malformed, "there is no such kind of metric")),
    };
    Ok(Metric { name, ty, kind })
}

/// Name, type, and 0 or the number of the function that gives its first value and 1.
pub(super) fn write_state(out: &mut Writer, state: &State) {
    out.name(&state.name);
    out.ty(state.ty);
    out.optional32(state.initial.map(|initial| u32::from(initial.0)));
}

pub(super) fn read_state(reader: &mut Reader<'_>) -> Result<State> {
    let (name, ty) = (reader.name()?, reader.ty()?);
    let initial = reader.optional32(u32::from(u16::MAX))?;
    let initial = initial.and_then(|initial| u16::try_from(initial).ok()).map(FunctionId);
    Ok(State { name, ty, initial })
}

/// Name, function, and 0 or MAX and 1.
pub(super) fn write_event(out: &mut Writer, event: &EventHandler) {
    out.name(&event.name);
    out.unsigned(event.function.0);
    out.optional32(event.max);
}

pub(super) fn read_event(reader: &mut Reader<'_>) -> Result<EventHandler> {
    Ok(EventHandler {
        name: reader.name()?,
        function: FunctionId(reader.unsigned16(u16::MAX)?),
        max: reader.optional32(u32::MAX)?,
    })
}

pub(super) fn write_timer(out: &mut Writer, timer: &Timer) {
    out.number(timer.period_ns);
    out.unsigned(timer.function.0);
}

pub(super) fn read_timer(reader: &mut Reader<'_>) -> Result<Timer> {
    Ok(Timer { period_ns: reader.number()?, function: FunctionId(reader.unsigned16(u16::MAX)?) })
}

pub(super) fn write_veto(out: &mut Writer, veto: &Veto) {
    for id in [veto.import.0, veto.condition.0, veto.reason.0] {
        out.unsigned(id);
    }
}

pub(super) fn read_veto(reader: &mut Reader<'_>) -> Result<Veto> {
    Ok(Veto {
        import: ImportId(reader.unsigned16(u16::MAX)?),
        condition: FunctionId(reader.unsigned16(u16::MAX)?),
        reason: StringId(reader.unsigned16(u16::MAX)?),
    })
}
