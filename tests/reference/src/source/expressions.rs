//! Expressions: book, "Expressions" and "Quantities".

use std::cmp::Ordering;

use swarm_bytecode::module::MetricKind;
use swarm_bytecode::trap::TrapCode::{DivisionByZero, IndexOutOfRange, TooLong};
use swarm_bytecode::types::{Class, TypeId};
use swarm_compiler::typed::{
    Aggregate, BinaryOperation as Binary, Comparison, Expr, ExprKind, Iteration, UnaryOperation as Unary,
};

use super::statements::{Locals, get};
use super::{Done, Order, ty};
use crate::native;
use crate::number;
use crate::report::Host;
use crate::value::{Entries, Text, Value, equal, order, to_text};

impl<'p> Order<'p> {
    pub(super) fn values(
        &mut self,
        exprs: &'p [Expr],
        locals: &mut Locals,
        host: &mut Host<'_>,
    ) -> Done<Vec<Value>> {
        exprs.iter().map(|expr| self.value(expr, locals, host)).collect()
    }

    /// A call, which may have no result.
    pub(super) fn call(
        &mut self,
        call: &'p Expr,
        locals: &mut Locals,
        host: &mut Host<'_>,
    ) -> Done<Option<Value>> {
        match &call.kind {
            ExprKind::Call(function, arguments) => {
                let arguments = self.values(arguments, locals, host)?;
                self.function(*function, arguments, host)
            }
            ExprKind::Host(import, arguments) => {
                let arguments = self.values(arguments, locals, host)?;
                self.host(*import, &arguments, host)
            }
            _ => self.value(call, locals, host).map(Some),
        }
    }

