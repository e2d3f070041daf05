//! All that changes while a program runs.

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use smol_str::SmolStr;
use swarm_bytecode::module::{FunctionId, ImportId};
use swarm_bytecode::trap::LimitKind;
use wincode::{SchemaRead, SchemaWrite};

use super::Look;
use super::within::OpenWithin;
use crate::actions::ActionLog;
use crate::activation::{Begin, Refusal};
use crate::attached::Attached;
use crate::carry::carry;
use crate::decode::Code;
use crate::heap::Heap;
use crate::host::{Answer, EffectKey, Links};
use crate::instance::Effects;
use crate::limits::{Limits, MAX_FUEL};
use crate::machine::{Machine, MemoryMeter};
use crate::report::{Outcome, Reason};
use crate::store::store;

/// Fuel between two looks at the clock (rule F10).
const SLICE: i64 = 1 << 14;

/// What is fixed when a run starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) limits: Limits,
    pub(crate) effects: Effects,
    pub(crate) keep_actions: bool,
    pub(crate) slice: i64,
}

impl Settings {
    pub(crate) fn new(limits: Limits) -> Settings {
        Settings { limits, effects: Effects::Immediate, keep_actions: true, slice: SLICE }
    }
}

/// What an order has used, beside fuel and memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct Meters {
    pub(crate) host_calls: u64,
    pub(crate) money: i64,
    pub(crate) tokens: i64,
    pub(crate) money_reserved: i64,
    pub(crate) tokens_reserved: i64,
    pub(crate) actions_issued: u64,
    pub(crate) actions_failed: u64,
    pub(crate) actions_vetoed: u64,
    pub(crate) actions_undone: u64,
}

impl Meters {
    /// Whether so many more micro-dollars fit.
    #[inline(always)]
    pub(crate) fn fits_money(&self, limits: &Limits, money: i64) -> bool {
        money == 0 || money <= limits.money.saturating_sub(self.money).saturating_sub(self.money_reserved)
    }

    /// Whether so many more tokens fit.
    #[inline(always)]
    pub(crate) fn fits_tokens(&self, limits: &Limits, tokens: i64) -> bool {
        tokens == 0
            || tokens <= limits.tokens.saturating_sub(self.tokens).saturating_sub(self.tokens_reserved)
    }

    /// Reserves a cost that fits.
    #[inline(always)]
    pub(crate) fn reserve(&mut self, (money, tokens): (i64, i64)) {
        self.money_reserved = self.money_reserved.saturating_add(money);
        self.tokens_reserved = self.tokens_reserved.saturating_add(tokens);
    }

    /// Spends micro-dollars and tokens.
    #[inline(always)]
    pub(crate) fn spend(&mut self, (money, tokens): (i64, i64)) {
        self.money = self.money.saturating_add(money);
        self.tokens = self.tokens.saturating_add(tokens);
    }

    /// What was used since.
    pub(crate) fn since(&self, before: &Meters) -> Meters {
        Meters {
            host_calls: self.host_calls.saturating_sub(before.host_calls),
            money: self.money.saturating_sub(before.money),
            tokens: self.tokens.saturating_sub(before.tokens),
            money_reserved: self.money_reserved,
            tokens_reserved: self.tokens_reserved,
            actions_issued: self.actions_issued.saturating_sub(before.actions_issued),
            actions_failed: self.actions_failed.saturating_sub(before.actions_failed),
            actions_vetoed: self.actions_vetoed.saturating_sub(before.actions_vetoed),
            actions_undone: self.actions_undone.saturating_sub(before.actions_undone),
        }
    }
}

/// What the activations that are over have used.
#[derive(Debug, Clone, Copy, Default, PartialEq, SchemaRead, SchemaWrite)]
pub(crate) struct Totals {
    pub(crate) activations: u64,
    pub(crate) fuel_used: u64,
    pub(crate) memory_peak_bytes: u64,
}

/// How an activation ended.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    pub(crate) outcome: Outcome,
    pub(crate) reason: Option<Reason>,
    pub(crate) fuel_used: u64,
    pub(crate) result: Option<u64>,
    /// Whether actions that were held were dropped.
    pub(crate) dropped: bool,
}

impl Default for Ending {
    fn default() -> Self {
        Ending { outcome: Outcome::Done, reason: None, fuel_used: 0, result: None, dropped: false }
    }
}

/// How the program issues a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallKind {
    /// An action it does not wait for, or a query.
    Plain,
    /// TRY: whether it was done goes to a register.
    Try,
    /// RETRY: the same, after at most so many attempts; the register holds the first wait.
    Retry { times: u32, backoff: u8 },
}

/// A host call that was made and not settled.
#[derive(Debug)]
pub(crate) struct Waiting {
    /// Its number among the order's host calls.
    pub(crate) number: u64,
    pub(crate) import: ImportId,
    /// What is reserved for it: micro-dollars, tokens.
    pub(crate) cost: (i64, i64),
    pub(crate) kind: CallKind,
    /// Where the answer goes, or whether it was done.
    pub(crate) result: u8,
    /// Its place among the kept actions.
    pub(crate) logged: Option<usize>,
    /// What [`crate::Instance::resolve`] was given.
    pub(crate) answer: Option<Box<Answer>>,
}

