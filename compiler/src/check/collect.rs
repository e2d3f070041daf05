//! The first pass: which names the program declares, which of the prelude's it replaces, and what is to be done.

use std::collections::BTreeMap;

use smol_str::SmolStr;
use swarm_bytecode::module::{ContextId, ImportId, InputId, MetricId};
use swarm_bytecode::types::TypeId;
use swarm_grammar::ast::{self, ItemKind};
use swarm_grammar::span::{FileId, Span};

use super::Checker;
use super::environment::{ConstInfo, Declared, Symbol};
use super::errors;
use crate::typed::FunctionIndex;

/// Declarations by kind, in the order of their ids: the prelude's first.
#[derive(Default)]
pub(crate) struct Plan<'t> {
    pub(crate) instruction: Option<&'t ast::Instruction>,
    pub(crate) constants: Vec<&'t ast::Const>,
    pub(crate) types: Vec<(TypeId, &'t ast::TypeDeclaration)>,
    pub(crate) contexts: Vec<&'t ast::Field>,
    pub(crate) inputs: Vec<&'t ast::Field>,
    pub(crate) metrics: Vec<&'t ast::Metric>,
    pub(crate) hosts: Vec<Host<'t>>,
    pub(crate) functions: Vec<Function<'t>>,
    /// ON START, each.
    pub(crate) starts: Vec<(&'t ast::On, Span)>,
    /// Whether something that may start the program was not understood.
    pub(crate) unknown_start: bool,
    /// Where the program's text begins and ends.
    pub(crate) file_start: Span,
    pub(crate) file_end: Span,
}

/// A host function to check.
pub(crate) struct Host<'t> {
    pub(crate) function: &'t ast::HostFunction,
    pub(crate) span: Span,
    /// The prelude's, which the program declares again.
    pub(crate) replaces: Option<&'t ast::HostFunction>,
}

/// A function to check.
pub(crate) struct Function<'t> {
    pub(crate) function: &'t ast::Func,
    pub(crate) span: Span,
    pub(crate) prelude: bool,
}

/// How many declarations of one kind an id can tell apart.
const MAX_DECLARATIONS: usize = 65_000;

