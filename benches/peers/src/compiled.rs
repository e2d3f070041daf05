//! The work in WebAssembly, compiled by wasmtime with its fuel on and off.

use wasmtime::{Caller, Config, Linker, Module, Store, TypedFunc};

use crate::task::{Makes, Run, Runs, Task, Timer, bytes, held, repeated};
use crate::wasm::text;
use crate::work::{Seen, Work, tasks};
use crate::{Engine, Failure};

/// Two ways to run it.
pub const ENGINES: [Engine; 2] = [
    Engine { name: "wasmtime + fuel", runs: |task| runs(task, true) },
    Engine { name: "wasmtime", runs: |task| runs(task, false) },
];

fn linker(metered: bool) -> Result<Linker<Seen>, Failure> {
    let mut config = Config::new();
    config.consume_fuel(metered);
    let mut linker: Linker<Seen> = Linker::new(&wasmtime::Engine::new(&config)?);
    linker.func_wrap("host", "throttle", |mut caller: Caller<'_, Seen>, row: i64, by: i64| {
        caller.data_mut().throttle(row, by);
    })?;
    linker.func_wrap("host", "trim", |mut caller: Caller<'_, Seen>, row: i64, by: i64| {
        caller.data_mut().trim(row, by);
    })?;
    linker.func_wrap("host", "reroute", |mut caller: Caller<'_, Seen>, row: i64| {
        caller.data_mut().reroute(row);
    })?;
    Ok(linker)
}

/// An instance with its store.
struct Loaded {
    store: Store<Seen>,
    instance: wasmtime::Instance,
    run: TypedFunc<i64, i64>,
}

impl Loaded {
    fn new(linker: &Linker<Seen>, module: &Module, metered: bool) -> Result<Loaded, Failure> {
        let mut store = Store::new(linker.engine(), Seen::default());
        if metered {
            store.set_fuel(1 << 40)?;
        }
        let instance = linker.instantiate(&mut store, module)?;
        let run = instance.get_typed_func::<i64, i64>(&mut store, "run")?;
        Ok(Loaded { store, instance, run })
    }

    /// An instance that has run, over no tasks.
    fn first(linker: &Linker<Seen>, module: &Module, metered: bool) -> Result<Loaded, Failure> {
        let mut loaded = Loaded::new(linker, module, metered)?;
        loaded.run.call(&mut loaded.store, 0)?;
        Ok(loaded)
    }
}

/// One run after the other of `work`, or nothing where it cannot be written by hand in a few lines.
fn work_runs(work: Work, metered: bool) -> Result<Option<Runs>, Failure> {
    let Some(text) = text(work) else { return Ok(None) };
    let linker = linker(metered)?;
    let module = Module::new(linker.engine(), wat::parse_str(text)?)?;
    let mut loaded = Loaded::new(&linker, &module, metered)?;
    let sets = if work.is_policy() { work.sets() } else { 0 };
    let sets: Vec<Vec<u8>> = (0..sets).map(|set| tasks(work, set).bytes()).collect();
    let mut turn = 0_usize;
    Ok(Some(Box::new(move || {
        let Loaded { store, instance, run } = &mut loaded;
        if sets.len() > 1 || (turn == 0 && !sets.is_empty()) {
            let memory = instance.get_memory(&mut *store, "memory").ok_or("the module has no memory")?;
            memory.write(&mut *store, 0, &sets[turn % sets.len()])?;
        }
        turn += 1;
        if metered {
            store.set_fuel(1 << 40)?;
        }
        *store.data_mut() = Seen::default();
        let start = Timer::start();
        let given = run.call(&mut *store, work.argument())?;
        let amount = start.nanoseconds();
        Ok(Run { amount, result: if work.by_host() { store.data().result() } else { given } })
    })))
}

fn runs(task: Task, metered: bool) -> Result<Option<Runs>, Failure> {
    if let Task::Work(work) = task {
        return work_runs(work, metered);
    }
    let Some(sample) = text(Work::Policy) else { return Ok(None) };
    let linker = linker(metered)?;
    let code = wat::parse_str(sample)?;
    let module = Module::new(linker.engine(), &code)?;
    let instances = {
        let (linker, module) = (linker.clone(), module.clone());
        move || -> Makes { Box::new(move || Ok(Box::new(Loaded::new(&linker, &module, metered)?))) }
    };
    Ok(Some(match task {
        Task::Size => bytes(code.len()),
        Task::Instance => repeated(instances()),
        Task::Idle => held(instances()),
        Task::Bytes => {
            let artifact = module.serialize()?;
            repeated(Box::new(move || {
                #[expect(
                    unsafe_code,
                    reason = "native code is taken on trust: this process has just made it"
                )]
                let module = unsafe { Module::deserialize(linker.engine(), &artifact) }?;
                Ok(Box::new(Loaded::first(&linker, &module, metered)?))
            }))
        }
        Task::Source => repeated(Box::new(move || {
            let module = Module::new(linker.engine(), wat::parse_str(sample)?)?;
            Ok(Box::new(Loaded::first(&linker, &module, metered)?))
        })),
        Task::Compile | Task::Work(_) => return Ok(None),
    }))
}