/// An activation about to begin.
#[derive(Debug, Clone)]
pub(crate) struct Begun {
    pub(crate) what: Wake,
    pub(crate) function: FunctionId,
    pub(crate) arguments: Vec<u64>,
    /// STATE does not fit the memory.
    pub(crate) fails: Option<LimitKind>,
}

/// What begins an activation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wake {
    Start,
    Tick(u16),
    Event(u16),
}

/// Where an order stands.
#[derive(Debug, Default)]
pub(crate) enum Phase {
    #[default]
    Fresh,
    Begun(Begun),
    Running,
    /// The interpreter stands at a host call that was made.
    Waiting(Waiting),
    /// It stands at a RETRY whose next attempt comes at this time.
    Sleeping {
        number: u64,
        until_ns: u64,
        woken: bool,
    },
    /// Actions that were held are carried out; then the run goes on, or ends if it has an ending.
    Applying(Option<Waiting>),
    /// Between two activations.
    Resting,
    Ended,
}

impl Phase {
    /// Gives an answer to what waits for it; tells whether anything did.
    pub(crate) fn answer(&mut self, id: u64, answer: Answer) -> bool {
        match self {
            Phase::Waiting(waiting) | Phase::Applying(Some(waiting)) if waiting.number == id => {
                waiting.answer = Some(Box::new(answer));
                true
            }
            Phase::Sleeping { number, woken, .. } if *number == id => {
                *woken = true;
                true
            }
            _ => false,
        }
    }
}

/// What the driver had computed for the host call at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Asking {
    #[default]
    Nothing,
    /// One of its costs.
    Cost,
    /// The veto of this index in the module.
    Veto(usize),
}

/// How far the host call at hand has come. Its op is begun anew after each pure function that had to run first.
#[derive(Debug, Default)]
pub(crate) struct CallState {
    pub(crate) asking: Asking,
    /// Vetoes of the module looked at so far.
    pub(crate) vetoes: usize,
    pub(crate) verdict: Option<Box<Verdict>>,
    /// Costs computed so far: money, tokens.
    pub(crate) quotes: [Option<i64>; 2],
    /// Its dynamic charge is paid.
    pub(crate) paid: bool,
    /// Its logical bytes are taken.
    pub(crate) counted: bool,
    /// Attempts of a RETRY made so far.
    pub(crate) attempts: u32,
    pub(crate) key: Option<Box<EffectKey>>,
}

/// Why an action is forbidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) by: Rule,
    pub(crate) reason: SmolStr,
}

/// Whose rule it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// The program's veto of this index.
    Program(usize),
    Agent,
    /// Its capability is not granted.
    Grant,
}

/// Counts the effects of actions that are ONCE, to give each a key.
#[derive(Debug, Default)]
pub(crate) struct OnceKeys {
    pub(crate) identity: [u8; 32],
    /// By the hash of place and arguments.
    pub(crate) counts: BTreeMap<EffectKey, u64>,
}

impl OnceKeys {
    pub(crate) fn identify(&mut self, identity: &[u8]) {
        self.identity = Sha256::digest(identity).into();
    }

    /// The key of the next effect with this place and these arguments.
    pub(crate) fn next(&mut self, (function, op): (u16, u32), arguments: &[u8]) -> EffectKey {
        let mut hash = Sha256::new();
        hash.update(self.identity);
        hash.update(function.to_le_bytes());
        hash.update(op.to_le_bytes());
        hash.update(arguments);
        let call: EffectKey = hash.finalize().into();
        let count = self.counts.entry(call).or_insert(0);
        let mut hash = Sha256::new();
        hash.update(call);
        hash.update(count.to_le_bytes());
        *count = count.saturating_add(1);
        hash.finalize().into()
    }
}

/// What is remembered of STATE from before an activation.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// Variables, by their index, that were given a value before START: in a test.
    pub(crate) states: Vec<usize>,
    /// All of them as they were when the activation began, and the arena they lie in.
    pub(crate) before: Option<(Heap, Vec<u64>)>,
}

impl Given {
    pub(crate) fn insert(&mut self, state: usize) {
        if !self.contains(state) {
            self.states.push(state);
        }
    }

    pub(crate) fn contains(&self, state: usize) -> bool {
        self.states.contains(&state)
    }
}

