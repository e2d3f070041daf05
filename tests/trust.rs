//! Keys, orders and trust files on the command line: the walk through docs/trust.md, run as it stands there,
//! and the contracts scripts hold on to. `TRYCMD=overwrite cargo test --test trust` writes what the commands
//! say now; look at the difference before you keep it.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

const PAGE: &str = "docs/trust.md";

#[test]
fn the_walk_through_works() {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR")).join("walk");
    // Left over from the run before, if there was one.
    let _ = std::fs::remove_dir_all(&scratch);
    // trycmd runs a page in a copy of the directory named like it.
    std::fs::create_dir_all(scratch.join("trust.in")).unwrap();
    std::fs::create_dir_all(scratch.join("trust.out")).unwrap();
    std::fs::copy("examples/cost_optimization.swarm", scratch.join("trust.in/plan.swarm")).unwrap();
    let page = scratch.join("trust.md");
    std::fs::copy(PAGE, &page).unwrap();

    let cases = trycmd::TestCases::new();
    cases.env("NO_COLOR", "1").env("COLUMNS", "100");
    cases.case(&page);
    cases.run();
    if std::env::var("TRYCMD").is_ok_and(|action| action == "overwrite") {
        std::fs::copy(&page, PAGE).unwrap();
    }
}

fn swarmc(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_swarmc")).args(arguments).current_dir(directory).output().unwrap()
}

/// The one JSON document a command prints, and its exit code.
fn document(directory: &Path, arguments: &[&str]) -> (Value, Option<i32>) {
    let output = swarmc(directory, &[arguments, &["--format", "json"]].concat());
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1, "{arguments:?}: one line");
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document.get("schema_version"), Some(&Value::from(1)), "{arguments:?}");
    (document, output.status.code())
}

fn scratch(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::copy("examples/cost_optimization.swarm", directory.join("plan.swarm")).unwrap();
    directory
}

/// A signed trust file with one root and one publisher, who may sign everything alone.
fn fleet(name: &str) -> PathBuf {
    let directory = scratch(name);
    for arguments in [
        &["keygen", "-o", "root", "--owner", "ana"][..],
        &["keygen", "-o", "dan", "--owner", "dan"],
        &["trust", "new", "--fleet", "demo", "--root", "root.pub"],
        &["trust", "add", "trust.json", "--publisher", "dan.pub", "--capabilities", "*", "--threshold", "=1"],
        &["trust", "sign", "trust.json", "--key", "root.key"],
    ] {
        assert_eq!(document(&directory, arguments).1, Some(0), "{arguments:?}");
    }
    directory
}

fn sign(directory: &Path, more: &[&str]) -> Value {
    let arguments = ["sign", "plan.swarm", "--key", "dan.key", "--fleet", "demo"];
    let (document, status) = document(directory, &[&arguments, more].concat());
    assert_eq!(status, Some(0), "{document}");
    document
}

#[test]
fn the_json_of_trust() {
    let directory = fleet("json_of_trust");
    let signed = sign(&directory, &["--revision", "1.1", "--targets", "all"]);
    assert_eq!(signed["output"], "plan.order");
    assert_eq!(signed["order"]["revision"], "1.1");
    let (accepted, status) = document(&directory, &["verify", "plan.order", "--trust", "trust.json"]);
    assert_eq!(status, Some(0));
    assert_eq!(accepted["accepted"], true);
    assert_eq!(accepted["order"], signed["order"]);
    assert_eq!(accepted["signers"][0]["owner"], "dan");
    assert_eq!(accepted["signers"][0]["key_id"], signed["signed_by"][0]);
    let late =
        ["verify", "plan.order", "--trust", "trust.json", "--mode", "audit", "--now", "2040-01-01T00:00:00Z"];
    let (overlooked, status) = document(&directory, &late);
    assert_eq!(status, Some(0));
    let codes: Vec<_> =
        overlooked["overlooked"].as_array().unwrap().iter().map(|refusal| &refusal["code"]).collect();
    assert_eq!(codes, ["E0646", "E0607", "E0616"]);
    let (shown, _) = document(&directory, &["trust", "show", "trust.json"]);
    assert_eq!((&shown["signed"], &shown["trust"]["fleet"]), (&Value::Bool(true), &Value::from("demo")));
}

