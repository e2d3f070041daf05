//! The course of an order: what wakes its program next, at which time, and what it reads as `now` then.
//! Tests, dry runs and agents share it, so that what is tested is what will happen.
//!
//! [`Course::wake`] and [`Course::rest`] read no clock and run nothing: the caller has the time, runs the
//! instance, and may wait for answers meanwhile. [`Course::play`] does all of it in virtual time.
//!
//! ```
//! use std::ops::ControlFlow;
//! use swarm_vm::{Course, Grants, Host, Inputs, Instance, Limits, Program, VirtualClock, Wake};
//! # use swarm_bytecode::module::{Function, FunctionId, Module, Timer};
//! # use swarm_bytecode::op::Op;
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let mut module = Module::empty();
//! # let function = Function { registers: vec![], parameters: 0, result: None, code: vec![Op::Return {}] };
//! # module.functions = vec![function.clone(), function];
//! # module.timers = vec![Timer { period_ns: 30_000_000_000, function: FunctionId(1) }]; // EVERY 30s
//! # let bytes = module.encode();
//! let program = Program::load(&bytes)?;
//! let (inputs, mut host) = (Inputs::new(&program), Host::new());
//! let instance = Instance::new(&program, &inputs, Limits::default(), &Grants::none(), &host)?;
//! let mut course = Course::new(instance, inputs);
//! let mut woken = Vec::new();
//! course.play(60_000_000_000, &VirtualClock::default(), &mut host, None, &mut |wake, _report| {
//!     woken.push(wake);
//!     ControlFlow::Continue(())
//! })?;
//! assert_eq!(woken, [Wake::Start, Wake::Tick(0), Wake::Tick(0)]);
//! # Ok(())
//! # }
//! ```

use std::ops::ControlFlow;

use crate::activation::Refusal;
use crate::agenda::{Agenda, Due, Posted};
use crate::clock::{Clock, VirtualClock};
use crate::error::InputError;
use crate::host::Host;
use crate::inputs::Inputs;
use crate::instance::{Exit, Instance};
use crate::report::Report;
use crate::trace::{Level, TraceSink};
use crate::value::Value;

/// What woke a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wake {
    /// The order begins.
    Start,
    /// The timer of this index in the module.
    Tick(usize),
    /// An event, for the handler of this index in the module.
    Event(usize),
    /// The header's DEADLINE: nothing was begun, and nothing will be.
    Deadline,
}

/// An order under way. Times are nanoseconds by one clock, whose start does not matter.
#[derive(Debug)]
pub struct Course {
    pub(crate) instance: Instance,
    pub(crate) inputs: Inputs,
    /// Once it has begun.
    pub(crate) begun: Option<Begun>,
}

#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) agenda: Agenda,
    /// What the program would have read as `now` when its clock stood at 0.
    pub(crate) epoch_ns: Option<i64>,
}

impl Course {
    /// An order that has not begun. The instance was made with these inputs.
    pub fn new(instance: Instance, inputs: Inputs) -> Course {
        Course { instance, inputs, begun: None }
    }

    /// Whether START was begun.
    pub fn has_begun(&self) -> bool {
        self.begun.is_some()
    }

    /// The instance.
    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    /// The instance, to run, close or evaluate it.
    pub fn instance_mut(&mut self) -> &mut Instance {
        &mut self.instance
    }

    /// Ticks that were skipped.
    pub fn skipped(&self) -> u64 {
        self.begun.as_ref().map_or(0, |begun| begun.agenda.skipped())
    }

    /// What the program would read if it woke at this time: `now` goes on with the clock.
    pub fn inputs_at(&self, now_ns: u64) -> Inputs {
        let epoch = self.begun.as_ref().and_then(|begun| begun.epoch_ns);
        let passed = i64::try_from(now_ns).unwrap_or(i64::MAX);
        match epoch {
            Some(epoch) => self.inputs.clone().at(epoch.saturating_add(passed)),
            None => self.inputs.clone(),
        }
    }

    /// Gives what the next activation reads; `now` among it is the time at `now_ns`.
    ///
    /// # Errors
    /// As [`Instance::inputs`].
    pub fn give(&mut self, inputs: Inputs, now_ns: u64) -> Result<(), InputError> {
        self.instance.inputs(&inputs)?;
        if let Some(begun) = &mut self.begun {
            begun.epoch_ns = epoch(&inputs, now_ns);
        }
        self.inputs = inputs;
        Ok(())
    }

    /// Adds an event. Before the order has begun nobody hears it.
    pub fn post(&mut self, name: &str, arguments: Vec<Value>) -> Posted {
        self.begun.as_mut().map_or(Posted::Unhandled, |begun| begun.agenda.post(name, arguments))
    }

