//! Who there is: each agent's record is a value of the bus, and that it lives is said in a log, for many agents at once.
//! It says who claims to be there; what an agent may do, its signature and the trust file decide. Times are milliseconds,
//! and the caller's.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{Bus, BusError, Change, Position, Version};

/// Records stand under this and the agent's name.
const AGENTS: &str = "swarm:agent:";
/// The log in which agents say that they live, and how many entries it keeps.
const BEATS: &str = "swarm:heartbeats";
const KEEP: u64 = 16_384;
/// So many agents are said to live in one entry.
const IN_ENTRY: usize = 500;
/// How many records are read, how many at once, and how many entries of the log at once.
const MOST_AGENTS: usize = 200_000;
const AT_ONCE: usize = 2_000;
const PAGE: usize = 1_000;
/// How often a change is tried while others change the same record.
const ROUNDS: u32 = 16;

/// What an agent says of itself when it registers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Its name, by which it is known to plans.
    pub name: String,
    /// What it is there for: governor, executor, designer, or any other word.
    pub role: String,
    /// By what else it can be chosen.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The capabilities it grants to programs.
    #[serde(default)]
    pub grants: BTreeSet<String>,
    /// Its public key, as text.
    #[serde(default)]
    pub key: String,
    /// Counts its starts: a later one replaces the record of an earlier one, never the other way.
    pub incarnation: u64,
    /// When it registered, in milliseconds.
    pub registered: u64,
}

/// That an agent lives, and what it does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// Its name.
    pub name: String,
    /// Which of its starts says so.
    pub incarnation: u64,
    /// What it does, in a word.
    pub status: String,
}

/// An entry of the log.
#[derive(Serialize, Deserialize)]
struct Beats<'a> {
    at: u64,
    agents: std::borrow::Cow<'a, [Beat]>,
}

/// An agent, as the registry knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// What it registered with.
    pub record: Record,
    /// What it said last of what it does; empty if it said nothing since it registered.
    pub status: String,
    /// When it was heard of last, in milliseconds: its registration, or later.
    pub last_seen: u64,
    version: Version,
}

/// What registering came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// The record stands.
    Now,
    /// It stood already.
    Before,
    /// A later start of this agent, or the same with another key, is registered. Nothing changed.
    Superseded {
        /// The incarnation that is registered.
        incarnation: u64,
    },
}

/// The agents of a bus, as they were at the last [`Registry::refresh`].
pub struct Registry {
    bus: Box<dyn Bus>,
    agents: BTreeMap<String, Agent>,
    generation: Option<u64>,
    behind: Option<Position>,
}

impl Registry {
    /// A registry that has read nothing yet.
    #[must_use]
    pub fn new(bus: Box<dyn Bus>) -> Registry {
        Registry { bus, agents: BTreeMap::new(), generation: None, behind: None }
    }

    /// Registers agents; says for each, in their order, what it came to.
    ///
    /// # Errors
    /// If the bus fails, or others change the same records all the time. Some may be registered then.
    pub fn register(&mut self, records: &[Record]) -> Result<Vec<Registered>, BusError> {
        let mut outcomes: Vec<Option<Registered>> = vec![None; records.len()];
        for _ in 0..ROUNDS {
            let open: Vec<usize> =
                (0..).zip(&outcomes).filter(|(_, done)| done.is_none()).map(|(at, _)| at).collect();
            if open.is_empty() {
                return Ok(outcomes.into_iter().flatten().collect());
            }
            let wanted: Vec<(usize, &Record)> =
                open.iter().filter_map(|at| Some((*at, records.get(*at)?))).collect();
            for part in wanted.chunks(AT_ONCE) {
                for ((at, _), outcome) in part.iter().zip(self.try_register(part)?) {
                    if let Some(place) = outcomes.get_mut(*at) {
                        *place = outcome;
                    }
                }
            }
        }
        Err(BusError::Away("others change the same records all the time".to_owned()))
    }

    /// Registers agents as long as nobody else changes their records; none for those somebody did.
    fn try_register(&mut self, records: &[(usize, &Record)]) -> Result<Vec<Option<Registered>>, BusError> {
        let keys: Vec<String> = records.iter().map(|(_, record)| key(&record.name)).collect();
        let names: Vec<&str> = keys.iter().map(String::as_str).collect();
        let standing = self.bus.get_many(&names)?;
        let mut outcomes = Vec::with_capacity(records.len());
        let mut written = Vec::new();
        for (((_, record), (bytes, version)), key) in records.iter().zip(&standing).zip(&keys) {
            // What is no record is written over.
            let known = bytes.as_deref().and_then(|bytes| serde_json::from_slice::<Record>(bytes).ok());
            outcomes.push(known.and_then(|known| settled(&known, record)));
            if outcomes.last() == Some(&None) {
                let bytes =
                    serde_json::to_vec(record).map_err(|error| BusError::Refused(error.to_string()))?;
                written.push((key, *version, bytes));
            }
        }
        let changes = written.iter().map(|(key, expected, bytes)| Change {
            key,
            expected: *expected,
            value: Some(bytes),
        });
        let mut done = self.bus.compare_and_set_many(&changes.collect::<Vec<_>>())?.into_iter();
        let outcomes = outcomes.into_iter().map(|outcome| match outcome {
            Some(outcome) => Some(outcome),
            None => done.next().flatten().map(|_| Registered::Now),
        });
        Ok(outcomes.collect())
    }

