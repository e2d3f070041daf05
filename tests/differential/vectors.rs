//! The language vectors: at their own limits and at all others that make a difference.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::{Map, Value as Json, json};
use swarm_bytecode::module::Module;
use swarm_bytecode::quantity::{Literal, parse_literal};
use swarm_compiler::{Options, check, compile_text_with, typed};
use swarm_grammar::source::{SourceFile, Sources};
use swarm_reference::report::{Answer, Limits, Wake};

use swarm_differential::{World, difference, machine, other_meaning, real, source};

/// A vector with what it is given.
pub(crate) struct Vector {
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) world: World,
    answers: Vec<(String, Json)>,
    refused: Vec<String>,
}

pub(crate) fn all() -> Vec<Vector> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../language");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    let mut vectors = Vec::new();
    for file in files {
        let file: Json = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let subject = file["subject"].as_str().unwrap();
        vectors
            .extend(file["vectors"].as_array().unwrap().iter().map(|vector| Vector::read(subject, vector)));
    }
    vectors
}

impl Vector {
    fn read(subject: &str, vector: &Json) -> Vector {
        let list = |key: &str| vector[key].as_array().cloned().unwrap_or_default();
        let wake = |step: &Json| match step["tick"].as_u64() {
            Some(timer) => Wake::Tick(usize::try_from(timer).unwrap()),
            None => Wake::Event(
                step["event"].as_str().unwrap().to_owned(),
                step["args"].as_array().unwrap().clone(),
            ),
        };
        let call = |answer: &Json| {
            let name = std::iter::once(answer["name"].clone());
            let call: Vec<Json> = name.chain(answer["args"].as_array().unwrap().iter().cloned()).collect();
            (Json::Array(call).to_string(), answer["value"].clone())
        };
        let given = |key: &str| vector.get(key).cloned().unwrap_or(json!({}));
        let world = World {
            input: given("input"),
            context: given("context"),
            limits: limits(vector.get("limits").and_then(Json::as_object)),
            collected: true,
            states: Vec::new(),
            wakes: std::iter::once(Wake::Start).chain(list("run").iter().map(wake)).collect(),
        };
        Vector {
            name: format!("{subject}: {}", vector["name"].as_str().unwrap()),
            text: vector["program"].as_str().unwrap().to_owned(),
            world,
            answers: list("answers").iter().map(call).collect(),
            refused: list("refused").iter().map(|name| name.as_str().unwrap().to_owned()).collect(),
        }
    }

    /// What its host says; a name in lower case is a query.
    pub(crate) fn says(&self, name: &str, arguments: &[String]) -> Answer {
        if self.refused.iter().any(|refused| refused == name) {
            return Answer::Failed("refused".to_owned());
        }
        if name.chars().all(|letter| !letter.is_lowercase()) {
            return Answer::Done;
        }
        let name = std::iter::once(json!(name));
        let arguments = arguments.iter().map(|argument| serde_json::from_str(argument).unwrap());
        let call = Json::Array(name.chain(arguments).collect()).to_string();
        match self.answers.iter().find(|(known, _)| *known == call) {
            Some((_, value)) => Answer::Value(value.clone()),
            None => Answer::Failed("no answer is given".to_owned()),
        }
    }

    fn checked(&self) -> (typed::Program, Sources) {
        let mut sources = Sources::new();
        let file = sources.add(SourceFile::new("vector.swarm", &*self.text));
        (check(&mut sources, file).program.unwrap(), sources)
    }

    pub(crate) fn module(&self, optimise: bool) -> Module {
        let options = Options { optimise, ..Options::default() };
        compile_text_with("vector.swarm", &*self.text, &options).0.module.unwrap()
    }
}

fn limits(given: Option<&Map<String, Json>>) -> Limits {
    let mut limits = Limits::default();
    for (name, value) in given.into_iter().flatten() {
        match name.as_str() {
            "fuel" => limits.fuel = value.as_u64().unwrap(),
            "memory_bytes" => limits.memory = value.as_u64().unwrap(),
            "host_calls" => limits.host_calls = value.as_u64().unwrap(),
            "money" => match parse_literal(value.as_str().unwrap()) {
                Ok(Literal::Quantity { value, .. }) => limits.money = value,
                other => panic!("{other:?} is no money"),
            },
            other => panic!("unknown limit {other}"),
        }
    }
    limits
}

#[test]
fn the_machine_does_what_the_reference_says() {
    crate::deep(each_at_its_own_limits);
}

fn each_at_its_own_limits() {
    let mut problems = String::new();
    let mut runs = 0;
    for vector in all() {
        let says = |name: &str, arguments: &[String]| vector.says(name, arguments);
        let (program, sources) = vector.checked();
        for optimise in [false, true] {
            let module = vector.module(optimise);
            for collected in [false, true] {
                runs += 1;
                let world = World { collected, ..vector.world.clone() };
                let (left, right) = (machine(&module, &world, &says), real(&module, &world, &says));
                if let Some(difference) = difference(&left, &right) {
                    writeln!(
                        problems,
                        "{}, optimised {optimise}, collected {collected}\n  {difference}\n{}",
                        vector.name, vector.text
                    )
                    .unwrap();
                }
                if let (Ok(meant), Ok(right)) = (source(&program, &world, &says), &right)
                    && let Some(difference) = other_meaning(&sources, &meant, right)
                {
                    writeln!(
                        problems,
                        "{}, meant, optimised {optimise}, collected {collected}\n  {difference}\n{}",
                        vector.name, vector.text
                    )
                    .unwrap();
                }
            }
        }
    }
    println!("{runs} runs of vectors compared");
    assert!(problems.is_empty(), "{problems}");
}

#[test]
fn they_agree_at_every_limit() {
    crate::deep(each_at_many_limits);
}

/// Each vector with so little fuel that it stops somewhere on its way, and with as little memory.
fn each_at_many_limits() {
    let stops: u64 = std::env::var("SWARM_STOPS").map_or(4, |stops| stops.parse().unwrap());
    let mut problems = String::new();
    let (mut runs, mut found) = (0, 0);
    for (number, vector) in (1..).zip(all()) {
        let says = |name: &str, arguments: &[String]| vector.says(name, arguments);
        let module = vector.module(number % 2 == 0);
        let Ok(whole) = machine(&module, &vector.world, &says) else { continue };
        let fuel = whole.iter().map(|(_, meter)| meter.fuel).max().unwrap_or(0);
        let memory = whole.iter().map(|(_, meter)| meter.memory_peak).max().unwrap_or(0);
        for stop in 0..stops.min(fuel.max(memory)) {
            // Spread over the way, and not the same for all.
            let at = |most: u64| (most * stop + number * 7919 % most.max(1)) / stops;
            for limits in [
                Limits { fuel: if fuel < stops { stop } else { at(fuel) }, ..vector.world.limits },
                Limits { memory: at(memory), ..vector.world.limits },
                Limits { host_calls: stop, depth: usize::try_from(stop + 1).unwrap(), ..vector.world.limits },
            ] {
                runs += 1;
                let world = World { limits, collected: stop % 2 == 0, ..vector.world.clone() };
                let (left, right) = (machine(&module, &world, &says), real(&module, &world, &says));
                if let Some(difference) = difference(&left, &right).filter(|_| found < 20) {
                    found += 1;
                    writeln!(problems, "{}, {limits:?}\n  {difference}\n{}", vector.name, vector.text)
                        .unwrap();
                }
            }
        }
    }
    println!("{runs} runs of vectors at small limits compared");
    assert!(problems.is_empty(), "{problems}");
}
