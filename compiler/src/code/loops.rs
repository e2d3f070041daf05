//! Loops: FOR EACH, FOR, WHILE, and the loops of aggregates.

use swarm_bytecode::op::Op;
use swarm_bytecode::types::{Type, TypeId};

use super::conditions::conjunction;
use super::emit::Level;
use super::function::{Generator, Hold, Loop, Step, Value};
use super::texts::TextPlace;
use super::walk::{assigned, assigns, lenders};
use crate::bound::sum::Size;
use crate::typed::{Expr, Iteration, LocalId, Source, Statement};

/// A loop whose body is being made.
pub(crate) struct OpenLoop {
    pub(crate) level: Level,
    /// Its opening op.
    at: usize,
    rounds: Size,
    filters: usize,
    /// The item, and the index and the key where there are such.
    locals: [Option<LocalId>; 3],
    /// Registers the loop keeps for itself.
    kept: [Option<Value>; 2],
}

impl Generator<'_, '_> {
    /// FOR EACH and FOR.
    pub(crate) fn for_loop(&mut self, iteration: &Iteration, body: &[Statement]) -> Step<()> {
        let open = self.begin(iteration, body)?;
        self.statements(body)?;
        self.end(open);
        Ok(())
    }

    /// Opens a loop over `iteration` up to the ops of its body, which come next.
    pub(crate) fn begin(&mut self, iteration: &Iteration, body: &[Statement]) -> Step<OpenLoop> {
        let open = match &iteration.source {
            Source::List(list) => {
                let items = self.gone_over(list, body)?;
                let open = self.begin_list(iteration, list, items)?;
                OpenLoop { kept: [Some(items), open.kept[1]], ..open }
            }
            Source::Map(map, key) => self.begin_map(iteration, map, *key, body)?,
            Source::Range(first, last) => self.begin_range(iteration, first, last, body)?,
        };
        self.filter(iteration, open, body)
    }

    /// The same over a list that is in a register, which stays in use.
    pub(crate) fn begin_over(&mut self, iteration: &Iteration, list: &Expr, items: Value) -> Step<OpenLoop> {
        let open = self.begin_list(iteration, list, items)?;
        self.filter(iteration, open, &[])
    }

    fn filter(&mut self, iteration: &Iteration, open: OpenLoop, body: &[Statement]) -> Step<OpenLoop> {
        let (level, rounds) = (open.level, open.rounds.clone());
        self.loops.push(Loop { leave: level, next: level, at: open.at, rounds, assigned: assigned(body) });
        let filters = iteration.filter.as_ref().map_or(Ok(0), |filter| self.open(filter, true))?;
        Ok(OpenLoop { filters, ..open })
    }

    /// A list or map to go over as it is now, whatever the body makes of it.
    fn gone_over(&mut self, items: &Expr, body: &[Statement]) -> Step<Value> {
        let mut lent_by = Vec::new();
        lenders(items, &mut lent_by);
        let changes = lent_by.iter().any(|local| assigns(body, *local));
        if changes { self.owned(items) } else { self.operand(items) }
    }

    fn begin_list(&mut self, iteration: &Iteration, list: &Expr, items: Value) -> Step<OpenLoop> {
        let rounds = self.size(list);
        let item_size = self.part_size(self.local(iteration.item).0, TextPlace::Items);
        let item = self.declare(iteration.item, true, item_size)?;
        let (index, hidden) = self.index(iteration, &rounds)?;
        let at = self.emit(Op::ForEach { item, index: index.register, list: items.register });
        self.facts.rounds.insert(at, rounds.clone());
        let locals = [Some(iteration.item), iteration.index, None];
        Ok(OpenLoop { level: self.emitter.level(), at, rounds, filters: 0, locals, kept: [None, hidden] })
    }

    /// The register of a loop's index, which is kept until its end where it has no name.
    fn index(&mut self, iteration: &Iteration, rounds: &Size) -> Step<(Value, Option<Value>)> {
        if let Some(index) = iteration.index {
            let register = self.declare(index, true, rounds.clone())?;
            return Ok((Value { register, temporary: false }, None));
        }
        let index = self.temporary_value(TypeId::INT)?;
        Ok((index, Some(index)))
    }

    fn begin_map(
        &mut self,
        iteration: &Iteration,
        map: &Expr,
        key: LocalId,
        body: &[Statement],
    ) -> Step<OpenLoop> {
        let rounds = self.size(map);
        let entries = self.gone_over(map, body)?;
        let (key_type, _) = self.local(key);
        let texts = matches!(self.program.ty(key_type), Some(Type::String));
        let key_size = self.part_size(key_type, TextPlace::Keys);
        let value_size = self.part_size(self.local(iteration.item).0, TextPlace::Values);
        let result = self.declare(key, true, key_size.clone())?;
        let value = self.declare(iteration.item, true, value_size)?;
        let (index, hidden) = self.index(iteration, &rounds)?;
        let op = Op::ForEachEntry { key: result, value, index: index.register, map: entries.register };
        let at = self.emit(op);
        self.note_text(at, key_size.ok().filter(|_| texts));
        self.facts.rounds.insert(at, rounds.clone());
        let locals = [Some(iteration.item), iteration.index, Some(key)];
        let level = self.emitter.level();
        Ok(OpenLoop { level, at, rounds, filters: 0, locals, kept: [Some(entries), hidden] })
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
        self.facts.rounds.insert(at, rounds.clone());
        let level = self.emitter.level();
        let mut kept = [Some(last), None];
        if let Some(index) = iteration.index {
            let result = self.declare(index, true, rounds.clone())?;
            self.emit(Op::SubInt { result, left: item, right: first.register });
            kept[1] = Some(first);
        } else {
            self.release(first);
        }
        let locals = [Some(iteration.item), iteration.index, None];
        Ok(OpenLoop { level, at, rounds, filters: 0, locals, kept })
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
        self.loops.pop();
        self.emit(Op::Advance {});
        for local in open.locals.into_iter().flatten() {
            self.forget(local);
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
        self.facts.rounds.insert(at, rounds.clone());
        let next = self.emitter.level();
        self.loops.push(Loop { leave, next, at, rounds, assigned: assigned(body) });
        let mut parts = Vec::new();
        conjunction(condition, true, &mut parts);
        for (part, wanted) in parts {
            let opened = self.open(part, !wanted)?;
            self.leave(leave)?;
            self.close(opened);
        }
        self.statements(body)?;
        self.loops.pop();
        self.emit(Op::Advance {});
        self.emit(Op::RoundsExhausted {});
        self.emit(Op::End {});
        self.release(round);
        self.release(last);
        Ok(())
    }
}
