//! The definition of arithmetic. The interpreter, the constant folder and every other tier call these
//! functions, so that a result never depends on who computed it.
//!
//! Integers are checked. Whatever has to round rounds once, from the exact result, half to even. Floats are
//! always finite: an operation that would give anything else traps.

use crate::trap::TrapCode;

/// Parts per million in a whole: how a percent is carried.
pub const PERCENT_ONE: i64 = 1_000_000;

/// `left + right`.
///
/// # Errors
/// Overflow.
#[inline]
pub fn add(left: i64, right: i64) -> Result<i64, TrapCode> {
    left.checked_add(right).ok_or(TrapCode::Overflow)
}

/// `left − right`.
///
/// # Errors
/// Overflow.
#[inline]
pub fn subtract(left: i64, right: i64) -> Result<i64, TrapCode> {
    left.checked_sub(right).ok_or(TrapCode::Overflow)
}

/// `left × right`.
///
/// # Errors
/// Overflow.
#[inline]
pub fn multiply(left: i64, right: i64) -> Result<i64, TrapCode> {
    left.checked_mul(right).ok_or(TrapCode::Overflow)
}

/// The whole quotient, truncated toward zero.
///
/// # Errors
/// Division by zero; overflow for the least integer divided by −1.
#[inline]
pub fn divide(left: i64, right: i64) -> Result<i64, TrapCode> {
    if right == 0 {
        return Err(TrapCode::DivisionByZero);
    }
    left.checked_div(right).ok_or(TrapCode::Overflow)
}

/// The remainder of [`divide`]: it has the sign of `left`. The least integer modulo −1 is 0.
///
/// # Errors
/// Division by zero.
#[inline]
pub fn modulo(left: i64, right: i64) -> Result<i64, TrapCode> {
    if right == 0 {
        return Err(TrapCode::DivisionByZero);
    }
    Ok(left.checked_rem(right).unwrap_or(0))
}

/// `−value`.
///
/// # Errors
/// Overflow for the least integer.
#[inline]
pub fn negate(value: i64) -> Result<i64, TrapCode> {
    value.checked_neg().ok_or(TrapCode::Overflow)
}

/// `left × right ÷ divisor` from the exact product.
///
/// # Errors
/// Division by zero, overflow.
pub fn product(left: i64, right: i64, divisor: i64) -> Result<i64, TrapCode> {
    // Two 64-bit factors always fit 128 bits.
    let exact = i128::from(left).wrapping_mul(i128::from(right));
    narrow(divide_half_even(exact, i128::from(divisor))?)
}

/// `left × factor ÷ right` from the exact product.
///
/// # Errors
/// Division by zero, overflow.
pub fn quotient(left: i64, factor: i64, right: i64) -> Result<i64, TrapCode> {
    product(left, factor, right)
}

/// `value × factor`, rounded once from the exact product of the integer and the float's binary value.
///
/// # Errors
/// Overflow; not finite, if `factor` is not.
pub fn scale(value: i64, factor: f64) -> Result<i64, TrapCode> {
    let (mantissa, exponent) = decompose(factor)?;
    // Below 2^63 × 2^53 = 2^116.
    let exact = i128::from(value).wrapping_mul(i128::from(mantissa));
    if exact == 0 {
        return Ok(0);
    }
    if exponent >= 0 {
        // Shifted left it only grows: what does not fit 64 bits now never will.
        let start = i128::from(narrow(exact)?);
        if exponent > 63 {
            return Err(TrapCode::Overflow);
        }
        return narrow(start.wrapping_shl(exponent.unsigned_abs()));
    }
    let shift = exponent.unsigned_abs();
    // A magnitude below 2^116 is less than half of 2^118.
    if shift > 117 {
        return Ok(0);
    }
    narrow(divide_half_even(exact, 1_i128.wrapping_shl(shift))?)
}

