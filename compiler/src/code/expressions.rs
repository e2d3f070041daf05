//! Expressions: into registers.

use swarm_bytecode::module::StateId;
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::{Class, Type, TypeId};
use swarm_grammar::span::Span;

use super::function::{Generator, Hold, Step, Value};
use super::making::MOST_AT_ONCE;
use crate::typed::{BinaryOperation, Expr, ExprKind, LocalId, UnaryOperation};

/// A value that an op looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) value: Value,
    /// The STATE variable it is moved out of.
    state: Option<StateId>,
}

impl Generator<'_, '_> {
    /// The value of `expr` to look at: a local where it lives, all else in a temporary register.
    pub(crate) fn operand(&mut self, expr: &Expr) -> Step<Value> {
        if let Some(local) = Self::as_local(expr) {
            return Ok(Value { register: self.register_of(local), temporary: false });
        }
        self.computed(expr, Hold::Borrow)
    }

    /// The value of `expr` for a new holder: a list or record that a local has becomes shared.
    pub(crate) fn owned(&mut self, expr: &Expr) -> Step<Value> {
        if Self::as_local(expr).is_some() && !self.is_mutable(self.type_of(expr)) {
            return self.operand(expr);
        }
        self.computed(expr, Hold::Own)
    }

    /// The value of `expr` in a temporary register. Operands are freed before the register is taken wherever the
    /// result may stand in the place of one.
    fn computed(&mut self, expr: &Expr, hold: Hold) -> Step<Value> {
        match &expr.kind {
            ExprKind::Binary(operation, left, right) if !matches!(operation, BinaryOperation::Compare(_)) => {
                let (left, right) = self.operands(*operation, left, right)?;
                let result = self.temporary_value(self.type_of(expr))?;
                self.binary(*operation, result.register, left, right, expr.span);
                Ok(result)
            }
            _ => {
                let result = self.temporary_value(self.type_of(expr))?;
                self.put(expr, result.register, hold)?;
                Ok(result)
            }
        }
    }

    /// Puts the value of `expr` into `result`. Unless [`Generator::writes_early`], only the last op writes it.
    pub(crate) fn put(&mut self, expr: &Expr, result: Register, hold: Hold) -> Step<()> {
        let ty = self.type_of(expr);
        match &expr.kind {
            ExprKind::Word(_)
            | ExprKind::Float(_)
            | ExprKind::String(_)
            | ExprKind::Zero
            | ExprKind::Input(_)
            | ExprKind::Context(_)
            | ExprKind::Metric(_)
            | ExprKind::State(_)
            | ExprKind::Quantile(..)
            | ExprKind::Mean(_) => self.load(expr, result),
            ExprKind::Local(local) => self.put_local(*local, ty, result, hold),
            ExprKind::Unary(operation, value) => self.put_unary(*operation, value, result, expr.span)?,
            ExprKind::Binary(operation, left, right) => {
                self.put_binary(*operation, left, right, result, expr.span)?;
            }
            ExprKind::And(..) | ExprKind::Or(..) => self.short_circuit(expr, result)?,
            ExprKind::Coalesce(optional, otherwise) => {
                self.coalesce(optional, otherwise, result, ty, hold)?;
            }
            ExprKind::If(condition, then, otherwise) => {
                let inverted = self.open_single(condition)?;
                let (first, second) = if inverted { (otherwise, then) } else { (then, otherwise) };
                self.put_typed(first, result, ty, hold)?;
                self.emit(Op::Else {});
                self.put_typed(second, result, ty, hold)?;
                self.emit(Op::End {});
            }
            ExprKind::Record(_)
            | ExprKind::List(_)
            | ExprKind::Map(_)
            | ExprKind::Case(..)
            | ExprKind::Some(_) => self.make(expr, result)?,
            ExprKind::Field(..) | ExprKind::Item(..) | ExprKind::Length(_) => self.take_part(expr, result)?,
            ExprKind::Find(..) => self.wrap_pair(expr, result)?,
            ExprKind::Text(value) => self.put_text(value, result, hold)?,
            ExprKind::Concat(parts) => self.put_concat(parts, expr, result, hold)?,
            ExprKind::Call(function, arguments) => {
                self.call(Some(result), *function, arguments, expr.span)?;
            }
            ExprKind::Native(native, arguments) => self.native(*native, arguments, expr, result)?,
            ExprKind::Host(import, arguments) => self.host(Some(result), *import, arguments, expr.span)?,
            ExprKind::Aggregate { aggregate, iteration, value } => {
                self.aggregate_into(*aggregate, iteration, value.as_deref(), expr, result)?;
            }
            ExprKind::Top { .. } => self.top(expr, result)?,
        }
        Ok(())
    }

