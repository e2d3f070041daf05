//! What agents keep, on their process's disk.
//!
//! ```text
//! a NAME       an agent's state           d DIGEST     a desired state
//! j NAME 0 ORDER KEY                       l NAME 0 ID  an order whose effects are in doubt
//!              whether an effect is done; without its order as it was written at first
//! t NAME 0 n   a piece of its trace       c NAME 0 n   a signed part of its trace that is not sent yet
//! q NAME 0 ID  how a task of a queue ended, until the queue has been told
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use swarm_fleet::agent::Durable;
use swarm_fleet::journal::Journal;
use swarm_fleet::name::Name;
use swarm_fleet::order::Sha256Digest;
use swarm_fleet::record::Directive;
use swarm_fleet::refusal::Refusal;
use swarm_vm::EffectKey;

use crate::NodeError;
use crate::disk::Disk;

/// Bytes of an effect's key.
const KEY: usize = size_of::<EffectKey>();

/// Desired states that are kept before those no agent speaks of go.
const MOST_DIRECTIVES: usize = 8;

/// Desired states that are on disk: all agents share them.
#[derive(Debug)]
pub(super) struct Kept(BTreeMap<Sha256Digest, Arc<Directive>>);

impl Kept {
    pub(super) fn read(disk: &Disk) -> Result<Kept, NodeError> {
        let mut kept = BTreeMap::new();
        for (_, bytes) in disk.under(b"d") {
            let directive = Directive::decode(bytes)?;
            kept.insert(directive.digest(), Arc::new(directive));
        }
        Ok(Kept(kept))
    }

    pub(super) fn durable(&self, disk: &Disk, agent: &Name) -> Result<Option<Durable>, Refusal> {
        let bytes = disk.get(&key(b'a', agent.as_str().as_bytes()));
        bytes.map(|bytes| Durable::decode(bytes, &|digest| self.0.get(digest).cloned())).transpose()
    }
}

fn key(kind: u8, rest: &[u8]) -> Vec<u8> {
    let mut key = vec![kind];
    key.extend_from_slice(rest);
    key
}

fn of_agent(kind: u8, agent: &Name, what: &[u8]) -> Vec<u8> {
    let mut key = key(kind, agent.as_str().as_bytes());
    key.push(0);
    key.extend_from_slice(what);
    key
}

/// The journal of an agent.
pub(super) fn journal(disk: &Disk, agent: &Name) -> Journal {
    let (effects, doubtful) = (of_agent(b'j', agent, &[]), of_agent(b'l', agent, &[]));
    let effects = disk.under(&effects).filter_map(|(own, done)| {
        let own = own.get(effects.len()..)?;
        let (order, key) = match own.split_last_chunk::<KEY>()? {
            ([], key) => (None, key),
            (order, key) => (Some(order.try_into().ok()?), key),
        };
        Some((order, *key, done == [1]))
    });
    let doubtful =
        disk.under(&doubtful).filter_map(|(own, _)| own.get(doubtful.len()..)?.first_chunk().copied());
    Journal::restore(effects, doubtful)
}

/// Writes down an agent's state, and the desired states it speaks of.
pub(super) fn persist(disk: &mut Disk, agent: &Name, durable: &Durable) {
    for directive in durable.directives() {
        let key = key(b'd', &directive.digest());
        if disk.get(&key).is_none() {
            disk.put(&key, directive.encode());
        }
    }
    disk.put(&key(b'a', agent.as_str().as_bytes()), durable.encode());
}

/// Writes down that an effect of an order is about to happen, or has happened.
pub(super) fn effect(disk: &mut Disk, agent: &Name, order: &[u8; 16], effect: &EffectKey, done: bool) {
    disk.put(&of_agent(b'j', agent, &[order.as_slice(), effect].concat()), vec![u8::from(done)]);
}

/// Shortens a journal, in memory and on disk, where it is of many orders the agent does not speak of any more.
pub(super) fn shorten(disk: &mut Disk, agent: &Name, journal: &mut Journal, spoken: &[[u8; 16]]) {
    for order in journal.shorten(spoken) {
        let prefix = of_agent(b'j', agent, &order);
        let keys: Vec<Vec<u8>> = disk.under(&prefix).map(|(key, _)| key.to_vec()).collect();
        keys.iter()
            .filter(|key| key.len() > prefix.len().saturating_add(KEY - 1))
            .for_each(|key| disk.remove(key));
        disk.put(&of_agent(b'l', agent, &order), Vec::new());
    }
    for order in journal.forget_doubtful() {
        disk.remove(&of_agent(b'l', agent, &order));
    }
}

/// The journal of an agent is gone: all that an order does once is in doubt.
pub(super) fn forget(disk: &mut Disk, agent: &Name, order: &[u8; 16]) {
    let prefix = of_agent(b'j', agent, &[]);
    let keys: Vec<Vec<u8>> = disk.under(&prefix).map(|(key, _)| key.to_vec()).collect();
    keys.iter().for_each(|key| disk.remove(key));
    disk.put(&of_agent(b'l', agent, order), Vec::new());
}

