//! The fuzz targets: built once, run several at once.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, ensure};

use crate::{cargo, root, say};

/// What libFuzzer needs to see which code ran, on the stable toolchain.
const COVERAGE: &str = "-Cpasses=sancov-module -Ccodegen-units=1 -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares";

/// What came of a target.
struct Ran {
    executions: u64,
    seconds: u64,
    good: bool,
}

/// Builds the targets, then runs as many at once as there are processors; a finding ends its target, not the
/// others.
pub(crate) fn run(target: Option<&str>, seconds: u64, seed: u32) -> Result<()> {
    let known = targets()?;
    ensure!(
        target.is_none_or(|target| known.iter().any(|own| own == target)),
        "targets are {}",
        known.join(", ")
    );
    // With a target of its own, build scripts are not measured.
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let of_all = ["--release", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--target", &host];
    let wanted: Vec<&str> =
        known.iter().map(String::as_str).filter(|name| target.is_none_or(|target| target == *name)).collect();
    let binaries = wanted.iter().flat_map(|name| ["--bin", name]);
    cargo("fuzz targets", ["build"].into_iter().chain(of_all).chain(binaries), &[("RUSTFLAGS", COVERAGE)])?;
    say(&format!("{} for {seconds} s each", wanted.join(", ")))?;
    let next = AtomicUsize::new(0);
    let work = || -> Result<Vec<(&str, Ran)>> {
        let mut done = Vec::new();
        while let Some(name) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
            let run = ["run", "--quiet"].into_iter().chain(of_all).chain(["--bin", name]);
            done.push((*name, one(name, run, seconds, seed)?));
        }
        Ok(done)
    };
    let mut ran = Vec::new();
    thread::scope(|scope| -> Result<()> {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            ran.extend(worker.join().map_err(|_| anyhow!("a worker panicked"))??);
        }
        Ok(())
    })?;
    ran.sort_by_key(|(name, _)| *name);
    for (name, Ran { executions, seconds, good }) in &ran {
        let found = if *good { "no finding" } else { "1 finding, in fuzz/artifacts" };
        writeln!(std::io::stdout(), "fuzz: {name}: {executions} executions, {seconds} s, {found}")
            .context("cannot write to stdout")?;
    }
    let findings = ran.iter().filter(|(_, ran)| !ran.good).count();
    ensure!(findings == 0, "{findings} targets have a finding");
    Ok(())
}

/// The names of the files in `fuzz/fuzz_targets`, sorted.
fn targets() -> Result<Vec<String>> {
    let entries = std::fs::read_dir(root().join("fuzz/fuzz_targets")).context("cannot read fuzz_targets")?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry.context("cannot read fuzz_targets")?.path();
        names.extend(path.file_stem().and_then(OsStr::to_str).map(str::to_owned));
    }
    names.sort();
    Ok(names)
}

/// Runs a target; what libFuzzer says, but for each input it keeps, goes to stderr behind the target's name.
fn one<'a>(name: &str, run: impl Iterator<Item = &'a str>, seconds: u64, seed: u32) -> Result<Ran> {
    let folder = |kind: &str| root().join("fuzz").join(kind).join(name);
    for kind in ["found", "corpus", "artifacts"] {
        std::fs::create_dir_all(folder(kind)).with_context(|| format!("cannot make fuzz/{kind}"))?;
    }
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(run).args(["--", &format!("-max_total_time={seconds}"), "-timeout=10"]);
    command.args([format!("-artifact_prefix={}/", folder("artifacts").display()), format!("-seed={seed}")]);
    command.args([folder("found"), folder("corpus")]);
    command.current_dir(root()).env("RUSTFLAGS", COVERAGE).stderr(Stdio::piped());
    let begun = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
    let mut executions = 0;
    for line in child.stderr.take().into_iter().flat_map(|stderr| BufReader::new(stderr).split(b'\n')) {
        let line = line.context("cannot read what the fuzzer says")?;
        let line = String::from_utf8_lossy(&line);
        executions = executions.max(count(&line).unwrap_or(0));
        if ["NEW", "REDUCE"].iter().any(|kept| line.split_ascii_whitespace().nth(1) == Some(kept)) {
            continue;
        }
        writeln!(std::io::stderr(), "{name}: {line}").context("cannot write to stderr")?;
    }
    let status = child.wait().with_context(|| format!("cannot wait for {name}"))?;
    Ok(Ran { executions, seconds: begun.elapsed().as_secs(), good: status.success() })
}

/// The executions that a line of libFuzzer tells: `#4096 pulse …`, `Done 5000 runs in …`.
fn count(line: &str) -> Option<u64> {
    let rest = line.strip_prefix('#').or_else(|| line.strip_prefix("Done "))?;
    rest.split_ascii_whitespace().next()?.parse().ok()
}
