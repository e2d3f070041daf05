//! Walks over typed programs: every statement and expression of a body, in the order of the text.

use crate::typed::{Expr, ExprKind, Iteration, LocalId, Source, Statement, StatementKind};

/// What a walk meets.
pub(crate) enum Part<'a> {
    /// A statement, before its parts.
    Statement(&'a Statement),
    /// An expression, before its parts.
    Expr(&'a Expr),
}

/// Calls `visit` with every statement and expression of `body`.
pub(crate) fn walk<'a>(body: &'a [Statement], visit: &mut dyn FnMut(Part<'a>)) {
    for statement in body {
        walk_statement(statement, visit);
    }
}

fn walk_statement<'a>(statement: &'a Statement, visit: &mut dyn FnMut(Part<'a>)) {
    visit(Part::Statement(statement));
    match &statement.kind {
        StatementKind::Let { value, .. } | StatementKind::Record { value, .. } => walk_expr(value, visit),
        StatementKind::Assign { place, value, .. } => {
            walk_expr(place, visit);
            walk_expr(value, visit);
        }
        StatementKind::If { condition, then, otherwise } => {
            walk_expr(condition, visit);
            walk(then, visit);
            walk(otherwise, visit);
        }
        StatementKind::IfSome { optional, then, otherwise, .. } => {
            walk_expr(optional, visit);
            walk(then, visit);
            walk(otherwise, visit);
        }
        StatementKind::For { iteration, body } => {
            walk_iteration(iteration, visit);
            walk(body, visit);
        }
        StatementKind::While { condition, max, body } => {
            walk_expr(max, visit);
            walk_expr(condition, visit);
            walk(body, visit);
        }
        StatementKind::Break | StatementKind::Continue | StatementKind::Return(None) => {}
        StatementKind::Return(Some(value))
        | StatementKind::Stop(value)
        | StatementKind::Fail(value)
        | StatementKind::Call(value) => walk_expr(value, visit),
    }
}

fn walk_iteration<'a>(iteration: &'a Iteration, visit: &mut dyn FnMut(Part<'a>)) {
    match &iteration.source {
        Source::List(list) => walk_expr(list, visit),
        Source::Range(first, last) => {
            walk_expr(first, visit);
            walk_expr(last, visit);
        }
    }
    if let Some(filter) = &iteration.filter {
        walk_expr(filter, visit);
    }
}

/// Calls `visit` with `expr` and every expression in it.
pub(crate) fn walk_expr<'a>(expr: &'a Expr, visit: &mut dyn FnMut(Part<'a>)) {
    visit(Part::Expr(expr));
    match &expr.kind {
        ExprKind::Word(_)
        | ExprKind::Float(_)
        | ExprKind::String(_)
        | ExprKind::Zero
        | ExprKind::Local(_)
        | ExprKind::Input(_)
        | ExprKind::Context(_)
        | ExprKind::Metric(_) => {}
        ExprKind::Unary(_, value)
        | ExprKind::Field(value, _)
        | ExprKind::Length(value)
        | ExprKind::Some(value) => walk_expr(value, visit),
        ExprKind::Binary(_, left, right)
        | ExprKind::And(left, right)
        | ExprKind::Or(left, right)
        | ExprKind::Coalesce(left, right)
        | ExprKind::Item(left, right) => {
            walk_expr(left, visit);
            walk_expr(right, visit);
        }
        ExprKind::If(condition, then, otherwise) => {
            walk_expr(condition, visit);
            walk_expr(then, visit);
            walk_expr(otherwise, visit);
        }
        ExprKind::Record(items)
        | ExprKind::List(items)
        | ExprKind::Call(_, items)
        | ExprKind::Host(_, items) => {
            for item in items {
                walk_expr(item, visit);
            }
        }
        ExprKind::Aggregate { iteration, value, .. } => {
            walk_iteration(iteration, visit);
            if let Some(value) = value {
                walk_expr(value, visit);
            }
        }
    }
}

/// The local a place or a chain of fields and items starts from.
pub(crate) fn root(expr: &Expr) -> Option<LocalId> {
    let mut expr = expr;
    loop {
        match &expr.kind {
            ExprKind::Local(local) => return Some(*local),
            ExprKind::Field(base, _) | ExprKind::Item(base, _) => expr = base,
            _ => return None,
        }
    }
}

/// Whether `body` assigns `local` or a part of it.
pub(crate) fn assigns(body: &[Statement], local: LocalId) -> bool {
    let mut found = false;
    walk(body, &mut |part| {
        if let Part::Statement(Statement { kind: StatementKind::Assign { place, .. }, .. }) = part {
            found |= root(place) == Some(local);
        }
    });
    found
}

/// Whether `expr` reads `local`.
pub(crate) fn reads(expr: &Expr, local: LocalId) -> bool {
    let mut found = false;
    walk_expr(expr, &mut |part| {
        found |= matches!(part, Part::Expr(Expr { kind: ExprKind::Local(read), .. }) if *read == local);
    });
    found
}

/// The locals whose very object the value of `expr` may be. A value that is made anew has none, and neither has
/// a part of another: parts are shared from the start.
pub(crate) fn lenders(expr: &Expr, found: &mut Vec<LocalId>) {
    match &expr.kind {
        ExprKind::Local(local) => found.push(*local),
        ExprKind::If(_, left, right) => {
            lenders(left, found);
            lenders(right, found);
        }
        ExprKind::Coalesce(_, right) => lenders(right, found),
        _ => {}
    }
}
