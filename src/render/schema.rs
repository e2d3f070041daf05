//! JSON Schema, draft 2020-12, of an order as a governor writes it, and of what comes back.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json, json};
use swarm_bytecode::module::{Module, TargetCount};
use swarm_bytecode::types::{Type, TypeId};

use super::module::priority;

/// How deep types nest here; what lies deeper may be anything.
const MAX_DEPTH: u32 = 16;

/// Both schemas, of a program with these contexts: a document is an order or a result.
pub(crate) fn schemas(module: &Module, declared: &BTreeSet<String>) -> Json {
    let header = &module.instruction;
    let name = format!("{}_v{}", header.name, header.version);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("urn:swarm:instruction:{name}"),
        "title": name,
        "oneOf": [{ "$ref": "#/$defs/order" }, { "$ref": "#/$defs/result" }],
        "$defs": { "order": order(module, &name, declared), "result": result(module, &name) },
    })
}

fn order(module: &Module, name: &str, declared: &BTreeSet<String>) -> Json {
    let header = &module.instruction;
    let mut names = vec![Json::from(name)];
    if header.version == 1 {
        names.push(header.name.as_str().into());
    }
    let agents = match header.target.map(|target| target.count) {
        Some(TargetCount::Exactly(count)) => json!({ "const": count }),
        _ => json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX }),
    };
    let mut context = Map::new();
    let mut required = Vec::new();
    for own in &module.contexts {
        let name = camel_case(&own.name);
        let optional = matches!(module.ty(own.ty), Some(Type::Optional(_)));
        if own.default.is_none() && !optional {
            required.push(Json::from(name.clone()));
        }
        context.insert(name, of_type(module, own.ty, 0));
    }
    // A module has only the contexts someone reads; an order may name all that are declared.
    for own in declared {
        context
            .entry(camel_case(own))
            .or_insert_with(|| json!({ "description": "declared, and read by nothing" }));
    }
    let quantity = |words: &str| json!({ "type": ["number", "string"], "description": words });
    if header.deadline_ns.is_some() {
        context.insert("deadline".into(), quantity("the header's DEADLINE, a bare number in milliseconds"));
    }
    if header.budget_money.is_some() {
        context.insert("budget".into(), quantity("the header's BUDGET, a bare number in dollars"));
    }
    let metrics: Vec<Json> = module.metrics.iter().map(|metric| camel_case(&metric.name).into()).collect();
    if !metrics.is_empty() {
        context.insert("metrics".into(), json!({ "type": "array", "items": { "enum": metrics } }));
    }
    let mut order_required = vec![Json::from("type")];
    if !required.is_empty() {
        order_required.push("context".into());
    }
    json!({
        "title": format!("an order to {name}"), "type": "object", "additionalProperties": false,
        "required": order_required,
        "properties": {
            "id": { "description": "names the order; the same id is the same order" },
            "type": { "enum": names },
            "target_agents": agents,
            "context": {
                "type": "object", "additionalProperties": false, "required": required, "properties": context,
            },
            "timestamp": {},
            "priority": { "type": "string", "description": format!("the program's is {}", priority(header.priority)) },
        },
    })
}

/// A value as context, input or answer has it.
fn of_type(module: &Module, ty: TypeId, depth: u32) -> Json {
    if depth > MAX_DEPTH {
        return json!({});
    }
    let deeper = depth.saturating_add(1);
    let quantity = |words: &str| json!({ "type": ["number", "string"], "description": words });
    match module.ty(ty) {
        Some(Type::Int) => json!({ "type": "integer" }),
        Some(Type::Float) => json!({ "type": "number" }),
        Some(Type::Bool) => json!({ "type": "boolean" }),
        Some(Type::String) => json!({ "type": "string" }),
        Some(Type::Secret) => json!({ "type": "string", "writeOnly": true, "description": "a secret" }),
        Some(Type::Duration) => quantity("a duration: \"5s\", \"2h\""),
        Some(Type::Bytes) => quantity("an amount of data: \"1GB\""),
        Some(Type::Bandwidth) => quantity("a bandwidth: \"100Mbps\""),
        Some(Type::Money) => quantity("money: \"$12.50\"; a bare number is dollars"),
        Some(Type::Tokens) => quantity("tokens of a language model: \"2000 tokens\""),
        Some(Type::Percent) => quantity("a share: \"20%\""),
        Some(Type::List { element, .. }) => {
            json!({ "type": "array", "items": of_type(module, *element, deeper) })
        }
        Some(Type::Optional(inner)) => {
            json!({ "anyOf": [{ "type": "null" }, of_type(module, *inner, deeper)] })
        }
        Some(Type::Map { .. }) => json!({ "type": "object" }),
        Some(Type::Record { fields, .. }) => {
            let properties: Map<String, Json> = fields
                .iter()
                .map(|field| (field.name.to_string(), of_type(module, field.ty, deeper)))
                .collect();
            json!({ "type": "object", "properties": properties })
        }
        _ => json!({}),
    }
}

/// What a governor gets back: `feedback` of a report.
fn result(module: &Module, name: &str) -> Json {
    let count = json!({ "type": "integer", "minimum": 0 });
    let parts = ["targets", "active", "refused", "failed", "silent"];
    let accounting: Map<String, Json> =
        parts.iter().map(|part| ((*part).to_owned(), count.clone())).collect();
    let figures: Map<String, Json> =
        module.metrics.iter().map(|metric| (metric.name.to_string(), json!({ "type": "string" }))).collect();
    let text = json!({ "type": ["string", "null"] });
    json!({
        "title": format!("the result of {name}"), "type": "object",
        "required": ["order", "instruction", "outcome", "after", "agents", "figures", "expectations", "alerts", "traces"],
        "properties": {
            "order": { "type": "string", "pattern": "^[0-9a-f]{32}$" },
            "instruction": { "const": name },
            "outcome": { "enum": ["rolling", "converged", "stopped", "rolled back", "halted"] },
            "after": { "type": "string" },
            "agents": {
                "type": "object", "additionalProperties": false, "required": parts, "properties": accounting,
            },
            "figures": { "type": "object", "additionalProperties": false, "properties": figures },
            "money": { "type": "string" },
            "budget": text,
            "expectations": {
                "type": "array",
                "items": {
                    "type": "object", "required": ["expectation", "holds"],
                    "properties": {
                        "expectation": { "type": "string" }, "holds": { "type": "boolean" }, "by": text,
                        "first_held": text, "judged": text, "missed_by": text, "says": text, "to_change": text,
                    },
                },
            },
            "alerts": count,
            "traces": { "type": "string", "pattern": "^sha256:[0-9a-f]{64}$" },
            "exceptions": {
                "type": "array",
                "items": { "type": "array", "items": { "type": "string" }, "minItems": 3, "maxItems": 3 },
            },
        },
    })
}

/// `current_costs` as orders have it: `currentCosts`.
fn camel_case(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut up = false;
    for letter in name.chars() {
        match letter {
            '_' => up = true,
            _ if up => {
                camel.push(letter.to_ascii_uppercase());
                up = false;
            }
            _ => camel.push(letter),
        }
    }
    camel
}
