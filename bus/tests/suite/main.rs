//! What every bus does, and what the queue and the registry on it do: one suite over memory, Redis and NATS.
#![expect(clippy::arithmetic_side_effects, reason = "test code")]

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod outsiders;
#[cfg(test)]
mod queue;
#[cfg(test)]
#[cfg(test)]
mod support;
