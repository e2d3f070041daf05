//! The program as a whole: where it starts, what calls may do where they stand, and what is never used.

use swarm_grammar::ast;

use super::collect::{In, Plan};
use super::effects::{Facts, index};
use super::environment::ScopeId;
use super::{Activations, Checker, errors};
use crate::typed::{Function, FunctionIndex};

impl Checker<'_> {
    /// Where a run starts: ON START, else the only FUNC without parameters that no other calls (rule 35). A
    /// program that has only events and timers, and a file that has only tests to run, starts with nothing.
    pub(crate) fn entry(&mut self, plan: &Plan<'_>, activations: &Activations) -> Option<FunctionIndex> {
        if activations.start.is_some() || plan.unknown_start {
            return activations.start;
        }
        if !plan.handlers.is_empty() || !plan.timers.is_empty() {
            return Some(self.empty_start(plan));
        }
        let called = self.called_by_others();
        let own = plan.functions.iter().enumerate();
        let own = own.filter(|(_, function)| function.scope == ScopeId::PROGRAM);
        let bare: Vec<(usize, &In<'_, ast::Func>)> =
            own.filter(|(_, function)| function.parameters.is_empty()).collect();
        let free: Vec<(usize, &In<'_, ast::Func>)> =
            bare.iter().filter(|(at, _)| called.get(*at) == Some(&false)).copied().collect();
        if let [(at, _)] = free.as_slice() {
            return Some(FunctionIndex(u32::try_from(*at).unwrap_or(u32::MAX)));
        }
        if free.is_empty() && !plan.tests.is_empty() {
            return Some(self.empty_start(plan));
        }
        let candidates = if free.is_empty() { &bare } else { &free };
        let names: Vec<&ast::Name> = candidates.iter().map(|(_, own)| &own.item.name).collect();
        self.report(errors::entry::no_clear_start(&names, plan.file_start, plan.file_end));
        None
    }

    /// A START that does nothing.
    fn empty_start(&mut self, plan: &Plan<'_>) -> FunctionIndex {
        let function = Function {
            name: "START".into(),
            span: plan.file_start,
            parameters: 0,
            result: None,
            locals: Vec::new(),
            body: Vec::new(),
            calls: Vec::new(),
        };
        self.add_function(Some(function), Facts::default())
    }

    /// Which functions another one calls.
    fn called_by_others(&self) -> Vec<bool> {
        let mut called = vec![false; self.graph.facts.len()];
        for (caller, facts) in self.graph.facts.iter().enumerate() {
            for callee in facts.calls.iter().map(|call| index(call.callee)).filter(|callee| *callee != caller)
            {
                if let Some(called) = called.get_mut(callee) {
                    *called = true;
                }
            }
        }
        called
    }

    /// Calls whose callee does what its place forbids, and calls that go in a circle.
    pub(crate) fn check_calls(&mut self) {
        for (call, effect) in self.graph.forbidden_calls() {
            let name = self.env.function(call.callee).map(|callee| callee.name.clone()).unwrap_or_default();
            self.report(errors::host::callee_not_allowed(effect, &name, call.span, call.allowed));
        }
        for call in self.graph.recursive_calls() {
            let Some(callee) = self.env.function(call.callee) else { continue };
            let diagnostic = errors::warnings::recursion(&callee.name, call.span, callee.span);
            self.report(diagnostic);
        }
    }
}
