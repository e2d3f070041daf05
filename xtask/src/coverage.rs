//! Which lines the tests run.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::{root, say, target, tools};

/// Parts that are shown apart, by the beginnings of their files' paths.
const PARTS: [(&str, &[&str]); 4] = [
    ("workspace", &[""]),
    ("decoder", &["bytecode/src/codec"]),
    ("verifier", &["bytecode/src/verify", "bytecode/src/layout.rs"]),
    (
        "interpreter",
        &["vm/src/interpret", "vm/src/machine.rs", "vm/src/driver", "vm/src/native", "vm/src/objects.rs"],
    ),
];

/// Runs the tests with counters in the code and sums up the lines they reach.
pub(crate) fn run(rest: &[String]) -> Result<()> {
    // Before the tests, which take minutes.
    let suffix = llvm_suffix()?;
    let folder = target().join("coverage");
    let profiles = folder.join("profiles");
    if profiles.exists() {
        std::fs::remove_dir_all(&profiles).context("cannot empty target/coverage")?;
    }
    let whole = ["--workspace", "--exclude", "swarm-benches", "--exclude", "xtask"].map(str::to_owned);
    let what = if rest.is_empty() { &whole[..] } else { rest };
    let cargo = |more: &[&str]| {
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo.args(["test", "--locked", "--lib", "--bins", "--tests"]).args(what).args(more);
        cargo.current_dir(root()).env("CARGO_TARGET_DIR", &folder).env("RUSTFLAGS", "-Cinstrument-coverage");
        cargo.env("LLVM_PROFILE_FILE", profiles.join("%p-%m.profraw"));
        cargo
    };
    say("tests with counters")?;
    let built = cargo(&["--no-run"]).output().context("cannot build the tests")?;
    let built = String::from_utf8_lossy(&built.stderr).into_owned();
    let programs: Vec<PathBuf> = built.lines().filter_map(executable).map(|path| root().join(path)).collect();
    ensure!(!programs.is_empty(), "no test was built: {built}");
    // One test that fails is shown, and does not keep the others from being counted.
    let status = cargo(&["--no-fail-fast"]).status().context("cannot run the tests")?;
    let merged = folder.join("all.profdata");
    let mut merge = Command::new(format!("llvm-profdata{suffix}"));
    merge.args(["merge", "--sparse", "--failure-mode=all", "-o"]).arg(&merged).arg(&profiles);
    ensure!(merge.status().context("cannot run llvm-profdata")?.success(), "llvm-profdata failed");
    let mut export = Command::new(format!("llvm-cov{suffix}"));
    export.args(["export", "--format=lcov", "--instr-profile"]).arg(&merged);
    let own = folder.join("debug/swarmc");
    for program in programs.iter().chain([&own]).filter(|program| program.exists()) {
        export.arg("--object").arg(program);
    }
    let lines = export.output().context("cannot run llvm-cov")?;
    ensure!(lines.status.success(), "llvm-cov failed: {}", String::from_utf8_lossy(&lines.stderr));
    std::fs::write(folder.join("lines.lcov"), &lines.stdout).context("cannot write lines.lcov")?;
    show(&String::from_utf8_lossy(&lines.stdout))?;
    ensure!(status.success(), "tests failed");
    Ok(())
}

/// The path in `  Executable unittests src/lib.rs (path)`.
fn executable(line: &str) -> Option<&Path> {
    let line = line.trim_start().strip_prefix("Executable")?;
    let (_, path) = line.rsplit_once('(')?;
    Some(Path::new(path.strip_suffix(')')?))
}

/// What a distribution appends to the name of a tool of the LLVM that the compiler was built with, as `-22`; nothing where there is
/// none of that name, and the plain one has to do.
fn llvm_suffix() -> Result<String> {
    let version = Command::new("rustc").arg("-vV").output().context("cannot run rustc")?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let version = version.lines().find_map(|line| line.strip_prefix("LLVM version: ")).unwrap_or_default();
    let suffix = format!("-{}", version.split('.').next().unwrap_or_default());
    let named = tools::ensure(&format!("llvm-profdata{suffix}"), &format!("llvm{suffix}"))?;
    ensure!(
        named || tools::starts("llvm-profdata"),
        "the profiles are read by llvm-profdata and llvm-cov of LLVM {version}: install llvm{suffix}"
    );
    Ok(if named { suffix } else { String::new() })
}

/// A line for each part: how many lines there are, and how many were run.
fn show(lcov: &str) -> Result<()> {
    let mut files: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut file = String::new();
    for line in lcov.lines() {
        let (kind, value) = line.split_once(':').unwrap_or((line, ""));
        match kind {
            "SF" => file = own(value).unwrap_or_default(),
            "LF" if !file.is_empty() => files.entry(file.clone()).or_default().0 = value.parse().unwrap_or(0),
            "LH" if !file.is_empty() => files.entry(file.clone()).or_default().1 = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    let out = &mut std::io::stdout();
    for (part, beginnings) in PARTS {
        let own = files.iter().filter(|(file, _)| beginnings.iter().any(|start| file.starts_with(start)));
        let sum = |(lines, run): (u64, u64), (_, (more, ran)): (&String, &(u64, u64))| {
            (lines.saturating_add(*more), run.saturating_add(*ran))
        };
        let (lines, run) = own.fold((0, 0), sum);
        let tenths = run.saturating_mul(1000).checked_div(lines).unwrap_or(0);
        let (whole, tenth) = (tenths.checked_div(10).unwrap_or(0), tenths.checked_rem(10).unwrap_or(0));
        writeln!(out, "coverage: {part}: {run} of {lines} lines, {whole}.{tenth} %")
            .context("cannot write")?;
    }
    Ok(())
}

/// A source file of the workspace that is no test, from its root.
fn own(path: &str) -> Option<String> {
    let path = Path::new(path).strip_prefix(root()).ok()?.to_str()?;
    let test = ["tests/", "/tests/", "xtask/", "benches/", "fuzz/", "target/"];
    (!test.iter().any(|part| path.starts_with(part) || path.contains("/tests/"))).then(|| path.to_owned())
}