    /// Constants, and what the host gives or the program keeps.
    fn load(&mut self, expr: &Expr, result: Register) {
        match &expr.kind {
            ExprKind::Word(value) => self.word(result, *value),
            ExprKind::Float(value) => {
                let value = self.tables.float(*value);
                self.emit(Op::Float { result, value });
            }
            ExprKind::String(text) => {
                let value = self.tables.string(text);
                self.emit(Op::String { result, value });
            }
            ExprKind::Input(input) => {
                let input = self.tables.input(*input);
                self.emit(Op::Input { result, input });
            }
            ExprKind::Context(context) => {
                let context = self.tables.context(*context);
                self.emit(Op::Context { result, context });
            }
            ExprKind::Metric(metric) => {
                let metric = self.tables.metric(*metric);
                self.emit_at(Op::Metric { result, metric }, expr.span);
            }
            ExprKind::Quantile(metric, share) => {
                let (metric, share) = (self.tables.metric(*metric), *share);
                self.emit_at(Op::Quantile { result, metric, share }, expr.span);
            }
            ExprKind::Mean(metric) => {
                let metric = self.tables.metric(*metric);
                self.emit_at(Op::Mean { result, metric }, expr.span);
            }
            ExprKind::State(id) => {
                let state = self.tables.state(*id);
                let at = self.emit(Op::State { result, state });
                self.shares_state(at, *id);
            }
            _ => {
                self.emit(Op::Zero { result });
            }
        }
    }

    /// Loads an integer-carried constant.
    pub(crate) fn word(&mut self, result: Register, value: i64) {
        if value == 0 {
            self.emit(Op::Zero { result });
        } else {
            self.emit(Op::Integer { result, value });
        }
    }

    fn put_local(&mut self, local: LocalId, ty: TypeId, result: Register, hold: Hold) {
        let value = self.register_of(local);
        if self.is_mutable(ty) && (hold == Hold::Own || value != result) {
            let at = self.emit(Op::Copy { result, value });
            self.shares_local(at, local);
        } else if value != result {
            self.emit(Op::Move { result, value });
        }
    }

    /// A field, an item, or the number of items.
    fn take_part(&mut self, expr: &Expr, result: Register) -> Step<()> {
        match &expr.kind {
            ExprKind::Field(record, index) => {
                let field = self.tables.field(self.type_of(record), *index);
                let look = self.look(record, None)?;
                self.emit(Op::Field { result, record: look.value.register, field });
                self.look_ends(look);
            }
            ExprKind::Item(list, index) => {
                let look = self.look(list, Some(index))?;
                let index = self.operand(index)?;
                self.look_starts(look);
                let list = look.value.register;
                self.emit_at(Op::Item { result, list, index: index.register }, expr.span);
                self.look_ends(look);
                self.release(index);
            }
            ExprKind::Length(items) => {
                let look = self.look(items, None)?;
                let value = look.value.register;
                self.emit(match self.class_of(items) {
                    Class::Map => Op::MapLength { result, map: value },
                    _ => Op::Length { result, list: value },
                });
                self.look_ends(look);
            }
            _ => {}
        }
        Ok(())
    }

