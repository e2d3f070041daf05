//! The arena a run makes its values in, and the one way to read values wherever they are.

pub(crate) mod bools;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use swarm_bytecode::cost;

use crate::attached::Attached;
use crate::decode::Code;
use crate::slot::{self, ARENA, CASE, MAX_TEXT_BYTES, MODULE_TEXT, Reference, TextSlot};

/// The first offset an object can have. Reads below it give 0: the zero block, which takes no room.
const FIRST_OFFSET: usize = 300;

/// Header bit: someone else may hold this object, so a write must copy it first.
const SHARED: u64 = 1 << 63;
/// Header bit of a map: its entries lie in the order of their keys.
const SORTED: u64 = 1 << 62;
/// Header bit of a list of bools: see [`bools`].
const BYTES: u64 = 1 << 61;
/// Most slots of one object, and most items it has room for: 29 bits of the header.
const MAX_ROOM: u32 = (1 << 29) - 1;

/// A word as it lies in the arena: little-endian, as in the memory of compiled code.
pub(crate) type Stored = [u8; 8];

/// Objects and strings of one run: append-only, dropped whole. An object is a header and its slots; the header is
/// the length (low 32 bits: slots in use, entries of a map), the room (29 bits: how many there may be),
/// BYTES, SORTED and SHARED. Whatever is stored inside an object is marked SHARED, so an object that may be
/// written is never reachable from another: values cannot form cycles.
#[derive(Default, Clone)]
pub(crate) struct Heap {
    words: Vec<Stored>,
    /// How many of the words are the machine's own: no value has them, and nobody pays for them.
    beside: usize,
    /// How many more words there would be if each bool took one: they are paid for all the same.
    spared: usize,
    text: String,
    /// Hashes of the keys of maps outside of the arena that were copied into it, by their slots.
    pub(crate) view_hashes: BTreeMap<u64, Arc<[u32]>>,
}

/// How much it holds, not what: that may be secret.
impl std::fmt::Debug for Heap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Heap({} words, {} bytes of text)", self.words.len(), self.text.len())
    }
}

/// How much of an arena is in use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extent {
    words: usize,
    beside: usize,
    spared: usize,
    text: usize,
}

/// The arena's offsets are used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ArenaFull;

/// What the header of an object says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Header {
    /// Slots in use; entries of a map.
    pub(crate) length: u32,
    /// How many there is room for.
    pub(crate) room: u32,
    /// Whether a write must copy it first.
    pub(crate) shared: bool,
    /// Whether a map's entries lie in the order of their keys.
    pub(crate) sorted: bool,
    /// Whether its slots take a byte each: it is a list of bools.
    pub(crate) bytes: bool,
}

impl Header {
    /// Of a list of so many items, of bools if they are `bytes`.
    pub(crate) fn of_list(items: usize, bytes: bool) -> Header {
        let length = slot::count(items);
        Header { length, room: length, bytes, ..Header::default() }
    }

    fn unpack(header: u64) -> Header {
        Header {
            length: slot::low(header),
            room: slot::low(header >> 32) & MAX_ROOM,
            shared: header & SHARED != 0,
            sorted: header & SORTED != 0,
            bytes: header & BYTES != 0,
        }
    }

    fn pack(self) -> u64 {
        let bit = |set: bool, bit: u64| if set { bit } else { 0 };
        u64::from(self.length)
            | (u64::from(self.room & MAX_ROOM) << 32)
            | bit(self.shared, SHARED)
            | bit(self.sorted, SORTED)
            | bit(self.bytes, BYTES)
    }

    /// Words of so many slots, which are not entries.
    fn words(self, slots: u32) -> u32 {
        if self.bytes { bools::words(slots) } else { slots }
    }
}

impl Heap {
    /// An arena without objects that has this text already.
    pub(crate) fn with_text(text: String) -> Heap {
        Heap { text, ..Heap::default() }
    }

