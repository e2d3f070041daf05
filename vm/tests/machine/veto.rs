//! Vetoes: the program's own and the agent's, in order, fail closed.

use crate::common::*;
use swarm_bytecode::module::{Amount, FunctionId, ImportId, MetricKind, Module, StringId, Veto};
use swarm_bytecode::op::{Op, Registers};
use swarm_bytecode::types::TypeId;
use swarm_vm::trace::JsonLines;
use swarm_vm::{Effects, Exit, Host, Level, Limits, Outcome, Report, Value, ValueRef, VirtualClock};

const INT: TypeId = TypeId::INT;
const BOOL: TypeId = TypeId::BOOL;

/// Issues `ACT(n)` for n in 1..=4, TRYs `ACT(5)`; vetoes: n = 2, then n × 0 mod (n - 3) … which traps for 3.
fn vetoed() -> Module {
    let code = vec![
        int(1, 1),
        int(2, 4),
        Op::Range { item: r(3), first: r(1), last: r(2) },
        Op::Host { import: ImportId(0), arguments: rs(&[3]) },
        Op::Advance {},
        int(3, 5),
        Op::TryHost { accepted: r(0), import: ImportId(0), arguments: rs(&[3]) },
    ];
    let is_two = function(
        &[INT, INT, BOOL],
        1,
        Some(BOOL),
        vec![int(1, 2), Op::EqInt { result: r(2), left: r(0), right: r(1) }, Op::ReturnValue { value: r(2) }],
    );
    let fails_for_three = function(
        &[INT, INT, INT, BOOL],
        1,
        Some(BOOL),
        vec![
            int(1, 3),
            Op::SubInt { result: r(1), left: r(0), right: r(1) },
            Op::ModInt { result: r(2), left: r(2), right: r(1) },
            Op::ReturnValue { value: r(3) },
        ],
    );
    let mut module = main(&[BOOL, INT, INT, INT], code);
    module.functions.extend([is_two, fails_for_three]);
    module.imports = vec![costing(action("ACT", &[INT]), Amount::Fixed(10), Amount::Fixed(0))];
    module.strings = vec!["never two".into(), "no threes".into()];
    let veto = |condition, reason| Veto {
        import: ImportId(0),
        condition: FunctionId(condition),
        reason: StringId(reason),
    };
    module.vetoes = vec![veto(1, 0), veto(2, 1)];
    module
}

fn run_it(module: &Module, effects: Effects, level: Level) -> (Report, Vec<i64>, String) {
    let mut done = Vec::new();
    let mut host = Host::new();
    host.action("ACT", |n: i64| done.push(n));
    host.veto("ACT", |call| {
        let n = call.argument(0).and_then(ValueRef::as_word)?;
        (n >= 4).then(|| format!("{n} is too much"))
    });
    let mut lines = JsonLines::new();
    let mut run = instance(module, Limits::default(), &host).effects(effects);
    let report = run.run_traced(&mut host, level, &mut lines).report().unwrap();
    drop(host);
    (report, done, lines.take())
}

