//! The cost model: what a program pays for its work, in fuel, and for what it holds, in logical bytes.
//!
//! Every op has a static cost in the op table. An op whose work grows with an operand adds a dynamic charge, a
//! pure function of sizes, given here; the compiler's bound, the interpreter and any other tier use the same
//! formulas. One unit of fuel is about one simple register op.
//!
//! | dynamic charge | of | formula |
//! |---|---|---|
//! | [`compare_strings`] | `seq slt sle` | one for each 16 bytes of the shorter text |
//! | [`compare_values`] | `veq` | two for each slot compared, and as `seq` for texts |
//! | [`allocate`] | `record.new list.new case.new some`, `metric` of a gauge, `quantile mean` | one for each word of the new object |
//! | [`copy`] | `field.set item.set` on what is shared or a view; a STATE variable at the end of an activation | one for each word of the copy |
//! | [`new_map`] | `map.new` | one for each word of the map, one for each 16 bytes of its keys |
//! | [`read_key`] | `map.find` | one for each 16 bytes of the key |
//! | [`write_key`] | `map.set map.remove` | as `map.find`, and one for each word of the map if it is copied or grows |
//! | [`push`] | `push` | one for each word of the list if it is copied or grows |
//! | [`foreach_entry`] | `foreach.entry` | [`sort`] of the keys, and a word for each entry |
//! | [`top`] | `top` | [`sort`] of the keys, and one for each word of the new list |
//! | [`make_text`] | `concat` | one for each 16 bytes of the new text |
//! | [`print_text`] | `text` | two for each byte of the new text |
//! | [`native`] | `native` | by the [`Charge`] of its row, and one for each word of the objects it makes |
//! | [`host_call`] | `host host.value host.try` | two for each argument, one for each 16 bytes of texts passed |
//! | [`retry`] | `host.retry` | as `host.try`, for each attempt it may make |
//! | [`within`] | `within` that undoes | one for each saved register, STATE variable and metric |
//!
//! | held | bytes |
//! |---|---|
//! | an object of *n* slots ([`object_words`]) | 8 × (*n* + 1): a header word, then the slots; of an enum with a payload one slot for the case |
//! | a list that grows by `push` | as an object of its [`capacity`] |
//! | a map ([`map_words`]) | 8 × (1 + 3 × [`capacity`]): a header word, then key, value and place of each entry |
//! | text made while running | its length |
//! | a live call ([`frame_bytes`]) | 16 + 8 × registers |
//! | a collected action ([`action_bytes`]) | 16 + 8 × arguments |
//! | an open `within` ([`within_bytes`]) | 16 + 8 × what it saved |

use crate::native::Charge;

/// Version of the cost model; a module carries the version its bound was computed with.
pub const COST_MODEL: u8 = 1;

/// Logical bytes of a slot: a register, or a word of an object.
pub const WORD_BYTES: u64 = 8;

/// Logical bytes of a call beside its registers.
pub const FRAME_BYTES: u64 = 16;

/// Logical bytes of a collected action beside its arguments.
pub const ACTION_BYTES: u64 = 16;

/// Words an object has beside its slots.
pub const HEADER_WORDS: u64 = 1;

/// Logical bytes of an open `within` beside what it saved.
pub const WITHIN_BYTES: u64 = 16;

/// Words of a map for each entry there is room for: its key, its value, and its place in the index.
pub const ENTRY_WORDS: u64 = 3;

/// Bytes of text worth one unit of fuel, where they are copied or compared.
pub const TEXT_STEP: u64 = 16;

/// Bytes of text worth one unit of fuel, where something is looked for in them.
pub const SEARCH_STEP: u64 = 4;

/// Units of fuel of a byte of text that a value is put into words with.
pub const BYTE_FUEL: u64 = 2;

/// Units of fuel of comparing a slot.
pub const SLOT_FUEL: u64 = 2;

/// Greatest length of a string in bytes: its register slot has 20 bits for it.
pub const MAX_STRING_BYTES: u64 = (1 << 20) - 1;

/// Greatest number of items of a list, or entries of a map.
pub const MAX_LIST_ITEMS: u64 = (1 << 24) - 1;

/// Dynamic charge of comparing two texts of these lengths in bytes.
pub const fn compare_strings(left: u64, right: u64) -> u64 {
    if left < right { left / TEXT_STEP } else { right / TEXT_STEP }
}

