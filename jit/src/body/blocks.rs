//! Blocks and jumps, and how a function is entered in its midst.

use swarm_bytecode::op::{Flow, Op, Register};
use wasm_encoder::{BlockType, Instruction, ValType};

use super::fuel::{NEVER, UNKNOWN};
use super::loops::Walk;
use super::{Body, Label, number};
use crate::ranges::{Range, Ranges};

/// A block of the program that is open.
pub(super) struct Open {
    pub(super) start: usize,
    /// Where a `break` goes.
    pub(super) behind: Label,
    /// Where a `continue` goes.
    pub(super) closing: Option<Label>,
    /// The block is an `if` without an `else` so far.
    pub(super) one_armed: bool,
    /// It holds points where the function may be entered, so its end has to be skipped too.
    pub(super) skip: bool,
    pub(super) top: Label,
    pub(super) walk: Option<Walk>,
    pub(super) counts: bool,
    /// What is covered where its second arm begins.
    pub(super) kept: i64,
    /// What is covered on all ways to its end, or to a loop's closing op.
    pub(super) out: i64,
    /// What is known of registers where its second arm begins.
    pub(super) other: Option<Ranges>,
    /// Whether there is a block of WebAssembly for it.
    pub(super) is_block: bool,
    /// Whether this loop is the one that looked at lists for all inside of it.
    pub(super) knows_lists: bool,
}

impl Open {
    pub(super) fn new(start: usize, behind: Label) -> Open {
        Open {
            start,
            behind,
            closing: None,
            one_armed: false,
            skip: false,
            top: 0,
            walk: None,
            counts: false,
            kept: UNKNOWN,
            out: NEVER,
            other: None,
            is_block: true,
            knows_lists: false,
        }
    }

    pub(super) fn a_loop(start: usize, behind: Label, top: Label, closing: Label) -> Open {
        Open { closing: Some(closing), top, counts: true, ..Open::new(start, behind) }
    }
}

/// Whether an op is the last of a loop's round, so that the interpreter may stop there and never at the
/// loop's end.
pub(crate) fn ends_round(code: &[Op], p: usize) -> bool {
    let next = code.get(p.saturating_add(1));
    let closes = matches!(next, Some(Op::Repeat {} | Op::Advance {}));
    closes && code.get(p).is_some_and(|op| op.info().flow == Flow::Next)
}

