//! Loops of which something is known before their first round.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::TypeId;
use swarm_jit::Jit;
use swarm_vm::tier::Tier;
use swarm_vm::{Effects, Limits, Program};

use crate::places::{agree, context, program};
use crate::vector::run;

/// Both tiers agree, and the run is done or stopped as it is said of each context.
fn agree_on(text: &str, cases: impl IntoIterator<Item = (Json, bool)>, fuel: u64) {
    for (values, done) in cases {
        let found = agree(text, &context(&values), fuel);
        assert_eq!(found.contains("outcome: Done"), done, "{values}: {found}");
    }
}

/// The same outcome on both tiers within limits.
fn same(program: &Program, vector: &Json, limits: Limits, jit: &Arc<dyn Tier>) {
    let wanted = run(program, vector, limits, Effects::Immediate, None);
    let found = run(program, vector, limits, Effects::Immediate, Some(Arc::clone(jit)));
    assert!(wanted == found, "{vector} {limits:?}\n{wanted}\n{found}");
}

#[test]
fn agree_33_indexes_known_by_their_ends() {
    // Indexes that go up, stay and go down; a list that is shared until it is written.
    let text = "CONTEXT n: int\nCONTEXT by: int\nCONTEXT far: int\nFUNC main() -> int { LET xs: list<int> MAX 60 = COLLECT i FOR i IN 0..20; LET ys = xs; LET sum = 0; FOR i IN 0..2 { FOR k IN i..n { xs[k * by] = sum }; FOR k IN far..n { sum += xs[by * k] }; FOR k IN far..i { ys[by * k] = ys[k] + 1 } }; RETURN sum * 100 + ys[0] + xs[20] }\n";
    let cases = [
        (5, 4_i64, 0, true),
        (5, 5, 0, false),
        (10, 2, 1, true),
        (0, -3, 0, false),
        (9, 0, 2, true),
        (2, 1, -1, false),
        (2, 10, -1, false),
        (20, 1, -4, false),
        (-1, -5, -4, false),
        (3, 1 << 60, 3, false),
        (-7, 1 << 62, 3, true),
        (4, i64::MIN, 0, false),
    ];
    agree_on(text, cases.map(|(n, by, far, done)| (json!({"n": n, "by": by, "far": far}), done)), 700);
    // Indexes that only seem to be steady: squares, a product that is changed, a factor that is, one of the round before.
    let text = "CONTEXT n: int\nCONTEXT by: int\nFUNC main() -> int { LET xs: list<int> MAX 60 = COLLECT i FOR i IN 0..20; LET sum = 0; FOR k IN 0..n { xs[k * k] = 7 }; FOR k IN 0..n { LET p = k * by; sum += xs[p]; p = p + k; sum += xs[p] }; LET f = 1; FOR k IN 0..n { xs[k * f] = 5; f = f + by }; LET q = 20; FOR k IN 0..n { sum += xs[q]; q = k * 3 }; RETURN sum }\n";
    let cases = [
        (4, 1, true),
        (5, 1, false),
        (2, 4, true),
        (3, 4, false),
        (4, 5, false),
        (3, 6, false),
        (4, -1, false),
        (0, 9, true),
    ];
    agree_on(text, cases.map(|(n, by, done)| (json!({"n": n, "by": by}), done)), 700);
    // A list that lies outside of the arena, and one that grows meanwhile.
    let text = "CONTEXT n: int\nCONTEXT given: list<int>\nFUNC main() -> int { LET xs: list<int> MAX 60 = [3]; LET sum = 0; FOR k IN 0..n { sum += given[k] }; FOR k IN 0..n { xs = append(xs, [k]); sum += xs[k] }; FOR k IN 1..n { xs = append(xs, [k]); sum += xs[k * 2] }; RETURN sum }\n";
    let given = json!([5, 1, 4, 1, 5, 9, 2, 6, 5, 3]);
    let cases = [(9, true), (10, false)];
    agree_on(text, cases.map(|(n, done)| (json!({"n": n, "given": given}), done)), 600);
}

