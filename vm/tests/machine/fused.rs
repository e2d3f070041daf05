//! Sequences of ops that the machine carries out as one word: result, fuel, traps and stops are those of the
//! ops one by one, which is how a run with a trace of ops goes.

use crate::common::*;
use swarm_bytecode::module::{FloatId, FunctionId, Module};
use swarm_bytecode::native::NativeFunction;
use swarm_bytecode::op::Op;
use swarm_bytecode::types::{Type, TypeId};
use swarm_vm::trace::Event;
use swarm_vm::{Exit, Host, Level, Limits, Report};

const INT: TypeId = TypeId::INT;
const FLOAT: TypeId = TypeId::FLOAT;
const BOOL: TypeId = TypeId::BOOL;
const INTS: TypeId = TypeId(TypeId::BUILTIN_COUNT);
const FLOATS: TypeId = TypeId(TypeId::BUILTIN_COUNT + 1);
const BOOLS: TypeId = TypeId(TypeId::BUILTIN_COUNT + 2);
const PAIR: TypeId = TypeId(TypeId::BUILTIN_COUNT + 3);
const RESULT: TypeId = TypeId(TypeId::BUILTIN_COUNT + 4);

/// Registers: 0 the result; 1 to 6 numbers, 7 to 12 floats, the last of each what a sequence makes; then one
/// of each other type, and those of the loop.
const TYPES: [TypeId; 24] = [
    RESULT, INT, INT, INT, INT, INT, INT, FLOAT, FLOAT, FLOAT, FLOAT, FLOAT, FLOAT, BOOL, INTS, BOOLS, PAIR,
    FLOATS, INT, INT, INT, BOOL, BOOL, INTS,
];
const CONDITION: u8 = 13;
const LIST: u8 = 14;
const FLAGS: u8 = 15;
const RECORD: u8 = 16;
const ROUND: u8 = 18;
const TAKEN: u8 = 23;

const NUMBERS: [i64; 10] = [0, 1, 2, -3, 7, 63, 64, i64::MAX, i64::MIN, 5_000_000_000];
const REALS: [f64; 9] = [0.0, -0.0, 1.5, -2.0, 4.0, 1e308, -1e308, 5e-324, 0.1];

/// The sequence in a loop of four rounds, over these values; gives back all that it could have changed.
fn program(sequence: &[Op], numbers: [usize; 5], reals: [usize; 5]) -> Module {
    let float = |at: usize| FloatId(u16::try_from(at).unwrap());
    let mut code = Vec::new();
    for (register, number) in (1..).zip(numbers) {
        code.push(int(register, NUMBERS[number]));
    }
    for (register, real) in (7..).zip(reals) {
        code.push(Op::Float { result: r(register), value: float(real) });
    }
    code.extend([
        Op::Integer { result: r(21), value: 1 },
        Op::NewList { result: r(LIST), items: rs(&[1, 2, 3]) },
        Op::NewList { result: r(FLAGS), items: rs(&[CONDITION, 21, CONDITION]) },
        Op::NewRecord { result: r(RECORD), fields: rs(&[1, 2]) },
        int(19, 1),
        int(20, 4),
        Op::Range { item: r(ROUND), first: r(19), last: r(20) },
    ]);
    code.extend_from_slice(sequence);
    code.extend([
        Op::Advance {},
        Op::Push { list: r(LIST), value: r(6) },
        Op::Push { list: r(LIST), value: r(5) },
        Op::NewList { result: r(17), items: rs(&[7, 8, 9, 10, 11, 12]) },
        Op::NewRecord { result: r(0), fields: rs(&[LIST, 17, FLAGS, CONDITION, 4]) },
    ]);
    let mut module = main(&TYPES, code);
    let list = |element| Type::List { element, max: None };
    let record = |name: &str, fields: &[TypeId]| Type::Record {
        name: name.into(),
        fields: fields.iter().zip('a'..).map(|(ty, name)| field(&name.to_string(), *ty)).collect(),
    };
    module.types = vec![
        list(INT),
        list(FLOAT),
        list(BOOL),
        record("Pair", &[INT, INT]),
        record("Result", &[INTS, FLOATS, BOOLS, BOOL, INT]),
    ];
    module.floats = REALS.to_vec();
    module
}

