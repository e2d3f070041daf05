//! The programs of the tests.
#![expect(clippy::unwrap_used, reason = "test code")]

use swarm_grammar::span::FileId;

/// The file all tests read.
pub(crate) const FILE: FileId = FileId(0);

const PROGRAMS: &[(&str, &str)] = &[
    ("comments", include_str!("../programs/comments.swarm")),
    ("declarations", include_str!("../programs/declarations.swarm")),
    ("expressions", include_str!("../programs/expressions.swarm")),
    ("header", include_str!("../programs/header.swarm")),
    ("long_lines", include_str!("../programs/long_lines.swarm")),
    ("statements", include_str!("../programs/statements.swarm")),
    ("strings", include_str!("../programs/strings.swarm")),
    ("tests", include_str!("../programs/tests.swarm")),
    ("units", include_str!("../programs/units.swarm")),
    ("words", include_str!("../programs/words.swarm")),
];

/// The programs, by name.
pub(crate) fn programs() -> impl Iterator<Item = (&'static str, &'static str)> {
    PROGRAMS.iter().copied()
}

/// One of them.
pub(crate) fn program(name: &str) -> &'static str {
    PROGRAMS.iter().find(|(found, _)| *found == name).unwrap().1
}
