//! Several ops in one word (rule F12). A fused word stands before the words of the first op it covers and does what
//! all of them do at once. Those words stay where they are: jumps may lead to any of them, a trace goes through them
//! one by one, and a fused word whose ops would trap leaves the work to them. So fuel, traps and traces know nothing
//! of it.

use swarm_bytecode::op::{Op, Register};

use crate::word::Word;

/// Bits of a comparison's mask: what the order of the left and the right has to be.
const LESS: u8 = 1;
const EQUAL: u8 = 2;
const GREATER: u8 = 4;

/// Whether two words compare as a mask says.
#[inline(always)]
pub(crate) fn holds(mask: u8, left: i64, right: i64) -> bool {
    let order = u32::from(left >= right).wrapping_add(u32::from(left > right));
    mask.wrapping_shr(order) & 1 != 0
}

/// The fused word to stand before the words of op `p`, if any. `intern` gives the place of a constant, if it is near
/// enough.
pub(crate) fn fused(code: &[Op], p: usize, intern: impl FnOnce(i64) -> Option<u16>) -> Option<Word> {
    if let Some(ConstantIf { other, register, result, mask, value }) = constant_if(code, p) {
        let word = |constant| Word::ConstantIf { other, register, result, mask, constant };
        return Some(intern(value).map_or(Word::Unfused, word));
    }
    if let Some(Op::Field { result, record, field }) = code.get(p) {
        let next = constant_if(code, p.saturating_add(1))?;
        let compared = next.other == result.0;
        return compared.then_some(Word::FieldIf { result: result.0, record: record.0, field: *field });
    }
    // Where the comparison is covered by a word for the op before, nothing may stand between the two.
    if p.checked_sub(1).is_some_and(|before| constant_if(code, before).is_some()) {
        return None;
    }
    match (code.get(p)?, code.get(p.saturating_add(1))?) {
        (Op::Integer { result: constant, value }, next) => arithmetic(*constant, *value, next, intern),
        (compare, Op::If { condition }) => {
            let (result, left, right, mask) = comparison(compare)?;
            let (left, right) = (left.0, right.0);
            (result == *condition).then_some(Word::CompareIf { left, right, result: result.0, mask })
        }
        _ => None,
    }
}

/// Result, left, right and mask of a comparison of words.
fn comparison(op: &Op) -> Option<(Register, Register, Register, u8)> {
    Some(match op {
        Op::LtInt { result, left, right } => (*result, *left, *right, LESS),
        Op::LeInt { result, left, right } => (*result, *left, *right, LESS | EQUAL),
        Op::EqInt { result, left, right } => (*result, *left, *right, EQUAL),
        Op::NeInt { result, left, right } => (*result, *left, *right, LESS | GREATER),
        _ => return None,
    })
}

/// The mask with left and right exchanged.
const fn exchanged(mask: u8) -> u8 {
    (mask & EQUAL) | ((mask & LESS) << 2) | ((mask & GREATER) >> 2)
}

/// `int`, a comparison with it, and an `if`.
struct ConstantIf {
    other: u8,
    register: u8,
    result: u8,
    mask: u8,
    value: i64,
}

fn constant_if(code: &[Op], p: usize) -> Option<ConstantIf> {
    let [Op::Integer { result: constant, value }, compare, Op::If { condition }] =
        code.get(p..p.checked_add(3)?)?
    else {
        return None;
    };
    let (result, left, right, mask) = comparison(compare)?;
    if result != *condition || left == right {
        return None;
    }
    let (other, mask) = if right == *constant {
        (left, mask)
    } else if left == *constant {
        (right, exchanged(mask))
    } else {
        return None;
    };
    Some(ConstantIf { other: other.0, register: constant.0, result: result.0, mask, value: *value })
}

/// `int` and an op of arithmetic with it.
fn arithmetic(
    constant: Register,
    value: i64,
    next: &Op,
    intern: impl FnOnce(i64) -> Option<u16>,
) -> Option<Word> {
    let (Op::AddInt { result, left, right }
    | Op::SubInt { result, left, right }
    | Op::MulInt { result, left, right }) = next
    else {
        return None;
    };
    let commutes = !matches!(next, Op::SubInt { .. });
    let other = if *right == constant {
        *left
    } else if commutes && *left == constant {
        *right
    } else {
        return None;
    };
    if other == constant {
        return None;
    }
    let (result, other, register) = (result.0, other.0, constant.0);
    let Some(constant) = intern(value) else { return Some(Word::Unfused) };
    Some(match next {
        Op::AddInt { .. } => Word::AddConstant { result, other, register, constant },
        Op::SubInt { .. } => Word::SubConstant { result, other, register, constant },
        _ => Word::MulConstant { result, other, register, constant },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_orders() {
        for (left, right) in [(1, 2), (2, 2), (2, 1), (i64::MIN, i64::MAX), (i64::MAX, i64::MIN)] {
            let cases = [
                (LESS, left < right),
                (LESS | EQUAL, left <= right),
                (EQUAL, left == right),
                (LESS | GREATER, left != right),
                (GREATER, left > right),
                (GREATER | EQUAL, left >= right),
            ];
            for (mask, expected) in cases {
                assert_eq!(holds(mask, left, right), expected, "{mask} {left} {right}");
                assert_eq!(holds(exchanged(mask), right, left), expected, "{mask} {left} {right}");
            }
        }
    }
}
