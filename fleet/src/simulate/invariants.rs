//! What must hold at every moment of a simulation, whatever goes wrong.

use std::collections::{BTreeMap, BTreeSet};

use swarm_vm::EffectKey;

use crate::agent::{Durable, Start, Which};
use crate::envelope::{PLAN_TYPE, RECORD_TYPE};
use crate::injector::Injector;
use crate::name::Name;
use crate::order::{Revision, Sha256Digest};
use crate::plan::Plan;
use crate::record::{Directive, Record, Step};
use crate::trust::Trust;

/// Most violations that are kept; one is enough.
const KEPT: usize = 20;

/// What one agent did so far.
#[derive(Debug, Default)]
struct History {
    revision: Revision,
    /// That of the step under which it started something last.
    started: Revision,
    version: u32,
    ran_well: BTreeSet<Sha256Digest>,
}

/// Watches a simulation, with no more trust in the machines than an outsider.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    histories: BTreeMap<u32, History>,
    effects: BTreeMap<EffectKey, u32>,
    /// Whether a desired state is signed, as it was found out once, by its digest.
    signed: BTreeMap<Sha256Digest, bool>,
    violations: Vec<String>,
    checks: u64,
}

impl Watch {
    fn hold(&mut self, holds: bool, message: impl FnOnce() -> String) {
        self.checks = self.checks.saturating_add(1);
        if !holds && self.violations.len() < KEPT {
            self.violations.push(message());
        }
    }

    /// Targets are active, refused, failed or silent, each once.
    pub(crate) fn accounted(&mut self, now_ns: u64, injector: &Injector) {
        let (reach, accounting) = (injector.reach(), injector.accounting());
        let whole = usize::try_from(accounting.targets) == Ok(reach) && accounting == injector.recount();
        self.hold(accounting.adds_up() && whole, || {
            format!("at {now_ns} ns: {accounting:?} does not add up to {reach} targets")
        });
    }

    /// An agent's revision never falls.
    pub(crate) fn persisted(&mut self, now_ns: u64, agent: u32, disk: &Durable) {
        let last = self.histories.entry(agent).or_default().revision;
        let next = disk.mark.revision;
        // A new disk that is not admitted yet knows of no revision, and runs nothing.
        let empty = next == Revision::default() && disk.installed.is_none();
        self.hold(next >= last || empty, || {
            format!("at {now_ns} ns: agent {agent} went back from revision {last} to {next}")
        });
        let history = self.histories.entry(agent).or_default();
        history.revision = history.revision.max(next);
    }

    /// Nothing unsigned runs, and a version falls only under a signed rollback, or where what is desired does
    /// not start and something ran well before.
    pub(crate) fn started(&mut self, now_ns: u64, (agent, name): (u32, &Name), start: &Start, trust: &Trust) {
        let directive = start.checked.directive();
        let digest = start.digest();
        let plan = Plan::decode(&directive.plan().payload).ok();
        let record = Record::decode(&directive.record().payload).ok();
        let known = self.signed.entry(directive.digest());
        let signed =
            *known.or_insert_with(|| plan.as_ref().is_some_and(|plan| is_signed(directive, plan, trust)));
        let expected = plan.as_ref().and_then(|plan| match start.which {
            Which::Ordered => Some((plan.order.digest, plan.order.version)),
            Which::Former => plan.former.as_ref().map(|former| (former.digest, former.version)),
        });
        let version = expected.map_or(0, |(_, version)| version);
        self.hold(signed && expected.map(|(digest, _)| digest) == Some(digest), || {
            format!("at {now_ns} ns: agent {agent} runs something no one signed")
        });
        let named = usize::try_from(start.rank).ok().and_then(|rank| directive.targets().get(rank));
        self.hold(named == Some(name), || {
            format!("at {now_ns} ns: {name} runs a plan that does not name it")
        });
        if start.shadow {
            // Nothing is installed by it.
            return;
        }
        let history = self.histories.entry(agent).or_default();
        let revision = record.as_ref().map_or(history.started, |record| record.revision);
        let before = history.started;
        if !start.fallback {
            history.started = history.started.max(revision);
        }
        let rollback = record.is_some_and(|record| matches!(record.step, Step::Rollback { .. }));
        let fallback = start.fallback && history.ran_well.contains(&digest);
        let last = history.version;
        let falls = version < last;
        history.version = version;
        self.hold(revision >= before || fallback, || {
            format!("at {now_ns} ns: agent {agent} starts something of revision {revision} after {before}")
        });
        self.hold(!falls || rollback || fallback, || {
            format!("at {now_ns} ns: agent {agent} fell from version {last} to {version} without a rollback")
        });
    }

