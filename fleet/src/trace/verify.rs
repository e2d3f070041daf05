//! Finds where a trace was changed: which chunk, which entry, which byte. A chunk carries a mark of each
//! entry's hash under its agent's signature, so a changed entry shows where it stands; a chunk that was made
//! anew as a whole, marks and all, has no signature, and is named as a whole.

use std::collections::{BTreeMap, BTreeSet};

use super::chunk::{Chunk, Previous, frames};
use super::entry::EntryReader;
use super::place::{Frame, place};
use super::{TRACE_TYPE, chain, genesis, mark};
use crate::envelope::Envelope;
use crate::key::PublicKey;
use crate::message::TraceHead;
use crate::name::Name;
use crate::order::Sha256Digest;
use crate::refusal::{Cause, Refusal};

/// Most empty incarnations between two others.
const MOST_EMPTY: u64 = 4096;

/// Something that is not as the agent left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub cause: Cause,
    /// Of which of the agent's starts, as far as that can be told.
    pub incarnation: u64,
    /// The chunk's number in it.
    pub chunk: u64,
    /// The first entry that is not right, by its number in the incarnation, from 0.
    pub entry: u64,
    /// Where that is in the file.
    pub byte: usize,
    /// What is wrong, a sentence without a full stop.
    pub message: String,
}

/// What is asked of a trace.
#[derive(Debug, Default)]
pub struct Question<'a> {
    /// Whose it must be; nothing: whoever the first chunk names.
    pub agent: Option<&'a Name>,
    /// The agent's key; nothing: signatures are not checked.
    pub key: Option<&'a PublicKey>,
    /// Heads the agent told, with their incarnation: so far the trace must go.
    pub told: &'a [(u64, TraceHead)],
    /// Whether the trace may end without its closing chunk: it is still being written.
    pub open: bool,
}

/// What a trace is worth.
#[derive(Debug, Default)]
pub struct Findings {
    /// Chunks that could be read, in the order of the file.
    pub chunks: Vec<Chunk>,
    /// What is wrong, in the order of the file.
    pub faults: Vec<Fault>,
    /// Entries in them.
    pub entries: u64,
    /// Starts of the agent.
    pub incarnations: u64,
    /// Starts after which something is lost: the agent had not meant to stop.
    pub torn: u64,
    /// Starts with a new disk: nothing is known of what was before.
    pub new_disks: u64,
    /// Entries its agent told of that are not here yet, where it is still being written.
    pub awaited: u64,
}

/// Checks the trace of one agent, as it stands in a file.
pub fn verify(bytes: &[u8], question: &Question<'_>) -> Findings {
    let mut walk = Walk::new(question);
    let read: Vec<_> = frames(bytes).map(|(start, envelope)| (start, envelope.and_then(opened))).collect();
    walk.present = read
        .iter()
        .filter_map(|(_, read)| read.as_ref().ok())
        .map(|(_, chunk)| (chunk.incarnation, chunk.number))
        .collect();
    let mut held = Vec::new();
    for (start, read) in read {
        let chunk = match read {
            Ok((envelope, chunk)) => {
                walk.chunk(start, &envelope, chunk.clone());
                Some((envelope, chunk))
            }
            Err(refusal) => {
                let cause =
                    if refusal.cause == Cause::TraceCut { Cause::TraceCut } else { Cause::TraceAltered };
                walk.fault(cause, start, walk.expected().1, refusal.message);
                walk.lost_thread = true;
                None
            }
        };
        held.push(Frame { start, chunk });
    }
    walk.end(bytes.len());
    if let Some(key) = question.key {
        for fault in walk.findings.faults.iter_mut().filter(|fault| fault.byte < bytes.len()) {
            if let Some(place) = place(&held, fault.byte, key, question.told) {
                (fault.incarnation, fault.chunk) = place;
            }
        }
    }
    walk.findings
}

fn opened(envelope: Envelope) -> Result<(Envelope, Chunk), Refusal> {
    envelope.check_type(TRACE_TYPE)?;
    let chunk = Chunk::decode(&envelope.payload)?;
    Ok((envelope, chunk))
}

/// How far the chain was followed.
#[derive(Debug, Clone, Copy)]
struct Reached {
    incarnation: u64,
    /// The number the next chunk has.
    next: u64,
    head: TraceHead,
    closed: bool,
}

