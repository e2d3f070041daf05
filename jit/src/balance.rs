//! Whether compiled code is worth the ways into it and out of it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::Choice;
use crate::session::Visit;

/// What a program did in compiled code, all runs of it together.
#[derive(Debug, Default)]
pub(crate) struct Balance {
    /// Fuel it used there, but for what the interpreter would have done as quickly.
    fuel: AtomicU64,
    /// The ways, in the fuel that the interpreter would do in that time.
    ways: AtomicU64,
}

impl Balance {
    /// Fuel or ways before which nothing is said.
    const TRIAL: u64 = 100_000;
    /// What it takes to enter compiled code, to call a helper and to call the host.
    const ENTRY: u64 = 1_000;
    const HELPER: u64 = 30;
    const CALL: u64 = 30;

    /// Adds a visit that has used so much fuel.
    pub(crate) fn add(&self, fuel: u64, visit: Visit) {
        self.fuel.fetch_add(fuel.saturating_sub(visit.passed), Ordering::Relaxed);
        self.ways.fetch_add(ways(visit), Ordering::Relaxed);
    }

    /// The fuel.
    #[cfg(test)]
    pub(crate) fn fuel(&self) -> u64 {
        self.fuel.load(Ordering::Relaxed)
    }

    /// What was found out so far.
    pub(crate) fn choice(&self) -> Choice {
        self.choice_with(0, Visit::default())
    }

    /// The same, with a visit that is not over.
    pub(crate) fn choice_with(&self, fuel: u64, visit: Visit) -> Choice {
        let fuel = self.fuel.load(Ordering::Relaxed).saturating_add(fuel.saturating_sub(visit.passed));
        let ways = self.ways.load(Ordering::Relaxed).saturating_add(ways(visit));
        match fuel.max(ways) {
            0..Balance::TRIAL => Choice::Open,
            _ if fuel > ways => Choice::Compiled,
            _ => Choice::Interpreter,
        }
    }
}

fn ways(visit: Visit) -> u64 {
    let helpers = visit.helpers.saturating_mul(Balance::HELPER);
    let calls = visit.calls.saturating_mul(Balance::CALL);
    visit.entries.saturating_mul(Balance::ENTRY).saturating_add(helpers).saturating_add(calls)
}
