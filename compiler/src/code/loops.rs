//! Loops: FOR EACH, FOR, WHILE, and the loops of aggregates.

use swarm_bytecode::op::Op;
use swarm_bytecode::types::TypeId;

use super::conditions::conjunction;
use super::emit::Level;
use super::function::{Generator, Hold, Loop, Step, Value};
use super::sizes::{least, unknown};
use super::walk::{assigns, lenders};
use crate::bound::sum::{Size, Sum};
use crate::typed::{Expr, Iteration, LocalId, Source, Statement};

/// A loop whose body is being made.
pub(crate) struct OpenLoop {
    pub(crate) level: Level,
    filters: usize,
    item: LocalId,
    index: Option<LocalId>,
    /// Registers the loop keeps for itself.
    kept: [Option<Value>; 2],
}

impl Generator<'_, '_> {
    /// FOR EACH and FOR.
    pub(crate) fn for_loop(&mut self, iteration: &Iteration, body: &[Statement]) -> Step<()> {
        let open = self.begin(iteration, body)?;
        self.loops.push(Loop { leave: open.level, next: open.level });
        self.statements(body)?;
        self.loops.pop();
        self.end(open);
        Ok(())
    }

    /// Opens a loop over `iteration` up to the ops of its body, which come next.
    pub(crate) fn begin(&mut self, iteration: &Iteration, body: &[Statement]) -> Step<OpenLoop> {
        let mut open = match &iteration.source {
            Source::List(list) => self.begin_list(iteration, list, body)?,
            Source::Range(first, last) => self.begin_range(iteration, first, last, body)?,
        };
        if let Some(filter) = &iteration.filter {
            open.filters = self.open(filter, true)?;
        }
        Ok(open)
    }

    fn begin_list(&mut self, iteration: &Iteration, list: &Expr, body: &[Statement]) -> Step<OpenLoop> {
        let rounds = self.size(list);
        let mut lent_by = Vec::new();
        lenders(list, &mut lent_by);
        // The loop goes over the list as it was at the start, whatever the body makes of it.
        let changes = lent_by.iter().any(|local| assigns(body, *local));
        let list = if changes { self.owned(list)? } else { self.operand(list)? };
        let item_size = self.size_of_type(self.local(iteration.item).0);
        let item = self.declare(iteration.item, true, item_size)?;
        let mut kept = [Some(list), None];
        let index = if let Some(index) = iteration.index {
            self.declare(index, true, rounds.clone())?
        } else {
            let index = self.temporary_value(TypeId::INT)?;
            kept[1] = Some(index);
            index.register
        };
        let at = self.emit(Op::ForEach { item, index, list: list.register });
        self.facts.loops.insert(at, rounds);
        let level = self.emitter.level();
        Ok(OpenLoop { level, filters: 0, item: iteration.item, index: iteration.index, kept })
    }

    fn begin_range(
        &mut self,
        iteration: &Iteration,
        first: &Expr,
        last: &Expr,
        body: &[Statement],
    ) -> Step<OpenLoop> {
        let rounds = self.rounds(first, last);
        let greatest = self.size(last);
        let changed_first = Self::as_local(first).is_some_and(|local| assigns(body, local));
        let changed_last = Self::as_local(last).is_some_and(|local| assigns(body, local));
        let first = if changed_first && iteration.index.is_some() {
            self.moved(first)?
        } else {
            self.operand(first)?
        };
        let last = if changed_last { self.moved(last)? } else { self.operand(last)? };
        let item = self.declare(iteration.item, true, greatest)?;
        let at = self.emit(Op::Range { item, first: first.register, last: last.register });
        self.facts.loops.insert(at, rounds.clone());
        let level = self.emitter.level();
        let mut kept = [Some(last), None];
        if let Some(index) = iteration.index {
            let result = self.declare(index, true, rounds)?;
            self.emit(Op::SubInt { result, left: item, right: first.register });
            kept[1] = Some(first);
        } else {
            self.release(first);
        }
        Ok(OpenLoop { level, filters: 0, item: iteration.item, index: iteration.index, kept })
    }

    /// The value of `expr` in a register of its own.
    fn moved(&mut self, expr: &Expr) -> Step<Value> {
        let value = self.temporary_value(self.type_of(expr))?;
        self.put(expr, value.register, Hold::Borrow)?;
        Ok(value)
    }

    /// Closes a loop.
    pub(crate) fn end(&mut self, open: OpenLoop) {
        self.close(open.filters);
        self.emit(Op::Advance {});
        self.forget(open.item);
        if let Some(index) = open.index {
            self.forget(index);
        }
        for value in open.kept.into_iter().flatten() {
            self.release(value);
        }
    }

    /// WHILE: at most `max` rounds, each after a look at the condition.
    pub(crate) fn while_loop(&mut self, condition: &Expr, max: &Expr, body: &[Statement]) -> Step<()> {
        let rounds = self.size(max);
        let changed = Self::as_local(max).is_some_and(|local| assigns(body, local));
        let last = if changed { self.moved(max)? } else { self.operand(max)? };
        let first = self.temporary_value(TypeId::INT)?;
        self.word(first.register, 1);
        self.release(first);
        let round = self.temporary_value(TypeId::INT)?;
        self.emit(Op::Block {});
        let leave = self.emitter.level();
        let at = self.emit(Op::Range { item: round.register, first: first.register, last: last.register });
        self.facts.loops.insert(at, rounds);
        let next = self.emitter.level();
        let mut parts = Vec::new();
        conjunction(condition, true, &mut parts);
        for (part, wanted) in parts {
            let opened = self.open(part, !wanted)?;
            self.leave(leave)?;
            self.close(opened);
        }
        self.loops.push(Loop { leave, next });
        self.statements(body)?;
        self.loops.pop();
        self.emit(Op::Advance {});
        self.emit(Op::RoundsExhausted {});
        self.emit(Op::End {});
        self.release(round);
        self.release(last);
        Ok(())
    }

    /// How many rounds a range makes at most.
    fn rounds(&self, first: &Expr, last: &Expr) -> Size {
        let greatest = self.size(last)?;
        let before = least(first).map(|least| least.saturating_sub(1));
        let before =
            before.ok_or_else(|| unknown(first, "a range whose start is known only when it runs"))?;
        Ok(match u64::try_from(before) {
            Ok(skipped) => greatest.minus_constant(skipped),
            Err(_) => greatest.plus(&Sum::constant(before.unsigned_abs())),
        })
    }
}
