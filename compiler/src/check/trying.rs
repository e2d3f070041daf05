//! TRY and RETRY: one action whose outcome the program waits for.

use swarm_bytecode::module::ImportId;
use swarm_bytecode::types::TypeId;
use swarm_grammar::ast;
use swarm_grammar::span::Span;

use super::body::Body;
use super::conversions::Wanted;
use super::effects::Effect;
use super::environment::Symbol;
use super::errors;
use super::statements::Step;
use crate::typed::{Expr, StatementKind};

/// Attempts a RETRY may ask for.
const MAX_ATTEMPTS: i64 = 1_000;

/// How often and how fast: of a TRY nothing is written.
#[derive(Clone, Copy, Default)]
pub(crate) struct Attempts<'s> {
    pub(crate) times: Option<&'s ast::Expr>,
    pub(crate) backoff: Option<&'s ast::Expr>,
}

impl Body<'_, '_> {
    pub(crate) fn try_statement(
        &mut self,
        attempts: Attempts<'_>,
        call: &ast::Expr,
        otherwise: &ast::Block,
        span: Span,
    ) -> Step {
        let word = if attempts.times.is_some() { "RETRY" } else { "TRY" };
        let at = Span { end: span.start.saturating_add(if word == "TRY" { 3 } else { 5 }), ..span };
        let times = attempts.times.map_or(Some(1), |times| self.attempts(times));
        let wanted = Wanted::words("BACKOFF");
        let backoff = attempts.backoff.map(|backoff| self.value(backoff, TypeId::DURATION, &wanted));
        let tried = self.tried(word, call);
        self.facts.note(Effect::Try);
        if !self.allowed.admits(Effect::Try)
            && let Some(held) = self.held
        {
            self.report(errors::host::try_that_may_be_undone(word, at, held));
        }
        let otherwise = self.block(otherwise).statements;
        let kind = match (tried, times, backoff) {
            (Some((import, arguments)), Some(times), None) => {
                Some(StatementKind::Try { import, arguments, times, backoff: None, otherwise })
            }
            (Some((import, arguments)), Some(times), Some(Some(backoff))) => {
                Some(StatementKind::Try { import, arguments, times, backoff: Some(backoff), otherwise })
            }
            _ => None,
        };
        Step::next(kind)
    }

    fn attempts(&mut self, times: &ast::Expr) -> Option<i64> {
        let word = self.cx.constant_word(times, TypeId::INT, "RETRY")?;
        if (1..=MAX_ATTEMPTS).contains(&word) {
            return Some(word);
        }
        self.report(errors::header::out_of_range("RETRY", word.to_string(), "1 to 1,000", times.span));
        None
    }

    /// The action and its arguments.
    fn tried(&mut self, word: &'static str, call: &ast::Expr) -> Option<(ImportId, Vec<Expr>)> {
        let ast::ExprKind::Call { callee, arguments } = &call.kind else {
            self.expression(call, None);
            return None;
        };
        let symbol = self.path(callee);
        let action = match symbol {
            Some(Symbol::Host(id)) if !self.cx.host_is_query(id) => id,
            Some(Symbol::Unknown) => {
                self.evaluate_only(arguments);
                return None;
            }
            found => {
                self.evaluate_only(arguments);
                if !self.incomplete {
                    let text = self.cx.quote(callee.span);
                    let query = matches!(found, Some(Symbol::Host(_)));
                    let known = found.is_some() || self.local(&text).is_some();
                    let near = if known { None } else { self.cx.nearest_action(&text) };
                    let at = callee.span;
                    self.report(errors::host::try_of_what(word, &text, at, (known, query), near.as_deref()));
                }
                return None;
            }
        };
        let signature = self.cx.env.host(action)?.clone();
        let arguments = self.arguments(&signature, arguments, callee.span);
        self.effect(Effect::Action, &signature.name, callee.span);
        Some((action, arguments?))
    }
}
