//! Statements: loops, returns, jumps and assignments.

use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::span::Span;

use super::super::body::Role;
use super::super::environment::{Declared, Symbol};

pub(in crate::check) fn nested_too_deeply(span: Span, max: u32) -> Diagnostic {
    Diagnostic::new(Code::E0125, span, format!("statements nest more than {max} levels deep here"))
        .note("Each block counts as a level, and each ELSE IF as one below the IF before it.")
        .note("Put a part into a FUNC of its own.")
}

pub(in crate::check) fn while_without_max(condition: Span) -> Diagnostic {
    Diagnostic::new(Code::E0116, condition, "this WHILE does not say how often it runs at most")
        .label("MAX is missing behind this condition")
        .note("Every loop has a bound, so that the worst case is known before the program is sent.")
        .note("After MAX rounds the program goes on behind the loop.")
        .fix("add MAX 1_000", condition.after(), " MAX 1_000")
}

pub(in crate::check) fn outside_loop(word: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0115, span, format!("{word} stands outside a loop"))
        .label("there is no loop to leave or go on with")
        .note("RETURN leaves a function; STOP ends the run.")
}

/// `RETURN e` in a function that answers nothing. `ty`: what the value is.
pub(in crate::check) fn return_of_nothing(
    name: &str,
    value: Span,
    statement: Span,
    ty: Option<&str>,
    header: Option<Span>,
) -> Diagnostic {
    let diagnostic =
        Diagnostic::new(Code::E0114, value, format!("{name} answers nothing, but this RETURN has a value"));
    let diagnostic = match ty {
        Some(ty) => diagnostic.label(format!("this is {ty}")),
        None => diagnostic,
    };
    match (ty, header) {
        (Some(ty), Some(header)) => diagnostic
            .note("What a FUNC answers with stands behind its parameters.")
            .fix(format!("answer with {ty}"), header, format!("-> {ty} ")),
        (None, Some(_)) => {
            diagnostic.note(format!("To answer with it, declare the type: FUNC {name}(…) -> type."))
        }
        _ => diagnostic.fix("write RETURN alone", statement, "RETURN"),
    }
}

pub(in crate::check) fn return_without_value(name: &str, ty: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0114, span, format!("{name} answers with {ty}, but this RETURN has no value"))
        .label("the value is missing")
        .note("The value stands on the same line as RETURN.")
}

/// A way through a function that ends without an answer.
/// `passed` is the last statement, where it is one that can be passed by, with its word.
pub(in crate::check) fn missing_return(
    name: &str,
    ty: Option<&str>,
    at: Span,
    block: Span,
    passed: Option<(&str, Span)>,
) -> Diagnostic {
    let message = match ty {
        Some(ty) => format!("{name} answers with {ty}, but one way through it has no RETURN"),
        None => format!("one way through {name} has no RETURN"),
    };
    let brace = Span { start: block.end.saturating_sub(1).max(block.start), ..block };
    let diagnostic = Diagnostic::new(Code::E0113, brace, message)
        .label("the end is reached without an answer")
        .also(at, format!("{name} is declared here"));
    let diagnostic = match passed {
        Some((word, span)) => diagnostic.also(span, format!("this {word} can be passed by")),
        None => diagnostic,
    };
    diagnostic.note("Each way ends with RETURN, STOP or FAIL; an IF without ELSE can also be passed by.")
}

pub(in crate::check) fn not_a_place(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0109, span, "this cannot be assigned")
        .label("a variable made by LET or STATE belongs here")
}

/// An assignment to a local that is not a LET. `whole`: to the name itself, not to a field of it.
pub(in crate::check) fn read_only(
    name: &str,
    span: Span,
    role: Role,
    declared: Span,
    whole: bool,
) -> Diagnostic {
    let (what, why) = match role {
        Role::Parameter => ("a parameter", "A parameter keeps the value it was called with."),
        Role::Loop => {
            ("a loop variable", "A loop variable is a copy: changing it would not change the list.")
        }
        Role::IfLet | Role::Let => ("bound by IF LET", "What IF LET found does not change."),
        Role::Pattern | Role::Hidden => ("bound by MATCH", "What MATCH found does not change."),
    };
    let mut diagnostic =
        Diagnostic::new(Code::E0109, span, format!("{name} is {what} and cannot be changed"));
    if declared != span {
        diagnostic = diagnostic.also(declared, format!("{name} is declared here"));
    }
    let advice = if whole { "Use a variable of its own" } else { "Change a copy of it" };
    diagnostic.note(why).note(format!("{advice}: LET new_{name} = {name}."))
}

/// An assignment to a top-level name. `record`: where RECORD in front would be right.
pub(in crate::check) fn read_only_global(
    name: &str,
    span: Span,
    declared: Declared,
    record: Option<Span>,
) -> Diagnostic {
    let what = match declared.symbol {
        Symbol::Input(_) => "an INPUT",
        Symbol::Context(_) => "a CONTEXT value",
        Symbol::Const(_) => "a CONST",
        Symbol::Metric(_) => "a METRIC",
        Symbol::Function(_) => "a FUNC",
        Symbol::Host(_) => "a host function",
        Symbol::Event(_) => "an EVENT",
        Symbol::Type(_) => "a TYPE",
        Symbol::Case(..) => "a case of an ENUM",
        Symbol::Module(_) => "a used file",
        Symbol::State(_) | Symbol::Unknown => "not a variable",
    };
    let diagnostic = Diagnostic::new(Code::E0109, span, format!("{name} is {what} and cannot be assigned"))
        .also(declared.span, format!("{name} is declared here"));
    match (declared.symbol, record) {
        (Symbol::Metric(_), Some(statement)) => diagnostic
            .note("A METRIC gets its samples from RECORD.")
            .fix(format!("write RECORD {name}"), statement.before(), "RECORD "),
        (Symbol::Metric(_), None) => diagnostic.note("A METRIC gets its samples from RECORD."),
        _ => diagnostic.note(format!("A variable of its own can change: LET new_{name} = …")),
    }
}
