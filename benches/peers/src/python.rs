//! The work in the Python of Monty. The tasks lie in a session, so that they are converted once; each call of
//! the host stops the interpreter and goes on with it.

use std::any::Any;
use std::time::Duration;

use monty::{MontyRepl, MontyRun, ReplProgress};
use monty_types::{CompileOptions, MontyObject, PrintWriter, ResourceLimits, ResourceTracker};

use crate::seen::{self, see};
use crate::task::{Run, Runs, Task, Timer, compiled, repeated, repeated_source};
use crate::work::{Work, tasks, text};
use crate::{Engine, Failure};

/// Its limits are of time and memory; it counts no steps.
pub const ENGINES: [Engine; 1] = [Engine { name: "monty + limits", runs }];

const PROGRAM: &str = include_str!("../programs/workloads.py");

fn failure(error: impl std::fmt::Debug) -> Failure {
    format!("{error:?}").into()
}

fn tracker() -> ResourceTracker {
    ResourceTracker::new(ResourceLimits::default().max_duration(Duration::from_secs(86_400)))
}

fn number(object: Option<&MontyObject>) -> i64 {
    if let Some(MontyObject::Int(number)) = object { *number } else { -1 }
}

fn rows(work: Work, set: usize) -> MontyObject {
    let tasks = tasks(work, set);
    let rows = tasks.rows().map(|[cpu_time, memory, network, row]| {
        let fields = [("cpu_time", cpu_time), ("memory", memory), ("network", network), ("id", row)];
        let fields = fields.map(|(name, value)| (MontyObject::String(name.into()), MontyObject::Int(value)));
        MontyObject::Dict(fields.to_vec().into())
    });
    MontyObject::List(rows.collect())
}

/// Answers the host's calls until the text ends.
fn finish(mut progress: ReplProgress) -> Result<(MontyRepl, MontyObject), Failure> {
    loop {
        match progress {
            ReplProgress::FunctionCall(call) => {
                let (first, second) = (number(call.args.first()), number(call.args.get(1)));
                see(|seen| match call.function_name.as_str() {
                    "throttle" => seen.throttle(first, second),
                    "trim" => seen.trim(first, second),
                    _ => seen.reroute(first),
                });
                progress = call.resume(MontyObject::None, PrintWriter::Disabled).map_err(failure)?;
            }
            ReplProgress::Complete { repl, value } => return Ok((repl, value)),
            _ => return Err("the program waits for something else".into()),
        }
    }
}

/// A session that has run a text, with these values.
fn session(text: &str, mut values: Vec<(String, MontyObject)>) -> Result<MontyRepl, Failure> {
    for name in ["throttle", "trim", "reroute"] {
        let function = MontyObject::Function { name: name.to_owned(), docstring: None };
        values.push((name.to_owned(), function));
    }
    let session = MontyRepl::new("work.py", tracker(), CompileOptions::default());
    let progress = session.feed_start(text, values, PrintWriter::Disabled).map_err(failure)?;
    Ok(finish(progress)?.0)
}

fn work_runs(work: Work) -> Result<Runs, Failure> {
    let name = work.function();
    let argument = |set| match work {
        _ if work.is_policy() => rows(work, set),
        Work::Wordcount => MontyObject::String(text()),
        _ => MontyObject::Int(work.argument()),
    };
    let values = (0..work.sets()).map(|set| (format!("data_{set}"), argument(set))).collect();
    let mut kept = Some(session(PROGRAM, values)?);
    let mut turn = 0_usize;
    Ok(Box::new(move || {
        let call = format!("{name}(data_{})", turn % work.sets());
        turn += 1;
        seen::reset();
        let session = kept.take().ok_or("the session is lost")?;
        let start = Timer::start();
        let progress = session.feed_start(&call, Vec::new(), PrintWriter::Disabled).map_err(failure)?;
        let (session, value) = finish(progress)?;
        let amount = start.nanoseconds();
        kept = Some(session);
        let result = if work.by_host() { seen::result() } else { number(Some(&value)) };
        Ok(Run { amount, result })
    }))
}

fn policy() -> Result<&'static str, Failure> {
    let start = PROGRAM.find("def policy").ok_or("no policy")?;
    Ok(PROGRAM.get(start..PROGRAM.find("def fib").ok_or("no fib")?).ok_or("no policy")?)
}

fn runs(task: Task) -> Result<Option<Runs>, Failure> {
    if let Task::Work(work) = task {
        return work_runs(work).map(Some);
    }
    let source = policy()?;
    Ok(match task {
        Task::Source => {
            let text = format!("{source}\npolicy([])\n");
            Some(repeated(Box::new(move || Ok(Box::new(session(&text, Vec::new())?) as Box<dyn Any>))))
        }
        Task::Compile => {
            let source = repeated_source(&source.replace("policy", "policy_@"));
            Some(compiled(source, |source| {
                let options = CompileOptions::default();
                MontyRun::new(source.to_owned(), "work.py", Vec::new(), options).map(drop).map_err(failure)
            }))
        }
        _ => None,
    })
}
