//! The examples are what they promise: explained, formatted, without a word from the compiler, their TESTs
//! pass, and they run over the data that lies beside them.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use swarmc::compiler::compile_text;
use swarmc::grammar::format;

/// The form of an instruction that has to compile as long as the language exists, to the letter.
const FULL_FORM: &str = r#"
    INSTRUCTION COST_OPTIMIZATION_v2 {            // name and version; a lower version never replaces a higher one
      PRIORITY CRITICAL
      DEADLINE 2h
      BUDGET   $500, 2_000_000 tokens             // hard ceilings, fleet-wide
      TARGET   1159 AGENTS WHERE agent.role == "optimizer"
      ROLLOUT  1%, 10%, 100% AFTER 10min WHEN error_rate < 1% ELSE ROLLBACK
      EXPECT   saved >= $1500 BY 2h
      STOP WHEN saved >= $1500                    // in the header a metric is the fleet's, in the body this agent's
      REPORT   saved, latency, memory, cpu EVERY 5s
    }

    CONTEXT current_costs: money                  // filled from the order's "context"; currentCosts there
    CONTEXT target_costs:  money
    INPUT   task_queue: list<Task> MAX 10_000     // host data; MAX makes the cost bound a number
    METRIC  saved: money TOTAL                    // TOTAL adds up, GAUGE keeps the last, DISTRIBUTION keeps quantiles

    FUNC heavy(task: Task) -> bool { RETURN task.cpu_time > 5s OR task.memory > 1GB }

    ON START {
      LET saving = SUM task.cost FOR task IN task_queue WHERE heavy(task)
      RECORD saved = saving * 20%                 // one sample of the metric
      FOR EACH task IN task_queue WHERE heavy(task) {
        REDUCE_CPU_THROTTLE(task, 20%)
      }
    }

    STATE quiet_rounds: int = 0                   // survives from one activation to the next

    EVERY 30s {
      IF ANY heavy(t) FOR t IN task_queue { quiet_rounds = 0 } ELSE { quiet_rounds += 1 }
      IF quiet_rounds >= 10 THEN STOP "nothing left to throttle"
    }

    VETO ROUTE_TO_CHEAPER_REGION(task) WHEN task.tags CONTAINS "eu-only" BECAUSE "data residency"

    TEST "a light task is left alone" {
      GIVEN task_queue = [Task(id: "t1", cpu_time: 1s, memory: 10MB, network: 1Mbps)]
      RUN
      EXPECT NO ACTIONS
    }
"#;

/// What the compiler remarks on, on purpose: this form spends more in the worst case than its BUDGET admits.
const REMARKED: &[&str] = &["cost_optimization_v2"];

fn examples() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        fs::read_dir("examples").unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| path.extension().is_some_and(|extension| extension == "swarm"));
    found.sort();
    assert!(found.len() >= 12, "{found:?}");
    found
}

fn stem(path: &Path) -> &str {
    path.file_stem().unwrap().to_str().unwrap()
}

fn swarmc(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swarmc"));
    command.args(arguments).env("NO_COLOR", "1").env("TMPDIR", env!("CARGO_TARGET_TMPDIR"));
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn the_full_form_compiles_to_the_letter() {
    let (compilation, _) = compile_text("full.swarm", FULL_FORM);
    assert!(compilation.module.is_some(), "{:#?}", compilation.diagnostics);
    let squeeze = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let example = fs::read_to_string("examples/cost_optimization_v2.swarm").unwrap();
    assert!(squeeze(&example).ends_with(&squeeze(FULL_FORM)), "the example is another program");
}

#[test]
fn each_example_is_explained_and_formatted() {
    for path in examples() {
        let text = fs::read_to_string(&path).unwrap();
        if stem(&path) != "cost_optimization" {
            let paragraph = text.lines().take_while(|line| line.starts_with("//"));
            assert!(paragraph.count() >= 3, "{}: no paragraph at its top", path.display());
        }
        assert_eq!(format(&text).as_deref(), Ok(text.as_str()), "{}", path.display());
    }
}

#[test]
fn the_compiler_has_nothing_to_say() {
    let mut wrong = String::new();
    for path in examples().iter().filter(|path| !REMARKED.contains(&stem(path))) {
        let output = swarmc(&["check", path.to_str().unwrap()]);
        let said = said(&output);
        if !output.status.success() || said.contains("warning") {
            wrong.push_str(&said);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn each_test_passes() {
    let mut wrong = String::new();
    for path in examples() {
        let text = fs::read_to_string(&path).unwrap();
        if stem(&path) == "cost_optimization" {
            continue;
        }
        assert!(text.contains("\nTEST \""), "{}: no TEST", path.display());
        let output = swarmc(&["test", path.to_str().unwrap()]);
        if !output.status.success() {
            wrong.push_str(&said(&output));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn each_example_runs_over_the_data_beside_it() {
    for path in examples() {
        let beside = path.with_extension("json");
        let input =
            if stem(&path) == "cost_optimization" { PathBuf::from("examples/tasks.json") } else { beside };
        let context = path.with_extension("context.json");
        let mut arguments = vec!["run", path.to_str().unwrap(), "--trace-level", "off"];
        if input.exists() {
            arguments.extend(["--input", input.to_str().unwrap()]);
        }
        if context.exists() {
            arguments.extend(["--context", context.to_str().unwrap()]);
        }
        let text = fs::read_to_string(&path).unwrap();
        let answers = path.with_extension("answers.jsonl");
        if answers.exists() {
            arguments.extend(["--answers", answers.to_str().unwrap()]);
        }
        let events = path.with_extension("events.jsonl");
        if events.exists() {
            arguments.extend(["--events", events.to_str().unwrap()]);
        } else if text.contains("\nEVERY ") {
            arguments.extend(["--for", "10min"]);
        }
        let output = swarmc(&arguments);
        let said = said(&output);
        assert!(output.status.success(), "{}: {said}", path.display());
        assert!(
            said.contains("would have done") || said.contains("no actions"),
            "{}: {said}",
            path.display()
        );
    }
}

/// Seven masters and sixteen workers can spend all that the phases admit, and no budget that is smaller is
/// accepted.
#[test]
fn the_parts_of_a_budget_fit_the_whole() {
    let text = fs::read_to_string("examples/token_budget_orchestration.swarm").unwrap();
    for (budget, fits) in [("908_000 tokens", true), ("907_999 tokens", false)] {
        let text = text.replace("1_000_000 tokens", budget);
        let (compilation, _) = compile_text("orchestration.swarm", text);
        let too_small = compilation.diagnostics.iter().any(|found| found.code.as_str() == "E0313");
        assert_eq!((compilation.module.is_some(), too_small), (fits, !fits), "{budget}");
    }
    let name = |end: &str| format!("examples/token_budget_orchestration.{end}");
    let (program, input, context, answers) =
        (name("swarm"), name("json"), name("context.json"), name("answers.jsonl"));
    let data = ["--input", &input, "--context", &context, "--answers", &answers];
    let run = swarmc(&[&["run", &program, "--format", "json", "--trace-level", "off"][..], &data].concat());
    let said = said(&run);
    for part in ["\"tokens\":\"908000 tokens\"", "\"planned\":7", "\"finished\":16", "\"accepted\":16"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}

#[test]
fn each_module_of_the_library_passes_its_own_tests() {
    let mut wrong = String::new();
    for module in swarmc::stdlib::MODULES.iter().filter(|module| module.name != "prelude") {
        let output = swarmc(&["test", &format!("stdlib/{}.swarm", module.name)]);
        if !output.status.success() {
            wrong.push_str(&said(&output));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
