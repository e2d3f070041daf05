//! What a program takes in memory while it is loaded: in proportion to its bytes.
#![expect(clippy::panic, clippy::arithmetic_side_effects, reason = "test code")]

#[path = "../../benches/generated.rs"]
#[expect(unreachable_pub, reason = "the benches make it public")]
mod generated;

use swarm_bytecode::module::{Function, FunctionId, Module};
use swarm_bytecode::native::NativeId;
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::TypeId;
use swarm_vm::Program;

/// A stripped module of text as governors write it.
fn module(text: &str) -> Vec<u8> {
    let (compilation, _) = swarm_compiler::compile_text("generated.swarm", text);
    let mut module = compilation.module.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics));
    module.strip();
    module.encode()
}

/// The most bytes alive at once while a module is decoded, verified and made ready to run, the module's own
/// bytes not among them. What keeps to the language is never refused for it, however long it is.
#[test]
fn a_program_is_loaded_in_proportion_to_its_bytes() {
    // The first program of a process has every limit tested.
    Program::load(&module("ON START { }\n")).unwrap();
    for text_bytes in [1 << 12, 1 << 16, 1 << 19] {
        let bytes = module(&generated::generated(text_bytes));
        let peak = allocation_counter::measure(|| drop(Program::load(&bytes).unwrap())).bytes_max;
        let length = u64::try_from(bytes.len()).unwrap();
        let most = 16 * length + (64 << 10);
        assert!(peak <= most, "{length} bytes take {peak} bytes of memory; at most {most}");
    }
}

/// Everything in one function, whose ops stand beside its words longest.
#[test]
fn one_long_function_is_loaded_in_proportion_to_its_bytes() {
    Program::load(&module("ON START { }\n")).unwrap();
    let statements = [
        ("sums", "  a = a + b\n", 20_000),
        ("products", "  f = f * g + f\n", 12_000),
        ("conditions", "  IF a < b {\n    a = b\n  }\n", 9_000),
        ("constants", "  IF a < 7 {\n    a = 3\n  }\n", 9_000),
        ("items", "  a = xs[b] + 1\n", 9_000),
        ("texts", "  LOG(\"{a} of {b}\")\n", 1_500),
        ("actions", "  act(a)\n", 2_500),
        ("calls", "  a = twice(a)\n", 6_000),
        ("lists", "  xs = [a, b, 3, a]\n", 5_000),
        ("natives", "  a = max(a, b)\n", 8_000),
        ("flags", "  FOR EACH row IN rows {\n    IF row.ok THEN act(1)\n  }\n", 1_500),
        (
            "rows",
            "  FOR EACH row IN rows {\n    IF row.n > 5 OR row.m == 2 THEN act(row.n)\n    IF row.n < 1 {\n      act(row.n)\n\
             \x20     act(row.m)\n    }\n    IF row.ok THEN act(a)\n    IF row.m != 7 THEN act(3)\n  }\n",
            500,
        ),
    ];
    for (what, statement, count) in statements {
        let text = format!(
            "TYPE Row {{ id: string KEY  n: int  m: int  ok: bool }}\nINPUT rows: list<Row> MAX 9\n\
             ACTION act(value: int) IDEMPOTENT\n\
             FUNC twice(value: int) -> int {{\n  IF value > 3 {{\n    RETURN value\n  }}\n  RETURN value * 2\n}}\n\
             FUNC main() {{\n  LET a = 1\n  LET b = 2\n  LET f = 0.5\n  LET g = 0.25\n  LET xs = [1, 2, 3]\n{}  LOG(\"{{a}} {{f}} {{xs}}\")\n}}\n",
            statement.repeat(count)
        );
        let bytes = module(&text);
        let peak = allocation_counter::measure(|| drop(Program::load(&bytes).unwrap())).bytes_max;
        let length = u64::try_from(bytes.len()).unwrap();
        let most = 16 * length + (64 << 10);
        assert!(peak <= most, "{what}: {length} bytes take {peak} bytes of memory; at most {most}");
    }
}

/// A module whose functions say one thing again and again.
fn dense(pattern: &[Op], ops: usize, functions: usize) -> Vec<u8> {
    let mut module = Module::empty();
    let code = pattern.iter().cloned().cycle().take(ops / pattern.len() * pattern.len());
    let code: Vec<Op> = code.chain([Op::Return {}]).collect();
    let registers = [[TypeId::INT; 4], [TypeId::FLOAT; 4], [TypeId::BOOL; 4], [TypeId::STRING; 4]].concat();
    module.functions = vec![Function { registers, parameters: 0, result: None, code }; functions];
    module.encode()
}

/// Ops of few bytes that become much: words, fused ones before them, tables beside them.
fn patterns() -> Vec<(&'static str, Vec<Op>)> {
    let (int, float, bool) = (Register, |at: u8| Register(4 + at), |at: u8| Register(8 + at));
    let zero = Op::Zero { result: int(0) };
    let less = Op::LtInt { result: bool(0), left: int(0), right: int(1) };
    let range = Op::Range { item: int(0), first: int(1), last: int(2) };
    let condition = || Op::If { condition: bool(0) };
    let product = Op::MulFloat { result: float(0), left: float(1), right: float(2) };
    let sum = Op::AddFloat { result: float(0), left: float(0), right: float(3) };
    let absolute = Op::Native { result: int(0), native: NativeId(1), arguments: [int(0)].into() };
    vec![
        ("zeros", vec![Op::Settle {}, zero.clone(), zero.clone()]),
        ("zeros and few settling ops", [vec![Op::Settle {}], vec![zero; 60]].concat()),
        ("conditions", vec![Op::Settle {}, less.clone(), condition(), Op::End {}]),
        ("conditions with constants", {
            let one = Op::Integer { result: int(1), value: 1 };
            vec![Op::Settle {}, one, less, condition(), Op::End {}]
        }),
        ("fused products", vec![Op::Settle {}, product, sum]),
        ("loops", vec![range, Op::Move { result: int(3), value: int(1) }, Op::Advance {}]),
        ("branches", vec![Op::Settle {}, condition(), Op::Else {}, Op::End {}]),
        ("natives", vec![absolute]),
        ("calls", vec![Op::Call { function: FunctionId(0), arguments: [].into() }]),
        ("texts", vec![Op::Text { result: Register(12), value: int(0) }]),
    ]
}

/// Whatever the bytes, with the words that run it is 16 times as many and 64 KiB at most: a module that would
/// take more is refused before it does.
#[test]
fn a_program_made_to_be_large_is_refused() {
    Program::load(&module("ON START { }\n")).unwrap();
    let (mut refused, mut loaded) = (Vec::new(), Vec::new());
    for (what, pattern) in patterns() {
        for (ops, functions) in [(100, 1), (2_000, 1), (15_000, 1), (60_000, 1), (400, 40), (10_000, 8)] {
            let bytes = dense(&pattern, ops, functions);
            let mut found = None;
            let peak = allocation_counter::measure(|| found = Some(Program::load(&bytes))).bytes_max;
            let length = u64::try_from(bytes.len()).unwrap();
            let most = 16 * length + (64 << 10);
            assert!(peak <= most, "{what}: {length} bytes take {peak} bytes of memory; at most {most}");
            match found.unwrap() {
                Ok(_) => loaded.push(what),
                Err(error) if error.to_string().contains("unfolds to far more memory") => refused.push(what),
                Err(_) => {}
            }
        }
    }
    assert!(refused.len() > 5 && loaded.len() > 10, "{} refused, {} loaded", refused.len(), loaded.len());
}
