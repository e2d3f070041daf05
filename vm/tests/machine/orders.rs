//! Orders: activations one after another, STATE between them, the agenda that says when.

use crate::common::*;
use swarm_bytecode::module::{
    Context, EventHandler, Function, FunctionId, ImportId, Input, Metric, MetricKind, Module, State, StateId,
    StringId, Timer,
};
use swarm_bytecode::op::Op;
use swarm_bytecode::types::{Type, TypeId};
use swarm_vm::trace::JsonLines;
use swarm_vm::{
    Agenda, Answer, Due, Effects, Exit, Grants, Host, Inputs, Instance, Level, Limits, Outcome, Posted,
    Refusal, Value,
};

const INT: TypeId = TypeId::INT;
const BOOL: TypeId = TypeId::BOOL;
const STRING: TypeId = TypeId::STRING;

fn state(name: &str, ty: TypeId, initial: Option<u16>) -> State {
    State { name: name.into(), ty, initial: initial.map(FunctionId) }
}

fn timer(seconds: i64, function: u16) -> Timer {
    Timer { period_ns: seconds * 1_000_000_000, function: FunctionId(function) }
}

/// `state 0 += register`.
fn count(register: u8, one: u8) -> [Op; 3] {
    [
        Op::TakeState { result: r(register), state: StateId(0) },
        Op::AddInt { result: r(register), left: r(register), right: r(one) },
        Op::SetState { state: StateId(0), value: r(register) },
    ]
}

/// STATE n = 10; START acts with n; each tick adds 1 and acts with n; the event ADD(k) adds k and stops
/// beyond 100.
fn counting() -> Module {
    let start = function(
        &[INT],
        0,
        None,
        vec![
            Op::State { result: r(0), state: StateId(0) },
            Op::Host { import: ImportId(0), arguments: rs(&[0]) },
            Op::Return {},
        ],
    );
    let mut code = vec![int(1, 1)];
    code.extend(count(0, 1));
    code.extend([
        Op::State { result: r(0), state: StateId(0) },
        Op::Host { import: ImportId(0), arguments: rs(&[0]) },
        Op::RecordMetric { metric: METRIC, value: r(1) },
        Op::Return {},
    ]);
    let tick = function(&[INT, INT], 0, None, code);
    let mut code = count(1, 0).to_vec();
    code.extend([
        Op::State { result: r(1), state: StateId(0) },
        int(2, 100),
        Op::LtInt { result: r(3), left: r(2), right: r(1) },
        Op::If { condition: r(3) },
        Op::String { result: r(4), value: StringId(0) },
        Op::Stop { reason: r(4) },
        Op::End {},
        Op::Return {},
    ]);
    let event = function(&[INT, INT, INT, BOOL, STRING], 1, None, code);
    let initial = function(&[INT], 0, Some(INT), vec![int(0, 10), Op::ReturnValue { value: r(0) }]);
    let mut module = module(vec![start, tick, event, initial]);
    module.imports = vec![action("ACT", &[INT])];
    module.metrics = vec![metric("ticks", INT, MetricKind::Total)];
    module.states = vec![state("n", INT, Some(3))];
    module.strings = vec!["enough".into()];
    module.timers = vec![timer(30, 1)];
    module.events = vec![EventHandler { name: "ADD".into(), function: FunctionId(2), max: Some(3) }];
    module
}

fn host<'h>(done: &'h mut Vec<i64>) -> Host<'h> {
    let mut host = Host::new();
    host.action("ACT", |n: i64| done.push(n));
    host
}

