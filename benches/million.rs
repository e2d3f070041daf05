//! A million agents in one process: one module, and for each agent an instance with inputs, limits and meters
//! of its own, run once.
//!
//! `cargo run --release -p swarm-benches --example million -- --agents 1000000 [--threads N]`

use std::cell::Cell;
use std::error::Error;
use std::io::Write;
use std::time::Instant;

use rayon::ThreadPool;
use rayon::prelude::*;
use swarm_benches::{SAMPLE, Tasks, counting_host};
use swarm_compiler::compile_text;
use swarm_vm::{Exit, Grants, Inputs, Instance, Limits, Program};

/// Tasks of an agent.
const TASKS: usize = 4;
/// Different queues; those of two agents with the same one lie apart all the same.
const QUEUES: usize = 1_000;
/// Agents that share a host, and so a place for registers.
const CHUNK: usize = 1_024;
/// Rounds of the comparison of one thread with all.
const ROUNDS: usize = 7;

type Failure = Box<dyn Error + Send + Sync>;

/// An agent: what it reads, and its run.
struct Agent {
    /// Kept for as long as the agent lives.
    _inputs: Inputs,
    run: Instance,
}

/// What a run of all agents came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    done: u64,
    calls: u64,
    fuel: u64,
}

impl Sums {
    fn with(self, other: Sums) -> Sums {
        Sums {
            done: self.done.saturating_add(other.done),
            calls: self.calls.saturating_add(other.calls),
            fuel: self.fuel.saturating_add(other.fuel),
        }
    }
}

fn main() -> Result<(), Failure> {
    let agents = number("--agents")?.unwrap_or(1_000_000);
    let threads = number("--threads")?.unwrap_or_else(rayon::current_num_threads);
    let program = program()?;
    let queues: Vec<Tasks> = (0..QUEUES).map(queue).collect();
    let (one, all) = (pool(1)?, pool(threads)?);
    let mut out = std::io::stdout().lock();

    let before = resident_bytes();
    let start = Instant::now();
    let mut fleet = all.install(|| fleet(&program, &queues, agents))?;
    let made = start.elapsed();
    let held = resident_bytes().saturating_sub(before);
    let start = Instant::now();
    let sums = all.install(|| run(&mut fleet));
    let ran = start.elapsed();
    let ended = resident_bytes().saturating_sub(before);
    check(sums, &queues, agents)?;
    let each = |bytes: usize| bytes.checked_div(agents).unwrap_or(0);
    writeln!(
        out,
        "{agents} agents on {threads} threads: made in {:.2} s, run once each in {:.2} s ({:.0} ns an agent); {} calls, {} fuel, \
         results checked",
        made.as_secs_f64(),
        ran.as_secs_f64(),
        ran.as_secs_f64() * 1e9 / agents as f64,
        sums.calls,
        sums.fuel
    )?;
    writeln!(
        out,
        "memory: {} bytes an agent before its run, inputs included, {} after it; {:.2} GB resident",
        each(held),
        each(ended),
        resident_bytes() as f64 / 1e9
    )?;
    drop(fleet);
    let (times, processors) = scaling(&program, &queues, agents.div_ceil(10), &one, &all)?;
    writeln!(
        out,
        "1 to {threads} threads: {times:.2}x as fast, for {:.2} times the processor time (medians of {ROUNDS} interleaved \
         rounds)",
        1.0 / processors
    )?;
    Ok(())
}

/// The number behind an option.
fn number(option: &str) -> Result<Option<usize>, Failure> {
    let mut arguments = std::env::args().skip_while(|argument| argument != option).skip(1);
    Ok(arguments.next().map(|number| number.replace('_', "").parse()).transpose()?)
}

fn program() -> Result<Program, Failure> {
    let (compilation, _) = compile_text("cost_optimization.swarm", SAMPLE);
    let mut module = compilation.module.ok_or("the sample does not compile")?;
    module.strip();
    Ok(Program::load(&module.encode())?)
}

fn pool(threads: usize) -> Result<ThreadPool, Failure> {
    Ok(rayon::ThreadPoolBuilder::new().num_threads(threads).build()?)
}

