//! Functions of the language itself.

use swarm_bytecode::native::{Native, Pattern};
use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::span::Span;

use super::Side;

/// "round(value: float) -> int", as the manual writes it.
fn signature(row: &Native) -> String {
    let parameters: Vec<String> =
        row.parameters.iter().map(|(name, pattern)| format!("{name}: {pattern}")).collect();
    format!("{}({}) -> {}", row.name, parameters.join(", "), row.result)
}

fn signatures(rows: &[&'static Native]) -> String {
    rows.iter().map(|row| signature(row)).collect::<Vec<_>>().join(" or ")
}

/// Arguments that are not so many, or not called so, in any row of the name.
pub(in crate::check) fn arguments(rows: &[&'static Native], given: usize, span: Span) -> Diagnostic {
    let name = rows.first().map_or("", |row| row.name);
    let fits = rows.iter().any(|row| row.parameters.len() == given);
    let message = if fits {
        format!("{name} has no arguments of these names")
    } else {
        match given {
            1 => format!("{name} does not take 1 argument"),
            given => format!("{name} does not take {given} arguments"),
        }
    };
    Diagnostic::new(Code::E0106, span, message).note(format!("It is {}.", signatures(rows)))
}

/// What a parameter takes, in words.
fn words(pattern: Pattern) -> String {
    match pattern {
        Pattern::Number | Pattern::Quantity => "a number or a quantity".to_owned(),
        Pattern::ListAny | Pattern::ListKey | Pattern::ListValue => "a list".to_owned(),
        Pattern::ListOrdered => "a list of numbers, quantities, times or texts".to_owned(),
        Pattern::ListString => "a list of texts (list<string>)".to_owned(),
        Pattern::Map => "a map".to_owned(),
        Pattern::Any => "a value like the items of the list".to_owned(),
        Pattern::Key => "a key of the map".to_owned(),
        Pattern::Int
        | Pattern::Float
        | Pattern::Bool
        | Pattern::String
        | Pattern::Time
        | Pattern::Duration
        | Pattern::Percent => super::say(&pattern.to_string()),
        Pattern::OptionalAny | Pattern::OptionalInt | Pattern::OptionalFloat => pattern.to_string(),
    }
}

/// An argument of a type that the function does not take.
pub(in crate::check) fn misfit(row: &Native, parameter: &str, pattern: Pattern, found: &Side) -> Diagnostic {
    let message = format!("{parameter} of {} must be {}, but {}", row.name, words(pattern), found.is());
    Diagnostic::new(Code::E0103, found.span, message)
        .label(found.this_is())
        .note(format!("It is {}.", signature(row)))
}

/// `first(xs)` where the items themselves may be NONE.
pub(in crate::check) fn none_of_two_kinds(name: &str, ty: &str, span: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0110,
        span,
        format!("{name} gives NONE where there is no item, but items are {ty}"),
    )
    .label("NONE would mean two things")
    .note("Leave the items out that are NONE before, or ask with IF LET in a loop.")
}

pub(in crate::check) fn time_of_what(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0106, span, "time takes one text, which is known before the program runs")
        .note("Write it like time(\"2026-11-20T08:00:00Z\"). Values that come from outside are of type time already.")
}

pub(in crate::check) fn bad_time(text: &str, span: Span) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::E0209, span, format!("{text} is not a point in time"))
        .label("a date, T, a time of day, and Z or an offset")
        .note("Write it like time(\"2026-11-20T08:00:00Z\"), or with +01:00 in place of Z.");
    match near_time(text) {
        Some(near) => diagnostic.fix(format!("write {near}"), span, format!("\"{near}\"")),
        None => diagnostic,
    }
}

/// A date without a time, a time without seconds or without its Z, and a space in place of the T.
fn near_time(text: &str) -> Option<String> {
    let text = text.trim().replace(' ', "T");
    let complete = match text.split_once('T') {
        None => format!("{text}T00:00:00Z"),
        Some((date, time)) => {
            let time = time.strip_suffix(['Z', 'z']).unwrap_or(time);
            let seconds = if time.matches(':').count() == 1 { ":00" } else { "" };
            format!("{date}T{time}{seconds}Z")
        }
    };
    swarm_bytecode::quantity::parse_time(&complete).map(|_| complete)
}

/// A DISTRIBUTION as it stands.
pub(in crate::check) fn distribution_as_value(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0112, span, format!("{name} is a DISTRIBUTION, which has many values"))
        .label("one value belongs here")
        .note(format!("Its figures are p50({name}), p90({name}), p95({name}), p99({name}) and mean({name})."))
        .fix(format!("write p99({name})"), span, format!("p99({name})"))
}

/// `p99(x)` of something that is no metric.
pub(in crate::check) fn not_a_distribution(figure: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0106, span, format!("{figure} takes the name of a DISTRIBUTION"))
        .note("A METRIC that keeps the spread of its samples is declared like METRIC latency: duration DISTRIBUTION.")
}

/// `p99(x)` of a metric that is no DISTRIBUTION.
pub(in crate::check) fn no_distribution(figure: &str, name: &str, span: Span, declared: Span) -> Diagnostic {
    Diagnostic::new(Code::E0106, span, format!("{figure} takes a DISTRIBUTION, but {name} keeps one value"))
        .label("this is no DISTRIBUTION")
        .also(declared, format!("{name} is declared here"))
        .note(format!("Its value is {name} alone."))
}

/// What other languages call a function, and what it is called here.
pub(in crate::check) fn other_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "length" | "size" | "strlen" => "len",
        "ceiling" => "ceil",
        "substring" | "substr" | "sublist" | "take" => "slice",
        "toUpper" | "to_upper" | "uppercase" => "upper",
        "toLower" | "to_lower" | "lowercase" => "lower",
        "strip" => "trim",
        "concat" | "extend" | "push" | "add" => "append",
        "sorted" | "order" => "sort",
        "distinct" | "dedup" => "unique",
        "includes" => "contains",
        "find" | "indexOf" => "index_of",
        "int" | "toInt" | "to_int" => "round",
        "float" | "toFloat" => "to_float",
        "count" | "Len" | "LEN" => "len",
        "startsWith" | "startswith" | "hasPrefix" => "starts_with",
        "endsWith" | "endswith" | "hasSuffix" => "ends_with",
        "print" | "println" | "printf" | "log" | "puts" | "echo" | "info" => "LOG",
        "remove" | "delete" => "without",
        _ => return None,
    })
}
