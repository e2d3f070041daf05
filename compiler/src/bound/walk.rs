//! The costliest way through the code of one function.

use std::collections::BTreeMap;

use swarm_bytecode::cost;
use swarm_bytecode::layout::Layout;
use swarm_bytecode::module::{Amount, Effect, Function, FunctionId, Import, ImportId, MetricKind};
use swarm_bytecode::op::{Flow, Op, Register};
use swarm_bytecode::types::{Class, Type, TypeId};

use super::cost::{Cost, add};
use super::evaluate::cost_of_call;
use super::facts::FunctionFacts;
use super::prove::{Prover, count};
use super::sum::{Size, Sum, Unbounded, either};
use super::weight::{Weight, weight};

/// How a way leaves a stretch of code other than by its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Exit {
    /// By `break` out of the block or loop that this op opens.
    Break(usize),
    /// By `continue` of the loop that this op opens.
    Continue(usize),
    /// By the end of the function or the run.
    Leave,
}

/// The costliest way through a stretch of code to its end, if any comes there, and to each of its exits.
pub(crate) struct Ways {
    through: Option<Cost>,
    exits: BTreeMap<Exit, Cost>,
}

impl Ways {
    /// What is at least as much as every way costs.
    pub(crate) fn costliest(self) -> Cost {
        let through = self.through.unwrap_or_else(Cost::zero);
        self.exits.into_values().fold(through, |costliest, exit| costliest.or(&exit))
    }

    fn exit(&mut self, exit: Exit, cost: Cost) {
        let known = self.exits.remove(&exit);
        let cost = known.map_or_else(|| cost.clone(), |known| known.or(&cost));
        self.exits.insert(exit, cost);
    }

    /// One stretch or another.
    fn or(mut self, other: Ways) -> Ways {
        self.through = either_way(self.through, other.through);
        for (exit, cost) in other.exits {
            self.exit(exit, cost);
        }
        self
    }
}

fn either_way(left: Option<Cost>, right: Option<Cost>) -> Option<Cost> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.or(&right)),
        (left, right) => left.or(right),
    }
}

/// The walk over one function.
pub(crate) struct Walk<'w, 'm> {
    pub(crate) prover: &'w mut Prover<'m>,
    pub(crate) function: &'w Function,
    pub(crate) facts: &'w FunctionFacts,
    pub(crate) layout: &'w Layout,
}

impl Walk<'_, '_> {
    /// The ways through the ops from `start` up to `end`.
    pub(crate) fn region(&mut self, start: usize, end: usize) -> Ways {
        let function = self.function;
        let mut ways = Ways { through: Some(Cost::zero()), exits: BTreeMap::new() };
        let mut at = start;
        while at < end {
            let (Some(op), Some(mut cost)) = (function.code.get(at), ways.through.take()) else { break };
            cost.add_fuel(u64::from(op.info().cost));
            let behind = at.saturating_add(1);
            match op.info().flow {
                Flow::Open | Flow::OpenLoop => {
                    let (inner, next) = match op {
                        Op::If { .. } => self.branch(at),
                        Op::Block {} => self.block(at),
                        _ => self.repeat(at),
                    };
                    for (exit, more) in inner.exits {
                        ways.exit(exit, cost.clone().then(&more));
                    }
                    ways.through = inner.through.map(|more| cost.then(&more));
                    at = next;
                }
                Flow::Branch => {
                    let opening = self.layout.partner(at).unwrap_or(0);
                    let breaks = matches!(op, Op::Break { .. });
                    ways.exit(if breaks { Exit::Break(opening) } else { Exit::Continue(opening) }, cost);
                }
                Flow::Leave => ways.exit(Exit::Leave, cost),
                _ => {
                    self.op(at, op, &mut cost);
                    ways.through = Some(cost);
                    at = behind;
                }
            }
        }
        ways
    }

    /// Where the block that op `at` opens, or its first arm, is closed.
    fn close(&self, at: usize) -> usize {
        self.layout.partner(at).unwrap_or(self.function.code.len())
    }

