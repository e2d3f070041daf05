//! Every rule of the verifier has a module that breaks it, and nothing else.
use crate::support::{TASK, TASKS, any_module, field, sample, structured_code};
use crate::whole;
use proptest::prelude::*;
use swarm_bytecode::module::*;
use swarm_bytecode::op::{Op, Register, Registers};
use swarm_bytecode::types::{Constant, Type, TypeId};
use swarm_bytecode::verify::{LoadError, RULES, Rule, Verified};

const fn r(register: u8) -> Register {
    Register(register)
}

/// The sample with a little of everything else.
pub(crate) fn base() -> Module {
    let mut module = sample();
    module.types.push(Type::Optional(TypeId::INT));
    module.types.push(Type::Optional(TypeId::MONEY));
    module.floats = vec![1.5, 2.5];
    module.strings = vec!["a".into(), "b".into()];
    module.contexts =
        vec![Context { name: "pot".into(), ty: TypeId::MONEY, unit: Some("USD".into()), default: None }];
    let metric = |name: &str, kind| Metric { name: name.into(), ty: TypeId::MONEY, kind };
    module.metrics = vec![
        metric("saved", MetricKind::Total),
        metric("left", MetricKind::Gauge),
        metric("price", MetricKind::Distribution),
    ];
    module.imports.push(Import {
        name: "price".into(),
        parameters: vec![TypeId::STRING],
        result: Some(TypeId::MONEY),
        effect: Effect::Query,
        capability: None,
        cost: CallCost { money: Amount::Computed(FunctionId(1)), tokens: Amount::Fixed(5) },
    });
    let function = |registers: &[TypeId], parameters, result, code| Function {
        registers: registers.to_vec(),
        parameters,
        result,
        code,
    };
    module.functions.push(function(
        &[TypeId::STRING, TypeId::MONEY],
        1,
        Some(TypeId::MONEY),
        vec![Op::Integer { result: r(1), value: 5 }, Op::ReturnValue { value: r(1) }],
    ));
    module.functions.push(function(
        &[TASK, TypeId::BOOL],
        1,
        Some(TypeId::BOOL),
        vec![Op::Integer { result: r(1), value: 1 }, Op::ReturnValue { value: r(1) }],
    ));
    module.functions.push(function(REGISTERS, 0, None, vec![Op::Return {}]));
    module.instruction.target = Some(Target { count: TargetCount::All, filter: Some(FunctionId(2)) });
    module.instruction.deadline_ns = Some(1);
    let debug = module.debug.as_mut().unwrap();
    debug.functions.resize(4, FunctionDebug::default());
    module
}

/// Of the last function: two of each class. The optionals are `int?` and `money?`.
const REGISTERS: &[TypeId] = &[
    TypeId::INT,
    TypeId::INT,
    TypeId::BOOL,
    TypeId::BOOL,
    TypeId::FLOAT,
    TypeId::STRING,
    TASKS,
    TASK,
    TASK,
    TypeId(13),
    TypeId(14),
    TypeId::MONEY,
    TypeId::DURATION,
    TypeId::BYTES,
    TypeId::BANDWIDTH,
    TypeId::INT,
];

/// The base with these ops at the start of its last function.
fn with(ops: Vec<Op>) -> Module {
    let mut module = base();
    module.functions[3].code.splice(0..0, ops);
    module
}

fn changed(change: impl FnOnce(&mut Module)) -> Module {
    let mut module = base();
    change(&mut module);
    module
}

fn record(module: &mut Module) -> &mut Vec<swarm_bytecode::types::Field> {
    match &mut module.types[0] {
        Type::Record { fields, .. } => fields,
        other => panic!("{other:?} is no record"),
    }
}

