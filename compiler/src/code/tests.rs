//! The generator on programs built by hand: what does not depend on the checker.

use smol_str::SmolStr;
use swarm_bytecode::layout::Layout;
use swarm_bytecode::module::{
    CallCost, Effect, Import, ImportId, Input, InputId, Instruction, Module, Polynomial, Term,
};
use swarm_bytecode::op::Op;
use swarm_bytecode::types::{Constant, Field, Type, TypeId};
use swarm_bytecode::verify::Verified;
use swarm_grammar::source::{SourceFile, Sources};
use swarm_grammar::span::{FileId, Span};

use super::generate;
use crate::bound::{Report, formula, prove};
use crate::typed::{
    Aggregate, BinaryOperation, Comparison, Expr, ExprKind, Fleet, Function, FunctionIndex, Iteration, Local,
    LocalId, Program, Source, Statement, StatementKind,
};

const TASK: TypeId = TypeId(11);
const TASKS: TypeId = TypeId(12);
const OPTIONAL_INT: TypeId = TypeId(13);

fn span() -> Span {
    Span::new(FileId(0), 0, 4)
}

fn expr(kind: ExprKind, ty: TypeId) -> Expr {
    Expr { kind, ty: Some(ty), span: span() }
}

fn word(value: i64, ty: TypeId) -> Expr {
    expr(ExprKind::Word(value), ty)
}

fn local(id: u32, ty: TypeId) -> Expr {
    expr(ExprKind::Local(LocalId(id)), ty)
}

fn compare(comparison: Comparison, left: Expr, right: Expr) -> Expr {
    let kind = ExprKind::Binary(BinaryOperation::Compare(comparison), Box::new(left), Box::new(right));
    expr(kind, TypeId::BOOL)
}

fn field(of: Expr, index: u8, ty: TypeId) -> Expr {
    expr(ExprKind::Field(Box::new(of), index), ty)
}

fn statement(kind: StatementKind) -> Statement {
    Statement { kind, span: span() }
}

fn declare(name: &str, ty: TypeId) -> Local {
    Local { name: name.into(), ty, assigned: true, span: span() }
}

fn over_tasks(item: u32) -> Iteration {
    let source = Source::List(Box::new(expr(ExprKind::Input(InputId(0)), TASKS)));
    Iteration { source, item: LocalId(item), index: None, filter: None }
}

/// A program of one function, over the tasks of the prelude in small.
fn program(locals: Vec<Local>, body: Vec<Statement>) -> Program {
    let task_field = |name: &str, ty, key| Field { name: name.into(), ty, key, unit: None, default: None };
    let fields = vec![
        task_field("id", TypeId::STRING, true),
        task_field("name", TypeId::STRING, false),
        task_field("cpu_time", TypeId::DURATION, false),
        task_field("priority", TypeId::INT, false),
    ];
    let throttle = Import {
        name: "REDUCE_CPU_THROTTLE".into(),
        parameters: vec![TASK, TypeId::PERCENT],
        result: None,
        effect: Effect::Idempotent,
        capability: Some("cpu.throttle".into()),
        cost: CallCost::default(),
    };
    let queue = Input { name: "task_queue".into(), ty: TASKS, unit: None, default: Some(Constant::Empty) };
    let function = Function {
        name: SmolStr::new("main"),
        span: span(),
        parameters: 0,
        result: None,
        locals,
        body,
        calls: Vec::new(),
    };
    Program {
        instruction: Instruction::default(),
        target: None,
        types: vec![
            Type::Record { name: "Task".into(), fields },
            Type::List { element: TASK, max: Some(10_000) },
            Type::Optional(TypeId::INT),
        ],
        imports: vec![throttle],
        inputs: vec![queue],
        secret_inputs: Vec::new(),
        contexts: vec![],
        metrics: vec![],
        states: vec![],
        events: vec![],
        timers: vec![],
        vetoes: vec![],
        fleet: Fleet::default(),
        tests: vec![],
        functions: vec![function],
        entry: FunctionIndex(0),
    }
}

fn compiled(program: &Program) -> (Module, Report) {
    let mut sources = Sources::new();
    sources.add(SourceFile::new("test.swarm", "test"));
    let generated = generate(program, &sources, None).unwrap();
    let report = prove(&generated.module, &generated.facts);
    let module = Module { bound: report.bound.clone(), ..generated.module };
    Verified::from_module(&module).unwrap();
    (module, report)
}

fn code(module: &Module) -> Vec<&'static str> {
    module.functions[0].code.iter().map(|op| op.info().mnemonic).collect()
}

