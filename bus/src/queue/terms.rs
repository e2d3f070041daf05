//! What goes into a queue and comes out of it.

use serde::{Deserialize, Serialize};

use crate::BusError;

/// How a queue works. Whoever opens it first decides; it stays so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// In how many parts its state is kept, 1 to 1,024. Workers that change the same part wait for each other.
    pub shards: u16,
    /// How often a task is tried that does not say so itself.
    pub attempts: u32,
    /// How long a task rests after its first failed try, in milliseconds; twice as long after each further one.
    pub pause: u64,
    /// How many tasks may be open at once, roughly.
    pub most_open: u64,
    /// How many completed tasks are remembered, roughly: so long adding one of them again has no effect.
    pub keep_done: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { shards: 16, attempts: 3, pause: 1_000, most_open: 100_000, keep_done: 1_000 }
    }
}

impl Settings {
    /// How long a task rests after so many tries, in milliseconds.
    pub(super) fn pause(&self, tried: u32) -> u64 {
        let doubled = 1_u64.checked_shl(tried.saturating_sub(1)).unwrap_or(u64::MAX);
        self.pause.saturating_mul(doubled)
    }

    /// The share of a part in what is meant for the whole.
    pub(super) fn share(&self, whole: u64) -> usize {
        usize::try_from(whole.div_ceil(u64::from(self.shards).max(1))).unwrap_or(usize::MAX)
    }
}

/// A task to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// Its identifier: adding a second task of the same one has no effect.
    pub id: String,
    /// What is to be done.
    pub payload: Vec<u8>,
    /// Higher ones are claimed first.
    pub priority: u8,
    /// How often it is tried; none: as the queue's settings say.
    pub attempts: Option<u32>,
}

/// A task that is ours for a while. Whoever holds it may keep it on disk over a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The task.
    pub id: String,
    /// What is to be done.
    pub payload: Vec<u8>,
    /// Its priority.
    pub priority: u8,
    /// The how manieth try this is, from 1.
    pub attempt: u32,
    /// Until when it is ours, in milliseconds, unless [`Queue::update`](super::Queue::update) makes it longer.
    pub until: u64,
    /// The number of the claim: no two claims of a task have the same.
    pub(super) number: u64,
}

/// What adding a task came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It was added.
    New,
    /// It was there, or completed before. Nothing changed.
    Known,
    /// There is a task of the same identifier with another payload. Nothing changed.
    Other,
}

/// What completing a task came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Completed {
    /// It is done now.
    Now,
    /// It was completed by the same claim before, and is as that left it.
    Before,
}

/// What becomes of a task whose try failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is tried again.
    Again {
        /// Not before this time, in milliseconds.
        from: u64,
    },
    /// It was tried as often as it may be.
    Dead,
}

/// How many tasks there are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those that wait.
    pub ready: u64,
    /// Those somebody has, or had and let the time pass.
    pub leased: u64,
    /// Those that were completed and are remembered.
    pub done: u64,
    /// Those that are not tried again.
    pub dead: u64,
}

/// Why a queue did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueueError {
    /// The bus did not do its part.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The task of this identifier could not be changed.
    #[error("task {0}: {1}")]
    Task(String, Loss),
    /// An identifier or name that is empty or too long, or settings out of range.
    #[error("{0}")]
    Unfit(String),
    /// What stands on the bus is no queue of ours.
    #[error("{0} is not what a queue writes")]
    Broken(String),
    /// Too many changed the same part at once.
    #[error("too many change the queue at once")]
    Busy,
}

/// Why a task was not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// Somebody else has it, or it is no longer open.
    #[error("it is not held by this claim any more")]
    Taken,
    /// There is none of this identifier.
    #[error("there is no such task")]
    Unknown,
    /// There are as many open tasks as there may be.
    #[error("the queue is full")]
    Full,
}
