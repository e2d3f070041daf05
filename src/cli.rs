//! The command line as clap sees it.

mod fleet;
mod node;
mod report;
mod simulate;

use std::fmt;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use swarm_bytecode::quantity::{Literal, parse_literal};
use swarm_bytecode::types::TypeId;

pub(crate) use fleet::{
    Digest, KeygenArguments, SignArguments, TrustAddArguments, TrustCommand, TrustMode, TrustNewArguments,
    TrustShowArguments, TrustSignArguments, VerifyArguments,
};
pub(crate) use node::{
    AgentArguments, AgentHost, InjectArguments, InjectorArguments, LookArguments, MonitorArguments,
    PlanArguments, PlanMaking, QueueAddArguments, QueueCommand, QueueReviveArguments, QueueShowArguments,
    StepArguments,
};
pub(crate) use report::{
    Ranking, ReportArguments, ReportCommand, ReportVerifyArguments, SchemaArguments, TraceCommand,
    TraceVerifyArguments,
};
pub(crate) use simulate::SimulateArguments;

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
2 usage or files, 3 a fleet that did not converge, 4 refused (verifier, capability, signature). More: docs/cli.md";

/// Swarm: instructions for fleets of agents, with the worst case known before they are sent.
#[derive(Debug, Parser)]
#[command(name = "swarmc", version, styles = STYLES, after_help = AFTER_HELP, max_term_width = 100)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,

    /// What the result looks like: text for people, one JSON document for programs.
    #[arg(long, global = true, default_value_t = Format::Text, value_name = "FORMAT",
          value_parser = Format::one_of(Format::TEXT_OR_JSON))]
    pub(crate) format: Format,
}

/// What results look like. Every command has text and JSON, some have forms of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs: docs/cli.md describes each document.
    Json,
    /// Results of tests as continuous integration reads them.
    Junit,
    /// Documentation as Markdown.
    Markdown,
    /// Documentation as a page.
    Html,
    /// A grammar in W3C's form.
    Ebnf,
    /// A grammar for samplers of the llama.cpp family.
    Gbnf,
    /// A grammar for Lark.
    Lark,
}

impl Format {
    const TEXT_OR_JSON: &[Format] = &[Format::Text, Format::Json];
    const OF_TESTS: &[Format] = &[Format::Text, Format::Json, Format::Junit];
    const OF_DOCUMENTATION: &[Format] = &[Format::Markdown, Format::Html, Format::Json];
    const OF_REPORTS: &[Format] = &[Format::Text, Format::Json, Format::Markdown];
    const OF_GRAMMARS: &[Format] = &[Format::Ebnf, Format::Gbnf, Format::Lark, Format::Json];

