//! Literals: numbers with their units, and strings.

use swarm_bytecode::quantity::{self, Literal, LiteralError};
use swarm_bytecode::types::TypeId;
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

    /// `$100/h` is a rate; where `h` is also a name, one cannot tell what was meant (rule 27).
    fn rate_or_division(&mut self, text: &str, span: Span) -> bool {
        let Some((number, word)) = text.split_once('/') else { return false };
        let either = self.local(word).is_some() || self.symbol(word).is_some();
        if either {
            self.report(errors::units::rate_or_division(number, word, span));
        }
        either
    }

    pub(crate) fn string(&mut self, literal: &ast::StringLiteral) -> Option<Expr> {
        match literal.plain() {
            Some(text) => Some(typed(ExprKind::String(text), TypeId::STRING, literal.span)),
            None => self.not_yet("A hole in a text", literal.span),
        }
    }
}
