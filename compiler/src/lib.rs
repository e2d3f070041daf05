//! The Swarm compiler. Pure: it touches no file, clock or network.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod bound;
pub mod check;
pub mod code;
pub mod compile;
pub mod typed;

pub use check::{Checked, check};
pub use compile::{Compilation, compile, compile_text};
