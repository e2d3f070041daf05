//! Every op: what it computes, and the errors it can run into.

use crate::common::*;
use swarm_bytecode::module::{FloatId, FunctionId, MetricKind, Module, StringId};
use swarm_bytecode::op::{Op, Registers};
use swarm_bytecode::types::{Type, TypeId};

const INT: TypeId = TypeId::INT;
const FLOAT: TypeId = TypeId::FLOAT;
const BOOL: TypeId = TypeId::BOOL;
const STRING: TypeId = TypeId::STRING;

type Binary = fn(u8, u8, u8) -> Op;

macro_rules! binary {
    ($op:ident) => {
        |a, b, c| Op::$op { result: r(a), left: r(b), right: r(c) }
    };
}

/// left op right over integers, with a result of type `ty`.
fn ints(ty: TypeId, op: Binary, left: i64, right: i64) -> Module {
    main(&[ty, INT, INT], vec![int(1, left), int(2, right), op(0, 1, 2)])
}

fn floats(ty: TypeId, op: Binary, left: f64, right: f64) -> Module {
    let load = |register, id| Op::Float { result: r(register), value: FloatId(id) };
    let right_id = u16::from(left.to_bits() != right.to_bits());
    let mut module = main(&[ty, FLOAT, FLOAT], vec![load(1, 0), load(2, right_id), op(0, 1, 2)]);
    module.floats = vec![left];
    if right_id == 1 {
        module.floats.push(right);
    }
    module
}

fn strings(op: Binary, left: &str, right: &str) -> Module {
    let load = |register, id| Op::String { result: r(register), value: StringId(id) };
    let right_id = u16::from(left != right);
    let mut module = main(&[BOOL, STRING, STRING], vec![load(1, 0), load(2, right_id), op(0, 1, 2)]);
    module.strings = vec![left.into()];
    if right_id == 1 {
        module.strings.push(right.into());
    }
    module
}

#[test]
fn integer_arithmetic() {
    let cases: [(Binary, i64, i64, &str); 12] = [
        (binary!(AddInt), 2, 3, "5"),
        (binary!(SubInt), 2, 3, "-1"),
        (binary!(MulInt), -4, 3, "-12"),
        (binary!(DivInt), -7, 2, "-3"),
        (binary!(ModInt), -7, 2, "-1"),
        (binary!(ModInt), i64::MIN, -1, "0"),
        (|a, b, c| Op::Product { result: r(a), left: r(b), right: r(c), divisor: 10 }, 5, 5, "2"),
        (|a, b, c| Op::Product { result: r(a), left: r(b), right: r(c), divisor: 10 }, 7, 5, "4"),
        (
            |a, b, c| Op::Product { result: r(a), left: r(b), right: r(c), divisor: i64::MAX },
            i64::MAX,
            9,
            "9",
        ),
        (|a, b, c| Op::Quotient { result: r(a), left: r(b), right: r(c), factor: 10 }, 3, 4, "8"),
        (|a, b, _| Op::NegInt { result: r(a), value: r(b) }, 5, 0, "-5"),
        (|a, b, _| Op::Move { result: r(a), value: r(b) }, 5, 0, "5"),
    ];
    for (op, left, right, expected) in cases {
        assert_eq!(result(&ints(INT, op, left, right)), expected, "{:?}", op(0, 1, 2));
    }
    assert_eq!(result(&ints(FLOAT, binary!(Ratio), 3, 2)), "1.5");
}

