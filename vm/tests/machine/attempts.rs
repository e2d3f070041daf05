//! Actions that are waited for: TRY, RETRY and its waits, keys of actions that are ONCE, grants at run time.

use std::cell::{Cell, RefCell};

use crate::common::*;
use swarm_bytecode::module::{Amount, Effect, Import, ImportId, Module};
use swarm_bytecode::op::Op;
use swarm_bytecode::types::TypeId;
use swarm_vm::{
    Answer, Clock, Effects, Exit, Grants, Host, Inputs, Instance, Limits, Money, Outcome, PendingKind,
    Tokens, VirtualClock,
};

const INT: TypeId = TypeId::INT;
const BOOL: TypeId = TypeId::BOOL;
const DURATION: TypeId = TypeId::DURATION;

fn try_it(accepted: u8, import: u16, arguments: &[u8]) -> Op {
    Op::TryHost { accepted: r(accepted), import: ImportId(import), arguments: rs(arguments) }
}

fn retry(accepted: u8, times: i16, backoff: u8, arguments: &[u8]) -> Op {
    let (accepted, backoff) = (r(accepted), r(backoff));
    Op::RetryHost { accepted, times, backoff, import: ImportId(0), arguments: rs(arguments) }
}

/// Tries `ACT(7)` and returns whether it was done.
fn tries() -> Module {
    let mut module = main(&[BOOL, INT], vec![int(1, 7), try_it(0, 0, &[1])]);
    module.imports = vec![action("ACT", &[INT])];
    module
}

/// Retries `ACT(7)`, five attempts, 100 ns before the second.
fn retries() -> Module {
    let mut module = main(&[BOOL, INT, DURATION], vec![int(1, 7), int(2, 100), retry(0, 5, 2, &[1])]);
    module.imports = vec![action("ACT", &[INT])];
    module
}

#[test]
fn try_tells_whether_it_was_done() {
    for (done, log) in [(true, true), (false, true), (true, false), (false, false)] {
        let mut host = Host::new();
        host.action("ACT", move |n: i64| if done { Ok(()) } else { Err(format!("no {n}").into()) });
        let mut run = instance(&tries(), Limits::default(), &host);
        if !log {
            run = run.without_action_log();
        }
        let report = run.run(&mut host).report().unwrap();
        assert_eq!(report.result.unwrap().to_json(), done.to_string());
        assert_eq!((report.actions_issued, report.actions_failed), (1, u64::from(!done)));
        // `int` 1, `host.try` 8 and 2 for its argument, `return.value` 1.
        assert_eq!(report.fuel_used, 1 + 8 + 2 + 1);
    }
}

#[test]
fn try_waits_for_a_pending_answer() {
    let mut host = Host::new();
    host.raw("ACT", |_| Answer::pending());
    let mut run = instance(&tries(), Limits::default(), &host);
    let Exit::Pending(call) = run.run(&mut host) else { panic!("should wait") };
    assert_eq!((call.kind, call.query), (PendingKind::Answer, false));
    run.resolve(call.id, Answer::failed("late")).unwrap();
    assert_eq!(run.run(&mut host).report().unwrap().result.unwrap().to_json(), "false");
}

#[test]
fn limits_and_broken_prices_pass_through_try() {
    let mut module = tries();
    module.imports = vec![costing(action("ACT", &[INT]), Amount::Fixed(100), Amount::Fixed(0))];
    let mut host = Host::new();
    host.action("ACT", |_: i64| ());
    let report = run_with(&module, Limits::default().money(99), &mut host);
    assert_eq!((report.outcome, report.reason.unwrap().code.as_str()), (Outcome::Limit, "money"));
    for answer in [Answer::done(), Answer::failed("no")] {
        let mut host = Host::new();
        host.raw("ACT", move |_| answer.clone().costing(Money(101), Tokens(0)));
        let report = run_with(&module, Limits::default(), &mut host);
        assert_eq!(report.reason.unwrap().code, "host_price");
    }
    let mut host = Host::new();
    host.raw("ACT", |_| Answer::value(1i64));
    assert_eq!(run_with(&module, Limits::default(), &mut host).reason.unwrap().code, "host_answer");
}

