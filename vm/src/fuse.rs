//! Several ops in one word (rule F12). A fused word stands before the words of the first op it covers and
//! does what all of them do at once. Those words stay where they are: jumps may lead to any of them, a trace
//! goes through them one by one, and a fused word whose ops would trap, or could not be paid, leaves the work
//! to them. So fuel, traps and traces know nothing of it.
//!
//! Which sequences are fused is the outcome of profiles: conditions, of which policies are full, the steps of
//! loops over numbers, and sums of products.

use swarm_bytecode::native::NativeFunction;
use swarm_bytecode::op::{Op, Register};

use crate::filter::Part;
use crate::word::Word;

/// Goes through the ops of a function in order and says where fused words stand.
#[derive(Debug, Default)]
pub(crate) struct Fusing {
    /// The first op that no fused word covers: among the words of those it covers no other may stand.
    free: usize,
}

impl Fusing {
    /// Whether a fused word covers op `p` and begins before it.
    pub(crate) fn covers(&self, p: usize) -> bool {
        p < self.free
    }

    /// The fused word to stand before the words of op `p`, if any. `mutable` tells whether what a register
    /// holds has parts that can be written; `intern` gives the place of a constant, if it is near enough.
    pub(crate) fn at(
        &mut self,
        code: Part<'_>,
        p: usize,
        mutable: impl FnOnce(Register) -> bool,
        intern: impl FnOnce(i64) -> Option<u16>,
    ) -> Option<Word> {
        if self.covers(p) {
            return None;
        }
        let rest = code.from(p)?;
        if !rest.first().is_some_and(may_begin) {
            return None;
        }
        let before = p.checked_sub(1).and_then(|before| code.from(before)?.first());
        let (word, ops) = fill(before, rest)
            .or_else(|| condition(rest))
            .or_else(|| chain(rest, mutable))
            .or_else(|| with_constant(rest, intern))?;
        self.free = p.saturating_add(ops);
        Some(word)
    }
}

/// Whether there is a fused word that begins with such an op.
fn may_begin(op: &Op) -> bool {
    matches!(
        op,
        Op::Field { .. }
            | Op::Item { .. }
            | Op::Integer { .. }
            | Op::Zero { .. }
            | Op::LtInt { .. }
            | Op::LeInt { .. }
            | Op::EqInt { .. }
            | Op::NeInt { .. }
            | Op::LtFloat { .. }
            | Op::LeFloat { .. }
            | Op::MulInt { .. }
            | Op::MulFloat { .. }
            | Op::AddFloat { .. }
            | Op::SubFloat { .. }
            | Op::Native { .. }
            | Op::Move { .. }
            | Op::SetItem { .. }
            | Op::Push { .. }
    )
}

/// A loop over a range that appends one constant, small enough to stand in its word, and how many ops its body has.
fn fill(before: Option<&Op>, body: &[Op]) -> Option<(Word, usize)> {
    let Op::Range { item, last, .. } = before? else { return None };
    let (constant, list, value) = match body {
        [Op::Integer { result, value: small }, Op::Push { list, value }, Op::Advance {}, ..]
            if i32::try_from(*small).is_ok() =>
        {
            (result, list, value)
        }
        [Op::Zero { result }, Op::Push { list, value }, Op::Advance {}, ..] => (result, list, value),
        _ => return None,
    };
    let fills = value == constant && ![list, item, last].contains(&constant);
    fills.then_some((Word::FillRounds, 3))
}

/// Ops that end in an `if`, without constants of their own, and how many they are.
fn condition(rest: &[Op]) -> Option<(Word, usize)> {
    Some(match rest {
        [Op::Field { result: loaded, record, field }, compare, Op::If { condition }, ..] => {
            let Compared { result, right, ask, unless, .. } = words(compare)?.with_left(*loaded)?;
            let (loaded, record, field) = (loaded.0, record.0, *field);
            let (result, other) = (result.when(condition)?, right.0);
            let word = match ask {
                Ask::Less => Word::FieldLessIf { loaded, record, field, other, result, unless },
                Ask::More => Word::FieldMoreIf { loaded, record, field, other, result, unless },
                Ask::Equal => return None,
            };
            (word, 3)
        }
        [
            Op::MulFloat { result: first, left, right: same },
            Op::MulFloat { result: second, left: right, right: same_right },
            Op::AddFloat { result: sum, left: a, right: b },
            Op::LtFloat { result, left: _, right: compared },
            Op::If { condition },
            ..,
        ] if (left, right) == (same, same_right)
            && (first, second, sum, result) == (a, b, compared, condition)
            && first != second
            && right != first =>
        {
            let [first, left, second, right, sum] =
                [first, left, second, right, sum].map(|register| register.0);
            (Word::SquaresMoreIf { first, left, second, right, sum }, 5)
        }
        [Op::AddFloat { result: sum, left, right }, compare, Op::If { condition }, ..]
            if let Some(compared) = floats(compare).and_then(|compared| compared.with_left(*sum))
                && compared.ask == Ask::More =>
        {
            let Compared { result, right: other, unless, .. } = compared;
            let (sum, left, right, other) = (sum.0, left.0, right.0, other.0);
            let result = result.when(condition)?;
            (Word::SumMoreIf { sum, left, right, other, result, unless }, 3)
        }
        [Op::Item { result, list, index }, Op::If { condition }, after @ ..] => {
            let (result, list, index) = (result.when(condition)?, list.0, index.0);
            match after {
                [Op::Else {}, ..] => (Word::ItemElse { result, list, index }, 3),
                _ => (Word::ItemIf { result, list, index }, 2),
            }
        }
        [compare, Op::If { condition }, ..] => (comparison(compare, condition)?, 2),
        _ => return None,
    })
}

