//! Runs the language vectors of `tests/language/`; `tests/language/README.md` describes their form.
//!
//! What a vector expects was written without this implementation; what it *pins* (fuel, memory, digest of the
//! trace) was filled in by it: `SWARM_BLESS=1 cargo test --test vectors` writes the pins anew.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod large;
mod suspended;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};
use swarm_bytecode::module::Module;
use swarm_bytecode::native::NATIVES;
use swarm_bytecode::op::{OPS, Op};
use swarm_bytecode::quantity::{Literal, parse_literal};
use swarm_bytecode::types::{Type, TypeId};
use swarm_compiler::{Options, compile_text_with};
use swarm_grammar::span::FileId;
use swarm_vm::{
    Answer, Call, Effects, Exit, Grants, Host, Inputs, Instance, Limits, Program, Report, Value, VirtualClock,
};

#[test]
fn every_vector_holds() {
    let bless = std::env::var_os("SWARM_BLESS").is_some();
    let mut problems = String::new();
    let mut count = 0;
    for path in files() {
        let text = std::fs::read_to_string(&path).unwrap();
        let mut file: Json =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let subject = file["subject"].as_str().unwrap().to_owned();
        for vector in file["vectors"].as_array_mut().unwrap() {
            count += 1;
            let name = format!("{subject}: {}", vector["name"].as_str().unwrap());
            let vector = vector.as_object_mut().unwrap();
            let mut check = |options: &Options| {
                let seen = run(vector, options)
                    .map_err(|problem| writeln!(problems, "{name}\n  {problem}").unwrap())
                    .ok()?;
                for problem in seen.compare(&vector["expect"]) {
                    let text = vector["program"].as_str().unwrap().replace('\n', "\n  ");
                    writeln!(problems, "{name}, {options:?}\n  {problem}\n  {text}").unwrap();
                }
                Some(seen)
            };
            check(&PLAIN);
            let Some(seen) = check(&Options::default()) else { continue };
            let pins = seen.pins();
            if bless {
                vector.insert("pinned".to_owned(), pins);
            } else if vector.get("pinned") != Some(&pins) {
                writeln!(problems, "{name}\n  pinned {:?}, is {pins}", vector.get("pinned")).unwrap();
            }
        }
        if bless {
            std::fs::write(&path, render(&file)).unwrap();
        }
    }
    assert!(count >= 1_000, "only {count} vectors");
    assert!(problems.is_empty(), "{problems}");
}

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

/// One vector a line, so that a change shows as the lines it touches.
fn render(file: &Json) -> String {
    let vectors: Vec<String> = file["vectors"].as_array().unwrap().iter().map(Json::to_string).collect();
    format!(
        "{{\"schema_version\":1,\"subject\":{},\"vectors\":[\n{}\n]}}\n",
        file["subject"],
        vectors.join(",\n")
    )
}

/// What came of a vector's run.
struct Seen {
    /// Of the last activation.
    report: Report,
    json: Json,
    /// Of all activations.
    actions: Vec<Json>,
    asked: Vec<Json>,
    states: Json,
    fuel: u64,
}

impl Seen {
    /// What does not fit the expectation.
    fn compare(&self, expect: &Json) -> Vec<String> {
        let mut problems = Vec::new();
        for (key, wanted) in expect.as_object().unwrap() {
            let found = match key.as_str() {
                "outcome" => self.json["outcome"].clone(),
                "code" => self.json["reason"]["code"].clone(),
                "reason" => self.json["reason"]["message"].clone(),
                "result" => self.json["result"].clone(),
                "metrics" => self.json["metrics"].clone(),
                "money" => self.json["money"].clone(),
                "tokens" => self.json["tokens"].clone(),
                "fuel" => json!(self.fuel),
                "failed" => json!(self.report.actions_failed),
                "asked" => Json::Array(self.asked.clone()),
                "actions" => Json::Array(self.actions.clone()),
                "state" => self.states.clone(),
                other => panic!("unknown key {other} in expect"),
            };
            if !same(wanted, &found) {
                problems.push(format!("{key}: expected {wanted}, found {found}"));
            }
        }
        problems
    }

    fn pins(&self) -> Json {
        json!({
            "fuel": self.fuel,
            "memory_peak_bytes": self.report.memory_peak_bytes,
            "trace_digest": self.json["trace_digest"],
        })
    }
}

/// Equal, numbers by value: `1.0` and `1.00` are, `1` and `1.0` are not.
fn same(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Number(left), Json::Number(right)) => {
            let whole = |text: &str| !text.contains(['.', 'e', 'E']);
            let (left, right) = (left.to_string(), right.to_string());
            if whole(&left) || whole(&right) {
                return left == right;
            }
            left.parse::<f64>().unwrap().to_bits() == right.parse::<f64>().unwrap().to_bits()
        }
        (Json::Array(left), Json::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Json::Object(left), Json::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, left)| right.get(key).is_some_and(|right| same(left, right)))
        }
        _ => left == right,
    }
}

/// As written, without the optimiser.
const PLAIN: Options = Options { tests: false, optimise: false };

