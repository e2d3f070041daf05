//! What happened in a run, event by event. `docs/trace.md` describes the written form.

mod digest;
mod form;
mod json_lines;
mod recorder;

use smol_str::SmolStr;
use swarm_bytecode::trap::{LimitKind, TrapCode};

use crate::report::{Outcome, PlaceName};
use crate::value::Value;

pub(crate) use digest::{Digest, put_text, put_value};
pub(crate) use form::ActionForm;
pub(crate) use json_lines::write_place;
pub(crate) use recorder::{At, Recorder, Tag, Tracing, place_name};

pub use json_lines::{JsonLines, TRACE_VERSION, write_line};

/// How much of a run is traced. Each level has all of the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Level {
    /// Nothing.
    #[default]
    Off,
    /// What the run did to the world and why it ended: run, tick, event, action, query, veto, metric, rounds,
    /// within, within_end, within_undone, limit, trap, stop, fail, applied, rest, end.
    Effects,
    /// Also each statement and function call.
    Steps,
    /// Also each op.
    Ops,
}

impl Level {
    /// The level's name on the command line: `off`, `effects`, `steps`, `ops`.
    pub const fn name(self) -> &'static str {
        match self {
            Level::Off => "off",
            Level::Effects => "effects",
            Level::Steps => "steps",
            Level::Ops => "ops",
        }
    }

    /// The level of this name.
    pub fn from_name(name: &str) -> Option<Level> {
        [Level::Off, Level::Effects, Level::Steps, Level::Ops].into_iter().find(|level| level.name() == name)
    }
}

/// Takes events as they happen.
pub trait TraceSink {
    /// One event. Events come in order of their numbers.
    fn event(&mut self, event: &Event<'_>);
}

/// Keeps what a sink needs by itself.
impl<F: FnMut(&Event<'_>)> TraceSink for F {
    fn event(&mut self, event: &Event<'_>) {
        self(event);
    }
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub struct Event<'a> {
    /// Number of the event in its trace, from 0; which events there are depends on the level.
    pub seq: u64,
    /// Fuel used before it.
    pub fuel: u64,
    /// Where in the program.
    pub place: Option<PlaceName>,
    /// What.
    pub kind: EventKind<'a>,
}

/// What an [`Event`] tells.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum EventKind<'a> {
    /// The order starts, and with it START.
    Run {
        /// The instruction's name.
        instruction: &'a str,
        /// Its version.
        version: u32,
        /// SHA-256 of the module.
        digest: [u8; 32],
        /// Whether actions are collected until the end.
        collected: bool,
    },
    /// A timer begins an activation.
    Tick {
        /// Its index in the module.
        timer: u16,
    },
    /// An event begins an activation.
    Event {
        /// Its name.
        event: &'a str,
        /// Arguments; a record is shown by its KEY.
        arguments: &'a [Value],
    },
    /// A function is entered (steps).
    Call,
    /// A statement starts (steps).
    Step,
    /// An op is about to run (ops).
    Op {
        /// Its mnemonic.
        mnemonic: &'static str,
    },
    /// An action was issued.
    Action {
        /// Its name.
        name: &'a str,
        /// Arguments; a record is shown by its KEY.
        arguments: &'a [Value],
        /// What became of it.
        result: ActionResult<'a>,
    },
    /// A query was answered.
    Query {
        /// Its name.
        name: &'a str,
        /// Arguments; a record is shown by its KEY.
        arguments: &'a [Value],
        /// The answer, or why there is none.
        answer: Result<&'a Value, &'a str>,
    },
    /// An action was forbidden, so it was not issued.
    Veto {
        /// Its name.
        name: &'a str,
        /// Arguments; a record is shown by its KEY.
        arguments: &'a [Value],
        /// Whose rule forbids it.
        by: VetoedBy,
        /// Why.
        reason: &'a str,
    },
    /// A block with budgets starts.
    Within {
        /// Name of its phase, or empty.
        phase: &'a str,
    },
    /// The block has ended; what it did is kept.
    WithinEnd {
        /// Name of its phase, or empty.
        phase: &'a str,
    },
    /// A budget of the block was not enough: what it did, and what blocks inside it did, is undone.
    WithinUndone {
        /// Name of its phase, or empty.
        phase: &'a str,
        /// Which budget: `deadline`, `money` or `tokens`.
        limit: LimitKind,
    },
    /// A sample was recorded.
    Metric {
        /// The metric's name.
        name: &'a str,
        /// The sample.
        value: &'a Value,
    },
    /// A `WHILE … MAX n` used all its rounds; the program goes on behind it.
    RoundsExhausted,
    /// A limit ended the run.
    Limit {
        /// Which.
        limit: LimitKind,
    },
    /// An error of the program ended the run.
    Trap {
        /// Which.
        trap: TrapCode,
    },
    /// STOP.
    Stop {
        /// Its reason.
        reason: &'a str,
    },
    /// FAIL.
    Fail {
        /// Its reason.
        reason: &'a str,
    },
    /// An action that was held was carried out.
    Applied {
        /// Its number among the activation's actions, from 0.
        action: u64,
        /// Its name.
        name: &'a str,
        /// What became of it.
        result: ActionResult<'a>,
    },
    /// The activation is over; others can follow.
    Rest,
    /// The order is over. Always the last event.
    End {
        /// How it ended.
        outcome: Outcome,
        /// The run's digest over all events of level effects, this one included; `None` if it was switched off.
        digest: Option<[u8; 32]>,
    },
}

