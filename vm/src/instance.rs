//! One run of a program.

use std::sync::Arc;

use smol_str::SmolStr;
use swarm_bytecode::module::Effect;
use swarm_bytecode::trap::LimitKind;

use crate::actions::ActionLog;
use crate::attached::Attached;
use crate::driver::{Driver, Ending, SLICE, Waiting};
use crate::error::{InputError, LoadError, Path};
use crate::heap::Data;
use crate::host::{Answer, Host};
use crate::inputs::Inputs;
use crate::limits::{Grants, Limits, MAX_FUEL};
use crate::machine::Machine;
use crate::program::Program;
use crate::report::{PlaceName, Report, metric_values};
use crate::trace::{Digest, Level, Recorder, TraceSink, Tracing};
use crate::value::{Value, ValueRef};

/// When actions are carried out; the embedder's choice. Queries are always asked at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Effects {
    /// As they are issued.
    #[default]
    Immediate,
    /// In order at the end of the run, and only if it ends with `done` or `stopped`.
    Collected,
}

/// Why [`Instance::run`] returned.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "made once a run")]
pub enum Exit {
    /// The run is over.
    Finished(Report),
    /// A handler said [`Answer::pending`]: give its answer to [`Instance::resolve`], then run again.
    Pending(PendingCall),
    /// The fuel is used up: [`Instance::refuel`] and run again, or [`Instance::close`].
    OutOfFuel {
        /// Fuel used.
        used: u64,
        /// The limit.
        limit: u64,
        /// The op that could not be paid.
        place: PlaceName,
    },
}

impl Exit {
    /// The report, if the run is over.
    pub fn report(self) -> Option<Report> {
        match self {
            Exit::Finished(report) => Some(report),
            _ => None,
        }
    }
}

/// A host call whose answer the run waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingCall {
    /// Number of the call in its run.
    pub id: u64,
    /// Name of the function.
    pub name: SmolStr,
    /// Whether it is a query, whose answer is a value.
    pub query: bool,
    /// Its arguments, records whole.
    pub arguments: Vec<Value>,
    /// Where in the program it stands.
    pub place: PlaceName,
}

/// What is fixed when a run starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) limits: Limits,
    pub(crate) effects: Effects,
    pub(crate) keep_actions: bool,
    pub(crate) slice: i64,
}

/// What a run has used, beside fuel and memory.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Meters {
    pub(crate) host_calls: u64,
    pub(crate) money: i64,
    pub(crate) tokens: i64,
    pub(crate) money_reserved: i64,
    pub(crate) tokens_reserved: i64,
    pub(crate) actions_issued: u64,
    pub(crate) actions_failed: u64,
}

/// Where a run stands.
#[derive(Debug, Default)]
pub(crate) enum Phase {
    #[default]
    Fresh,
    Running,
    /// The interpreter stands at a host call.
    Waiting(Waiting),
    /// The run has ended; its collected actions from this one on are still to be carried out.
    Applying {
        next: usize,
        waiting: Option<Waiting>,
    },
    Ended,
}

/// All that changes in a run.
#[derive(Debug)]
pub(crate) struct RunState {
    pub(crate) machine: Machine,
    pub(crate) phase: Phase,
    pub(crate) meters: Meters,
    pub(crate) actions: ActionLog,
    /// Costs of the host call at hand that were computed so far: money, tokens.
    pub(crate) quotes: [Option<i64>; 2],
    /// Arguments of the host call at hand.
    pub(crate) arguments: Vec<u64>,
    /// By the host's clock.
    pub(crate) deadline_ns: Option<u64>,
    pub(crate) ending: Option<Ending>,
}

/// A program with its data and limits, about to run, running or over.
#[derive(Debug)]
pub struct Instance {
    program: Program,
    attached: Arc<Attached>,
    settings: Settings,
    state: RunState,
    recorder: Recorder,
}

impl Instance {
    /// An instance that has not run yet. It shares the program and the inputs.
    ///
    /// # Errors
    /// An input is missing or belongs to another program; a capability is not granted; the host lacks a function or has it with
    /// another signature.
    pub fn new(
        program: &Program,
        inputs: &Inputs,
        limits: Limits,
        grants: &Grants,
        host: &Host<'_>,
    ) -> Result<Instance, LoadError> {
        if !inputs.program().is_same(program) {
            let problem = "the inputs were bound to another program";
            return Err(InputError::new(&Path::default(), problem, "bind them to this one").into());
        }
        host.admit(program.module(), grants)?;
        let attached = inputs.complete()?;
        let settings = Settings { limits, effects: Effects::Immediate, keep_actions: true, slice: SLICE };
        let state = RunState {
            machine: Machine::new(program.code(), &limits),
            phase: Phase::Fresh,
            meters: Meters::default(),
            actions: ActionLog::default(),
            quotes: [None; 2],
            arguments: Vec::new(),
            deadline_ns: None,
            ending: None,
        };
        let recorder = Recorder { digest: Some(Digest::new()), seq: 0 };
        Ok(Instance { program: program.clone(), attached, settings, state, recorder })
    }

    /// Chooses when actions are carried out. Before the first run.
    #[must_use]
    pub fn effects(mut self, effects: Effects) -> Instance {
        self.settings.effects = effects;
        self
    }

    /// Does not keep the actions for the report, so that issuing one allocates nothing. Collected actions are
    /// kept until they are applied all the same. Before the first run.
    #[must_use]
    pub fn without_action_log(mut self) -> Instance {
        self.settings.keep_actions = false;
        self
    }

