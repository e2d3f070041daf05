//! The border to the host: signatures, grants, answers, costs, when actions are carried out, waiting.

use std::cell::RefCell;

use crate::common::*;
use swarm_bytecode::module::{Amount, FunctionId, Import, ImportId, Module, StringId};
use swarm_bytecode::op::Op;
use swarm_bytecode::types::{Type, TypeId};
use swarm_vm::{
    Answer, Duration, Effects, Exit, Grants, Host, HostError, Inputs, Instance, Limits, LoadErrorKind, Money,
    Outcome, Percent, Record, Text, Tokens, Value, ValueRef,
};

const INT: TypeId = TypeId::INT;
const STRING: TypeId = TypeId::STRING;

fn act(import: u16, arguments: &[u8]) -> Op {
    Op::Host { import: ImportId(import), arguments: rs(arguments) }
}

fn ask(result: u8, import: u16, arguments: &[u8]) -> Op {
    Op::HostValue { result: r(result), import: ImportId(import), arguments: rs(arguments) }
}

/// One query, answered into register 0.
fn asks(ty: TypeId) -> Module {
    let mut module = main(&[ty], vec![ask(0, 0, &[])]);
    module.imports = vec![query("ask", &[], ty)];
    module
}

/// Calls `ACT(n)` for n in 1..=3, then ends by `last`.
fn acts(last: Op) -> Module {
    let mut module = main(
        &[INT, STRING],
        vec![
            int(0, 1),
            act(0, &[0]),
            int(0, 2),
            act(0, &[0]),
            int(0, 3),
            act(0, &[0]),
            Op::String { result: r(1), value: StringId(0) },
            last,
        ],
    );
    module.strings = vec!["why".into()];
    module.imports = vec![action("ACT", &[INT])];
    module
}

#[test]
fn typed_handlers_get_their_types() {
    let mut module = module(vec![]);
    let task =
        add_type(&mut module, Type::Record { name: "Task".into(), fields: vec![key("id"), field("n", INT)] });
    let tags = add_type(&mut module, Type::List { element: STRING, max: None });
    let maybe = add_type(&mut module, Type::Optional(INT));
    module.strings = vec!["t1".into(), "eu".into()];
    module.imports = vec![action("ACT", &[task, TypeId::PERCENT, STRING, tags, maybe, TypeId::BOOL])];
    module.functions = vec![function(
        &[STRING, INT, task, TypeId::PERCENT, tags, maybe, TypeId::BOOL, STRING],
        0,
        None,
        vec![
            Op::String { result: r(0), value: StringId(0) },
            int(1, 5),
            Op::NewRecord { result: r(2), fields: rs(&[0, 1]) },
            int(3, 200_000),
            Op::String { result: r(7), value: StringId(1) },
            Op::NewList { result: r(4), items: rs(&[7, 0]) },
            Op::Some { result: r(5), value: r(1) },
            int(6, 1),
            act(0, &[2, 3, 7, 4, 5, 6]),
            Op::Return {},
        ],
    )];
    let seen = RefCell::new(String::new());
    let mut host = Host::new();
    host.action(
        "ACT",
        |task: Record<'_>, by: Percent, text: Text<'_>, tags: Vec<String>, maybe: Option<i64>, flag: bool| {
            let n = task.field("n").and_then(ValueRef::as_word);
            *seen.borrow_mut() = format!(
                "{} {} {n:?} {by} {text} {tags:?} {maybe:?} {flag}",
                task.type_name(),
                task.key_text()
            );
        },
    );
    let report = run_with(&module, Limits::default(), &mut host);
    assert_eq!(*seen.borrow(), "Task t1 Some(5) 20% eu [\"eu\", \"t1\"] Some(5) true");
    assert_eq!(report.actions.len(), 1);
    let json = report.to_json();
    assert!(
        json.contains(r#""actions":[{"name":"ACT","args":["t1","20%","eu",["eu","t1"],5,true]}]"#),
        "{json}"
    );
}

#[test]
fn what_does_not_fit_is_refused_before_the_run() {
    let module = asks(TypeId::MONEY);
    let program = load(&module);
    let new = |host: &Host<'_>| {
        let made = Instance::new(&program, &Inputs::new(&program), Limits::default(), &Grants::none(), host);
        made.map(|_| ()).map_err(|error| (error.kind(), error.to_string()))
    };
    let (kind, message) = new(&Host::new()).unwrap_err();
    assert_eq!(kind, LoadErrorKind::MissingHandler);
    assert_eq!(
        message,
        "the program calls the query ask, which this host does not have; register it with `host.query(\"ask\", …)`"
    );
    let mut wrong = Host::new();
    wrong.query("ask", |_: i64| Duration(1));
    let (kind, message) = new(&wrong).unwrap_err();
    assert_eq!(kind, LoadErrorKind::Signature);
    assert_eq!(
        message,
        "the program declares ask() -> money, but the host's handler is ask(int) -> duration; make the handler's \
         types match the declaration"
    );
    let mut wrong = Host::new();
    wrong.action("ask", || Money(1));
    assert_eq!(new(&wrong).unwrap_err().0, LoadErrorKind::Signature);
    let mut right = Host::new();
    right.query("ask", || Money(1));
    assert_eq!(new(&right), Ok(()));
    let mut any = Host::new();
    any.otherwise(|_| Answer::value(Money(1)));
    assert_eq!(new(&any), Ok(()));
}

