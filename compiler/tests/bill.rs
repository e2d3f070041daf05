//! The bill: what an activation, an order and a fleet cost at most, line by line, what has no bound and what
//! would give it one; and the plans of TESTs.

#![expect(clippy::panic, clippy::string_slice, reason = "test code")]

use std::collections::BTreeMap;

use swarm_bytecode::module::{Bound, Module, Polynomial};
use swarm_compiler::bound::{Wake, advice, costliest, evaluate, fleet, formula, lines};
use swarm_compiler::typed::TestStepKind;
use swarm_compiler::{Compilation, NoFiles, Options, compile_tests, compile_text_with};
use swarm_grammar::diagnostic::{Code, Fix};
use swarm_grammar::source::{SourceFile, Sources};

const PLAIN: Options = Options { tests: false, optimise: false };

fn compiled(text: &str) -> (Compilation, Module, Sources) {
    let (compilation, sources) = compile_text_with("test.swarm", text, &PLAIN);
    let diagnostics = &compilation.diagnostics;
    let module = compilation.module.clone().unwrap_or_else(|| panic!("{text}\n{diagnostics:#?}"));
    (compilation, module, sources)
}

fn applied(text: &str, fix: &Fix) -> String {
    let mut edits = fix.edits.clone();
    edits.sort_by_key(|edit| edit.span.start);
    let (mut mended, mut at) = (String::new(), 0);
    for edit in edits {
        mended.push_str(&text[at..edit.span.start as usize]);
        mended.push_str(&edit.text);
        at = edit.span.end as usize;
    }
    mended + &text[at..]
}

