//! Natives of constants give what a run gives: each expression is computed by the compiler and by the machine.

use swarm_bytecode::native::NATIVES;
use swarm_compiler::{Options, compile_text_with};

use crate::harness::Program;

/// Expressions beyond the examples of the table of natives.
const MORE: &[&str] = &[
    "min(2, 2.5)",
    "max(-0.0, 0.0)",
    "abs(-2.5)",
    "clamp(0, 5, -5)",
    "round(-2.5)",
    "ratio($1, $3)",
    "ratio(1.5, 0.0)",
    "percent_of(-1, 3)",
    "near(1.0, 1.0, 0%)",
    "shift_left(-1, 63)",
    "upper(\"straße\")",
    "lower(\"İ\")",
    "len(\"Zürich\")",
    "len([1, 2, 3])",
    "len([\"a\": 1, \"b\": 2, \"a\": 3])",
    "replace(\"aaa\", \"\", \"b\")",
    "split(\"a,b\", \"\")",
    "words(\" a\\u{2003}b \")",
    "left(\"äöü\", 2)",
    "right(\"äöü\", 5)",
    "index_of(\"äöü\", \"\")",
    "parse_int(\"+7\")",
    "parse_int(\"9223372036854775808\")",
    "parse_float(\"-0\")",
    "parse_float(\"1e400\")",
    "slice([1, 2, 3], -2, 3)",
    "slice([1, 2, 3], 2, -1)",
    "slice([1, 2, 3], 9, 9)",
    "slice([1, 2, 3], 1, 9223372036854775807)",
    "sort([2.5, -1.0, 0.0])",
    "sort([\"b\", \"B\", \"a\"])",
    "unique([[1], [2], [1]])",
    "index_of([[1], [2]], [2])",
    "[$1, $2] CONTAINS $2",
    "reverse(append([1], [2, 3]))",
    "first(split(\"a b\", \" \"))",
    "get([[1], [2]], 1)",
    "keys([\"b\": 1, \"a\": 2, \"b\": 3])",
    "values([\"b\": 1, \"a\": 2, \"b\": 3])",
    "without([\"b\": 1, \"a\": 2, \"b\": 3], \"b\")",
    "without([\"a\": 1], \"x\")",
    "has([1: 2], 1)",
    "weekday(time(\"1969-12-28T23:59:59Z\"))",
    "second(time(\"1969-12-31T23:59:59.5Z\"))",
    "seconds(-1ns)",
    "[1, 2, 3][1]",
    "[\"a\": 1][\"a\"]",
    "[\"a\": 1][\"x\"] ?? 7",
    "[1, 2] == append([1], [2])",
    "IF max(1, 2) > 1 THEN upper(\"a\") ELSE \"b\"",
    "\"{max(1, 2)} {ratio(1, 4) ?? 0.0} {round(2.5)}\"",
];

/// Expressions that stop a run.
const TRAPS: &[(&str, &str)] = &[
    ("abs(-9223372036854775807 - 1)", "overflow"),
    ("round(1.0e300)", "overflow"),
    ("sqrt(-1.0)", "not_finite"),
    ("percent_of(1, 0)", "division_by_zero"),
    ("shift_left(1, 64)", "shift_out_of_range"),
    ("repeat(\"ab\", 1_000_000)", "too_long"),
    ("[1, 2][2]", "index_out_of_range"),
    ("[1, 2][-1]", "index_out_of_range"),
];

#[test]
fn constants_are_what_a_run_gives() {
    let examples = NATIVES.iter().flat_map(|native| native.examples).map(|(expression, _)| *expression);
    let mut count = 0;
    for expression in examples.chain(MORE.iter().copied()) {
        let text = format!(
            "CONST A = {expression}\nON START {{ LET b = {expression}\nIF A == b THEN LOG(\"the same\") ELSE LOG(\"not\") }}"
        );
        let run = Program::of(&text).run();
        assert_eq!(run.actions, ["LOG(the same)"], "{text}");
        count += 1;
    }
    assert!(count > 120, "{count} expressions");
}

#[test]
fn what_would_stop_a_run_is_an_error_of_the_constant() {
    for (expression, code) in TRAPS {
        let constant = format!("CONST A = {expression}\nON START {{ LOG(\"{{A}}\") }}");
        let (compiled, _) = compile_text_with("constant.swarm", &constant, &Options::default());
        let codes: Vec<&str> = compiled.diagnostics.iter().map(|found| found.code.as_str()).collect();
        assert_eq!(codes, ["E0118"], "{constant}");
        let run = Program::of(&format!("ON START {{ LET a = {expression}\nLOG(\"{{a}}\") }}")).run();
        assert_eq!(run.reason_code(), Some(*code), "{expression}");
    }
}

/// A program of many constants is refused before it takes long.
#[test]
fn constants_take_only_so_much_work() {
    use std::fmt::Write as _;
    let mut text = String::new();
    for at in 0..2000 {
        writeln!(text, "CONST A{at} = len(split(repeat(\",\", 1_000_000), \",\"))").unwrap();
    }
    text.push_str("ON START { LOG(\"{A0}\") }");
    let (compiled, _) = compile_text_with("constants.swarm", &text, &Options::default());
    let errors: Vec<&str> = compiled.diagnostics.iter().map(|found| found.code.as_str()).collect();
    assert_eq!(errors.iter().filter(|code| **code == "E0118").count(), 1, "{errors:?}");
}
