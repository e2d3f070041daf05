//! Recordings: a trace that begins with all a run was given, so that it can be run again without its host.
//!
//! The first line is of kind `recording`, the last of kind `clock`; what is between them is the trace.

mod difference;
mod document;
mod journal;
mod replay;

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use serde_json::json;
use swarm_vm::{Clock, Program, SystemClock};

use crate::files;
use crate::render::text::safe;
use crate::status::{Failure, Fault};

pub(crate) use difference::{Change, Difference, Moved};
pub(crate) use document::{Given, Line, Recording, lines};
pub(crate) use journal::Journal;
pub(crate) use replay::{NotReplayed, Replayed, With, replay};

/// Most readings of the clock that are kept; behind them a replay's clock stands still.
const MOST_READINGS: usize = 1 << 20;

/// Reads a file: what the run was given, and what happened.
pub(crate) fn read(path: &Path) -> Result<(Recording, Journal), Failure> {
    let lines = files::read_lines(path)?;
    Recording::read(&lines).map_err(|why| {
        let (name, why) = (files::display_name(path), safe(&why));
        let failure = Failure::usage(Fault::NoRecording, format_args!("{name} is no recording: {why}"));
        failure.file(name).note("`swarmc run … --record FILE` writes one")
    })
}

impl Given {
    /// The same without the secrets among it.
    pub(crate) fn redacted(&self, program: &Program) -> Given {
        let mut given = self.clone();
        given.input.iter_mut().for_each(|document| program.redact_inputs(document));
        given.context.iter_mut().for_each(|document| program.redact_context(document));
        given
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
