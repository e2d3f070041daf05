//! The digest of a trace, as docs/trace.md says; and STATE on its way from one activation to the next.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::rc::Rc;

use sha2::{Digest as _, Sha256};
use swarm_bytecode::module::{FunctionId, Import, Module};
use swarm_bytecode::trap::LimitKind;
use swarm_bytecode::types::{Class, TypeId};

use super::call::Issued;
use super::{Done, Object, Order, Place, Slot, price};
use crate::report::Wake;
use crate::value::{Value, bytes};

/// A chain of hashes over blocks of events.
#[derive(Debug, Default)]
pub(super) struct Digest {
    state: [u8; 32],
    block: Vec<u8>,
}

impl Digest {
    fn event(&mut self, kind: u8, fuel: u64, place: Option<Place>, payload: &[u8]) {
        self.block.push(kind);
        self.block.extend(fuel.to_le_bytes());
        self.block.push(u8::from(place.is_some()));
        if let Some((function, op)) = place {
            self.block.extend(function.to_le_bytes());
            self.block.extend(op.to_le_bytes());
        }
        self.block.extend(payload);
        if self.block.len() >= 4096 {
            (self.state, self.block) = (self.chained(), Vec::new());
        }
    }

    fn chained(&self) -> [u8; 32] {
        Sha256::digest([self.state.as_slice(), &self.block].concat()).into()
    }

    /// Of all events so far.
    pub(super) fn value(&self) -> [u8; 32] {
        if self.block.is_empty() { self.state } else { self.chained() }
    }
}

/// SHA-256 of a module's bytes without debug information.
pub(super) fn identity(module: &Module) -> [u8; 32] {
    let mut stripped = module.clone();
    stripped.debug = None;
    Sha256::digest(stripped.encode()).into()
}

fn text(text: &str) -> Vec<u8> {
    [bytes(text).to_le_bytes().as_slice(), text.as_bytes()].concat()
}

impl<'m> Order<'m> {
    /// An event at the op at hand.
    fn tell(&mut self, kind: u8, payload: &[u8]) {
        let place = self.run.place;
        self.digest.event(kind, self.run.used, Some(place), payload);
    }

    pub(super) fn tell_begin(&mut self, wake: &Wake, function: FunctionId, arguments: &[Slot]) {
        let number = |at: Option<usize>| u16::try_from(at.unwrap_or(0)).unwrap_or(u16::MAX).to_le_bytes();
        let mut payload = Vec::new();
        match wake {
            Wake::Start => {
                let own = &self.module.instruction;
                payload.extend(text(&own.name));
                payload.extend(own.version.to_le_bytes());
                payload.extend(self.given.identity);
                payload.push(u8::from(self.collected));
                self.digest.event(1, 0, None, &payload);
                return;
            }
            Wake::Tick(at) => {
                payload.push(1);
                payload.extend(number(Some(*at)));
            }
            Wake::Event(name, _) => {
                payload.push(2);
                payload.extend(number(self.module.events.iter().position(|event| event.name == *name)));
            }
        }
        for (ty, argument) in self.registers(function).iter().zip(arguments) {
            payload.extend(self.value_bytes(*ty, &argument.value));
        }
        self.digest.event(16, 0, None, &payload);
    }

    pub(super) fn tell_action(
        &mut self,
        import: &Import,
        arguments: &[Value],
        result: &[u8],
        error: Option<&str>,
    ) {
        let payload = [self.call_bytes(import, arguments), result.to_vec(), error.map_or(Vec::new(), text)];
        self.tell(2, &payload.concat());
    }

    pub(super) fn tell_query(&mut self, import: &Import, arguments: &[Value], answer: Result<&str, &str>) {
        let (byte, words) = match answer {
            Ok(answer) => (1, answer),
            Err(error) => (0, error),
        };
        self.tell(3, &[self.call_bytes(import, arguments), vec![byte], text(words)].concat());
    }

