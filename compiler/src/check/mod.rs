//! The checker: names, types, units and effects. It takes a syntax tree and gives a typed program, or says
//! what is wrong with it.
//!
//! ```text
//! load          the files and modules that USE names                      load.rs
//! known         the prelude, if nothing in it is declared again           prelude.rs
//! collect       which names each of them and the prelude declare          collect.rs environment.rs
//! definitions   CONST, TYPE and ENUM, each after those it needs           constants.rs evaluate.rs declarations.rs
//! signatures    inputs, metrics, states, functions, host, events          declarations.rs host.rs events.rs resolve.rs
//! header        INSTRUCTION                                               header.rs fleet.rs
//! bodies        functions, statement by statement                         functions.rs statements.rs …
//! whole         where it starts, who calls whom, what is never used       entry.rs effects.rs unused.rs
//! tests         TEST                                                      testing.rs
//! ```
//!
//! What could not be understood is `None`, and whatever uses it stays silent: no message is the consequence of
//! another. All words are in `errors/`, one function for each kind of message.

mod aggregates;
mod arithmetic;
mod assignments;
mod body;
mod budgets;
mod calls;
mod collect;
mod comparisons;
mod constants;
mod conversions;
mod declarations;
mod effects;
mod entry;
mod environment;
mod errors;
mod evaluate;
mod events;
mod expressions;
mod fleet;
mod functions;
mod header;
mod host;
mod joined;
mod literals;
mod load;
mod maps;
mod matching;
mod natives;
mod operators;
mod prelude;
mod resolve;
mod statements;
mod testing;
mod tops;
mod trying;
mod types;
mod undo;
mod unused;
mod vetoes;

use std::collections::BTreeSet;

use smol_str::SmolStr;
use swarm_bytecode::module::{Import, ImportId};
use swarm_grammar::diagnostic::{Diagnostic, Severity};
use swarm_grammar::source::Sources;
use swarm_grammar::span::{FileId, Span};

use crate::options::Options;
use crate::typed;
use collect::Plan;
use effects::CallGraph;
use environment::Environment;
use header::Header;
use load::Unit;
use prelude::Known;
use types::TypeTable;

pub use load::{Loader, NoFiles};
pub use prelude::Prelude;

/// What [`check`] found.
#[derive(Debug)]
pub struct Checked {
    /// The program, if it has no errors.
    pub program: Option<typed::Program>,
    /// Errors and warnings, by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses and checks a file that uses no others, together with the prelude, whose text is added to `sources`.
/// Never fails: whatever is wrong is in the diagnostics.
pub fn check(sources: &mut Sources, file: FileId) -> Checked {
    check_with(sources, file, &NoFiles, &Options::default())
}

/// As [`check`], for a file that may use others: `loader` gives their texts, which are added to `sources` too.
pub fn check_with(sources: &mut Sources, file: FileId, loader: &dyn Loader, options: &Options) -> Checked {
    let prelude = prelude::shared(sources);
    let loaded = load::load(sources, &prelude, file, loader);
    let mut checker = Checker::new(sources, loaded.units.len(), loaded.diagnostics);
    let program = checker.run(&loaded.units, options);
    let mut diagnostics = checker.diagnostics;
    if program.is_none() && !diagnostics.iter().any(is_error) {
        // Whatever is not understood has been reported; were it not, the program must not be dropped in silence.
        diagnostics.push(errors::unexplained(Span::new(file, 0, 0)));
    }
    diagnostics.sort_by_key(|diagnostic| {
        let span = diagnostic.primary.span;
        (span.file, span.start, span.end, diagnostic.code)
    });
    let errors = diagnostics.iter().any(is_error);
    Checked { program: program.filter(|_| !errors), diagnostics }
}

/// Diagnostics after which no message says which name was probably meant.
const MAX_SUGGESTIONS: usize = 500;

/// Everything known while a program is checked.
pub(crate) struct Checker<'a> {
    sources: &'a Sources,
    pub(crate) types: TypeTable,
    pub(crate) env: Environment,
    pub(crate) diagnostics: Vec<Diagnostic>,
    /// Host functions, as far as they are known.
    pub(crate) imports: Vec<Import>,
    /// Functions by index; `None` where one was not understood.
    pub(crate) functions: Vec<Option<typed::Function>>,
    /// What the functions do, by index.
    pub(crate) graph: CallGraph,
    /// Locals that nothing reads, of which is spoken only if the program has no errors.
    pub(crate) unread: Vec<unused::Unread>,
    /// Names by which calls give their arguments.
    pub(crate) named_arguments: BTreeSet<SmolStr>,
    /// Values that uses of CONSTs have written out so far.
    pub(crate) written_out: usize,
    /// What computing constants may still take.
    pub(crate) work: evaluate::Work,
    /// Whether it was said that this is used up.
    pub(crate) work_told: bool,
}

