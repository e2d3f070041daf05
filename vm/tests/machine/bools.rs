//! Lists of bools, whose items take a byte each in the arena: what they hold, cost and take is that of lists
//! of words. The numbers here are from before there was a difference.

use swarm_compiler::compile_text;
use swarm_vm::snapshot::{Seal, SnapshotKey, Unseal};
use swarm_vm::trace::Event;
use swarm_vm::{
    Answer, Call, Exit, Grants, Host, Inputs, Instance, Level, Limits, Outcome, Program, Report, Value,
    VirtualClock,
};

use crate::common::load;

/// What all programs are given.
const GIVEN: &str = r#"{"n": 9, "given": [true, false, true, true, false, false, true, false, true, false]}"#;

const HEAD: &str = "TYPE Part { id: string  on: list<bool> MAX 9 }
ENUM Shape { dot, row(of: list<bool> MAX 9) }
CONTEXT n: int
CONTEXT given: list<bool> MAX 99
ACTION SPEND(n: int) IDEMPOTENT COSTS 2 tokens
ACTION SHOW(xs: list<bool>) IDEMPOTENT
QUERY ask(n: int) -> list<bool>
";

/// The fuel and the most bytes that a run takes, and the words that its arena has then.
type Taken = (u64, u64, usize);

/// A name, a program, what it comes to, and what it takes.
const PROGRAMS: &[(&str, &str, &str, Taken)] = &[
    (
        "a literal, read and written",
        "FUNC main() -> list<bool> { LET xs = [TRUE, FALSE, given[1]]; xs[0] = xs[2]; xs[1] = NOT xs[1]; RETURN xs }",
        "[false,true,false]",
        (28, 104, 4),
    ),
    (
        "no item at its length",
        "FUNC main() -> bool { LET xs = [TRUE, FALSE]; RETURN xs[n - 7] }",
        "index_out_of_range",
        (14, 80, 3),
    ),
    (
        "no item before the first",
        "FUNC main() -> bool { LET xs = [TRUE, FALSE]; RETURN xs[5 - n] }",
        "index_out_of_range",
        (14, 80, 3),
    ),
    (
        "no item to write",
        "FUNC main() -> bool { LET xs = [TRUE, FALSE]; xs[n] = TRUE; RETURN xs[0] }",
        "index_out_of_range",
        (13, 72, 3),
    ),
    (
        "none at all",
        "FUNC main() -> bool { LET xs: list<bool> MAX 4 = []; RETURN xs[0] }",
        "index_out_of_range",
        (4, 40, 0),
    ),
    (
        "equal items",
        "FUNC main() -> list<bool> { LET xs: list<bool> MAX 99 = COLLECT TRUE FOR i IN 1..n; LET ys: list<bool> MAX 99 = COLLECT FALSE FOR i IN 1..n + 8; LET zs: list<bool> MAX 99 = COLLECT TRUE FOR i IN 1..n - 2; RETURN append(append(xs, ys), zs) }",
        "[true,true,true,true,true,true,true,true,true,false,false,false,false,false,false,false,false,false,false,false,false,false,false,false,false,false,true,true,true,true,true,true,true]",
        (363, 1456, 170),
    ),
    (
        "items that differ",
        "FUNC main() -> list<bool> { LET xs: list<bool> MAX 99 = COLLECT i MOD 3 == 0 FOR i IN 1..n * 2; RETURN xs }",
        "[false,false,true,false,false,true,false,false,true,false,false,true,false,false,true,false,false,true]",
        (201, 600, 64),
    ),
    (
        "chosen items",
        "FUNC main() -> list<bool> { LET xs: list<bool> MAX 99 = COLLECT x FOR x IN given WHERE x; RETURN xs }",
        "[true,true,true,true,true]",
        (60, 168, 14),
    ),
    (
        "equal items behind others",
        "FUNC main() -> list<bool> { LET xs: list<bool> MAX 99 = [FALSE, TRUE, FALSE]; FOR i IN 0..n * 2 { xs = append(xs, [TRUE]) }; RETURN xs }",
        "[false,true,false,true,true,true,true,true,true,true,true,true,true,true,true,true,true,true,true,true,true,true]",
        (178, 632, 68),
    ),
    (
        "too many",
        "FUNC main() -> list<bool> { LET xs: list<bool> MAX 9 = COLLECT FALSE FOR i IN 0..n; RETURN xs }",
        "too_long",
        (84, 312, 31),
    ),
    (
        "as many as may be",
        "FUNC main() -> int { LET xs: list<bool> MAX 9 = COLLECT i MOD 2 == 0 FOR i IN 1..n; RETURN len(xs) }",
        "9",
        (103, 320, 31),
    ),
    (
        "written in loops",
        "FUNC main() -> list<bool> { LET xs: list<bool> MAX 99 = COLLECT FALSE FOR i IN 0..40; FOR i IN 0..12 { xs[i * 3] = TRUE }; LET last = FALSE; FOR i IN 0..40 { xs[40 - i] = last }; FOR i IN 0..n { xs[i * 2 + 1] = NOT xs[i] }; RETURN xs }",
        "[false,true,false,false,false,true,false,true,false,true,false,false,false,true,false,false,false,true,false,false,false,false,false,false,false,false,false,false,false,false,false,false,false,false,false,false,false,false,false,false,false]",
        (730, 1144, 129),
    ),
    (
        "a condition of each item",
        "FUNC main() -> int { LET xs: list<bool> MAX 99 = COLLECT i * i MOD 5 == 1 FOR i IN 0..n * 3; LET sum = 0; FOR i IN 0..n * 3 { IF xs[i] { sum += i } ELSE { sum += 100 } }; RETURN sum }",
        "1851",
        (485, 608, 64),
    ),
    (
        "a condition of a given item",
        "FUNC main() -> int { LET sum = 0; FOR i IN 0..9 { IF NOT given[i] { sum += i }; IF given[9 - i] { sum += 100 } }; RETURN sum }",
        "526",
        (113, 72, 0),
    ),
    (
        "each item",
        "FUNC main() -> int { LET xs: list<bool> MAX 99 = COLLECT i MOD 3 == 1 FOR i IN 0..n * 2; LET sum = 0; FOR EACH x IN xs { sum = sum * 3 MOD 10_007; IF x { sum += 1 } }; RETURN sum }",
        "3285",
        (333, 624, 64),
    ),
    (
        "each given item, and none",
        "FUNC main() -> int { LET empty: list<bool> MAX 4 = []; LET sum = 0; FOR EACH x IN given { IF x { sum += 1 }; FOR EACH y IN empty { sum += 50 } }; FOR EACH x IN [TRUE] { IF x { sum += 1000 } }; RETURN sum }",
        "1005",
        (77, 120, 2),
    ),
    (
        "a copy of its own",
        "FUNC main() -> list<bool> { LET xs = [TRUE, TRUE, FALSE, TRUE, TRUE, TRUE, TRUE, TRUE, TRUE]; LET ys = xs; ys[0] = FALSE; ys[8] = FALSE; LET zs = ys; zs[1] = FALSE; RETURN append(append(xs, ys), zs) }",
        "[true,true,false,true,true,true,true,true,true,false,true,false,true,true,true,true,true,false,false,false,false,true,true,true,true,true,false]",
        (113, 752, 77),
    ),
    (
        "a given list that is written",
        "FUNC main() -> list<bool> { LET xs = given; xs[3] = NOT xs[3]; xs = append(xs, [FALSE]); RETURN xs }",
        "[true,false,true,false,false,false,true,false,true,false,false]",
        (41, 288, 28),
    ),
    (
        "a copy with room",
        "FUNC main() -> list<bool> { LET xs: list<bool> MAX 99 = COLLECT TRUE FOR i IN 0..n; LET ys = xs; LET zs: list<bool> MAX 99 = COLLECT FALSE FOR i IN 0..n; ys[2] = FALSE; xs[3] = FALSE; RETURN append(append(ys, xs), zs) }",
        "[true,true,false,true,true,true,true,true,true,true,true,true,true,false,true,true,true,true,true,true,false,false,false,false,false,false,false,false,false,false]",
        (264, 1176, 136),
    ),
    (
        "items at places",
        "FUNC main() -> list<bool> { LET xs = [TRUE, FALSE, TRUE]; RETURN [get(xs, 1) ?? TRUE, get(xs, 3) ?? TRUE, first(xs) ?? FALSE, last(given) ?? FALSE, first(slice(xs, 3, 1)) ?? FALSE] }",
        "[false,true,true,false,false]",
        (76, 256, 17),
    ),
    (
        "the other way round and in part",
        "FUNC main() -> list<bool> { LET xs: list<bool> MAX 99 = COLLECT i MOD 4 == 0 FOR i IN 0..n * 2; RETURN append(reverse(xs), slice(xs, 3, 9)) }",
        "[false,false,true,false,false,false,true,false,false,false,true,false,false,false,true,false,false,false,true,false,true,false,false,false,true,false,false,false]",
        (279, 1080, 123),
    ),
    (
        "found",
        "FUNC main() -> list<int> { LET xs: list<bool> MAX 99 = COLLECT i == n FOR i IN 0..n; LET ys = [FALSE, FALSE]; RETURN [index_of(xs, TRUE) ?? -1, index_of(ys, TRUE) ?? -1, index_of(given, FALSE) ?? -1] }",
        "[9,-1,1]",
        (179, 448, 42),
    ),
    (
        "contained",
        "FUNC main() -> list<bool> { LET xs = [FALSE, FALSE]; RETURN [xs CONTAINS TRUE, xs CONTAINS FALSE, given CONTAINS TRUE] }",
        "[false,true,true]",
        (62, 128, 7),
    ),
    (
        "without what is there twice",
        "FUNC main() -> list<bool> { RETURN append(unique(given), unique([TRUE, TRUE])) }",
        "[true,false,true]",
        (74, 168, 12),
    ),
    (
        "keys and values of maps",
        "FUNC main() -> list<bool> { LET a: map<bool, int> MAX 4 = [TRUE: 1, FALSE: 2]; LET b: map<int, bool> MAX 9 = [3: TRUE, 1: FALSE, 2: TRUE]; RETURN append(keys(a), values(b)) }",
        "[false,true,false,true,true]",
        (78, 416, 39),
    ),
    (
        "the first by a key",
        "FUNC weight(x: bool) -> int { IF x THEN RETURN 1; RETURN 0 }
FUNC main() -> list<bool> { LET xs: list<bool> MAX 99 = COLLECT i MOD 3 == 0 FOR i IN 0..n; LET best = TOP 6 x IN xs BY weight(x); best[5] = TRUE; RETURN append(best, xs) }",
        "[true,true,true,true,false,true,true,false,false,true,false,false,true,false,false,true]",
        (283, 800, 86),
    ),
    (
        "counted",
        "FUNC main() -> list<int> { RETURN [COUNT FOR x IN given WHERE x, COUNT FOR x IN [TRUE, FALSE, TRUE] WHERE NOT x] }",
        "[5,1]",
        (75, 160, 7),
    ),
    (
        "all and any",
        "FUNC main() -> list<bool> { LET xs = [TRUE, TRUE]; RETURN [ALL x FOR x IN xs, ANY NOT x FOR x IN xs, ALL x FOR x IN given, ANY x FOR x IN given] }",
        "[true,false,false,true]",
        (58, 152, 8),
    ),
    (
        "compared",
        "FUNC main() -> list<bool> { LET xs: list<bool> MAX 99 = COLLECT i MOD 2 == 0 FOR i IN 0..n; LET ys: list<bool> MAX 99 = COLLECT i MOD 2 == 0 FOR i IN 0..n; LET zs = ys; zs[8] = FALSE; RETURN [xs == ys, xs == zs, xs == given, given == given, xs == slice(xs, 0, 8)] }",
        "[true,false,false,true,false]",
        (333, 864, 88),
    ),
    (
        "as text",
        r#"FUNC main() -> string { LET xs = [TRUE, FALSE, TRUE]; RETURN "{xs} {given}" }"#,
        r#""[true,false,true] [true,false,true,true,false,false,true,false,true,false]""#,
        (176, 267, 4),
    ),
    (
        "in lists",
        "FUNC main() -> list<list<bool>> { LET m = [[TRUE, FALSE], given, [FALSE]]; LET k = m; m[0][1] = TRUE; m[1][0] = FALSE; RETURN append(m, k) }",
        "[[true,true],[false,false,true,true,false,false,true,false,true,false],[false],[true,false],[true,false,true,true,false,false,true,false,true,false],[false]]",
        (75, 376, 34),
    ),
    (
        "in records",
        r#"FUNC main() -> list<Part> { LET a = Part(id: "a", on: [TRUE, FALSE]); LET b = a; b.on[1] = TRUE; b.id = "b"; RETURN [a, b] }"#,
        r#"[{"id":"a","on":[true,false]},{"id":"b","on":[true,true]}]"#,
        (42, 200, 15),
    ),
    (
        "in maps and optionals",
        r#"FUNC main() -> bool { LET m: map<string, list<bool>> MAX 4 = ["a": [TRUE, FALSE]]; m["b"] = append(m["a"] ?? [], [TRUE]); LET held = m["b"] ?? []; held[0] = FALSE; IF LET a = m["b"] { RETURN a[0] AND a[2] AND NOT held[0] }; RETURN FALSE }"#,
        "true",
        (86, 304, 26),
    ),
    (
        "in cases",
        "FUNC main() -> int { LET s = row(of: [TRUE, FALSE, TRUE]); MATCH s { WHEN dot { RETURN 0 } WHEN row(xs) { LET ys = xs; ys[1] = TRUE; RETURN COUNT FOR y IN append(xs, ys) WHERE y } } }",
        "5",
        (71, 264, 18),
    ),
    (
        "handed to functions",
        "FUNC flip(xs: list<bool>, at: int) -> list<bool> { LET ys = xs; ys[at] = NOT ys[at]; RETURN ys }
FUNC main() -> list<bool> { LET xs = [TRUE, TRUE]; LET ys = flip(flip(xs, 0), 1); RETURN append(append(xs, ys), flip(given, 0)) }",
        "[true,true,false,false,false,false,true,true,false,false,true,false,true,false]",
        (93, 416, 40),
    ),
    (
        "undone",
        "FUNC main() -> list<bool> { LET xs: list<bool> MAX 99 = COLLECT TRUE FOR i IN 0..n; WITHIN 1 tokens { xs[0] = FALSE; xs = append(xs, [FALSE]); SPEND(2) } ELSE { xs[1] = FALSE }; WITHIN 5 tokens { xs[2] = FALSE; SPEND(2) } ELSE { xs[3] = FALSE }; RETURN xs }",
        "[true,false,false,true,true,true,true,true,true,true]",
        (188, 792, 81),
    ),
    (
        "from a host and to it",
        "FUNC main() -> list<bool> { LET xs = ask(9); xs[0] = FALSE; SHOW(xs); LET ys = ask(0); ys = append(ys, [TRUE]); SHOW(ys); SHOW(given); RETURN append(xs, ys) }",
        "[false,false,true,false,true,false,true,false,true,true] [false,false,true,false,true,false,true,false,true] [true] [true,false,true,true,false,false,true,false,true,false]",
        (82, 352, 27),
    ),
    (
        "many",
        "FUNC main() -> int { LET xs: list<bool> MAX 99_999 = COLLECT FALSE FOR i IN 0..n * 100; LET count = 0; FOR i IN 2..n * 100 { IF NOT xs[i] { count += 1; FOR k IN i..n * 100 DIV i { xs[i * k] = TRUE } } }; RETURN count }",
        "154",
        (20286, 16528, 2053),
    ),
];

