//! The op table: every instruction of the serialized bytecode, once.
//!
//! The enum [`Op`], its codec, the disassembler, the verifier's operand checks, the cost model and the
//! tables of `docs/bytecode.md` all derive from [`for_each_op!`](crate::for_each_op). To add an op:
//!
//! 1. add one row below (code, name, mnemonic, operands, cost, flags, doc line); codes are never reused;
//! 2. give it an arm in `verify/ops.rs`: its typing rule, if the operand classes do not say everything;
//! 3. give it a decoded form in `vm/src/decode.rs` and an arm in `vm/src/interpret.rs`;
//! 4. emit it in `compiler/src/code/`, and run `cargo xtask docs` to renew the tables.
//!
//! The compiler refuses a build in which 2 or 3 is forgotten: the matches there are exhaustive.

use crate::module::{ContextId, FloatId, FunctionId, ImportId, InputId, MetricId, StateId, StringId};
use crate::native::NativeId;
pub use crate::registers::Registers;

/// A register of the current frame: the window has exactly 256 slots, so an index is never out of bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Register(pub u8);

/// What an op does to the flow of control; decides how blocks nest and where fuel is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// Goes on with the next op.
    Next,
    /// Opens a block that `end` closes (`if`, `block`).
    Open,
    /// `else`: closes the first arm of an `if` and opens the second.
    Else,
    /// Closes an `if` or a `block`; executes nothing.
    End,
    /// Opens a loop (`loop`, `foreach`, `range`); settles.
    OpenLoop,
    /// Closes a `loop` with a jump back to its header; settles.
    Repeat,
    /// Closes a `foreach` or `range` with a step to the next item; settles.
    Advance,
    /// Leaves, or goes on with, an enclosing block (`break`, `continue`).
    Branch,
    /// `within`: opens a block with budgets; settles.
    OpenWithin,
    /// `within.else`: closes the block, opens the one that runs when a budget was exhausted; settles.
    WithinElse,
    /// `within.end`: closes a `within` without a second block; settles.
    WithinEnd,
    /// Calls a function or the host; settles.
    Call,
    /// Ends the function or the run (`return`, `stop`, `fail`); settles.
    Leave,
}

impl Flow {
    /// Whether it opens a block, and whether it closes one.
    pub const fn blocks(self) -> (bool, bool) {
        match self {
            Flow::Open | Flow::OpenLoop | Flow::OpenWithin => (true, false),
            Flow::Else | Flow::WithinElse => (true, true),
            Flow::End | Flow::Repeat | Flow::Advance | Flow::WithinEnd => (false, true),
            Flow::Next | Flow::Branch | Flow::Call | Flow::Leave => (false, false),
        }
    }
}

/// When an op checks that the fuel spent so far is there (rule F3). An op that is about to trap always does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settle {
    /// Never, unless it traps.
    No,
    /// Always.
    Yes,
    /// Always, and it adds a charge that grows with an operand; the formula is in [`crate::cost`].
    Dynamic,
}

