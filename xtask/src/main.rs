//! Tasks of the project, as `cargo xtask TASK`: what a contributor and the build server run, in one place.

mod bench;
mod coverage;
mod fuzz;
mod handlers;
mod instructions;
mod servers;
mod tools;

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
    /// Run all tests, those in documentation included. Installs the servers they need (redis-server,
    /// nats-server) with apt-get if it may, and says what to install if not.
    Test {
        /// Handed on to `cargo test`: a filter, `-- --nocapture`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Everything the build server checks beside the tests: format, lints, documentation.
    Lint,
    /// Everything the build server checks, each fuzz target for 20 seconds included.
    Ci {
        /// The tests have passed already.
        #[arg(long)]
        tested: bool,
    },
    /// Run the benchmarks of `benches/`; of peers, measure Swarm beside them: `bench peers --all`.
    #[command(args_conflicts_with_subcommands = true)]
    Bench {
        #[command(subcommand)]
        of: Option<Benches>,
        /// Handed on to criterion: a filter.
        rest: Vec<String>,
    },
    /// Count the instructions of the kernels with callgrind, and compare them with
    /// benches/instructions.txt: more than 3 % growth fails unless the changelog names the kernel.
    Instructions {
        /// Write the counts instead.
        #[arg(long)]
        bless: bool,
    },
    /// Look at the interpreter's handlers in an optimised build: they take no native stack, and none picks
    /// the next word with a conditional move.
    Handlers,
    /// Make the pages of the book with mdBook, into target/book.
    Book,
    /// Hold the proved worst case against runs: of programs made at random, none of which may use more, and
    /// of the examples, to see how near it is.
    Soundness {
        /// How many programs are made.
        #[arg(long, default_value_t = 100_000)]
        programs: u32,
    },
    /// Compare generated programs, in release: the compiler and the virtual machine with the reference.
    /// Prints how many programs, comparisons and divergences there were.
    Differential {
        /// How many programs.
        #[arg(long, default_value_t = 10_000)]
        programs: u64,
        /// The first one; the next ones follow.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// After how many seconds it begins no other.
        #[arg(long, default_value_t = u64::MAX)]
        seconds: u64,
        /// Run each program on the second tier as well.
        #[arg(long)]
        jit: bool,
    },
    /// Let a fleet of real processes on Redis and NATS have a fault in the middle of an order, again and
    /// again: servers, injectors and agents are killed, servers lose all they held. Prints what each run came
    /// to.
    Faults {
        /// How many runs.
        #[arg(long, default_value_t = 50)]
        runs: u64,
        /// The first one's number; which fault comes when follows from it.
        #[arg(long, default_value_t = 0)]
        seed: u64,
    },
    /// Run a fuzz target of `fuzz/`, or each in turn, from its corpus. Inputs it adds go to `fuzz/found`,
    /// findings to `fuzz/artifacts`. Prints a line for each: executions, seconds, findings.
    Fuzz {
        /// One of them; all unless given.
        target: Option<String>,
        /// How long each runs.
        #[arg(long, default_value_t = 20)]
        seconds: u64,
        /// Where chance begins, so that two runs try much the same; 0: somewhere else each time.
        #[arg(long, default_value_t = 0)]
        seed: u32,
    },
    /// Run the virtual machine's tests under AddressSanitizer, in target/sanitize.
    Sanitize,
    /// Which lines the tests run: of the workspace, and of decoder, verifier and interpreter apart. Needs
    /// llvm-profdata and llvm-cov of the compiler's LLVM; prints a line for each part and writes
    /// target/coverage/lines.lcov.
    Coverage {
        /// Handed on to `cargo test`; the whole workspace unless given.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        rest: Vec<String>,
    },
    /// Write the generated tables of docs/bytecode.md.
    Docs {
        /// Change nothing; fail if the tables are not up to date.
        #[arg(long)]
        check: bool,
    },
}

#[derive(Debug, Subcommand)]
enum Benches {
    /// The same work in Swarm, in native Rust and in other machines, each in a process of its own.
    Peers(bench::Peers),
    /// How long orders, halts and rollbacks take over memory, Redis and NATS.
    Fleet {
        /// How many agents.
        #[arg(long, default_value_t = 1159)]
        agents: u32,
    },
}

