//! Conditions on rows of a table that are passed over together: see [`crate::filter`].
#![expect(non_snake_case, reason = "a handler is named as its word")]

use std::num::NonZero;

use super::acting::{LEFT, act};
use super::chain::{Mode, Vm, Words, go_on, go_to, handlers, mistaken};
use super::fuel::{covers_all, take_all};
use super::rows::Rows;
use super::window::{get, set};
use crate::filter::{Filter, MOST, MOST_TESTS, NO_SITE, Relation, Test};
use crate::scope::Window;
use crate::slot::{self, Reference};
use crate::word::fields;

/// Most rows looked at together.
pub(super) const BLOCK: usize = 128;
/// Rows looked at first, and each time twice as many where the last ones end. What is looked at has not been
/// paid for; so little is, where all is new at each look.
pub(super) const FIRST: usize = 32;
/// Rows whose bytes make one word of bits.
const ROWS: usize = 8;
/// Bits of a row.
pub(super) const BITS: usize = 8;

handlers! {
    (words, rest, window, fuel, vm);

    PassRows { filter, list } => {
        if vm.masks.as_ref().is_some_and(|masks| masks.vain == (filter, get(window, list))) {
            return go_on::<M>(rest, window, fuel, vm);
        }
        let (target, fuel) = pass_rows(filter, window, fuel, vm);
        land::<M>(target, rest, window, fuel, vm);
    }
    PassOn { filter, from, credit } => {
        if let Some(masks) = &vm.masks
            && masks.about == (filter, vm.base)
        {
            let index = get(window, masks.index);
            let from = usize::from(from);
            let bits = masks.bits_behind(wide(index).wrapping_sub(masks.start), from);
            let Some(bits) = NonZero::new(bits) else { return pass_far::<M>(words, window, fuel, vm) };
            // The lowest bit is the next condition that may hold.
            let place = slot::index(bits.trailing_zeros()).wrapping_add(from);
            let (passed, condition) = ((place / BITS) as u64, masks.condition(place));
            let index = index.wrapping_add(passed);
            let rounds = passed.wrapping_mul(u64::from(masks.cost)).cast_signed();
            let rounds = rounds.wrapping_add(credit.into());
            if condition.surely_holds(wide(index)) {
                if condition.far {
                    return pass_far::<M>(words, window, fuel, vm);
                }
                if !covers_all(fuel, rounds) {
                    // The end of the round looks for more.
                    return go_on::<M>(rest, window, fuel, vm);
                }
                set(window, masks.index, index);
                set(window, masks.item, masks.first.wrapping_add(index));
                let spent = rounds.wrapping_sub(condition.credit_inside.into());
                return go_to::<M>(condition.inside, window, take_all(fuel, spent), vm);
            }
        }
        pass_far::<M>(words, window, fuel, vm);
    }
}

/// Passes on where that is not just a few rows, if anything is known of them.
#[inline(never)]
fn pass_far<'a, M: Mode>(words: Words<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    let [own, rest @ ..] = words else { return mistaken(words, window, fuel, vm) };
    let fields::PassOn { filter, from, .. } = fields::PassOn::of(own);
    if vm.masks.as_ref().is_none_or(|masks| masks.about != (filter, vm.base)) {
        return go_on::<M>(rest, window, fuel, vm);
    }
    let (target, fuel) = pass(filter, from.into(), window, fuel, vm);
    land::<M>(target, rest, window, fuel, vm);
}

/// Goes on with a word, or with the next one for 0, unless control was given back.
#[inline(always)]
fn land<'a, M: Mode>(target: u32, rest: Words<'a>, window: &'a Window, fuel: i64, vm: &mut Vm<'a>) {
    match target {
        0 => go_on::<M>(rest, window, fuel, vm),
        LEFT => {}
        target => go_to::<M>(target, window, fuel, vm),
    }
}

