//! USE: modules and files, and the names they bring.

use smol_str::SmolStr;
use swarm_grammar::ast;
use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::span::Span;

use super::did_you_mean;

/// `USE std.statistic`
pub(in crate::check) fn unknown(name: &str, span: Span, near: Option<&str>, all: &[String]) -> Diagnostic {
    let message = match near {
        Some(near) => format!("there is no module {name}; did you mean {near}?"),
        None => format!("there is no module {name}"),
    };
    let diagnostic = Diagnostic::new(Code::E0126, span, message).label("this module is not known");
    let diagnostic = match (near, all) {
        (None, [_, ..]) => diagnostic.note(format!("The modules are {}.", all.join(", "))),
        _ => diagnostic,
    };
    did_you_mean(diagnostic, span, near)
        .note("A file of your own stands in quotes: USE \"lib/prices.swarm\".")
}

pub(in crate::check) fn not_loaded(path: &str, span: Span, why: &str) -> Diagnostic {
    Diagnostic::new(Code::E0126, span, format!("{path} cannot be used: {why}"))
        .label("this file cannot be read")
        .note("The path starts at the folder of the file that says USE.")
}

/// Files that use each other, in order.
pub(in crate::check) fn circle(files: &[SmolStr], span: Span) -> Diagnostic {
    let first = files.first().cloned().unwrap_or_default();
    let mut way: Vec<&str> = files.iter().map(SmolStr::as_str).take(6).collect();
    if files.len() > way.len() {
        way.push("…");
    }
    way.push(&first);
    let message = match files {
        [_] => format!("{first} uses itself"),
        _ => format!("{first} uses itself: {}", way.join(" uses ")),
    };
    Diagnostic::new(Code::E0127, span, message)
        .label("this closes the circle")
        .note("Put what both need into a third file, and use that in both.")
}

/// Two files bring the same name.
pub(in crate::check) fn brought_twice(name: &str, span: Span, first: Span, second: Span) -> Diagnostic {
    Diagnostic::new(Code::E0132, span, format!("this USE brings {name}, which another USE brings too"))
        .label(format!("{name} would stand for two things"))
        .also(first, "one of the two")
        .also(second, "the other")
        .note("Give one of the files a name, and write it before its names: USE \"lib/prices.swarm\" AS prices.")
}

/// INSTRUCTION, ON and EVERY in a file that another one uses.
pub(in crate::check) fn only_in_programs(word: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0304, span, format!("{word} cannot stand in a file that another one uses"))
        .label("not allowed here")
        .note("Only the program itself says what it is called, and when it does something.")
}

/// `prices.Offer`, where prices is nothing that USE names.
pub(in crate::check) fn no_such_file(alias: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0101, span, format!("no USE … AS is called {alias}"))
        .label("this name is not known")
        .note(format!("A file gets a name by USE \"lib/{alias}.swarm\" AS {alias}."))
}

pub(in crate::check) fn not_declared(alias: &str, name: &ast::Name, near: Option<&str>) -> Diagnostic {
    let message = match near {
        Some(near) => format!("{alias} declares no {}; did you mean {near}?", name.text),
        None => format!("{alias} declares no {}", name.text),
    };
    let diagnostic = Diagnostic::new(Code::E0101, name.span, message).label("this name is not known");
    did_you_mean(diagnostic, name.span, near)
}

pub(in crate::check) fn file_as_value(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0112, span, format!("{name} is a used file, not a value"))
        .label("a value belongs here")
        .note(format!("What it declares is written {name}.…"))
}