#[test]
fn integer_traps() {
    let cases: [(Binary, i64, i64, &str); 11] = [
        (binary!(AddInt), i64::MAX, 1, "overflow"),
        (binary!(SubInt), i64::MIN, 1, "overflow"),
        (binary!(MulInt), i64::MAX, 2, "overflow"),
        (binary!(DivInt), 1, 0, "division_by_zero"),
        (binary!(DivInt), i64::MIN, -1, "overflow"),
        (binary!(ModInt), 1, 0, "division_by_zero"),
        (|a, b, _| Op::NegInt { result: r(a), value: r(b) }, i64::MIN, 0, "overflow"),
        (
            |a, b, c| Op::Product { result: r(a), left: r(b), right: r(c), divisor: 1 },
            i64::MAX,
            2,
            "overflow",
        ),
        (
            |a, b, c| Op::Quotient { result: r(a), left: r(b), right: r(c), factor: 1 },
            1,
            0,
            "division_by_zero",
        ),
        (
            |a, b, c| Op::Quotient { result: r(a), left: r(b), right: r(c), factor: 9 },
            i64::MAX,
            1,
            "overflow",
        ),
        (|a, b, _| Op::NegInt { result: r(a), value: r(b) }, i64::MIN, 0, "overflow"),
    ];
    for (op, left, right, expected) in cases {
        assert_eq!(failure(&ints(INT, op, left, right)), expected, "{:?}", op(0, 1, 2));
    }
    assert_eq!(failure(&ints(FLOAT, binary!(Ratio), 1, 0)), "division_by_zero");
}

#[test]
fn float_arithmetic_and_traps() {
    let cases: [(Binary, f64, f64, &str); 5] = [
        (binary!(AddFloat), 1.5, 2.0, "3.5"),
        (binary!(SubFloat), 1.5, 2.0, "-0.5"),
        (binary!(MulFloat), 1.5, -2.0, "-3.0"),
        (binary!(DivFloat), 3.0, 2.0, "1.5"),
        (|a, b, _| Op::NegFloat { result: r(a), value: r(b) }, 0.0, 1.0, "0.0"),
    ];
    for (op, left, right, expected) in cases {
        assert_eq!(result(&floats(FLOAT, op, left, right)), expected);
    }
    let cases: [(Binary, f64, f64, &str); 4] = [
        (binary!(AddFloat), f64::MAX, f64::MAX, "not_finite"),
        (binary!(MulFloat), f64::MAX, 2.0, "not_finite"),
        (binary!(DivFloat), 1.0, 0.0, "division_by_zero"),
        (binary!(SubFloat), -f64::MAX, f64::MAX, "not_finite"),
    ];
    for (op, left, right, expected) in cases {
        assert_eq!(failure(&floats(FLOAT, op, left, right)), expected);
    }
}

#[test]
fn words_and_floats_together() {
    let scaled = |op: Op, factor: f64| {
        let mut module =
            main(&[INT, INT, FLOAT], vec![int(1, 10), Op::Float { result: r(2), value: FloatId(0) }, op]);
        module.floats = vec![factor];
        module
    };
    let scale = Op::Scale { result: r(0), value: r(1), factor: r(2) };
    let unscale = Op::Unscale { result: r(0), value: r(1), divisor: r(2) };
    assert_eq!(result(&scaled(scale.clone(), 0.25)), "2");
    assert_eq!(result(&scaled(unscale.clone(), 4.0)), "2");
    assert_eq!(failure(&scaled(scale, 1e300)), "overflow");
    assert_eq!(failure(&scaled(unscale, 0.0)), "division_by_zero");
    let convert =
        |ty, op| result(&main(&[FLOAT, ty], vec![Op::Integer { result: r(1), value: 200_000 }, op]));
    assert_eq!(convert(INT, Op::IntToFloat { result: r(0), value: r(1) }), "200000.0");
    assert_eq!(convert(TypeId::PERCENT, Op::PercentToFloat { result: r(0), value: r(1) }), "0.2");
}

