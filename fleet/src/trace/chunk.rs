//! Chunks: a part of an agent's trace, as it is signed, kept and sent.
//!
//! ```text
//! chunk    = "SWRC" version agent incarnation number first before clock closing order program previous
//!            count entries marks hash
//! previous = 0, or 1 incarnation events hash        what is known of the incarnation before; chunk 0 only
//! entries  = length bytes                           count of them, back to back
//! marks    = two bytes of each entry's hash
//!
//! file     = (four bytes of length, little-endian, an envelope of a chunk)*
//! tail     = a chunk without entries behind its length, then entries, each behind its length
//! ```

use crate::codec::{Reader, Writer};
use crate::envelope::Envelope;
use crate::key::SecretKey;
use crate::message::TraceHead;
use crate::name::Name;
use crate::order::Sha256Digest;
use crate::refusal::{Cause, Refusal};

use super::{MARK_BYTES, MAX_CHUNK_BYTES, TRACE_TYPE, chain, mark};

/// First bytes of a chunk.
const MAGIC: [u8; 4] = *b"SWRC";

/// Version of the form.
const VERSION: u8 = 1;

/// Most bytes of an envelope with a chunk in it.
pub const MAX_ENVELOPE: usize = 2 * MAX_CHUNK_BYTES;

/// What an agent knew, when it started, of its incarnation before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Previous {
    /// Which one.
    pub incarnation: u64,
    /// Where its trace stood by the last word on disk. What came after is lost.
    pub head: TraceHead,
}

/// A part of an agent's trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Whose.
    pub agent: Name,
    /// Of which of its starts.
    pub incarnation: u64,
    /// Its number in this incarnation, from 0.
    pub number: u64,
    /// How many entries the incarnation had before.
    pub first: u64,
    /// The hash of the entry before its first.
    pub before: Sha256Digest,
    /// The agent's clock when it began, in nanoseconds since the Unix epoch.
    pub clock: i64,
    /// Whether the agent meant to stop here: nothing follows in this incarnation.
    pub closing: bool,
    /// The order and the program its first entries are of.
    pub order: [u8; 16],
    /// See `order`.
    pub program: Sha256Digest,
    /// What is known of the incarnation before; chunk 0 of any but the first.
    pub previous: Option<Previous>,
    /// How many entries it has.
    pub count: u64,
    /// The entries, back to back.
    pub body: Vec<u8>,
    /// [`MARK_BYTES`] of the hash of each entry.
    pub marks: Vec<u8>,
    /// The hash of its last entry.
    pub hash: Sha256Digest,
}

impl Chunk {
    /// Where the trace stands behind it.
    pub fn head(&self) -> TraceHead {
        TraceHead { events: self.first.saturating_add(self.count), hash: self.hash }
    }

    /// Adds an entry.
    pub(super) fn push(&mut self, entry: &[u8]) {
        self.hash = chain(&self.hash, entry);
        self.body.extend_from_slice(entry);
        self.marks.extend_from_slice(&mark(&self.hash));
        self.count = self.count.saturating_add(1);
    }

    /// The mark of an entry, by its place in the chunk.
    pub fn mark(&self, at: usize) -> Option<&[u8]> {
        let start = at.checked_mul(MARK_BYTES)?;
        self.marks.get(start..start.checked_add(MARK_BYTES)?)
    }

