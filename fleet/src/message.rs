//! What agents, injector and monitor say to each other.
//!
//! ```text
//! ack        = "SWRA" version agent incarnation sequence record status head clock
//! status     = 0 (active) | 1 outcome (finished) | 2 code (refused) | 3 reason (failed) | 4 (idle) | 5 (left)
//! head       = events hash
//! checkpoint = "SWRK" version agent nonce revision record order sequence
//! ```

pub mod wire;

use std::sync::Arc;

use smol_str::SmolStr;

use crate::codec::{Reader, Writer};
use crate::envelope::Envelope;
use crate::name::Name;
use crate::order::{Revision, Sha256Digest};
use crate::record::Directive;
use crate::refusal::{Cause, Refusal};
use crate::shadow::Comparison;
use crate::window::Aggregate;

/// First bytes of an acknowledgement.
const ACK_MAGIC: [u8; 4] = *b"SWRA";

/// First bytes of a checkpoint.
const CHECKPOINT_MAGIC: [u8; 4] = *b"SWRK";

/// Version of both formats.
const VERSION: u8 = 1;

/// Most bytes of a reason; what is longer is cut.
pub const MAX_REASON: usize = 200;

/// What an agent says it does with a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It runs what is desired.
    Active,
    /// What is desired ran and came to its end: `done`, `stopped`.
    Finished(SmolStr),
    /// It took nothing of it and keeps what it has: the code of the refusal.
    Refused(SmolStr),
    /// It could not run it, or the run ended badly: why.
    Failed(SmolStr),
    /// Nothing is to run here, and nothing does: halt, stop, a rollback to nothing.
    Idle,
    /// It was told to stop, and has: nothing more is heard of it until it starts again.
    Left,
}

impl Status {
    /// In a word, as accounting has it: an agent that does what is desired is active, even if that is nothing.
    pub const fn name(&self) -> &'static str {
        match self {
            Status::Active | Status::Finished(_) | Status::Idle => "active",
            Status::Refused(_) => "refused",
            Status::Failed(_) => "failed",
            Status::Left => "silent",
        }
    }

    /// Whether it stays true when the agent has left: what is desired is over here, or never began.
    pub const fn is_final(&self) -> bool {
        matches!(self, Status::Finished(_) | Status::Refused(_) | Status::Failed(_))
    }

    /// What there is to say beside the word it is counted under.
    pub fn why(&self) -> &str {
        match self {
            Status::Finished(why) | Status::Refused(why) | Status::Failed(why) => why,
            Status::Left => "left",
            Status::Active | Status::Idle => "",
        }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        let (kind, text) = match self {
            Status::Active => (0, None),
            Status::Finished(outcome) => (1, Some(outcome)),
            Status::Refused(code) => (2, Some(code)),
            Status::Failed(reason) => (3, Some(reason)),
            Status::Idle => (4, None),
            Status::Left => (5, None),
        };
        writer.byte(kind);
        if let Some(text) = text {
            writer.blob(cut(text).as_bytes());
        }
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Status, Refusal> {
        Ok(match reader.byte()? {
            0 => Status::Active,
            1 => Status::Finished(text(reader)?),
            2 => Status::Refused(text(reader)?),
            3 => Status::Failed(text(reader)?),
            4 => Status::Idle,
            5 => Status::Left,
            _ => return Err(reader.refusal("a status is of kind 0 to 5")),
        })
    }
}

/// Where an agent's trace stands: how many events its chain has in this incarnation, and the hash over them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, PartialOrd, Ord)]
pub struct TraceHead {
    /// Events.
    pub events: u64,
    /// Hash of the chain.
    pub hash: Sha256Digest,
}

/// An acknowledgement. The agent signs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ack {
    /// Whose.
    pub agent: Name,
    /// How often it has started; a new disk begins at one.
    pub incarnation: u64,
    /// Rises with each acknowledgement, over incarnations too. The highest counts, not the last to arrive.
    pub sequence: u64,
    /// SHA-256 of the record's payload.
    pub record: Sha256Digest,
    /// What it does with it.
    pub status: Status,
    /// Where its trace stands.
    pub head: TraceHead,
    /// Its clock, in nanoseconds since the Unix epoch.
    pub clock: i64,
}

