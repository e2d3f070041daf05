//! The work in Swarm: compiled from source, verified, and run by the interpreter with its meters on.

use std::cell::Cell;
use std::sync::Arc;

use swarm_bytecode::types::Type;
use swarm_compiler::{NoFiles, Options, compile_ready, compile_text};
use swarm_grammar::source::{SourceFile, Sources};
use swarm_vm::tier::Tier;
use swarm_vm::{Grants, Host, Inputs, Instance, Limits, Percent, Program, Record, Table};

use crate::task::{Makes, Run, Runs, Task, Timer, bytes, compiled, held, repeated};
use crate::work::{Seen, Work, tasks, text};
use crate::{Engine, Failure};

#[path = "../../generated.rs"]
mod generated;

/// With its meters on (fuel, memory, calls, money, tokens), as the other machines keep nothing of a run; and
/// as agents run it, with both.
pub const ENGINES: [Engine; 2] = [
    Engine { name: "swarm", runs: |task| runs(task, Keeps::Nothing) },
    Engine { name: "swarm + log and digest", runs: |task| runs(task, Keeps::LogAndDigest) },
];

/// On the second tier: compiled at once, compiled where it is worth it, and compiled without its meter of fuel.
#[cfg(feature = "jit")]
pub const COMPILED: [Engine; 3] = [
    Engine { name: "swarm jit", runs: |task| compiled_runs(task, swarm_jit::Jit::new()?) },
    Engine { name: "swarm auto", runs: |task| compiled_runs(task, swarm_jit::Jit::new()?.when_hot()) },
    Engine {
        name: "swarm jit, unmetered",
        runs: |task| compiled_runs(task, swarm_jit::Jit::new()?.unmetered()),
    },
];

#[cfg(feature = "jit")]
fn compiled_runs(task: Task, jit: swarm_jit::Jit) -> Result<Option<Runs>, Failure> {
    let tier: Arc<dyn Tier> = Arc::new(jit);
    match task {
        Task::Work(work) => work_runs(work, Keeps::Nothing, Some(tier)).map(Some),
        _ => Ok(None),
    }
}

/// What is kept of a run beside its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Keeps {
    /// Nothing, as in the other machines.
    Nothing,
    /// The log of actions and the digest of the trace.
    LogAndDigest,
}

fn source(work: Work) -> &'static str {
    match work {
        Work::Hostcall => include_str!("../programs/hostcall.swarm"),
        Work::Fib => include_str!("../programs/fib.swarm"),
        Work::Sieve => include_str!("../programs/sieve.swarm"),
        Work::Loop32 => include_str!("../programs/loop32.swarm"),
        Work::Mandel => include_str!("../programs/mandel.swarm"),
        Work::Wordcount => include_str!("../programs/wordcount.swarm"),
        _ => include_str!("../../../examples/cost_optimization.swarm"),
    }
}

fn inputs(program: &Program, work: Work, set: usize) -> Result<Inputs, Failure> {
    let inputs = Inputs::new(program);
    let table = match work {
        _ if work.is_policy() => {
            let tasks = tasks(work, set);
            let rows = tasks.cpu_time.len();
            let table = Table::builder()
                .strings("id", (0..rows).map(|row| format!("task-{row}")))
                .words("cpu_time", Type::Duration, tasks.cpu_time)
                .words("memory", Type::Bytes, tasks.memory)
                .words("network", Type::Bandwidth, tasks.network)
                .build()?;
            return Ok(inputs.table("task_queue", &table)?);
        }
        Work::Wordcount => return Ok(inputs.table("lines", &*Table::of_strings(text().lines())?)?),
        _ => Table::builder().words("n", Type::Int, vec![work.argument()]).build()?,
    };
    Ok(inputs.table("n", &table)?)
}

/// The host: what it saw, or the number it was given.
fn host<'h>(seen: &'h Cell<Seen>, given: &'h Cell<i64>) -> Host<'h> {
    let row = |task: Record<'_>| task.row().map_or(-1, i64::from);
    let with = move |change: fn(&mut Seen, i64, i64), row: i64, by: i64| {
        let mut now = seen.get();
        change(&mut now, row, by);
        seen.set(now);
    };
    let mut host = Host::new();
    host.action("REDUCE_CPU_THROTTLE", move |task: Record<'_>, by: Percent| {
        with(|seen, row, by| seen.throttle(row, by), row(task), by.0);
    });
    host.action("REDUCE_MEMORY_CACHE", move |task: Record<'_>, by: Percent| {
        with(|seen, row, by| seen.trim(row, by), row(task), by.0);
    });
    host.action("ROUTE_TO_CHEAPER_REGION", move |task: Record<'_>| {
        with(|seen, row, _| seen.reroute(row), row(task), 0);
    });
    host.action("REPORT_METRICS_EVERY", |_: swarm_vm::Duration| {});
    host.action("REROUTE", move |number: i64| with(|seen, row, _| seen.reroute(row), number, 0));
    host.action("RESULT", move |value: i64| given.set(value));
    host
}

