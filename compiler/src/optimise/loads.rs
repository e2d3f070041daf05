//! Common loads: a field, an input or a context value that is read several times is read once, where it is
//! sure to be read.

use std::collections::{BTreeMap, BTreeSet};

use smallvec::SmallVec;
use swarm_bytecode::module::{ContextId, InputId};

use super::keys::{Key, declared, keep, put};
use super::rewrite::{blocks_of, exprs_of, parts_of};
use crate::typed::{Expr, ExprKind, Function, Local, LocalId, Statement, StatementKind};

/// A function keeps at most so many values of loads: registers are few.
const MOST_KEPT: usize = 48;

/// Keeps what is loaded several times by a function whose `written` locals are assigned; says whether there
/// was any.
pub(super) fn share(function: &mut Function, written: &BTreeSet<LocalId>) -> bool {
    let Function { locals, body, .. } = function;
    let mut sharer = Sharer { written, locals, kept: 0 };
    sharer.block(body);
    sharer.kept > 0
}

struct Sharer<'f> {
    written: &'f BTreeSet<LocalId>,
    locals: &'f mut Vec<Local>,
    kept: usize,
}

/// What is loaded: an input, a context value, or a field of a field of one or of a local. They are in the
/// order of their [`Key`]s: the whole before its parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Load {
    depth: usize,
    root: Root,
    /// The outermost field first.
    fields: SmallVec<[u8; 8]>,
}

/// What a load starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Root {
    Input(InputId),
    Context(ContextId),
    Local(LocalId),
}

impl Load {
    /// What an expression loads, if it does nothing else.
    fn of(expr: &Expr, written: &BTreeSet<LocalId>) -> Option<Load> {
        let (mut root, mut fields) = (expr, SmallVec::new());
        while let ExprKind::Field(record, field) = &root.kind {
            fields.push(*field);
            root = record;
        }
        fields.reverse();
        let root = match root.kind {
            ExprKind::Input(input) => Root::Input(input),
            ExprKind::Context(context) => Root::Context(context),
            ExprKind::Local(local) if !fields.is_empty() && !written.contains(&local) => Root::Local(local),
            _ => return None,
        };
        Some(Load { depth: fields.len(), root, fields })
    }

    fn starts_from(&self, locals: &[LocalId]) -> bool {
        matches!(self.root, Root::Local(local) if locals.contains(&local))
    }
}

/// How often something is loaded by a statement.
#[derive(Debug, Clone, Copy, Default)]
struct Times {
    /// At any time.
    all: usize,
    /// Whenever the statement runs.
    sure: usize,
}

/// How often each is loaded, in order.
type Tally = Vec<(Load, Times)>;

/// Brings a tally into order, each load once.
fn sum_up(tally: &mut Tally) {
    tally.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    tally.dedup_by(|(load, more), (known, times)| {
        let same = load == known;
        if same {
            times.all = times.all.saturating_add(more.all);
            times.sure = times.sure.saturating_add(more.sure);
        }
        same
    });
}

/// How often each is loaded from a statement on.
type Left = BTreeMap<Load, usize>;

fn add(left: &mut Left, tally: &[(Load, Times)]) {
    for (load, times) in tally {
        match left.get_mut(load) {
            Some(known) => *known = known.saturating_add(times.all),
            None => {
                left.insert(load.clone(), times.all);
            }
        }
    }
}

fn take(left: &mut Left, tally: &[(Load, Times)]) {
    for (load, times) in tally {
        if let Some(known) = left.get_mut(load) {
            *known = known.saturating_sub(times.all);
        }
    }
}

