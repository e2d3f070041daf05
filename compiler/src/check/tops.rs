//! `TOP 3 t IN xs WHERE c BY t.cost` and BOTTOM: the items of a list, or the values of a map, with the
//! greatest or least keys.

use swarm_bytecode::types::TypeId;
use swarm_grammar::ast;
use swarm_grammar::span::Span;

use super::body::{Body, Role, typed};
use super::conversions::Wanted;
use super::effects::Allowed;
use super::errors;
use crate::typed::{Expr, ExprKind, Iteration, Source};

impl Body<'_, '_> {
    pub(crate) fn top(&mut self, written: &ast::Top, span: Span, expected: Option<TypeId>) -> Option<Expr> {
        let word = if written.bottom { "how many BOTTOM takes" } else { "how many TOP takes" };
        let count = self.value(&written.count, TypeId::INT, &Wanted::words(word));
        let mark = self.open();
        let parts = self.limited(Allowed::NO_ACTION, |body| {
            let items = body.top_items(&written.source);
            let ty = items.as_ref().map(|(_, ty)| *ty);
            let item = body.declare(&written.binder.text, written.binder.span, ty, Role::Loop);
            let filter = body.filter(written.filter.as_deref());
            let key = body.top_key(&written.key);
            let ((source, ty), filter, key) = (items?, filter?, key?);
            Some((Iteration { source, item, index: None, filter }, ty, key))
        });
        self.close(mark);
        let (iteration, ty, key) = parts?;
        let count = count?;
        // No more than are asked for, and no more than there are.
        let asked = match count.kind {
            ExprKind::Word(word) => u32::try_from(word.max(0)).ok(),
            _ => None,
        };
        let max = match (asked, self.most(&iteration)) {
            (Some(asked), Some(there)) => Some(asked.min(there)),
            (asked, there) => asked.or(there),
        };
        let own = self.cx.types.list(ty, max);
        let ty = self.as_expected(own, expected);
        let (bottom, count, key) = (written.bottom, Box::new(count), Box::new(key));
        Some(typed(ExprKind::Top { bottom, count, iteration: Box::new(iteration), key }, ty, span))
    }

    fn top_items(&mut self, items: &ast::Expr) -> Option<(Source, TypeId)> {
        let list = self.expression(items, None)?;
        let list = self.present(list, items)?;
        let ty = list.ty?;
        if let Some(element) = self.cx.types.element(ty) {
            return Some((Source::List(Box::new(list)), element));
        }
        if let Some((key, value)) = self.cx.types.entry(ty) {
            let key = self.hidden("", items.span, key);
            return Some((Source::Map(Box::new(list), key), value));
        }
        let side = self.side(items, ty);
        self.report(errors::types::nothing_to_go_over(&side, false));
        None
    }

    fn top_key(&mut self, key: &ast::Expr) -> Option<Expr> {
        let value = self.expression(key, None)?;
        let value = self.present(value, key)?;
        let ty = value.ty?;
        if self.cx.types.kind(ty).calculates() || ty == TypeId::STRING {
            return Some(value);
        }
        self.unseen(key, ty, "compared")?;
        let side = self.side(key, ty);
        self.report(errors::types::no_order_by(&side));
        None
    }

    /// How many items a loop has at most.
    pub(crate) fn most(&self, iteration: &Iteration) -> Option<u32> {
        match &iteration.source {
            Source::List(list) | Source::Map(list, _) => self.cx.types.max(list.ty?),
            Source::Range(first, last) => {
                let (ExprKind::Word(first), ExprKind::Word(last)) = (&first.kind, &last.kind) else {
                    return None;
                };
                u32::try_from(last.checked_sub(*first)?.checked_add(1)?.max(0)).ok()
            }
        }
    }
}
