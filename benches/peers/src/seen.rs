//! What the host saw, for machines whose host functions have no state of their own.

use std::cell::Cell;

use crate::work::Seen;

thread_local! {
    static SEEN: Cell<Seen> = Cell::default();
}

/// The host sees something.
pub fn see(change: impl FnOnce(&mut Seen)) {
    SEEN.with(|seen| {
        let mut now = seen.get();
        change(&mut now);
        seen.set(now);
    });
}

/// Forgets all.
pub fn reset() {
    SEEN.set(Seen::default());
}

/// What it came to.
pub fn result() -> i64 {
    SEEN.get().result()
}
