//! WITHIN and PHASE: what a block may spend, and whether the parts of a budget fit into the whole.

use std::collections::BTreeMap;

use swarm_bytecode::module::Instruction;
use swarm_bytecode::quantity;
use swarm_bytecode::types::{Constant, TypeId};
use swarm_grammar::ast;
use swarm_grammar::span::Span;

use super::body::Body;
use super::effects::{Allowed, Effect, index};
use super::errors;
use super::statements::Step;
use super::{Activations, Checker};
use crate::typed::{Expr, FunctionIndex, Iteration, Source, Statement, StatementKind};

impl Body<'_, '_> {
    pub(crate) fn within(
        &mut self,
        phase: Option<&ast::StringLiteral>,
        budgets: &[ast::Expr],
        body: &ast::Block,
        otherwise: Option<&ast::Block>,
    ) -> Step {
        let name = phase.map(|phase| (phase.plain(), phase.span));
        if let Some((None, span)) = name {
            self.report(errors::names::fixed_text("the name of a PHASE", span));
        }
        let place = name.as_ref().map(|(_, span)| *span).or(budgets.first().map(|budget| budget.span));
        self.effect(Effect::Budget, "WITHIN", place.unwrap_or(body.span));
        let budgets = self.budgets(budgets);
        // With an ELSE the block can be undone, so nothing in it may wait for the outcome of an action.
        let word = if phase.is_some() { "PHASE" } else { "WITHIN" };
        let around = self.held;
        self.held = otherwise.map(|_| (word, place.unwrap_or(body.span))).or(around);
        let allowed = if otherwise.is_some() { Allowed::HELD } else { Allowed::EVERYTHING };
        let block = self.limited(allowed, |checker| checker.block(body));
        self.held = around;
        let otherwise = otherwise.map(|block| self.block(block));
        let leaves = block.leaves && otherwise.as_ref().is_none_or(|block| block.leaves);
        let named = !matches!(name, Some((None, _)));
        let kind = budgets.filter(|_| named).map(|budgets| StatementKind::Within {
            phase: name.and_then(|(name, _)| name),
            budgets,
            body: block.statements,
            otherwise: otherwise.map(|block| block.statements),
        });
        Step { before: None, kind, leaves }
    }

    /// A duration, money and tokens, each at most once.
    fn budgets(&mut self, written: &[ast::Expr]) -> Option<Vec<Expr>> {
        let mut seen: BTreeMap<TypeId, Span> = BTreeMap::new();
        let mut budgets = Vec::with_capacity(written.len());
        let mut understood = true;
        for source in written {
            let value = self.expression(source, None).and_then(|value| self.present(value, source));
            let Some((value, ty)) = value.and_then(|value| value.ty.map(|ty| (value, ty))) else {
                understood = false;
                continue;
            };
            let Some(what) = kind_of_budget(ty) else {
                let side = self.side(source, ty);
                self.report(errors::budgets::of_what(&side));
                understood = false;
                continue;
            };
            if let Some(first) = seen.insert(ty, source.span) {
                self.report(errors::header::given_twice(what, source.span, first));
                understood = false;
            }
            if let Ok(Some(Constant::Word(word))) = self.cx.evaluate(&value)
                && word < 0
            {
                let text = self.cx.quote(source.span);
                self.report(errors::header::out_of_range("WITHIN", text, "0 or more", source.span));
                understood = false;
            }
            budgets.push(value);
        }
        understood.then_some(budgets)
    }
}

fn kind_of_budget(ty: TypeId) -> Option<&'static str> {
    match ty {
        TypeId::DURATION => Some("a budget of time"),
        TypeId::MONEY => Some("a budget in money"),
        TypeId::TOKENS => Some("a budget in tokens"),
        _ => None,
    }
}

/// What constant budgets of one kind add up to on the way through some statements.
#[derive(Clone, Default)]
pub(crate) struct Sum {
    total: i128,
    /// The budgets it is made of; a few of them.
    parts: Vec<Span>,
    /// Of one in a loop: how often, and how much each time.
    repeated: Option<(i64, i128)>,
}

/// Budgets a message points at.
const MAX_PARTS: usize = 4;

impl Sum {
    fn add(&mut self, other: &Sum) {
        self.total = self.total.saturating_add(other.total);
        self.repeated = self.repeated.or(other.repeated);
        let room = MAX_PARTS.saturating_sub(self.parts.len());
        self.parts.extend(other.parts.iter().take(room));
    }

    fn repeat(self, rounds: i64) -> Sum {
        if self.total == 0 {
            return self;
        }
        let repeated = self.repeated.is_none().then_some((rounds, self.total)).or(self.repeated);
        Sum { total: self.total.saturating_mul(i128::from(rounds)), parts: self.parts, repeated }
    }
}

/// Sums by kind of budget.
pub(crate) type Sums = BTreeMap<TypeId, Sum>;

fn add(sums: &mut Sums, other: &Sums) {
    for (kind, sum) in other {
        sums.entry(*kind).or_default().add(sum);
    }
}

/// Of several ways the one that spends most.
fn most(ways: impl IntoIterator<Item = Sums>) -> Sums {
    let mut most = Sums::new();
    for way in ways {
        for (kind, sum) in way {
            let known = most.entry(kind).or_default();
            if sum.total > known.total {
                *known = sum;
            }
        }
    }
    most
}

