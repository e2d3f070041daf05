//! `swarmc replay`: a recorded run again, or what another text would have done in its place.

use std::path::Path;

use swarm_bytecode::codec::digest_text;
use swarm_vm::{Grants, Limits, LoadErrorKind, Program, Report};

use crate::cli::{DataArguments, ReplayArguments, Unmatched};
use crate::commands::run::refused;
use crate::files;
use crate::program;
use crate::recording::{self, Difference, Journal, NotReplayed, Recording, Replayed, With, replay as play};
use crate::render::diagnostic;
use crate::render::module::capabilities;
use crate::render::replay::{Compared, asked, for_people, for_programs};
use crate::status::{Failure, Fault, Status};
use crate::terminal::Terminal;

/// Replays a recording.
pub(crate) fn replay(arguments: &ReplayArguments, terminal: Terminal) -> Result<Status, Failure> {
    files::one_standard_input(
        [Some(&arguments.recording), arguments.program.as_ref()].into_iter().flatten(),
    )?;
    let path = &arguments.recording;
    let (recording, journal) = recording::read(path)?;
    let program = Program::load(&recording.module).map_err(|error| {
        let message = format!("{} is no recording this Swarm can replay: {error}", files::display_name(path));
        Failure::usage(Fault::NoRecording, message).note("replay it with the version that recorded it")
    })?;
    let grants: Grants = recording.granted.iter().collect();
    let inputs = recording.given.bind(&program, path)?;
    let with = With { inputs: &inputs, limits: recording.limits, grants: &grants, stops: false };
    let before = play(&program, (&recording, &journal), &with).map_err(not_replayed)?;
    check(&before, &journal)?;
    let Some(file) = &arguments.program else {
        let name = files::display_name(path);
        if terminal.json() {
            terminal.document(for_programs(&before.report, None))?;
        } else {
            terminal.data(&for_people(&name, &before.report, None))?;
        }
        return Ok(Status::Done);
    };
    let Some(loaded) = program::load(file, program::options(false), terminal)? else {
        return Ok(Status::Failed);
    };
    let other = Program::load(&loaded.bytes).map_err(|error| refused(&error, &DataArguments::default()))?;
    let compared = compare(&other, (&recording, &journal), &before.report, arguments, path)?;
    if terminal.json() {
        let mut document = for_programs(&before.report, Some(&compared));
        if let Some(members) = document.as_object_mut() {
            members.insert("diagnostics".into(), diagnostic::for_programs(&[loaded.findings]));
        }
        terminal.document(document)?;
    } else {
        terminal.data(&for_people(&files::display_name(path), &before.report, Some(&compared)))?;
    }
    Ok(Status::Done)
}

/// Whether the recorded run came out again.
fn check(replayed: &Replayed, journal: &Journal) -> Result<(), Failure> {
    let digest = replayed.report.trace_digest.as_ref().map(digest_text);
    if journal.digest.is_some() && digest == journal.digest {
        return Ok(());
    }
    let recorded = match (&journal.digest, &journal.outcome) {
        (Some(digest), _) => format!("recorded {digest}"),
        _ => "and the recording has no end".to_owned(),
    };
    let digest = digest.unwrap_or_default();
    let message = format!("the replay is another run than the recorded one: digest {digest}, {recorded}");
    let failure = Failure::coded(Status::Failed, Fault::NotRepeated.code(), message);
    Err(match replayed.unmatched.first() {
        Some((name, arguments)) => {
            failure.note(format!("it asks {}, which was not recorded", asked(name, arguments)))
        }
        None => failure,
    })
}

/// What another program does on what was recorded.
fn compare(
    program: &Program,
    (recording, journal): (&Recording, &Journal),
    before: &Report,
    arguments: &ReplayArguments,
    path: &Path,
) -> Result<Compared, Failure> {
    let wanted = capabilities(program.module());
    let more: Vec<String> = wanted.iter().filter(|name| !recording.granted.contains(name)).cloned().collect();
    let grants: Grants = wanted.iter().collect();
    let inputs = recording.given.bind(program, path)?;
    let stops = arguments.unmatched == Unmatched::Stop;
    let with = With { inputs: &inputs, limits: limits(program, recording), grants: &grants, stops };
    let Replayed { report, unmatched } = play(program, (recording, journal), &with).map_err(not_replayed)?;
    if let Some((name, arguments)) = unmatched.first().filter(|_| stops) {
        let message = format!("the recording has no answer to {}", asked(name, arguments));
        return Err(Failure::coded(Status::Failed, Fault::NoAnswer.code(), message));
    }
    let difference = Difference::between(before, &report);
    Ok(Compared { report, difference, unmatched, more, warnings: inputs.warnings().to_vec() })
}

/// The recorded limits, but for those that the program's own header sets.
fn limits(program: &Program, recording: &Recording) -> Limits {
    let header = &program.module().instruction;
    let own = Limits::of_header(header);
    let mut limits = recording.limits;
    if header.budget_money.is_some() {
        limits = limits.money(own.money);
    }
    if header.budget_tokens.is_some() {
        limits = limits.tokens(own.tokens);
    }
    if header.deadline_ns.is_some() {
        limits = limits.deadline_ns(own.deadline_ns);
    }
    limits
}

fn not_replayed(error: NotReplayed) -> Failure {
    match error {
        NotReplayed::Load(error) if error.kind() == LoadErrorKind::Input => {
            let missing = error.names().join(", ");
            let message = format!("the program reads {missing}, which the recorded run was not given");
            Failure::usage(Fault::NoData, message).note("record a run that reads it, or give it a default")
        }
        NotReplayed::Load(error) => refused(&error, &DataArguments::default()),
        NotReplayed::Failure(failure) => failure,
    }
}
