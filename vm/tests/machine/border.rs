//! Enums and maps at the border: JSON, host tables and answers.

use std::sync::Arc;

use crate::common::*;
use proptest::prelude::*;
use swarm_bytecode::module::{Context, Input, InputId, Module};
use swarm_bytecode::op::{Op, Registers};
use swarm_bytecode::types::{Constant, EnumCase, Field, Type, TypeId};
use swarm_vm::{Answer, Grants, Host, Inputs, Instance, Limits, Program, Table, Value};

const INT: TypeId = TypeId::INT;
const STRING: TypeId = TypeId::STRING;
const MONEY: TypeId = TypeId::MONEY;

fn of(name: &str, fields: Vec<Field>) -> EnumCase {
    EnumCase { name: name.into(), fields }
}

/// `Severity`: `low`, `very_high(limit: money, tags: list<string>, until: time?)` and, if wanted,
/// `OTHER(name: string)`.
fn severity(module: &mut Module, other: bool) -> TypeId {
    let tags = add_type(module, Type::List { element: STRING, max: None });
    let until = add_type(module, Type::Optional(TypeId::TIME));
    let payload = vec![field("limit", MONEY), field("tags", tags), field("until", until)];
    let mut cases = vec![of("low", vec![]), of("very_high", payload)];
    if other {
        cases.push(of("OTHER", vec![field("name", STRING)]));
    }
    add_type(module, Type::Enum { name: "Severity".into(), cases })
}

/// Returns its one input.
fn echo(make: impl FnOnce(&mut Module) -> TypeId) -> Program {
    let mut module = module(vec![]);
    let ty = make(&mut module);
    let code = vec![Op::Input { result: r(0), input: InputId(0) }, Op::ReturnValue { value: r(0) }];
    module.functions = vec![function(&[ty], 0, Some(ty), code)];
    module.inputs = vec![Input { name: "x".into(), ty, unit: None, default: None }];
    load(&module)
}

fn outcome(program: &Program, inputs: &Inputs) -> String {
    let mut host = Host::new();
    let mut run = Instance::new(program, inputs, Limits::default(), &Grants::none(), &host).unwrap();
    run.run(&mut host).report().unwrap().result.unwrap().to_json()
}

fn read(program: &Program, json: &str) -> String {
    match Inputs::new(program).from_json(&format!("{{\"x\":{json}}}")) {
        Ok(inputs) => outcome(program, &inputs),
        Err(error) => format!("! {error}"),
    }
}

fn table(program: &Program, table: &Table) -> String {
    match Inputs::new(program).table("x", table) {
        Ok(inputs) => outcome(program, &inputs),
        Err(error) => format!("! {error}"),
    }
}

