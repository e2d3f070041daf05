//! The costliest way through the code of one function.

use swarm_bytecode::layout::Layout;
use swarm_bytecode::module::Function;
use swarm_bytecode::op::{Flow, Op};

use super::cost::Cost;
use super::facts::{FunctionFacts, WithinFacts};
use super::prove::Prover;
use super::sum::{Size, Unbounded};

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
    /// In order; few ways leave.
    exits: Vec<(Exit, Cost)>,
}

impl Ways {
    /// What is at least as much as every way costs.
    pub(crate) fn costliest(self) -> Cost {
        let all = self.through.into_iter().chain(self.exits.into_iter().map(|(_, cost)| cost));
        all.reduce(|costliest, cost| costliest.or(&cost)).unwrap_or_else(Cost::zero)
    }

    fn exit(&mut self, exit: Exit, cost: Cost) {
        let cost = match self.take(exit) {
            Some(known) => known.or(&cost),
            None => cost,
        };
        let at = self.exits.partition_point(|(known, _)| *known < exit);
        self.exits.insert(at, (exit, cost));
    }

    /// The way to an exit, which is none any more.
    fn take(&mut self, exit: Exit) -> Option<Cost> {
        let at = self.exits.binary_search_by_key(&exit, |(known, _)| *known).ok()?;
        Some(self.exits.remove(at).1)
    }

    /// The way to the end goes to an exit instead.
    fn leave(&mut self, exit: Exit) {
        if let Some(cost) = self.through.take() {
            self.exit(exit, cost);
        }
    }

    /// One stretch or another.
    fn or(mut self, other: Ways) -> Ways {
        self.through = either_way(self.through, other.through);
        for (exit, cost) in other.exits {
            self.exit(exit, cost);
        }
        self
    }

    /// The same with each cost changed.
    fn map(self, change: impl Fn(Cost) -> Cost) -> Ways {
        Ways {
            through: self.through.map(&change),
            exits: self.exits.into_iter().map(|(exit, cost)| (exit, change(cost))).collect(),
        }
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
    /// The ways through the ops from `start` up to `end`, with what was paid before.
    pub(crate) fn region(&mut self, start: usize, end: usize, before: Cost) -> Ways {
        let function = self.function;
        let mut ways = Ways { through: Some(before), exits: Vec::new() };
        let mut at = start;
        while at < end {
            let (Some(op), Some(cost)) = (function.code.get(at), &mut ways.through) else { break };
            self.own_cost(at, op, cost);
            let behind = at.saturating_add(1);
            match op.info().flow {
                Flow::Open | Flow::OpenLoop | Flow::OpenWithin => {
                    let Some(before) = ways.through.take() else { break };
                    let (inner, next) = match op {
                        Op::If { .. } => self.branch(at, before),
                        Op::Block {} => self.block(at, before),
                        Op::Within { .. } => self.within(at, &before),
                        _ => self.repeat(at, before),
                    };
                    for (exit, cost) in inner.exits {
                        ways.exit(exit, cost);
                    }
                    ways.through = inner.through;
                    at = next;
                }
                Flow::Branch => {
                    let opening = self.layout.partner(at).unwrap_or(0);
                    let breaks = matches!(op, Op::Break { .. });
                    ways.leave(if breaks { Exit::Break(opening) } else { Exit::Continue(opening) });
                }
                Flow::Leave => ways.leave(Exit::Leave),
                _ => {
                    self.callee_cost(at, op, cost);
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
    fn branch(&mut self, at: usize, before: Cost) -> (Ways, usize) {
        let (first, partner) = (at.saturating_add(1), self.close(at));
        let behind = partner.saturating_add(1);
        if let Some(Op::Else { .. }) = self.function.code.get(partner) {
            let ways = self.region(first, behind, before.clone());
            let end = self.close(partner);
            return (ways.or(self.region(behind, end, before)), end.saturating_add(1));
        }
        // The way past the arm costs no more than that through it, if there is one.
        let arm = self.function.code.get(first..partner).unwrap_or(&[]);
        let leaves = arm.iter().any(|op| matches!(op.info().flow, Flow::Branch | Flow::Leave));
        let past = leaves.then(|| before.clone());
        let mut ways = self.region(first, partner, before);
        ways.through = ways.through.or(past);
        (ways, behind)
    }

    /// A `block`, and the index behind its `end`.
    fn block(&mut self, at: usize, before: Cost) -> (Ways, usize) {
        let end = self.close(at);
        let mut ways = self.region(at.saturating_add(1), end, before);
        let broken = ways.take(Exit::Break(at));
        ways.through = either_way(ways.through, broken);
        (ways, end.saturating_add(1))
    }

    /// A `within`, and the index behind it. Its budgets hold what its calls cost. A budget can run out
    /// anywhere in the block; then all of it was for nothing, and what stands behind `within.else` comes on
    /// top.
    fn within(&mut self, at: usize, before: &Cost) -> (Ways, usize) {
        let partner = self.close(at);
        let behind = partner.saturating_add(1);
        let body = self.region(at.saturating_add(1), behind, Cost::zero());
        let none = WithinFacts::default();
        let facts = self.facts;
        let limits = facts.withins.get(at).unwrap_or(&none);
        let prover = &*self.prover;
        let body = body.map(|cost| {
            before.clone().then(&cost.limited(
                |money| prover.limited(money, limits.money.as_ref()),
                |tokens| prover.limited(tokens, limits.tokens.as_ref()),
            ))
        });
        if !matches!(self.function.code.get(partner), Some(Op::WithinElse {})) {
            return (body, behind);
        }
        let Ways { through, exits } = body;
        let spent = Ways { through: through.clone(), exits: exits.clone() }.costliest();
        let end = self.close(partner);
        let otherwise = self.region(behind, end, spent);
        (Ways { through, exits }.or(otherwise), end.saturating_add(1))
    }

    /// A loop, and the index behind its closing op. Only the last round can leave it, so a way that leaves
    /// costs at most all rounds and that way.
    fn repeat(&mut self, at: usize, before: Cost) -> (Ways, usize) {
        let close = self.close(at);
        let span = self.facts.span;
        let rounds = self.rounds(at);
        let mut body = self.region(at.saturating_add(1), close, Cost::zero());
        let round = either_way(body.through.take(), body.take(Exit::Continue(at)));
        let closing = self.function.code.get(close).map_or(0, |op| op.info().cost);
        let mut all = before;
        if let Some(mut round) = round {
            round.add_fuel(u64::from(closing));
            all.follow(&round.repeated(&rounds, span));
        }
        let broken = body.take(Exit::Break(at));
        let exits = body.exits.into_iter().map(|(exit, cost)| (exit, all.clone().then(&cost))).collect();
        if let Some(broken) = broken {
            all.follow(&broken);
        }
        (Ways { through: Some(all), exits }, close.saturating_add(1))
    }

    /// How often the loop that op `at` opens goes round.
    pub(crate) fn rounds(&self, at: usize) -> Size {
        let unknown = || Err(Unbounded::new(self.facts.span, "a loop that goes round any number of times"));
        self.facts.rounds.get(at).cloned().unwrap_or_else(unknown)
    }
}
