//! One simulated computer: an agent, its disk, and what runs there.

use super::faults::Faults;
use super::random::Chance;
use crate::agent::{Agent, Durable, Installed, Profile};
use crate::journal::Journal;
use crate::name::Name;
use crate::trust::Capabilities;
use crate::verify::step::Checked;

/// A computer.
#[derive(Debug)]
pub(crate) struct Node<R> {
    pub(crate) agent: Agent,
    /// Its place among the targets, if it is one.
    pub(crate) rank: Option<u32>,
    pub(crate) disk: Option<Box<Durable>>,
    /// What the disk has of the trace since the last chunk was signed.
    pub(crate) tail: Vec<u8>,
    pub(crate) journal: Journal,
    pub(crate) run: Option<R>,
    /// The program in shadow.
    pub(crate) shadow: Option<R>,
    /// Changes with each program in shadow that starts.
    pub(crate) shadow_life: u32,
    /// Changes with each program that starts or stops, so that what was planned for another one does not happen.
    pub(crate) life: u32,
    pub(crate) up: bool,
    pub(crate) cut_off: bool,
    pub(crate) skew_ns: i64,
    pub(crate) wake_at: u64,
    /// The program that is ordered does not start here.
    pub(crate) poisoned: bool,
    /// It dies after so many more commands, for so long.
    pub(crate) dies_after: Option<(u32, u64)>,
    /// It dies in its next effect that happens once, for so long.
    pub(crate) dies_in_effect: Option<u64>,
}

impl<R> Node<R> {
    pub(crate) fn new(
        mut profile: Profile,
        rank: Option<u32>,
        faults: Option<&Faults>,
        chance: &mut Chance,
    ) -> Node<R> {
        let (mut skew_ns, mut poisoned) = (0, false);
        if let Some(faults) = faults {
            let skew = i64::try_from(chance.below(faults.skew_ns.saturating_add(1))).unwrap_or(0);
            skew_ns = if chance.happens(500_000) { skew } else { skew.saturating_neg() };
            poisoned = chance.happens(faults.poison);
            if chance.happens(faults.ungranted) {
                profile.grants = Capabilities::Only(std::collections::BTreeSet::new());
            }
        }
        Node {
            agent: Agent::new(profile),
            rank,
            // Who installs an agent gives it its first state; only a disk that lost it has none.
            disk: Some(Box::new(Durable::installed())),
            tail: Vec::new(),
            journal: Journal::default(),
            run: None,
            shadow: None,
            shadow_life: 0,
            life: 0,
            up: false,
            cut_off: false,
            skew_ns,
            wake_at: 0,
            poisoned,
            dies_after: None,
            dies_in_effect: None,
        }
    }

    /// What ran before the simulation begins is on disk already.
    pub(crate) fn provision(&mut self, installed: &Installed, checked: &Checked) {
        let Some(disk) = &mut self.disk else { return };
        let order = &checked.plan().order;
        let program = Some((&order.name, order.version, order.digest));
        let revision = (checked.record().revision, checked.record_digest());
        disk.mark = disk.mark.after_step(revision, checked.record().issued, 0, program);
        disk.installed = Some(installed.clone());
        disk.last_good = Some(installed.clone());
        disk.spent = Some((order.id, 0, 0));
    }

    pub(crate) fn name(&self) -> &Name {
        self.agent.name()
    }

    /// Whether it runs nothing of this order, and its last words were heard.
    pub(crate) fn is_quiet(&self, order: [u8; 16]) -> bool {
        let durable = self.agent.durable();
        let installed = durable.installed.as_ref().is_some_and(|own| own.order == order);
        let over = durable.finished.is_some() || !installed || durable.halted;
        let alone = durable.shadow.as_ref().is_none_or(|shadow| shadow.over.is_some());
        self.up && durable.admitted && over && alone && durable.outbox.is_none()
    }
}
