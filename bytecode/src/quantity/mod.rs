//! Quantities as text: literals, bare JSON numbers with a declared unit, and printing that reads back.

mod decimal;
mod print;
mod time;
pub mod unit;

use std::fmt;

use decimal::Decimal;

pub use print::{format, format_float, format_rate};
pub use time::{Calendar, format_time, parse_time};
pub use unit::{UNITS, Unit, dimension, find, named, suggest, usual_unit};

use crate::types::{Dimension, TypeId};

/// What a literal says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Literal {
    /// A whole number without a unit.
    Int(i64),
    /// A number with a point or an exponent and without a unit.
    Float(f64),
    /// A named quantity.
    Quantity {
        /// Its type: one of the built-in quantities.
        ty: TypeId,
        /// In carrier units.
        value: i64,
    },
    /// A quotient without a name of its own.
    Rate {
        /// Its dimension.
        dimension: Dimension,
        /// In carrier units: micro-dollars, nanoseconds, bytes, tokens.
        value: f64,
    },
}

/// Why a text is no literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiteralError {
    /// Not a number with an optional unit.
    Malformed,
    /// The number stands before a word that is no unit; the word starts at this byte.
    UnknownUnit {
        /// Where the word starts in the text.
        start: usize,
        /// The unit that was probably meant.
        suggestion: Option<&'static str>,
    },
    /// The number is finer than what its type can hold: [`finest`] says what that is.
    TooFine {
        /// The type.
        ty: TypeId,
    },
    /// The number does not fit 64 bits of its type.
    Overflow,
    /// `A/B` of units that make no rate: a percent, a bandwidth, or the same dimension twice.
    NoRate,
}

impl fmt::Display for LiteralError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LiteralError::Malformed => formatter.write_str("not a number with a unit"),
            LiteralError::UnknownUnit { suggestion: Some(unit), .. } => {
                write!(formatter, "unknown unit; did you mean {unit}?")
            }
            LiteralError::UnknownUnit { suggestion: None, .. } => formatter.write_str("unknown unit"),
            LiteralError::TooFine { ty } => write!(formatter, "finer than {}", finest(*ty)),
            LiteralError::Overflow => formatter.write_str("too large for 64 bits"),
            LiteralError::NoRate => formatter.write_str("these units make no rate"),
        }
    }
}

impl std::error::Error for LiteralError {}

/// The smallest step of an integer-carried type, as a literal.
pub fn finest(ty: TypeId) -> &'static str {
    match ty {
        TypeId::DURATION | TypeId::TIME => "1ns",
        TypeId::BYTES => "1B",
        TypeId::BANDWIDTH => "1bps",
        TypeId::MONEY => "$0.000001",
        TypeId::TOKENS => "1 tokens",
        TypeId::PERCENT => "0.0001%",
        _ => "1",
    }
}

/// Reads the text of a literal: a number with `_` between digits, a point, an exponent; a unit glued to it
/// (`tokens` and `USD` may stand apart); `$` before it; or a rate (`$12.50/h`, `89/min`, `100MB/s`). A minus sign
/// may come first, which is how negative values print. Exact throughout.
///
/// # Errors
/// See [`LiteralError`].
pub fn parse_literal(text: &str) -> Result<Literal, LiteralError> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned),
        None => (false, text),
    };
    let (dollars, body) = match unsigned.strip_prefix('$') {
        Some(body) => (true, body),
        None => (false, unsigned),
    };
    if !body.starts_with(|first: char| first.is_ascii_digit()) {
        return Err(LiteralError::Malformed);
    }
    let (mut number, rest) = Decimal::read(body)?;
    if negative {
        number.negate();
    }
    let (word, per) = match rest.split_once('/') {
        Some((word, per)) => (word, Some(per)),
        None => (rest, None),
    };
    let unit = match (dollars, word) {
        (true, "") => unit::find("USD"),
        (true, _) => return Err(LiteralError::Malformed),
        (false, "") => None,
        (false, word) => Some(find_unit(text, word)?),
    };
    match (unit, per) {
        (unit, Some(per)) => rate(&number, unit, find_unit(text, per)?),
        (Some(unit), None) => {
            let value = number.scaled(unit.scale.unsigned_abs(), 1, unit.ty)?;
            Ok(Literal::Quantity { ty: unit.ty, value })
        }
        (None, None) if number.whole => number.integer().map(Literal::Int),
        (None, None) => number.float().map(Literal::Float),
    }
}

/// Reads a bare JSON number that counts `unit` (`IN ms`): gives the carrier value, exactly.
///
/// # Errors
/// See [`LiteralError`]; an unknown unit as such.
pub fn parse_bare(text: &str, unit: &str) -> Result<i64, LiteralError> {
    let unit = unit::find(unit)
        .ok_or_else(|| LiteralError::UnknownUnit { start: 0, suggestion: unit::suggest(unit) })?;
    let (number, rest) = Decimal::read(text)?;
    if !rest.is_empty() {
        return Err(LiteralError::Malformed);
    }
    number.scaled(unit.scale.unsigned_abs(), 1, unit.ty)
}

/// The unit that `word`, a tail or the middle of `text`, names.
fn find_unit(text: &str, word: &str) -> Result<&'static Unit, LiteralError> {
    let name = word.trim_start_matches(' ');
    let apart = name.len() < word.len();
    if let Some(unit) =
        unit::find(name).filter(|unit| !apart || matches!(unit.text, "token" | "tokens" | "USD"))
    {
        return Ok(unit);
    }
    let is_word = name.starts_with(|first: char| first.is_alphabetic());
    if !is_word || apart {
        return Err(LiteralError::Malformed);
    }
    let start = text.find(name).unwrap_or(0);
    Err(LiteralError::UnknownUnit { start, suggestion: unit::suggest(name) })
}

/// Bits per byte times nanoseconds per second: what turns bytes per nanosecond into bit/s.
const BANDWIDTH_FACTOR: u64 = 8_000_000_000;

fn rate(number: &Decimal, unit: Option<&Unit>, per: &Unit) -> Result<Literal, LiteralError> {
    let plain = |ty| matches!(ty, TypeId::DURATION | TypeId::BYTES | TypeId::MONEY | TypeId::TOKENS);
    if !plain(per.ty) || unit.is_some_and(|unit| !plain(unit.ty)) {
        return Err(LiteralError::NoRate);
    }
    let above = unit.map_or(Dimension::NONE, |unit| unit::dimension(unit.ty));
    let dimension = above.quotient(unit::dimension(per.ty)).ok_or(LiteralError::NoRate)?;
    if dimension.is_none() {
        return Err(LiteralError::NoRate);
    }
    let scale = unit.map_or(1, |unit| unit.scale.unsigned_abs());
    let divisor = per.scale.unsigned_abs();
    if unit::named(dimension) == Some(TypeId::BANDWIDTH) {
        // Both sides of the quotient stay small: nanoseconds per second are taken out of the divisor first.
        let common = if divisor.is_multiple_of(1_000_000_000) { 1_000_000_000 } else { 1 };
        let factor = BANDWIDTH_FACTOR.checked_div(common).and_then(|factor| factor.checked_mul(scale));
        let divisor = divisor.checked_div(common).unwrap_or(divisor);
        let value = number.scaled(factor.ok_or(LiteralError::Overflow)?, divisor, TypeId::BANDWIDTH)?;
        return Ok(Literal::Quantity { ty: TypeId::BANDWIDTH, value });
    }
    Ok(Literal::Rate { dimension, value: number.scaled_float(scale, divisor)? })
}