    /// Does not compute the digest of the run. Before the first run.
    #[must_use]
    pub fn without_digest(mut self) -> Instance {
        self.recorder.digest = None;
        self
    }

    /// Sets how much fuel may be spent between two looks at the clock; 4,096 unless set. It changes no result and
    /// no fuel. Before the first run.
    #[must_use]
    pub fn look_every(mut self, fuel: u32) -> Instance {
        self.settings.slice = i64::from(fuel);
        self
    }

    /// Runs, or goes on, until the run is over, waits for an answer or is out of fuel.
    pub fn run(&mut self, host: &mut Host<'_>) -> Exit {
        self.drive(host, Level::Off, None)
    }

    /// Like [`Instance::run`], with a trace. The result and the fuel are the same.
    pub fn run_traced(&mut self, host: &mut Host<'_>, level: Level, sink: &mut dyn TraceSink) -> Exit {
        self.drive(host, level, Some(sink))
    }

    fn drive(&mut self, host: &mut Host<'_>, level: Level, sink: Option<&mut dyn TraceSink>) -> Exit {
        let mut driver = Driver {
            program: &self.program,
            attached: &self.attached,
            settings: &self.settings,
            state: &mut self.state,
            tracing: Tracing { recorder: &mut self.recorder, sink, level },
        };
        match driver.drive(host) {
            Some(exit) => exit,
            None => Exit::Finished(self.report()),
        }
    }

    /// Gives the answer to the call the run waits for; it counts when the run goes on.
    ///
    /// # Errors
    /// The run does not wait for a call with this number.
    pub fn resolve(&mut self, id: u64, answer: Answer) -> Result<(), NotPending> {
        let waiting = match &mut self.state.phase {
            Phase::Waiting(waiting) | Phase::Applying { waiting: Some(waiting), .. } => waiting,
            _ => return Err(NotPending { id }),
        };
        if waiting.number != id {
            return Err(NotPending { id });
        }
        waiting.answer = Some(answer);
        Ok(())
    }

    /// Raises the fuel limit. A run that was out of fuel goes on as if it had had the fuel at once.
    pub fn refuel(&mut self, units: u64) {
        let limit = self.state.machine.fuel_limit.max(0).cast_unsigned().saturating_add(units);
        self.state.machine.fuel_limit = limit.min(MAX_FUEL).cast_signed();
    }

    /// Ends a run that has not ended: one out of fuel by that limit, any other by its deadline. The cost reserved
    /// for a call without an answer counts as spent. Collected actions are dropped.
    pub fn close(&mut self) -> Report {
        self.close_with(Level::Off, None)
    }

    /// Like [`Instance::close`], and writes the end of the trace.
    pub fn close_traced(&mut self, level: Level, sink: &mut dyn TraceSink) -> Report {
        self.close_with(level, Some(sink))
    }

    fn close_with(&mut self, level: Level, sink: Option<&mut dyn TraceSink>) -> Report {
        let mut driver = Driver {
            program: &self.program,
            attached: &self.attached,
            settings: &self.settings,
            state: &mut self.state,
            tracing: Tracing { recorder: &mut self.recorder, sink, level },
        };
        let limit = match driver.state.phase {
            Phase::Running => LimitKind::Fuel,
            _ => LimitKind::Deadline,
        };
        driver.close(limit);
        self.report()
    }

    /// Fuel used so far; at most the limit.
    pub fn fuel_used(&self) -> u64 {
        if let Some(ending) = &self.state.ending {
            return ending.fuel_used;
        }
        let used = match self.state.phase {
            Phase::Fresh => 0,
            _ => self.state.machine.used(self.program.code()),
        };
        used.min(self.state.machine.fuel_limit).max(0).cast_unsigned()
    }

    /// Words and bytes of text the run has put into its arena; inputs are not among them.
    pub fn arena_used(&self) -> (usize, usize) {
        (self.state.machine.heap.words(), self.state.machine.heap.text_bytes())
    }

    /// What came of the run, once it is over.
    fn report(&self) -> Report {
        let code = self.program.code();
        let module = code.module();
        let state = &self.state;
        let data = Data { code, attached: &self.attached, heap: &state.machine.heap };
        let none = Ending::default();
        let ending = state.ending.as_ref().unwrap_or(&none);
        let entry = module.functions.get(module.entry.index()).and_then(|entry| entry.result);
        let result = ending.result.zip(entry).map(|(slot, ty)| ValueRef { data, ty, slot }.to_value());
        let keep = self.settings.keep_actions;
        Report {
            outcome: ending.outcome,
            reason: ending.reason.clone(),
            fuel_used: ending.fuel_used,
            memory_peak_bytes: state.machine.memory.peak,
            host_calls: state.meters.host_calls,
            money: state.meters.money,
            tokens: state.meters.tokens,
            actions_issued: state.meters.actions_issued,
            actions_failed: state.meters.actions_failed,
            actions_dropped: self.settings.effects == Effects::Collected && !ending.outcome.applies(),
            actions: if keep { state.actions.records(data) } else { Vec::new() },
            metrics: metric_values(module, &state.machine.metrics),
            result,
            trace_digest: self.recorder.digest.as_ref().map(Digest::value),
            instruction: module.instruction.name.clone(),
            digest: self.program.digest(),
        }
    }
}

/// The run does not wait for a call with this number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotPending {
    /// The number.
    pub id: u64,
}

impl std::fmt::Display for NotPending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the run does not wait for an answer to host call {}", self.id)
    }
}

impl std::error::Error for NotPending {}

/// Whether a host function answers.
pub(crate) fn is_query(effect: Effect) -> bool {
    effect == Effect::Query
}
