//! The command line as clap sees it.

mod fleet;

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};
use swarm_bytecode::quantity::{Literal, parse_literal};
use swarm_bytecode::types::TypeId;

pub(crate) use fleet::{
    Digest, KeygenArguments, SignArguments, TrustAddArguments, TrustCommand, TrustMode, TrustNewArguments,
    TrustShowArguments, TrustSignArguments, VerifyArguments,
};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default())
    .error(AnsiColor::Red.on_default().bold())
    .valid(AnsiColor::Green.on_default())
    .invalid(AnsiColor::Yellow.on_default());

const AFTER_HELP: &str = "\
Results go to stdout, talk to stderr; `-` reads standard input.
Exit codes: 0 done, 1 errors in the program or a run that failed or hit a limit,
2 usage or files, 4 refused (verifier, capability, signature). More: docs/cli.md";

/// Swarm: instructions for fleets of agents, with the worst case known before they are sent.
#[derive(Debug, Parser)]
#[command(name = "swarmc", version, styles = STYLES, after_help = AFTER_HELP, max_term_width = 100)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,

    /// What the result looks like: text for people, one JSON document for programs.
    #[arg(long, value_enum, global = true, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(crate) format: Format,
}

/// What results look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    // For people.
    Text,
    // For programs: docs/cli.md describes each document.
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look for errors in source files.
    Check(CheckArguments),
    /// Compile a source file to a module.
    Compile(CompileArguments),
    /// Run an instruction here, as a dry run: every action is shown, none is taken.
    Run(Box<RunArguments>),
    /// Say what a module asks for and what it may use at most.
    Inspect(ModuleArguments),
    /// Print a module's code.
    Disasm(ModuleArguments),
    /// Make a key pair.
    Keygen(KeygenArguments),
    /// Sign a program as an order to a fleet, or sign an order someone else has signed.
    Sign(Box<SignArguments>),
    /// Check an order as an agent would.
    Verify(Box<VerifyArguments>),
    /// Make and sign the file that says whose signature counts.
    #[command(subcommand)]
    Trust(TrustCommand),
    /// Format source files in place.
    Fmt(FmtArguments),
    /// Explain an error code.
    Explain(ExplainArguments),
    /// Print a completion script for a shell.
    Completions(CompletionsArguments),
    /// Print versions.
    Version,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// Source files, or `-`.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

/// Arguments of `compile`.
#[derive(Debug, Args)]
pub(crate) struct CompileArguments {
    /// Source file, or `-`.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Where the module goes; `-` is stdout. Without it: FILE's name with `.bc`, in the current directory.
    #[arg(short, long, value_name = "OUT.bc")]
    pub(crate) output: Option<PathBuf>,

    /// Leave out names and places: smaller, but errors then name ops instead of lines.
    #[arg(long)]
    pub(crate) strip: bool,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// Source file, module, or `-`.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Inputs: a JSON object with a member for each, or `-`.
    #[arg(long, value_name = "F.json", help_heading = "Data")]
    pub(crate) input: Option<PathBuf>,

    /// Values of the order's context: a JSON object, or `-`.
    #[arg(long, value_name = "F.json", help_heading = "Data")]
    pub(crate) context: Option<PathBuf>,

    /// Where inputs come from that --input does not give; `processes` is this machine's process table.
    #[arg(long, value_enum, value_name = "HOST", help_heading = "Data")]
    pub(crate) host: Option<HostChoice>,

    /// Capabilities to grant, with commas between; `all` is what the program asks for, and the default.
    #[arg(long, value_name = "CAP,…", value_delimiter = ',', help_heading = "Limits")]
    pub(crate) grant: Option<Vec<String>>,

    /// Most fuel.
    #[arg(long, value_name = "N", value_parser = fuel, help_heading = "Limits")]
    pub(crate) fuel: Option<i64>,

    /// Most memory: `1MB`, `256KiB`.
    #[arg(long, value_name = "BYTES", value_parser = bytes, help_heading = "Limits")]
    pub(crate) memory: Option<i64>,

    /// Longest time: `2s`, `500ms`.
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Limits")]
    pub(crate) deadline: Option<i64>,

    /// Most money its calls may cost: `$5`.
    #[arg(long, value_name = "MONEY", value_parser = money, help_heading = "Limits")]
    pub(crate) budget: Option<i64>,

    /// Where the trace goes. Without it: the system's directory for temporary files.
    #[arg(long, value_name = "OUT.jsonl", help_heading = "Trace")]
    pub(crate) trace: Option<PathBuf>,

    /// How much is traced: nothing, actions and other effects, every statement, every op.
    #[arg(long, value_enum, default_value_t = TraceLevel::Effects, value_name = "LEVEL", help_heading = "Trace")]
    pub(crate) trace_level: TraceLevel,
}

/// Where inputs come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HostChoice {
    // A Task for each process.
    Processes,
}

/// How much is traced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TraceLevel {
    // No trace file is written.
    Off,
    Effects,
    Steps,
    Ops,
}

/// Arguments of `inspect` and `disasm`.
#[derive(Debug, Args)]
pub(crate) struct ModuleArguments {
    /// Module, source file, or `-`.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}

/// Arguments of `fmt`.
#[derive(Debug, Args)]
pub(crate) struct FmtArguments {
    /// Source files; `-` formats standard input to stdout.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// Change nothing; name the files that are not formatted and exit with 1.
    #[arg(long)]
    pub(crate) check: bool,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub(crate) struct ExplainArguments {
    /// An error code, such as E0201; without one, all codes are listed.
    #[arg(value_name = "CODE")]
    pub(crate) code: Option<String>,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArguments {
    /// The shell.
    #[arg(value_enum, value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

fn fuel(text: &str) -> Result<i64, String> {
    match parse_literal(text) {
        Ok(Literal::Int(value)) if value >= 0 => Ok(value),
        _ => Err("fuel is a whole number, such as 10_000_000".to_owned()),
    }
}

fn bytes(text: &str) -> Result<i64, String> {
    quantity(text, TypeId::BYTES, "an amount of data, such as 1MB or 256KiB")
}

fn duration(text: &str) -> Result<i64, String> {
    quantity(text, TypeId::DURATION, "a duration, such as 2s or 500ms")
}

fn money(text: &str) -> Result<i64, String> {
    quantity(text, TypeId::MONEY, "money, such as '$5' or 5USD")
}

/// A quantity that is not negative, in carrier units, written as in a program.
fn quantity(text: &str, wanted: TypeId, example: &str) -> Result<i64, String> {
    match parse_literal(text) {
        Ok(Literal::Quantity { ty, value }) if ty == wanted && value >= 0 => Ok(value),
        Ok(_) => Err(format!("expected {example}")),
        Err(error) => Err(format!("{error}; expected {example}")),
    }
}
