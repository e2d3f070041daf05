//! What must be known before the program runs: each CONST, and the types whose limits and defaults are made
//! of them.

use std::collections::{BTreeMap, BTreeSet};

use swarm_bytecode::types::{Constant, TypeId};
use swarm_grammar::ast::{self, ExprKind as Kind, TypeExprKind};
use swarm_grammar::span::Span;

use super::Checker;
use super::body::{Body, Place};
use super::collect::Plan;
use super::conversions::Wanted;
use super::environment::{Answer, Symbol};
use super::errors;
use super::evaluate::{Stopped, Why};
use crate::typed::{Expr, ExprKind};

/// CONSTs, then TYPEs, then ENUMs, by their place in the plan: what has to be defined, each after those it needs.
#[derive(Clone, Copy)]
enum Definition {
    Const(usize),
    Type(usize),
    Enum(usize),
}

impl Checker<'_> {
    /// Computes every CONST and completes every TYPE and ENUM, each after those it is made of.
    pub(crate) fn definitions(&mut self, plan: &Plan<'_>) {
        let constants = (0..plan.constants.len()).map(Definition::Const);
        let types = (0..plan.types.len()).map(Definition::Type);
        let enums = (0..plan.enums.len()).map(Definition::Enum);
        let all: Vec<Definition> = constants.chain(types).chain(enums).collect();
        let own_types = plan.types.iter().map(|(id, _)| *id).chain(plan.enums.iter().map(|(id, _)| *id));
        let places: BTreeMap<TypeId, usize> = own_types.zip(plan.constants.len()..).collect();
        let needs: Vec<Vec<usize>> =
            all.iter().map(|definition| self.needs(plan, *definition, &places)).collect();
        let (order, circles) = definition_order(&needs);
        for circle in &circles {
            self.report_circle(plan, &all, circle);
        }
        // A type that needs itself still has fields, so that nothing else is said of it; a CONST has no value.
        let in_circles = circles.into_iter().flatten();
        let left = in_circles.filter(|at| !matches!(all.get(*at), Some(Definition::Const(_))));
        for at in order.into_iter().chain(left) {
            match all.get(at) {
                Some(Definition::Const(at)) => self.define_constant(plan, *at),
                Some(Definition::Type(at)) => {
                    if let Some((id, declaration)) = plan.types.get(*at) {
                        self.env.at = declaration.scope;
                        self.record(*id, declaration);
                    }
                }
                Some(Definition::Enum(at)) => {
                    if let Some((id, declaration)) = plan.enums.get(*at) {
                        self.env.at = declaration.scope;
                        self.payloads(*id, declaration);
                    }
                }
                None => {}
            }
        }
    }

    fn define_constant(&mut self, plan: &Plan<'_>, at: usize) {
        let Some(constant) = plan.constants.get(at) else { return };
        self.env.at = constant.scope;
        let value = self.constant_declaration(constant);
        if let Some(info) = self.env.constants.get_mut(at) {
            info.size = value.as_ref().map_or(0, size);
            info.value = value;
        }
    }

    fn constant_declaration(&mut self, constant: &ast::Const) -> Option<Expr> {
        let ty = match &constant.ty {
            Some(written) => Some((self.resolve(written)?, written.span)),
            None => None,
        };
        let wanted = Wanted { what: constant.name.text.clone(), declared: ty.map(|(_, span)| span) };
        self.constant(&constant.value, ty.map(|(ty, _)| ty), &wanted, "a CONST")
    }

    /// The value of a CONST where it is used.
    pub(crate) fn constant_value(&mut self, at: usize, span: Span) -> Option<Expr> {
        let constant = self.env.constants.get_mut(at)?;
        constant.used = true;
        let size = constant.size;
        constant.value.as_ref()?;
        self.write_out(size, span)?;
        self.env.constants.get(at)?.value.clone()
    }

    /// Counts values that a use of a CONST, or of a default, writes out where it stands; there is an end to that.
    pub(crate) fn write_out(&mut self, values: usize, span: Span) -> Option<()> {
        let before = self.written_out;
        self.written_out = before.saturating_add(values);
        if self.written_out <= MAX_WRITTEN_OUT {
            return Some(());
        }
        if before <= MAX_WRITTEN_OUT {
            self.report(errors::declarations::written_out(span, MAX_WRITTEN_OUT));
        }
        None
    }

    /// What one definition is made of, each once, by its place among all; `places` has those of the types.
    fn needs(
        &mut self,
        plan: &Plan<'_>,
        definition: Definition,
        places: &BTreeMap<TypeId, usize>,
    ) -> Vec<usize> {
        let mut names = Names::default();
        let scope = match definition {
            Definition::Const(at) => plan.constants.get(at).map(|constant| {
                names.of_expr(&constant.value);
                constant.ty.iter().for_each(|ty| names.of_type(ty));
                constant.scope
            }),
            Definition::Type(at) => plan.types.get(at).map(|(_, declaration)| {
                for field in &declaration.fields {
                    names.of_type(&field.ty);
                    field.max.iter().chain(&field.default).for_each(|expr| names.of_expr(expr));
                }
                declaration.scope
            }),
            Definition::Enum(at) => plan.enums.get(at).map(|(_, declaration)| {
                for parameter in declaration.cases.iter().flat_map(|case| &case.parameters) {
                    names.of_type(&parameter.ty);
                }
                declaration.scope
            }),
        };
        self.env.at = scope.unwrap_or(self.env.at);
        let mut needs = BTreeSet::new();
        for (alias, name) in names.found {
            let symbols = match alias.map(|alias| self.env.get(alias).map(|alias| alias.symbol)) {
                None => self.symbols(name),
                Some(Some(Symbol::Module(scope))) => {
                    self.env.own(scope, name).map(|declared| declared.symbol).into_iter().collect()
                }
                Some(_) => Vec::new(),
            };
            needs.extend(symbols.into_iter().filter_map(|symbol| match symbol {
                Symbol::Const(at) => Some(at),
                Symbol::Type(id) => places.get(&id).copied(),
                _ => None,
            }));
        }
        needs.into_iter().collect()
    }

    /// What a name may stand for in an expression: a declaration, else the enums of which it is a case.
    fn symbols(&self, name: &str) -> Vec<Symbol> {
        match self.env.get(name) {
            Some(declared) => vec![declared.symbol],
            None => self.env.cases(name).into_iter().map(|(ty, _)| Symbol::Type(ty)).collect(),
        }
    }

    fn report_circle(&mut self, plan: &Plan<'_>, all: &[Definition], circle: &[usize]) {
        let name = |at: &usize| match all.get(*at)? {
            Definition::Const(at) => plan.constants.get(*at).map(|own| (&own.item.name, "CONST")),
            Definition::Type(at) => plan.types.get(*at).map(|(_, own)| (&own.item.name, "TYPE")),
            Definition::Enum(at) => plan.enums.get(*at).map(|(_, own)| (&own.item.name, "ENUM")),
        };
        let found: Vec<(&ast::Name, &str)> = circle.iter().filter_map(name).collect();
        let names: Vec<&ast::Name> = found.iter().map(|(name, _)| *name).collect();
        let keyword = found.first().map_or("CONST", |(_, keyword)| keyword);
        let why = "Its value cannot be computed, because it is needed to compute it.";
        if let Some(diagnostic) = errors::declarations::circle(keyword, &names, why) {
            self.report(diagnostic);
        }
    }

    /// The value of an expression that must be known before the program runs; `what` says whose it is.
    pub(crate) fn constant(
        &mut self,
        source: &ast::Expr,
        ty: Option<TypeId>,
        wanted: &Wanted,
        what: &'static str,
    ) -> Option<Expr> {
        let mut body = Body::new(self, Place::Constant(what), "".into(), Answer::Nothing);
        let expr = match ty {
            Some(ty) => body.value(source, ty, wanted),
            None => body.expression(source, None),
        }?;
        match self.fold(&expr) {
            Ok(Some(value)) => Some(value),
            Ok(None) => {
                self.report(errors::constants::not_computable(source.span, what));
                None
            }
            Err(stopped) => {
                self.report_stopped(stopped, what);
                None
            }
        }
    }

    /// Says why a constant cannot be computed. When the work is used up, that is said once.
    pub(crate) fn report_stopped(&mut self, stopped: Stopped, what: &str) {
        let told = stopped.why == Why::Work && std::mem::replace(&mut self.work_told, true);
        if !told {
            self.report(errors::constants::stopped(stopped, what));
        }
    }

    /// A constant of an integer-carried type.
    pub(crate) fn constant_word(
        &mut self,
        source: &ast::Expr,
        ty: TypeId,
        what: &'static str,
    ) -> Option<i64> {
        match self.constant(source, Some(ty), &Wanted::words(what), what)?.kind {
            ExprKind::Word(word) => Some(word),
            _ => None,
        }
    }

    /// A text that must be known before the program runs.
    pub(crate) fn constant_text(
        &mut self,
        literal: &ast::StringLiteral,
        what: &'static str,
    ) -> Option<smol_str::SmolStr> {
        if let Some(text) = literal.plain() {
            return Some(text);
        }
        let mut body = Body::new(self, Place::Constant(what), "".into(), Answer::Nothing);
        let text = body.string(literal)?;
        match self.evaluate(&text) {
            Ok(Some(Constant::String(text))) => Some(text),
            Ok(_) => {
                self.report(errors::constants::not_computable(literal.span, what));
                None
            }
            Err(stopped) => {
                self.report_stopped(stopped, what);
                None
            }
        }
    }

    /// A default: a constant of the declared type, as the border wants it.
    pub(crate) fn default_value(
        &mut self,
        source: &ast::Expr,
        ty: TypeId,
        name: &ast::Name,
    ) -> Option<Constant> {
        let wanted = Wanted::declared(name.text.clone(), name.span);
        let value = self.constant(source, Some(ty), &wanted, "a default")?;
        let carried = self.carried_default(&value);
        if carried.is_none() {
            self.report(errors::constants::no_default(&self.types.name(ty), source.span));
        }
        carried
    }

    /// A constant as a module carries it: one value, or nothing but what its type has anyway.
    fn carried_default(&self, value: &Expr) -> Option<Constant> {
        Some(match &value.kind {
            ExprKind::Word(word) => Constant::Word(*word),
            ExprKind::Float(float) => Constant::Float(*float),
            ExprKind::String(text) => Constant::String(text.clone()),
            ExprKind::Zero => Constant::Empty,
            ExprKind::Case(case, payload) if payload.is_empty() => Constant::Case(*case),
            ExprKind::List(items) if items.is_empty() => Constant::Empty,
            ExprKind::Map(entries) if entries.is_empty() => Constant::Empty,
            ExprKind::Record(fields) => {
                let signature = self.env.records.get(&value.ty?)?;
                let usual = fields.len() == signature.parameters.len()
                    && fields.iter().zip(signature.parameters.iter()).all(|(field, own)| {
                        own.default.is_some() && self.carried_default(field) == own.default
                    });
                return usual.then_some(Constant::Empty);
            }
            _ => return None,
        })
    }
}

