//! `swarmc version`: the versions that matter to someone who exchanges modules with others.

use serde_json::json;
use swarm_bytecode::codec::FORMAT_VERSION;
use swarm_bytecode::cost::COST_MODEL;
use swarm_bytecode::dictionary;
use swarm_vm::trace::TRACE_VERSION;

use crate::render::style;
use crate::status::{Failure, Status};
use crate::terminal::{SCHEMA_VERSION, Terminal};

/// Prints them.
pub(crate) fn version(terminal: Terminal) -> Result<Status, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let names = dictionary::NAMES.len();
    if terminal.json() {
        terminal.document(json!({
            "swarmc": version, "module_format": FORMAT_VERSION, "cost_model": COST_MODEL, "known_names": names,
            "trace": TRACE_VERSION,
        }))?;
    } else {
        let text = format!(
            "{} {version}\nmodule format {FORMAT_VERSION}, cost model {COST_MODEL}, known names {names}\n\
             trace {TRACE_VERSION}, JSON schema {SCHEMA_VERSION}\n",
            style::bold("swarmc")
        );
        terminal.data(&text)?;
    }
    Ok(Status::Done)
}
