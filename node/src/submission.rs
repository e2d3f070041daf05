//! A plan with what travels beside it: the targets by name, and the module a rollback puts back. In bytes it
//! is a desired state without a step.

use sha2::{Digest, Sha256};
use swarm_fleet::envelope::{Envelope, RECORD_TYPE};
use swarm_fleet::key::SecretKey;
use swarm_fleet::name::Name;
use swarm_fleet::order::Sha256Digest;
use swarm_fleet::plan::Plan;
use swarm_fleet::record::Directive;
use swarm_fleet::refusal::{Cause, Refusal};

/// A plan for an injector.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The plan, signed by publishers.
    pub envelope: Envelope,
    /// Its targets, in the order of the waves.
    pub targets: Vec<Name>,
    /// What runs now, and a rollback puts back.
    pub former: Option<Vec<u8>>,
}

impl Submission {
    /// In bytes.
    pub fn encode(&self) -> Vec<u8> {
        let no_step = Envelope::new(RECORD_TYPE, Vec::new());
        Directive::new(self.envelope.clone(), self.targets.clone(), no_step, self.former.clone()).encode()
    }

    /// SHA-256 of its bytes, signatures included.
    pub fn digest(&self) -> Sha256Digest {
        Sha256::digest(self.encode()).into()
    }

    /// Reads a plan. Nothing is known of its signatures.
    ///
    /// # Errors
    /// As [`Directive::decode`]; [`Cause::NoPlan`] where it has a step.
    pub fn decode(bytes: &[u8]) -> Result<Submission, Refusal> {
        let directive = Directive::decode(bytes)?;
        if !directive.record().payload.is_empty() {
            return Err(Refusal::new(Cause::NoPlan, "this is a desired state, not a plan"));
        }
        Ok(Submission {
            envelope: directive.plan().clone(),
            targets: directive.targets().to_vec(),
            former: directive.former().map(<[u8]>::to_vec),
        })
    }

    /// What the envelope holds.
    ///
    /// # Errors
    /// As [`Plan::decode`].
    pub fn plan(&self) -> Result<Plan, Refusal> {
        Plan::decode(&self.envelope.payload)
    }

    /// Adds a publisher's signature.
    ///
    /// # Errors
    /// As [`Envelope::sign`].
    pub fn sign(&mut self, key: &SecretKey) -> Result<(), Refusal> {
        self.envelope.sign(key)
    }
}
