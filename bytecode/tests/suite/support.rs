//! Modules for tests: one written by hand, and generated ones.
use std::convert::Infallible;

use smol_str::SmolStr;
use swarm_bytecode::module::*;
use swarm_bytecode::op::{OPS, Op, OperandReader, Register, Registers};
use swarm_bytecode::types::{Constant, Dimension, EnumCase, Field, Type, TypeId};

pub(crate) fn field(name: &str, ty: TypeId, unit: Option<&str>, default: Option<Constant>) -> Field {
    Field { name: name.into(), ty, key: name == "id", unit: unit.map(SmolStr::from), default }
}

pub(crate) const TASK: TypeId = TypeId(11);
pub(crate) const TASKS: TypeId = TypeId(12);

const fn r(register: u8) -> Register {
    Register(register)
}

/// What the first sample becomes: three conditions on each task, an action for each, one at the end.
pub(crate) fn sample() -> Module {
    let mut module = Module::empty();
    module.instruction = Instruction { name: "cost_optimize".into(), version: 1, ..Instruction::default() };
    let zero = || Some(Constant::Word(0));
    let fields = vec![
        field("id", TypeId::STRING, None, None),
        field("cpu_time", TypeId::DURATION, Some("ms"), zero()),
        field("memory", TypeId::BYTES, Some("B"), zero()),
        field("network", TypeId::BANDWIDTH, Some("bps"), zero()),
    ];
    module.types =
        vec![Type::Record { name: "Task".into(), fields }, Type::List { element: TASK, max: Some(10_000) }];
    let import = |name: &str, parameters: &[TypeId], capability: &str, money: i64| Import {
        name: name.into(),
        parameters: parameters.to_vec(),
        result: None,
        effect: Effect::Idempotent,
        capability: Some(capability.into()),
        cost: CallCost { money: Amount::Fixed(money), tokens: Amount::Fixed(0) },
    };
    module.imports = vec![
        import("REDUCE_CPU_THROTTLE", &[TASK, TypeId::PERCENT], "cpu.throttle", 100),
        import("REDUCE_MEMORY_CACHE", &[TASK, TypeId::PERCENT], "memory.trim", 100),
        import("ROUTE_TO_CHEAPER_REGION", &[TASK], "network.route", 1000),
        import("REPORT_METRICS_EVERY", &[TypeId::DURATION], "metrics.report", 0),
    ];
    module.inputs = vec![Input { name: "task_queue".into(), ty: TASKS, unit: None, default: None }];
    module.functions = vec![Function {
        registers: vec![
            TASKS,
            TASK,
            TypeId::INT,
            TypeId::DURATION,
            TypeId::DURATION,
            TypeId::BYTES,
            TypeId::BYTES,
            TypeId::BANDWIDTH,
            TypeId::BANDWIDTH,
            TypeId::BOOL,
            TypeId::PERCENT,
        ],
        parameters: 0,
        result: None,
        code: sample_code(),
    }];
    let terms = |constant, each| {
        let term = |factors, coefficient| Term { factors, coefficient };
        Polynomial::Terms(vec![
            term(Factors::new(), constant),
            term([InputId(0)].into_iter().collect(), each),
        ])
    };
    module.bound = Bound {
        fuel: terms(16, 60),
        memory: terms(200, 72),
        host_calls: terms(1, 3),
        money: Polynomial::Terms(vec![Term {
            factors: [InputId(0)].into_iter().collect(),
            coefficient: 1200,
        }]),
        tokens: Polynomial::default(),
    };
    module.debug = Some(sample_debug());
    module
}

fn sample_code() -> Vec<Op> {
    let mut code = vec![
        Op::Input { result: r(0), input: InputId(0) },
        Op::ForEach { item: r(1), index: r(2), list: r(0) },
    ];
    let mut condition = |field, value, limit, import, share: Option<i64>| {
        code.push(Op::Field { result: value, record: r(1), field });
        code.push(Op::Integer { result: Register(value.0 + 1), value: limit });
        code.push(Op::LtInt { result: r(9), left: Register(value.0 + 1), right: value });
        code.push(Op::If { condition: r(9) });
        let mut arguments = vec![r(1)];
        if let Some(share) = share {
            code.push(Op::Integer { result: r(10), value: share });
            arguments.push(r(10));
        }
        code.push(Op::Host { import: ImportId(import), arguments: arguments.into() });
        code.push(Op::End {});
    };
    condition(1, r(3), 5_000_000_000, 0, Some(200_000));
    condition(2, r(5), 1_000_000_000, 1, Some(300_000));
    condition(3, r(7), 100_000_000, 2, None);
    code.push(Op::Advance {});
    code.push(Op::Integer { result: r(3), value: 5_000_000_000 });
    code.push(Op::Host { import: ImportId(3), arguments: [r(3)].into() });
    code.push(Op::Return {});
    code
}

