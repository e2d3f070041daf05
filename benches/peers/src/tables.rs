//! The tables, in Markdown.

use std::fmt::Write as _;

use crate::coordinate::{Contestant, Measured};
use crate::task::Task;

/// What was measured, task by task.
pub type Results = Vec<(Task, Vec<Measured>)>;

fn found<'r>(results: &'r [Measured], name: &str) -> Option<&'r Measured> {
    results.iter().find(|measured| measured.name == name)
}

fn heading(first: &str, columns: impl Iterator<Item = String>) -> String {
    let columns: Vec<String> = columns.collect();
    format!("| {first} | {} |\n|---|{}\n", columns.join(" | "), "---:|".repeat(columns.len()))
}

/// A time in the unit that suits it.
fn time(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds {
        short if short < 1e3 => (short, "ns"),
        middle if middle < 1e6 => (middle / 1e3, "µs"),
        long => (long / 1e6, "ms"),
    };
    format!("{} {unit}", significant(value))
}

fn significant(value: f64) -> String {
    match value {
        small if small < 10.0 => format!("{small:.2}"),
        middle if middle < 100.0 => format!("{middle:.1}"),
        great => format!("{great:.0}"),
    }
}

/// Times as many as the native ones; how far apart the rounds of one contestant lie.
pub fn work(results: &Results, contestants: &[Contestant]) -> String {
    let works: Vec<&(Task, Vec<Measured>)> =
        results.iter().filter(|(task, _)| matches!(task, Task::Work(_))).collect();
    if works.is_empty() {
        return String::new();
    }
    let mut text = heading("× native", works.iter().map(|(task, _)| task.name().to_owned()));
    for contestant in contestants {
        let cell = |(_, measured): &&(Task, Vec<Measured>)| match found(measured, &contestant.name) {
            Some(own) if own.name == "native" => time(own.rounds.median),
            Some(own) => significant(own.beside_first.median),
            None => "–".to_owned(),
        };
        let cells: Vec<String> = works.iter().map(cell).collect();
        let _ = writeln!(text, "| {} | {} |", contestant.name, cells.join(" | "));
    }
    text.push_str("\nThe third quartile of these ratios ÷ the first; of native, of its times:\n\n");
    text.push_str(&heading("spread", works.iter().map(|(task, _)| task.name().to_owned())));
    for contestant in contestants {
        let cell = |(_, measured): &&(Task, Vec<Measured>)| {
            let spread = found(measured, &contestant.name).map(|measured| {
                let of = if measured.name == "native" { measured.rounds } else { measured.beside_first };
                format!("{:.2}", of.third / of.first)
            });
            spread.unwrap_or_else(|| "–".to_owned())
        };
        let cells: Vec<String> = works.iter().map(cell).collect();
        let _ = writeln!(text, "| {} | {} |", contestant.name, cells.join(" | "));
    }
    text
}

/// Times and bytes of the sample, and how fast source is compiled.
pub fn cold(results: &Results, contestants: &[Contestant]) -> String {
    let cold: Vec<&(Task, Vec<Measured>)> =
        results.iter().filter(|(task, _)| !matches!(task, Task::Work(_))).collect();
    if cold.is_empty() {
        return String::new();
    }
    let mut text = heading("the sample", cold.iter().map(|(task, _)| task.name().to_owned()));
    for contestant in contestants {
        let cell = |(task, measured): &&(Task, Vec<Measured>)| match found(measured, &contestant.name) {
            None => "–".to_owned(),
            Some(own) => match task {
                Task::Idle | Task::Size => format!("{:.0} B", own.rounds.median),
                Task::Compile => format!("{} MB/s", significant(own.result as f64 / own.rounds.median * 1e3)),
                _ => time(own.rounds.median),
            },
        };
        let cells: Vec<String> = cold.iter().map(cell).collect();
        if cells.iter().any(|cell| cell != "–") {
            let _ = writeln!(text, "| {} | {} |", contestant.name, cells.join(" | "));
        }
    }
    text
}
