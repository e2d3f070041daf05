//! Trust: signatures, envelopes, trust files, and what an agent accepts.
#![expect(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects, reason = "test code")]

mod bytes;
mod fixture;
mod orders;
mod signatures;
mod trust_files;