/// What an agent's trace has had added since its last part was signed.
pub(super) fn tail(disk: &Disk, agent: &Name) -> Vec<u8> {
    disk.under(&of_agent(b't', agent, &[])).flat_map(|(_, piece)| piece.iter().copied()).collect()
}

/// Adds to the tail of a trace; the number is above all before.
pub(super) fn extend_tail(disk: &mut Disk, agent: &Name, number: u64, piece: Vec<u8>) {
    disk.put(&of_agent(b't', agent, &number.to_be_bytes()), piece);
}

/// Writes down a signed part of a trace, in the place of the tail; the number is above all before.
pub(super) fn seal(disk: &mut Disk, agent: &Name, number: u64, part: Vec<u8>) {
    let pieces: Vec<Vec<u8>> = disk.under(&of_agent(b't', agent, &[])).map(|(key, _)| key.to_vec()).collect();
    pieces.iter().for_each(|key| disk.remove(key));
    disk.put(&of_agent(b'c', agent, &number.to_be_bytes()), part);
}

/// Parts of traces that are not sent yet, under their keys, at most so many.
pub(super) fn unsent(disk: &Disk, most: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    disk.under(b"c").take(most).map(|(key, part)| (key.to_vec(), part.to_vec())).collect()
}

/// Writes down how an agent ended a task.
pub(super) fn settlement(disk: &mut Disk, agent: &Name, id: &str, settlement: Vec<u8>) {
    disk.put(&of_agent(b'q', agent, id.as_bytes()), settlement);
}

/// How tasks ended that the queue has not been told of, under their keys, at most so many.
pub(super) fn settlements(disk: &Disk, most: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    disk.under(b"q").take(most).map(|(key, bytes)| (key.to_vec(), bytes.to_vec())).collect()
}

/// Bytes of signed parts of traces that are not sent yet.
pub(super) fn waiting(disk: &Disk) -> u64 {
    disk.under(b"c").fold(0, |sum, (_, part)| sum.saturating_add(length(part)))
}

/// The length of a part of a trace.
pub(super) fn length(part: &[u8]) -> u64 {
    u64::try_from(part.len()).unwrap_or(u64::MAX)
}

/// The number behind all that were given to pieces and parts of traces.
pub(super) fn next_number(disk: &Disk) -> u64 {
    let number = |(key, _): (&[u8], &[u8])| key.last_chunk().map(|word| u64::from_be_bytes(*word));
    let last = disk.under(b"t").chain(disk.under(b"c")).filter_map(number).max();
    last.map_or(0, |last| last.saturating_add(1))
}

/// Takes desired states away that no agent speaks of.
pub(super) fn sweep<'d>(disk: &mut Disk, spoken: impl Iterator<Item = &'d Durable>) {
    let held: Vec<Vec<u8>> = disk.under(b"d").map(|(key, _)| key.to_vec()).collect();
    if held.len() <= MOST_DIRECTIVES {
        return;
    }
    let spoken: BTreeSet<Vec<u8>> =
        spoken.flat_map(Durable::directives).map(|directive| key(b'd', &directive.digest())).collect();
    held.iter().filter(|key| !spoken.contains(*key)).for_each(|key| disk.remove(key));
}

#[cfg(test)]
mod tests {
    use super::*;
    use swarm_fleet::journal::{MOST_ORDERS, Permit};

    #[test]
    fn a_journal_is_read_as_it_was_written_first_and_shortened_on_disk_too() {
        let (mut disk, agent) = (Disk::in_memory(), Name::new("a").unwrap());
        // The first form had no orders; an agent whose name begins alike is another.
        disk.put(&of_agent(b'j', &agent, &[7; KEY]), vec![1]);
        disk.put(&of_agent(b'j', &agent, &[8; KEY]), vec![0]);
        effect(&mut disk, &Name::new("a-2").unwrap(), &[9; 16], &[9; KEY], true);
        let mut own = journal(&disk, &agent);
        assert_eq!(own.intend(&[1; 16], [7; KEY]), Permit::Done);
        assert_eq!(own.intend(&[1; 16], [8; KEY]), Permit::InDoubt);
        assert_eq!(own.intend(&[9; 16], [9; KEY]), Permit::Perform);
        for order in 10..40_u8 {
            effect(&mut disk, &agent, &[order; 16], &[order; KEY], true);
        }
        let mut own = journal(&disk, &agent);
        shorten(&mut disk, &agent, &mut own, &[[10; 16]]);
        assert_eq!(own.effects().count(), 2 + 1 + MOST_ORDERS);
        assert_eq!(journal(&disk, &agent), own, "what is on disk is what is in memory");
        assert_eq!(own.intend(&[11; 16], [1; KEY]), Permit::InDoubt);
        assert_eq!(own.intend(&[10; 16], [10; KEY]), Permit::Done);
    }
}
