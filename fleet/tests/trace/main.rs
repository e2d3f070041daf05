//! Traces: whatever is done to one, it is found, and where.
#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "test code")]

mod overflow;

use proptest::prelude::*;
use swarm_fleet::envelope::Envelope;
use swarm_fleet::key::SecretKey;
use swarm_fleet::message::TraceHead;
use swarm_fleet::name::Name;
use swarm_fleet::refusal::Cause;
use swarm_fleet::trace::chunk::{Chunk, Previous, frame, frames};
use swarm_fleet::trace::entry::{Became, Entries, EntryReader, What};
use swarm_fleet::trace::log::{Log, recovered};
use swarm_fleet::trace::verify::{Fault, Findings, Question, verify};
use swarm_fleet::trace::{MARK_BYTES, chain};
use swarm_fleet::window::{Activation, Number};

fn key() -> SecretKey {
    SecretKey::from_seed([7; 32])
}

fn name() -> Name {
    Name::new("agent-7").unwrap()
}

pub(crate) fn activation(round: u64) -> Activation {
    let mut entries = Entries::default();
    for at in 0..=round % 5 {
        entries.own(&What::Applied(at, 0, Became::Done));
        entries.own(&What::Measured(1, Number::Word(i128::from(round * 7 + at))));
    }
    if round.is_multiple_of(11) {
        entries.own(&What::Applied(9, 0, Became::Failed(format!("no answer in round {round}").into())));
    }
    Activation { entries, fuel: 100 + round, money: 3, ..Activation::default() }
}

/// A trace of so many starts, each of so many rounds; all but the last end in the middle.
fn trace(starts: u64, rounds: u64) -> (Vec<Chunk>, Vec<(u64, TraceHead)>) {
    let (mut chunks, mut told) = (Vec::new(), Vec::new());
    let mut previous = None;
    for incarnation in 1..=starts {
        let mut log = Log::new(name(), incarnation, previous);
        let mut tail = Vec::new();
        for round in 0..rounds {
            let clock = i64::try_from(round).unwrap() * 5_000_000_000;
            if let Some(chunk) = log.record(clock, ([1; 16], [2; 32]), &activation(round)) {
                chunks.push(chunk);
                tail.clear();
            }
            tail.extend(log.unsaved().unwrap_or_default());
        }
        told.push((incarnation, log.head()));
        if incarnation == starts {
            chunks.push(log.close(0));
        } else {
            let last = recovered(&tail);
            previous = Some(Previous { incarnation, head: log.head() });
            assert_eq!(last.as_ref().map_or(log.head(), Chunk::head), log.head(), "the tail has it all");
            chunks.extend(last);
        }
    }
    (chunks, told)
}

fn file(chunks: &[Chunk]) -> Vec<u8> {
    chunks.iter().flat_map(|chunk| frame(&chunk.seal(&key()))).collect()
}

fn findings(bytes: &[u8], told: &[(u64, TraceHead)]) -> Findings {
    let (name, key) = (name(), key().public_key());
    verify(bytes, &Question { agent: Some(&name), key: Some(&key), told, open: false })
}

/// The first fault; there must be one.
fn found(bytes: &[u8], told: &[(u64, TraceHead)]) -> Fault {
    findings(bytes, told).faults.first().cloned().unwrap()
}

/// Where each entry of a chunk begins and ends.
fn entries(chunk: &Chunk) -> Vec<(usize, usize)> {
    let mut reader = EntryReader::new(&chunk.body);
    let mut entries = Vec::new();
    loop {
        let start = reader.offset();
        if reader.next_entry().unwrap().is_none() {
            return entries;
        }
        entries.push((start, reader.offset()));
    }
}

/// Whether the mark signed for an entry tells it from the one that a changed body has in its place. One mark in
/// 65,536 does not: then the fault shows at the entry behind it.
fn told_apart(chunk: &Chunk, at: usize, body: &[u8]) -> bool {
    let places = entries(chunk);
    let (before, from_it_on) = places.split_at(at);
    let before = before
        .iter()
        .fold(chunk.before, |before, (from, to)| chain(&before, chunk.body.get(*from..*to).unwrap()));
    let changed = body.get(from_it_on.first().unwrap().0..).unwrap();
    let mut reader = EntryReader::new(changed);
    let read = matches!(reader.next_entry(), Ok(Some(_)));
    let next = chain(&before, changed.get(..reader.offset()).unwrap());
    !read || chunk.mark(at) != next.get(..MARK_BYTES)
}