impl Sharer<'_> {
    fn block(&mut self, block: &mut Vec<Statement>) {
        for statement in block.iter_mut() {
            merge_filter(statement, self.written);
        }
        let mut tallies: Vec<Tally> = block.iter_mut().map(|statement| self.tally(statement)).collect();
        let mut all: Tally = tallies.iter().flatten().cloned().collect();
        sum_up(&mut all);
        // What nothing in here loads twice, nothing further in does.
        if all.iter().all(|(_, times)| times.all <= 1) {
            return;
        }
        let mut left: Left = all.into_iter().map(|(load, times)| (load, times.all)).collect();
        let mut new = Vec::with_capacity(block.len());
        for at in 0..block.len() {
            while let Some((load, value)) = self.best(block, at, &tallies, &left) {
                let Some(key) = Key::of(&value, self.written) else { break };
                let Some((local, declaration)) = keep(value, self.locals) else { break };
                self.kept = self.kept.saturating_add(1);
                new.push(declaration);
                let kept = [(key, local)];
                for (statement, tally) in block.iter_mut().zip(&mut tallies).skip(at) {
                    if tally.binary_search_by(|(known, _)| known.cmp(&load)).is_ok() {
                        put(statement, &kept, self.written);
                        take(&mut left, tally);
                        *tally = self.tally(statement);
                        add(&mut left, tally);
                    }
                }
            }
            if let (Some(tally), Some(statement)) = (tallies.get(at), block.get_mut(at)) {
                take(&mut left, tally);
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
        self.count_statement(statement, true, &mut tally);
        sum_up(&mut tally);
        tally
    }

    /// What the statement at `at` is sure to load, and it or those behind it load again: rather a part of a
    /// part than the whole.
    fn best(
        &self,
        block: &mut [Statement],
        at: usize,
        tallies: &[Tally],
        left: &Left,
    ) -> Option<(Load, Expr)> {
        if self.kept >= MOST_KEPT {
            return None;
        }
        let tally = tallies.get(at)?;
        let again =
            |(load, times): &&(Load, Times)| times.sure > 0 && left.get(load).is_some_and(|left| *left > 1);
        if !tally.iter().any(|entry| again(&entry)) {
            return None;
        }
        let statement = block.get_mut(at)?;
        let own = declared_by(statement);
        let (load, _) = tally.iter().rev().find(|entry| again(entry) && !entry.0.starts_from(&own))?;
        Some((load.clone(), self.first(statement, load)?))
    }

    /// The first of such loads in the expressions of a statement.
    fn first(&self, statement: &mut Statement, load: &Load) -> Option<Expr> {
        let mut found = None;
        exprs_of(statement, &mut |expr| found = found.take().or_else(|| self.first_in(expr, load)));
        found
    }

    fn first_in(&self, expr: &mut Expr, load: &Load) -> Option<Expr> {
        if Load::of(expr, self.written).as_ref() == Some(load) {
            return Some(expr.clone());
        }
        let mut found = None;
        parts_of(expr, &mut |part| found = found.take().or_else(|| self.first_in(part, load)));
        found
    }

    /// Adds the loads of a statement and of its blocks, of which none is sure.
    fn count_statement(&self, statement: &mut Statement, sure: bool, tally: &mut Tally) {
        // The filter and the condition of a loop come again in each round, and may not come at all.
        let in_rounds = matches!(statement.kind, StatementKind::For { .. } | StatementKind::While { .. });
        let mut first = true;
        exprs_of(statement, &mut |expr| {
            self.count(expr, sure && (!in_rounds || first), tally);
            first = false;
        });
        blocks_of(statement, &mut |block| {
            for statement in block {
                self.count_statement(statement, false, tally);
            }
        });
    }

    fn count(&self, expr: &mut Expr, sure: bool, tally: &mut Tally) {
        if let Some(load) = Load::of(expr, self.written) {
            tally.push((load, Times { all: 1, sure: usize::from(sure) }));
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
    let mut wanted = Vec::new();
    fields(filter, written, &mut wanted);
    wanted.sort_unstable();
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

fn fields(expr: &mut Expr, written: &BTreeSet<LocalId>, found: &mut Vec<Load>) {
    if let ExprKind::Field(..) = expr.kind {
        found.extend(Load::of(expr, written));
    }
    parts_of(expr, &mut |part| fields(part, written, found));
}

fn reads_one(statement: &mut Statement, written: &BTreeSet<LocalId>, wanted: &[Load]) -> bool {
    let mut own = Vec::new();
    exprs_of(statement, &mut |expr| fields(expr, written, &mut own));
    let mut found = own.iter().any(|load| wanted.binary_search(load).is_ok());
    blocks_of(statement, &mut |block| {
        found = found || block.iter_mut().any(|statement| reads_one(statement, written, wanted));
    });
    found
}
