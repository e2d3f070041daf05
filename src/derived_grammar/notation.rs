//! Reads the rules of the grammar that parses. Of the parser generator's notation only what that grammar uses.

use std::iter::Peekable;
use std::vec::IntoIter;

/// A rule; a macro where it has parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) parameters: Vec<String>,
    pub(super) alternatives: Vec<Vec<Symbol>>,
}

/// What stands in an alternative; places (`@L`, `@R`) and actions are left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Symbol {
    /// `"IF"`
    Literal(String),
    /// `Expr`, `Comma<Argument>`, and terminals without a text: `Name`, `Number`
    Rule(String, Vec<Symbol>),
    /// `( … )`
    Group(Vec<Symbol>),
    /// `x?`
    Optional(Box<Symbol>),
    /// `x*`
    Repeat(Box<Symbol>),
}

impl Symbol {
    /// A rule without arguments.
    pub(super) fn rule(name: &str) -> Symbol {
        Symbol::Rule(name.to_owned(), Vec::new())
    }

    /// A word or sign of the language.
    pub(super) fn literal(text: &str) -> Symbol {
        Symbol::Literal(text.to_owned())
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Word(String),
    Text(String),
    Sign(char),
    /// `=>`
    Action,
}

/// A piece, and whether it follows the one before without a gap.
struct Token {
    piece: Piece,
    glued: bool,
}

/// All rules up to the table of tokens.
pub(super) fn read(text: &str) -> Result<Vec<Rule>, String> {
    let mut reader = Reader { tokens: tokens(text)?.into_iter().peekable() };
    // `use …;` and `grammar<…>(…);`
    loop {
        let header = reader.is_word("grammar");
        reader.skip_past(';')?;
        if header {
            break;
        }
    }
    let mut rules = Vec::new();
    while !reader.is_word("extern") {
        rules.push(reader.rule()?);
    }
    Ok(rules)
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut characters = text.chars().peekable();
    let mut glued = false;
    while let Some(character) = characters.next() {
        let piece = match character {
            c if c.is_whitespace() => {
                glued = false;
                continue;
            }
            '/' if characters.peek() == Some(&'/') => {
                characters.by_ref().find(|c| *c == '\n');
                glued = false;
                continue;
            }
            '"' => {
                let mut word = String::new();
                loop {
                    match characters.next() {
                        Some('"') => break Piece::Text(word),
                        Some(c) => word.push(c),
                        None => return Err("a text is not closed".to_owned()),
                    }
                }
            }
            '=' if characters.peek() == Some(&'>') => {
                characters.next();
                Piece::Action
            }
            c if c.is_alphanumeric() || matches!(c, '_' | '@') => {
                let mut word = String::from(c);
                while let Some(c) = characters.next_if(|c| c.is_alphanumeric() || *c == '_') {
                    word.push(c);
                }
                Piece::Word(word)
            }
            c => Piece::Sign(c),
        };
        tokens.push(Token { piece, glued });
        glued = true;
    }
    Ok(tokens)
}

struct Reader {
    tokens: Peekable<IntoIter<Token>>,
}

impl Reader {
    fn peek(&mut self) -> Option<&Piece> {
        self.tokens.peek().map(|token| &token.piece)
    }

    fn next(&mut self) -> Result<Piece, String> {
        self.tokens.next().map(|token| token.piece).ok_or_else(|| "the grammar ends too early".to_owned())
    }

    fn is_word(&mut self, word: &str) -> bool {
        matches!(self.peek(), Some(Piece::Word(own)) if own == word)
    }

    fn is_sign(&mut self, sign: char) -> bool {
        self.peek() == Some(&Piece::Sign(sign))
    }

    fn take_sign(&mut self, sign: char) -> bool {
        self.tokens.next_if(|token| token.piece == Piece::Sign(sign)).is_some()
    }

    fn expect(&mut self, sign: char) -> Result<(), String> {
        match self.next()? {
            Piece::Sign(own) if own == sign => Ok(()),
            other => Err(format!("expected {sign}, found {other:?}")),
        }
    }

    fn word(&mut self) -> Result<String, String> {
        match self.next()? {
            Piece::Word(word) => Ok(word),
            other => Err(format!("expected a name, found {other:?}")),
        }
    }

    fn skip_past(&mut self, sign: char) -> Result<(), String> {
        while self.next()? != Piece::Sign(sign) {}
        Ok(())
    }

