//! Tokens. Words stand in one table, from which the token variants and the classes of words are derived.

use logos::Logos;

/// The words of the language: a token variant and its text each, by class.
///
/// A *reserved* word is never a name. An *aggregate* word is a keyword only where an operand follows it. A
/// *soft* word is a name wherever the grammar expects one. A new word is added here and in the grammar's
/// list of tokens (and, if it is soft, in its rule `NameWord`); a test compares the two.
macro_rules! for_each_word {
    ($with:ident) => {
        $with! {
            reserved {
                If "IF" Then "THEN" Else "ELSE" For "FOR" In "IN" Where "WHERE" While "WHILE" Match "MATCH"
                When "WHEN" Let "LET" Return "RETURN" Break "BREAK" Continue "CONTINUE" And "AND" Or "OR"
                Not "NOT" Mod "MOD" Div "DIV" Contains "CONTAINS" True "TRUE" False "FALSE" None "NONE"
                Within "WITHIN" Require "REQUIRE"
            }
            aggregate {
                Count "COUNT" Sum "SUM" Min "MIN" Max "MAX" Avg "AVG" Any "ANY" All "ALL" Collect "COLLECT"
                Top "TOP" Bottom "BOTTOM"
            }
            soft {
                Each "EACH" Stop "STOP" Fail "FAIL" Record "RECORD" Phase "PHASE" Try "TRY" Retry "RETRY"
                Times "TIMES" Backoff "BACKOFF" By "BY" Instruction "INSTRUCTION" Use "USE" As "AS"
                Const "CONST" Type "TYPE" Enum "ENUM" Context "CONTEXT" Input "INPUT" Metric "METRIC"
                State "STATE" Action "ACTION" Query "QUERY" Event "EVENT" Func "FUNC" On "ON" Every "EVERY"
                Veto "VETO" Because "BECAUSE" Test "TEST" Priority "PRIORITY" Deadline "DEADLINE"
                Budget "BUDGET" Target "TARGET" Agents "AGENTS" Rollout "ROLLOUT" After "AFTER"
                Rollback "ROLLBACK" Halt "HALT" Expect "EXPECT" Report "REPORT" Total "TOTAL" Gauge "GAUGE"
                Distribution "DISTRIBUTION" Requires "REQUIRES" Idempotent "IDEMPOTENT" Once "ONCE"
                Costs "COSTS" Key "KEY" Given "GIVEN" Run "RUN" No "NO" Actions "ACTIONS" Fails "FAILS"
                Agent "AGENT" Up "UP" To "TO"
            }
        }
    };
}

