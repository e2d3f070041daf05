//! A slip: what is wrong at the token where the parser stopped, and how the tokens go on from there.

use std::ops::Range;

use crate::diagnostic::{Code, Diagnostic, Edit};
use crate::explain::{Expected, found};
use crate::foreign;
use crate::items::{begins_item, closing, open_before};
use crate::parse::Stop;
use crate::report;
use crate::span::{FileId, Span};
use crate::suggest::closest;
use crate::token::{Lexeme, Token};
use crate::words;

/// How tokens are changed so that the parser can go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Mend {
    /// Tokens are put in, each before the token at its place; places in order.
    Insert(Vec<(usize, Token)>),
    /// A token becomes another.
    Change(usize, Token),
    /// Some tokens become one.
    Replace(Range<usize>, Token),
    /// A token goes.
    Remove(usize),
    /// Each of some tokens becomes others, or goes; places in order.
    Rewrite(Vec<(usize, Vec<Token>)>),
    /// What stands around the slip is left out.
    LeaveOut,
}

/// The words a statement begins with.
const STATEMENTS: &[&str] = &[
    "LET", "IF", "FOR", "WHILE", "MATCH", "RETURN", "BREAK", "CONTINUE", "STOP", "FAIL", "RECORD", "REQUIRE",
    "WITHIN", "PHASE", "TRY", "RETRY",
];

/// The place where the parser stopped.
pub(crate) struct Slip<'a> {
    file: FileId,
    pub(crate) text: &'a str,
    pub(crate) lexemes: &'a [Lexeme],
    /// Those of the whole file, as they were read.
    pub(crate) whole: &'a [Lexeme],
    pub(crate) at: usize,
    pub(crate) expected: Expected<'a>,
}

