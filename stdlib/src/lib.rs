//! The Swarm standard library: modules written in Swarm, carried as text.

/// A module of the standard library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandardModule {
    /// Its name: `prelude`.
    pub name: &'static str,
    /// Its source text.
    pub text: &'static str,
}

/// What every program can use without saying so.
pub const PRELUDE: StandardModule =
    StandardModule { name: "prelude", text: include_str!("../prelude.swarm") };

/// All modules, by name.
pub const MODULES: &[StandardModule] = &[PRELUDE];
