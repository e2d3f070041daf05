//! Every message of the checker: one function for each, from facts to words. The style is in `docs/errors.md`.

pub(super) mod budgets;
pub(super) mod calls;
pub(super) mod constants;
pub(super) mod declarations;
pub(super) mod entry;
pub(super) mod events;
pub(super) mod fleet;
pub(super) mod flow;
pub(super) mod header;
pub(super) mod host;
pub(super) mod matching;
pub(super) mod modules;
pub(super) mod names;
pub(super) mod natives;
pub(super) mod secrets;
pub(super) mod testing;
pub(super) mod types;
pub(super) mod units;
pub(super) mod warnings;

use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::span::Span;

/// An expression as a message names it.
#[derive(Debug, Clone)]
pub(crate) struct Side {
    /// Its text, or "this".
    pub(super) text: String,
    pub(super) span: Span,
    /// Its type as it would be written.
    pub(super) ty: String,
}

impl Side {
    /// "1GB is bytes"
    fn is(&self) -> String {
        format!("{} is {}", self.text, self.ty)
    }

    /// "this is bytes"
    fn this_is(&self) -> String {
        format!("this is {}", self.ty)
    }
}

/// A program that was not understood, though nothing is wrong with it.
pub(super) fn unexplained(span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0190, span, "the compiler did not understand this program and cannot say why")
        .note("Nothing was compiled. Please report this together with the program.")
}

/// The candidate a word was probably meant to be.
pub(super) fn nearest<'n>(word: &str, candidates: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    swarm_grammar::suggest::closest(word, candidates)
}

/// Adds "did you mean" with its edit, where there is a near name.
fn did_you_mean(diagnostic: Diagnostic, span: Span, near: Option<&str>) -> Diagnostic {
    match near {
        Some(near) => diagnostic.fix(format!("write {near}"), span, near),
        None => diagnostic,
    }
}

/// A few words for a type, as one would say them.
fn say(ty: &str) -> String {
    super::types::with_article(ty)
}
