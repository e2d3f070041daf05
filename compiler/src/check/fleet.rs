//! The part of the header that speaks of the fleet's figures: ROLLOUT, EXPECT, STOP WHEN and REPORT. In its
//! conditions a metric is that of all agents together (rule A1.1).

use std::collections::{BTreeMap, BTreeSet};

use swarm_bytecode::module::{self, MetricId, Rollout};
use swarm_bytecode::numeric::PERCENT_ONE;
use swarm_bytecode::types::TypeId;
use swarm_grammar::ast;
use swarm_grammar::span::Span;

use super::Checker;
use super::body::Place;
use super::environment::Symbol;
use super::errors;
use super::header::Header;
use crate::typed::FunctionIndex;

impl Checker<'_> {
    /// A condition of the header as a function without parameters.
    pub(crate) fn fleet_condition(
        &mut self,
        clause: &'static str,
        condition: &ast::Expr,
        header: &mut Header,
    ) -> FunctionIndex {
        let function = self.expression_function(clause, Place::Header, condition.span, &[], |body| {
            let condition = body.condition(condition)?;
            body.constant_condition(&condition);
            Some(condition)
        });
        header.conditions.push(function);
        function
    }

    pub(crate) fn rollout(
        &mut self,
        waves: &[ast::Expr],
        after: Option<&ast::Expr>,
        gate: Option<&(ast::Expr, ast::GateFailure)>,
        header: &mut Header,
    ) {
        let waves = self.waves(waves);
        let after_ns = after.and_then(|after| self.positive_duration(after, "AFTER"));
        let failure = match gate {
            Some((_, ast::GateFailure::Halt)) => module::GateFailure::Halt,
            _ => module::GateFailure::Rollback,
        };
        let gate = gate.map(|(condition, _)| self.fleet_condition("ROLLOUT", condition, header));
        header.fleet.rollout = Some((Rollout { waves, after_ns, gate: None, failure }, gate));
    }

    /// Shares of the matching agents: cumulative, each more than the one before.
    fn waves(&mut self, written: &[ast::Expr]) -> Vec<i64> {
        let mut waves = Vec::with_capacity(written.len());
        let mut before: Option<(i64, Span)> = None;
        for wave in written {
            let Some(share) = self.constant_word(wave, TypeId::PERCENT, "a wave of ROLLOUT") else {
                continue;
            };
            if !(1..=PERCENT_ONE).contains(&share) {
                let text = self.quote(wave.span);
                let range = "more than 0% and at most 100%";
                self.report(errors::header::out_of_range("a wave of ROLLOUT", text, range, wave.span));
                continue;
            }
            if let Some((_, first)) = before.filter(|(before, _)| *before >= share) {
                self.report(errors::fleet::wave_not_rising(&self.quote(wave.span), wave.span, first));
                continue;
            }
            before = Some((share, wave.span));
            waves.push(share);
        }
        waves
    }

    pub(crate) fn positive_duration(&mut self, value: &ast::Expr, what: &'static str) -> Option<i64> {
        let word = self.constant_word(value, TypeId::DURATION, what)?;
        self.positive(word, what, value.span)
    }

    pub(crate) fn reporting(&mut self, names: &[ast::Name], every: Option<&ast::Expr>, header: &mut Header) {
        let mut metrics = Vec::with_capacity(names.len());
        let mut seen = BTreeSet::new();
        for name in names {
            match self.env.get(&name.text).map(|declared| declared.symbol) {
                Some(Symbol::Metric(id)) if !seen.insert(id) => {}
                Some(Symbol::Metric(id)) => {
                    metrics.push(id);
                    header.reported.push((id, name.span));
                }
                Some(Symbol::Unknown) => {}
                found if !self.env.incomplete => {
                    let metrics = self.env.names().filter(|(_, symbol)| matches!(symbol, Symbol::Metric(_)));
                    let near = errors::nearest(&name.text, metrics.map(|(name, _)| name)).map(str::to_owned);
                    self.report(errors::fleet::report_of_what(name, found.is_some(), near.as_deref()));
                }
                _ => {}
            }
        }
        let every_ns = every.and_then(|every| self.positive_duration(every, "EVERY"));
        header.fleet.reports.push(module::Reporting { metrics, every_ns });
    }

    /// Warnings about figures of the header: those that mean another thing in the body, and those that nothing
    /// records. `body` are the functions that agents run.
    pub(crate) fn figure_warnings(&mut self, header: &Header, body: &[FunctionIndex]) {
        let in_header = self.metrics_read(&header.conditions);
        let in_body = self.metrics_read(body);
        for (metric, span) in &in_header {
            let Some(info) = self.env.metric(*metric).cloned() else { continue };
            if let Some(other) = in_body.get(metric) {
                self.report(errors::warnings::two_meanings(&self.quote(*span), *span, *other));
            }
            self.never_recorded(*metric, &info, *span, body);
        }
        for (metric, span) in &header.reported {
            let info = self.env.metric(*metric).filter(|_| !in_header.contains_key(metric)).cloned();
            if let Some(info) = info {
                self.never_recorded(*metric, &info, *span, body);
            }
        }
    }

    fn never_recorded(
        &mut self,
        metric: MetricId,
        info: &super::environment::MetricInfo,
        span: Span,
        body: &[FunctionIndex],
    ) {
        let reached = self.graph.reachable(body.iter().copied());
        let facts = self.graph.facts.iter().zip(reached).filter(|(_, reached)| *reached);
        let recorded = facts.into_iter().any(|(facts, _)| facts.metrics_recorded.contains(&metric));
        if !recorded && info.by_agent.is_none() {
            self.report(errors::warnings::never_recorded(&self.quote(span), span, info.span));
        }
    }

    /// Metrics that these functions and those they call read, each with a place.
    fn metrics_read(&self, roots: &[FunctionIndex]) -> BTreeMap<MetricId, Span> {
        let reached = self.graph.reachable(roots.iter().copied());
        let mut found = BTreeMap::new();
        for (facts, _) in self.graph.facts.iter().zip(reached).filter(|(_, reached)| *reached) {
            for (metric, span) in &facts.metrics_read {
                found.entry(*metric).or_insert(*span);
            }
        }
        found
    }
}
