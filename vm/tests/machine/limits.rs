//! Each limit: where it strikes, what is counted, what comes before what.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::common::*;
use swarm_bytecode::module::{
    Amount, Effect, FunctionId, Import, ImportId, Instruction, Module, Target, TargetCount,
};
use swarm_bytecode::op::{Op, Registers};
use swarm_bytecode::types::{Type, TypeId};
use swarm_vm::{Clock, Exit, Host, Limits, Outcome, Report, VirtualClock};

const INT: TypeId = TypeId::INT;

/// A loop without end.
fn endless(body: Vec<Op>) -> Module {
    let mut code = vec![Op::Loop {}];
    code.extend(body);
    code.push(Op::Repeat {});
    main(&[INT, INT], code)
}

/// Calls itself without end; three registers a frame.
fn recursion() -> Module {
    let main = function(
        &[INT],
        0,
        None,
        vec![Op::Call { function: FunctionId(1), arguments: rs(&[0]) }, Op::Return {}],
    );
    let deep = function(
        &[INT, INT, INT],
        1,
        None,
        vec![Op::Call { function: FunctionId(1), arguments: rs(&[0]) }, Op::Return {}],
    );
    module(vec![main, deep])
}

fn struck(report: Report) -> (String, String, u64) {
    assert_eq!(report.outcome, Outcome::Limit);
    let reason = report.reason.unwrap();
    (reason.code.to_string(), reason.place.unwrap().to_string(), report.fuel_used)
}

#[test]
fn fuel() {
    let module = with_debug(endless(vec![int(0, 1)]));
    let report = run_with(&module, Limits::default().fuel(10), &mut Host::new());
    // `loop` 1, then rounds of `int` 1 and `repeat` 1: after four, `int` makes 10 and `repeat` does not fit.
    assert_eq!(struck(report), ("fuel".into(), "test.swarm:3:1".into(), 10));
    let report = run_with(&module, Limits::default().fuel(0), &mut Host::new());
    assert_eq!(struck(report), ("fuel".into(), "test.swarm:1:1".into(), 0));
}

#[test]
fn fuel_says_what_it_was() {
    let module = endless(vec![int(0, 1)]);
    let report = run_with(&module, Limits::default().fuel(10), &mut Host::new());
    assert_eq!(report.reason.unwrap().message, "The run used all its fuel. The limit is 10.");
}

#[test]
fn memory_of_values() {
    let mut module = endless(vec![Op::NewList { result: r(1), items: rs(&[0]) }]);
    let list = add_type(&mut module, Type::List { element: INT, max: None });
    module.functions[0].registers[1] = list;
    let module = with_debug(module);
    // The frame takes 16 + 2 × 8; each list 2 words.
    let report = run_with(&module, Limits::default().memory_bytes(32 + 5 * 16 + 15), &mut Host::new());
    assert_eq!(report.memory_peak_bytes, 32 + 5 * 16);
    // `loop`, five rounds of 4 + 2 + 1, and the sixth list is paid for.
    assert_eq!(struck(report), ("memory".into(), "test.swarm:2:1".into(), 1 + 5 * 7 + 6));
}

#[test]
fn memory_of_frames() {
    let module = with_debug(recursion());
    let limits = Limits::default().call_depth(1_000_000);
    let report = run_with(&module, limits.memory_bytes(24 + 40 * 10 + 39), &mut Host::new());
    assert_eq!(report.memory_peak_bytes, 24 + 40 * 10);
    assert_eq!(struck(report).0, "memory");
    let report = run_with(&module, limits.memory_bytes(23), &mut Host::new());
    assert_eq!(struck(report).0, "memory");
}

