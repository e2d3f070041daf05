//! Typing rules of single ops, beyond the classes of their operands.

use super::function::Body;
use super::tables::takes;
use super::{Result, Rule, broken, ensure};
use crate::module::{Effect, FunctionId, ImportId, MetricId, MetricKind};
use crate::op::{Op, Register};
use crate::types::{Class, Field, Type, TypeId};

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
        | Op::IsSome { .. } => Ok(()),
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
        Op::Product { divisor: constant, .. } | Op::Quotient { factor: constant, .. } => {
            ensure(*constant > 0, Rule::Positive, || format!("it is {constant}"))
        }
        Op::EqInt { left, right, .. } | Op::NeInt { left, right, .. } => {
            ensure(body.class(*left) == body.class(*right), Rule::SameType, || {
                "a bool against a number".to_owned()
            })
        }
        Op::EqValue { left, right, .. } => {
            let reference = matches!(body.class(*left), Class::List | Class::Record | Class::Optional);
            ensure(reference && body.ty(*left) == body.ty(*right), Rule::SameType, || {
                "not two references of one type".to_owned()
            })
        }
        Op::NewRecord { result, fields } => new_record(body, *result, fields),
        Op::Field { result, record, field } => field_type(body, *record, *field, *result),
        Op::SetField { record, field, value } => field_type(body, *record, *field, *value),
        Op::NewList { result, items } => items.iter().try_for_each(|item| element(body, *result, *item)),
        Op::Item { result, list, .. } => element(body, *list, *result),
        Op::SetItem { list, value, .. } => element(body, *list, *value),
        Op::Some { result, value } => optional(body, *result, *value),
        Op::Unwrap { result, value } => optional(body, *value, *result),
    }
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
