//! Expressions: into registers.

use swarm_bytecode::module::ImportId;
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::{Class, Type, TypeId};
use swarm_grammar::span::Span;

use super::function::{Generator, Hold, Step, Value};
use crate::bound::facts::CallFacts;
use crate::typed::{BinaryOperation, Expr, ExprKind, FunctionIndex, LocalId, UnaryOperation};

impl Generator<'_, '_> {
    /// The value of `expr` to look at: a local where it lives, all else in a temporary register.
    pub(crate) fn operand(&mut self, expr: &Expr) -> Step<Value> {
        if let Some(local) = Self::as_local(expr) {
            return Ok(Value { register: self.home(local).register, temporary: false });
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
            ExprKind::Word(value) => self.word(result, *value),
            ExprKind::Float(value) => {
                let value = self.tables.float(*value);
                self.emit(Op::Float { result, value });
            }
            ExprKind::String(text) => {
                let value = self.tables.string(text);
                self.emit(Op::String { result, value });
            }
            ExprKind::Local(local) => self.local_into(*local, ty, result, hold),
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
            ExprKind::Unary(operation, value) => self.unary(*operation, value, result, expr.span)?,
            ExprKind::Binary(operation, left, right) => {
                self.binary_into(*operation, left, right, result, expr.span)?;
            }
            ExprKind::And(..) | ExprKind::Or(..) => self.short_circuit(expr, result)?,
            ExprKind::Coalesce(optional, otherwise) => {
                self.coalesce(optional, otherwise, result, ty, hold)?
            }
            ExprKind::If(condition, then, otherwise) => {
                let inverted = self.open_single(condition)?;
                let (first, second) = if inverted { (otherwise, then) } else { (then, otherwise) };
                self.put_typed(first, result, ty, hold)?;
                self.emit(Op::Else {});
                self.put_typed(second, result, ty, hold)?;
                self.emit(Op::End {});
            }
            ExprKind::Record(values) => {
                let types = self.field_types(ty);
                let fields = self.arguments(values, &types)?;
                self.emit_at(Op::NewRecord { result, fields }, expr.span);
            }
            ExprKind::Zero => {
                self.emit(Op::Zero { result });
            }
            ExprKind::List(items) if items.is_empty() => {
                self.emit(Op::Zero { result });
            }
            ExprKind::List(items) => {
                let types = vec![self.inner_type(ty); items.len()];
                let items = self.arguments(items, &types)?;
                self.emit_at(Op::NewList { result, items }, expr.span);
            }
            ExprKind::Field(..) | ExprKind::Item(..) => self.part_into(expr, result)?,
            ExprKind::Length(list) => {
                let list = self.operand(list)?;
                self.release(list);
                self.emit(Op::Length { result, list: list.register });
            }
            ExprKind::Some(value) => {
                let inner = self.inner_type(ty);
                let value = self.operand_typed(value, inner)?;
                self.release(value);
                self.emit_at(Op::Some { result, value: value.register }, expr.span);
            }
            ExprKind::Call(function, arguments) => {
                self.call(Some(result), *function, arguments, expr.span)?
            }
            ExprKind::Host(import, arguments) => {
                let facts = self.call_facts(arguments, expr.span);
                let arguments = self.host_arguments(*import, arguments)?;
                let import = self.tables.import(*import);
                let at = self.emit_at(Op::HostValue { result, import, arguments }, expr.span);
                self.facts.calls.insert(at, facts);
            }
            ExprKind::Aggregate { aggregate, iteration, value } => {
                self.aggregate_into(*aggregate, iteration, value.as_deref(), expr, result)?;
            }
        }
        Ok(())
    }

    /// Loads an integer-carried constant.
    pub(crate) fn word(&mut self, result: Register, value: i64) {
        if value == 0 {
            self.emit(Op::Zero { result });
        } else {
            self.emit(Op::Integer { result, value });
        }
    }

    fn local_into(&mut self, local: LocalId, ty: TypeId, result: Register, hold: Hold) {
        let value = self.home(local).register;
        if hold == Hold::Own && self.is_mutable(ty) {
            self.emit(Op::Copy { result, value });
        } else if value != result {
            self.emit(Op::Move { result, value });
        }
    }

    /// A field or an item.
    fn part_into(&mut self, expr: &Expr, result: Register) -> Step<()> {
        match &expr.kind {
            ExprKind::Field(record, index) => {
                let field = self.tables.field(self.type_of(record), *index);
                let record = self.operand(record)?;
                self.release(record);
                self.emit(Op::Field { result, record: record.register, field });
            }
            ExprKind::Item(list, index) => {
                let list = self.operand(list)?;
                let index = self.operand(index)?;
                self.release(index);
                self.release(list);
                self.emit_at(Op::Item { result, list: list.register, index: index.register }, expr.span);
            }
            _ => {}
        }
        Ok(())
    }

