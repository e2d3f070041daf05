//! The first pass: which names each file declares, which of the prelude's it replaces, what USE brings, and
//! what is to be done.

use std::collections::BTreeMap;
use std::mem::discriminant;
use std::ops::Deref;
use std::sync::Arc;

use smol_str::SmolStr;
use swarm_bytecode::module::{ContextId, ImportId, InputId, MetricId, StateId};
use swarm_bytecode::types::TypeId;
use swarm_grammar::ast::{self, ItemKind};
use swarm_grammar::diagnostic::Diagnostic;
use swarm_grammar::span::Span;

use super::Checker;
use super::environment::{Answer, ConstInfo, Declared, EnumInfo, Mark, Origin, ScopeId, Signature, Symbol};
use super::errors;
use super::load::{Unit, Use};
use crate::typed::FunctionIndex;

/// A declaration, and where it stands.
#[derive(Debug)]
pub(crate) struct In<'t, T> {
    pub(crate) item: &'t T,
    pub(crate) span: Span,
    pub(crate) scope: ScopeId,
}

impl<T> Clone for In<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for In<'_, T> {}

impl<T> Deref for In<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.item
    }
}

/// Declarations by kind, in the order of their ids: the prelude's first, the program's last.
#[derive(Default)]
pub(crate) struct Plan<'t> {
    pub(crate) instruction: Option<&'t ast::Instruction>,
    pub(crate) constants: Vec<In<'t, ast::Const>>,
    pub(crate) types: Vec<(TypeId, In<'t, ast::TypeDeclaration>)>,
    pub(crate) enums: Vec<(TypeId, In<'t, ast::EnumDeclaration>)>,
    pub(crate) contexts: Vec<In<'t, ast::Field>>,
    pub(crate) inputs: Vec<In<'t, ast::Field>>,
    pub(crate) metrics: Vec<In<'t, ast::Metric>>,
    pub(crate) states: Vec<In<'t, ast::State>>,
    pub(crate) hosts: Vec<Host<'t>>,
    pub(crate) events: Vec<Event<'t>>,
    pub(crate) functions: Vec<In<'t, ast::Func>>,
    /// ON START, each.
    pub(crate) starts: Vec<In<'t, ast::On>>,
    /// ON of events.
    pub(crate) handlers: Vec<In<'t, ast::On>>,
    pub(crate) timers: Vec<In<'t, ast::Every>>,
    pub(crate) vetoes: Vec<In<'t, ast::Veto>>,
    pub(crate) tests: Vec<In<'t, ast::Test>>,
    /// Whether something that may start the program was not understood.
    pub(crate) unknown_start: bool,
    /// Each USE of the program, with the mark of what it brings.
    pub(crate) uses: Vec<(Span, Mark)>,
    /// Where the program's text begins and ends.
    pub(crate) file_start: Span,
    pub(crate) file_end: Span,
}

/// A host function to check.
pub(crate) struct Host<'t> {
    pub(crate) function: In<'t, ast::HostFunction>,
    /// The prelude's, which the program declares again.
    pub(crate) replaces: Option<In<'t, ast::HostFunction>>,
}

/// An event to check.
pub(crate) struct Event<'t> {
    pub(crate) event: In<'t, ast::Event>,
    /// The prelude's, which the program declares again.
    pub(crate) replaces: Option<In<'t, ast::Event>>,
}

/// How many declarations of one kind an id can tell apart.
const MAX_DECLARATIONS: usize = 65_000;

/// Cases an enum may have.
const MAX_CASES: usize = 256;

/// The declarations of one file by name; of two of one name the first.
type Names<'t> = BTreeMap<&'t SmolStr, &'t ast::Item>;

