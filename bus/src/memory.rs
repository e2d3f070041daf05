//! The bus within one process: no server, nothing survives the process.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::{Bus, BusError, Change, Entry, Position, Standing, Version};

/// A handle to a bus in memory. Its clones, and what [`Bus::another`] gives, are handles to the same bus.
#[derive(Debug, Clone, Default)]
pub struct MemoryBus {
    shared: Arc<Shared>,
    /// For each name this handle has waited for: how many hints it has seen.
    seen: BTreeMap<String, u64>,
    /// How many interruptions it knows of: hints may have been missed in them.
    interrupted: u64,
}

#[derive(Debug, Default)]
struct Shared {
    store: Mutex<Store>,
    hinted: Condvar,
}

#[derive(Debug, Default)]
struct Store {
    logs: BTreeMap<String, VecDeque<Entry>>,
    values: BTreeMap<String, (u64, Vec<u8>)>,
    hints: BTreeMap<String, u64>,
    /// Counts what was ever appended or set: positions and versions are taken from it, so none comes twice.
    changes: u64,
    generation: Option<u64>,
    away: bool,
    interruptions: u64,
}

impl Store {
    fn change(&mut self) -> u64 {
        self.changes = self.changes.saturating_add(1);
        self.changes
    }

    fn compare_and_set(&mut self, change: &Change<'_>) -> Option<Version> {
        if self.values.get(change.key).map(|(version, _)| *version) != change.expected {
            return None;
        }
        let Some(bytes) = change.value else {
            self.values.remove(change.key);
            return Some(None);
        };
        let version = self.change();
        self.values.insert(change.key.to_owned(), (version, bytes.to_vec()));
        Some(Some(version))
    }
}

impl MemoryBus {
    /// An empty bus.
    #[must_use]
    pub fn new() -> MemoryBus {
        MemoryBus::default()
    }

    /// Cuts all handles off, or connects them again: what a test of lost connections needs.
    pub fn set_away(&self, away: bool) {
        let mut store = self.store();
        store.away = away;
        store.interruptions = store.interruptions.saturating_add(1);
        drop(store);
        self.shared.hinted.notify_all();
    }

    /// Forgets everything, as a server does that starts again with empty memory.
    pub fn forget(&self) {
        let mut store = self.store();
        // The count goes on, as positions of Redis do: they contain the time.
        let interruptions = store.interruptions.saturating_add(1);
        *store = Store { changes: store.changes, away: store.away, interruptions, ..Store::default() };
        drop(store);
        self.shared.hinted.notify_all();
    }

    /// Nothing leaves the store half changed, so that a thread that died holding it spoils nothing.
    fn store(&self) -> MutexGuard<'_, Store> {
        self.shared.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reachable(&self) -> Result<MutexGuard<'_, Store>, BusError> {
        let store = self.store();
        if store.away { Err(BusError::Away("it was cut off".to_owned())) } else { Ok(store) }
    }
}

impl Bus for MemoryBus {
    fn another(&self) -> Result<Box<dyn Bus>, BusError> {
        let interrupted = self.reachable()?.interruptions;
        Ok(Box::new(MemoryBus { shared: Arc::clone(&self.shared), seen: BTreeMap::new(), interrupted }))
    }

    fn append(&mut self, log: &str, entries: &[&[u8]], keep: u64) -> Result<(), BusError> {
        let mut store = self.reachable()?;
        let mut list = store.logs.remove(log).unwrap_or_default();
        for bytes in entries {
            let position = Position(store.change(), 0);
            list.push_back(Entry { position, bytes: bytes.to_vec() });
        }
        let keep = usize::try_from(keep).unwrap_or(usize::MAX);
        list.drain(..list.len().saturating_sub(keep));
        store.logs.insert(log.to_owned(), list);
        Ok(())
    }

    fn read(&mut self, log: &str, behind: Option<Position>, most: usize) -> Result<Vec<Entry>, BusError> {
        let store = self.reachable()?;
        let Some(list) = store.logs.get(log) else { return Ok(Vec::new()) };
        let first = list.partition_point(|entry| Some(entry.position) <= behind);
        Ok(list.iter().skip(first).take(most).cloned().collect())
    }

    fn get(&mut self, key: &str) -> Result<Standing, BusError> {
        let store = self.reachable()?;
        let found = store.values.get(key);
        Ok((found.map(|(_, bytes)| bytes.clone()), found.map(|(version, _)| *version)))
    }

    fn compare_and_set_many(&mut self, changes: &[Change<'_>]) -> Result<Vec<Option<Version>>, BusError> {
        let mut store = self.reachable()?;
        let done = changes.iter().map(|change| store.compare_and_set(change));
        Ok(done.collect())
    }

    fn keys(&mut self, prefix: &str, most: usize) -> Result<Vec<String>, BusError> {
        let store = self.reachable()?;
        let from =
            store.values.range::<str, _>((std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded));
        Ok(from.map(|(key, _)| key).take_while(|key| key.starts_with(prefix)).take(most).cloned().collect())
    }

    fn hint(&mut self, name: &str) -> Result<(), BusError> {
        let mut store = self.reachable()?;
        let count = store.hints.entry(name.to_owned()).or_default();
        *count = count.saturating_add(1);
        drop(store);
        self.shared.hinted.notify_all();
        Ok(())
    }

    fn wait(&mut self, names: &[&str], most: Duration) -> Result<bool, BusError> {
        let shared = Arc::clone(&self.shared);
        let until = Instant::now().checked_add(most);
        let mut store = shared.store.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if !store.away {
                let mut woken = self.interrupted != store.interruptions;
                self.interrupted = store.interruptions;
                for name in names {
                    let count = store.hints.get(*name).copied().unwrap_or_default();
                    let seen = self.seen.insert((*name).to_owned(), count);
                    woken |= seen.is_some_and(|seen| seen != count);
                }
                if woken {
                    return Ok(true);
                }
            }
            let left = until.map_or(Duration::MAX, |until| until.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return if store.away { Err(BusError::Away("it was cut off".to_owned())) } else { Ok(false) };
            }
            store = shared.hinted.wait_timeout(store, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn generation(&mut self) -> Result<u64, BusError> {
        let mut store = self.reachable()?;
        if let Some(generation) = store.generation {
            return Ok(generation);
        }
        // Of use only within this process, so a count does; what was forgotten had a smaller one.
        let generation = store.change();
        store.generation = Some(generation);
        Ok(generation)
    }
}
