//! A run that stands still, as an [`Image`].

use swarm_bytecode::types::TypeId;

use super::SnapshotErrorKind as Kind;
use super::graph::Collect;
use super::image::{
    ActionsImage, CallImage, CallerImage, DigestImage, EndingImage, GivenImage, Image, IssuedImage,
    MachineImage, MetricImage, PhaseImage, Position, ReasonImage, RuleImage, SettingsImage, Until,
    WithinImage,
};
use crate::actions::ActionLog;
use crate::decode::Code;
use crate::driver::{Asking, CallState, Ending, Given, OpenWithin, Phase, Purse, Rule, RunState, Settings};
use crate::filter::unread;
use crate::heap::Data;
use crate::instance::{Effects, Instance};
use crate::machine::Machine;
use crate::metric::MetricState;
use crate::report::Outcome;
use crate::slot;

/// Outcomes by their number in a snapshot.
pub(super) const OUTCOMES: [Outcome; 5] =
    [Outcome::Done, Outcome::Stopped, Outcome::Failed, Outcome::Limit, Outcome::Trapped];

/// The image of an instance; `now_ns` is by its host's clock.
pub(super) fn freeze(instance: &Instance, now_ns: u64) -> Result<Image, Kind> {
    let state = instance.state.as_deref().ok_or(Kind::NotSuspended)?;
    let code = instance.program.code();
    let data = Data { code, attached: &instance.attached, heap: &state.machine.heap };
    Freezer { code, state, now_ns, collect: Collect::new(data) }.image(instance)
}

/// A time of the host's clock, from now on.
pub(super) fn until(time_ns: u64, now_ns: u64) -> Until {
    i128::from(time_ns).saturating_sub(i128::from(now_ns))
}

struct Freezer<'a> {
    code: &'a Code,
    state: &'a RunState,
    now_ns: u64,
    collect: Collect<'a>,
}

