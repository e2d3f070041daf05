//! From text to raw tokens: comments and documentation are put aside, unknown characters are reported, and
//! nesting is bounded here, before the parser spends memory on it.
//!
//! The lexer never stops. What cannot be a token is reported and left out, or stands as [`Token::Bad`].

use logos::Logos;

use crate::ast::MAX_DEPTH;
use crate::diagnostic::Diagnostic;
use crate::report;
use crate::span::{FileId, Span};
use crate::token::{Lexeme, Token};

/// How many tokens a text may have. A program has one token to five bytes or so; a text that has more tokens
/// than this is not one.
const MAX_TOKENS: usize = 4 << 20;

/// A comment in its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RawComment {
    /// First byte, a slash.
    pub(crate) start: u32,
    /// Byte behind the last.
    pub(crate) end: u32,
    /// Whether nothing but white space stands before it on its line.
    pub(crate) own_line: bool,
    /// Whether it documents the token behind it: `///` on a line of its own.
    pub(crate) doc: bool,
}

/// Documentation that stands before a token.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Docs {
    /// First byte of the token.
    pub(crate) at: u32,
    /// The first of its comments.
    pub(crate) first: usize,
    /// The comment behind the last.
    pub(crate) end: usize,
}

/// What the lexer made of a text.
#[derive(Debug, Default)]
pub(crate) struct Lexed {
    /// The tokens in order.
    pub(crate) lexemes: Vec<Lexeme>,
    /// All comments in order.
    pub(crate) comments: Vec<RawComment>,
    /// Which of them document what.
    pub(crate) docs: Vec<Docs>,
    /// Whether the brackets match.
    pub(crate) balanced: bool,
    /// What was wrong.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Raw tokens of the bytes `start..end` of a text, with places in the whole text.
pub(crate) fn lex(file: FileId, text: &str, start: u32, end: u32) -> Lexed {
    let part = text.get(start as usize..end as usize).unwrap_or("");
    let mut lexer = Lexer::new(file, text);
    // A token has more than four bytes, with the space around it.
    lexer.out.lexemes.reserve(part.len() / 4);
    let mut tokens = Token::lexer(part);
    while let Some(result) = tokens.next() {
        let span = tokens.span();
        let at = start.saturating_add(offset(span.start));
        let until = start.saturating_add(offset(span.end));
        match result {
            Ok(Token::BlockComment) => {
                let more = lexer.block_comment(at, until, end);
                tokens.bump(more);
            }
            Ok(token) => lexer.token(token, at, until),
            Err(()) => {
                let more = lexer.unknown(at, until, end);
                tokens.bump(more);
            }
        }
        if lexer.out.lexemes.len() >= MAX_TOKENS {
            lexer.out.diagnostics.push(report::too_many_tokens(Span::new(file, until, until)));
            break;
        }
    }
    lexer.finish()
}

/// A place in a text as it is kept in tokens: texts are shorter than 4 GiB.
pub(crate) fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// An open bracket, with the counts of the level around it.
#[derive(Debug, Clone, Copy)]
struct Open {
    bracket: Token,
    runs: Runs,
}

/// How deep the current level nests without brackets.
#[derive(Debug, Clone, Copy, Default)]
struct Runs {
    /// `-`, NOT and `??` that wait for their right side.
    prefixes: u16,
    /// IF inside IF or THEN that wait for their ELSE.
    choices: u16,
    /// `list<list<…` that wait for their `>`.
    types: u16,
}

/// What is left out because it nests too deep.
#[derive(Debug, Clone, Copy)]
enum Skip {
    /// All up to the bracket that closes the current one; so many are open inside.
    Group(usize),
    /// All up to the end of the expression; so many are open inside.
    Expression(usize),
}

struct Lexer<'a> {
    file: FileId,
    text: &'a str,
    out: Lexed,
    open: Vec<Open>,
    runs: Runs,
    skip: Option<Skip>,
    /// Whether a line has begun since the last token.
    line_start: bool,
    /// The first comment that documents the next token.
    pending_docs: Option<usize>,
    /// Where the last character that does not belong ended, so that neighbours give one message.
    unknown_until: Option<u32>,
    /// Whether it is known that no `*/` follows.
    no_comment_end: bool,
}

