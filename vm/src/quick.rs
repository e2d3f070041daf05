//! Functions that begin by asking whether there is anything to do, as recursive ones do: a word before the call
//! answers for them where there is not, and the call with its frame is saved; where there is, the callee begins behind its
//! question.
//!
//! Result, registers, fuel and peak of memory are those of the call. What would not fit a limit, or could not be paid, is left to
//! the call itself, which follows.

use swarm_bytecode::module::{Function, Module};
use swarm_bytecode::op::{Op, Register};

use crate::decode::{Argument, is_reference};
use crate::fuse::{Ask, beside, words};
use crate::word::Word;

/// How a function returns at once.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Quick {
    /// The parameter that decides.
    asked: u8,
    /// The register that holds the constant.
    pub(crate) held: u8,
    constant: i16,
    /// Whether the parameter is compared with the next number, being more than the constant.
    next: bool,
    /// Whether they are equal; else whether the parameter is less.
    equal: bool,
    /// Whether that must not be so.
    unless: bool,
    answer: Answer,
    /// The op that returns.
    pub(crate) returns: u32,
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Parameter(u8),
    Literal(u8),
}

impl Quick {
    /// The op that leads on if the function does not return at once.
    pub(crate) const ASKS: u32 = 2;

    /// Of a function that gives back one of its parameters or a small number, if a comparison of a parameter with a
    /// constant says so.
    pub(crate) fn of(module: &Module, function: &Function) -> Option<Quick> {
        let [begin, compare, Op::If { condition }, inside @ ..] = function.code.as_slice() else {
            return None;
        };
        let (held, constant) = literal(begin)?;
        let compared = words(compare)?;
        let parameter = |register: Register| register.0 < function.parameters;
        let asked = beside(held, compared.left, compared.right)?;
        let compared = compared.with_left(asked)?;
        if compared.result != *condition || !parameter(asked) || parameter(held) || parameter(*condition) {
            return None;
        }
        // More than a number is not less than the next.
        let next = matches!(compared.ask, Ask::More);
        let (equal, unless) = (matches!(compared.ask, Ask::Equal), compared.unless != next);
        let plain = |register: Register| {
            let ty = function.registers.get(usize::from(register.0));
            ty.is_some_and(|ty| !is_reference(module, *ty))
        };
        let (answer, returns) = match inside {
            [Op::ReturnValue { value }, ..] if parameter(*value) && plain(*value) => {
                (Answer::Parameter(value.0), 3)
            }
            [number, Op::ReturnValue { value }, ..] => {
                let (held, number) = literal(number)?;
                let answer = u8::try_from(number).ok().filter(|_| held == *value && plain(held))?;
                (Answer::Literal(answer), 4)
            }
            _ => return None,
        };
        Some(Quick {
            asked: asked.0,
            held: held.0,
            constant: i16::try_from(constant).ok()?,
            next,
            equal,
            unless,
            answer,
            returns,
        })
    }

    /// The word before a call with these arguments; the function's return is due so much.
    pub(crate) fn word(self, arguments: &[Argument], own: u16) -> Option<Word> {
        let register =
            |parameter: u8| arguments.get(usize::from(parameter)).map(|argument| argument.register);
        let (answer, literal) = match self.answer {
            Answer::Parameter(parameter) => (register(parameter)?, false),
            Answer::Literal(number) => (number, true),
        };
        let (asked, constant) = (register(self.asked)?, self.constant);
        let how = How::of([self.equal, self.unless, literal, self.next]);
        Some(Word::QuickCall { asked, answer, how, constant, own })
    }
}

/// What a [`Word::QuickCall`] asks and answers, in a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct How(u8);

impl How {
    pub(crate) fn bits(self) -> u8 {
        self.0
    }

    pub(crate) fn from_bits(bits: u8) -> How {
        How(bits)
    }

    const EQUAL: u8 = 1;
    const UNLESS: u8 = 2;
    const LITERAL: u8 = 4;
    const NEXT: u8 = 8;

    fn of(set: [bool; 4]) -> How {
        let bits = [How::EQUAL, How::UNLESS, How::LITERAL, How::NEXT];
        How(set.into_iter().zip(bits).filter(|(set, _)| *set).fold(0, |all, (_, bit)| all | bit))
    }

    /// Whether the function returns at once.
    #[inline(always)]
    pub(crate) fn holds(self, value: i64, constant: i64) -> bool {
        let constant = constant.wrapping_add(i64::from(self.0 & How::NEXT != 0));
        let so = if self.0 & How::EQUAL == 0 { value < constant } else { value == constant };
        so == (self.0 & How::UNLESS == 0)
    }

    /// Whether the answer is a number, not a register.
    #[inline(always)]
    pub(crate) fn is_literal(self) -> bool {
        self.0 & How::LITERAL != 0
    }
}

fn literal(op: &Op) -> Option<(Register, i64)> {
    match *op {
        Op::Integer { result, value } => Some((result, value)),
        Op::Zero { result } => Some((result, 0)),
        _ => None,
    }
}
