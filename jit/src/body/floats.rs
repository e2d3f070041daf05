//! Float arithmetic, whose results must be finite, and no −0.
//!
//! What is not finite stays so in sums, differences and products. So a chain of them is looked at once, at
//! its end, and where that fails the interpreter goes through the chain again: registers that it reads are
//! put back, and what it writes anew nobody sees before.
//!
//! Nor does anybody see whether a local holds −0, where only sums with another number, comparisons and
//! products come of it. Where others see it, 0 is added ([`Body::get_visible`]).

use std::collections::BTreeSet;

use swarm_bytecode::module::Function;
use swarm_bytecode::op::{Op, Operand, OperandKind, Register};
use wasm_encoder::{Instruction, ValType};

use super::Body;

/// Most registers that are put back where a chain fails.
const MOST_SAVED: usize = 8;

/// Float ops one behind the other whose results are not looked at yet.
pub(super) struct Chain {
    /// The first op.
    start: usize,
    read: BTreeSet<Register>,
    written: BTreeSet<Register>,
    /// Locals that were read and then written, and what they held.
    saved: Vec<(u32, u32)>,
    /// Results that no other result depends on.
    last: Vec<Register>,
}

/// The operands of sums, differences and products.
fn operands(op: &Op) -> Option<(Register, Register)> {
    match op {
        Op::AddFloat { left, right, .. }
        | Op::SubFloat { left, right, .. }
        | Op::MulFloat { left, right, .. } => Some((*left, *right)),
        _ => None,
    }
}

/// Which registers may be −0 in their locals.
pub(super) fn signed(function: &Function) -> Vec<bool> {
    let mut signed = vec![false; function.registers.len()];
    loop {
        let is = |register: &Register| signed.get(usize::from(register.0)).copied().unwrap_or(false);
        let found = function.code.iter().find_map(|op| {
            let (result, found) = match op {
                Op::MulFloat { result, left, right } => (result, left != right),
                Op::DivFloat { result, .. } => (result, true),
                Op::AddFloat { result, left, right } => (result, is(left) && is(right)),
                Op::SubFloat { result, left, .. } => (result, is(left)),
                Op::Move { result, value } | Op::Copy { result, value } => (result, is(value)),
                _ => return None,
            };
            (found && !is(result)).then_some(*result)
        });
        // Each round finds one more.
        match found.and_then(|found| signed.get_mut(usize::from(found.0))) {
            Some(own) => *own = true,
            None => return signed,
        }
    }
}

impl Body<'_> {
    /// Whether a chain may go on across an op: it neither leaves nor shows anything.
    pub(super) fn goes_on(&self, op: &Op) -> bool {
        let Some(chain) = &self.chain else { return true };
        let range = |register: &Register| self.ranges.get(*register);
        let quiet = match op {
            Op::AddFloat { .. } | Op::SubFloat { .. } | Op::MulFloat { .. } => true,
            Op::Float { .. } | Op::Integer { .. } | Op::Zero { .. } => true,
            Op::NegFloat { .. } | Op::IntToFloat { .. } | Op::Not { .. } => true,
            Op::EqInt { .. } | Op::NeInt { .. } | Op::LtInt { .. } | Op::LeInt { .. } => true,
            Op::EqFloat { .. } | Op::NeFloat { .. } | Op::LtFloat { .. } | Op::LeFloat { .. } => true,
            Op::Move { value, .. } => !self.is_object(*value),
            Op::Copy { value, .. } => !self.is_object(*value),
            Op::AddInt { left, right, .. } => range(left).adds(range(right)),
            Op::SubInt { left, right, .. } => range(left).subtracts(range(right)),
            Op::MulInt { left, right, .. } => range(left).multiplies(range(right)),
            _ => false,
        };
        let used = |register: Register| operands(op).is_some_and(|(a, b)| a == register || b == register);
        let loses = chain.last.iter().any(|last| super::values::writes(op, *last) && !used(*last));
        quiet && !loses && chain.saved.len() < MOST_SAVED
    }

    /// Notes what an op of a chain reads, and keeps what it writes over. A float op begins a chain.
    pub(super) fn note_in_chain(&mut self, p: usize, op: &Op) {
        let begins = operands(op).is_some() || matches!(op, Op::DivFloat { .. });
        if self.chain.is_none() && begins {
            let (read, written) = (BTreeSet::new(), BTreeSet::new());
            self.chain = Some(Chain { start: p, read, written, saved: Vec::new(), last: Vec::new() });
        }
        let Some(mut chain) = self.chain.take() else { return };
        let mut results = Vec::new();
        op.visit_operands(|_, kind, operand| match (kind, operand) {
            (OperandKind::Destination(_), Operand::Register(register)) => results.push(register),
            (_, Operand::Register(register)) if !chain.written.contains(&register) => {
                chain.read.insert(register);
            }
            _ => {}
        });
        for result in results {
            if chain.read.contains(&result) && chain.written.insert(result) {
                let local = self.register(result);
                let ty = if self.is_float(local) { ValType::F64 } else { ValType::I64 };
                let kept = self.local(ty);
                self.emit([Instruction::LocalGet(local), Instruction::LocalSet(kept)]);
                chain.saved.push((local, kept));
            }
            chain.written.insert(result);
        }
        self.chain = Some(chain);
    }

    /// A float op, whose result is looked at where its chain ends.
    pub(super) fn float(
        &mut self,
        result: Register,
        (left, right): (Register, Register),
        op: Instruction<'static>,
    ) {
        self.pair(left, right, op);
        self.set(result);
        if let Some(chain) = &mut self.chain {
            chain.last.retain(|last| *last != left && *last != right && *last != result);
            chain.last.push(result);
        }
    }

    /// Looks whether all that was computed is finite.
    pub(super) fn end_chain(&mut self) {
        use Instruction as I;
        let Some(chain) = self.chain.take() else { return };
        let Some((first, rest)) = chain.last.split_first() else { return };
        // The sum of two great numbers may not be finite where both are: then the chain is gone through for
        // nothing.
        self.get(*first);
        for other in rest {
            self.get(*other);
            self.emit([I::F64Add]);
        }
        self.emit([I::F64Abs, I::F64Const(f64::INFINITY.into()), I::F64Lt, I::I32Eqz]);
        self.seldom();
        for (local, kept) in chain.saved {
            self.emit([I::LocalGet(kept), I::LocalSet(local)]);
        }
        self.leave(chain.start);
        self.end();
    }
}
