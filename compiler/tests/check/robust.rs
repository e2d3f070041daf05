//! Whatever the text, the checker answers: no panic, no hang, no deep stack.

use std::fmt::Write as _;

use proptest::prelude::*;
use swarm_grammar::diagnostic::{Code, Severity};

use crate::common::{codes, run, run_on};

const WORDS: &[&str] = &[
    "FUNC",
    "ON",
    "START",
    "LET",
    "IF",
    "THEN",
    "ELSE",
    "FOR",
    "EACH",
    "IN",
    "WHERE",
    "WHILE",
    "MAX",
    "RETURN",
    "RECORD",
    "STOP",
    "FAIL",
    "REQUIRE",
    "SUM",
    "COUNT",
    "MIN",
    "ANY",
    "ALL",
    "AND",
    "OR",
    "NOT",
    "DIV",
    "MOD",
    "TRUE",
    "NONE",
    "CONST",
    "TYPE",
    "INPUT",
    "CONTEXT",
    "METRIC",
    "TOTAL",
    "GAUGE",
    "ACTION",
    "QUERY",
    "REQUIRES",
    "IDEMPOTENT",
    "ONCE",
    "COSTS",
    "KEY",
    "INSTRUCTION",
    "PRIORITY",
    "HIGH",
    "DEADLINE",
    "BUDGET",
    "TARGET",
    "AGENTS",
    "x",
    "y",
    "task",
    "task_queue",
    "Task",
    "LOG",
    "memory",
    "int",
    "list",
    "money",
    "duration",
    "string",
    "bool",
    "agent",
    "(",
    ")",
    "{",
    "}",
    "[",
    "]",
    "<",
    ">",
    "=",
    "==",
    "+",
    "-",
    "*",
    "/",
    "??",
    "?",
    "->",
    ":",
    ",",
    ".",
    "..",
    "+=",
    ";",
    "5",
    "1.5",
    "5s",
    "$5",
    "20%",
    "1GB",
    "100Mbps",
    "9223372036854775807",
    "\"a\"",
    "\"{x}\"",
    "STATE",
    "ENUM",
    "EVENT",
    "EVERY",
    "VETO",
    "BECAUSE",
    "TEST",
    "GIVEN",
    "RUN",
    "EXPECT",
    "FAILS",
    "USE",
    "AS",
    "std",
    "MATCH",
    "WHEN",
    "WITHIN",
    "PHASE",
    "TRY",
    "RETRY",
    "TIMES",
    "BACKOFF",
    "ROLLOUT",
    "REPORT",
    "CONTAINS",
    "TOP",
    "BOTTOM",
    "BY",
    "COLLECT",
    "AVG",
    "map",
    "[:]",
    "\n",
];

/// Pieces that parse on their own, so that the checker gets something to do.
const PIECES: &[&str] = &[
    "LET x = y",
    "LET y = 5s",
    "x = x + y",
    "x.a[0] += 1",
    "LOG(x)",
    "IF x { RETURN x }",
    "FOR EACH t IN x { x = t }",
    "WHILE x MAX y { BREAK }",
    "RECORD x = y",
    "LET z: list<Task>? = NONE",
    "z = [Task(id: \"a\")]",
    "IF LET q = z THEN LOG(q[0].id)",
    "LET s = SUM t.cost FOR t IN task_queue",
    "STOP",
    "FAIL \"x\"",
    "CONTINUE",
    "x = IF x THEN y ELSE z ?? 5",
    "LET c: list<int> MAX 3 = [1, len(task_queue)]",
    "c[0] -= c[1]",
    "LET o: int? = NONE",
    "o = 5",
    "IF o == NONE { STOP }",
    "LET r = 5s * 5s / $5 * 1GB",
    "LET w = r / r * r - r",
    "LET d = 9223372036854775807 * 2",
    "w = now - now",
    "RETURN",
    "LET m: map<string, list<int>> = [\"a\": [1]]",
    "m[\"b\"] = c",
    "m[\"a\"] += 1",
    "FOR EACH k, v IN m WHERE v CONTAINS 1 { LOG(\"{k} {v}\") }",
    "LET g: E = two(n: x, of: z)",
    "g = one",
    "MATCH g { WHEN one { STOP } WHEN two(n, _of) { x = n } }",
    "MATCH g { WHEN E.two { BREAK } ELSE { RETURN x } }",
    "MATCH x { WHEN 1, 2 { x = 3 } WHEN y { } ELSE { STOP \"{x}\" } }",
    "MATCH o { WHEN SOME(one_o) { LOG(\"{one_o}\") } WHEN NONE { } }",
    "MATCH x == 1 { WHEN TRUE { RETURN 1 } WHEN FALSE { RETURN 2 } }",
    "TRY LOG(\"{x}\") ELSE { x = 0 }",
    "RETRY 3 TIMES BACKOFF y LOG(message: \"a\") ELSE { CONTINUE }",
    "WITHIN 5s, $5 { x = n } ELSE { n = x }",
    "PHASE \"p\" WITHIN y, 10 tokens { WITHIN y { BREAK } }",
    "n += 1",
    "LET n = TOP 2 t IN z ?? [] BY t.cost",
    "LET l = COLLECT t.id FOR t IN task_queue",
    "LET a = AVG i FOR i IN 1..x",
    "LET b = max(x, 1.5) + abs(y)",
    "c = append(c, [x])",
    "LET f = first(c)",
    "REQUIRE f != NONE ELSE \"{f ?? 0} {l}\"",
    "IF p99(latency) > 5s OR memory CONTAINS x { STOP }",
];

