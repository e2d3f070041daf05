//! Units: quantities that do not go together, and literals that cannot be read.

use swarm_bytecode::quantity::{LiteralError, finest};
use swarm_bytecode::types::TypeId;
use swarm_grammar::ast::{self, BinaryOperator as Operator};
use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::span::Span;

use super::super::conversions::Wanted;
use super::super::types::TypeTable;
use super::types::sign;
use super::{Side, did_you_mean};

/// Adds the edit that gives a literal the unit it should have.
fn with_literal(diagnostic: Diagnostic, literal: Option<(Span, String)>) -> Diagnostic {
    match literal {
        Some((span, text)) => diagnostic.fix(format!("write {text}"), span, text),
        None => diagnostic,
    }
}

/// Two sides that count different things.
pub(in crate::check) fn mixed(
    found: &Side,
    other: &Side,
    at: Span,
    verb: &str,
    literal: Option<(Span, String)>,
) -> Diagnostic {
    let place = if found.span == other.span { at } else { found.span };
    let diagnostic = Diagnostic::new(Code::E0201, place, format!("{}, {}", found.is(), other.is()))
        .label(found.this_is())
        .also(other.span, other.this_is())
        .note(format!("Values can be {verb} only if they count the same thing."));
    with_literal(diagnostic, literal)
}

/// A quantity where another one belongs. `scaled` is a percentage where a float belongs.
pub(in crate::check) fn wrong_unit(
    found: &Side,
    expected: &str,
    wanted: &Wanted,
    literal: Option<(Span, String)>,
    scaled: Option<Span>,
) -> Diagnostic {
    let message = format!("{}, {} is {expected}", found.is(), wanted.what);
    let diagnostic = Diagnostic::new(Code::E0202, found.span, message).label(found.this_is());
    let diagnostic = match wanted.declared {
        Some(span) => diagnostic.also(span, format!("{} is declared here", wanted.what)),
        None => diagnostic,
    };
    match scaled {
        Some(span) => diagnostic.note("A percentage times a float is a float: 20% * 1.0 is 0.2.").fix(
            "multiply by 1.0",
            span.after(),
            " * 1.0",
        ),
        None => with_literal(diagnostic, literal),
    }
}

/// `cost - 20%`: 20% of what?
pub(in crate::check) fn share_of_quantity(
    whole: &Side,
    share: &Side,
    operator: Operator,
    at: Span,
    rest: &str,
) -> Diagnostic {
    let verb = if operator == Operator::Add { "added to" } else { "taken from" };
    let message = format!("{} is a share, {}: a share cannot be {verb} it", share.text, whole.is());
    let change = Span { end: share.span.end, ..at };
    Diagnostic::new(Code::E0203, share.span, message)
        .label("a share of what?")
        .also(whole.span, whole.this_is())
        .note("A share is taken by multiplying: cost * 80% is what is left of cost after 20%.")
        .fix(format!("write * {rest}"), change, format!("* {rest}"))
}

/// DIV or MOD on floats.
pub(in crate::check) fn whole_operator_on_float(
    left: &Side,
    right: &Side,
    operator: Operator,
    at: Span,
) -> Diagnostic {
    let sign = sign(operator);
    let diagnostic = Diagnostic::new(Code::E0110, at, format!("{sign} is for whole numbers and quantities"))
        .label(format!("not for {} and {}", left.ty, right.ty))
        .also(left.span, left.this_is())
        .also(right.span, right.this_is());
    if operator == Operator::WholeDivide { diagnostic.fix("divide by /", at, "/") } else { diagnostic }
}

pub(in crate::check) fn time_arithmetic(left: &Side, right: &Side, at: Span) -> Diagnostic {
    Diagnostic::new(Code::E0204, at, format!("{} and {} do not combine like this", left.ty, right.ty))
        .label("this has no meaning for points in time")
        .also(left.span, left.this_is())
        .also(right.span, right.this_is())
        .note("time - time is a duration; time + duration and time - duration are times; nothing else has a meaning.")
}