/// Values that all uses of CONSTs and of defaults together may write out.
const MAX_WRITTEN_OUT: usize = 1 << 20;

/// How many values a constant holds; a long text counts as several. One value alone costs nothing.
fn size(value: &Expr) -> usize {
    let all = |parts: &[Expr]| parts.iter().fold(parts.len(), |sum, part| sum.saturating_add(size(part)));
    match &value.kind {
        ExprKind::List(items) => all(items),
        ExprKind::Record(fields) => all(fields),
        ExprKind::Case(_, payload) => all(payload),
        ExprKind::Map(entries) => entries.iter().fold(entries.len(), |sum, (key, value)| {
            sum.saturating_add(size(key)).saturating_add(size(value))
        }),
        ExprKind::Some(value) => size(value).saturating_add(1),
        ExprKind::String(text) => text.len().checked_div(64).unwrap_or(0),
        _ => 0,
    }
}

/// An order in which each definition comes after those it needs, and the circles of those that need
/// themselves, which are left out of it. The walk keeps its own way: (definition, how many of its needs were
/// seen).
fn definition_order(needs: &[Vec<usize>]) -> (Vec<usize>, Vec<Vec<usize>>) {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        OnTheWay,
        Done,
    }
    let mut order = Vec::with_capacity(needs.len());
    let mut circles = Vec::new();
    let mut marks = vec![Mark::New; needs.len()];
    for root in 0..needs.len() {
        let mut way = if marks.get(root) == Some(&Mark::New) { vec![(root, 0_usize)] } else { Vec::new() };
        while let Some((at, seen)) = way.last_mut() {
            let at = *at;
            let next = needs.get(at).and_then(|needs| needs.get(*seen)).copied();
            *seen = seen.saturating_add(1);
            if let Some(mark) = marks.get_mut(at) {
                *mark = if next.is_some() { Mark::OnTheWay } else { Mark::Done };
            }
            let Some(next) = next else {
                way.pop();
                order.push(at);
                continue;
            };
            match marks.get(next) {
                Some(Mark::New) => way.push((next, 0)),
                Some(Mark::OnTheWay) => {
                    let start = way.iter().position(|(at, _)| *at == next).unwrap_or(0);
                    circles.push(way.iter().skip(start).map(|(at, _)| *at).collect());
                    for (at, _) in way.drain(..) {
                        if let Some(mark) = marks.get_mut(at) {
                            *mark = Mark::Done;
                        }
                    }
                }
                _ => {}
            }
        }
    }
    (order, circles)
}

