//! The sample program, from text to report.

use crate::common::*;
use swarm_bytecode::types::Type;
use swarm_vm::{Effects, Grants, Host, Inputs, Instance, Limits, Percent, Program, Record, Report, Table};

fn sample() -> Program {
    let text = include_str!("../../../examples/cost_optimization.swarm");
    let (compilation, _) = swarm_compiler::compile_text("cost_optimization.swarm", text);
    let module = compilation.module.unwrap_or_else(|| panic!("{:?}", compilation.diagnostics));
    load(&module)
}

/// Every third task is heavy in each way.
fn tasks(count: i64) -> std::sync::Arc<Table> {
    let pick = |of: i64, heavy: i64| (0..count).map(|task| if task % 3 == of { heavy } else { 1 }).collect();
    Table::builder()
        .strings("id", (0..count).map(|task| format!("t{task}")))
        .words("cpu_time", Type::Duration, pick(0, 6_000_000_000))
        .words("memory", Type::Bytes, pick(1, 2_000_000_000))
        .words("network", Type::Bandwidth, pick(2, 200_000_000))
        .build()
        .unwrap()
}

fn run_sample(inputs: &Inputs, program: &Program, log: bool) -> (Report, (usize, usize)) {
    let mut seen = 0u64;
    let mut host = Host::new();
    host.action("REDUCE_CPU_THROTTLE", |_: Record<'_>, _: Percent| ());
    host.action("REDUCE_MEMORY_CACHE", |task: Record<'_>, by: Percent| {
        assert_eq!(by, Percent(300_000));
        assert_eq!(task.key_text(), format!("t{}", task.row().unwrap()));
        seen += 1;
    });
    host.action("ROUTE_TO_CHEAPER_REGION", |_: Record<'_>| ());
    host.action("REPORT_METRICS_EVERY", |_: swarm_vm::Duration| ());
    let limits = Limits::default();
    let mut run = Instance::new(program, inputs, limits, &Grants::all(), &host).unwrap();
    if !log {
        run = run.without_action_log();
    }
    let report = run.run(&mut host).report().unwrap();
    (report, run.arena_used())
}

#[test]
fn the_sample_runs_on_a_table() {
    let program = sample();
    let inputs = Inputs::new(&program).table("task_queue", &tasks(9)).unwrap();
    let (report, _) = run_sample(&inputs, &program, true);
    assert_eq!(report.outcome.name(), "done", "{:?}", report.reason);
    let shown: Vec<_> = report
        .actions
        .iter()
        .take(4)
        .map(|action| (action.name.as_str(), action.args[0].to_json()))
        .collect();
    assert_eq!(
        shown,
        [
            ("REDUCE_CPU_THROTTLE", "\"t0\"".to_owned()),
            ("REDUCE_MEMORY_CACHE", "\"t1\"".to_owned()),
            ("ROUTE_TO_CHEAPER_REGION", "\"t2\"".to_owned()),
            ("REDUCE_CPU_THROTTLE", "\"t3\"".to_owned()),
        ]
    );
    assert_eq!(report.actions.len(), 10);
    assert_eq!(report.actions[9].args[0].to_json(), "\"5s\"");
    assert_eq!(report.money, 3 * 100 + 3 * 100 + 3 * 1000);
}

#[test]
fn ten_thousand_tasks_allocate_nothing() {
    let program = sample();
    let inputs = Inputs::new(&program).table("task_queue", &tasks(10_000)).unwrap();
    let (report, arena) = run_sample(&inputs, &program, false);
    assert_eq!(report.actions_issued, 10_001);
    assert_eq!(arena, (0, 0));
    let (logged, _) = run_sample(&inputs, &program, true);
    assert_eq!(logged.fuel_used, report.fuel_used);
    assert_eq!(logged.memory_peak_bytes, report.memory_peak_bytes);
    assert_eq!(logged.trace_digest, report.trace_digest);
}

#[test]
fn the_same_data_as_json() {
    let program = sample();
    let rows = (0..9).map(|task| {
        let pick = |of, heavy: &'static str, light: &'static str| if task % 3 == of { heavy } else { light };
        format!(
            r#"{{"id":"t{task}","cpuTime":"{}","memory":"{}","network":{},"unknown":[1,{{}}]}}"#,
            pick(0, "6s", "1ns"),
            pick(1, "2GB", "1B"),
            pick(2, "200000000", "1"),
        )
    });
    let json = format!("[{}]", rows.collect::<Vec<_>>().join(","));
    let inputs = Inputs::new(&program).from_json(&json).unwrap();
    let (from_json, _) = run_sample(&inputs, &program, true);
    let named = Inputs::new(&program).from_json(&format!(r#"{{"taskQueue":{json}}}"#)).unwrap();
    let table = Inputs::new(&program).table("task_queue", &tasks(9)).unwrap();
    assert_eq!(run_sample(&named, &program, true).0, from_json);
    assert_eq!(run_sample(&table, &program, true).0, from_json);
}

#[test]
fn max_is_held_before_the_run() {
    let program = sample();
    let error = Inputs::new(&program).table("task_queue", &tasks(12_431)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "task_queue has 12,431 items, MAX 10,000; give fewer items, or raise MAX in the program"
    );
}

#[test]
fn an_instance_is_small() {
    assert!(size_of::<Instance>() <= 1024, "{}", size_of::<Instance>());
}

#[test]
fn collected_and_immediate_do_the_same() {
    let program = sample();
    let inputs = Inputs::new(&program).table("task_queue", &tasks(30)).unwrap();
    let with = |effects| {
        let mut order = Vec::new();
        let mut host = Host::new();
        host.otherwise(|call| {
            order.push((call.name().to_owned(), call.argument(0).unwrap().to_shown().to_json()));
            swarm_vm::Answer::done()
        });
        let mut run = Instance::new(&program, &inputs, Limits::default(), &Grants::all(), &host)
            .unwrap()
            .effects(effects);
        let report = run.run(&mut host).report().unwrap();
        drop(host);
        (order, report.actions, report.fuel_used, report.memory_peak_bytes)
    };
    assert_eq!(with(Effects::Immediate), with(Effects::Collected));
}
