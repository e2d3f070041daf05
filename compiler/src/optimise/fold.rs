//! Constant folding. Arithmetic is that of [`swarm_bytecode::numeric`], so it cannot come out otherwise than
//! in a run; what would trap stays as it is.

use std::collections::BTreeMap;

use smol_str::SmolStr;
use swarm_bytecode::numeric;
use swarm_bytecode::quantity;
use swarm_bytecode::types::TypeId;
use swarm_grammar::span::Span;

use super::quiet::Quiet;
use super::rewrite::every_expr;
use crate::code::walk::{Part, root, walk};
use crate::typed::{
    BinaryOperation, Comparison, Expr, ExprKind, Function, LocalId, Statement, StatementKind, UnaryOperation,
};

/// A constant.
#[derive(Debug, Clone, PartialEq)]
enum Constant {
    Word(i64),
    Float(f64),
    Text(SmolStr),
}

/// Computes what can be computed now. LETs that are never assigned count with their constants.
pub(super) fn fold(function: &mut Function, quiet: &Quiet) {
    let mut folder = Folder { quiet, known: BTreeMap::new() };
    // A constant of one LET may make another one constant.
    loop {
        let before = folder.known.len();
        every_expr(&mut function.body, &mut |expr| folder.expr(expr));
        folder.learn(&function.body);
        if folder.known.len() == before {
            break;
        }
    }
}

struct Folder<'q> {
    quiet: &'q Quiet,
    known: BTreeMap<LocalId, Constant>,
}

impl Folder<'_> {
    /// Notes the locals that are constants.
    fn learn(&mut self, body: &[Statement]) {
        let mut assigned = Vec::new();
        let mut found = Vec::new();
        walk(body, &mut |part| {
            let Part::Statement(statement) = part else { return };
            match &statement.kind {
                StatementKind::Assign { place, .. } => assigned.extend(root(place)),
                StatementKind::Let { local, value } => {
                    found.extend(constant(value).map(|value| (*local, value)))
                }
                _ => {}
            }
        });
        self.known.extend(found.into_iter().filter(|(local, _)| !assigned.contains(local)));
    }

    fn constant(&self, expr: &Expr) -> Option<Constant> {
        match expr.kind {
            ExprKind::Local(local) => self.known.get(&local).cloned(),
            _ => constant(expr),
        }
    }

    fn word(&self, expr: &Expr) -> Option<i64> {
        if let Some(Constant::Word(value)) = self.constant(expr) { Some(value) } else { None }
    }

    fn expr(&self, expr: &mut Expr) {
        let ty = expr.ty;
        let new = match &mut expr.kind {
            ExprKind::Unary(operation, value) => self.unary(*operation, value, ty),
            ExprKind::Binary(operation, left, right) => {
                let same = self.neutral(*operation, left, right).filter(|same| same.ty == ty);
                same.or_else(|| self.binary(*operation, left, right, ty))
            }
            ExprKind::And(left, right) => self.either(left, right, 0),
            ExprKind::Or(left, right) => self.either(left, right, 1),
            ExprKind::If(condition, then, otherwise) => {
                self.word(condition).map(|holds| Expr::clone(if holds == 0 { otherwise } else { then }))
            }
            ExprKind::Coalesce(optional, otherwise) => match &optional.kind {
                ExprKind::Some(value) => Some(Expr::clone(value)),
                ExprKind::Zero => Some(Expr::clone(otherwise)),
                _ => None,
            },
            ExprKind::Length(items) => self.length(items).map(|length| made(Constant::Word(length), ty)),
            ExprKind::Field(record, index) => self.field(record, *index),
            ExprKind::Text(value) => self.text(value).map(|text| made(Constant::Text(text), ty)),
            ExprKind::Concat(parts) => {
                concat(parts);
                match parts.as_slice() {
                    [part] if part.ty == Some(TypeId::STRING) => Some(part.clone()),
                    _ => None,
                }
            }
            _ => None,
        };
        if let Some(new) = new {
            // A part that takes its whole's place still traps where it stands in the text.
            let span = if constant(&new).is_some() { expr.span } else { new.span };
            *expr = Expr { span, ..new };
        }
    }

    fn unary(&self, operation: UnaryOperation, value: &Expr, ty: Option<TypeId>) -> Option<Expr> {
        if let (UnaryOperation::Not, ExprKind::Unary(UnaryOperation::Not, inner)) = (operation, &value.kind) {
            return Some(Expr::clone(inner));
        }
        use Constant::{Float, Word};
        let result = match (operation, self.constant(value)?) {
            (UnaryOperation::NegateWord, Word(value)) => Word(numeric::negate(value).ok()?),
            (UnaryOperation::NegateFloat, Float(value)) => Float(-value),
            (UnaryOperation::Not, Word(value)) => Word(i64::from(value == 0)),
            (UnaryOperation::WordToFloat, Word(value)) => Float(numeric::int_to_float(value)),
            (UnaryOperation::PercentToFloat, Word(value)) => Float(numeric::percent_to_float(value)),
            _ => return None,
        };
        Some(made(result, ty))
    }

    fn binary(
        &self,
        operation: BinaryOperation,
        left: &Expr,
        right: &Expr,
        ty: Option<TypeId>,
    ) -> Option<Expr> {
        use BinaryOperation as B;
        use Constant::{Float, Word};
        let (left, right) = (self.constant(left)?, self.constant(right)?);
        let result = match (operation, left, right) {
            (B::Compare(comparison), left, right) => Ok(Word(i64::from(compare(comparison, &left, &right)?))),
            (B::AddWord, Word(left), Word(right)) => numeric::add(left, right).map(Word),
            (B::SubtractWord, Word(left), Word(right)) => numeric::subtract(left, right).map(Word),
            (B::MultiplyWord, Word(left), Word(right)) => numeric::multiply(left, right).map(Word),
            (B::DivideWord, Word(left), Word(right)) => numeric::divide(left, right).map(Word),
            (B::ModuloWord, Word(left), Word(right)) => numeric::modulo(left, right).map(Word),
            (B::Product(divisor), Word(left), Word(right)) => {
                numeric::product(left, right, divisor).map(Word)
            }
            (B::Quotient(factor), Word(left), Word(right)) => {
                numeric::quotient(left, factor, right).map(Word)
            }
            (B::Scale, Word(value), Float(factor)) | (B::Scale, Float(factor), Word(value)) => {
                numeric::scale(value, factor).map(Word)
            }
            (B::Unscale, Word(value), Float(divisor)) => numeric::unscale(value, divisor).map(Word),
            (B::Ratio, Word(left), Word(right)) => numeric::ratio(left, right).map(Float),
            (B::AddFloat, Float(left), Float(right)) => numeric::add_float(left, right).map(Float),
            (B::SubtractFloat, Float(left), Float(right)) => numeric::subtract_float(left, right).map(Float),
            (B::MultiplyFloat, Float(left), Float(right)) => numeric::multiply_float(left, right).map(Float),
            (B::DivideFloat, Float(left), Float(right)) => numeric::divide_float(left, right).map(Float),
            _ => return None,
        };
        result.ok().map(|result| made(result, ty))
    }

    /// An operation that gives one of its operands, if that has the type of the result.
    fn neutral(&self, operation: BinaryOperation, left: &Expr, right: &Expr) -> Option<Expr> {
        use BinaryOperation as B;
        match (operation, self.word(left), self.word(right)) {
            (B::AddWord | B::SubtractWord, _, Some(0)) | (B::MultiplyWord | B::DivideWord, _, Some(1)) => {
                Some(left.clone())
            }
            (B::AddWord, Some(0), _) | (B::MultiplyWord, Some(1), _) => Some(right.clone()),
            (B::Product(whole), _, Some(part)) if part == whole => Some(left.clone()),
            _ => None,
        }
    }

    /// AND, whose deciding value is 0, and OR, whose is 1.
    fn either(&self, left: &Expr, right: &Expr, deciding: i64) -> Option<Expr> {
        match (self.word(left), self.word(right)) {
            (Some(value), _) => Some(if value == deciding { left.clone() } else { right.clone() }),
            (_, Some(value)) if value != deciding => Some(left.clone()),
            (_, Some(_)) if self.quiet.expr(left) => Some(right.clone()),
            _ => None,
        }
    }

    fn length(&self, items: &Expr) -> Option<i64> {
        match &items.kind {
            ExprKind::Zero => Some(0),
            ExprKind::List(parts) if parts.iter().all(|part| self.quiet.expr(part)) => {
                i64::try_from(parts.len()).ok()
            }
            _ => None,
        }
    }

    /// A field of a record that is made only for it.
    fn field(&self, record: &Expr, index: u8) -> Option<Expr> {
        let ExprKind::Record(values) = &record.kind else { return None };
        let quiet = values.iter().all(|value| self.quiet.expr(value));
        values.get(usize::from(index)).filter(|_| quiet).cloned()
    }

    /// As JSON output prints it, without quotes.
    fn text(&self, value: &Expr) -> Option<SmolStr> {
        let ty = value.ty?;
        match self.constant(value)? {
            Constant::Text(text) => Some(text),
            Constant::Word(word) if ty.0 < TypeId::BUILTIN_COUNT => Some(quantity::format(ty, word).into()),
            Constant::Float(float) if ty == TypeId::FLOAT => Some(quantity::format_float(float).into()),
            _ => None,
        }
    }
}

