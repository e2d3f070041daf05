//! The optimiser.

use crate::typed::Program;

/// Makes a program better.
pub fn optimise(program: Program) -> Program {
    program
}
