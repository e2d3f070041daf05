//! What a unit of fuel takes at worst: ops and functions of the library at arguments that cost them most time for their
//! fuel. Prints a line for each, the dearest first: nanoseconds for a unit, and how many times the median that is.
//!
//! Each probe is a loop that runs until its fuel is used up. Its own ops are unrolled, or so dear that the loop is nothing
//! beside them.

use std::io::Write;

use swarm_benches::processor_ns;
use swarm_bytecode::module::{Function, FunctionId, Module};
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::TypeId;
use swarm_compiler::{Options, compile_text_with};
use swarm_vm::{Answer, Exit, Grants, Host, Inputs, Instance, Limits, Program, VirtualClock};

type Failure = Box<dyn std::error::Error>;

/// Units of fuel of a run.
const FUEL: u64 = 400_000;

/// How often an op stands in the body of its loop.
const UNROLLED: usize = 64;

/// How many times the median a unit may take.
const MOST: f64 = 10.0;

/// What every program here can use. The texts are long, and the short part all but stands in them everywhere.
const GIVEN: &str = "TYPE P { a: int  b: string  c: list<int> MAX 8 }
CONTEXT t: string
CONTEXT u: string
CONTEXT wide: string
CONTEXT spaced: string
CONTEXT part: string
CONTEXT xs: list<int> MAX 4_096
CONTEXT ys: list<int> MAX 4_096
CONTEXT ss: list<string> MAX 256
CONTEXT m: map<string, int> MAX 256
CONTEXT n: map<int, int> MAX 4_096
CONTEXT ps: list<P> MAX 256
CONTEXT qs: list<P> MAX 256
CONTEXT k: int
CONTEXT f: float
CONTEXT d: duration
CONTEXT at: time
CONTEXT cash: money
ACTION act(text: string)
QUERY ask(number: int) -> int
STATE kept: list<int> MAX 4_096 = []
METRIC total: int TOTAL
METRIC spread: int DISTRIBUTION
";

/// Statements that are the body of a loop, by what they are about.
const STATEMENTS: &[(&str, &str)] = &[
    ("seq, equal texts", "LET v = t == u"),
    ("slt, equal texts", "LET v = t < u"),
    ("veq, lists", "LET v = xs == ys"),
    ("veq, records", "LET v = ps == qs"),
    ("foreach", "FOR x IN xs { }"),
    ("foreach.entry, long keys", "FOR a, b IN m { }"),
    ("foreach.entry, numbers", "FOR a, b IN n { }"),
    ("map.find, long key", "LET v = m[t]"),
    ("map.find, number", "LET v = n[k]"),
    ("map.set and map.remove", "LET v = n  v[k] = 1  LET w = without(n, k)"),
    ("map.new", "LET v = [1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 8: 8]"),
    ("top, numbers", "LET v = TOP 8 x IN xs BY x"),
    ("top, texts", "LET v = TOP 8 x IN ss BY x"),
    ("push", "LET v = COLLECT x FOR x IN xs"),
    ("item.set of what is shared", "LET v = xs  v[k] = 1"),
    ("list.new", "LET v = [k, k, k, k, k, k, k, k, k, k, k, k, k, k, k, k]"),
    ("record.new and field.set", "LET v = P(a: 1, b: t, c: [1])  v.a = k"),
    ("some and unwrap", "LET v: int? = k  LET w = v ?? 0"),
    ("text of a list", "LET v = \"{xs}\""),
    ("text of floats", "LET v = \"{f} {f} {f} {f}\""),
    ("text of a time", "LET v = \"{at} {at} {at} {at}\""),
    ("concat", "LET v = \"{t}{u}\""),
    ("call", "nothing(k)  nothing(k)  nothing(k)  nothing(k)"),
    ("host", "act(\"\")"),
    ("host, long text", "act(t)"),
    ("host.value", "LET v = ask(k)"),
    ("host.try", "TRY act(\"\") ELSE { }"),
    ("within", "WITHIN 1h { }"),
    ("within that undoes", "WITHIN 1h { } ELSE { }"),
    ("record of a total", "RECORD total = 1"),
    ("record of a distribution", "RECORD spread = k"),
    ("quantile", "LET v = p99(spread)"),
    ("state.take and item.set", "kept = xs  kept[k] = 1"),
    ("sqrt", "LET v = sqrt(f)  LET w = sqrt(f)  LET x = sqrt(f)"),
    ("near", "LET v = near(f, f, 1%)  LET w = near(f, f, 1%)"),
    ("ratio", "LET v = ratio(k, 3)  LET w = ratio(k, 7)"),
    ("percent_of", "LET v = percent_of(cash, $3)  LET w = percent_of(cash, $7)"),
    ("money × float", "LET v = cash * 0.333333  LET w = cash * 0.1"),
    ("duration ÷ duration", "LET v = d / 7ns  LET w = d / 3s"),
    ("len", "LET v = len(wide)"),
    ("lower", "LET v = lower(wide)"),
    ("upper", "LET v = upper(wide)"),
    ("trim", "LET v = trim(spaced)"),
    ("starts_with", "LET v = starts_with(t, u)"),
    ("ends_with", "LET v = ends_with(t, u)"),
    ("contains", "LET v = t CONTAINS part"),
    ("replace", "LET v = replace(t, \"a\", \"bb\")"),
    ("split", "LET v = split(t, \"a\")"),
    ("words", "LET v = words(spaced)"),
    ("join", "LET v = join(ss, \", \")"),
    ("left", "LET v = left(wide, 2_000)"),
    ("right", "LET v = right(wide, 2_000)"),
    ("index_of a text", "LET v = index_of(t, part)"),
    ("parse_int", "LET v = parse_int(t)"),
    ("parse_float", "LET v = parse_float(\"123456789.123456789123456789e-30\")"),
    ("repeat", "LET v = repeat(\"ab\", 16_000)"),
    ("get", "LET v = get(xs, k)  LET w = get(xs, k)"),
    ("reverse", "LET v = reverse(xs)"),
    ("sort of numbers", "LET v = sort(xs)"),
    ("sort of texts", "LET v = sort(ss)"),
    ("slice", "LET v = slice(xs, 1, 4_000)"),
    ("append", "LET v = append(slice(xs, 0, 2_000), slice(xs, 0, 2_000))"),
    ("contains a number", "LET v = xs CONTAINS -1"),
    ("contains a text", "LET v = ss CONTAINS t"),
    ("unique of numbers", "LET v = unique(xs)"),
    ("unique of texts", "LET v = unique(ss)"),
    ("keys", "LET v = keys(n)"),
    ("values", "LET v = values(m)"),
    ("has", "LET v = has(m, t)"),
    ("year", "LET v = year(at)  LET w = month(at)  LET x = day(at)"),
    ("weekday", "LET v = weekday(at)  LET w = hour(at)"),
];

