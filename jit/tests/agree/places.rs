//! Where two tiers could differ: a test for each place, at every amount of fuel and at other limits.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};

use serde_json::{Value as Json, json};
use swarm_compiler::{Options, compile_text_with};
use swarm_jit::Jit;
use swarm_vm::tier::{Tier, Work};
use swarm_vm::trace::Event;
use swarm_vm::{
    Clock, Effects, Exit, Grants, Host, Inputs, Instance, Level, Limits, Outcome, Program, TraceSink,
};

use crate::vector::run;

/// Compiled code, and how much fuel was used in it.
#[derive(Debug, Default)]
struct Watched {
    fuel: AtomicU64,
}

/// One for all tests, so that each program is compiled once.
static JIT: LazyLock<Jit> = LazyLock::new(|| Jit::new().unwrap());

impl Tier for Watched {
    fn run(&self, work: &mut Work<'_>) {
        let before = work.fuel_used();
        JIT.run(work);
        self.fuel.fetch_add(work.fuel_used() - before, Ordering::Relaxed);
    }
}

fn watched() -> Arc<Watched> {
    Arc::default()
}

pub(crate) fn program(text: &str) -> Program {
    let options = Options { tests: false, ..Options::default() };
    let (compilation, _) = compile_text_with("place.swarm", text, &options);
    let module = compilation.module.unwrap_or_else(|| panic!("{text} does not compile"));
    Program::load(&module.encode()).unwrap()
}

const PLENTY: u64 = 1 << 40;

/// Runs a program on both tiers at its ease, then with each amount of fuel up to `fuel`, and with little of
/// everything else. Gives what was to see at ease.
pub(crate) fn agree(text: &str, vector: &Json, fuel: u64) -> String {
    let program = program(text);
    let tier = watched();
    let both = |limits: Limits, effects: Effects| {
        let wanted = run(&program, vector, limits, effects, None);
        let found = run(&program, vector, limits, effects, Some(Arc::clone(&tier) as Arc<dyn Tier>));
        assert!(wanted == found, "{text}{vector}\n{limits:?} {effects:?}\n{wanted}\n{found}");
        wanted
    };
    let ease = Limits::default().fuel(PLENTY).memory_bytes(1 << 28);
    let at_ease = both(ease, Effects::Immediate);
    assert_ne!(tier.fuel.load(Ordering::Relaxed), 0, "nothing was compiled");
    both(ease, Effects::Collected);
    for fuel in 0..fuel {
        both(ease.fuel(fuel), Effects::Immediate);
    }
    for few in 0..6 {
        both(ease.memory_bytes(few * 40), Effects::Immediate);
        both(ease.host_calls(few), Effects::Collected);
        both(ease.call_depth(u32::try_from(few + 1).unwrap()), Effects::Immediate);
    }
    at_ease
}

pub(crate) fn context(values: &Json) -> Json {
    json!({ "context": values })
}

#[test]
fn agree_01_fuel_at_a_trap_and_out_of_it() {
    let text = "CONTEXT n: int\nFUNC main() -> int { LET x = 1; FOR i IN 1..60 { x = x * n; IF x MOD 3 == 0 { x += 1 } }; RETURN x }\n";
    assert!(agree(text, &context(&json!({"n": 5})), 400).contains("overflow"));
    assert!(agree(text, &context(&json!({"n": 1})), 600).contains("outcome: Done"));
}

#[test]
fn agree_02_the_order_of_checks_in_one_op() {
    // Zero before overflow; the operands before the fuel of a copy; memory before the number of calls.
    let text = "CONTEXT a: int\nCONTEXT b: int\nFUNC main() -> int { RETURN a DIV b + a MOD b }\n";
    assert!(agree(text, &context(&json!({"a": i64::MIN, "b": 0})), 20).contains("division_by_zero"));
    assert!(agree(text, &context(&json!({"a": i64::MIN, "b": -1})), 20).contains("overflow"));
    let text = "CONTEXT i: int\nACTION SHOW(n: int) IDEMPOTENT\nFUNC main() -> int { LET xs = [1, 2, 3]; LET ys = xs; ys[i] = 7; SHOW(ys[i]); SHOW(xs[i]); RETURN xs[0] }\n";
    assert!(agree(text, &context(&json!({"i": 9})), 60).contains("index_out_of_range"));
    agree(text, &context(&json!({"i": 1})), 60);
}

