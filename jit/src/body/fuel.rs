//! What compiled code looks at of the fuel, and how seldom.
//!
//! `F` is a local. Behind each op it is known at compile time that `F` is at least `covered`: one look covers
//! all that must be settled on every way from there to the next loop, call or helper ([`Ahead`]), so a plain
//! loop looks once a round and a function once behind each call. Where the fuel does not reach so far, the
//! interpreter goes on from there and stops at the exact op.

use swarm_bytecode::layout::Layout;
use swarm_bytecode::op::{Flow, Op, Settle};
use wasm_encoder::Instruction;

use super::{Body, Quick, values};
use crate::layout::LEFT;
use crate::module::{Helper, Plan};

/// No way leads here.
pub(super) const NEVER: i64 = i64::MAX;
/// Nothing is known.
pub(super) const UNKNOWN: i64 = i64::MIN;

/// For each op the `F` that covers all settling ops from there to where `F` changes by what is not known.
pub(super) struct Ahead(Vec<i64>);

impl Ahead {
    pub(super) fn of(code: &[Op], layout: &Layout, quick: &[Option<Quick>]) -> Ahead {
        let mut ahead = Ahead(vec![0; code.len().saturating_add(1)]);
        for (p, op) in code.iter().enumerate().rev() {
            let due = ahead.due(p, op, layout, quick);
            if let Some(own) = ahead.0.get_mut(p) {
                *own = due;
            }
        }
        ahead
    }

    pub(super) fn at(&self, p: usize) -> i64 {
        self.0.get(p).copied().unwrap_or(0)
    }

    /// All jumps but those of loops go forward.
    fn due(&self, p: usize, op: &Op, layout: &Layout, quick: &[Option<Quick>]) -> i64 {
        let info = op.info();
        let own = if info.settle == Settle::No { 0 } else { i64::from(layout.charge(p)) };
        let step = |to: usize| self.at(to).saturating_sub(layout.edge(p, to).into());
        let next = p.saturating_add(1);
        match info.flow {
            Flow::Next if info.settle == Settle::Dynamic && !values::keeps_fuel(op) => own,
            Flow::Next => own.max(self.at(next)),
            Flow::Open if matches!(op, Op::If { .. }) => step(next).max(layout.target(p).map_or(0, step)),
            Flow::Open | Flow::End => step(next),
            Flow::Else | Flow::Branch => layout.target(p).map_or(0, step),
            Flow::OpenLoop => own.max(step(next)),
            // More than is surely needed, so that the caller need not look again.
            Flow::Call => match op {
                Op::Call { function, .. } | Op::CallValue { function, .. } => {
                    let callee = quick.get(function.index()).and_then(Option::as_ref);
                    own.saturating_add(callee.map_or(0, Quick::due))
                }
                _ => own,
            },
            _ => own,
        }
    }
}

impl Body<'_> {
    /// What a step does to `F`.
    pub(super) fn step_fuel(&mut self, from: usize, to: usize) {
        let edge = i64::from(self.layout.edge(from, to));
        self.covered = after(self.covered, edge);
        if edge != 0 && self.plan.metered {
            self.emit([
                Instruction::LocalGet(self.fuel),
                Instruction::I64Const(edge),
                Instruction::I64Add,
                Instruction::LocalSet(self.fuel),
            ]);
        }
    }

    /// Rule F3: looks whether the fuel is there, for this op and all that may follow it.
    pub(super) fn settle(&mut self, p: usize) {
        if self.covered < self.layout.charge(p).into() {
            self.cover(p);
        }
    }

    /// Looks whether there is fuel for all that may follow from an op on. Where it is not, the interpreter
    /// finds out for which op.
    pub(super) fn cover(&mut self, p: usize) {
        let due = self.ahead.at(p);
        let in_loop = self.open.iter().any(|open| open.closing.is_some());
        self.cover_for(p, due, in_loop);
    }

    fn cover_for(&mut self, p: usize, due: i64, in_loop: bool) {
        if self.plan.metered && self.covered < due {
            self.find_fuel();
            self.emit([Instruction::LocalGet(self.fuel), Instruction::I64Const(due), Instruction::I64LtS]);
            if self.tight.is_some() {
                self.bail_if(p);
            } else {
                self.seldom();
                self.look(p, due, in_loop);
                self.end();
            }
        }
        self.covered = self.covered.max(due);
    }

    /// Asks for so much fuel, and leaves where there is none. In a loop registers wait in memory meanwhile,
    /// which costs the loop none of the machine's.
    pub(super) fn look(&mut self, p: usize, due: i64, in_loop: bool) {
        let saved = if in_loop { self.save() } else { Vec::new() };
        let [_, _, found] = self.scratch;
        self.emit([
            Instruction::I64Const(due),
            Instruction::LocalGet(self.fuel),
            Instruction::Call(Plan::helper(Helper::Look)),
            Instruction::LocalSet(found),
        ]);
        self.restore(&saved);
        self.emit([Instruction::LocalGet(found), Instruction::I64Const(LEFT), Instruction::I64Eq]);
        self.leave_if(p);
        self.emit([Instruction::LocalGet(found), Instruction::LocalSet(self.fuel)]);
    }

    /// Behind a helper where it is seldom called: as [`Body::came_back`], but it always asks for fuel, since
    /// a further block would lie among what is often run.
    pub(super) fn came_back_seldom(&mut self, p: usize, saved: &[(u32, u64)]) {
        let [_, _, found] = self.scratch;
        let next = p.saturating_add(1);
        let due = if self.plan.metered { self.ahead.at(next).max(0) } else { 0 };
        self.emit([
            Instruction::I64Const(due),
            Instruction::LocalGet(self.fuel),
            Instruction::Call(Plan::helper(Helper::Look)),
            Instruction::LocalSet(found),
        ]);
        self.restore(saved);
        self.emit([Instruction::LocalGet(self.fuel), Instruction::I64Const(LEFT), Instruction::I64Eq]);
        self.leave_if(p);
        self.emit([Instruction::LocalGet(found), Instruction::I64Const(LEFT), Instruction::I64Eq]);
        self.leave_if(next);
        self.emit([Instruction::LocalGet(found), Instruction::LocalSet(self.fuel)]);
        self.covered = due;
    }

    /// Behind a helper or a call, whose `F` is in the local: leaves if that says so, and looks whether there
    /// is enough for what follows. Both are one comparison.
    pub(super) fn came_back(&mut self, p: usize) {
        let next = p.saturating_add(1);
        let due = if self.plan.metered { self.ahead.at(next).max(0) } else { 0 };
        self.emit([Instruction::LocalGet(self.fuel), Instruction::I64Const(due), Instruction::I64LtS]);
        self.seldom();
        self.emit([Instruction::LocalGet(self.fuel), Instruction::I64Const(LEFT), Instruction::I64Eq]);
        self.leave_if(p);
        if due > 0 {
            self.look(next, due, false);
        }
        self.end();
        self.covered = due;
    }

    /// What a loop's op needs so that the fuel covers the way into its body as well.
    pub(super) fn due_of_round(&self, p: usize, body: usize) -> i64 {
        let inside = self.ahead.at(body).saturating_sub(self.layout.edge(p, body).into());
        inside.max(self.layout.charge(p).into())
    }

    /// Settles a loop's closing op, for the next round as well.
    pub(super) fn settle_round(&mut self, p: usize, body: usize) {
        let due = self.due_of_round(p, body);
        self.cover_for(p, due, true);
    }
}

/// What is covered behind a step.
pub(super) fn after(covered: i64, edge: i64) -> i64 {
    if covered == NEVER { NEVER } else { covered.saturating_add(edge) }
}
