//! Recovery: one slip, one message, and the rest of the file is still read.
//!
//! The parser stops at the first slip. Here each declaration is parsed for itself; where one has a slip, the
//! slip is explained ([`crate::mend`]), its tokens are mended or left out, and the declaration is parsed
//! again. So the parser's own state is never guessed at, and what is left out is exactly one statement, one
//! pair of brackets, or one declaration.

use std::ops::Range;

use smol_str::SmolStr;

use crate::ast::{Item, ItemKind};
use crate::brackets::declaration_at;
use crate::diagnostic::{Diagnostic, Edit};
use crate::foreign;
use crate::items::{begins_item, clause_at, closing, smallest_part};
use crate::lexer::Lexed;
use crate::mend::{Mend, Slip};
use crate::node::Builder;
use crate::parse::{Read, Stop, run};
use crate::report;
use crate::span::{FileId, Span};
use crate::suggest::closest;
use crate::token::{Lexeme, Token};

/// The words a declaration begins with.
const DECLARATIONS: &[&str] = &[
    "INSTRUCTION",
    "USE",
    "CONST",
    "TYPE",
    "ENUM",
    "CONTEXT",
    "INPUT",
    "STATE",
    "METRIC",
    "ACTION",
    "QUERY",
    "EVENT",
    "FUNC",
    "ON",
    "EVERY",
    "VETO",
    "TEST",
];

/// After so many messages about one text the rest of it is no longer mended.
const ENOUGH: usize = 120;

/// Parses a text with slips, declaration by declaration.
pub(crate) fn recover(file: FileId, text: &str, lexed: &Lexed, diagnostics: &mut Vec<Diagnostic>) -> Read {
    let count = lexed.lexemes.len();
    let mut recovery = Recovery {
        file,
        text,
        lexed,
        diagnostics,
        items: Vec::new(),
        used_docs: Vec::new(),
        // Parsing again and again is bounded: on the whole, as much work as parsing the text a few times.
        budget: count.saturating_mul(6).saturating_add(200_000),
        outside: None,
        has_start: has_start(text, &lexed.lexemes),
        header_end: header_end(file, &lexed.lexemes),
    };
    for range in declarations(text, &lexed.lexemes) {
        recovery.declaration(range);
    }
    (recovery.items, recovery.used_docs)
}

/// The parts of a token stream that are one declaration each, or something else between them.
fn declarations(text: &str, lexemes: &[Lexeme]) -> Vec<Range<usize>> {
    let mut starts = vec![0];
    let mut depth = 0_usize;
    // Whether the part at hand is a header, and its braces are not behind.
    let is_header = |at: usize| lexemes.get(at).is_some_and(|first| first.token == Token::Instruction);
    let mut in_header = is_header(0);
    for (index, lexeme) in lexemes.iter().enumerate() {
        let first = starts.last().copied().unwrap_or_default();
        let clauses = || !in_header && begins_clauses(lexemes, first, index);
        if depth == 0 && index > 0 && (begins_part(text, lexemes, index) || clauses()) {
            starts.push(index);
            in_header = is_header(index);
        }
        in_header &= lexeme.token != Token::RightBrace;
        if lexeme.token.closer().is_some() {
            depth = depth.saturating_add(1);
        } else if lexeme.token.is_closer() {
            depth = depth.saturating_sub(1);
        }
    }
    let ends = starts.iter().copied().skip(1).chain([lexemes.len()]);
    starts
        .iter()
        .copied()
        .zip(ends)
        .map(|(start, end)| start..end)
        .filter(|range| !range.is_empty())
        .collect()
}

/// Whether a declaration begins at this token outside all brackets, or something that was meant as one.
fn begins_part(text: &str, lexemes: &[Lexeme], at: usize) -> bool {
    let (Some(lexeme), Some(previous)) = (lexemes.get(at), at.checked_sub(1).and_then(|at| lexemes.get(at)))
    else {
        return false;
    };
    if declaration_at(lexemes, at) && (lexeme.line_start || previous.token == Token::RightBrace) {
        return true;
    }
    let left_edge = lexeme.line_start
        && (lexeme.start == 0
            || text.as_bytes().get((lexeme.start as usize).saturating_sub(1)) == Some(&b'\n'));
    // A soft word at the left edge may go on with a declaration, as REQUIRES does.
    let goes_on = lexeme.token.is_soft()
        && statement_word(lexeme.token, lexemes.get(at.saturating_add(1)).copied()).is_none();
    let goes_on = goes_on && !lexeme.token.begins_declaration();
    let goes_on = goes_on || lexeme.token.is_aggregate() || lexeme.token == Token::When;
    left_edge && begins_item(lexemes, at) && !goes_on
}

