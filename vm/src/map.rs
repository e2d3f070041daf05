//! Maps in the arena: entries in the order they came, and behind them an index that finds them by their keys.
//!
//! A map with room for *n* entries has 3.5 × *n* slots: key and value of each entry, then *n* words of index,
//! then 32 bits of hash for each entry. The index is 2 × *n* places of 32 bits, open addressing with linear
//! probing: 0 is free, else the entry's number from 1 in the low 25 bits and seven bits of the key's hash
//! above. Small maps do without. The hash of a key is made once and goes with its entry, 0 until then: a map
//! that is copied is charged by its words, however long its keys are. Neither the index nor the order of the
//! entries can be seen by a program: it goes through a map in the order of its keys, into which the entries
//! are brought where they lie.

use std::cmp::Ordering;
use std::hash::Hasher;
use std::sync::Arc;

use swarm_bytecode::cost;

use crate::attached::Attached;
use crate::decode::Code;
use crate::heap::{ArenaFull, Data, Header, Heap, Stored};
use crate::keyed;
use crate::order::Order;
use crate::slot;

/// Up to so many entries are found by looking at each.
const SMALL: u32 = 8;
/// Bits of a place of the index that number the entry.
const ENTRY_BITS: u32 = 25;
const ENTRY_MASK: u32 = (1 << ENTRY_BITS) - 1;

/// A key that is looked for.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    data: Data<'a>,
    order: Order,
    key: u64,
    /// The bytes of a short text.
    short: Option<u128>,
}

