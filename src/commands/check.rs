//! `swarmc check`: looks for errors.

use swarm_compiler::compile;
use swarm_grammar::source::Sources;

use crate::cli::CheckArguments;
use crate::files;
use crate::program::report;
use crate::render::diagnostic::Findings;
use crate::render::text::plural;
use crate::render::{style, text};
use crate::status::{Failure, Status};
use crate::terminal::Terminal;

/// Checks each file as a program of its own.
pub(crate) fn check(arguments: &CheckArguments, terminal: Terminal) -> Result<Status, Failure> {
    files::one_standard_input(&arguments.files)?;
    let mut findings = Vec::with_capacity(arguments.files.len());
    for path in &arguments.files {
        let mut sources = Sources::new();
        let file = sources.add(files::read_source(path)?);
        // The whole way, so that whatever stands in the way of a module is found.
        let compilation = compile(&mut sources, file);
        findings.push(Findings { sources, diagnostics: compilation.diagnostics });
    }
    report(&findings, terminal)?;
    if findings.iter().any(Findings::has_errors) {
        return Ok(Status::Failed);
    }
    if !terminal.json() {
        let what = match arguments.files.as_slice() {
            [file] => text::safe(&files::display_name(file)).into_owned(),
            files => plural(files.len(), "file"),
        };
        terminal.talk(&format!("{} {what}\n", style::good("no errors in")));
    }
    Ok(Status::Done)
}
