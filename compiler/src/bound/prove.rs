//! What each function of a module costs at most.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::rc::Rc;

use swarm_bytecode::cost;
use swarm_bytecode::layout::Layout;
use swarm_bytecode::module::{Function, FunctionId, Module};
use swarm_grammar::span::Span;

use super::Facts;
use super::cost::{CallsByImport, Cost, add};
use super::facts::{ByOp, FunctionFacts};
use super::report::maximum;
use super::results::Results;
use super::sum::{Size, Sum, Symbol, Unbounded};
use super::walk::Walk;

/// ⌈log₂⌉ of the greatest number of items of a list.
const MOST_LOG: u64 = 24;

/// Computes the costs of a module's functions, each once.
pub(crate) struct Prover<'m> {
    pub(crate) module: &'m Module,
    /// With numbers in the place of the lengths of texts.
    pub(crate) facts: Rc<[Cow<'m, FunctionFacts>]>,
    done: Vec<Progress>,
    /// Greatest length of the texts of each place.
    lengths: Vec<u64>,
    /// Longest string that is kept anywhere.
    pub(crate) text: u64,
    /// Longest string that comes in from outside.
    pub(crate) outside: u64,
    causes: BTreeSet<Unbounded>,
}

#[derive(Debug, Clone)]
enum Progress {
    Open,
    Running,
    Done(Rc<Cost>),
}

impl<'m> Prover<'m> {
    pub(crate) fn new(module: &'m Module, facts: &'m Facts) -> Prover<'m> {
        let most = |symbol| match symbol {
            Symbol::Input(input) => maximum(module, input),
            Symbol::Result(call) => facts.results.get(call as usize).map(|call| call.most),
            _ => None,
        };
        let results = Results::new(module, &facts.functions, &facts.results).all();
        let (outside, lengths) = (facts.texts.longest_outside, facts.texts.solve(&most));
        let literals = module.strings.iter().map(|text| count(text.len()));
        let longest = literals.chain(lengths.iter().copied()).max().unwrap_or(0);
        let done = vec![Progress::Open; module.functions.len()];
        let facts = facts.functions.iter().map(|facts| resolved(facts, &lengths, &results)).collect();
        Prover { module, facts, done, lengths, text: longest.max(outside), outside, causes: BTreeSet::new() }
    }

    /// How long a text can be that only speaks of places.
    pub(crate) fn length(&self, text: &Sum) -> Option<u64> {
        text.at_most(&|symbol| match symbol {
            Symbol::Text(place) => self.lengths.get(place as usize).copied(),
            _ => None,
        })
    }

    /// What a call of this function costs at most, its own frame included.
    pub(crate) fn function(&mut self, id: FunctionId, called: Span) -> Rc<Cost> {
        match self.done.get(id.index()) {
            Some(Progress::Done(cost)) => return Rc::clone(cost),
            Some(Progress::Open) => {}
            Some(Progress::Running) | None => return Rc::new(self.recursion(called)),
        }
        let (module, facts) = (self.module, Rc::clone(&self.facts));
        let (Some(function), Some(facts)) = (module.functions.get(id.index()), facts.get(id.index())) else {
            return Rc::new(self.recursion(called));
        };
        self.set(id, Progress::Running);
        let cost = Rc::new(self.body(function, facts));
        self.set(id, Progress::Done(Rc::clone(&cost)));
        cost
    }

    /// A part of the program has no bound.
    pub(crate) fn note<'c>(&mut self, sizes: impl IntoIterator<Item = &'c Size>) {
        for size in sizes {
            if let Err(cause) = size {
                self.causes.extend(cause.each());
            }
        }
    }

    /// Why something is unbounded, in order of place.
    pub(crate) fn causes(self) -> Vec<Unbounded> {
        self.causes.into_iter().collect()
    }

    /// The greatest value of a sum, if the MAX of the inputs gives one.
    pub(crate) fn at_most(&self, sum: &Sum) -> Option<u64> {
        sum.at_most(&|symbol| match symbol {
            Symbol::Input(input) => maximum(self.module, input),
            _ => None,
        })
    }

    /// Of an amount and the limit that holds it, the one that says more.
    pub(crate) fn limited(&self, amount: Size, limit: Option<&Sum>) -> Size {
        match (amount, limit) {
            (amount, None) => amount,
            (Err(_), Some(limit)) => Ok(limit.clone()),
            (Ok(amount), Some(limit)) => Ok(match (self.at_most(&amount), self.at_most(limit)) {
                (Some(most), Some(limit)) if most <= limit => amount,
                _ => limit.clone(),
            }),
        }
    }

    /// At least ⌈log₂ n⌉.
    pub(crate) fn log(&self, items: &Size) -> u64 {
        let most = items.as_ref().ok().and_then(|items| self.at_most(items));
        let log =
            most.map(|most| u64::from(u64::BITS.saturating_sub(most.saturating_sub(1).leading_zeros())));
        log.map_or(MOST_LOG, |log| log.min(MOST_LOG))
    }

    fn set(&mut self, id: FunctionId, progress: Progress) {
        if let Some(slot) = self.done.get_mut(id.index()) {
            *slot = progress;
        }
    }

    fn recursion(&mut self, span: Span) -> Cost {
        let cause = Unbounded::recursion(span);
        self.causes.insert(cause.clone());
        let unknown = || Err(cause.clone());
        Cost {
            fuel: unknown(),
            texts: unknown(),
            kept: unknown(),
            frames: unknown(),
            host_calls: unknown(),
            money: unknown(),
            tokens: unknown(),
            calls: CallsByImport::new(),
        }
    }

    fn body(&mut self, function: &Function, facts: &FunctionFacts) -> Cost {
        let Ok(layout) = Layout::of(&function.code) else { return self.recursion(facts.span) };
        let mut walk = Walk { prover: self, function, facts, layout: &layout };
        let mut cost = walk.region(0, function.code.len(), Cost::zero()).costliest();
        let frame = cost::frame_bytes(count(function.registers.len()));
        add(&mut cost.frames, &Ok(Sum::constant(frame)));
        self.note(cost.all());
        cost
    }
}