    /// The text from one offset to another.
    pub(crate) fn text_part(&self, start: u32, end: u32) -> &str {
        self.text.get(slot::index(start)..slot::index(end)).unwrap_or("")
    }

    /// How much is in use, to come back to it with [`Heap::cut`].
    pub(crate) fn extent(&self) -> Extent {
        let Heap { words, beside, spared, text, .. } = self;
        Extent { words: words.len(), beside: *beside, spared: *spared, text: text.len() }
    }

    /// Drops all that was made since; nothing that is left may refer to it.
    pub(crate) fn cut(&mut self, Extent { words, beside, spared, text }: Extent) {
        self.words.truncate(words);
        (self.beside, self.spared) = (beside, spared);
        if self.text.is_char_boundary(text) {
            self.text.truncate(text);
        }
    }

    /// Words in use, as they are charged.
    pub(crate) fn words(&self) -> usize {
        self.words.len().saturating_sub(self.beside).saturating_add(self.spared)
    }

    /// Bytes of text in use.
    pub(crate) fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// All words.
    pub(crate) fn all(&self) -> &[Stored] {
        &self.words
    }

    /// All words, to be written.
    pub(crate) fn all_mut(&mut self) -> &mut [Stored] {
        &mut self.words
    }

    #[inline]
    fn word(&self, offset: usize) -> u64 {
        self.at(offset.wrapping_sub(FIRST_OFFSET)).unwrap_or(0)
    }

    #[inline]
    fn word_mut(&mut self, offset: usize) -> Option<&mut Stored> {
        self.words.get_mut(offset.wrapping_sub(FIRST_OFFSET))
    }

    /// The word in a place of the arena.
    #[inline(always)]
    fn at(&self, place: usize) -> Option<u64> {
        self.words.get(place).copied().map(u64::from_le_bytes)
    }

    /// Starts an object of `length` slots, to be filled with [`Heap::push`].
    pub(crate) fn begin(&mut self, length: u32) -> Result<u64, ArenaFull> {
        self.start(Header { length, room: length, ..Header::default() }, u64::from(length))
    }

    /// A list with this header and these items; behind them there is room for more.
    pub(crate) fn list(
        &mut self,
        header: Header,
        items: impl Iterator<Item = u64>,
    ) -> Result<u64, ArenaFull> {
        let list = self.start_list(header)?;
        let end = self.words.len().saturating_add(slot::index(header.words(header.room)));
        if header.bytes {
            self.push_bools(items);
        } else {
            self.words.extend(items.map(u64::to_le_bytes));
        }
        self.words.resize(end, [0; 8]);
        Ok(list)
    }

    /// A copy of a list of this arena, with another header, which has the same length and at least its room.
    pub(crate) fn copy_list(&mut self, list: u64, header: Header) -> Result<u64, ArenaFull> {
        let copy = self.start_list(header)?;
        let end = self.words.len().saturating_add(slot::index(header.words(header.room)));
        let start = slot::index(Reference::unpack(list).index).wrapping_add(1).wrapping_sub(FIRST_OFFSET);
        let items = start..start.saturating_add(slot::index(header.words(header.length)));
        if items.end <= self.words.len() {
            self.words.extend_from_within(items);
        }
        self.words.resize(end, [0; 8]);
        Ok(copy)
    }

    /// Starts a list, whose words follow.
    fn start_list(&mut self, header: Header) -> Result<u64, ArenaFull> {
        let words = header.words(header.room);
        let list = self.start(header, u64::from(words))?;
        self.spared = self.spared.saturating_add(slot::index(header.room.saturating_sub(words)));
        Ok(list)
    }

