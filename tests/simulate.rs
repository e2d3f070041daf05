//! Simulated fleets on the command line: every example, with and without faults, and the promise of the same
//! bytes.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::process::{Command, Output};

use serde_json::Value;

fn simulate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_swarmc"))
        .arg("simulate")
        .args(arguments)
        .env("NO_COLOR", "1")
        .output()
        .unwrap()
}

fn document(arguments: &[&str]) -> Value {
    let output = simulate(&[arguments, &["--format", "json"]].concat());
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

const ONCE: &str = "tests/cli/programs/once.swarm";

fn whole(accounting: &Value) -> bool {
    let count = |name: &str| accounting[name].as_u64().unwrap();
    count("targets") == ["active", "refused", "failed", "silent"].into_iter().map(count).sum::<u64>()
}

#[test]
fn every_example_runs_in_a_fleet() {
    for entry in std::fs::read_dir("examples").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "swarm") {
            continue;
        }
        let path = path.to_str().unwrap();
        // A fleet that is asked for exactly so many has them; of all others a few will do.
        let few = !std::fs::read_to_string(path).unwrap().contains("TARGET 1159");
        let count = if few { "20" } else { "1159" };
        let report = document(&[path, "--agents", count, "--seed", "3", "--for", "25min"]);
        assert_eq!(report["violations"], serde_json::json!([]), "{path}");
        assert!(whole(&report["accounting"]), "{path}");
        assert!(report["traces"]["events"].as_u64().unwrap() > 0, "{path}");
        assert!(report["feedback"].to_string().len() <= 2048, "{path}");
    }
}

/// What an example needs that cannot be made up: a pot no larger than the budget, and someone who answers.
fn needs(path: &str) -> &'static [&'static str] {
    match path {
        "examples/reward_distribution.swarm" => &["--context", "examples/reward_distribution.context.json"],
        "examples/token_budget_orchestration.swarm" => {
            &["--answers", "examples/token_budget_orchestration.answers.jsonl"]
        }
        _ => &[],
    }
}

#[test]
fn no_example_fails_in_three_hours() {
    let mut examples = 0;
    for entry in std::fs::read_dir("examples").unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "swarm") {
            continue;
        }
        let path = path.to_str().unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        // So many agents would take long; the order for them has its own test above.
        if text.contains("TARGET 1159") {
            continue;
        }
        let count = ["30", "20", "10"].into_iter().find(|count| text.contains(&format!("TARGET {count} ")));
        let arguments = [path, "--agents", count.unwrap_or("10"), "--seed", "7", "--for", "3h"];
        let report = document(&[&arguments, needs(path)].concat());
        assert_eq!(report["exceptions"], serde_json::json!([]), "{path}");
        assert_eq!(report["accounting"]["active"], report["accounting"]["targets"], "{path}");
        examples += 1;
    }
    assert!(examples >= 11, "{examples} examples");
}

#[test]
fn a_missed_expectation_says_by_how_much() {
    let text = std::fs::read_to_string(ONCE).unwrap().replace("EXPECT paid >= 1 ", "EXPECT paid >= 90_000 ");
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/missed.swarm");
    std::fs::write(path, text).unwrap();
    let report = document(&[path, "--agents", "8"]);
    let missed = &report["feedback"]["expectations"][0];
    let paid = report["figures"]["paid"]["numerator"].as_i64().unwrap();
    assert_eq!(missed["missed_by"], (90_000 - paid).to_string());
    assert!(missed["says"].as_str().unwrap().ends_with(" short"), "{missed}");
    assert!(missed["to_change"].as_str().unwrap().contains("`paid`"), "{missed}");
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    for faults in [&[][..], &["--faults"]] {
        let arguments = |seed| [&[ONCE, "--seed", seed][..], faults].concat();
        let once = simulate(&arguments("11"));
        assert_eq!(once.stdout, simulate(&arguments("11")).stdout);
        assert_ne!(once.stdout, simulate(&arguments("12")).stdout);
        assert!(once.stderr.is_empty(), "nothing moves where there is no terminal");
    }
}