#[test]
fn agree_03_waiting_for_an_answer() {
    let text = "CONTEXT n: int\nQUERY ask(n: int) -> int REQUIRES ask\nFUNC deep(k: int) -> int { IF k == 0 { RETURN ask(n) }; LET own = k * 3; RETURN deep(k - 1) + own }\nFUNC main() -> int { LET sum = 0; FOR i IN 1..3 { sum += deep(i) }; RETURN sum }\n";
    let mut vector = context(&json!({"n": 4}));
    vector["later"] = json!(11);
    assert!(agree(text, &vector, 120).contains("Pending"));
}

#[test]
fn agree_04_registers_that_were_never_assigned() {
    // The snapshots hold every register of every frame.
    let text = "CONTEXT n: int\nFUNC twice(k: int) -> int { IF k > 3 { LET x = k * 2; LET y = x + 1; RETURN y }; LET z = k + 1; RETURN z }\nFUNC main() -> int { LET sum = 0; FOR i IN 0..n { sum += twice(i) }; RETURN sum }\n";
    assert!(agree(text, &context(&json!({"n": 7})), 260).contains("outcome: Done"));
}

#[test]
fn agree_05_arguments_are_values() {
    let text = "CONTEXT n: int\nFUNC change(xs: list<int> MAX 3, k: int) -> list<int> MAX 9 { LET ys = xs; ys[0] = k; RETURN append(ys, [k]) }\nFUNC main() -> int { LET xs: list<int> MAX 3 = [1, 2, 3]; LET ys = change(xs, n); LET zs = change(xs, n + 1); RETURN xs[0] * 100 + ys[0] * 10 + zs[0] }\n";
    assert!(agree(text, &context(&json!({"n": 5})), 120).contains("156"));
}

#[test]
fn agree_06_depth_and_native_stack() {
    let text = "CONTEXT n: int\nFUNC down(k: int) -> int { IF k == 0 THEN RETURN 0; RETURN down(k - 1) + 1 }\nFUNC main() -> int { RETURN down(n) }\n";
    let program = program(text);
    let tier: Arc<dyn Tier> = watched();
    for depth in [3, 199, 200, 201, 202, 203, 5_000, 50_000] {
        for n in [0, 200, 40_000] {
            let limits = Limits::default().fuel(PLENTY).memory_bytes(1 << 28).call_depth(depth);
            let vector = context(&json!({ "n": n }));
            let wanted = run(&program, &vector, limits, Effects::Immediate, None);
            let found = run(&program, &vector, limits, Effects::Immediate, Some(Arc::clone(&tier)));
            assert!(wanted == found, "{depth} {n}\n{wanted}\n{found}");
        }
    }
    // The widest function there can be.
    let names: Vec<String> = (0..200).map(|at| format!("LET v{at} = k + {at}")).collect();
    let sum: Vec<String> = (0..200).map(|at| format!("v{at}")).collect();
    let text = format!(
        "CONTEXT n: int\nFUNC wide(k: int) -> int {{ {}; IF k > 0 {{ LET below = wide(k - 1); RETURN below + {} }}; RETURN {} }}\nFUNC main() -> int {{ RETURN wide(n) }}\n",
        names.join("; "),
        sum.join(" + "),
        sum.join(" + ")
    );
    agree(&text, &context(&json!({"n": 3000})), 0);
}

#[test]
fn agree_07_memory() {
    let text = "CONTEXT n: int\nFUNC grow(k: int) -> list<int> MAX 99 { LET xs: list<int> MAX 99 = COLLECT i * k FOR i IN 1..k; RETURN xs }\nFUNC main() -> int { LET sum = 0; FOR k IN 1..n { sum += len(grow(k)) }; RETURN sum }\n";
    let program = program(text);
    let tier: Arc<dyn Tier> = watched();
    let vector = context(&json!({"n": 12}));
    for bytes in 0..1200 {
        let limits = Limits::default().fuel(PLENTY).memory_bytes(bytes);
        let wanted = run(&program, &vector, limits, Effects::Immediate, None);
        let found = run(&program, &vector, limits, Effects::Immediate, Some(Arc::clone(&tier)));
        assert!(wanted == found, "{bytes}\n{wanted}\n{found}");
    }
    agree(text, &vector, 200);
}

#[test]
fn agree_08_copies() {
    let text = "CONTEXT n: int\nTYPE Pair { left: int  right: list<int> MAX 9 }\nFUNC main() -> int { LET a = Pair(left: 1, right: [1, 2, 3]); LET b = a; b.left = n; b.right[1] = n; LET c = b; c.right[1] += 1; RETURN a.left + a.right[1] * 10 + b.left * 100 + b.right[1] * 1000 + c.right[1] * 10000 + len(c.right) * 100000 }\n";
    assert!(agree(text, &context(&json!({"n": 5})), 160).contains("365521"));
}

