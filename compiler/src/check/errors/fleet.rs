//! The header's figures of the fleet.

use swarm_grammar::ast;
use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::span::Span;

use super::did_you_mean;

pub(in crate::check) fn wave_not_rising(wave: &str, span: Span, before: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0303,
        span,
        format!("each wave of ROLLOUT is larger than the one before, but this is {wave}"),
    )
    .label("not larger")
    .also(before, "the wave before")
    .note("Waves are shares of all matching agents, each with those before it: ROLLOUT 1%, 10%, 100%.")
}

/// REPORT of something that is no METRIC.
pub(in crate::check) fn report_of_what(name: &ast::Name, known: bool, near: Option<&str>) -> Diagnostic {
    let text = &name.text;
    let message = match near {
        Some(near) => format!("no METRIC is called {text}; did you mean {near}?"),
        None => format!("no METRIC is called {text}"),
    };
    let label = if known { "this is not a METRIC" } else { "this name is not known" };
    let diagnostic = Diagnostic::new(Code::E0101, name.span, message)
        .label(label)
        .note(format!("REPORT names declared metrics: METRIC {text}: money TOTAL."));
    did_you_mean(diagnostic, name.span, near)
}
