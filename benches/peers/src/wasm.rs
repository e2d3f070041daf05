//! The work in WebAssembly, run by wasmi with its fuel on and off.

use wasmi::{Caller, Config, Linker, Module, Store, TypedFunc};

use crate::task::{Makes, Run, Runs, Task, Timer, bytes, held, repeated};
use crate::work::{Seen, Work, tasks};
use crate::{Engine, Failure};

/// Two ways to run it.
pub const ENGINES: [Engine; 2] = [
    Engine { name: "wasmi + fuel", runs: |task| runs(task, true) },
    Engine { name: "wasmi", runs: |task| runs(task, false) },
];

/// A module written by hand for `work`, if there is one.
pub fn text(work: Work) -> Option<&'static str> {
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

fn engine(metered: bool) -> wasmi::Engine {
    let mut config = Config::default();
    config.consume_fuel(metered);
    wasmi::Engine::new(&config)
}

fn linker(engine: &wasmi::Engine) -> Result<Linker<Seen>, Failure> {
    let mut linker: Linker<Seen> = Linker::new(engine);
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
    instance: wasmi::Instance,
    run: TypedFunc<i64, i64>,
}

impl Loaded {
    fn new(linker: &Linker<Seen>, module: &Module, metered: bool) -> Result<Loaded, Failure> {
        let mut store = Store::new(linker.engine(), Seen::default());
        if metered {
            store.set_fuel(1 << 40)?;
        }
        let instance = linker.instantiate_and_start(&mut store, module)?;
        let run = instance.get_typed_func::<i64, i64>(&store, "run")?;
        Ok(Loaded { store, instance, run })
    }
}

/// One run after the other of `work`, or nothing where it cannot be written by hand in a few lines.
fn work_runs(work: Work, metered: bool) -> Result<Option<Runs>, Failure> {
    let Some(text) = text(work) else { return Ok(None) };
    let engine = engine(metered);
    let mut loaded = Loaded::new(&linker(&engine)?, &Module::new(&engine, text)?, metered)?;
    let sets = if work.is_policy() { work.sets() } else { 0 };
    let sets: Vec<Vec<u8>> = (0..sets).map(|set| tasks(work, set).bytes()).collect();
    let mut turn = 0_usize;
    Ok(Some(Box::new(move || {
        let Loaded { store, instance, run } = &mut loaded;
        if sets.len() > 1 || (turn == 0 && !sets.is_empty()) {
            let memory = instance.get_memory(&*store, "memory").ok_or("the module has no memory")?;
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
    let engine = engine(metered);
    let linker = linker(&engine)?;
    let code = wat::parse_str(sample)?;
    let first = move |linker: &Linker<Seen>, code: &[u8]| -> Result<_, Failure> {
        let mut loaded = Loaded::new(linker, &Module::new(linker.engine(), code)?, metered)?;
        loaded.run.call(&mut loaded.store, 0)?;
        Ok(Box::new(loaded) as _)
    };
    let instances = || -> Result<Makes, Failure> {
        let (module, linker) = (Module::new(&engine, &code[..])?, linker.clone());
        Ok(Box::new(move || Ok(Box::new(Loaded::new(&linker, &module, metered)?))))
    };
    Ok(Some(match task {
        Task::Size => bytes(code.len()),
        Task::Instance => repeated(instances()?),
        Task::Idle => held(instances()?),
        Task::Bytes => repeated(Box::new(move || first(&linker, &code))),
        Task::Source => repeated(Box::new(move || first(&linker, &wat::parse_str(sample)?))),
        _ => return Ok(None),
    }))
}
