//! Values: one stream that keeps the last message of each subject, as a key-value bucket does.

use std::borrow::Cow;

use async_nats::HeaderMap;
use async_nats::jetstream::context::PublishErrorKind;
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::{DirectGetError, DirectGetErrorKind, Stream};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::message::{self, GREATEST, MOST_PARTS, PART, PARTS, REMOVED};
use super::names;
use super::session::{Session, away, refused};
use crate::{BusError, Change, Version};

/// How many parts of a message are under way at once: each may be a megabyte.
const PARTS_AT_ONCE: usize = 8;
/// How often is tried again what others changed meanwhile.
const TRIES: usize = 4;

/// What publishing came to.
pub(super) enum Put {
    /// It stands under these sequence numbers: its own, and that of its first part or its own.
    Done(u64, u64),
    /// The last message of the subject was another than expected.
    Changed,
    /// There is no stream for it.
    Gone,
}

/// Publishes a message, what is too great for one in parts before it.
pub(super) async fn publish(
    session: &Session,
    subject: &str,
    mut headers: HeaderMap,
    bytes: &[u8],
    part_subject: impl Fn(usize) -> String,
) -> Result<Put, BusError> {
    message::check_size(bytes.len())?;
    let room = session.room();
    if bytes.len() <= room {
        return put(session, subject.to_owned(), headers, bytes).await;
    }
    let count = bytes.len().div_ceil(room);
    if count > MOST_PARTS {
        return Err(BusError::Refused(format!("{} bytes in messages of {room} are too many", bytes.len())));
    }
    let parts = stream::iter(bytes.chunks(room).enumerate()).map(|(at, part)| {
        let mut headers = HeaderMap::new();
        headers.insert(PART, "1");
        put(session, part_subject(at), headers, part)
    });
    let parts: Vec<Put> = parts.buffered(PARTS_AT_ONCE).try_collect().await?;
    let mut sequences = Vec::with_capacity(parts.len());
    for part in parts {
        let Put::Done(sequence, _) = part else { return Ok(Put::Gone) };
        sequences.push(sequence);
    }
    let first = sequences.iter().min().copied().unwrap_or_default();
    let list: Vec<String> = sequences.iter().map(u64::to_string).collect();
    headers.insert(PARTS, list.join(","));
    Ok(match put(session, subject.to_owned(), headers, &[]).await? {
        Put::Done(sequence, _) => Put::Done(sequence, first),
        other => other,
    })
}

async fn put(session: &Session, subject: String, headers: HeaderMap, bytes: &[u8]) -> Result<Put, BusError> {
    let mut message = PublishMessage::build().payload(bytes.to_vec().into());
    if !headers.is_empty() {
        message = message.headers(headers);
    }
    let done = match session.context.send_publish(subject, message).await {
        Ok(acknowledged) => acknowledged.await,
        Err(error) => Err(error),
    };
    match done {
        Ok(done) => Ok(Put::Done(done.sequence, done.sequence)),
        Err(error) => match error.kind() {
            PublishErrorKind::WrongLastSequence => Ok(Put::Changed),
            PublishErrorKind::StreamNotFound => Ok(Put::Gone),
            PublishErrorKind::MaxPayloadExceeded => Err(refused(&error)),
            // Memory or disk are full, or it was not answered: all of it may pass.
            _ => Err(away(&error)),
        },
    }
}

/// A message's payload, put together if it is in parts; none if one of them is gone, or they are no parts of
/// ours.
pub(super) async fn whole<'a>(
    stream: &Stream,
    headers: Option<&HeaderMap>,
    payload: &'a [u8],
) -> Result<Option<Cow<'a, [u8]>>, BusError> {
    let Some(sequences) = message::parts(headers) else { return Ok(Some(Cow::Borrowed(payload))) };
    let mut parts =
        stream::iter(sequences).map(|sequence| stream.direct_get(sequence)).buffered(PARTS_AT_ONCE);
    let mut bytes = Vec::new();
    while let Some(part) = parts.next().await {
        let Some(part) = found(part)? else { return Ok(None) };
        bytes.extend_from_slice(&part.payload);
        if !message::has(Some(&part.headers), PART) || bytes.len() > GREATEST {
            return Ok(None);
        }
    }
    Ok(Some(Cow::Owned(bytes)))
}

/// A message that was asked for, or none.
fn found<M>(asked: Result<M, DirectGetError>) -> Result<Option<M>, BusError> {
    match asked {
        Ok(message) => Ok(Some(message)),
        Err(error) => match error.kind() {
            DirectGetErrorKind::NotFound => Ok(None),
            DirectGetErrorKind::InvalidSubject => Err(refused(&error)),
            _ => Err(away(&error)),
        },
    }
}

