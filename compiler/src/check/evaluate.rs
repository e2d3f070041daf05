//! Constants: computing a checked expression before the program runs, by the same arithmetic it runs with.

use swarm_bytecode::numeric;
use swarm_bytecode::trap::TrapCode;
use swarm_bytecode::types::Constant;

use crate::typed::{BinaryOperation as Operation, Comparison, Expr, ExprKind, UnaryOperation};

/// The value of an expression; `Ok(None)` where it depends on the run.
///
/// # Errors
/// What the computation would trap with.
pub(crate) fn evaluate(expr: &Expr) -> Result<Option<Constant>, TrapCode> {
    Ok(Some(match &expr.kind {
        ExprKind::Word(word) => Constant::Word(*word),
        ExprKind::Float(float) => Constant::Float(*float),
        ExprKind::String(text) => Constant::String(text.clone()),
        ExprKind::Zero => Constant::Empty,
        ExprKind::List(items) if items.is_empty() => Constant::Empty,
        ExprKind::Unary(operation, value) => return unary(*operation, value),
        ExprKind::Binary(operation, left, right) => return binary(*operation, left, right),
        ExprKind::And(left, right) => return logic(left, right, 0),
        ExprKind::Or(left, right) => return logic(left, right, 1),
        ExprKind::If(condition, then, otherwise) => {
            return match evaluate(condition)? {
                Some(Constant::Word(0)) => evaluate(otherwise),
                Some(_) => evaluate(then),
                None => Ok(None),
            };
        }
        _ => return Ok(None),
    }))
}

/// AND is decided by a left 0, OR by a left 1.
fn logic(left: &Expr, right: &Expr, decides: i64) -> Result<Option<Constant>, TrapCode> {
    match evaluate(left)? {
        Some(Constant::Word(word)) if word == decides => Ok(Some(Constant::Word(word))),
        Some(_) => evaluate(right),
        None => Ok(None),
    }
}

fn unary(operation: UnaryOperation, value: &Expr) -> Result<Option<Constant>, TrapCode> {
    let Some(value) = evaluate(value)? else { return Ok(None) };
    Ok(Some(match (operation, value) {
        (UnaryOperation::NegateWord, Constant::Word(word)) => Constant::Word(numeric::negate(word)?),
        (UnaryOperation::NegateFloat, Constant::Float(float)) => Constant::Float(-float),
        (UnaryOperation::Not, Constant::Word(word)) => Constant::Word(i64::from(word == 0)),
        (UnaryOperation::WordToFloat, Constant::Word(word)) => Constant::Float(numeric::int_to_float(word)),
        (UnaryOperation::PercentToFloat, Constant::Word(word)) => {
            Constant::Float(numeric::percent_to_float(word))
        }
        _ => return Ok(None),
    }))
}

fn binary(operation: Operation, left: &Expr, right: &Expr) -> Result<Option<Constant>, TrapCode> {
    let Some(left) = evaluate(left)? else { return Ok(None) };
    let Some(right) = evaluate(right)? else { return Ok(None) };
    if let Operation::Compare(comparison) = operation {
        return Ok(compare(comparison, &left, &right).map(|holds| Constant::Word(i64::from(holds))));
    }
    match (left, right) {
        (Constant::Word(left), Constant::Word(right)) => words(operation, left, right),
        (Constant::Float(left), Constant::Float(right)) => floats(operation, left, right),
        (Constant::Word(word), Constant::Float(float)) | (Constant::Float(float), Constant::Word(word)) => {
            scaled(operation, word, float)
        }
        _ => Ok(None),
    }
}

fn words(operation: Operation, left: i64, right: i64) -> Result<Option<Constant>, TrapCode> {
    let word = match operation {
        Operation::AddWord => numeric::add(left, right)?,
        Operation::SubtractWord => numeric::subtract(left, right)?,
        Operation::MultiplyWord => numeric::multiply(left, right)?,
        Operation::DivideWord => numeric::divide(left, right)?,
        Operation::ModuloWord => numeric::modulo(left, right)?,
        Operation::Product(divisor) => numeric::product(left, right, divisor)?,
        Operation::Quotient(factor) => numeric::quotient(left, factor, right)?,
        Operation::Ratio => return Ok(Some(Constant::Float(numeric::ratio(left, right)?))),
        _ => return Ok(None),
    };
    Ok(Some(Constant::Word(word)))
}

fn floats(operation: Operation, left: f64, right: f64) -> Result<Option<Constant>, TrapCode> {
    let float = match operation {
        Operation::AddFloat => numeric::add_float(left, right)?,
        Operation::SubtractFloat => numeric::subtract_float(left, right)?,
        Operation::MultiplyFloat => numeric::multiply_float(left, right)?,
        Operation::DivideFloat => numeric::divide_float(left, right)?,
        _ => return Ok(None),
    };
    Ok(Some(Constant::Float(float)))
}

fn scaled(operation: Operation, word: i64, float: f64) -> Result<Option<Constant>, TrapCode> {
    let word = match operation {
        Operation::Scale => numeric::scale(word, float)?,
        Operation::Unscale => numeric::unscale(word, float)?,
        _ => return Ok(None),
    };
    Ok(Some(Constant::Word(word)))
}

fn compare(comparison: Comparison, left: &Constant, right: &Constant) -> Option<bool> {
    let order = match (left, right) {
        (Constant::Word(left), Constant::Word(right)) => left.cmp(right),
        (Constant::Float(left), Constant::Float(right)) => left.partial_cmp(right)?,
        (Constant::String(left), Constant::String(right)) => left.cmp(right),
        _ => return None,
    };
    Some(match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterEqual => order.is_ge(),
    })
}
