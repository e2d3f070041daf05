//! What the ways through the code do to the fuel (rules F1 to F7 of [`swarm_bytecode::layout`]).

use crate::limits::MAX_FUEL;

/// Whether fuel is looked at. A benchmark switches it off to see what that costs; nothing else may.
const METERED: bool = cfg!(not(swarm_unmetered));

/// Whether the region up to an op can be paid.
#[inline(always)]
pub(super) fn covers(fuel: i64, due: u16) -> bool {
    !METERED || fuel >= i64::from(due)
}

/// Whether a region that was paid was too dear: what is left is less than nothing, and has to be given back. An op that pays in any
/// case and looks afterwards has one amount to keep instead of two.
#[inline(always)]
pub(super) fn owes(left: i64) -> bool {
    METERED && left < 0
}

/// What is left once a dynamic charge is paid, if it and the region up to the op can be.
#[inline(always)]
pub(super) fn pay(fuel: i64, due: u16, charge: u64) -> Option<i64> {
    let charge = charge.min(MAX_FUEL).cast_signed();
    (fuel.wrapping_sub(i64::from(due)) >= charge).then_some(fuel.wrapping_sub(charge))
}

/// Whether the regions of many rounds can be paid.
#[inline(always)]
pub(super) fn covers_all(fuel: i64, due: i64) -> bool {
    !METERED || fuel >= due
}

/// Pays a region.
#[inline(always)]
pub(super) fn take(fuel: i64, due: u16) -> i64 {
    if METERED { fuel.wrapping_sub(i64::from(due)) } else { fuel }
}

/// Pays the regions of many rounds.
#[inline(always)]
pub(super) fn take_all(fuel: i64, due: i64) -> i64 {
    if METERED { fuel.wrapping_sub(due) } else { fuel }
}

/// What a jump puts back.
#[inline(always)]
pub(super) fn give(fuel: i64, credit: u16) -> i64 {
    if METERED { fuel.wrapping_add(i64::from(credit)) } else { fuel }
}
