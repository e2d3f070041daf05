//! Bringing a value to the type its place wants, and saying what is wrong where that cannot be.

use smol_str::SmolStr;
use swarm_bytecode::numeric;
use swarm_bytecode::types::TypeId;
use swarm_grammar::ast;
use swarm_grammar::span::Span;

use super::body::{Body, typed};
use super::errors::{self, Side};
use super::types::Kind;
use crate::typed::{Expr, ExprKind, UnaryOperation};

/// The place a value is for, in words: "by", "the condition", and where it was declared.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) what: SmolStr,
    pub(crate) declared: Option<Span>,
}

impl Wanted {
    /// A place of the language itself.
    pub(crate) fn words(what: &'static str) -> Wanted {
        Wanted { what: SmolStr::new_static(what), declared: None }
    }

    /// A place the program or the prelude declares.
    pub(crate) fn declared(what: impl Into<SmolStr>, span: Span) -> Wanted {
        Wanted { what: what.into(), declared: Some(span) }
    }
}

impl Body<'_, '_> {
    /// Brings `expr` to type `to`: an int becomes a float, a value becomes a `T?`. Everything else is reported.
    pub(crate) fn convert(
        &mut self,
        expr: Expr,
        source: &ast::Expr,
        to: TypeId,
        wanted: &Wanted,
    ) -> Option<Expr> {
        let expr = if self.is_figure(&expr) && self.cx.types.inner(to).is_none() {
            self.present(expr, source)?
        } else {
            expr
        };
        let from = expr.ty?;
        if let Some(expr) = self.try_convert(expr, to) {
            return Some(expr);
        }
        self.report_mismatch(source, from, to, wanted);
        None
    }

    /// Whether a value of one type can be brought to another.
    pub(crate) fn converts(&self, from: TypeId, to: TypeId) -> bool {
        let to = if self.cx.types.fits(from, to) { from } else { self.cx.types.inner(to).unwrap_or(to) };
        self.cx.types.fits(from, to) || (from == TypeId::INT && to == TypeId::FLOAT)
    }

    /// The conversion, if there is one.
    pub(crate) fn try_convert(&mut self, expr: Expr, to: TypeId) -> Option<Expr> {
        let from = expr.ty?;
        if self.cx.types.fits(from, to) {
            return Some(expr);
        }
        if let Some(inner) = self.cx.types.inner(to) {
            let span = expr.span;
            // NONE and `T?` themselves were settled above.
            let value = self.try_convert(expr, inner)?;
            return Some(typed(ExprKind::Some(Box::new(value)), to, span));
        }
        (from == TypeId::INT && to == TypeId::FLOAT).then(|| to_float(expr))
    }

    fn report_mismatch(&mut self, source: &ast::Expr, from: TypeId, to: TypeId, wanted: &Wanted) {
        let whole = self.cx.quote(source.span);
        let types = &self.cx.types;
        let (from_name, to_name) = (types.name(from), types.name(to));
        let target = types.inner(to).unwrap_or(to);
        if super::expressions::is_none(source) {
            self.report(errors::types::never_takes_none(&to_name, source.span, wanted));
            return;
        }
        if let Some(inner) = types.inner(from)
            && types.fits(inner, target)
        {
            let zero = zero_text(inner);
            self.report(errors::types::may_be_none(&whole, source.span, &types.name(inner), zero));
            return;
        }
        let (have, want) = (types.kind(from), types.kind(target));
        let found = Side { text: whole, span: source.span, ty: from_name };
        let diagnostic = match (have, want) {
            (Kind::Float | Kind::Rate(_), Kind::Int) if have == Kind::Float => {
                errors::types::whole_number(&found, wanted, whole_division(source))
            }
            _ if have.calculates() && want.calculates() => {
                let literal = as_literal_of(source, target);
                let scaled = (have == Kind::Percent && want == Kind::Float).then_some(source.span);
                errors::units::wrong_unit(&found, &to_name, wanted, literal, scaled)
            }
            _ => errors::types::wrong_type(&found, &to_name, wanted),
        };
        self.report(diagnostic);
    }

    /// An expression of type `ty`, in words for messages.
    pub(crate) fn side(&self, source: &ast::Expr, ty: TypeId) -> Side {
        Side { text: self.cx.quote(source.span), span: source.span, ty: self.cx.types.name(ty) }
    }
}

