//! Maps in the arena: entries in the order they came, and behind them an index that finds them by their keys.
//!
//! A map with room for *n* entries has 3 × *n* slots: key and value of each entry, then *n* words of index. The index
//! is 2 × *n* places of 32 bits, open addressing with linear probing: 0 is free, else the entry's number from 1 in
//! the low 25 bits and seven bits of the key's hash above. Small maps do without. Neither the index nor the order of
//! the entries can be seen by a program: it goes through a map in the order of its keys, into which the entries are
//! brought where they lie.

use std::cmp::Ordering;
use std::hash::BuildHasher;

use swarm_bytecode::cost;

use crate::attached::Attached;
use crate::decode::Code;
use crate::heap::{ArenaFull, Data, Header, Heap};
use crate::order::Order;
use crate::slot;

/// Up to so many entries are found by looking at each.
const SMALL: u32 = 8;
/// Bits of a place of the index that number the entry.
const ENTRY_BITS: u32 = 25;
const ENTRY_MASK: u32 = (1 << ENTRY_BITS) - 1;

fn hash(data: Data<'_>, order: Order, key: u64) -> u64 {
    match order {
        Order::Text => data.heap.hasher.hash_one(data.text(key)),
        _ => data.heap.hasher.hash_one(key),
    }
}

/// The value under a key.
pub(crate) fn find(data: Data<'_>, order: Order, map: u64, key: u64) -> Option<u64> {
    let at = position(data, order, map, key)?;
    data.entry(map, at).map(|(_, value)| value)
}

/// Where the entry with a key lies.
pub(crate) fn position(data: Data<'_>, order: Order, map: u64, key: u64) -> Option<u32> {
    let same = |at: u32| data.entry(map, at).is_some_and(|(found, _)| order.same(data, found, key));
    match data.heap.header(map) {
        Some(header) if header.room <= SMALL => (0..header.length).find(|at| same(*at)),
        Some(header) => {
            let hashed = hash(data, order, key);
            Index::new(map, header.room).find(data.heap, hashed, same).map(|(_, entry)| entry)
        }
        // A view is in the order of its keys.
        None => {
            let (mut low, mut high) = (0, data.length(map));
            while low < high {
                let middle = low.midpoint(high);
                let (found, _) = data.entry(map, middle)?;
                match order.compare(data, found, key) {
                    Ordering::Less => low = middle.saturating_add(1),
                    Ordering::Equal => return Some(middle),
                    Ordering::Greater => high = middle,
                }
            }
            None
        }
    }
}

/// The index of a map: places of 32 bits, two in a word.
#[derive(Clone, Copy)]
struct Index {
    map: u64,
    /// Its first slot.
    first: u32,
    /// Number of places less 1; a power of two less 1.
    mask: u32,
}

impl Index {
    fn new(map: u64, room: u32) -> Index {
        Index { map, first: room.saturating_mul(2), mask: room.saturating_mul(2).saturating_sub(1) }
    }

    fn get(self, heap: &Heap, place: u32) -> u32 {
        let word = heap.read(self.map, self.first.saturating_add(place >> 1));
        if place & 1 == 0 { slot::low(word) } else { slot::low(word >> 32) }
    }

    fn set(self, heap: &mut Heap, place: u32, value: u32) {
        let at = self.first.saturating_add(place >> 1);
        let word = heap.read(self.map, at);
        let value = u64::from(value);
        let word = if place & 1 == 0 {
            (word & !u64::from(u32::MAX)) | value
        } else {
            (word & u64::from(u32::MAX)) | (value << 32)
        };
        heap.write(self.map, at, word);
    }

    fn start(self, hash: u64) -> u32 {
        slot::low(hash) & self.mask
    }

    fn next(self, place: u32) -> u32 {
        place.wrapping_add(1) & self.mask
    }

    /// What stands in the place of an entry.
    fn mark(hash: u64, entry: u32) -> u32 {
        (slot::low(hash >> 32) & !ENTRY_MASK) | (entry.saturating_add(1) & ENTRY_MASK)
    }

    /// Place and number of the entry with this hash that is the `same`.
    fn find(self, heap: &Heap, hash: u64, same: impl Fn(u32) -> bool) -> Option<(u32, u32)> {
        let wanted = Index::mark(hash, 0) & !ENTRY_MASK;
        let mut place = self.start(hash);
        // At most half of the places are taken, so this comes upon a free one.
        loop {
            let found = self.get(heap, place);
            let entry = (found & ENTRY_MASK).checked_sub(1)?;
            if found & !ENTRY_MASK == wanted && same(entry) {
                return Some((place, entry));
            }
            place = self.next(place);
        }
    }

    fn insert(self, heap: &mut Heap, hash: u64, entry: u32) {
        let mut place = self.start(hash);
        while self.get(heap, place) != 0 {
            place = self.next(place);
        }
        self.set(heap, place, Index::mark(hash, entry));
    }

    /// Frees a place and moves up what was put behind it because it was taken. `hash` is that of an entry's key.
    fn remove(self, heap: &mut Heap, place: u32, hash: impl Fn(&Heap, u32) -> u64) {
        let mut free = place;
        let mut place = place;
        loop {
            place = self.next(place);
            let found = self.get(heap, place);
            let Some(entry) = (found & ENTRY_MASK).checked_sub(1) else { break };
            let start = self.start(hash(heap, entry));
            // How far the entry lies from where it would like to be, and how far the free place does.
            let (own, gap) = (place.wrapping_sub(start) & self.mask, place.wrapping_sub(free) & self.mask);
            if own >= gap {
                self.set(heap, free, found);
                free = place;
            }
        }
        self.set(heap, free, 0);
    }
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

