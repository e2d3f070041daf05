//! Swarm source text: tokens, one grammar behind one [`parse`], the syntax tree, diagnostics, formatter.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod ast;
pub mod diagnostic;
pub mod source;
pub mod span;
