//! The bound line by line: what each line of the source adds to the worst case of an order.
//!
//! A line counts as often as it can run, whichever way the program takes, so the lines add up to more than
//! the bound where a program decides between ways. What a function of another file costs (the standard
//! library's) counts at the line that calls it.

use std::collections::BTreeMap;

use swarm_bytecode::layout::Layout;
use swarm_bytecode::module::{Bound, FunctionId, InputId, Module, Place};
use swarm_bytecode::op::{Flow, Op};

use super::Facts;
use super::cost::Cost;
use super::order::{Order, bound, wakes};
use super::prove::Prover;
use super::report::{Amounts, evaluate};
use super::sum::{Size, Sum, times};
use super::walk::Walk;

/// What one line adds to the worst case of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineCost {
    /// Index into the files of the module's debug information.
    pub file: u16,
    /// Line, from 1.
    pub line: u32,
    /// How often each of its ops runs, times what that costs. Memory is what it makes, in all its activations.
    pub cost: Bound,
}

/// A line with its amounts for certain sizes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineAmounts {
    /// Index into the files of the module's debug information.
    pub file: u16,
    /// Line, from 1.
    pub line: u32,
    /// What it adds at most.
    pub amounts: Amounts,
}

type Line = (u16, u32);
type Lines = BTreeMap<Line, Cost>;

/// What each line adds, in order of file and line. Empty for a module without debug information.
pub fn lines(module: &Module, facts: &Facts) -> Vec<LineCost> {
    let mut order = Order::new(module, facts);
    let mut all = Lines::new();
    let mut known = vec![None; module.functions.len()];
    for wake in wakes(module) {
        let (span, often) = (order.span(wake), order.times(wake));
        let Some(function) = order.function(wake) else { continue };
        let (lines, brought) = (of_function(&mut order.prover, function, &mut known), order.arguments(wake));
        for (line, cost) in lines {
            add(&mut all, line, &cost.substitute(&brought, span).repeated(&often, span));
        }
    }
    let cost = |cost: &Cost| bound(cost);
    all.iter()
        .map(|((file, line), amount)| LineCost { file: *file, line: *line, cost: cost(amount) })
        .collect()
}

/// The lines for inputs of these sizes (else of their MAX), the costliest first: by money, then tokens, fuel
/// and host calls. What is unbounded comes before all that is not.
pub fn costliest(lines: &[LineCost], module: &Module, sizes: &BTreeMap<InputId, u64>) -> Vec<LineAmounts> {
    let amounts = |line: &LineCost| LineAmounts {
        file: line.file,
        line: line.line,
        amounts: evaluate(&line.cost, module, sizes),
    };
    let mut lines: Vec<LineAmounts> = lines.iter().map(amounts).collect();
    let rank = |line: &LineAmounts| {
        let Amounts { fuel, host_calls, money, tokens, .. } = line.amounts;
        [money, tokens, fuel, host_calls].map(|amount| amount.unwrap_or(u64::MAX))
    };
    lines.sort_by(|left, right| {
        rank(right).cmp(&rank(left)).then((left.file, left.line).cmp(&(right.file, right.line)))
    });
    lines
}

fn add(lines: &mut Lines, line: Line, cost: &Cost) {
    let known = lines.remove(&line).unwrap_or_else(Cost::zero);
    lines.insert(line, known.then(cost));
}

/// The lines of one call of a function, with its parameters as symbols; each function is looked at once.
fn of_function(prover: &mut Prover<'_>, id: FunctionId, known: &mut Vec<Option<Lines>>) -> Lines {
    match known.get_mut(id.index()) {
        Some(Some(lines)) => return lines.clone(),
        // Recursion ends here; the bound has named it.
        Some(open) => *open = Some(Lines::new()),
        None => return Lines::new(),
    }
    let (module, facts) = (prover.module, std::rc::Rc::clone(&prover.facts));
    let mut lines = Lines::new();
    if let (Some(function), Some(facts), Some(debug)) =
        (module.functions.get(id.index()), facts.get(id.index()), module.debug.as_ref())
        && let Ok(layout) = Layout::of(&function.code)
    {
        let places = debug.functions.get(id.index()).map_or(&[][..], |debug| &debug.places);
        let mut walk = Walk { prover, function, facts, layout: &layout };
        lines = walk.lines(places, known);
    }
    if let Some(slot) = known.get_mut(id.index()) {
        *slot = Some(lines.clone());
    }
    lines
}

