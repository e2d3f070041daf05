//! The machine from outside: modules made by hand, and the sample from its text.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "test code"
)]

mod attempts;
mod bombs;
mod bools;
mod border;
mod common;
mod entries;
mod fuel;
mod fused;
mod host;
mod inputs;
mod limits;
mod natives;
mod numerics;
mod ops;
mod orders;
mod quick;
mod rows;
mod sample;
mod snapshots;
mod tiers;
mod trace;
mod values;
mod veto;
mod within;
