//! Arithmetic from its definition: integers never wrap, what rounds rounds once, from the exact result, half
//! to even, and a float is always finite.

use std::cmp::Ordering;

use swarm_bytecode::trap::TrapCode::{self, DivisionByZero, NotFinite, Overflow, ShiftOutOfRange};

/// A result, or why there is none.
pub type Result<T> = std::result::Result<T, TrapCode>;

/// A number of 128 bits as one of 64.
///
/// # Errors
/// Overflow.
pub fn word(exact: i128) -> Result<i64> {
    i64::try_from(exact).map_err(|_| Overflow)
}

/// A float that may be: finite, and zero without a sign.
///
/// # Errors
/// Not finite.
pub fn float(value: f64) -> Result<f64> {
    if value.is_finite() { Ok(value + 0.0) } else { Err(NotFinite) }
}

/// `left + right`.
///
/// # Errors
/// Overflow.
pub fn add(left: i64, right: i64) -> Result<i64> {
    word(i128::from(left).wrapping_add(i128::from(right)))
}

/// `left − right`.
///
/// # Errors
/// Overflow.
pub fn subtract(left: i64, right: i64) -> Result<i64> {
    word(i128::from(left).wrapping_sub(i128::from(right)))
}

/// `left × right`.
///
/// # Errors
/// Overflow.
pub fn multiply(left: i64, right: i64) -> Result<i64> {
    word(i128::from(left).wrapping_mul(i128::from(right)))
}

/// The quotient, truncated.
///
/// # Errors
/// Division by zero, overflow.
pub fn divide(left: i64, right: i64) -> Result<i64> {
    word(i128::from(left).checked_div(i128::from(right)).ok_or(DivisionByZero)?)
}

/// What [`divide`] leaves.
///
/// # Errors
/// Division by zero.
pub fn modulo(left: i64, right: i64) -> Result<i64> {
    word(i128::from(left).checked_rem(i128::from(right)).ok_or(DivisionByZero)?)
}

/// `left × right ÷ divisor`, half to even.
///
/// # Errors
/// Division by zero, overflow.
pub fn product(left: i64, right: i64, divisor: i64) -> Result<i64> {
    let negative = (left < 0) ^ (right < 0) ^ (divisor < 0);
    let exact = u128::from(left.unsigned_abs()).wrapping_mul(u128::from(right.unsigned_abs()));
    rounded(negative, exact, u128::from(divisor.unsigned_abs()))
}

/// `±numerator ÷ denominator`, half to even.
fn rounded(negative: bool, numerator: u128, denominator: u128) -> Result<i64> {
    let whole = numerator.checked_div(denominator).ok_or(DivisionByZero)?;
    let rest = numerator.checked_rem(denominator).unwrap_or(0);
    let up = match rest.cmp(&denominator.wrapping_sub(rest)) {
        Ordering::Less => false,
        Ordering::Equal => !whole.is_multiple_of(2),
        Ordering::Greater => true,
    };
    let whole = i128::try_from(whole).map_err(|_| Overflow)?.wrapping_add(i128::from(up));
    word(if negative { whole.wrapping_neg() } else { whole })
}

/// A float's exact value: whether it is negative, a whole number below 2⁵³, and the power of two it is
/// multiplied by.
fn parts(value: f64) -> (bool, u128, i32) {
    let (mut mantissa, mut exponent) = (value.abs(), 0_i32);
    // Multiplying and dividing by two is exact; a float below 2⁵³ with a fraction is doubled until it has none.
    while mantissa >= 9_007_199_254_740_992.0 {
        mantissa /= 2.0;
        exponent = exponent.wrapping_add(1);
    }
    while mantissa.fract() != 0.0 {
        mantissa *= 2.0;
        exponent = exponent.wrapping_sub(1);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number from 0 to 2^53"
    )]
    let whole = mantissa as u128;
    (value < 0.0, whole, exponent)
}

/// `value × factor` from the exact product, half to even.
///
/// # Errors
/// Overflow, not finite.
pub fn scale(value: i64, factor: f64) -> Result<i64> {
    let factor = float(factor)?;
    let (negative, mantissa, exponent) = parts(factor);
    let negative = negative ^ (value < 0);
    let exact = u128::from(value.unsigned_abs()).wrapping_mul(mantissa);
    if exact == 0 {
        return Ok(0);
    }
    match exponent {
        // Below 2¹¹⁶, so less than a half of 2¹¹⁸.
        ..-117 => Ok(0),
        -117..0 => rounded(negative, exact, 1 << exponent.unsigned_abs()),
        0..64 if exact < 1 << 64 => rounded(negative, exact << exponent.unsigned_abs(), 1),
        _ => Err(Overflow),
    }
}

/// `value ÷ divisor` from the exact quotient, half to even.
///
/// # Errors
/// Division by zero, overflow, not finite.
pub fn unscale(value: i64, divisor: f64) -> Result<i64> {
    let divisor = float(divisor)?;
    let (negative, mantissa, exponent) = parts(divisor);
    let (negative, value) = (negative ^ (value < 0), u128::from(value.unsigned_abs()));
    if mantissa == 0 {
        return Err(DivisionByZero);
    }
    match exponent {
        _ if value == 0 => Ok(0),
        0..64 => rounded(negative, value, mantissa << exponent.unsigned_abs()),
        64.. => Ok(0),
        // Doubling the dividend instead of halving the divisor, until it is beyond 64 bits for every divisor.
        _ => {
            let mut dividend = value;
            for _ in 0..exponent.unsigned_abs() {
                if dividend >= 1 << 120 {
                    return Err(Overflow);
                }
                dividend <<= 1;
            }
            rounded(negative, dividend, mantissa)
        }
    }
}

/// The nearest float.
#[expect(clippy::cast_precision_loss, reason = "rounding to the nearest float is what this does")]
pub fn to_float(value: i64) -> f64 {
    value as f64
}

/// `left ÷ right`.
///
/// # Errors
/// Division by zero, not finite.
pub fn divide_float(left: f64, right: f64) -> Result<f64> {
    if right == 0.0 { Err(DivisionByZero) } else { float(left / right) }
}

/// Parts per million as a float.
pub fn percent_to_float(value: i64) -> f64 {
    to_float(value) / 1e6
}

/// A count of places from 0 to 63.
///
/// # Errors
/// Shift out of range.
pub fn places(count: i64) -> Result<u32> {
    u32::try_from(count).ok().filter(|count| *count < 64).ok_or(ShiftOutOfRange)
}

/// ⌈log₂ n⌉; 0 for 0.
pub fn log2_ceiling(n: u64) -> u64 {
    (0..64).find(|power| 1_u64 << power >= n).unwrap_or(64)
}