impl<'a> Lexer<'a> {
    fn new(file: FileId, text: &'a str) -> Lexer<'a> {
        Lexer {
            file,
            text,
            out: Lexed { balanced: true, ..Lexed::default() },
            open: Vec::new(),
            runs: Runs::default(),
            skip: None,
            line_start: true,
            pending_docs: None,
            unknown_until: None,
            no_comment_end: false,
        }
    }

    fn span(&self, start: u32, end: u32) -> Span {
        Span::new(self.file, start, end)
    }

    fn slice(&self, start: u32, end: u32) -> &'a str {
        self.text.get(start as usize..end as usize).unwrap_or("")
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        // The parser keeps a hundred; a few more let it choose.
        if self.out.diagnostics.len() < 1000 {
            self.out.diagnostics.push(diagnostic);
        }
    }

    /// Takes what logos found.
    fn token(&mut self, token: Token, start: u32, end: u32) {
        match token {
            Token::Newline => self.line_start = true,
            Token::Comment => self.comment(start, end),
            Token::HashComment => {
                self.report(report::foreign_comment(self.span(start, start.saturating_add(1)), "#"));
                self.comment(start, end);
            }
            Token::UnfinishedString => self.unfinished_string(start, end),
            Token::SingleQuoted => {
                let inner = self.slice(start.saturating_add(1), end.saturating_sub(1));
                self.report(report::wrong_quotes(self.span(start, end), inner));
                self.push(Token::String, start, end);
            }
            token => self.push(token, start, end),
        }
    }

    fn comment(&mut self, start: u32, end: u32) {
        let text = self.slice(start, end);
        let trimmed = text.trim_end();
        let end = start.saturating_add(offset(trimmed.len()));
        let doc = trimmed.starts_with("///") && !trimmed.starts_with("////") && self.line_start;
        if doc && self.pending_docs.is_none() {
            self.pending_docs = Some(self.out.comments.len());
        }
        self.out.comments.push(RawComment { start, end, own_line: self.line_start, doc });
    }

    /// `/* … */`: left out up to its end, or to the end of the line where it has none. Gives how many bytes
    /// more it took.
    fn block_comment(&mut self, start: u32, opened: u32, end: u32) -> usize {
        self.report(report::foreign_comment(self.span(start, opened), "/*"));
        let behind = self.slice(opened, end);
        let closed = if self.no_comment_end { None } else { behind.find("*/") };
        match closed {
            Some(at) => {
                self.line_start |= behind.get(..at).is_some_and(|inside| inside.contains('\n'));
                at.saturating_add(2)
            }
            None => {
                self.no_comment_end = true;
                behind.find('\n').unwrap_or(behind.len())
            }
        }
    }

    /// A string without its end reaches to the end of its line, but for the brackets that close there:
    /// `log("done)` lacks one quote, not also a bracket.
    fn unfinished_string(&mut self, start: u32, end: u32) {
        let text = self.slice(start, end).trim_end();
        let kept = text.trim_end_matches([')', ']', '}', '{', ' ', ';']);
        let kept = if kept.len() <= 1 { text } else { kept };
        let until = start.saturating_add(offset(kept.len()));
        self.report(report::unfinished_string(self.span(start, until)));
        self.push(Token::String, start, until);
        for (at, sign) in self.slice(until, end).char_indices() {
            let at = until.saturating_add(offset(at));
            let token = match sign {
                ')' => Token::RightParen,
                ']' => Token::RightBracket,
                '}' => Token::RightBrace,
                '{' => Token::LeftBrace,
                ';' => Token::Semicolon,
                _ => continue,
            };
            self.push(token, at, at.saturating_add(1));
        }
    }

