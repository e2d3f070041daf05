//! Swarm as one library: the crates of the workspace under one roof.
//!
//! An embedder that compiles instructions itself takes this crate, or `compiler` and `vm` alone; an agent that
//! only runs modules needs [`vm`] and [`bytecode`], which know no source text.

pub mod testing;

/// Types, op table, module container, cost model and verifier.
pub use swarm_bytecode as bytecode;
/// From source text to a module.
pub use swarm_compiler as compiler;
/// Keys, signed orders, and what an agent accepts.
pub use swarm_fleet as fleet;
/// Tokens, grammar, syntax tree, diagnostics and formatter.
pub use swarm_grammar as grammar;
/// The standard library's text.
pub use swarm_stdlib as stdlib;
/// The virtual machine.
pub use swarm_vm as vm;

#[doc = include_str!("../README.md")]
#[cfg(doctest)]
struct Readme;

#[doc = include_str!("../docs/snapshots.md")]
#[cfg(doctest)]
struct Snapshots;
