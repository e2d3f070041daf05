//! Written types, and the limits and units that stand beside them.

use swarm_bytecode::quantity;
use swarm_bytecode::types::{Class, TypeId};
use swarm_grammar::ast::{self, TypeExprKind};
use swarm_grammar::span::Span;

use super::Checker;
use super::environment::Symbol;
use super::errors;
use super::types::{Kind, MAX_TYPE_DEPTH, TypeTable};

impl Checker<'_> {
    /// The type a program writes; `None` after a diagnostic.
    pub(crate) fn resolve(&mut self, written: &ast::TypeExpr) -> Option<TypeId> {
        match &written.kind {
            TypeExprKind::Name(name) => self.resolve_name(name),
            TypeExprKind::Generic { name, arguments } => self.resolve_generic(name, arguments, written.span),
            TypeExprKind::Quotient(above, below) => self.resolve_quotient(above, below, written.span),
            TypeExprKind::Optional(inner) => {
                let inner = self.resolve(inner)?;
                if self.types.inner(inner).is_some() {
                    return Some(inner);
                }
                self.shallow(inner, written.span)?;
                Some(self.types.optional(inner))
            }
            TypeExprKind::Bounded(inner, max) => {
                let inner = self.resolve(inner);
                let max_span = max.span;
                let max = self.list_max(max);
                self.bounded(inner?, max?, max_span)
            }
            TypeExprKind::Error => None,
        }
    }

    fn resolve_name(&mut self, name: &ast::Name) -> Option<TypeId> {
        if let Some(builtin) = TypeTable::builtin(&name.text) {
            return Some(builtin);
        }
        if name.text == "secret" {
            return Some(self.types.secret());
        }
        if let Some((alias, inner)) = name.text.split_once('.') {
            return self.resolve_qualified(alias, inner, name);
        }
        match self.env.get(&name.text).map(|declared| declared.symbol) {
            Some(Symbol::Type(id)) => Some(id),
            Some(Symbol::Unknown) => None,
            Some(_) => {
                self.report(errors::names::not_a_type(&name.text, name.span));
                None
            }
            None if name.text == "list" => {
                self.report(errors::names::list_of_what(name.span));
                None
            }
            None if name.text == "map" => {
                self.report(errors::names::map_of_what(name.span));
                None
            }
            None => {
                self.unknown_type(name);
                None
            }
        }
    }

    /// `prices.Offer`
    fn resolve_qualified(&mut self, alias: &str, inner: &str, name: &ast::Name) -> Option<TypeId> {
        let scope = match self.env.get(alias).map(|declared| declared.symbol) {
            Some(Symbol::Module(scope)) => scope,
            Some(Symbol::Unknown) => return None,
            _ => {
                if !self.env.incomplete {
                    self.report(errors::modules::no_such_file(alias, name.span));
                }
                return None;
            }
        };
        match self.env.own(scope, inner).map(|declared| declared.symbol) {
            Some(Symbol::Type(id)) => Some(id),
            Some(Symbol::Unknown) => None,
            Some(_) => {
                self.report(errors::names::not_a_type(&name.text, name.span));
                None
            }
            None => {
                let types = self.env.own_names(scope);
                let types = types.filter(|(_, declared)| matches!(declared.symbol, Symbol::Type(_)));
                let near = errors::nearest(inner, types.map(|(name, _)| name.as_str()));
                let near = near.map(|near| format!("{alias}.{near}"));
                if !self.env.incomplete {
                    self.report(errors::names::unknown_type(&name.text, name.span, near.as_deref()));
                }
                None
            }
        }
    }

    fn unknown_type(&mut self, name: &ast::Name) {
        // What another language calls a type is not what an unread declaration was about.
        let near = errors::names::other_type_name(&name.text).map(str::to_owned);
        if self.env.incomplete && near.is_none() {
            return;
        }
        let own = self.env.names().filter(|(_, symbol)| matches!(symbol, Symbol::Type(_)));
        let builtin = TypeTable::NAMES.iter().map(|(name, _)| *name).chain(["secret"]);
        let near = near.or_else(|| {
            errors::nearest(&name.text, own.map(|(name, _)| name).chain(builtin)).map(str::to_owned)
        });
        self.report(errors::names::unknown_type(&name.text, name.span, near.as_deref()));
    }

    fn resolve_generic(
        &mut self,
        name: &ast::Name,
        arguments: &[ast::TypeExpr],
        span: Span,
    ) -> Option<TypeId> {
        match (name.text.as_str(), arguments) {
            ("list", [element]) => {
                let element = self.resolve(element)?;
                self.shallow(element, span)?;
                Some(self.types.list(element, None))
            }
            ("map", [key, value]) => {
                let (key_span, value_span) = (key.span, value.span);
                let (key, value) = (self.resolve(key), self.resolve(value));
                let (key, value) = (self.map_key(key?, key_span), self.map_value(value?, value_span));
                let value = value?;
                self.shallow(value, span)?;
                Some(self.types.map(key?, value, None))
            }
            ("map", _) => {
                self.report(errors::names::map_of_what(span));
                None
            }
            ("list", _) => {
                self.report(errors::names::list_of_what(span));
                None
            }
            _ => {
                self.report(errors::names::not_generic(&name.text, name.span));
                None
            }
        }
    }

    /// A type that can be the key of a map.
    pub(crate) fn map_key(&mut self, key: TypeId, span: Span) -> Option<TypeId> {
        let plain = self.env.enums.get(&key).map(|own| own.plain);
        let class = self.types.get(key).map(swarm_bytecode::types::Type::class);
        if plain == Some(true) || matches!(class, Some(Class::Word | Class::Bool | Class::String)) {
            return Some(key);
        }
        if self.types.is_secret(key) {
            self.report(errors::secrets::declared_as("the key of a map", span));
            return None;
        }
        self.report(errors::types::no_key(&self.types.name(key), span, plain.is_some()));
        None
    }

    /// A type that can be the value of a map.
    pub(crate) fn map_value(&mut self, value: TypeId, span: Span) -> Option<TypeId> {
        if self.types.inner(value).is_some() {
            self.report(errors::types::optional_in_map(&self.types.name(value), span));
            return None;
        }
        Some(value)
    }

    /// Whether one more level may stand around a type.
    pub(crate) fn shallow(&mut self, inner: TypeId, span: Span) -> Option<()> {
        if self.types.depth(inner) < MAX_TYPE_DEPTH {
            return Some(());
        }
        self.report(errors::types::too_deep(span));
        None
    }

    fn resolve_quotient(
        &mut self,
        above: &ast::TypeExpr,
        below: &ast::TypeExpr,
        span: Span,
    ) -> Option<TypeId> {
        let (above, below) = (self.resolve(above), self.resolve(below));
        let (above, below) = (above?, below?);
        let (first, second) = (self.types.kind(above), self.types.kind(below));
        let divides = matches!(first, Kind::Int | Kind::Float | Kind::Quantity(_));
        let dimension = match second {
            Kind::Quantity(below) if divides => first.dimension().quotient(below),
            _ => None,
        };
        let Some(dimension) = dimension else {
            let wrong = if divides { below } else { above };
            self.report(errors::units::no_rate(&self.types.name(wrong), span));
            return None;
        };
        Some(self.types.quantity(dimension))
    }

    /// The number behind MAX.
    fn list_max(&mut self, max: &ast::Expr) -> Option<u32> {
        let value = self.constant_word(max, TypeId::INT, "MAX")?;
        let max_value = u32::try_from(value).ok();
        if max_value.is_none() {
            self.report(errors::header::out_of_range(
                "MAX",
                value.to_string(),
                "0 to 4,294,967,295",
                max.span,
            ));
        }
        max_value
    }

    /// A word before a value, the blanks around it, and the value.
    fn clause_before(&self, word: &str, value: Span) -> Option<Span> {
        let before = self.source_text(Span { start: 0, end: value.start, ..value });
        let before = before.trim_end();
        let start = before.len().checked_sub(word.len())?;
        let (rest, found) = before.split_at_checked(start)?;
        let start = u32::try_from(rest.trim_end().len()).ok()?;
        found.eq_ignore_ascii_case(word).then_some(Span { start, ..value })
    }

    fn bounded(&mut self, ty: TypeId, max: u32, span: Span) -> Option<TypeId> {
        let list = self.types.element(ty).map(|element| self.types.list(element, Some(max)));
        match list.or_else(|| self.types.entry(ty).map(|(key, value)| self.types.map(key, value, Some(max))))
        {
            Some(bounded) => Some(bounded),
            None => {
                let clause = self.clause_before("MAX", span);
                self.report(errors::declarations::max_of_no_list(&self.types.name(ty), span, clause));
                None
            }
        }
    }

    /// The type of a field, an INPUT or a CONTEXT, its MAX included.
    pub(crate) fn field_type(&mut self, field: &ast::Field) -> Option<TypeId> {
        let ty = self.resolve(&field.ty);
        let Some(max) = &field.max else { return ty };
        let span = max.span;
        let max = self.list_max(max);
        self.bounded(ty?, max?, span)
    }

    /// `IN unit`: whether there is such a unit, and whether it counts what the type is.
    pub(crate) fn field_unit(&mut self, unit: &ast::Name, ty: TypeId) -> Option<()> {
        let bare = self.types.inner(ty).unwrap_or(ty);
        let name = self.types.name(bare);
        let fitting: Vec<&str> = quantity::UNITS
            .iter()
            .filter(|unit| unit.ty == bare && (unit.printed || unit.text == "USD"))
            .map(|unit| unit.text)
            .collect();
        let Some(found) = quantity::find(&unit.text) else {
            let near = quantity::suggest(&unit.text).filter(|near| fitting.contains(near));
            self.report(errors::units::unknown_unit(unit, near.or(fitting.first().copied())));
            return None;
        };
        if found.ty == bare && bare != TypeId::PERCENT {
            return Some(());
        }
        let counted = self.types.name(found.ty);
        self.report(errors::units::counts_something_else(unit, &counted, &name, &fitting));
        None
    }
}