/// What wakes a program up.
pub(crate) struct Activations {
    pub(crate) start: Option<typed::FunctionIndex>,
    pub(crate) handlers: Vec<typed::EventHandler>,
    pub(crate) timers: Vec<typed::Timer>,
}

impl Activations {
    /// What agents run: where it starts, events, timers, vetoes.
    fn roots(
        &self,
        entry: Option<typed::FunctionIndex>,
        vetoes: &[typed::Veto],
    ) -> Vec<typed::FunctionIndex> {
        let handlers = self.handlers.iter().map(|handler| handler.function);
        let timers = self.timers.iter().map(|timer| timer.function);
        let vetoes = vetoes.iter().map(|veto| veto.condition);
        entry.into_iter().chain(handlers).chain(timers).chain(vetoes).collect()
    }
}

impl<'a> Checker<'a> {
    fn new(sources: &'a Sources, units: usize, diagnostics: Vec<Diagnostic>) -> Checker<'a> {
        Checker {
            sources,
            types: TypeTable::default(),
            env: Environment::new(units),
            diagnostics,
            imports: Vec::new(),
            functions: Vec::new(),
            graph: CallGraph::default(),
            unread: Vec::new(),
            named_arguments: BTreeSet::new(),
            written_out: 0,
            work: evaluate::Work::default(),
            work_told: false,
        }
    }

    fn run(&mut self, units: &[Unit<'_>], options: &Options) -> Option<typed::Program> {
        let Known { mut inputs, mut metrics, all } = self.known(units);
        let plan = self.collect(units, all);
        self.definitions(&plan);
        self.type_depths(&plan);
        let contexts = self.contexts(&plan);
        let known = inputs.len();
        inputs.extend(self.inputs(&plan));
        let secret_inputs = self.secret_inputs(&plan, &inputs, known);
        metrics.extend(self.metrics(&plan));
        self.states(&plan);
        self.signatures(&plan);
        self.hosts(&plan);
        self.events(&plan);
        let header = self.header(&plan);
        self.bodies(&plan);
        let states = self.initial_values(&plan);
        let vetoes = self.vetoes(&plan);
        let handlers = self.handlers(&plan);
        let activations = Activations { start: self.starts(&plan), timers: self.timers(&plan), handlers };
        let tests = self.tests(&plan, &activations.handlers);
        let entry = self.entry(&plan, &activations);
        self.parts_of_header(entry, &activations, &header.instruction, &header.spans);
        self.whole(&plan, &header, &activations.roots(entry, &vetoes), entry);
        let entry = entry?;
        let functions: Option<Vec<typed::Function>> =
            std::mem::take(&mut self.functions).into_iter().collect();
        let mut functions = functions?;
        for (function, facts) in functions.iter_mut().zip(&self.graph.facts) {
            function.calls = facts.calls.iter().map(|call| call.callee).collect();
        }
        let mut instruction = header.instruction;
        if instruction.name.is_empty() {
            let entry = functions.get(effects::index(entry));
            instruction.name = entry.map(|entry| entry.name.clone()).unwrap_or_default();
            instruction.version = 1;
        }
        Some(typed::Program {
            instruction,
            target: header.target,
            types: std::mem::take(&mut self.types).into_types(),
            imports: std::mem::take(&mut self.imports),
            inputs,
            secret_inputs,
            contexts,
            metrics,
            states,
            events: activations.handlers,
            timers: activations.timers,
            vetoes,
            fleet: header.fleet,
            tests: if options.tests { tests } else { Vec::new() },
            functions,
            entry,
        })
    }

    /// What is seen only when everything has been.
    fn whole(
        &mut self,
        plan: &Plan<'_>,
        header: &Header,
        roots: &[typed::FunctionIndex],
        entry: Option<typed::FunctionIndex>,
    ) {
        self.check_calls();
        if self.types.is_full() {
            self.report(errors::declarations::too_many("types", 65_000, plan.file_start));
        }
        if !self.has_errors() {
            self.figure_warnings(header, roots);
            self.unused_warnings(plan, roots, entry);
        }
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
        self.env.suggests = self.diagnostics.len() < MAX_SUGGESTIONS;
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(is_error)
    }

    pub(crate) fn host_is_query(&self, id: ImportId) -> bool {
        let import = self.imports.get(id.index());
        import.is_some_and(|import| import.effect == swarm_bytecode::module::Effect::Query)
    }

    /// The text of a span.
    pub(crate) fn source_text(&self, span: Span) -> String {
        self.sources.get(span.file).map_or("", |file| file.slice(span)).to_owned()
    }

    /// The text of an expression as a message names it: itself, or "this" where it is long.
    pub(crate) fn quote(&self, span: Span) -> String {
        let text = self.sources.get(span.file).map_or("", |file| file.slice(span));
        let short = !text.is_empty() && text.chars().count() <= 40 && !text.contains('\n');
        if short { text.to_owned() } else { "this".to_owned() }
    }
}

fn is_error(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity() == Severity::Error
}