/// A WITHIN that the walk is in: what it admits in all the times it is entered.
struct Budget {
    /// The op that closes its block.
    close: usize,
    money: Option<Sum>,
    tokens: Option<Sum>,
}

impl Walk<'_, '_> {
    fn lines(&mut self, places: &[(u32, Place)], known: &mut Vec<Option<Lines>>) -> Lines {
        let mut lines = Lines::new();
        let span = self.facts.span;
        // How often the ops of the open loops run.
        let mut often: Vec<Size> = vec![Ok(Sum::constant(1))];
        let mut budgets: Vec<Budget> = Vec::new();
        for (at, op) in self.function.code.iter().enumerate() {
            let here = often.last().cloned().unwrap_or_else(|| Ok(Sum::zero()));
            budgets.retain(|budget| budget.close != at);
            let Some(line) = line_of(places, at) else { continue };
            let mut cost = Cost::zero();
            self.own_cost(at, op, &mut cost);
            add(&mut lines, line, &self.held(cost.repeated(&here, span), &budgets));
            for (line, cost) in self.callee_lines(at, op, line, &here, known) {
                add(&mut lines, line, &self.held(cost, &budgets));
            }
            match op.info().flow {
                Flow::OpenLoop => often.push(times(&here, &self.rounds(at), span)),
                Flow::Repeat | Flow::Advance => {
                    often.pop();
                }
                Flow::OpenWithin => budgets.extend(self.budget(at, &here)),
                _ => {}
            }
        }
        lines
    }

    /// The WITHIN that op `at` opens so many times.
    fn budget(&self, at: usize, often: &Size) -> Option<Budget> {
        let (facts, close) = (self.facts.withins.get(at)?, self.layout.partner(at)?);
        let all = |limit: &Option<Sum>| times(&Ok(limit.clone()?), often, self.facts.span).ok();
        Some(Budget { close, money: all(&facts.money), tokens: all(&facts.tokens) })
    }

    /// No more money and tokens than the budgets around admit.
    fn held(&self, cost: Cost, budgets: &[Budget]) -> Cost {
        let prover = &*self.prover;
        budgets.iter().fold(cost, |cost, budget| {
            cost.limited(
                |money| prover.limited(money, budget.money.as_ref()),
                |tokens| prover.limited(tokens, budget.tokens.as_ref()),
            )
        })
    }

    /// The lines of the function that an op calls.
    fn callee_lines(
        &mut self,
        at: usize,
        op: &Op,
        line: Line,
        often: &Size,
        known: &mut Vec<Option<Lines>>,
    ) -> Vec<(Line, Cost)> {
        let facts = self.facts;
        let (Op::Call { function, .. } | Op::CallValue { function, .. }) = op else { return Vec::new() };
        let Some(call) = facts.calls.get(at) else { return Vec::new() };
        let theirs = of_function(self.prover, *function, known).into_iter();
        theirs
            .map(|(theirs, cost)| {
                let cost = cost.substitute(&call.sizes, call.span).repeated(often, call.span);
                (if theirs.0 == line.0 { theirs } else { line }, cost)
            })
            .collect()
    }
}

/// The line an op comes from.
fn line_of(places: &[(u32, Place)], at: usize) -> Option<Line> {
    let behind = places.partition_point(|(op, _)| usize::try_from(*op).unwrap_or(usize::MAX) <= at);
    let (_, place) = places.get(behind.saturating_sub(1))?;
    Some((place.file, place.line))
}
