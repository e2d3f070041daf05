//! Expressions: the way in, names, members, items, lists and IF.

use smol_str::SmolStr;
use swarm_bytecode::module::{MetricId, MetricKind};
use swarm_bytecode::types::TypeId;
use swarm_grammar::ast;
use swarm_grammar::span::Span;

use super::body::{Body, Place, Role, typed};
use super::conversions::Wanted;
use super::effects::Effect;
use super::environment::Symbol;
use super::errors;
use crate::typed::{Expr, ExprKind};

impl Body<'_, '_> {
    /// Checks an expression that must have a value. `expected` is the type its place would like: it gives NONE
    /// and `[]` their type, and nothing else. `None` means that a diagnostic was given.
    pub(crate) fn expression(&mut self, source: &ast::Expr, expected: Option<TypeId>) -> Option<Expr> {
        let expr = self.expression_or_call(source, expected)?;
        if expr.ty.is_none() {
            self.report(errors::calls::no_value(self.cx.quote(source.span), source.span));
            return None;
        }
        Some(expr)
    }

    /// Checks an expression and brings it to type `ty`, or reports that `wanted` is something else.
    pub(crate) fn value(&mut self, source: &ast::Expr, ty: TypeId, wanted: &Wanted) -> Option<Expr> {
        let expr = self.expression(source, Some(ty))?;
        self.convert(expr, source, ty, wanted)
    }

    /// Checks an expression whose place has a type that was perhaps not understood.
    pub(crate) fn maybe_value(
        &mut self,
        source: &ast::Expr,
        ty: Option<TypeId>,
        wanted: &Wanted,
    ) -> Option<Expr> {
        if ty.is_none() && takes_type(source) {
            return None;
        }
        let expr = self.expression(source, ty)?;
        self.convert(expr, source, ty?, wanted)
    }

    pub(crate) fn expression_or_call(
        &mut self,
        source: &ast::Expr,
        expected: Option<TypeId>,
    ) -> Option<Expr> {
        use ast::ExprKind as Kind;
        match &source.kind {
            Kind::Number(text) => self.number(text, source.span),
            Kind::String(literal) => self.string(literal),
            Kind::Bool(value) => Some(typed(ExprKind::Word(i64::from(*value)), TypeId::BOOL, source.span)),
            Kind::None => self.none(source.span, expected),
            Kind::Name(name) => self.name(name, source.span, expected),
            Kind::List(items) => self.list(items, source.span, expected),
            Kind::Paren(inner) => self.expression_or_call(inner, expected),
            Kind::Member(record, field) => match self.path(source) {
                Some(symbol) => {
                    let name = self.cx.quote(source.span).into();
                    self.global(symbol, &name, source.span)
                }
                None => self.member(record, field, source.span),
            },
            Kind::Index(list, index) => self.item(list, index, source.span),
            Kind::Call { callee, arguments } => self.call(callee, arguments, source.span, expected),
            Kind::Unary(operator, operand) => self.unary(*operator, operand, source.span, expected),
            Kind::Binary(operator, at, left, right) => {
                self.binary((*operator, *at), left, right, source.span, expected)
            }
            Kind::Aggregate { aggregate, value, generator, .. } => {
                self.aggregate(*aggregate, value.as_deref(), generator, source.span, expected)
            }
            Kind::If { condition, then, otherwise } => {
                self.choice(condition, then, otherwise, source.span, expected)
            }
            Kind::Map(entries) => self.map(entries, source.span, expected),
            Kind::Top(top) => self.top(top, source.span, expected),
            Kind::Range(..) => {
                self.report(errors::types::range_as_value(source.span));
                None
            }
            Kind::Error => None,
        }
    }

    fn none(&mut self, span: Span, expected: Option<TypeId>) -> Option<Expr> {
        match expected {
            // In a place that takes no NONE, the place's own message says what it wants.
            Some(ty) => {
                let ty = if self.cx.types.inner(ty).is_some() { ty } else { self.cx.types.optional(ty) };
                Some(typed(ExprKind::Zero, ty, span))
            }
            None => {
                self.report(errors::types::none_of_what(span));
                None
            }
        }
    }

