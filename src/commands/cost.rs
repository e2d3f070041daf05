//! `swarmc cost`: the bill before anything is sent.

use std::collections::BTreeMap;

use serde_json::Value;
use swarm_bytecode::module::{InputId, Module};
use swarm_bytecode::types::Type;
use swarm_compiler::bound::prove;
use swarm_grammar::suggest::closest;

use crate::cli::CostArguments;
use crate::program;
use crate::render::bill::Bill;
use crate::render::diagnostic;
use crate::render::text::grouped;
use crate::status::{Failure, Fault, Status};
use crate::terminal::Terminal;

/// Prints it.
pub(crate) fn cost(arguments: &CostArguments, terminal: Terminal) -> Result<Status, Failure> {
    let Some(loaded) = program::load(&arguments.file, program::options(false), terminal)? else {
        return Ok(Status::Failed);
    };
    let sizes = sizes(arguments, &loaded.module)?;
    let mut proved = loaded.bill;
    if let Some(longest) = arguments.text {
        let Some((report, facts)) = &mut proved else {
            let message = "what the length of texts changes is known of a source file only, not of a module";
            return Err(Failure::usage(Fault::Arguments, message));
        };
        facts.texts.longest_outside = u64::from(longest);
        *report = prove(&loaded.module, facts);
    }
    let bill = Bill {
        module: &loaded.module,
        sizes,
        agents: arguments.agents,
        report: proved.as_ref().map(|(report, _)| report),
        facts: proved.as_ref().map(|(_, facts)| facts),
        sources: &loaded.findings.sources,
    };
    if terminal.json() {
        let mut document = bill.for_programs();
        let findings = std::slice::from_ref(&loaded.findings);
        document.insert("diagnostics".into(), diagnostic::for_programs(findings));
        terminal.document(Value::Object(document))?;
    } else {
        terminal.data(&bill.for_people())?;
    }
    Ok(Status::Done)
}

/// The sizes that were given, by input.
fn sizes(arguments: &CostArguments, module: &Module) -> Result<BTreeMap<InputId, u64>, Failure> {
    let mut sizes = BTreeMap::new();
    for (name, size) in &arguments.sizes {
        let lists = || module.inputs.iter().map(|input| input.name.as_str());
        let Some(at) = lists().position(|input| input == name) else {
            let message = format!("the program does not read an input `{name}`");
            let failure = Failure::usage(Fault::Arguments, message);
            return Err(match closest(name, lists()) {
                Some(near) => failure.note(format!("did you mean `{near}`?")),
                None => failure,
            });
        };
        let max = module.inputs.get(at).and_then(|input| module.ty(input.ty)).and_then(|ty| match ty {
            Type::List { max, .. } => *max,
            _ => Some(1),
        });
        if let Some(max) = max.filter(|max| u64::from(*max) < *size) {
            let message = format!(
                "{name} never has {} items: its MAX is {}",
                grouped((*size).into()),
                grouped(max.into())
            );
            return Err(Failure::usage(Fault::Arguments, message));
        }
        if let Ok(id) = u16::try_from(at) {
            sizes.insert(InputId(id), *size);
        }
    }
    Ok(sizes)
}
