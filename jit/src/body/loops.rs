//! Loops.

use swarm_bytecode::op::{Flow, Op, Register};
use swarm_vm::tier::{OpAt, PassRows};
use wasm_encoder::{BlockType, Instruction, MemArg, ValType};

use super::blocks::Open;
use super::{Body, Label, Use, at, in_arena, number};
use crate::layout::{LEAVES, LEFT, LENGTH, MOST_NEAR, NEAR_BYTES, NEXT};
use crate::module::{Helper, Plan, count};

/// A `foreach` over a list that may be rows of a host table.
#[derive(Clone)]
pub(super) struct Walk {
    /// The first item.
    first: u32,
    /// How many; 0 if the list is of another kind.
    length: u32,
    item: Register,
    /// Columns of the fields that are read: field and local of the address, 0 if it is not known.
    columns: Vec<(u8, u32)>,
    /// Rows that may be passed over, and the local with the place in the list from which on it is worth asking.
    passes: Option<(PassRows, u32)>,
}

impl Walk {
    pub(super) fn passes_rows(&self) -> bool {
        self.passes.is_some()
    }

    pub(super) fn locals(&self) -> impl Iterator<Item = u32> {
        let own = [self.first, self.length].into_iter().chain(self.columns.iter().map(|(_, local)| *local));
        own.chain(self.passes.iter().map(|(_, local)| *local))
    }
}

