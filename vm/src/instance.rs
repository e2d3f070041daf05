//! A program with its data and limits, from its start to its end.

use std::sync::Arc;

use smol_str::SmolStr;
use swarm_bytecode::trap::LimitKind;

use crate::actions::Actions;
use crate::activation::{Begin, Refusal};
use crate::attached::Attached;
use crate::driver::{Driver, Phase, RunState, Settings};
use crate::error::{InputError, LoadError, Path};
use crate::heap::Data;
use crate::host::{Answer, Host};
use crate::inputs::Inputs;
use crate::limits::{Grants, Limits, MAX_FUEL};
use crate::program::Program;
use crate::report::{OrderReport, PlaceName, Report, metric_values};
use crate::tier::Tier;
use crate::trace::{Digest, Level, Recorder, TraceSink, Tracing};
use crate::value::{Value, ValueRef};

/// When actions are carried out; the embedder's choice. Queries are always asked at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Effects {
    /// As they are issued.
    #[default]
    Immediate,
    /// In order at the end of the activation, and only if it ends with `done` or `stopped`. An action the program
    /// waits for (TRY) is carried out where it stands, after those that are held.
    Collected,
}

/// Why [`Instance::run`] returned.
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "made once a run")]
pub enum Exit {
    /// The activation is over.
    Finished(Report),
    /// A handler said [`Answer::pending`], or a RETRY waits before its next attempt.
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
    /// The report, if the activation is over.
    pub fn report(self) -> Option<Report> {
        match self {
            Exit::Finished(report) => Some(report),
            _ => None,
        }
    }
}

/// What an activation waits for.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingCall {
    /// Number of the call in its order.
    pub id: u64,
    /// Name of the function.
    pub name: SmolStr,
    /// Whether it is a query, whose answer is a value.
    pub query: bool,
    /// Its arguments, records whole.
    pub arguments: Vec<Value>,
    /// Where in the program it stands.
    pub place: PlaceName,
    /// Whether the call was made, or is still to be made.
    pub kind: PendingKind,
}

/// What has to happen before an activation can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PendingKind {
    /// The call was made: give its answer to [`Instance::resolve`], then run again.
    Answer,
    /// It is to be made again, but not before this time by the host's clock: wait, then run again.
    Timer {
        /// Nanoseconds.
        until_ns: u64,
    },
}

/// A program with its data and limits: fresh, at work, resting between two activations, or over.
///
/// A program that only has a START runs once: [`Instance::run`] begins it and goes on with it until it is
/// over. One with events and timers lives for an *order*: [`Instance::start`], [`Instance::tick`] and
/// [`Instance::event`] begin an activation, [`Instance::run`] does it. Fuel, memory and call depth are
/// limited for each activation; money, tokens, host calls and the deadline for the order. STATE variables and
/// metrics last as long as the order.
#[derive(Debug)]
pub struct Instance {
    pub(crate) program: Program,
    pub(crate) attached: Arc<Attached>,
    /// What runs in the interpreter's place, if anything.
    pub(crate) tier: Option<Arc<dyn Tier>>,
    /// What the next activation reads.
    pub(crate) next_attached: Option<Arc<Attached>>,
    pub(crate) grants: Grants,
    pub(crate) settings: Settings,
    /// Made when it is first needed: an instance that only waits for its start is small.
    pub(crate) state: Option<Box<RunState>>,
    pub(crate) recorder: Recorder,
    /// Of the last snapshot, taken or resumed.
    pub(crate) generation: u64,
}

impl Instance {
    /// An instance that has not run yet. It shares the program and the inputs.
    ///
    /// # Errors
    /// An input is missing or belongs to another program; a capability is not granted that the program does
    /// not only try; the host lacks a function or has it with another signature.
    pub fn new(
        program: &Program,
        inputs: &Inputs,
        limits: Limits,
        grants: &Grants,
        host: &Host<'_>,
    ) -> Result<Instance, LoadError> {
        host.admit(program, grants)?;
        Ok(Instance {
            program: program.clone(),
            attached: complete(program, inputs)?,
            tier: None,
            next_attached: None,
            grants: grants.clone(),
            settings: Settings::new(limits),
            state: None,
            recorder: Recorder { digest: Some(Digest::new()), seq: 0 },
            generation: 0,
        })
    }

