//! What each op costs at most, beside what it calls.

use swarm_bytecode::cost;
use swarm_bytecode::module::{Amount, Effect, FunctionId, Import, ImportId, MetricKind};
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::{Class, Type, TypeId};

use super::cost::{Cost, add};
use super::evaluate::cost_of_call;
use super::facts::{CallFacts, Prices};
use super::prove::count;
use super::remedy::{Part, Remedy};
use super::sum::{Size, Sum, Unbounded};
use super::walk::Walk;
use super::weight::{Weight, weight};

impl Walk<'_, '_> {
    /// All that an op costs itself: of a call, what is paid for calling.
    pub(crate) fn own_cost(&mut self, at: usize, op: &Op, cost: &mut Cost) {
        cost.add_fuel(u64::from(op.info().cost));
        if let Some(words) = self.facts.moves.get(at) {
            cost.allocate(words);
        }
        match op {
            Op::Host { import, arguments } | Op::HostValue { import, arguments, .. } => {
                self.host(at, *import, arguments, 1, cost);
            }
            Op::TryHost { import, arguments, .. } => self.host(at, *import, arguments, 1, cost),
            Op::RetryHost { times, import, arguments, .. } => {
                self.host(at, *import, arguments, u64::try_from(*times).unwrap_or(0), cost);
            }
            Op::Metric { metric, .. } => {
                let metric = self.prover.module.metrics.get(metric.index());
                if metric.is_none_or(|metric| metric.kind != MetricKind::Total) {
                    allocate(cost::object_words(1), cost);
                }
            }
            Op::Quantile { .. } | Op::Mean { .. } | Op::Some { .. } => {
                allocate(cost::object_words(1), cost);
            }
            Op::EqString { .. }
            | Op::LtString { .. }
            | Op::LeString { .. }
            | Op::Find { .. }
            | Op::SetEntry { .. } => cost.add_text(&self.text(at)),
            Op::RemoveEntry { map, .. } => {
                cost.add_text(&self.text(at));
                cost.allocate(&self.own_words(*map));
            }
            Op::EqValue { left, .. } => match self.weight(*left) {
                Some(weight) => {
                    cost.add_fuel(cost::compare_values(weight.slots, weight.text_bytes / cost::TEXT_STEP));
                }
                None => add(&mut cost.fuel, &self.unknown("a comparison of lists whose type has no MAX")),
            },
            Op::NewRecord { fields: items, .. } | Op::NewList { items, .. } => {
                allocate(cost::object_words(count(items.len())), cost);
            }
            Op::NewCase { fields, .. } => allocate(cost::case_words(count(fields.len())), cost),
            Op::NewMap { entries, .. } => {
                allocate(cost::map_words(cost::capacity(count(entries.len() / 2))), cost);
                cost.add_text(&self.text(at));
            }
            Op::ForEachEntry { .. } => {
                let (entries, text) = (self.rounds(at), self.text(at));
                self.sort(&entries, 1, &text, cost);
                cost.allocate(&entries.map(|entries| entries.plus(&Sum::constant(cost::HEADER_WORDS))));
            }
            Op::Top { .. } => {
                let (items, text) = (self.rounds(at), self.text(at));
                self.sort(&items, 1, &text, cost);
                let taken = self.result(at);
                cost.allocate(&taken.map(|taken| taken.plus(&Sum::constant(cost::HEADER_WORDS))));
            }
            Op::Text { .. } => {
                let text = self.result(at);
                add(&mut cost.fuel, &text.clone().map(|bytes| bytes.scaled(cost::BYTE_FUEL)));
                add(&mut cost.kept, &text);
            }
            Op::Concat { .. } => cost.make_text(&self.result(at)),
            Op::Native { result, native, arguments } => self.native(at, *native, arguments, *result, cost),
            Op::Within { saved, undoes, .. } => self.budgets(saved, *undoes != 0, cost),
            _ => {}
        }
    }

    /// What a function costs that an op calls.
    pub(crate) fn callee_cost(&mut self, at: usize, op: &Op, cost: &mut Cost) {
        let (Op::Call { function, .. } | Op::CallValue { function, .. }) = op else { return };
        let facts = self.facts;
        let Some(call) = facts.calls.get(at) else {
            add(&mut cost.fuel, &self.unknown("a call of unknown arguments"));
            return;
        };
        self.asked(*function, call, cost);
    }

    /// What a call of a function costs, with the sizes of its arguments.
    fn asked(&mut self, function: FunctionId, call: &CallFacts, cost: &mut Cost) {
        cost.follow(&self.prover.function(function, call.span).substitute(&call.sizes, call.span));
    }

    fn budgets(&self, saved: &[Register], undoes: bool, cost: &mut Cost) {
        let module = self.prover.module;
        let (states, metrics) =
            if undoes { (count(module.states.len()), count(module.metrics.len())) } else { (0, 0) };
        let saved = cost::within(count(saved.len()), states, metrics);
        cost.add_fuel(saved);
        cost.add_kept(cost::within_bytes(saved));
    }

