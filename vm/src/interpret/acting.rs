//! Actions on the rows of a table, one after the other, where all that is done if a condition of a filter holds is one
//! call of the host: see [`crate::filter`].

use super::chain::Vm;
use super::flow::replied;
use super::fuel::{covers_all, take_all};
use super::skip::{BITS, Masks, wide};
use super::window::{constant, get, set};
use crate::attached::Attached;
use crate::decode::Code;
use crate::filter::{Condition, Filter, NO_SITE};
use crate::outside::Reply;
use crate::scope::Window;
use crate::slot::{self, Reference};
use crate::word::Word;

/// What is done where a condition of a filter holds, if that is one call of the host and no more.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Act {
    /// The site of the call.
    pub(crate) site: u32,
    /// What the call is due to pay once it is come to.
    pub(crate) due: i64,
    /// What jumps have put back inside of the condition, and before the next one.
    pub(crate) credit: i64,
    pub(crate) credit_behind: i64,
    /// Whether arguments have to be loaded.
    pub(crate) loads: bool,
}

/// Goes from one call to the next, leaving registers and fuel as if all between had been gone through.
pub(crate) struct Acting<'m, 'a> {
    masks: &'m mut Masks<'a>,
    filter: &'m Filter,
    code: &'m Code,
    attached: &'m Attached,
    pub(crate) window: &'m Window,
    pub(crate) at: Stand,
}

/// Before which condition it stands. Whoever makes many calls has this in registers of the machine meanwhile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stand {
    /// Of the rows that make one word, the first one, and the conditions to come that may hold.
    first: usize,
    bits: u64,
    row: usize,
    condition: usize,
    /// The fuel to the mark, without what jumps over the conditions before have put back.
    pub(crate) fuel: i64,
}

impl Stand {
    /// The number of the condition.
    #[inline(always)]
    pub(crate) fn condition(&self) -> usize {
        self.condition % BITS
    }

    /// Whether so much can be paid, beside what jumps put back.
    #[inline(always)]
    pub(crate) fn covers(&self, fuel: i64) -> bool {
        covers_all(self.fuel, fuel)
    }

    /// Stands before the next condition.
    #[inline(always)]
    pub(crate) fn behind(self, fuel: i64) -> Stand {
        let (bits, condition) = (self.bits & self.bits.wrapping_sub(1), self.condition.wrapping_add(1));
        Stand { bits, condition, fuel, ..self }
    }
}