/// What comes first, and what the run comes to if it is given fuel one by one.
fn outcomes(module: &Module, budget: u64, slice: u32, traced: bool) -> (String, Report) {
    let mut host = Host::new();
    let mut run = instance(module, Limits::default().fuel(budget), &host).look_every(slice);
    let mut sink = |_: &Event<'_>| {};
    let mut go = |run: &mut swarm_vm::Instance| {
        if traced { run.run_traced(&mut host, Level::Ops, &mut sink) } else { run.run(&mut host) }
    };
    let mut exit = go(&mut run);
    let first = format!("{exit:?}");
    loop {
        match exit {
            Exit::Finished(report) => return (first, report),
            _ => {
                run.refuel(1);
                exit = go(&mut run);
            }
        }
    }
}

fn native(function: NativeFunction, result: u8, left: u8, right: u8) -> Op {
    Op::Native { result: r(result), native: function.id(), arguments: rs(&[left, right]) }
}

/// A comparison of words with an `if` behind it that shows which way it went.
fn condition(mut before: Vec<Op>, compare: Op) -> Vec<Op> {
    before.extend([
        compare,
        Op::If { condition: r(CONDITION) },
        int(6, 11),
        Op::Else {},
        Op::AddInt { result: r(5), left: r(18), right: r(18) },
        Op::End {},
    ]);
    before
}

/// Ends of rounds that begin with a constant; some are the whole body of the loop.
fn constants_at_the_end() -> Vec<Vec<Op>> {
    let set = |list, index, value| Op::SetItem { list: r(list), index: r(index), value: r(value) };
    let push = |list, value| Op::Push { list: r(list), value: r(value) };
    let flag = || Op::Integer { result: r(CONDITION), value: 1 };
    let mut all = vec![
        vec![int(6, 7), push(LIST, 6)],
        vec![int(6, 5_000_000_000), push(LIST, 6)],
        vec![int(6, 7), push(LIST, 5)],
        vec![Op::Zero { result: r(6) }, push(LIST, 6)],
        vec![flag(), push(FLAGS, CONDITION)],
        vec![int(6, 5_000_000_000), set(LIST, ROUND, 6)],
        vec![int(6, 1), set(LIST, 6, 6)],
        vec![flag(), set(FLAGS, ROUND, CONDITION)],
    ];
    for factor in [1, 2, 19, ROUND] {
        let product = Op::MulInt { result: r(6), left: r(factor), right: r(ROUND) };
        all.push(vec![product, flag(), set(FLAGS, 6, CONDITION)]);
    }
    all
}

