//! Warnings for what the program declares and never uses. They wait until the program has no errors.

use smol_str::SmolStr;
use swarm_grammar::ast::Name;
use swarm_grammar::diagnostic::Diagnostic;
use swarm_grammar::span::Span;

use super::body::{LocalInfo, Role};
use super::collect::Plan;
use super::effects::index;
use super::environment::ScopeId;
use super::testing::expects;
use super::{Checker, errors};
use crate::typed::FunctionIndex;

/// A local that nothing reads.
pub(crate) struct Unread {
    name: SmolStr,
    span: Span,
    assigned: bool,
    /// Whether it is a parameter, whose name a call may use.
    parameter: bool,
}

impl Unread {
    /// What is to be said of a local; `func` where parameters are chosen by who wrote the function.
    pub(crate) fn of(local: &LocalInfo, func: bool) -> Option<Unread> {
        let parameter = local.role == Role::Parameter;
        let chosen = matches!(local.role, Role::Let | Role::IfLet | Role::Pattern) || (parameter && func);
        let LocalInfo { span, assigned, .. } = *local;
        (!local.read && chosen).then(|| Unread { name: local.name.clone(), span, assigned, parameter })
    }
}

impl Checker<'_> {
    /// `roots` are what agents run, `entry` is where they start.
    pub(crate) fn unused_warnings(
        &mut self,
        plan: &Plan<'_>,
        roots: &[FunctionIndex],
        entry: Option<FunctionIndex>,
    ) {
        let mut found = self.unread_locals();
        self.unused_functions(plan, roots, &mut found);
        for (constant, info) in plan.constants.iter().zip(&self.env.constants) {
            if !info.used && !constant.name.text.starts_with('_') {
                found.push(errors::warnings::never_used(&constant.name.text, info.span));
            }
        }
        for (state, info) in plan.states.iter().zip(&self.env.states) {
            let own = state.scope == ScopeId::PROGRAM && !info.name.starts_with('_');
            if own && !info.read {
                found.push(errors::warnings::never_read(&info.name, info.span, info.assigned, None));
            }
        }
        // What a file declares that does nothing by itself is for those who use it.
        let starts = entry.is_some_and(|entry| index(entry) < plan.functions.len());
        if starts || !(plan.starts.is_empty() && plan.handlers.is_empty() && plan.timers.is_empty()) {
            self.unused_declarations(plan, &mut found);
        }
        self.unused_modules(plan, &mut found);
        let idle = plan.tests.iter().filter(|test| !test.items.iter().any(|item| expects(&item.kind)));
        found.extend(idle.map(|test| errors::warnings::test_expects_nothing(test.name.span)));
        self.diagnostics.extend(found);
    }

    fn unread_locals(&mut self) -> Vec<Diagnostic> {
        let unread = std::mem::take(&mut self.unread);
        let warning = |local: Unread| {
            // A parameter that a call names cannot have another name.
            let named = local.parameter && self.named_arguments.contains(&local.name);
            let fix = if named { None } else { Some(format!("_{}", local.name)) };
            errors::warnings::never_read(&local.name, local.span, local.assigned, fix)
        };
        unread.into_iter().map(warning).collect()
    }

    fn unused_functions(&self, plan: &Plan<'_>, roots: &[FunctionIndex], found: &mut Vec<Diagnostic>) {
        let declared = plan.functions.len();
        let generated =
            (declared..self.functions.len()).filter_map(|at| u32::try_from(at).ok()).map(FunctionIndex);
        let reachable = self.graph.reachable(roots.iter().copied().chain(generated));
        for (at, own) in plan.functions.iter().enumerate() {
            let meant = own.name.text.starts_with('_');
            if own.scope == ScopeId::PROGRAM && reachable.get(at) == Some(&false) && !meant {
                found.push(errors::warnings::never_called(&own.name.text, own.name.span));
            }
        }
    }

    /// What no name refers to: types, and what crosses the border. CONTEXT is not among them: what an
    /// order says is not the program's choice.
    fn unused_declarations(&self, plan: &Plan<'_>, found: &mut Vec<Diagnostic>) {
        let events = plan.events.iter().map(|own| (own.event.span, own.event.scope, &own.event.item.name));
        let hosts = plan.hosts.iter().map(|own| own.function);
        let hosts = hosts.map(|own| (own.item, (own.span, own.scope, &own.item.name)));
        let names = [
            names("TYPE", plan.types.iter().map(|(_, own)| (own.span, own.scope, &own.item.name))),
            names("ENUM", plan.enums.iter().map(|(_, own)| (own.span, own.scope, &own.item.name))),
            names("INPUT", plan.inputs.iter().map(|own| (own.span, own.scope, &own.item.name))),
            names("METRIC", plan.metrics.iter().map(|own| (own.span, own.scope, &own.item.name))),
            names("EVENT", events),
            names("ACTION", hosts.clone().filter(|(host, _)| !host.query).map(|(_, name)| name)),
            names("QUERY", hosts.filter(|(host, _)| host.query).map(|(_, name)| name)),
        ];
        for (word, whole, name) in names.into_iter().flatten() {
            let used = self.env.local(ScopeId::PROGRAM, &name.text);
            if used.is_some_and(|own| own.span == name.span && !self.env.is_used(own.mark)) {
                found.push(errors::warnings::declaration_never_used(word, &name.text, name.span, whole));
            }
        }
    }

    fn unused_modules(&self, plan: &Plan<'_>, found: &mut Vec<Diagnostic>) {
        for (span, mark) in &plan.uses {
            if !self.env.is_used(*mark) {
                found.push(errors::warnings::module_never_used(&self.source_text(*span), *span));
            }
        }
    }
}

/// Names that the program declares, with what declares them; those that begin with _ are meant not to be used.
fn names<'t>(
    word: &'static str,
    all: impl Iterator<Item = (Span, ScopeId, &'t Name)>,
) -> Vec<(&'static str, Span, &'t Name)> {
    let own = all.filter(|(_, scope, name)| *scope == ScopeId::PROGRAM && !name.text.starts_with('_'));
    own.map(|(span, _, name)| (word, span, name)).collect()
}
