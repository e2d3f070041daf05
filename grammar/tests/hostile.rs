//! Nothing makes the parser or the formatter fall over: no text, however long, broken or deep.
#![expect(clippy::arithmetic_side_effects, clippy::string_slice, clippy::unwrap_used, reason = "test code")]

mod common;

use common::{FILE, program, programs};
use proptest::prelude::*;
use swarm_grammar::ast::Program;
use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::dump::dump;
use swarm_grammar::{format, parse};

/// Parses, and checks what must hold of every text.
fn check(text: &str) -> (Program, Vec<Diagnostic>) {
    let (program, diagnostics) = parse(FILE, text);
    assert!(diagnostics.len() <= 101);
    let end = u32::try_from(text.len()).unwrap();
    for it in &diagnostics {
        let labels = [it.primary.span].into_iter().chain(it.secondary.iter().map(|label| label.span));
        let edits = it.fix.iter().flat_map(|fix| fix.edits.iter().map(|edit| edit.span));
        for span in labels.chain(edits) {
            assert!(span.start <= span.end && span.end <= end, "{span:?} of {it:?} in {text:?}");
            assert!(text.is_char_boundary(span.start as usize) && text.is_char_boundary(span.end as usize));
        }
    }
    // What is an error in the tree has been said, and the other way round.
    let tree = dump(&program);
    assert!(!tree.contains("(error)") || !diagnostics.is_empty(), "a silent error in {text:?}");
    (program, diagnostics)
}

/// Formatting keeps the tree and comes to rest at once.
fn check_format(text: &str) {
    let (before, diagnostics) = check(text);
    match format(text) {
        Ok(once) => {
            assert!(diagnostics.is_empty());
            let (after, left) = parse(FILE, &once);
            assert_eq!(left, [], "{once}");
            assert_eq!(dump(&before), dump(&after), "{text:?}");
            assert_eq!(before.comments.len(), after.comments.len(), "{text:?}");
            assert_eq!(format(&once).unwrap(), once, "{text:?}");
        }
        Err(errors) => assert_eq!(errors, diagnostics),
    }
}

#[test]
fn a_file_cut_at_every_byte() {
    for (_, text) in programs() {
        for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
            check(&text[..end]);
        }
    }
}

#[test]
fn a_comment_at_each_place() {
    for (_, text) in programs() {
        for at in (0..text.len()).filter(|at| text.is_char_boundary(*at)) {
            check_format(&format!("{}// c\n{}", &text[..at], &text[at..]));
        }
    }
}

#[test]
fn a_file_without_each_of_its_bytes() {
    let text = program("statements");
    for at in (0..text.len()).filter(|at| text.is_char_boundary(*at) && text.is_char_boundary(at + 1)) {
        let mut cut = text.to_owned();
        cut.remove(at);
        check(&cut);
    }
}

#[test]
fn ten_megabytes_of_anything() {
    let units = [
        "(",
        "[",
        "{",
        "-",
        "NOT ",
        "x.x",
        "x.",
        "!",
        "x ?? ",
        "IF ",
        "a<",
        "'",
        "\"",
        "{}",
        ")",
        "}",
        "a ",
        "1 ",
        "a+",
        ";",
        ",",
        "IF a THEN ",
        "ON x {",
        "f(",
        "/*",
        "#\n",
        "ä",
        "\0",
        "\"{a}\"",
        "FUNC f() {\n",
        "x = 1\n",
        "=",
        "IF x THEN y() ELSE ",
        "x = IF a THEN b ELSE ",
        "list<list<",
        "map<a, map<a, ",
        "// \n",
        "/// \n",
        "1 2 ",
        "@ ",
        "-a ?? ",
        "f(x) ?? ",
        "(-",
        "IF a {} ELSE ",
        "a => ",
        "x.filter(a => ",
        "x.filter(a => b) ",
        "EXPECT a < 1\n",
        "INSTRUCTION a\nEXPECT b\n",
        "MATCH a { b => ",
        "case x: y()\n",
        "for (x in xs) { ",
        "[x for x in ",
        "f({a: ",
        "STATE x = 1\n",
        "ROLLOUT 1% -> ",
        "END IF\n",
        "TRY { f() } ",
        "\"{",
        "METRIC ",
    ];
    // Less in debug builds, whose frames are larger: what matters is depth, which both have.
    let length = if cfg!(debug_assertions) { 200_000 } else { 10_000_000 };
    for unit in units {
        for before in ["", "FUNC f() { x = ", "TYPE T { a: "] {
            let text = format!("{before}{}", unit.repeat(length / unit.len()));
            drop(parse(FILE, &text));
        }
    }
}