fn sequences() -> Vec<Vec<Op>> {
    let (result, left, right) = (r(CONDITION), r(6), r(3));
    let compares = [
        Op::LtInt { result, left, right },
        Op::LeInt { result, left, right },
        Op::EqInt { result, left, right },
        Op::NeInt { result, left, right },
        Op::LtInt { result, left: right, right: left },
        Op::LeInt { result, left: right, right: left },
    ];
    let (sum, other) = (r(12), r(9));
    let floats = [
        Op::LtFloat { result, left: sum, right: other },
        Op::LeFloat { result, left: sum, right: other },
        Op::LtFloat { result, left: other, right: sum },
        Op::LeFloat { result, left: other, right: sum },
    ];
    let mul = |result, left, right| Op::MulInt { result: r(result), left: r(left), right: r(right) };
    let add = |result, left, right| Op::AddInt { result: r(result), left: r(left), right: r(right) };
    let fmul = |result, left, right| Op::MulFloat { result: r(result), left: r(left), right: r(right) };
    let fadd = |result, left, right| Op::AddFloat { result: r(result), left: r(left), right: r(right) };
    let fsub = |result, left, right| Op::SubFloat { result: r(result), left: r(left), right: r(right) };
    let mut all = vec![
        vec![mul(6, 1, 2), add(5, 6, 3)],
        vec![mul(6, 1, 2), add(5, 6, 6)],
        vec![mul(6, 1, 2), add(6, 3, 6), native(NativeFunction::BitAnd, 1, 6, 2)],
        vec![mul(6, 1, 2), add(6, 3, 6), native(NativeFunction::BitAnd, 1, 6, 6)],
        vec![native(NativeFunction::ShiftRight, 6, 1, 2), native(NativeFunction::BitXor, 5, 5, 6)],
        vec![native(NativeFunction::ShiftLeft, 6, 1, 2), native(NativeFunction::BitOr, 5, 5, 6)],
        vec![fmul(12, 7, 8), fmul(11, 9, 10)],
        vec![fmul(12, 7, 8), fmul(11, 9, 12)],
        vec![fmul(12, 7, 8), fadd(11, 9, 12)],
        vec![fmul(12, 7, 8), fmul(12, 12, 9), fadd(11, 12, 10)],
        vec![fsub(12, 7, 8), fadd(11, 12, 10)],
        vec![fsub(12, 7, 8), fadd(11, 12, 12)],
        vec![add(5, 1, 2), Op::Move { result: r(6), value: r(5) }],
        vec![Op::Move { result: r(TAKEN), value: r(LIST) }],
        vec![Op::SetItem { list: r(LIST), index: r(1), value: r(2) }],
        vec![Op::SetItem { list: r(LIST), index: r(ROUND), value: r(2) }],
        vec![Op::SetItem { list: r(FLAGS), index: r(ROUND), value: r(21) }],
        vec![Op::Push { list: r(LIST), value: r(2) }],
    ];
    all.extend(constants_at_the_end());
    for compare in compares {
        all.push(condition(vec![mul(6, 1, 19)], compare.clone()));
        all.push(condition(vec![int(3, 2), mul(6, 1, 19)], compare.clone()));
        all.push(condition(vec![int(6, 7)], compare.clone()));
        all.push(condition(vec![int(3, 7)], compare.clone()));
        all.push(condition(vec![Op::Field { result: r(6), record: r(RECORD), field: 1 }], compare));
    }
    for compare in floats {
        all.push(condition(vec![fadd(12, 7, 8)], compare.clone()));
        all.push(condition(vec![fmul(12, 7, 8)], compare));
    }
    for (left, right) in [(9, 10), (12, 10), (10, 10), (10, 9)] {
        let compare = Op::LtFloat { result, left: r(left), right: r(right) };
        for second in [fmul(11, 8, 8), fmul(11, 7, 8), fmul(11, 12, 8), fmul(12, 8, 9)] {
            all.push(condition(vec![fmul(12, 7, 9), second.clone(), fadd(10, 12, 11)], compare.clone()));
            all.push(condition(vec![fmul(12, 7, 7), second.clone(), fadd(10, 11, 12)], compare.clone()));
            all.push(condition(vec![fmul(12, 7, 7), second, fadd(10, 12, 11)], compare.clone()));
        }
    }
    for index in [1, ROUND] {
        let item = Op::Item { result, list: r(FLAGS), index: r(index) };
        all.push(condition(vec![], item.clone()));
        // What is done where the item is false, with a question like it right behind, which is no part of it.
        let mut only_else = condition(vec![], item.clone());
        only_else.remove(2);
        all.push(only_else.clone());
        let behind = only_else.len() - 1;
        only_else.splice(behind..behind, only_else.clone());
        all.push(only_else);
    }
    for (left, right) in [(3, 2), (2, 3)] {
        all.push(vec![int(3, 7), add(6, left, right)]);
        all.push(vec![int(3, 7), mul(6, left, right)]);
        all.push(vec![int(3, 7), Op::SubInt { result: r(6), left: r(left), right: r(right) }]);
    }
    all
}

