//! Where a program starts.

use swarm_grammar::ast;
use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::span::Span;

pub(in crate::check) fn second_start(span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(Code::E0121, span, "a program has one ON START")
        .label("the second one")
        .also(first, "the first one")
        .note("Put what both do into one, in the order it should happen.")
}

pub(in crate::check) fn start_with_names(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0121, span, "ON START has no parameters")
        .label("nothing is passed at the start")
        .note("Values from outside come as INPUT or CONTEXT.")
}

pub(in crate::check) fn start_with_max(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0121, span, "ON START has no MAX").label("it happens once")
}

/// No ON START, and not exactly one function that can stand for it.
pub(in crate::check) fn no_clear_start(names: &[&ast::Name], start: Span, end: Span) -> Diagnostic {
    let Some((first, rest)) = names.split_first() else {
        return Diagnostic::new(Code::E0121, start, "nothing says where this program starts")
            .note("Write ON START { … }, or a FUNC without parameters.")
            .fix("add an ON START", end, "\nON START {\n}\n");
    };
    let call = format!("\nON START {{\n  {}()\n}}\n", first.text);
    if rest.is_empty() {
        return Diagnostic::new(
            Code::E0121,
            first.span,
            format!("nothing starts this program: {} is called by another function", first.text),
        )
        .note("Without ON START, the only FUNC without parameters that no other calls is the start.")
        .fix(format!("start with {}", first.text), end, call);
    }
    let list: Vec<&str> = names.iter().map(|name| name.text.as_str()).take(6).collect();
    let message = format!("several functions could start this program: {}", list.join(", "));
    let diagnostic = Diagnostic::new(Code::E0121, first.span, message).label("this one");
    rest.iter()
        .take(5)
        .fold(diagnostic, |diagnostic, name| diagnostic.also(name.span, "or this one"))
        .note("ON START { … } says which.")
        .fix(format!("start with {}", first.text), end, call)
}