    /// A name that stands for a value.
    fn name(&mut self, name: &SmolStr, span: Span, expected: Option<TypeId>) -> Option<Expr> {
        if let Some(id) = self.local(name) {
            let info = self.info_mut(id)?;
            info.read = true;
            let ty = info.ty?;
            return Some(typed(ExprKind::Local(id), ty, span));
        }
        match self.symbol(name) {
            Some(symbol) => self.global(symbol, name, span),
            None => match self.cx.env.cases(name)[..] {
                [(ty, case)] => self.case(ty, case, name, span),
                [] if super::natives::is_builtin(name) => {
                    self.report(errors::calls::function_as_value(name, span, false));
                    None
                }
                [] => self.unknown_name(name, span),
                _ => self.ambiguous_case(name, span, expected),
            },
        }
    }

    /// What a name, or a name behind that of a used file or an enum, stands for. `None`: it is no such path. What
    /// is missing at its end is reported and unknown.
    pub(crate) fn path(&mut self, source: &ast::Expr) -> Option<Symbol> {
        match &source.kind {
            ast::ExprKind::Name(name) if self.local(name).is_none() => self.symbol(name),
            ast::ExprKind::Member(base, name) => match self.path(base)? {
                Symbol::Module(scope) => match self.cx.env.own(scope, &name.text) {
                    Some(declared) => Some(declared.symbol),
                    None => {
                        let own = self.cx.env.own_names(scope).map(|(name, _)| name.as_str());
                        let near = errors::nearest(&name.text, own).map(str::to_owned);
                        let alias = self.cx.quote(base.span);
                        if !self.incomplete {
                            self.report(errors::modules::not_declared(&alias, name, near.as_deref()));
                        }
                        Some(Symbol::Unknown)
                    }
                },
                Symbol::Type(ty) if self.cx.env.enums.contains_key(&ty) => {
                    let case = self.case_of(ty, name);
                    Some(case.map_or(Symbol::Unknown, |case| Symbol::Case(ty, case)))
                }
                Symbol::Unknown => Some(Symbol::Unknown),
                _ => None,
            },
            ast::ExprKind::Paren(inner) => self.path(inner),
            _ => None,
        }
    }

    /// A case of an enum as it stands: only one without a payload is a value.
    fn case(&mut self, ty: TypeId, case: u8, name: &SmolStr, span: Span) -> Option<Expr> {
        let signature = self.cx.env.case(ty, case)?;
        if signature.parameters.is_empty() {
            return Some(typed(ExprKind::Case(case, Vec::new()), ty, span));
        }
        let diagnostic = errors::matching::payload_missing(name, signature, span);
        self.report(diagnostic);
        None
    }

    /// A case name that several enums have; `expected` says which of them was probably meant.
    pub(crate) fn ambiguous_case(
        &mut self,
        name: &SmolStr,
        span: Span,
        expected: Option<TypeId>,
    ) -> Option<Expr> {
        let wanted = expected.map(|ty| self.cx.types.inner(ty).unwrap_or(ty));
        let mut owners: Vec<String> = Vec::new();
        let mut meant = None;
        for (ty, _) in self.cx.env.cases(name) {
            let owner = self.cx.types.name(ty);
            if wanted == Some(ty) {
                meant = Some(owner.clone());
            }
            owners.push(owner);
        }
        self.report(errors::matching::ambiguous(name, &owners, meant.as_deref(), span));
        None
    }