    /// Makes a value ready for an op that looks at it, with `index` evaluated in between. A STATE variable is
    /// moved out for the op and back behind it: a look at it does not give it a second holder.
    pub(crate) fn look(&mut self, whole: &Expr, index: Option<&Expr>) -> Step<Look> {
        match whole.kind {
            ExprKind::State(state)
                if self.is_mutable(self.type_of(whole))
                    && !self.tables.only_looks(self.index)
                    && index.is_none_or(|index| !Self::disturbs(index, state)) =>
            {
                let look = Look { value: self.temporary_value(self.type_of(whole))?, state: Some(state) };
                if index.is_none() {
                    self.look_starts(look);
                }
                Ok(look)
            }
            _ => Ok(Look { value: self.operand(whole)?, state: None }),
        }
    }

    /// The op that looks comes next.
    pub(crate) fn look_starts(&mut self, look: Look) {
        if let Some(state) = look.state {
            self.take_state(look.value.register, state);
        }
    }

    /// The op that looks has been emitted.
    pub(crate) fn look_ends(&mut self, look: Look) {
        if let Some(state) = look.state {
            self.set_state(state, look.value.register);
        }
        self.release(look.value);
    }

    fn put_unary(
        &mut self,
        operation: UnaryOperation,
        value: &Expr,
        result: Register,
        span: Span,
    ) -> Step<()> {
        if let (UnaryOperation::NegateWord, ExprKind::Word(word)) = (operation, &value.kind)
            && let Some(negated) = word.checked_neg()
        {
            self.word(result, negated);
            return Ok(());
        }
        let value = self.operand(value)?;
        self.release(value);
        let value = value.register;
        match operation {
            UnaryOperation::NegateWord => self.emit_at(Op::NegInt { result, value }, span),
            UnaryOperation::NegateFloat => self.emit(Op::NegFloat { result, value }),
            UnaryOperation::Not => self.emit(Op::Not { result, value }),
            UnaryOperation::WordToFloat => self.emit(Op::IntToFloat { result, value }),
            UnaryOperation::PercentToFloat => self.emit(Op::PercentToFloat { result, value }),
        };
        Ok(())
    }

    fn put_binary(
        &mut self,
        operation: BinaryOperation,
        left: &Expr,
        right: &Expr,
        result: Register,
        span: Span,
    ) -> Step<()> {
        if let BinaryOperation::Compare(comparison) = operation {
            let inverted = self.compare(comparison, left, right, Some(result))?.1;
            if inverted {
                self.emit(Op::Not { result, value: result });
            }
            return Ok(());
        }
        let (left, right) = self.operands(operation, left, right)?;
        self.binary(operation, result, left, right, span);
        Ok(())
    }

    /// Evaluates two operands left to right and gives their registers in the order the op wants: `0.5 * cost` is
    /// evaluated as it is written, but `scale` takes the quantity first. Both are free again at once, since
    /// the op reads them before it writes its result.
    fn operands(
        &mut self,
        operation: BinaryOperation,
        left: &Expr,
        right: &Expr,
    ) -> Step<(Register, Register)> {
        let factor_first = operation == BinaryOperation::Scale && self.class_of(left) == Class::Float;
        let (left, right) = (self.operand(left)?, self.operand(right)?);
        self.release(left);
        self.release(right);
        let (left, right) = (left.register, right.register);
        Ok(if factor_first { (right, left) } else { (left, right) })
    }

    /// Emits an operation between two registers; comparisons have their own way.
    pub(crate) fn binary(
        &mut self,
        operation: BinaryOperation,
        result: Register,
        left: Register,
        right: Register,
        span: Span,
    ) {
        let op = match operation {
            BinaryOperation::AddWord => Op::AddInt { result, left, right },
            BinaryOperation::SubtractWord => Op::SubInt { result, left, right },
            BinaryOperation::MultiplyWord => Op::MulInt { result, left, right },
            BinaryOperation::DivideWord => Op::DivInt { result, left, right },
            BinaryOperation::ModuloWord => Op::ModInt { result, left, right },
            BinaryOperation::Product(divisor) => Op::Product { result, left, right, divisor },
            BinaryOperation::Quotient(factor) => Op::Quotient { result, left, right, factor },
            BinaryOperation::Scale => Op::Scale { result, value: left, factor: right },
            BinaryOperation::Unscale => Op::Unscale { result, value: left, divisor: right },
            BinaryOperation::Ratio => Op::Ratio { result, left, right },
            BinaryOperation::AddFloat => Op::AddFloat { result, left, right },
            BinaryOperation::SubtractFloat => Op::SubFloat { result, left, right },
            BinaryOperation::MultiplyFloat => Op::MulFloat { result, left, right },
            BinaryOperation::DivideFloat => Op::DivFloat { result, left, right },
            BinaryOperation::Compare(_) => Op::EqInt { result, left, right },
        };
        self.emit_at(op, span);
    }

