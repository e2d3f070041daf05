//! Layout of expressions and types.

use super::layout::Layout;
use crate::ast::*;
use crate::dump::operator_text;
use crate::span::Span;

/// Lays out expressions; texts are taken from the source as they were written.
pub(super) struct Expressions<'a> {
    pub(super) text: &'a str,
}

/// A row of pieces.
pub(super) fn row(parts: impl IntoIterator<Item = Layout>) -> Layout {
    Layout::Row(parts.into_iter().collect())
}

/// Pieces behind commas, each of which may stand on a line of its own.
pub(super) fn separated(parts: impl IntoIterator<Item = Layout>) -> Vec<Layout> {
    let mut out = Vec::new();
    for part in parts {
        if !out.is_empty() {
            out.push(Layout::from(","));
            out.push(Layout::Line);
        }
        out.push(part);
    }
    out
}

/// Pieces in brackets, indented where they do not fit on the line.
pub(super) fn bracketed(open: &str, parts: Vec<Layout>, close: &str) -> Layout {
    if parts.is_empty() {
        return Layout::from(format!("{open}{close}"));
    }
    let inside = [Layout::Soft].into_iter().chain(parts).collect();
    Layout::Group(vec![open.into(), Layout::Nest(inside), Layout::Soft, close.into()])
}

/// A piece that may stand on the next line, indented.
pub(super) fn continued(parts: impl IntoIterator<Item = Layout>) -> Layout {
    Layout::Nest([Layout::Line].into_iter().chain(parts).collect())
}

/// Names behind commas.
pub(super) fn names(names: &[Name]) -> String {
    names.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join(", ")
}

/// `a.b.c`
pub(super) fn path(names: &[Name]) -> String {
    names.iter().map(|name| name.text.as_str()).collect::<Vec<_>>().join(".")
}

