//! Modules made by hand, and short ways to run them.
use swarm_bytecode::module::{
    Amount, CallCost, Debug, Effect, Function, FunctionDebug, FunctionId, Import, Metric, MetricId,
    MetricKind, Module, Place, SourceName,
};
use swarm_bytecode::op::{Op, Register, Registers};
use swarm_bytecode::types::{Field, Type, TypeId};
use swarm_vm::{Exit, Grants, Host, Inputs, Instance, Limits, Outcome, Program, Report};

pub(crate) fn r(register: u8) -> Register {
    Register(register)
}

pub(crate) fn rs(registers: &[u8]) -> Registers {
    registers.iter().map(|register| Register(*register)).collect()
}

pub(crate) fn int(register: u8, value: i64) -> Op {
    Op::Integer { result: r(register), value }
}

pub(crate) fn function(
    registers: &[TypeId],
    parameters: u8,
    result: Option<TypeId>,
    code: Vec<Op>,
) -> Function {
    Function { registers: registers.to_vec(), parameters, result, code }
}

/// A module whose entry function is the first.
pub(crate) fn module(functions: Vec<Function>) -> Module {
    let mut module = Module::empty();
    module.instruction.name = "TEST".into();
    module.instruction.version = 1;
    module.functions = functions;
    module.entry = FunctionId(0);
    module
}

/// A module of one function that returns its register 0.
pub(crate) fn main(registers: &[TypeId], mut code: Vec<Op>) -> Module {
    code.push(Op::ReturnValue { value: r(0) });
    module(vec![function(registers, 0, Some(registers[0]), code)])
}

/// Adds a type and gives its id.
pub(crate) fn add_type(module: &mut Module, ty: Type) -> TypeId {
    module.types.push(ty);
    TypeId(TypeId::BUILTIN_COUNT + u16::try_from(module.types.len() - 1).unwrap())
}

pub(crate) fn field(name: &str, ty: TypeId) -> Field {
    Field { name: name.into(), ty, key: false, unit: None, default: None }
}

pub(crate) fn key(name: &str) -> Field {
    Field { key: true, ..field(name, TypeId::STRING) }
}

pub(crate) fn action(name: &str, parameters: &[TypeId]) -> Import {
    Import {
        name: name.into(),
        parameters: parameters.to_vec(),
        result: None,
        effect: Effect::Idempotent,
        capability: None,
        cost: CallCost::default(),
    }
}

pub(crate) fn query(name: &str, parameters: &[TypeId], result: TypeId) -> Import {
    Import { result: Some(result), effect: Effect::Query, ..action(name, parameters) }
}

pub(crate) fn costing(import: Import, money: Amount, tokens: Amount) -> Import {
    Import { cost: CallCost { money, tokens }, ..import }
}

pub(crate) fn metric(name: &str, ty: TypeId, kind: MetricKind) -> Metric {
    Metric { name: name.into(), ty, kind }
}

pub(crate) const METRIC: MetricId = MetricId(0);

/// Gives every op of every function a place: line = op + 1.
pub(crate) fn with_debug(mut module: Module) -> Module {
    let functions = module.functions.iter().enumerate().map(|(at, function)| FunctionDebug {
        name: format!("f{at}").into(),
        registers: Vec::new(),
        places: (0..function.code.len())
            .map(|op| {
                let op = u32::try_from(op).unwrap();
                (op, Place { file: 0, line: op + 1, column: 1 })
            })
            .collect(),
    });
    module.debug = Some(Debug {
        functions: functions.collect(),
        files: vec![SourceName { name: "test.swarm".into(), sha256: [0; 32] }],
    });
    module
}

pub(crate) fn load(module: &Module) -> Program {
    Program::load(&module.encode()).unwrap_or_else(|error| panic!("{error}\n{module:#?}"))
}

pub(crate) fn instance(module: &Module, limits: Limits, host: &Host<'_>) -> Instance {
    let program = load(module);
    Instance::new(&program, &Inputs::new(&program), limits, &Grants::all(), host).unwrap()
}

pub(crate) fn run_with(module: &Module, limits: Limits, host: &mut Host<'_>) -> Report {
    let mut instance = instance(module, limits, host);
    match instance.run(host) {
        Exit::Finished(report) => report,
        Exit::OutOfFuel { .. } => instance.close(),
        Exit::Pending(call) => panic!("pending: {call:?}"),
    }
}

pub(crate) fn run(module: &Module) -> Report {
    run_with(module, Limits::default(), &mut Host::new())
}

/// What the module returns, as JSON.
pub(crate) fn result(module: &Module) -> String {
    let report = run(module);
    assert_eq!(report.outcome, Outcome::Done, "{:?}", report.reason);
    report.result.unwrap().to_json()
}

/// The code of the trap or limit the module ends with.
pub(crate) fn failure(module: &Module) -> String {
    let report = run(module);
    assert_ne!(report.outcome, Outcome::Done, "{:?}", report.result);
    report.reason.unwrap().code.to_string()
}