    /// An `if` with its arms, and the index behind its `end`.
    fn branch(&mut self, at: usize) -> (Ways, usize) {
        let partner = self.close(at);
        let behind = partner.saturating_add(1);
        if let Some(Op::Else { .. }) = self.function.code.get(partner) {
            let first = self.region(at.saturating_add(1), behind);
            let end = self.close(partner);
            let second = self.region(behind, end);
            return (first.or(second), end.saturating_add(1));
        }
        let mut ways = self.region(at.saturating_add(1), partner);
        ways.through = Some(ways.through.unwrap_or_else(Cost::zero));
        (ways, behind)
    }

    /// A `block`, and the index behind its `end`.
    fn block(&mut self, at: usize) -> (Ways, usize) {
        let end = self.close(at);
        let mut ways = self.region(at.saturating_add(1), end);
        let broken = ways.exits.remove(&Exit::Break(at));
        ways.through = either_way(ways.through, broken);
        (ways, end.saturating_add(1))
    }

    /// A loop, and the index behind its closing op. Only the last round can leave it, so a way that leaves costs at
    /// most all rounds and that way.
    fn repeat(&mut self, at: usize) -> (Ways, usize) {
        let close = self.close(at);
        let span = self.facts.span;
        let unknown = || Err(Unbounded { span, reason: "a loop that goes round any number of times".into() });
        let rounds = self.facts.loops.get(&at).cloned().unwrap_or_else(unknown);
        let mut body = self.region(at.saturating_add(1), close);
        let round = either_way(body.through.take(), body.exits.remove(&Exit::Continue(at)));
        let closing = self.function.code.get(close).map_or(0, |op| op.info().cost);
        let all = round.map_or_else(Cost::zero, |mut round| {
            round.add_fuel(u64::from(closing));
            round.repeated(&rounds, span)
        });
        let broken = body.exits.remove(&Exit::Break(at)).unwrap_or_else(Cost::zero);
        let exits = body.exits.into_iter().map(|(exit, cost)| (exit, all.clone().then(&cost))).collect();
        (Ways { through: Some(all.then(&broken)), exits }, close.saturating_add(1))
    }

    /// All that an op costs beside its static fuel.
    fn op(&mut self, at: usize, op: &Op, cost: &mut Cost) {
        match op {
            Op::Call { function, .. } | Op::CallValue { function, .. } => self.call(at, *function, cost),
            Op::Host { import, arguments } | Op::HostValue { import, arguments, .. } => {
                self.host(at, *import, arguments, cost);
            }
            Op::Metric { metric, .. } => {
                let gauge = self.prover.module.metrics.get(metric.index());
                if gauge.is_none_or(|metric| metric.kind != MetricKind::Total) {
                    allocate(1, cost);
                }
            }
            Op::EqString { .. } | Op::LtString { .. } | Op::LeString { .. } => {
                let text = self.facts.texts.get(&at).copied().unwrap_or(self.prover.text);
                cost.add_fuel(cost::compare_strings(text, text));
            }
            Op::EqValue { left, .. } => match self.weight(*left) {
                Some(weight) => cost.add_fuel(cost::compare_values(weight.slots, weight.text_charge)),
                None => add(&mut cost.fuel, &self.unknown("a comparison of lists whose type has no MAX")),
            },
            Op::NewRecord { fields: items, .. } | Op::NewList { items, .. } => {
                allocate(count(items.len()), cost)
            }
            Op::Some { .. } => allocate(1, cost),
            Op::SetField { record, .. } => {
                if let Some(Type::Record { fields, .. }) = self.ty(*record) {
                    allocate(count(fields.len()), cost);
                }
            }
            Op::SetItem { .. } => self.copy_list(at, cost),
            _ => {}
        }
    }

