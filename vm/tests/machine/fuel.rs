//! Exact fuel: random structured programs, with the fuel at every op compared with a count op by op, for every
//! budget, with and without slices, in one go and refuelled in drips.

use crate::common::*;
use swarm_bytecode::cost;
use swarm_bytecode::layout::Layout;
use swarm_bytecode::module::{
    Amount, Function, FunctionId, ImportId, MetricKind, Module, State, StateId, StringId,
};
use swarm_bytecode::native::NativeFunction;
use swarm_bytecode::op::{Op, Register, Settle};
use swarm_bytecode::types::{EnumCase, Type, TypeId};
use swarm_vm::trace::{Event, EventKind};
use swarm_vm::{Exit, Grants, Host, Inputs, Instance, Level, Limits, Program, Report};

const INT: TypeId = TypeId::INT;
const BOOL: TypeId = TypeId::BOOL;
const LIST: TypeId = TypeId(TypeId::BUILTIN_COUNT);

/// A small generator of numbers: xorshift.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
    fn register(&mut self) -> u8 {
        u8::try_from(self.below(6)).unwrap()
    }
    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// Types of the modules' own, in order.
const MAP: TypeId = TypeId(TypeId::BUILTIN_COUNT + 1);
const CHOICE: TypeId = TypeId(TypeId::BUILTIN_COUNT + 2);
const OPTIONAL: TypeId = TypeId(TypeId::BUILTIN_COUNT + 3);
const RECORD: TypeId = TypeId(TypeId::BUILTIN_COUNT + 4);

/// Registers of one purpose each.
const THE_MAP: u8 = 118;
const OTHER_MAP: u8 = 119;
const THE_CHOICE: u8 = 120;
const THE_TEXT: u8 = 121;
const THE_LIST: u8 = 123;
const THE_KEYS: u8 = 124;
const OTHER_TEXT: u8 = 125;
const THE_OPTIONAL: u8 = 126;
const THE_RECORD: u8 = 128;

/// Registers: 0..6 numbers, 6 condition, 7 list, 8.. three for each level of loops, 68.. the lists and 90..
/// the maps they go through.
struct Builder<'r> {
    random: &'r mut Random,
    code: Vec<Op>,
    loops: usize,
    /// Blocks a `break` can name, innermost last: is it a loop?
    blocks: Vec<bool>,
    left: u32,
    functions: u64,
    own: u64,
    /// Open `within`s that undo.
    undoing: u32,
}

/// Registers for budgets.
const MONEY: u8 = 122;
const TOKENS: u8 = 127;

