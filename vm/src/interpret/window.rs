//! Registers of the running function, and how a call gets its own (rule W).

use crate::decode::{Argument, Code, FunctionCode};
use crate::machine::WINDOW;
use crate::scope::Window;

/// So many registers are cleared at once.
const FEW: usize = 16;

/// A register.
#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "a u8 is a valid index of 256 slots")]
pub(crate) fn get(window: &Window, register: u8) -> u64 {
    window[usize::from(register)]
}

/// Writes a register.
#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "a u8 is a valid index of 256 slots")]
pub(super) fn set(window: &mut Window, register: u8, value: u64) {
    window[usize::from(register)] = value;
}

/// A register that holds a word.
#[inline(always)]
pub(super) fn word(window: &Window, register: u8) -> i64 {
    get(window, register).cast_signed()
}

/// A register that holds a float.
#[inline(always)]
pub(super) fn float(window: &Window, register: u8) -> f64 {
    f64::from_bits(get(window, register))
}

/// The shape of a function.
#[inline(always)]
pub(super) fn shape(code: &Code, function: u16) -> FunctionCode {
    code.functions.get(usize::from(function)).copied().unwrap_or_default()
}

/// Opens the callee's window above the caller's registers and copies the arguments (rule W).
#[inline(always)]
pub(super) fn enter(
    stack: &mut Vec<u64>,
    base: usize,
    above: usize,
    callee: FunctionCode,
    arguments: &[Argument],
) {
    let end = above.wrapping_add(WINDOW);
    if stack.len() < end {
        stack.resize(end, 0);
    }
    // The two windows do not overlap: the callee's starts behind the caller's registers.
    let (callers, callees) = stack.split_at_mut(above);
    let callers = callers.get(base..).unwrap_or(&[]);
    let value = |argument: &Argument| callers.get(usize::from(argument.register)).copied().unwrap_or(0);
    clear(callees, usize::from(callee.registers));
    match (arguments, &mut *callees) {
        ([], _) => {}
        ([argument], [slot, ..]) => *slot = value(argument),
        (arguments, callees) => {
            arguments.iter().zip(callees).for_each(|(argument, slot)| *slot = value(argument));
        }
    }
}

/// Zeros so many slots, and maybe some behind, which no one reads before they are written.
#[inline(always)]
fn clear(slots: &mut [u64], registers: usize) {
    match slots.first_chunk_mut::<FEW>() {
        Some(few) if registers <= FEW => *few = [0; FEW],
        _ => clear_many(slots, registers),
    }
}

/// Apart, so that clearing a few is no call.
#[inline(never)]
fn clear_many(slots: &mut [u64], registers: usize) {
    slots.iter_mut().take(registers).for_each(|slot| *slot = 0);
}
