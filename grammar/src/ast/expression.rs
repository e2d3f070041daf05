//! Expressions.

use smol_str::SmolStr;

use super::Name;
use crate::span::Span;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// The expression.
    pub kind: ExprKind,
    /// Where.
    pub span: Span,
    /// How deep it nests, from 1.
    pub depth: u16,
}

/// The kinds of expression.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// `7`, `1.5`, `5s`, `$0.002`, `20%`, `500 USD`, `$12.50/h`: the text as written, checked later.
    Number(SmolStr),
    /// `"text {e}"`
    String(StringLiteral),
    /// `TRUE`, `FALSE`
    Bool(bool),
    /// `NONE`
    None,
    /// A name.
    Name(SmolStr),
    /// `[a, b]`
    List(Vec<Expr>),
    /// `["a": 1]`, `[:]`
    Map(Vec<(Expr, Expr)>),
    /// `(e)`: kept, so that the formatter keeps it and fixes land in the right place.
    Paren(Box<Expr>),
    /// `e.name`
    Member(Box<Expr>, Name),
    /// `e[i]`
    Index(Box<Expr>, Box<Expr>),
    /// `f(args)`
    Call {
        /// What is called.
        callee: Box<Expr>,
        /// Arguments.
        arguments: Vec<Argument>,
    },
    /// `-e`, `NOT e`
    Unary(UnaryOperator, Box<Expr>),
    /// `a + b`; the span is that of the operator.
    Binary(BinaryOperator, Span, Box<Expr>, Box<Expr>),
    /// `a = b` where a condition was meant; the parser has said so (E0010), the tree goes on as `a == b`.
    /// `SUM e FOR x IN xs WHERE c`
    Aggregate {
        /// Which.
        aggregate: Aggregate,
        /// What is summed, counted, …; COUNT may leave it out.
        value: Option<Box<Expr>>,
        /// The items.
        generator: Box<Generator>,
        /// Whether it was written `SUM(e FOR …)`.
        paren: bool,
    },
    /// `TOP 3 t IN xs WHERE c BY e`, `BOTTOM …`
    Top(Box<Top>),
    /// `IF c THEN a ELSE b`
    If {
        /// Condition.
        condition: Box<Expr>,
        /// THEN
        then: Box<Expr>,
        /// ELSE
        otherwise: Box<Expr>,
    },
    /// `a..b`, only as the source of a FOR or an aggregate; both ends included.
    Range(Box<Expr>, Box<Expr>),
    /// Could not be parsed, or nests too deep; a diagnostic has been given.
    Error,
}

/// `FOR a, b IN source WHERE c` inside an aggregate.
#[derive(Debug, Clone, PartialEq)]
pub struct Generator {
    /// One name, or two.
    pub binders: Vec<Name>,
    /// A collection or a range.
    pub source: Box<Expr>,
    /// `WHERE`
    pub filter: Option<Box<Expr>>,
    /// Where.
    pub span: Span,
}

/// `TOP 3 t IN xs WHERE c BY e`.
#[derive(Debug, Clone, PartialEq)]
pub struct Top {
    /// Whether it is BOTTOM.
    pub bottom: bool,
    /// How many.
    pub count: Box<Expr>,
    /// Name of an item.
    pub binder: Name,
    /// The items.
    pub source: Box<Expr>,
    /// `WHERE`
    pub filter: Option<Box<Expr>>,
    /// `BY`
    pub key: Box<Expr>,
}

/// The aggregates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Aggregate {
    /// COUNT
    Count,
    /// SUM
    Sum,
    /// MIN
    Min,
    /// MAX
    Max,
    /// AVG
    Avg,
    /// ANY
    Any,
    /// ALL
    All,
    /// COLLECT
    Collect,
}

/// An argument of a call, with its name where one was written.
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// `name:`
    pub name: Option<Name>,
    /// Value.
    pub value: Box<Expr>,
}

/// Operators before an expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum UnaryOperator {
    /// `-`
    Negate,
    /// `NOT`
    Not,
}

/// Operators between expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BinaryOperator {
    /// `OR`
    Or,
    /// `AND`
    And,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `CONTAINS`
    Contains,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
    /// `DIV`
    WholeDivide,
    /// `MOD`
    Modulo,
    /// `??`
    Coalesce,
}

/// A string literal, split into text and `{holes}`.
#[derive(Debug, Clone, PartialEq)]
pub struct StringLiteral {
    /// In order; empty for `""`. Two texts never stand side by side.
    pub parts: Vec<StringPart>,
    /// With the quotes.
    pub span: Span,
}

/// A piece of a string literal.
#[derive(Debug, Clone, PartialEq)]
pub enum StringPart {
    /// Text, escapes resolved.
    Text(SmolStr),
    /// `{e}`
    Hole(Box<Expr>),
}

impl StringLiteral {
    /// The text, where the literal has no hole.
    pub fn plain(&self) -> Option<SmolStr> {
        match self.parts.as_slice() {
            [] => Some(SmolStr::default()),
            [StringPart::Text(text)] => Some(text.clone()),
            _ => None,
        }
    }
}
