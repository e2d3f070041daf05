//! The work in WebAssembly, run by wasmi with its fuel on.

use wasmi::{Caller, Config, Engine, Linker, Module, Store};

use crate::work::{Seen, Work, tasks};
use crate::{Failure, Run, Runs, Timer};

fn text(work: Work) -> Option<&'static str> {
    Some(match work {
        Work::Hostcall => include_str!("../programs/hostcall.wat"),
        Work::Fib => include_str!("../programs/fib.wat"),
        Work::Sieve => include_str!("../programs/sieve.wat"),
        Work::Loop32 => include_str!("../programs/loop32.wat"),
        Work::Mandel => include_str!("../programs/mandel.wat"),
        Work::Wordcount => return None,
        _ => include_str!("../programs/policy.wat"),
    })
}

/// One task as four 64-bit integers; the last is its row.
fn rows(set: usize, matching: u64) -> Vec<u8> {
    let tasks = tasks(set, matching);
    let columns = tasks.cpu_time.iter().zip(&tasks.memory).zip(&tasks.network);
    (0_i64..)
        .zip(columns)
        .flat_map(|(row, ((cpu_time, memory), network))| [*cpu_time, *memory, *network, row])
        .flat_map(i64::to_le_bytes)
        .collect()
}

/// One run after the other of `work`, or nothing where it cannot be written by hand in a few lines.
pub fn runs(work: Work) -> Result<Option<Runs>, Failure> {
    let Some(text) = text(work) else { return Ok(None) };
    let mut config = Config::default();
    config.consume_fuel(true);
    let engine = Engine::new(&config);
    let module = Module::new(&engine, text)?;
    let mut linker: Linker<Seen> = Linker::new(&engine);
    linker.func_wrap("host", "throttle", |mut caller: Caller<'_, Seen>, row: i64, by: i64| {
        caller.data_mut().throttle(row, by);
    })?;
    linker.func_wrap("host", "trim", |mut caller: Caller<'_, Seen>, row: i64, by: i64| {
        caller.data_mut().trim(row, by);
    })?;
    linker.func_wrap("host", "reroute", |mut caller: Caller<'_, Seen>, row: i64| {
        caller.data_mut().reroute(row);
    })?;
    let mut store = Store::new(&engine, Seen::default());
    store.set_fuel(1 << 40)?;
    let instance = linker.instantiate_and_start(&mut store, &module)?;
    let run = instance.get_typed_func::<i64, i64>(&store, "run")?;
    let policy = work.is_policy();
    let sets: Vec<Vec<u8>> =
        if policy { (0..work.sets()).map(|set| rows(set, work.matching())).collect() } else { Vec::new() };
    let mut turn = 0_usize;
    Ok(Some(Box::new(move || {
        if policy && (turn == 0 || sets.len() > 1) {
            let memory = instance.get_memory(&store, "memory").ok_or("the module has no memory")?;
            memory.write(&mut store, 0, &sets[turn % sets.len()])?;
        }
        turn += 1;
        store.set_fuel(1 << 40)?;
        *store.data_mut() = Seen::default();
        let start = Timer::start();
        let given = run.call(&mut store, work.argument())?;
        let nanoseconds = start.nanoseconds();
        let by_host = policy || work == Work::Hostcall;
        Ok(Run { nanoseconds, result: if by_host { store.data().result() } else { given } })
    })))
}
