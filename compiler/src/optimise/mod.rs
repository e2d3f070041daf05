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
//! No pass changes a result, an effect or the order of effects, whether and where a run traps, or the trace of effects.
//! Only what cannot trap and has no effect is left out or moved (`quiet.rs`). Fuel, memory and the depth of calls are
//! those of the code as it is sent.

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
use quiet::Quiet;

/// In a function with more locals than this nothing is kept in further ones: it has 250 registers.
const MANY_LOCALS: usize = 120;

/// Makes the functions of a program better.
pub fn optimise(functions: &mut [Function]) {
    let quiet = Quiet::of(functions);
    let mut simple: Vec<bool> = functions.iter_mut().map(|function| simplify(function, &quiet)).collect();
    inline::inline(functions, &quiet, &mut simple);
    for (function, simple) in functions.iter_mut().zip(simple) {
        if !simple {
            simplify(function, &quiet);
        }
        if function.locals.len() <= MANY_LOCALS {
            hoist::hoist(function);
            loads::share(function);
            keys::forward(function);
            dead::remove(function, &quiet);
        }
    }
}

/// Whether doing it once more would change nothing: no code was taken out that may have stood in the way.
fn simplify(function: &mut Function, quiet: &Quiet) -> bool {
    fold::fold(function, quiet);
    !dead::remove(function, quiet)
}
