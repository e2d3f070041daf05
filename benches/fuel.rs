//! What a unit of fuel takes at worst: ops and functions of the library at arguments that cost them most time
//! for their fuel. Prints a line for each, the dearest first: nanoseconds for a unit, and how many times the
//! median that is.
//!
//! Each probe is a loop that runs until its fuel is used up. Its own ops are unrolled, or so dear that the
//! loop is nothing beside them. An op or native that no probe has is an error.

use std::collections::BTreeSet;
use std::io::Write;

use swarm_benches::processor_ns;
use swarm_bytecode::module::{FloatId, Function, FunctionId, Module};
use swarm_bytecode::native::NATIVES;
use swarm_bytecode::op::{OPS, Op, Register};
use swarm_bytecode::types::{Type, TypeId};
use swarm_compiler::{Options, compile_text_with};
use swarm_vm::{Answer, Exit, Grants, Host, Inputs, Instance, Limits, Program, VirtualClock};

type Failure = Box<dyn std::error::Error>;

/// Units of fuel of a run.
const FUEL: u64 = 400_000;

/// How often an op stands in the body of its loop.
const UNROLLED: usize = 64;

/// Rounds of a loop that has no end for its fuel.
const ROUNDS: u32 = 1_000_000_000;

/// How many times the median a unit may take.
const MOST: f64 = 10.0;

/// What every program here can use. The texts are long, and the short part all but stands in them everywhere.
const GIVEN: &str = "TYPE P { a: int  b: string  c: list<int> MAX 8 }
ENUM E { nil  pair(a: int, b: int) }
CONTEXT t: string
CONTEXT u: string
CONTEXT wide: string
CONTEXT spaced: string
CONTEXT part: string
CONTEXT xs: list<int> MAX 4_096
CONTEXT ys: list<int> MAX 4_096
CONTEXT ss: list<string> MAX 256
CONTEXT m: map<string, int> MAX 256
CONTEXT heavy: map<string, int> MAX 257
INPUT given: int
CONTEXT n: map<int, int> MAX 4_096
CONTEXT ps: list<P> MAX 256
CONTEXT qs: list<P> MAX 256
CONTEXT k: int
CONTEXT f: float
CONTEXT d: duration
CONTEXT at: time
CONTEXT cash: money
CONTEXT size: bytes
CONTEXT share: percent
CONTEXT price: money/duration
CONTEXT tiny: float/duration
CONTEXT half: string
CONTEXT georgian: string
CONTEXT greek: string
CONTEXT blank: string
CONTEXT controls: list<string> MAX 4
CONTEXT zeros: string
CONTEXT halfway: string
CONTEXT periodic: string
CONTEXT period: string
CONTEXT fs: list<float> MAX 256
CONTEXT ats: list<time> MAX 256
CONTEXT ds: list<duration> MAX 256
CONTEXT n2: map<int, int> MAX 4_096
CONTEXT maps: list<map<int, int> MAX 64> MAX 64
CONTEXT p: P
CONTEXT long_half: string
ACTION act(text: string)
ACTION pay(amount: money) COSTS amount
QUERY ask(number: int) -> int
STATE kept: list<int> MAX 4_096 = []
METRIC total: int TOTAL
METRIC newest: int GAUGE
METRIC spread: int DISTRIBUTION
METRIC skew: float DISTRIBUTION
";

const FUNCTIONS: &str = "FUNC nothing(x: int) { }
FUNC same(x: int) -> int { RETURN x }
";

