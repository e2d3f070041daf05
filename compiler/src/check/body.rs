//! A body under check: its locals and scopes, what it may do, and what it was seen to do.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;
use swarm_bytecode::types::TypeId;
use swarm_grammar::diagnostic::Diagnostic;
use swarm_grammar::span::Span;

use super::Checker;
use super::effects::{Allowed, Effect, Facts};
use super::environment::{Answer, Symbol};
use super::errors;
use crate::typed::{Expr, ExprKind, Local, LocalId};

/// What kind of text is being checked; decides what it may refer to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// A function.
    Function,
    /// A value that must be known before the program runs; the words say whose.
    Constant(&'static str),
    /// TARGET … WHERE
    Filter,
    /// COSTS
    Cost,
}

/// How a local came to be; decides whether it may be assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Let,
    IfLet,
    Parameter,
    Loop,
}

/// A local under check.
#[derive(Debug)]
pub(crate) struct LocalInfo {
    pub(crate) name: SmolStr,
    /// `None`: its value was not understood.
    pub(crate) ty: Option<TypeId>,
    pub(crate) span: Span,
    pub(crate) role: Role,
    pub(crate) read: bool,
    pub(crate) assigned: bool,
}

/// One function, or one expression outside any function.
pub(crate) struct Body<'c, 'a> {
    pub(crate) cx: &'c mut Checker<'a>,
    pub(crate) place: Place,
    pub(crate) locals: Vec<LocalInfo>,
    /// Locals that can be seen now.
    visible: BTreeMap<SmolStr, LocalId>,
    /// Their names in order of declaration, with what each hides: a scope ends by taking the last ones back.
    opened: Vec<(SmolStr, Option<LocalId>)>,
    /// How many loops enclose the current statement.
    pub(crate) loops: u32,
    /// How deep the typed statements nest here.
    pub(crate) nesting: u32,
    pub(crate) answer: Answer,
    /// Name of the function, for messages.
    pub(crate) name: SmolStr,
    pub(crate) facts: Facts,
    /// What effects the current expression may have.
    pub(crate) allowed: Allowed,
    /// Whether a statement could not be read: then an unknown name may be its.
    pub(crate) incomplete: bool,
    /// Whether a statement was not understood that may leave the function: then no message may rest on where
    /// control gets.
    pub(crate) unknown_flow: bool,
    /// Unknown names that were reported: each is said once.
    pub(crate) unknown: BTreeSet<SmolStr>,
}

impl<'c, 'a> Body<'c, 'a> {
    pub(crate) fn new(cx: &'c mut Checker<'a>, place: Place, name: SmolStr, answer: Answer) -> Self {
        let allowed = if place == Place::Function { Allowed::Everything } else { Allowed::Nothing };
        let incomplete = cx.env.incomplete;
        Body {
            cx,
            place,
            locals: Vec::new(),
            visible: BTreeMap::new(),
            opened: Vec::new(),
            loops: 0,
            nesting: 0,
            answer,
            name,
            facts: Facts::default(),
            allowed,
            incomplete,
            unknown_flow: false,
            unknown: BTreeSet::new(),
        }
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.cx.report(diagnostic);
    }

    /// Makes a local that can be seen until its scope ends. A name that is taken is reported, and the new
    /// local hides the old one, so that what follows is checked as it was meant.
    pub(crate) fn declare(&mut self, name: &SmolStr, span: Span, ty: Option<TypeId>, role: Role) -> LocalId {
        let earlier = self.local(name).and_then(|id| self.info(id)).map(|info| info.span);
        let own = self.cx.env.get(name).filter(|declared| !declared.prelude).map(|declared| declared.span);
        if let Some(first) = earlier.or(own) {
            self.report(errors::names::hides(name, span, first));
        }
        self.declare_quietly(name, span, ty, role)
    }

    /// Makes a local whatever its name hides.
    pub(crate) fn declare_quietly(
        &mut self,
        name: &SmolStr,
        span: Span,
        ty: Option<TypeId>,
        role: Role,
    ) -> LocalId {
        let id = LocalId(u32::try_from(self.locals.len()).unwrap_or(u32::MAX));
        let read = name.starts_with('_');
        self.locals.push(LocalInfo { name: name.clone(), ty, span, role, read, assigned: false });
        let hidden = self.visible.insert(name.clone(), id);
        self.opened.push((name.clone(), hidden));
        id
    }

    /// The local of this name that can be seen here.
    pub(crate) fn local(&self, name: &str) -> Option<LocalId> {
        self.visible.get(name).copied()
    }

    pub(crate) fn info(&self, id: LocalId) -> Option<&LocalInfo> {
        self.locals.get(usize::try_from(id.0).unwrap_or(usize::MAX))
    }

    pub(crate) fn info_mut(&mut self, id: LocalId) -> Option<&mut LocalInfo> {
        self.locals.get_mut(usize::try_from(id.0).unwrap_or(usize::MAX))
    }

    /// Names of all locals that can be seen here.
    pub(crate) fn visible_names(&self) -> impl Iterator<Item = &str> {
        self.visible.keys().map(SmolStr::as_str)
    }

    /// Opens a scope: gives the mark with which [`Body::close`] ends it.
    pub(crate) fn open(&self) -> usize {
        self.opened.len()
    }

    /// Ends a scope: its locals can no longer be seen.
    pub(crate) fn close(&mut self, mark: usize) {
        let start = mark.min(self.opened.len());
        for (name, hidden) in self.opened.drain(start..).rev() {
            match hidden {
                Some(id) => self.visible.insert(name, id),
                None => self.visible.remove(&name),
            };
        }
    }

    /// Runs `check` where at most the effects of `allowed` may happen.
    pub(crate) fn limited<T>(&mut self, allowed: Allowed, check: impl FnOnce(&mut Self) -> T) -> T {
        let outer = self.allowed;
        self.allowed = outer.min(allowed);
        let result = check(self);
        self.allowed = outer;
        result
    }

    /// Notes an effect, and reports it where it is not allowed; says whether it is.
    pub(crate) fn effect(&mut self, effect: Effect, name: &str, span: Span) -> bool {
        self.facts.note(effect);
        let allowed = self.allowed.admits(effect);
        if !allowed {
            self.report(errors::host::not_allowed(effect, name, span, self.place));
        }
        allowed
    }

    /// What a top-level name stands for.
    pub(crate) fn symbol(&self, name: &str) -> Option<Symbol> {
        self.cx.env.get(name).map(|declared| declared.symbol)
    }

    /// The locals as the code generator wants them, and the facts.
    pub(crate) fn finish(self) -> (Vec<Local>, Facts) {
        let locals = self.locals.into_iter().map(|info| Local {
            name: info.name,
            ty: info.ty.unwrap_or(TypeId::INT),
            assigned: info.assigned,
            span: info.span,
        });
        (locals.collect(), self.facts)
    }
}

/// An expression with a value.
pub(crate) fn typed(kind: ExprKind, ty: TypeId, span: Span) -> Expr {
    Expr { kind, ty: Some(ty), span }
}
