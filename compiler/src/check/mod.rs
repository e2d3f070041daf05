//! The checker: names, types, units and effects. It takes a syntax tree and gives a typed program, or says
//! what is wrong with it.
//!
//! ```text
//! collect       which names the program and the prelude declare           collect.rs
//! constants     the value of each CONST                                   constants.rs evaluate.rs
//! declarations  types, inputs, metrics, host functions, signatures        declarations.rs host.rs resolve.rs
//! header        INSTRUCTION                                               header.rs
//! bodies        functions, statement by statement                         functions.rs statements.rs …
//! whole         where it starts, who calls whom, what is never used       entry.rs effects.rs
//! ```
//!
//! What could not be understood is `None`, and whatever uses it stays silent: no message is the consequence of
//! another. All words are in `errors/`, one function for each kind of message.

mod aggregates;
mod arithmetic;
mod assignments;
mod body;
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
mod expressions;
mod functions;
mod header;
mod host;
mod literals;
mod operators;
mod prelude;
mod resolve;
mod statements;
mod types;

use swarm_bytecode::module::{Import, ImportId};
use swarm_grammar::ast;
use swarm_grammar::diagnostic::{Diagnostic, Severity};
use swarm_grammar::source::Sources;
use swarm_grammar::span::{FileId, Span};

use crate::typed;
use effects::CallGraph;
use environment::Environment;
use types::TypeTable;

pub use prelude::Prelude;

/// What [`check`] found.
#[derive(Debug)]
pub struct Checked {
    /// The program, if it has no errors.
    pub program: Option<typed::Program>,
    /// Errors and warnings, by place.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses and checks a file together with the prelude, whose text is added to `sources`. Never fails: whatever
/// is wrong is in the diagnostics.
pub fn check(sources: &mut Sources, file: FileId) -> Checked {
    let prelude = prelude::shared(sources);
    let text = sources.get(file).map_or("", |source| source.text());
    let (program, diagnostics) = swarm_grammar::parse(file, text);
    check_parsed(sources, &prelude, file, &program, diagnostics)
}

/// Checks a program that is parsed from `file`, with a prelude that is. `diagnostics` are those of the parser; they
/// count.
pub fn check_parsed(
    sources: &Sources,
    prelude: &Prelude,
    file: FileId,
    program: &ast::Program,
    diagnostics: Vec<Diagnostic>,
) -> Checked {
    let mut checker = Checker::new(sources, diagnostics);
    let program = checker.run(prelude.program(), file, program);
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
    /// Warnings that are given only if the program has no errors.
    pub(crate) unused: Vec<Diagnostic>,
}

impl<'a> Checker<'a> {
    fn new(sources: &'a Sources, diagnostics: Vec<Diagnostic>) -> Checker<'a> {
        Checker {
            sources,
            types: TypeTable::default(),
            env: Environment::default(),
            diagnostics,
            imports: Vec::new(),
            functions: Vec::new(),
            graph: CallGraph::default(),
            unused: Vec::new(),
        }
    }

    fn run(
        &mut self,
        prelude: &ast::Program,
        file: FileId,
        program: &ast::Program,
    ) -> Option<typed::Program> {
        let plan = self.collect(prelude, file, program);
        self.constants(&plan);
        self.records(&plan);
        let contexts = self.contexts(&plan);
        let inputs = self.inputs(&plan);
        let metrics = self.metrics(&plan);
        self.signatures(&plan);
        self.hosts(&plan);
        let header = self.header(&plan);
        self.bodies(&plan);
        let start = self.starts(&plan);
        let entry = self.entry(&plan, start);
        self.check_calls();
        if self.types.is_full() {
            let span = plan.file_start;
            self.report(errors::declarations::too_many("types", 65_000, span));
        }
        if !self.has_errors() {
            self.unused_warnings(&plan, entry, header.target.and_then(|(_, filter)| filter));
        }
        let entry = entry?;
        let functions: Option<Vec<typed::Function>> =
            std::mem::take(&mut self.functions).into_iter().collect();
        let functions = functions?;
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
            contexts,
            metrics,
            functions,
            entry,
        })
    }

    pub(crate) fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
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