    /// When something will be due; `None` if nothing will be until an event comes, or the order is over. At
    /// once, that is 0, where it has not begun.
    pub fn next_ns(&self) -> Option<u64> {
        match &self.begun {
            None => Some(0),
            Some(_) if self.instance.is_over() => None,
            Some(begun) => begun.agenda.next_ns(),
        }
    }

    /// Begins what is due at this time, START first. [`Instance::run`] does it, and [`Course::rest`] is told
    /// when it is over. Of [`Wake::Deadline`] there is nothing to run: [`Instance::close`] ends the order.
    ///
    /// # Errors
    /// An activation is under way, or an event's arguments do not have the types of the handler's parameters.
    pub fn wake(&mut self, now_ns: u64) -> Result<Option<Wake>, Refusal> {
        let Some(begun) = &mut self.begun else {
            self.instance.start()?;
            let module = self.instance.program().tables();
            let deadline = module.instruction.deadline_ns.and_then(|deadline| u64::try_from(deadline).ok());
            let deadline = deadline.map(|deadline| now_ns.saturating_add(deadline));
            let agenda = Agenda::new(module, now_ns, deadline);
            self.begun = Some(Begun { agenda, epoch_ns: epoch(&self.inputs, now_ns) });
            return Ok(Some(Wake::Start));
        };
        if self.instance.is_over() {
            return Ok(None);
        }
        let Some(due) = begun.agenda.next(now_ns) else { return Ok(None) };
        self.inputs = self.inputs_at(now_ns);
        // They were complete before: only the time is another.
        let _complete = self.instance.inputs(&self.inputs);
        Ok(Some(match due {
            Due::Tick(timer) => {
                self.instance.tick(timer)?;
                Wake::Tick(timer)
            }
            Due::Event { handler, arguments } => {
                self.instance.event(handler, &arguments)?;
                Wake::Event(handler)
            }
            Due::Deadline => Wake::Deadline,
        }))
    }

    /// The activation under way is over at this time: ticks that fell due meanwhile are skipped.
    pub fn rest(&mut self, now_ns: u64) {
        if let Some(begun) = &mut self.begun {
            begun.agenda.finished(now_ns);
        }
    }

    /// Plays all that is due up to a time, START first, and sets the clock to that time. Each activation is
    /// handed to `each`, which may end the play. An activation that waits for an answer or for more fuel is
    /// closed: nobody is there who would give it.
    ///
    /// # Errors
    /// As [`Course::wake`].
    pub fn play(
        &mut self,
        until_ns: u64,
        clock: &VirtualClock,
        host: &mut Host<'_>,
        mut trace: Option<(Level, &mut dyn TraceSink)>,
        each: &mut dyn FnMut(Wake, Report) -> ControlFlow<()>,
    ) -> Result<(), Refusal> {
        host.clock(clock.clone());
        while let Some(at) = self.next_ns().filter(|at| *at <= until_ns) {
            clock.advance_to(at);
            let Some(wake) = self.wake(clock.now_ns())? else { break };
            let trace = trace.as_mut().map(|(level, sink)| (*level, &mut **sink as &mut dyn TraceSink));
            if wake == Wake::Deadline {
                self.instance.end(trace);
                break;
            }
            let report = self.instance.finish(host, trace);
            self.rest(clock.now_ns());
            if each(wake, report).is_break() {
                return Ok(());
            }
        }
        clock.advance_to(until_ns);
        Ok(())
    }
}

/// What the program would have read as `now` at the clock's 0.
fn epoch(inputs: &Inputs, now_ns: u64) -> Option<i64> {
    Some(inputs.now_ns()?.saturating_sub(i64::try_from(now_ns).unwrap_or(i64::MAX)))
}

impl Instance {
    /// Runs the activation to its end, with a trace if there is a sink. One that waits for an answer or for
    /// more fuel is closed: this is for who has none to give.
    pub fn finish(&mut self, host: &mut Host<'_>, mut trace: Option<(Level, &mut dyn TraceSink)>) -> Report {
        let exit = match &mut trace {
            Some((level, sink)) => self.run_traced(host, *level, *sink),
            None => self.run(host),
        };
        match exit {
            Exit::Finished(report) => report,
            _ => self.end(trace),
        }
    }

    /// [`Instance::close`], with or without a trace.
    pub fn end(&mut self, trace: Option<(Level, &mut dyn TraceSink)>) -> Report {
        match trace {
            Some((level, sink)) => self.close_traced(level, sink),
            None => self.close(),
        }
    }
}
