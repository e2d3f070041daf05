//! Each slip gets one message, at the right place, in these words; and a fix that mends it.
#![expect(clippy::string_slice, clippy::unwrap_used, reason = "test code")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use swarm_grammar::diagnostic::{Code, Diagnostic};
use swarm_grammar::parse;
use swarm_grammar::source::SourceFile;
use swarm_grammar::span::{FileId, Span};

const FILE: FileId = FileId(0);

/// Codes the parser gives, and that fit in a file.
const SHOWN: std::ops::RangeInclusive<Code> = Code::E0001..=Code::E0026;

fn examples() -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/parse_error");
    let mut found: Vec<(PathBuf, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), std::fs::read_to_string(path).unwrap()))
        .collect();
    found.sort();
    found
}

fn shown(text: &str, diagnostics: &[Diagnostic]) -> String {
    let source = SourceFile::new("file", text);
    let place = |span: Span| {
        let (start, end) = (source.position(span.start), source.position(span.end));
        let short: String = source.slice(span).chars().take(50).collect();
        format!("{}:{}-{}:{} {short:?}", start.line, start.column, end.line, end.column)
    };
    let mut out = String::new();
    for it in diagnostics {
        let _ = writeln!(out, "{} {}", it.code.as_str(), it.message);
        let _ = writeln!(out, "  at {} {}", place(it.primary.span), it.primary.message);
        for label in &it.secondary {
            let _ = writeln!(out, "  and {} {}", place(label.span), label.message);
        }
        for note in &it.notes {
            let _ = writeln!(out, "  note: {note}");
        }
        if let Some(fix) = &it.fix {
            let _ = writeln!(out, "  fix: {}", fix.description);
            for edit in &fix.edits {
                let _ = writeln!(out, "    {} becomes {:?}", place(edit.span), edit.text);
            }
        }
    }
    out
}

/// The text with all fixes made.
fn mended(text: &str, diagnostics: &[Diagnostic]) -> String {
    let mut edits: Vec<_> =
        diagnostics.iter().filter_map(|it| it.fix.as_ref()).flat_map(|fix| fix.edits.clone()).collect();
    edits.sort_by_key(|edit| (edit.span.start, edit.span.end));
    let mut out = text.to_owned();
    for edit in edits.iter().rev() {
        out.replace_range(edit.span.start as usize..edit.span.end as usize, &edit.text);
    }
    out
}

#[test]
fn each_example_has_its_one_message() {
    let mut seen = BTreeSet::new();
    for (path, text) in examples() {
        let name = path.file_stem().unwrap().to_str().unwrap();
        let code = Code::parse(&name[..5]).unwrap();
        assert!(text.starts_with(&format!("// {}: ", code.as_str())), "{name}: the first line says the code");
        let (_, diagnostics) = parse(FILE, &text);
        if code == Code::E0009 {
            assert_eq!(diagnostics.last().map(|it| it.code), Some(code));
            assert_eq!(diagnostics.len(), 101);
        } else {
            assert_eq!(diagnostics.len(), 1, "{name}: {}", shown(&text, &diagnostics));
            assert_eq!(diagnostics[0].code, code, "{name}");
            insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
                insta::assert_snapshot!(name, shown(&text, &diagnostics));
            });
        }
        seen.insert(code);
    }
    // A text that is too long (E0008) is no file to keep.
    let expected: BTreeSet<Code> =
        Code::ALL.iter().copied().filter(|code| SHOWN.contains(code) && *code != Code::E0008).collect();
    assert_eq!(seen, expected);
}

#[test]
fn each_fix_mends() {
    for (path, text) in examples() {
        let (_, diagnostics) = parse(FILE, &text);
        if diagnostics.iter().all(|it| it.fix.is_some()) {
            let mended = mended(&text, &diagnostics);
            let (_, left) = parse(FILE, &mended);
            assert_eq!(left, [], "{}: {mended}", path.display());
        }
    }
}

/// Codes whose example is answered with an edit. One that has had an edit keeps it.
const FIXED: &[&str] = &[
    "E0002", "E0003", "E0004", "E0006", "E0010", "E0011", "E0012", "E0013", "E0014", "E0015", "E0016",
    "E0018", "E0019", "E0020", "E0021", "E0022", "E0023", "E0024", "E0026",
];

