//! Runs a program in the virtual machine and in the reference, and says where they differ.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use std::sync::Arc;

use serde_json::Value as Json;
use smol_str::SmolStr;
use swarm_bytecode::module::Module;
use swarm_bytecode::quantity::{Literal, parse_literal, parse_time};
use swarm_bytecode::types::{Field, Type, TypeId};
use swarm_compiler::typed;
use swarm_grammar::source::Sources;
use swarm_reference::generate;
use swarm_reference::generate::modules::Made;
use swarm_reference::given;
use swarm_reference::machine::{Given, Meter};
use swarm_reference::report::{Answer, Limits, Report, Wake};
use swarm_reference::source;
use swarm_reference::types::Types;
use swarm_vm::tier::Tier;
use swarm_vm::{Effects, Exit, Grants, Host, Inputs, Instance, Program, Value, VirtualClock};

/// What programs are given.
#[derive(Debug, Clone)]
pub struct World {
    /// An object with a member for each INPUT.
    pub input: Json,
    /// An object with a member for each part of the CONTEXT.
    pub context: Json,
    /// What a run may use.
    pub limits: Limits,
    /// Whether actions wait for the end of their activation.
    pub collected: bool,
    /// STATE that is set before the order starts, by name.
    pub states: Vec<(String, Json)>,
    /// What begins each activation; those after the end of the order are left out.
    pub wakes: Vec<Wake>,
}

/// A host: what it says depends on nothing but the call.
pub type Says<'a> = &'a dyn Fn(&str, &[String]) -> Answer;

/// What came of all activations.
pub type Seen = Vec<(Report, Meter)>;

/// By the reference's evaluator of modules.
pub fn machine(module: &Module, world: &World, says: Says<'_>) -> Result<Seen, String> {
    evaluate(&Given::new(module, &world.input, &world.context)?, world, says)
}

/// The same of a module with what it is given already.
pub fn evaluate(given: &Given<'_>, world: &World, says: Says<'_>) -> Result<Seen, String> {
    let mut order = given.order(world.limits, world.collected);
    world.states.iter().try_for_each(|(name, json)| order.set_state(name, json))?;
    let mut seen = Vec::new();
    for wake in &world.wakes {
        if order.is_over() {
            break;
        }
        let activation = order.activate(wake, &mut |name, arguments| says(name, arguments))?;
        assert_eq!(order.broken(), None, "a rule of the verifier does not hold while it runs");
        seen.push(activation);
    }
    Ok(seen)
}

/// By the reference's evaluator of programs: of each activation also the statement at which it ended. It ends
/// where an activation takes too long.
pub fn source(program: &typed::Program, world: &World, says: Says<'_>) -> Result<Vec<source::Seen>, String> {
    let mut order = source::Order::new(program, &world.input, &world.context, world.limits, world.collected)?;
    world.states.iter().try_for_each(|(name, json)| order.set_state(name, json))?;
    let mut seen = Vec::new();
    for wake in &world.wakes {
        if order.is_over() {
            break;
        }
        match order.activate(wake, &mut |name, arguments| says(name, arguments))? {
            Some(activation) => seen.push(activation),
            None => break,
        }
    }
    Ok(seen)
}

/// How many activations came to an end that the program tells: that fuel, memory or depth were not enough,
/// only the machine can tell.
pub fn told(real: &Real) -> usize {
    let limited = |(report, _): &(Report, Meter)| matches!(&*report.code, "fuel" | "memory" | "call_depth");
    real.seen.iter().position(limited).unwrap_or(real.seen.len())
}

