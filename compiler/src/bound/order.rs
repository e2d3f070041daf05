//! From functions to activations, and from these to a whole order.

use std::rc::Rc;

use swarm_bytecode::cost;
use swarm_bytecode::module::{Bound, Function, FunctionId, ImportId, Module, Polynomial};
use swarm_bytecode::types::{Type, TypeId};
use swarm_grammar::span::Span;

use super::Facts;
use super::cost::{Calls, Cost, add};
use super::prove::Prover;
use super::remedy::{Part, Remedy};
use super::report::{Activation, CallBound, Report, Wake};
use super::sum::{Size, Sum, Unbounded};
use super::weight::{own_words, weight};

/// The worst case of a module under construction.
pub(crate) struct Order<'m> {
    module: &'m Module,
    facts: &'m Facts,
    pub(crate) prover: Prover<'m>,
}

impl<'m> Order<'m> {
    pub(crate) fn new(module: &'m Module, facts: &'m Facts) -> Order<'m> {
        Order { module, facts, prover: Prover::new(module, facts) }
    }

    pub(crate) fn report(mut self) -> Report {
        let (mut order, mut greatest): (Option<Cost>, Option<Cost>) = (None, None);
        let mut activations = Vec::new();
        for wake in wakes(self.module) {
            let one = self.activation(wake);
            let often = self.times(wake);
            let span = self.span(wake);
            self.prover.note(one.all());
            self.prover.note([&often]);
            let times = often.as_ref().ok().and_then(Sum::as_constant);
            activations.push(Activation { wake, bound: bound(&one), times });
            let alone = one.of_one_activation();
            let all = one.repeated(&often, span);
            order = Some(match order {
                Some(order) => order.then(&all),
                None => all,
            });
            greatest = Some(match greatest {
                Some(greatest) => greatest.or(&alone),
                None => alone,
            });
        }
        let order = order.unwrap_or_else(Cost::zero);
        let greatest = greatest.unwrap_or_else(Cost::zero);
        // Each activation starts with empty hands, and with the fuel of its own.
        let fuel = polynomial(&greatest.whole_fuel());
        let order = Cost { kept: greatest.kept, frames: greatest.frames, ..order };
        let calls = calls(&order);
        let order = bound(&order);
        let bound = Bound { fuel, ..order.clone() };
        Report { bound, order, activations, calls, causes: self.prover.causes() }
    }

    /// What one activation costs: its function, and what STATE costs to keep.
    pub(crate) fn activation(&mut self, wake: Wake) -> Cost {
        let span = self.span(wake);
        let mut cost = match self.function(wake) {
            Some(function) => Rc::unwrap_or_clone(self.prover.function(function, span)),
            None => Cost::zero(),
        };
        if let Some(handler) = self.event(wake) {
            cost = cost.substitute(&self.arguments(wake), span);
            for (at, ty) in handler.registers.iter().take(usize::from(handler.parameters)).enumerate() {
                let weight = weight(self.module, *ty, self.prover.outside);
                let bytes = weight.map(|weight| Sum::constant(weight.bytes()));
                add(&mut cost.kept, &bytes.ok_or_else(|| self.without_max(wake, at)));
            }
        }
        if wake == Wake::Start {
            cost = self.first_values(cost);
        }
        self.kept_state(&mut cost);
        cost
    }

    /// How great what an event brings is.
    pub(crate) fn arguments(&self, wake: Wake) -> Vec<Size> {
        let Some(handler) = self.event(wake) else { return Vec::new() };
        let parameters = handler.registers.iter().take(usize::from(handler.parameters));
        parameters.enumerate().map(|(at, ty)| self.brought(wake, at, *ty)).collect()
    }

    /// How great a value of this type is that an event brings. Where a number has to be known, its use says so.
    fn brought(&self, wake: Wake, at: usize, ty: TypeId) -> Size {
        match self.module.ty(ty) {
            Some(Type::String | Type::Secret) => Ok(Sum::constant(self.prover.outside)),
            Some(Type::List { max: Some(max), .. } | Type::Map { max: Some(max), .. }) => {
                Ok(Sum::constant(u64::from(*max)))
            }
            Some(Type::List { .. } | Type::Map { .. }) => Err(self.without_max(wake, at)),
            _ => Err(Unbounded::new(
                self.span(wake),
                "what an event brings is known only when the program runs",
            )),
        }
    }

    /// The cause where nothing says how many items an event brings.
    fn without_max(&self, wake: Wake, at: usize) -> Unbounded {
        let cause = Unbounded::new(
            self.span(wake),
            "nothing says how many items an event brings: give the type a MAX",
        );
        let Wake::Event(event) = wake else { return cause };
        let name =
            self.module.events.get(event).map_or_else(Default::default, |handler| handler.name.clone());
        cause.with(Remedy::MaximumOf(name, Part::Parameter(at)))
    }

    /// The handler of an event.
    fn event(&self, wake: Wake) -> Option<&'m Function> {
        if let Wake::Event(_) = wake { self.module.functions.get(self.function(wake)?.index()) } else { None }
    }

    /// What the first values of STATE variables cost to make, and to copy before one is changed.
    fn first_values(&mut self, mut cost: Cost) -> Cost {
        for (state, facts) in self.module.states.iter().zip(&self.facts.states) {
            if let Some(initial) = state.initial {
                cost = cost.then(&self.prover.function(initial, facts.span));
            }
        }
        for state in self.facts.changed.iter().filter_map(|id| self.module.states.get(id.index())) {
            if let Some(words) = own_words(self.module, state.ty) {
                cost.allocate(&Ok(Sum::constant(words)));
            }
        }
        for state in self.facts.pushed.iter().filter_map(|id| self.module.states.get(id.index())) {
            if let Some(Type::List { max: Some(max), .. }) = self.module.ty(state.ty) {
                let words = cost::object_words(cost::capacity(u64::from(*max)));
                cost.allocate(&Ok(Sum::constant(words)));
            }
        }
        cost
    }

    /// STATE variables lie in every activation's memory, and are copied at its end.
    fn kept_state(&mut self, cost: &mut Cost) {
        for (state, facts) in self.module.states.iter().zip(&self.facts.states) {
            let span = facts.span;
            let text = facts.text.as_ref().and_then(|text| self.prover.length(text));
            match weight(self.module, state.ty, text.unwrap_or(self.prover.text)) {
                Some(weight) => {
                    cost.add_fuel(cost::copy(weight.words));
                    cost.add_kept(weight.bytes());
                }
                None => {
                    let reason = format!("nothing says how great the STATE variable {} can be", state.name);
                    let cause = Err(Unbounded::new(span, reason).with(Remedy::Maximum(span)));
                    add(&mut cost.fuel, &cause);
                    add(&mut cost.kept, &cause);
                }
            }
        }
    }

    pub(crate) fn function(&self, wake: Wake) -> Option<FunctionId> {
        match wake {
            Wake::Start => Some(self.module.entry),
            Wake::Event(at) => self.module.events.get(at).map(|handler| handler.function),
            Wake::Timer(at) => self.module.timers.get(at).map(|timer| timer.function),
        }
    }

    pub(crate) fn span(&self, wake: Wake) -> Span {
        let function = || self.facts.functions.get(self.module.entry.index()).map(|facts| facts.span);
        let span = match wake {
            Wake::Start => function(),
            Wake::Event(at) => self.facts.events.get(at).copied(),
            Wake::Timer(at) => self.facts.timers.get(at).copied(),
        };
        span.unwrap_or_default()
    }

    /// How often it comes to an activation in an order.
    pub(crate) fn times(&self, wake: Wake) -> Size {
        let span = self.span(wake);
        let name = wake.text(self.module);
        match wake {
            Wake::Start => Ok(Sum::constant(1)),
            Wake::Event(at) => {
                let max = self.module.events.get(at).and_then(|handler| handler.max);
                let cause = || {
                    let reason = format!("nothing says how many events come to {name}: give it a MAX");
                    Unbounded::new(span, reason).with(Remedy::Events(span))
                };
                max.map(|max| Sum::constant(u64::from(max))).ok_or_else(cause)
            }
            Wake::Timer(at) => {
                let period = self.module.timers.get(at).map_or(0, |timer| timer.period_ns);
                let ticks =
                    self.module.instruction.deadline_ns.and_then(|deadline| deadline.checked_div(period));
                let cause = || {
                    let reason = format!("nothing says when {name} ends: give the INSTRUCTION a DEADLINE");
                    Unbounded::new(span, reason).with(Remedy::Deadline)
                };
                ticks.map(|ticks| Sum::constant(u64::try_from(ticks).unwrap_or(0))).ok_or_else(cause)
            }
        }
    }
}

/// All kinds of activation of a module.
pub(crate) fn wakes(module: &Module) -> Vec<Wake> {
    let events = (0..module.events.len()).map(Wake::Event);
    let timers = (0..module.timers.len()).map(Wake::Timer);
    std::iter::once(Wake::Start).chain(events).chain(timers).collect()
}

/// A cost as the module carries it.
pub(crate) fn bound(cost: &Cost) -> Bound {
    Bound {
        fuel: polynomial(&cost.whole_fuel()),
        memory: polynomial(&cost.memory()),
        host_calls: polynomial(&cost.host_calls),
        money: polynomial(&cost.money),
        tokens: polynomial(&cost.tokens),
    }
}

fn calls(order: &Cost) -> Vec<CallBound> {
    let call = |(import, calls): &(ImportId, Calls)| CallBound {
        import: *import,
        count: polynomial(&calls.count),
        money: polynomial(&calls.money),
        tokens: polynomial(&calls.tokens),
    };
    order.calls.iter().map(call).collect()
}

fn polynomial(size: &Size) -> Polynomial {
    size.as_ref().map_or(Polynomial::Unbounded, Sum::polynomial)
}
