//! What ops cost beyond their row of the op table, and what is held: the tables "Fuel" and "Memory" of
//! docs/bytecode.md.

use swarm_bytecode::native::Charge;

use crate::native::{Made, texts};
use crate::number::log2_ceiling;
use crate::types::Types;
use crate::value::{Value, bytes};
use swarm_bytecode::types::{Type, TypeId};

/// A number of things.
pub(super) fn count(things: usize) -> u64 {
    u64::try_from(things).unwrap_or(u64::MAX)
}

/// One for each 16 bytes.
pub(super) fn text(bytes: u64) -> u64 {
    bytes / 16
}

/// One for each 4 bytes, where something is looked for in them.
fn searched(bytes: u64) -> u64 {
    bytes / 4
}

/// Words of an object: a header, and one for each slot.
pub(super) fn words(slots: u64) -> u64 {
    slots.saturating_add(1)
}

/// Words of a map: a header, and three for each entry there is room for.
pub(super) fn map_words(room: u64) -> u64 {
    words(room.saturating_mul(3))
}

/// Words of a case: a header, which case it is, and its payload; none without payload.
pub(super) fn case_words(fields: usize) -> u64 {
    if fields == 0 { 0 } else { words(count(fields).saturating_add(1)) }
}

/// The least power of two, at least 4, that so many fit; nothing for nothing.
pub(super) fn room(items: u64) -> u64 {
    if items == 0 { 0 } else { items.max(4).next_power_of_two() }
}

/// The room of the new object that a list or map moves to when it comes to hold so many, if it has to move:
/// `own` is its room if it may be written in place.
pub(super) fn moves_to(items: u64, own: Option<u64>) -> Option<u64> {
    if own.is_some_and(|own| items <= own) { None } else { Some(room(items)) }
}

/// Bytes of a key, if it is a text.
pub(super) fn key_bytes(key: &Value) -> u64 {
    bytes(key.text())
}

/// Going through a map in the order of its keys.
pub(super) fn entries(map: &Value) -> u64 {
    let entries = map.entries();
    let own = entries.values().map(|(key, _)| key_bytes(key)).sum();
    order(map.length(), own).saturating_add(words(map.length()))
}

/// Bringing so many things into order, with keys of so many bytes.
pub(super) fn order(things: u64, key_bytes: u64) -> u64 {
    things.saturating_add(text(key_bytes)).saturating_mul(log2_ceiling(things))
}

/// A host call.
pub(super) fn arguments(types: Types<'_>, parameters: &[TypeId], arguments: &[Value]) -> u64 {
    let typed = parameters.iter().zip(arguments);
    let texts = typed.filter(|(ty, _)| matches!(types.get(**ty), Type::String));
    let own: u64 = texts.map(|(_, text)| bytes(text.text())).sum();
    count(arguments.len()).saturating_mul(2).saturating_add(text(own))
}

/// A native: by its row, and one for each word of the objects it makes.
pub(super) fn native(
    types: Types<'_>,
    charge: Charge,
    arguments: &[Value],
    ty: TypeId,
    result: &Value,
    made: Made,
) -> u64 {
    let text_bytes = || -> u64 {
        let given: u64 = texts(arguments).map(|text| bytes(text.as_str())).sum();
        let result: u64 = texts(std::slice::from_ref(result)).map(|text| bytes(text.as_str())).sum();
        given.saturating_add(result)
    };
    let first = arguments.first().unwrap_or(&Value::Zero);
    let work = match charge {
        Charge::Fixed => 0,
        Charge::Text => text(text_bytes()),
        Charge::Search => searched(text_bytes()),
        Charge::Letters => text_bytes(),
        Charge::Items => {
            let lists = arguments.iter().filter(|value| matches!(value, Value::List(_)));
            text(text_bytes()).saturating_add(lists.map(Value::length).sum())
        }
        Charge::Values | Charge::Sort => {
            let (mut slots, mut own) = (0_u64, 0_u64);
            match types.get(ty) {
                Type::Map { .. } => {
                    slots = first.length();
                    own = first.entries().values().map(|(key, _)| key_bytes(key)).sum();
                }
                _ => measure(types, ty, first, &mut slots, &mut own),
            }
            if charge == Charge::Sort {
                slots.saturating_add(text(own)).saturating_mul(log2_ceiling(first.length()))
            } else {
                slots.saturating_mul(2).saturating_add(text(own))
            }
        }
    };
    work.saturating_add(made_words(made))
}

/// Slots of all that a value holds, however deep, and bytes of the texts among it. A record that is zero has its fields all the same.
/// Beyond what any run can pay it gives up.
fn measure(types: Types<'_>, ty: TypeId, value: &Value, slots: &mut u64, text_bytes: &mut u64) {
    const MOST: u64 = 1 << 24;
    let mut part = |ty: TypeId, value: &Value| {
        if *slots < MOST {
            *slots = slots.saturating_add(1);
            measure(types, ty, value, slots, text_bytes);
        }
    };
    match types.get(ty) {
        Type::List { element, .. } => value.parts().iter().for_each(|item| part(*element, item)),
        Type::Record { fields, .. } => {
            fields.iter().enumerate().for_each(|(at, field)| part(field.ty, &value.field(at)));
        }
        Type::Enum { .. } => {
            let fields = types.payload(ty, value.case()).iter().enumerate();
            fields.for_each(|(at, field)| part(field.ty, &value.field(at)));
        }
        Type::Optional(inner) => value.some().into_iter().for_each(|held| part(*inner, held)),
        Type::Map { key, value: held, .. } => {
            for (own, other) in value.entries().values() {
                part(*key, own);
                part(*held, other);
            }
        }
        _ => *text_bytes = text_bytes.saturating_add(bytes(value.text())),
    }
}

/// Words of what a native made.
pub(super) fn made_words(made: Made) -> u64 {
    match made {
        Made::Object(slots) => words(slots),
        Made::Map(entries) => map_words(room(entries)),
        Made::Nothing | Made::Text | Made::First => 0,
    }
}

/// Logical bytes of so many words.
pub(super) fn held(words: u64) -> u64 {
    words.saturating_mul(8)
}

/// Logical bytes of a live call.
pub(super) fn frame(registers: usize) -> u64 {
    held(count(registers)).saturating_add(16)
}

/// Logical bytes of an open `within`.
pub(super) fn within(saved: u64) -> u64 {
    held(saved).saturating_add(16)
}

/// Logical bytes of an action.
pub(super) fn action(arguments: usize) -> u64 {
    held(count(arguments)).saturating_add(16)
}
