//! What one host call costs: a loop of typed actions beside the same loop without them, with and without the
//! log of actions and the digest.

use std::cell::Cell;
use std::hint::black_box;
use std::io::Write;

use swarm_benches::side_by_side;
use swarm_bytecode::module::{CallCost, Effect, Function, FunctionId, Import, ImportId, Module};
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::TypeId;
use swarm_vm::{Grants, Host, Inputs, Instance, Limits, Program};

type Failure = Box<dyn std::error::Error>;

/// Calls in one run.
const CALLS: i64 = 10_000;

/// A loop that calls `ACT(i, 10000)`, or does nothing.
fn program(calls: bool) -> Result<Program, Failure> {
    let [first, last, item] = [1, 2, 3].map(Register);
    let mut code = vec![
        Op::Integer { result: first, value: 1 },
        Op::Integer { result: last, value: CALLS },
        Op::Range { item, first, last },
    ];
    if calls {
        code.push(Op::Host { import: ImportId(0), arguments: [item, last].into() });
    }
    code.extend([Op::Advance {}, Op::Return {}]);
    let mut module = Module::empty();
    module.instruction.name = "CALLS".into();
    module.functions = vec![Function { registers: vec![TypeId::INT; 4], parameters: 0, result: None, code }];
    module.entry = FunctionId(0);
    module.imports = vec![Import {
        name: "ACT".into(),
        parameters: vec![TypeId::INT, TypeId::INT],
        result: None,
        effect: Effect::Idempotent,
        capability: None,
        cost: CallCost::default(),
    }];
    Ok(Program::load(&module.encode())?)
}

fn instance(program: &Program, host: &Host<'_>, log: bool, digest: bool) -> Result<Instance, Failure> {
    let inputs = Inputs::new(program);
    let mut run = Instance::new(program, &inputs, Limits::default(), &Grants::none(), host)?;
    if !log {
        run = run.without_action_log();
    }
    if !digest {
        run = run.without_digest();
    }
    Ok(run)
}

fn measure(log: bool, digest: bool) -> Result<f64, Failure> {
    let (calling, idle) = (program(true)?, program(false)?);
    let calls = Cell::new(0_u64);
    let mut host = Host::new();
    host.action("ACT", |first: i64, second: i64| {
        black_box((first, second));
        calls.set(calls.get().wrapping_add(1));
    });
    let mut same = Host::new();
    same.action("ACT", |_: i64, _: i64| ());
    let found = side_by_side(
        31,
        || {
            if let Ok(mut run) = instance(&calling, &host, log, digest) {
                black_box(run.run(&mut host));
            }
        },
        || {
            if let Ok(mut run) = instance(&idle, &same, log, digest) {
                black_box(run.run(&mut same));
            }
        },
    );
    Ok((found.first_ns - found.second_ns) / 1e4)
}

fn main() -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    for (name, log, digest) in [
        ("without log and digest", false, false),
        ("with the log of actions", true, false),
        ("with the digest", false, true),
        ("with both", true, true),
    ] {
        writeln!(out, "one typed action {name}: {:.1} ns", measure(log, digest)?)?;
    }
    Ok(())
}