struct Walk<'q> {
    question: &'q Question<'q>,
    findings: Findings,
    reached: Option<Reached>,
    /// A chunk could not be read, so what follows cannot be held against it.
    lost_thread: bool,
    present: BTreeSet<(u64, u64)>,
    /// Hashes at the heads that were told.
    hashes: BTreeMap<(u64, u64), Sha256Digest>,
}

impl<'q> Walk<'q> {
    fn new(question: &'q Question<'q>) -> Walk<'q> {
        Walk {
            question,
            findings: Findings::default(),
            reached: None,
            lost_thread: false,
            present: BTreeSet::new(),
            hashes: BTreeMap::new(),
        }
    }

    /// The chunk and the entry that come next.
    fn expected(&self) -> (u64, u64) {
        self.reached.map_or((0, 0), |reached| (reached.next, reached.head.events))
    }

    fn fault(&mut self, cause: Cause, byte: usize, entry: u64, message: impl Into<String>) {
        let (chunk, _) = self.expected();
        let incarnation = self.reached.map_or(1, |reached| reached.incarnation);
        let message = message.into();
        self.findings.faults.push(Fault { cause, incarnation, chunk, entry, byte, message });
    }

    fn fault_in(
        &mut self,
        chunk: &Chunk,
        cause: Cause,
        (byte, entry): (usize, u64),
        message: impl Into<String>,
    ) {
        let (incarnation, number) = (chunk.incarnation, chunk.number);
        let message = message.into();
        self.findings.faults.push(Fault { cause, incarnation, chunk: number, entry, byte, message });
    }

    fn chunk(&mut self, start: usize, envelope: &Envelope, chunk: Chunk) {
        let agent = self.question.agent.or(self.findings.chunks.first().map(|first| &first.agent));
        if let Some(agent) = agent.filter(|agent| **agent != chunk.agent).cloned() {
            let message = format!("this is a chunk of {}, the trace is that of {agent}", chunk.agent);
            self.fault_in(&chunk, Cause::TraceForged, (start, chunk.first), message);
            return;
        }
        if !self.follows(start, envelope, &chunk) {
            return;
        }
        let sound = self.entries(start, envelope, &chunk);
        if sound && self.question.key.is_some_and(|key| !envelope.verified_by(key)) {
            let last = chunk.head().events;
            let message = format!(
                "the signature is not that of {}: entries {} to {last} are not its own",
                chunk.agent, chunk.first
            );
            self.fault_in(&chunk, Cause::TraceForged, (start, chunk.first), message);
        }
        let next = chunk.number.saturating_add(1);
        let (incarnation, closed) = (chunk.incarnation, chunk.closing);
        self.reached = Some(Reached { incarnation, next, head: chunk.head(), closed });
        self.lost_thread = false;
        self.findings.entries = self.findings.entries.saturating_add(chunk.count);
        self.findings.chunks.push(chunk);
    }

    /// Whether a chunk stands where it belongs.
    fn follows(&mut self, start: usize, envelope: &Envelope, chunk: &Chunk) -> bool {
        let Some(reached) = self.reached else {
            if chunk.number > 0 || chunk.previous.is_some_and(|previous| previous.head.events > 0) {
                self.gap(start, chunk, Cause::TraceMissing);
            }
            self.begins(start, chunk);
            return true;
        };
        let same = chunk.incarnation == reached.incarnation;
        // A first chunk that names none before it is of a new disk, where incarnations count anew: only the
        // agent can have signed another one.
        let anew = same
            && chunk.previous.is_none()
            && !self.findings.chunks.contains(chunk)
            && self.question.key.is_some_and(|key| envelope.verified_by(key));
        if chunk.number == 0
            && (anew || !(same && self.held(chunk)))
            && (!same || reached.closed || chunk.previous.is_none())
        {
            self.restarts(start, &reached, chunk);
            return true;
        }
        if self.held(chunk) {
            // The same chunk twice, since its agent died before it knew that it had written it.
            if self.findings.chunks.contains(chunk) {
                return false;
            }
            self.fault_in(
                chunk,
                Cause::TraceForged,
                (start, chunk.first),
                "there is another chunk of this number",
            );
            return false;
        }
        if same && chunk.number == reached.next {
            if chunk.before != reached.head.hash && !self.lost_thread {
                let message = "it does not continue the chunk before: one of the two is another's";
                self.fault_in(chunk, Cause::TraceForged, (start, chunk.first), message);
            }
            return true;
        }
        let comes_later = self.present.contains(&(reached.incarnation, reached.next));
        let backwards = (chunk.incarnation, chunk.number) < (reached.incarnation, reached.next);
        if comes_later || backwards {
            let message =
                format!("chunk {} of incarnation {} comes first", reached.next, reached.incarnation);
            self.fault_in(chunk, Cause::TraceOrder, (start, chunk.first), message);
        } else if !self.lost_thread {
            self.gap(start, chunk, Cause::TraceMissing);
        }
        true
    }

    fn held(&self, chunk: &Chunk) -> bool {
        let mut held = self.findings.chunks.iter().rev().take_while(|own| {
            // Incarnations count anew with a new disk.
            own.incarnation == chunk.incarnation
        });
        held.any(|own| own.number == chunk.number)
    }

    fn gap(&mut self, start: usize, chunk: &Chunk, cause: Cause) {
        let (number, entry) = match self.reached {
            Some(reached) if reached.incarnation == chunk.incarnation => (reached.next, reached.head.events),
            _ => (0, 0),
        };
        let message = match chunk.number {
            0 => "what was before the first chunk here is missing".to_owned(),
            _ => format!(
                "chunks {number} to {} are missing: entries {entry} to {}",
                chunk.number.saturating_sub(1),
                chunk.first.saturating_sub(1)
            ),
        };
        let incarnation = chunk.incarnation;
        self.findings.faults.push(Fault { cause, incarnation, chunk: number, entry, byte: start, message });
    }

    /// A first chunk hangs on what it says of the incarnation before.
    fn begins(&mut self, start: usize, chunk: &Chunk) {
        self.findings.incarnations = self.findings.incarnations.saturating_add(1);
        let previous = chunk.previous.map(|previous| previous.head).unwrap_or_default();
        if chunk.number == 0 && chunk.before != genesis(&previous, chunk.incarnation) {
            let message = "its beginning does not follow from what it says of the incarnation before";
            self.fault_in(chunk, Cause::TraceForged, (start, chunk.first), message);
        }
    }

    /// A new incarnation names where the one before stood.
    fn restarts(&mut self, start: usize, reached: &Reached, chunk: &Chunk) {
        self.begins(start, chunk);
        let Some(previous) = chunk.previous else {
            self.findings.new_disks = self.findings.new_disks.saturating_add(1);
            return;
        };
        if !reached.closed {
            self.findings.torn = self.findings.torn.saturating_add(1);
        }
        if self.lost_thread {
            return;
        }
        let head = through_empty(reached, &previous);
        if head.events > reached.head.events && previous.incarnation == reached.incarnation {
            let message = format!(
                "incarnation {} ends at entry {}, and had {} when the next began",
                reached.incarnation, reached.head.events, head.events
            );
            self.fault(Cause::TraceCut, start, reached.head.events, message);
        } else if head != reached.head {
            let message = format!("incarnation {} did not end as the next one says", reached.incarnation);
            self.fault(Cause::TraceAltered, start, reached.head.events, message);
        }
    }

    /// Whether each entry is the one whose mark is signed.
    fn entries(&mut self, start: usize, envelope: &Envelope, chunk: &Chunk) -> bool {
        let told: BTreeSet<u64> = self
            .question
            .told
            .iter()
            .filter(|(own, _)| *own == chunk.incarnation)
            .map(|(_, head)| head.events)
            .collect();
        let body = start.saturating_add(payload_offset(envelope)).saturating_add(chunk.body_offset());
        let mut reader = EntryReader::new(&chunk.body);
        let mut hash = chunk.before;
        let mut at = 0_usize;
        loop {
            let from = reader.offset();
            let number = chunk.first.saturating_add(u64::try_from(at).unwrap_or(u64::MAX));
            let place = (body.saturating_add(from), number);
            let entry = match reader.next_entry() {
                Ok(None) => break,
                Ok(Some(_)) => chunk.body.get(from..reader.offset()).unwrap_or_default(),
                Err(_) => {
                    self.fault_in(chunk, Cause::TraceAltered, place, "the entry cannot be read");
                    return false;
                }
            };
            let next = chain(&hash, entry);
            if chunk.mark(at) != Some(&mark(&next)[..]) {
                let (cause, message) = why(chunk, &hash, at, from);
                self.fault_in(chunk, cause, place, message);
                return false;
            }
            hash = next;
            at = at.saturating_add(1);
            if told.contains(&number.saturating_add(1)) {
                self.hashes.insert((chunk.incarnation, number.saturating_add(1)), hash);
            }
        }
        let count = u64::try_from(at).unwrap_or(u64::MAX);
        let place = (body.saturating_add(chunk.body.len()), chunk.first.saturating_add(count));
        if count < chunk.count {
            let message =
                format!("{} entries are missing at the chunk's end", chunk.count.saturating_sub(count));
            self.fault_in(chunk, Cause::TraceMissing, place, message);
            return false;
        }
        if hash != chunk.hash {
            self.fault_in(
                chunk,
                Cause::TraceAltered,
                place,
                "the hash at the chunk's end is not that of its entries",
            );
            return false;
        }
        true
    }

    /// Everything that was told must be there.
    fn end(&mut self, length: usize) {
        let Some(reached) = self.reached else {
            let told = self.question.told.iter().map(|(_, head)| head.events).max().unwrap_or(0);
            if self.question.open {
                self.findings.awaited = told;
            } else if self.findings.faults.is_empty() && told > 0 {
                self.fault(Cause::TraceCut, length, 0, "nothing is left of a trace that had entries");
            }
            return;
        };
        let furthest = self.question.told.iter().filter(|(own, _)| *own == reached.incarnation);
        let furthest = furthest.map(|(_, head)| head.events).max().unwrap_or(0);
        if self.question.open {
            self.findings.awaited = furthest.saturating_sub(reached.head.events);
        } else if furthest > reached.head.events {
            let message =
                format!("it ends at entry {}, and its agent told of {furthest}", reached.head.events);
            self.fault(Cause::TraceCut, length, reached.head.events, message);
        } else if !reached.closed && !self.lost_thread {
            let message = format!("it ends at entry {} without a closing chunk", reached.head.events);
            self.fault(Cause::TraceCut, length, reached.head.events, message);
        }
        let wrong = self.question.told.iter().find(|(incarnation, head)| {
            let hash = self.hashes.get(&(*incarnation, head.events));
            hash.is_some_and(|hash| *hash != head.hash)
        });
        // Where a disk was lost, incarnations count anew, and two have one number.
        if let Some((_, head)) =
            wrong.filter(|_| self.findings.faults.is_empty() && self.findings.new_disks == 0)
        {
            let message = format!("at entry {} its agent told another head", head.events);
            self.fault(Cause::TraceForged, length, head.events, message);
        }
    }
}

