//! Slips in the arms of a MATCH: other languages have no WHEN before a case, and a sign behind it.

use crate::diagnostic::{Diagnostic, Edit};
use crate::mend::{Mend, Slip};
use crate::report;
use crate::span::Span;
use crate::token::Token;

impl Slip<'_> {
    /// `"critical" => f()`, `low -> f()`, `case low: f()`, `default: f()`
    pub(crate) fn arm_without_when(&self) -> Option<(Diagnostic, Mend)> {
        let first = self.lexeme(self.at)?;
        let case = first.token.is_name()
            || matches!(
                first.token,
                Token::String | Token::Number | Token::Minus | Token::True | Token::False | Token::None
            );
        if !case || self.expected.name() || !self.expected.has("WHEN") || !self.expected.has("}") {
            return None;
        }
        let (span, written) = (self.span(first), self.slice(first));
        let is = |words: &[&str]| words.iter().any(|word| written.eq_ignore_ascii_case(word));
        let sign = |at: usize| self.lexeme(at).filter(|x| matches!(x.token, Token::Arrow | Token::Colon));
        let behind = self.at.saturating_add(1);
        let (word, pattern) = match sign(behind) {
            _ if is(&["default", "otherwise", "_", "else"]) => (Token::Else, self.at),
            None if is(&["case"]) => (Token::When, behind),
            _ if first.token == Token::Minus => (Token::When, behind),
            _ => (Token::When, self.at),
        };
        let keyword = word.keyword().unwrap_or_default();
        let (mut edits, mut changes) =
            if first.token == Token::Minus || pattern == self.at && word == Token::When {
                let edit = Edit { span: span.before(), text: format!("{keyword} ") };
                (vec![edit], vec![(self.at, vec![word, first.token])])
            } else {
                (vec![Edit { span, text: keyword.to_owned() }], vec![(self.at, vec![word])])
            };
        let last = pattern.saturating_add(1);
        if let (Some(end), Some(found)) = (self.lexeme(pattern), sign(last)) {
            let next = self.lexeme(last.saturating_add(1)).map(|next| next.token);
            let then = word == Token::When && next != Some(Token::LeftBrace);
            let gap = Span { start: end.end, ..self.span(found) };
            edits.push(Edit { span: gap, text: if then { " THEN" } else { "" }.to_owned() });
            changes.push((last, if then { vec![Token::Then] } else { Vec::new() }));
        }
        let found = crate::explain::found(self.text, Some(first));
        edits.retain(|edit| self.text_of(edit.span) != edit.text);
        let from = if first.token == Token::Minus { first } else { self.lexeme(pattern)? };
        let case = self.lexeme(pattern).map_or(written, |to| self.text_of(self.span(from).to(self.span(to))));
        let diagnostic = report::arm_without_when(span, &found, (keyword, case), edits);
        Some((diagnostic, Mend::Rewrite(changes)))
    }

    /// `WHEN low -> f()`, `ELSE: f()`, `IF a => f()`: THEN stands there, or nothing before a brace.
    pub(crate) fn sign_for_then(&self) -> Option<(Diagnostic, Mend)> {
        let sign = self.lexeme(self.at).filter(|x| matches!(x.token, Token::Arrow | Token::Colon))?;
        let next = self.lexeme(self.at.saturating_add(1)).filter(|next| !next.line_start)?;
        if !self.expected.has("THEN") {
            return None;
        }
        let (span, behind) = (self.span(sign), self.behind());
        let gap = Span { start: behind.start, ..span };
        let needless = next.token == Token::LeftBrace || self.previous()?.token == Token::Else;
        Some(if needless {
            (report::sign_for_then(span, gap, ""), Mend::Remove(self.at))
        } else {
            (report::sign_for_then(span, gap, " THEN"), Mend::Change(self.at, Token::Then))
        })
    }
}
