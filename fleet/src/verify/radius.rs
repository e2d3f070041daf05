//! How much an order can do that cannot be taken back.

use swarm_bytecode::module::Effect;
use swarm_bytecode::op::Op;
use swarm_bytecode::verify::Verified;

use crate::order::{Order, Targets};

/// The blast radius of an order: the agents it may reach, times the ONCE actions of its program. An action
/// counts once for each place of the program that takes it, however often a loop passes there: how often is
/// for budgets to bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlastRadius {
    /// How many agents, where the order names them; `None`: whichever fit.
    pub agents: Option<u64>,
    /// How many places of the program take an ONCE action.
    pub actions: u64,
}

impl BlastRadius {
    /// That of an order and its program.
    pub fn of(order: &Order, module: &Verified) -> BlastRadius {
        let module = module.module();
        let once = |op: &&Op| match op {
            Op::Host { import, .. } | Op::TryHost { import, .. } | Op::RetryHost { import, .. } => {
                module.imports.get(import.index()).is_some_and(|import| import.effect == Effect::Once)
            }
            _ => false,
        };
        let actions = module.functions.iter().flat_map(|function| &function.code).filter(once).count();
        let agents = match order.targets {
            Targets::Frozen { count, .. } => Some(count),
            Targets::All | Targets::Labels(_) => None,
        };
        BlastRadius { agents, actions: u64::try_from(actions).unwrap_or(u64::MAX) }
    }

    /// Agents × actions; of an unknown number of agents it is beyond every number, unless nothing is done ONCE.
    pub fn product(self) -> u64 {
        match self.agents {
            _ if self.actions == 0 => 0,
            Some(agents) => agents.saturating_mul(self.actions),
            None => u64::MAX,
        }
    }
}

/// `1,159 agents × 2 ONCE actions`, without the grouping of digits.
impl std::fmt::Display for BlastRadius {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        match self.agents {
            Some(agents) => write!(f, "{agents} agent{}", plural(agents))?,
            None => f.write_str("any number of agents")?,
        }
        write!(f, " × {} ONCE action{}", self.actions, plural(self.actions))
    }
}
