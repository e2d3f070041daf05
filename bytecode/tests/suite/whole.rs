//! Modules that break the rules for states, activations, enums, maps, budgets and natives, and nothing else.

use swarm_bytecode::module::*;
use swarm_bytecode::native::{NativeFunction, NativeId};
use swarm_bytecode::op::{Op, Register, Registers};
use swarm_bytecode::types::{Constant, EnumCase, Field, Type, TypeId};
use swarm_bytecode::verify::Rule;

use crate::rules;
use crate::support::{TASK, TASKS, field};

const MAYBE_INT: TypeId = TypeId(13);
const MAYBE_MONEY: TypeId = TypeId(14);
const SEVERITY: TypeId = TypeId(15);
const REGION: TypeId = TypeId(16);
const COUNTS: TypeId = TypeId(17);
const SEVERITIES: TypeId = TypeId(18);
const INTS: TypeId = TypeId(19);
const STRINGS: TypeId = TypeId(20);
const MAYBE_FLOAT: TypeId = TypeId(21);
const SECRET: TypeId = TypeId(22);
const SECRETS: TypeId = TypeId(23);
const LOGIN: TypeId = TypeId(24);
const VAULT: TypeId = TypeId(25);
const MAYBE_SECRET: TypeId = TypeId(26);
const KEYS: TypeId = TypeId(27);
const LOGINS: TypeId = TypeId(28);

/// Of function 4, where the ops under test stand.
const REGISTERS: &[TypeId] = &[
    TypeId::INT,
    TypeId::INT,
    TypeId::BOOL,
    TypeId::STRING,
    SEVERITY,
    REGION,
    COUNTS,
    SEVERITIES,
    INTS,
    STRINGS,
    TypeId::DURATION,
    TypeId::MONEY,
    TypeId::TOKENS,
    TASKS,
    TASK,
    TypeId::PERCENT,
    MAYBE_INT,
    MAYBE_MONEY,
    MAYBE_FLOAT,
    INTS,
    TypeId::FLOAT,
    TypeId::INT,
    TypeId::STRING,
    SECRET,
    SECRETS,
    LOGIN,
    VAULT,
    MAYBE_SECRET,
    KEYS,
    LOGINS,
];

const fn r(register: u8) -> Register {
    Register(register)
}

const PRICE: MetricId = MetricId(2);
const ROUNDS: MetricId = MetricId(3);
const PAY: ImportId = ImportId(5);
const INITIAL: FunctionId = FunctionId(5);
const CONDITION: FunctionId = FunctionId(6);
const FORBIDS: FunctionId = FunctionId(7);
const HANDLER: FunctionId = FunctionId(8);
const TICK: FunctionId = FunctionId(9);
const WAITS: FunctionId = FunctionId(10);

fn function(registers: &[TypeId], parameters: u8, result: Option<TypeId>, code: Vec<Op>) -> Function {
    Function { registers: registers.to_vec(), parameters, result, code }
}

fn case(name: &str, fields: &[(&str, TypeId)]) -> EnumCase {
    let fields = fields.iter().map(|(name, ty)| field(name, *ty, None, None)).collect();
    EnumCase { name: name.into(), fields }
}

fn attempt() -> Op {
    Op::TryHost { accepted: r(2), import: ImportId(2), arguments: [r(14)].into() }
}