#[test]
fn agree_34_products_known_by_their_ends() {
    let text = "CONTEXT from: int\nCONTEXT to: int\nCONTEXT by: int\nFUNC main() -> int { LET sum = 0; FOR k IN from..to { sum = (sum + k * by MOD 11) MOD 1_009 }; FOR k IN from..to { LET p = by * k; LET q = k * p; sum = (sum + q MOD 7 + p MOD 11) MOD 1_009 }; RETURN sum }\n";
    for (from, to, by, trap) in [
        (0_i64, 9_i64, 3_i64, false),
        (-4, 4, -3, false),
        (i64::MAX - 3, i64::MAX, 1, true),
        (i64::MAX - 3, i64::MAX, -1, true),
        (i64::MIN, i64::MIN + 3, -1, true),
        ((1 << 31) - 3, (1 << 31) + 3, 1 << 32, true),
        ((1 << 31) - 3, (1 << 31) + 3, 1, false),
        (-(1 << 31) - 3, 3 - (1 << 31), 1 << 32, true),
        (3_037_000_498, 3_037_000_502, 3_037_000_500, true),
        (0, 9, 1 << 60, true),
        (-9, 0, 1 << 60, true),
        (-8, 7, 1 << 56, false),
    ] {
        let found = agree(text, &context(&json!({"from": from, "to": to, "by": by})), 320);
        assert_eq!(found.contains("overflow"), trap, "{from} {to} {by}: {found}");
    }
}

#[test]
fn agree_35_lists_of_one_value() {
    // As long as may be and longer, with bools, numbers, values that are more than a byte, and lists that others see.
    let text = "CONTEXT n: int\nCONTEXT m: int\nACTION SHOW(xs: list<bool>, ys: list<int>) IDEMPOTENT\nFUNC off(k: int) -> list<bool> MAX 40 { RETURN COLLECT FALSE FOR i IN 1..k }\nFUNC yes(k: int) -> list<bool> MAX 40 { RETURN COLLECT TRUE FOR i IN 1..k }\nFUNC zeros(k: int) -> list<int> MAX 50 { RETURN COLLECT 0 FOR i IN 1..k }\nFUNC ones(k: int) -> list<int> MAX 50 { RETURN COLLECT 1 FOR i IN 1..k }\nFUNC more(xs: list<bool> MAX 40, k: int) -> list<bool> MAX 40 { LET ys = xs; FOR i IN 1..k { ys = append(ys, [TRUE]) }; RETURN ys }\nFUNC main() -> int { LET xs = off(n); LET ys = zeros(n); SHOW(more(xs, m), ys); LET os = ones(n); SHOW(xs, os); LET minus: list<int> MAX 50 = COLLECT 1 - 2 FOR i IN 1..m; SHOW(more(yes(n), m), minus); RETURN (SUM o FOR o IN os) * 1_000 + SUM(y FOR y IN ys) + SUM(x FOR x IN minus) + (COUNT FOR x IN xs WHERE x) }\n";
    let cases = [
        (0, 0, true),
        (9, 2, true),
        (20, 20, true),
        (40, 0, true),
        (20, 21, false),
        (41, 0, false),
        (8, 31, true),
    ];
    agree_on(text, cases.map(|(n, m, done)| (json!({"n": n, "m": m}), done)), 1_600);
    for (what, sum) in [("0", 0), ("1", 40), ("256", 10_240)] {
        let text = format!(
            "CONTEXT n: int\nFUNC main() -> int {{ LET xs: list<int> MAX 50 = COLLECT {what} FOR i IN 1..n; RETURN SUM x FOR x IN xs }}\n"
        );
        let found = agree(&text, &context(&json!({"n": 40})), 400);
        assert!(found.contains(&format!("result: Some(Int({sum}))")), "{found}");
    }
    // Over pages, with fuel that ends anywhere among them.
    let text = "CONTEXT n: int\nACTION SHOW(sum: int) IDEMPOTENT\nFUNC main() -> int { LET xs: list<bool> MAX 40_000 = COLLECT TRUE FOR i IN 1..n; LET ys: list<int> MAX 40_000 = COLLECT 0 FOR i IN 1..n; FOR k IN 1..99 { ys[k * 41] = k }; SHOW(COUNT FOR x IN xs WHERE x); SHOW(SUM y FOR y IN ys); LET copy = append(xs, [FALSE]); RETURN (COUNT FOR x IN copy WHERE x) + (SUM y * y FOR y IN ys) }\n";
    let (program, jit) = (program(text), Arc::new(Jit::new().unwrap()) as Arc<dyn Tier>);
    let vector = context(&json!({"n": 33_000}));
    let ease = Limits::default().fuel(1 << 40).memory_bytes(1 << 30);
    let all = (0..60).map(|part| ease.fuel(part * 34_567)).chain([ease, ease.memory_bytes(300_000)]);
    for limits in all {
        same(&program, &vector, limits, &jit);
    }
    // One helper is asked for each time that the list has to be moved, not for each item.
    assert!(swarm_jit::to_wat(&program).unwrap().contains("memory.fill"));
}

