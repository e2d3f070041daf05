//! What a program would learn of a secret.

use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::span::Span;

use super::super::conversions::Wanted;
use super::Side;

const WHY: &str =
    "A program hands a secret on and learns nothing from it: only so can reports and traces leave it out.";

/// A value that is a secret, or holds one, where it would be looked at; `done` is what would be done to it.
pub(in crate::check) fn looked_at(value: &Side, done: &str) -> Diagnostic {
    let is = if matches!(value.ty.as_str(), "secret" | "secret?") { "is" } else { "holds" };
    let message = format!("{} {is} a secret, which cannot be {done}", value.text);
    Diagnostic::new(Code::E0315, value.span, message).label(value.this_is()).note(WHY)
}

/// A secret where something else belongs.
pub(in crate::check) fn not_for(found: &Side, expected: &str, wanted: &Wanted) -> Diagnostic {
    let message = format!("{} is {expected}, which no secret becomes", wanted.what);
    Diagnostic::new(Code::E0315, found.span, message).label(found.this_is()).note(WHY)
}

/// Something else where a secret belongs.
pub(in crate::check) fn not_secret(found: &Side, wanted: &Wanted) -> Diagnostic {
    let message = format!("{} is a secret, but {}", wanted.what, found.is());
    Diagnostic::new(Code::E0315, found.span, message)
        .label(found.this_is())
        .note("Nothing becomes a secret: one comes in as an INPUT, with an EVENT or from a QUERY.")
}

/// A declaration that would have secrets looked at.
pub(in crate::check) fn declared_as(what: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0315, span, format!("a secret cannot be {what}")).label("this is secret").note(WHY)
}

/// A CONTEXT value that is a secret.
pub(in crate::check) fn in_the_clear(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0315, span, "a CONTEXT value cannot be a secret")
        .label("this is a secret, or holds one")
        .note("An order carries its context in the clear. Declare it as an INPUT, or ask the host with a QUERY.")
}