/// Whether clauses of the header begin at this token that stand outside of it, and not at `first` already.
/// Those of a header that lacks its braces belong to it.
fn begins_clauses(lexemes: &[Lexeme], first: usize, at: usize) -> bool {
    let line_start = lexemes.get(at).is_some_and(|lexeme| lexeme.line_start);
    line_start && !clause_at(lexemes, first) && clause_at(lexemes, at) && begins_item(lexemes, at)
}

struct Recovery<'a> {
    file: FileId,
    text: &'a str,
    lexed: &'a Lexed,
    diagnostics: &'a mut Vec<Diagnostic>,
    items: Vec<Item>,
    used_docs: Vec<usize>,
    /// How many tokens may still be parsed.
    budget: usize,
    /// The message about statements outside of all blocks, if the part before was one: one message is enough.
    outside: Option<usize>,
    /// Whether there is an ON START, or a fix that makes one.
    has_start: bool,
    /// The brace that closes the header.
    header_end: Option<Span>,
}

impl Recovery<'_> {
    /// Reads one declaration, mending it as often as needed.
    fn declaration(&mut self, range: Range<usize>) {
        let mut lexemes = self.lexed.lexemes.get(range).unwrap_or(&[]).to_vec();
        self.needless_word(&mut lexemes);
        if !self.begins_well(&mut lexemes) {
            return self.give_up(&lexemes);
        }
        let mut lacks = false;
        loop {
            self.budget = self.budget.saturating_sub(lexemes.len());
            let mut builder =
                Builder::new(self.file, self.text, &lexemes, &self.lexed.docs, &self.lexed.comments);
            let (result, read) = counted(&mut builder);
            let Err(stop) = result else {
                self.diagnostics.append(&mut builder.diagnostics);
                self.items.append(&mut builder.items);
                self.used_docs.append(&mut builder.used_docs);
                if lacks {
                    self.give_up(&lexemes);
                }
                return;
            };
            let at = match stop {
                Stop::UnrecognizedEof { .. } => lexemes.len(),
                _ => read.saturating_sub(1),
            };
            let slip = Slip::new(self.file, self.text, (&lexemes, &self.lexed.lexemes), at, &stop);
            if self.diagnostics.len() >= ENOUGH || self.budget < lexemes.len() {
                self.diagnostics.push(if slip.follows_another() {
                    report::more(slip.place())
                } else {
                    slip.explain().0
                });
                return self.give_up(&lexemes);
            }
            let mend = if slip.follows_another() {
                Mend::LeaveOut
            } else {
                let (diagnostic, mend) = slip.explain();
                // What the header had instead is missing elsewhere.
                lacks |= mend == Mend::LeaveOut && slip.body_in_header().is_some();
                if self.already_reported(diagnostic.primary.span)
                    || self.already_reported(slip.surroundings())
                {
                    Mend::LeaveOut
                } else {
                    self.diagnostics.push(diagnostic);
                    mend
                }
            };
            if !apply(&mut lexemes, at, mend) {
                return self.give_up(&lexemes);
            }
        }
    }

    /// Whether a message stands at this very place.
    fn already_reported(&self, span: Span) -> bool {
        self.diagnostics.iter().rev().take(200).any(|diagnostic| {
            let other = diagnostic.primary.span;
            other.start < span.end && span.start < other.end
        })
    }

    /// What could not be read stands as an error, so that its absence surprises nobody.
    fn give_up(&mut self, lexemes: &[Lexeme]) {
        let (Some(first), Some(last)) = (lexemes.first(), lexemes.last()) else { return };
        let span = Span::new(self.file, first.start, last.end.max(first.start));
        self.items.push(Item { docs: SmolStr::default(), kind: ItemKind::Error, span });
    }

    /// A statement that ends at `end` and stands in no block. Those that follow it go into the same block.
    fn outside_block(&mut self, span: Span, end: Span, statement: &str, before: Option<usize>) {
        let known = before.and_then(|at| self.diagnostics.get_mut(at));
        if let Some(known) = known {
            if let Some(last) = known.fix.as_mut().and_then(|fix| fix.edits.last_mut()) {
                last.span = end;
            }
            self.outside = before;
            return;
        }
        let diagnostic = report::outside_block(span, statement);
        self.outside = Some(self.diagnostics.len());
        self.diagnostics.push(if self.has_start { diagnostic } else { report::into_start(diagnostic, end) });
        self.has_start = true;
    }

    /// Clauses of the header that stand outside of it go to its end.
    fn outside_header(&mut self, span: Span, lexemes: &[Lexeme]) {
        let written = self.text.get(span.start as usize..span.end as usize).unwrap_or("");
        let diagnostic = report::outside_header(span, &written.to_uppercase());
        let end = lexemes.last().map_or(span.end, |last| last.end);
        let Some(closer) = self.header_end else { return self.diagnostics.push(diagnostic) };
        let before = |at: u32| self.text.get(..at as usize).unwrap_or("");
        let clauses = self.text.get(span.start as usize..end as usize).unwrap_or("").replace('\n', "\n  ");
        let line = if before(closer.start).ends_with('\n') { "" } else { "\n" };
        let gap = u32::try_from(before(span.start).trim_end().len()).unwrap_or(span.start);
        let mut edits = vec![
            Edit { span: closer.before(), text: format!("{line}  {clauses}\n") },
            Edit { span: Span { start: gap, end, ..span }, text: String::new() },
        ];
        edits.sort_by_key(|edit| edit.span.start);
        self.diagnostics.push(diagnostic.fixes("put it into the header", edits));
    }

    /// `async function …`: the first word goes.
    fn needless_word(&mut self, lexemes: &mut Vec<Lexeme>) {
        let [first, second, ..] = lexemes.as_slice() else { return };
        let word = self.text.get(first.start as usize..first.end as usize).unwrap_or("");
        if first.token != Token::Name || !second.token.is_word() || !foreign::is_needless(word) {
            return;
        }
        let span = Span::new(self.file, first.start, first.end);
        let gap = Span { end: second.start, ..span };
        self.diagnostics.push(report::needless_word(span, word, gap));
        lexemes.remove(0);
    }

    /// Whether a part begins like a declaration; a misspelt word is put right, all else is reported.
    fn begins_well(&mut self, lexemes: &mut [Lexeme]) -> bool {
        let Some(first) = lexemes.first().copied() else { return false };
        let second = lexemes.get(1).copied();
        let was_outside = self.outside.take();
        let callable = matches!(
            first.token,
            Token::Func | Token::Action | Token::Query | Token::Event | Token::On | Token::Veto
        );
        let unnamed = callable && second.is_some_and(|second| second.token == Token::LeftParen);
        if first.token.begins_declaration() && (unnamed || !is_assignment(second)) {
            return true;
        }
        let span = Span::new(self.file, first.start, first.end);
        let written = self.text.get(first.start as usize..first.end as usize).unwrap_or("");
        if first.token == Token::Bad {
            return false;
        }
        if clause_at(lexemes, 0) {
            self.outside_header(span, lexemes);
            return false;
        }
        if let Some(statement) = statement_word(first.token, second) {
            let end = lexemes.last().map_or(span, |last| Span::new(self.file, last.end, last.end));
            self.outside_block(span, end, &statement, was_outside);
            return false;
        }
        if !first.token.is_word() {
            if !self.already_reported(span) && first.start < first.end {
                let found = crate::explain::found(self.text, Some(first));
                self.diagnostics.push(report::unexpected(span, &found, "a declaration"));
            }
            return false;
        }
        let meant =
            if first.token == Token::Name { closest(written, DECLARATIONS.iter().copied()) } else { None };
        let advice = foreign::declaration(written).filter(|_| first.token == Token::Name);
        self.diagnostics.push(match advice {
            Some(advice) => report::no_such_word(span, written, advice),
            None => report::unknown_declaration(span, written, meant),
        });
        let keyword = meant.and_then(declaration_token);
        match (keyword, lexemes.first_mut()) {
            (Some(token), Some(first)) => {
                first.token = token;
                true
            }
            _ => false,
        }
    }
}

