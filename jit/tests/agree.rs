//! The language vectors on both tiers: at their own limits, and cut short at many points by each limit.
#![expect(clippy::arithmetic_side_effects, reason = "test code")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

use std::path::Path;
use std::sync::Arc;

use serde_json::{Value as Json, json};
use swarm_bytecode::module::Module;
use swarm_bytecode::quantity::{Literal, parse_literal};
use swarm_bytecode::types::{Type, TypeId};
use swarm_compiler::{Options, compile_text_with};
use swarm_jit::Jit;
use swarm_vm::tier::Tier;
use swarm_vm::{Answer, Call, Effects, Exit, Grants, Host, Inputs, Instance, Limits, Program, Value};

/// All there is to see of the activations of one order.
fn run(
    program: &Program,
    vector: &Json,
    limits: Limits,
    effects: Effects,
    tier: Option<Arc<dyn Tier>>,
) -> String {
    let mut inputs = Inputs::new(program);
    if let Some(input) = vector.get("input") {
        inputs = inputs.from_json(&input.to_string()).unwrap();
    }
    if let Some(context) = vector.get("context") {
        inputs = inputs.context_json(&context.to_string()).unwrap();
    }
    let mut calls = Vec::new();
    let mut seen = Vec::new();
    {
        let mut host = Host::new();
        host.otherwise(|call| {
            let shown: Vec<String> = call.arguments().map(|own| own.to_shown().to_json()).collect();
            calls.push(format!("{} {shown:?}", call.name()));
            answer(call, vector)
        });
        let mut run =
            Instance::new(program, &inputs, limits, &Grants::all(), &host).unwrap().effects(effects);
        if let Some(tier) = tier {
            run = run.tier(tier);
        }
        let mut steps = vector["run"].as_array().cloned().unwrap_or_default().into_iter();
        loop {
            let exit = run.run(&mut host);
            let (short, report) = match exit {
                Exit::Finished(report) => (String::new(), report),
                Exit::OutOfFuel { used, limit, place } => (format!("{used} {limit} {place:?}"), run.close()),
                Exit::Pending(call) => (format!("{call:?}"), run.close()),
            };
            seen.push(format!("{short} {report:?}"));
            let step = steps.next();
            let Some(step) = step.filter(|_| !run.is_over()) else { break };
            begin(&mut run, program.module(), &step);
        }
        seen.push(format!("{:?} {:?}", run.order(), run.arena_used()));
    }
    format!("{seen:#?}\n{calls:#?}")
}

fn begin(run: &mut Instance, module: &Module, step: &Json) {
    if let Some(timer) = step["tick"].as_u64() {
        run.tick(usize::try_from(timer).unwrap()).unwrap();
        return;
    }
    let name = step["event"].as_str().unwrap();
    let handler = module.events.iter().position(|event| event.name == name).unwrap();
    let types = &module.functions[module.events[handler].function.index()].registers;
    let arguments = step["args"].as_array().unwrap().iter().zip(types);
    let arguments: Vec<Value> = arguments.map(|(argument, ty)| value_of(module, *ty, argument)).collect();
    run.event(handler, &arguments).unwrap();
}

fn answer(call: &Call<'_>, vector: &Json) -> Answer {
    let refused = vector["refused"].as_array().cloned().unwrap_or_default();
    if refused.iter().any(|name| name == call.name()) {
        return Answer::failed("refused");
    }
    let Some(result) = call.result() else { return Answer::done() };
    let arguments: Vec<Json> =
        call.arguments().map(|own| serde_json::from_str(&own.to_shown().to_json()).unwrap()).collect();
    let answers = vector["answers"].as_array().cloned().unwrap_or_default();
    let known = answers
        .iter()
        .find(|answer| answer["name"] == call.name() && *answer["args"].as_array().unwrap() == arguments);
    match known {
        Some(known) => Answer::value(value_of(call.module(), result, &known["value"])),
        None => Answer::failed("no answer is given"),
    }
}

fn value_of(module: &Module, ty: TypeId, value: &Json) -> Value {
    match (module.ty(ty).unwrap(), value) {
        (_, Json::Null) => Value::None,
        (Type::Optional(inner), value) => value_of(module, *inner, value),
        (Type::List { element, .. }, Json::Array(items)) => {
            Value::List(items.iter().map(|item| value_of(module, *element, item)).collect())
        }
        (_, Json::Bool(value)) => Value::Bool(*value),
        (Type::Int, Json::Number(number)) => Value::Int(number.as_i64().unwrap()),
        (Type::Float, Json::Number(number)) => Value::Float(number.as_f64().unwrap()),
        (Type::String, Json::String(text)) => Value::String(text.as_str().into()),
        (_, Json::String(text)) => match parse_literal(text) {
            Ok(Literal::Quantity { ty, value }) => Value::Quantity(ty, value),
            other => panic!("{other:?} as an answer"),
        },
        (ty, value) => panic!("{value} as {ty:?}"),
    }
}

