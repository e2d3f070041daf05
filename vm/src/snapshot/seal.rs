//! The envelope of a snapshot: a header anyone can read and nobody can change, and the rest encrypted.
//!
//! ```text
//! 4  "SWSN"
//! 1  version of the format        1  cost model        1  version of the module format, and so of its ops
//! 32 SHA-256 of the module        32 the run: SHA-256 of its identity, or zeros
//! 8  generation                   8  time of the snapshot, nanoseconds since 1970
//! 24 nonce                        …  the image, encrypted (XChaCha20)        16 tag (Poly1305, over the header too)
//! ```

use chacha20poly1305::aead::AeadInOut;
use chacha20poly1305::{KeyInit, Tag, XChaCha20Poly1305, XNonce};
use swarm_bytecode::codec::FORMAT_VERSION;
use swarm_bytecode::cost::COST_MODEL;
use zeroize::Zeroizing;

use super::SnapshotErrorKind as Kind;

/// Version of the format of snapshots.
pub const SNAPSHOT_VERSION: u8 = 1;

const MAGIC: [u8; 4] = *b"SWSN";
const TAG_BYTES: usize = 16;
/// Bytes of the header, the nonce included.
const HEADER_BYTES: usize = 4 + 3 + 32 + 32 + 8 + 8 + NONCE_BYTES;
const NONCE_BYTES: usize = 24;

/// The key that encrypts snapshots and shows that nobody changed them. Whoever has it can resume runs, read
/// what is in them, and make up others: it belongs to the agents of one fleet, or to one of them.
#[derive(Clone)]
pub struct SnapshotKey(Zeroizing<[u8; 32]>);

impl SnapshotKey {
    /// A key of 32 random bytes.
    pub fn new(bytes: [u8; 32]) -> SnapshotKey {
        SnapshotKey(Zeroizing::new(bytes))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }
}

impl std::fmt::Debug for SnapshotKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SnapshotKey(…)")
    }
}

/// How a snapshot is sealed. The machine has no randomness and no calendar: both are given.
#[derive(Debug, Clone, Copy)]
pub struct Seal<'a> {
    /// The key.
    pub key: &'a SnapshotKey,
    /// 24 random bytes, others for each snapshot under one key: whoever sees two snapshots with the same
    /// nonce can read in them.
    pub nonce: [u8; NONCE_BYTES],
    /// Nanoseconds since 1970, by the calendar of those who will resume it.
    pub at_ns: u64,
}

/// What is asked of a snapshot that is to be resumed.
#[derive(Debug, Clone, Copy)]
pub struct Unseal<'a> {
    /// The key.
    pub key: &'a SnapshotKey,
    /// What was given to [`crate::Instance::identity`], if anything was: the fleet, the order, the agent.
    pub identity: Option<&'a [u8]>,
    /// The greatest generation of this run that was resumed so far, 0 if none was: only a later one is. Keep
    /// that of the resumed instance on disk before it runs, or the same snapshot can be resumed twice.
    pub above: u64,
    /// Nanoseconds since 1970, by the calendar of the one who made it: budgets of time and timers went on
    /// meanwhile.
    pub at_ns: u64,
}

/// What a snapshot says of itself to everyone. It is believed only once the snapshot is resumed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotHeader {
    /// Version of the format: [`SNAPSHOT_VERSION`].
    pub version: u8,
    /// Version of the cost model.
    pub cost_model: u8,
    /// Version of the module format, and so of its ops.
    pub module_format: u8,
    /// SHA-256 of the module: [`crate::Program::digest`].
    pub program: [u8; 32],
    /// SHA-256 of the run's identity, or zeros if it has none.
    pub run: [u8; 32],
    /// How many snapshots the run has seen, this one included.
    pub generation: u64,
    /// When it was made: nanoseconds since 1970.
    pub at_ns: u64,
}

