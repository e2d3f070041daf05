//! What the code generator knows of a function beside its code: how often each loop goes round, how great the
//! arguments of each call are, and what has to be copied.

use std::collections::BTreeMap;

use swarm_grammar::span::Span;

use super::sum::{Size, Sum};

/// Facts of one function, by index of op.
#[derive(Debug, Clone, Default)]
pub struct FunctionFacts {
    /// Rounds of a loop, by its opening op; items that `top` goes over.
    pub rounds: BTreeMap<usize, Size>,
    /// Calls of functions, of natives and of the host.
    pub calls: BTreeMap<usize, CallFacts>,
    /// Bytes of text that an op looks at: the shorter of two that are compared, the key of an entry; of an op over many
    /// keys the longest.
    pub texts: BTreeMap<usize, Sum>,
    /// How great what an op makes is: bytes of a text, items of a list, entries of a map.
    pub results: BTreeMap<usize, Size>,
    /// Words of objects that are copied, or move to where there is room, because of an op.
    pub moves: BTreeMap<usize, Size>,
    /// Budgets of a `within`.
    pub withins: BTreeMap<usize, WithinFacts>,
    /// Items of the list, or entries of the map, that it gives.
    pub result: Option<Size>,
    /// Where the function is declared.
    pub span: Span,
}

/// Facts of one call.
#[derive(Debug, Clone)]
pub struct CallFacts {
    /// The call.
    pub span: Span,
    /// Size of each argument: the number of items of a list or map, the bytes of a text, the value of an int; of
    /// others nothing is said.
    pub sizes: Vec<Size>,
    /// The value of each argument that is a constant.
    pub constants: Vec<Option<i64>>,
    /// Of a call of the host, the greatest money and tokens that its COSTS make of these arguments.
    pub prices: Prices,
}

/// Prices that are computed from a call's arguments; `None` where they are not.
#[derive(Debug, Clone, Default)]
pub struct Prices {
    /// Micro-dollars.
    pub money: Option<Size>,
    /// Tokens.
    pub tokens: Option<Size>,
}

/// The greatest values of a block's budgets, where they are known.
#[derive(Debug, Clone, Default)]
pub struct WithinFacts {
    /// Micro-dollars.
    pub money: Option<Sum>,
    /// Tokens.
    pub tokens: Option<Sum>,
}
