//! Constants: computing a checked expression before the program runs, by the same arithmetic it runs with.

mod natives;

use std::cell::Cell;

use smol_str::SmolStr;
use swarm_bytecode::trap::TrapCode;
use swarm_bytecode::types::{Constant, Type, TypeId};
use swarm_bytecode::{numeric, quantity};
use swarm_grammar::span::Span;

use super::Checker;
use super::types::TypeTable;
use crate::typed::{BinaryOperation as Operation, Comparison, Expr, ExprKind, UnaryOperation};

/// Bytes a text can have.
const MAX_TEXT: usize = (1 << 20) - 1;

/// Why a constant has no value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// A run would stop there.
    Trap(TrapCode),
    /// All constants together take more work than a compiler should do.
    Work,
}

/// The place where a constant cannot be computed further.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stopped {
    pub(crate) why: Why,
    pub(crate) at: Span,
}

/// What natives of constants may still do: bytes of text they read and make, and [`Work::ITEM`] for each item
/// of a list or a map. It bounds the time and the memory of computing all constants of a program.
#[derive(Debug)]
pub(crate) struct Work(Cell<usize>);

impl Work {
    /// What an item counts as.
    const ITEM: usize = 64;

    fn take(&self, work: usize) -> Result<(), Why> {
        self.0.set(self.0.get().checked_sub(work).ok_or(Why::Work)?);
        Ok(())
    }
}

impl Default for Work {
    fn default() -> Work {
        Work(Cell::new(1 << 25))
    }
}

type Folded = Result<Option<Expr>, Stopped>;

/// A thing that is at least or at most a number.
struct Limit<'e> {
    what: &'e Expr,
    number: Expr,
    from_below: bool,
    from_above: bool,
    /// Whether it is not the number itself.
    open: bool,
}

impl Checker<'_> {
    /// The value of an expression as one made of constants only; `Ok(None)` where it depends on the run.
    ///
    /// # Errors
    /// What the computation would trap with, and where.
    pub(crate) fn fold(&self, expr: &Expr) -> Folded {
        Folder { types: &self.types, work: &self.work }.fold(expr)
    }

    /// The value of an expression; `Ok(None)` where it depends on the run, or is more than one value.
    ///
    /// # Errors
    /// What the computation would trap with, and where.
    pub(crate) fn evaluate(&self, expr: &Expr) -> Result<Option<Constant>, Stopped> {
        Ok(self.fold(expr)?.and_then(|value| constant(value.kind)))
    }

    /// Whether a condition is the same in every run, and what it is: a constant, a value compared with
    /// itself, a length compared with a number below it all, or two limits that exclude each other
    /// (`x < 3 AND x > 5`).
    pub(crate) fn always(&self, condition: &Expr) -> Option<bool> {
        if let Some(word) = self.word(condition) {
            return Some(word != 0);
        }
        match &condition.kind {
            // No value is in both, or each value in one of them.
            ExprKind::And(left, right) if self.apart(left, right, false) => return Some(false),
            ExprKind::Or(left, right) if self.apart(left, right, true) => return Some(true),
            _ => {}
        }
        let ExprKind::Binary(Operation::Compare(comparison), left, right) = &condition.kind else {
            return None;
        };
        if same(left, right) {
            return Some(matches!(
                comparison,
                Comparison::Equal | Comparison::LessEqual | Comparison::GreaterEqual
            ));
        }
        // `comparison` with the length on its left.
        let (comparison, number) = match (&left.kind, &right.kind) {
            (ExprKind::Length(_), _) => (*comparison, self.word(right)?),
            (_, ExprKind::Length(_)) => (mirrored(*comparison), self.word(left)?),
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

    /// Whether two comparisons of one thing with constants cannot both hold; `negated`: cannot both fail.
    fn apart(&self, left: &Expr, right: &Expr, negated: bool) -> bool {
        let (Some(left), Some(right)) = (self.limit(left, negated), self.limit(right, negated)) else {
            return false;
        };
        let excludes = |above: &Limit<'_>, below: &Limit<'_>| {
            let order = natives::order(&above.number, &below.number);
            above.from_below
                && below.from_above
                && order.is_some_and(|order| order.is_gt() || (order.is_eq() && (above.open || below.open)))
        };
        same(left.what, right.what) && (excludes(&left, &right) || excludes(&right, &left))
    }

    /// What a comparison of something with a constant says of it.
    fn limit<'e>(&self, condition: &'e Expr, negated: bool) -> Option<Limit<'e>> {
        let ExprKind::Binary(Operation::Compare(comparison), left, right) = &condition.kind else {
            return None;
        };
        let (comparison, what, number) = match (self.fold(left), self.fold(right)) {
            (Ok(None), Ok(Some(number))) => (*comparison, left, number),
            (Ok(Some(number)), Ok(None)) => (mirrored(*comparison), right, number),
            _ => return None,
        };
        let (from_below, from_above, open) = match (comparison, negated) {
            (Comparison::Greater, false) | (Comparison::LessEqual, true) => (true, false, true),
            (Comparison::GreaterEqual, false) | (Comparison::Less, true) => (true, false, false),
            (Comparison::Less, false) | (Comparison::GreaterEqual, true) => (false, true, true),
            (Comparison::LessEqual, false) | (Comparison::Greater, true) => (false, true, false),
            (Comparison::Equal, false) | (Comparison::NotEqual, true) => (true, true, false),
            _ => return None,
        };
        Some(Limit { what, number, from_below, from_above, open })
    }

    /// The value of an integer-carried expression, if it is a constant.
    pub(crate) fn word(&self, expr: &Expr) -> Option<i64> {
        match self.evaluate(expr) {
            Ok(Some(Constant::Word(word))) => Some(word),
            _ => None,
        }
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

/// A folded expression as a constant; `None` where it is more than one value.
fn constant(kind: ExprKind) -> Option<Constant> {
    Some(match kind {
        ExprKind::Word(word) => Constant::Word(word),
        ExprKind::Float(float) => Constant::Float(float),
        ExprKind::String(text) => Constant::String(text),
        ExprKind::Zero => Constant::Empty,
        ExprKind::List(items) if items.is_empty() => Constant::Empty,
        ExprKind::Map(entries) if entries.is_empty() => Constant::Empty,
        ExprKind::Case(case, payload) if payload.is_empty() => Constant::Case(case),
        _ => return None,
    })
}

/// Folds expressions. Each part is folded once, from left to right.
struct Folder<'t> {
    types: &'t TypeTable,
    work: &'t Work,
}

