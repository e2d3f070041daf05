//! Blocks with budgets of their own (rule F9): opened, closed with what they did kept, or undone.
//!
//! A budget is an absolute mark, like a limit: of time, or of what the calls inside may reserve and spend. A
//! call is reserved against all open blocks at once. If it does not fit several, the outermost of them
//! decides.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use swarm_bytecode::cost;
use swarm_bytecode::quantity::format;
use swarm_bytecode::trap::LimitKind;
use swarm_bytecode::types::TypeId;

use super::state::{CallState, Phase, RunState};
use super::{Driver, Halt};
use crate::decode::{Budget, is_reference};
use crate::host::Host;
use crate::machine::Pause;
use crate::metric::MetricState;
use crate::slot;
use crate::trace::{EventKind, Tag, put_text};

/// A `within` that is open.
#[derive(Debug)]
pub(crate) struct OpenWithin {
    /// Its number in the code.
    pub(crate) within: u32,
    /// If it undoes: the word behind its `within.else`.
    pub(crate) otherwise: Option<usize>,
    /// Where its function's frame lies: callers below it.
    pub(crate) frames: usize,
    /// By the host's clock.
    pub(crate) deadline_ns: Option<u64>,
    pub(crate) duration: i64,
    pub(crate) money: Option<Purse>,
    pub(crate) tokens: Option<Purse>,
    /// The first host call inside.
    pub(crate) first_call: u64,
    /// The first action inside.
    pub(crate) first_action: usize,
    /// Where its saved slots begin: registers, then STATE.
    pub(crate) saved: usize,
    /// Logical bytes it holds.
    pub(crate) bytes: u64,
    /// Metrics as they were before their first sample inside, by index: [`MetricState::before`].
    pub(crate) metrics: BTreeMap<usize, MetricState>,
}

/// What may be spent, and what is reserved or spent of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Purse {
    pub(crate) budget: i64,
    pub(crate) used: i64,
}

impl Purse {
    fn new(budget: i64) -> Purse {
        Purse { budget, used: 0 }
    }

    fn fits(purse: Option<Purse>, more: i64) -> bool {
        purse.is_none_or(|purse| more == 0 || purse.used.saturating_add(more) <= purse.budget)
    }

    fn add(purse: &mut Option<Purse>, more: i64) {
        if let Some(purse) = purse {
            purse.used = purse.used.saturating_add(more);
        }
    }
}

impl OpenWithin {
    /// Whether what it did can be undone.
    pub(crate) fn undoes(&self) -> bool {
        self.otherwise.is_some()
    }
}

impl Driver<'_, '_> {
    /// The `within` op: pays for what it saves, saves it, starts the budgets. A duration
    /// that is not above 0 is over at once.
    pub(super) fn open_within(&mut self, number: u32, host: &Host<'_>) -> Result<(), Halt> {
        let code = self.program.code();
        let within = code.withins.get(slot::index(number)).ok_or(Pause::Internal)?;
        let undoes = within.otherwise.is_some();
        let module = code.module();
        let size = |length: usize| u64::from(slot::count(length));
        let (states, metrics) = if undoes { (module.states.len(), module.metrics.len()) } else { (0, 0) };
        let kept = cost::within(size(within.saved.len()), size(states), size(metrics));
        self.state.machine.settle(self.origin(), kept)?;
        let bytes = cost::within_bytes(kept);
        self.state.machine.memory.take(bytes).map_err(Pause::Limit)?;
        let RunState { machine, withins, saved, meters, actions, .. } = &mut *self.state;
        let mut open = OpenWithin {
            within: number,
            otherwise: within.otherwise.map(slot::index),
            frames: machine.frames.len(),
            deadline_ns: None,
            duration: 0,
            money: None,
            tokens: None,
            first_call: meters.host_calls,
            first_action: actions.len(),
            saved: saved.len(),
            bytes,
            metrics: BTreeMap::new(),
        };
        for (budget, register) in &within.budgets {
            let amount = machine.register(*register).cast_signed();
            match budget {
                Budget::Duration => {
                    open.duration = amount;
                    let span = amount.max(0).cast_unsigned();
                    open.deadline_ns = Some(host.now_ns().saturating_add(span));
                }
                Budget::Money => open.money = Some(Purse::new(amount)),
                Budget::Tokens => open.tokens = Some(Purse::new(amount)),
            }
        }
        if undoes {
            for register in &within.saved {
                let value = machine.register(register.register);
                if register.shares {
                    machine.heap.share(value);
                }
                saved.push(value);
            }
            for (state, declared) in machine.states.iter().zip(&module.states) {
                if is_reference(module, declared.ty) {
                    machine.heap.share(*state);
                }
                saved.push(*state);
            }
        }
        // Without this it would strike where the clock is looked at next, wherever that is.
        let over = open.deadline_ns.is_some() && open.duration <= 0;
        let at = withins.len();
        withins.push(open);
        self.tell_within(number, Tag::Within, None);
        if over {
            return Err(Halt::Struck(at, LimitKind::Deadline));
        }
        self.step(1);
        Ok(())
    }

