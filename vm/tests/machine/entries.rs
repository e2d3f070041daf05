//! Entries of maps, found and set one after the other in whatever order: held against a map of Rust's.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use swarm_compiler::compile_text;
use swarm_vm::trace::Event;
use swarm_vm::{Exit, Grants, Host, Inputs, Instance, Level, Limits, Program, Report};

use crate::common::load;

/// Keys are constants, texts of the host, parts of these, and texts that are made.
const HEAD: &str = "CONTEXT names: list<string> MAX 12
CONTEXT digits: list<int> MAX 12
CONTEXT line: string
FUNC main() -> string {
  LET parts = words(line)
  LET one: map<string, int> MAX 64 = [:]
  LET two: map<string, int> MAX 64 = [:]
";

/// How long the keys are but for their numbers: what is told apart by one number, and what is not.
const LENGTHS: [usize; 12] = [0, 1, 6, 7, 8, 13, 14, 15, 16, 17, 23, 40];

/// The same text from so many places.
const PLACES: u64 = 4;

type Model = BTreeMap<String, i64>;

/// Numbers below a bound, the same ones for a seed.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn name(which: u64) -> String {
    format!("{}{which}", "k".repeat(LENGTHS[usize::try_from(which).unwrap()]))
}

fn key(which: u64, place: u64) -> String {
    match place {
        0 => format!("\"{}\"", name(which)),
        1 => format!("names[{which}]"),
        2 => format!("parts[{which}]"),
        _ => format!("\"{}\"", name(which).replace(&which.to_string(), &format!("{{digits[{which}]}}"))),
    }
}

/// A program of so many steps, and what its two maps are then.
fn program(seed: u64, steps: u64, keys: u64) -> (String, Model, Model) {
    let mut numbers = Numbers(seed);
    let mut text = HEAD.to_owned();
    let (mut one, mut two) = (Model::new(), Model::new());
    for step in 0..steps {
        let (which, place, other) = (numbers.below(keys), numbers.below(PLACES), numbers.below(keys));
        let number = i64::try_from(step).unwrap();
        let held = |map: &Model, which: u64| map.get(&name(which)).copied().unwrap_or(0);
        let at_key = format!("LET key{step} = {}", key(which, place));
        let elsewhere = key(other, numbers.below(PLACES));
        match numbers.below(7) {
            0..3 => {
                writeln!(text, "  {at_key}\n  one[key{step}] = (one[key{step}] ?? 0) + {number}").unwrap();
                one.insert(name(which), held(&one, which) + number);
            }
            3 => {
                writeln!(text, "  {at_key}\n  two[key{step}] = (one[key{step}] ?? 0) + {number}").unwrap();
                two.insert(name(which), held(&one, which) + number);
            }
            4 => {
                writeln!(text, "  {at_key}\n  one[key{step}] = (two[{elsewhere}] ?? 0) + {number}").unwrap();
                one.insert(name(which), held(&two, other) + number);
            }
            5 => {
                writeln!(text, "  {at_key}\n  LET held{step} = one[key{step}] ?? 0").unwrap();
                writeln!(text, "  one = without(one, {elsewhere})\n  one[key{step}] = held{step} + 1")
                    .unwrap();
                let before = held(&one, which);
                one.remove(&name(other));
                one.insert(name(which), before + 1);
            }
            _ => {
                writeln!(text, "  two = one").unwrap();
                two = one.clone();
            }
        }
    }
    (text, one, two)
}

fn run(program: &Program, traced: bool) -> Report {
    let keys: Vec<String> = (0..12).map(name).collect();
    let digits: Vec<u64> = (0..12).collect();
    let context = serde_json::json!({"names": keys, "digits": digits, "line": keys.join(" ")});
    let inputs = Inputs::new(program).context_json(&context.to_string()).unwrap();
    let mut host = Host::new();
    let mut run = Instance::new(program, &inputs, Limits::default(), &Grants::all(), &host).unwrap();
    let exit = if traced {
        run.run_traced(&mut host, Level::Ops, &mut |_: &Event<'_>| {})
    } else {
        run.run(&mut host)
    };
    match exit {
        Exit::Finished(report) => report,
        other => panic!("{other:?}"),
    }
}

#[test]
fn entries_are_those_of_a_map() {
    let mut entries = 0;
    for seed in 0..120 {
        // Few keys, which are found without an index, and more.
        let (text, one, two) = program(seed, 30, if seed % 2 == 0 { 4 } else { 12 });
        for (name, wanted) in [("one", one), ("two", two)] {
            let whole = format!(
                "{text}  LET seen = \"\"\n  FOR EACH key, value IN {name} {{ seen = \"{{seen}} {{key}}={{value}}\" }}\n  RETURN seen\n}}\n"
            );
            let (compiled, diagnostics) = compile_text("entries.swarm", whole.as_str());
            let program = load(&compiled.module.unwrap_or_else(|| panic!("{whole}\n{diagnostics:?}")));
            let report = run(&program, false);
            let seen: String = serde_json::from_str(&report.result.as_ref().unwrap().to_json()).unwrap();
            let ordered: String = wanted.iter().map(|(key, value)| format!(" {key}={value}")).collect();
            assert_eq!(seen, ordered, "{whole}");
            assert_eq!(run(&program, true), report, "{whole}");
            entries += wanted.len();
        }
    }
    assert!(entries > 500, "{entries}");
}

/// Zeros at the end of a text are part of it.
#[test]
fn keys_that_end_in_zeros_are_keys_of_their_own() {
    let text = "CONTEXT names: list<string> MAX 20
FUNC main() -> int {
  LET seen: map<string, int> MAX 20 = [:]
  FOR EACH name IN names { seen[name] = (seen[name] ?? 0) + 1 }
  LET twice = 0
  FOR EACH name, count IN seen { IF count != 1 THEN twice = twice + 1 }
  RETURN len(seen) + 100 * twice
}
";
    let (compiled, diagnostics) = compile_text("zeros.swarm", text);
    let program = load(&compiled.module.unwrap_or_else(|| panic!("{diagnostics:?}")));
    for count in [4, 20] {
        let names: Vec<String> = (0..count).map(|zeros| format!("a{}", "\0".repeat(zeros))).collect();
        let inputs =
            Inputs::new(&program).context_json(&serde_json::json!({"names": names}).to_string()).unwrap();
        let mut host = Host::new();
        let mut run = Instance::new(&program, &inputs, Limits::default(), &Grants::all(), &host).unwrap();
        let Exit::Finished(report) = run.run(&mut host) else { panic!() };
        assert_eq!(report.result.unwrap().to_json(), count.to_string());
    }
}
