//! `swarmc check`: looks for errors, and mends those that have a single right edit.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use similar::TextDiff;
use swarm_bytecode::module::Module;
use swarm_compiler::{Options, compile_with};
use swarm_grammar::ast::ItemKind;
use swarm_grammar::parse;
use swarm_grammar::source::Sources;
use swarm_grammar::span::FileId;

use crate::cli::CheckArguments;
use crate::files;
use crate::fixes::{Fixed, fix};
use crate::loader::Files;
use crate::program::report;
use crate::render::diagnostic::{self, Findings};
use crate::render::text::{plural, safe, safe_lines};
use crate::render::{style, text};
use crate::status::{Failure, Status};
use crate::terminal::Terminal;

/// Checks each file as a program of its own.
pub(crate) fn check(arguments: &CheckArguments, terminal: Terminal) -> Result<Status, Failure> {
    files::one_standard_input(&arguments.files)?;
    if arguments.fix || arguments.dry_run {
        return check_and_fix(arguments, terminal);
    }
    let mut findings = Vec::with_capacity(arguments.files.len());
    let mut called = None;
    for path in &arguments.files {
        let mut sources = Sources::new();
        let file = sources.add(files::read_source(path)?);
        // The whole way, so that whatever stands in the way of a module is found.
        let compilation = compile_with(&mut sources, file, &Files, &Options::default());
        called = compilation.module.as_ref().and_then(|module| name_and_version(&sources, file, module));
        findings.push(Findings { sources, diagnostics: compilation.diagnostics });
    }
    report(&findings, terminal)?;
    Ok(verdict(&findings, &arguments.files, called, terminal))
}

/// What an INSTRUCTION calls itself: its version is the end of its name, which is easily overlooked.
fn name_and_version(sources: &Sources, file: FileId, module: &Module) -> Option<String> {
    let (program, _) = parse(file, sources.get(file)?.text());
    let instruction = &module.instruction;
    let own = program.items.iter().any(|item| matches!(item.kind, ItemKind::Instruction(_)));
    own.then(|| format!("{}, version {}", text::safe(&instruction.name), instruction.version))
}

/// The last word about files that were looked at. `called` is the name of the last one.
fn verdict(findings: &[Findings], files: &[PathBuf], called: Option<String>, terminal: Terminal) -> Status {
    if findings.iter().any(Findings::has_errors) {
        return Status::Failed;
    }
    if !terminal.json() {
        let what = match files {
            [file] => {
                let called = called.map(|called| format!(": {called}")).unwrap_or_default();
                format!("{}{called}", text::safe(&files::display_name(file)))
            }
            files => plural(files.len(), "file"),
        };
        terminal.talk(&format!("{} {what}\n", style::good("no errors in")));
    }
    Status::Done
}

/// Makes the fixes, or shows them, and tells what is left. Nothing is written before all files are read.
fn check_and_fix(arguments: &CheckArguments, terminal: Terminal) -> Result<Status, Failure> {
    let fixed = arguments
        .files
        .iter()
        .map(|path| files::read_source(path).map(fix))
        .collect::<Result<Vec<_>, _>>()?;
    if !arguments.dry_run {
        for (path, file) in arguments.files.iter().zip(&fixed) {
            if file.before != file.after && !files::is_standard(path) {
                files::write(path, file.after.as_bytes())?;
            }
        }
    }
    if terminal.json() {
        let files: Vec<Value> = arguments
            .files
            .iter()
            .zip(&fixed)
            .map(|(path, file)| describe(path, file, arguments.dry_run))
            .collect();
        let findings: Vec<Findings> = fixed.into_iter().map(|file| file.findings).collect();
        let diagnostics = diagnostic::for_programs(&findings);
        terminal.document(json!({ "files": files, "diagnostics": diagnostics }))?;
        return Ok(verdict(&findings, &arguments.files, None, terminal));
    }
    for (path, file) in arguments.files.iter().zip(&fixed) {
        tell(path, file, arguments.dry_run, terminal)?;
    }
    let findings: Vec<Findings> = fixed.into_iter().map(|file| file.findings).collect();
    report(&findings, terminal)?;
    Ok(verdict(&findings, &arguments.files, None, terminal))
}

fn tell(path: &Path, file: &Fixed, dry_run: bool, terminal: Terminal) -> Result<(), Failure> {
    let name = files::display_name(path);
    if dry_run {
        terminal.data(&painted(&diff(&name, file)))?;
    } else if files::is_standard(path) {
        terminal.data(&file.after)?;
    }
    let verb = if dry_run { "can be fixed" } else { "fixed" };
    for made in &file.made {
        let place = format!("{name}:{}:{}", made.at.line, made.at.column);
        terminal.talk(&format!(
            "{} {}  {} {}\n",
            style::good(verb),
            safe(&place),
            safe(&made.description),
            style::dim(&format!("({})", made.code))
        ));
    }
    Ok(())
}

fn diff(name: &str, file: &Fixed) -> String {
    let diff = TextDiff::from_lines(file.before.as_str(), file.after.as_str());
    diff.unified_diff().context_radius(2).header(name, name).to_string()
}

/// A diff in its usual colours.
fn painted(diff: &str) -> String {
    let mut page = String::new();
    for line in safe_lines(diff).lines() {
        let line = match line.get(..1) {
            Some("+") => style::good(line),
            Some("-") => style::error(line),
            Some("@") => style::dim(line),
            _ => line.to_owned(),
        };
        page.push_str(&line);
        page.push('\n');
    }
    page
}

fn describe(path: &Path, file: &Fixed, dry_run: bool) -> Value {
    let name = files::display_name(path);
    let made: Vec<Value> = file
        .made
        .iter()
        .map(|made| {
            json!({
                "code": made.code, "description": made.description, "line": made.at.line, "column": made.at.column,
            })
        })
        .collect();
    let mut entry = json!({ "file": name, "changed": file.before != file.after, "fixes": made });
    if let Value::Object(members) = &mut entry {
        if dry_run {
            members.insert("diff".into(), json!(diff(&name, file)));
        } else if files::is_standard(path) {
            members.insert("text".into(), json!(file.after));
        }
    }
    entry
}
