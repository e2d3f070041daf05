//! What is known of one target, and the sum over all.

use crate::message::{Ack, Status};
use crate::order::Sha256Digest;

/// What is known of a target. The acknowledgement with the highest number counts, not the last to arrive.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// What it said last; `None`: nothing.
    pub status: Option<Status>,
    /// The record it spoke of.
    pub record: Sha256Digest,
    /// The number of that acknowledgement.
    pub sequence: u64,
    /// In which of its starts.
    pub incarnation: u64,
    /// Where its trace stood, by its own signature.
    pub head: crate::message::TraceHead,
    /// When the injector heard it, in nanoseconds since the start.
    pub heard_ns: Option<u64>,
    /// Nanoseconds its clock is off, if that is much.
    pub skew_ns: Option<u64>,
    payload: Sha256Digest,
}

impl Standing {
    /// Takes an acknowledgement that the agent signed.
    pub(super) fn take(
        &mut self,
        ack: &Ack,
        payload: Sha256Digest,
        (clock, now): (i64, u64),
        (flagged, refused): (u64, u64),
    ) {
        if ack.sequence == self.sequence && self.status.is_some() && payload != self.payload {
            self.status = Some(Status::Failed("two agents have this name and number".into()));
            return;
        }
        if ack.sequence <= self.sequence && self.status.is_some() {
            return;
        }
        let skew = ack.clock.abs_diff(clock);
        let over = self.status.clone().filter(|status| status.is_final() && self.record == ack.record);
        let status = match (&ack.status, over) {
            _ if skew > refused => Status::Refused("clock".into()),
            // Who leaves after the order was over here has done with it what it did.
            (Status::Left, Some(over)) => over,
            (status, _) => status.clone(),
        };
        *self = Standing {
            status: Some(status),
            record: ack.record,
            sequence: ack.sequence,
            incarnation: ack.incarnation,
            head: ack.head,
            heard_ns: Some(now),
            skew_ns: (skew > flagged).then_some(skew),
            payload,
        };
    }

    /// As what it counts: `active`, `refused`, `failed` or `silent`. Where a certain record has to be
    /// answered, an answer to another one is none.
    pub fn counts_as(&self, record: Option<Sha256Digest>) -> &'static str {
        match &self.status {
            Some(status) if record.is_none_or(|record| record == self.record) => status.name(),
            _ => "silent",
        }
    }
}

/// Targets, and what they did. The parts are always the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Accounting {
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

impl Accounting {
    /// With one target more.
    #[must_use]
    pub(crate) fn with(mut self, counts_as: &str) -> Accounting {
        self.targets = self.targets.saturating_add(1);
        let part = self.part(counts_as);
        *part = part.saturating_add(1);
        self
    }

    /// One target counts as something else now.
    pub(super) fn recounts(&mut self, before: &str, after: &str) {
        let part = self.part(before);
        *part = part.saturating_sub(1);
        let part = self.part(after);
        *part = part.saturating_add(1);
    }

    fn part(&mut self, counts_as: &str) -> &mut u32 {
        match counts_as {
            "active" => &mut self.active,
            "refused" => &mut self.refused,
            "failed" => &mut self.failed,
            _ => &mut self.silent,
        }
    }

    /// Whether the parts are the whole.
    pub fn adds_up(&self) -> bool {
        let parts = [self.active, self.refused, self.failed, self.silent];
        parts.iter().try_fold(0_u32, |sum, part| sum.checked_add(*part)) == Some(self.targets)
    }

    /// Those that are not active.
    pub fn not_active(&self) -> u32 {
        self.targets.saturating_sub(self.active)
    }

    /// Failed, refused and silent, of all: in parts per million, rounded up.
    pub fn error_rate(&self) -> i64 {
        let parts = i64::from(self.not_active()).saturating_mul(1_000_000);
        let targets = i64::from(self.targets.max(1));
        parts.saturating_add(targets.saturating_sub(1)).checked_div(targets).unwrap_or(0)
    }
}
