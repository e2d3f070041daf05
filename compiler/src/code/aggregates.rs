//! Aggregates: loops that keep a result.

use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::{Class, TypeId};

use super::conditions::comparison_op;
use super::function::{Generator, Step, Value};
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
        match aggregate {
            Aggregate::Count => self.count(iteration, value, result),
            Aggregate::Sum => value.map_or(Ok(()), |value| self.sum(iteration, value, expr, result)),
            Aggregate::Any => value.map_or(Ok(()), |value| self.decide(iteration, value, true, result)),
            Aggregate::All => value.map_or(Ok(()), |value| self.decide(iteration, value, false, result)),
            Aggregate::Min | Aggregate::Max => {
                let Some(value) = value else { return Ok(()) };
                let best = self.temporary_value(self.type_of(value))?;
                let found = self.extreme(expr, best.register)?;
                self.emit(Op::Zero { result });
                self.emit(Op::If { condition: found.register });
                self.emit_at(Op::Some { result, value: best.register }, expr.span);
                self.emit(Op::End {});
                self.release(found);
                self.release(best);
                Ok(())
            }
        }
    }

    fn count(&mut self, iteration: &Iteration, value: Option<&Expr>, result: Register) -> Step<()> {
        if let (Source::List(list), None, None) = (&iteration.source, &iteration.filter, value) {
            let list = self.operand(list)?;
            self.release(list);
            self.emit(Op::Length { result, list: list.register });
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
        let operation = match self.class_of(value) {
            Class::Float => BinaryOperation::AddFloat,
            _ => BinaryOperation::AddWord,
        };
        self.binary(operation, result, result, item.register, expr.span);
        self.release(item);
        self.end(open);
        Ok(())
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
        let item = self.operand(value)?;
        let class = self.class_of(value);
        self.emit(Op::If { condition: found.register });
        let better = self.temporary(TypeId::BOOL)?;
        let (op, _) = comparison_op(comparison, class, better, item.register, best);
        self.emit(op);
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
}
