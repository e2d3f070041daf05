//! Logs: one stream, a subject for each.

use std::collections::VecDeque;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy, pull};
use async_nats::jetstream::stream::DirectGetErrorKind;
use futures_util::StreamExt;

use super::message::{self, ENTRIES};
use super::names;
use super::session::{Reader, Session, away, refused};
use super::values::{Put, publish, whole};
use crate::{BusError, Entry, Position};

/// So many messages are asked for one by one: most reads find nothing, or little. Then a consumer fetches the
/// rest.
const ONE_BY_ONE: usize = 3;
/// How many messages a consumer fetches at once, and after how many bytes reading ends although there may be
/// more.
const FETCH: usize = 1_000;
const ENOUGH_BYTES: usize = 16 << 20;
/// A consumer nobody asks is forgotten by the server.
const FORGOTTEN: Duration = Duration::from_secs(60);
/// How many logs are read by turns without starting each time anew.
const READERS: usize = 64;
/// A log is cut to its length when it grew by this part of it, or by so many entries.
const GROWTH: u64 = 4;
const LEAST_GROWTH: u64 = 64;

pub(super) async fn append(
    session: &mut Session,
    log: &str,
    entries: &[&[u8]],
    keep: u64,
) -> Result<(), BusError> {
    let subject = names::subject(names::LOGS, log)?;
    let mut headers = HeaderMap::new();
    let packed;
    let bytes = match entries {
        [] => return Ok(()),
        [entry] => entry,
        _ => {
            headers.insert(ENTRIES, entries.len().to_string());
            packed = message::pack(entries)?;
            packed.as_slice()
        }
    };
    let put = publish(session, &subject, headers, bytes, |_| subject.clone()).await?;
    if matches!(put, Put::Gone) {
        return Err(BusError::Away("the stream of the logs is gone".to_owned()));
    }
    let added = u64::try_from(entries.len()).unwrap_or(u64::MAX);
    let appended = session.appended.entry(log.to_owned()).or_insert(u64::MAX);
    *appended = appended.saturating_add(added);
    if *appended > (keep / GROWTH).max(LEAST_GROWTH) {
        *appended = 0;
        // What was appended is there, whether or not this succeeds; the next one tries again.
        session.logs.purge().filter(subject).keep(keep.max(1)).await.ok();
    }
    Ok(())
}

pub(super) async fn read(
    session: &mut Session,
    log: &str,
    behind: Option<Position>,
    most: usize,
) -> Result<Vec<Entry>, BusError> {
    let subject = names::subject(names::LOGS, log)?;
    let kept = session.readers.remove(log).filter(|reader| reader.behind == behind);
    let mut reader = kept.unwrap_or_else(|| Reader {
        consumer: None,
        behind,
        // A message may have entries behind the one that was read last.
        next: behind.map_or(1, |position| session.message(position)),
        ready: VecDeque::new(),
    });
    if reader.ready.len() < most {
        fill(session, &subject, &mut reader, most).await?;
    }
    let count = most.min(reader.ready.len());
    let entries: Vec<Entry> = reader.ready.drain(..count).collect();
    reader.behind = entries.last().map(|entry| entry.position).or(behind);
    if session.readers.len() >= READERS {
        session.readers.pop_first();
    }
    session.readers.insert(log.to_owned(), reader);
    Ok(entries)
}

/// Has a reader get what there is behind its last entry, until it has enough.
async fn fill(session: &Session, subject: &str, reader: &mut Reader, most: usize) -> Result<(), BusError> {
    let mut bytes = 0_usize;
    loop {
        for _ in 0..ONE_BY_ONE {
            let Some((sequence, headers, payload)) = next(session, subject, reader.next).await? else {
                return Ok(());
            };
            bytes = bytes.saturating_add(payload.len());
            take(session, reader, sequence, Some(&headers), &payload).await?;
            if reader.ready.len() >= most || bytes >= ENOUGH_BYTES {
                return Ok(());
            }
        }
        bytes = bytes.saturating_add(fetch(session, subject, reader, most).await?);
        if reader.ready.len() >= most || bytes >= ENOUGH_BYTES {
            return Ok(());
        }
    }
}

/// The next message of a subject from a sequence number on.
async fn next(
    session: &Session,
    subject: &str,
    from: u64,
) -> Result<Option<(u64, HeaderMap, Vec<u8>)>, BusError> {
    match session.logs.direct_get_next_for_subject(subject, Some(from)).await {
        Ok(message) => Ok(Some((message.sequence, message.headers, message.payload.to_vec()))),
        Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == DirectGetErrorKind::InvalidSubject => Err(refused(&error)),
        Err(error) => Err(away(&error)),
    }
}

/// Fetches many messages through a consumer; says how many bytes they had. A consumer that the server forgot
/// is made anew the next time: nothing is lost by finding nothing now, as the caller looks again.
async fn fetch(
    session: &Session,
    subject: &str,
    reader: &mut Reader,
    most: usize,
) -> Result<usize, BusError> {
    let consumer = match reader.consumer.take() {
        Some(consumer) => consumer,
        None => consumer(session, subject, reader.next).await?,
    };
    let wanted = most.saturating_sub(reader.ready.len()).min(FETCH);
    let Ok(mut batch) = consumer.fetch().max_messages(wanted).max_bytes(ENOUGH_BYTES).messages().await else {
        return Ok(0);
    };
    let mut bytes = 0_usize;
    while let Some(message) = batch.next().await {
        let Ok(message) = message else { return Ok(bytes) };
        let Ok((sequence, pending)) = message.info().map(|info| (info.stream_sequence, info.pending)) else {
            return Ok(bytes);
        };
        bytes = bytes.saturating_add(message.payload.len());
        // Some were already got one by one.
        if sequence >= reader.next {
            take(session, reader, sequence, message.headers.as_ref(), &message.payload).await?;
        }
        if pending == 0 {
            break;
        }
    }
    reader.consumer = Some(consumer);
    Ok(bytes)
}

async fn consumer(session: &Session, subject: &str, from: u64) -> Result<Consumer<pull::Config>, BusError> {
    let config = pull::Config {
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: from },
        ack_policy: AckPolicy::None,
        filter_subject: subject.to_owned(),
        inactive_threshold: FORGOTTEN,
        memory_storage: true,
        num_replicas: 1,
        ..pull::Config::default()
    };
    session.logs.create_consumer(config).await.map_err(|error| away(&error))
}

/// Adds a message's entries to what a reader has ready.
async fn take(
    session: &Session,
    reader: &mut Reader,
    sequence: u64,
    headers: Option<&HeaderMap>,
    payload: &[u8],
) -> Result<(), BusError> {
    reader.next = sequence.saturating_add(1);
    if message::has(headers, message::PART) {
        return Ok(());
    }
    // A part that is gone was cut off as too old, and so is what it belonged to.
    let Some(payload) = whole(&session.logs, headers, payload).await? else { return Ok(()) };
    let entries =
        if message::has(headers, ENTRIES) { message::unpack(&payload) } else { vec![payload.into_owned()] };
    for (at, bytes) in (0_u64..).zip(entries) {
        let position = session.position(sequence, at);
        if reader.behind.is_none_or(|behind| behind.0 != position.0 || behind < position) {
            reader.ready.push_back(Entry { position, bytes });
        }
    }
    Ok(())
}
