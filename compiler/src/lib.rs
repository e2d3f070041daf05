//! The Swarm compiler. Pure: it touches no file, clock or network.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod bound;
pub mod check;
pub mod code;
pub mod compile;
pub mod optimise;
pub mod options;
pub mod typed;

pub use check::{Checked, Loader, NoFiles, check, check_with};
pub use compile::{
    Compilation, CompiledTests, Ready, TestPlan, compile, compile_ready, compile_tests, compile_text,
    compile_text_with, compile_with, function_bounds,
};
pub use options::Options;
