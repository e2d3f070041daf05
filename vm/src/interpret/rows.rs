//! Records and lists of a host's tables, read in place. The view of the last record and the last list are kept, since
//! what is read next is mostly of the same: then a field is two loads, and none of them waits for the view.

use crate::attached::{Attached, Row, Walk};
use crate::heap::Heap;
use crate::slot::Reference;

/// What was read last.
pub(super) struct Rows<'a> {
    attached: &'a Attached,
    row: Row<'a>,
    walk: Walk,
}

impl<'a> Rows<'a> {
    pub(super) fn new(attached: &'a Attached) -> Rows<'a> {
        Rows { attached, row: Row::default(), walk: Walk::default() }
    }

    /// A field of a record like the last one, or of the arena.
    #[inline(always)]
    pub(super) fn near_field(&self, heap: &Heap, record: u64, field: u8) -> Option<u64> {
        self.row.field(record, field).or_else(|| heap.field(record, field))
    }

    /// A field of a record, wherever that is.
    #[inline(never)]
    pub(super) fn field(&mut self, heap: &Heap, record: u64, field: u8) -> u64 {
        if let Some(value) = heap.field(record, field) {
            return value;
        }
        self.row = self.attached.row(record);
        self.attached.field(Reference::unpack(record), field)
    }

    /// The values of a field in all rows like the last one, if it is a column.
    pub(super) fn column(&self, field: u8) -> Option<&'a [u64]> {
        self.row.column(field)
    }

    /// The row at a place of a list that is the last one, if that is of rows like the last one, and how many come
    /// behind it.
    pub(super) fn loop_at(&self, list: u64, at: u64) -> Option<(u64, usize)> {
        if !self.walk.is_of(list) {
            return None;
        }
        let row = self.walk.item(at).filter(|row| self.row.is_of(*row))?;
        Some((row, self.walk.behind(at)))
    }

    /// An item of a list that is the last one, or lies in the arena, if there is one.
    #[inline(always)]
    pub(super) fn near_item(&self, heap: &Heap, list: u64, at: u64) -> Option<u64> {
        if self.walk.is_of(list) { self.walk.item(at) } else { heap.item(list, at) }
    }

    /// An item of a list, wherever that is, if there is one.
    #[inline(never)]
    pub(super) fn item(&mut self, heap: &Heap, list: u64, at: u64) -> Option<u64> {
        if let Some(item) = heap.item(list, at) {
            return Some(item);
        }
        self.walk = self.attached.walk(list);
        self.attached.item(Reference::unpack(list), u32::try_from(at).ok()?)
    }
}
