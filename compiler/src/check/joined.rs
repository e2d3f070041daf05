//! Texts put together with `+`, as in other languages: here values stand in braces inside the text.

use swarm_bytecode::types::TypeId;
use swarm_grammar::ast::{BinaryOperator, Expr, ExprKind};
use swarm_grammar::span::Span;

use super::body::Body;
use super::errors;

impl Body<'_, '_> {
    /// Reports a whole chain of `+` that has a text in quotes; says whether it was one. Its parts are checked.
    pub(crate) fn joined_texts(&mut self, left: &Expr, right: &Expr, span: Span) -> bool {
        let parts = chain(left, right);
        if !parts.iter().any(|part| matches!(part.kind, ExprKind::String(_))) {
            return false;
        }
        // What stands before the first text is a sum of its own: `n + 1 + " left"`.
        let (mut sum, mut seen) = (None, true);
        for (index, part) in parts.iter().enumerate() {
            let ty = self.expression(part, None).and_then(|part| part.ty);
            seen &= ty.is_none_or(|ty| self.unseen(part, ty, "put into a text").is_some());
            let text = ty.is_none_or(|ty| ty == TypeId::STRING);
            if text && sum.is_none() {
                sum = Some(index);
            }
        }
        if !seen {
            return true;
        }
        let text = self.one_text(&parts, sum.unwrap_or(0));
        self.report(errors::types::joined_texts(span, text));
        true
    }

    /// The text that the parts make together; the first `sum` of them are added up. None where a part cannot
    /// stand between braces.
    fn one_text(&self, parts: &[&Expr], sum: usize) -> Option<String> {
        let (numbers, rest) = parts.split_at_checked(sum)?;
        let mut joined = String::from("\"");
        if let (Some(first), Some(last)) = (numbers.first(), numbers.last()) {
            joined.push_str(&self.braced(first.span.to(last.span))?);
        }
        for part in rest {
            match part.kind {
                ExprKind::String(_) => {
                    let text = self.cx.source_text(part.span);
                    joined.push_str(text.strip_prefix('"')?.strip_suffix('"')?);
                }
                _ => joined.push_str(&self.braced(part.span)?),
            }
        }
        joined.push('"');
        Some(joined)
    }

    /// An expression between braces, if it can stand there.
    fn braced(&self, span: Span) -> Option<String> {
        let text = self.cx.source_text(span);
        (!text.contains(['"', '\'', '\n', '{', '}'])).then(|| format!("{{{text}}}"))
    }
}

/// The operands of a chain of `+`, from the left.
fn chain<'s>(left: &'s Expr, right: &'s Expr) -> Vec<&'s Expr> {
    let mut parts = vec![right];
    let mut rest = left;
    while let ExprKind::Binary(BinaryOperator::Add, _, left, right) = &rest.kind {
        parts.push(right);
        rest = left;
    }
    parts.push(rest);
    parts.reverse();
    parts
}
