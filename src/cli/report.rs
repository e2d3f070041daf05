//! The arguments of `report`, `trace` and `schema`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Format, money};

/// Arguments of `report`.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct ReportArguments {
    /// What to do instead of making a report.
    #[command(subcommand)]
    pub(crate) command: Option<ReportCommand>,

    /// The folder of a run: `swarmc simulate … --traces RUN`.
    #[arg(value_name = "RUN", required = true)]
    pub(crate) run: Option<PathBuf>,

    /// How agents are ranked.
    #[command(flatten)]
    pub(crate) ranking: Ranking,

    /// For people, for programs, or Markdown.
    #[arg(long, global = true, default_value_t = Format::Text, value_name = "FORMAT",
          value_parser = Format::one_of(Format::OF_REPORTS))]
    pub(crate) format: Format,
}

/// How agents are ranked and rewarded, and what figures are held against.
#[derive(Debug, Args)]
pub(crate) struct Ranking {
    /// The metric agents are ranked by. [default: the one the first EXPECT is about, else the first TOTAL]
    #[arg(long, value_name = "METRIC", help_heading = "Ranking")]
    pub(crate) rank_by: Option<String>,

    /// The least comes first.
    #[arg(long, help_heading = "Ranking")]
    pub(crate) ascending: bool,

    /// Activations an agent needs to be ranked.
    #[arg(long, value_name = "N", default_value_t = 10, help_heading = "Ranking")]
    pub(crate) minimum_sample: u64,

    /// An amount that is dealt out to those who are ranked, in proportion to what they did.
    #[arg(long, value_name = "MONEY", value_parser = money, help_heading = "Ranking")]
    pub(crate) pot: Option<i64>,

    /// An earlier report, as JSON, that figures are held against.
    #[arg(long, value_name = "F.json", help_heading = "Ranking")]
    pub(crate) baseline: Option<PathBuf>,
}

/// What can be done with a report.
#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// Refuse a report with a figure that cannot be, or that the traces do not give.
    Verify(ReportVerifyArguments),
}

/// Arguments of `report verify`.
#[derive(Debug, Args)]
pub(crate) struct ReportVerifyArguments {
    /// A report as JSON, or the folder of a run with its `report.json`.
    #[arg(value_name = "REPORT")]
    pub(crate) report: PathBuf,

    /// The folder of the run it is of: every figure is computed anew.
    #[arg(long, value_name = "RUN")]
    pub(crate) run: Option<PathBuf>,
}

/// What can be done with traces.
#[derive(Debug, Subcommand)]
pub(crate) enum TraceCommand {
    /// Find where a trace was changed, cut or forged.
    Verify(TraceVerifyArguments),
}

/// Arguments of `trace verify`.
#[derive(Debug, Args)]
pub(crate) struct TraceVerifyArguments {
    /// An agent's trace, or the folder of a run.
    #[arg(value_name = "FILE|DIR")]
    pub(crate) path: PathBuf,

    /// The agents' keys: a JSON object, or the `run.json` of a run. [default: that of the folder]
    #[arg(long, value_name = "F.json")]
    pub(crate) keys: Option<PathBuf>,

    /// The traces are still being written: they may end without a closing chunk.
    #[arg(long)]
    pub(crate) open: bool,
}

/// Arguments of `schema`.
#[derive(Debug, Args)]
pub(crate) struct SchemaArguments {
    /// Source file, module, or `-`.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
}