/// Puts constants that stand side by side together.
fn concat(parts: &mut Vec<Expr>) {
    let mut joined: Vec<Expr> = Vec::with_capacity(parts.len());
    for part in parts.drain(..) {
        let text = if let Some(Constant::Text(text)) = constant(&part) { Some(text) } else { None };
        match (joined.last_mut().map(|last| &mut last.kind), text) {
            (_, Some(text)) if text.is_empty() => {}
            (Some(ExprKind::String(before)), Some(text)) => *before = format!("{before}{text}").into(),
            _ => joined.push(part),
        }
    }
    *parts = joined;
}

/// The constant an expression is.
fn constant(expr: &Expr) -> Option<Constant> {
    match &expr.kind {
        ExprKind::Word(value) => Some(Constant::Word(*value)),
        ExprKind::Float(value) => Some(Constant::Float(*value)),
        ExprKind::String(text) => Some(Constant::Text(text.clone())),
        _ => None,
    }
}

/// A constant as an expression; its place is that of what it takes the place of.
fn made(constant: Constant, ty: Option<TypeId>) -> Expr {
    let kind = match constant {
        Constant::Word(value) => ExprKind::Word(value),
        Constant::Float(value) => ExprKind::Float(value),
        Constant::Text(text) => ExprKind::String(text),
    };
    Expr { kind, ty, span: Span::default() }
}

/// Whether a comparison of two constants holds; texts are compared by code point.
fn compare(comparison: Comparison, left: &Constant, right: &Constant) -> Option<bool> {
    let order = match (left, right) {
        (Constant::Word(left), Constant::Word(right)) => left.cmp(right),
        (Constant::Float(left), Constant::Float(right)) => left.partial_cmp(right)?,
        (Constant::Text(left), Constant::Text(right)) => left.as_bytes().cmp(right.as_bytes()),
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