impl Checker<'_> {
    /// Reports budgets in a function whose parts are more than the whole.
    pub(crate) fn parts_of_budgets(&mut self, statements: &[Statement]) {
        self.parts(statements);
    }

    /// The same for the BUDGET and DEADLINE of the header. Its parts are the phases of START, and of money
    /// and tokens also those of each event and of each tick of EVERY.
    pub(crate) fn parts_of_header(
        &mut self,
        entry: Option<FunctionIndex>,
        activations: &Activations,
        header: &Instruction,
        spans: &HeaderSpans,
    ) {
        let start = entry.map_or_else(Sums::new, |entry| self.parts_of(entry));
        let mut sums = start.clone();
        let events = activations.handlers.iter().map(|on| (on.function, on.max.map(i64::from)));
        let timers = activations.timers.iter().map(|timer| {
            (timer.function, header.deadline_ns.and_then(|deadline| deadline.checked_div(timer.period_ns)))
        });
        for (function, times) in events.chain(timers) {
            // Of what comes any number of times, one is taken: it is never more than what can happen.
            let times = times.unwrap_or(1).max(0);
            let spent = self.parts_of(function).into_iter().filter(|(kind, _)| *kind != TypeId::DURATION);
            add(&mut sums, &spent.map(|(kind, sum)| (kind, sum.repeat(times))).collect());
        }
        let limits = [
            (TypeId::DURATION, header.deadline_ns, spans.deadline),
            (TypeId::MONEY, header.budget_money, spans.money),
            (TypeId::TOKENS, header.budget_tokens, spans.tokens),
        ];
        for (kind, limit, span) in limits {
            let (Some(limit), Some(span), Some(all)) = (limit, span, sums.get(&kind)) else { continue };
            // What START alone has too much of is sure to be too much.
            let own = start.get(&kind).filter(|own| own.total > i128::from(limit));
            self.compare(kind, limit, span, own.unwrap_or(all));
        }
    }

    /// The parts of a function. What is wrong inside has been said.
    fn parts_of(&mut self, function: FunctionIndex) -> Sums {
        let at = index(function);
        // Taken out while it is looked at.
        let Some(looked) = self.functions.get_mut(at).and_then(Option::take) else { return Sums::new() };
        let known = self.diagnostics.len();
        let sums = self.parts(&looked.body);
        self.diagnostics.truncate(known);
        if let Some(slot) = self.functions.get_mut(at) {
            *slot = Some(looked);
        }
        sums
    }

    fn parts(&mut self, statements: &[Statement]) -> Sums {
        let mut sums = Sums::new();
        for statement in statements {
            let found = match &statement.kind {
                StatementKind::Within { budgets, body, otherwise, .. } => {
                    self.part(budgets, body, otherwise.as_deref())
                }
                StatementKind::If { then, otherwise, .. } | StatementKind::IfSome { then, otherwise, .. } => {
                    most([self.parts(then), self.parts(otherwise)])
                }
                StatementKind::Match { arms, otherwise, .. } => {
                    let last = self.parts(otherwise);
                    let arms: Vec<Sums> = arms.iter().map(|arm| self.parts(&arm.body)).collect();
                    most(arms.into_iter().chain(std::iter::once(last)))
                }
                StatementKind::Try { otherwise, .. } => self.parts(otherwise),
                StatementKind::For { iteration, body } => {
                    let rounds = self.rounds(iteration);
                    self.in_loop(body, rounds)
                }
                StatementKind::While { max, body, .. } => {
                    let rounds = self.word(max);
                    self.in_loop(body, rounds)
                }
                _ => continue,
            };
            add(&mut sums, &found);
        }
        sums
    }

    fn in_loop(&mut self, body: &[Statement], rounds: Option<i64>) -> Sums {
        let sums = self.parts(body);
        // Of a loop whose rounds are not known, one is taken: it is never more than what can happen.
        let rounds = rounds.unwrap_or(1).max(0);
        sums.into_iter().map(|(kind, sum)| (kind, sum.repeat(rounds))).collect()
    }

    /// One WITHIN: its own budget where it has one, else what is in it; and its ELSE.
    fn part(&mut self, budgets: &[Expr], body: &[Statement], otherwise: Option<&[Statement]>) -> Sums {
        let mut sums = self.parts(body);
        for budget in budgets {
            let Some(kind) = budget.ty else { continue };
            let inner = sums.remove(&kind);
            let Some(limit) = self.word(budget) else { continue };
            if let Some(inner) = inner {
                self.compare(kind, limit, budget.span, &inner);
            }
            let own = Sum { total: i128::from(limit), parts: vec![budget.span], repeated: None };
            sums.insert(kind, own);
        }
        if let Some(otherwise) = otherwise {
            let after = self.parts(otherwise);
            add(&mut sums, &after);
        }
        sums
    }

    fn compare(&mut self, kind: TypeId, limit: i64, span: Span, sum: &Sum) {
        if sum.total <= i128::from(limit) {
            return;
        }
        let text = |amount: i128| quantity::format(kind, i64::try_from(amount).unwrap_or(i64::MAX));
        let (whole, total) = (text(i128::from(limit)), text(sum.total));
        let diagnostic = match sum.repeated {
            None => errors::budgets::parts_above_whole(&whole, span, &total, &sum.parts),
            Some((rounds, each)) => {
                errors::warnings::parts_in_loop((&whole, span), &total, (rounds, &text(each)), &sum.parts)
            }
        };
        self.report(diagnostic);
    }

    /// How often a loop runs at most, if that is known.
    fn rounds(&self, iteration: &Iteration) -> Option<i64> {
        match &iteration.source {
            Source::Range(first, last) => {
                let (first, last) = (self.word(first)?, self.word(last)?);
                Some(last.saturating_sub(first).saturating_add(1).max(0))
            }
            Source::List(list) | Source::Map(list, _) => self.types.max(list.ty?).map(i64::from),
        }
    }
}

/// Where the header says its limits.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct HeaderSpans {
    pub(crate) deadline: Option<Span>,
    pub(crate) money: Option<Span>,
    pub(crate) tokens: Option<Span>,
}
