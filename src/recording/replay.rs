//! Runs a program on what was recorded, its host being the journal.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value as Json;
use swarm_bytecode::module::Effect;
use swarm_vm::{
    Answer, Call, Course, Effects, Grants, Host, Inputs, Instance, Level, Limits, LoadError, Program, Report,
};

use super::journal::{Asked, Journal, Told};
use super::{PastClock, Recording};
use crate::commands::order;
use crate::host::events;
use crate::status::Failure;

/// What came of a replay.
#[derive(Debug)]
pub(crate) struct Replayed {
    pub(crate) report: Report,
    /// Calls that were not recorded, in their order: name, arguments as JSON.
    pub(crate) unmatched: Vec<Asked>,
}

/// Why there was no replay.
pub(crate) enum NotReplayed {
    Load(LoadError),
    Failure(Failure),
}

impl From<Failure> for NotReplayed {
    fn from(failure: Failure) -> NotReplayed {
        NotReplayed::Failure(failure)
    }
}

/// What a program is run with.
pub(crate) struct With<'a> {
    pub(crate) inputs: &'a Inputs,
    pub(crate) limits: Limits,
    pub(crate) grants: &'a Grants,
    /// Whether the run ends at a call that was not recorded.
    pub(crate) stops: bool,
}

/// Runs a program; nothing is asked of any host.
pub(crate) fn replay(
    program: &Program,
    (recording, journal): (&Recording, &Journal),
    with: &With<'_>,
) -> Result<Replayed, NotReplayed> {
    let unmatched = Rc::new(RefCell::new(Vec::new()));
    let cancelled = Arc::new(AtomicBool::new(false));
    let mut host = Host::new();
    let mut next: BTreeMap<Asked, usize> = BTreeMap::new();
    let (missed, cancel) = (Rc::clone(&unmatched), Arc::clone(&cancelled));
    let own = program.clone();
    host.otherwise(move |call| {
        let asked = asked(call);
        let place = next.entry(asked.clone()).or_insert(0);
        let known = journal.answers.get(&asked).map_or(&[][..], Vec::as_slice);
        let answer = known.get(*place).and_then(|told| answer(&own, call, told));
        *place = place.saturating_add(1);
        answer.unwrap_or_else(|| {
            missed.borrow_mut().push(asked);
            cancel.store(with.stops, Ordering::Relaxed);
            usual(&own, call, known.last())
        })
    });
    host.cancel_flag(cancelled);
    host.clock(PastClock { readings: journal.readings.clone(), ..PastClock::default() });
    let instance = Instance::new(program, with.inputs, with.limits, with.grants, &host);
    let mut instance = instance.map_err(NotReplayed::Load)?.effects(Effects::Collected);
    let report = match recording.time_ns {
        None => instance.finish(&mut host, None),
        Some(time) => {
            let events = events::bind("the recording", &recording.events, program, true)?;
            let mut course = Course::new(instance, with.inputs.clone());
            order::play(&mut course, &mut host, (time, events), (Level::Off, None))?.report
        }
    };
    drop(host);
    Ok(Replayed { report, unmatched: unmatched.take() })
}

/// The recorded answer, if the call takes it.
fn answer(program: &Program, call: &Call<'_>, told: &Told) -> Option<Answer> {
    match (told, call.result()) {
        (Told::Done, None) => Some(Answer::done()),
        (Told::Failed(why), _) => Some(Answer::failed(why.as_str())),
        (Told::Value(value), Some(ty)) => {
            Some(Answer::value(program.read_value("answer", ty, &value.to_string()).ok()?))
        }
        _ => None,
    }
}

/// What answers a call that was not recorded.
fn usual(program: &Program, call: &Call<'_>, last: Option<&Told>) -> Answer {
    if call.effect() != Effect::Query {
        return Answer::done();
    }
    let last = last.and_then(|told| answer(program, call, told));
    last.unwrap_or_else(|| Answer::failed("the recording has no answer"))
}

fn asked(call: &Call<'_>) -> Asked {
    let shown = call.arguments().map(|argument| {
        let json = argument.to_shown().to_json();
        serde_json::from_str(&json).unwrap_or(Json::Null)
    });
    (call.name().to_owned(), Json::Array(shown.collect()).to_string())
}
