//! Aggregates, and the loops inside them and inside FOR.

use swarm_bytecode::types::TypeId;
use swarm_grammar::ast::{self, Aggregate as Written};
use swarm_grammar::span::Span;

use super::body::{Body, Role, typed};
use super::conversions::Wanted;
use super::effects::Allowed;
use super::errors;
use super::types::Kind;
use crate::typed::{Aggregate, Expr, ExprKind, Iteration, Source};

impl Body<'_, '_> {
    pub(crate) fn aggregate(
        &mut self,
        written: Written,
        value: Option<&ast::Expr>,
        generator: &ast::Generator,
        span: Span,
    ) -> Option<Expr> {
        let aggregate = match written {
            Written::Count => Aggregate::Count,
            Written::Sum => Aggregate::Sum,
            Written::Min => Aggregate::Min,
            Written::Max => Aggregate::Max,
            Written::Any => Aggregate::Any,
            Written::All => Aggregate::All,
            Written::Avg => return self.not_yet("AVG", span),
            Written::Collect => return self.not_yet("COLLECT", span),
        };
        let mark = self.open();
        let (iteration, value) = self.limited(Allowed::NoAction, |body| {
            let iteration = body.iteration(
                &generator.binders,
                &generator.source,
                generator.filter.as_ref(),
                generator.span,
            );
            let value = value.map(|value| body.aggregated(aggregate, value));
            (iteration, value)
        });
        self.close(mark);
        let iteration = iteration?;
        let value = match value {
            None => None,
            Some(value) => Some(Box::new(value?)),
        };
        let ty = match (aggregate, value.as_ref().and_then(|value| value.ty)) {
            (Aggregate::Count, _) => TypeId::INT,
            (Aggregate::Any | Aggregate::All, Some(_)) => TypeId::BOOL,
            (Aggregate::Sum, Some(ty)) => ty,
            (Aggregate::Min | Aggregate::Max, Some(ty)) => self.cx.types.optional(ty),
            (_, None) => {
                self.report(errors::types::aggregate_of_what(aggregate, span));
                return None;
            }
        };
        Some(typed(ExprKind::Aggregate { aggregate, iteration, value }, ty, span))
    }

    /// What an aggregate counts, adds or compares.
    fn aggregated(&mut self, aggregate: Aggregate, source: &ast::Expr) -> Option<Expr> {
        if matches!(aggregate, Aggregate::Count | Aggregate::Any | Aggregate::All) {
            return self.condition(source);
        }
        let value = self.expression(source, None)?;
        let value = self.present(value, source)?;
        let ty = value.ty?;
        let kind = self.cx.types.kind(ty);
        let fits = match aggregate {
            Aggregate::Sum => kind.calculates() && kind != Kind::Time,
            _ => kind.calculates(),
        };
        if !fits {
            let side = self.side(source, ty);
            self.report(errors::types::cannot_aggregate(aggregate, &side));
            return None;
        }
        Some(value)
    }

    /// `FOR a, b IN source WHERE c`: declares the names in the scope that is open.
    pub(crate) fn iteration(
        &mut self,
        binders: &[ast::Name],
        source: &ast::Expr,
        filter: Option<&ast::Expr>,
        span: Span,
    ) -> Option<Iteration> {
        let (source, item_ty) = self.source(source, binders);
        let (index, item) = match binders {
            [item] => (None, item),
            [index, item] => (Some(index), item),
            _ => {
                for binder in binders {
                    self.declare(&binder.text, binder.span, None, Role::Loop);
                }
                self.report(errors::types::too_many_binders(span));
                return None;
            }
        };
        let range = matches!(source, Some(Source::Range(..)));
        if let (true, Some(index)) = (range, index) {
            self.report(errors::types::two_names_over_range(index.span.to(item.span), &item.text));
        }
        // Of a source that was not understood, the first name may also be a key of some other type.
        let index_ty = source.is_some().then_some(TypeId::INT);
        let index = index.map(|index| self.declare(&index.text, index.span, index_ty, Role::Loop));
        let item = self.declare(&item.text, item.span, item_ty, Role::Loop);
        let filter = filter.map(|filter| self.limited(Allowed::NoAction, |body| body.condition(filter)));
        if let Some(Some(filter)) = &filter {
            self.constant_condition(filter);
        }
        let filter = match filter {
            None => None,
            Some(filter) => Some(Box::new(filter?)),
        };
        Some(Iteration { source: source?, item, index, filter })
    }

    /// The items of a loop, and the type of one.
    fn source(&mut self, source: &ast::Expr, binders: &[ast::Name]) -> (Option<Source>, Option<TypeId>) {
        match &source.kind {
            ast::ExprKind::Paren(inner) => self.source(inner, binders),
            ast::ExprKind::Range(first, last) => {
                self.past_the_last(first, last, source.span, binders);
                let first = self.value(first, TypeId::INT, &Wanted::words("where a range starts"));
                let last = self.value(last, TypeId::INT, &Wanted::words("where a range ends"));
                let range = first.zip(last).map(|(a, b)| Source::Range(Box::new(a), Box::new(b)));
                (range, Some(TypeId::INT))
            }
            _ => self.list_source(source),
        }
    }

    fn list_source(&mut self, source: &ast::Expr) -> (Option<Source>, Option<TypeId>) {
        let Some(list) = self.expression(source, None) else { return (None, None) };
        let Some(list) = self.present(list, source) else { return (None, None) };
        let Some(ty) = list.ty else { return (None, None) };
        match self.cx.types.element(ty) {
            Some(element) => (Some(Source::List(Box::new(list))), Some(element)),
            None => {
                let side = self.side(source, ty);
                self.report(errors::types::nothing_to_go_over(&side, ty == TypeId::INT));
                (None, None)
            }
        }
    }

    /// `0..len(xs)` goes one past the last item: ranges include both ends (rule 38).
    fn past_the_last(&mut self, first: &ast::Expr, last: &ast::Expr, span: Span, binders: &[ast::Name]) {
        let zero = matches!(&first.kind, ast::ExprKind::Number(text) if text == "0");
        let ast::ExprKind::Call { callee, arguments } = &last.kind else { return };
        let len = matches!(&callee.kind, ast::ExprKind::Name(name) if name == "len");
        let ([list], [index]) = (arguments.as_slice(), binders) else { return };
        if zero && len && self.symbol("len").is_none() {
            let item = ["item", "element", "one_item", "this_item"]
                .into_iter()
                .find(|name| self.local(name).is_none() && self.symbol(name).is_none());
            let list = self.cx.source_text(list.value.span);
            self.report(errors::types::past_the_last(span, index, &list, item));
        }
    }
}
