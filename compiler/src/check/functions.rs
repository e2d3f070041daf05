//! Functions: their signatures, and their bodies from the first statement to the closing brace.

use smol_str::SmolStr;
use swarm_grammar::ast;
use swarm_grammar::span::Span;

use super::Checker;
use super::body::{Body, LocalInfo, Place, Role};
use super::collect::Plan;
use super::effects::Facts;
use super::environment::{Answer, Parameter};
use super::errors;
use crate::typed::{Function, FunctionIndex};

impl Checker<'_> {
    /// Signatures of all declared functions; their indices are those of the plan.
    pub(crate) fn signatures(&mut self, plan: &Plan<'_>) {
        for own in &plan.functions {
            let function = own.function;
            let signature = self.signature(&function.name, &function.parameters, function.result.as_ref());
            self.env.functions.push(signature);
            self.functions.push(None);
            self.graph.facts.push(Facts::default());
        }
    }

    /// A function that no name stands for: a price, a filter, ON START.
    pub(crate) fn add_function(&mut self, function: Option<Function>, facts: Facts) -> FunctionIndex {
        let index = FunctionIndex(u32::try_from(self.functions.len()).unwrap_or(u32::MAX));
        self.functions.push(function);
        self.graph.facts.push(facts);
        index
    }

    /// Bodies of all declared functions.
    pub(crate) fn bodies(&mut self, plan: &Plan<'_>) {
        for (at, own) in plan.functions.iter().enumerate() {
            let Some(signature) = self.env.functions.get(at).cloned() else { continue };
            let name = own.function.name.clone();
            let checked =
                self.body(&name, own.span, &signature.parameters, signature.answer, &own.function.body);
            if let Some(slot) = self.functions.get_mut(at) {
                *slot = checked.0;
            }
            if let Some(slot) = self.graph.facts.get_mut(at) {
                *slot = checked.1;
            }
        }
    }

    /// The body of ON START; of several, the first counts.
    pub(crate) fn starts(&mut self, plan: &Plan<'_>) -> Option<FunctionIndex> {
        let (first, span) = plan.starts.first()?;
        for (again, _) in plan.starts.iter().skip(1) {
            self.report(errors::entry::second_start(again.event.span, first.event.span));
        }
        if let Some(names) = first.binders.as_ref().filter(|names| !names.is_empty()) {
            let at = names.iter().map(|name| name.span).reduce(Span::to);
            self.report(errors::entry::start_with_names(at.unwrap_or(first.event.span)));
        }
        if let Some(max) = &first.max {
            self.report(errors::entry::start_with_max(max.span));
        }
        let name = ast::Name { text: SmolStr::new_static("START"), span: first.event.span };
        let (function, facts) = self.body(&name, *span, &[], Answer::Nothing, &first.body);
        Some(self.add_function(function, facts))
    }

    fn body(
        &mut self,
        name: &ast::Name,
        span: Span,
        parameters: &[Parameter],
        answer: Answer,
        block: &ast::Block,
    ) -> (Option<Function>, Facts) {
        let errors_before = self.diagnostics.len();
        let mut body = Body::new(self, Place::Function, name.text.clone(), answer);
        for parameter in parameters {
            body.declare(&parameter.name, parameter.span, parameter.ty, Role::Parameter);
        }
        let checked = body.block(block);
        if answer != Answer::Nothing && !checked.leaves && !body.unknown_flow {
            let ty = if let Answer::Value(ty) = answer { Some(body.cx.types.name(ty)) } else { None };
            body.report(errors::flow::missing_return(&name.text, ty.as_deref(), name.span, block.span));
        }
        let unread: Vec<_> = body.locals.iter().filter_map(never_read).collect();
        let (locals, facts) = body.finish();
        self.unused.extend(unread);
        let result = match answer {
            Answer::Value(ty) => Some(ty),
            Answer::Nothing | Answer::Unknown => None,
        };
        let fresh = self.diagnostics.get(errors_before..).unwrap_or(&[]);
        if fresh.iter().any(|found| found.code.as_str().starts_with('E')) {
            return (None, facts);
        }
        let function = Function {
            name: name.text.clone(),
            span,
            parameters: u32::try_from(parameters.len()).unwrap_or(u32::MAX),
            result,
            locals,
            body: checked.statements,
        };
        (Some(function), facts)
    }
}

/// A warning for a LET that nothing reads.
fn never_read(local: &LocalInfo) -> Option<swarm_grammar::diagnostic::Diagnostic> {
    let unread = !local.read && matches!(local.role, Role::Let | Role::IfLet);
    unread.then(|| errors::warnings::never_read(&local.name, local.span, local.assigned))
}
