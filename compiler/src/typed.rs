//! The typed program: every name resolved, every type known, every operator and conversion explicit.
//! The checker makes it, only from programs without errors; the code generator reads nothing else.

use smol_str::SmolStr;
use swarm_bytecode::module::{Context, ContextId, Import, ImportId, Input, InputId, Metric, MetricId};
use swarm_bytecode::module::{Instruction, Reporting, Rollout, StateId, TargetCount};
use swarm_bytecode::native::NativeId;
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
    /// Those that the program itself declares and that hold secrets. They stay in the module though nothing
    /// reads them: whoever keeps what was given has to know what not to keep.
    pub secret_inputs: Vec<InputId>,
    /// Context values.
    pub contexts: Vec<Context>,
    /// Metrics.
    pub metrics: Vec<Metric>,
    /// STATE variables; `initial` holds a [`FunctionIndex`] as its number.
    pub states: Vec<State>,
    /// ON handlers but START.
    pub events: Vec<EventHandler>,
    /// EVERY, in order.
    pub timers: Vec<Timer>,
    /// VETO, in order.
    pub vetoes: Vec<Veto>,
    /// ROLLOUT, EXPECT, STOP WHEN and REPORT.
    pub fleet: Fleet,
    /// TESTs, in order; only where the caller asked for them.
    pub tests: Vec<Test>,
    /// Functions, the prelude's included.
    pub functions: Vec<Function>,
    /// Where a run starts; a function that does nothing where the program has only events and timers.
    pub entry: FunctionIndex,
}

/// A STATE variable.
#[derive(Debug, Clone)]
pub struct State {
    /// Name.
    pub name: SmolStr,
    /// Type.
    pub ty: TypeId,
    /// Gives its first value: pure, no parameters.
    pub initial: FunctionIndex,
    /// Its declaration.
    pub span: Span,
}

/// An ON handler.
#[derive(Debug, Clone)]
pub struct EventHandler {
    /// The event's name.
    pub name: SmolStr,
    /// Its parameters are the event's.
    pub function: FunctionIndex,
    /// MAX
    pub max: Option<u32>,
    /// Its declaration.
    pub span: Span,
}

/// EVERY.
#[derive(Debug, Clone)]
pub struct Timer {
    /// Nanoseconds, at least a second.
    pub period_ns: i64,
    /// No parameters.
    pub function: FunctionIndex,
    /// Its declaration.
    pub span: Span,
}

/// VETO.
#[derive(Debug, Clone)]
pub struct Veto {
    /// The action.
    pub import: ImportId,
    /// A pure function of the action's parameters that gives a bool.
    pub condition: FunctionIndex,
    /// BECAUSE
    pub reason: SmolStr,
    /// Its declaration.
    pub span: Span,
}

/// What only the fleet reads. Conditions are pure functions without parameters that give a bool.
#[derive(Debug, Clone, Default)]
pub struct Fleet {
    /// ROLLOUT; its gate is beside it.
    pub rollout: Option<(Rollout, Option<FunctionIndex>)>,
    /// EXPECT: condition, BY in nanoseconds, text as written.
    pub expectations: Vec<(FunctionIndex, Option<i64>, SmolStr)>,
    /// STOP WHEN
    pub stops: Vec<FunctionIndex>,
    /// REPORT
    pub reports: Vec<Reporting>,
}

/// A TEST: steps over functions without parameters that make the values.
#[derive(Debug, Clone)]
pub struct Test {
    /// Its name.
    pub name: SmolStr,
    /// Its lines, in order.
    pub steps: Vec<TestStep>,
    /// Its declaration.
    pub span: Span,
}

/// One line of a TEST.
#[derive(Debug, Clone)]
pub struct TestStep {
    /// The line.
    pub kind: TestStepKind,
    /// Where.
    pub span: Span,
}

/// The kinds of line in a TEST. Every `F` is a pure function without parameters; a plan for a compiled module has
/// [`swarm_bytecode::module::FunctionId`]s, and that module's ids, instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestStepKind<F = FunctionIndex> {
    /// GIVEN input = …
    GivenInput(InputId, F),
    /// GIVEN context = …
    GivenContext(ContextId, F),
    /// GIVEN state = …
    GivenState(StateId, F),
    /// GIVEN metric = …
    GivenMetric(MetricId, F),
    /// GIVEN query(args) = …
    GivenAnswer(ImportId, Vec<F>, F),
    /// GIVEN CALL(args) FAILS
    GivenFails(ImportId, Vec<F>),
    /// RUN
    Run,
    /// RUN FOR, in nanoseconds.
    RunFor(i64),
    /// RUN EVENT(args): index into [`Program::events`].
    RunEvent(usize, Vec<F>),
    /// EXPECT NO ACTIONS
    ExpectNoActions,
    /// EXPECT ACTION X(args)
    ExpectAction(ImportId, Vec<F>),
    /// EXPECT STOP
    ExpectStop(SmolStr),
    /// EXPECT FAIL
    ExpectFail(SmolStr),
    /// EXPECT e; for a comparison also its two sides, so that a failure can show them.
    Expect(F, Option<(F, F)>),
}