    /// The chunk in bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.raw(&MAGIC);
        writer.byte(VERSION);
        writer.name(&self.agent);
        writer.unsigned(self.incarnation);
        writer.unsigned(self.number);
        writer.unsigned(self.first);
        writer.raw(&self.before);
        writer.word(self.clock);
        writer.byte(u8::from(self.closing));
        writer.raw(&self.order);
        writer.raw(&self.program);
        writer.byte(u8::from(self.previous.is_some()));
        if let Some(previous) = &self.previous {
            writer.unsigned(previous.incarnation);
            writer.unsigned(previous.head.events);
            writer.raw(&previous.head.hash);
        }
        writer.unsigned(self.count);
        writer.blob(&self.body);
        writer.raw(&self.marks);
        writer.raw(&self.hash);
        writer.bytes
    }

    /// Reads a chunk. What its entries say is not looked at, nor whether their hashes are right: see
    /// [`verify`](super::verify).
    ///
    /// # Errors
    /// [`Cause::NoTrace`] where the bytes are not the one form of a chunk.
    pub fn decode(bytes: &[u8]) -> Result<Chunk, Refusal> {
        let mut reader = Reader::new(bytes, Cause::NoTrace);
        reader.expect(&MAGIC, "a chunk of a trace begins with `SWRC`")?;
        reader.expect(&[VERSION], "version 1 is known here")?;
        let mut chunk = Chunk {
            agent: reader.name()?,
            incarnation: reader.unsigned(u64::MAX)?,
            number: reader.unsigned(u64::MAX)?,
            first: reader.unsigned(u64::MAX)?,
            before: reader.array()?,
            clock: reader.word()?,
            closing: reader.flag()?,
            order: reader.array()?,
            program: reader.array()?,
            previous: match reader.flag()? {
                true => Some(Previous {
                    incarnation: reader.unsigned(u64::MAX)?,
                    head: TraceHead { events: reader.unsigned(u64::MAX)?, hash: reader.array()? },
                }),
                false => None,
            },
            count: 0,
            body: Vec::new(),
            marks: Vec::new(),
            hash: [0; 32],
        };
        chunk.count = reader.unsigned(MAX_CHUNK_BYTES as u64)?;
        chunk.body = reader.blob(MAX_CHUNK_BYTES)?.to_vec();
        let marks = usize::try_from(chunk.count).unwrap_or(usize::MAX).saturating_mul(MARK_BYTES);
        chunk.marks = reader.take(marks)?.to_vec();
        chunk.hash = reader.array()?;
        reader.end()?;
        Ok(chunk)
    }

    /// The chunk, signed by its agent.
    pub fn seal(&self, key: &SecretKey) -> Envelope {
        let mut envelope = Envelope::new(TRACE_TYPE, self.encode());
        // An envelope no one has signed yet takes a signature.
        let _signed = envelope.sign(key);
        envelope
    }

    /// The byte its entries begin at, in its own bytes.
    pub fn body_offset(&self) -> usize {
        let behind = [self.body.len(), self.marks.len(), self.hash.len()];
        self.encode().len().saturating_sub(behind.iter().sum())
    }
}

/// A chunk as it stands in a file.
pub fn frame(envelope: &Envelope) -> Vec<u8> {
    let bytes = envelope.encode();
    let mut framed = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes().to_vec();
    framed.extend_from_slice(&bytes);
    framed
}

/// What stands in a file, frame by frame: the byte each begins at, and its envelope. What is no frame ends it.
pub fn frames(bytes: &[u8]) -> impl Iterator<Item = (usize, Result<Envelope, Refusal>)> {
    let mut at = 0_usize;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty())?;
        let start = at;
        let (envelope, next) = match whole(rest) {
            Some(framed) => {
                let end = start.saturating_add(framed.len()).saturating_add(4);
                match Envelope::decode(framed) {
                    Ok(envelope) => (Ok(envelope), end),
                    Err(refusal) => (Err(refusal), resumes(bytes, start)),
                }
            }
            None => {
                let refusal = Refusal::new(Cause::TraceCut, "the file ends in the middle of a chunk");
                (Err(refusal), resumes(bytes, start))
            }
        };
        at = next;
        Some((start, envelope))
    })
}

fn whole(rest: &[u8]) -> Option<&[u8]> {
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length =
        usize::try_from(u32::from_le_bytes(*length)).ok().filter(|length| *length <= MAX_ENVELOPE)?;
    rest.get(..length)
}

/// Where the next chunk begins behind one that cannot be read.
fn resumes(bytes: &[u8], start: usize) -> usize {
    let from = start.saturating_add(5);
    let found = bytes
        .get(from..)
        .and_then(|rest| rest.windows(4).position(|window| *window == crate::envelope::MAGIC));
    // An envelope begins behind the four bytes of its length.
    found.map_or(bytes.len(), |found| from.saturating_add(found).saturating_sub(4))
}