    fn global(&mut self, symbol: Symbol, name: &SmolStr, span: Span) -> Option<Expr> {
        match symbol {
            Symbol::Const(index) => {
                let value = self.cx.constant_value(index, span)?;
                Some(Expr { span, ..value })
            }
            Symbol::Input(id) => {
                self.reads(Effect::Input, name, span)?;
                let ty = self.cx.env.input(id)?.ty?;
                Some(typed(ExprKind::Input(id), ty, span))
            }
            Symbol::Context(id) => {
                self.reads(Effect::Context, name, span)?;
                let ty = self.cx.env.context(id)?.ty?;
                Some(typed(ExprKind::Context(id), ty, span))
            }
            Symbol::Metric(id) => self.metric(id, name, span),
            Symbol::State(id) => {
                self.reads(Effect::State, name, span)?;
                let state = self.cx.env.states.get_mut(id.index())?;
                state.read = true;
                let ty = state.ty?;
                Some(typed(ExprKind::State(id), ty, span))
            }
            Symbol::Case(ty, case) => self.case(ty, case, name, span),
            Symbol::Function(id) => {
                let bare = self.cx.env.function(id).is_some_and(|function| function.parameters.is_empty());
                self.report(errors::calls::function_as_value(name, span, bare));
                None
            }
            Symbol::Host(_) => {
                self.report(errors::calls::function_as_value(name, span, false));
                None
            }
            Symbol::Type(ty) => {
                let cases = self.cx.env.enums.get(&ty).map(|own| own.cases.first().map(|case| &case.name));
                let diagnostic = match cases {
                    Some(case) => errors::matching::enum_as_value(name, case, span),
                    None => errors::calls::type_as_value(name, span),
                };
                self.report(diagnostic);
                None
            }
            Symbol::Event(_) => {
                self.report(errors::events::event_as_value(name, span));
                None
            }
            Symbol::Module(_) => {
                self.report(errors::modules::file_as_value(name, span));
                None
            }
            Symbol::Unknown => None,
        }
    }

    /// A metric as it stands: a TOTAL has a value, a GAUGE may have none yet, a DISTRIBUTION is read by its
    /// figures.
    fn metric(&mut self, id: MetricId, name: &SmolStr, span: Span) -> Option<Expr> {
        let info = self.cx.env.metric(id)?;
        let (ty, kind) = (info.ty, info.kind);
        if kind == MetricKind::Distribution {
            self.report(errors::natives::distribution_as_value(name, span));
            return None;
        }
        self.reads_metric(id, name, span)?;
        let ty = match kind {
            MetricKind::Gauge => self.cx.types.optional(ty?),
            _ => ty?,
        };
        Some(typed(ExprKind::Metric(id), ty, span))
    }

    /// Notes that a metric is read here.
    pub(crate) fn reads_metric(&mut self, id: MetricId, name: &SmolStr, span: Span) -> Option<()> {
        self.reads(Effect::Metric, name, span)?;
        self.facts.metrics_read.entry(id).or_insert(span);
        Some(())
    }

    /// Notes that something outside the program is read here; a constant cannot.
    fn reads(&mut self, effect: Effect, name: &SmolStr, span: Span) -> Option<()> {
        if let Place::Constant(what) = self.place {
            self.report(errors::constants::not_constant(name, span, what));
            return None;
        }
        self.effect(effect, name, span).then_some(())
    }

    /// An unknown name, with the nearest one that could stand here.
    pub(crate) fn unknown_name(&mut self, name: &SmolStr, span: Span) -> Option<Expr> {
        if matches!(name.as_str(), "null" | "NULL" | "nil" | "Null" | "undefined") {
            self.report(errors::names::unknown(name, span, Some("NONE"), false));
            return None;
        }
        if !self.incomplete && self.unknown.insert(name.clone()) {
            if let Some(holder) = self.holder_of(name) {
                let near = format!("{holder}.{name}");
                self.report(errors::names::unknown(name, span, Some(&near), false));
                return None;
            }
            let values = self.cx.env.names().filter(|(_, symbol)| {
                use Symbol::{Const, Context, Input, Metric, State};
                matches!(symbol, Const(_) | Input(_) | Context(_) | Metric(_) | State(_))
            });
            let candidates = self.visible_names().chain(values.map(|(name, _)| name));
            let candidates = candidates.chain(self.cx.env.case_names());
            let near = errors::nearest(name, candidates).map(str::to_owned);
            self.report(errors::names::unknown(name, span, near.as_deref(), self.in_hole));
        }
        None
    }

    fn member(&mut self, record: &ast::Expr, field: &ast::Name, span: Span) -> Option<Expr> {
        let record_expr = self.expression(record, None)?;
        let ty = record_expr.ty?;
        let (index, ty) = self.field(ty, record, field)?;
        Some(typed(ExprKind::Field(Box::new(record_expr), index), ty, span))
    }

