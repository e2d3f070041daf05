//! Makes events: one stream to the sink, its effects also into the digest.

use super::{Digest, Event, EventKind, Level, TraceSink};
use crate::decode::Code;
use crate::interpret::Observer;
use crate::report::{PlaceName, SourcePlace};

/// What a run keeps of its trace from one call of `run` to the next.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) digest: Option<Digest>,
    pub(crate) seq: u64,
}

/// A [`Recorder`] with the sink of this call of `run`.
pub(crate) struct Tracing<'a, 's> {
    pub(crate) recorder: &'a mut Recorder,
    pub(crate) sink: Option<&'s mut dyn TraceSink>,
    pub(crate) level: Level,
}

/// Where an event happened: function and op.
pub(crate) type At = Option<(u16, u32)>;

impl Tracing<'_, '_> {
    /// Whether anything looks at effects, so that there is a point in making them.
    pub(crate) fn wants_effects(&self) -> bool {
        self.sink.is_some() && self.level >= Level::Effects
    }

    /// Adds an effect to the digest.
    pub(crate) fn digest(&mut self, tag: Tag, fuel: u64, at: At, payload: impl FnOnce(&mut Vec<u8>)) {
        if let Some(digest) = &mut self.recorder.digest {
            digest.event(tag as u8, fuel, at, payload);
        }
    }

    /// Hands an event to the sink, if its level is wanted.
    pub(crate) fn send(&mut self, code: &Code, fuel: u64, at: At, kind: EventKind<'_>) {
        let Some(sink) = self.sink.as_deref_mut() else { return };
        if kind.level() > self.level {
            return;
        }
        let place = at.map(|(function, op)| place_name(code, function, op));
        sink.event(&Event { seq: self.recorder.seq, fuel, place, kind });
        self.recorder.seq = self.recorder.seq.saturating_add(1);
    }
}

/// First byte of each effect in the digest; numbers are never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Tag {
    Run = 1,
    Action = 2,
    Query = 3,
    Metric = 4,
    Rounds = 5,
    Limit = 6,
    Trap = 7,
    Stop = 8,
    Fail = 9,
    Applied = 10,
    End = 11,
    Veto = 12,
    Within = 13,
    WithinEnd = 14,
    WithinUndone = 15,
    Wake = 16,
    Rest = 17,
}

impl Observer for Tracing<'_, '_> {
    const WATCHES: bool = true;

    fn word(&mut self, code: &Code, pc: usize, used: i64) {
        let origin = code.origin(pc);
        let at = Some((origin.function, origin.op));
        let fuel = used.max(0).cast_unsigned();
        if starts_statement(code, pc) {
            self.send(code, fuel, at, EventKind::Step);
        }
        if self.level >= Level::Ops {
            let function = code.whole().functions.get(usize::from(origin.function));
            let op = function.and_then(|function| function.code.get(crate::slot::index(origin.op)));
            let mnemonic = op.map_or("?", |op| op.info().mnemonic);
            self.send(code, fuel, at, EventKind::Op { mnemonic });
        }
    }

    fn enter(&mut self, code: &Code, function: u16, used: i64) {
        self.send(code, used.max(0).cast_unsigned(), Some((function, 0)), EventKind::Call);
    }
}

/// Whether the word is the first of a place in source text.
fn starts_statement(code: &Code, pc: usize) -> bool {
    let origin = code.origin(pc);
    let Some((first, _)) = code.source_place(origin.function, origin.op) else { return false };
    let Some(before) = pc.checked_sub(1).map(|before| code.origin(before)) else { return true };
    before.function != origin.function || before.op < first
}

/// A place with all the names the module has for it.
pub(crate) fn place_name(code: &Code, function: u16, op: u32) -> PlaceName {
    let source = code.source_place(function, op).and_then(|(_, place)| {
        let file = code.file_name(place.file)?.clone();
        Some(SourcePlace { file, line: place.line, column: place.column })
    });
    PlaceName { function, function_name: code.function_name(function).cloned(), op, source }
}
