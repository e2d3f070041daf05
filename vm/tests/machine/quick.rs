//! Calls of functions that may return at once: report, fuel, limits and peak of memory are those of the call done op
//! by op, which is how a run with a trace of ops goes.

use crate::common::*;
use swarm_bytecode::module::{FunctionId, Module};
use swarm_bytecode::op::Op;
use swarm_bytecode::types::TypeId;
use swarm_vm::trace::Event;
use swarm_vm::{Exit, Host, Level, Limits, Report};

const INT: TypeId = TypeId::INT;
const BOOL: TypeId = TypeId::BOOL;

/// `step(a, b)` gives `inside` if the comparison of register 0 or 1 with the constant in 2 says so, else
/// `step(a - 1, b + 3) + 1`. The program asks it for `step(first, 5)`, its arguments in other registers than in there.
fn program(compare: &Op, constant: Op, inside: &[Op], first: i64) -> Module {
    let mut step = vec![constant, compare.clone(), Op::If { condition: r(3) }];
    step.extend_from_slice(inside);
    step.extend([
        Op::End {},
        int(2, 1),
        Op::SubInt { result: r(4), left: r(0), right: r(2) },
        int(2, 3),
        Op::AddInt { result: r(5), left: r(1), right: r(2) },
        Op::CallValue { result: r(5), function: FunctionId(1), arguments: rs(&[4, 5]) },
        int(2, 1),
        Op::AddInt { result: r(5), left: r(5), right: r(2) },
        Op::ReturnValue { value: r(5) },
    ]);
    let main = vec![
        int(2, first),
        int(1, 5),
        Op::CallValue { result: r(0), function: FunctionId(1), arguments: rs(&[2, 1]) },
        Op::ReturnValue { value: r(0) },
    ];
    module(vec![
        function(&[INT; 3], 0, Some(INT), main),
        function(&[INT, INT, INT, BOOL, INT, INT], 2, Some(INT), step),
    ])
}

/// `fall(a)` gives `inside` if the comparison of register 0 with the constant in 1 says so, else `fall(a - 1)` and that
/// constant; what it said is asked again behind it. The program asks it for `fall(first)`.
fn falling(compare: &Op, constant: Op, inside: &[Op], first: i64) -> Module {
    let mut fall = vec![constant, compare.clone(), Op::If { condition: r(2) }];
    fall.extend_from_slice(inside);
    fall.extend([
        Op::End {},
        int(3, 1),
        Op::SubInt { result: r(3), left: r(0), right: r(3) },
        Op::CallValue { result: r(3), function: FunctionId(1), arguments: rs(&[3]) },
        Op::AddInt { result: r(3), left: r(3), right: r(1) },
        Op::If { condition: r(2) },
        int(3, 1_000),
        Op::End {},
        Op::ReturnValue { value: r(3) },
    ]);
    let main = vec![
        int(2, first),
        Op::CallValue { result: r(0), function: FunctionId(1), arguments: rs(&[2]) },
        Op::ReturnValue { value: r(0) },
    ];
    module(vec![
        function(&[INT; 3], 0, Some(INT), main),
        function(&[INT, INT, BOOL, INT], 1, Some(INT), fall),
    ])
}

fn comparisons(result: u8, parameter: u8, constant: u8) -> Vec<Op> {
    let (result, left, right) = (r(result), r(parameter), r(constant));
    vec![
        Op::LtInt { result, left, right },
        Op::LtInt { result, left: right, right: left },
        Op::LeInt { result, left, right },
        Op::LeInt { result, left: right, right: left },
        Op::EqInt { result, left, right },
        Op::EqInt { result, left: right, right: left },
        Op::NeInt { result, left, right },
    ]
}

/// The report, and where the first slice of fuel ended.
fn outcome(module: &Module, limits: Limits, budget: u64, traced: bool) -> (String, Report) {
    let mut host = Host::new();
    let mut run = instance(module, limits.fuel(budget), &host);
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
                run.refuel(7);
                exit = go(&mut run);
            }
        }
    }
}

fn agree(module: &Module, limits: Limits, budget: u64) -> Report {
    let [expected, found] = [true, false].map(|traced| outcome(module, limits, budget, traced));
    assert_eq!(expected, found, "budget {budget}, {limits:?}: {module:?}");
    found.1
}

/// Whole runs, and runs with each amount of fuel, each depth and each eighth byte, are those of calls that are made.
fn agree_everywhere(module: &Module, each: bool) -> Report {
    let limits = Limits::default().call_depth(12);
    let full = agree(module, limits, 100_000);
    for budget in (0..=full.fuel_used).filter(|_| each) {
        assert_eq!(agree(module, limits, budget), full);
    }
    for depth in 1..8 {
        agree(module, Limits::default().call_depth(depth), 100_000);
    }
    for bytes in (0..=full.memory_peak_bytes).step_by(8).filter(|_| each) {
        agree(module, limits.memory_bytes(bytes), 100_000);
    }
    full
}

#[test]
fn calls_that_return_at_once_do_what_calls_do() {
    let answers: [&[Op]; 6] = [
        &[Op::ReturnValue { value: r(0) }],
        &[Op::ReturnValue { value: r(1) }],
        &[int(4, 255), Op::ReturnValue { value: r(4) }],
        &[Op::Zero { result: r(2) }, Op::ReturnValue { value: r(2) }],
        &[int(4, -1), Op::ReturnValue { value: r(4) }],
        &[int(4, 256), Op::ReturnValue { value: r(4) }],
    ];
    let constants = [int(2, 2), Op::Zero { result: r(2) }, int(2, 32_767), int(2, -32_768), int(2, i64::MAX)];
    let mut ended = std::collections::BTreeMap::new();
    for compare in comparisons(3, 0, 2).iter().chain(&comparisons(3, 1, 2)) {
        for constant in &constants {
            for (number, inside) in answers.iter().enumerate() {
                let each = number < 3 && constant == &constants[0];
                for first in [2, 3] {
                    let full = agree_everywhere(&program(compare, constant.clone(), inside, first), each);
                    *ended.entry(full.outcome.name()).or_insert(0) += 1;
                }
            }
        }
    }
    assert!(ended["done"] > 100 && ended["limit"] > 50, "{ended:?}");
}

/// Of a call with one argument that does not return at once, the question is not asked again: what it leaves in its
/// registers is there all the same.
#[test]
fn calls_that_go_on_begin_behind_their_question() {
    let answers: [&[Op]; 2] =
        [&[Op::ReturnValue { value: r(0) }], &[int(3, 255), Op::ReturnValue { value: r(3) }]];
    let constants = [int(1, 2), Op::Zero { result: r(1) }, int(1, 32_767), int(1, -32_768)];
    let mut results = std::collections::BTreeSet::new();
    for compare in &comparisons(2, 0, 1) {
        for constant in &constants {
            for inside in answers {
                let each = constant == &constants[0];
                for first in [2, 5] {
                    let full = agree_everywhere(&falling(compare, constant.clone(), inside, first), each);
                    results.insert(format!("{:?}", full.result));
                }
            }
        }
    }
    assert!(results.len() > 8, "{results:?}");
}

/// A parameter that is written before it is given back, or asked behind a write, is not answered for.
#[test]
fn a_call_that_changes_its_parameters_is_made() {
    let compare = Op::LtInt { result: r(3), left: r(0), right: r(1) };
    let module = program(&compare, int(1, 9), &[Op::ReturnValue { value: r(1) }], 3);
    assert_eq!(result(&module), "9");
    assert_eq!(agree(&module, Limits::default(), 100_000).outcome.name(), "done");
}