    /// Index and type of a field of a record of type `ty`.
    fn field(&mut self, ty: TypeId, record: &ast::Expr, field: &ast::Name) -> Option<(u8, TypeId)> {
        if let Some(inner) = self.cx.types.inner(ty) {
            self.part_of_optional(record.span, inner);
            return None;
        }
        let Some(signature) = self.cx.env.records.get(&ty) else {
            let name = self.cx.types.name(ty);
            let whole = self.cx.quote(record.span);
            let list = self.cx.types.element(ty).is_some();
            if self.cx.types.is_secret(ty) {
                self.unseen(record, ty, "taken apart")?;
            }
            self.report(errors::types::no_fields(&whole, &name, record.span, field, list));
            return None;
        };
        let position = signature.parameters.iter().position(|parameter| parameter.name == field.text);
        let Some(position) = position else {
            let near = errors::nearest(&field.text, signature.parameters.iter().map(|own| own.name.as_str()));
            let diagnostic = errors::names::unknown_field(field, signature, near);
            self.report(diagnostic);
            return None;
        };
        let ty = signature.parameters.get(position)?.ty?;
        Some((u8::try_from(position).ok()?, ty))
    }

    /// A field or an item is wanted of what may be NONE, of type `inner` if it is not.
    fn part_of_optional(&mut self, whole: Span, inner: TypeId) {
        let (text, name) = (self.cx.quote(whole), self.cx.types.name(inner));
        self.report(match self.assigned {
            Some(place) if place.start == whole.start => {
                errors::types::place_may_be_none(&text, whole, &name)
            }
            _ => errors::types::may_be_none(&text, whole, &name, None),
        });
    }

    /// `xs[i]`, or `m[k]`, which may be NONE.
    fn item(&mut self, list: &ast::Expr, index: &ast::Expr, span: Span) -> Option<Expr> {
        let Some(whole) = self.expression(list, None) else {
            self.expression(index, None);
            return None;
        };
        let ty = whole.ty?;
        if let Some((key, value)) = self.cx.types.entry(ty) {
            let index = self.value(index, key, &Wanted::words("a key of this map"));
            let ty = self.cx.types.optional(value);
            return Some(typed(ExprKind::Find(Box::new(whole), Box::new(index?)), ty, span));
        }
        let index = self.value(index, TypeId::INT, &Wanted::words("an index"));
        if let Some(inner) = self.cx.types.inner(ty) {
            self.part_of_optional(list.span, inner);
            return None;
        }
        let Some(element) = self.cx.types.element(ty) else {
            if self.cx.types.is_secret(ty) {
                self.unseen(list, ty, "taken apart")?;
            }
            let name = self.cx.types.name(ty);
            self.report(errors::types::no_items(&self.cx.quote(list.span), &name, list.span));
            return None;
        };
        Some(typed(ExprKind::Item(Box::new(whole), Box::new(index?)), element, span))
    }

    fn list(&mut self, items: &[ast::Expr], span: Span, expected: Option<TypeId>) -> Option<Expr> {
        let wanted = expected.map(|ty| self.cx.types.inner(ty).unwrap_or(ty));
        let element = wanted.and_then(|ty| self.cx.types.element(ty));
        let mut checked = Vec::with_capacity(items.len().min(1024));
        let mut ty = element;
        let mut understood = true;
        for item in items {
            let expr = match ty {
                None => self.expression(item, None),
                Some(ty) => self.value(item, ty, &Wanted::words("an item of this list")),
            };
            understood &= expr.is_some();
            let Some(expr) = expr else { continue };
            ty = ty.or(expr.ty);
            checked.push(expr);
        }
        if !understood {
            return None;
        }
        let Some(ty) = ty else {
            self.report(errors::types::empty_list_of_what(span));
            return None;
        };
        if self.cx.types.depth(ty) >= super::types::MAX_TYPE_DEPTH {
            self.report(errors::types::too_deep(span));
            return None;
        }
        let max = self.fitting_max(wanted, checked.len(), "the list", span)?;
        let ty = self.cx.types.list(ty, max);
        Some(typed(ExprKind::List(checked), ty, span))
    }

    /// The MAX of the type that a list or map of so many items is for, unless they are too many.
    pub(crate) fn fitting_max(
        &mut self,
        wanted: Option<TypeId>,
        len: usize,
        what: &'static str,
        span: Span,
    ) -> Option<Option<u32>> {
        let Some(max) = wanted.and_then(|ty| self.cx.types.max(ty)) else { return Some(None) };
        if u32::try_from(len).is_ok_and(|len| len <= max) {
            return Some(Some(max));
        }
        self.report(errors::types::list_too_long(what, len, max, span));
        None
    }

