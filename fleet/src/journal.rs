//! The journal of effects that happen once: intent before, outcome after, both on disk. What has an intent and no
//! outcome is in doubt, and is never repeated.

use std::collections::{BTreeMap, BTreeSet};

use swarm_vm::EffectKey;

/// What is known of an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    Intended,
    Done,
}

/// Whether an effect may happen now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// It may; the intent is written.
    Perform,
    /// It has happened.
    Done,
    /// It may have happened.
    InDoubt,
}

/// What an agent knows of its effects. Keys differ by fleet, order and agent, so one journal serves all orders.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Journal {
    effects: BTreeMap<EffectKey, Known>,
    /// Orders under way when the journal was lost: whatever they do once may have been done.
    doubtful: BTreeSet<[u8; 16]>,
}

impl Journal {
    /// A journal that was lost, as far as this order is concerned.
    pub fn lost(order: [u8; 16]) -> Journal {
        Journal { effects: BTreeMap::new(), doubtful: BTreeSet::from([order]) }
    }

    /// A journal as it was written down: effects with whether their outcome is known, and orders in doubt.
    pub fn restore(
        effects: impl IntoIterator<Item = (EffectKey, bool)>,
        doubtful: impl IntoIterator<Item = [u8; 16]>,
    ) -> Journal {
        let known = |done| if done { Known::Done } else { Known::Intended };
        Journal {
            effects: effects.into_iter().map(|(key, done)| (key, known(done))).collect(),
            doubtful: doubtful.into_iter().collect(),
        }
    }

    /// Effects, with whether their outcome is known.
    pub fn effects(&self) -> impl Iterator<Item = (&EffectKey, bool)> {
        self.effects.iter().map(|(key, known)| (key, *known == Known::Done))
    }

    /// Orders of which all that happens once is in doubt.
    pub fn doubtful(&self) -> impl Iterator<Item = &[u8; 16]> {
        self.doubtful.iter()
    }

    /// Asks whether an effect may happen, and writes down the intent if it may.
    pub fn intend(&mut self, order: &[u8; 16], key: EffectKey) -> Permit {
        match self.effects.get(&key) {
            Some(Known::Done) => Permit::Done,
            Some(Known::Intended) => Permit::InDoubt,
            None if self.doubtful.contains(order) => Permit::InDoubt,
            None => {
                self.effects.insert(key, Known::Intended);
                Permit::Perform
            }
        }
    }

    /// Writes down that it has happened.
    pub fn done(&mut self, key: EffectKey) {
        self.effects.insert(key, Known::Done);
    }

    /// Effects that were intended and whose outcome is not known.
    pub fn in_doubt(&self) -> usize {
        self.effects.values().filter(|known| **known == Known::Intended).count()
    }
}
