//! No word may take native stack: Rust does not promise that the calls its handlers end in become jumps, so
//! this looks. Only an optimised build has such calls: `cargo test --release -p swarm-vm --test stack`.

use swarm_compiler::compile_text;
use swarm_vm::{Grants, Host, Inputs, Instance, Limits, Outcome, Program};

/// Every kind of statement and operation, a few hundred times between two looks at the stack.
const BODIES: [&str; 25] = [
    "sum = sum + i * 3 - i DIV 7 + i MOD 5",
    "IF i > 5 THEN sum += 1 ELSE sum += 2",
    "IF sum < i { sum = i } ELSE IF sum == i { sum = 0 } ELSE IF sum != 7 { sum = sum - i }",
    "sum = xor(bit_and(sum * 5 + i, 1023), shift_right(i, 2)) + bit_or(i, 1) + shift_left(i, 1)",
    "x = x * 0.5 + 1.0",
    "IF x * x + x * x > 4.0 THEN x = 2.0 * x * 0.25 - 1.0",
    "x = to_float(i) / 3.0 - x / 2.0",
    "IF x <= 1.0 OR NOT (x < 9.0) THEN sum += 1",
    "xs[i MOD 3] = i",
    "sum = sum + xs[i MOD 3] MOD 7 + len(xs)",
    "xs[1] = i",
    "on[i MOD 3] = on[i MOD 2] OR i MOD 5 == 0",
    "on[2] = TRUE",
    "FOR EACH one IN on { IF one THEN sum += 1 }\n IF on[1] { sum += 1 }",
    "LET made = [i, sum, 3]\n sum = made[1]",
    "pair.left = i\n sum = pair.left + pair.right",
    "pair = Pair(left: i, right: sum MOD 9)",
    "LET other = pair\n IF other == pair { sum = 1 }",
    "counts[\"k{i MOD 5}\"] = counts[\"k{i MOD 5}\"] ?? 0 + 1",
    "FOR EACH key, value IN counts { sum = sum MOD 1000 + value }",
    "IF \"a{i MOD 3}\" < \"b\" AND \"x\" != \"y{i MOD 2}\" THEN sum += 1",
    "sum = twice(i) + twice(i + 1)\n nothing()",
    "LET some = get(xs, i MOD 5)\n IF LET found = some { sum = found MOD 50 }",
    "held = held + 1\n names = append(names, [\"n\"])\n IF len(names) > 50 { names = [] }",
    "DONE(i)\n TRY DONE(i) ELSE { sum = 0 }",
];

fn source(body: &str) -> String {
    format!(
        "TYPE Pair {{ left: int  right: int }}
STATE held: int = 0
ACTION DONE(i: int) IDEMPOTENT
FUNC twice(k: int) -> int {{ RETURN k * 2 MOD 100 }}
FUNC nothing() {{ LET a = 1 }}
ON START {{
  LET sum = 0
  LET x = 0.5
  LET xs: list<int> MAX 10 = [1, 2, 3]
  LET on: list<bool> MAX 10 = [TRUE, FALSE, TRUE]
  LET names: list<string> MAX 100 = []
  LET pair = Pair(left: 1, right: 2)
  LET counts: map<string, int> MAX 10 = [:]
  FOR i IN 1..3000 {{
    {body}
    sum = sum MOD 1000
  }}
  LET parts = COLLECT j FOR j IN 0..2000
  LET odd = COLLECT j MOD 2 == 1 FOR j IN 0..2000
  FOR j IN 0..2000 {{ odd[j] = TRUE }}
  DONE(sum)
}}
"
    )
}

#[test]
#[cfg_attr(debug_assertions, ignore = "handlers call each other in optimised builds only")]
fn words_take_no_native_stack() {
    let mut host = Host::new();
    host.action("DONE", |_: i64| {});
    for body in BODIES {
        let (compiled, diagnostics) = compile_text("stack.swarm", source(body));
        let module = compiled.module.unwrap_or_else(|| panic!("{body}: {diagnostics:?}"));
        let program = Program::load(&module.encode()).unwrap();
        let inputs = Inputs::new(&program);
        let limits = Limits::default().fuel(1 << 30).host_calls(1 << 20);
        let mut run = Instance::new(&program, &inputs, limits, &Grants::all(), &host).unwrap();
        let report = run.run(&mut host).report().unwrap();
        assert_eq!(report.outcome, Outcome::Done, "{body}: {:?}", report.reason);
        // Three frames at the end, which a chain always has; 16 bytes a word would be thousands.
        let growth = swarm_vm::native_stack_growth().expect("handlers call each other on this machine");
        assert!(growth < 768, "{body}: {growth} bytes");
    }
}
