//! Objects made and copied while running. Their memory and their charge are paid for before.

use crate::attached::Attached;
use crate::decode::{Argument, Code};
use crate::heap::{Data, Heap};
use crate::slot;

/// A record or list of registers; `None` where the arena is full.
pub(crate) fn new_object(heap: &mut Heap, window: &[u64], arguments: &[Argument]) -> Option<u64> {
    let value = |argument: &Argument| window.get(usize::from(argument.register)).copied().unwrap_or(0);
    for argument in arguments.iter().filter(|argument| argument.shares) {
        heap.share(value(argument));
    }
    let object = heap.begin(slot::count(arguments.len())).ok()?;
    for argument in arguments {
        heap.push(value(argument));
    }
    Some(object)
}

/// The wrapping of an optional.
pub(crate) fn new_some(heap: &mut Heap, value: u64, shares: bool) -> Option<u64> {
    if shares {
        heap.share(value);
    }
    let object = heap.begin(1).ok()?;
    heap.push(value);
    Some(object)
}

/// A copy of a record that may be written. What its fields refer to is shared already, or lies outside the arena.
pub(crate) fn copy_record(
    code: &Code,
    attached: &Attached,
    heap: &mut Heap,
    record: u64,
    fields: u16,
) -> Option<u64> {
    let copy = heap.begin(u32::from(fields)).ok()?;
    for field in 0..fields {
        let value = Data { code, attached, heap }.field(record, u8::try_from(field).unwrap_or(u8::MAX));
        heap.push(value);
    }
    Some(copy)
}

/// A copy of a list that may be written.
pub(crate) fn copy_list(
    code: &Code,
    attached: &Attached,
    heap: &mut Heap,
    list: u64,
    length: u32,
) -> Option<u64> {
    let copy = heap.begin(length).ok()?;
    for at in 0..length {
        let value = Data { code, attached, heap }.item(list, at).unwrap_or(0);
        heap.push(value);
    }
    Some(copy)
}