/// Declarations that need each other in every order.
const DECLARATIONS: &[&str] = &[
    "CONST A = B",
    "CONST B = 5s",
    "CONST C: money = $5 * D",
    "CONST D = q()",
    "CONST E = P(a: 1)",
    "CONST F = agent.load",
    "CONST G = f()",
    "CONST H = [A]",
    "CONST I = 1 / 0",
    "CONST J = saved",
    "TYPE P { a: int = K, b: R? = NONE }",
    "CONST K = 3",
    "TYPE R { p: P = P(a: 1) }",
    "TYPE Q { x: duration IN ms = B, y: list<P> MAX K = [] }",
    "TYPE Task { id: string KEY }",
    "TYPE Agent { load: int }",
    "INPUT P: int",
    "INPUT qs: list<Q> MAX 5",
    "CONTEXT pot: money IN USD = C",
    "METRIC saved: money TOTAL",
    "METRIC memory: P GAUGE",
    "QUERY q() -> int REQUIRES a.b",
    "QUERY q2(a: money) -> P? COSTS a, f()",
    "ACTION LOG(message: string) REQUIRES log.write IDEMPOTENT",
    "ACTION LOG(x: int) COSTS $5",
    "FUNC f() -> int { RETURN K }",
    "FUNC g(p: P) -> R { RETURN R(p: p) }",
    "FUNC h() { LOG(\"x\") h() }",
    "ON START { RECORD saved = C }",
    "ON START { h() }",
    "INSTRUCTION X_v2 { TARGET K AGENTS WHERE f() > agent.load }",
    "INSTRUCTION Y { DEADLINE B BUDGET C, 5 }",
    "FUNC len(x: int) -> int { RETURN x }",
    "CONST q = 5",
    "STATE s: int = 0",
    "STATE t: P = P(a: s)",
    "STATE seen: map<string, N> = [\"a\": other]",
    "ENUM N { K, other }",
    "ENUM N { full(of: O), other }",
    "ENUM O { n(n: N), leaf }",
    "TYPE W { n: N = other, o: O = leaf, m: map<N, P> MAX K = [:] }",
    "CONST w = W(n: other)",
    "CONST v = [other: w]",
    "CONST text = \"{K} {B} {w.n}\"",
    "EVENT VOTE(from: string, n: N)",
    "ON VOTE(from, n) MAX K { s += 1 LOG(\"{from} {n}\") }",
    "EVERY B { IF s > K THEN STOP text }",
    "EVERY 1min { h() }",
    "VETO LOG(m) WHEN m CONTAINS \"x\" AND s > 3 BECAUSE \"{K}\"",
    "VETO q2(a) WHEN f() > 1 BECAUSE \"x\"",
    "TEST \"t\" { GIVEN qs = [Q(x: B)] GIVEN s = f() RUN EXPECT s == K EXPECT ACTION LOG(\"x\") }",
    "TEST \"u\" { GIVEN q() = 5 GIVEN LOG(\"x\") FAILS RUN VOTE(\"a\", other) RUN FOR B EXPECT STOP text EXPECT FAIL \"{A}\" }",
    "INSTRUCTION Z { ROLLOUT 1%, 5% WHEN cpu < 5% ELSE HALT EXPECT saved > C BY B STOP WHEN p99(latency) > B REPORT saved, memory }",
    "USE std.statistics",
    "USE std.voting",
    "USE \"other.swarm\" AS other",
];

