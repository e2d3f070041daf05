//! Programs as people write them who know another language, or none: `newcomers/`. What is said of each is
//! kept, so that a change shows whether it says more of what is wrong, or more of what follows from it.

use swarm_compiler::NoFiles;
use swarm_grammar::diagnostic::Diagnostic;

use crate::beside::shown;
use crate::common::{apply, root, run_file};

/// Name and text of each program.
fn programs() -> Vec<(String, String)> {
    let folder = root().join("compiler/tests/check/newcomers");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 12, "{} programs", files.len());
    let program = |path: &std::path::PathBuf| {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    files.iter().map(program).collect()
}

/// Each edit by itself: what it mends is gone from its place.
#[test]
fn each_edit_helps() {
    let mut count = 0;
    for (name, text) in programs() {
        let (before, _) = run_file("plan.swarm", &text, &NoFiles);
        for found in before.diagnostics.iter().filter(|found| found.fix.is_some()) {
            let fix = found.fix.as_ref().unwrap();
            let mended = apply(&text, fix);
            let (after, _) = run_file("plan.swarm", &mended, &NoFiles);
            let same =
                |left: &&Diagnostic| left.message == found.message && left.primary.span == found.primary.span;
            assert!(!after.diagnostics.iter().any(|left| same(&left)), "{name}: {} stays", found.message);
            count += 1;
        }
    }
    assert!(count > 60, "{count} edits");
}

#[test]
fn what_newcomers_are_told() {
    for (name, text) in programs() {
        let (checked, sources) = run_file("plan.swarm", &text, &NoFiles);
        assert!(checked.program.is_none(), "{name} is fine");
        let said: Vec<String> = checked.diagnostics.iter().map(|found| shown(found, &sources)).collect();
        insta::with_settings!({ omit_expression => true }, {
            insta::assert_snapshot!(format!("newcomer_{name}"), said.join(""));
        });
    }
}

/// What each edit makes of a statement; the program around it is fine, and fine with the edit made.
#[test]
fn edits_make_the_statement_that_was_meant() {
    let cases = [
        (
            "RETURN MATCH mode { WHEN low THEN n * 2 WHEN high(by) THEN IF n > 1 THEN by ELSE n }",
            "MATCH mode { WHEN low THEN RETURN n * 2 WHEN high(by) THEN RETURN IF n > 1 THEN by ELSE n }",
        ),
        (
            "RETURN MATCH mode { WHEN low THEN min(n, 3) ELSE STOP \"no\" }",
            "MATCH mode { WHEN low THEN RETURN min(n, 3) ELSE STOP \"no\" }",
        ),
        (
            "total = MATCH mode { WHEN low THEN 1 ELSE 2 }",
            "MATCH mode { WHEN low THEN total = 1 ELSE total = 2 }",
        ),
        ("LOG(n + 1 + \" of \" + name + \"\\n\" + total)", "LOG(\"{n + 1} of {name}\\n{total}\")"),
        ("LOG(name + n + \"{{x}}\" + (n - 1))", "LOG(\"{name}{n}{{x}}{(n - 1)}\")"),
        ("TRY ACT(name)", "TRY ACT(name) ELSE { }"),
        ("RETRY 3 TIMES ACT(name)", "RETRY 3 TIMES ACT(name) ELSE { }"),
        (
            "RETRY 3 TIMES BACKOFF 1s ACT(name) { LOG(name) }",
            "RETRY 3 TIMES BACKOFF 1s ACT(name) ELSE { LOG(name) }",
        ),
    ];
    for (slip, meant) in cases {
        let program = |statement: &str| {
            format!(
                "ENUM Mode {{ low  high(by: int) }} STATE total: int = 0 \
                 ACTION ACT(name: string) REQUIRES act IDEMPOTENT \
                 FUNC f(mode: Mode, n: int, name: string) -> int {{ {statement} RETURN 0 }} \
                 ON START {{ LET x = f(Mode.low, 1, \"a\") LOG(\"{{x}}\") }}"
            )
        };
        let text = program(slip);
        let (checked, _) = run_file("plan.swarm", &text, &NoFiles);
        let errors: Vec<_> =
            checked.diagnostics.iter().filter(|found| found.code.as_str().starts_with('E')).collect();
        assert_eq!(errors.len(), 1, "{slip}: {errors:?}");
        let mended = apply(&text, errors[0].fix.as_ref().unwrap());
        assert_eq!(mended, program(meant));
        let (after, _) = run_file("plan.swarm", &mended, &NoFiles);
        assert!(after.program.is_some(), "{meant}: {:?}", after.diagnostics);
    }
}
