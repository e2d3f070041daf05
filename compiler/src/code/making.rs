//! New values: records, lists, maps, cases, optionals, and texts that are put together.

use smol_str::SmolStr;
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::{Class, Type, TypeId};

use super::changes::{grown_words, pushed_words};
use super::function::{Generator, Hold, Step, Value};
use super::texts::TextPlace;
use crate::bound::sum::Sum;
use crate::typed::{Expr, ExprKind};

/// An op takes at most so many parts; the rest is added bit by bit, so that it needs few registers.
pub(crate) const MOST_AT_ONCE: usize = 64;

impl Generator<'_, '_> {
    /// New records, lists, maps, cases and optionals.
    pub(crate) fn make(&mut self, expr: &Expr, result: Register) -> Step<()> {
        let ty = self.type_of(expr);
        match &expr.kind {
            ExprKind::Record(values) => {
                for (value, at) in values.iter().zip(0..=u8::MAX) {
                    self.store_text(TextPlace::Field(ty, at), value);
                }
                let types = self.field_types(ty);
                let fields = self.arguments(values, &types)?;
                let at = self.emit_at(Op::NewRecord { result, fields }, expr.span);
                self.shares_all(at, values);
            }
            ExprKind::Case(case, values) => self.make_case(*case, values, expr, result)?,
            ExprKind::List(items) if !items.is_empty() => self.make_list(items, expr, result)?,
            ExprKind::Map(entries) if !entries.is_empty() => self.make_map(entries, expr, result)?,
            ExprKind::Some(inner) => {
                self.store_text(TextPlace::Inner, inner);
                let value = self.operand_typed(inner, self.inner_type(ty))?;
                self.release(value);
                let at = self.emit_at(Op::Some { result, value: value.register }, expr.span);
                self.shares(at, inner);
            }
            _ => {
                self.emit_at(Op::Zero { result }, expr.span);
            }
        }
        Ok(())
    }

    fn make_case(&mut self, case: u8, values: &[Expr], expr: &Expr, result: Register) -> Step<()> {
        if case == 0 && values.is_empty() {
            self.emit(Op::Zero { result });
            return Ok(());
        }
        let ty = self.type_of(expr);
        for (value, at) in values.iter().zip(0..=u8::MAX) {
            self.store_text(TextPlace::Payload(ty, case, at), value);
        }
        let types = self.payload_types(ty, case);
        let fields = self.arguments(values, &types)?;
        let at = self.emit_at(Op::NewCase { result, case, fields }, expr.span);
        self.shares_all(at, values);
        Ok(())
    }

    /// Types of a case's payload.
    pub(crate) fn payload_types(&self, ty: TypeId, case: u8) -> Vec<TypeId> {
        let cases =
            if let Some(Type::Enum { cases, .. }) = self.program.ty(ty) { cases.as_slice() } else { &[] };
        let case = cases.get(usize::from(case));
        case.map_or_else(Vec::new, |case| case.fields.iter().map(|field| field.ty).collect())
    }

    fn make_list(&mut self, items: &[Expr], expr: &Expr, result: Register) -> Step<()> {
        for item in items {
            self.store_text(TextPlace::Items, item);
        }
        let ty = self.inner_type(self.type_of(expr));
        let (first, rest) = items.split_at(items.len().min(MOST_AT_ONCE));
        let registers = self.arguments(first, &vec![ty; first.len()])?;
        let at = self.emit_at(Op::NewList { result, items: registers }, expr.span);
        self.shares_all(at, first);
        if rest.is_empty() {
            return Ok(());
        }
        self.moves(at, Ok(pushed_words(&count(items.len()))));
        for item in rest {
            let value = self.operand_typed(item, ty)?;
            self.release(value);
            let at = self.emit_at(Op::Push { list: result, value: value.register }, expr.span);
            self.shares(at, item);
        }
        Ok(())
    }

    fn make_map(&mut self, entries: &[(Expr, Expr)], expr: &Expr, result: Register) -> Step<()> {
        let Some(Type::Map { key, value, .. }) = self.program.ty(self.type_of(expr)) else { return Ok(()) };
        let types = (*key, *value);
        let (first, rest) = entries.split_at(entries.len().min(MOST_AT_ONCE / 2));
        let mut registers: Vec<Value> = Vec::with_capacity(MOST_AT_ONCE);
        let mut texts = Sum::zero();
        for (key, value) in first {
            texts = texts.plus(&self.entry_text(key, value).unwrap_or_default());
            registers.push(self.operand_typed(key, types.0)?);
            registers.push(self.operand_typed(value, types.1)?);
        }
        registers.iter().for_each(|value| self.release(*value));
        let parts = registers.iter().map(|value| value.register).collect();
        let at = self.emit_at(Op::NewMap { result, entries: parts }, expr.span);
        self.note_text(at, Some(texts));
        first.iter().for_each(|(_, value)| self.shares(at, value));
        if !rest.is_empty() {
            self.moves(at, Ok(grown_words(&count(entries.len()))));
        }
        for (key, value) in rest {
            let text = self.entry_text(key, value);
            let held = (self.operand_typed(key, types.0)?, self.operand_typed(value, types.1)?);
            self.release(held.0);
            self.release(held.1);
            let op = Op::SetEntry { map: result, key: held.0.register, value: held.1.register };
            let at = self.emit_at(op, expr.span);
            self.note_text(at, text);
            self.shares(at, value);
        }
        Ok(())
    }

