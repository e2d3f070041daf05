//! `run --tier` and `compile --emit`, in a build with the second tier (`--features jit`) and in one without.
#![expect(clippy::unwrap_used, reason = "test code")]

use std::process::{Command, Output};

const SAMPLE: &str = "examples/cost_optimization.swarm";

fn swarmc(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swarmc"));
    let caches = concat!(env!("CARGO_TARGET_TMPDIR"), "/caches");
    command.args(arguments).env("NO_COLOR", "1").env("TMPDIR", env!("CARGO_TARGET_TMPDIR"));
    command.env("XDG_CACHE_HOME", caches).output().unwrap()
}

fn run(tier: &str) -> Output {
    let trace = format!("{}/{tier}.jsonl", env!("CARGO_TARGET_TMPDIR"));
    swarmc(&["run", SAMPLE, "--input", "examples/tasks.json", "--trace", &trace, "--tier", tier])
}

/// What a run says of itself but for where its trace is.
fn said(output: Output, tier: &str) -> String {
    String::from_utf8(output.stdout).unwrap().replace(&format!("{tier}.jsonl"), "the trace")
}

#[cfg(feature = "jit")]
#[test]
fn a_tier_changes_nothing_to_see() {
    let interpreted = run("interpreter");
    assert!(interpreted.status.success(), "{interpreted:?}");
    let wanted = said(interpreted, "interpreter");
    assert!(wanted.contains("sha256:"), "{wanted}");
    for tier in ["jit", "auto", "jit"] {
        assert_eq!(said(run(tier), tier), wanted, "{tier}");
    }
}

#[cfg(feature = "jit")]
#[test]
fn what_is_compiled_can_be_read() {
    let output = swarmc(&["compile", SAMPLE, "--emit", "wat"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && text.starts_with("(module"), "{text}");
}

#[cfg(not(feature = "jit"))]
#[test]
fn a_build_without_the_second_tier_says_so() {
    assert!(run("interpreter").status.success());
    for output in [run("jit"), run("auto"), swarmc(&["compile", SAMPLE, "--emit", "wat"])] {
        let message = String::from_utf8(output.stderr.clone()).unwrap();
        assert!(message.contains("error[E0516]: this build has no second tier"), "{message}");
        assert!(message.contains("--features jit"), "{message}");
        assert_eq!(output.status.code(), Some(2), "{output:?}");
    }
    let interpreted = said(run("interpreter"), "interpreter");
    assert!(interpreted.contains("sha256:"), "{interpreted}");
}
