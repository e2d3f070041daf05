//! Slips: each gives its message, once, and none for what follows from it.

use crate::common::{apply, codes, render, run_on};

#[test]
fn slips_and_their_codes() {
    let table: &[(&str, &[&str])] = &[
        // One slip, however often what it spoils is used
        ("ON START { LET x = nope LET y = x + 1 IF y > x THEN LOG(y) }", &["E0101"]),
        ("ON START { IF xs > 1 THEN LOG(\"a\") IF xs > 2 THEN LOG(\"b\") }", &["E0101"]),
        (
            "FUNC f(a: Nope) -> Nope { RETURN a }\nON START { LET x = f(1) IF x > 2 THEN LOG(\"x\") }",
            &["E0104", "E0104"],
        ),
        ("TYPE A { x: Nope }\nON START { LET a = A(x: 5) IF a.x > 3 THEN LOG(\"x\") }", &["E0104"]),
        ("CONST A = B\nCONST B = A\nCONST C = B\nON START { IF C > 1 THEN LOG(\"x\") }", &["E0119"]),
        ("CONST A = 1 / 0\nON START { IF A > 1.0 THEN LOG(\"x\") }", &["E0118"]),
        ("ON START { MATCH 5 { WHEN 5 { RETURN } } }", &["E0128"]),
        ("STATE n: int = nope\nON START { n = n + 1 IF n > 5 THEN n = 0 }", &["E0101"]),
        ("QUERY q() -> int\nCONST A = q()\nON START { IF A > 1 THEN LOG(\"x\") }", &["E0117"]),
        ("ON START { LET x = 5 FOR EACH x IN [1] { LOG(\"x\") } IF x > 3 THEN LOG(\"x\") }", &["E0102"]),
        ("CONST A = Task(id: nope)\nON START { LOG(A.id) }", &["E0101"]),
        (
            "TYPE A { b: B = B(x: 1) }\nTYPE B { x: int }\nINPUT a: A\nON START { IF a.b.x > 1 THEN LOG(\"x\") }",
            &["E0131"],
        ),
        ("CONST A = COUNT(FOR i IN 1..3)\nON START { IF A > 1 THEN LOG(\"x\") }", &["E0117"]),
        // Names
        ("ON START { x = 5 }", &["E0101"]),
        ("ON START { LOGG(\"a\") }", &["E0101"]),
        ("FUNC f() { }\nFUNC f() { }\nON START { f() }", &["E0102"]),
        ("FUNC f(a: int, a: int) { IF a > 1 THEN LOG(\"x\") }\nON START { f(1, 2) }", &["E0102", "E0102"]),
        ("CONST x = 5\nON START { LET x = 6 IF x > 1 THEN LOG(\"x\") }", &["E0102"]),
        ("TYPE money { x: int }\nON START { LOG(\"x\") }", &["E0102"]),
        ("INPUT a: list\nON START { LOG(\"x\") }", &["E0104"]),
        ("INPUT a: task_queue\nON START { LOG(\"x\") }", &["E0104"]),
        // Types
        ("ON START { LET x: int = \"a\" IF x > 1 THEN LOG(\"x\") }", &["E0103"]),
        ("ON START { LET xs = [1, \"a\"] IF len(xs) > 1 THEN LOG(\"x\") }", &["E0103"]),
        ("ON START { LET x = IF TRUE THEN 1 ELSE \"a\" LOG(x) }", &["E0103"]),
        ("ON START { LET x: int = NONE IF x > 1 THEN LOG(\"x\") }", &["E0103"]),
        ("ON START { IF LET x = 5 THEN LOG(\"x\") }", &["E0103"]),
        ("ON START { LET x = 5 ?? 6 IF x > 1 THEN LOG(\"x\") }", &["E0103"]),
        ("ON START { LET x = 5 IF x == NONE THEN LOG(\"x\") }", &["E0103"]),
        ("ON START { LET x = [] LOG(x) }", &["E0120"]),
        ("ON START { LET x: list<int> MAX 2 = [1, 2, 3] IF len(x) > 1 THEN LOG(\"x\") }", &["E0103"]),
        ("ON START { FOR EACH t IN task_queue { t.priority = 5 } }", &["E0109"]),
        ("FUNC f(n: int) { n = 5 }\nON START { f(1) }", &["E0109"]),
        ("ON START { task_queue = [] }", &["E0109"]),
        ("ON START { now.x = 5 }", &["E0109"]),
        ("ON START { LET x = Task(name: \"a\") LOG(x.name) }", &["E0106"]),
        ("ON START { REDUCE_CPU_THROTTLE(by: 20%, by: 30%) }", &["E0106", "E0107"]),
        ("ON START { LOG(message: \"a\", \"b\") }", &["E0106"]),
        ("ON START { LET x = LOG(\"a\") LOG(x) }", &["E0112"]),
        ("ON START { now() }", &["E0111"]),
        ("ON START { LOG(task_queue[0].id.upper()) }", &["E0111"]),
        ("ON START { LET n: int = 1.5 IF n > 1 THEN LOG(\"x\") }", &["E0122"]),
        ("ON START { LET n = round(\"a\") IF n > 1 THEN LOG(\"x\") }", &["E0103"]),
        ("ON START { FOR a, b IN 1..3 { IF a > b THEN LOG(\"x\") } }", &["E0110"]),
        ("ON START { LET x = SUM t.id FOR t IN task_queue LOG(x) }", &["E0110"]),
        ("ON START { LOG(\"a {nope}\") }", &["E0101"]),
        ("INSTRUCTION A { TARGET 50% AGENTS }\nON START { LOG(\"x\") }", &["E0202"]),
        (
            "ON START { FOR EACH task IN task_queue WHERE cpu_time > 5s { REDUCE_CPU_THROTTLE(task, 5%) } }",
            &["E0101"],
        ),
        ("INSTRUCTION A { TARGET ALL AGENTS WHERE region == \"eu\" }\nON START { LOG(\"x\") }", &["E0101"]),
        // The whole program
        ("FUNC f(n: int) { IF n > 1 THEN LOG(\"x\") }", &["E0121"]),
        ("FUNC a() { b() }\nFUNC b() { a() }", &["E0121", "W0108"]),
        ("ON START { }\nON START { }", &["E0121"]),
        // The border
        ("ON START { IF ANY REDUCE_CPU_THROTTLE(t, 5%) FOR t IN task_queue THEN RETURN }", &["E0304"]),
        (
            "INSTRUCTION A { TARGET ALL AGENTS WHERE len(task_queue) > 5 }\nON START { LOG(\"x\") }",
            &["E0304"],
        ),
        (
            "INSTRUCTION A { TARGET ALL AGENTS WHERE f() }\nFUNC f() -> bool { RETURN now > now }\nON START { LOG(\"x\") }",
            &["E0304"],
        ),
        ("INSTRUCTION A { DEADLINE 5 }\nON START { LOG(\"x\") }", &["E0202"]),
        ("INSTRUCTION A { DEADLINE -5s }\nON START { LOG(\"x\") }", &["E0303"]),
        ("INSTRUCTION A { BUDGET 500, $5, $6 }\nON START { LOG(\"x\") }", &["E0202", "E0301"]),
        ("INSTRUCTION A { REPORT saved EVERY 5s }\nON START { LOG(\"x\") }", &["E0101"]),
        ("INSTRUCTION A { }\nINSTRUCTION B { }\nON START { LOG(\"x\") }", &["E0301"]),
        ("QUERY q() REQUIRES a.b\nON START { q() }", &["E0305"]),
        ("ACTION A() IDEMPOTENT ONCE\nON START { A() }", &["E0306"]),
        ("ACTION A() COSTS 5s\nON START { A() }", &["E0306"]),
        ("ACTION A() COSTS -$5\nON START { A() }", &["E0303"]),
        ("ACTION LOG(message: string) REQUIRES log.write ONCE\nON START { LOG(\"x\") }", &["E0307"]),
        ("FUNC LOG(message: string) { }\nON START { LOG(\"x\") }", &["E0307"]),
        (
            "TYPE A { x: int KEY, y: int KEY }\nINPUT a: A\nON START { IF a.x > a.y THEN LOG(\"x\") }",
            &["E0301"],
        ),
        ("INPUT a: int KEY\nON START { IF a > 1 THEN LOG(\"x\") }", &["E0310"]),
    ];
    hold(table);
}