/// Facts with numbers in the place of the lengths of texts, and what is known of results in theirs.
fn resolved<'f>(facts: &'f FunctionFacts, lengths: &[u64], results: &[Sum]) -> Cow<'f, FunctionFacts> {
    let known = |symbol| matches!(symbol, Symbol::Input(_) | Symbol::Parameter(_));
    if facts.sums().all(|sum| sum.symbols().all(known)) {
        return Cow::Borrowed(facts);
    }
    let text = |symbol| match symbol {
        Symbol::Text(place) => Some(Sum::constant(lengths.get(place as usize).copied().unwrap_or(u64::MAX))),
        _ => None,
    };
    let by = |symbol| match symbol {
        Symbol::Result(call) => results.get(call as usize).and_then(|result| result.replace(&text)),
        symbol => text(symbol),
    };
    // Only a formula that no one would read has too many terms.
    let sum = |sum: &Sum| sum.replace(&by).unwrap_or_else(|| Sum::constant(u64::MAX));
    let size = |size: &Size| size.as_ref().map(sum).map_err(Clone::clone);
    let mut facts = facts.clone();
    let sizes = [&mut facts.rounds, &mut facts.results, &mut facts.moves];
    sizes.into_iter().flat_map(ByOp::values_mut).for_each(|value| *value = size(value));
    facts.texts.values_mut().for_each(|bytes| *bytes = sum(bytes));
    for call in facts.calls.values_mut() {
        let prices = [&mut call.prices.money, &mut call.prices.tokens].into_iter().flatten();
        call.sizes.iter_mut().chain(prices).for_each(|value| *value = size(value));
    }
    Cow::Owned(facts)
}

pub(crate) fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}