/// Where the machine does something else than the program says, as far as that tells.
pub fn other_meaning(sources: &Sources, meant: &[source::Seen], real: &Real) -> Option<String> {
    for (at, ((wanted, statement), (found, _))) in meant.iter().zip(&real.seen).take(told(real)).enumerate() {
        // A module has only what its program uses.
        let mut wanted = wanted.clone();
        wanted.states.retain(|(name, _)| found.states.iter().any(|(own, _)| own == name));
        wanted.metrics.retain(|(name, _)| found.metrics.iter().any(|(own, _)| own == name));
        if wanted != *found {
            return Some(format!("activation {at}:\n  {wanted:?}\n  {found:?}"));
        }
        let Some((span, Some((file, line)))) = statement.zip(real.lines.get(at).cloned()) else { continue };
        let own = sources.get(span.file).unwrap();
        let lines = own.position(span.start).line..=own.position(span.end).line;
        if *own.name() != file || !lines.contains(&line) {
            return Some(format!("activation {at}: ended in {} {lines:?}, not in {file} {line}", own.name()));
        }
    }
    None
}

/// What the virtual machine did, and where in the text each activation ended that did not simply come to its end.
pub struct Real {
    /// What came of each activation.
    pub seen: Seen,
    /// File and line of each.
    pub lines: Vec<Option<(SmolStr, u32)>>,
}

/// A module in the virtual machine, with what it is given.
pub struct Loaded {
    program: Program,
    inputs: Inputs,
}

impl Loaded {
    /// A program with what it is given.
    pub fn new(program: Program, world: &World) -> Result<Loaded, String> {
        let inputs = Inputs::new(&program).from_json(&world.input.to_string());
        let inputs = inputs.and_then(|inputs| inputs.context_json(&world.context.to_string()));
        Ok(Loaded { inputs: inputs.map_err(|error| error.to_string())?, program })
    }

    /// What was loaded.
    pub fn module(&self) -> &Module {
        self.program.module()
    }
}

/// By the virtual machine.
pub fn real(module: &Module, world: &World, says: Says<'_>) -> Result<Real, String> {
    let program = Program::load(&module.encode()).map_err(|error| error.to_string())?;
    run(&Loaded::new(program, world)?, world, says)
}

/// The same of what is loaded; in a build with the second tier, on both, which must not differ.
pub fn run(loaded: &Loaded, world: &World, says: Says<'_>) -> Result<Real, String> {
    let found = on_tier(loaded, world, says, None);
    #[cfg(feature = "jit")]
    {
        let compiled = on_tier(loaded, world, says, Some(second_tier()));
        let of = |real: &Result<Real, String>| {
            format!("{:?}", real.as_ref().map(|real| (&real.seen, &real.lines)))
        };
        let (wanted, other) = (of(&found), of(&compiled));
        let text = || swarm_bytecode::disassemble::disassemble(loaded.module());
        assert!(wanted == other, "the tiers differ:\n  {wanted}\n  {other}\n{world:?}\n{}", text());
    }
    found
}

/// Compiles whatever runs, at once.
#[cfg(feature = "jit")]
fn second_tier() -> Arc<dyn Tier> {
    static JIT: std::sync::OnceLock<Arc<swarm_jit::Jit>> = std::sync::OnceLock::new();
    Arc::<swarm_jit::Jit>::clone(JIT.get_or_init(|| Arc::new(swarm_jit::Jit::new().unwrap())))
}

