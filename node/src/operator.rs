//! Whoever looks at a fleet or sends it something.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};
use swarm_bus::{Bus, BusError, Position};
use swarm_bytecode::codec::digest_text;
use swarm_fleet::envelope::{Envelope, RECORD_TYPE};
use swarm_fleet::key::SecretKey;
use swarm_fleet::message::FromAgent;
use swarm_fleet::message::wire::decode_reports;
use swarm_fleet::name::Name;
use swarm_fleet::order::Revision;
use swarm_fleet::plan::Plan;
use swarm_fleet::record::{Directive, Record, Step};
use swarm_fleet::refusal::{Cause, Refusal};
use swarm_fleet::shadow::Comparisons;

use crate::NodeError;
use crate::layout::{KEEP, Layout, READ};
use crate::status::Status;
use crate::submission::Submission;
use crate::time::clock;

pub use crate::injector::Answer;

/// What an operator wants of a fleet beside a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// Nothing runs.
    Halt,
    /// What was halted runs again.
    Resume,
    /// What ran before runs again.
    Rollback,
}

/// A connection to a fleet.
pub struct Operator {
    layout: Layout,
    bus: Box<dyn Bus>,
    answers: Option<Position>,
    windows: Option<Position>,
}

impl std::fmt::Debug for Operator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Operator").finish_non_exhaustive()
    }
}

impl Operator {
    /// For a fleet.
    pub fn new(fleet: &Name, bus: Box<dyn Bus>) -> Operator {
        Operator { layout: Layout::new(fleet), bus, answers: None, windows: None }
    }

    /// The bus.
    pub fn bus(&mut self) -> &mut dyn Bus {
        &mut *self.bus
    }

    /// The fleet's names on it.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The desired state. Nothing is known of its signatures.
    ///
    /// # Errors
    /// [`NodeError::Bus`]; [`NodeError::Refused`] where something else stands there.
    pub fn desired(&mut self) -> Result<Option<Arc<Directive>>, NodeError> {
        let (bytes, _) = self.bus.get(&self.layout.desired)?;
        Ok(bytes.map(|bytes| Directive::decode(&bytes)).transpose()?.map(Arc::new))
    }

    /// How the order stands, as the injector says.
    ///
    /// # Errors
    /// [`NodeError::Bus`].
    pub fn status(&mut self) -> Result<Option<Status>, BusError> {
        let (bytes, _) = self.bus.get(&self.layout.status)?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Takes up what agents have told of a program in shadow since it was asked last.
    ///
    /// # Errors
    /// [`NodeError::Bus`].
    pub fn compared(&mut self, comparisons: &mut Comparisons) -> Result<(), BusError> {
        loop {
            let entries = self.bus.read(&self.layout.windows, self.windows, READ)?;
            for entry in &entries {
                self.windows = Some(entry.position);
                // What is no message of ours is passed over.
                for (agent, message) in decode_reports(&entry.bytes).unwrap_or_default() {
                    if let FromAgent::Compared(comparison) = message
                        && comparison.agent == agent
                    {
                        comparisons.take(&comparison);
                    }
                }
            }
            if entries.len() < READ {
                return Ok(());
            }
        }
    }

    /// Waits until the status changes, at most so long.
    ///
    /// # Errors
    /// [`NodeError::Bus`].
    pub fn wait(&mut self, longest: Duration) -> Result<bool, BusError> {
        self.bus.wait(&[&self.layout.to_operators], longest)
    }

    /// Sends a plan, and waits for the injector's answer; `None`: none came in time.
    ///
    /// # Errors
    /// [`NodeError::Bus`].
    pub fn submit(
        &mut self,
        submission: &Submission,
        patience: Duration,
    ) -> Result<Option<Answer>, NodeError> {
        // The same bytes may have been refused before: what counts is the answer to this time.
        self.answer(submission)?;
        self.bus.append(&self.layout.plans, &[&submission.encode()], KEEP)?;
        self.bus.hint(&self.layout.to_injector)?;
        let begun = Instant::now();
        loop {
            if let Some(answer) = self.answer(submission)? {
                return Ok(Some(answer));
            }
            let left = patience.saturating_sub(begun.elapsed());
            if left.is_zero() {
                return Ok(None);
            }
            self.wait(left.min(Duration::from_millis(200)))?;
        }
    }

    /// The last answer to a plan among those that were not read yet.
    ///
    /// # Errors
    /// [`NodeError::Bus`].
    pub fn answer(&mut self, submission: &Submission) -> Result<Option<Answer>, BusError> {
        let digest = digest_text(&submission.digest());
        let mut found = None;
        loop {
            let entries = self.bus.read(&self.layout.answers, self.answers, READ)?;
            for entry in &entries {
                self.answers = Some(entry.position);
                let answer: Option<Answer> = serde_json::from_slice(&entry.bytes).ok();
                found = answer.filter(|answer| answer.submission == digest).or(found);
            }
            if entries.len() < READ {
                return Ok(found);
            }
        }
    }

    /// Takes a step in the publishers' own name, straight to the agents: it works without an injector too.
    /// Gives the revision of the step.
    ///
    /// # Errors
    /// [`NodeError::Bus`]; [`NodeError::Refused`] with [`Cause::NoPlan`] where nothing is desired.
    pub fn step(&mut self, intent: Intent, keys: &[SecretKey]) -> Result<Revision, NodeError> {
        loop {
            let (bytes, version) = self.bus.get(&self.layout.desired)?;
            let Some(bytes) = bytes else {
                return Err(Refusal::new(Cause::NoPlan, "nothing is desired of this fleet").into());
            };
            let directive = Directive::decode(&bytes)?;
            let (record, revision) = next(&directive, intent)?;
            let mut envelope = Envelope::new(RECORD_TYPE, record.encode());
            for key in keys {
                envelope.sign(key)?;
            }
            let bytes = directive.followed_by(envelope).encode();
            if self.bus.compare_and_set(&self.layout.desired, version, Some(&bytes))?.is_some() {
                self.bus.hint(&self.layout.to_agents)?;
                self.bus.hint(&self.layout.to_injector)?;
                return Ok(revision);
            }
        }
    }
}

/// The step after what is desired.
fn next(directive: &Directive, intent: Intent) -> Result<(Record, Revision), NodeError> {
    let plan = Plan::decode(&directive.plan().payload)?;
    let last = Record::decode(&directive.record().payload)?;
    let revision = Revision { epoch: last.revision.epoch, counter: last.revision.counter.saturating_add(1) };
    let step = match intent {
        Intent::Halt => Step::Halt,
        Intent::Resume => Step::Resume,
        Intent::Rollback => {
            Step::Rollback { from: plan.order.digest, to: plan.former.as_ref().map(|former| former.digest) }
        }
    };
    let record = Record {
        fleet: plan.order.fleet.clone(),
        plan: Sha256::digest(&directive.plan().payload).into(),
        revision,
        reach: last.reach,
        issued: clock(),
        step,
    };
    Ok((record, revision))
}
