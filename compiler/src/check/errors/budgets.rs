//! WITHIN and PHASE.

use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::span::Span;

use super::Side;

pub(in crate::check) fn of_what(value: &Side) -> Diagnostic {
    let message = format!("{}, WITHIN is a duration, money or tokens", value.is());
    Diagnostic::new(Code::E0202, value.span, message)
        .label(value.this_is())
        .note("Write it like WITHIN 30s, $5, 10_000 tokens { … }.")
}

/// Budgets that add up to more than the one they are part of.
pub(in crate::check) fn parts_above_whole(
    whole: &str,
    span: Span,
    total: &str,
    parts: &[Span],
) -> Diagnostic {
    let place = parts.last().copied().unwrap_or(span);
    let message = format!("the parts add up to {total}, more than the {whole} they are part of");
    let mut diagnostic = Diagnostic::new(Code::E0313, place, message).also(span, "the whole");
    let others = parts.split_last().map_or(&[][..], |(_, others)| others);
    for part in others {
        diagnostic = diagnostic.also(*part, "a part");
    }
    diagnostic.label("the last part").note("A block never gets more than what the one around it has left.")
}
