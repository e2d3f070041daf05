//! What people write who know another language: words and signs that stop the parser, and what Swarm has instead.
//! Where one word only has to become another, [`crate::words`] has already put it right.

use crate::diagnostic::Diagnostic;
use crate::items::{begins_item, closing, open_before};
use crate::mend::{Mend, Slip};
use crate::report;
use crate::span::Span;
use crate::token::{Lexeme, Token};

/// Words that stop the parser, in lower case, and what to write instead.
const WORDS: &[(&[&str], &str)] = &[
    (
        &["end", "endif", "end_if", "endfor", "endwhile", "fi", "done"],
        "a block begins with { and ends with }",
    ),
    (&["begin", "do"], "a block begins with {"),
    (&["select", "from"], "write COLLECT e FOR x IN xs WHERE c, or TOP n x IN xs BY e for the first ones"),
    (&["order", "group", "limit", "having"], "TOP n x IN xs BY e has the n greatest, BOTTOM the least"),
    (&["update", "insert", "delete"], "a variable gets a value with =, a METRIC a sample with RECORD"),
    (&["between"], "write both limits: x >= low AND x <= high"),
    (&["is"], "compare with == or !=; what may be NONE has IF LET x = … and ??"),
    (&["like"], "write CONTAINS, starts_with(text, part) or ends_with(text, part)"),
    (&["catch", "except", "rescue", "finally"], "what is done when a TRY fails stands in its ELSE { }"),
    (&["throw", "raise"], "FAIL \"why\" ends the order as failed"),
    (&["switch", "case", "default"], "write MATCH x { WHEN a { } WHEN b { } ELSE { } }"),
    (&["lambda"], "give it a name: FUNC f(x: int) -> int { RETURN … }"),
];

/// Words that other languages need in front of others.
const NEEDLESS: &[&str] =
    &["async", "await", "pub", "public", "private", "static", "export", "mut", "final", "new"];

/// Words that begin a declaration elsewhere, in lower case.
const DECLARATIONS: &[(&[&str], &str)] = &[
    (
        &["variable", "param", "parameter"],
        "the order's values are CONTEXT name: type, the agent's INPUT name: type",
    ),
    (
        &["resource", "data", "module", "provider"],
        "what there is comes from the agent: INPUT name: list<T> MAX n",
    ),
    (&["import", "from", "include", "using", "require"], "write USE std.name, or USE \"file.swarm\""),
    (
        &["interface", "trait", "impl", "class"],
        "a record is TYPE Name { field: type }, and functions stand alone",
    ),
    (&["function", "procedure", "def", "fn"], "write FUNC name(parameter: type) -> type { }"),
    (&["end", "endif", "done"], "a block begins with { and ends with }"),
];

/// Units as they are often written apart from their number, in lower case, and as they are.
const UNITS: &[(&[&str], &str)] = &[
    (&["ns"], "ns"),
    (&["us"], "us"),
    (&["ms", "msec", "millis", "milliseconds"], "ms"),
    (&["s", "sec", "secs", "second", "seconds"], "s"),
    (&["m", "min", "mins", "minute", "minutes"], "min"),
    (&["h", "hr", "hrs", "hour", "hours"], "h"),
    (&["d", "day", "days"], "d"),
    (&["b", "byte", "bytes"], "B"),
    (&["kb"], "KB"),
    (&["mb"], "MB"),
    (&["gb"], "GB"),
    (&["tb"], "TB"),
    (&["kib"], "KiB"),
    (&["mib"], "MiB"),
    (&["gib"], "GiB"),
    (&["tib"], "TiB"),
    (&["bps"], "bps"),
    (&["kbps"], "Kbps"),
    (&["mbps"], "Mbps"),
    (&["gbps"], "Gbps"),
    (&["percent", "pct"], "%"),
];

/// The unit that is meant by a word behind a number.
pub(crate) fn unit(word: &str) -> Option<&'static str> {
    // 5 Mb and 5 MB are not the same: what is written as a unit is one.
    if let Some((_, unit)) = UNITS.iter().find(|(_, unit)| *unit == word) {
        return Some(unit);
    }
    find(UNITS, word)
}

