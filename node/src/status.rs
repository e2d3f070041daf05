//! How an order stands, as the injector tells it: for those who watch, not for those who decide.

use serde::{Deserialize, Serialize};
use swarm_fleet::injector::{Accounting, Injector};
use swarm_fleet::message::Status as AgentStatus;
use swarm_fleet::name::Name;

/// How an order stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The order's id in hexadecimal digits.
    pub order: String,
    /// The program's name.
    pub program: String,
    /// The author's version.
    pub version: u32,
    /// SHA-256 of the program.
    pub digest: String,
    /// The revision of the last step.
    pub revision: String,
    /// Where the plan stands, in a word.
    pub phase: String,
    /// Nanoseconds of the injector's time since the order began.
    pub now_ns: u64,
    /// Nanoseconds from the order's begin to its end.
    pub lasts_ns: u64,
    /// How many waves are planned.
    pub planned: usize,
    /// Those that went out.
    pub waves: Vec<Wave>,
    /// All targets of the plan.
    pub targets: usize,
    /// Those that were reached.
    pub reached: Counts,
    /// Rises when an answer comes that was counted as silent before.
    pub report_revision: u32,
    /// Targets that were reached and are not active: name, what they count as, and why.
    pub exceptions: Vec<(String, String, String)>,
    /// Targets in whose name another key signed than the one they were first seen with.
    #[serde(default)]
    pub strangers: Vec<String>,
    /// What is expected, and whether it holds.
    pub expected: Vec<(String, bool)>,
    /// How many of the expectations are judged for good.
    #[serde(default)]
    pub judged: usize,
    /// What left its course.
    pub alerts: Vec<String>,
    /// What the injector suffers from.
    pub trouble: Option<String>,
}

/// A wave that went out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wave {
    /// Targets reached with it.
    pub reach: u32,
    /// When it went out, in nanoseconds since the order began.
    pub at_ns: u64,
    /// When its gate decided.
    pub judged_ns: Option<u64>,
    /// Whether it held.
    pub passed: Option<bool>,
    /// What it saw.
    pub seen: Counts,
}

/// Targets, and what they did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// All that were reached.
    pub targets: u32,
    /// Do what is desired.
    pub active: u32,
    /// Took nothing of it.
    pub refused: u32,
    /// Could not.
    pub failed: u32,
    /// Said nothing.
    pub silent: u32,
}

impl From<Accounting> for Counts {
    fn from(accounting: Accounting) -> Counts {
        let Accounting { targets, active, refused, failed, silent } = accounting;
        Counts { targets, active, refused, failed, silent }
    }
}

impl Counts {
    /// As the injector counts.
    pub fn accounting(self) -> Accounting {
        let Counts { targets, active, refused, failed, silent } = self;
        Accounting { targets, active, refused, failed, silent }
    }

    /// Those that are not active.
    pub fn not_active(self) -> u32 {
        self.targets.saturating_sub(self.active)
    }
}

impl Status {
    /// Of an injector at work.
    pub fn of(injector: &Injector, now_ns: u64) -> Status {
        let order = &injector.plan().order;
        let wave = |wave: &swarm_fleet::injector::WaveReport| Wave {
            reach: wave.reach,
            at_ns: wave.at_ns,
            judged_ns: wave.judged_ns,
            passed: wave.passed,
            seen: wave.accounting.into(),
        };
        let why =
            |status: Option<&AgentStatus>| status.map_or_else(String::new, |status| status.why().to_owned());
        let exceptions = injector.exceptions().into_iter();
        Status {
            order: order.id.iter().map(|byte| format!("{byte:02x}")).collect(),
            program: order.name.to_string(),
            version: order.version,
            digest: swarm_bytecode::codec::digest_text(&order.digest),
            revision: injector.durable().map_or_else(String::new, |own| own.revision.to_string()),
            phase: injector.phase().map_or("about to begin", |phase| phase.name()).to_owned(),
            now_ns,
            lasts_ns: u64::try_from(order.not_after.saturating_sub(order.not_before)).unwrap_or(0),
            planned: injector.plan().waves.len(),
            waves: injector.waves().iter().map(wave).collect(),
            targets: injector.targets().len(),
            reached: injector.accounting().into(),
            report_revision: injector.report_revision(),
            exceptions: exceptions
                .map(|(name, counts_as, status)| (name.to_string(), counts_as.to_owned(), why(status)))
                .collect(),
            strangers: injector.strangers().map(Name::to_string).collect(),
            ..Status::default()
        }
    }

    /// Whether all waves are out, or the order has reached its goal, and every target reached is active.
    pub fn converged(&self) -> bool {
        matches!(self.phase.as_str(), "converged" | "stopped") && self.reached.not_active() == 0
    }

    /// Whether no wave will follow by itself, and all have answered.
    pub fn settled(&self) -> bool {
        !matches!(self.phase.as_str(), "" | "about to begin" | "rolling")
    }
}
