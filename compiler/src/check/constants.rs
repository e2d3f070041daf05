//! CONST, and every other value that must be known before the program runs.

use std::collections::BTreeSet;

use swarm_bytecode::types::{Constant, Type, TypeId};
use swarm_grammar::ast::{self, ExprKind as Kind, TypeExprKind};

use super::Checker;
use super::body::{Body, Place};
use super::collect::Plan;
use super::conversions::Wanted;
use super::environment::{Answer, Symbol};
use super::errors;
use super::evaluate::evaluate;
use crate::typed::{Expr, ExprKind};

impl Checker<'_> {
    /// Computes every CONST, each after those it is made of.
    pub(crate) fn constants(&mut self, plan: &Plan<'_>) {
        let needs: Vec<Vec<usize>> = plan.constants.iter().map(|constant| self.needs(constant)).collect();
        for at in self.constant_order(plan, &needs) {
            let Some(constant) = plan.constants.get(at) else { continue };
            let value = self.constant_declaration(constant);
            if let Some(info) = self.env.constants.get_mut(at) {
                info.value = value;
            }
        }
    }

    fn constant_declaration(&mut self, constant: &ast::Const) -> Option<(TypeId, Constant)> {
        let ty = match &constant.ty {
            Some(written) => Some((self.resolve(written)?, written.span)),
            None => None,
        };
        let wanted = Wanted { what: constant.name.text.clone(), declared: ty.map(|(_, span)| span) };
        let (ty, value) = self.constant(&constant.value, ty.map(|(ty, _)| ty), &wanted, "a CONST")?;
        let simple = !matches!(value, Constant::Empty);
        if !simple {
            self.report(errors::not_yet("A CONST that is a list or NONE", constant.value.span));
            return None;
        }
        Some((ty, value))
    }

    /// The CONSTs that one is made of, each once.
    fn needs(&self, constant: &ast::Const) -> Vec<usize> {
        let mut needs = BTreeSet::new();
        let mut note = |name: &str| {
            if let Some(Symbol::Const(at)) = self.env.get(name).map(|declared| declared.symbol) {
                needs.insert(at);
            }
        };
        each_name(&constant.value, &mut note);
        if let Some(ty) = &constant.ty {
            each_name_of_type(ty, &mut note);
        }
        needs.into_iter().collect()
    }

    /// An order in which each CONST comes after those it needs. Those that need themselves are reported and left
    /// out, and what needs them stays silent. The walk keeps its own way: (CONST, how many of its needs were seen).
    fn constant_order(&mut self, plan: &Plan<'_>, needs: &[Vec<usize>]) -> Vec<usize> {
        #[derive(Clone, Copy, PartialEq)]
        enum Mark {
            New,
            OnTheWay,
            Done,
        }
        let mut order = Vec::with_capacity(needs.len());
        let mut marks = vec![Mark::New; needs.len()];
        for root in 0..needs.len() {
            let mut way =
                if marks.get(root) == Some(&Mark::New) { vec![(root, 0_usize)] } else { Vec::new() };
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
                        let names: Vec<usize> = way.iter().map(|(at, _)| *at).collect();
                        self.report_circle(plan, &names, next);
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
        order
    }

    fn report_circle(&mut self, plan: &Plan<'_>, way: &[usize], again: usize) {
        let start = way.iter().position(|at| *at == again).unwrap_or(0);
        let circle: Vec<&ast::Name> = way
            .get(start..)
            .unwrap_or(&[])
            .iter()
            .filter_map(|at| plan.constants.get(*at).map(|constant| &constant.name))
            .collect();
        if let Some(diagnostic) = errors::declarations::circle("CONST", &circle) {
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
    ) -> Option<(TypeId, Constant)> {
        let mut body = Body::new(self, Place::Constant(what), "".into(), Answer::Nothing);
        let expr = match ty {
            Some(ty) => body.value(source, ty, wanted),
            None => body.expression(source, None),
        }?;
        let value = self.evaluated(&expr, source, what)?;
        Some((ty.or(expr.ty)?, value))
    }

    fn evaluated(&mut self, expr: &Expr, source: &ast::Expr, what: &'static str) -> Option<Constant> {
        match evaluate(expr) {
            Ok(Some(value)) => Some(value),
            Ok(None) => {
                let composed = matches!(
                    expr.kind,
                    ExprKind::List(_) | ExprKind::Record(_) | ExprKind::Some(_) | ExprKind::Aggregate { .. }
                );
                let diagnostic = if composed {
                    errors::not_yet(&format!("A list, record or optional as {what}"), source.span)
                } else {
                    errors::constants::not_computable(source.span, what)
                };
                self.report(diagnostic);
                None
            }
            Err(trap) => {
                self.report(errors::constants::traps(trap, source.span, what));
                None
            }
        }
    }

    /// A constant of an integer-carried type.
    pub(crate) fn constant_word(
        &mut self,
        source: &ast::Expr,
        ty: TypeId,
        what: &'static str,
    ) -> Option<i64> {
        match self.constant(source, Some(ty), &Wanted::words(what), what)?.1 {
            Constant::Word(word) => Some(word),
            _ => None,
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
        let (_, value) = self.constant(source, Some(ty), &wanted, "a default")?;
        let optional = matches!(self.types.get(ty), Some(Type::Optional(_)));
        if optional && value != Constant::Empty {
            self.report(errors::not_yet("A default other than NONE for an optional", source.span));
            return None;
        }
        Some(value)
    }
}

/// Calls `note` with each name an expression refers to.
fn each_name(expr: &ast::Expr, note: &mut dyn FnMut(&str)) {
    match &expr.kind {
        Kind::Name(name) => note(name),
        Kind::List(items) => items.iter().for_each(|item| each_name(item, note)),
        Kind::Map(pairs) => pairs.iter().for_each(|(key, value)| {
            each_name(key, note);
            each_name(value, note);
        }),
        Kind::Paren(inner) | Kind::Member(inner, _) | Kind::Unary(_, inner) => each_name(inner, note),
        Kind::Index(a, b) | Kind::Binary(_, _, a, b) | Kind::Range(a, b) => {
            each_name(a, note);
            each_name(b, note);
        }
        Kind::Call { arguments, .. } => {
            arguments.iter().for_each(|argument| each_name(&argument.value, note));
        }
        Kind::If { condition, then, otherwise } => {
            each_name(condition, note);
            each_name(then, note);
            each_name(otherwise, note);
        }
        Kind::Aggregate { value, generator, .. } => {
            value.iter().for_each(|value| each_name(value, note));
            each_name(&generator.source, note);
            generator.filter.iter().for_each(|filter| each_name(filter, note));
        }
        Kind::Top { .. } | Kind::Number(_) | Kind::String(_) | Kind::Bool(_) | Kind::None | Kind::Error => {}
    }
}

/// Calls `note` with each name the limits inside a written type refer to.
fn each_name_of_type(ty: &ast::TypeExpr, note: &mut dyn FnMut(&str)) {
    match &ty.kind {
        TypeExprKind::Name(_) | TypeExprKind::Error => {}
        TypeExprKind::Generic { arguments, .. } => {
            arguments.iter().for_each(|argument| each_name_of_type(argument, note));
        }
        TypeExprKind::Quotient(a, b) => {
            each_name_of_type(a, note);
            each_name_of_type(b, note);
        }
        TypeExprKind::Optional(inner) => each_name_of_type(inner, note),
        TypeExprKind::Bounded(inner, max) => {
            each_name_of_type(inner, note);
            each_name(max, note);
        }
    }
}
