//! The work in Rhai, which walks the syntax tree. It counts operations in any case; metered it has a limit
//! for them.

use std::any::Any;

use rhai::{AST, Array, Dynamic, INT, Map, Scope};

use crate::seen::{self, see};
use crate::task::{Makes, Run, Runs, Task, Timer, compiled, held, repeated, repeated_source};
use crate::work::{Work, tasks, text};
use crate::{Engine, Failure};

/// Only with a limit: counting is always on.
pub const ENGINES: [Engine; 1] = [Engine { name: "rhai + operations", runs }];

const PROGRAM: &str = include_str!("../programs/workloads.rhai");

fn engine() -> rhai::Engine {
    let mut engine = rhai::Engine::new();
    engine.register_fn("throttle", |row: INT, by: INT| see(|seen| seen.throttle(row, by)));
    engine.register_fn("trim", |row: INT, by: INT| see(|seen| seen.trim(row, by)));
    engine.register_fn("reroute", |row: INT| see(|seen| seen.reroute(row)));
    engine.set_max_operations(1 << 40);
    engine
}

fn rows(work: Work, set: usize) -> Dynamic {
    let tasks = tasks(work, set);
    let rows = tasks.rows().map(|[cpu_time, memory, network, row]| {
        let fields = [("cpu_time", cpu_time), ("memory", memory), ("network", network), ("id", row)];
        Dynamic::from_map(
            fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect::<Map>(),
        )
    });
    rows.collect::<Array>().into()
}

fn work_runs(work: Work) -> Result<Runs, Failure> {
    let engine = engine();
    let program = engine.compile(PROGRAM)?;
    let name = work.function();
    let argument = |set| match work {
        _ if work.is_policy() => rows(work, set),
        Work::Wordcount => text().into(),
        _ => work.argument().into(),
    };
    let arguments: Vec<Dynamic> = (0..work.sets()).map(argument).collect();
    let mut turn = 0_usize;
    Ok(Box::new(move || {
        // Values are passed by copy, which is not the program's time.
        let argument = arguments[turn % arguments.len()].clone();
        turn += 1;
        seen::reset();
        let start = Timer::start();
        let given: Dynamic = engine.call_fn(&mut Scope::new(), &program, name, (argument,))?;
        let amount = start.nanoseconds();
        Ok(Run { amount, result: given.as_int().unwrap_or_else(|_| seen::result()) })
    }))
}

fn policy() -> Result<&'static str, Failure> {
    let start = PROGRAM.find("fn policy").ok_or("no policy")?;
    Ok(PROGRAM.get(start..PROGRAM.find("fn fib").ok_or("no fib")?).ok_or("no policy")?)
}

/// Runs the sample once over no tasks; the scope is all that an instance has of its own.
fn first_result(engine: &rhai::Engine, program: &AST) -> Result<Box<dyn Any>, Failure> {
    let mut scope = Scope::new();
    engine.call_fn::<()>(&mut scope, program, "policy", (Array::new(),))?;
    Ok(Box::new(scope))
}

fn runs(task: Task) -> Result<Option<Runs>, Failure> {
    if let Task::Work(work) = task {
        return work_runs(work).map(Some);
    }
    let (engine, source) = (engine(), policy()?);
    let instances = |engine: rhai::Engine| -> Result<Makes, Failure> {
        let program = engine.compile(source)?;
        Ok(Box::new(move || first_result(&engine, &program)))
    };
    Ok(Some(match task {
        Task::Source => repeated(Box::new(move || first_result(&engine, &engine.compile(source)?))),
        Task::Instance => repeated(instances(engine)?),
        Task::Idle => held(instances(engine)?),
        Task::Compile => {
            let source = repeated_source(&source.replace("policy", "policy_@"));
            compiled(source, move |source| Ok(engine.compile(source).map(drop)?))
        }
        _ => return Ok(None),
    }))
}
