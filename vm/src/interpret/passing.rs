//! Rows that a loop in compiled code passes over: those for which surely no condition of its filter holds.

use super::skip::{BLOCK, FIRST, mark};
use crate::attached::Attached;
use crate::decode::Code;
use crate::filter::{Filter, MOST_TESTS};
use crate::slot;

/// Rows worth the look.
const ENOUGH: usize = 4;
/// Rows that are not looked at after so many looks in vain: 2 to the power of it.
const MOST_VAIN: u32 = 6;

/// What compiled code keeps of its looks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Passing {
    filter: u16,
    /// What the fields are compared with.
    others: [u64; MOST_TESTS],
    /// The first row that was looked at, whole, so that it tells the table as well, and how many were.
    row: u64,
    rows: usize,
    /// For each of them the conditions that may hold.
    may_hold: [u8; BLOCK],
    /// Looks in vain, one after the other.
    vain: u32,
}

impl Default for Passing {
    fn default() -> Self {
        Passing { filter: 0, others: [0; MOST_TESTS], row: 0, rows: 0, may_hold: [0; BLOCK], vain: 0 }
    }
}

impl Passing {
    /// How many rows from this one on there are, at most so many, for which surely no condition of a filter
    /// holds, and how many behind the next it is not worth looking at. `other` gives registers.
    pub(crate) fn pass(
        &mut self,
        (code, attached): (&Code, &Attached),
        number: u16,
        (row, most): (u64, usize),
        other: impl Fn(u8) -> u64,
    ) -> (usize, u32) {
        let Some(filter) = code.filters.get(usize::from(number)) else { return (0, 0) };
        let mut others = [0; MOST_TESTS];
        for (own, test) in others.iter_mut().zip(&filter.tests) {
            *own = test.other.map_or(0, &other);
        }
        if (self.filter, self.others) != (number, others) {
            *self = Passing { filter: number, others, vain: self.vain, ..Passing::default() };
        }
        let passed = self.surely_none(filter, attached, row, most);
        if passed >= ENOUGH {
            self.vain = 0;
            return (passed, 0);
        }
        self.vain = self.vain.saturating_add(1).min(MOST_VAIN);
        (passed, 1_u32.wrapping_shl(self.vain))
    }

    fn surely_none(&mut self, filter: &Filter, attached: &Attached, row: u64, most: usize) -> usize {
        let mut passed = 0_usize;
        while passed < most {
            let at = row.wrapping_add(passed as u64);
            // A row of another table is far away.
            let mut place = usize::try_from(at.wrapping_sub(self.row)).unwrap_or(usize::MAX);
            if place >= self.rows {
                if self.look(filter, attached, at, most.saturating_sub(passed)).is_none() {
                    break;
                }
                place = 0;
            }
            let known = self.may_hold.get(place..self.rows).unwrap_or(&[]);
            match known.iter().position(|conditions| *conditions != 0) {
                Some(none) => return passed.saturating_add(none).min(most),
                None if known.is_empty() => break,
                None => passed = passed.saturating_add(known.len()),
            }
        }
        passed.min(most)
    }

    /// Looks at rows from this one on, at most so many; `None` where their fields are no columns of whole words.
    fn look(&mut self, filter: &Filter, attached: &Attached, row: u64, most: usize) -> Option<()> {
        let goes_on = row == self.row.wrapping_add(self.rows as u64);
        let reach = if goes_on { self.rows.saturating_mul(2).clamp(FIRST, BLOCK) } else { FIRST };
        (self.row, self.rows) = (row, 0);
        let rows = reach.min(most);
        self.may_hold = [0; BLOCK];
        let may_hold = self.may_hold.get_mut(..rows)?;
        let start = slot::index(slot::low(row));
        let end = start.checked_add(rows)?;
        for (test, other) in filter.tests.iter().zip(&self.others) {
            let values = attached.column(row, test.field).words(row)?.get(start..end)?;
            mark(test.relation, may_hold, values, *other, 1_u8.wrapping_shl(test.condition.into()));
        }
        self.rows = rows;
        Some(())
    }
}
