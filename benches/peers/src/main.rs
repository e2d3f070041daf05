//! Runs the same work on Swarm, in native Rust and on other metered machines, one after the other in turn, so that a
//! drift of the machine's speed falls on all of them, and prints the ratios. Every result is compared with the native one.
//!
//! `cargo run --release -- [WORK …] [--rounds N] [--only NAME]`: all work, nine rounds, everyone who can do it; `--only`
//! leaves one beside the native one.

#[cfg(feature = "starlark")]
mod star;
mod swarm;
mod wasm;
mod work;

use std::time::{Duration, Instant};

use swarm::Keeps;
use work::{ALL, Work};

type Failure = Box<dyn std::error::Error>;
type Runs = Box<dyn FnMut() -> Result<Run, Failure>>;

/// One run: how long it took, and what it came to.
struct Run {
    nanoseconds: u64,
    result: i64,
}

/// Processor time of this thread, so that what else the machine does counts little.
struct Timer(u64);

impl Timer {
    fn now() -> u64 {
        let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
    }

    fn start() -> Timer {
        Timer(Timer::now())
    }

    fn nanoseconds(&self) -> u64 {
        Timer::now() - self.0
    }
}

/// Runs something that cannot fail.
fn timed(work: impl FnOnce() -> i64) -> Run {
    let start = Timer::start();
    let result = work();
    Run { nanoseconds: start.nanoseconds(), result }
}

/// A round of one contestant takes at least so long.
const ROUND: Duration = Duration::from_millis(20);

/// One who does the work.
struct Contestant {
    name: &'static str,
    runs: Runs,
    /// The fastest run of each round.
    rounds: Vec<f64>,
}

fn contestants(work: Work, only: Option<&str>) -> Result<Vec<Contestant>, Failure> {
    let mut found = vec![("native", work::native(work)), ("swarm", swarm::runs(work, Keeps::Nothing)?)];
    if work.is_policy() || work == Work::Hostcall {
        found.push(("swarm, log and digest", swarm::runs(work, Keeps::LogAndDigest)?));
    }
    found.extend(wasm::runs(work)?.map(|runs| ("wasmi", runs)));
    #[cfg(feature = "starlark")]
    found.extend(star::runs(work)?.map(|runs| ("starlark", runs)));
    found.retain(|(name, _)| *name == "native" || only.is_none_or(|only| *name == only));
    Ok(found.into_iter().map(|(name, runs)| Contestant { name, runs, rounds: Vec::new() }).collect())
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// The fastest run of a round, since whatever else the machine does only makes runs slower; with other data in each run,
/// the mean over the data of the fastest run on each.
fn least(times: &[f64], sets: usize) -> f64 {
    let fastest = |set: usize| times.iter().skip(set).step_by(sets).copied().fold(f64::MAX, f64::min);
    (0..sets).map(fastest).sum::<f64>() / sets as f64
}

fn measure(work: Work, rounds: usize, only: Option<&str>) -> Result<(), Failure> {
    let mut contestants = contestants(work, only)?;
    for round in 0..rounds {
        let mut expected = None;
        let count = contestants.len();
        for at in 0..count {
            // Nobody always comes after the same one, but the native result is there first.
            let at = if at == 0 { 0 } else { 1 + (at + round) % (count - 1) };
            let contestant = &mut contestants[at];
            let start = Instant::now();
            let mut times = Vec::new();
            let sets = work.sets();
            while start.elapsed() < ROUND || times.is_empty() || !times.len().is_multiple_of(sets) {
                let run = (contestant.runs)()?;
                // With other data in each run, only the first of a round can be compared.
                if times.len().is_multiple_of(sets) && *expected.get_or_insert(run.result) != run.result {
                    return Err(format!("{}: {} gave {}", work.name(), contestant.name, run.result).into());
                }
                times.push(run.nanoseconds as f64);
            }
            contestant.rounds.push(least(&times, sets));
        }
    }
    let native = median(&contestants[0].rounds);
    for contestant in &contestants {
        let own = median(&contestant.rounds);
        let (fastest, slowest) = contestant
            .rounds
            .iter()
            .fold((f64::MAX, 0.0_f64), |(low, high), round| (low.min(*round), high.max(*round)));
        println!(
            "| {} | {} | {:.1} µs | {:.1} to {:.1} | {:.2} |",
            work.name(),
            contestant.name,
            own / 1e3,
            fastest / 1e3,
            slowest / 1e3,
            own / native
        );
    }
    Ok(())
}

fn main() -> Result<(), Failure> {
    let mut rounds = 9;
    let mut only = None;
    let mut chosen = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--rounds" {
            rounds = arguments.next().ok_or("--rounds needs a number")?.parse()?;
            continue;
        }
        if argument == "--only" {
            only = Some(arguments.next().ok_or("--only needs a name")?);
            continue;
        }
        let known = ALL.into_iter().find(|work| work.name() == argument);
        chosen.push(known.ok_or_else(|| format!("there is no work `{argument}`"))?);
    }
    println!("| work | by | median | rounds | ÷ native |\n|---|---|---:|---:|---:|");
    for work in if chosen.is_empty() { ALL.to_vec() } else { chosen } {
        measure(work, rounds, only.as_deref())?;
    }
    Ok(())
}
