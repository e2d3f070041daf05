//! Functions that begin by asking whether there is anything to do: where there is not, the caller finds out
//! by itself and saves the call.

use swarm_bytecode::layout::Layout;
use swarm_bytecode::module::{Function, Module};
use swarm_bytecode::op::{Op, Operand, OperandKind, Register};
use swarm_bytecode::types::Type;
use wasm_encoder::{BlockType, Instruction, ValType};

use super::Body;
use crate::layout::CALM;

/// Most ops that are done in a caller.
const MOST_OPS: usize = 12;

/// How a function returns at once.
#[derive(Debug, Clone)]
pub(crate) struct Quick {
    /// The `if` that decides.
    decides: usize,
    condition: Register,
    /// The `return` in it.
    returns: usize,
    value: Option<Register>,
    /// What the function pays by then.
    due: i64,
}

fn is_small(op: &Op) -> bool {
    let loads = matches!(op, Op::Integer { .. } | Op::Zero { .. } | Op::Move { .. } | Op::Not { .. });
    loads || matches!(op, Op::EqInt { .. } | Op::NeInt { .. } | Op::LtInt { .. } | Op::LeInt { .. })
}

impl Quick {
    /// What a call needs whose callee returns at once.
    pub(super) fn due(&self) -> i64 {
        self.due
    }

    pub(crate) fn of(module: &Module, function: &Function, layout: &Layout) -> Option<Quick> {
        let code = &function.code;
        let decides = code.iter().position(|op| !is_small(op))?;
        let Op::If { condition } = code.get(decides)? else { return None };
        let inside = decides.saturating_add(1);
        let returns = code.iter().skip(inside).position(|op| !is_small(op))?.saturating_add(inside);
        let value = match code.get(returns)? {
            Op::Return {} => None,
            Op::ReturnValue { value } => Some(*value),
            _ => return None,
        };
        let due = i64::from(layout.charge(returns));
        let condition = *condition;
        // What is read is an argument, or was written here.
        let mut known: Vec<bool> =
            (0..function.registers.len()).map(|at| at < usize::from(function.parameters)).collect();
        // What is taken over leaves a zero behind.
        let mutable = |register: Register| {
            let ty = function.registers.get(usize::from(register.0)).and_then(|ty| module.ty(*ty));
            ty.is_some_and(Type::is_mutable)
        };
        let takes = |op: &Op| matches!(op, Op::Move { value, .. } if mutable(*value));
        let mut all = !code.iter().take(returns).any(takes);
        for op in code.iter().take(returns.saturating_add(1)) {
            let mut written = None;
            op.visit_operands(|_, kind, operand| match (kind, operand) {
                (OperandKind::Destination(_), Operand::Register(register)) => written = Some(register),
                (_, Operand::Register(register)) => {
                    all &= known.get(usize::from(register.0)).copied().unwrap_or(false);
                }
                _ => {}
            });
            if let Some(own) = written.and_then(|register| known.get_mut(usize::from(register.0))) {
                *own = true;
            }
        }
        (all && returns <= MOST_OPS).then_some(Quick { decides, condition, returns, value, due })
    }
}

/// Where a register of the function that is not called is found.
type Places = Vec<Option<u32>>;

impl Body<'_> {
    /// Does what a function begins with. Where nothing else is to do, the fuel comes back in `back`, and the
    /// result, if there is one, in `value`, and it goes behind the block that this opens. What follows in it
    /// is the call.
    pub(super) fn quick_call(
        &mut self,
        (callee, quick): (&Function, &Quick),
        arguments: &[Register],
        (frame, due): (i64, i64),
        (back, value): (u32, u32),
    ) -> Option<()> {
        use Instruction as I;
        let mut places: Places = vec![None; callee.registers.len()];
        for (argument, place) in arguments.iter().zip(&mut places) {
            let local = self.register(*argument);
            *place = Some(local);
            if self.is_float(local) {
                let own = self.local(ValType::F64);
                self.get_visible(local);
                self.emit([I::LocalSet(own)]);
                *place = Some(own);
            }
        }
        let behind = self.block(I::Block(BlockType::Empty));
        let calls = self.block(I::Block(BlockType::Empty));
        for op in callee.code.iter().take(quick.decides) {
            self.small(callee, op, &mut places)?;
        }
        self.read(quick.condition, &places)?;
        let out = self.to(calls);
        self.emit([I::I64Eqz, I::BrIf(out)]);
        self.emit([
            I::LocalGet(self.held),
            I::I64Const(frame),
            I::I64Add,
            I::GlobalGet(CALM),
            I::I64GtS,
            I::BrIf(out),
        ]);
        let least = quick.due.saturating_add(due);
        if self.plan.metered && self.covered < least {
            self.emit([I::LocalGet(self.fuel), I::I64Const(least), I::I64LtS, I::BrIf(out)]);
        }
        let inside = quick.decides.saturating_add(1);
        for op in callee.code.get(inside..quick.returns)? {
            self.small(callee, op, &mut places)?;
        }
        if let Some(result) = quick.value {
            self.read(result, &places)?;
            self.emit([I::LocalSet(value)]);
        }
        let paid = if self.plan.metered { due.saturating_add(quick.due) } else { 0 };
        self.emit([I::LocalGet(self.fuel), I::I64Const(paid), I::I64Sub, I::LocalSet(back)]);
        let over = self.to(behind);
        self.emit([I::Br(over)]);
        self.end();
        Some(())
    }

    fn read(&mut self, register: Register, places: &Places) -> Option<()> {
        let local = (*places.get(usize::from(register.0))?)?;
        self.emit([Instruction::LocalGet(local)]);
        Some(())
    }

    fn small(&mut self, callee: &Function, op: &Op, places: &mut Places) -> Option<()> {
        use Instruction as I;
        let compare = |op| [op, I::I64ExtendI32U];
        let result = match op {
            Op::Integer { result, value } => {
                self.emit([I::I64Const(*value)]);
                *result
            }
            Op::Zero { result } => {
                let float = self.plan.value_type(callee, usize::from(result.0)) == ValType::F64;
                self.emit([if float { I::F64Const(0.0.into()) } else { I::I64Const(0) }]);
                *result
            }
            Op::Move { result, value } => {
                self.read(*value, places)?;
                *result
            }
            Op::Not { result, value } => {
                self.read(*value, places)?;
                self.emit(compare(I::I64Eqz));
                *result
            }
            Op::EqInt { result, left, right }
            | Op::NeInt { result, left, right }
            | Op::LtInt { result, left, right }
            | Op::LeInt { result, left, right } => {
                self.read(*left, places)?;
                self.read(*right, places)?;
                self.emit(compare(match op {
                    Op::EqInt { .. } => I::I64Eq,
                    Op::NeInt { .. } => I::I64Ne,
                    Op::LtInt { .. } => I::I64LtS,
                    _ => I::I64LeS,
                }));
                *result
            }
            _ => return None,
        };
        let local = self.local(self.plan.value_type(callee, usize::from(result.0)));
        self.emit([I::LocalSet(local)]);
        *places.get_mut(usize::from(result.0))? = Some(local);
        Some(())
    }
}
