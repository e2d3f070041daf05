//! The syntax tree: what was written, nothing resolved. Every node has its span.
//!
//! Trees are bounded: no expression, statement or type nests deeper than [`MAX_DEPTH`], and the parser
//! says so (E0005) where a program tries, so a walk of the tree may recurse.

mod expression;
mod statement;

use smol_str::SmolStr;

use crate::span::Span;

pub use expression::{
    Aggregate, Argument, BinaryOperator, Expr, ExprKind, Generator, StringLiteral, StringPart, Top,
    UnaryOperator,
};
pub use statement::{
    AssignOperator, Block, Condition, IfArm, MatchArm, Pattern, PatternKind, Statement, StatementKind,
};

/// How deep expressions, blocks and types may nest.
pub const MAX_DEPTH: u16 = 256;

/// A whole file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Program {
    /// Declarations in the order they were written; broken ones are [`ItemKind::Error`].
    pub items: Vec<Item>,
    /// Every comment that is not documentation, in order, for the formatter.
    pub comments: Vec<Comment>,
}

/// A `//` comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Text behind the slashes, without the line's end.
    pub text: SmolStr,
    /// The whole comment.
    pub span: Span,
    /// Whether nothing but white space stands before it on its line.
    pub own_line: bool,
}

/// A name as it was written. Names are case-sensitive.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name {
    /// The text.
    pub text: SmolStr,
    /// Where.
    pub span: Span,
}

/// A declaration with its documentation.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Text of the `///` lines before it, joined by line ends; empty where there are none.
    pub docs: SmolStr,
    /// The declaration.
    pub kind: ItemKind,
    /// From its first word to its last, documentation not included.
    pub span: Span,
}

/// The kinds of declaration.
#[derive(Debug, Clone, PartialEq)]
pub enum ItemKind {
    /// `INSTRUCTION name { … }`
    Instruction(Instruction),
    /// `USE std.scaling`, `USE "lib/prices.swarm" AS prices`
    Use(Use),
    /// `CONST name: T = e`
    Const(Const),
    /// `TYPE Name { … }`
    Type(TypeDeclaration),
    /// `ENUM Name { … }`
    Enum(EnumDeclaration),
    /// `CONTEXT name: T`
    Context(Field),
    /// `INPUT name: T MAX n`
    Input(Field),
    /// `STATE name: T = e`
    State(State),
    /// `METRIC name: T TOTAL`
    Metric(Metric),
    /// `ACTION NAME(…) …` or `QUERY name(…) -> T …`
    Host(HostFunction),
    /// `EVENT NAME(…)`
    Event(Event),
    /// `FUNC name(…) -> T { … }`
    Func(Func),
    /// `ON START { … }`, `ON VOTE(from, yes) MAX 100 { … }`
    On(On),
    /// `EVERY 30s { … }`
    Every(Every),
    /// `VETO ACTION(…) WHEN c BECAUSE "…"`
    Veto(Veto),
    /// `TEST "…" { … }`
    Test(Test),
    /// Something that could not be parsed; a diagnostic has been given.
    Error,
}

/// `INSTRUCTION NAME_v2 { clauses }`
#[derive(Debug, Clone, PartialEq)]
pub struct Instruction {
    /// Name with its version suffix, as written.
    pub name: Name,
    /// Clauses in order.
    pub clauses: Vec<Clause>,
}

/// One clause of an INSTRUCTION.
#[derive(Debug, Clone, PartialEq)]
pub struct Clause {
    /// The clause.
    pub kind: ClauseKind,
    /// Where.
    pub span: Span,
}

