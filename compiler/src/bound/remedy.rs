//! What would bound a part of a program that has no bound.

use swarm_grammar::span::Span;

/// The kind of edit that bounds something, and what it is made to. [`super::advice()`] finds the text for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// The type declared here needs a MAX: of a LET, a parameter, a STATE, or the result of a function. The span is
    /// that of the declaration, or of its name.
    Maximum(Span),
    /// This number needs a greatest value.
    AtMost(Span),
    /// The header needs a DEADLINE.
    Deadline,
    /// The ON handler declared here needs a MAX.
    Events(Span),
}
