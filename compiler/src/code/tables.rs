//! The module's tables while code is made: types, constants, and the new numbers of all that is used.

use std::collections::BTreeMap;

use smol_str::SmolStr;
use swarm_bytecode::module::{
    Amount, CallCost, Context, ContextId, FloatId, FunctionId, Import, ImportId, Input, InputId, Metric,
    MetricId, StringId,
};
use swarm_bytecode::types::{Field, Type, TypeId};

use super::reach::Reach;
use crate::typed::{FunctionIndex, Program};

/// Gives out new numbers in the order in which things are first met.
#[derive(Debug)]
pub(crate) struct Pool<K, V> {
    numbers: BTreeMap<K, u16>,
    items: Vec<V>,
    full: bool,
}

impl<K: Ord, V> Pool<K, V> {
    fn new() -> Pool<K, V> {
        Pool { numbers: BTreeMap::new(), items: Vec::new(), full: false }
    }

    fn number(&mut self, key: K, value: impl FnOnce() -> V) -> u16 {
        if let Some(&number) = self.numbers.get(&key) {
            return number;
        }
        let number = u16::try_from(self.items.len()).unwrap_or(u16::MAX);
        self.full |= self.items.len() >= usize::from(u16::MAX);
        self.items.push(value());
        self.numbers.insert(key, number);
        number
    }
}

/// The tables.
pub(crate) struct Tables<'p> {
    program: &'p Program,
    reach: &'p Reach,
    types: Vec<Type>,
    type_numbers: BTreeMap<TypeId, TypeId>,
    strings: Pool<SmolStr, SmolStr>,
    floats: Pool<u64, f64>,
}

