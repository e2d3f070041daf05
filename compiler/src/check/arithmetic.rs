//! Arithmetic with units: which operands go together, what comes out, and by which operation.

use swarm_bytecode::numeric::PERCENT_ONE;
use swarm_bytecode::types::{Dimension, TypeId};
use swarm_grammar::ast::{self, BinaryOperator as Operator};
use swarm_grammar::span::Span;

use super::body::{Body, typed};
use super::conversions::{percent_to_float, to_float};
use super::errors;
use super::types::Kind;
use crate::typed::{BinaryOperation as Operation, Expr, ExprKind};

/// What turns bytes per nanosecond, the carrier units, into bit/s, the unit of bandwidth.
const BANDWIDTH_FACTOR: i64 = 8_000_000_000;

/// An operand: what was written, and what it means.
type Operand<'s> = (&'s ast::Expr, Expr);

impl Body<'_, '_> {
    /// Arithmetic over two checked operands.
    pub(crate) fn arithmetic(
        &mut self,
        operator: Operator,
        at: Span,
        (left, first): Operand<'_>,
        (right, second): Operand<'_>,
        span: Span,
    ) -> Option<Expr> {
        let first = self.present(first, left);
        let second = self.present(second, right);
        let (first, second) = (first?, second?);
        let (a, b) = (first.ty?, second.ty?);
        let kinds = (self.cx.types.kind(a), self.cx.types.kind(b));
        let found = match operator {
            Operator::Add | Operator::Subtract => self.sum(operator, kinds, first, second, span),
            Operator::Multiply => self.product(kinds, first, second, span),
            Operator::Divide => self.quotient(kinds, first, second, span),
            _ => whole(operator, kinds, first, second, span),
        };
        if found.is_none() {
            self.no_arithmetic(operator, at, kinds, (left, a), (right, b));
        }
        found
    }

    fn sum(
        &mut self,
        operator: Operator,
        kinds: (Kind, Kind),
        left: Expr,
        right: Expr,
        span: Span,
    ) -> Option<Expr> {
        let add = operator == Operator::Add;
        let words = if add { Operation::AddWord } else { Operation::SubtractWord };
        let floats = if add { Operation::AddFloat } else { Operation::SubtractFloat };
        let (a, b) = (left.ty?, right.ty?);
        match kinds {
            (Kind::Int | Kind::Percent | Kind::Quantity(_), _) if a == b => {
                Some(node(words, left, right, a, span))
            }
            (Kind::Float | Kind::Rate(_), _) if a == b => Some(node(floats, left, right, a, span)),
            (Kind::Int | Kind::Percent, Kind::Float) => {
                Some(node(floats, as_float(left, kinds.0), right, TypeId::FLOAT, span))
            }
            (Kind::Float, Kind::Int | Kind::Percent) => {
                Some(node(floats, left, as_float(right, kinds.1), TypeId::FLOAT, span))
            }
            (Kind::Time, Kind::Time) if !add => Some(node(words, left, right, TypeId::DURATION, span)),
            (Kind::Time, _) if b == TypeId::DURATION => Some(node(words, left, right, TypeId::TIME, span)),
            _ => None,
        }
    }

    fn product(&mut self, kinds: (Kind, Kind), left: Expr, right: Expr, span: Span) -> Option<Expr> {
        let (a, b) = (left.ty?, right.ty?);
        let (operation, ty) = match kinds {
            (Kind::Int, Kind::Int) => (Operation::MultiplyWord, TypeId::INT),
            (Kind::Percent, Kind::Percent) => (Operation::Product(PERCENT_ONE), TypeId::PERCENT),
            (Kind::Quantity(_), Kind::Int) => (Operation::MultiplyWord, a),
            (Kind::Int, Kind::Quantity(_)) => (Operation::MultiplyWord, b),
            (Kind::Quantity(_), Kind::Percent) => (Operation::Product(PERCENT_ONE), a),
            (Kind::Percent, Kind::Quantity(_)) => (Operation::Product(PERCENT_ONE), b),
            (Kind::Quantity(_), Kind::Float) => (Operation::Scale, a),
            (Kind::Float, Kind::Quantity(_)) => (Operation::Scale, b),
            (Kind::Rate(_), number) if number.is_number() => {
                let right = as_float(right, number);
                return Some(node(Operation::MultiplyFloat, left, right, a, span));
            }
            (number, Kind::Rate(_)) if number.is_number() => {
                let left = as_float(left, number);
                return Some(node(Operation::MultiplyFloat, left, right, b, span));
            }
            (first, second) if first.is_number() && second.is_number() => {
                let (left, right) = (as_float(left, first), as_float(right, second));
                return Some(node(Operation::MultiplyFloat, left, right, TypeId::FLOAT, span));
            }
            (Kind::Quantity(_) | Kind::Rate(_), Kind::Quantity(_) | Kind::Rate(_)) => {
                let dimension = kinds.0.dimension().product(kinds.1.dimension())?;
                return self.compound_product(kinds, dimension, left, right, span);
            }
            _ => return None,
        };
        Some(node(operation, left, right, ty, span))
    }

