//! Brackets that do not match: finds the one that was forgotten, and puts the token stream right, so that
//! the parser only ever sees matching brackets and one forgotten bracket costs one message.
//!
//! Two facts make this sure rather than a guess: braces never stand inside `( )` or `[ ]` (but for those of a
//! record as other languages write it), and no statement or declaration does either. For braces, the
//! indentation tells which one was forgotten.

use crate::diagnostic::{Diagnostic, Edit};
use crate::report;
use crate::span::{FileId, Span};
use crate::token::{Lexeme, Token};

/// An opening bracket that waits for its closer.
#[derive(Debug, Clone, Copy)]
struct Open {
    lexeme: Lexeme,
    /// White space before the first token of its line.
    indent: u32,
    /// White space before the first line that begins inside it.
    inner: Option<u32>,
}

/// Gives the lexemes with matching brackets, and a message for each one that did not match.
pub(crate) fn balance(
    file: FileId,
    text: &str,
    lexemes: &[Lexeme],
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Lexeme> {
    let braces = |token: Token| lexemes.iter().filter(|lexeme| lexeme.token == token).count();
    let (opened, closed) = (braces(Token::LeftBrace), braces(Token::RightBrace));
    let mut pass = Pass {
        file,
        text,
        lexemes,
        out: Vec::with_capacity(lexemes.len()),
        open: Vec::new(),
        missing: opened.saturating_sub(closed),
        extra: closed.saturating_sub(opened),
        indent: 0,
        stray_behind: None,
        diagnostics,
    };
    for at in 0..lexemes.len() {
        pass.step(at);
    }
    pass.finish();
    pass.out
}

struct Pass<'a> {
    file: FileId,
    text: &'a str,
    lexemes: &'a [Lexeme],
    out: Vec<Lexeme>,
    open: Vec<Open>,
    /// How many `}` are lacking that have not been put in yet.
    missing: usize,
    /// How many `}` are too many and have not been left out yet.
    extra: usize,
    /// White space before the first token of the current line.
    indent: u32,
    /// The token behind a closing bracket that closes nothing.
    stray_behind: Option<usize>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl Pass<'_> {
    fn step(&mut self, at: usize) {
        let Some(&lexeme) = self.lexemes.get(at) else { return };
        if lexeme.line_start {
            self.indent = indent(self.text, lexeme.start);
        }
        if self.in_round() && self.ends_round(at, lexeme) {
            self.close_rounds(lexeme);
        }
        if lexeme.line_start && self.missing > 0 && self.begins_declaration(at) {
            self.insert_closers(self.open.len(), lexeme);
        }
        if lexeme.line_start && !lexeme.token.is_closer() && lexeme.token != Token::Else {
            self.close_by_indentation(lexeme);
        }
        match lexeme.token {
            token if token.closer().is_some() => {
                self.open.push(Open { lexeme, indent: self.indent, inner: None });
                self.out.push(lexeme);
            }
            Token::RightBrace => self.close_brace(at, lexeme),
            Token::RightParen | Token::RightBracket => self.close_round(at, lexeme),
            _ => self.out.push(lexeme),
        }
    }

    /// Whether the innermost open bracket is not a brace.
    fn in_round(&self) -> bool {
        self.open.last().is_some_and(|open| open.lexeme.token != Token::LeftBrace)
    }

    /// Whether no bracket but a brace can be open any more at this token.
    fn ends_round(&self, at: usize, lexeme: Lexeme) -> bool {
        let token = lexeme.token;
        if token == Token::LeftBrace && self.begins_members(at) {
            return false;
        }
        if matches!(token, Token::LeftBrace | Token::RightBrace) || token.begins_statement_only() {
            return true;
        }
        if !lexeme.line_start {
            return false;
        }
        let next = self.lexemes.get(at.saturating_add(1)).map(|next| next.token);
        let assigns = matches!(next, Some(Token::Assign | Token::PlusAssign | Token::MinusAssign));
        if token.is_name() && assigns {
            return true;
        }
        if !self.out.last().is_some_and(|last| last.token.ends_operand()) {
            return false;
        }
        match token {
            Token::If => true,
            Token::For if next == Some(Token::Each) => true,
            _ if self.begins_declaration(at) => true,
            // Two operands in a row on two lines: the second begins a statement, if it can be one.
            Token::Name => {
                matches!(
                    next,
                    Some(Token::Assign | Token::PlusAssign | Token::MinusAssign | Token::LeftParen)
                )
            }
            Token::Stop | Token::Fail if next == Some(Token::String) => true,
            Token::Record | Token::Try | Token::Retry if next.is_some_and(Token::is_word) => true,
            Token::By => false,
            _ => token.is_name() && next == Some(Token::LeftParen),
        }
    }

    /// Whether a brace begins what other languages have for a record or a map: `{"id": …` and `{}`, where a value could stand,
    /// and `Task { id: …`.
    fn begins_members(&self, at: usize) -> bool {
        let token = |ahead: usize| self.lexemes.get(at.saturating_add(ahead)).map(|lexeme| lexeme.token);
        let Some(last) = self.out.last() else { return false };
        let value = matches!(last.token, Token::LeftParen | Token::LeftBracket | Token::Comma | Token::Colon);
        let name = self.text.get(last.start as usize..).unwrap_or_default();
        let named = last.token == Token::Name && name.starts_with(|first: char| first.is_ascii_uppercase());
        let member = token(1)
            .is_some_and(|member| matches!(member, Token::String | Token::Number) || member.is_name());
        let members = member && token(2) == Some(Token::Colon);
        members && (value || named) || value && token(1) == Some(Token::RightBrace)
    }

    /// Whether a declaration begins here: its word at the left edge, or as far left as what is open.
    fn begins_declaration(&self, at: usize) -> bool {
        let Some(lexeme) = self.lexemes.get(at) else { return false };
        let outside = self.open.first().is_none_or(|open| self.indent <= open.indent);
        outside && declaration_at(self.lexemes, at) && lexeme.line_start
    }

    fn close_round(&mut self, at: usize, closer: Lexeme) {
        let here = self.open.iter().rev().take_while(|open| open.lexeme.token != Token::LeftBrace);
        let wanted = here.clone().position(|open| open.lexeme.token.closer() == Some(closer.token));
        match (wanted, self.open.last()) {
            (Some(inner), _) => {
                self.insert_closers(inner, closer);
                self.open.pop();
                self.out.push(closer);
            }
            (None, Some(open)) if open.lexeme.token != Token::LeftBrace => {
                // `f(a]`: the wrong kind of bracket.
                let open = *open;
                let right = open.lexeme.token.closer().unwrap_or(closer.token);
                let (opener, written) = (self.span(open.lexeme), sign_of(open.lexeme.token));
                self.report(report::wrong_closer(opener, written, self.span(closer), sign_of(right)));
                self.open.pop();
                self.out.push(Lexeme { token: right, ..closer });
            }
            _ => self.stray(at, closer),
        }
    }

    /// While a `}` is lacking: a line as far left as the one with the `{` ends the block, if the lines in
    /// it stood further right.
    fn close_by_indentation(&mut self, lexeme: Lexeme) {
        while self.missing > 0
            && let Some(open) = self.open.last().copied()
            && open.lexeme.token == Token::LeftBrace
            && (1..=open.indent).contains(&self.indent)
            && self.out.last().is_some_and(|last| *last != open.lexeme)
            && open.inner.is_none_or(|inner| inner > open.indent)
        {
            self.insert_closers(1, lexeme);
        }
        if let Some(open) = self.open.last_mut() {
            open.inner.get_or_insert(self.indent);
        }
    }

    fn close_brace(&mut self, at: usize, closer: Lexeme) {
        // One that stands further right than the block it would close is one too many.
        let inside = self.open.last().is_some_and(|open| open.indent < self.indent);
        if self.extra > 0 && closer.line_start && inside {
            self.extra = self.extra.saturating_sub(1);
            return self.stray(at, closer);
        }
        // A brace closes what is as far left as itself; what is further right was forgotten.
        let inner = self.open.iter().rev().take_while(|open| open.indent > self.indent).count();
        if closer.line_start && inner < self.open.len() {
            self.insert_closers(inner.min(self.missing), closer);
        }
        if self.open.pop().is_some() {
            self.out.push(closer);
        } else {
            self.stray(at, closer);
        }
    }

    /// A closing bracket without an opening one is left out; of several in a row, one message is enough.
    fn stray(&mut self, at: usize, closer: Lexeme) {
        if self.stray_behind != Some(at) {
            self.report(report::stray_closer(self.span(closer), sign_of(closer.token)));
        }
        self.stray_behind = Some(at.saturating_add(1));
    }

    fn close_rounds(&mut self, noticed: Lexeme) {
        let rounds = self.open.iter().rev().take_while(|open| open.lexeme.token != Token::LeftBrace).count();
        self.insert_closers(rounds, noticed);
    }

    /// Puts in the closers of so many open brackets behind the last token, with one message for all of them,
    /// which points at the innermost.
    fn insert_closers(&mut self, count: usize, noticed: Lexeme) {
        let Some(innermost) = self.open.last().copied().filter(|_| count > 0) else { return };
        let last = self.out.last().copied();
        let at = last.map_or(0, |last| last.end);
        let mut written = String::new();
        for open in self.open.split_off(self.open.len().saturating_sub(count)).into_iter().rev() {
            let Some(token) = open.lexeme.token.closer() else { continue };
            if token == Token::RightBrace {
                self.missing = self.missing.saturating_sub(1);
                written.push('\n');
                written.extend(std::iter::repeat_n(' ', (open.indent as usize).min(200)));
            }
            written.push_str(sign_of(token));
            self.out.push(Lexeme { start: at, end: at, token, line_start: false });
        }
        // Behind a place that was left out because it nests too deep there is nothing new to say.
        if last.is_some_and(|last| last.token == Token::Bad && last.start == last.end) {
            return;
        }
        let (opener, bracket) = (self.span(innermost.lexeme), sign_of(innermost.lexeme.token));
        let description = format!("write {}", written.split_whitespace().collect::<Vec<_>>().join(" "));
        let edit = Edit { span: Span::new(self.file, at, at), text: written };
        let diagnostic = report::unclosed_bracket(opener, bracket, self.span(noticed));
        self.report(diagnostic.fixes(description, vec![edit]));
    }

    fn finish(&mut self) {
        let at = crate::lexer::offset(self.text.len());
        let noticed = Lexeme { start: at, end: at, token: Token::Bad, line_start: true };
        self.insert_closers(self.open.len(), noticed);
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        if self.diagnostics.len() < 2000 {
            self.diagnostics.push(diagnostic);
        }
    }

    fn span(&self, lexeme: Lexeme) -> Span {
        Span::new(self.file, lexeme.start, lexeme.end)
    }
}

/// Whether a declaration begins at this token, as far as it and the next can tell.
pub(crate) fn declaration_at(lexemes: &[Lexeme], at: usize) -> bool {
    let Some(lexeme) = lexemes.get(at) else { return false };
    let Some(next) = lexemes.get(at.saturating_add(1)) else { return false };
    let word = next.token.is_word() && !next.token.is_reserved();
    match lexeme.token {
        Token::Use => word || next.token == Token::String,
        Token::Test => next.token == Token::String,
        Token::Every => next.token == Token::Number || word,
        token => token.begins_declaration() && word,
    }
}

/// White space before the first token of the line, where `at` is that token.
fn indent(text: &str, at: u32) -> u32 {
    let before = text.get(..at as usize).unwrap_or("");
    let trimmed = before.trim_end_matches([' ', '\t']);
    crate::lexer::offset(before.len().saturating_sub(trimmed.len()))
}

/// How a bracket is written.
fn sign_of(token: Token) -> &'static str {
    match token {
        Token::LeftBrace => "{",
        Token::RightBrace => "}",
        Token::LeftParen => "(",
        Token::RightParen => ")",
        Token::LeftBracket => "[",
        _ => "]",
    }
}