impl Body<'_> {
    /// Ops at which the interpreter may stop and this code go on: ends of loops and what the interpreter does
    /// together with them, calls, what follows them.
    pub(super) fn find_points(&self) -> Vec<usize> {
        let code = &self.function.code;
        let mut points = Vec::new();
        for (p, op) in code.iter().enumerate() {
            match op {
                Op::Repeat {} | Op::Advance {} => points.push(p),
                _ if ends_round(code, p) => points.push(p),
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
    pub(super) fn has_points(&self, from: usize, to: usize) -> bool {
        self.points.iter().any(|point| *point > from && *point <= to)
    }

    /// The closing op of the block that an op opens.
    pub(super) fn close_of(&self, p: usize) -> usize {
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
        // A block of a budget is none of WebAssembly's: nothing jumps over it.
        let (from, to) = match self.open.iter().rev().find(|open| open.is_block) {
            Some(open) if open.skip => (p, self.inner_end(open)),
            Some(_) => return false,
            None => (p, self.function.code.len()),
        };
        self.points.iter().any(|point| *point >= from && *point < to)
    }

    /// The end of what has to be skipped inside of a block: its closing op, where a loop goes on at that in
    /// front of it.
    fn inner_end(&self, open: &Open) -> usize {
        self.close_of(open.start)
    }

    pub(super) fn op(&mut self, p: usize, op: &Op) -> Option<()> {
        if !self.goes_on(op) {
            self.end_chain();
        }
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
            Op::WithinElse {} => {
                self.leave(p);
                self.never();
                let skip = self.has_points(p, self.close_of(p));
                self.open.push(Open { is_block: false, skip, ..Open::new(p, 0) });
            }
            Op::Loop {} | Op::ForEach { .. } | Op::Range { .. } | Op::ForEachEntry { .. } => {
                self.open_loop(p, op, inside)?;
            }
            Op::Repeat {} | Op::Advance {} => self.close_loop(p)?,
            Op::Break { depth } | Op::Continue { depth } => {
                let target = self.layout.target(p)?;
                if self.layout.leaves(p, target) > 0 {
                    self.leave(p);
                    self.never();
                    return Some(());
                }
                self.step_fuel(p, target);
                let covered = self.covered;
                let mut counting = self.open.iter_mut().rev().filter(|open| open.counts);
                let named = counting.nth(usize::from(*depth))?;
                let label = if let Op::Break { .. } = op { named.behind } else { named.closing? };
                // Behind a loop nothing is known.
                if named.closing.is_none() || matches!(op, Op::Continue { .. }) {
                    named.out = named.out.min(covered);
                }
                let label = self.to(label);
                self.emit([Instruction::Br(label)]);
                self.never();
            }
            _ => {
                self.note_in_chain(p, op);
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
    pub(super) fn skip(&mut self, p: usize, inside: bool) -> Label {
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
        let (kept, mut other) = (self.covered, self.ranges.clone());
        if inside {
            self.turn();
            other.turn();
        } else {
            let compared = p.checked_sub(1).and_then(|before| self.function.code.get(before));
            self.ranges.branch(compared, condition, true);
            other.branch(compared, condition, false);
            self.known(condition, 1);
        }
        let (kept, other) = (if inside { UNKNOWN } else { kept }, Some(other));
        self.open.push(Open { one_armed: true, skip: inside, kept, other, ..Open::new(p, behind) });
    }

    /// From here on a condition is known, so that nothing has to keep it.
    fn known(&mut self, condition: Register, value: i64) {
        let local = self.register(condition);
        self.emit([Instruction::I64Const(value), Instruction::LocalSet(local)]);
        self.ranges.set(condition, Range { low: value, high: value });
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
        let (start, skip, kept) = (open.start, open.skip, open.kept);
        let other = open.other.take();
        let target = self.layout.target(p).unwrap_or(p);
        if self.points.contains(&p) {
            // Entered at the end of the first arm.
            self.emit([Instruction::I32Const(0), Instruction::LocalSet(self.at)]);
        }
        self.step_fuel(p, target);
        let covered = self.covered;
        if let Some(open) = self.open.last_mut() {
            open.out = open.out.min(covered);
        }
        self.second_arm(start, kept, other, skip);
    }

    fn second_arm(&mut self, start: usize, kept: i64, other: Option<Ranges>, skip: bool) {
        self.emit([Instruction::Else]);
        self.is_reached = true;
        self.covered = kept;
        if let Some(other) = other {
            self.ranges = other;
        }
        let edge = self.layout.target(start).unwrap_or(start);
        if skip {
            // Not where this arm is entered in its midst.
            self.emit([Instruction::LocalGet(self.at), Instruction::I32Eqz]);
            self.block(Instruction::If(BlockType::Empty));
            self.step_fuel(start, edge);
            self.end();
            self.turn();
        } else {
            if let Some(Op::If { condition }) = self.function.code.get(start) {
                self.known(*condition, 0);
            }
            self.step_fuel(start, edge);
        }
    }

    fn open_block(&mut self, p: usize, inside: bool) {
        let behind = self.skip(p, inside);
        if inside {
            self.turn();
        }
        self.open.push(Open { skip: inside, counts: true, ..Open::new(p, behind) });
    }

    fn close_block(&mut self) {
        let Some(mut open) = self.open.pop() else { return };
        if !open.is_block {
            self.turn();
            return;
        }
        let mut first = (self.is_reached, self.covered);
        if open.one_armed {
            let other = open.other.take();
            self.second_arm(open.start, open.kept, other, open.skip);
        } else {
            first = (open.out != NEVER, open.out);
        }
        self.end();
        if !open.counts && open.skip {
            self.end();
        }
        if open.skip {
            self.turn();
            return;
        }
        let second = (self.is_reached, self.covered);
        match (first.0, second.0) {
            (true, true) => self.turn(),
            (false, true) => {}
            // What was known of registers in the arm that comes here is lost.
            _ => self.turn(),
        }
        self.covered = first.1.min(second.1);
        self.is_reached = first.0 || second.0;
    }
}
