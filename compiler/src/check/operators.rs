//! Operators: the way in, logic, signs and `??`.

use swarm_bytecode::types::TypeId;
use swarm_grammar::ast::{self, BinaryOperator as Operator, UnaryOperator};
use swarm_grammar::span::Span;

use super::body::{Body, Place, typed};
use super::conversions::{Wanted, zero_text};
use super::errors;
use super::types::Kind;
use crate::typed::{Comparison, Expr, ExprKind, UnaryOperation};

impl Body<'_, '_> {
    /// A condition: TRUE or FALSE.
    pub(crate) fn condition(&mut self, source: &ast::Expr) -> Option<Expr> {
        self.value(source, TypeId::BOOL, &Wanted::words("a condition"))
    }

    pub(crate) fn unary(
        &mut self,
        operator: UnaryOperator,
        operand: &ast::Expr,
        span: Span,
        expected: Option<TypeId>,
    ) -> Option<Expr> {
        match operator {
            UnaryOperator::Not => {
                let value = self.value(operand, TypeId::BOOL, &Wanted::words("what follows NOT"))?;
                let kind = ExprKind::Unary(UnaryOperation::Not, Box::new(value));
                Some(typed(kind, TypeId::BOOL, span))
            }
            UnaryOperator::Negate => self.negate(operand, span, expected),
        }
    }

    fn negate(&mut self, operand: &ast::Expr, span: Span, expected: Option<TypeId>) -> Option<Expr> {
        let value = self.expression(operand, expected)?;
        let value = self.present(value, operand)?;
        let ty = value.ty?;
        let operation = match self.cx.types.kind(ty) {
            Kind::Int | Kind::Percent | Kind::Quantity(_) => UnaryOperation::NegateWord,
            Kind::Float | Kind::Rate(_) => UnaryOperation::NegateFloat,
            Kind::Time | Kind::Other => {
                self.unseen(operand, ty, "calculated with")?;
                let side = self.side(operand, ty);
                self.report(errors::types::cannot_negate(&side));
                return None;
            }
        };
        let kind = match value.kind {
            ExprKind::Word(word) if word != i64::MIN => ExprKind::Word(word.wrapping_neg()),
            ExprKind::Float(float) => ExprKind::Float(-float),
            kind => ExprKind::Unary(operation, Box::new(Expr { kind, ..value })),
        };
        Some(typed(kind, ty, span))
    }

    pub(crate) fn binary(
        &mut self,
        (operator, at): (Operator, Span),
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
        expected: Option<TypeId>,
    ) -> Option<Expr> {
        match operator {
            Operator::And | Operator::Or => self.logic(operator, left, right, span),
            Operator::Coalesce => self.coalesce(left, right, span, expected),
            Operator::Contains => self.contains(left, right, span),
            Operator::Equal => self.comparison(Comparison::Equal, at, left, right, span),
            Operator::NotEqual => self.comparison(Comparison::NotEqual, at, left, right, span),
            Operator::Less => self.comparison(Comparison::Less, at, left, right, span),
            Operator::LessEqual => self.comparison(Comparison::LessEqual, at, left, right, span),
            Operator::Greater => self.comparison(Comparison::Greater, at, left, right, span),
            Operator::GreaterEqual => self.comparison(Comparison::GreaterEqual, at, left, right, span),
            Operator::Add
            | Operator::Subtract
            | Operator::Multiply
            | Operator::Divide
            | Operator::WholeDivide
            | Operator::Modulo => self.calculation(operator, at, left, right, span),
        }
    }

    fn calculation(
        &mut self,
        operator: Operator,
        at: Span,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
    ) -> Option<Expr> {
        if operator == Operator::Add && self.joined_texts(left, right, span) {
            return None;
        }
        let first = self.expression(left, None);
        if operator == Operator::Divide && self.misspelt_rate(left, right) {
            return None;
        }
        let second = self.expression(right, None);
        self.arithmetic(operator, at, (left, first?), (right, second?), span)
    }