/// The op table. Calls the macro named by `$with` with all rows; each row reads
///
/// ```text
/// CODE Name "mnemonic" (operand: kind class, …) COST FLOW SETTLE "what it does";
/// ```
///
/// Operand kinds: `dst C` and `src C` are registers whose type has class `C`
/// (`word bool float string list record optional enum map`; `scalar` is word or bool; `any` is all);
/// the others are the immediates of [`OperandKind`]. So that an op takes 24 bytes, `short` is an integer of
/// 16 bits and `rare` a list of registers that does not lie in the op.
#[macro_export]
macro_rules! for_each_op {
    ($with:ident) => { $with! {
        // Blocks
        0x01 If "if" (condition: src bool) 1 Open No "Run the block if `condition` holds, else go to its `else` or `end`.";
        0x02 Else "else" () 1 Else No "End of an `if`'s first arm: go to the `end`.";
        0x03 Block "block" () 0 Open No "A block that `break` can leave.";
        0x04 End "end" () 0 End No "Close the innermost `if` or `block`.";
        0x05 Loop "loop" () 1 OpenLoop Yes "Repeat the block until a `break`.";
        0x06 Repeat "repeat" () 1 Repeat Yes "Close a `loop`: go back to its start.";
        0x07 ForEach "foreach" (item: dst any, index: dst word, list: src list) 2 OpenLoop Yes "For each item of `list`: `item` and its `index` from 0. The block may not write `index` or `list`.";
        0x08 Range "range" (item: dst word, first: src word, last: src word) 2 OpenLoop Yes "For `item` from `first` to `last`, both included. The block may not write `item` or `last`.";
        0x09 Advance "next" () 2 Advance Yes "Close a `foreach` or `range`: go on with the next item, if there is one.";
        0x0a Break "break" (depth: depth) 1 Branch No "Go behind the end of the `depth`-th enclosing `loop`, `foreach`, `range` or `block` (0 is the innermost).";
        0x0b Continue "continue" (depth: depth) 1 Branch No "Go to the closing op of the `depth`-th enclosing loop (counted like `break`; never a `block`).";
        0x0c Return "return" () 1 Leave Yes "Return from a function without a result.";
        0x0d ReturnValue "return.value" (value: src any) 1 Leave Yes "Return `value`.";
        0x0e Stop "stop" (reason: src string) 1 Leave Yes "End the run, outcome `stopped`; actions are applied.";
        0x0f Fail "fail" (reason: src string) 1 Leave Yes "End the run, outcome `failed`; actions not yet applied are dropped.";
        // Calls
        0x10 Call "call" (function: function, arguments: registers) 4 Call Yes "Call a function without a result.";
        0x11 CallValue "call.value" (result: dst any, function: function, arguments: registers) 4 Call Yes "Call a function.";
        0x12 Host "host" (import: import, arguments: registers) 8 Call Dynamic "Issue an action.";
        0x13 HostValue "host.value" (result: dst any, import: import, arguments: registers) 8 Call Dynamic "Ask the host a query.";
        0x14 RecordMetric "record" (metric: metric, value: src scalar_or_float) 4 Next Yes "One sample of a metric.";
        0x15 Settle "settle" () 1 Next Yes "Check the fuel; put where a function has a long way without a settling op.";
        0x16 RoundsExhausted "rounds.exhausted" () 1 Next Yes "A `WHILE … MAX n` used its `n` rounds: one trace event.";
        // Loading
        0x18 Move "move" (result: dst any, value: src same) 1 Next No "Take over a value; a list, map or record leaves its zero in the source.";
        0x19 Copy "copy" (result: dst any, value: src same) 1 Next No "Copy a value; a reference is marked as shared.";
        0x1a Integer "int" (result: dst scalar, value: integer) 1 Next No "Load an integer-carried constant in base units, or a bool as 0 or 1.";
        0x1b Float "float" (result: dst float, value: float) 1 Next No "Load a float constant.";
        0x1c String "string" (result: dst string, value: string) 1 Next No "Load a string constant.";
        0x1d Zero "zero" (result: dst any) 1 Next No "Load the zero of the type: 0, FALSE, \"\", an empty list, NONE, a record of zeros.";
        0x1e Input "input" (result: dst any, input: input) 1 Next No "Load an input.";
        0x1f Context "context" (result: dst any, context: context) 1 Next No "Load a value of the order's context.";
        0x20 Metric "metric" (result: dst any, metric: metric) 2 Next Dynamic "Read a metric's current value in this agent: a TOTAL as its type, a GAUGE as an optional.";
        0x21 State "state" (result: dst any, state: state) 1 Next No "Load a STATE variable; a reference is marked as shared.";
        0x22 TakeState "state.take" (result: dst any, state: state) 1 Next No "Move a STATE variable out, to be changed in place and set again; it holds the zero of its type meanwhile.";
        0x23 SetState "state.set" (state: state, value: src any) 1 Next No "Set a STATE variable to a value; a list, map or record leaves its zero in the register.";
        0x24 Quantile "quantile" (result: dst optional, metric: metric, share: integer) 8 Next Dynamic "A quantile of a DISTRIBUTION's samples in this agent, `share` in parts per million; NONE without samples.";
        0x25 Mean "mean" (result: dst optional, metric: metric) 4 Next Dynamic "The mean of a DISTRIBUTION's samples in this agent; NONE without samples.";
        // Integer-carried arithmetic
        0x28 AddInt "add" (result: dst word, left: src word, right: src word) 1 Next No "Sum. Traps: overflow.";
        0x29 SubInt "sub" (result: dst word, left: src word, right: src word) 1 Next No "Difference. Traps: overflow.";
        0x2a MulInt "mul" (result: dst word, left: src word, right: src word) 1 Next No "Product. Traps: overflow.";
        0x2b DivInt "div" (result: dst word, left: src word, right: src word) 2 Next No "Whole quotient, truncated toward zero. Traps: division by zero, overflow.";
        0x2c ModInt "mod" (result: dst word, left: src word, right: src word) 2 Next No "Remainder with the dividend's sign. Traps: division by zero.";
        0x2d NegInt "neg" (result: dst word, value: src word) 1 Next No "Negation. Traps: overflow.";
        0x2e Product "product" (result: dst word, left: src word, right: src word, divisor: integer) 4 Next No "left × right ÷ divisor, exact, rounded half to even. Traps: overflow.";
        0x2f Quotient "quotient" (result: dst word, left: src word, right: src word, factor: integer) 4 Next No "left × factor ÷ right, exact, rounded half to even. Traps: division by zero, overflow.";
        0x30 Scale "scale" (result: dst word, value: src word, factor: src float) 4 Next No "value × factor, exact, rounded half to even. Traps: overflow.";
        0x31 Unscale "unscale" (result: dst word, value: src word, divisor: src float) 4 Next No "value ÷ divisor, exact, rounded half to even. Traps: division by zero, overflow.";
        0x32 Ratio "ratio" (result: dst float, left: src word, right: src word) 2 Next No "left ÷ right as a float. Traps: division by zero.";
        // Float arithmetic; a result that is not finite traps
        0x38 AddFloat "fadd" (result: dst float, left: src float, right: src float) 1 Next No "Sum. Traps: not finite.";
        0x39 SubFloat "fsub" (result: dst float, left: src float, right: src float) 1 Next No "Difference. Traps: not finite.";
        0x3a MulFloat "fmul" (result: dst float, left: src float, right: src float) 1 Next No "Product. Traps: not finite.";
        0x3b DivFloat "fdiv" (result: dst float, left: src float, right: src float) 2 Next No "Quotient. Traps: division by zero, not finite.";
        0x3c NegFloat "fneg" (result: dst float, value: src float) 1 Next No "Negation.";
        0x3d IntToFloat "int.float" (result: dst float, value: src word) 1 Next No "The nearest float.";
        0x3e PercentToFloat "percent.float" (result: dst float, value: src word) 2 Next No "Parts per million as a float: 20% is 0.2.";
        // Comparison
        0x40 EqInt "eq" (result: dst bool, left: src scalar, right: src scalar) 1 Next No "left = right.";
        0x41 NeInt "ne" (result: dst bool, left: src scalar, right: src scalar) 1 Next No "left ≠ right.";
        0x42 LtInt "lt" (result: dst bool, left: src word, right: src word) 1 Next No "left < right.";
        0x43 LeInt "le" (result: dst bool, left: src word, right: src word) 1 Next No "left ≤ right.";
        0x44 EqFloat "feq" (result: dst bool, left: src float, right: src float) 1 Next No "left = right; −0 equals 0.";
        0x45 NeFloat "fne" (result: dst bool, left: src float, right: src float) 1 Next No "left ≠ right.";
        0x46 LtFloat "flt" (result: dst bool, left: src float, right: src float) 1 Next No "left < right.";
        0x47 LeFloat "fle" (result: dst bool, left: src float, right: src float) 1 Next No "left ≤ right.";
        0x48 EqString "seq" (result: dst bool, left: src string, right: src string) 2 Next Dynamic "The same text.";
        0x49 LtString "slt" (result: dst bool, left: src string, right: src string) 2 Next Dynamic "left before right, by code point.";
        0x4a LeString "sle" (result: dst bool, left: src string, right: src string) 2 Next Dynamic "left before or equal to right, by code point.";
        0x4b EqValue "veq" (result: dst bool, left: src any, right: src any) 2 Next Dynamic "Records, lists and optionals of one type, compared by value.";
        0x4c Not "not" (result: dst bool, value: src bool) 1 Next No "Negation.";
        // Records, lists, optionals
        0x50 NewRecord "record.new" (result: dst record, fields: registers) 4 Next Dynamic "A record of the result's type; one register a field, in order.";
        0x51 Field "field" (result: dst any, record: src record, field: field) 1 Next No "Read a field.";
        0x52 SetField "field.set" (record: dst record, field: field, value: src any) 2 Next Dynamic "Write a field; copies a shared record first.";
        0x53 NewList "list.new" (result: dst list, items: registers) 4 Next Dynamic "A list of the items.";
        0x54 Length "length" (result: dst word, list: src list) 1 Next No "How many items.";
        0x55 Item "item" (result: dst any, list: src list, index: src word) 2 Next No "Read an item, counted from 0. Traps: index out of range.";
        0x56 SetItem "item.set" (list: dst list, index: src word, value: src any) 2 Next Dynamic "Write an item; copies a shared list first. Traps: index out of range.";
        0x57 Some "some" (result: dst optional, value: src any) 4 Next Dynamic "Wrap a value.";
        0x58 IsSome "is_some" (result: dst bool, value: src optional) 1 Next No "Whether there is a value.";
        0x59 Unwrap "unwrap" (result: dst any, value: src optional) 1 Next No "The value. Traps: NONE.";
        0x5a Push "push" (list: dst list, value: src any) 2 Next Dynamic "Append an item; copies a shared list first, and moves one that is full. Traps: too long.";
        0x5b Top "top" (result: dst list, list: src list, keys: src list, count: src word, bottom: integer) 4 Next Dynamic "The `count` items with the greatest keys (`bottom` 1: the least), best first; among equal keys the one that stands first. All, where there are fewer; none, where `count` is below 1. `keys` has a key for each item. Traps: too long; index out of range, where an item has no key.";
        // Actions that are waited for, and blocks with budgets of their own
        0x60 TryHost "host.try" (accepted: dst bool, import: import, arguments: registers) 8 Call Dynamic "Issue an action and wait for it: FALSE if the host refused it or failed, a veto forbade it, or its capability is not granted.";
        0x61 RetryHost "host.retry" (accepted: dst bool, times: short, backoff: src word, import: import, arguments: registers) 8 Call Dynamic "As `host.try`, at most `times` attempts in all, waiting `backoff` ns before the second and twice as long before each further one.";
        0x62 Within "within" (budgets: rare, saved: rare, phase: string, undoes: short) 4 OpenWithin Dynamic "A block with budgets of its own: a duration, money, tokens, each at most once. With `undoes` 1 it closes with `within.else`: its actions are held until it ends, and if a budget runs out, the `saved` registers, STATE, metrics and held actions are put back and the block behind `within.else` runs. `phase` names it in the trace unless it is empty.";
        0x63 WithinElse "within.else" () 1 WithinElse Yes "The block has ended within its budgets: what it held is kept; go to the `end`.";
        0x64 WithinEnd "within.end" () 1 WithinEnd Yes "Closes a `within` that does not undo.";
        // Enums
        0x68 NewCase "case.new" (result: dst enum, case: case, fields: registers) 4 Next Dynamic "A case of an enum with its payload.";
        0x69 Case "case" (result: dst word, value: src enum) 1 Next No "Which case a value is, counted from 0.";
        0x6a Payload "payload" (result: dst any, value: src enum, case: case, field: field) 1 Next No "A field of a case's payload. Traps: wrong case.";
        // Maps
        0x70 NewMap "map.new" (result: dst map, entries: registers) 4 Next Dynamic "A map of the entries: key, value, key, value, …; a later key replaces an equal earlier one.";
        0x71 Find "map.find" (found: dst bool, value: dst any, map: src map, key: src any) 4 Next Dynamic "The value under a key; the zero of its type if there is none.";
        0x72 SetEntry "map.set" (map: dst map, key: src any, value: src any) 6 Next Dynamic "Put a value under a key; copies a shared map first, and moves one that is full. Traps: too long.";
        0x73 RemoveEntry "map.remove" (map: dst map, key: src any) 6 Next Dynamic "Take a key out, if it is there; copies a shared map first.";
        0x74 MapLength "map.length" (result: dst word, map: src map) 1 Next No "How many entries.";
        0x75 ForEachEntry "foreach.entry" (key: dst any, value: dst any, index: dst word, map: src map) 4 OpenLoop Dynamic "For each entry of `map`, in the order of its keys. The block may not write `index` or `map`. Closed by `next`.";
        // Text and library functions
        0x78 Text "text" (result: dst string, value: src any) 4 Next Dynamic "A value as text: what JSON output prints, without quotes; a record as its key. Traps: too long.";
        0x79 Concat "concat" (result: dst string, parts: registers) 4 Next Dynamic "The texts, one behind the other. Traps: too long.";
        0x7a Native "native" (result: dst any, native: native, arguments: registers) 4 Next Dynamic "A function of the library that is not written in Swarm; see the table of natives.";
    } };
}

