//! One function in WebAssembly.
//!
//! Registers are locals. `F` of the fuel rules is a local too and changes on the same edges as in the interpreter, so at
//! every op it is what the interpreter would have. Whatever this code does not do itself it leaves to a helper that
//! carries out that one op, or to the interpreter: then all registers are written down and the frame is left.
//!
//! A function that is entered in its midst skips what stands before the op it goes on with: blocks that do not hold
//! that op are jumped over, of the others the right arm is taken. An innermost loop pays nothing for that.

mod blocks;
mod values;

use swarm_bytecode::layout::Layout;
use swarm_bytecode::module::Function as Source;
use swarm_bytecode::op::{Flow, Op, Operand, OperandKind, Register, Settle};
use swarm_vm::tier::OpAt;
use wasm_encoder::{BlockType, Function, Instruction, MemArg, ValType};

use crate::layout::{CALM, DUE, FUEL, GIVEN, LEFT, REGISTERS, SCRATCH, VALUE};
use crate::module::{HOST_ARGUMENTS, Helper, Plan, count};
use crate::ranges::Ranges;
use blocks::Open;

/// How a function is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// Called by compiled code: arguments are parameters.
    Called,
    /// Entered from outside, at any op where the interpreter may have stopped: registers lie in memory.
    Entered,
}

/// A WebAssembly block that is open, counted from outside.
pub(crate) type Label = u32;

pub(crate) struct Body<'p> {
    plan: &'p Plan<'p>,
    index: usize,
    function: &'p Source,
    layout: &'p Layout,
    role: Use,
    code: Vec<Instruction<'static>>,
    /// Types of the locals beyond the parameters.
    locals: Vec<ValType>,
    parameters: u32,
    /// Local of each register.
    registers: Vec<u32>,
    at: u32,
    fuel: u32,
    held: u32,
    /// The op to leave at.
    op: u32,
    depth: u32,
    exit: Label,
    open: Vec<Open>,
    /// Ops at which the function may be entered.
    points: Vec<usize>,
    /// The block around code that is skipped when the function is entered behind it.
    guard: bool,
    /// What of the region's fuel was looked at on the straight way here.
    covered: Option<u32>,
    /// Between which bounds registers lie.
    ranges: Ranges,
    scratch: [u32; 3],
    float_scratch: u32,
    flag: u32,
}

pub(crate) fn at(offset: u64) -> MemArg {
    MemArg { offset, align: 3, memory_index: 0 }
}

pub(crate) fn in_arena(offset: u64) -> MemArg {
    MemArg { offset, align: 3, memory_index: 1 }
}

pub(crate) fn number(op: usize) -> i32 {
    i32::try_from(op).unwrap_or(i32::MAX)
}

