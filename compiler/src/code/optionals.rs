//! Values that may be NONE. What MIN, MAX, AVG and a look into a map give is carried as a flag and a value; an
//! optional is only made of them where one is stored or passed.

use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::{Class, Type, TypeId};

use super::function::{Generator, Hold, Home, Step, Value};
use super::texts::TextPlace;
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
        match self.pair_type(expr) {
            Some(ty) => {
                let value = self.temporary_value(ty)?;
                let found = self.pair(expr, value.register)?;
                Ok(Optional::Pair { found, value })
            }
            None => Ok(Optional::Whole(self.operand(expr)?)),
        }
    }

    /// Type of the value of an optional that is made as a flag and a value.
    fn pair_type(&self, expr: &Expr) -> Option<TypeId> {
        match &expr.kind {
            ExprKind::Aggregate {
                aggregate: Aggregate::Min | Aggregate::Max, value: Some(value), ..
            } => Some(self.type_of(value)),
            ExprKind::Aggregate { aggregate: Aggregate::Average, .. } => {
                Some(self.inner_type(self.type_of(expr)))
            }
            ExprKind::Find(map, _) => Some(self.value_type(self.type_of(map))),
            _ => None,
        }
    }

    /// Puts the value into a register, if there is one, and gives whether there is.
    fn pair(&mut self, expr: &Expr, value: Register) -> Step<Value> {
        match &expr.kind {
            ExprKind::Find(map, key) => self.find(map, key, value, expr),
            ExprKind::Aggregate { aggregate: Aggregate::Average, .. } => self.mean_of(expr, value),
            _ => self.extreme(expr, value),
        }
    }

    /// Looks a key up. Without an entry `value` becomes the zero of its type.
    fn find(&mut self, map: &Expr, key: &Expr, value: Register, expr: &Expr) -> Step<Value> {
        let found = self.temporary_value(TypeId::BOOL)?;
        let look = self.look(map, Some(key))?;
        let wanted = match self.program.ty(self.type_of(map)) {
            Some(Type::Map { key, .. }) => *key,
            _ => self.type_of(key),
        };
        let text = (self.class_of(key) == Class::String).then(|| self.text(key));
        let key = self.operand_typed(key, wanted)?;
        self.look_starts(look);
        let op = Op::Find { found: found.register, value, map: look.value.register, key: key.register };
        let at = self.emit_at(op, expr.span);
        self.note_text(at, text);
        self.look_ends(look);
        self.release(key);
        Ok(found)
    }

    /// Makes an optional of a flag and a value.
    pub(crate) fn wrap_pair(&mut self, expr: &Expr, result: Register) -> Step<()> {
        let Optional::Pair { found, value } = self.optional(expr)? else { return Ok(()) };
        if let Ok(bytes) = self.inner_size(expr)
            && self.class(self.inner_type(self.type_of(expr))) == Class::String
        {
            self.store_bytes(TextPlace::Inner, &bytes);
        }
        self.emit(Op::Zero { result });
        self.emit(Op::If { condition: found.register });
        self.emit_at(Op::Some { result, value: value.register }, expr.span);
        self.emit(Op::End {});
        self.release(found);
        self.release(value);
        Ok(())
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
        match self.pair_type(optional) {
            Some(pair) if self.tables.ty(pair) == self.tables.ty(ty) => {
                let found = self.pair(optional, result)?;
                if matches!(optional.kind, ExprKind::Find(..)) && is_zero(otherwise) {
                    // Without an entry the value is the zero of its type already.
                    self.release(found);
                    return Ok(());
                }
                self.emit(Op::If { condition: found.register });
                self.release(found);
            }
            Some(_) => {
                let Optional::Pair { found, value } = self.optional(optional)? else { return Ok(()) };
                self.emit(Op::If { condition: found.register });
                self.emit(Op::Move { result, value: value.register });
                self.release(found);
                self.release(value);
            }
            None => {
                let inner = self.inner_type(self.type_of(optional));
                let optional = self.operand(optional)?;
                self.open_present(optional)?;
                self.unwrap(optional, inner, result, ty)?;
                self.release(optional);
            }
        }
        self.emit(Op::Else {});
        self.put_typed(otherwise, result, ty, hold)?;
        self.emit(Op::End {});
        Ok(())
    }

    /// Takes the value out of an optional of `inner` for a place of type `ty`.
    fn unwrap(&mut self, optional: Value, inner: TypeId, result: Register, ty: TypeId) -> Step<()> {
        if self.tables.ty(inner) == self.tables.ty(ty) {
            self.emit(Op::Unwrap { result, value: optional.register });
            return Ok(());
        }
        let value = self.temporary(inner)?;
        self.emit(Op::Unwrap { result: value, value: optional.register });
        self.emit(Op::Move { result, value });
        self.registers.free(value);
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
        let size = self.inner_size(optional);
        match self.optional(optional)? {
            Optional::Pair { found, value } => {
                self.emit(Op::If { condition: found.register });
                self.release(found);
                // The register passes to the local, which frees it when its scope ends.
                self.set_home(local, Home::new(value.register, true, size));
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

/// Whether an expression is the zero of its type.
fn is_zero(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Word(value) => *value == 0,
        ExprKind::Float(value) => value.to_bits() == 0,
        ExprKind::String(text) => text.is_empty(),
        ExprKind::List(items) => items.is_empty(),
        ExprKind::Map(entries) => entries.is_empty(),
        ExprKind::Case(case, payload) => *case == 0 && payload.is_empty(),
        ExprKind::Zero => true,
        _ => false,
    }
}
