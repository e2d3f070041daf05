//! What an agent checks before it takes a step of a plan. What depends on bytes and trust alone is checked
//! once for all agents of a process ([`Checked`]); what depends on the agent, its clock and its memory is
//! checked by each ([`accept`]).

use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest, Sha256};
use swarm_bytecode::codec::digest_text;
use swarm_bytecode::verify::Verified;

use super::{
    Receiver, Signers, check_fleet, check_floor, check_grants, check_revision, check_revocation,
    check_succession, check_time, check_trust, load,
};
use crate::envelope::{PLAN_TYPE, RECORD_TYPE};
use crate::name::Name;
use crate::order::{Sha256Digest, Targets, frozen_digest};
use crate::plan::Plan;
use crate::record::{Directive, Record, Step};
use crate::refusal::{Cause, Refusal};
use crate::state::HighWaterMark;
use crate::time::{Moment, TOLERANCE};
use crate::trust::Trust;

/// A desired state whose signatures are right, whose bytes make sense, and whose step the plan delegates. For
/// whom and when is not known yet.
#[derive(Debug)]
pub struct Checked {
    directive: Arc<Directive>,
    plan: Plan,
    record: Record,
    payload: Sha256Digest,
    module: Verified,
    former: Option<Verified>,
    /// Targets by name, with their rank.
    ranks: BTreeMap<Name, u32>,
    by_injector: bool,
}

impl Checked {
    /// Checks what is the same for every agent with this trust file.
    ///
    /// # Errors
    /// As [`Envelope::check`](crate::envelope::Envelope::check), [`Plan::decode`] and [`Record::decode`];
    /// [`Cause::NotDelegated`], [`Cause::NotATarget`] for a list of targets that was not signed,
    /// [`Cause::NoModule`], [`Cause::OtherModule`], [`Cause::ModuleRefused`], [`Cause::OtherProgram`].
    pub fn new(directive: Arc<Directive>, trust: &Trust) -> Result<Checked, Refusal> {
        let publisher = |id: &_| trust.publisher(id).map(|publisher| &publisher.key);
        directive.plan().check(PLAN_TYPE, publisher)?;
        let plan = Plan::decode(&directive.plan().payload)?;
        let ranks = ranks(&plan, directive.targets())?;
        let injector = plan.injector.id();
        let own = |id: &_| if *id == injector { Some(&plan.injector) } else { publisher(id) };
        directive.record().check(RECORD_TYPE, own)?;
        let record = Record::decode(&directive.record().payload)?;
        let module = load(&plan.order, None)?;
        let by_injector = directive.record().signatures().iter().any(|(id, _)| *id == injector);
        let signed: Sha256Digest = Sha256::digest(&directive.plan().payload).into();
        if record.plan != signed || record.fleet != plan.order.fleet {
            return Err(not_delegated("it belongs to another plan"));
        }
        if record.revision <= plan.order.revision {
            return Err(not_delegated("its revision is not above the order's"));
        }
        check_delegation(&plan, &record, &module, by_injector)?;
        let former = match plan.former.as_ref().zip(directive.former()) {
            Some((former, bytes)) => Some(load_former(&plan, former.digest, bytes)?),
            None => None,
        };
        let payload = Sha256::digest(&directive.record().payload).into();
        Ok(Checked { plan, record, payload, module, former, ranks, by_injector, directive })
    }

    /// The bytes it was made from.
    pub fn directive(&self) -> &Arc<Directive> {
        &self.directive
    }

    /// The plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The step.
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// SHA-256 of the step's payload: how acknowledgements name it.
    pub fn record_digest(&self) -> Sha256Digest {
        self.payload
    }

    /// The plan's program.
    pub fn module(&self) -> &Verified {
        &self.module
    }

    /// What a rollback puts back, if it came along.
    pub fn former(&self) -> Option<&Verified> {
        self.former.as_ref()
    }

    /// An agent's place among the targets.
    pub fn rank(&self, agent: &Name) -> Option<u32> {
        self.ranks.get(agent).copied()
    }
}

