//! What the benchmarks share: the sample program, its tasks, and the same work in native Rust.

mod generated;

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use swarm_bytecode::types::Type;
use swarm_compiler::{NoFiles, Options, compile_ready};
use swarm_grammar::source::{SourceFile, Sources};
use swarm_vm::{Exit, Grants, Host, Inputs, Instance, Limits, Percent, Program, Record, Table, TableError};

pub use generated::generated;

/// The sample, as a governor writes it.
pub const SAMPLE: &str = include_str!("../examples/cost_optimization.swarm");

/// Tasks as columns.
#[derive(Debug, Clone, Default)]
pub struct Tasks {
    /// Nanoseconds of processor time.
    pub cpu_time: Vec<i64>,
    /// Bytes.
    pub memory: Vec<i64>,
    /// Bit/s.
    pub network: Vec<i64>,
}

impl Tasks {
    /// `count` tasks from a fixed seed. Each of the sample's three conditions holds for about 40 % of them, in random
    /// order.
    pub fn random(count: usize) -> Tasks {
        Tasks::with(count, 4_000)
    }

    /// The same with each condition true for 33 of 10,000, so that one of them is for about 1 % of the tasks.
    pub fn rare(count: usize) -> Tasks {
        Tasks::with(count, 33)
    }

    fn with(count: usize, of_10_000: i64) -> Tasks {
        let mut state = 42_u64;
        let mut value = |limit: i64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let bound = limit.saturating_mul(10_000).checked_div(10_000_i64.saturating_sub(of_10_000));
            (state >> 20).cast_signed().checked_rem(bound.unwrap_or(0)).unwrap_or(0)
        };
        let mut tasks = Tasks::default();
        for _ in 0..count {
            tasks.cpu_time.push(value(5_000_000_000));
            tasks.memory.push(value(1_000_000_000));
            tasks.network.push(value(100_000_000));
        }
        tasks
    }

    /// As a table the VM reads in place.
    ///
    /// # Errors
    /// None for tasks of this crate.
    pub fn table(&self) -> Result<Arc<Table>, TableError> {
        Table::builder()
            .strings("id", (0..self.cpu_time.len()).map(|row| format!("task-{row}")))
            .words("cpu_time", Type::Duration, self.cpu_time.clone())
            .words("memory", Type::Bytes, self.memory.clone())
            .words("network", Type::Bandwidth, self.network.clone())
            .build()
    }

    /// The sample's loop in native Rust, with the same calls; gives how many were made.
    pub fn native(&self, act: &mut dyn FnMut(u8, usize, i64)) -> u64 {
        let mut calls = 0_u64;
        for (row, ((cpu_time, memory), network)) in
            self.cpu_time.iter().zip(&self.memory).zip(&self.network).enumerate()
        {
            let mut call = |action, amount| {
                calls = calls.saturating_add(1);
                act(action, row, amount);
            };
            if *cpu_time > 5_000_000_000 {
                call(0, 200_000);
            }
            if *memory > 1_000_000_000 {
                call(1, 300_000);
            }
            if *network > 100_000_000 {
                call(2, 0);
            }
        }
        act(3, 0, 5_000_000_000);
        calls.saturating_add(1)
    }
}