/// A sample in each bucket of a distribution of floats, before the loop.
const SPREAD: &str =
    "LET x = 1e-307  FOR i IN 1..32_000 { x = x * 1.0443  RECORD skew = x  RECORD skew = 0.0 - x }";

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
    ("minute", "LET v = minute(at)  LET w = second(at)"),
    ("seconds", "LET v = seconds(d)  LET w = seconds(d)"),
    ("veq, maps", "LET v = n == n2"),
    ("veq, maps that were changed", "LET v = n  v[k] = 1  LET w = without(v, k)  LET b = w == n2"),
    ("seq, other texts", "LET v = t == wide"),
    ("sle", "LET v = t <= u"),
    ("text of a map", "LET v = \"{n}\""),
    ("text of a map with long keys", "LET v = \"{m}\""),
    ("text of records", "LET v = \"{ps}\""),
    ("text of texts", "LET v = \"{ss}\""),
    ("text of controls", "LET v = \"{controls}\""),
    ("text of floats in a list", "LET v = \"{fs}\""),
    ("text of times in a list", "LET v = \"{ats}\""),
    ("text of durations", "LET v = \"{ds}\""),
    ("text of an int", "LET v = \"{k}\"  LET w = \"{k}\""),
    ("text of a duration", "LET v = \"{d} {d} {d} {d}\""),
    ("text of money", "LET v = \"{cash} {cash} {cash} {cash}\""),
    ("text of bytes", "LET v = \"{size} {size} {size} {size}\""),
    ("text of a share", "LET v = \"{share} {share} {share} {share}\""),
    ("text of a price", "LET v = \"{price} {price} {price} {price}\""),
    ("text of a tiny rate", "LET v = \"{tiny} {tiny} {tiny} {tiny}\""),
    ("text of a rate that has no name", "LET v = \"{price * cash}\""),
    ("lower, three bytes", "LET v = lower(georgian)"),
    ("upper, three bytes", "LET v = upper(greek)"),
    ("upper, plain", "LET v = upper(t)"),
    ("replace by nothing", "LET v = replace(t, \"a\", \"\")"),
    ("replace a long part", "LET v = replace(t, part, \"\")"),
    ("contains, long part", "LET v = t CONTAINS halfway"),
    ("contains, periodic part", "LET v = periodic CONTAINS period"),
    ("split at a long part", "LET v = split(periodic, period)"),
    ("split at what is everywhere", "LET v = split(t, \"a\")"),
    ("join of nothings", "LET v = join(split(t, \"a\"), \"\")"),
    ("trim, wide", "LET v = trim(wide)"),
    ("words, wide white space", "LET v = words(blank)"),
    ("left, all of it", "LET v = left(wide, 5_000)"),
    ("right, all of it", "LET v = right(wide, 5_000)"),
    ("index_of behind wide ones", "LET v = index_of(\"{wide}x\", \"x\")"),
    ("parse_int of zeros", "LET v = parse_int(zeros)"),
    ("parse_float, long", "LET v = parse_float(zeros)"),
    ("parse_float, near the middle", "LET v = parse_float(half)"),
    ("parse_float, in the middle", "LET v = parse_float(long_half)"),
    ("index_of a number", "LET v = index_of(xs, -1)"),
    ("contains a record", "LET v = ps CONTAINS p"),
    ("unique of records", "LET v = unique(ps)"),
    ("unique of maps", "LET v = unique(maps)"),
    ("reverse of texts", "LET v = reverse(ss)"),
    ("first", "LET v = first(xs)  LET w = last(xs)"),
    ("slice of nothing", "LET v = slice(xs, 4_000, 0)  LET w = slice(xs, 4_000, 0)"),
    ("without, long key", "LET v = without(m, ss[0])"),
    ("without, very long keys", "LET v = without(heavy, t)"),
    ("map.set, very long keys", "LET v = heavy  v[\"\"] = 1"),
    ("keys of texts", "LET v = keys(m)"),
    ("some of a record", "LET v: P? = p"),
    ("case.new, case and payload", "LET v = pair(k, k)  MATCH v { WHEN pair(a, b) { LET w = a }  ELSE { } }"),
    ("map.length and length", "LET v = len(n)  LET w = len(xs)"),
    ("metric of a gauge", "RECORD newest = k  LET v = newest"),
    ("mean", "LET v = mean(spread)"),
    ("host.retry", "RETRY 3 TIMES act(\"\") ELSE { }"),
    ("while", "WHILE k > 0 MAX 64 { IF k > 1 { CONTINUE } }"),
    ("continue", "FOR x IN xs { CONTINUE }"),
    ("state", "LET v = kept  LET w = kept"),
    ("input", "LET v = given  LET w = given"),
    ("field", "LET v = p.a  LET w = p.b"),
    ("stop", "IF k < 0 { STOP }  IF k < 0 { FAIL \"\" }"),
    ("call.value", "LET v = same(k)  LET w = same(k)  LET x = same(k)"),
    ("price that is computed", "pay(cash)"),
    ("near, floats", "LET v = near(f, 1e300, 1%)"),
    ("round", "LET v = round(2.5)  LET w = floor(-2.5)  LET x = ceil(-2.5)"),
    ("to_float", "LET v = to_float(k)  LET w = to_float(k)"),
    ("abs", "LET v = abs(k)  LET w = abs(d)  LET x = abs(f)"),
    ("min and max", "LET v = min(f, 1.0)  LET w = max(k, 3)"),
    ("clamp", "LET v = clamp(f, 0.0, 1.0)  LET w = clamp(k, 0, 1)"),
    ("bits", "LET v = bit_and(k, 3)  LET w = bit_or(k, 3)  LET x = xor(k, 3)  LET y = bit_not(k)"),
    ("shifts", "LET v = shift_left(k, 3)  LET w = shift_right(k, 3)"),
    ("percent_of floats", "LET v = percent_of(f, 1e-300)  LET w = percent_of(f, 1e-300)"),
    ("ratio of floats", "LET v = ratio(f, 1e-300)  LET w = ratio(f, 1e-300)"),
];

