//! Rows of a table that are passed over together: see [`crate::filter`].
#![expect(non_snake_case, reason = "a handler is named as its word")]

use super::chain::{Mode, Rest, Vm, go_on, handlers, mistaken};
use super::window::{get, set};
use crate::attached::Attached;
use crate::decode::Code;
use crate::filter::{self, Filter, Relation};
use crate::scope::Window;
use crate::slot;
use crate::word::Word;

/// Rows of a column looked at together.
const BLOCK: usize = 16;
/// Rows looked at of one column before the next: first so many, each time twice as many while nothing is found, at most
/// so many. What is looked at has not been paid for; so little is, where all is new at each look.
const AHEAD: usize = 128;
const MOST_AHEAD: usize = 1024;
/// Rows worth the look.
const ENOUGH: usize = 4;
/// Rows that are not looked at after so many looks in vain: 2 to the power of it.
const MOST_VAIN: u32 = 6;

/// How much there was to pass over so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Luck {
    /// Rows until the next look.
    wait: u32,
    /// Looks in vain, one after the other.
    vain: u32,
}

impl Luck {
    fn with(self, passed: usize) -> Luck {
        if passed >= ENOUGH {
            return Luck::default();
        }
        let vain = self.vain.saturating_add(1).min(MOST_VAIN);
        Luck { wait: 1_u32.wrapping_shl(vain), vain }
    }
}

handlers! {
    (word, rest, window, fuel, vm);

    PassRows { filter } => {
        match vm.luck.wait.checked_sub(1) {
            Some(wait) => {
                vm.luck.wait = wait;
                go_on::<M>(rest, window, fuel, vm);
            }
            None => {
                let fuel = pass(filter, window, fuel, vm);
                go_on::<M>(rest, window, fuel, vm);
            }
        }
    }
}

/// How far the columns of a filter were looked through: each of them once, however often rows are passed over.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Looked {
    filter: u16,
    /// The row of the last look; whole, so that it tells the table as well.
    row: u64,
    conditions: [Ahead; filter::MOST],
}

/// What is known of one condition.
#[derive(Debug, Clone, Copy, Default)]
struct Ahead {
    /// What the field is compared with.
    other: u64,
    /// The first row behind the last look of which it is not known that the condition does not hold.
    row: usize,
    /// Whether it may hold for that, or was only not looked at.
    may_hold: bool,
    /// How many rows to look at next time.
    reach: usize,
}

impl Looked {
    /// Forgets what does not hold for a look from this row on, with what the fields are compared with.
    fn look(&mut self, filter: u16, conditions: &[filter::Condition], row: u64, other: impl Fn(u8) -> u64) {
        let same_table = slot::Reference::unpack(row).source == slot::Reference::unpack(self.row).source;
        let known = self.filter == filter && same_table && row >= self.row;
        (self.filter, self.row) = (filter, row);
        for (ahead, condition) in self.conditions.iter_mut().zip(conditions) {
            let other = other(condition.other);
            if !known || ahead.other != other {
                *ahead = Ahead { other, row: 0, may_hold: false, reach: AHEAD };
            }
        }
    }
}

impl Ahead {
    /// Looks through the rows from `at` to `end`, some at once, if they were not looked at.
    fn look(&mut self, relation: Relation, column: &[u64], at: usize, end: usize) {
        if self.row < at || (self.row == at && !self.may_hold) {
            let end = end.min(at.saturating_add(self.reach.max(AHEAD)));
            let values = column.get(at..end).unwrap_or(&[]);
            let none = first_that_may_hold(relation, values, self.other);
            (self.row, self.may_hold) = (at.saturating_add(none), none < values.len() || values.is_empty());
            self.reach = if self.may_hold { AHEAD } else { self.reach.saturating_mul(2).min(MOST_AHEAD) };
        }
    }
}

/// Passes over rows for which no condition holds, up to the last but one of the loop; gives the fuel after that.
#[inline(never)]
fn pass(number: u16, window: &Window, fuel: i64, vm: &mut Vm<'_>) -> i64 {
    let Some(filter) = vm.code.filters.get(usize::from(number)) else { return fuel };
    let Some((row, left)) = vm.rows.loop_at(get(window, filter.list), get(window, filter.index)) else {
        return fuel;
    };
    if row != get(window, filter.item) {
        return fuel;
    }
    let cost = i64::from(filter.cost);
    // What can be paid; what is kept back for looks at the native stack is there as well.
    let affordable = fuel.saturating_add(vm.ahead).checked_div(cost).unwrap_or(0);
    let most = usize::try_from(affordable).unwrap_or(0).min(left);
    vm.looked.look(number, &filter.conditions, row, |register| get(window, register));
    let passed = surely_none(filter, |field| vm.rows.words(row, field), &mut vm.looked, row, most);
    vm.luck = vm.luck.with(passed);
    let Some(last) = u64::try_from(passed).ok().and_then(|passed| passed.checked_sub(1)) else { return fuel };
    for condition in &filter.conditions {
        let value = vm.rows.near_field(row.wrapping_add(last), condition.field).unwrap_or(0);
        set(window, condition.loaded, value);
        set(window, condition.result, 0);
    }
    set(window, filter.item, row.wrapping_add(last).wrapping_add(1));
    set(window, filter.index, get(window, filter.index).wrapping_add(last).wrapping_add(1));
    let spent = i64::try_from(passed).unwrap_or(0).wrapping_mul(cost);
    let from_ahead = spent.min(vm.ahead);
    vm.ahead = vm.ahead.wrapping_sub(from_ahead);
    vm.mark = vm.mark.wrapping_add(from_ahead);
    fuel.wrapping_add(from_ahead).wrapping_sub(spent)
}

