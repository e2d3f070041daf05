//! Who there is: each process registers all of its agents at once, says what they do whenever that changes,
//! and now and then that it is still there. All of it is hearsay: what an agent may do its signature and the
//! trust file decide.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use swarm_bus::{Bus, BusError, Standing, Version};
use swarm_fleet::agent::Profile;
use swarm_fleet::key::PublicKey;
use swarm_fleet::name::Name;
use swarm_fleet::trust::Capabilities;

use crate::layout::Layout;
use crate::time::clock;

/// Agents told under one key, so that no value is larger than buses take.
const CHUNK: usize = 2_000;

/// Agents whose states stand under one key: what one of them does changes a small value.
const IN_PAGE: usize = 100;

/// Most values that are read.
const MOST: usize = 10_000;

/// An agent as its process tells it.
#[derive(Debug, Clone)]
pub struct Member {
    /// The key it signs with.
    pub key: PublicKey,
    /// Its labels.
    pub labels: BTreeMap<Name, Name>,
    /// What it grants.
    pub grants: Capabilities,
    /// Its process.
    pub process: String,
}

/// Agents of a process that are alike but for name and key.
#[derive(Debug, Serialize, Deserialize)]
struct Page {
    process: String,
    labels: BTreeMap<String, String>,
    grants: Option<BTreeSet<String>>,
    agents: Vec<(String, String)>,
}

/// When a process was last seen, and how it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// In nanoseconds since the Unix epoch.
    pub at: i64,
    /// How many agents it has.
    pub agents: usize,
    /// How many of them run a program.
    pub running: usize,
    /// What it suffers from: a disk that is full.
    pub trouble: Option<String>,
    /// Bytes of signed traces that wait for the bus.
    #[serde(default)]
    pub traces_waiting: u64,
    /// Entries of traces that were left out for want of room, since it started.
    #[serde(default)]
    pub traces_lost: u64,
    /// What it is there for: `executor`, `injector`, `monitor`.
    #[serde(default)]
    pub role: String,
    /// Tasks of a queue that somebody else had claimed before their end was told, since it started.
    #[serde(default)]
    pub tasks_lost: u64,
}

/// What an agent does, as its process tells it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// In a word or a sentence: `active`, `idle`, `failed: …`, `left`.
    pub status: String,
    /// What is installed.
    pub program: Option<String>,
    /// Its high-water mark.
    pub revision: String,
}

/// What agents of a process do, in the order in which they were registered.
#[derive(Debug, Serialize, Deserialize)]
struct States {
    /// When it was told, in nanoseconds since the Unix epoch.
    at: i64,
    agents: Vec<State>,
}

/// An agent, as far as is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// What it is there for: its label `role`, else `executor`.
    pub role: String,
    /// Its other labels.
    pub labels: BTreeMap<Name, Name>,
    /// Its process.
    pub process: String,
    /// What it does; unknown until it has said so.
    pub state: Option<State>,
    /// When it was heard of last, in nanoseconds since the Unix epoch; zero: nobody knows.
    pub last_seen: i64,
}

/// What agents are there for that do not say so.
pub const EXECUTOR: &str = "executor";

/// Puts a value under a key, whoever else does.
///
/// # Errors
/// As [`Bus::compare_and_set`].
pub fn put(bus: &mut dyn Bus, key: &str, known: &mut Version, value: &[u8]) -> Result<(), BusError> {
    // A value that changes that often is written by someone else all the time.
    for _ in 0..4 {
        if let Some(version) = bus.compare_and_set(key, *known, Some(value))? {
            *known = version;
            return Ok(());
        }
        *known = bus.get(key)?.1;
    }
    Ok(())
}

/// Registers the agents of a process, which are alike but for name and key.
///
/// # Errors
/// As [`Bus::compare_and_set`].
pub fn register(
    bus: &mut dyn Bus,
    layout: &Layout,
    process: &str,
    profiles: &[&Profile],
) -> Result<(), BusError> {
    for (number, chunk) in profiles.chunks(CHUNK).enumerate() {
        let Some(first) = chunk.first() else { continue };
        let text = |(label, value): (&Name, &Name)| (label.to_string(), value.to_string());
        let page = Page {
            process: process.to_owned(),
            labels: first.labels.iter().map(text).collect(),
            grants: match &first.grants {
                Capabilities::All => None,
                Capabilities::Only(names) => Some(names.iter().map(|name| name.to_string()).collect()),
            },
            agents: chunk
                .iter()
                .map(|profile| (profile.name.to_string(), profile.key.public_key().to_string()))
                .collect(),
        };
        let key = format!("{}{process}.{number}", layout.registry);
        put(bus, &key, &mut None, &serde_json::to_vec(&page).unwrap_or_default())?;
    }
    Ok(())
}

/// A process without agents goes.
///
/// # Errors
/// As [`Bus::compare_and_set`].
pub fn gone(bus: &mut dyn Bus, layout: &Layout, process: &str) -> Result<(), BusError> {
    let key = format!("{}{process}", layout.beats);
    let (_, version) = bus.get(&key)?;
    bus.compare_and_set(&key, version, None).map(|_| ())
}

/// What a process told last of its agents, page by page, and the versions of those values.
#[derive(Debug, Default)]
pub struct Told(Vec<(Vec<State>, Version)>);