    fn unary(&mut self, operation: UnaryOperation, value: &Expr, result: Register, span: Span) -> Step<()> {
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

    fn binary_into(
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
    /// evaluated as it is written, but `scale` takes the quantity first. Both are free again at once, since the op
    /// reads them before it writes its result.
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

    /// Emits the call of a function.
    pub(crate) fn call(
        &mut self,
        result: Option<Register>,
        function: FunctionIndex,
        arguments: &[Expr],
        span: Span,
    ) -> Step<()> {
        let facts = self.call_facts(arguments, span);
        let callee = self.program.functions.get(function.0 as usize);
        let types: Vec<TypeId> =
            callee.map_or(&[][..], |callee| &callee.locals).iter().map(|local| local.ty).collect();
        let function = self.tables.function(function);
        let arguments = self.arguments(arguments, &types)?;
        let at = match result {
            Some(result) => self.emit_at(Op::CallValue { result, function, arguments }, span),
            None => self.emit_at(Op::Call { function, arguments }, span),
        };
        self.facts.calls.insert(at, facts);
        Ok(())
    }

    /// Evaluates the arguments of a host call.
    pub(crate) fn host_arguments(&mut self, import: ImportId, arguments: &[Expr]) -> Step<Vec<Register>> {
        let types = self.program.imports.get(import.index()).map_or(&[][..], |import| &import.parameters);
        self.arguments(arguments, types)
    }

    /// Evaluates values left to right for places of these types. Their registers are free again at once: the op
    /// that follows reads them before it writes anything.
    fn arguments(&mut self, arguments: &[Expr], types: &[TypeId]) -> Step<Vec<Register>> {
        let mut values = Vec::with_capacity(arguments.len());
        for (at, argument) in arguments.iter().enumerate() {
            let ty = types.get(at).copied().unwrap_or(self.type_of(argument));
            values.push(self.operand_typed(argument, ty)?);
        }
        for value in &values {
            self.release(*value);
        }
        Ok(values.into_iter().map(|value| value.register).collect())
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
        self.emit(Op::Move { result, value: value.register });
        self.release(value);
        Ok(())
    }

    /// The value of `expr` in a register of type `wanted`. A list can stand where more items are admitted; all else
    /// has the type that is wanted.
    pub(crate) fn retyped(&mut self, value: Value, expr: &Expr, wanted: Option<TypeId>) -> Step<Value> {
        let Some(wanted) = wanted else { return Ok(value) };
        if self.tables.ty(self.type_of(expr)) == self.tables.ty(wanted) {
            return Ok(value);
        }
        let result = self.temporary_value(wanted)?;
        self.emit(Op::Move { result: result.register, value: value.register });
        self.release(value);
        Ok(result)
    }

    fn field_types(&self, record: TypeId) -> Vec<TypeId> {
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

    /// What the bound needs to know of a call.
    pub(crate) fn call_facts(&self, arguments: &[Expr], span: Span) -> CallFacts {
        CallFacts {
            span,
            sizes: arguments.iter().map(|argument| self.size(argument)).collect(),
            constants: arguments.iter().map(constant).collect(),
            texts: arguments.iter().map(constant_text).collect(),
        }
    }

    /// Whether [`Generator::put`] may write the result before it has read all of `expr`.
    pub(crate) fn writes_early(expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::And(..) | ExprKind::Or(..) | ExprKind::Aggregate { .. } | ExprKind::Coalesce(..) => {
                true
            }
            ExprKind::If(_, then, otherwise) => Self::writes_early(then) || Self::writes_early(otherwise),
            _ => false,
        }
    }

    /// Class of the values a comparison, sum or minimum goes over.
    pub(crate) fn class_of(&self, expr: &Expr) -> Class {
        self.class(self.type_of(expr))
    }
}

/// Length in bytes of a text that stands in the program.
pub(crate) fn constant_text(expr: &Expr) -> Option<u64> {
    if let ExprKind::String(text) = &expr.kind { u64::try_from(text.len()).ok() } else { None }
}

fn constant(expr: &Expr) -> Option<i64> {
    match &expr.kind {
        ExprKind::Word(value) => Some(*value),
        ExprKind::Unary(UnaryOperation::NegateWord, value) => constant(value)?.checked_neg(),
        _ => None,
    }
}
