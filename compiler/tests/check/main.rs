//! The checker, seen from outside: programs in, typed programs and diagnostics out.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "test code: a panic is how a test fails"
)]

mod beside;
mod common;
mod errors;
mod good;
mod newcomers;
mod pages;
mod robust;
mod secrets;
mod units;
mod whole;