#[test]
fn comparisons() {
    for (left, right) in [(1i64, 2i64), (2, 2), (-3, 2), (i64::MIN, i64::MAX)] {
        let check = |op: Binary, expected: bool| {
            assert_eq!(result(&ints(BOOL, op, left, right)), expected.to_string(), "{left} {right}");
        };
        check(binary!(EqInt), left == right);
        check(binary!(NeInt), left != right);
        check(binary!(LtInt), left < right);
        check(binary!(LeInt), left <= right);
    }
    for (left, right) in [(1.0, 2.0), (2.0, 2.0), (-1.0, 1.0), (0.0, 1e-300)] {
        let check = |op: Binary, expected: bool| {
            assert_eq!(result(&floats(BOOL, op, left, right)), expected.to_string(), "{left} {right}");
        };
        check(binary!(EqFloat), left == right);
        check(binary!(NeFloat), left != right);
        check(binary!(LtFloat), left < right);
        check(binary!(LeFloat), left <= right);
    }
    for (left, right) in [("a", "b"), ("abc", "abc"), ("", "x"), ("z", "é"), ("ab", "a")] {
        let check = |op: Binary, expected: bool| {
            assert_eq!(result(&strings(op, left, right)), expected.to_string(), "{left} {right}");
        };
        check(binary!(EqString), left == right);
        check(binary!(LtString), left < right);
        check(binary!(LeString), left <= right);
    }
    let not = main(&[BOOL, BOOL], vec![int(1, 1), Op::Not { result: r(0), value: r(1) }]);
    assert_eq!(result(&not), "false");
}

#[test]
fn loading() {
    assert_eq!(result(&main(&[INT], vec![int(0, i64::MIN)])), i64::MIN.to_string());
    assert_eq!(result(&main(&[INT], vec![int(0, 7)])), "7");
    assert_eq!(result(&main(&[INT], vec![int(0, 7), Op::Zero { result: r(0) }])), "0");
    assert_eq!(result(&main(&[STRING], vec![Op::Zero { result: r(0) }])), "\"\"");
    let mut text = main(&[STRING], vec![Op::String { result: r(0), value: StringId(1) }]);
    text.strings = vec!["one".into(), "two".into()];
    assert_eq!(result(&text), "\"two\"");
    let mut copied = main(
        &[STRING, STRING],
        vec![Op::String { result: r(1), value: StringId(0) }, Op::Copy { result: r(0), value: r(1) }],
    );
    copied.strings = vec!["one".into()];
    assert_eq!(result(&copied), "\"one\"");
    assert_eq!(result(&main(&[TypeId::MONEY], vec![int(0, 1_500_000)])), "\"$1.5\"");
}

#[test]
fn branches() {
    let choose = |condition: i64, otherwise: bool| {
        let mut code = vec![int(1, condition), int(0, 1), Op::If { condition: r(1) }, int(0, 2)];
        if otherwise {
            code.extend([Op::Else {}, int(0, 3)]);
        }
        code.push(Op::End {});
        result(&main(&[INT, BOOL], code))
    };
    assert_eq!(choose(1, false), "2");
    assert_eq!(choose(0, false), "1");
    assert_eq!(choose(1, true), "2");
    assert_eq!(choose(0, true), "3");
    let block = main(&[INT], vec![Op::Block {}, int(0, 1), Op::Break { depth: 0 }, int(0, 2), Op::End {}]);
    assert_eq!(result(&block), "1");
}

/// 0: sum, 1: item, 2: first, 3: last, 4: three, 5: condition
fn sum_range(first: i64, last: i64, body: Vec<Op>) -> Module {
    let mut code =
        vec![int(2, first), int(3, last), int(4, 3), Op::Range { item: r(1), first: r(2), last: r(3) }];
    code.extend(body);
    code.extend([Op::AddInt { result: r(0), left: r(0), right: r(1) }, Op::Advance {}]);
    main(&[INT, INT, INT, INT, INT, BOOL], code)
}

#[test]
fn ranges() {
    assert_eq!(result(&sum_range(1, 4, vec![])), "10");
    assert_eq!(result(&sum_range(4, 4, vec![])), "4");
    assert_eq!(result(&sum_range(5, 4, vec![])), "0");
    assert_eq!(result(&sum_range(i64::MAX, i64::MAX, vec![])), i64::MAX.to_string());
    let at_three = |op| {
        vec![Op::EqInt { result: r(5), left: r(1), right: r(4) }, Op::If { condition: r(5) }, op, Op::End {}]
    };
    assert_eq!(result(&sum_range(1, 5, at_three(Op::Break { depth: 0 }))), "3");
    assert_eq!(result(&sum_range(1, 5, at_three(Op::Continue { depth: 0 }))), "12");
}

