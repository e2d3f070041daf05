//! What the names of a program stand for, and what is known of each declaration before any body is read.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use smol_str::SmolStr;
use swarm_bytecode::module::{ContextId, ImportId, InputId, MetricId, MetricKind, StateId};
use swarm_bytecode::types::{Constant, TypeId};
use swarm_grammar::span::Span;

use crate::typed::{Expr, FunctionIndex};

/// The names one file can see: [`Environment::scopes`] by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ScopeId(pub(crate) usize);

impl ScopeId {
    /// The prelude's: every other scope sees through to it.
    pub(crate) const PRELUDE: ScopeId = ScopeId(0);
    /// The program's own.
    pub(crate) const PROGRAM: ScopeId = ScopeId(1);
}

/// What a top-level name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Symbol {
    /// A record, or an enum.
    Type(TypeId),
    /// Index into [`Environment::constants`].
    Const(usize),
    Context(ContextId),
    Input(InputId),
    Metric(MetricId),
    State(StateId),
    Host(ImportId),
    /// Index into [`Environment::events`].
    Event(usize),
    Function(FunctionIndex),
    /// A case of an enum; only behind the enum's name and a dot.
    Case(TypeId, u8),
    /// `USE … AS name`
    Module(ScopeId),
    /// Something that was not understood: whatever uses it stays silent.
    Unknown,
}

/// Where a name that can be seen comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    Prelude,
    /// A file or module that USE names.
    Used,
    /// The file itself.
    Own,
}

/// A top-level name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Declared {
    pub(crate) symbol: Symbol,
    /// The name in its declaration.
    pub(crate) span: Span,
    pub(crate) origin: Origin,
    /// What is noted where the name is looked up.
    pub(crate) mark: Mark,
}

/// Stands for what is used or not: a declaration, or all that a USE brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark(usize);

/// What a call gives back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Nothing,
    Value(TypeId),
    /// Its type was not understood.
    Unknown,
}

/// A parameter, or a field seen as one.
#[derive(Debug, Clone)]
pub(crate) struct Parameter {
    pub(crate) name: SmolStr,
    /// `None`: its type was not understood.
    pub(crate) ty: Option<TypeId>,
    pub(crate) span: Span,
    /// Used where a call leaves it out.
    pub(crate) default: Option<Constant>,
}

/// What a call of something looks like.
#[derive(Debug, Clone)]
pub(crate) struct Signature {
    pub(crate) name: SmolStr,
    pub(crate) span: Span,
    /// Shared: what is known of the prelude is copied for each program, and what is called at each call.
    pub(crate) parameters: Arc<[Parameter]>,
    pub(crate) answer: Answer,
}

/// An input or a context value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Given {
    pub(crate) ty: Option<TypeId>,
}

/// A metric.
#[derive(Debug, Clone)]
pub(crate) struct MetricInfo {
    pub(crate) ty: Option<TypeId>,
    pub(crate) kind: MetricKind,
    /// The `BY AGENT` of its declaration.
    pub(crate) by_agent: Option<Span>,
    pub(crate) span: Span,
}

/// A constant.
#[derive(Debug, Clone)]
pub(crate) struct ConstInfo {
    pub(crate) span: Span,
    /// Its value, computed; `None` where it was not understood.
    pub(crate) value: Option<Expr>,
    /// How many values it holds beyond one.
    pub(crate) size: usize,
    pub(crate) used: bool,
}

/// A STATE variable.
#[derive(Debug, Clone)]
pub(crate) struct StateInfo {
    pub(crate) name: SmolStr,
    pub(crate) ty: Option<TypeId>,
    pub(crate) span: Span,
    /// Whether anything reads it, and whether anything assigns it.
    pub(crate) read: bool,
    pub(crate) assigned: bool,
}

/// An enum. Names of the cases are known at once, their payloads once the types are.
#[derive(Debug, Clone)]
pub(crate) struct EnumInfo {
    pub(crate) name: SmolStr,
    pub(crate) span: Span,
    /// Whether no case has a payload.
    pub(crate) plain: bool,
    /// Each with its payload as parameters.
    pub(crate) cases: Vec<Signature>,
}

