//! The journal of effects that happen once: intent before, outcome after, both on disk. What has an intent and no
//! outcome is in doubt, and is never repeated.
//!
//! It is bounded. Of each order it holds so many effects, and then permits no more; of orders beyond a number
//! that no one speaks of any more it holds only that all they do once is in doubt, should they come back.

use std::collections::{BTreeMap, BTreeSet};

use swarm_vm::EffectKey;

/// Most effects of an order.
pub const MOST_EFFECTS: usize = 1 << 18;

/// Most orders whose effects are held beside those an agent speaks of.
pub const MOST_ORDERS: usize = 16;

/// Most orders that are in doubt.
pub const MOST_DOUBTFUL: usize = 4_096;

/// The order of effects that were written down without one.
const UNKNOWN: [u8; 16] = [0; 16];

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
    /// The order has had as many effects as a journal holds.
    Full,
}

/// What an agent knows of its effects. Keys differ by fleet, order and agent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Journal {
    effects: BTreeMap<[u8; 16], BTreeMap<EffectKey, Known>>,
    /// Orders whose journal was lost or shortened away: whatever they do once may have been done.
    doubtful: BTreeSet<[u8; 16]>,
}

impl Journal {
    /// A journal that was lost, as far as this order is concerned.
    pub fn lost(order: [u8; 16]) -> Journal {
        Journal { effects: BTreeMap::new(), doubtful: BTreeSet::from([order]) }
    }

    /// A journal as it was written down: effects with their order, where that is known, and whether their
    /// outcome is; and orders in doubt.
    pub fn restore(
        effects: impl IntoIterator<Item = (Option<[u8; 16]>, EffectKey, bool)>,
        doubtful: impl IntoIterator<Item = [u8; 16]>,
    ) -> Journal {
        let mut journal = Journal { effects: BTreeMap::new(), doubtful: doubtful.into_iter().collect() };
        for (order, key, done) in effects {
            let known = if done { Known::Done } else { Known::Intended };
            journal.effects.entry(order.unwrap_or(UNKNOWN)).or_default().insert(key, known);
        }
        journal
    }

    /// Effects with their order, and whether their outcome is known.
    pub fn effects(&self) -> impl Iterator<Item = (&[u8; 16], &EffectKey, bool)> {
        self.effects.iter().flat_map(|(order, effects)| {
            effects.iter().map(move |(key, known)| (order, key, *known == Known::Done))
        })
    }

    /// Orders of which all that happens once is in doubt.
    pub fn doubtful(&self) -> impl Iterator<Item = &[u8; 16]> {
        self.doubtful.iter()
    }

    /// Asks whether an effect may happen, and writes down the intent if it may.
    pub fn intend(&mut self, order: &[u8; 16], key: EffectKey) -> Permit {
        let known = [order, &UNKNOWN].into_iter().find_map(|order| self.effects.get(order)?.get(&key));
        match known {
            Some(Known::Done) => return Permit::Done,
            Some(Known::Intended) => return Permit::InDoubt,
            None if self.doubtful.contains(order) => return Permit::InDoubt,
            None => {}
        }
        let effects = self.effects.entry(*order).or_default();
        if effects.len() >= MOST_EFFECTS {
            return Permit::Full;
        }
        effects.insert(key, Known::Intended);
        Permit::Perform
    }

    /// Writes down that it has happened.
    pub fn done(&mut self, order: &[u8; 16], key: EffectKey) {
        self.effects.entry(*order).or_default().insert(key, Known::Done);
    }

    /// Drops the effects of orders that are not among these, where there are too many; gives those orders.
    /// Should one come back, all it does once is in doubt.
    pub fn shorten(&mut self, spoken: &[[u8; 16]]) -> Vec<[u8; 16]> {
        let others: Vec<[u8; 16]> = self
            .effects
            .keys()
            .filter(|order| !spoken.contains(order) && **order != UNKNOWN)
            .copied()
            .collect();
        let most = others.len().saturating_sub(MOST_ORDERS);
        let dropped: Vec<[u8; 16]> = others.into_iter().take(most).collect();
        for order in &dropped {
            self.effects.remove(order);
            self.doubtful.insert(*order);
        }
        dropped
    }

    /// Forgets orders in doubt beyond a number; gives those.
    pub fn forget_doubtful(&mut self) -> Vec<[u8; 16]> {
        let most = self.doubtful.len().saturating_sub(MOST_DOUBTFUL);
        let forgotten: Vec<[u8; 16]> = self.doubtful.iter().take(most).copied().collect();
        self.doubtful.retain(|order| !forgotten.contains(order));
        forgotten
    }

    /// Effects that were intended and whose outcome is not known.
    pub fn in_doubt(&self) -> usize {
        self.effects.values().flat_map(BTreeMap::values).filter(|known| **known == Known::Intended).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: u32) -> EffectKey {
        let mut key = EffectKey::default();
        key.iter_mut().zip(number.to_le_bytes()).for_each(|(place, byte)| *place = byte);
        key
    }

    #[test]
    fn what_was_intended_is_in_doubt_until_it_is_done() {
        let (mut journal, order) = (Journal::default(), [1; 16]);
        assert_eq!(journal.intend(&order, key(1)), Permit::Perform);
        assert_eq!(journal.intend(&order, key(1)), Permit::InDoubt);
        journal.done(&order, key(1));
        assert_eq!((journal.intend(&order, key(1)), journal.in_doubt()), (Permit::Done, 0));
        // As it was written before orders stood beside effects.
        let mut old = Journal::restore([(None, key(1), true), (None, key(2), false)], []);
        assert_eq!(old.intend(&order, key(1)), Permit::Done);
        assert_eq!(old.intend(&order, key(2)), Permit::InDoubt);
    }

    #[test]
    fn an_order_has_only_so_many_effects() {
        let (mut journal, order) = (Journal::default(), [1; 16]);
        for number in 0..u32::try_from(MOST_EFFECTS).unwrap() {
            assert_eq!(journal.intend(&order, key(number)), Permit::Perform);
        }
        assert_eq!(journal.intend(&order, key(u32::MAX)), Permit::Full);
        assert_eq!(journal.intend(&order, key(0)), Permit::InDoubt);
        assert_eq!(journal.intend(&[2; 16], key(u32::MAX)), Permit::Perform);
    }

    #[test]
    fn orders_no_one_speaks_of_are_in_doubt_once_there_are_many() {
        let mut journal = Journal::default();
        for order in 1..=200_u8 {
            assert_eq!(journal.intend(&[order; 16], key(1)), Permit::Perform);
            journal.done(&[order; 16], key(1));
            let dropped = journal.shorten(&[[1; 16], [order; 16]]);
            assert!(dropped.len() <= 1 && !dropped.contains(&[1; 16]) && !dropped.contains(&[order; 16]));
        }
        assert_eq!(journal.effects().count(), MOST_ORDERS + 2);
        assert_eq!(journal.intend(&[1; 16], key(1)), Permit::Done);
        assert_eq!(journal.intend(&[2; 16], key(1)), Permit::InDoubt);
        assert_eq!(journal.intend(&[2; 16], key(9)), Permit::InDoubt);
        assert_eq!(journal.forget_doubtful(), Vec::<[u8; 16]>::new());
    }
}
