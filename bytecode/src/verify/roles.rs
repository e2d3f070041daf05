//! Rules about functions that the tables give a role, and about what may be called from where; they look through
//! calls.

use super::tables::class;
use super::{Result, Rule, VerifyError, Work, ensure};
use crate::module::{Amount, Effect, Function, FunctionId, Import, Module, Target};
use crate::op::Op;
use crate::types::{Class, TypeId};

/// What running a function can depend on or bring about, by itself or through what it calls: one bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Effects(u8);

impl Effects {
    /// Nothing: its result depends on its arguments alone.
    const NONE: Effects = Effects(0);
    const INPUT: Effects = Effects(1);
    const CONTEXT: Effects = Effects(1 << 1);
    const METRIC: Effects = Effects(1 << 2);
    const STATE: Effects = Effects(1 << 3);
    /// It does more than compute.
    const ACTS: Effects = Effects(1 << 4);
    /// It waits for an action.
    const WAITS: Effects = Effects(1 << 5);
    /// It issues an action that is ONCE.
    const ONCE: Effects = Effects(1 << 6);

    const fn with(self, other: Effects) -> Effects {
        Effects(self.0 | other.0)
    }

    const fn within(self, allowed: Effects) -> bool {
        self.0 & !allowed.0 == 0
    }

    /// The effects of one op, what it calls left out.
    fn of(module: &Module, op: &Op) -> Effects {
        match op {
            Op::Input { .. } => Effects::INPUT,
            Op::Context { .. } => Effects::CONTEXT,
            Op::Metric { .. } | Op::Quantile { .. } | Op::Mean { .. } => Effects::METRIC,
            Op::State { .. } => Effects::STATE,
            Op::Host { import, .. } if is_once(module.imports.get(import.index())) => {
                Effects::ACTS.with(Effects::ONCE)
            }
            Op::TryHost { .. } | Op::RetryHost { .. } => Effects::ACTS.with(Effects::WAITS),
            Op::Host { .. }
            | Op::HostValue { .. }
            | Op::RecordMetric { .. }
            | Op::TakeState { .. }
            | Op::SetState { .. }
            | Op::Within { .. }
            | Op::Stop { .. }
            | Op::Fail { .. } => Effects::ACTS,
            _ => Effects::NONE,
        }
    }
}

/// Whether this is an action that is ONCE.
pub(super) fn is_once(import: Option<&Import>) -> bool {
    import.is_some_and(|import| import.effect == Effect::Once)
}

/// A call inside of a `within` that undoes.
pub(super) struct HeldCall {
    pub(super) caller: FunctionId,
    pub(super) op: usize,
    pub(super) callee: FunctionId,
}

/// Roles and held calls. Functions are known to be well-formed.
pub(super) fn check(module: &Module, held: &[HeldCall], work: &mut Work) -> Result<()> {
    for import in &module.imports {
        let negative = costs(import).iter().any(|cost| matches!(cost, Amount::Fixed(..0)));
        ensure(!negative, Rule::CallCosts, || format!("import {}: a cost below zero", import.name))?;
    }
    if held.is_empty() && !has_roles(module) {
        return Ok(());
    }
    let roles = Roles { module, effects: effects(module, work)? };
    roles.check_costs(work)?;
    roles.check_activations(work)?;
    roles.check_header(work)?;
    work.spend(held.len())?;
    for call in held {
        let fits = roles.effects_of(call.callee).within(Effects(!Effects::WAITS.with(Effects::ONCE).0));
        ensure(fits, Rule::Held, || format!("function {} is called", call.callee.0))
            .map_err(|error| VerifyError { function: Some(call.caller), op: Some(call.op), ..error })?;
    }
    Ok(())
}

fn costs(import: &Import) -> [Amount; 2] {
    [import.cost.money, import.cost.tokens]
}

fn computed(amount: Amount) -> Option<FunctionId> {
    if let Amount::Computed(function) = amount { Some(function) } else { None }
}

/// Whether any table names a function but the entry.
fn has_roles(module: &Module) -> bool {
    let header = &module.instruction;
    header.target.is_some_and(|target| target.filter.is_some())
        || header.rollout.is_some()
        || !(header.expectations.is_empty() && header.stops.is_empty())
        || !(module.states.is_empty() && module.events.is_empty())
        || !(module.timers.is_empty() && module.vetoes.is_empty())
        || module.imports.iter().any(|import| costs(import).into_iter().any(|cost| computed(cost).is_some()))
}

struct Roles<'a> {
    module: &'a Module,
    /// Of each function.
    effects: Vec<Effects>,
}

impl<'a> Roles<'a> {
    fn effects_of(&self, id: FunctionId) -> Effects {
        self.effects.get(id.index()).copied().unwrap_or(Effects::ACTS)
    }