impl<'p> Body<'p> {
    pub(crate) fn new(
        plan: &'p Plan<'p>,
        index: usize,
        function: &'p Source,
        layout: &'p Layout,
        role: Use,
    ) -> Body<'p> {
        let own = usize::from(function.parameters);
        let (parameters, at, fuel) = match role {
            Use::Called => (count(own.saturating_add(2)), u32::MAX, 0),
            Use::Entered => (3, 0, 1),
        };
        let mut body = Body {
            plan,
            index,
            function,
            layout,
            role,
            code: Vec::new(),
            locals: Vec::new(),
            parameters,
            registers: Vec::new(),
            at,
            fuel,
            held: fuel.saturating_add(1),
            op: 0,
            depth: 0,
            exit: 0,
            open: Vec::new(),
            points: Vec::new(),
            guard: false,
            covered: None,
            ranges: Ranges::of(function),
            scratch: [0; 3],
            float_scratch: 0,
            flag: 0,
        };
        for register in 0..function.registers.len() {
            let local = match role {
                Use::Called if register < own => count(register.saturating_add(2)),
                _ => body.local(plan.value_type(function, register)),
            };
            body.registers.push(local);
        }
        body.op = body.local(ValType::I32);
        body.flag = body.local(ValType::I32);
        body.float_scratch = body.local(ValType::F64);
        body.scratch = [ValType::I64, ValType::I64, ValType::I64].map(|ty| body.local(ty));
        if role == Use::Entered {
            body.points = body.find_points();
        }
        body
    }

    fn local(&mut self, ty: ValType) -> u32 {
        self.locals.push(ty);
        self.parameters.saturating_add(count(self.locals.len())).saturating_sub(1)
    }

    fn emit(&mut self, instructions: impl IntoIterator<Item = Instruction<'static>>) {
        self.code.extend(instructions);
    }

    fn block(&mut self, instruction: Instruction<'static>) -> Label {
        self.emit([instruction]);
        self.depth = self.depth.saturating_add(1);
        self.depth.saturating_sub(1)
    }

    fn end(&mut self) {
        self.emit([Instruction::End]);
        self.depth = self.depth.saturating_sub(1);
    }

    fn to(&self, label: Label) -> u32 {
        self.depth.saturating_sub(1).saturating_sub(label)
    }

    pub(crate) fn translate(mut self) -> Option<Function> {
        self.exit = self.block(Instruction::Block(BlockType::Empty));
        if self.role == Use::Entered {
            for (register, local) in (0u64..).zip(self.registers.clone()) {
                self.load(0, REGISTERS.saturating_add(register.saturating_mul(8)), local);
            }
        }
        let function = self.function;
        for (p, op) in function.code.iter().enumerate() {
            self.op(p, op)?;
        }
        self.close_guard();
        self.emit([Instruction::Unreachable]);
        self.end();
        self.write_down();
        let result = self.plan.result_type(self.function).filter(|_| self.role == Use::Called);
        self.emit([Instruction::I64Const(LEFT)]);
        match result {
            Some(ValType::F64) => self.emit([Instruction::F64Const(0.0.into())]),
            Some(_) => self.emit([Instruction::I64Const(0)]),
            None => {}
        }
        self.emit([Instruction::End]);
        let mut made = Function::new_with_locals_types(self.locals);
        for instruction in &self.code {
            made.instruction(instruction);
        }
        Some(made)
    }

    /// Notes the frame and where it stands.
    fn write_down(&mut self) {
        let top = 0;
        let size = self.registers.len().saturating_mul(8).saturating_add(8);
        let mut offset = self.plan.places.log;
        let word = MemArg { offset, align: 2, memory_index: 0 };
        let next = MemArg { offset: offset.saturating_add(4), align: 2, memory_index: 0 };
        self.emit([
            Instruction::GlobalGet(top),
            Instruction::I32Const(number(self.index)),
            Instruction::I32Store(word),
            Instruction::GlobalGet(top),
            Instruction::LocalGet(self.op),
            Instruction::I32Store(next),
        ]);
        for local in self.registers.clone() {
            offset = offset.saturating_add(8);
            self.emit([
                Instruction::GlobalGet(top),
                Instruction::LocalGet(local),
                self.store_of(local, at(offset)),
            ]);
        }
        self.emit([
            Instruction::GlobalGet(top),
            Instruction::I32Const(number(size)),
            Instruction::I32Add,
            Instruction::GlobalSet(top),
        ]);
        // The frame that left first knows the fuel.
        self.emit([Instruction::LocalGet(self.fuel), Instruction::I64Const(LEFT), Instruction::I64Ne]);
        self.block(Instruction::If(BlockType::Empty));
        self.emit([
            Instruction::I32Const(0),
            Instruction::LocalGet(self.fuel),
            Instruction::I64Store(at(FUEL)),
        ]);
        self.end();
    }

    fn is_float(&self, local: u32) -> bool {
        let own = local.checked_sub(self.parameters);
        match own.and_then(|own| self.locals.get(usize::try_from(own).ok()?)) {
            Some(ty) => *ty == ValType::F64,
            // A parameter that is a register.
            None => local
                .checked_sub(2)
                .and_then(|register| usize::try_from(register).ok())
                .is_some_and(|register| self.plan.value_type(self.function, register) == ValType::F64),
        }
    }

    fn store_of(&self, local: u32, place: MemArg) -> Instruction<'static> {
        if self.is_float(local) { Instruction::F64Store(place) } else { Instruction::I64Store(place) }
    }

    /// A local from an address below all that grows.
    fn load(&mut self, base: i32, offset: u64, local: u32) {
        let load = if self.is_float(local) {
            Instruction::F64Load(at(offset))
        } else {
            Instruction::I64Load(at(offset))
        };
        self.emit([Instruction::I32Const(base), load, Instruction::LocalSet(local)]);
    }

    fn register(&self, register: Register) -> u32 {
        self.registers.get(usize::from(register.0)).copied().unwrap_or(0)
    }

    fn get(&mut self, register: Register) {
        let local = self.register(register);
        self.emit([Instruction::LocalGet(local)]);
    }

    fn set(&mut self, register: Register) {
        let local = self.register(register);
        self.forget(register);
        self.emit([Instruction::LocalSet(local)]);
    }

    fn forget(&mut self, register: Register) {
        self.ranges.forget(register);
    }

    /// The straight way ends here.
    fn turn(&mut self) {
        self.covered = None;
        self.ranges.turn();
    }

    /// Leaves at an op of which nothing has happened.
    fn leave(&mut self, p: usize) {
        let exit = self.to(self.exit);
        self.emit([Instruction::I32Const(number(p)), Instruction::LocalSet(self.op), Instruction::Br(exit)]);
    }

    /// Leaves if the number on the stack is not 0.
    fn leave_if(&mut self, p: usize) {
        self.block(Instruction::If(BlockType::Empty));
        self.leave(p);
        self.end();
    }

    /// What a step does to `F`.
    fn step_fuel(&mut self, from: usize, to: usize) {
        let edge = i64::from(self.layout.edge(from, to));
        if edge != 0 && self.plan.metered {
            self.emit([
                Instruction::LocalGet(self.fuel),
                Instruction::I64Const(edge),
                Instruction::I64Add,
                Instruction::LocalSet(self.fuel),
            ]);
        }
    }

    /// Rule F3: looks whether the fuel is there, for this op and all that must follow it. Where only these are not
    /// covered, the interpreter finds out which.
    fn settle(&mut self, p: usize) {
        let own = self.layout.charge(p);
        if !self.plan.metered || self.covered.is_some_and(|covered| covered >= own) {
            return;
        }
        let due = self.straight_on(p);
        self.settle_for(p, due.into());
        self.covered = Some(due);
    }

    /// Looks whether there is so much fuel.
    fn settle_for(&mut self, p: usize, due: i64) {
        if !self.plan.metered {
            return;
        }
        self.emit([Instruction::LocalGet(self.fuel), Instruction::I64Const(due), Instruction::I64LtS]);
        self.block(Instruction::If(BlockType::Empty));
        self.emit([
            Instruction::I64Const(due),
            Instruction::LocalGet(self.fuel),
            Instruction::Call(Plan::helper(Helper::Look)),
            Instruction::LocalTee(self.scratch_at(0)),
            Instruction::I64Const(LEFT),
            Instruction::I64Eq,
        ]);
        self.leave_if(p);
        self.emit([Instruction::LocalGet(self.scratch_at(0)), Instruction::LocalSet(self.fuel)]);
        self.end();
    }

    /// What a loop's op needs so that the fuel covers the straight way into its body as well.
    fn due_of_round(&self, p: usize, body: usize) -> i64 {
        let inside = i64::from(self.straight_on(body)).saturating_sub(self.layout.edge(p, body).into());
        inside.max(self.layout.charge(p).into())
    }

    /// Settles a loop's closing op. It calls no helper, which would cost the loop its registers: where the fuel does not
    /// reach, the run leaves and comes back here.
    fn settle_round(&mut self, p: usize, body: usize) {
        if !self.plan.metered {
            return;
        }
        let due = self.due_of_round(p, body);
        self.emit([Instruction::LocalGet(self.fuel), Instruction::I64Const(due), Instruction::I64LtS]);
        self.block(Instruction::If(BlockType::Empty));
        self.emit([
            Instruction::I32Const(0),
            Instruction::I64Const(due.saturating_add(1)),
            Instruction::I64Store(at(DUE)),
        ]);
        self.leave(p);
        self.end();
    }

    fn float_scratch(&self) -> u32 {
        self.float_scratch
    }

    fn scratch_at(&self, at: usize) -> u32 {
        self.scratch.get(at).copied().unwrap_or(0)
    }

    /// The most that is due at settling ops from here to where the way parts, or `F` changes by what is not known.
    fn straight_on(&self, from: usize) -> u32 {
        let mut due = self.layout.charge(from);
        for (p, op) in self.function.code.iter().enumerate().skip(from) {
            let info = op.info();
            if info.settle == Settle::Yes || values::is_small_native(op) {
                due = due.max(self.layout.charge(p));
            } else if info.settle == Settle::Dynamic {
                break;
            }
            if info.flow != Flow::Next {
                break;
            }
        }
        due
    }

    /// Leaves one op to a helper that does what the interpreter does.
    fn by_helper(&mut self, p: usize, op: &Op) {
        let (mut read, mut written) = (Vec::new(), Vec::new());
        op.visit_operands(|_, kind, operand| match (kind, operand) {
            (OperandKind::Destination(_), Operand::Register(register)) => written.push(register),
            (_, Operand::Register(register)) => read.push(register),
            (_, Operand::Registers(registers)) => read.extend_from_slice(registers),
            _ => {}
        });
        self.call_helper(
            p,
            &read,
            &written,
            i32::from(!values::only_adds(self.plan.module, self.function, op)),
        );
    }

    fn call_helper(&mut self, p: usize, read: &[Register], written: &[Register], kind: i32) {
        for register in read.iter().chain(written) {
            self.put(*register);
        }
        self.emit([
            Instruction::I32Const(number(self.index)),
            Instruction::I32Const(number(p)),
            Instruction::LocalGet(self.fuel),
            Instruction::LocalGet(self.held),
            Instruction::I32Const(kind),
            Instruction::Call(Plan::helper(Helper::Step)),
            Instruction::LocalSet(self.fuel),
        ]);
        for register in written {
            self.take(*register);
        }
        self.left(p);
        self.covered = None;
    }

    /// Leaves if a helper said so.
    fn left(&mut self, p: usize) {
        self.emit([Instruction::LocalGet(self.fuel), Instruction::I64Const(LEFT), Instruction::I64Eq]);
        self.leave_if(p);
    }

    /// Puts a register where helpers find it.
    fn put(&mut self, register: Register) {
        let local = self.register(register);
        let place = at(SCRATCH.saturating_add(u64::from(register.0).saturating_mul(8)));
        self.emit([Instruction::I32Const(0), Instruction::LocalGet(local), self.store_of(local, place)]);
    }

    fn take(&mut self, register: Register) {
        let local = self.register(register);
        self.forget(register);
        self.load(0, SCRATCH.saturating_add(u64::from(register.0).saturating_mul(8)), local);
    }

    /// A host call. One with many arguments is an op like any other.
    fn host(&mut self, p: usize, op: &Op, result: Option<Register>, arguments: &[Register]) {
        if arguments.len() > HOST_ARGUMENTS {
            return self.by_helper(p, op);
        }
        self.settle(p);
        if let Some(result) = result {
            self.put(result);
        }
        let word = self.plan.program.word_of(OpAt { function: self.plan.small(self.index), op: count(p) });
        self.emit([
            Instruction::I32Const(word.cast_signed()),
            Instruction::LocalGet(self.fuel),
            Instruction::LocalGet(self.held),
        ]);
        for register in arguments {
            self.get(*register);
            if self.is_float(self.register(*register)) {
                self.emit([Instruction::I64ReinterpretF64]);
            }
        }
        let missing = HOST_ARGUMENTS.saturating_sub(arguments.len());
        self.emit(std::iter::repeat_n(Instruction::I64Const(0), missing));
        self.emit([Instruction::Call(Plan::helper(Helper::Host)), Instruction::LocalSet(self.fuel)]);
        if let Some(result) = result {
            self.take(result);
        }
        self.left(p);
        self.covered = None;
    }

    /// A call of another function.
    fn call(
        &mut self,
        p: usize,
        result: Option<Register>,
        callee: usize,
        arguments: &[Register],
    ) -> Option<()> {
        self.settle(p);
        let other = self.plan.module.functions.get(callee)?;
        let bytes = swarm_bytecode::cost::frame_bytes(u64::try_from(other.registers.len()).ok()?);
        let frame = i64::try_from(bytes).ok()?.saturating_add(1 << 32);
        let [held, _, _] = self.scratch;
        self.emit([
            Instruction::I32Const(0),
            Instruction::I64Load(at(CALM)),
            Instruction::LocalGet(self.held),
            Instruction::I64Const(frame),
            Instruction::I64Add,
            Instruction::LocalTee(held),
            Instruction::I64Sub,
            Instruction::I64Const(0x8000_0000_8000_0000_u64.cast_signed()),
            Instruction::I64And,
            Instruction::I64Eqz,
            Instruction::I32Eqz,
        ]);
        self.block(Instruction::If(BlockType::Empty));
        self.emit([
            Instruction::LocalGet(held),
            Instruction::Call(Plan::helper(Helper::Rise)),
            Instruction::I32Eqz,
        ]);
        self.leave_if(p);
        self.end();
        self.emit([Instruction::LocalGet(self.fuel)]);
        if self.plan.metered {
            let due = i64::from(self.layout.charge(p));
            self.emit([Instruction::I64Const(due), Instruction::I64Sub]);
        }
        self.emit([Instruction::LocalGet(held)]);
        for register in arguments {
            self.get(*register);
        }
        self.emit([Instruction::Call(self.plan.inner(callee))]);
        let given = self.plan.result_type(other);
        match (given, result) {
            (Some(_), Some(result)) if self.is_float(self.register(result)) => {
                // Kept until it is clear that there is a result.
                let local = self.local(ValType::F64);
                self.emit([Instruction::LocalSet(local)]);
                self.returned(p);
                self.emit([Instruction::LocalGet(local)]);
                self.set(result);
            }
            (Some(_), Some(result)) => {
                let [_, value, _] = self.scratch;
                self.emit([Instruction::LocalSet(value)]);
                self.returned(p);
                self.emit([Instruction::LocalGet(value)]);
                self.set(result);
            }
            (Some(_), None) => {
                self.emit([Instruction::Drop]);
                self.returned(p);
            }
            (None, _) => self.returned(p),
        }
        self.covered = None;
        Some(())
    }

    /// Behind a call: the fuel is on the stack.
    fn returned(&mut self, p: usize) {
        self.emit([Instruction::LocalTee(self.fuel), Instruction::I64Const(0), Instruction::I64LtS]);
        self.leave_if(p);
        if self.plan.metered {
            let due = i64::from(self.layout.charge(p));
            self.emit([
                Instruction::LocalGet(self.fuel),
                Instruction::I64Const(due),
                Instruction::I64Add,
                Instruction::LocalSet(self.fuel),
            ]);
        }
    }

    /// The end of the function.
    fn finish(&mut self, p: usize, value: Option<Register>) {
        if self.layout.withins(p) > 0 {
            self.leave(p);
            return;
        }
        self.settle(p);
        let due = i64::from(self.layout.charge(p));
        if let (Some(value), Use::Entered) = (value, self.role) {
            let local = self.register(value);
            self.emit([
                Instruction::I32Const(0),
                Instruction::LocalGet(local),
                self.store_of(local, at(VALUE)),
            ]);
        }
        self.emit([Instruction::LocalGet(self.fuel)]);
        if self.plan.metered {
            self.emit([Instruction::I64Const(due), Instruction::I64Sub]);
        }
        if let (Some(value), Use::Called) = (value, self.role) {
            self.get(value);
        }
        self.emit([Instruction::Return]);
    }

    /// A value given to the program.
    fn given(&mut self, result: Register, base: u64, index: usize) {
        let offset = u64::try_from(index).unwrap_or(0).saturating_mul(8).saturating_add(base);
        let local = self.register(result);
        self.load(0, offset, local);
        self.forget(result);
    }

    fn input(&mut self, result: Register, index: usize) {
        self.given(result, GIVEN, index);
    }
}
