//! What the names of a program stand for, and what is known of each declaration before any body is read.

use std::collections::BTreeMap;

use smol_str::SmolStr;
use swarm_bytecode::module::{ContextId, ImportId, InputId, MetricId, MetricKind};
use swarm_bytecode::types::{Constant, TypeId};
use swarm_grammar::span::Span;

use crate::typed::FunctionIndex;

/// What a top-level name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Symbol {
    Type(TypeId),
    /// Index into [`Environment::constants`].
    Const(usize),
    Context(ContextId),
    Input(InputId),
    Metric(MetricId),
    Host(ImportId),
    Function(FunctionIndex),
    /// Something that was not understood: whatever uses it stays silent.
    Unknown,
}

/// A top-level name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Declared {
    pub(crate) symbol: Symbol,
    /// The name in its declaration.
    pub(crate) span: Span,
    pub(crate) prelude: bool,
}

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
    pub(crate) parameters: Vec<Parameter>,
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
    /// Type and value; `None` where it was not understood.
    pub(crate) value: Option<(TypeId, Constant)>,
    pub(crate) used: bool,
}

/// Everything a body can refer to.
#[derive(Debug, Default)]
pub(crate) struct Environment {
    names: BTreeMap<SmolStr, Declared>,
    /// Fields of each record in order.
    pub(crate) records: BTreeMap<TypeId, Signature>,
    pub(crate) constants: Vec<ConstInfo>,
    pub(crate) contexts: Vec<Given>,
    pub(crate) inputs: Vec<Given>,
    pub(crate) metrics: Vec<MetricInfo>,
    pub(crate) hosts: Vec<Signature>,
    pub(crate) functions: Vec<Signature>,
    /// Whether a declaration could not be read: then an unknown name may be its.
    pub(crate) incomplete: bool,
}

impl Environment {
    pub(crate) fn get(&self, name: &str) -> Option<Declared> {
        self.names.get(name).copied()
    }

    pub(crate) fn declare(&mut self, name: SmolStr, declared: Declared) {
        self.names.insert(name, declared);
    }

    /// All top-level names with what they stand for, in alphabetical order.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, Symbol)> {
        self.names.iter().map(|(name, declared)| (name.as_str(), declared.symbol))
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

    pub(crate) fn host(&self, id: ImportId) -> Option<&Signature> {
        self.hosts.get(id.index())
    }

    pub(crate) fn function(&self, id: FunctionIndex) -> Option<&Signature> {
        self.functions.get(usize::try_from(id.0).unwrap_or(usize::MAX))
    }
}