/// `value ÷ divisor`, rounded once from the exact quotient of the integer and the float's binary value.
///
/// # Errors
/// Division by zero, overflow; not finite, if `divisor` is not.
pub fn unscale(value: i64, divisor: f64) -> Result<i64, TrapCode> {
    let (mantissa, exponent) = decompose(divisor)?;
    if mantissa == 0 {
        return Err(TrapCode::DivisionByZero);
    }
    let value = i128::from(value);
    if value == 0 {
        return Ok(0);
    }
    let mantissa = i128::from(mantissa);
    if exponent >= 0 {
        // Only normal floats have such an exponent, so the mantissa is at least 2^52: from 2^13 on, half the
        // divisor is above every value.
        if exponent > 12 {
            return Ok(0);
        }
        return narrow(divide_half_even(value, mantissa.wrapping_shl(exponent.unsigned_abs()))?);
    }
    let shift = exponent.unsigned_abs();
    let bits = i128::BITS.saturating_sub(value.unsigned_abs().leading_zeros());
    // A numerator of 2^126 over a mantissa below 2^53 is far above 64 bits.
    if bits.saturating_add(shift) > 126 {
        return Err(TrapCode::Overflow);
    }
    narrow(divide_half_even(value.wrapping_shl(shift), mantissa)?)
}

/// `left ÷ right` as a float: both to the nearest float, then one IEEE division.
///
/// # Errors
/// Division by zero.
pub fn ratio(left: i64, right: i64) -> Result<f64, TrapCode> {
    divide_float(int_to_float(left), int_to_float(right))
}

/// `left + right`.
///
/// # Errors
/// Not finite.
#[inline]
pub fn add_float(left: f64, right: f64) -> Result<f64, TrapCode> {
    finite(left + right)
}

/// `left − right`.
///
/// # Errors
/// Not finite.
#[inline]
pub fn subtract_float(left: f64, right: f64) -> Result<f64, TrapCode> {
    finite(left - right)
}

/// `left × right`.
///
/// # Errors
/// Not finite.
#[inline]
pub fn multiply_float(left: f64, right: f64) -> Result<f64, TrapCode> {
    finite(left * right)
}

/// `left ÷ right`.
///
/// # Errors
/// Division by zero (of either sign), not finite.
#[inline]
pub fn divide_float(left: f64, right: f64) -> Result<f64, TrapCode> {
    if right == 0.0 {
        return Err(TrapCode::DivisionByZero);
    }
    finite(left / right)
}

/// The nearest float, half to even.
#[expect(clippy::cast_precision_loss, reason = "rounding to the nearest float is what this does")]
#[inline]
pub const fn int_to_float(value: i64) -> f64 {
    value as f64
}

/// Parts per million as a float: 200 000 is 0.2.
#[inline]
pub const fn percent_to_float(value: i64) -> f64 {
    int_to_float(value) / 1e6
}

/// The nearest integer, half to even.
///
/// # Errors
/// Overflow; not finite.
pub fn round(value: f64) -> Result<i64, TrapCode> {
    scale(1, value)
}

/// The greatest integer not above the value.
///
/// # Errors
/// Overflow; not finite.
pub fn floor(value: f64) -> Result<i64, TrapCode> {
    scale(1, value.floor())
}

/// The least integer not below the value.
///
/// # Errors
/// Overflow; not finite.
pub fn ceiling(value: f64) -> Result<i64, TrapCode> {
    scale(1, value.ceil())
}

/// The value without its sign.
///
/// # Errors
/// Overflow for the least integer.
pub fn absolute(value: i64) -> Result<i64, TrapCode> {
    value.checked_abs().ok_or(TrapCode::Overflow)
}

/// The square root: IEEE 754 demands the correctly rounded one, so it is the same on every machine.
///
/// # Errors
/// Not finite, for a value below zero.
pub fn square_root(value: f64) -> Result<f64, TrapCode> {
    finite(value.sqrt())
}

/// Whether two floats differ by at most `tolerance` parts per million of the one that is greater without its
/// sign. Each step is one IEEE operation; a difference beyond all floats is never near.
pub fn near(left: f64, right: f64, tolerance: i64) -> bool {
    (left - right).abs() <= percent_to_float(tolerance) * left.abs().max(right.abs())
}