/// Whether a program says ON START.
fn has_start(text: &str, lexemes: &[Lexeme]) -> bool {
    lexemes.windows(2).any(|pair| {
        let [on, event] = pair else { return false };
        let event = text.get(event.start as usize..event.end as usize).unwrap_or("");
        on.token == Token::On && event.eq_ignore_ascii_case("START")
    })
}

/// The brace that closes the header of a program.
fn header_end(file: FileId, lexemes: &[Lexeme]) -> Option<Span> {
    let header = lexemes.windows(3).position(|three| {
        let [first, name, brace] = three else { return false };
        first.token == Token::Instruction && name.token.is_name() && brace.token == Token::LeftBrace
    })?;
    let closer = lexemes.get(closing(lexemes, header.checked_add(2)?))?;
    (closer.token == Token::RightBrace).then(|| Span::new(file, closer.start, closer.end))
}

/// Whether a word is followed by what only a statement has.
fn is_assignment(second: Option<Lexeme>) -> bool {
    second.is_some_and(|second| second.token.follows_place())
}

/// What a statement outside of all blocks is called, where it is one.
fn statement_word(first: Token, second: Option<Lexeme>) -> Option<String> {
    let keyword = first.keyword().unwrap_or("");
    if matches!(first, Token::If | Token::For) || first.begins_statement_only() {
        return Some(keyword.to_owned());
    }
    let named = second.is_some_and(|second| second.token.is_word() || second.token == Token::String);
    match first {
        Token::Stop if second.is_some_and(|second| second.token == Token::When) => None,
        Token::Stop | Token::Fail | Token::Record | Token::Phase | Token::Try | Token::Retry if named => {
            Some(keyword.to_owned())
        }
        _ if first.is_name() && is_assignment(second) => match second.map(|second| second.token) {
            Some(Token::LeftParen) => Some("a call".to_owned()),
            _ => Some("an assignment".to_owned()),
        },
        _ => None,
    }
}

