//! Statements: book, "Statements".

use swarm_bytecode::trap::LimitKind;
use swarm_bytecode::trap::TrapCode::{IndexOutOfRange, NoneUnwrapped, TooLong};
use swarm_bytecode::types::TypeId;
use swarm_compiler::typed::{
    BinaryOperation, CaseArm, Expr, ExprKind, FunctionIndex, Iteration, LocalId, Source, Statement,
    StatementKind,
};

use super::{Done, Halt, MOST_CALLS, Order, index, ty};
use crate::report::Host;
use crate::types::Types;
use crate::value::Value;

/// The locals of a live call.
pub(super) type Locals = Vec<Value>;

/// How a statement was left.
#[derive(Debug)]
pub(super) enum Left {
    /// At its end.
    Through,
    Break,
    Continue,
    Return(Option<Value>),
}

/// A step from a value to a part of it.
enum Part {
    Field(usize),
    Item(i64),
    Entry(Value),
}

pub(super) fn set(locals: &mut Locals, local: LocalId, value: Value) {
    if let Some(place) = usize::try_from(local.0).ok().and_then(|at| locals.get_mut(at)) {
        *place = value;
    }
}

pub(super) fn get(locals: &Locals, local: LocalId) -> Value {
    usize::try_from(local.0).ok().and_then(|at| locals.get(at)).cloned().unwrap_or(Value::Zero)
}

impl<'p> Order<'p> {
    /// Calls a function.
    pub(super) fn function(
        &mut self,
        function: FunctionIndex,
        arguments: Vec<Value>,
        host: &mut Host<'_>,
    ) -> Done<Option<Value>> {
        let program = self.program;
        let Some(own) = program.functions.get(index(function)) else { return Ok(None) };
        if self.run.depth >= MOST_CALLS {
            return Err(Halt::GivenUp);
        }
        self.run.depth = self.run.depth.saturating_add(1);
        let caller = std::mem::replace(&mut self.run.statement, own.span);
        let mut locals = arguments;
        locals.resize(own.locals.len(), Value::Zero);
        let left = self.block(&own.body, &mut locals, host)?;
        self.run.statement = caller;
        self.run.depth = self.run.depth.saturating_sub(1);
        Ok(if let Left::Return(value) = left { value } else { None })
    }

    fn block(&mut self, body: &'p [Statement], locals: &mut Locals, host: &mut Host<'_>) -> Done<Left> {
        for statement in body {
            match self.statement(statement, locals, host)? {
                Left::Through => {}
                other => return Ok(other),
            }
        }
        Ok(Left::Through)
    }

    fn statement(
        &mut self,
        statement: &'p Statement,
        locals: &mut Locals,
        host: &mut Host<'_>,
    ) -> Done<Left> {
        self.step()?;
        self.run.statement = statement.span;
        match &statement.kind {
            StatementKind::Let { local, value } => {
                let value = self.value(value, locals, host)?;
                set(locals, *local, value);
            }
            StatementKind::Assign { place, update, value } => {
                self.assign(place, *update, value, locals, host)?
            }
            StatementKind::If { condition, then, otherwise } => {
                let holds = self.value(condition, locals, host)?.holds();
                return self.block(if holds { then } else { otherwise }, locals, host);
            }
            StatementKind::IfSome { optional, local, then, otherwise } => {
                let optional = self.value(optional, locals, host)?;
                let Some(value) = optional.some() else { return self.block(otherwise, locals, host) };
                set(locals, *local, value.clone());
                return self.block(then, locals, host);
            }
            StatementKind::For { iteration, body } => return self.for_each(iteration, body, locals, host),
            StatementKind::While { condition, max, body } => {
                return self.while_loop(condition, max, body, locals, host);
            }
            StatementKind::Match { subject, arms, otherwise } => {
                let subject = self.value(subject, locals, host)?;
                let arm = arms.iter().find(|arm| arm.cases.contains(&subject.case()));
                let Some(CaseArm { binders, body, .. }) = arm else {
                    return self.block(otherwise, locals, host);
                };
                for (field, local) in binders {
                    set(locals, *local, subject.field(usize::from(*field)));
                }
                return self.block(body, locals, host);
            }
            StatementKind::Within { budgets, body, otherwise, .. } => {
                return self.within(budgets, body, otherwise.as_deref(), locals, host);
            }
            StatementKind::Try { import, arguments, times, backoff, otherwise } => {
                // From left to right: the pause stands before the action.
                let pause = match backoff {
                    Some(backoff) => self.value(backoff, locals, host)?.word(),
                    None => 0,
                };
                let arguments = self.values(arguments, locals, host)?;
                if !self.attempt(*import, &arguments, *times, pause, host)? {
                    return self.block(otherwise, locals, host);
                }
            }
            StatementKind::Break => return Ok(Left::Break),
            StatementKind::Continue => return Ok(Left::Continue),
            StatementKind::Return(value) => {
                let value = value.as_ref().map(|value| self.value(value, locals, host)).transpose()?;
                return Ok(Left::Return(value));
            }
            StatementKind::Stop(reason) => {
                let reason = self.value(reason, locals, host)?.text().to_owned();
                self.run.withins.clear();
                return Err(Halt::Ends(true, reason));
            }
            StatementKind::Fail(reason) => {
                return Err(Halt::Ends(false, self.value(reason, locals, host)?.text().to_owned()));
            }
            StatementKind::Record { metric, value } => {
                let sample = self.value(value, locals, host)?;
                let (declared, samples) =
                    (self.program.metrics.get(metric.index()), self.metrics.get_mut(metric.index()));
                if let (Some(declared), Some(samples)) = (declared, samples) {
                    samples.record(self.types, declared, sample)?;
                }
            }
            StatementKind::Call(call) => {
                self.call(call, locals, host)?;
            }
        }
        Ok(Left::Through)
    }

