//! The command line as its users see it: each transcript in tests/cli/ is run and compared.
//! `TRYCMD=overwrite cargo test --test cli` writes what the commands say now; look at the difference before
//! you keep it.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

const SAMPLE: &str = "examples/cost_optimization.swarm";
const TASKS: &str = "examples/tasks.json";

#[test]
fn transcripts() {
    let cases = trycmd::TestCases::new();
    // What a test prints must not depend on the terminal or the directories of the machine it runs on.
    cases.env("NO_COLOR", "1").env("TMPDIR", env!("CARGO_TARGET_TMPDIR")).env("COLUMNS", "100");
    cases.case("tests/cli/*.trycmd").case("tests/cli/*.toml");
}

fn swarmc(arguments: &[&str], input: &[u8], environment: &[(&str, &str)]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_swarmc"))
        .args(arguments)
        .env("TMPDIR", env!("CARGO_TARGET_TMPDIR"))
        .envs(environment.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

fn document(arguments: &[&str], input: &[u8]) -> Value {
    let output = swarmc(arguments, input, &[]);
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1, "{arguments:?}: one line");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn every_command_speaks_json() {
    for arguments in [
        &["check", SAMPLE][..],
        &["check", "tests/cli/programs/many.swarm"],
        &["check", "tests/cli/programs/wide.swarm"],
        &["check", "nowhere.swarm"],
        &["compile", SAMPLE, "-o", concat!(env!("CARGO_TARGET_TMPDIR"), "/sample.bc")],
        &["run", SAMPLE, "--input", TASKS],
        &["run", SAMPLE, "--host", "processes"],
        &["replay", "tests/cli/programs/recorded.jsonl"],
        &["replay", "tests/cli/programs/recorded.jsonl", "--program", SAMPLE],
        &["replay", TASKS],
        &["run", "tests/cli/programs/units.swarm"],
        &["inspect", SAMPLE],
        &["disasm", SAMPLE],
        &["fmt", "--check", SAMPLE],
        &["check", "--fix", "--dry-run", "tests/cli/programs/slips.swarm"],
        &["test", "tests/cli/programs/tested.swarm"],
        &["cost", SAMPLE],
        &["bench", SAMPLE, "--input", TASKS, "--time", "20ms"],
        &["fuzz", "tests/cli/programs/fragile.swarm", "--runs", "50"],
        &["doc", "--std"],
        &["grammar"],
        &["explain"],
        &["explain", "E0501"],
        &["completions", "zsh"],
        &["simulate", "tests/cli/programs/once.swarm", "--agents", "10", "--for", "2min"],
        &["version"],
        &["dance"],
        &["check"],
    ] {
        let document = document(&[arguments, &["--format", "json"]].concat(), b"");
        let first = document.as_object().unwrap().iter().next().unwrap();
        assert_eq!((first.0.as_str(), first.1), ("schema_version", &Value::from(1)), "{arguments:?}");
    }
}

#[test]
fn the_contract_of_run() {
    let trace = concat!(env!("CARGO_TARGET_TMPDIR"), "/contract.jsonl");
    let arguments = ["run", SAMPLE, "--input", TASKS, "--trace", trace, "--format", "json"];
    let document = document(&arguments, b"");
    assert_eq!(document["instruction"], "cost_optimize");
    assert!(document["digest"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(document["outcome"], "done");
    assert!(document["reason"].is_null());
    assert_eq!(document["actions"][0]["name"], "REDUCE_CPU_THROTTLE");
    assert_eq!(document["actions"][0]["args"], serde_json::json!(["etl-7", "20%"]));
    assert!(document["fuel_used"].as_u64() <= document["worst_case"]["fuel"].as_u64());
    assert!(document["memory_peak_bytes"].as_u64() <= document["worst_case"]["memory_bytes"].as_u64());
    assert!(document["metrics"].is_object() && document["result"].is_null());
    assert_eq!(document["trace"]["file"], trace);
    let trace = std::fs::read_to_string(trace).unwrap();
    let last: Value = serde_json::from_str(trace.lines().last().unwrap()).unwrap();
    assert_eq!(last["digest"], document["trace_digest"]);
}

#[test]
fn a_module_runs_exactly_like_its_source() {
    let source = document(&["run", SAMPLE, "--input", TASKS, "--format", "json"], b"");
    let compiled = swarmc(&["compile", SAMPLE, "--strip", "-o", "-"], b"", &[]);
    assert_eq!(compiled.status.code(), Some(0));
    let module = document(&["run", "-", "--input", TASKS, "--format", "json"], &compiled.stdout);
    for member in ["digest", "outcome", "fuel_used", "memory_peak_bytes", "actions", "trace_digest"] {
        assert_eq!(source[member], module[member], "{member}");
    }
}

#[test]
fn standard_input_is_read_for_every_kind_of_file() {
    let text = std::fs::read(SAMPLE).unwrap();
    for command in ["check", "inspect", "disasm", "fmt"] {
        let output = swarmc(&[command, "-"], &text, &[]);
        assert_eq!(output.status.code(), Some(0), "{command}");
    }
    let tasks = std::fs::read(TASKS).unwrap();
    let output = swarmc(&["run", SAMPLE, "--input", "-", "--trace-level", "off"], &tasks, &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("cost_optimize · a dry run over <stdin>"));
}

#[test]
fn the_process_table_is_a_task_queue() {
    let document = document(&["run", SAMPLE, "--host", "processes", "--format", "json"], b"");
    assert_eq!(document["outcome"], "done");
    assert!(document["data"].as_str().unwrap().ends_with("of this machine"));
    // At least this test is a process: the worst case grows with it.
    assert!(document["worst_case"]["host_calls"].as_u64().unwrap() > 1);
}

#[test]
fn given_tasks_take_precedence_over_the_host() {
    let given = document(&["run", SAMPLE, "--input", TASKS, "--format", "json"], b"");
    let both = document(&["run", SAMPLE, "--input", TASKS, "--host", "processes", "--format", "json"], b"");
    assert_eq!(given["trace_digest"], both["trace_digest"]);
    assert_eq!(both["data"], TASKS);
}

#[test]
fn colours_only_where_they_are_wanted() {
    let arguments = ["check", "tests/cli/programs/units.swarm"];
    let plain = swarmc(&arguments, b"", &[]);
    assert!(!plain.stderr.contains(&0x1b), "a pipe gets no colours");
    let forced = swarmc(&arguments, b"", &[("CLICOLOR_FORCE", "1")]);
    assert!(forced.stderr.contains(&0x1b), "CLICOLOR_FORCE forces them");
    let silent = swarmc(&arguments, b"", &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]);
    assert!(!silent.stderr.contains(&0x1b), "NO_COLOR is never overruled");
}

#[test]
fn results_and_talk_go_their_own_ways() {
    let run = swarmc(&["run", SAMPLE, "--input", TASKS], b"", &[]);
    assert!(run.stderr.is_empty(), "a run without a warning has nothing to say beside its result");
    let check = swarmc(&["check", "tests/cli/programs/units.swarm"], b"", &[]);
    assert!(check.stdout.is_empty() && !check.stderr.is_empty());
    let module = swarmc(&["compile", SAMPLE, "-o", "-"], b"", &[]);
    assert!(module.stdout.starts_with(b"SWRM") && !module.stderr.is_empty());
}

#[test]
fn a_new_program_has_no_errors_and_its_test_holds() {
    let directory = concat!(env!("CARGO_TARGET_TMPDIR"), "/new");
    let _nothing_there = std::fs::remove_dir_all(directory);
    std::fs::create_dir_all(directory).unwrap();
    let path = format!("{directory}/first_plan.swarm");
    assert_eq!(swarmc(&["new", &path], b"", &[]).status.code(), Some(0));
    let again = swarmc(&["new", &path], b"", &[]);
    assert_eq!(again.status.code(), Some(2), "a file is never replaced");
    let checked = document(&["check", &path, "--format", "json"], b"");
    assert_eq!(checked["diagnostics"], serde_json::json!([]));
    let tested = document(&["test", &path, "--format", "json"], b"");
    assert_eq!((&tested["passed"], &tested["failed"]), (&Value::from(1), &Value::from(0)));
    let formatted = swarmc(&["fmt", "--check", &path], b"", &[]);
    assert_eq!(formatted.status.code(), Some(0), "{}", String::from_utf8_lossy(&formatted.stdout));
}

#[test]
fn fixes_are_made_in_place() {
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/slips.swarm");
    std::fs::copy("tests/cli/programs/slips.swarm", path).unwrap();
    assert_eq!(swarmc(&["check", "--fix", path], b"", &[]).status.code(), Some(0));
    assert_eq!(swarmc(&["check", path], b"", &[]).status.code(), Some(0));
    let text = std::fs::read(path).unwrap();
    let piped =
        swarmc(&["check", "--fix", "-"], &std::fs::read("tests/cli/programs/slips.swarm").unwrap(), &[]);
    assert_eq!(piped.stdout, text);
}

#[test]
fn what_fuzz_writes_fails_until_the_program_is_mended() {
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/fragile.swarm");
    std::fs::copy("tests/cli/programs/fragile.swarm", path).unwrap();
    let found = swarmc(&["fuzz", path, "--runs", "500", "--seconds", "60", "--write"], b"", &[]);
    assert_eq!(found.status.code(), Some(1));
    assert_eq!(swarmc(&["test", path], b"", &[]).status.code(), Some(1));
    let mended = std::fs::read_to_string(path)
        .unwrap()
        .replace("100 DIV task.priority", "100 DIV (task.priority + 1)");
    std::fs::write(path, mended).unwrap();
    assert_eq!(swarmc(&["test", path], b"", &[]).status.code(), Some(0));
}

#[test]
fn a_session_from_a_pipe() {
    let input = b"LET pot = $5\npot * 20%\nFUNC double(n: int) -> int {\n  RETURN n * 2\n}\ndouble(21)\n:type pot / 2h\nLOG(\"{pot}\")\n";
    let output = swarmc(&["repl"], input, &[]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, "$1  money\ndeclared double\n42  int\nmoney/duration\nLOG(\"$5\")\n");
    assert_eq!(output.status.code(), Some(0));
    let wrong = swarmc(&["repl"], b"1GB + 1s\n:dance\n", &[]);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(wrong.stdout.is_empty() && String::from_utf8_lossy(&wrong.stderr).contains("E0201"));
}

#[test]
fn a_library_is_fuzzed_function_by_function() {
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/library.swarm");
    let text = "/// A share of a count.\nFUNC part(count: int, share: percent) -> int {\n  RETURN count * (share DIV \
                0.0001%) DIV 1_000_000\n}\n\nFUNC half(count: int) -> int { RETURN count DIV 2 }\n";
    std::fs::write(path, text).unwrap();
    let arguments = ["fuzz", path, "--runs", "3000", "--seconds", "60", "--format", "json"];
    let found = document(&arguments, b"");
    assert_eq!(found["cases"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["cases"][0]["code"], "overflow");
    assert_eq!(
        swarmc(&["fuzz", path, "--runs", "3000", "--seconds", "60", "--write"], b"", &[]).status.code(),
        Some(1)
    );
    assert_eq!(
        swarmc(&["test", path], b"", &[]).status.code(),
        Some(1),
        "the TEST fails before it is mended"
    );
    let text = std::fs::read_to_string(path).unwrap();
    let mended = text.replace("count * (share DIV", "clamp(count, 0, 1_000) * (clamp(share, 0%, 100%) DIV");
    std::fs::write(path, mended).unwrap();
    assert_eq!(swarmc(&["test", path], b"", &[]).status.code(), Some(0));
    assert_eq!(swarmc(&arguments[..6], b"", &[]).status.code(), Some(0));
}

#[test]
fn fuzz_finds_what_a_program_forbids_itself() {
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/forbids.swarm");
    let program = |budget: &str, body: &str| {
        format!(
            "INSTRUCTION forbids {{\n  BUDGET {budget}\n}}\n\nINPUT task_queue: list<Task> MAX 100\n\nON START {{\n{body}\n}}\n"
        )
    };
    let spend = "  FOR EACH task IN task_queue WHERE task.priority > 3 { ROUTE_TO_CHEAPER_REGION(task) }";
    let demand = "  FOR EACH task IN task_queue { REQUIRE task.priority < 7 ELSE \"too urgent\" }";
    for (text, code) in [(program("$0.002", spend), "money"), (program("$1", demand), "fail")] {
        std::fs::write(path, text).unwrap();
        let found = document(&["fuzz", path, "--runs", "3000", "--seconds", "60", "--format", "json"], b"");
        assert_eq!(found["cases"][0]["code"], code, "{found}");
        let test = found["cases"][0]["test"].as_str().unwrap();
        // No more tasks than it takes.
        assert_eq!(test.matches("Task(").count(), if code == "money" { 3 } else { 1 }, "{test}");
        let text = format!("{}\n{test}", std::fs::read_to_string(path).unwrap());
        std::fs::write(path, text).unwrap();
        assert_eq!(swarmc(&["test", path], b"", &[]).status.code(), Some(1), "{test}");
    }
}

#[test]
fn junit_is_xml_that_counts_right() {
    let path = concat!(env!("CARGO_TARGET_TMPDIR"), "/<&>.swarm");
    let text = "FUNC start() { }\nTEST \"a < b & \\\"c\\\" \u{1F41D}\" { EXPECT 1 < 2 }\nTEST \"]]>\" { EXPECT \"<&>\" == \"\\u{7}\" }\n";
    std::fs::write(path, text.replace("\\u{7}", "x")).unwrap();
    let output = swarmc(&["test", path, "tests/cli/programs/tested.swarm", "--format", "junit"], b"", &[]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let page = String::from_utf8(output.stdout).unwrap();
    let document = roxmltree::Document::parse(&page).unwrap();
    assert_eq!(document.root_element().tag_name().name(), "testsuites");
    let suites: Vec<_> = document.root_element().children().filter(roxmltree::Node::is_element).collect();
    assert_eq!(suites.len(), 2);
    for suite in suites {
        let cases: Vec<_> = suite.children().filter(|node| node.has_tag_name("testcase")).collect();
        let failed = cases.iter().filter(|case| case.children().any(|node| node.has_tag_name("failure")));
        assert_eq!(suite.attribute("tests"), Some(cases.len().to_string().as_str()));
        assert_eq!(suite.attribute("failures"), Some(failed.count().to_string().as_str()));
        assert!(
            cases
                .iter()
                .all(|case| case.attribute("name").is_some() && case.attribute("classname").is_some())
        );
    }
    let name =
        document.descendants().find_map(|node| node.attribute("name").filter(|name| name.contains('b')));
    assert_eq!(name, Some("a < b & \"c\" \u{1F41D}"));
}

#[test]
fn limits_say_where_they_are_from() {
    let run = |more: &[&str]| {
        let program =
            ["run", "examples/cost_optimization_v2.swarm", "--trace-level", "off", "--format", "json"];
        let data = [
            "--input",
            "examples/cost_optimization_v2.json",
            "--context",
            "examples/cost_optimization_v2.context.json",
        ];
        document(&[&program[..], &data, more].concat(), b"")
    };
    let limits = run(&[])["limits"].clone();
    assert_eq!(limits["money"], serde_json::json!({ "limit": "$0.431406", "from": "BUDGET" }));
    assert_eq!(limits["tokens"], serde_json::json!({ "limit": "1725 tokens", "from": "BUDGET" }));
    assert_eq!(limits["deadline"], serde_json::json!({ "limit": "2h", "from": "DEADLINE" }));
    assert_eq!(limits["fuel"], serde_json::json!({ "limit": 10_000_000, "from": "default" }));
    let limits = run(&["--budget", "$0.0001", "--tokens", "7", "--fuel", "99_999"])["limits"].clone();
    assert_eq!(limits["money"], serde_json::json!({ "limit": "$0.0001", "from": "--budget" }));
    assert_eq!(limits["tokens"], serde_json::json!({ "limit": "7 tokens", "from": "--tokens" }));
    assert_eq!(limits["fuel"], serde_json::json!({ "limit": 99_999, "from": "--fuel" }));
    assert_eq!(run(&["--budget", "$0.0001"])["reason"]["code"], "money");
}

#[test]
fn bench_counts_what_a_run_allocates() {
    let measured = document(&["bench", SAMPLE, "--input", TASKS, "--time", "20ms", "--format", "json"], b"");
    let few = measured["allocations_per_run"]["count"].as_u64().unwrap();
    assert!(few > 0 && few < 1_000, "{measured}");
    let nothing =
        document(&["bench", "tests/cli/programs/stop.swarm", "--time", "20ms", "--format", "json"], b"");
    assert!(nothing["allocations_per_run"]["count"].as_u64().unwrap() < few, "{nothing}");
    assert!(measured["ns_per_run"]["p5"].as_f64() <= measured["ns_per_run"]["p95"].as_f64());
}

#[test]
fn documentation_is_written_for_each_module() {
    let directory = concat!(env!("CARGO_TARGET_TMPDIR"), "/doc");
    let output = swarmc(&["doc", "--std", "-o", directory, "--format", "html"], b"", &[]);
    assert_eq!(output.status.code(), Some(0));
    let page = std::fs::read_to_string(format!("{directory}/prelude.html")).unwrap();
    assert!(page.contains("<h3>REDUCE_CPU_THROTTLE</h3>"));
}

#[test]
fn optimising_changes_nothing_but_fuel() {
    let fast = document(&["run", SAMPLE, "--input", TASKS, "--format", "json"], b"");
    let plain = document(&["run", SAMPLE, "--input", TASKS, "--no-optimise", "--format", "json"], b"");
    for member in ["outcome", "actions", "metrics", "result"] {
        assert_eq!(fast[member], plain[member], "{member}");
    }
}