#[test]
fn cases_come_from_json() {
    let program = echo(|module| severity(module, true));
    let high = r#"{"very_high":{"limit":"$5","tags":["a","b"],"until":null}}"#;
    let cases = [
        (r#""low""#, r#""low""#),
        (r#"{"low":{}}"#, r#""low""#),
        (high, high),
        (
            r#"{"veryHigh":{"tags":[],"limit":"$5"}}"#,
            r#"{"very_high":{"limit":"$5","tags":[],"until":null}}"#,
        ),
        (r#""urgent""#, r#"{"OTHER":{"name":"urgent"}}"#),
        (r#"{"urgent":{"x":[1,{}]}}"#, r#"{"OTHER":{"name":"urgent"}}"#),
        (r#"{"OTHER":{"name":"z"}}"#, r#"{"OTHER":{"name":"z"}}"#),
    ];
    for (json, expected) in cases {
        assert_eq!(read(&program, json), expected, "{json}");
    }
    let program = echo(|module| severity(module, false));
    let refused = [
        (
            r#""urgent""#,
            "! x: expected one of low, very_high, found `urgent`; add the case, or a last case OTHER(name: string), to the program's ENUM",
        ),
        (
            r#""very_high""#,
            "! x.very_high.limit is missing; give it as money, or declare a default in the program",
        ),
        (
            "5",
            "! x: invalid type: integer `5`, expected a case of Severity: its name, or an object at line 1 column 6",
        ),
        ("1e400", "! x: expected a case of Severity: its name, or an object, found the number 1e+400"),
    ];
    for (json, expected) in refused {
        assert_eq!(read(&program, json), expected, "{json}");
    }
    for json in
        ["null", "[]", "true", "{}", r#"{"low":{},"very_high":{}}"#, r#"{"low":1}"#, r#"{"low":null}"#]
    {
        assert!(read(&program, json).starts_with('!'), "{json}");
    }
}

#[test]
fn maps_come_from_json() {
    let map = |key: TypeId, max: Option<u32>| {
        echo(move |module| add_type(module, Type::Map { key, value: INT, max }))
    };
    let texts = map(STRING, Some(3));
    assert_eq!(read(&texts, "{}"), "{}");
    assert_eq!(read(&texts, r#"{"b":1,"a":2,"":3}"#), r#"{"":3,"a":2,"b":1}"#);
    assert_eq!(
        read(&texts, r#"{"a":1,"b":2,"c":3,"d":4}"#),
        "! x has 4 items, MAX 3; give fewer items, or raise MAX in the program"
    );
    assert_eq!(read(&texts, r#"{"a":1,"a":2}"#), "! x has the key `a` twice; give each key once");
    assert_eq!(read(&texts, r#"{"a":"1"}"#), "! x.a: expected int, found \"1\"; give a number");
    assert_eq!(read(&map(TypeId::DURATION, None), r#"{"1min":1,"5s":2}"#), r#"{"5s":2,"1min":1}"#);
    assert_eq!(
        read(&map(TypeId::DURATION, None), r#"{"60s":1,"1min":2}"#),
        "! x has the key `1min` twice; give each key once"
    );
    assert_eq!(read(&map(INT, None), r#"{"10":1,"-2":2}"#), r#"{"-2":2,"10":1}"#);
    assert_eq!(
        read(&map(INT, None), r#"{"1.5":1}"#),
        "! x.1.5: expected an int as key, found \"1.5\"; give a whole number of at most 64 bits"
    );
    assert_eq!(read(&map(TypeId::BOOL, None), r#"{"true":1,"false":2}"#), r#"{"false":2,"true":1}"#);
    assert_eq!(
        read(&map(TypeId::TIME, None), r#"{"2026-11-20T08:00:00Z":1}"#),
        r#"{"2026-11-20T08:00:00Z":1}"#
    );
    let mut text = read(&texts, "{\"\\u001b[31m\":\"x\"}");
    text.retain(|letter| letter.is_control());
    assert_eq!(text, "", "a key cannot carry a terminal's codes");
}

/// A record of a map of lists of enums, a map keyed by an enum, an optional enum and defaults.
fn nested(module: &mut Module) -> TypeId {
    let severity = severity(module, true);
    let list = add_type(module, Type::List { element: severity, max: None });
    let by_name = add_type(module, Type::Map { key: STRING, value: list, max: None });
    let level = add_type(
        module,
        Type::Enum { name: "Level".into(), cases: vec![of("a", vec![]), of("b", vec![]), of("c", vec![])] },
    );
    let maps = add_type(module, Type::Map { key: level, value: by_name, max: None });
    let maybe = add_type(module, Type::Optional(severity));
    let default = |field: Field, default| Field { default: Some(default), ..field };
    let fields = vec![
        field("maps", maps),
        field("maybe", maybe),
        default(field("level", level), Constant::Case(2)),
        default(field("names", by_name), Constant::Empty),
    ];
    let record = add_type(module, Type::Record { name: "All".into(), fields });
    add_type(module, Type::List { element: record, max: None })
}

#[test]
fn they_nest() {
    let program = echo(nested);
    let high = r#"{"very_high":{"limit":"$5","tags":["a"],"until":null}}"#;
    let json = format!(
        r#"[{{"maps":{{"c":{{"y":["low",{high}],"x":[]}},"a":{{}}}},"maybe":"odd","level":"b","names":{{"n":["low"]}}}},{{"maps":{{}}}}]"#
    );
    let expected = format!(
        r#"[{{"maps":{{"a":{{}},"c":{{"x":[],"y":["low",{high}]}}}},"maybe":{{"OTHER":{{"name":"odd"}}}},"level":"b","names":{{"n":["low"]}}}},{{"maps":{{}},"maybe":null,"level":"c","names":{{}}}}]"#
    );
    assert_eq!(read(&program, &json), expected);
    assert_eq!(read(&program, &expected), expected, "what is printed reads back");
    assert_eq!(
        read(&program, r#"[{"maps":{"d":{}}}]"#),
        "! x[0].maps.d: expected one of a, b, c, found `d`; add the case, or a last case OTHER(name: string), to the program's ENUM"
    );
    assert_eq!(
        read(&program, r#"[{"maps":{}},{"maps":{},"names":{"n":["low"],"n":[]}}]"#),
        "! x[1].names has the key `n` twice; give each key once"
    );
    let long = (0..65).map(|at| format!("\"k{at}\":[]")).collect::<Vec<_>>().join(",");
    assert_eq!(
        read(&program, &format!(r#"[{{"maps":{{}},"names":{{{long}}}}}]"#)),
        "! x[0].names has 65 items, MAX 64; give fewer items, or raise MAX in the program"
    );
}

#[test]
fn cases_come_from_tables() {
    let list = |other| {
        echo(move |module| {
            let severity = severity(module, other);
            add_type(module, Type::List { element: severity, max: None })
        })
    };
    let payload = Table::builder()
        .words("limit", Type::Money, vec![1_000_000, 2_000_000])
        .lists("tags", [1, 0], Table::of_strings(["a"]).unwrap())
        .optionals(
            "until",
            &[false, false],
            Table::builder().words("item", Type::Time, vec![0, 0]).build().unwrap(),
        )
        .build()
        .unwrap();
    let cases = |names: &[&str]| {
        Table::builder().cases("severity", names, &[("very_high", Arc::clone(&payload))]).build().unwrap()
    };
    let shown = table(&list(true), &cases(&["very_high", "low", "odd", "very_high", "odd"]));
    let high = |limit, tags| format!(r#"{{"very_high":{{"limit":"{limit}","tags":{tags},"until":null}}}}"#);
    let odd = r#"{"OTHER":{"name":"odd"}}"#;
    assert_eq!(shown, format!("[{},\"low\",{odd},{},{odd}]", high("$1", "[\"a\"]"), high("$2", "[]")));
    let refused = table(&list(false), &cases(&["very_high", "very_high", "odd"]));
    assert!(refused.starts_with("! [2].x: expected one of low, very_high, found `odd`"), "{refused}");
    let unequal =
        Table::builder().cases("severity", ["very_high"], &[("very_high", Arc::clone(&payload))]).build();
    assert!(unequal.is_err());
    let plain = Table::builder().strings("severity", ["low"]).build().unwrap();
    assert!(table(&list(true), &plain).starts_with("! x: expected Severity, found string"));
}

#[test]
fn maps_come_from_tables() {
    let entries = |keys: &[&str]| {
        let values = (0i64..).take(keys.len()).collect();
        Table::builder().strings("key", keys).words("value", Type::Int, values).build().unwrap()
    };
    let map = |module: &mut Module| add_type(module, Type::Map { key: STRING, value: INT, max: None });
    let single = echo(map);
    assert_eq!(table(&single, &entries(&["b", "a"])), r#"{"a":1,"b":0}"#);
    assert_eq!(table(&single, &Table::default()), "{}");
    assert_eq!(table(&single, &entries(&["b", "b"])), "! x has the key `b` twice; give each key once");
    assert!(
        table(&single, &Table::of_strings(["a"]).unwrap()).starts_with("! x: expected the entries of a map")
    );
    let list = echo(move |module| {
        let map = map(module);
        add_type(module, Type::List { element: map, max: None })
    });
    let maps =
        |lengths: [usize; 3], keys: &[&str]| Table::builder().maps("m", lengths, entries(keys)).build();
    let shown = table(&list, &maps([2, 0, 1], &["b", "a", "b"]).unwrap());
    assert_eq!(shown, r#"[{"a":1,"b":0},{},{"b":2}]"#);
    assert!(maps([1, 0, 1], &["b", "a", "b"]).is_err());
    assert_eq!(
        table(&list, &maps([1, 0, 2], &["b", "a", "a"]).unwrap()),
        "! [2].x has the key `a` twice; give each key once"
    );
}

#[test]
fn views_are_found_compared_and_copied() {
    // 0: result, 1: map, 2: key, 3: value, 4: found, 5: index, 6: other
    let program = |result: TypeId, code: Vec<Op>| {
        let mut module = module(vec![]);
        let map = add_type(&mut module, Type::Map { key: STRING, value: INT, max: None });
        let ty = if result == STRING { map } else { result };
        let code = [
            vec![Op::Input { result: r(1), input: InputId(0) }],
            code,
            vec![Op::ReturnValue { value: r(0) }],
        ];
        module.functions =
            vec![function(&[ty, map, STRING, INT, TypeId::BOOL, INT, map], 0, Some(ty), code.concat())];
        module.inputs = vec![Input { name: "x".into(), ty: map, unit: None, default: None }];
        module.strings = vec!["a".into(), "b".into(), "c".into(), "d".into()];
        load(&module)
    };
    let string = |id| Op::String { result: r(2), value: swarm_bytecode::module::StringId(id) };
    let run = |result, code| read(&program(result, code), r#"{"c":3,"a":1,"b":2}"#);
    let find = Op::Find { found: r(4), value: r(3), map: r(1), key: r(2) };
    for (id, expected) in [(0, "1"), (1, "2"), (2, "3"), (3, "0")] {
        let code = vec![string(id), find.clone(), Op::Move { result: r(0), value: r(3) }];
        assert_eq!(run(INT, code), expected);
    }
    assert_eq!(run(INT, vec![Op::MapLength { result: r(0), map: r(1) }]), "3");
    let set = [string(3), int(3, 4), Op::SetEntry { map: r(1), key: r(2), value: r(3) }];
    let give = Op::Move { result: r(0), value: r(1) };
    assert_eq!(run(STRING, [&set[..], std::slice::from_ref(&give)].concat()), r#"{"a":1,"b":2,"c":3,"d":4}"#);
    let remove = [string(0), Op::RemoveEntry { map: r(1), key: r(2) }, give];
    assert_eq!(run(STRING, remove.to_vec()), r#"{"b":2,"c":3}"#);
    let each = [
        Op::ForEachEntry { key: r(2), value: r(3), index: r(5), map: r(1) },
        Op::SetEntry { map: r(6), key: r(2), value: r(3) },
        Op::AddInt { result: r(5), left: r(5), right: r(5) },
        Op::Advance {},
    ];
    // Of a view and a map that was made, entry by entry.
    let equal = Op::EqValue { result: r(0), left: r(1), right: r(6) };
    let code = [&each[..2], &each[3..], std::slice::from_ref(&equal)].concat();
    assert_eq!(run(TypeId::BOOL, code.clone()), "true");
    let other = [string(0), int(3, 9), Op::SetEntry { map: r(6), key: r(2), value: r(3) }];
    assert_eq!(run(TypeId::BOOL, [&code[..3], &other[..], &[equal]].concat()), "false");
}

#[test]
fn context_and_defaults() {
    let mut m = module(vec![]);
    let severity = severity(&mut m, true);
    let map = add_type(&mut m, Type::Map { key: STRING, value: MONEY, max: None });
    m.inputs = vec![
        Input { name: "level".into(), ty: severity, unit: None, default: Some(Constant::Case(0)) },
        Input { name: "none".into(), ty: map, unit: None, default: Some(Constant::Empty) },
    ];
    m.contexts = vec![Context { name: "pots".into(), ty: map, unit: None, default: None }];
    let code = vec![
        Op::Context { result: r(0), context: swarm_bytecode::module::ContextId(0) },
        Op::ReturnValue { value: r(0) },
    ];
    m.functions = vec![function(&[map], 0, Some(map), code)];
    let program = load(&m);
    let inputs = Inputs::new(&program).context_json(r#"{"pots":{"b":"$2","a":"$1"}}"#).unwrap();
    assert_eq!(outcome(&program, &inputs), r#"{"a":"$1","b":"$2"}"#);
    let code = vec![Op::Input { result: r(0), input: InputId(0) }, Op::ReturnValue { value: r(0) }];
    m.functions = vec![function(&[severity], 0, Some(severity), code)];
    let program = load(&m);
    let inputs = Inputs::new(&program).context_json(r#"{"pots":{}}"#).unwrap();
    assert_eq!(outcome(&program, &inputs), "\"low\"");
}

#[test]
fn queries_answer_with_cases_and_maps() {
    let mut m = module(vec![]);
    let list = nested(&mut m);
    let Some(Type::List { element: record, .. }) = m.ty(list).cloned() else { panic!() };
    m.imports = vec![query("ask", &[], record)];
    let ask = Op::HostValue {
        result: r(0),
        import: swarm_bytecode::module::ImportId(0),
        arguments: Registers::default(),
    };
    m.functions = vec![function(&[record], 0, Some(record), vec![ask, Op::ReturnValue { value: r(0) }])];
    let answer = |value: Value| {
        let mut host = Host::new();
        host.raw("ask", move |_| Answer::value(value.clone()));
        let report = run_with(&m, Limits::default(), &mut host);
        report.result.map_or_else(|| report.reason.unwrap().code.to_string(), |value| value.to_json())
    };
    let case = |name: &str| Value::Case(name.into(), vec![]);
    let text = |text: &str| Value::String(text.into());
    let high = Value::Case(
        "very_high".into(),
        vec![
            ("until".into(), Value::None),
            ("tags".into(), Value::List(vec![text("t")])),
            ("limit".into(), Value::Quantity(MONEY, 3)),
        ],
    );
    let record = |maybe: Value, level: Value, names: Value| {
        let maps = Value::Map(vec![(case("c"), names.clone()), (case("a"), Value::Map(vec![]))]);
        Value::Record(vec![
            ("maps".into(), maps),
            ("maybe".into(), maybe),
            ("level".into(), level),
            ("names".into(), names),
        ])
    };
    let names =
        Value::Map(vec![(text("y"), Value::List(vec![case("low"), high])), (text("x"), Value::List(vec![]))]);
    let shown = r#"{"x":[],"y":["low",{"very_high":{"limit":"$0.000003","tags":["t"],"until":null}}]}"#;
    assert_eq!(
        answer(record(case("odd"), case("b"), names.clone())),
        format!(
            r#"{{"maps":{{"a":{{}},"c":{shown}}},"maybe":{{"OTHER":{{"name":"odd"}}}},"level":"b","names":{shown}}}"#
        )
    );
    assert_eq!(answer(record(case("odd"), case("d"), names.clone())), "host_answer");
    assert_eq!(answer(record(case("very_high"), case("a"), names.clone())), "host_answer");
    assert_eq!(answer(record(Value::None, case("a"), Value::List(vec![]))), "host_answer");
    let zero = Value::zero(&m, m.imports[0].result.unwrap());
    assert_eq!(zero.to_json(), r#"{"maps":{},"maybe":null,"level":"a","names":{}}"#);
    assert_eq!(answer(zero.clone()), zero.to_json());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_json_panics(tail in "[\\[\\]{}:,\"0-9a-z$ ]{0,40}", cut in 0usize..200) {
        let program = echo(nested);
        let good = r#"[{"maps":{"c":{"y":["low",{"very_high":{"limit":"$5","tags":["a"]}}]}},"maybe":"odd"}]"#;
        let json = format!("{}{tail}", good.get(..cut.min(good.len())).unwrap_or(good));
        let _ = read(&program, &json);
    }
}
