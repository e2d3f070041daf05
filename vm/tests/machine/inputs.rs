//! Inputs and context: JSON and tables against declared types.

use crate::common::*;
use proptest::prelude::*;
use swarm_bytecode::module::{Context, ContextId, Input, InputId, Module};
use swarm_bytecode::op::Op;
use swarm_bytecode::types::{Constant, Dimension, Field, Type, TypeId};
use swarm_vm::{Host, Inputs, Limits, Program, Table};

const INT: TypeId = TypeId::INT;
const STRING: TypeId = TypeId::STRING;
const RATE: Dimension = Dimension { money: 1, time: -1, data: 0, tokens: 0 };

fn with_default(field: Field, default: Constant) -> Field {
    Field { default: Some(default), ..field }
}

fn in_unit(field: Field, unit: &str) -> Field {
    Field { unit: Some(unit.into()), ..field }
}

/// Returns its one input, of the type that `make` adds.
fn echo(make: impl FnOnce(&mut Module) -> TypeId) -> Program {
    let mut module = module(vec![]);
    let ty = make(&mut module);
    module.functions = vec![function(
        &[ty],
        0,
        Some(ty),
        vec![Op::Input { result: r(0), input: InputId(0) }, Op::ReturnValue { value: r(0) }],
    )];
    module.inputs = vec![Input { name: "x".into(), ty, unit: None, default: None }];
    load(&module)
}

fn scalar(ty: TypeId) -> Program {
    echo(|_| ty)
}

fn outcome(program: &Program, inputs: Inputs) -> String {
    let mut host = Host::new();
    let grants = swarm_vm::Grants::none();
    let mut run = swarm_vm::Instance::new(program, &inputs, Limits::default(), &grants, &host).unwrap();
    run.run(&mut host).report().unwrap().result.unwrap().to_json()
}

/// The value read, as JSON, or the error.
fn read(program: &Program, json: &str) -> String {
    match Inputs::new(program).from_json(&format!("{{\"x\":{json}}}")) {
        Ok(inputs) => outcome(program, inputs),
        Err(error) => format!("! {error}"),
    }
}

/// A task with every kind of field.
fn task(module: &mut Module) -> TypeId {
    let tags = add_type(module, Type::List { element: STRING, max: Some(3) });
    let free = add_type(module, Type::List { element: INT, max: None });
    let maybe = add_type(module, Type::Optional(TypeId::MONEY));
    let owner = add_type(
        module,
        Type::Record {
            name: "Owner".into(),
            fields: vec![field("name", STRING), with_default(field("level", INT), Constant::Word(7))],
        },
    );
    let owners = add_type(module, Type::List { element: owner, max: None });
    let fields = vec![
        key("id"),
        with_default(in_unit(field("cpu_time", TypeId::DURATION), "ms"), Constant::Word(0)),
        with_default(field("memory", TypeId::BYTES), Constant::Word(5)),
        with_default(field("region", STRING), Constant::String("eu".into())),
        with_default(field("tags", tags), Constant::Empty),
        with_default(field("free", free), Constant::Empty),
        field("price", maybe),
        with_default(field("owner", owner), Constant::Empty),
        with_default(field("owners", owners), Constant::Empty),
    ];
    // A record of defaults needs a default for each field.
    module.types[3] = Type::Record {
        name: "Owner".into(),
        fields: vec![
            with_default(field("name", STRING), Constant::String("nobody".into())),
            with_default(field("level", INT), Constant::Word(7)),
        ],
    };
    let task = add_type(module, Type::Record { name: "Task".into(), fields });
    add_type(module, Type::List { element: task, max: Some(4) })
}

