//! The bill of a fleet: what each agent may need, times the agents, beside the budget it is dealt out of.

use std::collections::BTreeMap;

use swarm_bytecode::module::{InputId, Module, TargetCount};

use super::report::{Amounts, Report, evaluate};

/// What an order can cost at most, for one agent and for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FleetBill {
    /// How many agents it is for, where that is known.
    pub agents: Option<u64>,
    /// One agent, whole order. Memory is that of its costliest activation.
    pub agent: Amounts,
    /// All agents; memory is their sum. `None` where an amount of one agent or the number of agents is not known.
    pub fleet: Amounts,
    /// Each agent's part of the header's BUDGET in micro-dollars: what it may spend, whatever its bill.
    pub money_share: Option<u64>,
    /// The same of its tokens.
    pub tokens_share: Option<u64>,
}

/// The bill for so many agents (else for those of TARGET) and for inputs of these sizes (else of their MAX).
pub fn fleet(
    report: &Report,
    module: &Module,
    agents: Option<u64>,
    sizes: &BTreeMap<InputId, u64>,
) -> FleetBill {
    let agents = agents.or_else(|| targets(module));
    let agent = evaluate(&report.order, module, sizes);
    let all = |amount: Option<u64>| Some(amount?.saturating_mul(agents?));
    let share = |budget: Option<i64>| u64::try_from(budget?).ok()?.checked_div(agents?);
    FleetBill {
        agents,
        agent,
        fleet: Amounts {
            fuel: all(agent.fuel),
            memory: all(agent.memory),
            host_calls: all(agent.host_calls),
            money: all(agent.money),
            tokens: all(agent.tokens),
        },
        money_share: share(module.instruction.budget_money),
        tokens_share: share(module.instruction.budget_tokens),
    }
}

/// How many agents TARGET names.
pub fn targets(module: &Module) -> Option<u64> {
    match module.instruction.target?.count {
        TargetCount::All => None,
        TargetCount::Exactly(agents) | TargetCount::UpTo(agents) => Some(u64::from(agents)),
    }
}
