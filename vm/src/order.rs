//! The order of what `<` compares, and of the keys of maps.

use std::cmp::Ordering;
use std::iter;

use swarm_bytecode::module::Module;
use swarm_bytecode::types::{Class, Type, TypeId};

use crate::heap::Data;
use crate::slot;

/// How values of a type are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// As signed words: whatever is integer-carried, bool, and cases without payload.
    Word,
    /// As floats, which are finite: the order is total.
    Float,
    /// As text, by code point.
    Text,
}

impl Order {
    /// That of a type that has one.
    pub(crate) fn of(module: &Module, ty: TypeId) -> Order {
        match module.ty(ty).map(Type::class) {
            Some(Class::Float) => Order::Float,
            Some(Class::String) => Order::Text,
            _ => Order::Word,
        }
    }

    /// That of the keys of a type of maps.
    pub(crate) fn of_keys(module: &Module, map: TypeId) -> Order {
        match module.ty(map) {
            Some(Type::Map { key, .. }) => Order::of(module, *key),
            _ => Order::Word,
        }
    }

    pub(crate) fn compare(self, data: Data<'_>, left: u64, right: u64) -> Ordering {
        match self {
            Order::Word => left.cast_signed().cmp(&right.cast_signed()),
            Order::Float => f64::from_bits(left).total_cmp(&f64::from_bits(right)),
            Order::Text => data.text(left).cmp(data.text(right)),
        }
    }

    /// A number that is less than another's only where the value is: to compare most by it.
    pub(crate) fn rank(self, data: Data<'_>, value: u64) -> u64 {
        match self {
            Order::Word => value ^ (1 << 63),
            Order::Float => 0,
            Order::Text => {
                let bytes = data.bytes(value);
                let first = bytes.iter().copied().chain(iter::repeat(0)).take(8);
                first.fold(0, |rank, byte| (rank << 8) | u64::from(byte))
            }
        }
    }

    /// Whether two values are the same.
    #[inline]
    pub(crate) fn same(self, data: Data<'_>, left: u64, right: u64) -> bool {
        left == right
            || (self == Order::Text
                && slot::text_length(left) == slot::text_length(right)
                && data.same_bytes(left, right))
    }

    /// Bytes of a value that is text, which charges count; 0 of others.
    pub(crate) fn text_bytes(self, value: u64) -> u64 {
        if self == Order::Text { u64::from(slot::text_length(value)) } else { 0 }
    }
}