#[test]
fn depth_has_its_code_and_one_message() {
    for (before, unit, after) in [
        ("CONST x = ", "(", "1"),
        ("CONST x = ", "[", ""),
        ("CONST x = ", "-", "1"),
        ("CONST x = ", "NOT ", "TRUE"),
        ("CONST x = ", "a.", "a"),
        ("CONST x = ", "a + ", "a"),
        ("CONST x = ", "a AND ", "a"),
        ("CONST x = ", "a ?? ", "a"),
        ("CONST x = ", "f(", ""),
        ("CONST x = ", "IF a THEN b ELSE ", "c"),
        ("CONST x = ", "IF a THEN ", "b"),
        ("INPUT x: ", "list<", "int"),
        ("FUNC f() ", "{ IF a ", "{ }"),
    ] {
        for count in [300, 5_000] {
            let text = format!("{before}{}{after}", unit.repeat(count));
            let codes: Vec<Code> = check(&text).1.iter().map(|it| it.code).collect();
            assert_eq!(codes, [Code::E0005], "{unit:?} {count} times");
        }
        // A fifth of the depth is fine, where the brackets match.
        let closers: String = unit.repeat(50).chars().rev().filter_map(closer).collect();
        if !unit.contains("THEN ") || unit.contains("ELSE") {
            let text = format!("{before}{}{after}{closers}", unit.repeat(50));
            assert_eq!(check(&text).1, [], "{text}");
        }
    }
}

fn closer(opener: char) -> Option<char> {
    Some(match opener {
        '(' => ')',
        '[' => ']',
        '{' => '}',
        '<' => '>',
        _ => return None,
    })
}

const TOKENS: &[&str] = &[
    "IF",
    "THEN",
    "ELSE",
    "FOR",
    "EACH",
    "IN",
    "WHERE",
    "WHILE",
    "MATCH",
    "WHEN",
    "LET",
    "RETURN",
    "BREAK",
    "CONTINUE",
    "AND",
    "OR",
    "NOT",
    "MOD",
    "DIV",
    "CONTAINS",
    "TRUE",
    "FALSE",
    "NONE",
    "WITHIN",
    "REQUIRE",
    "COUNT",
    "SUM",
    "MIN",
    "MAX",
    "ANY",
    "ALL",
    "COLLECT",
    "TOP",
    "BOTTOM",
    "STOP",
    "FAIL",
    "RECORD",
    "PHASE",
    "TRY",
    "RETRY",
    "TIMES",
    "BACKOFF",
    "BY",
    "INSTRUCTION",
    "USE",
    "CONST",
    "TYPE",
    "ENUM",
    "CONTEXT",
    "INPUT",
    "METRIC",
    "STATE",
    "ACTION",
    "QUERY",
    "EVENT",
    "FUNC",
    "ON",
    "EVERY",
    "VETO",
    "BECAUSE",
    "TEST",
    "DEADLINE",
    "BUDGET",
    "TARGET",
    "AGENTS",
    "EXPECT",
    "REPORT",
    "TOTAL",
    "REQUIRES",
    "COSTS",
    "KEY",
    "GIVEN",
    "RUN",
    "START",
    "a",
    "b",
    "count",
    "f",
    "1",
    "20%",
    "$5",
    "5s",
    "10 tokens",
    "500 USD",
    "89/min",
    "\"t\"",
    "\"{a}\"",
    "\"{\"",
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    ",",
    ";",
    ":",
    ".",
    "..",
    "=",
    "+=",
    "==",
    "!=",
    "<",
    "<=",
    ">",
    "+",
    "-",
    "*",
    "/",
    "?",
    "??",
    "->",
    "%",
    "!",
    "&&",
    "'",
    "\"",
    "#",
    "// c\n",
    "/// d\n",
    "\n",
    "\n",
    "\n\n",
    "  ",
    "§",
];

