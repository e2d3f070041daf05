//! The border to the host: actions, queries and metrics.

use swarm_grammar::ast;
use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::span::Span;

use super::super::body::Place;
use super::super::effects::{Allowed, Effect};
use super::{Side, did_you_mean};

fn does(effect: Effect) -> &'static str {
    match effect {
        Effect::Action => "calls an ACTION",
        Effect::Try => "waits for an ACTION",
        Effect::Once => "calls an ACTION that is ONCE",
        Effect::Query => "asks a QUERY",
        Effect::Record => "records a sample",
        Effect::Assign => "changes a STATE variable",
        Effect::Budget => "opens a budget of its own",
        Effect::Halt => "may end the run",
        Effect::Input => "reads an INPUT",
        Effect::Context => "reads a CONTEXT value",
        Effect::Metric => "reads a METRIC",
        Effect::State => "reads a STATE variable",
    }
}

const ONLY_LOOK: &str = "WHERE and aggregates only look: they may ask a QUERY, but never act.";

/// An effect at a place that admits none such.
pub(in crate::check) fn not_allowed(effect: Effect, name: &str, span: Span, place: Place) -> Diagnostic {
    let (place, why) = match place {
        Place::Function => ("WHERE or in an aggregate", ONLY_LOOK),
        Place::Filter => (
            "TARGET … WHERE",
            "The filter is asked before any agent runs the program; it sees only the agent's record.",
        ),
        Place::Cost => ("COSTS", "A price is a computation from the call's own arguments."),
        Place::Constant(what) => (what, "It must be known before the program runs."),
        Place::Header => (
            "the header",
            "The header is about the fleet: it sees the metrics of all agents together, and CONTEXT.",
        ),
        Place::Veto => ("a VETO", "A VETO only looks: it reads what is there, and computes."),
        Place::Initial => ("the first value of a STATE", "It is computed once, from INPUT and CONTEXT."),
        Place::Given => {
            ("what a TEST gives", "It is computed before the program runs, from INPUT and CONTEXT.")
        }
        Place::Expected => ("what a TEST expects", "It only looks at what the run left behind."),
    };
    let what = match effect {
        Effect::Action | Effect::Try | Effect::Once => format!("the ACTION {name} cannot be called"),
        Effect::Query => format!("the QUERY {name} cannot be asked"),
        Effect::Record => "RECORD cannot stand".to_owned(),
        Effect::Budget | Effect::Halt => format!("{name} cannot stand"),
        Effect::Assign => format!("{name} cannot be changed"),
        Effect::Input | Effect::Context | Effect::Metric | Effect::State => format!("{name} cannot be read"),
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
    let held = allowed.admits(Effect::Action);
    let (code, why) = if held {
        (Code::E0312, UNDONE)
    } else if allowed.admits(Effect::Query) {
        (Code::E0304, ONLY_LOOK)
    } else if allowed.admits(Effect::State) {
        (Code::E0304, "Here a program only looks: it reads what is there, and computes.")
    } else {
        (Code::E0304, "Only computation is allowed here.")
    };
    Diagnostic::new(code, span, format!("{name} {}, which is not allowed here", does(effect)))
        .label(format!("{name} {}", does(effect)))
        .note(why)
}

const UNDONE: &str = "With an ELSE, WITHIN and PHASE hold their actions back until they end, and drop them if the \
                      budget is used up.";

/// Something in a block that can be undone: the one that is `held`, with its word and its head's place.
fn in_held(what: &str, span: Span, label: &str, held: (&str, Span)) -> Diagnostic {
    let (word, head) = held;
    Diagnostic::new(Code::E0312, span, format!("{what} cannot stand in a {word} that has an ELSE"))
        .label(label)
        .also(head, format!("this {word} has an ELSE"))
        .note(UNDONE)
}

/// TRY or RETRY in a block that can be undone.
pub(in crate::check) fn try_that_may_be_undone(word: &str, span: Span, held: (&str, Span)) -> Diagnostic {
    in_held(word, span, "this waits for what is held back", held).note(
        "Its outcome would be needed before the block may act. Try before the block, or leave out ELSE.",
    )
}

/// An action that is ONCE in a block that can be undone.
pub(in crate::check) fn once_that_may_be_undone(name: &str, span: Span, held: (&str, Span)) -> Diagnostic {
    in_held(&format!("{name} is ONCE and"), span, "this may not be dropped and done again", held)
        .note("Call it behind the block, when it is certain.")
}

/// TRY or RETRY of something that is no ACTION. `found`: whether the name is known, and whether it is a QUERY.
pub(in crate::check) fn try_of_what(
    word: &str,
    name: &str,
    span: Span,
    found: (bool, bool),
    near: Option<&str>,
) -> Diagnostic {
    let diagnostic = no_action(word, name, span, found.0, near);
    if found.1 {
        diagnostic.note("A QUERY that may fail answers NONE: declare it -> T? and use ??, IF LET or MATCH.")
    } else {
        diagnostic.note("What can be refused is an ACTION; a FUNC has no outcome but its answer.")
    }
}

/// VETO of something that is no ACTION.
pub(in crate::check) fn veto_of_what(
    action: &ast::Name,
    known: bool,
    query: bool,
    near: Option<&str>,
) -> Diagnostic {
    let diagnostic = no_action("VETO", &action.text, action.span, known, near);
    if query {
        diagnostic.note("A QUERY changes nothing, so there is nothing to forbid.")
    } else {
        diagnostic
    }
}

fn no_action(word: &str, name: &str, span: Span, known: bool, near: Option<&str>) -> Diagnostic {
    if known {
        return Diagnostic::new(Code::E0311, span, format!("{word} takes an ACTION, and {name} is none"))
            .label("this is not an ACTION");
    }
    let message = match near {
        Some(near) => format!("no ACTION is called {name}; did you mean {near}?"),
        None => format!("no ACTION is called {name}"),
    };
    let diagnostic = Diagnostic::new(Code::E0101, span, message).label("this name is not known");
    did_you_mean(diagnostic, span, near)
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

/// A host function of the prelude, declared again with something changed. `own` is the program's whole
/// declaration, with the prelude's text.
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
