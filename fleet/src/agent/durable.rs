//! What an agent keeps, in bytes. Desired states stand for themselves by digest: all agents of a process
//! share them.
//!
//! ```text
//! durable   = "SWRB" version admitted mark installed last-good halted finished attempts incarnation sequence
//!             outbox head spent shadow
//! shadow    = 0, or 1 installed status                   nothing in version 1
//! installed = 0, or 1 directive-digest which order digest
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Durable, Installed, Shadowed, Which};
use crate::codec::{Reader, Writer};
use crate::envelope::Envelope;
use crate::message::{Status, TraceHead};
use crate::order::Sha256Digest;
use crate::record::Directive;
use crate::refusal::{Cause, Refusal};
use crate::state::HighWaterMark;

const MAGIC: [u8; 4] = *b"SWRB";
const VERSION: u8 = 2;

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
            write_installed(&mut writer, installed.as_ref());
        }
        writer.byte(u8::from(self.halted));
        write_status(&mut writer, self.finished.as_ref());
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
        let shadow = self.shadow.as_ref();
        write_installed(&mut writer, shadow.map(|shadow| &shadow.installed));
        if let Some(shadow) = shadow {
            write_status(&mut writer, shadow.over.as_ref());
        }
        writer.bytes
    }

    /// The desired states it speaks of.
    pub fn directives(&self) -> impl Iterator<Item = &Arc<Directive>> {
        let shadow = self.shadow.as_ref().map(|shadow| &shadow.installed);
        self.installed.iter().chain(&self.last_good).chain(shadow).map(|installed| &installed.directive)
    }

    /// The orders it speaks of.
    pub fn orders(&self) -> Vec<[u8; 16]> {
        let shadow = self.shadow.as_ref().map(|shadow| &shadow.installed);
        let installed = self.installed.iter().chain(&self.last_good).chain(shadow);
        installed.map(|installed| installed.order).collect()
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
        let version = reader.byte()?;
        if !(1..=VERSION).contains(&version) {
            return Err(reader.refusal("versions 1 and 2 are known here"));
        }
        let mut durable = Durable {
            admitted: reader.flag()?,
            mark: HighWaterMark::decode(reader.blob(MAX_MARK)?)?,
            installed: installed(&mut reader, directive)?,
            last_good: installed(&mut reader, directive)?,
            halted: reader.flag()?,
            finished: status(&mut reader)?,
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
            shadow: None,
        };
        if version > 1
            && let Some(installed) = installed(&mut reader, directive)?
        {
            durable.shadow = Some(Shadowed { installed, over: status(&mut reader)? });
        }
        reader.end()?;
        Ok(durable)
    }
}

fn write_installed(writer: &mut Writer, installed: Option<&Installed>) {
    writer.byte(u8::from(installed.is_some()));
    if let Some(installed) = installed {
        writer.raw(&installed.directive.digest());
        writer.byte(u8::from(installed.which == Which::Former));
        writer.raw(&installed.order);
        writer.raw(&installed.digest);
    }
}

fn write_status(writer: &mut Writer, status: Option<&Status>) {
    writer.byte(u8::from(status.is_some()));
    if let Some(status) = status {
        status.write(writer);
    }
}

fn status(reader: &mut Reader<'_>) -> Result<Option<Status>, Refusal> {
    Ok(if reader.flag()? { Some(Status::read(reader)?) } else { None })
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