fn ranks(plan: &Plan, targets: &[Name]) -> Result<BTreeMap<Name, u32>, Refusal> {
    let ranks: BTreeMap<Name, u32> = targets.iter().cloned().zip(0..).collect();
    let sorted: Vec<Name> = ranks.keys().cloned().collect();
    let signed = match &plan.order.targets {
        Targets::Frozen { count, digest } => {
            *count == u64::try_from(targets.len()).unwrap_or(u64::MAX) && *digest == frozen_digest(&sorted)
        }
        _ => false,
    };
    // Sorted by rank they were drawn; a list in another order would let someone choose who is first.
    let drawn = crate::plan::draw(&plan.order.id, sorted, None)?;
    if signed && drawn == targets {
        return Ok(ranks);
    }
    Err(Refusal::new(Cause::NotATarget, "the list of targets is not the one that was signed"))
}

fn load_former(plan: &Plan, digest: Sha256Digest, bytes: &[u8]) -> Result<Verified, Refusal> {
    let mut order = plan.order.clone();
    let version = plan.former.as_ref().map_or(0, |former| former.version);
    (order.digest, order.version, order.module) = (digest, version, None);
    load(&order, Some(bytes))
}

fn not_delegated(why: &str) -> Refusal {
    Refusal::new(Cause::NotDelegated, format!("the step is refused: {why}"))
}

fn check_delegation(
    plan: &Plan,
    record: &Record,
    module: &Verified,
    by_injector: bool,
) -> Result<(), Refusal> {
    let fits = match record.step {
        Step::Run { wave } => {
            let wave = usize::try_from(wave).unwrap_or(usize::MAX);
            by_injector && plan.waves.get(wave) == Some(&record.reach)
        }
        Step::Halt => true,
        Step::Stop => by_injector && !module.module().instruction.stops.is_empty(),
        Step::Rollback { from, to } => {
            from == plan.order.digest && to == plan.former.as_ref().map(|former| former.digest)
        }
        Step::Resume => !by_injector,
    };
    if fits {
        return Ok(());
    }
    let who = if by_injector { "the injector" } else { "this signer" };
    Err(not_delegated(&format!("the plan does not let {who} {}", record.step.name())))
}

/// Whether those who signed may take this step at this time: enough owners for the plan and, where the
/// injector did not sign it, for the step; one is enough to halt.
///
/// # Errors
/// As [`accept`], but nothing is asked of an agent.
pub fn authorised(checked: &Checked, trust: &Trust, clock: i64) -> Result<(), Refusal> {
    let now = Moment::new(clock, trust.issued());
    trust.check_validity(now)?;
    let (signers, order) =
        (Signers::of(checked.directive.plan(), &checked.plan.order, trust, now), &checked.plan.order);
    signers.check_owners(order, trust)?;
    signers.check_radius(order, &checked.module, trust)?;
    check_signed_step(checked, trust, now)?;
    check_fleet(order, trust)?;
    signers.check_ceiling(order, &checked.module, trust)?;
    check_revocation(order, trust)?;
    check_floor(order, trust)?;
    check_time(order, now)
}

fn check_signed_step(checked: &Checked, trust: &Trust, now: Moment) -> Result<(), Refusal> {
    if checked.by_injector {
        return Ok(());
    }
    let steps = Signers::of(checked.directive.record(), &checked.plan.order, trust, now);
    match checked.record.step {
        Step::Halt if !steps.counted.is_empty() => Ok(()),
        _ => {
            steps.check_owners(&checked.plan.order, trust)?;
            steps.check_radius(&checked.plan.order, &checked.module, trust)
        }
    }
}

/// A step an agent may take. Only [`accept`] makes one.
#[derive(Debug, Clone)]
pub struct AcceptedStep {
    /// What was checked.
    pub checked: Arc<Checked>,
    /// The agent's place among the targets.
    pub rank: u32,
    /// What the agent has to remember from now on: on disk before anything else happens.
    pub mark: HighWaterMark,
}

