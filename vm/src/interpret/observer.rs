//! Who watches a run word by word.

use crate::decode::Code;

/// Sees every word before it runs. The default does nothing and costs nothing.
pub(crate) trait Observer {
    /// Whether there is anything to see.
    const WATCHES: bool;
    /// The word at `pc` is about to run; `used` is the fuel used before it.
    fn word(&mut self, _code: &Code, _pc: usize, _used: i64) {}
    /// Whether the run stops in front of the word at `pc`.
    fn stops(&mut self, _code: &Code, _pc: usize) -> bool {
        false
    }
    /// A function was entered.
    fn enter(&mut self, _code: &Code, _function: u16, _used: i64) {}
}

/// Sees nothing.
pub(crate) struct Blind;

impl Observer for Blind {
    const WATCHES: bool = false;
}
