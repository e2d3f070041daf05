//! What natives cost at most: the formulas of the cost model over sizes that are not known before the run.

use swarm_bytecode::cost;
use swarm_bytecode::native::{Charge, NativeId};
use swarm_bytecode::op::Register;
use swarm_bytecode::types::{Class, Type};

use super::cost::{Cost, add};
use super::sum::{Size, Sum, plus, times};
use super::walk::Walk;
use super::weight::{Weight, weight};
use crate::code::map_words;

impl Walk<'_, '_> {
    pub(crate) fn native(
        &mut self,
        at: usize,
        id: NativeId,
        arguments: &[Register],
        result: Register,
        cost: &mut Cost,
    ) {
        let facts = self.facts;
        let Some(call) = facts.calls.get(at) else {
            add(&mut cost.fuel, &self.unknown("a native of unknown arguments"));
            return;
        };
        self.made(at, result, cost);
        let charge = id.function().map_or(Charge::Fixed, |native| native.info().charge);
        match charge {
            Charge::Fixed => {}
            Charge::Text | Charge::Search | Charge::Letters => {
                self.charge_texts(at, arguments, &call.sizes, result, charge.text_step(), cost);
            }
            Charge::Items => {
                self.charge_texts(at, arguments, &call.sizes, result, charge.text_step(), cost);
                for (size, &register) in call.sizes.iter().zip(arguments) {
                    self.charge_items(size, register, cost);
                }
            }
            Charge::Values | Charge::Sort => {
                let (Some(first), Some(items)) = (arguments.first(), call.sizes.first()) else { return };
                let (log, slot) = match charge {
                    Charge::Sort => (self.prover.log(items), 1),
                    _ => (1, cost::SLOT_FUEL),
                };
                match self.item(*first) {
                    Some(item) => {
                        let slots = items
                            .clone()
                            .map(|items| items.scaled(item.slots.saturating_mul(log).saturating_mul(slot)));
                        add(&mut cost.fuel, &slots.map(|slots| slots.plus(&Sum::constant(log))));
                        let texts = item.text_bytes.saturating_mul(log);
                        add(&mut cost.texts, &items.clone().map(|items| items.scaled(texts)));
                    }
                    None => add(&mut cost.fuel, &self.unknown("values are compared whose type has no MAX")),
                }
            }
        }
    }

    /// What a native makes: an object, or a text.
    fn made(&self, at: usize, result: Register, cost: &mut Cost) {
        match self.class(result) {
            Some(Class::List) => {
                let words = self.result(at).map(|items| items.plus(&Sum::constant(cost::HEADER_WORDS)));
                cost.allocate(&words);
                // The pieces of a text, where it makes them of one.
                if let Some(Class::String) = self.element(result) {
                    let texts = self.facts.calls.get(at).and_then(|call| call.sizes.first());
                    add(&mut cost.kept, texts.unwrap_or(&Ok(Sum::zero())));
                }
            }
            Some(Class::Map) => cost.allocate(&self.result(at).map(|entries| map_words(&entries))),
            Some(Class::Optional) => cost.allocate(&Ok(Sum::constant(cost::object_words(1)))),
            Some(Class::String) => add(&mut cost.kept, &self.result(at)),
            _ => {}
        }
    }

    /// The texts among the arguments, and the result, a unit for each `step` bytes; of a list that is joined
    /// or made, the texts in it.
    fn charge_texts(
        &self,
        at: usize,
        arguments: &[Register],
        sizes: &[Size],
        result: Register,
        step: u64,
        cost: &mut Cost,
    ) {
        let joins = self.class(result) == Some(Class::String);
        let items = |count: &Size| times(count, &Ok(Sum::constant(self.prover.text)), self.facts.span);
        let mut bytes = if joins { self.result(at) } else { Ok(Sum::zero()) };
        for (size, &register) in sizes.iter().zip(arguments) {
            match (self.class(register), self.element(register)) {
                (Some(Class::String), _) => bytes = plus(bytes, size),
                (_, Some(Class::String)) if joins => bytes = plus(bytes, &items(size)),
                _ => {}
            }
        }
        if self.element(result) == Some(Class::String) {
            let pieces = match (arguments.first(), sizes.first()) {
                // No longer together than the text they are of.
                (Some(&text), Some(size)) if self.class(text) == Some(Class::String) => size.clone(),
                _ => items(&self.result(at)),
            };
            bytes = plus(bytes, &pieces);
        }
        match bytes {
            Ok(bytes) => cost.add_text_by(&bytes, step),
            Err(_) => add(&mut cost.texts, &bytes),
        }
    }

    fn charge_items(&self, size: &Size, register: Register, cost: &mut Cost) {
        if let Some(Class::List | Class::Map) = self.class(register) {
            add(&mut cost.fuel, size);
        }
    }

    /// How carried the items of a list are.
    fn element(&self, list: Register) -> Option<Class> {
        match self.ty(list)? {
            Type::List { element, .. } => self.prover.module.ty(*element).map(Type::class),
            _ => None,
        }
    }

    /// The greatest item of a list, or key of a map.
    fn item(&self, items: Register) -> Option<Weight> {
        let (Type::List { element: item, .. } | Type::Map { key: item, .. }) = self.ty(items)? else {
            return None;
        };
        weight(self.prover.module, *item, self.prover.text)
    }
}
