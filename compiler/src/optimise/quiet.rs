//! What can be left out, moved or done twice without anyone noticing: what has no effect and cannot trap.

use swarm_bytecode::native::NativeFunction;
use swarm_bytecode::types::TypeId;

use crate::code::walk::any;
use crate::typed::{
    Aggregate, BinaryOperation, Expr, ExprKind, Function, FunctionIndex, Iteration, Source, Statement,
    StatementKind, UnaryOperation,
};

/// Which functions of a program only compute, and never trap.
#[derive(Debug)]
pub(super) struct Quiet {
    functions: Vec<bool>,
}

impl Quiet {
    /// Before any function is known.
    pub(super) fn none_of(functions: usize) -> Quiet {
        Quiet { functions: vec![false; functions] }
    }

    /// Looks at a function whose callees are known. One that may come back to itself is not quiet: how deep
    /// that goes is limited.
    pub(super) fn learn(&mut self, index: FunctionIndex, function: &Function, recursive: bool) {
        let only_computes = !recursive && self.body(&function.body);
        if let Some(known) = self.functions.get_mut(index.0 as usize) {
            *known = only_computes;
        }
    }

    fn body(&self, body: &[Statement]) -> bool {
        body.iter().all(|statement| match &statement.kind {
            StatementKind::Let { value, .. } | StatementKind::Return(Some(value)) => self.expr(value),
            StatementKind::Return(None) => true,
            StatementKind::If { condition, then, otherwise } => {
                self.expr(condition) && self.body(then) && self.body(otherwise)
            }
            _ => false,
        })
    }

    fn all(&self, parts: &[Expr]) -> bool {
        parts.iter().all(|part| self.expr(part))
    }

    /// Whether evaluating `expr` has no effect and cannot trap. What it gives may depend on STATE variables
    /// and metrics: see [`is_fixed`].
    pub(super) fn expr(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Word(_)
            | ExprKind::Float(_)
            | ExprKind::String(_)
            | ExprKind::Zero
            | ExprKind::Local(_)
            | ExprKind::Input(_)
            | ExprKind::Context(_)
            | ExprKind::Metric(_)
            | ExprKind::State(_)
            | ExprKind::Quantile(..)
            | ExprKind::Mean(_) => true,
            ExprKind::Unary(UnaryOperation::NegateWord, _) => false,
            ExprKind::Unary(_, value)
            | ExprKind::Field(value, _)
            | ExprKind::Length(value)
            | ExprKind::Some(value) => self.expr(value),
            ExprKind::Binary(operation, left, right) => {
                cannot_trap(*operation, right) && self.expr(left) && self.expr(right)
            }
            ExprKind::And(left, right)
            | ExprKind::Or(left, right)
            | ExprKind::Coalesce(left, right)
            | ExprKind::Find(left, right) => self.expr(left) && self.expr(right),
            ExprKind::If(condition, then, otherwise) => {
                self.expr(condition) && self.expr(then) && self.expr(otherwise)
            }
            ExprKind::Record(parts) | ExprKind::List(parts) | ExprKind::Case(_, parts) => self.all(parts),
            ExprKind::Native(native, arguments) => {
                native.function().is_some_and(never_traps) && self.all(arguments)
            }
            ExprKind::Call(function, arguments) => self.function(*function) && self.all(arguments),
            // A number, bool or quantity has a short text.
            ExprKind::Text(value) => {
                value.ty.is_some_and(|ty| ty.0 < TypeId::BUILTIN_COUNT) && self.expr(value)
            }
            ExprKind::Aggregate {
                aggregate:
                    Aggregate::Count | Aggregate::Any | Aggregate::All | Aggregate::Min | Aggregate::Max,
                iteration,
                value,
            } => self.iteration(iteration) && value.as_ref().is_none_or(|value| self.expr(value)),
            ExprKind::Item(..)
            | ExprKind::Map(_)
            | ExprKind::Concat(_)
            | ExprKind::Host(..)
            | ExprKind::Aggregate { .. }
            | ExprKind::Top { .. } => false,
        }
    }

    /// The same of going over something.
    pub(super) fn iteration(&self, iteration: &Iteration) -> bool {
        let source = match &iteration.source {
            Source::List(items) | Source::Map(items, _) => self.expr(items),
            Source::Range(first, last) => self.expr(first) && self.expr(last),
        };
        source && iteration.filter.as_ref().is_none_or(|filter| self.expr(filter))
    }

    fn function(&self, function: FunctionIndex) -> bool {
        self.functions.get(function.0 as usize).copied().unwrap_or(false)
    }
}

/// Whether an operation on whatever left operand and this right one cannot trap.
fn cannot_trap(operation: BinaryOperation, right: &Expr) -> bool {
    let constant = if let ExprKind::Word(value) = right.kind { Some(value) } else { None };
    match (operation, constant) {
        (BinaryOperation::Compare(_), _) => true,
        (BinaryOperation::DivideWord, Some(divisor)) => divisor != 0 && divisor != -1,
        (BinaryOperation::ModuloWord | BinaryOperation::Ratio, Some(divisor)) => divisor != 0,
        // No more than the whole.
        (BinaryOperation::Product(whole), Some(part)) => (0..=whole).contains(&part),
        (BinaryOperation::Quotient(factor), Some(divisor)) => factor > 0 && divisor >= factor,
        _ => false,
    }
}

fn never_traps(native: NativeFunction) -> bool {
    use NativeFunction as N;
    matches!(
        native,
        N::Minimum
            | N::Maximum
            | N::Clamp
            | N::ToFloat
            | N::Near
            | N::BitAnd
            | N::BitOr
            | N::BitXor
            | N::BitNot
            | N::TextLength
            | N::Trim
            | N::StartsWith
            | N::EndsWith
            | N::TextContains
            | N::TextLeft
            | N::TextRight
            | N::TextIndexOf
            | N::ParseInt
            | N::ParseFloat
            | N::Get
            | N::First
            | N::Last
            | N::ListContains
            | N::ListIndexOf
            | N::Has
            | N::Year
            | N::Month
            | N::Day
            | N::Hour
            | N::Minute
            | N::Second
            | N::Weekday
            | N::Seconds
    )
}

/// Whether a quiet expression gives the same throughout an activation, as long as the locals in it do.
pub(super) fn is_fixed(expr: &Expr) -> bool {
    !any(expr, &|part| {
        matches!(
            part.kind,
            ExprKind::Metric(_)
                | ExprKind::State(_)
                | ExprKind::Quantile(..)
                | ExprKind::Mean(_)
                | ExprKind::Call(..)
                | ExprKind::Host(..)
        )
    })
}
