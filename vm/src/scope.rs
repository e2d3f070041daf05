//! What an op works with that reaches into the arena: it pays first, then acts.

use swarm_bytecode::cost;
use swarm_bytecode::trap::{LimitKind, TrapCode};
use swarm_bytecode::types::TypeId;

use crate::attached::Attached;
use crate::decode::{Code, holds_bools};
use crate::heap::{ArenaFull, Data, Header, Heap};
use crate::limits::MAX_FUEL;
use crate::machine::{MemoryMeter, Pause};
use crate::map::Maps;
use crate::order::Order;

/// The slots of a frame.
pub(crate) type Window = [std::cell::Cell<u64>; crate::machine::WINDOW];

/// One op's way to the arena. The order inside the op is that of rule F6: its operands' traps, then
/// [`Scope::pay`], then what it does.
pub(crate) struct Scope<'a> {
    pub(crate) code: &'a Code,
    pub(crate) attached: &'a Attached,
    pub(crate) heap: &'a mut Heap,
    pub(crate) memory: &'a mut MemoryMeter,
    /// Fuel to the mark once the op's static cost is paid; below 0 if that is not there.
    fuel: i64,
    /// Fuel to the limit, of which the mark may be a part: how far it makes sense to look for the charge.
    pub(crate) budget: u64,
    /// What was paid.
    paid: i64,
}

impl<'a> Scope<'a> {
    pub(crate) fn new(
        code: &'a Code,
        attached: &'a Attached,
        heap: &'a mut Heap,
        memory: &'a mut MemoryMeter,
        fuel: i64,
        budget: u64,
    ) -> Scope<'a> {
        Scope { code, attached, heap, memory, fuel, budget, paid: 0 }
    }

    /// The dynamic charge that was taken.
    pub(crate) fn paid(&self) -> i64 {
        self.paid
    }

    pub(crate) fn data(&self) -> Data<'_> {
        Data { code: self.code, attached: self.attached, heap: self.heap }
    }

    /// Takes the dynamic charge, then the memory. Each op does it once, before it acts.
    pub(crate) fn pay(&mut self, charge: u64, bytes: u64) -> Result<(), Pause> {
        let wanted = charge.min(MAX_FUEL).cast_signed();
        if self.fuel < wanted {
            return Err(Pause::Short { charge });
        }
        self.paid = wanted;
        self.memory.take(bytes).map_err(Pause::Limit)
    }

    /// As [`Scope::pay`], for an object of so many words.
    pub(crate) fn pay_words(&mut self, charge: u64, words: u64) -> Result<(), Pause> {
        self.pay(charge, cost::object_bytes(words))
    }

    /// A list of this type with these items, paid for before. References among them are marked as shared.
    pub(crate) fn list(&mut self, ty: TypeId, items: &[u64], shares: bool) -> Result<u64, Pause> {
        if shares {
            for item in items {
                self.heap.share(*item);
            }
        }
        let header = Header::of_list(items.len(), holds_bools(self.code.module(), ty));
        self.heap.list(header, items.iter().copied()).map_err(full)
    }

    /// A value wrapped as an optional, paid for before.
    pub(crate) fn some(&mut self, value: u64, shares: bool) -> Result<u64, Pause> {
        if shares {
            self.heap.share(value);
        }
        let some = self.heap.begin(1).map_err(full)?;
        self.heap.push(value);
        Ok(some)
    }

    /// For changing maps with keys of this order.
    pub(crate) fn maps(&mut self, order: Order) -> Maps<'_> {
        Maps { code: self.code, attached: self.attached, heap: self.heap, order }
    }
}

/// The arena's offsets are used up: more than any memory limit in use would let through.
pub(crate) fn full(_: ArenaFull) -> Pause {
    Pause::Limit(LimitKind::Memory)
}

/// Traps unless a list or map may hold so many.
pub(crate) fn check_count(count: u64, most: u64) -> Result<(), Pause> {
    if count > most { Err(Pause::Trap(TrapCode::TooLong)) } else { Ok(()) }
}

/// Traps unless a text may be so long; gives the length.
pub(crate) fn check_text(bytes: usize) -> Result<u64, Pause> {
    match u64::try_from(bytes) {
        Ok(bytes) if bytes <= cost::MAX_STRING_BYTES => Ok(bytes),
        _ => Err(Pause::Trap(TrapCode::TooLong)),
    }
}
