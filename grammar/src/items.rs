//! Where statements and other lines begin in a token stream, as far as the tokens alone can tell: what a
//! recovering parser leaves out goes from one such place to the next.

use std::ops::Range;

use crate::token::{Lexeme, Token};

/// The brackets that are open before the token at `at`, outermost first.
pub(crate) fn open_before(lexemes: &[Lexeme], at: usize) -> Vec<usize> {
    let mut open = Vec::new();
    for (index, lexeme) in lexemes.iter().enumerate().take(at) {
        if lexeme.token.closer().is_some() {
            open.push(index);
        } else if lexeme.token.is_closer() {
            open.pop();
        }
    }
    open
}

/// The token that closes the bracket at `open`; the end where none does.
pub(crate) fn closing(lexemes: &[Lexeme], open: usize) -> usize {
    let mut depth = 0_usize;
    for (index, lexeme) in lexemes.iter().enumerate().skip(open) {
        if lexeme.token.closer().is_some() {
            depth = depth.saturating_add(1);
        } else if lexeme.token.is_closer() {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return index;
            }
        }
    }
    lexemes.len()
}

/// The smallest part around the token at `at` that is not already left out: what stands in its parentheses,
/// its statement, the statement around that. None where only the whole is left.
pub(crate) fn smallest_part(lexemes: &[Lexeme], at: usize) -> Option<Range<usize>> {
    let mut at = at;
    for open in open_before(lexemes, at).into_iter().rev() {
        let first = open.saturating_add(1);
        let end = closing(lexemes, open);
        let brace = lexemes.get(open).is_some_and(|lexeme| lexeme.token == Token::LeftBrace);
        let range = if brace { item_around(lexemes, first, end, at) } else { first..end };
        let bad = lexemes.get(range.clone()).is_some_and(|part| part.iter().all(|x| x.token == Token::Bad));
        if !bad && !range.is_empty() {
            return Some(range);
        }
        at = open;
    }
    None
}

/// The line among `first..end` that has the token at `at`; the one before where `at` begins a line or is
/// the end, for then the slip is usually there.
fn item_around(lexemes: &[Lexeme], first: usize, end: usize, at: usize) -> Range<usize> {
    let starts = item_starts(lexemes, first, end);
    let is_bad = |range: &Range<usize>| {
        lexemes.get(range.clone()).is_some_and(|part| part.iter().all(|lexeme| lexeme.token == Token::Bad))
    };
    let nth = starts.partition_point(|&start| start <= at).saturating_sub(1);
    let item = |nth: usize| {
        let start = starts.get(nth).copied().unwrap_or(first);
        start..starts.get(nth.saturating_add(1)).copied().unwrap_or(end)
    };
    let (this, before) = (item(nth), nth.checked_sub(1).map(item));
    match before {
        Some(before) if this.start == at && at < end && !is_bad(&before) => before,
        _ => this,
    }
}

/// Where lines begin among the tokens `first..end`, which stand between two braces.
pub(crate) fn item_starts(lexemes: &[Lexeme], first: usize, end: usize) -> Vec<usize> {
    let mut starts = vec![first];
    let mut depth = 0_usize;
    for index in first..end {
        let Some(lexeme) = lexemes.get(index) else { break };
        if depth == 0 && index > first && begins_item(lexemes, index) {
            starts.push(index);
        }
        if lexeme.token.closer().is_some() {
            depth = depth.saturating_add(1);
        } else if lexeme.token.is_closer() {
            depth = depth.saturating_sub(1);
        }
    }
    starts
}

/// Whether a line begins at this token.
pub(crate) fn begins_item(lexemes: &[Lexeme], at: usize) -> bool {
    let Some(lexeme) = lexemes.get(at) else { return false };
    let Some(previous) = at.checked_sub(1).and_then(|before| lexemes.get(before)) else { return true };
    if continues(lexeme.token) || matches!(previous.token, Token::Then | Token::Else) {
        return false;
    }
    if matches!(previous.token, Token::Semicolon | Token::RightBrace) || lexeme.token.begins_statement_only()
    {
        return true;
    }
    lexeme.line_start && !wants_more(previous.token)
}

/// Whether a clause of the header begins at this token.
pub(crate) fn clause_at(lexemes: &[Lexeme], at: usize) -> bool {
    let token = |at: usize| lexemes.get(at).map(|lexeme| lexeme.token);
    token(at).is_some_and(|first| first.begins_clause(token(at.saturating_add(1))))
}

/// Whether a token never begins a line of its own.
fn continues(token: Token) -> bool {
    matches!(
        token,
        Token::Else
            | Token::Then
            | Token::Where
            | Token::In
            | Token::And
            | Token::Or
            | Token::Mod
            | Token::Div
            | Token::Contains
            | Token::LeftBrace
            | Token::LeftParen
            | Token::LeftBracket
            | Token::Comma
            | Token::Semicolon
    ) || token.is_closer()
        || is_operator(token)
}

/// Whether something has to follow a token.
fn wants_more(token: Token) -> bool {
    matches!(
        token,
        Token::Comma
            | Token::LeftParen
            | Token::LeftBracket
            | Token::And
            | Token::Or
            | Token::Not
            | Token::Mod
            | Token::Div
            | Token::Contains
            | Token::In
            | Token::Where
            | Token::If
            | Token::When
            | Token::While
    ) || is_operator(token)
}

fn is_operator(token: Token) -> bool {
    matches!(
        token,
        Token::Dot
            | Token::DotDot
            | Token::Colon
            | Token::Assign
            | Token::PlusAssign
            | Token::MinusAssign
            | Token::Equal
            | Token::NotEqual
            | Token::Less
            | Token::LessEqual
            | Token::Greater
            | Token::GreaterEqual
            | Token::Plus
            | Token::Minus
            | Token::Star
            | Token::Slash
            | Token::Question
            | Token::Coalesce
            | Token::Arrow
    )
}