#[test]
fn what_has_had_a_fix_keeps_it() {
    let mut fixed = BTreeSet::new();
    for (path, text) in examples() {
        let (_, diagnostics) = parse(FILE, &text);
        if diagnostics.iter().all(|it| it.fix.is_some()) {
            fixed.insert(path.file_stem().unwrap().to_str().unwrap()[..5].to_owned());
        }
    }
    assert_eq!(fixed.iter().map(String::as_str).collect::<Vec<_>>(), FIXED);
}

#[test]
fn each_code_has_a_page_with_examples_that_hold() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/errors");
    for code in Code::ALL.iter().copied().filter(|code| SHOWN.contains(code)) {
        let page = std::fs::read_to_string(folder.join(format!("{}.md", code.as_str()))).unwrap();
        assert!(page.starts_with(&format!("# {}: {}\n", code.as_str(), code.title())), "{}", code.as_str());
        if [Code::E0008, Code::E0009].contains(&code) {
            continue;
        }
        let blocks: Vec<&str> =
            page.split("```swarm\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
        assert_eq!(blocks.len(), 2, "{}: a bad example and the corrected one", code.as_str());
        let bad = parse(FILE, blocks[0]).1;
        assert_eq!(bad.iter().map(|it| it.code).collect::<Vec<_>>(), [code], "{}", shown(blocks[0], &bad));
        assert_eq!(parse(FILE, blocks[1]).1, [], "{}", code.as_str());
    }
}

