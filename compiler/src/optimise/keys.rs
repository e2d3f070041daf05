//! Cheap expressions that give the same wherever they stand, by what they are: they can be computed once and
//! kept.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;
use swarm_bytecode::module::{ContextId, InputId};
use swarm_bytecode::types::TypeId;

use super::rewrite::{blocks_of, every_expr, exprs_of, parts_of};
use crate::code::walk::{Part, root, walk};
use crate::typed::{
    BinaryOperation, Comparison, Expr, ExprKind, Function, Iteration, Local, LocalId, Source, Statement,
    StatementKind, UnaryOperation,
};

/// What an expression is, without its place in the text. Its parts are constants, inputs, context values, and
/// locals that are never assigned.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    Word(i64, TypeId),
    Float(u64, TypeId),
    Text(SmolStr),
    Input(InputId),
    Context(ContextId),
    Local(LocalId),
    Field(Box<Key>, u8),
    Length(Box<Key>),
    /// By operation and type of the result.
    Unary(u8, Box<Key>, TypeId),
    Compare(u8, Box<Key>, Box<Key>),
}

impl Key {
    /// Whether an expression has a key, if those locals that are `fixed` are never assigned.
    pub(super) fn exists(expr: &Expr, fixed: &dyn Fn(LocalId) -> bool) -> bool {
        let made_of = match &expr.kind {
            ExprKind::Word(_)
            | ExprKind::Float(_)
            | ExprKind::String(_)
            | ExprKind::Input(_)
            | ExprKind::Context(_) => true,
            ExprKind::Local(local) => fixed(*local),
            ExprKind::Field(part, _) | ExprKind::Length(part) => Key::exists(part, fixed),
            ExprKind::Unary(operation, part) => unary(*operation).is_some() && Key::exists(part, fixed),
            ExprKind::Binary(BinaryOperation::Compare(_), left, right) => {
                Key::exists(left, fixed) && Key::exists(right, fixed)
            }
            _ => false,
        };
        made_of && expr.ty.is_some()
    }

    /// The key of an expression, if it is such a one.
    pub(super) fn of(expr: &Expr, written: &BTreeSet<LocalId>) -> Option<Key> {
        let ty = expr.ty?;
        let boxed = |part: &Expr| Key::of(part, written).map(Box::new);
        Some(match &expr.kind {
            ExprKind::Word(value) => Key::Word(*value, ty),
            ExprKind::Float(value) => Key::Float(value.to_bits(), ty),
            ExprKind::String(text) => Key::Text(text.clone()),
            ExprKind::Input(input) => Key::Input(*input),
            ExprKind::Context(context) => Key::Context(*context),
            ExprKind::Local(local) if !written.contains(local) => Key::Local(*local),
            ExprKind::Field(record, index) => Key::Field(boxed(record)?, *index),
            ExprKind::Length(items) => Key::Length(boxed(items)?),
            ExprKind::Unary(operation, value) => Key::Unary(unary(*operation)?, boxed(value)?, ty),
            ExprKind::Binary(BinaryOperation::Compare(comparison), left, right) => {
                Key::Compare(number(*comparison), boxed(left)?, boxed(right)?)
            }
            _ => return None,
        })
    }

    /// Whether it is the key of an expression.
    pub(super) fn is(&self, expr: &Expr, written: &BTreeSet<LocalId>) -> bool {
        let typed = |ty: &TypeId| expr.ty == Some(*ty);
        let same = match (self, &expr.kind) {
            (Key::Word(own, ty), ExprKind::Word(value)) => own == value && typed(ty),
            (Key::Float(own, ty), ExprKind::Float(value)) => *own == value.to_bits() && typed(ty),
            (Key::Text(own), ExprKind::String(text)) => own == text,
            (Key::Input(own), ExprKind::Input(input)) => own == input,
            (Key::Context(own), ExprKind::Context(context)) => own == context,
            (Key::Local(own), ExprKind::Local(local)) => own == local && !written.contains(local),
            (Key::Field(part, own), ExprKind::Field(record, index)) => {
                own == index && part.is(record, written)
            }
            (Key::Length(part), ExprKind::Length(items)) => part.is(items, written),
            (Key::Unary(own, part, ty), ExprKind::Unary(operation, value)) => {
                unary(*operation) == Some(*own) && typed(ty) && part.is(value, written)
            }
            (
                Key::Compare(own, first, second),
                ExprKind::Binary(BinaryOperation::Compare(comparison), left, right),
            ) => *own == number(*comparison) && first.is(left, written) && second.is(right, written),
            _ => false,
        };
        same && expr.ty.is_some()
    }

    /// Whether nothing is to be gained by keeping it: it is in a register already, or costs as much as a move.
    pub(super) fn is_free(&self) -> bool {
        matches!(self, Key::Local(_))
    }