/// The other base with states, events, timers, vetoes, and a header for a fleet.
pub(crate) fn base() -> Module {
    let mut module = rules::base();
    module.types.extend([
        Type::Enum {
            name: "Severity".into(),
            cases: vec![
                case("LOW", &[]),
                case("HIGH", &[("score", TypeId::INT), ("note", TypeId::STRING)]),
                case("OTHER", &[("name", TypeId::STRING)]),
            ],
        },
        Type::Enum { name: "Region".into(), cases: vec![case("EU", &[]), case("US", &[])] },
        Type::Map { key: TypeId::STRING, value: TypeId::INT, max: Some(2) },
        Type::Map { key: REGION, value: SEVERITY, max: None },
        Type::List { element: TypeId::INT, max: Some(2) },
        Type::List { element: TypeId::STRING, max: None },
        Type::Optional(TypeId::FLOAT),
        Type::Secret,
        Type::List { element: SECRET, max: Some(9) },
        Type::Record {
            name: "Login".into(),
            fields: vec![field("user", TypeId::STRING, None, None), field("key", SECRET, None, None)],
        },
        Type::Map { key: TypeId::STRING, value: LOGIN, max: None },
        Type::Optional(SECRET),
        Type::Enum { name: "Key".into(), cases: vec![case("NONE", &[]), case("ONE", &[("key", SECRET)])] },
        Type::List { element: LOGIN, max: None },
    ]);
    module.metrics.push(Metric { name: "rounds".into(), ty: TypeId::INT, kind: MetricKind::Distribution });
    module.imports.push(Import {
        name: "PAY".into(),
        parameters: vec![TypeId::MONEY],
        result: None,
        effect: Effect::Once,
        capability: None,
        cost: CallCost::default(),
    });
    let condition = vec![
        Op::Metric { result: r(0), metric: MetricId(0) },
        Op::Context { result: r(1), context: ContextId(0) },
        Op::LtInt { result: r(2), left: r(0), right: r(1) },
        Op::ReturnValue { value: r(2) },
    ];
    let forbids = vec![
        Op::State { result: r(2), state: StateId(0) },
        Op::EqInt { result: r(3), left: r(2), right: r(1) },
        Op::ReturnValue { value: r(3) },
    ];
    let waits = vec![Op::Zero { result: r(0) }, Op::Return {}];
    module.functions.extend([
        function(REGISTERS, 0, None, vec![Op::Return {}]),
        function(&[TypeId::INT], 0, Some(TypeId::INT), vec![Op::ReturnValue { value: r(0) }]),
        function(&[TypeId::MONEY, TypeId::MONEY, TypeId::BOOL], 0, Some(TypeId::BOOL), condition),
        function(&[TASK, TypeId::PERCENT, TypeId::INT, TypeId::BOOL], 2, Some(TypeId::BOOL), forbids),
        function(&[TypeId::STRING], 1, None, vec![Op::Return {}]),
        function(&[], 0, None, vec![Op::Return {}]),
        function(REGISTERS, 0, None, waits),
    ]);
    let state = |name: &str, ty, initial| State { name: name.into(), ty, initial };
    module.states = vec![state("count", TypeId::INT, Some(INITIAL)), state("seen", COUNTS, None)];
    module.events = vec![EventHandler { name: "VOTE".into(), function: HANDLER, max: Some(100) }];
    module.timers = vec![Timer { period_ns: 1_000_000_000, function: TICK }];
    module.vetoes = vec![Veto { import: ImportId(0), condition: FORBIDS, reason: StringId(0) }];
    module.inputs.push(Input {
        name: "severity".into(),
        ty: SEVERITY,
        unit: None,
        default: Some(Constant::Case(0)),
    });
    module.instruction.rollout = Some(Rollout {
        waves: vec![10_000, 1_000_000],
        after_ns: Some(0),
        gate: Some(CONDITION),
        failure: GateFailure::Halt,
    });
    module.instruction.expectations =
        vec![Expectation { condition: CONDITION, by_ns: Some(5), text: "saved < pot".into() }];
    module.instruction.stops = vec![CONDITION];
    module.instruction.reports =
        vec![Reporting { metrics: vec![MetricId(1), MetricId(0)], every_ns: Some(1) }];
    module.debug = None;
    module
}

fn changed(change: impl FnOnce(&mut Module)) -> Module {
    let mut module = base();
    change(&mut module);
    module
}

fn with(ops: Vec<Op>) -> Module {
    changed(|module| {
        module.functions[4].code.splice(0..0, ops);
    })
}

fn one(op: Op) -> Module {
    with(vec![op])
}

fn within(budgets: &[u8], saved: &[u8], undoes: i16) -> Op {
    let registers = |list: &[u8]| list.iter().map(|register| r(*register)).collect();
    Op::Within {
        budgets: Box::new(registers(budgets)),
        saved: Box::new(registers(saved)),
        phase: StringId(0),
        undoes,
    }
}

/// A `within` that undoes, with one op inside.
fn undone(op: Op) -> Module {
    with(vec![within(&[11], &[0], 1), op, Op::WithinElse {}, Op::End {}])
}

