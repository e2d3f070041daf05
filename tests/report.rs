//! Reports from traces: the same figures from other bytes, what cannot be is refused, what was changed is found.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn swarmc(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_swarmc")).args(arguments).env("NO_COLOR", "1").output().unwrap()
}

fn json(arguments: &[&str]) -> Value {
    let output = swarmc(&[arguments, &["--format", "json"]].concat());
    assert!(!output.stdout.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A run in a folder of its own, and the simulator's report of it.
fn run(name: &str, file: &str, more: &[&str]) -> (PathBuf, Value) {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _gone = fs::remove_dir_all(&root);
    let folder = root.to_str().unwrap().to_owned();
    let report = json(&[&["simulate", file, "--traces", &folder], more].concat());
    (root, report)
}

const DRIFT: &str = "examples/health_recovery.swarm";

#[test]
fn the_traces_give_what_the_monitor_was_told() {
    // Of those that come to their end the monitor hears everything.
    for name in ["consensus_vote", "drift_response", "task_dispatch", "guard_veto", "vulnerability_triage"] {
        let file = format!("examples/{name}.swarm");
        let (root, told) = run(name, &file, &["--agents", "12", "--seed", "3", "--for", "20min"]);
        let folder = root.to_str().unwrap();
        let report = json(&["report", folder]);
        for member in ["accounting", "digest", "order", "version"] {
            assert_eq!(report[member], told[member], "{file}: {member}");
        }
        for member in ["fuel", "activations"] {
            assert_eq!(report["spent"][member], told["spent"][member], "{file}: {member}");
        }
        assert_eq!(report["spent"]["money"]["numerator"], told["spent"]["money"]["numerator"], "{file}");
        for (metric, figure) in told["figures"].as_object().unwrap() {
            for member in ["numerator", "p50", "p99", "max"] {
                assert_eq!(report["figures"][metric][member], figure[member], "{file}: {metric}.{member}");
            }
        }
        for (action, counts) in told["actions"].as_object().unwrap() {
            for member in ["numerator", "denominator", "failed", "vetoed"] {
                assert_eq!(report["actions"][action][member], counts[member], "{file}: {action}.{member}");
            }
        }
        assert_eq!(report["traces"]["heads"], told["traces"]["heads"], "{file}");
        assert!(report["feedback"].to_string().len() <= 2048);
        let (entries, bytes) = (&report["traces"]["entries"], &report["traces"]["bytes"]);
        let average = bytes.as_f64().unwrap() / entries.as_f64().unwrap();
        assert!(average <= 16.0, "{file}: {average} bytes an entry");
    }
}

#[test]
fn a_run_with_faults_has_sound_traces() {
    for seed in ["1", "2", "3", "4"] {
        let more = ["--agents", "40", "--seed", seed, "--for", "30min", "--faults"];
        let (root, told) = run(&format!("faults-{seed}"), "examples/cost_optimization.swarm", &more);
        let found = json(&["trace", "verify", root.to_str().unwrap()]);
        assert_eq!(found["faults"], serde_json::json!([]), "seed {seed}");
        assert_eq!(found["signatures_checked"], true);
        let report = json(&["report", root.to_str().unwrap()]);
        assert_eq!(report["accounting"], told["accounting"], "seed {seed}");
    }
}

#[test]
fn what_is_left_behind_changes_nothing_and_is_the_same_again() {
    let arguments = ["--agents", "10", "--seed", "5", "--for", "10min"];
    let (first, told) = run("again-1", DRIFT, &arguments);
    let (second, again) = run("again-2", DRIFT, &arguments);
    assert_eq!(told, again);
    assert_eq!(told, json(&[&["simulate", DRIFT], &arguments[..]].concat()));
    for file in ["plan", "records", "acks", "run.json", "traces/agent-0003"] {
        assert_eq!(fs::read(first.join(file)).unwrap(), fs::read(second.join(file)).unwrap(), "{file}");
    }
}

#[test]
fn a_report_is_held_against_its_traces() {
    let (root, _) = run("held", DRIFT, &["--agents", "10", "--seed", "5", "--for", "10min"]);
    let folder = root.to_str().unwrap();
    let mut report = json(&["report", folder, "--pot", "$100", "--minimum-sample", "2"]);
    let file = root.join("report.json");
    fs::write(&file, report.to_string()).unwrap();
    assert_eq!(json(&["report", "verify", folder])["refused"], serde_json::json!([]));
    let rewards = report["rewards"]["items"].as_array().unwrap().len();
    assert!(rewards > 0, "{}", report["leaderboard"]);
    let fuel = report["spent"]["fuel"].as_u64().unwrap();
    report["spent"]["fuel"] = (fuel + 1).into();
    fs::write(&file, report.to_string()).unwrap();
    let refused = &json(&["report", "verify", folder])["refused"];
    assert_eq!((&refused[0]["code"], &refused[0]["place"]), (&"E0677".into(), &"/spent/fuel".into()));
    assert_eq!(refused[0]["message"], format!("the report says {}, the traces {fuel}", fuel + 1));
    // A byte of a trace is enough.
    report["spent"]["fuel"] = fuel.into();
    fs::write(&file, report.to_string()).unwrap();
    let trace = root.join("traces/agent-0001");
    let mut bytes = fs::read(&trace).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&trace, bytes).unwrap();
    let output = swarmc(&["trace", "verify", folder]);
    assert_eq!(output.status.code(), Some(4));
    let refused = &json(&["report", "verify", folder])["refused"];
    assert!(refused[0]["code"].as_str().unwrap().starts_with("E066"), "{refused}");
}

#[test]
fn what_cannot_be_is_refused_with_its_place_and_both_numbers() {
    let mut files: Vec<_> =
        fs::read_dir("tests/reports").unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut said = String::new();
    for path in files {
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let output = swarmc(&["report", "verify", path.to_str().unwrap()]);
        let words = [output.stdout, output.stderr].concat();
        let words = String::from_utf8(words).unwrap();
        let code = name.split('_').next().unwrap();
        if code == "plausible" {
            assert_eq!(output.status.code(), Some(0), "{words}");
        } else {
            assert_eq!(output.status.code(), Some(4), "{name}: {words}");
            assert!(words.contains(code), "{name}: {words}");
        }
        said.push_str(&format!("{name}\n{words}\n"));
    }
    insta::assert_snapshot!(said);
}

#[test]
fn an_order_and_a_result_fit_the_schema() {
    let file = "examples/cost_optimization_v2.swarm";
    let schema: Value = serde_json::from_slice(&swarmc(&["schema", file]).stdout).unwrap();
    let order: Value =
        serde_json::from_str(&fs::read_to_string("examples/cost_optimization_v2.order.json").unwrap())
            .unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    assert!(jsonschema::draft202012::meta::is_valid(&schema));
    let fits =
        |document: &Value| validator.iter_errors(document).map(|error| error.to_string()).collect::<Vec<_>>();
    assert_eq!(fits(&order), Vec::<String>::new());
    let mut wrong = order;
    wrong["context"]["currentCost"] = 1.into();
    assert!(!validator.is_valid(&wrong), "no such CONTEXT");
    let rewards: Value =
        serde_json::from_slice(&swarmc(&["schema", "examples/reward_distribution.swarm"]).stdout).unwrap();
    let name = &rewards["title"];
    let validator = jsonschema::draft202012::new(&rewards).unwrap();
    assert!(!validator.is_valid(&serde_json::json!({ "type": name, "context": {} })), "a CONTEXT is missing");
    let small = DRIFT;
    let schema: Value = serde_json::from_slice(&swarmc(&["schema", small]).stdout).unwrap();
    let validator = jsonschema::draft202012::new(&schema).unwrap();
    let (root, told) = run("schema", small, &["--agents", "10", "--seed", "5", "--for", "10min"]);
    for feedback in [&told["feedback"], &json(&["report", root.to_str().unwrap()])["feedback"]] {
        let errors: Vec<_> = validator.iter_errors(feedback).map(|error| error.to_string()).collect();
        assert_eq!(errors, Vec::<String>::new(), "{feedback}");
    }
}
