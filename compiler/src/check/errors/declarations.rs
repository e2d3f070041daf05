//! Declarations: limits, circles, and what stands beside a type.

use swarm_grammar::ast;
use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::span::Span;

pub(in crate::check) fn too_many(what: &str, max: usize, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0125, span, format!("there are more {what} than {max}"))
}

/// Uses of CONSTs that hold many values.
pub(in crate::check) fn written_out(span: Span, max: usize) -> Diagnostic {
    Diagnostic::new(Code::E0125, span, format!("CONSTs and defaults stand for more than {max} values"))
        .note("A CONST or a default that holds many values is written out wherever it is used; LET it once instead.")
}

/// Declarations that need each other, in order; `None` of none.
pub(in crate::check) fn circle(keyword: &str, names: &[&ast::Name], why: &str) -> Option<Diagnostic> {
    let (first, rest) = names.split_first()?;
    let message = match rest {
        [] => format!("{} is defined by itself", first.text),
        _ => {
            let mut way: Vec<&str> = names.iter().map(|name| name.text.as_str()).take(6).collect();
            if names.len() > way.len() {
                way.push("…");
            }
            way.push(&first.text);
            format!("{} is defined by itself: {}", first.text, way.join(" needs "))
        }
    };
    let diagnostic =
        Diagnostic::new(Code::E0119, first.span, message).label(format!("this {keyword} needs itself"));
    let diagnostic = rest
        .iter()
        .take(5)
        .fold(diagnostic, |diagnostic, name| diagnostic.also(name.span, "which is needed on the way"));
    Some(diagnostic.note(why))
}

pub(in crate::check) fn no_cases(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0120, span, format!("{name} has no case, so it has no value"))
        .label("an ENUM without cases")
        .note(format!("Write its cases: ENUM {name} {{ low, high }}."))
}

/// `ENUM S { OTHER(name: string), low }`
pub(in crate::check) fn other_out_of_place(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0133, span, format!("OTHER of {name} is not a last case OTHER(name: string)"))
        .label("this case takes in what the program does not know")
        .note("It stands behind all others and holds what was found instead: OTHER(name: string). Give another case another name.")
}

/// MAX behind something that is no list. `clause` is the MAX with the number and the blank before it, if it
/// stands right before the number.
pub(in crate::check) fn max_of_no_list(ty: &str, max: Span, clause: Option<Span>) -> Diagnostic {
    let message = format!("MAX limits the items of a list or a map, but this is {ty}");
    let diagnostic = Diagnostic::new(Code::E0310, max, message).label("there is nothing to limit");
    match clause {
        Some(clause) => diagnostic.fix("leave MAX out", clause, ""),
        None => diagnostic,
    }
}

pub(in crate::check) fn key_type(ty: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0310, span, format!("a KEY is a string or an int, but this field is {ty}"))
        .label("this field cannot stand for its record")
        .fix("leave KEY out", span, "")
}

pub(in crate::check) fn key_outside_type(what: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0310, span, format!("KEY marks a field of a TYPE, not {what}"))
        .label("there is no record to stand for")
        .fix("leave KEY out", span, "")
}

pub(in crate::check) fn metric_type(ty: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0309, span, format!("a METRIC is a number or a quantity, but this is {ty}"))
        .label("this cannot be measured")
}