    fn function(&self, id: FunctionId) -> Option<&'a Function> {
        self.module.functions.get(id.index())
    }

    /// The function, if it exists and has no other effects than these.
    fn pure(&self, id: FunctionId, allowed: Effects) -> Option<&'a Function> {
        self.function(id).filter(|_| self.effects_of(id).within(allowed))
    }

    fn check_costs(&self, work: &mut Work) -> Result<()> {
        for import in &self.module.imports {
            for id in costs(import).into_iter().filter_map(computed) {
                work.spend(import.parameters.len())?;
                let fits = self.pure(id, Effects::NONE).is_some_and(|function| {
                    takes(function, &import.parameters)
                        && function
                            .result
                            .is_some_and(|result| class(self.module, result) == Some(Class::Word))
                });
                ensure(fits, Rule::CallCosts, || format!("import {}: function {}", import.name, id.0))?;
            }
        }
        Ok(())
    }

    fn check_activations(&self, work: &mut Work) -> Result<()> {
        let module = self.module;
        work.spend(module.states.len().saturating_add(module.events.len()))?;
        for state in &module.states {
            let Some(id) = state.initial else { continue };
            let function = self.pure(id, Effects::INPUT.with(Effects::CONTEXT));
            let fits = function.is_some_and(|function| gives(function, &[], Some(state.ty)));
            ensure(fits, Rule::States, || format!("STATE {}: function {}", state.name, id.0))?;
        }
        for event in &module.events {
            let fits = self.function(event.function).is_some_and(|function| function.result.is_none());
            ensure(fits, Rule::Events, || format!("event {}: function {}", event.name, event.function.0))?;
        }
        for timer in &module.timers {
            let fits = self.function(timer.function).is_some_and(|function| gives(function, &[], None));
            ensure(fits, Rule::Timers, || format!("function {}", timer.function.0))?;
        }
        let reads = [Effects::INPUT, Effects::CONTEXT, Effects::METRIC, Effects::STATE];
        let reads = reads.into_iter().fold(Effects::NONE, Effects::with);
        for veto in &module.vetoes {
            let import = module.imports.get(veto.import.index());
            let import = import.filter(|import| import.effect != Effect::Query);
            work.spend(import.map_or(0, |import| import.parameters.len()).saturating_add(1))?;
            let function = self.pure(veto.condition, reads);
            let fits = import
                .zip(function)
                .is_some_and(|(import, function)| gives(function, &import.parameters, Some(TypeId::BOOL)));
            let reason = veto.reason.index() < module.strings.len();
            ensure(fits && reason, Rule::Vetoes, || {
                format!("of import {}: function {}", veto.import.0, veto.condition.0)
            })?;
        }
        Ok(())
    }

    fn check_header(&self, work: &mut Work) -> Result<()> {
        let header = &self.module.instruction;
        if let Some(Target { filter: Some(id), .. }) = header.target {
            let fits = self.pure(id, Effects::NONE).is_some_and(|function| {
                let record = function.registers.first().and_then(|ty| class(self.module, *ty));
                function.parameters == 1
                    && record == Some(Class::Record)
                    && function.result == Some(TypeId::BOOL)
            });
            ensure(fits, Rule::Filter, || format!("function {}", id.0))?;
        }
        let gate = header.rollout.as_ref().and_then(|rollout| rollout.gate);
        let expected = header.expectations.iter().map(|expectation| expectation.condition);
        for id in expected.chain(header.stops.iter().copied()).chain(gate) {
            work.spend(1)?;
            let function = self.pure(id, Effects::METRIC.with(Effects::CONTEXT));
            let fits = function.is_some_and(|function| gives(function, &[], Some(TypeId::BOOL)));
            ensure(fits, Rule::Conditions, || format!("function {}", id.0))?;
        }
        Ok(())
    }
}

/// Whether the function's parameters have these types.
pub(super) fn takes(function: &Function, types: &[TypeId]) -> bool {
    function.registers.get(..usize::from(function.parameters)) == Some(types)
}

/// Whether the function has these parameters and this result.
fn gives(function: &Function, parameters: &[TypeId], result: Option<TypeId>) -> bool {
    takes(function, parameters) && function.result == result
}

/// The effects of each function.
fn effects(module: &Module, work: &mut Work) -> Result<Vec<Effects>> {
    let mut effects = Vec::with_capacity(module.functions.len());
    let mut callers: Vec<(usize, usize)> = Vec::new();
    for (index, function) in module.functions.iter().enumerate() {
        work.spend(function.code.len())?;
        let mut own = Effects::NONE;
        for op in &function.code {
            own = own.with(Effects::of(module, op));
            if let Op::Call { function, .. } | Op::CallValue { function, .. } = op {
                callers.push((function.index(), index));
            }
        }
        effects.push(own);
    }
    callers.sort_unstable();
    callers.dedup();
    // Each function is looked at again only when a bit was added, so at most once for each bit.
    let mut pending: Vec<usize> = (0..effects.len()).collect();
    while let Some(callee) = pending.pop() {
        let brings = effects.get(callee).copied().unwrap_or_default();
        let from = callers.partition_point(|(called, _)| *called < callee);
        for (_, caller) in callers.iter().skip(from).take_while(|(called, _)| *called == callee) {
            work.spend(1)?;
            if let Some(own) = effects.get_mut(*caller).filter(|own| !brings.within(**own)) {
                *own = own.with(brings);
                pending.push(*caller);
            }
        }
    }
    Ok(effects)
}
