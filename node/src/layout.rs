//! Under which names a fleet's things stand on a bus.

use swarm_fleet::name::Name;

/// Orders as governors write them.
pub const INSTRUCTIONS: &str = "swarm:instructions";

/// What came of orders, for governors.
pub const RESULTS: &str = "swarm:execution:results";

/// The fleet's figures, a window after the other.
pub const METRICS: &str = "swarm:metrics:aggregate";

/// How the fleet is.
pub const HEALTH: &str = "swarm:health:status";

/// The fleet's figures over time.
pub const HISTORY: &str = "swarm:performance:history";

/// What leaves its course.
pub const ALERTS: &str = "swarm:alerts";

/// A signed part of an agent's trace, by when it begins: the agent's clock in milliseconds since the Unix epoch.
pub fn trace_key(agent: &Name, clock: i64) -> String {
    format!("trace:{agent}:{:013}", clock.max(0) / 1_000_000)
}

/// Most entries of a log of messages.
pub const KEEP: u64 = 8192;

/// Most entries of the log of traces.
pub const TRACES: u64 = 1 << 16;

/// Most entries that are read at once.
pub const READ: usize = 256;

/// The names of one fleet.
#[derive(Debug, Clone)]
pub struct Layout {
    /// Value: the desired state.
    pub desired: String,
    /// Value: who the injector is.
    pub lease: String,
    /// Value: how the order stands, as [`crate::status::Status`].
    pub status: String,
    /// Log: what agents say to the injector.
    pub acks: String,
    /// Log: what agents say to the monitor.
    pub windows: String,
    /// Log: signed parts of agents' traces.
    pub traces: String,
    /// Log: what agents are told.
    pub replies: String,
    /// Log: signed plans, as [`crate::submission::Submission`].
    pub plans: String,
    /// Log: whether a plan was taken.
    pub answers: String,
    /// Values: the agents, by process.
    pub registry: String,
    /// Values: what they do, by process.
    pub states: String,
    /// Values: when a process was last seen.
    pub beats: String,
    /// Hint: for agents.
    pub to_agents: String,
    /// Hint: for the injector.
    pub to_injector: String,
    /// Hint: the status has changed.
    pub to_operators: String,
}

impl Layout {
    /// The names of a fleet.
    pub fn new(fleet: &Name) -> Layout {
        let under = |what: &str| format!("swarm:{fleet}:{what}");
        Layout {
            desired: under("desired"),
            lease: under("lease"),
            status: under("status"),
            acks: under("acks"),
            windows: under("windows"),
            traces: under("traces"),
            replies: under("replies"),
            plans: under("plans"),
            answers: under("answers"),
            registry: under("roster:"),
            states: under("states:"),
            beats: under("beats:"),
            to_agents: under("to-agents"),
            to_injector: under("to-injector"),
            to_operators: under("to-operators"),
        }
    }
}
