//! LET, assignment and RECORD.

use swarm_bytecode::module::{MetricKind, StateId};
use swarm_bytecode::types::TypeId;
use swarm_grammar::ast::{self, AssignOperator, BinaryOperator};
use swarm_grammar::span::Span;

use super::body::{Body, Role};
use super::conversions::{Wanted, zero_text};
use super::effects::Effect;
use super::environment::Symbol;
use super::errors;
use crate::typed::{Expr, ExprKind, StatementKind};

impl Body<'_, '_> {
    pub(crate) fn let_statement(
        &mut self,
        name: &ast::Name,
        ty: Option<&ast::TypeExpr>,
        value: &ast::Expr,
    ) -> Option<StatementKind> {
        let (value, ty) = match ty {
            Some(written) => {
                let ty = self.cx.resolve(written);
                let wanted = Wanted::declared(name.text.clone(), written.span);
                (self.maybe_value(value, ty, &wanted), ty)
            }
            None => {
                let value = self.expression(value, None);
                let ty = value.as_ref().and_then(|value| value.ty);
                (value, ty)
            }
        };
        let local = self.declare(&name.text, name.span, ty, Role::Let);
        Some(StatementKind::Let { local, value: value? })
    }

    pub(crate) fn assign(
        &mut self,
        place: &ast::Expr,
        operator: AssignOperator,
        value: &ast::Expr,
        span: Span,
    ) -> Option<StatementKind> {
        self.assigned = Some(place.span);
        let target = self.place(place, operator, span);
        self.assigned = None;
        let Some(target) = target else {
            if !super::expressions::takes_type(value) {
                self.expression(value, None);
            }
            return None;
        };
        let entry = matches!(target.kind, ExprKind::Find(..));
        // As a place, `map[key]` is the entry itself, which is there once it is assigned.
        let ty = if entry { self.cx.types.inner(target.ty?)? } else { target.ty? };
        let wanted = Wanted { what: self.cx.quote(place.span).into(), declared: None };
        if entry && operator != AssignOperator::Set {
            self.expression(value, Some(ty));
            self.entry_that_may_be_missing(place, operator, value, ty, span);
            return None;
        }
        let operator = match operator {
            AssignOperator::Set => {
                let value = self.value(value, ty, &wanted)?;
                return Some(StatementKind::Assign { place: target, update: None, value });
            }
            AssignOperator::Add => BinaryOperator::Add,
            AssignOperator::Subtract => BinaryOperator::Subtract,
        };
        let right = self.expression(value, None)?;
        let at = Span { start: place.span.end, end: value.span.start, ..span };
        let sum = self.arithmetic(operator, at, (place, target.clone()), (value, right), span)?;
        let sum = self.convert(sum, value, ty, &wanted)?;
        if !has_index(&target) {
            return Some(StatementKind::Assign { place: target, update: None, value: sum });
        }
        // The index is evaluated once: the operation is kept beside its right operand.
        match sum.kind {
            ExprKind::Binary(operation, _, right) => {
                Some(StatementKind::Assign { place: target, update: Some(operation), value: *right })
            }
            _ => None,
        }
    }

    /// `counts[key] += 1`: plus what, where there is no entry yet?
    fn entry_that_may_be_missing(
        &mut self,
        place: &ast::Expr,
        operator: AssignOperator,
        value: &ast::Expr,
        ty: TypeId,
        span: Span,
    ) {
        let whole = self.cx.source_text(place.span);
        let value = self.cx.source_text(value.span);
        let sign = if operator == AssignOperator::Add { "+" } else { "-" };
        // `??` binds tighter than the sum, and what is taken away must stay together.
        let value = if operator == AssignOperator::Subtract && value.contains(' ') {
            format!("({value})")
        } else {
            value
        };
        let edit = zero_text(ty).map(|zero| (span, format!("{whole} = {whole} ?? {zero} {sign} {value}")));
        let name = self.cx.types.name(ty);
        self.report(errors::types::entry_may_be_missing(&self.cx.quote(place.span), place.span, &name, edit));
    }

    /// A place that may be assigned: a LET or a STATE, and fields, items and entries behind it.
    fn place(&mut self, place: &ast::Expr, operator: AssignOperator, span: Span) -> Option<Expr> {
        let name = base(place)?;
        let ast::ExprKind::Name(text) = &name.kind else {
            self.report(errors::flow::not_a_place(place.span));
            return None;
        };
        let whole = std::ptr::eq(name, place);
        if let Some((role, declared)) = self.role_of(text) {
            if role != Role::Let {
                self.report(errors::flow::read_only(text, name.span, role, declared, whole));
                return None;
            }
            let read = self.local(text).and_then(|id| self.info(id)).is_some_and(|info| info.read);
            let target = self.expression(place, None);
            if let Some(info) = self.local(text).and_then(|id| self.info_mut(id)) {
                info.assigned = true;
                // To be written to is not to be read.
                info.read = read;
            }
            return target;
        }
        if let Some(Symbol::State(id)) = self.symbol(text) {
            return self.state_place(id, place, text, name.span);
        }
        match self.cx.env.get(text) {
            None => {
                self.assign_unknown(text, name.span, whole && operator == AssignOperator::Set);
                None
            }
            Some(declared) => {
                if declared.symbol != Symbol::Unknown {
                    let record = whole.then_some(span);
                    let by_agent = self.measured_by_agent(declared.symbol);
                    let record = record.filter(|_| !by_agent);
                    self.report(errors::flow::read_only_global(text, name.span, declared, record));
                }
                None
            }
        }
    }