    /// Starts an object whose slots are pushed, `words` of them in all.
    fn start(&mut self, header: Header, words: u64) -> Result<u64, ArenaFull> {
        let offset = self.words.len().checked_add(FIRST_OFFSET).ok_or(ArenaFull)?;
        let words = usize::try_from(words).map_err(|_| ArenaFull)?;
        let end = offset.checked_add(words).and_then(|end| end.checked_add(1)).ok_or(ArenaFull)?;
        if header.room > MAX_ROOM || u32::try_from(end).is_err() {
            return Err(ArenaFull);
        }
        self.push(header.pack());
        Ok(Reference { source: ARENA, index: slot::count(offset) }.pack())
    }

    /// An object of so many slots, all zero, and behind them so many words of the machine's own.
    pub(crate) fn blank(&mut self, header: Header, words: u64, beside: u32) -> Result<u64, ArenaFull> {
        let words = words.saturating_add(u64::from(beside));
        let object = self.start(header, words)?;
        self.beside = self.beside.saturating_add(slot::index(beside));
        let end = self.words.len().saturating_add(usize::try_from(words).unwrap_or(0));
        self.words.resize(end, [0; 8]);
        Ok(object)
    }

    /// The next slot of the object begun last.
    pub(crate) fn push(&mut self, value: u64) {
        self.words.push(value.to_le_bytes());
    }

    /// Adds a string.
    pub(crate) fn push_text(&mut self, value: &str) -> Result<u64, ArenaFull> {
        let slot = self.next_text(value.len())?;
        self.text.push_str(value);
        Ok(slot)
    }

    /// The slot of the next string, if it is so long.
    fn next_text(&self, length: usize) -> Result<u64, ArenaFull> {
        let length = u32::try_from(length).map_err(|_| ArenaFull)?;
        let offset = u32::try_from(self.text.len()).map_err(|_| ArenaFull)?;
        if length > MAX_TEXT_BYTES || offset.checked_add(length).is_none() {
            return Err(ArenaFull);
        }
        Ok(TextSlot { source: ARENA, offset, length }.pack())
    }

    /// Adds a string put together from others.
    pub(crate) fn concat(
        &mut self,
        code: &Code,
        attached: &Attached,
        parts: impl Iterator<Item = u64> + Clone,
    ) -> Result<u64, ArenaFull> {
        let length =
            parts.clone().fold(0usize, |sum, part| sum.saturating_add(slot::index(slot::text_length(part))));
        let slot = self.next_text(length)?;
        self.text.reserve(length);
        for part in parts {
            let text = TextSlot::unpack(part);
            let start = slot::index(text.offset);
            let range = start..start.saturating_add(slot::index(text.length));
            match text.source {
                ARENA if self.text.get(range.clone()).is_some() => self.text.extend_from_within(range),
                ARENA => {}
                MODULE_TEXT => self.text.push_str(code.text().get(range).unwrap_or("")),
                input => self.text.push_str(attached.text(input).get(range).unwrap_or("")),
            }
        }
        Ok(slot)
    }

    /// Marks what the slot refers to as shared, if it is an object of this arena.
    #[inline]
    pub(crate) fn share(&mut self, slot: u64) {
        let reference = Reference::unpack(slot);
        if reference.source == ARENA
            && let Some(header) = self.word_mut(slot::index(reference.index))
        {
            *header = (u64::from_le_bytes(*header) | SHARED).to_le_bytes();
        }
    }

    /// Whether a write to what the slot refers to must copy it first.
    #[inline]
    pub(crate) fn must_copy(&self, slot: u64) -> bool {
        self.writable(slot).is_none()
    }

    /// The header of what the slot refers to, if it may be written in place.
    #[inline]
    pub(crate) fn writable(&self, slot: u64) -> Option<Header> {
        self.header(slot).filter(|header| !header.shared)
    }

    /// The header of an object of this arena; `None` for the zero block and for what lies elsewhere.
    #[inline]
    pub(crate) fn header(&self, object: u64) -> Option<Header> {
        let reference = Reference::unpack(object);
        if reference.source != ARENA {
            return None;
        }
        self.at(slot::index(reference.index).wrapping_sub(FIRST_OFFSET)).map(Header::unpack)
    }

