//! The TESTs of the examples: what they give and run, by the reference and by the machine, optimised and not.
//! What they expect is `swarmc test`'s business; here the two have to agree.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::{Map, Value as Json, json};
use swarm_bytecode::module::FunctionId;
use swarm_compiler::typed::TestStepKind as Step;
use swarm_compiler::{NoFiles, Options, TestPlan, check, compile_tests, typed};
use swarm_grammar::source::{SourceFile, Sources};
use swarm_reference::report::{Answer, Limits, Wake};
use swarm_vm::{Grants, Host, Inputs, Instance, Program, Value};

use swarm_differential::{World, difference, machine, other_meaning, real, source};

/// Activations of a timer in one line, at most.
const MOST_TICKS: i64 = 40;

/// Orders that a TEST starts, and what its host says.
struct Script {
    worlds: Vec<World>,
    /// A call as name and arguments, and the answer; none: it fails.
    answers: Vec<(String, Option<Json>)>,
}

impl Script {
    fn says(&self, name: &str, arguments: &[String]) -> Answer {
        let known = |(call, _): &&(String, Option<Json>)| *call == call_text(name, arguments);
        match self.answers.iter().rev().find(known) {
            Some((_, Some(answer))) => Answer::Value(answer.clone()),
            Some((_, None)) => Answer::Failed("as the test says".to_owned()),
            None if name.chars().all(|letter| !letter.is_lowercase()) => Answer::Done,
            None => Answer::Failed("nobody answers".to_owned()),
        }
    }
}

fn call_text(name: &str, arguments: &[String]) -> String {
    format!("{name}({})", arguments.join(","))
}

fn json_of(value: &Value) -> Json {
    serde_json::from_str(&value.to_json()).unwrap()
}

/// Reads the lines of a TEST. Each RUN that starts an order is a world of its own; what is given later counts
/// for the next.
fn script(plan: &TestPlan) -> Script {
    let program = Program::load(&plan.module.encode()).unwrap();
    let module = program.module();
    let mut inputs = Inputs::new(&program);
    let (mut input, mut context) = (Map::new(), Map::new());
    for own in module.inputs.iter().filter(|own| own.default.is_none()) {
        let zero = Value::zero(module, own.ty);
        inputs = inputs.value(&own.name, &zero).unwrap();
        input.insert(own.name.to_string(), json_of(&zero));
    }
    for own in module.contexts.iter().filter(|own| own.default.is_none()) {
        let zero = Value::zero(module, own.ty);
        inputs = inputs.value(&own.name, &zero).unwrap();
        context.insert(own.name.to_string(), json_of(&zero));
    }
    let mut host = Host::new();
    host.otherwise(|_| swarm_vm::Answer::failed("nothing is asked for"));
    let limits = swarm_vm::Limits::default();
    let mut instance = Instance::new(&program, &inputs, limits, &Grants::all(), &host).unwrap();
    let mut value = |function: &FunctionId| instance.evaluate(*function, &[]).unwrap();
    let call = |import: usize, arguments: &[FunctionId], value: &mut dyn FnMut(&FunctionId) -> Value| {
        let import = &module.imports[import];
        let typed = arguments.iter().zip(&import.parameters);
        let arguments: Vec<String> = typed.map(|(own, ty)| value(own).shown(module, *ty).to_json()).collect();
        call_text(&import.name, &arguments)
    };
    let (mut states, mut answers, mut worlds): (Vec<(String, Json)>, _, Vec<World>) =
        (Vec::new(), Vec::new(), Vec::new());
    let mut given = true;
    for step in &plan.steps {
        let wakes = match &step.kind {
            Step::GivenInput(id, own) => {
                input.insert(module.inputs[id.index()].name.to_string(), json_of(&value(own)));
                given = true;
                continue;
            }
            Step::GivenContext(id, own) => {
                context.insert(module.contexts[id.index()].name.to_string(), json_of(&value(own)));
                given = true;
                continue;
            }
            Step::GivenState(id, own) => {
                states.push((module.states[id.index()].name.to_string(), json_of(&value(own))));
                given = true;
                continue;
            }
            Step::GivenAnswer(import, arguments, answer) => {
                answers.push((call(import.index(), arguments, &mut value), Some(json_of(&value(answer)))));
                continue;
            }
            Step::GivenFails(import, arguments) => {
                answers.push((call(import.index(), arguments, &mut value), None));
                continue;
            }
            Step::Run => {
                given = true;
                Vec::new()
            }
            Step::RunFor(time) => {
                let mut ticks: Vec<(i64, usize)> = Vec::new();
                for (at, timer) in module.timers.iter().enumerate() {
                    let times = (time / timer.period_ns).min(MOST_TICKS);
                    ticks.extend((1..=times).map(|round| (round * timer.period_ns, at)));
                }
                ticks.sort_unstable();
                ticks.into_iter().map(|(_, at)| Wake::Tick(at)).collect()
            }
            Step::RunEvent(event, arguments) => {
                let name = module.events[*event].name.to_string();
                vec![Wake::Event(name, arguments.iter().map(|own| json_of(&value(own))).collect())]
            }
            _ => continue,
        };
        if std::mem::take(&mut given) {
            worlds.push(World {
                input: Json::Object(input.clone()),
                context: Json::Object(context.clone()),
                limits: Limits::default(),
                collected: worlds.len() % 2 == 0,
                states: states.clone(),
                wakes: vec![Wake::Start],
            });
        }
        worlds.last_mut().unwrap().wakes.extend(wakes);
    }
    Script { worlds, answers }
}

