//! Who the injector of a fleet is: one at a time, each under a higher epoch than the one before.

use serde::{Deserialize, Serialize};
use swarm_bus::{Bus, BusError, Version};

use crate::time::clock;

/// Nanoseconds a lease lasts without being renewed.
pub const LASTS_NS: i64 = 15_000_000_000;

/// A lease as it stands on the bus.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Rises whenever another takes it.
    pub epoch: u64,
    /// Whose it is.
    pub holder: String,
    /// Until when, in nanoseconds since the Unix epoch.
    pub until: i64,
}

/// A lease one holds, or would like to.
#[derive(Debug)]
pub struct Holder {
    key: String,
    name: String,
    held: Option<(Lease, Version)>,
    floor: u64,
}

impl Holder {
    /// For whoever has this name. The epoch will be above the floor.
    pub fn new(key: &str, name: &str, floor: u64) -> Holder {
        Holder { key: key.to_owned(), name: name.to_owned(), held: None, floor }
    }

    /// The epoch, while the lease is held.
    pub fn epoch(&self) -> Option<u64> {
        self.held.as_ref().filter(|(lease, _)| clock() < lease.until).map(|(lease, _)| lease.epoch)
    }

    /// Takes the lease, or renews it; gives its epoch, or who has it.
    ///
    /// # Errors
    /// As [`Bus::compare_and_set`].
    pub fn take(&mut self, bus: &mut dyn Bus) -> Result<Result<u64, Lease>, BusError> {
        let now = clock();
        let (bytes, version) = bus.get(&self.key)?;
        let there: Option<Lease> = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let own = self.held.as_ref().map(|(lease, _)| lease.epoch);
        if let Some(there) = there.as_ref().filter(|there| there.holder != self.name && there.until > now) {
            self.held = None;
            return Ok(Err(there.clone()));
        }
        let before = there.as_ref().map_or(0, |there| there.epoch);
        let renewed = there.as_ref().is_some_and(|there| there.holder == self.name) && own == Some(before);
        let epoch = if renewed { before } else { before.max(self.floor).saturating_add(1) };
        let lease = Lease { epoch, holder: self.name.clone(), until: now.saturating_add(LASTS_NS) };
        let bytes = serde_json::to_vec(&lease).unwrap_or_default();
        Ok(match bus.compare_and_set(&self.key, version, Some(&bytes))? {
            Some(version) => {
                self.floor = epoch;
                self.held = Some((lease, version));
                Ok(epoch)
            }
            None => {
                self.held = None;
                Err(there.unwrap_or(lease))
            }
        })
    }

    /// Gives it back, so that the next need not wait.
    ///
    /// # Errors
    /// As [`Bus::compare_and_set`].
    pub fn give_back(&mut self, bus: &mut dyn Bus) -> Result<(), BusError> {
        if let Some((mut lease, version)) = self.held.take() {
            lease.until = 0;
            let bytes = serde_json::to_vec(&lease).unwrap_or_default();
            bus.compare_and_set(&self.key, version, Some(&bytes))?;
        }
        Ok(())
    }
}