/// Dynamic charge of comparing two values: `slots` compared so far as needed to tell them apart, items, fields
/// and optionals' contents counted one each; `texts` is the sum of [`compare_strings`] of the texts among them.
pub const fn compare_values(slots: u64, texts: u64) -> u64 {
    slots.saturating_mul(SLOT_FUEL).saturating_add(texts)
}

/// Dynamic charge of making an object of so many words ([`object_words`]).
pub const fn allocate(words: u64) -> u64 {
    words
}

/// Dynamic charge of copying an object of so many words before it is written.
pub const fn copy(words: u64) -> u64 {
    words
}

/// Dynamic charge of a host call: `arguments` passed, among them texts of `text_bytes` in all. Records and lists
/// are passed by reference, so they count as one argument each.
pub const fn host_call(arguments: u64, text_bytes: u64) -> u64 {
    arguments.saturating_mul(2).saturating_add(text_bytes / TEXT_STEP)
}

/// Dynamic charge of `host.retry`: that of a call for each attempt it may make, paid before the first. So what it
/// costs does not depend on what the host answers.
pub const fn retry(times: u64, arguments: u64, text_bytes: u64) -> u64 {
    times.saturating_mul(host_call(arguments, text_bytes))
}

/// Dynamic charge of making a text of so many bytes out of values, which are put into words byte by byte.
pub const fn print_text(bytes: u64) -> u64 {
    bytes.saturating_mul(BYTE_FUEL)
}

/// Dynamic charge of making a text of so many bytes out of texts.
pub const fn make_text(bytes: u64) -> u64 {
    bytes / TEXT_STEP
}

/// Dynamic charge of bringing `items` items into order, of `slots` slots in all, with texts of `text_bytes` bytes
/// among them: (slots + bytes ÷ 16) × ⌈log₂ items⌉.
pub const fn sort(items: u64, slots: u64, text_bytes: u64) -> u64 {
    slots.saturating_add(text_bytes / TEXT_STEP).saturating_mul(log2_ceiling(items))
}

/// ⌈log₂ n⌉; 0 for 0.
const fn log2_ceiling(n: u64) -> u64 {
    (u64::BITS.saturating_sub(n.saturating_sub(1).leading_zeros())) as u64
}

/// For how many items or entries a list or map makes room when it has to hold so many: a power of two, at
/// least 4; nothing for nothing.
pub const fn capacity(items: u64) -> u64 {
    match items {
        0 => 0,
        1..=4 => 4,
        _ => match items.checked_next_power_of_two() {
            Some(capacity) => capacity,
            None => u64::MAX,
        },
    }
}

/// The capacity of the new object a list or map moves to when it is changed so that it holds `items`; `None`
/// if it stays where it is. `room` is the capacity it has; `copies` whether it is shared or a view.
///
/// A list that `list.new` or a native made has room for just its items, so the first `push` moves it.
pub const fn moves_to(items: u64, room: u64, copies: bool) -> Option<u64> {
    if copies || items > room { Some(capacity(items)) } else { None }
}

/// Dynamic charge of `push` to a list of `items` items: see [`moves_to`].
pub const fn push(items: u64, room: u64, copies: bool) -> u64 {
    match moves_to(items.saturating_add(1), room, copies) {
        Some(capacity) => object_words(capacity),
        None => 0,
    }
}

/// Words of all the objects a list goes through while so many items are pushed to an empty one.
pub const fn pushed_words(items: u64) -> u64 {
    let mut words = 0_u64;
    let mut capacity = capacity(items);
    while capacity >= 4 {
        words = words.saturating_add(object_words(capacity));
        capacity >>= 1;
    }
    words
}

/// Dynamic charge of `map.new` with so many entries, before equal keys are put together; `key_bytes` is 0 for
/// keys that are no texts.
pub const fn new_map(entries: u64, key_bytes: u64) -> u64 {
    map_words(capacity(entries)).saturating_add(key_bytes / TEXT_STEP)
}

/// Dynamic charge of looking a key up; `key_bytes` is 0 for a key that is no text.
pub const fn read_key(key_bytes: u64) -> u64 {
    key_bytes / TEXT_STEP
}

