//! A text that a program hands on and never looks at.

use std::fmt;

use smol_str::SmolStr;
use swarm_bytecode::types::REDACTED;

/// A value of type `secret`. Whatever prints it prints `[redacted]`; only [`Secret::expose`] gives the text. It is not
/// wiped from memory when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(SmolStr);

impl Secret {
    /// A secret of this text.
    pub fn new(text: impl AsRef<str>) -> Secret {
        Secret(text.as_ref().into())
    }

    /// The text itself, for the one who needs it: a key for a request, never a line of a log.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}
