//! From raw tokens to the parser's: the few rules that look at a token's neighbours, so that the grammar
//! itself stays free of conflicts. They are numbered L1 to L5; signs and words of other languages are
//! turned into Swarm's, with a message, on the way.

use crate::diagnostic::Diagnostic;
use crate::lexer::Lexed;
use crate::report;
use crate::span::{FileId, Span};
use crate::token::{Lexeme, Token};

/// Units that make `89/min` one literal.
const RATE_UNITS: &[&str] = &[
    "ns", "us", "µs", "ms", "s", "min", "h", "d", "B", "kB", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB",
    "TiB", "bps", "kbps", "Mbps", "Gbps", "token", "tokens",
];

/// Units that may stand apart from their number.
const SPACED_UNITS: &[&str] = &["tokens", "token", "USD"];

/// Tokens of a case of a MATCH that has a fix.
const LONGEST_CASE: usize = 16;

/// Tokens between the parts of a text whose hole has quotes.
const LONGEST_HOLE: usize = 32;

/// Tokens of a function without a name that has a fix.
const LONGEST_FUNCTION: usize = 200;

/// Messages about the tokens of one text; what is wrong beyond them goes without one.
const MOST_MESSAGES: usize = 1000;

fn keep(diagnostics: &mut Vec<Diagnostic>, diagnostic: Diagnostic) {
    if diagnostics.len() < MOST_MESSAGES {
        diagnostics.push(diagnostic);
    }
}

/// Applies the rules to what the lexer found.
pub(crate) fn settle(file: FileId, text: &str, lexed: &mut Lexed) {
    let raw = std::mem::take(&mut lexed.lexemes);
    let out = Vec::with_capacity(raw.len());
    let mut pass = Pass { file, text, raw: &raw, at: 0, out, diagnostics: &mut lexed.diagnostics };
    while let Some(&lexeme) = pass.raw.get(pass.at) {
        pass.lexeme(lexeme);
        pass.at = pass.at.saturating_add(1);
    }
    lexed.lexemes = pass.out;
}

struct Pass<'a> {
    file: FileId,
    text: &'a str,
    raw: &'a [Lexeme],
    at: usize,
    out: Vec<Lexeme>,
    diagnostics: &'a mut Vec<Diagnostic>,
}

impl<'a> Pass<'a> {
    fn next(&self, ahead: usize) -> Option<Lexeme> {
        self.raw.get(self.at.saturating_add(ahead)).copied()
    }

    fn next_is(&self, ahead: usize, test: impl Fn(Token) -> bool) -> bool {
        self.next(ahead).is_some_and(|lexeme| test(lexeme.token))
    }

    fn previous(&self) -> Option<Token> {
        self.out.last().map(|lexeme| lexeme.token)
    }

