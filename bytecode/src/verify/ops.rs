//! Typing rules of single ops, beyond the classes of their operands.

use super::function::Body;
use super::roles::takes;
use super::{Result, Rule, broken, ensure};
use crate::module::{Effect, FunctionId, ImportId, MetricId, MetricKind, StateId};
use crate::native::{Bindings, NativeId};
use crate::op::{Op, Register};
use crate::types::{Class, Field, Type, TypeId};

/// Greatest number of attempts of a `host.retry`.
const MAX_ATTEMPTS: i16 = 100;

/// Operands are known to exist and to have their classes.
#[expect(clippy::too_many_lines, reason = "one list of all ops, so that a new one cannot be forgotten")]
pub(super) fn check(body: &Body<'_>, op: &Op) -> Result<()> {
    match op {
        Op::If { .. }
        | Op::Else {}
        | Op::Block {}
        | Op::End {}
        | Op::Loop {}
        | Op::Repeat {}
        | Op::Range { .. }
        | Op::Advance {}
        | Op::Break { .. }
        | Op::Continue { .. }
        | Op::Stop { .. }
        | Op::Fail { .. }
        | Op::Settle {}
        | Op::RoundsExhausted {}
        | Op::Move { .. }
        | Op::Copy { .. }
        | Op::Float { .. }
        | Op::String { .. }
        | Op::Zero { .. }
        | Op::AddInt { .. }
        | Op::SubInt { .. }
        | Op::MulInt { .. }
        | Op::DivInt { .. }
        | Op::ModInt { .. }
        | Op::NegInt { .. }
        | Op::Scale { .. }
        | Op::Unscale { .. }
        | Op::Ratio { .. }
        | Op::AddFloat { .. }
        | Op::SubFloat { .. }
        | Op::MulFloat { .. }
        | Op::DivFloat { .. }
        | Op::NegFloat { .. }
        | Op::IntToFloat { .. }
        | Op::PercentToFloat { .. }
        | Op::LtInt { .. }
        | Op::LeInt { .. }
        | Op::EqFloat { .. }
        | Op::NeFloat { .. }
        | Op::LtFloat { .. }
        | Op::LeFloat { .. }
        | Op::EqString { .. }
        | Op::LtString { .. }
        | Op::LeString { .. }
        | Op::Not { .. }
        | Op::Length { .. }
        | Op::IsSome { .. }
        | Op::WithinElse {}
        | Op::WithinEnd {}
        | Op::Case { .. }
        | Op::MapLength { .. } => Ok(()),
        Op::Text { value, .. } => unseen(body, *value),
        Op::ForEach { item, list, .. } => element(body, *list, *item),
        Op::Return {} => {
            ensure(body.function.result.is_none(), Rule::Returns, || "the function has a result".to_owned())
        }
        Op::ReturnValue { value } => {
            ensure(body.function.result == Some(body.ty(*value)), Rule::Returns, || {
                "the value has another type than the function's result".to_owned()
            })
        }
        Op::Call { function, arguments } => call(body, *function, arguments, None),
        Op::CallValue { result, function, arguments } => call(body, *function, arguments, Some(*result)),
        Op::Host { import, arguments } => host(body, *import, arguments, None),
        Op::HostValue { result, import, arguments } => host(body, *import, arguments, Some(*result)),
        Op::TryHost { import, arguments, .. } => host(body, *import, arguments, None),
        Op::RetryHost { times, backoff, import, arguments, .. } => {
            ensure((1..=MAX_ATTEMPTS).contains(times), Rule::Attempts, || format!("{times} attempts"))?;
            ensure(body.ty(*backoff) == TypeId::DURATION, Rule::Attempts, || {
                "the backoff is no duration".to_owned()
            })?;
            host(body, *import, arguments, None)
        }
        Op::Within { budgets, saved, undoes, .. } => within(body, budgets, saved, *undoes != 0),
        Op::RecordMetric { metric, value } => sample(body, *metric, *value),
        Op::Integer { result, value } => {
            ensure(body.class(*result) != Class::Bool || matches!(value, 0 | 1), Rule::Bools, || {
                format!("{value} as a bool")
            })
        }
        Op::Input { result, input } => {
            let declared = body.module.inputs.get(input.index()).map(|input| input.ty);
            load(declared, body.ty(*result))
        }
        Op::Context { result, context } => {
            let declared = body.module.contexts.get(context.index()).map(|context| context.ty);
            load(declared, body.ty(*result))
        }
        Op::Metric { result, metric } => read_metric(body, *metric, *result),
        Op::State { result: register, state }
        | Op::TakeState { result: register, state }
        | Op::SetState { state, value: register } => load(state_type(body, *state), body.ty(*register)),
        Op::Quantile { result, metric, share } => {
            ensure((0..=1_000_000).contains(share), Rule::Quantiles, || format!("the share is {share}"))?;
            distribution(body, *metric, *result, false)
        }
        Op::Mean { result, metric } => distribution(body, *metric, *result, true),
        Op::Product { divisor: constant, .. } | Op::Quotient { factor: constant, .. } => {
            ensure(*constant > 0, Rule::Positive, || format!("it is {constant}"))
        }
        Op::EqInt { left, right, .. } | Op::NeInt { left, right, .. } => {
            ensure(body.class(*left) == body.class(*right), Rule::SameType, || {
                "a bool against a number".to_owned()
            })
        }
        Op::EqValue { left, right, .. } => {
            let reference = matches!(
                body.class(*left),
                Class::List | Class::Record | Class::Optional | Class::Enum | Class::Map
            );
            ensure(reference && body.ty(*left) == body.ty(*right), Rule::SameType, || {
                "not two references of one type".to_owned()
            })?;
            unseen(body, *left)
        }
        Op::NewRecord { result, fields } => new_record(body, *result, fields),
        Op::Field { result, record, field } => field_type(body, *record, *field, *result),
        Op::SetField { record, field, value } => field_type(body, *record, *field, *value),
        Op::NewList { result, items } => {
            let max = if let Type::List { max, .. } = body.kind(*result) { *max } else { None };
            ensure(fits_max(items.len(), max), Rule::Lists, || format!("{} items", items.len()))?;
            items.iter().try_for_each(|item| element(body, *result, *item))
        }
        Op::Item { result, list, .. } => element(body, *list, *result),
        Op::SetItem { list, value, .. } | Op::Push { list, value } => element(body, *list, *value),
        Op::Top { result, list, keys, bottom, .. } => top(body, *result, *list, *keys, *bottom),
        Op::NewCase { result, case, fields } => new_case(body, *result, *case, fields),
        Op::Payload { result, value, case, field } => {
            let declared = payload(body, *value, *case)?.get(usize::from(*field));
            ensure(declared.is_some_and(|declared| declared.ty == body.ty(*result)), Rule::Cases, || {
                format!("field {field} of case {case} does not exist or has another type")
            })
        }
        Op::NewMap { result, entries } => new_map(body, *result, entries),
        Op::Find { value, map, key, .. } | Op::SetEntry { map, key, value } => {
            entry(body, *map, *key, Some(*value))
        }
        Op::RemoveEntry { map, key } => entry(body, *map, *key, None),
        Op::ForEachEntry { key, value, map, .. } => entry(body, *map, *key, Some(*value)),
        Op::Concat { parts, .. } => {
            let texts = parts.iter().all(|part| body.class(*part) == Class::String);
            ensure(texts, Rule::Texts, || "a part is no string".to_owned())
        }
        Op::Native { result, native: id, arguments } => native(body, *id, arguments, *result),
        Op::Some { result, value } => optional(body, *result, *value),
        Op::Unwrap { result, value } => optional(body, *value, *result),
    }
}

