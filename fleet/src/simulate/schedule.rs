//! What happens when: by time, and at one time in the order in which it was planned.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Things to come.
#[derive(Debug)]
pub(crate) struct Schedule<T> {
    times: BinaryHeap<Reverse<(u64, u64)>>,
    things: BTreeMap<u64, T>,
    planned: u64,
}

impl<T> Default for Schedule<T> {
    fn default() -> Self {
        Schedule { times: BinaryHeap::new(), things: BTreeMap::new(), planned: 0 }
    }
}

impl<T> Schedule<T> {
    /// Plans something.
    pub(crate) fn at(&mut self, time_ns: u64, thing: T) {
        self.planned = self.planned.saturating_add(1);
        self.times.push(Reverse((time_ns, self.planned)));
        self.things.insert(self.planned, thing);
    }

    /// Takes what is next.
    pub(crate) fn next(&mut self) -> Option<(u64, T)> {
        let Reverse((time_ns, number)) = self.times.pop()?;
        Some((time_ns, self.things.remove(&number)?))
    }
}