#[test]
fn a_loop_with_a_condition_has_the_expected_shape_and_bound() {
    let condition = compare(
        Comparison::Greater,
        field(local(0, TASK), 2, TypeId::DURATION),
        word(5_000_000_000, TypeId::DURATION),
    );
    let arguments = vec![local(0, TASK), word(200_000, TypeId::PERCENT)];
    let call = Expr { kind: ExprKind::Host(ImportId(0), arguments), ty: None, span: span() };
    let then = vec![statement(StatementKind::Call(call))];
    let body = vec![statement(StatementKind::If { condition, then, otherwise: vec![] })];
    let program = program(
        vec![declare("task", TASK)],
        vec![statement(StatementKind::For { iteration: over_tasks(0), body })],
    );
    let (module, report) = compiled(&program);
    assert_eq!(
        code(&module),
        ["input", "foreach", "field", "int", "lt", "if", "int", "host", "end", "next", "return"]
    );
    // Only the key and what is read; the index of the field follows.
    let Type::Record { fields, .. } = &module.types[0] else { panic!("a record first: {:?}", module.types) };
    assert_eq!(fields.iter().map(|field| field.name.as_str()).collect::<Vec<_>>(), ["id", "cpu_time"]);
    assert!(module.functions[0].code.iter().any(|op| matches!(op, Op::Field { field: 1, .. })));
    // Outside the loop: input 1, foreach 2, return 1. Inside: 3 + if 1 + int 1 + host 8 + 2 × 2 + next 2.
    assert_eq!(formula(&report.bound.fuel, &module), "4 + 19 × task_queue");
    assert_eq!(formula(&report.bound.host_calls, &module), "task_queue");
    assert_eq!(report.causes, []);
}

#[test]
fn a_minimum_compared_with_none_makes_no_optional() {
    let least = ExprKind::Aggregate {
        aggregate: Aggregate::Min,
        iteration: Box::new(over_tasks(1)),
        value: Some(Box::new(field(local(1, TASK), 3, TypeId::INT))),
    };
    let or_seven = ExprKind::Coalesce(Box::new(expr(least, OPTIONAL_INT)), Box::new(word(7, TypeId::INT)));
    let value = expr(or_seven, TypeId::INT);
    let program = program(
        vec![declare("least", TypeId::INT), declare("task", TASK)],
        vec![statement(StatementKind::Let { local: LocalId(0), value })],
    );
    let (module, report) = compiled(&program);
    assert!(!code(&module).contains(&"some"));
    assert!(matches!(&report.bound.memory, Polynomial::Terms(terms) if terms.len() == 1));
}

#[test]
fn a_range_with_constant_ends_costs_a_constant() {
    let ends = (word(1, TypeId::INT), word(10, TypeId::INT));
    let iteration = Iteration {
        source: Source::Range(Box::new(ends.0), Box::new(ends.1)),
        item: LocalId(0),
        index: None,
        filter: None,
    };
    let body = vec![statement(StatementKind::Continue)];
    let program =
        program(vec![declare("i", TypeId::INT)], vec![statement(StatementKind::For { iteration, body })]);
    let (module, report) = compiled(&program);
    // int 1 + int 1 + range 2 + 10 × (continue 1 + next 2) + return 1
    let terms = vec![Term { factors: swarm_bytecode::module::Factors::new(), coefficient: 35 }];
    assert_eq!(report.bound.fuel, Polynomial::Terms(terms));
    assert!(module.inputs.is_empty() && module.types.is_empty() && module.imports.is_empty());
}

#[test]
fn a_long_way_without_a_settling_op_is_broken_up() {
    let first = StatementKind::Let { local: LocalId(0), value: word(1, TypeId::INT) };
    let assign =
        || StatementKind::Assign { place: local(0, TypeId::INT), update: None, value: word(1, TypeId::INT) };
    let mut body = vec![statement(first)];
    body.extend((0..3_000).map(|_| statement(assign())));
    let (module, _) = compiled(&program(vec![declare("x", TypeId::INT)], body));
    assert_eq!(code(&module).iter().filter(|&&mnemonic| mnemonic == "settle").count(), 1);
    let layout = Layout::of(&module.functions[0].code).unwrap();
    assert!(layout.longest_unsettled().0 <= 2_048);
}

/// `1 + (1 + (1 + …))`: each sum waits for the next.
fn nested(depth: u32) -> Expr {
    let one = || Box::new(word(1, TypeId::INT));
    (0..depth).fold(word(1, TypeId::INT), |sum, _| {
        expr(ExprKind::Binary(BinaryOperation::AddWord, one(), Box::new(sum)), TypeId::INT)
    })
}

#[test]
fn too_many_values_at_once_are_refused() {
    let body = vec![statement(StatementKind::Let { local: LocalId(0), value: nested(300) })];
    let program = program(vec![declare("x", TypeId::INT)], body);
    let errors = generate(&program, &Sources::new(), None).unwrap_err();
    assert_eq!(errors[0].code.as_str(), "E0180");
}

#[test]
fn a_long_list_needs_few_registers() {
    let list = expr(ExprKind::List((0..300).map(|_| nested(1)).collect()), TypeId(14));
    let mut program = program(
        vec![declare("xs", TypeId(14))],
        vec![statement(StatementKind::Let { local: LocalId(0), value: list })],
    );
    program.types.push(Type::List { element: TypeId::INT, max: None });
    let (module, report) = compiled(&program);
    assert!(module.functions[0].registers.len() < 80);
    assert_eq!(code(&module).iter().filter(|&&mnemonic| mnemonic == "push").count(), 300 - 64);
    // The first 64 items, then the list as it grows: 128, 256, 512 words and headers at least.
    let Polynomial::Terms(terms) = &report.bound.memory else { panic!("{:?}", report.causes) };
    assert!(terms[0].coefficient > 8 * (64 + 128 + 256 + 512), "{terms:?}");
}