#[test]
fn what_is_collected_comes_before_what_is_waited_for() {
    let act = |n: i64| [int(1, n), Op::Host { import: ImportId(1), arguments: rs(&[1]) }];
    let mut code = Vec::new();
    code.extend(act(1));
    code.extend(act(2));
    code.extend([int(1, 3), try_it(0, 0, &[1])]);
    code.extend(act(4));
    let mut module = main(&[BOOL, INT], code);
    module.imports = vec![action("TRY", &[INT]), action("ACT", &[INT])];
    for effects in [Effects::Immediate, Effects::Collected] {
        for fails in [false, true] {
            let seen = RefCell::new(Vec::new());
            let mut host = Host::new();
            host.raw("ACT", |call| {
                let n = call.argument(0).and_then(swarm_vm::ValueRef::as_word).unwrap();
                seen.borrow_mut().push(n);
                if n == 2 { Answer::pending() } else { Answer::done() }
            });
            host.raw("TRY", |_| {
                seen.borrow_mut().push(3);
                if fails { Answer::failed("no") } else { Answer::done() }
            });
            let mut run = instance(&module, Limits::default(), &host).effects(effects);
            let Exit::Pending(call) = run.run(&mut host) else { panic!("should wait") };
            run.resolve(call.id, Answer::done()).unwrap();
            let report = run.run(&mut host).report().unwrap();
            assert_eq!(*seen.borrow(), [1, 2, 3, 4]);
            assert_eq!(report.result.unwrap().to_json(), (!fails).to_string());
            let errors: Vec<_> = report.actions.iter().map(|action| action.error.is_some()).collect();
            assert_eq!(errors, [false, false, fails, false]);
        }
    }
}

#[test]
fn retry_waits_twice_as_long_each_time() {
    for succeeds_at in [1u32, 3, 9] {
        let clock = VirtualClock::default();
        let times = RefCell::new(Vec::new());
        let mut host = Host::new();
        host.clock(clock.clone());
        host.raw("ACT", |call| {
            times.borrow_mut().push(clock.now_ns());
            if call.attempt() >= succeeds_at { Answer::done() } else { Answer::failed("busy") }
        });
        let report = run_with(&retries(), Limits::default(), &mut host);
        let all = [0, 100, 300, 700, 1500];
        let made = usize::try_from(succeeds_at).unwrap().min(5);
        assert_eq!(*times.borrow(), all[..made]);
        assert_eq!(report.result.unwrap().to_json(), (succeeds_at <= 5).to_string());
        assert_eq!(report.actions_issued, u64::try_from(made).unwrap());
        // Paid for five attempts before the first, whatever the host answers.
        assert_eq!(report.fuel_used, 1 + 1 + 8 + 5 * 2 + 1);
        assert_eq!(report.memory_peak_bytes, 16 + 3 * 8 + 16 + 8);
    }
}

#[test]
fn an_embedder_can_wait_itself() {
    /// A clock that others set.
    struct Shown<'c>(&'c Cell<u64>);
    impl Clock for Shown<'_> {
        fn now_ns(&self) -> u64 {
            self.0.get()
        }
    }
    let now = Cell::new(1000);
    let mut host = Host::new();
    host.clock(Shown(&now));
    host.action("ACT", |_: i64| if now.get() < 1300 { Err("busy".into()) } else { Ok(()) });
    let mut run = instance(&retries(), Limits::default(), &host);
    for until_ns in [1100, 1300] {
        for _ in 0..2 {
            let Exit::Pending(call) = run.run(&mut host) else { panic!("should wait") };
            assert_eq!((call.kind, call.name.as_str()), (PendingKind::Timer { until_ns }, "ACT"));
        }
        now.set(until_ns);
    }
    let report = run.run(&mut host).report().unwrap();
    assert_eq!((report.result.unwrap().to_json(), report.actions_failed), ("true".to_owned(), 2));
    // Or it says that it has waited long enough.
    now.set(0);
    let mut run = instance(&retries(), Limits::default(), &host);
    let Exit::Pending(call) = run.run(&mut host) else { panic!("should wait") };
    now.set(2000);
    run.resolve(call.id, Answer::done()).unwrap();
    assert_eq!(run.run(&mut host).report().unwrap().result.unwrap().to_json(), "true");
}