impl Builder<'_> {
    fn body(&mut self, depth: u32) {
        for _ in 0..=self.random.below(3) {
            if self.left == 0 {
                return;
            }
            self.left -= 1;
            self.statement(depth);
        }
    }

    /// A comparison, maybe with a constant, maybe of a field.
    fn condition(&mut self) {
        let (left, right) = (self.random.register(), self.random.register());
        let (result, left, right) = (r(6), r(left), r(right));
        match self.random.below(6) {
            0 => {
                let fields = vec![left, right];
                self.code.push(Op::NewRecord { result: r(THE_RECORD), fields: fields.into() });
                let field = u8::try_from(self.random.below(2)).unwrap();
                self.code.push(Op::Field { result: left, record: r(THE_RECORD), field });
                self.code.push(Op::Integer { result: right, value: self.random.below(40).cast_signed() });
            }
            1 => self.code.push(Op::Integer { result: right, value: self.random.below(40).cast_signed() }),
            2 => self.code.push(Op::Integer { result: left, value: 1 << 40 >> self.random.below(40) }),
            _ => {}
        }
        self.code.push(match self.random.below(4) {
            0 => Op::LeInt { result, left, right },
            1 => Op::EqInt { result, left, right },
            2 => Op::NeInt { result, left, right },
            _ => Op::LtInt { result, left, right },
        });
    }

    fn statement(&mut self, depth: u32) {
        let (a, b, c) = (self.random.register(), self.random.register(), self.random.register());
        if self.random.chance(35) {
            return self.value_statement(depth, a, b);
        }
        match self.random.below(if depth < 5 { 22 } else { 10 }) {
            0 => self.code.push(int(a, self.random.below(9).cast_signed())),
            1 | 2 => self.code.extend([
                int(a, 7),
                Op::MulInt { result: r(b), left: r(b), right: r(a) },
                int(a, 101),
                Op::ModInt { result: r(b), left: r(b), right: r(a) },
            ]),
            3 => self.code.push(Op::AddInt { result: r(a), left: r(b), right: r(c) }),
            4 => self
                .code
                .push(Op::NewList { result: r(7), items: rs(&[a, b, c][..usize::from(a % 4).min(3)]) }),
            5 => self.code.push(Op::Host { import: ImportId(0), arguments: rs(&[a, b]) }),
            6 => self.code.push(Op::Settle {}),
            7 => {
                let divisor = self.random.below(4).cast_signed();
                self.code.extend([int(a, divisor), Op::DivInt { result: r(b), left: r(b), right: r(a) }]);
            }
            8 if self.own + 1 < self.functions || self.random.chance(40) => {
                let deeper = self.own + 1 < self.functions && self.random.chance(70);
                let callee = if deeper { self.own + 1 } else { self.own.max(1) };
                if callee < self.functions {
                    let function = FunctionId(u16::try_from(callee).unwrap());
                    self.code.push(Op::CallValue { result: r(a), function, arguments: rs(&[b, c]) });
                }
            }
            9 => self.effect(a, b),
            18 | 19 => self.within(depth),
            20 if self.undoing == 0 || self.random.chance(20) => {
                self.condition();
                self.code.extend([Op::If { condition: r(6) }, Op::ReturnValue { value: r(a) }, Op::End {}]);
            }
            10 => {
                self.condition();
                self.code.push(Op::If { condition: r(6) });
                self.body(depth + 1);
                if self.random.chance(50) {
                    self.code.push(Op::Else {});
                    self.body(depth + 1);
                }
                self.code.push(Op::End {});
            }
            11 | 12 => self.range(depth),
            13 => self.counted_loop(depth),
            14 => {
                self.code.push(Op::Block {});
                self.blocks.push(false);
                self.body(depth + 1);
                self.blocks.pop();
                self.code.push(Op::End {});
            }
            15 => self.each(depth),
            _ => self.branch(),
        }
    }

    /// A statement about maps, growing lists, enums, texts, STATE or natives.
    fn value_statement(&mut self, depth: u32, a: u8, b: u8) {
        let state = |state| StateId(state);
        let native = |result: u8, function: NativeFunction, arguments: &[u8]| Op::Native {
            result: r(result),
            native: function.id(),
            arguments: rs(arguments),
        };
        match self.random.below(if depth < 5 { 20 } else { 18 }) {
            0 => self.code.push(Op::Push { list: r(THE_LIST), value: r(a) }),
            1 => self.code.push(Op::Copy { result: r(THE_KEYS), value: r(THE_LIST) }),
            2 | 3 => self.code.push(Op::SetEntry { map: r(THE_MAP), key: r(a), value: r(b) }),
            4 => self.code.push(Op::Find { found: r(6), value: r(a), map: r(THE_MAP), key: r(b) }),
            5 => self.code.push(Op::RemoveEntry { map: r(THE_MAP), key: r(a) }),
            6 => self.code.push(Op::NewMap {
                result: r(OTHER_MAP),
                entries: rs(&[a, b, b, a][..usize::from(a % 3) * 2]),
            }),
            7 => self.code.push(Op::Copy { result: r(THE_MAP), value: r(OTHER_MAP) }),
            8 => self.code.push(Op::EqValue { result: r(6), left: r(THE_MAP), right: r(OTHER_MAP) }),
            9 => self.code.push(Op::MapLength { result: r(a), map: r(THE_MAP) }),
            10 => {
                let fields = [a];
                let fields = if a.is_multiple_of(2) { &fields[..] } else { &[] };
                self.code.push(Op::NewCase { result: r(THE_CHOICE), case: 1 - a % 2, fields: rs(fields) });
            }
            11 => self.code.extend([
                Op::Case { result: r(a), value: r(THE_CHOICE) },
                Op::Payload { result: r(b), value: r(THE_CHOICE), case: 1, field: 0 },
            ]),
            12 => self.code.push(Op::Text { result: r(THE_TEXT), value: r(THE_LIST) }),
            13 => self.code.extend([
                Op::Text { result: r(OTHER_TEXT), value: r(a) },
                Op::Concat { result: r(THE_TEXT), parts: rs(&[THE_TEXT, OTHER_TEXT, OTHER_TEXT]) },
                native(THE_TEXT, NativeFunction::TextRight, &[THE_TEXT, b]),
            ]),
            14 => self.code.extend([
                native(THE_LIST, NativeFunction::Sort, &[THE_LIST]),
                native(THE_KEYS, NativeFunction::Keys, &[THE_MAP]),
            ]),
            15 => self.code.push(Op::Top {
                result: r(THE_LIST),
                list: r(THE_LIST),
                keys: r(THE_KEYS),
                count: r(a),
                bottom: 0,
            }),
            16 => self.code.extend([
                Op::TakeState { result: r(THE_LIST), state: state(0) },
                Op::Push { list: r(THE_LIST), value: r(b) },
                Op::SetState { state: state(0), value: r(THE_LIST) },
                Op::State { result: r(THE_LIST), state: state(0) },
            ]),
            17 => self.code.extend([
                Op::RecordMetric { metric: METRIC, value: r(a) },
                Op::Quantile { result: r(THE_OPTIONAL), metric: METRIC, share: 900_000 },
                native(6, NativeFunction::ListContains, &[THE_LIST, a]),
            ]),
            _ => self.entries(depth),
        }
    }

    fn entries(&mut self, depth: u32) {
        let level = self.level();
        self.code.extend([
            Op::Copy { result: r(90 + level), value: r(THE_MAP) },
            Op::ForEachEntry { key: r(level), value: r(level + 1), index: r(level + 2), map: r(90 + level) },
        ]);
        self.inside(depth, Op::Advance {});
    }

    /// A sample, or an action that is waited for.
    fn effect(&mut self, a: u8, b: u8) {
        let tries = self.own == 0 && self.undoing == 0 && self.random.chance(60);
        self.code.push(if tries {
            Op::TryHost { accepted: r(6), import: ImportId(0), arguments: rs(&[a, b]) }
        } else {
            Op::RecordMetric { metric: METRIC, value: r(a) }
        });
    }

    /// A block with budgets, of which some are soon used up.
    fn within(&mut self, depth: u32) {
        let undoes = self.random.chance(70);
        let saved: Vec<u8> = (0..6).filter(|_| undoes && self.random.chance(50)).collect();
        let budgets = [&[MONEY, TOKENS][..], &[MONEY], &[TOKENS]];
        let budgets = budgets[usize::try_from(self.random.below(3)).unwrap()];
        // One that does not undo would end the run, so it is generous.
        let most = if undoes { 12 } else { 400 };
        self.code.extend([
            int(MONEY, self.random.below(most).cast_signed()),
            int(TOKENS, self.random.below(most).cast_signed()),
            Op::Within {
                budgets: rs(budgets).into(),
                saved: rs(&saved).into(),
                phase: StringId(0),
                undoes: i16::from(undoes),
            },
        ]);
        self.undoing += u32::from(undoes);
        for _ in 0..2 {
            self.body(depth + 1);
            let (a, b) = (self.random.register(), self.random.register());
            self.code.push(Op::Host { import: ImportId(0), arguments: rs(&[a, b]) });
        }
        self.body(depth + 1);
        self.undoing -= u32::from(undoes);
        if undoes {
            self.code.push(Op::WithinElse {});
            self.body(depth + 1);
            self.code.push(Op::End {});
        } else {
            self.code.push(Op::WithinEnd {});
        }
    }

    fn branch(&mut self) {
        let Some(named) = self.blocks.len().checked_sub(1) else { return };
        let at = usize::try_from(self.random.below(u64::try_from(named).unwrap() + 1)).unwrap();
        let depth = u8::try_from(named - at).unwrap();
        self.condition();
        self.code.push(Op::If { condition: r(6) });
        let continues = self.blocks[at] && self.random.chance(50);
        self.code.push(if continues { Op::Continue { depth } } else { Op::Break { depth } });
        self.code.push(Op::End {});
    }

    fn level(&self) -> u8 {
        8 + 3 * u8::try_from(self.loops).unwrap()
    }

    fn range(&mut self, depth: u32) {
        let level = self.level();
        self.code.extend([
            int(level, 1),
            int(level + 1, self.random.below(4).cast_signed()),
            Op::Range { item: r(level + 2), first: r(level), last: r(level + 1) },
        ]);
        self.inside(depth, Op::Advance {});
    }

    fn each(&mut self, depth: u32) {
        let level = self.level();
        let items: Vec<u8> = (0..self.random.below(4)).map(|item| u8::try_from(item).unwrap()).collect();
        self.code.extend([
            Op::NewList { result: r(60 + level), items: rs(&items) },
            Op::ForEach { item: r(level + 1), index: r(level + 2), list: r(60 + level) },
        ]);
        self.inside(depth, Op::Advance {});
    }

    /// `level` counts rounds against `level + 1`; a `continue` of it can only shorten it.
    fn counted_loop(&mut self, depth: u32) {
        let level = self.level();
        self.code.extend([
            int(level, 0),
            int(level + 1, 3),
            Op::Loop {},
            int(level + 2, 1),
            Op::AddInt { result: r(level), left: r(level), right: r(level + 2) },
            Op::LtInt { result: r(6), left: r(level + 1), right: r(level) },
            Op::If { condition: r(6) },
            Op::Break { depth: 0 },
            Op::End {},
        ]);
        self.inside(depth, Op::Repeat {});
    }

    fn inside(&mut self, depth: u32, close: Op) {
        self.loops += 1;
        self.blocks.push(true);
        self.body(depth + 1);
        self.blocks.pop();
        self.loops -= 1;
        self.code.push(close);
    }
}

