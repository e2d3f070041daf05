//! Snapshots from outside: what they hold, what they refuse, how large they are.

use std::sync::Arc;

use crate::common::load;
use swarm_bytecode::types::Type;
use swarm_vm::snapshot::{Seal, Snapshot, SnapshotErrorKind, SnapshotHeader, SnapshotKey, Unseal};
use swarm_vm::trace::{Event, Level};
use swarm_vm::{
    Answer, Course, Effects, Exit, Grants, Host, Inputs, Instance, Limits, PendingKind, Program, Table,
    Value, VirtualClock, Wake,
};

const NONCE: [u8; 24] = [3; 24];

fn key() -> SnapshotKey {
    SnapshotKey::new([42; 32])
}

pub(crate) fn compiled(text: &str) -> Program {
    let (compilation, _) = swarm_compiler::compile_text("test.swarm", text);
    load(&compilation.module.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics)))
}

fn sample() -> Program {
    compiled(include_str!("../../../examples/cost_optimization.swarm"))
}

/// Eight tasks like those of the README.
fn tasks(heavy: i64) -> Arc<Table> {
    let pick = |value: i64| (0..8).map(|task| if task % 2 == 0 { value } else { 1 }).collect::<Vec<_>>();
    Table::builder()
        .strings("id", (0..8).map(|task| format!("task-{task}")))
        .words("cpu_time", Type::Duration, pick(heavy))
        .words("memory", Type::Bytes, pick(2_000_000_000))
        .words("network", Type::Bandwidth, pick(200_000_000))
        .build()
        .unwrap()
}

fn pending() -> Host<'static> {
    let mut host = Host::new();
    host.clock(VirtualClock::default()).otherwise(|_| Answer::pending());
    host
}

fn seal(key: &SnapshotKey) -> Seal<'_> {
    Seal { key, nonce: NONCE, at_ns: 5_000 }
}

fn unseal(key: &SnapshotKey) -> Unseal<'_> {
    Unseal { key, identity: None, above: 0, at_ns: 5_000 }
}

fn resume(program: &Program, inputs: &Inputs, bytes: &[u8]) -> Result<Instance, SnapshotErrorKind> {
    let key = key();
    let resumed = Instance::resume(program, inputs, &Grants::all(), &pending(), bytes, &unseal(&key));
    resumed.map_err(|error| error.kind())
}

/// The sample at its first call, with the inputs' version if there is one.
fn waiting(version: Option<&[u8]>) -> (Program, Inputs, Instance) {
    let program = sample();
    let mut inputs = Inputs::new(&program).table("task_queue", &tasks(6_000_000_000)).unwrap();
    if let Some(version) = version {
        inputs = inputs.version("task_queue", version).unwrap();
    }
    let mut host = pending();
    let mut run = Instance::new(&program, &inputs, Limits::default(), &Grants::all(), &host).unwrap();
    assert!(matches!(run.run(&mut host), Exit::Pending(_)));
    (program, inputs, run)
}

fn taken(run: &mut Instance) -> Snapshot {
    run.snapshot(&pending(), &seal(&key())).unwrap()
}

/// Answers every call with "done", and stops at each.
fn to_the_end(run: &mut Instance, mut each: impl FnMut(&mut Instance)) -> swarm_vm::Report {
    let mut host = pending();
    loop {
        match run.run(&mut host) {
            Exit::Finished(report) => return report,
            Exit::Pending(call) => {
                each(run);
                run.resolve(call.id, Answer::done()).unwrap();
            }
            Exit::OutOfFuel { .. } => panic!("out of fuel"),
        }
    }
}

#[test]
fn the_sample_with_a_version_is_small_at_every_call() {
    for effects in [Effects::Immediate, Effects::Collected] {
        let (program, inputs, _) = waiting(Some(b"rev-17"));
        let host = pending();
        let run = Instance::new(&program, &inputs, Limits::default(), &Grants::all(), &host).unwrap();
        let (mut run, mut largest, mut stops) = (run.effects(effects), 0, 0);
        to_the_end(&mut run, |run| {
            let snapshot = taken(run);
            assert_eq!(snapshot.input_bytes, 0);
            largest = largest.max(snapshot.bytes.len());
            stops += 1;
        });
        assert_eq!(stops, 13);
        assert!(largest < 1024, "{effects:?}: {largest} bytes");
    }
}