/// Statements that are the body of a loop, by what they are about, and what stands before the loop. That is
/// not counted.
const PREPARED: &[(&str, &str, &str)] = &[
    (
        "record of a distribution of floats",
        SPREAD,
        "RECORD skew = f  RECORD skew = 1e300  RECORD skew = 0.0 - 1e300",
    ),
    ("quantile of a distribution of floats", SPREAD, "LET v = p99(skew)  LET w = p50(skew)"),
    ("mean of a distribution of floats", SPREAD, "LET v = mean(skew)"),
    ("within that undoes a distribution", SPREAD, "WITHIN 1h { RECORD skew = 1.0 } ELSE { }"),
];

/// Registers of the ops: the loop's three, a result of each kind, then what is read.
const INT: Register = Register(3);
const FLOAT: Register = Register(4);
const BOOL: Register = Register(5);
const LEFT: Register = Register(6);
const RIGHT: Register = Register(7);
const SHARE: Register = Register(8);
const MAP: Register = Register(9);

/// Ops of one unit or a few, at operands that are hard for a processor.
fn ops() -> Vec<Vec<Op>> {
    let (result, left, right) = (INT, LEFT, RIGHT);
    let (value, factor, divisor) = (LEFT, SHARE, SHARE);
    let alone = [
        Op::Copy { result, value },
        Op::Move { result, value },
        Op::Integer { result, value: i64::MIN },
        Op::Float { result: FLOAT, value: FloatId(0) },
        Op::Zero { result },
        Op::AddInt { result, left: INT, right: INT },
        Op::MulInt { result, left: INT, right: INT },
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
        Op::SubFloat { result: FLOAT, left: SHARE, right: SHARE },
        Op::MulFloat { result: FLOAT, left: SHARE, right: SHARE },
        Op::DivFloat { result: FLOAT, left: SHARE, right: SHARE },
        Op::NegFloat { result: FLOAT, value: SHARE },
        Op::IntToFloat { result: FLOAT, value },
        Op::PercentToFloat { result: FLOAT, value },
        Op::EqInt { result: BOOL, left, right },
        Op::NeInt { result: BOOL, left, right },
        Op::LtInt { result: BOOL, left, right },
        Op::LeInt { result: BOOL, left, right },
        Op::EqFloat { result: BOOL, left: SHARE, right: SHARE },
        Op::NeFloat { result: BOOL, left: SHARE, right: SHARE },
        Op::LtFloat { result: BOOL, left: SHARE, right: SHARE },
        Op::LeFloat { result: BOOL, left: SHARE, right: SHARE },
        Op::Not { result: BOOL, value: BOOL },
        Op::Settle {},
    ];
    let (map, key) = (MAP, LEFT);
    let together = [
        vec![Op::SetEntry { map, key, value }, Op::RemoveEntry { map, key }],
        vec![Op::Loop {}, Op::Repeat {}],
    ];
    alone.into_iter().map(|op| vec![op]).chain(together).collect()
}

