//! The whole language: a program for each construct, and a slip for each rule about it.

use swarm_bytecode::module::{GateFailure, MetricKind};
use swarm_bytecode::types::{Constant, Type, TypeId};
use swarm_compiler::NoFiles;
use swarm_compiler::typed::{ExprKind, Program, Source, StatementKind, TestStepKind};

use crate::common::{Files, apply, codes, render, root, run_file_on, run_on};

fn good(text: &str) -> Program {
    let (checked, sources) = run_on(text);
    let words: Vec<String> = checked.diagnostics.iter().map(|found| render(found, &sources)).collect();
    assert!(words.is_empty(), "{text}\n{}", words.join("\n"));
    checked.program.expect("a program without diagnostics is complete")
}

/// Declarations that the bodies below speak of.
const AROUND: &str = "ENUM Severity { low, medium, critical(cve: string, score: int) }\nENUM Mode { idle, busy }\n\
    TYPE Alert { id: string KEY, severity: Severity = low, at: time, seen: map<string, int> MAX 8 = [:] }\n\
    INPUT alerts: list<Alert> MAX 100\nINPUT modes: map<string, Mode> MAX 10\nINPUT prices: map<string, money>\n\
    INPUT maybe: money?\nINPUT word: string\nINPUT pace: float/duration\nCONTEXT pot: money\n\
    METRIC saved: money TOTAL\nMETRIC load: percent GAUGE\nMETRIC wait: duration DISTRIBUTION\n\
    STATE rounds: int = 0\nSTATE counts: map<string, int> MAX 50 = [:]\nSTATE window: list<float> MAX 5 = []\n\
    STATE mode: Mode = idle\nACTION PAY(to: string, amount: money) REQUIRES bank.pay ONCE COSTS $0.05\n\
    QUERY quote(region: string) -> money? REQUIRES region.read\nCONST eu = \"eu\"\nCONST limits = [$1, $2]\n\
    FUNC use_all() {\n  rounds = rounds + len(counts) + len(window) + (IF mode == idle THEN 1 ELSE 0) + len(limits)\n  LOG(eu)\n}\n";

fn around(statements: &str) -> String {
    format!("{AROUND}ON START {{\n  use_all()\n{statements}\n}}\n")
}