macro_rules! define_tokens {
    (
        reserved { $($reserved:ident $reserved_text:tt)* }
        aggregate { $($aggregate:ident $aggregate_text:tt)* }
        soft { $($soft:ident $soft_text:tt)* }
    ) => {
        /// The words of the language in capitals: what an editor or a page paints.
        pub const KEYWORDS: &[&str] = &[$($reserved_text,)* $($aggregate_text,)* $($soft_text,)*];

        /// A token's kind; its text is found by its place.
        #[derive(Logos, Debug, Clone, Copy, PartialEq, Eq)]
        #[logos(skip r"[ \t\r\f]+")]
        pub(crate) enum Token {
            $( #[token($reserved_text, priority = 100, ignore(case))] $reserved, )*
            $( #[token($aggregate_text, priority = 100, ignore(case))] $aggregate, )*
            $( #[token($soft_text, priority = 100, ignore(case))] $soft, )*

            #[token("{")] LeftBrace,
            #[token("}")] RightBrace,
            #[token("(")] LeftParen,
            #[token(")")] RightParen,
            #[token("[")] LeftBracket,
            #[token("]")] RightBracket,
            #[token(",")] Comma,
            #[token(";")] Semicolon,
            #[token(":")] Colon,
            #[token(".")] Dot,
            #[token("..")] DotDot,
            #[token("=")] Assign,
            #[token("+=")] PlusAssign,
            #[token("-=")] MinusAssign,
            #[token("==")] Equal,
            #[token("!=")] NotEqual,
            #[token("<")] Less,
            #[token("<=")] LessEqual,
            #[token(">")] Greater,
            #[token(">=")] GreaterEqual,
            #[token("+")] Plus,
            #[token("-")] Minus,
            #[token("*")] Star,
            #[token("/")] Slash,
            #[token("?")] Question,
            #[token("??")] Coalesce,
            #[token("->")] Arrow,

            /// A word that is none of the above, or one that stands where it can only be a name.
            #[regex(r"[A-Za-z_][A-Za-z0-9_]*", priority = 1)]
            Name,
            /// A number with its unit, also `500 USD`, `50_000 tokens` and `$12.50/h`.
            #[regex(r"\$?[0-9][0-9_]*(\.[0-9][0-9_]*)?([eE][+-]?[0-9]+)?([A-Za-zµ][A-Za-z0-9]*|%)?")]
            Number,
            /// `"text"`.
            #[regex(r#""([^"\\\n]|\\[^\n])*""#)]
            String,
            /// RETURN without a value.
            ReturnNothing,
            /// What a slip left behind: stands for an expression or for a statement. It has been reported.
            Bad,
            /// Begins a text that is one expression: the hole of a string.
            HoleStart,

            // What follows never reaches the parser.
            #[token("\n")] Newline,
            #[regex(r"//[^\n]*", allow_greedy = true)] Comment,
            #[regex(r"#[^\n]*", allow_greedy = true)] HashComment,
            #[token("/*")] BlockComment,
            #[regex(r#""([^"\\\n]|\\[^\n])*\\?"#)] UnfinishedString,
            #[regex(r"'[^'\n]*'")] SingleQuoted,
            #[token("&&")] AndAnd,
            #[token("||")] OrOr,
            #[token("!")] Bang,
            #[token("%")] Percent,
            #[token(":=")] ColonAssign,
            #[token("*=")] StarAssign,
            #[token("/=")] SlashAssign,
            #[token("===")] TripleEqual,
            #[token("!==")] NotTripleEqual,
            #[token("<>")] LessGreater,
            #[token("=>")] FatArrow,
            #[token("=<")] EqualLess,
            #[token("**")] StarStar,
        }

        impl Token {
            /// The words that are never names.
            #[cfg(test)]
            pub(crate) const RESERVED: &'static [&'static str] = &[$($reserved_text),*];
            /// The words that are keywords only before an operand.
            #[cfg(test)]
            pub(crate) const AGGREGATE: &'static [&'static str] = &[$($aggregate_text),*];
            /// The words that are names wherever the grammar expects one.
            #[cfg(test)]
            pub(crate) const SOFT: &'static [&'static str] = &[$($soft_text),*];

            /// Whether it is a word that is never a name.
            pub(crate) const fn is_reserved(self) -> bool {
                matches!(self, $(Token::$reserved)|*)
            }

            /// Whether it is a keyword only where an operand follows.
            pub(crate) const fn is_aggregate(self) -> bool {
                matches!(self, $(Token::$aggregate)|*)
            }

            /// Whether it is a keyword that may be a name.
            pub(crate) const fn is_soft(self) -> bool {
                matches!(self, $(Token::$soft)|*)
            }

            /// The keyword in capitals.
            pub(crate) const fn keyword(self) -> Option<&'static str> {
                match self {
                    $(Token::$reserved => Some($reserved_text),)*
                    $(Token::$aggregate => Some($aggregate_text),)*
                    $(Token::$soft => Some($soft_text),)*
                    Token::ReturnNothing => Some("RETURN"),
                    _ => None,
                }
            }
        }
    };
}

for_each_word!(define_tokens);

/// A token in its place. Twelve bytes: a text of n bytes has at most n of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lexeme {
    /// First byte.
    pub(crate) start: u32,
    /// Byte behind the last.
    pub(crate) end: u32,
    /// What it is.
    pub(crate) token: Token,
    /// Whether it is the first on its line.
    pub(crate) line_start: bool,
}

impl Token {
    /// Whether it is a word: a name, or any keyword.
    pub(crate) const fn is_word(self) -> bool {
        matches!(self, Token::Name) || self.is_reserved() || self.is_aggregate() || self.is_soft()
    }

