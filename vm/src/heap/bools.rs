//! Lists of bools: their items take a byte each, and eight of them a word of the arena. A program cannot see
//! that: it pays for a word each.
//!
//! A list of the arena is one of bools, and has its bit in the header, if that is its type. So what knows the
//! type of a list asks for bools here, or for words elsewhere, and only what does not know it looks at the
//! header.

use super::{FIRST_OFFSET, Heap, SHARED};
use crate::slot;

/// Words that so many bools take.
pub(super) fn words(bools: u32) -> u32 {
    bools.div_ceil(8)
}

/// Where an item lies among the bytes of the arena, of a list whose header is in this place.
#[inline(always)]
fn byte_of(header: usize, at: usize) -> usize {
    header.wrapping_add(1).wrapping_mul(8).wrapping_add(at)
}

/// A bool as a byte.
#[inline(always)]
pub(crate) fn byte(value: u64) -> u8 {
    let [byte, ..] = value.to_le_bytes();
    byte
}

impl Heap {
    /// Where the header of a list of bools of this arena lies, and item `at` among the bytes, if both places exist. They are asked
    /// for before the header is read, so that there is less to keep at once.
    #[inline(always)]
    fn places_of(&self, list: u64, at: u64) -> Option<(usize, usize)> {
        let header = usize::try_from(list).ok()?.wrapping_sub(FIRST_OFFSET);
        let place = byte_of(header, usize::try_from(at).ok()?);
        let exist = header < self.words.len() && place < self.words.as_flattened().len();
        exist.then_some((header, place))
    }

    /// Item `at` of a list of bools of this arena, if there is one.
    #[inline(always)]
    pub(crate) fn bool_item(&self, list: u64, at: u64) -> Option<u64> {
        let (header, place) = self.places_of(list, at)?;
        if at >= u64::from(slot::low(self.at(header)?)) {
            return None;
        }
        self.words.as_flattened().get(place).map(|item| u64::from(*item))
    }

    /// Item `at` of a list of bools of this arena that may be written, if there is one.
    #[inline(always)]
    pub(crate) fn own_bool(&mut self, list: u64, at: u64) -> Option<&mut u8> {
        let (header, place) = self.places_of(list, at)?;
        let length = self.at(header)?;
        if length & SHARED != 0 || at >= u64::from(slot::low(length)) {
            return None;
        }
        self.words.as_flattened_mut().get_mut(place)
    }

    /// As [`Heap::append`], to a list of bools.
    #[inline(always)]
    pub(crate) fn append_bool(&mut self, list: u64, value: u64, most: u32) -> bool {
        let Some((at, old, length)) = self.room_for_one(list, most) else { return false };
        let place = byte_of(at, slot::index(length));
        let Some(item) = self.words.as_flattened_mut().get_mut(place) else { return false };
        *item = byte(value);
        if let Some(header) = self.words.get_mut(at) {
            // The length is the low end of the header and below the room, so this carries nowhere.
            *header = old.wrapping_add(1).to_le_bytes();
        }
        true
    }

    /// Pushes the items of the list begun last.
    pub(super) fn push_bools(&mut self, mut items: impl Iterator<Item = u64>) {
        while let Some(first) = items.next() {
            let mut word = [0; 8];
            for (place, item) in word.iter_mut().zip(std::iter::once(first).chain(items.by_ref())) {
                *place = byte(item);
            }
            self.words.push(word);
        }
    }

    /// Writes so many items that are the same behind the first `length` of a list whose header is in this place.
    pub(super) fn fill_bools(&mut self, header: usize, length: u32, times: u32, value: u64) {
        let first = byte_of(header, slot::index(length));
        let items = first..first.saturating_add(slot::index(times));
        if let Some(items) = self.words.as_flattened_mut().get_mut(items) {
            items.fill(byte(value));
        }
    }
}
