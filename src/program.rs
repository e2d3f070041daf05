//! From a file to a module: source text is compiled, a compiled module is decoded and verified.

use std::path::Path;

use serde_json::json;
use swarm_bytecode::codec::MAGIC;
use swarm_bytecode::module::Module;
use swarm_bytecode::verify::Verified;
use swarm_compiler::bound::{Facts, Report};
use swarm_compiler::{Options, compile_with};
use swarm_grammar::source::Sources;

use crate::files;
use crate::loader::Files;
use crate::render::diagnostic::{self, Findings};
use crate::status::{Failure, Status};
use crate::terminal::Terminal;

/// A program ready to be looked at or run.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// The module; it keeps every rule of the verifier.
    pub(crate) module: Module,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
    /// What the compiler found; empty for a module.
    pub(crate) findings: Findings,
    /// The whole bill and what it was made from; a module has only its sum.
    pub(crate) bill: Option<(Report, Facts)>,
}

/// Reads a program, whichever form it has: its content tells. `None`: it has errors, and they are told.
pub(crate) fn load(path: &Path, options: Options, terminal: Terminal) -> Result<Option<Loaded>, Failure> {
    from_bytes(path, files::read_bytes(path)?, options, terminal)
}

/// A program whose file was read already.
pub(crate) fn from_bytes(
    path: &Path,
    bytes: Vec<u8>,
    options: Options,
    terminal: Terminal,
) -> Result<Option<Loaded>, Failure> {
    let named_module = path.extension().is_some_and(|extension| extension == "bc");
    if bytes.starts_with(&MAGIC) || named_module {
        return decode(path, bytes).map(Some);
    }
    translate(path, bytes, options, terminal)
}

/// Compiles a source file; a module is an error here. `None`: it has errors, and they are told.
pub(crate) fn load_source(
    path: &Path,
    options: Options,
    terminal: Terminal,
) -> Result<Option<Loaded>, Failure> {
    translate(path, files::read_bytes(path)?, options, terminal)
}

/// A source file of which nothing is told, neither warnings nor errors. `None`: it has errors.
pub(crate) fn load_quietly(path: &Path, options: Options) -> Result<Option<Loaded>, Failure> {
    Ok(compiled(path, files::read_bytes(path)?, options)?.ok())
}

fn translate(
    path: &Path,
    bytes: Vec<u8>,
    options: Options,
    terminal: Terminal,
) -> Result<Option<Loaded>, Failure> {
    match compiled(path, bytes, options)? {
        Ok(loaded) => {
            // Warnings go with the result where that is JSON, else beside it.
            if !terminal.json() {
                terminal.talk(&diagnostic::for_people(std::slice::from_ref(&loaded.findings)));
            }
            Ok(Some(loaded))
        }
        Err(findings) => {
            report(&[findings], terminal)?;
            Ok(None)
        }
    }
}

/// A program, or what is wrong with it.
fn compiled(path: &Path, bytes: Vec<u8>, options: Options) -> Result<Result<Loaded, Findings>, Failure> {
    let mut sources = Sources::new();
    let file = sources.add(files::into_source(path, bytes)?);
    let compilation = compile_with(&mut sources, file, &Files, &options);
    let findings = Findings { sources, diagnostics: compilation.diagnostics };
    let Some(module) = compilation.module else { return Ok(Err(findings)) };
    let bytes = module.encode();
    let bill = Some((compilation.bound, compilation.facts));
    Ok(Ok(Loaded { module, bytes, findings, bill }))
}

fn decode(path: &Path, bytes: Vec<u8>) -> Result<Loaded, Failure> {
    let name = files::display_name(path);
    let verified = Verified::load(&bytes).map_err(|error| {
        Failure::coded(Status::Refused, error.code(), format_args!("{name} is refused: {error}")).file(name)
    })?;
    Ok(Loaded { module: verified.into_module(), bytes, findings: Findings::default(), bill: None })
}

/// Tells what was found: as talk, or as the result where that is JSON.
pub(crate) fn report(findings: &[Findings], terminal: Terminal) -> Result<(), Failure> {
    if terminal.json() {
        return terminal.document(json!({ "diagnostics": diagnostic::for_programs(findings) }));
    }
    terminal.talk(&diagnostic::for_people(findings));
    Ok(())
}

/// What the command line says of compiling.
pub(crate) fn options(no_optimise: bool) -> Options {
    Options { optimise: !no_optimise, ..Options::default() }
}
