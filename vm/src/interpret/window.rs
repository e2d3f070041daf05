//! Registers of the running function, and how a call gets its own (rule W).

use crate::decode::{Argument, Code, FunctionCode};
use crate::scope::Window;
use crate::slot;

/// So many registers are cleared at once.
const FEW: usize = 8;

/// A register.
#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "a u8 is a valid index of 256 slots")]
pub(crate) fn get(window: &Window, register: u8) -> u64 {
    window[usize::from(register)].get()
}

/// Writes a register.
#[inline(always)]
#[expect(clippy::indexing_slicing, reason = "a u8 is a valid index of 256 slots")]
pub(super) fn set(window: &Window, register: u8, value: u64) {
    window[usize::from(register)].set(value);
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

/// Copies a call's arguments to the callee's first registers (rule W).
#[inline(never)]
pub(super) fn copy(callers: &Window, callees: &Window, arguments: &[Argument]) {
    for (argument, slot) in arguments.iter().zip(callees) {
        slot.set(get(callers, argument.register));
    }
}

/// Zeros so many registers, and maybe some behind, which no one reads before they are written; not if they
/// are many.
#[inline(always)]
pub(super) fn few(window: &Window, registers: u8) -> bool {
    match window.first_chunk::<FEW>() {
        Some(few) if usize::from(registers) <= FEW => {
            few.iter().for_each(|slot| slot.set(0));
            true
        }
        _ => false,
    }
}

/// Zeros so many registers.
pub(super) fn clear(window: &Window, registers: u8) {
    window.iter().take(usize::from(registers)).for_each(|slot| slot.set(0));
}
