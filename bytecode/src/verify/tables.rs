//! Rules about the module's tables.

use smol_str::SmolStr;

use super::{Result, Rule, Work, broken, ensure};
use crate::module::{Amount, Debug, Effect, Function, FunctionId, Import, InputId, Module, Polynomial, Term};
use crate::op::Op;
use crate::quantity;
use crate::types::{Class, Constant, Field, Type, TypeId};

/// Types nest at most so deep.
const MAX_TYPE_DEPTH: u8 = 16;

/// All rules that need no function's code.
pub(super) fn check(module: &Module, work: &mut Work) -> Result<()> {
    check_types(module, work)?;
    check_imports(module, work)?;
    check_host_data(module, work)?;
    check_header(module)?;
    check_constants(module, work)?;
    let entry = module.functions.get(module.entry.index());
    let entry = entry.ok_or_else(|| broken(Rule::Entry, "there is no such function"))?;
    ensure(entry.parameters == 0, Rule::Entry, || "the entry takes parameters".to_owned())?;
    check_bound(module, work)?;
    module.debug.as_ref().map_or(Ok(()), |debug| check_debug(module, debug, work))
}

fn check_types(module: &Module, work: &mut Work) -> Result<()> {
    let mut depths: Vec<u8> = Vec::with_capacity(module.types.len());
    for (index, ty) in module.types.iter().enumerate() {
        work.spend(1)?;
        // The depth of a type that stands before this one.
        let depth = |id: TypeId| match id.0.checked_sub(TypeId::BUILTIN_COUNT) {
            None => Ok(0),
            Some(own) => depths.get(usize::from(own)).copied().ok_or_else(|| {
                broken(Rule::TypeExists, format!("type {index} of the module refers to type id {}", id.0))
            }),
        };
        let inner = match ty {
            Type::List { element, .. } => depth(*element)?,
            Type::Optional(inner) => {
                let depth = depth(*inner)?;
                ensure(!matches!(module.ty(*inner), Some(Type::Optional(_))), Rule::NestedOptional, || {
                    format!("type {index} of the module is an optional of an optional")
                })?;
                depth
            }
            Type::Record { name, fields } => {
                let mut deepest = 0;
                for field in fields {
                    deepest = deepest.max(depth(field.ty)?);
                }
                check_record(module, name, fields, work)?;
                deepest
            }
            Type::Rate(_) => 0,
            _ => {
                return Err(broken(Rule::OwnTypes, format!("type {index} of the module is a built-in type")));
            }
        };
        let depth = inner.saturating_add(1);
        ensure(depth <= MAX_TYPE_DEPTH, Rule::TypeDepth, || {
            format!("type {index} of the module nests more than {MAX_TYPE_DEPTH} deep")
        })?;
        depths.push(depth);
    }
    Ok(())
}

fn check_record(module: &Module, name: &SmolStr, fields: &[Field], work: &mut Work) -> Result<()> {
    ensure(!name.is_empty(), Rule::Names, || "a record without a name".to_owned())?;
    distinct(fields.iter().map(|field| &field.name), || format!("fields of {name}"), work)?;
    for field in fields {
        let place = || format!("field {} of {name}", field.name);
        check_extras(module, field.ty, field.unit.as_ref(), field.default.as_ref(), place)?;
    }
    let mut keys = fields.iter().filter(|field| field.key);
    if let Some(key) = keys.next() {
        let plain = matches!(class(module, key.ty), Some(Class::Word | Class::Bool | Class::String));
        ensure(plain, Rule::KeyField, || format!("field {} of {name} cannot be a KEY", key.name))?;
        ensure(keys.next().is_none(), Rule::KeyField, || format!("{name} has more than one KEY"))?;
    }
    Ok(())
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
fn check_extras(
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
        (Constant::Empty, Some(Class::List | Class::Record | Class::Optional)) => true,
        _ => false,
    };
    ensure(fits, Rule::Defaults, || format!("{}: its default does not fit", place()))
}

/// The type whose bare numbers a unit counts: that of the items of a list, of the value of an optional.
fn counted(module: &Module, ty: TypeId) -> TypeId {
    let mut ty = ty;
    // References lead to types before, so this ends; the count is for a type table not checked yet.
    for _ in 0..MAX_TYPE_DEPTH {
        match module.ty(ty) {
            Some(Type::List { element, .. }) => ty = *element,
            Some(Type::Optional(inner)) => ty = *inner,
            _ => break,
        }
    }
    ty
}

fn check_header(module: &Module) -> Result<()> {
    let header = &module.instruction;
    let limits = [header.deadline_ns, header.budget_money, header.budget_tokens];
    let negative = limits.into_iter().flatten().any(|limit| limit < 0);
    ensure(!negative, Rule::Limits, || "a limit of the header is below zero".to_owned())
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
                && term.factors.iter().all(|factor| is_list(module, *factor));
            ensure(plain, Rule::BoundForm, || "a term of the bound".to_owned())?;
        }
        let ascending = terms.is_sorted_by(|left: &Term, right| left.factors < right.factors);
        ensure(ascending, Rule::BoundForm, || "the bound's terms do not ascend".to_owned())?;
    }
    Ok(())
}

