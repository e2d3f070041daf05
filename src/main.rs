//! The command line of Swarm. All input, output and rendering of the project lives here; the crates below
//! it are pure.

mod ceilings;
mod cli;
mod commands;
mod data;
mod derived_grammar;
mod files;
mod fixes;
mod fleet;
mod fuzz;
mod host;
mod keys;
mod loader;
mod program;
mod recording;
mod render;
mod repl;
mod run_folder;
mod status;
mod terminal;
mod trace_file;

use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;

use crate::cli::{Arguments, Command, Format};
use crate::status::{Failure, Fault, Status};
use crate::terminal::Terminal;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return misused(&error),
    };
    let terminal = Terminal { format: arguments.format };
    let mut status = Ok(Status::Done);
    match arguments.command {
        // This binary has an allocator that can count. Only `bench` wants that.
        command @ Command::Bench(_) => status = commands::dispatch(command, terminal),
        command => allocation_counter::opt_out(|| status = commands::dispatch(command, terminal)),
    }
    let status = status.unwrap_or_else(|failure| {
        terminal.failure(&failure);
        failure.status
    });
    ExitCode::from(status)
}

/// Help and version are results; anything else is an error, told in JSON to those who asked for JSON.
fn misused(error: &clap::Error) -> ExitCode {
    let status = if error.use_stderr() { Status::Usage } else { Status::Done };
    let asked_for_json = status == Status::Usage
        && error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        && wants_json(std::env::args_os());
    if asked_for_json {
        let words = error.render().to_string();
        let mut paragraphs = words.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
        let first = paragraphs.next().unwrap_or_default();
        let message = first.strip_prefix("error: ").unwrap_or(first);
        let failure = paragraphs.fold(Failure::usage(Fault::Arguments, message), Failure::note);
        Terminal { format: Format::Json }.failure(&failure);
    } else {
        // Nobody is left to tell if this cannot be printed.
        let _unheard = error.print();
    }
    ExitCode::from(status)
}

fn wants_json(arguments: std::env::ArgsOs) -> bool {
    let arguments: Vec<String> = arguments.map(|argument| argument.to_string_lossy().into_owned()).collect();
    arguments.iter().any(|argument| argument == "--format=json")
        || arguments
            .windows(2)
            .any(|pair| matches!(pair, [option, value] if option == "--format" && value == "json"))
}
