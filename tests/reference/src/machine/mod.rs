//! Evaluates a module op by op, as docs/bytecode.md says.
//!
//! Fuel is a sum: each op adds its cost when it runs, an op that settles looks first whether that sum still fits.
//! Memory is what the document lists. Blocks are evaluated by calling this evaluator for what stands in them, and
//! whatever ends more than a block leaves by `?`.

mod call;
mod code;
mod flow;
mod ops;
mod price;
mod trace;

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use swarm_bytecode::module::{FunctionId, Module};
use swarm_bytecode::op::Register;
use swarm_bytecode::trap::{LimitKind, TrapCode};
use swarm_bytecode::types::TypeId;

use crate::given::{self, Declared, Refusal};
use crate::metric::Samples;
use crate::report::{Host, Limits, Report, Wake};
use crate::types::Types;
use crate::value::{Text, Value, fits, to_json};
use code::Blocks;
use trace::Digest;

/// What a register or a STATE variable holds: a value, and the object that it is in, if that was made by this
/// activation and lies in no other. All other objects have to be copied before they are written.
#[derive(Debug, Clone)]
struct Slot {
    value: Value,
    object: Option<Rc<Object>>,
}

/// An object that may be written in place.
#[derive(Debug)]
struct Object {
    /// How many items or entries it has room for.
    room: u64,
    /// Whether something else may refer to it: then a write copies it first.
    shared: Cell<bool>,
}

impl Slot {
    /// A value that is no object, or lies in another one, or belongs to the host.
    fn of(value: Value) -> Slot {
        Slot { value, object: None }
    }

    /// A new object.
    fn object(value: Value, room: u64) -> Slot {
        Slot { value, object: Some(Rc::new(Object { room, shared: Cell::new(false) })) }
    }

    fn share(&self) {
        if let Some(object) = &self.object {
            object.shared.set(true);
        }
    }

    /// The room of the object if it may be written in place.
    fn room(&self) -> Option<u64> {
        self.object.as_ref().filter(|object| !object.shared.get()).map(|object| object.room)
    }
}

/// Where in a module: function and op.
type Place = (u16, u32);

/// Why an op did not come to its end.
#[derive(Debug)]
enum Halt {
    Trap(TrapCode),
    Limit(LimitKind),
    /// STOP: true, FAIL: false; and why.
    Ends(bool, String),
    /// The budget of the open block of this index is not enough.
    Struck(usize, LimitKind),
}

type Done<T = ()> = Result<T, Halt>;

impl From<TrapCode> for Halt {
    fn from(trap: TrapCode) -> Halt {
        Halt::Trap(trap)
    }
}

/// A module with what it is given. Any number of orders can begin with it.
pub struct Given<'m> {
    module: &'m Module,
    blocks: Vec<Blocks>,
    inputs: Vec<Value>,
    contexts: Vec<Value>,
    strings: Vec<Value>,
    /// SHA-256 of the module without debug information.
    identity: [u8; 32],
}

/// An order: what an agent does with a module.
pub struct Order<'m> {
    module: &'m Module,
    given: &'m Given<'m>,
    types: Types<'m>,
    limits: Limits,
    /// Whether actions wait for the end of the activation.
    collected: bool,
    states: Vec<Slot>,
    /// Which of them were given: their first values are not computed.
    kept: BTreeSet<usize>,
    metrics: Vec<Samples>,
    digest: Digest,
    meters: Meters,
    /// Nanoseconds since the order began: only waiting takes time here.
    now: i64,
    run: Run,
    over: bool,
    /// The first thing that happened which the verifier promises never does.
    broken: Option<String>,
}

/// What an order has used.
#[derive(Debug, Clone, Copy, Default)]
struct Meters {
    host_calls: u64,
    money: i64,
    tokens: i64,
    /// Reserved for actions that are held: money, tokens.
    reserved: (i64, i64),
}

/// One activation.
#[derive(Debug, Default)]
struct Run {
    used: u64,
    memory: u64,
    peak: u64,
    depth: usize,
    /// Logical bytes of the live calls.
    frames: u64,
    /// The op at hand.
    place: Place,
    /// Its cost, if it is not in `used` yet.
    due: u64,
    /// The cost of the ops since the last that settled.
    unsettled: u64,
    actions: Vec<call::Issued>,
    issued: u64,
    failed: u64,
    vetoed: u64,
    undone: u64,
    spent: (i64, i64),
    withins: Vec<flow::Within>,
    ending: Option<Ending>,
}