    /// The value of an expression: everything from left to right, each part once.
    #[expect(clippy::too_many_lines, reason = "one arm for each kind of expression")]
    pub(super) fn value(&mut self, expr: &'p Expr, locals: &mut Locals, host: &mut Host<'_>) -> Done<Value> {
        self.step()?;
        Ok(match &expr.kind {
            ExprKind::Word(word) => Value::Word(*word),
            ExprKind::Float(float) => Value::Float(number::float(*float)?),
            ExprKind::String(text) => Value::Text(Text::constant(text)),
            ExprKind::Zero => Value::Zero,
            ExprKind::Local(local) => get(locals, *local),
            ExprKind::Input(input) => self.inputs.get(input.index()).cloned().unwrap_or(Value::Zero),
            ExprKind::Context(context) => self.contexts.get(context.index()).cloned().unwrap_or(Value::Zero),
            ExprKind::State(state) => self.states.get(state.index()).cloned().unwrap_or(Value::Zero),
            ExprKind::Metric(metric) => {
                let kind = self.program.metrics.get(metric.index()).map(|metric| metric.kind);
                let samples = self.metrics.get(metric.index()).cloned().unwrap_or_default();
                if kind == Some(MetricKind::Gauge) {
                    Value::optional(samples.last())
                } else {
                    samples.total()
                }
            }
            ExprKind::Quantile(metric, share) => {
                let own = self.program.metrics.get(metric.index()).map_or(TypeId::INT, |metric| metric.ty);
                let samples = self.metrics.get(metric.index());
                Value::optional(samples.and_then(|samples| samples.quantile(self.types, own, *share)))
            }
            ExprKind::Mean(metric) => {
                let own = self.program.metrics.get(metric.index()).map_or(TypeId::INT, |metric| metric.ty);
                let samples = self.metrics.get(metric.index());
                Value::optional(samples.and_then(|samples| samples.mean(self.types, own)))
            }
            ExprKind::Unary(operation, operand) => {
                let value = self.value(operand, locals, host)?;
                match operation {
                    Unary::NegateWord => Value::Word(number::subtract(0, value.word())?),
                    Unary::NegateFloat => Value::Float(number::float(-value.float())?),
                    Unary::Not => Value::from(!value.holds()),
                    Unary::WordToFloat => Value::Float(number::to_float(value.word())),
                    Unary::PercentToFloat => Value::Float(number::percent_to_float(value.word())),
                }
            }
            ExprKind::Binary(operation, left, right) => {
                let (first, second) = (self.value(left, locals, host)?, self.value(right, locals, host)?);
                let reversed = *operation == Binary::Scale && self.types.is_float(ty(left));
                let operands = if reversed { (&second, &first) } else { (&first, &second) };
                self.operation(*operation, ty(left), operands)?
            }
            ExprKind::And(left, right) => {
                let holds = self.value(left, locals, host)?.holds();
                if holds { self.value(right, locals, host)? } else { Value::from(false) }
            }
            ExprKind::Or(left, right) => {
                let holds = self.value(left, locals, host)?.holds();
                if holds { Value::from(true) } else { self.value(right, locals, host)? }
            }
            ExprKind::Coalesce(optional, otherwise) => {
                let optional = self.value(optional, locals, host)?;
                match optional.some() {
                    Some(value) => value.clone(),
                    None => self.value(otherwise, locals, host)?,
                }
            }
            ExprKind::If(condition, then, otherwise) => {
                let holds = self.value(condition, locals, host)?.holds();
                self.value(if holds { then } else { otherwise }, locals, host)?
            }
            ExprKind::Record(fields) => Value::Record(self.values(fields, locals, host)?.into()),
            ExprKind::List(items) => Value::list(self.values(items, locals, host)?),
            ExprKind::Case(case, fields) => Value::Case(*case, self.values(fields, locals, host)?.into()),
            ExprKind::Map(pairs) => {
                let mut entries = Entries::new();
                for (key, value) in pairs {
                    let (key, value) = (self.value(key, locals, host)?, self.value(value, locals, host)?);
                    entries.entry(key.key()).and_modify(|own| own.1 = value.clone()).or_insert((key, value));
                }
                Value::Map(entries.into())
            }
            ExprKind::Field(record, field) => self.value(record, locals, host)?.field(usize::from(*field)),
            ExprKind::Item(list, at) => {
                let (list, at) = (self.value(list, locals, host)?, self.value(at, locals, host)?.word());
                let at = usize::try_from(at).map_err(|_| IndexOutOfRange)?;
                list.parts().get(at).cloned().ok_or(IndexOutOfRange)?
            }
            ExprKind::Find(map, key) => {
                let (map, key) = (self.value(map, locals, host)?, self.value(key, locals, host)?);
                Value::optional(map.entries().remove(&key.key()).map(|(_, value)| value))
            }
            ExprKind::Length(whole) => {
                Value::Word(i64::try_from(self.value(whole, locals, host)?.length()).unwrap_or(i64::MAX))
            }
            ExprKind::Text(value) => {
                let text = to_text(self.types, ty(value), &self.value(value, locals, host)?);
                native::check_text(&text)?;
                Value::from(text)
            }
            ExprKind::Concat(parts) => {
                let parts = self.values(parts, locals, host)?;
                let text: String = parts.iter().map(Value::text).collect();
                native::check_text(&text)?;
                Value::from(text)
            }
            ExprKind::Native(id, arguments) => {
                let types: Vec<TypeId> = arguments.iter().map(ty).collect();
                let arguments = self.values(arguments, locals, host)?;
                let Some(function) = id.function() else { return Ok(Value::Zero) };
                native::call(self.types, function, &arguments, &types, self.types.most(ty(expr)))?.value
            }
            ExprKind::Some(value) => Value::optional(Some(self.value(value, locals, host)?)),
            ExprKind::Top { bottom, count, iteration, key } => {
                let count = self.value(count, locals, host)?.word();
                let taken = self.top(*bottom, count, iteration, key, locals, host)?;
                self.fits(ty(expr), taken)?
            }
            ExprKind::Aggregate { aggregate, iteration, value } => {
                let most = self.types.most(ty(expr));
                self.aggregate(*aggregate, iteration, value.as_deref(), most, locals, host)?
            }
            ExprKind::Call(..) | ExprKind::Host(..) => self.call(expr, locals, host)?.unwrap_or(Value::Zero),
        })
    }

    /// An operation with two operands, the first of this type. Of a product with a float the float comes second.
    pub(super) fn operation(
        &self,
        operation: Binary,
        ty: TypeId,
        (left, right): (&Value, &Value),
    ) -> Done<Value> {
        let words = (left.word(), right.word());
        let floats = (left.float(), right.float());
        let word = |result: number::Result<i64>| Ok(Value::Word(result?));
        let float = |result: f64| Ok(Value::Float(number::float(result)?));
        match operation {
            Binary::AddWord => word(number::add(words.0, words.1)),
            Binary::SubtractWord => word(number::subtract(words.0, words.1)),
            Binary::MultiplyWord => word(number::multiply(words.0, words.1)),
            Binary::DivideWord => word(number::divide(words.0, words.1)),
            Binary::ModuloWord => word(number::modulo(words.0, words.1)),
            Binary::Product(divisor) => word(number::product(words.0, words.1, divisor)),
            Binary::Quotient(factor) => word(number::product(words.0, factor, words.1)),
            Binary::Scale => word(number::scale(words.0, floats.1)),
            Binary::Unscale => word(number::unscale(words.0, floats.1)),
            Binary::Ratio if words.1 == 0 => Err(DivisionByZero.into()),
            Binary::Ratio => float(number::to_float(words.0) / number::to_float(words.1)),
            Binary::AddFloat => float(floats.0 + floats.1),
            Binary::SubtractFloat => float(floats.0 - floats.1),
            Binary::MultiplyFloat => float(floats.0 * floats.1),
            Binary::DivideFloat => float(number::divide_float(floats.0, floats.1)?),
            Binary::Compare(comparison) => Ok(Value::from(match comparison {
                Comparison::Equal => equal(self.types, ty, left, right, &mut 0),
                Comparison::NotEqual => !equal(self.types, ty, left, right, &mut 0),
                Comparison::Less => order(self.types, ty, left, right) == Ordering::Less,
                Comparison::LessEqual => order(self.types, ty, left, right) != Ordering::Greater,
                Comparison::Greater => order(self.types, ty, left, right) == Ordering::Greater,
                Comparison::GreaterEqual => order(self.types, ty, left, right) != Ordering::Less,
            })),
        }
    }