/// Texts with TESTs: the examples.
fn texts() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "swarm"));
    files.sort();
    let text = |path: PathBuf| {
        (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(path).unwrap())
    };
    files.into_iter().map(text).collect()
}

/// The program without its TESTs, as it is checked.
fn checked(name: &str, text: &str) -> (typed::Program, Sources) {
    let mut sources = Sources::new();
    let file = sources.add(SourceFile::new(name, text));
    (check(&mut sources, file).program.unwrap(), sources)
}

#[test]
fn tests_of_the_examples_run_alike() {
    crate::deep(|| {
        let (mut tests, mut orders, mut activations, mut problems) = (0, 0, 0, String::new());
        for (name, text) in texts() {
            let (typed, sources) = checked(&name, &text);
            for optimise in [false, true] {
                let mut own = Sources::new();
                let file = own.add(SourceFile::new(&*name, &*text));
                let options = Options { optimise, ..Options::default() };
                for plan in compile_tests(&mut own, file, &NoFiles, &options).plans {
                    tests += 1;
                    let script = script(&plan);
                    let says = |name: &str, arguments: &[String]| script.says(name, arguments);
                    for world in &script.worlds {
                        orders += 1;
                        let found = real(&plan.module, world, &says);
                        let wanted = machine(&plan.module, world, &says);
                        activations += wanted.as_ref().map_or(0, Vec::len);
                        let other = difference(&wanted, &found).or_else(|| {
                            other_meaning(&sources, &source(&typed, world, &says).ok()?, found.as_ref().ok()?)
                        });
                        if let Some(other) = other {
                            writeln!(problems, "{name}, {}, optimised {optimise}: {other}", plan.name)
                                .unwrap();
                        }
                        assert!(
                            found.is_ok(),
                            "{name}, {}: {:?}\n{}",
                            plan.name,
                            found.err(),
                            json!(world.input)
                        );
                    }
                }
            }
        }
        println!(
            "{tests} TESTs of examples, plain and optimised: {orders} orders, {activations} activations"
        );
        assert!(tests > 60 && activations > 100, "{tests} tests, {activations} activations");
        assert!(problems.is_empty(), "{}", problems.chars().take(6_000).collect::<String>());
    });
}
