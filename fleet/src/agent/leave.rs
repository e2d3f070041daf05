//! How an agent goes, and says so.

use super::{Agent, Command, Context};
use crate::envelope::Envelope;
use crate::message::{Ack, Status};

/// Whether an acknowledgement is a last word.
pub(super) fn says_left(ack: &Envelope) -> bool {
    Ack::decode(&ack.payload).is_ok_and(|ack| ack.status == Status::Left)
}

impl Agent {
    /// It stops: its program, between two steps; its trace, with a chunk that closes it; and itself, with a
    /// last word.
    pub(super) fn leave(&mut self, context: &mut Context<'_>) {
        self.left = true;
        self.close_window(context);
        let started = self.running.or(self.starting.map(|(digest, _)| digest));
        let shadow = self.durable.shadow.as_ref().filter(|_| self.comparison.is_some());
        // A program that is stopped on purpose has not died at its start.
        for digest in started.into_iter().chain(shadow.map(|shadow| shadow.installed.digest)) {
            if let Some(attempts) = self.durable.attempts.get_mut(&digest) {
                *attempts = attempts.saturating_sub(1);
            }
        }
        self.durable.attempts.retain(|_, attempts| *attempts > 0);
        if self.comparison.take().is_some() {
            context.commands.push(Command::StopShadow);
        }
        if self.running.take().is_some() {
            context.commands.push(Command::Stop);
        }
        (self.starting, self.retry_at) = (None, None);
        context.commands.push(Command::Seal(Box::new(self.close(context.clock))));
        if self.durable.mark.payload == [0; 32] {
            // It has accepted nothing there would be something to say of.
            self.persist(context);
        } else {
            self.acknowledge(Status::Left, context);
        }
    }

    /// It starts anew, and has left before: where nothing starts it says how it stands.
    pub(super) fn come_back(&mut self, context: &mut Context<'_>) {
        let left = self.durable.outbox.as_ref().is_some_and(|(_, ack)| says_left(ack));
        if !left || self.starting.is_some() {
            return;
        }
        match self.durable.shadow.as_ref().and_then(|shadow| shadow.over.clone()) {
            // Nobody may have heard what came of the shadow: the last word stood in its place.
            Some(status) => self.acknowledge(status, context),
            None => self.acknowledge_installed(self.standing(), context),
        }
    }
}
