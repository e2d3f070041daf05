//! The cost model: what a program pays for its work, in fuel, and for what it holds, in logical bytes.
//!
//! Every op has a static cost in the op table. An op whose work grows with an operand adds a dynamic charge, a
//! pure function of sizes, given here; the compiler's bound, the interpreter and any other tier use the same
//! formulas. One unit of fuel is about one simple register op.
//!
//! | dynamic charge | of | formula |
//! |---|---|---|
//! | [`compare_strings`] | `seq slt sle` | one for each 16 bytes of the shorter text |
//! | [`compare_values`] | `veq` | one for each slot compared, and as `seq` for texts |
//! | [`allocate`] | `record.new list.new some`, `metric` of a gauge | one for each word of the new object |
//! | [`copy`] | `field.set item.set` on what is shared or a view | one for each word of the copy |
//! | [`host_call`] | `host host.value` | two for each argument, one for each 16 bytes of texts passed |
//!
//! | held | bytes |
//! |---|---|
//! | an object of *n* slots ([`object_words`]) | 8 × (*n* + 1): a header word, then the slots |
//! | text made while running | its length |
//! | a live call ([`frame_bytes`]) | 16 + 8 × registers |
//! | a collected action ([`action_bytes`]) | 16 + 8 × arguments |

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

/// Bytes of text worth one unit of fuel.
pub const TEXT_STEP: u64 = 16;

/// Greatest length of a string in bytes: its register slot has 20 bits for it.
pub const MAX_STRING_BYTES: u64 = (1 << 20) - 1;

/// Greatest number of items of a list.
pub const MAX_LIST_ITEMS: u64 = (1 << 24) - 1;

/// Dynamic charge of comparing two texts of these lengths in bytes.
pub const fn compare_strings(left: u64, right: u64) -> u64 {
    if left < right { left / TEXT_STEP } else { right / TEXT_STEP }
}

/// Dynamic charge of comparing two values: `slots` compared so far as needed to tell them apart, items, fields
/// and optionals' contents counted one each; `texts` is the sum of [`compare_strings`] of the texts among them.
pub const fn compare_values(slots: u64, texts: u64) -> u64 {
    slots.saturating_add(texts)
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

/// Logical bytes of one collected action with so many arguments.
pub const fn action_bytes(arguments: u64) -> u64 {
    arguments.saturating_mul(WORD_BYTES).saturating_add(ACTION_BYTES)
}
