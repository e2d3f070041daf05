//! Conditions: comparisons, AND, OR, NOT, and the blocks they open.

use swarm_bytecode::op::{Op, Register};
use swarm_bytecode::types::{Class, Type, TypeId};

use super::function::{Generator, Hold, Step, Value};
use crate::bound::sum::Sum;
use crate::typed::{BinaryOperation, Comparison, Expr, ExprKind, UnaryOperation};

/// A condition with many parts is computed first where it would open more blocks than this; code may have 64.
const MAX_OPEN: usize = 24;

impl Generator<'_, '_> {
    /// Opens `if`s whose innermost arm runs if `condition` is `wanted`, and says how many: as many `end`s close
    /// them. There is no arm for the other case.
    pub(crate) fn open(&mut self, condition: &Expr, wanted: bool) -> Step<usize> {
        let mut parts = Vec::new();
        conjunction(condition, wanted, &mut parts);
        if self.emitter.nesting().saturating_add(parts.len()) > MAX_OPEN {
            parts = vec![(condition, wanted)];
        }
        for (part, wanted) in &parts {
            let (truth, inverted) = self.truth(part, *wanted)?;
            self.emit(Op::If { condition: truth.register });
            self.release(truth);
            if inverted {
                self.emit(Op::Else {});
            }
        }
        Ok(parts.len())
    }

    /// Closes what [`Generator::open`] opened.
    pub(crate) fn close(&mut self, opened: usize) {
        for _ in 0..opened {
            self.emit(Op::End {});
        }
    }

    /// Opens one `if`. Says whether its arms change places: the first one runs if `condition` does not hold.
    pub(crate) fn open_single(&mut self, condition: &Expr) -> Step<bool> {
        let (truth, inverted) = self.truth(condition, true)?;
        self.emit(Op::If { condition: truth.register });
        self.release(truth);
        Ok(inverted)
    }

    /// Whether `condition` is `wanted`, in a register; or, if the second result says so, whether it is not.
    pub(crate) fn truth(&mut self, condition: &Expr, wanted: bool) -> Step<(Value, bool)> {
        match &condition.kind {
            ExprKind::Unary(UnaryOperation::Not, inner) => self.truth(inner, !wanted),
            ExprKind::Binary(BinaryOperation::Compare(comparison), left, right) => {
                let comparison = if wanted { *comparison } else { inverse(*comparison) };
                self.compare(comparison, left, right, None)
            }
            _ => Ok((self.operand(condition)?, !wanted)),
        }
    }

    /// AND or OR as a value.
    pub(crate) fn short_circuit(&mut self, expr: &Expr, result: Register) -> Step<()> {
        let (ExprKind::And(left, right) | ExprKind::Or(left, right)) = &expr.kind else { return Ok(()) };
        self.put(left, result, Hold::Borrow)?;
        self.emit(Op::If { condition: result });
        if matches!(expr.kind, ExprKind::Or(..)) {
            self.emit(Op::Else {});
        }
        self.put(right, result, Hold::Borrow)?;
        self.emit(Op::End {});
        Ok(())
    }

    /// Compares into `result`, or into a temporary register where none is given. The second result says whether
    /// the answer is the opposite of what was asked.
    pub(crate) fn compare(
        &mut self,
        comparison: Comparison,
        left: &Expr,
        right: &Expr,
        result: Option<Register>,
    ) -> Step<(Value, bool)> {
        if let Some((present, inverted)) = self.compare_with_none(comparison, left, right, result)? {
            return Ok((present, inverted));
        }
        if let Some((case, inverted)) = self.compare_with_case(comparison, left, right, result)? {
            return Ok((case, inverted));
        }
        let class = self.class_of(left);
        let text = (class == Class::String).then(|| self.shorter(left, right));
        let ty = self.wider(self.type_of(left), self.type_of(right));
        let several = matches!(class, Class::List | Class::Map);
        let left = if several { self.operand_typed(left, ty)? } else { self.operand(left)? };
        let right = if several { self.operand_typed(right, ty)? } else { self.operand(right)? };
        self.release(left);
        self.release(right);
        let result = match result {
            Some(register) => Value { register, temporary: false },
            None => self.temporary_value(TypeId::BOOL)?,
        };
        let (op, inverted) = comparison_op(comparison, class, result.register, left.register, right.register);
        let at = self.emit(op);
        self.note_text(at, text);
        Ok((result, inverted))
    }

    /// How much of two texts is looked at: no more than the shorter has.
    fn shorter(&mut self, left: &Expr, right: &Expr) -> Sum {
        let (left, right) = (self.text(left), self.text(right));
        match (left.as_constant(), right.as_constant()) {
            (Some(here), Some(there)) => Sum::constant(here.min(there)),
            (None, Some(_)) => right,
            _ => left,
        }
    }

    /// Of two types of lists or maps with the same items, the one that admits more.
    fn wider(&self, left: TypeId, right: TypeId) -> TypeId {
        match (self.program.ty(left), self.program.ty(right)) {
            (Some(Type::List { max: Some(here), .. }), Some(Type::List { max, .. }))
            | (Some(Type::Map { max: Some(here), .. }), Some(Type::Map { max, .. })) => {
                if max.is_none_or(|there| there > *here) { right } else { left }
            }
            _ => left,
        }
    }

