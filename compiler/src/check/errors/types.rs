//! Values of the wrong type.

use swarm_grammar::ast::{self, BinaryOperator as Operator};
use swarm_grammar::diagnostic::{Code, Diagnostic, Edit};
use swarm_grammar::span::Span;

use super::super::conversions::Wanted;
use super::{Side, say};
use crate::typed::Aggregate;

fn declared(diagnostic: Diagnostic, wanted: &Wanted) -> Diagnostic {
    match wanted.declared {
        Some(span) => diagnostic.also(span, format!("{} is declared here", wanted.what)),
        None => diagnostic,
    }
}

/// A value whose type has nothing to do with the one its place wants.
pub(in crate::check) fn wrong_type(found: &Side, expected: &str, wanted: &Wanted) -> Diagnostic {
    let message = format!("{} must be {}, but {}", wanted.what, say(expected), found.is());
    let diagnostic =
        declared(Diagnostic::new(Code::E0103, found.span, message).label(found.this_is()), wanted);
    if expected == "bool" && found.text != "this" && !matches!(found.ty.as_str(), "string") {
        return diagnostic
            .note(format!("Say what to compare it with, like {} > … or {} == …", found.text, found.text));
    }
    diagnostic
}

/// A float where an int belongs; `division` is the `/` that made it.
pub(in crate::check) fn whole_number(found: &Side, wanted: &Wanted, division: Option<Span>) -> Diagnostic {
    let message = format!("{} must be a whole number (int), but {}", wanted.what, found.is());
    let diagnostic =
        declared(Diagnostic::new(Code::E0122, found.span, message).label(found.this_is()), wanted);
    match division {
        Some(at) => diagnostic
            .note("Dividing two whole numbers by / gives a float; DIV gives the whole part.")
            .fix("divide by DIV", at, "DIV"),
        None => diagnostic
            .note("A float never becomes an int by itself, since that would lose its fraction.")
            .fixes(
                "round it",
                vec![
                    Edit { span: found.span.before(), text: "round(".to_owned() },
                    Edit { span: found.span.after(), text: ")".to_owned() },
                ],
            ),
    }
}

/// A `T?` where NONE has no place.
fn optional(whole: &str, span: Span, ty: &str) -> Diagnostic {
    Diagnostic::new(Code::E0108, span, format!("{whole} may be NONE")).label(format!("this is {ty}?"))
}

/// A `T?` where a `T` belongs; `zero` can stand in for NONE.
pub(in crate::check) fn may_be_none(whole: &str, span: Span, ty: &str, zero: Option<&str>) -> Diagnostic {
    let diagnostic = optional(whole, span, ty)
        .note("Say what to use instead of NONE with ??, or look first with IF LET x = … THEN.");
    let Some(zero) = zero else { return diagnostic };
    let bare = whole != "this" && (!whole.contains(' ') || whole.starts_with('('));
    let edits = if bare {
        vec![Edit { span: span.after(), text: format!(" ?? {zero}") }]
    } else {
        let close = Edit { span: span.after(), text: format!(") ?? {zero}") };
        vec![Edit { span: span.before(), text: "(".to_owned() }, close]
    };
    diagnostic.fixes(format!("use {zero} instead of NONE"), edits)
}

/// `counts["a"][0] = 1`: `whole` may be NONE, and something within it is assigned.
pub(in crate::check) fn place_may_be_none(whole: &str, span: Span, ty: &str) -> Diagnostic {
    optional(whole, span, ty).note(format!(
        "Nothing within it can be assigned. Take it out with LET and ??, change that, then put it back: {whole} = …"
    ))
}

/// What can only be said before a text, since there are no quotes between its braces.
pub(in crate::check) fn outside_the_hole(diagnostic: Diagnostic) -> Diagnostic {
    diagnostic.note("Between the braces of a text there are no quotes: give the value a name with LET first.")
}

/// `??`, IF LET or a comparison with NONE on a value that is always there. `whole` is the expression that the
/// value alone can replace.
pub(in crate::check) fn never_none(value: &Side, whole: Option<Span>, construct: &str) -> Diagnostic {
    let message = format!("{} is never NONE, so {construct} has nothing to do here", value.text);
    let diagnostic = Diagnostic::new(Code::E0103, value.span, message).label(value.this_is());
    let diagnostic = diagnostic.note("Only a value whose type ends in ? can be NONE.");
    match whole {
        Some(whole) if value.text != "this" => {
            diagnostic.fix(format!("write only {}", value.text), whole, value.text.clone())
        }
        _ => diagnostic,
    }
}

/// NONE where a value is always needed.
pub(in crate::check) fn never_takes_none(ty: &str, span: Span, wanted: &Wanted) -> Diagnostic {
    let message = format!("{} is {ty}, which is never NONE", wanted.what);
    declared(Diagnostic::new(Code::E0103, span, message).label("a value is needed here"), wanted)
        .note(format!("Only {ty}? can be NONE."))
}

pub(in crate::check) fn none_of_what(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0120, span, "nothing here says what NONE stands for")
        .label("the absence of what?")
        .note("Write the type of the variable: LET x: money? = NONE.")
}