fn sample_debug() -> Debug {
    let places = vec![
        (0, Place { file: 0, line: 2, column: 3 }),
        (2, Place { file: 0, line: 3, column: 8 }),
        (6, Place { file: 0, line: 4, column: 7 }),
    ];
    Debug {
        files: vec![SourceName { name: "cost_optimization.swarm".into(), sha256: [7; 32] }],
        functions: vec![FunctionDebug {
            name: "cost_optimize".into(),
            registers: vec![(0, "task_queue".into()), (1, "task".into())],
            places,
        }],
    }
}

/// A small generator of numbers; the seed comes from the test.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.bits() % end.max(1)
    }

    pub(crate) fn flip(&mut self) -> bool {
        self.bits() & 1 == 1
    }

    /// Numbers of every magnitude, round ones among them.
    pub(crate) fn number(&mut self) -> i64 {
        let value = self.bits().cast_signed() >> self.below(64);
        match self.below(4) {
            0 => 10_i64.pow(u32::try_from(self.below(19)).unwrap()),
            1 => value / 1_000_000 * 1_000_000,
            2 => [0, 1, -1, i64::MAX, i64::MIN, i64::MIN + 1][usize::try_from(self.below(6)).unwrap()],
            _ => value,
        }
    }

    pub(crate) fn small(&mut self, end: u64) -> u16 {
        u16::try_from(self.below(end)).unwrap()
    }

    pub(crate) fn index16(&mut self) -> u16 {
        let end = if self.flip() { 20 } else { 1 << 16 };
        self.small(end)
    }

    pub(crate) fn index32(&mut self) -> u32 {
        let shift = self.below(32);
        u32::try_from(self.below(1 << 32) >> shift).unwrap()
    }

    pub(crate) fn float(&mut self) -> f64 {
        match self.below(3) {
            0 => f64::from_bits(self.bits() & !(1 << 62)),
            1 => f64::from(self.small(1000)) / 8.0,
            _ => -0.0,
        }
    }

    pub(crate) fn name(&mut self) -> SmolStr {
        match self.below(3) {
            0 => swarm_bytecode::dictionary::NAMES[usize::try_from(self.below(48)).unwrap()].into(),
            1 => format!("name_{}", self.below(100)).into(),
            _ => "ü".repeat(usize::try_from(self.below(127)).unwrap()).into(),
        }
    }

    pub(crate) fn text(&mut self) -> SmolStr {
        "text ü ".repeat(usize::try_from(self.below(6)).unwrap()).into()
    }

    pub(crate) fn option<T>(&mut self, make: impl FnOnce(&mut Self) -> T) -> Option<T> {
        self.flip().then(|| make(self))
    }

    pub(crate) fn list<T>(&mut self, most: u64, mut make: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..self.below(most + 1)).map(|_| make(self)).collect()
    }
}

impl OperandReader for Random {
    type Error = Infallible;
    fn register(&mut self) -> Result<Register, Infallible> {
        Ok(Register(u8::try_from(self.small(256)).unwrap()))
    }
    fn registers(&mut self) -> Result<Registers, Infallible> {
        Ok(self.list(12, |random| Register(u8::try_from(random.small(256)).unwrap())).into())
    }
    fn integer(&mut self) -> Result<i64, Infallible> {
        Ok(self.number())
    }
    fn short(&mut self) -> Result<i16, Infallible> {
        Ok(i16::try_from(self.number() & 0x7fff).unwrap())
    }
    fn index(&mut self) -> Result<u16, Infallible> {
        Ok(self.index16())
    }
    fn small(&mut self) -> Result<u8, Infallible> {
        Ok(u8::try_from(Random::small(self, 256)).unwrap())
    }
}

/// Any op with any operands.
pub(crate) fn any_op(random: &mut Random) -> Op {
    let row = usize::try_from(random.below(u64::try_from(OPS.len()).unwrap())).unwrap();
    Op::read(OPS[row].code, random).unwrap().unwrap()
}

fn any_constant(random: &mut Random) -> Constant {
    match random.below(6) {
        0 => Constant::Word(random.number()),
        1 => Constant::Word(0),
        2 => Constant::Float(random.float()),
        3 => Constant::String(random.text()),
        4 => Constant::Case(u8::try_from(random.small(256)).unwrap()),
        _ => Constant::Empty,
    }
}

