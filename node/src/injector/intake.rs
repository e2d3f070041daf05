//! What comes in: acknowledgements, plans, and orders as governors write them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use swarm_bytecode::codec::digest_text;
use swarm_fleet::envelope::{Envelope, RECORD_TYPE};
use swarm_fleet::injector::Event;
use swarm_fleet::key::PublicKey;
use swarm_fleet::message::wire::decode_reports;
use swarm_fleet::name::Name;
use swarm_fleet::order::Revision;
use swarm_fleet::plan::Plan;
use swarm_fleet::record::{Directive, Record, Step};
use swarm_fleet::refusal::{Cause, Refusal};
use swarm_fleet::verify::step::{Checked, authorised};

use super::course::few;
use super::{Drafting, Process};
use crate::NodeError;
use crate::layout::{INSTRUCTIONS, KEEP, READ, RESULTS};
use crate::monitor::hexadecimal;
use crate::registry::{self, Member};
use crate::submission::Submission;
use crate::time::clock;

/// Whether a plan was taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// [`Submission::digest`] of what was sent, as text: the same order signed by one more is another submission.
    pub submission: String,
    /// Why not; `None`: it was.
    pub refused: Option<(String, String)>,
}

impl Process {
    pub(super) fn take_acks(&mut self) -> Result<(), NodeError> {
        loop {
            let entries = self.bus.read(&self.layout.acks, self.acks, READ)?;
            for entry in &entries {
                self.acks = Some(entry.position);
                for (agent, message) in decode_reports(&entry.bytes).unwrap_or_default() {
                    self.step(Event::Message(&agent, &message))?;
                }
            }
            if entries.len() < READ {
                return Ok(());
            }
        }
    }

    pub(super) fn take_plans(&mut self) -> Result<(), NodeError> {
        let entries = self.bus.read(&self.layout.plans, self.plans, READ)?;
        for entry in entries {
            self.plans = Some(entry.position);
            let Ok(submission) = Submission::decode(&entry.bytes) else { continue };
            let Ok(plan) = submission.plan() else { continue };
            let digest = digest_text(&submission.digest());
            let again = self.active.as_ref().is_some_and(|own| own.machine.plan().order.id == plan.order.id);
            let refused = match self.consider(submission, &plan) {
                Ok(()) => None,
                // It was sent twice, or is read again after a restart.
                Err(_) if again => None,
                Err(NodeError::Refused(refusal)) => Some((refusal.code().to_owned(), refusal.message)),
                Err(NodeError::Other(message)) => Some((Cause::NoPlan.code().to_owned(), message)),
                Err(error) => return Err(error),
            };
            let answer = Answer { submission: digest, refused };
            let answer = serde_json::to_vec(&answer).unwrap_or_default();
            self.bus.append(&self.layout.answers, &[&answer], KEEP)?;
            self.bus.hint(&self.layout.to_operators)?;
        }
        Ok(())
    }

    /// Takes up a plan, if it is signed, new, for this injector, and nothing else is under way.
    fn consider(&mut self, submission: Submission, plan: &Plan) -> Result<(), NodeError> {
        let refuse = |cause, message: String| Err(Refusal::new(cause, message).into());
        if plan.injector.id() != self.settings.key.public_key().id() {
            return refuse(Cause::NotDelegated, "the plan delegates to another injector's key".to_owned());
        }
        if plan.order.revision <= self.taken() {
            let message =
                format!("the plan has revision {}, {} was taken", plan.order.revision, self.taken());
            return refuse(Cause::OldRevision, message);
        }
        self.check(&submission, plan)?;
        if self.is_rolling() {
            let message = "an order is rolling out: wait for it, halt it, or roll it back".to_owned();
            return refuse(Cause::NotYet, message);
        }
        let members = registry::read(&mut *self.bus, &self.layout)?;
        let (keys, suspects) = self.keys(&submission.targets, &members)?;
        self.begin(submission, keys, &suspects)
    }

    /// The plan as its first step would tell it: what agents would refuse goes out to none of them.
    fn check(&self, submission: &Submission, plan: &Plan) -> Result<(), NodeError> {
        let revision = Revision { epoch: u64::MAX, counter: 0 };
        let record = Record {
            fleet: plan.order.fleet.clone(),
            plan: sha2::Digest::finalize(sha2::Digest::chain_update(
                <sha2::Sha256 as sha2::Digest>::new(),
                &submission.envelope.payload,
            ))
            .into(),
            revision,
            reach: plan.waves.first().copied().unwrap_or_default(),
            issued: clock(),
            step: Step::Run { wave: 0 },
        };
        let mut envelope = Envelope::new(RECORD_TYPE, record.encode());
        envelope.sign(&self.settings.key)?;
        let Submission { envelope: plan, targets, former } = submission.clone();
        let directive = Arc::new(Directive::new(plan, targets, envelope, former));
        let checked = Checked::new(directive, &self.settings.trust)?;
        Ok(authorised(&checked, &self.settings.trust, clock())?)
    }