    fn logic(&mut self, operator: Operator, left: &ast::Expr, right: &ast::Expr, span: Span) -> Option<Expr> {
        let word = if operator == Operator::And { "each side of AND" } else { "each side of OR" };
        let wanted = Wanted::words(word);
        let left = self.value(left, TypeId::BOOL, &wanted);
        let right = self.value(right, TypeId::BOOL, &wanted);
        let (left, right) = (Box::new(left?), Box::new(right?));
        let kind =
            if operator == Operator::And { ExprKind::And(left, right) } else { ExprKind::Or(left, right) };
        Some(typed(kind, TypeId::BOOL, span))
    }

    fn coalesce(
        &mut self,
        left: &ast::Expr,
        right: &ast::Expr,
        span: Span,
        expected: Option<TypeId>,
    ) -> Option<Expr> {
        let hint = expected.map(|ty| match self.cx.types.inner(ty) {
            Some(_) => ty,
            None => self.cx.types.optional(ty),
        });
        let optional = self.expression(left, hint);
        let inner = optional.as_ref().and_then(|optional| self.cx.types.inner(optional.ty?));
        match (optional, inner) {
            (Some(optional), Some(inner)) => {
                let wanted = Wanted::words("what stands in for NONE");
                let value = self.value(right, inner, &wanted)?;
                let kind = ExprKind::Coalesce(Box::new(optional), Box::new(value));
                Some(typed(kind, inner, span))
            }
            (Some(always), None) => {
                self.expression(right, always.ty);
                let side = self.side(left, always.ty?);
                self.report(errors::types::never_none(&side, Some(span), "??"));
                None
            }
            (None, _) => {
                self.expression(right, expected);
                None
            }
        }
    }

    /// A value that is surely there: a `T?` is reported with the way to handle it.
    pub(crate) fn present(&mut self, value: Expr, source: &ast::Expr) -> Option<Expr> {
        let Some(inner) = self.cx.types.inner(value.ty?) else { return Some(value) };
        if self.is_figure(&value) {
            return Some(self.known_figure(value, inner));
        }
        // A variable is asked to be looked at once.
        if let ExprKind::Local(_) = value.kind
            && !self.unknown.insert(self.cx.quote(source.span).into())
        {
            return None;
        }
        let (whole, name) = (self.cx.quote(source.span), self.cx.types.name(inner));
        // In a hole there can be no quotes.
        let zero = zero_text(inner).filter(|zero| !(self.in_hole && zero.contains('"')));
        let no_quotes = self.in_hole && zero.is_none();
        let diagnostic = errors::types::may_be_none(&whole, source.span, &name, zero);
        self.report(if no_quotes { errors::types::outside_the_hole(diagnostic) } else { diagnostic });
        None
    }

    /// Whether this is a figure of the fleet that may be unknown; only the header has such.
    pub(crate) fn is_figure(&self, value: &Expr) -> bool {
        let figure = matches!(value.kind, ExprKind::Metric(_) | ExprKind::Quantile(..) | ExprKind::Mean(_));
        self.place == Place::Header && figure && value.ty.is_some_and(|ty| self.cx.types.inner(ty).is_some())
    }

    /// The value of a figure: where it is unknown, the whole condition does not hold (rule 43).
    pub(crate) fn known_figure(&mut self, value: Expr, inner: TypeId) -> Expr {
        let span = value.span;
        let known = self.figures.iter().find(|(figure, _)| match (&figure.kind, &value.kind) {
            (ExprKind::Metric(a), ExprKind::Metric(b)) | (ExprKind::Mean(a), ExprKind::Mean(b)) => a == b,
            (ExprKind::Quantile(a, p), ExprKind::Quantile(b, q)) => a == b && p == q,
            _ => false,
        });
        let local = match known {
            Some((_, local)) => *local,
            None => {
                let local = self.hidden("figure", span, inner);
                self.figures.push((value, local));
                local
            }
        };
        typed(ExprKind::Local(local), inner, span)
    }
}