/// What kind of operand stands at a place of an op.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperandKind {
    /// A register that is written.
    Destination(OperandClass),
    /// A register that is read.
    Source(OperandClass),
    /// A list of registers that are read.
    Registers,
    /// An `i64`, zigzag LEB128.
    Integer,
    /// Index into the module's floats.
    Float,
    /// Index into the module's strings.
    String,
    /// Index of a function.
    Function,
    /// Index of an import.
    Import,
    /// Index of an input.
    Input,
    /// Index of a context value.
    Context,
    /// Index of a metric.
    Metric,
    /// Index of a STATE variable.
    State,
    /// Index of an enum's case.
    Case,
    /// Index of a native function.
    Native,
    /// Index of a record's field, or of a field of a case's payload.
    Field,
    /// How many enclosing blocks out.
    Depth,
}

/// Which classes of type a register operand admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperandClass {
    /// Integer-carried, not bool.
    Word,
    /// Bool.
    Bool,
    /// Integer-carried or bool.
    Scalar,
    /// Float or rate.
    Float,
    /// Integer-carried, bool or float-carried.
    ScalarOrFloat,
    /// String.
    String,
    /// List.
    List,
    /// Record.
    Record,
    /// Optional.
    Optional,
    /// Enum.
    Enum,
    /// Map.
    Map,
    /// Every class.
    Any,
    /// Exactly the type of the op's destination.
    Same,
}

