//! Ops that compute a value, and those that read or write an object.

use swarm_bytecode::cost;
use swarm_bytecode::module::Function;
use swarm_bytecode::module::Module;
use swarm_bytecode::native::NativeFunction;
use swarm_bytecode::op::{Flow, Op, Operand, OperandKind, Register};
use swarm_bytecode::types::{Class, TypeId};
use wasm_encoder::{BlockType, Instruction, MemArg};

use super::{Body, in_arena};
use crate::layout::PAGE_BITS;

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

pub(super) fn is_small_native(op: &Op) -> bool {
    small_native(op).is_some()
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
            Op::Stop { .. } | Op::Fail { .. } | Op::Within { .. } | Op::WithinElse {} | Op::WithinEnd {} => {
                self.leave_open(p, op);
            }
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
            Op::Input { result, input } => self.input(*result, input.index()),
            Op::Context { result, context } => {
                self.given(*result, self.plan.places.contexts, context.index());
            }
            Op::Move { result, value } => self.copy(*result, *value),
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
            Op::AddFloat { result, left, right } => self.float(p, *result, (*left, *right), I::F64Add),
            Op::SubFloat { result, left, right } => self.float(p, *result, (*left, *right), I::F64Sub),
            Op::MulFloat { result, left, right } => self.float(p, *result, (*left, *right), I::F64Mul),
            Op::DivFloat { result, left, right } => {
                self.get(*right);
                self.emit([I::F64Const(0.0.into()), I::F64Eq]);
                self.leave_if(p);
                self.float(p, *result, (*left, *right), I::F64Div);
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
            Op::Push { list, value } if !self.is_object(*value) => self.push(p, op, *list, *value)?,
            Op::Native { .. } if is_small_native(op) => {
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
        self.turn();
    }

    /// The same at an op that may open or close a block.
    fn leave_open(&mut self, p: usize, op: &Op) {
        self.leave_here(p);
        debug_assert!(op.info().flow != Flow::Open);
    }

    fn is_object(&self, register: Register) -> bool {
        let ty = self.function.registers.get(usize::from(register.0));
        let class = ty.and_then(|ty| self.plan.module.ty(*ty)).map(swarm_bytecode::types::Type::class);
        matches!(class, Some(Class::List | Class::Record | Class::Optional | Class::Enum | Class::Map))
    }

    fn copy(&mut self, result: Register, value: Register) {
        self.get(value);
        self.set(result);
    }

    fn constant(&self, register: Register) -> Option<i64> {
        self.ranges.get(register).constant()
    }

    fn pair(&mut self, left: Register, right: Register, op: Instruction<'static>) {
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
        if self.ranges.get(left).multiplies(self.ranges.get(right)) {
            self.pair(left, right, I::I64Mul);
        } else {
            let [low, high, _] = self.scratch;
            self.pair(left, right, I::I64MulWideS);
            self.emit([I::LocalSet(high), I::LocalTee(low), I::I64Const(63), I::I64ShrS]);
            self.emit([I::LocalGet(high), I::I64Ne]);
            self.leave_if(p);
            self.emit([I::LocalGet(low)]);
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

    fn float(
        &mut self,
        p: usize,
        result: Register,
        (left, right): (Register, Register),
        op: Instruction<'static>,
    ) {
        use Instruction as I;
        // Of sums and differences only those of −0 are −0, and no register holds that.
        let signed = matches!(op, I::F64Mul | I::F64Div);
        let value = self.float_scratch();
        self.pair(left, right, op);
        if signed {
            self.emit([I::F64Const(0.0.into()), I::F64Add]);
        }
        self.emit([I::LocalTee(value), I::F64Abs, I::F64Const(f64::INFINITY.into()), I::F64Lt, I::I32Eqz]);
        self.leave_if(p);
        self.emit([I::LocalGet(value)]);
        self.set(result);
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

    /// Marks an object of the arena as shared.
    fn share(&mut self, value: Register) {
        use Instruction as I;
        // The arena's objects are the slots below 2³² but 0.
        self.get(value);
        self.emit([I::I64Const(1), I::I64Sub, I::I64Const(0xffff_ffff), I::I64LtU]);
        self.block(I::If(BlockType::Empty));
        self.header(value);
        self.header(value);
        self.emit([
            I::I32Load(MemArg { offset: 4, align: 2, memory_index: 1 }),
            I::I32Const(i32::MIN),
            I::I32Or,
            I::I32Store(MemArg { offset: 4, align: 2, memory_index: 1 }),
        ]);
        self.header(value);
        self.mark();
        self.end();
    }

    /// The address of an object of the arena.
    fn header(&mut self, object: Register) {
        self.get(object);
        self.emit([Instruction::I32WrapI64, Instruction::I32Const(3), Instruction::I32Shl]);
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

    fn field(&mut self, p: usize, op: &Op, result: Register, record: Register, field: u8) {
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
        self.block(I::If(BlockType::Empty));
        self.by_helper(p, op);
        self.emit([I::Else]);
        self.header(record);
        self.load_arena(u64::from(field).saturating_add(1).saturating_mul(8), result);
        self.set(result);
        self.end();
        if column.is_some() {
            self.end();
        }
        // Reading a field takes no fuel but its own.
        self.covered = covered;
    }

    /// Whether an index lies in a list of the arena; the length is unsigned, so a negative index is beyond it.
    fn is_item(&mut self, list: Register, index: Register) {
        self.get(index);
        self.header(list);
        self.emit([
            Instruction::I64Load32U(MemArg { offset: 0, align: 2, memory_index: 1 }),
            Instruction::I64LtU,
        ]);
    }

    /// The address of an item of the arena, but for the header.
    fn place(&mut self, list: Register, index: Register) {
        self.get(list);
        self.get(index);
        self.emit([
            Instruction::I64Add,
            Instruction::I32WrapI64,
            Instruction::I32Const(3),
            Instruction::I32Shl,
        ]);
    }

    fn item(&mut self, p: usize, op: &Op, result: Register, list: Register, index: Register) {
        use Instruction as I;
        self.is_outside(list);
        self.block(I::If(BlockType::Empty));
        self.by_helper(p, op);
        self.emit([I::Else]);
        self.is_item(list, index);
        self.emit([I::I32Eqz]);
        self.leave_if(p);
        self.place(list, index);
        self.load_arena(8, result);
        self.set(result);
        self.end();
        self.covered = None;
    }

    /// Whether the object is of the arena, not shared and not the zero block, as a condition on the stack.
    fn is_own(&mut self, object: Register) {
        use Instruction as I;
        self.get(object);
        self.emit([I::I64Const(1), I::I64Sub, I::I64Const(0xffff_ffff), I::I64LtU]);
        self.header(object);
        self.emit([
            I::I32Load(MemArg { offset: 4, align: 2, memory_index: 1 }),
            I::I32Const(0),
            I::I32GeS,
            I::I32And,
        ]);
    }

    fn set_item(&mut self, p: usize, op: &Op, list: Register, index: Register, value: Register) {
        use Instruction as I;
        self.settle(p);
        self.is_own(list);
        self.is_item(list, index);
        self.emit([I::I32And]);
        self.block(I::If(BlockType::Empty));
        self.place(list, index);
        let local = self.register(value);
        self.emit([I::LocalGet(local), self.store_of(local, in_arena(8))]);
        self.place(list, index);
        self.emit([I::I32Const(8), I::I32Add]);
        self.mark();
        self.emit([I::Else]);
        self.by_helper(p, op);
        self.end();
        // A copy would have taken fuel.
        self.covered = None;
    }

    fn push(&mut self, p: usize, op: &Op, list: Register, value: Register) -> Option<()> {
        use Instruction as I;
        let ty = self.function.registers.get(usize::from(list.0))?;
        let most = match self.plan.module.ty(*ty)? {
            swarm_bytecode::types::Type::List { max, .. } => max.unwrap_or(u32::MAX),
            _ => return None,
        };
        let [length, _, _] = self.scratch;
        let most = i64::from(most.min(u32::try_from(cost::MAX_LIST_ITEMS).unwrap_or(0)));
        self.settle(p);
        self.header(list);
        self.emit([
            I::I64Load32U(MemArg { offset: 0, align: 2, memory_index: 1 }),
            I::LocalTee(length),
            I::I64Const(most),
            I::I64LtU,
            I::LocalGet(length),
        ]);
        self.header(list);
        self.emit([
            I::I64Load32U(MemArg { offset: 4, align: 2, memory_index: 1 }),
            I::I64Const(0x3fff_ffff),
            I::I64And,
            I::I64LtU,
            I::I32And,
        ]);
        self.is_own(list);
        self.emit([I::I32And]);
        self.block(I::If(BlockType::Empty));
        self.get(list);
        self.emit([I::LocalGet(length), I::I64Add, I::I32WrapI64, I::I32Const(3), I::I32Shl]);
        let local = self.register(value);
        self.emit([I::LocalGet(local), self.store_of(local, in_arena(8))]);
        self.get(list);
        self.emit([I::LocalGet(length), I::I64Add, I::I32WrapI64, I::I32Const(3), I::I32Shl]);
        self.emit([I::I32Const(8), I::I32Add]);
        self.mark();
        self.header(list);
        self.emit([
            I::LocalGet(length),
            I::I64Const(1),
            I::I64Add,
            I::I64Store32(MemArg { offset: 0, align: 2, memory_index: 1 }),
        ]);
        self.header(list);
        self.mark();
        self.emit([I::Else]);
        self.by_helper(p, op);
        self.end();
        self.covered = None;
        Some(())
    }
}
