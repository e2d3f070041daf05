//! When to look at the clock after host calls.

use crate::host::Host;

/// Most calls between two looks.
const MOST_CALLS: u32 = 64;

/// Reading a clock costs more than a call of the host. As long as calls take little of the time that is left, the
/// clock is read after every few of them only, at most every 64.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Look {
    /// Calls until the next look.
    left: u32,
    /// Calls since the last.
    interval: u32,
    last_ns: u64,
}

impl Look {
    /// Counts a call; tells whether it is time to look.
    pub(crate) fn is_due(&mut self, host: &Host<'_>) -> bool {
        if self.left <= 1 || host.is_cancelled() {
            return true;
        }
        self.left = self.left.wrapping_sub(1);
        false
    }

    /// How many calls can be made before the next look, as long as nobody ends the run.
    pub(crate) fn calls_before(&self) -> u32 {
        self.left.saturating_sub(1)
    }

    /// So many calls before the next look were made.
    pub(crate) fn made(&mut self, calls: u32) {
        self.left = self.left.saturating_sub(calls);
    }

    /// The clock was read; `deadline_ns` is the next one that can strike.
    pub(crate) fn looked(&mut self, now_ns: u64, deadline_ns: u64) {
        let passed = now_ns.saturating_sub(self.last_ns);
        let left = deadline_ns.saturating_sub(now_ns);
        self.last_ns = now_ns;
        // The calls since the last look, twice as many and at the same speed, may take an eighth of what is left.
        let quick = passed.saturating_mul(16) <= left;
        self.interval = if quick { self.interval.saturating_mul(2).clamp(1, MOST_CALLS) } else { 1 };
        self.left = self.interval;
    }
}
