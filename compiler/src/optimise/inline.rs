//! Inlining: a call of a small function that only gives back an expression becomes that expression.
//!
//! The arguments are put into the places of the parameters. So they have to be such that it does not matter
//! when, how often and whether they are evaluated; or the one that does matter is evaluated exactly once, and
//! first.

use std::collections::BTreeMap;

use super::quiet::{Quiet, is_fixed};
use super::rewrite::{bottom_up, every_expr};
use crate::code::walk::{Part, walk_expr};
use crate::typed::{
    Expr, ExprKind, Function, FunctionIndex, Iteration, Local, LocalId, Source, Statement, StatementKind,
};

/// Expressions of at most so many parts are put in place of calls.
const MAX_PARTS: usize = 32;

/// A function grows by at most so many parts.
const MAX_GROWTH: usize = 4_000;

/// The functions that can stand in the place of their calls.
#[derive(Default)]
pub(super) struct Templates(BTreeMap<FunctionIndex, Template>);

impl Templates {
    /// Notes a function, if it is such a one.
    pub(super) fn learn(&mut self, index: FunctionIndex, function: &Function) {
        self.0.extend(template(function).map(|template| (index, template)));
    }

    /// Puts templates in the place of calls; says whether there was one.
    pub(super) fn expand(&self, function: &mut Function, quiet: &Quiet) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let Function { locals, body, .. } = function;
        let mut growth = 0_usize;
        every_expr(body, &mut |expr| {
            let ExprKind::Call(callee, arguments) = &expr.kind else { return };
            let Some(template) = self.0.get(callee) else { return };
            let larger = growth.saturating_add(template.parts);
            if larger > MAX_GROWTH || !fits(template, arguments, quiet) {
                return;
            }
            growth = larger;
            let value = put(template, arguments, locals);
            // A list can stand where more items are admitted.
            *expr = value;
        });
        growth > 0
    }
}

/// A function that gives back an expression.
struct Template {
    value: Expr,
    /// Its parameters come first; then the locals of its loops.
    locals: Vec<Local>,
    parameters: u32,
    /// How often each parameter stands in the value; in a loop that is more than once.
    uses: Vec<usize>,
    parts: usize,
}

/// The expression that a function gives back, if it does nothing else.
fn template(function: &Function) -> Option<Template> {
    let value = value_of(&function.body, function)?;
    let mut parts = 0_usize;
    let mut uses = vec![0_usize; function.parameters as usize];
    walk_expr(&value, &mut |part| {
        parts = parts.saturating_add(1);
        let Part::Expr(expr) = part else { return };
        count(expr, 1, &mut uses);
        if let ExprKind::Aggregate { .. } | ExprKind::Top { .. } = expr.kind {
            // Once more for what stands in the loop, and maybe not in it: more than once is all that matters.
            walk_expr(expr, &mut |part| {
                if let Part::Expr(expr) = part {
                    count(expr, 1, &mut uses);
                }
            });
        }
    });
    let small = parts <= MAX_PARTS;
    small.then(|| Template {
        value,
        locals: function.locals.clone(),
        parameters: function.parameters,
        uses,
        parts,
    })
}

fn count(expr: &Expr, times: usize, uses: &mut [usize]) {
    if let ExprKind::Local(LocalId(local)) = expr.kind
        && let Some(uses) = uses.get_mut(local as usize)
    {
        *uses = uses.saturating_add(times);
    }
}

/// `RETURN a`, or `IF c { RETURN a } …`, as one expression.
fn value_of(body: &[Statement], function: &Function) -> Option<Expr> {
    let (first, rest) = body.split_first()?;
    match &first.kind {
        StatementKind::Return(Some(value)) => Some(value.clone()),
        StatementKind::If { condition, then, otherwise } => {
            let then = value_of(then, function)?;
            let otherwise = value_of(if otherwise.is_empty() { rest } else { otherwise }, function)?;
            let kind = ExprKind::If(Box::new(condition.clone()), Box::new(then), Box::new(otherwise));
            Some(Expr { kind, ty: function.result, span: first.span })
        }
        _ => None,
    }
}

