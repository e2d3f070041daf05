//! What all agents of one process share: the trust file, and desired states whose signatures were checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::key::PublicKey;
use crate::order::Sha256Digest;
use crate::record::Directive;
use crate::refusal::Refusal;
use crate::trust::Trust;
use crate::verify::step::Checked;

/// Most desired states that are kept; the rest is checked again when it is seen again.
const KEPT: usize = 64;

/// Checks each desired state once. Whether it is for an agent, and in time, each agent checks itself.
#[derive(Debug)]
pub struct Cache {
    trust: Arc<Trust>,
    known: BTreeMap<Sha256Digest, Result<Arc<Checked>, Refusal>>,
    checks: u64,
}

impl Cache {
    /// An empty one, for agents with this trust file.
    pub fn new(trust: Arc<Trust>) -> Cache {
        Cache { trust, known: BTreeMap::new(), checks: 0 }
    }

    /// The trust file.
    pub fn trust(&self) -> &Arc<Trust> {
        &self.trust
    }

    /// A desired state, checked.
    ///
    /// # Errors
    /// As [`Checked::new`].
    pub fn checked(&mut self, directive: &Arc<Directive>) -> Result<Arc<Checked>, Refusal> {
        let digest = directive.digest();
        if let Some(known) = self.known.get(&digest) {
            return known.clone();
        }
        if self.known.len() >= KEPT {
            self.known.pop_first();
        }
        self.checks = self.checks.saturating_add(1);
        let checked = Checked::new(Arc::clone(directive), &self.trust).map(Arc::new);
        self.known.insert(digest, checked.clone());
        checked
    }

    /// How many desired states were checked from their bytes.
    pub fn checks(&self) -> u64 {
        self.checks
    }

    /// Keys that plans signed by publishers delegate to.
    pub fn injectors(&self) -> impl Iterator<Item = &PublicKey> {
        self.known.values().filter_map(|known| known.as_ref().ok()).map(|checked| &checked.plan().injector)
    }
}