#[test]
fn what_has_no_version_is_in_the_snapshot_and_counted() {
    let (program, _, mut run) = waiting(None);
    let snapshot = taken(&mut run);
    assert!(snapshot.input_bytes > 8 * 4 * 8, "{}", snapshot.input_bytes);
    // It goes on without being given the data again.
    let mut resumed = resume(&program, &Inputs::new(&program), &snapshot.bytes).unwrap();
    let (mine, theirs) = (to_the_end(&mut run, |_| ()), to_the_end(&mut resumed, |_| ()));
    assert_eq!(mine, theirs);
    assert_eq!(mine.actions.len(), 13);
}

#[test]
fn inputs_of_another_version_are_refused() {
    let (program, inputs, mut run) = waiting(Some(b"rev-17"));
    let snapshot = taken(&mut run);
    let other = Inputs::new(&program).table("task_queue", &tasks(6_000_000_000)).unwrap();
    let refused = |inputs: &Inputs| resume(&program, inputs, &snapshot.bytes).unwrap_err();
    assert_eq!(refused(&other), SnapshotErrorKind::Inputs);
    assert_eq!(refused(&other.clone().version("task_queue", b"rev-18").unwrap()), SnapshotErrorKind::Inputs);
    assert_eq!(refused(&Inputs::new(&program)), SnapshotErrorKind::Inputs);
    // The name of the version is there, but not its rows.
    let fewer = Table::builder().strings("id", ["a"]).words("cpu_time", Type::Duration, vec![1]);
    let fewer = fewer.words("memory", Type::Bytes, vec![1]).words("network", Type::Bandwidth, vec![1]);
    let fewer = Inputs::new(&program).table("task_queue", &fewer.build().unwrap()).unwrap();
    assert_eq!(refused(&fewer.version("task_queue", b"rev-17").unwrap()), SnapshotErrorKind::Inputs);
    assert!(resume(&program, &inputs, &snapshot.bytes).is_ok());
}

#[test]
fn a_changed_snapshot_is_refused_at_every_byte_and_every_cut() {
    let (program, inputs, mut run) = waiting(Some(b"rev-17"));
    let bytes = taken(&mut run).bytes;
    for at in 0..bytes.len() {
        for bit in [0x01, 0x80] {
            let mut forged = bytes.clone();
            forged[at] ^= bit;
            let kind = resume(&program, &inputs, &forged).unwrap_err();
            let expected = match at {
                0..4 => SnapshotErrorKind::NoSnapshot,
                4..7 => SnapshotErrorKind::Version,
                _ => SnapshotErrorKind::Forged,
            };
            assert_eq!(kind, expected, "byte {at}");
        }
        assert!(resume(&program, &inputs, &bytes[..at]).is_err(), "cut at {at}");
    }
    let mut longer = bytes.clone();
    longer.push(0);
    assert_eq!(resume(&program, &inputs, &longer).unwrap_err(), SnapshotErrorKind::Forged);
    let other = SnapshotKey::new([43; 32]);
    let resumed =
        Instance::resume(&program, &inputs, &Grants::all(), &pending(), &bytes, &unseal(&other)).unwrap_err();
    assert_eq!(resumed.code(), "snapshot_forged");
}

#[test]
fn nothing_of_a_run_can_be_read_in_its_snapshot() {
    let (_, _, mut run) = waiting(None);
    let bytes = taken(&mut run).bytes;
    assert!(!bytes.windows(6).any(|window| window == b"task-0"));
}

