//! What goes wrong in a simulation, and when: a timetable made from the seed, with an end after which all heals.

use super::random::Chance;

const SECOND: u64 = 1_000_000_000;

/// One thing that goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// An agent dies before it carries out so many more commands, and starts anew after a while.
    Crash { agent: u32, after: u32, down_ns: u64 },
    /// The same, with a new disk.
    DiskLoss { agent: u32, down_ns: u64 },
    /// An agent dies in the middle of the next effect that happens once.
    CrashInEffect { agent: u32, down_ns: u64 },
    /// An agent is told to stop, and starts anew after a while.
    Leave { agent: u32, down_ns: u64 },
    /// An agent is cut off.
    Partition { agent: u32, for_ns: u64 },
    /// The injector dies, and starts anew at once from its disk.
    InjectorCrash,
    /// The bus forgets all it held.
    BusLoss,
    /// An operator halts, or rolls back.
    Operator { halts: bool },
    /// Someone who may not sends a desired state to an agent.
    Intruder { agent: u32, kind: u8 },
    /// An agent gets an older desired state.
    Replay { agent: u32 },
}

/// How much goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    /// When it ends, in nanoseconds from the start.
    pub until_ns: u64,
    /// How many faults a hundred agents suffer.
    pub per_hundred: u32,
    /// Most nanoseconds an agent's clock is off.
    pub skew_ns: u64,
    /// Agents at which the program does not start, in parts per million.
    pub poison: u32,
    /// Agents that do not grant what the program asks for, in parts per million.
    pub ungranted: u32,
    /// Whether an operator halts or rolls back in between.
    pub operator: bool,
    /// How often an agent is told to stop, and starts anew later.
    pub leaves: u32,
    /// Whether agents that are no targets are new, and come while the order is out.
    pub joiners: bool,
}

impl Faults {
    /// For this long, about one fault for each dozen agents, ten at least.
    pub fn until(until_ns: u64) -> Faults {
        Faults {
            until_ns,
            per_hundred: 8,
            skew_ns: 60 * SECOND,
            poison: 1_000,
            ungranted: 1_000,
            operator: false,
            leaves: 0,
            joiners: false,
        }
    }

    /// What goes wrong when, in no order.
    pub(crate) fn timetable(&self, agents: u32, chance: &mut Chance) -> Vec<(u64, Fault)> {
        let count = u64::from(agents).saturating_mul(u64::from(self.per_hundred)).div_ceil(100).max(10);
        let mut timetable = Vec::new();
        for _ in 0..count {
            let at = chance.below(self.until_ns);
            let agent = u32::try_from(chance.below(u64::from(agents))).unwrap_or(0);
            let down_ns = chance.between(SECOND, 90 * SECOND).min(self.until_ns);
            let fault = match chance.below(14) {
                0..=3 => Fault::Crash { agent, after: u32::try_from(chance.below(4)).unwrap_or(0), down_ns },
                4 => Fault::DiskLoss { agent, down_ns },
                5 | 6 => Fault::CrashInEffect { agent, down_ns },
                7..=9 => Fault::Partition { agent, for_ns: down_ns },
                10 | 11 => Fault::Intruder { agent, kind: u8::try_from(chance.below(5)).unwrap_or(0) },
                _ => Fault::Replay { agent },
            };
            timetable.push((at, fault));
        }
        for _ in 0..chance.below(3) {
            timetable.push((chance.below(self.until_ns), Fault::InjectorCrash));
        }
        for _ in 0..chance.below(3) {
            timetable.push((chance.below(self.until_ns), Fault::BusLoss));
        }
        for _ in 0..self.leaves {
            let agent = u32::try_from(chance.below(u64::from(agents))).unwrap_or(0);
            let down_ns = chance.between(SECOND, 90 * SECOND).min(self.until_ns);
            timetable.push((chance.below(self.until_ns), Fault::Leave { agent, down_ns }));
        }
        if self.operator {
            let halts = chance.happens(500_000);
            timetable.push((chance.below(self.until_ns), Fault::Operator { halts }));
        }
        timetable
    }
}
