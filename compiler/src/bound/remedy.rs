//! What would bound a part of a program that has no bound.

use smol_str::SmolStr;
use swarm_bytecode::types::TypeId;
use swarm_grammar::span::Span;

/// The kind of edit that bounds something, and what it is made to. [`super::advice()`] finds the text for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// The type declared here needs a MAX: of a LET, a parameter or a STATE variable. The span is that of the
    /// declaration, or of its name.
    Maximum(Span),
    /// The type of a part of the declaration of this name needs a MAX.
    MaximumOf(SmolStr, Part),
    /// This number or quantity, of this type, needs a greatest value.
    AtMost(Span, TypeId),
    /// This number needs a least value.
    AtLeast(Span),
    /// The header needs a DEADLINE.
    Deadline,
    /// The ON handler declared here needs a MAX.
    Events(Span),
}

/// A part of a declaration that has a type.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// What a QUERY answers, or a FUNC gives.
    Result,
    /// A parameter of an EVENT, by its index.
    Parameter(usize),
    /// A field of a TYPE.
    Field(SmolStr),
}
