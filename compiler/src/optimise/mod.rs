//! The optimiser: passes over the typed program between the checker and the code generator.
//!
//! ```text
//! fold     what can be computed now                                  fold.rs
//! dead     what does nothing                                         dead.rs
//! inline   small functions in the place of their calls               inline.rs
//! hoist    what is the same in every round, before the loop          hoist.rs
//! share    what is loaded several times, once                        loads.rs
//! ```
//!
//! No pass changes a result, an effect or the order of effects, whether and where a run traps, or the trace
//! of effects. Only what cannot trap and has no effect is left out or moved (`quiet.rs`). Fuel, memory and
//! the depth of calls are those of the code as it is sent.

mod calls;
mod dead;
mod fold;
mod hoist;
mod inline;
mod keys;
mod loads;
mod quiet;
mod rewrite;

use crate::typed::Function;
use calls::order;
use inline::Templates;
use keys::written;
use quiet::Quiet;

/// In a function with more locals than this nothing is kept in further ones: it has 250 registers.
const MANY_LOCALS: usize = 120;

/// Makes the functions of a program better: callees before their callers, each with all passes at once, while
/// it is at hand. What is known of callees is all that a caller's passes ask for.
pub fn optimise(functions: &mut [Function]) {
    let mut quiet = Quiet::none_of(functions.len());
    let mut templates = Templates::default();
    for (index, recursive) in order(functions) {
        let Some(function) = functions.get_mut(index.0 as usize) else { continue };
        quiet.learn(index, function, recursive);
        let simple = simplify(function, &quiet);
        let expanded = templates.expand(function, &quiet);
        // How deep recursion goes is for the limit to say, so its calls stay.
        if !recursive {
            templates.learn(index, function);
        }
        if expanded || !simple {
            simplify(function, &quiet);
        }
        if function.locals.len() <= MANY_LOCALS {
            keep(function, &quiet);
        }
    }
}

/// Whether doing it once more would change nothing: no code was taken out that may have stood in the way.
fn simplify(function: &mut Function, quiet: &Quiet) -> bool {
    fold::fold(function, quiet);
    !dead::remove(function, quiet)
}

/// Keeps what would be computed or loaded several times in further locals.
fn keep(function: &mut Function, quiet: &Quiet) {
    let written = written(function);
    let hoisted = hoist::hoist(function, &written);
    let shared = loads::share(function, &written);
    if shared {
        keys::forward(function, &written);
    }
    if hoisted || shared {
        dead::remove(function, quiet);
    }
}
