//! Operators: from a flat list of operands and operators to a tree in which each has its operands.

use crate::ast::{BinaryOperator, Expr, ExprKind, UnaryOperator};
use crate::node::Builder;
use crate::report;
use crate::span::Span;

/// An operator between operands, and where it stands.
pub(crate) type Sign = (BinaryOperator, (u32, u32));

/// Looks at an operator that gets its left operand: where that starts, and where the right one ends.
type CheckSign<'a> = fn(&mut Builder<'a>, u32, &Expr, Sign, u32);

impl<'a> Builder<'a> {
    /// `left sign right`.
    pub(crate) fn binary(
        &mut self,
        start: u32,
        left: Box<Expr>,
        sign: Sign,
        right: Box<Expr>,
        end: u32,
    ) -> Box<Expr> {
        self.join(start, left, sign, right, end, Builder::check_comparison)
    }

    /// `left = right` where only a comparison makes sense.
    pub(crate) fn compare_with_assign(
        &mut self,
        start: u32,
        left: Box<Expr>,
        place: (u32, u32),
        right: Box<Expr>,
        end: u32,
    ) -> Box<Expr> {
        let sign = (BinaryOperator::Equal, place);
        self.join(start, left, sign, right, end, Builder::report_assign)
    }

    /// Puts `sign right` where it binds: behind `left`, or behind the operand that `left` ends with where a
    /// weaker operator stands before that. So a list of operands and operators becomes a tree, one after the
    /// other.
    fn join(
        &mut self,
        start: u32,
        left: Box<Expr>,
        sign: Sign,
        right: Box<Expr>,
        end: u32,
        check: CheckSign<'a>,
    ) -> Box<Expr> {
        let (operator, place) = sign;
        let span = left.span;
        match left.kind {
            ExprKind::Binary(weaker, at, first, last) if binds_before(operator, strength(weaker)) => {
                let last = self.join(last.span.start, last, sign, right, end, check);
                self.expr(span.start, ExprKind::Binary(weaker, at, first, last), end)
            }
            ExprKind::Unary(weaker, last) if binds_before(operator, unary_strength(weaker)) => {
                let last = self.join(last.span.start, last, sign, right, end, check);
                self.expr(span.start, ExprKind::Unary(weaker, last), end)
            }
            _ => {
                check(self, start, &left, sign, end);
                let place = Span::new(self.file, place.0, place.1);
                self.expr(start, ExprKind::Binary(operator, place, left, right), end)
            }
        }
    }

    /// `a < b < c`.
    fn check_comparison(&mut self, _: u32, left: &Expr, (operator, place): Sign, _: u32) {
        if let ExprKind::Binary(first, first_place, _, middle) = &left.kind
            && strength(*first) == COMPARES
            && strength(operator) == COMPARES
        {
            let text = self.slice(middle.span.start, middle.span.end);
            let second = Span::new(self.file, place.0, place.1);
            self.report(report::chained_comparison(*first_place, middle.span, second, text));
        }
    }

    /// `a = b` as a condition; or `LET x =` and on the next line `y = 1`: then what is wrong is the value
    /// that is missing.
    fn report_assign(&mut self, start: u32, _: &Expr, (_, place): Sign, end: u32) {
        let first = self.lexemes.partition_point(|lexeme| lexeme.start < start);
        let behind = self.lexemes.partition_point(|lexeme| lexeme.start < end);
        let begins_line = |at: usize| self.lexemes.get(at).is_none_or(|lexeme| lexeme.line_start);
        let before = first.checked_sub(1).and_then(|before| self.lexemes.get(before));
        match before {
            Some(before) if begins_line(first) && begins_line(behind) => {
                let span = Span::new(self.file, before.start, before.end);
                self.report(report::missing_value(span, self.slice(before.start, before.end)));
            }
            _ => self.report(report::assign_in_condition(Span::new(self.file, place.0, place.1))),
        }
    }
}

/// How strongly operators hold their operands: a stronger one has them first.
fn strength(operator: BinaryOperator) -> u8 {
    match operator {
        BinaryOperator::Or => 1,
        BinaryOperator::And => 2,
        BinaryOperator::Equal
        | BinaryOperator::NotEqual
        | BinaryOperator::Less
        | BinaryOperator::LessEqual
        | BinaryOperator::Greater
        | BinaryOperator::GreaterEqual
        | BinaryOperator::Contains => COMPARES,
        BinaryOperator::Add | BinaryOperator::Subtract => 5,
        BinaryOperator::Multiply
        | BinaryOperator::Divide
        | BinaryOperator::WholeDivide
        | BinaryOperator::Modulo => 6,
        BinaryOperator::Coalesce => COALESCES,
    }
}

fn unary_strength(operator: UnaryOperator) -> u8 {
    match operator {
        UnaryOperator::Not => 3,
        UnaryOperator::Negate => 7,
    }
}

const COMPARES: u8 = 4;
const COALESCES: u8 = 8;

/// Whether an operator has the operand that stands behind one of this strength. Only `??` has it before its
/// own kind.
fn binds_before(operator: BinaryOperator, other: u8) -> bool {
    strength(operator) > other || (operator == BinaryOperator::Coalesce && other == COALESCES)
}