impl Folder<'_> {
    fn fold(&self, expr: &Expr) -> Folded {
        let kind = match &expr.kind {
            ExprKind::Word(_) | ExprKind::Float(_) | ExprKind::String(_) | ExprKind::Zero => {
                Some(expr.kind.clone())
            }
            ExprKind::List(items) => self.all(items)?.map(ExprKind::List),
            ExprKind::Record(fields) => self.all(fields)?.map(ExprKind::Record),
            ExprKind::Case(case, payload) => self.all(payload)?.map(|payload| ExprKind::Case(*case, payload)),
            ExprKind::Some(value) => self.fold(value)?.map(|value| ExprKind::Some(Box::new(value))),
            ExprKind::Map(entries) => {
                let entry = |(key, value): &(Expr, Expr)| -> Result<Option<(Expr, Expr)>, Stopped> {
                    Ok(self.fold(key)?.zip(self.fold(value)?))
                };
                entries.iter().map(entry).collect::<Result<Option<Vec<_>>, Stopped>>()?.map(ExprKind::Map)
            }
            ExprKind::Field(record, field) => match self.fold(record)?.map(|record| record.kind) {
                Some(ExprKind::Record(fields)) => {
                    fields.into_iter().nth(usize::from(*field)).map(|field| field.kind)
                }
                _ => None,
            },
            ExprKind::Native(native, arguments) => match self.all(arguments)? {
                Some(arguments) => {
                    natives::call(*native, &arguments, expr.ty, self).map_err(|why| stopped(why, expr))?
                }
                None => None,
            },
            ExprKind::Unary(operation, value) => match self.single(value)? {
                Some(value) => unary(*operation, value).map_err(|trap| trapped(trap, expr))?,
                None => None,
            }
            .map(constant_kind),
            _ => self.choice(expr)?,
        };
        Ok(kind.map(|kind| Expr { kind, ty: expr.ty, span: expr.span }))
    }

    /// Operations of two values, of which the second may not be asked for; items, lengths and texts.
    fn choice(&self, expr: &Expr) -> Result<Option<ExprKind>, Stopped> {
        Ok(match &expr.kind {
            ExprKind::Binary(operation, left, right) => {
                let Some(left) = self.fold(left)? else { return Ok(None) };
                let Some(right) = self.fold(right)? else { return Ok(None) };
                binary(*operation, &left, &right).map_err(|trap| trapped(trap, expr))?.map(constant_kind)
            }
            // AND is decided by a left 0, OR by a left 1.
            ExprKind::And(left, right) | ExprKind::Or(left, right) => {
                let decides = i64::from(matches!(expr.kind, ExprKind::Or(..)));
                match self.single(left)? {
                    Some(Constant::Word(word)) if word == decides => Some(ExprKind::Word(word)),
                    Some(_) => self.kind(right)?,
                    None => None,
                }
            }
            ExprKind::Coalesce(optional, value) => match self.kind(optional)? {
                Some(ExprKind::Zero) => self.kind(value)?,
                Some(ExprKind::Some(value)) => Some(value.kind),
                _ => None,
            },
            ExprKind::If(condition, then, otherwise) => match self.single(condition)? {
                Some(Constant::Word(0)) => self.kind(otherwise)?,
                Some(_) => self.kind(then)?,
                None => None,
            },
            ExprKind::Item(list, index) => {
                let Some(list) = self.kind(list)? else { return Ok(None) };
                let (Some(items), Some(Constant::Word(at))) = (natives::items(&list), self.single(index)?)
                else {
                    return Ok(None);
                };
                let item = usize::try_from(at).ok().and_then(|at| items.get(at));
                Some(item.ok_or_else(|| trapped(TrapCode::IndexOutOfRange, expr))?.kind.clone())
            }
            ExprKind::Find(map, key) => {
                let (Some(map), Some(key)) = (self.kind(map)?, self.fold(key)?) else { return Ok(None) };
                natives::entries(&map).map(|entries| natives::found(&entries, &key))
            }
            ExprKind::Length(whole) => self.kind(whole)?.and_then(|whole| length(&whole)).map(ExprKind::Word),
            ExprKind::Text(value) => {
                let (constant, ty) = (self.single(value)?, value.ty);
                let text = constant.zip(ty).and_then(|(constant, ty)| text(&constant, ty, self.types));
                text.map(ExprKind::String)
            }
            ExprKind::Concat(parts) => self.concat(parts, expr)?.map(ExprKind::String),
            _ => None,
        })
    }

    fn concat(&self, parts: &[Expr], expr: &Expr) -> Result<Option<SmolStr>, Stopped> {
        let mut whole = String::new();
        for part in parts {
            let Some(Constant::String(text)) = self.single(part)? else { return Ok(None) };
            if whole.len().saturating_add(text.len()) > MAX_TEXT {
                return Err(trapped(TrapCode::TooLong, expr));
            }
            self.work.take(text.len()).map_err(|why| stopped(why, expr))?;
            whole.push_str(&text);
        }
        Ok(Some(whole.into()))
    }

    fn all(&self, parts: &[Expr]) -> Result<Option<Vec<Expr>>, Stopped> {
        parts.iter().map(|part| self.fold(part)).collect()
    }

    fn kind(&self, expr: &Expr) -> Result<Option<ExprKind>, Stopped> {
        Ok(self.fold(expr)?.map(|value| value.kind))
    }

    /// The value, if it is a single one.
    fn single(&self, expr: &Expr) -> Result<Option<Constant>, Stopped> {
        Ok(self.kind(expr)?.and_then(constant))
    }
}

