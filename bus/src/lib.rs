//! What agents, injector and monitor talk over. A bus has four things, and each of them may be lost, doubled,
//! late or forged: the protocol above it (`swarm_fleet`) relies on none of them.
//!
//! - a *log* is appended to and read in order, from a position on;
//! - a *value* stands under a key and changes only if nobody changed it meanwhile (compare and set);
//! - a *hint* wakes whoever listens; it carries nothing that counts;
//! - a *generation* says that the bus still is the one it was: a bus that forgot everything has another.

mod memory;
mod nats;
pub mod queue;
mod redis;

use std::time::Duration;

pub use memory::MemoryBus;

/// Where an entry of a log stands. Opaque to callers; positions of one log of one generation are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Position(pub u64, pub u64);

/// An entry of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub position: Position,
    /// What was appended.
    pub bytes: Vec<u8>,
}

/// The version of a value: another one after each change. `None` stands for "no value".
pub type Version = Option<u64>;

/// The value under a key, if there is one, and its version.
pub type Standing = (Option<Vec<u8>>, Version);

/// One change of [`Bus::compare_and_set_many`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'a> {
    /// Whose value.
    pub key: &'a str,
    /// The version it is expected to have.
    pub expected: Version,
    /// The value it gets; `None` removes it.
    pub value: Option<&'a [u8]>,
}

/// A connection to a bus. Each thread has its own; [`Bus::another`] makes one.
pub trait Bus: Send {
    /// A connection of its own to the same bus.
    fn another(&self) -> Result<Box<dyn Bus>, BusError>;

    /// Appends entries to a log, all of them or none, in one round trip. The log keeps about `keep` entries;
    /// older ones go. After [`BusError::Away`] it is unknown whether they were appended.
    fn append(&mut self, log: &str, entries: &[&[u8]], keep: u64) -> Result<(), BusError>;

    /// At most `most` entries of a log behind a position; `None` reads from the beginning.
    fn read(&mut self, log: &str, behind: Option<Position>, most: usize) -> Result<Vec<Entry>, BusError>;

    /// The value under a key, and its version.
    fn get(&mut self, key: &str) -> Result<Standing, BusError>;

    /// Puts (or, with `None`, removes) a value if its version still is the expected one. `Ok(None)`: it was
    /// another.
    fn compare_and_set(
        &mut self,
        key: &str,
        expected: Version,
        value: Option<&[u8]>,
    ) -> Result<Option<Version>, BusError> {
        let done = self.compare_and_set_many(&[Change { key, expected, value }])?.pop();
        done.ok_or_else(|| BusError::Refused("a change has no answer".to_owned()))
    }

    /// What [`Bus::get`] gives for each of the keys, in their order and in one round trip where the bus can.
    fn get_many(&mut self, keys: &[&str]) -> Result<Vec<Standing>, BusError> {
        keys.iter().map(|key| self.get(key)).collect()
    }

    /// What [`Bus::compare_and_set`] gives for each of the changes, in their order and in one round trip
    /// where the bus can. Each stands for itself: some may be done and others not, also when an error ends
    /// it.
    fn compare_and_set_many(&mut self, changes: &[Change<'_>]) -> Result<Vec<Option<Version>>, BusError>;

    /// Keys that begin so and have values, in order, at most `most`.
    fn keys(&mut self, prefix: &str, most: usize) -> Result<Vec<String>, BusError>;

    /// Wakes whoever listens to a name.
    fn hint(&mut self, name: &str) -> Result<(), BusError>;

    /// Waits for a hint under one of the names, or until the time is over. A name is listened to from the
    /// first call on that has it, so hints between two calls count. True: there was one, or the connection
    /// was made again and there may have been. [`BusError::Away`] comes only after the time is over: whoever
    /// waits again does not spin.
    fn wait(&mut self, names: &[&str], most: Duration) -> Result<bool, BusError>;

    /// The bus's generation, made when it had none.
    fn generation(&mut self) -> Result<u64, BusError>;
}

/// Opens a bus by its address: `memory:` (a new one in this process), `redis://host:port/database`,
/// `nats://host:port`; with TLS `rediss://` and `tls://`.
///
/// # Errors
/// [`BusError::Refused`] for another kind of address, [`BusError::Away`] when nothing answers there now.
pub fn open(url: &str) -> Result<Box<dyn Bus>, BusError> {
    match url.split_once(':').map_or(url, |(scheme, _)| scheme) {
        "memory" => Ok(Box::new(MemoryBus::new())),
        "nats" | "tls" => Ok(Box::new(nats::NatsBus::open(url)?)),
        "redis" | "rediss" | "redis+unix" => Ok(Box::new(redis::RedisBus::open(url)?)),
        _ => {
            Err(BusError::Refused("an address of a bus begins with memory:, redis:// or nats://".to_owned()))
        }
    }
}

/// Why a bus did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// It cannot be reached now, or has no room. Trying later may help; what was asked for may have been done.
    #[error("the bus is away: {0}")]
    Away(String),
    /// It answered, but not as a bus of this kind does. Trying again does not help.
    #[error("the bus refused: {0}")]
    Refused(String),
}