#[test]
fn the_first_rule_that_forbids_decides() {
    for effects in [Effects::Immediate, Effects::Collected] {
        let (report, done, trace) = run_it(&vetoed(), effects, Level::Effects);
        assert_eq!((report.outcome, done), (Outcome::Done, vec![1]));
        assert_eq!((report.actions_issued, report.actions_vetoed, report.money), (1, 4, 10));
        assert_eq!(report.host_calls, 1);
        assert_eq!(report.result.unwrap().to_json(), "false");
        let vetoes: Vec<_> = trace.lines().filter(|line| line.contains(r#""kind":"veto""#)).collect();
        assert_eq!(vetoes.len(), 4);
        let ends = [
            r#""args":[2],"by":"program","rule":0,"reason":"never two"}"#,
            r#""args":[3],"by":"program","rule":1,"reason":"no threes (the rule failed: Something was divided by zero.)"}"#,
            r#""args":[4],"by":"agent","reason":"4 is too much"}"#,
            r#""args":[5],"by":"agent","reason":"5 is too much"}"#,
        ];
        for (veto, end) in vetoes.iter().zip(ends) {
            assert!(veto.ends_with(end), "{veto}");
        }
    }
}

#[test]
fn the_digest_knows_of_vetoes_at_every_level() {
    let digest = |level| run_it(&vetoed(), Effects::Immediate, level).0.trace_digest;
    assert_eq!(digest(Level::Off), digest(Level::Ops));
    let mut other = vetoed();
    other.strings[0] = "not two".into();
    assert_ne!(run_it(&other, Effects::Immediate, Level::Off).0.trace_digest, digest(Level::Off));
}

#[test]
fn the_programs_vetoes_cost_its_fuel_and_the_agents_do_not() {
    let module = vetoed();
    let (report, _, _) = run_it(&module, Effects::Immediate, Level::Off);
    // Loading and `range` 4, five calls of 8 + 2, four times `next` 2, loading 1, `return.value` 1.
    let calls = 4 + 5 * 10 + 4 * 2 + 1 + 1;
    // The first rule 3 each; the second 5, and 4 for 3, where it stops; 2 is not asked.
    let rules = 5 * 3 + 3 * 5 + 4;
    assert_eq!(report.fuel_used, calls + rules);
    let mut free = module.clone();
    free.vetoes.clear();
    let (report, done, _) = run_it(&free, Effects::Immediate, Level::Off);
    assert_eq!((report.fuel_used, done), (calls, vec![1, 2, 3]));
}

#[test]
fn a_veto_can_run_out_of_fuel_and_go_on() {
    let module = vetoed();
    let (full, _, _) = run_it(&module, Effects::Immediate, Level::Off);
    for budget in 0..full.fuel_used {
        let mut host = Host::new();
        host.action("ACT", |_: i64| ());
        host.veto("ACT", |call| {
            let n = call.argument(0).and_then(ValueRef::as_word)?;
            (n >= 4).then(|| format!("{n} is too much"))
        });
        let mut run = instance(&module, Limits::default().fuel(budget), &host);
        let mut exit = run.run(&mut host);
        while matches!(exit, Exit::OutOfFuel { .. }) {
            run.refuel(1);
            exit = run.run(&mut host);
        }
        assert_eq!(exit.report().unwrap(), full, "{budget}");
    }
}

#[test]
fn a_veto_that_meets_a_limit_forbids() {
    let module = vetoed();
    let mut calls = 0;
    let mut host = Host::new();
    host.action("ACT", |_: i64| calls += 1);
    let report = run_with(&module, Limits::default().call_depth(1), &mut host);
    drop(host);
    assert_eq!((report.outcome, report.actions_vetoed, calls), (Outcome::Done, 5, 0));
}

#[test]
fn a_veto_reads_metrics() {
    // RECORD 1 a round; forbidden once the total is above 2.
    let mut module = main(
        &[INT, INT, INT, INT],
        vec![
            int(1, 1),
            int(2, 5),
            Op::Range { item: r(3), first: r(1), last: r(2) },
            Op::RecordMetric { metric: METRIC, value: r(1) },
            Op::Host { import: ImportId(0), arguments: Registers::default() },
            Op::Advance {},
        ],
    );
    module.functions.push(function(
        &[INT, INT, BOOL],
        0,
        Some(BOOL),
        vec![
            Op::Metric { result: r(0), metric: METRIC },
            int(1, 2),
            Op::LtInt { result: r(2), left: r(1), right: r(0) },
            Op::ReturnValue { value: r(2) },
        ],
    ));
    module.imports = vec![action("ACT", &[])];
    module.metrics = vec![metric("n", INT, MetricKind::Total)];
    module.strings = vec!["twice is enough".into()];
    module.vetoes = vec![Veto { import: ImportId(0), condition: FunctionId(1), reason: StringId(0) }];
    let mut calls = 0;
    let mut host = Host::new();
    host.action("ACT", || calls += 1);
    let report = run_with(&module, Limits::default(), &mut host);
    drop(host);
    assert_eq!((calls, report.actions_vetoed), (2, 3));
}

#[test]
fn the_agent_is_asked_again_when_a_held_action_is_carried_out() {
    let mut module = vetoed();
    module.vetoes.clear();
    let asked = std::cell::Cell::new(0);
    let mut done = Vec::new();
    let mut host = Host::new();
    host.action("ACT", |n: i64| done.push(n));
    host.veto("ACT", |call| {
        asked.set(asked.get() + 1);
        let n = call.argument(0).and_then(ValueRef::as_word)?;
        // Four calls are collected before the TRY has the first carried out.
        (asked.get() > 4 && n == 2).then_some("too late")
    });
    let mut lines = JsonLines::new();
    let mut run = instance(&module, Limits::default(), &host).effects(Effects::Collected);
    let report = run.run_traced(&mut host, Level::Effects, &mut lines).report().unwrap();
    drop(host);
    assert_eq!(done, [1, 3, 4, 5]);
    assert_eq!((report.actions_vetoed, report.money), (1, 40));
    assert_eq!(report.actions[1].error.as_deref(), Some("too late"));
    let line = r#""action":1,"name":"ACT","result":"vetoed","reason":"too late"}"#;
    assert!(lines.as_str().contains(line), "{}", lines.as_str());
}

#[test]
fn each_attempt_of_a_retry_is_forbidden() {
    let retry =
        Op::RetryHost { accepted: r(0), times: 3, backoff: r(2), import: ImportId(0), arguments: rs(&[1]) };
    let mut module = main(&[BOOL, INT, TypeId::DURATION], vec![int(1, 7), int(2, 100), retry]);
    module.imports = vec![action("ACT", &[INT])];
    let mut calls = 0;
    let mut host = Host::new();
    host.clock(VirtualClock::default());
    host.action("ACT", |_: i64| calls += 1);
    host.veto("ACT", |_| Some("never".to_owned()));
    let report = run_with(&module, Limits::default(), &mut host);
    drop(host);
    assert_eq!((report.outcome, report.result, calls), (Outcome::Done, Some(Value::Bool(false)), 0));
    assert_eq!((report.actions_vetoed, report.actions.len()), (3, 0));
}
