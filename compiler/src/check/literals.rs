//! Literals: numbers with their units, and strings.

use swarm_bytecode::quantity::{self, Literal, LiteralError};
use swarm_bytecode::types::{Type, TypeId};
use swarm_grammar::ast;
use swarm_grammar::span::Span;

use super::body::{Body, typed};
use super::errors;
use crate::typed::{Expr, ExprKind};

impl Body<'_, '_> {
    pub(crate) fn number(&mut self, text: &str, span: Span) -> Option<Expr> {
        if self.rate_or_division(text, span) {
            return None;
        }
        match quantity::parse_literal(text) {
            Ok(Literal::Int(value)) => Some(typed(ExprKind::Word(value), TypeId::INT, span)),
            Ok(Literal::Float(value)) => Some(typed(ExprKind::Float(value), TypeId::FLOAT, span)),
            Ok(Literal::Quantity { ty, value }) => Some(typed(ExprKind::Word(value), ty, span)),
            Ok(Literal::Rate { dimension, value }) => {
                let ty = self.cx.types.quantity(dimension);
                Some(typed(ExprKind::Float(value), ty, span))
            }
            Err(error) => {
                self.bad_number(text, error, span);
                None
            }
        }
    }

    fn bad_number(&mut self, text: &str, error: LiteralError, span: Span) {
        if let Some(diagnostic) = errors::units::bad_number(text, error, span) {
            self.report(diagnostic);
        }
    }

    /// `$5/hour`: nearly a rate. Says whether it was one.
    pub(crate) fn misspelt_rate(&mut self, number: &ast::Expr, unit: &ast::Expr) -> bool {
        let (ast::ExprKind::Number(_), ast::ExprKind::Name(name)) = (&number.kind, &unit.kind) else {
            return false;
        };
        let glued = number.span.end.saturating_add(1) == unit.span.start;
        if !glued || self.local(name).is_some() || self.symbol(name).is_some() {
            return false;
        }
        let Err(LiteralError::UnknownUnit { suggestion: Some(near), .. }) =
            quantity::parse_literal(&format!("1{name}"))
        else {
            return false;
        };
        let unit = ast::Name { text: name.clone(), span: unit.span };
        self.report(errors::units::unknown_unit(&unit, Some(near)));
        true
    }

    /// `$100/h` is a rate; where `h` is also a name, one cannot tell what was meant (rule 27).
    fn rate_or_division(&mut self, text: &str, span: Span) -> bool {
        let Some((number, word)) = text.split_once('/') else { return false };
        let either = self.local(word).is_some() || self.symbol(word).is_some();
        if either {
            self.report(errors::units::rate_or_division(number, word, span));
        }
        either
    }

    /// A text; with holes it is put together when it is needed.
    pub(crate) fn string(&mut self, literal: &ast::StringLiteral) -> Option<Expr> {
        let span = literal.span;
        if let Some(text) = literal.plain() {
            return Some(typed(ExprKind::String(text), TypeId::STRING, span));
        }
        let mut parts = Vec::with_capacity(literal.parts.len());
        let mut understood = true;
        for part in &literal.parts {
            let part = match part {
                ast::StringPart::Text(text) => {
                    Some(typed(ExprKind::String(text.clone()), TypeId::STRING, span))
                }
                ast::StringPart::Hole(source) => self.hole(source),
            };
            understood &= part.is_some();
            parts.extend(part);
        }
        if !understood {
            return None;
        }
        match parts.len() {
            1 => parts.pop().map(|part| Expr { span, ..part }),
            _ => Some(typed(ExprKind::Concat(parts), TypeId::STRING, span)),
        }
    }

    /// What stands between `{` and `}`, as text. A record prints its KEY, where it has one (rule 33).
    fn hole(&mut self, source: &ast::Expr) -> Option<Expr> {
        let outer = std::mem::replace(&mut self.in_hole, true);
        let value = self.expression(source, None).and_then(|value| self.present(value, source));
        self.in_hole = outer;
        let value = self.key_of(value?);
        self.unseen(source, value.ty?, "put into a text")?;
        let span = value.span;
        if value.ty? == TypeId::STRING {
            return Some(value);
        }
        Some(typed(ExprKind::Text(Box::new(value)), TypeId::STRING, span))
    }

    /// The KEY of a record; everything else as it is.
    fn key_of(&self, value: Expr) -> Expr {
        let Some(Type::Record { fields, .. }) = value.ty.and_then(|ty| self.cx.types.get(ty)) else {
            return value;
        };
        let key = (0..=u8::MAX).zip(fields).find(|(_, field)| field.key);
        match key {
            Some((index, field)) => {
                let span = value.span;
                typed(ExprKind::Field(Box::new(value), index), field.ty, span)
            }
            None => value,
        }
    }
}