fn limits(vector: &Json) -> Limits {
    let mut limits = Limits::default();
    for (name, value) in vector["limits"].as_object().into_iter().flatten() {
        limits = match name.as_str() {
            "fuel" => limits.fuel(value.as_u64().unwrap()),
            "memory_bytes" => limits.memory_bytes(value.as_u64().unwrap()),
            "host_calls" => limits.host_calls(value.as_u64().unwrap()),
            "money" => match parse_literal(value.as_str().unwrap()) {
                Ok(Literal::Quantity { value, .. }) => limits.money(value),
                other => panic!("{other:?} is no money"),
            },
            other => panic!("unknown limit {other}"),
        };
    }
    limits
}

/// Numbers from a seed: SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, count: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % count.max(1)
    }
}

#[test]
fn every_vector_is_the_same_on_both_tiers() {
    let step = std::env::var("SWARM_JIT_STEP").map_or(1, |step| step.parse().unwrap());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/language");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let mut random = Random(1);
    let (mut count, mut problems) = (0, Vec::new());
    for file in files {
        let jit: Arc<dyn Tier> = Arc::new(Jit::new().unwrap());
        let file: Json = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        for vector in file["vectors"].as_array().unwrap().iter().step_by(step) {
            let name = format!("{}: {}", file["subject"], vector["name"]);
            let text = vector["program"].as_str().unwrap();
            let options = Options { tests: false, ..Options::default() };
            let module = compile_text_with("vector.swarm", text, &options).0.module.unwrap();
            let program = Program::load(&module.encode()).unwrap();
            let own = limits(vector);
            let mut tries = vec![own];
            let fuel = json!(vector["pinned"]["fuel"]).as_u64().unwrap_or(0).min(own.fuel);
            let memory = vector["pinned"]["memory_peak_bytes"].as_u64().unwrap_or(0);
            for _ in 0..6 {
                tries.push(own.fuel(random.below(fuel + 2)));
            }
            tries.push(own.memory_bytes(random.below(memory + 1)));
            tries.push(own.host_calls(random.below(3)));
            tries.push(own.call_depth(u32::try_from(1 + random.below(4)).unwrap()));
            for limits in tries {
                for effects in [Effects::Immediate, Effects::Collected] {
                    count += 1;
                    let wanted = run(&program, vector, limits, effects, None);
                    let found = run(&program, vector, limits, effects, Some(Arc::clone(&jit)));
                    if wanted != found && problems.len() < 8 {
                        problems.push(format!("{name} {limits:?} {effects:?}\n{text}\n{wanted}\n{found}"));
                    }
                }
            }
        }
    }
    assert!(problems.is_empty(), "{} of {count}:\n{}", problems.len(), problems.join("\n\n"));
}

#[test]
fn work_of_the_bench_is_the_same_and_fast() {
    let jit: Arc<dyn Tier> = Arc::new(Jit::new().unwrap());
    for name in ["fib", "loop32", "mandel", "sieve", "hostcall"] {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../benches/peers/programs/{name}.swarm"));
        let text = std::fs::read_to_string(path).unwrap();
        let module = compile_text_with("work.swarm", &*text, &Options::default()).0.module.unwrap();
        let program = Program::load(&module.encode()).unwrap();
        let n = match name {
            "fib" => 20,
            "mandel" => 30,
            _ => 3_000,
        };
        let limits = Limits::default().fuel(1 << 40).memory_bytes(1 << 30);
        let vector = json!({"input": {"n": n}});
        let start = std::time::Instant::now();
        let wanted = run(&program, &vector, limits, Effects::Immediate, None);
        let middle = std::time::Instant::now();
        let found = run(&program, &vector, limits, Effects::Immediate, Some(Arc::clone(&jit)));
        let first = middle.elapsed();
        let middle_end = std::time::Instant::now();
        let again = run(&program, &vector, limits, Effects::Immediate, Some(Arc::clone(&jit)));
        eprintln!(
            "{name}: interpreter {:?}, first {first:?}, again {:?}",
            middle - start,
            middle_end.elapsed()
        );
        assert!(wanted == found && wanted == again, "{name}: {wanted}\n{found}");
    }
}
