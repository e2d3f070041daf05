//! Ops that compute a value.

use swarm_bytecode::module::Function;
use swarm_bytecode::module::Module;
use swarm_bytecode::native::NativeFunction;
use swarm_bytecode::op::{Op, Operand, OperandKind, Register, Settle};
use swarm_bytecode::types::{Class, Type, TypeId};
use wasm_encoder::Instruction;

use super::Body;
use crate::layout::GIVEN;

/// Natives that are one op of the machine.
fn small_native(op: &Op) -> Option<(NativeFunction, Register, Register, Register)> {
    let Op::Native { result, native, arguments } = op else { return None };
    let [left, right] = arguments.as_slice() else { return None };
    let function = native.function()?;
    matches!(
        function,
        NativeFunction::BitAnd
            | NativeFunction::BitOr
            | NativeFunction::BitXor
            | NativeFunction::ShiftLeft
            | NativeFunction::ShiftRight
    )
    .then_some((function, *result, *left, *right))
}

/// Whether an op that settles leaves `F` as it is, unless a helper acts for it.
pub(super) fn keeps_fuel(op: &Op) -> bool {
    matches!(op, Op::SetItem { .. } | Op::Push { .. }) || small_native(op).is_some()
}

/// Whether an op only computes with registers and constants.
pub(super) fn is_plain(op: &Op) -> bool {
    match op {
        Op::Field { .. } | Op::Item { .. } | Op::Unwrap { .. } | Op::Case { .. } | Op::Payload { .. } => {
            false
        }
        Op::State { .. } | Op::TakeState { .. } | Op::SetState { .. } => false,
        Op::Length { .. } | Op::MapLength { .. } => false,
        _ => op.info().settle == Settle::No,
    }
}

/// Whether only a helper does an op that computes with registers.
pub(super) fn takes_helper(op: &Op) -> bool {
    let scaled = matches!(op, Op::Scale { .. } | Op::Unscale { .. } | Op::PercentToFloat { .. });
    scaled || matches!(op, Op::Product { .. } | Op::Quotient { .. } | Op::Ratio { .. })
}

/// Whether an op writes a register.
pub(super) fn writes(op: &Op, register: Register) -> bool {
    let mut writes = false;
    op.visit_operands(|_, kind, operand| {
        if let (OperandKind::Destination(_), Operand::Register(own)) = (kind, operand) {
            writes |= own == register;
        }
    });
    writes
}

/// Whether an op takes over what a register holds, and may leave a zero there.
fn takes_over(op: &Op, register: Register) -> bool {
    matches!(op, Op::Move { value, .. } | Op::SetState { value, .. } if *value == register)
}

/// Whether a register may hold something else behind an op.
pub(super) fn changes(op: &Op, register: Register) -> bool {
    writes(op, register) || takes_over(op, register)
}

/// Which registers one op writes, and that with a constant.
pub(super) fn constants(function: &Function) -> Vec<bool> {
    let mut writers = vec![0_usize; function.registers.len()];
    for op in &function.code {
        let weight = if matches!(op, Op::Integer { .. } | Op::Float { .. }) { 1 } else { 2 };
        op.visit_operands(|_, kind, operand| {
            if let (OperandKind::Destination(_), Operand::Register(own)) = (kind, operand)
                && let Some(writers) = writers.get_mut(usize::from(own.0))
            {
                *writers = writers.saturating_add(weight);
            }
        });
    }
    let parameters = usize::from(function.parameters);
    writers.iter().enumerate().map(|(at, writers)| at >= parameters && *writers == 1).collect()
}

