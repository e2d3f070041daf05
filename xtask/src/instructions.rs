//! Instructions that kernels take, counted by callgrind, against those of a committed file. A count
//! does not depend on what else the machine does, so a growth of a few per cent is seen on any build server.
//!
//! Counts do depend on the compiler: where it is another one than the file's, nothing is compared.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::{OPTIMISED, cargo, root, tools};

/// The counts that hold, one for each kernel.
const FILE: &str = "benches/instructions.txt";

/// Growth up to so many per cent is let pass.
const ADMITTED: f64 = 3.0;

/// Counts, and compares; with `bless` writes the counts instead. Where callgrind cannot be had, or the
/// compiler is another one, it says so and counts nothing, or compares nothing.
pub(crate) fn instructions(bless: bool) -> Result<()> {
    if !tools::ensure("valgrind", "valgrind")? {
        return tell("instructions: not counted, for there is no valgrind");
    }
    // With a test, so that the features are those of tests, as everywhere else.
    let programs = ["--bin", "kernels", "--test", "stack"];
    cargo("kernels", ["build"].into_iter().chain(OPTIMISED).chain(programs), &[])?;
    let program = root().join("target/release/kernels");
    let program = std::env::var_os("CARGO_TARGET_DIR")
        .map_or(program, |folder| Path::new(&folder).join("release/kernels"));
    let names = output(Command::new(&program))?;
    let mut counts = BTreeMap::new();
    for name in names.lines() {
        counts.insert(name.to_owned(), count(&program, name)?);
    }
    let compiler = compiler()?;
    if bless {
        return write(&counts, &compiler);
    }
    let text = std::fs::read_to_string(root().join(FILE)).with_context(|| format!("cannot read {FILE}"))?;
    let (known_compiler, known) = read(&text)?;
    let changelog =
        std::fs::read_to_string(root().join("CHANGELOG.md")).context("cannot read the changelog")?;
    let said = unreleased(&changelog);
    let mut grown = Vec::new();
    for (name, now) in &counts {
        let before = known.get(name).copied();
        let growth = before.map_or(0.0, |before| percent(before, *now));
        tell(&format!("instructions: {name}: {now} ({growth:+.1} %)"))?;
        ensure!(before.is_some(), "{FILE} has no kernel `{name}`: `cargo xtask instructions --bless`");
        if growth > ADMITTED && !is_said(said, name) {
            grown.push(name.as_str());
        }
    }
    if compiler != known_compiler {
        return tell(&format!("instructions: nothing compared: {FILE} is of {known_compiler}"));
    }
    if !grown.is_empty() {
        let names = grown.join(", ");
        bail!(
            "more than {ADMITTED} % more instructions: {names}. If it has to be, say why under Unreleased in \
             CHANGELOG.md, in a line with `instructions:` and the kernel's name, and `cargo xtask instructions --bless`"
        );
    }
    Ok(())
}

/// How many instructions one kernel takes.
fn count(program: &Path, name: &str) -> Result<u64> {
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"]);
    command.arg("--toggle-collect=kernels::measured").arg(program).arg(name);
    let done = command.output().with_context(|| format!("cannot start {command:?}"))?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "{command:?} failed: {said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected :"));
    let count = collected.and_then(|(_, count)| count.trim().parse().ok()).unwrap_or(0);
    ensure!(count > 0, "callgrind counted nothing in `{name}`: {said}");
    Ok(count)
}

fn output(mut command: Command) -> Result<String> {
    let done = command.output().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(done.status.success(), "{command:?} failed");
    String::from_utf8(done.stdout).with_context(|| format!("{command:?} wrote no text"))
}

/// Version and target of the compiler.
fn compiler() -> Result<String> {
    let mut command = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    command.arg("--version").current_dir(root());
    let version = output(command)?;
    Ok(format!("{} for {}-{}", version.trim(), std::env::consts::ARCH, std::env::consts::OS))
}

/// `# compiler`, then a line for each kernel.
fn read(text: &str) -> Result<(String, BTreeMap<String, u64>)> {
    let mut lines = text.lines();
    let compiler = lines.next().and_then(|line| line.strip_prefix("# ")).unwrap_or_default();
    let mut counts = BTreeMap::new();
    for line in lines {
        let (name, count) = line.split_once(' ').with_context(|| format!("{FILE}: `{line}`"))?;
        counts.insert(name.to_owned(), count.trim().parse().with_context(|| format!("{FILE}: `{line}`"))?);
    }
    Ok((compiler.to_owned(), counts))
}

fn write(counts: &BTreeMap<String, u64>, compiler: &str) -> Result<()> {
    let mut text = format!("# {compiler}\n");
    for (name, count) in counts {
        writeln!(text, "{name} {count}")?;
    }
    std::fs::write(root().join(FILE), text).with_context(|| format!("cannot write {FILE}"))
}

/// Per cent by which it has grown.
fn percent(before: u64, now: u64) -> f64 {
    let exact = |count: u64| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    (exact(now) / exact(before).max(1.0) - 1.0) * 100.0
}

/// What the changelog says of the next version.
fn unreleased(changelog: &str) -> &str {
    let behind = changelog.split_once("## [Unreleased]").map_or("", |(_, behind)| behind);
    behind.split_once("\n## ").map_or(behind, |(section, _)| section)
}

/// Whether a line says that a kernel takes more instructions.
fn is_said(section: &str, kernel: &str) -> bool {
    let words =
        |line: &str| line.split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| word == kernel);
    section.lines().any(|line| line.split_once("instructions:").is_some_and(|(_, behind)| words(behind)))
}

fn tell(line: &str) -> Result<()> {
    writeln!(std::io::stdout(), "{line}").context("cannot write to stdout")
}

#[cfg(test)]
mod tests {
    use super::{is_said, percent, read, unreleased};

    #[test]
    fn growth_is_let_pass_where_the_changelog_names_the_kernel() {
        let changelog =
            "## [Unreleased]\n- instructions: load-sample, a rule more\n\n## [0.1]\n- instructions: fib\n";
        let section = unreleased(changelog);
        assert!(is_said(section, "load-sample"));
        assert!(!is_said(section, "load") && !is_said(section, "fib") && !is_said(section, "instructions"));
    }

    #[test]
    fn counts_are_read() {
        let (compiler, counts) = read("# rustc 1\nfib 100\n").unwrap();
        assert_eq!((compiler.as_str(), counts.get("fib")), ("rustc 1", Some(&100)));
        assert!((percent(100, 104) - 4.0).abs() < 1e-9);
        assert!(read("# rustc 1\nfib many\n").is_err());
    }
}
