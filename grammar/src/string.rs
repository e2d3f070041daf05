//! String literals: escapes, `{expr}` holes and doubled braces.

use smol_str::SmolStr;

use crate::ast::{Expr, ExprKind, StringLiteral, StringPart};
use crate::diagnostic::Code;
use crate::lexer::{lex, offset};
use crate::node::Builder;
use crate::report;
use crate::span::Span;
use crate::token::{Lexeme, Token};
use crate::words::settle;

impl Builder<'_> {
    /// The literal of a string token.
    pub(crate) fn string(&mut self, start: u32, end: u32) -> StringLiteral {
        let raw = self.slice(start, end);
        let plain = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        let parts = match plain {
            Some("") => Vec::new(),
            Some(text) if !text.contains(['\\', '{', '}']) => vec![StringPart::Text(SmolStr::new(text))],
            _ => Reader { builder: self, raw, start, text: String::new(), parts: Vec::new() }.read(),
        };
        StringLiteral { parts, span: Span::new(self.file, start, end) }
    }

    /// The expression in a hole; an error node where it is none, and then exactly one message.
    fn hole(&mut self, start: u32, end: u32, brace: Span) -> Expr {
        let inside = Span::new(self.file, start, end);
        let error = Expr { kind: ExprKind::Error, span: inside, depth: 1 };
        if self.slice(start, end).trim().is_empty() {
            self.report(report::empty_hole(
                brace.to(inside.after()).to(Span { end: end.saturating_add(1), ..brace }),
            ));
            return error;
        }
        let mut lexed = lex(self.file, self.text, start, end);
        settle(self.file, self.text, &mut lexed);
        let unreadable = |code: Code| matches!(code, Code::E0001 | Code::E0002);
        if !lexed.balanced || lexed.diagnostics.iter().any(|diagnostic| unreadable(diagnostic.code)) {
            self.report(report::bad_hole(inside, brace));
            return error;
        }
        let mut lexemes = vec![Lexeme { start, end: start, token: Token::HoleStart, line_start: false }];
        lexemes.append(&mut lexed.lexemes);
        let mut builder = Builder::new(self.file, self.text, &lexemes, &[], &[]);
        let result = crate::parse::run(&mut builder, &mut 0);
        let found = std::mem::take(&mut builder.diagnostics);
        match result {
            Ok(Some(expr)) => {
                for diagnostic in lexed.diagnostics.into_iter().chain(found) {
                    self.report(diagnostic);
                }
                *expr
            }
            _ => {
                self.report(report::bad_hole(inside, brace));
                error
            }
        }
    }
}

/// Reads a literal that is more than plain text.
struct Reader<'b, 'a> {
    builder: &'b mut Builder<'a>,
    /// With its quotes.
    raw: &'a str,
    /// Where it begins in the file.
    start: u32,
    /// Text since the last hole.
    text: String,
    parts: Vec<StringPart>,
}

impl Reader<'_, '_> {
    fn read(mut self) -> Vec<StringPart> {
        let mut at = self.raw.chars().next().map_or(0, char::len_utf8);
        let mut closable = true;
        while let Some(sign) = self.sign(at) {
            let behind = at.saturating_add(sign.len_utf8());
            let last = behind >= self.raw.len();
            at = match sign {
                '"' | '\'' | '“' | '”' if last => break,
                '\\' => self.escape(at, behind),
                '{' if self.sign(behind) == Some('{') => self.literal('{', behind),
                '}' if self.sign(behind) == Some('}') => self.literal('}', behind),
                '{' => {
                    let end =
                        if closable { self.raw.get(behind..).and_then(|rest| rest.find('}')) } else { None };
                    match end {
                        Some(length) => self.hole(at, behind, behind.saturating_add(length)),
                        None => {
                            if closable {
                                self.builder.report(report::unclosed_hole(self.span(at, behind)));
                            }
                            closable = false;
                            self.literal('{', at)
                        }
                    }
                }
                '}' => {
                    self.builder.report(report::stray_hole_end(self.span(at, behind)));
                    self.literal('}', at)
                }
                sign => {
                    self.text.push(sign);
                    behind
                }
            };
        }
        self.end_text();
        self.parts
    }

    fn sign(&self, at: usize) -> Option<char> {
        self.raw.get(at..).and_then(|rest| rest.chars().next())
    }

    fn span(&self, start: usize, end: usize) -> Span {
        let place = |at: usize| self.start.saturating_add(offset(at));
        Span::new(self.builder.file, place(start), place(end))
    }

    /// Adds a brace that is text; gives the place behind it.
    fn literal(&mut self, brace: char, at: usize) -> usize {
        self.text.push(brace);
        at.saturating_add(1)
    }

    fn end_text(&mut self) {
        if !self.text.is_empty() {
            self.parts.push(StringPart::Text(SmolStr::new(&self.text)));
            self.text.clear();
        }
    }

    fn hole(&mut self, brace: usize, start: usize, end: usize) -> usize {
        self.end_text();
        let inside = self.span(start, end);
        let brace = self.span(brace, start);
        let expr = self.builder.hole(inside.start, inside.end, brace);
        self.parts.push(StringPart::Hole(Box::new(expr)));
        end.saturating_add(1)
    }

    /// Adds what an escape stands for; gives the place behind it.
    fn escape(&mut self, at: usize, behind: usize) -> usize {
        let Some(sign) = self.sign(behind) else {
            self.builder.report(report::unknown_escape(self.span(at, behind), None));
            return behind;
        };
        let after = behind.saturating_add(sign.len_utf8());
        let meaning = match sign {
            '"' | '\\' => Some((sign, after)),
            'n' => Some(('\n', after)),
            't' => Some(('\t', after)),
            'r' => Some(('\r', after)),
            'u' => self.unicode(after),
            _ => None,
        };
        match meaning {
            Some((sign, end)) => {
                self.text.push(sign);
                end
            }
            None => {
                self.builder.report(report::unknown_escape(self.span(at, after), Some(sign)));
                self.text.push(sign);
                after
            }
        }
    }

    /// `{20ac}` behind `\u`.
    fn unicode(&self, at: usize) -> Option<(char, usize)> {
        let rest = self.raw.get(at..)?.strip_prefix('{')?;
        let digits = rest.get(..rest.bytes().take(7).position(|byte| byte == b'}')?)?;
        let sign = u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)?;
        Some((sign, at.saturating_add(digits.len()).saturating_add(2)))
    }
}
