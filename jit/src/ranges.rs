//! Between which bounds integers lie, so that sums and products that cannot overflow are not looked at.
//!
//! A register has one range for all of its function: the join of everything the function puts there. Along a
//! straight way the range of the last value is known more exactly.

use swarm_bytecode::module::Function;
use swarm_bytecode::native::NativeFunction;
use swarm_bytecode::op::{Flow, Op, Operand, OperandKind, Register};

/// Rounds after which a bound that still moves is given up.
const ROUNDS: usize = 6;
/// Rounds after which all are.
const MOST_ROUNDS: usize = 20;

/// The least and the greatest value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) low: i64,
    pub(crate) high: i64,
}

impl Range {
    pub(crate) const ALL: Range = Range { low: i64::MIN, high: i64::MAX };
    const ZERO: Range = Range::of(0);
    /// Of what has no value yet.
    const NONE: Range = Range { low: i64::MAX, high: i64::MIN };

    const fn of(value: i64) -> Range {
        Range { low: value, high: value }
    }

    fn natural(high: i64) -> Range {
        Range { low: 0, high }
    }

    pub(crate) fn is_natural(self) -> bool {
        self.low >= 0
    }

    fn join(self, other: Range) -> Range {
        Range { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// The only value.
    pub(crate) fn constant(self) -> Option<i64> {
        (self.low == self.high).then_some(self.low)
    }

    fn bounds(self) -> (i128, i128) {
        (self.low.into(), self.high.into())
    }

    /// What of exact bounds is left where the rest traps.
    fn clamp((low, high): (i128, i128)) -> Range {
        let near = |value: i128| i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX });
        Range { low: near(low), high: near(high) }
    }

    fn fits((low, high): (i128, i128)) -> bool {
        i64::try_from(low).is_ok() && i64::try_from(high).is_ok()
    }

    /// Whether no sum overflows.
    pub(crate) fn adds(self, other: Range) -> bool {
        Range::fits(self.sum(other))
    }

    /// Whether no difference overflows.
    pub(crate) fn subtracts(self, other: Range) -> bool {
        Range::fits(self.difference(other))
    }

    /// Whether no product overflows.
    pub(crate) fn multiplies(self, other: Range) -> bool {
        Range::fits(self.product(other))
    }

    // Sums and products of two 64-bit numbers fit 128 bits.
    fn sum(self, other: Range) -> (i128, i128) {
        let ((a, b), (c, d)) = (self.bounds(), other.bounds());
        (a.saturating_add(c), b.saturating_add(d))
    }

    fn difference(self, other: Range) -> (i128, i128) {
        let ((a, b), (c, d)) = (self.bounds(), other.bounds());
        (a.saturating_sub(d), b.saturating_sub(c))
    }

    fn product(self, other: Range) -> (i128, i128) {
        let ((a, b), (c, d)) = (self.bounds(), other.bounds());
        let all = [a.saturating_mul(c), a.saturating_mul(d), b.saturating_mul(c), b.saturating_mul(d)];
        all.into_iter().fold((i128::MAX, i128::MIN), |(low, high), own| (low.min(own), high.max(own)))
    }
}

/// Ranges of a function's registers.
#[derive(Debug, Clone)]
pub(crate) struct Ranges {
    /// Everywhere; nothing where no value was seen yet.
    all: Vec<Range>,
    /// Here.
    now: Vec<Range>,
}

impl Ranges {
    pub(crate) fn of(function: &Function) -> Ranges {
        // Registers that are no parameters begin with 0, which nobody sees who reads them only behind a write.
        let own = usize::from(function.parameters);
        let unseen = written_first(function);
        let all = unseen.iter().enumerate().map(|(at, unseen)| match unseen {
            _ if at < own => Range::ALL,
            true => Range::NONE,
            false => Range::ZERO,
        });
        let all: Vec<Range> = all.collect();
        let mut ranges = Ranges { now: all.clone(), all };
        for round in 0.. {
            let before = ranges.all.clone();
            for op in &function.code {
                let turns = op.info().flow != Flow::Next;
                if turns {
                    ranges.turn();
                }
                ranges.note(op);
                if turns {
                    ranges.turn();
                }
            }
            ranges.turn();
            if ranges.all == before {
                break;
            }
            if round >= MOST_ROUNDS {
                ranges.all.fill(Range::ALL);
                ranges.turn();
                break;
            }
            if round >= ROUNDS {
                for (now, before) in ranges.all.iter_mut().zip(before) {
                    now.low = if now.low < before.low { i64::MIN } else { now.low };
                    now.high = if now.high > before.high { i64::MAX } else { now.high };
                }
            }
        }
        ranges
    }

    pub(crate) fn get(&self, register: Register) -> Range {
        self.now.get(usize::from(register.0)).copied().unwrap_or(Range::ALL)
    }

    /// At the start of a function that was called: registers that are no parameters are 0.
    pub(crate) fn begin(&mut self, parameters: usize) {
        self.now.iter_mut().skip(parameters).for_each(|now| *now = Range::ZERO);
    }

    /// On the way on which the condition that the op before compared has a value.
    pub(crate) fn branch(&mut self, compared: Option<&Op>, condition: Register, holds: bool) {
        let (less, left, right, equal) = match compared {
            Some(Op::LtInt { result, left, right }) if *result == condition => (holds, *left, *right, !holds),
            Some(Op::LeInt { result, left, right }) if *result == condition => (holds, *left, *right, holds),
            _ => return,
        };
        let (small, great) = if less { (left, right) } else { (right, left) };
        let by = i64::from(!equal);
        let (below, above) = (self.get(small), self.get(great));
        let (high, low) = (above.high.saturating_sub(by), below.low.saturating_add(by));
        self.set(small, Range { high: below.high.min(high), ..below });
        self.set(great, Range { low: above.low.max(low), ..above });
    }

