//! Rules about the module's tables.

use smol_str::SmolStr;

use super::types::{MAX_TYPE_DEPTH, check_types};
use super::{Result, Rule, Work, broken, ensure};
use crate::module::{Debug, Effect, InputId, Instruction, Module, Polynomial, Rollout, Term};
use crate::quantity;
use crate::types::{Class, Constant, Type, TypeId};

/// A wave of a rollout is a share in parts per million.
const WHOLE: i64 = 1_000_000;

/// Least period of a timer in nanoseconds.
const MIN_PERIOD: i64 = 1_000_000_000;

/// All rules that need no function's code. Tells what [`check_types`] does.
pub(super) fn check(module: &Module, work: &mut Work) -> Result<Vec<bool>> {
    let secrets = check_types(module, work)?;
    check_imports(module, work)?;
    check_host_data(module, work)?;
    check_activations(module, work)?;
    check_header(module, work)?;
    check_constants(module, work)?;
    let entry = module.functions.get(module.entry.index());
    let entry = entry.ok_or_else(|| broken(Rule::Entry, "there is no such function"))?;
    ensure(entry.parameters == 0, Rule::Entry, || "the entry takes parameters".to_owned())?;
    check_bound(module, work)?;
    module.debug.as_ref().map_or(Ok(()), |debug| check_debug(module, debug, work))?;
    Ok(secrets)
}

fn check_imports(module: &Module, work: &mut Work) -> Result<()> {
    distinct(module.imports.iter().map(|import| &import.name), || "imports".to_owned(), work)?;
    for import in &module.imports {
        let name = &import.name;
        work.spend(import.parameters.len().saturating_add(1))?;
        for ty in import.parameters.iter().chain(&import.result) {
            exists(module, *ty, || format!("import {name}"))?;
        }
        ensure(import.result.is_some() == (import.effect == Effect::Query), Rule::ImportResult, || {
            format!("import {name}: its result does not go with its effect class")
        })?;
        let capability = import.capability.as_ref();
        ensure(!capability.is_some_and(SmolStr::is_empty), Rule::Names, || {
            format!("import {name} needs a capability without a name")
        })?;
    }
    Ok(())
}

fn check_host_data(module: &Module, work: &mut Work) -> Result<()> {
    distinct(module.inputs.iter().map(|input| &input.name), || "inputs".to_owned(), work)?;
    for input in &module.inputs {
        let place = || format!("input {}", input.name);
        exists(module, input.ty, place)?;
        check_extras(module, input.ty, input.unit.as_ref(), input.default.as_ref(), place)?;
    }
    distinct(module.contexts.iter().map(|context| &context.name), || "context values".to_owned(), work)?;
    for context in &module.contexts {
        let place = || format!("context value {}", context.name);
        exists(module, context.ty, place)?;
        check_extras(module, context.ty, context.unit.as_ref(), context.default.as_ref(), place)?;
    }
    distinct(module.metrics.iter().map(|metric| &metric.name), || "metrics".to_owned(), work)?;
    for metric in &module.metrics {
        exists(module, metric.ty, || format!("metric {}", metric.name))?;
        let carried = matches!(class(module, metric.ty), Some(Class::Word | Class::Float));
        ensure(carried, Rule::MetricType, || format!("metric {}", metric.name))?;
    }
    Ok(())
}

/// A unit and a default, of a field, an input or a context value.
pub(super) fn check_extras(
    module: &Module,
    ty: TypeId,
    unit: Option<&SmolStr>,
    default: Option<&Constant>,
    place: impl Fn() -> String,
) -> Result<()> {
    if let Some(unit) = unit {
        let counts = quantity::find(unit).map(|unit| unit.ty);
        ensure(counts == Some(counted(module, ty)), Rule::Units, || format!("{}: unit {unit}", place()))?;
    }
    let Some(default) = default else { return Ok(()) };
    let fits = match (default, class(module, ty)) {
        (Constant::Word(_), Some(Class::Word)) => true,
        (Constant::Word(word), Some(Class::Bool)) => matches!(word, 0 | 1),
        (Constant::Float(float), Some(Class::Float)) => float.is_finite(),
        (Constant::String(_), Some(Class::String)) => true,
        (Constant::Empty, Some(Class::List | Class::Map | Class::Record | Class::Optional)) => true,
        (Constant::Case(case), Some(Class::Enum)) => has_plain_case(module, ty, *case),
        _ => false,
    };
    ensure(fits, Rule::Defaults, || format!("{}: its default does not fit", place()))
}

