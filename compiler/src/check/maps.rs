//! Maps, and CONTAINS.

use std::collections::BTreeMap;

use swarm_bytecode::native::Native;
use swarm_bytecode::types::TypeId;
use swarm_grammar::ast;
use swarm_grammar::span::Span;

use super::body::{Body, typed};
use super::conversions::Wanted;
use super::errors;
use super::matching::{ConstantKey, constant_key};
use super::types::MAX_TYPE_DEPTH;
use crate::typed::{Expr, ExprKind};

impl Body<'_, '_> {
    /// `["a": 1]`, `[:]`
    pub(crate) fn map(
        &mut self,
        entries: &[(ast::Expr, ast::Expr)],
        span: Span,
        expected: Option<TypeId>,
    ) -> Option<Expr> {
        let wanted = expected.map(|ty| self.cx.types.inner(ty).unwrap_or(ty));
        let entry = wanted.and_then(|ty| self.cx.types.entry(ty));
        let (mut key, mut value) = (entry.map(|entry| entry.0), entry.map(|entry| entry.1));
        let mut checked = Vec::with_capacity(entries.len().min(1024));
        let mut understood = true;
        for (key_source, value_source) in entries {
            let one_key = self.item_of(key_source, key, "a key of this map");
            let one_value = self.item_of(value_source, value, "a value of this map");
            understood &= one_key.is_some() && one_value.is_some();
            if let (None, Some(found)) = (key, one_key.as_ref().and_then(|found| found.ty)) {
                key = self.cx.map_key(found, key_source.span);
                understood &= key.is_some();
            }
            if let (None, Some(found)) = (value, one_value.as_ref().and_then(|found| found.ty)) {
                value = self.cx.map_value(found, value_source.span);
                understood &= value.is_some();
            }
            checked.extend(one_key.zip(one_value));
        }
        if !understood {
            return None;
        }
        let (Some(key), Some(value)) = (key, value) else {
            self.report(errors::types::empty_map_of_what(span));
            return None;
        };
        if self.cx.types.depth(value) >= MAX_TYPE_DEPTH {
            self.report(errors::types::too_deep(span));
            return None;
        }
        self.keys_twice(entries, &checked);
        let max = self.fitting_max(wanted, checked.len(), "the map", span)?;
        let ty = self.cx.types.map(key, value, max);
        Some(typed(ExprKind::Map(checked), ty, span))
    }

    /// A warning for each key that stands in a literal twice.
    fn keys_twice(&mut self, sources: &[(ast::Expr, ast::Expr)], entries: &[(Expr, Expr)]) {
        let mut seen: BTreeMap<ConstantKey, usize> = BTreeMap::new();
        for (at, (key, _)) in entries.iter().enumerate() {
            let constant = self.cx.evaluate(key).ok().flatten();
            let Some(first) = constant.and_then(constant_key).and_then(|key| seen.insert(key, at)) else {
                continue;
            };
            let place = |at: usize| sources.get(at).map(|(key, _)| key.span);
            let (Some(first_key), Some(next)) = (place(first), place(first.saturating_add(1))) else {
                continue;
            };
            let entry = Span { end: next.start, ..first_key };
            self.report(errors::warnings::key_twice(&self.cx.quote(key.span), key.span, first_key, entry));
        }
    }

    /// A part of a literal: of the type the others have, or the first, which gives it.
    pub(crate) fn item_of(
        &mut self,
        source: &ast::Expr,
        ty: Option<TypeId>,
        what: &'static str,
    ) -> Option<Expr> {
        match ty {
            Some(ty) => self.value(source, ty, &Wanted::words(what)),
            None => self.expression(source, None),
        }
    }

    /// `xs CONTAINS x`: an item of a list, a key of a map, a part of a text.
    pub(crate) fn contains(&mut self, left: &ast::Expr, right: &ast::Expr, span: Span) -> Option<Expr> {
        let whole = self.expression(left, None).and_then(|whole| self.present(whole, left));
        let Some((whole, ty)) = whole.and_then(|whole| whole.ty.map(|ty| (whole, ty))) else {
            if !super::expressions::takes_type(right) {
                self.expression(right, None);
            }
            return None;
        };
        let types = &self.cx.types;
        let (part, what, name) = if let Some(element) = types.element(ty) {
            (element, "what the list is to contain", "contains")
        } else if let Some((key, _)) = types.entry(ty) {
            (key, "the key the map is to contain", "has")
        } else if ty == TypeId::STRING {
            (TypeId::STRING, "what the text is to contain", "contains")
        } else {
            self.expression(right, None);
            self.unseen(left, ty, "looked into")?;
            let side = self.side(left, ty);
            self.report(errors::types::contains_nothing(&side));
            return None;
        };
        if name == "contains" {
            self.unseen(left, ty, "compared")?;
        }
        let part = self.value(right, part, &Wanted::words(what))?;
        let types = [ty, part.ty?];
        let native = Native::named(name).find(|native| self.native_result(native, &types).is_some())?;
        Some(typed(ExprKind::Native(native.id, vec![whole, part]), TypeId::BOOL, span))
    }
}