/// One row of the op table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpInfo {
    /// The byte that stands for it.
    pub code: u8,
    /// Name of the variant of [`Op`].
    pub name: &'static str,
    /// What the disassembler prints.
    pub mnemonic: &'static str,
    /// Its operands in order: name and kind.
    pub operands: &'static [(&'static str, OperandKind)],
    /// Static cost in fuel.
    pub cost: u16,
    /// What it does to control flow.
    pub flow: Flow,
    /// When it settles.
    pub settle: Settle,
    /// One sentence.
    pub doc: &'static str,
}

macro_rules! operand_type {
    (dst $class:ident) => { Register };
    (src $class:ident) => { Register };
    (registers) => { Registers };
    (rare) => { Box<Registers> };
    (integer) => { i64 };
    (short) => { i16 };
    (float) => { FloatId };
    (string) => { StringId };
    (function) => { FunctionId };
    (import) => { ImportId };
    (input) => { InputId };
    (context) => { ContextId };
    (metric) => { MetricId };
    (state) => { StateId };
    (case) => { u8 };
    (native) => { NativeId };
    (field) => { u8 };
    (depth) => { u8 };
}

macro_rules! operand_class {
    (word) => {
        OperandClass::Word
    };
    (bool) => {
        OperandClass::Bool
    };
    (scalar) => {
        OperandClass::Scalar
    };
    (float) => {
        OperandClass::Float
    };
    (scalar_or_float) => {
        OperandClass::ScalarOrFloat
    };
    (string) => {
        OperandClass::String
    };
    (list) => {
        OperandClass::List
    };
    (record) => {
        OperandClass::Record
    };
    (optional) => {
        OperandClass::Optional
    };
    (enum) => {
        OperandClass::Enum
    };
    (map) => {
        OperandClass::Map
    };
    (any) => {
        OperandClass::Any
    };
    (same) => {
        OperandClass::Same
    };
}

