//! `swarmc version`: the versions that matter to someone who exchanges modules with others.

use serde_json::json;

use crate::render::style;
use crate::status::{Failure, Status};
use crate::terminal::{SCHEMA_VERSION, Terminal};

/// Prints them.
pub(crate) fn version(terminal: Terminal) -> Result<Status, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    if terminal.json() {
        terminal.document(json!({ "swarmc": version }))?;
    } else {
        terminal.data(&format!("{} {version}\njson schema {SCHEMA_VERSION}\n", style::bold("swarmc")))?;
    }
    Ok(Status::Done)
}
