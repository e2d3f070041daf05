//! The typed program: every name resolved, every type known, every operator and conversion explicit.
//! The checker makes it, only from programs without errors; the code generator reads nothing else.

use smol_str::SmolStr;
use swarm_bytecode::module::{Context, ContextId, Import, ImportId, Input, InputId, Metric, MetricId};
use swarm_bytecode::module::{Instruction, TargetCount};
use swarm_bytecode::types::{BUILTIN_TYPES, Type, TypeId};
use swarm_grammar::span::Span;

/// Index into [`Program::functions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FunctionIndex(pub u32);

/// Index into [`Function::locals`]. The parameters come first, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalId(pub u32);

/// A checked program. Tables hold everything the program or the prelude declares that could be used; the code
/// generator leaves out what is not reached from the entry, and fields no one reads.
#[derive(Debug, Clone)]
pub struct Program {
    /// Header; `target` is always `None` here, see [`Program::target`].
    pub instruction: Instruction,
    /// TARGET with its filter.
    pub target: Option<(TargetCount, Option<FunctionIndex>)>,
    /// Types beyond the built-in ones; ids start at [`TypeId::BUILTIN_COUNT`].
    pub types: Vec<Type>,
    /// Host functions. In their costs, `Computed` holds a [`FunctionIndex`] as its number.
    pub imports: Vec<Import>,
    /// Inputs.
    pub inputs: Vec<Input>,
    /// Context values.
    pub contexts: Vec<Context>,
    /// Metrics.
    pub metrics: Vec<Metric>,
    /// Functions, the prelude's included.
    pub functions: Vec<Function>,
    /// Where a run starts.
    pub entry: FunctionIndex,
}

impl Program {
    /// The type with this id.
    pub fn ty(&self, id: TypeId) -> Option<&Type> {
        match id.0.checked_sub(TypeId::BUILTIN_COUNT) {
            None => BUILTIN_TYPES.get(usize::from(id.0)),
            Some(own) => self.types.get(usize::from(own)),
        }
    }
}

/// A function with a body.
#[derive(Debug, Clone)]
pub struct Function {
    /// Name; of ON START it is `START`.
    pub name: SmolStr,
    /// Its declaration.
    pub span: Span,
    /// How many of the locals are parameters.
    pub parameters: u32,
    /// Type of the result.
    pub result: Option<TypeId>,
    /// Parameters, LETs, loop variables.
    pub locals: Vec<Local>,
    /// Body. A function with a result returns on every path.
    pub body: Vec<Statement>,
}

/// A local variable.
#[derive(Debug, Clone)]
pub struct Local {
    /// Name.
    pub name: SmolStr,
    /// Type.
    pub ty: TypeId,
    /// Whether it may be assigned: LET only.
    pub assigned: bool,
    /// Where it is declared.
    pub span: Span,
}

/// A statement.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The statement.
    pub kind: StatementKind,
    /// Where.
    pub span: Span,
}

/// The kinds of statement.
#[derive(Debug, Clone)]
pub enum StatementKind {
    /// A local gets its first value.
    Let {
        /// The local.
        local: LocalId,
        /// Its value.
        value: Expr,
    },
    /// A place gets a value. `place` is a chain of [`ExprKind::Field`] and [`ExprKind::Item`] over a
    /// [`ExprKind::Local`] that may be assigned. `+=` and `-=` are already spelt out in `value`, unless the
    /// place has an index, whose expression must be evaluated once: then `update` is set and `value` is the
    /// right operand.
    Assign {
        /// The place.
        place: Expr,
        /// The operation between the place's value and `value`, for `+=` and `-=` on an indexed place.
        update: Option<BinaryOperation>,
        /// The value.
        value: Expr,
    },
    /// Two-armed branch.
    If {
        /// Condition.
        condition: Expr,
        /// Runs if it holds.
        then: Vec<Statement>,
        /// Runs if not.
        otherwise: Vec<Statement>,
    },
    /// `IF LET x = optional`: `then` sees `local`.
    IfSome {
        /// The optional.
        optional: Expr,
        /// Bound to its value.
        local: LocalId,
        /// Runs if there is a value.
        then: Vec<Statement>,
        /// Runs if not.
        otherwise: Vec<Statement>,
    },
    /// `FOR EACH item IN list WHERE c`, or over a range.
    For {
        /// The loop.
        iteration: Iteration,
        /// Body.
        body: Vec<Statement>,
    },
    /// `WHILE c MAX n`
    While {
        /// Condition.
        condition: Expr,
        /// Most rounds; an int, evaluated once before the loop.
        max: Expr,
        /// Body.
        body: Vec<Statement>,
    },
    /// BREAK
    Break,
    /// CONTINUE
    Continue,
    /// RETURN
    Return(Option<Expr>),
    /// STOP; the reason is a string.
    Stop(Expr),
    /// FAIL, and REQUIRE's failure.
    Fail(Expr),
    /// RECORD
    Record {
        /// The metric.
        metric: MetricId,
        /// The sample, of the metric's type.
        value: Expr,
    },
    /// A call for its effect; the value, if any, is dropped.
    Call(Expr),
}

