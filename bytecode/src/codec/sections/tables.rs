//! Imports, inputs, context values, metrics, STATE variables, and what wakes a program up or holds it back.

use smol_str::SmolStr;

use super::known_flags;
use super::types::{EXTRAS, Extras, read_extras};
use crate::codec::error::DecodeErrorKind;
use crate::codec::limits;
use crate::codec::read::{Reader, Result};
use crate::codec::write::Writer;
use crate::dictionary;
use crate::module::{
    Amount, CallCost, Context, Effect, EventHandler, FunctionId, Import, ImportId, Input, Metric, MetricKind,
    State, StringId, Timer, Veto,
};

/// Name, flags — bits 0-1 effect, 2-3 capability (none, spelt out, the one the dictionary has behind the
/// name), 4-5 money, 6 result, 7-8 tokens (none, fixed, computed) — parameters, then what the flags announce.
pub(super) fn write_import(out: &mut Writer, import: &Import) {
    out.name(&import.name);
    let effect = match import.effect {
        Effect::Query => 0,
        Effect::Idempotent => 1,
        Effect::Once => 2,
        Effect::Plain => 3,
    };
    let spelt = import.capability.as_deref().filter(|name| dictionary::behind(&import.name) != Some(name));
    let capability = match (&import.capability, spelt) {
        (None, _) => 0,
        (Some(_), Some(_)) => 1,
        (Some(_), None) => 2,
    };
    let costs = amount_kind(import.cost.money) << 4 | amount_kind(import.cost.tokens) << 7;
    out.unsigned(effect | capability << 2 | u16::from(import.result.is_some()) << RESULT | costs);
    out.list(&import.parameters, |out, ty| out.ty(*ty));
    if let Some(result) = import.result {
        out.ty(result);
    }
    if let Some(capability) = spelt {
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

/// The bit of an import's result.
const RESULT: u32 = 6;

pub(super) fn read_import(reader: &mut Reader<'_>) -> Result<Import> {
    let (name, behind) = reader.name_and_next()?;
    let flags = reader.unsigned16(0x1ff)?;
    let effect = match flags & 3 {
        0 => Effect::Query,
        1 => Effect::Idempotent,
        2 => Effect::Once,
        _ => Effect::Plain,
    };
    let parameters = reader.list(limits::PARAMETERS, Reader::ty)?;
    let result = if flags >> RESULT & 1 == 1 { Some(reader.ty()?) } else { None };
    let capability = read_capability(reader, behind, flags >> 2 & 3)?;
    let cost = CallCost {
        money: read_amount(reader, flags >> 4 & 3)?,
        tokens: read_amount(reader, flags >> 7 & 3)?,
    };
    Ok(Import { name, parameters, result, effect, capability, cost })
}

/// A capability; `behind` is the name that the dictionary has behind the import's.
fn read_capability(
    reader: &mut Reader<'_>,
    behind: Option<&'static str>,
    kind: u16,
) -> Result<Option<SmolStr>> {
    let start = reader.position();
    match (kind, behind) {
        (0, _) => Ok(None),
        (1, behind) => {
            let spelt = reader.name()?;
            if behind == Some(spelt.as_str()) {
                let text = "a capability is spelt out that follows from the name";
                return Err(reader.error_at(start, DecodeErrorKind::NotCanonical, text));
            }
            Ok(Some(spelt))
        }
        (2, Some(behind)) => Ok(Some(SmolStr::new_static(behind))),
        _ => Err(reader.error(DecodeErrorKind::Malformed, "there is no such kind of capability")),
    }
}

fn amount_kind(amount: Amount) -> u16 {
    match amount {
        Amount::Fixed(0) => 0,
        Amount::Fixed(_) => 1,
        Amount::Computed(_) => 2,
    }
}

fn read_amount(reader: &mut Reader<'_>, kind: u16) -> Result<Amount> {
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
    let extras = Extras { ty: input.ty, unit: input.unit.as_deref(), default: input.default.as_ref() };
    out.byte(extras.flags());
    extras.write(out);
}

pub(super) fn read_input(reader: &mut Reader<'_>) -> Result<Input> {
    let name = reader.name()?;
    let ty = reader.ty()?;
    let flags = reader.byte()?;
    known_flags(reader, flags, EXTRAS)?;
    let (unit, default) = read_extras(reader, ty, flags)?;
    Ok(Input { name, ty, unit, default })
}

pub(super) fn write_context(out: &mut Writer, context: &Context) {
    out.name(&context.name);
    out.ty(context.ty);
    let extras = Extras { ty: context.ty, unit: context.unit.as_deref(), default: context.default.as_ref() };
    out.byte(extras.flags());
    extras.write(out);
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