/// The names one file can see.
#[derive(Debug, Clone, Default)]
struct Scope {
    names: BTreeMap<SmolStr, Declared>,
    /// Cases of the enums among them, by name.
    cases: BTreeMap<SmolStr, Vec<(TypeId, u8)>>,
}

/// What has been looked up, by its mark. Looking up changes nothing else, and what is known of the prelude is
/// shared by threads.
#[derive(Debug, Default)]
struct LookedUp(Vec<AtomicBool>);

impl Clone for LookedUp {
    fn clone(&self) -> LookedUp {
        let copy = |looked_up: &AtomicBool| AtomicBool::new(looked_up.load(Ordering::Relaxed));
        LookedUp(self.0.iter().map(copy).collect())
    }
}

/// Everything a body can refer to.
#[derive(Debug, Clone)]
pub(crate) struct Environment {
    /// Shared until something is declared: the prelude's is that of all programs.
    scopes: Vec<Arc<Scope>>,
    /// Which marks have been looked up.
    looked_up: LookedUp,
    /// The scope of the text that is being checked.
    pub(crate) at: ScopeId,
    /// Fields of each record in order.
    pub(crate) records: BTreeMap<TypeId, Signature>,
    pub(crate) enums: BTreeMap<TypeId, EnumInfo>,
    pub(crate) constants: Vec<ConstInfo>,
    pub(crate) contexts: Vec<Given>,
    pub(crate) inputs: Vec<Given>,
    pub(crate) metrics: Vec<MetricInfo>,
    pub(crate) states: Vec<StateInfo>,
    pub(crate) hosts: Vec<Signature>,
    pub(crate) events: Vec<Signature>,
    pub(crate) functions: Vec<Signature>,
    /// Whether a declaration could not be read: then an unknown name may be its.
    pub(crate) incomplete: bool,
    /// Whether a message about an unknown name looks for the one that was meant. Nobody reads hundreds of
    /// them, and each has to be compared with all there are.
    pub(crate) suggests: bool,
}

impl Environment {
    /// An environment with so many empty scopes.
    pub(crate) fn new(scopes: usize) -> Environment {
        Environment {
            scopes: (0..scopes).map(|_| Arc::default()).collect(),
            looked_up: LookedUp::default(),
            at: ScopeId::PROGRAM,
            records: BTreeMap::new(),
            enums: BTreeMap::new(),
            constants: Vec::new(),
            contexts: Vec::new(),
            inputs: Vec::new(),
            metrics: Vec::new(),
            states: Vec::new(),
            hosts: Vec::new(),
            events: Vec::new(),
            functions: Vec::new(),
            incomplete: false,
            suggests: true,
        }
    }

    fn scope(&self, id: ScopeId) -> Option<&Scope> {
        self.scopes.get(id.0).map(Arc::as_ref)
    }

    /// The current scope, and behind it the prelude's.
    fn visible(&self) -> impl Iterator<Item = &Scope> {
        let own = self.scope(self.at);
        let behind = self.scope(ScopeId::PRELUDE).filter(|_| self.at != ScopeId::PRELUDE);
        own.into_iter().chain(behind)
    }

    /// What a name stands for in the current scope. It is used then.
    pub(crate) fn get(&self, name: &str) -> Option<Declared> {
        let declared = self.peek(name)?;
        if let Some(looked_up) = self.looked_up.0.get(declared.mark.0) {
            looked_up.store(true, Ordering::Relaxed);
        }
        Some(declared)
    }

    /// What a name stands for in the current scope, without using it.
    pub(crate) fn peek(&self, name: &str) -> Option<Declared> {
        self.visible().find_map(|scope| scope.names.get(name)).copied()
    }

    /// A mark for something new.
    pub(crate) fn mark(&mut self) -> Mark {
        self.looked_up.0.push(AtomicBool::new(false));
        Mark(self.looked_up.0.len().saturating_sub(1))
    }

