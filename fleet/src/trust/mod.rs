//! The trust file: whose signature counts for what. Root keys sign it; its version only rises; it runs out soon,
//! since a revocation reaches an agent no sooner than the next file.

pub mod document;
mod read;
mod single;

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;

use crate::envelope::{Envelope, TRUST_TYPE};
use crate::key::{KeyId, PublicKey};
use crate::name::Name;
use crate::order::Sha256Digest;
use crate::refusal::{Cause, Refusal};
use crate::time::{DAY, Moment};

/// Longest time a trust file may be valid.
pub const MAX_VALIDITY: i64 = 30 * DAY;

/// Longest time a publisher's key may be valid.
pub const MAX_KEY_VALIDITY: i64 = 90 * DAY;

/// How long a key that has run out still counts, except in an emergency.
pub const GRACE: i64 = 7 * DAY;

/// A trust file whose values all make sense. Whether it is signed is for [`Trust::accept`] to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    fleet: Name,
    version: u64,
    issued: i64,
    expires: i64,
    roots: Roots,
    publishers: BTreeMap<KeyId, Publisher>,
    thresholds: BTreeMap<SmolStr, usize>,
    blast_radius: BTreeMap<u64, usize>,
    revoked_keys: BTreeSet<KeyId>,
    revoked_programs: BTreeSet<Sha256Digest>,
    floors: BTreeMap<Name, u32>,
    digest: Sha256Digest,
}

/// The keys that sign trust files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roots {
    threshold: usize,
    keys: BTreeMap<KeyId, (PublicKey, Name)>,
}

/// A key that signs orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publisher {
    /// The key.
    pub key: PublicKey,
    /// Whose it is.
    pub owner: Name,
    /// From when it counts, in nanoseconds since the Unix epoch.
    pub from: i64,
    /// Until when it counts, in nanoseconds since the Unix epoch.
    pub until: i64,
    /// How the names of programs begin that it may sign.
    pub names: Vec<SmolStr>,
    /// The capabilities its programs may ask for.
    pub ceiling: Capabilities,
}

/// A set of capabilities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Capabilities {
    /// Every one.
    All,
    /// These.
    Only(BTreeSet<SmolStr>),
}

impl Capabilities {
    /// Whether a capability is among them.
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Capabilities::All => true,
            Capabilities::Only(names) => names.contains(name),
        }
    }
}

impl Publisher {
    /// Whether a program's name begins as this key's names do.
    pub fn may_sign(&self, name: &Name) -> bool {
        self.names.iter().any(|prefix| name.as_str().starts_with(prefix.as_str()))
    }
}

impl Roots {
    /// How many distinct owners of these keys have signed. The signatures were checked before.
    fn owners(&self, envelope: &Envelope) -> usize {
        let signers = envelope.signatures().iter().filter_map(|(id, _)| self.keys.get(id));
        signers.map(|(_, owner)| owner).collect::<BTreeSet<_>>().len()
    }

    fn require(&self, envelope: &Envelope, cause: Cause) -> Result<(), Refusal> {
        let owners = self.owners(envelope);
        if owners >= self.threshold {
            return Ok(());
        }
        let which = if cause == Cause::TooFewOldRoots { "former root" } else { "root" };
        let message = format!("{owners} of {} {which} owners have signed", self.threshold);
        Err(Refusal::new(cause, message))
    }
}

impl Trust {
    /// Reads a trust file's payload and checks each value. Nothing is known of its signatures.
    ///
    /// # Errors
    /// [`Cause::NoTrustFile`], [`Cause::TrustContradicts`], [`Cause::NoKey`], [`Cause::WeakKey`].
    pub fn read(payload: &[u8]) -> Result<Trust, Refusal> {
        read::read(payload)
    }