/// The kinds of clause.
#[derive(Debug, Clone, PartialEq)]
pub enum ClauseKind {
    /// `PRIORITY CRITICAL`
    Priority(Name),
    /// `DEADLINE 2h`
    Deadline(Expr),
    /// `BUDGET $500, 2_000_000 tokens`
    Budget(Vec<Expr>),
    /// `TARGET … AGENTS WHERE …`
    Target {
        /// How many.
        count: TargetCount,
        /// `WHERE`
        filter: Option<Expr>,
    },
    /// `ROLLOUT 1%, 10%, 100% AFTER 10min WHEN c ELSE ROLLBACK`
    Rollout {
        /// Cumulative shares of the matching agents.
        waves: Vec<Expr>,
        /// `AFTER`
        after: Option<Expr>,
        /// `WHEN c ELSE …`
        gate: Option<(Expr, GateFailure)>,
    },
    /// `EXPECT c BY 2h`
    Expect {
        /// The condition.
        condition: Expr,
        /// `BY`
        by: Option<Expr>,
    },
    /// `STOP WHEN c`
    StopWhen(Expr),
    /// `REPORT a, b EVERY 5s`
    Report {
        /// Metrics by name.
        metrics: Vec<Name>,
        /// `EVERY`
        every: Option<Expr>,
    },
}

/// How many agents a TARGET names.
#[derive(Debug, Clone, PartialEq)]
pub enum TargetCount {
    /// `ALL`
    All,
    /// `n`
    Exactly(Expr),
    /// `UP TO n`
    UpTo(Expr),
}

/// What happens when a ROLLOUT's gate does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateFailure {
    /// `ELSE ROLLBACK`
    Rollback,
    /// `ELSE HALT`
    Halt,
}

/// `USE …`
#[derive(Debug, Clone, PartialEq)]
pub enum Use {
    /// `USE std.scaling`
    Standard(Vec<Name>),
    /// `USE "lib/prices.swarm" AS prices`
    File {
        /// The path as written.
        path: StringLiteral,
        /// `AS`
        alias: Option<Name>,
    },
}

/// `CONST name: T = e`
#[derive(Debug, Clone, PartialEq)]
pub struct Const {
    /// Name.
    pub name: Name,
    /// Type, if written.
    pub ty: Option<TypeExpr>,
    /// Value.
    pub value: Expr,
}

/// `TYPE Name { fields }`
#[derive(Debug, Clone, PartialEq)]
pub struct TypeDeclaration {
    /// Name.
    pub name: Name,
    /// Fields.
    pub fields: Vec<Field>,
}

/// A field of a TYPE, an INPUT or a CONTEXT: `name: T MAX n IN unit KEY = default`.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// `///` text before it.
    pub docs: SmolStr,
    /// Name.
    pub name: Name,
    /// Type.
    pub ty: TypeExpr,
    /// `MAX n`
    pub max: Option<Expr>,
    /// `IN unit`
    pub unit: Option<Name>,
    /// `KEY`
    pub key: Option<Span>,
    /// `= default`
    pub default: Option<Expr>,
    /// The whole field.
    pub span: Span,
}

/// `ENUM Name { cases }`
#[derive(Debug, Clone, PartialEq)]
pub struct EnumDeclaration {
    /// Name.
    pub name: Name,
    /// Cases.
    pub cases: Vec<Case>,
}

/// `low`, or `critical(cve: string)`.
#[derive(Debug, Clone, PartialEq)]
pub struct Case {
    /// Name.
    pub name: Name,
    /// Payload.
    pub parameters: Vec<Parameter>,
    /// The whole case.
    pub span: Span,
}

/// `name: T`
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Name.
    pub name: Name,
    /// Type.
    pub ty: TypeExpr,
}

/// `STATE name: T = e`
#[derive(Debug, Clone, PartialEq)]
pub struct State {
    /// Name.
    pub name: Name,
    /// Type.
    pub ty: TypeExpr,
    /// Value at the start of an order.
    pub value: Expr,
}

/// `METRIC name: T TOTAL BY AGENT`
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Name.
    pub name: Name,
    /// Type of a sample.
    pub ty: TypeExpr,
    /// How samples are put together.
    pub kind: MetricKind,
    /// `BY AGENT`
    pub by_agent: Option<Span>,
}

pub use swarm_bytecode::module::MetricKind;

/// `ACTION …` or `QUERY …`
#[derive(Debug, Clone, PartialEq)]
pub struct HostFunction {
    /// Whether it is a QUERY.
    pub query: bool,
    /// Name.
    pub name: Name,
    /// Parameters.
    pub parameters: Vec<Parameter>,
    /// `-> T`
    pub result: Option<TypeExpr>,
    /// Clauses in order.
    pub clauses: Vec<HostClause>,
}