    /// Ways meet here: what holds is what holds everywhere.
    pub(crate) fn turn(&mut self) {
        self.now.copy_from_slice(&self.all);
    }

    /// A value of its function was put into a register, by ways that [`Ranges::result`] does not follow.
    pub(crate) fn forget(&mut self, register: Register) {
        let at = usize::from(register.0);
        if let (Some(now), Some(all)) = (self.now.get_mut(at), self.all.get(at)) {
            *now = *all;
        }
    }

    /// A value of this range was put into a register.
    pub(crate) fn set(&mut self, register: Register, range: Range) {
        if let Some(now) = self.now.get_mut(usize::from(register.0)) {
            *now = range;
        }
    }

    fn note(&mut self, op: &Op) {
        let known = self.result(op);
        let mut written = Vec::new();
        op.visit_operands(|_, kind, operand| {
            if let (OperandKind::Destination(_), Operand::Register(register)) = (kind, operand) {
                written.push(register);
            }
        });
        for register in written {
            let range = known.filter(|(own, _)| *own == register).map_or(Range::ALL, |(_, range)| range);
            let at = usize::from(register.0);
            if let (Some(now), Some(all)) = (self.now.get_mut(at), self.all.get_mut(at)) {
                *now = range;
                *all = all.join(range);
            }
        }
    }

    /// The register an op writes, and what can be said of the value.
    pub(crate) fn result(&self, op: &Op) -> Option<(Register, Range)> {
        let get = |register: &Register| self.get(*register);
        Some(match op {
            Op::Integer { result, value } => (*result, Range::of(*value)),
            Op::Zero { result } => (*result, Range::ZERO),
            Op::Move { result, value } | Op::Copy { result, value } => (*result, get(value)),
            Op::AddInt { result, left, right } => (*result, Range::clamp(get(left).sum(get(right)))),
            Op::SubInt { result, left, right } => (*result, Range::clamp(get(left).difference(get(right)))),
            Op::MulInt { result, left, right } => (*result, Range::clamp(get(left).product(get(right)))),
            Op::DivInt { result, left, right } => {
                let (left, right) = (get(left), get(right));
                let range = if left.is_natural() && right.low > 0 {
                    Range::natural(left.high.checked_div(right.low).unwrap_or(left.high))
                } else {
                    Range::ALL
                };
                (*result, range)
            }
            Op::ModInt { result, left, right } => {
                let (left, right) = (get(left), get(right));
                let range = match right.high.checked_sub(1) {
                    Some(most) if right.low > 0 && left.is_natural() => Range::natural(most.min(left.high)),
                    Some(most) if right.low > 0 => Range { low: most.saturating_neg(), high: most },
                    _ => Range::ALL,
                };
                (*result, range)
            }
            // It goes up one by one to `last`, whatever that is by then.
            Op::Range { item, first, last } => {
                let last = self.all.get(usize::from(last.0)).copied().unwrap_or(Range::ALL);
                let first = get(first);
                (*item, Range { low: first.low, high: last.high.max(first.low) })
            }
            Op::Native { result, native, arguments } => {
                let [left, right] = arguments.as_slice() else { return None };
                (*result, bits(native.function()?, get(left), get(right))?)
            }
            _ => return None,
        })
    }
}

/// Which registers are never read but behind a write that no way goes round.
fn written_first(function: &Function) -> Vec<bool> {
    let mut blocks: Vec<usize> = vec![0];
    let mut count = 0_usize;
    // The innermost block around the last such write: what comes behind it in there has come by it.
    let mut written: Vec<Option<usize>> = vec![None; function.registers.len()];
    let mut known = vec![true; function.registers.len()];
    for op in &function.code {
        let info = op.info();
        let (opens, closes) = info.flow.blocks();
        let mut read = |register: Register| {
            let at = usize::from(register.0);
            let own = written.get(at).copied().flatten();
            if let Some(known) = known.get_mut(at) {
                *known &= own.is_some_and(|block| blocks.contains(&block));
            }
        };
        op.visit_operands(|_, kind, operand| match (kind, operand) {
            (OperandKind::Destination(_), _) => {}
            (_, Operand::Register(register)) => read(register),
            (_, Operand::Registers(registers)) => registers.iter().for_each(|register| read(*register)),
            _ => {}
        });
        if closes {
            blocks.pop();
        }
        if opens {
            count = count.saturating_add(1);
            blocks.push(count);
        }
        op.visit_operands(|_, kind, operand| {
            if let (OperandKind::Destination(_), Operand::Register(register)) = (kind, operand)
                && let Some(written) = written.get_mut(usize::from(register.0))
                && !written.is_some_and(|block| blocks.contains(&block))
            {
                *written = blocks.last().copied();
            }
        });
    }
    known
}

/// What bit by bit functions come to.
fn bits(function: NativeFunction, left: Range, right: Range) -> Option<Range> {
    let both = left.is_natural() && right.is_natural();
    Some(match function {
        NativeFunction::BitAnd if both => Range::natural(left.high.min(right.high)),
        NativeFunction::BitAnd if left.is_natural() => Range::natural(left.high),
        NativeFunction::BitAnd if right.is_natural() => Range::natural(right.high),
        NativeFunction::BitOr | NativeFunction::BitXor if both => {
            let most = left.high.max(right.high);
            Range::natural(i64::MAX.checked_shr(most.leading_zeros().saturating_sub(1)).unwrap_or(0))
        }
        NativeFunction::ShiftRight if left.is_natural() => {
            let by = right.constant().and_then(|by| u32::try_from(by).ok()).filter(|by| *by < 64);
            Range::natural(left.high.wrapping_shr(by.unwrap_or(0)))
        }
        _ => return None,
    })
}