fn any_type(random: &mut Random) -> Type {
    let exponent =
        |random: &mut Random| i8::try_from(i16::try_from(random.small(256)).unwrap() - 128).unwrap();
    match random.below(8) {
        7 => Type::Secret,
        0 => Type::Rate(Dimension {
            time: exponent(random),
            data: exponent(random),
            money: exponent(random),
            tokens: exponent(random),
        }),
        1 => Type::List { element: TypeId(random.index16()), max: random.option(Random::index32) },
        2 => Type::Optional(TypeId(random.index16())),
        3 => Type::Duration,
        4 => Type::Enum {
            name: random.name(),
            cases: random.list(4, |random| EnumCase { name: random.name(), fields: any_fields(random) }),
        },
        5 => Type::Map {
            key: TypeId(random.index16()),
            value: TypeId(random.index16()),
            max: random.option(Random::index32),
        },
        _ => Type::Record { name: random.name(), fields: any_fields(random) },
    }
}

fn any_fields(random: &mut Random) -> Vec<Field> {
    random.list(4, |random| Field {
        name: random.name(),
        ty: TypeId(random.index16()),
        key: random.flip(),
        unit: random.option(Random::name),
        default: random.option(any_constant),
    })
}

fn any_amount(random: &mut Random) -> Amount {
    match random.below(3) {
        0 => Amount::Fixed(0),
        1 => Amount::Fixed(random.number()),
        _ => Amount::Computed(FunctionId(random.index16())),
    }
}

fn any_import(random: &mut Random) -> Import {
    let effects = [Effect::Query, Effect::Idempotent, Effect::Once, Effect::Plain];
    Import {
        name: random.name(),
        parameters: random.list(4, |random| TypeId(random.index16())),
        result: random.option(|random| TypeId(random.index16())),
        effect: effects[usize::from(random.small(4))],
        capability: random.option(Random::name),
        cost: CallCost { money: any_amount(random), tokens: any_amount(random) },
    }
}

fn any_polynomial(random: &mut Random) -> Polynomial {
    if random.below(4) == 0 {
        return Polynomial::Unbounded;
    }
    let mut terms = random.list(3, |random| Term {
        factors: random.list(3, |random| InputId(random.index16())).into(),
        coefficient: (random.bits() >> random.below(64)).max(1),
    });
    terms.sort();
    terms.dedup_by(|left, right| left.factors == right.factors);
    Polynomial::Terms(terms)
}

fn any_function(random: &mut Random) -> Function {
    Function {
        registers: random.list(30, |random| TypeId(random.small(13) / 3)),
        parameters: u8::try_from(random.small(256)).unwrap(),
        result: random.option(|random| TypeId(random.index16())),
        code: random.list(40, any_op),
    }
}

fn any_debug(random: &mut Random) -> Debug {
    Debug {
        files: random.list(2, |random| SourceName { name: random.text(), sha256: [9; 32] }),
        functions: random.list(3, |random| FunctionDebug {
            name: random.name(),
            registers: random.list(3, |random| (u8::try_from(random.small(256)).unwrap(), random.name())),
            places: random.list(5, |random| {
                let place =
                    Place { file: random.index16(), line: random.index32(), column: random.index32() };
                (random.index32(), place)
            }),
        }),
    }
}

fn any_instruction(random: &mut Random) -> Instruction {
    let priorities = [Priority::Low, Priority::Normal, Priority::High, Priority::Critical];
    Instruction {
        name: random.name(),
        version: random.index32(),
        priority: priorities[usize::from(random.small(4))],
        deadline_ns: random.option(Random::number),
        budget_money: random.option(Random::number),
        budget_tokens: random.option(Random::number),
        target: random.option(|random| Target {
            count: match random.below(3) {
                0 => TargetCount::All,
                1 => TargetCount::Exactly(random.index32()),
                _ => TargetCount::UpTo(random.index32()),
            },
            filter: random.option(any_function_id),
        }),
        ..any_fleet(random)
    }
}

fn any_function_id(random: &mut Random) -> FunctionId {
    FunctionId(random.index16())
}

/// What of the header only the fleet reads.
fn any_fleet(random: &mut Random) -> Instruction {
    Instruction {
        rollout: random.option(|random| Rollout {
            waves: random.list(4, Random::number),
            after_ns: random.option(Random::number),
            gate: random.option(any_function_id),
            failure: if random.flip() { GateFailure::Halt } else { GateFailure::Rollback },
        }),
        expectations: random.list(2, |random| Expectation {
            condition: any_function_id(random),
            by_ns: random.option(Random::number),
            text: random.text(),
        }),
        stops: random.list(2, any_function_id),
        reports: random.list(2, |random| Reporting {
            metrics: random.list(3, |random| MetricId(random.index16())),
            every_ns: random.option(Random::number),
        }),
        ..Instruction::default()
    }
}