/// Tasks of one agent: a part of a long queue of random ones.
fn queue(number: usize) -> Tasks {
    let all = Tasks::random(TASKS.saturating_mul(QUEUES));
    let start = number.saturating_mul(TASKS);
    let part = |column: &[i64]| column.iter().skip(start).take(TASKS).copied().collect();
    Tasks { cpu_time: part(&all.cpu_time), memory: part(&all.memory), network: part(&all.network) }
}

fn queue_of(queues: &[Tasks], agent: usize) -> Option<&Tasks> {
    queues.get(agent.checked_rem(queues.len())?)
}

fn fleet(program: &Program, queues: &[Tasks], agents: usize) -> Result<Vec<Agent>, Failure> {
    let make = |agent: usize| {
        let tasks = queue_of(queues, agent).ok_or("no queue")?.table()?;
        let inputs = Inputs::new(program).table("task_queue", &tasks)?;
        let calls = Cell::new(0);
        let host = counting_host(&calls);
        let limits = Limits::default().fuel(10_000_u64.saturating_add(agent as u64));
        let run = Instance::new(program, &inputs, limits, &Grants::all(), &host)?;
        Ok(Agent { _inputs: inputs, run: run.without_action_log().without_digest() })
    };
    (0..agents).into_par_iter().with_min_len(CHUNK).map(make).collect()
}

fn run(fleet: &mut [Agent]) -> Sums {
    let chunk = |agents: &mut [Agent]| {
        let calls = Cell::new(0);
        let mut host = counting_host(&calls);
        let mut sums = Sums::default();
        for agent in agents {
            if let Exit::Finished(report) = agent.run.run(&mut host) {
                let done = u64::from(report.outcome.applies());
                sums = sums.with(Sums { done, calls: report.host_calls, fuel: report.fuel_used });
            }
        }
        // What was counted by the host and what by the meters is the same.
        if calls.get() == sums.calls { sums } else { Sums::default() }
    };
    fleet.par_chunks_mut(CHUNK).map(chunk).reduce(Sums::default, Sums::with)
}

/// Whether all came to their end with the calls that the same loop in native Rust makes.
fn check(sums: Sums, queues: &[Tasks], agents: usize) -> Result<(), Failure> {
    let native: Vec<u64> = queues.iter().map(|tasks| tasks.native(&mut |_, _, _| ())).collect();
    let calls = (0..agents).filter_map(|agent| native.get(agent.checked_rem(native.len())?)).sum::<u64>();
    if sums.done == agents as u64 && sums.calls == calls {
        return Ok(());
    }
    Err(format!("{} of {agents} done with {} calls, {calls} expected", sums.done, sums.calls).into())
}

/// How much faster all threads are than one, and how much less of the processors they take: 1 where no thread
/// is in another's way, also on a machine that has other work.
fn scaling(
    program: &Program,
    queues: &[Tasks],
    agents: usize,
    one: &ThreadPool,
    all: &ThreadPool,
) -> Result<(f64, f64), Failure> {
    let time = |pool: &ThreadPool| {
        let mut fleet = all.install(|| fleet(program, queues, agents))?;
        let (start, before) = (Instant::now(), processor_seconds());
        let sums = pool.install(|| run(&mut fleet));
        let taken = (start.elapsed().as_secs_f64(), processor_seconds() - before);
        check(sums, queues, agents)?;
        Ok::<(f64, f64), Failure>(taken)
    };
    let (mut times, mut processors) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let (first, second) = (time(one)?, time(all)?);
        times.push(first.0 / second.0);
        processors.push(first.1 / second.1);
    }
    let median = |mut ratios: Vec<f64>| {
        ratios.sort_by(f64::total_cmp);
        ratios.get(ROUNDS / 2).copied().unwrap_or(0.0)
    };
    Ok((median(times), median(processors)))
}

/// Seconds that all threads of the process have had of processors, where Linux tells.
fn processor_seconds() -> f64 {
    let nanoseconds = |thread: std::io::Result<std::fs::DirEntry>| {
        let text = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    };
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    std::time::Duration::from_nanos(threads.filter_map(nanoseconds).sum()).as_secs_f64()
}

/// Bytes of the process in memory, where the system tells.
fn resident_bytes() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').nth(1)?.parse::<usize>().ok());
    pages.unwrap_or(0).saturating_mul(4_096)
}
