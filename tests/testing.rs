//! What the lines of a TEST mean, through the library's runner.
#![expect(clippy::indexing_slicing, clippy::panic, reason = "test code")]

use swarmc::compiler::{NoFiles, Options, compile_tests};
use swarmc::grammar::source::{SourceFile, Sources};
use swarmc::testing::{Results, Wanted, run};

const PROGRAM: &str = r#"
QUERY price(region: string) -> money REQUIRES region.read
ACTION PAGE(who: string) REQUIRES page.send
EVENT VOTE(from: string, yes: bool)
STATE votes: int = 0
STATE ticks: int = 0
METRIC saved: money TOTAL
CONTEXT limit: money

FUNC twice(n: int) -> int { RETURN n * 2 }

ON START {
  FOR EACH task IN task_queue {
    IF task.priority > 5 { STOP "enough" }
    REQUIRE task.cost <= limit ELSE "too dear: {task.id}"
    TRY PAGE(task.id) ELSE { LOG("nobody answers {task.id}") }
    RECORD saved = price(task.region)
  }
}
EVERY 30s { ticks += 1 IF ticks == 3 { LOG("three") } }
ON VOTE(from, yes) MAX 2 { IF yes { votes += 1 } LOG("{from}: {votes}") }
VETO PAGE(who) WHEN who == "boss" BECAUSE "never"
"#;

fn run_with(tests: &str, wanted: &Wanted) -> Results {
    let mut sources = Sources::new();
    let file = sources.add(SourceFile::new("plan.swarm", format!("{PROGRAM}{tests}")));
    for optimise in [true, false] {
        let compiled =
            compile_tests(&mut sources.clone(), file, &NoFiles, &Options { tests: true, optimise });
        assert!(!compiled.plans.is_empty(), "{:?}", compiled.diagnostics);
    }
    let compiled = compile_tests(&mut sources, file, &NoFiles, &Options::default());
    run(&compiled.plans, &sources, wanted)
}

#[track_caller]
fn holds(lines: &str) {
    let results = run_with(&format!("TEST \"it\" {{\n{lines}\n}}"), &Wanted::default());
    assert!(results.tests[0].passed(), "{:?}", results.tests[0]);
}

#[track_caller]
fn fails(lines: &str, words: &str) {
    let results = run_with(&format!("TEST \"it\" {{\n{lines}\n}}"), &Wanted::default());
    let [failure, ..] = results.tests[0].failures.as_slice() else { panic!("it holds: {lines}") };
    assert!(failure.message.contains(words), "{failure:?}");
}

const ONE: &str =
    "GIVEN limit = $5\nGIVEN price(\"eu\") = $2\nGIVEN task_queue = [Task(id: \"a\", region: \"eu\")]\n";

#[test]
fn functions_need_no_run() {
    holds("EXPECT twice(2) == 4");
    fails("EXPECT twice(2) == 5", "does not hold");
    let results = run_with("TEST \"it\" { EXPECT twice(2) == 5 }", &Wanted::default());
    let sides = results.tests[0].failures[0].sides.clone();
    assert_eq!(sides.map(|(left, right)| (left.to_json(), right.to_json())), Some(("4".into(), "5".into())));
}

#[test]
fn what_is_not_given_is_empty() {
    holds("RUN\nEXPECT NO ACTIONS\nEXPECT saved == $0");
}

#[test]
fn actions_succeed_and_queries_answer_what_was_given() {
    holds(&format!("{ONE}RUN\nEXPECT ACTION PAGE(\"a\")\nEXPECT saved == $2"));
    fails(&format!("{ONE}RUN\nEXPECT NO ACTIONS"), "there was an action");
    fails(&format!("{ONE}RUN\nEXPECT ACTION PAGE(\"b\")"), "PAGE(\"b\") did not happen");
}

#[test]
fn an_action_can_be_made_to_fail() {
    holds(&format!("{ONE}GIVEN PAGE(\"a\") FAILS\nRUN\nEXPECT ACTION LOG(\"nobody answers a\")"));
}

#[test]
fn a_query_without_an_answer_fails_by_its_name() {
    fails("GIVEN limit = $5\nGIVEN task_queue = [Task(id: \"a\", region: \"us\")]\nRUN", "price(\"us\")");
}