/// A module that can be written; it hardly ever keeps the verifier's rules.
pub(crate) fn any_module(seed: u64) -> Module {
    let random = &mut Random(seed);
    let functions = random.list(3, any_function);
    Module {
        instruction: match random.below(4) {
            0 => Instruction::default(),
            1 => any_fleet(random),
            _ => any_instruction(random),
        },
        types: random.list(4, any_type),
        imports: random.list(3, any_import),
        inputs: random.list(3, |random| Input {
            name: random.name(),
            ty: TypeId(random.index16()),
            unit: random.option(Random::name),
            default: random.option(any_constant),
        }),
        contexts: random.list(2, |random| Context {
            name: random.name(),
            ty: TypeId(random.index16()),
            unit: random.option(Random::name),
            default: random.option(any_constant),
        }),
        metrics: random.list(2, |random| Metric {
            name: random.name(),
            ty: TypeId(random.index16()),
            kind: [MetricKind::Total, MetricKind::Gauge, MetricKind::Distribution]
                [usize::from(random.small(3))],
        }),
        states: random.list(2, |random| State {
            name: random.name(),
            ty: TypeId(random.index16()),
            initial: random.option(any_function_id),
        }),
        events: random.list(2, |random| EventHandler {
            name: random.name(),
            function: any_function_id(random),
            max: random.option(Random::index32),
        }),
        timers: random
            .list(2, |random| Timer { period_ns: random.number(), function: any_function_id(random) }),
        vetoes: random.list(2, |random| Veto {
            import: ImportId(random.index16()),
            condition: any_function_id(random),
            reason: StringId(random.index16()),
        }),
        floats: random.list(3, Random::float),
        strings: random.list(3, Random::text),
        entry: FunctionId(if functions.is_empty() { 0 } else { random.index16() }),
        functions,
        bound: Bound {
            fuel: any_polynomial(random),
            memory: any_polynomial(random),
            host_calls: any_polynomial(random),
            money: any_polynomial(random),
            tokens: any_polynomial(random),
        },
        debug: random.option(any_debug),
    }
}

/// Code whose blocks nest: `0` is a bool register, `1` a list, `2` and `3` words, `5` a duration.
pub(crate) fn structured_code(seed: u64) -> Vec<Op> {
    let mut code = Vec::new();
    block(&mut Random(seed), 0, &mut Vec::new(), &mut code);
    code.push(Op::Return {});
    code
}

/// `open` tells of each enclosing block but `if`s and `within`s whether it is a loop.
fn block(random: &mut Random, depth: u32, open: &mut Vec<bool>, code: &mut Vec<Op>) {
    for _ in 0..random.below(5) {
        let nested = if depth < 5 { random.below(12) } else { 9 };
        let mut inside = |random: &mut Random, is_loop: Option<bool>, code: &mut Vec<Op>| {
            open.extend(is_loop);
            block(random, depth + 1, open, code);
            if is_loop.is_some() {
                open.pop();
            }
        };
        match nested {
            0 | 1 => {
                code.push(Op::If { condition: r(0) });
                inside(random, None, code);
                if random.flip() {
                    code.push(Op::Else {});
                    inside(random, None, code);
                }
                code.push(Op::End {});
            }
            2 => {
                code.push(Op::Block {});
                inside(random, Some(false), code);
                code.push(Op::End {});
            }
            3 => {
                code.push(Op::Loop {});
                inside(random, Some(true), code);
                code.push(Op::Repeat {});
            }
            4 => {
                code.push(Op::ForEach { item: r(4), index: r(2), list: r(1) });
                inside(random, Some(true), code);
                code.push(Op::Advance {});
            }
            5 | 6 => {
                let undoes = random.flip();
                let budgets: Registers = random.option(|_| r(5)).into_iter().collect();
                let saved: Registers = random.option(|_| r(3)).into_iter().filter(|_| undoes).collect();
                code.push(Op::Within {
                    budgets: budgets.into(),
                    saved: saved.into(),
                    phase: StringId(0),
                    undoes: i16::from(undoes),
                });
                inside(random, None, code);
                if undoes {
                    code.push(Op::WithinElse {});
                    inside(random, None, code);
                    code.push(Op::End {});
                } else {
                    code.push(Op::WithinEnd {});
                }
            }
            _ => code.push(leaf(random, open)),
        }
    }
}

fn leaf(random: &mut Random, open: &[bool]) -> Op {
    let count = u64::try_from(open.len()).unwrap();
    let depth = usize::try_from(random.below(count)).unwrap();
    let named = open.iter().rev().nth(depth).copied();
    let depth = u8::try_from(depth).unwrap();
    match (random.below(7), named) {
        (0, Some(_)) => Op::Break { depth },
        (1, Some(true)) => Op::Continue { depth },
        (2, _) => Op::Settle {},
        (3, _) => Op::Product { result: r(3), left: r(3), right: r(3), divisor: 1 },
        (4, _) if random.below(6) == 0 => Op::Return {},
        _ => Op::AddInt { result: r(3), left: r(3), right: r(3) },
    }
}
