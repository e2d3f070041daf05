//! Runs the interpreter and does what it hands back: host calls, vetoes, metrics, budgets, slices of fuel,
//! limits, the end.

mod answers;
mod apply;
mod begin;
mod calls;
mod direct;
mod ending;
mod look;
mod state;
mod verdict;
mod within;

use std::sync::Arc;

use swarm_bytecode::module::MetricId;
use swarm_bytecode::trap::LimitKind;

use crate::attached::{Attached, Texts};
use crate::decode::{Code, Origin};
use crate::heap::Data;
use crate::host::{About, Answer, Host};
use crate::instance::{Effects, Exit};
use crate::interpret::{Blind, interpret};
use crate::limits::MAX_FUEL;
use crate::machine::Pause;
use crate::outside::Apart;
use crate::program::Program;
use crate::report::slot_value;
use crate::tier::{self, Tier};
use crate::trace::{At, EventKind, Level, Tag, Tracing, place_name};
use crate::word::Word;

use calls::CallWord;
use direct::{Direct, Left};
pub(crate) use look::Look;
pub(crate) use state::{
    Asking, CallKind, CallState, Ending, Given, Meters, Phase, Rule, RunState, Settings, Totals, Verdict,
    Waiting,
};
pub(crate) use within::{OpenWithin, Purse};

/// An order, for as long as one call of `run` lasts.
pub(crate) struct Driver<'a, 's> {
    pub(crate) program: &'a Program,
    pub(crate) attached: &'a Arc<Attached>,
    /// What runs in the interpreter's place, if anything.
    pub(crate) tier: Option<&'a dyn Tier>,
    pub(crate) settings: &'a Settings,
    pub(crate) state: &'a mut RunState,
    pub(crate) tracing: Tracing<'a, 's>,
}

/// Why an op does not come to its end.
#[derive(Debug, Clone, Copy)]
enum Halt {
    Pause(Pause),
    /// The budget of an open `within` is not enough: its index, and which budget.
    Struck(usize, LimitKind),
}

impl From<Pause> for Halt {
    fn from(pause: Pause) -> Halt {
        Halt::Pause(pause)
    }
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

    /// Goes on until the activation is over (`None`) or has to wait. Registers are the host's, and go back to
    /// it when they are not needed any more.
    pub(crate) fn drive(&mut self, host: &mut Host<'_>) -> Option<Exit> {
        let exit = self.go_on(host);
        if matches!(self.state.phase, Phase::Resting | Phase::Ended) {
            host.take_stack(std::mem::take(&mut self.state.machine.stack));
        }
        exit
    }

    fn go_on(&mut self, host: &mut Host<'_>) -> Option<Exit> {
        loop {
            let next = match &mut self.state.phase {
                Phase::Begun(_) => self.begin(host),
                Phase::Running => match self.interpret(host) {
                    (_, Some(answer)) => match self.settle_direct(answer, host) {
                        Ok(()) => Next::GoOn,
                        Err(halt) => self.halt(halt, host),
                    },
                    (pause, None) => self.handle(pause, host),
                },
                Phase::Waiting(_) => self.resolved(host),
                Phase::Sleeping { .. } => self.sleep(host),
                Phase::Applying(_) => self.apply(host),
                Phase::Fresh | Phase::Resting | Phase::Ended => return None,
            };
            if let Next::Leave(exit) = next {
                return Some(exit);
            }
        }
    }

