//! The arena a run makes its values in, and the one way to read values wherever they are.

use swarm_bytecode::cost;

use crate::attached::Attached;
use crate::decode::Code;
use crate::slot::{self, ARENA, MAX_TEXT_BYTES, MODULE_TEXT, Reference, TextSlot};

/// The first offset an object can have. Reads below it give 0: the zero block, which takes no room.
const FIRST_OFFSET: usize = 300;

/// Header bit: someone else may hold this object, so a write must copy it first.
const SHARED: u64 = 1 << 32;

/// Objects and strings of one run: append-only, dropped whole. An object is a header (number of slots, SHARED)
/// and its slots. Whatever is stored inside an object is marked SHARED, so an object that may be written is never
/// reachable from another: values cannot form cycles.
#[derive(Debug, Default)]
pub(crate) struct Heap {
    words: Vec<u64>,
    text: String,
}

/// The arena's offsets are used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ArenaFull;

impl Heap {
    /// Words in use.
    pub(crate) fn words(&self) -> usize {
        self.words.len()
    }

    /// Bytes of text in use.
    pub(crate) fn text_bytes(&self) -> usize {
        self.text.len()
    }

    fn word(&self, offset: usize) -> u64 {
        self.words.get(offset.wrapping_sub(FIRST_OFFSET)).copied().unwrap_or(0)
    }

    fn word_mut(&mut self, offset: usize) -> Option<&mut u64> {
        self.words.get_mut(offset.wrapping_sub(FIRST_OFFSET))
    }

    /// Starts an object of `length` slots, to be filled with [`Heap::push`].
    pub(crate) fn begin(&mut self, length: u32) -> Result<u64, ArenaFull> {
        let offset = self.words.len().checked_add(FIRST_OFFSET).ok_or(ArenaFull)?;
        let end =
            offset.checked_add(slot::index(length)).and_then(|end| end.checked_add(1)).ok_or(ArenaFull)?;
        u32::try_from(end).map_err(|_| ArenaFull)?;
        self.words.push(u64::from(length));
        Ok(Reference { source: ARENA, index: slot::count(offset) }.pack())
    }

    /// The next slot of the object begun last.
    pub(crate) fn push(&mut self, value: u64) {
        self.words.push(value);
    }

    /// Adds a string.
    pub(crate) fn push_text(&mut self, value: &str) -> Result<u64, ArenaFull> {
        let length = u32::try_from(value.len()).map_err(|_| ArenaFull)?;
        let offset = u32::try_from(self.text.len()).map_err(|_| ArenaFull)?;
        if length > MAX_TEXT_BYTES || offset.checked_add(length).is_none() {
            return Err(ArenaFull);
        }
        self.text.push_str(value);
        Ok(TextSlot { source: ARENA, offset, length }.pack())
    }

    /// Marks what the slot refers to as shared, if it is an object of this arena.
    pub(crate) fn share(&mut self, slot: u64) {
        let reference = Reference::unpack(slot);
        if reference.source == ARENA
            && let Some(header) = self.word_mut(slot::index(reference.index))
        {
            *header |= SHARED;
        }
    }

    /// Whether a write to what the slot refers to must copy it first.
    pub(crate) fn must_copy(&self, slot: u64) -> bool {
        let reference = Reference::unpack(slot);
        if reference.source != ARENA {
            return true;
        }
        let at = slot::index(reference.index).wrapping_sub(FIRST_OFFSET);
        self.words.get(at).is_none_or(|header| header & SHARED != 0)
    }

    /// Writes slot `at` of an object of this arena.
    pub(crate) fn write(&mut self, object: u64, at: u32, value: u64) {
        let offset = slot::index(Reference::unpack(object).index);
        let at = offset.saturating_add(slot::index(at)).saturating_add(1);
        if let Some(word) = self.word_mut(at) {
            *word = value;
        }
    }
}

/// All a value can refer to, for reading.
#[derive(Clone, Copy)]
pub(crate) struct Data<'a> {
    pub(crate) code: &'a Code,
    pub(crate) attached: &'a Attached,
    pub(crate) heap: &'a Heap,
}

impl<'a> Data<'a> {
    /// The string in a slot.
    pub(crate) fn text(self, slot: u64) -> &'a str {
        let text = TextSlot::unpack(slot);
        let whole: &str = match text.source {
            ARENA => &self.heap.text,
            MODULE_TEXT => self.code.text(),
            input => self.attached.text(input),
        };
        let start = slot::index(text.offset);
        let end = start.saturating_add(slot::index(text.length));
        whole.get(start..end).unwrap_or("")
    }

    /// Field `at` of the record in a slot.
    #[inline]
    pub(crate) fn field(self, record: u64, at: u8) -> u64 {
        let reference = Reference::unpack(record);
        if reference.source == ARENA {
            let offset = slot::index(reference.index).wrapping_add(usize::from(at)).wrapping_add(1);
            self.heap.word(offset)
        } else {
            self.attached.field(reference, at)
        }
    }

    /// Number of items of the list in a slot.
    #[inline]
    pub(crate) fn length(self, list: u64) -> u32 {
        let reference = Reference::unpack(list);
        if reference.source == ARENA {
            slot::low(self.heap.word(slot::index(reference.index)))
        } else {
            self.attached.length(reference)
        }
    }

    /// Item `at` of the list in a slot, if there is one.
    #[inline]
    pub(crate) fn item(self, list: u64, at: u32) -> Option<u64> {
        let reference = Reference::unpack(list);
        if reference.source == ARENA {
            let header = slot::index(reference.index);
            if at >= slot::low(self.heap.word(header)) {
                return None;
            }
            Some(self.heap.word(header.wrapping_add(slot::index(at)).wrapping_add(1)))
        } else {
            self.attached.item(reference, at)
        }
    }

    /// The value of the optional in a slot, if there is one.
    pub(crate) fn unwrap(self, optional: u64) -> Option<u64> {
        if optional == 0 {
            return None;
        }
        let reference = Reference::unpack(optional);
        Some(if reference.source == ARENA {
            self.heap.word(slot::index(reference.index).wrapping_add(1))
        } else {
            self.attached.element(reference)
        })
    }
}

/// Logical bytes of an object of so many slots.
pub(crate) fn object_bytes(slots: u64) -> u64 {
    cost::object_bytes(cost::object_words(slots))
}
