//! `swarmc disasm`: a module's code.

use serde_json::json;
use swarm_bytecode::disassemble::disassemble;

use crate::cli::ModuleArguments;
use crate::program;
use crate::render::text::safe_lines;
use crate::status::{Failure, Status};
use crate::terminal::Terminal;

/// Prints the listing.
pub(crate) fn disasm(arguments: &ModuleArguments, terminal: Terminal) -> Result<Status, Failure> {
    let Some(loaded) = program::load(&arguments.file, program::options(arguments.no_optimise), terminal)?
    else {
        return Ok(Status::Failed);
    };
    let listing = disassemble(&loaded.module);
    if terminal.json() {
        terminal.document(json!({ "text": listing }))?;
    } else {
        terminal.data(&safe_lines(&listing))?;
    }
    Ok(Status::Done)
}