#[derive(Debug, Clone, Default)]
struct Ending {
    outcome: &'static str,
    code: String,
    reason: String,
    place: Option<Place>,
    fuel: u64,
    result: Option<Value>,
    dropped: bool,
}

/// What only this evaluator can tell of an activation, beside its [`Report`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meter {
    /// Fuel used; at most the limit.
    pub fuel: u64,
    /// Most logical bytes held at once.
    pub memory_peak: u64,
    /// Function and op at which it ended, unless it simply came to its end.
    pub place: Option<(u16, u32)>,
    /// The trace's digest so far.
    pub digest: [u8; 32],
}

impl<'m> Given<'m> {
    /// A module with its inputs and its context.
    ///
    /// # Errors
    /// The inputs or the context do not fit.
    pub fn new(
        module: &'m Module,
        inputs: &serde_json::Value,
        context: &serde_json::Value,
    ) -> Result<Given<'m>, Refusal> {
        let types = Types(&module.types);
        let declared: Vec<Declared<'_>> = module
            .inputs
            .iter()
            .map(|own| Declared {
                name: &own.name,
                ty: own.ty,
                unit: own.unit.as_ref(),
                default: own.default.as_ref(),
            })
            .collect();
        let inputs = given::read(types, &declared, inputs)?;
        let declared: Vec<Declared<'_>> = module
            .contexts
            .iter()
            .map(|own| Declared {
                name: &own.name,
                ty: own.ty,
                unit: own.unit.as_ref(),
                default: own.default.as_ref(),
            })
            .collect();
        let contexts = given::read(types, &declared, context)?;
        Ok(Given {
            module,
            blocks: module.functions.iter().map(|function| Blocks::of(&function.code)).collect(),
            inputs,
            contexts,
            strings: module.strings.iter().map(|text| Value::Text(Text::constant(text.as_str()))).collect(),
            identity: trace::identity(module),
        })
    }

    /// An order that has not started.
    pub fn order(&'m self, limits: Limits, collected: bool) -> Order<'m> {
        let module = self.module;
        Order {
            module,
            given: self,
            types: Types(&module.types),
            limits,
            collected,
            states: vec![Slot::of(Value::Zero); module.states.len()],
            kept: BTreeSet::new(),
            metrics: vec![Samples::default(); module.metrics.len()],
            digest: Digest::default(),
            meters: Meters::default(),
            now: 0,
            run: Run::default(),
            over: false,
            broken: None,
        }
    }
}

impl<'m> Order<'m> {
    /// Sets a STATE variable before the order starts, as a test does.
    ///
    /// # Errors
    /// There is none of this name, or the value does not fit.
    pub fn set_state(&mut self, name: &str, json: &serde_json::Value) -> Result<(), Refusal> {
        let states = &self.module.states;
        let at = states.iter().position(|state| state.name == name).ok_or("no such state")?;
        let ty = states.get(at).map_or(TypeId::INT, |state| state.ty);
        let value = given::value(self.types, ty, None, json)?;
        let slot = self.store(ty, value).map_err(|_| "a state does not fit")?;
        if let Some(place) = self.states.get_mut(at) {
            *place = slot;
        }
        self.kept.insert(at);
        Ok(())
    }

    /// Whether nothing can be begun any more.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// What happened so far that the verifier promises never does: a register got a value of another type, a
    /// loop wrote what counts its rounds, a way was too long without a settling op, something was waited for
    /// where actions are held, something looked at a secret. Each is looked at with every op.
    pub fn broken(&self) -> Option<&str> {
        self.broken.as_deref()
    }

    fn breaks(&mut self, what: impl FnOnce() -> String) {
        if self.broken.is_none() {
            self.broken = Some(format!("at {:?}: {}", self.run.place, what()));
        }
    }

