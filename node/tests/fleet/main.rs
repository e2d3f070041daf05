//! Processes of a fleet turn by turn in one thread, over memory, Redis and NATS.
#![expect(clippy::unwrap_used, clippy::panic, reason = "test code")]
#![expect(clippy::arithmetic_side_effects, reason = "test code")]

mod members;
mod queue;
mod support;