/// A comparison with an `if` behind it.
fn comparison(compare: &Op, condition: &Register) -> Option<Word> {
    let (compared, float) = match (words(compare), floats(compare)) {
        (Some(compared), _) => (compared, false),
        (None, compared) => (compared?, true),
    };
    let compared = if compared.ask == Ask::More { compared.exchanged() } else { compared };
    let Compared { result, left, right, ask, unless } = compared;
    let (left, right, result) = (left.0, right.0, result.when(condition)?);
    Some(match (ask, float) {
        (Ask::Equal, _) => Word::EqualIf { left, right, result, unless },
        (_, false) => Word::LessIf { left, right, result, unless },
        (_, true) => Word::LessFloatIf { left, right, result, unless },
    })
}

trait When {
    /// The register, if it is the condition of the `if`.
    fn when(self, condition: &Register) -> Option<u8>;
}

impl When for Register {
    fn when(self, condition: &Register) -> Option<u8> {
        (self == *condition).then_some(self.0)
    }
}

/// What a comparison asks of two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ask {
    Less,
    More,
    Equal,
}

/// A comparison: whether it is so, or `unless` it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Compared {
    pub(crate) result: Register,
    pub(crate) left: Register,
    pub(crate) right: Register,
    pub(crate) ask: Ask,
    pub(crate) unless: bool,
}

impl Compared {
    /// The comparison with this register on the left and only there, if it is of this register.
    pub(crate) fn with_left(self, register: Register) -> Option<Compared> {
        match (self.left == register, self.right == register) {
            (true, false) => Some(self),
            (false, true) => Some(self.exchanged()),
            _ => None,
        }
    }

    /// The same with left and right exchanged.
    fn exchanged(self) -> Compared {
        let ask = match self.ask {
            Ask::Less => Ask::More,
            Ask::More => Ask::Less,
            Ask::Equal => Ask::Equal,
        };
        Compared { left: self.right, right: self.left, ask, ..self }
    }
}

/// A comparison of words.
pub(crate) fn words(op: &Op) -> Option<Compared> {
    let (result, left, right, ask, unless) = match *op {
        Op::LtInt { result, left, right } => (result, left, right, Ask::Less, false),
        Op::LeInt { result, left, right } => (result, left, right, Ask::More, true),
        Op::EqInt { result, left, right } => (result, left, right, Ask::Equal, false),
        Op::NeInt { result, left, right } => (result, left, right, Ask::Equal, true),
        _ => return None,
    };
    Some(Compared { result, left, right, ask, unless })
}

/// A comparison of floats, which are never without an order.
pub(crate) fn floats(op: &Op) -> Option<Compared> {
    let (result, left, right, ask, unless) = match *op {
        Op::LtFloat { result, left, right } => (result, left, right, Ask::Less, false),
        Op::LeFloat { result, left, right } => (result, left, right, Ask::More, true),
        _ => return None,
    };
    Some(Compared { result, left, right, ask, unless })
}

/// Ops of which each takes what the one before gave, or that end a round of a loop, and how many they are.
fn chain(rest: &[Op], mutable: impl FnOnce(Register) -> bool) -> Option<(Word, usize)> {
    Some(match *rest {
        [
            Op::MulInt { result: middle, left, right },
            Op::AddInt { result, left: a, right: b },
            ref after @ ..,
        ] => {
            let other = beside(middle, a, b)?;
            let (left, right) = (left.0, right.0);
            if result == middle
                && let Some((mask, _)) = native(after, NativeFunction::BitAnd, middle)
            {
                let (middle, other, mask) = (middle.0, other.0, mask.0);
                return Some((Word::MulAddAndInt { middle, left, right, other, mask }, 3));
            }
            let (middle, result, other) = (middle.0, result.0, other.0);
            (Word::MulAddInt { middle, left, right, result, other }, 2)
        }
        [Op::Native { result: middle, native: shift, ref arguments }, ref after @ ..]
            if shift.function() == Some(NativeFunction::ShiftRight) =>
        {
            let &[left, right] = arguments.as_slice() else { return None };
            let (other, _) = native(after, NativeFunction::BitXor, middle)?;
            let (middle, left, right, other) = (middle.0, left.0, right.0, other.0);
            match after {
                // Where numbers are mixed, that is mostly the end of a round.
                [_, Op::Advance {}, ..] => (Word::ShiftXorNext { middle, left, right, other }, 3),
                _ => (Word::ShiftXorInt { middle, left, right, other }, 2),
            }
        }
        [Op::MulFloat { result: middle, left, right }, ref after @ ..] => {
            return product(middle, left, right, after);
        }
        [Op::Move { result, value }, Op::Advance {}, ..] if !mutable(value) => {
            (Word::MoveNext { result: result.0, value: value.0 }, 2)
        }
        [Op::SetItem { list, index, value }, Op::Advance {}, ..] => {
            (Word::SetItemNext { list: list.0, index: index.0, value: value.0 }, 2)
        }
        [Op::Push { list, value }, Op::Advance {}, ..] => {
            (Word::PushNext { list: list.0, value: value.0 }, 2)
        }
        [Op::SubFloat { result: middle, left, right }, Op::AddFloat { result, left: a, right: b }, ..] => {
            let other = beside(middle, a, b)?.0;
            let (middle, left, right, result) = (middle.0, left.0, right.0, result.0);
            (Word::SubAddFloat { middle, left, right, result, other }, 2)
        }
        _ => return None,
    })
}

