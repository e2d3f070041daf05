//! An [`Image`] as a run that stands still. Whatever is in it, this and the run it gives end without a panic:
//! lengths, places and references are looked at here; a value that is merely another one is for the seal to
//! prevent.

use std::collections::BTreeMap;
use std::sync::Arc;

use smol_str::SmolStr;
use swarm_bytecode::module::ImportId;

use super::freeze::{OUTCOMES, register_types, saved_types};
use super::graph::{Build, Damaged};
use super::image::{
    ActionsImage, CallImage, EndingImage, GivenImage, Image, MachineImage, MetricImage, PhaseImage, Position,
    RuleImage, SettingsImage, Until, WithinImage,
};
use crate::actions::{ActionLog, Issued, NewAction};
use crate::attached::Attached;
use crate::decode::Code;
use crate::driver::{
    Asking, CallKind, CallState, Ending, Given, OpenWithin, Phase, Purse, Rule, RunState, Settings, Verdict,
    Waiting,
};
use crate::instance::Effects;
use crate::limits::{Limits, MAX_FUEL};
use crate::machine::{Frame, Machine, WINDOW, check_depth};
use crate::metric::{MetricState, Sum};
use crate::report::Reason;
use crate::slot;
use crate::trace::{Digest, Recorder, place_name};
use crate::word::Word;

/// The moment of a resumption.
#[derive(Debug, Clone, Copy)]
pub(super) struct Moment {
    /// By the host's clock.
    pub(super) now_ns: u64,
    /// Since the snapshot.
    pub(super) elapsed_ns: u64,
}

impl Moment {
    /// A time by the host's clock; what came before its start is its start.
    pub(super) fn time(self, until: Until) -> u64 {
        u64::try_from(self.exact(until).max(0)).unwrap_or(u64::MAX)
    }

    /// A time by the host's clock.
    pub(super) fn exact(self, until: Until) -> i128 {
        i128::from(self.now_ns).saturating_sub(i128::from(self.elapsed_ns)).saturating_add(until)
    }
}

/// What [`thaw`] gives.
pub(super) struct Thawed {
    pub(super) settings: Settings,
    pub(super) state: RunState,
    pub(super) recorder: Recorder,
}

/// The run of an image, whose inputs are bound already.
pub(super) fn thaw(image: &Image, code: &Code, attached: &Attached, at: Moment) -> Result<Thawed, Damaged> {
    let settings = settings(&image.settings);
    let build = Build::new(code, attached, &image.graph, image.machine.memory_used)?;
    let mut state = RunState::new(code, &settings.limits);
    let thawer = Thawer { code, at, build: &build };
    thawer.machine(&image.machine, &image.phase, &mut state.machine)?;
    state.meters = image.meters;
    state.at_begin = image.at_begin;
    state.totals = image.totals;
    state.actions = Arc::new(thawer.actions(&image.actions)?);
    state.call = thawer.call(&image.call)?;
    state.opening = image.opening;
    let states = code.module().states.len();
    if image.opening.is_some_and(|at| usize::from(at) >= states) {
        return Err(Damaged);
    }
    state.given = match &image.given {
        Some(given) => Some(Box::new(thawer.given(given, attached, &settings)?)),
        None => None,
    };
    thawer.withins(image, &mut state)?;
    state.deadline_ns = image.deadline.map(|deadline| at.time(deadline));
    state.ending = match &image.ending {
        Some(ending) => Some(Box::new(thawer.ending(ending)?)),
        None => None,
    };
    if !image.once.is_empty() {
        let counts: BTreeMap<_, _> = image.once.iter().copied().collect();
        state.once.get_or_insert_default().counts = counts;
    }
    state.phase = thawer.phase(&image.phase, &mut state)?;
    let digest = match &image.digest {
        Some(digest) => Some(Digest::from_parts(digest.chain, digest.block.as_ref()).ok_or(Damaged)?),
        None => None,
    };
    state.machine.heap = build.heap;
    Ok(Thawed { settings, state, recorder: Recorder { digest, seq: image.seq } })
}

struct Thawer<'a> {
    code: &'a Code,
    at: Moment,
    build: &'a Build<'a>,
}

