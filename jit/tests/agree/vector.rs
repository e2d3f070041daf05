//! Runs a language vector, and says all there is to see of that.

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hasher as _};
use std::sync::Arc;

use serde_json::Value as Json;
use swarm_bytecode::module::Module;
use swarm_bytecode::quantity::{Literal, parse_literal};
use swarm_bytecode::types::{Type, TypeId};
use swarm_vm::snapshot::{Seal, SnapshotKey};
use swarm_vm::tier::Tier;
use swarm_vm::{
    Answer, Call, Effects, Exit, Grants, Host, Inputs, Instance, Limits, Program, Value, VirtualClock,
};

/// All there is to see of the activations of one order.
pub(crate) fn run(
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
    let calls = RefCell::new(Vec::new());
    let mut seen = Vec::new();
    {
        let mut host = Host::new();
        // Snapshots hold the time.
        host.clock(VirtualClock::default());
        let seen_by_host = |call: &Call<'_>| {
            let shown: Vec<String> = call.arguments().map(|own| own.to_shown().to_json()).collect();
            calls.borrow_mut().push(format!("{} {shown:?}", call.name()));
        };
        host.otherwise(move |call| {
            seen_by_host(call);
            answer(call, vector)
        });
        // Handlers that can say no more than "done".
        let refused = vector["refused"].as_array().cloned().unwrap_or_default();
        let plain = program.module().imports.iter().filter(|import| import.result.is_none());
        for import in plain.filter(|import| !refused.iter().any(|name| *name == import.name.as_str())) {
            host.raw(&import.name, seen_by_host);
        }
        let mut run =
            Instance::new(program, &inputs, limits, &Grants::all(), &host).unwrap().effects(effects);
        if let Some(tier) = tier {
            run = run.tier(tier);
        }
        let mut steps = vector["run"].as_array().cloned().unwrap_or_default().into_iter();
        loop {
            let exit = run.run(&mut host);
            if !matches!(exit, Exit::Finished(_)) {
                seen.push(frozen(&mut run, &host));
            }
            let (short, report) = match exit {
                Exit::Finished(report) => (String::new(), report),
                Exit::OutOfFuel { used, limit, place } => (format!("{used} {limit} {place:?}"), run.close()),
                Exit::Pending(call) if vector.get("later").is_some() => {
                    seen.push(format!("{call:?}"));
                    run.resolve(call.id, Answer::value(vector["later"].as_i64().unwrap())).unwrap();
                    continue;
                }
                Exit::Pending(call) => (format!("{call:?}"), run.close()),
            };
            seen.push(format!("{short} {report:?}"));
            let step = steps.next();
            let Some(step) = step.filter(|_| !run.is_over()) else { break };
            begin(&mut run, program.module(), &step);
        }
        seen.push(format!("{:?} {:?}", run.order(), run.arena_used()));
    }
    format!("{seen:#?}\n{:#?}", calls.take())
}

/// The snapshot of a run that stands still: every register of every frame, the arena, the meters.
fn frozen(run: &mut Instance, host: &Host<'_>) -> String {
    let key = SnapshotKey::new([1; 32]);
    let seal = Seal { key: &key, nonce: [2; 24], at_ns: 0 };
    let mut hasher = DefaultHasher::new();
    let bytes = run.snapshot(host, &seal).map(|snapshot| snapshot.bytes);
    if let Ok(bytes) = &bytes {
        hasher.write(bytes);
    }
    format!("{:?} {}", bytes.as_ref().map(Vec::len), hasher.finish())
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
    if vector.get("later").is_some() {
        return Answer::pending();
    }
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
        (Type::String | Type::Secret, Json::String(text)) => Value::String(text.as_str().into()),
        (_, Json::String(text)) => match parse_literal(text) {
            Ok(Literal::Quantity { ty, value }) => Value::Quantity(ty, value),
            other => panic!("{other:?} as an answer"),
        },
        (ty, value) => panic!("{value} as {ty:?}"),
    }
}

pub(crate) fn limits(vector: &Json) -> Limits {
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
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, count: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % count.max(1)
    }
}