    fn slice(&self, lexeme: Lexeme) -> &'a str {
        self.text.get(lexeme.start as usize..lexeme.end as usize).unwrap_or("")
    }

    fn span(&self, lexeme: Lexeme) -> Span {
        Span::new(self.file, lexeme.start, lexeme.end)
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        keep(self.diagnostics, diagnostic);
    }

    fn lexeme(&mut self, mut lexeme: Lexeme) {
        let token = lexeme.token;
        if token.is_word() {
            if token == Token::Name && self.needless(lexeme) {
                return;
            }
            lexeme.token = self.word(lexeme);
        } else if token == Token::Number {
            lexeme = self.number(lexeme);
        } else if is_foreign_sign(token) {
            return self.foreign_sign(lexeme);
        } else if matches!(token, Token::Plus | Token::Minus)
            && (self.doubled(lexeme) || self.comment(lexeme))
        {
            return;
        }
        self.out.push(lexeme);
    }

    /// Rules L1, L2 and L3, and words of other languages.
    fn word(&mut self, lexeme: Lexeme) -> Token {
        let token = lexeme.token;
        let next = self.next(1);
        let same_line = next.filter(|next| !next.line_start).map(|next| next.token);
        // L1: a word behind `.` or before `:` is a name.
        let edge = lexeme.line_start && token.begins_declaration() && self.next_is(1, Token::is_word);
        if self.previous() == Some(Token::Dot) && !edge {
            return Token::Name;
        }
        let constant = matches!(token, Token::True | Token::False | Token::None);
        if next.is_some_and(|next| next.token == Token::Colon) && !constant {
            return Token::Name;
        }
        // L2: an aggregate is a keyword only where an operand follows on its line.
        if token.is_aggregate() {
            let operand = same_line.is_some_and(|next| match next {
                Token::Number | Token::String | Token::For | Token::Not => true,
                Token::True | Token::False | Token::None => true,
                next => next.is_word() && !next.is_reserved(),
            });
            return if operand { token } else { Token::Name };
        }
        // L3: RETURN at the end of its line, or before what cannot be a value, returns nothing.
        if token == Token::Return {
            let ends = match same_line {
                None => true,
                Some(next) => {
                    matches!(next, Token::RightBrace | Token::Semicolon | Token::Else | Token::When)
                }
            };
            return if ends { Token::ReturnNothing } else { token };
        }
        if token == Token::Name { self.foreign_word(lexeme) } else { token }
    }

    /// Rules L4 and L5: numbers whose unit is a word of its own.
    fn number(&mut self, mut lexeme: Lexeme) -> Lexeme {
        let Some(next) = self.next(1) else { return lexeme };
        let bare = self.slice(lexeme).ends_with(|c: char| c.is_ascii_digit());
        // L4: `500 USD`, `50_000 tokens`.
        if bare && !next.line_start && next.token == Token::Name && SPACED_UNITS.contains(&self.slice(next)) {
            lexeme.end = next.end;
            self.at = self.at.saturating_add(1);
            return lexeme;
        }
        // L5: `$12.50/h`, `89/min`: no space, a unit, and not a call.
        if next.token == Token::Slash
            && next.start == lexeme.end
            && let Some(unit) = self.next(2)
            && unit.start == next.end
            && unit.token.is_word()
            && RATE_UNITS.contains(&self.slice(unit))
            && !self.next_is(3, |token| token == Token::LeftParen)
        {
            lexeme.end = unit.end;
            self.at = self.at.saturating_add(2);
        }
        lexeme
    }

    /// A word that other languages use where Swarm has one of its own.
    fn foreign_word(&mut self, lexeme: Lexeme) -> Token {
        let text = self.slice(lexeme);
        let named = self.next_is(1, Token::is_word);
        let mut lower = [0; 8];
        let lower = lower_case(text, &mut lower);
        let (token, word) = match lower {
            "fn" | "def" | "function" | "fun" | "proc" | "sub"
                if named && self.next_is(2, |token| token == Token::LeftParen) =>
            {
                (Token::Func, "FUNC")
            }
            "var" | "auto" | "val"
                if named && self.next_is(2, |token| matches!(token, Token::Assign | Token::Colon)) =>
            {
                (Token::Let, "LET")
            }
            "elif" | "elsif" | "elseif" if !self.next_is(1, |token| token == Token::Assign) => {
                self.out.push(Lexeme { token: Token::Else, ..lexeme });
                (Token::If, "ELSE IF")
            }
            "assert"
                if lexeme.line_start
                    && self.in_test()
                    && !self.next_is(1, |token| token == Token::Assign) =>
            {
                (Token::Expect, "EXPECT")
            }
            "foreach" if named || self.opens_loop() => {
                self.out.push(Lexeme { token: Token::For, ..lexeme });
                (Token::Each, "FOR EACH")
            }
            "struct" | "record" | "class"
                if named && self.next_is(2, |token| token == Token::LeftBrace) && lexeme.line_start =>
            {
                (Token::Type, "TYPE")
            }
            "import" | "include"
                if self.next_is(1, |token| token == Token::String)
                    || (named && lexeme.line_start && self.next_is(2, |token| token == Token::Dot)) =>
            {
                (Token::Use, "USE")
            }
            _ => return Token::Name,
        };
        self.report(report::foreign_word(self.span(lexeme), text, word));
        token
    }

    /// `new Task(…)`, `await f(…)`, `f"{a} of {b}"`: the first word goes.
    #[inline(always)]
    fn needless(&mut self, lexeme: Lexeme) -> bool {
        let text = self.text.as_bytes().get(lexeme.start as usize..lexeme.end as usize).unwrap_or_default();
        matches!(text, b"new" | b"await" | b"f" | b"F" | b"s") && self.report_needless(lexeme)
    }

    #[cold]
    #[inline(never)]
    fn report_needless(&mut self, lexeme: Lexeme) -> bool {
        let (span, text) = (self.span(lexeme), self.slice(lexeme));
        let Some(next) = self.next(1).filter(|next| !next.line_start) else { return false };
        let called = next.token.is_word() && self.next_is(2, |token| token == Token::LeftParen);
        let diagnostic = if text.len() == 1 && next.token == Token::String && span.end == next.start {
            report::needless_letter_of_text(span, text)
        } else if text.len() > 1 && called {
            report::needless_word_of_call(span, text, Span { end: next.start, ..span })
        } else {
            return false;
        };
        self.report(diagnostic);
        true
    }

    /// Whether what stands here is in a TEST, by the declaration that began last.
    #[cold]
    #[inline(never)]
    fn in_test(&self) -> bool {
        let at_edge = |lexeme: &&Lexeme| {
            let before = (lexeme.start as usize).checked_sub(1).and_then(|at| self.text.as_bytes().get(at));
            lexeme.line_start && lexeme.token.begins_declaration() && before.is_none_or(|byte| *byte == b'\n')
        };
        self.out.iter().rev().find(at_edge).is_some_and(|first| first.token == Token::Test)
    }

    /// Whether the line so far is a case of a MATCH, as other languages have them.
    #[cold]
    #[inline(never)]
    fn behind_case(&self) -> bool {
        let mut line = self.out.iter().rev().take(LONGEST_CASE).enumerate();
        line.find(|(_, lexeme)| lexeme.line_start).is_some_and(|(behind, first)| match first.token {
            Token::When | Token::Else | Token::String | Token::Number => true,
            Token::True | Token::False | Token::None => true,
            token => token.is_name() && behind == 0,
        })
    }

    /// `xs.filter(x => x.cost > 3)`: all of it is one place that was reported.
    #[cold]
    #[inline(never)]
    fn method_with_function(&mut self) -> Option<()> {
        let [.., _, dot, method, paren, item] = self.out[..] else { return None };
        let shape = [dot.token, paren.token] == [Token::Dot, Token::LeftParen];
        if !shape || !method.token.is_name() || !item.token.is_name() {
            return None;
        }
        // What stands before the dot: names with dots between them.
        let mut start = self.out.len().checked_sub(5)?;
        while self.out.get(start)?.token.is_name()
            && let Some(before) = start.checked_sub(2)
            && self.out.get(before.saturating_add(1)).is_some_and(|dot| dot.token == Token::Dot)
        {
            start = before;
        }
        let list = *self.out.get(start).filter(|first| first.token.is_name())?;
        let mut depth = 1_usize;
        let mut behind = self.raw.iter().enumerate().skip(self.at.saturating_add(1)).take(LONGEST_FUNCTION);
        let close = behind.find(|(_, lexeme)| {
            match lexeme.token {
                token if token.closer().is_some() => depth = depth.saturating_add(1),
                token if token.is_closer() => depth = depth.saturating_sub(1),
                _ => {}
            }
            depth == 0
        });
        let (close, closer) = close.map(|(close, closer)| (close, *closer))?;
        let text = |start: u32, end: u32| self.text.get(start as usize..end as usize).unwrap_or("").trim();
        let arrow = self.raw.get(self.at)?;
        let (list_text, item) = (text(list.start, dot.start), self.slice(item));
        let body = text(arrow.end, closer.start);
        let right = match self.slice(method) {
            "filter" | "where" => format!("COLLECT {item} FOR {item} IN {list_text} WHERE {body}"),
            "map" | "select" => format!("COLLECT {body} FOR {item} IN {list_text}"),
            "some" | "any" => format!("ANY {body} FOR {item} IN {list_text}"),
            "every" | "all" => format!("ALL {body} FOR {item} IN {list_text}"),
            "forEach" | "for_each" | "each" if list.line_start && body.starts_with('{') => {
                format!("FOR EACH {item} IN {list_text} {body}")
            }
            "forEach" | "for_each" | "each" if list.line_start => {
                format!("FOR EACH {item} IN {list_text} {{ {body} }}")
            }
            _ => return None,
        };
        let whole = Span::new(self.file, list.start, closer.end);
        self.report(report::method_with_function(whole, right));
        self.out.truncate(start);
        self.out.push(Lexeme { token: Token::Bad, end: closer.end, ..list });
        self.at = close;
        Some(())
    }

    /// `foreach (task in tasks)`
    #[cold]
    #[inline(never)]
    fn opens_loop(&self) -> bool {
        let word = |ahead: usize| {
            let lexeme = self.next(ahead);
            lexeme
                .is_some_and(|word| word.token == Token::In || matches!(self.slice(word), "in" | "of" | ":"))
        };
        self.next_is(1, |token| token == Token::LeftParen) && (word(3) || word(4))
    }

    /// A sign that other languages use where Swarm has one of its own.
    fn foreign_sign(&mut self, mut lexeme: Lexeme) {
        let span = self.span(lexeme);
        let text = self.slice(lexeme);
        if lexeme.token == Token::FatArrow && self.behind_case() {
            return self.out.push(Lexeme { token: Token::Arrow, ..lexeme });
        }
        if lexeme.token == Token::FatArrow && self.method_with_function().is_some() {
            return;
        }
        let replaced = match lexeme.token {
            Token::AndAnd => (Token::And, "AND"),
            Token::OrOr => (Token::Or, "OR"),
            Token::Bang if self.is_call(lexeme) => return self.report(report::call_with_bang(span)),
            Token::Bang => (Token::Not, "NOT"),
            Token::TripleEqual => (Token::Equal, "=="),
            Token::NotTripleEqual | Token::LessGreater => (Token::NotEqual, "!="),
            Token::ColonAssign => (Token::Assign, "="),
            Token::EqualLess => (Token::LessEqual, "<="),
            Token::Percent => return self.percent(lexeme),
            token => {
                // `*=`, `/=`, `**`, `=>`: what was meant takes more than another sign.
                let advice = match token {
                    Token::StarAssign => "write the place again: x = x * 2",
                    Token::SlashAssign => "write the place again: x = x / 2",
                    Token::StarStar => "write the product, or a loop",
                    _ => "a condition has >= ; what follows a condition stands behind THEN or in { }",
                };
                self.report(report::foreign_sign(span, text, advice));
                lexeme.token = match token {
                    Token::StarAssign | Token::SlashAssign => Token::Assign,
                    Token::StarStar => Token::Star,
                    _ => Token::GreaterEqual,
                };
                return self.out.push(lexeme);
            }
        };
        let (token, right) = replaced;
        // `!ready` becomes `NOT ready`, `a&&b` becomes `a AND b`.
        let byte = |at: usize| self.text.as_bytes().get(at).copied().unwrap_or(b' ');
        let glued = |at: usize| byte(at).is_ascii_alphanumeric() || byte(at) == b'_';
        let word = right.bytes().all(|byte| byte.is_ascii_alphabetic());
        let before = word && lexeme.start > 0 && glued((lexeme.start as usize).saturating_sub(1));
        let after = word && glued(lexeme.end as usize);
        let edit = format!("{}{right}{}", if before { " " } else { "" }, if after { " " } else { "" });
        self.report(report::foreign_sign_replaced(span, text, right, edit));
        self.out.push(Lexeme { token, ..lexeme });
    }

    /// Whether a sign stands between a name and the bracket of its call.
    fn is_call(&self, sign: Lexeme) -> bool {
        let named = self.out.last().is_some_and(|last| last.token.is_name() && last.end == sign.start);
        named && self.next(1).is_some_and(|next| next.token == Token::LeftParen && next.start == sign.end)
    }

    /// `5 %` is a percentage with a space too many, `a % b` a remainder.
    fn percent(&mut self, lexeme: Lexeme) {
        let span = self.span(lexeme);
        let operand = |token: Token| {
            token.is_name() || token.is_aggregate() || matches!(token, Token::Number | Token::LeftParen)
        };
        let divides = self.next(1).is_some_and(|next| operand(next.token) && !next.line_start);
        match self.out.last_mut() {
            Some(number) if number.token == Token::Number && !divides => {
                let gap = Span::new(self.file, number.end, lexeme.start);
                number.end = lexeme.end;
                // The text of the number now has a space in it; only its length is told to the parser.
                number.token = Token::Bad;
                self.report(report::percent_apart(span, gap));
            }
            _ => {
                let edit = match (lexeme.start, self.next(1)) {
                    (_, Some(next)) if next.start == lexeme.end => "MOD ",
                    _ => "MOD",
                };
                let glued = self.out.last().is_some_and(|last| last.end == lexeme.start);
                let edit = if glued { format!(" {edit}") } else { edit.to_owned() };
                self.report(report::remainder(span, edit));
                self.out.push(Lexeme { token: Token::Mod, ..lexeme });
            }
        }
    }

    /// `-- a comment` on a line of its own; says whether it was one.
    fn comment(&mut self, lexeme: Lexeme) -> bool {
        let second = self.next(1).filter(|next| {
            lexeme.token == Token::Minus && next.token == Token::Minus && next.start == lexeme.end
        });
        let Some(second) = second.filter(|_| lexeme.line_start) else { return false };
        if self.text.as_bytes().get(second.end as usize) != Some(&b' ') {
            return false;
        }
        self.report(report::foreign_comment(Span::new(self.file, lexeme.start, second.end), "--"));
        while self.next(1).is_some_and(|next| !next.line_start) {
            self.at = self.at.saturating_add(1);
        }
        true
    }

    /// `x++` and `x--` at the end of a statement; says whether it was one.
    fn doubled(&mut self, lexeme: Lexeme) -> bool {
        let behind_name =
            self.out.last().is_some_and(|last| last.end == lexeme.start && last.token.is_name());
        let Some(second) = self.next(1).filter(|next| next.token == lexeme.token && next.start == lexeme.end)
        else {
            return false;
        };
        let ends = self.next(2).is_none_or(|next| {
            next.line_start || matches!(next.token, Token::Semicolon | Token::RightBrace | Token::Else)
        });
        if !behind_name || !ends {
            return false;
        }
        let (token, sign) = match lexeme.token {
            Token::Plus => (Token::PlusAssign, "+= 1"),
            _ => (Token::MinusAssign, "-= 1"),
        };
        let span = Span::new(self.file, lexeme.start, second.end);
        self.report(report::step_by_one(span, sign));
        self.out.push(Lexeme { token, end: second.end, ..lexeme });
        self.out.push(Lexeme { token: Token::Bad, start: second.end, end: second.end, line_start: false });
        self.at = self.at.saturating_add(1);
        true
    }
}