fn program(body: &str) -> Program {
    let (compiled, diagnostics) = compile_text("bools.swarm", format!("{HEAD}{body}\n"));
    load(&compiled.module.unwrap_or_else(|| panic!("{body}: {diagnostics:?}")))
}

/// What each activation takes.
const STATE: [Taken; 3] = [(262, 824, 90), (327, 1344, 155), (415, 2048, 243)];

/// A hash of all snapshots of all programs, to be renewed with their format.
const SNAPSHOTS: u64 = 4_265_863_753_118_658_271;

/// So many bools.
fn answer(call: &Call<'_>) -> Answer {
    let wanted = call.arguments().next().and_then(|wanted| wanted.as_word()).unwrap();
    match call.result() {
        Some(_) => Answer::value(Value::List((0..wanted).map(|at| Value::Bool(at % 2 == 0)).collect())),
        None => Answer::done(),
    }
}

/// How a run is carried out, which nothing that is to see may depend on.
#[derive(Debug, Clone, Copy)]
enum How {
    AtOnce,
    /// Op by op.
    Traced,
    /// With so much fuel at first, then a little more each time, in a new arena after each stop.
    Frozen(u64),
}

/// What came of a run: what it gave or why not and the lists its host was shown, its report, the words of its
/// arena, and a hash of the snapshots.
fn run(program: &Program, limits: Limits, how: How) -> (String, Report, usize, u64) {
    let inputs = Inputs::new(program).context_json(GIVEN).unwrap();
    let shown = std::cell::RefCell::new(Vec::new());
    let mut host = Host::new();
    host.clock(VirtualClock::default());
    host.action("SPEND", |_: i64| {});
    host.raw("SHOW", |call| shown.borrow_mut().push(call.arguments().next().unwrap().to_value().to_json()));
    host.otherwise(answer);
    let limits = if let How::Frozen(fuel) = how { limits.fuel(fuel) } else { limits };
    let mut run = Instance::new(program, &inputs, limits, &Grants::all(), &host).unwrap();
    let mut frozen = FNV;
    let report = loop {
        let exit = match how {
            How::Traced => run.run_traced(&mut host, Level::Ops, &mut |_: &Event<'_>| {}),
            _ => run.run(&mut host),
        };
        match exit {
            Exit::Finished(report) => break report,
            Exit::OutOfFuel { .. } => {
                let bytes = snapshot(&mut run, &host);
                frozen = bytes.iter().fold(frozen, hashed);
                run = thawed(program, &inputs, &bytes, &host);
                run.refuel(7);
            }
            Exit::Pending(call) => panic!("pending: {call:?}"),
        }
    };
    drop(host);
    let outcome = match (&report.result, &report.reason) {
        (Some(result), _) => result.to_json(),
        (None, reason) => reason.as_ref().unwrap().code.to_string(),
    };
    let seen = shown.into_inner().into_iter().fold(outcome, |seen, list| format!("{seen} {list}"));
    (seen, report, run.arena_used().0, frozen)
}

fn key() -> SnapshotKey {
    SnapshotKey::new([5; 32])
}

fn snapshot(run: &mut Instance, host: &Host<'_>) -> Vec<u8> {
    run.snapshot(host, &Seal { key: &key(), nonce: [6; 24], at_ns: 0 }).unwrap().bytes
}

fn thawed(program: &Program, inputs: &Inputs, bytes: &[u8], host: &Host<'_>) -> Instance {
    let unseal = Unseal { key: &key(), identity: None, above: 0, at_ns: 0 };
    Instance::resume(program, inputs, &Grants::all(), host, bytes, &unseal).unwrap()
}

const FNV: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a.
fn hashed(sum: u64, byte: &u8) -> u64 {
    (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
}

const PLENTY: u64 = 1 << 30;

fn ease() -> Limits {
    Limits::default().fuel(PLENTY).memory_bytes(1 << 28)
}

#[test]
fn programs_come_to_what_they_did() {
    for (name, body, wanted, pinned) in PROGRAMS {
        let program = program(body);
        for how in [How::AtOnce, How::Traced] {
            let (seen, report, words, _) = run(&program, ease(), how);
            let found = (&*seen, (report.fuel_used, report.memory_peak_bytes, words));
            assert_eq!(found, (*wanted, *pinned), "{name} {how:?}");
        }
    }
}

#[test]
fn memory_ends_where_it_did() {
    for (name, body, wanted, (fuel, memory, _)) in PROGRAMS {
        let program = program(body);
        let (seen, report, ..) = run(&program, ease().memory_bytes(*memory), How::AtOnce);
        assert_eq!((&*seen, report.fuel_used), (*wanted, *fuel), "{name}");
        let (seen, report, ..) = run(&program, ease().memory_bytes(memory - 1), How::AtOnce);
        assert_eq!((seen.starts_with("memory"), report.outcome), (true, Outcome::Limit), "{name}");
    }
}

#[test]
fn a_run_can_be_put_away_at_each_op() {
    let mut all = FNV;
    for (name, body, wanted, (fuel, memory, _)) in PROGRAMS.iter().filter(|(.., (fuel, ..))| *fuel < 1000) {
        let program = program(body);
        for first in 0..7 {
            let (seen, report, _, frozen) = run(&program, ease(), How::Frozen(first));
            let found = (&*seen, report.fuel_used, report.memory_peak_bytes);
            assert_eq!(found, (*wanted, *fuel, *memory), "{name} from {first}");
            all = frozen.to_le_bytes().iter().fold(all, hashed);
        }
    }
    assert_eq!(all, SNAPSHOTS);
}

#[test]
fn state_is_carried_and_paid_by_words() {
    let text = "STATE on: list<bool> MAX 99 = []
STATE rows: list<list<bool> MAX 99> MAX 9 = []
EVERY 30s {
  LET row: list<bool> MAX 99 = COLLECT i MOD 2 == 0 FOR i IN 1..20
  rows = append(rows, [row, on])
  on = append(row, on)
  on[0] = NOT on[0]
}
";
    let (compiled, diagnostics) = compile_text("bools.swarm", text);
    let program = load(&compiled.module.unwrap_or_else(|| panic!("{diagnostics:?}")));
    let mut host = Host::new();
    host.clock(VirtualClock::default());
    let inputs = Inputs::new(&program);
    let mut run = Instance::new(&program, &inputs, ease(), &Grants::all(), &host).unwrap();
    let mut seen = Vec::new();
    assert!(matches!(run.run(&mut host), Exit::Finished(_)));
    for _ in 0..3 {
        run.tick(0).unwrap();
        let Exit::Finished(report) = run.run(&mut host) else { panic!("it waits") };
        seen.push((report.fuel_used, report.memory_peak_bytes, run.arena_used().0));
    }
    assert_eq!(seen, STATE);
    assert_eq!(run.state("on").unwrap().to_json().matches("true").count(), 33);
}
