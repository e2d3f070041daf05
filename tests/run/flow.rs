//! Statements that decide where the program goes on.

use super::harness::{Program, body, program};

const NUMBERS: &str = "
    INPUT numbers: list<int> MAX 100
    ACTION INT(value: int)
    ACTION TEXT(value: string)
    ";

fn over(numbers: &str, main: &str) -> super::harness::Run {
    let text = format!("{NUMBERS} FUNC main() {{ {main} }}");
    Program::of(&text).input(&format!(r#"{{"numbers": {numbers}}}"#)).run()
}

#[test]
fn one_of_several_branches_runs() {
    let check = |n: i64| {
        let text = format!(
            "LET n = {n}  IF n < 0 {{ INT(1) }} ELSE IF n == 0 {{ INT(2) }} ELSE {{ INT(3) }}  INT(4)"
        );
        body(&text).actions.join(" ")
    };
    assert_eq!(check(-5), "INT(1) INT(4)");
    assert_eq!(check(0), "INT(2) INT(4)");
    assert_eq!(check(5), "INT(3) INT(4)");
}

#[test]
fn for_each_goes_over_a_list() {
    over("[3, 1, 2]", "FOR EACH n IN numbers { INT(n) }").done("INT(3) INT(1) INT(2)", 40);
    over("[]", "FOR EACH n IN numbers { INT(n) }").done("", 4);
}

#[test]
fn for_each_with_a_condition() {
    over("[3, 1, 2, 5]", "FOR EACH n IN numbers WHERE n > 1 AND n < 5 { INT(n) }").done("INT(3) INT(2)", 53);
}

#[test]
fn for_each_with_an_index() {
    over("[30, 10, 20]", "FOR EACH i, n IN numbers WHERE n > 10 { INT(i)  INT(n) }")
        .done("INT(0) INT(30) INT(2) INT(20)", 59);
}

#[test]
fn both_ends_of_a_range_are_included() {
    body("FOR i IN 1..3 { INT(i) }").done("INT(1) INT(2) INT(3)", 41);
    body("LET n = 2  FOR i IN n..n { INT(i) }").done("INT(2)", 16);
    body("LET n = 2  FOR i IN n..1 { INT(i) }").done("", 5);
    body("FOR i IN -1..1 { INT(i) }").done("INT(-1) INT(0) INT(1)", 41);
}

#[test]
fn the_ends_of_a_range_are_taken_once() {
    body("LET n = 3  FOR i IN 1..n { n = n + 1  INT(i) }  INT(n)").done("INT(1) INT(2) INT(3) INT(6)", 58);
}

#[test]
fn a_range_may_end_at_the_greatest_number() {
    body("FOR i IN 9223372036854775806..9223372036854775807 { INT(i) }")
        .done("INT(9223372036854775806) INT(9223372036854775807)", 29);
}

#[test]
fn break_leaves_the_innermost_loop() {
    over("[1, 2, 3]", "FOR EACH n IN numbers { IF n == 2 THEN BREAK  INT(n) }  INT(9)")
        .done("INT(1) INT(9)", 34);
    body("FOR i IN 1..2 { FOR j IN 1..9 { IF j == 3 THEN BREAK  INT(i * 10 + j) } }")
        .done("INT(11) INT(12) INT(21) INT(22)", 97);
}

#[test]
fn continue_goes_on_with_the_next_item() {
    over("[1, 2, 3]", "FOR EACH n IN numbers { IF n == 2 { CONTINUE }  INT(n) }").done("INT(1) INT(3)", 40);
    body("FOR i IN 1..3 { FOR j IN 1..3 { IF j <= i THEN CONTINUE  INT(i * 10 + j) } }")
        .done("INT(12) INT(13) INT(23)", 104);
}

#[test]
fn while_looks_before_each_round() {
    body("LET n = 0  WHILE n < 3 MAX 10 { n += 1  INT(n) }").done("INT(1) INT(2) INT(3)", 61);
    body("LET n = 5  WHILE n < 3 MAX 10 { n += 1 }  INT(n)").done("INT(5)", 20);
}

#[test]
fn while_goes_on_behind_the_loop_when_its_rounds_are_used_up() {
    body("LET n = 0  WHILE TRUE MAX 4 { n += 1 }  INT(n)").done("INT(4)", 33);
    body("LET n = 0  LET most = 2  WHILE n < 9 MAX most { n += 1  most = 100 }  INT(n)").done("INT(2)", 34);
}

#[test]
fn while_with_conditions_of_several_parts() {
    body("LET a = 0  LET b = 9  WHILE a < 5 AND b > 6 MAX 10 { a += 1  b -= 1 }  INT(a)").done("INT(3)", 60);
    body("LET a = 0  LET b = 9  WHILE a < 2 OR b > 6 MAX 10 { a += 1  b -= 1 }  INT(a)").done("INT(3)", 54);
    body("LET a = 0  WHILE NOT a == 3 MAX 10 { a += 1 }  INT(a)").done("INT(3)", 41);
    body("LET a = 0  LET on = TRUE  WHILE on MAX 10 { a += 1  on = a < 4 }  INT(a)").done("INT(4)", 51);
}

#[test]
fn break_and_continue_in_while() {
    body(
        "LET n = 0
         WHILE TRUE MAX 10 {
           n += 1
           IF n == 2 THEN CONTINUE
           IF n == 4 THEN BREAK
           INT(n)
         }
         INT(n)",
    )
    .done("INT(1) INT(3) INT(4)", 73);
}

#[test]
fn loops_in_loops_of_all_kinds() {
    over(
        "[1, 2]",
        "FOR EACH n IN numbers {
           LET left = 3
           WHILE left > 0 MAX 5 {
             left -= 1
             FOR i IN 1..2 {
               IF i == n THEN CONTINUE
               IF left == 0 THEN BREAK
               INT(n * 100 + left * 10 + i)
             }
           }
         }",
    )
    .done("INT(122) INT(112) INT(221) INT(211)", 221);
}

#[test]
fn return_leaves_the_function_from_within_loops() {
    let text = format!(
        "{NUMBERS}
        FUNC first_above(limit: int) -> int {{
          FOR EACH n IN numbers {{ IF n > limit {{ RETURN n }} }}
          RETURN -1
        }}
        FUNC sign(n: int) -> int {{
          IF n < 0 {{ RETURN -1 }} ELSE IF n > 0 {{ RETURN 1 }} ELSE {{ RETURN 0 }}
        }}
        FUNC main() {{ INT(first_above(2))  INT(first_above(9))  INT(sign(-3))  INT(sign(0))  INT(sign(8)) }}"
    );
    Program::of(&text)
        .input(r#"{"numbers": [1, 5, 7]}"#)
        .run()
        .done("INT(5) INT(-1) INT(-1) INT(0) INT(1)", 124);
}

#[test]
fn return_of_the_entry_ends_the_run_well() {
    body("INT(1)  IF 1 < 2 { RETURN }  INT(2)").done("INT(1)", 16);
}

#[test]
fn stop_ends_the_run_with_a_reason() {
    body(r#"INT(1)  STOP "enough""#).stopped("enough", "INT(1)", 13);
    let text = r#"
        ACTION INT(value: int)
        FUNC deep(n: int) { IF n > 2 THEN STOP "deep"  INT(n) }
        FUNC main() { FOR i IN 1..9 { deep(i) } }"#;
    program(text).stopped("deep", "INT(1) INT(2)", 53);
}

#[test]
fn fail_ends_the_run_and_drops_its_actions() {
    body(r#"INT(1)  FAIL "broken"  INT(2)"#).failed("broken", 13);
}

#[test]
fn functions_call_each_other() {
    let text = "
        ACTION INT(value: int)
        FUNC square(n: int) -> int { RETURN n * n }
        FUNC report(a: int, b: int) { INT(a)  INT(b) }
        FUNC main() { report(square(3), square(square(2)) + 1) }";
    program(text).done("INT(9) INT(17)", 48);
}

#[test]
fn a_function_may_call_itself() {
    let text = "
        ACTION INT(value: int)
        FUNC fib(n: int) -> int { IF n < 2 { RETURN n }  RETURN fib(n - 1) + fib(n - 2) }
        FUNC main() { INT(fib(10)) }";
    program(text).done("INT(55)", 1868);
}

#[test]
fn a_run_ends_at_its_call_depth() {
    let text = "
        ACTION INT(value: int)
        FUNC deeper(n: int) -> int { RETURN deeper(n + 1) + 1 }
        FUNC main() { INT(deeper(0)) }";
    program(text).limited("call_depth");
}
