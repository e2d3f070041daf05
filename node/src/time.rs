//! The clocks of a process.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A time that never goes back, for what is due; and the computer's clock, for what is signed. The first may
/// go faster than the second, so that an order of two hours can be watched in minutes.
#[derive(Debug, Clone, Copy)]
pub struct Timeline {
    begun: Instant,
    ahead_ns: u64,
    speed: u32,
}

impl Timeline {
    /// A time that begins now, so many times as fast as the computer's.
    pub fn new(speed: u32) -> Timeline {
        Timeline { begun: Instant::now(), ahead_ns: 0, speed: speed.max(1) }
    }

    /// A time that began at this time of the computer's clock, in nanoseconds since the Unix epoch: that of a
    /// process before this one.
    pub fn since(begun: i64, speed: u32) -> Timeline {
        let passed = u64::try_from(clock().saturating_sub(begun)).unwrap_or(0);
        let speed = speed.max(1);
        Timeline { begun: Instant::now(), ahead_ns: passed.saturating_mul(u64::from(speed)), speed }
    }

    /// Nanoseconds since it began.
    pub fn now(&self) -> u64 {
        let passed = u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        passed.saturating_mul(u64::from(self.speed)).saturating_add(self.ahead_ns)
    }

    /// Both times.
    pub fn both(&self) -> (i64, u64) {
        (clock(), self.now())
    }

    /// How long the computer has to wait until a time of this timeline.
    pub fn until(&self, at: u64) -> Duration {
        let left = at.saturating_sub(self.now());
        Duration::from_nanos(left.checked_div(u64::from(self.speed)).unwrap_or(left))
    }
}

/// The computer's clock, in nanoseconds since the Unix epoch.
pub fn clock() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}
