//! Carries STATE from one activation's arena to the next one's. Inputs may be others then, so whatever lies
//! in them is copied too; string constants stay where they are.

use std::collections::BTreeMap;

use swarm_bytecode::cost;
use swarm_bytecode::trap::LimitKind;
use swarm_bytecode::types::{Type, TypeId};

use crate::attached::Attached;
use crate::decode::{Code, holds_bools, is_reference};
use crate::heap::{ArenaFull, Data, Header, Heap};
use crate::machine::MemoryMeter;
use crate::map::Maps;
use crate::order::Order;
use crate::slot::{self, CASE, MODULE_TEXT, Reference, TextSlot};

/// Copies the values of STATE from one arena into another, which it gives back; they stay as they are if they
/// do not fit the memory.
pub(crate) fn carry(
    (code, attached): (&Code, &Attached),
    from: &Heap,
    into: Heap,
    states: &mut [u64],
    memory: &mut MemoryMeter,
) -> Result<Heap, LimitKind> {
    let data = Data { code, attached, heap: from };
    let mut carrier = Carrier { data, heap: into, memory, copies: BTreeMap::new() };
    let mut carried = Vec::with_capacity(states.len());
    for (state, slot) in code.module().states.iter().zip(&*states) {
        carried.push(carrier.value(state.ty, *slot)?);
    }
    let heap = carrier.heap;
    for (slot, carried) in states.iter_mut().zip(carried) {
        *slot = carried;
    }
    Ok(heap)
}

struct Carrier<'a> {
    data: Data<'a>,
    heap: Heap,
    memory: &'a mut MemoryMeter,
    /// What was copied already, by type and old slot: what was one object stays one.
    copies: BTreeMap<(TypeId, u64), u64>,
}

impl Carrier<'_> {
    /// Types nest at most 16 deep, so this does too.
    fn value(&mut self, ty: TypeId, slot: u64) -> Result<u64, LimitKind> {
        let module = self.data.code.module();
        let Some(declared) = module.ty(ty) else { return Ok(0) };
        if slot == 0 || !is_carried(declared, slot) {
            return Ok(slot);
        }
        // Texts are copied each for itself: whether two lie in the same place is the host's affair.
        if matches!(declared, Type::String | Type::Secret) {
            self.memory.take(u64::from(slot::text_length(slot)))?;
            return self.heap.push_text(self.data.text(slot)).map_err(full);
        }
        if let Some(copy) = self.copies.get(&(ty, slot)) {
            self.heap.share(*copy);
            return Ok(*copy);
        }
        let copy = match declared {
            Type::List { element, .. } => {
                let items = (0..self.data.length(slot)).map(|at| self.data.item(slot, at).unwrap_or(0));
                let items = items.collect::<Vec<_>>();
                let bytes = holds_bools(module, ty);
                self.object(items.into_iter().map(|item| (*element, item)), bytes)?
            }
            Type::Optional(inner) => {
                let value = self.data.unwrap(slot).unwrap_or(0);
                self.object([(*inner, value)].into_iter(), false)?
            }
            Type::Record { fields, .. } => {
                let slots = self.fields(fields.iter().map(|field| field.ty), |data, at| data.field(slot, at));
                self.object(slots.into_iter(), false)?
            }
            Type::Enum { cases, .. } => {
                let case = self.data.case(slot);
                let fields = cases.get(usize::from(case)).map_or(&[][..], |case| &case.fields);
                if fields.is_empty() {
                    return Ok(slot::case(case));
                }
                let mut slots = vec![(TypeId::INT, u64::from(case))];
                slots.extend(
                    self.fields(fields.iter().map(|field| field.ty), |data, at| data.payload(slot, at)),
                );
                self.object(slots.into_iter(), false)?
            }
            Type::Map { key, value, .. } => self.map(*key, *value, slot)?,
            _ => slot,
        };
        self.copies.insert((ty, slot), copy);
        Ok(copy)
    }

    fn fields(
        &self,
        types: impl Iterator<Item = TypeId>,
        read: impl Fn(Data<'_>, u8) -> u64,
    ) -> Vec<(TypeId, u64)> {
        types.zip(0u8..=u8::MAX).map(|(ty, at)| (ty, read(self.data, at))).collect()
    }

    /// An object of these slots; `bytes` if it is a list of bools.
    fn object(
        &mut self,
        slots: impl ExactSizeIterator<Item = (TypeId, u64)>,
        bytes: bool,
    ) -> Result<u64, LimitKind> {
        let count = slot::count(slots.len());
        self.memory.take(cost::object_bytes(cost::object_words(u64::from(count))))?;
        let module = self.data.code.module();
        let mut copies = Vec::with_capacity(slots.len());
        for (ty, slot) in slots {
            let copy = self.value(ty, slot)?;
            if is_reference(module, ty) {
                self.heap.share(copy);
            }
            copies.push(copy);
        }
        self.heap.list(Header::of_list(copies.len(), bytes), copies.into_iter()).map_err(full)
    }

    fn map(&mut self, key: TypeId, value: TypeId, slot: u64) -> Result<u64, LimitKind> {
        let module = self.data.code.module();
        let entries = self.data.length(slot);
        let room = cost::capacity(u64::from(entries));
        self.memory.take(cost::object_bytes(cost::map_words(room)))?;
        let mut copies = Vec::new();
        for at in 0..entries {
            let (old_key, old_value) = self.data.entry(slot, at).unwrap_or((0, 0));
            let copy = self.value(value, old_value)?;
            if is_reference(module, value) {
                self.heap.share(copy);
            }
            copies.push((self.value(key, old_key)?, copy));
        }
        let Data { code, attached, .. } = self.data;
        let order = Order::of(module, key);
        let mut maps = Maps { code, attached, heap: &mut self.heap, order };
        let map = maps.with_room(room).map_err(full)?;
        for (key, value) in copies {
            maps.set(map, key, value);
        }
        Ok(map)
    }
}

/// Whether a slot that is not 0 refers to what a new activation may not have.
fn is_carried(ty: &Type, slot: u64) -> bool {
    match ty {
        Type::String | Type::Secret => TextSlot::unpack(slot).source != MODULE_TEXT,
        Type::Enum { .. } => Reference::unpack(slot).source != CASE,
        Type::List { .. } | Type::Record { .. } | Type::Optional(_) | Type::Map { .. } => true,
        _ => false,
    }
}

fn full(_: ArenaFull) -> LimitKind {
    LimitKind::Memory
}
