//! Prices that are computed from a call's arguments, where those are constants.

use swarm_bytecode::module::{FunctionId, Module};
use swarm_bytecode::numeric;
use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::Class;

/// What a call costs by its computed price, if the function is straight-line arithmetic over arguments that are
/// constants. A negative price is none.
pub(crate) fn cost_of_call(module: &Module, function: FunctionId, arguments: &[Option<i64>]) -> Option<u64> {
    let function = module.functions.get(function.index())?;
    let mut registers = Registers(vec![None; function.registers.len()]);
    for (register, argument) in registers.0.iter_mut().zip(arguments) {
        *register = argument.map(Number::Word);
    }
    for op in &function.code {
        if let Op::ReturnValue { value } = op {
            return registers.word(*value).map(|price| u64::try_from(price).unwrap_or(0));
        }
        if let Op::Zero { result } = op {
            let ty = function.registers.get(usize::from(result.0)).and_then(|ty| module.ty(*ty))?;
            let zero = if ty.class() == Class::Float { Number::Float(0.0) } else { Number::Word(0) };
            *registers.0.get_mut(usize::from(result.0))? = Some(zero);
            continue;
        }
        let (result, value) = registers.value(module, op)?;
        *registers.0.get_mut(usize::from(result.0))? = Some(value);
    }
    None
}

#[derive(Clone, Copy)]
enum Number {
    Word(i64),
    Float(f64),
}

struct Registers(Vec<Option<Number>>);

impl Registers {
    fn get(&self, register: Register) -> Option<Number> {
        self.0.get(usize::from(register.0)).copied().flatten()
    }

    fn word(&self, register: Register) -> Option<i64> {
        if let Number::Word(word) = self.get(register)? { Some(word) } else { None }
    }

    fn float(&self, register: Register) -> Option<f64> {
        if let Number::Float(float) = self.get(register)? { Some(float) } else { None }
    }

    /// What an op puts where; `None` for an op that is no arithmetic, or would stop the run.
    fn value(&self, module: &Module, op: &Op) -> Option<(Register, Number)> {
        use Number::{Float, Word};
        let (word, float) = (|register| self.word(register), |register| self.float(register));
        Some(match *op {
            Op::Integer { result, value } => (result, Word(value)),
            Op::Float { result, value } => (result, Float(*module.floats.get(value.index())?)),
            Op::Move { result, value } => (result, self.get(value)?),
            Op::AddInt { result, left, right } => {
                (result, Word(numeric::add(word(left)?, word(right)?).ok()?))
            }
            Op::SubInt { result, left, right } => {
                (result, Word(numeric::subtract(word(left)?, word(right)?).ok()?))
            }
            Op::MulInt { result, left, right } => {
                (result, Word(numeric::multiply(word(left)?, word(right)?).ok()?))
            }
            Op::Product { result, left, right, divisor } => {
                (result, Word(numeric::product(word(left)?, word(right)?, divisor).ok()?))
            }
            Op::Quotient { result, left, right, factor } => {
                (result, Word(numeric::quotient(word(left)?, factor, word(right)?).ok()?))
            }
            Op::Scale { result, value, factor } => {
                (result, Word(numeric::scale(word(value)?, float(factor)?).ok()?))
            }
            Op::Unscale { result, value, divisor } => {
                (result, Word(numeric::unscale(word(value)?, float(divisor)?).ok()?))
            }
            Op::IntToFloat { result, value } => (result, Float(numeric::int_to_float(word(value)?))),
            Op::PercentToFloat { result, value } => (result, Float(numeric::percent_to_float(word(value)?))),
            Op::MulFloat { result, left, right } => {
                (result, Float(numeric::multiply_float(float(left)?, float(right)?).ok()?))
            }
            Op::DivFloat { result, left, right } => {
                (result, Float(numeric::divide_float(float(left)?, float(right)?).ok()?))
            }
            _ => return None,
        })
    }
}
