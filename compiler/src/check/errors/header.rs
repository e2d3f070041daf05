//! INSTRUCTION, and clauses in general.

use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::span::Span;

use super::did_you_mean;

pub(in crate::check) fn second_instruction(span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(Code::E0301, span, "a file has at most one INSTRUCTION")
        .label("the second one")
        .also(first, "the first one")
}

/// A clause that stands twice.
pub(in crate::check) fn given_twice(word: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(Code::E0301, span, format!("{word} is given twice"))
        .label("given again here")
        .also(first, "first given here")
        .note("Which of the two counts cannot be told.")
}

pub(in crate::check) fn unknown_priority(name: &str, span: Span, near: Option<&str>) -> Diagnostic {
    let message = match near {
        Some(near) => format!("there is no priority {name}; did you mean {near}?"),
        None => format!("there is no priority {name}"),
    };
    let diagnostic = Diagnostic::new(Code::E0302, span, message)
        .label("this priority is not known")
        .note("Priorities are LOW, NORMAL, HIGH and CRITICAL.");
    did_you_mean(diagnostic, span, near)
}

/// `TARGET 50% AGENTS`
pub(in crate::check) fn share_of_agents(text: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0202, span, format!("TARGET counts agents, {text} is a share of them"))
        .label("a number of agents, or ALL")
        .note(format!("A share of the agents is a wave: TARGET ALL AGENTS with ROLLOUT {text}."))
}

pub(in crate::check) fn out_of_range(
    what: &str,
    found: impl Into<String>,
    range: &str,
    span: Span,
) -> Diagnostic {
    Diagnostic::new(Code::E0303, span, format!("{what} must be {range}, but is {}", found.into()))
        .label("out of range")
}

pub(in crate::check) fn budget_of_what(
    text: &str,
    ty: &str,
    span: Span,
    literal: Option<(Span, String)>,
) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::E0202, span, format!("{text} is {ty}, BUDGET is money or tokens"))
        .label(format!("this is {ty}"))
        .note("Write it like BUDGET $500, 2_000_000 tokens.");
    match literal {
        Some((span, literal)) => diagnostic.fix(format!("write {literal}"), span, literal),
        None => diagnostic,
    }
}

pub(in crate::check) fn no_agent_type(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0104, span, "TARGET … WHERE looks at the agent, but Agent is no longer a TYPE")
        .note("The program declares the name Agent as something else; give that another name.")
}
