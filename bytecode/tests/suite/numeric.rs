//! Arithmetic against oracles that count bit by bit.

use proptest::prelude::*;
use swarm_bytecode::numeric;
use swarm_bytecode::trap::TrapCode;

/// `± whole + a fraction`, as the bits come: rounds half to even, and notes when 64 bits are not enough.
struct Bits {
    whole: u128,
    /// The first bit behind the point, and whether any is set behind that.
    half: bool,
    more: bool,
    too_large: bool,
}

impl Bits {
    fn new(whole: u128) -> Bits {
        Bits { whole, half: false, more: false, too_large: false }
    }

    fn halve(&mut self) {
        self.more |= self.half;
        self.half = self.whole & 1 == 1;
        self.whole >>= 1;
    }

    fn double(&mut self) {
        self.too_large |= self.whole >> 100 != 0;
        if !self.too_large {
            self.whole <<= 1;
        }
    }

    fn rounded(&self, negative: bool) -> Result<i64, TrapCode> {
        let up = self.half && (self.more || self.whole & 1 == 1);
        let whole = i128::try_from(self.whole + u128::from(up)).unwrap();
        let value = i64::try_from(if negative { -whole } else { whole });
        if self.too_large { Err(TrapCode::Overflow) } else { value.map_err(|_| TrapCode::Overflow) }
    }
}

/// Mantissa and exponent of a float, found by scaling it with powers of two, which is exact.
fn parts(value: f64) -> (u64, i32) {
    let (mut magnitude, mut exponent) = (value.abs(), 0);
    while magnitude >= 2_f64.powi(53) {
        magnitude /= 2.0;
        exponent += 1;
    }
    while magnitude.fract() != 0.0 {
        magnitude *= 2.0;
        exponent -= 1;
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number below 2^53")]
    let mantissa = magnitude as u64;
    (mantissa, exponent)
}

fn slow_scale(value: i64, factor: f64) -> Result<i64, TrapCode> {
    let (mantissa, exponent) = parts(factor);
    let mut bits = Bits::new(u128::from(value.unsigned_abs()) * u128::from(mantissa));
    for _ in 0..exponent.max(0) {
        bits.double();
    }
    for _ in 0..(-exponent).max(0) {
        bits.halve();
    }
    bits.rounded((value < 0) != factor.is_sign_negative())
}

/// Long division, one bit of the quotient at a time.
fn slow_unscale(value: i64, divisor: f64) -> Result<i64, TrapCode> {
    let (mantissa, exponent) = parts(divisor);
    if mantissa == 0 {
        return Err(TrapCode::DivisionByZero);
    }
    let mantissa = u128::from(mantissa);
    let numerator = u128::from(value.unsigned_abs());
    let (mut quotient, mut rest) = (numerator / mantissa, numerator % mantissa);
    // 1,100 bits behind the point are as good as all: the divisor has 53.
    let mut digits = vec![];
    for _ in 0..1_200 {
        rest *= 2;
        digits.push(rest >= mantissa);
        rest %= mantissa;
    }
    let mut digits = digits.into_iter();
    let mut too_large = false;
    for _ in 0..(-exponent).max(0) {
        too_large |= quotient >> 100 != 0;
        let next = u128::from(digits.next().unwrap_or(false));
        quotient = if too_large { quotient } else { quotient << 1 | next };
    }
    let half = digits.next().unwrap_or(false);
    let more = digits.any(|digit| digit) || rest != 0;
    let mut bits = Bits { whole: quotient, half, more, too_large };
    for _ in 0..exponent.max(0) {
        bits.halve();
    }
    bits.rounded((value < 0) != divisor.is_sign_negative())
}

/// Floats of every exponent, subnormal ones and round ones among them.
fn float() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |value| value.is_finite()),
        (any::<i32>(), -70..70_i32)
            .prop_map(|(mantissa, exponent)| f64::from(mantissa) * 2_f64.powi(exponent)),
        any::<i16>().prop_map(|value| f64::from(value) / 4.0),
    ]
}