    /// Reports characters that are no token; gives how many bytes more it took, none of them behind `limit`, where a hole in a
    /// text ends.
    fn unknown(&mut self, start: u32, end: u32, limit: u32) -> usize {
        let rest = self.slice(start, limit);
        let Some(sign) = rest.chars().next() else { return 0 };
        let length = sign.len_utf8();
        // Logos ends an error where the next token could begin; go on to the character's end at least.
        let mut until = end.max(start.saturating_add(offset(length)));
        if sign == '\u{feff}' && start == 0 {
            return (until.saturating_sub(end)) as usize;
        }
        if matches!(sign, '“' | '”' | '„' | '`') {
            let line = rest.split('\n').next().unwrap_or("");
            let closes = |c: char| if sign == '`' { c == '`' } else { matches!(c, '“' | '”' | '"') };
            let closed = line.char_indices().skip(1).find(|(_, c)| closes(*c));
            if let Some((at, closer)) = closed {
                until = start.saturating_add(offset(at.saturating_add(closer.len_utf8())));
                // A hole of another language has a sign before its brace.
                let inner = line.get(length..at).unwrap_or("").replace("${", "{");
                self.report(report::wrong_quotes(self.span(start, until), &inner));
                self.push(Token::String, start, until);
                return until.saturating_sub(end) as usize;
            }
        }
        if rest.starts_with("${")
            && let Some(hole) = rest.lines().next().and_then(|line| line.split_once('}'))
        {
            let (inner, length) = (hole.0.get(2..).unwrap_or(""), hole.0.len().saturating_add(1));
            until = start.saturating_add(offset(length));
            self.report(report::hole_outside_text(self.span(start, until), inner));
            self.push(Token::Bad, start, until);
            return until.saturating_sub(end) as usize;
        }
        if sign.is_alphanumeric() {
            let word: usize = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .map(char::len_utf8)
                .fold(0, usize::saturating_add);
            until = start.saturating_add(offset(word)).max(until);
            self.foreign_letters(start, until);
            return until.saturating_sub(end) as usize;
        }
        let adjacent = self
            .unknown_until
            .is_some_and(|last| self.slice(last, start).bytes().all(|byte| byte == b' ' || byte == b'\t'));
        self.unknown_until = Some(until);
        let lexemes = self.out.lexemes.len();
        if let Some((token, replacement)) = look_alike(sign) {
            self.report(report::look_alike(self.span(start, until), sign, replacement));
            if let Some(token) = token {
                self.push(token, start, until);
            }
        } else if adjacent {
            if let Some(last) = self.out.diagnostics.last_mut() {
                last.primary.span.end = until;
            }
        } else {
            self.report(report::unknown_character(self.span(start, until), sign));
        }
        // Where a value is missing now, none is asked for.
        let wanted =
            self.out.lexemes.last().is_some_and(|last| !last.token.ends_operand() && last.end < start);
        if wanted && lexemes == self.out.lexemes.len() && !sign.is_whitespace() {
            self.push(Token::Bad, start, until);
        }
        until.saturating_sub(end) as usize
    }

    /// A word with letters that names do not have; it goes on as a name, together with its beginning.
    fn foreign_letters(&mut self, start: u32, end: u32) {
        let joined =
            self.out.lexemes.last().copied().filter(|last| last.end == start && last.token.is_word());
        let start = if let Some(last) = joined {
            self.out.lexemes.pop();
            self.line_start = last.line_start;
            last.start
        } else {
            start
        };
        self.report(report::foreign_letters(self.span(start, end)));
        self.push(Token::Name, start, end);
    }

    /// Adds a token, unless it stands too deep.
    fn push(&mut self, token: Token, start: u32, end: u32) {
        if let Some(skip) = self.skip {
            if !self.ends_skip(skip, token) {
                self.line_start = false;
                return;
            }
            self.skip = None;
        }
        if let Some(first) = self.pending_docs.take() {
            self.out.docs.push(Docs { at: start, first, end: self.out.comments.len() });
        }
        if self.nests_too_deep(token) {
            self.report(report::too_deep(self.span(start, end)));
            self.emit(Token::Bad, start, start);
            self.runs = Runs::default();
            // A bracket is left out with what it holds.
            self.skip = Some(if token.closer().is_some() { Skip::Group(1) } else { Skip::Expression(0) });
            return;
        }
        self.emit(token, start, end);
    }

    fn emit(&mut self, token: Token, start: u32, end: u32) {
        self.out.lexemes.push(Lexeme { start, end, token, line_start: self.line_start });
        self.line_start = false;
    }

