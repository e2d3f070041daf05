//! What the code generator knows of a function beside its code: how often each loop goes round, and how great
//! the arguments of each call are.

use std::collections::BTreeMap;

use swarm_grammar::span::Span;

use super::sum::Size;

/// Facts of one function, by index of op.
#[derive(Debug, Clone, Default)]
pub struct FunctionFacts {
    /// Rounds of a loop, by its opening op.
    pub loops: BTreeMap<usize, Size>,
    /// Calls of functions and of the host.
    pub calls: BTreeMap<usize, CallFacts>,
    /// Bytes that a comparison of texts looks at, where one of them is a constant.
    pub texts: BTreeMap<usize, u64>,
    /// Items of the list that an op writes, which it may have to copy.
    pub copies: BTreeMap<usize, Size>,
    /// Where the function is declared.
    pub span: Span,
}

/// Facts of one call.
#[derive(Debug, Clone)]
pub struct CallFacts {
    /// The call.
    pub span: Span,
    /// Size of each argument: the number of items of a list, the value of an int; of others nothing is said.
    pub sizes: Vec<Size>,
    /// The value of each argument that is a constant.
    pub constants: Vec<Option<i64>>,
    /// Length in bytes of each argument that is a text which stands in the program.
    pub texts: Vec<Option<u64>>,
}
