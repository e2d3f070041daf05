//! Innermost loops whose rounds do without helpers, but for what is seldom.
//!
//! A call in a loop costs it the machine's registers, however seldom it is made. So such a loop is there
//! twice, one in the other: the inner has no call. Where it would need one, it begins the round anew in the
//! outer, or goes to the outer's closing op, and comes back with the next round. Where a round did already
//! what cannot be done again, the interpreter goes on.

use swarm_bytecode::op::{Flow, Op, Operand, OperandKind, Register};
use wasm_encoder::{BlockType, Instruction, ValType};

use super::blocks::Open;
use super::loops::Walk;
use super::{Body, Label, values};

/// The inner of two loops, while it is open.
pub(super) struct Tight {
    /// Where the outer begins the round anew.
    slow: Label,
    /// In front of the outer's closing op.
    closing: Label,
    /// The closing op.
    close: usize,
    /// Locals that a round may read before it writes them, and those with what they held when it began.
    kept: Vec<(u32, u32)>,
    /// Whether the round may have done what cannot be done again.
    acted: bool,
    even: Option<Even>,
    /// Ops that need no look in any round.
    pub(super) sure: Vec<usize>,
}

/// What is known where each round takes the same fuel: as many rounds as surely can be paid are done without
/// a look, and `F` is what their number leaves.
#[derive(Debug, Clone, Copy)]
struct Even {
    item: Register,
    /// Fuel of a round.
    cost: i64,
    /// What `F` would be if the item were 0.
    base: u32,
    /// Behind the last item for which there is enough.
    end: u32,
}