    /// As it is written on the command line.
    const fn name(self) -> &'static str {
        match self {
            Format::Text => "text",
            Format::Json => "json",
            Format::Junit => "junit",
            Format::Markdown => "md",
            Format::Html => "html",
            Format::Ebnf => "ebnf",
            Format::Gbnf => "gbnf",
            Format::Lark => "lark",
        }
    }

    /// Reads one of these.
    fn one_of(formats: &'static [Format]) -> impl TypedValueParser<Value = Format> {
        let named = move |name: &str| formats.iter().copied().find(|format| format.name() == name);
        let values = formats.iter().map(|format| match format {
            Format::Markdown => PossibleValue::new("md").alias("markdown"),
            format => PossibleValue::new(format.name()),
        });
        // An alias comes as it was written.
        let named = move |name: &str| named(if name == "markdown" { "md" } else { name });
        PossibleValuesParser::new(values).map(move |name| named(&name).unwrap_or(Format::Text))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a first program to start from.
    New(NewArguments),
    /// Look for errors in source files, and fix them.
    Check(CheckArguments),
    /// Compile a source file to a module.
    Compile(CompileArguments),
    /// Run an instruction here, as a dry run: every action is shown, none is taken.
    Run(Box<RunArguments>),
    /// Run a recorded run again without its host, or show what another text would have done.
    Replay(ReplayArguments),
    /// Say what a program can cost at most, before it is sent.
    Cost(CostArguments),
    /// Say what a module asks for and what it may use at most.
    Inspect(ModuleArguments),
    /// Print a module's code.
    Disasm(ModuleArguments),
    /// Send an instruction to a simulated fleet, and report what each agent did with it.
    Simulate(Box<SimulateArguments>),
    /// Freeze an order's targets, waves and bill, and sign that.
    Plan(Box<PlanArguments>),
    /// Send a plan to a fleet, wave by wave, and wait until it has converged.
    Inject(Box<InjectArguments>),
    /// Say how the order stands, and which targets are not active.
    Status(LookArguments),
    /// Stop everything, everywhere, until a resume.
    Halt(StepArguments),
    /// Let what was halted run again.
    Resume(StepArguments),
    /// Put back what ran before.
    Rollback(StepArguments),
    /// Run a fleet's injector.
    Injector(Box<InjectorArguments>),
    /// Run agents.
    Agent(Box<AgentArguments>),
    /// Follow an order's figures, and tell them on the bus.
    Monitor(MonitorArguments),
    /// Put tasks into a queue that agents take them from.
    #[command(subcommand)]
    Queue(QueueCommand),
    /// Compute from a run's traces what came of it.
    Report(Box<ReportArguments>),
    /// Check traces.
    #[command(subcommand)]
    Trace(TraceCommand),
    /// Print the JSON Schema of an instruction's order and of its result.
    Schema(SchemaArguments),
    /// Make a key pair.
    Keygen(KeygenArguments),
    /// Sign a program as an order to a fleet, or sign too what someone else has signed.
    Sign(Box<SignArguments>),
    /// Check an order as an agent would.
    Verify(Box<VerifyArguments>),
    /// Make and sign the file that says whose signature counts.
    #[command(subcommand)]
    Trust(TrustCommand),
    /// Format source files in place.
    Fmt(FmtArguments),
    /// Try out expressions and statements, line by line.
    Repl(ReplArguments),
    /// Run the TESTs of programs.
    Test(TestArguments),
    /// Measure how long runs take.
    Bench(BenchArguments),
    /// Look for inputs that make a program fail.
    Fuzz(FuzzArguments),
    /// Render the documentation of a program or of the standard library.
    Doc(DocArguments),
    /// Print the grammar for constrained generation: what may be written next.
    Grammar(GrammarArguments),
    /// Explain an error code.
    Explain(ExplainArguments),
    /// Print a completion script for a shell.
    Completions(CompletionsArguments),
    /// Print versions.
    Version,
}

/// Arguments of `new`.
#[derive(Debug, Args)]
pub(crate) struct NewArguments {
    /// Name of the instruction; the file is NAME.swarm.
    #[arg(value_name = "NAME")]
    pub(crate) name: PathBuf,
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(crate) struct CheckArguments {
    /// Source files, or `-`.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// Make every edit that a finding proposes, and check again; of `-` the result goes to stdout.
    #[arg(long)]
    pub(crate) fix: bool,

    /// Change nothing; print what --fix would change as a diff.
    #[arg(long)]
    pub(crate) dry_run: bool,
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

    /// What to show instead of making a module: `wat` is the WebAssembly that `run --tier jit` compiles.
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) emit: Option<Emit>,

    /// Leave out names and places: smaller, but errors then name ops instead of lines.
    #[arg(long)]
    pub(crate) strip: bool,

    /// Compile without making the code better.
    #[arg(long)]
    pub(crate) no_optimise: bool,
}

/// What `compile` shows instead of making a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Emit {
    Wat,
}

/// What runs a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TierChoice {
    Interpreter,
    // Compiled code from the start.
    Jit,
    // Compiled code once the run has used much fuel.
    Auto,
}

/// Where a program's data comes from.
#[derive(Debug, Default, Args)]
pub(crate) struct DataArguments {
    /// Inputs: a JSON object with a member for each, or `-`.
    #[arg(long, value_name = "F.json", help_heading = "Data")]
    pub(crate) input: Option<PathBuf>,

    /// Values of the order's context: a JSON object, or `-`.
    #[arg(long, value_name = "F.json", help_heading = "Data")]
    pub(crate) context: Option<PathBuf>,

    /// Where inputs come from that --input does not give; `processes` is this machine's process table.
    #[arg(long, value_enum, value_name = "HOST", help_heading = "Data")]
    pub(crate) host: Option<HostChoice>,

    /// What queries answer and which actions fail: a JSON object a line, {"call": NAME, "with": […],
    /// "answer": …}.
    #[arg(long, value_name = "F.jsonl", help_heading = "Data")]
    pub(crate) answers: Option<PathBuf>,
}

