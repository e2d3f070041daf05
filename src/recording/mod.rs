//! Recordings: a trace that begins with all a run was given, so that it can be run again without its host.
//!
//! The first line is of kind `recording`, the last of kind `clock`; what is between them is the trace.

mod difference;
mod journal;
mod replay;

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use base64ct::{Base64, Encoding};
use serde_json::{Map, Value as Json, json};
use swarm_vm::{Clock, Limits, SystemClock};

use crate::data::Given;
use crate::files::{self, Line};
use crate::status::{Failure, Fault};

pub(crate) use difference::{Change, Difference, Moved};
pub(crate) use journal::Journal;
pub(crate) use replay::{NotReplayed, Replayed, With, replay};

/// Version of the first line's form.
const RECORDING_VERSION: u64 = 1;
/// Most readings of the clock that are kept; behind them a replay's clock stands still.
const MOST_READINGS: usize = 1 << 20;

/// All that a run was given.
#[derive(Debug)]
pub(crate) struct Recording {
    /// The module, with its names and places.
    pub(crate) module: Vec<u8>,
    pub(crate) given: Given,
    pub(crate) limits: Limits,
    pub(crate) granted: Vec<String>,
    /// How long the order was played, in virtual time; else only START ran.
    pub(crate) time_ns: Option<u64>,
    /// Lines of its events.
    pub(crate) events: Vec<Line>,
}

impl Recording {
    /// The first line.
    pub(crate) fn line(&self) -> String {
        let limits = &self.limits;
        let events: Vec<&Map<String, Json>> = self.events.iter().map(|(_, event)| event).collect();
        let line = json!({
            "kind": "recording",
            "recording_version": RECORDING_VERSION,
            "module": Base64::encode_string(&self.module),
            "input": self.given.input,
            "context": self.given.context,
            "now_ns": self.given.now_ns,
            "limits": {
                "fuel": limits.fuel, "memory_bytes": limits.memory_bytes, "call_depth": limits.call_depth,
                "host_calls": limits.host_calls, "deadline_ns": limits.deadline_ns, "money": limits.money,
                "tokens": limits.tokens,
            },
            "granted": self.granted,
            "for_ns": self.time_ns,
            "events": events,
        });
        format!("{line}\n")
    }

    /// Reads a file: what the run was given, and what happened.
    pub(crate) fn read(path: &Path) -> Result<(Recording, Journal), Failure> {
        let name = files::display_name(path);
        let lines = files::read_lines(path)?;
        let unfit = |why: String| {
            let failure = Failure::usage(Fault::NoRecording, format_args!("{name} is no recording: {why}"));
            failure.file(name.clone()).note("`swarmc run … --record FILE` writes one")
        };
        let Some((_, first)) = lines.first() else { return Err(unfit("it is empty".to_owned())) };
        match first.get("kind").and_then(Json::as_str) {
            Some("recording") => {}
            Some(other) => {
                let why =
                    format!("its first line is a `{}`, not a `recording`", crate::render::text::safe(other));
                return Err(unfit(why));
            }
            None => return Err(unfit("its first line says of no event what it is".to_owned())),
        }
        let version = first.get("recording_version").and_then(Json::as_u64);
        if version != Some(RECORDING_VERSION) {
            return Err(unfit(format!("this Swarm reads version {RECORDING_VERSION} of recordings")));
        }
        let recording =
            Recording::of(first).ok_or_else(|| unfit("its first line is not whole".to_owned()))?;
        let journal = Journal::of(lines.get(1..).unwrap_or(&[]));
        Ok((recording, journal))
    }

    fn of(line: &Map<String, Json>) -> Option<Recording> {
        let number = |name: &str| line.get("limits")?.get(name)?.as_u64();
        let signed = |name: &str| line.get("limits")?.get(name)?.as_i64();
        let limits = Limits::default()
            .fuel(number("fuel")?)
            .memory_bytes(number("memory_bytes")?)
            .call_depth(u32::try_from(number("call_depth")?).ok()?)
            .host_calls(number("host_calls")?)
            .deadline_ns(number("deadline_ns")?)
            .money(signed("money")?)
            .tokens(signed("tokens")?);
        let document = |name: &str| line.get(name).filter(|document| !document.is_null()).cloned();
        let given = Given {
            input: document("input"),
            context: document("context"),
            now_ns: line.get("now_ns")?.as_i64()?,
        };
        let granted = line.get("granted")?.as_array()?.iter().map(|name| name.as_str().map(str::to_owned));
        let events = line.get("events")?.as_array()?.iter().zip(1_usize..);
        Some(Recording {
            module: Base64::decode_vec(line.get("module")?.as_str()?).ok()?,
            given,
            limits,
            granted: granted.collect::<Option<_>>()?,
            time_ns: match line.get("for_ns")? {
                Json::Null => None,
                time => Some(time.as_u64()?),
            },
            events: events
                .map(|(event, at)| Some((at, event.as_object()?.clone())))
                .collect::<Option<_>>()?,
        })
    }
}

/// The machine's clock, whose readings are kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeptClock {
    clock: SystemClock,
    readings: Rc<RefCell<Vec<u64>>>,
}

impl KeptClock {
    /// The last line.
    pub(crate) fn line(&self) -> String {
        format!("{}\n", json!({ "kind": "clock", "readings": *self.readings.borrow() }))
    }
}

impl Clock for KeptClock {
    fn now_ns(&self) -> u64 {
        let now = self.clock.now_ns();
        let mut readings = self.readings.borrow_mut();
        if readings.len() < MOST_READINGS {
            readings.push(now);
        }
        now
    }
}

/// A clock that shows what another has shown; then it stands still.
#[derive(Debug, Default)]
struct PastClock {
    readings: Vec<u64>,
    next: std::cell::Cell<usize>,
}

impl Clock for PastClock {
    fn now_ns(&self) -> u64 {
        let at = self.next.get();
        self.next.set(at.saturating_add(1));
        self.readings.get(at).or(self.readings.last()).copied().unwrap_or(0)
    }
}
