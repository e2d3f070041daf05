//! The program as a whole: where it starts, what calls may do where they stand, and what is never used.

use swarm_grammar::diagnostic::Diagnostic;

use super::Checker;
use super::collect::{Function, Plan};
use super::effects::index;
use super::errors;
use crate::typed::FunctionIndex;

impl Checker<'_> {
    /// Where a run starts: ON START, else the only FUNC without parameters that no other calls (rule 35).
    pub(crate) fn entry(&mut self, plan: &Plan<'_>, start: Option<FunctionIndex>) -> Option<FunctionIndex> {
        if start.is_some() || plan.unknown_start {
            return start;
        }
        let called = self.called_by_others();
        let own = plan.functions.iter().enumerate().filter(|(_, function)| !function.prelude);
        let bare: Vec<(usize, &Function<'_>)> =
            own.filter(|(_, function)| function.function.parameters.is_empty()).collect();
        let free: Vec<(usize, &Function<'_>)> =
            bare.iter().filter(|(at, _)| called.get(*at) == Some(&false)).copied().collect();
        if let [(at, _)] = free.as_slice() {
            return Some(FunctionIndex(u32::try_from(*at).unwrap_or(u32::MAX)));
        }
        let candidates = if free.is_empty() { &bare } else { &free };
        let names: Vec<&swarm_grammar::ast::Name> =
            candidates.iter().map(|(_, own)| &own.function.name).collect();
        self.report(errors::entry::no_clear_start(&names, plan.file_start, plan.file_end));
        None
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

    /// Warnings for what the program declares and never uses.
    pub(crate) fn unused_warnings(
        &mut self,
        plan: &Plan<'_>,
        entry: Option<FunctionIndex>,
        filter: Option<FunctionIndex>,
    ) {
        let declared = plan.functions.len();
        let generated =
            (declared..self.functions.len()).filter_map(|at| u32::try_from(at).ok()).map(FunctionIndex);
        let roots: Vec<FunctionIndex> = entry.into_iter().chain(filter).chain(generated).collect();
        let reachable = self.graph.reachable(roots);
        let mut found: Vec<Diagnostic> = std::mem::take(&mut self.unused);
        for (at, own) in plan.functions.iter().enumerate() {
            if !own.prelude && reachable.get(at) == Some(&false) {
                let name = &own.function.name;
                found.push(errors::warnings::never_called(&name.text, name.span));
            }
        }
        for (constant, info) in plan.constants.iter().zip(&self.env.constants) {
            if !info.used && !constant.name.text.starts_with('_') {
                found.push(errors::warnings::never_used(&constant.name.text, info.span));
            }
        }
        self.diagnostics.extend(found);
    }
}
