//! A hash against keys that were chosen to collide: SipHash-1-3, keyed at random once in a process. It places things in
//! tables that no program can see, so nothing a program does depends on it.

#[expect(clippy::disallowed_types, reason = "what follows from it cannot be seen")]
use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;

use siphasher::sip::SipHasher13;

static KEYS: LazyLock<(u64, u64)> = LazyLock::new(|| {
    #[expect(clippy::disallowed_types, reason = "what follows from it cannot be seen")]
    let random = RandomState::new();
    (random.hash_one(0), random.hash_one(1))
});

/// A hasher with the keys of this process.
#[inline]
pub(crate) fn hasher() -> SipHasher13 {
    let (first, second) = *KEYS;
    SipHasher13::new_with_keys(first, second)
}