/// The type whose bare numbers a unit counts: that of the items of a list, of the values of a map, of the
/// value of an optional.
fn counted(module: &Module, ty: TypeId) -> TypeId {
    let mut ty = ty;
    // References lead to types before, so this ends; the count is for a type table not checked yet.
    for _ in 0..MAX_TYPE_DEPTH {
        match module.ty(ty) {
            Some(Type::List { element, .. }) => ty = *element,
            Some(Type::Map { value, .. }) => ty = *value,
            Some(Type::Optional(inner)) => ty = *inner,
            _ => break,
        }
    }
    ty
}

fn has_plain_case(module: &Module, ty: TypeId, case: u8) -> bool {
    let Some(Type::Enum { cases, .. }) = module.ty(ty) else { return false };
    cases.get(usize::from(case)).is_some_and(|case| case.fields.is_empty())
}

/// STATE variables, events and timers, but for the functions in them.
fn check_activations(module: &Module, work: &mut Work) -> Result<()> {
    distinct(module.states.iter().map(|state| &state.name), || "STATE variables".to_owned(), work)?;
    for state in &module.states {
        exists(module, state.ty, || format!("STATE {}", state.name))?;
    }
    distinct(module.events.iter().map(|event| &event.name), || "events".to_owned(), work)?;
    work.spend(module.timers.len())?;
    for (index, timer) in module.timers.iter().enumerate() {
        ensure(timer.period_ns >= MIN_PERIOD, Rule::Timers, || format!("the period of timer {index}"))?;
    }
    Ok(())
}

fn check_header(module: &Module, work: &mut Work) -> Result<()> {
    let Instruction { deadline_ns, budget_money, budget_tokens, rollout, expectations, reports, .. } =
        &module.instruction;
    work.spend(expectations.len())?;
    let after = rollout.as_ref().and_then(|rollout| rollout.after_ns);
    let limits = [*deadline_ns, *budget_money, *budget_tokens, after].into_iter();
    let mut limits = limits.chain(expectations.iter().map(|expectation| expectation.by_ns)).flatten();
    ensure(!limits.any(|limit| limit < 0), Rule::Limits, || {
        "a limit of the header is below zero".to_owned()
    })?;
    if let Some(Rollout { waves, .. }) = rollout {
        work.spend(waves.len())?;
        let rise = waves.is_sorted_by(|left, right| left < right);
        let inside = waves.first().is_some_and(|first| *first > 0) && waves.last() <= Some(&WHOLE);
        ensure(rise && inside, Rule::Rollout, || format!("its waves are {waves:?}"))?;
    }
    for report in reports {
        work.spend(report.metrics.len().saturating_add(1))?;
        let mut metrics = report.metrics.clone();
        metrics.sort_unstable();
        let differ = metrics.is_sorted_by(|left, right| left < right);
        let known = metrics.last().is_some_and(|last| last.index() < module.metrics.len());
        ensure(differ && known, Rule::Reports, || "its metrics".to_owned())?;
        ensure(report.every_ns.is_none_or(|every| every > 0), Rule::Reports, || "its interval".to_owned())?;
    }
    Ok(())
}