fn main() -> Result<()> {
    match Arguments::parse().task {
        Task::Test { rest } => test(&rest),
        Task::Lint => lint(),
        Task::Ci { tested } => ci(tested),
        Task::Bench { of: Some(Benches::Peers(peers)), .. } => bench::peers(&peers),
        Task::Bench { of: Some(Benches::Fleet { agents }), .. } => bench::fleet(agents),
        Task::Bench { of: None, rest } => bench::criterion(&rest),
        Task::Handlers => handlers::handlers(),
        Task::Instructions { bless } => instructions::instructions(bless),
        Task::Book => book(),
        Task::Soundness { programs } => soundness(programs),
        Task::Differential { programs, seed, seconds, jit } => differential(programs, seed, seconds, jit),
        Task::Faults { runs, seed } => faults(runs, seed),
        Task::Fuzz { target, seconds, seed } => fuzz::run(target.as_deref(), seconds, seed),
        Task::Sanitize => sanitize(),
        Task::Coverage { rest } => coverage::run(&rest),
        Task::Docs { check } => docs(check),
    }
}

fn test(rest: &[String]) -> Result<()> {
    servers::install_missing()?;
    let all = ["test", "--workspace", "--exclude", "swarm-benches", "--locked"];
    // Tests of fleets mostly wait, so more of them can run than there are cores.
    let threads = std::env::var("RUST_TEST_THREADS").unwrap_or_else(|_| "8".to_owned());
    let variables = [("RUST_TEST_THREADS", &*threads)];
    cargo("tests", all.into_iter().chain(rest.iter().map(String::as_str)), &variables)?;
    if rest.is_empty() {
        let tier = ["--features", "swarmc/jit", "--test", "tier"];
        cargo("tests of the command line with its second tier", all.into_iter().chain(tier), &variables)?;
    }
    Ok(())
}

/// Packages with programs that are looked at as they are released: always named together, for the features of
/// what they share are those that all named packages ask for, and it is built once.
const OPTIMISED: [&str; 8] = [
    "--release",
    "--locked",
    "--package",
    "swarm-vm",
    "--package",
    "swarm-benches",
    "--package",
    "swarm-differential",
];

/// All tests and lints, the interpreter's handlers, the counted instructions, 100,000 generated programs or
/// three minutes of them, and each fuzz target for 20 seconds.
fn ci(tested: bool) -> Result<()> {
    if !tested {
        test(&[])?;
    }
    lint()?;
    // At once, for each is linked by one core.
    let programs = ["--bin", "kernels", "--test", "stack", "--test", "differential"];
    cargo("optimised programs", ["build"].into_iter().chain(OPTIMISED).chain(programs), &[])?;
    handlers::handlers()?;
    instructions::instructions(false)?;
    differential(100_000, 1, 180, false)?;
    fuzz::run(None, 20, 1)
}

fn differential(programs: u64, seed: u64, seconds: u64, jit: bool) -> Result<()> {
    let tier = jit.then_some(["--features", "swarm-differential/jit"]);
    let test = ["--test", "differential", "generated_programs", "--", "--nocapture"];
    let arguments = ["test"].into_iter().chain(OPTIMISED).chain(tier.into_iter().flatten()).chain(test);
    let [programs, seed, seconds] = [programs, seed, seconds].map(|number| number.to_string());
    let variables = [("SWARM_PROGRAMS", &*programs), ("SWARM_SEED", &*seed), ("SWARM_SECONDS", &*seconds)];
    cargo("differential runs", arguments, &variables)
}

fn faults(runs: u64, seed: u64) -> Result<()> {
    servers::install_missing()?;
    let arguments = ["test", "--locked", "--test", "processes", "whatever_dies", "--", "--nocapture"];
    let (runs, seed) = (runs.to_string(), seed.to_string());
    cargo("fault runs", arguments.map(str::to_owned), &[("SWARM_FAULTS", &runs), ("SWARM_SEED", &seed)])
}

/// The sanitizer's switch is an unstable one, which the stable toolchain takes if it is told to.
fn sanitize() -> Result<()> {
    // With a target of its own, build scripts and macros are not instrumented.
    let host = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let test = ["test", "--locked", "--package", "swarm-vm", "--lib", "--tests", "--target", &host];
    let folder = target().join("sanitize").display().to_string();
    let variables =
        [("RUSTFLAGS", "-Zsanitizer=address"), ("RUSTC_BOOTSTRAP", "1"), ("CARGO_TARGET_DIR", &*folder)];
    cargo("tests under AddressSanitizer", test, &variables)
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

/// Where cargo puts what it makes.
fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The project's root: the directory above this package.
fn root() -> PathBuf {
    let mut root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    root.pop();
    root
}
