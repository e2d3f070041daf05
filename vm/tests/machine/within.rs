//! Blocks with budgets: what is kept, what is undone, which of several decides.

use crate::common::*;
use swarm_bytecode::module::{Amount, FunctionId, ImportId, MetricKind, Module, State, StateId, StringId};
use swarm_bytecode::op::{Op, Registers};
use swarm_bytecode::types::{Type, TypeId};
use swarm_vm::trace::JsonLines;
use swarm_vm::{
    Answer, Effects, Exit, Host, Instance, Level, Limits, Money, Outcome, Report, Tokens, VirtualClock,
};

const INT: TypeId = TypeId::INT;
const MONEY: TypeId = TypeId::MONEY;
const DURATION: TypeId = TypeId::DURATION;
const STRING: TypeId = TypeId::STRING;

fn act(register: u8) -> Op {
    Op::Host { import: ImportId(0), arguments: rs(&[register]) }
}

fn within(budgets: &[u8], saved: &[u8], undoes: i16) -> Op {
    Op::Within { budgets: rs(budgets).into(), saved: rs(saved).into(), phase: StringId(0), undoes }
}

/// `ACT(n)` costs $0.000010; registers: 0 result, 1..=4 int, 5 and 6 money, 7 a string, 8 a duration.
fn costly(code: Vec<Op>) -> Module {
    let mut module = main(&[INT, INT, INT, INT, INT, MONEY, MONEY, STRING, DURATION], code);
    module.imports = vec![costing(action("ACT", &[INT]), Amount::Fixed(10), Amount::Fixed(1))];
    module.strings = vec!["prices".into(), "why".into()];
    module.metrics = vec![metric("n", INT, MetricKind::Total)];
    module.states = vec![State { name: "count".into(), ty: INT, initial: None }];
    module
}

/// Acts with 1, 2, 3 in a block of $0.000025, which undoes: the third does not fit. Each round counts in
/// register 0, in STATE, in the metric. `inside` comes before the end of the block, `otherwise` behind it.
fn three(inside: Vec<Op>, otherwise: Vec<Op>, budget: i64) -> Module {
    let mut code = vec![int(5, budget), int(1, 1), int(2, 3), within(&[5], &[0], 1)];
    code.extend([
        Op::Range { item: r(3), first: r(1), last: r(2) },
        Op::AddInt { result: r(0), left: r(0), right: r(1) },
        Op::Copy { result: r(4), value: r(0) },
        Op::SetState { state: StateId(0), value: r(4) },
        Op::RecordMetric { metric: METRIC, value: r(1) },
        act(3),
        Op::Advance {},
    ]);
    code.extend(inside);
    code.push(Op::WithinElse {});
    code.extend(otherwise);
    code.push(Op::End {});
    costly(code)
}

struct Ran {
    report: Report,
    done: Vec<i64>,
    state: String,
    trace: String,
}

fn run_it(module: &Module, limits: Limits, effects: Effects) -> Ran {
    let mut done = Vec::new();
    let mut host = Host::new();
    host.action("ACT", |n: i64| done.push(n));
    host.clock(VirtualClock::default());
    let mut lines = JsonLines::new();
    let mut run = instance(module, limits, &host).effects(effects);
    let report = run.run_traced(&mut host, Level::Effects, &mut lines).report().unwrap();
    let state = run.state("count").unwrap().to_json();
    drop(host);
    Ran { report, done, state, trace: lines.take() }
}

const BOTH: [Effects; 2] = [Effects::Immediate, Effects::Collected];