/// Makes one token of each text whose hole has quotes, `"{join(xs, ", ")}"`, and says so; gives whether there
/// was any. A program without errors has none, so only others are asked.
pub(crate) fn join_texts(
    file: FileId,
    text: &str,
    lexemes: &mut Vec<Lexeme>,
    diagnostics: &mut Vec<Diagnostic>,
) -> bool {
    let split = std::mem::take(lexemes);
    let mut at = 0;
    while let Some(&first) = split.get(at) {
        let behind = at.saturating_add(1);
        at = behind;
        let Some((length, last)) = rest_of_text(text, first, split.get(behind..).unwrap_or(&[])) else {
            lexemes.push(first);
            continue;
        };
        at = at.saturating_add(length);
        lexemes.push(Lexeme { end: last.end, token: Token::Bad, ..first });
        let quote = Span::new(file, first.end.saturating_sub(1), first.end);
        keep(diagnostics, report::quote_in_string(quote, true));
    }
    lexemes.len() < split.len()
}

/// How many tokens behind a text that ends in a hole belong to it, and the text that is the last of them.
fn rest_of_text(text: &str, first: Lexeme, behind: &[Lexeme]) -> Option<(usize, Lexeme)> {
    let slice = |lexeme: Lexeme| text.get(lexeme.start as usize..lexeme.end as usize).unwrap_or("");
    if first.token != Token::String || !ends_in_hole(slice(first)) {
        return None;
    }
    let same_line = behind.iter().take(LONGEST_HOLE).take_while(|next| !next.line_start);
    let mut counted = (1..).zip(same_line.copied());
    counted.find(|(_, next)| next.token == Token::String && slice(*next).contains('}'))
}

