//! How close the proved worst case comes to what runs use: each example over the data beside it, against its
//! bill for data of that size. `cargo xtask soundness` prints the figures.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "test code"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Those that live on the answers of queries, which a local run has none for.
const UNANSWERED: &[&str] = &["token_budget_orchestration"];

/// How many times as much the bill says, of fuel, memory and calls; `None` where a run uses none.
type Ratios = [Option<f64>; 3];

fn swarmc(arguments: &[String]) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swarmc"));
    command.args(arguments).args(["--format", "json"]).env("TMPDIR", env!("CARGO_TARGET_TMPDIR"));
    let output = command.output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{arguments:?}: {error}\n{}", String::from_utf8_lossy(&output.stderr));
    })
}

fn json(path: &Path) -> Option<Value> {
    Some(serde_json::from_str(&fs::read_to_string(path).ok()?).unwrap())
}

/// Bytes of the longest text in it.
fn longest(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(longest).max().unwrap_or(0),
        Value::Object(members) => {
            members.iter().map(|(name, value)| longest(value).max(name.len())).max().unwrap_or(0)
        }
        _ => 0,
    }
}

/// `--size` for each list of the data.
fn sizes(bill: &Value, data: &Value) -> Vec<String> {
    let given = |name: &str, value: &Value| Some(format!("--size={name}={}", value.as_array()?.len()));
    match data {
        Value::Object(inputs) => inputs.iter().filter_map(|(name, value)| given(name, value)).collect(),
        // One list is that of the one input, which the formulas name.
        list => {
            let formula = bill["order"]["fuel"]["formula"].as_str().unwrap();
            given(formula.rsplit(" × ").next().unwrap(), list).into_iter().collect()
        }
    }
}

/// An example over the data beside it.
fn measure(path: &Path) -> Ratios {
    let stem = path.file_stem().unwrap().to_str().unwrap();
    let file = path.to_str().unwrap().to_owned();
    let input =
        if stem == "cost_optimization" { "examples/tasks.json".into() } else { path.with_extension("json") };
    let context = path.with_extension("context.json");
    let (data, given) = (json(&input).unwrap_or(Value::Null), json(&context).unwrap_or(Value::Null));

    let mut run = vec!["run".to_owned(), file.clone(), "--trace-level=off".into()];
    for (option, path) in
        [("--input", &input), ("--context", &context)].into_iter().filter(|(_, path)| path.exists())
    {
        run.extend([option.to_owned(), path.to_str().unwrap().to_owned()]);
    }
    if fs::read_to_string(path).unwrap().contains("\nEVERY ") {
        run.push("--for=10min".into());
    }
    let used = swarmc(&run);
    assert_eq!(used["outcome"], "done", "{file}: {used}");

    let cost = vec!["cost".to_owned(), file.clone()];
    let text = longest(&data).max(longest(&given)).max(1);
    let sizes = sizes(&swarmc(&cost), &data);
    let bill = swarmc(&[cost, sizes, vec![format!("--text={text}")]].concat());

    let activations = bill["activations"].as_array().unwrap();
    let most = |key: &'static str| {
        activations.iter().map(move |one| one["worst_case"][key]["at_most"].as_u64().unwrap())
    };
    let ticks = used["activations"]["ticks"].as_u64().unwrap_or(0);
    // Nothing brings an event here: START runs once, and what EVERY wakes so often.
    let times = activations.iter().map(|one| match one["wake"].as_str().unwrap() {
        "ON START" => 1,
        wake if wake.starts_with("EVERY") => ticks,
        _ => 0,
    });
    let ran: Vec<u64> = times.collect();
    let costliest =
        |key| most(key).zip(&ran).filter(|(_, ran)| **ran > 0).map(|(most, _)| most).max().unwrap();
    let calls: u64 = most("host_calls").zip(&ran).map(|(most, ran)| most * ran).sum();
    let ratio = |most: u64, used: &Value| {
        let used = used.as_u64().unwrap();
        assert!(used <= most, "{file}: {used} of {most}");
        (used > 0).then(|| most as f64 / used as f64)
    };
    [
        ratio(costliest("fuel"), &used["fuel_used"]),
        ratio(costliest("memory_bytes"), &used["memory_peak_bytes"]),
        ratio(calls, &used["host_calls"]),
    ]
}

fn median(ratios: impl Iterator<Item = Option<f64>>) -> f64 {
    let mut known: Vec<f64> = ratios.flatten().collect();
    known.sort_by(f64::total_cmp);
    known[known.len() / 2]
}

#[test]
fn the_bill_is_near_to_what_the_examples_use() {
    let mut paths: Vec<PathBuf> =
        fs::read_dir("examples").unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "swarm"));
    paths.retain(|path| !UNANSWERED.contains(&path.file_stem().unwrap().to_str().unwrap()));
    paths.sort();
    let measured: Vec<(PathBuf, Ratios)> =
        paths.into_iter().map(|path| (path.clone(), measure(&path))).collect();
    let shown = |ratio: &Option<f64>| ratio.map_or("–".to_owned(), |ratio| format!("{ratio:.2}"));
    println!("the bill for the data's sizes ÷ what the run used      fuel    memory     calls");
    for (path, ratios) in &measured {
        let [fuel, memory, calls] = ratios.each_ref().map(shown);
        println!("  {:<48} {fuel:>9} {memory:>9} {calls:>9}", path.display());
    }
    let [fuel, memory, calls] = [0, 1, 2].map(|at| median(measured.iter().map(|(_, ratios)| ratios[at])));
    println!(
        "tightness: the median of the bill ÷ use is {fuel:.2} for fuel, {memory:.2} for memory, {calls:.2} for calls"
    );
    assert!(fuel < 4.0, "fuel: {fuel}");
}