/// A clause of a host function.
#[derive(Debug, Clone, PartialEq)]
pub struct HostClause {
    /// The clause.
    pub kind: HostClauseKind,
    /// Where.
    pub span: Span,
}

/// The kinds of clause of a host function.
#[derive(Debug, Clone, PartialEq)]
pub enum HostClauseKind {
    /// `REQUIRES cpu.throttle`
    Requires(Vec<Name>),
    /// `IDEMPOTENT`
    Idempotent,
    /// `ONCE`
    Once,
    /// `COSTS $0.05, limit`
    Costs(Vec<Expr>),
}

/// `EVENT NAME(…)`
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Name.
    pub name: Name,
    /// Parameters.
    pub parameters: Vec<Parameter>,
}

/// `FUNC name(…) -> T { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Func {
    /// Name.
    pub name: Name,
    /// Parameters.
    pub parameters: Vec<Parameter>,
    /// `-> T`
    pub result: Option<TypeExpr>,
    /// Body.
    pub body: Block,
}

/// `ON event(binders) MAX n { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct On {
    /// `START`, or an event.
    pub event: Name,
    /// Names for the event's parameters, by position.
    pub binders: Option<Vec<Name>>,
    /// `MAX n`
    pub max: Option<Expr>,
    /// Body.
    pub body: Block,
}

/// `EVERY 30s { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Every {
    /// The period.
    pub period: Expr,
    /// Body.
    pub body: Block,
}

/// `VETO ACTION(names) WHEN c BECAUSE "…"`
#[derive(Debug, Clone, PartialEq)]
pub struct Veto {
    /// The action.
    pub action: Name,
    /// Names for its parameters, by position.
    pub binders: Vec<Name>,
    /// The condition.
    pub condition: Expr,
    /// The reason.
    pub reason: StringLiteral,
}

/// `TEST "name" { … }`
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// Its name.
    pub name: StringLiteral,
    /// Its lines in order.
    pub items: Vec<TestItem>,
}

/// One line of a TEST.
#[derive(Debug, Clone, PartialEq)]
pub struct TestItem {
    /// The line.
    pub kind: TestItemKind,
    /// Where.
    pub span: Span,
}

/// The kinds of line in a TEST.
#[derive(Debug, Clone, PartialEq)]
pub enum TestItemKind {
    /// `GIVEN place = e`, `GIVEN query(args) = e`
    Given {
        /// An input, state, … or a call of a query.
        what: Expr,
        /// Its value.
        value: Expr,
    },
    /// `GIVEN ACTION(args) FAILS`
    GivenFails(Expr),
    /// `RUN`
    Run,
    /// `RUN FOR 2min`
    RunFor(Expr),
    /// `RUN EVENT(args)`
    RunEvent {
        /// The event.
        event: Name,
        /// Its arguments.
        arguments: Vec<Argument>,
    },
    /// `EXPECT NO ACTIONS`
    ExpectNoActions,
    /// `EXPECT ACTION X(args)`
    ExpectAction {
        /// The action.
        action: Name,
        /// Its arguments.
        arguments: Vec<Argument>,
    },
    /// `EXPECT STOP "why"`
    ExpectStop(StringLiteral),
    /// `EXPECT FAIL "why"`
    ExpectFail(StringLiteral),
    /// `EXPECT e`
    Expect(Expr),
}

/// A type as it was written.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeExpr {
    /// The type.
    pub kind: TypeExprKind,
    /// Where.
    pub span: Span,
    /// How deep it nests, from 1.
    pub depth: u16,
}

/// The kinds of written type.
#[derive(Debug, Clone, PartialEq)]
pub enum TypeExprKind {
    /// `money`, `Task`; a type of a file that was given a name has it before it: `prices.Offer`.
    Name(Name),
    /// `list<T>`, `map<K, V>`
    Generic {
        /// `list`, `map`
        name: Name,
        /// Arguments.
        arguments: Vec<TypeExpr>,
    },
    /// `A/B`
    Quotient(Box<TypeExpr>, Box<TypeExpr>),
    /// `T?`
    Optional(Box<TypeExpr>),
    /// `T MAX n`, where the maximum stands inside another type
    Bounded(Box<TypeExpr>, Box<Expr>),
    /// Could not be parsed, or nests too deep.
    Error,
}