/// Ops in a loop that has no end for its fuel.
fn loop_of(ops: &[Op]) -> Module {
    let mut module = Module::empty();
    module.floats = vec![0.999_999_999_999_9];
    let load = |register, value| Op::Integer { result: Register(register), value };
    let mut code = vec![
        load(1, 0),
        load(2, i64::MAX),
        Op::Integer { result: LEFT, value: i64::MAX >> 1 },
        Op::Integer { result: RIGHT, value: i64::MAX },
        Op::Float { result: SHARE, value: FloatId(0) },
        Op::Range { item: Register(0), first: Register(1), last: Register(2) },
    ];
    code.extend(std::iter::repeat_n(ops, UNROLLED).flatten().cloned());
    code.extend([Op::Advance {}, Op::Return {}]);
    let int = TypeId::INT;
    let map = TypeId(TypeId::BUILTIN_COUNT);
    module.types.push(Type::Map { key: int, value: int, max: None });
    let registers = vec![int, int, int, int, TypeId::FLOAT, TypeId::BOOL, int, int, TypeId::FLOAT, map];
    module.functions.push(Function { registers, parameters: 0, result: None, code });
    module.entry = FunctionId(0);
    module
}

/// A statement in a loop of so many rounds, behind another that stands before it. It is not optimised: nothing is
/// taken out of the loop.
fn loop_around(before: &str, statement: &str, rounds: u32) -> Result<Module, Failure> {
    let [before, statement] = [before, statement].map(|text| text.replace("  ", "\n"));
    let text =
        format!("{GIVEN}{FUNCTIONS}FUNC main() {{ {before}\nFOR i IN 1..{rounds} {{ {statement} }} }}\n");
    let options = Options { optimise: false, ..Options::default() };
    let (compilation, _) = compile_text_with("fuel.swarm", &*text, &options);
    let why = || format!("{statement}: {:?}", compilation.diagnostics.first());
    compilation.module.clone().ok_or_else(|| why().into())
}