pub(in crate::check) fn empty_list_of_what(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0120, span, "nothing here says what this list holds")
        .label("a list of what?")
        .note("Write the type of the variable: LET xs: list<int> = [].")
}

pub(in crate::check) fn empty_map_of_what(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0120, span, "nothing here says what this map holds")
        .label("a map from what to what?")
        .note("Write the type of the variable: LET counts: map<string, int> = [:].")
}

/// A type whose values cannot be keys of a map; `enumeration`: because of its payloads.
pub(in crate::check) fn no_key(ty: &str, span: Span, enumeration: bool) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::E0110, span, format!("{ty} cannot be the key of a map"))
        .label("keys are strings, ints, quantities, times, bools and plain enums");
    if enumeration {
        diagnostic.note("An enum is plain if none of its cases carries values.")
    } else {
        diagnostic.note("Of a record, take its KEY: counts[task.id].")
    }
}

/// `map<K, V?>`
pub(in crate::check) fn optional_in_map(ty: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0110, span, format!("a value in a map is always there, but this is {ty}"))
        .label("NONE would mean two things")
        .note("What has no value has no entry: m[key] is NONE then.")
}

/// `counts[key] += 1`. `edit`: the statement with what stands in for a missing entry.
pub(in crate::check) fn entry_may_be_missing(
    place: &str,
    span: Span,
    ty: &str,
    edit: Option<(Span, String)>,
) -> Diagnostic {
    let diagnostic =
        optional(place, span, ty).note("A map may have no entry under a key yet; say what to start with.");
    match edit {
        Some((span, text)) => diagnostic.fix(format!("write {text}"), span, text),
        None => diagnostic,
    }
}

/// CONTAINS behind something that holds nothing.
pub(in crate::check) fn contains_nothing(value: &Side) -> Diagnostic {
    let message = format!("CONTAINS looks into a list, a map or a text, but {}", value.is());
    Diagnostic::new(Code::E0110, value.span, message).label(value.this_is())
}

/// TOP … BY something without an order.
pub(in crate::check) fn no_order_by(value: &Side) -> Diagnostic {
    Diagnostic::new(Code::E0110, value.span, format!("BY needs something with an order, but {}", value.is()))
        .label(value.this_is())
        .note("Numbers, quantities, points in time and texts can be ordered.")
}

/// `FOR EACH x IN map`. `key`: a name that is free.
pub(in crate::check) fn one_name_over_map(span: Span, item: &str, key: Option<&str>) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::E0110, span, "a loop over a map has two names: key and value")
        .label("the key, or the value?");
    match key {
        Some(key) => diagnostic.fix(format!("write {key}, {item}"), span.before(), format!("{key}, ")),
        None => diagnostic,
    }
}

/// `.field` behind something that has none.
pub(in crate::check) fn no_fields(
    whole: &str,
    ty: &str,
    span: Span,
    field: &ast::Name,
    list: bool,
) -> Diagnostic {
    let message = format!("{whole} is {ty}, which has no fields");
    let diagnostic = Diagnostic::new(Code::E0105, field.span, message)
        .label("this field is not known")
        .also(span, format!("this is {ty}"));
    if list {
        let advice = format!("Go over its items: FOR EACH item IN {whole}, then item.{}.", field.text);
        return if matches!(field.text.as_str(), "len" | "length" | "size" | "count") && whole != "this" {
            let edit = span.to(field.span);
            diagnostic.fix(format!("write len({whole})"), edit, format!("len({whole})"))
        } else {
            diagnostic.note(advice)
        };
    }
    diagnostic.note("Only a record, a value of some TYPE, has fields.")
}

/// `x[i]` where x is no list.
pub(in crate::check) fn no_items(whole: &str, ty: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0110, span, format!("{whole} is {ty}, which has no items"))
        .label(format!("this is {ty}"))
        .note("Only a list has items: xs[0] is its first; and a map has entries: m[\"key\"].")
}

pub(in crate::check) fn no_length(value: &Side) -> Diagnostic {
    Diagnostic::new(Code::E0103, value.span, format!("len needs a list, a map or a text, but {}", value.is()))
        .label(value.this_is())
}

pub(in crate::check) fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0125, span, "types nest deeper than 16 levels")
        .note("Put identifiers into the inner records instead of whole records.")
}

/// A list or map literal of more items than its place admits.
pub(in crate::check) fn list_too_long(what: &str, len: usize, max: u32, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0103, span, format!("{what} may have {max} items, but {len} are written"))
        .label(format!("{len} items"))
}

pub(in crate::check) fn branches_differ(then: &Side, otherwise: &Side) -> Diagnostic {
    let message = format!("this IF is {} or {}, it must be one of the two", then.ty, otherwise.ty);
    Diagnostic::new(Code::E0103, otherwise.span, message)
        .label(otherwise.this_is())
        .also(then.span, then.this_is())
}