fn program(seed: u64) -> Module {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let functions = 1 + random.below(3);
    let mut made = Vec::new();
    let mut registers = vec![INT; 129];
    registers[6] = BOOL;
    registers[7] = LIST;
    registers[68..90].fill(LIST);
    registers[90..120].fill(MAP);
    for (register, ty) in [
        (THE_CHOICE, CHOICE),
        (THE_TEXT, TypeId::STRING),
        (THE_LIST, LIST),
        (THE_KEYS, LIST),
        (OTHER_TEXT, TypeId::STRING),
        (THE_OPTIONAL, OPTIONAL),
        (THE_RECORD, RECORD),
        (MONEY, TypeId::MONEY),
        (TOKENS, TypeId::TOKENS),
    ] {
        registers[usize::from(register)] = ty;
    }
    for own in 0..functions {
        let left = 4 + u32::try_from(random.below(30)).unwrap();
        let code = (0..6).map(|register| int(register, random.below(50).cast_signed()));
        let code = code.skip(if own == 0 { 0 } else { 2 }).collect();
        let mut builder =
            Builder { random: &mut random, code, loops: 0, blocks: vec![], left, functions, own, undoing: 0 };
        builder.body(0);
        builder.body(0);
        let mut code = builder.code;
        code.push(Op::ReturnValue { value: r(0) });
        made.push(Function {
            registers: registers.clone(),
            parameters: if own == 0 { 0 } else { 2 },
            result: Some(INT),
            code,
        });
    }
    let mut module = module(made);
    let case = |name: &str, fields| EnumCase { name: name.into(), fields };
    module.types = vec![
        Type::List { element: INT, max: None },
        Type::Map { key: INT, value: INT, max: None },
        Type::Enum {
            name: "Choice".into(),
            cases: vec![case("no", vec![]), case("yes", vec![field("n", INT)])],
        },
        Type::Optional(INT),
        Type::Record { name: "Pair".into(), fields: vec![field("left", INT), field("right", INT)] },
    ];
    module.states = vec![State { name: "kept".into(), ty: LIST, initial: None }];
    module.metrics = vec![metric("m", INT, MetricKind::Distribution)];
    let act = action("ACT", &[INT, INT]);
    module.imports = vec![costing(act, Amount::Fixed(3), Amount::Fixed(2))];
    module.strings = vec!["".into()];
    module
}