fn on_tier(
    loaded: &Loaded,
    world: &World,
    says: Says<'_>,
    tier: Option<Arc<dyn Tier>>,
) -> Result<Real, String> {
    let mut host = Host::new();
    host.clock(VirtualClock::default());
    host.otherwise(|call| {
        let arguments: Vec<String> = call.arguments().map(|value| value.to_shown().to_json()).collect();
        match says(call.name(), &arguments) {
            Answer::Done => swarm_vm::Answer::done(),
            Answer::Failed(error) => swarm_vm::Answer::failed(error.as_str()),
            Answer::Value(json) => {
                let ty = call.result().unwrap_or(TypeId::INT);
                let fits = given::value(Types(&call.module().types), ty, None, &json).is_ok();
                let value = if fits { value_of(call.module(), ty, &json) } else { Value::Omitted };
                swarm_vm::Answer::value(value)
            }
        }
    });
    let effects = if world.collected { Effects::Collected } else { Effects::Immediate };
    let Loaded { program, inputs } = loaded;
    let run = Instance::new(program, inputs, limits(world.limits), &Grants::all(), &host);
    let mut run = run.map_err(|error| error.to_string())?.effects(effects);
    if let Some(tier) = tier {
        run = run.tier(tier);
    }
    for (name, json) in &world.states {
        let state = loaded.module().states.iter().find(|state| state.name == *name);
        let ty = state.map_or(TypeId::INT, |state| state.ty);
        let set = run.set_state(name, &value_of(loaded.module(), ty, json));
        set.map_err(|error| error.to_string())?;
    }
    let (mut seen, mut lines) = (Vec::new(), Vec::new());
    for wake in &world.wakes {
        if run.is_over() {
            break;
        }
        begin(&mut run, loaded.module(), wake)?;
        let report = match run.run(&mut host) {
            Exit::Finished(report) => report,
            Exit::OutOfFuel { .. } => run.close(),
            Exit::Pending(_) => return Err("waits".to_owned()),
        };
        let states = run.order().states;
        seen.push((shown(&report, &states), meter(&report)));
        let place = report.reason.as_ref().and_then(|reason| reason.place.as_ref());
        let place = place.and_then(|place| place.source.as_ref());
        lines.push(place.map(|source| (source.file.clone(), source.line)));
    }
    Ok(Real { seen, lines })
}

fn limits(limits: Limits) -> swarm_vm::Limits {
    swarm_vm::Limits::default()
        .fuel(limits.fuel)
        .memory_bytes(limits.memory)
        .call_depth(u32::try_from(limits.depth).unwrap())
        .host_calls(limits.host_calls)
        .money(limits.money)
        .tokens(limits.tokens)
}

fn begin(run: &mut Instance, module: &Module, wake: &Wake) -> Result<(), String> {
    match wake {
        Wake::Start => run.start(),
        Wake::Tick(timer) => run.tick(*timer),
        Wake::Event(name, arguments) => {
            let handler = module.events.iter().position(|event| event.name == *name).unwrap();
            let types = &module.functions[module.events[handler].function.index()].registers;
            let values = types.iter().zip(arguments).map(|(ty, json)| value_of(module, *ty, json));
            run.event(handler, &values.collect::<Vec<_>>())
        }
    }
    .map_err(|refusal| refusal.to_string())
}

fn shown(report: &swarm_vm::Report, states: &[(SmolStr, Value)]) -> Report {
    let named = |values: &[(SmolStr, Value)]| -> Vec<(String, String)> {
        values.iter().map(|(name, value)| (name.to_string(), value.to_json())).collect()
    };
    let reason = report.reason.as_ref();
    let own_words = reason.filter(|reason| matches!(reason.code.as_str(), "stop" | "fail"));
    Report {
        outcome: report.outcome.name(),
        code: reason.map_or(String::new(), |reason| reason.code.to_string()),
        reason: own_words.map_or(String::new(), |reason| reason.message.clone()),
        result: report.result.as_ref().map(Value::to_json),
        actions: report
            .actions
            .iter()
            .map(|action| (action.name.to_string(), action.args.iter().map(Value::to_json).collect()))
            .collect(),
        dropped: report.actions_dropped,
        metrics: named(&report.metrics),
        states: named(states),
        money: report.money,
        tokens: report.tokens,
        failed: report.actions_failed,
        vetoed: report.actions_vetoed,
        undone: report.actions_undone,
    }
}

fn meter(report: &swarm_vm::Report) -> Meter {
    let place = report.reason.as_ref().and_then(|reason| reason.place.as_ref());
    Meter {
        fuel: report.fuel_used,
        memory_peak: report.memory_peak_bytes,
        place: place.map(|place| (place.function, place.op)),
        digest: report.trace_digest.unwrap(),
    }
}