/// Whether an op that looks at a value may look at this one.
fn unseen(body: &Body<'_>, value: Register) -> Result<()> {
    ensure(!body.holds_secret(value), Rule::Secrets, || format!("register {} holds a secret", value.0))
}

fn same_types(body: &Body<'_>, registers: &[Register], types: &[TypeId]) -> bool {
    registers.iter().map(|register| body.ty(*register)).eq(types.iter().copied())
}

fn call(body: &Body<'_>, id: FunctionId, arguments: &[Register], result: Option<Register>) -> Result<()> {
    let function = body.module.functions.get(id.index());
    let function = function.ok_or_else(|| broken(Rule::Index, format!("function {}", id.0)))?;
    let types: Vec<TypeId> = arguments.iter().map(|register| body.ty(*register)).collect();
    ensure(takes(function, &types), Rule::Calls, || format!("function {} takes other arguments", id.0))?;
    ensure(function.result == result.map(|result| body.ty(result)), Rule::Calls, || {
        format!("function {} has another result", id.0)
    })
}

fn host(body: &Body<'_>, id: ImportId, arguments: &[Register], result: Option<Register>) -> Result<()> {
    let import = body.module.imports.get(id.index());
    let import = import.ok_or_else(|| broken(Rule::Index, format!("import {}", id.0)))?;
    let name = &import.name;
    ensure((import.effect == Effect::Query) == result.is_some(), Rule::HostCalls, || {
        format!("{name} is called by the other op")
    })?;
    ensure(same_types(body, arguments, &import.parameters), Rule::HostCalls, || {
        format!("{name} takes other arguments")
    })?;
    ensure(import.result == result.map(|result| body.ty(result)), Rule::HostCalls, || {
        format!("{name} has another result")
    })
}