/// Whose rule forbids an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VetoedBy {
    /// The program's.
    Program {
        /// Index of the veto in the module.
        rule: usize,
    },
    /// The agent's.
    Agent,
    /// Its capability is not granted.
    Grant,
}

/// What became of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionResult<'a> {
    /// The host did it.
    Done,
    /// The host could not; the run goes on.
    Failed(&'a str),
    /// It waits for the end of the activation, or of a block that can be undone.
    Held,
    /// It was held, and by the time it was to be carried out the agent forbade it.
    Vetoed(&'a str),
}

impl ActionResult<'_> {
    /// What stands for it in the digest.
    pub(crate) const fn code(&self) -> u8 {
        match self {
            ActionResult::Done => 1,
            ActionResult::Held => 2,
            ActionResult::Failed(_) => 3,
            ActionResult::Vetoed(_) => 4,
        }
    }
}

impl EventKind<'_> {
    /// The kind's name in the written form.
    pub const fn name(&self) -> &'static str {
        match self {
            EventKind::Run { .. } => "run",
            EventKind::Tick { .. } => "tick",
            EventKind::Event { .. } => "event",
            EventKind::Veto { .. } => "veto",
            EventKind::Within { .. } => "within",
            EventKind::WithinEnd { .. } => "within_end",
            EventKind::WithinUndone { .. } => "within_undone",
            EventKind::Rest => "rest",
            EventKind::Call => "call",
            EventKind::Step => "step",
            EventKind::Op { .. } => "op",
            EventKind::Action { .. } => "action",
            EventKind::Query { .. } => "query",
            EventKind::Metric { .. } => "metric",
            EventKind::RoundsExhausted => "rounds",
            EventKind::Limit { .. } => "limit",
            EventKind::Trap { .. } => "trap",
            EventKind::Stop { .. } => "stop",
            EventKind::Fail { .. } => "fail",
            EventKind::Applied { .. } => "applied",
            EventKind::End { .. } => "end",
        }
    }

    /// The lowest level that shows it.
    pub const fn level(&self) -> Level {
        match self {
            EventKind::Call | EventKind::Step => Level::Steps,
            EventKind::Op { .. } => Level::Ops,
            _ => Level::Effects,
        }
    }
}

/// A cut of a text for messages and traces.
pub(crate) fn cut(text: &str) -> SmolStr {
    const MAX: usize = 4096;
    if text.len() <= MAX {
        return text.into();
    }
    let end = (0..=MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let kept = text.get(..end).unwrap_or("");
    format!("{kept}… ({} bytes)", text.len()).into()
}
