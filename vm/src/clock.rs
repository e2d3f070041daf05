//! Time, the one thing of the outside world the machine itself looks at: only to stop a run at its deadline.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the one place of this crate that reads a clock"
)]

/// A clock that never goes back. Where it starts does not matter.
pub trait Clock {
    /// Nanoseconds since some fixed point.
    fn now_ns(&self) -> u64;
}

/// The machine's monotonic clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemClock {
    start: std::time::Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        SystemClock { start: now() }
    }
}

impl Clock for SystemClock {
    fn now_ns(&self) -> u64 {
        let elapsed = now().saturating_duration_since(self.start);
        u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX)
    }
}

fn now() -> std::time::Instant {
    std::time::Instant::now()
}