    /// Notes the texts of an entry, and says how long its key is if that is one.
    fn entry_text(&mut self, key: &Expr, value: &Expr) -> Option<Sum> {
        self.store_text(TextPlace::Keys, key);
        self.store_text(TextPlace::Values, value);
        (self.class_of(key) == Class::String).then(|| self.text(key))
    }

    /// A value as text; a text is one already.
    pub(crate) fn put_text(&mut self, expr: &Expr, result: Register, hold: Hold) -> Step<()> {
        if self.class_of(expr) == Class::String {
            return self.put(expr, result, hold);
        }
        let bytes = self.printed(expr);
        let value = self.operand(expr)?;
        self.release(value);
        let at = self.emit_at(Op::Text { result, value: value.register }, expr.span);
        self.facts.results.insert(at, Ok(bytes));
        Ok(())
    }

    /// Texts, one behind the other.
    pub(crate) fn put_concat(
        &mut self,
        parts: &[Expr],
        expr: &Expr,
        result: Register,
        hold: Hold,
    ) -> Step<()> {
        let mut pieces = Vec::new();
        collect(parts, &mut pieces);
        match pieces.as_slice() {
            [] => {
                self.emit(Op::Zero { result });
                return Ok(());
            }
            [Piece::Constant(text)] => {
                let value = self.tables.string(&SmolStr::new(text));
                self.emit(Op::String { result, value });
                return Ok(());
            }
            [Piece::Value(value)] => return self.put_text(value, result, hold),
            _ => {}
        }
        let mut bytes = Sum::zero();
        let mut before: Option<Value> = None;
        for pieces in pieces.chunks(MOST_AT_ONCE) {
            let mut values: Vec<Value> = before.into_iter().collect();
            for piece in pieces {
                values.push(self.piece(piece, &mut bytes)?);
            }
            values.iter().for_each(|value| self.release(*value));
            let parts = values.iter().map(|value| value.register).collect();
            let at = self.emit_at(Op::Concat { result, parts }, expr.span);
            self.facts.results.insert(at, Ok(bytes.clone()));
            before = Some(Value { register: result, temporary: false });
        }
        Ok(())
    }

    fn piece(&mut self, piece: &Piece<'_>, bytes: &mut Sum) -> Step<Value> {
        match piece {
            Piece::Constant(text) => {
                *bytes = std::mem::take(bytes).plus(&count(text.len()));
                let result = self.temporary_value(TypeId::STRING)?;
                let value = self.tables.string(&SmolStr::new(text));
                self.emit(Op::String { result: result.register, value });
                Ok(result)
            }
            Piece::Value(value) => {
                *bytes = std::mem::take(bytes).plus(&self.printed(value));
                if self.class_of(value) == Class::String {
                    return self.operand(value);
                }
                let result = self.temporary_value(TypeId::STRING)?;
                self.put_text(value, result.register, Hold::Borrow)?;
                Ok(result)
            }
        }
    }
}

/// A part of a text.
enum Piece<'e> {
    Constant(String),
    /// A value of any type, as text.
    Value(&'e Expr),
}

/// Takes parts apart into constants, none beside another, and values.
fn collect<'e>(parts: &'e [Expr], pieces: &mut Vec<Piece<'e>>) {
    for part in parts {
        match &part.kind {
            ExprKind::Concat(inner) => collect(inner, pieces),
            ExprKind::Text(value) if value.ty == Some(TypeId::STRING) => {
                collect(std::slice::from_ref(value), pieces);
            }
            ExprKind::Text(value) => pieces.push(Piece::Value(value)),
            ExprKind::Zero => {}
            ExprKind::String(text) if text.is_empty() => {}
            ExprKind::String(text) => match pieces.last_mut() {
                Some(Piece::Constant(before)) => before.push_str(text),
                _ => pieces.push(Piece::Constant(text.to_string())),
            },
            _ => pieces.push(Piece::Value(part)),
        }
    }
}

fn count(items: usize) -> Sum {
    Sum::constant(u64::try_from(items).unwrap_or(u64::MAX))
}
