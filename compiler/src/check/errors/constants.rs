//! Values that must be known before the program runs.

use swarm_bytecode::trap::TrapCode;
use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::span::Span;

use crate::check::evaluate::{Stopped, Why};

/// A name whose value only a run knows.
pub(in crate::check) fn not_constant(name: &str, span: Span, what: &str) -> Diagnostic {
    Diagnostic::new(
        Code::E0117,
        span,
        format!("{name} is known only when the program runs, but {what} must be known before"),
    )
    .label("not a constant")
    .note("Constants are literals, CONSTs, and what is computed from them.")
}

pub(in crate::check) fn not_computable(span: Span, what: &str) -> Diagnostic {
    Diagnostic::new(Code::E0117, span, format!("{what} must be known before the program runs"))
        .label("not a constant")
        .note("Constants are literals, CONSTs, and what is computed from them.")
}

/// A constant whose computation goes wrong.
pub(in crate::check) fn stopped(stopped: Stopped, what: &str) -> Diagnostic {
    let Why::Trap(trap) = stopped.why else { return too_much_work(stopped.at, what) };
    let why = match trap {
        TrapCode::DivisionByZero => "it divides by zero",
        TrapCode::Overflow => "the result does not fit 64 bits",
        TrapCode::NotFinite => "the result is not a finite number",
        TrapCode::TooLong => "the result would be too long",
        TrapCode::IndexOutOfRange => "there is no item at this index",
        TrapCode::ShiftOutOfRange => "bits move by 0 to 63 places",
        _ => "it would stop the run",
    };
    Diagnostic::new(Code::E0118, stopped.at, format!("{what} cannot be computed: {why}")).label(why)
}

/// The constants of a program together are more than a compiler should compute.
fn too_much_work(span: Span, what: &str) -> Diagnostic {
    Diagnostic::new(Code::E0118, span, format!("{what} cannot be computed: it is too much work"))
        .label("the limit is reached here")
        .note("All constants of a program together may read and make about 32 MB of text, or 500,000 items.")
        .note("Compute it in ON START, where fuel and memory are metered.")
}

/// A default that is more than a module can carry.
pub(in crate::check) fn no_default(ty: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0131, span, format!("a default is one value, but this {ty} is more"))
        .label("this cannot be a default")
        .note("Defaults are numbers, quantities, texts, TRUE and FALSE, cases without values, NONE, [], [:], and a TYPE() whose fields all have defaults.")
}