#[test]
fn slips_that_were_said_twice_or_not_at_all() {
    let table: &[(&str, &[&str])] = &[
        // Conditions that never change
        ("ON START { LET n = len(task_queue) IF n > 5 AND n < 3 THEN LOG(\"x\") }", &["W0105"]),
        ("ON START { LET n = len(task_queue) IF n > 5 AND 5 >= n THEN LOG(\"x\") }", &["W0105"]),
        ("ON START { LET n = len(task_queue) IF n == 5 AND n == 6 THEN LOG(\"x\") }", &["W0105"]),
        ("ON START { LET n = len(task_queue) IF n != 5 OR n != 6 THEN LOG(\"x\") }", &["W0105"]),
        ("ON START { LET n = len(task_queue) IF n > 5 OR n <= 5 THEN LOG(\"x\") }", &["W0105"]),
        ("ON START { LET n = len(task_queue) IF n >= 5 AND n <= 5 THEN LOG(\"x\") }", &[]),
        ("ON START { LET n = len(task_queue) IF n > 3 OR n < 2 THEN LOG(\"x\") }", &[]),
        ("ON START { LET n = len(task_queue) LET m = 3 IF n > 5 AND m < 3 THEN LOG(\"x\") }", &[]),
        ("ON START { LET n = 5 WHILE n < 3 AND n > 4 MAX 5 { n += 1 } }", &["W0105"]),
        // One slip, one message
        ("ON START { LET n = 1 LET b = 1 < n < 3 IF b THEN LOG(\"x\") }", &["E0023"]),
        ("ON START { LET m: map<float, int> MAX 3 = [:] IF len(m) > 1 THEN LOG(\"x\") }", &["E0110"]),
        ("ON START { FOR EACH k IN [\"a\": 1] { LOG(k) } }", &["E0110"]),
        (
            "ON START { LET x = MAX t.cost FOR t IN task_queue IF x > $1 OR x > $2 THEN LOG(\"x\") }",
            &["E0108"],
        ),
        (
            "ENUM S { OTHER(name: string), low }\nINPUT s: S\nON START { IF s == low THEN LOG(\"x\") }",
            &["E0133"],
        ),
        // Unused: only where something starts
        (
            "TYPE A { x: int }\nACTION GO()\nEVENT E()\nINPUT n: int\nMETRIC m: int TOTAL\nUSE std.voting\nON START { LOG(\"x\") }",
            &["W0113", "W0113", "W0113", "W0113", "W0113", "W0114"],
        ),
        ("TYPE A { x: int }\nACTION GO()\nFUNC f() -> int { RETURN 1 }\nTEST \"f\" { EXPECT f() == 1 }", &[]),
        ("TYPE _A { x: int }\nFUNC _f(_x: int) { }\nON START { LOG(\"x\") }", &[]),
        ("FUNC f(x: int) -> int { RETURN 1 }\nON START { LOG(\"{f(x: 1)}\") }", &["W0101"]),
        ("ENUM S { low, OTHER }\nINPUT s: S\nON START { IF s == low THEN LOG(\"x\") }", &["E0133"]),
        ("ON START { IF task_queue[0].cost > $5/hour THEN LOG(\"x\") }", &["E0205"]),
        ("ON START { IF task_queue[0].cost > 5s THEN LOG(\"x\") }", &["E0201"]),
    ];
    hold(table);
}

