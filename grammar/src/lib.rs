//! Swarm source text: tokens, one grammar behind one [`parse()`], the syntax tree, diagnostics, formatter.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod aggregate;
mod arms;
pub mod ast;
mod brackets;
mod clauses;
pub mod diagnostic;
pub mod dump;
mod explain;
mod foreign;
mod format;
mod incomplete;
mod items;
mod lexer;
mod mend;
mod node;
mod operands;
mod operators;
mod parse;
mod records;
mod recover;
mod report;
mod shapes;
pub mod source;
pub mod span;
mod string;
pub mod suggest;
mod token;
mod words;

pub use format::format;
pub use parse::{count_tokens, parse};
pub use token::KEYWORDS;

/// The grammar that parses, in the notation of the parser generator: for tools that derive other forms from it.
pub const NOTATION: &str = include_str!("swarm.lalrpop");