fn check_constants(module: &Module, work: &mut Work) -> Result<()> {
    work.spend(module.floats.len().saturating_add(module.strings.len()))?;
    let mut floats: Vec<u64> = module.floats.iter().map(|float| float.to_bits()).collect();
    floats.sort_unstable();
    let twice = floats.windows(2).any(|pair| pair.first() == pair.last());
    ensure(!twice, Rule::Constants, || "a float constant stands twice".to_owned())?;
    let mut strings: Vec<&SmolStr> = module.strings.iter().collect();
    strings.sort_unstable();
    let twice = strings.windows(2).any(|pair| pair.first() == pair.last());
    ensure(!twice, Rule::Constants, || "a string constant stands twice".to_owned())
}

fn check_bound(module: &Module, work: &mut Work) -> Result<()> {
    let bound = &module.bound;
    for polynomial in [&bound.fuel, &bound.memory, &bound.host_calls, &bound.money, &bound.tokens] {
        let Polynomial::Terms(terms) = polynomial else { continue };
        for term in terms {
            work.spend(term.factors.len().saturating_add(1))?;
            let plain = term.coefficient != 0
                && term.factors.is_sorted()
                && term.factors.iter().all(|factor| has_items(module, *factor));
            ensure(plain, Rule::BoundForm, || "a term of the bound".to_owned())?;
        }
        let ascending = terms.is_sorted_by(|left: &Term, right| left.factors < right.factors);
        ensure(ascending, Rule::BoundForm, || "the bound's terms do not ascend".to_owned())?;
    }
    Ok(())
}

fn has_items(module: &Module, input: InputId) -> bool {
    let input = module.inputs.get(input.index());
    input.is_some_and(|input| matches!(class(module, input.ty), Some(Class::List | Class::Map)))
}

fn check_debug(module: &Module, debug: &Debug, work: &mut Work) -> Result<()> {
    let fail = |text: &str| Err(broken(Rule::DebugForm, text));
    if debug.functions.len() != module.functions.len() {
        return fail("debug information of another number of functions");
    }
    for (about, function) in debug.functions.iter().zip(&module.functions) {
        work.spend(about.registers.len().saturating_add(about.places.len()))?;
        let named =
            about.registers.iter().all(|(register, _)| usize::from(*register) < function.registers.len());
        if !named || !about.registers.is_sorted_by(|left, right| left.0 < right.0) {
            return fail("a register that is not there, or out of order");
        }
        let placed = about.places.iter().all(|(op, place)| {
            usize::try_from(*op).is_ok_and(|op| op < function.code.len())
                && usize::from(place.file) < debug.files.len()
        });
        if !placed || !about.places.is_sorted_by(|left, right| left.0 < right.0) {
            return fail("a place of an op or in a file that is not there, or out of order");
        }
    }
    Ok(())
}

pub(super) fn class(module: &Module, ty: TypeId) -> Option<Class> {
    module.ty(ty).map(Type::class)
}

fn exists(module: &Module, ty: TypeId, place: impl Fn() -> String) -> Result<()> {
    ensure(module.ty(ty).is_some(), Rule::TypeExists, || format!("{}: type id {}", place(), ty.0))
}

/// So many names are compared each with each, which needs no memory; more are sorted.
const FEW_NAMES: usize = 8;

/// Names that are not empty and differ.
pub(super) fn distinct<'a>(
    names: impl ExactSizeIterator<Item = &'a SmolStr> + Clone,
    place: impl Fn() -> String,
    work: &mut Work,
) -> Result<()> {
    work.spend(names.len())?;
    ensure(!names.clone().any(|name| name.is_empty()), Rule::Names, || {
        format!("{}: one has no name", place())
    })?;
    let twice = if names.len() <= FEW_NAMES {
        let mut others = names.clone();
        names.into_iter().find(|name| {
            others.next();
            others.clone().any(|other| other == *name)
        })
    } else {
        let mut sorted: Vec<&SmolStr> = names.collect();
        sorted.sort_unstable();
        sorted.windows(2).find(|pair| pair.first() == pair.last()).and_then(|pair| pair.first().copied())
    };
    match twice {
        Some(name) => Err(broken(Rule::Names, format!("{}: {name} stands twice", place()))),
        None => Ok(()),
    }
}