    /// Chooses when actions are carried out. Before the first run.
    #[must_use]
    pub fn effects(mut self, effects: Effects) -> Instance {
        self.settings.effects = effects;
        self
    }

    /// Has a tier run what it can, in the interpreter's place. It changes no result and no fuel. Before the
    /// first run.
    #[must_use]
    pub fn tier(mut self, tier: Arc<dyn Tier>) -> Instance {
        self.tier = Some(tier);
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

    /// Says for whom the order runs: whatever tells this fleet, order and agent from all others. Keys of
    /// actions that are ONCE depend on it ([`crate::Call::key`]). Before the first run.
    #[must_use]
    pub fn identity(mut self, identity: &[u8]) -> Instance {
        self.work().once.get_or_insert_default().identify(identity);
        self
    }

    /// Gives the inputs and context that the next activation reads; the one under way keeps its own.
    ///
    /// # Errors
    /// An input is missing, or they were bound to another program.
    pub fn inputs(&mut self, inputs: &Inputs) -> Result<(), InputError> {
        self.next_attached = Some(complete(&self.program, inputs)?);
        Ok(())
    }

    /// Changes what is granted, from the next run on. An action whose capability is granted no more is not done:
    /// it counts as vetoed. Such a query fails.
    pub fn grants(&mut self, grants: &Grants) {
        self.grants = grants.clone();
        if let Some(state) = &mut self.state {
            state.links.expire();
        }
    }

    /// Begins START, the first activation. [`Instance::run`] does it.
    ///
    /// # Errors
    /// It has been begun before.
    pub fn start(&mut self) -> Result<(), Refusal> {
        self.begin(Begin::Start)
    }

    /// Begins the activation of a timer of the module, by its index.
    ///
    /// # Errors
    /// An activation is under way, the order has not started or is over, or there is no such timer.
    pub fn tick(&mut self, timer: usize) -> Result<(), Refusal> {
        self.begin(Begin::Tick(timer))
    }

    /// Begins the activation of an event handler of the module, by its index. The handler's MAX is for
    /// [`crate::Agenda`] to hold.
    ///
    /// # Errors
    /// As [`Instance::tick`]; or the arguments do not have the types of the handler's parameters.
    pub fn event(&mut self, handler: usize, arguments: &[Value]) -> Result<(), Refusal> {
        self.begin(Begin::Event(handler, arguments))
    }

    fn begin(&mut self, begin: Begin<'_>) -> Result<(), Refusal> {
        begin.check(self.program.tables(), self.phase())?;
        self.work();
        let (Some(state), code) = (&mut self.state, self.program.code()) else { return Ok(()) };
        let fails = state.restart(code, &self.attached, &self.settings);
        if let Some(attached) = self.next_attached.take() {
            self.attached = attached;
        }
        state.begin(code, &self.attached, begin, fails)
    }

    /// What changes while it runs.
    fn work(&mut self) -> &mut RunState {
        self.run_state().0
    }

    /// Looks at what changes while it runs; where nothing did so far, at its beginnings.
    fn look<T>(&self, look: impl FnOnce(&RunState) -> T) -> T {
        match &self.state {
            Some(state) => look(state),
            None => look(&RunState::new(self.program.code(), &self.settings.limits)),
        }
    }

    /// Goes on until the activation is over, waits for something or is out of fuel. A fresh instance is
    /// started. If nothing was begun since, gives the last activation's report again.
    pub fn run(&mut self, host: &mut Host<'_>) -> Exit {
        self.drive(host, Level::Off, None)
    }

    /// Like [`Instance::run`], with a trace. The result and the fuel are the same.
    pub fn run_traced(&mut self, host: &mut Host<'_>, level: Level, sink: &mut dyn TraceSink) -> Exit {
        self.drive(host, level, Some(sink))
    }

    fn drive(&mut self, host: &mut Host<'_>, level: Level, sink: Option<&mut dyn TraceSink>) -> Exit {
        if let Phase::Fresh = self.phase() {
            // START has no parameters: nothing can stand against it.
            let _ = self.start();
        }
        self.work();
        if let Some(state) = &mut self.state
            && !state.links.hold(host)
        {
            state.links = host.links(&self.program, &self.grants);
        }
        let exit = self.driver(level, sink).drive(host);
        exit.unwrap_or_else(|| Exit::Finished(self.report()))
    }

    fn driver<'a, 's>(&'a mut self, level: Level, sink: Option<&'s mut dyn TraceSink>) -> Driver<'a, 's> {
        let (program, settings) = (&self.program, &self.settings);
        let state =
            self.state.get_or_insert_with(|| Box::new(RunState::new(program.code(), &settings.limits)));
        Driver {
            program,
            attached: &self.attached,
            tier: self.tier.as_deref(),
            settings,
            state,
            tracing: Tracing { recorder: &mut self.recorder, sink, level },
        }
    }

    /// Gives the answer to the call the activation waits for; it counts when it goes on. To a RETRY that
    /// waits before its next attempt, [`Answer::done`] says that it has waited long enough.
    ///
    /// # Errors
    /// Nothing waits for a call with this number.
    pub fn resolve(&mut self, id: u64, answer: Answer) -> Result<(), NotPending> {
        if self.work().phase.answer(id, answer) { Ok(()) } else { Err(NotPending { id }) }
    }

    /// Raises the fuel limit of the activation. One that was out of fuel goes on as if it had had the fuel at
    /// once.
    pub fn refuel(&mut self, units: u64) {
        let machine = &mut self.work().machine;
        let limit = machine.fuel_limit.max(0).cast_unsigned().saturating_add(units);
        machine.fuel_limit = limit.min(MAX_FUEL).cast_signed();
    }

    /// Ends the order. If no activation is under way it has simply run its time: the outcome is `done`. If
    /// one is, it ends by a limit: one out of fuel by that, any other by its deadline. The cost reserved for
    /// a call without an answer counts as spent. Actions that are held are dropped.
    pub fn close(&mut self) -> Report {
        self.close_with(Level::Off, None)
    }

    /// Like [`Instance::close`], and writes the end of the trace.
    pub fn close_traced(&mut self, level: Level, sink: &mut dyn TraceSink) -> Report {
        self.close_with(level, Some(sink))
    }

    fn close_with(&mut self, level: Level, sink: Option<&mut dyn TraceSink>) -> Report {
        let limit = match self.phase() {
            Phase::Running => LimitKind::Fuel,
            _ => LimitKind::Deadline,
        };
        self.driver(level, sink).close(limit);
        self.work().machine.stack = Vec::new();
        self.report()
    }

    /// Whether the order is over: nothing can be begun any more.
    pub fn is_over(&self) -> bool {
        matches!(self.phase(), Phase::Ended)
    }

    /// Fuel the activation used so far; at most the limit.
    pub fn fuel_used(&self) -> u64 {
        let Some(state) = &self.state else { return 0 };
        if let Some(ending) = &state.ending {
            return ending.fuel_used;
        }
        let used = match state.phase {
            Phase::Fresh | Phase::Begun(_) => 0,
            _ => state.machine.used(self.program.code()),
        };
        used.min(state.machine.fuel_limit).max(0).cast_unsigned()
    }

    /// Words and bytes of text the activation has put into its arena, as they are charged: a bool in a list
    /// is a word like any other item. Inputs are not among them.
    pub fn arena_used(&self) -> (usize, usize) {
        let heap = self.state.as_ref().map(|state| &state.machine.heap);
        heap.map_or((0, 0), |heap| (heap.words(), heap.text_bytes()))
    }

    /// The value of a STATE variable.
    pub fn state(&self, name: &str) -> Option<Value> {
        let states = &self.program.tables().states;
        let (at, declared) = states.iter().enumerate().find(|(_, state)| state.name == name)?;
        self.look(|state| {
            let slot = *state.machine.states.get(at)?;
            Some(ValueRef { data: self.data(state), ty: declared.ty, slot }.to_value())
        })
    }

    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    pub(crate) fn phase(&self) -> &Phase {
        const FRESH: &Phase = &Phase::Fresh;
        self.state.as_ref().map_or(FRESH, |state| &state.phase)
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn run_state(&mut self) -> (&mut RunState, &Attached) {
        let (program, settings) = (&self.program, &self.settings);
        let state =
            self.state.get_or_insert_with(|| Box::new(RunState::new(program.code(), &settings.limits)));
        (state, &self.attached)
    }

    fn data<'a>(&'a self, state: &'a RunState) -> Data<'a> {
        Data { code: self.program.code(), attached: &self.attached, heap: &state.machine.heap }
    }

    /// What came of the last activation.
    fn report(&self) -> Report {
        self.look(|state| self.report_of(state))
    }

    fn report_of(&self, state: &RunState) -> Report {
        let (module, data) = (self.program.tables(), self.data(state));
        let ending = state.ending.as_deref().cloned().unwrap_or_default();
        let entry = module.functions.get(module.entry.index()).and_then(|entry| entry.result);
        let result = ending.result.zip(entry).map(|(slot, ty)| ValueRef { data, ty, slot }.to_value());
        let used = state.meters.since(&state.at_begin);
        Report {
            outcome: ending.outcome,
            reason: ending.reason,
            fuel_used: ending.fuel_used,
            memory_peak_bytes: state.machine.memory.peak(),
            host_calls: used.host_calls,
            money: used.money,
            tokens: used.tokens,
            actions_issued: used.actions_issued,
            actions_failed: used.actions_failed,
            actions_vetoed: used.actions_vetoed,
            actions_undone: used.actions_undone,
            actions_dropped: ending.dropped,
            actions: match self.settings.keep_actions {
                true => Actions::of(&state.actions, &self.program, &self.attached, &state.machine.heap),
                false => Actions::default(),
            },
            metrics: metric_values(module, &state.machine.metrics),
            result,
            trace_digest: self.recorder.digest.as_ref().map(Digest::value),
            instruction: module.instruction.name.clone(),
            digest: self.program.digest(),
        }
    }

    /// What came of the order so far, over all its activations.
    pub fn order(&self) -> OrderReport {
        self.look(|state| self.order_of(state))
    }

    fn order_of(&self, state: &RunState) -> OrderReport {
        let module = self.program.tables();
        let over = state.ending.as_ref().filter(|_| self.is_over());
        let states = module
            .states
            .iter()
            .filter_map(|declared| Some((declared.name.clone(), self.state(&declared.name)?)));
        OrderReport {
            outcome: over.map(|ending| ending.outcome),
            reason: over.and_then(|ending| ending.reason.clone()),
            activations: state.totals.activations,
            fuel_used: state.totals.fuel_used,
            memory_peak_bytes: state.totals.memory_peak_bytes,
            host_calls: state.meters.host_calls,
            money: state.meters.money,
            tokens: state.meters.tokens,
            actions_issued: state.meters.actions_issued,
            actions_failed: state.meters.actions_failed,
            actions_vetoed: state.meters.actions_vetoed,
            actions_undone: state.meters.actions_undone,
            metrics: metric_values(module, &state.machine.metrics),
            states: states.collect(),
            trace_digest: self.recorder.digest.as_ref().map(Digest::value),
            instruction: module.instruction.name.clone(),
            digest: self.program.digest(),
        }
    }
}

/// The data of inputs that lack nothing and belong to this program.
fn complete(program: &Program, inputs: &Inputs) -> Result<Arc<Attached>, InputError> {
    if !inputs.program().is_same(program) {
        let problem = "the inputs were bound to another program";
        return Err(InputError::new(&Path::default(), problem, "bind them to this one"));
    }
    inputs.complete()
}

/// Nothing waits for a call with this number.
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
