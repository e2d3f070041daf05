//! Puts a value from outside into the arena: a host's answer, an event's argument.

use smol_str::SmolStr;
use swarm_bytecode::cost;
use swarm_bytecode::trap::{LimitKind, TrapCode};
use swarm_bytecode::types::{Class, EnumCase, Field, Type, TypeId};

use crate::attached::{Attached, STRING_MAX, other_case};
use crate::decode::{Code, holds_bools, is_reference};
use crate::heap::{Header, Heap, object_bytes};
use crate::machine::{Machine, MemoryMeter, Pause};
use crate::map::Maps;
use crate::order::Order;
use crate::slot;
use crate::value::Value;

/// The slot of a value of this type; its memory is charged to the run.
pub(crate) fn store(
    machine: &mut Machine,
    code: &Code,
    attached: &Attached,
    ty: TypeId,
    value: &Value,
) -> Result<u64, Pause> {
    Store { heap: &mut machine.heap, memory: &mut machine.memory, code, attached }.value(ty, value)
}

struct Store<'a> {
    heap: &'a mut Heap,
    memory: &'a mut MemoryMeter,
    code: &'a Code,
    attached: &'a Attached,
}

const WRONG: Pause = Pause::Trap(TrapCode::HostAnswer);
const FULL: Pause = Pause::Limit(LimitKind::Memory);

impl Store<'_> {
    /// Types nest at most 16 deep (rule V04), so this does too.
    fn value(&mut self, ty: TypeId, value: &Value) -> Result<u64, Pause> {
        let code = self.code;
        let Some(wanted) = code.module().ty(ty) else { return Err(WRONG) };
        match (wanted, value) {
            (Type::Bool, Value::Bool(value)) => Ok(u64::from(*value)),
            (Type::Int, Value::Int(value)) => Ok(value.cast_unsigned()),
            (Type::Float, Value::Float(value)) if value.is_finite() => Ok(slot::from_float(*value)),
            (Type::Rate(wanted), Value::Rate(found, value)) if wanted == found && value.is_finite() => {
                Ok(slot::from_float(*value))
            }
            (Type::String | Type::Secret, Value::String(text)) => self.text(text),
            (Type::Secret, Value::Secret(secret)) => self.text(secret.expose()),
            (Type::Optional(_), Value::None) => Ok(0),
            (Type::Optional(inner), value) => {
                let slot = self.value(*inner, value)?;
                self.object(&[(*inner, slot)], false)
            }
            (Type::List { element, max }, Value::List(items)) => {
                let count = self.room_for(items.len(), *max, object_bytes)?;
                let mut slots = Vec::with_capacity(slot::index(count));
                for item in items {
                    slots.push((*element, self.value(*element, item)?));
                }
                self.object(&slots, holds_bools(code.module(), ty))
            }
            (Type::Map { key, value, max }, Value::Map(entries)) => self.map((*key, *value), *max, entries),
            (Type::Record { fields, .. }, Value::Record(values)) => {
                let slots = self.fields(fields, values)?;
                self.object(&slots, false)
            }
            (Type::Enum { cases, .. }, Value::Case(name, payload)) => self.case(cases, name, payload),
            (_, Value::Quantity(found, amount)) if *found == ty && wanted.class() == Class::Word => {
                Ok(amount.cast_unsigned())
            }
            _ => Err(WRONG),
        }
    }

    fn text(&mut self, text: &str) -> Result<u64, Pause> {
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        // As of any string that comes in at the border: the compiler's bound counts on it.
        if length > u64::from(STRING_MAX) {
            return Err(WRONG);
        }
        self.memory.take(length).map_err(Pause::Limit)?;
        self.heap.push_text(text).map_err(|_| FULL)
    }

    /// The number of items or entries, if the type admits so many and the memory holds them, before anything is
    /// made for them.
    fn room_for(&self, count: usize, max: Option<u32>, bytes: impl Fn(u64) -> u64) -> Result<u32, Pause> {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        if count > max.map_or(cost::MAX_LIST_ITEMS, u64::from) {
            return Err(WRONG);
        }
        if self.memory.used.saturating_add(bytes(count)) > self.memory.limit {
            return Err(FULL);
        }
        u32::try_from(count).map_err(|_| WRONG)
    }

    /// The module's type has only the fields that the program uses; what else the host knows is dropped.
    fn fields(&mut self, fields: &[Field], values: &[(SmolStr, Value)]) -> Result<Vec<(TypeId, u64)>, Pause> {
        let mut slots = Vec::with_capacity(fields.len());
        for field in fields {
            let (_, value) = values.iter().find(|(name, _)| *name == field.name).ok_or(WRONG)?;
            slots.push((field.ty, self.value(field.ty, value)?));
        }
        Ok(slots)
    }

    fn case(
        &mut self,
        cases: &[EnumCase],
        name: &SmolStr,
        payload: &[(SmolStr, Value)],
    ) -> Result<u64, Pause> {
        let Some(at) = cases.iter().position(|case| case.name == *name) else {
            let other = other_case(cases).ok_or(WRONG)?;
            let name = self.text(name)?;
            return self.object(&[(TypeId::INT, u64::from(other)), (TypeId::STRING, name)], false);
        };
        let (Some(case), Ok(index)) = (cases.get(at), u8::try_from(at)) else { return Err(WRONG) };
        if case.fields.is_empty() {
            return Ok(slot::case(index));
        }
        let mut slots = vec![(TypeId::INT, u64::from(index))];
        slots.extend(self.fields(&case.fields, payload)?);
        self.object(&slots, false)
    }

    fn map(
        &mut self,
        (key, value): (TypeId, TypeId),
        max: Option<u32>,
        entries: &[(Value, Value)],
    ) -> Result<u64, Pause> {
        let bytes = |entries| cost::object_bytes(cost::map_words(cost::capacity(entries)));
        let count = self.room_for(entries.len(), max, bytes)?;
        let mut slots = Vec::with_capacity(slot::index(count));
        for (own, held) in entries {
            slots.push((self.value(key, own)?, self.value(value, held)?));
        }
        self.memory.take(bytes(u64::from(count))).map_err(Pause::Limit)?;
        let shares = is_reference(self.code.module(), value);
        let order = Order::of(self.code.module(), key);
        let mut maps = Maps { code: self.code, attached: self.attached, heap: self.heap, order };
        let map = maps.with_room(cost::capacity(u64::from(count))).map_err(|_| FULL)?;
        for (own, held) in slots {
            if shares {
                maps.heap.share(held);
            }
            maps.set(map, own, held);
        }
        Ok(map)
    }

    /// An object of these slots; `bytes` if it is a list of bools.
    fn object(&mut self, slots: &[(TypeId, u64)], bytes: bool) -> Result<u64, Pause> {
        let count = slot::count(slots.len());
        self.memory.take(object_bytes(u64::from(count))).map_err(Pause::Limit)?;
        for (ty, slot) in slots {
            if is_reference(self.code.module(), *ty) {
                self.heap.share(*slot);
            }
        }
        let slots = slots.iter().map(|(_, slot)| *slot);
        self.heap.list(Header::of_list(slots.len(), bytes), slots).map_err(|_| FULL)
    }
}