    /// Whether skipping ends before this token.
    fn ends_skip(&mut self, skip: Skip, token: Token) -> bool {
        match skip {
            Skip::Group(0) => true,
            Skip::Group(depth) => {
                self.skip = Some(Skip::Group(step(depth, token)));
                false
            }
            Skip::Expression(0) if token.is_closer() || matches!(token, Token::Comma | Token::Semicolon) => {
                true
            }
            Skip::Expression(0) if self.line_start && token.begins_statement_only() => true,
            Skip::Expression(depth) => {
                self.skip = Some(Skip::Expression(step(depth, token)));
                false
            }
        }
    }

    /// Keeps count of what is open, and says whether one more is too much.
    fn nests_too_deep(&mut self, token: Token) -> bool {
        let mut last = self.out.lexemes.iter().rev().map(|lexeme| lexeme.token);
        let (previous, before) = (last.next(), last.next());
        match token {
            Token::LeftBrace | Token::LeftParen | Token::LeftBracket => {
                if self.open.len() >= usize::from(MAX_DEPTH) {
                    return true;
                }
                if token == Token::LeftBrace
                    && self.open.last().is_some_and(|o| o.bracket != Token::LeftBrace)
                {
                    self.out.balanced = false;
                }
                self.open.push(Open { bracket: token, runs: self.runs });
                self.runs = Runs::default();
                return false;
            }
            Token::RightBrace | Token::RightParen | Token::RightBracket => self.close(token),
            Token::Minus if previous.is_some_and(Token::ends_operand) => self.runs.prefixes = 0,
            Token::Minus | Token::Not | Token::Bang | Token::Coalesce => {
                self.runs.prefixes = self.runs.prefixes.saturating_add(1);
            }
            Token::If if matches!(previous, Some(Token::Then | Token::If)) => {
                self.runs.choices = self.runs.choices.saturating_add(1);
            }
            Token::Else => self.runs.choices = self.runs.choices.saturating_sub(1),
            Token::Less if previous.is_some_and(Token::is_word) => match before {
                Some(Token::Less) => self.runs.types = self.runs.types.saturating_add(1),
                Some(Token::Comma) if self.runs.types > 0 => {
                    self.runs.types = self.runs.types.saturating_add(1);
                }
                Some(Token::Colon | Token::Arrow) => self.runs.types = 1,
                _ => {}
            },
            Token::Greater => self.runs.types = self.runs.types.saturating_sub(1),
            Token::Dot => {}
            token if token.ends_operand() => {}
            token if token.begins_statement_only() || token == Token::Semicolon => {
                self.runs = Runs::default()
            }
            Token::Assign => self.runs = Runs { choices: self.runs.choices, ..Runs::default() },
            _ => self.runs.prefixes = 0,
        }
        [self.runs.prefixes, self.runs.choices, self.runs.types].into_iter().any(|run| run >= MAX_DEPTH)
    }

    fn close(&mut self, closer: Token) {
        if self.open.last().is_some_and(|open| open.bracket.closer() == Some(closer)) {
            if let Some(open) = self.open.pop() {
                self.runs = open.runs;
            }
            return;
        }
        self.out.balanced = false;
        if let Some(at) = self.open.iter().rposition(|open| open.bracket.closer() == Some(closer)) {
            self.open.truncate(at);
        }
        self.runs = Runs::default();
    }

    fn finish(mut self) -> Lexed {
        if !self.open.is_empty() {
            self.out.balanced = false;
        }
        self.out
    }
}

/// How many brackets are open behind a token that is left out.
fn step(depth: usize, token: Token) -> usize {
    if token.closer().is_some() {
        depth.saturating_add(1)
    } else if token.is_closer() {
        depth.saturating_sub(1)
    } else {
        depth
    }
}

/// Characters of word processors that stand for a sign.
fn look_alike(sign: char) -> Option<(Option<Token>, &'static str)> {
    Some(match sign {
        '–' | '—' | '−' => (Some(Token::Minus), "-"),
        '×' | '·' => (Some(Token::Star), "*"),
        '÷' => (Some(Token::Slash), "/"),
        '≤' => (Some(Token::LessEqual), "<="),
        '≥' => (Some(Token::GreaterEqual), ">="),
        '≠' => (Some(Token::NotEqual), "!="),
        '→' => (Some(Token::Arrow), "->"),
        '…' => (Some(Token::DotDot), ".."),
        '\u{a0}' | '\u{2003}' | '\u{2009}' | '\u{202f}' | '\u{3000}' => (None, " "),
        _ => return None,
    })
}
