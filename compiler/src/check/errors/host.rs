//! The border to the host: actions, queries and metrics.

use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::span::Span;

use super::super::body::Place;
use super::super::effects::{Allowed, Effect};
use super::Side;

fn does(effect: Effect) -> &'static str {
    match effect {
        Effect::Action => "calls an ACTION",
        Effect::Query => "asks a QUERY",
        Effect::Record => "records a sample",
        Effect::Halt => "may end the run",
        Effect::Read => "reads values from outside the program",
    }
}

/// An effect at a place that admits none such.
pub(in crate::check) fn not_allowed(effect: Effect, name: &str, span: Span, place: Place) -> Diagnostic {
    let (place, why) = match place {
        Place::Function => (
            "WHERE or in an aggregate",
            "WHERE and aggregates only look: they may ask a QUERY, but never act.",
        ),
        Place::Filter => (
            "TARGET … WHERE",
            "The filter is asked before any agent runs the program; it sees only the agent's record.",
        ),
        Place::Cost => ("COSTS", "A price is a computation from the call's own arguments."),
        Place::Constant(what) => (what, "It must be known before the program runs."),
    };
    let what = match effect {
        Effect::Action => format!("the ACTION {name} cannot be called"),
        Effect::Query => format!("the QUERY {name} cannot be asked"),
        Effect::Record => "RECORD cannot stand".to_owned(),
        Effect::Halt => format!("{name} cannot stand"),
        Effect::Read => format!("{name} cannot be read"),
    };
    let diagnostic =
        Diagnostic::new(Code::E0304, span, format!("{what} in {place}")).label("not allowed here").note(why);
    if effect == Effect::Action && place.starts_with("WHERE") {
        diagnostic.note("Act in the body of a FOR EACH instead.")
    } else {
        diagnostic
    }
}

/// A call of a function that does what its place does not admit.
pub(in crate::check) fn callee_not_allowed(
    effect: Effect,
    name: &str,
    span: Span,
    allowed: Allowed,
) -> Diagnostic {
    let why = match allowed {
        Allowed::Nothing => "Only computation is allowed here.",
        _ => "WHERE and aggregates only look: they may ask a QUERY, but never act.",
    };
    Diagnostic::new(Code::E0304, span, format!("{name} {}, which is not allowed here", does(effect)))
        .label(format!("{name} {}", does(effect)))
        .note(why)
}

/// RECORD on a `BY AGENT` metric.
pub(in crate::check) fn measured_by_agent(name: &str, span: Span, by_agent: Span) -> Diagnostic {
    Diagnostic::new(Code::E0308, span, format!("{name} is measured by the agent itself"))
        .label("a program cannot record it")
        .also(by_agent, "declared so here")
        .note("Record a METRIC of your own, under another name.")
}

/// `keyword`: the word ACTION, where QUERY would be right.
pub(in crate::check) fn action_with_answer(name: &str, result: Span, keyword: Option<Span>) -> Diagnostic {
    let diagnostic =
        Diagnostic::new(Code::E0305, result, format!("{name} is an ACTION, and an ACTION answers nothing"))
            .label("this would be its answer")
            .note("Whatever answers is a QUERY; an ACTION may be held back and applied later.");
    match keyword {
        Some(keyword) => diagnostic.fix("declare a QUERY", keyword, "QUERY"),
        None => diagnostic,
    }
}

pub(in crate::check) fn query_without_answer(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0305, span, format!("{name} is a QUERY, but does not say what it answers"))
        .label("-> and a type are missing behind its parameters")
        .note("Whatever answers nothing is an ACTION.")
}

pub(in crate::check) fn class_of_query(word: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0306, span, format!("{word} is for an ACTION, not for a QUERY"))
        .label("a QUERY changes nothing")
        .fix(format!("leave {word} out"), span, "")
}

pub(in crate::check) fn two_classes(once: Span, idempotent: Span) -> Diagnostic {
    Diagnostic::new(Code::E0306, once, "an ACTION is IDEMPOTENT or ONCE, not both")
        .label("one of the two")
        .also(idempotent, "the other")
        .note("IDEMPOTENT: doing it twice is doing it once. ONCE: it must never be repeated.")
        .fix("leave ONCE out", once, "")
}

pub(in crate::check) fn price_of_what(value: &Side) -> Diagnostic {
    Diagnostic::new(Code::E0306, value.span, format!("COSTS is money or tokens, but {}", value.is()))
        .label(value.this_is())
        .note("Write it like COSTS $0.05, or COSTS $0.05, 1_000 tokens.")
}

/// A host function of the prelude, declared again with something changed. `own` is the program's whole declaration,
/// with the prelude's text.
pub(in crate::check) fn declared_differently(
    name: &str,
    span: Span,
    theirs: Span,
    difference: &str,
    own: (Span, String),
) -> Diagnostic {
    Diagnostic::new(Code::E0307, span, format!("{name} is declared by the prelude with another {difference}"))
        .label("declared differently here")
        .also(theirs, "the prelude's declaration")
        .note("A program may repeat such a declaration, but not change what the host is asked for.")
        .fix("declare it as the prelude does", own.0, own.1)
}

/// A host function of the prelude, replaced by something else.
pub(in crate::check) fn replaced_by_other(name: &str, span: Span, theirs: Span, query: bool) -> Diagnostic {
    let what = if query { "a QUERY" } else { "an ACTION" };
    Diagnostic::new(
        Code::E0307,
        span,
        format!("{name} is {what} of the prelude and can only be declared again as one"),
    )
    .label("this name is taken")
    .also(theirs, "the prelude's declaration")
}
