//! What runs programs for agents. The protocol knows no more of it than this.

use smol_str::SmolStr;
use swarm_vm::EffectKey;

use crate::agent::Start;
use crate::journal::Journal;
use crate::tasks::Tasks;
use crate::window::Activation;

/// Runs programs.
pub trait Engine {
    /// A program under way at one agent.
    type Run;

    /// Makes a program ready; nothing of it has run yet.
    ///
    /// # Errors
    /// Why it does not start.
    fn start(&mut self, agent: u32, start: &Start, now_ns: u64) -> Result<Self::Run, SmolStr>;

    /// When something is due.
    fn due(&self, run: &Self::Run) -> Option<u64>;

    /// How many tasks of a queue the program takes in an activation; none where it reads no queue.
    fn takes(&self, run: &Self::Run) -> u32 {
        let _no_queue = run;
        0
    }

    /// Does what is due, whole: it is between two steps again afterwards. Effects that happen once are asked
    /// for in the journal; those it permits are given back, to be performed as soon as their intents are on
    /// disk. With tasks of a queue, those are what the program reads as its `task_queue`, and what it does
    /// with each is noted.
    fn activate(
        &mut self,
        run: &mut Self::Run,
        now_ns: u64,
        journal: &mut Journal,
        tasks: Option<&mut Tasks>,
    ) -> (Activation, Vec<EffectKey>);
}
