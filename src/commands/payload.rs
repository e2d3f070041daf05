//! An order as a governor writes it: JSON that names an instruction and fills its context.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use swarm_bytecode::module::{Module, TargetCount};
use swarm_bytecode::quantity::format;
use swarm_bytecode::types::TypeId;
use swarm_grammar::ast::ItemKind;
use swarm_grammar::parse;
use swarm_grammar::span::FileId;
use swarm_grammar::suggest::closest;

use super::simulate::snake_case;
use crate::files;
use crate::program::Loaded;
use crate::status::{Failure, Fault};

/// What such an order says.
pub(crate) struct Payload {
    /// The order's id, from the governor's.
    pub(crate) id: Option<[u8; 16]>,
    /// `target_agents`.
    pub(crate) agents: Option<u32>,
    /// The values of the program's CONTEXT.
    pub(crate) context: Map<String, Value>,
}

/// Members an order may have.
const MEMBERS: [&str; 6] = ["id", "type", "target_agents", "context", "timestamp", "priority"];

/// Reads an order for this program. What it says of the header must be what the header says: the header is
/// signed.
pub(crate) fn read_payload(path: &Path, loaded: &Loaded) -> Result<Payload, Failure> {
    let (_, document) = files::read_json(path)?;
    payload(document, &files::display_name(path), loaded)
}

/// An order for this program, of this name.
pub(crate) fn payload(document: Value, name: &str, loaded: &Loaded) -> Result<Payload, Failure> {
    let module = &loaded.module;
    let reader = Reader { file: name.to_owned(), module, declared: declared(loaded) };
    let Value::Object(members) = document else {
        return Err(reader.wrong("an order is a JSON object"));
    };
    if let Some(unknown) = members.keys().find(|name| !MEMBERS.contains(&name.as_str())) {
        return Err(reader.unknown("an order has no", unknown, MEMBERS.iter().copied()));
    }
    reader.instruction(&members)?;
    let agents = match members.get("target_agents") {
        Some(count) => Some(reader.agents(count)?),
        None => None,
    };
    let context = match members.get("context") {
        Some(Value::Object(context)) => reader.context(context)?,
        Some(_) => return Err(reader.wrong("`context` is a JSON object")),
        None => Map::new(),
    };
    let id = members.get("id").map(|id| {
        let digest: [u8; 32] = Sha256::digest(id.to_string()).into();
        *digest.first_chunk().unwrap_or(&[0; 16])
    });
    Ok(Payload { id, agents, context })
}

/// The CONTEXTs of a program as they are declared: its module has only those someone reads.
pub(super) fn declared(loaded: &Loaded) -> BTreeSet<String> {
    let mut names: BTreeSet<String> =
        loaded.module.contexts.iter().map(|context| context.name.to_string()).collect();
    if let Some(source) = loaded.findings.sources.get(FileId(0)) {
        let (program, _) = parse(FileId(0), source.text());
        names.extend(program.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Context(field) => Some(field.name.text.to_string()),
            _ => None,
        }));
    }
    names
}

struct Reader<'m> {
    file: String,
    module: &'m Module,
    declared: BTreeSet<String>,
}

impl Reader<'_> {
    fn wrong(&self, message: impl std::fmt::Display) -> Failure {
        let message = format!("{} does not fit the program: {message}", self.file);
        Failure::usage(Fault::WrongData, message).file(&self.file)
    }

    fn unknown<'n>(&self, what: &str, name: &str, known: impl Iterator<Item = &'n str>) -> Failure {
        let failure = self.wrong(format_args!("{what} `{name}`"));
        match closest(name, known) {
            Some(near) => failure.note(format!("did you mean `{near}`?")),
            None => failure,
        }
    }

    /// `type` is the instruction with its version.
    fn instruction(&self, members: &Map<String, Value>) -> Result<(), Failure> {
        let header = &self.module.instruction;
        let own = format!("{}_v{}", header.name, header.version);
        let first = header.version == 1;
        match members.get("type").and_then(Value::as_str) {
            Some(name) if name == own || (first && name == header.name) => Ok(()),
            Some(name) => Err(self.wrong(format_args!("`type` is {name}, the program is {own}"))),
            None => Err(self.wrong("it has no `type`, the name of an instruction")),
        }
    }

    fn agents(&self, count: &Value) -> Result<u32, Failure> {
        let Some(count) =
            count.as_u64().and_then(|count| u32::try_from(count).ok()).filter(|count| *count > 0)
        else {
            return Err(self.wrong("`target_agents` is a whole number from 1 on"));
        };
        match self.module.instruction.target.map(|target| target.count) {
            Some(TargetCount::Exactly(own)) if own != count => {
                Err(self.wrong(format_args!("`target_agents` is {count}, TARGET is {own}")))
            }
            _ => Ok(count),
        }
    }

    /// Each member is a CONTEXT of the program, or says what its header says.
    fn context(&self, members: &Map<String, Value>) -> Result<Map<String, Value>, Failure> {
        let mut context = Map::new();
        let header = &self.module.instruction;
        for (name, value) in members {
            let own = snake_case(name);
            if self.declared.contains(&own) {
                context.insert(own, value.clone());
                continue;
            }
            match own.as_str() {
                "deadline" => self.same(name, value, header.deadline_ns, (TypeId::DURATION, "ms"))?,
                "budget" => self.same(name, value, header.budget_money, (TypeId::MONEY, "USD"))?,
                "metrics" => self.metrics(value)?,
                _ => {
                    let known = self.declared.iter().map(String::as_str);
                    return Err(self.unknown("the program has no CONTEXT", &own, known));
                }
            }
        }
        let given = |name: &str| context.contains_key(name);
        let missing = self.module.contexts.iter().find(|own| own.default.is_none() && !given(&own.name));
        match missing {
            Some(missing) => Err(self.wrong(format_args!("`context` has no {}", missing.name))),
            None => Ok(context),
        }
    }

    fn same(
        &self,
        name: &str,
        value: &Value,
        own: Option<i64>,
        (ty, unit): (TypeId, &str),
    ) -> Result<(), Failure> {
        let given = match value {
            Value::Number(number) => swarm_bytecode::quantity::parse_bare(&number.to_string(), unit).ok(),
            Value::String(text) => match swarm_bytecode::quantity::parse_literal(text) {
                Ok(swarm_bytecode::quantity::Literal::Quantity { ty: own, value }) if own == ty => {
                    Some(value)
                }
                _ => None,
            },
            _ => None,
        };
        let shown = |value: Option<i64>| value.map_or_else(|| "none".to_owned(), |value| format(ty, value));
        if given.is_some() && given == own {
            return Ok(());
        }
        Err(self.wrong(format_args!("`context.{name}` is {value}, the header says {}", shown(own))))
    }

    fn metrics(&self, value: &Value) -> Result<(), Failure> {
        let names = value.as_array().map(Vec::as_slice).unwrap_or_default();
        for name in names {
            let metrics = || self.module.metrics.iter().map(|metric| metric.name.as_str());
            let text = name.as_str().unwrap_or_default();
            if !metrics().any(|own| own == snake_case(text)) {
                return Err(self.unknown("the program has no METRIC", text, metrics()));
            }
        }
        Ok(())
    }
}
