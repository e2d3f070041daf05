//! The work in Starlark, with its ticks counted.

use starlark::environment::{FrozenModule, Globals, GlobalsBuilder, Module};
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::syntax::{AstModule, Dialect};
use starlark::values::UnpackValue;
use starlark::values::none::NoneType;

use crate::seen::{self, see};
use crate::task::{Run, Runs, Task, Timer, compiled, repeated, repeated_source};
use crate::work::{Work, tasks, text};
use crate::{Engine, Failure};

/// Only with ticks: what they cost is not seen beside the rest.
pub const ENGINES: [Engine; 1] = [Engine { name: "starlark + ticks", runs }];

const PROGRAM: &str = include_str!("../programs/workloads.star");

#[starlark_module]
fn host(builder: &mut GlobalsBuilder) {
    fn throttle(
        #[starlark(require = pos)] row: i64,
        #[starlark(require = pos)] by: i64,
    ) -> starlark::Result<NoneType> {
        see(|seen| seen.throttle(row, by));
        Ok(NoneType)
    }

    fn trim(
        #[starlark(require = pos)] row: i64,
        #[starlark(require = pos)] by: i64,
    ) -> starlark::Result<NoneType> {
        see(|seen| seen.trim(row, by));
        Ok(NoneType)
    }

    fn reroute(#[starlark(require = pos)] row: i64) -> starlark::Result<NoneType> {
        see(|seen| seen.reroute(row));
        Ok(NoneType)
    }
}

fn failure(error: starlark::Error) -> Failure {
    format!("{error}").into()
}

fn module(globals: &Globals, source: String) -> Result<FrozenModule, Failure> {
    let ast = AstModule::parse("work.star", source, &Dialect::Standard).map_err(failure)?;
    Module::with_temp_heap(|module| {
        Evaluator::new(&module).eval_module(ast, globals).map_err(failure)?;
        module.freeze().map_err(|error| format!("{error:?}").into())
    })
}

/// The tasks, the text, or a number.
fn data(work: Work, set: usize) -> String {
    match work {
        Work::Wordcount => format!("data = {:?}\n", text()),
        _ if work.is_policy() => {
            let tasks = tasks(work, set);
            let rows = tasks.rows().map(|[cpu_time, memory, network, row]| {
                format!(
                    "{{'id': {row}, 'cpu_time': {cpu_time}, 'memory': {memory}, 'network': {network}}},\n"
                )
            });
            format!("data = [\n{}]\n", rows.collect::<String>())
        }
        _ => format!("data = {}\n", work.argument()),
    }
}

fn call(work: &FrozenModule, data: &FrozenModule) -> Result<Run, Failure> {
    Module::with_temp_heap(|module| {
        module.import_public_symbols(work);
        module.import_public_symbols(data);
        let names = "entry = work\nargument = data\n".to_owned();
        let names = AstModule::parse("names.star", names, &Dialect::Standard).map_err(failure)?;
        let mut evaluator = Evaluator::new(&module);
        evaluator.eval_module(names, &Globals::standard()).map_err(failure)?;
        let (Some(function), Some(argument)) = (module.get("entry"), module.get("argument")) else {
            return Err("the program has no such function".into());
        };
        evaluator.set_max_tick_count(1 << 40).map_err(|error| format!("{error:?}"))?;
        seen::reset();
        let start = Timer::start();
        let value = evaluator.eval_function(function, &[argument], &[]).map_err(failure)?;
        let amount = start.nanoseconds();
        let given = i64::unpack_value(value).map_err(failure)?;
        Ok(Run { amount, result: given.unwrap_or_else(seen::result) })
    })
}

fn policy() -> &'static str {
    let end = PROGRAM.find("def wordcount").unwrap_or(PROGRAM.len());
    PROGRAM.get(PROGRAM.find("def policy").unwrap_or(0)..end).unwrap_or("")
}

/// Evaluates the sample and calls it over no tasks.
fn first_result(globals: &Globals) -> Result<Box<dyn std::any::Any>, Failure> {
    let ast = AstModule::parse("work.star", policy().to_owned(), &Dialect::Standard).map_err(failure)?;
    Module::with_temp_heap(|module| {
        let mut evaluator = Evaluator::new(&module);
        evaluator.set_max_tick_count(1 << 40).map_err(|error| format!("{error:?}"))?;
        evaluator.eval_module(ast, globals).map_err(failure)?;
        let function = module.get("policy").ok_or("the program has no such function")?;
        let none = module.heap().alloc(Vec::<i32>::new());
        evaluator.eval_function(function, &[none], &[]).map_err(failure)?;
        Ok(Box::new(()) as Box<dyn std::any::Any>)
    })
}

/// Measures `task`.
fn runs(task: Task) -> Result<Option<Runs>, Failure> {
    let globals = GlobalsBuilder::standard().with(host).build();
    Ok(Some(match task {
        Task::Work(work) => {
            let name = work.function();
            let program = module(&globals, format!("{PROGRAM}\nwork = {name}\n"))?;
            let sets = (0..work.sets()).map(|set| module(&globals, data(work, set)));
            let sets: Vec<FrozenModule> = sets.collect::<Result<_, _>>()?;
            let mut turn = 0_usize;
            Box::new(move || {
                turn += 1;
                call(&program, &sets[(turn - 1) % sets.len()])
            })
        }
        Task::Source => repeated(Box::new(move || first_result(&globals))),
        Task::Compile => {
            let source = repeated_source(&policy().replace("policy", "policy_@"));
            compiled(source, move |source| module(&globals, source.to_owned()).map(drop))
        }
        _ => return Ok(None),
    }))
}
