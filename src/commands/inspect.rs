//! `swarmc inspect`: what a module asks for, and what it may use at most.

use serde_json::Value;

use crate::cli::ModuleArguments;
use crate::program;
use crate::render::{diagnostic, module};
use crate::status::{Failure, Status};
use crate::terminal::Terminal;

/// Prints all there is to know before a module runs.
pub(crate) fn inspect(arguments: &ModuleArguments, terminal: Terminal) -> Result<Status, Failure> {
    let Some(loaded) = program::load(&arguments.file, program::options(arguments.no_optimise), terminal)?
    else {
        return Ok(Status::Failed);
    };
    if terminal.json() {
        let mut document = module::summary_json(&loaded.module, &loaded.bytes);
        document.extend(module::details_json(&loaded.module, &loaded.bytes));
        document.insert("diagnostics".into(), diagnostic::for_programs(&[loaded.findings]));
        terminal.document(Value::Object(document))?;
    } else {
        let summary = module::summary_text(&loaded.module, &loaded.bytes);
        let details = module::details_text(&loaded.module, &loaded.bytes);
        terminal.data(&format!("{summary}{details}"))?;
    }
    Ok(Status::Done)
}
