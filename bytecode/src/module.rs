//! A module: everything a program is, once compiled. [`crate::codec`] gives it a canonical form in bytes.

use smallvec::SmallVec;
use smol_str::SmolStr;

use crate::op::Op;
use crate::types::{BUILTIN_TYPES, Type, TypeId};

macro_rules! ids {
    ($( $(#[$doc:meta])* $name:ident; )*) => { $(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u16);

        impl $name {
            /// As an index of the table it points into.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )* };
}

ids! {
    /// Index into [`Module::floats`].
    FloatId;
    /// Index into [`Module::strings`].
    StringId;
    /// Index into [`Module::functions`].
    FunctionId;
    /// Index into [`Module::imports`].
    ImportId;
    /// Index into [`Module::inputs`].
    InputId;
    /// Index into [`Module::contexts`].
    ContextId;
    /// Index into [`Module::metrics`].
    MetricId;
    /// Index into [`Module::states`].
    StateId;
}

/// A compiled program.
#[derive(Debug, Clone, PartialEq)]
pub struct Module {
    /// What the program calls itself and asks of the fleet.
    pub instruction: Instruction,
    /// The module's own types; [`TypeId::BUILTIN_COUNT`] is the index of the first.
    pub types: Vec<Type>,
    /// Host functions it may call: its capability manifest.
    pub imports: Vec<Import>,
    /// Host data it reads.
    pub inputs: Vec<Input>,
    /// Values of the order's context it reads.
    pub contexts: Vec<Context>,
    /// Figures it records.
    pub metrics: Vec<Metric>,
    /// STATE variables: kept from one activation to the next.
    pub states: Vec<State>,
    /// What wakes it up by name.
    pub events: Vec<EventHandler>,
    /// What wakes it up by time.
    pub timers: Vec<Timer>,
    /// Actions it forbids itself, in the order they are asked.
    pub vetoes: Vec<Veto>,
    /// Float constants.
    pub floats: Vec<f64>,
    /// String constants.
    pub strings: Vec<SmolStr>,
    /// Functions; at least one.
    pub functions: Vec<Function>,
    /// The function that runs when the program starts: no parameters. Of a program that has only events and
    /// timers it does nothing.
    pub entry: FunctionId,
    /// The worst case the compiler proved.
    pub bound: Bound,
    /// Names and places; can be stripped.
    pub debug: Option<Debug>,
}

impl Module {
    /// The type with this id, built-in or the module's own.
    pub fn ty(&self, id: TypeId) -> Option<&Type> {
        match id.0.checked_sub(TypeId::BUILTIN_COUNT) {
            None => BUILTIN_TYPES.get(usize::from(id.0)),
            Some(own) => self.types.get(usize::from(own)),
        }
    }

    /// Whether a value of the type is a secret or may hold one. Of a module that was verified: there a type
    /// refers only to those before it.
    pub fn holds_secret(&self, id: TypeId) -> bool {
        let mut known: Vec<bool> = Vec::with_capacity(self.types.len());
        let own = |id: TypeId| id.0.checked_sub(TypeId::BUILTIN_COUNT).map(usize::from);
        for ty in &self.types {
            let part = |part: TypeId| own(part).and_then(|at| known.get(at)).copied().unwrap_or(false);
            let holds = *ty == Type::Secret || ty.any_part(part);
            known.push(holds);
        }
        own(id).and_then(|at| known.get(at)).copied().unwrap_or(false)
    }
}

/// The INSTRUCTION header. A program without one has a name only.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Instruction {
    /// Name without its version suffix.
    pub name: SmolStr,
    /// Author's version: the `_v2` of the name; 1 where it has none.
    pub version: u32,
    /// PRIORITY.
    pub priority: Priority,
    /// DEADLINE in nanoseconds.
    pub deadline_ns: Option<i64>,
    /// BUDGET in micro-dollars, for the fleet.
    pub budget_money: Option<i64>,
    /// BUDGET in tokens, for the fleet.
    pub budget_tokens: Option<i64>,
    /// TARGET.
    pub target: Option<Target>,
    /// ROLLOUT.
    pub rollout: Option<Rollout>,
    /// EXPECT, in order.
    pub expectations: Vec<Expectation>,
    /// STOP WHEN, in order: pure functions without parameters that give a bool. See [`Expectation::condition`].
    pub stops: Vec<FunctionId>,
    /// REPORT, in order.
    pub reports: Vec<Reporting>,
}

/// ROLLOUT: in what waves a program goes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// Shares of the matching agents in parts per million: cumulative, rising, the last at most 1 000 000.
    pub waves: Vec<i64>,
    /// AFTER, in nanoseconds.
    pub after_ns: Option<i64>,
    /// WHEN: as [`Expectation::condition`].
    pub gate: Option<FunctionId>,
    /// What happens when the gate does not hold.
    pub failure: GateFailure,
}

/// What happens when a ROLLOUT's gate does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum GateFailure {
    /// The former version is installed again.
    #[default]
    Rollback,
    /// It goes no further.
    Halt,
}

/// EXPECT: what the fleet should reach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expectation {
    /// A pure function without parameters that gives a bool. Its metrics are the fleet's: whoever asks sets them,
    /// and an unknown one makes the condition false.
    pub condition: FunctionId,
    /// BY, in nanoseconds from the start of the order.
    pub by_ns: Option<i64>,
    /// The condition as it was written.
    pub text: SmolStr,
}

