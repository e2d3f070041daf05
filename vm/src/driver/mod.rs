//! Runs the interpreter and does what it hands back: host calls, metrics, slices of fuel, limits, the end.

mod calls;
mod ending;

use swarm_bytecode::module::{ImportId, MetricId};
use swarm_bytecode::trap::LimitKind;

use crate::attached::Attached;
use crate::decode::{Code, Origin};
use crate::heap::Data;
use crate::host::{Answer, Host};
use crate::instance::{Effects, Exit, Phase, RunState, Settings};
use crate::interpret::{Blind, interpret};
use crate::machine::Pause;
use crate::program::Program;
use crate::report::{Outcome, Reason, slot_value};
use crate::trace::{At, EventKind, Level, Tag, Tracing, place_name, put_text};
use crate::word::Word;

/// Fuel between two looks at the clock (rule F10).
pub(crate) const SLICE: i64 = 4096;

/// How a run ended.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<Reason>,
    pub(crate) fuel_used: u64,
    pub(crate) result: Option<u64>,
}

impl Default for Ending {
    fn default() -> Self {
        Ending { outcome: Outcome::Done, reason: None, fuel_used: 0, result: None }
    }
}

/// A host call without an answer.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// Its number among the run's host calls.
    pub(crate) number: u64,
    pub(crate) import: ImportId,
    /// What is reserved for it: micro-dollars, tokens.
    pub(crate) cost: (i64, i64),
    /// Where a query's answer goes.
    pub(crate) result: u8,
    /// Its place among the kept actions.
    pub(crate) logged: Option<usize>,
    pub(crate) answer: Option<Answer>,
}

/// A run, for as long as one call of `run` lasts.
pub(crate) struct Driver<'a, 's> {
    pub(crate) program: &'a Program,
    pub(crate) attached: &'a Attached,
    pub(crate) settings: &'a Settings,
    pub(crate) state: &'a mut RunState,
    pub(crate) tracing: Tracing<'a, 's>,
}

/// What to do next.
#[expect(clippy::large_enum_variant, reason = "made once a run, or once a slice")]
enum Next {
    GoOn,
    Leave(Exit),
}

