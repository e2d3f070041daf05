//! One function in WebAssembly.
//!
//! Registers are locals. `F` of the fuel rules is a local too and changes on the same edges as in the
//! interpreter, so at every op it is what the interpreter would have. Whatever this code does not do itself
//! it leaves to a helper that carries out that one op, or to the interpreter: then all registers are written
//! down and the frame is left.
//!
//! A function that is entered in its midst skips what stands before the op it goes on with: blocks that do
//! not hold that op are jumped over, of the others the right arm is taken. An innermost loop pays nothing for
//! that.

mod blocks;
mod calls;
mod fill;
mod floats;
mod fuel;
mod loops;
mod objects;
mod quick;
mod sure;
mod tight;
mod values;

use swarm_bytecode::layout::Layout;
use swarm_bytecode::module::Function as Source;
use swarm_bytecode::op::Register;
use wasm_encoder::{BlockType, BranchHint, Function, Instruction, MemArg, ValType};

use crate::layout::{FUEL, LEFT, REGISTERS, TOP, VALUE};
use crate::module::{Plan, count};
use crate::ranges::Ranges;
use blocks::Open;
pub(crate) use blocks::ends_round;
use floats::Chain;
use fuel::{Ahead, NEVER, UNKNOWN};
use objects::Lists;
pub(crate) use quick::Quick;
use tight::Tight;

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
    /// Branches of which one way is seldom taken, and whether that is the other one.
    hints: Vec<(usize, bool)>,
    /// The block around what is seldom, if that is where we are.
    cold: Option<Label>,
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
    ahead: Ahead,
    /// `F` is at least this; what is more is not known.
    covered: i64,
    /// Whether any way leads here.
    is_reached: bool,
    /// Between which bounds registers lie.
    ranges: Ranges,
    /// Floats that may be −0 in their locals, where nobody sees it.
    signed: Vec<bool>,
    /// Registers that are only ever set to one constant.
    constants: Vec<bool>,
    /// Float ops whose results are not looked at yet.
    chain: Option<Chain>,
    /// Lists whose headers a loop knows.
    lists: Lists,
    /// The inner of two loops, if one is open.
    tight: Option<Tight>,
    scratch: [u32; 3],
    float_scratch: u32,
    address: u32,
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
            hints: Vec::new(),
            cold: None,
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
            ahead: Ahead::of(&function.code, layout, &plan.quick),
            covered: UNKNOWN,
            is_reached: true,
            ranges: Ranges::of(function),
            signed: floats::signed(function),
            constants: values::constants(function),
            chain: None,
            lists: Lists::default(),
            tight: None,
            scratch: [0; 3],
            float_scratch: 0,
            address: 0,
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
        body.address = body.local(ValType::I32);
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
        self.cold = self.cold.filter(|label| *label < self.depth);
    }

    /// The other arm of an `if`, which is not seldom.
    fn other_arm(&mut self) {
        self.emit([Instruction::Else]);
        self.cold = self.cold.filter(|label| label.saturating_add(1) < self.depth);
    }

    fn to(&self, label: Label) -> u32 {
        self.depth.saturating_sub(1).saturating_sub(label)
    }

    /// The function, and its branches that are seldom taken.
    pub(crate) fn translate(mut self) -> Option<(Function, Vec<BranchHint>)> {
        self.exit = self.block(Instruction::Block(BlockType::Empty));
        if self.role == Use::Entered {
            self.begin_at_start();
            for (register, local) in (0u64..).zip(self.registers.clone()) {
                self.load(0, REGISTERS.saturating_add(register.saturating_mul(8)), local);
            }
        }
        if self.role == Use::Called {
            self.ranges.begin(usize::from(self.function.parameters));
            self.arrive();
        }
        let function = self.function;
        for (p, op) in function.code.iter().enumerate() {
            self.op(p, op)?;
        }
        self.close_guard();
        self.emit([Instruction::Unreachable]);
        self.end();
        self.write_down();
        self.emit([Instruction::I64Const(LEFT)]);
        if self.role == Use::Called {
            self.no_result();
        }
        self.emit([Instruction::End]);
        let mut made = Function::new_with_locals_types(self.locals);
        let (mut hints, mut own) = (Vec::new(), self.hints.into_iter().peekable());
        for (at, instruction) in self.code.iter().enumerate() {
            if let Some((_, taken)) = own.next_if(|(own, _)| *own == at) {
                let branch_func_offset = count(made.byte_len());
                hints.push(BranchHint { branch_func_offset, branch_hint_value: taken.into() });
            }
            made.instruction(instruction);
        }
        Some((made, hints))
    }

    /// Entered at its start, a function does what it does where it is called, which pays for no way into its
    /// midst.
    fn begin_at_start(&mut self) {
        self.emit([Instruction::LocalGet(self.at), Instruction::I32Eqz]);
        self.block(Instruction::If(BlockType::Empty));
        self.emit([Instruction::LocalGet(self.fuel), Instruction::LocalGet(self.held)]);
        for register in 0..usize::from(self.function.parameters) {
            let place = at(REGISTERS.saturating_add(u64::from(count(register)).saturating_mul(8)));
            let float = self.plan.value_type(self.function, register) == ValType::F64;
            self.emit([Instruction::I32Const(0)]);
            self.emit([if float { Instruction::F64Load(place) } else { Instruction::I64Load(place) }]);
        }
        self.emit([Instruction::Call(self.plan.inner(self.index))]);
        match self.plan.result_type(self.function) {
            Some(ValType::F64) => self.keep_value(self.float_scratch),
            Some(_) => self.keep_value(self.scratch[1]),
            None => {}
        }
        self.emit([Instruction::Return]);
        self.end();
    }

    /// Puts the value on the stack where the one who entered looks for it.
    fn keep_value(&mut self, value: u32) {
        let store = self.store_of(value, at(VALUE));
        self.emit([
            Instruction::LocalSet(value),
            Instruction::I32Const(0),
            Instruction::LocalGet(value),
            store,
        ]);
    }

    /// Notes the frame and where it stands.
    fn write_down(&mut self) {
        let top = TOP;
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
            self.emit([Instruction::GlobalGet(top)]);
            self.get_visible(local);
            let store = self.store_of(local, at(offset));
            self.emit([store]);
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

    fn type_of(&self, local: u32) -> ValType {
        let own = local
            .checked_sub(self.parameters)
            .map(|own| self.locals.get(usize::try_from(own).unwrap_or(usize::MAX)));
        match (own, self.role) {
            (Some(ty), _) => ty.copied().unwrap_or(ValType::I64),
            // A parameter that is a register, or one of those before it.
            (None, Use::Called) => match local.checked_sub(2).and_then(|at| usize::try_from(at).ok()) {
                Some(register) => self.plan.value_type(self.function, register),
                None => ValType::I64,
            },
            (None, Use::Entered) => {
                if local == self.at {
                    ValType::I32
                } else {
                    ValType::I64
                }
            }
        }
    }

    fn is_float(&self, local: u32) -> bool {
        self.type_of(local) == ValType::F64
    }

    fn store_of(&self, local: u32, place: MemArg) -> Instruction<'static> {
        match self.type_of(local) {
            ValType::F64 => Instruction::F64Store(place),
            ValType::I32 => Instruction::I32Store(MemArg { align: 2, ..place }),
            _ => Instruction::I64Store(place),
        }
    }

    /// A local from an address below all that grows.
    fn load(&mut self, base: i32, offset: u64, local: u32) {
        let load = match self.type_of(local) {
            ValType::F64 => Instruction::F64Load(at(offset)),
            ValType::I32 => Instruction::I32Load(MemArg { align: 2, ..at(offset) }),
            _ => Instruction::I64Load(at(offset)),
        };
        self.emit([Instruction::I32Const(base), load, Instruction::LocalSet(local)]);
    }

    fn register(&self, register: Register) -> u32 {
        self.registers.get(usize::from(register.0)).copied().unwrap_or(0)
    }

    fn get(&mut self, register: Register) {
        let local = self.register(register);
        let known = self.ranges.get(register).constant().filter(|_| self.type_of(local) == ValType::I64);
        self.emit([known.map_or(Instruction::LocalGet(local), Instruction::I64Const)]);
    }

    fn set(&mut self, register: Register) {
        let local = self.register(register);
        self.forget(register);
        self.emit([Instruction::LocalSet(local)]);
    }

    fn forget(&mut self, register: Register) {
        self.ranges.forget(register);
    }

    /// Ways meet here.
    fn turn(&mut self) {
        self.covered = UNKNOWN;
        self.is_reached = true;
        self.ranges.turn();
    }

    /// No way leads on from here.
    fn never(&mut self) {
        self.covered = NEVER;
        self.is_reached = false;
    }

    /// Opens a block for what is seldom, if the number on the stack is not 0.
    fn seldom(&mut self) {
        self.hints.push((self.code.len(), false));
        let label = self.block(Instruction::If(BlockType::Empty));
        self.cold.get_or_insert(label);
    }

    /// Leaves at an op of which nothing has happened.
    fn leave(&mut self, p: usize) {
        self.find_fuel();
        let exit = self.to(self.exit);
        self.emit([Instruction::I32Const(number(p)), Instruction::LocalSet(self.op), Instruction::Br(exit)]);
    }

    /// Leaves if the number on the stack is not 0. In code that is seldom come to, what follows is seldom too.
    fn leave_if(&mut self, p: usize) {
        if self.is_even() {
            self.seldom();
            self.leave(p);
            self.end();
            return;
        }
        let exit = self.to(self.exit);
        self.emit([Instruction::I32Const(number(p)), Instruction::LocalSet(self.op)]);
        self.hints.push((self.code.len(), self.cold.is_some()));
        self.emit([Instruction::BrIf(exit)]);
    }

    /// A local as others see it: no float is −0 for them.
    fn get_visible(&mut self, local: u32) {
        self.emit([Instruction::LocalGet(local)]);
        let register = self.registers.iter().position(|own| *own == local);
        if register.is_some_and(|at| self.signed.get(at).copied().unwrap_or(false)) {
            self.emit([Instruction::F64Const(0.0.into()), Instruction::F64Add]);
        }
    }

    /// Whether a register has one value wherever it has any, so that nothing has to keep it.
    fn is_constant(&self, register: Register) -> bool {
        let once = self.constants.get(usize::from(register.0)).copied().unwrap_or(false);
        once || self.ranges.get(register).constant().is_some()
    }
}