    /// Whether anything uses what a mark stands for.
    pub(crate) fn is_used(&self, mark: Mark) -> bool {
        self.looked_up.0.get(mark.0).is_some_and(|looked_up| looked_up.load(Ordering::Relaxed))
    }

    /// What a name stands for that a file declares itself.
    pub(crate) fn own(&self, scope: ScopeId, name: &str) -> Option<Declared> {
        self.scope(scope)?.names.get(name).filter(|declared| declared.origin != Origin::Used).copied()
    }

    /// What a name stands for in one scope, not looking behind it.
    pub(crate) fn local(&self, scope: ScopeId, name: &str) -> Option<Declared> {
        self.scope(scope)?.names.get(name).copied()
    }

    /// All names a file declares itself, in alphabetical order.
    pub(crate) fn own_names(&self, scope: ScopeId) -> impl Iterator<Item = (&SmolStr, Declared)> {
        let all = self.scope(scope).into_iter().flat_map(|scope| &scope.names);
        all.filter(|(_, declared)| declared.origin != Origin::Used).map(|(name, declared)| (name, *declared))
    }

    pub(crate) fn declare(&mut self, scope: ScopeId, name: SmolStr, declared: Declared) {
        let cases: Vec<SmolStr> = match declared.symbol {
            Symbol::Type(ty) => self
                .enums
                .get(&ty)
                .map_or_else(Vec::new, |own| own.cases.iter().map(|case| case.name.clone()).collect()),
            _ => Vec::new(),
        };
        let Some(scope) = self.scopes.get_mut(scope.0).map(Arc::make_mut) else { return };
        scope.names.insert(name, declared);
        if let Symbol::Type(ty) = declared.symbol {
            for (at, case) in (0..=u8::MAX).zip(cases) {
                let known = scope.cases.entry(case).or_default();
                if !known.contains(&(ty, at)) {
                    known.push((ty, at));
                }
            }
        }
    }

    /// The cases that a bare name may stand for; one, if it is unique.
    pub(crate) fn cases(&self, name: &str) -> Vec<(TypeId, u8)> {
        let mut found: Vec<(TypeId, u8)> = Vec::new();
        for case in self.visible().filter_map(|scope| scope.cases.get(name)).flatten() {
            if !found.contains(case) {
                // Its enum is used.
                let _ = self.enums.get(&case.0).and_then(|owner| self.get(&owner.name));
                found.push(*case);
            }
        }
        found
    }

    /// Names of all cases that can be seen, to find the one that was meant.
    pub(crate) fn case_names(&self) -> impl Iterator<Item = &str> {
        let scopes = self.visible().filter(|_| self.suggests);
        scopes.flat_map(|scope| scope.cases.keys()).map(SmolStr::as_str)
    }

    /// A case with its payload as parameters.
    pub(crate) fn case(&self, ty: TypeId, case: u8) -> Option<&Signature> {
        self.enums.get(&ty)?.cases.get(usize::from(case))
    }

    /// All names that can be seen with what they stand for, to find the one that was meant; those of the file
    /// before those of the prelude.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, Symbol)> {
        let all = self.visible().filter(|_| self.suggests).flat_map(|scope| &scope.names);
        all.map(|(name, declared)| (name.as_str(), declared.symbol))
    }

    pub(crate) fn input(&self, id: InputId) -> Option<Given> {
        self.inputs.get(id.index()).copied()
    }

    pub(crate) fn context(&self, id: ContextId) -> Option<Given> {
        self.contexts.get(id.index()).copied()
    }

    pub(crate) fn metric(&self, id: MetricId) -> Option<&MetricInfo> {
        self.metrics.get(id.index())
    }

    pub(crate) fn state(&self, id: StateId) -> Option<&StateInfo> {
        self.states.get(id.index())
    }

    pub(crate) fn host(&self, id: ImportId) -> Option<&Signature> {
        self.hosts.get(id.index())
    }

    pub(crate) fn function(&self, id: FunctionIndex) -> Option<&Signature> {
        self.functions.get(usize::try_from(id.0).unwrap_or(usize::MAX))
    }
}
