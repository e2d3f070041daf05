//! The second tier, where the build has one: the Cargo feature `jit`.

use std::sync::Arc;

use swarm_vm::tier::Tier;

use crate::cli::TierChoice;
use crate::status::{Failure, Fault, Status};

/// What runs in the interpreter's place, if anything was asked for.
pub(crate) fn chosen(choice: TierChoice) -> Result<Option<Arc<dyn Tier>>, Failure> {
    match choice {
        TierChoice::Interpreter => Ok(None),
        TierChoice::Jit => built::tier(false).map(Some),
        TierChoice::Auto => built::tier(true).map(Some),
    }
}

/// What the second tier compiles, as text.
pub(crate) fn wat(module: &[u8]) -> Result<String, Failure> {
    built::wat(module)
}

fn missing(message: impl std::fmt::Display) -> Failure {
    Failure::coded(Status::Usage, Fault::NoTier.code(), message)
}

#[cfg(feature = "jit")]
mod built {
    use std::path::PathBuf;

    use swarm_jit::Jit;
    use swarm_vm::Program;

    use super::{Arc, Failure, Tier, missing};

    pub(super) fn tier(when_hot: bool) -> Result<Arc<dyn Tier>, Failure> {
        // A directory of no use is none: it only saves compiling again.
        let cached = directory().and_then(|directory| Jit::cached(&directory).ok());
        let jit = cached.map_or_else(Jit::new, Ok);
        let jit = jit.map_err(|error| missing(format!("this machine has no second tier: {error}")))?;
        Ok(Arc::new(if when_hot { jit.when_hot() } else { jit }))
    }

    pub(super) fn wat(module: &[u8]) -> Result<String, Failure> {
        let program = Program::load(module).ok();
        let text = program.as_ref().and_then(swarm_jit::to_wat);
        text.ok_or_else(|| missing("the second tier does not compile this program"))
    }

    /// Where compiled code is kept.
    fn directory() -> Option<PathBuf> {
        let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let caches = set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache")))?;
        Some(caches.join("swarm").join("compiled"))
    }
}

#[cfg(not(feature = "jit"))]
mod built {
    use super::{Arc, Failure, Tier, missing};

    pub(super) fn tier(_: bool) -> Result<Arc<dyn Tier>, Failure> {
        Err(absent())
    }

    pub(super) fn wat(_: &[u8]) -> Result<String, Failure> {
        Err(absent())
    }

    fn absent() -> Failure {
        missing("this build has no second tier")
            .note("`cargo build --release --features jit` builds one with it")
    }
}