/// What a run may use. Without an option: what the header says, else the default.
#[derive(Debug, Default, Args)]
pub(crate) struct LimitArguments {
    /// Most fuel of an activation.
    #[arg(long, value_name = "N", value_parser = fuel, help_heading = "Limits")]
    pub(crate) fuel: Option<i64>,

    /// Most memory: `1MB`, `256KiB`.
    #[arg(long, value_name = "BYTES", value_parser = bytes, help_heading = "Limits")]
    pub(crate) memory: Option<i64>,

    /// Longest time: `2s`, `500ms`. Without it: the header's DEADLINE.
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Limits")]
    pub(crate) deadline: Option<i64>,

    /// Most money its calls may cost: `$5`. Without it: an agent's part of the header's BUDGET.
    #[arg(long, value_name = "MONEY", value_parser = money, help_heading = "Limits")]
    pub(crate) budget: Option<i64>,

    /// Most language-model tokens: `50_000`. Without it: an agent's part of the header's BUDGET.
    #[arg(long, value_name = "N", value_parser = tokens, help_heading = "Limits")]
    pub(crate) tokens: Option<i64>,
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// Source file, module, or `-`.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// What it reads.
    #[command(flatten)]
    pub(crate) data: DataArguments,

    /// Play the order for so long, in virtual time: `2h` takes a moment.
    #[arg(long = "for", value_name = "TIME", value_parser = duration, help_heading = "Data")]
    pub(crate) time: Option<i64>,

    /// Events of the order: a JSON object a line, {"at": "90s", "event": NAME, "data": {…}}.
    #[arg(long, value_name = "F.jsonl", help_heading = "Data")]
    pub(crate) events: Option<PathBuf>,

    /// Compile without making the code better.
    #[arg(long)]
    pub(crate) no_optimise: bool,

    /// What runs it: the interpreter, compiled code, or `auto`, compiled code once it has used much fuel. The
    /// result is the same. Compiled code needs a build with the Cargo feature `jit`.
    #[arg(long, value_enum, default_value_t = TierChoice::Interpreter, value_name = "TIER")]
    pub(crate) tier: TierChoice,

    /// Capabilities to grant, with commas between; `all` is what the program asks for, and the default.
    #[arg(long, value_name = "CAP,…", value_delimiter = ',', help_heading = "Limits")]
    pub(crate) grant: Option<Vec<String>>,

    /// What it may use.
    #[command(flatten)]
    pub(crate) limits: LimitArguments,

    /// Where the trace goes. Without it: the system's directory for temporary files.
    #[arg(long, value_name = "OUT.jsonl", help_heading = "Trace")]
    pub(crate) trace: Option<PathBuf>,

    /// Where the trace goes with all that is needed to run it again: `swarmc replay` does. It holds the data
    /// it read.
    #[arg(long, value_name = "OUT.jsonl", conflicts_with = "trace", help_heading = "Trace")]
    pub(crate) record: Option<PathBuf>,

    /// How much is traced: nothing, actions and other effects, every statement, every op.
    #[arg(long, value_enum, default_value_t = TraceLevel::Effects, value_name = "LEVEL", help_heading = "Trace")]
    pub(crate) trace_level: TraceLevel,
}

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub(crate) struct ReplayArguments {
    /// What `run --record` wrote, or `-`.
    #[arg(value_name = "RECORDING")]
    pub(crate) recording: PathBuf,

    /// Source file or module to run on what was recorded; the difference is shown.
    #[arg(long, value_name = "FILE")]
    pub(crate) program: Option<PathBuf>,

    /// What answers a call that was not recorded: what is usual in a dry run, or nothing, and the replay ends.
    #[arg(long, value_enum, default_value_t = Unmatched::Usual, value_name = "HOW")]
    pub(crate) unmatched: Unmatched,
}

/// What answers a call that was not recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Unmatched {
    // An action is done; a query has the last answer to the same question, or fails.
    Usual,
    // The replay ends.
    Stop,
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

    /// Compile without making the code better.
    #[arg(long)]
    pub(crate) no_optimise: bool,
}

/// Arguments of `cost`.
#[derive(Debug, Args)]
pub(crate) struct CostArguments {
    /// Source file, module, or `-`.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Agents of the fleet. Without it: as many as TARGET says.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) agents: Option<u32>,