/// Checks a text: there is a program exactly if there is no error.
fn whole(text: &str) {
    let checked = run_on(text).0;
    let errors = checked.diagnostics.iter().any(|found| found.severity() == Severity::Error);
    assert_eq!(checked.program.is_none(), errors, "{text}");
    assert!(checked.diagnostics.iter().all(|found| found.code != Code::E0190), "{text}");
}

proptest! {
    #[test]
    fn token_soup(words in proptest::collection::vec(proptest::sample::select(WORDS), 0..80)) {
        whole(&words.join(" "));
    }

    #[test]
    fn statement_soup(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..30)) {
        let around = "CONST y = 5s\nMETRIC x: money TOTAL\nENUM E { one, two(n: int, of: list<Task>?) }\nSTATE n: int = 0\n";
        whole(&format!("{around}FUNC f(x: int?) -> int {{ {} }}", pieces.join("\n")));
        whole(&format!("{around}ON START {{ LET x = 1 {} }}", pieces.join("\n")));
    }

    #[test]
    fn declaration_soup(pieces in proptest::collection::vec(proptest::sample::select(DECLARATIONS), 0..12)) {
        whole(&pieces.join("\n"));
    }

    #[test]
    fn any_text(text in "\\PC*") {
        run_on(&text);
    }
}

#[test]
fn cut_at_every_byte() {
    let text = "INSTRUCTION A_v2 { BUDGET $5 TARGET 5 AGENTS WHERE agent.load < 5% }\nTYPE T { a: int KEY = 5, b: list<int> MAX 5 = [] }\n\
                CONST c = 5s * 2\nQUERY q(a: T) -> money? REQUIRES a.b COSTS $5\nFUNC f(a: T) -> money { RETURN q(a) ?? $5 * 2 }\n\
                ON START { FOR EACH i, t IN task_queue WHERE t.cpu_time > c { IF f(T(a: i)) > $5 THEN STOP \"x\" } }";
    assert_eq!(codes(text), Vec::<&str>::new());
    for end in 0..text.len() {
        whole(&text[..end]);
    }
}

#[test]
fn nesting_is_no_danger() {
    for depth in [10_usize, 200, 256, 300, 5_000] {
        let parentheses = format!("ON START {{ LET x = {}1{} }}", "(".repeat(depth), ")".repeat(depth));
        let sums = format!("ON START {{ LET x = 1{} }}", " + 1.5".repeat(depth));
        let signs = format!("ON START {{ LET x = {}1 }}", "- ".repeat(depth));
        let blocks = format!(
            "ON START {{ {} LOG(\"x\") {} }}",
            "IF len(task_queue) > 1 {".repeat(depth),
            "}".repeat(depth)
        );
        let lists = format!("ON START {{ LET x = {}1{} }}", "[".repeat(depth), "]".repeat(depth));
        let arms = format!(
            "ON START {{ IF len(task_queue) > 0 {{ }} {} }}",
            "ELSE IF len(task_queue) > 1 { }".repeat(depth)
        );
        let calls = format!(
            "FUNC f(n: int) -> int {{ RETURN n }}\nON START {{ LET x = {}1{} }}",
            "f(".repeat(depth),
            ")".repeat(depth)
        );
        let inner = "IF ALL ((".repeat(depth.min(90))
            + "TRUE"
            + &") == TRUE) FOR t IN task_queue {".repeat(depth.min(90));
        let both = format!("ON START {{ {inner} {} }}", "}".repeat(depth.min(90)));
        let deep = format!(
            "FUNC f(n: int) -> int {{ RETURN n }}\nON START {{ {} LET x = {}1{} {} }}",
            "FOR i IN 1..9 {".repeat(depth.min(120)),
            "f(".repeat(depth),
            ")".repeat(depth),
            "}".repeat(depth.min(120))
        );
        for text in [parentheses, sums, signs, blocks, lists, arms, calls, both, deep] {
            run_on(&text);
        }
    }
}