    /// Accepts a trust file: signed by the threshold of its own roots and, where one is `held` already, by the
    /// threshold of that one's roots too, with a version above it. So a change of roots is a chain of files, each
    /// signed by the roots before; a file in between may have run out. Without a file that is held the roots are
    /// taken at their word: compare them by other means once.
    ///
    /// Whether it is valid *now* is looked at whenever it is used: [`Trust::check_validity`].
    ///
    /// # Errors
    /// As [`Trust::read`] and [`Envelope::check_known`]; [`Cause::TooFewRoots`], [`Cause::TooFewOldRoots`],
    /// [`Cause::TrustOlder`], [`Cause::TrustEquivocation`], [`Cause::TrustOtherFleet`].
    pub fn accept(envelope: &Envelope, held: Option<&Trust>) -> Result<Trust, Refusal> {
        envelope.check_type(TRUST_TYPE)?;
        let trust = Trust::read(&envelope.payload)?;
        let former = held.map(|held| &held.roots);
        // After a change of roots a file carries signatures of former roots too, which not everyone knows.
        let _does_not_count = envelope.check_known(TRUST_TYPE, |id| {
            let key = trust.roots.keys.get(id).or_else(|| former?.keys.get(id));
            key.map(|(key, _)| key)
        })?;
        trust.roots.require(envelope, Cause::TooFewRoots)?;
        if let Some(held) = held {
            held.roots.require(envelope, Cause::TooFewOldRoots)?;
            trust.check_succession(held)?;
        }
        Ok(trust)
    }

    fn check_succession(&self, held: &Trust) -> Result<(), Refusal> {
        if self.fleet != held.fleet {
            let message =
                format!("the trust file is for fleet {}, the one held for {}", self.fleet, held.fleet);
            return Err(Refusal::new(Cause::TrustOtherFleet, message));
        }
        if self.version < held.version {
            let message =
                format!("the trust file has version {}, version {} is held", self.version, held.version);
            return Err(Refusal::new(Cause::TrustOlder, message));
        }
        if self.version == held.version && self.digest != held.digest {
            let message = format!("two trust files have version {}, with different content", self.version);
            return Err(Refusal::new(Cause::TrustEquivocation, message));
        }
        Ok(())
    }

    /// Whether the file may be used at this moment.
    ///
    /// # Errors
    /// [`Cause::TrustExpired`], [`Cause::TrustNotYet`].
    pub fn check_validity(&self, now: Moment) -> Result<(), Refusal> {
        use swarm_bytecode::quantity::format_time;
        if now.is_past(self.expires) {
            let message = format!("the trust file ran out on {}", format_time(self.expires));
            return Err(Refusal::new(Cause::TrustExpired, message));
        }
        if now.is_before(self.issued) {
            let message =
                format!("the trust file was made on {}, which is yet to come", format_time(self.issued));
            return Err(Refusal::new(Cause::TrustNotYet, message));
        }
        Ok(())
    }

    /// The fleet.
    pub fn fleet(&self) -> &Name {
        &self.fleet
    }

    /// Its version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// When it was made, in nanoseconds since the Unix epoch.
    pub fn issued(&self) -> i64 {
        self.issued
    }

    /// When it runs out, in nanoseconds since the Unix epoch.
    pub fn expires(&self) -> i64 {
        self.expires
    }

    /// Whether a key signs trust files.
    pub fn is_root(&self, id: &KeyId) -> bool {
        self.roots.keys.contains_key(id)
    }

    /// The keys of all publishers that are not revoked.
    pub fn publishers(&self) -> impl Iterator<Item = &PublicKey> {
        self.publishers.values().map(|own| &own.key).filter(|key| !self.is_revoked(&key.id()))
    }

    /// The publisher with this key.
    pub fn publisher(&self, id: &KeyId) -> Option<&Publisher> {
        self.publishers.get(id)
    }

    /// Whether a key was revoked.
    pub fn is_revoked(&self, id: &KeyId) -> bool {
        self.revoked_keys.contains(id)
    }

    /// Whether a program was revoked.
    pub fn is_program_revoked(&self, digest: &Sha256Digest) -> bool {
        self.revoked_programs.contains(digest)
    }

    /// The lowest version of a program that may run.
    pub fn floor(&self, name: &Name) -> u32 {
        self.floors.get(name).copied().unwrap_or(0)
    }

    /// How many distinct owners a name takes: the longest prefix that fits it decides. `None`: no rule, so no one
    /// may send it.
    pub fn threshold(&self, name: &Name) -> Option<usize> {
        let fitting = self.thresholds.iter().filter(|(prefix, _)| name.as_str().starts_with(prefix.as_str()));
        fitting.max_by_key(|(prefix, _)| prefix.len()).map(|(_, owners)| *owners)
    }

    /// How many distinct owners an order takes for its blast radius alone, agents × ONCE actions; 0: no rule
    /// fits.
    pub fn blast_threshold(&self, radius: u64) -> usize {
        self.blast_radius.range(..radius).map(|(_, owners)| *owners).max().unwrap_or(0)
    }

    /// Whether the roots of both files are the same.
    pub fn same_roots(&self, other: &Trust) -> bool {
        self.roots == other.roots
    }
}
