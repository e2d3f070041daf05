//! Fused words: see [`crate::fuse`] for which ops each stands for. One whose ops would trap, or cannot be paid, does
//! nothing and leaves the work to the words behind it.

use swarm_bytecode::numeric;

use super::fuel::covers;
use super::window::{constant, float, get, set, word};
use crate::decode::Code;
use crate::scope::Window;
use crate::slot;
use crate::word::Word;

/// What a fused word has done.
pub(super) enum Done {
    /// All of its ops up to an `if`, which is so many words on, and whether that holds.
    Holds { holds: bool, words: usize },
    /// All of its ops, which have so many words.
    Covered { words: usize },
    /// Nothing.
    Left,
}

/// Carries a fused word out. `pc` is the word behind it.
#[inline(always)]
#[expect(clippy::too_many_lines, reason = "one arm for each word")]
pub(super) fn run(
    fused: Word,
    window: &mut Window,
    words: &[Word],
    code: &Code,
    pc: usize,
    fuel: i64,
) -> Done {
    match fused {
        Word::LessIf { left, right, result, unless } => {
            let holds = (word(window, left) < word(window, right)) != unless;
            return branch(window, result, holds, 2);
        }
        Word::EqualIf { left, right, result, unless } => {
            let holds = (get(window, left) == get(window, right)) != unless;
            return branch(window, result, holds, 2);
        }
        Word::LessFloatIf { left, right, result, unless } => {
            let holds = (float(window, left) < float(window, right)) != unless;
            return branch(window, result, holds, 2);
        }
        Word::SumMoreIf { sum, left, right, other, result, unless } => {
            let value = float(window, left) + float(window, right);
            if value.is_finite() {
                let holds = (value > float(window, other)) != unless;
                set(window, sum, slot::from_float(value));
                return branch(window, result, holds, 3);
            }
        }
        Word::LessConstantIf { other, register, result, unless, constant: place } => {
            let value = constant(code, u32::from(place));
            let holds = (word(window, other) < value.cast_signed()) != unless;
            set(window, register, value);
            return branch(window, result, holds, 3);
        }
        Word::MoreConstantIf { other, register, result, unless, constant: place } => {
            let value = constant(code, u32::from(place));
            let holds = (word(window, other) > value.cast_signed()) != unless;
            set(window, register, value);
            return branch(window, result, holds, 3);
        }
        Word::EqualConstantIf { other, register, result, unless, constant: place } => {
            let value = constant(code, u32::from(place));
            let holds = (get(window, other) == value) != unless;
            set(window, register, value);
            return branch(window, result, holds, 3);
        }
        Word::AddConstant { result, other, register, constant: place } => {
            let value = constant(code, u32::from(place));
            if let Ok(sum) = numeric::add(word(window, other), value.cast_signed()) {
                return covered(window, 2, (register, value), (result, sum.cast_unsigned()));
            }
        }
        Word::SubConstant { result, other, register, constant: place } => {
            let value = constant(code, u32::from(place));
            if let Ok(difference) = numeric::subtract(word(window, other), value.cast_signed()) {
                return covered(window, 2, (register, value), (result, difference.cast_unsigned()));
            }
        }
        Word::MulConstant { result, other, register, constant: place } => {
            let value = constant(code, u32::from(place));
            if let Ok(product) = numeric::multiply(word(window, other), value.cast_signed()) {
                return covered(window, 2, (register, value), (result, product.cast_unsigned()));
            }
        }
        Word::MulAddInt { middle, left, right, result, other } => {
            if let Ok(product) = numeric::multiply(word(window, left), word(window, right))
                && let Ok(sum) = numeric::add(product, word(window, other))
            {
                return covered(window, 2, (middle, product.cast_unsigned()), (result, sum.cast_unsigned()));
            }
        }
        Word::MulAddAndInt { middle, left, right, other, mask } => {
            if let Some(&Word::AndInt { result, due, .. }) = words.get(pc.wrapping_add(2))
                && covers(fuel, due)
                && let Ok(product) = numeric::multiply(word(window, left), word(window, right))
                && let Ok(sum) = numeric::add(product, word(window, other))
            {
                let masked = sum.cast_unsigned() & get(window, mask);
                return covered(window, 3, (middle, sum.cast_unsigned()), (result, masked));
            }
        }
        Word::ShiftXorInt { middle, left, right, other } => {
            if let Some(&Word::XorInt { result, due, .. }) = words.get(pc.wrapping_add(1))
                && covers(fuel, due)
                && let Ok(shifted) = numeric::shift_right(word(window, left), word(window, right))
            {
                let shifted = shifted.cast_unsigned();
                let mixed = shifted ^ get(window, other);
                return covered(window, 2, (middle, shifted), (result, mixed));
            }
        }
        // What is not finite stays so through sums and products, so a last result that is finite vouches for all.
        Word::TwiceMulFloat { first, left, right, second, second_left, second_right } => {
            let product = float(window, left) * float(window, right);
            let other = float(window, second_left) * float(window, second_right);
            if product.is_finite() && other.is_finite() {
                return covered(
                    window,
                    2,
                    (first, slot::from_float(product)),
                    (second, slot::from_float(other)),
                );
            }
        }
        Word::MulAddFloat { middle, left, right, result, other } => {
            let product = float(window, left) * float(window, right);
            let sum = product + float(window, other);
            if sum.is_finite() {
                return covered(
                    window,
                    2,
                    (middle, slot::from_float(product)),
                    (result, slot::from_float(sum)),
                );
            }
        }
        Word::SubAddFloat { middle, left, right, result, other } => {
            let difference = float(window, left) - float(window, right);
            let sum = difference + float(window, other);
            if sum.is_finite() {
                return covered(
                    window,
                    2,
                    (middle, slot::from_float(difference)),
                    (result, slot::from_float(sum)),
                );
            }
        }
        Word::MulMulAddFloat { middle, left, right, factor, result, other } => {
            let product = float(window, left) * float(window, right) * float(window, factor);
            let sum = product + float(window, other);
            if sum.is_finite() {
                return covered(
                    window,
                    3,
                    (middle, slot::from_float(product)),
                    (result, slot::from_float(sum)),
                );
            }
        }
        _ => {}
    }
    Done::Left
}

#[inline(always)]
fn branch(window: &mut Window, result: u8, holds: bool, words: usize) -> Done {
    set(window, result, u64::from(holds));
    Done::Holds { holds, words }
}

#[inline(always)]
fn covered(window: &mut Window, words: usize, first: (u8, u64), last: (u8, u64)) -> Done {
    set(window, first.0, first.1);
    set(window, last.0, last.1);
    Done::Covered { words }
}