pub(in crate::check) fn cannot_negate(value: &Side) -> Diagnostic {
    Diagnostic::new(Code::E0110, value.span, format!("{} has no sign", value.is()))
        .label(value.this_is())
        .note("Only numbers and quantities can be negated; the opposite of a condition is NOT.")
}

/// `<` on values without an order.
pub(in crate::check) fn no_order(ty: &str, at: Span) -> Diagnostic {
    Diagnostic::new(Code::E0110, at, format!("values of type {ty} have no order"))
        .label("only == and != apply")
        .note("Numbers, quantities, points in time and texts can be ordered.")
}

/// Two sides that cannot be compared or computed with because they are different kinds of thing.
pub(in crate::check) fn not_alike(found: &Side, other: &Side, _at: Span, verb: &str) -> Diagnostic {
    Diagnostic::new(Code::E0103, other.span, format!("{}, {}: they cannot be {verb}", found.is(), other.is()))
        .label(other.this_is())
        .also(found.span, found.this_is())
}

/// `+ - * / DIV MOD` on something that does not calculate.
pub(in crate::check) fn no_arithmetic(
    left: &Side,
    right: &Side,
    operator: Operator,
    at: Span,
    texts: bool,
) -> Diagnostic {
    let sign = sign(operator);
    let diagnostic =
        Diagnostic::new(Code::E0110, at, format!("{sign} does not apply to {} and {}", left.ty, right.ty))
            .label(format!("{sign} needs numbers or quantities"))
            .also(left.span, left.this_is())
            .also(right.span, right.this_is());
    if texts { diagnostic.note("Texts are put together with holes: \"{a} and {b}\".") } else { diagnostic }
}

/// `"n: " + n`; `text` is the one text that all of it makes.
pub(in crate::check) fn joined_texts(span: Span, text: Option<String>) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::E0110, span, "+ does not put texts together")
        .label("a value is put into a text with braces: \"… {x} …\"");
    match text {
        Some(text) => diagnostic.fix(format!("write {text}"), span, text),
        None => diagnostic.note("No quotes stand between braces: name such a value with LET first."),
    }
}

pub(super) fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Add => "+",
        Operator::Subtract => "-",
        Operator::Multiply => "*",
        Operator::Divide => "/",
        Operator::WholeDivide => "DIV",
        Operator::Modulo => "MOD",
        _ => "this operator",
    }
}

pub(in crate::check) fn range_as_value(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0110, span, "a range is not a value")
        .label("only FOR and aggregates go over a range")
}

fn word(aggregate: Aggregate) -> &'static str {
    match aggregate {
        Aggregate::Count => "COUNT",
        Aggregate::Sum => "SUM",
        Aggregate::Min => "MIN",
        Aggregate::Max => "MAX",
        Aggregate::Any => "ANY",
        Aggregate::All => "ALL",
        Aggregate::Average => "AVG",
        Aggregate::Collect => "COLLECT",
    }
}

/// `SUM(FOR x IN xs)`
pub(in crate::check) fn aggregate_of_what(aggregate: Aggregate, span: Span) -> Diagnostic {
    let word = word(aggregate);
    Diagnostic::new(Code::E0106, span, format!("{word} does not say of what"))
        .note(format!("Write what to take of each item: {word} task.cost FOR task IN task_queue."))
}

pub(in crate::check) fn cannot_aggregate(aggregate: Aggregate, value: &Side) -> Diagnostic {
    let word = word(aggregate);
    Diagnostic::new(
        Code::E0110,
        value.span,
        format!("{word} needs numbers or quantities, but {}", value.is()),
    )
    .label(value.this_is())
}

pub(in crate::check) fn too_many_binders(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0110, span, "a loop has one name for the item, or two: index and item")
        .label("more than two names")
}

pub(in crate::check) fn two_names_over_range(span: Span, item: &str) -> Diagnostic {
    Diagnostic::new(Code::E0110, span, "a loop over a range has one name")
        .label("a number of the range is its own index")
        .fix(format!("write {item}"), span, item)
}

/// FOR EACH over something that has no items.
pub(in crate::check) fn nothing_to_go_over(value: &Side, number: bool) -> Diagnostic {
    let diagnostic = Diagnostic::new(
        Code::E0124,
        value.span,
        format!("a loop goes over a list or a map, but {}", value.is()),
    )
    .label(value.this_is());
    if number && value.text != "this" {
        let range = format!("1..{}", value.text);
        return diagnostic.fix(format!("go over {range}"), value.span, range);
    }
    diagnostic.note("A loop goes over a list (FOR EACH task IN task_queue) or a range (FOR i IN 1..10).")
}

/// `FOR i IN 0..len(xs)`
pub(in crate::check) fn past_the_last(
    span: Span,
    index: &ast::Name,
    list: &str,
    item: Option<&str>,
) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::E0123, span, "this range goes one past the last item")
        .label("both ends are included")
        .note(format!("A range includes both of its ends, so 0..len({list}) has one number too many."));
    let Some(item) = item else { return diagnostic };
    let text = format!("{}, {item} IN {list}", index.text);
    let whole = index.span.to(span);
    diagnostic.fix(format!("go over the list itself: {text}"), whole, text)
}
