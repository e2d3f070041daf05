//! Loops over tables that pass over rows: nothing may differ from going through them one by one, which is
//! what a traced run does.

use std::sync::Arc;

use swarm_bytecode::types::Type;
use swarm_compiler::compile_text;
use swarm_vm::trace::{Event, Level};
use swarm_vm::{Exit, Grants, Host, Inputs, Instance, Limits, Program, Report, Table};

const TEXT: &str = "
TYPE Row { id: string KEY  a: int  b: float  c: duration }
INPUT rows: list<Row> MAX 1_000
ACTION SEEN(row: Row, how: int) IDEMPOTENT
ACTION LAST(sum: int) IDEMPOTENT

ON START {
  LET limit = 100
  LET sum = 0
  FOR EACH row IN rows {
    IF row.a > limit {
      SEEN(row, 1)
      limit = limit + 1
    }
    IF row.b <= 0.5 THEN SEEN(row, 2)
    IF row.c >= 10s {
      IF row.a < 50 THEN SEEN(row, 3)
      sum += row.a
    }
  }
  FOR EACH row IN rows WHERE row.a < 3 AND row.b > 1.0 {
    SEEN(row, 4)
  }
  FOR EACH row IN rows {
    IF row.a > 120 { SEEN(row, 5) }
    ELSE IF row.b < 0.25 { SEEN(row, 6) }
  }
  LAST(sum)
}
";

/// A table in which few rows matter, or most.
fn table(rows: i64, seed: i64, rare: i64) -> Arc<Table> {
    let number = |row: i64, column: i64| {
        let mixed = (row * 3 + column + seed).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1 << 40);
        (mixed >> 33).rem_euclid(1 << 20)
    };
    let pick = |row, column, often: i64, seldom: i64| {
        if number(row, column) % rare == 0 { seldom } else { often }
    };
    let floats: Vec<f64> = (0..rows).map(|row| pick(row, 1, 8, number(row, 4) % 8) as f64 / 8.0).collect();
    Table::builder()
        .strings("id", (0..rows).map(|row| format!("row-{row}")))
        .words("a", Type::Int, (0..rows).map(|row| pick(row, 0, 60, number(row, 5) % 200 - 20)).collect())
        .floats("b", Type::Float, &floats)
        .words("c", Type::Duration, (0..rows).map(|row| pick(row, 2, 5, 20) * 1_000_000_000).collect())
        .build()
        .unwrap()
}

/// What first comes of a run, what comes of it if it is given more fuel bit by bit, and what the host saw.
fn outcome(
    program: &Program,
    inputs: &Inputs,
    budget: u64,
    slice: u32,
    traced: bool,
) -> (String, Report, Vec<(u32, i64)>) {
    let seen = std::cell::RefCell::new(Vec::new());
    let mut host = Host::new();
    host.action("SEEN", |row: swarm_vm::Record<'_>, how: i64| {
        seen.borrow_mut().push((row.row().unwrap(), how));
    });
    host.action("LAST", |sum: i64| seen.borrow_mut().push((0, sum)));
    let limits = Limits::default().fuel(budget).host_calls(100_000);
    let mut run = Instance::new(program, inputs, limits, &Grants::all(), &host).unwrap().look_every(slice);
    let mut sink = |_: &Event<'_>| {};
    let mut first = None;
    loop {
        let exit = if traced { run.run_traced(&mut host, Level::Ops, &mut sink) } else { run.run(&mut host) };
        first.get_or_insert_with(|| format!("{exit:?}"));
        match exit {
            Exit::Finished(report) => {
                drop(host);
                return (first.unwrap(), report, seen.into_inner());
            }
            _ => run.refuel(97),
        };
    }
}

#[test]
fn passing_over_rows_changes_nothing() {
    let (compiled, _) = compile_text("rows.swarm", TEXT);
    let program = Program::load(&compiled.module.expect("it compiles").encode()).unwrap();
    for (rows, rare, slice) in
        [(0, 2, 4096), (1, 2, 7), (40, 3, 1), (300, 40, 4096), (300, 1000, 333), (300, 1, 4096)]
    {
        for seed in 0..3 {
            let inputs = Inputs::new(&program).table("rows", &table(rows, seed * 1_000, rare)).unwrap();
            let all = outcome(&program, &inputs, 10_000_000, slice, true);
            assert_eq!(outcome(&program, &inputs, 10_000_000, slice, false), all);
            let used = all.1.fuel_used;
            // Budgets that end anywhere.
            for budget in (0..used + 3).step_by(usize::try_from(used / 60).unwrap().max(1)) {
                let traced = outcome(&program, &inputs, budget, slice, true);
                assert_eq!(
                    outcome(&program, &inputs, budget, slice, false),
                    traced,
                    "{rows} {seed} {budget}"
                );
                assert_eq!(traced.2, all.2);
            }
        }
    }
}