/// Texts give these codes, in alphabetical order.
fn hold(table: &[(&str, &[&str])]) {
    for (text, expected) in table {
        let (checked, sources) = run_on(text);
        let words: Vec<String> = checked.diagnostics.iter().map(|found| render(found, &sources)).collect();
        let mut found = codes(text);
        found.sort_unstable();
        assert_eq!(&found, expected, "{text}\n{}", words.join("\n"));
    }
}

/// Every fix that any of these gives must mend what it is for.
#[test]
fn fixes_mend() {
    let table = [
        "ON START { x = 5 IF x > 1 THEN LOG(\"x\") }",
        "ON START { IF ANY t.cost > 5 FOR t IN task_queue THEN LOG(\"x\") }",
        "ON START { IF ANY 5Mbps < t.memory FOR t IN task_queue THEN LOG(\"x\") }",
        "ON START { IF ANY t.memory > 100Mbps FOR t IN task_queue THEN LOG(\"x\") }",
        "ON START { IF ANY t.network > 5GiB FOR t IN task_queue THEN LOG(\"x\") }",
        "ON START { IF ANY t.tokens > 5 FOR t IN task_queue THEN LOG(\"x\") }",
        "ON START { LET s: float = 20% IF s > 0.1 THEN LOG(\"x\") }",
        "ON START { LET p = 20% IF ANY t.cost - p > $1 FOR t IN task_queue THEN LOG(\"x\") }",
        "ON START { IF ANY t.cost + 20% > $1 FOR t IN task_queue THEN LOG(\"x\") }",
        "ON START { FOR a, b IN 1..3 { IF b > 1 THEN LOG(\"x\") } }",
        "ON START { LET x = (MAX t.cost FOR t IN task_queue) * 2 IF x > $1 THEN LOG(\"x\") }",
        "ON START { LET x: money = MAX t.cost FOR t IN task_queue IF x > $1 THEN LOG(\"x\") }",
        "ON START { LET x = 5 ?? 6 IF x > 1 THEN LOG(\"x\") }",
        "ON START { IF task_queue.length > 5 THEN LOG(\"x\") }",
        "ON START { LET x = 5sec IF x > 1s THEN LOG(\"x\") }",
        "ON START { IF len(task_queue) THEN LOG(\"x\") }",
        "ON START { IF task_queue THEN LOG(\"x\") }",
        "ON START { IF ANY t.name FOR t IN task_queue THEN LOG(\"x\") }",
        "ON START { LET x = MAX t.cost FOR t IN task_queue IF x THEN LOG(\"x\") }",
        "ON START { LET p: percent = 0.125 IF p > 12% THEN LOG(\"x\") }",
        "ON START { LET d: duration = \"5s\" IF d > 1s THEN LOG(\"x\") }",
        "ON START { LET f: float = 20% IF f > 0.1 THEN LOG(\"x\") }",
        "ON START { IF task_queue.size() > 1 THEN LOG(\"x\") }",
        "FUNC f(n: int) { RETURN n * 2 }\nON START { LOG(\"{f(2)}\") }",
        "TYPE A { n: bytes MAX 5 }\nON START { LOG(\"{A(n: 1B).n}\") }",
        "ON START { LET x: Vec<int> = [1] IF len(x) > 0 THEN LOG(\"x\") }",
        "FUNC f(m: HashMap<string, int>) -> int { RETURN len(m) }\nON START { LOG(\"{f([:])}\") }",
        "ON START { LET x = 1gb IF x > 1B THEN LOG(\"x\") }",
        "INSTRUCTION A { BUDGET 500 }\nON START { LOG(\"x\") }",
        "FUNC a() { b() }\nFUNC b() { IF len(task_queue) > 5 { a() } }",
        "",
    ];
    for text in table {
        let (checked, _) = run_on(text);
        let with_fix = checked.diagnostics.iter().find(|found| found.fix.is_some());
        let found = with_fix.unwrap_or_else(|| panic!("no fix for {text}: {:?}", checked.diagnostics));
        let mended = apply(text, found.fix.as_ref().expect("a fix"));
        let (checked, sources) = run_on(&mended);
        let left: Vec<String> = checked.diagnostics.iter().map(|found| render(found, &sources)).collect();
        assert!(checked.program.is_some(), "{text}\n{mended}\n{}", left.join("\n"));
    }
}

#[test]
fn several_slips_in_one_run() {
    let text = "INSTRUCTION A_v1 { PRIORITY HIHG }\nCONST LIMIT = 5GB / 0\n\
                FUNC heavy(task: Task) -> bool { RETURN task.memry > LIMIT }\n\
                ON START {\n  FOR EACH task IN task_queue WHERE heavy(task) {\n    IF task.network > 1GB THEN LOG(5)\n  }\n  BREAK\n}";
    assert_eq!(codes(text), ["E0302", "E0118", "E0105", "E0201", "E0103", "E0115"]);
}