    pub(super) fn tell_metric(&mut self, metric: usize, ty: TypeId, sample: &Value) {
        let index = u16::try_from(metric).unwrap_or(u16::MAX).to_le_bytes();
        let sample =
            if self.types.is_float(ty) { sample.float().to_bits() } else { sample.word().cast_unsigned() };
        self.tell(4, &[index.as_slice(), &sample.to_le_bytes()].concat());
    }

    pub(super) fn tell_rounds(&mut self) {
        self.tell(5, &[]);
    }

    /// How the activation ended, unless it simply came to its end.
    pub(super) fn tell_end(&mut self, outcome: &str, code: &str, reason: &str) {
        match outcome {
            "limit" => self.tell(6, &text(code)),
            "trapped" => self.tell(7, &text(code)),
            "stopped" => self.tell(8, &text(reason)),
            _ => self.tell(9, &text(reason)),
        }
    }

    pub(super) fn tell_applied(&mut self, action: &Issued, result: &[u8], error: Option<&str>) {
        let fuel = self.run.ending.as_ref().map_or(self.run.used, |ending| ending.fuel);
        let payload =
            [action.ordinal.to_le_bytes().to_vec(), result.to_vec(), error.map_or(Vec::new(), text)];
        self.digest.event(10, fuel, Some(action.place), &payload.concat());
    }

    pub(super) fn tell_rest(&mut self, outcome: &str) {
        let fuel = self.run.ending.as_ref().map_or(0, |ending| ending.fuel);
        if self.over {
            self.digest.event(11, fuel, None, &text(outcome));
        } else {
            self.digest.event(17, fuel, None, &[]);
        }
    }

    pub(super) fn tell_veto(&mut self, import: &Import, arguments: &[Value], _rule: usize, reason: &str) {
        self.tell(12, &[self.call_bytes(import, arguments), vec![1], text(reason)].concat());
    }

    pub(super) fn tell_within(&mut self, kind: u8, phase: &str, limit: Option<LimitKind>) {
        self.tell(kind, &[text(phase), limit.map_or(Vec::new(), |limit| text(limit.code()))].concat());
    }

    fn call_bytes(&self, import: &Import, arguments: &[Value]) -> Vec<u8> {
        let mut payload = text(&import.name);
        for (ty, argument) in import.parameters.iter().zip(arguments) {
            payload.extend(self.value_bytes(*ty, argument));
        }
        payload
    }

    fn value_bytes(&self, ty: TypeId, value: &Value) -> Vec<u8> {
        let (mut payload, mut parts) = (Vec::new(), 4096);
        self.part_bytes(ty, value, &mut payload, &mut parts, 0);
        payload
    }

    fn part_bytes(&self, ty: TypeId, value: &Value, to: &mut Vec<u8>, parts: &mut u32, depth: u32) {
        if *parts == 0 || depth == 48 {
            to.push(255);
            return;
        }
        *parts = parts.saturating_sub(1);
        let length = || u32::try_from(value.length()).unwrap_or(u32::MAX).to_le_bytes();
        let mut within: Vec<(TypeId, Value)> = Vec::new();
        match self.types.class(ty) {
            Class::Word | Class::Bool => {
                to.push(1);
                to.extend(value.word().to_le_bytes());
            }
            Class::Float => {
                to.push(1);
                to.extend(value.float().to_bits().to_le_bytes());
            }
            Class::String => {
                to.push(2);
                to.extend(text(value.text()));
            }
            Class::Secret => to.push(9),
            Class::List => {
                to.push(3);
                to.extend(length());
                within.extend(value.parts().iter().map(|item| (self.types.element(ty), item.clone())));
            }
            Class::Record => {
                let fields = self.types.fields(ty);
                if let Some(at) = fields.iter().position(|field| field.key) {
                    within.extend(fields.get(at).map(|key| (key.ty, value.field(at))));
                } else {
                    to.push(4);
                    within.extend(fields.iter().enumerate().map(|(at, field)| (field.ty, value.field(at))));
                }
            }
            Class::Optional => {
                to.push(if value.some().is_some() { 5 } else { 6 });
                within.extend(value.some().map(|value| (self.types.inner(ty), value.clone())));
            }
            Class::Enum => {
                to.extend([7, value.case()]);
                let fields = self.types.payload(ty, value.case()).iter().enumerate();
                within.extend(fields.map(|(at, field)| (field.ty, value.field(at))));
            }
            Class::Map => {
                to.push(8);
                to.extend(length());
                let (key, held) = self.types.entry(ty);
                within.extend(
                    value.entries().into_values().flat_map(|(own, value)| [(key, own), (held, value)]),
                );
            }
        }
        let counts = matches!(self.types.class(ty), Class::List | Class::Map);
        for (ty, value) in within {
            if counts && *parts == 0 {
                return;
            }
            self.part_bytes(ty, &value, to, parts, depth.saturating_add(1));
        }
    }

