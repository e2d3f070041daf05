//! EVENT, ON and EVERY.

use swarm_grammar::ast;
use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::span::Span;

use super::super::environment::Signature;
use super::did_you_mean;

/// ON or RUN of something that is no EVENT; `known` where the name stands for something else.
pub(in crate::check) fn unknown(event: &ast::Name, known: bool, near: Option<&str>) -> Diagnostic {
    let name = &event.text;
    let message = match near {
        Some(near) => format!("no EVENT is called {name}; did you mean {near}?"),
        None => format!("no EVENT is called {name}"),
    };
    let label = if known { "this is not an EVENT" } else { "this name is not known" };
    let diagnostic = Diagnostic::new(Code::E0101, event.span, message)
        .label(label)
        .note(format!("An event is declared with what it carries: EVENT {name}(from: string)."));
    did_you_mean(diagnostic, event.span, near)
}

pub(in crate::check) fn second_handler(what: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(Code::E0301, span, format!("a program has one {what}"))
        .label("the second one")
        .also(first, "the first one")
        .note("Put what both do into one, in the order it should happen.")
}

/// Names that stand for the parameters of an event, an action or a case, too few or too many.
pub(in crate::check) fn names_by_position(
    signature: &Signature,
    names: &[ast::Name],
    span: Span,
) -> Diagnostic {
    let own: Vec<&str> = signature.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    let name = &signature.name;
    let count = match own.len() {
        0 => "no values".to_owned(),
        1 => "1 value".to_owned(),
        many => format!("{many} values"),
    };
    let written = match names.len() {
        0 => "none is named".to_owned(),
        1 => "1 is named".to_owned(),
        many => format!("{many} are named"),
    };
    let diagnostic = Diagnostic::new(Code::E0106, span, format!("{name} has {count}, but {written} here"))
        .also(signature.span, format!("{name}({}) is declared here", own.join(", ")))
        .note("All of them are named, in their order; a name that starts with _ says that it is not needed.");
    let missing = own.get(names.len()..).unwrap_or(&[]);
    let Some(last) = names.last().filter(|_| !missing.is_empty()) else { return diagnostic };
    let rest: String = missing.iter().map(|name| format!(", _{name}")).collect();
    let free = missing.iter().all(|own| names.iter().all(|name| name.text != format!("_{own}")));
    if free {
        diagnostic.fix(format!("name {}", missing.join(", ")), last.span.after(), rest)
    } else {
        diagnostic
    }
}

pub(in crate::check) fn too_often(text: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0303, span, format!("EVERY must be at least 1s, but is {text}"))
        .label("too often")
        .note("A thousand agents that wake up more often than that do nothing else.")
        .fix("write 1s", span, "1s")
}

pub(in crate::check) fn event_as_value(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0112, span, format!("{name} is an EVENT, not a value"))
        .label("a value belongs here")
        .note(format!("What it carries is there in ON {name}(…) {{ … }}."))
}

/// An event of the prelude, declared again with something changed.
pub(in crate::check) fn declared_differently(name: &str, span: Span, theirs: Span) -> Diagnostic {
    Diagnostic::new(Code::E0307, span, format!("{name} is declared by the prelude with other parameters"))
        .label("declared differently here")
        .also(theirs, "the prelude's declaration")
        .note("A program may repeat such a declaration, but not change what the host sends.")
}
