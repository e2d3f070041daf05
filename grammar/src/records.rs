//! Records and maps as other languages write them: `{"id": "a"}`, `{id: "a"}`, `Task { id: "a" }`, `{}`.

use std::ops::Range;

use crate::diagnostic::{Diagnostic, Edit};
use crate::items::{closing, open_before};
use crate::mend::{Mend, Slip};
use crate::report;
use crate::span::Span;
use crate::token::Token;

/// Types of the prelude and their fields; a test of the standard library holds them to it.
const PRELUDE: &[(&str, &[&str])] = &[
    (
        "Task",
        &[
            "id", "name", "cpu_time", "memory", "network", "cost", "tokens", "priority", "region", "status",
            "tags",
        ],
    ),
    ("Agent", &["id", "role", "region", "load"]),
];

/// `{ key: …, key: … }`: the places of its braces and of its keys.
struct Braces {
    open: usize,
    close: usize,
    keys: Vec<usize>,
}

impl<'a> Slip<'a> {
    /// `{"id": "a"}` and `{}` where a value belongs.
    pub(crate) fn record_in_braces(&self) -> Option<(Diagnostic, Mend)> {
        let brace = self.lexeme(self.at).filter(|brace| brace.token == Token::LeftBrace)?;
        if !self.expected.value() {
            return self.named_record();
        }
        let close = closing(self.lexemes, self.at);
        let closer = self.lexeme(close)?;
        let member = self.lexeme(self.at.saturating_add(1))?;
        let all = self.at..close.saturating_add(1);
        if member == closer {
            let value = self.previous().is_some_and(|before| takes_value(before.token));
            let right = self.empty_value();
            let whole = self.span(brace).to(self.span(closer));
            return value.then(|| (report::empty_braces(whole, right), Mend::Replace(all, Token::Bad)));
        }
        let own = self.braces(self.at)?;
        let list = self.braces_of_list().unwrap_or_else(|| vec![own]);
        if let Some(name) = self.type_with(&list) {
            let edits = list.iter().flat_map(|own| self.edits_of(own, name)).collect();
            let bad = |own: &Braces| {
                let rest = (own.open.saturating_add(1)..=own.close).map(|at| (at, Vec::new()));
                std::iter::once((own.open, vec![Token::Bad])).chain(rest).collect::<Vec<_>>()
            };
            let changes = list.iter().flat_map(bad).collect();
            return Some((report::record_of_type(self.span(brace), name, edits), Mend::Rewrite(changes)));
        }
        let diagnostic = report::record_in_braces(self.span(brace));
        if matches!(member.token, Token::String | Token::Number) {
            let edits = [(brace, "["), (closer, "]")];
            let edits = edits.map(|(own, text)| Edit { span: self.span(own), text: text.to_owned() });
            let changes = vec![(self.at, vec![Token::LeftBracket]), (close, vec![Token::RightBracket])];
            return Some((diagnostic.fixes("write a map", edits.into()), Mend::Rewrite(changes)));
        }
        member.token.is_name().then_some((diagnostic, Mend::Replace(all, Token::Bad)))
    }

    /// `Task { id: "a" }`, with those in the same list.
    fn named_record(&self) -> Option<(Diagnostic, Mend)> {
        let first = self.at.checked_sub(1)?;
        let own = self.braces_behind(first)?;
        let name = self.slice(self.lexeme(first)?);
        let others = self.items_from(own.close.saturating_add(1)).into_iter().filter_map(|item| {
            let braces = self.braces_behind(item.start)?;
            (braces.close.saturating_add(1) == item.end).then_some(braces)
        });
        let list: Vec<Braces> = std::iter::once(own).chain(others).collect();
        let edits = list.iter().flat_map(|own| self.edits_of(own, "")).collect();
        let brackets = [Token::LeftParen, Token::RightParen];
        let ends = list.iter().flat_map(|own| [own.open, own.close].into_iter().zip(brackets));
        let changes = ends.map(|(at, token)| (at, vec![token])).collect();
        let diagnostic = report::record_of_type(self.place(), name, edits);
        Some((diagnostic, Mend::Rewrite(changes)))
    }