    /// Skips what stands before one of the signs, brackets and what is in them included.
    fn skip_to(&mut self, signs: &[char]) -> Result<(), String> {
        let mut depth = 0_usize;
        loop {
            match self.peek() {
                Some(Piece::Sign(sign)) if depth == 0 && signs.contains(sign) => return Ok(()),
                Some(Piece::Sign('(' | '[' | '{' | '<')) => depth = depth.saturating_add(1),
                Some(Piece::Sign(')' | ']' | '}' | '>')) => depth = depth.saturating_sub(1),
                Some(_) => {}
                None => return Err("the grammar ends too early".to_owned()),
            }
            self.next()?;
        }
    }

    /// `Name<Parameters>: Type = …;`, with what stands before it for the parser generator.
    fn rule(&mut self) -> Result<Rule, String> {
        while self.take_sign('#') {
            self.skip_past(']')?;
        }
        if self.is_word("pub") {
            self.next()?;
            self.skip_past(')')?;
        }
        let name = self.word()?;
        let mut parameters = Vec::new();
        if self.take_sign('<') {
            while !self.take_sign('>') {
                parameters.push(self.word()?);
                self.take_sign(',');
            }
        }
        if self.take_sign(':') {
            self.skip_to(&['='])?;
        }
        self.expect('=')?;
        let mut alternatives = Vec::new();
        if self.take_sign('{') {
            while !self.take_sign('}') {
                alternatives.push(self.alternative()?);
                self.take_sign(',');
            }
        } else {
            alternatives.push(self.alternative()?);
        }
        self.expect(';')?;
        Ok(Rule { name, parameters, alternatives })
    }

    fn alternative(&mut self) -> Result<Vec<Symbol>, String> {
        let mut symbols = Vec::new();
        loop {
            match self.peek() {
                Some(Piece::Action) => {
                    self.next()?;
                    self.skip_to(&[',', ';', '}'])?;
                    return Ok(symbols);
                }
                Some(Piece::Sign(',' | ';' | '}')) => return Ok(symbols),
                _ => symbols.extend(self.symbol()?),
            }
        }
    }

    /// A symbol with what follows it; `None` for a place.
    fn symbol(&mut self) -> Result<Option<Symbol>, String> {
        let mut symbol = match self.next()? {
            Piece::Text(text) => Some(Symbol::Literal(text)),
            Piece::Word(word) if word.starts_with('@') => None,
            Piece::Word(word) => {
                let macro_call =
                    self.tokens.peek().is_some_and(|token| token.glued && token.piece == Piece::Sign('<'));
                let arguments = if macro_call { self.arguments()? } else { Vec::new() };
                Some(Symbol::Rule(word, arguments))
            }
            Piece::Sign('(') => {
                let mut symbols = Vec::new();
                while !self.take_sign(')') {
                    symbols.extend(self.symbol()?);
                }
                Some(Symbol::Group(symbols))
            }
            Piece::Sign('<') => {
                // `<name: symbol>`, `<symbol>`, and `<>`, which is only the action's.
                let mut inner = self.symbol()?;
                if self.take_sign(':') {
                    inner = self.symbol()?;
                }
                self.expect('>')?;
                inner
            }
            other => return Err(format!("expected a symbol, found {other:?}")),
        };
        while self.is_sign('?') || self.is_sign('*') {
            let optional = self.is_sign('?');
            self.next()?;
            symbol = symbol.map(Box::new).map(if optional { Symbol::Optional } else { Symbol::Repeat });
        }
        Ok(symbol)
    }

    fn arguments(&mut self) -> Result<Vec<Symbol>, String> {
        self.expect('<')?;
        let mut arguments = Vec::new();
        while !self.take_sign('>') {
            arguments.extend(self.symbol()?);
            self.take_sign(',');
        }
        Ok(arguments)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_read_without_its_actions() {
        let text = "grammar<'a>(b: &mut B<'a>);\n// words\n#[inline]\nX<T>: Vec<(u32, T)> = { => Vec::new(), <l:@L> <x:X<T>> \",\" Y <T> => { push(x, [1]) } };\nextern {";
        let rules = read(text).unwrap();
        assert_eq!(rules.len(), 1);
        assert_eq!(rules[0].parameters, ["T"]);
        let x = Symbol::Rule("X".to_owned(), vec![Symbol::rule("T")]);
        let expected = vec![x, Symbol::literal(","), Symbol::rule("Y"), Symbol::rule("T")];
        assert_eq!(rules[0].alternatives, [Vec::new(), expected]);
    }

    #[test]
    fn the_whole_grammar_is_read() {
        let rules = read(swarm_grammar::NOTATION).unwrap();
        assert!(rules.iter().any(|rule| rule.name == "NameWord" && rule.alternatives.len() > 50));
    }
}