impl Freezer<'_> {
    fn image(mut self, instance: &Instance) -> Result<Image, Kind> {
        let state = self.state;
        let phase = self.phase()?;
        let machine = self.machine();
        let actions = self.actions(&state.actions);
        let withins = state.withins.iter().map(|within| self.within(within)).collect();
        let saved = self.saved();
        let ending = state.ending.as_deref().map(|ending| self.ending(ending));
        let digest = instance.recorder.digest.as_ref().map(|digest| {
            let (chain, block) = digest.parts();
            DigestImage { chain, block }
        });
        let once = state.once.as_deref();
        Ok(Image {
            settings: settings(&instance.settings),
            phase,
            machine,
            meters: state.meters,
            at_begin: state.at_begin,
            totals: state.totals,
            actions,
            call: call(&state.call),
            opening: state.opening,
            given: state.given.as_deref().map(|given| self.given(given)),
            withins,
            saved,
            deadline: state.deadline_ns.map(|deadline| until(deadline, self.now_ns)),
            ending,
            once: once
                .map(|once| once.counts.iter().map(|(key, count)| (*key, *count)).collect())
                .unwrap_or_default(),
            digest,
            seq: instance.recorder.seq,
            graph: self.collect.finish(),
            attached: instance.attached.image(),
            course: None,
        })
    }

    fn phase(&self) -> Result<PhaseImage, Kind> {
        if matches!(self.state.call.asking, Asking::Veto(_)) {
            return Err(Kind::InVeto);
        }
        Ok(match &self.state.phase {
            Phase::Running => PhaseImage::OutOfFuel,
            Phase::Resting => PhaseImage::Resting,
            Phase::Waiting(waiting) if waiting.answer.is_none() => PhaseImage::Waiting {
                number: waiting.number,
                money: waiting.cost.0,
                tokens: waiting.cost.1,
                logged: waiting.logged.and_then(|at| u64::try_from(at).ok()),
            },
            Phase::Sleeping { number, until_ns, woken: false } => {
                PhaseImage::Sleeping { number: *number, until: until(*until_ns, self.now_ns) }
            }
            Phase::Applying(Some(waiting)) if waiting.answer.is_none() => {
                PhaseImage::Applying { number: waiting.number, money: waiting.cost.0, tokens: waiting.cost.1 }
            }
            _ => return Err(Kind::NotSuspended),
        })
    }

    fn position(&self, pc: usize) -> Position {
        let origin = self.code.origin(pc);
        let word = u8::try_from(self.code.word_in_op(pc)).unwrap_or(u8::MAX);
        Position { function: origin.function, op: origin.op, word }
    }

    fn machine(&mut self) -> MachineImage {
        let machine = &self.state.machine;
        let resting = matches!(self.state.phase, Phase::Resting);
        let callers = machine.frames.iter().map(|frame| {
            // What a call goes on with is the word behind it.
            let at = if frame.quote { frame.pc } else { frame.pc.saturating_sub(1) };
            CallerImage { at: self.position(at), quote: frame.quote }
        });
        let callers = callers.collect();
        let mut registers = Vec::new();
        if !resting {
            let own = [(machine.function, machine.base, machine.pc)];
            let callers = machine.frames.iter().map(|frame| (frame.function, frame.base, frame.pc));
            for (function, base, pc) in callers.chain(own) {
                let types = register_types(self.code, function);
                registers.reserve_exact(types.len());
                let slots = machine.stack.get(base..).unwrap_or(&[]);
                // The same run gives the same bytes, whether rows were passed over in it or not.
                let unread = unread(self.code, function, pc);
                let read = |at: usize| unread.is_none_or(|unread| unread.get(at) != Some(&true));
                let slots = slots.iter().enumerate().map(|(at, slot)| if read(at) { slot } else { &0 });
                self.collect.values(types.iter().copied().zip(slots), &mut registers);
            }
        }
        let module = self.code.module();
        let mut states = Vec::with_capacity(module.states.len());
        self.collect.values(module.states.iter().map(|state| state.ty).zip(&machine.states), &mut states);
        MachineImage {
            at: if resting { Position { function: 0, op: 0, word: 0 } } else { self.position(machine.pc) },
            callers,
            registers,
            states,
            metrics: machine.metrics.iter().map(metric).collect(),
            fuel_used: if resting { 0 } else { machine.used(self.code) },
            fuel_limit: machine.fuel_limit.max(0).cast_unsigned(),
            memory_used: machine.memory.used,
            memory_peak: machine.memory.peak(),
            seen: machine.seen,
        }
    }

    fn actions(&mut self, log: &ActionLog) -> ActionsImage {
        let (mut slots, mut images) = (Vec::new(), Vec::with_capacity(log.len()));
        let code = self.code;
        log.each(code, |issued, arguments| {
            let Some((id, import)) = code.import_at(issued.site) else { return };
            let types = &import.parameters;
            self.collect.values(types.iter().copied().zip(arguments), &mut slots);
            let (money, tokens) = log.cost(images.len());
            images.push(IssuedImage {
                import: id.0,
                at: self.position(code.word_at(issued.site)),
                money,
                tokens,
                number: issued.number,
                ordinal: issued.ordinal,
            });
        });
        ActionsImage {
            issued: images,
            slots,
            errors: log.errors.iter().map(|(at, error)| (slot::count(*at), error.to_string())).collect(),
            keys: log.keys.iter().map(|(at, key)| (slot::count(*at), *key)).collect(),
            done: slot::count(log.done()),
        }
    }

    /// Slots that the open `within`s saved: registers of their functions, then STATE.
    fn saved(&mut self) -> Vec<u64> {
        let mut slots = Vec::with_capacity(self.state.saved.len());
        for within in &self.state.withins {
            let types = saved_types(self.code, &self.state.machine, within);
            let own = self.state.saved.get(within.saved..).unwrap_or(&[]);
            self.collect.values(types.into_iter().zip(own), &mut slots);
        }
        slots
    }

    fn within(&self, within: &OpenWithin) -> WithinImage {
        let purse = |purse: Option<Purse>| purse.map(|purse| (purse.budget, purse.used));
        let metrics = within.metrics.iter();
        WithinImage {
            within: within.within,
            frames: slot::count(within.frames),
            deadline: within.deadline_ns.map(|deadline| until(deadline, self.now_ns)),
            duration: within.duration,
            money: purse(within.money),
            tokens: purse(within.tokens),
            first_call: within.first_call,
            first_action: slot::count(within.first_action),
            saved: slot::count(within.saved),
            bytes: within.bytes,
            metrics: metrics
                .map(|(at, before)| (u16::try_from(*at).unwrap_or(u16::MAX), metric(before)))
                .collect(),
        }
    }

    fn ending(&mut self, ending: &Ending) -> EndingImage {
        let module = self.code.module();
        let entry = module.functions.get(module.entry.index()).and_then(|entry| entry.result);
        EndingImage {
            outcome: OUTCOMES
                .iter()
                .position(|outcome| *outcome == ending.outcome)
                .and_then(|at| u8::try_from(at).ok())
                .unwrap_or(0),
            reason: ending.reason.as_ref().map(|reason| ReasonImage {
                code: reason.code.to_string(),
                message: reason.message.clone(),
                place: reason.place.as_ref().map(|place| (place.function, place.op)),
            }),
            fuel_used: ending.fuel_used,
            result: ending.result.zip(entry).map(|(result, ty)| self.collect.value(ty, result)),
            dropped: ending.dropped,
        }
    }

    /// STATE as it was lies in an arena of its own.
    fn given(&self, given: &Given) -> GivenImage {
        let resting = matches!(self.state.phase, Phase::Resting);
        let before = given.before.as_ref().filter(|_| !resting).map(|(heap, states)| {
            let mut collect = Collect::new(Data { heap, ..self.collect.data() });
            let mut slots = Vec::new();
            let declared = self.code.module().states.iter().map(|state| state.ty);
            collect.values(declared.zip(states), &mut slots);
            (collect.finish(), slots)
        });
        let given = given.states.iter().filter_map(|at| u16::try_from(*at).ok());
        GivenImage { given: given.collect(), before }
    }
}

