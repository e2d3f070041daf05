//! How long the lists and maps are that functions give: no longer than their type admits, and often no longer
//! than what the function was given.

use swarm_bytecode::module::{FunctionId, Module};
use swarm_bytecode::types::Type;
use swarm_grammar::span::Span;

use super::facts::FunctionFacts;
use super::report::maximum;
use super::sum::{Size, Sum, Symbol};

/// A call whose result has items.
#[derive(Debug, Clone)]
pub struct ResultFacts {
    /// The function it stands in.
    pub caller: FunctionId,
    /// The function it calls.
    pub callee: FunctionId,
    /// Size of each argument.
    pub sizes: Vec<Size>,
    /// MAX of the type of the result.
    pub most: u64,
}

/// The items of the result of each call, as far as parameters of the caller and inputs say.
pub(crate) struct Results<'f> {
    module: &'f Module,
    functions: &'f [FunctionFacts],
    calls: &'f [ResultFacts],
    known: Vec<Option<Sum>>,
}

impl<'f> Results<'f> {
    pub(crate) fn new(
        module: &'f Module,
        functions: &'f [FunctionFacts],
        calls: &'f [ResultFacts],
    ) -> Results<'f> {
        Results { module, functions, calls, known: vec![None; calls.len()] }
    }

    /// The results of all calls, in order.
    pub(crate) fn all(mut self) -> Vec<Sum> {
        (0..self.calls.len()).map(|at| self.result(at)).collect()
    }

    fn result(&mut self, at: usize) -> Sum {
        if let Some(Some(known)) = self.known.get(at) {
            return known.clone();
        }
        let Some(call) = self.calls.get(at) else { return Sum::zero() };
        let most = Sum::constant(call.most);
        // Of a function that calls itself its type alone says how much it gives.
        self.know(at, most.clone());
        let given =
            self.functions.get(call.callee.index()).and_then(|callee| callee.result.as_ref()?.as_ref().ok());
        let own = given.and_then(|given| {
            let given = self.resolved(given)?;
            let sizes: Vec<Size> = call
                .sizes
                .iter()
                .map(|size| size.clone().map(|size| self.resolved(&size).unwrap_or(most.clone())))
                .collect();
            given.substitute(&sizes, Span::default()).ok()
        });
        let own = own.filter(|own| self.greatest(own, call.caller).is_some_and(|own| own <= call.most));
        let result = own.unwrap_or(most);
        self.know(at, result.clone());
        result
    }

    fn know(&mut self, at: usize, result: Sum) {
        if let Some(slot) = self.known.get_mut(at) {
            *slot = Some(result);
        }
    }

    /// With the results of other calls in their places.
    fn resolved(&mut self, sum: &Sum) -> Option<Sum> {
        let mut results = std::collections::BTreeMap::new();
        for symbol in sum.symbols() {
            if let Symbol::Result(call) = symbol {
                let result = self.result(call as usize);
                results.insert(symbol, result);
            }
        }
        sum.replace(&|symbol| results.get(&symbol).cloned())
    }

    /// Its value where inputs and parameters of `function` are as great as their types admit.
    fn greatest(&self, sum: &Sum, function: FunctionId) -> Option<u64> {
        let function = self.module.functions.get(function.index())?;
        sum.at_most(&|symbol| match symbol {
            Symbol::Input(input) => maximum(self.module, input),
            Symbol::Parameter(at) => match self.module.ty(*function.registers.get(at as usize)?)? {
                Type::List { max, .. } | Type::Map { max, .. } => max.map(u64::from),
                _ => None,
            },
            Symbol::Text(_) | Symbol::Result(_) => None,
        })
    }
}