/// Whether a literal ends before the `}` of its last hole.
pub(crate) fn ends_in_hole(literal: &str) -> bool {
    let Some(text) = literal.strip_suffix('"').filter(|text| text.contains('{')) else { return false };
    let mut open = false;
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '\\' => _ = signs.next(),
            '{' if !open && signs.next_if_eq(&'{').is_some() => {}
            '{' => open = true,
            '}' => open = false,
            _ => {}
        }
    }
    open
}

/// A short word in lower case; a long one, and one that is not plain, is nothing.
fn lower_case<'b>(word: &str, buffer: &'b mut [u8; 8]) -> &'b str {
    let Some(part) = buffer.get_mut(..word.len()) else { return "" };
    part.copy_from_slice(word.as_bytes());
    part.make_ascii_lowercase();
    std::str::from_utf8(part).unwrap_or("")
}

fn is_foreign_sign(token: Token) -> bool {
    matches!(
        token,
        Token::AndAnd
            | Token::OrOr
            | Token::Bang
            | Token::Percent
            | Token::ColonAssign
            | Token::StarAssign
            | Token::SlashAssign
            | Token::TripleEqual
            | Token::NotTripleEqual
            | Token::LessGreater
            | Token::FatArrow
            | Token::EqualLess
            | Token::StarStar
    )
}
