//! Statements: the way in, branches, jumps, and what ends a run.

use smol_str::SmolStr;
use swarm_bytecode::types::TypeId;
use swarm_grammar::ast::{self, StatementKind as Kind};
use swarm_grammar::span::Span;

use super::body::{Body, Role, typed};
use super::conversions::Wanted;
use super::effects::Effect;
use super::environment::Answer;
use super::errors;
use super::trying::Attempts;
use crate::typed::{Expr, ExprKind, LocalId, Statement, StatementKind, UnaryOperation};

/// How deep statements may nest; an ELSE IF nests one deeper than the IF before it. It is less than the parser
/// admits, because typed statements take more room on the stack of whoever walks them.
pub(crate) const MAX_NESTING: u32 = 128;

/// Checked statements, and whether control never gets behind them.
pub(crate) struct Checked {
    pub(crate) statements: Vec<Statement>,
    pub(crate) leaves: bool,
}

/// One checked statement, and whether control never gets behind it. `None`: a diagnostic was given.
pub(crate) struct Step {
    /// What has to come before it.
    pub(crate) before: Option<StatementKind>,
    pub(crate) kind: Option<StatementKind>,
    pub(crate) leaves: bool,
}

impl Step {
    pub(crate) fn next(kind: Option<StatementKind>) -> Step {
        Step { before: None, kind, leaves: false }
    }

    fn leave(kind: Option<StatementKind>) -> Step {
        Step { before: None, kind, leaves: true }
    }
}

impl Body<'_, '_> {
    /// Checks a block in a scope of its own.
    pub(crate) fn block(&mut self, block: &ast::Block) -> Checked {
        if self.nesting >= MAX_NESTING {
            self.report(errors::flow::nested_too_deeply(block.span, MAX_NESTING));
            self.unknown_flow = true;
            return Checked { statements: Vec::new(), leaves: false };
        }
        let mark = self.open();
        self.nesting = self.nesting.saturating_add(1);
        let checked = self.statements(&block.statements);
        self.nesting = self.nesting.saturating_sub(1);
        self.close(mark);
        checked
    }

    /// Checks statements in the scope that is open. What control never reaches is checked, but left out.
    fn statements(&mut self, statements: &[ast::Statement]) -> Checked {
        let mut checked = Checked { statements: Vec::with_capacity(statements.len()), leaves: false };
        // The statement that leaves, until that has been said.
        let mut left = None;
        for statement in statements {
            if let Some(before) = left.take() {
                let rest = statements.last().map_or(statement.span, |last| statement.span.to(last.span));
                self.report(errors::warnings::never_reached(statement.span, before, rest));
            }
            let step = self.statement(statement);
            if !checked.leaves {
                let kinds = step.before.into_iter().chain(step.kind);
                checked.statements.extend(kinds.map(|kind| Statement { kind, span: statement.span }));
            }
            left = Some(statement.span).filter(|_| step.leaves && !checked.leaves);
            checked.leaves |= step.leaves;
        }
        checked
    }

    fn statement(&mut self, statement: &ast::Statement) -> Step {
        let span = statement.span;
        match &statement.kind {
            Kind::If { arms, otherwise } => self.if_statement(arms, otherwise.as_ref(), span),
            Kind::For { binders, source, filter, body, .. } => {
                self.for_statement(binders, source, filter.as_deref(), body, span)
            }
            Kind::While { condition, max, body } => self.while_statement(condition, max.as_deref(), body),
            Kind::Match { subject, arms, otherwise } => {
                self.match_statement(subject, arms, otherwise.as_ref(), span)
            }
            Kind::Within { phase, budgets, body, otherwise } => {
                self.within(phase.as_ref(), budgets, body, otherwise.as_ref())
            }
            Kind::Try { call, otherwise } => self.try_statement(Attempts::default(), call, otherwise, span),
            Kind::Retry { times, backoff, call, otherwise } => {
                let attempts = Attempts { times: Some(times), backoff: backoff.as_deref() };
                self.try_statement(attempts, call, otherwise, span)
            }
            other => self.simple_statement(other, span),
        }
    }