    fn state_place(
        &mut self,
        id: StateId,
        place: &ast::Expr,
        name: &smol_str::SmolStr,
        span: Span,
    ) -> Option<Expr> {
        let read = self.cx.env.state(id).is_some_and(|state| state.read);
        let target = self.expression(place, None);
        self.effect(Effect::Assign, name, span);
        if let Some(state) = self.cx.env.states.get_mut(id.index()) {
            state.assigned = true;
            // To be written to is not to be read.
            state.read = read;
        }
        target
    }

    fn measured_by_agent(&self, symbol: Symbol) -> bool {
        match symbol {
            Symbol::Metric(id) => self.cx.env.metric(id).is_some_and(|metric| metric.by_agent.is_some()),
            _ => false,
        }
    }

    /// `x = 5` without a LET: `plain` where putting LET before it would mend it.
    fn assign_unknown(&mut self, name: &smol_str::SmolStr, at: Span, plain: bool) {
        if self.incomplete || !self.unknown.insert(name.clone()) {
            return;
        }
        let near = errors::nearest(name, self.visible_names()).map(str::to_owned);
        self.report(errors::names::assigned_unknown(name, at, near.as_deref(), plain));
    }

    pub(crate) fn record_statement(
        &mut self,
        metric: &ast::Name,
        value: &ast::Expr,
        span: Span,
    ) -> Option<StatementKind> {
        let Some(Symbol::Metric(id)) = self.symbol(&metric.text) else {
            self.not_a_metric(metric);
            if !super::expressions::takes_type(value) {
                self.expression(value, None);
            }
            return None;
        };
        self.effect(Effect::Record, "RECORD", span);
        self.facts.metrics_recorded.insert(id);
        let info = self.cx.env.metric(id)?.clone();
        if let Some(by_agent) = info.by_agent {
            self.report(errors::host::measured_by_agent(&metric.text, metric.span, by_agent));
        }
        let wanted = Wanted::declared(metric.text.clone(), info.span);
        let sample = self.maybe_value(value, info.ty, &wanted)?;
        if info.kind == MetricKind::Total
            && let Some((total, rest)) = added_to(value, &metric.text)
        {
            let rest = rest.map(|rest| self.cx.source_text(rest));
            self.report(errors::warnings::total_twice(&metric.text, total, value.span, rest));
        }
        Some(StatementKind::Record { metric: id, value: sample })
    }

    fn not_a_metric(&mut self, name: &ast::Name) {
        if self.incomplete || self.symbol(&name.text) == Some(Symbol::Unknown) {
            return;
        }
        let known = self.symbol(&name.text).is_some() || self.local(&name.text).is_some();
        let metrics = self.cx.env.names().filter(|(_, symbol)| matches!(symbol, Symbol::Metric(_)));
        let near = errors::nearest(&name.text, metrics.map(|(name, _)| name)).map(str::to_owned);
        self.report(errors::names::not_a_metric(&name.text, name.span, known, near.as_deref()));
    }
}

/// The name at the root of a place.
fn base(place: &ast::Expr) -> Option<&ast::Expr> {
    match &place.kind {
        ast::ExprKind::Member(inner, _) | ast::ExprKind::Index(inner, _) | ast::ExprKind::Paren(inner) => {
            base(inner)
        }
        ast::ExprKind::Error => None,
        _ => Some(place),
    }
}

fn has_index(place: &Expr) -> bool {
    match &place.kind {
        ExprKind::Item(..) | ExprKind::Find(..) => true,
        ExprKind::Field(inner, _) => has_index(inner),
        _ => false,
    }
}

/// In `total + x` or `x + total`: where the total stands, and where `x` does.
fn added_to(value: &ast::Expr, metric: &str) -> Option<(Span, Option<Span>)> {
    match &value.kind {
        ast::ExprKind::Paren(inner) => added_to(inner, metric),
        ast::ExprKind::Binary(BinaryOperator::Add, _, left, right) => {
            let is_total =
                |side: &ast::Expr| matches!(&side.kind, ast::ExprKind::Name(name) if name == metric);
            match (is_total(left), is_total(right)) {
                (true, false) => Some((left.span, Some(right.span))),
                (false, true) => Some((right.span, Some(left.span))),
                (true, true) => Some((left.span, None)),
                (false, false) => None,
            }
        }
        _ => None,
    }
}