#[test]
fn agree_36_registers_with_one_value() {
    // Set on one way only, in a loop that is not entered, in both arms, and read behind them.
    let text = "CONTEXT n: int\nFUNC pick(k: int) -> int { LET a = 5; IF k > 2 { a = 7 }; LET b = 0; FOR i IN 1..k { b = 3; IF i == 2 { BREAK } }; LET c: int? = NONE; IF k MOD 2 == 0 { c = 9 } ELSE { LET d = 4; b += d }; RETURN a * 100 + b * 10 + (c ?? 1) }\nFUNC main() -> int { LET sum = 0; FOR k IN 0..n { LET one = 1; LET two = 2; IF k == 3 { two = one }; sum = sum * two + one + pick(k) }; RETURN sum }\n";
    for n in [-1, 0, 1, 4, 6] {
        assert!(agree(text, &context(&json!({"n": n})), 900).contains("outcome: Done"), "{n}");
    }
    // What nobody would compile: registers that are 0 until they are written, in a block or by a loop without rounds.
    let mut module = program("CONTEXT n: int\nFUNC main() -> int { RETURN n }\n").module().clone();
    let r = Register;
    let function = module.functions.first_mut().unwrap();
    let begin = function.code[..function.code.len() - 1].to_vec();
    let first = [Op::Integer { result: r(3), value: 1 }, Op::Integer { result: r(7), value: 1_000 }];
    let round = [
        Op::Range { item: r(4), first: r(3), last: r(0) },
        Op::MulInt { result: r(1), left: r(1), right: r(7) },
        Op::LtInt { result: r(5), left: r(3), right: r(4) },
        Op::If { condition: r(5) },
        Op::Integer { result: r(2), value: 7 },
        Op::End {},
        Op::Block {},
        Op::LtInt { result: r(5), left: r(4), right: r(3) },
        Op::If { condition: r(5) },
        Op::Integer { result: r(6), value: 40 },
        Op::Break { depth: 1 },
        Op::End {},
        Op::End {},
        Op::AddInt { result: r(1), left: r(1), right: r(2) },
        Op::AddInt { result: r(1), left: r(1), right: r(6) },
        Op::Advance {},
        Op::AddInt { result: r(1), left: r(1), right: r(4) },
        Op::ReturnValue { value: r(1) },
    ];
    function.registers = vec![function.registers[0]; 8];
    function.registers[5] = TypeId::BOOL;
    function.code = begin.into_iter().chain(first).chain(round).collect();
    module.debug = None;
    let program = Program::load(&module.encode()).unwrap_or_else(|error| panic!("{error}"));
    let jit: Arc<dyn Tier> = Arc::new(Jit::new().unwrap());
    for n in [-1, 0, 1, 3] {
        for fuel in (0..100).chain([1 << 40]) {
            same(&program, &context(&json!({"n": n})), Limits::default().fuel(fuel), &jit);
        }
    }
}