/// Static cost and dynamic charge of an op, from the cost table alone; `None` where the charge depends on
/// sizes, which the tests of each op look at.
fn cost_of(op: &Op) -> (u64, Option<u64>) {
    let count = |registers: &[Register]| u64::try_from(registers.len()).unwrap();
    let dynamic = match op {
        Op::NewList { items, .. } => count(items) + 1,
        Op::NewRecord { fields, .. } => count(fields) + 1,
        Op::Host { arguments, .. } | Op::TryHost { arguments, .. } => 2 * count(arguments),
        // One STATE variable, one metric.
        Op::Within { saved, undoes: 1, .. } => count(saved) + 2,
        Op::Within { .. } => 0,
        Op::NewMap { entries, .. } => cost::new_map(count(entries) / 2, 0),
        Op::NewCase { fields, .. } => cost::case_words(count(fields)),
        Op::Find { .. } => 0,
        op if op.info().settle == Settle::Dynamic => return (u64::from(op.info().cost), None),
        _ => 0,
    };
    (u64::from(op.info().cost), Some(dynamic))
}

struct Step {
    function: u16,
    op: u32,
    fuel: u64,
    total: u64,
    settles: bool,
}

fn limits() -> Limits {
    Limits::default().call_depth(6)
}

/// Actions with their arguments.
type Acts = Vec<(i64, i64)>;