const ORDER: &str = "
INSTRUCTION WATCH { DEADLINE 1h  BUDGET $1_000  TARGET 100 AGENTS }
INPUT jobs: list<string> MAX 50
ACTION PAY(job: string) COSTS $0.01, 5 tokens
EVENT VOTE(from: string)
ON START { FOR EACH job IN jobs { PAY(job) } }
ON VOTE(from) MAX 20 { PAY(from) PAY(from) }
EVERY 10min { PAY(\"tick\") }
";

#[test]
fn an_order_is_the_sum_of_its_activations() {
    let (compilation, module, _) = compiled(ORDER);
    let report = &compilation.bound;
    let seen: Vec<(Wake, Option<u64>, String)> = report
        .activations
        .iter()
        .map(|one| (one.wake, one.times, formula(&one.bound.money, &module)))
        .collect();
    let expected = [
        (Wake::Start, Some(1), "10,000 × jobs".to_owned()),
        (Wake::Event(0), Some(20), "20,000".to_owned()),
        (Wake::Timer(0), Some(6), "10,000".to_owned()),
    ];
    assert_eq!(seen, expected);
    // 50 jobs, 20 votes of two payments, six ticks.
    let order = evaluate(&report.order, &module, &BTreeMap::new());
    assert_eq!(order.money, Some(10_000 * (50 + 40 + 6)));
    assert_eq!(order.tokens, Some(5 * (50 + 40 + 6)));
    assert_eq!(order.host_calls, Some(50 + 40 + 6));
    // The module has the money of the order, and the fuel of its costliest activation.
    assert_eq!(report.bound.money, report.order.money);
    let one = |at: usize| evaluate(&report.activations[at].bound, &module, &BTreeMap::new()).fuel.unwrap();
    assert_eq!(order.fuel, Some(one(0) + 20 * one(1) + 6 * one(2)));
    let most = evaluate(&module.bound, &module, &BTreeMap::new()).fuel.unwrap();
    assert!(most >= one(0).max(one(1)).max(one(2)) && most <= one(0) + one(1), "{most}");
    assert_eq!(report.activations[2].wake.text(&module), "EVERY 10min");
    assert_eq!(report.causes, []);
}

#[test]
fn a_fleet_pays_for_each_agent() {
    let (compilation, module, _) = compiled(ORDER);
    let bill = fleet(&compilation.bound, &module, None, &BTreeMap::new());
    assert_eq!(
        (bill.agents, bill.agent.money, bill.fleet.money),
        (Some(100), Some(960_000), Some(96_000_000))
    );
    assert_eq!(bill.money_share, Some(10_000_000));
    assert_eq!(bill.tokens_share, None);
    let more = fleet(&compilation.bound, &module, Some(1_000), &BTreeMap::new());
    assert_eq!((more.agents, more.money_share), (Some(1_000), Some(1_000_000)));
}

#[test]
fn the_costliest_line_comes_first() {
    let (compilation, module, _) = compiled(ORDER);
    let all = lines(&module, &compilation.facts);
    let ranked = costliest(&all, &module, &BTreeMap::new());
    let money: Vec<(u32, Option<u64>)> = ranked.iter().map(|line| (line.line, line.amounts.money)).collect();
    assert_eq!(&money[..3], [(6, Some(500_000)), (7, Some(400_000)), (8, Some(60_000))]);
    // Lines of programs that decide nothing add up to the whole.
    let sum: u64 = ranked.iter().map(|line| line.amounts.fuel.unwrap()).sum();
    assert_eq!(Some(sum), evaluate(&compilation.bound.order, &module, &BTreeMap::new()).fuel);
}

#[test]
fn a_small_budget_is_seen_before_it_is_sent() {
    let text = ORDER.replace("BUDGET $1_000", "BUDGET $50, 40_000 tokens");
    let (compilation, ..) = compiled(&text);
    let [warning] = compilation.diagnostics.as_slice() else { panic!("{:#?}", compilation.diagnostics) };
    assert_eq!(warning.code.as_str(), "W0120");
    assert_eq!(warning.message, "each agent's share of the budget is $0.5, but an agent may need $0.96");
    assert_eq!(
        warning.notes,
        [
            "ON START $0.5 + 20 × ON VOTE $0.02 + 6 × EVERY 10min $0.01 is $0.96 for each agent, $96 for 100 agents; \
             $50 for 100 agents is $0.5 each.",
            "ON START 250 tokens + 20 × ON VOTE 10 tokens + 6 × EVERY 10min 5 tokens is 480 tokens for each agent, \
             48000 tokens for 100 agents; 40000 tokens for 100 agents is 400 tokens each.",
            "An agent that has used up its share goes no further: its next call with a cost ends the run.",
        ]
    );
    let span = warning.primary.span;
    assert_eq!(&text[span.start as usize..span.end as usize], "BUDGET $50, 40_000 tokens");
}

#[test]
fn parts_of_a_budget_count_in_all_activations() {
    let codes = |budget: &str| {
        let (compilation, _) = compile_text_with(
            "test.swarm",
            format!(
                "INSTRUCTION A {{ DEADLINE 1h  BUDGET {budget} }}  EVENT VOTE(n: int)  ACTION ACT(n: int)
                 ON START {{ PHASE \"one\" WITHIN $4 {{ ACT(1) }} }}
                 ON VOTE(n) MAX 2 {{ WITHIN $2 {{ ACT(n) }} }}
                 EVERY 30min {{ WITHIN $2, 1min {{ ACT(1) }} }}"
            ),
            &PLAIN,
        );
        compilation.diagnostics.iter().map(|found| found.code.as_str()).collect::<Vec<_>>()
    };
    // START may use $4, two votes $2 each, and two ticks $2 each.
    assert_eq!(codes("$12"), Vec::<&str>::new());
    assert_eq!(codes("$11"), ["W0112"]);
    assert_eq!(codes("$3"), ["E0313"]);
}

#[test]
fn the_page_of_the_warning_holds() {
    let page = include_str!("../../docs/errors/W0120.md");
    assert!(page.starts_with("# W0120: budget below the worst case\n"));
    let programs: Vec<&str> =
        page.split("```swarm\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let codes = |text: &str| {
        let (compilation, ..) = compiled(text);
        compilation.diagnostics.iter().map(|found| found.code.as_str()).collect::<Vec<_>>()
    };
    assert_eq!(codes(programs[0]), ["W0120"]);
    assert_eq!(codes(programs[1]), Vec::<&str>::new());
    assert_eq!(codes(include_str!("../../examples/size_error/W0120_budget_too_small.swarm")), ["W0120"]);
}

/// What has no bound, with the words of the cause and whether an edit gives it one.
const UNBOUNDED: &[(&str, &str)] = &[
    (
        "INSTRUCTION A { PRIORITY LOW }  ACTION ACT()  EVERY 1min { ACT() }",
        "nothing says when EVERY 1min ends: give the INSTRUCTION a DEADLINE",
    ),
    (
        "INSTRUCTION A { }  ACTION ACT(n: string)  EVENT VOTE(from: string)  ON VOTE(from) { ACT(from) }",
        "nothing says how many events come to ON VOTE: give it a MAX",
    ),
    (
        "QUERY ask() -> int  ACTION ACT(n: int)  ON START { FOR i IN 1..ask() { ACT(i) } }",
        "this number is known only when the program runs",
    ),
    (
        "QUERY ask() -> int  ACTION ACT()  ON START { WHILE ask() > 3 MAX ask() { ACT() } }",
        "this number is known only when the program runs",
    ),
    (
        "INPUT xs: list<int> MAX 9  ACTION ACT(n: int)
         ON START { LET ys: list<int> = xs  IF len(xs) > 3 { ys = [1] }  FOR EACH y IN ys { ACT(y) } }",
        "nothing says how many items this list has: give its type a MAX",
    ),
    (
        "INPUT xs: list<int> MAX 9  ACTION ACT(n: int)  STATE last: list<int> = []
         ON START { last = xs  ACT(len(last)) }",
        "nothing says how great the STATE variable last can be",
    ),
    (
        "ACTION ACT()  EVERY 1min { ACT() }",
        "nothing says when EVERY 1min ends: give the INSTRUCTION a DEADLINE",
    ),
    (
        "QUERY ask() -> list<int>  ACTION ACT(n: int)  ON START { FOR EACH x IN ask() { ACT(x) } }",
        "nothing says how many items this list has: give its type a MAX",
    ),
    (
        "QUERY ask() -> list<int>  ACTION ACT(n: int)  ON START { LET xs = ask()  ACT(len(xs)) }",
        "nothing says how many items this answer has: give its type a MAX",
    ),
    (
        "ACTION ACT(n: int)  EVENT VOTE(xs: list<int>)  ON VOTE(xs) MAX 3 { FOR EACH x IN xs { ACT(x) } }",
        "nothing says how many items an event brings: give the type a MAX",
    ),
    (
        "ACTION ACT(n: int)  EVENT VOTE(n: int)  ON VOTE(n) MAX 3 { FOR x IN 1..n { ACT(x) } }",
        "this number is known only when the program runs",
    ),
    (
        "QUERY ask() -> int  ACTION ACT(n: int)  ON START { FOR i IN ask()..9 { ACT(i) } }",
        "the start of this range is known only when the program runs",
    ),
    (
        "QUERY owed() -> money  ACTION PAY(amount: money) COSTS amount  ON START { PAY(owed()) }",
        "a price is computed from this number, which is known only when the program runs",
    ),
    (
        "QUERY size() -> int  QUERY ask(n: int) -> string COSTS n * 10 tokens
         ACTION SAY(text: string)  ON START { SAY(ask(size() + 1)) }",
        "a price is computed from this number, which is known only when the program runs",
    ),
    (
        "INPUT xs: list<int> MAX 9  ACTION ACT(n: int)
         FUNC some(n: int) -> list<int> { LET ys: list<int> MAX 9 = [1]  RETURN ys }
         ON START { FOR EACH x IN some(3) { ACT(x) } }",
        "nothing says how many items this list has: give its type a MAX",
    ),
];

#[test]
fn what_is_unbounded_is_named_with_the_edit_that_bounds_it() {
    for (text, cause) in UNBOUNDED {
        let (compilation, _, sources) = compiled(text);
        let found = compilation.bound.causes.iter().find(|found| found.reason == *cause);
        let found = found.unwrap_or_else(|| panic!("{text}\n{:#?}", compilation.bound.causes));
        assert!(!is_bounded(&compilation.bound.order), "{text}");
        let fix = advice(found, &sources).unwrap_or_else(|| panic!("no edit for {text}"));
        let told = compilation.diagnostics.iter().find(|told| told.message == *cause);
        // What is no order may go on.
        if text.contains("INSTRUCTION") || !text.contains("EVERY") {
            let told = told.unwrap_or_else(|| panic!("{text}\n{:#?}", compilation.diagnostics));
            assert_eq!((told.code, told.primary.span.start), (Code::W0121, found.span.start), "{text}");
            assert_eq!(told.fix.as_ref(), Some(&fix), "{text}");
        } else {
            assert_eq!(told, None);
        }
        let mended = applied(text, &fix);
        let (compilation, ..) = compiled(&mended);
        assert_eq!(compilation.bound.causes, [], "{mended}");
        assert!(is_bounded(&compilation.bound.order), "{mended}");
        assert!(compilation.diagnostics.iter().all(|told| told.code != Code::W0121), "{mended}");
    }
}

fn is_bounded(bound: &Bound) -> bool {
    let all = [&bound.fuel, &bound.memory, &bound.host_calls, &bound.money, &bound.tokens];
    all.into_iter().all(|amount| *amount != Polynomial::Unbounded)
}

#[test]
fn all_that_is_unbounded_is_named_at_once() {
    let text = "QUERY ask() -> int  ACTION ACT(n: int)
        ON START { FOR i IN 1..ask() { ACT(i) }  FOR j IN 1..ask() { ACT(j) } }
        EVERY 1min { ACT(1) }  INSTRUCTION A { PRIORITY LOW }";
    let (compilation, ..) = compiled(text);
    let places: Vec<&str> = compilation
        .diagnostics
        .iter()
        .map(|told| &text[told.primary.span.start as usize..told.primary.span.end as usize])
        .collect();
    assert_eq!(places, ["ask()", "ask()", "EVERY 1min"]);
}

#[test]
fn each_host_function_has_its_share() {
    let (compilation, module, _) = compiled(
        "INPUT jobs: list<int> MAX 50  ACTION PAY(n: int) COSTS $1, 7 tokens  ACTION LOG_IT(n: int)
         INSTRUCTION A { DEADLINE 1h }
         FUNC note(n: int) { LOG_IT(n) }
         ON START {
           WITHIN $20 { FOR EACH job IN jobs { PAY(job)  note(job) } }
           IF len(jobs) > 3 { PAY(0)  LOG_IT(1) } ELSE { LOG_IT(2) }
         }
         EVERY 30min { note(1) }",
    );
    let calls: Vec<[String; 4]> = compilation
        .bound
        .calls
        .iter()
        .map(|call| {
            let text = |amount| formula(amount, &module);
            let name = module.imports[call.import.index()].name.to_string();
            [name, text(&call.count), text(&call.money), text(&call.tokens)]
        })
        .collect();
    let expected = [["PAY", "1 + jobs", "21,000,000", "7 + 7 × jobs"], ["LOG_IT", "3 + jobs", "0", "0"]];
    assert_eq!(calls, expected.map(|row| row.map(str::to_owned)));
}

#[test]
fn a_price_is_the_greatest_that_its_arguments_admit() {
    let money = |costs: &str, call: &str| {
        let (_, module, _) = compiled(&format!(
            "QUERY ask(n: int, amount: money) -> int COSTS {costs}  QUERY some() -> int  ACTION ACT(n: int)
             INPUT jobs: list<int> MAX 50
             ON START {{ FOR EACH job IN jobs {{ ACT(ask({call})) }} }}"
        ));
        formula(&module.bound.money, &module)
    };
    assert_eq!(money("amount * 2", "1, min($1 * job, $3)"), "6,000,000 × jobs");
    assert_eq!(money("$1 * n + amount", "min(job, 5), $1"), "6,000,000 × jobs");
    assert_eq!(money("amount * 150%", "1, clamp($1 * job, $0, $2)"), "3,000,000 × jobs");
    assert_eq!(money("IF n > 3 THEN $2 ELSE amount", "some(), min($1 * job, $5)"), "5,000,000 × jobs");
    assert_eq!(money("max(amount, $1 * n)", "len(jobs), $1"), "1,000,000 × jobs + 1,000,000 × jobs²");
    assert_eq!(money("max(amount, $1)", "1, $1 * job"), "unbounded");
    // Of two that are below 0 the product is above.
    assert_eq!(money("amount * n", "min(job, 5), $1"), "5,000,000 × jobs");
    assert_eq!(money("amount * n", "min(job, 5), min($1 * job, $1)"), "unbounded");
}

#[test]
fn recursion_has_no_bound() {
    let (compilation, ..) = compiled(
        "FUNC down(n: int) -> int { IF n <= 0 THEN RETURN 0; RETURN down(n - 1) }
         ACTION ACT(n: int)  ON START { ACT(down(3)) }",
    );
    let [cause] = compilation.bound.causes.as_slice() else { panic!("{:#?}", compilation.bound.causes) };
    assert_eq!(cause.reason, "recursion: this function calls itself, directly or by others");
    assert_eq!(cause.remedy, None);
}

#[test]
fn a_budget_holds_what_is_spent_in_it() {
    let pay = "INPUT jobs: list<int> MAX 1_000  ACTION PAY(n: int) COSTS $1  ACTION ACT()";
    let money = |body: &str| {
        let (compilation, module, _) = compiled(&format!("{pay} ON START {{ {body} }}"));
        formula(&compilation.bound.bound.money, &module)
    };
    assert_eq!(money("WITHIN $5 { FOR EACH job IN jobs { PAY(job) } }"), "5,000,000");
    assert_eq!(money("WITHIN $5_000 { FOR EACH job IN jobs { PAY(job) } }"), "1,000,000 × jobs");
    assert_eq!(money("WITHIN $5 { FOR EACH job IN jobs { PAY(job) } } ELSE { PAY(1) PAY(2) }"), "7,000,000");
    assert_eq!(money("WITHIN 5s { PAY(1) } ELSE { PAY(2) }"), "2,000,000");
    assert_eq!(money("RETRY 3 TIMES BACKOFF 1s PAY(1) ELSE { ACT() }"), "3,000,000");
}

#[test]
fn a_veto_is_paid_at_each_call_of_its_action() {
    let head = "INPUT jobs: list<string> MAX 10  ACTION DROP(job: string)";
    let veto = "VETO DROP(job) WHEN starts_with(job, \"keep\") BECAUSE \"it is kept\"";
    let fuel = |text: &str| {
        let (compilation, module, _) = compiled(text);
        evaluate(&compilation.bound.bound, &module, &BTreeMap::new()).fuel.unwrap()
    };
    let body = "ON START { FOR EACH job IN jobs { DROP(job) } }";
    let plain = fuel(&format!("{head} {body}"));
    let vetoed = fuel(&format!("{head} {veto} {body}"));
    // A string, a native, a return; and a unit for each 16 bytes of the longest job and the four of the part.
    assert_eq!(vetoed - plain, 10 * (1 + 4 + 1 + 4096 / 16 + 1));
}

#[test]
fn texts_are_as_long_as_their_parts() {
    let memory = |text: &str| {
        let (compilation, module, _) =
            compiled(&format!("ACTION SAY(text: string)  QUERY ask() -> string  {text}"));
        evaluate(&compilation.bound.bound, &module, &BTreeMap::new()).memory.unwrap()
    };
    // Two texts of the border, the signs around them, and what is beside: frame, actions.
    let said = memory("ON START { SAY(\"<{ask()}|{ask()}>\") }");
    assert!((3 * 4096..4 * 4096 + 500).contains(&said), "{said}");
    // Kept and read again, it is still followed: 1 KiB at most.
    let kept =
        memory("STATE last: string = \"\"  ON START { last = \"{1 + 1} times\"  SAY(\"{last}, {last}\") }");
    assert!(kept < 1_024, "{kept}");
    // A text that grows with each activation has no bound but that of all texts.
    let grows = memory("STATE last: string = \"\"  ON START { last = \"{last}.\"  SAY(last) }");
    assert!(grows > 1 << 20, "{grows}");
}

#[test]
fn filling_a_map_costs_what_its_growth_costs() {
    let head = "INPUT jobs: list<int> MAX 1_000";
    let fuel = |body: &str| {
        let (compilation, module, _) = compiled(&format!("{head} ACTION ACT(n: int) ON START {{ {body} }}"));
        formula(&compilation.bound.bound.fuel, &module)
    };
    // Without a MAX it has what was put into it: one entry a round.
    let filled =
        fuel("LET seen: map<int, int> = [:]  FOR EACH job IN jobs { seen[job] = 1 }  ACT(len(seen))");
    assert_eq!(filled, "16 + 22 × jobs");
    // With a MAX it grows to that, once, however many are put in.
    let bounded = fuel("LET seen: map<int, int> MAX 8 = [:]  FOR EACH job IN jobs { seen[job] = 1 }");
    assert_eq!(bounded, "43 + 9 × jobs");
}

#[test]
fn each_test_has_a_module_and_a_plan() {
    let text = "
INPUT jobs: list<int> MAX 50
STATE seen: int = 0
QUERY price(n: int) -> money
ACTION PAY(n: int, amount: money)
EVENT MORE(n: int)
FUNC double(n: int) -> int { RETURN n * 2 }
ON START { FOR EACH job IN jobs { PAY(job, price(job)) seen += 1 } }
ON MORE(n) MAX 5 { seen += n }
TEST \"pays\" {
  GIVEN jobs = [1, 2]
  GIVEN price(1) = $1
  GIVEN price(2) = $2
  RUN
  RUN MORE(n: 3)
  EXPECT ACTION PAY(2, $2)
  EXPECT seen == 5
}
TEST \"computes\" { EXPECT double(2) == 4 }
";
    let mut sources = Sources::new();
    let file = sources.add(SourceFile::new("test.swarm", text));
    for optimise in [false, true] {
        let tests = compile_tests(&mut sources, file, &NoFiles, &Options { optimise, ..Options::default() });
        assert_eq!(tests.diagnostics, []);
        let [pays, computes] = tests.plans.as_slice() else { panic!("{:#?}", tests.plans) };
        assert_eq!((pays.name.as_str(), computes.name.as_str()), ("pays", "computes"));
        let input = |name: &str| pays.module.inputs.iter().position(|input| input.name == name).unwrap();
        let TestStepKind::GivenInput(jobs, _) = pays.steps[0].kind else { panic!("{:?}", pays.steps) };
        assert_eq!(jobs.index(), input("jobs"));
        assert!(matches!(&pays.steps[3].kind, TestStepKind::Run));
        assert!(matches!(&pays.steps[4].kind, TestStepKind::RunEvent(0, arguments) if arguments.len() == 1));
        // Every function a line names is there, without parameters.
        for plan in &tests.plans {
            for step in &plan.steps {
                step.kind.functions(&mut |function| {
                    assert_eq!(plan.module.functions[function.index()].parameters, 0);
                });
            }
        }
        assert!(matches!(&computes.steps[0].kind, TestStepKind::Expect(_, Some(_))));
    }
}
