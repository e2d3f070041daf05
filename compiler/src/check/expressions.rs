//! Expressions: the way in, names, members, items, lists and IF.

use smol_str::SmolStr;
use swarm_bytecode::module::MetricKind;
use swarm_bytecode::types::{Constant, Type, TypeId};
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
        let expr = self.expression(source, ty)?;
        self.convert(expr, source, ty?, wanted)
    }

    fn expression_or_call(&mut self, source: &ast::Expr, expected: Option<TypeId>) -> Option<Expr> {
        use ast::ExprKind as Kind;
        match &source.kind {
            Kind::Number(text) => self.number(text, source.span),
            Kind::String(literal) => self.string(literal),
            Kind::Bool(value) => Some(typed(ExprKind::Word(i64::from(*value)), TypeId::BOOL, source.span)),
            Kind::None => self.none(source.span, expected),
            Kind::Name(name) => self.name(name, source.span),
            Kind::List(items) => self.list(items, source.span, expected),
            Kind::Paren(inner) => self.expression_or_call(inner, expected),
            Kind::Member(record, field) => self.member(record, field, source.span),
            Kind::Index(list, index) => self.item(list, index, source.span),
            Kind::Call { callee, arguments } => self.call(callee, arguments, source.span),
            Kind::Unary(operator, operand) => self.unary(*operator, operand, source.span, expected),
            Kind::Binary(operator, at, left, right) => {
                self.binary((*operator, *at), left, right, source.span, expected)
            }
            Kind::Aggregate { aggregate, value, generator, .. } => {
                self.aggregate(*aggregate, value.as_deref(), generator, source.span)
            }
            Kind::If { condition, then, otherwise } => {
                self.choice(condition, then, otherwise, source.span, expected)
            }
            Kind::Map(_) => self.not_yet("A map", source.span),
            Kind::Top { bottom: false, .. } => self.not_yet("TOP", source.span),
            Kind::Top { bottom: true, .. } => self.not_yet("BOTTOM", source.span),
            Kind::Range(..) => {
                self.report(errors::types::range_as_value(source.span));
                None
            }
            Kind::Error => None,
        }
    }

    /// Reports something that a later version of the language will have.
    pub(crate) fn not_yet(&mut self, what: &str, span: Span) -> Option<Expr> {
        self.report(errors::not_yet(what, span));
        None
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
    fn name(&mut self, name: &SmolStr, span: Span) -> Option<Expr> {
        if let Some(id) = self.local(name) {
            let info = self.info_mut(id)?;
            info.read = true;
            let ty = info.ty?;
            return Some(typed(ExprKind::Local(id), ty, span));
        }
        match self.symbol(name) {
            Some(symbol) => self.global(symbol, name, span),
            None if name == "len" => {
                self.report(errors::calls::function_as_value(name, span, false));
                None
            }
            None => self.unknown_name(name, span),
        }
    }

    fn global(&mut self, symbol: Symbol, name: &SmolStr, span: Span) -> Option<Expr> {
        match symbol {
            Symbol::Const(index) => {
                let constant = self.cx.env.constants.get_mut(index)?;
                constant.used = true;
                let (ty, value) = constant.value.clone()?;
                constant_expr(&value, ty, span)
            }
            Symbol::Input(id) => {
                self.reads(name, span)?;
                let ty = self.cx.env.input(id)?.ty?;
                Some(typed(ExprKind::Input(id), ty, span))
            }
            Symbol::Context(id) => {
                self.reads(name, span)?;
                let ty = self.cx.env.context(id)?.ty?;
                Some(typed(ExprKind::Context(id), ty, span))
            }
            Symbol::Metric(id) => {
                self.reads(name, span)?;
                let metric = self.cx.env.metric(id)?;
                let (ty, kind) = (metric.ty?, metric.kind);
                let ty = match kind {
                    MetricKind::Total => ty,
                    MetricKind::Gauge => self.cx.types.optional(ty),
                    MetricKind::Distribution => return self.not_yet("Reading a DISTRIBUTION", span),
                };
                Some(typed(ExprKind::Metric(id), ty, span))
            }
            Symbol::Function(id) => {
                let bare = self.cx.env.function(id).is_some_and(|function| function.parameters.is_empty());
                self.report(errors::calls::function_as_value(name, span, bare));
                None
            }
            Symbol::Host(_) => {
                self.report(errors::calls::function_as_value(name, span, false));
                None
            }
            Symbol::Type(_) => {
                self.report(errors::calls::type_as_value(name, span));
                None
            }
            Symbol::Unknown => None,
        }
    }

    /// Notes that something outside the program is read here; a constant cannot.
    fn reads(&mut self, name: &SmolStr, span: Span) -> Option<()> {
        if let Place::Constant(what) = self.place {
            self.report(errors::constants::not_constant(name, span, what));
            return None;
        }
        self.effect(Effect::Read, name, span).then_some(())
    }

    /// An unknown name, with the nearest one that could stand here.
    pub(crate) fn unknown_name(&mut self, name: &SmolStr, span: Span) -> Option<Expr> {
        if !self.incomplete && self.unknown.insert(name.clone()) {
            let values = self.cx.env.names().filter(|(_, symbol)| {
                matches!(symbol, Symbol::Const(_) | Symbol::Input(_) | Symbol::Context(_) | Symbol::Metric(_))
            });
            let candidates = self.visible_names().chain(values.map(|(name, _)| name));
            let near = errors::nearest(name, candidates).map(str::to_owned);
            self.report(errors::names::unknown(name, span, near.as_deref()));
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
            let (whole, name) = (self.cx.quote(record.span), self.cx.types.name(inner));
            self.report(errors::types::may_be_none(&whole, record.span, &name, None));
            return None;
        }
        let Some(signature) = self.cx.env.records.get(&ty) else {
            let name = self.cx.types.name(ty);
            let whole = self.cx.quote(record.span);
            let list = self.cx.types.element(ty).is_some();
            self.report(errors::types::no_fields(&whole, &name, record.span, field, list));
            return None;
        };
        let position = signature.parameters.iter().position(|parameter| parameter.name == field.text);
        let Some(position) = position else {
            let near = errors::nearest(&field.text, signature.parameters.iter().map(|own| own.name.as_str()));
            let diagnostic = errors::names::unknown_field(field, &signature.name, signature.span, near);
            self.report(diagnostic);
            return None;
        };
        let ty = signature.parameters.get(position)?.ty?;
        Some((u8::try_from(position).ok()?, ty))
    }

    fn item(&mut self, list: &ast::Expr, index: &ast::Expr, span: Span) -> Option<Expr> {
        let Some(list_expr) = self.expression(list, None) else {
            self.expression(index, None);
            return None;
        };
        let index = self.value(index, TypeId::INT, &Wanted::words("an index"));
        let ty = list_expr.ty?;
        if let Some(inner) = self.cx.types.inner(ty) {
            let (whole, name) = (self.cx.quote(list.span), self.cx.types.name(inner));
            self.report(errors::types::may_be_none(&whole, list.span, &name, None));
            return None;
        }
        let Some(element) = self.cx.types.element(ty) else {
            let name = self.cx.types.name(ty);
            self.report(errors::types::no_items(&self.cx.quote(list.span), &name, list.span));
            return None;
        };
        Some(typed(ExprKind::Item(Box::new(list_expr), Box::new(index?)), element, span))
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
        let max = wanted.and_then(|ty| self.list_max(ty));
        let fitting = max.filter(|&max| u32::try_from(checked.len()).is_ok_and(|len| len <= max));
        if let (Some(max), None) = (max, fitting) {
            self.report(errors::types::list_too_long(checked.len(), max, span));
            return None;
        }
        let ty = self.cx.types.list(ty, fitting);
        Some(typed(ExprKind::List(checked), ty, span))
    }

    fn list_max(&self, ty: TypeId) -> Option<u32> {
        match self.cx.types.get(ty) {
            Some(Type::List { max, .. }) => *max,
            _ => None,
        }
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
        if expected.is_none() && takes_type(left) && !takes_type(right) {
            let right = self.expression(right, None);
            let left = right.as_ref().and_then(|right| self.expression(left, right.ty));
            return (left, right);
        }
        let left = self.expression(left, expected);
        if takes_type(right) && expected.is_none() {
            let right = left.as_ref().and_then(|left| self.expression(right, left.ty));
            return (left, right);
        }
        let right = self.expression(right, expected);
        (left, right)
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

/// Whether the expression has no type of its own: NONE and `[]`.
pub(crate) fn takes_type(source: &ast::Expr) -> bool {
    match &source.kind {
        ast::ExprKind::None => true,
        ast::ExprKind::List(items) => items.is_empty(),
        ast::ExprKind::Paren(inner) => takes_type(inner),
        _ => false,
    }
}

/// A constant as an expression.
pub(crate) fn constant_expr(value: &Constant, ty: TypeId, span: Span) -> Option<Expr> {
    let kind = match value {
        Constant::Word(word) => ExprKind::Word(*word),
        Constant::Float(float) => ExprKind::Float(*float),
        Constant::String(text) => ExprKind::String(text.clone()),
        Constant::Empty => ExprKind::Zero,
    };
    Some(typed(kind, ty, span))
}
