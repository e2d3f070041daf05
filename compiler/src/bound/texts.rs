//! How long the texts of a run can be. A text that comes from outside has a greatest length; one that is put
//! together is as long as its parts. Where texts are kept (a field of a type, a STATE variable …) the longest
//! of all that are ever put there counts: the code generator notes each such store, and the least lengths
//! that satisfy them all are found by going over them until nothing changes.

use std::collections::BTreeMap;

use swarm_bytecode::cost::MAX_STRING_BYTES;

use super::sum::{Sum, Symbol};
use super::weight::BORDER_TEXT_BYTES;

/// Going over the stores more often than this says that a text grows with every round: then only the greatest
/// length a string can have is sure.
const MAX_ROUNDS: usize = 12;

/// Places where texts are kept, and what is put there.
#[derive(Debug, Clone)]
pub struct TextStores {
    /// Bytes of the longest text that comes in from outside: [`BORDER_TEXT_BYTES`], or what someone who knows
    /// the data takes it to be.
    pub longest_outside: u64,
    /// Whether texts from outside come to each place.
    pub outside: Vec<bool>,
    /// A place, and the bytes of a text that is put there: a sum of other places and of constants.
    pub stores: Vec<(u32, Sum)>,
}

impl Default for TextStores {
    fn default() -> TextStores {
        TextStores { longest_outside: BORDER_TEXT_BYTES, outside: Vec::new(), stores: Vec::new() }
    }
}

impl TextStores {
    /// The longest text of each place, in bytes. `literal` is the longest that stands in the program, `input` the
    /// greatest size of an input.
    pub(crate) fn solve(&self, input: &dyn Fn(Symbol) -> Option<u64>) -> Vec<u64> {
        let start = |outside: &bool| if *outside { self.longest_outside } else { 0 };
        let mut lengths: Vec<u64> = self.outside.iter().map(start).collect();
        for round in 0_usize.. {
            let mut grown = BTreeMap::new();
            for (place, text) in &self.stores {
                let known = |symbol| match symbol {
                    Symbol::Text(place) => lengths.get(place as usize).copied(),
                    other => input(other),
                };
                let length = text.at_most(&known).unwrap_or(MAX_STRING_BYTES).min(MAX_STRING_BYTES);
                if lengths.get(*place as usize).is_some_and(|known| length > *known) {
                    let greatest = grown.entry(*place).or_insert(length);
                    *greatest = length.max(*greatest);
                }
            }
            if grown.is_empty() {
                break;
            }
            for (place, length) in grown {
                if let Some(known) = lengths.get_mut(place as usize) {
                    *known = if round < MAX_ROUNDS { length } else { MAX_STRING_BYTES };
                }
            }
        }
        lengths
    }
}
