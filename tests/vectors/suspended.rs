//! The vectors again, stopped wherever they can be: at each host call and, out of fuel, anywhere. At each
//! stop the run becomes a snapshot and goes on in a new instance, some in a new process; what comes of it is
//! the same.
#![expect(clippy::arithmetic_side_effects, reason = "test code")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Map, Value as Json, json};
use swarm_compiler::Options;
use swarm_vm::snapshot::{Seal, SnapshotErrorKind, SnapshotKey, Unseal};
use swarm_vm::{
    Answer, Effects, Exit, Grants, Host, Inputs, Instance, PendingKind, Program, Report, VirtualClock,
};

use super::{Kept, PLAIN, Seen, answer, answers, files, limits, prepare, run, run_with};

/// What a run is compared by.
fn seen(seen: &Seen) -> Json {
    json!({ "report": seen.json, "actions": seen.actions, "asked": seen.asked, "states": seen.states, "fuel": seen.fuel })
}

fn every_vector(mut each: impl FnMut(&str, &Map<String, Json>)) {
    for path in files() {
        let file: Json = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        for vector in file["vectors"].as_array().unwrap() {
            let name = format!("{}: {}", file["subject"].as_str().unwrap(), vector["name"].as_str().unwrap());
            each(&name, vector.as_object().unwrap());
        }
    }
}

/// What is sealed of a snapshot: all but the header, in which the generation differs, and the tag.
fn body(snapshot: &[u8]) -> &[u8] {
    &snapshot[111..snapshot.len() - 16]
}

/// Stops a run and goes on with it in a new instance.
struct Mover<'a> {
    program: &'a Program,
    inputs: &'a Inputs,
    key: SnapshotKey,
    stops: u64,
}

impl<'a> Mover<'a> {
    fn new(program: &'a Program, inputs: &'a Inputs) -> Mover<'a> {
        Mover { program, inputs, key: SnapshotKey::new([7; 32]), stops: 0 }
    }

    /// Gives whether it was moved: a run within a VETO stays.
    fn move_it(&mut self, run: &mut Instance, host: &Host<'_>) -> bool {
        let mut nonce = [0; 24];
        nonce[..8].copy_from_slice(&self.stops.to_le_bytes());
        let seal = Seal { key: &self.key, nonce, at_ns: 1_000 };
        let snapshot = match run.snapshot(host, &seal) {
            Ok(snapshot) => snapshot,
            Err(error) if error.kind() == SnapshotErrorKind::InVeto => return false,
            Err(error) => panic!("{error}"),
        };
        let unseal = Unseal { key: &self.key, identity: None, above: run.generation() - 1, at_ns: 1_000 };
        // What has no version comes from the snapshot.
        let given = Inputs::new(self.program);
        let inputs = if self.stops.is_multiple_of(2) { &given } else { self.inputs };
        *run =
            Instance::resume(self.program, inputs, &Grants::all(), host, &snapshot.bytes, &unseal).unwrap();
        // The same run gives the same bytes.
        let again = run.snapshot(host, &seal).unwrap();
        assert_eq!(body(&snapshot.bytes), body(&again.bytes));
        let unseal = Unseal { above: run.generation() - 1, ..unseal };
        *run = Instance::resume(self.program, inputs, &Grants::all(), host, &again.bytes, &unseal).unwrap();
        self.stops += 1;
        true
    }

    /// Runs to the end, stopping at each call; `drip` is the fuel given at a time, up to the limit.
    fn finish(
        &mut self,
        run: &mut Instance,
        host: &mut Host<'_>,
        kept: &Kept,
        most: u64,
        drip: &mut dyn FnMut() -> u64,
    ) -> Report {
        loop {
            match run.run(host) {
                Exit::Finished(report) => {
                    if !run.is_over() {
                        self.move_it(run, host);
                    }
                    return report;
                }
                Exit::Pending(call) => {
                    self.move_it(run, host);
                    let answer = match call.kind {
                        PendingKind::Answer => kept.take().unwrap(),
                        PendingKind::Timer { .. } => Answer::done(),
                    };
                    assert_eq!(run.run(host), Exit::Pending(call.clone()));
                    run.resolve(call.id, answer).unwrap();
                }
                Exit::OutOfFuel { limit, .. } if limit >= most => return run.close(),
                Exit::OutOfFuel { limit, .. } => {
                    self.move_it(run, host);
                    run.refuel(drip().min(most - limit));
                }
            }
        }
    }
}

/// The run without a stop.
fn straight(vector: &Map<String, Json>, program: &Program, inputs: &Inputs) -> Seen {
    run_with(vector, program, inputs, false, &mut |run, host, _| super::finish(run, host)).unwrap()
}

/// The run with a stop at each call and wherever fuel ends; how many there were.
fn moved(
    vector: &Map<String, Json>,
    (program, inputs): (&Program, &Inputs),
    most: u64,
    drip: &mut dyn FnMut() -> u64,
) -> (Seen, u64) {
    let mut mover = Mover::new(program, inputs);
    let mut finish =
        |run: &mut Instance, host: &mut Host<'_>, kept: &Kept| Ok(mover.finish(run, host, kept, most, drip));
    let seen = run_with(vector, program, inputs, true, &mut finish).unwrap();
    (seen, mover.stops)
}