    fn compound_product(
        &mut self,
        kinds: (Kind, Kind),
        dimension: Dimension,
        left: Expr,
        right: Expr,
        span: Span,
    ) -> Option<Expr> {
        let (a, b) = (left.ty?, right.ty?);
        let ty = self.cx.types.quantity(dimension);
        if matches!((a, b), (TypeId::BANDWIDTH, TypeId::DURATION) | (TypeId::DURATION, TypeId::BANDWIDTH)) {
            return Some(node(Operation::Product(BANDWIDTH_FACTOR), left, right, ty, span));
        }
        let word = match kinds {
            (Kind::Quantity(_), Kind::Rate(_)) => Some(a),
            (Kind::Rate(_), Kind::Quantity(_)) => Some(b),
            _ => None,
        };
        if word.is_some_and(|word| word != TypeId::BANDWIDTH) && self.is_plain_quantity(ty) {
            return Some(node(Operation::Scale, left, right, ty, span));
        }
        let product = node(
            Operation::MultiplyFloat,
            carried(left, kinds.0),
            carried(right, kinds.1),
            TypeId::FLOAT,
            span,
        );
        Some(self.out_of_carrier(product, ty))
    }

    fn quotient(&mut self, kinds: (Kind, Kind), left: Expr, right: Expr, span: Span) -> Option<Expr> {
        let (a, b) = (left.ty?, right.ty?);
        let (operation, ty) = match kinds {
            (Kind::Int, Kind::Int) | (Kind::Percent, Kind::Percent) => (Operation::Ratio, TypeId::FLOAT),
            (Kind::Percent | Kind::Quantity(_), Kind::Int) => (Operation::Quotient(1), a),
            (Kind::Percent | Kind::Quantity(_), Kind::Float) => (Operation::Unscale, a),
            (Kind::Quantity(_), Kind::Percent) => (Operation::Quotient(PERCENT_ONE), a),
            (Kind::Quantity(_), _) if a == b => (Operation::Ratio, TypeId::FLOAT),
            (Kind::Quantity(_), Kind::Quantity(_)) if a == TypeId::BYTES && b == TypeId::DURATION => {
                (Operation::Quotient(BANDWIDTH_FACTOR), TypeId::BANDWIDTH)
            }
            (Kind::Quantity(_), Kind::Quantity(_)) if a == TypeId::BYTES && b == TypeId::BANDWIDTH => {
                (Operation::Quotient(BANDWIDTH_FACTOR), TypeId::DURATION)
            }
            (first, second) if first.is_number() && second.is_number() => {
                let (left, right) = (as_float(left, first), as_float(right, second));
                return Some(node(Operation::DivideFloat, left, right, TypeId::FLOAT, span));
            }
            (Kind::Time | Kind::Other, _) | (_, Kind::Time | Kind::Other) => return None,
            _ => return self.compound_quotient(kinds, left, right, span),
        };
        Some(node(operation, left, right, ty, span))
    }

    fn compound_quotient(
        &mut self,
        kinds: (Kind, Kind),
        left: Expr,
        right: Expr,
        span: Span,
    ) -> Option<Expr> {
        let dimension = kinds.0.dimension().quotient(kinds.1.dimension())?;
        let ty = self.cx.types.quantity(dimension);
        let scaled =
            matches!(kinds, (Kind::Quantity(_), Kind::Rate(_))) && left.ty != Some(TypeId::BANDWIDTH);
        if scaled && self.is_plain_quantity(ty) {
            return Some(node(Operation::Unscale, left, right, ty, span));
        }
        let (left, right) = (carried(left, kinds.0), carried(right, kinds.1));
        let quotient = node(Operation::DivideFloat, left, right, TypeId::FLOAT, span);
        Some(self.out_of_carrier(quotient, ty))
    }

    /// A named quantity whose carrier unit is the base unit of its dimension: all but bandwidth.
    fn is_plain_quantity(&self, ty: TypeId) -> bool {
        ty != TypeId::BANDWIDTH && matches!(self.cx.types.kind(ty), Kind::Quantity(_))
    }

    /// A float in carrier units as a value of type `ty`.
    fn out_of_carrier(&self, value: Expr, ty: TypeId) -> Expr {
        let span = value.span;
        if !matches!(self.cx.types.kind(ty), Kind::Quantity(_)) {
            return Expr { ty: Some(ty), ..value };
        }
        let one = if ty == TypeId::BANDWIDTH { BANDWIDTH_FACTOR } else { 1 };
        node(Operation::Scale, typed(ExprKind::Word(one), ty, span), value, ty, span)
    }