    /// A place gets a value: what stands in it is evaluated first, then the value, then it is written.
    fn assign(
        &mut self,
        place: &'p Expr,
        update: Option<BinaryOperation>,
        value: &'p Expr,
        locals: &mut Locals,
        host: &mut Host<'_>,
    ) -> Done {
        let mut path = Vec::new();
        let root = self.path(place, &mut path, locals, host)?;
        let read = |order: &Self, locals: &Locals| match &root.kind {
            ExprKind::State(state) => order.states.get(state.index()).cloned().unwrap_or(Value::Zero),
            ExprKind::Local(local) => get(locals, *local),
            _ => Value::Zero,
        };
        let value = match update {
            None => self.value(value, locals, host)?,
            Some(operation) => {
                let mut left = read(self, locals);
                for part in &path {
                    left = part_of(&left, part)?;
                }
                let right = self.value(value, locals, host)?;
                self.operation(operation, ty(place), (&left, &right))?
            }
        };
        let whole = replaced(self.types, ty(root), &read(self, locals), &path, value)?;
        match &root.kind {
            ExprKind::State(state) => {
                if let Some(own) = self.states.get_mut(state.index()) {
                    *own = whole;
                }
            }
            ExprKind::Local(local) => set(locals, *local, whole),
            _ => {}
        }
        Ok(())
    }

