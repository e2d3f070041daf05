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
        expected: Option<TypeId>,
    ) -> Option<Expr> {
        let aggregate = match written {
            Written::Count => Aggregate::Count,
            Written::Sum => Aggregate::Sum,
            Written::Min => Aggregate::Min,
            Written::Max => Aggregate::Max,
            Written::Any => Aggregate::Any,
            Written::All => Aggregate::All,
            Written::Avg => Aggregate::Average,
            Written::Collect => Aggregate::Collect,
        };
        let mark = self.open();
        let (iteration, value) = self.limited(Allowed::NO_ACTION, |body| {
            let iteration = body.iteration(
                &generator.binders,
                &generator.source,
                generator.filter.as_deref(),
                generator.span,
            );
            let value = value.map(|value| match aggregate {
                Aggregate::Collect => body.collected(value, expected),
                _ => body.aggregated(aggregate, value),
            });
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
            (Aggregate::Average, Some(ty)) => {
                let ty = if ty == TypeId::INT { TypeId::FLOAT } else { ty };
                self.cx.types.optional(ty)
            }
            (Aggregate::Collect, Some(ty)) => {
                self.cx.shallow(ty, span)?;
                let max = self.most(&iteration);
                let own = self.cx.types.list(ty, max);
                self.as_expected(own, expected)
            }
            (_, None) => {
                self.report(errors::types::aggregate_of_what(aggregate, span));
                return None;
            }
        };
        Some(typed(ExprKind::Aggregate { aggregate, iteration: Box::new(iteration), value }, ty, span))
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
            Aggregate::Sum | Aggregate::Average => kind.calculates() && kind != Kind::Time,
            _ => kind.calculates() || ty == TypeId::STRING,
        };
        if !fits {
            self.unseen(source, ty, "compared or counted")?;
            let side = self.side(source, ty);
            self.report(errors::types::cannot_aggregate(aggregate, &side));
            return None;
        }
        Some(value)
    }

    /// An item of what COLLECT makes, of the type that the items of its place have, if it can be.
    fn collected(&mut self, source: &ast::Expr, expected: Option<TypeId>) -> Option<Expr> {
        let wanted = expected.map(|ty| self.cx.types.inner(ty).unwrap_or(ty));
        let element = wanted.and_then(|ty| self.cx.types.element(ty));
        let value = self.expression(source, element)?;
        match element {
            Some(element) if self.converts(value.ty?, element) => self.try_convert(value, element),
            _ => Some(value),
        }
    }

    /// `FOR a, b IN source WHERE c`: declares the names in the scope that is open.
    pub(crate) fn iteration(
        &mut self,
        binders: &[ast::Name],
        source: &ast::Expr,
        filter: Option<&ast::Expr>,
        span: Span,
    ) -> Option<Iteration> {
        let items = self.items(source, binders);
        let item_ty = items.as_ref().map(Items::item);
        let (first, item) = match binders {
            [item] => (None, item),
            [first, item] => (Some(first), item),
            _ => {
                for binder in binders {
                    self.declare(&binder.text, binder.span, None, Role::Loop);
                }
                self.report(errors::types::too_many_binders(span));
                return None;
            }
        };
        match (&items, first) {
            (Some(Items::Range(..)), Some(first)) => {
                self.report(errors::types::two_names_over_range(first.span.to(item.span), &item.text));
            }
            (Some(Items::Map(..)), None) => {
                let key = self.free_name(["key", "name", "entry_key"]);
                self.report(errors::types::one_name_over_map(item.span, &item.text, key));
            }
            _ => {}
        }
        // Of a source that was not understood, the first name may be an index or a key.
        let first_ty = items.as_ref().map(Items::first);
        let first = first.map(|first| self.declare(&first.text, first.span, first_ty, Role::Loop));
        // Of one name over a map it is open what it was meant for.
        let item_ty = item_ty.filter(|_| first.is_some() || !matches!(items, Some(Items::Map(..))));
        let item = self.declare(&item.text, item.span, item_ty, Role::Loop);
        let filter = self.filter(filter);
        let (source, index) = match items? {
            Items::List(list, _) => (Source::List(Box::new(list)), first),
            Items::Range(first_number, last) => {
                (Source::Range(Box::new(first_number), Box::new(last)), first)
            }
            Items::Map(map, ..) => (Source::Map(Box::new(map), first?), None),
        };
        Some(Iteration { source, item, index, filter: filter? })
    }

    /// `WHERE`, where there is one.
    pub(crate) fn filter(&mut self, filter: Option<&ast::Expr>) -> Option<Option<Box<Expr>>> {
        let Some(filter) = filter else { return Some(None) };
        let filter = self.limited(Allowed::NO_ACTION, |body| body.condition(filter))?;
        self.constant_condition(&filter);
        Some(Some(Box::new(filter)))
    }

    /// The items of a loop.
    fn items(&mut self, source: &ast::Expr, binders: &[ast::Name]) -> Option<Items> {
        match &source.kind {
            ast::ExprKind::Paren(inner) => self.items(inner, binders),
            ast::ExprKind::Range(first, last) => {
                self.past_the_last(first, last, source.span, binders);
                let first = self.value(first, TypeId::INT, &Wanted::words("where a range starts"));
                let last = self.value(last, TypeId::INT, &Wanted::words("where a range ends"));
                Some(Items::Range(first?, last?))
            }
            _ => self.collection(source),
        }
    }

    fn collection(&mut self, source: &ast::Expr) -> Option<Items> {
        let items = self.expression(source, None)?;
        let items = self.present(items, source)?;
        let ty = items.ty?;
        if let Some(element) = self.cx.types.element(ty) {
            return Some(Items::List(items, element));
        }
        if let Some((key, value)) = self.cx.types.entry(ty) {
            return Some(Items::Map(items, key, value));
        }
        self.unseen(source, ty, "gone over")?;
        let side = self.side(source, ty);
        self.report(errors::types::nothing_to_go_over(&side, ty == TypeId::INT));
        None
    }

    /// The first of these names that nothing here has.
    fn free_name<const N: usize>(&self, names: [&'static str; N]) -> Option<&'static str> {
        names.into_iter().find(|name| self.local(name).is_none() && self.symbol(name).is_none())
    }

    /// `0..len(xs)` goes one past the last item: ranges include both ends (rule 38).
    fn past_the_last(&mut self, first: &ast::Expr, last: &ast::Expr, span: Span, binders: &[ast::Name]) {
        let zero = matches!(&first.kind, ast::ExprKind::Number(text) if text == "0");
        let ast::ExprKind::Call { callee, arguments } = &last.kind else { return };
        let len = matches!(&callee.kind, ast::ExprKind::Name(name) if name == "len");
        let ([list], [index]) = (arguments.as_slice(), binders) else { return };
        if zero && len && self.symbol("len").is_none() {
            let item = self.free_name(["item", "element", "one_item", "this_item"]);
            let list = self.cx.source_text(list.value.span);
            self.report(errors::types::past_the_last(span, index, &list, item));
        }
    }
}

/// What a loop goes over, checked.
enum Items {
    /// A list, and the type of its items.
    List(Expr, TypeId),
    /// A map, and the types of its keys and values.
    Map(Expr, TypeId, TypeId),
    /// From one number to another.
    Range(Expr, Expr),
}

impl Items {
    /// The type of an item, or of an entry's value.
    fn item(&self) -> TypeId {
        match self {
            Items::List(_, item) | Items::Map(_, _, item) => *item,
            Items::Range(..) => TypeId::INT,
        }
    }

    /// The type of what a first name of two stands for: an index, or a key.
    fn first(&self) -> TypeId {
        match self {
            Items::Map(_, key, _) => *key,
            Items::List(..) | Items::Range(..) => TypeId::INT,
        }
    }
}
