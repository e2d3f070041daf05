//! What an agent checks before it takes an order, in this order: the trust file, signatures, whether their owners
//! suffice, for whom and when it is, its revision, the program, capabilities. Bytes that were verified are
//! the bytes that run: [`Accepted`] holds the module itself.

pub mod radius;
pub mod step;

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use smol_str::SmolStr;
use swarm_bytecode::codec::digest_text;
use swarm_bytecode::quantity::format_time;
use swarm_bytecode::verify::Verified;

use crate::envelope::{Envelope, ORDER_TYPE};
use crate::key::KeyId;
use crate::name::Name;
use crate::order::{Order, Revision, Targets, frozen_digest};
use crate::refusal::{Cause, Refusal, Severity};
use crate::state::HighWaterMark;
use crate::time::{Moment, TOLERANCE};
use crate::trust::{Capabilities, GRACE, Publisher, Trust};
use radius::BlastRadius;

/// What happens to an order that should be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Mode {
    /// It is refused. The only mode for agents that matter.
    #[default]
    Strict,
    /// Who sent it is not held against it ([`Severity::Authority`]): for building a fleet whose keys are not
    /// made yet.
    Permissive,
    /// Neither is where and when it belongs ([`Severity::Circumstance`]): for looking at orders after the fact.
    Audit,
}

impl Mode {
    /// Whether it looks away from this cause.
    pub fn overlooks(self, cause: Cause) -> bool {
        match cause.severity() {
            Severity::Always => false,
            Severity::Authority => self != Mode::Strict,
            Severity::Circumstance => self == Mode::Audit,
        }
    }
}

/// For whom an order is checked.
#[derive(Debug, Clone, Copy)]
pub enum Audience<'a> {
    /// Whoever it may concern: targets are not looked at. For publishers, not for agents.
    Anyone,
    /// An agent.
    Agent {
        /// Its name.
        name: &'a Name,
        /// Its labels.
        labels: &'a BTreeMap<Name, Name>,
        /// The list of names that travels beside the order, ascending, if there is one.
        names: Option<&'a [Name]>,
    },
}

/// What an order is held against.
#[derive(Debug, Clone, Copy)]
pub struct Receiver<'a> {
    /// The trust file that was accepted.
    pub trust: &'a Trust,
    /// What the agent remembers.
    pub mark: &'a HighWaterMark,
    /// The agent's clock, in nanoseconds since the Unix epoch.
    pub clock: i64,
    /// For whom.
    pub audience: Audience<'a>,
    /// What the agent grants.
    pub grants: &'a Capabilities,
    /// The stripped module, fetched by its digest, where the order does not carry it.
    pub module: Option<&'a [u8]>,
    /// How strict.
    pub mode: Mode,
}

/// Someone whose signature counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The key.
    pub key: KeyId,
    /// Whose it is.
    pub owner: Name,
}

/// An order that may run. Only [`verify`] makes one.
#[derive(Debug, Clone)]
pub struct Accepted {
    order: Order,
    module: Verified,
    signers: Vec<Signer>,
    mark: HighWaterMark,
    overlooked: Vec<Refusal>,
}

impl Accepted {
    /// The order.
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// The module that was checked; no other may run under this order.
    pub fn module(&self) -> &Verified {
        &self.module
    }

    /// Whose signatures counted.
    pub fn signers(&self) -> &[Signer] {
        &self.signers
    }

    /// What the agent has to remember from now on: on disk before anything runs.
    pub fn mark(&self) -> &HighWaterMark {
        &self.mark
    }

    /// What strict mode would have refused, in the order it was found. Empty in strict mode.
    pub fn overlooked(&self) -> &[Refusal] {
        &self.overlooked
    }

    /// Gives the verified module back.
    pub fn into_module(self) -> Verified {
        self.module
    }
}

/// Checks an order from its bytes on the wire.
///
/// # Errors
/// [`Cause::NoEnvelope`], and as [`verify`].
pub fn verify_bytes(bytes: &[u8], receiver: &Receiver<'_>) -> Result<Accepted, Refusal> {
    verify(&Envelope::decode(bytes)?, receiver)
}

