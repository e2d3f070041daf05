//! What one contestant is asked for, and what it gives: times of its own processor, or bytes.

use std::any::Any;
use std::time::Duration;

use crate::Failure;
use crate::work::{ALL, Work};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Task {
    /// One piece of work, prepared beforehand.
    Work(Work),
    /// From the source of the sample to its first result, over no tasks.
    Source,
    /// From the compiled form of the sample to the same.
    Bytes,
    /// A new instance of the loaded sample, ready to run.
    Instance,
    /// Bytes of heap of such an instance while it is idle.
    Idle,
    /// About 1 MB of source to what runs.
    Compile,
    /// Bytes of the compiled sample.
    Size,
}

/// What is measured beside the work.
pub const COLD: [Task; 6] =
    [Task::Source, Task::Bytes, Task::Instance, Task::Idle, Task::Compile, Task::Size];

impl Task {
    /// Its name in tables and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Task::Work(work) => work.name(),
            Task::Source => "source to first result",
            Task::Bytes => "bytes to first result",
            Task::Instance => "new instance",
            Task::Idle => "idle instance",
            Task::Compile => "compile 1 MB",
            Task::Size => "compiled size",
        }
    }

    /// The task of this name.
    pub fn named(name: &str) -> Option<Task> {
        ALL.into_iter().map(Task::Work).chain(COLD).find(|task| task.name() == name)
    }
}

/// One measurement.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// Nanoseconds, or bytes where the task is about bytes.
    pub amount: f64,
    /// What the work came to; of a compilation how many bytes of source there were.
    pub result: i64,
}

/// Measures once.
pub type Runs = Box<dyn FnMut() -> Result<Run, Failure>>;

/// Makes something that lives until it is dropped.
pub type Makes = Box<dyn FnMut() -> Result<Box<dyn Any>, Failure>>;

/// Processor time of this thread, so that what else the machine does counts little.
pub struct Timer(u64);

impl Timer {
    fn now() -> u64 {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
    }

    /// From now on.
    pub fn start() -> Timer {
        Timer(Timer::now())
    }

    /// Nanoseconds since then.
    pub fn nanoseconds(&self) -> f64 {
        (Timer::now() - self.0) as f64
    }
}

/// Runs something that cannot fail.
pub fn timed(work: impl FnOnce() -> i64) -> Run {
    let start = Timer::start();
    let result = work();
    Run { amount: start.nanoseconds(), result }
}

/// The time of one call of something short: many are timed together, and what they make is dropped in the
/// time too.
pub fn repeated(mut makes: Makes) -> Runs {
    let mut times = 1_u32;
    Box::new(move || {
        loop {
            let start = Timer::start();
            for _ in 0..times {
                drop(std::hint::black_box(makes()?));
            }
            let took = start.nanoseconds();
            if took > 200_000.0 {
                return Ok(Run { amount: took / f64::from(times), result: 0 });
            }
            times *= 2;
        }
    })
}

/// Bytes of heap that each of a thousand holds.
pub fn held(mut makes: Makes) -> Runs {
    const COUNT: usize = 1000;
    Box::new(move || {
        // What is made once for all is made before.
        let first = makes()?;
        let mut kept = Vec::with_capacity(COUNT);
        let before = crate::heap::in_use();
        for _ in 0..COUNT {
            kept.push(makes()?);
        }
        let bytes = crate::heap::in_use().saturating_sub(before);
        drop((first, kept));
        Ok(Run { amount: bytes as f64 / COUNT as f64, result: 0 })
    })
}

/// A number of bytes.
pub fn bytes(amount: usize) -> Runs {
    Box::new(move || Ok(Run { amount: amount as f64, result: 0 }))
}

/// The function of a program again and again, each time with another number in the place of `@`, to about 1 MB.
#[cfg(any(feature = "lua54", feature = "luau", feature = "rhai", feature = "monty", feature = "starlark"))]
pub fn repeated_source(function: &str) -> String {
    let mut text = String::new();
    for number in 0.. {
        if text.len() >= 1 << 20 {
            break;
        }
        text.push_str(&function.replace('@', &number.to_string()));
        text.push('\n');
    }
    text
}

/// How long a compilation takes; its result is the length of its source.
pub fn compiled(source: String, mut compile: impl FnMut(&str) -> Result<(), Failure> + 'static) -> Runs {
    Box::new(move || {
        let start = Timer::start();
        compile(&source)?;
        Ok(Run { amount: start.nanoseconds(), result: source.len() as i64 })
    })
}

/// A round of one contestant takes at least so long.
pub const ROUND: Duration = Duration::from_millis(20);