/// Which conditions of a filter may hold for the rows from one on: for each row a byte, with a bit for each
/// condition.
///
/// Read as a word, the bytes of several rows are in the order in which the loop comes to their conditions:
/// the lowest bit that is set is the next one that may hold.
#[derive(Debug, Clone, Copy)]
pub(super) struct Masks<'a> {
    /// The filter, and the first slot of the function that is in the loop; no filter has the greatest number.
    about: (u16, usize),
    /// A filter and a list for which nothing can be known.
    vain: (u16, u64),
    list: u64,
    /// The list's first item, and how many there are.
    first: u64,
    items: usize,
    /// Registers of the loop.
    item: u8,
    index: u8,
    /// Of the filter: fuel of a round, and how often that can be halved.
    cost: u16,
    shift: u32,
    /// Its conditions, and the end of a round.
    conditions: [Place<'a>; BITS],
    tests: [Tested<'a>; MOST_TESTS],
    /// The first item looked at, and how many were.
    start: usize,
    rows: usize,
    may_hold: Bytes,
    /// Whether a call of the host is all that is done where one of the conditions holds.
    acts: bool,
}

/// Rows whose bytes are asked together whether any of them is set: those of one line of the processor's cache.
const LINE: usize = 64;

/// A byte for each row.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Bytes([u8; BLOCK]);

/// A condition of a filter, or the end of a round.
#[derive(Debug, Clone, Copy, Default)]
struct Place<'a> {
    /// The field of the items that is compared, none if it is more than one, or if comparing it as floats tells nothing.
    column: &'a [u64],
    /// Where to go on if it is to be looked at, and if it holds.
    start: u32,
    inside: u32,
    /// What jumps over the conditions before have put back, and what they have put back inside of it.
    credit: u16,
    credit_inside: u16,
    /// Whether it takes more than to go there: a call of the host is all that is done, or fields are kept in registers.
    far: bool,
}

/// A field of the items, and what it is compared with.
#[derive(Debug, Clone, Copy, Default)]
struct Tested<'a> {
    column: &'a [u64],
    other: u64,
}

impl Tested<'_> {
    /// The field of an item.
    fn value(&self, item: usize) -> u64 {
        self.column.get(item).copied().unwrap_or(0)
    }
}

/// What a register holds that may be none.
fn other(window: &Window, register: Option<u8>) -> u64 {
    register.map_or(0, |register| get(window, register))
}

/// Bits beyond these are those of no number, or of one that is less than 0.
const INFINITE: u64 = f64::INFINITY.to_bits();

impl Place<'_> {
    /// Whether a condition that may hold for an item surely does: values that are 0 or more and no bits
    /// beyond those of numbers are in the order of floats.
    #[inline(always)]
    fn surely_holds(&self, item: usize) -> bool {
        self.column.get(item).is_some_and(|value| *value <= INFINITE)
    }
}

/// What is about no filter.
const NOTHING: u16 = u16::MAX;

impl Default for Masks<'_> {
    fn default() -> Self {
        Masks {
            about: (NOTHING, 0),
            vain: (NOTHING, 0),
            list: 0,
            first: 0,
            items: 0,
            item: 0,
            index: 0,
            cost: 0,
            shift: 0,
            conditions: [Place::default(); BITS],
            tests: [Tested::default(); MOST_TESTS],
            start: 0,
            rows: 0,
            may_hold: Bytes([0; BLOCK]),
            acts: false,
        }
    }
}

impl<'a> Masks<'a> {
    /// Whether what is known is of this loop, and its fields are compared with the same.
    fn is_of(&self, about: (u16, usize), filter: &Filter, window: &Window) -> bool {
        let others = filter.tests.iter().zip(&self.tests);
        self.about == about
            && self.list == get(window, filter.list)
            && others.fold(0, |any, (own, test)| any | (other(window, own.other) ^ test.other)) == 0
    }

    /// Begins with a loop; tells whether its items are rows whose fields lie in columns of whole words.
    #[inline(never)]
    fn begin(&mut self, about: (u16, usize), filter: &Filter, rows: &Rows<'a>, window: &Window) -> bool {
        let list = get(window, filter.list);
        let known = self.places(filter, list, rows, window);
        if known.is_none() {
            (self.about, self.vain) = ((NOTHING, 0), (about.0, list));
            return false;
        }
        (self.about, self.list) = (about, list);
        (self.item, self.index, self.cost) = (filter.item, filter.index, filter.cost);
        self.shift = u16::BITS.wrapping_sub(filter.cost.leading_zeros());
        (self.start, self.rows, self.may_hold) = (0, 0, Bytes([0; BLOCK]));
        true
    }

