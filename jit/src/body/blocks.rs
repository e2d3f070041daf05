//! Blocks, loops and jumps, and how a function is entered in its midst.

use swarm_bytecode::op::{Flow, Op, Register};
use wasm_encoder::{BlockType, Instruction, MemArg, ValType};

use super::{Body, Label, Use, at, in_arena, number};
use crate::layout::{LENGTH, NEXT};
use crate::module::{Helper, Plan};

/// A block of the program that is open.
pub(crate) struct Open {
    start: usize,
    /// Where a `break` goes.
    behind: Label,
    /// Where a `continue` goes.
    closing: Option<Label>,
    /// The block is an `if` without an `else` so far.
    one_armed: bool,
    /// It holds points where the function may be entered, so its end has to be skipped too.
    skip: bool,
    top: Label,
    walk: Option<Walk>,
    counts: bool,
}

/// A `foreach` over a list that may be rows of a host table.
struct Walk {
    /// The first item.
    first: u32,
    /// How many; 0 if the list is of another kind.
    length: u32,
    item: Register,
    /// Columns of the fields that are read: field and local of the address, 0 if it is not known.
    columns: Vec<(u8, u32)>,
}

impl Body<'_> {
    /// Ops at which the interpreter may stop and this code go on: ends of loops, calls, what follows them.
    pub(super) fn find_points(&self) -> Vec<usize> {
        let code = &self.function.code;
        let mut points = Vec::new();
        for (p, op) in code.iter().enumerate() {
            match op {
                Op::Repeat {} | Op::Advance {} => points.push(p),
                Op::Call { .. } | Op::CallValue { .. } => {
                    points.push(p);
                    let behind = code.iter().enumerate().skip(p.saturating_add(1));
                    let mut behind = behind.filter(|(_, op)| !matches!(op, Op::Block {} | Op::End {}));
                    points.extend(behind.next().map(|(p, _)| p));
                }
                _ => {}
            }
        }
        points.sort_unstable();
        points.dedup();
        points
    }

    /// Whether the function may be entered at an op after `from`, up to `to`.
    fn has_points(&self, from: usize, to: usize) -> bool {
        self.points.iter().any(|point| *point > from && *point <= to)
    }

    /// The closing op of the block that an op opens.
    fn close_of(&self, p: usize) -> usize {
        let partner = self.layout.partner(p).unwrap_or(p);
        match self.function.code.get(partner) {
            Some(Op::Else {} | Op::WithinElse {}) => self.layout.partner(partner).unwrap_or(partner),
            _ => partner,
        }
    }

    /// Opens a block around what is skipped when the function is entered behind it.
    fn open_guard(&mut self) {
        if self.guard || self.points.is_empty() {
            return;
        }
        self.block(Instruction::Block(BlockType::Empty));
        self.emit([Instruction::LocalGet(self.at), Instruction::BrIf(0)]);
        self.guard = true;
        self.turn();
    }

    pub(super) fn close_guard(&mut self) {
        if self.guard {
            self.end();
            self.guard = false;
            self.turn();
        }
    }

    /// Whether what stands at an op may have to be skipped.
    fn guarded(&self, p: usize) -> bool {
        let (from, to) = match self.open.last() {
            Some(open) if open.skip => (p, self.inner_end(open)),
            Some(_) => return false,
            None => (p, self.function.code.len()),
        };
        self.points.iter().any(|point| *point >= from && *point < to)
    }

    /// The end of what has to be skipped inside of a block: its closing op, where a loop goes on at that in front of it.
    fn inner_end(&self, open: &Open) -> usize {
        self.close_of(open.start)
    }

    pub(super) fn op(&mut self, p: usize, op: &Op) -> Option<()> {
        let flow = op.info().flow;
        let opens = matches!(flow, Flow::Open | Flow::OpenLoop);
        let inside = opens && self.has_points(p, self.close_of(p));
        let closes = matches!(flow, Flow::Else | Flow::End | Flow::Repeat | Flow::Advance);
        let point = !matches!(flow, Flow::Repeat | Flow::Advance) && self.points.contains(&p);
        let skips = closes && self.open.last().is_some_and(|open| open.skip);
        if point || inside || skips {
            self.close_guard();
        }
        if point && flow != Flow::Else {
            self.emit([
                Instruction::LocalGet(self.at),
                Instruction::I32Const(number(p).saturating_add(1)),
                Instruction::I32Eq,
            ]);
            self.block(Instruction::If(BlockType::Empty));
            self.emit([Instruction::I32Const(0), Instruction::LocalSet(self.at)]);
            self.end();
            self.turn();
        }
        if !inside && !closes && self.guarded(p) {
            self.open_guard();
        }
        match op {
            Op::If { condition } => self.open_if(p, *condition, inside),
            Op::Else {} => self.otherwise(p),
            Op::Block {} => self.open_block(p, inside),
            Op::End {} => self.close_block(),
            Op::Loop {} | Op::ForEach { .. } | Op::Range { .. } | Op::ForEachEntry { .. } => {
                self.open_loop(p, op, inside)?;
            }
            Op::Repeat {} | Op::Advance {} => self.close_loop(p)?,
            Op::Break { depth } | Op::Continue { depth } => {
                let target = self.layout.target(p)?;
                if self.layout.leaves(p, target) > 0 {
                    self.leave(p);
                    return Some(());
                }
                self.step_fuel(p, target);
                let named = self.open.iter().rev().filter(|open| open.counts).nth(usize::from(*depth))?;
                let label = if let Op::Break { .. } = op { named.behind } else { named.closing? };
                let label = self.to(label);
                self.emit([Instruction::Br(label)]);
                self.turn();
            }
            _ => {
                let known = self.ranges.result(op);
                self.plain(p, op)?;
                if let Some((register, range)) = known {
                    self.ranges.set(register, range);
                }
            }
        }
        Some(())
    }

    /// Jumps over a block that does not hold the op to go on with.
    fn skip(&mut self, p: usize, inside: bool) -> Label {
        let label = self.block(Instruction::Block(BlockType::Empty));
        if inside {
            let last =
                self.points.iter().rev().find(|point| **point <= self.close_of(p)).copied().unwrap_or(0);
            self.emit([
                Instruction::LocalGet(self.at),
                Instruction::I32Const(number(last).saturating_add(1)),
                Instruction::I32GtU,
                Instruction::BrIf(0),
            ]);
        }
        label
    }

    fn open_if(&mut self, p: usize, condition: Register, inside: bool) {
        let behind = if inside { self.skip(p, true) } else { self.depth };
        if inside {
            let arm = self.layout.partner(p).unwrap_or(p);
            self.emit([Instruction::LocalGet(self.at), Instruction::I32Eqz]);
            self.block(Instruction::If(BlockType::Result(ValType::I32)));
            self.condition(condition);
            self.emit([
                Instruction::Else,
                Instruction::LocalGet(self.at),
                Instruction::I32Const(number(arm).saturating_add(1)),
                Instruction::I32LeU,
            ]);
            self.end();
        } else {
            self.condition(condition);
        }
        self.block(Instruction::If(BlockType::Empty));
        self.turn();
        self.open.push(Open {
            start: p,
            behind,
            closing: None,
            one_armed: true,
            skip: inside,
            top: 0,
            walk: None,
            counts: false,
        });
    }

    /// A bool as a condition.
    fn condition(&mut self, condition: Register) {
        let local = self.register(condition);
        // A comparison right before is the condition itself.
        if let [.., Instruction::LocalTee(flag), Instruction::I64ExtendI32U, Instruction::LocalSet(set)] =
            self.code.as_slice()
            && (*flag, *set) == (self.flag, local)
        {
            self.emit([Instruction::LocalGet(self.flag)]);
            return;
        }
        self.emit([Instruction::LocalGet(local), Instruction::I32WrapI64]);
    }

    fn otherwise(&mut self, p: usize) {
        let Some(open) = self.open.last_mut() else { return };
        open.one_armed = false;
        let (start, skip) = (open.start, open.skip);
        let target = self.layout.target(p).unwrap_or(p);
        if self.points.contains(&p) {
            // Entered at the end of the first arm.
            self.emit([Instruction::I32Const(0), Instruction::LocalSet(self.at)]);
        }
        self.step_fuel(p, target);
        self.emit([Instruction::Else]);
        let edge = self.layout.target(start).unwrap_or(p);
        if skip {
            // Not where this arm is entered in its midst.
            self.emit([Instruction::LocalGet(self.at), Instruction::I32Eqz]);
            self.block(Instruction::If(BlockType::Empty));
            self.step_fuel(start, edge);
            self.end();
        } else {
            self.step_fuel(start, edge);
        }
        self.turn();
    }

    fn open_block(&mut self, p: usize, inside: bool) {
        let behind = self.skip(p, inside);
        self.turn();
        self.open.push(Open {
            start: p,
            behind,
            closing: None,
            one_armed: false,
            skip: inside,
            top: 0,
            walk: None,
            counts: true,
        });
    }

    fn close_block(&mut self) {
        let Some(open) = self.open.pop() else { return };
        if open.one_armed {
            self.emit([Instruction::Else]);
            let edge = self.layout.target(open.start).unwrap_or(open.start);
            self.step_fuel(open.start, edge);
        }
        self.end();
        if !open.counts && open.skip {
            self.end();
        }
        self.turn();
    }

    fn open_loop(&mut self, p: usize, op: &Op, inside: bool) -> Option<()> {
        let close = self.close_of(p);
        let behind = self.skip(p, inside);
        let walk = self.walk(p, close, op);
        let entered = inside && self.role == Use::Entered;
        if entered {
            self.emit([Instruction::LocalGet(self.at), Instruction::I32Eqz]);
            self.block(Instruction::If(BlockType::Empty));
        }
        self.turn();
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
        if let Some(walk) = &walk {
            self.find_columns(walk);
        }
        let top = self.block(Instruction::Loop(BlockType::Empty));
        let closing = self.block(Instruction::Block(BlockType::Empty));
        self.turn();
        if !matches!(op, Op::ForEachEntry { .. }) {
            self.covered = Some(self.straight_on(p.saturating_add(1)));
        }
        let skip = entered && self.has_points(p, close.saturating_sub(1));
        self.open.push(Open {
            start: p,
            behind,
            closing: Some(closing),
            one_armed: false,
            skip,
            top,
            walk,
            counts: true,
        });
        Some(())
    }

    fn close_loop(&mut self, p: usize) -> Option<()> {
        let open = self.open.pop()?;
        self.end();
        self.turn();
        let opening = self.function.code.get(open.start)?;
        self.close_step(p, opening, open.top, open.walk.as_ref())?;
        self.end();
        self.end();
        self.turn();
        Some(())
    }

    /// A loop's opening op. Where there is nothing to do it goes behind the loop.
    fn open_step(&mut self, p: usize, op: &Op, behind: Label, walk: Option<&Walk>) -> Option<()> {
        let body = p.saturating_add(1);
        match op {
            Op::Loop {} => self.settle(p),
            Op::Range { item, first, last } => {
                self.settle_for(p, self.due_of_round(p, body));
                self.get(*first);
                self.get(*last);
                self.emit([Instruction::I64GtS]);
                self.past(p, behind);
                self.get(*first);
                self.set(*item);
            }
            Op::ForEach { item, index, list } => {
                self.settle_for(p, self.due_of_round(p, body));
                let walk = walk?;
                self.look_at_list(op, walk);
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
                self.get(*list);
                self.emit([Instruction::I32WrapI64, Instruction::I32Const(3), Instruction::I32Shl]);
                self.load_arena(8, *item);
                self.set(*item);
                self.emit([Instruction::Else, Instruction::LocalGet(walk.first)]);
                self.set(*item);
                self.end();
                self.emit([Instruction::I64Const(0)]);
                self.set(*index);
            }
            Op::ForEachEntry { key, value, index, map } => {
                self.call_helper(p, &[*map], &[*key, *value, *index], 1);
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
        let target = self.layout.target(p).unwrap_or(p);
        self.step_fuel(p, target);
        let out = self.to(behind);
        self.emit([Instruction::Br(out)]);
        self.end();
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
    fn close_step(&mut self, p: usize, opening: &Op, top: Label, walk: Option<&Walk>) -> Option<()> {
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
                self.call_helper(p, &[*map], &[*key, *value, *index], 0);
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
        self.step_fuel(p, body);
        let again = self.to(top);
        self.emit([Instruction::Br(again)]);
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
        self.get(list);
        self.emit([
            Instruction::LocalGet(next),
            Instruction::I64Add,
            Instruction::I32WrapI64,
            Instruction::I32Const(3),
            Instruction::I32Shl,
        ]);
        self.load_arena(8, item);
        self.set(item);
        self.emit([Instruction::LocalGet(next), Instruction::LocalSet(own)]);
        self.again(p, body, top);
        self.end();
        self.end();
    }

    /// What a `foreach` keeps of its list.
    fn walk(&mut self, p: usize, close: usize, op: &Op) -> Option<Walk> {
        let Op::ForEach { item, .. } = op else { return None };
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
        let kept = !inside.iter().any(|op| super::values::writes(op, *item));
        let columns = if kept { columns } else { Vec::new() };
        let columns = columns.into_iter().map(|field| (field, self.local(ValType::I32))).collect();
        Some(Walk { first, length, item: *item, columns })
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