fn sample(body: &Body<'_>, id: MetricId, value: Register) -> Result<()> {
    let declared = body.module.metrics.get(id.index()).map(|metric| metric.ty);
    load(declared, body.ty(value))
}

fn read_metric(body: &Body<'_>, id: MetricId, result: Register) -> Result<()> {
    let metric = body.module.metrics.get(id.index());
    let metric = metric.ok_or_else(|| broken(Rule::Index, format!("metric {}", id.0)))?;
    match (metric.kind, body.kind(result)) {
        (MetricKind::Total, _) => load(Some(metric.ty), body.ty(result)),
        (MetricKind::Gauge, Type::Optional(inner)) => load(Some(metric.ty), *inner),
        _ => Err(broken(Rule::Loads, format!("metric {} is not read like this", metric.name))),
    }
}

fn load(declared: Option<TypeId>, found: TypeId) -> Result<()> {
    ensure(declared == Some(found), Rule::Loads, || "it is declared with another type".to_owned())
}

fn fields<'a>(body: &Body<'a>, record: Register) -> &'a [Field] {
    if let Type::Record { fields, .. } = body.kind(record) { fields } else { &[] }
}

fn new_record(body: &Body<'_>, result: Register, values: &[Register]) -> Result<()> {
    let types = fields(body, result).iter().map(|field| field.ty);
    ensure(values.iter().map(|value| body.ty(*value)).eq(types), Rule::Records, || {
        "the values are not those of the record's fields".to_owned()
    })
}

fn field_type(body: &Body<'_>, record: Register, field: u8, value: Register) -> Result<()> {
    let declared = fields(body, record).get(usize::from(field));
    ensure(declared.is_some_and(|declared| declared.ty == body.ty(value)), Rule::Records, || {
        format!("field {field} does not exist or has another type")
    })
}

fn element(body: &Body<'_>, list: Register, item: Register) -> Result<()> {
    let holds = matches!(body.kind(list), Type::List { element, .. } if *element == body.ty(item));
    ensure(holds, Rule::Lists, || "the list holds items of another type".to_owned())
}

fn optional(body: &Body<'_>, optional: Register, value: Register) -> Result<()> {
    let holds = matches!(body.kind(optional), Type::Optional(inner) if *inner == body.ty(value));
    ensure(holds, Rule::Optionals, || "the optional holds another type".to_owned())
}

fn fits_max(items: usize, max: Option<u32>) -> bool {
    max.is_none_or(|max| u32::try_from(items).is_ok_and(|items| items <= max))
}

fn top(body: &Body<'_>, result: Register, list: Register, keys: Register, bottom: i64) -> Result<()> {
    let (
        Type::List { element: made, .. },
        Type::List { element: items, .. },
        Type::List { element: key, .. },
    ) = (body.kind(result), body.kind(list), body.kind(keys))
    else {
        return Err(broken(Rule::Top, "not three lists"));
    };
    ensure(made == items, Rule::Top, || "the result has other items".to_owned())?;
    let ordered = body.module.ty(*key).map(Type::class);
    ensure(matches!(ordered, Some(Class::Word | Class::Float | Class::String)), Rule::Top, || {
        "the keys have no order".to_owned()
    })?;
    ensure(matches!(bottom, 0 | 1), Rule::Top, || format!("`bottom` is {bottom}"))
}

fn state_type(body: &Body<'_>, id: StateId) -> Option<TypeId> {
    body.module.states.get(id.index()).map(|state| state.ty)
}

