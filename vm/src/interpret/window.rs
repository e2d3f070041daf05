//! Registers of the running function, and how a call gets its own (rule W).

use crate::decode::{Argument, CallSite, Code, FunctionCode};
use crate::machine::WINDOW;
use crate::scope::Window;
use crate::slot;

/// So many registers are cleared at once.
const FEW: usize = 8;

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

/// A constant of the code.
#[inline(always)]
pub(super) fn constant(code: &Code, place: u32) -> u64 {
    code.constants.get(slot::index(place)).copied().unwrap_or(0)
}

/// The shape of a function.
#[inline(always)]
pub(super) fn shape(code: &Code, function: u16) -> FunctionCode {
    code.functions.get(usize::from(function)).copied().unwrap_or_default()
}

/// Opens the callee's window above the caller's registers and copies the arguments (rule W).
#[inline(always)]
pub(super) fn enter(stack: &mut Vec<u64>, base: usize, above: usize, call: &CallSite, code: &Code) {
    let end = above.wrapping_add(WINDOW);
    if stack.len() < end {
        grow(stack, end);
    }
    // The two windows do not overlap: the callee's starts behind the caller's registers.
    let Some((callers, callees)) = stack.split_at_mut_checked(above) else { return };
    let callers = callers.get(base..).unwrap_or(&[]);
    clear(callees, usize::from(call.callee.registers));
    match call.only {
        Some(register) => {
            if let (Some(value), Some(slot)) = (callers.get(usize::from(register)), callees.first_mut()) {
                *slot = *value;
            }
        }
        None => copy(callers, callees, code.call_arguments(*call)),
    }
}

/// Makes room for a frame.
#[cold]
fn grow(stack: &mut Vec<u64>, end: usize) {
    stack.resize(end, 0);
}

/// Copies any number of arguments.
#[inline(never)]
fn copy(callers: &[u64], callees: &mut [u64], arguments: &[Argument]) {
    for (argument, slot) in arguments.iter().zip(callees) {
        *slot = callers.get(usize::from(argument.register)).copied().unwrap_or(0);
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