/// Modules that break a rule. `Work` has a test of its own.
fn tables(rule: Rule) -> Vec<Module> {
    match rule {
        Rule::TypeExists => vec![
            changed(|module| module.types.push(Type::Optional(TypeId(15)))),
            changed(|module| module.types[1] = Type::List { element: TypeId(999), max: None }),
            changed(|module| module.inputs[0].ty = TypeId(999)),
            changed(|module| module.imports[0].parameters[0] = TypeId(999)),
            changed(|module| module.functions[3].registers.push(TypeId(999))),
            changed(|module| module.functions[3].result = Some(TypeId(999))),
        ],
        Rule::OwnTypes => vec![changed(|module| module.types.push(Type::Int))],
        Rule::TypeDepth => vec![changed(|module| {
            for element in 14..30 {
                module.types.push(Type::List { element: TypeId(element), max: None });
            }
        })],
        Rule::NestedOptional => vec![changed(|module| module.types.push(Type::Optional(TypeId(13))))],
        Rule::Names => vec![
            changed(|module| module.imports[1].name = module.imports[0].name.clone()),
            changed(|module| module.inputs[0].name = "".into()),
            changed(|module| module.metrics[1].name = "saved".into()),
            changed(|module| record(module)[1].name = "id".into()),
            changed(|module| module.imports[0].capability = Some("".into())),
        ],
        Rule::KeyField => vec![
            changed(|module| record(module)[1].key = true),
            changed(|module| {
                record(module)[0].key = false;
                record(module).push(field("x", TypeId::FLOAT, None, None));
                record(module)[4].key = true;
            }),
        ],
        Rule::Defaults => vec![
            changed(|module| record(module)[1].default = Some(Constant::Empty)),
            changed(|module| module.contexts[0].default = Some(Constant::Float(1.0))),
            changed(|module| record(module).push(field("b", TypeId::BOOL, None, Some(Constant::Word(2))))),
        ],
        Rule::Units => vec![
            changed(|module| record(module)[1].unit = Some("B".into())),
            changed(|module| module.contexts[0].unit = Some("florins".into())),
        ],
        Rule::ImportResult => vec![
            changed(|module| module.imports[0].result = Some(TypeId::INT)),
            changed(|module| module.imports[4].result = None),
        ],
        Rule::CallCosts => vec![
            changed(|module| module.imports[0].cost.tokens = Amount::Fixed(-1)),
            changed(|module| module.imports[0].cost.tokens = Amount::Computed(FunctionId(99))),
            changed(|module| module.imports[0].cost.tokens = Amount::Computed(FunctionId(1))),
            changed(|module| module.functions[1].code.insert(0, Op::Fail { reason: r(0) })),
            changed(|module| {
                let caller = Op::Call { function: FunctionId(0), arguments: Registers::default() };
                module.functions[1].code.insert(0, caller);
            }),
        ],
        Rule::MetricType => vec![changed(|module| module.metrics[2].ty = TypeId::STRING)],
        Rule::Limits => vec![changed(|module| module.instruction.deadline_ns = Some(-1))],
        Rule::Filter => vec![
            changed(|module| module.instruction.target.as_mut().unwrap().filter = Some(FunctionId(1))),
            changed(|module| {
                module.functions[2].registers.push(TASKS);
                module.functions[2].code.insert(0, Op::Input { result: r(2), input: InputId(0) });
            }),
        ],
        Rule::Constants => {
            vec![changed(|module| module.floats[1] = 1.5), changed(|module| module.strings[1] = "a".into())]
        }
        Rule::Entry => vec![
            changed(|module| module.entry = FunctionId(1)),
            changed(|module| module.entry = FunctionId(9)),
            Module::empty(),
        ],
        Rule::BoundForm => bounds(),
        Rule::DebugForm => vec![
            changed(|module| module.debug.as_mut().unwrap().functions.truncate(3)),
            changed(|module| module.debug.as_mut().unwrap().functions[0].registers.reverse()),
            changed(|module| module.debug.as_mut().unwrap().functions[0].registers[1].0 = 200),
            changed(|module| module.debug.as_mut().unwrap().functions[0].registers[1].0 = 11),
            changed(|module| module.debug.as_mut().unwrap().functions[0].registers[1].0 = 0),
            changed(|module| {
                let ops = u32::try_from(module.functions[0].code.len()).unwrap();
                module.debug.as_mut().unwrap().functions[0].places[2].0 = ops;
            }),
            changed(|module| module.debug.as_mut().unwrap().functions[0].places[1].0 = 0),
            changed(|module| module.debug.as_mut().unwrap().functions[0].places[1].1.file = 1),
        ],
        _ => Vec::new(),
    }
}