/// What may come after `fmul middle, left, right`.
fn product(middle: Register, left: Register, right: Register, after: &[Op]) -> Option<(Word, usize)> {
    let (first, left, right) = (middle.0, left.0, right.0);
    Some(match *after {
        [
            Op::MulFloat { result: again, left: a, right: b },
            Op::AddFloat { result, left: c, right: d },
            ..,
        ] if again == middle
            && let Some(factor) = beside(middle, a, b)
            && let Some(other) = beside(middle, c, d) =>
        {
            let (factor, result, other) = (factor.0, result.0, other.0);
            (Word::MulMulAddFloat { middle: first, left, right, factor, result, other }, 3)
        }
        [Op::MulFloat { result, left: a, right: b }, ..] if a != middle && b != middle => {
            let (second, second_left, second_right) = (result.0, a.0, b.0);
            (Word::TwiceMulFloat { first, left, right, second, second_left, second_right }, 2)
        }
        [Op::AddFloat { result, left: a, right: b }, ..] => {
            let (result, other) = (result.0, beside(middle, a, b)?.0);
            (Word::MulAddFloat { middle: first, left, right, result, other }, 2)
        }
        _ => return None,
    })
}

/// The operand beside `register`, which is the other one and only that.
pub(crate) fn beside(register: Register, left: Register, right: Register) -> Option<Register> {
    match (left == register, right == register) {
        (true, false) => Some(right),
        (false, true) => Some(left),
        _ => None,
    }
}

/// The operand beside `register` of a native that comes first, and its result.
fn native(rest: &[Op], function: NativeFunction, register: Register) -> Option<(Register, Register)> {
    match rest {
        [Op::Native { result, native, arguments }, ..] if native.function() == Some(function) => {
            let &[left, right] = arguments.as_slice() else { return None };
            Some((beside(register, left, right)?, *result))
        }
        _ => None,
    }
}

/// Ops that begin with `int`, and how many they are.
fn with_constant(rest: &[Op], intern: impl FnOnce(i64) -> Option<u16>) -> Option<(Word, usize)> {
    match *rest {
        [Op::Integer { result: constant, value }, ref next, ..] => {
            let register = constant.0;
            if let Some((compared, _)) = constant_condition(rest) {
                let Compared { result, left, ask, unless, .. } = compared;
                let (other, result) = (left.0, result.0);
                let word = |constant| match ask {
                    Ask::Less => Word::LessConstantIf { other, register, result, unless, constant },
                    Ask::More => Word::MoreConstantIf { other, register, result, unless, constant },
                    Ask::Equal => Word::EqualConstantIf { other, register, result, unless, constant },
                };
                return Some((intern(value).map_or(Word::Unfused, word), 3));
            }
            if let [_, Op::SetItem { list, index, value: set }, Op::Advance {}, ..] = *rest
                && set == constant
                && list != constant
                && index != constant
            {
                let (list, index) = (list.0, index.0);
                let word = |constant| Word::SetConstantNext { list, index, register, constant };
                return Some((intern(value).map_or(Word::Unfused, word), 3));
            }
            let (Op::AddInt { result, left, right }
            | Op::SubInt { result, left, right }
            | Op::MulInt { result, left, right }) = *next
            else {
                return None;
            };
            let other = beside(constant, left, right)?.0;
            let result = result.0;
            let word = |constant| match next {
                Op::AddInt { .. } => Word::AddConstant { result, other, register, constant },
                Op::MulInt { .. } => Word::MulConstant { result, other, register, constant },
                _ => Word::SubConstant { result, other, register, constant },
            };
            // A difference from a constant is another thing.
            let fits = !matches!(next, Op::SubInt { .. }) || right == constant;
            fits.then(|| (intern(value).map_or(Word::Unfused, word), 2))
        }
        _ => None,
    }
}

/// `int`, a comparison with it, and an `if`: the comparison with the constant on the right, and the constant.
fn constant_condition(rest: &[Op]) -> Option<(Compared, i64)> {
    let [Op::Integer { result: constant, value }, compare, Op::If { condition }, ..] = rest else {
        return None;
    };
    let compared = words(compare)?.with_left(*constant)?.exchanged();
    (compared.result == *condition).then_some((compared, *value))
}
