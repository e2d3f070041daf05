//! The table of natives: library functions that are not written in Swarm. Name, signature, cost and meaning of
//! each stand here once; the checker, the verifier, the interpreter and the manual read them here.
//!
//! To add one: a row below, its arm in `vm/src/native/`, and its examples, which are tests.

use crate::op::OperandValue;

/// Index into [`NATIVES`]; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NativeId(pub u16);

/// What a parameter or a result may be. `T`, `K` and `V` stand for one type each throughout a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// `int`
    Int,
    /// `float`
    Float,
    /// `bool`
    Bool,
    /// `string`
    String,
    /// `time`
    Time,
    /// `duration`
    Duration,
    /// `percent`
    Percent,
    /// Any type: `T`.
    Any,
    /// An integer-carried or float-carried type: `T`.
    Number,
    /// Anything that `<` compares: a number, a string: `T`.
    Ordered,
    /// `T?`
    OptionalAny,
    /// `int?`
    OptionalInt,
    /// `float?`
    OptionalFloat,
    /// `list<T>`
    ListAny,
    /// `list<T>` of what `<` compares.
    ListOrdered,
    /// `list<string>`
    ListString,
    /// `list<K>`
    ListKey,
    /// `list<V>`
    ListValue,
    /// `map<K, V>`
    Map,
    /// `K`
    Key,
    /// `V`
    Value,
}

/// How much a native charges beyond the static cost of its op.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charge {
    /// Nothing.
    Fixed,
    /// By the bytes of its texts, read and made: one for each [`crate::cost::TEXT_STEP`].
    Text,
    /// By the items of its list or map.
    Items,
    /// By items × ⌈log₂ items⌉.
    Sort,
}

/// One row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Native {
    /// Variant of [`NativeFunction`].
    pub name: &'static str,
    /// Parameters by name.
    pub parameters: &'static [(&'static str, Pattern)],
    /// Result.
    pub result: Pattern,
    /// Dynamic charge.
    pub charge: Charge,
    /// One sentence.
    pub doc: &'static str,
    /// Expressions with what they give; each is a test.
    pub examples: &'static [(&'static str, &'static str)],
}
