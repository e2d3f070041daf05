//! Values of a program's types: often on the edge of what its constants compare, sometimes anywhere.

use smol_str::SmolStr;
use swarm_bytecode::module::Module;
use swarm_bytecode::op::Op;
use swarm_bytecode::types::{Type, TypeId};
use swarm_vm::Value;

use super::{Given, Step};

/// Items of a generated list at most, where its MAX admits them.
const MOST_ITEMS: u64 = 12;
/// Ticks and events after START at most.
const MOST_STEPS: u64 = 6;
/// How deep values nest; below, lists are empty and optionals NONE.
const MOST_DEPTH: u32 = 6;

/// Makes values for one run.
pub(super) struct Generator<'m> {
    module: &'m Module,
    random: Random,
    /// Whole numbers that stand in the program.
    numbers: Vec<i64>,
    /// Names made so far, so that keys differ.
    names: u64,
}

impl<'m> Generator<'m> {
    pub(super) fn new(module: &'m Module, seed: u64) -> Generator<'m> {
        let ops = module.functions.iter().flat_map(|function| &function.code);
        let numbers =
            ops.filter_map(|op| if let Op::Integer { value, .. } = op { Some(*value) } else { None });
        Generator { module, random: Random(seed), numbers: numbers.take(1_000).collect(), names: 0 }
    }

    /// All that the program reads.
    pub(super) fn given(&mut self) -> Given {
        let module = self.module;
        Given {
            inputs: module.inputs.iter().map(|input| (input.name.clone(), self.value(input.ty))).collect(),
            contexts: module
                .contexts
                .iter()
                .map(|context| (context.name.clone(), self.value(context.ty)))
                .collect(),
            steps: self.steps(),
        }
    }

    /// A few ticks and events.
    fn steps(&mut self) -> Vec<Step> {
        let module = self.module;
        let kinds = module.timers.len().saturating_add(module.events.len());
        if kinds == 0 {
            return Vec::new();
        }
        let count = self.random.small(MOST_STEPS);
        let mut steps = Vec::new();
        for _ in 0..count {
            let kind = self.random.index(kinds);
            steps.push(match module.timers.get(kind) {
                Some(timer) => Step::For(u64::try_from(timer.period_ns).unwrap_or(0)),
                None => {
                    let handler = kind.saturating_sub(module.timers.len());
                    let types = parameters(module, handler);
                    Step::Event(handler, types.iter().map(|ty| self.value(*ty)).collect())
                }
            });
        }
        steps
    }

    /// A value of a type.
    pub(super) fn value(&mut self, ty: TypeId) -> Value {
        self.nested(ty, 0)
    }

    fn nested(&mut self, ty: TypeId, depth: u32) -> Value {
        let module = self.module;
        let deeper = depth.saturating_add(1);
        match module.ty(ty) {
            Some(Type::Int) => Value::Int(self.whole()),
            Some(Type::Bool) => Value::Bool(self.random.one_in(2)),
            Some(Type::Float) => Value::Float(self.float()),
            Some(Type::Rate(dimension)) => Value::Rate(*dimension, self.float()),
            Some(Type::String | Type::Secret) => Value::String(self.text()),
            Some(Type::List { element, max }) => {
                let most = max.map_or(MOST_ITEMS, |max| u64::from(max).min(MOST_ITEMS));
                let items = if depth > MOST_DEPTH { 0 } else { self.random.small(most) };
                Value::List((0..items).map(|_| self.nested(*element, deeper)).collect())
            }
            Some(Type::Record { fields, .. }) => Value::Record(
                fields
                    .iter()
                    .map(|field| {
                        let value =
                            if field.key { self.key(field.ty) } else { self.nested(field.ty, deeper) };
                        (field.name.clone(), value)
                    })
                    .collect(),
            ),
            Some(Type::Enum { cases, .. }) => match cases.get(self.random.index(cases.len())) {
                Some(case) => Value::Case(
                    case.name.clone(),
                    case.fields
                        .iter()
                        .map(|field| (field.name.clone(), self.nested(field.ty, deeper)))
                        .collect(),
                ),
                None => Value::zero(module, ty),
            },
            Some(Type::Map { key, value, max }) => {
                let most = max.map_or(MOST_ITEMS, |max| u64::from(max).min(MOST_ITEMS));
                let entries = if depth > MOST_DEPTH { 0 } else { self.random.small(most) };
                let mut map: Vec<(Value, Value)> = Vec::new();
                for _ in 0..entries {
                    let own = self.nested(*key, deeper);
                    if map.iter().all(|(other, _)| *other != own) {
                        map.push((own, self.nested(*value, deeper)));
                    }
                }
                Value::Map(map)
            }
            Some(Type::Optional(inner)) if depth <= MOST_DEPTH && !self.random.one_in(3) => {
                self.nested(*inner, deeper)
            }
            // Data and time that go below nothing are rare, and so they are tried rarely.
            Some(
                Type::Duration
                | Type::Bytes
                | Type::Bandwidth
                | Type::Money
                | Type::Tokens
                | Type::Percent
                | Type::Time,
            ) => {
                let amount = self.whole();
                Value::Quantity(ty, if self.random.one_in(16) { amount } else { amount.saturating_abs() })
            }
            _ => Value::zero(module, ty),
        }
    }

    /// A key that no other record has.
    fn key(&mut self, ty: TypeId) -> Value {
        self.names = self.names.saturating_add(1);
        match self.module.ty(ty) {
            Some(Type::String) => Value::String(format!("k{}", self.names).into()),
            _ => self.nested(ty, 0),
        }
    }

    /// A whole number: one of the program's or just beside it, a small one, a power of ten, any.
    fn whole(&mut self) -> i64 {
        let any = self.random.next().cast_signed();
        match self.random.below(8) {
            0..=2 if !self.numbers.is_empty() => {
                let beside = i64::try_from(self.random.below(3)).unwrap_or(1).saturating_sub(1);
                self.pick_number().saturating_add(beside)
            }
            0 | 3 => 0,
            1 | 4 => i64::try_from(self.random.below(12)).unwrap_or(0),
            2 | 5 => 10_i64.saturating_pow(u32::try_from(self.random.below(16)).unwrap_or(0)),
            // As large as sums of them still fit.
            6 => any % 1_000_000_000_000,
            _ => any % (1 << 53),
        }
    }

    fn pick_number(&mut self) -> i64 {
        let at = self.random.index(self.numbers.len());
        self.numbers.get(at).copied().unwrap_or(0)
    }

    fn float(&mut self) -> f64 {
        match self.random.below(6) {
            0 => 0.0,
            1 => 1.0,
            2 => -1.0,
            3 => 1e300,
            4 => self.random.below(1_000) as f64 / 10.0,
            _ => self.random.below(1 << 53) as f64 / (1_u64 << 53) as f64,
        }
    }

    /// A text: one of the program's, nothing, something awkward, a short word.
    fn text(&mut self) -> SmolStr {
        let strings = &self.module.strings;
        match self.random.below(6) {
            0..=2 if !strings.is_empty() => {
                strings.get(self.random.index(strings.len())).cloned().unwrap_or_default()
            }
            0 => SmolStr::default(),
            1 => "ü 日本 🐝 {x} \"q\" \\".into(),
            2 => "long ".repeat(100).into(),
            _ => format!("t{}", self.random.below(100)).into(),
        }
    }
}

/// Types of an event's parameters.
pub(super) fn parameters(module: &Module, handler: usize) -> &[TypeId] {
    let function = module.events.get(handler).and_then(|event| module.functions.get(event.function.index()));
    function.map_or(&[], |own| own.registers.get(..usize::from(own.parameters)).unwrap_or_default())
}

/// splitmix64: the same sequence on every machine.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// From 0 to below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.next().checked_rem(end).unwrap_or(0)
    }

    fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// From 0 to `most`, small ones more often.
    fn small(&mut self, most: u64) -> u64 {
        let end = if self.one_in(2) { most.min(3) } else { most };
        self.below(end.saturating_add(1))
    }
}
