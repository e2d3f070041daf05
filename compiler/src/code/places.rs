//! Assignment to places: a local or a STATE variable, or a part of one.

use swarm_bytecode::module::StateId;
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::{Class, Type, TypeId};
use swarm_grammar::span::Span;

use super::function::{Generator, Hold, Step, Value};
use super::pushes::Pushes;
use super::texts::TextPlace;
use super::walk::reads;
use crate::bound::sum::{Size, Sum};
use crate::typed::{BinaryOperation, Expr, ExprKind, LocalId};

/// Where a place starts.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Root {
    Local(LocalId),
    State(StateId),
}

/// One step from a value to a part of it.
struct Part {
    selector: Selector,
    /// Type of the part, and of what it is a part of.
    ty: TypeId,
    whole: TypeId,
    /// How great what it is a part of is at most.
    size: Size,
    /// Where it is kept, if it is a text.
    place: TextPlace,
    span: Span,
}

enum Selector {
    Field(u8),
    Item(Value),
    /// An entry of a map, and how long its key is if that is a text.
    Entry(Value, Option<Sum>),
}

impl Generator<'_, '_> {
    /// `place = value`, or `place = place update value`.
    pub(crate) fn assign(&mut self, place: &Expr, update: Option<BinaryOperation>, value: &Expr) -> Step<()> {
        if let (None, Some(pushes)) = (update, Pushes::of(place, value)) {
            return self.push(pushes, value);
        }
        let mut parts = Vec::new();
        let Some(root) = self.parts(place, &mut parts)? else { return Ok(()) };
        match (parts.split_last(), root) {
            (None, Root::Local(local)) => self.assign_local(local, self.type_of(place), value)?,
            (None, Root::State(state)) => self.assign_state(state, self.type_of(place), value)?,
            (Some((last, path)), root) => match update {
                Some(operation) => self.update_part(root, path, last, operation, value)?,
                None => self.assign_part(root, path, last, value)?,
            },
        }
        for part in &parts {
            if let Selector::Item(index) | Selector::Entry(index, _) = part.selector {
                self.release(index);
            }
        }
        Ok(())
    }

    fn assign_local(&mut self, local: LocalId, ty: TypeId, value: &Expr) -> Step<()> {
        let register = self.register_of(local);
        self.store_text(TextPlace::Local(self.index, local), value);
        self.takes_over(local, value);
        self.starts_over(local);
        if Self::writes_early(value) && reads(value, local) {
            let value = self.owned(value)?;
            self.emit(Op::Move { result: register, value: value.register });
            self.release(value);
            return Ok(());
        }
        self.put_typed(value, register, ty, Hold::Own)
    }

    fn assign_state(&mut self, state: StateId, ty: TypeId, value: &Expr) -> Step<()> {
        self.store_text(TextPlace::State(state), value);
        let given = self.owned(value)?;
        let given = self.retyped(given, value, Some(ty))?;
        let at = self.set_state(state, given.register);
        self.starts_state_over(at, state);
        self.release(given);
        Ok(())
    }

    fn assign_part(&mut self, root: Root, path: &[Part], last: &Part, expr: &Expr) -> Step<()> {
        let value = self.operand_typed(expr, last.ty)?;
        self.store_text(last.place, expr);
        let holder = self.open_root(root)?;
        let holders = self.descend(holder, path)?;
        self.shares(self.emitter.next(), expr);
        self.write(root, holder, path, &holders, last, value);
        self.close_root(root, holder);
        Ok(())
    }

    fn update_part(
        &mut self,
        root: Root,
        path: &[Part],
        last: &Part,
        operation: BinaryOperation,
        expr: &Expr,
    ) -> Step<()> {
        let current = self.temporary_value(last.ty)?;
        let mut holder = self.open_root(root)?;
        let mut holders = self.descend(holder, path)?;
        self.read(current.register, holders.last().copied().unwrap_or(holder), last)?;
        let disturbed = matches!(root, Root::State(state) if Self::disturbs(expr, state));
        if disturbed {
            holders.iter().for_each(|holder| self.registers.free(*holder));
            self.close_root(root, holder);
        }
        let right = self.operand(expr)?;
        self.binary(operation, current.register, current.register, right.register, last.span);
        self.release(right);
        if disturbed {
            holder = self.open_root(root)?;
            holders = self.descend(holder, path)?;
        }
        self.write(root, holder, path, &holders, last, current);
        self.close_root(root, holder);
        Ok(())
    }

    /// The register of what a place starts from. A STATE variable is moved out of its place, so that it can
    /// be changed where it is.
    pub(crate) fn open_root(&mut self, root: Root) -> Step<Register> {
        match root {
            Root::Local(local) => Ok(self.register_of(local)),
            Root::State(state) => {
                let ty = self.program.states.get(state.index()).map_or(TypeId::INT, |state| state.ty);
                let register = self.temporary(ty)?;
                self.take_state(register, state);
                Ok(register)
            }
        }
    }

    pub(crate) fn close_root(&mut self, root: Root, holder: Register) {
        if let Root::State(state) = root {
            self.set_state(state, holder);
            self.registers.free(holder);
        }
    }

    /// Moves a STATE variable out.
    pub(crate) fn take_state(&mut self, result: Register, state: StateId) {
        let state = self.tables.state(state);
        self.emit(Op::TakeState { result, state });
    }