/// The file with another chunk in the place of one, under the signature of the one.
fn forged(chunks: &[Chunk], at: usize, other: &Chunk) -> (Vec<u8>, usize) {
    let mut bytes = Vec::new();
    let mut start = 0;
    for (number, chunk) in chunks.iter().enumerate() {
        let mut envelope = chunk.seal(&key());
        if number == at {
            start = bytes.len();
            envelope.payload = other.encode();
        }
        bytes.extend(frame(&envelope));
    }
    (bytes, start)
}

#[test]
fn a_trace_as_it_was_written_has_no_faults() {
    for (starts, rounds) in [(1, 0), (1, 3), (1, 500), (3, 400), (4, 1)] {
        let (chunks, told) = trace(starts, rounds);
        let findings = findings(&file(&chunks), &told);
        assert_eq!(findings.faults, [], "{starts} starts of {rounds} rounds");
        assert_eq!(findings.entries, told.iter().map(|(_, head)| head.events).sum::<u64>());
        assert_eq!(findings.torn, starts - 1);
        let bytes: usize = chunks.iter().map(|chunk| chunk.body.len() + chunk.marks.len()).sum();
        assert!(findings.entries < 100 || bytes as u64 <= 16 * findings.entries);
    }
}

#[test]
fn a_chunk_is_read_as_it_was_written() {
    for chunk in trace(2, 500).0 {
        assert_eq!(Chunk::decode(&chunk.encode()).unwrap(), chunk);
        assert_eq!(Envelope::decode(&chunk.seal(&key()).encode()).unwrap().payload, chunk.encode());
    }
}

#[test]
fn the_chunk_of_another_agent_is_named_as_a_whole() {
    let (chunks, told) = trace(1, 800);
    let mut bytes = file(&chunks[..2]);
    let stranger = SecretKey::from_seed([8; 32]);
    let start = bytes.len();
    bytes.extend(frame(&chunks[2].seal(&stranger)));
    bytes.extend(file(&chunks[3..]));
    let fault = found(&bytes, &told);
    assert_eq!((fault.cause, fault.chunk, fault.entry), (Cause::TraceForged, 2, chunks[2].first));
    assert_eq!(fault.byte, start);
}

#[test]
fn two_incarnations_cannot_change_places() {
    let (chunks, told) = trace(2, 1);
    let swapped: Vec<_> = chunks.iter().rev().cloned().collect();
    assert!(!findings(&file(&swapped), &told).faults.is_empty());
}