/// Statements with a slip, and what is said about them.
const SLIPS: &[&str] = &[
    "IF a == 1 AND b = 2 THEN c()",
    "WHILE a = 3 MAX 5 { b() }",
    "x = SUM t.cost FOR t IN ts WHERE t.region = \"eu\"",
    "IF !a || b { c() }",
    "x = 7 % 2",
    "x = a%b",
    "x = 5 % + 3",
    "x--",
    "x *= 2",
    "x = a ** 2",
    "IF a <> b { c() }",
    "IF a === b { c() }",
    "x := 1",
    "var x = 1",
    "IF a { b() } elif c { d() }",
    "foreach x in xs { b() }",
    "x = “quoted”",
    "x = a − b",
    "x = größe",
    "x = \"open",
    "log(\"open)",
    "x = \"{a\"",
    "x = \"a}\"",
    "x = \"{}\"",
    "x = \"{ }\"",
    "x = \"{\"a\": 1}\"",
    "x = \"\\u{110000}\"",
    "x = \"\\q\"",
    "/* block\n comment */ x = 1",
    "IF a THEN FOR x IN xs { b() }",
    "IF a THEN LET x = 1",
    "IF a THEN b() ELSE WITHIN 3s { c() }",
    "IF a THEN IF b THEN c() ELSE d()\n x = 1",
    "IF a THEN\n    b()\n    c()\n    d()",
    "IF a b()",
    "IF a\n  b()",
    "IF THEN a()",
    "FOR x IN { a() }",
    "FOR EACH x xs { a() }",
    "FOR EACH IN xs { a() }",
    "for (x in xs) { a() }",
    "for(const x of xs) { a() }",
    "for each (Task x : xs) { a() }",
    "foreach (var x in xs) { a() }",
    "for (i = 0; i < 9; i += 1) { a() }",
    "LET = 3",
    "LET x",
    "LET x =\n  y = 3",
    "LET x 3",
    "LET match = 3",
    "LET max count = 3",
    "x = 3 +",
    "x = * 3",
    "x = (1 + ) * 2",
    "x = [1, , 2]",
    "x = [1 2]",
    "f(a b)",
    "f(a, b",
    "f(a]",
    "f(a))",
    "x = [1, 2\n  y = 3",
    "IF (a AND b { c() }",
    "IF a { b() ",
    "a == b",
    "a",
    "a.b[3]",
    "RETRUN x",
    "WHLIE x { a() }",
    "CONST x = 3",
    "FUNC g() { }",
    "x = 5 s",
    "x = .5",
    "x = 10 GB + 1",
    "x = $",
    "x = 1 + SUM a FOR a IN as",
    "x = SUM (a + b) * 2 FOR a IN as",
    "x = SUM(a) * 2 FOR a IN as\n  y = 3",
    "x = SUM -a FOR a IN as WHERE a > 1\n  y = 2",
    "IF ANY -a > b FOR a IN as { b() }",
    "WHILE ALL (a) AND b FOR a IN as WHERE (c) MAX 9 { b() }",
    "x = IF COUNT (a) FOR a IN as > 3 THEN 1 ELSE 2",
    "x = COLLECT [a, b] FOR a IN as",
    "x = max(a, b) + SUM (c) FOR c IN as",
    "x = SUM (c) + max(c) FOR c IN as",
    "x = max(a, b) FOR c IN as",
    "f(SUM (a + b) FOR a IN as)",
    "f(ANY -a > b FOR a IN as WHERE c)",
    "f(1, COLLECT [a] FOR a IN as)",
    "f(1, SUM a FOR a IN as)",
    "f(SUM a FOR a IN as, 1)",
    "x = f(a FOR a IN as)",
    "x = SUM(FOR a IN as)",
    "x = 1 < y < 3",
    "f(a = 3)",
    "TRY f() { a() }",
    "TRY f()",
    "RETRY 3 f() ELSE { }",
    "RETRY n TIMES f() ELSE { }",
    "REQUIRE a",
    "REQUIRE a ELSE b()",
    "STOP because",
    "FAIL",
    "RECORD x 3",
    "MATCH a { low THEN b() }",
    "MATCH a { WHEN low b() }",
    "MATCH a {\n    \"x\" => b()\n    low -> c()\n    -1: d()\n    default => e()\n  }",
    "MATCH a {\n    case low: b()\n    _ -> c()\n  }",
    "MATCH a {\n    WHEN low => b()\n    WHEN high -> { c() }\n    ELSE: d()\n  }",
    "LET y = [x.cost for x in xs if x.cost > 3]",
    "LET y = [x for x in xs]",
    "LET y = job.tasks.filter(t => t.cost > (3 + 4))",
    "IF xs.some(x => x > 3) THEN f(xs.map(x => x.cost), 2)",
    "LET y = xs.reduce(x => x + 1)",
    "LET y = {\"a\": 3, \"b\": 4}",
    "f([{id: \"a\", cost: 3}, {id: \"b\"}])",
    "f([{\"id\": \"a\", \"cost\": $3},\n    {\n      \"id\": \"b\",\n      \"tags\": [\"x\", \"y\"],\n    }, task])",
    "x = { role: \"optimizer\", load: 5% }",
    "x = {id: \"a\"}",
    "x = {\"role\": 3}",
    "x = new Task(id: \"a\")",
    "x = f(await g(3), new)",
    "x = new\n  g(3)",
    "x = f\"{a} of {b}\"",
    "g(f \"a\", s\"b\")",
    "xs.forEach(x => g(x))",
    "xs.each(x => { g(x) })",
    "y = xs.each(x => g(x))",
    "LET y: Task[] = []",
    "RECORD saved += $1",
    "saved += $1",
    "TRY pay(3) CATCH { b() }",
    "TRY { pay(3) } catch (e) { b() }",
    "RETRY 3 TIMES pay(3) except Error as e { b() }",
    "f(Severity::HIGH, x: Severity::LOW)",
    "x = Severity::HIGH",
    "x: Task = (id: \"a\", cost: $2)",
    "x = {\"role\": 3, \"other\": 4}",
    "x = [{id: \"a\", cost: {a: 1, b: 2}}, {cost: $2",
    "LET y: map<string, int> = {}",
    "LET y: list<map<string, int>> = {}",
    "y = f({}, 3)",
    "IF t.id IN seen.names[2] { c() }",
    "IF a AND NOT (\"eu\" IN tags(t)) THEN c()",
    "IF t.id NOT IN [\"a\", \"b\"] THEN c()",
    "x = 3 IN",
    "x = (y + 1) IN xs",
    "x = f(3).tags IN xs",
    "TRY { pay(3) } ELSE { b() }",
    "RETRY 3 TIMES {\n    pay(3)\n  }",
    "TRY { pay(3) b() } ELSE { b() }",
    "IF a -> b()",
    "IF a THEN\n    b()\n  END IF",
    "IF a THEN\n    b()\n  ELSE\n    c()\n  endif",
    "x = a ? b : c",
    "x = a > 3?\"big\":\"small\"",
    "g(1, a AND f(b) ? 2 : 3)",
    "RETURN a == b ? c : d ? e : f",
    "x = a ? f(b) : c",
    "IF a ? b : c { g() }",
    "IF t.cost BETWEEN $1 AND limit { g() }",
    "x = f(a) + b between 1 AND 2 OR c",
    "IF avg BETWEEN 1 AND 2 { g() }",
    "y = 3\n  IF (a + b) BETWEEN 1 AND 2 { g() }",
    "y = 3\n  IF (a + b) IN xs { g() }",
    "x = TOP 3 t IN ts BY t.cost DESC",
    "x = TOP 3 t IN ts WHERE t.ok BY t.cost asc",
    "FOR EACH (id, count) IN counts { g() }",
    "x = IF a THEN b",
    "x = a[",
    "x = a.",
    "x = a.3",
    "}",
    "THEN a()",
    "ELSE { a() }",
    "x = y z = 3 )",
    "@ @ @",
    "x = 3 @ 4",
    "STOP \"of {join(xs, \", \")}\"",
    "LOG(\"{a ${b}\")",
    "LOG(\"{a `b}` {c}\")",
    "LOG(\"{a “b} c”\")",
    "LOG(\"{größe}größe\")",
    "LOG(\"{m[\"a\"]} of {n}\")",
];

