//! Events from a file, each with its time: `{"at": "90s", "event": "VOTE", "data": {"from": "a", "yes": true}}`.

use std::path::Path;

use serde_json::{Map, Value as Json};
use swarm_bytecode::module::{EventHandler, Module};
use swarm_bytecode::quantity::{Literal, parse_literal};
use swarm_bytecode::types::{Type, TypeId};
use swarm_grammar::suggest::closest;
use swarm_vm::{Program, Value};

use crate::files;
use crate::recording::Line;
use crate::status::{Failure, Fault};

/// Something that happens at a time of the order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    /// Nanoseconds after its start.
    pub(crate) at_ns: u64,
    /// Its name.
    pub(crate) name: String,
    /// Its arguments.
    pub(crate) arguments: Vec<Value>,
}

/// The events of a file in the order of their times; those of one time as they stand there.
pub(crate) fn read(path: &Path, program: &Program) -> Result<Vec<Event>, Failure> {
    bind(&files::display_name(path), &files::read_lines(path)?, program, false)
}

/// What the lines of a file mean for a program; all must be events it hears, unless `any` may stand there.
pub(crate) fn bind(file: &str, lines: &[Line], program: &Program, any: bool) -> Result<Vec<Event>, Failure> {
    let mut events = Vec::new();
    for (number, line) in lines {
        let unfit = |message: String| {
            let place = format!("{file}, line {number}");
            Failure::usage(Fault::WrongData, format_args!("{place}: {message}")).file(file)
        };
        let name = line.get("event").and_then(Json::as_str).unwrap_or_default();
        let module = program.module();
        let Some(handler) = module.events.iter().find(|handler| handler.name == name) else {
            if any && !name.is_empty() {
                continue;
            }
            let failure = unfit(format!("the program has no ON {name}(…)"));
            return Err(match closest(name, module.events.iter().map(|handler| handler.name.as_str())) {
                Some(near) => failure.note(format!("did you mean `{near}`?")),
                None => failure,
            });
        };
        let at_ns = time(line).ok_or_else(|| unfit("`at` is a duration, such as \"90s\"".to_owned()))?;
        let arguments = arguments(program, handler, line.get("data")).map_err(unfit)?;
        events.push(Event { at_ns, name: name.to_owned(), arguments });
    }
    events.sort_by_key(|event| event.at_ns);
    Ok(events)
}

/// Takes the secrets out of the data of events that a program hears.
pub(crate) fn redact(lines: &mut [Line], program: &Program) {
    let module = program.module();
    for (_, line) in lines {
        let name = line.get("event").and_then(Json::as_str).unwrap_or_default();
        let handler = module.events.iter().find(|handler| handler.name == name);
        let function = handler.and_then(|handler| module.functions.get(handler.function.index()));
        let (Some(handler), Some(function)) = (handler, function) else { continue };
        let typed = function.registers.iter().take(usize::from(function.parameters));
        match line.get_mut("data") {
            Some(Json::Array(items)) => {
                items.iter_mut().zip(typed).for_each(|(item, ty)| program.redact_value(*ty, item));
            }
            Some(Json::Object(members)) => {
                for (name, ty) in names(module, handler).into_iter().zip(typed) {
                    members.get_mut(name).into_iter().for_each(|item| program.redact_value(*ty, item));
                }
            }
            _ => {}
        }
    }
}

/// At once, where it does not say.
fn time(line: &Map<String, Json>) -> Option<u64> {
    match line.get("at") {
        None => Some(0),
        Some(Json::String(text)) => match parse_literal(text) {
            Ok(Literal::Quantity { ty: TypeId::DURATION, value }) => u64::try_from(value).ok(),
            _ => None,
        },
        Some(_) => None,
    }
}

/// By the names that the handler gives them, or as an array in their order.
fn arguments(program: &Program, handler: &EventHandler, data: Option<&Json>) -> Result<Vec<Value>, String> {
    let module = program.module();
    let names = names(module, handler);
    let function = module.functions.get(handler.function.index());
    let types =
        function.map_or(&[][..], |own| own.registers.get(..usize::from(own.parameters)).unwrap_or_default());
    let expected = || match names.len() == types.len() && !names.is_empty() {
        true => format!("`data` is an object with {}, or an array of them", names.join(", ")),
        false => format!("`data` is an array of {}", crate::render::text::plural(types.len(), "value")),
    };
    let absent = Json::Null;
    let values: Vec<&Json> = match data {
        None if types.is_empty() => Vec::new(),
        Some(Json::Array(items)) if items.len() == types.len() => items.iter().collect(),
        Some(Json::Object(members))
            if names.len() == types.len() && members.keys().all(|key| names.contains(&key.as_str())) =>
        {
            // What is optional may be left out; anything else says that it is missing.
            names.iter().map(|name| members.get(*name).unwrap_or(&absent)).collect()
        }
        _ => return Err(expected()),
    };
    let mut arguments = Vec::with_capacity(types.len());
    for (at, (value, ty)) in values.iter().zip(types).enumerate() {
        let name = names.get(at).copied().unwrap_or("data");
        if value.is_null() && !matches!(module.ty(*ty), Some(Type::Optional(_))) {
            return Err(format!("{name} is missing; {}", expected()));
        }
        let value = program.read_value(name, *ty, &value.to_string());
        arguments.push(value.map_err(|error| error.to_string())?);
    }
    Ok(arguments)
}

/// Names of a handler's parameters, if the module still has them.
fn names<'m>(module: &'m Module, handler: &EventHandler) -> Vec<&'m str> {
    let debug = module.debug.as_ref().and_then(|debug| debug.functions.get(handler.function.index()));
    let count = module.functions.get(handler.function.index()).map_or(0, |own| own.parameters);
    let named = debug.map_or(&[][..], |debug| &debug.registers);
    named.iter().filter(|(register, _)| *register < count).map(|(_, name)| name.as_str()).collect()
}
