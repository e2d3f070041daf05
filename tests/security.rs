//! SECURITY.md and docs/audit.md name tests: each of them exists.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::path::Path;

/// What stands between backticks and reads `path.rs::name`.
fn named(text: &str) -> Vec<(&str, &str)> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter_map(|word| word.split_once(".rs::").map(|_| word.split_once("::").unwrap())).collect()
}

#[test]
fn every_test_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (page, least) in [("SECURITY.md", 30), ("docs/audit.md", 10)] {
        let text = std::fs::read_to_string(root.join(page)).unwrap();
        let named = named(&text);
        assert!(named.len() >= least, "{page} names only {} tests", named.len());
        for (file, test) in named {
            let source = std::fs::read_to_string(root.join(file))
                .unwrap_or_else(|error| panic!("{page}: {file}: {error}"));
            let found = source.lines().any(|line| line.trim_start().starts_with(&format!("fn {test}(")));
            assert!(found, "{page} names `{file}::{test}`, which is not there");
        }
    }
}

/// Each kind of threat has a row with an answer and a test.
#[test]
fn every_threat_has_its_test() {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("SECURITY.md")).unwrap();
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() >= 20, "{} rows", rows.len());
    for row in rows {
        assert!(!named(row).is_empty(), "no test: {row}");
    }
}