/// The context that [`GIVEN`] names, as JSON.
fn context() -> String {
    let text = "a".repeat(4_096);
    let list = |items: &mut dyn Iterator<Item = String>| format!("[{}]", items.collect::<Vec<_>>().join(","));
    let map =
        |items: &mut dyn Iterator<Item = String>| format!("{{{}}}", items.collect::<Vec<_>>().join(","));
    let scattered = |at: u64| at.wrapping_mul(2_654_435_761).checked_rem(4_096).unwrap_or(0);
    let numbers = list(&mut (0..4_096).map(|at| scattered(at).to_string()));
    let long = |at: u64| format!("\"{}{at}\"", "k".repeat(200));
    let counted = map(&mut (0..4_096).map(|at| format!("\"{}\":{at}", scattered(at))));
    let record = "{\"a\":1,\"b\":\"some text\",\"c\":[1,2,3,4,5,6,7,8]}";
    let members = [
        ("t", format!("\"{text}\"")),
        ("u", format!("\"{text}\"")),
        ("wide", format!("\"{}\"", "Ü".repeat(2_048))),
        ("georgian", format!("\"{}\"", "Ა".repeat(1_365))),
        ("greek", format!("\"{}\"", "ᾷ".repeat(1_365))),
        ("spaced", format!("\"{}\"", " a".repeat(2_048))),
        ("blank", format!("\"{}\"", "\u{2003}".repeat(1_365))),
        ("controls", format!("[\"{}\"]", "\\u0001".repeat(4_000))),
        ("zeros", format!("\"{}1\"", "0".repeat(4_095))),
        ("part", format!("\"{}b\"", "a".repeat(64))),
        ("halfway", format!("\"{}b\"", "a".repeat(2_048))),
        ("periodic", format!("\"{}\"", "aab".repeat(1_365))),
        ("period", format!("\"{}c\"", "aab".repeat(300))),
        ("half", "\"1.2345678901234567727E+300\"".to_owned()),
        ("long_half", format!("\"{}\"", middle())),
        ("xs", numbers.clone()),
        ("ys", numbers),
        ("fs", list(&mut (1..256_u32).map(|at| format!("{:e}", f64::from(at) * 1.234_567_890_123e-300)))),
        (
            "ats",
            list(
                &mut (0..256)
                    .map(|at| format!("\"2026-11-20T08:30:15.{:09}Z\"", 999_999_999_u64.wrapping_sub(at))),
            ),
        ),
        ("ds", list(&mut (0..256).map(|at| format!("\"{at}ns\"")))),
        ("ss", list(&mut (0..256).rev().map(long))),
        ("m", map(&mut (0..256).map(|at| format!("{}:{at}", long(at))))),
        (
            "heavy",
            map(&mut (0..255)
                .map(|at| format!("\"{}{at}\":1", "k".repeat(4_090)))
                .chain([format!("\"{text}\":1")])),
        ),
        ("n", counted.clone()),
        ("n2", counted),
        (
            "maps",
            list(
                &mut (0..64)
                    .map(|at| map(&mut (0..64).map(|key| format!("\"{}\":{at}", 63_u64.wrapping_sub(key))))),
            ),
        ),
        ("p", record.to_owned()),
        ("ps", list(&mut (0..256).map(|_| record.to_owned()))),
        ("qs", list(&mut (0..256).map(|_| record.to_owned()))),
        ("k", "77".to_owned()),
        ("f", "1.2345678901234567e-300".to_owned()),
        ("d", "\"100d\"".to_owned()),
        ("at", "\"2026-11-20T08:30:15.123456789Z\"".to_owned()),
        ("cash", "\"$123456.789\"".to_owned()),
        ("size", "\"123456789012345B\"".to_owned()),
        ("share", "\"12.3456%\"".to_owned()),
        ("price", "\"$12.345678901234/h\"".to_owned()),
        ("tiny", "\"1.2345678901234567e-290/s\"".to_owned()),
    ];
    map(&mut members.iter().map(|(name, value)| format!("\"{name}\":{value}")))
}

/// The number in the middle between zero and the least float, with all its digits: what takes longest to read.
fn middle() -> String {
    let (mut half, mut rest) = (String::new(), 0);
    for character in format!("{:.1074}0", f64::from_bits(1)).chars() {
        match character.to_digit(10) {
            Some(digit) => {
                let digit = digit.saturating_add(if rest == 0 { 0 } else { 10 });
                rest = digit % 2;
                half.extend(char::from_digit(digit / 2, 10));
            }
            None => half.push(character),
        }
    }
    half
}

/// A run with so much fuel: what it used, and the nanoseconds it took.
fn measured(module: &Module, context: &str, fuel: u64) -> Result<(u64, f64, bool), Failure> {
    let program = Program::load(&module.encode())?;
    let inputs = Inputs::new(&program).context_json(context)?;
    let inputs = if module.inputs.is_empty() { inputs } else { inputs.from_json("{\"given\":1}")? };
    let limits = Limits::default().fuel(fuel).memory_bytes(1 << 30).host_calls(u64::MAX).money(i64::MAX);
    let (mut used, mut finished) = (0, false);
    let run = || -> Result<(), Failure> {
        let mut host = Host::new();
        host.clock(VirtualClock::default());
        host.otherwise(|call| if call.result().is_some() { Answer::value(1) } else { Answer::done() });
        let instance = Instance::new(&program, &inputs, limits, &Grants::all(), &host)?;
        let mut instance = instance.without_action_log().without_digest();
        finished = match instance.run(&mut host) {
            Exit::Finished(report) if report.reason.is_some() => {
                return Err(format!("it does not run until its fuel is used up: {:?}", report.reason).into());
            }
            Exit::Finished(_) => true,
            _ => false,
        };
        used = instance.fuel_used();
        Ok(())
    };
    let took = processor_ns(run)?;
    Ok((used, took, finished))
}