impl<'m, 'a> Acting<'m, 'a> {
    /// Stands before condition `from` of the row at hand.
    fn new(
        masks: &'m mut Masks<'a>,
        (filter, from): (&'m Filter, usize),
        (code, attached): (&'m Code, &'m Attached),
        window: &'m Window,
        fuel: i64,
    ) -> Self {
        let row = wide(get(window, filter.index));
        let (first, bits) = masks.bits_from_condition(row, from);
        let fuel = fuel.wrapping_sub(masks.credit(from));
        let at = Stand { first, bits, row, condition: from, fuel };
        Acting { masks, filter, code, attached, window, at }
    }

    /// How many conditions there are.
    pub(crate) fn conditions(&self) -> usize {
        self.filter.conditions.len()
    }

    /// What is done where a condition holds, if it is one call of the host.
    #[inline(always)]
    pub(crate) fn act(&self, condition: usize) -> Option<Act> {
        let own = self.filter.conditions.get(condition).filter(|own| own.site != NO_SITE)?;
        Some(Act {
            site: own.site,
            due: own.due.into(),
            credit: own.credit_inside.into(),
            credit_behind: self.masks.credit(condition.wrapping_add(1)),
            loads: own.loads > 0 || !self.filter.kept.is_empty(),
        })
    }

    /// Loads the arguments of the call where it stands, as the words in front of it do, and fields that are kept.
    #[inline(never)]
    pub(crate) fn load(&self, at: &Stand) {
        let Some(own) = self.filter.conditions.get(at.condition()) else { return };
        self.masks.set_kept(self.filter, self.window, at.row, at.condition().wrapping_add(1));
        let words = self.code.words.get(slot::index(own.first_inside())..).unwrap_or_default();
        for word in words.iter().take(own.loads.into()) {
            match word.decode() {
                Some(Word::Integer { result, value }) => {
                    set(self.window, result, i64::from(value).cast_unsigned());
                }
                Some(Word::Constant { result, constant: place }) => {
                    set(self.window, result, constant(self.code, place));
                }
                Some(Word::Move { result, value }) => set(self.window, result, get(self.window, value)),
                Some(Word::Field { result, field, .. }) => {
                    let row = Reference::unpack(self.masks.item(at.row));
                    set(self.window, result, self.attached.field(row, field));
                }
                _ => {}
            }
        }
    }

    /// The word of the call that is all that is done where a condition holds.
    fn call(&self, condition: usize) -> u32 {
        self.filter.conditions.get(condition).map_or(0, Condition::call)
    }

    /// What jumps have put back inside of a condition.
    fn credit_inside(&self, condition: usize) -> i64 {
        self.filter.conditions.get(condition).map_or(0, |own| own.credit_inside.into())
    }

    /// The register of the row.
    pub(crate) fn item(&self) -> u8 {
        self.filter.item
    }

    /// The next condition that holds. `None` if that takes looking at what is compared; then it stands where it has come to.
    #[inline(always)]
    pub(crate) fn next(&mut self, mut at: Stand) -> Option<Stand> {
        if at.bits == 0 {
            self.at = at;
            self.look_on();
            at = self.at;
            if at.bits == 0 {
                return None;
            }
        }
        let next = self.lowest(&at);
        if !self.masks.surely_holds(next.condition, next.row) {
            self.at = at;
            return None;
        }
        Some(next)
    }

    /// The condition that the lowest bit stands for.
    #[inline(always)]
    fn lowest(&self, at: &Stand) -> Stand {
        let bit = slot::index(at.bits.trailing_zeros());
        let row = at.first.wrapping_add(bit / BITS);
        let passed = self.masks.rounds(row.wrapping_sub(at.row) as u64);
        Stand { row, condition: bit % BITS, fuel: take_all(at.fuel, passed), ..*at }
    }

    /// The condition that may hold next, if it can be paid to come there.
    fn find(&self) -> Option<Stand> {
        let next = self.lowest(&self.at);
        (self.at.bits != 0 && next.covers(0)).then_some(next)
    }

    /// Leaves row and item as they are in the row where it stands.
    #[inline(always)]
    pub(crate) fn set_row(&self, at: &Stand) {
        set(self.window, self.filter.index, at.row as u64);
        set(self.window, self.filter.item, self.masks.item(at.row));
    }

    /// Looks for rows of which a condition may hold, and passes over those of which none does as far as they can be paid.
    #[inline(never)]
    fn look_on(&mut self) {
        loop {
            let at = &mut self.at;
            let end = self.masks.end(at.row, at.fuel);
            if let Some((row, from)) = self.masks.next(&self.filter.tests, (at.row, at.condition), end) {
                (at.first, at.bits) = self.masks.bits_from_condition(row, from);
                return;
            }
            let last = end.wrapping_sub(1);
            if last <= at.row {
                return;
            }
            let passed = self.masks.rounds(last.wrapping_sub(at.row) as u64);
            *at = Stand { row: last, condition: 0, fuel: take_all(at.fuel, passed), ..*at };
        }
    }
}

/// What [`act`] gives in place of a word once control was given back.
pub(super) const LEFT: u32 = u32::MAX;

/// Passes over conditions that do not hold and makes the calls that are all there is to do where one does, from a condition
/// of the row at hand on. Gives the word to go on with, or 0 if that is the next one, and the fuel.
#[inline(never)]
pub(super) fn act<'a>(
    filter: &'a Filter,
    from: usize,
    window: &Window,
    fuel: i64,
    vm: &mut Vm<'a>,
) -> (u32, i64) {
    let Some(masks) = &mut vm.masks else { return (0, fuel) };
    let before = fuel.wrapping_add(vm.ahead);
    let mut acting = Acting::new(masks, (filter, from), (vm.code, vm.attached), window, before);
    let start = acting.at;
    let reply = vm.outside.act(&mut acting, &mut vm.heap, vm.memory);
    let done = matches!(reply, Reply::Done { .. });
    let found = if done { acting.find() } else { None };
    let at = found.unwrap_or(acting.at);
    if done && (at.row, at.condition) == (start.row, start.condition) {
        return (0, fuel);
    }
    acting.set_row(&at);
    acting.masks.set_kept(filter, window, at.row, at.condition);
    let credit = acting.masks.credit(at.condition);
    let (target, credit) = match at.condition {
        condition if !done => (acting.call(condition), acting.credit_inside(condition)),
        condition if condition == 0 || found.is_some() => (acting.masks.start(condition), credit),
        // Behind a call, before the word that passes on.
        condition => (acting.call(condition.wrapping_sub(1)).wrapping_add(1), credit),
    };
    let left = at.fuel.wrapping_add(credit);
    let from_ahead = before.wrapping_sub(left).max(0).min(vm.ahead);
    vm.ahead = vm.ahead.wrapping_sub(from_ahead);
    vm.mark = vm.mark.wrapping_add(from_ahead);
    let fuel = left.wrapping_sub(vm.ahead);
    if let Reply::Look { .. } | Reply::Answered { .. } = reply {
        let behind = slot::index(target.wrapping_add(1));
        replied(vm.words.get(behind..).unwrap_or_default(), fuel, vm, reply);
        return (LEFT, fuel);
    }
    (target, fuel)
}
