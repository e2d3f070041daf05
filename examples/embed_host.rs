//! An agent runtime in miniature: it owns tasks, offers three actions, and runs a program over them under limits.
//!
//! `cargo run --release --example embed_host -- 10000` runs over so many tasks and says what it cost.

use std::error::Error;

use swarm_bytecode::types::Type;
use swarm_compiler::compile_text;
use swarm_vm::{
    Duration, Grants, Host, HostError, Inputs, Instance, Limits, Percent, Program, Record, Table,
};

const PROGRAM: &str = include_str!("cost_optimization.swarm");

fn main() -> Result<(), Box<dyn Error>> {
    let count: i64 = std::env::args().nth(1).map_or(Ok(3), |argument| argument.parse())?;

    // What a governor sends: bytes. They are verified before they can run.
    let (compilation, _) = compile_text("cost_optimization.swarm", PROGRAM);
    let bytes = compilation.module.ok_or("the program has errors")?.encode();
    let program = Program::load(&bytes)?;

    // What the agent owns: columns the program reads in place.
    let seconds = |row: i64| row.wrapping_rem(8).wrapping_mul(1_000_000_000);
    let table = Table::builder()
        .strings("id", (0..count).map(|row| format!("task-{row}")))
        .words("cpu_time", Type::Duration, (0..count).map(seconds).collect())
        .words(
            "memory",
            Type::Bytes,
            (0..count).map(|row| row.wrapping_rem(3).wrapping_mul(600_000_000)).collect(),
        )
        .words("network", Type::Bandwidth, (0..count).map(|_| 0).collect())
        .build()?;
    let inputs = Inputs::new(&program).table("task_queue", &table)?;

    // What it lets the program do, and what that may cost.
    let mut throttled = 0_u64;
    let mut trimmed = 0_u64;
    let mut host = Host::new();
    host.action("REDUCE_CPU_THROTTLE", |task: Record<'_>, by: Percent| {
        if by.0 > 500_000 {
            return Err(HostError::new(format!("{} keeps half of its share", task.key_text())));
        }
        throttled = throttled.saturating_add(1);
        Ok(())
    });
    host.action("REDUCE_MEMORY_CACHE", |_: Record<'_>, _: Percent| trimmed = trimmed.saturating_add(1));
    host.action("ROUTE_TO_CHEAPER_REGION", |_: Record<'_>| {});
    host.action("REPORT_METRICS_EVERY", |_: Duration| {});
    let grants =
        ["cpu.throttle", "memory.trim", "network.route", "metrics.report"].into_iter().collect::<Grants>();
    let limits = Limits::default().fuel(1_000_000).money(20_000_000);

    let mut run = Instance::new(&program, &inputs, limits, &grants, &host)?.without_action_log();
    let report = run.run(&mut host).report().ok_or("the run stopped before its end")?;
    drop(host);

    let said = format!(
        "{}: {} fuel, {} bytes, {throttled} tasks throttled, {trimmed} trimmed\n",
        report.outcome.name(),
        report.fuel_used,
        report.memory_peak_bytes
    );
    std::io::Write::write_all(&mut std::io::stdout(), said.as_bytes())?;
    Ok(())
}