/// Whether the arguments may be put into the places of the parameters.
fn fits(template: &Template, arguments: &[Expr], quiet: &Quiet) -> bool {
    let types = template.locals.iter().map(|local| Some(local.ty));
    if !arguments.iter().map(|argument| argument.ty).eq(types.take(template.parameters as usize)) {
        return false;
    }
    let plain = |argument: &Expr| {
        matches!(
            argument.kind,
            ExprKind::Word(_)
                | ExprKind::Float(_)
                | ExprKind::String(_)
                | ExprKind::Local(_)
                | ExprKind::Input(_)
                | ExprKind::Context(_)
        )
    };
    let pure = quiet.expr(&template.value) || template.parts_are_pure();
    let movable = |argument: &Expr, uses: usize| {
        plain(argument) || (uses <= 1 && pure && quiet.expr(argument) && is_fixed(argument))
    };
    let mut first = None;
    for (at, argument) in arguments.iter().enumerate() {
        let uses = template.uses.get(at).copied().unwrap_or(0);
        if !movable(argument, uses) {
            // One argument may matter if it is evaluated once, before all else.
            if first.is_some() || uses != 1 || template.first() != u32::try_from(at).ok().map(LocalId) {
                return false;
            }
            first = Some(at);
        }
    }
    true
}

impl Template {
    /// Whether the value asks no host and calls nothing: it may trap, but has no effect.
    fn parts_are_pure(&self) -> bool {
        let mut pure = true;
        walk_expr(&self.value, &mut |part| {
            if let Part::Expr(Expr { kind: ExprKind::Host(..) | ExprKind::Call(..), .. }) = part {
                pure = false;
            }
        });
        pure
    }

    /// The parameter that is evaluated first of all, whatever happens then.
    fn first(&self) -> Option<LocalId> {
        let mut expr = &self.value;
        loop {
            expr = match &expr.kind {
                ExprKind::Local(local) => return Some(*local).filter(|local| local.0 < self.parameters),
                ExprKind::Unary(_, inner)
                | ExprKind::Field(inner, _)
                | ExprKind::Length(inner)
                | ExprKind::Text(inner)
                | ExprKind::Some(inner)
                | ExprKind::Binary(_, inner, _)
                | ExprKind::And(inner, _)
                | ExprKind::Or(inner, _)
                | ExprKind::Coalesce(inner, _)
                | ExprKind::If(inner, ..)
                | ExprKind::Item(inner, _)
                | ExprKind::Find(inner, _) => inner,
                ExprKind::Record(parts)
                | ExprKind::List(parts)
                | ExprKind::Case(_, parts)
                | ExprKind::Concat(parts)
                | ExprKind::Native(_, parts) => parts.first()?,
                _ => return None,
            };
        }
    }
}

/// The template's value with the arguments in it, and new locals for its loops.
fn put(template: &Template, arguments: &[Expr], locals: &mut Vec<Local>) -> Expr {
    let mut value = template.value.clone();
    let offset = locals.len();
    let parameters = template.parameters as usize;
    let own = template.locals.get(parameters..).unwrap_or(&[]);
    if template.has_loops() {
        locals.extend(own.iter().cloned());
    }
    let moved = |local: &mut LocalId| {
        let at = (local.0 as usize).saturating_sub(parameters).saturating_add(offset);
        *local = LocalId(u32::try_from(at).unwrap_or(u32::MAX));
    };
    bottom_up(&mut value, &mut |expr| match &mut expr.kind {
        ExprKind::Local(local) => match arguments.get(local.0 as usize) {
            Some(argument) => *expr = argument.clone(),
            None => moved(local),
        },
        ExprKind::Aggregate { iteration, .. } | ExprKind::Top { iteration, .. } => {
            let Iteration { source, item, index, .. } = &mut **iteration;
            moved(item);
            index.iter_mut().for_each(moved);
            if let Source::Map(_, key) = source {
                moved(key);
            }
        }
        _ => {}
    });
    value
}

impl Template {
    fn has_loops(&self) -> bool {
        self.locals.len() > self.parameters as usize
    }
}
