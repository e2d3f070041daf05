//! The five resources of a worst case: what each is called, and how it is picked and written.

use serde_json::{Map, Value, json};
use swarm_bytecode::module::{Bound, Module, Polynomial};
use swarm_bytecode::quantity;
use swarm_bytecode::types::TypeId;
use swarm_compiler::bound::{Amounts, formula_with};

use super::amount;
use super::text::{grouped, safe};

/// One resource.
pub(crate) struct Resource {
    /// Its member in JSON.
    pub(crate) key: &'static str,
    pub(crate) label: &'static str,
    pub(crate) polynomial: fn(&Bound) -> &Polynomial,
    pub(crate) amount: fn(&Amounts) -> Option<u64>,
    /// A number of it for people.
    pub(crate) show: fn(u64) -> String,
    /// A number of it in JSON.
    pub(crate) json: fn(u64) -> Value,
}

pub(crate) const FUEL: Resource = Resource {
    key: "fuel",
    label: "fuel",
    polynomial: |bound| &bound.fuel,
    amount: |amounts| amounts.fuel,
    show: plain,
    json: |value| json!(value),
};

pub(crate) const MEMORY: Resource = Resource {
    key: "memory_bytes",
    label: "memory",
    polynomial: |bound| &bound.memory,
    amount: |amounts| amounts.memory,
    show: |bytes| amount::data(bytes.into()),
    json: |value| json!(value),
};

pub(crate) const CALLS: Resource = Resource {
    key: "host_calls",
    label: "host calls",
    polynomial: |bound| &bound.host_calls,
    amount: |amounts| amounts.host_calls,
    show: plain,
    json: |value| json!(value),
};

pub(crate) const MONEY: Resource = Resource {
    key: "money",
    label: "money",
    polynomial: |bound| &bound.money,
    amount: |amounts| amounts.money,
    show: |micro| amount::money(micro.into()),
    json: |micro| json!(money_text(micro)),
};

pub(crate) const TOKENS: Resource = Resource {
    key: "tokens",
    label: "tokens",
    polynomial: |bound| &bound.tokens,
    amount: |amounts| amounts.tokens,
    show: plain,
    json: |tokens| json!(tokens_text(tokens)),
};

/// All, in the order in which they are shown.
pub(crate) const RESOURCES: [Resource; 5] = [FUEL, MEMORY, CALLS, MONEY, TOKENS];

impl Resource {
    /// A formula with its coefficients in the resource's unit.
    pub(crate) fn formula(&self, polynomial: &Polynomial, module: &Module) -> String {
        safe(&formula_with(polynomial, module, &self.show)).into_owned()
    }

    /// `{ "formula": …, "at_most": … }`
    pub(crate) fn bound_json(&self, polynomial: &Polynomial, module: &Module, at_most: Option<u64>) -> Value {
        let formula = formula_with(polynomial, module, &self.show);
        json!({ "formula": formula, "at_most": at_most.map(self.json) })
    }
}

/// All amounts by their keys.
pub(crate) fn amounts_json(amounts: &Amounts) -> Map<String, Value> {
    let member =
        |resource: &Resource| (resource.key.to_owned(), json!((resource.amount)(amounts).map(resource.json)));
    RESOURCES.iter().map(member).collect()
}

fn plain(value: u64) -> String {
    grouped(value.into())
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
