//! Common loads: a field, an input or a context value that is read several times is read once, where it is sure to be
//! read.

use std::collections::{BTreeMap, BTreeSet};

use super::keys::{Key, declared, keep, put, written};
use super::rewrite::{blocks_of, exprs_of, parts_of};
use crate::typed::{Expr, ExprKind, Function, Local, LocalId, Statement, StatementKind};

/// A function keeps at most so many values of loads: registers are few.
const MOST_KEPT: usize = 48;

/// Keeps what is loaded several times.
pub(super) fn share(function: &mut Function) {
    let written = written(function);
    let Function { locals, body, .. } = function;
    let mut sharer = Sharer { written, locals, kept: 0 };
    sharer.block(body);
}

struct Sharer<'f> {
    written: BTreeSet<LocalId>,
    locals: &'f mut Vec<Local>,
    kept: usize,
}

/// How often something is loaded by a statement.
#[derive(Debug, Clone, Copy, Default)]
struct Loads {
    /// At any time.
    all: usize,
    /// Whenever the statement runs.
    sure: usize,
}

type Tally = BTreeMap<Key, Loads>;

impl Sharer<'_> {
    fn block(&mut self, block: &mut Vec<Statement>) {
        for statement in block.iter_mut() {
            merge_filter(statement, &self.written);
        }
        let mut tallies: Vec<Tally> = block.iter_mut().map(|statement| self.tally(statement)).collect();
        // How often each is loaded from the current statement on.
        let mut left: BTreeMap<Key, usize> = BTreeMap::new();
        for tally in &tallies {
            add(&mut left, tally);
        }
        // What nothing in here loads twice, nothing further in does.
        if left.values().all(|loads| *loads <= 1) {
            return;
        }
        let mut new = Vec::with_capacity(block.len());
        for at in 0..block.len() {
            while let Some((key, value)) = self.best(block, at, &tallies, &left) {
                let Some((local, declaration)) = keep(&value, self.locals) else { break };
                self.kept = self.kept.saturating_add(1);
                new.push(declaration);
                let kept = [(key, local)];
                let [(key, _)] = &kept;
                for (statement, tally) in block.iter_mut().zip(&mut tallies).skip(at) {
                    if tally.contains_key(key) {
                        put(statement, &kept, &self.written);
                        let after = self.tally(statement);
                        take(&mut left, tally, &after);
                        *tally = after;
                    }
                }
            }
            if let (Some(tally), Some(statement)) = (tallies.get(at), block.get_mut(at)) {
                take(&mut left, tally, &Tally::new());
                let done = Statement { kind: StatementKind::Break, span: statement.span };
                new.push(std::mem::replace(statement, done));
            }
        }
        *block = new;
        for statement in block.iter_mut() {
            blocks_of(statement, &mut |inner| self.block(inner));
        }
    }

    fn tally(&self, statement: &mut Statement) -> Tally {
        let mut tally = Tally::new();
        self.count_statement(statement, &mut tally);
        tally
    }

    /// What the statement at `at` is sure to load, and it or those behind it load again: rather a part of a part than
    /// the whole.
    fn best(
        &self,
        block: &mut [Statement],
        at: usize,
        tallies: &[Tally],
        left: &BTreeMap<Key, usize>,
    ) -> Option<(Key, Expr)> {
        if self.kept >= MOST_KEPT {
            return None;
        }
        let tally = tallies.get(at)?;
        let again = |key: &Key| left.get(key).is_some_and(|left| *left > 1);
        if !tally.iter().any(|(key, loads)| loads.sure > 0 && again(key)) {
            return None;
        }
        let statement = block.get_mut(at)?;
        let own = declared_by(statement);
        let wanted = |(key, loads): &(&Key, &Loads)| {
            loads.sure > 0 && again(key) && !key.any_local(&|local| own.contains(&local))
        };
        let (key, _) = tally.iter().rev().find(wanted)?;
        Some((key.clone(), self.first(statement, key)?))
    }

    /// The first load of `key` in the expressions of a statement.
    fn first(&self, statement: &mut Statement, key: &Key) -> Option<Expr> {
        let mut found = None;
        exprs_of(statement, &mut |expr| found = found.take().or_else(|| self.first_in(expr, key)));
        found
    }

    fn first_in(&self, expr: &mut Expr, key: &Key) -> Option<Expr> {
        if key.is(expr, &self.written) {
            return Some(expr.clone());
        }
        let mut found = None;
        parts_of(expr, &mut |part| found = found.take().or_else(|| self.first_in(part, key)));
        found
    }

    /// Adds up the loads of a statement and of its blocks.
    fn count_statement(&self, statement: &mut Statement, tally: &mut Tally) {
        // The filter and the condition of a loop come again in each round, and may not come at all.
        let in_rounds = matches!(statement.kind, StatementKind::For { .. } | StatementKind::While { .. });
        let mut first = true;
        exprs_of(statement, &mut |expr| {
            self.count(expr, !in_rounds || first, tally);
            first = false;
        });
        blocks_of(statement, &mut |block| {
            let mut inner = Tally::new();
            for statement in block {
                self.count_statement(statement, &mut inner);
            }
            for (key, loads) in inner {
                let known = tally.entry(key).or_default();
                known.all = known.all.saturating_add(loads.all);
            }
        });
    }

    fn count(&self, expr: &mut Expr, sure: bool, tally: &mut Tally) {
        if is_load(expr)
            && let Some(key) = Key::of(expr, &self.written)
        {
            let loads = tally.entry(key).or_default();
            loads.all = loads.all.saturating_add(1);
            loads.sure = loads.sure.saturating_add(usize::from(sure));
        }
        match &mut expr.kind {
            ExprKind::And(left, right) | ExprKind::Or(left, right) | ExprKind::Coalesce(left, right) => {
                self.count(left, sure, tally);
                self.count(right, false, tally);
            }
            ExprKind::If(condition, then, otherwise) => {
                self.count(condition, sure, tally);
                self.count(then, false, tally);
                self.count(otherwise, false, tally);
            }
            ExprKind::Aggregate { .. } | ExprKind::Top { .. } => {
                let mut first = true;
                parts_of(expr, &mut |part| {
                    self.count(part, sure && first, tally);
                    first = false;
                });
            }
            _ => parts_of(expr, &mut |part| self.count(part, sure, tally)),
        }
    }
}