    /// Interprets until something is up to the driver; gives the answer of a call made in place that is to be
    /// settled.
    fn interpret(&mut self, host: &mut Host<'_>) -> (Pause, Option<Answer>) {
        let (code, attached) = (self.program.code(), self.attached);
        if self.tracing.sink.is_some() && self.tracing.level >= Level::Steps {
            let machine = &mut self.state.machine;
            return (interpret(machine, code, attached, &mut self.tracing, &mut Apart), None);
        }
        // A call in place writes no trace and knows of no budgets.
        let apart = self.tracing.wants_effects();
        let used = self.state.machine.used(code).max(0).cast_unsigned();
        let tier = self.tier.filter(|tier| !self.asks() && tier.is_ready(self.program, used));
        let imports = code.module().imports.as_slice();
        let first = imports.first().filter(|_| !apart && self.state.withins.is_empty());
        let Some(import) = first else {
            let machine = &mut self.state.machine;
            let pause = match tier {
                Some(tier) => {
                    tier::run(tier, (self.program, attached), machine, self.settings.slice, &mut Apart)
                }
                None => interpret(machine, code, attached, &mut Blind, &mut Apart),
            };
            return (pause, None);
        };
        let state = &mut *self.state;
        let (logs, holds) = (self.settings.keep_actions, self.settings.effects == Effects::Collected);
        let keeps = logs || holds || self.tracing.recorder.digest.is_some();
        let issued = state.meters.actions_issued.wrapping_sub(state.at_begin.actions_issued);
        let mut direct = Direct {
            code,
            imports,
            sites: state.links.sites(),
            links: state.links.table(),
            left: Left::of(&self.settings.limits, &state.meters),
            most_cost: state.links.most_cost(),
            most_bytes: state.links.most_bytes(),
            about: About { code, attached, import, number: 0, pc: 0, attempt: 1, key: None },
            mark: state.machine.mark,
            first_number: state.meters.host_calls.wrapping_sub(issued),
            actions: Arc::make_mut(&mut state.actions),
            arguments: &mut state.arguments,
            look: &mut state.look,
            digest: self.tracing.recorder.digest.as_mut(),
            keys: Texts::new(attached),
            host,
            answer: None,
            reserved: (0, 0),
            logs,
            holds,
            keeps,
            slice: self.settings.slice,
            tier: self.tier,
            program: self.program,
            deadline_ns: state.deadline_ns,
        };
        let machine = &mut state.machine;
        let pause = match tier {
            Some(tier) => {
                tier::run(tier, (self.program, attached), machine, self.settings.slice, &mut direct)
            }
            None => interpret(machine, code, attached, &mut Blind, &mut direct),
        };
        direct.settle_look();
        let Direct { left, answer, reserved, .. } = direct;
        if left.took_any() {
            // The call at hand may be one that the driver began and could not pay before the end of a slice:
            // what it knew of its cost is not for the next.
            state.call = CallState::default();
        }
        state.meters = left.meters(&self.settings.limits, reserved);
        (pause, answer)
    }

    /// Whether an op is begun that asks functions for something first.
    fn asks(&self) -> bool {
        self.state.machine.frames.iter().any(|frame| frame.quote)
    }

    /// Deals with a pause of the interpreter.
    fn handle(&mut self, pause: Pause, host: &mut Host<'_>) -> Next {
        let done = match pause {
            Pause::Effect => self.effect(host),
            Pause::Look => {
                self.look_soon();
                Ok(())
            }
            Pause::Quoted(value) => {
                self.computed(value);
                Ok(())
            }
            Pause::Finished(value) if self.state.opening.is_some() => self.opened(value),
            other => Err(Halt::Pause(other)),
        };
        match done {
            Ok(()) => Next::GoOn,
            Err(halt) => self.halt(halt, host),
        }
    }

    /// Deals with an op that did not come to its end.
    fn halt(&mut self, halt: Halt, host: &Host<'_>) -> Next {
        match halt {
            Halt::Pause(Pause::Short { charge }) => {
                self.state.machine.seen = true;
                return self.short(charge, host);
            }
            Halt::Pause(pause @ (Pause::Trap(_) | Pause::Limit(_))) if self.asks_veto() => {
                self.veto_failed(pause);
            }
            Halt::Pause(pause) => self.end_by(pause),
            Halt::Struck(within, limit) => {
                let used = self.state.machine.used_after(self.program.code());
                self.strike(within, limit, used);
            }
        }
        Next::GoOn
    }

    /// The mark does not cover the op at hand: out of fuel, out of time, or only the end of a slice.
    fn short(&mut self, charge: u64, host: &Host<'_>) -> Next {
        let origin = self.origin();
        let used = self.state.machine.used(self.code());
        let own = i64::from(origin.due.saturating_sub(origin.spent));
        let charge = charge.min(MAX_FUEL).cast_signed();
        let needed = used.saturating_add(own).saturating_add(charge);
        let limit = self.state.machine.fuel_limit;
        if needed > limit {
            return Next::Leave(Exit::OutOfFuel {
                used: used.min(limit).max(0).cast_unsigned(),
                limit: limit.max(0).cast_unsigned(),
                place: place_name(self.code(), origin.function, origin.op),
            });
        }
        if !self.time_is_up(host, used) {
            self.state.machine.set_mark(limit.min(needed.saturating_add(self.settings.slice)));
        }
        Next::GoOn
    }