    /// Tells what became of a `within`; `limit` is the budget that was not enough.
    fn tell_within(&mut self, number: u32, tag: Tag, limit: Option<LimitKind>) {
        let code = self.program.code();
        let phase = code.withins.get(slot::index(number)).map(|within| within.phase);
        let phase = phase.and_then(|phase| code.module().strings.get(phase.index())).map_or("", |name| name);
        let kind = match (tag, limit) {
            (Tag::Within, _) => EventKind::Within { phase },
            (_, Some(limit)) => EventKind::WithinUndone { phase, limit },
            (_, None) => EventKind::WithinEnd { phase },
        };
        let payload = |bytes: &mut Vec<u8>| {
            put_text(bytes, phase);
            if let Some(limit) = limit {
                put_text(bytes, limit.code());
            }
        };
        self.effect_event(tag, payload, kind);
    }

    /// The run goes on behind this many `within`s: what they did is kept.
    pub(super) fn leave_withins(&mut self, count: u8) -> Result<(), Halt> {
        self.state.machine.settle(self.origin(), 0)?;
        self.keep_withins(usize::from(count));
        let op = self.at();
        self.step(1);
        // The jump out of them is part of the same op.
        self.state.machine.seen = self.at() == op;
        let held = self.state.actions.holds() && !self.state.holds(self.settings);
        if held {
            self.state.phase = Phase::Applying(None);
        }
        Ok(())
    }

    /// Closes the innermost `within`s; what they did is kept.
    pub(super) fn keep_withins(&mut self, count: usize) {
        for _ in 0..count {
            let Some(closed) = self.state.withins.pop() else { return };
            self.state.machine.memory.give_back(closed.bytes);
            self.state.saved.truncate(closed.saved);
            // What it remembers of metrics, an outer one that undoes may still need.
            if let Some(outer) = self.state.withins.iter_mut().rev().find(|outer| outer.undoes()) {
                if outer.metrics.is_empty() {
                    outer.metrics = closed.metrics;
                } else {
                    for (at, metric) in closed.metrics {
                        match outer.metrics.entry(at) {
                            Entry::Occupied(before) => before.into_mut().recorded_inside(metric),
                            Entry::Vacant(place) => {
                                place.insert(metric);
                            }
                        }
                    }
                }
            }
            self.tell_within(closed.within, Tag::WithinEnd, None);
        }
    }

    /// A budget is used up: undoes the block, or ends the run.
    pub(super) fn strike(&mut self, at: usize, limit: LimitKind, used: i64) {
        match self.state.withins.get(at).map(|within| within.otherwise) {
            Some(Some(otherwise)) => self.undo(at, otherwise, limit, used),
            _ => self.limit_of(Some(at), limit, used),
        }
    }