impl<'a> Driver<'a, '_> {
    fn code(&self) -> &'a Code {
        self.program.code()
    }

    /// Goes on until the run is over (`None`) or has to wait.
    pub(crate) fn drive(&mut self, host: &mut Host<'_>) -> Option<Exit> {
        loop {
            match &mut self.state.phase {
                Phase::Fresh => self.start(host),
                Phase::Running => {
                    let pause = self.interpret();
                    if let Next::Leave(exit) = self.handle(pause, host) {
                        return Some(exit);
                    }
                }
                Phase::Waiting(waiting) => {
                    let Some(answer) = waiting.answer.take() else {
                        return Some(self.pending());
                    };
                    if let Err(pause) = self.settle_call(answer) {
                        self.end_by(pause);
                    }
                }
                Phase::Applying { .. } => {
                    if let Next::Leave(exit) = self.apply(host) {
                        return Some(exit);
                    }
                }
                Phase::Ended => return None,
            }
        }
    }

    fn interpret(&mut self) -> Pause {
        let code = self.program.code();
        if self.tracing.sink.is_some() && self.tracing.level >= Level::Steps {
            interpret(&mut self.state.machine, code, self.attached, &mut self.tracing)
        } else {
            interpret(&mut self.state.machine, code, self.attached, &mut Blind)
        }
    }

    fn start(&mut self, host: &mut Host<'_>) {
        let code = self.program.code();
        let module = code.module();
        let deadline = host.now_ns().saturating_add(self.settings.limits.deadline_ns);
        self.state.deadline_ns = Some(deadline);
        self.state.phase = Phase::Running;
        let digest = self.program.digest();
        let collected = self.settings.effects == Effects::Collected;
        let (name, version) = (&module.instruction.name, module.instruction.version);
        self.tracing.digest(Tag::Run, 0, None, |bytes| {
            put_text(bytes, name);
            bytes.extend_from_slice(&version.to_le_bytes());
            bytes.extend_from_slice(&digest);
            bytes.push(u8::from(collected));
        });
        let kind = EventKind::Run { instruction: name, version, digest, collected };
        self.tracing.send(code, 0, None, kind);
        let machine = &mut self.state.machine;
        let entered = machine.enter_entry(code, module.entry.0);
        machine.set_mark(machine.fuel_limit.min(self.settings.slice));
        if let Err(pause) = entered {
            self.end_by(pause);
        }
    }

    /// Deals with a pause of the interpreter.
    fn handle(&mut self, pause: Pause, host: &mut Host<'_>) -> Next {
        let pause = match pause {
            Pause::Effect => match self.effect(host) {
                Ok(()) => return Next::GoOn,
                Err(pause) => pause,
            },
            Pause::Quoted(amount) => {
                if let Some(quote) = self.state.quotes.iter_mut().find(|quote| quote.is_none()) {
                    *quote = Some(amount.cast_signed());
                }
                self.state.machine.seen = true;
                return Next::GoOn;
            }
            other => other,
        };
        match pause {
            Pause::Short { charge } => {
                self.state.machine.seen = true;
                self.short(charge, host)
            }
            ending => {
                self.end_by(ending);
                Next::GoOn
            }
        }
    }

    /// The mark does not cover the op at hand: out of fuel, past the deadline, or only the end of a slice.
    fn short(&mut self, charge: u64, host: &Host<'_>) -> Next {
        let origin = self.origin();
        let used = self.state.machine.used(self.code());
        let own = i64::from(origin.due.saturating_sub(origin.spent));
        let charge = charge.min(crate::limits::MAX_FUEL).cast_signed();
        let needed = used.saturating_add(own).saturating_add(charge);
        let limit = self.state.machine.fuel_limit;
        if needed > limit {
            return Next::Leave(Exit::OutOfFuel {
                used: used.min(limit).max(0).cast_unsigned(),
                limit: limit.max(0).cast_unsigned(),
                place: place_name(self.code(), origin.function, origin.op),
            });
        }
        let late = self.state.deadline_ns.is_some_and(|deadline| host.now_ns() >= deadline);
        if late || host.is_cancelled() {
            self.limit(LimitKind::Deadline, used);
            return Next::GoOn;
        }
        self.state.machine.set_mark(limit.min(needed.saturating_add(self.settings.slice)));
        Next::GoOn
    }

    fn origin(&self) -> Origin {
        self.code().origin(self.state.machine.pc)
    }

    fn at(&self) -> At {
        let origin = self.origin();
        Some((origin.function, origin.op))
    }

    /// Fuel used before the op at hand, for events.
    fn fuel(&self) -> u64 {
        self.state.machine.used(self.code()).max(0).cast_unsigned()
    }

    fn data(&self) -> Data<'_> {
        Data { code: self.program.code(), attached: self.attached, heap: &self.state.machine.heap }
    }

    /// Carries out the op at hand, which reaches beyond the interpreter. An error leaves everything as it was, but
    /// for the dynamic charge of an op that then hit a limit.
    fn effect(&mut self, host: &mut Host<'_>) -> Result<(), Pause> {
        match self.code().words.get(self.state.machine.pc) {
            Some(&Word::Host { result, site, .. }) => self.host_call(result, site, host),
            Some(&Word::RecordMetric { value, metric, .. }) => self.record(value, MetricId(metric)),
            Some(&Word::RoundsExhausted { .. }) => {
                self.state.machine.settle(self.origin(), 0)?;
                let (fuel, at) = (self.fuel(), self.at());
                self.tracing.digest(Tag::Rounds, fuel, at, |_| {});
                self.tracing.send(self.program.code(), fuel, at, EventKind::RoundsExhausted);
                self.step();
                Ok(())
            }
            _ => Err(Pause::Internal),
        }
    }

    fn step(&mut self) {
        self.state.machine.pc = self.state.machine.pc.saturating_add(1);
    }

    fn record(&mut self, value: u8, metric: MetricId) -> Result<(), Pause> {
        self.state.machine.settle(self.origin(), 0)?;
        let code = self.program.code();
        let sample = self.state.machine.register(value);
        let state = self.state.machine.metrics.get_mut(metric.index()).ok_or(Pause::Internal)?;
        state.record(sample).map_err(Pause::Trap)?;
        let (fuel, at) = (self.fuel(), self.at());
        self.tracing.digest(Tag::Metric, fuel, at, |bytes| {
            bytes.extend_from_slice(&metric.0.to_le_bytes());
            bytes.extend_from_slice(&sample.to_le_bytes());
        });
        if self.tracing.wants_effects()
            && let Some(declared) = code.module().metrics.get(metric.index())
        {
            let value = slot_value(code.module(), declared.ty, sample);
            let kind = EventKind::Metric { name: &declared.name, value: &value };
            self.tracing.send(code, fuel, at, kind);
        }
        self.step();
        Ok(())
    }
}