/// Checks an order.
///
/// # Errors
/// The first cause the mode does not overlook. Nothing is to be remembered then.
pub fn verify(envelope: &Envelope, receiver: &Receiver<'_>) -> Result<Accepted, Refusal> {
    let mut findings = Findings { mode: receiver.mode, overlooked: Vec::new() };
    let now = Moment::new(receiver.clock, receiver.mark.latest_signed);
    let trust = receiver.trust;

    findings.hold(check_trust(trust, receiver.mark))?;
    findings.hold(trust.check_validity(now))?;
    findings.hold(envelope.check(ORDER_TYPE, |id| trust.publisher(id).map(|publisher| &publisher.key)))?;
    let order = Order::decode(&envelope.payload)?;
    let payload = Sha256::digest(&envelope.payload).into();

    let signers = Signers::of(envelope, &order, trust, now);
    findings.hold(signers.check_owners(&order, trust))?;
    findings.hold(check_fleet(&order, trust))?;
    findings.hold(check_audience(&order, receiver.audience))?;
    findings.hold(check_time(&order, now))?;
    findings.hold(check_revision(order.revision, payload, receiver.mark))?;
    findings.hold(check_revocation(&order, trust))?;
    findings.hold(check_floor(&order, trust))?;
    findings.hold(check_succession(&order, receiver.mark))?;
    let module = load(&order, receiver.module)?;
    findings.hold(signers.check_radius(&order, &module, trust))?;
    findings.hold(signers.check_ceiling(&order, &module, trust))?;
    findings.hold(check_grants(&module, receiver.grants))?;

    // A time from the future, overlooked, must not stop the clock.
    let seen = order.not_before.max(trust.issued()).min(receiver.clock.saturating_add(TOLERANCE));
    let mark = receiver.mark.after(&order, payload, seen, trust.version());
    let signers =
        signers.counted.into_iter().map(|(key, publisher)| Signer { key, owner: publisher.owner.clone() });
    Ok(Accepted { signers: signers.collect(), order, module, mark, overlooked: findings.overlooked })
}

/// What is overlooked so far.
struct Findings {
    mode: Mode,
    overlooked: Vec<Refusal>,
}

impl Findings {
    fn hold(&mut self, result: Result<(), Refusal>) -> Result<(), Refusal> {
        match result {
            Err(refusal) if self.mode.overlooks(refusal.cause) => {
                self.overlooked.push(refusal);
                Ok(())
            }
            other => other,
        }
    }
}

fn check_trust(trust: &Trust, mark: &HighWaterMark) -> Result<(), Refusal> {
    if trust.version() >= mark.trust_version {
        return Ok(());
    }
    let (version, used) = (trust.version(), mark.trust_version);
    Err(Refusal::new(
        Cause::TrustOlder,
        format!("the trust file has version {version}, version {used} was used before"),
    ))
}

/// The signatures, sorted into those that count and those that do not.
struct Signers<'t> {
    counted: Vec<(KeyId, &'t Publisher)>,
    excluded: Vec<Refusal>,
}