/// `part ÷ whole` in parts per million, from the exact quotient.
///
/// # Errors
/// Division by zero, overflow.
pub fn percent_of(part: i64, whole: i64) -> Result<i64, TrapCode> {
    quotient(part, PERCENT_ONE, whole)
}

/// `part ÷ whole` in parts per million: the IEEE quotient, then rounded.
///
/// # Errors
/// Division by zero, overflow, not finite.
pub fn percent_of_float(part: f64, whole: f64) -> Result<i64, TrapCode> {
    scale(PERCENT_ONE, divide_float(part, whole)?)
}

/// Nanoseconds as seconds.
pub const fn seconds(duration: i64) -> f64 {
    int_to_float(duration) / 1e9
}

/// The bits moved up; those moved out are lost.
///
/// # Errors
/// Shift out of range, for a count below 0 or above 63.
#[inline]
pub fn shift_left(value: i64, count: i64) -> Result<i64, TrapCode> {
    Ok(value.wrapping_shl(shift(count)?))
}

/// The bits moved down; the sign fills up.
///
/// # Errors
/// Shift out of range, for a count below 0 or above 63.
#[inline]
pub fn shift_right(value: i64, count: i64) -> Result<i64, TrapCode> {
    Ok(value.wrapping_shr(shift(count)?))
}

#[inline]
fn shift(count: i64) -> Result<u32, TrapCode> {
    u32::try_from(count).ok().filter(|count| *count < i64::BITS).ok_or(TrapCode::ShiftOutOfRange)
}

/// The value itself, if it is finite.
///
/// # Errors
/// Not finite.
#[inline]
pub fn finite(value: f64) -> Result<f64, TrapCode> {
    if is_finite(value) { Ok(value) } else { Err(TrapCode::NotFinite) }
}

/// Whether a value is neither infinite nor NaN: then it less itself is 0. That takes a third fewer instructions than the
/// look at its bits by which the standard library tells.
#[inline]
#[expect(clippy::eq_op, reason = "infinity less itself is NaN")]
pub fn is_finite(value: f64) -> bool {
    !(value - value).is_nan()
}

/// `numerator ÷ denominator` rounded to the nearest integer, half to even.
///
/// # Errors
/// Division by zero; overflow for the least integer divided by −1.
pub fn divide_half_even(numerator: i128, denominator: i128) -> Result<i128, TrapCode> {
    if denominator == 0 {
        return Err(TrapCode::DivisionByZero);
    }
    let truncated = numerator.checked_div(denominator).ok_or(TrapCode::Overflow)?;
    let rest = numerator.checked_rem(denominator).unwrap_or(0).unsigned_abs();
    let other = denominator.unsigned_abs().wrapping_sub(rest);
    // `rest` against what is missing to the next integer: no doubling, so no overflow.
    let up = rest > other || (rest == other && truncated & 1 != 0);
    if !up {
        return Ok(truncated);
    }
    let away = if (numerator < 0) == (denominator < 0) { 1 } else { -1 };
    truncated.checked_add(away).ok_or(TrapCode::Overflow)
}

fn narrow(value: i128) -> Result<i64, TrapCode> {
    i64::try_from(value).map_err(|_| TrapCode::Overflow)
}

/// A float as `mantissa × 2^exponent`: the mantissa below 2^53 in magnitude.
fn decompose(value: f64) -> Result<(i64, i32), TrapCode> {
    if !value.is_finite() {
        return Err(TrapCode::NotFinite);
    }
    let bits = value.to_bits();
    let fraction = (bits & ((1 << 52) - 1)).cast_signed();
    let exponent = i32::try_from((bits >> 52) & 0x7ff).unwrap_or(0);
    let (magnitude, exponent) =
        if exponent == 0 { (fraction, -1074) } else { (fraction | (1 << 52), exponent.wrapping_sub(1075)) };
    Ok((if value.is_sign_negative() { magnitude.wrapping_neg() } else { magnitude }, exponent))
}
