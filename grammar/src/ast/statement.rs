//! Blocks and the statements in them.

use super::{Expr, Name, StringLiteral, TypeExpr};
use crate::span::Span;

/// `{ statements }`
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Block {
    /// Statements in order.
    pub statements: Vec<Statement>,
    /// From `{` to `}`; of a single statement behind THEN, that statement.
    pub span: Span,
    /// Whether it was written with braces.
    pub braces: bool,
    /// How deep its statements nest, from 1.
    pub depth: u16,
}

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// The statement.
    pub kind: StatementKind,
    /// Where.
    pub span: Span,
    /// How deep it nests, from 1.
    pub depth: u16,
}

/// The kinds of statement.
#[derive(Debug, Clone, PartialEq)]
pub enum StatementKind {
    /// `LET name: T = e`
    Let {
        /// Name.
        name: Name,
        /// Type, if written.
        ty: Option<TypeExpr>,
        /// Value.
        value: Box<Expr>,
    },
    /// `place = e`, `place += e`, `place -= e`
    Assign {
        /// A name with fields and indices behind it.
        place: Box<Expr>,
        /// `=`, `+=`, `-=`
        operator: AssignOperator,
        /// Value.
        value: Box<Expr>,
    },
    /// A call for its effect.
    Call(Box<Expr>),
    /// `IF … ELSE IF … ELSE …`
    If {
        /// Conditions and blocks in order; at least one.
        arms: Vec<IfArm>,
        /// The last ELSE.
        otherwise: Option<Block>,
    },
    /// `MATCH e { WHEN … ELSE … }`
    Match {
        /// What is matched.
        subject: Box<Expr>,
        /// Arms in order.
        arms: Vec<MatchArm>,
        /// ELSE
        otherwise: Option<Block>,
    },
    /// `FOR EACH a, b IN source WHERE c { … }`
    For {
        /// One name, or two.
        binders: Vec<Name>,
        /// A collection or a range.
        source: Box<Expr>,
        /// `WHERE`
        filter: Option<Box<Expr>>,
        /// Body.
        body: Block,
        /// Whether EACH was written.
        each: bool,
    },
    /// `WHILE c MAX n { … }`
    While {
        /// The condition.
        condition: Box<Expr>,
        /// `MAX n`; the grammar accepts its absence so that the checker can give the fix.
        max: Option<Box<Expr>>,
        /// Body.
        body: Block,
    },
    /// `WITHIN 30s, $5 { … } ELSE { … }`; with a name it is a PHASE.
    Within {
        /// `PHASE "name"`
        phase: Option<StringLiteral>,
        /// Budgets.
        budgets: Vec<Expr>,
        /// Body.
        body: Block,
        /// ELSE
        otherwise: Option<Block>,
    },
    /// `TRY ACTION(…) ELSE { … }`
    Try {
        /// The call.
        call: Box<Expr>,
        /// ELSE
        otherwise: Block,
    },
    /// `RETRY 3 TIMES BACKOFF 100ms ACTION(…) ELSE { … }`
    Retry {
        /// Attempts in all.
        times: Box<Expr>,
        /// `BACKOFF`
        backoff: Option<Box<Expr>>,
        /// The call.
        call: Box<Expr>,
        /// ELSE
        otherwise: Block,
    },
    /// `BREAK`
    Break,
    /// `CONTINUE`
    Continue,
    /// `RETURN e`
    Return(Option<Box<Expr>>),
    /// `STOP "why"`
    Stop(Option<StringLiteral>),
    /// `FAIL "why"`
    Fail(StringLiteral),
    /// `RECORD metric = e`
    Record {
        /// The metric.
        metric: Name,
        /// The sample.
        value: Box<Expr>,
    },
    /// `REQUIRE c ELSE "why"`
    Require {
        /// The condition.
        condition: Box<Expr>,
        /// The reason.
        reason: StringLiteral,
    },
    /// Could not be parsed; a diagnostic has been given.
    Error,
}

/// How an assignment changes its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssignOperator {
    /// `=`
    Set,
    /// `+=`
    Add,
    /// `-=`
    Subtract,
}

/// `IF condition block`
#[derive(Debug, Clone, PartialEq)]
pub struct IfArm {
    /// The condition.
    pub condition: Condition,
    /// Whether THEN was written.
    pub then: bool,
    /// The block.
    pub block: Block,
}

/// What an IF asks.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    /// `e`
    Expr(Box<Expr>),
    /// `LET x = e`: whether the optional has a value, bound to `x`.
    Let {
        /// The name.
        name: Name,
        /// The optional.
        value: Box<Expr>,
    },
}

/// `WHEN patterns block`
#[derive(Debug, Clone, PartialEq)]
pub struct MatchArm {
    /// Any of them.
    pub patterns: Vec<Pattern>,
    /// The block.
    pub block: Block,
    /// The whole arm.
    pub span: Span,
}

/// A pattern.
#[derive(Debug, Clone, PartialEq)]
pub struct Pattern {
    /// The pattern.
    pub kind: PatternKind,
    /// Where.
    pub span: Span,
}

/// The kinds of pattern.
#[derive(Debug, Clone, PartialEq)]
pub enum PatternKind {
    /// A literal, also a negated number.
    Literal(Expr),
    /// `low`, `Severity.low`: always a case or a CONST, never a binder.
    Path(Vec<Name>),
    /// `critical(cve, score)`, `SOME(x)`
    Case {
        /// The case.
        path: Vec<Name>,
        /// Names for its payload.
        binders: Vec<Name>,
    },
}
