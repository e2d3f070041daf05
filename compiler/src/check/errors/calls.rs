//! Calls: what cannot be called, and arguments that do not fit.

use swarm_grammar::ast;
use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::span::Span;

use super::super::environment::Signature;
use super::did_you_mean;

pub(in crate::check) fn no_value(text: String, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0112, span, format!("{text} answers nothing"))
        .label("a value belongs here")
        .note("An ACTION, and a FUNC without ->, is called for its effect, on a line of its own.")
}

/// A function without its parentheses; `bare` where it takes no arguments.
pub(in crate::check) fn function_as_value(name: &str, span: Span, bare: bool) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::E0112, span, format!("{name} is something to call, not a value"))
        .label("a value belongs here");
    if bare {
        diagnostic.fix(format!("call it: {name}()"), span, format!("{name}()"))
    } else {
        diagnostic.note(format!("Call it with its arguments: {name}(…)."))
    }
}

pub(in crate::check) fn type_as_value(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0112, span, format!("{name} is a type, not a value"))
        .label("a value belongs here")
        .note(format!("A record is made by calling its type: {name}(…)."))
}

pub(in crate::check) fn not_callable(text: &str, span: Span, what: &str) -> Diagnostic {
    Diagnostic::new(Code::E0111, span, format!("{text} is {what}, it cannot be called"))
        .label("a FUNC, ACTION, QUERY or TYPE belongs here")
}

/// `task.throttle()`
/// `known` is the function that is meant, if there is one; `first` its first argument, where it has one already.
pub(in crate::check) fn method(
    value: (&str, Span),
    method: &ast::Name,
    known: Option<&str>,
    (whole, first): (Span, Option<Span>),
) -> Diagnostic {
    let (text, span) = value;
    let name = &method.text;
    let place = span.to(method.span);
    let diagnostic =
        Diagnostic::new(Code::E0111, place, format!("{text} has nothing to call by the name of {name}"))
            .label("functions stand alone, not behind a dot");
    let Some(known) = known.filter(|_| text != "this") else {
        let aggregate = super::names::aggregate(name).filter(|_| text != "this");
        return match aggregate {
            Some(form) => diagnostic.note(format!("Over a list it is written {form}.")),
            None => diagnostic.note("A function takes what it works on as its first argument: f(x)."),
        };
    };
    let (shown, end, tail) = match first {
        None => (format!("{known}({text})"), whole.end, ")"),
        Some(first) => (format!("{known}({text}, …)"), first.start, ", "),
    };
    diagnostic.fix(format!("write {shown}"), Span { end, ..span }, format!("{known}({text}{tail}"))
}

pub(in crate::check) fn len_arguments(count: usize, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0106, span, format!("len takes one list, but gets {count} arguments"))
        .note("len(xs) is the number of items of the list xs.")
}

/// "task: Task, by: percent", as it was declared.
fn parameters(signature: &Signature) -> String {
    let names: Vec<&str> = signature.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    format!("{}({})", signature.name, names.join(", "))
}

/// One argument more than there are parameters. `from` is where the text of the surplus begins.
pub(in crate::check) fn too_many(signature: &Signature, given: usize, span: Span, from: u32) -> Diagnostic {
    let takes = match signature.parameters.len() {
        0 => "no arguments".to_owned(),
        1 => "1 argument".to_owned(),
        many => format!("{many} arguments"),
    };
    let surplus = given.saturating_sub(signature.parameters.len());
    let diagnostic =
        Diagnostic::new(Code::E0106, span, format!("{} takes {takes}, but gets {given}", signature.name))
            .label("one too many")
            .also(signature.span, format!("{} is declared here", parameters(signature)));
    if surplus == 1 { diagnostic.fix("leave it out", Span { start: from, ..span }, "") } else { diagnostic }
}

pub(in crate::check) fn missing(signature: &Signature, missing: &[String], at: Span) -> Diagnostic {
    let (plural, list) = (if missing.len() == 1 { "argument" } else { "arguments" }, missing.join(", "));
    Diagnostic::new(Code::E0106, at, format!("{} lacks its {plural} {list}", signature.name))
        .label("this call gives too little")
        .also(signature.span, format!("{} is declared here", parameters(signature)))
}

pub(in crate::check) fn position_after_name(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0106, span, "an argument without a name stands behind one with a name")
        .label("which parameter is this for?")
        .note("Arguments by position come first, then those by name.")
}

pub(in crate::check) fn given_twice(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0107, span, format!("{name} is given twice")).label("given again here")
}

pub(in crate::check) fn unknown_argument(
    signature: &Signature,
    name: &ast::Name,
    near: Option<&str>,
) -> Diagnostic {
    let message = match near {
        Some(near) => format!("{} has no {}; did you mean {near}?", signature.name, name.text),
        None => format!("{} has no {}", signature.name, name.text),
    };
    let diagnostic = Diagnostic::new(Code::E0107, name.span, message)
        .label("this name is not known")
        .also(signature.span, format!("{} is declared here", parameters(signature)));
    did_you_mean(diagnostic, name.span, near)
}
