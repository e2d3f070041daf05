//! Statements.

use swarm_bytecode::op::Op;
use swarm_bytecode::types::Class;

use super::function::{Generator, Step};
use super::texts::TextPlace;
use crate::bound::sum::either;
use crate::typed::{Expr, ExprKind, LocalId, Statement, StatementKind};

impl Generator<'_, '_> {
    /// Makes the code of a block. Says whether the program can go on behind it; what stands behind a statement
    /// that leaves is never reached and gets no code.
    pub(crate) fn statements(&mut self, body: &[Statement]) -> Step<bool> {
        let around = self.statement;
        let mut declared = Vec::new();
        let mut goes_on = true;
        for statement in body {
            if !goes_on {
                break;
            }
            self.statement = statement.span;
            if let StatementKind::Let { local, .. } = statement.kind {
                declared.push(local);
            }
            goes_on = self.statement(statement)?;
        }
        for local in declared {
            self.forget(local);
        }
        self.statement = around;
        Ok(goes_on)
    }

    fn statement(&mut self, statement: &Statement) -> Step<bool> {
        match &statement.kind {
            StatementKind::Let { local, value } => self.let_local(*local, value)?,
            StatementKind::Assign { place, update, value } => self.assign(place, *update, value)?,
            StatementKind::If { condition, then, otherwise } => {
                return self.branch(condition, then, otherwise);
            }
            StatementKind::IfSome { optional, local, then, otherwise } => {
                return self.if_some(optional, *local, then, otherwise);
            }
            StatementKind::For { iteration, body } => self.for_loop(iteration, body)?,
            StatementKind::While { condition, max, body } => self.while_loop(condition, max, body)?,
            StatementKind::Match { subject, arms, otherwise } => {
                return self.match_case(subject, arms, otherwise);
            }
            StatementKind::Within { phase, budgets, body, otherwise } => {
                return self.within(phase.as_ref(), budgets, body, otherwise.as_deref());
            }
            StatementKind::Try { import, arguments, times, backoff, otherwise } => {
                return self.attempt(*import, arguments, (*times, backoff.as_ref()), otherwise);
            }
            StatementKind::Break => {
                if let Some(leave) = self.loops.last().map(|innermost| innermost.leave) {
                    self.leave(leave)?;
                }
                return Ok(false);
            }
            StatementKind::Continue => {
                if let Some(next) = self.loops.last().map(|innermost| innermost.next) {
                    let depth = self.depth_of(next)?;
                    self.emit(Op::Continue { depth });
                }
                return Ok(false);
            }
            StatementKind::Return(value) => {
                self.give_back(value.as_ref())?;
                return Ok(false);
            }
            StatementKind::Stop(reason) => {
                let reason = self.operand(reason)?;
                self.emit(Op::Stop { reason: reason.register });
                self.release(reason);
                return Ok(false);
            }
            StatementKind::Fail(reason) => {
                let reason = self.operand(reason)?;
                self.emit(Op::Fail { reason: reason.register });
                self.release(reason);
                return Ok(false);
            }
            StatementKind::Record { metric, value } => {
                let metric = self.tables.metric(*metric);
                let value = self.operand(value)?;
                self.emit(Op::RecordMetric { metric, value: value.register });
                self.release(value);
            }
            StatementKind::Call(call) => self.call_statement(call)?,
        }
        Ok(true)
    }

    fn let_local(&mut self, local: LocalId, value: &Expr) -> Step<()> {
        let (hold, owns) = self.hold(local, value);
        let size = self.size(value);
        let constant = if self.written.contains(&local) { None } else { self.constant(value) };
        let result = self.declare(local, owns, size)?;
        if let Some(home) = self.home_mut(local) {
            home.constant = constant;
        }
        self.takes_over(local, value);
        if self.replaced.contains(&local) {
            self.store_text(TextPlace::Local(self.index, local), value);
        }
        let (ty, _) = self.local(local);
        self.put_typed(value, result, ty, hold)
    }

    fn branch(&mut self, condition: &Expr, then: &[Statement], otherwise: &[Statement]) -> Step<bool> {
        if otherwise.is_empty() || then.is_empty() {
            let wanted = otherwise.is_empty();
            let opened = self.open(condition, wanted)?;
            let goes_on = self.statements(if wanted { then } else { otherwise })?;
            self.close(opened);
            // Without a test the block is always run.
            return Ok(goes_on || opened > 0);
        }
        let inverted = self.open_single(condition)?;
        let (first, second) = if inverted { (otherwise, then) } else { (then, otherwise) };
        let first_goes_on = self.statements(first)?;
        self.second_arm(first_goes_on, second)
    }

    /// The other arm of an `if`, up to its end. Where the first one never comes to its end, what follows the `if`
    /// is the other case. Says whether the program can go on.
    pub(crate) fn second_arm(&mut self, first_goes_on: bool, second: &[Statement]) -> Step<bool> {
        if !first_goes_on {
            self.emit(Op::End {});
            return self.statements(second);
        }
        if !second.is_empty() {
            self.emit(Op::Else {});
            self.statements(second)?;
        }
        self.emit(Op::End {});
        Ok(true)
    }

    /// RETURN. What a local of this function owns goes to the caller; what it only looks at stays shared.
    fn give_back(&mut self, value: Option<&Expr>) -> Step<()> {
        let Some(given) = value else {
            self.emit(Op::Return {});
            return Ok(());
        };
        self.store_text(TextPlace::Result(self.index), given);
        if let Class::List | Class::Map = self.class_of(given) {
            let size = self.size(given);
            let known = self.facts.result.take();
            self.facts.result = Some(known.map_or(size.clone(), |known| either(known, &size)));
        }
        let owner = Self::as_local(given).filter(|local| self.home(*local).is_some_and(|home| home.owns));
        let value = if owner.is_some() { self.operand(given)? } else { self.owned(given)? };
        let value = self.retyped(value, given, self.function.result)?;
        self.emit(Op::ReturnValue { value: value.register });
        self.release(value);
        Ok(())
    }

    /// A call for its effect.
    fn call_statement(&mut self, call: &Expr) -> Step<()> {
        match &call.kind {
            ExprKind::Call(function, arguments) if call.ty.is_none() => {
                self.call(None, *function, arguments, call.span)
            }
            ExprKind::Host(import, arguments) if call.ty.is_none() => {
                self.host(None, *import, arguments, call.span)
            }
            _ => {
                let value = self.operand(call)?;
                self.release(value);
                Ok(())
            }
        }
    }
}