/// `*` or `/` of quantities whose product no one can name or count.
pub(in crate::check) fn no_product(left: &Side, right: &Side, at: Span) -> Diagnostic {
    Diagnostic::new(Code::E0204, at, format!("{} and {} do not combine like this", left.ty, right.ty))
        .label("this has no unit")
        .also(left.span, left.this_is())
        .also(right.span, right.this_is())
}

/// A written type `A/B` that is no rate.
pub(in crate::check) fn no_rate(wrong: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0207, span, format!("{wrong} does not make a rate"))
        .label("a rate is a number or a quantity per quantity")
        .note("Rates are written like money/duration, bytes/duration or float/duration.")
}

/// `IN parsec`
pub(in crate::check) fn unknown_unit(unit: &ast::Name, near: Option<&str>) -> Diagnostic {
    let message = match near {
        Some(near) => format!("there is no unit {}; did you mean {near}?", unit.text),
        None => format!("there is no unit {}", unit.text),
    };
    let diagnostic = Diagnostic::new(Code::E0205, unit.span, message).label("this unit is not known");
    did_you_mean(diagnostic, unit.span, near)
}

/// `cost: money IN ms`
pub(in crate::check) fn counts_something_else(
    unit: &ast::Name,
    counted: &str,
    ty: &str,
    fitting: &[&str],
) -> Diagnostic {
    let diagnostic =
        Diagnostic::new(Code::E0206, unit.span, format!("{} counts {counted}, but this is {ty}", unit.text))
            .label(format!("this counts {counted}"));
    match fitting {
        [] => diagnostic.note(format!("A bare number cannot stand for {ty}; leave IN out.")),
        [one] => diagnostic.fix(format!("write {one}"), unit.span, *one),
        many => diagnostic.note(format!("Units of {ty} are {}.", many.join(", "))),
    }
}

/// `$100/h` where `h` is also a name.
pub(in crate::check) fn rate_or_division(number: &str, word: &str, span: Span) -> Diagnostic {
    let text = format!("{number} / {word}");
    Diagnostic::new(
        Code::E0208,
        span,
        format!("{number}/{word} is a rate per {word}, but {word} is also a name here"),
    )
    .label("a rate, or a division?")
    .note(format!("With spaces it divides by the value of {word}; for the rate, give {word} another name."))
    .fix(format!("write {text}"), span, text)
}

/// A number that cannot be read. `None` where the parser has already said so.
pub(in crate::check) fn bad_number(text: &str, error: LiteralError, span: Span) -> Option<Diagnostic> {
    let diagnostic = |message: String| Diagnostic::new(Code::E0006, span, message);
    Some(match error {
        LiteralError::UnknownUnit { start, suggestion } => {
            let word = text.get(start..).unwrap_or(text);
            let found = diagnostic(format!("{word} is not a unit")).label("this unit is not known");
            match suggestion {
                Some(unit) => {
                    let number = text.get(..start).unwrap_or("");
                    found.fix(format!("write {number}{unit}"), span, format!("{number}{unit}"))
                }
                None => found.note("Units are ns us ms s min h d, B KB MB GB TB KiB MiB GiB TiB, bps Kbps Mbps Gbps Tbps, USD, tokens and %."),
            }
        }
        LiteralError::TooFine { ty } => {
            let name = TypeTable::NAMES.iter().find(|(_, own)| *own == ty).map_or("it", |(name, _)| name);
            let found = diagnostic(format!("{text} is finer than {name} can count"))
                .label(format!("the smallest step is {}", finest(ty)));
            if ty == TypeId::MONEY {
                found.note("A price finer than that is a rate: $0.15 / 1_000_000 tokens.")
            } else {
                found
            }
        }
        LiteralError::Overflow => {
            let found = diagnostic(format!("{text} is too large")).label("this does not fit 64 bits");
            if text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') {
                found.note("An int is at most 9_223_372_036_854_775_807; 1.0e19 is a float.")
            } else {
                found
            }
        }
        LiteralError::NoRate => diagnostic(format!("{text} is not a rate"))
            .label("a rate is a number or a quantity per duration, bytes, money or tokens"),
        LiteralError::Malformed => diagnostic(format!("{text} is not a number with a unit")),
    })
}