    /// Number of items of an input; without it, its MAX.
    #[arg(long = "size", value_name = "INPUT=N", value_parser = size)]
    pub(crate) sizes: Vec<(String, u64)>,

    /// Bytes of the longest text in the data; without it, what the border lets in: 4096.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(1..=4096))]
    pub(crate) text: Option<u32>,
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

/// Arguments of `repl`.
#[derive(Debug, Args)]
pub(crate) struct ReplArguments {
    /// Inputs: a JSON object with a member for each. Those it does not give are empty.
    #[arg(long, value_name = "F.json")]
    pub(crate) input: Option<PathBuf>,

    /// What queries answer and which actions fail, as for `run`.
    #[arg(long, value_name = "F.jsonl")]
    pub(crate) answers: Option<PathBuf>,
}

/// Arguments of `test`.
#[derive(Debug, Args)]
pub(crate) struct TestArguments {
    /// Source files, or `-`.
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,

    /// Only tests whose name has this text.
    #[arg(long, value_name = "TEXT")]
    pub(crate) filter: Option<String>,

    /// Tell which lines and which ways of conditions ran, of the code as it was written.
    #[arg(long)]
    pub(crate) coverage: bool,

    /// Test the plain code instead of the optimised.
    #[arg(long)]
    pub(crate) no_optimise: bool,

    /// Text, one JSON document, or JUnit's XML.
    #[arg(long, default_value_t = Format::Text, value_name = "FORMAT",
          value_parser = Format::one_of(Format::OF_TESTS))]
    pub(crate) format: Format,
}

/// Arguments of `bench`.
#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    /// Source file, module, or `-`.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// What it reads.
    #[command(flatten)]
    pub(crate) data: DataArguments,

    /// How long to measure.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    pub(crate) time: i64,
}

/// Arguments of `fuzz`.
#[derive(Debug, Args)]
pub(crate) struct FuzzArguments {
    /// Source file, module, or `-`.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// How long to look.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) seconds: u64,

    /// Look at so many inputs at most; with --seed the same ones every time.
    #[arg(long, value_name = "N")]
    pub(crate) runs: Option<u64>,

    /// Where the sequence of inputs begins.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,

    /// Add the cases that were found to FILE, each as a TEST.
    #[arg(long)]
    pub(crate) write: bool,
}

/// Arguments of `doc`.
#[derive(Debug, Args)]
pub(crate) struct DocArguments {
    /// Source file, or `-`.
    #[arg(value_name = "FILE", required_unless_present = "std", conflicts_with = "std")]
    pub(crate) file: Option<PathBuf>,

    /// The standard library instead of a file.
    #[arg(long)]
    pub(crate) std: bool,

    /// Directory that gets a file for each module. Without it all goes to stdout.
    #[arg(short, long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,

    /// Markdown, a page, or JSON.
    #[arg(long, default_value_t = Format::Markdown, value_name = "FORMAT",
          value_parser = Format::one_of(Format::OF_DOCUMENTATION))]
    pub(crate) format: Format,
}

/// Arguments of `grammar`.
#[derive(Debug, Args)]
pub(crate) struct GrammarArguments {
    /// The notation: EBNF for people, GBNF for samplers of the llama.cpp family, Lark.
    #[arg(long, default_value_t = Format::Ebnf, value_name = "FORMAT",
          value_parser = Format::one_of(Format::OF_GRAMMARS))]
    pub(crate) format: Format,
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

fn size(text: &str) -> Result<(String, u64), String> {
    let expected = || "expected an input and its number of items, such as task_queue=10000".to_owned();
    let (name, number) = text.split_once('=').ok_or_else(expected)?;
    let number = number.replace('_', "").parse().map_err(|_| expected())?;
    Ok((name.trim().to_owned(), number))
}

fn fuel(text: &str) -> Result<i64, String> {
    match parse_literal(text) {
        Ok(Literal::Int(value)) if value >= 0 => Ok(value),
        _ => Err("fuel is a whole number, such as 10_000_000".to_owned()),
    }
}

fn tokens(text: &str) -> Result<i64, String> {
    match parse_literal(text) {
        Ok(Literal::Int(value)) if value >= 0 => Ok(value),
        _ => quantity(text, TypeId::TOKENS, "a number of tokens, such as 50_000"),
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