impl Checker<'_> {
    /// Collects what the files declare; the prelude is left out where all of it is known already.
    pub(crate) fn collect<'t>(&mut self, units: &'t [Unit<'t>], prelude_known: bool) -> Plan<'t> {
        let file = units.get(ScopeId::PROGRAM.0).map(|unit| unit.file).unwrap_or_default();
        let length = self.sources.get(file).map_or(0, |source| source.text().len());
        let end = u32::try_from(length).unwrap_or(u32::MAX);
        let mut plan = Plan {
            file_start: Span::new(file, 0, 0),
            file_end: Span::new(file, end, end),
            ..Plan::default()
        };
        let (border, all) = self.declarations(units, prelude_known);
        let prelude = all.first().map(|(names, _)| names);
        let program = all.get(ScopeId::PROGRAM.0).map(|(names, _)| names);
        let order = std::iter::once(ScopeId::PRELUDE.0)
            .filter(|_| !prelude_known)
            .chain(2..units.len())
            .chain(std::iter::once(ScopeId::PROGRAM.0));
        for at in order {
            let (Some(unit), Some((_, taken)), scope) = (units.get(at), all.get(at), ScopeId(at)) else {
                continue;
            };
            for (item, taken) in unit.program.items.iter().zip(taken) {
                let name = declared_name(&item.kind);
                let same = |names: &Names<'t>| name.and_then(|name| names.get(&name.text)).copied();
                let crosses = crosses_border(&item.kind);
                let replaced = scope == ScopeId::PRELUDE
                    && (program.and_then(same).is_some()
                        || name.is_some_and(|name| crosses && border.contains_key(&name.text)));
                if *taken || replaced {
                    continue;
                }
                let theirs = if scope == ScopeId::PRELUDE { None } else { prelude.and_then(same) };
                self.plan_item(&mut plan, item, scope, theirs);
            }
        }
        for (at, unit) in units.iter().enumerate() {
            for wanted in &unit.uses {
                let theirs = wanted.unit.and_then(|unit| units.get(unit.0));
                let vetoes = theirs.is_some_and(|theirs| {
                    theirs.program.items.iter().any(|item| matches!(item.kind, ItemKind::Veto(_)))
                });
                self.bring(ScopeId(at), wanted, &mut plan, vetoes);
            }
        }
        for (at, (unit, (names, taken))) in units.iter().zip(&all).enumerate() {
            let again = unit.program.items.iter().zip(taken).filter(|(_, taken)| **taken);
            for (item, name) in again.filter_map(|(item, _)| Some((item, declared_name(&item.kind)?))) {
                let first = names.get(&name.text);
                // Which of two things a name stands for cannot be told; of two that are alike, the first will do.
                if first.is_some_and(|first| discriminant(&first.kind) != discriminant(&item.kind)) {
                    self.declare_in(ScopeId(at), name, Symbol::Unknown);
                }
            }
        }
        self.env.at = ScopeId::PROGRAM;
        plan
    }

    /// What each file declares, with a mark at each item whose name is taken; and who declares what crosses the
    /// border to the host: there, one name is one thing in the whole program.
    fn declarations<'t>(
        &mut self,
        units: &'t [Unit<'t>],
        prelude_known: bool,
    ) -> (Names<'t>, Vec<(Names<'t>, Vec<bool>)>) {
        let mut border = Names::new();
        let mut all = Vec::with_capacity(units.len());
        for (at, unit) in units.iter().enumerate() {
            let mut own = Names::new();
            if prelude_known && at == ScopeId::PRELUDE.0 {
                all.push((own, Vec::new()));
                continue;
            }
            let mut taken = vec![false; unit.program.items.len()];
            for (item, taken) in unit.program.items.iter().zip(&mut taken) {
                let Some(name) = declared_name(&item.kind) else { continue };
                let crosses = at != ScopeId::PRELUDE.0 && crosses_border(&item.kind);
                let first = own.get(&name.text).or_else(|| border.get(&name.text).filter(|_| crosses));
                if let Some(first) = first.and_then(|first| declared_name(&first.kind)) {
                    self.report(errors::names::declared_twice(&name.text, name.span, first.span));
                    *taken = true;
                    continue;
                }
                own.insert(&name.text, item);
                if crosses {
                    border.insert(&name.text, item);
                }
            }
            all.push((own, taken));
        }
        (border, all)
    }

    /// Makes what a USE names known by its names.
    fn bring(&mut self, scope: ScopeId, wanted: &Use, plan: &mut Plan<'_>, vetoes: bool) {
        let mark = self.env.mark();
        // What forbids something is used by being there.
        if scope == ScopeId::PROGRAM && wanted.unit.is_some() && !vetoes {
            plan.uses.push((wanted.span, mark));
        }
        let Some(unit) = wanted.unit else {
            self.env.incomplete = true;
            if let Some(alias) = &wanted.alias {
                self.declare_in(scope, alias, Symbol::Unknown);
            }
            return;
        };
        if let Some(alias) = &wanted.alias {
            self.declare_as(scope, alias, Symbol::Module(unit), mark);
        }
        let brought: Vec<(SmolStr, Declared)> =
            self.env.own_names(unit).map(|(name, declared)| (name.clone(), declared)).collect();
        for (name, declared) in brought {
            // What crosses the border has one name in the whole program; what does not, stands behind the alias.
            if matches!(declared.symbol, Symbol::Module(_))
                || (wanted.alias.is_some() && !is_border(declared.symbol))
            {
                continue;
            }
            match self.env.local(scope, &name) {
                Some(known) if known.origin == Origin::Used && known.symbol != declared.symbol => {
                    self.report(errors::modules::brought_twice(
                        &name,
                        wanted.span,
                        known.span,
                        declared.span,
                    ));
                }
                Some(_) => {}
                None => self.env.declare(scope, name, Declared { origin: Origin::Used, mark, ..declared }),
            }
        }
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
        scope: ScopeId,
        theirs: Option<&'t ast::Item>,
    ) {
        // What the program replaces, it replaces for all; what a file it uses replaces, only at the border.
        let theirs = theirs.filter(|theirs| {
            scope == ScopeId::PROGRAM || (crosses_border(&theirs.kind) && crosses_border(&item.kind))
        });
        let mut replaces = None;
        if let Some(theirs) = theirs
            && let ItemKind::Host(function) = &theirs.kind
        {
            self.replaces_host(function, item);
            replaces = Some(In { item: function, span: theirs.span, scope: ScopeId::PRELUDE });
        }
        let event = theirs.and_then(|theirs| match &theirs.kind {
            ItemKind::Event(event) => Some(In { item: event, span: theirs.span, scope: ScopeId::PRELUDE }),
            _ => None,
        });
        let place = Place { span: item.span, scope, replaces: theirs.is_some() };
        match &item.kind {
            ItemKind::Host(function) => {
                let id = self.next_id(
                    self.imports.len().saturating_add(plan.hosts.len()),
                    "ACTIONs and QUERYs",
                    item.span,
                );
                plan.hosts.push(Host { function: place.of(function), replaces });
                self.declare(&function.name, Symbol::Host(ImportId(id)), place);
            }
            ItemKind::Event(declaration) => {
                let at = plan.events.len();
                self.next_id(at, "EVENTs", item.span);
                plan.events.push(Event { event: place.of(declaration), replaces: event });
                self.declare(&declaration.name, Symbol::Event(at), place);
            }
            ItemKind::Const(constant) => {
                let at = self.env.constants.len();
                let used = scope != ScopeId::PROGRAM;
                self.env.constants.push(ConstInfo { span: constant.name.span, value: None, size: 0, used });
                plan.constants.push(place.of(constant));
                self.declare(&constant.name, Symbol::Const(at), place);
            }
            ItemKind::Type(ty) => {
                let id = self.types.declare_record(ty.name.text.clone());
                plan.types.push((id, place.of(ty)));
                self.declare(&ty.name, Symbol::Type(id), place);
            }
            ItemKind::Enum(declaration) => {
                let id = self.declare_enum(declaration, item.span);
                plan.enums.push((id, place.of(declaration)));
                self.declare(&declaration.name, Symbol::Type(id), place);
            }
            ItemKind::Func(function) => {
                let id = self.next_id(plan.functions.len(), "FUNCs", item.span);
                plan.functions.push(place.of(function));
                self.declare(&function.name, Symbol::Function(FunctionIndex(u32::from(id))), place);
            }
            _ => self.plan_border(plan, item, place),
        }
    }

    /// What comes from outside, and what goes there.
    fn plan_border<'t>(&mut self, plan: &mut Plan<'t>, item: &'t ast::Item, place: Place) {
        match &item.kind {
            ItemKind::Context(field) => {
                let id = self.next_id(plan.contexts.len(), "CONTEXT values", item.span);
                plan.contexts.push(place.of(field));
                self.declare(&field.name, Symbol::Context(ContextId(id)), place);
            }
            ItemKind::Input(field) => {
                let id = self.next_id(
                    self.env.inputs.len().saturating_add(plan.inputs.len()),
                    "INPUTs",
                    item.span,
                );
                plan.inputs.push(place.of(field));
                self.declare(&field.name, Symbol::Input(InputId(id)), place);
            }
            ItemKind::Metric(metric) => {
                let id = self.next_id(
                    self.env.metrics.len().saturating_add(plan.metrics.len()),
                    "METRICs",
                    item.span,
                );
                plan.metrics.push(place.of(metric));
                self.declare(&metric.name, Symbol::Metric(MetricId(id)), place);
            }
            ItemKind::State(state) => {
                let id = self.next_id(plan.states.len(), "STATE variables", item.span);
                plan.states.push(place.of(state));
                self.declare(&state.name, Symbol::State(StateId(id)), place);
            }
            ItemKind::Veto(veto) => plan.vetoes.push(place.of(veto)),
            ItemKind::Test(test) if place.scope == ScopeId::PROGRAM => plan.tests.push(place.of(test)),
            ItemKind::Error => {
                self.env.incomplete = true;
                plan.unknown_start |= place.scope == ScopeId::PROGRAM;
            }
            _ => self.plan_start(plan, item, place),
        }
    }

    /// What only the program itself can say: what it is called, and when it does something.
    fn plan_start<'t>(&mut self, plan: &mut Plan<'t>, item: &'t ast::Item, place: Place) {
        if place.scope != ScopeId::PROGRAM {
            let (word, span) = match &item.kind {
                ItemKind::Instruction(instruction) => ("INSTRUCTION", instruction.name.span),
                ItemKind::On(on) => ("ON", on.event.span),
                ItemKind::Every(every) => ("EVERY", every.period.span),
                _ => return,
            };
            self.report(errors::modules::only_in_programs(word, span));
            return;
        }
        match &item.kind {
            ItemKind::Instruction(instruction) => match plan.instruction {
                None => plan.instruction = Some(instruction),
                Some(first) => {
                    self.report(errors::header::second_instruction(instruction.name.span, first.name.span));
                }
            },
            ItemKind::On(on) if on.event.text.eq_ignore_ascii_case("start") => {
                plan.starts.push(place.of(on));
            }
            ItemKind::On(on) => plan.handlers.push(place.of(on)),
            ItemKind::Every(every) => plan.timers.push(place.of(every)),
            _ => {}
        }
    }

    /// An enum with the names of its cases; their payloads come with the types.
    fn declare_enum(&mut self, declaration: &ast::EnumDeclaration, whole: Span) -> TypeId {
        let name = &declaration.name;
        let id = self.types.declare_enum(name.text.clone());
        if declaration.cases.len() > MAX_CASES {
            self.report(errors::declarations::too_many("cases", MAX_CASES, name.span));
        }
        let mut first: BTreeMap<&SmolStr, Span> = BTreeMap::new();
        let mut cases = Vec::new();
        for case in declaration.cases.iter().take(MAX_CASES) {
            let (text, span) = (&case.name.text, case.name.span);
            match first.get(text) {
                Some(first) => self.report(errors::names::declared_twice(text, span, *first)),
                None => {
                    first.insert(text, span);
                }
            }
            cases.push(Signature {
                name: text.clone(),
                span,
                parameters: Arc::default(),
                answer: Answer::Value(id),
            });
        }
        // What could not be read may have been a case.
        let unread = |found: &Diagnostic| {
            let place = found.primary.span;
            place.file == whole.file && whole.start <= place.start && place.end <= whole.end
        };
        if cases.is_empty() && !self.diagnostics.iter().any(unread) {
            self.report(errors::declarations::no_cases(&name.text, name.span));
        }
        let plain = declaration.cases.iter().all(|case| case.parameters.is_empty());
        let info = EnumInfo { name: name.text.clone(), span: name.span, plain, cases };
        self.env.enums.insert(id, info);
        id
    }

    fn declare(&mut self, name: &ast::Name, symbol: Symbol, place: Place) {
        let mark = self.env.mark();
        self.declare_as(place.scope, name, symbol, mark);
        if place.replaces {
            let declared = Declared { symbol, span: name.span, origin: Origin::Prelude, mark };
            self.env.declare(ScopeId::PRELUDE, name.text.clone(), declared);
        }
    }

    fn declare_in(&mut self, scope: ScopeId, name: &ast::Name, symbol: Symbol) {
        let mark = self.env.mark();
        self.declare_as(scope, name, symbol, mark);
    }

    fn declare_as(&mut self, scope: ScopeId, name: &ast::Name, symbol: Symbol, mark: Mark) {
        let origin = if scope == ScopeId::PRELUDE { Origin::Prelude } else { Origin::Own };
        self.env.declare(scope, name.text.clone(), Declared { symbol, span: name.span, origin, mark });
    }

    fn next_id(&mut self, used: usize, what: &str, span: Span) -> u16 {
        if used == MAX_DECLARATIONS {
            self.report(errors::declarations::too_many(what, MAX_DECLARATIONS, span));
        }
        u16::try_from(used).unwrap_or(u16::MAX)
    }
}

/// Where a declaration stands.
#[derive(Clone, Copy)]
struct Place {
    span: Span,
    scope: ScopeId,
    /// Whether it takes the place of what the prelude declares under that name.
    replaces: bool,
}

impl Place {
    fn of<T>(self, item: &T) -> In<'_, T> {
        In { item, span: self.span, scope: self.scope }
    }
}

/// Whether the host knows this by its name.
fn crosses_border(kind: &ItemKind) -> bool {
    matches!(
        kind,
        ItemKind::Context(_)
            | ItemKind::Input(_)
            | ItemKind::Metric(_)
            | ItemKind::State(_)
            | ItemKind::Host(_)
            | ItemKind::Event(_)
    )
}

fn is_border(symbol: Symbol) -> bool {
    matches!(
        symbol,
        Symbol::Context(_)
            | Symbol::Input(_)
            | Symbol::Metric(_)
            | Symbol::State(_)
            | Symbol::Host(_)
            | Symbol::Event(_)
    )
}

/// The name a declaration puts into the one namespace, if it does.
pub(crate) fn declared_name(kind: &ItemKind) -> Option<&ast::Name> {
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