impl<F: Copy> TestStepKind<F> {
    /// Calls `visit` with each function the line names, in order.
    pub fn functions(&self, visit: &mut dyn FnMut(F)) {
        match self {
            TestStepKind::GivenInput(_, value)
            | TestStepKind::GivenContext(_, value)
            | TestStepKind::GivenState(_, value)
            | TestStepKind::GivenMetric(_, value) => visit(*value),
            TestStepKind::GivenAnswer(_, arguments, value) => {
                arguments.iter().for_each(|argument| visit(*argument));
                visit(*value);
            }
            TestStepKind::GivenFails(_, arguments)
            | TestStepKind::RunEvent(_, arguments)
            | TestStepKind::ExpectAction(_, arguments) => {
                arguments.iter().for_each(|argument| visit(*argument));
            }
            TestStepKind::Expect(condition, sides) => {
                visit(*condition);
                if let Some((left, right)) = sides {
                    visit(*left);
                    visit(*right);
                }
            }
            TestStepKind::Run
            | TestStepKind::RunFor(_)
            | TestStepKind::ExpectNoActions
            | TestStepKind::ExpectStop(_)
            | TestStepKind::ExpectFail(_) => {}
        }
    }
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
    /// The functions that its body calls, in the order of the text; one may stand twice.
    pub calls: Vec<FunctionIndex>,
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
    /// A place gets a value. `place` is a chain of [`ExprKind::Field`], [`ExprKind::Item`] and
    /// [`ExprKind::Find`] over an [`ExprKind::Local`] that may be assigned, or an [`ExprKind::State`]. `+=`
    /// and `-=` are already spelt out in `value`, unless the place has an index, whose expression must be
    /// evaluated once: then `update` is set and `value` is the right operand.
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
    /// MATCH over an enum: the arm that names the value's case.
    Match {
        /// The value.
        subject: Expr,
        /// Arms; no case stands in two.
        arms: Vec<CaseArm>,
        /// Runs for the cases no arm names.
        otherwise: Vec<Statement>,
    },
    /// WITHIN and PHASE.
    Within {
        /// PHASE "name"
        phase: Option<SmolStr>,
        /// A duration, money, tokens; each at most once.
        budgets: Vec<Expr>,
        /// Body.
        body: Vec<Statement>,
        /// ELSE; where it is, an exhausted budget undoes the body.
        otherwise: Option<Vec<Statement>>,
    },
    /// TRY: waits for the action.
    Try {
        /// The action.
        import: ImportId,
        /// Its arguments.
        arguments: Vec<Expr>,
        /// RETRY n TIMES: attempts in all; 1 for TRY.
        times: i64,
        /// BACKOFF, a duration.
        backoff: Option<Expr>,
        /// Runs if no attempt succeeded.
        otherwise: Vec<Statement>,
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

/// One arm of a MATCH over an enum.
#[derive(Debug, Clone)]
pub struct CaseArm {
    /// The cases it is for.
    pub cases: Vec<u8>,
    /// Locals for fields of the payload (only where it is for one case): field and local.
    pub binders: Vec<(u8, LocalId)>,
    /// Body.
    pub body: Vec<Statement>,
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
    /// The entries of a map, in key order, taken once at entry: the iteration's item is the value.
    Map(Box<Expr>, LocalId),
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
    /// A STATE variable.
    State(StateId),
    /// A quantile of a DISTRIBUTION in parts per million: an optional.
    Quantile(MetricId, i64),
    /// The mean of a DISTRIBUTION: an optional.
    Mean(MetricId),
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
    /// How many items a list, or entries a map, has.
    Length(Box<Expr>),
    /// A case of an enum with its payload.
    Case(u8, Vec<Expr>),
    /// A map of entries; a later key replaces an equal one.
    Map(Vec<(Expr, Expr)>),
    /// `map[key]`: an optional; as a place, the entry itself.
    Find(Box<Expr>, Box<Expr>),
    /// A value as text, for interpolation.
    Text(Box<Expr>),
    /// Texts, one behind the other.
    Concat(Vec<Expr>),
    /// A native function; the checker has matched its signature.
    Native(NativeId, Vec<Expr>),
    /// TOP and BOTTOM: the items of a list, or the values of a map, with the greatest or least keys.
    Top {
        /// Whether it is BOTTOM.
        bottom: bool,
        /// How many: an int.
        count: Box<Expr>,
        /// The loop.
        iteration: Box<Iteration>,
        /// BY: a number or a string.
        key: Box<Expr>,
    },
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
        iteration: Box<Iteration>,
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
    /// The mean; of nothing NONE. Of an int a float, of a quantity that quantity.
    Average,
    /// A list of the values.
    Collect,
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