impl Thawer<'_> {
    fn word(&self, at: Position) -> Result<usize, Damaged> {
        self.code.word_of_op(at.function, at.op, usize::from(at.word)).ok_or(Damaged)
    }

    fn machine(
        &self,
        image: &MachineImage,
        phase: &PhaseImage,
        machine: &mut Machine,
    ) -> Result<(), Damaged> {
        let declared = self.code.module().states.iter().map(|state| state.ty);
        machine.states = self.build.values(declared, &image.states)?;
        machine.metrics = self.metrics(&image.metrics)?;
        machine.fuel_limit = fuel(image.fuel_limit)?;
        machine.memory.used = image.memory_used;
        machine.memory.before = image.memory_peak;
        machine.seen = image.seen;
        if image.memory_used > machine.memory.limit {
            return Err(Damaged);
        }
        if matches!(phase, PhaseImage::Resting) {
            let empty = image.callers.is_empty() && image.registers.is_empty();
            return if empty { Ok(()) } else { Err(Damaged) };
        }
        let at = self.word(image.at)?;
        machine.function = image.at.function;
        self.frames(image, machine)?;
        let used = image.fuel_used;
        if used.unsigned_abs() > MAX_FUEL {
            return Err(Damaged);
        }
        // The next op that settles looks at the clock.
        machine.mark = used.min(machine.fuel_limit);
        machine.go_to(self.code, at, used);
        Ok(())
    }

    /// The callers, and the registers of all frames.
    fn frames(&self, image: &MachineImage, machine: &mut Machine) -> Result<(), Damaged> {
        let callees = image.callers.iter().skip(1).map(|caller| caller.at.function);
        let callees = callees.chain([image.at.function]);
        let mut base = 0usize;
        let mut slots = image.registers.as_slice();
        for (caller, callee) in image.callers.iter().zip(callees) {
            let frame = self.frame(self.word(caller.at)?, caller.quote, caller.at.function, callee, base)?;
            check_depth(&machine.frames, machine.depth_limit, base).map_err(|_| Damaged)?;
            slots = self.registers(frame.function, base, slots, machine)?;
            base = base.saturating_add(usize::from(frame.registers));
            machine.frames.push(frame);
        }
        machine.base = base;
        let rest = self.registers(machine.function, base, slots, machine)?;
        if rest.is_empty() { Ok(()) } else { Err(Damaged) }
    }

    /// A caller, that stands at a call of this callee.
    fn frame(
        &self,
        pc: usize,
        quote: bool,
        function: u16,
        callee: u16,
        base: usize,
    ) -> Result<Frame, Damaged> {
        let own = self.code.functions.get(usize::from(function)).ok_or(Damaged)?;
        let frame = |pc, credit, result| Frame {
            pc,
            base,
            function,
            registers: own.registers,
            credit,
            result,
            quote,
        };
        match self.code.word(pc) {
            Some(Word::Call { result, due, site }) if !quote => {
                let call = self.code.calls.get(slot::index(site)).filter(|call| call.function == callee);
                call.map(|_| frame(pc.saturating_add(1), due, result)).ok_or(Damaged)
            }
            Some(Word::Host { .. } | Word::TryHost { .. } | Word::RetryHost { .. }) if quote => {
                Ok(frame(pc, self.code.origin(pc).spent, 0))
            }
            _ => Err(Damaged),
        }
    }

    /// Fills the registers of a frame; gives the slots of those above it.
    fn registers<'s>(
        &self,
        function: u16,
        base: usize,
        slots: &'s [u64],
        machine: &mut Machine,
    ) -> Result<&'s [u64], Damaged> {
        let types = register_types(self.code, function);
        let (own, rest) = slots.split_at_checked(types.len()).ok_or(Damaged)?;
        let values = self.build.values(types.iter().copied(), own)?;
        machine.stack.resize(base.saturating_add(WINDOW), 0);
        for (place, value) in machine.stack.iter_mut().skip(base).zip(values) {
            *place = value;
        }
        Ok(rest)
    }

    fn metrics(&self, images: &[MetricImage]) -> Result<Vec<MetricState>, Damaged> {
        let module = self.code.module();
        if images.len() != module.metrics.len() {
            return Err(Damaged);
        }
        let declared = module.metrics.iter().map(|metric| MetricState::new(module, metric));
        declared.zip(images).map(|(state, image)| metric(state, image)).collect()
    }

    fn actions(&self, image: &ActionsImage) -> Result<ActionLog, Damaged> {
        let (mut log, done) = (ActionLog::default(), slot::index(image.done));
        let mut slots = image.slots.as_slice();
        for (at, issued) in image.issued.iter().enumerate() {
            let (_, site, _) = self.host_call(self.word(issued.at)?)?;
            let (id, import) = self.code.import_at(site).ok_or(Damaged)?;
            if id.0 != issued.import {
                return Err(Damaged);
            }
            let types = &import.parameters;
            let (own, rest) = slots.split_at_checked(types.len()).ok_or(Damaged)?;
            slots = rest;
            let arguments = self.build.values(types.iter().copied(), own)?;
            let cost = (issued.money, issued.tokens);
            let issued = Issued { site, number: issued.number, ordinal: issued.ordinal };
            log.push(NewAction { issued, arguments: &arguments, cost, key: None }, at >= done);
        }
        let count = log.len();
        let index = |at: u32| Some(slot::index(at)).filter(|at| *at < count).ok_or(Damaged);
        for (at, error) in &image.errors {
            log.errors.push((index(*at)?, error.into()));
        }
        for (at, key) in &image.keys {
            log.keys.push((index(*at)?, *key));
        }
        if done <= count && slots.is_empty() { Ok(log) } else { Err(Damaged) }
    }

    fn call(&self, image: &CallImage) -> Result<CallState, Damaged> {
        let module = self.code.module();
        let verdict = image.verdict.as_ref().map(|(by, reason)| {
            let by = match by {
                RuleImage::Program(rule) => Rule::Program(slot::index(*rule)),
                RuleImage::Agent => Rule::Agent,
                RuleImage::Grant => Rule::Grant,
            };
            Box::new(Verdict { by, reason: reason.into() })
        });
        if slot::index(image.vetoes) > module.vetoes.len() {
            return Err(Damaged);
        }
        Ok(CallState {
            asking: if image.asks_cost { Asking::Cost } else { Asking::Nothing },
            vetoes: slot::index(image.vetoes),
            verdict,
            quotes: [image.quotes.0, image.quotes.1],
            paid: image.paid,
            counted: image.counted,
            attempts: image.attempts,
            key: image.key.map(Box::new),
        })
    }

    fn given(&self, image: &GivenImage, attached: &Attached, settings: &Settings) -> Result<Given, Damaged> {
        let states = &self.code.module().states;
        let mut given = Given::default();
        for at in &image.given {
            given.insert(Some(usize::from(*at)).filter(|at| *at < states.len()).ok_or(Damaged)?);
        }
        if let Some((graph, slots)) = &image.before {
            let build = Build::new(self.code, attached, graph, settings.limits.memory_bytes)?;
            let values = build.values(states.iter().map(|state| state.ty), slots)?;
            given.before = Some((build.heap, values));
        }
        Ok(given)
    }

    fn withins(&self, image: &Image, state: &mut RunState) -> Result<(), Damaged> {
        let mut slots = image.saved.as_slice();
        for within in &image.withins {
            let open = self.within(within, state)?;
            let types = saved_types(self.code, &state.machine, &open);
            let (own, rest) = slots.split_at_checked(types.len()).ok_or(Damaged)?;
            slots = rest;
            if open.saved != state.saved.len() {
                return Err(Damaged);
            }
            state.saved.extend(self.build.values(types.into_iter(), own)?);
            state.withins.push(open);
        }
        if slots.is_empty() { Ok(()) } else { Err(Damaged) }
    }

    fn within(&self, image: &WithinImage, state: &RunState) -> Result<OpenWithin, Damaged> {
        let code = self.code.withins.get(slot::index(image.within)).ok_or(Damaged)?;
        let module = self.code.module();
        let frames = slot::index(image.frames);
        let first_action = slot::index(image.first_action);
        if frames > state.machine.frames.len() || first_action > state.actions.len() {
            return Err(Damaged);
        }
        let mut metrics = BTreeMap::new();
        for (at, before) in &image.metrics {
            let at = usize::from(*at);
            let declared = module.metrics.get(at).ok_or(Damaged)?;
            metrics.insert(at, metric(MetricState::new(module, declared), before)?);
        }
        let purse = |purse: Option<(i64, i64)>| purse.map(|(budget, used)| Purse { budget, used });
        Ok(OpenWithin {
            within: image.within,
            otherwise: code.otherwise.map(slot::index),
            frames,
            deadline_ns: image.deadline.map(|deadline| self.at.time(deadline)),
            duration: image.duration,
            money: purse(image.money),
            tokens: purse(image.tokens),
            first_call: image.first_call,
            first_action,
            saved: slot::index(image.saved),
            bytes: image.bytes,
            metrics,
        })
    }

    fn ending(&self, image: &EndingImage) -> Result<Ending, Damaged> {
        let module = self.code.module();
        let entry = module.functions.get(module.entry.index()).and_then(|entry| entry.result);
        let result = match (image.result, entry) {
            (Some(result), Some(ty)) => Some(self.build.value(ty, result)?),
            (Some(_), None) => return Err(Damaged),
            (None, _) => None,
        };
        let reason = image.reason.as_ref().map(|reason| Reason {
            code: SmolStr::new(&reason.code),
            message: reason.message.clone(),
            place: reason.place.map(|(function, op)| place_name(self.code, function, op)),
        });
        let outcome = OUTCOMES.get(usize::from(image.outcome)).copied().ok_or(Damaged)?;
        Ok(Ending { outcome, reason, fuel_used: image.fuel_used, result, dropped: image.dropped })
    }

    /// The phase; what it waits for is the call at hand, whose arguments are loaded.
    fn phase(&self, image: &PhaseImage, state: &mut RunState) -> Result<Phase, Damaged> {
        // What has come to its end only waits for actions to be carried out.
        let ended = matches!(image, PhaseImage::Applying { .. } | PhaseImage::Resting);
        if state.ending.is_some() && !ended {
            return Err(Damaged);
        }
        Ok(match *image {
            PhaseImage::OutOfFuel => Phase::Running,
            PhaseImage::Resting => Phase::Resting,
            PhaseImage::Sleeping { number, until } => {
                self.call_at_hand(state)?;
                Phase::Sleeping { number, until_ns: self.at.time(until), woken: false }
            }
            PhaseImage::Waiting { number, money, tokens, logged } => {
                let (import, kind, result) = self.call_at_hand(state)?;
                let logged = match logged {
                    Some(at) => {
                        let at = usize::try_from(at).ok().filter(|at| *at < state.actions.len());
                        Some(at.ok_or(Damaged)?)
                    }
                    None => None,
                };
                let cost = (money, tokens);
                Phase::Waiting(Waiting { number, import, cost, kind, result, logged, answer: None })
            }
            PhaseImage::Applying { number, money, tokens } => {
                let (at, issued) = state.actions.first_held().ok_or(Damaged)?;
                state.arguments = state.actions.first_arguments().to_vec();
                let (import, _) = self.code.import_at(issued.site).ok_or(Damaged)?;
                let (cost, kind) = ((money, tokens), CallKind::Plain);
                let logged = Some(at);
                Phase::Applying(Some(Waiting { number, import, cost, kind, result: 0, logged, answer: None }))
            }
        })
    }

    /// The host call that the machine stands at.
    fn call_at_hand(&self, state: &mut RunState) -> Result<(ImportId, CallKind, u8), Damaged> {
        let RunState { machine, arguments, .. } = state;
        let (result, site, kind) = self.host_call(machine.pc)?;
        let (import, _) = self.code.import_at(site).ok_or(Damaged)?;
        let site = *self.code.sites.get(slot::index(site)).ok_or(Damaged)?;
        let registers = self.code.arguments(site).iter().map(|argument| machine.register(argument.register));
        *arguments = registers.collect();
        Ok((import, kind, result))
    }

    /// Where the result of a host call goes, its site, and how it is issued.
    fn host_call(&self, pc: usize) -> Result<(u8, u32, CallKind), Damaged> {
        Ok(match self.code.word(pc) {
            Some(Word::Host { result, site, .. }) => (result, site, CallKind::Plain),
            Some(Word::TryHost { result, site, .. }) => (result, site, CallKind::Try),
            Some(Word::RetryHost { result, site, .. }) => match self.code.word(pc.saturating_add(1)) {
                Some(Word::Attempts { backoff, times }) => (result, site, CallKind::Retry { times, backoff }),
                _ => return Err(Damaged),
            },
            _ => return Err(Damaged),
        })
    }
}

