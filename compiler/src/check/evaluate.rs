//! Constants: computing a checked expression before the program runs, by the same arithmetic it runs with.

use smol_str::SmolStr;
use swarm_bytecode::trap::TrapCode;
use swarm_bytecode::types::{Constant, Type, TypeId};
use swarm_bytecode::{numeric, quantity};

use super::types::TypeTable;
use crate::typed::{BinaryOperation as Operation, Comparison, Expr, ExprKind, UnaryOperation};

/// Bytes a text can have.
const MAX_TEXT: usize = (1 << 20) - 1;

/// The value of an expression as one made of constants only; `Ok(None)` where it depends on the run.
///
/// # Errors
/// What the computation would trap with.
pub(crate) fn fold(expr: &Expr, types: &TypeTable) -> Result<Option<Expr>, TrapCode> {
    let all = |parts: &[Expr]| -> Result<Option<Vec<Expr>>, TrapCode> {
        parts.iter().map(|part| fold(part, types)).collect()
    };
    let kind = match &expr.kind {
        ExprKind::List(items) => all(items)?.map(ExprKind::List),
        ExprKind::Record(fields) => all(fields)?.map(ExprKind::Record),
        ExprKind::Case(case, payload) => all(payload)?.map(|payload| ExprKind::Case(*case, payload)),
        ExprKind::Some(value) => fold(value, types)?.map(|value| ExprKind::Some(Box::new(value))),
        ExprKind::Map(entries) => {
            let entry = |(key, value): &(Expr, Expr)| -> Result<Option<(Expr, Expr)>, TrapCode> {
                Ok(fold(key, types)?.zip(fold(value, types)?))
            };
            entries.iter().map(entry).collect::<Result<Option<Vec<_>>, TrapCode>>()?.map(ExprKind::Map)
        }
        ExprKind::Field(record, field) => match fold(record, types)?.map(|record| record.kind) {
            Some(ExprKind::Record(fields)) => {
                fields.into_iter().nth(usize::from(*field)).map(|field| field.kind)
            }
            _ => None,
        },
        _ => evaluate(expr, types)?.map(constant_kind),
    };
    Ok(kind.map(|kind| Expr { kind, ty: expr.ty, span: expr.span }))
}

/// Whether a condition is the same in every run, and what it is: a constant, a value compared with itself, or a length
/// compared with a number below it all.
pub(crate) fn always(condition: &Expr, types: &TypeTable) -> Option<bool> {
    if let Ok(Some(Constant::Word(word))) = evaluate(condition, types) {
        return Some(word != 0);
    }
    let ExprKind::Binary(Operation::Compare(comparison), left, right) = &condition.kind else { return None };
    if same(left, right) {
        return Some(matches!(
            comparison,
            Comparison::Equal | Comparison::LessEqual | Comparison::GreaterEqual
        ));
    }
    let number = |expr: &Expr| match evaluate(expr, types) {
        Ok(Some(Constant::Word(word))) => Some(word),
        _ => None,
    };
    // `comparison` with the length on its left.
    let (comparison, number) = match (&left.kind, &right.kind) {
        (ExprKind::Length(_), _) => (*comparison, number(right)?),
        (_, ExprKind::Length(_)) => (mirrored(*comparison), number(left)?),
        _ => return None,
    };
    match comparison {
        Comparison::GreaterEqual if number <= 0 => Some(true),
        Comparison::Greater | Comparison::NotEqual if number < 0 => Some(true),
        Comparison::Less if number <= 0 => Some(false),
        Comparison::LessEqual | Comparison::Equal if number < 0 => Some(false),
        _ => None,
    }
}

/// The comparison with its sides exchanged.
fn mirrored(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Less => Comparison::Greater,
        Comparison::LessEqual => Comparison::GreaterEqual,
        Comparison::Greater => Comparison::Less,
        Comparison::GreaterEqual => Comparison::LessEqual,
        same => same,
    }
}

/// Whether two expressions are the same value, whenever they stand side by side: names, fields and items.
pub(crate) fn same(left: &Expr, right: &Expr) -> bool {
    match (&left.kind, &right.kind) {
        (ExprKind::Local(a), ExprKind::Local(b)) => a == b,
        (ExprKind::Input(a), ExprKind::Input(b)) => a == b,
        (ExprKind::Context(a), ExprKind::Context(b)) => a == b,
        (ExprKind::State(a), ExprKind::State(b)) => a == b,
        (ExprKind::Word(a), ExprKind::Word(b)) => a == b && left.ty == right.ty,
        (ExprKind::String(a), ExprKind::String(b)) => a == b,
        (ExprKind::Field(a, first), ExprKind::Field(b, second)) => first == second && same(a, b),
        (ExprKind::Item(a, first), ExprKind::Item(b, second)) => same(first, second) && same(a, b),
        (ExprKind::Length(a), ExprKind::Length(b)) => same(a, b),
        _ => false,
    }
}

