//! Messages in bytes, many at a time: what one process says travels together.
//!
//! ```text
//! reports  = "SWRM" version count (agent report)*      report  = 0 envelope | 1 nonce | 2 window | 3 comparison
//! replies  = "SWRN" version count (agent reply)*       reply   = 0 sequence | 1 envelope
//! ```

use std::sync::Arc;

use super::{FromAgent, ToAgent};
use crate::codec::{Reader, Writer};
use crate::envelope::Envelope;
use crate::name::Name;
use crate::refusal::{Cause, Refusal};
use crate::shadow::Comparison;
use crate::window::Aggregate;

const REPORTS_MAGIC: [u8; 4] = *b"SWRM";
const REPLIES_MAGIC: [u8; 4] = *b"SWRN";
const VERSION: u8 = 1;

/// Most messages that travel together.
pub const MAX_MESSAGES: usize = 1 << 12;

/// Most bytes of a signed message.
const MAX_SIGNED: usize = 1 << 16;

/// Most bytes of a window.
const MAX_WINDOW: usize = 1 << 20;

/// What agents say, in bytes. Readings of the desired state are the reader's own affair and are left out.
pub fn encode_reports<'m>(messages: impl IntoIterator<Item = (&'m Name, &'m FromAgent)>) -> Vec<u8> {
    let messages: Vec<_> =
        messages.into_iter().filter(|(_, message)| !matches!(message, FromAgent::Read)).collect();
    let mut writer = head(&REPORTS_MAGIC, messages.len());
    for (agent, message) in messages {
        writer.name(agent);
        match message {
            FromAgent::Ack(envelope) => {
                writer.byte(0);
                writer.blob(&envelope.encode());
            }
            FromAgent::Admit { nonce } => {
                writer.byte(1);
                writer.unsigned(*nonce);
            }
            FromAgent::Window(aggregate) => {
                writer.byte(2);
                writer.blob(&aggregate.encode());
            }
            FromAgent::Compared(comparison) => {
                writer.byte(3);
                writer.blob(&comparison.encode());
            }
            FromAgent::Read => {}
        }
    }
    writer.bytes
}

/// Reads what agents say. Nothing is known of signatures.
///
/// # Errors
/// [`Cause::NoPlan`], [`Cause::NoEnvelope`] where the bytes are not the one form of such messages.
pub fn decode_reports(bytes: &[u8]) -> Result<Vec<(Name, FromAgent)>, Refusal> {
    let (mut reader, count) = begin(bytes, &REPORTS_MAGIC)?;
    let mut messages = Vec::new();
    for _ in 0..count {
        let agent = reader.name()?;
        let message = match reader.byte()? {
            0 => FromAgent::Ack(Arc::new(Envelope::decode(reader.blob(MAX_SIGNED)?)?)),
            1 => FromAgent::Admit { nonce: reader.unsigned(u64::MAX)? },
            2 => FromAgent::Window(Arc::new(Aggregate::decode(reader.blob(MAX_WINDOW)?)?)),
            3 => FromAgent::Compared(Arc::new(Comparison::decode(reader.blob(MAX_WINDOW)?)?)),
            _ => return Err(reader.refusal("a report is of kind 0 to 3")),
        };
        messages.push((agent, message));
    }
    reader.end()?;
    Ok(messages)
}

/// What agents are told, in bytes. Hints and the desired state have ways of their own and are left out.
pub fn encode_replies<'m>(messages: impl IntoIterator<Item = (&'m Name, &'m ToAgent)>) -> Vec<u8> {
    let travels = |message: &ToAgent| matches!(message, ToAgent::Covered { .. } | ToAgent::Checkpoint(_));
    let messages: Vec<_> = messages.into_iter().filter(|(_, message)| travels(message)).collect();
    let mut writer = head(&REPLIES_MAGIC, messages.len());
    for (agent, message) in messages {
        writer.name(agent);
        match message {
            ToAgent::Covered { sequence } => {
                writer.byte(0);
                writer.unsigned(*sequence);
            }
            ToAgent::Checkpoint(envelope) => {
                writer.byte(1);
                writer.blob(&envelope.encode());
            }
            ToAgent::Hint | ToAgent::Desired(_) => {}
        }
    }
    writer.bytes
}

/// Reads what agents are told. Nothing is known of signatures.
///
/// # Errors
/// [`Cause::NoPlan`], [`Cause::NoEnvelope`] where the bytes are not the one form of such messages.
pub fn decode_replies(bytes: &[u8]) -> Result<Vec<(Name, ToAgent)>, Refusal> {
    let (mut reader, count) = begin(bytes, &REPLIES_MAGIC)?;
    let mut messages = Vec::new();
    for _ in 0..count {
        let agent = reader.name()?;
        let message = match reader.byte()? {
            0 => ToAgent::Covered { sequence: reader.unsigned(u64::MAX)? },
            1 => ToAgent::Checkpoint(Arc::new(Envelope::decode(reader.blob(MAX_SIGNED)?)?)),
            _ => return Err(reader.refusal("a reply is of kind 0 or 1")),
        };
        messages.push((agent, message));
    }
    reader.end()?;
    Ok(messages)
}

fn head(magic: &[u8], count: usize) -> Writer {
    let mut writer = Writer::default();
    writer.raw(magic);
    writer.byte(VERSION);
    writer.count(count);
    writer
}

fn begin<'a>(bytes: &'a [u8], magic: &[u8]) -> Result<(Reader<'a>, usize), Refusal> {
    let mut reader = Reader::new(bytes, Cause::NoPlan);
    reader.expect(magic, "messages of another kind")?;
    reader.expect(&[VERSION], "version 1 is known here")?;
    // A name of one byte behind its length, a kind and a number.
    let count = reader.count(MAX_MESSAGES, 4)?;
    Ok((reader, count))
}
