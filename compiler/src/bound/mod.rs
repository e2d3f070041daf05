//! The bound: the worst case of an activation, computed from the code as it is sent.
//!
//! The code generator says how often each loop goes round and how great each argument is; the walk over the code
//! adds up fuel, memory, host calls, money and tokens along the costliest way. The result holds for every run:
//! where anything is not known, the bound says `Unbounded` and why.

mod cost;
mod evaluate;
pub mod facts;
mod prove;
pub mod report;
pub mod sum;
mod walk;
mod weight;

use swarm_bytecode::module::{Bound, Module, Polynomial};

pub use report::{Amounts, Report, evaluate, formula, formula_with, thousands};
pub use sum::Unbounded;
pub use weight::BORDER_TEXT_BYTES;

use facts::FunctionFacts;
use sum::{Size, plus};

/// Proves the bound of a module from the facts that came with its code.
pub fn prove(module: &Module, facts: &[FunctionFacts]) -> Report {
    let mut prover = prove::Prover::new(module, facts);
    let span = facts.get(module.entry.index()).map_or_else(Default::default, |facts| facts.span);
    let cost = prover.function(module.entry, span);
    let memory = plus(cost.kept, &cost.frames);
    let bound = Bound {
        fuel: polynomial(&cost.fuel),
        memory: polynomial(&memory),
        host_calls: polynomial(&cost.host_calls),
        money: polynomial(&cost.money),
        tokens: polynomial(&cost.tokens),
    };
    Report { bound, causes: prover.causes() }
}

fn polynomial(size: &Size) -> Polynomial {
    size.as_ref().map_or(Polynomial::Unbounded, sum::Sum::polynomial)
}