    /// The variable a place lies in, and the way to it.
    fn path(
        &mut self,
        place: &'p Expr,
        path: &mut Vec<Part>,
        locals: &mut Locals,
        host: &mut Host<'_>,
    ) -> Done<&'p Expr> {
        let (outer, part) = match &place.kind {
            ExprKind::Field(outer, field) => (outer, Ok(Part::Field(usize::from(*field)))),
            ExprKind::Item(outer, at) | ExprKind::Find(outer, at) => (outer, Err(at)),
            _ => return Ok(place),
        };
        let root = self.path(outer, path, locals, host)?;
        let entry = matches!(place.kind, ExprKind::Find(..));
        path.push(match part {
            Ok(field) => field,
            Err(at) => {
                let at = self.value(at, locals, host)?;
                if entry { Part::Entry(at) } else { Part::Item(at.word()) }
            }
        });
        Ok(root)
    }

    fn for_each(
        &mut self,
        iteration: &'p Iteration,
        body: &'p [Statement],
        locals: &mut Locals,
        host: &mut Host<'_>,
    ) -> Done<Left> {
        let rounds = self.rounds(iteration, locals, host)?;
        let own = self.run.statement;
        for round in rounds {
            self.run.statement = own;
            if !self.enter_round(iteration, round, locals, host)? {
                continue;
            }
            match self.block(body, locals, host)? {
                Left::Through | Left::Continue => {}
                Left::Break => break,
                other => return Ok(other),
            }
        }
        Ok(Left::Through)
    }

    /// What a loop goes over, taken once: key, index and item of each round.
    pub(super) fn rounds(
        &mut self,
        iteration: &'p Iteration,
        locals: &mut Locals,
        host: &mut Host<'_>,
    ) -> Done<Box<dyn Iterator<Item = (Value, i64, Value)>>> {
        Ok(match &iteration.source {
            Source::List(list) => {
                let items = self.value(list, locals, host)?.parts().to_vec();
                Box::new(items.into_iter().zip(0..).map(|(item, at)| (Value::Zero, at, item)))
            }
            Source::Range(first, last) => {
                let (first, last) =
                    (self.value(first, locals, host)?.word(), self.value(last, locals, host)?.word());
                Box::new((first..=last).zip(0..).map(|(item, at)| (Value::Zero, at, Value::Word(item))))
            }
            Source::Map(map, _) => {
                let entries = self.value(map, locals, host)?.entries();
                Box::new(entries.into_values().zip(0..).map(|((key, value), at)| (key, at, value)))
            }
        })
    }

    /// Gives the loop's names their values; whether WHERE holds.
    pub(super) fn enter_round(
        &mut self,
        iteration: &'p Iteration,
        (key, at, item): (Value, i64, Value),
        locals: &mut Locals,
        host: &mut Host<'_>,
    ) -> Done<bool> {
        self.step()?;
        set(locals, iteration.item, item);
        if let Some(index) = iteration.index {
            set(locals, index, Value::Word(at));
        }
        if let Source::Map(_, own) = &iteration.source {
            set(locals, *own, key);
        }
        match &iteration.filter {
            Some(filter) => Ok(self.value(filter, locals, host)?.holds()),
            None => Ok(true),
        }
    }

    fn while_loop(
        &mut self,
        condition: &'p Expr,
        max: &'p Expr,
        body: &'p [Statement],
        locals: &mut Locals,
        host: &mut Host<'_>,
    ) -> Done<Left> {
        let max = self.value(max, locals, host)?.word();
        let own = self.run.statement;
        for _ in 0..max.max(0) {
            self.step()?;
            self.run.statement = own;
            if !self.value(condition, locals, host)?.holds() {
                break;
            }
            match self.block(body, locals, host)? {
                Left::Through | Left::Continue => {}
                Left::Break => break,
                other => return Ok(other),
            }
        }
        Ok(Left::Through)
    }

    fn within(
        &mut self,
        budgets: &'p [Expr],
        body: &'p [Statement],
        otherwise: Option<&'p [Statement]>,
        locals: &mut Locals,
        host: &mut Host<'_>,
    ) -> Done<Left> {
        let mut amounts = Vec::new();
        for budget in budgets {
            amounts.push((ty(budget), self.value(budget, locals, host)?.word()));
        }
        let before = (locals.clone(), self.states.clone(), self.metrics.clone(), self.run.actions.len());
        let (own, depth, statement) = (self.run.withins.len(), self.run.depth, self.run.statement);
        self.open_within(&amounts, otherwise.is_some());
        // A duration of nothing is over at once.
        let left = if amounts.iter().any(|(ty, amount)| *ty == TypeId::DURATION && *amount <= 0) {
            Err(Halt::Struck(own, LimitKind::Deadline))
        } else {
            self.block(body, locals, host)
        };
        match (left, otherwise) {
            (Err(Halt::Struck(at, _)), Some(otherwise)) if at == own => {
                self.run.withins.truncate(own);
                (*locals, self.states, self.metrics) = (before.0, before.1, before.2);
                (self.run.depth, self.run.statement) = (depth, statement);
                self.take_back(before.3);
                self.block(otherwise, locals, host)
            }
            (Ok(left), _) => {
                self.run.withins.truncate(own);
                if !self.holds() {
                    self.apply(host);
                }
                Ok(left)
            }
            (Err(halt), _) => Err(halt),
        }
    }
}

fn part_of(whole: &Value, part: &Part) -> Done<Value> {
    match part {
        Part::Field(field) => Ok(whole.field(*field)),
        Part::Item(at) => {
            let at = usize::try_from(*at).map_err(|_| IndexOutOfRange)?;
            Ok(whole.parts().get(at).cloned().ok_or(IndexOutOfRange)?)
        }
        Part::Entry(key) => Ok(whole.entries().remove(&key.key()).ok_or(NoneUnwrapped)?.1),
    }
}

/// A value with another one in the place that a way leads to.
fn replaced(types: Types<'_>, ty: TypeId, whole: &Value, path: &[Part], value: Value) -> Done<Value> {
    let Some((part, rest)) = path.split_first() else { return Ok(value) };
    match part {
        Part::Field(field) => {
            let fields = types.fields(ty);
            let own = fields.get(*field).map_or(TypeId::INT, |field| field.ty);
            let value = replaced(types, own, &whole.field(*field), rest, value)?;
            Ok(whole.with(*field, fields.len(), value))
        }
        Part::Item(at) => {
            let old = part_of(whole, part)?;
            let value = replaced(types, types.element(ty), &old, rest, value)?;
            Ok(whole.with(usize::try_from(*at).unwrap_or(usize::MAX), whole.parts().len(), value))
        }
        Part::Entry(key) => {
            let mut entries = whole.entries();
            let old = entries.get(&key.key()).map(|(_, value)| value.clone());
            let old = if rest.is_empty() { old.unwrap_or(Value::Zero) } else { old.ok_or(NoneUnwrapped)? };
            let value = replaced(types, types.entry(ty).1, &old, rest, value)?;
            let own = entries.get(&key.key()).map_or(key.clone(), |(own, _)| own.clone());
            entries.insert(key.key(), (own, value));
            if u64::try_from(entries.len()).unwrap_or(u64::MAX) > types.most(ty) {
                return Err(TooLong.into());
            }
            Ok(Value::Map(entries.into()))
        }
    }
}
