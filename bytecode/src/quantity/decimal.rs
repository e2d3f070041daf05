//! Exact decimal numbers: what literals and JSON numbers are before a unit turns them into a carrier value.

use super::LiteralError;
use crate::types::TypeId;

/// `± digits × 10^exponent`, without trailing zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    negative: bool,
    digits: u128,
    exponent: i32,
    /// Neither a point nor an exponent was written.
    pub(super) whole: bool,
    /// Digits were left out because there are more than fit; no carrier has so many.
    cut: bool,
    /// The number as Rust reads it.
    text: String,
}

impl Decimal {
    /// Reads a number at the start of `text` and gives what follows it.
    pub(super) fn read(text: &str) -> Result<(Decimal, &str), LiteralError> {
        let mut number =
            Decimal { negative: false, digits: 0, exponent: 0, whole: true, cut: false, text: String::new() };
        let mut rest = text;
        if let Some(after) = rest.strip_prefix('-') {
            number.negative = true;
            rest = after;
        }
        rest = number.read_digits(rest, false)?;
        if let Some(after) = rest.strip_prefix('.') {
            number.whole = false;
            number.text.push('.');
            rest = number.read_digits(after, true)?;
        }
        rest = number.read_exponent(rest);
        Ok((number, rest))
    }

    /// Reads the shortest text of a finite float.
    pub(super) fn of_float(value: f64) -> Decimal {
        let text = format!("{value:e}");
        // The text is a number: the fallback is never taken.
        Decimal::read(&text).map_or_else(|_| Decimal::new(false, 0, 0), |(number, _)| number)
    }

    pub(super) fn new(negative: bool, digits: u128, exponent: i32) -> Decimal {
        let mut number =
            Decimal { negative, digits, exponent, whole: false, cut: false, text: String::new() };
        while number.digits != 0 && number.digits.is_multiple_of(10) {
            number.digits = number.digits.wrapping_div(10);
            number.exponent = number.exponent.saturating_add(1);
        }
        number
    }

    pub(super) fn negate(&mut self) {
        self.negative = !self.negative;
    }

