//! Walks over typed programs: every statement and expression of a body, in the order of the text.

use std::collections::BTreeSet;

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
        StatementKind::Match { subject, arms, otherwise } => {
            walk_expr(subject, visit);
            arms.iter().for_each(|arm| walk(&arm.body, visit));
            walk(otherwise, visit);
        }
        StatementKind::Within { budgets, body, otherwise, .. } => {
            walk_all(budgets, visit);
            walk(body, visit);
            walk(otherwise.as_deref().unwrap_or(&[]), visit);
        }
        StatementKind::Try { arguments, backoff, otherwise, .. } => {
            walk_all(backoff, visit);
            walk_all(arguments, visit);
            walk(otherwise, visit);
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
        Source::List(items) | Source::Map(items, _) => walk_expr(items, visit),
        Source::Range(first, last) => {
            walk_expr(first, visit);
            walk_expr(last, visit);
        }
    }
    if let Some(filter) = &iteration.filter {
        walk_expr(filter, visit);
    }
}

fn walk_all<'a>(parts: impl IntoIterator<Item = &'a Expr>, visit: &mut dyn FnMut(Part<'a>)) {
    for part in parts {
        walk_expr(part, visit);
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
        | ExprKind::Metric(_)
        | ExprKind::State(_)
        | ExprKind::Quantile(..)
        | ExprKind::Mean(_) => {}
        ExprKind::Unary(_, value)
        | ExprKind::Field(value, _)
        | ExprKind::Length(value)
        | ExprKind::Text(value)
        | ExprKind::Some(value) => walk_expr(value, visit),
        ExprKind::Binary(_, left, right)
        | ExprKind::And(left, right)
        | ExprKind::Or(left, right)
        | ExprKind::Coalesce(left, right)
        | ExprKind::Find(left, right)
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
        | ExprKind::Case(_, items)
        | ExprKind::Concat(items)
        | ExprKind::Native(_, items)
        | ExprKind::Call(_, items)
        | ExprKind::Host(_, items) => walk_all(items, visit),
        ExprKind::Map(entries) => {
            for (key, value) in entries {
                walk_expr(key, visit);
                walk_expr(value, visit);
            }
        }
        ExprKind::Top { count, iteration, key, .. } => {
            walk_expr(count, visit);
            walk_iteration(iteration, visit);
            walk_expr(key, visit);
        }
        ExprKind::Aggregate { iteration, value, .. } => {
            walk_iteration(iteration, visit);
            walk_all(value.as_deref(), visit);
        }
    }
}

/// The local a place or a chain of fields, items and entries starts from.
pub(crate) fn root(expr: &Expr) -> Option<LocalId> {
    if let ExprKind::Local(local) = base(expr).kind { Some(local) } else { None }
}

/// What a chain of fields, items and entries starts from.
pub(crate) fn base(expr: &Expr) -> &Expr {
    let mut expr = expr;
    while let ExprKind::Field(holder, _) | ExprKind::Item(holder, _) | ExprKind::Find(holder, _) = &expr.kind
    {
        expr = holder;
    }
    expr
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

/// The locals that `body` assigns, or a part of them.
pub(crate) fn assigned(body: &[Statement]) -> BTreeSet<LocalId> {
    let mut found = BTreeSet::new();
    walk(body, &mut |part| {
        if let Part::Statement(Statement { kind: StatementKind::Assign { place, .. }, .. }) = part {
            found.extend(root(place));
        }
    });
    found
}

/// Whether `expr` reads `local`.
pub(crate) fn reads(expr: &Expr, local: LocalId) -> bool {
    any(expr, &|part| matches!(part.kind, ExprKind::Local(read) if read == local))
}

/// Whether `expr` or an expression in it is such.
pub(crate) fn any(expr: &Expr, such: &dyn Fn(&Expr) -> bool) -> bool {
    let mut found = false;
    walk_expr(expr, &mut |part| found |= matches!(part, Part::Expr(part) if such(part)));
    found
}

/// The locals whose very object the value of `expr` may be. A value that is made anew has none, and neither has
/// a part of another: parts are shared from the start. A STATE variable is marked as shared when it is read.
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