#[test]
fn what_was_told_and_is_not_there_was_cut() {
    let (chunks, mut told) = trace(1, 5);
    told[0].1.events += 3;
    let fault = found(&file(&chunks), &told);
    assert_eq!((fault.cause, fault.entry), (Cause::TraceCut, chunks[0].count));
    assert_eq!(found(&[], &told).cause, Cause::TraceCut);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn an_altered_byte_is_located(starts in 1_u64..3, at in any::<prop::sample::Index>(), by in 1_u8..=255) {
        let (chunks, told) = trace(starts, 300);
        let clean = file(&chunks);
        let at = at.index(clean.len());
        let mut bytes = clean.clone();
        bytes[at] ^= by;
        let fault = found(&bytes, &told);
        // The frame that holds the byte, and no other.
        let starts: Vec<usize> = frames(&clean).map(|(start, _)| start).collect();
        let holds = starts.iter().rposition(|start| *start <= at).unwrap();
        let chunk = &chunks[holds];
        prop_assert_eq!((fault.incarnation, fault.chunk), (chunk.incarnation, chunk.number), "{:?}", fault);
        let body = clean.windows(chunk.body.len()).position(|own| own == chunk.body).unwrap();
        if (body..body + chunk.body.len()).contains(&at) {
            let hit = entries(chunk).iter().position(|(_, end)| at - body < *end).unwrap();
            prop_assume!(told_apart(chunk, hit, &bytes[body..body + chunk.body.len()]));
            prop_assert_eq!(fault.entry, chunk.first + hit as u64, "{:?}", fault);
            prop_assert_eq!(fault.byte, body + entries(chunk)[hit].0);
        }
    }

    #[test]
    fn an_entry_taken_out_is_located(at in any::<prop::sample::Index>(), which in any::<prop::sample::Index>()) {
        let (chunks, told) = trace(1, 400);
        let at = at.index(chunks.len());
        let places = entries(&chunks[at]);
        let which = which.index(places.len());
        let mut other = chunks[at].clone();
        other.body.drain(places[which].0..places[which].1);
        let own = |which: usize| places.get(which).map(|(from, to)| &chunks[at].body[*from..*to]);
        let next_is_same = own(which) == own(which + 1);
        prop_assume!(next_is_same || told_apart(&chunks[at], which, &other.body));
        let (bytes, start) = forged(&chunks, at, &other);
        let fault = found(&bytes, &told);
        prop_assert_eq!(fault.chunk, chunks[at].number);
        // Of several that are the same it cannot be told which is gone.
        prop_assert!(fault.entry >= chunks[at].first + which as u64);
        let same = |fault: u64| {
            let places = &places[which..=usize::try_from(fault - chunks[at].first).unwrap().min(places.len() - 1)];
            places.iter().all(|(from, to)| chunks[at].body[*from..*to] == chunks[at].body[places[0].0..places[0].1])
        };
        prop_assert!(fault.entry == chunks[at].first + which as u64 || same(fault.entry), "{:?}", fault);
        prop_assert!(matches!(fault.cause, Cause::TraceMissing | Cause::TraceOrder), "{:?}", fault);
        prop_assert!(fault.byte > start);
    }

    #[test]
    fn entries_that_changed_places_are_located(first in any::<prop::sample::Index>(), second in any::<prop::sample::Index>()) {
        let (chunks, told) = trace(1, 200);
        let chunk = &chunks[0];
        let places = entries(chunk);
        let (low, high) = (first.index(places.len()), second.index(places.len()));
        let (low, high) = (low.min(high), low.max(high));
        let own = |at: usize| &chunk.body[places[at].0..places[at].1];
        prop_assume!(own(low) != own(high));
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.swap(low, high);
        let mut other = chunk.clone();
        other.body = order.iter().flat_map(|at| own(*at).to_vec()).collect();
        prop_assume!(told_apart(chunk, low, &other.body));
        let fault = found(&forged(&chunks, 0, &other).0, &told);
        prop_assert_eq!((fault.cause, fault.chunk, fault.entry), (Cause::TraceOrder, 0, low as u64));
    }

    #[test]
    fn a_file_that_was_cut_is_located(starts in 1_u64..3, at in any::<prop::sample::Index>()) {
        let (chunks, told) = trace(starts, 300);
        let clean = file(&chunks);
        let at = at.index(clean.len());
        let fault = found(&clean[..at], &told);
        prop_assert_eq!(fault.cause, Cause::TraceCut, "{:?}", fault);
        let whole = frames(&clean[..at]).filter(|(_, read)| read.is_ok()).count();
        let before = whole.checked_sub(1).map_or(0, |last| chunks[last].head().events);
        prop_assert_eq!(fault.entry, before, "{:?}", fault);
        prop_assert!(fault.byte <= at);
    }

    #[test]
    fn a_chunk_that_is_gone_or_elsewhere_is_located(first in any::<prop::sample::Index>(), second in any::<prop::sample::Index>()) {
        let (chunks, told) = trace(1, 800);
        prop_assert!(chunks.len() > 3);
        let (one, other) = (first.index(chunks.len()), second.index(chunks.len()));
        let mut gone = chunks.clone();
        gone.remove(one);
        let fault = found(&file(&gone), &told);
        let last = one + 1 == chunks.len();
        let cause = if last { Cause::TraceCut } else { Cause::TraceMissing };
        prop_assert_eq!((fault.cause, fault.entry), (cause, chunks[one].first), "{:?}", fault);
        prop_assume!(one != other);
        let mut swapped = chunks.clone();
        swapped.swap(one, other);
        let fault = found(&file(&swapped), &told);
        prop_assert!(matches!(fault.cause, Cause::TraceOrder | Cause::TraceMissing), "{:?}", fault);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400), at in any::<prop::sample::Index>()) {
        let _findings = findings(&bytes, &[]);
        let mut clean = file(&trace(1, 20).0);
        let at = at.index(clean.len());
        clean.splice(at..at, bytes);
        let _findings = findings(&clean, &[]);
    }
}