#[test]
fn slips_in_statements() {
    let mut out = String::new();
    for slip in SLIPS {
        let text = format!("FUNC f() {{\n  {slip}\n  after = 1\n}}\nFUNC g() {{ }}\n");
        let (program, diagnostics) = parse(FILE, &text);
        let _ = writeln!(out, "----- {slip}");
        out.push_str(&shown(&text, &diagnostics));
        if program.items.len() != 2 {
            let _ = writeln!(out, "  {} declarations are left", program.items.len());
        }
        if diagnostics.len() != 1 {
            let _ = writeln!(out, "  ({} messages)", diagnostics.len());
        }
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("slips_in_statements", out);
    });
}

#[test]
fn a_record_in_braces_gets_the_name_of_the_type_that_has_its_fields() {
    let types = "TYPE Host {\n  id: string KEY\n  disk: bytes = max(a: 1, b: 2)\n  type: string = \"\"\n}\nTYPE Rack { id: string KEY, at: string }\n";
    let cases = [
        ("x = {id: \"a\", disk: 3GB}", "x = Host(id: \"a\", disk: 3GB)"),
        ("x = { \"id\": \"a\", \"type\": \"ssd\" }", "x = Host(id: \"a\", type: \"ssd\")"),
        ("x = [{id: \"a\"}, {id: \"b\", at: \"c\"}]", "x = [Rack(id: \"a\"), Rack(id: \"b\", at: \"c\")]"),
        ("x = [{id: \"a\", cost: $2}]", "x = [Task(id: \"a\", cost: $2)]"),
        ("GIVEN x = [{\n    id: \"a\", disk: 2B }]", "GIVEN x = [Host(\n    id: \"a\", disk: 2B)]"),
        (
            "x = {\n    \"id\": \"a\",\n    \"disk\": 3GB,\n  }",
            "x = Host(\n    id: \"a\",\n    disk: 3GB,\n  )",
        ),
        ("x = Host { id: \"a\", disk: 3GB }", "x = Host(id: \"a\", disk: 3GB)"),
        ("x = [Task{id: \"a\"}, Task { id: \"b\" }, y]", "x = [Task(id: \"a\"), Task(id: \"b\"), y]"),
        ("f(Rack { id: \"a\", at: \"b\" }, 3)", "f(Rack(id: \"a\", at: \"b\"), 3)"),
        (
            "GIVEN x = [\n    Host {\n      id: \"a\",\n      disk: 2B,\n    },\n  ]",
            "GIVEN x = [\n    Host(\n      id: \"a\",\n      disk: 2B,\n    ),\n  ]",
        ),
        ("x = {a: 1}", "x = {a: 1}"),
        ("x = {id: \"a\"}", "x = {id: \"a\"}"),
        ("x = {\"disk\": 1}", "x = [\"disk\": 1]"),
    ];
    for (given, wanted) in cases {
        let (open, close) = match given.starts_with("GIVEN") {
            true => ("TEST \"t\" {\n  ", "\n  RUN\n}\n"),
            false => ("FUNC f() {\n  ", "\n}\n"),
        };
        let text = format!("{types}{open}{given}{close}");
        let (_, diagnostics) = parse(FILE, &text);
        assert_eq!(diagnostics.len(), 1, "{given}: {}", shown(&text, &diagnostics));
        let mended = mended(&text, &diagnostics);
        assert_eq!(mended, format!("{types}{open}{wanted}{close}"));
        if wanted != given {
            assert_eq!(parse(FILE, &mended).1, [], "{mended}");
        }
    }
}