    /// Like [`Generator::operand`], for a place of type `ty`.
    pub(crate) fn operand_typed(&mut self, expr: &Expr, ty: TypeId) -> Step<Value> {
        let value = self.operand(expr)?;
        self.retyped(value, expr, Some(ty))
    }

    /// Like [`Generator::put`], for a register of type `ty`.
    pub(crate) fn put_typed(&mut self, expr: &Expr, result: Register, ty: TypeId, hold: Hold) -> Step<()> {
        if self.tables.ty(self.type_of(expr)) == self.tables.ty(ty) {
            return self.put(expr, result, hold);
        }
        let value = if hold == Hold::Own { self.owned(expr)? } else { self.operand(expr)? };
        self.hand_on(value, expr, result);
        Ok(())
    }

    /// The value of `expr` in a register of type `wanted`. A list can stand where more items are admitted;
    /// all else has the type that is wanted.
    pub(crate) fn retyped(&mut self, value: Value, expr: &Expr, wanted: Option<TypeId>) -> Step<Value> {
        let Some(wanted) = wanted else { return Ok(value) };
        if self.tables.ty(self.type_of(expr)) == self.tables.ty(wanted) {
            return Ok(value);
        }
        let result = self.temporary_value(wanted)?;
        self.hand_on(value, expr, result.register);
        Ok(result)
    }

    /// The value of `expr` goes into a register of another type. A local keeps its own.
    fn hand_on(&mut self, value: Value, expr: &Expr, result: Register) {
        let Value { register, temporary } = value;
        match Self::as_local(expr) {
            Some(local) if !temporary && self.is_mutable(self.type_of(expr)) => {
                let at = self.emit(Op::Copy { result, value: register });
                self.shares_local(at, local);
            }
            _ => {
                self.emit(Op::Move { result, value: register });
            }
        }
        self.release(value);
    }

    pub(crate) fn field_types(&self, record: TypeId) -> Vec<TypeId> {
        match self.program.ty(record) {
            Some(Type::Record { fields, .. }) => fields.iter().map(|field| field.ty).collect(),
            _ => Vec::new(),
        }
    }

    /// Type of the items of a list, or of the value of an optional.
    pub(crate) fn inner_type(&self, ty: TypeId) -> TypeId {
        match self.program.ty(ty) {
            Some(Type::List { element: inner, .. } | Type::Optional(inner)) => *inner,
            _ => ty,
        }
    }

    /// Whether [`Generator::put`] may write the result before it has read all of `expr`.
    pub(crate) fn writes_early(expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::And(..) | ExprKind::Or(..) | ExprKind::Aggregate { .. } | ExprKind::Coalesce(..) => {
                true
            }
            ExprKind::If(_, then, otherwise) => Self::writes_early(then) || Self::writes_early(otherwise),
            ExprKind::List(parts) | ExprKind::Concat(parts) => parts.len() > MOST_AT_ONCE,
            ExprKind::Map(entries) => entries.len() > MOST_AT_ONCE,
            ExprKind::Text(value) => Self::writes_early(value),
            _ => false,
        }
    }

    /// Class of the values a comparison, sum or minimum goes over.
    pub(crate) fn class_of(&self, expr: &Expr) -> Class {
        self.class(self.type_of(expr))
    }
}
