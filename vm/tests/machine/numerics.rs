//! Numbers, bit by bit: what each op gives for what is hard to get right – zeros of both signs, the least and
//! the greatest floats, subnormals, ties, 2⁵³ ± 1, the ends of the integers. What is expected was computed
//! apart, with exact fractions.

use swarm_bytecode::types::TypeId;
use swarm_vm::{Exit, Grants, Host, Inputs, Instance, Limits, Program, Value};

use crate::snapshots::compiled;

/// Kind, types of its operands and its result, how it is written.
const KINDS: [(&str, &str, &str, &str, &str); 19] = [
    ("add", "float", "float", "float", "a + b"),
    ("subtract", "float", "float", "float", "a - b"),
    ("multiply", "float", "float", "float", "a * b"),
    ("divide", "float", "float", "float", "a / b"),
    ("less", "float", "float", "bool", "a < b"),
    ("equal", "float", "float", "bool", "a == b"),
    ("negate", "float", "", "float", "-a"),
    ("absolute", "float", "", "float", "abs(a)"),
    ("square_root", "float", "", "float", "sqrt(a)"),
    ("round", "float", "", "int", "round(a)"),
    ("floor", "float", "", "int", "floor(a)"),
    ("ceil", "float", "", "int", "ceil(a)"),
    ("scale", "duration", "float", "duration", "a * b"),
    ("unscale", "duration", "float", "duration", "a / b"),
    ("to_float", "int", "", "float", "to_float(a)"),
    ("ratio", "int", "int", "float", "a / b"),
    ("div", "int", "int", "int", "a DIV b"),
    ("mod", "int", "int", "int", "a MOD b"),
    ("times_percent", "duration", "percent", "duration", "a * b"),
];

fn program(kind: &str) -> (Program, [&'static str; 2]) {
    let (_, left, right, result, text) = KINDS.into_iter().find(|(name, ..)| *name == kind).unwrap();
    let second = if right.is_empty() { String::new() } else { format!("CONTEXT b: {right}\n") };
    let text = format!("CONTEXT a: {left}\n{second}FUNC main() -> {result} {{ RETURN {text} }}\n");
    (compiled(&text), [left, right])
}

fn operand(ty: &str, text: &str) -> Value {
    match ty {
        "float" => Value::Float(f64::from_bits(u64::from_str_radix(text, 16).unwrap())),
        "int" => Value::Int(text.parse().unwrap()),
        "duration" => Value::Quantity(TypeId::DURATION, text.parse().unwrap()),
        "percent" => Value::Quantity(TypeId::PERCENT, text.parse().unwrap()),
        other => panic!("{other}"),
    }
}

#[test]
fn every_number_has_the_bits_computed_apart() {
    let rows: Vec<Vec<&str>> =
        include_str!("numerics.tsv").lines().skip(1).map(|line| line.split('\t').collect()).collect();
    let mut count = 0;
    for (kind, ..) in KINDS {
        let (program, types) = program(kind);
        let mut host = Host::new();
        for row in rows.iter().filter(|row| row[0] == kind) {
            let mut inputs = Inputs::new(&program);
            for (name, (ty, text)) in ["a", "b"].into_iter().zip(types.into_iter().zip(&row[1..])) {
                if !ty.is_empty() {
                    inputs = inputs.value(name, &operand(ty, text)).unwrap();
                }
            }
            let mut run =
                Instance::new(&program, &inputs, Limits::default(), &Grants::none(), &host).unwrap();
            let Exit::Finished(report) = run.run(&mut host) else { panic!("{row:?}") };
            let found = match (&report.result, &report.reason) {
                (Some(Value::Float(value)), _) => format!("{:016x}", value.to_bits()),
                (Some(Value::Int(value) | Value::Quantity(_, value)), _) => value.to_string(),
                (Some(Value::Bool(value)), _) => value.to_string(),
                (_, Some(reason)) => reason.code.to_string(),
                _ => panic!("{report:?}"),
            };
            assert_eq!(found, row[3], "{row:?}");
            count += 1;
        }
    }
    assert!(count > 8_000, "{count}");
}