macro_rules! operand_kind {
    (dst $class:ident) => {
        OperandKind::Destination(operand_class!($class))
    };
    (src $class:ident) => {
        OperandKind::Source(operand_class!($class))
    };
    (registers) => {
        OperandKind::Registers
    };
    (rare) => {
        OperandKind::Registers
    };
    (integer) => {
        OperandKind::Integer
    };
    (short) => {
        OperandKind::Integer
    };
    (float) => {
        OperandKind::Float
    };
    (string) => {
        OperandKind::String
    };
    (function) => {
        OperandKind::Function
    };
    (import) => {
        OperandKind::Import
    };
    (input) => {
        OperandKind::Input
    };
    (context) => {
        OperandKind::Context
    };
    (metric) => {
        OperandKind::Metric
    };
    (state) => {
        OperandKind::State
    };
    (case) => {
        OperandKind::Case
    };
    (native) => {
        OperandKind::Native
    };
    (field) => {
        OperandKind::Field
    };
    (depth) => {
        OperandKind::Depth
    };
}

/// A borrowed operand of an op, for code that treats all ops alike (codec, disassembler, verifier).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operand<'a> {
    /// A register, read or written; its [`OperandKind`] tells which.
    Register(Register),
    /// A list of registers that are read.
    Registers(&'a [Register]),
    /// An integer constant.
    Integer(i64),
    /// An index of some table, or a depth; its [`OperandKind`] tells which.
    Index(u32),
}