    /// A write may copy the list first.
    fn copy_list(&self, at: usize, cost: &mut Cost) {
        let items = match self.facts.copies.get(&at) {
            Some(size) => size.clone(),
            None => self.unknown("a list is written whose type has no MAX"),
        };
        let words = items.map(|items| items.plus(&Sum::constant(cost::HEADER_WORDS)));
        let bytes = words.clone().map(|words| words.scaled(cost::WORD_BYTES));
        add(&mut cost.fuel, &words);
        add(&mut cost.kept, &bytes);
    }

    fn call(&mut self, at: usize, function: FunctionId, cost: &mut Cost) {
        let facts = self.facts;
        let Some(call) = facts.calls.get(&at) else {
            add(&mut cost.fuel, &self.unknown("a call of unknown arguments"));
            return;
        };
        let callee = self.prover.function(function, call.span).substitute(&call.sizes, call.span);
        *cost = std::mem::replace(cost, Cost::zero()).then(&callee);
    }

    fn host(&mut self, at: usize, id: ImportId, arguments: &[Register], cost: &mut Cost) {
        let module = self.prover.module;
        let Some(import) = module.imports.get(id.index()) else { return };
        let known = self.facts.calls.get(&at).map_or(&[][..], |call| &call.texts);
        let mut text_bytes = 0_u64;
        for (argument, &register) in arguments.iter().enumerate() {
            if self.class(register) == Some(Class::String) {
                let length = known.get(argument).copied().flatten().unwrap_or(self.prover.text);
                text_bytes = text_bytes.saturating_add(length);
            }
        }
        cost.add_fuel(cost::host_call(count(arguments.len()), text_bytes));
        add(&mut cost.host_calls, &Ok(Sum::constant(1)));
        if import.effect != Effect::Query {
            cost.add_kept(cost::action_bytes(count(arguments.len())));
        }
        if let Some(result) = import.result {
            match weight(module, result, self.prover.text) {
                Some(weight) => cost.add_kept(weight.bytes),
                None => add(&mut cost.kept, &self.unknown("an answer that is a list without MAX")),
            }
        }
        self.prices(at, import, cost);
    }

    /// Money and tokens of a host call: declared ceilings.
    fn prices(&mut self, at: usize, import: &Import, cost: &mut Cost) {
        let (module, facts) = (self.prover.module, self.facts);
        let call = facts.calls.get(&at);
        let span = call.map_or(facts.span, |call| call.span);
        for (amount, tokens) in [(import.cost.money, false), (import.cost.tokens, true)] {
            let price: Size = match amount {
                Amount::Fixed(price) => Ok(Sum::constant(u64::try_from(price).unwrap_or(0))),
                Amount::Computed(function) => {
                    let own = self.prover.function(function, span);
                    add(&mut cost.fuel, &own.fuel);
                    add(&mut cost.kept, &own.kept);
                    cost.frames = either(std::mem::replace(&mut cost.frames, Ok(Sum::zero())), &own.frames);
                    let constants = call.map_or(&[][..], |call| &call.constants);
                    let unknown = || Unbounded {
                        span,
                        reason: "this price is known only when the program runs".into(),
                    };
                    cost_of_call(module, function, constants).map(Sum::constant).ok_or_else(unknown)
                }
            };
            add(if tokens { &mut cost.tokens } else { &mut cost.money }, &price);
        }
    }

    fn type_id(&self, register: Register) -> Option<TypeId> {
        self.function.registers.get(usize::from(register.0)).copied()
    }

    fn ty(&self, register: Register) -> Option<&Type> {
        self.prover.module.ty(self.type_id(register)?)
    }

    fn class(&self, register: Register) -> Option<Class> {
        self.ty(register).map(Type::class)
    }

    fn weight(&self, register: Register) -> Option<Weight> {
        weight(self.prover.module, self.type_id(register)?, self.prover.text)
    }

    fn unknown(&self, reason: &str) -> Size {
        Err(Unbounded { span: self.facts.span, reason: reason.into() })
    }
}

/// An object of so many slots is made.
fn allocate(slots: u64, cost: &mut Cost) {
    let words = cost::object_words(slots);
    cost.add_fuel(cost::allocate(words));
    cost.add_kept(cost::object_bytes(words));
}