/// A constant as an expression. Of a case there is no payload.
pub(crate) fn constant_kind(value: Constant) -> ExprKind {
    match value {
        Constant::Word(word) => ExprKind::Word(word),
        Constant::Float(float) => ExprKind::Float(float),
        Constant::String(text) => ExprKind::String(text),
        Constant::Empty => ExprKind::Zero,
        Constant::Case(case) => ExprKind::Case(case, Vec::new()),
    }
}

/// The value of an expression; `Ok(None)` where it depends on the run, or is more than one value.
///
/// # Errors
/// What the computation would trap with.
pub(crate) fn evaluate(expr: &Expr, types: &TypeTable) -> Result<Option<Constant>, TrapCode> {
    let evaluate = |expr: &Expr| evaluate(expr, types);
    Ok(Some(match &expr.kind {
        ExprKind::Word(word) => Constant::Word(*word),
        ExprKind::Float(float) => Constant::Float(*float),
        ExprKind::String(text) => Constant::String(text.clone()),
        ExprKind::Zero => Constant::Empty,
        ExprKind::List(items) if items.is_empty() => Constant::Empty,
        ExprKind::Map(entries) if entries.is_empty() => Constant::Empty,
        ExprKind::Case(case, payload) if payload.is_empty() => Constant::Case(*case),
        ExprKind::Unary(operation, value) => {
            let Some(value) = evaluate(value)? else { return Ok(None) };
            return unary(*operation, value);
        }
        ExprKind::Binary(operation, left, right) => {
            let Some(left) = evaluate(left)? else { return Ok(None) };
            let Some(right) = evaluate(right)? else { return Ok(None) };
            return binary(*operation, left, right);
        }
        // AND is decided by a left 0, OR by a left 1.
        ExprKind::And(left, right) | ExprKind::Or(left, right) => {
            let decides = i64::from(matches!(expr.kind, ExprKind::Or(..)));
            return match evaluate(left)? {
                Some(Constant::Word(word)) if word == decides => Ok(Some(Constant::Word(word))),
                Some(_) => evaluate(right),
                None => Ok(None),
            };
        }
        ExprKind::Coalesce(optional, value) => {
            return match &optional.kind {
                ExprKind::Zero => evaluate(value),
                ExprKind::Some(value) => evaluate(value),
                _ => Ok(None),
            };
        }
        ExprKind::Field(record, field) => {
            let Some(ExprKind::Record(fields)) = fold(record, types)?.map(|record| record.kind) else {
                return Ok(None);
            };
            return fields.get(usize::from(*field)).map_or(Ok(None), evaluate);
        }
        ExprKind::Length(list) => match fold(list, types)?.map(|list| list.kind) {
            Some(ExprKind::List(items)) => Constant::Word(i64::try_from(items.len()).unwrap_or(i64::MAX)),
            Some(ExprKind::Zero) => Constant::Word(0),
            _ => return Ok(None),
        },
        ExprKind::Text(value) => {
            let text = evaluate(value)?.and_then(|constant| text(&constant, value.ty?, types));
            return Ok(text.map(Constant::String));
        }
        ExprKind::Concat(parts) => {
            let mut whole = String::new();
            for part in parts {
                let Some(Constant::String(text)) = evaluate(part)? else { return Ok(None) };
                if whole.len().saturating_add(text.len()) > MAX_TEXT {
                    return Err(TrapCode::TooLong);
                }
                whole.push_str(&text);
            }
            Constant::String(whole.into())
        }
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

/// A constant as a hole in a text prints it: as JSON output does.
fn text(value: &Constant, ty: TypeId, types: &TypeTable) -> Option<SmolStr> {
    Some(match (value, types.get(ty)?) {
        (Constant::String(text), _) => text.clone(),
        (Constant::Word(word), _) => quantity::format(ty, *word).into(),
        (Constant::Float(float), Type::Rate(dimension)) => quantity::format_rate(*dimension, *float).into(),
        (Constant::Float(float), _) => quantity::format_float(*float).into(),
        _ => return None,
    })
}

fn unary(operation: UnaryOperation, value: Constant) -> Result<Option<Constant>, TrapCode> {
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

fn binary(operation: Operation, left: Constant, right: Constant) -> Result<Option<Constant>, TrapCode> {
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
        (Constant::Case(left), Constant::Case(right)) => left.cmp(right),
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
