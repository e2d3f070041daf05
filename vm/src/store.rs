//! Puts a host's answer into the arena.

use swarm_bytecode::cost;
use swarm_bytecode::module::Module;
use swarm_bytecode::trap::{LimitKind, TrapCode};
use swarm_bytecode::types::{Class, Type, TypeId};

use crate::attached::STRING_MAX;
use crate::heap::{Heap, object_bytes};
use crate::machine::{Machine, MemoryMeter, Pause};
use crate::slot;
use crate::value::Value;

/// The slot of a value of this type; its memory is charged to the run.
pub(crate) fn store(machine: &mut Machine, module: &Module, ty: TypeId, value: &Value) -> Result<u64, Pause> {
    Store { heap: &mut machine.heap, memory: &mut machine.memory, module }.value(ty, value)
}

struct Store<'a> {
    heap: &'a mut Heap,
    memory: &'a mut MemoryMeter,
    module: &'a Module,
}

const WRONG: Pause = Pause::Trap(TrapCode::HostAnswer);
const FULL: Pause = Pause::Limit(LimitKind::Memory);

impl Store<'_> {
    /// Types nest at most 16 deep (rule V04), so this does too.
    fn value(&mut self, ty: TypeId, value: &Value) -> Result<u64, Pause> {
        let Some(wanted) = self.module.ty(ty) else { return Err(WRONG) };
        match (wanted, value) {
            (Type::Bool, Value::Bool(value)) => Ok(u64::from(*value)),
            (Type::Int, Value::Int(value)) => Ok(value.cast_unsigned()),
            (Type::Float, Value::Float(value)) if value.is_finite() => Ok(slot::from_float(*value)),
            (Type::Rate(wanted), Value::Rate(found, value)) if wanted == found && value.is_finite() => {
                Ok(slot::from_float(*value))
            }
            (Type::String, Value::String(text)) => {
                let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
                // As of any string that comes in at the border: the compiler's bound counts on it.
                if length > u64::from(STRING_MAX) {
                    return Err(WRONG);
                }
                self.memory.take(length).map_err(Pause::Limit)?;
                self.heap.push_text(text).map_err(|_| FULL)
            }
            (Type::Optional(_), Value::None) => Ok(0),
            (Type::Optional(inner), value) => {
                let slot = self.value(*inner, value)?;
                self.object(&[(*inner, slot)])
            }
            (Type::List { element, max }, Value::List(items)) => {
                let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
                let most = max.map_or(cost::MAX_LIST_ITEMS, u64::from);
                if count > most {
                    return Err(WRONG);
                }
                // Before anything is made for its items.
                if self.memory.used.saturating_add(object_bytes(count)) > self.memory.limit {
                    return Err(FULL);
                }
                let slots = items.iter().map(|item| Ok((*element, self.value(*element, item)?)));
                let slots = slots.collect::<Result<Vec<_>, Pause>>()?;
                self.object(&slots)
            }
            (Type::Record { fields, .. }, Value::Record(values)) => {
                // The module's type has only the fields that the program uses; what else the host knows is dropped.
                let mut slots = Vec::with_capacity(fields.len());
                for field in fields {
                    let Some((_, value)) = values.iter().find(|(name, _)| *name == field.name) else {
                        return Err(WRONG);
                    };
                    slots.push((field.ty, self.value(field.ty, value)?));
                }
                self.object(&slots)
            }
            (_, Value::Quantity(found, amount)) if *found == ty && wanted.class() == Class::Word => {
                Ok(amount.cast_unsigned())
            }
            _ => Err(WRONG),
        }
    }

    fn object(&mut self, slots: &[(TypeId, u64)]) -> Result<u64, Pause> {
        let count = slot::count(slots.len());
        self.memory.take(object_bytes(u64::from(count))).map_err(Pause::Limit)?;
        for (ty, slot) in slots {
            let class = self.module.ty(*ty).map(Type::class);
            if matches!(class, Some(Class::List | Class::Record | Class::Optional)) {
                self.heap.share(*slot);
            }
        }
        let object = self.heap.begin(count).map_err(|_| FULL)?;
        for (_, slot) in slots {
            self.heap.push(*slot);
        }
        Ok(object)
    }
}