/// Registers of the ops: the loop's three, a result of each kind, then what is read.
const INT: Register = Register(3);
const FLOAT: Register = Register(4);
const BOOL: Register = Register(5);
const LEFT: Register = Register(6);
const RIGHT: Register = Register(7);
const SHARE: Register = Register(8);

/// Ops of one unit or a few, at operands that are hard for a processor.
fn ops() -> Vec<Op> {
    let (result, left, right) = (INT, LEFT, RIGHT);
    let (value, factor, divisor) = (LEFT, SHARE, SHARE);
    vec![
        Op::Copy { result, value },
        Op::Integer { result, value: i64::MIN },
        Op::Zero { result },
        Op::SubInt { result, left, right },
        Op::DivInt { result, left, right },
        Op::ModInt { result, left, right },
        Op::NegInt { result, value },
        Op::Product { result, left, right, divisor: i64::MAX },
        Op::Quotient { result, left, right, factor: i64::MAX },
        Op::Scale { result, value, factor },
        Op::Unscale { result, value, divisor },
        Op::Ratio { result: FLOAT, left, right },
        Op::AddFloat { result: FLOAT, left: SHARE, right: SHARE },
        Op::MulFloat { result: FLOAT, left: SHARE, right: SHARE },
        Op::DivFloat { result: FLOAT, left: SHARE, right: SHARE },
        Op::NegFloat { result: FLOAT, value: SHARE },
        Op::IntToFloat { result: FLOAT, value },
        Op::PercentToFloat { result: FLOAT, value },
        Op::EqInt { result: BOOL, left, right },
        Op::LtInt { result: BOOL, left, right },
        Op::LtFloat { result: BOOL, left: SHARE, right: SHARE },
        Op::Settle {},
    ]
}

/// An op in a loop that has no end for its fuel.
fn loop_of(op: &Op) -> Module {
    let mut module = Module::empty();
    module.floats = vec![0.999_999_999_999_9];
    let load = |register, value| Op::Integer { result: Register(register), value };
    let mut code = vec![
        load(1, 0),
        load(2, i64::MAX),
        Op::Integer { result: LEFT, value: i64::MAX >> 1 },
        Op::Integer { result: RIGHT, value: i64::MAX },
        Op::Float { result: SHARE, value: swarm_bytecode::module::FloatId(0) },
        Op::Range { item: Register(0), first: Register(1), last: Register(2) },
    ];
    code.extend(std::iter::repeat_n(op.clone(), UNROLLED));
    code.extend([Op::Advance {}, Op::Return {}]);
    let int = TypeId::INT;
    let registers = vec![int, int, int, int, TypeId::FLOAT, TypeId::BOOL, int, int, TypeId::FLOAT];
    module.functions.push(Function { registers, parameters: 0, result: None, code });
    module.entry = FunctionId(0);
    module
}

