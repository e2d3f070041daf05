//! `swarmc run`: runs a program here, as a dry run.

use serde_json::Value;
use swarm_bytecode::codec::digest_text;
use swarm_bytecode::module::{Effect, InputId, Module};
use swarm_bytecode::types::Type;
use swarm_grammar::suggest::closest;
use swarm_stdlib::MODULES;
use swarm_vm::{
    Answer, Effects, Exit, Grants, Host, Instance, Level, Limits, LoadError, LoadErrorKind, Outcome, Program,
    Report,
};

use crate::cli::{DataArguments, RunArguments, TraceLevel};
use crate::commands::order;
use crate::data::Data;
use crate::files;
use crate::program;
use crate::render::diagnostic;
use crate::render::module::capabilities;
use crate::render::run::Finished;
use crate::status::{Failure, Fault, Status};
use crate::terminal::Terminal;
use crate::trace_file::TraceFile;

/// Runs the program once and shows what it would have done.
pub(crate) fn run(arguments: &RunArguments, terminal: Terminal) -> Result<Status, Failure> {
    let files = [Some(&arguments.file), arguments.data.input.as_ref(), arguments.data.context.as_ref()];
    files::one_standard_input(files.into_iter().flatten())?;
    let Some(loaded) = program::load(&arguments.file, program::options(arguments.no_optimise), terminal)?
    else {
        return Ok(Status::Failed);
    };
    let program = Program::load(&loaded.bytes).map_err(|error| refused(&error, &arguments.data))?;
    let module = program.module();
    answerable(module)?;
    let granted = granted(arguments, module)?;
    let mut data = Data::gather(&arguments.data, &program)?;
    let mut limits = limits(arguments);
    if arguments.time.is_some() && arguments.deadline.is_none() {
        // The time is virtual: the header's DEADLINE ends the order, not the patience for one run.
        limits = limits.deadline_ns(u64::MAX);
    }
    let mut host = dry_host();
    let grants: Grants = granted.iter().collect();
    let instance = Instance::new(&program, &data.inputs, limits, &grants, &host);
    let mut instance =
        instance.map_err(|error| refused(&error, &arguments.data))?.effects(Effects::Collected);

    let mut trace = trace_file(arguments, &program, &mut data.notes)?;
    let level = if trace.is_some() { level(arguments.trace_level) } else { Level::Off };
    let mut activations = None;
    let report = match arguments.time.and_then(|time| u64::try_from(time).ok()) {
        Some(time) => {
            let driven = order::drive(&mut instance, &mut host, module, time, (level, trace.as_mut()));
            data.notes.push(driven.summary.clone());
            activations = Some(driven.document());
            driven.report
        }
        None => {
            if !module.timers.is_empty() {
                data.notes.push("only START ran; `--for 1h` drives EVERY, in virtual time".to_owned());
            }
            drive(&mut instance, &mut host, level, trace.as_mut())
        }
    };
    let trace = trace.map(TraceFile::finish).transpose()?;

    let sizes = data.inputs.sizes().iter().enumerate();
    let sizes =
        sizes.filter_map(|(index, size)| Some((InputId(u16::try_from(index).ok()?), u64::from(*size))));
    let finished = Finished {
        report: &report,
        module,
        sizes: sizes.collect(),
        limits,
        granted,
        data: data.origin,
        notes: data.notes,
        names: data.names,
        trace,
        level,
    };
    if terminal.json() {
        let mut document = finished.for_programs();
        if let Some(activations) = activations {
            document.insert("activations".into(), activations);
        }
        document.insert("diagnostics".into(), diagnostic::for_programs(&[loaded.findings]));
        terminal.document(Value::Object(document))?;
    } else {
        terminal.data(&finished.for_people())?;
    }
    Ok(match report.outcome {
        Outcome::Done | Outcome::Stopped => Status::Done,
        Outcome::Failed | Outcome::Limit | Outcome::Trapped => Status::Failed,
    })
}

/// Nobody is here to answer a query.
pub(crate) fn answerable(module: &Module) -> Result<(), Failure> {
    let query = module
        .imports
        .iter()
        .find(|import| import.effect == Effect::Query && !may_be_none(module, import.result));
    let Some(query) = query else { return Ok(()) };
    let message =
        format!("the program asks the host `{}`, and a local run has nobody who could answer", query.name);
    Err(Failure::coded(Status::Refused, Fault::NoHandler.code(), message)
        .note("it runs in an agent whose host has this query; `swarmc inspect` shows all it calls"))
}

fn may_be_none(module: &Module, result: Option<swarm_bytecode::types::TypeId>) -> bool {
    result.and_then(|ty| module.ty(ty)).is_some_and(|ty| matches!(ty, Type::Optional(_)))
}

