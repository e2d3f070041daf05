//! Programs from source text to result: compiled, verified and run, with exact fuel. Each run is also held
//! against the worst case that the compiler proved for it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "test code"
)]

mod aggregates;
mod border;
mod constants;
mod flow;
mod generated;
mod growth;
mod harness;
mod numbers;
mod quantities;
mod values;