/// Whether an op only adds to the arena, if it touches it at all.
pub(super) fn only_adds(module: &Module, function: &Function, op: &Op) -> bool {
    let ty = |register: Register| function.registers.get(usize::from(register.0)).copied();
    let is_object = |ty: Option<TypeId>| {
        let class = ty.and_then(|ty| module.ty(ty)).map(swarm_bytecode::types::Type::class);
        matches!(class, None | Some(Class::List | Class::Record | Class::Optional | Class::Enum | Class::Map))
    };
    let mut objects = false;
    op.visit_operands(|_, kind, operand| match (kind, operand) {
        (OperandKind::Destination(_), _) => {}
        (_, Operand::Register(register)) => objects |= is_object(ty(register)),
        (_, Operand::Registers(registers)) => {
            objects |= registers.iter().any(|register| is_object(ty(*register)));
        }
        _ => {}
    });
    match op {
        // Compiled code does it in place where that can be: a helper has to copy.
        Op::SetItem { value, .. } | Op::Push { value, .. } if !is_object(ty(*value)) => true,
        Op::SetField { .. } | Op::SetItem { .. } | Op::Push { .. } => false,
        Op::SetEntry { .. } | Op::RemoveEntry { .. } | Op::State { .. } => false,
        Op::EqValue { .. } | Op::Find { .. } | Op::Text { .. } | Op::Item { .. } | Op::Length { .. } => true,
        Op::Field { .. } | Op::Unwrap { .. } | Op::Case { .. } | Op::Payload { .. } => true,
        Op::MapLength { .. } | Op::TakeState { .. } | Op::SetState { .. } => true,
        _ => !objects,
    }
}