fn bounds() -> Vec<Module> {
    let with = |terms: Vec<Term>| changed(|module| module.bound.fuel = Polynomial::Terms(terms));
    let term = |factors: &[u16], coefficient| Term {
        factors: factors.iter().map(|input| InputId(*input)).collect(),
        coefficient,
    };
    vec![with(vec![term(&[7], 1)]), with(vec![term(&[1, 0], 1)])]
}

fn shapes(rule: Rule) -> Vec<Module> {
    let add = || Op::AddInt { result: r(0), left: r(0), right: r(0) };
    let product = Op::Product { result: r(0), left: r(0), right: r(0), divisor: 1 };
    let foreach = || Op::ForEach { item: r(7), index: r(1), list: r(6) };
    match rule {
        Rule::Registers => vec![changed(|module| module.functions[3].parameters = 17)],
        Rule::Blocks => vec![
            with(vec![Op::End {}]),
            with(vec![Op::Else {}]),
            with(vec![Op::Repeat {}]),
            with(vec![Op::Block {}]),
            with(vec![Op::Block {}, Op::Repeat {}]),
            with(vec![Op::Loop {}, Op::Advance {}]),
            with(vec![Op::Loop {}, Op::End {}]),
            with(vec![foreach(), Op::Repeat {}]),
            with(vec![Op::If { condition: r(2) }, Op::Else {}, Op::Else {}, Op::End {}]),
            with(vec![Op::Block {}, Op::Else {}, Op::End {}]),
        ],
        Rule::Nesting => vec![with([vec![Op::Block {}; 65], vec![Op::End {}; 65]].concat())],
        Rule::Branches => vec![
            with(vec![Op::Break { depth: 0 }]),
            with(vec![Op::If { condition: r(2) }, Op::Break { depth: 0 }, Op::End {}]),
            with(vec![Op::Loop {}, Op::Break { depth: 1 }, Op::Repeat {}]),
            with(vec![Op::Block {}, Op::Continue { depth: 0 }, Op::End {}]),
        ],
        Rule::Cost => vec![with(vec![[vec![product; 500], vec![Op::Settle {}]].concat(); 33].concat())],
        Rule::SettleFree => vec![
            with(vec![add(); 2049]),
            with(
                [
                    vec![Op::Block {}, Op::If { condition: r(2) }],
                    vec![add(); 1500],
                    vec![Op::Break { depth: 0 }, Op::End {}, Op::Settle {}, Op::End {}],
                ]
                .concat()
                .into_iter()
                .chain(vec![add(); 600])
                .collect(),
            ),
        ],
        Rule::Falling => vec![
            changed(|module| module.functions[3].code = vec![]),
            changed(|module| module.functions[3].code = vec![add()]),
            changed(|module| {
                module.functions[3].code = vec![Op::Block {}, Op::Return {}, Op::End {}];
            }),
        ],
        Rule::Register => vec![
            with(vec![Op::AddInt { result: r(16), left: r(0), right: r(0) }]),
            with(vec![Op::NewRecord { result: r(7), fields: [r(200)].into() }]),
        ],
        Rule::Protected => vec![
            with(vec![foreach(), Op::Zero { result: r(1) }, Op::Advance {}]),
            with(vec![foreach(), Op::Zero { result: r(6) }, Op::Advance {}]),
            with(vec![foreach(), foreach(), Op::Advance {}, Op::Advance {}]),
            with(vec![
                foreach(),
                Op::HostValue { result: r(11), import: ImportId(4), arguments: [r(5)].into() },
                Op::SetItem { list: r(6), index: r(0), value: r(7) },
                Op::Advance {},
            ]),
            with(vec![Op::Range { item: r(0), first: r(1), last: r(0) }, Op::Advance {}]),
            with(vec![Op::Range { item: r(0), first: r(0), last: r(1) }, add(), Op::Advance {}]),
        ],
        _ => Vec::new(),
    }
}

