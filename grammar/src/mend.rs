//! A slip: what is wrong at the token where the parser stopped, and how the tokens go on from there.

use std::ops::Range;

use crate::diagnostic::{Code, Diagnostic, Edit};
use crate::explain::{Expected, found};
use crate::items::{begins_item, closing, open_before};
use crate::parse::Stop;
use crate::report;
use crate::span::{FileId, Span};
use crate::suggest::closest;
use crate::token::{Lexeme, Token};

/// How tokens are changed so that the parser can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mend {
    /// Tokens are put in, each before the token at its place; places in order.
    Insert(Vec<(usize, Token)>),
    /// A token becomes another.
    Change(usize, Token),
    /// Some tokens become one.
    Replace(Range<usize>, Token),
    /// What stands around the slip is left out.
    LeaveOut,
}

/// The words a statement begins with.
const STATEMENTS: &[&str] = &[
    "LET", "IF", "FOR", "WHILE", "MATCH", "RETURN", "BREAK", "CONTINUE", "STOP", "FAIL", "RECORD", "REQUIRE",
    "WITHIN", "PHASE", "TRY", "RETRY",
];

/// Units that are often written apart from their number.
const UNITS: &[&str] = &[
    "ns", "us", "ms", "s", "sec", "second", "seconds", "min", "minutes", "h", "hour", "hours", "d", "day",
    "days", "B", "kB", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB", "bps", "kbps", "Mbps", "Gbps",
    "percent",
];

/// The place where the parser stopped.
pub(crate) struct Slip<'a> {
    file: FileId,
    text: &'a str,
    lexemes: &'a [Lexeme],
    at: usize,
    expected: Expected<'a>,
}