fn integer() -> impl Strategy<Value = i64> {
    (any::<i64>(), 0..64_u32).prop_map(|(value, shift)| value >> shift)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn scale_is_exact(value in integer(), factor in float()) {
        prop_assert_eq!(numeric::scale(value, factor), slow_scale(value, factor));
    }

    #[test]
    fn unscale_is_exact(value in integer(), divisor in float()) {
        prop_assert_eq!(numeric::unscale(value, divisor), slow_unscale(value, divisor));
    }

    #[test]
    fn products_and_quotients_are_the_nearest(left in integer(), right in integer(), third in integer()) {
        for (outcome, factor, divisor) in
            [(numeric::product(left, right, third), right, third), (numeric::quotient(left, third, right), third, right)]
        {
            let exact = i128::from(left) * i128::from(factor);
            let divisor = i128::from(divisor);
            match outcome {
                Err(TrapCode::DivisionByZero) => prop_assert_eq!(divisor, 0),
                Err(_) => prop_assert!((exact / divisor).unsigned_abs() >= (1 << 63) - 1),
                Ok(result) => {
                    let off = (exact - i128::from(result) * divisor).unsigned_abs() * 2;
                    let size = divisor.unsigned_abs();
                    prop_assert!(off < size || (off == size && result & 1 == 0));
                }
            }
        }
    }

    #[test]
    fn whole_division_gives_its_remainder(left in integer(), right in integer()) {
        match (numeric::divide(left, right), numeric::modulo(left, right)) {
            (Ok(quotient), Ok(rest)) => {
                prop_assert_eq!(quotient.wrapping_mul(right).wrapping_add(rest), left);
                prop_assert!(rest == 0 || (rest < 0) == (left < 0));
                prop_assert!(rest.unsigned_abs() < right.unsigned_abs());
            }
            (Err(trap), Err(other)) => {
                prop_assert_eq!((trap, other, right), (TrapCode::DivisionByZero, TrapCode::DivisionByZero, 0));
            }
            (quotient, rest) => {
                prop_assert_eq!((left, right), (i64::MIN, -1));
                prop_assert_eq!((quotient, rest), (Err(TrapCode::Overflow), Ok(0)));
            }
        }
    }

    #[test]
    fn integers_never_wrap(left: i64, right: i64) {
        let exact = |value: i128| i64::try_from(value).map_err(|_| TrapCode::Overflow);
        let (wide, other) = (i128::from(left), i128::from(right));
        prop_assert_eq!(numeric::add(left, right), exact(wide + other));
        prop_assert_eq!(numeric::subtract(left, right), exact(wide - other));
        prop_assert_eq!(numeric::multiply(left, right), exact(wide * other));
        prop_assert_eq!(numeric::negate(left), exact(-wide));
    }

    #[test]
    fn floats_stay_finite(left in float(), right in float()) {
        use numeric::{add_float, divide_float, multiply_float, subtract_float};
        for outcome in [
            add_float(left, right), subtract_float(left, right), multiply_float(left, right), divide_float(left, right),
        ] {
            prop_assert!(outcome.is_err() || outcome.is_ok_and(f64::is_finite));
        }
    }
}

#[test]
fn halves_go_to_even() {
    for (value, rounded) in
        [(0.5, 0), (1.5, 2), (2.5, 2), (-0.5, 0), (-1.5, -2), (-2.5, -2), (2.500_000_1, 3)]
    {
        assert_eq!(numeric::round(value), Ok(rounded), "{value}");
    }
    assert_eq!(numeric::product(5, 1, 2), Ok(2));
    assert_eq!(numeric::product(7, 1, 2), Ok(4));
    assert_eq!(numeric::product(-7, 1, 2), Ok(-4));
    assert_eq!(numeric::product(7, 1, -2), Ok(-4));
}

