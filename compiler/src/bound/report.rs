//! The bound as people and tools read it: a formula, and numbers for given sizes.

use std::collections::BTreeMap;

use swarm_bytecode::module::{Bound, ImportId, InputId, Module, Polynomial, Term};
use swarm_bytecode::quantity;
use swarm_bytecode::types::{Type, TypeId};

use super::sum::Unbounded;

/// The proved worst case with what is worth knowing about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// The bound that stands in the module: fuel and memory of the costliest activation, the rest of a whole
    /// order.
    pub bound: Bound,
    /// The worst case of a whole order: fuel is the sum over its activations, memory that of the costliest.
    pub order: Bound,
    /// The worst case of each kind of activation: START first, then the handlers and timers in their order.
    pub activations: Vec<Activation>,
    /// What each host function has of the order's calls, money and tokens, in the module's order.
    pub calls: Vec<CallBound>,
    /// Why something is unbounded, and where; in the order of the text.
    pub causes: Vec<Unbounded>,
}

/// What a whole order can ask of one host function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallBound {
    /// The host function.
    pub import: ImportId,
    /// How often it is called.
    pub count: Polynomial,
    /// Micro-dollars of these calls together, where a budget around them does not admit less.
    pub money: Polynomial,
    /// Tokens of them.
    pub tokens: Polynomial,
}

/// One kind of activation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activation {
    /// What wakes the program up.
    pub wake: Wake,
    /// The worst case of one.
    pub bound: Bound,
    /// How often it comes to it in an order at most; `None` where nothing says so.
    pub times: Option<u64>,
}

/// What an activation comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wake {
    /// The start of the order. The first values of STATE variables count here.
    Start,
    /// An event: index of the module's handlers.
    Event(usize),
    /// A timer: index of the module's timers.
    Timer(usize),
}

impl Wake {
    /// As it stands in the program: `ON START`, `ON VOTE`, `EVERY 30s`.
    pub fn text(self, module: &Module) -> String {
        match self {
            Wake::Start => "ON START".into(),
            Wake::Event(at) => {
                let name = module.events.get(at).map_or("?", |handler| handler.name.as_str());
                format!("ON {name}")
            }
            Wake::Timer(at) => {
                let period = module.timers.get(at).map_or(0, |timer| timer.period_ns);
                format!("EVERY {}", quantity::format(TypeId::DURATION, period))
            }
        }
    }
}

/// The bound for certain sizes. `None`: unbounded, or an input has neither a given size nor a MAX.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amounts {
    /// Fuel.
    pub fuel: Option<u64>,
    /// Logical bytes.
    pub memory: Option<u64>,
    /// Host calls.
    pub host_calls: Option<u64>,
    /// Micro-dollars.
    pub money: Option<u64>,
    /// Tokens.
    pub tokens: Option<u64>,
}

/// The bound in numbers. An input that `sizes` does not name counts with its MAX. Numbers saturate.
pub fn evaluate(bound: &Bound, module: &Module, sizes: &BTreeMap<InputId, u64>) -> Amounts {
    let value = |polynomial: &Polynomial| evaluate_polynomial(polynomial, module, sizes);
    Amounts {
        fuel: value(&bound.fuel),
        memory: value(&bound.memory),
        host_calls: value(&bound.host_calls),
        money: value(&bound.money),
        tokens: value(&bound.tokens),
    }
}

/// A formula in numbers. `None`: unbounded, or an input in it has neither a given size nor a MAX.
pub fn evaluate_polynomial(
    polynomial: &Polynomial,
    module: &Module,
    sizes: &BTreeMap<InputId, u64>,
) -> Option<u64> {
    let Polynomial::Terms(terms) = polynomial else { return None };
    let mut sum = 0_u64;
    for term in terms {
        let mut product = term.coefficient;
        for input in &term.factors {
            let size = sizes.get(input).copied().or_else(|| maximum(module, *input))?;
            product = product.saturating_mul(size);
        }
        sum = sum.saturating_add(product);
    }
    Some(sum)
}

/// MAX of an input.
pub(crate) fn maximum(module: &Module, input: InputId) -> Option<u64> {
    match module.ty(module.inputs.get(input.index())?.ty)? {
        Type::List { max, .. } | Type::Map { max, .. } => max.map(u64::from),
        _ => None,
    }
}

/// The formula: `18 + 47 × task_queue`, `n²` for a size that stands twice, `n` for once that; `unbounded`.
pub fn formula(polynomial: &Polynomial, module: &Module) -> String {
    formula_with(polynomial, module, &thousands)
}

/// The formula with its coefficients written by `number`, for amounts that have a unit.
pub fn formula_with(polynomial: &Polynomial, module: &Module, number: &dyn Fn(u64) -> String) -> String {
    let Polynomial::Terms(terms) = polynomial else { return "unbounded".into() };
    if terms.is_empty() {
        return number(0);
    }
    let terms: Vec<String> = terms.iter().map(|term| term_text(term, module, number)).collect();
    terms.join(" + ")
}

fn term_text(one: &Term, module: &Module, number: &dyn Fn(u64) -> String) -> String {
    let name = |input: &InputId| module.inputs.get(input.index()).map_or("?", |input| input.name.as_str());
    let names: Vec<&str> = one.factors.iter().map(name).collect();
    term(number(one.coefficient), &names)
}

/// A coefficient and what it is multiplied by; what is the same stands together in `names`.
pub(crate) fn term(coefficient: String, names: &[&str]) -> String {
    // Of counts: `jobs`, not `1 × jobs`. One of a unit is said: `1 B × jobs`.
    let said = names.is_empty() || coefficient != "1";
    let powers = names.chunk_by(|left, right| left == right).map(|alike| {
        let name = alike.first().copied().unwrap_or_default();
        match alike.len() {
            1 => name.to_owned(),
            2 => format!("{name}²"),
            3 => format!("{name}³"),
            more => format!("{name}^{more}"),
        }
    });
    let factors: Vec<String> = said.then_some(coefficient).into_iter().chain(powers).collect();
    factors.join(" × ")
}

/// A number with commas between its thousands.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len().saturating_add(digits.len() / 3));
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && digits.len().saturating_sub(at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
