//! Whole shapes of other languages: comprehensions, functions that are one expression, a TRY around a
//! block.

use crate::diagnostic::{Diagnostic, Edit};
use crate::items::{closing, open_before};
use crate::mend::{Mend, Slip};
use crate::report;
use crate::span::Span;
use crate::token::Token;

impl Slip<'_> {
    /// `[x.cost for x in xs if x.done]`
    pub(crate) fn comprehension(&self) -> Option<(Diagnostic, Mend)> {
        let word = self.lexeme(self.at).filter(|word| word.token == Token::For)?;
        let open = *open_before(self.lexemes, self.at).last()?;
        let opener = self.lexeme(open).filter(|opener| opener.token == Token::LeftBracket)?;
        let close = closing(self.lexemes, open);
        let closer = self.lexeme(close)?;
        let inside = self.lexemes.get(self.at..close)?;
        let filter = inside.iter().position(|lexeme| lexeme.token == Token::If);
        let filter = filter.map(|filter| self.at.saturating_add(filter));
        let mut edits = vec![Edit { span: self.span(opener), text: "COLLECT ".to_owned() }];
        let mut changes = vec![(open, vec![Token::Collect])];
        if let Some(filter) = filter {
            edits.push(Edit { span: self.span(self.lexeme(filter)?), text: "WHERE".to_owned() });
            changes.push((filter, vec![Token::Where]));
        }
        edits.push(Edit { span: self.span(closer), text: String::new() });
        changes.push((close, Vec::new()));
        Some((report::comprehension(self.span(opener).to(self.span(word)), edits), Mend::Rewrite(changes)))
    }

    /// `FUNC f(x: int) -> int = x + 1`
    pub(crate) fn expression_body(&self) -> Option<(Diagnostic, Mend)> {
        let sign = self.lexeme(self.at)?;
        let first = self.lexemes.first()?;
        let body = matches!(sign.token, Token::Assign | Token::GreaterEqual | Token::Arrow)
            && first.token == Token::Func
            && open_before(self.lexemes, self.at).is_empty()
            && self.expected.has("{");
        let last = self.lexemes.last().filter(|_| body)?;
        let gap = Span { start: self.behind().start, ..self.span(sign) };
        let edits = vec![
            Edit { span: gap, text: " { RETURN".to_owned() },
            Edit { span: self.span(*last).after(), text: " }".to_owned() },
        ];
        let end = self.lexemes.len().checked_sub(1).filter(|end| *end > self.at)?;
        let changes = vec![
            (self.at, vec![Token::LeftBrace, Token::Return]),
            (end, vec![last.token, Token::RightBrace]),
        ];
        Some((report::expression_body(self.span(sign), edits), Mend::Rewrite(changes)))
    }

    /// `Task[]` and `FUNC f(): int`
    pub(crate) fn foreign_type(&self) -> Option<(Diagnostic, Mend)> {
        let (sign, before) = (self.lexeme(self.at)?, self.previous()?);
        let name = self.at.checked_sub(1)?;
        match sign.token {
            Token::Colon
                if before.token == Token::RightParen
                    && self.expected.has("->")
                    && self
                        .lexeme(self.at.saturating_add(1))
                        .is_some_and(|ty| ty.token.is_name() && !ty.line_start) =>
            {
                let gap = Span { start: before.end, ..self.span(sign) };
                Some((report::colon_before_result(self.span(sign), gap), Mend::Change(self.at, Token::Arrow)))
            }
            Token::LeftBracket if before.token.is_name() && self.next() == Some(Token::RightBracket) => {
                let colon = self.lexeme(name.checked_sub(1)?)?.token;
                let whole = self.span(before).to(self.span(self.lexeme(self.at.saturating_add(1))?));
                let right = format!("list<{}>", self.slice(before));
                let typed = matches!(colon, Token::Colon | Token::Arrow | Token::Less);
                let all = name..self.at.saturating_add(2);
                typed.then(|| (report::type_of_list(whole, right), Mend::Replace(all, Token::Bad)))
            }
            _ => None,
        }
    }

    /// `RECORD saved += $1`
    pub(crate) fn recorded_sum(&self) -> Option<(Diagnostic, Mend)> {
        let sign = self.lexeme(self.at).filter(|sign| sign.token == Token::PlusAssign)?;
        let record = self.lexeme(self.at.checked_sub(2)?)?.token == Token::Record;
        record.then(|| (report::recorded_sum(self.span(sign)), Mend::Change(self.at, Token::Assign)))
    }

    /// `x IN xs`, `x NOT IN xs`: the whole asks before what is asked for.
    pub(crate) fn membership(&self) -> Option<(Diagnostic, Mend)> {
        let negated = self.token() == Some(Token::Not) && self.next() == Some(Token::In);
        let word = self.at.saturating_add(usize::from(negated));
        if !negated && self.token() != Some(Token::In) || !self.expected.has("CONTAINS") {
            return None;
        }
        let before = self.previous()?;
        let start = match before.token {
            Token::String | Token::Number => self.at.checked_sub(1)?,
            _ => self.place_start().filter(|start| self.place_end(*start) == Some(self.at))?,
        };
        let whole = word.saturating_add(1);
        let end = self.lexeme(whole).filter(|group| !group.line_start).and_then(|_| self.place_end(whole))?;
        let spans = |from: usize, to: usize| {
            Some(self.span(self.lexeme(from)?).to(self.span(self.lexeme(to.checked_sub(1)?)?)))
        };
        let (part, group) = (self.text_of(spans(start, self.at)?), self.text_of(spans(whole, end)?));
        let right = format!("{}{group} CONTAINS {part}", if negated { "NOT " } else { "" });
        let diagnostic = report::membership(spans(self.at, whole)?, spans(start, end)?, right);
        Some((diagnostic, Mend::Replace(start..end, Token::Bad)))
    }

    /// The token behind the place (`a.b[c]`), the call or the list that begins there.
    pub(crate) fn place_end(&self, start: usize) -> Option<usize> {
        let first = self.lexeme(start)?;
        let mut end = match first.token {
            Token::LeftBracket => closing(self.lexemes, start).saturating_add(1),
            token if token.is_name() => start.saturating_add(1),
            _ => return None,
        };
        loop {
            let lexeme = self.lexeme(end);
            end = match lexeme.map(|lexeme| lexeme.token) {
                Some(Token::Dot) => end.saturating_add(2),
                Some(Token::LeftBracket | Token::LeftParen) if !lexeme.is_some_and(|own| own.line_start) => {
                    closing(self.lexemes, end).saturating_add(1)
                }
                _ => return (end <= self.lexemes.len()).then_some(end),
            };
        }
    }

    /// `TRY { PAY(x) }`, `RETRY 3 TIMES { PAY(x) }`
    pub(crate) fn block_of_a_try(&self) -> Option<(Diagnostic, Mend)> {
        let open = self.lexeme(self.at).filter(|brace| brace.token == Token::LeftBrace)?;
        let tried = match self.previous()?.token {
            Token::Try => true,
            Token::Times => self.expected.name(),
            _ => false,
        };
        if !tried {
            return None;
        }
        let close = closing(self.lexemes, self.at);
        let inside = self.lexemes.get(self.at.saturating_add(1)..close)?;
        let call = inside.first().is_some_and(|name| name.token.is_name())
            && inside.get(1).is_some_and(|paren| paren.token == Token::LeftParen)
            && closing(self.lexemes, self.at.saturating_add(2)).saturating_add(1) == close;
        let closer = self.lexeme(close).filter(|_| call);
        let Some(closer) = closer else {
            return Some((report::block_of_a_try(self.span(open), None), Mend::LeaveOut));
        };
        let name = self.lexeme(self.at.saturating_add(1))?;
        let gap = Span { end: name.start, ..self.span(open) };
        let end = Span { start: self.lexeme(close.checked_sub(1)?)?.end, ..self.span(closer) };
        let behind = close.saturating_add(1);
        let refused =
            self.catches(behind) || self.lexeme(behind).is_some_and(|next| next.token == Token::Else);
        let (text, tokens) = match refused {
            true => ("", Vec::new()),
            false => (" ELSE { }", vec![Token::Else, Token::LeftBrace, Token::RightBrace]),
        };
        let edits = vec![Edit { span: gap, text: String::new() }, Edit { span: end, text: text.to_owned() }];
        let changes = vec![(self.at, Vec::new()), (close, tokens)];
        Some((report::block_of_a_try(self.span(open), Some(edits)), Mend::Rewrite(changes)))
    }
}