#[test]
fn the_ends_of_the_range() {
    assert_eq!(numeric::scale(i64::MIN, 1.0), Ok(i64::MIN));
    assert_eq!(numeric::scale(i64::MIN, -1.0), Err(TrapCode::Overflow));
    assert_eq!(numeric::scale(1, 9_223_372_036_854_774_784.0), Ok(9_223_372_036_854_774_784));
    assert_eq!(numeric::scale(1, 9_223_372_036_854_775_808.0), Err(TrapCode::Overflow));
    assert_eq!(numeric::scale(i64::MAX, f64::MIN_POSITIVE), Ok(0));
    assert_eq!(numeric::scale(1, f64::MAX), Err(TrapCode::Overflow));
    assert_eq!(numeric::scale(0, f64::MAX), Ok(0));
    assert_eq!(numeric::scale(1, f64::INFINITY), Err(TrapCode::NotFinite));
    assert_eq!(numeric::unscale(i64::MAX, f64::MAX), Ok(0));
    assert_eq!(numeric::unscale(1, 5e-324), Err(TrapCode::Overflow));
    assert_eq!(numeric::unscale(1, -0.0), Err(TrapCode::DivisionByZero));
    assert_eq!(numeric::unscale(1, f64::NAN), Err(TrapCode::NotFinite));
    assert_eq!(numeric::ratio(1, 0), Err(TrapCode::DivisionByZero));
    assert_eq!(numeric::divide_float(1.0, -0.0), Err(TrapCode::DivisionByZero));
    assert_eq!(numeric::divide_half_even(i128::MIN, -1), Err(TrapCode::Overflow));
    assert_eq!(numeric::divide_half_even(i128::MAX, i128::MIN), Ok(-1));
    assert_eq!(numeric::percent_to_float(200_000), 0.2);
}

#[test]
fn a_gigabyte_in_eight_seconds_is_a_gigabit_a_second() {
    assert_eq!(numeric::quotient(1_000_000_000, 8_000_000_000, 8_000_000_000), Ok(1_000_000_000));
    assert_eq!(numeric::product(1_000_000_000, 8_000_000_000, 8_000_000_000), Ok(1_000_000_000));
    assert_eq!(numeric::product(7_000_000, 200_000, numeric::PERCENT_ONE), Ok(1_400_000));
}

#[test]
fn floats_become_whole_numbers_in_three_ways() {
    let ways = |value| (numeric::floor(value), numeric::round(value), numeric::ceiling(value));
    assert_eq!(ways(2.5), (Ok(2), Ok(2), Ok(3)));
    assert_eq!(ways(-2.5), (Ok(-3), Ok(-2), Ok(-2)));
    assert_eq!(ways(-0.0), (Ok(0), Ok(0), Ok(0)));
    let edge = 2_f64.powi(63);
    assert_eq!(ways(-edge), (Ok(i64::MIN), Ok(i64::MIN), Ok(i64::MIN)));
    assert_eq!(ways(edge), (Err(TrapCode::Overflow), Err(TrapCode::Overflow), Err(TrapCode::Overflow)));
}

#[test]
fn roots_and_shares() {
    assert_eq!(numeric::square_root(6.25), Ok(2.5));
    assert_eq!(numeric::square_root(-1.0), Err(TrapCode::NotFinite));
    assert!(numeric::near(100.0, 100.05, 1000) && !numeric::near(100.0, 101.0, 1000));
    assert!(numeric::near(0.0, 0.0, 0) && !numeric::near(f64::MAX, f64::MIN, 1000));
    assert_eq!(numeric::percent_of(2, 3), Ok(666_667));
    assert_eq!(numeric::percent_of(-1, 4), Ok(-250_000));
    assert_eq!(numeric::percent_of(1, 0), Err(TrapCode::DivisionByZero));
    assert_eq!(numeric::percent_of(i64::MAX, 1), Err(TrapCode::Overflow));
    assert_eq!(numeric::percent_of_float(0.5, 2.0), Ok(250_000));
    assert_eq!(numeric::percent_of_float(1.0, 0.0), Err(TrapCode::DivisionByZero));
    assert_eq!(numeric::seconds(1_500_000_000), 1.5);
    assert_eq!((numeric::absolute(-5), numeric::absolute(i64::MIN)), (Ok(5), Err(TrapCode::Overflow)));
}

#[test]
fn shifts_are_by_0_to_63_places() {
    assert_eq!(numeric::shift_left(3, 63), Ok(i64::MIN));
    assert_eq!(numeric::shift_left(-1, 0), Ok(-1));
    assert_eq!((numeric::shift_right(-8, 1), numeric::shift_right(-8, 63)), (Ok(-4), Ok(-1)));
    for count in [-1, 64, i64::MAX, i64::MIN] {
        assert_eq!(numeric::shift_left(1, count), Err(TrapCode::ShiftOutOfRange));
        assert_eq!(numeric::shift_right(1, count), Err(TrapCode::ShiftOutOfRange));
    }
}
