//! What each function of a module costs at most.

use std::collections::BTreeSet;

use swarm_bytecode::cost;
use swarm_bytecode::layout::Layout;
use swarm_bytecode::module::{Function, FunctionId, Module};
use swarm_grammar::span::Span;

use super::cost::{Cost, add};
use super::facts::FunctionFacts;
use super::sum::{Sum, Unbounded};
use super::walk::Walk;
use super::weight::BORDER_TEXT_BYTES;

/// Computes the costs of a module's functions, each once.
pub(crate) struct Prover<'m> {
    pub(crate) module: &'m Module,
    facts: &'m [FunctionFacts],
    done: Vec<Progress>,
    /// Longest string of a run: none is ever put together from others.
    pub(crate) text: u64,
    causes: BTreeSet<Unbounded>,
}

#[derive(Debug, Clone)]
enum Progress {
    Open,
    Running,
    Done(Box<Cost>),
}

impl<'m> Prover<'m> {
    pub(crate) fn new(module: &'m Module, facts: &'m [FunctionFacts]) -> Prover<'m> {
        let literals = module.strings.iter().map(|text| count(text.len()));
        let text = literals.max().unwrap_or(0).max(BORDER_TEXT_BYTES);
        let done = vec![Progress::Open; module.functions.len()];
        Prover { module, facts, done, text, causes: BTreeSet::new() }
    }

    /// What a call of this function costs at most, its own frame included.
    pub(crate) fn function(&mut self, id: FunctionId, called: Span) -> Cost {
        match self.done.get(id.index()) {
            Some(Progress::Done(cost)) => return Cost::clone(cost),
            Some(Progress::Open) => {}
            Some(Progress::Running) | None => return self.recursion(called),
        }
        let (module, facts) = (self.module, self.facts);
        let (Some(function), Some(facts)) = (module.functions.get(id.index()), facts.get(id.index())) else {
            return self.recursion(called);
        };
        self.set(id, Progress::Running);
        let cost = self.body(function, facts);
        self.set(id, Progress::Done(Box::new(cost.clone())));
        cost
    }

    /// Why something is unbounded, in order of place.
    pub(crate) fn causes(self) -> Vec<Unbounded> {
        self.causes.into_iter().collect()
    }

    fn set(&mut self, id: FunctionId, progress: Progress) {
        if let Some(slot) = self.done.get_mut(id.index()) {
            *slot = progress;
        }
    }

    fn recursion(&mut self, span: Span) -> Cost {
        let cause =
            Unbounded { span, reason: "recursion: this function calls itself, directly or by others".into() };
        self.causes.insert(cause.clone());
        let unknown = || Err(cause.clone());
        Cost {
            fuel: unknown(),
            kept: unknown(),
            frames: unknown(),
            host_calls: unknown(),
            money: unknown(),
            tokens: unknown(),
        }
    }

    fn body(&mut self, function: &Function, facts: &FunctionFacts) -> Cost {
        let Ok(layout) = Layout::of(&function.code) else { return self.recursion(facts.span) };
        let mut walk = Walk { prover: self, function, facts, layout: &layout };
        let mut cost = walk.region(0, function.code.len()).costliest();
        let frame = cost::frame_bytes(count(function.registers.len()));
        add(&mut cost.frames, &Ok(Sum::constant(frame)));
        for size in cost.all() {
            if let Err(cause) = size {
                self.causes.insert(cause.clone());
            }
        }
        cost
    }
}

pub(crate) fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}