#[test]
fn no_attempt_is_made_after_the_deadline() {
    let clock = VirtualClock::default();
    let mut calls = 0;
    let mut host = Host::new();
    host.clock(clock.clone());
    host.action("ACT", |_: i64| {
        calls += 1;
        Err::<(), _>("busy".into())
    });
    let report = run_with(&retries(), Limits::default().deadline_ns(500), &mut host);
    assert_eq!((report.outcome, report.reason.unwrap().code.as_str()), (Outcome::Limit, "deadline"));
    drop(host);
    assert_eq!((calls, clock.now_ns()), (3, 500));
}

#[test]
fn attempts_share_the_key_and_each_effect_has_its_own() {
    // Twice the same call from one place, then one with another argument, each retried once.
    let mut module = main(
        &[BOOL, INT, DURATION, INT, INT, INT],
        vec![
            int(3, 1),
            int(4, 3),
            Op::Range { item: r(5), first: r(3), last: r(4) },
            int(1, 7),
            Op::EqInt { result: r(0), left: r(5), right: r(4) },
            Op::If { condition: r(0) },
            int(1, 8),
            Op::End {},
            retry(0, 2, 2, &[1]),
            Op::Advance {},
        ],
    );
    module.imports = vec![Import { effect: Effect::Once, ..action("PAY", &[INT]) }];
    let keys = |identity: &[u8], effects: Effects| {
        let seen = RefCell::new(Vec::new());
        let mut host = Host::new();
        host.clock(VirtualClock::default());
        host.raw("PAY", |call| {
            seen.borrow_mut().push(call.key().unwrap());
            if call.attempt() == 1 { Answer::failed("lost") } else { Answer::done() }
        });
        let run = instance(&module, Limits::default(), &host).effects(effects).identity(identity);
        { run }.run(&mut host).report().unwrap();
        drop(host);
        seen.into_inner()
    };
    let one = keys(b"order 1, agent a", Effects::Immediate);
    assert_eq!(one.len(), 6);
    assert!(one.chunks(2).all(|attempts| attempts[0] == attempts[1]));
    let mut distinct = one.clone();
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 3);
    assert_eq!(keys(b"order 1, agent a", Effects::Collected), one);
    assert!(keys(b"order 1, agent b", Effects::Immediate).iter().all(|key| !one.contains(key)));
}

#[test]
fn a_missing_grant_refuses_what_is_only_tried() {
    let mut module = tries();
    module.imports[0].capability = Some("money.spend".into());
    let program = load(&module);
    let mut host = Host::new();
    let mut calls = 0;
    host.action("ACT", |_: i64| calls += 1);
    let new = |grants: &Grants, program, host: &Host<'_>| {
        Instance::new(program, &Inputs::new(program), Limits::default(), grants, host)
    };
    let report = new(&Grants::none(), &program, &host).unwrap().run(&mut host).report().unwrap();
    assert_eq!(report.result.unwrap().to_json(), "false");
    assert_eq!((report.actions_vetoed, report.actions_issued, report.fuel_used), (1, 0, 12));
    let report = new(&Grants::all(), &program, &host).unwrap().run(&mut host).report().unwrap();
    assert_eq!(report.result.unwrap().to_json(), "true");

    // Taken away later, it stops plain actions too.
    let mut module = main(&[INT], vec![Op::Host { import: ImportId(0), arguments: rs(&[0]) }]);
    module.imports = vec![Import { capability: Some("a.b".into()), ..action("ACT", &[INT]) }];
    let program = load(&module);
    assert!(new(&Grants::none(), &program, &host).is_err());
    let mut run = new(&Grants::all(), &program, &host).unwrap();
    run.grants(&Grants::none());
    let report = run.run(&mut host).report().unwrap();
    assert_eq!((report.outcome, report.actions_vetoed), (Outcome::Done, 1));
    drop(host);
    assert_eq!(calls, 1);
}
