//! Values that may be NONE. The result of MIN and MAX is carried as a flag and a value; an optional is only made
//! of them where one is stored or passed.

use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::TypeId;

use super::function::{Generator, Hold, Home, Step, Value};
use crate::typed::{Aggregate, Expr, ExprKind, LocalId, Statement};

/// An optional in registers.
enum Optional {
    /// Whether there is a value, and the value if there is.
    Pair { found: Value, value: Value },
    /// An optional as such.
    Whole(Value),
}

impl Generator<'_, '_> {
    fn optional(&mut self, expr: &Expr) -> Step<Optional> {
        match &expr.kind {
            ExprKind::Aggregate {
                aggregate: Aggregate::Min | Aggregate::Max, value: Some(value), ..
            } => {
                let best = self.temporary_value(self.type_of(value))?;
                let found = self.extreme(expr, best.register)?;
                Ok(Optional::Pair { found, value: best })
            }
            _ => Ok(Optional::Whole(self.operand(expr)?)),
        }
    }

    /// Whether `expr` is not NONE, in `result` or in a temporary register.
    pub(crate) fn presence(&mut self, expr: &Expr, result: Option<Register>) -> Step<Value> {
        match (self.optional(expr)?, result) {
            (Optional::Pair { found, value }, None) => {
                self.release(value);
                Ok(found)
            }
            (Optional::Pair { found, value }, Some(result)) => {
                self.emit(Op::Move { result, value: found.register });
                self.release(value);
                self.release(found);
                Ok(Value { register: result, temporary: false })
            }
            (Optional::Whole(optional), result) => {
                let result = match result {
                    Some(register) => Value { register, temporary: false },
                    None => self.temporary_value(TypeId::BOOL)?,
                };
                self.emit(Op::IsSome { result: result.register, value: optional.register });
                self.release(optional);
                Ok(result)
            }
        }
    }

    /// `optional ?? otherwise`
    pub(crate) fn coalesce(
        &mut self,
        optional: &Expr,
        otherwise: &Expr,
        result: Register,
        ty: TypeId,
        hold: Hold,
    ) -> Step<()> {
        if let ExprKind::Aggregate { aggregate: Aggregate::Min | Aggregate::Max, .. } = optional.kind {
            let found = self.extreme(optional, result)?;
            self.emit(Op::If { condition: found.register });
            self.release(found);
        } else {
            let optional = self.operand(optional)?;
            self.open_present(optional)?;
            self.emit(Op::Unwrap { result, value: optional.register });
            self.release(optional);
        }
        self.emit(Op::Else {});
        self.put_typed(otherwise, result, ty, hold)?;
        self.emit(Op::End {});
        Ok(())
    }

    fn open_present(&mut self, optional: Value) -> Step<()> {
        let present = self.temporary(TypeId::BOOL)?;
        self.emit(Op::IsSome { result: present, value: optional.register });
        self.emit(Op::If { condition: present });
        self.registers.free(present);
        Ok(())
    }

    /// `IF LET local = optional`. Says whether the program can go on behind it.
    pub(crate) fn if_some(
        &mut self,
        optional: &Expr,
        local: LocalId,
        then: &[Statement],
        otherwise: &[Statement],
    ) -> Step<bool> {
        let (ty, _) = self.local(local);
        let size = self.size_of_type(ty);
        match self.optional(optional)? {
            Optional::Pair { found, value } => {
                self.emit(Op::If { condition: found.register });
                self.release(found);
                // The register passes to the local, which frees it when its scope ends.
                self.set_home(local, Home { register: value.register, owns: true, size });
            }
            Optional::Whole(optional) => {
                self.open_present(optional)?;
                let result = self.declare(local, true, size)?;
                self.emit(Op::Unwrap { result, value: optional.register });
                self.release(optional);
            }
        }
        let then_goes_on = self.statements(then)?;
        self.forget(local);
        self.second_arm(then_goes_on, otherwise)
    }
}