    /// Puts back what the block changed, and goes on behind its `within.else`. What was spent stays spent.
    fn undo(&mut self, at: usize, otherwise: usize, limit: LimitKind, used: i64) {
        let code = self.program.code();
        let number = self.state.withins.get(at).map_or(0, |within| within.within);
        self.tell_within(number, Tag::WithinUndone, Some(limit));
        // A call at hand will not be made; nor will what it was waiting for be computed.
        self.state.call = CallState::default();
        while self.state.withins.len() > at {
            let Some(closed) = self.state.withins.pop() else { break };
            let RunState { machine, saved, .. } = &mut *self.state;
            machine.unwind(code, closed.frames);
            machine.memory.give_back(closed.bytes);
            for (metric, before) in closed.metrics {
                if let Some(metric) = machine.metrics.get_mut(metric) {
                    metric.restore(before);
                }
            }
            if let Some(within) =
                code.withins.get(slot::index(closed.within)).filter(|_| closed.otherwise.is_some())
            {
                let kept = saved.get(closed.saved..).unwrap_or(&[]);
                let (registers, states) = kept.split_at_checked(within.saved.len()).unwrap_or((kept, &[]));
                for (register, value) in within.saved.iter().zip(registers) {
                    machine.set_register(register.register, *value);
                }
                for (state, value) in machine.states.iter_mut().zip(states) {
                    *state = *value;
                }
            }
            saved.truncate(closed.saved);
            self.take_back_actions(closed.first_action);
        }
        self.state.phase = Phase::Running;
        self.state.machine.seen = false;
        self.state.machine.go_to(code, otherwise, used);
    }

    /// Drops the held actions from this one on and gives back what was reserved for them.
    fn take_back_actions(&mut self, first: usize) {
        for (number, cost) in Arc::make_mut(&mut self.state.actions).take_back(first) {
            self.release(number, cost, (0, 0));
            self.state.meters.actions_undone = self.state.meters.actions_undone.saturating_add(1);
        }
    }

    /// Keeps for the innermost `within` that undoes what it needs to take a sample out again.
    pub(super) fn save_metric(&mut self, metric: usize, sample: u64) {
        let RunState { machine, withins, .. } = &mut *self.state;
        let Some(within) = withins.iter_mut().rev().find(|within| within.undoes()) else { return };
        let Some(state) = machine.metrics.get(metric) else { return };
        within.metrics.entry(metric).or_insert_with(|| state.before()).recorded(sample);
    }

    /// Reserves a call's cost in every open `within`, if it fits all of them.
    pub(super) fn reserve_within(&mut self, money: i64, tokens: i64) -> Result<(), Halt> {
        for (at, within) in self.state.withins.iter().enumerate() {
            if !Purse::fits(within.money, money) {
                return Err(Halt::Struck(at, LimitKind::Money));
            }
            if !Purse::fits(within.tokens, tokens) {
                return Err(Halt::Struck(at, LimitKind::Tokens));
            }
        }
        for within in &mut self.state.withins {
            Purse::add(&mut within.money, money);
            Purse::add(&mut within.tokens, tokens);
        }
        Ok(())
    }

    /// Turns what was reserved for a call into what was spent, wherever it was reserved.
    pub(super) fn release(&mut self, number: u64, reserved: (i64, i64), spent: (i64, i64)) {
        let money = spent.0.saturating_sub(reserved.0);
        let tokens = spent.1.saturating_sub(reserved.1);
        for within in self.state.withins.iter_mut().filter(|within| within.first_call <= number) {
            Purse::add(&mut within.money, money);
            Purse::add(&mut within.tokens, tokens);
        }
        let meters = &mut self.state.meters;
        meters.money_reserved = meters.money_reserved.saturating_sub(reserved.0);
        meters.tokens_reserved = meters.tokens_reserved.saturating_sub(reserved.1);
    }

    /// The budget of an open `within`, as text.
    pub(super) fn budget_text(&self, at: usize, limit: LimitKind) -> String {
        let Some(within) = self.state.withins.get(at) else { return String::new() };
        let purse = |purse: Option<Purse>| purse.map_or(0, |purse| purse.budget);
        match limit {
            LimitKind::Money => format(TypeId::MONEY, purse(within.money)),
            LimitKind::Tokens => format(TypeId::TOKENS, purse(within.tokens)),
            _ => format(TypeId::DURATION, within.duration),
        }
    }
}