fn host(acts: &mut Acts) -> Host<'_> {
    let mut host = Host::new();
    host.action("ACT", |a: i64, b: i64| acts.push((a, b)));
    host
}

fn new(program: &Program, host: &Host<'_>, limits: Limits) -> Instance {
    Instance::new(program, &Inputs::new(program), limits, &Grants::all(), host).unwrap()
}

/// Whether a branch leaves a `within`: then it settles, since what was held is carried out.
fn leaves_within(module: &Module, function: u16, op: u32) -> bool {
    let layout = Layout::of(&module.functions[usize::from(function)].code).unwrap();
    let op = op as usize;
    layout.target(op).is_some_and(|target| layout.leaves(op, target) > 0)
}

/// The whole run, op by op.
fn traced(module: &Module, program: &Program) -> (Vec<Step>, Report, Acts) {
    let mut acts = Vec::new();
    let mut steps: Vec<Step> = Vec::new();
    let mut host = host(&mut acts);
    let mut sink = |event: &Event<'_>| {
        if let EventKind::Op { .. } = event.kind {
            let place = event.place.as_ref().unwrap();
            let op = &module.functions[usize::from(place.function)].code[place.op as usize];
            let (fixed, dynamic) = cost_of(op);
            steps.push(Step {
                function: place.function,
                op: place.op,
                fuel: event.fuel,
                total: dynamic.map(|dynamic| fixed + dynamic).unwrap_or(u64::MAX),
                settles: op.info().settle != Settle::No || leaves_within(module, place.function, place.op),
            });
        }
    };
    let report = new(program, &host, limits()).run_traced(&mut host, Level::Ops, &mut sink).report().unwrap();
    drop(host);
    // What an op whose charge depends on sizes has cost is seen behind it.
    let after = steps.iter().skip(1).map(|step| step.fuel).chain([report.fuel_used]).collect::<Vec<_>>();
    for (step, after) in steps.iter_mut().zip(after) {
        if step.total == u64::MAX {
            step.total = after - step.fuel;
        }
    }
    (steps, report, acts)
}

