//! What other languages write between operands: `a ? b : c`, `x BETWEEN a AND b`, and beside them: `BY e DESC`,
//! `(key, value) IN`.

use crate::diagnostic::{Diagnostic, Edit};
use crate::items::{begins_item, closing};
use crate::mend::{Mend, Slip};
use crate::report;
use crate::span::Span;
use crate::token::Token;

impl Slip<'_> {
    /// `a ? b : c`.
    pub(crate) fn question_mark(&self) -> Option<(Diagnostic, Mend)> {
        let sign = self.lexeme(self.at).filter(|sign| sign.token == Token::Question)?;
        if !self.expected.operator() {
            return None;
        }
        let advice = "a choice is written IF a THEN b ELSE c";
        let advised = (report::foreign_sign(self.span(sign), "?", advice), Mend::LeaveOut);
        Some(self.choice().unwrap_or(advised))
    }

    /// The whole of `a ? b : c`, where `a` is all of a value.
    fn choice(&self) -> Option<(Diagnostic, Mend)> {
        let start = self.value_start()?;
        let behind = self.at.saturating_add(1);
        let colon = (behind..self.statement_end(behind)).find(|at| {
            let token = self.lexeme(*at).map(|lexeme| lexeme.token);
            token == Some(Token::Colon) || token == Some(Token::Question)
        })?;
        let (first, sign, second) = (self.lexeme(start)?, self.lexeme(self.at)?, self.lexeme(colon)?);
        let flat = |from: usize, to: usize| {
            self.lexemes.get(from..to).is_some_and(|inside| {
                !inside.is_empty()
                    && inside.iter().all(|own| own.token.closer().is_none() && !own.token.is_closer())
            })
        };
        if second.token != Token::Colon || !flat(behind, colon) {
            return None;
        }
        let blank = |end: u32, start: u32| if end == start { " " } else { "" };
        let word = |text: &str, at: usize, span: Span| {
            let (before, next) = (self.lexeme(at.checked_sub(1)?)?, self.lexeme(at.saturating_add(1))?);
            let text = format!("{}{text}{}", blank(before.end, span.start), blank(span.end, next.start));
            Some(Edit { span, text })
        };
        let edits = vec![
            Edit { span: self.span(first).before(), text: "IF ".to_owned() },
            word("THEN", self.at, self.span(sign))?,
            word("ELSE", colon, self.span(second))?,
        ];
        let changes = vec![
            (start, vec![Token::If, first.token]),
            (self.at, vec![Token::Then]),
            (colon, vec![Token::Else]),
        ];
        Some((report::choice(self.span(sign), edits), Mend::Rewrite(changes)))
    }

    /// The first token of the value before the one where the parser stopped, behind `=`, a bracket, a comma or RETURN.
    fn value_start(&self) -> Option<usize> {
        let mut depth = 0_usize;
        let mut at = self.at;
        while let Some(before) = at.checked_sub(1) {
            let token = self.lexeme(before)?.token;
            if token.is_closer() {
                depth = depth.saturating_add(1);
            } else if token.closer().is_some() && depth > 0 {
                depth = depth.saturating_sub(1);
            } else if depth == 0 {
                let opens = matches!(token, Token::Assign | Token::Comma | Token::Return | Token::Colon)
                    || matches!(token, Token::LeftParen | Token::LeftBracket);
                if opens {
                    return Some(at).filter(|at| *at < self.at);
                }
                if token.is_reserved() && !matches!(token, Token::And | Token::Or | Token::Not)
                    || begins_item(self.lexemes, before)
                {
                    return None;
                }
            }
            at = before;
        }
        None
    }

    /// The word where the parser stopped, or before that, where it was taken for the beginning of a statement.
    fn word_behind_value(&self, words: &[&str]) -> Option<usize> {
        let is = |at: &usize| {
            let word = self.lexeme(*at).filter(|word| word.token == Token::Name && !word.line_start);
            word.is_some_and(|word| words.iter().any(|own| self.slice(word).eq_ignore_ascii_case(own)))
        };
        [Some(self.at), self.at.checked_sub(1)].into_iter().flatten().find(is)
    }

    /// `x BETWEEN a AND b`
    pub(crate) fn between(&self) -> Option<(Diagnostic, Mend)> {
        let word = self.word_behind_value(&["between"])?;
        let last = word.checked_sub(1)?;
        // A name such as `avg` is one that an aggregate could begin with.
        let start = match self.lexeme(last)?.token.is_aggregate() {
            true => last,
            false => self.place_start_before(word).filter(|start| self.place_end(*start) == Some(word))?,
        };
        let at = |ahead: usize| self.lexeme(word.saturating_add(ahead));
        let (low, and, high) = (at(1)?, at(2)?, at(3)?);
        let plain = |token: Token| token == Token::Number || token.is_name();
        let before = self.lexeme(start.checked_sub(1)?)?.token;
        let whole = matches!(before, Token::If | Token::While | Token::Where | Token::And | Token::Or)
            || matches!(before, Token::Assign | Token::LeftParen | Token::Comma | Token::Return);
        if !whole || !plain(low.token) || and.token != Token::And || !plain(high.token) {
            return None;
        }
        let value = self.span(self.lexeme(start)?).to(self.span(self.lexeme(last)?));
        let (low, text) = (self.slice(low), self.text_of(value));
        let right = format!("{text} >= {low} AND {text} <= {}", self.slice(high));
        let diagnostic = report::between(self.span(at(0)?), value.to(self.span(high)), right);
        let end = word.saturating_add(4);
        Some((diagnostic, Mend::Replace(start..end, Token::Bad)))
    }

    /// `TOP 3 x IN xs BY e DESC`
    pub(crate) fn order_of_best(&self) -> Option<(Diagnostic, Mend)> {
        let (up, down) = (["asc", "ascending"], ["desc", "descending"]);
        let ascending = self.word_behind_value(&up);
        let place = ascending.or_else(|| self.word_behind_value(&down))?;
        let (word, before) = (self.lexeme(place)?, self.lexeme(place.checked_sub(1)?)?);
        let best = (0..place).rev().find_map(|at| {
            let lexeme = self.lexeme(at).filter(|own| matches!(own.token, Token::Top | Token::Bottom))?;
            Some((at, lexeme))
        });
        let (at, best) = best?;
        let gap = Span { start: before.end, ..self.span(word) };
        let mut edits = vec![Edit { span: gap, text: String::new() }];
        let mut changes = vec![(place, Vec::new())];
        let (right, token) =
            if ascending.is_none() { ("TOP", Token::Top) } else { ("BOTTOM", Token::Bottom) };
        if best.token != token {
            edits.insert(0, Edit { span: self.span(best), text: right.to_owned() });
            changes.insert(0, (at, vec![token]));
        }
        Some((report::order_of_best(self.span(word), self.slice(word), edits), Mend::Rewrite(changes)))
    }

    /// `FOR EACH (key, value) IN map`
    pub(crate) fn names_in_brackets(&self) -> Option<(Diagnostic, Mend)> {
        let open = self.lexeme(self.at).filter(|open| open.token == Token::LeftParen)?;
        let behind = matches!(self.previous()?.token, Token::For | Token::Each);
        let close = closing(self.lexemes, self.at);
        let inside = self.lexemes.get(self.at.saturating_add(1)..close)?;
        let names = inside.iter().all(|own| own.token.is_name() || own.token == Token::Comma);
        let goes_over = self.lexeme(close.saturating_add(1)).is_some_and(|next| next.token == Token::In);
        let changes = vec![(self.at, Vec::new()), (close, Vec::new())];
        let diagnostic = report::names_in_brackets(self.span(open), self.span(self.lexeme(close)?));
        (behind && names && goes_over && !inside.is_empty()).then_some((diagnostic, Mend::Rewrite(changes)))
    }
}
