//! The Swarm compiler. Pure: it touches no file, clock or network.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod typed;