    /// Changes the header of an object of this arena.
    pub(crate) fn set_header(&mut self, object: u64, header: Header) {
        if let Some(word) = self.word_mut(slot::index(Reference::unpack(object).index)) {
            *word = header.pack().to_le_bytes();
        }
    }

    /// The first slots of an object of this arena.
    #[inline]
    pub(crate) fn slots(&self, object: u64, count: usize) -> &[Stored] {
        let start = slot::index(Reference::unpack(object).index).wrapping_add(1).wrapping_sub(FIRST_OFFSET);
        self.words.get(start..start.saturating_add(count)).unwrap_or(&[])
    }

    /// The first slots of an object of this arena, to be written.
    #[inline]
    pub(crate) fn slots_mut(&mut self, object: u64, count: usize) -> &mut [Stored] {
        let start = slot::index(Reference::unpack(object).index).wrapping_add(1).wrapping_sub(FIRST_OFFSET);
        self.words.get_mut(start..start.saturating_add(count)).unwrap_or(&mut [])
    }

    /// Slot `at` of an object of this arena.
    #[inline]
    pub(crate) fn read(&self, object: u64, at: u32) -> u64 {
        let offset = slot::index(Reference::unpack(object).index);
        self.word(offset.saturating_add(slot::index(at)).saturating_add(1))
    }

    /// Writes slot `at` of an object of this arena.
    #[inline]
    pub(crate) fn write(&mut self, object: u64, at: u32, value: u64) {
        let offset = slot::index(Reference::unpack(object).index);
        let at = offset.saturating_add(slot::index(at)).saturating_add(1);
        if let Some(word) = self.word_mut(at) {
            *word = value.to_le_bytes();
        }
    }

    /// Field `at` of a record of this arena, or of the zero block.
    #[inline(always)]
    pub(crate) fn field(&self, record: u64, at: u8) -> Option<u64> {
        let Reference { source, index } = Reference::unpack(record);
        (source == ARENA).then(|| self.word(slot::index(index).wrapping_add(usize::from(at)).wrapping_add(1)))
    }

    /// Item `at` of a list of this arena, if there is one; not of bools.
    #[inline(always)]
    pub(crate) fn item(&self, list: u64, at: u64) -> Option<u64> {
        let header = usize::try_from(list).ok()?.wrapping_sub(FIRST_OFFSET);
        if at >= u64::from(slot::low(self.at(header)?)) {
            return None;
        }
        self.at(header.wrapping_add(usize::try_from(at).ok()?).wrapping_add(1))
    }

    /// Item `at` of a list of this arena that may be written, if there is one; not of bools.
    #[inline(always)]
    pub(crate) fn own_item(&mut self, list: u64, at: u64) -> Option<&mut Stored> {
        // A list of this arena is its offset.
        let header = usize::try_from(list).ok()?.wrapping_sub(FIRST_OFFSET);
        let length = self.at(header)?;
        if length & SHARED != 0 || at >= u64::from(slot::low(length)) {
            return None;
        }
        self.words.get_mut(header.wrapping_add(usize::try_from(at).ok()?).wrapping_add(1))
    }

    /// The value of entry `at` of a map of this arena that may be written, if that has this key, the very same slot, and
    /// the map holds at most so many entries.
    #[inline(always)]
    pub(crate) fn own_entry(&mut self, map: u64, at: u32, key: u64, most: u32) -> Option<&mut Stored> {
        // A map of this arena is its offset.
        let header = usize::try_from(map).ok()?.wrapping_sub(FIRST_OFFSET);
        let (word, entry) = (self.at(header)?, slot::index(at));
        let length = slot::low(word);
        if word & SHARED != 0 || at >= length || length > most {
            return None;
        }
        let first = header.wrapping_add(entry.wrapping_mul(2)).wrapping_add(1);
        let [own, value] = self.words.get_mut(first..)?.first_chunk_mut()?;
        (u64::from_le_bytes(*own) == key).then_some(value)
    }