#[test]
fn call_depth() {
    let module = with_debug(recursion());
    let report = run_with(&module, Limits::default().call_depth(10), &mut Host::new());
    // Ten frames, and the tenth's call is paid for.
    assert_eq!(report.memory_peak_bytes, 24 + 40 * 9);
    assert_eq!(struck(report), ("call_depth".into(), "test.swarm:1:1".into(), 10 * 4));
    let report = run_with(&module, Limits::default().call_depth(1), &mut Host::new());
    assert_eq!(struck(report).0, "call_depth");
}

#[test]
fn all_frames_together_have_a_million_registers() {
    let code = vec![Op::Call { function: FunctionId(0), arguments: Registers::default() }, Op::Return {}];
    let module = module(vec![function(&[INT; 128], 0, None, code)]);
    let limits = Limits::default().call_depth(1_000_000).memory_bytes(1 << 30);
    let report = run_with(&module, limits, &mut Host::new());
    // The last frame may begin just behind the first 2²⁰ registers.
    assert_eq!(report.memory_peak_bytes, ((1 << 20) / 128 + 1) * (16 + 8 * 128));
    assert_eq!(report.reason.unwrap().code, "call_depth");
}

#[test]
fn fuel_comes_before_every_other_limit() {
    let module = recursion();
    let report = run_with(&module, Limits::default().call_depth(10).fuel(39), &mut Host::new());
    assert_eq!(struck(report).0, "fuel");
    let report = run_with(&module, Limits::default().call_depth(10).fuel(40), &mut Host::new());
    assert_eq!(struck(report).0, "call_depth");
}

#[test]
fn host_calls_money_and_tokens() {
    let mut module = endless(vec![Op::Host { import: ImportId(0), arguments: Registers::default() }]);
    module.imports = vec![costing(action("ACT", &[]), Amount::Fixed(100), Amount::Fixed(10))];
    let module = with_debug(module);
    let with = |limits: Limits| {
        let mut host = Host::new();
        host.action("ACT", || ());
        let report = run_with(&module, limits, &mut host);
        let counts = (report.host_calls, report.money, report.tokens);
        (struck(report), counts)
    };
    // `loop` 1; each round 8 + 1; the refused call is paid for.
    let at = |code: &str| (code.to_owned(), "test.swarm:2:1".to_owned(), 1 + 3 * 9 + 8);
    assert_eq!(with(Limits::default().host_calls(3)), (at("host_calls"), (3, 300, 30)));
    assert_eq!(with(Limits::default().money(399)), (at("money"), (3, 300, 30)));
    assert_eq!(with(Limits::default().tokens(39)), (at("tokens"), (3, 300, 30)));
    assert_eq!(with(Limits::default().host_calls(0)).1.0, 0);
}

/// Many calls are known to be allowed together; where a limit is near, each of them is looked at by itself.
#[test]
fn limits_strike_at_the_same_call_however_many_are_left() {
    let call = |import| Op::Host { import: ImportId(import), arguments: Registers::default() };
    let costs = [(0, 0), (1, 2), (50, 7)];
    let mut module = endless(vec![call(0), call(1), call(2)]);
    let named = ["FREE", "CHEAP", "DEAR"].into_iter().zip(costs);
    let imports = named.map(|(name, (money, tokens))| {
        costing(action(name, &[]), Amount::Fixed(money), Amount::Fixed(tokens))
    });
    module.imports = imports.collect();
    let spent = |limits: (u64, i64, i64)| {
        let (mut calls, mut money, mut tokens) = (0, 0, 0);
        for cost in costs.iter().cycle() {
            let (more_money, more_tokens) = (money + cost.0, tokens + cost.1);
            let fits = (cost.0 == 0 || more_money <= limits.1) && (cost.1 == 0 || more_tokens <= limits.2);
            if calls >= limits.0 || !fits {
                break;
            }
            (calls, money, tokens) = (calls + 1, more_money, more_tokens);
        }
        (calls, money, tokens)
    };
    for keeps in [false, true] {
        for step in 0..400_i64 {
            for limits in [
                (step.cast_unsigned(), 1 << 40, 1 << 40),
                (1000, 17 * step, 1 << 40),
                (1000, 1 << 40, 3 * step),
                (1000, 17 * step, 3 * step),
            ] {
                let mut host = Host::new();
                host.clock(VirtualClock::default());
                host.action("FREE", || ()).action("CHEAP", || ()).action("DEAR", || ());
                let bounds = Limits::default().host_calls(limits.0).money(limits.1).tokens(limits.2);
                let run = instance(&module, bounds, &host);
                let mut run = if keeps { run } else { run.without_action_log().without_digest() };
                let report = run.run(&mut host).report().unwrap();
                assert_eq!((report.host_calls, report.money, report.tokens), spent(limits), "{limits:?}");
                assert_eq!(report.actions.len() as u64, if keeps { report.host_calls } else { 0 });
            }
        }
    }
}