impl<'t> Signers<'t> {
    fn of(envelope: &Envelope, order: &Order, trust: &'t Trust, now: Moment) -> Signers<'t> {
        let mut signers = Signers { counted: Vec::new(), excluded: Vec::new() };
        for (id, _) in envelope.signatures() {
            if trust.is_revoked(id) {
                let message = format!("key {} was revoked", id.short());
                signers.excluded.push(Refusal::new(Cause::KeyRevoked, message));
            } else if let Some(publisher) = trust.publisher(id) {
                match check_key(id, publisher, order, now) {
                    Ok(()) => signers.counted.push((*id, publisher)),
                    Err(refusal) => signers.excluded.push(refusal),
                }
            }
        }
        signers
    }

    /// The distinct owners whose signatures count.
    fn owners(&self) -> BTreeSet<&Name> {
        self.counted.iter().map(|(_, publisher)| &publisher.owner).collect()
    }

    /// Enough distinct owners must have signed for how much the order can do. The name's threshold was looked
    /// at before.
    fn check_radius(&self, order: &Order, module: &Verified, trust: &Trust) -> Result<(), Refusal> {
        let radius = BlastRadius::of(order, module);
        let (owners, needed) = (self.owners(), trust.blast_threshold(radius.product()));
        if owners.len() >= needed {
            return Ok(());
        }
        let signed = listed(owners.iter().map(|owner| owner.as_str()));
        let message = format!("{} over {radius} takes {needed} owners; signed by {signed}", order.name);
        Err(Refusal::new(Cause::TooFewOwners, message))
    }

    /// Enough distinct owners must have signed. Where some signed in vain, why they did is the better answer.
    fn check_owners(&self, order: &Order, trust: &Trust) -> Result<(), Refusal> {
        let owners = self.owners();
        let needed = trust.threshold(&order.name);
        if needed.is_some_and(|needed| owners.len() >= needed) {
            return Ok(());
        }
        // No mode overlooks a revoked key, so that comes first.
        if let Some(revoked) = self.excluded.iter().find(|refusal| refusal.cause == Cause::KeyRevoked) {
            return Err(revoked.clone());
        }
        let Some(needed) = needed else {
            let message = format!("no threshold in the trust file fits the name {}", order.name);
            return Err(Refusal::new(Cause::NoThreshold, message));
        };
        match self.excluded.first() {
            Some(refusal) => Err(refusal.clone()),
            None => {
                let signed = listed(owners.iter().map(|owner| owner.as_str()));
                let message = format!("{} takes {needed} owners; signed by {signed}", order.name);
                Err(Refusal::new(Cause::TooFewOwners, message))
            }
        }
    }

    /// Of the owners, as many as the threshold takes must be allowed everything the module asks for.
    fn check_ceiling(&self, order: &Order, module: &Verified, trust: &Trust) -> Result<(), Refusal> {
        let Some(needed) = trust.threshold(&order.name) else { return Ok(()) };
        let needed = needed.max(trust.blast_threshold(BlastRadius::of(order, module).product()));
        let asked = capabilities(module);
        let below = |publisher: &Publisher| asked.iter().all(|name| publisher.ceiling.contains(name));
        let allowed: BTreeSet<&Name> = self
            .counted
            .iter()
            .filter(|(_, publisher)| below(publisher))
            .map(|(_, publisher)| &publisher.owner)
            .collect();
        if allowed.len() >= needed {
            return Ok(());
        }
        let excess = self.counted.iter().find_map(|(_, publisher)| {
            let name = asked.iter().find(|name| !publisher.ceiling.contains(name))?;
            Some(format!("{} asks for {name}, which is above the ceiling of {}", order.name, publisher.owner))
        });
        match excess {
            Some(message) => Err(Refusal::new(Cause::AboveCeiling, message)),
            // Too few owners signed to begin with; that was found before.
            None => Ok(()),
        }
    }
}

fn check_key(id: &KeyId, publisher: &Publisher, order: &Order, now: Moment) -> Result<(), Refusal> {
    let whose = format!("key {} of {}", id.short(), publisher.owner);
    if now.is_before(publisher.from) {
        let message = format!("{whose} is valid from {} on", format_time(publisher.from));
        return Err(Refusal::new(Cause::KeyNotYet, message));
    }
    let grace = if order.emergency { 0 } else { GRACE };
    if now.is_past(publisher.until.saturating_add(grace)) {
        let no_grace = if order.emergency { "; an emergency has no days of grace" } else { "" };
        let message = format!("{whose} ran out on {}{no_grace}", format_time(publisher.until));
        return Err(Refusal::new(Cause::KeyExpired, message));
    }
    if !publisher.may_sign(&order.name) {
        let message = format!("{whose} may not sign {}", order.name);
        return Err(Refusal::new(Cause::OutOfScope, message));
    }
    Ok(())
}

fn check_fleet(order: &Order, trust: &Trust) -> Result<(), Refusal> {
    if order.fleet == *trust.fleet() {
        return Ok(());
    }
    Err(Refusal::new(
        Cause::OtherFleet,
        format!("the order is for fleet {}, this is {}", order.fleet, trust.fleet()),
    ))
}

fn check_audience(order: &Order, audience: Audience<'_>) -> Result<(), Refusal> {
    let Audience::Agent { name, labels, names } = audience else { return Ok(()) };
    let not_for =
        |why: String| Err(Refusal::new(Cause::NotATarget, format!("the order is not for {name}: {why}")));
    match &order.targets {
        Targets::All => Ok(()),
        Targets::Labels(wanted) => {
            match wanted.iter().find(|(label, value)| labels.get(*label) != Some(*value)) {
                None => Ok(()),
                Some((label, value)) => not_for(format!("it has no label {label}={value}")),
            }
        }
        Targets::Frozen { count, digest } => {
            let Some(names) = names else {
                return not_for(format!("the list of its {count} targets is not here"));
            };
            if frozen_digest(names) != *digest {
                return not_for("the list of targets is not the one that was signed".to_owned());
            }
            if names.contains(name) { Ok(()) } else { not_for(format!("it is none of the {count} targets")) }
        }
    }
}

fn check_time(order: &Order, now: Moment) -> Result<(), Refusal> {
    if now.is_before(order.not_before) {
        let message = format!("the order begins on {}", format_time(order.not_before));
        return Err(Refusal::new(Cause::NotYet, message));
    }
    if now.is_past(order.not_after) {
        let message = format!("the order ran out on {}", format_time(order.not_after));
        return Err(Refusal::new(Cause::Expired, message));
    }
    Ok(())
}

fn check_revision(revision: Revision, payload: [u8; 32], mark: &HighWaterMark) -> Result<(), Refusal> {
    let last = mark.revision;
    if revision > last {
        return Ok(());
    }
    if revision < last || last == Default::default() {
        let message = format!("the order has revision {revision}, revision {last} is the last");
        return Err(Refusal::new(Cause::OldRevision, message));
    }
    if payload == mark.payload {
        return Err(Refusal::new(Cause::Repeated, format!("revision {revision} was accepted before")));
    }
    Err(Refusal::new(Cause::Equivocation, format!("another order was accepted under revision {revision}")))
}

fn check_revocation(order: &Order, trust: &Trust) -> Result<(), Refusal> {
    if trust.is_program_revoked(&order.digest) {
        let message = format!("program {} was revoked", digest_text(&order.digest));
        return Err(Refusal::new(Cause::ProgramRevoked, message));
    }
    Ok(())
}

fn check_floor(order: &Order, trust: &Trust) -> Result<(), Refusal> {
    let floor = trust.floor(&order.name);
    if order.version < floor {
        let message = format!("{} has version {}, the floor is {floor}", order.name, order.version);
        return Err(Refusal::new(Cause::BelowFloor, message));
    }
    Ok(())
}

/// A version falls only under a rollback, and a rollback is only of what was accepted last. An agent that
/// never had the program, or has the older one still, just takes it.
fn check_succession(order: &Order, mark: &HighWaterMark) -> Result<(), Refusal> {
    let Some((version, digest)) = mark.programs.get(&order.name) else { return Ok(()) };
    match order.replaces {
        None if order.version < *version => {
            let message = format!("{} has version {}, version {version} is here", order.name, order.version);
            Err(Refusal::new(Cause::VersionFell, message))
        }
        Some(replaced) if replaced != *digest && order.digest != *digest => {
            let message =
                format!("the order rolls {} back, {} is here", digest_text(&replaced), digest_text(digest));
            Err(Refusal::new(Cause::OtherRollback, message))
        }
        _ => Ok(()),
    }
}

fn load(order: &Order, fetched: Option<&[u8]>) -> Result<Verified, Refusal> {
    let other = |found: [u8; 32]| {
        let message =
            format!("{} was ordered, the module is {}", digest_text(&order.digest), digest_text(&found));
        Refusal::new(Cause::OtherModule, message)
    };
    let bytes = match (&order.module, fetched) {
        (Some(bytes), _) => bytes.as_slice(),
        (None, Some(bytes)) => {
            // No signature covers these bytes but by the digest, so the digest has to cover every one of them.
            let found: [u8; 32] = Sha256::digest(bytes).into();
            if found != order.digest {
                return Err(other(found));
            }
            bytes
        }
        (None, None) => {
            let message =
                format!("the order names module {} and does not carry it", digest_text(&order.digest));
            return Err(Refusal::new(Cause::NoModule, message));
        }
    };
    let module = Verified::load(bytes).map_err(|error| {
        Refusal::new(Cause::ModuleRefused, format!("the module is refused: {}: {error}", error.code()))
    })?;
    if module.digest() != order.digest {
        return Err(other(module.digest()));
    }
    let header = &module.module().instruction;
    if header.name != order.name.as_str() || header.version != order.version {
        let message = format!(
            "the order is for {} version {}, the module is {:?} version {}",
            order.name, order.version, header.name, header.version
        );
        return Err(Refusal::new(Cause::OtherProgram, message));
    }
    Ok(module)
}

fn check_grants(module: &Verified, grants: &Capabilities) -> Result<(), Refusal> {
    match capabilities(module).into_iter().find(|name| !grants.contains(name)) {
        None => Ok(()),
        Some(name) => {
            let program = &module.module().instruction.name;
            Err(Refusal::new(Cause::NotGranted, format!("{program} asks for {name}, which is not granted")))
        }
    }
}

/// What a module asks for.
pub fn capabilities(module: &Verified) -> BTreeSet<SmolStr> {
    module.module().imports.iter().filter_map(|import| import.capability.clone()).collect()
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    if names.is_empty() { "no one whose signature counts".to_owned() } else { names.join(", ") }
}