    /// A statement without blocks.
    fn simple_statement(&mut self, kind: &Kind, span: Span) -> Step {
        match kind {
            Kind::Let { name, ty, value } => Step::next(self.let_statement(name, ty.as_ref(), value)),
            Kind::Assign { place, operator, value } => Step::next(self.assign(place, *operator, value, span)),
            Kind::Call(call) => Step::next(self.call_statement(call)),
            Kind::Record { metric, value } => Step::next(self.record_statement(metric, value, span)),
            Kind::Require { condition, reason } => Step::next(self.require(condition, reason, span)),
            Kind::Break => self.jump("BREAK", StatementKind::Break, span),
            Kind::Continue => self.jump("CONTINUE", StatementKind::Continue, span),
            Kind::Return(value) => Step::leave(self.return_statement(value.as_deref(), span)),
            Kind::Stop(reason) => self.stop(reason.as_ref(), span),
            Kind::Fail(reason) => self.fail(reason, span),
            Kind::If { .. }
            | Kind::For { .. }
            | Kind::While { .. }
            | Kind::Match { .. }
            | Kind::Within { .. }
            | Kind::Try { .. }
            | Kind::Retry { .. }
            | Kind::Error => {
                self.incomplete = true;
                self.unknown_flow = true;
                Step::next(None)
            }
        }
    }

    fn stop(&mut self, reason: Option<&ast::StringLiteral>, span: Span) -> Step {
        let reason = match reason {
            Some(reason) => self.string(reason),
            None => Some(typed(ExprKind::String(SmolStr::default()), TypeId::STRING, span)),
        };
        self.effect(Effect::Halt, "STOP", span);
        Step::leave(reason.map(StatementKind::Stop))
    }

    fn fail(&mut self, reason: &ast::StringLiteral, span: Span) -> Step {
        let reason = self.string(reason);
        self.effect(Effect::Halt, "FAIL", span);
        Step::leave(reason.map(StatementKind::Fail))
    }

    fn call_statement(&mut self, source: &ast::Expr) -> Option<StatementKind> {
        match &source.kind {
            ast::ExprKind::Call { callee, arguments } => {
                self.call(callee, arguments, source.span, None).map(StatementKind::Call)
            }
            _ => self.expression(source, None).map(StatementKind::Call),
        }
    }

    fn if_statement(&mut self, arms: &[ast::IfArm], otherwise: Option<&ast::Block>, span: Span) -> Step {
        if self.too_many_in_a_row(arms.len(), span) {
            return Step::next(None);
        }
        let nesting = self.nesting;
        let mut checked = Vec::with_capacity(arms.len());
        for arm in arms {
            checked.push(self.arm(arm));
            self.nesting = self.nesting.saturating_add(1);
        }
        let last = otherwise.map(|block| self.block(block));
        self.nesting = nesting;
        nested_branches(checked, last)
    }

    /// Whether so many branches, each nested in the one before, are too deep here; then it is reported.
    pub(crate) fn too_many_in_a_row(&mut self, arms: usize, span: Span) -> bool {
        let deepest = u32::try_from(arms).unwrap_or(u32::MAX).saturating_add(self.nesting);
        let too_many = deepest > MAX_NESTING;
        if too_many {
            self.report(errors::flow::nested_too_deeply(span, MAX_NESTING));
            self.unknown_flow = true;
        }
        too_many
    }

    fn arm(&mut self, arm: &ast::IfArm) -> Arm {
        let mark = self.open();
        let head = self.head(&arm.condition);
        let block = self.block(&arm.block);
        self.close(mark);
        Arm { head, block, span: arm.block.span }
    }

    /// What an IF asks. A name that IF LET binds is declared in the scope that is open.
    fn head(&mut self, condition: &ast::Condition) -> Option<Head> {
        match condition {
            ast::Condition::Expr(source) => {
                let condition = self.condition(source)?;
                self.constant_condition(&condition);
                Some(Head::Condition(condition))
            }
            ast::Condition::Let { name, value } => {
                let optional = self.expression(value, None);
                let ty = optional.as_ref().and_then(|optional| optional.ty);
                let inner = ty.and_then(|ty| self.cx.types.inner(ty));
                if let (Some(ty), None) = (ty, inner) {
                    let side = self.side(value, ty);
                    self.report(errors::types::never_none(&side, None, "IF LET"));
                }
                let local = self.declare(&name.text, name.span, inner, Role::IfLet);
                inner?;
                Some(Head::Some(optional?, local))
            }
        }
    }

    fn for_statement(
        &mut self,
        binders: &[ast::Name],
        source: &ast::Expr,
        filter: Option<&ast::Expr>,
        body: &ast::Block,
        span: Span,
    ) -> Step {
        let mark = self.open();
        let iteration = self.iteration(binders, source, filter, span);
        let body = self.loop_body(body);
        self.close(mark);
        Step::next(iteration.map(|iteration| StatementKind::For { iteration, body }))
    }

    fn while_statement(&mut self, condition: &ast::Expr, max: Option<&ast::Expr>, body: &ast::Block) -> Step {
        let head = self.while_head(condition, max);
        let body = self.loop_body(body);
        Step::next(head.map(|(condition, max)| StatementKind::While { condition, max, body }))
    }

