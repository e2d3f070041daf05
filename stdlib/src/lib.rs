//! The Swarm standard library: modules written in Swarm, carried as text.

/// A module of the standard library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandardModule {
    /// Its name: `prelude`; a program says `USE std.` and this name.
    pub name: &'static str,
    /// Its source text.
    pub text: &'static str,
}

impl StandardModule {
    /// The module of this name, if there is one.
    ///
    /// ```
    /// use swarm_stdlib::StandardModule;
    /// assert!(StandardModule::named("rewards").is_some_and(|module| module.text.contains("FUNC divide_pot")));
    /// assert!(StandardModule::named("Rewards").is_none());
    /// ```
    pub fn named(name: &str) -> Option<StandardModule> {
        MODULES.iter().find(|module| module.name == name).copied()
    }
}

macro_rules! modules {
    ($( $name:literal )*) => {
        &[ $( StandardModule { name: $name, text: include_str!(concat!("../", $name, ".swarm")) } ),* ]
    };
}

/// What every program can use without saying so.
pub const PRELUDE: StandardModule =
    StandardModule { name: "prelude", text: include_str!("../prelude.swarm") };

/// All modules, by name.
pub const MODULES: &[StandardModule] = modules!(
    "agents" "guard" "messages" "metrics" "prelude" "queues" "rewards" "scaling" "statistics" "tokens" "voting" "windows"
);