impl Expressions<'_> {
    fn slice(&self, span: Span) -> &str {
        self.text.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// A string as it was written.
    pub(super) fn string(&self, literal: &StringLiteral) -> Layout {
        Layout::from(self.slice(literal.span))
    }

    /// Expressions behind commas.
    pub(super) fn list(&self, exprs: &[Expr]) -> Layout {
        Layout::Group(vec![Layout::Nest(separated(exprs.iter().map(|expr| self.expr(expr))))])
    }

    /// Arguments with their parentheses.
    pub(super) fn arguments(&self, arguments: &[Argument]) -> Layout {
        let parts = separated(arguments.iter().map(|argument| match &argument.name {
            Some(name) => row([Layout::from(format!("{}: ", name.text)), self.expr(&argument.value)]),
            None => self.expr(&argument.value),
        }));
        bracketed("(", parts, ")")
    }

    /// An expression.
    pub(super) fn expr(&self, expr: &Expr) -> Layout {
        match &expr.kind {
            ExprKind::Number(text) | ExprKind::Name(text) => Layout::from(text.as_str()),
            ExprKind::String(literal) => self.string(literal),
            ExprKind::Bool(true) => "TRUE".into(),
            ExprKind::Bool(false) => "FALSE".into(),
            ExprKind::None => "NONE".into(),
            ExprKind::List(items) => bracketed("[", separated(items.iter().map(|item| self.expr(item))), "]"),
            ExprKind::Map(pairs) if pairs.is_empty() => "[:]".into(),
            ExprKind::Map(pairs) => {
                let pair = |(key, value): &(Expr, Expr)| row([self.expr(key), ": ".into(), self.expr(value)]);
                bracketed("[", separated(pairs.iter().map(pair)), "]")
            }
            ExprKind::Paren(inner) => bracketed("(", vec![self.expr(inner)], ")"),
            ExprKind::Member(base, name) => row([self.expr(base), format!(".{}", name.text).into()]),
            ExprKind::Index(base, index) => {
                row([self.expr(base), bracketed("[", vec![self.expr(index)], "]")])
            }
            ExprKind::Call { callee, arguments } => row([self.expr(callee), self.arguments(arguments)]),
            ExprKind::Unary(UnaryOperator::Not, inner) => row(["NOT ".into(), self.expr(inner)]),
            ExprKind::Unary(UnaryOperator::Negate, inner) => {
                let again = matches!(inner.kind, ExprKind::Unary(UnaryOperator::Negate, _));
                row([if again { "- " } else { "-" }.into(), self.expr(inner)])
            }
            ExprKind::Binary(operator, _, left, right) => self.binary(*operator, left, right),
            ExprKind::Aggregate { aggregate, value, generator, paren } => {
                self.aggregate(*aggregate, value.as_deref(), generator, *paren)
            }
            ExprKind::Top(top) => {
                let (word, name) = (if top.bottom { "BOTTOM " } else { "TOP " }, &top.binder.text);
                let mut parts = vec![word.into(), self.expr(&top.count), format!(" {name} IN ").into()];
                parts.push(self.expr(&top.source));
                parts.extend(top.filter.iter().map(|filter| continued(["WHERE ".into(), self.expr(filter)])));
                parts.push(continued(["BY ".into(), self.expr(&top.key)]));
                Layout::Group(parts)
            }
            ExprKind::If { condition, then, otherwise } => Layout::Group(vec![
                "IF ".into(),
                self.expr(condition),
                continued(["THEN ".into(), self.expr(then)]),
                continued(["ELSE ".into(), self.expr(otherwise)]),
            ]),
            ExprKind::Range(first, last) => row([self.expr(first), "..".into(), self.expr(last)]),
            ExprKind::Error => Layout::from(self.slice(expr.span)),
        }
    }

    /// `a AND b AND c` breaks before all its ANDs or before none.
    fn binary(&self, operator: BinaryOperator, left: &Expr, right: &Expr) -> Layout {
        let mut parts = vec![continued([format!("{} ", operator_text(operator)).into(), self.expr(right)])];
        let mut first = left;
        while let ExprKind::Binary(inner, _, before, behind) = &first.kind
            && *inner == operator
        {
            parts.push(continued([format!("{} ", operator_text(operator)).into(), self.expr(behind)]));
            first = before;
        }
        parts.push(self.expr(first));
        parts.reverse();
        Layout::Group(parts)
    }

    fn aggregate(
        &self,
        aggregate: Aggregate,
        value: Option<&Expr>,
        generator: &Generator,
        paren: bool,
    ) -> Layout {
        let word = format!("{aggregate:?}").to_ascii_uppercase();
        let binders = names(&generator.binders);
        let mut source = vec![format!("FOR {binders} IN ").into(), self.expr(&generator.source)];
        if let Some(filter) = &generator.filter {
            source.extend([Layout::Line, "WHERE ".into(), self.expr(filter)]);
        }
        match (paren, value) {
            (true, Some(value)) => {
                let parts = [self.expr(value), Layout::Line].into_iter().chain(source).collect();
                row([word.into(), bracketed("(", parts, ")")])
            }
            (true, None) => row([word.into(), bracketed("(", source, ")")]),
            (false, Some(value)) => {
                Layout::Group(vec![format!("{word} ").into(), self.expr(value), continued(source)])
            }
            (false, None) => Layout::Group(vec![format!("{word} ").into(), Layout::Nest(source)]),
        }
    }

    /// A type.
    pub(super) fn ty(&self, ty: &TypeExpr) -> Layout {
        match &ty.kind {
            TypeExprKind::Name(name) => Layout::from(name.text.as_str()),
            TypeExprKind::Generic { name, arguments } => {
                let mut parts = vec![Layout::from(format!("{}<", name.text))];
                for (nth, argument) in arguments.iter().enumerate() {
                    if nth > 0 {
                        parts.push(", ".into());
                    }
                    parts.push(self.ty(argument));
                }
                parts.push(">".into());
                Layout::Row(parts)
            }
            TypeExprKind::Quotient(above, below) => row([self.ty(above), "/".into(), self.ty(below)]),
            TypeExprKind::Optional(inner) => row([self.ty(inner), "?".into()]),
            TypeExprKind::Bounded(inner, max) => row([self.ty(inner), " MAX ".into(), self.expr(max)]),
            TypeExprKind::Error => Layout::from(self.slice(ty.span)),
        }
    }

    /// `name: T`, behind commas, in parentheses.
    pub(super) fn parameters(&self, parameters: &[Parameter]) -> Layout {
        let parts = parameters.iter().map(|parameter| {
            row([Layout::from(format!("{}: ", parameter.name.text)), self.ty(&parameter.ty)])
        });
        bracketed("(", separated(parts), ")")
    }

    /// ` -> T`, where there is a result.
    pub(super) fn result(&self, result: Option<&TypeExpr>) -> Layout {
        match result {
            Some(ty) => row([" -> ".into(), self.ty(ty)]),
            None => Layout::Row(Vec::new()),
        }
    }

    /// `: T`, where there is a type.
    pub(super) fn annotation(&self, ty: Option<&TypeExpr>) -> Layout {
        match ty {
            Some(ty) => row([": ".into(), self.ty(ty)]),
            None => Layout::Row(Vec::new()),
        }
    }
}