#[test]
fn agree_09_no_nan_and_no_minus_zero() {
    let text = "CONTEXT a: float\nCONTEXT b: float\nFUNC main() -> float { LET x = a * b; LET y = x - x; LET z = -y; RETURN (z * -1.0 + y) / (b + 1.0) }\n";
    for (a, b) in [(0.0, -5.0), (-0.0, 3.0), (1e300, 1e300), (1e-300, -1e-300), (2.0, -1.0)] {
        agree(text, &context(&json!({"a": a, "b": b})), 30);
    }
}

#[test]
fn agree_10_rounding_and_remainders() {
    let text = "CONTEXT a: float\nCONTEXT b: int\nFUNC main() -> int { LET low = min(a, 2.5); LET high = max(a, -2.5); RETURN round(low) * 1000 + floor(high) * 100 + ceil(a) * 10 + b MOD 7 + b DIV 7 }\n";
    for a in [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 1e9] {
        for b in [-8, 8] {
            agree(text, &context(&json!({"a": a, "b": b})), 40);
        }
    }
}

#[test]
fn agree_11_float_to_int() {
    let text = "CONTEXT a: float\nFUNC main() -> int { RETURN round(a) }\n";
    for a in [9.223_372_036_854_774e18, 9.3e18, -9.223_372_036_854_776e18, -9.3e18, 0.49] {
        agree(text, &context(&json!({"a": a})), 12);
    }
}

#[test]
fn agree_12_whole_division() {
    let text = "CONTEXT a: int\nCONTEXT b: int\nFUNC main() -> int { LET r = a MOD b; RETURN r + a DIV b }\n";
    for a in [i64::MIN, i64::MIN + 1, -7, 0, 7, i64::MAX] {
        for b in [i64::MIN, -2, -1, 0, 1, 2, i64::MAX] {
            agree(text, &context(&json!({"a": a, "b": b})), 12);
        }
    }
}

#[test]
fn agree_13_shifts() {
    let text = "CONTEXT a: int\nCONTEXT b: int\nFUNC main() -> int { LET right = shift_right(a, b); RETURN xor(right, bit_or(shift_left(bit_and(a, 255), b), 1)) }\n";
    for a in [i64::MIN, -1, 1, i64::MAX] {
        for b in [-1, 0, 1, 55, 63, 64, i64::MAX] {
            agree(text, &context(&json!({"a": a, "b": b})), 16);
        }
    }
}

#[test]
fn agree_14_products() {
    let text = "CONTEXT a: int\nCONTEXT b: int\nFUNC main() -> int { RETURN a * b }\n";
    let edges = [i64::MIN, i64::MIN / 2, -3_037_000_500, -1, 0, 1, 2, 3_037_000_499, 3_037_000_500, i64::MAX];
    for a in edges {
        for b in edges {
            agree(text, &context(&json!({"a": a, "b": b})), 6);
        }
    }
    let text = "CONTEXT a: money\nCONTEXT p: percent\nCONTEXT f: float\nFUNC main() -> money { RETURN a * p + a * f - a * 3 }\n";
    for (a, p, f) in [("$2.5", "12.5%", 0.1), ("$9000000000", "100000%", 1e3), ("-$0.000001", "50%", 0.5)] {
        agree(text, &context(&json!({"a": a, "p": p, "f": f})), 20);
    }
}

#[test]
fn agree_15_text_of_numbers() {
    let text = "CONTEXT a: float\nCONTEXT b: int\nFUNC main() -> string { LET t = \"{a} {b} {a / 3.0}\"; RETURN \"{t} {parse_int(left(t, 2)) ?? -1} {parse_float(t) ?? 0.5}\" }\n";
    for a in [0.1, 1e300, 5e-324, -2.0] {
        agree(text, &context(&json!({"a": a, "b": i64::MIN})), 40);
    }
}

#[test]
fn agree_16_the_order_of_maps() {
    let text = "CONTEXT n: int\nFUNC main() -> string { LET m: map<int, int> MAX 50 = [:]; FOR i IN 1..n { m[i * 37 MOD 11] = i }; LET out = \"\"; FOR EACH k, v IN m { out = \"{out}{k}={v} \" }; RETURN out }\n";
    assert!(agree(text, &context(&json!({"n": 9})), 300).contains("2=6"));
}