/// A host whose actions only count: what is measured is the way to it.
pub fn counting_host(calls: &std::cell::Cell<u64>) -> Host<'_> {
    let count = move || calls.set(calls.get().saturating_add(1));
    let mut host = Host::new();
    host.action("REDUCE_CPU_THROTTLE", move |_: Record<'_>, _: Percent| count());
    host.action("REDUCE_MEMORY_CACHE", move |_: Record<'_>, _: Percent| count());
    host.action("ROUTE_TO_CHEAPER_REGION", move |_: Record<'_>| count());
    host.action("REPORT_METRICS_EVERY", move |_: swarm_vm::Duration| count());
    host
}

/// A run of a program over inputs, ready to go: no log of actions, no digest.
///
/// # Errors
/// The host or the inputs do not fit the program.
pub fn instance(
    program: &Program,
    inputs: &Inputs,
    host: &Host<'_>,
) -> Result<Instance, swarm_vm::LoadError> {
    let limits = Limits::default().money(1_000_000_000);
    Ok(Instance::new(program, inputs, limits, &Grants::all(), host)?.without_action_log().without_digest())
}

/// From a module's bytes to the report of one run over a table: decoded, verified, bound, run.
///
/// # Errors
/// The bytes are no module, or the table does not fit it.
pub fn first_result(bytes: &[u8], table: &Table, host: &mut Host<'_>) -> Result<Exit, Box<dyn Error>> {
    run_once(&Program::load(bytes)?, table, host)
}

/// From a program's text to the report of one run over a table: compiled, verified, bound, run.
///
/// # Errors
/// The text is no program, or the table does not fit it.
pub fn first_result_of_text(text: &str, table: &Table, host: &mut Host<'_>) -> Result<Exit, Box<dyn Error>> {
    let mut sources = Sources::new();
    let file = sources.add(SourceFile::new("program.swarm", text));
    let ready = compile_ready(&mut sources, file, &NoFiles, &Options::default());
    let program = Program::new(ready.verified.ok_or("the program does not compile")?)?;
    run_once(&program, table, host)
}

fn run_once(program: &Program, table: &Table, host: &mut Host<'_>) -> Result<Exit, Box<dyn Error>> {
    let inputs = Inputs::new(program).table("task_queue", table)?;
    Ok(instance(program, &inputs, host)?.run(host))
}

/// Nanoseconds of processor time that a piece of work takes: it is repeated for 30 ms, three times, and the
/// quickest counts. Other work on the machine does not count, where the system tells what a thread has had of
/// a processor.
///
/// # Errors
/// What the work fails with.
pub fn processor_ns<E>(mut work: impl FnMut() -> Result<(), E>) -> Result<f64, E> {
    let (begun, mut best) = (Instant::now(), f64::INFINITY);
    let now = || processor_time().unwrap_or_else(|| begun.elapsed());
    for _ in 0..3 {
        let (start, mut repeats) = (now(), 0_u32);
        while now().saturating_sub(start) < Duration::from_millis(30) {
            work()?;
            repeats = repeats.saturating_add(1);
        }
        best = best.min(now().saturating_sub(start).as_secs_f64() * 1e9 / f64::from(repeats.max(1)));
    }
    Ok(best)
}

/// What this thread has had of a processor, by Linux.
fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

/// Times two pieces of work in turn, so that a drift of the machine's speed falls on both: the median of each, in
/// nanoseconds, and the median of the ratios first ÷ second, with their quartiles.
pub fn side_by_side(rounds: u32, mut first: impl FnMut(), mut second: impl FnMut()) -> Comparison {
    let time = |work: &mut dyn FnMut()| {
        let start = Instant::now();
        let mut repeats = 0_u32;
        while start.elapsed() < Duration::from_millis(5) {
            work();
            repeats = repeats.saturating_add(1);
        }
        start.elapsed().as_secs_f64() * 1e9 / f64::from(repeats.max(1))
    };
    let (mut firsts, mut seconds, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (one, other) = (time(&mut first), time(&mut second));
        firsts.push(one);
        seconds.push(other);
        ratios.push(one / other);
    }
    Comparison {
        first_ns: quantile(&mut firsts, 2),
        second_ns: quantile(&mut seconds, 2),
        ratio: [quantile(&mut ratios, 1), quantile(&mut ratios, 2), quantile(&mut ratios, 3)],
    }
}

/// What [`side_by_side`] found.
#[derive(Debug, Clone, Copy)]
pub struct Comparison {
    /// Median of the first, in nanoseconds.
    pub first_ns: f64,
    /// Median of the second, in nanoseconds.
    pub second_ns: f64,
    /// Lower quartile, median and upper quartile of first ÷ second.
    pub ratio: [f64; 3],
}

fn quantile(values: &mut [f64], quarters: usize) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    values.get(last.saturating_mul(quarters).wrapping_div(4)).copied().unwrap_or(0.0)
}