/// A statement in a loop that has no end for its fuel. It is not optimised: nothing is taken out of the loop.
fn loop_around(statement: &str) -> Result<Module, Failure> {
    let text = format!(
        "{GIVEN}FUNC nothing(x: int) {{ }}\nFUNC main() {{ FOR i IN 1..1_000_000_000 {{ {} }} }}\n",
        statement.replace("  ", "\n")
    );
    let options = Options { optimise: false, ..Options::default() };
    let (compilation, _) = compile_text_with("fuel.swarm", &*text, &options);
    let why = || format!("{statement}: {:?}", compilation.diagnostics.first());
    compilation.module.clone().ok_or_else(|| why().into())
}

/// The context that [`GIVEN`] names, as JSON.
fn context() -> String {
    let text = "a".repeat(4_096);
    let part = format!("{}b", "a".repeat(64));
    let numbers: Vec<String> =
        (0_u64..4_096).map(|at| (at.wrapping_mul(2_654_435_761) % 4_096).to_string()).collect();
    let numbers = format!("[{}]", numbers.join(","));
    let long = |at: u32| format!("\"{}{at}\"", "k".repeat(200));
    let texts: Vec<String> = (0..256).rev().map(long).collect();
    let entries: Vec<String> = (0..256).map(|at| format!("{}:{at}", long(at))).collect();
    let counted: Vec<String> = (0..4_096).map(|at| format!("\"{at}\":{at}")).collect();
    let record = "{\"a\":1,\"b\":\"some text\",\"c\":[1,2,3,4,5,6,7,8]}";
    let records = format!("[{}]", vec![record; 256].join(","));
    format!(
        "{{\"t\":\"{text}\",\"u\":\"{text}\",\"wide\":\"{}\",\"spaced\":\"{}\",\"part\":\"{part}\",\"xs\":{numbers},\
         \"ys\":{numbers},\"ss\":[{}],\"m\":{{{}}},\"n\":{{{}}},\"ps\":{records},\"qs\":{records},\"k\":77,\
         \"f\":1.2345678901234567e-300,\"d\":\"100d\",\"at\":\"2026-11-20T08:30:15.123456789Z\",\"cash\":\"$123456.789\"}}",
        "Ü".repeat(2_048),
        " a".repeat(2_048),
        texts.join(","),
        entries.join(","),
        counted.join(",")
    )
}

/// Nanoseconds for a unit of fuel.
fn nanoseconds(module: &Module, context: &str) -> Result<f64, Failure> {
    let program = Program::load(&module.encode())?;
    let inputs = Inputs::new(&program).context_json(context)?;
    let limits = Limits::default().fuel(FUEL).memory_bytes(1 << 30).host_calls(u64::MAX);
    let mut used = 0;
    let run = || -> Result<(), Failure> {
        let mut host = Host::new();
        host.clock(VirtualClock::default());
        host.otherwise(|call| if call.result().is_some() { Answer::value(1) } else { Answer::done() });
        let instance = Instance::new(&program, &inputs, limits, &Grants::all(), &host)?;
        let mut instance = instance.without_action_log().without_digest();
        if let Exit::Finished(report) = instance.run(&mut host) {
            return Err(format!("it does not run until its fuel is used up: {:?}", report.reason).into());
        }
        used = instance.fuel_used();
        Ok(())
    };
    let took = processor_ns(run)?;
    Ok(took / f64::from(u32::try_from(used.max(1))?))
}

fn main() -> Result<(), Failure> {
    let context = context();
    let mut measured = Vec::new();
    let mut failed = Vec::new();
    for op in ops() {
        let name = op.info().mnemonic.to_owned();
        measured.push((nanoseconds(&loop_of(&op), "{}")?, name));
    }
    for (name, statement) in STATEMENTS {
        match loop_around(statement).and_then(|module| nanoseconds(&module, &context)) {
            Ok(took) => measured.push((took, (*name).to_owned())),
            Err(error) => failed.push(format!("{name}: {error}")),
        }
    }
    measured.sort_by(|left, right| right.0.total_cmp(&left.0));
    let median = measured.get(measured.len().div_euclid(2)).map_or(1.0, |(took, _)| *took);
    let out = &mut std::io::stdout();
    for (took, name) in &measured {
        writeln!(out, "fuel: {name}: {took:.3} ns for a unit, {:.1} times the median", took / median)?;
    }
    let above = measured.iter().filter(|(took, _)| *took > MOST * median).count();
    writeln!(
        out,
        "fuel: {} measured, median {median:.3} ns, {above} above {MOST} times that",
        measured.len()
    )?;
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n").into()) }
}
