//! What programs are read as: the tree of each program under `programs/`, which together use every production.
#![expect(clippy::string_slice, clippy::unwrap_used, reason = "test code")]

mod common;

use common::{FILE, program, programs};
use swarm_grammar::dump::dump;
use swarm_grammar::parse;

/// The tree of statements inside a FUNC.
fn shape(statements: &str) -> String {
    let text = format!("FUNC f() {{ {statements} }}");
    let (program, diagnostics) = parse(FILE, &text);
    if let Some(first) = diagnostics.first() {
        return first.code.as_str().to_owned();
    }
    let tree = dump(&program);
    let inside = tree.trim_end().strip_prefix("(func f (parameters) - (block").unwrap();
    inside.strip_suffix("))").unwrap().trim_start().to_owned()
}

#[test]
fn trees() {
    for (name, text) in programs() {
        let (tree, diagnostics) = parse(FILE, text);
        assert_eq!(diagnostics, [], "{name}");
        // One node a line where a statement begins, so that a change shows as a small difference.
        let shown = dump(&tree).replace(" (block ", "\n  (block ").replace(") (", ")\n  (");
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("tree_{name}"), shown);
        });
    }
}

#[test]
fn operators_bind_as_documented() {
    let cases = [
        ("x = a - b * c", "(= x (- a (* b c)))"),
        ("x = NOT a == b", "(= x (not (== a b)))"),
        ("x = a OR b AND NOT c", "(= x (OR a (AND b (not c))))"),
        ("x = -a ?? 1", "(= x (neg (?? a 1)))"),
        ("x = a ?? b ?? 0 + 1", "(= x (+ (?? a (?? b 0)) 1))"),
        ("x = a - b - c", "(= x (- (- a b) c))"),
        ("x = $5 / 2 tokens", "(= x (/ $5 `2 tokens`))"),
        ("x = $100/h", "(= x $100/h)"),
        ("x = $100 / h", "(= x (/ $100 h))"),
        ("x = a/h", "(= x (/ a h))"),
        ("x = 89/min(a)", "(= x (/ 89 (call min a)))"),
        ("x = 60/minute", "(= x (/ 60 minute))"),
        ("x = 5\ntokens = 3", "(= x 5) (= tokens 3)"),
        ("x = a\n-b", "(= x (- a b))"),
        ("x = SUM a.b FOR a IN xs > $5", "(= x (sum (. a b) (for (names a) (> xs $5) -)))"),
        ("x = IF a THEN 1 ELSE 2 y = 3", "(= x (if a 1 2)) (= y 3)"),
        ("x = count\ny = 5", "(= x count) (= y 5)"),
        ("x = max\nFOR EACH a IN b { }", "(= x max) (for-each (names a) b - (block))"),
        ("RETURN\nx = 1", "(return) (= x 1)"),
        ("IF a THEN RETURN ELSE x()", "(if (then a (do (return))) (else (do (call x))))"),
        (
            "IF a THEN REQUIRE b ELSE \"no\" ELSE x()",
            "(if (then a (do (require b \"no\"))) (else (do (call x))))",
        ),
        ("f(when: 1, if: 2)", "(call f when:1 if:2)"),
        ("x = task.when.if", "(= x (. (. task when) if))"),
        ("if x { return }", "(if (when x (block (return))))"),
        ("IF any > 3 THEN d()", "(if (then (> any 3) (do (call d))))"),
        ("a.b[1].c += 2; ;", "(+= (. ([] (. a b) 1) c) 2)"),
    ];
    for (text, tree) in cases {
        assert_eq!(shape(text), tree, "{text}");
    }
}

#[test]
fn else_if_is_flat() {
    let chain = "IF a { } ".to_owned() + &"ELSE IF b { } ".repeat(5000);
    assert_eq!(shape(&chain).matches("(when ").count(), 5001);
}

#[test]
fn spans_end_where_the_text_ends() {
    let text = "INPUT xs: list<Task> MAX 3   // why\n\nMETRIC m: int TOTAL   \n\nON START {\n  x = 1\n}\n";
    let (program, _) = parse(FILE, text);
    let slices: Vec<&str> =
        program.items.iter().map(|item| &text[item.span.start as usize..item.span.end as usize]).collect();
    assert_eq!(slices, ["INPUT xs: list<Task> MAX 3", "METRIC m: int TOTAL", "ON START {\n  x = 1\n}"]);
}

#[test]
fn documentation_finds_its_declaration() {
    let (program, _) = parse(FILE, program("comments"));
    let item = program.items.first().unwrap();
    assert_eq!(item.docs, "Documentation of the type,\n\n  on three lines.");
    assert!(program.comments.iter().any(|comment| comment.text.contains("not documentation")));
    assert!(!program.comments.iter().any(|comment| comment.text.contains("on three lines")));
}

#[test]
fn names_in_holes_have_their_place() {
    let text = "ON START { LOG(\"a {first} and { second + 1 }\") }";
    let (tree, diagnostics) = parse(FILE, text);
    assert_eq!(diagnostics, []);
    let shown = format!("{tree:?}");
    for name in ["first", "second"] {
        let start = text.find(name).unwrap();
        let span = format!("start: {start}, end: {}", start + name.len());
        assert!(shown.contains(&span), "{name}: {span}");
    }
}