#[test]
fn a_block_within_its_budget_is_kept_and_its_actions_follow_it() {
    for effects in BOTH {
        let ran = run_it(&three(vec![], vec![int(0, 99)], 30), Limits::default(), effects);
        assert_eq!(ran.report.outcome, Outcome::Done);
        assert_eq!(ran.done, [1, 2, 3]);
        assert_eq!((ran.report.result.unwrap().to_json(), ran.state), ("3".into(), "3".into()));
        assert_eq!(ran.report.metrics[0].1.to_json(), "3");
        assert_eq!((ran.report.money, ran.report.actions_undone), (30, 0));
        let kinds = ["within\"", "held", "within_end", "applied"].map(|kind| ran.trace.matches(kind).count());
        assert_eq!(kinds, [1, 3, 1, 3]);
        assert!(
            ran.trace
                .contains(r##""kind":"within_end","place":{"function":"#0","op":11},"phase":"prices"}"##)
        );
    }
}

#[test]
fn a_block_beyond_its_budget_is_undone() {
    for effects in BOTH {
        let otherwise = vec![int(4, 40), Op::AddInt { result: r(0), left: r(0), right: r(4) }, act(4)];
        let ran = run_it(&three(vec![], otherwise, 25), Limits::default(), effects);
        assert_eq!(ran.report.outcome, Outcome::Done, "{:?}", ran.report.reason);
        assert_eq!(ran.done, [40]);
        assert_eq!((ran.report.result.unwrap().to_json(), ran.state), ("40".into(), "0".into()));
        assert_eq!(ran.report.metrics[0].1.to_json(), "0");
        assert_eq!((ran.report.money, ran.report.tokens, ran.report.actions_undone), (10, 1, 2));
        assert_eq!(ran.report.actions.len(), 1);
        assert!(ran.trace.contains(r#""kind":"within_undone","#), "{}", ran.trace);
        assert!(ran.trace.contains(r#""phase":"prices","code":"money"}"#));
    }
}

#[test]
fn what_was_spent_stays_spent() {
    // A query of $0.00002 before the action that does not fit.
    let mut module = costly(vec![
        int(5, 25),
        within(&[5], &[], 1),
        Op::HostValue { result: r(0), import: ImportId(1), arguments: Registers::default() },
        act(1),
        Op::WithinElse {},
        Op::End {},
    ]);
    module.imports.push(costing(query("ask", &[], INT), Amount::Fixed(20), Amount::Fixed(0)));
    let mut host = Host::new();
    host.action("ACT", |_: i64| ());
    host.query("ask", || 7i64);
    let report = run_with(&module, Limits::default(), &mut host);
    assert_eq!((report.outcome, report.money), (Outcome::Done, 20));
    // Settled lower it leaves room.
    host.raw("ask", |_| Answer::value(7i64).costing(Money(15), Tokens(0)));
    let report = run_with(&module, Limits::default(), &mut host);
    assert_eq!((report.money, report.actions_undone), (25, 0));
}

#[test]
fn without_else_it_ends_the_run_as_a_limit() {
    let module =
        with_debug(costly(vec![int(5, 25), within(&[5], &[], 0), act(1), act(2), act(3), Op::WithinEnd {}]));
    for effects in BOTH {
        let ran = run_it(&module, Limits::default(), effects);
        let reason = ran.report.reason.unwrap();
        assert_eq!((ran.report.outcome, reason.code.as_str()), (Outcome::Limit, "money"));
        assert!(reason.message.ends_with("The budget of the WITHIN is $0.000025."), "{}", reason.message);
        assert_eq!(reason.place.unwrap().to_string(), "test.swarm:5:1");
        // It undoes nothing.
        assert_eq!(ran.done.len(), if effects == Effects::Immediate { 2 } else { 0 });
    }
}

/// An outer block of `outer`, in it one of `inner`; which `else` ran is in register 0: 1 inner, 2 outer.
fn nested(outer: i64, inner: i64, inner_undoes: bool) -> Module {
    let mut code = vec![int(1, 1), int(2, 2), int(3, 3)];
    code.extend([int(5, outer), int(6, inner), within(&[5], &[], 1), act(1)]);
    code.extend([within(&[6], &[], i16::from(inner_undoes)), act(2), act(3)]);
    if inner_undoes {
        code.extend([Op::WithinElse {}, int(0, 1), Op::End {}]);
    } else {
        code.push(Op::WithinEnd {});
    }
    code.extend([Op::WithinElse {}, int(0, 2), Op::End {}]);
    costly(code)
}

#[test]
fn of_nested_budgets_the_outermost_that_struck_decides() {
    let with = |outer, inner, undoes, limits: Limits| {
        let ran = run_it(&nested(outer, inner, undoes), limits, Effects::Immediate);
        let code = ran.report.reason.map(|reason| reason.code.to_string());
        (code, ran.report.result.map(|result| result.to_json()), ran.done)
    };
    let done = |result: &str, done: Vec<i64>| (None, Some(result.to_owned()), done);
    let plain = Limits::default();
    assert_eq!(with(30, 20, true, plain), done("0", vec![1, 2, 3]));
    assert_eq!(with(30, 10, true, plain), done("1", vec![1]));
    assert_eq!(with(20, 20, true, plain), done("2", vec![]));
    assert_eq!(with(20, 10, true, plain), done("2", vec![]), "both struck");
    assert_eq!(with(20, 10, false, plain), done("2", vec![]), "the outer one has an else");
    assert_eq!(with(30, 10, false, plain).0.as_deref(), Some("money"));
    assert_eq!(with(20, 10, true, Limits::default().money(20)).0.as_deref(), Some("money"), "the order's");
    assert_eq!(with(20, 10, true, Limits::default().host_calls(2)).0.as_deref(), Some("host_calls"));
}

/// Leaves the block of [`three`] from its first round by `leave`.
fn left_by(leave: Op) -> Module {
    let mut module = three(vec![], vec![int(0, 99)], 25);
    let code = &mut module.functions[0].code;
    let at = code.iter().position(|op| matches!(op, Op::Host { .. })).unwrap();
    code.insert(at + 1, leave);
    // A block around all of it, for `break 1`.
    code.insert(0, Op::Block {});
    let end = code.len() - 1;
    code.insert(end, Op::End {});
    code.insert(0, Op::String { result: r(7), value: StringId(1) });
    module
}

#[test]
fn leaving_a_block_keeps_it() {
    let ways = [
        (Op::Break { depth: 1 }, Outcome::Done, true),
        (Op::ReturnValue { value: r(0) }, Outcome::Done, true),
        (Op::Stop { reason: r(7) }, Outcome::Stopped, true),
        (Op::Fail { reason: r(7) }, Outcome::Failed, false),
    ];
    for (leave, outcome, kept) in ways {
        for effects in BOTH {
            let ran = run_it(&left_by(leave.clone()), Limits::default(), effects);
            assert_eq!(ran.report.outcome, outcome, "{:?}", ran.report.reason);
            assert_eq!(ran.done, if kept { vec![1] } else { vec![] }, "{leave:?} {effects:?}");
            // An activation that fails leaves STATE as it was.
            assert_eq!(ran.state, if kept { "1" } else { "0" });
            assert_eq!(ran.report.actions_dropped, !kept);
            assert_eq!(ran.trace.matches("within_end").count(), usize::from(kept));
        }
    }
}

#[test]
fn a_break_inside_and_a_continue_out_of_a_block() {
    // Each round acts in a block of its own and goes on from inside it; the last one breaks the loop.
    let module = costly(vec![
        int(5, 15),
        int(1, 1),
        int(2, 4),
        Op::Range { item: r(3), first: r(1), last: r(2) },
        within(&[5], &[], 1),
        act(3),
        Op::Continue { depth: 0 },
        Op::WithinElse {},
        int(0, 99),
        Op::End {},
        Op::Advance {},
    ]);
    for effects in BOTH {
        let ran = run_it(&module, Limits::default(), effects);
        assert_eq!((ran.report.outcome, ran.done), (Outcome::Done, vec![1, 2, 3, 4]));
        assert_eq!(ran.trace.matches("within_end").count(), 4);
        assert_eq!(ran.report.result.unwrap().to_json(), "0");
    }
}

#[test]
fn running_out_deep_inside_closes_the_calls() {
    // A function that calls itself and acts at each level, until the budget is gone.
    let mut module = costly(vec![
        int(5, 35),
        int(0, 5),
        within(&[5], &[0], 1),
        int(0, 6),
        Op::Call { function: FunctionId(1), arguments: rs(&[1]) },
        Op::WithinElse {},
        int(4, 3),
        Op::MulInt { result: r(0), left: r(0), right: r(4) },
        Op::End {},
    ]);
    module.functions.push(function(
        &[INT, INT],
        1,
        None,
        vec![
            int(1, 1),
            Op::AddInt { result: r(0), left: r(0), right: r(1) },
            act(0),
            Op::Call { function: FunctionId(1), arguments: rs(&[0]) },
            Op::Return {},
        ],
    ));
    let ran = run_it(&module, Limits::default().memory_bytes(1000), Effects::Immediate);
    assert_eq!(ran.report.result.unwrap().to_json(), "15");
    assert_eq!((ran.report.actions_undone, ran.done), (3, vec![]));
    // Its frame and the block's, then a frame and an action each level, four deep.
    let own = 16 + 9 * 8;
    let block = 16 + 8 * 3;
    assert_eq!(ran.report.memory_peak_bytes, own + block + 4 * (16 + 2 * 8) + 4 * (16 + 8));
}

#[test]
fn a_block_of_a_called_function_is_undone_in_that_function() {
    let mut module =
        costly(vec![int(0, 7), Op::Call { function: FunctionId(1), arguments: rs(&[0]) }, int(0, 8)]);
    let code = vec![int(1, 5), within(&[1], &[], 1), act(0), Op::WithinElse {}, Op::End {}, Op::Return {}];
    module.functions.push(function(&[INT, MONEY], 1, None, code));
    for effects in BOTH {
        let ran = run_it(&module, Limits::default(), effects);
        assert_eq!(ran.report.outcome, Outcome::Done, "{:?}", ran.report.reason);
        assert_eq!((ran.report.result.unwrap().to_json(), ran.done), ("8".into(), vec![]));
    }
}

#[test]
fn references_and_state_in_place_are_put_back() {
    let mut module = module(vec![]);
    let list = add_type(&mut module, Type::List { element: INT, max: None });
    module.functions = vec![function(
        &[list, INT, INT, MONEY, list],
        0,
        Some(list),
        vec![
            Op::NewList { result: r(0), items: rs(&[1, 1]) },
            Op::Copy { result: r(4), value: r(0) },
            Op::SetState { state: StateId(0), value: r(4) },
            within(&[3], &[0], 1),
            int(2, 7),
            Op::SetItem { list: r(0), index: r(1), value: r(2) },
            Op::TakeState { result: r(4), state: StateId(0) },
            Op::SetItem { list: r(4), index: r(1), value: r(2) },
            Op::SetState { state: StateId(0), value: r(4) },
            Op::Host { import: ImportId(0), arguments: rs(&[2]) },
            Op::WithinElse {},
            Op::End {},
            Op::ReturnValue { value: r(0) },
        ],
    )];
    module.imports = vec![costing(action("ACT", &[INT]), Amount::Fixed(1), Amount::Fixed(0))];
    module.states = vec![State { name: "count".into(), ty: list, initial: None }];
    module.strings = vec!["".into()];
    let ran = run_it(&module, Limits::default(), Effects::Immediate);
    assert_eq!((ran.report.result.unwrap().to_json(), ran.state), ("[0,0]".into(), "[0,0]".into()));
}

/// Counts in a loop without end inside a block of a duration.
fn timed(undoes: bool) -> Module {
    let mut code = vec![
        int(8, 50),
        int(1, 1),
        within(&[8], if undoes { &[0] } else { &[] }, i16::from(undoes)),
        Op::Loop {},
        Op::AddInt { result: r(0), left: r(0), right: r(1) },
        Op::Repeat {},
    ];
    if undoes {
        code.extend([Op::WithinElse {}, int(0, -1), Op::End {}]);
    } else {
        code.push(Op::WithinEnd {});
    }
    costly(code)
}

/// A clock that goes on by 10 each time it is read.
struct Ticking(std::cell::Cell<u64>);

impl swarm_vm::Clock for Ticking {
    fn now_ns(&self) -> u64 {
        self.0.set(self.0.get() + 10);
        self.0.get()
    }
}

#[test]
fn a_duration_strikes_at_the_end_of_a_slice() {
    let with = |undoes: bool, deadline: u64| {
        let mut host = Host::new();
        host.clock(Ticking(0.into()));
        host.otherwise(|_| Answer::done());
        run_with(&timed(undoes), Limits::default().deadline_ns(deadline), &mut host)
    };
    let report = with(true, 1_000_000);
    assert_eq!((report.outcome, report.result.unwrap().to_json()), (Outcome::Done, "-1".into()));
    let report = with(false, 1_000_000);
    let reason = report.reason.unwrap();
    assert_eq!((report.outcome, reason.code.as_str()), (Outcome::Limit, "deadline"));
    assert!(reason.message.ends_with("The budget of the WITHIN is 50ns."), "{}", reason.message);
    // The order's deadline decides over the block's.
    assert_eq!(
        with(true, 20).reason.unwrap().message,
        "The time given to the run is over. The limit is 20ns."
    );
}

/// Acts so often, then opens a block of a duration, in which register 0 becomes 7 and it acts once more.
fn after_calls(calls: i64, duration: i64, undoes: bool) -> Module {
    let mut code = vec![int(8, duration), int(1, 1), int(2, calls)];
    code.extend([Op::Range { item: r(3), first: r(1), last: r(2) }, act(3), Op::Advance {}]);
    code.push(within(&[8], if undoes { &[0] } else { &[] }, i16::from(undoes)));
    code.extend([int(0, 7), act(1)]);
    if undoes {
        code.extend([Op::WithinElse {}, int(4, -1), Op::End {}]);
    } else {
        code.push(Op::WithinEnd {});
    }
    costly(code)
}

#[test]
fn a_duration_of_nothing_is_over_before_anything_is_done() {
    // The clock stands still, and quick calls before the block would let it be read again much later.
    for (calls, duration) in [(0, 0), (40, 0), (0, -5), (40, i64::MIN)] {
        for effects in [Effects::Immediate, Effects::Collected] {
            let named = format!("{calls} calls, {duration} ns, {effects:?}");
            let ran = run_it(&after_calls(calls, duration, true), Limits::default(), effects);
            assert_eq!(ran.report.result.unwrap().to_json(), "0", "{named}");
            assert_eq!(ran.done, (1..=calls).collect::<Vec<_>>(), "{named}");
            let ran = run_it(&after_calls(calls, duration, false), Limits::default(), effects);
            assert_eq!(ran.report.reason.unwrap().code, "deadline", "{named}");
            let kept = if effects == Effects::Collected { 0 } else { calls };
            assert_eq!(ran.done, (1..=kept).collect::<Vec<_>>(), "{named}");
        }
    }
}

#[test]
fn a_wait_between_attempts_ends_with_the_budget() {
    // RETRY in a block of 250 ns without `else`: the run ends in the second wait.
    let module = costly(vec![
        int(8, 250),
        within(&[8], &[], 0),
        int(8, 100),
        Op::RetryHost { accepted: r(9), times: 9, backoff: r(8), import: ImportId(0), arguments: rs(&[1]) },
        Op::WithinEnd {},
    ]);
    let mut module = module;
    module.functions[0].registers.push(TypeId::BOOL);
    let mut calls = 0;
    let mut host = Host::new();
    let clock = VirtualClock::default();
    host.clock(clock.clone());
    host.action("ACT", |_: i64| {
        calls += 1;
        Err::<(), _>("busy".into())
    });
    let report = run_with(&module, Limits::default(), &mut host);
    assert_eq!(report.reason.unwrap().code, "deadline");
    drop(host);
    assert_eq!((calls, swarm_vm::Clock::now_ns(&clock)), (2, 250));
}

#[test]
fn held_actions_can_wait_and_fail_when_they_are_carried_out() {
    let module = three(vec![], vec![], 30);
    let mut host = Host::new();
    host.raw("ACT", |call| match call.argument(0).and_then(swarm_vm::ValueRef::as_word) {
        Some(2) => Answer::pending(),
        Some(3) => Answer::failed("no"),
        _ => Answer::done(),
    });
    for log in [true, false] {
        let mut run: Instance = instance(&module, Limits::default(), &host);
        if !log {
            run = run.without_action_log();
        }
        let Exit::Pending(call) = run.run(&mut host) else { panic!("should wait") };
        assert_eq!(call.arguments[0].to_json(), "2");
        run.resolve(call.id, Answer::done().costing(Money(1), Tokens(0))).unwrap();
        let report = run.run(&mut host).report().unwrap();
        assert_eq!((report.outcome, report.actions_failed, report.money), (Outcome::Done, 1, 21));
        assert_eq!(report.actions.len(), if log { 3 } else { 0 });
    }
}

#[test]
fn a_price_broken_in_the_middle_ends_the_run_and_drops_the_rest() {
    let mut module = three(vec![], vec![], 30);
    let end = module.functions[0].code.len() - 1;
    module.functions[0].code.insert(end, act(1));
    let mut host = Host::new();
    host.raw("ACT", |_| Answer::done().costing(Money(11), Tokens(1)));
    let report = run_with(&module, Limits::default(), &mut host);
    assert_eq!((report.outcome, report.reason.unwrap().code.as_str()), (Outcome::Trapped, "host_price"));
    assert_eq!((report.money, report.actions_dropped), (11, true));
}