    /// The keys of a plan's targets: those each was first seen with. Also those that are registered with
    /// another one now.
    fn keys(
        &mut self,
        targets: &[Name],
        members: &BTreeMap<Name, Member>,
    ) -> Result<(Vec<PublicKey>, Vec<Name>), NodeError> {
        let unknown: Vec<&Name> = targets.iter().filter(|name| !members.contains_key(*name)).collect();
        if !unknown.is_empty() {
            let message = format!("no process has told of these targets: {}", few(&unknown));
            return Err(Refusal::new(Cause::TooFewAgents, message).into());
        }
        let (mut keys, mut suspects) = (Vec::with_capacity(targets.len()), Vec::new());
        for name in targets {
            let Some(Member { key, .. }) = members.get(name) else { continue };
            let first = self.first_seen(name, key)?;
            if first != *key {
                suspects.push(name.clone());
            }
            keys.push(first);
        }
        Ok((keys, suspects))
    }

    /// The key an agent was first seen with: this one, if it never was.
    pub(super) fn first_seen(&mut self, agent: &Name, key: &PublicKey) -> Result<PublicKey, NodeError> {
        let place = key_of(agent);
        let known = self.settings.disk.get(&place).and_then(|bytes| bytes.first_chunk());
        if let Some(known) = known.map(PublicKey::from_bytes).transpose()? {
            return Ok(known);
        }
        self.settings.disk.put(&place, key.to_bytes().to_vec());
        Ok(key.clone())
    }

    /// Agents that have a new key: the one they are registered with next counts, also for an order that is
    /// under way.
    ///
    /// # Errors
    /// [`NodeError::Disk`].
    pub fn renew_keys(&mut self, agents: &[Name]) -> Result<(), NodeError> {
        for agent in agents {
            self.settings.disk.remove(&key_of(agent));
        }
        self.new_keys.extend(agents.iter().cloned());
        self.settings.disk.commit()
    }

    /// Orders as governors write them become plans, where this injector has a library and may sign.
    pub(super) fn take_orders(&mut self) -> Result<(), NodeError> {
        if self.library.is_none() {
            return Ok(());
        }
        let entries = self.bus.read(INSTRUCTIONS, self.orders, READ)?;
        for entry in entries {
            self.orders = Some(entry.position);
            let key = [b"order".as_slice(), &order_digest(&entry.bytes)].concat();
            if self.settings.disk.get(&key).is_some() {
                continue;
            }
            let text = String::from_utf8_lossy(&entry.bytes).into_owned();
            let mut taken = None;
            let refused = match self.draft(&text) {
                Ok(submission) => {
                    let plan = submission.plan()?;
                    taken = Some((plan.order.id, submission.targets.len()));
                    match self.consider(submission, &plan) {
                        Ok(()) => None,
                        Err(NodeError::Refused(refusal)) => Some(
                            serde_json::json!({"code": refusal.code(), "message": refusal.message})
                                .to_string(),
                        ),
                        Err(NodeError::Other(message)) => Some(
                            serde_json::json!({"code": Cause::NoPlan.code(), "message": message}).to_string(),
                        ),
                        Err(error) => return Err(error),
                    }
                }
                Err(Ok(document)) => Some(document),
                Err(Err(error)) => return Err(error),
            };
            self.settings.disk.put(&key, Vec::new());
            self.settings.disk.commit()?;
            let id = quoted_id(&text);
            let answer = match (refused, taken) {
                (Some(document), _) => {
                    format!("{{\"accepted\":false,\"order\":{id},\"error\":{document}}}")
                }
                // Results that follow have the order's own id.
                (None, Some((own, targets))) => {
                    let own = hexadecimal(&own);
                    format!("{{\"accepted\":true,\"order\":{id},\"id\":\"{own}\",\"targets\":{targets}}}")
                }
                (None, None) => continue,
            };
            self.bus.append(RESULTS, &[answer.as_bytes()], KEEP)?;
        }
        Ok(())
    }

    fn draft(&mut self, text: &str) -> Result<Submission, Result<String, NodeError>> {
        let members = registry::read(&mut *self.bus, &self.layout).map_err(|error| Err(error.into()))?;
        let above = self.taken();
        let desired = self.active.as_ref().and_then(|active| active.desired.clone());
        let injector = self.settings.key.public_key();
        let drafting = Drafting { members: &members, desired: desired.as_deref(), above, injector };
        match &mut self.library {
            Some(library) => library.plan(text, &drafting).map_err(Ok),
            None => Err(Ok("{}".to_owned())),
        }
    }
}

/// Where the key is on disk that an agent was first seen with.
fn key_of(agent: &Name) -> Vec<u8> {
    [b"key ".as_slice(), agent.as_str().as_bytes()].concat()
}

fn order_digest(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).into()
}

/// The id of an order as it was written, in JSON.
fn quoted_id(text: &str) -> String {
    let order: Option<serde_json::Value> = serde_json::from_str(text).ok();
    let id = order.and_then(|order| order.get("id").cloned()).unwrap_or_default();
    serde_json::to_string(&id).unwrap_or_else(|_| "null".to_owned())
}
