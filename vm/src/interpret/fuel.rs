//! What the ways through the code do to the fuel (rules F1 to F7 of [`swarm_bytecode::layout`]).

use swarm_bytecode::trap::TrapCode;

use crate::decode::Code;
use crate::machine::Pause;
use crate::slot;
use crate::word::Word;

/// Whether fuel is looked at. A benchmark switches it off to see what that costs; nothing else may.
const METERED: bool = cfg!(not(swarm_unmetered));

/// Whether the region up to an op can be paid.
#[inline(always)]
pub(super) fn covers(fuel: i64, due: u16) -> bool {
    !METERED || fuel >= i64::from(due)
}

/// Pays a region.
#[inline(always)]
pub(super) fn take(fuel: i64, due: u16) -> i64 {
    if METERED { fuel.wrapping_sub(i64::from(due)) } else { fuel }
}

/// What a jump puts back.
#[inline(always)]
pub(super) fn give(fuel: i64, credit: u16) -> i64 {
    if METERED { fuel.wrapping_add(i64::from(credit)) } else { fuel }
}

/// An op about to trap settles first: out of fuel comes before the trap (rule F6).
#[cold]
pub(super) fn trap(code: &Code, pc: usize, fuel: i64, trap: TrapCode) -> Pause {
    if covers(fuel, code.origin(pc).due) { Pause::Trap(trap) } else { Pause::Short { charge: 0 } }
}

/// Where a loop with nothing to do goes on.
#[inline(always)]
pub(super) fn past(words: &[Word], pc: usize, fuel: i64) -> (usize, i64) {
    match words.get(pc) {
        Some(&Word::Target { credit, target }) => (slot::index(target), give(fuel, credit)),
        _ => (usize::MAX, fuel),
    }
}

/// Back to the first word of a loop's body.
#[inline(always)]
pub(super) fn back(words: &[Word], pc: usize, fuel: i64, due: u16) -> (usize, i64) {
    match words.get(pc) {
        Some(&Word::Target { target, .. }) => (slot::index(target), take(fuel, due)),
        _ => (usize::MAX, fuel),
    }
}

/// The fuel once a loop is left behind its closing op.
#[inline(always)]
pub(super) fn leave(words: &[Word], pc: usize, fuel: i64) -> i64 {
    match words.get(pc) {
        Some(&Word::Target { credit, .. }) => give(fuel, credit),
        _ => fuel,
    }
}
