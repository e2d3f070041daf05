//! Calls: of other functions, of the host, and of helpers that act for the interpreter.

use swarm_bytecode::op::{Op, Operand, OperandKind, Register};
use swarm_vm::tier::{HostCall, OpAt};
use wasm_encoder::{BlockType, Instruction, ValType};

use super::{Body, Use, at, number, values};
use crate::layout::{CALM, FRAME, FUEL, NOTE_BYTES, NOTED, REFUSED, SCRATCH, VALUE};
use crate::module::{Helper, Plan, count};
use crate::session::Site;

/// Registers that an op reads, and those it writes.
fn operands(op: &Op) -> (Vec<Register>, Vec<Register>) {
    let (mut read, mut written) = (Vec::new(), Vec::new());
    op.visit_operands(|_, kind, operand| match (kind, operand) {
        (OperandKind::Destination(_), Operand::Register(register)) => written.push(register),
        (_, Operand::Register(register)) => read.push(register),
        (_, Operand::Registers(registers)) => read.extend_from_slice(registers),
        _ => {}
    });
    if let Op::SetState { value, .. } = op {
        written.push(*value);
    }
    (read, written)
}

impl Body<'_> {
    /// Leaves one op to a helper that does what the interpreter does.
    pub(super) fn by_helper(&mut self, p: usize, op: &Op) {
        let (read, written) = operands(op);
        self.call_helper(p, op, &read, &written);
        self.came_back(p);
    }

    /// The same where it is seldom needed: registers wait in memory, so that the usual way keeps them in the
    /// machine's.
    pub(super) fn by_helper_seldom(&mut self, p: usize, op: &Op) {
        let covered = self.covered;
        let (read, written) = operands(op);
        for register in &written {
            self.forget(*register);
        }
        let saved = self.save();
        for register in read {
            if self.is_constant(register) {
                self.put(register);
            }
        }
        self.step_by_helper(p, op);
        self.came_back_seldom(p, &saved);
        self.covered = self.covered.min(covered);
    }

    /// Has a helper carry out an op that reads and writes these registers.
    pub(super) fn call_helper(&mut self, p: usize, op: &Op, read: &[Register], written: &[Register]) {
        for register in read.iter().chain(written) {
            self.put(*register);
        }
        self.step_by_helper(p, op);
        for register in written {
            self.take(*register);
        }
    }

    fn step_by_helper(&mut self, p: usize, op: &Op) {
        let changes = !values::only_adds(self.plan.module, self.function, op);
        self.emit([
            Instruction::I32Const(number(self.index)),
            Instruction::I32Const(number(p)),
            Instruction::LocalGet(self.fuel),
            Instruction::LocalGet(self.held),
            Instruction::I32Const(i32::from(changes)),
            Instruction::Call(Plan::helper(Helper::Step)),
            Instruction::LocalSet(self.fuel),
        ]);
    }

    /// Puts all that may change into memory; gives what to take back.
    pub(super) fn save(&mut self) -> Vec<(u32, u64)> {
        let registers = self.registers.clone();
        let mut saved = Vec::new();
        for (register, local) in (0_u16..).zip(registers) {
            let known = u8::try_from(register).is_ok_and(|own| self.is_constant(Register(own)));
            if !known {
                saved.push((local, SCRATCH.saturating_add(u64::from(register).saturating_mul(8))));
            }
        }
        let further = self.further_locals();
        for (place, local) in (0_u64..).zip(further) {
            saved.push((local, SCRATCH.saturating_add(place.saturating_add(256).saturating_mul(8))));
        }
        for (local, place) in &saved {
            self.emit([Instruction::I32Const(0)]);
            self.get_visible(*local);
            let store = self.store_of(*local, at(*place));
            self.emit([store]);
        }
        saved
    }

    pub(super) fn restore(&mut self, saved: &[(u32, u64)]) {
        for (local, place) in saved {
            self.load(0, *place, *local);
        }
    }

    /// Puts a register where helpers find it.
    pub(super) fn put(&mut self, register: Register) {
        let local = self.register(register);
        let place = at(SCRATCH.saturating_add(u64::from(register.0).saturating_mul(8)));
        self.emit([Instruction::I32Const(0)]);
        self.get_visible(local);
        let store = self.store_of(local, place);
        self.emit([store]);
    }

    fn take(&mut self, register: Register) {
        let local = self.register(register);
        self.forget(register);
        self.load(0, SCRATCH.saturating_add(u64::from(register.0).saturating_mul(8)), local);
    }

    /// A host call. One with a result or with many arguments is an op like any other.
    pub(super) fn host(&mut self, p: usize, op: &Op, result: Option<Register>, arguments: &[Register]) {
        self.settle(p);
        let place = OpAt { function: self.plan.small(self.index), op: count(p) };
        let Some(call) = self.plan.program.host_call_at(place) else { return self.by_helper(p, op) };
        if let Some(result) = result {
            self.put(result);
        }
        let site = Site::new(call, self.plan.places.calls);
        // What frames hold is not known to the one who lets actions be noted.
        let noted = !self.plan.places.calls && call.tried.is_none() && self.note(call, arguments).is_some();
        self.emit([
            Instruction::I64Const(site.pack()),
            Instruction::LocalGet(self.fuel),
            Instruction::LocalGet(self.held),
        ]);
        for register in arguments {
            self.get_word(*register);
        }
        let (helper, places) = match arguments.len() {
            0..=2 => (Helper::Host, 2),
            _ => (Helper::HostLong, HostCall::MOST),
        };
        self.emit(std::iter::repeat_n(Instruction::I64Const(0), places.saturating_sub(arguments.len())));
        self.emit([Instruction::Call(Plan::helper(helper)), Instruction::LocalSet(self.fuel)]);
        if noted {
            self.end();
        }
        if let Some(result) = result {
            self.take(result);
        }
        self.came_back(p);
    }

    /// A register as a word.
    fn get_word(&mut self, register: Register) {
        let local = self.register(register);
        self.get_visible(local);
        if self.is_float(local) {
            self.emit([Instruction::I64ReinterpretF64]);
        }
    }

    /// Notes an action, where one more may be noted: then goes behind the block that this opens.
    fn note(&mut self, call: HostCall, arguments: &[Register]) -> Option<()> {
        use Instruction as I;
        let (charge, shares) = self.plan.program.charge_of(call)?;
        let places = self.plan.places;
        let allowed = places.allowed.saturating_add(u64::from(call.site).saturating_mul(8));
        let [count, _, _] = self.scratch;
        let behind = self.block(I::Block(BlockType::Empty));
        let asks = self.block(I::Block(BlockType::Empty));
        self.emit([I::I32Const(0), I::I64Load(at(NOTED)), I::LocalTee(count)]);
        self.emit([I::I32Const(0), I::I64Load(at(allowed)), I::I64GeU]);
        let out = self.to(asks);
        self.emit([I::BrIf(out)]);
        if self.plan.metered {
            let due = charge.saturating_add(call.due.into());
            self.emit([I::LocalGet(self.fuel), I::I64Const(due), I::I64LtS, I::BrIf(out)]);
        }
        // An object of the arena is marked as shared there.
        for (register, at) in arguments.iter().zip(0_u32..) {
            if shares.wrapping_shr(at) & 1 != 0 {
                self.get(*register);
                self.emit([I::I64Const(32), I::I64ShrU, I::I64Eqz, I::BrIf(out)]);
            }
        }
        let size = i32::try_from(NOTE_BYTES).unwrap_or(0);
        self.emit([
            I::LocalGet(count),
            I::I32WrapI64,
            I::I32Const(size),
            I::I32Mul,
            I::LocalTee(self.address),
        ]);
        self.emit([I::I64Const(call.site.into()), I::I64Store(at(places.notes))]);
        let mut place = places.notes.saturating_add(8);
        self.emit([
            I::LocalGet(self.address),
            I::LocalGet(self.fuel),
            I::I64Const(call.due.into()),
            I::I64Sub,
        ]);
        self.emit([I::I64Store(at(place))]);
        for register in arguments {
            place = place.saturating_add(8);
            self.emit([I::LocalGet(self.address)]);
            self.get_word(*register);
            self.emit([I::I64Store(at(place))]);
        }
        self.emit([I::I32Const(0), I::LocalGet(count), I::I64Const(1), I::I64Add, I::I64Store(at(NOTED))]);
        self.emit([I::LocalGet(self.fuel), I::I64Const(charge), I::I64Sub, I::LocalSet(self.fuel)]);
        let over = self.to(behind);
        self.emit([I::Br(over)]);
        self.end();
        Some(())
    }

    /// At the start of a function that was called: whether there is room for its frame, and fuel for what it
    /// begins with.
    pub(super) fn arrive(&mut self) {
        self.emit([Instruction::LocalGet(self.held), Instruction::GlobalGet(CALM), Instruction::I64GtS]);
        self.seldom();
        self.emit([
            Instruction::LocalGet(self.held),
            Instruction::Call(Plan::helper(Helper::Rise)),
            Instruction::LocalSet(self.flag),
        ]);
        self.emit([
            Instruction::I32Const(0),
            Instruction::LocalGet(self.fuel),
            Instruction::I64Store(at(FUEL)),
            Instruction::I64Const(REFUSED),
        ]);
        self.no_result();
        self.emit([Instruction::LocalGet(self.flag), Instruction::I32Eqz]);
        // The function's own block: to go behind it is to return.
        let out = self.depth;
        self.hints.push((self.code.len(), true));
        self.emit([Instruction::BrIf(out), Instruction::Drop]);
        if self.plan.result_type(self.function).is_some() {
            self.emit([Instruction::Drop]);
        }
        self.end();
        self.cover(0);
    }

    /// A call of another function.
    pub(super) fn call(
        &mut self,
        p: usize,
        result: Option<Register>,
        callee: usize,
        arguments: &[Register],
    ) -> Option<()> {
        self.settle(p);
        let other = self.plan.module.functions.get(callee)?;
        let bytes = swarm_bytecode::cost::frame_bytes(u64::try_from(other.registers.len()).ok()?);
        let frame = i64::try_from(bytes).ok()?.saturating_mul(FRAME).saturating_add(1);
        let due = if self.plan.metered { i64::from(self.layout.charge(p)) } else { 0 };
        let given = self.plan.result_type(other);
        let [back, integer, _] = self.scratch;
        let value = if given == Some(ValType::F64) { self.float_scratch } else { integer };
        let plan = self.plan;
        let quick = plan.quick.get(callee).and_then(Option::as_ref);
        if let Some(quick) = quick {
            self.quick_call((other, quick), arguments, (frame, due), (back, value))?;
        }
        self.emit([
            Instruction::LocalGet(self.fuel),
            Instruction::I64Const(due),
            Instruction::I64Sub,
            Instruction::LocalGet(self.held),
            Instruction::I64Const(frame),
            Instruction::I64Add,
        ]);
        for register in arguments {
            let local = self.register(*register);
            self.get_visible(local);
        }
        self.emit([Instruction::Call(self.plan.inner(callee))]);
        if given.is_some() {
            self.emit([Instruction::LocalSet(value)]);
        }
        self.emit([Instruction::LocalSet(back)]);
        if quick.is_some() {
            self.end();
        }
        self.returned(p, due, result.filter(|_| given.is_some()).map(|result| (result, value)));
        Some(())
    }

    /// Behind a call: the fuel came back in a local. The result is a register's once it is clear that there
    /// is one.
    fn returned(&mut self, p: usize, due: i64, result: Option<(Register, u32)>) {
        let [back, _, _] = self.scratch;
        let next = p.saturating_add(1);
        let ahead = if self.plan.metered { self.ahead.at(next) } else { 0 };
        let least = ahead.saturating_sub(due).max(0);
        self.emit([Instruction::LocalGet(back), Instruction::I64Const(least), Instruction::I64LtS]);
        self.seldom();
        // A function that was refused took no frame: this op is still to be done.
        self.emit([
            Instruction::I32Const(0),
            Instruction::I64Load(at(FUEL)),
            Instruction::I64Const(due),
            Instruction::I64Add,
            Instruction::LocalGet(back),
            Instruction::LocalGet(back),
            Instruction::I64Const(REFUSED),
            Instruction::I64Eq,
            Instruction::Select,
            Instruction::LocalSet(self.fuel),
            Instruction::LocalGet(back),
            Instruction::I64Const(REFUSED),
            Instruction::I64LeS,
        ]);
        self.leave_if(p);
        if least > 0 {
            self.go_on(back, due, result);
            self.look(next, ahead, false);
            let fuel = self.fuel;
            self.emit([Instruction::LocalGet(fuel), Instruction::I64Const(due), Instruction::I64Sub]);
            self.emit([Instruction::LocalSet(back)]);
            if let Some((result, value)) = result {
                self.emit([Instruction::LocalGet(self.register(result)), Instruction::LocalSet(value)]);
            }
        }
        self.end();
        self.go_on(back, due, result);
        self.covered = least.saturating_add(due);
    }

    /// What holds behind a call that was carried out.
    fn go_on(&mut self, back: u32, due: i64, result: Option<(Register, u32)>) {
        self.emit([Instruction::LocalGet(back), Instruction::I64Const(due), Instruction::I64Add]);
        self.emit([Instruction::LocalSet(self.fuel)]);
        if let Some((result, value)) = result {
            self.emit([Instruction::LocalGet(value)]);
            self.set(result);
        }
    }

    /// What a function that left gives in its result's place.
    pub(super) fn no_result(&mut self) {
        match self.plan.result_type(self.function) {
            Some(ValType::F64) => self.emit([Instruction::F64Const(0.0.into())]),
            Some(_) => self.emit([Instruction::I64Const(0)]),
            None => {}
        }
    }

    /// The end of the function.
    pub(super) fn finish(&mut self, p: usize, value: Option<Register>) {
        if self.layout.withins(p) > 0 {
            self.leave(p);
            self.never();
            return;
        }
        self.settle(p);
        let due = i64::from(self.layout.charge(p));
        if let (Some(value), Use::Entered) = (value, self.role) {
            let local = self.register(value);
            self.emit([Instruction::I32Const(0)]);
            self.get_visible(local);
            let store = self.store_of(local, at(VALUE));
            self.emit([store]);
        }
        self.emit([Instruction::LocalGet(self.fuel)]);
        if self.plan.metered {
            self.emit([Instruction::I64Const(due), Instruction::I64Sub]);
        }
        if let (Some(value), Use::Called) = (value, self.role) {
            let local = self.register(value);
            self.get_visible(local);
        }
        self.emit([Instruction::Return]);
        self.never();
    }

    /// A value given to the program.
    pub(super) fn given(&mut self, result: Register, base: u64, index: usize) {
        let offset = u64::try_from(index).unwrap_or(0).saturating_mul(8).saturating_add(base);
        let local = self.register(result);
        self.load(0, offset, local);
        self.forget(result);
    }
}