    /// Whether an item can be appended to a list where it is: see [`Heap::append`].
    pub(crate) fn has_room(&self, list: u64, most: u32) -> bool {
        self.writable(list).is_some_and(|header| header.length < header.room.min(most))
    }

    /// Appends an item to a list of this arena, if it may be written, has room for one and holds fewer than
    /// `most`; not to one of bools.
    #[inline(always)]
    pub(crate) fn append(&mut self, list: u64, value: u64, most: u32) -> bool {
        let Some((at, old, length)) = self.room_for_one(list, most) else { return false };
        let place = at.wrapping_add(slot::index(length)).wrapping_add(1);
        let Some([header, .., item]) = self.words.get_mut(at..=place) else { return false };
        *item = value.to_le_bytes();
        // The length is the low end of the header and below the room, so this carries nowhere.
        *header = old.wrapping_add(1).to_le_bytes();
        true
    }

    /// Place, header and length of a list of this arena that may be written, has room for one more item and
    /// holds fewer than `most`.
    #[inline(always)]
    fn room_for_one(&self, list: u64, most: u32) -> Option<(usize, u64, u32)> {
        let at = usize::try_from(list).ok()?.wrapping_sub(FIRST_OFFSET);
        let header = self.at(at)?;
        let (length, room) = (slot::low(header), slot::low(header >> 32) & MAX_ROOM);
        (header & SHARED == 0 && length < room && length < most).then_some((at, header, length))
    }

    /// Appends the same item so many times, or as often as [`Heap::append`] would; gives how often.
    pub(crate) fn fill(&mut self, list: u64, value: u64, most: u32, times: u64) -> u64 {
        let Some(header) = self.writable(list) else { return 0 };
        let Header { length, room, bytes, .. } = header;
        let times = slot::low(times.min(u64::from(room.min(most).saturating_sub(length))));
        let start = slot::index(Reference::unpack(list).index).wrapping_sub(FIRST_OFFSET);
        if bytes {
            self.fill_bools(start, length, times, value);
        } else {
            let first = start.wrapping_add(slot::index(length)).wrapping_add(1);
            let Some(items) = self.words.get_mut(first..first.saturating_add(slot::index(times))) else {
                return 0;
            };
            items.fill(value.to_le_bytes());
        }
        self.set_header(list, Header { length: length.saturating_add(times), ..header });
        u64::from(times)
    }
}

/// Which of 16 bytes belong to a string of so many, if it has not more.
#[inline]
fn own_bytes(length: u32) -> Option<u128> {
    const EDGE: [u8; 32] =
        *b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    let from = EDGE.get(slot::index(16u32.checked_sub(length)?)..)?;
    from.first_chunk().copied().map(u128::from_le_bytes)
}

