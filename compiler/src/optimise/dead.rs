//! Dead code: branches of conditions that never change, values nobody reads, statements that do nothing.

use super::quiet::Quiet;
use super::rewrite::every_block;
use crate::code::walk::{Part, walk};
use crate::typed::{Expr, ExprKind, Function, Statement, StatementKind};

/// Takes out what does nothing; says whether there was something.
pub(super) fn remove(function: &mut Function, quiet: &Quiet) -> bool {
    let mut any = false;
    every_block(&mut function.body, &mut |block| any |= decide(block));
    // What is taken out may have been the last to read something else.
    loop {
        let used = used(function);
        let mut changed = false;
        every_block(&mut function.body, &mut |block| {
            let before = block.len();
            block.retain(|statement| !does_nothing(statement, &used, quiet));
            changed |= block.len() != before;
        });
        if !changed {
            return any;
        }
        any = true;
    }
}

/// Puts the arm of a condition that never changes into its place; says whether there was one.
fn decide(block: &mut Vec<Statement>) -> bool {
    let constant = |statement: &Statement| {
        matches!(
            &statement.kind,
            StatementKind::If { condition: Expr { kind: ExprKind::Word(_), .. }, .. }
                | StatementKind::IfSome { optional: Expr { kind: ExprKind::Zero, .. }, .. }
        )
    };
    if !block.iter().any(constant) {
        return false;
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
    true
}

/// Of each local, whether it is read, or assigned.
fn used(function: &Function) -> Vec<bool> {
    let mut used = vec![false; function.locals.len()];
    walk(&function.body, &mut |part| {
        if let Part::Expr(Expr { kind: ExprKind::Local(local), .. }) = part
            && let Some(used) = used.get_mut(local.0 as usize)
        {
            *used = true;
        }
    });
    used
}

fn does_nothing(statement: &Statement, used: &[bool], quiet: &Quiet) -> bool {
    match &statement.kind {
        StatementKind::Let { local, value } => {
            used.get(local.0 as usize) == Some(&false) && quiet.expr(value)
        }
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
