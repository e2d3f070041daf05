//! Records: the steps of a plan as the fleet's desired state tells them. Each is a revision of its own, and
//! revisions only rise – also when a rollback lets the program's version fall.
//!
//! ```text
//! record = "SWRR" version fleet plan revision reach issued step
//! step   = 0 wave | 1 (halt) | 2 (stop) | 3 (resume) | 4 from (0 | 1 to)
//!
//! directive = "SWRD" version plan record targets former
//! ```
//!
//! In a directive plan and record are envelopes behind their length, targets names behind their number, and
//! `former` is 0, or 1 and a module behind its length.

use sha2::{Digest, Sha256};

use crate::codec::{Reader, Writer};
use crate::envelope::{Envelope, MAX_PAYLOAD};
use crate::name::Name;
use crate::order::{MAX_MODULE, MAX_NAMES, Revision, Sha256Digest};
use crate::refusal::{Cause, Refusal};

/// First bytes of every record.
const MAGIC: [u8; 4] = *b"SWRR";

/// First bytes of every directive.
const DIRECTIVE_MAGIC: [u8; 4] = *b"SWRD";

/// Most bytes of an envelope in a directive.
const MAX_ENVELOPE: usize = MAX_PAYLOAD + 4096;

/// Version of both formats.
const VERSION: u8 = 1;

/// What is desired.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The plan's program runs at all targets up to the end of this wave.
    Run {
        /// From 0.
        wave: u32,
    },
    /// Nothing runs, and nothing will until a resume. One operator is enough.
    Halt,
    /// The order has reached its goal: the program's STOP WHEN holds.
    Stop,
    /// What was halted may run again. It takes as many owners as an order does.
    Resume,
    /// The former program runs again, or none.
    Rollback {
        /// Digest of what is rolled back.
        from: Sha256Digest,
        /// Digest of what runs again.
        to: Option<Sha256Digest>,
    },
}

impl Step {
    /// In a word.
    pub const fn name(self) -> &'static str {
        match self {
            Step::Run { .. } => "run",
            Step::Halt => "halt",
            Step::Stop => "stop",
            Step::Resume => "resume",
            Step::Rollback { .. } => "rollback",
        }
    }
}

/// A step of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The fleet it is for.
    pub fleet: Name,
    /// SHA-256 of the plan's payload.
    pub plan: Sha256Digest,
    /// Above that of the order, and of all records before.
    pub revision: Revision,
    /// How many targets it is for: the first so many of the plan's list.
    pub reach: u32,
    /// When it was made, in nanoseconds since the Unix epoch.
    pub issued: i64,
    /// What is desired.
    pub step: Step,
}

impl Record {
    /// The record in bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.raw(&MAGIC);
        writer.byte(VERSION);
        writer.name(&self.fleet);
        writer.raw(&self.plan);
        writer.unsigned(self.revision.epoch);
        writer.unsigned(self.revision.counter);
        writer.unsigned(u64::from(self.reach));
        writer.word(self.issued);
        match self.step {
            Step::Run { wave } => {
                writer.byte(0);
                writer.unsigned(u64::from(wave));
            }
            Step::Halt => writer.byte(1),
            Step::Stop => writer.byte(2),
            Step::Resume => writer.byte(3),
            Step::Rollback { from, to } => {
                writer.byte(4);
                writer.raw(&from);
                writer.byte(u8::from(to.is_some()));
                if let Some(to) = to {
                    writer.raw(&to);
                }
            }
        }
        writer.bytes
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`Cause::NoPlan`] where the bytes are not the one form of a record.
    pub fn decode(bytes: &[u8]) -> Result<Record, Refusal> {
        let mut reader = Reader::new(bytes, Cause::NoPlan);
        reader.expect(&MAGIC, "a record begins with `SWRR`")?;
        reader.expect(&[VERSION], "version 1 is known here")?;
        let record = Record {
            fleet: reader.name()?,
            plan: reader.array()?,
            revision: Revision { epoch: reader.unsigned(u64::MAX)?, counter: reader.unsigned(u64::MAX)? },
            reach: reader.small()?,
            issued: reader.word()?,
            step: match reader.byte()? {
                0 => Step::Run { wave: reader.small()? },
                1 => Step::Halt,
                2 => Step::Stop,
                3 => Step::Resume,
                4 => Step::Rollback {
                    from: reader.array()?,
                    to: if reader.flag()? { Some(reader.array()?) } else { None },
                },
                _ => return Err(reader.refusal("steps are of kind 0 to 4")),
            },
        };
        reader.end()?;
        Ok(record)
    }
}

/// The whole desired state, small enough to be read whole: the plan, its targets, the latest record, and the
/// module a rollback puts back. Nothing of it is believed because it is here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    plan: Envelope,
    targets: Vec<Name>,
    record: Envelope,
    former: Option<Vec<u8>>,
    digest: Sha256Digest,
}

impl Directive {
    /// Puts it together.
    pub fn new(plan: Envelope, targets: Vec<Name>, record: Envelope, former: Option<Vec<u8>>) -> Directive {
        let mut directive = Directive { plan, targets, record, former, digest: [0; 32] };
        directive.digest = Sha256::digest(directive.encode()).into();
        directive
    }

    /// The desired state in bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.raw(&DIRECTIVE_MAGIC);
        writer.byte(VERSION);
        writer.blob(&self.plan.encode());
        writer.blob(&self.record.encode());
        writer.count(self.targets.len());
        for target in &self.targets {
            writer.name(target);
        }
        writer.byte(u8::from(self.former.is_some()));
        if let Some(former) = &self.former {
            writer.blob(former);
        }
        writer.bytes
    }

    /// Reads a desired state. Nothing is known of its signatures.
    ///
    /// # Errors
    /// [`Cause::NoPlan`] and [`Cause::NoEnvelope`] where the bytes are not the one form of a desired state.
    pub fn decode(bytes: &[u8]) -> Result<Directive, Refusal> {
        let mut reader = Reader::new(bytes, Cause::NoPlan);
        reader.expect(&DIRECTIVE_MAGIC, "a desired state begins with `SWRD`")?;
        reader.expect(&[VERSION], "version 1 is known here")?;
        let plan = Envelope::decode(reader.blob(MAX_ENVELOPE)?)?;
        let record = Envelope::decode(reader.blob(MAX_ENVELOPE)?)?;
        // A name of one byte behind its length.
        let count = reader.count(usize::try_from(MAX_NAMES).unwrap_or(usize::MAX), 2)?;
        let mut targets = Vec::new();
        for _ in 0..count {
            targets.push(reader.name()?);
        }
        let former = if reader.flag()? { Some(reader.blob(MAX_MODULE)?.to_vec()) } else { None };
        reader.end()?;
        Ok(Directive { plan, targets, record, former, digest: Sha256::digest(bytes).into() })
    }

    /// The next step of the same plan.
    #[must_use]
    pub fn followed_by(&self, record: Envelope) -> Directive {
        Directive::new(self.plan.clone(), self.targets.clone(), record, self.former.clone())
    }

    /// The plan, signed by publishers.
    pub fn plan(&self) -> &Envelope {
        &self.plan
    }

    /// The plan's targets in the order the waves reach them.
    pub fn targets(&self) -> &[Name] {
        &self.targets
    }

    /// The step, signed by the injector.
    pub fn record(&self) -> &Envelope {
        &self.record
    }

    /// The module a rollback puts back.
    pub fn former(&self) -> Option<&[u8]> {
        self.former.as_deref()
    }

    /// SHA-256 over all of it: two with the same digest are the same bytes.
    pub fn digest(&self) -> Sha256Digest {
        self.digest
    }
}
