//! Names: unknown ones, taken ones, and names of the wrong kind.

use swarm_grammar::ast;
use swarm_grammar::diagnostic::{Code, Diagnostic, Edit};
use swarm_grammar::span::Span;

use super::super::environment::Signature;
use super::did_you_mean;

/// "unknown name taks; did you mean task?"
fn question(text: String, near: Option<&str>) -> String {
    match near {
        Some(near) => format!("{text}; did you mean {near}?"),
        None => text,
    }
}

/// `in_hole`: between braces in a text, where it may not have been meant as a name at all.
pub(in crate::check) fn unknown(name: &str, span: Span, near: Option<&str>, in_hole: bool) -> Diagnostic {
    let message = question(format!("nothing here is called {name}"), near);
    let diagnostic = Diagnostic::new(Code::E0101, span, message).label("this name is not known");
    let diagnostic = match near {
        Some(_) => diagnostic,
        None if in_hole => {
            let note =
                "Between { and } in a text stands an expression; braces that are only text are doubled.";
            return diagnostic.note(note).fixes(
                format!("write {{{{{name}}}}}"),
                vec![
                    Edit { span: span.before(), text: "{".to_owned() },
                    Edit { span: span.after(), text: "}".to_owned() },
                ],
            );
        }
        None => diagnostic.note(
            "A value has a name if a LET, an INPUT, a CONTEXT, a CONST, a STATE or a METRIC gives it one.",
        ),
    };
    did_you_mean(diagnostic, span, near)
}

/// What Swarm has for the functions over lists of other languages.
pub(super) fn aggregate(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "sum" => "SUM x.cost FOR x IN xs",
        "avg" | "average" | "mean" => "AVG x.cost FOR x IN xs",
        "min" | "max" => "MIN x.cost FOR x IN xs, or MAX",
        "count" | "size" | "length" => "len(xs), or COUNT(FOR x IN xs WHERE c)",
        "any" | "some" => "ANY x.cost > $1 FOR x IN xs",
        "all" | "every" => "ALL x.cost > $1 FOR x IN xs",
        "filter" => "COLLECT x FOR x IN xs WHERE c",
        "map" => "COLLECT e FOR x IN xs",
        "sorted" | "sort" | "sort_by" => "TOP n x IN xs BY e, or BOTTOM",
        _ => return None,
    })
}

pub(in crate::check) fn unknown_function(name: &str, span: Span, near: Option<&str>) -> Diagnostic {
    let message = question(format!("no FUNC, ACTION, QUERY or TYPE is called {name}"), near);
    let diagnostic = Diagnostic::new(Code::E0101, span, message).label("this name is not known");
    let diagnostic = if near.is_none() && matches!(name, "sleep" | "SLEEP" | "wait" | "delay") {
        diagnostic
            .note("A program never waits: EVERY 30s { … } does something again, RETRY … BACKOFF asks again.")
    } else if let Some(form) = aggregate(name) {
        return diagnostic.note(format!("Over a list it is written {form}."));
    } else if near.is_none() && name.len() > 1 && !name.bytes().any(|byte| byte.is_ascii_lowercase()) {
        let note =
            format!("What the host can do is declared: ACTION {name}(…), or QUERY {name}(…) -> its type.");
        diagnostic.note(note)
    } else {
        diagnostic
    };
    did_you_mean(diagnostic, span, near)
}

/// An assignment to a name that nothing declares; `plain` where a LET before it would declare it.
pub(in crate::check) fn assigned_unknown(
    name: &str,
    span: Span,
    near: Option<&str>,
    plain: bool,
) -> Diagnostic {
    let message = question(format!("{name} has no LET"), near);
    let diagnostic = Diagnostic::new(Code::E0101, span, message)
        .label("this name is not known")
        .note("A variable is made by LET and can then be assigned.");
    match near {
        None if plain => diagnostic.fix(format!("write LET {name}"), span, format!("LET {name}")),
        _ => did_you_mean(diagnostic, span, near),
    }
}

/// RECORD of something that is no METRIC.
pub(in crate::check) fn not_a_metric(name: &str, span: Span, known: bool, near: Option<&str>) -> Diagnostic {
    let message = question(format!("no METRIC is called {name}"), near);
    let label = if known { "this is not a METRIC" } else { "this name is not known" };
    let diagnostic = Diagnostic::new(Code::E0101, span, message)
        .label(label)
        .note(format!("RECORD adds a sample to a declared METRIC: METRIC {name}: money TOTAL."));
    did_you_mean(diagnostic, span, near)
}