    /// A list or map that a type admits.
    fn fits(&self, ty: TypeId, made: Value) -> Done<Value> {
        if made.length() > self.types.most(ty) { Err(TooLong.into()) } else { Ok(made) }
    }

    /// TOP and BOTTOM: of equal keys the one that stands first comes first.
    fn top(
        &mut self,
        bottom: bool,
        count: i64,
        iteration: &'p Iteration,
        key: &'p Expr,
        locals: &mut Locals,
        host: &mut Host<'_>,
    ) -> Done<Value> {
        let mut ranked = Vec::new();
        for round in self.rounds(iteration, locals, host)? {
            let item = round.2.clone();
            if self.enter_round(iteration, round, locals, host)? {
                ranked.push((self.value(key, locals, host)?, item));
            }
        }
        ranked.sort_by(|(left, _), (right, _)| {
            let least = order(self.types, ty(key), left, right);
            if bottom { least } else { least.reverse() }
        });
        let taken = usize::try_from(count).unwrap_or(0);
        Ok(Value::list(ranked.into_iter().take(taken).map(|(_, item)| item).collect()))
    }

    fn aggregate(
        &mut self,
        aggregate: Aggregate,
        iteration: &'p Iteration,
        value: Option<&'p Expr>,
        most: u64,
        locals: &mut Locals,
        host: &mut Host<'_>,
    ) -> Done<Value> {
        let own = value.map_or(TypeId::INT, ty);
        let float = self.types.class(own) == Class::Float;
        let (mut count, mut sum, mut best, mut all) = (0_i64, Value::Zero, None::<Value>, Vec::new());
        for round in self.rounds(iteration, locals, host)? {
            if !self.enter_round(iteration, round, locals, host)? {
                continue;
            }
            let value = match value {
                Some(value) => self.value(value, locals, host)?,
                None => Value::from(true),
            };
            match aggregate {
                Aggregate::Count => count = count.saturating_add(value.word()),
                Aggregate::Any if value.holds() => return Ok(Value::from(true)),
                Aggregate::All if !value.holds() => return Ok(Value::from(false)),
                Aggregate::Any | Aggregate::All => {}
                Aggregate::Sum | Aggregate::Average => {
                    let add = if float { Binary::AddFloat } else { Binary::AddWord };
                    sum = self.operation(add, own, (&sum, &value))?;
                    count = count.saturating_add(1);
                }
                Aggregate::Min | Aggregate::Max => {
                    let wanted = if aggregate == Aggregate::Min { Ordering::Less } else { Ordering::Greater };
                    let better =
                        best.as_ref().is_none_or(|best| order(self.types, own, &value, best) == wanted);
                    best = if better { Some(value) } else { best };
                }
                Aggregate::Collect if length(all.len()) >= most => return Err(TooLong.into()),
                Aggregate::Collect => all.push(value),
            }
        }
        Ok(match aggregate {
            Aggregate::Count => Value::Word(count),
            Aggregate::Sum => sum,
            Aggregate::Any => Value::from(false),
            Aggregate::All => Value::from(true),
            Aggregate::Min | Aggregate::Max => Value::optional(best),
            Aggregate::Collect => Value::list(all),
            Aggregate::Average if count == 0 => Value::Zero,
            Aggregate::Average if float => {
                Value::optional(Some(Value::Float(number::float(sum.float() / number::to_float(count))?)))
            }
            Aggregate::Average if own == TypeId::INT => Value::optional(Some(Value::Float(
                number::to_float(sum.word()) / number::to_float(count) + 0.0,
            ))),
            Aggregate::Average => Value::optional(Some(Value::Word(number::product(sum.word(), 1, count)?))),
        })
    }
}

fn length(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