#[test]
fn agree_17_columns_of_the_host() {
    let text = "TYPE Row { id: string KEY  n: int  x: float  ok: bool }\nINPUT rows: list<Row> MAX 50\nACTION SHOW(row: Row, n: int, x: float) IDEMPOTENT\nFUNC total(row: Row) -> int { RETURN row.n * 2 }\nFUNC main() -> int { LET sum = 0; FOR EACH row IN rows WHERE row.ok { sum += row.n + total(row); IF row.x > 1.0 { SHOW(row, row.n, row.x) } }; FOR i IN 0..len(rows) - 1 { sum += rows[i].n }; RETURN sum }\n";
    let rows: Vec<Json> = (0..9)
        .map(|at| json!({"id": format!("r{at}"), "n": at * 3 - 4, "x": f64::from(at) * 0.3, "ok": at % 3 != 0}))
        .collect();
    let seen = agree(text, &json!({"input": {"rows": rows}}), 400);
    assert!(seen.contains("SHOW") && seen.contains("outcome: Done"), "{seen}");
    agree(text, &json!({"input": {"rows": []}}), 30);
}

#[test]
fn agree_18_collected_actions() {
    let text = "CONTEXT n: int\nACTION SHOW(n: int, xs: list<int>) IDEMPOTENT\nACTION PAY(n: int) IDEMPOTENT COSTS $0.25\nACTION ASK(n: int) IDEMPOTENT\nFUNC main() -> int { LET xs = [0, 0]; FOR i IN 1..n { xs[0] = i; SHOW(i, xs); xs[1] += 1; PAY(i) ; IF i == 3 { TRY ASK(i) ELSE { RETURN -1 } } }; IF n > 4 THEN FAIL \"too many\"; RETURN xs[1] }\n";
    for n in [0, 3, 4, 6] {
        agree(text, &context(&json!({"n": n})), 220);
        let mut refused = context(&json!({"n": n}));
        refused["refused"] = json!(["SHOW", "ASK"]);
        agree(text, &refused, 100);
    }
}

#[test]
fn agree_19_a_host_that_runs_another_instance() {
    let text = "CONTEXT n: int\nACTION SHOW(n: int) IDEMPOTENT\nFUNC main() -> int { LET sum = 0; FOR i IN 1..n { SHOW(i); sum += i }; RETURN sum }\n";
    let program = program(text);
    let results = |tier: Option<Arc<dyn Tier>>| {
        let start = |host: &Host<'_>, n: i64| {
            let inputs = Inputs::new(&program).context_json(&json!({ "n": n }).to_string()).unwrap();
            let run = Instance::new(&program, &inputs, Limits::default(), &Grants::all(), host).unwrap();
            match &tier {
                Some(tier) => run.tier(Arc::clone(tier)),
                None => run,
            }
        };
        let inner = Cell::new(0_i64);
        let mut host = Host::new();
        host.action("SHOW", |n: i64| {
            let (sum, mut host) = (Cell::new(0), Host::new());
            host.action("SHOW", |n: i64| sum.set(sum.get() * 7 + n));
            let report = start(&host, n).run(&mut host).report().unwrap();
            assert_eq!(report.outcome, Outcome::Done);
            drop(host);
            inner.set(inner.get().wrapping_mul(31) + sum.get());
        });
        let report = start(&host, 9).run(&mut host).report().unwrap();
        drop(host);
        (format!("{report:?}"), inner.get())
    };
    let tier = watched();
    assert_eq!(results(None), results(Some(Arc::clone(&tier) as Arc<dyn Tier>)));
    assert_ne!(tier.fuel.load(Ordering::Relaxed), 0);
}

/// A clock that goes on by a step each time it is looked at.
struct Steps(Cell<u64>, u64);

impl Clock for Steps {
    fn now_ns(&self) -> u64 {
        self.0.set(self.0.get() + self.1);
        self.0.get()
    }
}

#[test]
fn agree_20_slices_and_deadlines() {
    let text = "CONTEXT n: int\nFUNC step(k: int) -> int { LET x = k; FOR i IN 1..5 { x += i }; RETURN x }\nFUNC main() -> int { LET sum = 0; FOR i IN 1..n { sum = bit_and(sum * 3 + step(i), 65535) }; RETURN sum }\n";
    let program = program(text);
    let outcome = |n: i64, slice: u32, step: u64, tier: Option<Arc<dyn Tier>>| {
        let inputs = Inputs::new(&program).context_json(&json!({ "n": n }).to_string()).unwrap();
        let mut host = Host::new();
        host.clock(Steps(Cell::new(0), step));
        let limits = Limits::default().fuel(PLENTY).deadline_ns(1 << 20);
        let run = Instance::new(&program, &inputs, limits, &Grants::all(), &host).unwrap();
        let mut run = run.look_every(slice);
        if let Some(tier) = tier {
            run = run.tier(tier);
        }
        run.run(&mut host).report().unwrap()
    };
    let tier = || Some(watched() as Arc<dyn Tier>);
    // In time: slices of any size change nothing.
    let wanted = format!("{:?}", outcome(10_000, 4096, 0, None));
    for slice in [1, 7, 64, 4096, 100_000] {
        assert_eq!(format!("{:?}", outcome(10_000, slice, 0, tier())), wanted, "{slice}");
    }
    // Too late: both stop for the same reason, wherever that is.
    for slice in [64, 4096] {
        let (wanted, found) =
            (outcome(1 << 40, slice, 1 << 14, None), outcome(1 << 40, slice, 1 << 14, tier()));
        assert_eq!((wanted.outcome, wanted.reason.is_some()), (Outcome::Limit, true));
        assert_eq!(found.outcome, wanted.outcome);
    }
}

