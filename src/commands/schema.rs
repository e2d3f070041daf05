//! `swarmc schema`: what an order to an instruction looks like, and what comes back.

use crate::cli::SchemaArguments;
use crate::commands::payload::declared;
use crate::program;
use crate::render::schema::schemas;
use crate::status::{Failure, Status};
use crate::terminal::Terminal;

/// Prints both schemas as one document.
pub(crate) fn schema(arguments: &SchemaArguments, terminal: Terminal) -> Result<Status, Failure> {
    let Some(loaded) = program::load(&arguments.file, program::options(false), terminal)? else {
        return Ok(Status::Failed);
    };
    let text = serde_json::to_string_pretty(&schemas(&loaded.module, &declared(&loaded))).unwrap_or_default();
    terminal.data(&format!("{text}\n"))?;
    Ok(Status::Done)
}
