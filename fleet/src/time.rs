//! Time as the fleet compares it: a parameter, never a clock that is read here.

/// Nanoseconds in a second.
pub const SECOND: i64 = 1_000_000_000;
/// Nanoseconds in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Nanoseconds in a day.
pub const DAY: i64 = 24 * 60 * MINUTE;

/// How far an agent's clock may be off before a time limit is held against it.
pub const TOLERANCE: i64 = 5 * MINUTE;

/// The moment at which something is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(i64);

impl Moment {
    /// The agent's clock in nanoseconds since the Unix epoch, but never earlier than a signed time it has seen: a
    /// clock that is set back does not bring back what has run out.
    pub fn new(clock: i64, latest_signed: i64) -> Moment {
        Moment(clock.max(latest_signed))
    }

    /// Nanoseconds since the Unix epoch.
    pub fn nanoseconds(self) -> i64 {
        self.0
    }

    /// Whether this time is behind us for certain, [`TOLERANCE`] allowed.
    pub fn is_past(self, end: i64) -> bool {
        self.0.saturating_sub(TOLERANCE) >= end
    }

    /// Whether this time lies ahead of us for certain, [`TOLERANCE`] allowed.
    pub fn is_before(self, start: i64) -> bool {
        self.0.saturating_add(TOLERANCE) < start
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_trusted_to_five_minutes() {
        let noon = Moment::new(1_000 * MINUTE, 0);
        assert!(!noon.is_past(995 * MINUTE + 1) && noon.is_past(995 * MINUTE));
        assert!(!noon.is_before(1_005 * MINUTE) && noon.is_before(1_005 * MINUTE + 1));
    }

    #[test]
    fn a_clock_set_back_does_not_count() {
        assert_eq!(Moment::new(10, 20), Moment::new(20, 0));
    }
}
