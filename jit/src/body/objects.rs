//! Ops that read or write an object of the arena.

use std::collections::BTreeMap;

use swarm_bytecode::cost;
use swarm_bytecode::op::{Flow, Op, Register};
use swarm_bytecode::types::Type;
use wasm_encoder::{BlockType, Instruction, MemArg, ValType};

use super::{Body, in_arena, values};
use crate::layout::PAGE_BITS;

/// What loops know of lists: read once before the loop that changes none of it, but where it appends to the
/// one list it has to do with.
#[derive(Default)]
pub(super) struct Lists(Vec<List>);

/// A list whose header is in locals.
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    register: Register,
    /// Address of the header.
    pub(super) base: u32,
    /// How many items can be read; 0 if it does not lie in the arena.
    pub(super) length: u32,
    /// How many items can be written; 0 if it is shared.
    pub(super) own: u32,
    /// How many items it may have before it has to be moved; 0 if it is shared.
    pub(super) room: Option<u32>,
}

impl Lists {
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    pub(super) fn knows(&self, register: Register) -> bool {
        self.get(register).is_some()
    }

    fn get(&self, register: Register) -> Option<List> {
        self.0.iter().find(|list| list.register == register).copied()
    }

    fn locals(&self) -> impl Iterator<Item = u32> {
        self.0
            .iter()
            .flat_map(|list| [Some(list.base), Some(list.length), Some(list.own), list.room])
            .flatten()
    }
}

/// What a loop does with a list.
#[derive(Debug, Clone, Copy, Default)]
struct Uses {
    reads_or_writes: bool,
    appends: bool,
}

/// The bits of a header's upper half that say how much room there is.
const ROOM: i64 = 0x1fff_ffff;

pub(super) fn half(offset: u64) -> MemArg {
    MemArg { offset, align: 2, memory_index: 1 }
}

/// An item of a list of bools, behind its header.
fn byte() -> MemArg {
    MemArg { offset: 8, align: 0, memory_index: 1 }
}

