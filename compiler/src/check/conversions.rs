//! Bringing a value to the type its place wants, and saying what is wrong where that cannot be.

use smol_str::SmolStr;
use swarm_bytecode::numeric;
use swarm_bytecode::quantity::{self, Literal};
use swarm_bytecode::types::TypeId;
use swarm_grammar::ast;
use swarm_grammar::diagnostic::Diagnostic;
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
        let secrets = (types.is_secret(from), types.is_secret(target));
        let found = Side { text: whole, span: source.span, ty: from_name };
        let diagnostic = match (have, want) {
            _ if secrets.0 => errors::secrets::not_for(&found, &to_name, wanted),
            _ if secrets.1 => errors::secrets::not_secret(&found, wanted),
            (Kind::Float | Kind::Rate(_), Kind::Int) if have == Kind::Float => {
                errors::types::whole_number(&found, wanted, whole_division(source))
            }
            _ if have.calculates() && want.calculates() => {
                let literal = as_literal_of(source, target);
                let scaled = have == Kind::Percent && want == Kind::Float && literal.is_none();
                let scaled = scaled.then_some(source.span);
                let diagnostic = errors::units::wrong_unit(&found, &to_name, wanted, literal, scaled);
                advise(diagnostic, from, target)
            }
            _ => {
                let diagnostic = errors::types::wrong_type(&found, &to_name, wanted);
                match unquoted(source, target) {
                    Some(text) => diagnostic.fix(format!("write {text}"), source.span, text),
                    None if target == TypeId::BOOL => self.as_condition(diagnostic, source, from),
                    None => diagnostic,
                }
            }
        };
        self.report(diagnostic);
    }

    /// `IF xs THEN`: what other languages take for a condition, with the comparison that they mean.
    fn as_condition(&self, diagnostic: Diagnostic, source: &ast::Expr, ty: TypeId) -> Diagnostic {
        use ast::ExprKind::{Call, Index, Member, Name};
        let types = &self.cx.types;
        let counts = match &source.kind {
            Call { callee, .. } => matches!(&callee.kind, Name(name) if name == "len"),
            Name(_) | Member(..) | Index(..) => false,
            _ => return diagnostic,
        };
        let (open, rest) = match ty {
            TypeId::INT if counts => ("", " > 0"),
            TypeId::INT => ("", " != 0"),
            TypeId::STRING => ("len(", ") > 0"),
            _ if types.inner(ty).is_some() => ("", " != NONE"),
            _ if types.element(ty).is_some() || types.entry(ty).is_some() => ("len(", ") > 0"),
            _ => return diagnostic,
        };
        let text = self.cx.source_text(source.span);
        diagnostic.fix(format!("write {open}{text}{rest}"), source.span, format!("{open}{text}{rest}"))
    }

    /// Refuses to look at a value that is a secret or holds one; `done` is what would be done to it.
    pub(crate) fn unseen(&mut self, source: &ast::Expr, ty: TypeId, done: &str) -> Option<()> {
        if !self.cx.types.holds_secret(ty) {
            return Some(());
        }
        let side = self.side(source, ty);
        self.report(errors::secrets::looked_at(&side, done));
        None
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

/// Whether an expression is a number, with a unit or without.
pub(crate) fn is_literal(source: &ast::Expr) -> bool {
    literal_text(source).is_some()
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

/// Where `source` is a literal: its place, and how it was most likely meant as a literal of type `to`. A bare
/// number where a type has only one unit gets it; bits and bytes of one size are easily confused; a
/// percentage is a number too. What else a number with another unit, or without one, was meant to be cannot
/// be told.
pub(crate) fn as_literal_of(source: &ast::Expr, to: TypeId) -> Option<(Span, String)> {
    let (text, span) = literal_text(source)?;
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '_' && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(end).filter(|(number, _)| !number.is_empty())?;
    let literal = match (to, unit) {
        (TypeId::MONEY, "") => format!("${number}"),
        (TypeId::TOKENS, "") => format!("{number} tokens"),
        (TypeId::PERCENT, "") => percentage(number),
        (TypeId::BANDWIDTH, _) => format!("{number}{}bps", unit.strip_suffix('B')?.trim_end_matches('i')),
        (TypeId::BYTES, _) => format!("{number}{}B", unit.strip_suffix("bps")?),
        (TypeId::FLOAT, "%") => quantity::format_float(numeric::percent_to_float(percent(text)?)),
        _ => return None,
    };
    let right = match quantity::parse_literal(&literal).ok()? {
        Literal::Quantity { ty, .. } => ty == to,
        Literal::Float(_) => to == TypeId::FLOAT,
        Literal::Int(_) | Literal::Rate { .. } => false,
    };
    right.then_some((span, literal))
}

/// The text of a string that is a literal of type `to`.
fn unquoted(source: &ast::Expr, to: TypeId) -> Option<smol_str::SmolStr> {
    let ast::ExprKind::String(literal) = &source.kind else { return None };
    let text = literal.plain()?;
    let right = match quantity::parse_literal(&text).ok()? {
        Literal::Quantity { ty, .. } => ty == to,
        Literal::Int(_) => matches!(to, TypeId::INT | TypeId::FLOAT),
        Literal::Float(_) => to == TypeId::FLOAT,
        Literal::Rate { .. } => false,
    };
    right.then_some(text)
}

/// A number as a percentage: 0.2 was meant as a share, 20 already is a percentage.
fn percentage(number: &str) -> String {
    let Some(parts) = number.strip_prefix("0.") else { return format!("{number}%") };
    let (whole, rest) = match parts.split_at_checked(2) {
        Some((whole, rest)) => (whole.to_owned(), rest),
        None => (format!("{parts:0<2}"), ""),
    };
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    if rest.is_empty() { format!("{whole}%") } else { format!("{whole}.{rest}%") }
}

fn percent(text: &str) -> Option<i64> {
    match quantity::parse_literal(text).ok()? {
        Literal::Quantity { ty: TypeId::PERCENT, value } => Some(value),
        _ => None,
    }
}

/// Says how to write what a place wants, where no edit does.
pub(crate) fn advise(diagnostic: Diagnostic, found: TypeId, wanted: TypeId) -> Diagnostic {
    let number = matches!(wanted, TypeId::INT | TypeId::FLOAT);
    let advice = if number { counted(found) } else { written(wanted) };
    match advice {
        Some(advice) if diagnostic.fix.is_none() => diagnostic.note(advice),
        _ => diagnostic,
    }
}

/// How values of a type are written.
fn written(ty: TypeId) -> Option<&'static str> {
    Some(match ty {
        TypeId::DURATION => "A duration is written with its unit, like 250ms, 30s, 5min or 2h.",
        TypeId::BYTES => "Bytes are written with their unit, like 64KB, 500MB or 2GiB.",
        TypeId::BANDWIDTH => "Bandwidth is written with its unit, like 100Mbps or 1Gbps.",
        TypeId::MONEY => "Money is written like $5 or $0.002.",
        TypeId::TOKENS => "Tokens are written like 50_000 tokens.",
        TypeId::PERCENT => "A percentage is written like 20%.",
        TypeId::TIME => "A point in time is written like time(\"2026-11-20T08:00:00Z\").",
        _ => return None,
    })
}

/// How a plain number is made of a quantity.
fn counted(ty: TypeId) -> Option<&'static str> {
    Some(match ty {
        TypeId::DURATION => "A duration divided by a unit is a number: x / 1s says how many seconds.",
        TypeId::BYTES => "Bytes divided by a unit are a number: x / 1MB says how many megabytes.",
        TypeId::BANDWIDTH => {
            "Bandwidth divided by a unit is a number: x / 1Mbps says how many megabits a second."
        }
        TypeId::MONEY => "Money divided by money is a number: x / $1 says how many dollars.",
        TypeId::TOKENS => "Tokens divided by tokens are a number: x / 1 tokens says how many.",
        TypeId::PERCENT => "A percentage is a share of something: len(xs) * 5% is five of a hundred.",
        _ => return None,
    })
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
