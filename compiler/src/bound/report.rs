//! The bound as people and tools read it: a formula, and numbers for given sizes.

use std::collections::BTreeMap;

use swarm_bytecode::module::{Bound, InputId, Module, Polynomial, Term};
use swarm_bytecode::types::Type;

use super::sum::Unbounded;

/// The proved worst case with what is worth knowing about it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// The bound that stands in the module.
    pub bound: Bound,
    /// Why something is unbounded, and where; in the order of the text.
    pub causes: Vec<Unbounded>,
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

fn evaluate_polynomial(
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
fn maximum(module: &Module, input: InputId) -> Option<u64> {
    match module.ty(module.inputs.get(input.index())?.ty)? {
        Type::List { max, .. } => max.map(u64::from),
        _ => None,
    }
}

/// The formula: `18 + 47 × task_queue`, `n²` for a size that stands twice; `unbounded`.
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

fn term_text(term: &Term, module: &Module, number: &dyn Fn(u64) -> String) -> String {
    let mut text = number(term.coefficient);
    let mut rest = term.factors.as_slice();
    while let Some(&input) = rest.first() {
        let alike = rest.iter().take_while(|&&other| other == input).count();
        let name = module.inputs.get(input.index()).map_or("?", |input| input.name.as_str());
        text.push_str(" × ");
        text.push_str(name);
        match alike {
            1 => {}
            2 => text.push('²'),
            3 => text.push('³'),
            more => text.push_str(&format!("^{more}")),
        }
        rest = rest.get(alike..).unwrap_or(&[]);
    }
    text
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
