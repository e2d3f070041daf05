//! What happens to a trace that no one takes away. An agent writes chunks to its own disk and never waits for
//! a reader, so a reader that stalls costs nothing until the room on disk is used up. Then a policy counts,
//! and what it gives up is in the trace itself, under the agent's signature.

use super::entry::{Entries, EntryReader, What};
use crate::window::Activation;

/// What gives way when there is no room left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Policy {
    /// The program: nothing is run until there is room again.
    Block,
    /// The disk: chunks are kept without bound.
    #[default]
    Spill,
    /// The trace: of what an activation did only its sums are kept, and how many entries were not.
    Sample,
}

impl Policy {
    /// The policy's name on the command line: `block`, `spill`, `sample`.
    pub const fn name(self) -> &'static str {
        match self {
            Policy::Block => "block",
            Policy::Spill => "spill",
            Policy::Sample => "sample",
        }
    }

    /// The policy of this name.
    pub fn from_name(name: &str) -> Option<Policy> {
        [Policy::Block, Policy::Spill, Policy::Sample].into_iter().find(|policy| policy.name() == name)
    }
}

/// How much of a trace waits on disk, and what that means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    policy: Policy,
    most: u64,
    waiting: u64,
    lost: u64,
}

/// What may happen next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The program runs, and all of it is traced.
    Run,
    /// The program runs, and its trace is thinned: see [`Room::thin`].
    Thin,
    /// The program waits.
    Wait,
}

impl Room {
    /// Room for so many bytes that no one has taken yet.
    pub fn new(policy: Policy, most: u64) -> Room {
        Room { policy, most, waiting: 0, lost: 0 }
    }

    /// Bytes of chunks were written.
    pub fn written(&mut self, bytes: u64) {
        self.waiting = self.waiting.saturating_add(bytes);
    }

    /// A reader has taken bytes away.
    pub fn taken(&mut self, bytes: u64) {
        self.waiting = self.waiting.saturating_sub(bytes);
    }

    /// Bytes that no one has taken yet.
    pub fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Whether an activation may begin.
    pub fn next(&self) -> Next {
        match self.policy {
            _ if self.waiting < self.most => Next::Run,
            Policy::Spill => Next::Run,
            Policy::Sample => Next::Thin,
            Policy::Block => Next::Wait,
        }
    }

    /// Entries that were given up so far.
    pub fn lost(&self) -> u64 {
        self.lost
    }

    /// Keeps of an activation's trace what figures are made of – samples, actions that ended, how it ended –
    /// and says how many entries it left out. Figures stay whole.
    pub fn thin(&mut self, activation: &mut Activation) {
        let mut kept = Entries::default();
        let mut left_out = 0_u64;
        for bytes in activation.entries.iter() {
            match EntryReader::new(bytes).next_entry() {
                Ok(Some(entry)) if counts(&entry.what) => kept.raw(bytes),
                _ => left_out = left_out.saturating_add(1),
            }
        }
        if left_out > 0 {
            kept.own(&What::Lost(left_out));
        }
        self.lost = self.lost.saturating_add(left_out);
        activation.entries = kept;
    }
}

/// Whether figures are made of it.
fn counts(what: &What) -> bool {
    use super::entry::Became;
    match what {
        What::Action(_, _, became) | What::Applied(_, _, became) => *became != Became::Held,
        What::Metric(..) | What::Measured(..) | What::Veto(..) | What::Lost(_) => true,
        _ => false,
    }
}