fn ops(rule: Rule) -> Vec<Module> {
    let one = |op: Op| with(vec![op]);
    match rule {
        Rule::Class => vec![
            with(vec![Op::If { condition: r(0) }, Op::End {}]),
            one(Op::AddInt { result: r(0), left: r(0), right: r(2) }),
            one(Op::AddFloat { result: r(0), left: r(4), right: r(4) }),
            one(Op::Length { result: r(0), list: r(7) }),
            one(Op::Integer { result: r(4), value: 1 }),
        ],
        Rule::Index => vec![
            one(Op::Float { result: r(4), value: FloatId(2) }),
            one(Op::String { result: r(5), value: StringId(2) }),
            one(Op::Call { function: FunctionId(4), arguments: Registers::default() }),
            one(Op::Host { import: ImportId(5), arguments: Registers::default() }),
            one(Op::Input { result: r(6), input: InputId(1) }),
            one(Op::Context { result: r(11), context: ContextId(1) }),
            one(Op::Metric { result: r(11), metric: MetricId(3) }),
        ],
        Rule::SameType => vec![
            one(Op::Copy { result: r(0), value: r(11) }),
            one(Op::Move { result: r(9), value: r(10) }),
            one(Op::EqInt { result: r(2), left: r(0), right: r(2) }),
            one(Op::EqValue { result: r(2), left: r(9), right: r(10) }),
            one(Op::EqValue { result: r(2), left: r(0), right: r(0) }),
        ],
        Rule::Calls => vec![
            one(Op::Call { function: FunctionId(0), arguments: [r(0)].into() }),
            one(Op::CallValue { result: r(0), function: FunctionId(1), arguments: [r(5)].into() }),
            one(Op::CallValue { result: r(11), function: FunctionId(1), arguments: [r(0)].into() }),
            one(Op::Call { function: FunctionId(1), arguments: [r(5)].into() }),
        ],
        Rule::HostCalls => vec![
            one(Op::Host { import: ImportId(0), arguments: [r(7)].into() }),
            one(Op::Host { import: ImportId(4), arguments: [r(5)].into() }),
            one(Op::HostValue { result: r(11), import: ImportId(2), arguments: [r(7)].into() }),
            one(Op::HostValue { result: r(0), import: ImportId(4), arguments: [r(5)].into() }),
        ],
        Rule::Returns => vec![
            one(Op::ReturnValue { value: r(0) }),
            changed(|module| module.functions[1].code.push(Op::Return {})),
        ],
        Rule::Bools => vec![one(Op::Integer { result: r(2), value: 2 })],
        Rule::Records => vec![
            one(Op::NewRecord { result: r(7), fields: [r(5), r(12), r(13)].into() }),
            one(Op::NewRecord { result: r(7), fields: [r(5), r(12), r(14), r(13)].into() }),
            one(Op::Field { result: r(5), record: r(7), field: 4 }),
            one(Op::Field { result: r(0), record: r(7), field: 1 }),
            one(Op::SetField { record: r(7), field: 1, value: r(0) }),
        ],
        Rule::Lists => vec![
            one(Op::NewList { result: r(6), items: [r(7), r(0)].into() }),
            one(Op::Item { result: r(0), list: r(6), index: r(1) }),
            one(Op::SetItem { list: r(6), index: r(1), value: r(0) }),
            with(vec![Op::ForEach { item: r(0), index: r(1), list: r(6) }, Op::Advance {}]),
        ],
        Rule::Optionals => {
            vec![one(Op::Some { result: r(9), value: r(11) }), one(Op::Unwrap { result: r(0), value: r(10) })]
        }
        Rule::Loads => vec![
            one(Op::Input { result: r(0), input: InputId(0) }),
            one(Op::Context { result: r(0), context: ContextId(0) }),
            one(Op::Metric { result: r(0), metric: MetricId(0) }),
            one(Op::Metric { result: r(11), metric: MetricId(1) }),
            one(Op::Metric { result: r(10), metric: MetricId(2) }),
            one(Op::RecordMetric { metric: MetricId(0), value: r(0) }),
        ],
        Rule::Positive => vec![
            one(Op::Product { result: r(0), left: r(0), right: r(0), divisor: 0 }),
            one(Op::Quotient { result: r(0), left: r(0), right: r(0), factor: -1 }),
        ],
        _ => Vec::new(),
    }
}