#[test]
fn agree_27_actions_that_are_noted() {
    let text = "CONTEXT n: int\nACTION SHOW(n: int) IDEMPOTENT\nACTION PAY(n: int) IDEMPOTENT COSTS $0.25\nFUNC main() -> int { LET sum = 0; FOR i IN 1..n { SHOW(i); sum += i; IF i MOD 7 == 0 THEN PAY(i) }; RETURN 100 DIV (n - 90) }\n";
    let program = program(text);
    let outcome = |n: i64, limits: Limits, step: u64, tier: Option<Arc<dyn Tier>>| {
        let inputs = Inputs::new(&program).context_json(&json!({ "n": n }).to_string()).unwrap();
        let (mut host, seen) = (Host::new(), Cell::new(0_i64));
        let see = |n: i64| seen.set(seen.get().wrapping_mul(31).wrapping_add(n));
        host.clock(Steps(Cell::new(0), step));
        host.action("SHOW", see).action("PAY", see);
        let run =
            Instance::new(&program, &inputs, limits, &Grants::all(), &host).unwrap().look_every(u32::MAX);
        let mut run = match tier {
            Some(tier) => run.tier(tier),
            None => run,
        };
        let exit = format!("{:?}", run.run(&mut host));
        drop((run, host));
        (exit, seen.get())
    };
    let ease = Limits::default().fuel(PLENTY).host_calls(PLENTY).money(1 << 40);
    let tries = (0..200).map(|few| ease.host_calls(few)).chain((0..40).map(|few| ease.money(few * 125_000)));
    let tries = tries
        .chain((0..100).map(|few| ease.memory_bytes(few * 97)))
        .chain((0..300).map(|few| ease.fuel(few * 11)));
    for limits in tries.chain([ease]) {
        for n in [3, 90, 180] {
            let tier = Some(watched() as Arc<dyn Tier>);
            assert_eq!(outcome(n, limits, 0, tier), outcome(n, limits, 0, None), "{n} {limits:?}");
        }
    }
    // The clock is read behind the same calls, so that time is up behind the same one.
    for step in [1 << 8, 1 << 12, 1 << 14, 1 << 18] {
        let limits = ease.deadline_ns(1 << 20);
        let wanted = outcome(10_000, limits, step, None);
        assert_eq!(outcome(10_000, limits, step, Some(watched() as Arc<dyn Tier>)), wanted, "{step}");
        assert!(step < 1 << 14 || wanted.0.contains("deadline"), "{wanted:?}");
    }
}

#[test]
fn agree_28_rows_that_are_passed_over() {
    let text = "TYPE Row { id: string KEY  n: int  x: float  y: int }\nINPUT rows: list<Row> MAX 5000\nACTION SHOW(row: Row, y: int) IDEMPOTENT\nFUNC main() -> int { LET last = 0; FOR EACH row IN rows { IF row.n > 90 { SHOW(row, row.y) }; IF row.x > 9.5 OR row.y == 77 { last = row.y }; IF row.n < -5 { last = 1 }; IF row.y > 250 { SHOW(row, 1); IF row.n < 4 { SHOW(row, row.y) } } }; RETURN last }\n";
    let wat = swarm_jit::to_wat(&program(text)).unwrap();
    let (_, number) = wat.split_once("\"pass\" (func (;").unwrap();
    let call = format!("call {}\n", number.split_once(';').unwrap().0);
    assert!(wat.contains(&call), "nothing asks for rows to pass over");
    let rows = |count: i64, often: i64| -> Vec<Json> {
        let row = |at: i64| {
            let n = if at * 37 % often == 5 { 100 - at % 3 } else { at % 80 };
            let x = if at * 53 % often == 11 { 10.0 } else { 0.5 };
            json!({"id": format!("r{at}"), "n": n, "x": x, "y": at})
        };
        (0..count).map(row).collect()
    };
    for (count, often, fuel) in
        [(40, 17, 600), (300, 101, 40), (3_000, 1_009, 4), (700, 1 << 40, 4), (0, 17, 20), (90, 6, 9)]
    {
        let seen = agree(text, &json!({"input": {"rows": rows(count, often)}}), fuel);
        assert!(seen.contains("outcome: Done"), "{seen}");
    }
}

