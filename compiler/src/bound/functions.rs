//! What one call of a function costs at most, in what it is given.

use smol_str::SmolStr;
use swarm_bytecode::module::{FunctionId, Module};
use swarm_grammar::span::Span;

use super::Facts;
use super::order::Order;
use super::report::term;
use super::sum::{Size, Sum, Symbol};

/// The worst case of one call of a function, its own frame and all it calls included.
#[derive(Debug, Clone)]
pub struct FunctionBound {
    /// The function.
    pub name: SmolStr,
    /// Its parameters, by their places.
    parameters: Vec<SmolStr>,
    /// The module's inputs.
    inputs: Vec<SmolStr>,
    /// Fuel, logical bytes, host calls, micro-dollars, tokens.
    amounts: [Size; 5],
}

impl FunctionBound {
    /// Of one call of a module's function.
    pub(crate) fn new(
        name: SmolStr,
        parameters: Vec<SmolStr>,
        (module, facts): (&Module, &Facts),
        (function, span): (FunctionId, Span),
    ) -> FunctionBound {
        let cost = Order::new(module, facts).prover.function(function, span);
        let amounts = [
            cost.whole_fuel(),
            cost.memory(),
            cost.host_calls.clone(),
            cost.money.clone(),
            cost.tokens.clone(),
        ];
        let inputs = module.inputs.iter().map(|input| input.name.clone()).collect();
        FunctionBound { name, parameters, inputs, amounts }
    }

    /// The formula of fuel (0), logical bytes (1), host calls (2), micro-dollars (3) or tokens (4), its
    /// numbers written by `number`: `12 + 40 × tasks`. A parameter stands for the items of a list or map, the
    /// bytes of a text, the value of a number. `None`: no such resource, or nothing of it is used.
    pub fn formula(&self, resource: usize, number: &dyn Fn(u64) -> String) -> Option<String> {
        match self.amounts.get(resource)? {
            Ok(sum) if sum.as_constant() == Some(0) => None,
            Ok(sum) => Some(self.text(sum, number)),
            Err(_) => Some("unbounded".to_owned()),
        }
    }

    fn text(&self, sum: &Sum, number: &dyn Fn(u64) -> String) -> String {
        let names = |symbols: &[Symbol]| -> Vec<&str> {
            let name = |symbol: &Symbol| match symbol {
                Symbol::Parameter(at) => self.parameters.get(*at as usize),
                Symbol::Input(input) => self.inputs.get(input.index()),
                Symbol::Text(_) | Symbol::Result(_) => None,
            };
            symbols.iter().map(|symbol| name(symbol).map_or("?", SmolStr::as_str)).collect()
        };
        let terms: Vec<String> = sum
            .each_term()
            .map(|(symbols, coefficient)| term(number(coefficient), &names(symbols)))
            .collect();
        terms.join(" + ")
    }
}