/// Tells what the agents of a process do, in the order in which they were registered: only what has changed.
///
/// # Errors
/// As [`Bus::compare_and_set`].
pub fn tell(
    bus: &mut dyn Bus,
    layout: &Layout,
    process: &str,
    states: &[State],
    told: &mut Told,
) -> Result<(), BusError> {
    let chunks = states.chunks(IN_PAGE);
    told.0.resize(chunks.len(), (Vec::new(), None));
    let at = clock();
    for ((number, chunk), (last, version)) in chunks.enumerate().zip(&mut told.0) {
        if last == chunk {
            continue;
        }
        let key = format!("{}{process}.{number}", layout.states);
        let states = States { at, agents: chunk.to_vec() };
        put(bus, &key, version, &serde_json::to_vec(&states).unwrap_or_default())?;
        *last = states.agents;
    }
    Ok(())
}

/// Says that a process without agents is there, and what it suffers from.
///
/// # Errors
/// As [`Bus::compare_and_set`].
pub fn present(
    bus: &mut dyn Bus,
    layout: &Layout,
    (process, role): (&str, &str),
    trouble: Option<&str>,
) -> Result<(), BusError> {
    let trouble = trouble.map(str::to_owned);
    let beat = Beat { at: clock(), role: role.to_owned(), trouble, ..Beat::default() };
    let key = format!("{}{process}", layout.beats);
    put(bus, &key, &mut None, &serde_json::to_vec(&beat).unwrap_or_default())
}

/// All agents with what they do, by name.
///
/// # Errors
/// As [`Bus::get`].
pub fn agents(bus: &mut dyn Bus, layout: &Layout) -> Result<BTreeMap<Name, Seen>, BusError> {
    let beats = beats(bus, layout)?;
    let role = Name::new("role");
    let mut agents = BTreeMap::new();
    for (key, page) in pages(bus, layout)? {
        // The states of a page of agents stand in several smaller ones.
        let number = key.rsplit_once('.').and_then(|(_, number)| number.parse::<usize>().ok()).unwrap_or(0);
        let first = number.saturating_mul(CHUNK / IN_PAGE);
        let pages = first..first.saturating_add(page.agents.len().min(CHUNK).div_ceil(IN_PAGE));
        let keys: Vec<String> =
            pages.map(|page_of| format!("{}{}.{page_of}", layout.states, page.process)).collect();
        let names: Vec<&str> = keys.iter().map(String::as_str).collect();
        let mut states: Vec<(i64, Option<State>)> = Vec::with_capacity(page.agents.len());
        for (bytes, _) in bus.get_many(&names)? {
            let told: Option<States> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
            let told = told.unwrap_or(States { at: 0, agents: Vec::new() });
            let own = told.agents.into_iter().map(|state| (told.at, Some(state)));
            states.extend(own.chain(std::iter::repeat((0, None))).take(IN_PAGE));
        }
        let beat = beats.get(&page.process).map_or(0, |beat| beat.at);
        let mut labels = named(&page.labels);
        let own = role.as_ref().and_then(|role| labels.remove(role));
        let own = own.map_or_else(|| EXECUTOR.to_owned(), |own| own.to_string());
        for ((name, _), (at, state)) in page.agents.iter().zip(states) {
            let Some(name) = Name::new(name) else { continue };
            // Who has left is not there because its process is, or was a moment ago.
            let gone = state.as_ref().is_some_and(|state| state.status == LEFT);
            let last_seen = if gone { at } else { at.max(beat) };
            let (role, labels, process) = (own.clone(), labels.clone(), page.process.clone());
            agents.entry(name).or_insert(Seen { role, labels, process, state, last_seen });
        }
    }
    Ok(agents)
}

/// What an agent does that has left.
pub const LEFT: &str = "left";

/// The registered agents, page by page; what makes no sense is left out.
fn pages(bus: &mut dyn Bus, layout: &Layout) -> Result<Vec<(String, Page)>, BusError> {
    let keys = bus.keys(&layout.registry, MOST)?;
    let names: Vec<&str> = keys.iter().map(String::as_str).collect();
    let standing = bus.get_many(&names)?;
    let page = |(key, (bytes, _)): (String, Standing)| Some((key, serde_json::from_slice(&bytes?).ok()?));
    Ok(keys.into_iter().zip(standing).filter_map(page).collect())
}

fn named(labels: &BTreeMap<String, String>) -> BTreeMap<Name, Name> {
    labels.iter().filter_map(|(label, value)| Some((Name::new(label)?, Name::new(value)?))).collect()
}

/// All agents that are registered, by name. What makes no sense is left out; of two with one name the first
/// counts.
///
/// # Errors
/// As [`Bus::get`].
pub fn read(bus: &mut dyn Bus, layout: &Layout) -> Result<BTreeMap<Name, Member>, BusError> {
    let mut members = BTreeMap::new();
    for (_, page) in pages(bus, layout)? {
        let labels = named(&page.labels);
        let grants = page.grants.map_or(Capabilities::All, |names| {
            Capabilities::Only(names.into_iter().map(SmolStr::from).collect())
        });
        for (name, public) in page.agents {
            if let (Some(name), Ok(key)) = (Name::new(&name), public.parse()) {
                let (labels, grants, process) = (labels.clone(), grants.clone(), page.process.clone());
                members.entry(name).or_insert(Member { key, labels, grants, process });
            }
        }
    }
    Ok(members)
}

/// The processes that were seen, by name.
///
/// # Errors
/// As [`Bus::get`].
pub fn beats(bus: &mut dyn Bus, layout: &Layout) -> Result<BTreeMap<String, Beat>, BusError> {
    let mut beats = BTreeMap::new();
    for key in bus.keys(&layout.beats, MOST)? {
        let (bytes, _) = bus.get(&key)?;
        let beat: Option<Beat> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let process = key.strip_prefix(&layout.beats).unwrap_or(&key).to_owned();
        beats.extend(beat.map(|beat| (process, beat)));
    }
    Ok(beats)
}
