//! Tasks of the project, as `cargo xtask TASK`: what a contributor and the build server run, in one place.

use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, Subcommand};

/// Tasks of the Swarm project.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run all tests, those in documentation included.
    Test {
        /// Handed on to `cargo test`: a filter, `-- --nocapture`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Everything the build server checks beside the tests: format, lints, documentation.
    Lint,
    /// Everything the build server checks.
    Ci,
    /// Make the pages of the book with mdBook, into target/book.
    Book,
    /// Hold the proved worst case against runs: of programs made at random, none of which may use more, and of the
    /// examples, to see how near it is.
    Soundness {
        /// How many programs are made.
        #[arg(long, default_value_t = 100_000)]
        programs: u32,
    },
    /// Compare generated programs, in release: the compiler and the virtual machine with the reference. Prints how many
    /// programs, comparisons and divergences there were.
    Differential {
        /// How many programs.
        #[arg(long, default_value_t = 10_000)]
        programs: u64,
        /// The first one; the next ones follow.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Run a fuzz target of `fuzz/`, or each in turn, from its corpus. What it adds goes to `fuzz/found`.
    Fuzz {
        /// One of them; all unless given.
        target: Option<String>,
        /// How long each runs.
        #[arg(long, default_value_t = 20)]
        seconds: u64,
    },
    /// Write the generated tables of docs/bytecode.md.
    Docs {
        /// Change nothing; fail if the tables are not up to date.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().task {
        Task::Test { rest } => test(&rest),
        Task::Lint => lint(),
        Task::Ci => test(&[]).and_then(|()| lint()),
        Task::Book => book(),
        Task::Soundness { programs } => soundness(programs),
        Task::Differential { programs, seed } => differential(programs, seed),
        Task::Fuzz { target, seconds } => fuzz(target.as_deref(), seconds),
        Task::Docs { check } => docs(check),
    }
}

fn test(rest: &[String]) -> Result<()> {
    let arguments =
        ["test", "--workspace", "--exclude", "swarm-benches", "--locked"].into_iter().map(str::to_owned);
    cargo("tests", arguments.chain(rest.iter().cloned()), &[])
}

fn differential(programs: u64, seed: u64) -> Result<()> {
    let test = ["test", "--release", "--locked", "--test", "differential"];
    let arguments = test.into_iter().chain(["generated_programs", "--", "--nocapture"]);
    let (programs, seed) = (programs.to_string(), seed.to_string());
    cargo("differential runs", arguments, &[("SWARM_PROGRAMS", &programs), ("SWARM_SEED", &seed)])
}

const TARGETS: [&str; 8] =
    ["parse", "check", "format", "decode", "run_verified", "json_input", "envelope", "differential"];

/// What libFuzzer needs to see which code ran, on the stable toolchain.
const COVERAGE: &str = "-Cpasses=sancov-module -Ccodegen-units=1 -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares";

fn fuzz(target: Option<&str>, seconds: u64) -> Result<()> {
    let time = format!("-max_total_time={seconds}");
    // With a target of its own, build scripts are not measured.
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    for name in TARGETS.into_iter().filter(|name| target.is_none_or(|target| target == *name)) {
        let (found, corpus) = (root().join("fuzz/found").join(name), root().join("fuzz/corpus").join(name));
        std::fs::create_dir_all(&found).context("cannot make fuzz/found")?;
        std::fs::create_dir_all(&corpus).context("cannot make fuzz/corpus")?;
        let run = ["run", "--release", "--locked", "--manifest-path", "fuzz/Cargo.toml", "--target", &host];
        let own = ["--bin", name, "--", &time, "-timeout=10"].map(OsStr::new);
        let arguments = run.map(OsStr::new).into_iter().chain(own);
        let arguments = arguments.chain([found.as_os_str(), corpus.as_os_str()]);
        cargo(name, arguments, &[("RUSTFLAGS", COVERAGE)])?;
    }
    ensure!(target.is_none_or(|target| TARGETS.contains(&target)), "targets are {}", TARGETS.join(", "));
    Ok(())
}

fn lint() -> Result<()> {
    cargo("format", ["fmt", "--all", "--check"], &[])?;
    let clippy = ["clippy", "--workspace", "--all-targets", "--locked", "--", "--deny", "warnings"];
    cargo("lints", clippy, &[])?;
    let doc = ["doc", "--workspace", "--no-deps", "--document-private-items", "--locked"];
    cargo("documentation", doc, &[("RUSTDOCFLAGS", "--deny warnings")])?;
    docs(true)
}

/// The tests print a line each that begins with `soundness:` and `tightness:`.
fn soundness(programs: u32) -> Result<()> {
    let test = |name| ["test", "--release", "--locked", "--quiet", "--package", "swarmc", "--test", name];
    let shown = ["--", "--nocapture"];
    let programs = programs.to_string();
    let generated = test("run").into_iter().chain(["generated"]).chain(shown);
    cargo("programs made at random", generated, &[("SWARM_PROGRAMS", &programs)])?;
    cargo("examples", test("tightness").into_iter().chain(shown), &[])
}

/// The reference whose tables are made from the op table, the verifier's rules and the trap codes.
const REFERENCE: &str = "docs/bytecode.md";

fn docs(check: bool) -> Result<()> {
    let path = root().join(REFERENCE);
    let current = std::fs::read_to_string(&path).with_context(|| format!("cannot read {REFERENCE}"))?;
    let made = swarm_bytecode::reference::render_reference(&current)
        .with_context(|| format!("{REFERENCE} lacks the marks between which its tables go"))?;
    if check {
        say("generated documentation")?;
        ensure!(made == current, "{REFERENCE} is not up to date: run `cargo xtask docs`");
        return Ok(());
    }
    std::fs::write(&path, made).with_context(|| format!("cannot write {REFERENCE}"))
}

fn book() -> Result<()> {
    say("book")?;
    let mut command = Command::new("mdbook");
    command.args(["build", "docs/book"]).current_dir(root());
    let status =
        command.status().context("cannot start mdbook; `cargo install mdbook --locked` installs it")?;
    ensure!(status.success(), "the book failed: {command:?}");
    writeln!(std::io::stderr(), "target/book/index.html").context("cannot write to stderr")
}

/// Runs cargo in the project's root; its output goes straight through.
fn cargo<I: IntoIterator<Item: AsRef<OsStr>>>(
    step: &str,
    arguments: I,
    variables: &[(&str, &str)],
) -> Result<()> {
    say(step)?;
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root()).envs(variables.iter().copied());
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    if !status.success() {
        bail!("{step} failed: {command:?}");
    }
    Ok(())
}

fn say(step: &str) -> Result<()> {
    writeln!(std::io::stderr(), "== {step}").context("cannot write to stderr")
}

/// The project's root: the directory above this package.
fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}