#[test]
fn statements_of_every_kind() {
    let bodies = [
        // STATE
        "rounds += 1\nIF rounds > 3 THEN rounds = 0",
        "counts[\"a\"] = counts[\"a\"] ?? 0 + 1",
        "window = append(window, [1.5])\nIF len(window) > 3 THEN window = slice(window, 1, 3)",
        "mode = busy\nIF mode == Mode.busy THEN mode = idle",
        // ENUM and MATCH
        "FOR EACH a IN alerts {\n MATCH a.severity {\n WHEN low, medium { CONTINUE }\n WHEN critical(cve, score) { LOG(\"{cve}: {score}\") }\n }\n}",
        "FOR EACH a IN alerts {\n MATCH a.severity { WHEN Severity.critical(_cve, score) { rounds += score } ELSE { } }\n}",
        "LET s = critical(cve: \"x\", score: 9)\nIF s != Severity.low AND s != critical(\"y\", 2) THEN LOG(\"new\")",
        "MATCH maybe { WHEN SOME(m) { RECORD saved = m } WHEN NONE { LOG(\"none\") } }",
        "MATCH maybe { WHEN NONE { LOG(\"none\") } ELSE { LOG(\"some\") } }",
        "MATCH word { WHEN eu, \"us\" { LOG(\"near\") } WHEN \"ap\" { LOG(\"far\") } ELSE { LOG(word) } }",
        "MATCH rounds { WHEN 1, 2, 3 { LOG(\"few\") } WHEN -1 { LOG(\"odd\") } ELSE { LOG(\"many\") } }",
        "MATCH rounds > 1 { WHEN TRUE { LOG(\"yes\") } WHEN FALSE { LOG(\"no\") } }",
        "MATCH pot { WHEN $5 { LOG(\"five\") } ELSE { } }",
        // maps
        "LET m = [\"a\": 1, \"b\": 2]\nm[\"c\"] = 3\nFOR EACH k, v IN m { LOG(\"{k}: {v}\") }",
        "LET m: map<int, list<int>> = [:]\nm[1] = [1, 2]\nLOG(\"{len(m[1] ?? [])}\")",
        "LET m: map<Mode, money> = [idle: $1, busy: $2]\nRECORD saved = m[mode] ?? $0",
        "LET dearest = TOP 1 p IN prices BY p\nIF len(dearest) > 0 THEN LOG(\"{dearest[0]}\")",
        "RECORD saved = SUM v FOR k, v IN prices WHERE k != \"x\"",
        "IF modes CONTAINS \"a\" AND len(modes) > 1 THEN LOG(\"{keys(modes)}\")",
        "FOR EACH name, m IN modes WHERE m == busy { LOG(name) }",
        // CONTAINS
        "FOR EACH t IN task_queue WHERE t.tags CONTAINS \"eu-only\" { LOG(t.id) }",
        "IF word CONTAINS \"eu\" AND NOT (limits CONTAINS pot) THEN LOG(\"eu\")",
        // texts
        "LOG(\"{pot} of {len(alerts)}: {rounds > 1}, {pace}, {[1, 2]}, {{x}} {1 + 2}\")",
        "FOR EACH a IN alerts { LOG(\"{a} at {a.at}: {a.severity}\") }",
        "REQUIRE pot > $0 ELSE \"nothing in {word}\"\nSTOP \"{pot} is enough\"",
        "FAIL \"{word} is not there\"",
        // aggregates
        "IF LET mean = AVG a.seen[\"x\"] ?? 0 FOR a IN alerts { LOG(\"{mean}\") }",
        "RECORD saved = AVG(t.cost FOR t IN task_queue) ?? $0",
        "LET ids: list<string> = COLLECT t.id FOR t IN task_queue WHERE t.cost > $1\nLOG(join(ids, \", \"))",
        "LET xs: list<float> MAX 3 = COLLECT i * 2 FOR i IN 1..3\nLET some: list<money?> = COLLECT t.cost FOR t IN task_queue\nLOG(\"{len(xs) + len(some)}\")",
        "LET few: list<Task> MAX 5 = TOP 9 t IN task_queue BY t.cost\nLET ids: list<string> MAX 5 = COLLECT t.id FOR t IN few\nLOG(\"{ids}\")",
        "FOR EACH t IN TOP 3 t IN task_queue WHERE t.cost > $0 BY t.cost { LOG(t.id) }",
        "LET n = 2\nLET least = BOTTOM n t IN task_queue BY t.id\nLOG(\"{len(least)}\")",
        "LOG((MIN t.id FOR t IN task_queue) ?? \"\")\nLOG((MAX t.region FOR t IN task_queue) ?? \"\")",
        "LET all = COLLECT v * 2 FOR k, v IN prices WHERE k != eu\nRECORD saved = first(all) ?? $0",
        // natives
        "LET a = max(1, 2) + abs(-3) + len(\"abc\") + round(2.6)\nLET b = min(1, 2.5) + floor(1.5)\nIF a > 1 AND b > 1.0 THEN LOG(upper(word))",
        "IF near(1.0, 1.001, 0.1%) AND (ratio(pot, $5) ?? 0.0) > 0.5 THEN LOG(left(word, 3))",
        "LET xs = sort([3, 1, 2])\nLET ys: list<int> MAX 5 = append(xs, [4, 5])\nLOG(\"{get(ys, 0) ?? 0} {index_of(ys, 3) ?? -1}\")",
        "LET part = clamp(value: 15%, low: 0%, high: 10%)\nRECORD load = part",
        "IF now > time(\"2026-11-20T08:00:00Z\") AND hour(now) < 12 THEN LOG(\"morning\")",
        "IF (p99(wait) ?? 0s) > 5s OR (mean(wait) ?? 0s) > 1s THEN LOG(\"slow\")",
        // rates
        "LET price: money/duration = $12.50/h\nRECORD saved = price * 2h\nIF pace > 89/min THEN LOG(\"fast\")",
        "LET used = 1GB / 8s\nIF used == 1Gbps THEN LOG(\"exact\")",
        // budgets and outcomes
        "WITHIN 30s, $5, 10_000 tokens { use_all() } ELSE { LOG(\"too dear\") }",
        "WITHIN pot * 20% { use_all() }",
        "PHASE \"look\" { use_all() }\nPHASE \"act\" WITHIN 10min { use_all() } ELSE { rounds = 0 }",
        "TRY PAY(\"a\", $1) ELSE { FAIL \"not paid\" }",
        "RETRY 3 TIMES BACKOFF 100ms PAY(to: \"a\", amount: $1) ELSE { RECORD saved = $1 }",
        "WITHIN 5s { TRY PAY(\"a\", $1) ELSE { } }",
        "IF LET q = quote(\"eu\") { PAY(\"eu\", q) } ELSE { LOG(\"no quote\") }",
        // the same thing is not undone by a bounce
        "LET start = rounds\nFOR i IN 1..3 { rounds += i }\nIF start != rounds THEN LOG(\"moved\")",
    ];
    for body in bodies {
        let (checked, sources) = run_on(&around(body));
        let words: Vec<String> = checked
            .diagnostics
            .iter()
            .filter(|found| !matches!(found.code.as_str(), "W0105" | "W0109" | "W0113"))
            .map(|found| render(found, &sources))
            .collect();
        assert!(words.is_empty(), "{body}\n{}", words.join("\n"));
        assert!(checked.program.is_some(), "{body}");
    }
}