fn native(function: NativeFunction, arguments: &[u8], result: u8) -> Op {
    let arguments = arguments.iter().map(|register| r(*register)).collect();
    Op::Native { result: r(result), native: function.id(), arguments }
}

/// The base with every op the whole language added.
pub(crate) fn with_every_op() -> Module {
    with(vec![
        Op::State { result: r(0), state: StateId(0) },
        Op::TakeState { result: r(6), state: StateId(1) },
        Op::SetEntry { map: r(6), key: r(3), value: r(0) },
        Op::RemoveEntry { map: r(6), key: r(3) },
        Op::SetState { state: StateId(1), value: r(6) },
        Op::Quantile { result: r(17), metric: PRICE, share: 990_000 },
        Op::Quantile { result: r(16), metric: ROUNDS, share: 0 },
        Op::Mean { result: r(17), metric: PRICE },
        Op::Mean { result: r(18), metric: ROUNDS },
        Op::NewList { result: r(8), items: [r(0), r(1)].into() },
        Op::Push { list: r(8), value: r(0) },
        Op::Top { result: r(9), list: r(9), keys: r(8), count: r(0), bottom: 1 },
        Op::NewCase { result: r(4), case: 1, fields: [r(0), r(3)].into() },
        Op::NewCase { result: r(5), case: 1, fields: Registers::default() },
        Op::Case { result: r(0), value: r(4) },
        Op::Payload { result: r(3), value: r(4), case: 1, field: 1 },
        Op::Payload { result: r(3), value: r(4), case: 2, field: 0 },
        Op::EqValue { result: r(2), left: r(4), right: r(4) },
        Op::NewMap { result: r(6), entries: [r(3), r(0), r(22), r(1)].into() },
        Op::NewMap { result: r(7), entries: [r(5), r(4)].into() },
        Op::EqValue { result: r(2), left: r(7), right: r(7) },
        Op::Find { found: r(2), value: r(4), map: r(7), key: r(5) },
        Op::MapLength { result: r(0), map: r(6) },
        Op::ForEachEntry { key: r(3), value: r(0), index: r(21), map: r(6) },
        Op::Continue { depth: 0 },
        Op::Advance {},
        Op::Text { result: r(3), value: r(7) },
        Op::Concat { result: r(3), parts: [r(3), r(22)].into() },
        Op::NewList { result: r(24), items: [r(23), r(23)].into() },
        Op::NewRecord { result: r(25), fields: [r(3), r(23)].into() },
        Op::SetEntry { map: r(26), key: r(3), value: r(25) },
        Op::Some { result: r(27), value: r(23) },
        Op::IsSome { result: r(2), value: r(27) },
        Op::NewCase { result: r(28), case: 1, fields: [r(23)].into() },
        native(NativeFunction::Reverse, &[24], 24),
        native(NativeFunction::Values, &[26], 29),
        native(NativeFunction::Get, &[8, 0], 16),
        native(NativeFunction::TextContains, &[3, 22], 2),
        native(NativeFunction::ListContains, &[8, 0], 2),
        native(NativeFunction::Minimum, &[10, 10], 10),
        native(NativeFunction::Keys, &[6], 9),
        native(NativeFunction::Values, &[6], 19),
        native(NativeFunction::Without, &[6, 3], 6),
        native(NativeFunction::PercentOf, &[11, 11], 15),
        within(&[10, 12, 11], &[], 0),
        attempt(),
        Op::RetryHost {
            accepted: r(2),
            times: 100,
            backoff: r(10),
            import: ImportId(2),
            arguments: [r(14)].into(),
        },
        Op::Host { import: PAY, arguments: [r(11)].into() },
        Op::Call { function: WAITS, arguments: Registers::default() },
        Op::WithinEnd {},
        within(&[11], &[0, 1], 1),
        Op::Host { import: ImportId(2), arguments: [r(14)].into() },
        Op::Call { function: TICK, arguments: Registers::default() },
        Op::WithinElse {},
        attempt(),
        Op::Call { function: WAITS, arguments: Registers::default() },
        Op::End {},
    ])
}