#[test]
fn loops_and_breaks_over_several_levels() {
    // 0: count, 1: one, 2: limit, 3: condition
    let module = main(
        &[INT, INT, INT, BOOL],
        vec![
            int(1, 1),
            int(2, 10),
            Op::Loop {},
            Op::Loop {},
            Op::AddInt { result: r(0), left: r(0), right: r(1) },
            Op::LtInt { result: r(3), left: r(0), right: r(2) },
            Op::If { condition: r(3) },
            Op::Continue { depth: 1 },
            Op::End {},
            Op::Break { depth: 1 },
            Op::Repeat {},
            Op::Repeat {},
        ],
    );
    assert_eq!(result(&module), "10");
}

#[test]
fn calls_pass_by_value_and_recurse() {
    // fib(n) = n < 2 ? n : fib(n - 1) + fib(n - 2); registers: n, result, one, two, condition
    let fib = function(
        &[INT, INT, INT, INT, BOOL],
        1,
        Some(INT),
        vec![
            int(2, 1),
            int(3, 2),
            Op::LtInt { result: r(4), left: r(0), right: r(3) },
            Op::If { condition: r(4) },
            Op::ReturnValue { value: r(0) },
            Op::End {},
            Op::SubInt { result: r(1), left: r(0), right: r(2) },
            Op::CallValue { result: r(1), function: FunctionId(1), arguments: rs(&[1]) },
            Op::SubInt { result: r(3), left: r(0), right: r(3) },
            Op::CallValue { result: r(3), function: FunctionId(1), arguments: rs(&[3]) },
            Op::AddInt { result: r(1), left: r(1), right: r(3) },
            Op::ReturnValue { value: r(1) },
        ],
    );
    let main = function(
        &[INT, INT],
        0,
        Some(INT),
        vec![
            int(1, 15),
            Op::CallValue { result: r(0), function: FunctionId(1), arguments: rs(&[1]) },
            Op::ReturnValue { value: r(0) },
        ],
    );
    assert_eq!(result(&module(vec![main, fib])), "610");
}

#[test]
fn registers_of_a_callee_start_at_zero() {
    let dirty = function(&[INT, INT], 0, None, vec![int(0, 7), int(1, 8), Op::Return {}]);
    let reads = function(&[INT, INT], 0, Some(INT), vec![Op::ReturnValue { value: r(1) }]);
    let main = function(
        &[INT],
        0,
        Some(INT),
        vec![
            Op::Call { function: FunctionId(1), arguments: Registers::default() },
            Op::CallValue { result: r(0), function: FunctionId(2), arguments: Registers::default() },
            Op::ReturnValue { value: r(0) },
        ],
    );
    assert_eq!(result(&module(vec![main, dirty, reads])), "0");
}