/// Names that a constant or the limits of a type refer to, with the alias before them where there is one.
#[derive(Default)]
struct Names<'t> {
    found: Vec<(Option<&'t str>, &'t str)>,
}

impl<'t> Names<'t> {
    fn of_expr(&mut self, expr: &'t ast::Expr) {
        match &expr.kind {
            Kind::Name(name) => self.found.push((None, name)),
            Kind::List(items) => items.iter().for_each(|item| self.of_expr(item)),
            Kind::Map(pairs) => pairs.iter().for_each(|(key, value)| {
                self.of_expr(key);
                self.of_expr(value);
            }),
            Kind::Member(inner, name) => {
                if let Kind::Name(alias) = &inner.kind {
                    self.found.push((Some(alias), &name.text));
                }
                self.of_expr(inner);
            }
            Kind::Paren(inner) | Kind::Unary(_, inner) => self.of_expr(inner),
            Kind::Index(a, b) | Kind::Binary(_, _, a, b) | Kind::Range(a, b) => {
                self.of_expr(a);
                self.of_expr(b);
            }
            Kind::Call { callee, arguments } => {
                self.of_expr(callee);
                arguments.iter().for_each(|argument| self.of_expr(&argument.value));
            }
            Kind::If { condition, then, otherwise } => {
                self.of_expr(condition);
                self.of_expr(then);
                self.of_expr(otherwise);
            }
            Kind::String(literal) => self.of_text(literal),
            // Loops are no constants.
            Kind::Aggregate { .. } | Kind::Top(_) => {}
            Kind::Number(_) | Kind::Bool(_) | Kind::None | Kind::Error => {}
        }
    }

    fn of_text(&mut self, literal: &'t ast::StringLiteral) {
        for part in &literal.parts {
            if let ast::StringPart::Hole(hole) = part {
                self.of_expr(hole);
            }
        }
    }

    /// The limits inside a written type.
    fn of_type(&mut self, ty: &'t ast::TypeExpr) {
        match &ty.kind {
            TypeExprKind::Name(_) | TypeExprKind::Error => {}
            TypeExprKind::Generic { arguments, .. } => {
                arguments.iter().for_each(|argument| self.of_type(argument));
            }
            TypeExprKind::Quotient(a, b) => {
                self.of_type(a);
                self.of_type(b);
            }
            TypeExprKind::Optional(inner) => self.of_type(inner),
            TypeExprKind::Bounded(inner, max) => {
                self.of_type(inner);
                self.of_expr(max);
            }
        }
    }
}