#[test]
fn agree_32_loops_that_only_call_the_host() {
    let text = "TYPE Row { id: string KEY  n: int  x: float }\nINPUT rows: list<Row> MAX 5000\nACTION SHOW(row: Row, how: int) IDEMPOTENT COSTS $0.01\nFUNC main() -> int { LET sum = 0; FOR i IN 1..3 { sum += i * i; FOR EACH row IN rows { IF row.n > 90 { SHOW(row, 1) }; IF row.x > 9.5 { SHOW(row, 2) } }; sum += i }; RETURN sum }\n";
    let wat = swarm_jit::to_wat(&program(text)).unwrap();
    assert!(wat.contains("i32.load offset=40\n"), "nothing asks whether to leave the loop");
    let rows = |count: i64, often: i64| -> Vec<Json> {
        let row = |at: i64| {
            let n = if at * 37 % often == 5 { 100 - at % 3 } else { at % 80 };
            let x = if at * 53 % often == 11 { 10.0 } else { 0.5 };
            json!({"id": format!("r{at}"), "n": n, "x": x})
        };
        (0..count).map(row).collect()
    };
    for (count, often, fuel) in [(0, 17, 40), (1, 1, 60), (40, 17, 700), (90, 2, 40), (3_000, 101, 4)] {
        let seen = agree(text, &json!({"input": {"rows": rows(count, often)}}), fuel);
        assert!(seen.contains("outcome: Done"), "{seen}");
    }
}

/// Keeps every event.
#[derive(Default)]
struct Lines(Vec<String>);

impl TraceSink for Lines {
    fn event(&mut self, event: &Event<'_>) {
        self.0.push(format!("{event:?}"));
    }
}