#[test]
fn the_base_keeps_all_rules() {
    for module in [sample(), base(), with(every_good_op()), whole::base(), whole::with_every_op()] {
        if let Err(error) = Verified::from_module(&module) {
            panic!("{error}");
        }
    }
}

fn every_good_op() -> Vec<Op> {
    vec![
        Op::Input { result: r(6), input: InputId(0) },
        Op::Context { result: r(11), context: ContextId(0) },
        Op::Metric { result: r(11), metric: MetricId(0) },
        Op::Metric { result: r(10), metric: MetricId(1) },
        Op::Some { result: r(9), value: r(0) },
        Op::Unwrap { result: r(11), value: r(10) },
        Op::NewRecord { result: r(7), fields: [r(5), r(12), r(13), r(14)].into() },
        Op::Field { result: r(12), record: r(7), field: 1 },
        Op::SetField { record: r(7), field: 3, value: r(14) },
        Op::NewList { result: r(6), items: [r(7), r(8)].into() },
        Op::Item { result: r(7), list: r(6), index: r(0) },
        Op::EqValue { result: r(2), left: r(7), right: r(8) },
        Op::CallValue { result: r(11), function: FunctionId(1), arguments: [r(5)].into() },
        Op::HostValue { result: r(11), import: ImportId(4), arguments: [r(5)].into() },
        Op::RecordMetric { metric: MetricId(0), value: r(11) },
        Op::Range { item: r(0), first: r(0), last: r(1) },
        Op::ForEach { item: r(7), index: r(15), list: r(6) },
        Op::Continue { depth: 1 },
        Op::Advance {},
        Op::Break { depth: 0 },
        Op::Advance {},
        Op::Zero { result: r(0) },
        Op::Call { function: FunctionId(3), arguments: Registers::default() },
    ]
}

#[test]
fn every_rule_is_broken_by_modules_that_break_only_it() {
    for &rule in RULES.iter().filter(|rule| **rule != Rule::Work) {
        let modules = [tables(rule), shapes(rule), ops(rule), whole::broken(rule)].concat();
        assert!(!modules.is_empty(), "no module breaks {rule}");
        for (index, module) in modules.iter().enumerate() {
            match Verified::from_module(module) {
                Err(LoadError::Verify(error)) => {
                    assert_eq!(error.rule, rule, "module {index} for {rule}: {error}");
                }
                other => panic!("module {index} for {rule}: {other:?}"),
            }
        }
    }
}

#[test]
fn checking_takes_no_more_steps_than_allowed() {
    let bytes = base().encode();
    let needed = Verified::load(&bytes).unwrap().work();
    assert!(Verified::load_within(&bytes, needed).is_ok());
    match Verified::load_within(&bytes, needed - 1) {
        Err(LoadError::Verify(error)) => assert_eq!(error.rule, Rule::Work),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rules_are_numbered_in_order() {
    for (index, rule) in RULES.iter().enumerate() {
        assert_eq!(rule.number(), format!("V{:02}", index + 1));
    }
}

#[test]
fn an_error_names_the_place() {
    let error = Verified::from_module(&with(vec![Op::Settle {}, Op::Zero { result: r(99) }])).unwrap_err();
    assert_eq!(error.code(), "E0410");
    assert_eq!(error.to_string(), "rule V26 (register), function 3, op 1: `result` is register 99 of 16");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_module_makes_the_verifier_panic(seed: u64) {
        let _ = Verified::from_module(&any_module(seed));
    }

    #[test]
    fn well_formed_code_is_accepted(seed: u64) {
        let mut module = base();
        let code = structured_code(seed);
        // Loops over one list cannot nest: see `Protected`.
        let nested = code.iter().filter(|op| matches!(op, Op::ForEach { .. })).count() > 1;
        module.functions.push(Function {
            registers: vec![TypeId::BOOL, TASKS, TypeId::INT, TypeId::INT, TASK, TypeId::DURATION],
            parameters: 0,
            result: None,
            code,
        });
        module.debug = None;
        let outcome = Verified::from_module(&module);
        prop_assert!(nested || outcome.is_ok(), "{:?}", outcome);
    }
}
