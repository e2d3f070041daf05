//! `swarmc run`: runs a program here, as a dry run.

use std::path::Path;

use serde_json::Value;
use swarm_bytecode::codec::digest_text;
use swarm_bytecode::module::{InputId, Module};
use swarm_grammar::suggest::closest;
use swarm_stdlib::MODULES;
use swarm_vm::{
    Course, Effects, Grants, Host, Instance, Level, LoadError, LoadErrorKind, Outcome, Program, TraceSink,
};

use crate::ceilings::Ceilings;
use crate::cli::{DataArguments, RunArguments, TraceLevel};
use crate::commands::{order, tier};
use crate::data::Data;
use crate::files;
use crate::host::answers::Answers;
use crate::host::events::{self, Event};
use crate::program;
use crate::recording::{KeptClock, Recording};
use crate::render::diagnostic;
use crate::render::module::capabilities;
use crate::render::run::Finished;
use crate::status::{Failure, Fault, Status};
use crate::terminal::Terminal;
use crate::trace_file::TraceFile;

/// Runs the program here and shows what it would have done.
pub(crate) fn run(arguments: &RunArguments, terminal: Terminal) -> Result<Status, Failure> {
    let data = &arguments.data;
    let files = [&data.input, &data.context, &data.answers, &arguments.events];
    files::one_standard_input(files.into_iter().flatten().chain([&arguments.file]))?;
    let Some(loaded) = program::load(&arguments.file, program::options(arguments.no_optimise), terminal)?
    else {
        return Ok(Status::Failed);
    };
    let program = Program::load(&loaded.bytes).map_err(|error| refused(&error, data))?;
    let module = program.module();
    let mut host = host(data, &program)?;
    let granted = granted(arguments, module)?;
    let mut data = Data::gather(data, &program)?;
    let events = arguments.events.as_deref().map(|path| events::read(path, &program)).transpose()?;
    let time = order_time(arguments, events.as_deref());
    let mut ceilings = Ceilings::new(module, &arguments.limits);
    if time.is_some() {
        ceilings = ceilings.in_virtual_time();
    }
    let grants: Grants = granted.iter().collect();
    let instance = Instance::new(&program, &data.inputs, ceilings.limits, &grants, &host);
    let instance = instance.map_err(|error| refused(&error, &arguments.data))?.effects(Effects::Collected);
    let mut instance = match tier::chosen(arguments.tier)? {
        Some(tier) => instance.tier(tier),
        None => instance,
    };

    let mut trace = trace_file(arguments, &program, &mut data.notes)?;
    let level = if trace.is_some() { level(arguments) } else { Level::Off };
    let mut clock = None;
    if let Some(trace) = trace.as_mut().filter(|_| arguments.record.is_some()) {
        let mut lines = arguments.events.as_deref().map(files::read_lines).transpose()?.unwrap_or_default();
        events::redact(&mut lines, &program);
        let recording = Recording {
            module: loaded.bytes,
            given: data.given.redacted(&program),
            limits: ceilings.limits,
            granted: granted.clone(),
            time_ns: time,
            events: lines,
        };
        trace.line(&recording.line());
        let kept = clock.insert(KeptClock::default());
        host.clock(kept.clone());
    }
    let mut activations = None;
    let report = if let Some(time) = time {
        let mut course = Course::new(instance, data.inputs.clone());
        let order = (time, events.unwrap_or_default());
        let played = order::play(&mut course, &mut host, order, (level, trace.as_mut()))?;
        data.notes.push(played.summary.clone());
        activations = Some(played.document());
        played.report
    } else {
        if !module.timers.is_empty() || !module.events.is_empty() {
            data.notes.push("only START ran: `--for 1h` plays a whole order, `--events` feeds it".to_owned());
        }
        instance.finish(&mut host, trace.as_mut().map(|trace| (level, trace as &mut dyn TraceSink)))
    };
    if let (Some(trace), Some(clock)) = (&mut trace, clock) {
        trace.line(&clock.line());
    }
    let trace = trace.map(TraceFile::finish).transpose()?;

    let sizes = data.inputs.sizes().iter().enumerate();
    let sizes =
        sizes.filter_map(|(index, size)| Some((InputId(u16::try_from(index).ok()?), u64::from(*size))));
    let finished = Finished {
        report: &report,
        module,
        sizes: sizes.collect(),
        ceilings,
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

/// How long the order is: `--for`, else up to the last event.
fn order_time(arguments: &RunArguments, events: Option<&[Event]>) -> Option<u64> {
    let last = || events.map(|events| events.last().map_or(0, |event| event.at_ns));
    arguments.time.and_then(|time| u64::try_from(time).ok()).or_else(last)
}

/// The host of a local run: it has every action and does none, and answers what `--answers` says.
pub(crate) fn host(arguments: &DataArguments, program: &Program) -> Result<Host<'static>, Failure> {
    Ok(answers(arguments.answers.as_deref(), program)?.host())
}

/// What `--answers` says, enough for every query that must be answered.
pub(crate) fn answers(path: Option<&Path>, program: &Program) -> Result<Answers, Failure> {
    let answers = path.map(Answers::read).transpose()?.unwrap_or_default().bind(program, false)?;
    if let Some(query) = answers.unanswered(program.module()) {
        let message = format!("the program asks the host `{}`, and nothing here answers", query.name);
        return Err(Failure::coded(Status::Refused, Fault::NoHandler.code(), message)
            .note(format!(
                "`--answers FILE` says what it answers: {{\"call\": \"{}\", \"answer\": …}}",
                query.name
            ))
            .note("or run it in an agent whose host has this query; `swarmc inspect` shows all it calls"));
    }
    Ok(answers)
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
    if arguments.trace_level == TraceLevel::Off && arguments.record.is_none() {
        return Ok(None);
    }
    if let Some(path) = arguments.record.as_ref().or(arguments.trace.as_ref()) {
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

/// How much is traced; of what is recorded at least the effects.
fn level(arguments: &RunArguments) -> Level {
    match arguments.trace_level {
        TraceLevel::Off if arguments.record.is_some() => Level::Effects,
        TraceLevel::Off => Level::Off,
        TraceLevel::Effects => Level::Effects,
        TraceLevel::Steps => Level::Steps,
        TraceLevel::Ops => Level::Ops,
    }
}
