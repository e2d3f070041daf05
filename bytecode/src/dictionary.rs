//! Well-known names. A module writes the index instead of the name, so a small program stays small.
//!
//! The list is only ever appended to: an index means the same name for good. A module's header says how many
//! entries its writer knew, so that an old module keeps its one form; a reader that knows fewer refuses it by
//! that number, not by a wrong name. Whoever appends names adds the new length to [`LENGTHS`].

use std::sync::LazyLock;

/// The names, by index. Append only.
pub static NAMES: &[&str] = &[
    "START",
    // Types and their fields
    "Task",
    "id",
    "name",
    "cpu_time",
    "memory",
    "network",
    "cost",
    "tokens",
    "priority",
    "region",
    "status",
    "tags",
    "Agent",
    "role",
    "load",
    // Inputs
    "task_queue",
    "agent",
    "now",
    // Metrics (`memory` stands above)
    "latency",
    "cpu",
    "error_rate",
    // Actions and their capabilities
    "REDUCE_CPU_THROTTLE",
    "cpu.throttle",
    "REDUCE_MEMORY_CACHE",
    "memory.trim",
    "ROUTE_TO_CHEAPER_REGION",
    "network.route",
    "REPORT_METRICS_EVERY",
    "metrics.report",
    "LOG",
    "log.write",
    // Units (`tokens` stands above)
    "ns",
    "us",
    "ms",
    "s",
    "min",
    "h",
    "d",
    "B",
    "KB",
    "MB",
    "GB",
    "bps",
    "Kbps",
    "Mbps",
    "Gbps",
    "USD",
];

/// The lengths the list has had, ascending; the last is that of today.
pub static LENGTHS: &[usize] = &[48];

/// The index of a name, if it is well known.
pub fn index_of(name: &str) -> Option<usize> {
    // By length first: that tells most names apart.
    static PLACES: LazyLock<Vec<(usize, &str, usize)>> = LazyLock::new(|| {
        let mut places: Vec<_> = NAMES.iter().zip(0..).map(|(name, at)| (name.len(), *name, at)).collect();
        places.sort_unstable();
        places
    });
    let found =
        PLACES.binary_search_by(|(length, known, _)| (*length, *known).cmp(&(name.len(), name))).ok()?;
    PLACES.get(found).map(|(_, _, at)| *at)
}

/// The name at an index.
pub fn name(index: usize) -> Option<&'static str> {
    NAMES.get(index).copied()
}

/// The name that stands behind a well-known one: behind an action's, the capability it needs.
pub fn behind(name: &str) -> Option<&'static str> {
    index_of(name)?.checked_add(1).and_then(|next| NAMES.get(next).copied())
}