/// Modules that break a rule and nothing else.
pub(crate) fn broken(rule: Rule) -> Vec<Module> {
    [types(rule), activations(rule), header(rule), budgets(rule), values(rule), natives(rule)].concat()
}

fn cases(module: &mut Module) -> &mut Vec<EnumCase> {
    match &mut module.types[4] {
        Type::Enum { cases, .. } => cases,
        other => panic!("{other:?} is no enum"),
    }
}

fn types(rule: Rule) -> Vec<Module> {
    let payload = |change: fn(&mut Field)| changed(|module| change(&mut cases(module)[1].fields[0]));
    let with_key =
        |key| changed(|module| module.types.push(Type::Map { key, value: TypeId::INT, max: None }));
    match rule {
        Rule::TypeExists => vec![
            with_key(TypeId(29)),
            changed(|module| cases(module)[1].fields[0].ty = TypeId(999)),
            changed(|module| module.states[1].ty = TypeId(999)),
        ],
        Rule::TypeDepth => vec![changed(|module| {
            for value in 28..45 {
                let fields = vec![field("x", TypeId(value), None, None)];
                let name = "Deep".into();
                module.types.push(Type::Enum { name, cases: vec![EnumCase { name: "X".into(), fields }] });
            }
        })],
        Rule::Names => vec![
            changed(|module| cases(module)[1].name = "LOW".into()),
            changed(|module| cases(module)[1].fields[1].name = "score".into()),
            changed(|module| cases(module)[0].name = "".into()),
            changed(|module| module.types.push(Type::Enum { name: "".into(), cases: vec![case("A", &[])] })),
            changed(|module| module.states[1].name = "count".into()),
            changed(|module| {
                let event = module.events[0].clone();
                module.events.push(event);
            }),
        ],
        Rule::Defaults => vec![
            changed(|module| module.inputs[1].default = Some(Constant::Case(1))),
            changed(|module| module.inputs[1].default = Some(Constant::Case(3))),
            changed(|module| module.inputs[1].default = Some(Constant::Empty)),
            changed(|module| module.contexts[0].default = Some(Constant::Case(0))),
        ],
        Rule::Enums => vec![
            changed(|module| module.types.push(Type::Enum { name: "None".into(), cases: vec![] })),
            changed(|module| cases(module).swap(1, 2)),
            changed(|module| cases(module)[2].fields.clear()),
            changed(|module| cases(module)[2].fields[0].name = "text".into()),
            changed(|module| cases(module)[2].fields[0].ty = TypeId::INT),
            payload(|field| field.key = true),
            payload(|field| field.unit = Some("B".into())),
            payload(|field| field.default = Some(Constant::Word(0))),
        ],
        Rule::MapKeys => {
            vec![
                with_key(TypeId::FLOAT),
                with_key(TASK),
                with_key(SEVERITY),
                with_key(MAYBE_INT),
                with_key(SECRET),
            ]
        }
        _ => Vec::new(),
    }
}

fn activations(rule: Rule) -> Vec<Module> {
    let acting = |function: FunctionId, op: Op| {
        changed(|module| module.functions[function.index()].code.insert(0, op))
    };
    let stops = |function: FunctionId| {
        changed(|module| {
            let function = &mut module.functions[function.index()];
            let text = r(u8::try_from(function.registers.len()).unwrap());
            function.registers.push(TypeId::STRING);
            function.code.insert(0, Op::Stop { reason: text });
        })
    };
    match rule {
        Rule::States => vec![
            changed(|module| module.states[0].initial = Some(FunctionId(99))),
            changed(|module| module.states[1].initial = Some(INITIAL)),
            changed(|module| module.states[0].initial = Some(FunctionId(1))),
            acting(INITIAL, Op::State { result: r(0), state: StateId(0) }),
            acting(INITIAL, Op::SetState { state: StateId(0), value: r(0) }),
            acting(INITIAL, Op::Call { function: FunctionId(0), arguments: Registers::default() }),
        ],
        Rule::Events => vec![
            changed(|module| module.events[0].function = FunctionId(99)),
            changed(|module| module.events[0].function = INITIAL),
        ],
        Rule::Timers => vec![
            changed(|module| module.timers[0].period_ns = 999_999_999),
            changed(|module| module.timers[0].function = HANDLER),
            changed(|module| module.timers[0].function = INITIAL),
            changed(|module| module.timers[0].function = FunctionId(99)),
        ],
        Rule::Vetoes => vec![
            changed(|module| module.vetoes[0].import = ImportId(99)),
            changed(|module| module.vetoes[0].import = ImportId(4)),
            changed(|module| module.vetoes[0].import = ImportId(2)),
            changed(|module| module.vetoes[0].condition = CONDITION),
            changed(|module| module.vetoes[0].reason = StringId(2)),
            acting(FORBIDS, Op::TakeState { result: r(2), state: StateId(0) }),
            acting(FORBIDS, Op::Host { import: ImportId(2), arguments: [r(0)].into() }),
            acting(FORBIDS, Op::RecordMetric { metric: ROUNDS, value: r(2) }),
            stops(FORBIDS),
        ],
        _ => Vec::new(),
    }
}

