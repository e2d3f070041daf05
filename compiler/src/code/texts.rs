//! Where texts are kept, and what is put there, so that the bound knows how long they can be.

use std::collections::BTreeMap;

use swarm_bytecode::module::StateId;
use swarm_bytecode::types::{Class, Type, TypeId};

use super::function::Generator;
use crate::bound::sum::{Size, Sum, Symbol};
use crate::bound::texts::TextStores;
use crate::typed::{Aggregate, Expr, ExprKind, FunctionIndex, LocalId};

/// A place where texts are kept. Values of one type share theirs: it does not matter who holds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TextPlace {
    /// A field of a record type.
    Field(TypeId, u8),
    /// A field of a case's payload.
    Payload(TypeId, u8, u8),
    /// Items of lists.
    Items,
    /// Keys of maps.
    Keys,
    /// Values of maps.
    Values,
    /// Values of optionals.
    Inner,
    /// What queries answer and events bring, and everything else from outside.
    Outside,
    State(StateId),
    /// What a function gives.
    Result(FunctionIndex),
    Parameter(FunctionIndex, u32),
    /// A variable that is assigned again.
    Local(FunctionIndex, LocalId),
}

/// The places met so far, numbered.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    numbers: BTreeMap<TextPlace, u32>,
    stores: TextStores,
}

impl Texts {
    /// The longest text of a place.
    pub(crate) fn at(&mut self, place: TextPlace) -> Sum {
        let stores = &mut self.stores;
        let next = u32::try_from(stores.outside.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(place).or_insert_with(|| {
            let inside = matches!(place, TextPlace::State(_) | TextPlace::Result(_) | TextPlace::Local(..));
            stores.outside.push(!inside);
            next
        });
        Sum::symbol(Symbol::Text(number))
    }

    /// A text of so many bytes is put there. It may speak of places, inputs and constants.
    pub(crate) fn store(&mut self, place: TextPlace, bytes: Sum) {
        self.at(place);
        if let Some(&number) = self.numbers.get(&place) {
            self.stores.stores.push((number, bytes));
        }
    }

    pub(crate) fn finish(self) -> TextStores {
        self.stores
    }
}

impl Generator<'_, '_> {
    /// Notes that the value of `expr` is put there, if it is a text.
    pub(crate) fn store_text(&mut self, place: TextPlace, expr: &Expr) {
        if self.class_of(expr) == Class::String {
            let bytes = self.text(expr);
            self.store_bytes(place, &bytes);
        }
    }

    /// Notes that a text of so many bytes is put there.
    pub(crate) fn store_bytes(&mut self, place: TextPlace, bytes: &Sum) {
        let (index, locals) = (self.index, &self.function.locals);
        let mut parameters: BTreeMap<u32, Sum> = BTreeMap::new();
        for (at, local) in (0..self.function.parameters).zip(locals) {
            if local.ty == TypeId::STRING {
                parameters.insert(at, self.tables.texts.at(TextPlace::Parameter(index, at)));
            }
        }
        let by = |symbol| match symbol {
            Symbol::Parameter(at) => parameters.get(&at).cloned(),
            _ => None,
        };
        let bytes = bytes.replace(&by).unwrap_or_else(|| Sum::constant(u64::MAX));
        self.tables.texts.store(place, bytes);
    }

    /// How great a part that is read from `place` is: of a text what is kept there, of others what their type
    /// says.
    pub(crate) fn part_size(&mut self, ty: TypeId, place: TextPlace) -> Size {
        if ty == TypeId::STRING { Ok(self.tables.texts.at(place)) } else { self.size_of_type(ty) }
    }

    /// How great the value of an optional is.
    pub(crate) fn inner_size(&mut self, optional: &Expr) -> Size {
        match &optional.kind {
            ExprKind::Aggregate {
                aggregate: Aggregate::Min | Aggregate::Max, value: Some(value), ..
            } => self.size(value),
            ExprKind::Some(value) => self.size(value),
            ExprKind::Find(map, _) => {
                let value = self.value_type(self.type_of(map));
                self.part_size(value, TextPlace::Values)
            }
            _ => {
                let inner = self.inner_type(self.type_of(optional));
                self.part_size(inner, TextPlace::Inner)
            }
        }
    }

    /// Type of the values of a map.
    pub(crate) fn value_type(&self, map: TypeId) -> TypeId {
        if let Some(Type::Map { value, .. }) = self.program.ty(map) { *value } else { map }
    }
}