fn distribution(body: &Body<'_>, id: MetricId, result: Register, mean: bool) -> Result<()> {
    let metric = body.module.metrics.get(id.index());
    let metric = metric.filter(|metric| metric.kind == MetricKind::Distribution);
    let metric = metric.ok_or_else(|| broken(Rule::Quantiles, "the metric is no DISTRIBUTION"))?;
    let given = if mean && metric.ty == TypeId::INT { TypeId::FLOAT } else { metric.ty };
    ensure(*body.kind(result) == Type::Optional(given), Rule::Quantiles, || {
        format!("metric {} is not read like this", metric.name)
    })
}

fn within(body: &Body<'_>, budgets: &[Register], saved: &[Register], undoes: bool) -> Result<()> {
    let mut kinds: Vec<TypeId> = budgets.iter().map(|budget| body.ty(*budget)).collect();
    kinds.sort_unstable();
    let known = kinds.iter().all(|ty| matches!(*ty, TypeId::DURATION | TypeId::MONEY | TypeId::TOKENS));
    ensure(known && kinds.is_sorted_by(|left, right| left < right), Rule::Budgets, || {
        "not a duration, money and tokens, each at most once".to_owned()
    })?;
    let mut registers = saved.to_vec();
    registers.sort_unstable();
    ensure(registers.is_sorted_by(|left, right| left < right), Rule::Saved, || {
        "a register is saved twice".to_owned()
    })?;
    ensure(undoes || saved.is_empty(), Rule::Saved, || "it saves registers and does not undo".to_owned())
}

/// The fields of a case's payload.
fn payload<'a>(body: &Body<'a>, value: Register, case: u8) -> Result<&'a [Field]> {
    let cases = if let Type::Enum { cases, .. } = body.kind(value) { cases.as_slice() } else { &[] };
    let case = cases.get(usize::from(case));
    case.map(|case| case.fields.as_slice()).ok_or_else(|| broken(Rule::Cases, "there is no such case"))
}

fn new_case(body: &Body<'_>, result: Register, case: u8, values: &[Register]) -> Result<()> {
    let types = payload(body, result, case)?.iter().map(|field| field.ty);
    ensure(values.iter().map(|value| body.ty(*value)).eq(types), Rule::Cases, || {
        "the values are not those of the case's payload".to_owned()
    })
}

fn new_map(body: &Body<'_>, result: Register, entries: &[Register]) -> Result<()> {
    let max = if let Type::Map { max, .. } = body.kind(result) { *max } else { None };
    ensure(fits_max(entries.len() / 2, max), Rule::Maps, || format!("{} entries", entries.len() / 2))?;
    entries.chunks(2).try_for_each(|pair| match pair {
        [key, value] => entry(body, result, *key, Some(*value)),
        _ => Err(broken(Rule::Maps, "a key without a value")),
    })
}

/// A key of a map, and the value under it where the op has one.
fn entry(body: &Body<'_>, map: Register, key: Register, value: Option<Register>) -> Result<()> {
    let holds = matches!(
        body.kind(map),
        Type::Map { key: keys, value: values, .. }
            if *keys == body.ty(key) && value.is_none_or(|value| *values == body.ty(value))
    );
    ensure(holds, Rule::Maps, || "the map has keys or values of another type".to_owned())
}

fn native(body: &Body<'_>, id: NativeId, arguments: &[Register], result: Register) -> Result<()> {
    let function = id.function();
    let native = function.ok_or_else(|| broken(Rule::Index, format!("there is no native {}", id.0)))?.info();
    let mut bindings = Bindings::default();
    let mut fits = |register: Register, pattern: crate::native::Pattern| {
        pattern.admits(body.ty(register), &mut bindings, |ty| body.module.ty(ty))
    };
    let taken = arguments.len() == native.parameters.len()
        && arguments.iter().zip(native.parameters).all(|(argument, (_, pattern))| fits(*argument, *pattern));
    ensure(taken, Rule::Natives, || format!("`{}` takes other arguments", native.name))?;
    ensure(fits(result, native.result), Rule::Natives, || format!("`{}` gives another result", native.name))?;
    if native.function.compares() {
        arguments.iter().try_for_each(|argument| unseen(body, *argument))?;
    }
    Ok(())
}
