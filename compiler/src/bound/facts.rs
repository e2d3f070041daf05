//! What the code generator knows of a function beside its code: how often each loop goes round, how great the
//! arguments of each call are, and what has to be copied.

use swarm_grammar::span::Span;

use super::sum::{Size, Sum};

/// Something of each of a few ops, by index of op.
#[derive(Debug, Clone)]
pub struct ByOp<T>(Vec<(usize, T)>);

impl<T> Default for ByOp<T> {
    fn default() -> ByOp<T> {
        ByOp(Vec::new())
    }
}

impl<T> ByOp<T> {
    /// What is known of the op.
    pub fn get(&self, op: usize) -> Option<&T> {
        let at = self.0.binary_search_by_key(&op, |(known, _)| *known).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    /// Notes what is known of the op now.
    pub fn insert(&mut self, op: usize, value: T) {
        let at = self.0.partition_point(|(known, _)| *known < op);
        match self.0.get_mut(at) {
            Some(entry) if entry.0 == op => entry.1 = value,
            _ => self.0.insert(at, (op, value)),
        }
    }

    /// Takes away what is known of the op.
    pub fn remove(&mut self, op: usize) -> Option<T> {
        let at = self.0.binary_search_by_key(&op, |(known, _)| *known).ok()?;
        Some(self.0.remove(at).1)
    }

    /// All that is known, in the order of the ops.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, value)| value)
    }

    /// The same, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().map(|(_, value)| value)
    }
}

/// Facts of one function, by index of op.
#[derive(Debug, Clone, Default)]
pub struct FunctionFacts {
    /// Rounds of a loop, by its opening op; items that `top` goes over.
    pub rounds: ByOp<Size>,
    /// Calls of functions, of natives and of the host.
    pub calls: ByOp<CallFacts>,
    /// Bytes of text that an op looks at: the shorter of two that are compared, the key of an entry; of an op
    /// over many keys the longest.
    pub texts: ByOp<Sum>,
    /// How great what an op makes is: bytes of a text, items of a list, entries of a map.
    pub results: ByOp<Size>,
    /// Words of objects that are copied, or move to where there is room, because of an op.
    pub moves: ByOp<Size>,
    /// Budgets of a `within`.
    pub withins: ByOp<WithinFacts>,
    /// Items of the list, or entries of the map, that it gives.
    pub result: Option<Size>,
    /// Where the function is declared.
    pub span: Span,
}

impl FunctionFacts {
    /// All amounts in which other functions and places are spoken of.
    pub(crate) fn sums(&self) -> impl Iterator<Item = &Sum> {
        let calls = self
            .calls
            .values()
            .flat_map(|call| call.sizes.iter().chain(&call.prices.money).chain(&call.prices.tokens));
        let sizes = self.rounds.values().chain(self.results.values()).chain(self.moves.values());
        sizes.chain(calls).filter_map(|size| size.as_ref().ok()).chain(self.texts.values())
    }
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
