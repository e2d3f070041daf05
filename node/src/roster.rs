//! Which agents there are: each process tells all of its own at once, and says now and then that it is still there.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use swarm_bus::{Bus, BusError, Version};
use swarm_fleet::agent::Profile;
use swarm_fleet::key::PublicKey;
use swarm_fleet::name::Name;
use swarm_fleet::trust::Capabilities;

use crate::layout::Layout;

/// Agents told under one key, so that no value is larger than buses take.
const CHUNK: usize = 2_000;

/// Most values of a roster that are read.
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
    /// Tasks of a queue that somebody else had claimed before their end was told, since it started.
    #[serde(default)]
    pub tasks_lost: u64,
}

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

/// Tells the agents of a process, which are alike but for name and key.
///
/// # Errors
/// As [`Bus::compare_and_set`].
pub fn tell(
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
        let key = format!("{}{process}.{number}", layout.roster);
        put(bus, &key, &mut None, &serde_json::to_vec(&page).unwrap_or_default())?;
    }
    Ok(())
}

/// All agents that were told, by name. What makes no sense is left out; of two with one name the first counts.
///
/// # Errors
/// As [`Bus::get`].
pub fn read(bus: &mut dyn Bus, layout: &Layout) -> Result<BTreeMap<Name, Member>, BusError> {
    let mut members = BTreeMap::new();
    for key in bus.keys(&layout.roster, MOST)? {
        let (bytes, _) = bus.get(&key)?;
        let page: Option<Page> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let Some(page) = page else { continue };
        let named =
            page.labels.iter().filter_map(|(label, value)| Some((Name::new(label)?, Name::new(value)?)));
        let labels: BTreeMap<Name, Name> = named.collect();
        let grants = page.grants.map_or(Capabilities::All, |names| {
            Capabilities::Only(names.into_iter().map(SmolStr::from).collect())
        });
        for (name, public) in page.agents {
            if let (Some(name), Ok(public)) = (Name::new(&name), public.parse()) {
                members.entry(name).or_insert_with(|| Member {
                    key: public,
                    labels: labels.clone(),
                    grants: grants.clone(),
                    process: page.process.clone(),
                });
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
