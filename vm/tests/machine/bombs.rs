//! Values that are small in a module and vast when they are written out.

use crate::common::*;
use swarm_bytecode::module::{ImportId, Module};
use swarm_bytecode::op::Op;
use swarm_bytecode::types::{Type, TypeId};
use swarm_vm::{Host, Limits, Outcome};

/// Records of sixteen records of sixteen records …: the zero of the last takes a slot, written out it is 2³²
/// numbers.
fn bomb(registers: &[TypeId], result: TypeId, code: Vec<Op>) -> Module {
    let mut module = main(registers, code);
    let mut ty = TypeId::INT;
    for depth in 0..8 {
        let fields = (0..16).map(|at| field(&format!("f{at}"), ty)).collect();
        ty = add_type(&mut module, Type::Record { name: format!("R{depth}").into(), fields });
    }
    module.functions[0].result = Some(result);
    module
}

const BOMB: TypeId = TypeId(TypeId::BUILTIN_COUNT + 7);

fn ended(module: &Module) -> (Outcome, String) {
    let report = run_with(module, Limits::default(), &mut Host::new());
    let code = report.reason.map_or(String::new(), |reason| reason.code.to_string());
    (report.outcome, code)
}

#[test]
fn a_vast_value_as_text() {
    let code = vec![Op::Zero { result: r(1) }, Op::Text { result: r(0), value: r(1) }];
    assert_eq!(
        ended(&bomb(&[TypeId::STRING, BOMB], TypeId::STRING, code)),
        (Outcome::Trapped, "too_long".into())
    );
}

#[test]
fn vast_values_compared() {
    let code = vec![
        Op::Zero { result: r(1) },
        Op::Zero { result: r(2) },
        Op::EqValue { result: r(0), left: r(1), right: r(2) },
    ];
    // It looks no further than the fuel that is left.
    let limits = Limits::default().fuel(100_000);
    let report = run_with(&bomb(&[TypeId::BOOL, BOMB, BOMB], TypeId::BOOL, code), limits, &mut Host::new());
    assert_eq!(report.reason.unwrap().code, "fuel");
}

#[test]
fn a_vast_result() {
    let module = bomb(&[BOMB], BOMB, vec![Op::Zero { result: r(0) }]);
    let report = run_with(&module, Limits::default(), &mut Host::new());
    // A report shows 65,536 parts of a value.
    assert!(report.result.unwrap().to_json().len() < 1 << 20);
}

#[test]
fn a_vast_argument() {
    let code = vec![Op::Zero { result: r(1) }, Op::Host { import: ImportId(0), arguments: rs(&[1]) }];
    let mut module = bomb(&[TypeId::INT, BOMB], TypeId::INT, code);
    module.imports = vec![action("SHOW", &[BOMB])];
    let mut host = Host::new();
    host.otherwise(|_| swarm_vm::Answer::done());
    let report = run_with(&module, Limits::default(), &mut host);
    assert_eq!(report.outcome, Outcome::Done);
    assert!(report.actions[0].args[0].to_json().len() < 1 << 20);
}