fn settings(image: &SettingsImage) -> Settings {
    let limits = Limits::default()
        .fuel(image.fuel)
        .memory_bytes(image.memory_bytes)
        .call_depth(image.call_depth)
        .host_calls(image.host_calls)
        .deadline_ns(image.deadline_ns)
        .money(image.money)
        .tokens(image.tokens);
    let effects = if image.collected { Effects::Collected } else { Effects::Immediate };
    Settings { limits, effects, keep_actions: image.keep_actions, slice: i64::from(image.slice) }
}

fn fuel(units: u64) -> Result<i64, Damaged> {
    if units > MAX_FUEL { Err(Damaged) } else { Ok(units.cast_signed()) }
}

/// A metric of the kind of `state`.
fn metric(state: MetricState, image: &MetricImage) -> Result<MetricState, Damaged> {
    Ok(match (state, image) {
        (MetricState::Total { float, .. }, MetricImage::Total(sum)) => {
            MetricState::Total { sum: *sum, float }
        }
        (MetricState::Gauge { .. }, MetricImage::Gauge(last)) => MetricState::Gauge { last: *last },
        (
            MetricState::Distribution { float, .. },
            MetricImage::Distribution { buckets, least, greatest, words, floats },
        ) => MetricState::Distribution {
            buckets: buckets.iter().copied().collect(),
            least: *least,
            greatest: *greatest,
            sum: Sum { words: *words, floats: f64::from_bits(*floats) },
            float,
        },
        _ => return Err(Damaged),
    })
}
