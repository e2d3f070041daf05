//! How great a value of a type can be.

use swarm_bytecode::cost;
use swarm_bytecode::module::Module;
use swarm_bytecode::types::{Field, Type, TypeId};

use super::prove::count;

/// Longest string that comes in at the border (an input, a context value, an answer).
pub const BORDER_TEXT_BYTES: u64 = 4 << 10;

/// The greatest value of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Weight {
    /// Slots that a comparison looks at.
    pub(crate) slots: u64,
    /// Bytes of its texts.
    pub(crate) text_bytes: u64,
    /// Words of its objects, where the run holds them.
    pub(crate) words: u64,
}

impl Weight {
    /// Logical bytes, where the run holds it.
    pub(crate) fn bytes(self) -> u64 {
        cost::object_bytes(self.words).saturating_add(self.text_bytes)
    }

    fn plus(self, other: Weight) -> Weight {
        Weight {
            slots: self.slots.saturating_add(other.slots),
            text_bytes: self.text_bytes.saturating_add(other.text_bytes),
            words: self.words.saturating_add(other.words),
        }
    }

    fn times(self, count: u64) -> Weight {
        Weight {
            slots: self.slots.saturating_mul(count),
            text_bytes: self.text_bytes.saturating_mul(count),
            words: self.words.saturating_mul(count),
        }
    }

    fn or(self, other: Weight) -> Weight {
        Weight {
            slots: self.slots.max(other.slots),
            text_bytes: self.text_bytes.max(other.text_bytes),
            words: self.words.max(other.words),
        }
    }
}

/// The greatest value of `ty`; `None` where a list or map in it has no MAX. `text` is the longest string
/// there is.
pub(crate) fn weight(module: &Module, ty: TypeId, text: u64) -> Option<Weight> {
    let own = |words| Weight { slots: 1, text_bytes: 0, words };
    let fields = |fields: &[Field]| {
        fields
            .iter()
            .try_fold(Weight::default(), |sum, field| Some(sum.plus(weight(module, field.ty, text)?)))
    };
    Some(match module.ty(ty)? {
        Type::String | Type::Secret => Weight { text_bytes: text, ..own(0) },
        Type::List { element, max } => {
            let items = u64::from((*max)?);
            weight(module, *element, text)?.times(items).plus(own(cost::object_words(items)))
        }
        Type::Map { key, value, max } => {
            let entries = u64::from((*max)?);
            let entry = weight(module, *key, text)?.plus(weight(module, *value, text)?);
            entry.times(entries).plus(own(cost::map_words(cost::capacity(entries))))
        }
        Type::Record { fields: all, .. } => fields(all)?.plus(own(cost::object_words(count(all.len())))),
        Type::Enum { cases, .. } => {
            let payloads = cases.iter().try_fold(Weight::default(), |most, case| {
                Some(most.or(fields(&case.fields)?.plus(own(cost::case_words(count(case.fields.len()))))))
            });
            payloads?
        }
        Type::Optional(inner) => weight(module, *inner, text)?.plus(own(cost::object_words(1))),
        _ => own(0),
    })
}

/// Words of the greatest value of `ty`, without its parts; `None` where it is a list or map without MAX.
pub(crate) fn own_words(module: &Module, ty: TypeId) -> Option<u64> {
    Some(match module.ty(ty)? {
        Type::List { max, .. } => cost::object_words(u64::from((*max)?)),
        Type::Map { max, .. } => cost::map_words(cost::capacity(u64::from((*max)?))),
        Type::Record { fields, .. } => cost::object_words(count(fields.len())),
        _ => 0,
    })
}