impl Body<'_> {
    /// Whether an op changes no list's header, but by writing or appending items.
    fn keeps_headers(&self, op: &Op) -> bool {
        match op {
            Op::SetItem { value, .. } | Op::Push { value, .. } | Op::Copy { value, .. } => {
                !self.is_object(*value)
            }
            Op::Item { .. } | Op::Field { .. } | Op::IsSome { .. } => true,
            Op::Native { .. } => values::keeps_fuel(op),
            Op::ForEachEntry { .. } => false,
            _ => match op.info().flow {
                Flow::Next => values::is_plain(op) || matches!(op, Op::Settle {}),
                Flow::Call | Flow::OpenWithin | Flow::WithinElse | Flow::WithinEnd => false,
                _ => true,
            },
        }
    }

    /// Reads the headers of the lists that a loop uses, if it leaves them as they are.
    pub(super) fn look_at_lists(&mut self, p: usize, close: usize) -> bool {
        let inside = self.function.code.get(p.saturating_add(1)..close).unwrap_or_default();
        if !self.lists.0.is_empty() || !inside.iter().all(|op| self.keeps_headers(op)) {
            return false;
        }
        let mut used: BTreeMap<Register, Uses> = BTreeMap::new();
        for op in inside {
            match op {
                Op::Item { list, .. } | Op::SetItem { list, .. } => {
                    used.entry(*list).or_default().reads_or_writes = true;
                }
                Op::Push { list, .. } => used.entry(*list).or_default().appends = true,
                Op::ForEach { list, .. } | Op::Length { list, .. } => {
                    used.entry(*list).or_default();
                }
                _ => {}
            }
        }
        // Two registers may name one list.
        if used.len() > 1 && used.values().any(|uses| uses.appends) {
            return false;
        }
        used.retain(|list, uses| {
            let others = |op: &&Op| !matches!(op, Op::SetItem { .. } | Op::Push { .. });
            let written = inside.iter().filter(others).any(|op| values::changes(op, *list));
            (uses.reads_or_writes || uses.appends) && !written
        });
        for (register, uses) in used {
            let [base, length, own] = [ValType::I32, ValType::I64, ValType::I64].map(|ty| self.local(ty));
            let room = uses.appends.then(|| self.local(ValType::I64));
            let list = List { register, base, length, own, room };
            self.look_at(list);
            self.lists.0.push(list);
        }
        !self.lists.0.is_empty()
    }

    /// Reads a list's header, without a block: that of the zero block where it does not lie in the arena.
    fn look_at(&mut self, list: List) {
        use Instruction as I;
        self.header(list.register);
        self.emit([I::I32Const(0)]);
        self.is_outside(list.register);
        self.emit([I::I32Eqz, I::Select, I::LocalTee(list.base)]);
        self.emit([I::I64Load32U(half(0)), I::LocalTee(list.length), I::I64Const(0), I::LocalGet(list.base)]);
        self.emit([I::I32Load(half(4)), I::I32Const(0), I::I32GeS, I::LocalGet(list.base), I::I32Const(0)]);
        self.emit([I::I32Ne, I::I32And, I::LocalTee(self.flag), I::Select, I::LocalSet(list.own)]);
        if let Some(room) = list.room {
            let most = I::I64Const(self.most_items(list.register));
            self.emit([I::LocalGet(list.base), I::I64Load32U(half(4)), I::I64Const(ROOM), I::I64And]);
            self.emit([I::LocalTee(room), most.clone(), I::LocalGet(room), most, I::I64LtU, I::Select]);
            self.emit([I::I64Const(0), I::LocalGet(self.flag), I::Select, I::LocalSet(room)]);
            self.emit([I::LocalGet(list.base)]);
            self.mark();
        }
    }

    /// Reads again what a helper may have changed.
    fn look_again(&mut self) {
        for list in self.lists.0.clone() {
            self.look_at(list);
        }
    }

    /// Locals beside the registers that hold what is known of objects.
    pub(super) fn further_locals(&self) -> Vec<u32> {
        let walks = self.open.iter().filter_map(|open| open.walk.as_ref());
        let mut locals: Vec<u32> = walks.flat_map(super::loops::Walk::locals).collect();
        locals.extend(self.lists.locals());
        locals.push(self.held);
        // As many as there are places for.
        locals.truncate(128);
        locals
    }

    /// Marks an object of the arena as shared.
    pub(super) fn share(&mut self, value: Register) {
        use Instruction as I;
        // The arena's objects are the slots below 2³² but 0.
        self.get(value);
        self.emit([I::I64Const(1), I::I64Sub, I::I64Const(0xffff_ffff), I::I64LtU]);
        self.block(I::If(BlockType::Empty));
        self.header(value);
        self.header(value);
        self.emit([I::I32Load(half(4)), I::I32Const(i32::MIN), I::I32Or, I::I32Store(half(4))]);
        self.header(value);
        self.mark();
        self.end();
    }

    /// The address of an object of the arena.
    pub(super) fn header(&mut self, object: Register) {
        self.get(object);
        self.emit([Instruction::I32WrapI64, Instruction::I32Const(3), Instruction::I32Shl]);
    }

    /// What loops know of a list.
    pub(super) fn known_list(&self, register: Register) -> Option<List> {
        self.lists.get(register)
    }

    /// Notes that the pages were written of as many bytes, one at least, from the address in a local on.
    pub(super) fn mark_all(&mut self, address: u32, bytes: u32) {
        use Instruction as I;
        let marks = i32::try_from(self.plan.places.marks).unwrap_or(i32::MAX);
        let bits = i32::try_from(PAGE_BITS).unwrap_or(12);
        let first = [I::LocalGet(address), I::I32Const(bits), I::I32ShrU];
        self.emit(first.clone().into_iter().chain([I::I32Const(marks), I::I32Add, I::I32Const(1)]));
        self.emit([I::LocalGet(address), I::LocalGet(bytes), I::I32WrapI64, I::I32Add]);
        self.emit([I::I32Const(1), I::I32Sub, I::I32Const(bits), I::I32ShrU]);
        self.emit(first.into_iter().chain([I::I32Sub, I::I32Const(1), I::I32Add, I::MemoryFill(0)]));
    }

    /// Notes that the page of the address on the stack was written.
    fn mark(&mut self) {
        let marks = self.plan.places.marks;
        self.emit([
            Instruction::I32Const(i32::try_from(PAGE_BITS).unwrap_or(12)),
            Instruction::I32ShrU,
            Instruction::I32Const(1),
            Instruction::I32Store8(MemArg { offset: marks, align: 0, memory_index: 0 }),
        ]);
    }

    /// Whether a reference leads out of the arena, as a condition on the stack.
    fn is_outside(&mut self, object: Register) {
        self.get(object);
        self.emit([
            Instruction::I64Const(32),
            Instruction::I64ShrU,
            Instruction::I64Eqz,
            Instruction::I32Eqz,
        ]);
    }

    pub(super) fn field(&mut self, p: usize, op: &Op, result: Register, record: Register, field: u8) {
        use Instruction as I;
        let float = self.is_float(self.register(result));
        let column = self.column(record, field);
        if let Some(column) = column {
            self.emit([I::LocalGet(column)]);
            self.block(I::If(BlockType::Empty));
            self.header(record);
            self.emit([I::LocalGet(column), I::I32Add]);
            let place = super::at(0);
            self.emit([if float { I::F64Load(place) } else { I::I64Load(place) }]);
            self.set(result);
            self.emit([I::Else]);
        }
        let covered = self.covered;
        self.is_outside(record);
        self.seldom();
        self.instead(p, op);
        let behind = self.covered;
        self.other_arm();
        self.header(record);
        self.load_arena(u64::from(field).saturating_add(1).saturating_mul(8), result);
        self.set(result);
        self.end();
        if column.is_some() {
            self.end();
        }
        self.covered = covered.min(behind);
    }

    /// Whether the items of a list take a byte each.
    pub(super) fn has_bools(&self, list: Register) -> bool {
        let ty = self.function.registers.get(usize::from(list.0)).and_then(|ty| self.plan.module.ty(*ty));
        let Some(Type::List { element, .. }) = ty else { return false };
        matches!(self.plan.module.ty(*element), Some(Type::Bool))
    }

    /// The address of an item of the arena, but for the header; the index lies in a local.
    pub(super) fn place(&mut self, list: Register, index: u32) {
        use Instruction as I;
        let (known, bools) = (self.lists.get(list), self.has_bools(list));
        if known.is_none() && !bools {
            self.get(list);
            self.emit([I::LocalGet(index), I::I64Add, I::I32WrapI64, I::I32Const(3), I::I32Shl]);
            return;
        }
        self.emit([I::LocalGet(index), I::I32WrapI64]);
        if !bools {
            self.emit([I::I32Const(3), I::I32Shl]);
        }
        match known {
            Some(known) => self.emit([I::LocalGet(known.base)]),
            None => self.header(list),
        }
        self.emit([I::I32Add]);
    }

    /// The item of a list whose address, but for the header, is on the stack.
    pub(super) fn load_item(&mut self, list: Register, result: Register) {
        if self.has_bools(list) {
            self.emit([Instruction::I64Load8U(byte())]);
        } else {
            self.load_arena(8, result);
        }
    }

    /// Whether an index lies in a list of the arena that no loop knows; the length is unsigned, so a negative
    /// index is beyond it.
    fn is_item(&mut self, list: Register, index: Register) {
        self.get(index);
        self.header(list);
        self.emit([Instruction::I64Load32U(half(0)), Instruction::I64LtU]);
    }

    pub(super) fn item(&mut self, p: usize, op: &Op, result: Register, list: Register, index: Register) {
        use Instruction as I;
        let known = self.lists.get(list);
        if self.is_sure(p) {
            self.place(list, self.register(index));
            self.load_item(list, result);
            self.set(result);
            return;
        }
        if let Some(known) = known {
            self.get(index);
            self.emit([I::LocalGet(known.length), I::I64GeU]);
        } else {
            self.is_outside(list);
        }
        let covered = self.covered;
        self.seldom();
        if known.is_some() && self.tight.is_none() {
            self.is_outside(list);
            self.emit([I::I32Eqz]);
            self.leave_if(p);
        }
        self.instead(p, op);
        let behind = self.covered;
        self.other_arm();
        if known.is_none() {
            self.is_item(list, index);
            self.emit([I::I32Eqz]);
            self.leave_if(p);
        }
        self.place(list, self.register(index));
        self.load_item(list, result);
        self.set(result);
        self.end();
        self.covered = covered.min(behind);
    }

    /// Whether the object is of the arena, not shared and not the zero block, as a condition on the stack.
    fn is_own(&mut self, object: Register) {
        use Instruction as I;
        self.get(object);
        self.emit([I::I64Const(1), I::I64Sub, I::I64Const(0xffff_ffff), I::I64LtU]);
        self.header(object);
        self.emit([I::I32Load(half(4)), I::I32Const(0), I::I32GeS, I::I32And]);
    }

    /// Writes an item of a list to the address on the stack and 8, and marks its page.
    fn write_item(&mut self, list: Register, value: Register) {
        use Instruction as I;
        let place = self.address;
        let local = self.register(value);
        self.emit([I::LocalTee(place)]);
        match self.is_float(local) {
            true => self.get_visible(local),
            false => self.get(value),
        }
        let bools = self.has_bools(list);
        let store = if bools { I::I64Store8(byte()) } else { self.store_of(local, in_arena(8)) };
        self.emit([store, I::LocalGet(place), I::I32Const(8), I::I32Add]);
        self.mark();
    }

    pub(super) fn set_item(&mut self, p: usize, op: &Op, list: Register, index: Register, value: Register) {
        use Instruction as I;
        self.settle(p);
        if self.is_sure(p) {
            self.place(list, self.register(index));
            self.write_item(list, value);
            self.acted();
            return;
        }
        if let Some(known) = self.lists.get(list) {
            self.get(index);
            self.emit([I::LocalGet(known.own), I::I64LtU]);
        } else {
            self.is_own(list);
            self.is_item(list, index);
            self.emit([I::I32And]);
        }
        self.emit([I::I32Eqz]);
        self.seldom();
        self.instead(p, op);
        self.other_arm();
        self.place(list, self.register(index));
        self.write_item(list, value);
        self.end();
        self.acted();
    }

    /// Where an op is not done here.
    fn instead(&mut self, p: usize, op: &Op) {
        if self.tight.is_some() {
            self.bail(p);
            return;
        }
        self.by_helper_seldom(p, op);
        self.look_again();
    }

    /// Most items a list may have.
    fn most_items(&self, list: Register) -> i64 {
        let ty = self.function.registers.get(usize::from(list.0)).and_then(|ty| self.plan.module.ty(*ty));
        let declared = match ty {
            Some(Type::List { max, .. }) => max.unwrap_or(u32::MAX),
            _ => 0,
        };
        i64::from(declared.min(u32::try_from(cost::MAX_LIST_ITEMS).unwrap_or(0)))
    }

    pub(super) fn push(&mut self, p: usize, op: &Op, list: Register, value: Register) {
        use Instruction as I;
        let [own_length, _, _] = self.scratch;
        self.settle(p);
        let known = self.lists.get(list).and_then(|known| Some((known, known.room?)));
        let length = known.map_or(own_length, |(known, _)| known.length);
        if let Some((_, room)) = known {
            self.emit([I::LocalGet(length), I::LocalGet(room), I::I64LtU]);
        } else {
            self.header(list);
            self.emit([I::I64Load32U(half(0)), I::LocalTee(length)]);
            self.emit([I::I64Const(self.most_items(list)), I::I64LtU, I::LocalGet(length)]);
            self.header(list);
            self.emit([I::I64Load32U(half(4)), I::I64Const(ROOM), I::I64And, I::I64LtU, I::I32And]);
            self.is_own(list);
            self.emit([I::I32And]);
        }
        self.emit([I::I32Eqz]);
        self.seldom();
        self.instead(p, op);
        self.other_arm();
        self.place(list, length);
        self.write_item(list, value);
        if let Some((known, _)) = known {
            self.emit([I::LocalGet(length), I::I64Const(1), I::I64Add, I::LocalTee(length)]);
            self.emit([I::LocalSet(known.own), I::LocalGet(known.base), I::LocalGet(length)]);
            self.emit([I::I64Store32(half(0))]);
        } else {
            self.header(list);
            self.emit([I::LocalGet(length), I::I64Const(1), I::I64Add, I::I64Store32(half(0))]);
            self.header(list);
            self.mark();
        }
        self.end();
        self.acted();
    }
}
