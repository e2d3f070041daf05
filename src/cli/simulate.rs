//! The arguments of `simulate`.

use std::path::PathBuf;

use clap::Args;

use super::duration;

/// Arguments of `simulate`.
#[derive(Debug, Args)]
pub(crate) struct SimulateArguments {
    /// Source file, module, or `-`.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// How many agents there are. [default: as many as TARGET says, else 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) agents: Option<u32>,

    /// What everything follows from: the same seed, the same report.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,

    /// Longest virtual time. [default: DEADLINE, else 1h]
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(crate) time: Option<i64>,

    /// Values of the order's context: a JSON object. What it leaves out and has no default is made up.
    #[arg(long, value_name = "F.json", help_heading = "Order")]
    pub(crate) context: Option<PathBuf>,

    /// An order as a governor writes it: JSON with `type`, `context`, `target_agents`.
    #[arg(long, value_name = "F.json", conflicts_with = "context", help_heading = "Order")]
    pub(crate) order: Option<PathBuf>,

    /// What queries answer and which actions fail, as for `run`.
    #[arg(long, value_name = "F.jsonl", help_heading = "Order")]
    pub(crate) answers: Option<PathBuf>,

    /// What the agents run before; a rollback puts it back.
    #[arg(long, value_name = "FILE", help_heading = "Order")]
    pub(crate) former: Option<PathBuf>,

    /// Run it in shadow for so long, beside what the agents run before, and say how the two differ.
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "former", help_heading = "Order")]
    pub(crate) shadow: Option<i64>,

    /// A new folder for what the run leaves behind: the plan, its steps, what agents said, and every trace.
    /// `swarmc report` and `swarmc trace verify` read it.
    #[arg(long, value_name = "DIR")]
    pub(crate) traces: Option<PathBuf>,

    /// How many targets must have answered before a gate can hold.
    #[arg(long, value_name = "N", default_value_t = 10, help_heading = "Order")]
    pub(crate) minimum_sample: u32,

    /// Let things go wrong: messages lost, doubled and late, crashes, lost disks, partitions, wrong clocks,
    /// intruders.
    #[arg(long, help_heading = "Network and machines")]
    pub(crate) faults: bool,

    /// How often an agent looks at the desired state without being told to.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "60s", help_heading = "Network and machines")]
    pub(crate) poll: i64,

    /// Length of a window: how often agents tell what their traces say.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s", help_heading = "Network and machines")]
    pub(crate) window: i64,
}
