//! What the commands of a fleet share: its bus and its trust file, and how a plan is made.

pub(crate) mod draft;
pub(crate) mod embedded;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use swarm_bus::{Bus, BusError};
use swarm_fleet::key::SecretKey;
use swarm_fleet::time::SECOND;
use swarm_fleet::trust::Trust;
use swarm_node::NodeError;
use swarm_node::disk::Disk;

use crate::keys;
use crate::status::{Failure, Fault, Status};

/// Says when a process is told to stop: by SIGTERM, SIGHUP or Ctrl-C. Who is told a second time ends at once.
///
/// # Errors
/// The system takes no handler.
pub(crate) fn told_to_stop() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let own = Arc::clone(&stop);
    let handler = move || {
        if own.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    };
    ctrlc::set_handler(handler).map_err(|error| Failure::usage(Fault::NoState, error))?;
    Ok(stop)
}

/// Opens a bus.
pub(crate) fn open(url: &str) -> Result<Box<dyn Bus>, Failure> {
    swarm_bus::open(url).map_err(|error| no_bus(&error))
}

/// A bus that cannot be used.
pub(crate) fn no_bus(error: &BusError) -> Failure {
    Failure::usage(Fault::NoBus, error)
}

/// What stopped a process, or kept it from beginning.
pub(crate) fn failure(error: &NodeError) -> Failure {
    match error {
        NodeError::Bus(error) => no_bus(error),
        NodeError::Disk { .. } => Failure::usage(Fault::NoState, error),
        NodeError::Refused(refusal) => {
            Failure::coded(Status::Refused, refusal.code(), refusal).note(refusal.help())
        }
        NodeError::Other(message) => Failure::usage(Fault::WrongData, message),
    }
}

/// A trust file that is signed by its own roots and valid now.
pub(crate) fn read_trust(path: &Path) -> Result<Arc<Trust>, Failure> {
    let envelope = keys::read_envelope(path)?;
    let trust = Trust::accept(&envelope, None).map_err(|refusal| keys::refused(path, &refusal))?;
    Ok(Arc::new(trust))
}

/// Secret keys.
pub(crate) fn read_keys(paths: &[std::path::PathBuf]) -> Result<Vec<SecretKey>, Failure> {
    paths.iter().map(|path| keys::read_secret(path)).collect()
}

/// The disk of a process: a file in its directory, or none.
pub(crate) fn disk(directory: Option<&Path>, file: &str) -> Result<Disk, Failure> {
    match directory {
        Some(directory) => Disk::open(&directory.join(file)).map_err(|error| failure(&error)),
        None => Ok(Disk::in_memory()),
    }
}

/// A duration as it is written on the command line, at least a hundredth of a second.
pub(crate) fn positive(nanoseconds: i64) -> u64 {
    u64::try_from(nanoseconds.max(SECOND / 100)).unwrap_or(0)
}