    fn read_digits<'a>(&mut self, text: &'a str, fraction: bool) -> Result<&'a str, LiteralError> {
        let mut last_is_digit = false;
        let mut position = 0_i32;
        let mut end = text.len();
        for (index, character) in text.char_indices() {
            match character.to_digit(10) {
                Some(digit) => {
                    if fraction {
                        position = position.saturating_sub(1);
                    } else if self.digits != 0 {
                        self.exponent = self.exponent.saturating_add(1);
                    }
                    self.push(digit, position);
                    self.text.push(character);
                    last_is_digit = true;
                }
                None if character == '_' && last_is_digit => last_is_digit = false,
                None => {
                    end = index;
                    break;
                }
            }
        }
        if !last_is_digit {
            return Err(LiteralError::Malformed);
        }
        Ok(text.get(end..).unwrap_or_default())
    }

    /// Adds `digit × 10^position`, where `position` is below all digits so far. Zeros change nothing, so those at
    /// the end of a number stay in the exponent.
    fn push(&mut self, digit: u32, position: i32) {
        if digit == 0 {
            return;
        }
        let gap = if self.digits == 0 { 0 } else { self.exponent.saturating_sub(position).unsigned_abs() };
        let shifted = 10_u128.checked_pow(gap).and_then(|power| self.digits.checked_mul(power));
        match shifted.and_then(|shifted| shifted.checked_add(u128::from(digit))) {
            Some(digits) if !self.cut => {
                self.digits = digits;
                self.exponent = position;
            }
            _ => self.cut = true,
        }
    }

    fn read_exponent<'a>(&mut self, text: &'a str) -> &'a str {
        let Some(after) = text.strip_prefix(['e', 'E']) else { return text };
        let (sign, unsigned) = match after.strip_prefix('-') {
            Some(unsigned) => (-1, unsigned),
            None => (1, after.strip_prefix('+').unwrap_or(after)),
        };
        let length = unsigned.bytes().take_while(u8::is_ascii_digit).count();
        if length == 0 {
            return text;
        }
        let (digits, rest) = unsigned.split_at_checked(length).unwrap_or((unsigned, ""));
        let exponent: i32 = digits.parse().unwrap_or(1_000_000);
        let exponent = exponent.min(1_000_000).wrapping_mul(sign);
        self.exponent = self.exponent.saturating_add(exponent);
        self.text.push_str(&format!("e{exponent}"));
        self.whole = false;
        rest
    }

    /// As an integer, if it is one that fits.
    pub(super) fn integer(&self) -> Result<i64, LiteralError> {
        self.scaled(1, 1, TypeId::INT)
    }

    /// As the nearest float.
    pub(super) fn float(&self) -> Result<f64, LiteralError> {
        let value: f64 = self.text.parse().map_err(|_| LiteralError::Malformed)?;
        if !value.is_finite() {
            return Err(LiteralError::Overflow);
        }
        Ok(if self.negative { -value } else { value })
    }

    /// `self × multiplier ÷ divisor`, which must be an integer; `ty` is what the error speaks of.
    pub(super) fn scaled(&self, multiplier: u64, divisor: u64, ty: TypeId) -> Result<i64, LiteralError> {
        if self.digits == 0 {
            return Ok(0);
        }
        let too_fine = LiteralError::TooFine { ty };
        let length = self.digits.checked_ilog10().unwrap_or(0).cast_signed();
        if self.exponent.saturating_add(length) > 19 {
            return Err(LiteralError::Overflow);
        }
        if self.cut {
            // Below 10^20 with more than 38 digits: most of them stand behind the point.
            return Err(too_fine);
        }
        let power = 10_u128.checked_pow(self.exponent.unsigned_abs());
        let number = self.digits.checked_mul(u128::from(multiplier));
        let (numerator, denominator) = if self.exponent >= 0 {
            let numerator = number.zip(power).and_then(|(number, power)| number.checked_mul(power));
            (numerator.ok_or(LiteralError::Overflow)?, u128::from(divisor))
        } else {
            let denominator = power.and_then(|power| power.checked_mul(u128::from(divisor)));
            (number.ok_or(too_fine)?, denominator.ok_or(too_fine)?)
        };
        if numerator.checked_rem(denominator) != Some(0) {
            return Err(too_fine);
        }
        let magnitude = numerator.checked_div(denominator).and_then(|value| i128::try_from(value).ok());
        let signed = magnitude.map(|value| if self.negative { value.wrapping_neg() } else { value });
        signed.and_then(|value| i64::try_from(value).ok()).ok_or(LiteralError::Overflow)
    }

    /// The float nearest to the first nineteen digits of `self × multiplier ÷ divisor`.
    pub(super) fn scaled_float(&self, multiplier: u64, divisor: u64) -> Result<f64, LiteralError> {
        let divisor = u128::from(divisor.max(1));
        // 21 digits and the multiplier fit 128 bits; a last digit 1 stands for whatever was cut off.
        let (digits, exponent) = self.sticky(20);
        let number = digits.saturating_mul(u128::from(multiplier));
        // As great as 128 bits hold, so that the quotient has more digits than are kept.
        let room = 38_u32.saturating_sub(digits_of(number));
        let quotient = number.saturating_mul(10_u128.saturating_pow(room)).checked_div(divisor).unwrap_or(0);
        let beyond = digits_of(quotient).saturating_sub(19);
        let kept = quotient.checked_div(10_u128.saturating_pow(beyond)).unwrap_or(0);
        let exponent = exponent.saturating_sub(room.cast_signed()).saturating_add(beyond.cast_signed());
        let kept = u64::try_from(kept).unwrap_or(u64::MAX);
        let value: f64 = format!("{kept}e{exponent}").parse().map_err(|_| LiteralError::Malformed)?;
        if !value.is_finite() {
            return Err(LiteralError::Overflow);
        }
        Ok(if self.negative { -value } else { value })
    }

    /// At most `keep` digits and one more that is 1 where something but zeros was cut off.
    fn sticky(&self, keep: u32) -> (u128, i32) {
        let length = self.length();
        if length <= keep && !self.cut {
            return (self.digits, self.exponent);
        }
        let drop = length.saturating_sub(keep);
        let power = 10_u128.checked_pow(drop).unwrap_or(1);
        let kept = self.digits.checked_div(power).unwrap_or(0);
        let exponent = self.exponent.saturating_add(drop.cast_signed()).saturating_sub(1);
        (kept.saturating_mul(10).saturating_add(1), exponent)
    }

    fn length(&self) -> u32 {
        digits_of(self.digits)
    }

    /// Whether a number that rounding this one gave differs from it by more than its 2^51st part.
    pub(super) fn is_far(&self, rounded: &Decimal) -> bool {
        let power = rounded.exponent.saturating_sub(self.exponent);
        let power = u32::try_from(power).map_or(1, |power| 10_u128.saturating_pow(power));
        let difference = rounded.digits.saturating_mul(power).abs_diff(self.digits);
        difference.checked_mul(1 << 51).is_none_or(|difference| difference > self.digits)
    }

    /// The product with a power-of-ten-free integer factor, and a shift of the decimal point.
    pub(super) fn times(&self, factor: u64, shift: i32) -> Decimal {
        // A shortest float has 17 digits, a factor at most 20: they fit.
        let digits = self.digits.saturating_mul(u128::from(factor));
        Decimal::new(self.negative, digits, self.exponent.saturating_add(shift))
    }

    /// Rounded to `keep` digits.
    pub(super) fn rounded(&self, keep: u32) -> Decimal {
        let drop = self.length().saturating_sub(keep);
        let Some(power) = 10_u128.checked_pow(drop).filter(|_| drop > 0) else { return self.clone() };
        let half = power.wrapping_div(2);
        let digits = self.digits.saturating_add(half).checked_div(power).unwrap_or(0);
        Decimal::new(self.negative, digits, self.exponent.saturating_add(drop.cast_signed()))
    }

    /// Plain decimal text, or with an exponent where there would be many zeros. No sign.
    pub(super) fn magnitude_text(&self) -> String {
        let digits = self.digits.to_string();
        let point = self.exponent.saturating_add(self.length().cast_signed());
        if self.digits == 0 {
            return "0".to_owned();
        }
        if !(-8..=21).contains(&point) {
            let (first, rest) = digits.split_at_checked(1).unwrap_or((&digits, ""));
            let dot = if rest.is_empty() { "" } else { "." };
            return format!("{first}{dot}{rest}e{}", point.saturating_sub(1));
        }
        if self.exponent >= 0 {
            let zeros = usize::try_from(self.exponent).unwrap_or(0);
            return format!("{digits}{}", "0".repeat(zeros));
        }
        if point <= 0 {
            let zeros = usize::try_from(point.unsigned_abs()).unwrap_or(0);
            return format!("0.{}{digits}", "0".repeat(zeros));
        }
        let (whole, fraction) =
            usize::try_from(point).ok().and_then(|at| digits.split_at_checked(at)).unwrap_or((&digits, "0"));
        format!("{whole}.{fraction}")
    }

    /// Whether it is below zero.
    pub(super) fn is_negative(&self) -> bool {
        self.negative && self.digits != 0
    }
}

/// How many digits a number has.
fn digits_of(number: u128) -> u32 {
    number.checked_ilog10().map_or(1, |log| log.saturating_add(1))
}
