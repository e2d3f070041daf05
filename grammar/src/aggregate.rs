//! Aggregates that need brackets: inside a larger expression, and where what they are of begins with a sign.

use crate::diagnostic::Diagnostic;
use crate::items::{closing, open_before};
use crate::mend::{Mend, Slip};
use crate::node::aggregate_named;
use crate::report;
use crate::span::Span;
use crate::token::{Lexeme, Token};

impl Slip<'_> {
    /// `$1 + SUM x.cost FOR x IN xs`.
    pub(crate) fn inner_aggregate(&self) -> Option<(Diagnostic, Mend)> {
        let lexeme = self.lexeme(self.at)?;
        if !lexeme.token.is_aggregate() || !self.expected.value() || self.expected.has("SUM") {
            return None;
        }
        let word = lexeme.token.keyword().unwrap_or("SUM");
        let Some((inside, end)) = self.inside_of(self.at) else {
            return Some((report::inner_aggregate(self.span(lexeme), word, None), Mend::LeaveOut));
        };
        let outer = matches!(lexeme.token, Token::Top | Token::Bottom);
        let open = if outer { self.at } else { self.at.saturating_add(1) };
        let mend = Mend::Insert(vec![(open, Token::LeftParen), (end, Token::RightParen)]);
        Some((report::inner_aggregate(self.span(lexeme), word, Some(inside)), mend))
    }

    /// `SUM (a + b) * 2 FOR x IN xs`, `ANY -x > limit FOR x IN xs`: read as a call of what has that name, or a difference,
    /// and FOR as the next statement.
    pub(crate) fn aggregate_of_a_sign(&self) -> Option<(Diagnostic, Mend)> {
        let at = match self.token() {
            Some(Token::Comma | Token::RightBracket) => self.aggregate_of_list()?,
            token if token == Some(Token::For) || self.expected.has("{") => self.aggregate_before()?,
            _ => return None,
        };
        let (lexeme, sign) = (self.lexeme(at)?, self.lexeme(at.saturating_add(1))?);
        let (inside, end) = self.inside_of(at)?;
        let word = self.slice(lexeme).to_ascii_uppercase();
        let diagnostic = report::aggregate_of_a_sign(self.span(lexeme), &word, self.slice(sign), inside);
        let open = (at.saturating_add(1), Token::LeftParen);
        Some((diagnostic, Mend::Insert(vec![open, (end, Token::RightParen)])))
    }

    /// The word before the list in which the parser stopped, since no index looks like that: `COLLECT [a, b] FOR x IN xs`.
    fn aggregate_of_list(&self) -> Option<usize> {
        let open = open_before(self.lexemes, self.at).last().copied()?;
        let word = open.checked_sub(1)?;
        self.may_be_aggregate(word, self.lexeme(word)?, self.lexeme(open)?).then_some(word)
    }

    /// The word of an aggregate that a sign follows, before the FOR at which the parser stopped, or that is behind it on its
    /// line. A blank before the sign tells it from a call, where there are both.
    fn aggregate_before(&self) -> Option<usize> {
        let mut found = None;
        let (mut depth, mut goes_over) = (0_usize, false);
        let behind = self.at.saturating_add(usize::from(self.token() == Some(Token::For)));
        for index in (0..behind).rev() {
            let (lexeme, next) = (self.lexeme(index)?, self.lexeme(index.saturating_add(1)));
            if lexeme.token.is_closer() {
                depth = depth.saturating_add(1);
            } else if lexeme.token.closer().is_some() {
                depth = depth.checked_sub(1)?;
            }
            if depth > 0 {
                continue;
            }
            if goes_over && let Some(sign) = next.filter(|sign| self.may_be_aggregate(index, lexeme, *sign)) {
                let apart = lexeme.end < sign.start;
                if apart || found.is_none() {
                    found = Some(index);
                }
                if apart {
                    break;
                }
            }
            if lexeme.line_start {
                break;
            }
            goes_over |= lexeme.token == Token::For && next.is_none_or(|next| next.token != Token::Each);
        }
        found
    }

    /// Whether a name may have been meant as an aggregate of what the sign behind it begins: not `max(a, b)`.
    fn may_be_aggregate(&self, index: usize, name: Lexeme, sign: Lexeme) -> bool {
        let signs = matches!(sign.token, Token::LeftParen | Token::LeftBracket | Token::Minus);
        if name.token != Token::Name || !signs || aggregate_named(self.slice(name)).is_none() {
            return false;
        }
        let open = index.saturating_add(1);
        let called = sign.token == Token::LeftParen;
        !called || !self.has_several_parts(open)
    }

    /// Whether a comma stands right between these brackets.
    fn has_several_parts(&self, open: usize) -> bool {
        let close = closing(self.lexemes, open);
        let mut index = open.saturating_add(1);
        while index < close {
            match self.lexeme(index) {
                Some(lexeme) if lexeme.token == Token::Comma => return true,
                Some(lexeme) if lexeme.token.closer().is_some() => index = closing(self.lexemes, index),
                _ => {}
            }
            index = index.saturating_add(1);
        }
        false
    }

    /// What stands behind the word of an aggregate, and the token behind that, if it has what it goes over.
    fn inside_of(&self, word: usize) -> Option<(Span, usize)> {
        let limit = self.statement_end(word);
        let mut goes_over = false;
        let mut index = word.saturating_add(1);
        while index < limit {
            let token = self.lexeme(index)?.token;
            let ends = matches!(token, Token::Then | Token::Else | Token::Comma | Token::LeftBrace);
            // WHILE … MAX n.
            let ends = ends || goes_over && token == Token::Max;
            if ends || token.is_closer() {
                break;
            }
            goes_over |= matches!(token, Token::For | Token::In);
            index = match token.closer() {
                Some(_) => closing(self.lexemes, index).saturating_add(1),
                None => index.saturating_add(1),
            };
        }
        let end = index.min(limit);
        let (first, last) = (self.lexeme(word.saturating_add(1))?, self.lexeme(end.saturating_sub(1))?);
        goes_over.then(|| (self.span(first).to(self.span(last)), end))
    }
}