/// REPORT: what the fleet reports, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reporting {
    /// The metrics.
    pub metrics: Vec<MetricId>,
    /// EVERY, in nanoseconds.
    pub every_ns: Option<i64>,
}

/// A variable that survives from one activation to the next, within one order and agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Name.
    pub name: SmolStr,
    /// Type.
    pub ty: TypeId,
    /// Gives its value at the start of an order: a pure function without parameters. `None`: the zero of its
    /// type.
    pub initial: Option<FunctionId>,
}

/// `ON event(…) { … }`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventHandler {
    /// The event's name.
    pub name: SmolStr,
    /// What it does; its parameters are the event's.
    pub function: FunctionId,
    /// `MAX n`: events beyond it are dropped and counted, for the whole order.
    pub max: Option<u32>,
}

/// `EVERY period { … }`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timer {
    /// Nanoseconds; at least a second.
    pub period_ns: i64,
    /// What it does: no parameters.
    pub function: FunctionId,
}

/// `VETO ACTION(…) WHEN c BECAUSE "…"`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Veto {
    /// The action.
    pub import: ImportId,
    /// A pure function of the action's parameters that gives a bool. It may read inputs, context, STATE and
    /// metrics.
    pub condition: FunctionId,
    /// Why.
    pub reason: StringId,
}

/// How urgent an instruction is; only the fleet reads it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Priority {
    /// PRIORITY LOW
    Low,
    /// PRIORITY NORMAL, and where none is given.
    #[default]
    Normal,
    /// PRIORITY HIGH
    High,
    /// PRIORITY CRITICAL
    Critical,
}

/// Which agents an instruction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// How many.
    pub count: TargetCount,
    /// `WHERE`: a function of one `Agent` record that gives a bool; pure.
    pub filter: Option<FunctionId>,
}

/// How many agents an instruction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetCount {
    /// TARGET ALL AGENTS
    All,
    /// TARGET n AGENTS: exactly so many, or the order is refused.
    Exactly(u32),
    /// TARGET UP TO n AGENTS
    UpTo(u32),
}

impl TargetCount {
    /// How many, if it says so.
    pub const fn number(self) -> Option<u32> {
        match self {
            TargetCount::All => None,
            TargetCount::Exactly(agents) | TargetCount::UpTo(agents) => Some(agents),
        }
    }
}

/// What a host function does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// QUERY: it answers.
    Query,
    /// ACTION … IDEMPOTENT: doing it twice is doing it once.
    Idempotent,
    /// ACTION … ONCE: keyed, never repeated blindly.
    Once,
    /// ACTION without a class: sent once per call, no key.
    Plain,
}

/// A host function the program may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// Name, `UPPER_SNAKE` by habit for actions.
    pub name: SmolStr,
    /// Types of its parameters.
    pub parameters: Vec<TypeId>,
    /// Type of its answer; only a query has one.
    pub result: Option<TypeId>,
    /// Effect class.
    pub effect: Effect,
    /// The capability it needs (`cpu.throttle`), if any.
    pub capability: Option<SmolStr>,
    /// The ceiling of what one call costs.
    pub cost: CallCost,
}

