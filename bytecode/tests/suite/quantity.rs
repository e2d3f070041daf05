//! Literals, bare numbers and printing.

use proptest::prelude::*;
use swarm_bytecode::quantity::{
    Calendar, Literal, LiteralError, UNITS, format, format_float, format_rate, format_time, parse_bare,
    parse_literal, parse_time,
};
use swarm_bytecode::types::{Dimension, TypeId};

fn quantity(ty: TypeId, value: i64) -> Result<Literal, LiteralError> {
    Ok(Literal::Quantity { ty, value })
}

fn rate(time: i8, data: i8, money: i8, tokens: i8, value: f64) -> Result<Literal, LiteralError> {
    Ok(Literal::Rate { dimension: Dimension { time, data, money, tokens }, value })
}

#[test]
fn literals_are_read_exactly() {
    let cases = [
        ("7", Ok(Literal::Int(7))),
        ("2_000_000", Ok(Literal::Int(2_000_000))),
        ("-9223372036854775808", Ok(Literal::Int(i64::MIN))),
        ("1.5", Ok(Literal::Float(1.5))),
        ("1e5", Ok(Literal::Float(1e5))),
        ("5s", quantity(TypeId::DURATION, 5_000_000_000)),
        ("250ms", quantity(TypeId::DURATION, 250_000_000)),
        ("1.5h", quantity(TypeId::DURATION, 5_400_000_000_000)),
        ("1d", quantity(TypeId::DURATION, 86_400_000_000_000)),
        ("1GB", quantity(TypeId::BYTES, 1_000_000_000)),
        ("1GiB", quantity(TypeId::BYTES, 1 << 30)),
        ("0.5KiB", quantity(TypeId::BYTES, 512)),
        ("100Mbps", quantity(TypeId::BANDWIDTH, 100_000_000)),
        ("$500", quantity(TypeId::MONEY, 500_000_000)),
        ("$0.002", quantity(TypeId::MONEY, 2_000)),
        ("-$0.5", quantity(TypeId::MONEY, -500_000)),
        ("500 USD", quantity(TypeId::MONEY, 500_000_000)),
        ("50_000 tokens", quantity(TypeId::TOKENS, 50_000)),
        ("1 token", quantity(TypeId::TOKENS, 1)),
        ("1token", quantity(TypeId::TOKENS, 1)),
        ("20%", quantity(TypeId::PERCENT, 200_000)),
        ("0.0001%", quantity(TypeId::PERCENT, 1)),
        ("1.000000000000000000000000000000000000000000000s", quantity(TypeId::DURATION, 1_000_000_000)),
        ("100MB/s", quantity(TypeId::BANDWIDTH, 800_000_000)),
        ("45MB/h", quantity(TypeId::BANDWIDTH, 100_000)),
        ("$3.6/h", rate(-1, 0, 1, 0, 1e-6)),
        ("89/min", rate(-1, 0, 0, 0, 89.0 / 60e9)),
        ("$0.09/GB", rate(0, -1, 1, 0, 9e-5)),
        ("5tokens/s", rate(-1, 0, 0, 1, 5e-9)),
    ];
    for (text, expected) in cases {
        assert_eq!(parse_literal(text), expected, "{text}");
    }
}

#[test]
fn wrong_literals_say_why() {
    let unknown = |start, suggestion| LiteralError::UnknownUnit { start, suggestion };
    let cases = [
        ("1gb", unknown(1, Some("GB"))),
        ("5m", unknown(1, Some("min"))),
        ("5sec", unknown(1, Some("s"))),
        ("100mb", unknown(3, Some("MB"))),
        ("100mbps", unknown(3, Some("Mbps"))),
        ("10MBps", unknown(2, Some("MB/s"))),
        ("10 ", LiteralError::Malformed),
        ("5furlongs", unknown(1, None)),
        ("$5/hour", unknown(3, Some("h"))),
        ("$0.0000005", LiteralError::TooFine { ty: TypeId::MONEY }),
        ("0.00001%", LiteralError::TooFine { ty: TypeId::PERCENT }),
        ("0.5ns", LiteralError::TooFine { ty: TypeId::DURATION }),
        ("1B/h", LiteralError::TooFine { ty: TypeId::BANDWIDTH }),
        ("1e-999999999999s", LiteralError::TooFine { ty: TypeId::DURATION }),
        (
            "0.33333333333333333333333333333333333333333333333s",
            LiteralError::TooFine { ty: TypeId::DURATION },
        ),
        ("9223372036854775808", LiteralError::Overflow),
        ("1e400", LiteralError::Overflow),
        ("1e999999999999s", LiteralError::Overflow),
        ("200000000TB", LiteralError::Overflow),
        ("5 s", LiteralError::Malformed),
        ("$5s", LiteralError::Malformed),
        ("$", LiteralError::Malformed),
        ("", LiteralError::Malformed),
        ("s", LiteralError::Malformed),
        ("1_", LiteralError::Malformed),
        ("1__0", LiteralError::Malformed),
        ("1.", LiteralError::Malformed),
        (".5", LiteralError::Malformed),
        ("--5", LiteralError::Malformed),
        ("20%/s", LiteralError::NoRate),
        ("5s/min", LiteralError::NoRate),
        ("1Mbps/s", LiteralError::NoRate),
        ("5/", LiteralError::Malformed),
    ];
    for (text, expected) in cases {
        assert_eq!(parse_literal(text), Err(expected), "{text}");
    }
}