/// All that changes in an order.
#[derive(Debug)]
pub(crate) struct RunState {
    pub(crate) machine: Machine,
    pub(crate) phase: Phase,
    pub(crate) meters: Meters,
    /// As they were when the activation began.
    pub(crate) at_begin: Meters,
    pub(crate) totals: Totals,
    pub(crate) actions: Arc<ActionLog>,
    pub(crate) call: CallState,
    /// Arguments of the host call at hand.
    pub(crate) arguments: Vec<u64>,
    /// The STATE variable whose first value is being computed.
    pub(crate) opening: Option<u16>,
    /// STATE as it was given in a test, or when the activation began.
    pub(crate) given: Option<Box<Given>>,
    /// Outermost first.
    pub(crate) withins: Vec<OpenWithin>,
    /// What open `within`s saved, one behind the other.
    pub(crate) saved: Vec<u64>,
    /// By the host's clock.
    pub(crate) deadline_ns: Option<u64>,
    pub(crate) ending: Option<Box<Ending>>,
    pub(crate) links: Links,
    pub(crate) look: Look,
    pub(crate) once: Option<Box<OnceKeys>>,
}

impl RunState {
    pub(crate) fn new(code: &Code, limits: &Limits) -> RunState {
        RunState {
            machine: Machine::new(code, limits),
            phase: Phase::Fresh,
            meters: Meters::default(),
            at_begin: Meters::default(),
            totals: Totals::default(),
            actions: Arc::default(),
            call: CallState::default(),
            arguments: Vec::new(),
            opening: None,
            given: None,
            withins: Vec::new(),
            saved: Vec::new(),
            deadline_ns: None,
            ending: None,
            links: Links::default(),
            look: Look::default(),
            once: None,
        }
    }

    /// Makes ready for an activation: an arena with nothing but STATE, full limits. What was copied is paid for.
    /// Gives the limit that STATE does not fit.
    pub(crate) fn restart(
        &mut self,
        code: &Code,
        attached: &Attached,
        settings: &Settings,
    ) -> Option<LimitKind> {
        let machine = &mut self.machine;
        machine.frames.clear();
        machine.memory = MemoryMeter::new(settings.limits.memory_bytes);
        let fresh = Heap::default();
        let carried = carry((code, attached), &machine.heap, fresh, &mut machine.states, &mut machine.memory);
        let fails = carried.map(|heap| machine.heap = heap).err();
        let words = if fails.is_none() { machine.heap.words() } else { 0 };
        let copied = i64::try_from(words).unwrap_or(i64::MAX);
        machine.memory.before = 0;
        machine.mark = 0;
        machine.fuel = copied.wrapping_neg();
        machine.fuel_limit = settings.limits.fuel.min(MAX_FUEL).cast_signed();
        machine.seen = false;
        // A report may have the last ones.
        match Arc::get_mut(&mut self.actions) {
            Some(actions) => actions.clear(),
            None => self.actions = Arc::default(),
        }
        self.call = CallState::default();
        self.withins.clear();
        self.saved.clear();
        self.ending = None;
        self.at_begin = self.meters;
        fails
    }

    /// Remembers STATE as it is now, before the activation's function runs.
    pub(crate) fn keep_states(&mut self) {
        let Machine { heap, states, .. } = &self.machine;
        if !states.is_empty() {
            self.given.get_or_insert_default().before = Some((heap.clone(), states.clone()));
        }
    }

    /// Puts STATE back as it was when the activation began.
    pub(crate) fn put_states_back(&mut self, code: &Code, attached: &Attached) {
        let before = self.given.as_mut().and_then(|given| given.before.take());
        let Some((heap, mut states)) = before else { return };
        let mut unlimited = MemoryMeter::new(u64::MAX);
        let into = std::mem::take(&mut self.machine.heap);
        if let Ok(heap) = carry((code, attached), &heap, into, &mut states, &mut unlimited) {
            self.machine.heap = heap;
            self.machine.states = states;
        }
    }

    /// Begins an activation that was checked and for which all is ready.
    pub(crate) fn begin(
        &mut self,
        code: &Code,
        attached: &Attached,
        begin: Begin<'_>,
        fails: Option<LimitKind>,
    ) -> Result<(), Refusal> {
        let module = code.module();
        let function = begin.function(module).ok_or(Refusal::Unknown)?;
        let small = |at: usize| u16::try_from(at).map_err(|_| Refusal::Unknown);
        let (what, arguments) = match begin {
            Begin::Start => (Wake::Start, Vec::new()),
            Begin::Tick(at) => (Wake::Tick(small(at)?), Vec::new()),
            Begin::Event(at, values) => {
                let declared = module.functions.get(function.index()).ok_or(Refusal::Unknown)?;
                let types = declared.registers.iter().take(usize::from(declared.parameters));
                if values.len() != types.len() {
                    return Err(Refusal::Arguments);
                }
                let slots = types.zip(values).map(|(ty, value)| {
                    store(&mut self.machine, code, attached, *ty, value).map_err(|_| Refusal::Arguments)
                });
                (Wake::Event(small(at)?), slots.collect::<Result<_, _>>()?)
            }
        };
        self.phase = Phase::Begun(Begun { what, function, arguments, fails });
        Ok(())
    }

    /// Whether an action issued now has to wait: it is collected, or it may be undone.
    pub(crate) fn holds(&self, settings: &Settings) -> bool {
        settings.effects == Effects::Collected || self.withins.iter().any(OpenWithin::undoes)
    }
}
