//! What runs programs for agents. The protocol knows no more of it than this.

use smol_str::SmolStr;
use swarm_vm::EffectKey;

use crate::agent::Start;
use crate::journal::Journal;
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

    /// Does what is due, whole: it is between two steps again afterwards. Effects that happen once are asked for in
    /// the journal; those it permits are given back, to be performed as soon as their intents are on disk.
    fn activate(
        &mut self,
        run: &mut Self::Run,
        now_ns: u64,
        journal: &mut Journal,
    ) -> (Activation, Vec<EffectKey>);
}
