//! Names of fleets, owners, agents, programs and labels: short, plain, and the same in every encoding.

use std::borrow::Borrow;
use std::fmt;

use smol_str::SmolStr;

/// 1 to 64 of `A-Z a-z 0-9 . _ -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(SmolStr);

impl Name {
    /// Longest name in bytes.
    pub const MAX_BYTES: usize = 64;

    /// The text as a name; `None` where it is not one.
    pub fn new(text: &str) -> Option<Name> {
        (!text.is_empty() && is_prefix(text)).then(|| Name(SmolStr::new(text)))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What stands in the place of a fleet's name on a bus, and so is none.
const RESERVED: [&str; 8] =
    ["agent", "bus", "execution", "health", "hint", "metrics", "performance", "queue"];

/// Whether a fleet can have this name: on a bus its things must not lie among those of all fleets.
pub fn names_a_fleet(name: &Name) -> bool {
    !RESERVED.contains(&name.as_str())
}

/// Whether a text can be the beginning of a name; the empty text is the beginning of every name.
pub fn is_prefix(text: &str) -> bool {
    text.len() <= Name::MAX_BYTES
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}