impl Body<'_> {
    pub(super) fn open_loop(&mut self, p: usize, op: &Op, inside: bool) -> Option<()> {
        let close = self.close_of(p);
        let behind = self.skip(p, inside);
        let walk = self.walk(p, close, op);
        let entered = inside && self.role == Use::Entered;
        if entered {
            self.emit([Instruction::LocalGet(self.at), Instruction::I32Eqz]);
            self.block(Instruction::If(BlockType::Empty));
        }
        if entered {
            self.turn();
        }
        self.open_step(p, op, behind, walk.as_ref())?;
        if entered {
            self.emit([Instruction::Else]);
            self.turn();
            if let Some(walk) = &walk {
                self.look_at_list(op, walk);
            }
            self.emit([
                Instruction::LocalGet(self.at),
                Instruction::I32Const(number(close).saturating_add(1)),
                Instruction::I32Eq,
            ]);
            self.block(Instruction::If(BlockType::Empty));
            self.emit([Instruction::I32Const(0), Instruction::LocalSet(self.at)]);
            let on = self.block(Instruction::Block(BlockType::Empty));
            self.close_step(close, op, on, walk.as_ref())?;
            let out = self.to(behind);
            self.emit([Instruction::Br(out)]);
            self.end();
            self.end();
            self.end();
        }
        match &walk {
            Some(Walk { passes: Some((_, next)), columns, length, .. }) => {
                // Nothing is worth asking for in a list of another kind.
                let none = [Instruction::I64Const(0), Instruction::I64Const(i64::MAX)];
                self.emit(none.into_iter().chain([
                    Instruction::LocalGet(*length),
                    Instruction::I64Eqz,
                    Instruction::I32Eqz,
                    Instruction::Select,
                    Instruction::LocalSet(*next),
                ]));
                for (_, local) in columns {
                    self.emit([Instruction::I32Const(0), Instruction::LocalSet(*local)]);
                }
            }
            Some(walk) => self.find_columns(walk),
            None => {}
        }
        let knows_lists = self.look_at_lists(p, close);
        let fill = self.find_fill(p, close, op);
        let top = self.block(Instruction::Loop(BlockType::Empty));
        let closing = self.block(Instruction::Block(BlockType::Empty));
        self.turn();
        if !matches!(op, Op::ForEachEntry { .. }) {
            self.covered = self.ahead.at(p.saturating_add(1));
        }
        match fill {
            Some(fill) => self.fill(close, fill),
            None => self.tight_loop((p, close), op, (behind, closing), walk.as_ref())?,
        }
        let skip = entered && self.has_points(p, close.saturating_sub(1));
        self.open.push(Open { skip, walk, knows_lists, ..Open::a_loop(p, behind, top, closing) });
        self.pass_rows(p);
        Some(())
    }

    /// At the start of a round: passes over rows with which nothing is done, if it is worth asking for them.
    fn pass_rows(&mut self, p: usize) {
        use Instruction as I;
        let Some(Walk { length, columns, passes: Some((filter, look)), .. }) =
            self.open.last().and_then(|open| open.walk.as_ref()).cloned()
        else {
            return;
        };
        let (item, index) = (Register(filter.item), Register(filter.index));
        let [found, passed, _] = self.scratch;
        let own = self.register(index);
        self.emit([I::LocalGet(own), I::LocalGet(look), I::I64GeS]);
        self.seldom();
        let saved = self.save();
        for other in &filter.others {
            if self.is_constant(Register(*other)) {
                self.put(Register(*other));
            }
        }
        self.emit([I::I32Const(i32::from(filter.number))]);
        self.get(item);
        // As many as there are, but for the last, and as can be paid beside what the round behind them needs.
        self.emit([I::LocalGet(length), I::I64Const(1), I::I64Sub, I::LocalGet(own), I::I64Sub]);
        if self.plan.metered {
            let least = self.ahead.at(p.saturating_add(1));
            self.emit([I::LocalTee(found), I::LocalGet(self.fuel), I::I64Const(least), I::I64Sub]);
            self.emit([I::I64Const(filter.cost), I::I64DivU, I::LocalTee(passed)]);
            self.emit([I::LocalGet(found), I::LocalGet(passed), I::I64LtS, I::Select]);
        }
        let fields =
            columns.iter().fold(0_i64, |fields, (field, _)| fields | 1_i64.wrapping_shl((*field).into()));
        self.emit([I::I64Const(fields), I::Call(Plan::helper(Helper::Pass)), I::LocalSet(found)]);
        self.restore(&saved);
        if self.plan.metered {
            self.emit([
                I::LocalGet(self.fuel),
                I::LocalGet(found),
                I::I64Const(i64::from(u32::MAX)),
                I::I64And,
            ]);
            self.emit([I::I64Const(filter.cost), I::I64Mul, I::I64Sub, I::LocalSet(self.fuel)]);
        }
        self.emit([I::LocalGet(found), I::I64Const(32), I::I64ShrU, I::I64Const(1), I::I64Add]);
        self.emit([I::LocalGet(own), I::I64Add, I::LocalSet(look)]);
        for ((_, local), nth) in columns.iter().zip(0_u64..) {
            let place = self.plan.places.near.saturating_add(nth.saturating_mul(NEAR_BYTES));
            self.emit([I::I32Const(i32::try_from(place).unwrap_or(0))]);
            self.header(item);
            self.emit([I::I32Sub, I::LocalSet(*local)]);
        }
        self.end();
    }

    pub(super) fn close_loop(&mut self, p: usize) -> Option<()> {
        let open = self.open.pop()?;
        self.end();
        let covered = self.covered.min(open.out);
        self.turn();
        if !open.skip {
            self.covered = covered;
        }
        let opening = self.function.code.get(open.start)?;
        self.close_step(p, opening, open.top, open.walk.as_ref())?;
        self.end();
        self.end();
        self.turn();
        if open.knows_lists {
            self.lists.forget();
        }
        Some(())
    }

    /// A loop's opening op. Where there is nothing to do it goes behind the loop.
    fn open_step(&mut self, p: usize, op: &Op, behind: Label, walk: Option<&Walk>) -> Option<()> {
        let body = p.saturating_add(1);
        match op {
            Op::Loop {} => self.cover(p),
            Op::Range { item, first, last } => {
                self.cover(p);
                self.get(*first);
                self.get(*last);
                self.emit([Instruction::I64GtS]);
                self.past(p, behind);
                self.get(*first);
                self.set(*item);
            }
            Op::ForEach { item, index, list } => {
                self.cover(p);
                let walk = walk?;
                self.look_at_list(op, walk);
                self.leave_calls(p, walk);
                self.emit([Instruction::LocalGet(walk.length), Instruction::I64Eqz]);
                self.block(Instruction::If(BlockType::Empty));
                self.other_list(p, *list);
                self.get(*list);
                self.emit([
                    Instruction::I32WrapI64,
                    Instruction::I32Const(3),
                    Instruction::I32Shl,
                    Instruction::I32Load(MemArg { offset: 0, align: 2, memory_index: 1 }),
                    Instruction::I32Eqz,
                ]);
                self.past(p, behind);
                self.header(*list);
                self.load_item(*list, *item);
                self.set(*item);
                self.emit([Instruction::Else, Instruction::LocalGet(walk.first)]);
                self.set(*item);
                self.end();
                self.emit([Instruction::I64Const(0)]);
                self.set(*index);
            }
            Op::ForEachEntry { key, value, index, map } => {
                self.call_helper(p, op, &[*map], &[*key, *value, *index]);
                self.left(p);
                self.emit([
                    Instruction::I32Const(0),
                    Instruction::I32Load(MemArg { offset: NEXT, align: 2, memory_index: 0 }),
                    Instruction::I32Const(number(self.first_inside(p))),
                    Instruction::I32Ne,
                ]);
                let out = self.to(behind);
                self.emit([Instruction::BrIf(out)]);
                self.turn();
                return Some(());
            }
            _ => return None,
        }
        self.step_fuel(p, body);
        self.turn();
        Some(())
    }

    /// The op that a loop's body begins with, as the interpreter counts: of those that do something.
    fn first_inside(&self, p: usize) -> usize {
        let code = self.function.code.iter().enumerate().skip(p.saturating_add(1));
        let mut code = code.filter(|(_, op)| !matches!(op, Op::Block {} | Op::End {}));
        code.next().map_or(p, |(p, _)| p)
    }

    /// Goes past a loop if the number on the stack is not 0.
    fn past(&mut self, p: usize, behind: Label) {
        self.block(Instruction::If(BlockType::Empty));
        let covered = self.covered;
        let target = self.layout.target(p).unwrap_or(p);
        self.step_fuel(p, target);
        let out = self.to(behind);
        self.emit([Instruction::Br(out)]);
        self.end();
        self.covered = covered;
    }

    /// Leaves if a helper said so.
    fn left(&mut self, p: usize) {
        self.emit([Instruction::LocalGet(self.fuel), Instruction::I64Const(LEFT), Instruction::I64Eq]);
        self.leave_if(p);
        self.turn();
    }

    /// A list that lies in no arena and is no walk is left to the interpreter.
    fn other_list(&mut self, p: usize, list: Register) {
        self.get(list);
        self.emit([
            Instruction::I64Const(32),
            Instruction::I64ShrU,
            Instruction::I64Eqz,
            Instruction::I32Eqz,
        ]);
        self.leave_if(p);
    }

    /// An item of the arena, at the address on the stack.
    pub(super) fn load_arena(&mut self, offset: u64, result: Register) {
        let float = self.is_float(self.register(result));
        let place = in_arena(offset);
        self.emit([if float { Instruction::F64Load(place) } else { Instruction::I64Load(place) }]);
    }

    /// A loop's closing op: goes to `top` for another round, else on.
    pub(super) fn close_step(
        &mut self,
        p: usize,
        opening: &Op,
        top: Label,
        walk: Option<&Walk>,
    ) -> Option<()> {
        let body = self.layout.target(p)?;
        let behind = p.saturating_add(1);
        match opening {
            Op::Loop {} => {
                self.settle_round(p, body);
                self.step_fuel(p, body);
                let again = self.to(top);
                self.emit([Instruction::Br(again)]);
            }
            Op::Range { item, last, .. } => {
                self.settle_round(p, body);
                self.get(*item);
                self.get(*last);
                self.emit([Instruction::I64LtS]);
                self.block(Instruction::If(BlockType::Empty));
                self.get(*item);
                self.emit([Instruction::I64Const(1), Instruction::I64Add]);
                self.set(*item);
                self.again(p, body, top);
                self.end();
                self.step_fuel(p, behind);
            }
            Op::ForEach { item, index, list } => {
                self.settle_round(p, body);
                self.advance((p, body), (*item, *index, *list), top, walk?);
                self.step_fuel(p, behind);
            }
            Op::ForEachEntry { key, value, index, map } => {
                let closing = self.function.code.get(p)?;
                self.call_helper(p, closing, &[*map], &[*key, *value, *index]);
                self.left(p);
                self.emit([
                    Instruction::I32Const(0),
                    Instruction::I32Load(MemArg { offset: NEXT, align: 2, memory_index: 0 }),
                    Instruction::I32Const(number(self.first_inside(body.saturating_sub(1)))),
                    Instruction::I32Eq,
                ]);
                let again = self.to(top);
                self.emit([Instruction::BrIf(again)]);
            }
            _ => return None,
        }
        Some(())
    }

    fn again(&mut self, p: usize, body: usize, top: Label) {
        let covered = self.covered;
        self.step_fuel(p, body);
        let again = self.to(top);
        self.emit([Instruction::Br(again)]);
        self.covered = covered;
    }

    fn advance(
        &mut self,
        (p, body): (usize, usize),
        (item, index, list): (Register, Register, Register),
        top: Label,
        walk: &Walk,
    ) {
        let [next, _, _] = self.scratch;
        let own = self.register(index);
        self.emit([
            Instruction::LocalGet(own),
            Instruction::I64Const(1),
            Instruction::I64Add,
            Instruction::LocalTee(next),
            Instruction::LocalGet(walk.length),
            Instruction::I64LtU,
        ]);
        self.block(Instruction::If(BlockType::Empty));
        if !self.is_float(self.register(item)) {
            self.emit([Instruction::LocalGet(walk.first), Instruction::LocalGet(next), Instruction::I64Add]);
            self.set(item);
        }
        self.emit([Instruction::LocalGet(next), Instruction::LocalSet(own)]);
        self.again(p, body, top);
        self.end();
        self.emit([Instruction::LocalGet(walk.length), Instruction::I64Eqz]);
        self.block(Instruction::If(BlockType::Empty));
        self.other_list(p, list);
        self.emit([Instruction::LocalGet(next)]);
        self.get(list);
        self.emit([
            Instruction::I32WrapI64,
            Instruction::I32Const(3),
            Instruction::I32Shl,
            Instruction::I64Load32U(MemArg { offset: 0, align: 2, memory_index: 1 }),
            Instruction::I64LtU,
        ]);
        self.block(Instruction::If(BlockType::Empty));
        self.place(list, next);
        self.load_item(list, item);
        self.set(item);
        self.emit([Instruction::LocalGet(next), Instruction::LocalSet(own)]);
        self.again(p, body, top);
        self.end();
        self.end();
    }

    /// What a `foreach` keeps of its list.
    fn walk(&mut self, p: usize, close: usize, op: &Op) -> Option<Walk> {
        let Op::ForEach { item, index, list } = op else { return None };
        let (first, length) = (self.local(ValType::I64), self.local(ValType::I64));
        let inside = self.function.code.get(p.saturating_add(1)..close).unwrap_or_default();
        let mut columns: Vec<u8> = inside
            .iter()
            .filter_map(|op| match op {
                Op::Field { record, field, .. } if record == item => Some(*field),
                _ => None,
            })
            .collect();
        columns.sort_unstable();
        columns.dedup();
        let kept = !inside.iter().any(|op| super::values::changes(op, *item));
        let columns = if kept { columns } else { Vec::new() };
        let columns: Vec<_> = columns.into_iter().map(|field| (field, self.local(ValType::I32))).collect();
        // The fields of the rows at hand lie in one place for all loops: only one that goes through rows may
        // be at work.
        let alone = |op: &Op| {
            !matches!(op, Op::Call { .. } | Op::CallValue { .. }) && op.info().flow != Flow::OpenLoop
        };
        let own = |op: &Op| {
            kept && !super::values::writes(op, *index) && !super::values::changes(op, *list) && alone(op)
        };
        let near = columns.len() <= MOST_NEAR && columns.iter().all(|(field, _)| *field < 64);
        let passes = (near && inside.iter().all(own)).then(|| self.rows_to_pass(p)).flatten();
        let passes = passes.map(|filter| (filter, self.local(ValType::I64)));
        Some(Walk { first, length, item: *item, columns, passes })
    }

    /// What a loop may pass over.
    fn rows_to_pass(&self, p: usize) -> Option<PassRows> {
        let op = count(p.saturating_add(1));
        let number = self.plan.program.pass_rows_at(OpAt { function: self.plan.small(self.index), op })?;
        self.plan.filters.get(usize::from(number)).cloned()
    }

    /// Leaves a loop over rows to the interpreter where all that is done with any of them are calls of the host, unless
    /// these are held for the end.
    fn leave_calls(&mut self, p: usize, walk: &Walk) {
        if !self.rows_to_pass(p).is_some_and(|filter| filter.only_calls) {
            return;
        }
        self.emit([Instruction::LocalGet(walk.length), Instruction::I64Eqz, Instruction::I32Eqz]);
        let leaves = MemArg { offset: LEAVES, align: 2, memory_index: 0 };
        self.emit([Instruction::I32Const(0), Instruction::I32Load(leaves), Instruction::I32And]);
        self.leave_if(p);
    }

    /// Asks what kind of list it is.
    fn look_at_list(&mut self, op: &Op, walk: &Walk) {
        let Op::ForEach { list, .. } = op else { return };
        self.emit([Instruction::I64Const(0), Instruction::LocalSet(walk.length)]);
        self.get(*list);
        self.emit([
            Instruction::I64Const(32),
            Instruction::I64ShrU,
            Instruction::I64Eqz,
            Instruction::I32Eqz,
        ]);
        self.block(Instruction::If(BlockType::Empty));
        self.get(*list);
        self.emit([
            Instruction::Call(Plan::helper(Helper::Walk)),
            Instruction::LocalSet(walk.first),
            Instruction::I32Const(0),
            Instruction::I64Load(at(LENGTH)),
            Instruction::LocalSet(walk.length),
        ]);
        self.end();
    }

    fn find_columns(&mut self, walk: &Walk) {
        for (field, local) in &walk.columns {
            self.emit([
                Instruction::I32Const(0),
                Instruction::LocalSet(*local),
                Instruction::LocalGet(walk.length),
            ]);
            self.emit([Instruction::I64Eqz, Instruction::I32Eqz]);
            self.block(Instruction::If(BlockType::Empty));
            self.emit([
                Instruction::LocalGet(walk.first),
                Instruction::I32Const(i32::from(*field)),
                Instruction::Call(Plan::helper(Helper::Column)),
                Instruction::LocalSet(*local),
            ]);
            self.end();
        }
    }

    /// The local with the address of the column that a field of a record is read from, if a loop knows it.
    pub(super) fn column(&self, record: Register, field: u8) -> Option<u32> {
        let walks = self.open.iter().rev().filter_map(|open| open.walk.as_ref());
        let walk = walks.into_iter().find(|walk| walk.item == record)?;
        walk.columns.iter().find(|(own, _)| *own == field).map(|(_, local)| *local)
    }
}
