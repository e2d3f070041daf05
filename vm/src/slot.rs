//! How values are packed into 64-bit slots.
//!
//! A string slot is `offset` (32 bits), `length` (20 bits) and `source` (12 bits), from the low end. A list,
//! map, record, enum or optional slot is `index` (32 bits) and `source` (32 bits). Source 0 is the run's own
//! arena. The slot 0 is a valid value of every type: 0, FALSE, "", an empty list or map, NONE, a record of
//! zeros, the first case of an enum.
//!
//! A case without payload needs no object: its slot is [`case`], one for each case, so that comparing them as
//! signed words compares their order.

/// Source of strings and objects the run itself made.
pub(crate) const ARENA: u32 = 0;
/// Source of cases without payload: the index is the case.
pub(crate) const CASE: u32 = 0x7fff_ffff;
/// Source of the module's string constants.
pub(crate) const MODULE_TEXT: u32 = 1;
/// The first text source that belongs to an input.
pub(crate) const FIRST_INPUT_TEXT: u32 = 2;
/// How many text sources fit the 12 bits.
pub(crate) const MAX_TEXT_SOURCES: u32 = 1 << 12;
/// Longest string in bytes.
pub(crate) const MAX_TEXT_BYTES: u32 = (1 << 20) - 1;

/// A string slot taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TextSlot {
    pub(crate) source: u32,
    pub(crate) offset: u32,
    pub(crate) length: u32,
}

impl TextSlot {
    /// Packs the parts; the caller keeps `length` and `source` within their widths.
    pub(crate) fn pack(self) -> u64 {
        u64::from(self.offset)
            | (u64::from(self.length & MAX_TEXT_BYTES) << 32)
            | (u64::from(self.source & (MAX_TEXT_SOURCES - 1)) << 52)
    }

    pub(crate) fn unpack(slot: u64) -> TextSlot {
        TextSlot {
            source: (slot >> 52) as u32,
            offset: low(slot),
            length: ((slot >> 32) & 0x000f_ffff) as u32,
        }
    }

    /// The bytes it is, of all the text of its source.
    #[inline]
    pub(crate) fn range(self) -> std::ops::Range<usize> {
        let start = index(self.offset);
        start..start.saturating_add(index(self.length))
    }
}

/// Length in bytes of the string in a slot; needs no look at the bytes.
pub(crate) fn text_length(slot: u64) -> u32 {
    ((slot >> 32) & 0x000f_ffff) as u32
}

/// A slot that refers to an object, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) source: u32,
    pub(crate) index: u32,
}

impl Reference {
    pub(crate) fn pack(self) -> u64 {
        u64::from(self.index) | (u64::from(self.source) << 32)
    }

    pub(crate) fn unpack(slot: u64) -> Reference {
        Reference { source: (slot >> 32) as u32, index: low(slot) }
    }
}

/// The slot of a case without payload.
pub(crate) fn case(case: u8) -> u64 {
    if case == 0 { 0 } else { Reference { source: CASE, index: u32::from(case) }.pack() }
}

/// The low 32 bits.
pub(crate) fn low(slot: u64) -> u32 {
    (slot & 0xffff_ffff) as u32
}

/// A float as its slot; −0 becomes 0 so that equal values are equal bits.
pub(crate) fn from_float(value: f64) -> u64 {
    // A sum is −0 only if both its parts are.
    (value + 0.0).to_bits()
}

/// A float whose own bits are its slot: any but −0. To look takes more instructions than [`from_float`], but what waits for
/// the float need not wait for the look.
#[inline(always)]
pub(crate) fn own_bits(value: f64) -> Option<u64> {
    const NEGATIVE_ZERO: u64 = (-0.0_f64).to_bits();
    let bits = value.to_bits();
    (bits != NEGATIVE_ZERO).then_some(bits)
}

/// The sum or difference of two floats of slots as its slot: neither of them is −0, so it is not either.
pub(crate) fn from_sum(value: f64) -> u64 {
    value.to_bits()
}

/// A 32-bit index as `usize`.
pub(crate) fn index(value: u32) -> usize {
    value as usize
}

/// A length as `u32`, cut at the greatest.
pub(crate) fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_slots_go_there_and_back() {
        for slot in [
            TextSlot { source: 0, offset: 0, length: 0 },
            TextSlot { source: 4095, offset: u32::MAX, length: MAX_TEXT_BYTES },
            TextSlot { source: 2, offset: 7, length: 9 },
        ] {
            assert_eq!(TextSlot::unpack(slot.pack()), slot);
            assert_eq!(text_length(slot.pack()), slot.length);
        }
    }

    #[test]
    fn references_go_there_and_back() {
        let reference = Reference { source: u32::MAX, index: 5 };
        assert_eq!(Reference::unpack(reference.pack()), reference);
        assert_eq!(Reference::unpack(0), Reference { source: ARENA, index: 0 });
    }

    #[test]
    fn cases_are_in_order() {
        assert!(
            (0..=u8::MAX).is_sorted_by(|left, right| case(*left).cast_signed() < case(*right).cast_signed())
        );
        assert_eq!(Reference::unpack(case(9)), Reference { source: CASE, index: 9 });
    }

    #[test]
    fn negative_zero_is_zero() {
        assert_eq!(from_float(-0.0), from_float(0.0));
    }
}
