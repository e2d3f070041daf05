//! Swarm bytecode: the types, the op table, the module container with its canonical codec, the cost model
//! and the verifier. This crate knows neither source text nor execution.
//!
//! [`op`] is the table everything derives from, [`module`] what a program is, [`codec`] its bytes,
//! [`verify`] what it must keep to, [`layout`] and [`cost`] what it costs, [`numeric`] and [`text`] what its
//! operations mean, [`native`] which library functions every machine brings, [`quantity`] how its values read and
//! print. The manual is `docs/bytecode.md`.
//!
//! ```
//! use swarm_bytecode::module::{Function, Module};
//! use swarm_bytecode::op::Op;
//! use swarm_bytecode::verify::Verified;
//!
//! let mut module = Module::empty();
//! module.functions.push(Function { registers: vec![], parameters: 0, result: None, code: vec![Op::Return {}] });
//! let bytes = module.encode();
//! let verified = Verified::load(&bytes)?;
//! assert_eq!(verified.module(), &module);
//! # Ok::<(), swarm_bytecode::verify::LoadError>(())
//! ```
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod codec;
pub mod cost;
pub mod dictionary;
pub mod disassemble;
pub mod layout;
pub mod module;
pub mod native;
pub mod numeric;
pub mod op;
pub mod quantity;
pub mod reference;
mod registers;
pub mod text;
pub mod trap;
pub mod types;
pub mod verify;