impl<'p> Tables<'p> {
    pub(crate) fn new(program: &'p Program, reach: &'p Reach) -> Tables<'p> {
        Tables {
            program,
            reach,
            types: Vec::new(),
            type_numbers: BTreeMap::new(),
            strings: Pool::new(),
            floats: Pool::new(),
        }
    }

    /// The module's number for a type of the program; the types it is made of come before it.
    pub(crate) fn ty(&mut self, id: TypeId) -> TypeId {
        if id.0 < TypeId::BUILTIN_COUNT {
            return id;
        }
        if let Some(&number) = self.type_numbers.get(&id) {
            return number;
        }
        // The checker refuses types that contain themselves, so this comes to an end.
        let ty = match self.program.ty(id) {
            Some(Type::List { element, max }) => Type::List { element: self.ty(*element), max: *max },
            Some(Type::Optional(inner)) => Type::Optional(self.ty(*inner)),
            Some(Type::Record { name, fields }) => {
                Type::Record { name: name.clone(), fields: self.fields(id, fields) }
            }
            Some(other) => other.clone(),
            None => Type::Int,
        };
        let at = self.types.iter().position(|known| *known == ty).unwrap_or_else(|| {
            self.types.push(ty);
            self.types.len().saturating_sub(1)
        });
        let number = TypeId(u16::try_from(at).unwrap_or(u16::MAX).saturating_add(TypeId::BUILTIN_COUNT));
        self.type_numbers.insert(id, number);
        number
    }

    fn fields(&mut self, record: TypeId, fields: &[Field]) -> Vec<Field> {
        let mut kept = Vec::new();
        for (index, field) in fields.iter().enumerate() {
            if self.keeps(record, index, field) {
                kept.push(Field { ty: self.ty(field.ty), ..field.clone() });
            }
        }
        kept
    }

    fn keeps(&self, record: TypeId, index: usize, field: &Field) -> bool {
        field.key || u8::try_from(index).is_ok_and(|index| self.reach.uses_field(record, index))
    }

    /// The number of a field among those that are kept.
    pub(crate) fn field(&self, record: TypeId, index: u8) -> u8 {
        let Some(Type::Record { fields, .. }) = self.program.ty(record) else { return index };
        let before = fields.iter().enumerate().take(usize::from(index));
        let kept = before.filter(|(at, field)| self.keeps(record, *at, field)).count();
        u8::try_from(kept).unwrap_or(u8::MAX)
    }

    pub(crate) fn string(&mut self, text: &SmolStr) -> StringId {
        StringId(self.strings.number(text.clone(), || text.clone()))
    }

    pub(crate) fn float(&mut self, value: f64) -> FloatId {
        // −0 is no value of its own: it would print and compare as 0.
        let value = if value == 0.0 { 0.0 } else { value };
        FloatId(self.floats.number(value.to_bits(), || value))
    }

    pub(crate) fn function(&self, function: FunctionIndex) -> FunctionId {
        FunctionId(position(self.reach.functions.iter(), &function))
    }

    pub(crate) fn import(&self, id: ImportId) -> ImportId {
        ImportId(position(self.reach.imports.iter(), &id))
    }

    pub(crate) fn input(&self, id: InputId) -> InputId {
        InputId(position(self.reach.inputs.iter(), &id))
    }

    pub(crate) fn context(&self, id: ContextId) -> ContextId {
        ContextId(position(self.reach.contexts.iter(), &id))
    }

    pub(crate) fn metric(&self, id: MetricId) -> MetricId {
        MetricId(position(self.reach.metrics.iter(), &id))
    }

    /// The inputs that are used.
    pub(crate) fn inputs(&mut self) -> Vec<Input> {
        let used = self.reach.inputs.iter().filter_map(|id| self.program.inputs.get(id.index()));
        let used: Vec<&Input> = used.collect();
        used.into_iter().map(|input| Input { ty: self.ty(input.ty), ..input.clone() }).collect()
    }

    /// The context values that are used.
    pub(crate) fn contexts(&mut self) -> Vec<Context> {
        let used = self.reach.contexts.iter().filter_map(|id| self.program.contexts.get(id.index()));
        let used: Vec<&Context> = used.collect();
        used.into_iter().map(|context| Context { ty: self.ty(context.ty), ..context.clone() }).collect()
    }

    /// The metrics that are used.
    pub(crate) fn metrics(&mut self) -> Vec<Metric> {
        let used = self.reach.metrics.iter().filter_map(|id| self.program.metrics.get(id.index()));
        let used: Vec<&Metric> = used.collect();
        used.into_iter().map(|metric| Metric { ty: self.ty(metric.ty), ..metric.clone() }).collect()
    }

    /// The host functions that are called.
    pub(crate) fn imports(&mut self) -> Vec<Import> {
        let used = self.reach.imports.iter().filter_map(|id| self.program.imports.get(id.index()));
        let used: Vec<&Import> = used.collect();
        used.into_iter()
            .map(|import| Import {
                parameters: import.parameters.iter().map(|&ty| self.ty(ty)).collect(),
                result: import.result.map(|ty| self.ty(ty)),
                cost: CallCost {
                    money: self.amount(import.cost.money),
                    tokens: self.amount(import.cost.tokens),
                },
                ..import.clone()
            })
            .collect()
    }

    fn amount(&self, amount: Amount) -> Amount {
        match amount {
            Amount::Fixed(_) => amount,
            Amount::Computed(function) => {
                Amount::Computed(self.function(FunctionIndex(u32::from(function.0))))
            }
        }
    }

    /// Whether some table has more entries than numbers.
    pub(crate) fn is_full(&self) -> bool {
        self.strings.full
            || self.floats.full
            || self.types.len() > usize::from(u16::MAX - TypeId::BUILTIN_COUNT)
    }

    /// Types, strings and floats.
    pub(crate) fn finish(self) -> (Vec<Type>, Vec<SmolStr>, Vec<f64>) {
        (self.types, self.strings.items, self.floats.items)
    }
}

/// Where `wanted` stands; what is used was found by the same walk, so it is there.
fn position<'a, T: PartialEq + 'a>(mut items: impl Iterator<Item = &'a T>, wanted: &T) -> u16 {
    items.position(|item| item == wanted).and_then(|at| u16::try_from(at).ok()).unwrap_or(u16::MAX)
}
