//! A body under check: its locals and scopes, what it may do, and what it was seen to do.

use std::collections::{BTreeMap, BTreeSet};

use smol_str::SmolStr;
use swarm_bytecode::types::TypeId;
use swarm_grammar::diagnostic::Diagnostic;
use swarm_grammar::span::Span;

use super::Checker;
use super::effects::{Allowed, Effect, Facts};
use super::environment::{Answer, Origin, Parameter, Symbol};
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
    /// A condition of the header.
    Header,
    /// The condition of a VETO.
    Veto,
    /// The first value of a STATE.
    Initial,
    /// A value that a TEST gives.
    Given,
    /// What a TEST expects.
    Expected,
}

impl Place {
    fn allowed(self) -> Allowed {
        match self {
            Place::Function => Allowed::EVERYTHING,
            Place::Constant(_) | Place::Filter | Place::Cost => Allowed::NOTHING,
            Place::Initial | Place::Given => Allowed::GIVEN,
            Place::Header => Allowed::FIGURES,
            Place::Veto | Place::Expected => Allowed::LOOKING,
        }
    }
}

/// How a local came to be; decides whether it may be assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Let,
    IfLet,
    /// A name in a pattern of a MATCH.
    Pattern,
    Parameter,
    Loop,
    /// Made by the compiler; no name stands for it.
    Hidden,
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
    /// Where a FUNC would say what it answers with.
    pub(crate) header: Option<Span>,
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
    /// In the header: figures that may be unknown, and the locals that hold them where they are not.
    pub(crate) figures: Vec<(Expr, LocalId)>,
    /// Whether the current expression stands in a hole of a text.
    pub(crate) in_hole: bool,
    /// The innermost block around the current statement that has an ELSE, WITHIN or PHASE, and where its head
    /// stands.
    pub(crate) held: Option<(&'static str, Span)>,
    /// The place that is being assigned.
    pub(crate) assigned: Option<Span>,
}

impl<'c, 'a> Body<'c, 'a> {
    pub(crate) fn new(cx: &'c mut Checker<'a>, place: Place, name: SmolStr, answer: Answer) -> Self {
        let allowed = place.allowed();
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
            header: None,
            name,
            facts: Facts::default(),
            allowed,
            incomplete,
            unknown_flow: false,
            unknown: BTreeSet::new(),
            figures: Vec::new(),
            in_hole: false,
            held: None,
            assigned: None,
        }
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.cx.report(diagnostic);
    }

    /// Makes a local that can be seen until its scope ends. A name that is taken is reported, and the new
    /// local hides the old one, so that what follows is checked as it was meant.
    pub(crate) fn declare(&mut self, name: &SmolStr, span: Span, ty: Option<TypeId>, role: Role) -> LocalId {
        let earlier = self.local(name).and_then(|id| self.info(id)).map(|info| info.span);
        let own = self.cx.env.peek(name).filter(|declared| declared.origin == Origin::Own);
        let case = self.own_case(name);
        if let Some(first) = earlier.or(own.map(|declared| declared.span)).or(case) {
            self.report(errors::names::hides(name, span, first));
        }
        self.declare_quietly(name, span, ty, role)
    }

    /// Where the file's own enums have a case that the bare name stands for.
    fn own_case(&self, name: &str) -> Option<Span> {
        let [(ty, case)] = self.cx.env.cases(name)[..] else { return None };
        let owner = self.cx.env.enums.get(&ty)?;
        let own =
            self.cx.env.peek(&owner.name).is_some_and(|declared| {
                declared.origin == Origin::Own && declared.symbol == Symbol::Type(ty)
            });
        self.cx.env.case(ty, case).filter(|_| own).map(|case| case.span)
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

    /// Makes the parameters of a function. One without a name cannot be seen.
    pub(crate) fn parameters(&mut self, parameters: &[Parameter]) {
        for parameter in parameters {
            if parameter.name.is_empty() {
                self.hidden("", parameter.span, parameter.ty.unwrap_or(TypeId::INT));
            } else {
                self.declare(&parameter.name, parameter.span, parameter.ty, Role::Parameter);
            }
        }
    }

    /// Makes a local that no name stands for; `name` is only for debugging.
    pub(crate) fn hidden(&mut self, name: &'static str, span: Span, ty: TypeId) -> LocalId {
        let id = LocalId(u32::try_from(self.locals.len()).unwrap_or(u32::MAX));
        self.locals.push(LocalInfo {
            name: SmolStr::new_static(name),
            ty: Some(ty),
            span,
            role: Role::Hidden,
            read: true,
            assigned: false,
        });
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

    /// Names of all locals that can be seen here, to find the one that was meant.
    pub(crate) fn visible_names(&self) -> impl Iterator<Item = &str> {
        self.visible.keys().filter(|_| self.cx.env.suggests).map(SmolStr::as_str)
    }

    /// The local that was brought into scope last among those that have a field of this name: `task` for
    /// `memory`.
    pub(crate) fn holder_of(&self, field: &str) -> Option<&SmolStr> {
        let has = |id: LocalId| {
            let ty = self.info(id).and_then(|info| info.ty)?;
            let record = self.cx.env.records.get(&ty)?;
            record.parameters.iter().any(|own| own.name == *field).then_some(())
        };
        let visible = self.visible.iter().filter(|(_, id)| self.cx.env.suggests && has(**id).is_some());
        visible.max_by_key(|(_, id)| **id).map(|(name, _)| name)
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
        self.allowed = outer.and(allowed);
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