impl<'a> Slip<'a> {
    pub(crate) fn new(
        file: FileId,
        text: &'a str,
        lexemes: &'a [Lexeme],
        at: usize,
        stop: &'a Stop,
    ) -> Slip<'a> {
        let expected = match stop {
            Stop::UnrecognizedEof { expected, .. } | Stop::UnrecognizedToken { expected, .. } => {
                expected.as_slice()
            }
            _ => &[],
        };
        Slip { file, text, lexemes, at, expected: Expected(expected) }
    }

    fn lexeme(&self, at: usize) -> Option<Lexeme> {
        self.lexemes.get(at).copied()
    }

    fn token(&self) -> Option<Token> {
        self.lexeme(self.at).map(|lexeme| lexeme.token)
    }

    fn next(&self) -> Option<Token> {
        self.lexeme(self.at.saturating_add(1)).map(|lexeme| lexeme.token)
    }

    fn previous(&self) -> Option<Lexeme> {
        self.at.checked_sub(1).and_then(|before| self.lexeme(before))
    }

    fn previous_token(&self) -> Option<Token> {
        self.previous().map(|lexeme| lexeme.token)
    }

    fn span(&self, lexeme: Lexeme) -> Span {
        Span::new(self.file, lexeme.start, lexeme.end)
    }

    fn slice(&self, lexeme: Lexeme) -> &'a str {
        self.text.get(lexeme.start as usize..lexeme.end as usize).unwrap_or("")
    }

    /// The token where the parser stopped; behind the last where it wanted more.
    pub(crate) fn place(&self) -> Span {
        match (self.lexeme(self.at), self.previous()) {
            (Some(lexeme), _) => self.span(lexeme),
            (None, Some(last)) => self.span(last).after(),
            (None, None) => Span::new(self.file, 0, 0),
        }
    }

    /// The place just behind the token before.
    fn behind(&self) -> Span {
        self.previous().map_or(self.place().before(), |last| self.span(last).after())
    }

    /// Whether the parser stopped beside what was left out or put in: nothing new to say.
    pub(crate) fn follows_another(&self) -> bool {
        let made = |lexeme: Option<Lexeme>| lexeme.is_some_and(|x| x.token == Token::Bad || x.start == x.end);
        made(self.lexeme(self.at)) || made(self.previous())
    }

    /// What to say, and how to go on.
    pub(crate) fn explain(&self) -> (Diagnostic, Mend) {
        self.reserved_name()
            .or_else(|| self.nested_under_then())
            .or_else(|| self.unit_apart())
            .or_else(|| self.leading_dot())
            .or_else(|| self.inner_aggregate())
            .or_else(|| self.lone_expression())
            .or_else(|| self.missing_then())
            .or_else(|| self.missing_comma())
            .or_else(|| self.missing_value())
            .or_else(|| self.missing_sign())
            .unwrap_or_else(|| (self.unexpected(), Mend::LeaveOut))
    }

    fn unexpected(&self) -> Diagnostic {
        let found = found(self.text, self.lexeme(self.at));
        report::unexpected(self.place(), &found, &self.expected.describe(self.previous_token()))
    }

    /// `LET when = 3`.
    fn reserved_name(&self) -> Option<(Diagnostic, Mend)> {
        let lexeme = self.lexeme(self.at)?;
        let as_name = matches!(
            self.next()?,
            Token::Assign
                | Token::Comma
                | Token::In
                | Token::LeftParen
                | Token::RightParen
                | Token::LeftBrace
                | Token::Colon
        );
        if !self.expected.any_name() || self.expected.value() || self.expected.statement() {
            return None;
        }
        let fits =
            lexeme.token.is_reserved() || (lexeme.token.is_aggregate() && self.next() != Some(Token::In));
        if !fits || !as_name {
            return None;
        }
        let word = self.slice(lexeme).to_ascii_uppercase();
        Some((report::reserved_name(self.span(lexeme), &word), Mend::Change(self.at, Token::Name)))
    }

    /// `IF c THEN IF d THEN …`: what needs braces behind THEN or ELSE.
    fn nested_under_then(&self) -> Option<(Diagnostic, Mend)> {
        let (lexeme, previous) = (self.lexeme(self.at)?, self.previous()?);
        if !matches!(previous.token, Token::Then | Token::Else)
            || !matches!(lexeme.token, Token::If | Token::Within | Token::Phase)
        {
            return None;
        }
        let end = self.nested_end();
        let last = self.lexeme(end.saturating_sub(1))?;
        let statement = self.span(lexeme).to(self.span(last));
        let word = lexeme.token.keyword().unwrap_or("IF");
        let diagnostic = report::needs_braces(word, statement, Some(self.span(previous)));
        Some((diagnostic, Mend::Insert(vec![(self.at, Token::LeftBrace), (end, Token::RightBrace)])))
    }

    /// The token behind the statement that begins where the parser stopped.
    fn nested_end(&self) -> usize {
        let limit = open_before(self.lexemes, self.at)
            .last()
            .map_or(self.lexemes.len(), |&open| closing(self.lexemes, open));
        let mut index = self.at.saturating_add(1);
        while index < limit {
            let Some(lexeme) = self.lexeme(index) else { break };
            if begins_item(self.lexemes, index) && !self.is_alone_behind_then(index) {
                return index;
            }
            index = if lexeme.token.closer().is_some() {
                closing(self.lexemes, index).saturating_add(1)
            } else {
                index.saturating_add(1)
            };
        }
        limit
    }

    /// Whether a statement on a line of its own belongs to the THEN before it.
    fn is_alone_behind_then(&self, index: usize) -> bool {
        let before = index.checked_sub(1).and_then(|before| self.lexeme(before));
        before.is_some_and(|before| matches!(before.token, Token::Then | Token::Else))
    }

    /// `5 s`, `10 GB`.
    fn unit_apart(&self) -> Option<(Diagnostic, Mend)> {
        let (unit, number) = (self.lexeme(self.at)?, self.previous()?);
        let text = self.slice(unit);
        let bare = self.slice(number).ends_with(|last: char| last.is_ascii_digit());
        if number.token != Token::Number || !bare || unit.token != Token::Name || unit.line_start {
            return None;
        }
        UNITS.contains(&text).then(|| {
            let gap = Span::new(self.file, number.end, unit.start);
            let both = self.at.saturating_sub(1)..self.at.saturating_add(1);
            (report::unit_apart(self.span(unit), gap, text), Mend::Replace(both, Token::Bad))
        })
    }

    /// `.5`.
    fn leading_dot(&self) -> Option<(Diagnostic, Mend)> {
        let (dot, number) = (self.lexeme(self.at)?, self.lexeme(self.at.saturating_add(1))?);
        let fits = dot.token == Token::Dot && number.token == Token::Number && dot.end == number.start;
        (fits && self.expected.value()).then(|| {
            let both = self.at..self.at.saturating_add(2);
            (report::leading_dot(self.span(dot)), Mend::Replace(both, Token::Bad))
        })
    }

    /// `$1 + SUM x.cost FOR x IN xs`.
    fn inner_aggregate(&self) -> Option<(Diagnostic, Mend)> {
        let lexeme = self.lexeme(self.at)?;
        let fits = lexeme.token.is_aggregate() && self.expected.value() && !self.expected.has("SUM");
        fits.then(|| {
            let word = lexeme.token.keyword().unwrap_or("SUM");
            (report::inner_aggregate(self.span(lexeme), word), Mend::LeaveOut)
        })
    }

    /// `a == b` as a statement, a misspelt word, or a declaration inside a block.
    fn lone_expression(&self) -> Option<(Diagnostic, Mend)> {
        let expected = &self.expected;
        if !(expected.has("=") && expected.has("+=") && expected.has("(")) {
            return None;
        }
        let mut start = self.at.checked_sub(1)?;
        while start > 0 && !begins_item(self.lexemes, start) && !self.opens(start) {
            start = start.checked_sub(1)?;
        }
        let first = self.lexeme(start)?;
        let alone = start.saturating_add(1) == self.at;
        let same_line = self.lexeme(self.at).is_some_and(|lexeme| !lexeme.line_start);
        let written = self.slice(first);
        if alone && same_line && first.token == Token::Const {
            let diagnostic = Diagnostic::new(Code::E0025, self.span(first), "CONST stands outside blocks")
                .label("inside a block, LET names a value")
                .fix("write LET", self.span(first), "LET");
            return Some((diagnostic, Mend::Change(start, Token::Let)));
        }
        if alone && same_line && first.token.begins_declaration() {
            let word = first.token.keyword().unwrap_or("");
            let diagnostic = Diagnostic::new(
                Code::E0025,
                self.span(first),
                format!("a declaration ({word}) stands outside blocks"),
            )
            .label("here a statement is expected");
            return Some((diagnostic, Mend::LeaveOut));
        }
        if alone
            && first.token == Token::Name
            && let Some(meant) = closest(written, STATEMENTS.iter().copied())
        {
            let message = format!("`{written}` does not begin a statement");
            let diagnostic = Diagnostic::new(Code::E0025, self.span(first), message)
                .label(format!("did you mean {meant}?"))
                .fix(format!("write {meant}"), self.span(first), meant);
            return Some((diagnostic, Mend::LeaveOut));
        }
        let last = self.previous()?;
        let span = self.span(first).to(self.span(last));
        Some((report::not_a_statement(span), Mend::LeaveOut))
    }

    /// Whether a statement begins at a token because a bracket, THEN or ELSE stands before it.
    fn opens(&self, at: usize) -> bool {
        let before = at.checked_sub(1).and_then(|before| self.lexeme(before));
        before.is_none_or(|before| matches!(before.token, Token::LeftBrace | Token::Then | Token::Else))
    }

    /// `IF c STOP "x"`.
    fn missing_then(&self) -> Option<(Diagnostic, Mend)> {
        let lexeme = self.lexeme(self.at)?;
        let begins = lexeme.token.is_name() || lexeme.token.begins_statement_only();
        if !(begins && self.expected.has("THEN") && self.expected.has("{")) {
            return None;
        }
        let diagnostic = self.unexpected().label("the statement begins without a word before it").fix(
            "write THEN",
            self.behind(),
            " THEN",
        );
        Some((diagnostic, Mend::Insert(vec![(self.at, Token::Then)])))
    }

    /// `f(a b)`, `[1 2]`.
    fn missing_comma(&self) -> Option<(Diagnostic, Mend)> {
        let token = self.token()?;
        let begins =
            token.is_name() || matches!(token, Token::Number | Token::String | Token::True | Token::False);
        let &open = open_before(self.lexemes, self.at).last()?;
        let round = self.lexeme(open).is_some_and(|lexeme| lexeme.token != Token::LeftBrace);
        if !(begins && round && self.expected.has(",")) {
            return None;
        }
        let diagnostic = self.unexpected().fix("write a comma", self.behind(), ",");
        Some((diagnostic, Mend::Insert(vec![(self.at, Token::Comma)])))
    }

    /// `LET x =` and nothing more.
    fn missing_value(&self) -> Option<(Diagnostic, Mend)> {
        if !self.expected.value() {
            return None;
        }
        let behind =
            self.lexeme(self.at).is_none_or(|lexeme| lexeme.line_start || lexeme.token == Token::RightBrace);
        let mut diagnostic = self.unexpected();
        if behind && let Some(previous) = self.previous() {
            diagnostic.primary.span = self.span(previous);
            let written = self.slice(previous);
            diagnostic.message = format!("a value is missing behind `{written}`");
            diagnostic = diagnostic.label("nothing follows");
        }
        Some((diagnostic, Mend::Insert(vec![(self.at, Token::Bad)])))
    }

    /// A single sign or word that has to stand here: it is put in.
    fn missing_sign(&self) -> Option<(Diagnostic, Mend)> {
        let text = match self.expected.only() {
            Some(only) => only.to_owned(),
            None if self.expected.has("=") && self.expected.0.len() < 12 && !self.expected.has("}") => {
                "=".to_owned()
            }
            None => return None,
        };
        let token = single_token(&text)?;
        let word = text.bytes().all(|byte| byte.is_ascii_alphabetic());
        let space = if word || text == "=" { " " } else { "" };
        let shown = if word { text.clone() } else { format!("`{text}`") };
        let found = found(self.text, self.lexeme(self.at));
        let diagnostic = report::unexpected(self.place(), &found, &shown);
        let diagnostic = diagnostic.fixes(
            format!("write {text}"),
            vec![Edit { span: self.behind(), text: format!("{space}{text}") }],
        );
        Some((diagnostic, Mend::Insert(vec![(self.at, token)])))
    }
}

fn single_token(text: &str) -> Option<Token> {
    use logos::Logos;
    let mut tokens = Token::lexer(text);
    let first = tokens.next()?.ok()?;
    tokens.next().is_none().then_some(first)
}
