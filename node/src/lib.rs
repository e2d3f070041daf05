//! The processes of a fleet: the machines of `swarm_fleet` driven by a real clock, a real disk and a bus.
//!
//! [`agents::Agents`] is a process with any number of agents, [`injector::Process`] the injector of a fleet,
//! [`monitor::Process`] who follows its figures, and [`operator::Operator`] whoever looks at a fleet or sends
//! it something. They meet on a [`swarm_bus::Bus`] under the names of [`layout::Layout`], and believe nothing
//! they find there that is not signed.
//!
//! What must be on disk before something is done or said is written by [`disk::Disk`]: all that came up in
//! one turn of a process goes there together, before any of it is acted on.

pub mod agents;
pub mod disk;
pub mod injector;
pub mod layout;
pub mod lease;
pub mod monitor;
pub mod operator;
pub mod registry;
pub mod status;
pub mod submission;
pub mod time;
pub mod watcher;

use std::path::PathBuf;

use swarm_bus::BusError;
use swarm_fleet::refusal::Refusal;

/// Why a process could not go on, or was not asked to begin.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The bus.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The disk.
    #[error("{path}: {error}")]
    Disk {
        /// Where.
        path: PathBuf,
        /// What.
        error: std::io::Error,
    },
    /// Something signed, or meant to be, is not accepted.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Anything else, in a sentence.
    #[error("{0}")]
    Other(String),
}