#[test]
fn records_are_values() {
    let mut m = module(vec![]);
    let pair = add_type(
        &mut m,
        Type::Record { name: "Pair".into(), fields: vec![field("a", INT), field("b", INT)] },
    );
    let make = vec![
        int(2, 1),
        int(3, 2),
        Op::NewRecord { result: r(1), fields: rs(&[2, 3]) },
        Op::Copy { result: r(0), value: r(1) },
        int(2, 9),
        Op::SetField { record: r(0), field: 0, value: r(2) },
    ];
    let finish = |which: u8| {
        let mut code = make.clone();
        code.push(Op::ReturnValue { value: r(which) });
        let mut module = m.clone();
        module.functions = vec![function(&[pair, pair, INT, INT], 0, Some(pair), code)];
        result(&module)
    };
    assert_eq!(finish(0), r#"{"a":9,"b":2}"#);
    assert_eq!(finish(1), r#"{"a":1,"b":2}"#);
    let mut zero = m.clone();
    zero.functions = vec![function(
        &[pair, INT, INT],
        0,
        Some(INT),
        vec![
            int(1, 5),
            Op::SetField { record: r(0), field: 1, value: r(1) },
            Op::Field { result: r(2), record: r(0), field: 1 },
            Op::ReturnValue { value: r(2) },
        ],
    )];
    assert_eq!(result(&zero), "5", "the zero record is copied, never written");
}

#[test]
fn what_is_stored_is_shared_so_no_value_contains_itself() {
    let mut m = module(vec![]);
    let list = add_type(&mut m, Type::List { element: INT, max: None });
    let lists = add_type(&mut m, Type::List { element: list, max: None });
    // 0: lists, 1: list, 2: 1, 3: 0
    m.functions = vec![function(
        &[lists, list, INT, INT],
        0,
        Some(lists),
        vec![
            int(2, 1),
            Op::NewList { result: r(1), items: rs(&[2]) },
            Op::NewList { result: r(0), items: rs(&[1]) },
            int(2, 7),
            Op::SetItem { list: r(1), index: r(3), value: r(2) },
            Op::ReturnValue { value: r(0) },
        ],
    )];
    assert_eq!(result(&m), "[[1]]");
}

#[test]
fn lists() {
    let mut m = module(vec![]);
    let list = add_type(&mut m, Type::List { element: INT, max: None });
    let with = |ty: TypeId, ops: Vec<Op>| {
        // 0: result, 1: list, 2..: 10 20 30, 5: index, 6: item, 7: its index
        let mut code =
            vec![int(2, 10), int(3, 20), int(4, 30), Op::NewList { result: r(1), items: rs(&[2, 3, 4]) }];
        code.extend(ops);
        code.push(Op::ReturnValue { value: r(0) });
        let mut module = m.clone();
        module.functions = vec![function(&[ty, list, INT, INT, INT, INT, INT, INT], 0, Some(ty), code)];
        module
    };
    let item = |index| with(INT, vec![int(5, index), Op::Item { result: r(0), list: r(1), index: r(5) }]);
    assert_eq!(result(&item(0)), "10");
    assert_eq!(result(&item(2)), "30");
    assert_eq!(failure(&item(3)), "index_out_of_range");
    assert_eq!(failure(&item(-1)), "index_out_of_range");
    assert_eq!(failure(&item(i64::MAX)), "index_out_of_range");
    assert_eq!(result(&with(INT, vec![Op::Length { result: r(0), list: r(1) }])), "3");
    let set = |index| {
        with(
            list,
            vec![
                int(5, index),
                Op::SetItem { list: r(1), index: r(5), value: r(4) },
                Op::Move { result: r(0), value: r(1) },
            ],
        )
    };
    assert_eq!(result(&set(0)), "[30,20,30]");
    assert_eq!(failure(&set(3)), "index_out_of_range");
    let sum = vec![
        Op::ForEach { item: r(6), index: r(7), list: r(1) },
        Op::AddInt { result: r(0), left: r(0), right: r(6) },
        Op::Advance {},
    ];
    assert_eq!(result(&with(INT, sum.clone())), "60");
    let mut empty = vec![Op::Zero { result: r(1) }];
    empty.extend(sum);
    assert_eq!(result(&with(INT, empty)), "0");
}

#[test]
fn optionals() {
    let mut m = module(vec![]);
    let optional = add_type(&mut m, Type::Optional(INT));
    let with = |ty: TypeId, some: bool, op: Op| {
        let mut code = vec![int(2, 5)];
        if some {
            code.push(Op::Some { result: r(1), value: r(2) });
        }
        code.extend([op, Op::ReturnValue { value: r(0) }]);
        let mut module = m.clone();
        module.functions = vec![function(&[ty, optional, INT], 0, Some(ty), code)];
        module
    };
    let is_some = Op::IsSome { result: r(0), value: r(1) };
    let unwrap = Op::Unwrap { result: r(0), value: r(1) };
    assert_eq!(result(&with(BOOL, true, is_some.clone())), "true");
    assert_eq!(result(&with(BOOL, false, is_some)), "false");
    assert_eq!(result(&with(INT, true, unwrap.clone())), "5");
    assert_eq!(failure(&with(INT, false, unwrap)), "none_unwrapped");
    assert_eq!(result(&with(optional, false, Op::Move { result: r(0), value: r(1) })), "null");
}

#[test]
fn values_are_compared_part_by_part() {
    let mut m = module(vec![]);
    let list = add_type(&mut m, Type::List { element: STRING, max: None });
    m.strings = vec!["a".into(), "b".into()];
    let with = |left: &[u8], right: &[u8]| {
        let mut module = m.clone();
        module.functions = vec![function(
            &[BOOL, list, list, STRING, STRING],
            0,
            Some(BOOL),
            vec![
                Op::String { result: r(3), value: StringId(0) },
                Op::String { result: r(4), value: StringId(1) },
                Op::NewList { result: r(1), items: rs(left) },
                Op::NewList { result: r(2), items: rs(right) },
                Op::EqValue { result: r(0), left: r(1), right: r(2) },
                Op::ReturnValue { value: r(0) },
            ],
        )];
        let report = run(&module);
        (report.result.unwrap().to_json(), report.fuel_used)
    };
    let base = with(&[], &[]).1;
    assert_eq!(with(&[3, 4], &[3, 4]), ("true".into(), base + 8));
    assert_eq!(with(&[3, 4], &[3, 3]), ("false".into(), base + 8));
    assert_eq!(with(&[3, 4], &[4, 3]), ("false".into(), base + 6), "one slot told them apart");
    assert_eq!(with(&[3, 4], &[3]), ("false".into(), base + 3), "lengths differ");
}

#[test]
fn metrics() {
    for (kind, expected) in [
        (MetricKind::Total, r#"{"saved":"$7"}"#),
        (MetricKind::Gauge, r#"{"saved":"$5"}"#),
        (
            MetricKind::Distribution,
            r#"{"saved":{"count":2,"min":"$2","p50":"$1.96608","p90":"$4.980736","p99":"$4.980736","max":"$5"}}"#,
        ),
    ] {
        let mut m = main(
            &[TypeId::MONEY],
            vec![
                int(0, 2_000_000),
                Op::RecordMetric { metric: METRIC, value: r(0) },
                int(0, 5_000_000),
                Op::RecordMetric { metric: METRIC, value: r(0) },
            ],
        );
        m.metrics = vec![metric("saved", TypeId::MONEY, kind)];
        let json = run(&m).to_json();
        let start = json.find("\"metrics\":").unwrap() + "\"metrics\":".len();
        let end = json.find(",\"result\"").unwrap();
        assert_eq!(json.get(start..end), Some(expected));
    }
    let mut read = main(
        &[INT, INT],
        vec![
            int(1, 4),
            Op::RecordMetric { metric: METRIC, value: r(1) },
            Op::Metric { result: r(0), metric: METRIC },
        ],
    );
    read.metrics = vec![metric("n", INT, MetricKind::Total)];
    assert_eq!(result(&read), "4");
    let mut gauge = main(&[INT, INT], vec![]);
    let optional = add_type(&mut gauge, Type::Optional(INT));
    gauge.functions = vec![function(
        &[optional, INT],
        0,
        Some(optional),
        vec![
            int(1, 4),
            Op::RecordMetric { metric: METRIC, value: r(1) },
            Op::Metric { result: r(0), metric: METRIC },
            Op::ReturnValue { value: r(0) },
        ],
    )];
    gauge.metrics = vec![metric("n", INT, MetricKind::Gauge)];
    assert_eq!(result(&gauge), "4");
    let mut full = main(
        &[INT],
        vec![
            int(0, i64::MAX),
            Op::RecordMetric { metric: METRIC, value: r(0) },
            Op::RecordMetric { metric: METRIC, value: r(0) },
        ],
    );
    full.metrics = vec![metric("n", INT, MetricKind::Total)];
    assert_eq!(failure(&full), "overflow");
}

#[test]
fn stop_and_fail_give_their_reason() {
    for (op, outcome) in [(Op::Stop { reason: r(0) }, "stopped"), (Op::Fail { reason: r(0) }, "failed")] {
        let mut m = main(&[STRING], vec![Op::String { result: r(0), value: StringId(0) }, op]);
        m.strings = vec!["enough".into()];
        let report = run(&with_debug(m));
        assert_eq!(report.outcome.name(), outcome);
        let reason = report.reason.unwrap();
        assert_eq!(reason.message, "enough");
        assert_eq!(reason.place.unwrap().to_string(), "test.swarm:2:1");
    }
}