fn header(rule: Rule) -> Vec<Module> {
    let waves =
        |waves: &[i64]| changed(|module| module.instruction.rollout.as_mut().unwrap().waves = waves.to_vec());
    let report = |metrics: &[u16], every_ns| {
        let metrics = metrics.iter().map(|metric| MetricId(*metric)).collect();
        changed(|module| module.instruction.reports[0] = Reporting { metrics, every_ns })
    };
    match rule {
        Rule::Limits => vec![
            changed(|module| module.instruction.expectations[0].by_ns = Some(-1)),
            changed(|module| module.instruction.rollout.as_mut().unwrap().after_ns = Some(-1)),
        ],
        Rule::Conditions => vec![
            changed(|module| module.instruction.stops[0] = INITIAL),
            changed(|module| module.instruction.stops[0] = FORBIDS),
            changed(|module| module.instruction.expectations[0].condition = FunctionId(99)),
            changed(|module| module.instruction.rollout.as_mut().unwrap().gate = Some(TICK)),
            changed(|module| {
                let condition = &mut module.functions[CONDITION.index()];
                condition.registers.push(TypeId::INT);
                condition.code.insert(0, Op::State { result: r(3), state: StateId(0) });
            }),
            changed(|module| {
                let condition = &mut module.functions[CONDITION.index()];
                condition.registers.push(TASKS);
                condition.code.insert(0, Op::Input { result: r(3), input: InputId(0) });
            }),
        ],
        Rule::Rollout => vec![
            waves(&[]),
            waves(&[0, 1_000_000]),
            waves(&[500_000, 500_000]),
            waves(&[500_000, 1_000_001]),
            waves(&[500_000, 10_000]),
        ],
        Rule::Reports => {
            vec![report(&[], None), report(&[0, 1, 0], None), report(&[0, 9], None), report(&[0], Some(0))]
        }
        _ => Vec::new(),
    }
}

