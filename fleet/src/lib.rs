//! The fleet of Swarm. So far its trust: who may send which program to which agents, and what an agent checks before
//! it runs anything.
//!
//! An [`order::Order`] says what is to run, where, and until when. Its bytes, signed, are an
//! [`envelope::Envelope`]; the signatures are Ed25519 over the DSSE pre-authentication encoding. A
//! [`trust::Trust`] file, signed by root keys, says whose signature counts for what. [`verify::verify`] puts the
//! three together with what the agent remembers ([`state::HighWaterMark`]) and gives a verified module or a
//! [`refusal::Refusal`].
//!
//! Nothing here reads a file, a clock or a source of randomness: bytes and time are parameters. The manual is
//! `docs/trust.md`.
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

mod codec;
pub mod envelope;
pub mod key;
pub mod name;
pub mod order;
pub mod refusal;
pub mod state;
pub mod time;
pub mod trust;
pub mod verify;