/// Whether an expression is what this is about.
fn is_load(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Field(..) | ExprKind::Input(_) | ExprKind::Context(_))
}

/// The loads of a statement are no longer those of `before`, but of `after`.
fn take(left: &mut BTreeMap<Key, usize>, before: &Tally, after: &Tally) {
    for (key, loads) in before {
        if let Some(known) = left.get_mut(key) {
            *known = known.saturating_sub(loads.all);
        }
    }
    add(left, after);
}

fn add(left: &mut BTreeMap<Key, usize>, tally: &Tally) {
    for (key, loads) in tally {
        match left.get_mut(key) {
            Some(known) => *known = known.saturating_add(loads.all),
            None => {
                left.insert(key.clone(), loads.all);
            }
        }
    }
}

/// The locals a statement brings into scope, with its blocks.
fn declared_by(statement: &mut Statement) -> Vec<LocalId> {
    let mut own = Vec::new();
    match &statement.kind {
        StatementKind::Let { local, .. } | StatementKind::IfSome { local, .. } => own.push(*local),
        StatementKind::For { iteration, .. } => declared(iteration, &mut own),
        StatementKind::Match { arms, .. } => {
            own.extend(arms.iter().flat_map(|arm| &arm.binders).map(|(_, local)| *local));
        }
        _ => {}
    }
    exprs_of(statement, &mut |expr| declared_in(expr, &mut own));
    own
}

fn declared_in(expr: &mut Expr, own: &mut Vec<LocalId>) {
    if let ExprKind::Aggregate { iteration, .. } | ExprKind::Top { iteration, .. } = &expr.kind {
        declared(iteration, own);
    }
    parts_of(expr, &mut |part| declared_in(part, own));
}

/// A WHERE becomes an IF around the body where both read the same, so that it can be read once.
fn merge_filter(statement: &mut Statement, written: &BTreeSet<LocalId>) {
    let StatementKind::For { iteration, body } = &mut statement.kind else { return };
    let Some(filter) = &mut iteration.filter else { return };
    let mut wanted = BTreeSet::new();
    fields(filter, written, &mut wanted);
    let mut found = false;
    for statement in body.iter_mut() {
        found |= reads_one(statement, written, &wanted);
    }
    if !found {
        return;
    }
    if let Some(condition) = iteration.filter.take() {
        let (condition, span) = (*condition, statement.span);
        let then = std::mem::take(body);
        let kind = StatementKind::If { condition, then, otherwise: Vec::new() };
        body.push(Statement { kind, span });
    }
}

fn fields(expr: &mut Expr, written: &BTreeSet<LocalId>, found: &mut BTreeSet<Key>) {
    if let ExprKind::Field(..) = expr.kind {
        found.extend(Key::of(expr, written));
    }
    parts_of(expr, &mut |part| fields(part, written, found));
}

fn reads_one(statement: &mut Statement, written: &BTreeSet<LocalId>, wanted: &BTreeSet<Key>) -> bool {
    let mut own = BTreeSet::new();
    exprs_of(statement, &mut |expr| fields(expr, written, &mut own));
    let mut found = !own.is_disjoint(wanted);
    blocks_of(statement, &mut |block| {
        for statement in block.iter_mut() {
            found |= reads_one(statement, written, wanted);
        }
    });
    found
}
