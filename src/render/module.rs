//! What a module is, before it runs: for people and for programs.

use serde_json::{Map, Value, json};
use swarm_bytecode::codec::{self, digest_text, program_digest};
use swarm_bytecode::disassemble::type_name;
use swarm_bytecode::module::{Amount, Effect, Import, MetricKind, Module, Priority, Target, TargetCount};
use swarm_bytecode::quantity;
use swarm_bytecode::types::{Type, TypeId};

use super::bound;
use super::style::{bold, dim, name};
use super::text::{grouped, plural, safe};

/// What every look at a module begins with.
pub(crate) fn summary_json(module: &Module, bytes: &[u8]) -> Map<String, Value> {
    let inputs: Vec<Value> =
        module.inputs.iter().map(|input| input_json(module, &input.name, input.ty)).collect();
    let document = json!({
        "instruction": module.instruction.name.as_str(),
        "version": module.instruction.version,
        "output": null,
        "size": { "bytes": bytes.len(), "with_debug": with_debug(module, bytes), "without_debug": stripped(bytes) },
        "digest": digest_text(&program_digest(module)),
        "capabilities": capabilities(module),
        "inputs": inputs,
        "worst_case": bound::as_json(module),
    });
    match document {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// The rest.
pub(crate) fn details_json(module: &Module, bytes: &[u8]) -> Map<String, Value> {
    let header = &module.instruction;
    let money = |value: Option<i64>| value.map(|value| quantity::format(TypeId::MONEY, value));
    let tokens = |value: Option<i64>| value.map(|value| quantity::format(TypeId::TOKENS, value));
    let document = json!({
        "header": {
            "priority": priority(header.priority),
            "deadline": header.deadline_ns.map(|value| quantity::format(TypeId::DURATION, value)),
            "budget_money": money(header.budget_money),
            "budget_tokens": tokens(header.budget_tokens),
            "target": header.target.map(target_json),
        },
        "imports": module.imports.iter().map(|import| import_json(module, import)).collect::<Vec<_>>(),
        "contexts": module.contexts.iter().map(|context| input_json(module, &context.name, context.ty)).collect::<Vec<_>>(),
        "metrics": module.metrics.iter().map(|metric| json!({
            "name": metric.name.as_str(), "type": type_name(module, metric.ty), "kind": metric_kind(metric.kind),
        })).collect::<Vec<_>>(),
        "functions": module.functions.len(),
        "ops": ops(module),
        "sections": sections(bytes).into_iter().map(|(name, size)| json!({ "name": name, "bytes": size })).collect::<Vec<_>>(),
    });
    match document {
        Value::Object(mut members) => {
            members.insert("debug".into(), json!(module.debug.is_some()));
            members
        }
        _ => Map::new(),
    }
}

/// Name, size, digest, what it asks for and reads, and the worst case.
pub(crate) fn summary_text(module: &Module, bytes: &[u8]) -> String {
    let mut text = String::new();
    let title = format!("{} version {}", safe(&module.instruction.name), module.instruction.version);
    row(&mut text, "instruction", &bold(&title));
    let with_names = match with_debug(module, bytes) {
        Some(size) => {
            format!("{}, {} with names and places", plural(stripped(bytes), "byte"), grouped(size as u128))
        }
        None => format!("{}, without names and places", plural(stripped(bytes), "byte")),
    };
    row(&mut text, "size", &with_names);
    row(&mut text, "digest", &digest_text(&program_digest(module)));
    let capabilities: Vec<String> =
        capabilities(module).iter().map(|capability| name(&safe(capability))).collect();
    row(&mut text, "asks for", &or_nothing(&capabilities.join(", ")));
    let inputs: Vec<String> =
        module.inputs.iter().map(|input| input_text(module, &input.name, input.ty)).collect();
    rows(&mut text, "reads", &inputs);
    rows(&mut text, "worst case", &bound::as_text(module));
    text
}

/// Header, host functions, context, metrics and sections.
pub(crate) fn details_text(module: &Module, bytes: &[u8]) -> String {
    let mut text = String::new();
    let header = &module.instruction;
    let mut facts = Vec::new();
    if header.priority != Priority::Normal {
        facts.push(format!("priority {}", priority(header.priority)));
    }
    facts.extend(
        header.deadline_ns.map(|value| format!("deadline {}", quantity::format(TypeId::DURATION, value))),
    );
    facts.extend(
        header.budget_money.map(|value| format!("budget {}", quantity::format(TypeId::MONEY, value))),
    );
    facts.extend(
        header
            .budget_tokens
            .map(|value| format!("budget {} tokens", grouped(u128::try_from(value).unwrap_or(0)))),
    );
    facts.extend(header.target.map(|target| format!("target {}", target_text(target))));
    if !facts.is_empty() {
        row(&mut text, "header", &facts.join(", "));
    }
    let imports: Vec<String> = module.imports.iter().map(|import| import_text(module, import)).collect();
    rows(&mut text, "calls", &imports);
    if !module.contexts.is_empty() {
        let contexts: Vec<String> =
            module.contexts.iter().map(|context| input_text(module, &context.name, context.ty)).collect();
        rows(&mut text, "context", &contexts);
    }
    if !module.metrics.is_empty() {
        let metrics: Vec<String> = module
            .metrics
            .iter()
            .map(|metric| {
                let ty = type_name(module, metric.ty);
                format!(
                    "{}: {} {}",
                    name(&safe(&metric.name)),
                    safe(&ty),
                    metric_kind(metric.kind).to_uppercase()
                )
            })
            .collect();
        rows(&mut text, "metrics", &metrics);
    }
    let code = format!("{} in {}", plural(ops(module), "op"), plural(module.functions.len(), "function"));
    row(&mut text, "code", &code);
    let sections: Vec<String> =
        sections(bytes).into_iter().map(|(name, size)| format!("{name} {}", grouped(size as u128))).collect();
    row(&mut text, "sections", &format!("{} {}", sections.join(", "), dim("bytes")));
    text
}

/// Capabilities the module's host functions need, each once, in order.
pub(crate) fn capabilities(module: &Module) -> Vec<String> {
    let mut names: Vec<String> = module
        .imports
        .iter()
        .filter_map(|import| import.capability.as_ref().map(ToString::to_string))
        .collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// A label in a column of its own, and what it says.
pub(crate) fn row(text: &mut String, label: &str, value: &str) {
    text.push_str(&format!("  {}  {value}\n", dim(&format!("{label:<11}"))));
}

/// Several lines under one label.
pub(crate) fn rows(text: &mut String, label: &str, values: &[String]) {
    if values.is_empty() {
        return row(text, label, &or_nothing(""));
    }
    for (index, value) in values.iter().enumerate() {
        row(text, if index == 0 { label } else { "" }, value);
    }
}

fn or_nothing(text: &str) -> String {
    if text.is_empty() { dim("nothing") } else { text.to_owned() }
}

fn stripped(bytes: &[u8]) -> usize {
    codec::strip(bytes).map_or(bytes.len(), |stripped| stripped.len())
}

/// Size with names and places, if the module has them.
fn with_debug(module: &Module, bytes: &[u8]) -> Option<usize> {
    module.debug.as_ref().map(|_| bytes.len())
}

fn ops(module: &Module) -> usize {
    module.functions.iter().map(|function| function.code.len()).sum()
}

fn sections(bytes: &[u8]) -> Vec<(&'static str, usize)> {
    let sections = codec::sections(bytes).unwrap_or_default();
    sections.into_iter().map(|(section, range)| (section.name(), range.len())).collect()
}

/// The type without its MAX, and the MAX.
fn type_and_max(module: &Module, ty: TypeId) -> (String, Option<u32>) {
    match module.ty(ty) {
        Some(Type::List { element, max }) => (format!("list<{}>", type_name(module, *element)), *max),
        _ => (type_name(module, ty), None),
    }
}

fn input_json(module: &Module, input: &str, ty: TypeId) -> Value {
    let (ty, max) = type_and_max(module, ty);
    json!({ "name": input, "type": ty, "max": max })
}

fn input_text(module: &Module, input: &str, ty: TypeId) -> String {
    let (ty, max) = type_and_max(module, ty);
    let max = max.map_or(String::new(), |max| format!(", at most {}", grouped(max.into())));
    format!("{}: {}{max}", name(&safe(input)), safe(&ty))
}

fn import_json(module: &Module, import: &Import) -> Value {
    json!({
        "name": import.name.as_str(),
        "parameters": import.parameters.iter().map(|ty| type_name(module, *ty)).collect::<Vec<_>>(),
        "result": import.result.map(|ty| type_name(module, ty)),
        "effect": effect(import.effect),
        "capability": import.capability.as_deref(),
        "money": amount(import.cost.money, TypeId::MONEY),
        "tokens": amount(import.cost.tokens, TypeId::TOKENS),
    })
}

fn import_text(module: &Module, import: &Import) -> String {
    let parameters: Vec<String> =
        import.parameters.iter().map(|ty| safe(&type_name(module, *ty)).into_owned()).collect();
    let result = import.result.map_or(String::new(), |ty| format!(" -> {}", safe(&type_name(module, ty))));
    let mut facts = vec![effect(import.effect).to_owned()];
    facts.extend(import.capability.as_ref().map(|capability| format!("requires {}", safe(capability))));
    for (cost, ty) in [(import.cost.money, TypeId::MONEY), (import.cost.tokens, TypeId::TOKENS)] {
        match cost {
            Amount::Fixed(0) => {}
            Amount::Fixed(value) => facts.push(format!("costs {}", quantity::format(ty, value))),
            Amount::Computed(_) => facts.push("costs by its arguments".to_owned()),
        }
    }
    format!("{}({}){result}  {}", name(&safe(&import.name)), parameters.join(", "), dim(&facts.join(", ")))
}

/// A price as text with its unit; `null` where it depends on the arguments.
fn amount(amount: Amount, ty: TypeId) -> Value {
    match amount {
        Amount::Fixed(value) => json!(quantity::format(ty, value)),
        Amount::Computed(_) => Value::Null,
    }
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Query => "query",
        Effect::Idempotent => "idempotent",
        Effect::Once => "once",
        Effect::Plain => "action",
    }
}

fn metric_kind(kind: MetricKind) -> &'static str {
    match kind {
        MetricKind::Total => "total",
        MetricKind::Gauge => "gauge",
        MetricKind::Distribution => "distribution",
    }
}

/// PRIORITY in a word.
pub(crate) fn priority(priority: Priority) -> &'static str {
    match priority {
        Priority::Low => "low",
        Priority::Normal => "normal",
        Priority::High => "high",
        Priority::Critical => "critical",
    }
}

fn target_json(target: Target) -> Value {
    let (kind, agents) = match target.count {
        TargetCount::All => ("all", None),
        TargetCount::Exactly(count) => ("exactly", Some(count)),
        TargetCount::UpTo(count) => ("up_to", Some(count)),
    };
    json!({ "kind": kind, "agents": agents, "filtered": target.filter.is_some() })
}

fn target_text(target: Target) -> String {
    let count = match target.count {
        TargetCount::All => "all agents".to_owned(),
        TargetCount::Exactly(count) => format!("{} agents", grouped(count.into())),
        TargetCount::UpTo(count) => format!("up to {} agents", grouped(count.into())),
    };
    if target.filter.is_some() { format!("{count} with a filter") } else { count }
}