/// Declarations with a slip.
const DECLARATIONS: &[&str] = &[
    "METRC saved: money TOTAL",
    "metrik saved: money TOTAL",
    "banana saved",
    "METRIC saved: money",
    "METRIC saved money TOTAL",
    "INPUT queue list<Task> MAX 3",
    "INPUT queue: list<Task MAX 3",
    "INPUT queue: list<>",
    "INPUT queue:",
    "STATE x: int",
    "STATE x = 3",
    "CONST x: = 3",
    "CONST x 3",
    "TYPE Task { id: string KEY name string cost: money }",
    "TYPE Task {\n  id: string KEY\n  name string\n  cost: money\n}",
    "TYPE Task {\n  id: string KEY\n  name:\n  cost: money\n}",
    "TYPE Task {\n  id: string KEY\n",
    "ENUM E { a, b(, c }",
    "ACTION f(a: int b: int)",
    "ACTION f",
    "ACTION f(a)",
    "QUERY q() - > int",
    "FUNC f { }",
    "FUNC f(x: int) -> int = x + 1",
    "FUNC f() -> { }",
    "FUNC f()\n  x = 1",
    "FUNC (a: int) { }",
    "ON { }",
    "ON START\n  x = 1",
    "EVERY { x = 1 }",
    "VETO f(a) BECAUSE \"x\"",
    "VETO f(a) WHEN a",
    "INSTRUCTION { DEADLINE 2h }",
    "INSTRUCTION A_v1 { DEADLINE }",
    "INSTRUCTION A_v1 {\n  DEADLIN 2h\n  PRIORITY HIGH\n}",
    "INSTRUCTION A_v1 {\n  TARGET 3 AGENT\n  PRIORITY HIGH\n}",
    "INSTRUCTION A_v1 { PRIORITY HIGH",
    "INSTRUCTION A_v1",
    "INSTRUCTION A_v1\nPRIORITY HIGH\nSTOP WHEN a > 3\nBUDGET $5",
    "INSTRUCTION A_v1 PRIORITY HIGH",
    "INSTRUCTION A_v1 {}\nPRIORITY HIGH\nBUDGET $5",
    "INSTRUCTION A_v1 {\n  PRIORITY HIGH\n}\nMETRIC x: int TOTAL\nEXPECT x < 5\nREPORT x EVERY 5m",
    "EXPECT x < 5",
    "INSTRUCTION A_v1 {\n  PRIORITY: HIGH\n  TARGET = 3 AGENTS\n}",
    "INSTRUCTION A_v1 {\n  ROLLOUT 10% -> 50% THEN 100% AFTER 10min\n}",
    "INSTRUCTION A_v1 {\n  ROLLOUT 10%, 50% WHEN a < 1%\n}",
    "INSTRUCTION A_v1 {\n  EXPECT a < 1% WITHIN 10min\n}",
    "STATE x = 3.5",
    "STATE x = \"a\"",
    "STATE x = now",
    "INSTRUCTION A_v1 {\n  PRIORITY HIGH\n\n  /// Does it.\n  FUNC f() {\n    g()\n  }\n\n  ON START { f() }\n}",
    "INSTRUCTION A_v1 { FUNC f() { } }",
    "INSTRUCTION A_v1 {\n  TARGET agents WHERE agent.role == \"x\"\n  ROLLOUT canary 5%, 100%\n}",
    "INSTRUCTION A_v1 {\n  TARGET: AGENTS\n  ROLLOUT: staged 5%, 100%\n}",
    "INSTRUCTION A_v1 {\n  BUDGET money $100, tokens 1M\n  DEADLINE 2h\n}",
    "TEST \"t\" {\n  RUN\n  ASSERT x == 3\n  assert (y > 1)\n}",
    "FUNC f() {\n  ASSERT x == 3\n}",
    "INSTRUCTION A_v1 {\n  ROLLOUT 5%, 100% EVERY 10min IF rate < 1% ELSE PAUSE\n}",
    "INSTRUCTION A_v1 {\n  ROLLOUT 5%, 100% wait 10min\n  EVERY 3\n}",
    "QUERY status(pool: string): string",
    "FUNC f(a: int): int {\n  RETURN a\n}",
    "INPUT pools: string[]\nTYPE T { a: int[], b: list<int[]> MAX 3 }",
    "ON EVENT down(pool) {\n}",
    "ON down(pool: Pool, at: time) MAX 3 {\n}",
    "METRIC served: counter",
    "METRIC saved: money SUM",
    "METRIC slow: duration histogram BY AGENT",
    "METRIC saved: money\nMETRIC last: int GAUGE",
    "METRIC load: Gauge BY AGENT",
    "METRIC delay: histogram",
    "METRIC delay: minutes",
    "INSTRUCTION A_v1 {\n  GOAL \"spend less\"\n  description: \"x\"\n  PRIORITY HIGH\n}",
    "INSTRUCTION A_v1 {\n  PRIORITY HIGH\n  GOAL \"spend less\" DEADLINE 2h\n}",
    "INSTRUCTION A_v1 {\n  DEADLINE 2h\n  FOR EACH t IN ts { f(t) }\n  f(3)\n}",
    "INSTRUCTION A_v1 {\n  INPUT n: int\n  PRIORITY HIGH\n}",
    "INSTRUCTION A_v1 {\n  DEADLINE 2h\n  /// How many.\n  INPUT n: int\n  PRIORITY HIGH\n}",
    "INSTRUCTION A_v1 {\n  FUNC f() { }\n  // That is all.\n}",
    "INSTRUCTION A VERSION 2 { PRIORITY HIGH }",
    "INSTRUCTION A_v1 version: 2 { PRIORITY HIGH }",
    "INSTRUCTION A {\n  PRIORITY HIGH\n  VERSION = 2\n  DEADLINE 2h\n}",
    "TEST x { RUN }",
    "TEST \"x\" {\n  RUN\n  EXPECT pay called 1 times\n}",
    "TEST \"x\" {\n  GIVN a = 3\n  RUN\n}",
    "LET x = 3",
    "x = 3\ny = 4",
    "log(\"hello\")",
    "IF a { b() }",
    "STOP \"x\"",
    "}",
    ") ) )",
    "42",
    "\"text\"",
    "USE std.",
    "USE std.scaling AS s",
    "USE std.scaling AS",
    "import \"lib.swarm\"",
    "def f() { }",
    "struct T { a: int }",
    "# comment",
];