impl Ack {
    /// The acknowledgement in bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.raw(&ACK_MAGIC);
        writer.byte(VERSION);
        writer.name(&self.agent);
        writer.unsigned(self.incarnation);
        writer.unsigned(self.sequence);
        writer.raw(&self.record);
        self.status.write(&mut writer);
        writer.unsigned(self.head.events);
        writer.raw(&self.head.hash);
        writer.word(self.clock);
        writer.bytes
    }

    /// Reads an acknowledgement.
    ///
    /// # Errors
    /// [`Cause::NoPlan`] where the bytes are not the one form of an acknowledgement.
    pub fn decode(bytes: &[u8]) -> Result<Ack, Refusal> {
        let mut reader = Reader::new(bytes, Cause::NoPlan);
        reader.expect(&ACK_MAGIC, "an acknowledgement begins with `SWRA`")?;
        reader.expect(&[VERSION], "version 1 is known here")?;
        let ack = Ack {
            agent: reader.name()?,
            incarnation: reader.unsigned(u64::MAX)?,
            sequence: reader.unsigned(u64::MAX)?,
            record: reader.array()?,
            status: Status::read(&mut reader)?,
            head: TraceHead { events: reader.unsigned(u64::MAX)?, hash: reader.array()? },
            clock: reader.word()?,
        };
        reader.end()?;
        Ok(ack)
    }
}

fn text(reader: &mut Reader<'_>) -> Result<SmolStr, Refusal> {
    let bytes = reader.blob(MAX_REASON)?;
    let text = std::str::from_utf8(bytes).map_err(|_| reader.refusal("a text is UTF-8"))?;
    Ok(text.into())
}

/// A text no longer than a reason may be.
pub fn cut(text: &str) -> &str {
    let end = (0..=MAX_REASON.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    end.and_then(|end| text.get(..end)).unwrap_or_default()
}

/// Admits an agent that lost its high-water mark: nothing below this revision is accepted. The injector signs
/// it over the agent's own nonce, so an old one is worth nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    /// For whom.
    pub agent: Name,
    /// What the agent sent.
    pub nonce: u64,
    /// The revision that is desired now.
    pub revision: Revision,
    /// SHA-256 of that record's payload.
    pub record: Sha256Digest,
    /// The order under way: what it does once may have been done already.
    pub order: [u8; 16],
    /// The agent's acknowledgements count on from here: above all it can have sent before.
    pub sequence: u64,
}

impl Checkpoint {
    /// The checkpoint in bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.raw(&CHECKPOINT_MAGIC);
        writer.byte(VERSION);
        writer.name(&self.agent);
        writer.unsigned(self.nonce);
        writer.unsigned(self.revision.epoch);
        writer.unsigned(self.revision.counter);
        writer.raw(&self.record);
        writer.raw(&self.order);
        writer.unsigned(self.sequence);
        writer.bytes
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    /// [`Cause::NoPlan`] where the bytes are not the one form of a checkpoint.
    pub fn decode(bytes: &[u8]) -> Result<Checkpoint, Refusal> {
        let mut reader = Reader::new(bytes, Cause::NoPlan);
        reader.expect(&CHECKPOINT_MAGIC, "a checkpoint begins with `SWRK`")?;
        reader.expect(&[VERSION], "version 1 is known here")?;
        let checkpoint = Checkpoint {
            agent: reader.name()?,
            nonce: reader.unsigned(u64::MAX)?,
            revision: Revision { epoch: reader.unsigned(u64::MAX)?, counter: reader.unsigned(u64::MAX)? },
            record: reader.array()?,
            order: reader.array()?,
            sequence: reader.unsigned(u64::MAX)?,
        };
        reader.end()?;
        Ok(checkpoint)
    }
}

/// What an agent is told.
#[derive(Debug, Clone)]
pub enum ToAgent {
    /// Something may have changed: read the desired state. It may be lost, doubled and late without harm.
    Hint,
    /// The desired state, as it was read; `None`: nothing is desired.
    Desired(Option<Arc<Directive>>),
    /// The injector has all acknowledgements up to this sequence.
    Covered {
        /// The sequence.
        sequence: u64,
    },
    /// The answer to [`FromAgent::Admit`].
    Checkpoint(Arc<Envelope>),
}

/// What an agent says. The bus says who said it; only what is signed proves it.
#[derive(Debug, Clone)]
pub enum FromAgent {
    /// It reads the desired state.
    Read,
    /// An acknowledgement, signed.
    Ack(Arc<Envelope>),
    /// A window of its trace.
    Window(Arc<Aggregate>),
    /// What a program in shadow did, beside what is installed.
    Compared(Arc<Comparison>),
    /// It lost its high-water mark and asks to be admitted.
    Admit {
        /// Its nonce.
        nonce: u64,
    },
}
