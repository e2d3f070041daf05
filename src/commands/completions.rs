//! `swarmc completions`: a script that teaches a shell the command line.

use clap::CommandFactory;
use serde_json::json;

use crate::cli::{Arguments, CompletionsArguments};
use crate::status::{Failure, Status};
use crate::terminal::Terminal;

/// Prints the script.
pub(crate) fn completions(arguments: &CompletionsArguments, terminal: Terminal) -> Result<Status, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), "swarmc", &mut script);
    if terminal.json() {
        let script = String::from_utf8_lossy(&script);
        terminal.document(json!({ "shell": arguments.shell.to_string(), "script": script }))?;
    } else {
        terminal.bytes(&script)?;
    }
    Ok(Status::Done)
}