fn module(source: &str) -> Result<Vec<u8>, Failure> {
    let (compilation, _) = compile_text("workload.swarm", source);
    let mut module = compilation.module.ok_or("the program does not compile")?;
    module.strip();
    Ok(module.encode())
}

fn limits() -> Limits {
    let limits = Limits::default().fuel(1 << 40).memory_bytes(1 << 30);
    limits.host_calls(1 << 40).money(1 << 40).deadline_ns(1 << 40)
}

/// One run after the other of `work`.
fn work_runs(work: Work, keeps: Keeps, tier: Option<Arc<dyn Tier>>) -> Result<Runs, Failure> {
    let program = Program::load(&module(source(work))?)?;
    let sets: Vec<Inputs> =
        (0..work.sets()).map(|set| inputs(&program, work, set)).collect::<Result<_, _>>()?;
    // For the rest of the process, as all contestants live that long.
    let seen: &'static Cell<Seen> = Box::leak(Box::default());
    let given: &'static Cell<i64> = Box::leak(Box::default());
    let mut host = host(seen, given);
    let mut turn = 0_usize;
    Ok(Box::new(move || {
        let inputs = &sets[turn % sets.len()];
        turn += 1;
        let mut run = Instance::new(&program, inputs, limits(), &Grants::all(), &host)?;
        if keeps == Keeps::Nothing {
            run = run.without_action_log().without_digest();
        }
        if let Some(tier) = &tier {
            run = run.tier(Arc::clone(tier));
        }
        seen.set(Seen::default());
        let start = Timer::start();
        let exit = run.run(&mut host);
        let amount = start.nanoseconds();
        let report = exit.report().ok_or("the run stopped before its end")?;
        if report.outcome != swarm_vm::Outcome::Done {
            return Err(format!("{}: {:?}", work.name(), report.reason).into());
        }
        Ok(Run { amount, result: if work.by_host() { seen.get().result() } else { given.get() } })
    }))
}

fn runs(task: Task, keeps: Keeps) -> Result<Option<Runs>, Failure> {
    if let Task::Work(work) = task {
        let differs = keeps == Keeps::Nothing || work.by_host();
        return if differs { work_runs(work, keeps, None).map(Some) } else { Ok(None) };
    }
    if keeps == Keeps::LogAndDigest {
        return Ok(None);
    }
    let sample = source(Work::Policy);
    let code = module(sample)?;
    Ok(Some(match task {
        Task::Size => bytes(code.len()),
        Task::Compile => compiled(generated::generated(1 << 20), |source| {
            match compile_text("workload.swarm", source).0.module {
                Some(_) => Ok(()),
                None => Err("the program does not compile".into()),
            }
        }),
        Task::Instance => repeated(instances(&code)?),
        Task::Idle => held(instances(&code)?),
        Task::Source => {
            let mut first = first_result()?;
            repeated(Box::new(move || first(&program(sample)?)))
        }
        _ => {
            let mut first = first_result()?;
            repeated(Box::new(move || first(&Program::load(&code)?)))
        }
    }))
}

/// A program that runs where it was compiled: what the verifier has read of it is not read again.
fn program(source: &str) -> Result<Program, Failure> {
    let mut sources = Sources::new();
    let file = sources.add(SourceFile::new("workload.swarm", source));
    let ready = compile_ready(&mut sources, file, &NoFiles, &Options::default());
    Ok(Program::new(ready.verified.ok_or("the program does not compile")?)?)
}

/// Runs a program once, over no tasks.
fn first_result() -> Result<impl FnMut(&Program) -> Result<Box<dyn std::any::Any>, Failure>, Failure> {
    let (seen, given) = (Box::leak(Box::default()), Box::leak(Box::default()));
    let mut host = host(seen, given);
    let table = Table::builder()
        .strings("id", std::iter::empty::<&str>())
        .words("cpu_time", Type::Duration, Vec::new())
        .words("memory", Type::Bytes, Vec::new())
        .words("network", Type::Bandwidth, Vec::new())
        .build()?;
    Ok(move |program: &Program| {
        let inputs = Inputs::new(program).table("task_queue", &*table)?;
        let run = Instance::new(program, &inputs, limits(), &Grants::all(), &host)?;
        let mut run = run.without_action_log().without_digest();
        let exit = run.run(&mut host);
        let done = exit.report().is_some_and(|report| report.outcome == swarm_vm::Outcome::Done);
        if done {
            Ok(Box::new(()) as Box<dyn std::any::Any>)
        } else {
            Err("the sample stopped before its end".into())
        }
    })
}

/// Makes instances of the loaded sample.
fn instances(code: &[u8]) -> Result<Makes, Failure> {
    let program = Program::load(code)?;
    let inputs = inputs(&program, Work::Policy, 0)?;
    let host = host(Box::leak(Box::default()), Box::leak(Box::default()));
    Ok(Box::new(move || {
        let run = Instance::new(&program, &inputs, limits(), &Grants::all(), &host)?;
        Ok(Box::new(run.without_action_log().without_digest()))
    }))
}
