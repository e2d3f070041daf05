//! What comes over a bus, lies on a disk, or is handed over as a file: read, or refused, and in one form only.

use std::fmt::Debug;
use std::sync::Arc;

use swarm_fleet::agent;
use swarm_fleet::injector;
use swarm_fleet::message::wire::{decode_replies, decode_reports, encode_replies, encode_reports};
use swarm_fleet::message::{Ack, Checkpoint};
use swarm_fleet::order::Order;
use swarm_fleet::plan::Plan;
use swarm_fleet::record::{Directive, Record};
use swarm_fleet::refusal::Refusal;
use swarm_fleet::shadow::Comparison;
use swarm_fleet::state::HighWaterMark;
use swarm_fleet::trust::Trust;
use swarm_fleet::trust::document::Document;
use swarm_fleet::window::Aggregate;

#[path = "../../src/recording/document.rs"]
mod document;
#[path = "../../src/recording/journal.rs"]
mod journal;

/// Whether bytes are one of these; if so, they are the only ones.
fn only<T: Debug>(read: Result<T, Refusal>, bytes: &[u8], write: impl FnOnce(&T) -> Vec<u8>) -> bool {
    match read {
        Ok(value) => {
            assert_eq!(write(&value), bytes, "{value:?} in another form");
            true
        }
        Err(refusal) => {
            assert!(refusal.message.len() < 4096, "a refusal as long as what it refuses");
            false
        }
    }
}

/// Bytes as agents, injectors and publishers send them: messages, and what is signed in an envelope.
pub fn message(bytes: &[u8]) -> bool {
    let pairs = |bytes| decode_reports(bytes);
    let reports = only(pairs(bytes), bytes, |own| encode_reports(own.iter().map(|(name, own)| (name, own))));
    let replies =
        only(decode_replies(bytes), bytes, |own| encode_replies(own.iter().map(|(name, own)| (name, own))));
    let said = [
        reports,
        replies,
        only(Aggregate::decode(bytes), bytes, Aggregate::encode),
        only(Comparison::decode(bytes), bytes, Comparison::encode),
        only(Ack::decode(bytes), bytes, Ack::encode),
        only(Checkpoint::decode(bytes), bytes, Checkpoint::encode),
        only(Order::decode(bytes), bytes, Order::encode),
        only(Plan::decode(bytes), bytes, Plan::encode),
        only(Record::decode(bytes), bytes, Record::encode),
        only(Directive::decode(bytes), bytes, Directive::encode),
    ];
    let kinds = said.iter().filter(|said| **said).count();
    assert!(kinds <= 1, "it is {kinds} things at once");
    kinds == 1
}

/// Bytes as they lie on the disk of an agent or injector.
pub fn kept(bytes: &[u8]) -> bool {
    let known = |_: &[u8; 32]| -> Option<Arc<Directive>> { None };
    let agent = agent::Durable::decode(bytes, &known);
    // An earlier version is read and written as this one.
    let agent = match agent {
        Ok(durable) => {
            let again = durable.encode();
            assert_eq!(agent::Durable::decode(&again, &known).as_ref(), Ok(&durable));
            true
        }
        Err(_) => false,
    };
    let injector = only(injector::Durable::decode(bytes), bytes, injector::Durable::encode);
    only(HighWaterMark::decode(bytes), bytes, HighWaterMark::encode) || agent || injector
}

/// A trust file's payload: what is read of it is what it says.
pub fn trust(bytes: &[u8]) -> bool {
    if let Ok(document) = Document::from_payload(bytes) {
        assert_eq!(Document::from_payload(&document.to_payload()).as_ref(), Ok(&document));
    }
    let Ok(trust) = Trust::read(bytes) else { return false };
    assert!(trust.issued() <= trust.expires());
    true
}

/// A recording: a trace in JSON Lines, with all that a run was given.
pub fn recording(bytes: &[u8]) -> bool {
    let Ok(lines) = document::lines(&String::from_utf8_lossy(bytes)) else { return false };
    let Ok((recording, _)) = document::Recording::read(&lines) else { return false };
    let again = document::lines(&recording.line()).expect("a line of JSON");
    let (again, _) = document::Recording::read(&again).expect("what was read can be written");
    assert_eq!(again.line(), recording.line());
    true
}
