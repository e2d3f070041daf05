//! Warnings: the program can run, but is probably not what was meant.

use swarm_grammar::diagnostic::{Code, Diagnostic, Edit};
use swarm_grammar::span::Span;

/// `fix` is the name it can have instead.
pub(in crate::check) fn never_read(
    name: &str,
    span: Span,
    assigned: bool,
    fix: Option<String>,
) -> Diagnostic {
    let message = if assigned {
        format!("{name} is assigned, but never read")
    } else {
        format!("{name} is never read")
    };
    let diagnostic = Diagnostic::new(Code::W0101, span, message)
        .label("nothing reads it")
        .note("A name that starts with _ says that this is meant.");
    match fix {
        Some(fix) if !assigned => diagnostic.fix(format!("write {fix}"), span, fix),
        _ => diagnostic,
    }
}

pub(in crate::check) fn never_called(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::W0102, span, format!("{name} is never called"))
        .label("nothing that runs calls it")
        .note("It is left out of the compiled program; a name that starts with _ says that this is meant.")
        .fix(format!("write _{name}"), span, format!("_{name}"))
}

/// What a declaration stands for is nowhere named. `word` begins it, `whole` is all of it.
pub(in crate::check) fn declaration_never_used(
    word: &str,
    name: &str,
    span: Span,
    whole: Span,
) -> Diagnostic {
    let what = match word {
        "EVENT" => format!("no ON waits for the EVENT {name}"),
        "ACTION" | "QUERY" => format!("the {word} {name} is never called"),
        _ => format!("the {word} {name} is never used"),
    };
    Diagnostic::new(Code::W0113, span, what).label("nothing else names it").fix("take it out", whole, "")
}

/// `text` is the whole USE as it is written.
pub(in crate::check) fn module_never_used(text: &str, span: Span) -> Diagnostic {
    let module = text.trim_start_matches(|c: char| !c.is_whitespace()).trim();
    Diagnostic::new(Code::W0114, span, format!("nothing of {module} is used"))
        .label("what it brings is nowhere named")
        .fix("take it out", span, "")
}

/// `["a": 1, "a": 2]`; `entry` is the first one, with the comma behind it.
pub(in crate::check) fn key_twice(key: &str, span: Span, first: Span, entry: Span) -> Diagnostic {
    Diagnostic::new(Code::W0115, span, format!("the key {key} stands in this map twice"))
        .label("this entry counts")
        .also(first, "this one never does")
        .fix("take out the first one", entry, "")
}

pub(in crate::check) fn test_expects_nothing(name: Span) -> Diagnostic {
    Diagnostic::new(Code::W0116, name, "this TEST expects nothing")
        .label("it fails only if the run does")
        .note("Say what should come of it: EXPECT saved >= $1, EXPECT ACTION LOG(\"x\"), EXPECT NO ACTIONS.")
}

pub(in crate::check) fn never_used(name: &str, span: Span) -> Diagnostic {
    Diagnostic::new(Code::W0103, span, format!("{name} is never used"))
        .label("nothing else names it")
        .note("A name that starts with _ says that this is meant.")
        .fix(format!("write _{name}"), span, format!("_{name}"))
}

/// `before` is what leaves; `rest` reaches from the statement to the end of its block.
pub(in crate::check) fn never_reached(span: Span, before: Span, rest: Span) -> Diagnostic {
    Diagnostic::new(Code::W0104, span, "this statement is never reached")
        .label("nothing gets here")
        .also(before, "this always leaves")
        .fix("take out what is never reached", rest, "")
}

pub(in crate::check) fn constant_condition(holds: bool, span: Span) -> Diagnostic {
    let (word, what) = if holds { ("TRUE", "always") } else { ("FALSE", "never") };
    Diagnostic::new(Code::W0105, span, format!("this condition is always {word}"))
        .label(format!("what depends on it {what} runs"))
}

pub(in crate::check) fn float_equality(at: Span) -> Diagnostic {
    Diagnostic::new(Code::W0106, at, "floats are compared for being exactly equal").note(
        "Floats carry small errors of rounding: 0.1 + 0.2 is not exactly 0.3. Compare with near(a, b, 0.1%) instead.",
    )
}

/// The edits that compare two floats with near; `left` and `right` are the sides of the `==`.
pub(in crate::check) fn with_near(diagnostic: Diagnostic, left: Span, right: Span) -> Diagnostic {
    let between = Span { start: left.end, end: right.start, ..left };
    let edit = |span: Span, text: &str| Edit { span, text: text.to_owned() };
    diagnostic.fixes(
        "compare with near",
        vec![edit(left.before(), "near("), edit(between, ", "), edit(right.after(), ", 0.1%)")],
    )
}

/// `RECORD total = total + x`. `rest` is the `x`.
pub(in crate::check) fn total_twice(
    name: &str,
    total: Span,
    value: Span,
    rest: Option<String>,
) -> Diagnostic {
    let diagnostic = Diagnostic::new(Code::W0107, total, format!("{name} is a TOTAL and adds up by itself"))
        .label("this counts everything so far once more")
        .note("RECORD gives one more sample; the metric adds it to what it has.");
    match rest {
        Some(rest) => diagnostic.fix(format!("record only {rest}"), value, rest),
        None => diagnostic,
    }
}

pub(in crate::check) fn recursion(name: &str, span: Span, declared: Span) -> Diagnostic {
    Diagnostic::new(Code::W0108, span, format!("{name} comes back to itself here"))
        .label("how often cannot be known")
        .also(declared, format!("{name} is declared here"))
        .note("The worst case of the program is unbounded; only its limits hold it. A loop with MAX has a bound.")
}

/// A figure that the header and the body both read.
pub(in crate::check) fn two_meanings(name: &str, span: Span, body: Span) -> Diagnostic {
    Diagnostic::new(Code::W0109, span, format!("{name} means the fleet's figure here, and one agent's in the body"))
        .label("of all agents together")
        .also(body, "of this agent alone")
        .note("A program never sees the fleet's figures; what ends an order early for the whole fleet is STOP WHEN in the header.")
}

/// A metric that the header asks for and nothing records.
pub(in crate::check) fn never_recorded(name: &str, span: Span, declared: Span) -> Diagnostic {
    Diagnostic::new(Code::W0110, span, format!("{name} is asked for here, but no RECORD gives it a sample"))
        .label("this stays without samples")
        .also(declared, format!("{name} is declared here"))
        .note(format!("Write RECORD {name} = … where it is known."))
}

/// Two actions of which the second takes back the first.
pub(in crate::check) fn undone(first: (&str, Span), second: (&str, Span)) -> Diagnostic {
    Diagnostic::new(Code::W0111, second.1, format!("{} takes back what {} did before", second.0, first.0))
        .label("this undoes it")
        .also(first.1, "done here")
        .note("Both happen on every way that comes here, and for the same thing.")
}

/// Budgets in a loop that add up to more than the one they are part of. `repeated`: how often, and how much.
pub(in crate::check) fn parts_in_loop(
    whole: (&str, Span),
    total: &str,
    repeated: (i64, &str),
    parts: &[Span],
) -> Diagnostic {
    let place = parts.first().copied().unwrap_or(whole.1);
    let message = format!("the parts can add up to {total}, more than the {} they are part of", whole.0);
    let diagnostic = Diagnostic::new(Code::W0112, place, message).also(whole.1, "the whole");
    match repeated {
        (1, each) => diagnostic.note(format!("One round of the loop may take {each}.")),
        (rounds, each) => diagnostic.note(format!("{rounds} rounds of {each}.")),
    }
}