#[test]
fn a_run_moved_at_each_host_call_is_the_same_run() {
    let mut stops = 0;
    every_vector(|name, vector| {
        let (program, inputs) = prepare(vector, &Options::default()).unwrap();
        let straight = straight(vector, &program, &inputs);
        let (moved, count) = moved(vector, (&program, &inputs), limits(vector).fuel, &mut || 0);
        assert_eq!(seen(&moved), seen(&straight), "{name}");
        stops += count;
    });
    assert!(stops > 1_000, "only {stops} stops");
}

#[test]
fn a_run_moved_wherever_fuel_ends_is_the_same_run() {
    // A small generator of its own: no clock, no seed from outside.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut stops = 0;
    every_vector(|name, vector| {
        // The code as it was written: the other test has the optimised.
        let (program, inputs) = prepare(vector, &PLAIN).unwrap();
        let straight = straight(vector, &program, &inputs);
        let most = limits(vector).fuel;
        // About twenty stops a run.
        let step = straight.report.fuel_used / 10 + 2;
        let mut dripping = vector.clone();
        let limit = json!((random() % step).min(most));
        let limits = dripping.entry("limits").or_insert_with(|| json!({}));
        limits.as_object_mut().unwrap().insert("fuel".into(), limit);
        let (moved, count) = moved(&dripping, (&program, &inputs), most, &mut || 1 + random() % step);
        assert_eq!(seen(&moved), seen(&straight), "{name}");
        stops += count;
    });
    assert!(stops > 20_000, "only {stops} stops");
}

/// A host that answers an action later, so that the run stops there.
fn slow_host(vector: &Map<String, Json>, later: bool) -> Host<'static> {
    let (answers, refused) = (answers(vector), refused(vector));
    let mut host = Host::new();
    host.clock(VirtualClock::default());
    host.otherwise(move |call| {
        if later && call.result().is_none() {
            return Answer::pending();
        }
        let refused: Vec<&str> = refused.iter().map(String::as_str).collect();
        answer(call, &answers, &refused, &mut Vec::new())
    });
    host
}

fn refused(vector: &Map<String, Json>) -> Vec<String> {
    let names = vector.get("refused").and_then(Json::as_array).into_iter().flatten();
    names.filter_map(Json::as_str).map(str::to_owned).collect()
}

/// Goes on to the end.
fn go_on(vector: &Map<String, Json>, run: &mut Instance, host: &mut Host<'_>) -> Report {
    let most = limits(vector).fuel;
    loop {
        match run.run(host) {
            Exit::Finished(report) => return report,
            Exit::Pending(call) => {
                let fails = refused(vector).iter().any(|name| *name == call.name);
                let answer = if fails { Answer::failed("refused") } else { Answer::done() };
                run.resolve(call.id, answer).unwrap();
            }
            Exit::OutOfFuel { limit, .. } if limit >= most => return run.close(),
            Exit::OutOfFuel { limit, .. } => run.refuel(most - limit),
        }
    }
}

/// Set for the process that goes on with a run.
const OTHER: &str = "SWARM_TEST_GOES_ON";

#[test]
fn a_run_goes_on_in_another_process() {
    if std::env::var_os(OTHER).is_some() {
        return go_on_from_standard_input();
    }
    let mut count = 0;
    let mut number = 0;
    every_vector(|name, vector| {
        number += 1;
        if number % 30 != 0 || vector.contains_key("run") {
            return;
        }
        let straight = run(vector, &Options::default()).unwrap();
        // One stops at its first action, another where half of its fuel is used.
        let (later, fuel) =
            [(true, limits(vector).fuel), (false, straight.report.fuel_used / 2)][number / 30 % 2];
        let (program, inputs) = prepare(vector, &Options::default()).unwrap();
        let mut host = slow_host(vector, later);
        let limits = limits(vector).fuel(fuel);
        let run = Instance::new(&program, &inputs, limits, &Grants::all(), &host).unwrap();
        let mut run = run.effects(Effects::Collected);
        if let Exit::Finished(_) = run.run(&mut host) {
            return;
        }
        let key = SnapshotKey::new([8; 32]);
        let Ok(snapshot) = run.snapshot(&host, &Seal { key: &key, nonce: [1; 24], at_ns: 0 }) else { return };
        let told = json!({ "vector": vector, "snapshot": snapshot.bytes }).to_string();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "suspended::a_run_goes_on_in_another_process", "--nocapture"])
            .env(OTHER, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(told.as_bytes()).unwrap();
        let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
        let report = output.lines().find_map(|line| line.strip_prefix("report ")).unwrap();
        assert_eq!(serde_json::from_str::<Json>(report).unwrap(), straight.json, "{name}");
        count += 1;
    });
    assert!(count > 30, "only {count} runs were moved");
}

/// The other process.
#[expect(clippy::print_stdout, reason = "its answer to the process that started it")]
fn go_on_from_standard_input() {
    let told: Json = serde_json::from_reader(std::io::stdin()).unwrap();
    let vector = told["vector"].as_object().unwrap();
    let bytes: Vec<u8> = told["snapshot"]
        .as_array()
        .unwrap()
        .iter()
        .map(|byte| u8::try_from(byte.as_u64().unwrap()).unwrap())
        .collect();
    let (program, _) = prepare(vector, &Options::default()).unwrap();
    let mut host = slow_host(vector, true);
    let key = SnapshotKey::new([8; 32]);
    let unseal = Unseal { key: &key, identity: None, above: 0, at_ns: 0 };
    let inputs = Inputs::new(&program);
    let mut run = Instance::resume(&program, &inputs, &Grants::all(), &host, &bytes, &unseal).unwrap();
    println!("\nreport {}", go_on(vector, &mut run, &mut host).to_json());
}