/// Dynamic charge of `map.set` and `map.remove`: `entries` is how many the map has afterwards, `room` and
/// `copies` as for [`moves_to`]. A `map.remove` that finds nothing copies nothing; one that does puts the
/// last entry in the place of the one it removes.
pub const fn write_key(key_bytes: u64, entries: u64, room: u64, copies: bool) -> u64 {
    let moved = match moves_to(entries, room, copies) {
        Some(capacity) => map_words(capacity),
        None => 0,
    };
    read_key(key_bytes).saturating_add(moved)
}

/// Dynamic charge of `foreach.entry` over so many entries, their keys texts of `key_bytes` in all. The order
/// is made once, when the loop starts, whether the map happens to lie in that order or not.
pub const fn foreach_entry(entries: u64, key_bytes: u64) -> u64 {
    sort(entries, entries, key_bytes).saturating_add(object_words(entries))
}

/// Dynamic charge of `top` over so many items, their keys texts of `key_bytes` in all, that gives `taken` of
/// them.
pub const fn top(items: u64, key_bytes: u64, taken: u64) -> u64 {
    sort(items, items, key_bytes).saturating_add(object_words(taken))
}

/// What a native works on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NativeWork {
    /// Items of the lists it takes; for [`Charge::Sort`], of its first argument, be it a list or a map.
    pub items: u64,
    /// For [`Charge::Values`] and [`Charge::Sort`]: slots of its first argument, counted as
    /// [`compare_values`] does; of a map only the keys.
    pub slots: u64,
    /// For [`Charge::Text`], [`Charge::Search`], [`Charge::Letters`] and [`Charge::Items`]: bytes of the
    /// texts among its arguments and its result. For [`Charge::Values`] and [`Charge::Sort`]: of those in its
    /// first argument; of a map only the keys.
    pub text_bytes: u64,
    /// Words of the objects it makes: [`object_words`] of a list or an optional (NONE has none),
    /// [`map_words`] of a map.
    pub words: u64,
}

/// Dynamic charge of a native.
pub const fn native(charge: Charge, work: NativeWork) -> u64 {
    let NativeWork { items, slots, text_bytes, words } = work;
    let texts = text_bytes.div_euclid(charge.text_step());
    let grows = match charge {
        Charge::Fixed => 0,
        Charge::Text | Charge::Search | Charge::Letters => texts,
        Charge::Items => items.saturating_add(texts),
        Charge::Values => compare_values(slots, texts),
        Charge::Sort => sort(items, slots, text_bytes),
    };
    grows.saturating_add(words)
}

/// Dynamic charge of `within`: one for each register it saves, and, if it undoes, for each STATE variable and
/// each metric of the module. One that does not undo saves nothing.
pub const fn within(saved: u64, states: u64, metrics: u64) -> u64 {
    saved.saturating_add(states).saturating_add(metrics)
}

/// Words of a case with so many fields: its header, which case it is, and its payload. A case without payload
/// is no object.
pub const fn case_words(fields: u64) -> u64 {
    if fields == 0 { 0 } else { object_words(fields.saturating_add(1)) }
}

/// Words of a map with room for so many entries.
pub const fn map_words(capacity: u64) -> u64 {
    capacity.saturating_mul(ENTRY_WORDS).saturating_add(HEADER_WORDS)
}

/// Words of an object with so many slots: a record's fields, a list's items, 1 for an optional.
pub const fn object_words(slots: u64) -> u64 {
    slots.saturating_add(HEADER_WORDS)
}

/// Logical bytes of an object of so many words.
pub const fn object_bytes(words: u64) -> u64 {
    words.saturating_mul(WORD_BYTES)
}

/// Logical bytes of one live call of a function with so many registers.
pub const fn frame_bytes(registers: u64) -> u64 {
    registers.saturating_mul(WORD_BYTES).saturating_add(FRAME_BYTES)
}

/// Logical bytes of an open `within` that saved so many registers, STATE variables and metrics.
pub const fn within_bytes(saved: u64) -> u64 {
    saved.saturating_mul(WORD_BYTES).saturating_add(WITHIN_BYTES)
}

/// Logical bytes of one collected action with so many arguments.
pub const fn action_bytes(arguments: u64) -> u64 {
    arguments.saturating_mul(WORD_BYTES).saturating_add(ACTION_BYTES)
}