#[test]
fn faults_break_nothing_that_must_hold() {
    let mut in_doubt = 0;
    for seed in 0..12 {
        let seed = seed.to_string();
        let report = document(&[ONCE, "--seed", &seed, "--faults"]);
        assert_eq!(report["violations"], serde_json::json!([]), "seed {seed}");
        assert!(whole(&report["accounting"]), "seed {seed}");
        assert!(report["messages"]["lost"].as_u64().unwrap() > 0, "seed {seed}");
        in_doubt += report["once"]["in_doubt"].as_u64().unwrap();
    }
    assert!(in_doubt > 0, "someone died in the middle of a payment");
}

#[test]
fn figures_say_of_how_many_they_are() {
    let report = document(&[ONCE, "--agents", "8", "--seed", "2"]);
    assert_eq!(report["outcome"], "converged");
    let paid = &report["figures"]["paid"];
    assert_eq!((&paid["denominator"], &paid["unit"]), (&Value::from(8), &Value::from("agents")));
    let actions = &report["actions"]["PAY"];
    assert_eq!(actions["numerator"], report["once"]["done"], "each payment was made once");
    assert_eq!(actions["numerator"], paid["numerator"], "and recorded once");
    assert_eq!(report["expectations"][0]["holds"], true);
    assert_eq!(report["waves"][0]["error_rate"]["denominator"], 2);
}

#[test]
fn a_goal_that_is_reached_ends_the_order() {
    let text = std::fs::read_to_string(ONCE).unwrap().replace("paid >= 100_000", "paid >= 50");
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/goal.swarm");
    std::fs::write(path, text).unwrap();
    let report = document(&[path, "--agents", "20"]);
    assert_eq!(report["outcome"], "stopped");
    assert_eq!(report["accounting"]["active"], report["accounting"]["targets"]);
}

#[test]
fn a_rollback_puts_the_former_program_back() {
    let former = std::fs::read_to_string(ONCE).unwrap().replace("PAY_ONCE_v3", "PAY_ONCE_v2");
    let former_path = concat!(env!("CARGO_TARGET_TMPDIR"), "/former.swarm");
    std::fs::write(former_path, former).unwrap();
    let failing = std::fs::read_to_string(ONCE).unwrap().replace("ON START {", "ON START {\n  FAIL \"no\"");
    let failing_path = concat!(env!("CARGO_TARGET_TMPDIR"), "/failing.swarm");
    std::fs::write(failing_path, failing).unwrap();
    let output = simulate(&[failing_path, "--agents", "20", "--former", former_path]);
    assert_eq!(output.status.code(), Some(3), "an order that was rolled back has not converged");
    let words = String::from_utf8(output.stdout).unwrap();
    assert!(words.contains("rolled back") && words.contains("1 wave never went out"), "{words}");
}

#[test]
fn an_order_of_a_governor() {
    let program = "examples/cost_optimization_v2.swarm";
    let order = "examples/cost_optimization_v2.order.json";
    let report = document(&[program, "--order", order, "--for", "2min"]);
    assert_eq!(report["agents"], 1159);
    let text = std::fs::read_to_string(order).unwrap();
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/order.json");
    for (from, to, says) in [
        ("\"currentCosts\"", "\"currentCost\"", "the program has no CONTEXT `current_cost`"),
        ("COST_OPTIMIZATION_v2", "COST_OPTIMIZATION_v1", "`type` is COST_OPTIMIZATION_v1"),
        ("\"budget\": 500", "\"budget\": 501", "`context.budget` is 501, the header says $500"),
        ("7200000", "\"2d\"", "`context.deadline` is \"2d\", the header says 2h"),
        ("1159", "1158", "`target_agents` is 1158, TARGET is 1159"),
        ("\"saved\"", "\"safed\"", "the program has no METRIC `safed`"),
        ("\"timestamp\"", "\"time\"", "an order has no `time`"),
    ] {
        std::fs::write(path, text.replace(from, to)).unwrap();
        let output = simulate(&[program, "--order", path, "--for", "1min"]);
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{words}");
        assert!(words.contains("E0508") && words.contains(says), "{words}");
    }
}

#[test]
fn fewer_agents_than_the_order_is_for() {
    let output = simulate(&["examples/cost_optimization_v2.swarm", "--agents", "1158"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&output.stderr).contains("E0632"));
}