pub(in crate::check) fn unknown_field(
    field: &ast::Name,
    record: &Signature,
    near: Option<&str>,
) -> Diagnostic {
    let name = &record.name;
    let message = question(format!("{name} has no field {}", field.text), near);
    let diagnostic = Diagnostic::new(Code::E0105, field.span, message)
        .label("this field is not known")
        .also(record.span, format!("{name} is declared here"));
    if near.is_some() {
        return did_you_mean(diagnostic, field.span, near);
    }
    let fields: Vec<&str> = record.parameters.iter().map(|own| own.name.as_str()).collect();
    match fields.get(..MOST_FIELDS) {
        Some(first) => diagnostic.note(format!("Its fields are {}, …", first.join(", "))),
        None => diagnostic.note(format!("Its fields are {}.", fields.join(", "))),
    }
}

/// So many fields are named where the one that is meant cannot be told.
const MOST_FIELDS: usize = 12;

pub(in crate::check) fn declared_twice(name: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(Code::E0102, span, format!("{name} is declared twice"))
        .label("declared again here")
        .also(first, "first declared here")
        .note("A name stands for one thing; give one of the two another name.")
}

/// A local with the name of something that can be seen.
pub(in crate::check) fn hides(name: &str, span: Span, first: Span) -> Diagnostic {
    Diagnostic::new(
        Code::E0102,
        span,
        format!("{name} is already the name of something that can be seen here"),
    )
    .label("this name is taken")
    .also(first, format!("{name} is declared here"))
    .note("A variable may hide a name of the prelude, but none of the program's own.")
}

pub(in crate::check) fn builtin_type(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0102, span, format!("{name} is already a built-in type"))
        .label("this name is taken")
        .note("By habit a TYPE is written in PascalCase: Task, PriceList.")
}

pub(in crate::check) fn unknown_type(name: &str, span: Span, near: Option<&str>) -> Diagnostic {
    let message = question(format!("no type is called {name}"), near);
    let diagnostic = Diagnostic::new(Code::E0104, span, message).label("this type is not known");
    did_you_mean(diagnostic, span, near)
}

pub(in crate::check) fn not_a_type(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0104, span, format!("{name} is a name, but not that of a type"))
        .label("a type belongs here")
        .note("Types are int, float, bool, string, the quantities (duration, bytes, money, …), and what TYPE declares.")
}

pub(in crate::check) fn list_of_what(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0104, span, "a list says of what it is a list")
        .label("this list does not say of what")
        .note("Write the type of its items in angle brackets: list<Task>, list<int>.")
}

pub(in crate::check) fn map_of_what(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0104, span, "a map says of its keys and of its values what they are")
        .label("this map does not say of what")
        .note("Write both types in angle brackets: map<string, money>.")
}

/// A text that must be written out: the name of a PHASE or a TEST, the path of a file.
pub(in crate::check) fn fixed_text(what: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0117, span, format!("{what} is written out, without anything to fill in"))
        .label("there can be no {…} in this text")
}

pub(in crate::check) fn not_generic(name: &str, span: Span) -> Diagnostic {
    let diagnostic =
        Diagnostic::new(Code::E0104, span, format!("{name} does not take a type in angle brackets"))
            .label("only list and map do");
    match name {
        "Vec" | "List" | "Array" | "array" | "vector" | "Sequence" | "slice" => {
            did_you_mean(diagnostic, span, Some("list"))
        }
        "Map" | "HashMap" | "BTreeMap" | "dict" | "Dict" | "object" | "Record" => {
            did_you_mean(diagnostic, span, Some("map"))
        }
        "Option" | "Optional" | "Maybe" => {
            diagnostic.note("A value that may be NONE has a ? behind its type: int?.")
        }
        "Set" | "set" | "HashSet" => diagnostic.note("A set is a map to bool: map<string, bool>."),
        _ => diagnostic,
    }
}

/// What other languages call a type, and what it is called here.
pub(in crate::check) fn other_type_name(name: &str) -> Option<&'static str> {
    Some(match name {
        "integer" | "Integer" | "i64" | "i32" | "u8" | "u32" | "u64" | "usize" | "long" | "number"
        | "Number" | "Int" | "INT" => "int",
        "double" | "f64" | "f32" | "real" | "decimal" | "Float" | "FLOAT" => "float",
        "boolean" | "Boolean" | "Bool" => "bool",
        "str" | "String" | "text" | "varchar" | "VARCHAR" | "TEXT" => "string",
        "timestamp" | "datetime" | "instant" | "Instant" | "DateTime" => "time",
        "timedelta" | "interval" | "seconds" | "Duration" => "duration",
        "dollars" | "usd" | "USD" | "cost" | "price" => "money",
        "size" | "memory" | "KB" | "MB" | "GB" => "bytes",
        "Mbps" | "Gbps" => "bandwidth",
        "percentage" | "share" => "percent",
        _ => return None,
    })
}