impl Body<'_> {
    #[expect(clippy::too_many_lines, reason = "one arm for each op")]
    pub(super) fn plain(&mut self, p: usize, op: &Op) -> Option<()> {
        use Instruction as I;
        match op {
            Op::Call { function, arguments } => self.call(p, None, function.index(), arguments)?,
            Op::CallValue { result, function, arguments } => {
                self.call(p, Some(*result), function.index(), arguments)?;
            }
            Op::Return {} => self.finish(p, None),
            Op::ReturnValue { value } => self.finish(p, Some(*value)),
            Op::Stop { .. } | Op::Fail { .. } | Op::Within { .. } | Op::WithinEnd {} => self.leave_here(p),
            Op::RetryHost { .. } | Op::RecordMetric { .. } | Op::RoundsExhausted {} => self.leave_here(p),
            Op::Host { arguments, .. } => self.host(p, op, None, arguments),
            Op::HostValue { result, arguments, .. } | Op::TryHost { accepted: result, arguments, .. } => {
                self.host(p, op, Some(*result), arguments);
            }
            Op::Settle {} => self.settle(p),
            Op::Integer { result, value } => {
                self.emit([I::I64Const(*value)]);
                self.set(*result);
            }
            Op::Float { result, value } => {
                // −0 is 0.
                let value = self.plan.module.floats.get(value.index())? + 0.0;
                self.emit([I::F64Const(value.into())]);
                self.set(*result);
            }
            Op::Zero { result } => {
                let float = self.is_float(self.register(*result));
                self.emit([if float { I::F64Const(0.0.into()) } else { I::I64Const(0) }]);
                self.set(*result);
            }
            Op::String { result, value } => {
                let string = self.plan.strings.get(value.index())?.cast_signed();
                self.emit([I::I64Const(string)]);
                self.set(*result);
            }
            Op::Input { result, input } => self.given(*result, GIVEN, input.index()),
            Op::Context { result, context } => {
                self.given(*result, self.plan.places.contexts, context.index());
            }
            Op::Move { result, value } => {
                self.get(*value);
                if self.is_mutable(*value) {
                    self.emit([Instruction::I64Const(0)]);
                    self.set(*value);
                }
                self.set(*result);
            }
            Op::Copy { result, value } => {
                if self.is_object(*value) {
                    self.share(*value);
                }
                self.copy(*result, *value);
            }
            Op::AddInt { result, left, right } => self.sum(p, *result, *left, *right),
            Op::SubInt { result, left, right } => self.difference(p, *result, *left, *right),
            Op::MulInt { result, left, right } => self.product(p, *result, *left, *right),
            Op::DivInt { result, left, right } | Op::ModInt { result, left, right } => {
                let modulo = matches!(op, Op::ModInt { .. });
                self.check_divisor(p, *left, *right, modulo);
                self.pair(*left, *right, if modulo { I::I64RemS } else { I::I64DivS });
                self.set(*result);
            }
            Op::NegInt { result, value } => {
                self.get(*value);
                self.emit([I::I64Const(i64::MIN), I::I64Eq]);
                self.leave_if(p);
                self.emit([I::I64Const(0)]);
                self.get(*value);
                self.emit([I::I64Sub]);
                self.set(*result);
            }
            Op::AddFloat { result, left, right } => self.float(*result, (*left, *right), I::F64Add),
            Op::SubFloat { result, left, right } => self.float(*result, (*left, *right), I::F64Sub),
            Op::MulFloat { result, left, right } => self.float(*result, (*left, *right), I::F64Mul),
            Op::DivFloat { result, left, right } => {
                self.get(*right);
                self.emit([I::F64Const(0.0.into()), I::F64Eq]);
                self.leave_if(p);
                self.float(*result, (*left, *right), I::F64Div);
            }
            Op::NegFloat { result, value } => {
                // So that 0 stays 0.
                self.emit([I::F64Const(0.0.into())]);
                self.get(*value);
                self.emit([I::F64Sub]);
                self.set(*result);
            }
            Op::IntToFloat { result, value } => {
                self.get(*value);
                self.emit([I::F64ConvertI64S]);
                self.set(*result);
            }
            Op::EqInt { result, left, right } => self.compare(*result, *left, *right, I::I64Eq),
            Op::NeInt { result, left, right } => self.compare(*result, *left, *right, I::I64Ne),
            Op::LtInt { result, left, right } => self.compare(*result, *left, *right, I::I64LtS),
            Op::LeInt { result, left, right } => self.compare(*result, *left, *right, I::I64LeS),
            Op::EqFloat { result, left, right } => self.compare(*result, *left, *right, I::F64Eq),
            Op::NeFloat { result, left, right } => self.compare(*result, *left, *right, I::F64Ne),
            Op::LtFloat { result, left, right } => self.compare(*result, *left, *right, I::F64Lt),
            Op::LeFloat { result, left, right } => self.compare(*result, *left, *right, I::F64Le),
            Op::Not { result, value } => {
                self.get(*value);
                self.emit([I::I64Eqz]);
                self.bool(*result);
            }
            Op::IsSome { result, value } => {
                self.get(*value);
                self.emit([I::I64Eqz, I::I32Eqz]);
                self.bool(*result);
            }
            Op::Field { result, record, field } => self.field(p, op, *result, *record, *field),
            Op::Item { result, list, index } => self.item(p, op, *result, *list, *index),
            Op::SetItem { list, index, value } if !self.is_object(*value) => {
                self.set_item(p, op, *list, *index, *value);
            }
            Op::Push { list, value } if !self.is_object(*value) => self.push(p, op, *list, *value),
            Op::Native { .. } if small_native(op).is_some() => {
                let (function, result, left, right) = small_native(op)?;
                self.settle(p);
                self.bits(p, function, result, (left, right));
            }
            _ => self.by_helper(p, op),
        }
        Some(())
    }

    /// Leaves at an op behind which nothing is reached from here.
    fn leave_here(&mut self, p: usize) {
        self.leave(p);
        self.never();
    }

    pub(super) fn is_object(&self, register: Register) -> bool {
        let ty = self.function.registers.get(usize::from(register.0));
        let class = ty.and_then(|ty| self.plan.module.ty(*ty)).map(swarm_bytecode::types::Type::class);
        matches!(class, Some(Class::List | Class::Record | Class::Optional | Class::Enum | Class::Map))
    }

    fn is_mutable(&self, register: Register) -> bool {
        let ty = self.function.registers.get(usize::from(register.0));
        ty.and_then(|ty| self.plan.module.ty(*ty)).is_some_and(Type::is_mutable)
    }

    fn copy(&mut self, result: Register, value: Register) {
        self.get(value);
        self.set(result);
    }

    fn constant(&self, register: Register) -> Option<i64> {
        self.ranges.get(register).constant()
    }

    pub(super) fn pair(&mut self, left: Register, right: Register, op: Instruction<'static>) {
        self.get(left);
        self.get(right);
        self.emit([op]);
    }

    fn compare(&mut self, result: Register, left: Register, right: Register, op: Instruction<'static>) {
        self.pair(left, right, op);
        self.bool(result);
    }

    /// A bool from the condition on the stack.
    fn bool(&mut self, result: Register) {
        self.emit([Instruction::LocalTee(self.flag), Instruction::I64ExtendI32U]);
        self.set(result);
    }

    fn sum(&mut self, p: usize, result: Register, left: Register, right: Register) {
        use Instruction as I;
        let (range, other) = (self.ranges.get(left), self.ranges.get(right));
        self.pair(left, right, I::I64Add);
        if !range.adds(other) {
            let [sum, _, _] = self.scratch;
            self.emit([I::LocalTee(sum)]);
            // What is added to the other: best one whose sign is known.
            let (base, added) =
                if range.is_natural() || range.high < 0 { (right, range) } else { (left, other) };
            self.get(base);
            if added.is_natural() {
                self.emit([I::I64LtS]);
            } else if added.high < 0 {
                self.emit([I::I64GtS]);
            } else {
                self.emit([I::I64Xor, I::LocalGet(sum)]);
                self.get(right);
                self.emit([I::I64Xor, I::I64And, I::I64Const(0), I::I64LtS]);
            }
            self.leave_if(p);
            self.emit([I::LocalGet(sum)]);
        }
        self.set(result);
    }

    fn difference(&mut self, p: usize, result: Register, left: Register, right: Register) {
        use Instruction as I;
        let (most, least) = (self.ranges.get(left), self.ranges.get(right));
        self.pair(left, right, I::I64Sub);
        if !most.subtracts(least) {
            let [rest, _, _] = self.scratch;
            self.emit([I::LocalSet(rest)]);
            self.get(left);
            if least.is_natural() {
                self.emit([I::LocalGet(rest), I::I64LtS]);
            } else if least.high < 0 {
                self.emit([I::LocalGet(rest), I::I64GtS]);
            } else {
                self.get(right);
                self.emit([I::I64Xor]);
                self.get(left);
                self.emit([I::LocalGet(rest), I::I64Xor, I::I64And, I::I64Const(0), I::I64LtS]);
            }
            self.leave_if(p);
            self.emit([I::LocalGet(rest)]);
        }
        self.set(result);
    }

    fn product(&mut self, p: usize, result: Register, left: Register, right: Register) {
        use Instruction as I;
        if self.ranges.get(left).multiplies(self.ranges.get(right)) || self.is_sure(p) {
            self.pair(left, right, I::I64Mul);
        } else {
            let [high, _, _] = self.scratch;
            self.pair(left, right, I::I64Or);
            // Two numbers of 31 bits never overflow.
            self.emit([I::I64Const(31), I::I64ShrU, I::I64Eqz, I::I32Eqz]);
            self.seldom();
            self.pair(left, right, I::I64MulWideS);
            self.emit([I::LocalSet(high), I::I64Const(63), I::I64ShrS, I::LocalGet(high), I::I64Ne]);
            self.leave_if(p);
            self.end();
            self.pair(left, right, I::I64Mul);
        }
        self.set(result);
    }

    /// Leaves where a division would trap.
    fn check_divisor(&mut self, p: usize, left: Register, right: Register, modulo: bool) {
        use Instruction as I;
        match self.constant(right) {
            Some(0) | None => {
                self.get(right);
                self.emit([I::I64Eqz]);
                self.leave_if(p);
            }
            Some(_) => {}
        }
        if !modulo && matches!(self.constant(right), None | Some(-1)) {
            self.get(right);
            self.emit([I::I64Const(-1), I::I64Eq]);
            self.get(left);
            self.emit([I::I64Const(i64::MIN), I::I64Eq, I::I32And]);
            self.leave_if(p);
        }
    }

    fn bits(
        &mut self,
        p: usize,
        function: NativeFunction,
        result: Register,
        (left, right): (Register, Register),
    ) {
        use Instruction as I;
        let op = match function {
            NativeFunction::BitAnd => I::I64And,
            NativeFunction::BitOr => I::I64Or,
            NativeFunction::BitXor => I::I64Xor,
            NativeFunction::ShiftLeft => I::I64Shl,
            _ => I::I64ShrS,
        };
        if matches!(op, I::I64Shl | I::I64ShrS) && !matches!(self.constant(right), Some(0..=63)) {
            self.get(right);
            self.emit([I::I64Const(63), I::I64GtU]);
            self.leave_if(p);
        }
        self.pair(left, right, op);
        self.set(result);
    }
}
