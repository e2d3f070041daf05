//! What begins an activation, and why it may not.

use std::fmt;

use swarm_bytecode::module::{FunctionId, Module};

use crate::driver::Phase;
use crate::value::Value;

/// What begins an activation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Begin<'a> {
    Start,
    /// The timer of this index.
    Tick(usize),
    /// The event handler of this index, and the event's arguments.
    Event(usize, &'a [Value]),
}

/// Why an activation cannot begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// START has not run yet; it is first.
    NotStarted,
    /// START was begun before.
    Started,
    /// Another activation is under way.
    Busy,
    /// The order is over.
    Over,
    /// The module has no such timer or event handler.
    Unknown,
    /// The event's arguments do not have the types of the handler's parameters.
    Arguments,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refusal::NotStarted => "START has to run first",
            Refusal::Started => "START was begun before",
            Refusal::Busy => "another activation is under way",
            Refusal::Over => "the order is over",
            Refusal::Unknown => "the program has no such timer or event handler",
            Refusal::Arguments => "the arguments do not have the types of the event handler's parameters",
        })
    }
}

impl std::error::Error for Refusal {}

impl Begin<'_> {
    /// The function it runs, if the module has it.
    pub(crate) fn function(self, module: &Module) -> Option<FunctionId> {
        match self {
            Begin::Start => Some(module.entry),
            Begin::Tick(at) => module.timers.get(at).map(|timer| timer.function),
            Begin::Event(at, _) => module.events.get(at).map(|event| event.function),
        }
    }

    /// Whether it may begin now.
    pub(crate) fn check(self, module: &Module, phase: &Phase) -> Result<(), Refusal> {
        match (phase, self) {
            (Phase::Fresh, Begin::Start) => {}
            (Phase::Fresh, _) => return Err(Refusal::NotStarted),
            (Phase::Ended, _) => return Err(Refusal::Over),
            (Phase::Resting, Begin::Start) => return Err(Refusal::Started),
            (Phase::Resting, _) => {}
            _ => return Err(Refusal::Busy),
        }
        self.function(module).map_or(Err(Refusal::Unknown), |_| Ok(()))
    }
}

/// Whether a program lives on after START: it has timers or events.
pub(crate) fn lives_on(module: &Module) -> bool {
    !module.timers.is_empty() || !module.events.is_empty()
}
