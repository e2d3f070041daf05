//! Slips in the header and in a STATE: what other notations have there.

use crate::diagnostic::{Diagnostic, Edit};
use crate::items::{clause_at, closing, item_starts, open_before};
use crate::mend::{Mend, Slip, single_token};
use crate::report;
use crate::span::Span;
use crate::token::{Lexeme, Token};

impl Slip<'_> {
    /// `INSTRUCTION pay VERSION 2 {`, and `VERSION 2` as a clause: the version stands in the name.
    pub(crate) fn version_apart(&self) -> Option<(Diagnostic, Mend)> {
        let word = self.lexeme(self.at).filter(|lexeme| lexeme.token == Token::Name)?;
        if !self.slice(word).eq_ignore_ascii_case("version") {
            return None;
        }
        let header = (0..self.at)
            .rev()
            .find(|at| self.lexeme(*at).is_some_and(|lexeme| lexeme.token == Token::Instruction))?;
        let (named, opened) = (header.saturating_add(1), header.saturating_add(2));
        let behind_name = self.at == opened;
        if !behind_name && open_before(self.lexemes, self.at).last() != Some(&opened) {
            return None;
        }
        let sign = self.next().is_some_and(|next| matches!(next, Token::Colon | Token::Assign));
        let last = self.at.saturating_add(if sign { 2 } else { 1 });
        let number = self.lexeme(last).filter(|lexeme| lexeme.token == Token::Number)?;
        let name = self.lexeme(named)?;
        let written = self.slice(name);
        let base = written.rsplit_once("_v").filter(|(_, digits)| digits.parse::<u32>().is_ok());
        let right = format!("{}_v{}", base.map_or(written, |(base, _)| base), self.slice(number));
        let diagnostic = report::version_apart(self.span(word).to(self.span(number)), &right);
        let description = format!("write {right}");
        let whole = self.span(name).to(self.span(number));
        if behind_name {
            let behind = last.saturating_add(1);
            return Some((
                diagnostic.fix(description, whole, right),
                Mend::Replace(named..behind, Token::Name),
            ));
        }
        let gap = Span { start: self.previous()?.end, ..whole };
        let edits =
            vec![Edit { span: self.span(name), text: right }, Edit { span: gap, text: String::new() }];
        Some((diagnostic.fixes(description, edits), Mend::LeaveOut))
    }

    /// `INSTRUCTION save_v1 { FUNC f() { … } }`: declarations, or statements, stand behind the header and not in it.
    pub(crate) fn body_in_header(&self) -> Option<(Diagnostic, Mend)> {
        let first = self.lexeme(self.at)?;
        let open = open_before(self.lexemes, self.at).pop()?;
        let header = open.checked_sub(2).and_then(|at| self.lexeme(at))?;
        let begins = first.line_start || self.previous()?.token == Token::LeftBrace;
        if header.token != Token::Instruction || !begins {
            return None;
        }
        let word = first.token.keyword().unwrap_or("FUNC");
        let told = |edits| report::body_in_header(self.span(first), word, edits);
        let close = closing(self.lexemes, open);
        let (closer, last) = (self.lexeme(close)?, self.lexeme(close.checked_sub(1)?)?);
        let end = Edit { span: self.behind(), text: "\n}\n".to_owned() };
        let lines = item_starts(self.lexemes, self.at, close);
        if first.token.begins_declaration() && lines.iter().skip(1).any(|at| clause_at(self.lexemes, *at)) {
            // What is behind belongs to the header; only this goes.
            let own = self.lexeme(lines.get(1)?.checked_sub(1)?)?;
            // With the comments before it.
            let gap = self.behind().to(self.span(own));
            let text = format!("\n\n{}", self.text_of(gap).trim_start());
            let edits =
                vec![Edit { span: gap, text: String::new() }, Edit { span: self.span(closer).after(), text }];
            return Some((told(edits), Mend::LeaveOut));
        }
        if first.token.begins_declaration() {
            let gap = Span { start: last.end, ..self.span(closer) };
            // A comment there stays.
            let gap = if self.text_of(gap).trim_start() == "}" { gap } else { self.span(closer) };
            let edits = vec![end, Edit { span: gap, text: String::new() }];
            let changes = vec![(self.at, vec![Token::RightBrace, first.token]), (close, Vec::new())];
            return Some((told(edits), Mend::Rewrite(changes)));
        }
        // The brace that closed the header closes what takes the statements in.
        let statement = matches!(first.token, Token::If | Token::For) || first.token.begins_statement_only();
        statement.then(|| {
            let edits = vec![Edit { text: "\n}\n\nON START {".to_owned(), ..end }];
            (told(edits), Mend::LeaveOut)
        })
    }

    /// A header whose clauses stand in no braces.
    pub(crate) fn bare_header(&self, diagnostic: Diagnostic) -> (Diagnostic, Mend) {
        let end = self.lexemes.last().map_or(self.place(), |last| self.span(*last).after());
        let edits = vec![
            Edit { span: self.behind(), text: " {".to_owned() },
            Edit { span: end, text: "\n}".to_owned() },
        ];
        let braces = vec![(self.at, Token::LeftBrace), (self.lexemes.len(), Token::RightBrace)];
        (diagnostic.fixes("put the clauses into braces", edits), Mend::Insert(braces))
    }

    /// `PRIORITY: HIGH`: with the colon the word was taken for a name.
    pub(crate) fn clause_with_colon(&self) -> Option<(Diagnostic, Mend)> {
        let word = self.lexeme(self.at).filter(|lexeme| lexeme.token == Token::Name)?;
        let behind = self.at.saturating_add(1);
        let colon = self.lexeme(behind).filter(|lexeme| lexeme.token == Token::Colon)?;
        let meant =
            self.expected.keywords().find(|keyword| keyword.eq_ignore_ascii_case(self.slice(word)))?;
        let token = single_token(meant).filter(|token| token.begins_clause(None))?;
        let gap = Span { start: word.end, ..self.span(colon) };
        let diagnostic = report::clause_with_sign(self.span(colon), ":", gap);
        Some((diagnostic, Mend::Replace(self.at..behind.saturating_add(1), token)))
    }

    /// `GOAL "spend less"`: what is said to people stands in a comment.
    pub(crate) fn described(&self) -> Option<(Diagnostic, Mend)> {
        const WORDS: [&str; 7] =
            ["goal", "description", "purpose", "summary", "objective", "reason", "author"];
        let word = self.lexeme(self.at).filter(|word| word.token == Token::Name && word.line_start)?;
        let known = WORDS.iter().any(|own| own.eq_ignore_ascii_case(self.slice(word)));
        if !known || !self.expected.has("DEADLINE") {
            return None;
        }
        let mut at = self.at.saturating_add(1);
        if matches!(self.lexeme(at)?.token, Token::Colon | Token::Assign) {
            at = at.saturating_add(1);
        }
        let text = self.lexeme(at).filter(|text| text.token == Token::String)?;
        let alone = self.lexeme(at.saturating_add(1)).is_none_or(|next| next.line_start);
        let comment = format!("// {}", self.slice(text).trim_matches('"'));
        let whole = self.span(word).to(self.span(text));
        let diagnostic = report::described(self.span(word), self.slice(word));
        let diagnostic = if alone { diagnostic.fix("make it a comment", whole, comment) } else { diagnostic };
        Some((diagnostic, Mend::LeaveOut))
    }

    /// `ROLLOUT 10% -> 50%`, `ROLLOUT 10% THEN 50%`
    pub(crate) fn waves_apart(&self) -> Option<(Diagnostic, Mend)> {
        let sign = self.lexeme(self.at)?;
        let waves = matches!(sign.token, Token::Arrow | Token::Then) && self.begins_with(Token::Rollout);
        waves.then(|| {
            let gap = Span { start: self.behind().start, ..self.span(sign) };
            (report::waves_apart(self.span(sign), gap), Mend::Change(self.at, Token::Comma))
        })
    }

    /// `ROLLOUT 5%, 100% EVERY 10min IF rate < 1%`
    pub(crate) fn word_of_waves(&self) -> Option<(Diagnostic, Mend)> {
        let word = self.lexeme(self.at).filter(|word| word.token.is_word() && !word.line_start)?;
        let end = self.expected.has("HALT") && self.expected.has("ROLLBACK");
        let written = self.slice(word).to_ascii_uppercase();
        let (token, right) = match (word.token, self.next()) {
            _ if end && ["PAUSE", "STOP", "ABORT", "CANCEL"].contains(&&*written) => (Token::Halt, "HALT"),
            _ if end && ["REVERT", "UNDO", "RESTORE"].contains(&&*written) => (Token::Rollback, "ROLLBACK"),
            (Token::If, _) if self.expected.has("WHEN") => (Token::When, "WHEN"),
            (_, Some(Token::Number)) if self.expected.has("AFTER") => (Token::After, "AFTER"),
            _ => return None,
        };
        let diagnostic = report::word_of_waves(self.span(word), &written, right);
        self.begins_with(Token::Rollout).then_some((diagnostic, Mend::Change(self.at, token)))
    }

    /// `ROLLOUT canary 5%, 25%`
    pub(crate) fn named_waves(&self) -> Option<(Diagnostic, Mend)> {
        let name = self.at.checked_sub(1)?;
        let (rollout, word) = (self.lexeme(name.checked_sub(1)?)?, self.lexeme(name)?);
        let share = self.token() == Some(Token::Number) && word.token == Token::Name;
        (share && rollout.token == Token::Rollout).then(|| {
            let gap = Span { start: rollout.end, ..self.span(word) };
            (report::named_waves(self.span(word), self.slice(word), gap), Mend::Remove(name))
        })
    }

    /// `BUDGET money $100, tokens 1M`
    pub(crate) fn named_budget(&self) -> Option<(Diagnostic, Mend)> {
        let name = self.at.checked_sub(1)?;
        let (before, word) = (self.lexeme(name.checked_sub(1)?)?, self.lexeme(name)?);
        let number = self.lexeme(self.at).filter(|number| number.token == Token::Number)?;
        let begins = matches!(before.token, Token::Budget | Token::Comma) && word.token == Token::Name;
        if !begins || !self.begins_with(Token::Budget) {
            return None;
        }
        let written = self.slice(word);
        let whole = self.span(word).to(self.span(number));
        if written.eq_ignore_ascii_case("tokens") {
            let right = format!("{} tokens", self.slice(number));
            let diagnostic = report::named_budget(self.span(word), written, whole, &right);
            return Some((diagnostic, Mend::Replace(name..self.at.saturating_add(1), Token::Bad)));
        }
        let diagnostic = report::named_budget(self.span(word), written, whole, self.slice(number));
        Some((diagnostic, Mend::Remove(name)))
    }

    /// `TARGET agents WHERE …`
    pub(crate) fn target_without_count(&self) -> Option<(Diagnostic, Mend)> {
        let before = self.at.checked_sub(1)?;
        let lower = self.expected.has("AGENTS").then_some(before);
        let name = lower.or_else(|| (self.token() == Some(Token::Agents)).then_some(self.at))?;
        let word = self.lexeme(name)?;
        let target = self.lexeme(name.checked_sub(1)?)?.token == Token::Target;
        (target && self.slice(word).eq_ignore_ascii_case("agents")).then(|| {
            let diagnostic = report::target_without_count(self.span(word));
            (diagnostic, Mend::Rewrite(vec![(name, vec![Token::All, Token::Agents])]))
        })
    }

    /// `METRIC served: counter`, `METRIC saved: money SUM`
    pub(crate) fn metric_kind(&self) -> Option<(Diagnostic, Mend)> {
        if !self.expected.has("DISTRIBUTION") || !self.begins_with(Token::Metric) {
            return None;
        }
        let kind_of = |word: Lexeme| match self.slice(word).to_ascii_lowercase().as_str() {
            "counter" | "count" | "sum" => Some(("TOTAL", "int", Token::Total)),
            "gauge" | "last" | "latest" => Some(("GAUGE", "float", Token::Gauge)),
            "histogram" | "summary" | "distribution" | "timer" | "avg" | "average" | "mean" => {
                Some(("DISTRIBUTION", "float", Token::Distribution))
            }
            _ => None,
        };
        let behind = self.lexeme(self.at).filter(|word| !word.line_start && word.token.is_word());
        if let Some((word, (right, _, token))) = behind.and_then(|word| Some((word, kind_of(word)?))) {
            return Some((report::metric_kind(self.span(word), right), Mend::Change(self.at, token)));
        }
        let kind = self.at.checked_sub(1)?;
        let word = self.lexeme(kind).filter(|word| word.token.is_name())?;
        self.lexeme(self.at.checked_sub(4)?).filter(|first| first.token == Token::Metric)?;
        let (right, ty, token) = kind_of(word)?;
        let right = &format!("{ty} {right}");
        let diagnostic = report::metric_kind(self.span(word), right);
        Some((diagnostic, Mend::Rewrite(vec![(kind, vec![Token::Bad, token])])))
    }

    /// `ROLLOUT 10% WHEN rate < 1%`, and nothing for where it is not.
    pub(crate) fn gate_without_else(&self) -> Option<(Diagnostic, Mend)> {
        let rollout =
            self.expected.has("ELSE") && !self.expected.has("WHEN") && self.begins_with(Token::Rollout);
        rollout.then(|| {
            let end = vec![(self.at, Token::Else), (self.at, Token::Rollback)];
            (report::gate_without_else(self.behind()), Mend::Insert(end))
        })
    }

    /// `EXPECT rate < 1% WITHIN 10min`
    pub(crate) fn expected_within(&self) -> Option<(Diagnostic, Mend)> {
        let word = self.lexeme(self.at)?;
        let meant = matches!(word.token, Token::Within | Token::In | Token::After)
            || ["before", "until", "for"].iter().any(|other| self.slice(word).eq_ignore_ascii_case(other));
        let expects = meant && self.next() == Some(Token::Number) && self.begins_with(Token::Expect);
        expects.then(|| (report::expected_within(self.span(word)), Mend::Change(self.at, Token::By)))
    }

    /// Whether the line at hand begins with this word.
    pub(crate) fn begins_with(&self, word: Token) -> bool {
        let before = self.lexemes.get(..self.at).unwrap_or_default().iter().rev();
        let mut line = before.take_while(|before| before.token != Token::LeftBrace);
        line.find(|before| before.line_start).is_some_and(|first| first.token == word)
    }

    /// `STATE seen = 0`
    pub(crate) fn state_without_type(&self) -> Option<(Diagnostic, Mend)> {
        let before = |back: usize| self.at.checked_sub(back).and_then(|at| self.lexeme(at));
        let (state, name) = (before(2)?, before(1)?);
        if self.token() != Some(Token::Assign) || state.token != Token::State || !self.expected.has(":") {
            return None;
        }
        let behind = self.at.saturating_add(1);
        let ty = self.lexeme(behind).and_then(|value| match value.token {
            Token::Number => type_of_number(self.slice(value)),
            Token::String => Some("string"),
            Token::True | Token::False => Some("bool"),
            _ => None,
        });
        let diagnostic = report::without_type(self.span(name), self.slice(name));
        let diagnostic = match ty {
            Some(ty) => diagnostic.fix(format!("write : {ty}"), self.behind(), format!(": {ty}")),
            None => diagnostic,
        };
        Some((diagnostic, Mend::Insert(vec![(self.at, Token::Colon), (self.at, Token::Bad)])))
    }
}

/// The type of a number whose unit says so.
fn type_of_number(text: &str) -> Option<&'static str> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    match text.strip_prefix('$') {
        Some(_) => Some("money"),
        None if digits(text) => Some("int"),
        None if text.ends_with('%') => Some("percent"),
        None if text.split_once('.').is_some_and(|(whole, part)| digits(whole) && digits(part)) => {
            Some("float")
        }
        None => None,
    }
}