/// The declared ceiling of one call's cost. A cost that depends on the arguments is a function of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CallCost {
    /// Micro-dollars.
    pub money: Amount,
    /// Tokens.
    pub tokens: Amount,
}

/// A constant, or a pure function of the call's arguments with an integer-carried result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// Always this much, in base units; not negative.
    Fixed(i64),
    /// Computed from the arguments.
    Computed(FunctionId),
}

impl Default for Amount {
    fn default() -> Self {
        Amount::Fixed(0)
    }
}

/// A table or value the host provides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// Name.
    pub name: SmolStr,
    /// Type; a list has its MAX in the type.
    pub ty: TypeId,
    /// What a bare JSON number counts.
    pub unit: Option<SmolStr>,
    /// Used where the host gives none.
    pub default: Option<crate::types::Constant>,
}

/// A value of the order's context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// Name.
    pub name: SmolStr,
    /// Type.
    pub ty: TypeId,
    /// What a bare JSON number counts; the compiler fills in the defaults (USD, ms).
    pub unit: Option<SmolStr>,
    /// Used where the order leaves it out.
    pub default: Option<crate::types::Constant>,
}

/// How samples of a metric are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MetricKind {
    /// Adds up, from 0.
    Total,
    /// Keeps the last.
    Gauge,
    /// Keeps quantiles.
    Distribution,
}

/// A declared figure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metric {
    /// Name.
    pub name: SmolStr,
    /// Type of a sample: integer-carried or float-carried.
    pub ty: TypeId,
    /// How samples are put together.
    pub kind: MetricKind,
}

/// One function.
#[derive(Debug, Clone, PartialEq)]
pub struct Function {
    /// Type of every register it uses; the first are its parameters. At most 250.
    pub registers: Vec<TypeId>,
    /// How many of the registers are parameters.
    pub parameters: u8,
    /// Type of its result, if it has one.
    pub result: Option<TypeId>,
    /// Its ops: blocks nest properly, and it cannot fall off its end.
    pub code: Vec<Op>,
}

/// The worst case of a whole activation, as the compiler proved it: what a run may use at most.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bound {
    /// Fuel.
    pub fuel: Polynomial,
    /// Logical bytes of memory.
    pub memory: Polynomial,
    /// Host calls.
    pub host_calls: Polynomial,
    /// Micro-dollars.
    pub money: Polynomial,
    /// Tokens.
    pub tokens: Polynomial,
}

/// A sum of terms `coefficient × product of input sizes`, or nothing known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Polynomial {
    /// Terms in ascending order of their factors, no two alike, no coefficient 0. Empty is 0.
    Terms(Vec<Term>),
    /// The program can use any amount; the limit holds it.
    Unbounded,
}

impl Default for Polynomial {
    fn default() -> Self {
        Polynomial::Terms(Vec::new())
    }
}

/// Inputs that are multiplied; few at a time.
pub type Factors = SmallVec<[InputId; 4]>;

/// One term of a [`Polynomial`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term {
    /// Inputs whose numbers of items are multiplied, ascending; one may stand more than once.
    pub factors: Factors,
    /// Multiplied with them.
    pub coefficient: u64,
}

/// Names and places for people; carries nothing a run depends on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Debug {
    /// Source files by index.
    pub files: Vec<SourceName>,
    /// One for each function.
    pub functions: Vec<FunctionDebug>,
}

/// A source file a module was compiled from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceName {
    /// Name as given to the compiler; no machine's absolute path unless that was given.
    pub name: SmolStr,
    /// SHA-256 of its text.
    pub sha256: [u8; 32],
}

/// Debug information of one function.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FunctionDebug {
    /// Its name.
    pub name: SmolStr,
    /// Names of registers that hold a named variable, by register, ascending.
    pub registers: Vec<(u8, SmolStr)>,
    /// Places: (index of the first op it covers, place), ascending by op.
    pub places: Vec<(u32, Place)>,
}

/// A place in source text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// Index into [`Debug::files`].
    pub file: u16,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}