    /// A program survived its start.
    pub(crate) fn ran_well(&mut self, agent: u32, digest: Sha256Digest) {
        self.histories.entry(agent).or_default().ran_well.insert(digest);
    }

    /// What happens once happens at most once.
    pub(crate) fn performed(&mut self, now_ns: u64, agent: u32, key: EffectKey) {
        let count = self.effects.entry(key).or_default();
        *count = count.saturating_add(1);
        let count = *count;
        self.hold(count == 1, || format!("at {now_ns} ns: agent {agent} did an effect {count} times"));
    }

    /// A program in shadow has no effects.
    pub(crate) fn performed_in_shadow(&mut self, now_ns: u64, agent: u32, key: EffectKey) {
        let digits: String = key.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        self.hold(false, || format!("at {now_ns} ns: agent {agent} did {digits}… in shadow"));
    }

    /// How many effects that happen once have happened.
    pub(crate) fn effects(&self) -> u64 {
        u64::try_from(self.effects.len()).unwrap_or(u64::MAX)
    }

    /// After healing every agent that lives is where the desired state is.
    pub(crate) fn converged(&mut self, agent: &str, holds: bool, why: impl FnOnce() -> String) {
        self.hold(holds, || format!("after healing: {agent} did not converge: {}", why()));
    }

    /// What did not hold.
    pub(crate) fn into_violations(self) -> (Vec<String>, u64) {
        (self.violations, self.checks)
    }
}

/// Whether publishers signed the plan, and they or the plan's injector the step.
fn is_signed(directive: &Directive, plan: &Plan, trust: &Trust) -> bool {
    let publisher = |id: &_| trust.publisher(id).map(|publisher| &publisher.key);
    let known = |id: &_| if *id == plan.injector.id() { Some(&plan.injector) } else { publisher(id) };
    directive.plan().check(PLAN_TYPE, publisher).is_ok()
        && directive.record().check(RECORD_TYPE, known).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(counter: u64) -> Durable {
        let mut disk = Durable::installed();
        disk.mark.revision = Revision { epoch: 1, counter };
        disk
    }

    #[test]
    fn a_revision_that_falls_is_seen() {
        let mut watch = Watch::default();
        for counter in [1, 3, 3] {
            watch.persisted(0, 7, &disk(counter));
        }
        // A new disk knows nothing, and that is no step back.
        watch.persisted(0, 7, &Durable::default());
        assert!(watch.violations.is_empty());
        watch.persisted(0, 7, &disk(2));
        assert_eq!(watch.into_violations().0, ["at 0 ns: agent 7 went back from revision 1.3 to 1.2"]);
    }

    #[test]
    fn what_happens_twice_is_seen() {
        let mut watch = Watch::default();
        watch.performed(5, 1, [1; 32]);
        watch.performed(5, 1, [2; 32]);
        assert!(watch.violations.is_empty());
        watch.performed(6, 1, [2; 32]);
        assert_eq!(watch.into_violations(), (vec!["at 6 ns: agent 1 did an effect 2 times".to_owned()], 3));
    }

    #[test]
    fn who_does_not_converge_is_seen() {
        let mut watch = Watch::default();
        watch.converged("a", true, String::new);
        watch.converged("b", false, || "it is down".to_owned());
        assert_eq!(watch.into_violations().0, ["after healing: b did not converge: it is down"]);
    }
}
