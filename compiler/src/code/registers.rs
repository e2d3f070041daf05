//! Registers of one function: each has one type for good, and is used again for values of that type when
//! it is free.

use smol_str::SmolStr;
use swarm_bytecode::op::Register;
use swarm_bytecode::types::TypeId;

/// Most registers of a function.
pub(crate) const MAX_REGISTERS: usize = 250;

/// What a register has held, for the debug section: a name is given only where it is the whole truth.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Holder {
    Temporary,
    Variable(SmolStr),
    Several,
}

#[derive(Debug)]
struct Slot {
    ty: TypeId,
    holder: Holder,
    free: bool,
}

/// The registers of a function as they are handed out.
#[derive(Debug)]
pub(crate) struct Registers {
    slots: Vec<Slot>,
}

/// Registers for which there is room from the start.
const ROOM: usize = 16;

impl Registers {
    pub(crate) fn new() -> Registers {
        Registers { slots: Vec::with_capacity(ROOM) }
    }

    /// A register for a value without a name; `None` where all are in use.
    pub(crate) fn temporary(&mut self, ty: TypeId) -> Option<Register> {
        self.take(ty, &Holder::Temporary)
    }

    /// A register for a variable; `None` where all are in use.
    pub(crate) fn variable(&mut self, ty: TypeId, name: &SmolStr) -> Option<Register> {
        self.take(ty, &Holder::Variable(name.clone()))
    }

    /// A register just beyond the others: parameters are the first, in order.
    pub(crate) fn parameter(&mut self, ty: TypeId, name: &SmolStr) -> Option<Register> {
        self.push(ty, Holder::Variable(name.clone()))
    }

    fn take(&mut self, ty: TypeId, holder: &Holder) -> Option<Register> {
        let same = |slot: &Slot| slot.free && slot.ty == ty && slot.holder == *holder;
        if let Some(at) = self.slots.iter().position(same) {
            return self.occupy(at, holder);
        }
        if self.slots.len() < MAX_REGISTERS {
            return self.push(ty, holder.clone());
        }
        let at = self.slots.iter().position(|slot| slot.free && slot.ty == ty)?;
        self.occupy(at, &Holder::Several)
    }

    fn occupy(&mut self, at: usize, holder: &Holder) -> Option<Register> {
        let slot = self.slots.get_mut(at)?;
        slot.free = false;
        slot.holder = holder.clone();
        u8::try_from(at).ok().map(Register)
    }

    fn push(&mut self, ty: TypeId, holder: Holder) -> Option<Register> {
        if self.slots.len() >= MAX_REGISTERS {
            return None;
        }
        let register = u8::try_from(self.slots.len()).ok().map(Register)?;
        self.slots.push(Slot { ty, holder, free: false });
        Some(register)
    }

    /// The register's value is not needed any more.
    pub(crate) fn free(&mut self, register: Register) {
        if let Some(slot) = self.slots.get_mut(usize::from(register.0)) {
            slot.free = true;
        }
    }

    /// Types of all registers.
    pub(crate) fn types(&self) -> Vec<TypeId> {
        self.slots.iter().map(|slot| slot.ty).collect()
    }

    /// Registers that only ever held variables of one name, with that name.
    pub(crate) fn names(&self) -> Vec<(u8, SmolStr)> {
        let mut names = Vec::new();
        for (at, slot) in self.slots.iter().enumerate() {
            if let (Ok(at), Holder::Variable(name)) = (u8::try_from(at), &slot.holder) {
                names.push((at, name.clone()));
            }
        }
        names
    }
}