    /// Looks at the clock; ends what has no time left, the outermost first.
    fn time_is_up(&mut self, host: &Host<'_>, used: i64) -> bool {
        let now = host.now_ns();
        let late = |deadline: Option<u64>| deadline.is_some_and(|deadline| now >= deadline);
        if late(self.state.deadline_ns) || host.is_cancelled() {
            self.limit(LimitKind::Deadline, used);
            return true;
        }
        if let Some(within) = self.state.withins.iter().position(|within| late(within.deadline_ns)) {
            self.strike(within, LimitKind::Deadline, used);
            return true;
        }
        let deadline = self.next_deadline();
        self.state.look.looked(now, deadline);
        false
    }

    /// The next deadline that can strike.
    fn next_deadline(&self) -> u64 {
        let budgets = self.state.withins.iter().filter_map(|within| within.deadline_ns);
        budgets.chain(self.state.deadline_ns).min().unwrap_or(u64::MAX)
    }

    /// Makes the next settling op look at the clock.
    fn look_soon(&mut self) {
        let machine = &mut self.state.machine;
        let used = machine.used(self.program.code());
        machine.set_mark(used.min(machine.fuel_limit));
    }

    fn origin(&self) -> Origin {
        self.code().origin(self.state.machine.pc)
    }

    fn at(&self) -> At {
        self.place(self.state.machine.pc)
    }

    /// The op that a word belongs to.
    fn place(&self, pc: usize) -> At {
        let origin = self.code().origin(pc);
        Some((origin.function, origin.op))
    }

    /// Fuel used before the op at hand, for events.
    fn fuel(&self) -> u64 {
        match &self.state.ending {
            Some(ending) => ending.fuel_used,
            None => self.state.machine.used(self.code()).max(0).cast_unsigned(),
        }
    }

    fn data(&self) -> Data<'_> {
        Data { code: self.program.code(), attached: self.attached, heap: &self.state.machine.heap }
    }

    /// Carries out the op at hand, which reaches beyond the interpreter. An error leaves everything as it
    /// was, but for the dynamic charge of an op that then hit a limit.
    fn effect(&mut self, host: &mut Host<'_>) -> Result<(), Halt> {
        let pc = self.state.machine.pc;
        let call = |result, site, kind| CallWord { result, site, kind };
        match self.code().word(pc) {
            Some(Word::Host { result, site, .. }) => {
                self.host_call(call(result, site, CallKind::Plain), host)
            }
            Some(Word::TryHost { result, site, .. }) => {
                self.host_call(call(result, site, CallKind::Try), host)
            }
            Some(Word::RetryHost { result, site, .. }) => match self.code().word(pc.saturating_add(1)) {
                Some(Word::Attempts { backoff, times }) => {
                    self.host_call(call(result, site, CallKind::Retry { times, backoff }), host)
                }
                _ => Err(Pause::Internal.into()),
            },
            Some(Word::Within { within, .. }) => self.open_within(within, host),
            Some(Word::Leave { count, .. }) => self.leave_withins(count),
            Some(Word::RecordMetric { value, metric, .. }) => Ok(self.record(value, MetricId(metric))?),
            Some(Word::RoundsExhausted { .. }) => {
                self.state.machine.settle(self.origin(), 0)?;
                self.effect_event(Tag::Rounds, |_| {}, EventKind::RoundsExhausted);
                self.step(1);
                Ok(())
            }
            _ => Err(Pause::Internal.into()),
        }
    }

    /// One event at the op at hand, to the digest and to the sink.
    fn effect_event(&mut self, tag: Tag, payload: impl FnOnce(&mut Vec<u8>), kind: EventKind<'_>) {
        let (fuel, at) = (self.fuel(), self.at());
        self.tracing.digest(tag, fuel, at, payload);
        self.tracing.send(self.program.code(), fuel, at, kind);
    }

    /// Goes on behind the op at hand, which has so many words.
    fn step(&mut self, words: usize) {
        self.state.machine.pc = self.state.machine.pc.saturating_add(words);
    }

    fn record(&mut self, value: u8, metric: MetricId) -> Result<(), Pause> {
        self.state.machine.settle(self.origin(), 0)?;
        let code = self.program.code();
        let sample = self.state.machine.register(value);
        self.save_metric(metric.index(), sample);
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
        self.step(1);
        Ok(())
    }
}
