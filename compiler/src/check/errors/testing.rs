//! TEST.

use swarm_grammar::ast;
use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::span::Span;

use super::did_you_mean;

pub(in crate::check) fn same_name(span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(Code::E0301, span, "two tests have this name")
        .label("the second one")
        .also(first, "the first one")
}

/// GIVEN of something that no one gives.
pub(in crate::check) fn cannot_be_given(text: &str, span: Span, what: &str) -> Diagnostic {
    let diagnostic =
        Diagnostic::new(Code::E0314, span, format!("{text} is {what}, which a test cannot give"))
            .label("not for GIVEN");
    if what == "a FUNC" {
        diagnostic.note("A FUNC runs as it is written; give the inputs it reads, or the answers it asks for.")
    } else {
        diagnostic.note("GIVEN sets an INPUT, a CONTEXT, a STATE or a METRIC, or what a QUERY answers.")
    }
}

/// `GIVEN ACTION(…) = …`
pub(in crate::check) fn action_without_answer(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0314, span, format!("{name} is an ACTION, which answers nothing"))
        .label("not for GIVEN … =")
        .note(format!("In a test an action is recorded and succeeds; GIVEN {name}(…) FAILS makes it fail."))
}

/// `RUN EVENT(…)` where nothing listens.
pub(in crate::check) fn no_handler(event: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0314, span, format!("this program has no ON {event}"))
        .label("nothing would happen")
        .note(format!("Write ON {event}(…) {{ … }}, or leave this line out."))
}

/// `EXPECT ACTION …` of something that is none.
pub(in crate::check) fn no_action(action: &ast::Name, known: bool, near: Option<&str>) -> Diagnostic {
    let name = &action.text;
    let message = match near {
        Some(near) => format!("no ACTION is called {name}; did you mean {near}?"),
        None => format!("no ACTION is called {name}"),
    };
    let (code, label) =
        if known { (Code::E0311, "this is not an ACTION") } else { (Code::E0101, "this name is not known") };
    did_you_mean(Diagnostic::new(code, action.span, message).label(label), action.span, near)
}