#[test]
fn bare_numbers_are_read_exactly() {
    assert_eq!(parse_bare("10000", "USD"), Ok(10_000_000_000));
    assert_eq!(parse_bare("7200000", "ms"), Ok(7_200_000_000_000));
    assert_eq!(parse_bare("-1.5e3", "B"), Ok(-1_500));
    assert_eq!(parse_bare("0.1", "USD"), Ok(100_000));
    assert_eq!(parse_bare("0.1", "B"), Err(LiteralError::TooFine { ty: TypeId::BYTES }));
    assert_eq!(parse_bare("5s", "s"), Err(LiteralError::Malformed));
    assert_eq!(parse_bare("5", "sec"), Err(LiteralError::UnknownUnit { start: 0, suggestion: Some("s") }));
}

#[test]
fn values_print_in_the_largest_unit_that_is_whole() {
    let cases = [
        (TypeId::DURATION, 7_200_000_000_000, "2h"),
        (TypeId::DURATION, 90_000_000_000, "90s"),
        (TypeId::DURATION, 0, "0s"),
        (TypeId::DURATION, -1, "-1ns"),
        (TypeId::BYTES, 1_500_000_000, "1500MB"),
        (TypeId::BYTES, 1_000_000_000, "1GB"),
        (TypeId::BYTES, 1024, "1024B"),
        (TypeId::BYTES, 0, "0B"),
        (TypeId::BANDWIDTH, 100_000_000, "100Mbps"),
        (TypeId::MONEY, 100, "$0.0001"),
        (TypeId::MONEY, 500_000_000, "$500"),
        (TypeId::MONEY, -1_500_000, "-$1.5"),
        (TypeId::MONEY, 0, "$0"),
        (TypeId::PERCENT, 200_000, "20%"),
        (TypeId::PERCENT, 5_000, "0.5%"),
        (TypeId::TOKENS, 50_000, "50000 tokens"),
        (TypeId::INT, 7, "7"),
        (TypeId::BOOL, 1, "true"),
        (TypeId::TIME, 0, "1970-01-01T00:00:00Z"),
    ];
    for (ty, value, text) in cases {
        assert_eq!(format(ty, value), text);
    }
    assert_eq!(format_float(0.1), "0.1");
    assert_eq!(format_float(3.0), "3.0");
    assert_eq!(format_float(-0.0), "0.0");
    let per_hour = Dimension { time: -1, money: 1, ..Dimension::NONE };
    assert_eq!(format_rate(per_hour, 12.5 / 3.6e6), "$12.5/h");
    assert_eq!(format_rate(per_hour, 0.0), "$0/h");
    let per_second = Dimension { time: -1, ..Dimension::NONE };
    assert_eq!(format_rate(per_second, -2.5e-9), "-2.5/s");
    let per_token = Dimension { tokens: -1, money: 1, ..Dimension::NONE };
    assert_eq!(format_rate(per_token, 0.15), "$0.00000015/tokens");
    let odd = Dimension { time: 2, data: -1, ..Dimension::NONE };
    assert_eq!(format_rate(odd, 1.0), "1.0 B^-1·ns^2");
}