    fn while_head(&mut self, condition: &ast::Expr, max: Option<&ast::Expr>) -> Option<(Expr, Expr)> {
        let checked = self.condition(condition);
        // `WHILE TRUE MAX n` is how one repeats n times: only a loop that never runs is worth a word.
        if let Some(never) = &checked
            && self.cx.always(never) == Some(false)
        {
            self.constant_condition(never);
        }
        let max = match max {
            Some(max) => self.value(max, TypeId::INT, &Wanted::words("the MAX of a WHILE")),
            None => {
                self.report(errors::flow::while_without_max(condition.span));
                None
            }
        };
        checked.zip(max)
    }

    fn loop_body(&mut self, body: &ast::Block) -> Vec<Statement> {
        self.loops = self.loops.saturating_add(1);
        let body = self.block(body);
        self.loops = self.loops.saturating_sub(1);
        body.statements
    }

    fn jump(&mut self, word: &'static str, kind: StatementKind, span: Span) -> Step {
        if self.loops == 0 {
            self.report(errors::flow::outside_loop(word, span));
            return Step::next(None);
        }
        Step::leave(Some(kind))
    }

    fn return_statement(&mut self, value: Option<&ast::Expr>, span: Span) -> Option<StatementKind> {
        match (self.answer, value) {
            (Answer::Nothing, None) => Some(StatementKind::Return(None)),
            (Answer::Nothing, Some(value)) => {
                let expr = self.expression(value, None);
                let ty = expr.as_ref().and_then(|expr| expr.ty).map(|ty| self.cx.types.name(ty));
                let name = self.name.clone();
                let header = self.header;
                self.report(errors::flow::return_of_nothing(&name, value.span, span, ty.as_deref(), header));
                None
            }
            (Answer::Value(ty), None) => {
                let (name, ty) = (self.name.clone(), self.cx.types.name(ty));
                self.report(errors::flow::return_without_value(&name, &ty, span));
                None
            }
            (Answer::Unknown, None) => None,
            (answer, Some(value)) => {
                let ty = if let Answer::Value(ty) = answer { Some(ty) } else { None };
                let what = format!("the answer of {}", self.name);
                let wanted = Wanted { what: what.into(), declared: None };
                let value = self.maybe_value(value, ty, &wanted)?;
                Some(StatementKind::Return(Some(value)))
            }
        }
    }

    fn require(
        &mut self,
        condition: &ast::Expr,
        reason: &ast::StringLiteral,
        span: Span,
    ) -> Option<StatementKind> {
        let condition = self.condition(condition);
        let reason_expr = self.string(reason);
        self.effect(Effect::Halt, "REQUIRE", span);
        let condition = condition?;
        self.constant_condition(&condition);
        let at = condition.span;
        let condition = typed(ExprKind::Unary(UnaryOperation::Not, Box::new(condition)), TypeId::BOOL, at);
        let fail = Statement { kind: StatementKind::Fail(reason_expr?), span };
        Some(StatementKind::If { condition, then: vec![fail], otherwise: Vec::new() })
    }

    /// A warning where a condition is the same in every run.
    pub(crate) fn constant_condition(&mut self, condition: &Expr) {
        if let Some(holds) = self.cx.always(condition) {
            self.report(errors::warnings::constant_condition(holds, condition.span));
        }
    }
}

/// What an IF asks, checked.
pub(crate) enum Head {
    Condition(Expr),
    Some(Expr, LocalId),
}

/// One branch of an IF or a MATCH, checked.
pub(crate) struct Arm {
    pub(crate) head: Option<Head>,
    pub(crate) block: Checked,
    pub(crate) span: Span,
}

/// Branches in a row as branches inside each other: each ELSE IF is an IF in the ELSE of the one before.
pub(crate) fn nested_branches(arms: Vec<Arm>, last: Option<Checked>) -> Step {
    let leaves = last.as_ref().is_some_and(|last| last.leaves) && arms.iter().all(|arm| arm.block.leaves);
    let mut rest = last.map_or_else(Vec::new, |last| last.statements);
    let mut whole = true;
    for arm in arms.into_iter().rev() {
        let then = arm.block.statements;
        let otherwise = std::mem::take(&mut rest);
        let kind = match arm.head {
            Some(Head::Condition(condition)) => StatementKind::If { condition, then, otherwise },
            Some(Head::Some(optional, local)) => StatementKind::IfSome { optional, local, then, otherwise },
            None => {
                whole = false;
                continue;
            }
        };
        rest = vec![Statement { kind, span: arm.span }];
    }
    let kind = rest.pop().filter(|_| whole).map(|statement| statement.kind);
    Step { before: None, kind, leaves }
}
