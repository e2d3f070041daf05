//! `swarmc repl`: a conversation with the compiler.

use crate::cli::ReplArguments;
use crate::files;
use crate::host::answers::Answers;
use crate::render::style::{bold, dim};
use crate::repl::{Lines, Read, Session};
use crate::status::{Failure, Fault, Status};
use crate::terminal::Terminal;

/// Reads inputs until there are no more. From a pipe, an input that is wrong makes the exit code 1.
pub(crate) fn repl(arguments: &ReplArguments, terminal: Terminal) -> Result<Status, Failure> {
    if terminal.json() {
        let failure = Failure::usage(Fault::Arguments, "a session has no JSON form");
        return Err(failure.note("`swarmc run` and `swarmc test` have one"));
    }
    let data = match &arguments.input {
        Some(path) => files::read_json(path)?.0,
        None => "{}".to_owned(),
    };
    let answers = arguments.answers.as_deref().map(Answers::read).transpose()?.unwrap_or_default();
    let mut session = Session::new(data, answers);
    let mut lines = Lines::standard();
    if lines.is_terminal() {
        let version = env!("CARGO_PKG_VERSION");
        terminal.talk(&format!(
            "{} {}\n",
            bold(&format!("swarmc {version}")),
            dim(":help says what can be said here")
        ));
    }
    let mut wrong = false;
    loop {
        let input = match lines.next() {
            Read::Input(input) if matches!(input.trim(), ":quit" | ":q" | ":exit") => break,
            Read::Input(input) => input,
            Read::Interrupted => continue,
            Read::End => break,
        };
        match session.take(&input) {
            Ok(shown) => terminal.data(&shown)?,
            Err(words) => {
                wrong = true;
                terminal.talk(&words);
            }
        }
    }
    Ok(if wrong && !lines.is_terminal() { Status::Failed } else { Status::Done })
}