    /// Says why two operands do not go together.
    fn no_arithmetic(
        &mut self,
        operator: Operator,
        at: Span,
        kinds: (Kind, Kind),
        (left, a): (&ast::Expr, TypeId),
        (right, b): (&ast::Expr, TypeId),
    ) {
        if self.unseen(left, a, "calculated with").is_none()
            || self.unseen(right, b, "calculated with").is_none()
        {
            return;
        }
        let sides = (self.side(left, a), self.side(right, b));
        let sum = matches!(operator, Operator::Add | Operator::Subtract);
        let whole = matches!(operator, Operator::WholeDivide | Operator::Modulo);
        let diagnostic = match kinds {
            (Kind::Other, _) | (_, Kind::Other) => {
                let texts = a == TypeId::STRING && b == TypeId::STRING;
                errors::types::no_arithmetic(&sides.0, &sides.1, operator, at, texts && sum)
            }
            (Kind::Quantity(_) | Kind::Rate(_), Kind::Percent) if sum => {
                let rest = share_left(operator, right, &sides.1.text);
                errors::units::share_of_quantity(&sides.0, &sides.1, operator, at, &rest)
            }
            (Kind::Float | Kind::Rate(_), _) | (_, Kind::Float | Kind::Rate(_)) if whole => {
                errors::units::whole_operator_on_float(&sides.0, &sides.1, operator, at)
            }
            (Kind::Time, _) | (_, Kind::Time) => errors::units::time_arithmetic(&sides.0, &sides.1, at),
            _ if sum || operator == Operator::Modulo || whole => {
                let verb = match operator {
                    Operator::Add => "added",
                    Operator::Subtract => "subtracted",
                    _ => "divided into whole parts",
                };
                self.mixed((left, a), (right, b), at, verb);
                return;
            }
            _ => errors::units::no_product(&sides.0, &sides.1, at),
        };
        self.report(diagnostic);
    }
}

/// DIV and MOD.
fn whole(operator: Operator, kinds: (Kind, Kind), left: Expr, right: Expr, span: Span) -> Option<Expr> {
    let (a, b) = (left.ty?, right.ty?);
    let divide = operator == Operator::WholeDivide;
    let operation = if divide { Operation::DivideWord } else { Operation::ModuloWord };
    let ty = match kinds {
        (Kind::Int, Kind::Int) => TypeId::INT,
        (Kind::Percent | Kind::Quantity(_), _) if a == b => {
            if divide {
                TypeId::INT
            } else {
                a
            }
        }
        (Kind::Percent | Kind::Quantity(_), Kind::Int) if divide => a,
        _ => return None,
    };
    Some(node(operation, left, right, ty, span))
}

fn node(operation: Operation, left: Expr, right: Expr, ty: TypeId, span: Span) -> Expr {
    typed(ExprKind::Binary(operation, Box::new(left), Box::new(right)), ty, span)
}

/// A number as a float: 20% is 0.2.
fn as_float(expr: Expr, kind: Kind) -> Expr {
    match kind {
        Kind::Int => to_float(expr),
        Kind::Percent => percent_to_float(expr),
        _ => expr,
    }
}

/// A number or a quantity as a float in carrier units: bandwidth counts as bytes per nanosecond.
fn carried(expr: Expr, kind: Kind) -> Expr {
    let span = expr.span;
    match kind {
        Kind::Quantity(_) if expr.ty == Some(TypeId::BANDWIDTH) => {
            let factor = to_float(typed(ExprKind::Word(BANDWIDTH_FACTOR), TypeId::INT, span));
            node(Operation::DivideFloat, to_float(expr), factor, TypeId::FLOAT, span)
        }
        Kind::Quantity(_) => to_float(expr),
        other => as_float(expr, other),
    }
}

/// What remains of a whole after `- 20%` or `+ 20%`, as it would be written: `80%`, or `(100% - share)`.
fn share_left(operator: Operator, share: &ast::Expr, text: &str) -> String {
    use swarm_bytecode::quantity::{Literal, format, parse_literal};
    let literal = match &share.kind {
        ast::ExprKind::Number(number) => parse_literal(number).ok(),
        _ => None,
    };
    let add = operator == Operator::Add;
    if let Some(Literal::Quantity { ty: TypeId::PERCENT, value }) = literal {
        let rest = if add { PERCENT_ONE.checked_add(value) } else { PERCENT_ONE.checked_sub(value) };
        if let Some(rest) = rest.filter(|rest| *rest >= 0) {
            return format(TypeId::PERCENT, rest);
        }
    }
    let sign = if add { '+' } else { '-' };
    format!("(100% {sign} {text})")
}
