//! Natives: library functions that are not written in Swarm, found by name and by what they are given; and
//! the few built-in functions that are no natives: `len` of a list, `time`, and the figures of a
//! DISTRIBUTION.

use smol_str::SmolStr;
use swarm_bytecode::module::MetricKind;
use swarm_bytecode::native::{Bindings, NATIVES, Native, Pattern, Shape};
use swarm_bytecode::quantity::parse_time;
use swarm_bytecode::types::TypeId;
use swarm_grammar::ast;
use swarm_grammar::span::Span;

use super::body::{Body, Place, typed};
use super::conversions::to_float;
use super::environment::Symbol;
use super::errors;
use crate::typed::{Expr, ExprKind};

/// Functions that read a DISTRIBUTION, with the quantile in parts per million; `mean` has none.
const FIGURES: [(&str, Option<i64>); 5] = [
    ("p50", Some(500_000)),
    ("p90", Some(900_000)),
    ("p95", Some(950_000)),
    ("p99", Some(990_000)),
    ("mean", None),
];

/// Whether the language itself has a function of this name.
pub(crate) fn is_builtin(name: &str) -> bool {
    builtins().any(|builtin| builtin == name)
}

/// Names of all functions the language itself has.
pub(crate) fn builtins() -> impl Iterator<Item = &'static str> {
    let figures = FIGURES.iter().map(|(name, _)| *name);
    NATIVES.iter().map(|native| native.name).chain(["len", "time"]).chain(figures)
}

/// What keeps a native from taking some arguments.
enum Misfit {
    /// Not so many, or not of that name.
    Count,
    /// The argument at this place.
    Argument(usize),
}

