//! The bound: the worst case of a program, computed from the code as it is sent.
//!
//! The code generator says how often each loop goes round, how great each argument is and what may have to be
//! copied; the walk over the code adds up fuel, memory, host calls, money and tokens along the costliest way.
//! The result holds for every run: where anything is not known, the bound says `Unbounded` and why. Fuel and
//! memory are those of one activation, because each has its own limit; money, tokens and host calls those of
//! a whole order.

pub mod advice;
mod budget;
mod cost;
mod evaluate;
pub mod facts;
pub mod fleet;
mod functions;
pub mod lines;
mod natives;
mod ops;
mod order;
mod prove;
pub mod remedy;
pub mod report;
pub mod results;
pub mod sum;
pub mod texts;
mod unbounded;
mod walk;
mod weight;

use swarm_bytecode::module::{Module, StateId};
use swarm_grammar::span::Span;

pub use advice::advice;
pub(crate) use budget::warn_of_budget;
pub use fleet::{FleetBill, fleet};
pub use functions::FunctionBound;
pub use lines::{LineAmounts, LineCost, costliest, lines};
pub use remedy::{Part, Remedy};
pub use report::{
    Activation, Amounts, CallBound, Report, Wake, evaluate, evaluate_polynomial, formula, formula_with,
    thousands,
};
pub use sum::{Cause, Unbounded};
pub(crate) use unbounded::warn_of_unbounded;
pub use weight::BORDER_TEXT_BYTES;

use facts::FunctionFacts;
use results::ResultFacts;
use sum::Sum;
use texts::TextStores;

/// What the code generator knows of a module beside its code.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Of each of its functions, by id.
    pub functions: Vec<FunctionFacts>,
    /// How long texts can be.
    pub texts: TextStores,
    /// Calls whose results have items.
    pub results: Vec<ResultFacts>,
    /// STATE variables of which a part is assigned somewhere.
    pub changed: Vec<StateId>,
    /// STATE variables that are lists which items are put behind somewhere.
    pub pushed: Vec<StateId>,
    /// STATE variables, in order.
    pub states: Vec<StateFacts>,
    /// Where ON handlers are declared.
    pub events: Vec<Span>,
    /// Where EVERY stands.
    pub timers: Vec<Span>,
}

/// Facts of a STATE variable.
#[derive(Debug, Clone)]
pub struct StateFacts {
    /// Its declaration.
    pub span: Span,
    /// If it is a text, how long that can be.
    pub text: Option<Sum>,
}

/// Proves the bound of a module from the facts that came with its code.
pub fn prove(module: &Module, facts: &Facts) -> Report {
    order::Order::new(module, facts).report()
}
