//! Records and lists of a host's tables, read in place. Of the fields, the columns they were read from last
//! are kept, and the last list: what is read next is mostly of the same, and then waits for no view.

use crate::attached::{Attached, Column, Walk};
use crate::heap::Heap;
use crate::slot::Reference;

/// Of how many fields the column is kept.
const KEPT: usize = 16;

/// What was read last.
pub(super) struct Rows<'a> {
    attached: &'a Attached,
    /// By field.
    columns: [Column<'a>; KEPT],
    walk: Walk,
}

impl<'a> Rows<'a> {
    pub(super) fn new(attached: &'a Attached) -> Rows<'a> {
        Rows { attached, columns: [Column::default(); KEPT], walk: Walk::default() }
    }

    /// A field of a row, from the column that this field was read from last.
    #[inline(always)]
    pub(super) fn near_field(&self, record: u64, field: u8) -> Option<u64> {
        self.columns.get(usize::from(field))?.value(record)
    }

    /// A field of a record, wherever that is.
    #[inline(never)]
    pub(super) fn field(&mut self, heap: &Heap, record: u64, field: u8) -> u64 {
        if let Some(value) = heap.field(record, field) {
            return value;
        }
        if let Some(column) = self.columns.get_mut(usize::from(field)) {
            *column = self.attached.column(record, field);
        }
        self.attached.field(Reference::unpack(record), field)
    }

    /// The values of a field in all rows like this one, if they are whole words of a column.
    pub(super) fn words(&self, record: u64, field: u8) -> Option<&'a [u64]> {
        self.attached.column(record, field).words(record)
    }

    /// The first item of a list and how many there are, if they are rows.
    pub(super) fn walk(&self, list: u64) -> Option<(u64, u64)> {
        self.attached.walk(list).parts()
    }

    /// The row at a place of a list that is the last one.
    #[inline(always)]
    pub(super) fn row(&self, list: u64, at: u64) -> Option<u64> {
        if self.walk.is_of(list) { self.walk.item(at) } else { None }
    }

    /// An item of a list, wherever that is, if there is one.
    #[inline(never)]
    pub(super) fn item(&mut self, heap: &Heap, list: u64, at: u64) -> Option<u64> {
        if let Some(item) = heap.item(list, at).or_else(|| self.row(list, at)) {
            return Some(item);
        }
        self.walk = self.attached.walk(list);
        self.attached.item(Reference::unpack(list), u32::try_from(at).ok()?)
    }
}