#[test]
fn scalars() {
    let cases = [
        (INT, "5", "5"),
        (INT, "-9223372036854775808", "-9223372036854775808"),
        (TypeId::FLOAT, "1.5", "1.5"),
        (TypeId::FLOAT, "2", "2.0"),
        (TypeId::FLOAT, "-0.0", "0.0"),
        (TypeId::BOOL, "true", "true"),
        (STRING, r#""a\u001b\"b""#, r#""a\u001b\"b""#),
        (TypeId::DURATION, r#""5s""#, r#""5s""#),
        (TypeId::BYTES, r#""1GiB""#, r#""1073741824B""#),
        (TypeId::BANDWIDTH, r#""100MB/s""#, r#""800Mbps""#),
        (TypeId::MONEY, r#""$12.50""#, r#""$12.5""#),
        (TypeId::TOKENS, r#""5 tokens""#, r#""5 tokens""#),
        (TypeId::PERCENT, r#""20%""#, r#""20%""#),
        (TypeId::TIME, r#""2026-11-20T08:00:00Z""#, r#""2026-11-20T08:00:00Z""#),
    ];
    for (ty, json, expected) in cases {
        assert_eq!(read(&scalar(ty), json), expected, "{json}");
    }
}

#[test]
fn scalars_of_the_wrong_shape() {
    let cases = [
        (INT, "1.5", "x: expected int, found the number 1.5; give a whole number of at most 64 bits"),
        (
            INT,
            "9223372036854775808",
            "x: expected int, found the number 9223372036854775808; give a whole number of at most 64 bits",
        ),
        (INT, "\"5\"", "x: expected int, found \"5\"; give a number"),
        (INT, "null", "x: expected int, found null; give a number"),
        (TypeId::BOOL, "1", "x: expected bool, found the number 1; give true or false"),
        (
            TypeId::DURATION,
            "5",
            "x: expected duration with a unit, found the number 5; give a string with its unit, as in \"5s\", or declare what a bare number counts (`duration IN ms`)",
        ),
        (
            TypeId::DURATION,
            "\"5GB\"",
            "x: expected duration, found \"5GB\": its unit is of another kind; give a string with its unit, as in \"5s\"",
        ),
        (
            TypeId::DURATION,
            "\"5\"",
            "x: expected duration, found \"5\": it has no unit; give a string with its unit, as in \"5s\"",
        ),
        (
            TypeId::PERCENT,
            "0.2",
            "x: expected percent with a unit, found the number 0.2; give a string with its unit, as in \"20%\"",
        ),
        (
            TypeId::TIME,
            "0",
            "x: expected time with a unit, found the number 0; give a string with its unit, as in \"2026-11-20T08:00:00Z\"",
        ),
        (
            TypeId::MONEY,
            "\"$0.0000001\"",
            "x: expected money, found \"$0.0000001\": finer than $0.000001; give a string with its unit, as in \"$12.50\"",
        ),
        (STRING, "5", "x: expected a string, found the number 5"),
        (
            TypeId::FLOAT,
            "1e999",
            "x: expected float, found the number 1e+999; give a number a 64-bit float can hold",
        ),
        (TypeId::FLOAT, "{}", "x: expected float, found an object; give a number"),
        (TypeId::FLOAT, "[1]", "x: expected float, found a list; give a number"),
    ];
    for (ty, json, expected) in cases {
        assert_eq!(read(&scalar(ty), json), format!("! {expected}"), "{json}");
    }
}

#[test]
fn rates_have_both_units() {
    let program = echo(|module| add_type(module, Type::Rate(RATE)));
    assert_eq!(read(&program, r#""$12.50/h""#), r#""$12.5/h""#);
    assert!(read(&program, "12.5").starts_with("! x: expected rate"));
    assert!(read(&program, r#""$12.50""#).starts_with("! x: expected rate"));
}

#[test]
fn records_lists_and_defaults() {
    let program = echo(task);
    let full = r#"[{"id":"a","cpuTime":1500,"memory":"1GB","region":"us","tags":["x","y"],"free":[1,2],"price":"$3",
        "owner":{"name":"me"},"owners":[{"name":"p","level":1},{"level":2}],"more":{"z":[null]}},{"id":"b","cpu_time":"2s","price":null}]"#;
    assert_eq!(
        read(&program, full),
        concat!(
            r#"[{"id":"a","cpu_time":"1.5s","memory":"1GB","region":"us","tags":["x","y"],"free":[1,2],"price":"$3","#,
            r#""owner":{"name":"me","level":7},"owners":[{"name":"p","level":1},{"name":"nobody","level":2}]},"#,
            r#"{"id":"b","cpu_time":"2s","memory":"5B","region":"eu","tags":[],"free":[],"price":null,"#,
            r#""owner":{"name":"nobody","level":7},"owners":[]}]"#
        )
        .replace("1.5s", "1500ms")
    );
    assert_eq!(read(&program, "[]"), "[]");
    // The only list may stand alone.
    let alone = Inputs::new(&program).from_json(r#" [{"id":"q"}]"#).unwrap();
    assert!(outcome(&program, alone).starts_with(r#"[{"id":"q""#));
}

#[test]
fn errors_name_the_path() {
    let program = echo(task);
    let cases = [
        (r#"[{"id":"a"},{"id":"b","cpu_time":"5GB"}]"#, "x[1].cpu_time: expected duration, found \"5GB\""),
        (r#"[{"cpu_time":5}]"#, "x[0].id is missing; give it as string, or declare a default in the program"),
        (r#"[{"id":"a","memory":5}]"#, "x[0].memory: expected bytes with a unit, found the number 5"),
        (r#"[{"id":"a","tags":["a","b",3]}]"#, "x[0].tags[2]: expected a string, found the number 3"),
        (r#"[{"id":"a","tags":["a","b","c","d","e"]}]"#, "x[0].tags has 5 items, MAX 3"),
        (r#"[{"id":"a","cpuTime":1,"cpu_time":2}]"#, "x[0].cpu_time is given twice"),
        (r#"[{"id":"a","owner":{"level":"1"}}]"#, "x[0].owner.level: expected int"),
        (r#"[{"id":"a","owner":5}]"#, "x[0].owner: invalid type: integer `5`, expected an object (Owner)"),
        (r#"[{"id":"a","tags":"b"}]"#, "x[0].tags: invalid type: string \"b\", expected a list of string"),
        (r#"{"id":"a"}"#, "x: invalid type: map, expected a list of Task"),
        (r#"[{"id":"a"},{"id":"b"},{"id":"c"},{"id":"d"},{"id":"e"}]"#, "x has 5 items, MAX 4"),
        (r#"[{"id":"a"},"#, "x[1]: "),
        ("nonsense", "x: expected"),
    ];
    for (json, expected) in cases {
        let found = read(&program, json);
        assert!(found.starts_with(&format!("! {expected}")), "{json}\n{found}");
    }
    let long = format!(r#"[{{"id":"{}"}}]"#, "a".repeat(5000));
    assert_eq!(
        read(&program, &long),
        "! x[0].id is a string of 5,000 bytes, MAX 4,096; give a shorter string"
    );
    let many = format!(r#"[{{"id":"a","free":[{}1]}}]"#, "1,".repeat(64));
    assert!(read(&program, &many).starts_with("! x[0].free has 65 items, MAX 64"));
}

#[test]
fn errors_cannot_carry_terminal_codes() {
    let program = echo(task);
    for json in ["\"\u{9b}31m\u{202e}\"", "[{\"id\":\"a\",\"owner\":\"\u{1f}\u{9b}\u{202e}\"}]", "\u{202e}"] {
        let found = read(&program, json);
        assert!(!found.contains(['\u{9b}', '\u{202e}', '\u{1b}']), "{found:?}");
    }
}

#[test]
fn unknown_and_missing_inputs() {
    let program = echo(task);
    let inputs = Inputs::new(&program).from_json(r#"{"x":[],"y\u001b":5}"#).unwrap();
    assert_eq!(inputs.warnings(), ["the program does not read the input \"y\\u001b\""]);
    let host = Host::new();
    let grants = swarm_vm::Grants::none();
    let new = |inputs: &Inputs| swarm_vm::Instance::new(&program, inputs, Limits::default(), &grants, &host);
    let error = new(&Inputs::new(&program)).unwrap_err();
    assert_eq!(error.code(), "input_refused");
    assert_eq!(error.to_string(), "x is missing; give it as list<Task>, or declare a default in the program");
    let other = echo(task);
    assert!(new(&Inputs::new(&other)).unwrap_err().to_string().contains("another program"));
    let table = Table::of_strings(["a"]).unwrap();
    let error = Inputs::new(&program).table("z", &table).unwrap_err();
    assert_eq!(error.to_string(), "z is not declared by the program; the program reads x");
}

#[test]
fn tables_are_matched_by_name_and_type() {
    let program = echo(task);
    let tags = Table::of_strings(["x", "y", "z"]).unwrap();
    let price = Table::builder().words("v", Type::Money, vec![1_000_000, 0]).build().unwrap();
    let owner = Table::builder().strings("name", ["p", "q"]).build().unwrap();
    let builder = || {
        Table::builder()
            .strings("id", ["a", "b"])
            .bools("unused", &[true, false])
            .lists("tags", [1, 2], tags.clone())
            .optionals("price", &[true, false], price.clone())
            .records("owner", owner.clone())
    };
    let inputs = Inputs::new(&program).table("x", &builder().build().unwrap()).unwrap();
    assert_eq!(inputs.sizes(), [2]);
    assert_eq!(
        outcome(&program, inputs),
        concat!(
            r#"[{"id":"a","cpu_time":"0ns","memory":"5B","region":"eu","tags":["x"],"free":[],"price":"$1","#,
            r#""owner":{"name":"p","level":7},"owners":[]},"#,
            r#"{"id":"b","cpu_time":"0ns","memory":"5B","region":"eu","tags":["y","z"],"free":[],"price":null,"#,
            r#""owner":{"name":"q","level":7},"owners":[]}]"#
        )
        .replace("0ns", "0s")
    );
    let error = |table: Table| Inputs::new(&program).table("x", &table).unwrap_err().to_string();
    let build = |builder: swarm_vm::TableBuilder| (*builder.build().unwrap()).clone();
    assert_eq!(
        error(build(builder().words("cpu_time", Type::Bytes, vec![1, 2]))),
        "x.cpu_time: expected duration, found bytes"
    );
    assert!(
        error(build(Table::builder().words("memory", Type::Bytes, vec![1]))).starts_with("x.id is missing")
    );
    let long = Table::builder().strings("id", ["a", "b"]).strings("region", ["", &"r".repeat(5000)]);
    assert!(error(build(long)).starts_with("x[1].region is a string of 5,000 bytes"));
    let many = Table::of_strings(["1", "2", "3", "4", "5"]).unwrap();
    let lists = Table::builder().strings("id", ["a", "b"]).lists("tags", [1, 4], many);
    assert!(error(build(lists)).starts_with("x[1].tags has 4 items, MAX 3"));
    assert!(error(build(Table::builder().strings("id", ["a"; 5]))).starts_with("x has 5 items, MAX 4"));
}

#[test]
fn context_has_units_defaults_and_camel_case() {
    let mut module = main(&[TypeId::MONEY], vec![Op::Context { result: r(0), context: ContextId(0) }]);
    let context = |name: &str, ty, unit: Option<&str>, default| Context {
        name: name.into(),
        ty,
        unit: unit.map(Into::into),
        default,
    };
    module.contexts = vec![
        context("current_costs", TypeId::MONEY, Some("USD"), None),
        context("deadline", TypeId::DURATION, Some("ms"), Some(Constant::Word(5))),
    ];
    let program = load(&module);
    let inputs =
        Inputs::new(&program).context_json(r#"{"currentCosts":10000.25,"targetCosts":8500}"#).unwrap();
    assert_eq!(inputs.warnings(), ["the program does not read the context value \"targetCosts\""]);
    assert_eq!(outcome(&program, inputs), "\"$10000.25\"");
    let error = |json: &str| Inputs::new(&program).context_json(json).unwrap_err().to_string();
    assert!(error(r#"{"current_costs":1,"currentCosts":2}"#).starts_with("current_costs is given twice"));
    assert!(error(r#"{"current_costs":0.0000001}"#).contains("finer than $0.000001"));
    assert!(error("[1]").contains("expected an object of named values"));
    let negative = Inputs::new(&program).context_json(r#"{"currentCosts":-2.5}"#).unwrap();
    assert_eq!(outcome(&program, negative), "\"-$2.5\"");
}

#[test]
fn deep_or_large_json_is_refused() {
    let program = echo(task);
    let deep = "[".repeat(1_000_000);
    assert!(read(&program, &deep).starts_with("! "));
    let ignored = format!(r#"[{{"id":"a","more":{}}}]"#, "[".repeat(1_000_000));
    assert!(read(&program, &ignored).starts_with("! "));
}

proptest! {
    #[test]
    fn no_json_panics(text in "[\\[\\]{}\",:0-9a-z .\\\\-]{0,80}") {
        let program = echo(task);
        let _ = Inputs::new(&program).from_json(&text);
        let _ = read(&program, &text);
    }

    #[test]
    fn no_cut_of_good_json_panics(cut in 0usize..200) {
        let program = echo(task);
        let full = r#"{"x":[{"id":"a","cpuTime":1500,"tags":["x","y"],"price":"$3","owner":{"name":"me"}}]}"#;
        let _ = Inputs::new(&program).from_json(full.get(..cut.min(full.len())).unwrap());
    }
}

#[test]
fn names_in_messages_are_cut() {
    let long = "n".repeat(250);
    let program = echo(|m| {
        let fields = vec![field(&long, INT)];
        add_type(m, Type::Record { name: "R".into(), fields })
    });
    let found = read(&program, &format!("{{\"{long}\": \"no number\"}}"));
    assert!(found.starts_with(&format!("! x.{}…: expected int", "n".repeat(64))), "{found}");
    let error = Inputs::new(&program).table(&long, &Table::of_strings(["a"]).unwrap()).unwrap_err();
    assert!(error.to_string().len() < 200, "{error}");
}