/// Checks a step for one agent.
///
/// With `again` the revision may be the one that was accepted last: an agent that starts anew takes up what
/// it had.
///
/// # Errors
/// The first cause that stands against it; [`Cause::NotATarget`] also where the step does not reach the agent
/// yet.
pub fn accept(checked: &Arc<Checked>, receiver: &Receiver<'_>, again: bool) -> Result<AcceptedStep, Refusal> {
    let (trust, mark) = (receiver.trust, receiver.mark);
    let now = Moment::new(receiver.clock, mark.latest_signed);
    let (plan, record) = (&checked.plan, &checked.record);
    check_trust(trust, mark)?;
    trust.check_validity(now)?;
    let signers = Signers::of(checked.directive.plan(), &plan.order, trust, now);
    signers.check_owners(&plan.order, trust)?;
    signers.check_radius(&plan.order, &checked.module, trust)?;
    check_signed_step(checked, trust, now)?;
    check_fleet(&plan.order, trust)?;
    check_time(&plan.order, now)?;
    match check_revision(record.revision, checked.payload, mark) {
        Err(refusal) if again && refusal.cause == Cause::Repeated => {}
        other => other?,
    }
    let rank = check_reach(checked, receiver)?;
    let program = check_program(checked, &signers, receiver)?;
    let seen = record.issued.max(trust.issued()).min(receiver.clock.saturating_add(TOLERANCE));
    let mark = mark.after_step((record.revision, checked.payload), seen, trust.version(), program);
    Ok(AcceptedStep { checked: Arc::clone(checked), rank, mark })
}

fn check_reach(checked: &Checked, receiver: &Receiver<'_>) -> Result<u32, Refusal> {
    let super::Audience::Agent { name, .. } = receiver.audience else {
        return Err(Refusal::new(Cause::NotATarget, "a step is for an agent"));
    };
    match checked.rank(name) {
        Some(rank) if rank < checked.record.reach => Ok(rank),
        Some(_) => Err(Refusal::new(Cause::NotATarget, format!("the step does not reach {name} yet"))),
        None => Err(Refusal::new(Cause::NotATarget, format!("{name} is none of the targets"))),
    }
}

/// The program's name, version and digest after the step, if it changes them.
fn check_program<'c>(
    checked: &'c Checked,
    signers: &Signers<'_>,
    receiver: &Receiver<'_>,
) -> Result<Option<(&'c Name, u32, Sha256Digest)>, Refusal> {
    let (trust, order) = (receiver.trust, &checked.plan.order);
    if checked.plan.shadow.is_some() && !matches!(checked.record.step, Step::Run { .. }) {
        // Nothing was installed, so nothing is put back.
        return Ok(None);
    }
    let (version, digest, module) = match checked.record.step {
        Step::Halt | Step::Stop | Step::Resume => return Ok(None),
        Step::Run { .. } => {
            check_succession(order, receiver.mark)?;
            (order.version, order.digest, &checked.module)
        }
        Step::Rollback { .. } => {
            let Some(former) = &checked.plan.former else { return Ok(None) };
            let here = receiver.mark.programs.get(&order.name).map(|(_, digest)| *digest);
            if here.is_some_and(|here| here != order.digest && here != former.digest) {
                let here = here.as_ref().map(digest_text).unwrap_or_default();
                let message = format!("the step rolls {} back, {here} is here", digest_text(&order.digest));
                return Err(Refusal::new(Cause::OtherRollback, message));
            }
            let Some(module) = &checked.former else {
                return Err(Refusal::new(Cause::NoModule, "the module to roll back to did not come along"));
            };
            (former.version, former.digest, module)
        }
    };
    // What is put back must still be allowed today.
    let mut installed = order.clone();
    (installed.version, installed.digest) = (version, digest);
    check_revocation(&installed, trust)?;
    check_floor(&installed, trust)?;
    if digest == order.digest {
        signers.check_ceiling(order, module, trust)?;
    }
    check_grants(module, receiver.grants)?;
    // A shadow is held to what an order is held to, and leaves no mark but its revision.
    Ok(checked.plan.shadow.is_none().then_some((&order.name, version, digest)))
}