#[test]
fn long_chains_are_no_danger() {
    let many = 20_000;
    let mut constants = String::from("CONST c0 = 1\n");
    let mut types = String::from("TYPE T0 { a: int }\n");
    let mut functions = String::from("FUNC f0() { }\n");
    let mut lists = String::from("ON START { LET x0 = [1]\n");
    for at in 1..many {
        let before = at - 1;
        writeln!(constants, "CONST c{at} = c{before} + 1").unwrap();
        writeln!(types, "TYPE T{at} {{ a: T{before} }}").unwrap();
        writeln!(functions, "FUNC f{at}() {{ f{before}() }}").unwrap();
        writeln!(lists, "LET x{at} = [x{before}]").unwrap();
    }
    // Backwards, so that each needs one that comes later.
    let backwards: String = constants.lines().rev().fold(String::new(), |text, line| text + line + "\n");
    let last = many - 1;
    assert_eq!(
        codes(&format!("{backwards}ON START {{ IF len(task_queue) > c{last} THEN LOG(\"x\") }}")),
        Vec::<&str>::new()
    );
    assert!(codes(&format!("{types}ON START {{ LOG(\"x\") }}")).contains(&"E0125"));
    assert_eq!(codes(&functions), Vec::<&str>::new());
    assert!(codes(&format!("{lists}}}")).contains(&"E0125"));
}

#[test]
fn constants_do_not_explode() {
    let mut lists = String::from("CONST c0 = [1, 2, 3, 4, 5, 6, 7, 8]\n");
    let mut texts = String::from("CONST c0 = \"12345678\"\n");
    let mut records = String::from("TYPE T0 { a: int = 1 }\nCONST c0 = T0()\n");
    for at in 1..60 {
        let before = at - 1;
        let list = format!("c{before}, ").repeat(8);
        writeln!(lists, "CONST c{at} = [{list}]").unwrap();
        let text = format!("{{c{before}}}").repeat(8);
        writeln!(texts, "CONST c{at} = \"{text}\"").unwrap();
        let values = format!("T{before}(), ").repeat(8);
        writeln!(records, "TYPE T{at} {{ a: T{before} = T{before}(), b: T{before} = T{before}() }}").unwrap();
        writeln!(records, "CONST c{at} = [{values}]").unwrap();
    }
    for (text, code) in [(lists, "E0125"), (texts, "E0118"), (records, "E0125")] {
        let found = codes(&format!("{text}ON START {{ LOG(\"{{c59}}\") }}"));
        assert!(found.contains(&code), "{found:?}");
    }
}

#[test]
fn large_programs_take_no_longer_than_their_size() {
    let many = 4_000;
    let lines = |line: &dyn Fn(usize) -> String| -> String {
        (0..many).map(line).collect::<Vec<String>>().join("\n")
    };
    let programs = [
        // Every name unknown, with many that are near
        format!("ON START {{\n{}\n}}", lines(&|at| format!("LET x{at} = y{at}"))),
        format!("EVENT E(n: int)\n{}", lines(&|at| format!("ON E{at}(n) {{ LOG(\"{{n}}\") }}"))),
        format!(
            "ENUM E {{ {} }}\nON START {{\n{}\n}}",
            lines(&|at| format!("c{at}")),
            lines(&|at| format!("LOG(\"{{E.c{at}}}\")"))
        ),
        format!(
            "INPUT n: int\nON START {{ MATCH n {{ WHEN {} {{ }} ELSE {{ }} }} }}",
            lines(&|at| format!("{at},"))
        ),
        lines(&|at| format!("STATE s{at}: int = {at}\nEVERY 5s {{ s{at} += 1 }}")),
        lines(&|at| {
            format!("VETO LOG(m) WHEN m == \"{at}\" BECAUSE \"x\"\nTEST \"t{at}\" {{ EXPECT {at} == {at} }}")
        }),
        lines(&|_| "USE std.statistics".to_owned()),
    ];
    for text in programs {
        run(&text);
    }
}

#[test]
fn checking_twice_says_the_same() {
    let text = "ON START { LET x = nope IF task.memory > 5s THEN LOG(5) }";
    assert_eq!(run_on(text).0.diagnostics, run_on(text).0.diagnostics);
}