    /// The braces behind the name of a type, with names and values in them.
    fn braces_behind(&self, name: usize) -> Option<Braces> {
        let text = self.lexeme(name).filter(|own| own.token == Token::Name).map(|own| self.slice(own))?;
        let open = name.saturating_add(1);
        self.lexeme(open).filter(|own| own.token == Token::LeftBrace && !own.line_start)?;
        let known = PRELUDE.iter().any(|(own, _)| *own == text)
            || self.declared_types().iter().any(|(own, _)| *own == text);
        let named = |own: &Braces| {
            own.keys.iter().all(|key| self.lexeme(*key).is_some_and(|key| key.token.is_name()))
        };
        self.braces(open).filter(|own| known && named(own))
    }

    /// What stands in these braces, if it is keys and values.
    fn braces(&self, open: usize) -> Option<Braces> {
        let close = closing(self.lexemes, open);
        let mut keys = Vec::new();
        for part in self.parts(open.saturating_add(1)..close) {
            let key = self.lexeme(part.start)?.token;
            let colon = self.lexeme(part.start.saturating_add(1))?.token;
            if colon != Token::Colon || !(key.is_name() || matches!(key, Token::String | Token::Number)) {
                return None;
            }
            keys.push(part.start);
        }
        (!keys.is_empty() && close < self.lexemes.len()).then_some(Braces { open, close, keys })
    }

    /// The items of the list in which the parser stopped that stand in braces.
    fn braces_of_list(&self) -> Option<Vec<Braces>> {
        let braces = self.items_from(self.at).into_iter().filter(|item| {
            let first = self.lexeme(item.start).map(|first| first.token);
            first == Some(Token::LeftBrace) && closing(self.lexemes, item.start).saturating_add(1) == item.end
        });
        let braces: Option<Vec<Braces>> = braces.map(|item| self.braces(item.start)).collect();
        braces.filter(|braces| !braces.is_empty())
    }

    /// The items, from this token on, of the list in which the parser stopped.
    fn items_from(&self, start: usize) -> Vec<Range<usize>> {
        let open = open_before(self.lexemes, self.at).last().copied();
        let list = open.filter(|open| self.lexeme(*open).is_some_and(|own| own.token == Token::LeftBracket));
        list.map_or_else(Vec::new, |open| self.parts(start..closing(self.lexemes, open)))
    }