    fn places(&mut self, filter: &Filter, list: u64, rows: &Rows<'a>, window: &Window) -> Option<()> {
        let (first, items) = rows.walk(list)?;
        (self.first, self.items) = (first, wide(items));
        let start = slot::index(Reference::unpack(first).index);
        self.conditions = [Place { credit: filter.credit, ..Place::default() }; BITS];
        self.acts = false;
        for (own, place) in filter.conditions.iter().zip(&mut self.conditions) {
            let calls = own.site != NO_SITE;
            self.acts |= calls;
            place.start = own.start;
            place.inside = own.first_inside();
            (place.credit, place.credit_inside) = (own.credit, own.credit_inside);
            place.far = calls || !filter.kept.is_empty();
        }
        for (own, test) in filter.tests.iter().zip(&mut self.tests) {
            let column = rows.words(first, own.field)?.get(start..)?.get(..self.items)?;
            *test = Tested { column, other: other(window, own.other) };
            let condition = usize::from(own.condition);
            // Of what tells nothing by its bits it is never sure that it holds.
            if tells(own.relation, test.other)
                && filter.conditions.get(condition).is_some_and(|condition| condition.single)
                && let Some(place) = self.conditions.get_mut(condition)
            {
                place.column = column;
            }
        }
        Some(())
    }

    /// The bits from a condition of a row on, of the rows that make one word with this one.
    #[inline(always)]
    fn bits_behind(&self, at: usize, from: usize) -> u64 {
        let below = slot::low(at.wrapping_mul(BITS).wrapping_add(from) as u64);
        self.bits(at).wrapping_shr(below)
    }

    /// The bits of the rows that make one word with this one.
    #[inline(always)]
    fn bits(&self, at: usize) -> u64 {
        self.may_hold.0.as_chunks::<ROWS>().0.get(at / ROWS).map_or(0, |bytes| u64::from_le_bytes(*bytes))
    }

    /// Of the rows that make one word with this one: the first, and the bits from a condition of this one on; none of a row
    /// that was not looked at.
    pub(super) fn bits_from_condition(&self, row: usize, from: usize) -> (usize, u64) {
        let at = row.wrapping_sub(self.start);
        let bits = if at < self.rows { self.bits(at) } else { 0 };
        let below = slot::low((at % ROWS).wrapping_mul(BITS).wrapping_add(from) as u64);
        (row.wrapping_sub(at % ROWS), bits & u64::MAX.wrapping_shl(below))
    }

    /// What jumps over the conditions before one have put back.
    #[inline(always)]
    pub(super) fn credit(&self, condition: usize) -> i64 {
        self.condition(condition).credit.into()
    }

    /// The first word of a condition.
    pub(super) fn start(&self, condition: usize) -> u32 {
        self.condition(condition).start
    }

    /// Whether a condition that may hold for a row surely does.
    #[inline(always)]
    pub(super) fn surely_holds(&self, condition: usize, row: usize) -> bool {
        self.condition(condition).surely_holds(row)
    }

    /// Puts fields of a row into the registers where they are kept, of the conditions before this one.
    pub(super) fn set_kept(&self, filter: &Filter, window: &Window, row: usize, before: usize) {
        for kept in filter.kept.iter().filter(|kept| usize::from(kept.condition) < before) {
            set(window, kept.register, self.field(kept.test, row));
        }
    }

    /// The field of a row that a test compares.
    fn field(&self, test: u8, row: usize) -> u64 {
        self.tests.get(usize::from(test)).map_or(0, |test| test.value(row))
    }

    /// Fuel of so many rounds in which no condition holds.
    #[inline(always)]
    pub(super) fn rounds(&self, passed: u64) -> i64 {
        passed.wrapping_mul(u64::from(self.cost)).cast_signed()
    }

    /// The item of a row.
    #[inline(always)]
    pub(super) fn item(&self, row: usize) -> u64 {
        self.first.wrapping_add(row as u64)
    }

    /// The first row behind those that can be reached with this fuel, once what jumps put back is paid. At least half
    /// of the rounds that can be paid, and all of them where these are few: to know that takes a division.
    #[inline(always)]
    pub(super) fn end(&self, row: usize, fuel: i64) -> usize {
        let fuel = fuel.max(0).cast_unsigned();
        let mut most = fuel.wrapping_shr(self.shift);
        if most < BLOCK as u64 {
            most = fuel.checked_div(self.cost.into()).unwrap_or(u64::MAX);
        }
        self.items.wrapping_sub(1).min(row.saturating_add(wide(most))).wrapping_add(1)
    }

