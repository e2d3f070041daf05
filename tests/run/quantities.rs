//! Quantities: exact carriers, shares, rates.

use super::harness::{body, program};

#[test]
fn quantities_of_one_kind_add_and_compare() {
    body("LET a = 5s  LET b = 250ms  DURATION(a + b)  DURATION(a - b)  BOOL(a > b)")
        .done("DURATION(5250ms) DURATION(4750ms) BOOL(true)", 36);
}

#[test]
fn data_over_time_is_a_data_rate() {
    body("LET a = 1GB  LET b = 8s  BANDWIDTH(a / b)").done("BANDWIDTH(1Gbps)", 17);
}

#[test]
fn a_data_rate_times_time_is_data() {
    body("LET a = 1Gbps  LET b = 8s  BYTES(a * b)  BYTES(b * a)").done("BYTES(1GB) BYTES(1GB)", 31);
}

#[test]
fn data_over_a_data_rate_is_time() {
    body("LET a = 1GB  LET b = 1Gbps  DURATION(a / b)").done("DURATION(8s)", 17);
}

#[test]
fn a_share_of_a_quantity_keeps_its_kind() {
    body("LET a = $10  LET b = 20%  MONEY(a * b)  MONEY(b * a)  MONEY(a / b)")
        .done("MONEY($2) MONEY($2) MONEY($50)", 45);
}

#[test]
fn shares_multiply_and_divide() {
    body("LET a = 50%  LET b = 20%  PERCENT(a * b)  PERCENT(a + b)  FLOAT(a / b)")
        .done("PERCENT(10%) PERCENT(70%) FLOAT(2.5)", 40);
}

#[test]
fn a_number_times_a_share_is_a_float() {
    body("LET a = 7  LET b = 20%  FLOAT(a * b)").done("FLOAT(1.4000000000000001)", 17);
}

#[test]
fn quantities_scale() {
    body("LET a = 10s  LET n = 3  LET x = 0.5  DURATION(a * n)  DURATION(a / n)  DURATION(a * x)  DURATION(a / x)")
        .done("DURATION(30s) DURATION(3333333333ns) DURATION(5s) DURATION(20s)", 57);
}

#[test]
fn rounding_is_half_to_even() {
    body("LET a = 5B  LET b = 7B  BYTES(a / 2)  BYTES(b / 2)  BYTES(a * 50%)  BYTES(b * 0.5)")
        .done("BYTES(2B) BYTES(4B) BYTES(2B) BYTES(4B)", 63);
}

#[test]
fn a_quotient_of_two_of_one_kind_is_a_number() {
    body("LET a = 3GB  LET b = 2GB  FLOAT(a / b)  INT(a DIV b)").done("FLOAT(1.5) INT(1)", 27);
}

#[test]
fn a_price_per_time() {
    body("LET rate = $36/h  LET time = 10min  MONEY(rate * time)  BOOL(rate > $30/h)")
        .done("MONEY($6) BOOL(true)", 29);
    body("LET rate = $6 / 10min  MONEY(rate * 1h)").done("MONEY($36)", 20);
}

#[test]
fn points_in_time() {
    let text = "
        INPUT start: time
        INPUT end: time
        ACTION DURATION(value: duration)
        ACTION BOOL(value: bool)
        ACTION TIME(value: time)
        FUNC main() { DURATION(end - start)  BOOL(start < end)  TIME(start + 30s) }";
    super::harness::Program::of(text)
        .input(r#"{"start": "2026-11-20T08:00:00Z", "end": "2026-11-20T08:01:30Z"}"#)
        .run()
        .done("DURATION(90s) BOOL(true) TIME(2026-11-20T08:00:30Z)", 40);
}

#[test]
fn tokens_and_their_price() {
    body("LET n = 2_000_000 tokens  LET price = $0.15 / 1_000_000 tokens  MONEY(n * price)")
        .done("MONEY($0.3)", 20);
}

#[test]
fn quantities_are_checked_for_overflow() {
    body("LET a = 9_000_000_000_000_000_000B  BYTES(a * 2)").trapped("overflow", 3);
    body("LET a = $5  LET b = 0%  MONEY(a / b)").trapped("division_by_zero", 6);
}

#[test]
fn constants_have_names() {
    let text = "
        CONST limit = 5s
        CONST share = 20%
        ACTION DURATION(value: duration)
        FUNC main() { DURATION(limit * share) }";
    program(text).done("DURATION(1s)", 17);
}
