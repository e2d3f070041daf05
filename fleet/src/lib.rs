//! The fleet of Swarm: who may send which program to which agents, how it gets there, what each agent does
//! with it, and how all that is known.
//!
//! **Trust.** An [`order::Order`] says what is to run, where, and until when. Its bytes, signed, are an
//! [`envelope::Envelope`]; the signatures are Ed25519 over the DSSE pre-authentication encoding. A
//! [`trust::Trust`] file, signed by root keys, says whose signature counts for what. [`verify::verify`] puts the
//! three together with what the agent remembers ([`state::HighWaterMark`]) and gives a verified module or a
//! [`refusal::Refusal`].
//!
//! **Protocol.** A [`plan::Plan`] is an order with its targets by name, its waves and gates, signed by
//! publishers; its steps are [`record::Record`]s, signed by the injector the plan delegates to.
//! [`agent::Agent`], [`injector::Injector`] and [`monitor::Monitor`] are machines: a step takes an event and
//! gives commands, to be carried out in their order.
//!
//! **Simulator.** [`simulate::Simulation`] runs all of them under one scheduler, from a seed.
//!
//! Nothing here reads a file, a clock or a source of randomness: bytes, time and seeds are parameters. The
//! manuals are `docs/trust.md` and `docs/fleet.md`.
//!
//! ```
//! use swarm_fleet::envelope::{Envelope, ORDER_TYPE};
//! use swarm_fleet::key::SecretKey;
//!
//! let key = SecretKey::from_seed([7; 32]);
//! let mut envelope = Envelope::new(ORDER_TYPE, b"what is signed".to_vec());
//! envelope.sign(&key)?;
//! let read = Envelope::decode(&envelope.encode())?;
//! assert!(read.verified_by(&key.public_key()));
//! # Ok::<(), swarm_fleet::refusal::Refusal>(())
//! ```
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod agent;
pub mod cache;
mod codec;
pub mod engine;
pub mod envelope;
pub mod injector;
pub mod journal;
pub mod key;
pub mod message;
pub mod monitor;
pub mod name;
pub mod order;
pub mod plan;
pub mod record;
pub mod refusal;
pub mod report;
pub mod shadow;
pub mod simulate;
pub mod state;
pub mod tasks;
pub mod time;
pub mod trace;
pub mod trust;
pub mod verify;
pub mod window;
