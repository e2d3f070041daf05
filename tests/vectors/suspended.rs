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

use super::{Kept, PLAIN, Seen, answer, answers, files, limits, prepare, refused, run, run_with, told};

/// What a run is compared by.
pub(super) fn seen(seen: &Seen) -> Json {
    json!({ "report": seen.json, "actions": seen.actions, "asked": seen.asked, "states": seen.states, "fuel": seen.fuel })
}

pub(super) fn every_vector(mut each: impl FnMut(&str, &Map<String, Json>)) {
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
pub(super) fn straight(vector: &Map<String, Json>, program: &Program, inputs: &Inputs) -> Seen {
    run_with(vector, program, inputs, false, &mut |run, host, _| super::finish(run, host)).unwrap()
}

/// The run with a stop at each call and wherever fuel ends; how many there were.
pub(super) fn moved(
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

/// What the host would have said to the call at which a run waits.
type Told = std::cell::RefCell<Json>;

/// A host that answers every call later, so that the run stops there.
fn waiting_host<'h>(vector: &'h Map<String, Json>, kept: &'h Told) -> Host<'h> {
    let (answers, refused) = (answers(vector), refused(vector));
    let mut host = Host::new();
    host.clock(VirtualClock::default());
    host.otherwise(move |call| {
        *kept.borrow_mut() = told(call, &answers, &refused, &mut Vec::new());
        Answer::pending()
    });
    host
}

/// Goes on to the end of the order, of which so many steps are done; `stopped` is shown the run at each stop,
/// and with how many steps done. Gives what it is compared by.
fn go_on(
    vector: &Map<String, Json>,
    (program, run): (&Program, &mut Instance),
    (host, told): (&mut Host<'_>, &Told),
    done: usize,
    stopped: &mut dyn FnMut(&mut Instance, &Host<'_>, usize),
) -> Json {
    let most = limits(vector).fuel;
    let none = Vec::new();
    let steps = vector.get("run").and_then(Json::as_array).unwrap_or(&none);
    let mut done = done;
    loop {
        let report = loop {
            match run.run(host) {
                Exit::Finished(report) => break report,
                Exit::Pending(call) => {
                    stopped(run, host, done);
                    let answer = match call.kind {
                        PendingKind::Answer => answer(program.module(), &call.name, &told.borrow()),
                        PendingKind::Timer { .. } => Answer::done(),
                    };
                    run.resolve(call.id, answer).unwrap();
                }
                Exit::OutOfFuel { limit, .. } if limit >= most => break run.close(),
                Exit::OutOfFuel { limit, .. } => {
                    stopped(run, host, done);
                    run.refuel(most - limit);
                }
            }
        };
        let Some(step) = steps.get(done).filter(|_| !run.is_over()) else {
            let order = run.order();
            let states: Vec<String> =
                order.states.iter().map(|(name, value)| format!("{name} {}", value.to_json())).collect();
            return json!({ "report": report.to_json(), "states": states, "fuel": order.fuel_used });
        };
        super::begin(run, program.module(), step).unwrap();
        done += 1;
    }
}

/// Set for the process that goes on with runs.
const OTHER: &str = "SWARM_TEST_GOES_ON";

/// Lets another process go on with these runs; how many there were.
fn in_another_process(batch: &[Json]) -> usize {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "suspended::runs_go_on_in_another_process", "--nocapture"])
        .env(OTHER, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(json!(batch).to_string().as_bytes()).unwrap();
    let output = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let mut ends = output.lines().filter_map(|line| line.strip_prefix("end "));
    let mut count = 0;
    for vector in batch {
        for _ in vector["stops"].as_array().unwrap() {
            let end: Json = serde_json::from_str(ends.next().unwrap()).unwrap();
            assert_eq!(end, vector["end"], "{}", vector["name"]);
            count += 1;
        }
    }
    assert_eq!(ends.next(), None);
    count
}

#[test]
fn runs_go_on_in_another_process() {
    if std::env::var_os(OTHER).is_some() {
        return go_on_from_standard_input();
    }
    let key = SnapshotKey::new([8; 32]);
    let (mut batch, mut count) = (Vec::new(), 0);
    every_vector(|name, vector| {
        // It stops where half of the fuel of its first activation is used, and at each call.
        let straight = run(vector, &Options::default()).unwrap();
        let (program, inputs) = prepare(vector, &Options::default()).unwrap();
        let told = Told::default();
        let mut host = waiting_host(vector, &told);
        let limits = limits(vector);
        let limits = limits.fuel(limits.fuel.min(straight.report.fuel_used / 2));
        let run = Instance::new(&program, &inputs, limits, &Grants::all(), &host).unwrap();
        let mut run = run.effects(Effects::Collected);
        let mut stops = Vec::new();
        let end =
            go_on(vector, (&program, &mut run), (&mut host, &told), 0, &mut |run, host, done| match run
                .snapshot(host, &Seal { key: &key, nonce: [1; 24], at_ns: 0 })
            {
                Ok(snapshot) => {
                    stops.push(json!({ "snapshot": snapshot.bytes, "told": *told.borrow(), "done": done }));
                }
                Err(error) => assert_eq!(error.kind(), SnapshotErrorKind::InVeto, "{name}: {error}"),
            });
        assert_eq!(
            serde_json::from_str::<Json>(end["report"].as_str().unwrap()).unwrap(),
            straight.json,
            "{name}"
        );
        batch.push(json!({ "name": name, "vector": vector, "stops": stops, "end": end }));
        if batch.len() == 200 {
            count += in_another_process(&std::mem::take(&mut batch));
        }
    });
    count += in_another_process(&batch);
    assert!(count > 4_000, "only {count} runs were moved");
}

/// The other process.
#[expect(clippy::print_stdout, reason = "its answer to the process that started it")]
fn go_on_from_standard_input() {
    let batch: Json = serde_json::from_reader(std::io::stdin()).unwrap();
    let key = SnapshotKey::new([8; 32]);
    for given in batch.as_array().unwrap() {
        let vector = given["vector"].as_object().unwrap();
        let (program, _) = prepare(vector, &Options::default()).unwrap();
        for stop in given["stops"].as_array().unwrap() {
            let bytes: Vec<u8> = serde_json::from_value(stop["snapshot"].clone()).unwrap();
            let told = Told::new(stop["told"].clone());
            let mut host = waiting_host(vector, &told);
            let unseal = Unseal { key: &key, identity: None, above: 0, at_ns: 0 };
            let inputs = Inputs::new(&program);
            let mut run =
                Instance::resume(&program, &inputs, &Grants::all(), &host, &bytes, &unseal).unwrap();
            let done = usize::try_from(stop["done"].as_u64().unwrap()).unwrap();
            println!(
                "\nend {}",
                go_on(vector, (&program, &mut run), (&mut host, &told), done, &mut |_, _, _| ())
            );
        }
    }
}