fn budgets(rule: Rule) -> Vec<Module> {
    let empty = |op| with(vec![op, Op::WithinEnd {}]);
    let undoing = |op| with(vec![op, Op::WithinElse {}, Op::End {}]);
    let retry = |times, backoff| {
        let arguments = [r(14)].into();
        one(Op::RetryHost { accepted: r(2), times, backoff, import: ImportId(2), arguments })
    };
    match rule {
        Rule::Blocks => vec![
            with(vec![within(&[], &[], 0), Op::End {}]),
            with(vec![within(&[], &[], 1), Op::WithinElse {}]),
            one(Op::WithinEnd {}),
            one(Op::WithinElse {}),
            with(vec![Op::Block {}, Op::WithinElse {}, Op::End {}]),
            with(vec![within(&[], &[], 1), Op::Else {}, Op::End {}]),
        ],
        Rule::Branches => {
            vec![with(vec![within(&[], &[], 0), Op::Break { depth: 0 }, Op::WithinEnd {}])]
        }
        Rule::Within => vec![
            empty(within(&[], &[], 1)),
            undoing(within(&[], &[], 0)),
            empty(within(&[], &[], 2)),
            undoing(within(&[], &[], 2)),
        ],
        Rule::Budgets => vec![empty(within(&[0], &[], 0)), empty(within(&[10, 11, 10], &[], 0))],
        Rule::Saved => vec![undoing(within(&[10], &[0, 1, 0], 1)), empty(within(&[10], &[0], 0))],
        Rule::Register => vec![undoing(within(&[10], &[30], 1)), empty(within(&[30], &[], 0))],
        Rule::Held => vec![
            undone(attempt()),
            undone(Op::RetryHost {
                accepted: r(2),
                times: 2,
                backoff: r(10),
                import: ImportId(2),
                arguments: [r(14)].into(),
            }),
            undone(Op::Host { import: PAY, arguments: [r(11)].into() }),
            {
                let mut module = undone(Op::Call { function: WAITS, arguments: Registers::default() });
                module.functions[WAITS.index()].code.insert(0, attempt());
                module
            },
            {
                let mut module = undone(Op::Call { function: TICK, arguments: Registers::default() });
                let call = Op::Call { function: WAITS, arguments: Registers::default() };
                module.functions[TICK.index()].code.insert(0, call);
                let pay = Op::Host { import: PAY, arguments: [r(11)].into() };
                module.functions[WAITS.index()].code.insert(0, pay);
                module
            },
            with(vec![
                within(&[10], &[], 1),
                within(&[10], &[], 0),
                attempt(),
                Op::WithinEnd {},
                Op::WithinElse {},
                Op::End {},
            ]),
        ],
        Rule::HostCalls => vec![
            one(Op::TryHost { accepted: r(2), import: ImportId(4), arguments: [r(3)].into() }),
            one(Op::TryHost { accepted: r(2), import: ImportId(2), arguments: Registers::default() }),
        ],
        Rule::Attempts => vec![retry(0, r(10)), retry(101, r(10)), retry(2, r(0))],
        _ => Vec::new(),
    }
}

fn values(rule: Rule) -> Vec<Module> {
    let read = |metric, result, share| Op::Quantile { result: r(result), metric, share };
    let top =
        |result, keys, bottom| Op::Top { result: r(result), list: r(9), keys: r(keys), count: r(0), bottom };
    let entries = |index, map, inside: Vec<Op>| {
        let open = Op::ForEachEntry { key: r(3), value: r(0), index: r(index), map: r(map) };
        with([vec![open], inside, vec![Op::Advance {}]].concat())
    };
    match rule {
        Rule::Class => vec![
            // No op for texts takes or makes a secret.
            one(Op::EqString { result: r(2), left: r(23), right: r(23) }),
            one(Op::String { result: r(23), value: StringId(0) }),
            one(Op::Case { result: r(0), value: r(14) }),
            one(Op::MapLength { result: r(0), map: r(8) }),
            one(Op::Push { list: r(6), value: r(0) }),
        ],
        Rule::Index => vec![
            one(Op::State { result: r(0), state: StateId(2) }),
            one(Op::Mean { result: r(17), metric: MetricId(4) }),
            one(Op::TryHost { accepted: r(2), import: ImportId(9), arguments: Registers::default() }),
            one(Op::Native { result: r(0), native: NativeId(0), arguments: Registers::default() }),
            with(vec![
                Op::Within { budgets: Box::default(), saved: Box::default(), phase: StringId(2), undoes: 0 },
                Op::WithinEnd {},
            ]),
        ],
        Rule::SameType => vec![
            one(Op::Copy { result: r(6), value: r(7) }),
            one(Op::EqValue { result: r(2), left: r(4), right: r(5) }),
        ],
        Rule::Loads => vec![
            one(Op::State { result: r(11), state: StateId(0) }),
            one(Op::TakeState { result: r(7), state: StateId(1) }),
            one(Op::SetState { state: StateId(0), value: r(11) }),
        ],
        Rule::Lists => vec![
            one(Op::Push { list: r(8), value: r(11) }),
            one(Op::NewList { result: r(8), items: [r(0); 3].into() }),
        ],
        Rule::Protected => vec![
            entries(21, 6, vec![Op::Zero { result: r(21) }]),
            entries(21, 6, vec![Op::SetEntry { map: r(6), key: r(3), value: r(0) }]),
            entries(21, 6, vec![Op::RemoveEntry { map: r(6), key: r(3) }]),
            entries(0, 6, vec![]),
        ],
        Rule::Cases => vec![
            one(Op::NewCase { result: r(4), case: 3, fields: Registers::default() }),
            one(Op::NewCase { result: r(4), case: 1, fields: [r(0)].into() }),
            one(Op::NewCase { result: r(4), case: 1, fields: [r(3), r(0)].into() }),
            one(Op::Payload { result: r(0), value: r(4), case: 3, field: 0 }),
            one(Op::Payload { result: r(0), value: r(4), case: 1, field: 2 }),
            one(Op::Payload { result: r(0), value: r(4), case: 1, field: 1 }),
            one(Op::Payload { result: r(0), value: r(4), case: 0, field: 0 }),
        ],
        Rule::Maps => vec![
            one(Op::NewMap { result: r(6), entries: [r(3)].into() }),
            one(Op::NewMap { result: r(6), entries: [r(0), r(3)].into() }),
            one(Op::NewMap { result: r(6), entries: [r(3), r(0), r(3), r(0), r(3), r(0)].into() }),
            one(Op::Find { found: r(2), value: r(0), map: r(6), key: r(0) }),
            one(Op::Find { found: r(2), value: r(11), map: r(6), key: r(3) }),
            one(Op::SetEntry { map: r(6), key: r(3), value: r(3) }),
            one(Op::RemoveEntry { map: r(7), key: r(3) }),
            entries(21, 7, vec![]),
        ],
        Rule::Top => vec![one(top(8, 8, 0)), one(top(9, 13, 0)), one(top(9, 8, 2))],
        Rule::Quantiles => vec![
            one(read(PRICE, 17, -1)),
            one(read(PRICE, 17, 1_000_001)),
            one(read(PRICE, 16, 0)),
            one(read(ROUNDS, 18, 0)),
            one(read(MetricId(1), 17, 0)),
            one(Op::Mean { result: r(16), metric: ROUNDS }),
            one(Op::Mean { result: r(18), metric: PRICE }),
            one(Op::Mean { result: r(17), metric: MetricId(0) }),
        ],
        Rule::Secrets => {
            let holders = 23..30;
            let same = |value| one(Op::EqValue { result: r(2), left: r(value), right: r(value) });
            let text = |value| one(Op::Text { result: r(3), value: r(value) });
            holders.clone().map(text).chain(holders.skip(1).map(same)).collect()
        }
        Rule::Texts => vec![one(Op::Concat { result: r(3), parts: [r(3), r(0)].into() })],
        _ => Vec::new(),
    }
}