/// Nanoseconds for a unit of fuel, beyond what a run takes that does not come to the loop.
fn nanoseconds(module: &Module, before: Option<&Module>, context: &str) -> Result<f64, Failure> {
    let (used_before, took_before) = match before {
        Some(before) => {
            let (used, took, _) = measured(before, context, u64::MAX >> 1)?;
            (used, took)
        }
        None => (0, 0.0),
    };
    let (used, took, finished) = measured(module, context, used_before.saturating_add(FUEL))?;
    if finished {
        return Err("it does not run until its fuel is used up".into());
    }
    let used = u32::try_from(used.saturating_sub(used_before).max(1))?;
    Ok((took - took_before) / f64::from(used))
}

/// What a module has that is measured: ops and natives, by name.
fn contents(module: &Module, known: &mut BTreeSet<String>) {
    for op in module.functions.iter().flat_map(|function| &function.code) {
        known.insert(op.info().mnemonic.to_owned());
        if let Op::Native { native, .. } = op {
            known.extend(native.function().map(|native| format!("native {:?}", native.info().function)));
        }
    }
}

fn main() -> Result<(), Failure> {
    let context = context();
    let (mut measured, mut failed, mut known) = (Vec::new(), Vec::new(), BTreeSet::new());
    let wanted = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let wanted = |name: &str| wanted.as_ref().is_none_or(|wanted| name.contains(wanted));
    let plain = ops().into_iter().map(|ops| {
        let name = ops.last().map_or("", |op| op.info().mnemonic);
        (name, Ok((loop_of(&ops), None)), "{}")
    });
    let unprepared = STATEMENTS.iter().map(|(name, statement)| (name, "", statement));
    let prepared = PREPARED.iter().map(|(name, before, statement)| (name, *before, statement));
    let around = unprepared.chain(prepared).map(|(name, before, statement)| {
        let looped = |rounds| loop_around(before, statement, rounds);
        (*name, looped(ROUNDS).and_then(|module| Ok((module, Some(looped(0)?)))), &*context)
    });
    for (name, modules, context) in plain.chain(around) {
        let took = modules.and_then(|(module, before)| {
            contents(&module, &mut known);
            wanted(name).then(|| nanoseconds(&module, before.as_ref(), context)).transpose()
        });
        match took {
            Ok(took) => measured.extend(took.map(|took| (took, name))),
            Err(error) => failed.push(format!("{name}: {error}")),
        }
    }
    let natives = NATIVES.iter().map(|native| format!("native {:?}", native.function));
    let all = OPS.iter().map(|op| op.mnemonic.to_owned()).chain(natives);
    failed.extend(all.filter(|name| !known.contains(name)).map(|name| format!("{name} is not measured")));
    show(&mut measured)?;
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n").into()) }
}

fn show(measured: &mut [(f64, &str)]) -> Result<(), Failure> {
    measured.sort_by(|left, right| right.0.total_cmp(&left.0));
    let median = measured.get(measured.len().div_euclid(2)).map_or(1.0, |(took, _)| *took);
    let out = &mut std::io::stdout();
    for (took, name) in &*measured {
        writeln!(out, "fuel: {name}: {took:.3} ns for a unit, {:.1} times the median", took / median)?;
    }
    let above = measured.iter().filter(|(took, _)| *took > MOST * median).count();
    writeln!(
        out,
        "fuel: {} measured, median {median:.3} ns, {above} above {MOST} times that",
        measured.len()
    )?;
    Ok(())
}
