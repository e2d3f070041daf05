//! Printing values so that the literal syntax reads them back.

use super::decimal::Decimal;
use super::{UNITS, Unit, format_time, unit};
use crate::types::{Dimension, TypeId};

/// A value of a built-in, integer-carried type as text that [`super::parse_literal`] reads back (a time:
/// [`super::parse_time`]): in the largest unit of which it is a whole number (`2h`, `90s`, `1500MB`), money in
/// dollars (`$0.0001`), shares in percent (`20%`). Other types print as their number, bool as `true` or `false`.
pub fn format(ty: TypeId, value: i64) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let magnitude = u128::from(value.unsigned_abs());
    match ty {
        TypeId::BOOL => (value != 0).to_string(),
        TypeId::TIME => format_time(value),
        TypeId::MONEY => format!("{sign}${}", Decimal::new(false, magnitude, -6).magnitude_text()),
        TypeId::PERCENT => format!("{sign}{}%", Decimal::new(false, magnitude, -4).magnitude_text()),
        TypeId::TOKENS => format!("{value} tokens"),
        _ => match largest_unit(ty, value) {
            Some(unit) => format!("{}{}", value.checked_div(unit.scale).unwrap_or(value), unit.text),
            None => value.to_string(),
        },
    }
}

/// The largest unit of which `value` is a whole number; for 0 the one people expect.
fn largest_unit(ty: TypeId, value: i64) -> Option<&'static Unit> {
    if value == 0 && ty == TypeId::DURATION {
        return unit::find("s");
    }
    let mut units = UNITS.iter().filter(|unit| unit.ty == ty && unit.printed);
    if value == 0 {
        return units.next();
    }
    units.rfind(|unit| value.checked_rem(unit.scale) == Some(0))
}

/// A float as the shortest text that reads back to the same float, always with a point or an exponent. Negative
/// zero prints as zero.
pub fn format_float(value: f64) -> String {
    if value == 0.0 { "0.0".to_owned() } else { format!("{value:?}") }
}

/// A rate in carrier units as text that [`super::parse_literal`] reads back: money per hour, others per
/// second; per data, per gigabyte. A dimension that is not one quantity divided by another has no literal: it
/// prints as its number in carrier units and the dimension.
pub fn format_rate(dimension: Dimension, value: f64) -> String {
    let Some(shape) = Shape::of(dimension) else {
        return format!("{} {}", format_float(value), dimension_text(dimension));
    };
    let exact = Decimal::of_float(value).times(shape.per.scale.unsigned_abs(), shape.shift);
    let reads_back =
        |number: &Decimal| number.scaled_float(shape.scale(), shape.per.scale.unsigned_abs()) == Ok(value);
    // Rounded to more digits it is never farther away; where it is far, it is another float.
    let (mut least, mut enough) = (1, 38);
    while least < enough {
        let middle = u32::midpoint(least, enough);
        if exact.is_far(&exact.rounded(middle)) {
            least = middle.saturating_add(1);
        } else {
            enough = middle;
        }
    }
    let shortest = (least..=38).map(|digits| exact.rounded(digits)).find(reads_back).unwrap_or(exact);
    let sign = if shortest.is_negative() { "-" } else { "" };
    let number = shortest.magnitude_text();
    format!("{sign}{}{number}{}/{}", shape.prefix, shape.suffix, shape.per.text)
}

/// How a quotient of two quantities is written.
struct Shape {
    prefix: &'static str,
    suffix: &'static str,
    /// The written number is the carrier value × the divisor's scale × 10^shift.
    shift: i32,
    per: &'static Unit,
}

impl Shape {
    fn scale(&self) -> u64 {
        10_u64.saturating_pow(self.shift.unsigned_abs())
    }

    fn of(dimension: Dimension) -> Option<Shape> {
        let Dimension { time, data, money, tokens } = dimension;
        let per = match (time.min(0), data.min(0), money.min(0), tokens.min(0)) {
            (-1, 0, 0, 0) if money == 1 => "h",
            (-1, 0, 0, 0) => "s",
            (0, -1, 0, 0) => "GB",
            (0, 0, -1, 0) => "USD",
            (0, 0, 0, -1) => "tokens",
            _ => return None,
        };
        let (prefix, suffix, shift) = match (time.max(0), data.max(0), money.max(0), tokens.max(0)) {
            (0, 0, 0, 0) => ("", "", 0),
            (1, 0, 0, 0) => ("", "s", -9),
            (0, 1, 0, 0) => ("", "B", 0),
            (0, 0, 1, 0) => ("$", "", -6),
            (0, 0, 0, 1) => ("", "tokens", 0),
            _ => return None,
        };
        unit::find(per).map(|per| Shape { prefix, suffix, shift, per })
    }
}

/// A dimension in carrier units: `ns^2·B^-1`.
fn dimension_text(dimension: Dimension) -> String {
    let parts = [
        ("micro-dollars", dimension.money),
        ("tokens", dimension.tokens),
        ("B", dimension.data),
        ("ns", dimension.time),
    ];
    let shown = parts.iter().filter(|(_, exponent)| *exponent != 0).map(|(name, exponent)| match exponent {
        1 => (*name).to_owned(),
        exponent => format!("{name}^{exponent}"),
    });
    shown.collect::<Vec<_>>().join("·")
}