    /// Whether it is a constant. FALSE and TRUE, which conditions are made of, are not: they cost nothing there.
    pub(super) fn is_constant(&self) -> bool {
        matches!(self, Key::Word(..) | Key::Float(..) | Key::Text(_))
    }

    /// Whether a part of it is such.
    pub(super) fn has_part(&self, such: &dyn Fn(&Key) -> bool) -> bool {
        let found = |part: &Key| such(part) || part.has_part(such);
        match self {
            Key::Field(part, _) | Key::Length(part) | Key::Unary(_, part, _) => found(part),
            Key::Compare(_, left, right) => found(left) || found(right),
            _ => false,
        }
    }
}

fn unary(operation: UnaryOperation) -> Option<u8> {
    match operation {
        UnaryOperation::NegateFloat => Some(0),
        UnaryOperation::Not => Some(1),
        UnaryOperation::WordToFloat => Some(2),
        UnaryOperation::PercentToFloat => Some(3),
        // It may trap.
        UnaryOperation::NegateWord => None,
    }
}

fn number(comparison: Comparison) -> u8 {
    match comparison {
        Comparison::Equal => 0,
        Comparison::NotEqual => 1,
        Comparison::Less => 2,
        Comparison::LessEqual => 3,
        Comparison::Greater => 4,
        Comparison::GreaterEqual => 5,
    }
}

/// Locals that are assigned, or a part of them.
pub(super) fn written(function: &Function) -> BTreeSet<LocalId> {
    let mut written = BTreeSet::new();
    walk(&function.body, &mut |part| {
        if let Part::Statement(Statement { kind: StatementKind::Assign { place, .. }, .. }) = part {
            written.extend(root(place));
        }
    });
    written
}

/// The locals that an iteration declares.
pub(super) fn declared(iteration: &Iteration, found: &mut Vec<LocalId>) {
    found.push(iteration.item);
    found.extend(iteration.index);
    if let Source::Map(_, key) = iteration.source {
        found.push(key);
    }
}

/// A new local for a value that is kept, and the LET that gives it its value. It has no name.
pub(super) fn keep(value: Expr, locals: &mut Vec<Local>) -> Option<(LocalId, Statement)> {
    let local = LocalId(u32::try_from(locals.len()).ok()?);
    let span = value.span;
    locals.push(Local { name: SmolStr::default(), ty: value.ty?, assigned: false, span });
    Some((local, Statement { kind: StatementKind::Let { local, value }, span }))
}

/// The locals in which expressions are kept.
pub(super) type Kept = Vec<(Key, LocalId)>;

/// Puts locals wherever what they keep stands in a statement or its blocks.
pub(super) fn put(statement: &mut Statement, kept: &[(Key, LocalId)], written: &BTreeSet<LocalId>) {
    exprs_of(statement, &mut |expr| replace(expr, kept, written));
    blocks_of(statement, &mut |block| {
        block.iter_mut().for_each(|statement| put(statement, kept, written));
    });
}

/// Puts locals wherever what they keep stands in an expression.
fn replace(expr: &mut Expr, kept: &[(Key, LocalId)], written: &BTreeSet<LocalId>) {
    if let Some((_, local)) = kept.iter().find(|(key, _)| key.is(expr, written)) {
        expr.kind = ExprKind::Local(*local);
        return;
    }
    if let ExprKind::Coalesce(optional, otherwise) = &mut expr.kind
        && is_constant(otherwise)
    {
        // It goes straight to where it is wanted.
        return replace(optional, kept, written);
    }
    parts_of(expr, &mut |part| replace(part, kept, written));
}

/// Whether an expression is a constant.
pub(super) fn is_constant(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Word(_) | ExprKind::Float(_) | ExprKind::String(_))
}

/// Reads a kept value where it was kept first: `LET b = a` of the compiler's own, neither of which is ever
/// assigned.
pub(super) fn forward(function: &mut Function, written: &BTreeSet<LocalId>) {
    let mut copies: BTreeMap<LocalId, LocalId> = BTreeMap::new();
    walk(&function.body, &mut |part| {
        if let Part::Statement(Statement { kind: StatementKind::Let { local, value }, .. }) = part
            && let ExprKind::Local(first) = value.kind
            && function.locals.get(local.0 as usize).is_some_and(|local| local.name.is_empty())
            && !written.contains(&first)
        {
            // The first may be a copy too; it comes before, so what it is a copy of is known.
            copies.insert(*local, copies.get(&first).copied().unwrap_or(first));
        }
    });
    every_expr(&mut function.body, &mut |expr| {
        if let ExprKind::Local(local) = &mut expr.kind
            && let Some(first) = copies.get(local)
        {
            *local = *first;
        }
    });
}