    /// Takes an agent's record away, if it is the one of this incarnation.
    ///
    /// # Errors
    /// If the bus fails.
    pub fn remove(&mut self, name: &str, incarnation: u64) -> Result<bool, BusError> {
        let key = key(name);
        let (bytes, version) = self.bus.get(&key)?;
        let known = bytes.and_then(|bytes| serde_json::from_slice::<Record>(&bytes).ok());
        if known.is_none_or(|known| known.incarnation != incarnation) {
            return Ok(false);
        }
        Ok(self.bus.compare_and_set(&key, version, None)?.is_some())
    }

    /// Says that agents live: one append for all of them.
    ///
    /// # Errors
    /// If the bus fails.
    pub fn beat(&mut self, beats: &[Beat], now: u64) -> Result<(), BusError> {
        let entries = beats
            .chunks(IN_ENTRY)
            .map(|agents| serde_json::to_vec(&Beats { at: now, agents: agents.into() }));
        let entries =
            entries.collect::<Result<Vec<_>, _>>().map_err(|error| BusError::Refused(error.to_string()))?;
        let entries: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
        self.bus.append(BEATS, &entries, KEEP)
    }

    /// Reads who is registered, and what was said since the last time.
    ///
    /// # Errors
    /// If the bus fails; what was read until then counts.
    pub fn refresh(&mut self, now: u64) -> Result<(), BusError> {
        let generation = self.bus.generation()?;
        if self.generation.replace(generation) != Some(generation) {
            self.behind = None;
        }
        self.read_records(now)?;
        loop {
            let entries = self.bus.read(BEATS, self.behind, PAGE)?;
            let Some(last) = entries.last() else { return Ok(()) };
            self.behind = Some(last.position);
            for entry in &entries {
                if let Ok(beats) = serde_json::from_slice::<Beats<'_>>(&entry.bytes) {
                    self.hear(&beats, now);
                }
            }
        }
    }

    fn read_records(&mut self, now: u64) -> Result<(), BusError> {
        let keys = self.bus.keys(AGENTS, MOST_AGENTS)?;
        let mut agents = BTreeMap::new();
        for part in keys.chunks(AT_ONCE) {
            let names: Vec<&str> = part.iter().map(String::as_str).collect();
            for (at, (bytes, version)) in part.iter().zip(self.bus.get_many(&names)?) {
                let record = bytes.and_then(|bytes| serde_json::from_slice::<Record>(&bytes).ok());
                // A record that says another name than its key is forged or broken.
                let Some(record) = record.filter(|record| key(&record.name) == *at) else { continue };
                let known = self.agents.remove(&record.name);
                let same = known.filter(|known| known.record.incarnation == record.incarnation);
                let (status, last_seen) = same.map_or((String::new(), record.registered.min(now)), |known| {
                    (known.status, known.last_seen)
                });
                agents.insert(record.name.clone(), Agent { record, status, last_seen, version });
            }
        }
        self.agents = agents;
        Ok(())
    }

    /// Takes in what was said. Somebody whose clock is ahead is not heard of in the future, and what an earlier start
    /// of an agent said does not count.
    fn hear(&mut self, beats: &Beats<'_>, now: u64) {
        let at = beats.at.min(now);
        for beat in beats.agents.iter() {
            let known = self.agents.get_mut(&beat.name);
            let Some(agent) = known.filter(|agent| agent.record.incarnation == beat.incarnation) else {
                continue;
            };
            if at >= agent.last_seen {
                agent.last_seen = at;
                beat.status.clone_into(&mut agent.status);
            }
        }
    }

    /// All agents, in the order of their names.
    pub fn agents(&self) -> impl Iterator<Item = &Agent> {
        self.agents.values()
    }

    /// The agent of a name.
    #[must_use]
    pub fn agent(&self, name: &str) -> Option<&Agent> {
        self.agents.get(name)
    }

    /// Those of a role, in the order of their names.
    pub fn of_role<'a>(&'a self, role: &'a str) -> impl Iterator<Item = &'a Agent> {
        self.agents().filter(move |agent| agent.record.role == role)
    }

    /// Those whose label of this name has this value, in the order of their names.
    pub fn labelled<'a>(&'a self, label: &'a str, value: &'a str) -> impl Iterator<Item = &'a Agent> {
        self.agents().filter(move |agent| agent.record.labels.get(label).is_some_and(|own| own == value))
    }

    /// Those nothing was heard of since a time, in the order of their names.
    pub fn silent_since(&self, time: u64) -> impl Iterator<Item = &Agent> {
        self.agents().filter(move |agent| agent.last_seen < time)
    }
}

/// What registering comes to without a change; none if the record is to be written.
fn settled(known: &Record, new: &Record) -> Option<Registered> {
    let superseded =
        known.incarnation > new.incarnation || (known.incarnation == new.incarnation && known.key != new.key);
    if superseded {
        return Some(Registered::Superseded { incarnation: known.incarnation });
    }
    (known == new).then_some(Registered::Before)
}

fn key(name: &str) -> String {
    format!("{AGENTS}{name}")
}