    /// Runs one activation to its end.
    ///
    /// # Errors
    /// There is no such timer or event, or the arguments do not fit.
    pub fn activate(&mut self, wake: &Wake, host: &mut Host<'_>) -> Result<(Report, Meter), Refusal> {
        self.run = Run::default();
        let carried = if *wake == Wake::Start && self.kept.is_empty() { Ok(()) } else { self.carry() };
        self.run.peak = self.run.memory;
        let (function, arguments) = self.begun(wake)?;
        self.tell_begin(wake, function, &arguments);
        self.run.place = (function.0, 0);
        let opened =
            carried.and_then(|()| if *wake == Wake::Start { self.open_states(host) } else { Ok(()) });
        let before = self.states.clone();
        let done = opened.and_then(|()| self.first(function, arguments, host));
        let ending = match done {
            Ok(result) => {
                let fuel = self.run.used.min(self.limits.fuel);
                Ending { outcome: "done", fuel, result: result.map(|slot| slot.value), ..Ending::default() }
            }
            Err(halt) => self.ended_by(halt),
        };
        if !matches!(ending.outcome, "done" | "stopped") {
            self.states = before;
        }
        self.run.ending = Some(ending);
        self.finish(host);
        Ok((self.report(), self.meter()))
    }

    /// The function an activation runs, and its arguments.
    fn begun(&mut self, wake: &Wake) -> Result<(FunctionId, Vec<Slot>), Refusal> {
        match wake {
            Wake::Start => Ok((self.module.entry, Vec::new())),
            Wake::Tick(at) => {
                let timer = self.module.timers.get(*at).ok_or("no such timer")?;
                Ok((timer.function, Vec::new()))
            }
            Wake::Event(name, given) => {
                let event = self.module.events.iter().find(|event| event.name == *name);
                let function = event.ok_or("no such event")?.function;
                let mut arguments = Vec::new();
                for (ty, json) in self.registers(function).iter().zip(given) {
                    let value = given::value(self.types, *ty, None, json)?;
                    arguments.push(self.store(*ty, value).map_err(|_| "an argument does not fit")?);
                }
                Ok((function, arguments))
            }
        }
    }

