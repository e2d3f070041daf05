//! Loops that append one value to a list.

use swarm_bytecode::op::{Op, Register};
use wasm_encoder::Instruction;

use super::Body;
use super::objects::{List, half};

/// A loop over a range that does nothing but append a constant: as many items as there is room for are written at once.
#[derive(Clone, Copy)]
pub(super) struct Fill {
    item: Register,
    last: Register,
    /// The byte that the value is made of.
    byte: i32,
    list: List,
    bools: bool,
    /// Fuel of a round.
    cost: i64,
}

/// As few as it is not worth it for.
const FEW: i64 = 8;

impl Body<'_> {
    /// What a loop appends, if that is all it does and the list's header is known.
    pub(super) fn find_fill(&self, p: usize, close: usize, op: &Op) -> Option<Fill> {
        let Op::Range { item, last, .. } = op else { return None };
        let inside = self.function.code.get(p.saturating_add(1)..close)?;
        let (constant, value, list) = match inside {
            [Op::Integer { result, value: constant }, Op::Push { list, value }] if result == value => {
                (*constant, *value, *list)
            }
            [Op::Zero { result }, Op::Push { list, value }] if result == value => (0, *value, *list),
            [Op::Push { list, value }] => (self.ranges.get(*value).constant()?, *value, *list),
            _ => return None,
        };
        let bools = self.has_bools(list);
        let byte = i32::try_from(constant).ok().filter(|byte| *byte == 0 || *byte == 1 && bools)?;
        let body = self.layout.target(close)?;
        let cost = i64::from(self.layout.edge(close, body)).checked_neg().filter(|cost| *cost > 0)?;
        let apart = ![*item, *last, list].contains(&value);
        let list = self.known_list(list).filter(|list| apart && list.room.is_some())?;
        Some(Fill { item: *item, last: *last, byte, list, bools, cost })
    }

    /// At the start of a round: writes the items of as many rounds as there is room and fuel for, but for the last one.
    pub(super) fn fill(&mut self, close: usize, fill: Fill) {
        use Instruction as I;
        let Fill { item, last, byte, list, bools, cost } = fill;
        let (List { base, length, .. }, Some(room)) = (list, list.room) else { return };
        let [rounds, other, bytes] = self.scratch;
        let less = |of: [u32; 2]| [I::LocalGet(of[0]), I::LocalGet(of[1]), I::I64LtS, I::Select];
        self.emit([I::LocalGet(room), I::LocalGet(length), I::I64Sub, I::LocalTee(rounds)]);
        self.pair(last, item, I::I64Sub);
        self.emit([I::LocalTee(other)]);
        self.emit(less([rounds, other]));
        self.emit([I::LocalSet(rounds)]);
        if self.plan.metered {
            let due = self.layout.target(close).map_or(0, |body| self.due_of_round(close, body));
            self.emit([I::LocalGet(rounds), I::LocalGet(self.fuel), I::I64Const(due), I::I64Sub]);
            self.emit([I::I64Const(cost), I::I64DivS, I::LocalTee(other)]);
            self.emit(less([rounds, other]));
            self.emit([I::LocalSet(rounds)]);
        }
        self.emit([I::LocalGet(rounds), I::I64Const(FEW), I::I64GtS]);
        self.seldom();
        let shift = if bools { 0 } else { 3 };
        self.emit([I::LocalGet(rounds), I::I64Const(shift), I::I64Shl, I::LocalSet(bytes)]);
        self.emit([I::LocalGet(length), I::I64Const(shift), I::I64Shl, I::I32WrapI64]);
        self.emit([I::LocalGet(base), I::I32Add, I::I32Const(8), I::I32Add, I::LocalTee(self.address)]);
        self.emit([I::I32Const(byte), I::LocalGet(bytes), I::I32WrapI64, I::MemoryFill(1)]);
        self.mark_all(self.address, bytes);
        self.emit([I::LocalGet(length), I::LocalGet(rounds), I::I64Add, I::LocalSet(length)]);
        self.emit([I::LocalGet(base), I::LocalGet(length), I::I64Store32(half(0))]);
        let item = self.register(item);
        self.emit([I::LocalGet(item), I::LocalGet(rounds), I::I64Add, I::LocalSet(item)]);
        if self.plan.metered {
            self.emit([I::LocalGet(self.fuel), I::LocalGet(rounds), I::I64Const(cost), I::I64Mul]);
            self.emit([I::I64Sub, I::LocalSet(self.fuel)]);
        }
        self.end();
    }
}
