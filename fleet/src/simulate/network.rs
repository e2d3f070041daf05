//! The simulated network: how long a message takes, and what becomes of it.

use super::random::Chance;

/// What the network does to messages. Shares are parts per million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conduct {
    /// Messages that are lost.
    pub loss: u32,
    /// Messages that arrive twice.
    pub duplication: u32,
    /// The shortest way, in nanoseconds.
    pub shortest_ns: u64,
    /// The longest way, in nanoseconds: far from the shortest, later messages overtake earlier ones.
    pub longest_ns: u64,
}

impl Conduct {
    /// A good network: 1 to 20 ms, nothing lost.
    pub const GOOD: Conduct =
        Conduct { loss: 0, duplication: 0, shortest_ns: 1_000_000, longest_ns: 20_000_000 };

    /// A bad one.
    pub const BAD: Conduct =
        Conduct { loss: 80_000, duplication: 60_000, shortest_ns: 1_000_000, longest_ns: 4_000_000_000 };

    /// When the copies of a message arrive: none, one or two.
    pub(crate) fn arrivals(&self, now_ns: u64, chance: &mut Chance) -> [Option<u64>; 2] {
        let mut arrival = || Some(now_ns.saturating_add(chance.between(self.shortest_ns, self.longest_ns)));
        let (first, second) = (arrival(), arrival());
        if chance.happens(self.loss) {
            return [None, None];
        }
        [first, second.filter(|_| chance.happens(self.duplication))]
    }
}