#[test]
fn capabilities_are_granted_by_name_or_all() {
    let mut module = acts(Op::Stop { reason: r(1) });
    let needs =
        |name: &str, capability: &str| Import { capability: Some(capability.into()), ..action(name, &[INT]) };
    module.imports = vec![needs("ACT", "cpu.throttle"), needs("ACT2", "a.b"), needs("ACT3", "a.b")];
    let program = load(&module);
    let mut host = Host::new();
    host.otherwise(|_| Answer::done());
    let new = |grants: &Grants| {
        Instance::new(&program, &Inputs::new(&program), Limits::default(), grants, &host).map(|_| ())
    };
    let error = new(&Grants::none()).unwrap_err();
    assert_eq!(error.code(), "capability_not_granted");
    assert_eq!(error.names(), ["a.b", "cpu.throttle"]);
    assert_eq!(
        error.to_string(),
        "the program needs capabilities that are not granted: a.b, cpu.throttle; grant them to run it"
    );
    assert_eq!(new(&Grants::none().with("a.b")).unwrap_err().names(), ["cpu.throttle"]);
    assert!(new(&["a.b", "cpu.throttle"].into_iter().collect()).is_ok());
    assert!(new(&Grants::all()).is_ok());
}

#[test]
fn queries_answer_any_type() {
    let mut module = module(vec![]);
    let pair = add_type(
        &mut module,
        Type::Record { name: "Pair".into(), fields: vec![field("a", INT), field("b", STRING)] },
    );
    let pairs = add_type(&mut module, Type::List { element: pair, max: Some(2) });
    let maybe = add_type(&mut module, Type::Optional(pairs));
    module.functions =
        vec![function(&[maybe], 0, Some(maybe), vec![ask(0, 0, &[]), Op::ReturnValue { value: r(0) }])];
    module.imports = vec![query("ask", &[], maybe)];
    let answer = |value: Value| {
        let mut host = Host::new();
        host.raw("ask", move |_| Answer::value(value.clone()));
        let report = run_with(&module, Limits::default(), &mut host);
        report.result.map_or_else(|| report.reason.unwrap().code.to_string(), |value| value.to_json())
    };
    let pair = |a: i64, b: &str| {
        Value::Record(vec![("b".into(), Value::String(b.into())), ("a".into(), Value::Int(a))])
    };
    assert_eq!(answer(Value::None), "null");
    assert_eq!(answer(Value::List(vec![])), "[]");
    assert_eq!(answer(Value::List(vec![pair(1, "x"), pair(2, "")])), r#"[{"a":1,"b":"x"},{"a":2,"b":""}]"#);
    assert_eq!(answer(Value::List(vec![pair(1, "x"), pair(2, ""), pair(3, "")])), "host_answer");
    assert_eq!(answer(Value::List(vec![Value::Int(1)])), "host_answer");
    assert_eq!(answer(Value::Int(1)), "host_answer");
    assert_eq!(answer(Value::List(vec![Value::Record(vec![("a".into(), Value::Int(1))])])), "host_answer");
}

#[test]
fn a_query_that_fails_ends_the_run_or_gives_none() {
    let failing = |module: &Module| {
        let mut host = Host::new();
        host.raw("ask", |_| Answer::failed("line down"));
        run_with(module, Limits::default(), &mut host)
    };
    let report = failing(&with_debug(asks(INT)));
    assert_eq!(report.outcome, Outcome::Trapped);
    let reason = report.reason.unwrap();
    assert_eq!(reason.code, "host_failed");
    assert!(reason.message.ends_with("The host says: line down"), "{}", reason.message);
    assert_eq!(reason.place.unwrap().to_string(), "test.swarm:1:1");

    let mut optional = asks(INT);
    let maybe = add_type(&mut optional, Type::Optional(INT));
    optional.imports[0].result = Some(maybe);
    optional.functions[0].registers[0] = maybe;
    optional.functions[0].result = Some(maybe);
    assert_eq!(failing(&optional).result, Some(Value::None));
}

#[test]
fn a_query_whose_grant_is_taken_away_is_not_asked() {
    let mut sure = asks(INT);
    sure.imports[0].capability = Some("a.b".into());
    let mut optional = sure.clone();
    let maybe = add_type(&mut optional, Type::Optional(INT));
    optional.imports[0].result = Some(maybe);
    optional.functions[0].registers[0] = maybe;
    optional.functions[0].result = Some(maybe);
    let mut host = Host::new();
    host.raw("ask", |_| -> Answer { panic!("asked") });
    let mut run_without = |module: &Module| {
        let program = load(module);
        let inputs = Inputs::new(&program);
        let mut run = Instance::new(&program, &inputs, Limits::default(), &Grants::all(), &host).unwrap();
        run.grants(&Grants::none());
        run.run(&mut host).report().unwrap()
    };
    let report = run_without(&sure);
    let reason = report.reason.unwrap();
    assert_eq!((report.outcome, reason.code.as_str()), (Outcome::Trapped, "host_failed"));
    assert!(reason.message.ends_with("the capability a.b is not granted"), "{}", reason.message);
    assert_eq!(run_without(&optional).result, Some(Value::None));
}

#[test]
fn wrong_answers_say_what_was_wrong() {
    let mut host = Host::new();
    host.raw("ask", |_| Answer::value(1i64));
    let report = run_with(&asks(TypeId::MONEY), Limits::default(), &mut host);
    let message = report.reason.unwrap().message;
    assert!(message.ends_with("ask is declared to give money, the host gave int."), "{message}");
    let mut host = Host::new();
    host.raw("ask", |_| Answer::done());
    assert_eq!(run_with(&asks(INT), Limits::default(), &mut host).reason.unwrap().code, "host_answer");
    let mut host = Host::new();
    host.raw("ask", |_| Answer::value(f64::NAN));
    assert_eq!(
        run_with(&asks(TypeId::FLOAT), Limits::default(), &mut host).reason.unwrap().code,
        "host_answer"
    );
}

#[test]
fn failed_actions_are_counted_and_the_run_goes_on() {
    for effects in [Effects::Immediate, Effects::Collected] {
        let mut host = Host::new();
        host.action("ACT", |n: i64| if n == 2 { Err(HostError::new("busy")) } else { Ok(()) });
        let mut run = instance(&acts(Op::Stop { reason: r(1) }), Limits::default(), &host).effects(effects);
        let report = run.run(&mut host).report().unwrap();
        assert_eq!(report.outcome, Outcome::Stopped);
        assert_eq!((report.actions_issued, report.actions_failed), (3, 1));
        let errors: Vec<_> = report.actions.iter().map(|action| action.error.as_deref()).collect();
        assert_eq!(errors, [None, Some("busy"), None]);
        assert!(report.to_json().contains(r#"{"name":"ACT","args":[2],"error":"busy"}"#));
    }
}

#[test]
fn collected_actions_are_applied_at_the_end_or_dropped() {
    let ends = [
        (Op::Stop { reason: r(1) }, Outcome::Stopped, true),
        (Op::ReturnValue { value: r(0) }, Outcome::Done, true),
        (Op::Fail { reason: r(1) }, Outcome::Failed, false),
        (Op::ModInt { result: r(0), left: r(0), right: r(2) }, Outcome::Trapped, false),
        (act(0, &[0]), Outcome::Limit, false),
    ];
    for (last, outcome, applied) in ends {
        let mut module = acts(last);
        module.functions[0].registers.push(INT);
        for effects in [Effects::Immediate, Effects::Collected] {
            let mut done = Vec::new();
            let mut host = Host::new();
            host.action("ACT", |n: i64| done.push(n));
            let limits = Limits::default().host_calls(3);
            let mut run = instance(&module, limits, &host).effects(effects);
            let report = run.run(&mut host).report().unwrap();
            drop(host);
            assert_eq!(report.outcome, outcome, "{:?}", report.reason);
            let collected = effects == Effects::Collected;
            assert_eq!(done, if applied || !collected { vec![1, 2, 3] } else { vec![] });
            assert_eq!(report.actions_dropped, collected && !applied);
            assert_eq!(report.actions.len(), 3);
        }
    }
}

#[test]
fn collecting_changes_neither_fuel_nor_memory() {
    let module = acts(Op::Stop { reason: r(1) });
    let with = |effects, log: bool| {
        let mut host = Host::new();
        host.action("ACT", |_: i64| ());
        let mut run = instance(&module, Limits::default(), &host).effects(effects);
        if !log {
            run = run.without_action_log();
        }
        let report = run.run(&mut host).report().unwrap();
        (report.fuel_used, report.memory_peak_bytes, report.host_calls)
    };
    let expected = with(Effects::Immediate, true);
    assert_eq!(with(Effects::Immediate, false), expected);
    assert_eq!(with(Effects::Collected, true), expected);
    assert_eq!(with(Effects::Collected, false), expected);
    // The frame of two registers, and 16 + 8 for each action.
    assert_eq!(expected.1, 16 + 2 * 8 + 3 * (16 + 8));
}

#[test]
fn arguments_are_taken_as_they_were() {
    let mut module = module(vec![]);
    let list = add_type(&mut module, Type::List { element: INT, max: None });
    module.imports = vec![action("ACT", &[list])];
    module.functions = vec![function(
        &[list, INT, INT],
        0,
        None,
        vec![
            int(1, 1),
            Op::NewList { result: r(0), items: rs(&[1]) },
            act(0, &[0]),
            int(1, 2),
            Op::SetItem { list: r(0), index: r(2), value: r(1) },
            act(0, &[0]),
            Op::Return {},
        ],
    )];
    for effects in [Effects::Immediate, Effects::Collected] {
        let mut seen: Vec<Vec<i64>> = Vec::new();
        let mut host = Host::new();
        host.action("ACT", |list: Vec<i64>| seen.push(list));
        instance(&module, Limits::default(), &host).effects(effects).run(&mut host).report().unwrap();
        drop(host);
        assert_eq!(seen, [vec![1], vec![2]]);
    }
}

/// What the host is shown is marked as shared; a number beside it is no reference, even where it is the place
/// of one.
#[test]
fn no_number_is_taken_for_a_reference() {
    let mut module = module(vec![]);
    let list = add_type(&mut module, Type::List { element: INT, max: None });
    module.imports = vec![action("ACT", &[list, INT])];
    module.functions = vec![function(
        &[list, INT, INT, INT],
        0,
        Some(list),
        vec![
            int(1, 0),
            int(2, 400),
            Op::NewList { result: r(0), items: rs(&[1, 2, 1, 2]) },
            Op::Range { item: r(3), first: r(1), last: r(2) },
            act(0, &[0, 3]),
            Op::Advance {},
            Op::ReturnValue { value: r(0) },
        ],
    )];
    let mut host = Host::new();
    host.action("ACT", |_: Vec<i64>, _: i64| ());
    let report = run_with(&module, Limits::default(), &mut host);
    assert_eq!(report.result.unwrap().to_json(), "[0,400,0,400]");
}

#[test]
fn pending_calls_stop_the_run_and_resume_it() {
    for ty in [INT, STRING] {
        let module = asks(ty);
        let mut host = Host::new();
        host.raw("ask", |_| Answer::pending());
        let mut run = instance(&module, Limits::default(), &host);
        for _ in 0..2 {
            let Exit::Pending(call) = run.run(&mut host) else { panic!("should wait") };
            assert_eq!((call.id, call.name.as_str(), call.query), (0, "ask", true));
        }
        assert!(run.resolve(1, Answer::done()).is_err());
        let answer = if ty == INT { Answer::value(42i64) } else { Answer::value("late") };
        run.resolve(0, answer).unwrap();
        let report = run.run(&mut host).report().unwrap();
        assert_eq!(report.result.unwrap().to_json(), if ty == INT { "42" } else { "\"late\"" });
        assert!(run.resolve(0, Answer::done()).is_err());
        let mut at_once = Host::new();
        at_once.raw("ask", move |_| if ty == INT { Answer::value(42i64) } else { Answer::value("late") });
        let direct = run_with(&module, Limits::default(), &mut at_once);
        assert_eq!(direct.fuel_used, report.fuel_used);
        assert_eq!(direct.trace_digest, report.trace_digest);
    }
}

#[test]
fn pending_actions_wait_in_both_modes() {
    for effects in [Effects::Immediate, Effects::Collected] {
        let seen = RefCell::new(Vec::new());
        let mut host = Host::new();
        host.raw("ACT", |call| {
            let n = call.argument(0).and_then(ValueRef::as_word).unwrap_or(0);
            seen.borrow_mut().push(n);
            if n == 2 { Answer::pending() } else { Answer::done() }
        });
        let mut run = instance(&acts(Op::Stop { reason: r(1) }), Limits::default(), &host).effects(effects);
        let Exit::Pending(call) = run.run(&mut host) else { panic!("should wait") };
        assert_eq!((call.id, call.query, call.arguments), (1, false, vec![Value::Int(2)]));
        assert_eq!(*seen.borrow(), [1, 2]);
        run.resolve(call.id, Answer::failed("no")).unwrap();
        let report = run.run(&mut host).report().unwrap();
        assert_eq!(*seen.borrow(), [1, 2, 3]);
        assert_eq!((report.outcome, report.actions_failed), (Outcome::Stopped, 1));
    }
}

#[test]
fn a_run_that_waits_can_be_closed() {
    let mut module = asks(INT);
    module.imports[0] = costing(query("ask", &[], INT), Amount::Fixed(7), Amount::Fixed(2));
    let mut host = Host::new();
    host.raw("ask", |_| Answer::pending());
    let mut run = instance(&module, Limits::default(), &host);
    assert!(matches!(run.run(&mut host), Exit::Pending(_)));
    let report = run.close();
    assert_eq!(report.outcome, Outcome::Limit);
    assert_eq!(report.reason.unwrap().code, "deadline");
    assert_eq!((report.money, report.tokens), (7, 2), "its cost counts as spent");
}

#[test]
fn a_run_that_waits_while_it_carries_out_actions_can_be_closed() {
    let mut host = Host::new();
    host.raw("ACT", |call| {
        let waits = call.argument(0).and_then(ValueRef::as_word) == Some(2);
        if waits { Answer::pending() } else { Answer::done() }
    });
    let mut module = acts(Op::Stop { reason: r(1) });
    module.imports[0] = costing(action("ACT", &[INT]), Amount::Fixed(7), Amount::Fixed(2));
    let mut run = instance(&module, Limits::default(), &host).effects(Effects::Collected);
    assert!(matches!(run.run(&mut host), Exit::Pending(_)));
    let report = run.close();
    assert_eq!((report.outcome, report.reason.unwrap().code.as_str()), (Outcome::Limit, "deadline"));
    // The first was done; the second may have been, so its cost counts; the third was not begun.
    assert_eq!((report.money, report.tokens), (14, 4));
    assert!(report.actions_dropped);
}

#[test]
fn costs_are_reserved_and_settled_lower_never_higher() {
    let mut module = acts(Op::Stop { reason: r(1) });
    module.imports = vec![costing(action("ACT", &[INT]), Amount::Fixed(100), Amount::Fixed(10))];
    let with = |settled: Option<i64>, money: i64, effects: Effects| {
        let mut host = Host::new();
        host.raw("ACT", move |_| match settled {
            Some(amount) => Answer::done().costing(Money(amount), Tokens(10)),
            None => Answer::done(),
        });
        let mut run = instance(&module, Limits::default().money(money), &host).effects(effects);
        let report = run.run(&mut host).report().unwrap();
        (
            report.outcome,
            report.reason.unwrap().code.to_string(),
            report.money,
            report.tokens,
            report.host_calls,
        )
    };
    use Effects::{Collected, Immediate};
    assert_eq!(with(None, 300, Immediate), (Outcome::Stopped, "stop".into(), 300, 30, 3));
    assert_eq!(with(None, 299, Immediate), (Outcome::Limit, "money".into(), 200, 20, 2));
    assert_eq!(with(Some(40), 180, Immediate), (Outcome::Stopped, "stop".into(), 120, 30, 3));
    assert_eq!(with(Some(40), 179, Immediate), (Outcome::Limit, "money".into(), 80, 20, 2));
    assert_eq!(with(Some(101), 300, Immediate), (Outcome::Trapped, "host_price".into(), 101, 10, 1));
    // Collected actions stay reserved until they are applied.
    assert_eq!(with(Some(40), 299, Collected), (Outcome::Limit, "money".into(), 0, 0, 2));
    assert_eq!(with(Some(40), 300, Collected), (Outcome::Stopped, "stop".into(), 120, 30, 3));
    assert_eq!(with(Some(101), 300, Collected), (Outcome::Trapped, "host_price".into(), 101, 10, 3));
}

/// `ACT(n)` costs `n × 5`, by a function of its argument.
fn computed() -> Module {
    let cost = function(
        &[INT, TypeId::MONEY],
        1,
        Some(TypeId::MONEY),
        vec![
            int(1, 5),
            Op::MulInt { result: r(1), left: r(0), right: r(1) },
            Op::ReturnValue { value: r(1) },
        ],
    );
    let tokens = function(
        &[INT, TypeId::TOKENS],
        1,
        Some(TypeId::TOKENS),
        vec![int(1, 1), Op::ReturnValue { value: r(1) }],
    );
    let mut module = acts(Op::Stop { reason: r(1) });
    module.functions.extend([cost, tokens]);
    let act = action("ACT", &[INT]);
    module.imports = vec![costing(act, Amount::Computed(FunctionId(1)), Amount::Computed(FunctionId(2)))];
    module
}

#[test]
fn computed_costs_are_pure_calls_charged_to_the_program() {
    let module = computed();
    let run = |limits: Limits| {
        let mut host = Host::new();
        host.action("ACT", |_: i64| ());
        run_with(&module, limits, &mut host)
    };
    let report = run(Limits::default());
    assert_eq!((report.money, report.tokens), (5 + 10 + 15, 3));
    let mut fixed = acts(Op::Stop { reason: r(1) });
    fixed.imports = vec![action("ACT", &[INT])];
    let mut host = Host::new();
    host.action("ACT", |_: i64| ());
    let plain = run_with(&fixed, Limits::default(), &mut host).fuel_used;
    assert_eq!(report.fuel_used, plain + 3 * (1 + 1 + 1) + 3 * (1 + 1));
    assert_eq!(run(Limits::default().money(29)).reason.unwrap().code, "money");
    assert_eq!(run(Limits::default().call_depth(1)).reason.unwrap().code, "call_depth");
}

#[test]
fn running_out_inside_a_computed_cost_can_be_resumed() {
    let module = computed();
    let acted = RefCell::new(Vec::new());
    let mut host = Host::new();
    host.action("ACT", |n: i64| acted.borrow_mut().push(n));
    let full = instance(&module, Limits::default(), &host).run(&mut host).report().unwrap();
    for budget in 0..full.fuel_used {
        acted.borrow_mut().clear();
        let mut run = instance(&module, Limits::default().fuel(budget), &host);
        let mut exit = run.run(&mut host);
        while matches!(exit, Exit::OutOfFuel { .. }) {
            run.refuel(1);
            exit = run.run(&mut host);
        }
        assert_eq!(exit.report().unwrap(), full);
        assert_eq!(*acted.borrow(), [1, 2, 3]);
    }
}

#[test]
fn a_cost_below_zero_is_an_error() {
    let mut module = computed();
    module.functions[1].code[0] = int(1, -5);
    let mut host = Host::new();
    host.action("ACT", |_: i64| ());
    assert_eq!(run_with(&module, Limits::default(), &mut host).reason.unwrap().code, "negative_cost");
}

#[test]
fn another_host_at_run_time_cannot_confuse_types() {
    let module = asks(INT);
    let mut typed = Host::new();
    typed.query("ask", || 1i64);
    let mut run = instance(&module, Limits::default(), &typed);
    let mut other = Host::new();
    other.query("ask", || Money(1));
    assert_eq!(run.run(&mut other).report().unwrap().reason.unwrap().code, "host_failed");
}

#[test]
fn a_dry_run_answers_with_zeros() {
    let mut module = module(vec![]);
    let maybe = add_type(&mut module, Type::Optional(INT));
    let list = add_type(&mut module, Type::List { element: INT, max: None });
    let fields = vec![field("a", TypeId::MONEY), field("b", maybe), field("c", list), field("d", STRING)];
    let record = add_type(&mut module, Type::Record { name: "R".into(), fields });
    module.functions =
        vec![function(&[record], 0, Some(record), vec![ask(0, 0, &[]), Op::ReturnValue { value: r(0) }])];
    module.imports = vec![query("ask", &[], record)];
    let mut host = Host::new();
    host.otherwise(|call| match call.result() {
        Some(ty) => Answer::value(Value::zero(call.module(), ty)),
        None => Answer::done(),
    });
    let report = run_with(&module, Limits::default(), &mut host);
    assert_eq!(report.result.unwrap().to_json(), r#"{"a":"$0","b":null,"c":[],"d":""}"#);
}