fn declaration_token(word: &str) -> Option<Token> {
    use logos::Logos;
    Token::lexer(word).next().and_then(Result::ok)
}

/// Runs the parser and counts the tokens it took.
fn counted(builder: &mut Builder<'_>) -> (Result<(), Stop>, usize) {
    let mut taken = 0_usize;
    let result = run(builder, &mut taken).map(|_| ());
    (result, taken)
}

/// Changes the tokens as a mend says; false where nothing is left to change.
fn apply(lexemes: &mut Vec<Lexeme>, at: usize, mend: Mend) -> bool {
    match mend {
        Mend::Insert(insertions) => {
            // From the back, so that the places in front stay true.
            for (place, token) in insertions.into_iter().rev() {
                let end =
                    place.checked_sub(1).and_then(|before| lexemes.get(before)).map_or(0, |last| last.end);
                let line_start = false;
                lexemes.insert(place.min(lexemes.len()), Lexeme { start: end, end, token, line_start });
            }
            true
        }
        Mend::Change(place, token) => {
            let Some(lexeme) = lexemes.get_mut(place) else { return false };
            lexeme.token = token;
            true
        }
        Mend::Remove(place) => {
            let known = place < lexemes.len();
            if known {
                lexemes.remove(place);
            }
            known
        }
        Mend::Rewrite(changes) => {
            for (place, tokens) in changes.into_iter().rev() {
                let Some(old) = lexemes.get(place).copied() else { return false };
                // What is put in before the last has no text of its own.
                let last = tokens.len().saturating_sub(1);
                let made = tokens.into_iter().enumerate().map(|(at, token)| {
                    let end = if at == last { old.end } else { old.start };
                    Lexeme { token, end, line_start: old.line_start && at == 0, ..old }
                });
                lexemes.splice(place..=place, made.collect::<Vec<_>>());
            }
            true
        }
        Mend::Replace(range, token) => {
            let Some(first) = lexemes.get(range.start).copied() else { return false };
            let end = range
                .end
                .checked_sub(1)
                .and_then(|last| lexemes.get(last))
                .map_or(first.end, |last| last.end);
            let with = Lexeme { start: first.start, end, token, line_start: first.line_start };
            lexemes.splice(range, [with]);
            true
        }
        Mend::LeaveOut => match smallest_part(lexemes, at) {
            Some(range) => apply(lexemes, at, Mend::Replace(range, Token::Bad)),
            None => false,
        },
    }
}