fn natives(rule: Rule) -> Vec<Module> {
    let one = |function, arguments: &[u8], result| one(native(function, arguments, result));
    match rule {
        Rule::Natives => vec![
            // The wrong number of arguments, a wrong argument, a wrong result.
            one(NativeFunction::Minimum, &[0], 0),
            one(NativeFunction::Minimum, &[0, 0, 0], 0),
            one(NativeFunction::Minimum, &[3, 3], 3),
            one(NativeFunction::Round, &[0], 0),
            one(NativeFunction::Round, &[20], 20),
            // One variable, two types.
            one(NativeFunction::Minimum, &[0, 11], 0),
            one(NativeFunction::Minimum, &[11, 11], 0),
            one(NativeFunction::Get, &[8, 0], 17),
            one(NativeFunction::ListContains, &[8, 11], 2),
            one(NativeFunction::Append, &[8, 9], 8),
            one(NativeFunction::Keys, &[6], 8),
            one(NativeFunction::Values, &[6], 9),
            one(NativeFunction::Has, &[6, 0], 2),
            one(NativeFunction::Without, &[6, 3], 7),
            // Nothing orders tasks.
            one(NativeFunction::Sort, &[13], 13),
            one(NativeFunction::PercentOf, &[3, 3], 15),
            // Nothing orders or measures secrets, and they are no texts.
            one(NativeFunction::Sort, &[24], 24),
            one(NativeFunction::TextLength, &[23], 0),
            one(NativeFunction::Join, &[24, 3], 3),
        ],
        Rule::Secrets => vec![
            one(NativeFunction::ListContains, &[24, 23], 2),
            one(NativeFunction::ListIndexOf, &[24, 23], 16),
            one(NativeFunction::Unique, &[24], 24),
        ],
        _ => Vec::new(),
    }
}
