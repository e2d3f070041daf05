//! The prelude: parsed and resolved once, shared by all programs.

use std::borrow::Cow;
use std::sync::OnceLock;

use swarm_bytecode::module::{Import, Input, Metric};
use swarm_grammar::ast;
use swarm_grammar::diagnostic::Diagnostic;
use swarm_grammar::source::{SourceFile, Sources};
use swarm_grammar::span::FileId;
use swarm_stdlib::PRELUDE;

use super::Checker;
use super::collect::declared_name;
use super::environment::{Environment, ScopeId};
use super::load::Unit;
use super::types::TypeTable;

/// The name under which the prelude stands among the sources.
const NAME: &str = "std/prelude.swarm";

/// Where the prelude stands when one file is checked: right behind it.
const USUAL: FileId = FileId(1);

/// The parsed prelude.
#[derive(Debug, Clone)]
pub struct Prelude {
    file: FileId,
    program: ast::Program,
    diagnostics: Vec<Diagnostic>,
}

impl Prelude {
    /// Parses the prelude as the source `file`. A pure function: the result can be kept and shared.
    pub fn read(file: FileId) -> Prelude {
        let (program, diagnostics) = swarm_grammar::parse(file, PRELUDE.text);
        Prelude { file, program, diagnostics }
    }

    /// The source it was parsed as.
    pub fn file(&self) -> FileId {
        self.file
    }

    /// Its declarations.
    pub fn program(&self) -> &ast::Program {
        &self.program
    }

    /// What the parser found; a test holds it empty.
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.diagnostics
    }
}

/// Puts the prelude among the sources, if it is not there, and gives its tree.
pub(crate) fn shared(sources: &mut Sources) -> Cow<'static, Prelude> {
    static PARSED: OnceLock<Prelude> = OnceLock::new();
    static SOURCE: OnceLock<SourceFile> = OnceLock::new();
    let known = sources.iter().position(|source| source.name() == NAME && source.text() == PRELUDE.text);
    let file = match known.and_then(|at| u16::try_from(at).ok()) {
        Some(at) => FileId(at),
        None => sources.add(SOURCE.get_or_init(|| SourceFile::new(NAME, PRELUDE.text)).clone()),
    };
    if file == USUAL {
        Cow::Borrowed(PARSED.get_or_init(|| Prelude::read(USUAL)))
    } else {
        Cow::Owned(Prelude::read(file))
    }
}

/// What the checker knows of the prelude when it has been through it.
struct Resolved {
    types: TypeTable,
    env: Environment,
    imports: Vec<Import>,
    inputs: Vec<Input>,
    metrics: Vec<Metric>,
}

/// What is known before a program is looked at.
#[derive(Default)]
pub(super) struct Known {
    pub(super) inputs: Vec<Input>,
    pub(super) metrics: Vec<Metric>,
    /// Whether it is all of the prelude; else nothing of it.
    pub(super) all: bool,
}

impl Checker<'_> {
    /// Begins with the prelude as it is known, if the program is a single file and declares nothing of it again.
    pub(super) fn known(&mut self, units: &[Unit<'_>]) -> Known {
        static RESOLVED: OnceLock<Option<Resolved>> = OnceLock::new();
        let [prelude, program] = units else { return Known::default() };
        if prelude.file != USUAL {
            return Known::default();
        }
        let Some(resolved) = RESOLVED.get_or_init(resolve) else { return Known::default() };
        let mut names = program.program.items.iter().filter_map(|item| declared_name(&item.kind));
        if names.any(|name| resolved.env.local(ScopeId::PRELUDE, &name.text).is_some()) {
            return Known::default();
        }
        self.types = resolved.types.clone();
        self.env = resolved.env.clone();
        self.imports = resolved.imports.clone();
        Known { inputs: resolved.inputs.clone(), metrics: resolved.metrics.clone(), all: true }
    }
}

/// Goes through the prelude alone. Only declarations are kept: a prelude with functions, constants or errors
/// is gone through with each program.
fn resolve() -> Option<Resolved> {
    let mut sources = Sources::new();
    let file = sources.add(SourceFile::new("", ""));
    let prelude = shared(&mut sources);
    let unit = |file, program| Unit { file, program, uses: Vec::new() };
    let units = [
        unit(prelude.file(), Cow::Borrowed(prelude.program())),
        unit(file, Cow::Owned(ast::Program::default())),
    ];
    let mut checker = Checker::new(&sources, units.len(), Vec::new());
    let plan = checker.collect(&units, false);
    let kept = plan.types.len().saturating_add(plan.inputs.len());
    let kept = kept.saturating_add(plan.metrics.len()).saturating_add(plan.hosts.len());
    checker.definitions(&plan);
    checker.type_depths(&plan);
    let (inputs, metrics) = (checker.inputs(&plan), checker.metrics(&plan));
    checker.hosts(&plan);
    let Checker { types, env, imports, diagnostics, functions, .. } = checker;
    let whole = kept == prelude.program().items.len() && functions.is_empty() && diagnostics.is_empty();
    whole.then_some(Resolved { types, env, imports, inputs, metrics })
}