impl SnapshotHeader {
    /// Reads the header of a snapshot.
    ///
    /// # Errors
    /// The bytes are no snapshot, or one of another version.
    pub fn read(bytes: &[u8]) -> Result<SnapshotHeader, super::SnapshotError> {
        SnapshotHeader::parse(bytes).map_err(super::SnapshotError::of).map(|(header, _)| header)
    }

    pub(super) fn new(program: [u8; 32], run: [u8; 32], generation: u64, at_ns: u64) -> SnapshotHeader {
        SnapshotHeader {
            version: SNAPSHOT_VERSION,
            cost_model: COST_MODEL,
            module_format: FORMAT_VERSION,
            program,
            run,
            generation,
            at_ns,
        }
    }

    fn write(&self, nonce: &[u8; NONCE_BYTES], bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&[self.version, self.cost_model, self.module_format]);
        bytes.extend_from_slice(&self.program);
        bytes.extend_from_slice(&self.run);
        bytes.extend_from_slice(&self.generation.to_le_bytes());
        bytes.extend_from_slice(&self.at_ns.to_le_bytes());
        bytes.extend_from_slice(nonce);
    }

    /// The header and the nonce.
    fn parse(bytes: &[u8]) -> Result<(SnapshotHeader, [u8; NONCE_BYTES]), Kind> {
        let (magic, rest) = take::<4>(bytes)?;
        if magic != MAGIC {
            return Err(Kind::NoSnapshot);
        }
        let ([version, cost_model, module_format], rest) = take(rest)?;
        if (version, cost_model, module_format) != (SNAPSHOT_VERSION, COST_MODEL, FORMAT_VERSION) {
            return Err(Kind::Version);
        }
        let (program, rest) = take(rest)?;
        let (run, rest) = take(rest)?;
        let (generation, rest) = take(rest)?;
        let (at_ns, rest) = take(rest)?;
        let (nonce, _) = take(rest)?;
        let (generation, at_ns) = (u64::from_le_bytes(generation), u64::from_le_bytes(at_ns));
        let header = SnapshotHeader { version, cost_model, module_format, program, run, generation, at_ns };
        Ok((header, nonce))
    }
}

fn take<const N: usize>(bytes: &[u8]) -> Result<([u8; N], &[u8]), Kind> {
    bytes.split_first_chunk().map(|(first, rest)| (*first, rest)).ok_or(Kind::NoSnapshot)
}

/// A sealed snapshot of what `body` writes.
pub(super) fn seal(
    header: &SnapshotHeader,
    seal: &Seal<'_>,
    body: impl FnOnce(&mut Vec<u8>) -> Option<()>,
) -> Result<Vec<u8>, Kind> {
    let mut bytes = Vec::with_capacity(1024);
    header.write(&seal.nonce, &mut bytes);
    body(&mut bytes).ok_or(Kind::TooLarge)?;
    let (head, text) = bytes.split_at_mut_checked(HEADER_BYTES).ok_or(Kind::TooLarge)?;
    let nonce = XNonce::from(seal.nonce);
    let tag =
        seal.key.cipher().encrypt_inout_detached(&nonce, head, text.into()).map_err(|_| Kind::TooLarge)?;
    bytes.extend_from_slice(&tag);
    Ok(bytes)
}

/// The header, and what was sealed. Nothing of it is looked at before the tag has shown that it is what was
/// sealed.
pub(super) fn open(bytes: &[u8], key: &SnapshotKey) -> Result<(SnapshotHeader, Zeroizing<Vec<u8>>), Kind> {
    let (header, nonce) = SnapshotHeader::parse(bytes)?;
    let (head, sealed) = bytes.split_at_checked(HEADER_BYTES).ok_or(Kind::NoSnapshot)?;
    let (text, tag) = sealed.split_last_chunk::<TAG_BYTES>().ok_or(Kind::Forged)?;
    let mut text = Zeroizing::new(text.to_vec());
    let (nonce, tag) = (XNonce::from(nonce), Tag::from(*tag));
    let opened = key.cipher().decrypt_inout_detached(&nonce, head, text.as_mut_slice().into(), &tag);
    opened.map_err(|_| Kind::Forged)?;
    Ok((header, text))
}
