//! What a run may use, and what it may touch.

use std::collections::BTreeSet;
use std::sync::Arc;

use smol_str::SmolStr;
use swarm_bytecode::module::Instruction;

/// Ceilings of one run; every one is finite. Change those that matter:
///
/// ```
/// use swarm_vm::Limits;
/// let limits = Limits::default().fuel(1_000_000).money(5_000_000);
/// assert_eq!(limits.fuel, 1_000_000);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Units of work; about one register op each. 10 million.
    pub fuel: u64,
    /// Logical bytes held at once: registers, values made, collected actions. 1 MiB.
    pub memory_bytes: u64,
    /// Functions active at once. 128.
    pub call_depth: u32,
    /// Actions and queries. 100,000.
    pub host_calls: u64,
    /// Nanoseconds from the first step, by the host's clock. 10 s.
    pub deadline_ns: u64,
    /// Micro-dollars. $10.
    pub money: i64,
    /// Language-model tokens. 100,000.
    pub tokens: i64,
}

/// Fuel beyond this is cut to it, so that sums of fuel never overflow.
pub(crate) const MAX_FUEL: u64 = 1 << 62;

impl Default for Limits {
    fn default() -> Self {
        Limits {
            fuel: 10_000_000,
            memory_bytes: 1 << 20,
            call_depth: 128,
            host_calls: 100_000,
            deadline_ns: 10_000_000_000,
            money: 10_000_000,
            tokens: 100_000,
        }
    }
}

impl Limits {
    /// The limits of an agent that runs a program: the defaults, its part of the header's BUDGET, and
    /// DEADLINE. The BUDGET is dealt out to the agents of TARGET in equal parts; where it does not say how
    /// many there are, it is one agent's.
    pub fn of_header(header: &Instruction) -> Limits {
        let agents = header.target.and_then(|target| target.count.number()).unwrap_or(1);
        let part = |budget: Option<i64>| budget?.checked_div(i64::from(agents));
        let limits = Limits::default();
        Limits {
            money: part(header.budget_money).unwrap_or(limits.money),
            tokens: part(header.budget_tokens).unwrap_or(limits.tokens),
            deadline_ns: header
                .deadline_ns
                .and_then(|deadline| u64::try_from(deadline).ok())
                .unwrap_or(limits.deadline_ns),
            ..limits
        }
    }

    /// Sets the fuel; at most 2⁶² counts.
    #[must_use]
    pub fn fuel(mut self, units: u64) -> Self {
        self.fuel = units.min(MAX_FUEL);
        self
    }

    /// Sets the memory in logical bytes.
    #[must_use]
    pub fn memory_bytes(mut self, bytes: u64) -> Self {
        self.memory_bytes = bytes;
        self
    }

    /// Sets how many functions may be active at once.
    #[must_use]
    pub fn call_depth(mut self, functions: u32) -> Self {
        self.call_depth = functions;
        self
    }

    /// Sets how many actions and queries may be issued.
    #[must_use]
    pub fn host_calls(mut self, calls: u64) -> Self {
        self.host_calls = calls;
        self
    }

    /// Sets the time from the first step, in nanoseconds.
    #[must_use]
    pub fn deadline_ns(mut self, nanoseconds: u64) -> Self {
        self.deadline_ns = nanoseconds;
        self
    }

    /// Sets the money in micro-dollars.
    #[must_use]
    pub fn money(mut self, micro_dollars: i64) -> Self {
        self.money = micro_dollars;
        self
    }

    /// Sets the language-model tokens.
    #[must_use]
    pub fn tokens(mut self, tokens: i64) -> Self {
        self.tokens = tokens;
        self
    }
}

/// Capabilities a program may use. Grants nothing unless told to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grants {
    all: bool,
    /// Shared by clones; `None` is none.
    names: Option<Arc<BTreeSet<SmolStr>>>,
}

impl Grants {
    /// No capability.
    pub fn none() -> Grants {
        Grants::default()
    }

    /// Every capability a program asks for.
    pub fn all() -> Grants {
        Grants { all: true, names: None }
    }

    /// Adds a capability by its name (`cpu.throttle`).
    #[must_use]
    pub fn with(mut self, name: &str) -> Grants {
        Arc::make_mut(self.names.get_or_insert_default()).insert(name.into());
        self
    }

    /// Whether a capability is granted.
    pub fn contains(&self, name: &str) -> bool {
        self.all || self.names.as_ref().is_some_and(|names| names.contains(name))
    }
}

impl<S: AsRef<str>> FromIterator<S> for Grants {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Grants {
        names.into_iter().fold(Grants::none(), |grants, name| grants.with(name.as_ref()))
    }
}
