//! Two opinions on every program: the compiler and the virtual machine against the evaluators of
//! `tests/reference`.
#![expect(clippy::arithmetic_side_effects, clippy::print_stdout, reason = "test code")]
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "test code")]

mod examples;
mod generated;
mod long;
mod modules;
mod stops;
mod vectors;

/// Runs a test with room on the stack for the reference, which evaluates a call by a call.
fn deep(test: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(1 << 28).spawn(test).unwrap();
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}