    fn hash(&self, key: u64) -> u64 {
        hash(self.data(), self.order, key)
    }

    /// An empty map with room for so many entries, which [`cost::capacity`] gave.
    pub(crate) fn with_room(&mut self, room: u64) -> Result<u64, ArenaFull> {
        let room = u32::try_from(room).map_err(|_| ArenaFull)?;
        let slots = u64::from(room).saturating_mul(cost::ENTRY_WORDS);
        self.heap.blank(Header { length: 0, room, shared: false, sorted: true }, slots)
    }

    /// A copy, but for the entry `without`, with room for so many entries, at least those there are.
    pub(crate) fn copy(&mut self, map: u64, room: u64, without: Option<u32>) -> Result<u64, ArenaFull> {
        let sorted = self.heap.header(map).is_none_or(|header| header.sorted);
        let copy = self.with_room(room)?;
        let Some(header) = self.heap.header(copy) else { return Err(ArenaFull) };
        let mut length = 0u32;
        for at in (0..self.data().length(map)).filter(|at| Some(*at) != without) {
            let (key, value) = self.data().entry(map, at).unwrap_or((0, 0));
            self.write_entry(copy, length, key, value);
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

    /// Makes the index anew.
    fn fill_index(&mut self, map: u64) {
        let Some(header) = self.heap.header(map).filter(|header| header.room > SMALL) else { return };
        let index = Index::new(map, header.room);
        for at in 0..header.room {
            self.heap.write(map, index.first.saturating_add(at), 0);
        }
        for entry in 0..header.length {
            let key = self.heap.read(map, entry.saturating_mul(2));
            let hash = self.hash(key);
            index.insert(self.heap, hash, entry);
        }
    }

    /// Puts a value under a key into a map that may be written and has room for it.
    pub(crate) fn set(&mut self, map: u64, key: u64, value: u64) {
        let Some(header) = self.heap.header(map) else { return };
        if let Some(at) = position(self.data(), self.order, map, key) {
            self.heap.write(map, at.saturating_mul(2).saturating_add(1), value);
            return;
        }
        let entry = header.length;
        if entry >= header.room {
            return;
        }
        self.write_entry(map, entry, key, value);
        if header.room > SMALL {
            let hash = self.hash(key);
            Index::new(map, header.room).insert(self.heap, hash, entry);
        }
        self.heap.set_header(map, Header { length: entry.saturating_add(1), sorted: entry == 0, ..header });
    }

    /// Takes a key out of a map that may be written. The last entry takes the place of the one removed.
    pub(crate) fn remove(&mut self, map: u64, key: u64) {
        let Some(header) = self.heap.header(map) else { return };
        let Some(entry) = position(self.data(), self.order, map, key) else { return };
        let Some(last) = header.length.checked_sub(1) else { return };
        if header.room > SMALL {
            self.unlink(map, header, entry, last);
        }
        if entry != last
            && let Some((key, value)) = self.data().entry(map, last)
        {
            self.write_entry(map, entry, key, value);
        }
        let sorted = header.sorted && entry == last;
        self.heap.set_header(map, Header { length: last, sorted, ..header });
    }

    /// Takes an entry out of the index and makes the last one's place point to where that will lie.
    fn unlink(&mut self, map: u64, header: Header, entry: u32, last: u32) {
        let index = Index::new(map, header.room);
        let place_of = |maps: &Self, entry: u32| {
            let hash = maps.hash(maps.heap.read(map, entry.saturating_mul(2)));
            index.find(maps.heap, hash, |other| other == entry).map(|(place, _)| (place, hash))
        };
        if let Some((place, _)) = place_of(self, entry) {
            let (code, attached, order) = (self.code, self.attached, self.order);
            index.remove(self.heap, place, |heap, entry| {
                hash(Data { code, attached, heap }, order, heap.read(map, entry.saturating_mul(2)))
            });
        }
        if entry != last
            && let Some((place, hash)) = place_of(self, last)
        {
            index.set(self.heap, place, Index::mark(hash, entry));
        }
    }

    /// Brings the entries into the order of their keys. A view is in it already.
    pub(crate) fn sort(&mut self, map: u64) {
        let Some(header) = self.heap.header(map).filter(|header| !header.sorted) else { return };
        let mut entries: Vec<(u64, u64)> =
            (0..header.length).filter_map(|at| self.data().entry(map, at)).collect();
        let (data, order) = (self.data(), self.order);
        entries.sort_unstable_by(|(left, _), (right, _)| order.compare(data, *left, *right));
        for (at, (key, value)) in (0u32..).zip(entries) {
            self.write_entry(map, at, key, value);
        }
        self.heap.set_header(map, Header { sorted: true, ..header });
        self.fill_index(map);
    }
}

/// The entries of a map in the order of their keys, without changing it.
pub(crate) fn sorted_entries(data: Data<'_>, order: Order, map: u64) -> Vec<(u64, u64)> {
    let mut entries: Vec<(u64, u64)> =
        (0..data.length(map)).filter_map(|at| data.entry(map, at)).collect();
    if data.heap.header(map).is_some_and(|header| !header.sorted) {
        entries.sort_unstable_by(|(left, _), (right, _)| order.compare(data, *left, *right));
    }
    entries
}
