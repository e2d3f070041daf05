//! The monitor of one order in a process: the program's own conditions, asked of the fleet's figures.

use std::collections::BTreeMap;

use swarm_bytecode::module::FunctionId;
use swarm_bytecode::verify::Verified;
use swarm_fleet::message::FromAgent;
use swarm_fleet::message::wire::decode_reports;
use swarm_fleet::monitor::Monitor;
use swarm_fleet::monitor::baseline::Baseline;
use swarm_fleet::name::Name;
use swarm_fleet::simulate::Conditions;
use swarm_vm::Program;

use crate::NodeError;

/// Follows one order.
#[derive(Debug)]
pub struct Watcher {
    monitor: Monitor,
    judge: Conditions,
    gate: Option<FunctionId>,
    ranks: BTreeMap<Name, u32>,
}

impl Watcher {
    /// A monitor for an order of this program, with this context and these targets.
    ///
    /// # Errors
    /// [`NodeError::Other`] where the program cannot be loaded, or the context does not fit it.
    pub fn new(
        program: &Verified,
        context: &str,
        order: [u8; 16],
        targets: &[Name],
    ) -> Result<Watcher, NodeError> {
        let module = program.module();
        let monitor = Monitor::new(module, order);
        let gate = module.instruction.rollout.as_ref().and_then(|rollout| rollout.gate);
        let program =
            Program::new(program.clone()).map_err(|error| NodeError::Other(error.message().into()))?;
        let context = if context.is_empty() { "{}" } else { context };
        let judge = Conditions::new(&program, context)
            .map_err(|error| NodeError::Other(format!("the context does not fit: {error}")))?;
        let ranks = targets.iter().cloned().zip(0..).collect();
        Ok(Watcher { monitor, judge, gate, ranks })
    }

    /// The same, and figures are held against those of an order before.
    #[must_use]
    pub fn against(mut self, baseline: Option<Baseline>) -> Watcher {
        self.monitor = self.monitor.against(baseline);
        self
    }

    /// Takes windows as they stand in the log; gives how many. What is no window is left out.
    pub fn take(&mut self, bytes: &[u8]) -> usize {
        let mut taken = 0_usize;
        for (agent, message) in decode_reports(bytes).unwrap_or_default() {
            let rank = self.ranks.get(&agent).copied();
            if let (Some(rank), FromAgent::Window(aggregate)) = (rank, message)
                && aggregate.agent == agent
            {
                self.monitor.take(rank, &aggregate);
                taken = taken.saturating_add(1);
            }
        }
        taken
    }

    /// Ends a window; gives whether the program's STOP WHEN holds, the first time.
    pub fn close(&mut self, now_ns: u64, error_rate: i64) -> bool {
        self.monitor.close(now_ns, error_rate, &mut self.judge)
    }

    /// Whether the program's gate holds.
    pub fn gate(&mut self, error_rate: i64) -> bool {
        self.monitor.gate(self.gate, error_rate, &mut self.judge)
    }

    /// What it knows.
    pub fn monitor(&self) -> &Monitor {
        &self.monitor
    }
}
