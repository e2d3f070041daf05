//! Where a frame of a trace belongs. One that cannot be read, or that its agent did not sign, may say
//! anything of itself: the signed frames beside it tell which chunk stood there.

use super::chunk::Chunk;
use crate::envelope::Envelope;
use crate::key::PublicKey;
use crate::message::TraceHead;

/// A frame of the file: the byte it begins at, and what stands in it, if that can be read.
pub(super) struct Frame {
    pub start: usize,
    pub chunk: Option<(Envelope, Chunk)>,
}

impl Frame {
    /// The chunk in it, if its agent signed it.
    fn signed(&self, key: &PublicKey) -> Option<&Chunk> {
        self.chunk.as_ref().filter(|(envelope, _)| envelope.verified_by(key)).map(|(_, chunk)| chunk)
    }
}

/// The incarnation and the chunk's number of the frame that holds a byte, where the frame does not prove them
/// itself. Nothing where it does, or where no byte of it is meant.
pub(super) fn place(
    frames: &[Frame],
    byte: usize,
    key: &PublicKey,
    told: &[(u64, TraceHead)],
) -> Option<(u64, u64)> {
    let at = frames.partition_point(|frame| frame.start <= byte).checked_sub(1)?;
    let frame = frames.get(at)?;
    if frame.signed(key).is_some() {
        return None;
    }
    let beside = |at: Option<usize>| at.and_then(|at| frames.get(at)).and_then(|frame| frame.signed(key));
    let (before, after) = (beside(at.checked_sub(1)), beside(at.checked_add(1)));
    let own = frame.chunk.as_ref().map(|(_, chunk)| (chunk.incarnation, chunk.number));
    if let Some(after) = after.filter(|after| after.number > 0) {
        return Some((after.incarnation, after.number.saturating_sub(1)));
    }
    let Some(before) = before else {
        // Alone before a first chunk: of the incarnation that one says was before it.
        let earlier = after.and_then(|after| after.previous).map(|previous| (previous.incarnation, 0));
        return earlier.or_else(|| own.filter(|_| !frames.is_empty() && at > 0)).or(Some((1, 0)));
    };
    let next = (before.incarnation, before.number.saturating_add(1));
    let anew = (before.incarnation.saturating_add(1), 0);
    match own.filter(|own| *own == next || *own == anew) {
        Some(own) => Some(own),
        None if before.closing || ends(before, told) => Some(anew),
        None => Some(next),
    }
}

/// Whether an agent told of a later incarnation, and of nothing in this one beyond the chunk.
fn ends(chunk: &Chunk, told: &[(u64, TraceHead)]) -> bool {
    let events = chunk.head().events;
    let later = told.iter().any(|(incarnation, _)| *incarnation > chunk.incarnation);
    later && told.iter().all(|(own, head)| *own != chunk.incarnation || head.events <= events)
}