#[test]
fn a_snapshot_is_resumed_once() {
    let (program, inputs, mut run) = waiting(Some(b"rev-17"));
    let (first, second) = (taken(&mut run), taken(&mut run));
    assert_eq!((first.generation, second.generation), (1, 2));
    let key = key();
    let resume = |bytes: &[u8], above: u64| {
        let unseal = Unseal { above, ..unseal(&key) };
        Instance::resume(&program, &inputs, &Grants::all(), &pending(), bytes, &unseal)
            .map(|run| run.generation())
            .map_err(|error| error.kind())
    };
    assert_eq!(resume(&second.bytes, 0), Ok(2));
    assert_eq!(resume(&second.bytes, 2), Err(SnapshotErrorKind::Resumed));
    assert_eq!(resume(&first.bytes, 2), Err(SnapshotErrorKind::Resumed));
}

#[test]
fn a_snapshot_belongs_to_one_program_and_one_run() {
    let (program, inputs, run) = waiting(Some(b"rev-17"));
    let mut run = run.identity(b"fleet/order-7/agent-3");
    let key = key();
    let bytes = run.snapshot(&pending(), &seal(&key)).unwrap().bytes;
    let header = SnapshotHeader::read(&bytes).unwrap();
    assert_eq!((header.program, header.generation, header.at_ns), (program.digest(), 1, 5_000));
    let resume = |program: &Program, inputs: &Inputs, identity| {
        let unseal = Unseal { identity, ..unseal(&key) };
        Instance::resume(program, inputs, &Grants::all(), &pending(), &bytes, &unseal)
            .map_err(|error| error.kind())
    };
    assert_eq!(resume(&program, &inputs, None).unwrap_err(), SnapshotErrorKind::Run);
    assert_eq!(
        resume(&program, &inputs, Some(b"fleet/order-7/agent-4")).unwrap_err(),
        SnapshotErrorKind::Run
    );
    assert!(resume(&program, &inputs, Some(b"fleet/order-7/agent-3")).is_ok());
    let other = compiled("FUNC main() -> int { RETURN 1 }");
    let kind = resume(&other, &Inputs::new(&other), None).unwrap_err();
    assert_eq!(kind, SnapshotErrorKind::Program);
    let unseal = unseal(&key);
    let bare = Instance::resume(
        &program,
        &inputs,
        &Grants::none(),
        &pending(),
        &bytes,
        &Unseal { identity: Some(b"fleet/order-7/agent-3"), ..unseal },
    );
    assert_eq!(bare.unwrap_err().kind(), SnapshotErrorKind::Load);
}

#[test]
fn only_what_stands_still_has_a_snapshot() {
    let program = compiled("FUNC main() -> int { RETURN 1 }");
    let mut host = pending();
    let inputs = Inputs::new(&program);
    let mut run = Instance::new(&program, &inputs, Limits::default(), &Grants::all(), &host).unwrap();
    let kind = |run: &mut Instance| run.snapshot(&pending(), &seal(&key())).unwrap_err().kind();
    assert_eq!(kind(&mut run), SnapshotErrorKind::NotSuspended);
    run.start().unwrap();
    assert_eq!(kind(&mut run), SnapshotErrorKind::NotSuspended);
    assert!(run.run(&mut host).report().is_some());
    assert_eq!(kind(&mut run), SnapshotErrorKind::NotSuspended);
    let (_, _, mut waiting) = waiting(None);
    waiting.resolve(0, Answer::done()).unwrap();
    assert_eq!(kind(&mut waiting), SnapshotErrorKind::NotSuspended);
}

