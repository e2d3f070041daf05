//! What runs programs for agents. The protocol knows no more of it than this.

use smol_str::SmolStr;

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
    /// the journal, and given to `perform`.
    fn activate(
        &mut self,
        run: &mut Self::Run,
        now_ns: u64,
        journal: &mut Journal,
        perform: &mut dyn FnMut(swarm_vm::EffectKey) -> Performed,
    ) -> Activation;
}

/// What became of an effect that happens once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Performed {
    /// It happened.
    Done,
    /// The agent died before it could write down whether it did.
    Died,
}