    fn registers(&self, function: FunctionId) -> &'m [TypeId] {
        self.module.functions.get(function.index()).map_or(&[], |function| &function.registers)
    }

    /// The first values of STATE.
    fn open_states(&mut self, host: &mut Host<'_>) -> Done {
        for (at, state) in self.module.states.iter().enumerate() {
            if let Some(initial) = state.initial.filter(|_| !self.kept.contains(&at)) {
                let value = self.first(initial, Vec::new(), host)?.unwrap_or(Slot::of(Value::Zero));
                if let Some(place) = self.states.get_mut(at) {
                    *place = value;
                }
            }
        }
        Ok(())
    }

    /// Evaluates a function that nothing calls. Until it has begun, its first op is the one at hand, but not
    /// paid for.
    fn first(
        &mut self,
        function: FunctionId,
        arguments: Vec<Slot>,
        host: &mut Host<'_>,
    ) -> Done<Option<Slot>> {
        (self.run.place, self.run.due) = ((function.0, 0), 0);
        self.call(function, arguments, true, host)
    }

    /// Evaluates a function in a frame of its own. Whether the op at hand is paid for before it, or only after.
    fn call(
        &mut self,
        function: FunctionId,
        arguments: Vec<Slot>,
        pays: bool,
        host: &mut Host<'_>,
    ) -> Done<Option<Slot>> {
        let module = self.module;
        let Some(own) = module.functions.get(function.index()) else { return Ok(None) };
        if self.run.depth >= self.limits.depth {
            return Err(Halt::Limit(LimitKind::CallDepth));
        }
        let bytes = price::frame(own.registers.len());
        self.take(bytes)?;
        self.run.depth = self.run.depth.saturating_add(1);
        if pays {
            self.paid();
        }
        let (caller, due) = (self.run.place, std::mem::take(&mut self.run.due));
        self.run.frames = self.run.frames.saturating_add(bytes);
        let mut frame = flow::Frame::new(function.0, own, self.types, arguments);
        let left = self.block(&mut frame, 0, own.code.len(), host)?;
        (self.run.place, self.run.due) = (caller, due);
        self.unwind(self.run.depth.saturating_sub(1), self.run.frames.saturating_sub(bytes));
        let result = if let flow::Left::Return(value) = left { value } else { None };
        let good = match (&result, own.result) {
            (Some(slot), Some(ty)) => fits(self.types, ty, &slot.value),
            (None, None) => true,
            _ => false,
        };
        if !good {
            self.breaks(|| format!("function {} does not give its result", function.0));
        }
        Ok(result)
    }

    /// Whether the op at hand and a charge beside its cost can be paid; pays the charge.
    fn settle(&mut self, charge: u64) -> Done {
        let wanted = self.run.used.saturating_add(self.run.due).saturating_add(charge);
        if wanted > self.limits.fuel {
            self.run.due = 0;
            return Err(Halt::Limit(LimitKind::Fuel));
        }
        self.run.used = self.run.used.saturating_add(charge);
        self.run.unsettled = 0;
        Ok(())
    }

    /// Adds the cost of the op at hand: it is done.
    fn paid(&mut self) {
        self.run.used = self.run.used.saturating_add(std::mem::take(&mut self.run.due));
    }

    fn take(&mut self, bytes: u64) -> Done {
        let wanted = self.run.memory.saturating_add(bytes);
        if wanted > self.limits.memory {
            return Err(Halt::Limit(LimitKind::Memory));
        }
        self.run.memory = wanted;
        self.run.peak = self.run.peak.max(wanted);
        Ok(())
    }

    /// Closes frames until only so many are left, of so many bytes.
    fn unwind(&mut self, depth: usize, frames: u64) {
        self.give_back(self.run.frames.saturating_sub(frames));
        (self.run.depth, self.run.frames) = (depth, frames);
    }

    fn give_back(&mut self, bytes: u64) {
        self.run.memory = self.run.memory.saturating_sub(bytes);
    }

    /// Notes how an activation ended that did not simply come to its end. An op that traps has to be paid for
    /// first.
    fn ended_by(&mut self, halt: Halt) -> Ending {
        let halt = match halt {
            Halt::Trap(_) => self.settle(0).err().unwrap_or(halt),
            other => other,
        };
        let (outcome, code, reason) = match halt {
            Halt::Trap(trap) => ("trapped", trap.code(), String::new()),
            Halt::Limit(limit) | Halt::Struck(_, limit) => ("limit", limit.code(), String::new()),
            Halt::Ends(true, reason) => ("stopped", "stop", reason),
            Halt::Ends(false, reason) => ("failed", "fail", reason),
        };
        self.tell_end(outcome, code, &reason);
        let place = Some(self.run.place);
        self.paid();
        let fuel = self.run.used.min(self.limits.fuel);
        Ending { outcome, code: code.to_owned(), reason, place, fuel, ..Ending::default() }
    }

    fn report(&self) -> Report {
        let ending = self.run.ending.clone().unwrap_or_default();
        let entry = self.module.functions.get(self.module.entry.index()).and_then(|entry| entry.result);
        let result = ending.result.as_ref().zip(entry);
        let metrics = self.module.metrics.iter().zip(&self.metrics);
        let metrics: BTreeMap<String, String> = metrics
            .filter_map(|(metric, samples)| {
                Some((metric.name.to_string(), samples.to_json(self.types, metric)?))
            })
            .collect();
        let states = self.module.states.iter().zip(&self.states);
        Report {
            outcome: ending.outcome,
            code: ending.code,
            reason: ending.reason,
            result: result.map(|(value, ty)| to_json(self.types, ty, value, false)),
            actions: self.run.actions.iter().map(|action| self.shown(action)).collect(),
            dropped: ending.dropped,
            metrics: metrics.into_iter().collect(),
            states: states
                .map(|(state, slot)| {
                    (state.name.to_string(), to_json(self.types, state.ty, &slot.value, false))
                })
                .collect(),
            money: self.run.spent.0,
            tokens: self.run.spent.1,
            failed: self.run.failed,
            vetoed: self.run.vetoed,
            undone: self.run.undone,
        }
    }

    fn meter(&self) -> Meter {
        let ending = self.run.ending.clone().unwrap_or_default();
        Meter {
            fuel: ending.fuel,
            memory_peak: self.run.peak,
            place: ending.place,
            digest: self.digest.value(),
        }
    }
}

fn index(register: Register) -> usize {
    usize::from(register.0)
}