#[test]
fn agree_21_the_trace() {
    let text = "CONTEXT n: int\nMETRIC seen: int TOTAL\nACTION SHOW(n: int) IDEMPOTENT\nFUNC twice(k: int) -> int { RETURN k * 2 }\nFUNC main() -> int { FOR i IN 1..n { SHOW(twice(i)); RECORD seen = i }; RETURN n }\n";
    let program = program(text);
    for level in [Level::Off, Level::Effects, Level::Steps] {
        let lines = |tier: Option<Arc<dyn Tier>>| {
            let inputs = Inputs::new(&program).context_json(r#"{"n": 7}"#).unwrap();
            let mut host = Host::new();
            host.action("SHOW", |_: i64| ());
            let run = Instance::new(&program, &inputs, Limits::default(), &Grants::all(), &host).unwrap();
            let mut run = match tier {
                Some(tier) => run.tier(tier),
                None => run,
            };
            let mut sink = Lines::default();
            let exit = run.run_traced(&mut host, level, &mut sink);
            assert!(matches!(exit, Exit::Finished(_)));
            (sink.0, format!("{exit:?}"))
        };
        assert_eq!(lines(Some(watched())), lines(None), "{level:?}");
    }
}

#[test]
fn agree_22_compiled_code_that_was_kept() {
    let text =
        "CONTEXT n: int\nFUNC main() -> int { LET sum = 0; FOR i IN 1..n { sum += i * i }; RETURN sum }\n";
    let program = program(text);
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("compiled");
    let files = || {
        let folders = std::fs::read_dir(directory.join("modules")).unwrap();
        let files = folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
        let mut names: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        names.retain(|name| !name.to_string_lossy().contains('.'));
        names.sort();
        names
    };
    let _ = std::fs::remove_dir_all(&directory);
    let vector = context(&json!({"n": 9}));
    let wanted = run(&program, &vector, Limits::default(), Effects::Immediate, None);
    let mut kept = Vec::new();
    for _ in 0..2 {
        let jit: Arc<dyn Tier> = Arc::new(Jit::cached(&directory).unwrap());
        assert_eq!(run(&program, &vector, Limits::default(), Effects::Immediate, Some(jit)), wanted);
        kept.push(files());
    }
    assert!(!kept[0].is_empty() && kept[0] == kept[1], "{kept:?}");
}

#[test]
fn agree_23_chains_of_floats_are_looked_at_once() {
    let text = "CONTEXT a: float\nFUNC main() -> float { LET x = a; LET y = 1.0; LET zs: list<float> MAX 9 = [0.0, 0.0]; FOR i IN 1..12 { LET old = x; y = y * x; x = x * x - y; zs[i MOD 2] = y * 0.0 * old; IF x < y { y = x + old } }; RETURN x + y + zs[0] * 1.0 }\n";
    let mut outcomes = Vec::new();
    for a in [1.5, -0.5, -1e-200, 1e200, 0.0] {
        outcomes.push(agree(text, &context(&json!({"a": a})), 260));
    }
    assert!(outcomes.iter().any(|seen| seen.contains("not_finite")), "{}", outcomes[0]);
    assert!(outcomes.iter().any(|seen| seen.contains("outcome: Done")), "{}", outcomes[0]);
}

#[test]
fn agree_24_lists_that_a_loop_knows() {
    let text = "CONTEXT n: int\nCONTEXT by: int\nFUNC main() -> int { LET xs: list<int> MAX 60 = COLLECT i * 3 FOR i IN 0..n; LET ys = xs; LET sum = 0; FOR i IN 0..n { IF i MOD 3 == 1 { xs[i + by] = xs[i] + ys[n - i] }; sum += ys[i] * xs[i] }; RETURN sum * 100 + ys[0] + xs[n] }\n";
    assert!(agree(text, &context(&json!({"n": 9, "by": 0})), 420).contains("outcome: Done"));
    assert!(agree(text, &context(&json!({"n": 10, "by": 1})), 420).contains("index_out_of_range"));
}

#[test]
fn agree_25_functions_that_return_at_once() {
    let text = "CONTEXT n: int\nFUNC clip(k: int, most: int) -> int { IF k < most THEN RETURN k; LET less = clip(k - most, most); RETURN less + 1 }\nFUNC main() -> int { LET sum = 0; FOR i IN 0..n { sum = sum * 2 + clip(i, 3) }; RETURN sum }\n";
    assert!(agree(text, &context(&json!({"n": 11})), 500).contains("outcome: Done"));
}

#[test]
fn agree_26_budgets_inside_of_other_blocks() {
    let text = "CONTEXT n: int\nACTION SHOW(n: int) IDEMPOTENT\nFUNC main() -> int { LET sum = 0; FOR i IN 0..n { IF i MOD 2 == 1 { WITHIN 9 tokens { FOR k IN 0..i { sum += k } } ELSE { FOR k IN 0..i { sum -= k } }; sum = sum * 2 }; SHOW(sum) }; RETURN sum }\n";
    assert!(agree(text, &context(&json!({"n": 6})), 400).contains("outcome: Done"));
    // A second block with a loop in it, which a run that is entered behind it does not go through.
    let text = "CONTEXT n: int\nFUNC main() -> int { LET ws: map<int, int> MAX 9 = [1: 2, 2: 3]; LET sum = 0; WITHIN $5 { WITHIN $5 { sum += 1 } ELSE { FOR k IN 0..n { sum += k }; sum = sum * 3 }; FOR EACH k, w IN ws { WITHIN $5 { sum += w }; WHILE n > 0 MAX 0 { sum += k } } }; RETURN sum }\n";
    assert!(agree(text, &context(&json!({"n": 6})), 400).contains("outcome: Done"));
}

#[test]
fn agree_29_rounds_that_are_begun_anew() {
    // A write to a list that is shared, behind what a round may not do twice; a store, and an index that is
    // none behind it.
    let text = "CONTEXT n: int\nCONTEXT by: int\nFUNC main() -> int { LET xs: list<int> MAX 60 = COLLECT i * 3 FOR i IN 0..n; LET zs: list<int> MAX 60 = COLLECT i FOR i IN 0..n; LET ys = xs; LET sum = 1; FOR i IN 0..n { IF sum MOD 3 == 1 { sum += i } ELSE { sum = sum * 2 }; LET old = sum; sum += 1; xs[i] = old + zs[n - i] + sum; zs[n - i] = sum; zs[i + by] = xs[i] }; RETURN sum * 100 + ys[0] + xs[n] + zs[0] }\n";
    assert!(agree(text, &context(&json!({"n": 9, "by": 0})), 600).contains("outcome: Done"));
    assert!(agree(text, &context(&json!({"n": 9, "by": 1})), 600).contains("index_out_of_range"));
    // Rounds that all take the same fuel, over a list that lies outside of the arena, too.
    let text = "CONTEXT n: int\nCONTEXT by: int\nCONTEXT given: list<int>\nFUNC main() -> int { LET xs: list<int> MAX 60 = COLLECT i FOR i IN 0..n; LET ys = xs; LET sum = 0; FOR i IN 0..n { sum += sum + given[i]; LET here = xs[i] * by; xs[i] = here + sum }; FOR i IN by..n { xs[i] = i + xs[n - i]; sum += xs[i - by] }; RETURN sum + ys[0] + xs[n] }\n";
    let given = json!([5, 1, 4, 1, 5, 9, 2, 6, 5, 3]);
    for by in [0, 1, 2, 1_i64 << 60] {
        agree(text, &context(&json!({"n": 9, "by": by, "given": given})), 400);
        agree(text, &context(&json!({"n": 10, "by": by, "given": given})), 400);
    }
    // From and to the ends of the numbers.
    let text = "CONTEXT from: int\nCONTEXT to: int\nFUNC main() -> int { LET sum = 0; FOR i IN from..to { sum = (sum + i MOD 7) * 3 }; RETURN sum }\n";
    for (from, to) in
        [(i64::MIN, i64::MIN + 5), (i64::MAX - 5, i64::MAX), (i64::MIN, i64::MAX), (-3, 3), (2, 1)]
    {
        agree(text, &context(&json!({"from": from, "to": to})), 200);
    }
}

#[test]
fn agree_30_lists_that_move_with_what_was_written() {
    let text = "CONTEXT n: int\nACTION SHOW(xs: list<int>) IDEMPOTENT\nFUNC main() -> int { LET xs: list<int> MAX 40 = []; LET ws: list<int> MAX 40 = COLLECT i FOR i IN 0..n; FOR i IN 0..n { xs = append(xs, [i * 2]); IF i MOD 3 == 2 { xs[i - 1] = xs[i] + ws[i]; ws[i] = i * 5 } }; LET ys = xs; ys = append(ys, [1]); SHOW(ys); FOR i IN 0..n { ys = append(ys, [i]); ys[i] = 7 }; SHOW(xs); SHOW(ys); SHOW(ws); RETURN ys[n] + xs[1] }\n";
    assert!(agree(text, &context(&json!({"n": 9})), 700).contains("outcome: Done"));
    assert!(agree(text, &context(&json!({"n": 18})), 700).contains("outcome: Done"));
    assert!(!agree(text, &context(&json!({"n": 19})), 700).contains("outcome: Done"));
}

#[test]
fn agree_31_lists_of_bools() {
    // Read, written and appended to, in loops that know the list and in those that do not; given ones, too.
    let text = "CONTEXT n: int\nCONTEXT by: int\nCONTEXT given: list<bool>\nACTION SHOW(xs: list<bool>) IDEMPOTENT\nFUNC main() -> int { LET xs: list<bool> MAX 40 = COLLECT FALSE FOR i IN 0..n; LET ys: list<bool> MAX 40 = COLLECT i MOD 3 == 1 FOR i IN 0..n; LET zs = ys; LET sum = 0; FOR i IN 0..n { IF ys[i] { xs[i + by] = TRUE; sum += 7 }; ys[n - i] = xs[i] != given[i]; zs = append(zs, [ys[i]]) }; FOR k IN 0..n { xs[k] = TRUE }; FOR EACH z IN zs { sum = sum * 2 MOD 1_009; IF z { sum += 1 } }; FOR EACH g IN given { IF g { sum += 1_000 } }; SHOW(xs); SHOW(ys); SHOW(zs); SHOW(given); RETURN sum }\n";
    let given = json!([true, false, true, true, false, false, true, false, true, false]);
    for (n, by, done) in
        [(9, 0, true), (9, -1, true), (9, 3, false), (10, 0, false), (0, 0, true), (-1, 0, true)]
    {
        let context = context(&json!({"n": n, "by": by, "given": given}));
        assert_eq!(agree(text, &context, 350).contains("outcome: Done"), done, "{n} {by}");
    }
    // As many as fill words and as do not, shared in the midst, and one too many.
    let text = "CONTEXT n: int\nACTION SHOW(xs: list<bool>) IDEMPOTENT\nFUNC main() -> int { LET xs: list<bool> MAX 17 = []; LET old = xs; FOR i IN 1..n { xs = append(xs, [i MOD 2 == 1]); IF i == 9 { old = xs }; IF i > 3 { xs[i - 3] = NOT xs[i - 2] } }; SHOW(old); SHOW(xs); LET m = [xs, old]; m[1] = append(m[1], [TRUE]); RETURN COUNT FOR x IN append(m[0], m[1]) WHERE x }\n";
    for n in [1, 8, 9, 17, 18] {
        assert_eq!(agree(text, &context(&json!({"n": n})), 300).contains("outcome: Done"), n < 18, "{n}");
    }
}
