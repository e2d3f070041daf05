//! Time, the one thing of the outside world the machine itself looks at: only to stop a run at its deadline.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the one place of this crate that reads a clock"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A clock that never goes back. Where it starts does not matter.
pub trait Clock {
    /// Nanoseconds since some fixed point.
    fn now_ns(&self) -> u64;

    /// Waits until a time, if that is for the clock to do; a virtual clock is simply set on. Gives whether
    /// the time has come. If not, which is what a clock does unless it says otherwise, the run stops with
    /// [`crate::PendingKind::Timer`] and the embedder waits.
    fn sleep_until(&self, until_ns: u64) -> bool {
        let _ = until_ns;
        false
    }
}

/// A clock that stands still until it is set on. Clones show the same time.
///
/// ```
/// use swarm_vm::{Clock, VirtualClock};
/// let clock = VirtualClock::default();
/// let shown = clock.clone();
/// clock.advance_to(5_000_000_000);
/// assert_eq!(shown.now_ns(), 5_000_000_000);
/// assert!(shown.sleep_until(6_000_000_000)); // at once
/// assert_eq!(clock.now_ns(), 6_000_000_000);
/// ```
#[derive(Debug, Clone, Default)]
pub struct VirtualClock {
    now_ns: Arc<AtomicU64>,
}

impl VirtualClock {
    /// Sets it on to a time; an earlier one changes nothing.
    pub fn advance_to(&self, now_ns: u64) {
        self.now_ns.fetch_max(now_ns, Ordering::Relaxed);
    }
}

impl Clock for VirtualClock {
    fn now_ns(&self) -> u64 {
        self.now_ns.load(Ordering::Relaxed)
    }

    fn sleep_until(&self, until_ns: u64) -> bool {
        self.advance_to(until_ns);
        true
    }
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
