//! Asks all contestants in turn, each in a process of its own, and compares their results with the native ones.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::Failure;
use crate::task::Task;

/// A contestant: its name, and the program that knows it.
#[derive(Debug, Clone)]
pub struct Contestant {
    /// Its name in tables.
    pub name: String,
    /// The program to start.
    pub program: PathBuf,
}

/// All contestants that these programs know, each once, in the order of the programs.
pub fn contestants(programs: &[PathBuf]) -> Result<Vec<Contestant>, Failure> {
    let mut found: Vec<Contestant> = Vec::new();
    for program in programs {
        let output = Command::new(program).arg("--list").output()?;
        for name in String::from_utf8(output.stdout)?.lines() {
            if found.iter().all(|known| known.name != name) {
                found.push(Contestant { name: name.to_owned(), program: program.clone() });
            }
        }
    }
    Ok(found)
}

/// A contestant at work.
struct Worker {
    name: String,
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// The amount of each round.
    rounds: Vec<f64>,
    result: i64,
}

impl Worker {
    fn start(contestant: &Contestant) -> Result<Worker, Failure> {
        let mut command = Command::new(&contestant.program);
        command.args(["--worker", &contestant.name]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let orders = child.stdin.take().ok_or("no way to give orders")?;
        let answers = BufReader::new(child.stdout.take().ok_or("no way to get answers")?);
        Ok(Worker { name: contestant.name.clone(), child, orders, answers, rounds: Vec::new(), result: 0 })
    }

    fn ask(&mut self, order: &str) -> Result<String, Failure> {
        writeln!(self.orders, "{order}")?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        let answer = answer.trim_end();
        if answer.is_empty() {
            Err(format!("{} fails at `{order}`", self.name).into())
        } else {
            Ok(answer.to_owned())
        }
    }

    fn round(&mut self) -> Result<(), Failure> {
        let answer = self.ask("round")?;
        let (amount, result) = answer.split_once(' ').ok_or("an answer without a result")?;
        self.rounds.push(amount.parse()?);
        self.result = result.parse()?;
        Ok(())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It ends by itself where its input does; one that hangs is ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What one contestant came to at one task.
#[derive(Debug, Clone)]
pub struct Measured {
    /// Who.
    pub name: String,
    /// Its rounds.
    pub rounds: Quartiles,
    /// Each of its rounds ÷ the first contestant's of the same turn: a drift of the machine's speed falls on both.
    pub beside_first: Quartiles,
    /// What it came to.
    pub result: i64,
}

/// A quarter of the rounds are below the first, half below the median. That lets single rounds be far off, as clocks of
/// virtual machines are now and then.
#[derive(Debug, Clone, Copy)]
pub struct Quartiles {
    /// The first quartile.
    pub first: f64,
    /// The second.
    pub median: f64,
    /// The third.
    pub third: f64,
}

impl Quartiles {
    fn of(mut rounds: Vec<f64>) -> Quartiles {
        rounds.sort_by(f64::total_cmp);
        let at = |at: usize| rounds.get(at).copied().unwrap_or(f64::NAN);
        let (quarter, count) = (rounds.len() / 4, rounds.len());
        Quartiles { first: at(quarter), median: at(count / 2), third: at(count.saturating_sub(quarter + 1)) }
    }
}

/// So many rounds of one task. The first contestant is the one whose result counts, where there is one.
pub fn measure(task: Task, contestants: &[Contestant], rounds: usize) -> Result<Vec<Measured>, Failure> {
    let mut workers = Vec::new();
    for contestant in contestants {
        let mut worker = Worker::start(contestant)?;
        if worker.ask(&format!("prepare {}", task.name()))? == "ready" {
            workers.push(worker);
        }
    }
    let count = workers.len();
    for round in 0..rounds {
        // Nobody always comes after the same one.
        for at in 0..count {
            workers[(at + round) % count].round()?;
        }
    }
    if let (Task::Work(_), Some(native)) = (task, workers.first().map(|worker| worker.result)) {
        for worker in &workers {
            if worker.result != native {
                return Err(
                    format!("{}: {} gave {}, not {native}", task.name(), worker.name, worker.result).into()
                );
            }
        }
    }
    let first = workers.first().map(|worker| worker.rounds.clone()).unwrap_or_default();
    Ok(workers.iter().map(|worker| summed_up(worker, &first)).collect())
}

fn summed_up(worker: &Worker, first: &[f64]) -> Measured {
    Measured {
        name: worker.name.clone(),
        rounds: Quartiles::of(worker.rounds.clone()),
        beside_first: Quartiles::of(
            worker.rounds.iter().zip(first).map(|(own, first)| own / first).collect(),
        ),
        result: worker.result,
    }
}
