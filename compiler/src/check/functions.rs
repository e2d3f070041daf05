//! Functions: their signatures, and their bodies from the first statement to the closing brace.

use swarm_bytecode::types::TypeId;
use swarm_grammar::ast;
use swarm_grammar::span::Span;

use super::Checker;
use super::body::{Body, Place, typed};
use super::collect::Plan;
use super::effects::Facts;
use super::environment::{Answer, Parameter};
use super::errors;
use super::host::returns;
use super::unused::Unread;
use crate::typed::{Expr, ExprKind, Function, FunctionIndex, LocalId, Statement, StatementKind};

impl Checker<'_> {
    /// Signatures of all declared functions; their indices are those of the plan.
    pub(crate) fn signatures(&mut self, plan: &Plan<'_>) {
        for own in &plan.functions {
            self.env.at = own.scope;
            let signature = self.signature(&own.name, &own.parameters, own.result.as_ref());
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
            self.env.at = own.scope;
            let block = (Some(own.body.span.before()), &own.body);
            let checked = self.body(&own.name, own.span, &signature.parameters, signature.answer, block);
            if let Some(slot) = self.functions.get_mut(at) {
                *slot = checked.0;
            }
            if let Some(slot) = self.graph.facts.get_mut(at) {
                *slot = checked.1;
            }
        }
    }

    /// A function whose body is one expression, of the type that `check` gives it. `parameters` are declared
    /// first. What was not understood is a function without a body.
    pub(crate) fn expression_function(
        &mut self,
        name: &str,
        place: Place,
        span: Span,
        parameters: &[Parameter],
        check: impl FnOnce(&mut Body<'_, '_>) -> Option<Expr>,
    ) -> FunctionIndex {
        let mut body = Body::new(self, place, name.into(), Answer::Nothing);
        body.parameters(parameters);
        let value = check(&mut body);
        let figures = std::mem::take(&mut body.figures);
        let (locals, facts) = body.finish();
        let function = value.map(|value| Function {
            name: name.into(),
            span,
            parameters: u32::try_from(parameters.len()).unwrap_or(u32::MAX),
            result: value.ty,
            locals,
            body: known_figures(figures, value),
            calls: Vec::new(),
        });
        self.add_function(function, facts)
    }

    /// A function of statements. `header` is where a FUNC would say what it answers with.
    pub(crate) fn body(
        &mut self,
        name: &ast::Name,
        span: Span,
        parameters: &[Parameter],
        answer: Answer,
        (header, block): (Option<Span>, &ast::Block),
    ) -> (Option<Function>, Facts) {
        let errors_before = self.diagnostics.len();
        let mut body = Body::new(self, Place::Function, name.text.clone(), answer);
        body.parameters(parameters);
        body.header = header;
        let checked = body.block(block);
        if answer != Answer::Nothing && !checked.leaves && !body.unknown_flow {
            let ty = if let Answer::Value(ty) = answer { Some(body.cx.types.name(ty)) } else { None };
            let passed = block.statements.last().and_then(can_be_passed);
            let (ty, at) = (ty.as_deref(), name.span);
            body.report(errors::flow::missing_return(&name.text, ty, at, block.span, passed));
        }
        let unread: Vec<_> =
            body.locals.iter().filter_map(|local| Unread::of(local, header.is_some())).collect();
        let (locals, facts) = body.finish();
        self.unread.extend(unread);
        let result = match answer {
            Answer::Value(ty) => Some(ty),
            Answer::Nothing | Answer::Unknown => None,
        };
        let fresh = self.diagnostics.get(errors_before..).unwrap_or(&[]);
        if fresh.iter().any(|found| found.code.as_str().starts_with('E')) {
            return (None, facts);
        }
        self.parts_of_budgets(&checked.statements);
        self.undone_actions(&checked.statements, &locals);
        let function = Function {
            name: name.text.clone(),
            span,
            parameters: u32::try_from(parameters.len()).unwrap_or(u32::MAX),
            result,
            locals,
            body: checked.statements,
            calls: Vec::new(),
        };
        (Some(function), facts)
    }
}

/// The word and the first line of a statement behind which control gets though something in it leaves.
fn can_be_passed(statement: &ast::Statement) -> Option<(&'static str, Span)> {
    let word = match &statement.kind {
        ast::StatementKind::If { otherwise: None, .. } => "IF",
        ast::StatementKind::For { .. } => "FOR",
        ast::StatementKind::While { .. } => "WHILE",
        _ => return None,
    };
    let end = statement.span.start.saturating_add(u32::try_from(word.len()).unwrap_or(0));
    Some((word, Span { end, ..statement.span }))
}

/// The condition `value` over figures that may be unknown: where one is, the condition does not hold (rule 43).
fn known_figures(figures: Vec<(Expr, LocalId)>, value: Expr) -> Vec<Statement> {
    let span = value.span;
    let mut body = vec![returns(value)];
    if figures.is_empty() {
        return body;
    }
    for (optional, local) in figures.into_iter().rev() {
        let kind = StatementKind::IfSome { optional, local, then: body, otherwise: Vec::new() };
        body = vec![Statement { kind, span }];
    }
    body.push(returns(typed(ExprKind::Word(0), TypeId::BOOL, span)));
    body
}
