//! EVENT, ON and EVERY: what wakes a program up, and where it starts.

use std::collections::BTreeMap;

use smol_str::SmolStr;
use swarm_bytecode::types::TypeId;
use swarm_grammar::ast;
use swarm_grammar::span::Span;

use super::Checker;
use super::collect::{In, Plan};
use super::environment::{Answer, Parameter, Signature, Symbol};
use super::errors;
use crate::typed::{EventHandler, FunctionIndex, Timer};

/// Nanoseconds of the shortest EVERY.
const SHORTEST_PERIOD: i64 = 1_000_000_000;

impl Checker<'_> {
    /// Signatures of the events.
    pub(crate) fn events(&mut self, plan: &Plan<'_>) {
        for event in &plan.events {
            self.env.at = event.event.scope;
            let signature = self.signature(&event.event.name, &event.event.parameters, None);
            if let Some(theirs) = event.replaces {
                let known = self.diagnostics.len();
                let before = self.signature(&theirs.name, &theirs.parameters, None);
                self.diagnostics.truncate(known);
                self.same_event(&signature, &before);
            }
            self.env.events.push(signature);
        }
    }

    /// An EVENT of the prelude can only be declared again as it is (rule 10).
    fn same_event(&mut self, own: &Signature, theirs: &Signature) {
        let shape = |signature: &Signature| -> Vec<(SmolStr, Option<TypeId>)> {
            signature.parameters.iter().map(|parameter| (parameter.name.clone(), parameter.ty)).collect()
        };
        if shape(own) != shape(theirs) {
            self.report(errors::events::declared_differently(&own.name, own.span, theirs.span));
        }
    }

    /// The body of ON START; of several, the first counts.
    pub(crate) fn starts(&mut self, plan: &Plan<'_>) -> Option<FunctionIndex> {
        let first = plan.starts.first()?;
        self.env.at = first.scope;
        for again in plan.starts.iter().skip(1) {
            self.report(errors::entry::second_start(again.event.span, first.event.span));
        }
        if let Some(names) = first.binders.as_ref().filter(|names| !names.is_empty()) {
            let at = names.iter().map(|name| name.span).reduce(Span::to);
            self.report(errors::entry::start_with_names(at.unwrap_or(first.event.span)));
        }
        if let Some(max) = &first.max {
            self.report(errors::entry::start_with_max(max.span));
        }
        self.env.at = first.scope;
        let name = ast::Name { text: SmolStr::new_static("START"), span: first.event.span };
        Some(self.handler(&name, first.span, &[], &first.body))
    }

    fn handler(
        &mut self,
        name: &ast::Name,
        span: Span,
        parameters: &[Parameter],
        block: &ast::Block,
    ) -> FunctionIndex {
        let (function, facts) = self.body(name, span, parameters, Answer::Nothing, (None, block));
        self.add_function(function, facts)
    }

    /// ON of events: one for each event.
    pub(crate) fn handlers(&mut self, plan: &Plan<'_>) -> Vec<EventHandler> {
        let mut handlers: Vec<EventHandler> = Vec::with_capacity(plan.handlers.len());
        let mut first: BTreeMap<&SmolStr, Span> = BTreeMap::new();
        for on in &plan.handlers {
            self.env.at = on.scope;
            match first.get(&on.event.text) {
                Some(first) => {
                    let what = format!("ON {}", on.event.text);
                    self.report(errors::events::second_handler(&what, on.event.span, *first));
                }
                None => {
                    first.insert(&on.event.text, on.event.span);
                }
            }
            let max = on.max.as_ref().and_then(|max| self.event_max(max));
            let parameters = self.handler_parameters(on);
            let name = ast::Name { text: format!("ON {}", on.event.text).into(), span: on.event.span };
            let function = self.handler(&name, on.span, &parameters, &on.body);
            handlers.push(EventHandler { name: on.event.text.clone(), function, max, span: on.event.span });
        }
        handlers
    }

    /// The event's parameters under the names the handler gives them.
    fn handler_parameters(&mut self, on: &In<'_, ast::On>) -> Vec<Parameter> {
        let event = match self.env.get(&on.event.text).map(|declared| declared.symbol) {
            Some(Symbol::Event(at)) => self.env.events.get(at).cloned(),
            Some(Symbol::Unknown) => None,
            found => {
                if !self.env.incomplete {
                    let events = self.env.names().filter(|(_, symbol)| matches!(symbol, Symbol::Event(_)));
                    let candidates = events.map(|(name, _)| name).chain(std::iter::once("START"));
                    let near = errors::nearest(&on.event.text, candidates).map(str::to_owned);
                    let known = found.is_some();
                    self.report(errors::events::unknown(&on.event, known, near.as_deref()));
                }
                None
            }
        };
        let binders = on.binders.as_deref();
        let Some(event) = event else {
            let unknown = |name: &ast::Name| Parameter {
                name: name.text.clone(),
                ty: None,
                span: name.span,
                default: None,
            };
            return binders.unwrap_or(&[]).iter().map(unknown).collect();
        };
        self.bound_names(&event, binders, on.event.span, true)
    }

    /// The parameters of something under the names that are written for them, by position; without a name
    /// where none is written.
    pub(crate) fn bound_names(
        &mut self,
        signature: &Signature,
        binders: Option<&[ast::Name]>,
        at: Span,
        all_or_none: bool,
    ) -> Vec<Parameter> {
        let names = binders.unwrap_or(&[]);
        let missing = names.len() < signature.parameters.len() && !(all_or_none && binders.is_none());
        if missing || names.len() > signature.parameters.len() {
            let span = names.iter().map(|name| name.span).reduce(Span::to).unwrap_or(at);
            self.report(errors::events::names_by_position(signature, names, span));
        }
        let mut parameters = Vec::with_capacity(signature.parameters.len());
        for (position, parameter) in signature.parameters.iter().enumerate() {
            let name = names.get(position);
            parameters.push(Parameter {
                name: name.map(|name| name.text.clone()).unwrap_or_default(),
                ty: parameter.ty,
                span: name.map_or(at, |name| name.span),
                default: None,
            });
        }
        parameters
    }

    fn event_max(&mut self, max: &ast::Expr) -> Option<u32> {
        let word = self.constant_word(max, TypeId::INT, "MAX")?;
        let events = u32::try_from(word).ok().filter(|events| *events > 0);
        if events.is_none() {
            let text = word.to_string();
            self.report(errors::header::out_of_range("MAX", text, "1 to 4,294,967,295", max.span));
        }
        events
    }

    /// EVERY, each with a timer of its own.
    pub(crate) fn timers(&mut self, plan: &Plan<'_>) -> Vec<Timer> {
        let mut timers = Vec::with_capacity(plan.timers.len());
        for every in &plan.timers {
            self.env.at = every.scope;
            let period = self.constant_word(&every.period, TypeId::DURATION, "EVERY");
            if let Some(period) = period.filter(|period| *period < SHORTEST_PERIOD) {
                let text = swarm_bytecode::quantity::format(TypeId::DURATION, period);
                self.report(errors::events::too_often(&text, every.period.span));
            }
            let text = format!("EVERY {}", self.quote(every.period.span)).into();
            let name = ast::Name { text, span: every.period.span };
            let function = self.handler(&name, every.span, &[], &every.body);
            if let Some(period_ns) = period {
                timers.push(Timer { period_ns, function, span: every.span });
            }
        }
        timers
    }
}