#[test]
fn examples_are_fine() {
    for entry in std::fs::read_dir(root().join("examples")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "swarm") {
            good(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn the_full_form_says_what_it_should() {
    let text = std::fs::read_to_string(root().join("examples/cost_optimization_v2.swarm")).unwrap();
    let program = good(&text);
    assert_eq!((program.instruction.name.as_str(), program.instruction.version), ("COST_OPTIMIZATION", 2));
    let (rollout, gate) = program.fleet.rollout.as_ref().expect("a rollout");
    assert_eq!(rollout.waves, [10_000, 100_000, 1_000_000]);
    assert_eq!((rollout.after_ns, rollout.failure), (Some(600_000_000_000), GateFailure::Rollback));
    // An unknown error_rate makes the gate false: it is asked for its value before anything else.
    let gate = &program.functions[gate.expect("a gate").0 as usize];
    assert_eq!((gate.parameters, gate.result), (0, Some(TypeId::BOOL)));
    assert!(matches!(gate.body[0].kind, StatementKind::IfSome { .. }), "{:?}", gate.body);
    let (_, by_ns, text) = &program.fleet.expectations[0];
    assert_eq!((*by_ns, text.as_str()), (Some(7_200_000_000_000), "saved >= $1500"));
    assert_eq!(program.fleet.stops.len(), 1);
    assert_eq!(program.fleet.reports[0].metrics.len(), 4);
    assert_eq!(program.fleet.reports[0].every_ns, Some(5_000_000_000));
    assert_eq!(program.states[0].name, "quiet_rounds");
    assert_eq!(program.timers[0].period_ns, 30_000_000_000);
    assert_eq!(program.vetoes[0].reason, "data residency");
    let steps: Vec<&TestStepKind> = program.tests[0].steps.iter().map(|step| &step.kind).collect();
    assert!(
        matches!(steps[..], [TestStepKind::GivenInput(..), TestStepKind::Run, TestStepKind::ExpectNoActions]),
        "{steps:?}"
    );
    assert!(program.metrics.iter().any(|metric| metric.name == "saved" && metric.kind == MetricKind::Total));
}

#[test]
fn programs_without_a_start_do_nothing_at_first() {
    for text in [
        "EVERY 5s { LOG(\"tick\") }",
        "EVENT VOTE(from: string, yes: bool)\nON VOTE(from, _yes) MAX 100 { LOG(from) }",
        "FUNC f() -> int { RETURN 1 }\nEVERY 1min { LOG(\"{f()}\") }",
        "FUNC twice(n: int) -> int { RETURN n * 2 }\nTEST \"two\" { EXPECT twice(2) == 4 }",
    ] {
        let program = good(text);
        let start = &program.functions[program.entry.0 as usize];
        assert_eq!((start.name.as_str(), start.body.len()), ("START", 0), "{text}");
    }
    let program =
        good("EVENT VOTE(from: string, yes: bool)\nON VOTE { LOG(\"a vote\") }\nON START { LOG(\"x\") }");
    assert_eq!((program.events[0].name.as_str(), program.events[0].max), ("VOTE", None));
    assert_eq!(program.functions[program.events[0].function.0 as usize].parameters, 2);
}

#[test]
fn constants_may_hold_more_than_one_value() {
    let program = good(
        "TYPE Plan { name: string = \"p\", most: int? = NONE, parts: list<int> MAX 4 = [], inner: Part = Part() }\n\
         TYPE Part { size: bytes = 1GB, mode: Mode = busy }\nENUM Mode { idle, busy }\n\
         CONST base = Plan(name: \"base\", parts: [1, 2])\nCONST names = [\"a\": base.name, \"b\": \"{limit} wide\"]\n\
         CONST limit = 5GB\nCONST some: int? = 5\nCONST worst = busy\n\
         ON START {\n  FOR EACH key, name IN names { LOG(\"{key}{name}{len(base.parts)}{some ?? 0}\") }\n\
         FOR EACH p IN [Plan(), base] WHERE p.inner.mode == worst AND p.inner.size > 1MB { LOG(p.name) }\n}",
    );
    let plan = program.types.iter().find_map(|ty| match ty {
        Type::Record { name, fields } if name == "Plan" => Some(fields.clone()),
        _ => None,
    });
    let defaults: Vec<Option<Constant>> = plan.unwrap().iter().map(|field| field.default.clone()).collect();
    assert_eq!(
        defaults,
        [
            Some(Constant::String("p".into())),
            Some(Constant::Empty),
            Some(Constant::Empty),
            Some(Constant::Empty)
        ]
    );
    let text = format!("{:?}", program.functions[program.entry.0 as usize].body);
    assert!(text.contains("5GB wide"), "{text}");
    // A record of defaults is spelt out, not a record of zeros.
    assert!(text.contains("Word(1000000000)"), "{text}");
}

#[test]
fn loops_over_maps_take_keys_and_values() {
    let program = good("INPUT m: map<string, int>\nON START { FOR EACH k, v IN m WHERE v > 1 { LOG(k) } }");
    let StatementKind::For { iteration, .. } = &program.functions[program.entry.0 as usize].body[0].kind
    else {
        panic!("a loop")
    };
    assert!(matches!(iteration.source, Source::Map(..)) && iteration.index.is_none());
}

#[test]
fn a_record_prints_its_key() {
    let program = good("ON START { FOR EACH t IN task_queue { LOG(\"{t}\") LOG(\"{t.memory}\") } }");
    let text = format!("{:?}", program.functions[program.entry.0 as usize].body);
    assert!(text.contains("Field") && text.matches("Text").count() == 1, "{text}");
}

const LIBRARY: Files = Files(&[
    (
        "lib/prices.swarm",
        "USE \"base.swarm\"\n\nTYPE Offer { region: string KEY, price: money = base_price }\nENUM Grade { good, poor(why: string) }\n\
         CONST dear = $5\nMETRIC offers: int TOTAL\nACTION BUY(offer: Offer) REQUIRES shop.buy ONCE COSTS offer.price\n\
         FUNC cheapest(many: list<Offer>) -> Offer? { RETURN first(BOTTOM 1 o IN many BY o.price) }\n\
         FUNC grade(o: Offer) -> Grade { RETURN IF o.price > dear THEN poor(why: \"dear\") ELSE good }\n\
         VETO BUY(offer) WHEN offer.price > dear * 10 BECAUSE \"much too dear\"\n",
    ),
    ("base.swarm", "CONST base_price = $1\nFUNC helper() -> int { RETURN 1 }\n"),
    ("a.swarm", "USE \"b.swarm\"\nCONST a = 1\n"),
    ("b.swarm", "USE \"a.swarm\"\nCONST b = 1\n"),
    ("bad.swarm", "CONST x = nope\nON START { }\n"),
    ("other.swarm", "CONST dear = $6\nMETRIC offers: int TOTAL\n"),
]);

#[test]
fn files_bring_their_names() {
    let programs = [
        "USE \"lib/prices.swarm\"\nINPUT all: list<Offer> MAX 10\nON START {\n  IF LET o = cheapest(all) {\n    RECORD offers = 1\n\
         MATCH grade(o) { WHEN good { BUY(o) } WHEN poor(why) { LOG(why) } }\n  }\n}",
        "USE \"lib/prices.swarm\" AS prices\nINPUT all: list<prices.Offer> MAX 10\nCONST helper = 2\nON START {\n\
         LET own = prices.Offer(region: \"eu\", price: prices.dear)\n  RETRY 2 TIMES BUY(own) ELSE { }\n\
         IF prices.grade(own) == prices.Grade.good THEN LOG(\"{helper}\")\n\
         IF LET o = prices.cheapest(all) { MATCH prices.grade(o) { WHEN prices.Grade.good { RECORD offers = 1 } ELSE { } } }\n}",
        // What is not brought on is not seen.
        "USE \"lib/prices.swarm\"\nCONST base_price = 5\nON START { LOG(\"{base_price}{dear}\") }",
    ];
    for text in programs {
        let (checked, sources) = run_file_on("main.swarm", text, &LIBRARY);
        let words: Vec<String> = checked.diagnostics.iter().map(|found| render(found, &sources)).collect();
        assert!(words.is_empty(), "{text}\n{}", words.join("\n"));
        let program = checked.program.unwrap();
        assert_eq!(program.vetoes.len(), 1);
        let names: Vec<&str> = sources.iter().map(|file| file.name().as_str()).collect();
        assert_eq!(names, ["main.swarm", "std/prelude.swarm", "lib/prices.swarm", "lib/base.swarm"]);
    }
}

#[test]
fn files_and_their_slips() {
    let table: &[(&str, &[&str])] = &[
        ("USE \"nope.swarm\"\nON START { LOG(\"{x}\") }", &["E0126"]),
        ("USE \"nope.swarm\" AS n\nON START { LOG(\"{n.x}\") }", &["E0126"]),
        ("USE std.nope\nON START { LOG(\"x\") }", &["E0126"]),
        ("USE std.prelude\nON START { LOG(\"x\") }", &["E0126"]),
        ("USE \"a.swarm\"\nON START { LOG(\"{a}\") }", &["E0127"]),
        ("USE \"main.swarm\"\nON START { LOG(\"x\") }", &["E0127"]),
        ("USE \"bad.swarm\"\nON START { LOG(\"x\") }", &["E0101", "E0304"]),
        ("USE \"lib/prices.swarm\" AS p\nON START { LOG(\"{p.nope}\") }", &["E0101"]),
        ("USE \"lib/prices.swarm\" AS p\nON START { LOG(\"{p}\") }", &["E0112"]),
        ("USE \"lib/prices.swarm\" AS p\nINPUT x: p.Ofer\nON START { LOG(\"{x}\") }", &["E0104"]),
        ("INPUT x: p.Ofer\nON START { LOG(\"{x}\") }", &["E0101"]),
        ("USE \"lib/prices.swarm\" AS p\nCONST p = 5\nON START { LOG(\"{p}\") }", &["E0102"]),
        ("USE \"lib/prices.swarm\"\nUSE \"other.swarm\"\nON START { LOG(\"x\") }", &["E0102", "E0132"]),
        ("USE \"lib/prices.swarm\"\nMETRIC offers: int TOTAL\nON START { RECORD offers = 1 }", &["E0102"]),
        ("USE \"{x}\"\nON START { LOG(\"x\") }", &["E0117"]),
    ];
    for (text, expected) in table {
        let (checked, sources) = run_file_on("main.swarm", text, &LIBRARY);
        let words: Vec<String> = checked.diagnostics.iter().map(|found| render(found, &sources)).collect();
        let mut found: Vec<&str> = checked.diagnostics.iter().map(|found| found.code.as_str()).collect();
        found.sort_unstable();
        assert_eq!(&found, expected, "{text}\n{}", words.join("\n"));
    }
}

#[test]
fn every_module_of_the_library_can_be_used() {
    for module in swarm_stdlib::MODULES.iter().filter(|module| module.name != "prelude") {
        let text = format!("USE std.{}\nON START {{ LOG(\"x\") }}", module.name);
        let (checked, sources) = run_file_on("main.swarm", &text, &NoFiles);
        // That nothing of it is used is not the point here.
        let others = checked.diagnostics.iter().filter(|found| found.code.as_str() != "W0114");
        let words: Vec<String> = others.map(|found| render(found, &sources)).collect();
        assert!(words.is_empty(), "{text}\n{}", words.join("\n"));
    }
}

/// Slips: the text, and the codes in alphabetical order.
const SLIPS: &[(&str, &[&str])] = &[
    // ENUM
    ("ENUM E { }\nON START { LOG(\"x\") }", &["E0120"]),
    ("ENUM E { a, a }\nON START { LOG(\"{E.a}\") }", &["E0102"]),
    ("ENUM E { a(x: Nope) }\nON START { LOG(\"{a(x: 5)}\") }", &["E0104"]),
    ("ENUM E { a, b(e: E) }\nON START { LOG(\"{a}\") }", &["E0119"]),
    ("ENUM E { a(x: int) }\nON START { LOG(\"{a}\") }", &["E0106"]),
    ("ENUM E { a }\nON START { LOG(\"{a()}\") }", &["E0106"]),
    ("ENUM E { a }\nON START { LOG(\"{E}\") }", &["E0112"]),
    ("ENUM E { a }\nON START { LOG(\"{E(1)}\") }", &["E0111"]),
    ("ENUM E { a }\nON START { LOG(\"{E.b}\") }", &["E0101"]),
    ("ENUM E { a }\nENUM F { a }\nON START { LOG(\"{a}\") }", &["E0132"]),
    ("ENUM E { a }\nON START { LET a = 5 LOG(\"{a}\") }", &["E0102"]),
    ("ENUM E { a, b }\nINPUT e: E\nON START { IF e > a THEN LOG(\"x\") }", &["E0110"]),
    // MATCH
    ("ENUM E { a, b }\nINPUT e: E\nON START { MATCH e { WHEN a { } } }", &["E0128"]),
    ("ENUM E { a, b }\nINPUT e: E\nON START { MATCH e { WHEN a { } WHEN a, b { } } }", &["E0129"]),
    ("ENUM E { a, b }\nINPUT e: E\nON START { MATCH e { WHEN c { } ELSE { } } }", &["E0101"]),
    ("ENUM E { a, b }\nINPUT e: E\nON START { MATCH e { WHEN 5 { } ELSE { } } }", &["E0130"]),
    ("ENUM E { a, b }\nENUM F { c }\nINPUT e: E\nON START { MATCH e { WHEN F.a { } ELSE { } } }", &["E0130"]),
    ("ENUM E { a(x: int), b }\nINPUT e: E\nON START { MATCH e { WHEN a(x, y) { } ELSE { } } }", &["E0106"]),
    ("ENUM E { a(x: int), b }\nINPUT e: E\nON START { MATCH e { WHEN a(_x), b { } } }", &["E0130"]),
    ("INPUT m: int?\nON START { MATCH m { WHEN SOME(x) { LOG(\"{x}\") } } }", &["E0128"]),
    ("INPUT m: int?\nON START { MATCH m { WHEN 5 { } WHEN NONE { } } }", &["E0130"]),
    ("INPUT m: int?\nON START { MATCH m { WHEN NONE { } WHEN NONE { } ELSE { } } }", &["E0129"]),
    ("INPUT m: int\nON START { MATCH m { WHEN 5 { } WHEN 5 { } ELSE { } } }", &["E0129"]),
    ("INPUT m: int\nON START { MATCH m { WHEN \"a\" { } ELSE { } } }", &["E0103"]),
    ("INPUT m: int\nON START { MATCH m { WHEN fiev { } ELSE { } } }", &["E0101"]),
    ("INPUT m: int\nON START { LET n = 5 MATCH m { WHEN n { } ELSE { LOG(\"{n}\") } } }", &["E0130"]),
    ("INPUT m: bool\nON START { MATCH m { WHEN TRUE { } WHEN FALSE { } ELSE { } } }", &["E0129"]),
    ("INPUT m: bool\nON START { MATCH m { WHEN TRUE { } } }", &["E0128"]),
    ("ON START { MATCH task_queue { WHEN 5 { } ELSE { } } }", &["E0130"]),
    ("ON START { MATCH nope { WHEN a(x) { LOG(\"{x}\") } } }", &["E0101"]),
    (
        "FUNC f(m: bool) -> int { MATCH m { WHEN TRUE { RETURN 1 } WHEN FALSE { } } }\nON START { LOG(\"{f(now > now)}\") }",
        &["E0113"],
    ),
    // STATE
    ("STATE n: int = len(task_queue)\nON START { n += 1 IF n > 1 THEN LOG(\"x\") }", &[]),
    ("STATE n: int = 0\nSTATE m: int = n\nON START { n = m m = n }", &["E0304"]),
    ("STATE n: int = 0\nON START { n = 1 }", &["W0101"]),
    ("STATE n: int = \"a\"\nON START { n = n + 1 }", &["E0103"]),
    ("STATE n: int = 0\nON START { n.x = 1 LOG(\"{n}\") }", &["E0105"]),
    ("STATE n: int = 0\nON START { LET n = 1 LOG(\"{n}\") }", &["E0102"]),
    // maps
    ("INPUT m: map<float, int>\nON START { LOG(\"{len(m)}\") }", &["E0110"]),
    ("INPUT m: map<Task, int>\nON START { LOG(\"{len(m)}\") }", &["E0110"]),
    ("INPUT m: map<string, int?>\nON START { LOG(\"{len(m)}\") }", &["E0110"]),
    ("INPUT m: map\nON START { LOG(\"{len(m)}\") }", &["E0104"]),
    ("INPUT m: map<string>\nON START { LOG(\"{len(m)}\") }", &["E0104"]),
    ("ENUM E { a(x: int) }\nINPUT m: map<E, int>\nON START { LOG(\"{len(m)}\") }", &["E0110"]),
    ("ON START { LET m = [:] LOG(\"{len(m)}\") }", &["E0120"]),
    ("ON START { LET m = [\"a\": 1, \"b\": \"c\"] LOG(\"{len(m)}\") }", &["E0103"]),
    ("ON START { LET m = [\"a\": 1] m[\"b\"] += 1 }", &["E0108"]),
    ("ON START { LET m = [\"a\": 1] LET x: int = m[\"b\"] LOG(\"{x}\") }", &["E0108"]),
    ("ON START { LET m = [\"a\": 1] LOG(\"{m[1] ?? 0}\") }", &["E0103"]),
    ("INPUT m: map<string, int>\nON START { FOR EACH x IN m { LOG(\"{x}\") } }", &["E0110"]),
    ("INPUT m: map<string, Task>\nON START { LET c = m c[\"a\"].cost = $5 }", &["E0108"]),
    ("INPUT m: map<string, int>\nON START { m[\"a\"] = 1 }", &["E0109"]),
    (
        "INPUT m: map<string, int> MAX 2\nON START { LET n: map<string, int> MAX 1 = m LOG(\"{len(n)}\") }",
        &["E0103"],
    ),
    // CONTAINS
    ("ON START { IF len(task_queue) CONTAINS 5 THEN LOG(\"x\") }", &["E0110"]),
    ("ON START { IF [1, 2] CONTAINS \"a\" THEN LOG(\"x\") }", &["E0103"]),
    // texts
    ("INPUT m: int?\nON START { LOG(\"{m}\") }", &["E0108"]),
    ("ON START { LOG(\"{1 + $5}\") }", &["E0201"]),
    ("ON START { LOG(\"{LOG(\") }", &["E0017"]),
    ("FUNC f() { }\nON START { LOG(\"{f()}\") }", &["E0112"]),
    ("ON START { LOG(\"a\" + \"b\") }", &["E0110"]),
    // aggregates and TOP
    ("ON START { LET x = AVG t.id FOR t IN task_queue LOG(\"{x ?? 0.0}\") }", &["E0110"]),
    ("ON START { LET x = TOP 3 t IN task_queue BY t.tags LOG(\"{len(x)}\") }", &["E0110"]),
    ("ON START { LET x = TOP 3 t IN len(task_queue) BY t LOG(\"{len(x)}\") }", &["E0124"]),
    ("ON START { LET n = $3 LET x = TOP n t IN task_queue BY t.cost LOG(\"{len(x)}\") }", &["E0202"]),
    ("ON START { LET x = TOP 2 t IN task_queue BY MAX(y FOR y IN [1]) LOG(\"{len(x)}\") }", &["E0108"]),
    // natives
    ("ON START { LOG(uper(\"a\")) }", &["E0101"]),
    ("ON START { LOG(upper(5)) }", &["E0103"]),
    ("ON START { LOG(upper()) }", &["E0106"]),
    ("ON START { LOG(upper(txt: \"a\")) }", &["E0106"]),
    ("ON START { LOG(\"{min($5, 1GB)}\") }", &["E0201"]),
    ("ON START { LOG(\"{max(task_queue, 1)}\") }", &["E0103"]),
    ("ON START { LET f = upper LOG(\"{f}\") }", &["E0112"]),
    ("INPUT m: list<int?>\nON START { IF first(m) == 5 THEN LOG(\"x\") }", &["E0110"]),
    ("ON START { LOG(\"{first([]) ?? 5}\") }", &["E0120"]),
    ("CONST A = max(1, 2)\nON START { LOG(\"{A}\") }", &[]),
    ("ON START { IF now > time(\"yesterday\") THEN LOG(\"x\") }", &["E0209"]),
    ("INPUT s: string\nON START { IF now > time(s) THEN LOG(\"x\") }", &["E0106"]),
    ("ON START { LOG(\"{latency}\") }", &["E0112"]),
    ("ON START { LOG(\"{p99(memory) ?? 0B}\") }", &["E0106"]),
    ("ON START { LOG(\"{p99(5)}\") }", &["E0106"]),
    // events and timers
    ("ON NOPE(x) { LOG(\"{x}\") }", &["E0101"]),
    ("EVENT VOTE(from: string)\nON VOOTE(x) { LOG(x) }", &["E0101"]),
    ("EVENT VOTE(from: string)\nON VOTE(a, b) { LOG(a) }", &["E0106"]),
    ("EVENT VOTE(from: string, yes: bool)\nON VOTE(a) { LOG(a) }", &["E0106"]),
    ("EVENT VOTE(from: string)\nON VOTE(a) { LOG(a) }\nON VOTE(b) { LOG(b) }", &["E0301"]),
    ("EVENT VOTE(from: string)\nON VOTE(a) MAX 0 { LOG(a) }", &["E0303"]),
    ("EVENT VOTE(from: string)\nON START { LOG(\"{VOTE}\") }", &["E0112"]),
    ("EVERY 500ms { LOG(\"x\") }", &["E0303"]),
    ("EVERY 5 { LOG(\"x\") }", &["E0202"]),
    ("INPUT d: duration\nEVERY d { LOG(\"x\") }", &["E0117"]),
    // VETO
    ("VETO NOPE(x) WHEN TRUE BECAUSE \"x\"\nON START { LOG(\"x\") }", &["E0101"]),
    ("VETO LOGG(x) WHEN x == \"\" BECAUSE \"x\"\nON START { LOG(\"x\") }", &["E0101"]),
    (
        "QUERY q() -> int\nVETO q() WHEN now > now BECAUSE \"x\"\nON START { LOG(\"{q()}\") }",
        &["E0311", "W0105"],
    ),
    ("VETO LOG() WHEN len(task_queue) > 5 BECAUSE \"x\"\nON START { LOG(\"x\") }", &["E0106"]),
    ("QUERY q() -> bool\nVETO LOG(m) WHEN q() BECAUSE \"x\"\nON START { LOG(\"x\") }", &["E0304"]),
    (
        "FUNC f() -> bool { LOG(\"x\") RETURN TRUE }\nVETO LOG(_m) WHEN f() BECAUSE \"x\"\nON START { LOG(\"x\") }",
        &["E0304"],
    ),
    ("VETO LOG(m) WHEN m BECAUSE \"x\"\nON START { LOG(\"x\") }", &["E0103"]),
    ("VETO LOG(m) WHEN m == \"a\" BECAUSE \"{m}\"\nON START { LOG(\"x\") }", &["E0101"]),
    // TRY, RETRY, WITHIN
    ("FUNC f() { LOG(\"x\") }\nON START { TRY f() ELSE { } }", &["E0311"]),
    ("ON START { TRY nope() ELSE { } }", &["E0101"]),
    ("ON START { TRY LOG(5) ELSE { } }", &["E0103"]),
    ("ON START { RETRY 0 TIMES LOG(\"x\") ELSE { } }", &["E0303"]),
    ("ON START { RETRY 2 TIMES BACKOFF 5 LOG(\"x\") ELSE { } }", &["E0202"]),
    ("ON START { WITHIN 5s { TRY LOG(\"x\") ELSE { } } ELSE { } }", &["E0312"]),
    ("FUNC f() { TRY LOG(\"x\") ELSE { } }\nON START { WITHIN 5s { f() } ELSE { } }", &["E0312"]),
    ("ACTION PAY() ONCE\nON START { PHASE \"x\" WITHIN 5s { PAY() } ELSE { } }", &["E0312"]),
    ("ACTION PAY() ONCE\nON START { WITHIN 5s { } ELSE { PAY() } }", &[]),
    ("ON START { WITHIN 5GB { LOG(\"x\") } }", &["E0202"]),
    ("ON START { WITHIN 5s, 6s { LOG(\"x\") } }", &["E0301"]),
    ("ON START { WITHIN -5s { LOG(\"x\") } }", &["E0303"]),
    ("ON START { PHASE \"{1}\" { LOG(\"x\") } }", &["E0117"]),
    ("ON START { WITHIN $5 { WITHIN $3 { } WITHIN $3 { } } }", &["E0313"]),
    ("ON START { WITHIN $5 { IF len(task_queue) > 5 { WITHIN $3 { } } ELSE { WITHIN $3 { } } } }", &[]),
    ("ON START { WITHIN $5 { WITHIN $3 { } ELSE { WITHIN $3 { } } } }", &["E0313"]),
    ("ON START { WITHIN $5 { WHILE TRUE MAX 3 { WITHIN $3 { } } } }", &["W0112"]),
    (
        "INSTRUCTION A { DEADLINE 1h }\nON START { PHASE \"a\" WITHIN 40min { } PHASE \"b\" WITHIN 40min { } }",
        &["E0313"],
    ),
    ("INSTRUCTION A { BUDGET 100 tokens }\nON START { PHASE \"a\" WITHIN 101 tokens { } }", &["E0313"]),
    // header
    ("INSTRUCTION A { ROLLOUT 10%, 5% }\nON START { LOG(\"x\") }", &["E0303"]),
    ("INSTRUCTION A { ROLLOUT 0%, 101% }\nON START { LOG(\"x\") }", &["E0303", "E0303"]),
    ("INSTRUCTION A { ROLLOUT 10 }\nON START { LOG(\"x\") }", &["E0202"]),
    ("INSTRUCTION A { ROLLOUT 10% AFTER 0s }\nON START { LOG(\"x\") }", &["E0303"]),
    ("INSTRUCTION A { ROLLOUT 10% ROLLOUT 20% }\nON START { LOG(\"x\") }", &["E0301"]),
    ("INSTRUCTION A { STOP WHEN len(task_queue) > 5 }\nON START { LOG(\"x\") }", &["E0304"]),
    ("INSTRUCTION A { STOP WHEN error_rate }\nON START { LOG(\"x\") }", &["E0103"]),
    (
        "INSTRUCTION A { STOP WHEN p99(latency) > 5s AND (cpu ?? 0%) > 5% EXPECT error_rate < 1% }\nON START { LOG(\"x\") }",
        &[],
    ),
    ("INSTRUCTION A { EXPECT latency < 5s }\nON START { LOG(\"x\") }", &["E0112"]),
    (
        "INSTRUCTION A { EXPECT saved > $5 BY 0s }\nMETRIC saved: money TOTAL\nON START { RECORD saved = $1 }",
        &["E0303"],
    ),
    ("INSTRUCTION A { REPORT task_queue }\nON START { LOG(\"x\") }", &["E0101"]),
    ("INSTRUCTION A { EXPECT TRUE }\nON START { LOG(\"x\") }", &["W0105"]),
    (
        "INSTRUCTION A { STOP WHEN saved > $5 }\nMETRIC saved: money TOTAL\nON START { LOG(\"x\") }",
        &["W0110"],
    ),
    // TEST
    ("ON START { LOG(\"x\") }\nTEST \"a\" { RUN }\nTEST \"a\" { RUN }", &["E0301"]),
    ("ON START { LOG(\"x\") }\nTEST \"a\" { GIVEN nope = 5 RUN }", &["E0101"]),
    ("ON START { LOG(\"x\") }\nTEST \"a\" { GIVEN task_queue = 5 RUN }", &["E0103"]),
    ("CONST A = 5\nON START { LOG(\"{A}\") }\nTEST \"a\" { GIVEN A = 5 RUN }", &["E0314"]),
    ("ON START { LOG(\"x\") }\nTEST \"a\" { GIVEN LOG(\"x\") = 5 RUN }", &["E0314"]),
    ("EVENT V()\nON START { LOG(\"x\") }\nTEST \"a\" { RUN V() }", &["E0314"]),
    ("EVENT V(n: int)\nON V(n) { LOG(\"{n}\") }\nTEST \"a\" { RUN V() }", &["E0106"]),
    ("ON START { LOG(\"x\") }\nTEST \"a\" { RUN FOR 0s }", &["E0303"]),
    ("ON START { LOG(\"x\") }\nTEST \"a\" { EXPECT ACTION task_queue(1) }", &["E0311"]),
    ("ON START { LOG(\"x\") }\nTEST \"a\" { EXPECT ACTION LOGG(\"x\") }", &["E0101"]),
    ("ON START { LOG(\"x\") }\nTEST \"a\" { EXPECT ACTION LOG(5) }", &["E0103"]),
    ("ON START { LOG(\"x\") }\nTEST \"a\" { EXPECT 5 }", &["E0103"]),
    (
        "FUNC f() -> int { LOG(\"x\") RETURN 1 }\nON START { LOG(\"{f()}\") }\nTEST \"a\" { EXPECT f() == 1 }",
        &["E0304"],
    ),
    // warnings
    ("ON START { IF len(task_queue) >= 0 THEN LOG(\"x\") }", &["W0105"]),
    ("ON START { FOR EACH t IN task_queue WHERE t.cost == t.cost { LOG(\"x\") } }", &["W0105"]),
    (
        "ACTION SCALE_UP(p: string)\nACTION SCALE_DOWN(p: string)\nON START { SCALE_UP(\"a\") SCALE_DOWN(\"b\") }",
        &[],
    ),
    (
        "ACTION SCALE_UP(p: string)\nACTION SCALE_DOWN(p: string)\nON START { FOR EACH t IN task_queue { SCALE_UP(t.id) IF t.cost > $5 THEN SCALE_DOWN(t.id) } }",
        &["W0111"],
    ),
    (
        "ACTION SCALE_UP(p: string)\nACTION SCALE_DOWN(p: string)\nON START { IF len(task_queue) > 5 { SCALE_UP(\"a\") } IF len(task_queue) < 2 { SCALE_DOWN(\"a\") } }",
        &[],
    ),
    (
        "ACTION SCALE_UP(p: string)\nACTION SCALE_DOWN(p: string)\nON START { LET p = \"a\" SCALE_UP(p) p = \"b\" SCALE_DOWN(p) }",
        &[],
    ),
];

#[test]
fn slips_and_their_codes() {
    let mut wrong = String::new();
    for (text, expected) in SLIPS {
        let (checked, sources) = run_on(text);
        let mut found = codes(text);
        found.sort_unstable();
        if &found != expected {
            let words: Vec<String> =
                checked.diagnostics.iter().map(|found| render(found, &sources)).collect();
            wrong.push_str(&format!("{text}\n  expected {expected:?}\n{}\n", words.join("")));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// Each edit that a slip is answered with takes the slip away.
#[test]
fn fixes_mend() {
    let mut wrong = String::new();
    for (text, _) in SLIPS {
        let (checked, _) = run_on(text);
        for found in &checked.diagnostics {
            let Some(fix) = &found.fix else { continue };
            let mended = apply(text, fix);
            let (after, sources) = run_on(&mended);
            let left = after.diagnostics.iter().filter(|left| left.message == found.message);
            let left: Vec<String> = left.map(|left| render(left, &sources)).collect();
            let more = after.diagnostics.len() > checked.diagnostics.len();
            if !left.is_empty() || more {
                let all: Vec<String> = after.diagnostics.iter().map(|left| render(left, &sources)).collect();
                wrong.push_str(&format!("{text}\n{} -> {mended}\n{}\n", found.message, all.join("")));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn the_case_of_a_default_is_carried() {
    let program = good(
        "ENUM Mode { idle, busy }\nTYPE T { mode: Mode = busy }\nINPUT ts: list<T> MAX 5\n\
         ON START { FOR EACH t IN ts { IF t.mode == T().mode THEN LOG(\"usual\") } }",
    );
    let default = program.types.iter().find_map(|ty| match ty {
        Type::Record { name, fields } if name == "T" => fields[0].default.clone(),
        _ => None,
    });
    assert_eq!(default, Some(Constant::Case(1)));
}

#[test]
fn header_conditions_are_false_while_a_figure_is_unknown() {
    let program = good(
        "INSTRUCTION A { STOP WHEN error_rate > 1% OR p99(latency) > 5s AND error_rate != 2% }\nON START { LOG(\"x\") }",
    );
    let stop = &program.functions[program.fleet.stops[0].0 as usize];
    // Two figures, each asked for once; whichever is unknown, the answer is FALSE.
    assert_eq!(stop.locals.len(), 2);
    let StatementKind::IfSome { then, otherwise, .. } = &stop.body[0].kind else { panic!("{:?}", stop.body) };
    assert!(matches!(then[0].kind, StatementKind::IfSome { .. }) && otherwise.is_empty());
    let StatementKind::Return(Some(value)) = &stop.body[1].kind else { panic!("{:?}", stop.body) };
    assert!(matches!(value.kind, ExprKind::Word(0)));
}