    /// The condition of this number, or that this bit stands for.
    #[inline(always)]
    #[expect(clippy::indexing_slicing, reason = "a remainder of 8 is a valid index of 8 conditions")]
    fn condition(&self, bit: usize) -> Place<'a> {
        self.conditions[bit % BITS]
    }

    /// The first condition that may hold, from one of an item on, and its item; nothing if there is none
    /// before `end`.
    #[inline(always)]
    pub(super) fn next(
        &mut self,
        tests: &[Test],
        (item, from): (usize, usize),
        end: usize,
    ) -> Option<(usize, usize)> {
        if item.wrapping_sub(self.start) >= self.rows {
            self.look(tests, item);
        }
        let mut at = item.wrapping_sub(self.start);
        let mut from = from;
        let mut bits = self.bits_behind(at, from);
        if bits == 0 {
            (at, from) = (at.wrapping_add(ROWS).wrapping_sub(at.wrapping_rem(ROWS)), 0);
            loop {
                if let Some(found) = self.bits_from(at) {
                    (at, bits) = found;
                    break;
                }
                let behind = self.start.wrapping_add(self.rows);
                if behind >= end {
                    return None;
                }
                self.look(tests, behind);
                at = 0;
            }
        }
        let place = slot::index(bits.trailing_zeros()).wrapping_add(from);
        let item = self.start.wrapping_add(at).wrapping_add(place / BITS);
        (item < end).then_some((item, place % BITS))
    }

    /// The first rows, from this one on, that make one word and of which a condition may hold, and their bits. No bits are set
    /// behind the rows that were looked at.
    #[inline(always)]
    fn bits_from(&self, at: usize) -> Option<(usize, u64)> {
        let (words, lines) = (self.may_hold.0.as_chunks::<ROWS>().0, self.may_hold.0.as_chunks::<LINE>().0);
        let mut at = at;
        while let Some(bytes) = words.get(at / ROWS) {
            if at.is_multiple_of(LINE) && lines.get(at / LINE).is_some_and(none_set) {
                at = at.wrapping_add(LINE);
                continue;
            }
            let bits = u64::from_le_bytes(*bytes);
            if bits != 0 {
                return Some((at, bits));
            }
            at = at.wrapping_add(ROWS);
        }
        None
    }

    /// Looks at items from this one on.
    #[inline(never)]
    fn look(&mut self, tests: &[Test], item: usize) {
        let goes_on = item == self.start.wrapping_add(self.rows);
        let reach = if goes_on { self.rows.saturating_mul(2).clamp(FIRST, BLOCK) } else { FIRST };
        (self.start, self.rows) = (item, reach.min(self.items.saturating_sub(item)));
        self.may_hold = Bytes([0; BLOCK]);
        let Some(may_hold) = self.may_hold.0.get_mut(..self.rows) else { return };
        for (own, test) in tests.iter().zip(&self.tests) {
            let values = test.column.get(item..).and_then(|values| values.get(..self.rows)).unwrap_or(&[]);
            mark(own.relation, may_hold, values, test.other, 1_u8.wrapping_shl(own.condition.into()));
        }
    }
}

/// Whether no byte of a line is set, found out without a branch for each word.
#[inline(always)]
fn none_set(line: &[u8; LINE]) -> bool {
    line.as_chunks::<8>().0.iter().fold(0, |any, word| any | u64::from_le_bytes(*word)) == 0
}