impl Body<'_, '_> {
    /// A call of a native: the first row of the name that takes the arguments.
    pub(crate) fn native(
        &mut self,
        name: &SmolStr,
        arguments: &[ast::Argument],
        at: Span,
        span: Span,
        expected: Option<TypeId>,
    ) -> Option<Expr> {
        let rows: Vec<&'static Native> = Native::named(name).collect();
        if rows.is_empty() {
            self.evaluate_only(arguments);
            self.report(errors::natives::not_a_distribution(name, at));
            return None;
        }
        let given = self.native_arguments(&rows, arguments)?;
        let mut nearest: Option<(&'static Native, usize)> = None;
        for row in rows.iter().copied() {
            let Some(order) = order(row, arguments) else { continue };
            let types = order.iter().filter_map(|at| given.get(*at).and_then(|value| value.ty));
            match self.native_types(row, &types.collect::<Vec<TypeId>>()) {
                Ok(bindings) => {
                    if row.function.compares() {
                        for (argument, value) in arguments.iter().zip(&given) {
                            self.unseen(&argument.value, value.ty?, "compared")?;
                        }
                    }
                    let values = in_order(&order, given)?;
                    return self.native_call(row, values, &bindings, span, expected);
                }
                Err(Misfit::Argument(place)) if nearest.is_none_or(|(_, known)| place > known) => {
                    nearest = Some((row, place));
                }
                Err(_) => {}
            }
        }
        match nearest {
            Some((row, place)) => self.native_misfit(row, place, arguments, &given),
            None => self.report(errors::natives::arguments(&rows, arguments.len(), at)),
        }
        None
    }

    /// The arguments of a call, each checked once. `[]` and the like take their type from the first list or map.
    fn native_arguments(
        &mut self,
        rows: &[&'static Native],
        arguments: &[ast::Argument],
    ) -> Option<Vec<Expr>> {
        let mut given: Vec<Option<Expr>> = vec![None; arguments.len()];
        let mut like = None;
        let mut understood = true;
        for (argument, slot) in arguments.iter().zip(&mut given) {
            if super::expressions::takes_type(&argument.value) {
                continue;
            }
            let value = self.expression(&argument.value, None);
            let value = value.and_then(|value| self.native_argument(rows, value, &argument.value));
            understood &= value.is_some();
            like = like.or(value.as_ref().and_then(|value| value.ty));
            *slot = value;
        }
        for (argument, slot) in arguments.iter().zip(&mut given) {
            if super::expressions::takes_type(&argument.value) && understood {
                *slot = self.expression(&argument.value, like);
                understood &= slot.is_some();
            }
        }
        if understood { given.into_iter().collect() } else { None }
    }

    /// An argument that may be NONE is only for a native that takes such.
    fn native_argument(&mut self, rows: &[&'static Native], value: Expr, source: &ast::Expr) -> Option<Expr> {
        let optional = |pattern: &Pattern| {
            use Pattern::{Any, OptionalAny, OptionalFloat, OptionalInt};
            matches!(pattern, Any | OptionalAny | OptionalFloat | OptionalInt)
        };
        let takes = rows.iter().any(|row| row.parameters.iter().any(|(_, pattern)| optional(pattern)));
        if takes { Some(value) } else { self.present(value, source) }
    }

    /// The result of a native for arguments of these types, if it takes them as they are.
    pub(crate) fn native_result(&self, row: &Native, types: &[TypeId]) -> Option<Shape> {
        let bindings = self.native_types(row, types).ok()?;
        row.result.shape(&bindings)
    }

    /// What the variables of a native's signature stand for when it is given arguments of these types. An int is
    /// taken for a float.
    fn native_types(&self, row: &Native, types: &[TypeId]) -> Result<Bindings, Misfit> {
        if row.parameters.len() != types.len() {
            return Err(Misfit::Count);
        }
        let numbers = row.parameters.iter().zip(types).filter(|((_, pattern), _)| is_number(*pattern));
        let mut bindings = Bindings::default();
        // An int beside a float is one.
        if numbers.clone().any(|(_, ty)| *ty == TypeId::FLOAT)
            && numbers.clone().all(|(_, ty)| matches!(*ty, TypeId::INT | TypeId::FLOAT))
        {
            bindings.any = Some(TypeId::FLOAT);
        }
        for (place, ((_, pattern), ty)) in row.parameters.iter().zip(types).enumerate() {
            let floats = is_number(*pattern) && bindings.any == Some(TypeId::FLOAT);
            let ty = if *ty == TypeId::INT && (floats || *pattern == Pattern::Float) {
                TypeId::FLOAT
            } else {
                *ty
            };
            if !pattern.admits(ty, &mut bindings, |id| self.cx.types.get(id)) {
                return Err(Misfit::Argument(place));
            }
        }
        Ok(bindings)
    }

    fn native_call(
        &mut self,
        row: &'static Native,
        given: Vec<Expr>,
        bindings: &Bindings,
        span: Span,
        expected: Option<TypeId>,
    ) -> Option<Expr> {
        let first = given.first().and_then(|value| value.ty);
        let mut values = Vec::with_capacity(given.len());
        for ((_, pattern), value) in row.parameters.iter().zip(given) {
            let float =
                *pattern == Pattern::Float || (is_number(*pattern) && bindings.any == Some(TypeId::FLOAT));
            values.push(if float && value.ty == Some(TypeId::INT) { to_float(value) } else { value });
        }
        let ty = match row.result.shape(bindings)? {
            Shape::Is(ty) => ty,
            Shape::Optional(inner) if self.cx.types.inner(inner).is_some() => {
                let name = self.cx.types.name(inner);
                self.report(errors::natives::none_of_two_kinds(row.name, &name, span));
                return None;
            }
            Shape::Optional(inner) => self.cx.types.optional(inner),
            Shape::List(element) => {
                let max = self.native_max(row, first, &values);
                let own = self.cx.types.list(element, max);
                self.as_expected(own, expected)
            }
            Shape::Map(key, value) => {
                let max = first.and_then(|first| self.cx.types.max(first));
                let own = self.cx.types.map(key, value, max);
                self.as_expected(own, expected)
            }
        };
        Some(typed(ExprKind::Native(row.id, values), ty, span))
    }

    /// The MAX of a list or map that is made here is its place's choice: more items stop the run.
    pub(crate) fn as_expected(&self, own: TypeId, expected: Option<TypeId>) -> TypeId {
        let wanted = expected.map(|ty| self.cx.types.inner(ty).unwrap_or(ty));
        wanted.filter(|wanted| self.cx.types.same_but_max(own, *wanted)).unwrap_or(own)
    }

    /// How many items a list that a native makes can have, from what its first lists can have.
    fn native_max(&self, row: &Native, first: Option<TypeId>, values: &[Expr]) -> Option<u32> {
        if !row.parameters.first().is_some_and(|(_, pattern)| {
            use Pattern::{ListAny, ListOrdered, Map};
            matches!(pattern, ListAny | ListOrdered | Map)
        }) {
            return None;
        }
        let max = self.cx.types.max(first?)?;
        match (row.name, values) {
            ("append", [_, second]) => max.checked_add(self.cx.types.max(second.ty?)?),
            _ => Some(max),
        }
    }

    /// Says which argument does not fit, and why.
    fn native_misfit(
        &mut self,
        row: &'static Native,
        place: usize,
        arguments: &[ast::Argument],
        given: &[Expr],
    ) {
        let argument = |place: usize| {
            let at = *order(row, arguments)?.get(place)?;
            Some((&arguments.get(at)?.value, given.get(at)?.ty?))
        };
        let (Some((source, ty)), Some((parameter, pattern))) = (argument(place), row.parameters.get(place))
        else {
            return;
        };
        if self.unseen(source, ty, "looked at").is_none() {
            return;
        }
        let side = self.side(source, ty);
        // Two values that have to be of one type.
        if let Some((other, other_ty)) = argument(0).filter(|_| place > 0 && is_number(*pattern))
            && self.cx.types.kind(ty).calculates()
            && self.cx.types.kind(other_ty).calculates()
            && ty != other_ty
        {
            self.mixed((other, other_ty), (source, ty), source.span, "taken together");
            return;
        }
        self.report(errors::natives::misfit(row, parameter, *pattern, &side));
    }

    /// `len(xs)`: of a list, a map or a text.
    pub(crate) fn length(&mut self, arguments: &[ast::Argument], name: Span, span: Span) -> Option<Expr> {
        let [ast::Argument { name: None, value: source }] = arguments else {
            self.evaluate_only(arguments);
            self.report(errors::calls::len_arguments(arguments.len(), name));
            return None;
        };
        let whole = self.expression(source, None)?;
        let whole = self.present(whole, source)?;
        let ty = whole.ty?;
        if self.cx.types.element(ty).is_some() || self.cx.types.entry(ty).is_some() {
            return Some(typed(ExprKind::Length(Box::new(whole)), TypeId::INT, span));
        }
        match Native::named("len").find(|row| self.native_types(row, &[ty]).is_ok()) {
            Some(row) => Some(typed(ExprKind::Native(row.id, vec![whole]), TypeId::INT, span)),
            None => {
                self.unseen(source, ty, "measured")?;
                let side = self.side(source, ty);
                self.report(errors::types::no_length(&side));
                None
            }
        }
    }

    /// `time("2026-11-20T08:00:00Z")`: a literal in all but its look.
    pub(crate) fn time(&mut self, arguments: &[ast::Argument], name: Span, span: Span) -> Option<Expr> {
        let [ast::Argument { name: None, value: source }] = arguments else {
            self.evaluate_only(arguments);
            self.report(errors::natives::time_of_what(name));
            return None;
        };
        let ast::ExprKind::String(literal) = &source.kind else {
            self.expression(source, None)?;
            self.report(errors::natives::time_of_what(source.span));
            return None;
        };
        let text = self.cx.constant_text(literal, "a point in time")?;
        match parse_time(&text) {
            Some(nanoseconds) => Some(typed(ExprKind::Word(nanoseconds), TypeId::TIME, span)),
            None => {
                self.report(errors::natives::bad_time(&text, source.span));
                None
            }
        }
    }

    /// `p99(latency)`: a figure of a DISTRIBUTION, whatever else has that name. `None`: it is something else.
    pub(crate) fn figure(
        &mut self,
        name: &str,
        arguments: &[ast::Argument],
        at: Span,
        span: Span,
    ) -> Option<Option<Expr>> {
        let (_, quantile) = FIGURES.iter().find(|(figure, _)| *figure == name)?;
        let [ast::Argument { name: None, value: source }] = arguments else { return None };
        let Some(Symbol::Metric(id)) = self.path(source) else { return None };
        let info = self.cx.env.metric(id)?.clone();
        let metric: SmolStr = self.cx.quote(source.span).into();
        if info.kind != MetricKind::Distribution {
            let declared = self.symbol(name).is_some();
            if declared {
                return None;
            }
            self.report(errors::natives::no_distribution(name, &metric, source.span, info.span));
            return Some(None);
        }
        if let Place::Constant(what) = self.place {
            self.report(errors::constants::not_constant(name, at, what));
            return Some(None);
        }
        if self.reads_metric(id, &metric, source.span).is_none() {
            return Some(None);
        }
        let Some(ty) = info.ty else { return Some(None) };
        // The mean of whole numbers is a float.
        let ty = if quantile.is_none() && ty == TypeId::INT { TypeId::FLOAT } else { ty };
        let ty = self.cx.types.optional(ty);
        let kind = match quantile {
            Some(parts) => ExprKind::Quantile(id, *parts),
            None => ExprKind::Mean(id),
        };
        Some(Some(typed(kind, ty, span)))
    }
}

fn is_number(pattern: Pattern) -> bool {
    matches!(pattern, Pattern::Number | Pattern::Quantity)
}

/// For each parameter of a native which argument is for it; `None` where they are not so many, or not of
/// these names.
fn order(row: &Native, arguments: &[ast::Argument]) -> Option<Vec<usize>> {
    if arguments.len() != row.parameters.len() {
        return None;
    }
    let mut order: Vec<Option<usize>> = vec![None; arguments.len()];
    let mut named = false;
    for (position, argument) in arguments.iter().enumerate() {
        let place = match &argument.name {
            None if named => return None,
            None => position,
            Some(name) => {
                named = true;
                row.parameters.iter().position(|(parameter, _)| *parameter == name.text)?
            }
        };
        if order.get_mut(place)?.replace(position).is_some() {
            return None;
        }
    }
    order.into_iter().collect()
}

/// Values by the places that are given for them.
fn in_order(order: &[usize], values: Vec<Expr>) -> Option<Vec<Expr>> {
    let mut values: Vec<Option<Expr>> = values.into_iter().map(Some).collect();
    order.iter().map(|at| values.get_mut(*at)?.take()).collect()
}