#[test]
fn ends_are_expected_by_their_words() {
    holds("GIVEN task_queue = [Task(id: \"a\", priority: 9)]\nRUN\nEXPECT STOP \"enough\"");
    holds(
        "GIVEN task_queue = [Task(id: \"a\", cost: $9)]\nRUN\nEXPECT FAIL \"too dear: a\"\nEXPECT NO ACTIONS",
    );
    fails("GIVEN task_queue = [Task(id: \"a\", cost: $9)]\nRUN", "too dear: a");
    fails("GIVEN task_queue = [Task(id: \"a\", priority: 9)]\nRUN\nEXPECT STOP \"done\"", "other words");
    fails("RUN\nEXPECT FAIL \"x\"", "came to its end");
    fails("EXPECT STOP \"x\"", "nothing has run");
}

#[test]
fn time_is_virtual_and_events_are_activations() {
    holds("RUN FOR 2min\nEXPECT ticks == 4\nEXPECT ACTION LOG(\"three\")");
    holds("RUN\nRUN FOR 60s\nEXPECT NO ACTIONS\nRUN FOR 30s\nEXPECT ACTION LOG(\"three\")");
    holds(
        "RUN VOTE(\"x\", TRUE)\nRUN VOTE(\"y\", FALSE)\nRUN VOTE(\"z\", TRUE)\nEXPECT votes == 1\nEXPECT NO ACTIONS",
    );
    holds("GIVEN ticks = 2\nRUN FOR 30s\nEXPECT ACTION LOG(\"three\")");
}

#[test]
fn now_goes_on_with_virtual_time_however_long() {
    let lines = "GIVEN now = time(\"2026-11-20T12:00:00Z\")\nRUN FOR 7000s\nEXPECT last == time(\"2026-11-20T13:56:40Z\")";
    let more = "\nRUN TOCK()\nEXPECT last == time(\"2026-11-20T13:56:40Z\")\nRUN FOR 20s\nEXPECT last - time(\"2026-11-20T13:57:00Z\") == 0s";
    let text = format!(
        "STATE last: time = time(\"1970-01-01T00:00:00Z\")\nEVENT TOCK()\nEVERY 1s {{ last = now }}\n\
         ON TOCK() {{ last = now }}\nTEST \"clock\" {{\n{lines}{more}\n}}"
    );
    let mut sources = Sources::new();
    let file = sources.add(SourceFile::new("clock.swarm", text));
    let compiled = compile_tests(&mut sources, file, &NoFiles, &Options::default());
    let results = run(&compiled.plans, &sources, &Wanted::default());
    assert_eq!(results.tests.len(), 1, "{:?}", compiled.diagnostics);
    assert!(results.tests[0].passed(), "{:?}", results.tests[0]);
}

#[test]
fn coverage_sees_what_only_an_expect_calls() {
    let text = "FUNC size(n: int) -> int {\n  IF n > 9 {\n    RETURN 2\n  }\n  RETURN 1\n}\nON START { LOG(\"on\") }\n\
                TEST \"small\" { EXPECT size(3) == 1 }";
    let mut sources = Sources::new();
    let file = sources.add(SourceFile::new("size.swarm", text));
    let options = Options { tests: true, optimise: false };
    let compiled = compile_tests(&mut sources, file, &NoFiles, &options);
    let results = run(&compiled.plans, &sources, &Wanted { filter: None, coverage: true });
    let coverage = results.coverage.unwrap_or_default();
    let lines: Vec<(u32, bool)> = coverage.lines.iter().map(|(line, count)| (*line, *count > 0)).collect();
    assert_eq!(lines, [(2, true), (3, false), (5, true), (7, false)]);
    let ways: Vec<_> = coverage.branches.values().map(|branch| (branch.held, branch.failed)).collect();
    assert_eq!(ways, [(0, 1)]);
}

#[test]
fn vetoes_apply() {
    holds(
        "GIVEN limit = $5\nGIVEN price(\"\") = $0\nGIVEN task_queue = [Task(id: \"boss\")]\nRUN\nEXPECT ACTION LOG(\"nobody answers boss\")",
    );
}

#[test]
fn a_filter_leaves_out_and_coverage_counts() {
    let tests = "TEST \"one\" { RUN }\nTEST \"two\" { RUN FOR 30s }";
    let wanted = Wanted { filter: Some("two".into()), coverage: true };
    let results = run_with(tests, &wanted);
    assert_eq!((results.tests.len(), results.left_out, results.failed()), (1, 1, 0));
    let coverage = results.coverage.unwrap_or_default();
    let (run, all) = coverage.lines_run();
    assert!(run > 0 && run < all, "{coverage:?}");
    // The condition of EVERY did not hold once, and the one in START was never asked.
    let ticks = coverage.branches.iter().find(|((line, _), _)| *line == 20).map(|(_, branch)| *branch);
    assert_eq!(ticks.map(|branch| (branch.held, branch.failed)), Some((0, 1)), "{coverage:?}");
}