fn run(vector: &Map<String, Json>, options: &Options) -> Result<Seen, String> {
    let (program, inputs) = prepare(vector, options)?;
    run_with(vector, &program, &inputs, false, &mut |run, host, _| finish(run, host))
}

fn prepare(vector: &Map<String, Json>, options: &Options) -> Result<(Program, Inputs), String> {
    load(vector, &compiled(vector, options)?)
}

/// The program's module, stripped.
fn compiled(vector: &Map<String, Json>, options: &Options) -> Result<Module, String> {
    let text = vector["program"].as_str().unwrap();
    let (compilation, _) = compile_text_with("vector.swarm", text, options);
    let Some(module) = &compilation.module else {
        let messages: Vec<&str> =
            compilation.diagnostics.iter().map(|found| found.message.as_str()).collect();
        return Err(format!("does not compile: {}\n  {}", messages.join("; "), text.replace('\n', "\n  ")));
    };
    let mut stripped = module.clone();
    stripped.strip();
    Ok(stripped)
}

fn load(vector: &Map<String, Json>, module: &Module) -> Result<(Program, Inputs), String> {
    let program = Program::load(&module.encode()).map_err(|error| error.to_string())?;
    let mut inputs = Inputs::new(&program);
    if let Some(input) = vector.get("input") {
        inputs = inputs.from_json(&input.to_string()).map_err(|error| error.to_string())?;
    }
    if let Some(context) = vector.get("context") {
        inputs = inputs.context_json(&context.to_string()).map_err(|error| error.to_string())?;
    }
    Ok((program, inputs))
}

/// The answer a host has given last, if it did not say it at once.
type Kept = std::cell::Cell<Option<Answer>>;
/// Brings an activation to its end.
type Finish<'f> = dyn FnMut(&mut Instance, &mut Host<'_>, &Kept) -> Result<Report, String> + 'f;

/// Runs a vector. A host that `keeps` its answers says that they are to come, and keeps the last.
fn run_with(
    vector: &Map<String, Json>,
    program: &Program,
    inputs: &Inputs,
    keeps: bool,
    finish: &mut Finish<'_>,
) -> Result<Seen, String> {
    let answers = answers(vector);
    let refused = refused(vector);
    let mut asked = Vec::new();
    let mut actions = Vec::new();
    let (report, order) = {
        let kept = Kept::default();
        let mut host = Host::new();
        host.clock(VirtualClock::default());
        host.otherwise(|call| {
            let told = told(call, &answers, &refused, &mut asked);
            let answer = answer(call.module(), call.name(), &told);
            if keeps {
                kept.set(Some(answer));
                return Answer::pending();
            }
            answer
        });
        let mut run = Instance::new(program, inputs, limits(vector), &Grants::all(), &host)
            .map_err(|error| error.to_string())?
            .effects(Effects::Collected);
        let mut report = finish(&mut run, &mut host, &kept)?;
        actions.extend(applied(&report));
        for step in vector.get("run").and_then(Json::as_array).into_iter().flatten() {
            if run.is_over() {
                break;
            }
            begin(&mut run, program.module(), step)?;
            report = finish(&mut run, &mut host, &kept)?;
            actions.extend(applied(&report));
        }
        (report, run.order())
    };
    let json: Json = serde_json::from_str(&report.to_json()).map_err(|error| error.to_string())?;
    let states = order
        .states
        .iter()
        .map(|(name, value)| (name.to_string(), serde_json::from_str(&value.to_json()).unwrap()));
    let fuel = if vector.contains_key("run") { order.fuel_used } else { report.fuel_used };
    Ok(Seen { json, actions, asked, states: Json::Object(states.collect()), fuel, report })
}

/// Begins the activation a step names: `{"tick": 0}`, or `{"event": "VOTE", "args": ["a", true]}`.
fn begin(run: &mut Instance, module: &Module, step: &Json) -> Result<(), String> {
    if let Some(timer) = step.get("tick") {
        return run
            .tick(usize::try_from(timer.as_u64().unwrap()).unwrap())
            .map_err(|refusal| refusal.to_string());
    }
    let name = step["event"].as_str().unwrap();
    let handler = module.events.iter().position(|event| event.name == name).unwrap();
    let types = &module.functions[module.events[handler].function.index()].registers;
    let arguments: Vec<Value> = step["args"]
        .as_array()
        .unwrap()
        .iter()
        .zip(types)
        .map(|(argument, ty)| value_of(module, *ty, argument))
        .collect();
    run.event(handler, &arguments).map_err(|refusal| refusal.to_string())
}

fn finish(run: &mut Instance, host: &mut Host<'_>) -> Result<Report, String> {
    match run.run(host) {
        Exit::Finished(report) => Ok(report),
        Exit::OutOfFuel { .. } => Ok(run.close()),
        Exit::Pending(_) => Err("waits for an answer".to_owned()),
    }
}