/// Pieces of programs that are right, for soups in which much can be read.
const PIECES: &[&str] = &[
    "x = 1\n",
    "x = a + b\n",
    "f(a, b: 2)\n",
    "IF a THEN b()\n",
    "IF a {\n",
    "} ELSE {\n",
    "}\n",
    "}\n",
    "ON START {\n",
    "FUNC f() {\n",
    "FUNC g(a: int) -> int {\n",
    "METRIC m: int TOTAL\n",
    "INPUT xs: list<Task> MAX 3\n",
    "FOR EACH x IN xs {\n",
    "RETURN\n",
    "RETURN a\n",
    "// comment\n",
    "x = 2 // behind\n",
    "/// docs\n",
    "\n",
    "\n\n",
    "WHILE a MAX 3 { b() }\n",
    "x = [1, // in a list\n 2]\n",
    "MATCH a {\n",
    "WHEN b THEN c()\n",
    "WHEN c, 1 {\n",
    "ELSE d()\n",
    "TYPE T { a: int }\n",
    "TYPE U {\n  a: int // field\n",
    "ENUM E { a, b(c: int) }\n",
    "STOP \"x\"\n",
    "IF a THEN b() ELSE c()\n",
    "IF a THEN\n b()\nELSE\n c()\n",
    "x = SUM a FOR b IN c WHERE d\n",
    "TRY f() ELSE { }\n",
    "LET y = IF a THEN 1 ELSE 2\n",
    "x = count\n",
    "x = 5\n",
    "tokens = 3\n",
    "TEST \"t\" { RUN }\n",
    "USE std.x\n",
    "INSTRUCTION I_v1 { DEADLINE 2h // why\n }\n",
    "WITHIN 3s, $5 { f() } ELSE { g() }\n",
    "CONST c = \"{a} b\"\n",
    "VETO f(a) WHEN a > 1 BECAUSE \"x\"\n",
    "x = -a ?? (b) - -c\n",
    "xs[0].y += 2\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in "\\PC{0,200}") {
        check_format(&text);
    }

    #[test]
    fn any_bytes_that_are_text(bytes in proptest::collection::vec(0u8..128, 0..200)) {
        check_format(&String::from_utf8(bytes).unwrap());
    }

    #[test]
    fn soups_of_tokens(tokens in proptest::collection::vec(proptest::sample::select(TOKENS), 0..60), apart in any::<bool>()) {
        check_format(&tokens.join(if apart { " " } else { "" }));
    }

    #[test]
    fn soups_of_pieces(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40)) {
        check_format(&pieces.concat());
    }

    #[test]
    fn soups_of_statements(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..20)) {
        check_format(&format!("ON START {{\n{}}}\n", pieces.concat()));
    }

    #[test]
    fn mutations(
        nth in 0usize..10,
        at in any::<prop::sample::Index>(),
        length in 0usize..8,
        with in proptest::sample::select(TOKENS),
    ) {
        let text = programs().nth(nth).unwrap().1;
        let places: Vec<usize> = (0..=text.len()).filter(|at| text.is_char_boundary(*at)).collect();
        let start = *at.get(&places);
        let end = places.iter().copied().find(|end| *end >= start + length).unwrap_or(text.len());
        check_format(&format!("{}{with}{}", &text[..start], &text[end..]));
    }
}
