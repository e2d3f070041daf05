//! COUNT, SUM, MIN, MAX, ANY, ALL.

use super::harness::{Program, Run};

const HEAD: &str = "
    TYPE Job { id: string KEY  cost: money  load: float  priority: int }
    INPUT jobs: list<Job> MAX 50
    ACTION INT(value: int)
    ACTION FLOAT(value: float)
    ACTION MONEY(value: money)
    ACTION BOOL(value: bool)
    ACTION TEXT(value: string)
    ACTION MAYBE(value: int?)
    ";

const JOBS: &str = r#"{"jobs": [
    {"id": "a", "cost": "$3", "load": 0.5, "priority": 2},
    {"id": "b", "cost": "$1", "load": 1.5, "priority": 7},
    {"id": "c", "cost": "$2", "load": 0.25, "priority": 4}
]}"#;

fn over(jobs: &str, main: &str) -> Run {
    Program::of(&format!("{HEAD} FUNC main() {{ {main} }}")).input(jobs).run()
}

fn jobs(main: &str) -> Run {
    over(JOBS, main)
}

fn none(main: &str) -> Run {
    over(r#"{"jobs": []}"#, main)
}

#[test]
fn count() {
    let text = "INT(COUNT(FOR job IN jobs))  INT(COUNT(FOR job IN jobs WHERE job.priority > 3))";
    jobs(text).done("INT(3) INT(2)", 48);
    none(text).done("INT(0) INT(0)", 28);
}

#[test]
fn sum() {
    let text = "
        INT(SUM job.priority FOR job IN jobs)
        MONEY(SUM job.cost FOR job IN jobs WHERE job.priority > 3)
        FLOAT(SUM job.load FOR job IN jobs)
        MONEY(SUM job.cost * 50% FOR job IN jobs)";
    jobs(text).done("INT(13) MONEY($3) FLOAT(2.25) MONEY($3)", 130);
    none(text).done("INT(0) MONEY($0) FLOAT(0.0) MONEY($0)", 57);
}

#[test]
fn sum_that_overflows() {
    jobs("INT(SUM job.priority * 4_000_000_000_000_000_000 FOR job IN jobs)").trapped("overflow", 13);
}

#[test]
fn least_and_greatest_with_a_value_for_none() {
    let text = "
        MONEY(MIN(job.cost FOR job IN jobs) ?? $9)
        INT(MAX(job.priority FOR job IN jobs) ?? -1)
        FLOAT(MIN(job.load FOR job IN jobs) ?? 9.0)";
    jobs(text).done("MONEY($1) INT(7) FLOAT(0.25)", 112);
    none(text).done("MONEY($9) INT(-1) FLOAT(9.0)", 49);
}

#[test]
fn least_and_greatest_taken_apart() {
    let text = "
        IF LET most = MAX(job.priority FOR job IN jobs WHERE job.priority < 7) { INT(most) } ELSE { INT(0) }
        IF LET least = MIN(job.priority FOR job IN jobs WHERE job.priority > 9) { INT(least) } ELSE { INT(0) }";
    jobs(text).done("INT(4) INT(0)", 79);
}

#[test]
fn least_and_greatest_compared_with_none() {
    let text = "
        BOOL(MIN(job.priority FOR job IN jobs) == NONE)
        BOOL(MIN(job.priority FOR job IN jobs) != NONE)
        IF MIN(job.priority FOR job IN jobs WHERE job.priority > 9) == NONE THEN INT(1)";
    jobs(text).done("BOOL(false) BOOL(true) INT(1)", 106);
    none(text).done("BOOL(true) BOOL(false) INT(1)", 48);
}

#[test]
fn least_and_greatest_kept() {
    let text = "LET least = MIN(job.priority FOR job IN jobs)  MAYBE(least)  INT(least ?? 0)";
    jobs(text).done("MAYBE(2) INT(2)", 57);
    none(text).done("MAYBE(null) INT(0)", 30);
}

#[test]
fn any_and_all() {
    let text = "
        BOOL(ANY job.priority > 6 FOR job IN jobs)
        BOOL(ANY job.priority > 7 FOR job IN jobs)
        BOOL(ALL job.priority > 1 FOR job IN jobs)
        BOOL(ALL job.priority > 2 FOR job IN jobs)
        BOOL(ALL job.priority > 3 FOR job IN jobs WHERE job.load > 0.5)";
    jobs(text).done("BOOL(true) BOOL(false) BOOL(true) BOOL(false) BOOL(true)", 147);
    none(text).done("BOOL(false) BOOL(false) BOOL(true) BOOL(true) BOOL(true)", 71);
}

#[test]
fn any_and_all_stop_at_the_first_that_decides() {
    let first = jobs("IF ANY job.priority == 2 FOR job IN jobs { INT(1) }");
    let last = jobs("IF ANY job.priority == 4 FOR job IN jobs { INT(1) }");
    assert!(first.fuel < last.fuel);
}

#[test]
fn aggregates_in_aggregates() {
    let text = "
        INT(SUM COUNT(FOR b IN jobs WHERE b.priority < a.priority) FOR a IN jobs)
        BOOL(ALL ANY(b.priority >= a.priority FOR b IN jobs) FOR a IN jobs)";
    jobs(text).done("INT(3) BOOL(true)", 164);
}

#[test]
fn aggregates_over_ranges_and_literals() {
    jobs("INT(SUM i * i FOR i IN 1..4)  INT(COUNT(FOR i IN 1..10 WHERE i MOD 3 == 0))  INT(MAX(n FOR n IN [4, 8, 6]) ?? 0)")
        .done("INT(30) INT(3) INT(8)", 175);
}

#[test]
fn an_aggregate_of_what_it_is_assigned_to() {
    jobs("LET n = 2  n = SUM i * n FOR i IN 1..3  INT(n)").done("INT(12)", 30);
    jobs("LET on = TRUE  on = ALL on FOR job IN jobs  BOOL(on)").done("BOOL(true)", 29);
}