#[test]
fn dates_are_those_of_the_calendar() {
    assert_eq!(parse_time("2026-11-20T08:00:00Z"), Some(1_795_161_600_000_000_000));
    assert_eq!(parse_time("2026-11-20T09:30:00.5+01:30"), Some(1_795_161_600_500_000_000));
    for wrong in [
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-20",
        "2026-11-20T24:00:00Z",
        "",
        "2026-11-20T08:00:00",
        "2300-01-01T00:00:00Z",
        "2026-11-20T08:00:00Zx",
        "2026-11-20T08:00:00.Z",
    ] {
        assert_eq!(parse_time(wrong), None, "{wrong}");
    }
    assert_eq!(format_time(i64::MIN), "1677-09-21T00:12:43.145224192Z");
    assert_eq!(format_time(i64::MAX), "2262-04-11T23:47:16.854775807Z");
    // Day by day from 1970 to 2262, by counting.
    let (mut year, mut month, mut day) = (1970, 1, 1);
    for days in 0..106_751_i64 {
        assert_eq!(
            format_time(days * 86_400_000_000_000),
            format!("{year:04}-{month:02}-{day:02}T00:00:00Z")
        );
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = match month {
            2 if leap => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        day += 1;
        if day > length {
            (day, month) = (1, month + 1);
        }
        if month > 12 {
            (month, year) = (1, year + 1);
        }
    }
}

const QUANTITIES: [TypeId; 6] =
    [TypeId::DURATION, TypeId::BYTES, TypeId::BANDWIDTH, TypeId::MONEY, TypeId::TOKENS, TypeId::PERCENT];

fn value() -> impl Strategy<Value = i64> {
    prop_oneof![
        any::<i64>(),
        (any::<i64>(), 0..64_u32).prop_map(|(value, shift)| value >> shift),
        (any::<i16>(), 0..14_u32).prop_map(|(value, power)| i64::from(value) * 10_i64.pow(power)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn quantities_read_back(value in value()) {
        for ty in QUANTITIES {
            prop_assert_eq!(parse_literal(&format(ty, value)), quantity(ty, value));
        }
        prop_assert_eq!(parse_literal(&format(TypeId::INT, value)), Ok(Literal::Int(value)));
        prop_assert_eq!(parse_time(&format(TypeId::TIME, value)), Some(value));
    }

    #[test]
    fn floats_read_back(bits: u64) {
        let value = f64::from_bits(bits);
        prop_assume!(value.is_finite());
        prop_assert_eq!(parse_literal(&format_float(value)), Ok(Literal::Float(value)));
    }

    #[test]
    fn rates_read_back(mantissa: i64, exponent in -60..60_i32, above in 0..4_usize, below in 0..3_usize) {
        let value = f64::from_bits(mantissa.cast_unsigned() & !(0x7ff << 52) | (1023 << 52)) * 2_f64.powi(exponent);
        let units = [
            Dimension { time: 1, ..Dimension::NONE },
            Dimension { data: 1, ..Dimension::NONE },
            Dimension { tokens: 1, ..Dimension::NONE },
            Dimension { money: 1, ..Dimension::NONE },
        ];
        let plain = Dimension::NONE.quotient(units[below]).unwrap();
        let quotient = units[above].quotient(units[below]).unwrap();
        let named = |dimension| swarm_bytecode::quantity::named(dimension).is_some();
        for dimension in [plain, quotient] {
            if !(dimension.is_none() || named(dimension)) {
                let text = format_rate(dimension, value);
                prop_assert_eq!(parse_literal(&text), Ok(Literal::Rate { dimension, value }), "{}", text);
            }
        }
    }

    #[test]
    fn bare_numbers_are_literals_with_their_unit(whole in -1_000_000..1_000_000_i64, part in 0..1000_u32) {
        for unit in UNITS {
            let number = format!("{whole}.{part:03}");
            let literal = parse_literal(&format!("{number}{}", unit.text));
            let bare = parse_bare(&number, unit.text).map(|value| Literal::Quantity { ty: unit.ty, value });
            prop_assert_eq!(literal, bare);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[-$]?[0-9_.eE+]{0,50}[a-zA-Z%µ/ ]{0,6}", noise in ".{0,20}") {
        for text in [text, noise] {
            let _ = parse_literal(&text);
            let _ = parse_bare(&text, "ms");
            let _ = parse_time(&text);
        }
    }
}

#[test]
fn the_calendar_is_that_of_the_text() {
    let of = |text| Calendar::of(parse_time(text).unwrap());
    let day = of("2026-11-20T08:30:15.25Z");
    assert_eq!((day.year, day.month, day.day), (2026, 11, 20));
    assert_eq!((day.hour, day.minute, day.second, day.nanosecond), (8, 30, 15, 250_000_000));
    let weekdays = [
        ("1970-01-01T00:00:00Z", 4),
        ("1969-12-31T23:59:59Z", 3),
        ("2000-02-29T12:00:00Z", 2),
        ("2026-11-20T08:30:15Z", 5),
        ("1700-01-03T00:00:00Z", 7),
        ("1700-01-04T00:00:00Z", 1),
    ];
    for (text, weekday) in weekdays {
        assert_eq!(of(text).weekday, weekday, "{text}");
    }
    assert_eq!(Calendar::of(i64::MIN).year, 1677);
}