    /// Whether it can stand where a name is expected.
    pub(crate) const fn is_name(self) -> bool {
        matches!(self, Token::Name) || self.is_soft()
    }

    /// Whether an operand can end with it, so that a following `-` subtracts.
    pub(crate) const fn ends_operand(self) -> bool {
        self.is_name()
            || matches!(
                self,
                Token::Number
                    | Token::String
                    | Token::True
                    | Token::False
                    | Token::None
                    | Token::RightParen
                    | Token::RightBracket
                    | Token::Bad
            )
    }

    /// Whether a declaration can begin with it.
    pub(crate) const fn begins_declaration(self) -> bool {
        matches!(
            self,
            Token::Instruction
                | Token::Use
                | Token::Const
                | Token::Type
                | Token::Enum
                | Token::Context
                | Token::Input
                | Token::Metric
                | Token::State
                | Token::Action
                | Token::Query
                | Token::Event
                | Token::Func
                | Token::On
                | Token::Every
                | Token::Veto
                | Token::Test
        )
    }

    /// Whether only a statement has it behind its first word.
    pub(crate) const fn follows_place(self) -> bool {
        matches!(
            self,
            Token::Assign
                | Token::PlusAssign
                | Token::MinusAssign
                | Token::LeftParen
                | Token::Dot
                | Token::LeftBracket
        )
    }

    /// Whether a clause of the header begins with it and `next`.
    pub(crate) fn begins_clause(self, next: Option<Token>) -> bool {
        match self {
            Token::Priority
            | Token::Deadline
            | Token::Budget
            | Token::Target
            | Token::Rollout
            | Token::Expect
            | Token::Report => !next.is_some_and(Token::follows_place),
            Token::Stop => next == Some(Token::When),
            _ => false,
        }
    }

    /// Whether only a statement can begin with it, so that it ends what stands before.
    pub(crate) const fn begins_statement_only(self) -> bool {
        matches!(
            self,
            Token::Let
                | Token::Return
                | Token::ReturnNothing
                | Token::Break
                | Token::Continue
                | Token::While
                | Token::Match
                | Token::Within
                | Token::Require
        )
    }

    /// The bracket that closes this one.
    pub(crate) const fn closer(self) -> Option<Token> {
        match self {
            Token::LeftBrace => Some(Token::RightBrace),
            Token::LeftParen => Some(Token::RightParen),
            Token::LeftBracket => Some(Token::RightBracket),
            _ => None,
        }
    }

    /// Whether it is a closing bracket.
    pub(crate) const fn is_closer(self) -> bool {
        matches!(self, Token::RightBrace | Token::RightParen | Token::RightBracket)
    }
}

#[cfg(test)]
mod tests {
    use logos::Logos;

    use super::Token;

    const GRAMMAR: &str = include_str!("swarm.lalrpop");

    /// The words in quotes of a piece of the grammar.
    fn quoted(piece: &str) -> Vec<&str> {
        piece
            .split('"')
            .skip(1)
            .step_by(2)
            .filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic()))
            .collect()
    }

    #[test]
    fn the_grammar_has_all_words() {
        let names = GRAMMAR.split_once("NameWord: () = {").unwrap().1.split_once("};").unwrap().0;
        assert_eq!(quoted(names), Token::SOFT, "the soft words are names");
        let tokens = GRAMMAR.split_once("enum Token {").unwrap().1;
        let all = [Token::RESERVED, Token::AGGREGATE, Token::SOFT].concat();
        assert_eq!(quoted(tokens), all);
        assert_eq!(Token::RESERVED.len(), 24);
    }

    #[test]
    fn words_are_read_in_any_case() {
        for word in [Token::RESERVED, Token::AGGREGATE, Token::SOFT].concat() {
            let token = Token::lexer(word).next().unwrap().unwrap();
            assert_eq!(token.keyword(), Some(word));
            let (first, rest) = word.split_at(1);
            let mixed = format!("{first}{}", rest.to_lowercase());
            for other in [word.to_lowercase(), mixed] {
                assert_eq!(Token::lexer(&other).next(), Some(Ok(token)), "{other}");
            }
            assert_eq!(Token::lexer(&format!("{word}x")).next(), Some(Ok(Token::Name)));
        }
    }
}
