//! Sums of what traces say, and nothing else. Where in the traces each comes from is told with it.

use std::collections::BTreeMap;

use smol_str::SmolStr;
use swarm_bytecode::module::Module;

use super::chunk::Chunk;
use super::entry::{Became, EntryReader, What, import_name};
use crate::order::Sha256Digest;
use crate::refusal::Refusal;
use crate::window::{Actions, Activation, Totals};

const MILLISECOND: i64 = 1_000_000;

/// One activation, as the trace has it.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// When, by the agent's clock, in nanoseconds since the Unix epoch.
    pub clock: i64,
    /// What it did.
    pub activation: Activation,
    /// The number of its last entry, from 1.
    pub entry: u64,
}

/// Reads one incarnation of one agent, chunk by chunk.
#[derive(Debug)]
pub struct Tally<'m> {
    module: &'m Module,
    order: [u8; 16],
    program: Sha256Digest,
    /// Whether entries are of this order and program now.
    counts: bool,
    clock: i64,
    under_way: Activation,
    /// Entries that the agent did not keep.
    pub lost: u64,
    /// Failed actions, by name and reason, and other things that went wrong.
    pub failures: BTreeMap<(SmolStr, SmolStr), u64>,
}

impl<'m> Tally<'m> {
    /// Counts what this program did for this order.
    pub fn new(module: &'m Module, order: [u8; 16], program: Sha256Digest) -> Tally<'m> {
        Tally {
            module,
            order,
            program,
            counts: false,
            clock: 0,
            under_way: Activation::default(),
            lost: 0,
            failures: BTreeMap::new(),
        }
    }

    /// Sums of nothing yet.
    pub fn totals(&self) -> Totals {
        Totals::new(&self.module.metrics)
    }

    /// Reads a chunk and gives its activations.
    ///
    /// # Errors
    /// [`Cause::NoTrace`](crate::refusal::Cause::NoTrace) where an entry cannot be read.
    pub fn read(&mut self, chunk: &Chunk, told: &mut dyn FnMut(Told)) -> Result<(), Refusal> {
        self.clock = chunk.clock;
        self.counts = (chunk.order, chunk.program) == (self.order, self.program);
        let mut reader = EntryReader::new(&chunk.body);
        let mut number = chunk.first;
        while let Some(entry) = reader.next_entry()? {
            number = number.saturating_add(1);
            match entry.what {
                What::Program(order, program) => {
                    self.counts = (order, program) == (self.order, self.program);
                }
                What::Clock(since) => {
                    let since = i64::try_from(since).unwrap_or(i64::MAX).saturating_mul(MILLISECOND);
                    self.clock = self.clock.saturating_add(since);
                }
                What::Lost(count) => self.lost = self.lost.saturating_add(count),
                _ if !self.counts => {}
                What::Spent(fuel, money, tokens) => {
                    let mut activation = std::mem::take(&mut self.under_way);
                    (activation.fuel, activation.money, activation.tokens) = (fuel, money, tokens);
                    told(Told { clock: self.clock, activation, entry: number });
                }
                What::InDoubt(count) => self.under_way.in_doubt = count,
                What::Ended(outcome, reason) => {
                    if !matches!(&*outcome, "done" | "stopped") {
                        self.fails(outcome.clone(), reason.clone());
                    }
                    self.under_way.ended = Some((outcome, reason));
                }
                what => self.within(what),
            }
        }
        Ok(())
    }

    fn fails(&mut self, what: SmolStr, why: SmolStr) {
        let count = self.failures.entry((what, why)).or_default();
        *count = count.saturating_add(1);
    }

    /// What happens in an activation.
    fn within(&mut self, what: What) {
        match what {
            What::Action(import, _, result) | What::Applied(_, import, result) => {
                let name = import_name(self.module, import);
                let actions = match result {
                    Became::Held => return,
                    Became::Done => Actions { done: 1, ..Actions::default() },
                    Became::Failed(why) => {
                        self.fails(name.clone(), why);
                        Actions { failed: 1, ..Actions::default() }
                    }
                    Became::Vetoed(why) => {
                        self.fails(name.clone(), why);
                        Actions { vetoed: 1, ..Actions::default() }
                    }
                };
                self.under_way.count(&name, actions);
            }
            What::Veto(import, _, _, why) => {
                let name = import_name(self.module, import);
                self.fails(name.clone(), why);
                self.under_way.count(&name, Actions { vetoed: 1, ..Actions::default() });
            }
            What::Metric(metric, sample) | What::Measured(metric, sample) => {
                self.under_way.samples.push((usize::from(metric), sample));
            }
            _ => {}
        }
    }
}