impl<'a> Wanted<'a> {
    #[inline]
    fn new(data: Data<'a>, order: Order, key: u64) -> Wanted<'a> {
        Wanted { data, order, key, short: if order == Order::Text { data.short(key) } else { None } }
    }

    /// Its hash; never 0.
    #[inline]
    fn hash(&self) -> u32 {
        let hash = match (self.order, self.short) {
            (Order::Text, Some(short)) => short_hash(short, slot::text_length(self.key)),
            (Order::Text, None) => long_hash(self.data.bytes(self.key)),
            _ => {
                let mut hasher = keyed::hasher();
                hasher.write_u64(self.key);
                hasher.finish()
            }
        };
        slot::low(hash).max(1)
    }

    /// Whether an entry's key is the same.
    #[inline]
    fn is(&self, key: u64) -> bool {
        key == self.key
            || (self.order == Order::Text
                && slot::text_length(key) == slot::text_length(self.key)
                && match self.short {
                    Some(short) => self.data.short(key) == Some(short),
                    None => self.data.bytes(key) == self.data.bytes(self.key),
                })
    }
}

/// Most keys are short, of any length: that no step depends on it is worth more than a step less.
#[inline]
fn short_hash(short: u128, length: u32) -> u64 {
    let mut hasher = keyed::hasher();
    for half in short.to_le_bytes().as_chunks().0 {
        hasher.write_u64(u64::from_le_bytes(*half));
    }
    hasher.write_u8((length & 0xff) as u8);
    hasher.finish()
}

#[inline(never)]
fn long_hash(bytes: &[u8]) -> u64 {
    let mut hasher = keyed::hasher();
    hasher.write(bytes);
    hasher.write_u8(u8::MAX);
    hasher.finish()
}

/// Where the entry with a key lies, if `near` does not happen to be it: who has just read an entry mostly
/// writes it next.
pub(crate) fn position_near(data: Data<'_>, order: Order, map: u64, key: u64, near: u32) -> Option<u32> {
    match data.entry(map, near) {
        Some((found, _)) if order.same(data, found, key) => Some(near),
        _ => position(data, order, map, key),
    }
}

/// Where the entry with a key lies.
pub(crate) fn position(data: Data<'_>, order: Order, map: u64, key: u64) -> Option<u32> {
    find(data, order, map, key).map(|found| found.at)
}

/// An entry that was found.
pub(crate) struct Found {
    pub(crate) at: u32,
    /// Its own key: texts with the same bytes may lie in two places.
    pub(crate) key: u64,
    pub(crate) value: u64,
}

/// The entry with a key.
#[inline]
pub(crate) fn find(data: Data<'_>, order: Order, map: u64, key: u64) -> Option<Found> {
    let Some(header) = data.heap.header(map) else { return search(data, order, map, key) };
    let wanted = Wanted::new(data, order, key);
    let found = |at: u32, [key, value]: [Stored; 2]| Found {
        at,
        key: u64::from_le_bytes(key),
        value: u64::from_le_bytes(value),
    };
    let is = |[key, _]: &[Stored; 2]| wanted.is(u64::from_le_bytes(*key));
    if header.room <= SMALL {
        let entries = data.heap.slots(map, slot::index(header.length).wrapping_mul(2)).as_chunks().0;
        let (at, entry) = (0u32..).zip(entries).find(|(_, entry)| is(entry))?;
        return Some(found(at, *entry));
    }
    let slots = data.heap.slots(map, map_slots(header.room));
    let (entries, index) = slots.split_at_checked(slot::index(header.room).wrapping_mul(2))?;
    let entries = entries.as_chunks().0;
    let (_, at) = find_place(index, wanted.hash(), |at| entries.get(slot::index(at)).is_some_and(is))?;
    entries.get(slot::index(at)).map(|entry| found(at, *entry))
}

/// The entry with a key in a view, which is in the order of its keys.
fn search(data: Data<'_>, order: Order, map: u64, key: u64) -> Option<Found> {
    let (mut low, mut high) = (0, data.length(map));
    while low < high {
        let at = low.midpoint(high);
        let (found, value) = data.entry(map, at)?;
        match order.compare(data, found, key) {
            Ordering::Less => low = at.saturating_add(1),
            Ordering::Equal => return Some(Found { at, key: found, value }),
            Ordering::Greater => high = at,
        }
    }
    None
}

/// Slots of entries and index of a map with room for so many entries.
fn map_slots(room: u32) -> usize {
    slot::index(room).saturating_mul(3)
}

/// The slot with the hash of an entry, in a map with room for so many.
fn hash_slot(room: u32, entry: u32) -> u32 {
    room.saturating_mul(3).saturating_add(entry / 2)
}

// The index. Its number of places is a power of two, and at most half of them are taken, so that a search always
// comes upon a free one.

fn place_at(index: &[Stored], place: usize) -> u32 {
    index.as_flattened().as_chunks().0.get(place).copied().map_or(0, u32::from_le_bytes)
}

fn set_place(index: &mut [Stored], place: usize, value: u32) {
    if let Some(own) = index.as_flattened_mut().as_chunks_mut().0.get_mut(place) {
        *own = value.to_le_bytes();
    }
}

/// Number of places less 1.
fn mask(index: &[Stored]) -> usize {
    index.len().wrapping_mul(2).wrapping_sub(1)
}

/// Where a search for a hash starts.
fn start(hash: u32, mask: usize) -> usize {
    slot::index(hash) & mask
}

/// What stands in the place of an entry.
fn mark(hash: u32, entry: u32) -> u32 {
    (hash & !ENTRY_MASK) | (entry.saturating_add(1) & ENTRY_MASK)
}

/// Place and number of the entry with this hash that is the `same`.
fn find_place(index: &[Stored], hash: u32, same: impl Fn(u32) -> bool) -> Option<(usize, u32)> {
    let wanted = mark(hash, 0) & !ENTRY_MASK;
    let mask = mask(index);
    let mut place = start(hash, mask);
    loop {
        let found = place_at(index, place);
        let entry = (found & ENTRY_MASK).checked_sub(1)?;
        if found & !ENTRY_MASK == wanted && same(entry) {
            return Some((place, entry));
        }
        place = place.wrapping_add(1) & mask;
    }
}

fn insert_place(index: &mut [Stored], hash: u32, entry: u32) {
    let mask = mask(index);
    let mut place = start(hash, mask);
    while place_at(index, place) != 0 {
        place = place.wrapping_add(1) & mask;
    }
    set_place(index, place, mark(hash, entry));
}

/// A map being changed. Charge and memory are paid before.
pub(crate) struct Maps<'a> {
    pub(crate) code: &'a Code,
    pub(crate) attached: &'a Attached,
    pub(crate) heap: &'a mut Heap,
    pub(crate) order: Order,
}

