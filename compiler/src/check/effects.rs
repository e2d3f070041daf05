//! What functions do besides computing, and who calls whom.

use std::collections::{BTreeMap, BTreeSet};

use swarm_bytecode::module::MetricId;
use swarm_grammar::span::Span;

use crate::typed::FunctionIndex;

/// What an expression or a function may do besides giving a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// Calls an ACTION.
    Action,
    /// Waits for an ACTION: TRY, RETRY.
    Try,
    /// Calls an ACTION that is ONCE.
    Once,
    /// Asks a QUERY.
    Query,
    /// RECORDs a sample.
    Record,
    /// Assigns a STATE variable.
    Assign,
    /// Opens a budget: WITHIN, PHASE.
    Budget,
    /// Ends the run: STOP, FAIL, REQUIRE.
    Halt,
    /// Reads an INPUT.
    Input,
    /// Reads a CONTEXT value.
    Context,
    /// Reads a METRIC.
    Metric,
    /// Reads a STATE variable.
    State,
}

impl Effect {
    pub(crate) const ALL: [Effect; 12] = [
        Effect::Action,
        Effect::Try,
        Effect::Once,
        Effect::Query,
        Effect::Record,
        Effect::Assign,
        Effect::Budget,
        Effect::Halt,
        Effect::Input,
        Effect::Context,
        Effect::Metric,
        Effect::State,
    ];

    const fn bit(self) -> u16 {
        1 << (self as u16)
    }
}

/// Which effects a place admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowed(u16);

impl Allowed {
    /// Computation only: TARGET, COSTS, constants.
    pub(crate) const NOTHING: Allowed = Allowed(0);
    /// The first value of a STATE, what a TEST gives: they may look at what the host gives.
    pub(crate) const GIVEN: Allowed = Allowed(Effect::Input.bit() | Effect::Context.bit());
    /// The header: figures of the fleet, and the order's context.
    pub(crate) const FIGURES: Allowed = Allowed(Effect::Metric.bit() | Effect::Context.bit());
    /// A look at everything there is: VETO, what a TEST expects.
    pub(crate) const LOOKING: Allowed = Allowed(Self::GIVEN.0 | Effect::Metric.bit() | Effect::State.bit());
    /// A statement.
    pub(crate) const EVERYTHING: Allowed = Allowed(u16::MAX);
    /// WHERE and aggregates: everything but to act.
    pub(crate) const NO_ACTION: Allowed = Allowed(!Effect::Action.bit());
    /// A block that can be undone: no action whose outcome has to be known, or which must not happen twice.
    pub(crate) const HELD: Allowed = Allowed(!(Effect::Try.bit() | Effect::Once.bit()));

    pub(crate) fn admits(self, effect: Effect) -> bool {
        self.0 & effect.bit() != 0
    }

    /// What both admit.
    pub(crate) fn and(self, other: Allowed) -> Allowed {
        Allowed(self.0 & other.0)
    }
}

/// A call of a function.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    pub(crate) callee: FunctionIndex,
    pub(crate) span: Span,
    /// What the place of the call admits.
    pub(crate) allowed: Allowed,
}

/// What one function was seen to do.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    effects: u16,
    pub(crate) calls: Vec<Call>,
    /// Metrics it reads, each where it first does.
    pub(crate) metrics_read: BTreeMap<MetricId, Span>,
    /// Metrics it records.
    pub(crate) metrics_recorded: BTreeSet<MetricId>,
}

impl Facts {
    pub(crate) fn note(&mut self, effect: Effect) {
        self.effects |= effect.bit();
    }
}

/// Who calls whom, over all functions by index.
#[derive(Debug, Default)]
pub(crate) struct CallGraph {
    pub(crate) facts: Vec<Facts>,
}

impl CallGraph {
    fn of(&self, function: usize) -> &[Call] {
        self.facts.get(function).map_or(&[], |facts| facts.calls.as_slice())
    }

    /// The effects of each function, its callees' included.
    pub(crate) fn effects(&self) -> Vec<u16> {
        let mut effects: Vec<u16> = self.facts.iter().map(|facts| facts.effects).collect();
        let mut callers: Vec<Vec<usize>> = vec![Vec::new(); self.facts.len()];
        for caller in 0..self.facts.len() {
            for call in self.of(caller) {
                if let Some(list) = callers.get_mut(index(call.callee)) {
                    list.push(caller);
                }
            }
        }
        // Each function comes back at most once for each effect it gains.
        let mut pending: Vec<usize> = (0..self.facts.len()).collect();
        while let Some(callee) = pending.pop() {
            let own = effects.get(callee).copied().unwrap_or(0);
            for &caller in callers.get(callee).map_or(&[][..], Vec::as_slice) {
                if let Some(effect) = effects.get_mut(caller)
                    && *effect | own != *effect
                {
                    *effect |= own;
                    pending.push(caller);
                }
            }
        }
        effects
    }

    /// Which functions can be reached from these.
    pub(crate) fn reachable(&self, roots: impl IntoIterator<Item = FunctionIndex>) -> Vec<bool> {
        let mut seen = vec![false; self.facts.len()];
        let mut pending: Vec<usize> = roots.into_iter().map(index).collect();
        while let Some(function) = pending.pop() {
            match seen.get_mut(function) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            pending.extend(self.of(function).iter().map(|call| index(call.callee)));
        }
        seen
    }

    /// A call that closes a circle, for each circle of functions: found by a walk in depth that marks who is
    /// on the way.
    pub(crate) fn recursive_calls(&self) -> Vec<Call> {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            OnTheWay,
            Done,
        }
        let mut marks = vec![Mark::New; self.facts.len()];
        let mut found = Vec::new();
        for root in 0..self.facts.len() {
            // (function, how many of its calls were followed)
            let mut way = vec![(root, 0_usize)];
            if marks.get(root) != Some(&Mark::New) {
                continue;
            }
            while let Some((function, next)) = way.last_mut() {
                let function = *function;
                if let Some(mark) = marks.get_mut(function) {
                    *mark = Mark::OnTheWay;
                }
                let Some(call) = self.of(function).get(*next) else {
                    if let Some(mark) = marks.get_mut(function) {
                        *mark = Mark::Done;
                    }
                    way.pop();
                    continue;
                };
                *next = next.saturating_add(1);
                match marks.get(index(call.callee)) {
                    Some(Mark::New) => way.push((index(call.callee), 0)),
                    Some(Mark::OnTheWay) => found.push(*call),
                    _ => {}
                }
            }
        }
        found
    }

    /// Calls at places that do not admit what the callee does: the call, and one such effect.
    pub(crate) fn forbidden_calls(&self) -> Vec<(Call, Effect)> {
        let effects = self.effects();
        let all = self.facts.iter().flat_map(|facts| &facts.calls);
        let forbidden = all.filter_map(|call| {
            let own = effects.get(index(call.callee)).copied().unwrap_or(0);
            let effect = Effect::ALL
                .into_iter()
                .find(|&effect| own & effect.bit() != 0 && !call.allowed.admits(effect))?;
            Some((*call, effect))
        });
        forbidden.collect()
    }
}

pub(crate) fn index(function: FunctionIndex) -> usize {
    usize::try_from(function.0).unwrap_or(usize::MAX)
}
