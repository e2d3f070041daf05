//! The algebra of units: which operands go together, and what comes out.

use swarm_bytecode::types::{Type, TypeId};

use crate::common::{codes, render, run_on};

/// Names of all types that values in these tables can have.
const INPUTS: &str = "INPUT i: int\nINPUT f: float\nINPUT p: percent\nINPUT d: duration\nINPUT b: bytes\nINPUT w: bandwidth\n\
    INPUT m: money\nINPUT k: tokens\nINPUT t: time\nINPUT r: money/duration\nINPUT n: float/duration\nINPUT word: string\n";

/// The type of an expression over the inputs, in words.
fn type_of(expr: &str) -> String {
    let text = format!("{INPUTS}ON START {{ LET _x = {expr} }}");
    let (checked, sources) = run_on(&text);
    let Some(program) = checked.program else {
        let words: Vec<String> = checked.diagnostics.iter().map(|found| render(found, &sources)).collect();
        return words.join("");
    };
    let local = &program.functions[program.entry.0 as usize].locals[0];
    match (local.ty, program.ty(local.ty)) {
        (TypeId::INT, _) => "int".to_owned(),
        (TypeId::FLOAT, _) => "float".to_owned(),
        (TypeId::PERCENT, _) => "percent".to_owned(),
        (TypeId::DURATION, _) => "duration".to_owned(),
        (TypeId::BYTES, _) => "bytes".to_owned(),
        (TypeId::BANDWIDTH, _) => "bandwidth".to_owned(),
        (TypeId::MONEY, _) => "money".to_owned(),
        (TypeId::TOKENS, _) => "tokens".to_owned(),
        (TypeId::TIME, _) => "time".to_owned(),
        (TypeId::BOOL, _) => "bool".to_owned(),
        (_, Some(Type::Rate(of))) => format!("rate {} {} {} {}", of.time, of.data, of.money, of.tokens),
        (_, other) => format!("{other:?}"),
    }
}

#[test]
fn products_and_quotients() {
    let table = [
        ("i + i", "int"),
        ("i + f", "float"),
        ("f - p", "float"),
        ("p + p", "percent"),
        ("d + d", "duration"),
        ("t - t", "duration"),
        ("t + d", "time"),
        ("t - d", "time"),
        ("r - r", "rate -1 0 1 0"),
        ("i * i", "int"),
        ("i * f", "float"),
        ("i * p", "float"),
        ("f * p", "float"),
        ("p * p", "percent"),
        ("m * i", "money"),
        ("i * m", "money"),
        ("m * f", "money"),
        ("f * m", "money"),
        ("m * p", "money"),
        ("p * d", "duration"),
        ("w * d", "bytes"),
        ("d * w", "bytes"),
        ("r * d", "money"),
        ("d * r", "money"),
        ("n * d", "float"),
        ("n * b", "bandwidth"),
        ("r * i", "rate -1 0 1 0"),
        ("p * r", "rate -1 0 1 0"),
        ("b * b", "rate 0 2 0 0"),
        ("w * m", "rate -1 1 1 0"),
        ("i / i", "float"),
        ("f / i", "float"),
        ("p / p", "float"),
        ("p / i", "percent"),
        ("i / p", "float"),
        ("m / i", "money"),
        ("m / f", "money"),
        ("m / p", "money"),
        ("m / m", "float"),
        ("w / w", "float"),
        ("b / d", "bandwidth"),
        ("b / w", "duration"),
        ("m / d", "rate -1 0 1 0"),
        ("m / r", "duration"),
        ("i / d", "rate -1 0 0 0"),
        ("r / i", "rate -1 0 1 0"),
        ("r / r", "float"),
        ("m / k", "rate 0 0 1 -1"),
        ("w / b", "rate -1 0 0 0"),
        ("m / k * k", "money"),
        ("w / m * m", "bandwidth"),
        ("i DIV i", "int"),
        ("i MOD i", "int"),
        ("d DIV d", "int"),
        ("d MOD d", "duration"),
        ("d DIV i", "duration"),
        ("-d", "duration"),
        ("-r", "rate -1 0 1 0"),
        ("i < f", "bool"),
        ("f > p", "bool"),
        ("r > $5/h", "bool"),
        ("1GB / 8s == 1Gbps", "bool"),
        ("100MB/s == 800Mbps", "bool"),
        ("word < \"x\"", "bool"),
    ];
    for (expr, ty) in table {
        assert_eq!(type_of(expr), ty, "{expr}");
    }
}

#[test]
fn what_does_not_combine() {
    let table = [
        ("i + p", "E0201"),
        ("m + d", "E0201"),
        ("m - b", "E0201"),
        ("d < m", "E0201"),
        ("i > p", "E0201"),
        ("m + i", "E0201"),
        ("d == 5", "E0201"),
        ("m - p", "E0203"),
        ("r + p", "E0203"),
        ("d + 20%", "E0203"),
        ("t + t", "E0204"),
        ("t * i", "E0204"),
        ("d + t", "E0204"),
        ("t / d", "E0204"),
        ("f DIV i", "E0110"),
        ("d MOD i", "E0201"),
        ("d DIV m", "E0201"),
        ("word + word", "E0110"),
        ("word * i", "E0110"),
        ("-word", "E0110"),
        ("-t", "E0110"),
        ("word > i", "E0103"),
        ("TRUE < FALSE", "E0110"),
        ("5sec + d", "E0006"),
        ("1gb + b", "E0006"),
        ("$0.0000001 + m", "E0006"),
    ];
    for (expr, code) in table {
        let text = format!("{INPUTS}ON START {{ LET _x = {expr} }}");
        assert_eq!(codes(&text), [code], "{expr}");
    }
}

#[test]
fn constants_come_out_exactly() {
    let table = [
        ("$10 * 33.3333%", "$3.33333"),
        ("1GB / 8s", "1Gbps"),
        ("100Mbps * 8s", "100MB"),
        ("1GB / 1Gbps", "8s"),
        ("$3 / 2", "$1.5"),
        ("7s DIV 2s * 1s", "3s"),
        ("-5s MOD 3s", "-2s"),
        ("20% * 20%", "4%"),
        ("$1 / 20%", "$5"),
        ("2h * ($12.50/h)", "$25"),
        ("0.5 * 3s", "1500ms"),
        ("$5 / (10 / 4)", "$2"),
    ];
    for (left, right) in table {
        let text = format!("ON START {{ IF {left} == {right} THEN LOG(\"x\") }}");
        let (checked, sources) = run_on(&text);
        let words: Vec<String> = checked.diagnostics.iter().map(|found| render(found, &sources)).collect();
        assert!(words.len() == 1 && words[0].contains("always TRUE"), "{left} == {right}: {words:?}");
    }
}
