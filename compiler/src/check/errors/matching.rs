//! Enums and MATCH.

use smol_str::SmolStr;
use swarm_grammar::ast;
use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::span::Span;

use super::super::environment::Signature;
use super::{Side, did_you_mean};

/// `critical(cve: …)`, as a case is written.
fn written(case: &Signature) -> String {
    let names: Vec<String> = case.parameters.iter().map(|own| format!("{}: …", own.name)).collect();
    if names.is_empty() { case.name.to_string() } else { format!("{}({})", case.name, names.join(", ")) }
}

pub(in crate::check) fn of_what(value: &Side) -> Diagnostic {
    let message = format!("MATCH looks at one value, but {} is {}", value.text, value.ty);
    Diagnostic::new(Code::E0130, value.span, message)
        .label(value.this_is())
        .note("MATCH is for an ENUM, for what may be NONE, and for numbers, quantities, texts and bools.")
}

pub(in crate::check) fn names_for_several(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0130, span, "names can only be given where an arm is for one case")
        .label("the other patterns have no such value")
        .note("Write an arm of its own for this case.")
}

/// A literal, or a name with values, where a case belongs.
pub(in crate::check) fn no_case(text: &str, ty: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0130, span, format!("{text} is not a pattern for {ty}"))
        .label("this never matches")
        .note("Patterns are cases of the ENUM that is looked at, else literals and CONSTs of its type.")
}

pub(in crate::check) fn other_enum(name: &str, own: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0130, span, format!("this MATCH is over {own}, not over {name}"))
        .label("another name belongs here")
        .fix(format!("write {own}"), span, own)
}

pub(in crate::check) fn unknown_case(
    case: &ast::Name,
    own: &str,
    declared: Span,
    near: Option<&str>,
) -> Diagnostic {
    let name = &case.text;
    let message = match near {
        Some(near) => format!("{own} has no case {name}; did you mean {near}?"),
        None => format!("{own} has no case {name}"),
    };
    let diagnostic = Diagnostic::new(Code::E0101, case.span, message)
        .label("this case is not known")
        .also(declared, format!("{own} is declared here"));
    did_you_mean(diagnostic, case.span, near)
}

/// A pattern for what an earlier one has taken. `arm`: all that is for it alone.
pub(in crate::check) fn twice(text: &str, span: Span, first: Span, arm: Option<Span>) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::E0129, span, format!("{text} has an arm already"))
        .label("this is never reached")
        .also(first, "the first arm for it");
    match arm {
        Some(arm) => diagnostic.fix("leave this arm out", arm, ""),
        None => diagnostic,
    }
}

/// A MATCH that has no arm for these. `list`: each can be written as a pattern.
pub(in crate::check) fn incomplete(
    subject: &str,
    span: Span,
    missing: &[String],
    end: Span,
    list: bool,
) -> Diagnostic {
    let shown: Vec<&str> = missing.iter().map(String::as_str).take(4).collect();
    let more = missing.len().saturating_sub(shown.len());
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let message = format!("this MATCH has no arm for {}{more}", shown.join(", "));
    let diagnostic = Diagnostic::new(Code::E0128, span, message);
    let diagnostic = if subject == "this" {
        diagnostic.label("this can be more than the arms say")
    } else {
        diagnostic.label(format!("{subject} can be more than the arms say"))
    };
    let diagnostic =
        diagnostic.note("Every value has its arm, so that none is forgotten; ELSE is for the rest.");
    if !list || missing.len() > MOST_ARMS {
        return diagnostic.fix("add an ELSE", end, "ELSE { }\n");
    }
    let arms: String = missing.iter().map(|one| format!("WHEN {} {{ }}\n", unused(one))).collect();
    match missing {
        [one] => diagnostic.fix(format!("add an arm for {one}"), end, arms),
        _ => diagnostic.fix("add an arm for each of them", end, arms),
    }
}

/// So many arms are written out; beyond that, ELSE is what is meant.
const MOST_ARMS: usize = 6;

/// A pattern whose names nothing reads.
fn unused(pattern: &str) -> &str {
    if pattern == "SOME(x)" { "SOME(_x)" } else { pattern }
}

/// An ELSE that no value reaches. `cut`: from the last arm to its end.
pub(in crate::check) fn nothing_left(block: Span, cut: Span) -> Diagnostic {
    Diagnostic::new(Code::E0129, block, "nothing is left for this ELSE")
        .label("this is never reached")
        .note("The arms name every value there is.")
        .fix("leave ELSE out", cut, "")
}

/// A pattern for an optional that says neither SOME nor NONE.
pub(in crate::check) fn some_or_none(text: &str, ty: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0130, span, format!("{text} is not a pattern for {ty}?"))
        .label("SOME(name) or NONE belongs here")
        .note("Look into the value inside of WHEN SOME(x), or say first what stands in for NONE: MATCH x ?? … { … }.")
}

/// A name in a pattern that is no CONST.
pub(in crate::check) fn not_a_constant(
    name: &str,
    span: Span,
    known: bool,
    near: Option<&str>,
) -> Diagnostic {
    if known {
        return Diagnostic::new(Code::E0130, span, format!("{name} is not a CONST"))
            .label("a pattern is known before the program runs")
            .note("Compare with IF instead.");
    }
    let message = match near {
        Some(near) => format!("no CONST is called {name}; did you mean {near}?"),
        None => format!("no CONST is called {name}"),
    };
    let diagnostic = Diagnostic::new(Code::E0101, span, message)
        .label("this name is not known")
        .note("A bare name in a pattern is a case or a CONST, never a new name; ELSE is for the rest.");
    did_you_mean(diagnostic, span, near)
}

pub(in crate::check) fn payload_missing(name: &str, case: &Signature, span: Span) -> Diagnostic {
    let text = written(case);
    Diagnostic::new(Code::E0106, span, format!("{name} carries values; write {text}"))
        .label("its values are missing")
        .also(case.span, format!("{text} is declared here"))
        .note("Whether a value is of this case, MATCH says.")
}

/// `low()`
pub(in crate::check) fn no_payload(case: &Signature, at: Span, span: Span) -> Diagnostic {
    let name = &case.name;
    let rest = Span { start: at.end, ..span };
    Diagnostic::new(Code::E0106, span, format!("{name} carries no values"))
        .also(case.span, format!("{name} is declared here"))
        .fix(format!("write {name}"), rest, "")
}

/// A bare name that is a case of several enums, of which one was probably meant.
pub(in crate::check) fn ambiguous(
    name: &str,
    owners: &[String],
    meant: Option<&str>,
    span: Span,
) -> Diagnostic {
    let all: Vec<String> = owners.iter().map(|owner| format!("{owner}.{name}")).collect();
    let diagnostic =
        Diagnostic::new(Code::E0132, span, format!("{name} is a case of {}", owners.join(" and of ")))
            .label("which of them?")
            .note(format!("Write {}.", all.join(" or ")));
    match meant {
        Some(owner) => diagnostic.fix(format!("write {owner}.{name}"), span, format!("{owner}.{name}")),
        None => diagnostic,
    }
}

pub(in crate::check) fn enum_as_value(name: &str, first: Option<&SmolStr>, span: Span) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::E0112, span, format!("{name} is an ENUM, not a value"))
        .label("a value belongs here");
    match first {
        Some(first) => diagnostic.note(format!("Write one of its cases: {name}.{first}.")),
        None => diagnostic,
    }
}
