//! Two slips about whole statements: a MATCH where a value is expected, and a TRY or RETRY without ELSE.

use crate::diagnostic::{Diagnostic, Edit};
use crate::items::{begins_item, closing};
use crate::mend::{Mend, Slip};
use crate::report;
use crate::span::Span;
use crate::token::Token;

impl Slip<'_> {
    /// `RETURN MATCH x { … }`, `y = MATCH x { … }`.
    pub(crate) fn match_as_value(&self) -> Option<(Diagnostic, Mend)> {
        let word = self.lexeme(self.at).filter(|lexeme| lexeme.token == Token::Match)?;
        if !self.expected.value() || self.expected.statement() {
            return None;
        }
        let open = self.arms_open()?;
        let close = closing(self.lexemes, open);
        let behind = close.saturating_add(1);
        // `MATCH x { … } + 1`: the arms alone are not the value.
        let whole = self.lexeme(behind).is_none_or(|next| {
            next.token.is_closer() || next.token == Token::Semicolon || begins_item(self.lexemes, behind)
        });
        let edits = if whole { self.edits_in_arms(open, close) } else { None };
        let diagnostic = report::match_as_value(self.span(word), edits);
        Some((diagnostic, Mend::Replace(self.at..behind.min(self.lexemes.len()), Token::Bad)))
    }

    /// `for (task in tasks) {`, `for (const task of tasks) {`, `for (Task task : tasks) {`
    pub(crate) fn loop_in_brackets(&self) -> Option<(Diagnostic, Mend)> {
        let (open, close) = (self.at, closing(self.lexemes, self.at));
        let (before, opener) = (self.previous()?, self.lexeme(open)?);
        let closer = self.lexeme(close)?;
        let inside = self.lexemes.get(open.saturating_add(1)..close)?;
        let counts = inside.iter().any(|lexeme| lexeme.token == Token::Semicolon);
        let between = inside.iter().position(|lexeme| {
            matches!(lexeme.token, Token::In | Token::Colon) || self.slice(*lexeme) == "of"
        })?;
        let name = *inside.get(between.checked_sub(1)?)?;
        if counts || between > 2 || !name.token.is_name() {
            return None;
        }
        let word = *inside.get(between)?;
        let (at_name, at_word) =
            (open.saturating_add(between), open.saturating_add(between).saturating_add(1));
        let space = |start: u32, end: u32| if start == end { " " } else { "" };
        let gap = Span { end: name.start, ..self.span(opener) };
        let mut edits = vec![Edit { span: gap, text: space(before.end, opener.start).to_owned() }];
        if word.token != Token::In {
            edits.push(Edit { span: self.span(word), text: format!("{}IN", space(name.end, word.start)) });
        }
        edits.push(Edit { span: self.span(closer), text: String::new() });
        let mut changes: Vec<_> = (open..at_name).map(|at| (at, Vec::new())).collect();
        changes.extend([(at_word, vec![Token::In]), (close, Vec::new())]);
        Some((report::loop_in_brackets(self.span(opener), edits), Mend::Rewrite(changes)))
    }

    /// The brace behind the MATCH where the parser stopped.
    fn arms_open(&self) -> Option<usize> {
        let mut index = self.at.saturating_add(1);
        loop {
            let token = self.lexeme(index)?.token;
            match token {
                Token::LeftBrace => return Some(index),
                Token::LeftParen | Token::LeftBracket => {
                    index = closing(self.lexemes, index).saturating_add(1);
                }
                _ if token.is_closer() => return None,
                _ => index = index.saturating_add(1),
            }
        }
    }

    /// The edits that write what stands before the MATCH, RETURN or `place =`, into each of its arms.
    fn edits_in_arms(&self, open: usize, close: usize) -> Option<Vec<Edit>> {
        let first = self.beginning()?;
        let start = self.span(self.lexeme(first)?);
        let word = self.span(self.lexeme(self.at)?);
        let moved = Span { end: word.start, ..start };
        let prefix = self.text_of(moved).trim_end();
        if prefix.contains(['\n', '/']) {
            return None;
        }
        let mut edits = vec![Edit { span: moved, text: String::new() }];
        for place in self.arm_values(open, close)? {
            let value = self.lexeme(place)?;
            if !leaves(value.token) {
                edits.push(Edit { span: self.span(value).before(), text: format!("{prefix} ") });
            }
        }
        Some(edits)
    }

    /// The token that begins `RETURN`, `place =` or `RECORD m =` before the MATCH.
    fn beginning(&self) -> Option<usize> {
        let previous = self.at.checked_sub(1)?;
        match self.lexeme(previous)?.token {
            Token::Return => Some(previous),
            Token::Assign | Token::PlusAssign | Token::MinusAssign => {
                let place = self.place_start()?;
                let before = place.checked_sub(1)?;
                match self.lexeme(before)?.token {
                    Token::Record => Some(before),
                    // LET names a value in its own block only: it cannot stand in the arms.
                    Token::Let | Token::Colon | Token::Less | Token::Comma | Token::Max => None,
                    _ => Some(place),
                }
            }
            _ => None,
        }
    }

    /// Where the values of the arms begin, if each arm has one behind THEN or ELSE.
    fn arm_values(&self, open: usize, close: usize) -> Option<Vec<usize>> {
        let mut values = Vec::new();
        let mut index = open.saturating_add(1);
        let (mut in_head, mut choices) = (false, 0_usize);
        while index < close {
            let token = self.lexeme(index)?.token;
            let next = index.saturating_add(1);
            match token {
                Token::When if in_head => return None,
                Token::When => (in_head, choices) = (true, 0),
                Token::Then if in_head => {
                    in_head = false;
                    values.push(next);
                }
                Token::If => choices = choices.saturating_add(1),
                Token::Else if choices > 0 => choices = choices.saturating_sub(1),
                Token::Else => values.push(next),
                // A block, or a MATCH inside: what becomes of it is not for an edit to say.
                Token::LeftBrace | Token::Match => return None,
                Token::LeftParen | Token::LeftBracket => {
                    index = closing(self.lexemes, index).saturating_add(1);
                    continue;
                }
                _ => {}
            }
            index = next;
        }
        let complete = !in_head && values.iter().all(|&place| place < close);
        (complete && !values.is_empty()).then_some(values)
    }

    /// Whether a word stands here that other languages have for the ELSE of a TRY.
    pub(crate) fn catches(&self, at: usize) -> bool {
        let word = self.lexeme(at).filter(|word| word.token == Token::Name);
        let text = word.map_or("", |word| self.slice(word));
        ["catch", "except", "rescue"].iter().any(|own| text.eq_ignore_ascii_case(own))
    }

    /// `TRY ACT()`, `RETRY 3 TIMES ACT()`, and no ELSE.
    pub(crate) fn missing_else(&self) -> Option<(Diagnostic, Mend)> {
        let call_ends = self.previous()?.token == Token::RightParen;
        if !call_ends || self.expected.only() != Some("ELSE") {
            return None;
        }
        if self.catches(self.at) {
            let inside = self.lexemes.get(self.at..)?;
            let open =
                inside.iter().position(|lexeme| lexeme.token == Token::LeftBrace).filter(|open| *open < 6)?;
            let last = self.lexeme(self.at.saturating_add(open).checked_sub(1)?)?;
            let (word, whole) = (self.place(), self.place().to(self.span(last)));
            let rest = (1..open).map(|ahead| (self.at.saturating_add(ahead), Vec::new()));
            let changes = std::iter::once((self.at, vec![Token::Else])).chain(rest).collect();
            return Some((report::catch(word, whole, self.text_of(word)), Mend::Rewrite(changes)));
        }
        let mut depth = 0_usize;
        let mut start = self.at;
        let word = loop {
            start = start.checked_sub(1)?;
            let lexeme = self.lexeme(start)?;
            match lexeme.token {
                Token::Try | Token::Retry if depth == 0 => break lexeme,
                token if token.is_closer() => depth = depth.saturating_add(1),
                token if token.closer().is_some() => depth = depth.checked_sub(1)?,
                _ => {}
            }
        };
        let keyword = word.token.keyword().unwrap_or("TRY");
        let block = self.token() == Some(Token::LeftBrace);
        let edit = Edit { span: self.behind(), text: if block { " ELSE" } else { " ELSE { }" }.to_owned() };
        let tokens: &[Token] =
            if block { &[Token::Else] } else { &[Token::Else, Token::LeftBrace, Token::RightBrace] };
        let insertions = tokens.iter().map(|&token| (self.at, token)).collect();
        Some((report::missing_else(self.span(word), keyword, edit), Mend::Insert(insertions)))
    }
}

/// Whether an arm says already what it does.
fn leaves(token: Token) -> bool {
    token.begins_statement_only() || matches!(token, Token::Stop | Token::Fail)
}
