//! `swarmc grammar`: the grammar for constrained generation.

use serde_json::json;

use crate::cli::GrammarArguments;
use crate::derived_grammar::derive;
use crate::status::{Failure, Status};
use crate::terminal::Terminal;

/// Prints it.
pub(crate) fn grammar(arguments: &GrammarArguments, terminal: Terminal) -> Result<Status, Failure> {
    // The grammar is a part of this program: a test reads all of it.
    let text = derive(arguments.format).map_err(|problem| {
        Failure::coded(Status::Refused, "E0190", format_args!("the grammar: {problem}"))
    })?;
    if terminal.json() {
        terminal.document(json!({ "notation": "ebnf", "text": text }))?;
    } else {
        terminal.data(&text)?;
    }
    Ok(Status::Done)
}