#[test]
fn fuel_is_exact_at_every_op_for_every_budget() {
    let (mut outcomes, mut stops, mut refuels, mut undone) = ([0u32; 5], 0u32, 0u32, 0u64);
    for seed in 1..=800 {
        let module = program(seed);
        let loaded = load(&module);
        let (mut steps, full, acts) = traced(&module, &loaded);
        outcomes[full.outcome as usize] += 1;
        undone += full.actions_undone;

        // The count, op by op.
        let mut count = 0;
        for step in &steps {
            assert_eq!(step.fuel, count, "seed {seed}, function {} op {}", step.function, step.op);
            count += step.total;
        }
        assert_eq!(full.fuel_used, count, "seed {seed}");
        if full.outcome.name() == "trapped" {
            steps.last_mut().unwrap().settles = true;
        }

        let budgets: Vec<u64> = if count <= 300 {
            (0..=count + 1).collect()
        } else {
            let mut random = Random(seed | 1);
            (0..40).map(|_| random.below(count + 2)).chain([count - 1, count, count + 1]).collect()
        };
        for budget in budgets {
            let mut done = Vec::new();
            let mut host = host(&mut done);
            let slice = u32::try_from(1 + seed % 50).unwrap();
            let mut run = new(&loaded, &host, limits().fuel(budget)).look_every(slice);
            let first = run.run(&mut host);
            let short = steps.iter().find(|step| step.settles && step.fuel + step.total > budget);
            match (&first, short) {
                (Exit::Finished(report), None) => assert_eq!(report, &full),
                (Exit::OutOfFuel { used, limit, place }, Some(step)) => {
                    stops += 1;
                    assert_eq!(*limit, budget);
                    assert_eq!(*used, step.fuel.min(budget), "seed {seed} budget {budget}");
                    assert_eq!((place.function, place.op), (step.function, step.op), "seed {seed}");
                    let mut drip = Random(seed ^ budget | 1);
                    let mut exit = first;
                    while !matches!(exit, Exit::Finished(_)) {
                        run.refuel(1 + drip.below(9));
                        exit = run.run(&mut host);
                        refuels += 1;
                    }
                    assert_eq!(exit.report().unwrap(), full, "seed {seed} budget {budget}");
                }
                _ => panic!("seed {seed} budget {budget}: {first:?}"),
            }
            drop(host);
            assert_eq!(done, acts, "seed {seed} budget {budget}");
        }
    }
    // The programs are worth the name: all ways to end, many stops.
    assert!(outcomes[0] > 100 && outcomes[3] > 2 && outcomes[4] > 20, "{outcomes:?}");
    assert!(stops > 5_000 && refuels > 20_000, "{stops} {refuels}");
    assert!(undone > 100, "{undone}");
}

#[test]
fn no_effect_is_unpaid() {
    for seed in 1..=100 {
        let module = program(seed);
        let loaded = load(&module);
        let (steps, full, _) = traced(&module, &loaded);
        let hosts = |budget: u64| {
            let paid = steps.iter().take_while(|step| !step.settles || step.fuel + step.total <= budget);
            let is_host = |step: &&Step| {
                let op = &module.functions[usize::from(step.function)].code[step.op as usize];
                matches!(op, Op::Host { .. } | Op::TryHost { .. })
            };
            paid.filter(is_host).count()
        };
        for budget in (0..full.fuel_used).step_by(3) {
            let mut done = Vec::new();
            let mut host = host(&mut done);
            new(&loaded, &host, limits().fuel(budget)).run(&mut host);
            drop(host);
            // Some are held, or do not fit a budget.
            let plain =
                !module.functions.iter().any(|own| own.code.iter().any(|op| matches!(op, Op::Within { .. })));
            let hosts = hosts(budget);
            assert!(done.len() == hosts || !plain && done.len() < hosts, "seed {seed} budget {budget}");
        }
    }
}

#[test]
fn a_long_loop_over_many_slices() {
    // Two ops for loading, `range` 2, then 30,000 rounds of `add` 1 and `next` 2, `return.value` 1.
    let module = main(
        &[INT, INT, INT, INT],
        vec![
            int(1, 1),
            int(2, 30_000),
            Op::Range { item: r(3), first: r(1), last: r(2) },
            Op::AddInt { result: r(0), left: r(0), right: r(3) },
            Op::Advance {},
        ],
    );
    let report = run(&module);
    assert_eq!(report.result.as_ref().unwrap().to_json(), "450015000");
    assert_eq!(report.fuel_used, 2 + 2 + 30_000 * 3 + 1);
    let mut host = Host::new();
    for slice in [0, 1, 7, 100_000] {
        let exit = instance(&module, Limits::default(), &host).look_every(slice).run(&mut host);
        assert_eq!(exit.report().unwrap(), report);
    }
}
