//! Loop-invariant code: what is the same in every round is computed before the loop, if it has no effect and
//! cannot trap. Constants too: an op takes registers, so a constant would be loaded in every round.

use std::collections::{BTreeMap, BTreeSet};

use swarm_bytecode::types::TypeId;

use super::keys::{Kept, Key, declared, is_constant, keep, put};
use super::rewrite::{blocks_of, exprs_of, parts_of};
use crate::typed::{Expr, ExprKind, Function, Iteration, Local, LocalId, Source, Statement, StatementKind};

/// A function keeps at most so many values for its loops: registers are few.
const MOST_KEPT: usize = 48;

/// Moves invariant code out of the loops of a function, whose `written` locals are assigned; says whether
/// there was any.
pub(super) fn hoist(function: &mut Function, written: &BTreeSet<LocalId>) -> bool {
    let Function { locals, body, .. } = function;
    let mut hoister = Hoister { written, locals, kept: 0 };
    hoister.block(body);
    hoister.kept > 0
}

struct Hoister<'f> {
    written: &'f BTreeSet<LocalId>,
    locals: &'f mut Vec<Local>,
    kept: usize,
}

/// Expressions that can be kept, in order of their keys.
type Found = BTreeMap<Key, Box<Expr>>;

impl Hoister<'_> {
    /// Outer loops first: what is moved out of one is moved out of those inside.
    fn block(&mut self, block: &mut Vec<Statement>) {
        let mut at = 0;
        while let Some(statement) = block.get_mut(at) {
            let mut found = Found::new();
            self.of_statement(statement, &mut found);
            let (mut kept, mut new) = (Kept::with_capacity(found.len()), Vec::with_capacity(found.len()));
            for (key, value) in found {
                if self.kept >= MOST_KEPT {
                    break;
                }
                let Some((local, declaration)) = keep(*value, self.locals) else { break };
                self.kept = self.kept.saturating_add(1);
                new.push(declaration);
                // Where a part of it is kept, it stands nowhere any more.
                if !key.has_part(&|part| kept.iter().any(|(key, _)| key == part)) {
                    kept.push((key, local));
                }
            }
            if !kept.is_empty() {
                put(statement, &kept, self.written);
            }
            blocks_of(statement, &mut |inner| self.block(inner));
            let behind = at.saturating_add(new.len()).saturating_add(1);
            if !new.is_empty() {
                block.splice(at..at, new);
            }
            at = behind;
        }
    }

    /// What is invariant in the loops of a statement: itself, if it is one, and those of its expressions.
    /// Blocks of other statements are looked at when it is their turn.
    fn of_statement(&self, statement: &mut Statement, found: &mut Found) {
        let mut inside = Inside { written: self.written, own: Vec::new(), found };
        match &mut statement.kind {
            StatementKind::For { iteration, body } => {
                inside.source(iteration);
                declared(iteration, &mut inside.own);
                if let Some(filter) = &mut iteration.filter {
                    inside.expr(filter);
                }
                inside.body(body);
            }
            StatementKind::While { condition, body, .. } => {
                inside.expr(condition);
                inside.body(body);
            }
            _ => exprs_of(statement, &mut |expr| inside.outside(expr)),
        }
    }
}

/// Looks for what is invariant.
struct Inside<'h> {
    written: &'h BTreeSet<LocalId>,
    /// Locals that are declared inside of the loops.
    own: Vec<LocalId>,
    found: &'h mut Found,
}

impl Inside<'_> {
    /// An expression that is evaluated once: only the loops in it count.
    fn outside(&mut self, expr: &mut Expr) {
        match &mut expr.kind {
            ExprKind::Aggregate { iteration, value, .. } => {
                self.source(iteration);
                declared(iteration, &mut self.own);
                iteration.filter.iter_mut().for_each(|filter| self.expr(filter));
                value.iter_mut().for_each(|value| self.expr(value));
            }
            ExprKind::Top { count, iteration, key, .. } => {
                self.outside(count);
                self.source(iteration);
                declared(iteration, &mut self.own);
                iteration.filter.iter_mut().for_each(|filter| self.expr(filter));
                self.expr(key);
            }
            _ => parts_of(expr, &mut |part| self.outside(part)),
        }
    }

    fn source(&mut self, iteration: &mut Iteration) {
        match &mut iteration.source {
            Source::List(items) | Source::Map(items, _) => self.outside(items),
            Source::Range(first, last) => {
                self.outside(first);
                self.outside(last);
            }
        }
    }

    /// An expression that is evaluated in every round.
    fn expr(&mut self, expr: &mut Expr) {
        if self.is_invariant(expr)
            && let Some(key) = Key::of(expr, self.written)
        {
            // A constant bool costs nothing where it is a condition, and hardly stands anywhere else.
            let free = key.is_free() || (key.is_constant() && expr.ty == Some(TypeId::BOOL));
            if !free {
                self.found.entry(key).or_insert_with(|| Box::new(expr.clone()));
            }
            return;
        }
        match &mut expr.kind {
            ExprKind::Aggregate { iteration, .. } | ExprKind::Top { iteration, .. } => {
                declared(iteration, &mut self.own);
            }
            ExprKind::Coalesce(optional, otherwise) => {
                self.expr(optional);
                return self.target(otherwise);
            }
            ExprKind::If(condition, then, otherwise) => {
                self.expr(condition);
                self.target(then);
                return self.target(otherwise);
            }
            _ => {}
        }
        parts_of(expr, &mut |part| self.expr(part));
    }

    /// An expression whose value is put where it is wanted: to load a constant there costs no more than to
    /// move it.
    fn target(&mut self, expr: &mut Expr) {
        if !is_constant(expr) {
            self.expr(expr);
        }
    }

    fn is_invariant(&self, expr: &Expr) -> bool {
        Key::exists(expr, &|local| !self.own.contains(&local) && !self.written.contains(&local))
    }

    fn body(&mut self, body: &mut [Statement]) {
        for statement in body {
            match &statement.kind {
                StatementKind::Let { local, .. } | StatementKind::IfSome { local, .. } => {
                    self.own.push(*local)
                }
                StatementKind::For { iteration, .. } => declared(iteration, &mut self.own),
                StatementKind::Match { arms, .. } => {
                    let binders = arms.iter().flat_map(|arm| &arm.binders);
                    self.own.extend(binders.map(|(_, local)| *local));
                }
                _ => {}
            }
            let to_local = match &statement.kind {
                StatementKind::Let { .. } => true,
                StatementKind::Assign { place, .. } => matches!(place.kind, ExprKind::Local(_)),
                _ => false,
            };
            exprs_of(statement, &mut |expr| if to_local { self.target(expr) } else { self.expr(expr) });
            blocks_of(statement, &mut |block| self.body(block));
        }
    }
}