/// Where two runs differ, if they do.
pub fn difference(left: &Result<Seen, String>, right: &Result<Real, String>) -> Option<String> {
    match (left, right.as_ref().map(|right| &right.seen)) {
        (Ok(left), Ok(right)) if left == right => None,
        // Both refuse; each in its own words.
        (Err(_), Err(_)) => None,
        (Ok(left), Ok(right)) => {
            let unlike = left.iter().zip(right).position(|(left, right)| left != right);
            let at = unlike.unwrap_or(left.len().min(right.len()));
            Some(format!("activation {at}:\n  {:?}\n  {:?}", left.get(at), right.get(at)))
        }
        (left, right) => Some(format!("{left:?}\n  {right:?}")),
    }
}

/// Where the two machines differ on a generated module, with little fuel and memory.
pub fn unlike(made: &Made) -> Option<String> {
    let (module, program) = (&made.module, &made.program);
    let limits = Limits { fuel: 20_000, depth: 16, memory: 1 << 16, ..Limits::default() };
    let world = World {
        input: program.input.clone(),
        context: program.context.clone(),
        limits,
        collected: module.strings.len() % 2 == 0,
        states: Vec::new(),
        wakes: program.wakes.iter().filter(|wake| still_fits(module, wake)).cloned().collect(),
    };
    difference(&machine(module, &world, &generate::says), &real(module, &world, &generate::says))
}

/// What a changed module is woken by has to fit it still.
fn still_fits(module: &Module, wake: &Wake) -> bool {
    match wake {
        Wake::Start => true,
        Wake::Tick(at) => module.timers.len() > *at,
        Wake::Event(name, given) => module.events.iter().any(|own| {
            let function = &module.functions[own.function.index()];
            own.name == *name
                && usize::from(function.parameters) == given.len()
                && function.registers[..given.len()] == [TypeId::INT, TypeId::STRING]
        }),
    }
}

/// JSON as a value of a type; NONE, which no type but an optional has, for what does not fit.
pub fn value_of(module: &Module, ty: TypeId, json: &Json) -> Value {
    let fields = |fields: &[Field], json: &Json| {
        fields
            .iter()
            .map(|field| (field.name.clone(), value_of(module, field.ty, &json[field.name.as_str()])))
            .collect()
    };
    match (module.ty(ty).unwrap(), json) {
        (_, Json::Null) => Value::None,
        (Type::Optional(inner), json) => value_of(module, *inner, json),
        (Type::List { element, .. }, Json::Array(items)) => {
            Value::List(items.iter().map(|item| value_of(module, *element, item)).collect())
        }
        (Type::Map { key, value, .. }, Json::Object(entries)) => {
            let key = |name: &str| match module.ty(*key) {
                Some(Type::Int) => name.parse().map_or(Value::None, Value::Int),
                Some(Type::Bool) => Value::Bool(name == "true"),
                _ => value_of(module, *key, &Json::from(name)),
            };
            Value::Map(
                entries.iter().map(|(name, held)| (key(name), value_of(module, *value, held))).collect(),
            )
        }
        (Type::Record { fields: own, .. }, json) => Value::Record(fields(own, json)),
        (Type::Enum { .. }, Json::String(name)) => Value::Case(name.as_str().into(), Vec::new()),
        (Type::Enum { cases, .. }, Json::Object(members)) => {
            let Some((name, payload)) = members.iter().next() else { return Value::None };
            let own = cases.iter().find(|case| case.name == *name).map_or(&[][..], |case| &case.fields);
            Value::Case(name.as_str().into(), fields(own, payload))
        }
        (_, Json::Bool(value)) => Value::Bool(*value),
        (Type::Int, Json::Number(number)) => number.as_i64().map_or(Value::None, Value::Int),
        (Type::Float, Json::Number(number)) => number.as_f64().map_or(Value::None, Value::Float),
        (Type::String | Type::Secret, Json::String(text)) => Value::String(text.as_str().into()),
        (Type::Time, Json::String(text)) => {
            parse_time(text).map_or(Value::None, |time| Value::Quantity(ty, time))
        }
        (_, Json::String(text)) => match parse_literal(text) {
            Ok(Literal::Quantity { ty, value }) => Value::Quantity(ty, value),
            Ok(Literal::Rate { dimension, value }) => Value::Rate(dimension, value),
            _ => Value::None,
        },
        _ => Value::None,
    }
}
