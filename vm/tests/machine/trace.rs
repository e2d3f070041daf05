//! Traces: levels, the written form, and the digest that is the same at all of them.

use crate::common::*;
use swarm_bytecode::module::{FunctionId, ImportId, MetricKind, Module, StringId};
use swarm_bytecode::op::Op;
use swarm_bytecode::types::{Type, TypeId};
use swarm_vm::trace::{Event, JsonLines};
use swarm_vm::{
    Answer, Effects, Exit, Grants, Host, Inputs, Instance, Level, Limits, Outcome, Report, Table,
};

const INT: TypeId = TypeId::INT;
const STRING: TypeId = TypeId::STRING;

/// Three rounds of: a query, an action, a call, a sample; then STOP with a reason that tries to forge a line.
fn busy() -> Module {
    let main = function(
        &[INT, INT, INT, INT, STRING],
        0,
        None,
        vec![
            int(1, 1),
            int(2, 3),
            Op::String { result: r(4), value: StringId(0) },
            Op::Range { item: r(0), first: r(1), last: r(2) },
            Op::HostValue { result: r(3), import: ImportId(0), arguments: rs(&[0]) },
            Op::Host { import: ImportId(1), arguments: rs(&[3, 4]) },
            Op::Call { function: FunctionId(1), arguments: rs(&[3]) },
            Op::RecordMetric { metric: METRIC, value: r(3) },
            Op::Advance {},
            Op::RoundsExhausted {},
            Op::Stop { reason: r(4) },
        ],
    );
    let callee = function(&[INT], 1, None, vec![Op::Settle {}, Op::Return {}]);
    let mut module = module(vec![main, callee]);
    module.imports = vec![query("ask", &[INT], INT), action("ACT", &[INT, STRING])];
    module.metrics = vec![metric("n", INT, MetricKind::Total)];
    module.strings = vec!["end\n{\"seq\":99}\u{1b}[2J\u{202e}".into()];
    with_debug(module)
}

fn host<'h>() -> Host<'h> {
    let mut host = Host::new();
    host.query("ask", |n: i64| n * 10);
    host.raw("ACT", |call| {
        let n = call.argument(0).and_then(swarm_vm::ValueRef::as_word);
        if n == Some(20) { Answer::failed("no\nline") } else { Answer::done() }
    });
    host
}

fn traced(module: &Module, level: Level, effects: Effects) -> (Report, String) {
    let mut host = host();
    let mut lines = JsonLines::new();
    let mut run = instance(module, Limits::default(), &host).effects(effects);
    let report = run.run_traced(&mut host, level, &mut lines).report().unwrap();
    (report, lines.take())
}

#[test]
fn tracing_changes_nothing_and_the_digest_is_the_same_at_all_levels() {
    for effects in [Effects::Immediate, Effects::Collected] {
        let module = busy();
        let mut host = host();
        let untraced =
            instance(&module, Limits::default(), &host).effects(effects).run(&mut host).report().unwrap();
        assert!(untraced.trace_digest.is_some());
        for level in [Level::Off, Level::Effects, Level::Steps, Level::Ops] {
            let (report, text) = traced(&module, level, effects);
            assert_eq!(report, untraced, "{level:?}");
            let last = text.lines().last();
            assert_eq!(last.is_some(), level != Level::Off);
            if let Some(last) = last {
                let digest = swarm_bytecode::codec::digest_text(&untraced.trace_digest.unwrap());
                assert!(
                    last.contains(&format!(
                        "\"kind\":\"end\",\"outcome\":\"stopped\",\"digest\":\"{digest}\""
                    )),
                    "{last}"
                );
            }
        }
        // Names and places are not part of it.
        let mut stripped = module.clone();
        stripped.strip();
        assert_eq!(traced(&stripped, Level::Off, effects).0.trace_digest, untraced.trace_digest);
    }
}

