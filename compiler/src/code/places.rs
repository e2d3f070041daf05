//! Assignment to places: a local, or a part of one.

use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::TypeId;
use swarm_grammar::span::Span;

use super::function::{Generator, Hold, Step, Value};
use super::walk::reads;
use crate::bound::sum::Size;
use crate::typed::{BinaryOperation, Expr, ExprKind, LocalId};

/// One step from a value to a part of it.
struct Part {
    selector: Selector,
    /// Type of the part.
    ty: TypeId,
    /// How great what it is a part of is at most.
    holder: Size,
    span: Span,
}

enum Selector {
    Field(u8),
    Item(Value),
}

impl Generator<'_, '_> {
    /// `place = value`, or `place = place update value`.
    pub(crate) fn assign(&mut self, place: &Expr, update: Option<BinaryOperation>, value: &Expr) -> Step<()> {
        let mut parts = Vec::new();
        let Some(local) = self.parts(place, &mut parts)? else { return Ok(()) };
        let root = self.home(local).register;
        let Some((last, path)) = parts.split_last() else {
            return self.assign_local(local, root, self.type_of(place), value);
        };
        if let Some(operation) = update {
            let holders = self.descend(root, path)?;
            let holder = holders.last().copied().unwrap_or(root);
            let current = self.temporary_value(last.ty)?;
            self.read(current.register, holder, last);
            let right = self.operand(value)?;
            self.binary(operation, current.register, current.register, right.register, place.span);
            self.release(right);
            self.write(root, path, &holders, last, current);
        } else {
            let value = self.operand_typed(value, last.ty)?;
            let holders = self.descend(root, path)?;
            self.write(root, path, &holders, last, value);
        }
        for part in &parts {
            if let Selector::Item(index) = part.selector {
                self.release(index);
            }
        }
        Ok(())
    }

    fn assign_local(&mut self, local: LocalId, register: Register, ty: TypeId, value: &Expr) -> Step<()> {
        if Self::writes_early(value) && reads(value, local) {
            let value = self.owned(value)?;
            self.emit(Op::Move { result: register, value: value.register });
            self.release(value);
            return Ok(());
        }
        self.put_typed(value, register, ty, Hold::Own)
    }

    /// Evaluates the indices of a place, left to right, and gives its local.
    fn parts(&mut self, place: &Expr, parts: &mut Vec<Part>) -> Step<Option<LocalId>> {
        let (base, selector) = match &place.kind {
            ExprKind::Local(local) => return Ok(Some(*local)),
            ExprKind::Field(base, index) => (base, Err(self.tables.field(self.type_of(base), *index))),
            ExprKind::Item(base, index) => (base, Ok(index)),
            _ => return Ok(None),
        };
        let local = self.parts(base, parts)?;
        let selector = match selector {
            Ok(index) => Selector::Item(self.operand(index)?),
            Err(field) => Selector::Field(field),
        };
        parts.push(Part { selector, ty: self.type_of(place), holder: self.size(base), span: place.span });
        Ok(local)
    }

    /// Reads the way to the holder of the last part.
    fn descend(&mut self, root: Register, path: &[Part]) -> Step<Vec<Register>> {
        let mut holders = Vec::with_capacity(path.len());
        let mut holder = root;
        for part in path {
            let value = self.temporary(part.ty)?;
            self.read(value, holder, part);
            holders.push(value);
            holder = value;
        }
        Ok(holders)
    }

    /// Writes the last part, then each holder back into its own.
    fn write(&mut self, root: Register, path: &[Part], holders: &[Register], last: &Part, value: Value) {
        self.set(holders.last().copied().unwrap_or(root), last, value.register);
        self.release(value);
        for (depth, (part, written)) in path.iter().zip(holders).enumerate().rev() {
            let above = depth.checked_sub(1).and_then(|above| holders.get(above));
            self.set(above.copied().unwrap_or(root), part, *written);
            self.registers.free(*written);
        }
    }

    fn read(&mut self, result: Register, holder: Register, part: &Part) {
        let op = match part.selector {
            Selector::Field(field) => Op::Field { result, record: holder, field },
            Selector::Item(index) => Op::Item { result, list: holder, index: index.register },
        };
        self.emit_at(op, part.span);
    }

    fn set(&mut self, holder: Register, part: &Part, value: Register) {
        let op = match part.selector {
            Selector::Field(field) => Op::SetField { record: holder, field, value },
            Selector::Item(index) => Op::SetItem { list: holder, index: index.register, value },
        };
        let at = self.emit_at(op, part.span);
        if let Selector::Item(_) = part.selector {
            self.facts.copies.insert(at, part.holder.clone());
        }
    }
}