    /// `x == low` for a case without payload, which need not be made to compare with it.
    fn compare_with_case(
        &mut self,
        comparison: Comparison,
        left: &Expr,
        right: &Expr,
        result: Option<Register>,
    ) -> Step<Option<(Value, bool)>> {
        let (case, value) = match (&left.kind, &right.kind) {
            (_, ExprKind::Case(case, payload)) if payload.is_empty() => (*case, left),
            (ExprKind::Case(case, payload), _) if payload.is_empty() => (*case, right),
            _ => return Ok(None),
        };
        let value = self.operand(value)?;
        self.release(value);
        let found = self.temporary_value(TypeId::INT)?;
        self.emit(Op::Case { result: found.register, value: value.register });
        let wanted = self.temporary_value(TypeId::INT)?;
        self.word(wanted.register, i64::from(case));
        self.release(found);
        self.release(wanted);
        let result = match result {
            Some(register) => Value { register, temporary: false },
            None => self.temporary_value(TypeId::BOOL)?,
        };
        let (left, right) = (found.register, wanted.register);
        let (op, inverted) = comparison_op(comparison, Class::Word, result.register, left, right);
        self.emit(op);
        Ok(Some((result, inverted)))
    }

    /// `x == NONE` and `x != NONE`, which need no value to compare with.
    fn compare_with_none(
        &mut self,
        comparison: Comparison,
        left: &Expr,
        right: &Expr,
        result: Option<Register>,
    ) -> Step<Option<(Value, bool)>> {
        let optional = match (&left.kind, &right.kind) {
            _ if self.class_of(left) != Class::Optional => return Ok(None),
            (_, ExprKind::Zero) => left,
            (ExprKind::Zero, _) => right,
            _ => return Ok(None),
        };
        let inverted = match comparison {
            Comparison::Equal => true,
            Comparison::NotEqual => false,
            _ => return Ok(None),
        };
        let present = self.presence(optional, result)?;
        Ok(Some((present, inverted)))
    }
}

/// Takes a condition apart into parts that must all come out as said.
pub(crate) fn conjunction<'e>(condition: &'e Expr, wanted: bool, parts: &mut Vec<(&'e Expr, bool)>) {
    match (&condition.kind, wanted) {
        (ExprKind::Unary(UnaryOperation::Not, inner), _) => conjunction(inner, !wanted, parts),
        (ExprKind::And(left, right), true) | (ExprKind::Or(left, right), false) => {
            conjunction(left, wanted, parts);
            conjunction(right, wanted, parts);
        }
        (ExprKind::Word(value), _) if (*value != 0) == wanted => {}
        _ => parts.push((condition, wanted)),
    }
}

/// The comparison that holds where this one does not. Floats are finite, so this is true of them too.
fn inverse(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Equal => Comparison::NotEqual,
        Comparison::NotEqual => Comparison::Equal,
        Comparison::Less => Comparison::GreaterEqual,
        Comparison::LessEqual => Comparison::Greater,
        Comparison::Greater => Comparison::LessEqual,
        Comparison::GreaterEqual => Comparison::Less,
    }
}

/// The op of a comparison; `true` where it answers the opposite.
pub(crate) fn comparison_op(
    comparison: Comparison,
    class: Class,
    result: Register,
    left: Register,
    right: Register,
) -> (Op, bool) {
    use Comparison::{Equal, Greater, GreaterEqual, Less, LessEqual, NotEqual};
    let (left, right, comparison) = match comparison {
        Greater => (right, left, Less),
        GreaterEqual => (right, left, LessEqual),
        other => (left, right, other),
    };
    match (class, comparison) {
        (Class::Word | Class::Bool, Equal) => (Op::EqInt { result, left, right }, false),
        (Class::Word | Class::Bool, NotEqual) => (Op::NeInt { result, left, right }, false),
        (Class::Word | Class::Bool, Less) => (Op::LtInt { result, left, right }, false),
        (Class::Word | Class::Bool, _) => (Op::LeInt { result, left, right }, false),
        (Class::Float, Equal) => (Op::EqFloat { result, left, right }, false),
        (Class::Float, NotEqual) => (Op::NeFloat { result, left, right }, false),
        (Class::Float, Less) => (Op::LtFloat { result, left, right }, false),
        (Class::Float, _) => (Op::LeFloat { result, left, right }, false),
        (Class::String, Less) => (Op::LtString { result, left, right }, false),
        (Class::String, Equal | NotEqual) => (Op::EqString { result, left, right }, comparison == NotEqual),
        (Class::String, _) => (Op::LeString { result, left, right }, false),
        // A secret is never compared: neither the checker nor the verifier admits it.
        (Class::List | Class::Record | Class::Optional | Class::Enum | Class::Map | Class::Secret, _) => {
            (Op::EqValue { result, left, right }, comparison == NotEqual)
        }
    }
}