/// The end of a slice may lie before any call: what the machine knows of the cost of a free one, which it
/// could not pay at once and then made in place, is not for the next, which is neither free nor made in
/// place.
#[test]
fn a_free_call_at_the_end_of_a_slice_does_not_make_the_next_one_free() {
    let call = |import| Op::Host { import: ImportId(import), arguments: Registers::default() };
    let mut module = main(&[INT], vec![call(0), call(1), int(0, 7)]);
    let once = Import { effect: Effect::Once, ..action("BUY", &[]) };
    module.imports = vec![action("SAY", &[]), costing(once, Amount::Fixed(50), Amount::Fixed(5))];
    for slice in 0..40 {
        let mut host = Host::new();
        host.action("SAY", || ());
        host.action("BUY", || ());
        let mut run = instance(&module, Limits::default(), &host).look_every(slice);
        let report = run.run(&mut host).report().unwrap();
        assert_eq!((report.money, report.tokens), (50, 5), "looks every {slice}");
        let mut run = instance(&module, Limits::default().money(49), &host).look_every(slice);
        assert_eq!(struck(run.run(&mut host).report().unwrap()).0, "money", "looks every {slice}");
    }
}

/// A clock that goes on by a step each time it is read.
struct Steps {
    now: Cell<u64>,
    step: u64,
}

impl Clock for Steps {
    fn now_ns(&self) -> u64 {
        self.now.set(self.now.get() + self.step);
        self.now.get()
    }
}

#[test]
fn deadline() {
    let module = with_debug(endless(vec![int(0, 1)]));
    let mut host = Host::new();
    host.clock(Steps { now: Cell::new(0), step: 10 });
    let report = run_with(&module, Limits::default().deadline_ns(35), &mut host);
    // Read at the start, then at the end of each slice of 16,384: late at the fourth look.
    let (code, _, fuel) = struck(report);
    assert_eq!(code, "deadline");
    assert!((4 * 16_384 - 8..=4 * 16_384 + 8).contains(&fuel), "{fuel}");
}

#[test]
fn deadline_is_looked_at_after_each_host_call() {
    let mut module = endless(vec![Op::Host { import: ImportId(0), arguments: Registers::default() }]);
    module.imports = vec![action("ACT", &[])];
    let mut host = Host::new();
    host.clock(Steps { now: Cell::new(0), step: 10 });
    host.action("ACT", || ());
    let report = run_with(&module, Limits::default().deadline_ns(35), &mut host);
    assert_eq!(report.host_calls, 4);
    assert_eq!(struck(report).0, "deadline");
}

#[test]
fn cancelling() {
    let flag = Arc::new(AtomicBool::new(false));
    let mut module = endless(vec![Op::Host { import: ImportId(0), arguments: Registers::default() }]);
    module.imports = vec![action("ACT", &[])];
    let mut calls = 0;
    let mut host = Host::new();
    host.cancel_flag(Arc::clone(&flag));
    host.action("ACT", || {
        calls += 1;
        flag.store(calls == 5, Ordering::Relaxed);
    });
    let report = run_with(&module, Limits::default(), &mut host);
    assert_eq!((report.host_calls, struck(report).0.as_str()), (5, "deadline"));
}

