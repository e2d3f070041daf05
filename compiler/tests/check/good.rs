//! Programs without a fault: each is checked without a word, and the typed program says what it should.

use swarm_bytecode::module::{Amount, Effect, Priority, TargetCount};
use swarm_bytecode::types::TypeId;
use swarm_compiler::typed::{ExprKind, Program, StatementKind};

use crate::common::{render, root, run_on};

fn good(text: &str) -> Program {
    let (checked, sources) = run_on(text);
    let words: Vec<String> = checked.diagnostics.iter().map(|found| render(found, &sources)).collect();
    assert!(words.is_empty(), "{text}\n{}", words.join("\n"));
    checked.program.expect("a program without diagnostics is complete")
}

/// A program around statements.
fn start(statements: &str) -> String {
    format!("METRIC saved: money TOTAL\nMETRIC load: percent GAUGE\nON START {{\n{statements}\n}}\n")
}

#[test]
fn the_sample_is_fine() {
    let text = std::fs::read_to_string(root().join("examples/cost_optimization.swarm")).unwrap();
    let program = good(&text);
    assert_eq!(program.instruction.name, "cost_optimize");
    assert_eq!(program.instruction.version, 1);
    assert_eq!(program.functions[program.entry.0 as usize].name, "cost_optimize");
}

#[test]
fn statements_of_every_kind() {
    let bodies = [
        "LET x = 1\nLET y: float = x\nIF y > 0.5 { LOG(\"a\") } ELSE IF x == 1 { LOG(\"b\") } ELSE { LOG(\"c\") }",
        "IF LET dear = MAX t.cost FOR t IN task_queue { RECORD saved = dear }",
        "IF LET l = load THEN RECORD load = l * 50%",
        "FOR EACH i, t IN task_queue WHERE t.memory > 1GB AND i < 10 { REDUCE_MEMORY_CACHE(t, by: 10%) }",
        "LET n = 0\nFOR i IN 1..10 { IF i MOD 2 == 0 THEN CONTINUE n += i IF n > 20 THEN BREAK }\nIF n > 3 THEN LOG(\"n\")",
        "LET n = 100\nWHILE n > 1 MAX 7 { n = n DIV 2 }\nIF n == 1 THEN STOP \"one\"",
        "LET t = Task(id: \"a\", memory: 2GB)\nt.cost = $5\nt.cost += $1\nREDUCE_CPU_THROTTLE(t, 20%)",
        "LET xs = [1, 2, 3]\nxs[0] = 5\nxs[xs[0] - 4] += 2\nIF xs == [5, 4, 3] THEN LOG(\"same\")",
        "LET xs: list<float> = [1, 2.5]\nLET ys: list<int> = []\nIF len(xs) > len(ys) AND xs[0] > 0.5 THEN LOG(\"more\")",
        "LET maybe: money? = NONE\nmaybe = $3\nIF maybe != NONE AND maybe == $3 THEN RECORD saved = maybe ?? $0",
        "REQUIRE len(task_queue) > 0 ELSE \"nothing to do\"\nFAIL \"not today\"",
        "LET big = COUNT FOR t IN task_queue WHERE t.memory > 1GB\nLET busy = COUNT(t.cpu_time > 5s FOR t IN task_queue)\nIF big > busy THEN LOG(\"big\")",
        "RECORD saved = SUM t.cost * 20% FOR t IN task_queue WHERE t.region == \"eu\"",
        "IF ANY t.memory > 1GB FOR t IN task_queue THEN LOG(\"a\")\nIF ALL t.cost < $1 FOR t IN task_queue THEN LOG(\"b\")",
        "LET word = IF len(task_queue) > 3 THEN \"many\" ELSE \"few\"\nLOG(word)",
        "LET x = IF len(task_queue) > 3 THEN 1 ELSE 0.5\nIF x > 0.7 THEN LOG(\"x\")",
        "LET memory = 5\nIF memory > 3 THEN LOG(\"a local may hide a name of the prelude\")",
        "FOR EACH t IN task_queue { LOG(t.id) }\nFOR EACH t IN task_queue { LOG(t.name) }",
        "IF \"a\" < \"b\" AND NOT FALSE THEN RETURN",
    ];
    for body in bodies {
        // What is constant on purpose here is not the point.
        let (checked, sources) = run_on(&start(body));
        let errors: Vec<String> = checked
            .diagnostics
            .iter()
            .filter(|found| !matches!(found.code.as_str(), "W0105" | "W0113"))
            .map(|found| render(found, &sources))
            .collect();
        assert!(errors.is_empty(), "{body}\n{}", errors.join("\n"));
        assert!(checked.program.is_some(), "{body}");
    }
}

#[test]
fn the_header_is_carried() {
    let program = good(
        "instruction NIGHT_SHIFT_v12 {\n  priority critical; deadline 2h\n  budget $12.50, 2_000_000 tokens\n  \
         target up to 50 agents where agent.role == \"worker\" and agent.load < 80%\n}\non start { log_it() }\n\
         func log_it() { LOG(\"x\") }",
    );
    let header = &program.instruction;
    assert_eq!(
        (header.name.as_str(), header.version, header.priority),
        ("NIGHT_SHIFT", 12, Priority::Critical)
    );
    assert_eq!(header.deadline_ns, Some(7_200_000_000_000));
    assert_eq!((header.budget_money, header.budget_tokens), (Some(12_500_000), Some(2_000_000)));
    let (count, filter) = program.target.expect("a target");
    assert_eq!(count, TargetCount::UpTo(50));
    let filter = &program.functions[filter.expect("a filter").0 as usize];
    assert_eq!((filter.parameters, filter.result), (1, Some(TypeId::BOOL)));
}