/// What to write instead of a word that begins no declaration.
pub(crate) fn declaration(word: &str) -> Option<&'static str> {
    find(DECLARATIONS, word)
}

/// Whether other languages put this word before others, and Swarm puts nothing there.
pub(crate) fn is_needless(word: &str) -> bool {
    NEEDLESS.contains(&word.to_ascii_lowercase().as_str())
}

fn find(table: &[(&[&str], &'static str)], word: &str) -> Option<&'static str> {
    let word = word.to_ascii_lowercase();
    table.iter().find(|(words, _)| words.contains(&word.as_str())).map(|(_, advice)| *advice)
}

impl Slip<'_> {
    /// A word or a sign of another language where the parser stopped, or at the beginning of the statement.
    pub(crate) fn foreign(&self) -> Option<(Diagnostic, Mend)> {
        self.foreign_sign().or_else(|| {
            let start = (0..=self.at).rev().find(|at| begins_item(self.lexemes, *at));
            let (before, earlier) = (self.at.checked_sub(1), self.at.checked_sub(2));
            [Some(self.at), before, earlier, start].into_iter().flatten().find_map(|at| self.foreign_word(at))
        })
    }

    fn foreign_word(&self, at: usize) -> Option<(Diagnostic, Mend)> {
        let lexeme = self.lexeme(at).filter(|lexeme| lexeme.token == Token::Name)?;
        let next = self.lexeme(at.saturating_add(1));
        // A name that is called, assigned or looked into is one.
        let used = next.is_some_and(|next| {
            matches!(
                next.token,
                Token::Assign
                    | Token::PlusAssign
                    | Token::MinusAssign
                    | Token::LeftParen
                    | Token::LeftBracket
                    | Token::Dot
                    | Token::Colon
            )
        });
        let dotted = at.checked_sub(1).and_then(|before| self.lexeme(before));
        if (used && at != self.at) || dotted.is_some_and(|before| before.token == Token::Dot) {
            return None;
        }
        let (span, word) = (self.span(lexeme), self.slice(lexeme));
        if is_needless(word)
            && let Some(next) = next.filter(|next| next.token.is_word() && !next.line_start)
        {
            let gap = Span { end: next.start, ..span };
            return Some((report::needless_word(span, word, gap), Mend::Remove(at)));
        }
        let advice = find(WORDS, word)?;
        let diagnostic = report::no_such_word(span, word, advice);
        Some(match self.block_end(at, advice) {
            Some(gap) => (diagnostic.fix("take it out", gap, ""), Mend::LeaveOut),
            None => (diagnostic, Mend::LeaveOut),
        })
    }

    /// `ON EVENT vote(from, yes) { }`
    fn event_word(&self) -> Option<(Diagnostic, Mend)> {
        let (name, word) = (self.lexeme(self.at)?, self.previous()?);
        let on = self.lexeme(self.at.checked_sub(2)?)?.token == Token::On && self.expected.has("{");
        let event = on && self.slice(word).eq_ignore_ascii_case("event");
        let gap = Span { end: name.start, ..self.span(word) };
        event.then(|| (report::word_behind_on(self.span(word), gap), Mend::Remove(self.at.saturating_sub(1))))
    }

    /// `ON down(pool: Pool) { }`: what an event brings has the types of its declaration.
    fn typed_binder(&self) -> Option<(Diagnostic, Mend)> {
        let open = *open_before(self.lexemes, self.at).last()?;
        let (word, name) = (self.lexeme(open.checked_sub(2)?)?, self.lexeme(open.checked_sub(1)?)?);
        let inside = self.lexemes.get(self.at..closing(self.lexemes, open))?;
        let mut depth = 0_usize;
        let length = inside.iter().position(|lexeme| {
            match lexeme.token {
                Token::Less => depth = depth.saturating_add(1),
                Token::Greater => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0 && lexeme.token == Token::Comma
        });
        let end = self.at.saturating_add(length.unwrap_or(inside.len()));
        let last = self.lexeme(end.checked_sub(1)?)?;
        let gap = Span { end: last.end, ..self.behind() };
        let diagnostic = report::typed_binder(self.place(), self.slice(name), gap);
        let changes = (self.at..end).map(|at| (at, Vec::new())).collect();
        matches!(word.token, Token::On | Token::Veto).then_some((diagnostic, Mend::Rewrite(changes)))
    }

    /// `END IF`, alone on its line, and what stands before it on that line.
    fn block_end(&self, at: usize, advice: &str) -> Option<Span> {
        let (before, word) = (self.lexeme(at.checked_sub(1)?)?, self.lexeme(at)?);
        let ends = WORDS.first().is_some_and(|(_, own)| *own == advice);
        let rest = self.lexemes.get(at.saturating_add(1)..)?;
        let rest: Vec<_> = rest.iter().take_while(|x| !x.line_start && !x.token.is_closer()).collect();
        let last = rest.last().map_or(word.end, |last| last.end);
        let fits = ends && word.line_start && rest.len() < 2 && rest.iter().all(|x| x.token.is_word());
        fits.then(|| Span { start: before.end, end: last, ..self.span(word) })
    }

    fn foreign_sign(&self) -> Option<(Diagnostic, Mend)> {
        let lexeme = self.lexeme(self.at)?;
        let next = self.lexeme(self.at.saturating_add(1));
        let span = self.span(lexeme);
        match lexeme.token {
            Token::Colon if next.is_some_and(|next| glued(lexeme, next, Token::Colon)) => {
                let both = Span { end: span.end.saturating_add(1), ..span };
                let diagnostic = report::foreign_sign_replaced(both, "::", ".", ".".to_owned());
                Some((diagnostic, Mend::Replace(self.at..self.at.saturating_add(2), Token::Dot)))
            }
            // `f(Severity::HIGH)`: the first was taken for that of a named argument.
            Token::Colon
                if self
                    .previous()
                    .is_some_and(|last| last.token == Token::Colon && glued(last, lexeme, Token::Colon)) =>
            {
                let first = self.at.checked_sub(1)?;
                let both = Span { start: span.start.saturating_sub(1), ..span };
                let diagnostic = report::foreign_sign_replaced(both, "::", ".", ".".to_owned());
                Some((diagnostic, Mend::Replace(first..self.at.saturating_add(1), Token::Dot)))
            }
            Token::Colon if next.is_none_or(|next| next.line_start) && self.expected.has("{") => Some((
                report::foreign_sign(span, ":", "a block begins with { and ends with }"),
                Mend::LeaveOut,
            )),
            Token::Colon if self.expected.has(")") && !self.expected.operator() => self.typed_binder(),
            Token::Semicolon => Some((report::needless_semicolon(span), Mend::Remove(self.at))),
            Token::Assign if self.behind_clause() => {
                let gap = Span { start: self.previous()?.end, ..span };
                Some((report::clause_with_sign(span, "=", gap), Mend::Remove(self.at)))
            }
            Token::String if self.previous().is_some_and(|last| names_something(last.token)) => {
                let inner = self.slice(lexeme).trim_matches('"');
                let name = !inner.is_empty()
                    && !inner.starts_with(|c: char| c.is_ascii_digit())
                    && inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                let fix = name.then_some(inner);
                Some((report::quoted_name(span, fix), Mend::Change(self.at, Token::Name)))
            }
            Token::Name => self.counted_tokens(lexeme).or_else(|| self.event_word()),
            Token::As => self.renamed_module(),
            Token::RightParen | Token::Comma if self.expected.only() == Some(":") => {
                let name = self.previous()?;
                let diagnostic = report::without_type(self.span(name), self.slice(name));
                Some((diagnostic, Mend::Insert(vec![(self.at, Token::Colon), (self.at, Token::Bad)])))
            }
            Token::LeftParen
                if self.previous().is_some_and(|last| matches!(last.token, Token::For | Token::Each)) =>
            {
                self.loop_in_brackets().or_else(|| Some((report::counting_loop(span), Mend::LeaveOut)))
            }
            Token::LeftBrace if self.behind_case() => {
                let advice = "what a case holds stands in ( ): slow(by: duration)";
                Some((report::foreign_sign(span, "{", advice), Mend::LeaveOut))
            }
            Token::Star if self.previous().is_some_and(|last| last.token == Token::LeftParen) => {
                let advice = "how many there are is len(xs), or COUNT(FOR x IN xs WHERE c)";
                Some((report::foreign_sign(span, "*", advice), Mend::LeaveOut))
            }
            Token::Plus if self.behind_reason() => Some((report::joined_reason(span), Mend::LeaveOut)),
            Token::Else if self.expected.statement() => {
                let open = open_before(self.lexemes, self.at).pop().filter(|open| self.of_choice(*open))?;
                Some((report::else_in_block(span, self.span(self.lexeme(open)?)), Mend::LeaveOut))
            }
            _ => None,
        }
    }

    /// `USE std.scaling AS s`
    fn renamed_module(&self) -> Option<(Diagnostic, Mend)> {
        let start = (0..self.at).rev().find(|at| begins_item(self.lexemes, *at))?;
        self.lexeme(start).filter(|first| first.token == Token::Use)?;
        let behind = self.at.saturating_add(1);
        let name = self.lexeme(behind).filter(|name| name.token.is_word() && !name.line_start)?;
        let gap = Span { end: name.end, ..self.behind() };
        let mend = Mend::Rewrite(vec![(self.at, Vec::new()), (behind, Vec::new())]);
        Some((report::renamed_module(self.place(), gap), mend))
    }

    /// Whether the name before is a case of an ENUM.
    fn behind_case(&self) -> bool {
        let named = self.previous().is_some_and(|last| last.token == Token::Name);
        named && self.expected.name() && self.expected.has("(") && self.expected.has("}")
    }

    /// Whether the block that opens here is one of an IF.
    fn of_choice(&self, open: usize) -> bool {
        let token = |at: usize| self.lexeme(at).map(|lexeme| lexeme.token);
        let before = open.checked_sub(1).and_then(token);
        let start = (0..=open).rev().find(|at| begins_item(self.lexemes, *at)).and_then(token);
        matches!(before, Some(Token::Then | Token::Else)) || start == Some(Token::If)
    }

    /// Whether the text before is a reason: of STOP, FAIL, REQUIRE or a VETO.
    fn behind_reason(&self) -> bool {
        let word = self.at.checked_sub(2).and_then(|at| self.lexeme(at)).map(|lexeme| lexeme.token);
        let text = self.previous().is_some_and(|last| last.token == Token::String);
        text && matches!(word, Some(Token::Stop | Token::Fail | Token::Else | Token::Because))
    }

    /// Whether a clause of the header has begun.
    fn behind_clause(&self) -> bool {
        let clause = self.previous().is_some_and(|last| {
            matches!(
                last.token,
                Token::Deadline
                    | Token::Budget
                    | Token::Priority
                    | Token::Target
                    | Token::Rollout
                    | Token::Report
            )
        });
        clause && !self.expected.has("=")
    }

    /// `2M tokens`.
    fn counted_tokens(&self, word: Lexeme) -> Option<(Diagnostic, Mend)> {
        let number = self.previous().filter(|last| last.token == Token::Number)?;
        if !matches!(self.slice(word), "tokens" | "token") || word.line_start {
            return None;
        }
        let text = self.slice(number);
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let zeros = match text.get(digits.len()..)? {
            "k" | "K" => "_000",
            "M" | "m" => "_000_000",
            "B" | "b" | "G" => "_000_000_000",
            _ => return None,
        };
        let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        let span = self.span(number);
        let diagnostic = report::counted_tokens(span, text, plain.then(|| format!("{digits}{zeros}")));
        let both = self.at.saturating_sub(1)..self.at.saturating_add(1);
        Some((diagnostic, Mend::Replace(both, Token::Bad)))
    }
}

/// Whether a name follows this word.
fn names_something(token: Token) -> bool {
    matches!(
        token,
        Token::Instruction | Token::Type | Token::Enum | Token::Func | Token::Input | Token::Metric
    )
}

fn glued(left: Lexeme, right: Lexeme, token: Token) -> bool {
    right.token == token && left.end == right.start
}
