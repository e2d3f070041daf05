//! Aggregates: loops that keep a result.

use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::{Class, TypeId};

use super::changes::pushed_words;
use super::conditions::comparison_op;
use super::function::{Generator, Step, Value};
use super::texts::TextPlace;
use crate::typed::{Aggregate, BinaryOperation, Comparison, Expr, ExprKind, Iteration, Source};

impl Generator<'_, '_> {
    /// Puts the value of an aggregate into `result`.
    pub(crate) fn aggregate_into(
        &mut self,
        aggregate: Aggregate,
        iteration: &Iteration,
        value: Option<&Expr>,
        expr: &Expr,
        result: Register,
    ) -> Step<()> {
        match (aggregate, value) {
            (Aggregate::Count, value) => self.count(iteration, value, result),
            (_, None) => Ok(()),
            (Aggregate::Sum, Some(value)) => self.sum(iteration, value, expr, result),
            (Aggregate::Any, Some(value)) => self.decide(iteration, value, true, result),
            (Aggregate::All, Some(value)) => self.decide(iteration, value, false, result),
            (Aggregate::Min | Aggregate::Max | Aggregate::Average, Some(_)) => self.wrap_pair(expr, result),
            (Aggregate::Collect, Some(value)) => self.collect(iteration, value, expr, result),
        }
    }

    fn count(&mut self, iteration: &Iteration, value: Option<&Expr>, result: Register) -> Step<()> {
        if let (Source::List(items) | Source::Map(items, _), None, None) =
            (&iteration.source, &iteration.filter, value)
        {
            let look = self.look(items, None)?;
            let items = look.value.register;
            self.emit(match &iteration.source {
                Source::Map(..) => Op::MapLength { result, map: items },
                _ => Op::Length { result, list: items },
            });
            self.look_ends(look);
            return Ok(());
        }
        let one = self.temporary_value(TypeId::INT)?;
        self.word(one.register, 1);
        self.word(result, 0);
        let open = self.begin(iteration, &[])?;
        let opened = value.map_or(Ok(0), |value| self.open(value, true))?;
        self.emit(Op::AddInt { result, left: result, right: one.register });
        self.close(opened);
        self.end(open);
        self.release(one);
        Ok(())
    }

    fn sum(&mut self, iteration: &Iteration, value: &Expr, expr: &Expr, result: Register) -> Step<()> {
        self.emit(Op::Zero { result });
        let open = self.begin(iteration, &[])?;
        let item = self.operand(value)?;
        self.add(value, result, item.register, expr);
        self.release(item);
        self.end(open);
        Ok(())
    }

    /// Adds a value to a sum of such.
    fn add(&mut self, value: &Expr, sum: Register, item: Register, expr: &Expr) {
        let operation = match self.class_of(value) {
            Class::Float => BinaryOperation::AddFloat,
            _ => BinaryOperation::AddWord,
        };
        self.binary(operation, sum, sum, item, expr.span);
    }

    /// ANY and ALL: the first item whose value is `decisive` decides.
    fn decide(&mut self, iteration: &Iteration, value: &Expr, decisive: bool, result: Register) -> Step<()> {
        self.word(result, i64::from(!decisive));
        let open = self.begin(iteration, &[])?;
        let opened = self.open(value, decisive)?;
        self.word(result, i64::from(decisive));
        self.leave(open.level)?;
        self.close(opened);
        self.end(open);
        Ok(())
    }

    /// COLLECT: the values, in a list that grows.
    fn collect(&mut self, iteration: &Iteration, value: &Expr, expr: &Expr, result: Register) -> Step<()> {
        let element = self.inner_type(self.type_of(expr));
        let items = self.size(expr);
        let at = self.emit(Op::Zero { result });
        self.moves(at, items.map(|items| pushed_words(&items)));
        let open = self.begin(iteration, &[])?;
        self.store_text(TextPlace::Items, value);
        let item = self.operand_typed(value, element)?;
        let at = self.emit_at(Op::Push { list: result, value: item.register }, expr.span);
        self.shares(at, value);
        self.release(item);
        self.end(open);
        Ok(())
    }

