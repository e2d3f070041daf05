//! What has no worst case, as diagnostics.

use swarm_grammar::ast::{self, ItemKind};
use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::source::Sources;
use swarm_grammar::span::{FileId, Span};

use super::advice::edit;
use super::remedy::Remedy;
use super::report::Report;
use super::sum::Unbounded;

/// Warns of each part of a program that has no bound: [`Code::W0121`], with the edit that would give it one.
/// Recursion has a warning of its own. How often an activation comes is told of an order only: a program without
/// INSTRUCTION is not sent.
pub(crate) fn warn_of_unbounded(report: &Report, file: FileId, sources: &Sources) -> Vec<Diagnostic> {
    if report.causes.is_empty() {
        return Vec::new();
    }
    let program = parsed(file, sources);
    let is_order = program.items.iter().any(|item| matches!(item.kind, ItemKind::Instruction(_)));
    let told = |cause: &&Unbounded| match cause.remedy {
        Some(Remedy::Deadline | Remedy::Events(_)) => is_order,
        _ => !cause.recursion,
    };
    report.causes.iter().filter(told).map(|cause| warning(cause, sources)).collect()
}

fn warning(cause: &Unbounded, sources: &Sources) -> Diagnostic {
    let program = parsed(cause.span.file, sources);
    let diagnostic = Diagnostic::new(Code::W0121, head(cause.span, &program), cause.reason.clone())
        .label("the worst case is not known")
        .note("Only the limits of the agent hold it.");
    match cause.remedy.as_ref().and_then(|remedy| edit(remedy, &program)) {
        Some(fix) => diagnostic
            .note("The number in the edit is an example: what is right, you know.")
            .fixes(fix.description, fix.edits),
        None => diagnostic,
    }
}

fn parsed(file: FileId, sources: &Sources) -> ast::Program {
    swarm_grammar::parse(file, sources.get(file).map_or("", |source| source.text())).0
}

/// Of a whole ON or EVERY what stands before its block.
fn head(span: Span, program: &ast::Program) -> Span {
    let item = program.items.iter().find(|item| item.span == span);
    match item.map(|item| &item.kind) {
        Some(ItemKind::Every(every)) => Span { end: every.period.span.end, ..span },
        Some(ItemKind::On(on)) => Span { end: on.body.span.start.saturating_sub(1).max(span.start), ..span },
        _ => span,
    }
}