#[test]
fn slips_in_declarations() {
    let mut out = String::new();
    for slip in DECLARATIONS {
        let text = format!("FUNC before() {{ }}\n{slip}\nFUNC after() {{ }}\n");
        let (program, diagnostics) = parse(FILE, &text);
        let _ = writeln!(out, "----- {slip}");
        out.push_str(&shown(&text, &diagnostics));
        if diagnostics.len() != 1 {
            let _ = writeln!(out, "  ({} messages)", diagnostics.len());
        }
        let tree = swarm_grammar::dump::dump(&program);
        for name in ["before", "after"] {
            if !tree.contains(&format!("(func {name} ")) {
                let _ = writeln!(out, "  {name} is lost");
            }
        }
    }
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("slips_in_declarations", out);
    });
}

#[test]
fn several_slips_give_as_many_messages() {
    let text = "\
METRC saved: money TOTAL
INPUT queue list<Task> MAX 3
ON START {
  IF a = 3 THEN b()
  LET x =
  LET y = f(a, b
  y = 'text'
  IF a THEN IF b THEN c()
  z = 7 % 2
}
FUNC g() {
  a == b
}
";
    let codes: Vec<&str> = parse(FILE, text).1.iter().map(|it| it.code.as_str()).collect();
    assert_eq!(codes, ["E0020", "E0003", "E0010", "E0003", "E0004", "E0014", "E0018", "E0012", "E0025"]);
}

#[test]
fn a_text_that_is_too_long_is_not_read() {
    let text = " ".repeat(SourceFile::MAX_BYTES + 1);
    let (program, diagnostics) = parse(FILE, &text);
    assert!(program.items.is_empty());
    assert_eq!(diagnostics.iter().map(|it| it.code).collect::<Vec<_>>(), [Code::E0008]);
}