impl Checker<'_> {
    pub(crate) fn collect<'t>(
        &mut self,
        prelude: &'t ast::Program,
        file: FileId,
        program: &'t ast::Program,
    ) -> Plan<'t> {
        let length = self.sources.get(file).map_or(0, |source| source.text().len());
        let end = u32::try_from(length).unwrap_or(u32::MAX);
        let mut plan = Plan {
            file_start: Span::new(file, 0, 0),
            file_end: Span::new(file, end, end),
            ..Plan::default()
        };
        let mut own: BTreeMap<&SmolStr, &'t ast::Item> = BTreeMap::new();
        let mut taken = vec![false; program.items.len()];
        for (item, taken) in program.items.iter().zip(&mut taken) {
            let Some(name) = declared_name(&item.kind) else { continue };
            match own.get(&name.text).and_then(|first| declared_name(&first.kind)) {
                Some(first) => {
                    self.report(errors::names::declared_twice(&name.text, name.span, first.span));
                    *taken = true;
                }
                None => {
                    own.insert(&name.text, item);
                }
            }
        }
        let mut replaced = BTreeMap::new();
        for item in &prelude.items {
            let name = declared_name(&item.kind);
            match name.and_then(|name| own.get(&name.text).map(|own| (name, *own))) {
                None => self.plan_item(&mut plan, item, true, None),
                Some((name, own)) => {
                    if let ItemKind::Host(theirs) = &item.kind {
                        self.replaces_host(theirs, own);
                        replaced.insert(name.text.clone(), theirs);
                    }
                }
            }
        }
        for (item, taken) in program.items.iter().zip(taken) {
            let replaces = declared_name(&item.kind).and_then(|name| replaced.get(&name.text).copied());
            if !taken {
                self.plan_item(&mut plan, item, false, replaces);
            }
        }
        plan
    }

    /// An ACTION or QUERY of the prelude can only be declared again as one.
    fn replaces_host(&mut self, theirs: &ast::HostFunction, own: &ast::Item) {
        if let Some(name) = declared_name(&own.kind)
            && !matches!(own.kind, ItemKind::Host(_))
        {
            self.report(errors::host::replaced_by_other(
                &name.text,
                name.span,
                theirs.name.span,
                theirs.query,
            ));
        }
    }

    fn plan_item<'t>(
        &mut self,
        plan: &mut Plan<'t>,
        item: &'t ast::Item,
        prelude: bool,
        replaces: Option<&'t ast::HostFunction>,
    ) {
        let span = item.span;
        match &item.kind {
            ItemKind::Instruction(instruction) => match plan.instruction {
                None => plan.instruction = Some(instruction),
                Some(first) => {
                    self.report(errors::header::second_instruction(instruction.name.span, first.name.span));
                }
            },
            ItemKind::Const(constant) => {
                let at = self.env.constants.len();
                let span = constant.name.span;
                self.env.constants.push(ConstInfo { span, value: None, used: prelude });
                plan.constants.push(constant);
                self.declare(&constant.name, Symbol::Const(at), prelude);
            }
            ItemKind::Type(ty) => {
                let id = self.types.declare_record(ty.name.text.clone());
                plan.types.push((id, ty));
                self.declare(&ty.name, Symbol::Type(id), prelude);
            }
            ItemKind::Context(field) => {
                let id = self.next_id(plan.contexts.len(), "CONTEXT values", span);
                plan.contexts.push(field);
                self.declare(&field.name, Symbol::Context(ContextId(id)), prelude);
            }
            ItemKind::Input(field) => {
                let id = self.next_id(plan.inputs.len(), "INPUTs", span);
                plan.inputs.push(field);
                self.declare(&field.name, Symbol::Input(InputId(id)), prelude);
            }
            ItemKind::Metric(metric) => {
                let id = self.next_id(plan.metrics.len(), "METRICs", span);
                plan.metrics.push(metric);
                self.declare(&metric.name, Symbol::Metric(MetricId(id)), prelude);
            }
            ItemKind::Host(function) => {
                let id = self.next_id(plan.hosts.len(), "ACTIONs and QUERYs", span);
                plan.hosts.push(Host { function, span, replaces });
                self.declare(&function.name, Symbol::Host(ImportId(id)), prelude);
            }
            ItemKind::Func(function) => {
                let id = self.next_id(plan.functions.len(), "FUNCs", span);
                plan.functions.push(Function { function, span, prelude });
                self.declare(&function.name, Symbol::Function(FunctionIndex(u32::from(id))), prelude);
            }
            ItemKind::On(on) if on.event.text.eq_ignore_ascii_case("start") => plan.starts.push((on, span)),
            other => self.plan_unknown(plan, other, span, prelude),
        }
    }

    /// Declarations of a later version of the language: their names are known, what they mean is not.
    fn plan_unknown(&mut self, plan: &mut Plan<'_>, kind: &ItemKind, span: Span, prelude: bool) {
        let what = match kind {
            ItemKind::Use(_) => {
                self.env.incomplete = true;
                ("USE", span)
            }
            ItemKind::Enum(declaration) => {
                for case in &declaration.cases {
                    if self.env.get(&case.name.text).is_none() {
                        self.declare(&case.name, Symbol::Unknown, prelude);
                    }
                }
                ("ENUM", declaration.name.span)
            }
            ItemKind::State(state) => ("STATE", state.name.span),
            ItemKind::Event(event) => ("EVENT", event.name.span),
            ItemKind::On(on) => {
                plan.unknown_start = true;
                ("ON for events", on.event.span)
            }
            ItemKind::Every(every) => {
                plan.unknown_start = true;
                ("EVERY", every.period.span)
            }
            ItemKind::Veto(veto) => ("VETO", veto.action.span),
            ItemKind::Test(test) => ("TEST", test.name.span),
            _ => {
                self.env.incomplete = true;
                plan.unknown_start = true;
                return;
            }
        };
        if let Some(name) = declared_name(kind) {
            self.declare(name, Symbol::Unknown, prelude);
        }
        self.report(errors::not_yet(what.0, what.1));
    }

    fn declare(&mut self, name: &ast::Name, symbol: Symbol, prelude: bool) {
        self.env.declare(name.text.clone(), Declared { symbol, span: name.span, prelude });
    }

    fn next_id(&mut self, used: usize, what: &str, span: Span) -> u16 {
        if used == MAX_DECLARATIONS {
            self.report(errors::declarations::too_many(what, MAX_DECLARATIONS, span));
        }
        u16::try_from(used).unwrap_or(u16::MAX)
    }
}

/// The name a declaration puts into the one namespace, if it does.
fn declared_name(kind: &ItemKind) -> Option<&ast::Name> {
    match kind {
        ItemKind::Const(constant) => Some(&constant.name),
        ItemKind::Type(ty) => Some(&ty.name),
        ItemKind::Enum(declaration) => Some(&declaration.name),
        ItemKind::Context(field) | ItemKind::Input(field) => Some(&field.name),
        ItemKind::State(state) => Some(&state.name),
        ItemKind::Metric(metric) => Some(&metric.name),
        ItemKind::Host(function) => Some(&function.name),
        ItemKind::Event(event) => Some(&event.name),
        ItemKind::Func(function) => Some(&function.name),
        ItemKind::Use(ast::Use::File { alias: Some(alias), .. }) => Some(alias),
        _ => None,
    }
}
