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
        Task::Docs { check } => docs(check),
    }
}

fn test(rest: &[String]) -> Result<()> {
    let arguments =
        ["test", "--workspace", "--exclude", "swarm-benches", "--locked"].into_iter().map(str::to_owned);
    cargo("tests", arguments.chain(rest.iter().cloned()), &[])
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