/// Where many calls are known to be allowed and nothing is kept of them, the flag is looked at all the same.
#[test]
fn cancelling_ends_a_run_behind_the_call_at_hand() {
    let mut module = endless(vec![Op::Host { import: ImportId(0), arguments: Registers::default() }]);
    module.imports = vec![action("ACT", &[])];
    for keeps in [false, true] {
        let flag = Arc::new(AtomicBool::new(false));
        let mut calls = 0;
        let mut host = Host::new();
        host.clock(VirtualClock::default());
        host.cancel_flag(Arc::clone(&flag));
        host.action("ACT", || {
            calls += 1;
            flag.store(calls == 100, Ordering::Relaxed);
        });
        let run = instance(&module, Limits::default(), &host);
        let mut run = if keeps { run } else { run.without_action_log().without_digest() };
        let report = run.run(&mut host).report().unwrap();
        assert_eq!((report.host_calls, struck(report).0.as_str()), (100, "deadline"));
    }
}

/// A clock that stands still and counts how often it is read.
struct Counting<'a>(&'a Cell<u64>);

impl Clock for Counting<'_> {
    fn now_ns(&self) -> u64 {
        self.0.set(self.0.get() + 1);
        0
    }
}

/// Reading a clock costs more than a call does.
#[test]
fn the_clock_is_read_after_every_64_calls_that_take_no_time() {
    let mut module = endless(vec![Op::Host { import: ImportId(0), arguments: Registers::default() }]);
    module.imports = vec![action("ACT", &[])];
    for keeps in [false, true] {
        let read = Cell::new(0);
        let mut host = Host::new();
        host.clock(Counting(&read));
        host.action("ACT", || ());
        let run = instance(&module, Limits::default().host_calls(64 * 100), &host);
        let mut run = if keeps { run } else { run.without_action_log().without_digest() };
        assert_eq!(struck(run.run(&mut host).report().unwrap()).0, "host_calls");
        assert!((100..120).contains(&read.get()), "{}", read.get());
    }
}

#[test]
fn a_header_sets_limits() {
    assert_eq!(Limits::of_header(&Instruction::default()), Limits::default());
    let header = |target| Instruction {
        deadline_ns: Some(5),
        budget_money: Some(1_000),
        budget_tokens: Some(90),
        target,
        ..Instruction::default()
    };
    let limits = Limits::default().deadline_ns(5);
    // The BUDGET is for all agents together.
    for (count, money, tokens) in [
        (None, 1_000, 90),
        (Some(TargetCount::All), 1_000, 90),
        (Some(TargetCount::Exactly(4)), 250, 22),
        (Some(TargetCount::UpTo(4)), 250, 22),
    ] {
        let target = count.map(|count| Target { count, filter: None });
        assert_eq!(Limits::of_header(&header(target)), limits.money(money).tokens(tokens), "{count:?}");
    }
}

#[test]
fn a_fresh_instance_can_be_closed() {
    let host = Host::new();
    let report = instance(&endless(vec![int(0, 1)]), Limits::default(), &host).close();
    assert_eq!((report.outcome, report.fuel_used), (Outcome::Limit, 0));
}

#[test]
fn finished_runs_stay_finished() {
    let mut host = Host::new();
    let mut run = instance(&main(&[INT], vec![int(0, 5)]), Limits::default(), &host);
    let first = run.run(&mut host);
    assert!(matches!(first, Exit::Finished(_)));
    assert_eq!(run.run(&mut host), first);
    assert_eq!(Exit::Finished(run.close()), first);
}

#[test]
fn the_default_limits_hold_endless_programs() {
    assert_eq!(struck(run(&recursion())).0, "call_depth");
    let report = run(&endless(vec![int(0, 1)]));
    assert_eq!((report.fuel_used, struck(report).0.as_str()), (10_000_000, "fuel"));
}