/// The actions of an activation that were carried out, each an array: its name, then its arguments.
fn applied(report: &Report) -> Vec<Json> {
    if report.actions_dropped {
        return Vec::new();
    }
    let json: Json = serde_json::from_str(&report.to_json()).unwrap();
    let call = |action: &Json| {
        let arguments = action["args"].as_array().unwrap().iter().cloned();
        Json::Array(std::iter::once(action["name"].clone()).chain(arguments).collect())
    };
    json["actions"].as_array().unwrap().iter().map(call).collect()
}

fn limits(vector: &Map<String, Json>) -> Limits {
    let mut limits = Limits::default();
    let Some(given) = vector.get("limits") else { return limits };
    for (name, value) in given.as_object().unwrap() {
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

/// Answers by the call as JSON: its name, then its arguments.
fn answers(vector: &Map<String, Json>) -> BTreeMap<String, Json> {
    let Some(answers) = vector.get("answers") else { return BTreeMap::new() };
    let call = |answer: &Json| {
        let arguments = answer["args"].as_array().unwrap().iter().cloned();
        let call: Vec<Json> = std::iter::once(answer["name"].clone()).chain(arguments).collect();
        (Json::Array(call).to_string(), answer["value"].clone())
    };
    answers.as_array().unwrap().iter().map(call).collect()
}

/// Names of actions that fail.
fn refused(vector: &Map<String, Json>) -> Vec<&str> {
    vector.get("refused").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str).collect()
}

/// What the host says to a call: `null` for "done", `{"failed": why}` or `{"value": value}`.
fn told(call: &Call<'_>, answers: &BTreeMap<String, Json>, refused: &[&str], asked: &mut Vec<Json>) -> Json {
    if refused.contains(&call.name()) {
        return json!({ "failed": "refused" });
    }
    if call.result().is_none() {
        return Json::Null;
    }
    let arguments =
        call.arguments().map(|argument| serde_json::from_str(&argument.to_shown().to_json()).unwrap());
    let question = Json::Array(std::iter::once(json!(call.name())).chain(arguments).collect());
    let known = answers.get(&question.to_string()).cloned();
    asked.push(question);
    known.map_or_else(|| json!({ "failed": "no answer is given" }), |value| json!({ "value": value }))
}

/// That as the answer to a call of this name.
fn answer(module: &Module, name: &str, told: &Json) -> Answer {
    if let Some(why) = told.get("failed").and_then(Json::as_str) {
        return Answer::failed(why);
    }
    let Some(value) = told.get("value") else { return Answer::done() };
    let import = module.imports.iter().find(|import| import.name == name).unwrap();
    Answer::value(value_of(module, import.result.unwrap(), value))
}

/// JSON as a value of a type, for answers.
fn value_of(module: &Module, ty: TypeId, json: &Json) -> Value {
    match (module.ty(ty).unwrap(), json) {
        (_, Json::Null) => Value::None,
        (Type::Optional(inner), json) => value_of(module, *inner, json),
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
        (ty, json) => panic!("{json} as {ty:?}"),
    }
}

/// Words of the syntax tree's text form that stand for a statement.
const STATEMENTS: &[&str] = &[
    "let", "=", "if", "match", "for-each", "while", "within", "phase", "try", "retry", "break", "continue",
    "return", "stop", "fail", "record", "require",
];

#[test]
fn each_op_native_and_statement_has_ten_vectors() {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for path in files() {
        let file: Json = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for vector in file["vectors"].as_array().unwrap() {
            let mut names = std::collections::BTreeSet::new();
            let text = vector["program"].as_str().unwrap();
            let module = plain(text);
            for op in module.functions.iter().flat_map(|function| &function.code) {
                names.insert(format!("op {}", op.info().mnemonic));
                if let Op::Native { native, .. } = op {
                    names.insert(format!("native {}", native.function().unwrap().info().name));
                }
            }
            let tree = swarm_grammar::dump::dump(&swarm_grammar::parse(FileId::default(), text).0);
            for word in tree.split(['(', ' ', '\n', ')']).filter(|word| STATEMENTS.contains(word)) {
                names.insert(format!("statement {word}"));
            }
            for name in names {
                *seen.entry(name).or_default() += 1;
            }
        }
    }
    let ops = OPS.iter().map(|op| format!("op {}", op.mnemonic)).filter(|op| !RARE.contains(&op.as_str()));
    let natives = NATIVES.iter().map(|native| format!("native {}", native.name));
    let statements = STATEMENTS.iter().map(|statement| format!("statement {statement}"));
    let few: Vec<String> = ops
        .chain(natives)
        .chain(statements)
        .filter(|name| seen.get(name).is_none_or(|count| *count < 10))
        .map(|name| format!("{name}: {}", seen.get(&name).copied().unwrap_or(0)))
        .collect();
    assert!(few.is_empty(), "fewer than ten vectors:\n{}", few.join("\n"));
}

/// Ops that no small program has: `settle` stands only where a function has a very long way without a
/// settling op; for `loop` and `map.remove` there is no statement yet.
const RARE: &[&str] = &["op settle", "op loop", "op repeat", "op map.remove"];

fn plain(text: &str) -> Module {
    compile_text_with("vector.swarm", text, &PLAIN).0.module.unwrap()
}