/// Turns one typed operand into its general form and back.
pub trait OperandValue: Sized {
    /// The general form.
    fn operand(&self) -> Operand<'_>;
}

impl OperandValue for Register {
    fn operand(&self) -> Operand<'_> {
        Operand::Register(*self)
    }
}

impl OperandValue for Registers {
    fn operand(&self) -> Operand<'_> {
        Operand::Registers(self)
    }
}

impl OperandValue for Box<Registers> {
    fn operand(&self) -> Operand<'_> {
        Operand::Registers(self)
    }
}

impl OperandValue for i16 {
    fn operand(&self) -> Operand<'_> {
        Operand::Integer(i64::from(*self))
    }
}

impl OperandValue for i64 {
    fn operand(&self) -> Operand<'_> {
        Operand::Integer(*self)
    }
}

impl OperandValue for u8 {
    fn operand(&self) -> Operand<'_> {
        Operand::Index(u32::from(*self))
    }
}

macro_rules! index_operands {
    ($($name:ident),*) => { $(
        impl OperandValue for $name {
            fn operand(&self) -> Operand<'_> {
                Operand::Index(u32::from(self.0))
            }
        }
    )* };
}
index_operands!(FloatId, StringId, FunctionId, ImportId, InputId, ContextId, MetricId, StateId, NativeId);

/// Reads operands of each kind in turn; the codec implements it over bytes.
pub trait OperandReader {
    /// What can go wrong.
    type Error;
    /// A register that is read.
    fn register(&mut self) -> Result<Register, Self::Error>;
    /// A register that is written.
    ///
    /// # Errors
    /// As [`OperandReader::register`].
    fn result(&mut self) -> Result<Register, Self::Error> {
        self.register()
    }
    /// A list of registers.
    fn registers(&mut self) -> Result<Registers, Self::Error>;
    /// A list of registers that lies beside its op.
    ///
    /// # Errors
    /// As [`OperandReader::registers`].
    fn rare(&mut self) -> Result<Box<Registers>, Self::Error> {
        self.registers().map(Box::new)
    }
    /// An integer constant.
    fn integer(&mut self) -> Result<i64, Self::Error>;
    /// An integer constant that fits 16 bits.
    fn short(&mut self) -> Result<i16, Self::Error>;
    /// An index that fits 16 bits.
    fn index(&mut self) -> Result<u16, Self::Error>;
    /// An index of what is called with the registers that follow.
    ///
    /// # Errors
    /// As [`OperandReader::index`].
    fn callee(&mut self) -> Result<u16, Self::Error> {
        self.index()
    }
    /// An index that fits 8 bits.
    fn small(&mut self) -> Result<u8, Self::Error>;
}