    /// `IF c THEN a ELSE b` as a value.
    fn choice(
        &mut self,
        condition: &ast::Expr,
        then: &ast::Expr,
        otherwise: &ast::Expr,
        span: Span,
        expected: Option<TypeId>,
    ) -> Option<Expr> {
        let condition = self.condition(condition);
        let (left, right) = self.alike(then, otherwise, expected);
        let (left, right) = (left?, right?);
        let (a, b) = (left.ty?, right.ty?);
        let Some(ty) = self.common_type(a, b) else {
            let sides = (self.side(then, a), self.side(otherwise, b));
            self.report(errors::types::branches_differ(&sides.0, &sides.1));
            return None;
        };
        let wanted = Wanted::words("this IF");
        let left = self.convert(left, then, ty, &wanted)?;
        let right = self.convert(right, otherwise, ty, &wanted)?;
        let parts = (Box::new(condition?), Box::new(left), Box::new(right));
        Some(typed(ExprKind::If(parts.0, parts.1, parts.2), ty, span))
    }

    /// Checks two expressions that should have one type; NONE and `[]` take it from the other.
    pub(crate) fn alike(
        &mut self,
        left: &ast::Expr,
        right: &ast::Expr,
        expected: Option<TypeId>,
    ) -> (Option<Expr>, Option<Expr>) {
        if expected.is_none() && self.asks_for_type(left) && !self.asks_for_type(right) {
            let right = self.expression(right, None);
            let left = right.as_ref().and_then(|right| self.expression(left, right.ty));
            return (left, right);
        }
        let left = self.expression(left, expected);
        if self.asks_for_type(right) && expected.is_none() {
            let right = left.as_ref().and_then(|left| self.expression(right, left.ty));
            return (left, right);
        }
        let right = self.expression(right, expected);
        (left, right)
    }

    /// Whether an expression is understood better once its type is known: one without a type of its own, and
    /// a name that is a case of several enums.
    fn asks_for_type(&self, source: &ast::Expr) -> bool {
        match &source.kind {
            ast::ExprKind::Name(name) => {
                self.local(name).is_none() && self.symbol(name).is_none() && self.cx.env.cases(name).len() > 1
            }
            ast::ExprKind::Paren(inner) => self.asks_for_type(inner),
            _ => takes_type(source),
        }
    }

    /// The type two branches can both be brought to.
    fn common_type(&mut self, left: TypeId, right: TypeId) -> Option<TypeId> {
        let types = &mut self.cx.types;
        if types.fits(left, right) {
            return Some(right);
        }
        if types.fits(right, left) {
            return Some(left);
        }
        match (types.inner(left), types.inner(right)) {
            (Some(inner), None) if types.fits(right, inner) => return Some(left),
            (None, Some(inner)) if types.fits(left, inner) => return Some(right),
            _ => {}
        }
        let numbers = [left, right].iter().all(|ty| matches!(*ty, TypeId::INT | TypeId::FLOAT));
        numbers.then_some(TypeId::FLOAT)
    }

    /// Whether a name may be assigned to, for messages about it.
    pub(crate) fn role_of(&self, name: &str) -> Option<(Role, Span)> {
        self.local(name).and_then(|id| self.info(id)).map(|info| (info.role, info.span))
    }
}

/// Whether the expression is NONE as it is written.
pub(crate) fn is_none(source: &ast::Expr) -> bool {
    match &source.kind {
        ast::ExprKind::None => true,
        ast::ExprKind::Paren(inner) => is_none(inner),
        _ => false,
    }
}

/// Whether the expression has no type of its own: NONE, `[]` and `[:]`.
pub(crate) fn takes_type(source: &ast::Expr) -> bool {
    match &source.kind {
        ast::ExprKind::None => true,
        ast::ExprKind::List(items) => items.is_empty(),
        ast::ExprKind::Map(entries) => entries.is_empty(),
        ast::ExprKind::Paren(inner) => takes_type(inner),
        _ => false,
    }
}