/// A host that has every action and does none.
pub(crate) fn dry_host() -> Host<'static> {
    let mut host = Host::new();
    host.otherwise(|call| match call.effect() {
        Effect::Query => Answer::failed("a local run has nobody who could answer"),
        _ => Answer::done(),
    });
    host
}

/// The capabilities of this run: what the program asks for, or what of it the user grants.
fn granted(arguments: &RunArguments, module: &Module) -> Result<Vec<String>, Failure> {
    let asked = capabilities(module);
    let Some(names) = arguments.grant.as_ref().filter(|names| !names.iter().any(|name| name == "all")) else {
        return Ok(asked);
    };
    for name in names {
        let known =
            || asked.iter().map(String::as_str).chain(library_capabilities().map(|known| known as &str));
        if !known().any(|known| known == name) {
            let failure = Failure::usage(
                Fault::UnknownCapability,
                format_args!("no one knows the capability `{name}`"),
            );
            return Err(match closest(name, known()) {
                Some(near) => failure.note(format!("did you mean `{near}`?")),
                None => failure,
            }
            .note(format!("the program asks for {}", or_nothing(&asked))));
        }
    }
    Ok(asked.into_iter().filter(|capability| names.contains(capability)).collect())
}

/// Capabilities that the standard library's actions and queries need.
fn library_capabilities() -> impl Iterator<Item = &'static str> {
    let words = || MODULES.iter().flat_map(|module| module.text.split_whitespace());
    words().zip(words().skip(1)).filter(|(word, _)| *word == "REQUIRES").map(|(_, capability)| capability)
}

fn or_nothing(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

fn limits(arguments: &RunArguments) -> Limits {
    let mut limits = Limits::default();
    let given = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
    if let Some(fuel) = given(arguments.fuel) {
        limits = limits.fuel(fuel);
    }
    if let Some(bytes) = given(arguments.memory) {
        limits = limits.memory_bytes(bytes);
    }
    if let Some(nanoseconds) = given(arguments.deadline) {
        limits = limits.deadline_ns(nanoseconds);
    }
    if let Some(micro_dollars) = arguments.budget {
        limits = limits.money(micro_dollars);
    }
    limits
}

/// Why nothing ran.
pub(crate) fn refused(error: &LoadError, arguments: &DataArguments) -> Failure {
    match error.kind() {
        // Values that do not fit were refused before: what is left is a value that is not there.
        LoadErrorKind::Input => {
            let failure = Failure::usage(Fault::NoData, error.message());
            if arguments.input.is_some() && arguments.host.is_some() {
                return failure;
            }
            failure
                .note("give it as JSON: `--input tasks.json` (`--context` for a CONTEXT)")
                .note("or take this machine's process table as task_queue: `--host processes`")
        }
        LoadErrorKind::Capability => {
            Failure::coded(Status::Refused, Fault::NotGranted.code(), error.message())
                .note("`--grant all` grants what the program asks for")
        }
        LoadErrorKind::MissingHandler | LoadErrorKind::Signature => {
            Failure::coded(Status::Refused, Fault::NoHandler.code(), error.message())
        }
        _ => Failure::coded(Status::Refused, error.code(), error.message()),
    }
}

fn trace_file(
    arguments: &RunArguments,
    program: &Program,
    notes: &mut Vec<String>,
) -> Result<Option<TraceFile>, Failure> {
    if arguments.trace_level == TraceLevel::Off {
        return Ok(None);
    }
    if let Some(path) = &arguments.trace {
        return TraceFile::create(path).map(Some);
    }
    let stem = if files::is_standard(&arguments.file) { None } else { arguments.file.file_stem() };
    let stem = stem.map_or("stdin".into(), |stem| stem.to_string_lossy());
    let digest: String = digest_text(&program.digest()).chars().skip("sha256:".len()).take(8).collect();
    match TraceFile::create_temporary(&format!("{stem}-{digest}")) {
        Ok(trace) => Ok(Some(trace)),
        // No one asked for it in so many words, so the run does not depend on it.
        Err(failure) => {
            notes.push(format!("no trace: {}", failure.message));
            Ok(None)
        }
    }
}

fn level(level: TraceLevel) -> Level {
    match level {
        TraceLevel::Off => Level::Off,
        TraceLevel::Effects => Level::Effects,
        TraceLevel::Steps => Level::Steps,
        TraceLevel::Ops => Level::Ops,
    }
}

/// Runs to the end. A run out of fuel is over: there is nobody who would add some.
fn drive(
    instance: &mut Instance,
    host: &mut Host<'_>,
    level: Level,
    trace: Option<&mut TraceFile>,
) -> Report {
    match trace {
        Some(trace) => match instance.run_traced(host, level, trace) {
            Exit::Finished(report) => report,
            _ => instance.close_traced(level, trace),
        },
        None => match instance.run(host) {
            Exit::Finished(report) => report,
            _ => instance.close(),
        },
    }
}
