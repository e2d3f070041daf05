//! Caps on what a module may hold. The decoder checks them before it allocates, the verifier for modules that
//! never were bytes.

/// Bytes of an encoded module.
pub const MODULE_BYTES: usize = 1 << 24;
/// Bytes of a name.
pub const NAME_BYTES: usize = 255;
/// Bytes of a string constant.
pub const STRING_BYTES: usize = (1 << 20) - 1;
/// The module's own types.
pub const TYPES: usize = 4_096;
/// Fields of a record or of a case's payload.
pub const FIELDS: usize = 256;
/// Cases of an enum.
pub const CASES: usize = 256;
/// Imports.
pub const IMPORTS: usize = 1_024;
/// Parameters of an import or a function.
pub const PARAMETERS: usize = 250;
/// Inputs.
pub const INPUTS: usize = 1_024;
/// Context values.
pub const CONTEXTS: usize = 1_024;
/// Metrics.
pub const METRICS: usize = 1_024;
/// STATE variables.
pub const STATES: usize = 1_024;
/// Events it handles.
pub const EVENTS: usize = 256;
/// Timers.
pub const TIMERS: usize = 256;
/// Vetoes.
pub const VETOES: usize = 1_024;
/// Waves of a rollout.
pub const WAVES: usize = 64;
/// Expectations, stops or reports of a header.
pub const CONDITIONS: usize = 256;
/// Float constants.
pub const FLOATS: usize = 16_384;
/// String constants.
pub const STRINGS: usize = 16_384;
/// Functions.
pub const FUNCTIONS: usize = 4_096;
/// Registers of a function.
pub const REGISTERS: usize = 250;
/// Ops of a function.
pub const OPS: usize = 65_535;
/// Terms of a polynomial.
pub const TERMS: usize = 4_096;
/// Factors of a term.
pub const FACTORS: usize = 16;
/// Source files named in debug information.
pub const FILES: usize = 1_024;
