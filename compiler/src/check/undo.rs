//! A warning for two actions that undo each other.
//!
//! Said only where it is certain that both happen: the second comes after the first on every way that leads
//! to it, both are for the same thing, and their names differ only in a pair of opposite words (`SCALE_UP`,
//! `SCALE_DOWN`). Pairs that one uses to do something over (STOP and START, DISABLE and ENABLE) are not among
//! them.

use swarm_bytecode::module::ImportId;
use swarm_grammar::span::Span;

use super::Checker;
use super::errors;
use super::evaluate::same;
use crate::typed::{Expr, ExprKind, Local, Statement, StatementKind};

/// Words that take back what the other does.
const OPPOSITES: [(&str, &str); 9] = [
    ("UP", "DOWN"),
    ("INCREASE", "DECREASE"),
    ("RAISE", "LOWER"),
    ("GROW", "SHRINK"),
    ("EXPAND", "REDUCE"),
    ("ADD", "REMOVE"),
    ("GRANT", "REVOKE"),
    ("ATTACH", "DETACH"),
    ("RESERVE", "RELEASE"),
];

/// Actions done so far that a block looks back at.
const MAX_DONE: usize = 64;

/// An action that has been called on the way.
#[derive(Clone, Copy)]
struct Done<'t> {
    import: ImportId,
    arguments: &'t [Expr],
    span: Span,
}

impl Checker<'_> {
    pub(crate) fn undone_actions(&mut self, statements: &[Statement], locals: &[Local]) {
        self.undone(statements, locals, &mut Vec::new());
    }

    /// Goes through statements with what is certainly done before them. What a branch or a loop does is not
    /// certain behind it.
    fn undone<'t>(&mut self, statements: &'t [Statement], locals: &[Local], done: &mut Vec<Done<'t>>) {
        let mark = done.len();
        for statement in statements {
            match &statement.kind {
                StatementKind::Call(Expr { kind: ExprKind::Host(import, arguments), span, .. }) => {
                    self.done(Done { import: *import, arguments, span: *span }, locals, done);
                }
                StatementKind::Try { import, arguments, otherwise, .. } => {
                    self.undone(otherwise, locals, done);
                    self.done(Done { import: *import, arguments, span: statement.span }, locals, done);
                }
                StatementKind::If { then, otherwise, .. } | StatementKind::IfSome { then, otherwise, .. } => {
                    self.undone(then, locals, done);
                    self.undone(otherwise, locals, done);
                }
                StatementKind::Match { arms, otherwise, .. } => {
                    for arm in arms {
                        self.undone(&arm.body, locals, done);
                    }
                    self.undone(otherwise, locals, done);
                }
                StatementKind::Within { body, otherwise, .. } => {
                    self.undone(body, locals, done);
                    self.undone(otherwise.as_deref().unwrap_or(&[]), locals, done);
                }
                StatementKind::For { body, .. } | StatementKind::While { body, .. } => {
                    self.undone(body, locals, done);
                }
                _ => {}
            }
        }
        done.truncate(mark);
    }

    /// Notes an action, and reports it where an earlier one did the opposite.
    fn done<'t>(&mut self, action: Done<'t>, locals: &[Local], done: &mut Vec<Done<'t>>) {
        let name = |import: ImportId| self.imports.get(import.index()).map(|import| import.name.as_str());
        let Some(own) = name(action.import) else { return };
        let Some(what) = action.arguments.first().filter(|what| lasting(what, locals)) else { return };
        let earlier = done.iter().find(|earlier| {
            name(earlier.import).is_some_and(|earlier| opposite(earlier, own))
                && earlier.arguments.first().is_some_and(|other| same(other, what))
        });
        if let Some(earlier) = earlier {
            let first = name(earlier.import).unwrap_or_default();
            let diagnostic = errors::warnings::undone((first, earlier.span), (own, action.span));
            self.report(diagnostic);
        } else if done.len() < MAX_DONE {
            done.push(action);
        }
    }
}

/// Whether two names differ in one word, and in that are opposites.
fn opposite(one: &str, other: &str) -> bool {
    let (one, other): (Vec<&str>, Vec<&str>) = (one.split('_').collect(), other.split('_').collect());
    let mut differences = one.iter().zip(&other).filter(|(a, b)| a != b);
    let (Some((a, b)), None) = (differences.next(), differences.next()) else { return false };
    one.len() == other.len() && OPPOSITES.iter().any(|(x, y)| (a, b) == (x, y) || (a, b) == (y, x))
}

/// Whether an expression is the same thing wherever it stands in a function: a name that is never assigned, and
/// fields and items of it.
fn lasting(expr: &Expr, locals: &[Local]) -> bool {
    match &expr.kind {
        ExprKind::Word(_) | ExprKind::String(_) | ExprKind::Input(_) | ExprKind::Context(_) => true,
        ExprKind::Local(id) => {
            let local = usize::try_from(id.0).ok().and_then(|at| locals.get(at));
            local.is_some_and(|local| !local.assigned)
        }
        ExprKind::Field(inner, _) => lasting(inner, locals),
        ExprKind::Item(inner, index) => lasting(inner, locals) && lasting(index, locals),
        _ => false,
    }
}