impl Body<'_> {
    /// Whether compiled code does an op by itself, but where it is seldom.
    fn is_done_here(&self, op: &Op) -> bool {
        match op {
            Op::Item { list, .. } => self.lists.knows(*list),
            Op::SetItem { list, value, .. } | Op::Push { list, value } => {
                self.lists.knows(*list) && !self.is_object(*value)
            }
            Op::Native { .. } => values::keeps_fuel(op),
            Op::Field { .. } | Op::IsSome { .. } | Op::Settle {} => true,
            _ => match op.info().flow {
                Flow::Next => values::is_plain(op) && !values::takes_helper(op),
                Flow::Open | Flow::Else | Flow::End | Flow::Branch => {
                    !matches!(op, Op::WithinElse {} | Op::Within { .. })
                }
                _ => false,
            },
        }
    }

    /// The inner of two loops, if there is to be one. `behind` is where both end, `closing` in front of the
    /// outer's closing op.
    pub(super) fn tight_loop(
        &mut self,
        (p, close): (usize, usize),
        op: &Op,
        (behind, closing): (Label, Label),
        walk: Option<&Walk>,
    ) -> Option<()> {
        let function = self.function;
        let inside = function.code.get(p.saturating_add(1)..close).unwrap_or_default();
        let asks =
            |op: &Op| matches!(op, Op::Item { .. } | Op::SetItem { .. } | Op::Push { .. } | Op::Field { .. });
        let seldom = self.plan.metered || inside.iter().any(asks);
        let passes = walk.is_some_and(Walk::passes_rows);
        if passes
            || !seldom
            || matches!(op, Op::ForEachEntry { .. })
            || !inside.iter().all(|op| self.is_done_here(op))
        {
            return Some(());
        }
        let slow = self.block(Instruction::Block(BlockType::Empty));
        if !self.points.is_empty() {
            self.emit([Instruction::LocalGet(self.at), Instruction::BrIf(0)]);
        }
        // It is not entered in its midst.
        let points = std::mem::take(&mut self.points);
        let even = self.even(close, op, inside, slow);
        let sure = even.map(|even| self.sure((p, inside), (even.item, even.end), slow)).unwrap_or_default();
        let top = self.block(Instruction::Loop(BlockType::Empty));
        let kept = self.keep(inside);
        self.tight = Some(Tight { slow, closing, close, kept, acted: false, even, sure });
        let end = self.block(Instruction::Block(BlockType::Empty));
        self.open.push(Open { walk: walk.cloned(), ..Open::a_loop(p, behind, top, end) });
        for (op, q) in inside.iter().zip(p.saturating_add(1)..) {
            self.op(q, op)?;
        }
        self.end_chain();
        let covered = self.open.pop().map_or(self.covered, |open| self.covered.min(open.out));
        self.end();
        self.turn();
        self.covered = covered;
        match even {
            Some(even) => self.close_even(even, top, closing),
            None => {
                self.close_step(close, op, top, walk)?;
                let out = self.to(behind);
                self.emit([Instruction::Br(out)]);
            }
        }
        self.end();
        self.end();
        (self.tight, self.points) = (None, points);
        self.turn();
        self.covered = self.ahead.at(p.saturating_add(1));
        Some(())
    }

    /// How many rounds can be done without a look at the fuel, where that is known.
    fn even(&mut self, close: usize, op: &Op, inside: &[Op], slow: Label) -> Option<Even> {
        use Instruction as I;
        let Op::Range { item, last, .. } = op else { return None };
        let straight = |op: &Op| {
            op.info().flow == Flow::Next && !values::writes(op, *item) && !values::writes(op, *last)
        };
        let body = self.layout.target(close)?;
        let cost = i64::from(self.layout.edge(close, body)).checked_neg()?;
        if cost <= 0 || !inside.iter().all(straight) {
            return None;
        }
        let [base, end] = [ValType::I64, ValType::I64].map(|ty| self.local(ty));
        let even = Even { item: *item, cost, base, end };
        if !self.plan.metered {
            self.get(*last);
            self.emit([I::I64Const(1), I::I64Add, I::LocalSet(end)]);
            return Some(even);
        }
        let [rounds, _, _] = self.scratch;
        let due = self.due_of_round(close, body);
        let out = self.to(slow);
        self.emit([I::LocalGet(self.fuel), I::I64Const(due), I::I64LtS, I::BrIf(out)]);
        self.emit([I::LocalGet(self.fuel), I::I64Const(due), I::I64Sub, I::I64Const(cost), I::I64DivU]);
        self.emit([I::I64Const(1), I::I64Add, I::LocalTee(rounds)]);
        self.pair(*last, *item, I::I64Sub);
        self.emit([I::I64LtU]);
        // What two ways lead to is computed before the loop, not in it.
        self.block(I::If(BlockType::Result(ValType::I64)));
        self.get(*item);
        self.emit([I::LocalGet(rounds), I::I64Add, I::I64Const(1), I::I64Add, I::Else]);
        self.get(*last);
        self.emit([I::I64Const(1), I::I64Add]);
        self.end();
        self.emit([I::LocalSet(end)]);
        self.emit([I::LocalGet(self.fuel)]);
        self.get(*item);
        self.emit([I::I64Const(cost), I::I64Mul, I::I64Add, I::LocalSet(base)]);
        Some(even)
    }

    /// The end of such a round: the outer loop finds out what comes behind the last.
    fn close_even(&mut self, even: Even, top: Label, closing: Label) {
        use Instruction as I;
        let (item, again) = (self.register(even.item), self.to(top));
        self.emit([I::LocalGet(item), I::I64Const(1), I::I64Add, I::LocalTee(item)]);
        self.emit([I::LocalGet(even.end), I::I64Ne, I::BrIf(again)]);
        self.emit([I::LocalGet(even.end), I::I64Const(1), I::I64Sub, I::LocalSet(item)]);
        self.find_fuel();
        let out = self.to(closing);
        self.emit([I::Br(out)]);
    }

    /// Has the fuel in its local, where rounds do not count it.
    pub(super) fn find_fuel(&mut self) {
        use Instruction as I;
        let Some(Tight { even: Some(even), .. }) = self.tight else { return };
        if self.plan.metered {
            self.emit([I::LocalGet(even.base)]);
            self.get(even.item);
            self.emit([I::I64Const(even.cost), I::I64Mul, I::I64Sub, I::LocalSet(self.fuel)]);
        }
    }

    /// Whether rounds do not count the fuel.
    pub(super) fn is_even(&self) -> bool {
        self.tight.as_ref().is_some_and(|tight| tight.even.is_some())
    }

    /// Keeps what a round may read before it writes it.
    fn keep(&mut self, inside: &[Op]) -> Vec<(u32, u32)> {
        // Behind the first write that no way goes round, it is the round's own.
        let (mut own, mut depth) = (Vec::new(), 0_usize);
        let (mut read, mut written): (Vec<Register>, Vec<Register>) = (Vec::new(), Vec::new());
        for op in inside {
            let before = written.len();
            op.visit_operands(|_, kind, operand| match (kind, operand) {
                (OperandKind::Destination(_), Operand::Register(register)) => written.push(register),
                (_, Operand::Register(register)) if !own.contains(&register) => read.push(register),
                (_, Operand::Registers(registers)) => {
                    read.extend(registers.iter().filter(|register| !own.contains(*register)));
                }
                _ => {}
            });
            match op.info().flow {
                Flow::Open => depth = depth.saturating_add(1),
                Flow::End => depth = depth.saturating_sub(1),
                Flow::Next if depth == 0 => own.extend(written.iter().skip(before)),
                _ => {}
            }
        }
        written.sort_unstable();
        written.dedup();
        written.retain(|register| read.contains(register));
        let mut locals: Vec<u32> = written.into_iter().map(|register| self.register(register)).collect();
        if inside.iter().any(|op| op.info().flow != Flow::Next) {
            locals.push(self.fuel);
        }
        let mut kept = Vec::with_capacity(locals.len());
        for local in locals {
            let copy = self.local(self.type_of(local));
            self.emit([Instruction::LocalGet(local), Instruction::LocalSet(copy)]);
            kept.push((local, copy));
        }
        kept
    }

    /// Where an op of the inner of two loops cannot be done there. What follows is not reached.
    pub(super) fn bail(&mut self, p: usize) {
        let Some(tight) = &self.tight else { return };
        if tight.acted {
            self.leave(p);
            return;
        }
        let (slow, kept) = (self.to(tight.slow), tight.kept.clone());
        self.find_fuel();
        for (local, copy) in kept {
            self.emit([Instruction::LocalGet(copy), Instruction::LocalSet(local)]);
        }
        self.emit([Instruction::Br(slow)]);
    }

    /// The same where the number on the stack is not 0, for want of fuel.
    pub(super) fn bail_if(&mut self, p: usize) {
        let Some(tight) = &self.tight else { return };
        if p == tight.close {
            let closing = self.to(tight.closing);
            self.hints.push((self.code.len(), false));
            self.emit([Instruction::BrIf(closing)]);
        } else {
            self.seldom();
            self.bail(p);
            self.end();
        }
    }

    /// An op wrote to memory.
    pub(super) fn acted(&mut self) {
        if let Some(tight) = &mut self.tight {
            tight.acted = true;
        }
    }
}
