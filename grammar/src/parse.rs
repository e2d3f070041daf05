//! The way from text to tree. It never fails and never panics: what cannot be read is reported, and the
//! rest is read.

use lalrpop_util::{ParseError, lalrpop_mod};
use smol_str::SmolStr;

use crate::ast::{Comment, Expr, Item, Program};
use crate::brackets::balance;
use crate::diagnostic::{Code, Diagnostic};
use crate::lexer::{Lexed, lex, offset};
use crate::node::Builder;
use crate::recover::recover;
use crate::report;
use crate::source::SourceFile;
use crate::span::{FileId, Span};
use crate::token::Token;
use crate::words::{join_texts, settle};

lalrpop_mod!(
    #[expect(
        clippy::all,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        clippy::arithmetic_side_effects,
        clippy::cast_sign_loss,
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::panic,
        clippy::too_many_lines,
        clippy::unreachable,
        reason = "written by lalrpop"
    )]
    swarm
);

/// How many findings about one text are given.
const MAX_DIAGNOSTICS: usize = 100;

/// Why the parser stopped.
pub(crate) type Stop = ParseError<u32, Token, ()>;

/// Reads a program. What is wrong with it is in the diagnostics, in order of place; the tree holds all that
/// could be read, with error nodes for the rest. At most a hundred diagnostics are given, and one that says
/// so where there are more. A text longer than [`SourceFile::MAX_BYTES`] is not read at all (E0008).
pub fn parse(file: FileId, text: &str) -> (Program, Vec<Diagnostic>) {
    if text.len() > SourceFile::MAX_BYTES {
        return (Program::default(), vec![report::too_long(Span::new(file, 0, 0), text.len())]);
    }
    let mut lexed = lex(file, text, 0, offset(text.len()));
    settle(file, text, &mut lexed);
    if !lexed.balanced {
        lexed.lexemes = balance(file, text, &lexed.lexemes, &mut lexed.diagnostics);
    }
    let mut diagnostics = std::mem::take(&mut lexed.diagnostics);
    let mut read = read_whole(file, text, &lexed);
    let fine = read.as_ref().is_some_and(|(_, found)| found.is_empty());
    if !fine && join_texts(file, text, &mut lexed.lexemes, &mut diagnostics) {
        read = read_whole(file, text, &lexed);
    }
    let (items, used_docs) = match read {
        Some((read, mut found)) => {
            diagnostics.append(&mut found);
            read
        }
        None => recover(file, text, &lexed, &mut diagnostics),
    };
    let comments = comments(file, text, &lexed, &used_docs);
    (Program { items, comments }, arrange(diagnostics))
}

/// All declarations, and what was found in them; nothing if the parser stopped.
fn read_whole(file: FileId, text: &str, lexed: &Lexed) -> Option<(Read, Vec<Diagnostic>)> {
    let mut builder = Builder::new(file, text, &lexed.lexemes, &lexed.docs, &lexed.comments);
    run(&mut builder, &mut 0).ok()?;
    Some(((builder.items, builder.used_docs), builder.diagnostics))
}

/// How many words and signs a text has, comments left out: the work of the lexer alone.
pub fn count_tokens(text: &str) -> usize {
    if text.len() > SourceFile::MAX_BYTES {
        return 0;
    }
    let file = FileId::default();
    let mut lexed = lex(file, text, 0, offset(text.len()));
    settle(file, text, &mut lexed);
    lexed.lexemes.len()
}

/// Runs the parser over a builder's tokens and counts those it took.
pub(crate) fn run(builder: &mut Builder<'_>, taken: &mut usize) -> Result<Option<Box<Expr>>, Stop> {
    let tokens = builder.lexemes.iter().map(|lexeme| {
        *taken = taken.saturating_add(1);
        Ok((lexeme.start, lexeme.token, lexeme.end))
    });
    swarm::WholeParser::new().parse(builder, tokens)
}

/// Declarations with the documentation that was used for them.
pub(crate) type Read = (Vec<Item>, Vec<usize>);

/// The comments that document nothing.
fn comments(file: FileId, text: &str, lexed: &Lexed, used_docs: &[usize]) -> Vec<Comment> {
    let mut documents = vec![false; lexed.comments.len()];
    for docs in used_docs.iter().filter_map(|&used| lexed.docs.get(used)) {
        for used in documents.get_mut(docs.first..docs.end).unwrap_or(&mut []) {
            *used = true;
        }
    }
    let rest = lexed.comments.iter().zip(documents).filter(|(comment, used)| !(comment.doc && *used));
    rest.map(|(comment, _)| {
        let slashes = comment.start.saturating_add(2);
        let inside = text.get(slashes as usize..comment.end as usize).unwrap_or("");
        Comment {
            text: SmolStr::new(inside),
            span: Span::new(file, comment.start, comment.end),
            own_line: comment.own_line,
        }
    })
    .collect()
}

/// Findings in order of place, without those that say the same of the same place, and not too many.
fn arrange(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(|diagnostic| (diagnostic.primary.span.start, diagnostic.code));
    let had_more = diagnostics.iter().position(|diagnostic| diagnostic.code == Code::E0009);
    let mut more = had_more.map(|at| diagnostics.remove(at));
    diagnostics.retain(|diagnostic| diagnostic.code != Code::E0009);
    let mut deep: Option<Span> = None;
    let mut kept: Vec<Diagnostic> = Vec::new();
    for diagnostic in diagnostics {
        let span = diagnostic.primary.span;
        if diagnostic.code == Code::E0005 {
            // What holds a part that is cut off is too deep as well.
            if deep.is_some_and(|deep| span.start <= deep.end) {
                continue;
            }
            deep = Some(span);
        }
        if kept.last().is_some_and(|last| last.primary.span == span) {
            continue;
        }
        // A sign of another language that was taken for a comparison makes no chain.
        let first = diagnostic.secondary.first().map(|label| label.span);
        if diagnostic.code == Code::E0023 && kept.iter().rev().any(|known| Some(known.primary.span) == first)
        {
            continue;
        }
        if kept.len() >= MAX_DIAGNOSTICS {
            more = Some(report::more(span));
            break;
        }
        kept.push(diagnostic);
    }
    kept.extend(more);
    kept
}