#[test]
fn a_register_that_a_loop_over_a_table_has_left_is_kept_where_it_is_used_again() {
    let text = "\
TYPE Row { id: string KEY  n: int }
INPUT rows: list<Row> MAX 100
CONTEXT base: int = 3
QUERY ask(n: int) -> int
ACTION SHOW(row: Row, n: int) IDEMPOTENT
FUNC main() -> int {
  LET last = 0
  FOR EACH row IN rows { IF row.n > 90 { SHOW(row, base) } }
  FOR i IN 0..3 { last += (base + i) * 2 + (base - i) * ask(i) }
  RETURN last
}
";
    let program = compiled(text);
    // What is compared with 90 lies in the register of the first product later.
    let listing = swarm_bytecode::disassemble::disassemble(program.module());
    assert!(listing.contains("field r6, r4, .n") && listing.contains("mul r6, r6, r5"), "{listing}");
    let rows = (0..40).map(|id| format!(r#"{{"id":"r{id}","n":{}}}"#, id * 5)).collect::<Vec<_>>().join(",");
    let inputs = Inputs::new(&program).from_json(&format!(r#"{{"rows":[{rows}]}}"#)).unwrap();
    let mut host = pending();
    let mut run = Instance::new(&program, &inputs, Limits::default(), &Grants::all(), &host).unwrap();
    let mut stops = 0;
    let report = loop {
        match run.run(&mut host) {
            Exit::Pending(call) => {
                run = resume(&program, &inputs, &taken(&mut run).bytes).unwrap();
                stops += 1;
                let answer = if call.name == "ask" { Answer::value(10) } else { Answer::done() };
                run.resolve(call.id, answer).unwrap();
            }
            Exit::Finished(report) => break report,
            Exit::OutOfFuel { .. } => panic!("out of fuel"),
        }
    };
    assert!(stops > 20, "{stops}");
    assert_eq!(report.result, Some(Value::Int((3 + 4 + 5 + 6) * 2 + (3 + 2 + 1) * 10)));
}

/// Whether rows were passed over, or gone through op by op, and whether it goes on from a snapshot at every call.
#[test]
fn a_field_that_was_compared_is_kept_where_what_is_done_there_reads_it() {
    let text = "\
TYPE Row { id: string KEY  n: int  m: int }
INPUT rows: list<Row> MAX 100
ACTION SHOW(row: Row, n: int) IDEMPOTENT
ON START {
  FOR EACH row IN rows {
    IF row.m < 20 {
      SHOW(row, 1)
      IF row.id != \"r3\" THEN SHOW(row, row.m)
      SHOW(row, row.m + 1)
    }
    IF row.n > 90 {
      SHOW(row, 1)
      SHOW(row, row.n)
    }
  }
}
";
    let program = compiled(text);
    let rows = (0..40).map(|id| format!(r#"{{"id":"r{id}","n":{},"m":{}}}"#, id * 37 % 101, id * 13 % 51));
    let rows = rows.collect::<Vec<_>>().join(",");
    let inputs = Inputs::new(&program).from_json(&format!(r#"{{"rows":[{rows}]}}"#)).unwrap();
    let outcome = |traced: bool, resumed: bool| {
        let mut host = pending();
        let mut run = Instance::new(&program, &inputs, Limits::default(), &Grants::all(), &host).unwrap();
        let (mut stops, mut sink) = (Vec::new(), |_: &Event<'_>| {});
        loop {
            let exit =
                if traced { run.run_traced(&mut host, Level::Ops, &mut sink) } else { run.run(&mut host) };
            let Exit::Pending(call) = exit else { return (stops, format!("{exit:?}")) };
            stops.push(format!("{call:?}"));
            if resumed {
                run = resume(&program, &inputs, &taken(&mut run).bytes).unwrap();
            }
            run.resolve(call.id, Answer::done()).unwrap();
        }
    };
    let one_by_one = outcome(true, false);
    assert!(one_by_one.0.len() > 40, "{one_by_one:?}");
    for resumed in [false, true] {
        assert_eq!(outcome(false, resumed), one_by_one);
    }
}

#[test]
fn a_run_within_a_veto_has_none() {
    let program = compiled(
        "ACTION SPEND(n: int) REQUIRES spend IDEMPOTENT COSTS $0.25\n\
         VETO SPEND(n) WHEN n * 3 + 1 > 1000 BECAUSE \"too much\"\n\
         FUNC main() { SPEND(5) SPEND(400) }",
    );
    let (mut within, mut stops) = (0, 0);
    for fuel in 1..60 {
        let mut host = Host::new();
        host.otherwise(|_| Answer::done());
        let limits = Limits::default().fuel(fuel);
        let mut run = Instance::new(&program, &Inputs::new(&program), limits, &Grants::all(), &host).unwrap();
        if let Exit::OutOfFuel { .. } = run.run(&mut host) {
            match run.snapshot(&host, &seal(&key())) {
                Ok(_) => stops += 1,
                Err(error) => {
                    assert_eq!(error.kind(), SnapshotErrorKind::InVeto);
                    within += 1;
                }
            }
        }
    }
    assert!(within > 0 && stops > 0, "{within} {stops}");
}

#[test]
fn time_goes_on_while_a_run_is_suspended() {
    let program = compiled(
        "QUERY price() -> int REQUIRES market\n\
         FUNC main() -> int { LET n = 0 WITHIN 5s { n = price() } ELSE { n = 7 } RETURN n }",
    );
    let run_after = |elapsed: u64| {
        let clock = VirtualClock::default();
        clock.advance_to(1_000_000_000);
        let mut host = pending();
        host.clock(clock);
        let inputs = Inputs::new(&program);
        let mut run = Instance::new(&program, &inputs, Limits::default(), &Grants::all(), &host).unwrap();
        let Exit::Pending(call) = run.run(&mut host) else { panic!("not pending") };
        assert_eq!(call.kind, PendingKind::Answer);
        let key = key();
        let snapshot = run.snapshot(&host, &seal(&key)).unwrap();
        // Another process: its clock starts anew, and so much time has passed.
        let mut host = pending();
        let unseal = Unseal { at_ns: 5_000 + elapsed, ..unseal(&key) };
        let mut run =
            Instance::resume(&program, &inputs, &Grants::all(), &host, &snapshot.bytes, &unseal).unwrap();
        run.resolve(call.id, Answer::value(3)).unwrap();
        run.run(&mut host).report().unwrap().result.unwrap()
    };
    assert_eq!(run_after(0), Value::Int(3));
    assert_eq!(run_after(4_000_000_000), Value::Int(3));
    assert_eq!(run_after(6_000_000_000), Value::Int(7));
}

#[test]
fn an_order_keeps_its_timers_and_its_queue() {
    let program = compiled(
        "EVENT VOTE(name: string)\n\
         STATE seen: list<string> MAX 9 = []\n\
         STATE ticks: int = 0\n\
         EVERY 30s { ticks = ticks + 1 }\n\
         ON VOTE(name) MAX 5 { seen = append(seen, [name]) }\n",
    );
    let clock = VirtualClock::default();
    let mut host = Host::new();
    host.clock(clock.clone());
    let inputs = Inputs::new(&program);
    let instance = Instance::new(&program, &inputs, Limits::default(), &Grants::all(), &host).unwrap();
    let mut course = Course::new(instance, inputs.clone());
    assert_eq!(course.wake(0), Ok(Some(Wake::Start)));
    course.instance_mut().run(&mut host);
    course.rest(0);
    course.post("VOTE", vec![Value::String("a".into())]);
    course.post("VOTE", vec![Value::String("b".into())]);
    assert_eq!(course.wake(0), Ok(Some(Wake::Event(0))));
    course.instance_mut().run(&mut host);
    course.rest(0);
    clock.advance_to(20_000_000_000);
    let key = key();
    let snapshot = course.snapshot(&host, &seal(&key)).unwrap();
    // Another process, 25 s later: the first tick is 15 s late, and `b` still waits.
    let mut host = Host::new();
    host.clock(VirtualClock::default());
    let unseal = Unseal { at_ns: 5_000 + 25_000_000_000, ..unseal(&key) };
    let resumed = Course::resume(&program, &inputs, &Grants::all(), &host, &snapshot.bytes, &unseal);
    let mut course = resumed.unwrap();
    let mut woken = Vec::new();
    while let Some(wake) = course.wake(0).unwrap() {
        course.instance_mut().run(&mut host);
        course.rest(0);
        woken.push(wake);
    }
    assert_eq!(woken, [Wake::Tick(0), Wake::Event(0)]);
    let order = course.instance().order();
    assert_eq!(order.activations, 4);
    let states: Vec<_> = order.states.iter().map(|(_, value)| value.to_json()).collect();
    assert_eq!(states, [r#"["a","b"]"#, "1"]);
    assert_eq!(course.next_ns(), Some(15_000_000_000));
}

/// Snapshots of every released version of the format, with what comes of them. `SWARM_BLESS=1` writes those
/// that are missing, of this version; one that is there never changes.
#[test]
fn snapshots_of_released_versions_are_read() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots/v1");
    if std::env::var_os("SWARM_BLESS").is_some() {
        write_fixtures(&folder);
    }
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let fixture: serde_json::Value = serde_json::from_str(&text).unwrap();
        let program = Program::load(&bytes_of(&fixture["module"])).unwrap();
        let mut inputs = Inputs::new(&program);
        if let Some(version) = fixture["version"].as_str() {
            inputs = inputs.from_json(&fixture["input"].to_string()).unwrap();
            inputs = inputs.version(fixture["versioned"].as_str().unwrap(), version.as_bytes()).unwrap();
        }
        let mut run = resume(&program, &inputs, &bytes_of(&fixture["snapshot"])).unwrap();
        assert_eq!(end(&mut run), fixture["report"], "{}", fixture["name"]);
        count += 1;
    }
    assert_eq!(count, 4);
}

fn end(run: &mut Instance) -> serde_json::Value {
    let mut host = pending();
    loop {
        match run.run(&mut host) {
            Exit::Finished(report) => return serde_json::from_str(&report.to_json()).unwrap(),
            Exit::Pending(call) => run.resolve(call.id, answer(call.query)).unwrap(),
            Exit::OutOfFuel { .. } => run.refuel(100_000),
        }
    }
}

fn answer(query: bool) -> Answer {
    if query { Answer::value(Some(4)) } else { Answer::done() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes_of(hex: &serde_json::Value) -> Vec<u8> {
    let digits = hex.as_str().unwrap().as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn write_fixtures(folder: &std::path::Path) {
    let sample = include_str!("../../../examples/cost_optimization.swarm");
    let tasks = include_str!("../../../examples/tasks.json");
    let everything = include_str!("../snapshots/everything.swarm");
    // Name, program, input, what of it has a version, how often it waits before, fuel.
    let fixtures = [
        ("sample_with_a_version", sample, tasks, Some("task_queue"), 3, 10_000),
        ("sample_with_its_data", sample, tasks, None, 5, 10_000),
        ("everything_waiting", everything, r#"{"most": 6}"#, None, 11, 10_000),
        ("everything_out_of_fuel", everything, r#"{"most": 6}"#, None, 9, 400),
    ];
    for (name, text, input, versioned, stops, fuel) in fixtures {
        let path = folder.join(name).with_extension("json");
        if path.exists() {
            continue;
        }
        let (compilation, _) = swarm_compiler::compile_text("fixture.swarm", text);
        let module = compilation.module.unwrap().encode();
        let program = Program::load(&module).unwrap();
        let mut inputs = Inputs::new(&program).from_json(input).unwrap();
        if let Some(input) = versioned {
            inputs = inputs.version(input, b"1").unwrap();
        }
        let mut host = pending();
        let limits = Limits::default().fuel(fuel);
        let run = Instance::new(&program, &inputs, limits, &Grants::all(), &host).unwrap();
        let mut run = run.effects(if fuel < 1_000 { Effects::Collected } else { Effects::Immediate });
        for _ in 0..stops {
            match run.run(&mut host) {
                Exit::Pending(call) => run.resolve(call.id, answer(call.query)).unwrap(),
                Exit::OutOfFuel { .. } => break,
                Exit::Finished(report) => panic!("{report:?}"),
            }
        }
        let exit = run.run(&mut host);
        assert_eq!(matches!(exit, Exit::OutOfFuel { .. }), fuel < 1_000, "{exit:?}");
        let snapshot = taken(&mut run);
        let fixture = serde_json::json!({
            "name": name, "module": hex(&module), "snapshot": hex(&snapshot.bytes),
            "input": serde_json::from_str::<serde_json::Value>(input).unwrap(),
            "versioned": versioned, "version": versioned.map(|_| "1"), "report": end(&mut run),
        });
        std::fs::write(path, format!("{fixture:#}\n")).unwrap();
    }
}
