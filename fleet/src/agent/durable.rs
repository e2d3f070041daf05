//! What an agent keeps, in bytes. Desired states stand for themselves by digest: all agents of a process share them.
//!
//! ```text
//! durable   = "SWRB" version admitted mark installed last-good halted finished attempts incarnation sequence
//!             outbox head spent
//! installed = 0, or 1 directive-digest which order digest
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Durable, Installed, Which};
use crate::codec::{Reader, Writer};
use crate::envelope::Envelope;
use crate::message::{Status, TraceHead};
use crate::order::Sha256Digest;
use crate::record::Directive;
use crate::refusal::{Cause, Refusal};
use crate::state::HighWaterMark;

const MAGIC: [u8; 4] = *b"SWRB";
const VERSION: u8 = 1;

/// Most bytes of a mark.
const MAX_MARK: usize = 1 << 24;

/// Most bytes of an acknowledgement.
const MAX_ACK: usize = 1 << 16;

/// Most programs whose failed starts are remembered.
const MAX_ATTEMPTS: usize = 1 << 12;

impl Durable {
    /// What it keeps, in bytes, but for the desired states: [`Durable::directives`] has those.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.raw(&MAGIC);
        writer.byte(VERSION);
        writer.byte(u8::from(self.admitted));
        writer.blob(&self.mark.encode());
        for installed in [&self.installed, &self.last_good] {
            writer.byte(u8::from(installed.is_some()));
            if let Some(installed) = installed {
                writer.raw(&installed.directive.digest());
                writer.byte(u8::from(installed.which == Which::Former));
                writer.raw(&installed.order);
                writer.raw(&installed.digest);
            }
        }
        writer.byte(u8::from(self.halted));
        writer.byte(u8::from(self.finished.is_some()));
        if let Some(finished) = &self.finished {
            finished.write(&mut writer);
        }
        writer.count(self.attempts.len());
        for (digest, count) in &self.attempts {
            writer.raw(digest);
            writer.unsigned(u64::from(*count));
        }
        writer.unsigned(self.incarnation);
        writer.unsigned(self.sequence);
        writer.byte(u8::from(self.outbox.is_some()));
        if let Some((sequence, ack)) = &self.outbox {
            writer.unsigned(*sequence);
            writer.blob(&ack.encode());
        }
        writer.unsigned(self.head.events);
        writer.raw(&self.head.hash);
        writer.byte(u8::from(self.spent.is_some()));
        if let Some((order, money, tokens)) = &self.spent {
            writer.raw(order);
            writer.word(*money);
            writer.word(*tokens);
        }
        writer.bytes
    }

    /// The desired states it speaks of.
    pub fn directives(&self) -> impl Iterator<Item = &Arc<Directive>> {
        self.installed.iter().chain(&self.last_good).map(|installed| &installed.directive)
    }

    /// Reads what an agent kept; desired states are looked up by digest.
    ///
    /// # Errors
    /// [`Cause::NoState`] where the bytes are not the one form of it, or a desired state is not known.
    pub fn decode(
        bytes: &[u8],
        directive: &dyn Fn(&Sha256Digest) -> Option<Arc<Directive>>,
    ) -> Result<Durable, Refusal> {
        let mut reader = Reader::new(bytes, Cause::NoState);
        reader.expect(&MAGIC, "an agent's state begins with `SWRB`")?;
        reader.expect(&[VERSION], "version 1 is known here")?;
        let durable = Durable {
            admitted: reader.flag()?,
            mark: HighWaterMark::decode(reader.blob(MAX_MARK)?)?,
            installed: installed(&mut reader, directive)?,
            last_good: installed(&mut reader, directive)?,
            halted: reader.flag()?,
            finished: if reader.flag()? { Some(Status::read(&mut reader)?) } else { None },
            attempts: attempts(&mut reader)?,
            incarnation: reader.unsigned(u64::MAX)?,
            sequence: reader.unsigned(u64::MAX)?,
            outbox: match reader.flag()? {
                true => {
                    Some((reader.unsigned(u64::MAX)?, Arc::new(Envelope::decode(reader.blob(MAX_ACK)?)?)))
                }
                false => None,
            },
            head: TraceHead { events: reader.unsigned(u64::MAX)?, hash: reader.array()? },
            spent: match reader.flag()? {
                true => Some((reader.array()?, reader.word()?, reader.word()?)),
                false => None,
            },
        };
        reader.end()?;
        Ok(durable)
    }
}

fn installed(
    reader: &mut Reader<'_>,
    directive: &dyn Fn(&Sha256Digest) -> Option<Arc<Directive>>,
) -> Result<Option<Installed>, Refusal> {
    if !reader.flag()? {
        return Ok(None);
    }
    let Some(directive) = directive(&reader.array()?) else {
        return Err(reader.refusal("it names a desired state that is not kept"));
    };
    let which = if reader.flag()? { Which::Former } else { Which::Ordered };
    Ok(Some(Installed { directive, which, order: reader.array()?, digest: reader.array()? }))
}

fn attempts(reader: &mut Reader<'_>) -> Result<BTreeMap<Sha256Digest, u32>, Refusal> {
    let count = reader.count(MAX_ATTEMPTS, 33)?;
    let mut attempts = BTreeMap::new();
    for _ in 0..count {
        attempts.insert(reader.array()?, reader.small()?);
    }
    Ok(attempts)
}