    /// Copies STATE to a fresh memory, for the price of a copy. What is one object in two places stays one;
    /// texts are copied each for itself.
    pub(super) fn carry(&mut self) -> Done {
        let mut carried = Carried::default();
        let mut states = Vec::new();
        for (state, slot) in self.module.states.iter().zip(self.states.clone()) {
            let object = self.carry_value(state.ty, &slot.value, &mut carried)?;
            states.push(Slot { object, ..slot });
        }
        self.states = states;
        self.run.used = carried.words;
        Ok(())
    }

    /// Copies a value; gives the object, if it is one.
    fn carry_value(&mut self, ty: TypeId, value: &Value, carried: &mut Carried) -> Done<Option<Rc<Object>>> {
        let (identity, words, room) = match value {
            Value::Text(text) if text.constant => return Ok(None),
            Value::Text(_) => {
                self.take(bytes(value.text()))?;
                return Ok(None);
            }
            Value::Case(_, parts) if parts.is_empty() => return Ok(None),
            Value::Case(_, parts) => (address(parts), price::case_words(parts.len()), 0),
            Value::List(parts) | Value::Record(parts) => {
                let slots = price::count(parts.len());
                (address(parts), price::words(slots), slots)
            }
            Value::Some(inner) => (address(inner), price::words(1), 1),
            Value::Map(entries) => {
                let room = price::room(price::count(entries.len()));
                (address(entries), price::map_words(room), room)
            }
            Value::Zero | Value::Word(_) | Value::Float(_) => return Ok(None),
        };
        if let Some(copy) = carried.objects.get(&(ty, identity)) {
            copy.shared.set(true);
            return Ok(Some(Rc::clone(copy)));
        }
        self.take(price::held(words))?;
        carried.words = carried.words.saturating_add(words);
        let copy = Rc::new(Object { room, shared: Cell::new(false) });
        for (ty, part) in self.parts_of(ty, value) {
            if let Some(part) = self.carry_value(ty, &part, carried)? {
                part.shared.set(true);
            }
        }
        carried.objects.insert((ty, identity), Rc::clone(&copy));
        Ok(Some(copy))
    }

    /// The parts of a value, with their types.
    pub(super) fn parts_of(&self, ty: TypeId, value: &Value) -> Vec<(TypeId, Value)> {
        let fields = |fields: &[swarm_bytecode::types::Field]| {
            fields.iter().enumerate().map(|(at, field)| (field.ty, value.field(at))).collect()
        };
        match self.types.class(ty) {
            Class::List => value.parts().iter().map(|item| (self.types.element(ty), item.clone())).collect(),
            Class::Record => fields(self.types.fields(ty)),
            Class::Enum => fields(self.types.payload(ty, value.case())),
            Class::Optional => {
                value.some().map(|value| (self.types.inner(ty), value.clone())).into_iter().collect()
            }
            Class::Map => {
                let (key, held) = self.types.entry(ty);
                value.entries().into_values().flat_map(|(own, value)| [(key, own), (held, value)]).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// What was copied so far: by type and identity, and in words.
#[derive(Debug, Default)]
struct Carried {
    objects: BTreeMap<(TypeId, usize), Rc<Object>>,
    words: u64,
}

/// Tells an object from all others.
fn address<T>(object: &Rc<T>) -> usize {
    Rc::as_ptr(object).addr()
}