#[test]
fn only_real_versions_are_versions() {
    let cases = [
        ("A_v2", "A", 2),
        ("A", "A", 1),
        ("A_v02", "A_v02", 1),
        ("A_v", "A_v", 1),
        ("A_v2_v3", "A_v2", 3),
        ("_v2", "_v2", 1),
    ];
    for (written, name, version) in cases {
        let program = good(&format!("INSTRUCTION {written} {{ }}\nON START {{ LOG(\"x\") }}"));
        assert_eq!(
            (program.instruction.name.as_str(), program.instruction.version),
            (name, version),
            "{written}"
        );
    }
}

#[test]
fn host_functions_are_carried() {
    let program = good(
        "QUERY ask(prompt: string, limit: tokens) -> string? REQUIRES model.ask\n  \
         COSTS limit * ($3 / 1_000_000 tokens), limit\n\
         ACTION PAY(to: string, amount: money) REQUIRES bank.pay ONCE COSTS $0.05\n\
         ACTION PING() \n\
         ON START { PING() PAY(\"me\", $5) LOG(ask(\"hello\", 500 tokens) ?? \"no\") }",
    );
    let import = |name: &str| program.imports.iter().find(|import| import.name == name).expect("an import");
    let ask = import("ask");
    assert_eq!((ask.effect, ask.capability.as_deref()), (Effect::Query, Some("model.ask")));
    let (Amount::Computed(money), Amount::Computed(tokens)) = (ask.cost.money, ask.cost.tokens) else {
        panic!("the price depends on the arguments: {:?}", ask.cost)
    };
    assert_eq!(program.functions[usize::from(money.0)].result, Some(TypeId::MONEY));
    assert_eq!(program.functions[usize::from(tokens.0)].result, Some(TypeId::TOKENS));
    assert_eq!((import("PAY").effect, import("PAY").cost.money), (Effect::Once, Amount::Fixed(50_000)));
    assert_eq!((import("PING").effect, import("PING").capability.clone()), (Effect::Plain, None));
    assert_eq!(import("LOG").effect, Effect::Idempotent);
}

#[test]
fn own_declarations_replace_those_of_the_prelude() {
    let program = good(
        "TYPE Task { id: string KEY, hours: float = 0 }\nMETRIC cpu: float TOTAL\nINPUT now: int\n\
         ACTION LOG(message: string) REQUIRES log.write IDEMPOTENT COSTS $0.01\n\
         ON START { FOR EACH t IN task_queue WHERE t.hours > 1 { RECORD cpu = t.hours * now LOG(t.id) } }",
    );
    assert_eq!(program.imports.iter().filter(|import| import.name == "LOG").count(), 1);
    let log = program.imports.iter().find(|import| import.name == "LOG").expect("LOG");
    assert_eq!(log.cost.money, Amount::Fixed(10_000));
    assert_eq!(program.inputs.iter().filter(|input| input.name == "now").count(), 1);
}

#[test]
fn contexts_have_the_usual_units() {
    let program = good(
        "CONTEXT pot: money\nCONTEXT wait: duration = 5s\nCONTEXT rest: duration IN s\nCONTEXT share: percent\n\
         ON START { IF pot > $5 AND wait > 1s AND rest > 1s AND share > 5% THEN LOG(\"x\") }",
    );
    let units: Vec<Option<&str>> = program.contexts.iter().map(|context| context.unit.as_deref()).collect();
    assert_eq!(units, [Some("USD"), Some("ms"), Some("s"), None]);
}

#[test]
fn constants_are_computed() {
    let program = good(
        "CONST BIG = LIMIT * 2\nCONST LIMIT = 1GB / 4\nCONST RATE = $0.15 / 1_000_000 tokens\n\
         METRIC spent: money TOTAL\n\
         ON START { IF ANY t.memory > BIG FOR t IN task_queue THEN RECORD spent = 2_000_000 tokens * RATE }",
    );
    let body = format!("{:?}", program.functions[program.entry.0 as usize].body);
    assert!(body.contains("Word(500000000)"), "{body}");
}

#[test]
fn records_fill_in_defaults_in_order() {
    let program = good(
        "TYPE Pair { left: int = 7, right: string, maybe: int? = NONE, all: list<int> MAX 5 = [] }\n\
         FUNC f() -> Pair { RETURN Pair(right: \"r\", left: 1) }\nON START { LOG(f().right) }",
    );
    let function = program.functions.iter().find(|function| function.name == "f").expect("f");
    let StatementKind::Return(Some(value)) = &function.body[0].kind else { panic!("RETURN") };
    let ExprKind::Record(fields) = &value.kind else { panic!("a record") };
    assert_eq!(fields.len(), 4);
    assert!(matches!(fields[0].kind, ExprKind::Word(1)));
    assert!(matches!(&fields[1].kind, ExprKind::String(text) if text == "r"));
    assert!(matches!(fields[2].kind, ExprKind::Zero) && matches!(fields[3].kind, ExprKind::Zero));
}

#[test]
fn what_is_never_reached_is_left_out() {
    let (checked, _) = run_on("ON START { STOP \"now\" LOG(\"never\") }");
    let program = checked.program.expect("only a warning");
    assert_eq!(program.functions[program.entry.0 as usize].body.len(), 1);
}
