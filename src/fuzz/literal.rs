//! Values as they are written in a program, and a case as a TEST.

use std::fmt::Write;

use swarm_bytecode::module::Module;
use swarm_bytecode::quantity;
use swarm_bytecode::types::{Constant, Type, TypeId};
use swarm_vm::Value;

use super::generate::parameters;
use super::{Case, Step};

/// The first line of a TEST that shows a case.
pub(super) fn head(case: &Case) -> String {
    let line = case.line.map_or(String::new(), |line| format!(", line {line}"));
    format!("TEST {} {{\n", quoted(&format!("fuzz: {}{line}", case.message)))
}

/// Inputs and context values, as they are written.
pub(super) fn given<'c>(case: &'c Case, module: &'c Module) -> impl Iterator<Item = (&'c str, String)> {
    let inputs = module.inputs.iter().map(|input| input.ty).zip(&case.given.inputs);
    let contexts = module.contexts.iter().map(|context| context.ty).zip(&case.given.contexts);
    inputs.chain(contexts).map(|(ty, (name, value))| (name.as_str(), literal(module, ty, value)))
}

/// The lines that answer queries.
pub(super) fn answers(case: &Case, module: &Module) -> String {
    let mut text = String::new();
    for answered in &case.answers {
        let Some(import) = module.imports.get(answered.import) else { continue };
        let arguments = list(module, &import.parameters, &answered.arguments);
        let answer = import.result.map(|ty| literal(module, ty, &answered.answer)).unwrap_or_default();
        let _infallible = writeln!(text, "  GIVEN {}({arguments}) = {answer}", import.name);
    }
    text
}

/// A TEST that gives the data and runs the program.
pub(super) fn test(case: &Case, module: &Module) -> String {
    let mut text = head(case);
    for (name, value) in given(case, module) {
        let _infallible = writeln!(text, "  GIVEN {name} = {value}");
    }
    text.push_str(&answers(case, module));
    text.push_str("  RUN\n");
    for step in &case.given.steps {
        let _infallible = match step {
            Step::For(time) => {
                let time = i64::try_from(*time).unwrap_or(i64::MAX);
                writeln!(text, "  RUN FOR {}", quantity::format(TypeId::DURATION, time))
            }
            Step::Event(handler, arguments) => {
                let name = module.events.get(*handler).map_or("", |event| event.name.as_str());
                writeln!(text, "  RUN {name}({})", list(module, parameters(module, *handler), arguments))
            }
        };
    }
    text.push_str("}\n");
    text
}

fn list(module: &Module, types: &[TypeId], values: &[Value]) -> String {
    let values = types.iter().zip(values).map(|(ty, value)| literal(module, *ty, value));
    values.collect::<Vec<_>>().join(", ")
}

fn literal(module: &Module, ty: TypeId, value: &Value) -> String {
    match (module.ty(ty), value) {
        (Some(Type::Optional(inner)), value) if *value != Value::None => literal(module, *inner, value),
        (Some(Type::List { element, .. }), Value::List(items)) => {
            let items: Vec<String> = items.iter().map(|item| literal(module, *element, item)).collect();
            format!("[{}]", items.join(", "))
        }
        (Some(Type::Record { name, fields }), Value::Record(values)) => {
            let mut given = Vec::new();
            for (field, (_, value)) in fields.iter().zip(values) {
                if !field.default.as_ref().is_some_and(|default| is(value, default)) {
                    given.push(format!("{}: {}", field.name, literal(module, field.ty, value)));
                }
            }
            format!("{name}({})", given.join(", "))
        }
        (Some(Type::Map { key, value, .. }), Value::Map(entries)) => {
            let pair = |(own, other): &(Value, Value)| {
                format!("{}: {}", literal(module, *key, own), literal(module, *value, other))
            };
            let entries: Vec<String> = entries.iter().map(pair).collect();
            format!("[{}]", if entries.is_empty() { ":".to_owned() } else { entries.join(", ") })
        }
        (Some(Type::Enum { name, cases }), Value::Case(own, payload)) => {
            let case = cases.iter().find(|case| case.name == *own);
            let types = case.map_or(&[][..], |case| &case.fields);
            let fields: Vec<String> = types
                .iter()
                .zip(payload)
                .map(|(field, (name, value))| format!("{name}: {}", literal(module, field.ty, value)))
                .collect();
            // With the enum's name, so that a case of another one is never meant.
            let fields = if fields.is_empty() { String::new() } else { format!("({})", fields.join(", ")) };
            format!("{name}.{own}{fields}")
        }
        (_, Value::String(text)) => quoted(text),
        (_, Value::None) => "NONE".to_owned(),
        (_, Value::Bool(value)) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        (_, Value::Quantity(TypeId::TIME, at)) => format!("time(\"{}\")", quantity::format_time(*at)),
        (_, Value::Quantity(ty, amount)) => quantity::format(*ty, *amount),
        (_, Value::Rate(dimension, amount)) => quantity::format_rate(*dimension, *amount),
        (_, other) => other.to_json(),
    }
}

/// Whether a value is what a field has when nothing is said.
fn is(value: &Value, default: &Constant) -> bool {
    match (value, default) {
        (Value::Int(value) | Value::Quantity(_, value), Constant::Word(word)) => value == word,
        (Value::Bool(value), Constant::Word(word)) => i64::from(*value) == *word,
        (Value::Float(value) | Value::Rate(_, value), Constant::Float(float)) => value == float,
        (Value::String(value), Constant::String(text)) => value == text,
        (Value::List(items), Constant::Empty) => items.is_empty(),
        (Value::Map(entries), Constant::Empty) => entries.is_empty(),
        (Value::None, Constant::Empty) => true,
        _ => false,
    }
}

/// A string literal without holes.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '{' => quoted.push_str("{{"),
            '}' => quoted.push_str("}}"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