    /// Bringing items into order by keys of so many slots each, and of texts at most so long.
    pub(crate) fn sort(&self, items: &Size, slots: u64, text: &Sum, cost: &mut Cost) {
        let span = self.facts.span;
        let log = self.prover.log(items);
        add(&mut cost.fuel, &items.clone().map(|items| items.scaled(slots.saturating_mul(log))));
        let texts = super::sum::times(items, &Ok(text.clone()), span);
        add(&mut cost.texts, &texts.map(|texts| texts.scaled(log)));
    }

    /// A host call, asked for at most so many times: what the program's own VETOs cost is part of it.
    fn host(&mut self, at: usize, id: ImportId, arguments: &[Register], times: u64, cost: &mut Cost) {
        let (module, facts) = (self.prover.module, self.facts);
        let Some(import) = module.imports.get(id.index()) else { return };
        let unknown = CallFacts {
            span: facts.span,
            sizes: Vec::new(),
            constants: Vec::new(),
            prices: Prices::default(),
        };
        let call = facts.calls.get(at).unwrap_or(&unknown);
        if times == 1 {
            return self.host_once(import, id, arguments, call, cost);
        }
        let mut once = Cost::zero();
        self.host_once(import, id, arguments, call, &mut once);
        cost.follow(&once.repeated(&Ok(Sum::constant(times)), call.span));
    }

    /// The same of one call, added to a cost.
    fn host_once(
        &mut self,
        import: &Import,
        id: ImportId,
        arguments: &[Register],
        call: &CallFacts,
        cost: &mut Cost,
    ) {
        let module = self.prover.module;
        cost.add_fuel(cost::host_call(count(arguments.len()), 0));
        for (size, &register) in call.sizes.iter().zip(arguments) {
            if let (Ok(bytes), Some(Class::String)) = (size, self.class(register)) {
                cost.add_text(bytes);
            }
        }
        if import.effect != Effect::Query {
            cost.add_kept(cost::action_bytes(count(arguments.len())));
        }
        if let Some(result) = import.result {
            match weight(module, result, self.prover.outside) {
                Some(weight) => cost.add_kept(weight.bytes()),
                None => {
                    let reason = "nothing says how many items this answer has: give its type a MAX";
                    let remedy = Remedy::MaximumOf(import.name.clone(), Part::Result);
                    add(&mut cost.kept, &Err(Unbounded::new(call.span, reason).with(remedy)));
                }
            }
        }
        let money = self.price(import.cost.money, call.prices.money.as_ref(), call, cost);
        let tokens = self.price(import.cost.tokens, call.prices.tokens.as_ref(), call, cost);
        cost.add_call(id, &money, &tokens);
        for veto in module.vetoes.iter().filter(|veto| veto.import == id) {
            self.asked(veto.condition, call, cost);
        }
    }

    /// Money or tokens of a host call: a declared ceiling. To work it out costs fuel.
    fn price(&mut self, price: Amount, most: Option<&Size>, call: &CallFacts, cost: &mut Cost) -> Size {
        let function = match price {
            Amount::Fixed(price) => return Ok(Sum::constant(u64::try_from(price).unwrap_or(0))),
            Amount::Computed(function) => function,
        };
        let own = self.prover.function(function, call.span).substitute(&call.sizes, call.span);
        cost.follow(&own);
        if let Some(price) = cost_of_call(self.prover.module, function, &call.constants) {
            return Ok(Sum::constant(price));
        }
        most.cloned().unwrap_or_else(|| Err(Unbounded::of_price(call.span)))
    }

    /// Bytes of text that the op at `at` looks at; of keys that are no texts none.
    pub(crate) fn text(&self, at: usize) -> Sum {
        self.facts.texts.get(at).cloned().unwrap_or_default()
    }

    /// How great what the op at `at` makes is.
    pub(crate) fn result(&self, at: usize) -> Size {
        let unknown = || self.unknown("a value of unknown size is made");
        self.facts.results.get(at).cloned().unwrap_or_else(unknown)
    }

    pub(crate) fn type_id(&self, register: Register) -> Option<TypeId> {
        self.function.registers.get(usize::from(register.0)).copied()
    }

    pub(crate) fn ty(&self, register: Register) -> Option<&Type> {
        self.prover.module.ty(self.type_id(register)?)
    }

    pub(crate) fn class(&self, register: Register) -> Option<Class> {
        self.ty(register).map(Type::class)
    }

    fn weight(&self, register: Register) -> Option<Weight> {
        weight(self.prover.module, self.type_id(register)?, self.prover.text)
    }

    fn own_words(&self, register: Register) -> Size {
        let words = self.type_id(register).and_then(|ty| super::weight::own_words(self.prover.module, ty));
        words
            .map(Sum::constant)
            .ok_or_else(|| Unbounded::new(self.facts.span, "a map is written without MAX"))
    }

    pub(crate) fn unknown(&self, reason: &'static str) -> Size {
        Err(Unbounded::new(self.facts.span, reason))
    }
}

/// An object of so many words is made.
fn allocate(words: u64, cost: &mut Cost) {
    cost.add_fuel(cost::allocate(words));
    cost.add_kept(cost::object_bytes(words));
}