/// What compiled code keeps of its looks.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Passing {
    luck: Luck,
    looked: Looked,
}

impl Passing {
    /// How many rows from this one on there are, at most so many, for which surely no condition of a filter holds, and
    /// how many behind the next it is not worth looking at.
    pub(crate) fn pass(
        &mut self,
        (code, attached): (&Code, &Attached),
        number: u16,
        (row, most): (u64, usize),
        other: impl Fn(u8) -> u64,
    ) -> (usize, u32) {
        let Some(filter) = code.filters.get(usize::from(number)) else { return (0, 0) };
        self.looked.look(number, &filter.conditions, row, other);
        let words = |field| attached.column(row, field).words(row);
        let passed = surely_none(filter, words, &mut self.looked, row, most);
        self.luck = self.luck.with(passed);
        (passed, self.luck.wait)
    }
}

/// How many rows from this one on there are, at most so many, for which surely no condition holds; `words` gives the
/// values of a field in all rows.
fn surely_none<'a>(
    filter: &Filter,
    words: impl Fn(u8) -> Option<&'a [u64]>,
    looked: &mut Looked,
    row: u64,
    most: usize,
) -> usize {
    let start = slot::index(slot::low(row));
    let end = start.saturating_add(most);
    let mut at = start;
    while at < end {
        let mut first = Ahead { row: end, may_hold: true, ..Ahead::default() };
        for (ahead, condition) in looked.conditions.iter_mut().zip(&filter.conditions) {
            let Some(column) = words(condition.field) else { return at.saturating_sub(start) };
            ahead.look(condition.relation, column, at, end);
            if ahead.row < first.row || (ahead.row == first.row && ahead.may_hold) {
                first = *ahead;
            }
        }
        at = first.row;
        if first.may_hold {
            break;
        }
    }
    at.saturating_sub(start)
}

/// The first value for which the condition may hold, or how many there are.
///
/// Values are compared as floats by their bits: that is the order of floats, and of whole numbers where one of them is
/// 0 or more. What has no order (bits of no number) counts as holding. So for values before that one the condition
/// surely does not hold; for the one itself the words behind decide. Floats, unlike words of 64 bits, can be compared
/// two at a time on every x86-64.
#[expect(clippy::neg_cmp_op_on_partial_ord, reason = "what has no order counts as holding")]
fn first_that_may_hold(relation: Relation, values: &[u64], other: u64) -> usize {
    // The least whole number has the bits of −0, which is not less than 0.
    if other.cast_signed() < 0 || (other == 0 && relation == Relation::Less) {
        return 0;
    }
    let other = f64::from_bits(other);
    match relation {
        Relation::Less => first(values, |value| !(value >= other)),
        Relation::More => first(values, |value| !(value <= other)),
        Relation::NotLess => first(values, |value| !(value < other)),
        Relation::NotMore => first(values, |value| !(value > other)),
    }
}

/// The first value of which something is so, or how many there are. All values of a block are asked, without branches.
#[inline(always)]
fn first(values: &[u64], holds: impl Fn(f64) -> bool) -> usize {
    let holds = |value: &u64| holds(f64::from_bits(*value));
    let (blocks, last) = values.as_chunks::<BLOCK>();
    let any =
        |block: &[u64; BLOCK]| block.iter().fold(0_u64, |any, value| any | u64::from(holds(value))) != 0;
    let clean = blocks.iter().position(any).unwrap_or(blocks.len());
    let block = blocks.get(clean).map_or(last, |block| block);
    let in_block = block.iter().position(holds).unwrap_or(block.len());
    clean.saturating_mul(BLOCK).saturating_add(in_block)
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
        }
    }

    const RELATIONS: [Relation; 4] = [Relation::Less, Relation::More, Relation::NotLess, Relation::NotMore];

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
                let none =
                    first_that_may_hold(relation, &[value.cast_unsigned()], other.cast_unsigned()) == 1;
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
                let none = first_that_may_hold(relation, &[bits], other_bits) == 1;
                assert!(!(none && holds(relation, value, other)), "{value} {relation:?} {other}");
            }
        }
    }

    #[test]
    fn the_first_is_found_wherever_it_is() {
        for length in 0..70 {
            for at in 0..=length {
                let values: Vec<u64> = (0..length).map(|place| u64::from(place == at)).collect();
                assert_eq!(first_that_may_hold(Relation::More, &values, 0), at.min(length));
            }
        }
    }
}