fn stopped(why: Why, expr: &Expr) -> Stopped {
    Stopped { why, at: expr.span }
}

fn trapped(trap: TrapCode, expr: &Expr) -> Stopped {
    stopped(Why::Trap(trap), expr)
}

/// How many items or entries there are.
fn length(whole: &ExprKind) -> Option<i64> {
    let count = natives::items(whole)
        .map(<[Expr]>::len)
        .or_else(|| natives::entries(whole).map(|entries| entries.len()))?;
    i64::try_from(count).ok()
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

fn binary(operation: Operation, left: &Expr, right: &Expr) -> Result<Option<Constant>, TrapCode> {
    if let Operation::Compare(comparison) = operation {
        return Ok(compare(comparison, left, right).map(|holds| Constant::Word(i64::from(holds))));
    }
    match (&left.kind, &right.kind) {
        (ExprKind::Word(left), ExprKind::Word(right)) => words(operation, *left, *right),
        (ExprKind::Float(left), ExprKind::Float(right)) => floats(operation, *left, *right),
        (ExprKind::Word(word), ExprKind::Float(float)) | (ExprKind::Float(float), ExprKind::Word(word)) => {
            scaled(operation, *word, *float)
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

fn compare(comparison: Comparison, left: &Expr, right: &Expr) -> Option<bool> {
    Some(match comparison {
        Comparison::Equal => natives::equal(left, right),
        Comparison::NotEqual => !natives::equal(left, right),
        Comparison::Less => natives::order(left, right)?.is_lt(),
        Comparison::LessEqual => natives::order(left, right)?.is_le(),
        Comparison::Greater => natives::order(left, right)?.is_gt(),
        Comparison::GreaterEqual => natives::order(left, right)?.is_ge(),
    })
}
