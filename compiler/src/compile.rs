//! From source text to a verified module in one call.

use smol_str::SmolStr;
use swarm_bytecode::module::Module;
use swarm_bytecode::verify::Verified;
use swarm_grammar::diagnostic::{Code, Diagnostic, Severity};
use swarm_grammar::source::{SourceFile, Sources};
use swarm_grammar::span::{FileId, Span};

use crate::bound::{Report, prove};
use crate::check::check;
use crate::code::generate;
use crate::typed::Program;

/// What a compilation gives.
#[derive(Debug, Clone, Default)]
pub struct Compilation {
    /// The module, if the program has no errors. It keeps every rule of the verifier.
    pub module: Option<Module>,
    /// Errors and warnings, by place.
    pub diagnostics: Vec<Diagnostic>,
    /// The worst case: the bound that stands in the module, and why a part of it is unbounded.
    pub bound: Report,
}

impl Compilation {
    /// Whether the program has errors; warnings do not count.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|diagnostic| diagnostic.severity() == Severity::Error)
    }
}

/// Compiles a file of `sources`; the prelude, which every program can use, is added to them.
pub fn compile(sources: &mut Sources, file: FileId) -> Compilation {
    let checked = check(sources, file);
    let mut compilation = Compilation { diagnostics: checked.diagnostics, ..Compilation::default() };
    if let Some(program) = checked.program {
        match assemble(&program, sources) {
            Ok((module, bound)) => {
                compilation.module = Some(module);
                compilation.bound = bound;
            }
            Err(errors) => compilation.diagnostics.extend(errors),
        }
    }
    compilation
}

/// Compiles a text, and gives the sources that its diagnostics point into.
pub fn compile_text(name: impl Into<SmolStr>, text: impl Into<String>) -> (Compilation, Sources) {
    let mut sources = Sources::new();
    let file = sources.add(SourceFile::new(name, text));
    let compilation = compile(&mut sources, file);
    (compilation, sources)
}

/// Makes the module of a checked program, with its bound, and has it verified.
///
/// # Errors
/// [`Code::E0180`] where the program is too large; [`Code::E0190`] where the compiler itself is wrong.
pub fn assemble(program: &Program, sources: &Sources) -> Result<(Module, Report), Vec<Diagnostic>> {
    let generated = generate(program, sources)?;
    let mut module = generated.module;
    let report = prove(&module, &generated.facts);
    module.bound = report.bound.clone();
    match Verified::from_module(&module) {
        Ok(_) => Ok((module, report)),
        Err(error) => {
            let span = generated.facts.first().map_or_else(Span::default, |facts| facts.span);
            Err(vec![internal(span, &error.to_string())])
        }
    }
}

/// The compiler made a module that its own verifier refuses.
fn internal(span: Span, error: &str) -> Diagnostic {
    Diagnostic::new(Code::E0190, span, "the compiler made a mistake: its own check refuses the code it made")
        .note(format!("The check says: {error}."))
        .note("Nothing was compiled. Please report this together with the program.")
}
