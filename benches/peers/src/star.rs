//! The work in Starlark, with its ticks counted.

use std::cell::Cell;

use starlark::environment::{FrozenModule, Globals, GlobalsBuilder, Module};
use starlark::eval::Evaluator;
use starlark::starlark_module;
use starlark::syntax::{AstModule, Dialect};
use starlark::values::UnpackValue;
use starlark::values::none::NoneType;

use crate::work::{Seen, Work, tasks, text};
use crate::{Failure, Run, Runs, Timer};

thread_local! {
    static SEEN: Cell<Seen> = Cell::default();
}

fn see(change: impl FnOnce(&mut Seen)) {
    SEEN.with(|seen| {
        let mut now = seen.get();
        change(&mut now);
        seen.set(now);
    });
}

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

/// The tasks, or the text.
fn data(work: Work) -> String {
    if work == Work::Wordcount {
        return format!("data = {:?}\n", text());
    }
    let tasks = tasks(0, work.matching());
    let columns = tasks.cpu_time.iter().zip(&tasks.memory).zip(&tasks.network).enumerate();
    let rows = columns.map(|(row, ((cpu_time, memory), network))| {
        format!("{{'id': {row}, 'cpu_time': {cpu_time}, 'memory': {memory}, 'network': {network}}},\n")
    });
    format!("data = [\n{}]\n", rows.collect::<String>())
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
        SEEN.with(|seen| seen.set(Seen::default()));
        let start = Timer::start();
        let value = evaluator.eval_function(function, &[argument], &[]).map_err(failure)?;
        let nanoseconds = start.nanoseconds();
        let count = i64::unpack_value(value).map_err(failure)?;
        Ok(Run { nanoseconds, result: count.unwrap_or_else(|| SEEN.with(|seen| seen.get().result())) })
    })
}

/// One run after the other of `work`, where dictionaries and calls are what counts.
pub fn runs(work: Work) -> Result<Option<Runs>, Failure> {
    let name = match work {
        Work::Policy | Work::PolicyRare => "policy",
        Work::Hostcall => "hostcall",
        Work::Wordcount => "wordcount",
        _ => return Ok(None),
    };
    let globals = GlobalsBuilder::standard().with(host).build();
    let program = format!("{}\nwork = {name}\n", include_str!("../programs/workloads.star"));
    let program = module(&globals, program)?;
    let data = if work == Work::Hostcall { format!("data = {}\n", work.argument()) } else { data(work) };
    let data = module(&globals, data)?;
    Ok(Some(Box::new(move || call(&program, &data))))
}
