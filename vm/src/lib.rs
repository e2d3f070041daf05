//! The Swarm virtual machine: loads a module, runs it with every resource metered, traces what it does.
//!
//! ```
//! use swarm_vm::{Grants, Host, Inputs, Instance, Limits, Program};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use swarm_bytecode::{module::{Function, Module}, op::Op};
//! # let mut module = Module::empty();
//! # module.functions.push(Function { registers: vec![], parameters: 0, result: None, code: vec![Op::Return {}] });
//! # let bytes = module.encode();
//! let program = Program::load(&bytes)?; // verified
//! let inputs = Inputs::new(&program); // bound once, shared by all instances
//! let mut host = Host::new(); // offers nothing
//! let mut run = Instance::new(&program, &inputs, Limits::default(), &Grants::none(), &host)?;
//! let report = run.run(&mut host).report().ok_or("not over yet")?;
//! assert_eq!(report.outcome.name(), "done");
//! # Ok(())
//! # }
//! ```
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod actions;
mod activation;
mod agenda;
mod attached;
mod buckets;
mod carry;
mod clock;
mod compare;
mod course;
mod decode;
mod driver;
mod encoded;
mod error;
mod evaluate;
mod extended;
mod filter;
mod fuse;
mod heap;
mod host;
mod inputs;
mod instance;
mod interpret;
mod json;
mod keyed;
mod limits;
mod machine;
mod map;
mod metric;
mod native;
mod objects;
mod order;
mod outside;
mod packed;
mod print;
mod program;
mod quick;
mod report;
mod scope;
mod secret;
mod self_test;
mod slot;
pub mod snapshot;
mod store;
mod table;
pub mod tier;
pub mod trace;
mod value;
mod word;

/// By how many bytes the native stack has grown at most while the interpreter went through some 4,096 fuel of
/// words, over all runs of this process so far; nothing where it is built as a loop, which takes none. For
/// the project's own test.
#[doc(hidden)]
pub fn native_stack_growth() -> Option<usize> {
    interpret::growth()
}

pub use actions::Actions;
pub use activation::Refusal;
pub use agenda::{Agenda, Due, Posted};
pub use clock::{Clock, SystemClock, VirtualClock};
pub use course::{Course, Wake};
pub use error::{InputError, LoadError, LoadErrorKind};
pub use host::{
    Answer, Argument, Bandwidth, Bytes, Call, Duration, EffectKey, Handler, Host, HostError, IntoAnswer,
    IntoValue, List, Money, Percent, Rate, Record, Text, Time, Tokens,
};
pub use inputs::Inputs;
pub use instance::{Effects, Exit, Instance, NotPending, PendingCall, PendingKind};
pub use limits::{Grants, Limits};
pub use program::Program;
pub use report::{ActionRecord, OrderReport, Outcome, PlaceName, Reason, Report, SourcePlace};
pub use secret::Secret;
pub use self_test::self_test;
pub use table::{Table, TableBuilder, TableError};
pub use trace::{Level, TraceSink};
pub use value::{Value, ValueRef};