/// The head an incarnation ends with, if those between it and the one that names it had no entries.
fn through_empty(reached: &Reached, previous: &Previous) -> TraceHead {
    let empty = previous.incarnation.saturating_sub(reached.incarnation);
    if empty == 0 || empty > MOST_EMPTY || previous.head.events > 0 {
        return previous.head;
    }
    let mut head = reached.head;
    for between in 1..=empty {
        let incarnation = reached.incarnation.saturating_add(between);
        head = TraceHead { events: 0, hash: genesis(&head, incarnation) };
    }
    if head == previous.head { reached.head } else { previous.head }
}

/// Why an entry does not have the mark that is signed.
fn why(chunk: &Chunk, before: &Sha256Digest, at: usize, from: usize) -> (Cause, String) {
    let mut reader = EntryReader::new(&chunk.body);
    let mut count = 0_usize;
    let mut elsewhere = None;
    loop {
        let start = reader.offset();
        let Ok(Some(_)) = reader.next_entry() else { break };
        let entry = chunk.body.get(start..reader.offset()).unwrap_or_default();
        let fits = || chunk.mark(at) == Some(&mark(&chain(before, entry))[..]);
        if start > from && elsewhere.is_none() && fits() {
            elsewhere = Some(count);
        }
        count = count.saturating_add(1);
    }
    let whole = reader.offset() == chunk.body.len();
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    match elsewhere {
        Some(_) => (Cause::TraceOrder, "another entry comes first here: it stands further on".to_owned()),
        None if whole && count < chunk.count => {
            (Cause::TraceMissing, format!("{} entries are missing", chunk.count.saturating_sub(count)))
        }
        None => (Cause::TraceAltered, "the entry is not the one that was signed".to_owned()),
    }
}

/// Where a frame's payload begins.
fn payload_offset(envelope: &Envelope) -> usize {
    let behind = 1_usize.saturating_add(envelope.signatures().len().saturating_mul(96));
    let length = envelope.encode().len().saturating_sub(behind).saturating_sub(envelope.payload.len());
    length.saturating_add(4)
}