#[test]
fn lines_are_json_numbered_and_unforgeable() {
    for level in [Level::Effects, Level::Steps, Level::Ops] {
        let (_, text) = traced(&busy(), level, Effects::Immediate);
        for (at, line) in text.lines().enumerate() {
            let json: serde_json::Value = serde_json::from_str(line).unwrap();
            assert_eq!(json["seq"].as_u64(), Some(at as u64));
            assert!(json["kind"].is_string());
        }
        assert!(!text.contains(['\u{1b}', '\u{202e}']));
    }
}

#[test]
fn effects_as_written() {
    let (_, text) = traced(&busy(), Level::Effects, Effects::Immediate);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 1 + 3 * 3 + 1 + 1 + 1);
    assert!(lines[0].starts_with(
        r#"{"seq":0,"fuel":0,"kind":"run","trace_version":1,"instruction":"TEST","version":1,"digest":"sha256:"#
    ));
    assert!(lines[0].ends_with(r#","effects":"immediate"}"#));
    assert_eq!(
        lines[1],
        r#"{"seq":1,"fuel":7,"kind":"query","place":{"function":"f0","op":4,"file":"test.swarm","line":5,"column":1},"name":"ask","args":[1],"answer":10}"#
    );
    assert!(
        lines[2].contains(r#""kind":"action""#) && lines[2].contains(r#""result":"done""#),
        "{}",
        lines[2]
    );
    assert!(lines[3].ends_with(r#""name":"n","value":10}"#), "{}", lines[3]);
    assert!(lines[5].ends_with(r#","result":"failed","error":"no\nline"}"#), "{}", lines[5]);
    assert!(lines[10].contains(r#""kind":"rounds""#));
    assert!(lines[11].contains(r#""kind":"stop""#) && lines[11].contains(r"\u001b[2J\u202e"));
}

#[test]
fn collected_actions_are_held_then_applied() {
    let (_, text) = traced(&busy(), Level::Effects, Effects::Collected);
    assert_eq!(text.matches(r#""result":"held""#).count(), 3);
    assert_eq!(text.matches(r#""kind":"applied""#).count(), 3);
    assert!(text.contains(r#""action":1,"name":"ACT","result":"failed""#));
}

#[test]
fn steps_and_calls() {
    let (_, text) = traced(&busy(), Level::Steps, Effects::Immediate);
    assert_eq!(text.matches(r#""kind":"call""#).count(), 3);
    // Each op has its own line in this module: four before the loop, five and the callee's two a round, two
    // after.
    assert_eq!(text.matches(r#""kind":"step""#).count(), 4 + 3 * (5 + 2) + 2);
}

#[test]
fn traps_and_limits_are_traced_with_their_place() {
    let module = with_debug(main(
        &[INT],
        vec![
            int(0, 1),
            Op::NegInt { result: r(0), value: r(0) },
            Op::ModInt { result: r(0), left: r(0), right: r(0) },
        ],
    ));
    let mut zero = module.clone();
    zero.functions[0].code[0] = int(0, 0);
    let (report, text) = traced(&zero, Level::Effects, Effects::Immediate);
    assert!(text.contains(r#""kind":"trap","place":{"function":"f0","op":2,"file":"test.swarm","line":3,"column":1},"code":"division_by_zero"}"#), "{text}");
    assert_eq!(report.reason.unwrap().place.unwrap().op, 2);

    let mut host = Host::new();
    let mut lines = JsonLines::new();
    let mut run = instance(&module, Limits::default().fuel(2), &host);
    assert!(matches!(run.run_traced(&mut host, Level::Effects, &mut lines), Exit::OutOfFuel { used: 2, .. }));
    run.close_traced(Level::Effects, &mut lines);
    assert!(lines.as_str().contains(r#""kind":"limit""#) && lines.as_str().contains(r#""code":"fuel""#));
    assert!(lines.as_str().lines().last().unwrap().contains(r#""kind":"end""#));
}

#[test]
fn the_digest_depends_on_what_happened() {
    let digest = |module: &Module, answer: i64| {
        let mut host = Host::new();
        host.query("ask", move |n: i64| n * answer);
        host.otherwise(|_| Answer::done());
        instance(module, Limits::default(), &host).run(&mut host).report().unwrap().trace_digest
    };
    let module = busy();
    let mut other = module.clone();
    other.strings[0] = "end".into();
    assert_eq!(digest(&module, 10), digest(&module, 10));
    assert_ne!(digest(&module, 10), digest(&module, 11));
    assert_ne!(digest(&module, 10), digest(&other, 10));
}

#[test]
fn a_closure_is_a_sink() {
    let mut kinds = Vec::new();
    let mut host = host();
    let mut sink = |event: &Event<'_>| kinds.push(event.kind.name());
    instance(&busy(), Limits::default(), &host).run_traced(&mut host, Level::Effects, &mut sink);
    assert_eq!(kinds.first(), Some(&"run"));
    assert_eq!(kinds.last(), Some(&"end"));
}

/// Actions whose names and KEYs are short and long, of rows of a host's tables and of records that a program
/// makes.
const SHOWN: &str = r#"
TYPE Row { id: string KEY  n: int }
TYPE Other { n: int  id: string KEY }
TYPE Numbered { id: int KEY }
TYPE Bare { row: Row  n: int }
INPUT rows: list<Row> MAX 100
INPUT others: list<Other> MAX 100
ACTION SHORT(row: Row) IDEMPOTENT
ACTION AS_LONG_AS_IS_COPIED_AT_ONCE_123(row: Row, other: Other) IDEMPOTENT
ACTION A_BYTE_LONGER_THAN_WHAT_IS_COPIED(n: int) IDEMPOTENT
ACTION FOUR(row: Row, by: percent, other: Other, yes: bool) IDEMPOTENT
ACTION OTHERS(numbered: Numbered, bare: Bare, text: string) IDEMPOTENT
ON START {
  FOR EACH row IN rows {
    SHORT(row)
    SHORT(Row(id: "made {row.n}", n: 1))
    A_BYTE_LONGER_THAN_WHAT_IS_COPIED(row.n)
    OTHERS(Numbered(id: row.n), Bare(row: row, n: 2), row.id)
    FOR EACH other IN others WHERE other.n MOD 7 == row.n MOD 7 {
      AS_LONG_AS_IS_COPIED_AT_ONCE_123(row, other)
      FOUR(row, 20%, other, row.n > 9)
    }
  }
}
"#;

#[test]
fn what_is_known_of_an_action_before_it_is_issued_changes_no_digest() {
    let (compiled, _) = swarm_compiler::compile_text("shown.swarm", SHOWN);
    let program = swarm_vm::Program::load(&compiled.module.unwrap().encode()).unwrap();
    let table = |letter: &str| {
        let ids = (0..60).map(|row| letter.repeat(row));
        Table::builder().strings("id", ids).words("n", Type::Int, (0..60).collect()).build().unwrap()
    };
    let inputs = Inputs::new(&program).table("rows", &table("x")).unwrap();
    let inputs = inputs.table("others", &table("ü")).unwrap();
    let mut host = Host::new();
    for import in &program.module().imports {
        host.raw(&import.name, |_| ());
    }
    for effects in [Effects::Immediate, Effects::Collected] {
        let mut digest = |level| {
            let run = Instance::new(&program, &inputs, Limits::default(), &Grants::none(), &host).unwrap();
            let mut lines = JsonLines::new();
            let report = run.effects(effects).run_traced(&mut host, level, &mut lines).report().unwrap();
            assert_eq!((report.outcome, report.actions.len()), (Outcome::Done, 1_272));
            report.trace_digest.unwrap()
        };
        // A run with a trace makes each event by itself.
        assert_eq!(digest(Level::Off), digest(Level::Effects));
    }
}
