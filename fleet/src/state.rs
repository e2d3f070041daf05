//! What an agent remembers of the orders it accepted. Keeping it on disk, before anything runs, is the
//! agent's part: an agent that loses it could be sent back in time.

use std::collections::BTreeMap;

use crate::codec::{Reader, Writer};
use crate::name::Name;
use crate::order::{Order, Revision, Sha256Digest};
use crate::refusal::{Cause, Refusal};

/// First bytes of an encoded mark.
const MAGIC: [u8; 4] = *b"SWRH";

/// Version of the format.
const VERSION: u8 = 1;

/// Most programs a mark remembers.
const MAX_PROGRAMS: usize = 1 << 16;

/// The mark below which nothing is accepted any more.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HighWaterMark {
    /// The highest revision that was accepted; 0.0 before the first.
    pub revision: Revision,
    /// SHA-256 of the payload that was accepted under it.
    pub payload: Sha256Digest,
    /// The latest signed time seen, in nanoseconds since the Unix epoch: it cannot be earlier than that.
    pub latest_signed: i64,
    /// The highest version of the trust file that was used.
    pub trust_version: u64,
    /// Version and digest of what was last accepted, by the program's name.
    pub programs: BTreeMap<Name, (u32, Sha256Digest)>,
}

impl HighWaterMark {
    /// The mark after an order was accepted. It never falls.
    #[must_use]
    pub(crate) fn after(
        &self,
        order: &Order,
        payload: Sha256Digest,
        latest_signed: i64,
        trust_version: u64,
    ) -> HighWaterMark {
        let mut next = self.clone();
        if order.revision > self.revision {
            next.revision = order.revision;
            next.payload = payload;
        }
        next.latest_signed = self.latest_signed.max(latest_signed);
        next.trust_version = self.trust_version.max(trust_version);
        // A mark stays readable: of names beyond the last it can hold, only the revision is remembered.
        if next.programs.len() < MAX_PROGRAMS || next.programs.contains_key(&order.name) {
            next.programs.insert(order.name.clone(), (order.version, order.digest));
        }
        next
    }

    /// The mark after a step of a plan was accepted, which left this program at the agent. It never falls.
    #[must_use]
    pub(crate) fn after_step(
        &self,
        (revision, payload): (Revision, Sha256Digest),
        latest_signed: i64,
        trust_version: u64,
        program: Option<(&Name, u32, Sha256Digest)>,
    ) -> HighWaterMark {
        let mut next = self.clone();
        if revision > self.revision {
            next.revision = revision;
            next.payload = payload;
        }
        next.latest_signed = self.latest_signed.max(latest_signed);
        next.trust_version = self.trust_version.max(trust_version);
        if let Some((name, version, digest)) = program
            && (next.programs.len() < MAX_PROGRAMS || next.programs.contains_key(name))
        {
            next.programs.insert(name.clone(), (version, digest));
        }
        next
    }

    /// The mark in bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.raw(&MAGIC);
        writer.byte(VERSION);
        writer.unsigned(self.revision.epoch);
        writer.unsigned(self.revision.counter);
        writer.raw(&self.payload);
        writer.word(self.latest_signed);
        writer.unsigned(self.trust_version);
        writer.count(self.programs.len());
        for (name, (version, digest)) in &self.programs {
            writer.name(name);
            writer.unsigned(u64::from(*version));
            writer.raw(digest);
        }
        writer.bytes
    }

    /// Reads a mark.
    ///
    /// # Errors
    /// [`Cause::NoState`] where the bytes are not the one form of a mark.
    pub fn decode(bytes: &[u8]) -> Result<HighWaterMark, Refusal> {
        let mut reader = Reader::new(bytes, Cause::NoState);
        reader.expect(&MAGIC, "a high-water mark begins with `SWRH`")?;
        reader.expect(&[VERSION], "version 1 is known here")?;
        let mut mark = HighWaterMark {
            revision: Revision { epoch: reader.unsigned(u64::MAX)?, counter: reader.unsigned(u64::MAX)? },
            payload: reader.array()?,
            latest_signed: reader.word()?,
            trust_version: reader.unsigned(u64::MAX)?,
            programs: BTreeMap::new(),
        };
        // A name of one byte, a version of one, a digest.
        let count = reader.count(MAX_PROGRAMS, 35)?;
        for _ in 0..count {
            let name = reader.name()?;
            let version = u32::try_from(reader.unsigned(u64::from(u32::MAX))?).unwrap_or(u32::MAX);
            let digest = reader.array()?;
            if mark.programs.last_key_value().is_some_and(|(last, _)| *last >= name) {
                return Err(reader.refusal("programs stand ascending by name, none twice"));
            }
            mark.programs.insert(name, (version, digest));
        }
        reader.end()?;
        Ok(mark)
    }
}
