//! Words that compute one value from registers and constants, and do nothing else.

use swarm_bytecode::numeric;
use swarm_bytecode::trap::TrapCode;

use super::window::{constant, float, get, word};
use crate::attached::Attached;
use crate::decode::Code;
use crate::scope::Window;
use crate::slot;
use crate::word::Word;

/// The register such a word writes, and the value; nothing if it is another word.
#[inline(always)]
#[expect(clippy::too_many_lines, reason = "one arm for each word")]
pub(super) fn compute(
    current: Word,
    window: &Window,
    code: &Code,
    attached: &Attached,
) -> Option<(u8, Result<u64, TrapCode>)> {
    macro_rules! word_of {
        ($result:expr, $op:path, $left:expr, $right:expr) => {
            ($result, $op(word(window, $left), word(window, $right)).map(i64::cast_unsigned))
        };
    }
    macro_rules! float_of {
        ($result:expr, $op:path, $left:expr, $right:expr) => {
            ($result, $op(float(window, $left), float(window, $right)).map(slot::from_float))
        };
    }
    macro_rules! holds {
        ($result:expr, $read:ident($left:expr) $compare:tt $same:ident($right:expr)) => {
            ($result, Ok(u64::from($read(window, $left) $compare $same(window, $right))))
        };
    }
    Some(match current {
        Word::Move { result, value } => (result, Ok(get(window, value))),
        Word::Integer { result, value } => (result, Ok(i64::from(value).cast_unsigned())),
        Word::Constant { result, constant: place } => (result, Ok(constant(code, place))),
        Word::Input { result, input } => {
            let value = attached.inputs.get(usize::from(input)).copied().flatten().unwrap_or(0);
            (result, Ok(value))
        }
        Word::Context { result, context } => {
            let value = attached.contexts.get(usize::from(context)).copied().flatten().unwrap_or(0);
            (result, Ok(value))
        }
        Word::AddInt { result, left, right } => word_of!(result, numeric::add, left, right),
        Word::SubInt { result, left, right } => word_of!(result, numeric::subtract, left, right),
        Word::MulInt { result, left, right } => word_of!(result, numeric::multiply, left, right),
        Word::DivInt { result, left, right } => word_of!(result, numeric::divide, left, right),
        Word::ModInt { result, left, right } => word_of!(result, numeric::modulo, left, right),
        Word::AndInt { result, left, right, .. } => (result, Ok(get(window, left) & get(window, right))),
        Word::OrInt { result, left, right, .. } => (result, Ok(get(window, left) | get(window, right))),
        Word::XorInt { result, left, right, .. } => (result, Ok(get(window, left) ^ get(window, right))),
        Word::ShiftLeft { result, left, right, .. } => word_of!(result, numeric::shift_left, left, right),
        Word::ShiftRight { result, left, right, .. } => word_of!(result, numeric::shift_right, left, right),
        Word::NegInt { result, value } => {
            (result, numeric::negate(word(window, value)).map(i64::cast_unsigned))
        }
        Word::Product { result, left, right, divisor } => {
            let divisor = constant(code, divisor).cast_signed();
            (
                result,
                numeric::product(word(window, left), word(window, right), divisor).map(i64::cast_unsigned),
            )
        }
        Word::Quotient { result, left, right, factor } => {
            let factor = constant(code, factor).cast_signed();
            (
                result,
                numeric::quotient(word(window, left), factor, word(window, right)).map(i64::cast_unsigned),
            )
        }
        Word::Scale { result, value, factor } => {
            (result, numeric::scale(word(window, value), float(window, factor)).map(i64::cast_unsigned))
        }
        Word::Unscale { result, value, divisor } => {
            (result, numeric::unscale(word(window, value), float(window, divisor)).map(i64::cast_unsigned))
        }
        Word::Ratio { result, left, right } => {
            (result, numeric::ratio(word(window, left), word(window, right)).map(slot::from_float))
        }

        Word::AddFloat { result, left, right } => float_of!(result, numeric::add_float, left, right),
        Word::SubFloat { result, left, right } => {
            float_of!(result, numeric::subtract_float, left, right)
        }
        Word::MulFloat { result, left, right } => {
            float_of!(result, numeric::multiply_float, left, right)
        }
        Word::DivFloat { result, left, right } => float_of!(result, numeric::divide_float, left, right),
        Word::NegFloat { result, value } => {
            let value = slot::from_float(-float(window, value));
            (result, Ok(value))
        }
        Word::IntToFloat { result, value } => {
            let value = slot::from_float(numeric::int_to_float(word(window, value)));
            (result, Ok(value))
        }
        Word::PercentToFloat { result, value } => {
            let value = slot::from_float(numeric::percent_to_float(word(window, value)));
            (result, Ok(value))
        }

        Word::EqSlot { result, left, right } => holds!(result, get(left) == get(right)),
        Word::NeSlot { result, left, right } => holds!(result, get(left) != get(right)),
        Word::LtInt { result, left, right } => holds!(result, word(left) < word(right)),
        Word::LeInt { result, left, right } => holds!(result, word(left) <= word(right)),
        Word::LtFloat { result, left, right } => holds!(result, float(left) < float(right)),
        Word::LeFloat { result, left, right } => holds!(result, float(left) <= float(right)),
        Word::Not { result, value } => {
            let value = get(window, value) ^ 1;
            (result, Ok(value))
        }

        Word::IsSome { result, value } => {
            let holds = get(window, value) != 0;
            (result, Ok(u64::from(holds)))
        }
        _ => return None,
    })
}
