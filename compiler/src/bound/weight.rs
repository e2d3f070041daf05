//! How great a value of a type can be.

use swarm_bytecode::cost::{TEXT_STEP, object_bytes, object_words};
use swarm_bytecode::module::Module;
use swarm_bytecode::types::{Type, TypeId};

/// Longest string that comes in at the border (an input, a context value, an answer).
pub const BORDER_TEXT_BYTES: u64 = 4 << 10;

/// The greatest value of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Weight {
    /// Slots that a comparison looks at.
    pub(crate) slots: u64,
    /// What comparing its texts is charged.
    pub(crate) text_charge: u64,
    /// Logical bytes, where the run holds it.
    pub(crate) bytes: u64,
}

/// The greatest value of `ty`; `None` where a list in it has no MAX. `text` is the longest string there is.
pub(crate) fn weight(module: &Module, ty: TypeId, text: u64) -> Option<Weight> {
    let scalar = Weight { slots: 1, text_charge: 0, bytes: 0 };
    Some(match module.ty(ty)? {
        Type::String => Weight { slots: 1, text_charge: text / TEXT_STEP, bytes: text },
        Type::List { element, max } => {
            let items = u64::from((*max)?);
            let item = weight(module, *element, text)?;
            Weight {
                slots: item.slots.saturating_mul(items).saturating_add(1),
                text_charge: item.text_charge.saturating_mul(items),
                bytes: item.bytes.saturating_mul(items).saturating_add(object_bytes(object_words(items))),
            }
        }
        Type::Record { fields, .. } => {
            let own = object_bytes(object_words(u64::try_from(fields.len()).unwrap_or(u64::MAX)));
            let mut sum = Weight { slots: 1, text_charge: 0, bytes: own };
            for field in fields {
                let field = weight(module, field.ty, text)?;
                sum.slots = sum.slots.saturating_add(field.slots);
                sum.text_charge = sum.text_charge.saturating_add(field.text_charge);
                sum.bytes = sum.bytes.saturating_add(field.bytes);
            }
            sum
        }
        Type::Optional(inner) => {
            let inner = weight(module, *inner, text)?;
            Weight {
                slots: inner.slots.saturating_add(1),
                text_charge: inner.text_charge,
                bytes: inner.bytes.saturating_add(object_bytes(object_words(1))),
            }
        }
        _ => scalar,
    })
}