impl Maps<'_> {
    fn data(&self) -> Data<'_> {
        Data { code: self.code, attached: self.attached, heap: self.heap }
    }

    fn hash(&self, key: u64) -> u32 {
        Wanted::new(self.data(), self.order, key).hash()
    }

    /// An empty map with room for so many entries, which [`cost::capacity`] gave.
    pub(crate) fn with_room(&mut self, room: u64) -> Result<u64, ArenaFull> {
        let room = u32::try_from(room).map_err(|_| ArenaFull)?;
        let slots = u64::from(room).saturating_mul(cost::ENTRY_WORDS);
        self.heap.blank(Header { room, sorted: true, ..Header::default() }, slots, room / 2)
    }

    /// A copy, but for the entry `without`, with room for so many entries, at least those there are.
    pub(crate) fn copy(&mut self, map: u64, room: u64, without: Option<u32>) -> Result<u64, ArenaFull> {
        let sorted = self.heap.header(map).is_none_or(|header| header.sorted);
        let copy = self.with_room(room)?;
        let Some(header) = self.heap.header(copy) else { return Err(ArenaFull) };
        let hashed = header.room > SMALL || self.order == Order::Text;
        let of_view = if hashed { self.hashes_of_view(map) } else { None };
        let mut length = 0u32;
        for at in (0..self.data().length(map)).filter(|at| Some(*at) != without) {
            let (key, value) = self.data().entry(map, at).unwrap_or((0, 0));
            self.write_entry(copy, length, key, value);
            if hashed {
                let known = of_view.as_deref().and_then(|hashes| hashes.get(slot::index(at)).copied());
                let hash = known.unwrap_or_else(|| self.hash_of(map, at));
                self.set_hash(copy, header.room, length, hash);
            }
            length = length.saturating_add(1);
        }
        self.heap.set_header(copy, Header { length, sorted, ..header });
        self.fill_index(copy);
        Ok(copy)
    }

    fn write_entry(&mut self, map: u64, at: u32, key: u64, value: u64) {
        self.heap.write(map, at.saturating_mul(2), key);
        self.heap.write(map, at.saturating_mul(2).saturating_add(1), value);
    }

    /// The index of a map that has one.
    fn index(&mut self, map: u64, room: u32) -> &mut [Stored] {
        let index =
            self.heap.slots_mut(map, map_slots(room)).split_at_mut_checked(slot::index(room).wrapping_mul(2));
        index.map_or(&mut [], |(_, index)| index)
    }

    /// Makes the index anew.
    fn fill_index(&mut self, map: u64) {
        let Some(header) = self.heap.header(map).filter(|header| header.room > SMALL) else { return };
        self.index(map, header.room).fill([0; 8]);
        for entry in 0..header.length {
            let hash = self.hash_of(map, entry);
            insert_place(self.index(map, header.room), hash, entry);
        }
    }

    /// Puts a value under a key into a map that may be written and has room for it.
    pub(crate) fn set(&mut self, map: u64, key: u64, value: u64) {
        match position(self.data(), self.order, map, key) {
            Some(at) => self.set_value(map, at, value),
            None => self.insert(map, key, value),
        }
    }

    /// Changes the value of an entry of a map that may be written.
    pub(crate) fn set_value(&mut self, map: u64, at: u32, value: u64) {
        self.heap.write(map, at.saturating_mul(2).saturating_add(1), value);
    }

    /// Adds an entry with a key that is not there, to a map that may be written and has room for it.
    pub(crate) fn insert(&mut self, map: u64, key: u64, value: u64) {
        let Some(header) = self.heap.header(map) else { return };
        let entry = header.length;
        if entry >= header.room {
            return;
        }
        self.write_entry(map, entry, key, value);
        if header.room > SMALL {
            let hash = self.hash(key);
            self.set_hash(map, header.room, entry, hash);
            insert_place(self.index(map, header.room), hash, entry);
        }
        self.heap.set_header(map, Header { length: entry.saturating_add(1), sorted: entry == 0, ..header });
    }

    /// Takes an entry out of a map that may be written. The last one takes its place.
    pub(crate) fn remove(&mut self, map: u64, entry: u32) {
        let Some(header) = self.heap.header(map) else { return };
        let Some(last) = header.length.checked_sub(1) else { return };
        if header.room > SMALL {
            self.unlink(map, header.room, entry, last);
        }
        if entry != last
            && let Some((key, value)) = self.data().entry(map, last)
        {
            self.write_entry(map, entry, key, value);
            let hash = self.known_hash(map, header.room, last);
            self.set_hash(map, header.room, entry, hash);
        }
        self.set_hash(map, header.room, last, 0);
        let sorted = header.sorted && entry == last;
        self.heap.set_header(map, Header { length: last, sorted, ..header });
    }

    /// Takes an entry out of the index and makes the last one's place point to where that will lie.
    fn unlink(&mut self, map: u64, room: u32, entry: u32, last: u32) {
        let hash = self.hash_of(map, entry);
        if let Some((place, _)) = find_place(self.index(map, room), hash, |other| other == entry) {
            self.free_place(map, room, place);
        }
        if entry == last {
            return;
        }
        let hash = self.hash_of(map, last);
        let index = self.index(map, room);
        if let Some((place, _)) = find_place(index, hash, |other| other == last) {
            set_place(index, place, mark(hash, entry));
        }
    }

    /// Hash of an entry's key, in a map of the arena.
    fn hash_of(&mut self, map: u64, entry: u32) -> u32 {
        let Some(Header { room, .. }) = self.heap.header(map) else { return 1 };
        match self.known_hash(map, room, entry) {
            0 => {
                let hash = self.hash(self.heap.read(map, entry.saturating_mul(2)));
                self.set_hash(map, room, entry, hash);
                hash
            }
            known => known,
        }
    }

    /// The same, 0 if it has not been made yet.
    fn known_hash(&self, map: u64, room: u32, entry: u32) -> u32 {
        let word = self.heap.read(map, hash_slot(room, entry));
        if entry & 1 == 0 { slot::low(word) } else { slot::low(word >> 32) }
    }

    fn set_hash(&mut self, map: u64, room: u32, entry: u32, hash: u32) {
        let (slot, low) = (hash_slot(room, entry), u64::from(u32::MAX));
        let (word, hash) = (self.heap.read(map, slot), u64::from(hash));
        let word = if entry & 1 == 0 { (word & !low) | hash } else { (word & low) | (hash << 32) };
        self.heap.write(map, slot, word);
    }

    /// Hashes of the keys of a view, which are made when it is first copied; `None` of a map of the arena.
    fn hashes_of_view(&mut self, map: u64) -> Option<Arc<[u32]>> {
        if self.heap.header(map).is_some() {
            return None;
        }
        if let Some(known) = self.heap.view_hashes.get(&map) {
            return Some(Arc::clone(known));
        }
        let data = self.data();
        let keys = (0..data.length(map)).map(|at| data.entry(map, at).map_or(0, |(key, _)| key));
        let hashes: Arc<[u32]> = keys.map(|key| self.hash(key)).collect();
        self.heap.view_hashes.insert(map, Arc::clone(&hashes));
        Some(hashes)
    }

    /// Frees a place of the index and moves up what was put behind it because it was taken.
    fn free_place(&mut self, map: u64, room: u32, place: usize) {
        let mask = mask(self.index(map, room));
        let (mut free, mut place) = (place, place);
        loop {
            place = place.wrapping_add(1) & mask;
            let found = place_at(self.index(map, room), place);
            let Some(entry) = (found & ENTRY_MASK).checked_sub(1) else { break };
            let start = start(self.hash_of(map, entry), mask);
            // How far the entry lies from where it would like to be, and how far the free place does.
            let (own, gap) = (place.wrapping_sub(start) & mask, place.wrapping_sub(free) & mask);
            if own >= gap {
                set_place(self.index(map, room), free, found);
                free = place;
            }
        }
        set_place(self.index(map, room), free, 0);
    }

    /// Brings the entries into the order of their keys. A view is in it already.
    pub(crate) fn sort(&mut self, map: u64) {
        let Some(header) = self.heap.header(map).filter(|header| !header.sorted) else { return };
        let (data, order) = (self.data(), self.order);
        let entry = |at: u32| {
            let (key, value) = data.entry(map, at)?;
            Some((order.rank(data, key), (key, value), self.known_hash(map, header.room, at)))
        };
        let mut entries: Vec<(u64, (u64, u64), u32)> = (0..header.length).filter_map(entry).collect();
        entries.sort_unstable_by(|(left_rank, (left, _), _), (right_rank, (right, _), _)| {
            left_rank.cmp(right_rank).then_with(|| order.compare(data, *left, *right))
        });
        for (at, (_, (key, value), hash)) in (0u32..).zip(entries) {
            self.write_entry(map, at, key, value);
            self.set_hash(map, header.room, at, hash);
        }
        self.heap.set_header(map, Header { sorted: true, ..header });
        self.fill_index(map);
    }
}

/// The entries of a map in the order of their keys, without changing it.
pub(crate) fn sorted_entries(data: Data<'_>, order: Order, map: u64) -> Vec<(u64, u64)> {
    let mut entries: Vec<(u64, u64)> = (0..data.length(map)).filter_map(|at| data.entry(map, at)).collect();
    if data.heap.header(map).is_some_and(|header| !header.sorted) {
        entries.sort_unstable_by(|(left, _), (right, _)| order.compare(data, *left, *right));
    }
    entries
}