fn is_list(module: &Module, input: InputId) -> bool {
    let input = module.inputs.get(input.index());
    input.is_some_and(|input| class(module, input.ty) == Some(Class::List))
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

/// Rules about functions that the tables give a role; they look through calls.
pub(super) fn check_roles(module: &Module, work: &mut Work) -> Result<()> {
    let computed = |amount| if let Amount::Computed(function) = amount { Some(function) } else { None };
    let costs = |import: &Import| [import.cost.money, import.cost.tokens];
    for import in &module.imports {
        let negative = costs(import).iter().any(|cost| matches!(cost, Amount::Fixed(..0)));
        ensure(!negative, Rule::CallCosts, || format!("import {}: a cost below zero", import.name))?;
    }
    let filter = module.instruction.target.and_then(|target| target.filter);
    let roles =
        module.imports.iter().any(|import| costs(import).into_iter().any(|cost| computed(cost).is_some()));
    if filter.is_none() && !roles {
        return Ok(());
    }
    let impure = impure_functions(module, work)?;
    let pure = |id: FunctionId| impure.get(id.index()) == Some(&false);
    let function = |id: FunctionId| module.functions.get(id.index());
    for import in &module.imports {
        for id in costs(import).into_iter().filter_map(computed) {
            work.spend(import.parameters.len())?;
            let fits = pure(id)
                && function(id).is_some_and(|function| {
                    takes(function, &import.parameters)
                        && function.result.is_some_and(|result| class(module, result) == Some(Class::Word))
                });
            ensure(fits, Rule::CallCosts, || format!("import {}: function {}", import.name, id.0))?;
        }
    }
    let Some(id) = filter else { return Ok(()) };
    let fits = pure(id)
        && function(id).is_some_and(|function| {
            let record = function.registers.first().and_then(|ty| class(module, *ty));
            function.parameters == 1 && record == Some(Class::Record) && function.result == Some(TypeId::BOOL)
        });
    ensure(fits, Rule::Filter, || format!("function {}", id.0))
}

/// Whether the function's parameters have these types.
pub(super) fn takes(function: &Function, types: &[TypeId]) -> bool {
    function.registers.get(..usize::from(function.parameters)) == Some(types)
}

/// For each function, whether its result can depend on more than its arguments, or it can do more than return it,
/// by itself or through what it calls.
fn impure_functions(module: &Module, work: &mut Work) -> Result<Vec<bool>> {
    let mut impure = vec![false; module.functions.len()];
    let mut callers: Vec<(usize, usize)> = Vec::new();
    for (index, function) in module.functions.iter().enumerate() {
        work.spend(function.code.len())?;
        for op in &function.code {
            match op {
                Op::Host { .. }
                | Op::HostValue { .. }
                | Op::RecordMetric { .. }
                | Op::Stop { .. }
                | Op::Fail { .. }
                | Op::Input { .. }
                | Op::Context { .. }
                | Op::Metric { .. } => {
                    if let Some(flag) = impure.get_mut(index) {
                        *flag = true;
                    }
                }
                Op::Call { function, .. } | Op::CallValue { function, .. } => {
                    callers.push((function.index(), index));
                }
                _ => {}
            }
        }
    }
    callers.sort_unstable();
    let mut pending: Vec<usize> =
        impure.iter().enumerate().filter(|(_, flag)| **flag).map(|(index, _)| index).collect();
    while let Some(callee) = pending.pop() {
        let from = callers.partition_point(|(called, _)| *called < callee);
        for (_, caller) in callers.iter().skip(from).take_while(|(called, _)| *called == callee) {
            work.spend(1)?;
            if let Some(flag) = impure.get_mut(*caller).filter(|flag| !**flag) {
                *flag = true;
                pending.push(*caller);
            }
        }
    }
    Ok(impure)
}

pub(super) fn class(module: &Module, ty: TypeId) -> Option<Class> {
    module.ty(ty).map(Type::class)
}

fn exists(module: &Module, ty: TypeId, place: impl Fn() -> String) -> Result<()> {
    ensure(module.ty(ty).is_some(), Rule::TypeExists, || format!("{}: type id {}", place(), ty.0))
}

/// Names that are not empty and differ.
fn distinct<'a>(
    names: impl Iterator<Item = &'a SmolStr>,
    place: impl Fn() -> String,
    work: &mut Work,
) -> Result<()> {
    let mut sorted: Vec<&SmolStr> = names.collect();
    work.spend(sorted.len())?;
    sorted.sort_unstable();
    ensure(!sorted.first().is_some_and(|name| name.is_empty()), Rule::Names, || {
        format!("{}: one has no name", place())
    })?;
    let twice = sorted.windows(2).find(|pair| pair.first() == pair.last()).and_then(|pair| pair.first());
    match twice {
        Some(name) => Err(broken(Rule::Names, format!("{}: {name} stands twice", place()))),
        None => Ok(()),
    }
}
