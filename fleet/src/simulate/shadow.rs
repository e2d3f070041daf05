//! Programs in shadow: each agent has room for one, beside what it runs.

use smol_str::SmolStr;

use super::{Happening, Simulation};
use crate::agent;
use crate::engine::Engine;
use crate::monitor::Judge;

impl<E: Engine, J: Judge> Simulation<E, J> {
    /// A program in shadow has started.
    pub(super) fn started_in_shadow(
        &mut self,
        now: u64,
        agent: u32,
        run: E::Run,
        due: Option<u64>,
    ) -> Option<Result<(), SmolStr>> {
        let node = self.node_mut(agent)?;
        node.shadow = Some(run);
        node.shadow_life = node.shadow_life.wrapping_add(1);
        let life = node.shadow_life;
        if let Some(due) = due {
            self.schedule.at(due.max(now), Happening::ActivateShadow(agent, life));
        }
        Some(Ok(()))
    }

    /// A program in shadow does what is due: it has no effect.
    pub(super) fn activate_shadow(&mut self, now: u64, agent: u32, life: u32) {
        let Simulation { engine, nodes, schedule, .. } = self;
        let Some(node) = nodes.get_mut(usize::try_from(agent).unwrap_or(usize::MAX)) else { return };
        if node.shadow_life != life || !node.up {
            return;
        }
        let Some(mut run) = node.shadow.take() else { return };
        let (activation, permitted) = engine.activate(&mut run, now, &mut node.journal, None);
        for key in permitted {
            self.watch.performed_in_shadow(now, agent, key);
        }
        if let Some(due) = engine.due(&run).filter(|_| activation.ended.is_none()) {
            node.shadow = Some(run);
            schedule.at(due.max(now), Happening::ActivateShadow(agent, life));
        }
        self.tell(now, agent, agent::Event::ShadowActivated(&activation));
    }
}
