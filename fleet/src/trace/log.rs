//! The log an agent fills: an open chunk, its head, and how much of it is on disk.

use super::chunk::{Chunk, Previous};
use super::entry::{Entries, What};
use super::{CHUNK_BYTES, genesis};
use crate::codec::{Reader, Writer};
use crate::message::TraceHead;
use crate::name::Name;
use crate::order::Sha256Digest;
use crate::refusal::Cause;
use crate::window::Activation;

const MILLISECOND: i64 = 1_000_000;

/// Nanoseconds after which a chunk is signed and sent though it is not full.
const OLD_NS: i64 = 30 * 60 * 1000 * MILLISECOND;

/// An agent's log of this incarnation.
#[derive(Debug)]
pub struct Log {
    open: Chunk,
    /// Milliseconds since the open chunk began, as its entries say.
    told_ms: u64,
    /// The program its entries are of.
    program: ([u8; 16], Sha256Digest),
    /// What is to be added to the tail on disk.
    unsaved: Writer,
}

impl Log {
    /// The log of a new incarnation.
    pub fn new(agent: Name, incarnation: u64, previous: Option<Previous>) -> Log {
        let before = genesis(&previous.map(|previous| previous.head).unwrap_or_default(), incarnation);
        let open = Chunk {
            agent,
            incarnation,
            number: 0,
            first: 0,
            before,
            clock: 0,
            closing: false,
            order: [0; 16],
            program: [0; 32],
            previous,
            count: 0,
            body: Vec::new(),
            marks: Vec::new(),
            hash: before,
        };
        Log { open, told_ms: 0, program: ([0; 16], [0; 32]), unsaved: Writer::default() }
    }

    /// Where it stands.
    pub fn head(&self) -> TraceHead {
        self.open.head()
    }

    /// Adds what an activation did, by the agent's clock. Gives a chunk that is full, or that an order ends with.
    pub fn record(
        &mut self,
        clock: i64,
        program: ([u8; 16], Sha256Digest),
        activation: &Activation,
    ) -> Option<Chunk> {
        let mut lead = Entries::default();
        if self.program != program {
            self.program = program;
            lead.own(&What::Program(program.0, program.1));
        }
        if self.open.count == 0 {
            (self.open.clock, self.told_ms) = (clock, 0);
        }
        let since = clock.saturating_sub(self.open.clock).checked_div(MILLISECOND).unwrap_or(0);
        let since = u64::try_from(since).unwrap_or(0);
        if since > self.told_ms {
            lead.own(&What::Clock(since.saturating_sub(self.told_ms)));
            self.told_ms = since;
        }
        self.put(&lead, clock);
        self.put(&activation.entries, clock);
        let mut end = Entries::default();
        if activation.in_doubt > 0 {
            end.own(&What::InDoubt(activation.in_doubt));
        }
        if let Some((outcome, reason)) = &activation.ended {
            end.own(&What::Ended(outcome.clone(), reason.clone()));
        }
        end.own(&What::Spent(activation.fuel, activation.money, activation.tokens));
        self.put(&end, clock);
        (self.open.body.len() >= CHUNK_BYTES || activation.ended.is_some()).then(|| self.next(false))
    }

    fn put(&mut self, entries: &Entries, clock: i64) {
        if self.open.count == 0 && entries.count() > 0 {
            self.open.clock = clock;
            self.unsaved.blob(&self.open.encode());
        }
        for entry in entries.iter() {
            self.open.push(entry);
            self.unsaved.blob(entry);
        }
    }

    /// What is to be added to the tail on disk before anything is said of it.
    pub fn unsaved(&mut self) -> Option<Vec<u8>> {
        (!self.unsaved.bytes.is_empty()).then(|| std::mem::take(&mut self.unsaved.bytes))
    }

    /// Gives the open chunk, if it has entries: nothing follows for now.
    pub fn seal(&mut self) -> Option<Chunk> {
        (self.open.count > 0).then(|| self.next(false))
    }

    /// Gives the open chunk, if it began so long ago that a reader should have it.
    pub fn seal_old(&mut self, clock: i64) -> Option<Chunk> {
        (clock.saturating_sub(self.open.clock) >= OLD_NS).then(|| self.seal()).flatten()
    }

    /// Closes the chunk, by the agent's clock: the agent stops, and means to.
    pub fn close(&mut self, clock: i64) -> Chunk {
        if self.open.count == 0 {
            self.open.clock = clock;
        }
        self.next(true)
    }

    /// Gives the open chunk and begins the next. What was in the tail is in the chunk.
    fn next(&mut self, closing: bool) -> Chunk {
        self.unsaved.bytes.clear();
        let head = self.open.head();
        let (order, program) = self.program;
        let fresh = Chunk {
            agent: self.open.agent.clone(),
            incarnation: self.open.incarnation,
            number: self.open.number.saturating_add(1),
            first: head.events,
            before: head.hash,
            clock: 0,
            closing: false,
            order,
            program,
            previous: None,
            count: 0,
            body: Vec::new(),
            marks: Vec::new(),
            hash: head.hash,
        };
        let full = std::mem::replace(&mut self.open, fresh);
        Chunk { closing, ..full }
    }
}

/// What the tail on disk still has of an incarnation that did not end: its last chunk, as far as it was written.
pub fn recovered(tail: &[u8]) -> Option<Chunk> {
    let mut reader = Reader::new(tail, Cause::NoTrace);
    let mut chunk = Chunk::decode(reader.blob(super::MAX_CHUNK_BYTES).ok()?).ok()?;
    while let Ok(entry) = reader.blob(super::MAX_CHUNK_BYTES) {
        chunk.push(entry);
    }
    (chunk.count > 0).then_some(chunk)
}
