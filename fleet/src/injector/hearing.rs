//! What an injector hears: acknowledgements, and agents that ask to be admitted. What another key signed than
//! the agent's own counts for nothing.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{Command, Injector, SKEW_FLAGGED, SKEW_REFUSED, STRIDE};
use crate::envelope::{ACK_TYPE, CHECKPOINT_TYPE, Envelope};
use crate::message::{Ack, Checkpoint, FromAgent, ToAgent};
use crate::name::Name;

impl Injector {
    pub(super) fn message(
        &mut self,
        agent: &Name,
        message: &FromAgent,
        (clock, now): (i64, u64),
        commands: &mut Vec<Command>,
    ) {
        let Some(rank) = self.ranks.get(agent).copied() else { return };
        match message {
            FromAgent::Ack(envelope) => {
                let revision = self.report_revision;
                let sequence = self.acknowledged(rank, agent, envelope, clock, now);
                if let Some(durable) = self.durable.as_mut().filter(|_| revision != self.report_revision) {
                    durable.report_revision = self.report_revision;
                    commands.push(Command::Persist(Box::new(durable.clone())));
                }
                if let Some(sequence) = sequence {
                    commands.push(Command::Send(agent.clone(), ToAgent::Covered { sequence }));
                }
            }
            FromAgent::Admit { nonce } => {
                commands.extend(
                    self.checkpoint(agent, *nonce).map(|answer| Command::Send(agent.clone(), answer)),
                );
            }
            FromAgent::Read | FromAgent::Window(_) | FromAgent::Compared(_) => {}
        }
    }

    /// Takes an acknowledgement, if it is the agent's own and about a step of this plan; gives the number up
    /// to which the agent need not repeat itself.
    fn acknowledged(
        &mut self,
        rank: usize,
        agent: &Name,
        envelope: &Envelope,
        clock: i64,
        now: u64,
    ) -> Option<u64> {
        let key = self.keys.get(rank)?;
        if envelope.check(ACK_TYPE, |id| (*id == key.id()).then_some(key)).is_err() {
            // Anyone can do that. It counts for nothing, and is named.
            if Ack::decode(&envelope.payload).is_ok_and(|ack| ack.agent == *agent) {
                self.strangers.insert(rank);
            }
            return None;
        }
        let ack = Ack::decode(&envelope.payload).ok().filter(|ack| ack.agent == *agent)?;
        let record = self.current_record();
        let standing = self.standings.get_mut(rank)?;
        // Of a step that is not this injector's there is nothing to account for.
        if !self.issued.contains(&ack.record) {
            return None;
        }
        let before = standing.counts_as(record);
        let payload = Sha256::digest(&envelope.payload).into();
        standing.take(&ack, payload, (clock, now), (SKEW_FLAGGED, SKEW_REFUSED));
        let (sequence, after) = (standing.sequence, standing.counts_as(record));
        if rank < self.reach() {
            self.tally.recounts(before, after);
        }
        let judged = self
            .waves
            .iter()
            .any(|wave| wave.passed.is_some() && usize::try_from(wave.reach).is_ok_and(|reach| rank < reach));
        if before == "silent" && judged && after != before {
            self.report_revision = self.report_revision.saturating_add(1);
        }
        Some(sequence)
    }

    fn checkpoint(&self, agent: &Name, nonce: u64) -> Option<ToAgent> {
        let durable = self.durable.as_ref()?;
        let heard = self.ranks.get(agent).and_then(|rank| self.standings.get(*rank));
        let heard = heard.map_or(0, |standing| standing.sequence);
        let checkpoint = Checkpoint {
            agent: agent.clone(),
            nonce,
            revision: durable.revision,
            record: Sha256::digest(&durable.directive.record().payload).into(),
            order: self.plan.order.id,
            sequence: heard.saturating_add(STRIDE),
        };
        let mut envelope = Envelope::new(CHECKPOINT_TYPE, checkpoint.encode());
        envelope.sign(&self.key).ok()?;
        Some(ToAgent::Checkpoint(Arc::new(envelope)))
    }

    /// Someone else than a target has a key in its name, as far as is known.
    pub fn suspect(&mut self, agent: &Name) {
        self.strangers.extend(self.ranks.get(agent));
    }

    /// Targets in whose name another key signed than theirs.
    pub fn strangers(&self) -> impl Iterator<Item = &Name> {
        self.strangers.iter().filter_map(|rank| self.targets.get(*rank))
    }
}
