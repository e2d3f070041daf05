//! Dead code: branches of conditions that never change, values nobody reads, statements that do nothing.

use std::collections::BTreeSet;

use super::quiet::Quiet;
use super::rewrite::every_block;
use crate::code::walk::{Part, walk};
use crate::typed::{Expr, ExprKind, Function, LocalId, Statement, StatementKind};

/// Takes out what does nothing.
pub(super) fn remove(function: &mut Function, quiet: &Quiet) {
    every_block(&mut function.body, &mut decide);
    // What is taken out may have been the last to read something else.
    loop {
        let used = used(&function.body);
        let mut changed = false;
        every_block(&mut function.body, &mut |block| {
            let before = block.len();
            block.retain(|statement| !does_nothing(statement, &used, quiet));
            changed |= block.len() != before;
        });
        if !changed {
            break;
        }
    }
}

/// Puts the arm of a condition that never changes into its place.
fn decide(block: &mut Vec<Statement>) {
    let constant = |statement: &Statement| {
        matches!(
            statement.kind,
            StatementKind::If { condition: Expr { kind: ExprKind::Word(_), .. }, .. }
                | StatementKind::IfSome { optional: Expr { kind: ExprKind::Zero, .. }, .. }
        )
    };
    if !block.iter().any(constant) {
        return;
    }
    let mut new = Vec::with_capacity(block.len());
    for statement in block.drain(..) {
        match statement.kind {
            StatementKind::If { condition: Expr { kind: ExprKind::Word(holds), .. }, then, otherwise } => {
                new.extend(if holds == 0 { otherwise } else { then });
            }
            StatementKind::IfSome { optional: Expr { kind: ExprKind::Zero, .. }, otherwise, .. } => {
                new.extend(otherwise);
            }
            kind => new.push(Statement { kind, ..statement }),
        }
    }
    *block = new;
}

/// Locals that are read, or assigned.
fn used(body: &[Statement]) -> BTreeSet<LocalId> {
    let mut used = BTreeSet::new();
    walk(body, &mut |part| {
        if let Part::Expr(Expr { kind: ExprKind::Local(local), .. }) = part {
            used.insert(*local);
        }
    });
    used
}

fn does_nothing(statement: &Statement, used: &BTreeSet<LocalId>, quiet: &Quiet) -> bool {
    match &statement.kind {
        StatementKind::Let { local, value } => !used.contains(local) && quiet.expr(value),
        StatementKind::Call(value) => quiet.expr(value),
        StatementKind::If { condition, then, otherwise } => {
            then.is_empty() && otherwise.is_empty() && quiet.expr(condition)
        }
        StatementKind::IfSome { optional, then, otherwise, .. } => {
            then.is_empty() && otherwise.is_empty() && quiet.expr(optional)
        }
        StatementKind::Match { subject, arms, otherwise } => {
            arms.iter().all(|arm| arm.body.is_empty()) && otherwise.is_empty() && quiet.expr(subject)
        }
        StatementKind::For { iteration, body } => body.is_empty() && quiet.iteration(iteration),
        _ => false,
    }
}
