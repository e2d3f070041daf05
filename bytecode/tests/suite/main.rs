//! Tests of the crate through its public interface; one file for each part.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test that fails may panic"
)]

mod caps;
mod codec;
mod cost;
mod edges;
mod effects;
mod layout;
mod listing;
mod load;
mod natives;
mod numeric;
mod quantity;
mod reference;
mod rules;
mod support;
mod tables;
mod whole;