/// The bytes of a string near the end of all text, as one number.
#[cold]
fn last(bytes: &[u8]) -> u128 {
    bytes.iter().rev().fold(0, |number, byte| (number << 8) | u128::from(*byte))
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
        let (whole, range) = self.place(slot);
        whole.get(range).unwrap_or("")
    }

    /// The bytes of the string in a slot.
    #[inline]
    pub(crate) fn bytes(self, slot: u64) -> &'a [u8] {
        let (whole, range) = self.place(slot);
        whole.as_bytes().get(range).unwrap_or(&[])
    }

    /// The bytes of a string of at most 16 as one number, the first lowest, and zeros behind the last; `None` of a
    /// longer one.
    #[inline]
    pub(crate) fn short(self, slot: u64) -> Option<u128> {
        let text = TextSlot::unpack(slot);
        let own = own_bytes(text.length)?;
        Some(self.sixteen(text).map_or_else(|| last(self.bytes(slot)), |bytes| bytes & own))
    }

    /// Whether the strings in two slots, equally long ones, have the same bytes.
    #[inline]
    pub(crate) fn same_bytes(self, left: u64, right: u64) -> bool {
        let texts = (TextSlot::unpack(left), TextSlot::unpack(right));
        match (own_bytes(texts.0.length), self.sixteen(texts.0), self.sixteen(texts.1)) {
            (Some(own), Some(left), Some(right)) => (left ^ right) & own == 0,
            _ => self.bytes(left) == self.bytes(right),
        }
    }

    /// The 16 bytes from where a string begins, if there are so many.
    #[inline]
    fn sixteen(self, text: TextSlot) -> Option<u128> {
        let from = self.whole(text.source).as_bytes().get(text.range().start..)?;
        from.first_chunk().copied().map(u128::from_le_bytes)
    }

    /// The text that the string in a slot is a part of, and which.
    #[inline]
    fn place(self, slot: u64) -> (&'a str, Range<usize>) {
        let text = TextSlot::unpack(slot);
        (self.whole(text.source), text.range())
    }

    /// All the text of a source.
    #[inline]
    fn whole(self, source: u32) -> &'a str {
        match source {
            ARENA => &self.heap.text,
            MODULE_TEXT => self.code.text(),
            input => self.attached.text(input),
        }
    }

    /// Field `at` of the record in a slot.
    #[inline]
    pub(crate) fn field(self, record: u64, at: u8) -> u64 {
        match self.heap.field(record, at) {
            Some(value) => value,
            None => self.attached.field(Reference::unpack(record), at),
        }
    }

    /// Which case the enum in a slot is.
    #[inline]
    pub(crate) fn case(self, value: u64) -> u8 {
        let reference = Reference::unpack(value);
        let case = match reference.source {
            ARENA => slot::low(self.heap.word(slot::index(reference.index).wrapping_add(1))),
            CASE => reference.index,
            _ => u32::from(self.attached.case(reference)),
        };
        u8::try_from(case).unwrap_or(u8::MAX)
    }

    /// Field `at` of the payload of the enum in a slot.
    #[inline]
    pub(crate) fn payload(self, value: u64, at: u8) -> u64 {
        let reference = Reference::unpack(value);
        match reference.source {
            ARENA => {
                let offset = slot::index(reference.index).wrapping_add(usize::from(at)).wrapping_add(2);
                self.heap.word(offset)
            }
            CASE => 0,
            _ => self.attached.field(reference, at),
        }
    }

    /// Number of items of the list, or entries of the map, in a slot.
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
            let offset = slot::index(reference.index);
            let header = self.heap.word(offset);
            if header & BYTES != 0 {
                return self.heap.bool_item(list, u64::from(at));
            }
            if at >= slot::low(header) {
                return None;
            }
            Some(self.heap.word(offset.wrapping_add(slot::index(at)).wrapping_add(1)))
        } else {
            self.attached.item(reference, at)
        }
    }

    /// The items of the list in a slot, if it lies in the arena, and its items are no bools.
    pub(crate) fn own_items(self, list: u64) -> Option<&'a [Stored]> {
        let reference = Reference::unpack(list);
        let header = (reference.source == ARENA).then(|| self.heap.word(slot::index(reference.index)))?;
        (header & BYTES == 0).then(|| self.heap.slots(list, slot::index(slot::low(header))))
    }

    /// Entry `at` of the map in a slot, as it lies: key and value. In the order of the keys once the map is
    /// sorted.
    #[inline]
    pub(crate) fn entry(self, map: u64, at: u32) -> Option<(u64, u64)> {
        let reference = Reference::unpack(map);
        if reference.source == ARENA {
            let header = slot::index(reference.index);
            if at >= slot::low(self.heap.word(header)) {
                return None;
            }
            let offset = header.wrapping_add(slot::index(at).wrapping_mul(2));
            Some((self.heap.word(offset.wrapping_add(1)), self.heap.word(offset.wrapping_add(2))))
        } else {
            self.attached.entry(reference, at)
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
