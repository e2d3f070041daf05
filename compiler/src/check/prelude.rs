//! The prelude: parsed once, shared by all programs.

use std::borrow::Cow;
use std::sync::OnceLock;

use swarm_grammar::ast;
use swarm_grammar::diagnostic::Diagnostic;
use swarm_grammar::source::{SourceFile, Sources};
use swarm_grammar::span::FileId;
use swarm_stdlib::PRELUDE;

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
    let known = sources.iter().position(|source| source.name() == NAME && source.text() == PRELUDE.text);
    let file = match known.and_then(|at| u16::try_from(at).ok()) {
        Some(at) => FileId(at),
        None => sources.add(SourceFile::new(NAME, PRELUDE.text)),
    };
    if file == USUAL {
        Cow::Borrowed(PARSED.get_or_init(|| Prelude::read(USUAL)))
    } else {
        Cow::Owned(Prelude::read(file))
    }
}
