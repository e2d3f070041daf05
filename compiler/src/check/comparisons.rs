//! Comparisons: two values of one type, or of two that measure the same.

use swarm_bytecode::types::TypeId;
use swarm_grammar::ast;
use swarm_grammar::span::Span;

use super::body::{Body, typed};
use super::conversions::{advise, as_literal_of, is_literal, percent_to_float, to_float};
use super::errors;
use super::types::Kind;
use crate::typed::{BinaryOperation, Comparison, Expr, ExprKind};

impl Body<'_, '_> {
    pub(crate) fn comparison(
        &mut self,
        comparison: Comparison,
        at: Span,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
    ) -> Option<Expr> {
        let (first, second) = self.alike(left, right, None);
        // That comparisons do not chain has been said.
        if is_comparison(left) {
            return None;
        }
        self.compared(comparison, at, (left, first?), (right, second?), span)
    }

    /// A comparison of checked sides: apart from [`Body::comparison`], so that its frame is not on the stack
    /// while nested expressions are checked.
    fn compared(
        &mut self,
        comparison: Comparison,
        at: Span,
        (left, first): (&ast::Expr, Expr),
        (right, second): (&ast::Expr, Expr),
        span: Span,
    ) -> Option<Expr> {
        for (none, source, other) in [(left, right, &second), (right, left, &first)] {
            let other = other.ty?;
            if super::expressions::is_none(none) && self.cx.types.inner(other).is_none() {
                let side = self.side(source, other);
                self.report(errors::types::never_none(&side, None, "NONE"));
                return None;
            }
        }
        let equality = matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        let with_none = super::expressions::is_none(left) || super::expressions::is_none(right);
        if !(equality && with_none) {
            self.unseen(left, first.ty?, "compared")?;
            self.unseen(right, second.ty?, "compared")?;
        }
        if !equality {
            return self.order(comparison, at, (left, first), (right, second), span);
        }
        let (first, second) = self.same_optional(first, second)?;
        if self.cx.types.inner(first.ty?).is_some() && self.cx.types.inner(second.ty?).is_some() {
            let (a, b) = (first.ty?, second.ty?);
            if self.cx.types.fits(a, b) || self.cx.types.fits(b, a) {
                return Some(compare(comparison, first, second, span));
            }
        }
        let (first, second) = (self.present(first, left)?, self.present(second, right)?);
        let (first, second) = self.comparable((left, first), (right, second), at)?;
        if matches!(self.cx.types.kind(first.ty?), Kind::Float | Kind::Rate(_)) {
            let diagnostic = errors::warnings::float_equality(at);
            let plain = first.ty == Some(TypeId::FLOAT) && second.ty == Some(TypeId::FLOAT);
            let equal = comparison == Comparison::Equal;
            self.report(if plain && equal {
                errors::warnings::with_near(diagnostic, left.span, right.span)
            } else {
                diagnostic
            });
        }
        Some(compare(comparison, first, second, span))
    }

    /// `T? == T`: the right side becomes a `T?`, and the other way round.
    fn same_optional(&mut self, left: Expr, right: Expr) -> Option<(Expr, Expr)> {
        let (a, b) = (left.ty?, right.ty?);
        let wrap = |expr: Expr, ty| {
            let span = expr.span;
            typed(ExprKind::Some(Box::new(expr)), ty, span)
        };
        Some(match (self.cx.types.inner(a), self.cx.types.inner(b)) {
            (Some(inner), None) if self.is_figure(&left) => (self.known_figure(left, inner), right),
            (None, Some(inner)) if self.is_figure(&right) => (left, self.known_figure(right, inner)),
            (Some(inner), None) if self.cx.types.fits(b, inner) => (left, wrap(right, a)),
            (None, Some(inner)) if self.cx.types.fits(a, inner) => (wrap(left, b), right),
            _ => (left, right),
        })
    }

    fn order(
        &mut self,
        comparison: Comparison,
        at: Span,
        (left, first): (&ast::Expr, Expr),
        (right, second): (&ast::Expr, Expr),
        span: Span,
    ) -> Option<Expr> {
        let first = self.present(first, left);
        let second = self.present(second, right);
        let (first, second) = self.comparable((left, first?), (right, second?), at)?;
        let ty = first.ty?;
        if self.cx.types.kind(ty).calculates() || ty == TypeId::STRING {
            return Some(compare(comparison, first, second, span));
        }
        let name = self.cx.types.name(ty);
        self.report(errors::types::no_order(&name, at));
        None
    }

    /// Brings two present values to one type, or reports that they are of two kinds.
    fn comparable(
        &mut self,
        (left, first): (&ast::Expr, Expr),
        (right, second): (&ast::Expr, Expr),
        at: Span,
    ) -> Option<(Expr, Expr)> {
        let (a, b) = (first.ty?, second.ty?);
        let types = &self.cx.types;
        if types.same_but_max(a, b) {
            return Some((first, second));
        }
        match (types.kind(a), types.kind(b)) {
            (Kind::Int, Kind::Float) => Some((to_float(first), second)),
            (Kind::Float, Kind::Int) => Some((first, to_float(second))),
            (Kind::Percent, Kind::Float) => Some((percent_to_float(first), second)),
            (Kind::Float, Kind::Percent) => Some((first, percent_to_float(second))),
            _ => {
                self.mixed((left, a), (right, b), at, "compared");
                None
            }
        }
    }

    /// Reports two sides that count different things; a literal among them gets the other's unit.
    pub(crate) fn mixed(
        &mut self,
        (left, a): (&ast::Expr, TypeId),
        (right, b): (&ast::Expr, TypeId),
        at: Span,
        verb: &'static str,
    ) {
        let sides = (self.side(left, a), self.side(right, b));
        let calculate = self.cx.types.kind(a).calculates() && self.cx.types.kind(b).calculates();
        let diagnostic = if calculate {
            if let Some(literal) = as_literal_of(right, a) {
                errors::units::mixed(&sides.1, &sides.0, at, verb, Some(literal))
            } else if let Some(literal) = as_literal_of(left, b) {
                errors::units::mixed(&sides.0, &sides.1, at, verb, Some(literal))
            } else if is_literal(right) || !is_literal(left) {
                advise(errors::units::mixed(&sides.1, &sides.0, at, verb, None), b, a)
            } else {
                advise(errors::units::mixed(&sides.0, &sides.1, at, verb, None), a, b)
            }
        } else {
            errors::types::not_alike(&sides.0, &sides.1, at, verb)
        };
        self.report(diagnostic);
    }
}

fn compare(comparison: Comparison, left: Expr, right: Expr, span: Span) -> Expr {
    let operation = BinaryOperation::Compare(comparison);
    typed(ExprKind::Binary(operation, Box::new(left), Box::new(right)), TypeId::BOOL, span)
}

/// Whether an expression, as it is written, is a comparison.
fn is_comparison(source: &ast::Expr) -> bool {
    use ast::BinaryOperator::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual};
    let ast::ExprKind::Binary(operator, ..) = &source.kind else { return false };
    matches!(operator, Equal | NotEqual | Less | LessEqual | Greater | GreaterEqual)
}
