//! Swarm bytecode: the types, the op table, the module container with its canonical codec, the cost model
//! and the verifier. This crate knows neither source text nor execution.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod module;
pub mod op;
pub mod types;