#[test]
fn fused_words_do_what_their_ops_do() {
    let mut state = 1_u64;
    let mut below = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % bound
    };
    let (mut done, mut trapped) = (0, 0);
    for sequence in sequences() {
        for round in 0..40 {
            let numbers = std::array::from_fn(|_| below(NUMBERS.len()));
            let reals = std::array::from_fn(|_| below(REALS.len()));
            let module = program(&sequence, numbers, reals);
            let (_, full) = outcomes(&module, 1_000_000, 0, true);
            if full.outcome.name() == "done" {
                done += 1;
            } else {
                trapped += 1;
            }
            // Every budget for some; the rest only shows other values.
            let budgets = if round < 3 { 20..=full.fuel_used + 1 } else { 0..=0 };
            for budget in budgets.chain([1_000_000]) {
                // Where slices end everywhere, nothing that settles is done as one.
                let slice = if round % 4 == 0 { 3 } else { 1_000 };
                let [expected, found] = [true, false].map(|traced| outcomes(&module, budget, slice, traced));
                assert_eq!(expected, found, "budget {budget} of {sequence:?} over {numbers:?} {reals:?}");
                assert_eq!(found.1, full);
            }
        }
    }
    assert!(done > 1_000 && trapped > 200, "{done} {trapped}");
}

/// The same behind so many words that a round's end has no room for where its loop begins.
fn far_behind(near: &Module) -> Module {
    let mut module = near.clone();
    let add = Op::AddInt { result: r(1), left: r(0), right: r(0) };
    let mut code: Vec<_> =
        (1..40_000).map(|at| if at % 100 == 0 { Op::Settle {} } else { add.clone() }).collect();
    code.push(Op::Return {});
    let padding = function(&[INT, INT], 1, None, code);
    module.functions = vec![padding.clone(), padding, near.functions[0].clone()];
    module.entry = FunctionId(2);
    module
}

/// Loops over a range and over lists, whose ends stand by themselves and in words with what is before them.
fn loops() -> Vec<Module> {
    let numbers = [4, 1, 2, 3, 4];
    let reals = [2, 3, 4, 6, 8];
    let mut all: Vec<_> = sequences().iter().map(|sequence| program(sequence, numbers, reals)).collect();
    let add = Op::AddInt { result: r(6), left: r(6), right: r(4) };
    for list in [LIST, FLAGS] {
        for last in [add.clone(), Op::Settle {}] {
            let item = if list == LIST { r(5) } else { r(CONDITION) };
            let each = Op::ForEach { item, index: r(ROUND), list: r(list) };
            all.push(with_loop(&program(&[add.clone(), last], numbers, reals), &[each]));
        }
    }
    // What ends a round of a range may end one of a list.
    let list = Op::NewList { result: r(TAKEN), items: rs(&[19, 19, 20]) };
    let each = [list, Op::ForEach { item: r(ROUND), index: r(22), list: r(TAKEN) }];
    for sequence in sequences() {
        let mut module = with_loop(&program(&sequence, numbers, reals), &each);
        module.functions[0].registers[22] = INT;
        if !sequence.iter().any(|op| matches!(op, Op::Move { .. })) {
            all.push(module);
        }
    }
    all
}

/// The module with another loop than that over a range.
fn with_loop(module: &Module, head: &[Op]) -> Module {
    let mut module = module.clone();
    let code = &mut module.functions[0].code;
    let at = code.iter().position(|op| matches!(op, Op::Range { .. })).unwrap();
    code.splice(at..=at, head.iter().cloned());
    module
}

#[test]
fn loops_behind_many_words_do_the_same() {
    let mut done = 0;
    for near in loops() {
        let [op_by_op, cut, whole] = [(2, true), (2, false), (1_000, false)]
            .map(|(slice, traced)| outcomes(&near, 1_000_000, slice, traced).1);
        assert_eq!(op_by_op, cut, "{near:#?}");
        assert_eq!(op_by_op, whole, "{near:#?}");
        let far = outcomes(&far_behind(&near), 1_000_000, 1_000, false).1;
        let told = |report: &Report| (report.outcome, report.result.clone(), report.fuel_used);
        assert_eq!(told(&whole), told(&far), "{near:#?}");
        done += usize::from(whole.outcome.name() == "done");
    }
    assert!(done > 100, "{done}");
}