impl<'a> Slip<'a> {
    pub(crate) fn new(
        file: FileId,
        text: &'a str,
        (lexemes, whole): (&'a [Lexeme], &'a [Lexeme]),
        at: usize,
        stop: &'a Stop,
    ) -> Slip<'a> {
        let expected = match stop {
            Stop::UnrecognizedEof { expected, .. } | Stop::UnrecognizedToken { expected, .. } => {
                expected.as_slice()
            }
            _ => &[],
        };
        Slip { file, text, lexemes, whole, at, expected: Expected(expected) }
    }

    pub(crate) fn lexeme(&self, at: usize) -> Option<Lexeme> {
        self.lexemes.get(at).copied()
    }

    pub(crate) fn token(&self) -> Option<Token> {
        self.lexeme(self.at).map(|lexeme| lexeme.token)
    }

    pub(crate) fn next(&self) -> Option<Token> {
        self.lexeme(self.at.saturating_add(1)).map(|lexeme| lexeme.token)
    }

    pub(crate) fn previous(&self) -> Option<Lexeme> {
        self.at.checked_sub(1).and_then(|before| self.lexeme(before))
    }

    fn previous_token(&self) -> Option<Token> {
        self.previous().map(|lexeme| lexeme.token)
    }

    pub(crate) fn span(&self, lexeme: Lexeme) -> Span {
        Span::new(self.file, lexeme.start, lexeme.end)
    }

    pub(crate) fn slice(&self, lexeme: Lexeme) -> &'a str {
        self.text.get(lexeme.start as usize..lexeme.end as usize).unwrap_or("")
    }

    pub(crate) fn text_of(&self, span: Span) -> &'a str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
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
    pub(crate) fn behind(&self) -> Span {
        self.previous().map_or(self.place().before(), |last| self.span(last).after())
    }

    /// The token before and the one where the parser stopped.
    pub(crate) fn surroundings(&self) -> Span {
        self.previous().map_or(self.place(), |previous| self.span(previous).to(self.place()))
    }

    /// Whether the parser stopped beside what was left out or put in: nothing new to say.
    pub(crate) fn follows_another(&self) -> bool {
        let made = |lexeme: Option<Lexeme>| lexeme.is_some_and(|x| x.token == Token::Bad || x.start == x.end);
        made(self.lexeme(self.at)) || made(self.previous())
    }

    /// What to say, and how to go on.
    pub(crate) fn explain(&self) -> (Diagnostic, Mend) {
        self.reserved_name()
            .or_else(|| self.version_apart())
            .or_else(|| self.clause_with_colon())
            .or_else(|| self.body_in_header())
            .or_else(|| self.described())
            .or_else(|| self.waves_apart())
            .or_else(|| self.word_of_waves())
            .or_else(|| self.named_waves())
            .or_else(|| self.named_budget())
            .or_else(|| self.target_without_count())
            .or_else(|| self.metric_kind())
            .or_else(|| self.gate_without_else())
            .or_else(|| self.expected_within())
            .or_else(|| self.state_without_type())
            .or_else(|| self.nested_under_then())
            .or_else(|| self.match_as_value())
            .or_else(|| self.missing_else())
            .or_else(|| self.arm_without_when())
            .or_else(|| self.comprehension())
            .or_else(|| self.expression_body())
            .or_else(|| self.record_in_braces())
            .or_else(|| self.foreign_type())
            .or_else(|| self.recorded_sum())
            .or_else(|| self.membership())
            .or_else(|| self.block_of_a_try())
            .or_else(|| self.sign_for_then())
            .or_else(|| self.names_in_brackets())
            .or_else(|| self.between())
            .or_else(|| self.order_of_best())
            .or_else(|| self.foreign())
            .or_else(|| self.unit_apart())
            .or_else(|| self.leading_dot())
            .or_else(|| self.inner_aggregate())
            .or_else(|| self.aggregate_of_a_sign())
            .or_else(|| self.question_mark())
            .or_else(|| self.lone_expression())
            .or_else(|| self.missing_then())
            .or_else(|| self.missing_comma())
            .or_else(|| self.missing_value())
            .or_else(|| self.missing_type())
            .or_else(|| self.misspelt())
            .or_else(|| self.missing_sign())
            .unwrap_or_else(|| (self.unexpected(), Mend::LeaveOut))
    }

    fn unexpected(&self) -> Diagnostic {
        let found = found(self.text, self.lexeme(self.at));
        let diagnostic =
            report::unexpected(self.place(), &found, &self.expected.describe(self.previous_token()));
        match self.expected.has("GIVEN") && self.begins_with(Token::Expect) {
            true => diagnostic.label("EXPECT ACTION f(…), EXPECT NO ACTIONS, or EXPECT and a condition"),
            false => diagnostic,
        }
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
        let (lexeme, previous) = (self.lexeme(self.at)?, self.previous_token()?);
        if !matches!(previous, Token::Then | Token::Else)
            || !matches!(lexeme.token, Token::If | Token::Within | Token::Phase)
        {
            return None;
        }
        let end = self.statement_end(self.at);
        let last = self.lexeme(end.saturating_sub(1))?;
        let statement = self.span(lexeme).to(self.span(last));
        let word = lexeme.token.keyword().unwrap_or("IF");
        let diagnostic = report::needs_braces(word, statement);
        Some((diagnostic, Mend::Insert(vec![(self.at, Token::LeftBrace), (end, Token::RightBrace)])))
    }

    /// The token behind the statement that has the token at `start`.
    pub(crate) fn statement_end(&self, start: usize) -> usize {
        let limit = open_before(self.lexemes, start)
            .last()
            .map_or(self.lexemes.len(), |&open| closing(self.lexemes, open));
        let mut index = start.saturating_add(1);
        while index < limit {
            let Some(lexeme) = self.lexeme(index) else { break };
            if begins_item(self.lexemes, index) {
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

    /// The first token of the place (`a.b[c]`) that ends before the token where the parser stopped.
    pub(crate) fn place_start(&self) -> Option<usize> {
        self.place_start_before(self.at)
    }

    /// The first token of the place that ends before this one.
    pub(crate) fn place_start_before(&self, end: usize) -> Option<usize> {
        let mut start = end.checked_sub(1)?;
        let mut depth = 0_usize;
        loop {
            let token = self.lexeme(start)?.token;
            if token.is_closer() {
                depth = depth.saturating_add(1);
            } else if token.closer().is_some() {
                depth = depth.checked_sub(1)?;
            } else if depth == 0 && token.is_name() {
                let before = start.checked_sub(1).and_then(|before| self.lexeme(before));
                if before.is_none_or(|before| before.token != Token::Dot) {
                    return Some(start);
                }
            }
            start = start.checked_sub(1)?;
        }
    }

    /// `LET x = 5 s`, `LET x = a b`: the second could have begun a statement, but did not.
    fn second_operand(&self, start: usize, before: Lexeme) -> Option<(Diagnostic, Mend)> {
        let second = self.lexeme(start)?;
        if let Some(diagnostic) = self.unit_behind(before, second) {
            return Some((
                diagnostic,
                Mend::Replace(start.checked_sub(1)?..start.saturating_add(1), Token::Bad),
            ));
        }
        if before.token == Token::String && before.end == second.start {
            return Some((self.quote_in_string(before), Mend::LeaveOut));
        }
        let expected = if before.token == Token::Stop {
            "a text in quotes"
        } else {
            "an operator or the next statement"
        };
        let found = found(self.text, Some(second));
        Some((report::unexpected(self.span(second), &found, expected), Mend::LeaveOut))
    }

    /// `"{m["a"]}"`: the string that ends before something that is glued to it.
    fn quote_in_string(&self, string: Lexeme) -> Diagnostic {
        let quote = Span::new(self.file, string.end.saturating_sub(1), string.end);
        report::quote_in_string(quote, words::ends_in_hole(self.slice(string)))
    }

    /// `5 s`, `10 GB`.
    fn unit_apart(&self) -> Option<(Diagnostic, Mend)> {
        let diagnostic = self.unit_behind(self.previous()?, self.lexeme(self.at)?)?;
        let both = self.at.checked_sub(1)?..self.at.saturating_add(1);
        Some((diagnostic, Mend::Replace(both, Token::Bad)))
    }

    fn unit_behind(&self, number: Lexeme, unit: Lexeme) -> Option<Diagnostic> {
        let text = self.slice(unit);
        let bare = self.slice(number).ends_with(|last: char| last.is_ascii_digit());
        if number.token != Token::Number || !bare || unit.token != Token::Name || unit.line_start {
            return None;
        }
        let gap = Span::new(self.file, number.end, unit.end);
        foreign::unit(text).map(|right| {
            let number = self.slice(number);
            report::unit_apart(self.span(unit), gap, text, (number, right))
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

    /// `a == b` as a statement, a misspelt word, or a declaration inside a block.
    fn lone_expression(&self) -> Option<(Diagnostic, Mend)> {
        let expected = &self.expected;
        if !(expected.has("=") && expected.has("+=") && expected.has("(")) {
            return None;
        }
        let start = self.place_start()?;
        let before = start.checked_sub(1).and_then(|before| self.lexeme(before));
        if !self.opens(start) && !begins_item(self.lexemes, start) {
            return self.second_operand(start, before?);
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
        let wanted = match first.token {
            Token::Fail => Some("a text in quotes"),
            Token::Record => Some("the name of a metric"),
            Token::Phase => Some("its name in quotes"),
            Token::Try => Some("a call"),
            Token::Retry => Some("a number and TIMES"),
            _ => None,
        };
        if let Some(wanted) = wanted.filter(|_| alone) {
            let here = self.lexeme(self.at).filter(|lexeme| !lexeme.line_start && lexeme.token.is_word());
            let found = here.map_or("nothing".to_owned(), |_| found(self.text, here));
            let span = here.map_or(self.span(first), |here| self.span(here));
            let expected = format!("{wanted} behind {}", first.token.keyword().unwrap_or(""));
            let mut diagnostic = report::unexpected(span, &found, &expected);
            if first.token == Token::Try {
                diagnostic = diagnostic.note("TRY takes one call, not a block: TRY ACTION(…) ELSE { … }.");
            }
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
        let end = self.statement_end(start).max(self.at);
        let last = self.lexeme(end.checked_sub(1)?)?;
        Some((report::not_a_statement(self.span(first).to(self.span(last))), Mend::LeaveOut))
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
        let (last, lexeme) = (self.previous()?, self.lexeme(self.at)?);
        if last.token == Token::String && last.end == lexeme.start {
            return Some((self.quote_in_string(last), Mend::LeaveOut));
        }
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
            diagnostic = report::missing_value(self.span(previous), self.slice(previous));
        }
        Some((diagnostic, Mend::Insert(vec![(self.at, Token::Bad)])))
    }

    /// `name:` and no type.
    fn missing_type(&self) -> Option<(Diagnostic, Mend)> {
        let previous = self.previous()?;
        let typed = matches!(previous.token, Token::Colon | Token::Arrow | Token::Less);
        if self.expected.name() && !self.expected.value() && typed {
            let diagnostic = report::missing_type(self.span(previous), self.slice(previous));
            return Some((diagnostic, Mend::Insert(vec![(self.at, Token::Bad)])));
        }
        // `name:` and on the next line `cost: money`: the name of the next field was taken for the type.
        let before = self.lexeme(self.at.checked_sub(2)?)?;
        let taken = self.token() == Some(Token::Colon) && previous.line_start && before.token == Token::Colon;
        taken.then(|| {
            let place = self.at.saturating_sub(1);
            let diagnostic = report::missing_type(self.span(before), self.slice(before));
            (diagnostic, Mend::Insert(vec![(place, Token::Bad)]))
        })
    }

    /// A word that is nearly one of those that could stand here.
    fn misspelt(&self) -> Option<(Diagnostic, Mend)> {
        let lexeme = self.lexeme(self.at).filter(|lexeme| lexeme.token.is_word())?;
        if self.expected.name() {
            return None;
        }
        let meant = closest(self.slice(lexeme), self.expected.keywords())?;
        let diagnostic = self.unexpected().label(format!("did you mean {meant}?")).fix(
            format!("write {meant}"),
            self.span(lexeme),
            meant,
        );
        Some((diagnostic, Mend::Change(self.at, single_token(meant)?)))
    }

    /// A single sign or word that has to stand here: it is put in.
    fn missing_sign(&self) -> Option<(Diagnostic, Mend)> {
        let text = match self.expected.only() {
            Some(only) => only.to_owned(),
            None if self.expected.has("IN") && self.expected.0.len() < 4 => "IN".to_owned(),
            // Behind a value any operator could stand: it is not `=` that is missing.
            None if self.expected.operator() || self.expected.has("}") => return None,
            None if self.expected.has("=") && self.expected.0.len() < 12 => "=".to_owned(),
            None => return None,
        };
        let token = single_token(&text)?;
        let word = text.bytes().all(|byte| byte.is_ascii_alphabetic());
        let shown = if word { text.clone() } else { format!("`{text}`") };
        let found = found(self.text, self.lexeme(self.at));
        let diagnostic = report::unexpected(self.place(), &found, &shown);
        // What begins the next line is no part of this statement.
        let here = self.lexeme(self.at).filter(|lexeme| !lexeme.line_start).map(|lexeme| lexeme.token);
        let fits = here.is_some_and(|here| match text.as_str() {
            "=" => self.begins_value(here),
            ":" => here.is_name(),
            "(" => false,
            ")" => here != Token::Colon,
            _ => true,
        });
        // What may be empty is mended whole.
        let header = self.at.checked_sub(2).and_then(|before| self.lexeme(before));
        let header = header.is_some_and(|first| first.token == Token::Instruction);
        if header && text == "{" && self.token().is_some_and(|first| first.begins_clause(self.next())) {
            return Some(self.bare_header(diagnostic));
        }
        let bare = here.is_none() && header;
        let pair = match text.as_str() {
            "(" => Some(("()", "()", [Token::LeftParen, Token::RightParen])),
            "{" if bare => Some((" {}", "{}", [Token::LeftBrace, Token::RightBrace])),
            _ => None,
        };
        if let Some((edit, shown, pair)) = pair {
            let edits = vec![Edit { span: self.behind(), text: edit.to_owned() }];
            let both = pair.map(|token| (self.at, token)).to_vec();
            return Some((diagnostic.fixes(format!("write {shown}"), edits), Mend::Insert(both)));
        }
        if !fits {
            return Some((diagnostic, Mend::Insert(vec![(self.at, token), (self.at, Token::Bad)])));
        }
        let space = if word || text == "=" { " " } else { "" };
        let edits = vec![Edit { span: self.behind(), text: format!("{space}{text}") }];
        Some((diagnostic.fixes(format!("write {text}"), edits), Mend::Insert(vec![(self.at, token)])))
    }

    fn begins_value(&self, token: Token) -> bool {
        token.is_name()
            || matches!(
                token,
                Token::Number
                    | Token::String
                    | Token::True
                    | Token::False
                    | Token::None
                    | Token::LeftParen
                    | Token::LeftBracket
                    | Token::Minus
                    | Token::Not
            )
    }
}

pub(crate) fn single_token(text: &str) -> Option<Token> {
    use logos::Logos;
    let mut tokens = Token::lexer(text);
    let first = tokens.next()?.ok()?;
    tokens.next().is_none().then_some(first)
}