macro_rules! read_operand {
    ($reader:ident dst $class:ident) => {
        $reader.result()?
    };
    ($reader:ident src $class:ident) => {
        $reader.register()?
    };
    ($reader:ident registers) => {
        $reader.registers()?
    };
    ($reader:ident rare) => {
        $reader.rare()?
    };
    ($reader:ident integer) => {
        $reader.integer()?
    };
    ($reader:ident short) => {
        $reader.short()?
    };
    ($reader:ident float) => {
        FloatId($reader.index()?)
    };
    ($reader:ident string) => {
        StringId($reader.index()?)
    };
    ($reader:ident function) => {
        FunctionId($reader.callee()?)
    };
    ($reader:ident import) => {
        ImportId($reader.callee()?)
    };
    ($reader:ident input) => {
        InputId($reader.index()?)
    };
    ($reader:ident context) => {
        ContextId($reader.index()?)
    };
    ($reader:ident metric) => {
        MetricId($reader.index()?)
    };
    ($reader:ident state) => {
        StateId($reader.index()?)
    };
    ($reader:ident case) => {
        $reader.small()?
    };
    ($reader:ident native) => {
        NativeId($reader.callee()?)
    };
    ($reader:ident field) => {
        $reader.small()?
    };
    ($reader:ident depth) => {
        $reader.small()?
    };
}

macro_rules! define_ops {
    ($( $code:literal $name:ident $mnemonic:literal ( $( $operand:ident : $kind:ident $($class:ident)? ),* )
        $cost:literal $flow:ident $settle:ident $doc:literal ; )*) => {
        /// One instruction. See the table in [`for_each_op!`](crate::for_each_op).
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        pub enum Op { $(
            #[doc = $doc]
            $name { $(
                #[doc = concat!("Operand `", stringify!($operand), "`.")]
                $operand: operand_type!($kind $($class)?),
            )* },
        )* }

        /// All rows, in order of their codes.
        pub static OPS: &[OpInfo] = &[ $( OpInfo {
            code: $code,
            name: stringify!($name),
            mnemonic: $mnemonic,
            operands: &[ $( (stringify!($operand), operand_kind!($kind $($class)?)) ),* ],
            cost: $cost,
            flow: Flow::$flow,
            settle: Settle::$settle,
            doc: $doc,
        } ),* ];

        impl Op {
            /// The op's row in the table.
            pub fn info(&self) -> &'static OpInfo {
                match self { $( Op::$name { .. } => {
                    const INFO: &OpInfo = &OpInfo {
                        code: $code,
                        name: stringify!($name),
                        mnemonic: $mnemonic,
                        operands: &[ $( (stringify!($operand), operand_kind!($kind $($class)?)) ),* ],
                        cost: $cost,
                        flow: Flow::$flow,
                        settle: Settle::$settle,
                        doc: $doc,
                    };
                    INFO
                } )* }
            }

            /// Calls `visit` with each operand in order, beside its name and kind.
            pub fn visit_operands<'a>(&'a self, mut visit: impl FnMut(&'static str, OperandKind, Operand<'a>)) {
                match self { $( Op::$name { $( $operand ),* } => {
                    $( visit(stringify!($operand), operand_kind!($kind $($class)?), $operand.operand()); )*
                    let _ = &mut visit;
                } )* }
            }

            /// Reads the operands of the op with this code; `Ok(None)` for a code that no op has.
            ///
            /// # Errors
            /// What the reader reports.
            pub fn read<R: OperandReader>(code: u8, reader: &mut R) -> Result<Option<Op>, R::Error> {
                Ok(match code {
                    $( $code => Some(Op::$name { $( $operand: read_operand!(reader $kind $($class)?) ),* }), )*
                    _ => { let _ = reader; None }
                })
            }
        }
    };
}

for_each_op!(define_ops);

// What a module takes in memory is mostly this.
const _: () = assert!(size_of::<Op>() == 24);