#[test]
fn state_and_metrics_last_and_everything_else_starts_anew() {
    for effects in [Effects::Immediate, Effects::Collected] {
        let module = counting();
        let mut done = Vec::new();
        let mut host = host(&mut done);
        let mut run = instance(&module, Limits::default(), &host).effects(effects);
        let first = run.run(&mut host).report().unwrap();
        assert_eq!((first.outcome, first.host_calls), (Outcome::Done, 1));
        // The first value 1 + 1, `state` 1, `host` 8 + 2, `return` 1.
        assert_eq!(first.fuel_used, 2 + 1 + 10 + 1);
        for round in 1..=3 {
            run.tick(0).unwrap();
            let report = run.run(&mut host).report().unwrap();
            assert_eq!((report.host_calls, report.actions.len()), (1, 1));
            assert_eq!(report.fuel_used, 1 + 3 + 1 + 10 + 4 + 1);
            assert_eq!(report.metrics[0].1, Value::Int(round));
            assert!(!run.is_over());
        }
        run.event(0, &[Value::Int(5)]).unwrap();
        assert_eq!(run.run(&mut host).report().unwrap().outcome, Outcome::Done);
        assert_eq!(run.state("n"), Some(Value::Int(18)));
        run.event(0, &[Value::Int(90)]).unwrap();
        let last = run.run(&mut host).report().unwrap();
        assert_eq!((last.outcome, last.reason.unwrap().message.as_str()), (Outcome::Stopped, "enough"));
        assert!(run.is_over());
        assert_eq!(run.tick(0), Err(Refusal::Over));
        let order = run.order();
        assert_eq!((order.outcome, order.activations, order.host_calls), (Some(Outcome::Stopped), 6, 4));
        assert_eq!(order.states, [("n".into(), Value::Int(108))]);
        assert!(order.to_json().contains(r#""states":{"n":108}"#));
        drop(host);
        assert_eq!(done, [10, 11, 12, 13]);
    }
}

#[test]
fn an_activation_begins_only_when_it_may() {
    let module = counting();
    let mut host = Host::new();
    host.raw("ACT", |_| Answer::pending());
    let mut run = instance(&module, Limits::default(), &host);
    assert_eq!(run.tick(0), Err(Refusal::NotStarted));
    run.start().unwrap();
    assert_eq!(run.start(), Err(Refusal::Busy));
    let Exit::Pending(call) = run.run(&mut host) else { panic!("should wait") };
    assert_eq!(run.tick(0), Err(Refusal::Busy));
    run.resolve(call.id, Answer::done()).unwrap();
    let first = run.run(&mut host).report().unwrap();
    assert_eq!(run.run(&mut host).report().unwrap(), first, "nothing was begun since");
    assert_eq!(run.start(), Err(Refusal::Started));
    assert_eq!(run.tick(1), Err(Refusal::Unknown));
    assert_eq!(run.event(1, &[]), Err(Refusal::Unknown));
    assert_eq!(run.event(0, &[]), Err(Refusal::Arguments));
    assert_eq!(run.event(0, &[Value::Bool(true)]), Err(Refusal::Arguments));
    run.event(0, &[Value::Int(1)]).unwrap();
    assert_eq!(run.run(&mut host).report().unwrap().outcome, Outcome::Done);
    // Between two activations it simply has run its time.
    let report = run.close();
    assert_eq!((report.outcome, run.is_over()), (Outcome::Done, true));
    assert_eq!(run.order().outcome, Some(Outcome::Done));
}

#[test]
fn money_calls_and_the_deadline_are_the_orders_fuel_is_the_activations() {
    let module = counting();
    let mut done = Vec::new();
    let mut host = host(&mut done);
    let mut run = instance(&module, Limits::default().host_calls(2).fuel(20), &host);
    assert_eq!(run.run(&mut host).report().unwrap().outcome, Outcome::Done);
    run.tick(0).unwrap();
    assert_eq!(run.run(&mut host).report().unwrap().fuel_used, 20);
    run.tick(0).unwrap();
    let report = run.run(&mut host).report().unwrap();
    assert_eq!((report.outcome, report.reason.unwrap().code.as_str()), (Outcome::Limit, "host_calls"));
    assert_eq!((report.host_calls, run.is_over()), (0, true));
}

#[test]
fn an_activation_can_run_out_of_fuel_and_go_on() {
    let module = counting();
    let mut done = Vec::new();
    let mut host = host(&mut done);
    let mut run = instance(&module, Limits::default().fuel(19), &host);
    run.run(&mut host).report().unwrap();
    run.tick(0).unwrap();
    assert!(matches!(run.run(&mut host), Exit::OutOfFuel { .. }));
    run.refuel(1);
    assert_eq!(run.run(&mut host).report().unwrap().fuel_used, 20);
    run.tick(0).unwrap();
    assert!(matches!(run.run(&mut host), Exit::OutOfFuel { limit: 19, .. }), "the limit is what it was");
}

/// STATE that refers to inputs, to texts made while running, and to itself twice.
fn keeping() -> Module {
    let mut module = module(vec![]);
    let fields = vec![key("id"), field("n", INT)];
    let task = add_type(&mut module, Type::Record { name: "Task".into(), fields });
    let tasks = add_type(&mut module, Type::List { element: task, max: Some(4) });
    let both = add_type(&mut module, Type::List { element: tasks, max: None });
    let map = add_type(&mut module, Type::Map { key: STRING, value: task, max: None });
    let registers = [tasks, both, map, task, STRING, INT, STRING];
    let start = function(
        &registers,
        0,
        None,
        vec![
            Op::Input { result: r(0), input: swarm_bytecode::module::InputId(0) },
            Op::NewList { result: r(1), items: rs(&[0, 0]) },
            Op::SetState { state: StateId(0), value: r(1) },
            Op::Item { result: r(3), list: r(0), index: r(5) },
            Op::Field { result: r(4), record: r(3), field: 0 },
            Op::Concat { result: r(6), parts: rs(&[4, 4]) },
            Op::NewMap { result: r(2), entries: rs(&[6, 3, 4, 3]) },
            Op::SetState { state: StateId(1), value: r(2) },
            Op::Return {},
        ],
    );
    let tick = function(&[INT], 0, None, vec![Op::Return {}]);
    module.functions = vec![start, tick];
    module.inputs = vec![Input { name: "tasks".into(), ty: tasks, unit: None, default: None }];
    module.states = vec![state("lists", both, None), state("map", map, None)];
    module.timers = vec![timer(1, 1)];
    module
}

#[test]
fn state_is_carried_over_whole_and_paid_for() {
    let module = keeping();
    let program = load(&module);
    let first = Inputs::new(&program).from_json(r#"[{"id":"a","n":1},{"id":"b","n":2}]"#).unwrap();
    let second = Inputs::new(&program).from_json(r#"[{"id":"other","n":9}]"#).unwrap();
    let mut host = Host::new();
    let mut run = Instance::new(&program, &first, Limits::default(), &Grants::none(), &host).unwrap();
    run.run(&mut host).report().unwrap();
    let lists = r#"[{"id":"a","n":1},{"id":"b","n":2}]"#;
    let map = r#"{"a":{"id":"a","n":1},"aa":{"id":"a","n":1}}"#;
    for round in 0..4 {
        assert_eq!(run.state("lists").unwrap().to_json(), format!("[{lists},{lists}]"), "{round}");
        assert_eq!(run.state("map").unwrap().to_json(), map);
        run.inputs(&second).unwrap();
        run.tick(0).unwrap();
        let report = run.run(&mut host).report().unwrap();
        // Two records of two fields and the list of them, which is kept once; the list of lists; a map with
        // room for four. Texts are kept each for itself: two names, and the keys.
        let words = 2 * 3 + 3 + 3 + 13;
        assert_eq!(run.arena_used(), (words, 1 + 1 + 1 + 2));
        assert_eq!(report.fuel_used, u64::try_from(words).unwrap() + 1);
        assert_eq!(report.memory_peak_bytes, u64::try_from(words).unwrap() * 8 + 5 + 16 + 8);
    }
}

#[test]
fn state_that_does_not_fit_ends_the_order() {
    let program = load(&keeping());
    let inputs = Inputs::new(&program).from_json(r#"[{"id":"a","n":1},{"id":"b","n":2}]"#).unwrap();
    let mut host = Host::new();
    // START holds few objects of its own; the rows of the input count once they are copied.
    let limits = Limits::default().memory_bytes(16 + 7 * 8 + 3 * 8 + 13 * 8 + 2);
    let mut run = Instance::new(&program, &inputs, limits, &Grants::none(), &host).unwrap();
    assert_eq!(run.run(&mut host).report().unwrap().outcome, Outcome::Done);
    run.tick(0).unwrap();
    let report = run.run(&mut host).report().unwrap();
    assert_eq!((report.outcome, report.reason.unwrap().code.as_str()), (Outcome::Limit, "memory"));
}

#[test]
fn the_trace_of_an_order() {
    let module = counting();
    let trace = |level: Level| {
        let mut done = Vec::new();
        let mut host = host(&mut done);
        let mut lines = JsonLines::new();
        let mut run = instance(&module, Limits::default(), &host);
        run.run_traced(&mut host, level, &mut lines);
        run.tick(0).unwrap();
        run.run_traced(&mut host, level, &mut lines);
        run.event(0, &[Value::Int(95)]).unwrap();
        run.run_traced(&mut host, level, &mut lines);
        (run.order().trace_digest, lines.take())
    };
    let (digest, text) = trace(Level::Effects);
    assert_eq!(trace(Level::Off).0, digest);
    assert_eq!(trace(Level::Ops).0, digest);
    let kinds: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .map(|line| line["kind"].as_str().unwrap().to_owned())
        .collect();
    let expected = ["run", "action", "rest", "tick", "action", "metric", "rest", "event", "stop", "end"];
    assert_eq!(kinds, expected);
    assert!(text.contains(r#""kind":"tick","timer":0}"#), "{text}");
    assert!(text.contains(r#""kind":"event","event":"ADD","args":[95]}"#), "{text}");
}

const SECOND: u64 = 1_000_000_000;

#[test]
fn ticks_that_fall_due_during_an_activation_are_skipped() {
    let mut module = counting();
    module.timers = vec![timer(10, 1), timer(15, 1)];
    let mut agenda = Agenda::new(&module, 0, None);
    assert_eq!(agenda.next_ns(), Some(10 * SECOND));
    assert_eq!(agenda.next(9 * SECOND), None);
    assert_eq!(agenda.next(10 * SECOND), Some(Due::Tick(0)));
    // It takes 12 s: the ticks at 15 and 20 are skipped.
    agenda.finished(22 * SECOND);
    assert_eq!((agenda.skipped(), agenda.next_ns()), (2, Some(30 * SECOND)));
    // Both at once: neither skips the other.
    assert_eq!(agenda.next(30 * SECOND), Some(Due::Tick(0)));
    agenda.finished(30 * SECOND);
    assert_eq!(agenda.next(30 * SECOND), Some(Due::Tick(1)));
    agenda.finished(30 * SECOND);
    assert_eq!((agenda.skipped(), agenda.next_ns()), (2, Some(40 * SECOND)));
    // Nobody looked for a long time: one tick each, the missed ones count.
    assert_eq!(agenda.next(100 * SECOND), Some(Due::Tick(0)));
    agenda.finished(100 * SECOND);
    assert_eq!(agenda.next(100 * SECOND), Some(Due::Tick(1)));
    agenda.finished(100 * SECOND);
    assert_eq!(agenda.skipped(), 2 + 6 + 3);
    assert_eq!(agenda.next(100 * SECOND), None);
}

#[test]
fn start_skips_ticks_too() {
    let mut agenda = Agenda::new(&counting(), 0, None);
    agenda.finished(61 * SECOND);
    assert_eq!((agenda.skipped(), agenda.next_ns()), (2, Some(90 * SECOND)));
}

#[test]
fn events_wait_in_a_queue_up_to_its_end_and_their_maximum() {
    let mut module = counting();
    let mut agenda = Agenda::new(&module, 0, None);
    assert_eq!(agenda.post("NONE", vec![]), Posted::Unhandled);
    for n in 0..3 {
        assert_eq!(agenda.post("ADD", vec![Value::Int(n)]), Posted::Queued);
    }
    assert_eq!(agenda.post("ADD", vec![]), Posted::BeyondMax);
    assert_eq!(agenda.next_ns(), Some(0));
    for n in 0..3 {
        let due = Due::Event { handler: 0, arguments: vec![Value::Int(n)] };
        assert_eq!(agenda.next(5), Some(due));
        agenda.finished(5);
    }
    assert_eq!((agenda.next(5), agenda.beyond_max()), (None, 1));

    module.events[0].max = None;
    let mut agenda = Agenda::new(&module, 0, None);
    for at in 0..300 {
        let expected = if at < 256 { Posted::Queued } else { Posted::Overflow };
        assert_eq!(agenda.post("ADD", vec![]), expected);
    }
    assert_eq!(agenda.overflowed(), 44);
    // A tick that is due comes first.
    assert_eq!(agenda.next(30 * SECOND), Some(Due::Tick(0)));
}

#[test]
fn after_the_deadline_nothing_is_due() {
    let mut agenda = Agenda::new(&counting(), 0, Some(70 * SECOND));
    let mut ticks = 0;
    loop {
        let at = agenda.next_ns().unwrap();
        match agenda.next(at).unwrap() {
            Due::Tick(_) => ticks += 1,
            Due::Deadline => break assert_eq!(at, 70 * SECOND),
            Due::Event { .. } => panic!("no events"),
        }
        agenda.finished(at);
    }
    assert_eq!((ticks, agenda.next_ns(), agenda.next(100 * SECOND)), (2, None, None));
    assert_eq!(agenda.post("ADD", vec![]), Posted::Unhandled);
}

/// A pure function over metric, STATE, input, context and an argument.
fn evaluated() -> (Module, FunctionId) {
    let mut module = counting();
    let maybe = add_type(&mut module, Type::Optional(INT));
    let sum = |from: u8| Op::AddInt { result: r(0), left: r(0), right: r(from) };
    let pure: Function = function(
        &[INT, INT, maybe],
        1,
        Some(INT),
        vec![
            Op::Metric { result: r(1), metric: METRIC },
            sum(1),
            Op::Metric { result: r(2), metric: swarm_bytecode::module::MetricId(1) },
            Op::Unwrap { result: r(1), value: r(2) },
            sum(1),
            Op::State { result: r(1), state: StateId(0) },
            sum(1),
            Op::Input { result: r(1), input: swarm_bytecode::module::InputId(0) },
            sum(1),
            Op::Context { result: r(1), context: swarm_bytecode::module::ContextId(0) },
            sum(1),
            Op::ReturnValue { value: r(0) },
        ],
    );
    module.functions.push(pure);
    let gauge: Metric = metric("load", INT, MetricKind::Gauge);
    module.metrics.push(gauge);
    module.inputs = vec![Input { name: "base".into(), ty: INT, unit: None, default: None }];
    module.contexts = vec![Context { name: "pot".into(), ty: INT, unit: None, default: None }];
    (module, FunctionId(4))
}

#[test]
fn pure_functions_run_by_themselves() {
    let (module, pure) = evaluated();
    let program = load(&module);
    let inputs = Inputs::new(&program);
    let inputs = inputs.value("base", &Value::Int(100)).unwrap().value("pot", &Value::Int(1000)).unwrap();
    assert!(inputs.clone().value("bas", &Value::Int(1)).is_err());
    assert!(inputs.clone().value("base", &Value::Bool(true)).is_err());
    let mut done = Vec::new();
    let mut host = host(&mut done);
    let new =
        |host: &Host<'_>| Instance::new(&program, &inputs, Limits::default(), &Grants::none(), host).unwrap();
    let mut run = new(&host);
    // Nothing is known of the load yet.
    let reason = run.evaluate(pure, &[Value::Int(0)]).unwrap_err();
    assert_eq!(reason.code, "none_unwrapped");
    run.set_metric("load", &Value::Int(10_000)).unwrap();
    run.set_metric("ticks", &Value::Int(100_000)).unwrap();
    // STATE has its first value even before START.
    assert_eq!(run.evaluate(pure, &[Value::Int(1)]), Ok(Value::Int(111_111)));
    run.set_state("n", &Value::Int(20)).unwrap();
    assert_eq!(run.evaluate(pure, &[Value::Int(1)]), Ok(Value::Int(111_121)));
    assert_eq!(run.evaluate(pure, &[]).unwrap_err().code, "arguments");
    assert_eq!(run.evaluate(FunctionId(1), &[]).unwrap_err().code, "impure");
    assert_eq!(run.evaluate(FunctionId(9), &[]).unwrap_err().code, "unknown");
    let wrong = run.set_metric("load", &Value::Bool(true)).unwrap_err();
    assert_eq!(wrong.to_string(), "load: expected int, found bool");
    assert!(run.set_state("m", &Value::Int(0)).unwrap_err().to_string().contains("the program reads n"));

    // It leaves no trace; a given STATE survives START.
    let report = run.run(&mut host).report().unwrap();
    assert_eq!(run.state("n"), Some(Value::Int(20)));
    let mut other = new(&host);
    other.set_state("n", &Value::Int(20)).unwrap();
    other = other.with_metrics(&[("load", Value::Int(10_000)), ("ticks", Value::Int(100_000))]).unwrap();
    let same = other.run(&mut host).report().unwrap();
    assert_eq!(report, same);
    assert_eq!(run.evaluate(pure, &[Value::Int(2)]), Ok(Value::Int(111_122)));
    run.tick(0).unwrap();
    assert_eq!(run.evaluate(pure, &[Value::Int(2)]).unwrap_err().code, "busy");
}

#[test]
fn evaluation_is_limited_and_leaves_the_arena_as_it_was() {
    let mut module = counting();
    let list = add_type(&mut module, Type::List { element: INT, max: None });
    module.functions.push(function(
        &[INT, list],
        1,
        Some(list),
        vec![
            Op::Loop {},
            Op::NewList { result: r(1), items: rs(&[0, 0, 0]) },
            Op::Break { depth: 0 },
            Op::Repeat {},
            Op::ReturnValue { value: r(1) },
        ],
    ));
    let host = Host::new();
    let program = load(&module);
    let mut hosted = Host::new();
    hosted.otherwise(|_| Answer::done());
    let mut run =
        Instance::new(&program, &Inputs::new(&program), Limits::default().fuel(20), &Grants::none(), &hosted)
            .unwrap();
    drop(host);
    for _ in 0..3 {
        assert_eq!(run.evaluate(FunctionId(4), &[Value::Int(5)]).unwrap().to_json(), "[5,5,5]");
        assert_eq!(run.arena_used(), (0, 0));
    }
    let mut endless = module.clone();
    endless.functions[4].code[2] = Op::Settle {};
    let program = load(&endless);
    let mut run =
        Instance::new(&program, &Inputs::new(&program), Limits::default(), &Grants::none(), &hosted).unwrap();
    assert_eq!(run.evaluate(FunctionId(4), &[Value::Int(5)]).unwrap_err().code, "memory");
}