    /// Sets a STATE variable.
    pub(crate) fn set_state(&mut self, state: StateId, value: Register) -> usize {
        let state = self.tables.state(state);
        self.emit(Op::SetState { state, value })
    }

    /// Evaluates the indices and keys of a place, left to right, and gives what it starts from.
    fn parts(&mut self, place: &Expr, parts: &mut Vec<Part>) -> Step<Option<Root>> {
        let (base, index) = match &place.kind {
            ExprKind::Local(local) => return Ok(Some(Root::Local(*local))),
            ExprKind::State(state) => return Ok(Some(Root::State(*state))),
            ExprKind::Field(base, _) => (base, None),
            ExprKind::Item(base, index) | ExprKind::Find(base, index) => (base, Some(index)),
            _ => return Ok(None),
        };
        let root = self.parts(base, parts)?;
        let whole = parts.last().map_or_else(|| self.type_of(base), |part| part.ty);
        let size = if parts.is_empty() { self.size(base) } else { self.size_of_type(whole) };
        let (selector, ty, place_of) = match (&place.kind, index) {
            (ExprKind::Field(_, field), _) => {
                let types = self.field_types(whole);
                let ty = types.get(usize::from(*field)).copied().unwrap_or(whole);
                (Selector::Field(self.tables.field(whole, *field)), ty, TextPlace::Field(whole, *field))
            }
            (ExprKind::Find(..), Some(key)) => {
                let text = (self.class_of(key) == Class::String).then(|| self.text(key));
                self.store_text(TextPlace::Keys, key);
                let (wanted, ty) = match self.program.ty(whole) {
                    Some(Type::Map { key, value, .. }) => (*key, *value),
                    _ => (whole, whole),
                };
                (Selector::Entry(self.operand_typed(key, wanted)?, text), ty, TextPlace::Values)
            }
            (_, Some(index)) => {
                (Selector::Item(self.operand(index)?), self.inner_type(whole), TextPlace::Items)
            }
            _ => return Ok(root),
        };
        parts.push(Part { selector, ty, whole, size, place: place_of, span: place.span });
        Ok(root)
    }

    /// Reads the way to the holder of the last part.
    fn descend(&mut self, root: Register, path: &[Part]) -> Step<Vec<Register>> {
        let mut holders = Vec::with_capacity(path.len());
        let mut holder = root;
        for part in path {
            let value = self.temporary(part.ty)?;
            self.read(value, holder, part)?;
            holders.push(value);
            holder = value;
        }
        Ok(holders)
    }

    /// Writes the last part, then each holder back into its own.
    fn write(
        &mut self,
        root: Root,
        holder: Register,
        path: &[Part],
        holders: &[Register],
        last: &Part,
        value: Value,
    ) {
        let inner = holders.last().copied();
        self.set(inner.unwrap_or(holder), last, value.register, root, inner.is_none());
        self.release(value);
        for (depth, (part, written)) in path.iter().zip(holders).enumerate().rev() {
            let above = depth.checked_sub(1).and_then(|above| holders.get(above));
            self.set(above.copied().unwrap_or(holder), part, *written, root, above.is_none());
            self.registers.free(*written);
        }
    }

    /// Reads a part. An entry that is not there reads as the zero of its type.
    fn read(&mut self, result: Register, holder: Register, part: &Part) -> Step<()> {
        match &part.selector {
            Selector::Field(field) => {
                self.emit_at(Op::Field { result, record: holder, field: *field }, part.span);
            }
            Selector::Item(index) => {
                self.emit_at(Op::Item { result, list: holder, index: index.register }, part.span);
            }
            Selector::Entry(key, text) => {
                let (key, text) = (key.register, text.clone());
                let found = self.temporary(TypeId::BOOL)?;
                let at = self.emit_at(Op::Find { found, value: result, map: holder, key }, part.span);
                self.registers.free(found);
                self.note_text(at, text);
            }
        }
        Ok(())
    }

    /// Writes a part of what `holder` has: of the root's own object, or of a part of it.
    fn set(&mut self, holder: Register, part: &Part, value: Register, root: Root, own: bool) {
        let mut text = None;
        let op = match &part.selector {
            Selector::Field(field) => Op::SetField { record: holder, field: *field, value },
            Selector::Item(index) => Op::SetItem { list: holder, index: index.register, value },
            Selector::Entry(key, bytes) => {
                text = bytes.clone();
                Op::SetEntry { map: holder, key: key.register, value }
            }
        };
        let at = self.emit_at(op, part.span);
        self.note_text(at, text);
        if !own {
            // A part has a second holder from the start.
            let words = self.words(part.whole, &part.size);
            self.moves(at, words);
            return;
        }
        let entry = matches!(part.selector, Selector::Entry(..));
        match root {
            Root::Local(local) => {
                self.changes_local(at, local);
                if entry {
                    self.adds_entry(at, local);
                }
            }
            Root::State(state) if entry => self.adds_state_entry(at, state),
            Root::State(_) => {}
        }
    }

    /// The op at `at` works on a text of so many bytes.
    pub(crate) fn note_text(&mut self, at: usize, bytes: Option<Sum>) {
        if let Some(bytes) = bytes {
            self.facts.texts.insert(at, bytes);
        }
    }
}