/// An int, or the carrier of a quantity, as a float; constants at once.
pub(crate) fn to_float(expr: Expr) -> Expr {
    let span = expr.span;
    let kind = match expr.kind {
        ExprKind::Word(word) => ExprKind::Float(numeric::int_to_float(word)),
        kind => {
            let operand = Expr { kind, ty: expr.ty, span };
            ExprKind::Unary(UnaryOperation::WordToFloat, Box::new(operand))
        }
    };
    typed(kind, TypeId::FLOAT, span)
}

/// A percent as a float; constants at once.
pub(crate) fn percent_to_float(expr: Expr) -> Expr {
    let span = expr.span;
    let kind = match expr.kind {
        ExprKind::Word(word) => ExprKind::Float(numeric::percent_to_float(word)),
        kind => {
            let operand = Expr { kind, ty: expr.ty, span };
            ExprKind::Unary(UnaryOperation::PercentToFloat, Box::new(operand))
        }
    };
    typed(kind, TypeId::FLOAT, span)
}

/// The text of the literal an expression is, without parentheses and sign.
fn literal_text(source: &ast::Expr) -> Option<(&str, Span)> {
    match &source.kind {
        ast::ExprKind::Number(text) => Some((text, source.span)),
        ast::ExprKind::Paren(inner) | ast::ExprKind::Unary(ast::UnaryOperator::Negate, inner) => {
            literal_text(inner)
        }
        _ => None,
    }
}

/// Where `source` is a literal: its place, and the same number written as a literal of type `to`.
pub(crate) fn as_literal_of(source: &ast::Expr, to: TypeId) -> Option<(Span, String)> {
    let (text, span) = literal_text(source)?;
    let (text, _) = text.split_once('/').unwrap_or((text, ""));
    let digits = text.strip_prefix('$').unwrap_or(text);
    let end = digits.find(|c: char| !c.is_ascii_digit() && c != '_' && c != '.').unwrap_or(digits.len());
    let (number, unit) = digits.split_at_checked(end)?;
    let number = number.trim_end_matches('.');
    let prefix = ["K", "k", "M", "G", "T"].into_iter().find(|prefix| unit.starts_with(prefix));
    let prefix = if unit.ends_with('B') || unit.ends_with("bps") { prefix } else { None };
    let literal = match to {
        TypeId::INT | TypeId::FLOAT => number.to_owned(),
        TypeId::DURATION => format!("{number}s"),
        TypeId::BYTES if unit == "bps" || unit == "B" => format!("{number}B"),
        TypeId::BYTES => format!("{number}{}B", prefix.unwrap_or("M")),
        TypeId::BANDWIDTH if unit == "B" => format!("{number}bps"),
        TypeId::BANDWIDTH => format!("{number}{}bps", prefix.unwrap_or("M")),
        TypeId::MONEY => format!("${number}"),
        TypeId::TOKENS => format!("{number} tokens"),
        TypeId::PERCENT => format!("{number}%"),
        _ => return None,
    };
    let typed = match swarm_bytecode::quantity::parse_literal(&literal).ok()? {
        swarm_bytecode::quantity::Literal::Int(_) => to == TypeId::INT || to == TypeId::FLOAT,
        swarm_bytecode::quantity::Literal::Float(_) => to == TypeId::FLOAT,
        swarm_bytecode::quantity::Literal::Quantity { ty, .. } => ty == to,
        swarm_bytecode::quantity::Literal::Rate { .. } => false,
    };
    typed.then_some((span, literal))
}

/// A literal that stands in for a missing value of the type.
pub(crate) fn zero_text(ty: TypeId) -> Option<&'static str> {
    Some(match ty {
        TypeId::INT => "0",
        TypeId::FLOAT => "0.0",
        TypeId::BOOL => "FALSE",
        TypeId::STRING => "\"\"",
        TypeId::DURATION => "0s",
        TypeId::BYTES => "0B",
        TypeId::BANDWIDTH => "0bps",
        TypeId::MONEY => "$0",
        TypeId::TOKENS => "0 tokens",
        TypeId::PERCENT => "0%",
        _ => return None,
    })
}

/// The `/` of a division, where `source` is one: DIV in its place gives a whole number.
fn whole_division(source: &ast::Expr) -> Option<Span> {
    match &source.kind {
        ast::ExprKind::Binary(ast::BinaryOperator::Divide, at, ..) => Some(*at),
        ast::ExprKind::Paren(inner) => whole_division(inner),
        _ => None,
    }
}
