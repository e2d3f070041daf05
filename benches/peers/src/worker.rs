//! One contestant in a process of its own, which does what it is told, line by line: a heap and a branch
//! predictor that no other contestant has used.
//!
//! `prepare TASK` is answered by `ready` or `none`; each `round` by the amount and the result.

use std::io::{BufRead, Write};
use std::time::Instant;

use crate::task::{ROUND, Runs, Task};
use crate::work::Work;
use crate::{Engine, Failure};

/// The fastest run of a round, since whatever else the machine does only makes runs slower; with other data
/// in each run, the mean over the data of the fastest run on each.
fn least(amounts: &[f64], sets: usize) -> f64 {
    let fastest = |set: usize| amounts.iter().skip(set).step_by(sets).copied().fold(f64::MAX, f64::min);
    (0..sets).map(fastest).sum::<f64>() / sets as f64
}

/// One round: the amount, and the result, which must be the same each time; with other data in each run, that
/// of the first.
fn round(task: Task, runs: &mut Runs) -> Result<(f64, i64), Failure> {
    let sets = if let Task::Work(work) = task { Work::sets(work) } else { 1 };
    let start = Instant::now();
    let mut amounts = Vec::new();
    let mut first = None;
    while start.elapsed() < ROUND || amounts.is_empty() || !amounts.len().is_multiple_of(sets) {
        let run = runs()?;
        if amounts.len().is_multiple_of(sets) && *first.get_or_insert(run.result) != run.result {
            return Err(format!("{}: {} after {first:?}", task.name(), run.result).into());
        }
        amounts.push(run.amount);
    }
    Ok((least(&amounts, sets), first.unwrap_or(0)))
}

/// Does what standard input says, to its end.
pub fn work(engine: &Engine) -> Result<(), Failure> {
    let mut prepared: Option<(Task, Runs)> = None;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let answer = match line.strip_prefix("prepare ") {
            Some(name) => {
                let task = Task::named(name).ok_or_else(|| format!("there is no task `{name}`"))?;
                prepared = (engine.runs)(task)?.map(|runs| (task, runs));
                if prepared.is_some() { "ready".to_owned() } else { "none".to_owned() }
            }
            None => {
                let (task, runs) = prepared.as_mut().ok_or("nothing is prepared")?;
                let (amount, result) = round(*task, runs)?;
                format!("{amount} {result}")
            }
        };
        let mut out = std::io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}
