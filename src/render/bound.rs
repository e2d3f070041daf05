//! The worst case of a module, as the compiler proved it: a formula in the sizes of the inputs, and a number.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use swarm_bytecode::module::{InputId, Module, Polynomial};
use swarm_bytecode::quantity;
use swarm_bytecode::types::TypeId;
use swarm_compiler::bound::{Amounts, evaluate, formula_with};

use super::amount;
use super::style::{dim, warning};
use super::text::{grouped, padded};

/// One resource of the bound.
struct Resource<'m> {
    key: &'static str,
    label: &'static str,
    polynomial: &'m Polynomial,
    at_most: Option<u64>,
    /// How a number of it is shown to people.
    show: fn(u64) -> String,
    /// How it stands in JSON.
    json: fn(u64) -> Value,
}

fn resources(module: &Module) -> [Resource<'_>; 5] {
    let bound = &module.bound;
    let Amounts { fuel, memory, host_calls, money, tokens } = evaluate(bound, module, &BTreeMap::new());
    let count = |value: u64| grouped(value.into());
    let number = |value: u64| json!(value);
    let resource = |key, label, polynomial, at_most| Resource {
        key,
        label,
        polynomial,
        at_most,
        show: count,
        json: number,
    };
    [
        resource("fuel", "fuel", &bound.fuel, fuel),
        Resource {
            show: |bytes| amount::data(bytes.into()),
            ..resource("memory_bytes", "memory", &bound.memory, memory)
        },
        resource("host_calls", "host calls", &bound.host_calls, host_calls),
        Resource {
            show: |micro| amount::money(micro.into()),
            json: |micro| json!(money_text(micro)),
            ..resource("money", "money", &bound.money, money)
        },
        Resource {
            json: |tokens| json!(tokens_text(tokens)),
            ..resource("tokens", "tokens", &bound.tokens, tokens)
        },
    ]
}

/// Micro-dollars as JSON has them: `$0.0042`.
pub(crate) fn money_text(micro_dollars: u64) -> String {
    unit(TypeId::MONEY, micro_dollars)
}

/// Tokens as JSON has them: `500 tokens`.
pub(crate) fn tokens_text(tokens: u64) -> String {
    unit(TypeId::TOKENS, tokens)
}

fn unit(ty: TypeId, value: u64) -> String {
    quantity::format(ty, i64::try_from(value).unwrap_or(i64::MAX))
}

/// The worst case for programs.
pub(crate) fn as_json(module: &Module) -> Value {
    let members = resources(module).into_iter().map(|resource| {
        let formula = formula_with(resource.polynomial, module, &resource.show);
        (
            resource.key.to_owned(),
            json!({ "formula": formula, "at_most": resource.at_most.map(resource.json) }),
        )
    });
    Value::Object(members.collect())
}

/// The worst case for people, a resource a line; what is never used is left out.
pub(crate) fn as_text(module: &Module) -> Vec<String> {
    let used: Vec<Resource<'_>> =
        resources(module).into_iter().filter(|resource| resource.at_most != Some(0)).collect();
    let formulas: Vec<String> =
        used.iter().map(|resource| formula_with(resource.polynomial, module, &resource.show)).collect();
    let width = formulas.iter().map(|formula| formula.chars().count()).max().unwrap_or(0);
    used.iter()
        .zip(formulas)
        .map(|(resource, formula)| {
            let label = format!("{:<10}", resource.label);
            if matches!(resource.polynomial, Polynomial::Unbounded) {
                return format!("{label}  {}", warning("unbounded: only the limit holds it"));
            }
            let at_most = match resource.at_most {
                Some(value) => format!("{} {}", dim("at most"), (resource.show)(value)),
                None => dim("as large as its inputs"),
            };
            format!("{label}  {}  {at_most}", padded(&super::text::safe(&formula), width))
        })
        .collect()
}

/// The worst case for inputs of these sizes.
pub(crate) fn for_sizes(module: &Module, sizes: &BTreeMap<InputId, u64>) -> Amounts {
    evaluate(&module.bound, module, sizes)
}
