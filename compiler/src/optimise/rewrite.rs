//! The parts of statements and expressions, to be changed where they stand.

use crate::typed::{Expr, ExprKind, Iteration, Source, Statement, StatementKind};

/// Calls `change` with each expression that belongs to the statement itself, in the order they are evaluated;
/// of a place only with the indices in it. Expressions of the blocks in it are left out.
pub(super) fn exprs_of(statement: &mut Statement, change: &mut dyn FnMut(&mut Expr)) {
    match &mut statement.kind {
        StatementKind::Let { value, .. }
        | StatementKind::Record { value, .. }
        | StatementKind::Return(Some(value))
        | StatementKind::Stop(value)
        | StatementKind::Fail(value)
        | StatementKind::Call(value) => change(value),
        StatementKind::Assign { place, value, .. } => {
            indices_of(place, change);
            change(value);
        }
        StatementKind::If { condition, .. } => change(condition),
        StatementKind::IfSome { optional, .. } => change(optional),
        StatementKind::For { iteration, .. } => iteration_of(iteration, change),
        StatementKind::While { condition, max, .. } => {
            change(max);
            change(condition);
        }
        StatementKind::Match { subject, .. } => change(subject),
        StatementKind::Within { budgets, .. } => budgets.iter_mut().for_each(change),
        StatementKind::Try { arguments, backoff, .. } => {
            backoff.iter_mut().for_each(&mut *change);
            arguments.iter_mut().for_each(change);
        }
        StatementKind::Break | StatementKind::Continue | StatementKind::Return(None) => {}
    }
}

fn indices_of(place: &mut Expr, change: &mut dyn FnMut(&mut Expr)) {
    match &mut place.kind {
        ExprKind::Field(base, _) => indices_of(base, change),
        ExprKind::Item(base, index) | ExprKind::Find(base, index) => {
            indices_of(base, change);
            change(index);
        }
        _ => {}
    }
}

fn iteration_of(iteration: &mut Iteration, change: &mut dyn FnMut(&mut Expr)) {
    match &mut iteration.source {
        Source::List(items) | Source::Map(items, _) => change(items),
        Source::Range(first, last) => {
            change(first);
            change(last);
        }
    }
    if let Some(filter) = &mut iteration.filter {
        change(filter);
    }
}

/// Calls `change` with each block of the statement.
pub(super) fn blocks_of(statement: &mut Statement, change: &mut dyn FnMut(&mut Vec<Statement>)) {
    match &mut statement.kind {
        StatementKind::If { then, otherwise, .. } | StatementKind::IfSome { then, otherwise, .. } => {
            change(then);
            change(otherwise);
        }
        StatementKind::For { body, .. } | StatementKind::While { body, .. } => change(body),
        StatementKind::Match { arms, otherwise, .. } => {
            arms.iter_mut().for_each(|arm| change(&mut arm.body));
            change(otherwise);
        }
        StatementKind::Within { body, otherwise, .. } => {
            change(body);
            otherwise.iter_mut().for_each(change);
        }
        StatementKind::Try { otherwise, .. } => change(otherwise),
        _ => {}
    }
}

/// Calls `change` with each part of an expression, in the order they are evaluated.
pub(super) fn parts_of(expr: &mut Expr, change: &mut dyn FnMut(&mut Expr)) {
    match &mut expr.kind {
        ExprKind::Word(_)
        | ExprKind::Float(_)
        | ExprKind::String(_)
        | ExprKind::Zero
        | ExprKind::Local(_)
        | ExprKind::Input(_)
        | ExprKind::Context(_)
        | ExprKind::Metric(_)
        | ExprKind::State(_)
        | ExprKind::Quantile(..)
        | ExprKind::Mean(_) => {}
        ExprKind::Unary(_, value)
        | ExprKind::Field(value, _)
        | ExprKind::Length(value)
        | ExprKind::Text(value)
        | ExprKind::Some(value) => change(value),
        ExprKind::Binary(_, left, right)
        | ExprKind::And(left, right)
        | ExprKind::Or(left, right)
        | ExprKind::Coalesce(left, right)
        | ExprKind::Find(left, right)
        | ExprKind::Item(left, right) => {
            change(left);
            change(right);
        }
        ExprKind::If(condition, then, otherwise) => {
            change(condition);
            change(then);
            change(otherwise);
        }
        ExprKind::Record(items)
        | ExprKind::List(items)
        | ExprKind::Case(_, items)
        | ExprKind::Concat(items)
        | ExprKind::Native(_, items)
        | ExprKind::Call(_, items)
        | ExprKind::Host(_, items) => items.iter_mut().for_each(change),
        ExprKind::Map(entries) => {
            for (key, value) in entries {
                change(key);
                change(value);
            }
        }
        ExprKind::Top { count, iteration, key, .. } => {
            change(count);
            iteration_of(iteration, change);
            change(key);
        }
        ExprKind::Aggregate { iteration, value, .. } => {
            iteration_of(iteration, change);
            if let Some(value) = value {
                change(value);
            }
        }
    }
}

/// Calls `change` with every expression of a body, parts before the whole.
pub(super) fn every_expr(body: &mut [Statement], change: &mut dyn FnMut(&mut Expr)) {
    for statement in body {
        exprs_of(statement, &mut |expr| bottom_up(expr, change));
        blocks_of(statement, &mut |block| every_expr(block, change));
    }
}

/// Calls `change` with every part of an expression, then with itself.
pub(super) fn bottom_up(expr: &mut Expr, change: &mut dyn FnMut(&mut Expr)) {
    parts_of(expr, &mut |part| bottom_up(part, change));
    change(expr);
}

/// Calls `change` with every block of a body, inner ones first, and with the body itself.
pub(super) fn every_block(body: &mut Vec<Statement>, change: &mut dyn FnMut(&mut Vec<Statement>)) {
    for statement in body.iter_mut() {
        blocks_of(statement, &mut |block| every_block(block, change));
    }
    change(body);
}