#[inline(always)]
pub(super) fn wide(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

/// Passes over rows and conditions that do not hold, from the beginning of a row on.
#[inline(never)]
fn pass_rows(number: u16, window: &Window, fuel: i64, vm: &mut Vm<'_>) -> (u32, i64) {
    let Some(filter) = vm.code.filters.get(usize::from(number)) else { return (0, fuel) };
    let about = (number, vm.base);
    let masks = vm.masks.get_or_insert_default();
    if !masks.is_of(about, filter, window) && !masks.begin(about, filter, &vm.rows, window) {
        return (0, fuel);
    }
    if get(window, filter.item) != masks.first.wrapping_add(get(window, filter.index)) {
        return (0, fuel);
    }
    pass(number, 0, window, fuel, vm)
}

/// Passes over conditions that do not hold, from one of a row on, up to the last row of the loop. Gives the
/// word to go on with, or 0 if that is the next one, and the fuel.
#[inline(never)]
fn pass(number: u16, from: usize, window: &Window, fuel: i64, vm: &mut Vm<'_>) -> (u32, i64) {
    let Some(filter) = vm.code.filters.get(usize::from(number)) else { return (0, fuel) };
    let Some(masks) = &mut vm.masks else { return (0, fuel) };
    let start = wide(get(window, filter.index));
    // A round is paid at its end, when the jumps over its conditions have put back what they do.
    let before = i64::from(masks.condition(from).credit);
    let end = masks.end(start, fuel.wrapping_add(vm.ahead).wrapping_sub(before));
    if masks.acts && start.wrapping_add(1) < end {
        return act(filter, from, window, fuel, vm);
    }
    let found = masks.next(&filter.tests, (start, from), end);
    let (to, until) = found.unwrap_or((end.wrapping_sub(1), 0));
    if (to, until) <= (start, from) {
        return (0, fuel);
    }
    if filter.goes_on {
        masks.set_kept(filter, window, to, until);
    } else {
        leave_registers(filter, masks, window, start, (to, until));
    }
    let index = to as u64;
    set(window, filter.item, masks.first.wrapping_add(index));
    set(window, filter.index, index);
    let rounds = to.wrapping_sub(start) as u64;
    let rounds = rounds.wrapping_mul(u64::from(filter.cost)).cast_signed();
    let next = masks.condition(until);
    let spent = rounds.wrapping_add(before).wrapping_sub(next.credit.into());
    let from_ahead = spent.max(0).min(vm.ahead);
    vm.ahead = vm.ahead.wrapping_sub(from_ahead);
    vm.mark = vm.mark.wrapping_add(from_ahead);
    (next.start, take_all(fuel.wrapping_add(from_ahead), spent))
}

/// Leaves in the registers what conditions leave there that do not hold: those of rows up to the one before a
/// condition.
fn leave_registers(filter: &Filter, masks: &Masks<'_>, window: &Window, row: usize, to: (usize, usize)) {
    let passed = |row: usize, conditions: usize| {
        let tests = filter.tests.iter().zip(&masks.tests);
        for (own, test) in tests.take_while(|(own, _)| usize::from(own.condition) < conditions) {
            for (register, field) in own.leaves() {
                set(window, register, field.map_or(0, |_| test.value(row)));
            }
        }
    };
    if let Some(before) = to.0.checked_sub(1).filter(|before| *before >= row) {
        passed(before, MOST);
    }
    passed(to.0, to.1);
}

/// Whether values that compare so with this one as floats, by their bits, tell how whole numbers do.
fn tells(relation: Relation, other: u64) -> bool {
    if let Relation::Equal | Relation::NotEqual = relation {
        return true;
    }
    // The least whole number has the bits of −0, which is not less than 0.
    other <= INFINITE && !(other == 0 && relation == Relation::Less)
}

/// Sets a bit for each value for which the condition may hold. There are as many bytes as values, or else all
/// are set.
///
/// Values are compared as floats by their bits: that is the order of floats, and of whole numbers where one
/// of them is 0 or more. What has no order (bits of no number) counts as holding. So where the bit is not
/// set, the condition surely does not hold; where it is, the words behind decide. Floats, unlike words of 64
/// bits, can be compared two at a time on every x86-64.
#[expect(clippy::neg_cmp_op_on_partial_ord, reason = "what has no order counts as holding")]
pub(super) fn mark(relation: Relation, may_hold: &mut [u8], values: &[u64], other: u64, bit: u8) {
    if !tells(relation, other) || values.len() != may_hold.len() {
        return may_hold.iter_mut().for_each(|byte| *byte |= bit);
    }
    let word = other;
    let other = f64::from_bits(other);
    match relation {
        // No float has two forms: there is no −0, and what is not finite traps.
        Relation::Equal => mark_each(may_hold, values, bit, |value| value == word),
        Relation::NotEqual => mark_each(may_hold, values, bit, |value| value != word),
        Relation::Less => mark_floats(may_hold, values, bit, |value| !(value >= other)),
        Relation::More => mark_floats(may_hold, values, bit, |value| !(value <= other)),
        Relation::NotLess => mark_floats(may_hold, values, bit, |value| !(value < other)),
        Relation::NotMore => mark_floats(may_hold, values, bit, |value| !(value > other)),
    }
}

#[inline(always)]
fn mark_floats(may_hold: &mut [u8], values: &[u64], bit: u8, holds: impl Fn(f64) -> bool) {
    mark_each(may_hold, values, bit, |value| holds(f64::from_bits(value)));
}

/// Sets a bit for each value of which something is so: blocks of them without branches, so that several are
/// looked at by one instruction.
#[inline(always)]
fn mark_each(may_hold: &mut [u8], values: &[u64], bit: u8, holds: impl Fn(u64) -> bool) {
    let mark = |byte: &mut u8, value: &u64| {
        *byte |= if holds(*value) { bit } else { 0 };
    };
    let (blocks, last) = may_hold.as_chunks_mut::<16>();
    let (value_blocks, last_values) = values.as_chunks::<16>();
    for (bytes, values) in blocks.iter_mut().zip(value_blocks) {
        bytes.iter_mut().zip(values).for_each(|(byte, value)| mark(byte, value));
    }
    last.iter_mut().zip(last_values).for_each(|(byte, value)| mark(byte, value));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether the condition holds, as the words behind decide it.
    fn holds<T: PartialOrd>(relation: Relation, value: T, other: T) -> bool {
        match relation {
            Relation::Less => value < other,
            Relation::More => value > other,
            Relation::NotLess => value >= other,
            Relation::NotMore => value <= other,
            Relation::Equal => value == other,
            Relation::NotEqual => value != other,
        }
    }

    fn may_hold(relation: Relation, value: u64, other: u64) -> bool {
        let mut bytes = [0];
        mark(relation, &mut bytes, &[value], other, 2);
        bytes != [0]
    }

    const RELATIONS: [Relation; 6] = [
        Relation::Less,
        Relation::More,
        Relation::NotLess,
        Relation::NotMore,
        Relation::Equal,
        Relation::NotEqual,
    ];

    #[test]
    fn what_is_passed_over_holds_for_no_word() {
        let powers = (0..63).map(|bits| 1_i64 << bits);
        let infinite = i64::MAX >> 11 << 52;
        let ends = [0, i64::MIN, i64::MAX, infinite, -(1 << 52)];
        let near = |value: i64| [value.wrapping_sub(1), value, value.wrapping_add(1), value.wrapping_neg()];
        let words: Vec<i64> = powers.chain(ends).flat_map(near).collect();
        let mut passed = 0;
        for (other, value) in words.iter().flat_map(|other| words.iter().map(move |value| (*other, *value))) {
            for relation in RELATIONS {
                let none = !may_hold(relation, value.cast_unsigned(), other.cast_unsigned());
                assert!(!(none && holds(relation, value, other)), "{value} {relation:?} {other}");
                passed += u32::from(none);
            }
        }
        assert!(passed > 10_000, "{passed}");
    }

    #[test]
    fn what_is_passed_over_holds_for_no_float() {
        let floats = [0.0, f64::MIN_POSITIVE / 2.0, 1e-300, 0.5, 1.0, 1e300, f64::MAX];
        let floats: Vec<f64> = floats.into_iter().flat_map(|value| [value, 0.0 - value]).collect();
        for (other, value) in floats.iter().flat_map(|other| floats.iter().map(move |value| (*other, *value)))
        {
            for relation in RELATIONS {
                let (bits, other_bits) = (slot::from_float(value), slot::from_float(other));
                let none = !may_hold(relation, bits, other_bits);
                assert!(!(none && holds(relation, value, other)), "{value} {relation:?} {other}");
            }
        }
    }

    #[test]
    fn what_surely_holds_does() {
        let values = [0, 1, -1, 17, i64::MIN, i64::MAX, INFINITE.cast_signed(), INFINITE.cast_signed() + 1];
        let mut sure = 0;
        for (other, value) in values.iter().flat_map(|other| values.map(|value| (*other, value))) {
            for relation in RELATIONS {
                let (other, column) = (other.cast_unsigned(), [value.cast_unsigned()]);
                let place =
                    Place { column: if tells(relation, other) { &column } else { &[] }, ..Place::default() };
                if may_hold(relation, column[0], other) && place.surely_holds(0) {
                    assert!(holds(relation, value, other.cast_signed()), "{value} {relation:?} {other}");
                    sure += 1;
                }
            }
        }
        assert!(sure > 20, "{sure}");
    }

    #[test]
    fn each_value_has_its_bit() {
        for length in 0..70 {
            let values: Vec<u64> = (0..length).map(|place| place * 7 % 3).collect();
            let mut bytes = vec![1; values.len()];
            mark(Relation::More, &mut bytes, &values, 1, 4);
            assert!(bytes.iter().zip(&values).all(|(byte, value)| *byte == if *value > 1 { 5 } else { 1 }));
        }
    }
}
