//! Equality of values by value, with its dynamic charge.

use swarm_bytecode::cost;
use swarm_bytecode::types::{Type, TypeId};

use crate::heap::Data;
use crate::order::Order;
use crate::scope::Scope;
use crate::slot;

/// Whether two values are equal, and what finding out costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Comparison {
    pub(crate) equal: bool,
    pub(crate) charge: u64,
}

/// Dynamic charge of comparing the strings in two slots.
pub(crate) fn text_charge(left: u64, right: u64) -> u64 {
    cost::compare_strings(u64::from(slot::text_length(left)), u64::from(slot::text_length(right)))
}

/// Two values being compared part by part.
struct Pair {
    ty: TypeId,
    left: u64,
    right: u64,
    /// The next part.
    next: u32,
    /// Of maps: the values of the entries whose keys were the last part.
    values: [u64; 2],
}

/// Compares part by part, depth first, as far as needed to tell the values apart; maps entry by entry in the
/// order of their keys. Gives up, with a charge above the scope's budget, once the charge passes it.
#[inline(never)]
pub(crate) fn equal(scope: &mut Scope<'_>, ty: TypeId, left: u64, right: u64) -> Comparison {
    let (mut slots, mut texts) = (0u64, 0u64);
    // Values nest no deeper than the objects that make them up, each of which was paid for.
    let mut open = Vec::new();
    let mut current = Some((ty, left, right));
    let mut equal = true;
    while equal {
        if let Some((ty, left, right)) = current.take() {
            match scalar_equal(scope.data(), ty, left, right, &mut texts) {
                Some(same) => equal = same,
                None => {
                    sort_maps(scope, ty, [left, right]);
                    open.push(Pair { ty, left, right, next: 0, values: [0; 2] });
                }
            }
        } else if let Some(pair) = open.last_mut() {
            match next_part(scope.data(), pair) {
                Part::Pair(ty, left, right) => {
                    slots = slots.saturating_add(1);
                    current = Some((ty, left, right));
                }
                Part::Differs => equal = false,
                Part::Done => {
                    open.pop();
                }
            }
        } else {
            break;
        }
        if cost::compare_values(slots, texts) > scope.budget {
            break;
        }
    }
    Comparison { equal, charge: cost::compare_values(slots, texts) }
}

/// Brings maps into the order of their keys, so that equal ones have equal entries in equal places.
pub(crate) fn sort_maps(scope: &mut Scope<'_>, ty: TypeId, maps: [u64; 2]) {
    if let Some(Type::Map { key, .. }) = scope.code.module().ty(ty) {
        let order = Order::of(scope.code.module(), *key);
        for map in maps {
            scope.maps(order).sort(map);
        }
    }
}

enum Part {
    Pair(TypeId, u64, u64),
    Differs,
    Done,
}

fn next_part(data: Data<'_>, pair: &mut Pair) -> Part {
    let at = pair.next;
    pair.next = at.saturating_add(1);
    let (left, right) = (pair.left, pair.right);
    match data.code.module().ty(pair.ty) {
        Some(Type::Record { fields, .. }) => match (fields.get(slot::index(at)), u8::try_from(at)) {
            (Some(field), Ok(at)) => Part::Pair(field.ty, data.field(left, at), data.field(right, at)),
            _ => Part::Done,
        },
        Some(Type::Enum { cases, .. }) => {
            let case = data.case(left);
            if at == 0 && case != data.case(right) {
                return Part::Differs;
            }
            let field = cases.get(usize::from(case)).and_then(|case| case.fields.get(slot::index(at)));
            match (field, u8::try_from(at)) {
                (Some(field), Ok(at)) => {
                    Part::Pair(field.ty, data.payload(left, at), data.payload(right, at))
                }
                _ => Part::Done,
            }
        }
        Some(Type::List { element, .. }) => {
            if at == 0 && data.length(left) != data.length(right) {
                return Part::Differs;
            }
            match (data.item(left, at), data.item(right, at)) {
                (Some(left), Some(right)) => Part::Pair(*element, left, right),
                _ => Part::Done,
            }
        }
        Some(Type::Map { key, value, .. }) => {
            if at == 0 && data.length(left) != data.length(right) {
                return Part::Differs;
            }
            if at & 1 == 1 {
                let [left, right] = pair.values;
                return Part::Pair(*value, left, right);
            }
            match (data.entry(left, at >> 1), data.entry(right, at >> 1)) {
                (Some(left), Some(right)) => {
                    pair.values = [left.1, right.1];
                    Part::Pair(*key, left.0, right.0)
                }
                _ => Part::Done,
            }
        }
        Some(Type::Optional(inner)) if at == 0 => match (data.unwrap(left), data.unwrap(right)) {
            (Some(left), Some(right)) => Part::Pair(*inner, left, right),
            (None, None) => Part::Done,
            _ => Part::Differs,
        },
        _ => Part::Done,
    }
}

/// Equality of what has no parts; `None` for the rest.
fn scalar_equal(data: Data<'_>, ty: TypeId, left: u64, right: u64, texts: &mut u64) -> Option<bool> {
    match data.code.module().ty(ty)? {
        Type::List { .. }
        | Type::Record { .. }
        | Type::Optional(_)
        | Type::Enum { .. }
        | Type::Map { .. } => None,
        Type::String => {
            *texts = texts.saturating_add(text_charge(left, right));
            Some(data.text(left) == data.text(right))
        }
        // Floats are finite and never −0, so equal values are equal bits.
        _ => Some(left == right),
    }
}