/// What a loop or an aggregate goes over.
#[derive(Debug, Clone)]
pub struct Iteration {
    /// The items.
    pub source: Source,
    /// The item.
    pub item: LocalId,
    /// Its index from 0, where a second name asks for it (`FOR EACH i, x IN xs`).
    pub index: Option<LocalId>,
    /// `WHERE`
    pub filter: Option<Box<Expr>>,
}

/// The items of a loop.
#[derive(Debug, Clone)]
pub enum Source {
    /// A list, taken once at entry.
    List(Box<Expr>),
    /// Whole numbers, both ends included.
    Range(Box<Expr>, Box<Expr>),
}

/// An expression.
#[derive(Debug, Clone)]
pub struct Expr {
    /// The expression.
    pub kind: ExprKind,
    /// Type of its value. Of a call without a result it is `None`.
    pub ty: Option<TypeId>,
    /// Where.
    pub span: Span,
}

/// The kinds of expression.
#[derive(Debug, Clone)]
pub enum ExprKind {
    /// Any integer-carried constant in base units, and bool as 0 or 1.
    Word(i64),
    /// A float or rate constant; finite.
    Float(f64),
    /// A string constant.
    String(SmolStr),
    /// The zero of its type: NONE, an empty list.
    Zero,
    /// A local.
    Local(LocalId),
    /// An input.
    Input(InputId),
    /// A context value.
    Context(ContextId),
    /// A metric's current value in this agent.
    Metric(MetricId),
    /// One operand.
    Unary(UnaryOperation, Box<Expr>),
    /// Two operands, evaluated left to right.
    Binary(BinaryOperation, Box<Expr>, Box<Expr>),
    /// Short-circuit AND.
    And(Box<Expr>, Box<Expr>),
    /// Short-circuit OR.
    Or(Box<Expr>, Box<Expr>),
    /// `a ?? b`: the optional's value, or `b`, evaluated only then.
    Coalesce(Box<Expr>, Box<Expr>),
    /// `IF c THEN a ELSE b`
    If(Box<Expr>, Box<Expr>, Box<Expr>),
    /// A record; a value for each field in declaration order, defaults spelt out. Arguments were evaluated in
    /// the order of the fields: the checker orders named arguments so.
    Record(Vec<Expr>),
    /// A list of items.
    List(Vec<Expr>),
    /// A field by its index in the record's type.
    Field(Box<Expr>, u8),
    /// An item by index; out of range traps.
    Item(Box<Expr>, Box<Expr>),
    /// How many items.
    Length(Box<Expr>),
    /// Wraps a value into an optional.
    Some(Box<Expr>),
    /// Calls a function.
    Call(FunctionIndex, Vec<Expr>),
    /// Calls the host.
    Host(ImportId, Vec<Expr>),
    /// An aggregate over a loop. COUNT's value is a condition or absent; ANY and ALL stop early; MIN and MAX give
    /// an optional.
    Aggregate {
        /// Which.
        aggregate: Aggregate,
        /// The loop.
        iteration: Iteration,
        /// Evaluated for each item.
        value: Option<Box<Expr>>,
    },
}

/// The aggregates the code generator knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregate {
    /// How many items (whose value, if given, is TRUE): int.
    Count,
    /// The sum; of nothing 0.
    Sum,
    /// The least; of nothing NONE.
    Min,
    /// The greatest; of nothing NONE.
    Max,
    /// Whether one holds.
    Any,
    /// Whether all hold.
    All,
}

/// Operations with one operand; operand and result types fix the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOperation {
    /// Integer-carried negation.
    NegateWord,
    /// Float-carried negation.
    NegateFloat,
    /// NOT
    Not,
    /// An int, or an integer-carried quantity taken in base units, to float.
    WordToFloat,
    /// 20% to 0.2.
    PercentToFloat,
}

/// Operations with two operands. The names are those of the ops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOperation {
    /// Integer-carried sum.
    AddWord,
    /// Integer-carried difference.
    SubtractWord,
    /// Integer-carried product.
    MultiplyWord,
    /// Whole quotient, truncated.
    DivideWord,
    /// Remainder.
    ModuloWord,
    /// left × right ÷ constant, half to even.
    Product(i64),
    /// left × constant ÷ right, half to even.
    Quotient(i64),
    /// Integer-carried × float, half to even. The two stand in the order in which they were written, because
    /// they are evaluated so: their types tell which is which.
    Scale,
    /// Integer-carried ÷ float, half to even.
    Unscale,
    /// Integer-carried ÷ integer-carried, as a float.
    Ratio,
    /// Float sum.
    AddFloat,
    /// Float difference.
    SubtractFloat,
    /// Float product.
    MultiplyFloat,
    /// Float quotient.
    DivideFloat,
    /// Comparison of operands of one class; `Equal` and `NotEqual` also of records, lists and optionals.
    Compare(Comparison),
}

/// Comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
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
}