/// How a key stands.
pub(super) struct Standing {
    pub(super) bytes: Option<Vec<u8>>,
    pub(super) version: Version,
    /// Its value is in parts.
    pub(super) parted: bool,
    /// The message that says it was removed.
    removed: Option<u64>,
}

pub(super) async fn get(session: &Session, key: &str) -> Result<Standing, BusError> {
    let subject = names::subject(names::VALUES, key)?;
    for _ in 0..TRIES {
        let last = found(session.values.direct_get_last_for_subject(subject.as_str()).await)?;
        let Some(last) = last else {
            return Ok(Standing { bytes: None, version: None, parted: false, removed: None });
        };
        if message::has(Some(&last.headers), REMOVED) {
            let removed = Some(last.sequence);
            return Ok(Standing { bytes: None, version: None, parted: false, removed });
        }
        // If a part is gone, somebody changed the value meanwhile.
        if let Some(bytes) = whole(&session.values, Some(&last.headers), &last.payload).await? {
            let parted = message::has(Some(&last.headers), PARTS);
            let bytes = Some(bytes.into_owned());
            let version = Some(session.version(last.sequence));
            return Ok(Standing { bytes, version, parted, removed: None });
        }
    }
    Err(BusError::Refused(format!("the value of {key} is not whole")))
}

/// What a change came to.
pub(super) struct Done {
    /// The value's version afterwards; none if it was not the expected one.
    pub(super) version: Option<Version>,
    /// The value is in parts.
    pub(super) parted: bool,
}

pub(super) async fn compare_and_set(session: &Session, change: Change<'_>) -> Result<Done, BusError> {
    let subject = names::subject(names::VALUES, change.key)?;
    let parts = names::subject(names::PARTS, change.key)?;
    let inbox = session.client.new_inbox();
    let id = inbox.rsplit('.').next().unwrap_or_default();
    let bytes = change.value.unwrap_or_default();
    let parted = bytes.len() > session.room();
    let unchanged = Done { version: None, parted: session.parted.contains(change.key) };
    let Some(mut last) = change.expected.map_or(Some(0), |version| session.sequence(version)) else {
        return Ok(unchanged);
    };
    for _ in 0..TRIES {
        let mut headers = HeaderMap::new();
        headers.insert(async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, last.to_string());
        if change.value.is_none() {
            headers.insert(REMOVED, "DEL");
        }
        let part = |at: usize| format!("{parts}.{id}.{at}");
        match publish(session, &subject, headers, bytes, part).await? {
            Put::Done(sequence, first) => {
                tidy(session, change, &parts, sequence, first).await;
                let version = change.value.map(|_| session.version(sequence));
                return Ok(Done { version: Some(version), parted });
            }
            Put::Gone => return Err(BusError::Away("the stream of the values is gone".to_owned())),
            Put::Changed if parted => {
                session.values.purge().filter(format!("{parts}.{id}.*")).await.ok();
            }
            Put::Changed => {}
        }
        // "No value" is a subject without messages, or with one that says that the value was removed.
        let standing = if change.expected.is_none() { Some(get(session, change.key).await?) } else { None };
        match standing {
            Some(Standing { version: None, removed, .. }) => last = removed.unwrap_or_default(),
            _ => break,
        }
    }
    Ok(unchanged)
}

/// After a change: takes away the parts of the values before it, and what says that the value was removed.
/// Whoever put parts before ours expected a version before ours, and will be refused. If this fails, the next
/// change does it.
async fn tidy(session: &Session, change: Change<'_>, parts: &str, sequence: u64, first: u64) {
    // Asked to purge what is before the first message, some servers purge everything.
    if first > 1 && (first != sequence || session.parted.contains(change.key)) {
        session.values.purge().filter(format!("{parts}.*.*")).sequence(first).await.ok();
    }
    if change.value.is_none() {
        session.values.delete_message(sequence).await.ok();
    }
}

pub(super) async fn keys(session: &Session, prefix: &str, most: usize) -> Result<Vec<String>, BusError> {
    let filter = names::beginning(names::VALUES, prefix)?;
    let mut subjects = session.values.info_with_subjects(filter).await.map_err(|error| away(&error))?;
    let mut keys = Vec::new();
    while let Some(subject) = subjects.next().await {
        let (subject, _) = subject.map_err(|error| away(&error))?;
        keys.extend(names::name(names::VALUES, &subject).filter(|key| key.starts_with(prefix)));
    }
    keys.sort();
    keys.truncate(most);
    Ok(keys)
}
