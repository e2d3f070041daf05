//! What a caller asks of a compilation.

/// What is to be made of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// Whether its TESTs become part of the typed program. They are checked in any case.
    pub tests: bool,
    /// Whether the code is made better. Results, effects and traps are the same either way.
    pub optimise: bool,
}

impl Default for Options {
    /// No tests, optimised.
    fn default() -> Options {
        Options { tests: false, optimise: true }
    }
}
