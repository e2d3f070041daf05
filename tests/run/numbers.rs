//! Numbers, comparisons, conditions.

use super::harness::{body, program};

#[test]
fn sums_and_products() {
    body("LET a = 7  LET b = 3  INT(a + b)  INT(a - b)  INT(a * b)  INT(-a)")
        .done("INT(10) INT(4) INT(21) INT(-7)", 47);
}

#[test]
fn whole_division_truncates_and_the_remainder_has_the_sign_of_the_dividend() {
    body("LET a = -7  LET b = 2  INT(a DIV b)  INT(a MOD b)  INT(7 DIV -b)")
        .done("INT(-3) INT(-1) INT(-3)", 41);
}

#[test]
fn a_quotient_of_whole_numbers_is_a_float() {
    body("LET a = 7  LET b = 2  FLOAT(a / b)").done("FLOAT(3.5)", 15);
}

#[test]
fn float_arithmetic() {
    body("LET a = 1.5  LET b = 0.5  FLOAT(a + b)  FLOAT(a - b)  FLOAT(a * b)  FLOAT(a / b)  FLOAT(-a)")
        .done("FLOAT(2.0) FLOAT(1.0) FLOAT(0.75) FLOAT(3.0) FLOAT(-1.5)", 59);
}

#[test]
fn a_whole_number_widens_to_a_float() {
    body("LET a = 3  LET b = 0.5  FLOAT(a + b)  FLOAT(b * a)").done("FLOAT(3.5) FLOAT(1.5)", 27);
}

#[test]
fn overflow_stops_the_run_where_it_happens() {
    body("LET a = 9223372036854775807  INT(1)  INT(a + 1)").trapped("overflow", 14);
    body("LET a = -9223372036854775807  LET b = 2  INT(a * b)").trapped("overflow", 3);
    body("LET a = -9223372036854775807 - 1  INT(-a)").trapped("overflow", 4);
}

#[test]
fn division_by_zero_stops_the_run() {
    body("LET a = 0  INT(1 DIV a)").trapped("division_by_zero", 4);
    body("LET a = 0  INT(1 MOD a)").trapped("division_by_zero", 4);
    body("LET a = 0  FLOAT(1 / a)").trapped("division_by_zero", 4);
    body("LET a = 0.0  FLOAT(1.5 / a)").trapped("division_by_zero", 4);
}

#[test]
fn a_float_that_is_not_finite_stops_the_run() {
    body("LET a = 1e300  FLOAT(a * a)").trapped("not_finite", 2);
}

#[test]
fn comparisons_of_whole_numbers() {
    body(
        "LET a = 1  LET b = 2
         BOOL(a == b) BOOL(a != b) BOOL(a < b) BOOL(a <= b) BOOL(a > b) BOOL(a >= b) BOOL(b >= b)",
    )
    .done("BOOL(false) BOOL(true) BOOL(true) BOOL(true) BOOL(false) BOOL(false) BOOL(true)", 80);
}

#[test]
fn comparisons_of_floats() {
    body(
        "LET a = 1.5  LET b = 2.5
         BOOL(a < b) BOOL(a <= b) BOOL(a > b) BOOL(a >= b) BOOL(NOT a < b)",
    )
    .done("BOOL(true) BOOL(true) BOOL(false) BOOL(false) BOOL(false)", 59);
}

#[test]
fn comparisons_of_texts() {
    body(
        r#"LET a = "apple"  LET b = "pear"
         BOOL(a == b) BOOL(a != b) BOOL(a < b) BOOL(a <= b) BOOL(a > b) BOOL(a >= b) BOOL(a == "apple")"#,
    )
    .done("BOOL(false) BOOL(true) BOOL(true) BOOL(true) BOOL(false) BOOL(false) BOOL(true)", 89);
}

#[test]
fn comparing_long_texts_is_charged_by_length() {
    let text = "x".repeat(160);
    body(&format!(r#"LET a = "{text}"  BOOL(a == a)"#)).done("BOOL(true)", 24);
}

#[test]
fn truth_values_compare() {
    body("LET a = TRUE  LET b = FALSE  BOOL(a == b) BOOL(a != b)").done("BOOL(false) BOOL(true)", 25);
}

/// A query is asked only if its answer matters.
#[test]
fn and_and_or_stop_as_soon_as_they_are_decided() {
    let text = "
        QUERY yes(n: int) -> bool
        QUERY no(n: int) -> bool
        ACTION BOOL(value: bool)
        FUNC main() {
          BOOL(yes(1) OR no(2))
          BOOL(no(3) AND yes(4))
          BOOL(yes(5) AND no(6))
          BOOL(no(7) OR NOT no(8))
        }";
    let run = program(text);
    run.done("BOOL(true) BOOL(false) BOOL(false) BOOL(true)", 113);
    assert_eq!(run.asked, ["yes(1)", "no(3)", "yes(5)", "no(6)", "no(7)", "no(8)"]);
}

#[test]
fn conditions_of_many_parts() {
    let check = |a: u8, b: u8, c: u8| {
        let text = format!(
            "LET a = {a}  LET b = {b}  LET c = {c}
             IF a == 1 AND b == 1 AND c == 1 THEN INT(1)
             IF a == 1 OR b == 1 OR c == 1 THEN INT(2)
             IF NOT (a == 1 OR b == 1) THEN INT(3)
             IF NOT (a == 1 AND b == 1) THEN INT(4)
             IF a == 1 AND (b == 1 OR c == 1) {{ INT(5) }} ELSE {{ INT(6) }}
             IF NOT (a == 1) OR NOT (b == 1 AND c == 1) {{ INT(7) }} ELSE {{ INT(8) }}"
        );
        body(&text).actions.join(" ")
    };
    assert_eq!(check(0, 0, 0), "INT(3) INT(4) INT(6) INT(7)");
    assert_eq!(check(1, 0, 0), "INT(2) INT(4) INT(6) INT(7)");
    assert_eq!(check(0, 1, 0), "INT(2) INT(4) INT(6) INT(7)");
    assert_eq!(check(0, 0, 1), "INT(2) INT(3) INT(4) INT(6) INT(7)");
    assert_eq!(check(1, 1, 0), "INT(2) INT(5) INT(7)");
    assert_eq!(check(1, 0, 1), "INT(2) INT(4) INT(5) INT(7)");
    assert_eq!(check(1, 1, 1), "INT(1) INT(2) INT(5) INT(8)");
}

#[test]
fn operands_are_evaluated_left_to_right() {
    let text = "
        QUERY one(n: int) -> int
        ACTION BOOL(value: bool)
        FUNC main() { BOOL(one(1) > one(2))  BOOL(one(3) >= one(4)) }";
    let run = program(text);
    run.done("BOOL(false) BOOL(false)", 67);
    assert_eq!(run.asked, ["one(1)", "one(2)", "one(3)", "one(4)"]);
}

#[test]
fn a_choice_as_a_value() {
    body("LET a = 3  INT(IF a > 2 THEN 10 ELSE 20)  INT(IF NOT a > 2 THEN 10 ELSE 20)")
        .done("INT(10) INT(20)", 31);
}
