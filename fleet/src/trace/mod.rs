//! Traces that can be neither forged nor cut unseen. What an agent's programs do is a log of entries
//! ([`entry`]), each hashed onto the one before ([`chain`]); the log is kept and sent in chunks the agent
//! signs ([`chunk`]), which an agent fills ([`log`]) and anyone can check ([`verify`]). Sums come from
//! nowhere else ([`tally`]).
//!
//! `docs/trace.md` has the bytes.

pub mod chunk;
pub mod entry;
pub mod log;
pub mod overflow;
mod place;
pub mod tally;
pub mod verify;

use sha2::{Digest, Sha256};

use crate::message::TraceHead;
use crate::order::Sha256Digest;

/// Payload type of a chunk of a trace.
pub const TRACE_TYPE: &str = "application/vnd.swarm.trace.v1";

/// A chunk is closed once its entries have so many bytes.
pub const CHUNK_BYTES: usize = 8 << 10;

/// Most bytes of the entries of a chunk: those of one activation are not torn apart.
pub const MAX_CHUNK_BYTES: usize = 1 << 22;

/// First bytes of each entry's hash that a chunk carries, to tell which entry was changed.
pub const MARK_BYTES: usize = 2;

/// What the first entry of an incarnation is hashed onto: the last head that is known of the one before, so
/// that no two incarnations can change places.
pub fn genesis(before: &TraceHead, incarnation: u64) -> Sha256Digest {
    let mut hash = Sha256::new();
    hash.update(b"swarm.trace");
    hash.update(before.hash);
    hash.update(before.events.to_le_bytes());
    hash.update(incarnation.to_le_bytes());
    hash.finalize().into()
}

/// The hash of an entry, onto that of the one before.
pub fn chain(before: &Sha256Digest, entry: &[u8]) -> Sha256Digest {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(entry);
    hash.finalize().into()
}

fn mark(hash: &Sha256Digest) -> [u8; MARK_BYTES] {
    *hash.first_chunk().unwrap_or(&[0; MARK_BYTES])
}
