//! How great lists and whole numbers are at most, as far as the program shows it: the ground of the bound.

use swarm_bytecode::types::{Class, Type, TypeId};

use super::function::Generator;
use crate::bound::sum::{Size, Sum, Symbol, Unbounded, either, plus, times};
use crate::typed::{Aggregate, BinaryOperation, Expr, ExprKind, Source, UnaryOperation};

/// Causes of what is unbounded, in the words of the language.
const NO_MAX: &str = "nothing says how many items this list has: give its type a MAX";
const NOT_KNOWN: &str = "this number is known only when the program runs";

impl Generator<'_, '_> {
    /// Most items of a list, or the greatest value of a whole number (0 where it is below). Of other types
    /// nothing is said.
    pub(crate) fn size(&self, expr: &Expr) -> Size {
        match self.class_of(expr) {
            Class::List => self.length(expr),
            Class::Word => self.greatest(expr),
            _ => Err(unknown(expr, "its size is not followed")),
        }
    }

    /// Most items of a list of this type.
    pub(crate) fn size_of_type(&self, ty: TypeId) -> Size {
        match self.program.ty(ty) {
            Some(Type::List { max: Some(max), .. }) => Ok(Sum::constant(u64::from(*max))),
            Some(Type::List { max: None, .. }) => {
                Err(Unbounded { span: self.statement, reason: NO_MAX.into() })
            }
            _ => Err(Unbounded { span: self.statement, reason: NOT_KNOWN.into() }),
        }
    }

    fn length(&self, list: &Expr) -> Size {
        let known = match &list.kind {
            ExprKind::Input(input) => Ok(Sum::symbol(Symbol::Input(self.tables.input(*input)))),
            ExprKind::List(items) => Ok(Sum::constant(u64::try_from(items.len()).unwrap_or(u64::MAX))),
            ExprKind::Zero => Ok(Sum::zero()),
            ExprKind::Local(local) if !self.replaced.contains(local) => self.home(*local).size,
            ExprKind::If(_, then, otherwise) => either(self.length(then), &self.length(otherwise)),
            _ => Err(unknown(list, NO_MAX)),
        };
        known.or_else(|cause| {
            let by_type = list.ty.map(|ty| self.size_of_type(ty));
            by_type.and_then(Result::ok).ok_or(cause)
        })
    }

    fn greatest(&self, number: &Expr) -> Size {
        match &number.kind {
            ExprKind::Word(value) => Ok(Sum::constant(u64::try_from(*value).unwrap_or(0))),
            ExprKind::Zero => Ok(Sum::zero()),
            ExprKind::Unary(UnaryOperation::NegateWord, value)
                if matches!(value.kind, ExprKind::Word(0..)) =>
            {
                Ok(Sum::zero())
            }
            ExprKind::Local(local) if !self.replaced.contains(local) => self.home(*local).size,
            ExprKind::Length(list) => self.length(list),
            ExprKind::If(_, then, otherwise) => either(self.greatest(then), &self.greatest(otherwise)),
            ExprKind::Aggregate { aggregate: Aggregate::Count, iteration, .. } => match &iteration.source {
                Source::List(list) => self.length(list),
                Source::Range(..) => Err(unknown(number, NOT_KNOWN)),
            },
            ExprKind::Binary(operation, left, right) => self.greatest_of(*operation, left, right, number),
            _ => Err(unknown(number, NOT_KNOWN)),
        }
    }

    fn greatest_of(&self, operation: BinaryOperation, left: &Expr, right: &Expr, number: &Expr) -> Size {
        let constant = |side: &Expr| {
            if let ExprKind::Word(value) = side.kind { u64::try_from(value).ok() } else { None }
        };
        match (operation, constant(left), constant(right)) {
            (BinaryOperation::AddWord, ..) => plus(self.greatest(left), &self.greatest(right)),
            (BinaryOperation::SubtractWord, _, Some(value)) => Ok(self.greatest(left)?.minus_constant(value)),
            (BinaryOperation::MultiplyWord, Some(factor), _) => {
                times(&Ok(Sum::constant(factor)), &self.greatest(right), number.span)
            }
            (BinaryOperation::MultiplyWord, _, Some(factor)) => {
                times(&self.greatest(left), &Ok(Sum::constant(factor)), number.span)
            }
            (BinaryOperation::DivideWord, _, Some(1..)) => self.greatest(left),
            (BinaryOperation::ModuloWord, _, Some(divisor @ 1..)) => {
                Ok(Sum::constant(divisor.saturating_sub(1)))
            }
            _ => Err(unknown(number, NOT_KNOWN)),
        }
    }
}

/// The least value of a whole number, as far as it can be seen.
pub(crate) fn least(number: &Expr) -> Option<i64> {
    match &number.kind {
        ExprKind::Word(value) => Some(*value),
        ExprKind::Zero | ExprKind::Length(_) => Some(0),
        ExprKind::Unary(UnaryOperation::NegateWord, value) => match value.kind {
            ExprKind::Word(value) => value.checked_neg(),
            _ => None,
        },
        _ => None,
    }
}

/// The cause where a size is not known.
pub(crate) fn unknown(expr: &Expr, reason: &str) -> Unbounded {
    Unbounded { span: expr.span, reason: reason.into() }
}
