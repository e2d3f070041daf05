//! The worst case of a module, as the compiler proved it: a formula in the sizes of the inputs, and a number.

use std::collections::BTreeMap;

use serde_json::Value;
use swarm_bytecode::module::{InputId, Module, Polynomial};
use swarm_compiler::bound::{Amounts, evaluate};

pub(crate) use super::resource::{money_text, tokens_text};

use super::resource::RESOURCES;
use super::style::{dim, warning};
use super::text::padded;

/// The worst case for programs.
pub(crate) fn as_json(module: &Module) -> Value {
    let bound = &module.bound;
    let amounts = for_sizes(module, &BTreeMap::new());
    let member = |resource: &super::resource::Resource| {
        let at_most = (resource.amount)(&amounts);
        (resource.key.to_owned(), resource.bound_json((resource.polynomial)(bound), module, at_most))
    };
    Value::Object(RESOURCES.iter().map(member).collect())
}

/// The worst case for people, a resource a line; what is never used is left out.
pub(crate) fn as_text(module: &Module) -> Vec<String> {
    let amounts = for_sizes(module, &BTreeMap::new());
    let used = || RESOURCES.iter().filter(|resource| (resource.amount)(&amounts) != Some(0));
    let formulas: Vec<String> =
        used().map(|resource| resource.formula((resource.polynomial)(&module.bound), module)).collect();
    let width = formulas.iter().map(|formula| formula.chars().count()).max().unwrap_or(0);
    used()
        .zip(formulas)
        .map(|(resource, formula)| {
            let label = format!("{:<10}", resource.label);
            if matches!((resource.polynomial)(&module.bound), Polynomial::Unbounded) {
                return format!("{label}  {}", warning("unbounded: only the limit holds it"));
            }
            let at_most = match (resource.amount)(&amounts) {
                Some(value) => format!("{} {}", dim("at most"), (resource.show)(value)),
                None => dim("as large as its inputs"),
            };
            format!("{label}  {}  {at_most}", padded(&formula, width))
        })
        .collect()
}

/// The worst case for inputs of these sizes.
pub(crate) fn for_sizes(module: &Module, sizes: &BTreeMap<InputId, u64>) -> Amounts {
    evaluate(&module.bound, module, sizes)
}