    /// The parts between commas that stand in no brackets of their own; none of them is empty.
    fn parts(&self, range: Range<usize>) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let (mut start, mut index) = (range.start, range.start);
        while index < range.end {
            let Some(lexeme) = self.lexeme(index) else { break };
            if lexeme.token == Token::Comma {
                parts.push(start..index);
                start = index.saturating_add(1);
            } else if lexeme.token.closer().is_some() {
                index = closing(self.lexemes, index);
            }
            index = index.saturating_add(1);
        }
        parts.push(start..range.end);
        parts.retain(|part| !part.is_empty());
        parts
    }

    /// The name of a key without quotes.
    fn key(&self, at: usize) -> &'a str {
        self.lexeme(at).map_or("", |lexeme| self.slice(lexeme).trim_matches('"'))
    }

    /// The one type that has all these keys as fields. One key in quotes may as well be that of a map.
    fn type_with(&self, list: &[Braces]) -> Option<&'a str> {
        let keys: Vec<usize> = list.iter().flat_map(|own| own.keys.iter().copied()).collect();
        let quoted =
            keys.iter().any(|at| self.lexeme(*at).is_none_or(|lexeme| lexeme.token == Token::String));
        if quoted && list.iter().all(|own| own.keys.len() < 2) {
            return None;
        }
        let fits = |fields: &[&str]| keys.iter().all(|at| fields.contains(&self.key(*at)));
        let own = self.declared_types();
        let mut own = own.iter().filter(|(_, fields)| fits(fields)).map(|(name, _)| *name);
        let mut prelude = PRELUDE.iter().filter(|(_, fields)| fits(fields)).map(|(name, _)| *name);
        match (own.next(), prelude.next()) {
            (Some(name), _) => own.next().is_none().then_some(name),
            (None, Some(name)) => prelude.next().is_none().then_some(name),
            (None, None) => None,
        }
    }

    /// The types that the file declares, with their fields.
    fn declared_types(&self) -> Vec<(&'a str, Vec<&'a str>)> {
        let mut types: Vec<(&str, Vec<&str>)> = Vec::new();
        let (mut depth, mut inside) = (0_usize, false);
        for (index, lexeme) in self.whole.iter().enumerate() {
            let behind = |by: usize| self.whole.get(index.saturating_add(by)).copied();
            let is = |by: usize, token: Token| behind(by).is_some_and(|next| next.token == token);
            if lexeme.token.closer().is_some() {
                depth = depth.saturating_add(1);
            } else if lexeme.token.is_closer() {
                depth = depth.saturating_sub(1);
                inside &= depth > 0;
            } else if depth == 0 && lexeme.token == Token::Type && is(2, Token::LeftBrace) {
                inside = true;
                types.extend(behind(1).map(|name| (self.slice(name), Vec::new())));
            } else if depth == 1 && inside && lexeme.token.is_name() && is(1, Token::Colon) {
                let fields = types.last_mut().map(|(_, fields)| fields);
                fields.into_iter().for_each(|fields| fields.push(self.slice(*lexeme)));
            }
        }
        types
    }

    /// `{ "id": "a" }` becomes `Task(id: "a")`; the name is empty where it is there already.
    fn edits_of(&self, own: &Braces, name: &str) -> Vec<Edit> {
        let at = |index: usize| self.lexeme(index).map(|lexeme| (lexeme, self.span(lexeme)));
        let mut edits = Vec::new();
        if let (Some((_, open)), Some((first, key))) = (at(own.open), at(own.open.saturating_add(1))) {
            let end = if first.line_start { open.end } else { key.start };
            let before = at(own.open.saturating_sub(1)).filter(|_| name.is_empty());
            let start = before.map_or(open.start, |(name, _)| name.end);
            edits.push(Edit { span: Span { start, end, ..open }, text: format!("{name}(") });
        }
        for (lexeme, span) in own.keys.iter().filter_map(|key| at(*key)) {
            if lexeme.token == Token::String {
                edits.push(Edit { span, text: self.slice(lexeme).trim_matches('"').to_owned() });
            }
        }
        if let (Some((closer, close)), Some((_, last))) = (at(own.close), at(own.close.saturating_sub(1))) {
            let start = if closer.line_start { close.start } else { last.end };
            edits.push(Edit { span: Span { start, ..close }, text: ")".to_owned() });
        }
        edits
    }

    /// The empty list or map, as the type says that stands before.
    fn empty_value(&self) -> Option<&'static str> {
        let before = self.lexemes.get(..self.at)?;
        let line = before.iter().rposition(|lexeme| lexeme.line_start).unwrap_or_default();
        let mut words = before.get(line..)?.iter().map(|lexeme| self.slice(*lexeme));
        words.find_map(|word| match word {
            "map" => Some("[:]"),
            "list" => Some("[]"),
            _ => None,
        })
    }
}

/// Whether a value stands behind a token, and no block.
fn takes_value(before: Token) -> bool {
    matches!(
        before,
        Token::Assign
            | Token::LeftParen
            | Token::LeftBracket
            | Token::Comma
            | Token::Colon
            | Token::Return
            | Token::Coalesce
    )
}
