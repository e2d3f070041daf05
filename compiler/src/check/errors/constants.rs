//! Values that must be known before the program runs.

use swarm_bytecode::trap::TrapCode;
use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::span::Span;

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
pub(in crate::check) fn traps(trap: TrapCode, span: Span, what: &str) -> Diagnostic {
    let why = match trap {
        TrapCode::DivisionByZero => "it divides by zero",
        TrapCode::Overflow => "the result does not fit 64 bits",
        TrapCode::NotFinite => "the result is not a finite number",
        TrapCode::TooLong => "the text would be too long",
        _ => "it would stop the run",
    };
    Diagnostic::new(Code::E0118, span, format!("{what} cannot be computed: {why}")).label(why)
}

/// A default that is more than a module can carry.
pub(in crate::check) fn no_default(ty: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::E0131, span, format!("a default is one value, but this {ty} is more"))
        .label("this cannot be a default")
        .note("Defaults are numbers, quantities, texts, TRUE and FALSE, cases without values, NONE, [], [:], and a TYPE() whose fields all have defaults.")
}