    /// AVG: puts the mean into `best` and gives whether there was anything.
    pub(crate) fn mean_of(&mut self, expr: &Expr, best: Register) -> Step<Value> {
        let found = self.temporary_value(TypeId::BOOL)?;
        let ExprKind::Aggregate { iteration, value: Some(value), .. } = &expr.kind else { return Ok(found) };
        let sum = self.temporary_value(self.type_of(value))?;
        let (count, one) = (self.temporary_value(TypeId::INT)?, self.temporary_value(TypeId::INT)?);
        self.emit(Op::Zero { result: sum.register });
        self.word(count.register, 0);
        self.word(one.register, 1);
        let open = self.begin(iteration, &[])?;
        let item = self.operand(value)?;
        self.add(value, sum.register, item.register, expr);
        self.release(item);
        self.emit(Op::AddInt { result: count.register, left: count.register, right: one.register });
        self.end(open);
        self.emit(Op::LeInt { result: found.register, left: one.register, right: count.register });
        self.emit(Op::If { condition: found.register });
        let (left, right) = (sum.register, count.register);
        let op = match (self.class_of(value), self.type_of(value)) {
            (Class::Float, _) => {
                let items = self.temporary(TypeId::FLOAT)?;
                self.emit(Op::IntToFloat { result: items, value: right });
                self.registers.free(items);
                Op::DivFloat { result: best, left, right: items }
            }
            (_, TypeId::INT) => Op::Ratio { result: best, left, right },
            _ => Op::Quotient { result: best, left, right, factor: 1 },
        };
        self.emit_at(op, expr.span);
        self.emit(Op::End {});
        [one, count, sum].into_iter().for_each(|value| self.release(value));
        Ok(found)
    }

    /// MIN and MAX: puts the least or greatest value into `best` and gives whether there was one.
    /// The first of equal values stays.
    pub(crate) fn extreme(&mut self, expr: &Expr, best: Register) -> Step<Value> {
        let found = self.temporary_value(TypeId::BOOL)?;
        let ExprKind::Aggregate { aggregate, iteration, value: Some(value) } = &expr.kind else {
            return Ok(found);
        };
        let comparison = if *aggregate == Aggregate::Min { Comparison::Less } else { Comparison::Greater };
        self.word(found.register, 0);
        let open = self.begin(iteration, &[])?;
        let bytes = (self.class_of(value) == Class::String).then(|| self.text(value));
        let item = self.operand(value)?;
        let class = self.class_of(value);
        self.emit(Op::If { condition: found.register });
        let better = self.temporary(TypeId::BOOL)?;
        let (op, _) = comparison_op(comparison, class, better, item.register, best);
        let at = self.emit(op);
        self.note_text(at, bytes);
        self.emit(Op::If { condition: better });
        self.registers.free(better);
        self.emit(Op::Move { result: best, value: item.register });
        self.emit(Op::End {});
        self.emit(Op::Else {});
        self.word(found.register, 1);
        self.emit(Op::Move { result: best, value: item.register });
        self.emit(Op::End {});
        self.release(item);
        self.end(open);
        Ok(found)
    }

    /// TOP and BOTTOM: goes over the items once for their keys, and puts those with the best in order.
    pub(crate) fn top(&mut self, expr: &Expr, result: Register) -> Step<()> {
        let ExprKind::Top { bottom, count, iteration, key } = &expr.kind else { return Ok(()) };
        let most = self.operand(count)?;
        let plain = iteration.filter.is_none() && iteration.index.is_none();
        let source = match &iteration.source {
            Source::List(list) if plain => Some(list),
            _ => None,
        };
        let rounds = self.rounds_of(iteration);
        let keys = self.list_register(self.type_of(key))?;
        let items = match source {
            Some(list) => self.operand(list)?,
            None => self.list_register(self.inner_type(self.type_of(expr)))?,
        };
        let grown = rounds.clone().map(|rounds| pushed_words(&rounds));
        let at = self.emit(Op::Zero { result: keys.register });
        self.moves(at, grown.clone());
        if source.is_none() {
            let at = self.emit(Op::Zero { result: items.register });
            self.moves(at, grown);
        }
        let open = match source {
            Some(list) => self.begin_over(iteration, list, items)?,
            None => self.begin(iteration, &[])?,
        };
        let value = self.operand(key)?;
        self.emit_at(Op::Push { list: keys.register, value: value.register }, expr.span);
        self.release(value);
        if source.is_none() {
            let (item, size) = (self.register_of(iteration.item), self.size_of_local(iteration.item));
            self.emit_at(Op::Push { list: items.register, value: item }, expr.span);
            if let (Class::String, Ok(bytes)) = (self.class(self.local(iteration.item).0), size) {
                self.store_bytes(TextPlace::Items, &bytes);
            }
        }
        self.store_text(TextPlace::Items, key);
        self.end(open);
        let op = Op::Top {
            result,
            list: items.register,
            keys: keys.register,
            count: most.register,
            bottom: i64::from(*bottom),
        };
        let taken = self.size(expr);
        let text = (self.class_of(key) == Class::String).then(|| self.tables.texts.at(TextPlace::Items));
        let at = self.emit_at(op, expr.span);
        self.note_text(at, text);
        self.facts.rounds.insert(at, rounds);
        self.facts.results.insert(at, taken);
        [items, keys, most].into_iter().for_each(|value| self.release(value));
        Ok(())
    }

    /// A register for a list of such items, however many.
    fn list_register(&mut self, element: TypeId) -> Step<Value> {
        let ty = self.tables.list_of(element);
        let register = self.registers.temporary(ty).ok_or_else(|| self.too_many_values())?;
        Ok(Value { register, temporary: true })
    }
}