/// Types of a function's registers.
pub(super) fn register_types(code: &Code, function: u16) -> &[TypeId] {
    code.module().functions.get(usize::from(function)).map_or(&[], |function| &function.registers)
}

/// Types of the slots an open `within` saved; none unless it undoes.
pub(super) fn saved_types(code: &Code, machine: &Machine, within: &OpenWithin) -> Vec<TypeId> {
    let Some(own) = code.withins.get(slot::index(within.within)).filter(|own| own.otherwise.is_some()) else {
        return Vec::new();
    };
    // Its function's frame is the caller at this depth, or the one at work.
    let function = machine.frames.get(within.frames).map_or(machine.function, |frame| frame.function);
    let types = register_types(code, function);
    let registers = own.saved.iter().map(|saved| types.get(usize::from(saved.register)));
    let states = code.module().states.iter().map(|state| state.ty);
    registers.map(|ty| ty.copied().unwrap_or(TypeId::INT)).chain(states).collect()
}

fn settings(settings: &Settings) -> SettingsImage {
    let limits = &settings.limits;
    SettingsImage {
        fuel: limits.fuel,
        memory_bytes: limits.memory_bytes,
        call_depth: limits.call_depth,
        host_calls: limits.host_calls,
        deadline_ns: limits.deadline_ns,
        money: limits.money,
        tokens: limits.tokens,
        collected: settings.effects == Effects::Collected,
        keep_actions: settings.keep_actions,
        slice: u32::try_from(settings.slice).unwrap_or(u32::MAX),
    }
}

fn call(call: &CallState) -> CallImage {
    let [money, tokens] = call.quotes;
    CallImage {
        asks_cost: call.asking == Asking::Cost,
        vetoes: slot::count(call.vetoes),
        verdict: call.verdict.as_deref().map(|verdict| {
            let by = match verdict.by {
                Rule::Program(rule) => RuleImage::Program(slot::count(rule)),
                Rule::Agent => RuleImage::Agent,
                Rule::Grant => RuleImage::Grant,
            };
            (by, verdict.reason.to_string())
        }),
        quotes: (money, tokens),
        paid: call.paid,
        counted: call.counted,
        attempts: call.attempts,
        key: call.key.as_deref().copied(),
    }
}

fn metric(metric: &MetricState) -> MetricImage {
    match metric {
        MetricState::Total { sum, .. } => MetricImage::Total(*sum),
        MetricState::Gauge { last } => MetricImage::Gauge(*last),
        MetricState::Distribution { buckets, least, greatest, sum, .. } => MetricImage::Distribution {
            buckets: buckets.iter().collect(),
            least: *least,
            greatest: *greatest,
            words: sum.words,
            floats: sum.floats.to_bits(),
        },
    }
}
