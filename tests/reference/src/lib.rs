//! A second opinion: two slow evaluators that say what a Swarm program means, to compare the real ones with.
//!
//! - [`machine`] evaluates a module op by op, as docs/bytecode.md says: result, outcome, place, fuel, memory,
//!   actions, metrics and the digest of docs/trace.md.
//! - [`source`] evaluates a checked program by what the book's reference says of its statements and expressions:
//!   result, outcome, line, actions, metrics. It knows no fuel and no registers.
//!
//! Neither shares code with the code generator, the optimiser or the virtual machine. What they share with
//! everybody is the vocabulary: the types of a module and of a checked program, the rows of the op table and
//! of the natives, and how quantities are written. They are made to be read, not to be fast: values are
//! trees, fuel is a sum, and an error leaves by `?`.

pub mod generate;
pub mod given;
pub mod machine;
pub mod metric;
pub mod native;
pub mod number;
pub mod report;
pub mod source;
pub mod types;
pub mod value;