#[test]
fn both_forms_and_both_ways_to_carry_a_module() {
    let directory = fleet("both_forms");
    sign(&directory, &["--revision", "1.1", "--dsse", "-o", "plan.json"]);
    assert_eq!(document(&directory, &["verify", "plan.json", "--trust", "trust.json"]).1, Some(0));
    sign(&directory, &["--revision", "1.2", "--digest-only"]);
    let verify = ["verify", "plan.order", "--trust", "trust.json"];
    let (missing, status) = document(&directory, &verify);
    assert_eq!((status, &missing["error"]["code"]), (Some(4), &Value::from("E0624")));
    assert_eq!(swarmc(&directory, &["compile", "plan.swarm", "-o", "named.bc"]).status.code(), Some(0));
    assert_eq!(swarmc(&directory, &["compile", "plan.swarm", "--strip"]).status.code(), Some(0));
    assert_eq!(document(&directory, &[&verify[..], &["--module", "plan.bc"]].concat()).1, Some(0));
    let (other, status) = document(&directory, &[&verify[..], &["--module", "named.bc"]].concat());
    assert_eq!((status, &other["error"]["code"]), (Some(4), &Value::from("E0625")));
}

#[test]
fn lists_of_names_are_frozen() {
    let directory = fleet("frozen");
    std::fs::write(directory.join("names.txt"), "a-2\n# the first\na-1 # and its comment\n\n").unwrap();
    std::fs::write(directory.join("more.txt"), "a-1\na-2\na-3\n").unwrap();
    let signed = sign(&directory, &["--revision", "1.1", "--targets", "@names.txt"]);
    assert_eq!(signed["order"]["targets"]["agents"], 2);
    let verify = |agent: &str, names: &str| {
        let arguments = ["verify", "plan.order", "--trust", "trust.json", "--agent", agent, "--names", names];
        document(&directory, &arguments).1
    };
    assert_eq!(verify("a-1", "names.txt"), Some(0));
    assert_eq!(verify("a-3", "names.txt"), Some(4));
    assert_eq!(verify("a-3", "more.txt"), Some(4));
}

#[test]
fn a_mark_that_is_refused_is_not_touched() {
    let directory = fleet("mark");
    let verify = ["verify", "plan.order", "--trust", "trust.json", "--state", "mark"];
    sign(&directory, &["--revision", "2.1"]);
    assert_eq!(document(&directory, &verify).1, Some(0));
    let mark = std::fs::read(directory.join("mark")).unwrap();
    sign(&directory, &["--revision", "1.9"]);
    assert_eq!(document(&directory, &verify).1, Some(4));
    assert_eq!(document(&directory, &[&verify[..], &["--mode", "audit"]].concat()).1, Some(0));
    assert_eq!(std::fs::read(directory.join("mark")).unwrap(), mark);
    sign(&directory, &["--revision", "2.2"]);
    assert_eq!(document(&directory, &verify).1, Some(0));
    assert_ne!(std::fs::read(directory.join("mark")).unwrap(), mark);
    std::fs::write(directory.join("mark"), "nonsense").unwrap();
    let (damaged, status) = document(&directory, &verify);
    assert_eq!((status, &damaged["error"]["code"]), (Some(2), &Value::from("E0653")));
}

#[cfg(unix)]
#[test]
fn secret_keys_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let directory = fleet("modes");
    let mode = |name: &str| std::fs::metadata(directory.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("dan.key"), 0o600);
    let before = std::fs::read(directory.join("dan.key")).unwrap();
    // With the public half gone the secret one is still not written over.
    std::fs::remove_file(directory.join("dan.pub")).unwrap();
    let (refused, status) = document(&directory, &["keygen", "-o", "dan"]);
    assert_eq!((status, &refused["error"]["code"]), (Some(2), &Value::from("E0511")));
    assert_eq!(std::fs::read(directory.join("dan.key")).unwrap(), before);
}
