//! The arguments of the fleet's processes, and of those who lead them: `plan`, `inject`, `injector`, `agent`,
//! `monitor`, `status`, `halt`, `resume`, `rollback`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use swarm_fleet::name::Name;
use swarm_fleet::order::Revision;
use swarm_fleet::trace::overflow::Policy;

use super::fleet::{label, name};
use super::{bytes, duration};

/// Where a fleet is found.
#[derive(Debug, Args)]
pub(crate) struct BusArguments {
    /// The bus: `redis://host:port`, `nats://host:port`; `memory:` is one within this process.
    #[arg(long, value_name = "URL", env = "SWARM_BUS")]
    pub(crate) bus: String,
}

/// What decides about a plan, beside the program.
#[derive(Debug, Args)]
pub(crate) struct PlanMaking {
    /// Secret key of a publisher; several, if you hold several. Others sign with `plan PLAN --key`.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: Vec<PathBuf>,

    /// The trust file: it names the fleet.
    #[arg(long, value_name = "TRUST.json")]
    pub(crate) trust: Option<PathBuf>,

    /// Public key of the injector, which takes the steps.
    #[arg(long, value_name = "KEY.pub")]
    pub(crate) injector: Option<PathBuf>,

    /// Names to choose targets from, one in each line. [default: the agents the bus knows]
    #[arg(long, value_name = "FILE", help_heading = "Order")]
    pub(crate) targets: Option<PathBuf>,

    /// Values of the order's context: a JSON object.
    #[arg(long, value_name = "F.json", conflicts_with = "order", help_heading = "Order")]
    pub(crate) context: Option<PathBuf>,

    /// An order as a governor writes it: JSON with `type`, `context`, `target_agents`.
    #[arg(long, value_name = "F.json", help_heading = "Order")]
    pub(crate) order: Option<PathBuf>,

    /// Its place among the orders of the fleet. [default: the next, as the bus knows it]
    #[arg(long, value_name = "EPOCH.COUNTER", help_heading = "Order")]
    pub(crate) revision: Option<Revision>,

    /// How long it is valid. [default: DEADLINE and an hour, else 24h]
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "Order")]
    pub(crate) expires: Option<i64>,

    /// How many targets must have answered before a gate can hold.
    #[arg(long, value_name = "N", default_value_t = 10, help_heading = "Order")]
    pub(crate) minimum_sample: u32,

    /// Run it in shadow for so long, beside what runs: its actions are counted and not performed. `inject`
    /// then says how the two differ.
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "Order")]
    pub(crate) shadow: Option<i64>,
}

/// Arguments of `plan`.
#[derive(Debug, Args)]
pub(crate) struct PlanArguments {
    /// Source file or module; or a plan, to look at it and to sign it too.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Where the plan goes. [default: FILE's name with `.plan`, in the current directory]
    #[arg(short, long, value_name = "OUT.plan")]
    pub(crate) output: Option<PathBuf>,

    /// The bus to ask for agents and for what runs now.
    #[arg(long, value_name = "URL", env = "SWARM_BUS")]
    pub(crate) bus: Option<String>,

    /// What else decides.
    #[command(flatten)]
    pub(crate) making: PlanMaking,
}

/// Arguments of `inject`.
#[derive(Debug, Args)]
pub(crate) struct InjectArguments {
    /// A plan; or a source file or module, of which one is made and signed.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// The bus.
    #[command(flatten)]
    pub(crate) bus: BusArguments,

    /// What decides about a plan that is made.
    #[command(flatten)]
    pub(crate) making: PlanMaking,

    /// How long to wait until it has converged.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "24h")]
    pub(crate) timeout: i64,

    /// With `--bus memory:`: how many agents there are. [default: as many as TARGET says, else 100]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = "Within this process")]
    pub(crate) agents: Option<u32>,

    /// With `--bus memory:`: how much faster than the clock gates, windows and programs go.
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Within this process")]
    pub(crate) speed: u32,
}

/// Arguments of `injector`.
#[derive(Debug, Args)]
pub(crate) struct InjectorArguments {
    /// The bus.
    #[command(flatten)]
    pub(crate) bus: BusArguments,

    /// The trust file.
    #[arg(long, value_name = "TRUST.json")]
    pub(crate) trust: PathBuf,

    /// Secret key of the injector, to which plans delegate.
    #[arg(long, value_name = "KEY")]
    pub(crate) key: PathBuf,

    /// Directory of what has to survive a restart. Without it nothing does.
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,

    /// An agent that has a new key, since it lost its state: the key it is registered with now counts. Every
    /// other agent keeps the one it was first seen with.
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) new_key: Vec<Name>,

    /// Folder of programs that governors order by name on `swarm:instructions`.
    #[arg(long, value_name = "DIR", requires = "publisher", help_heading = "Governors")]
    pub(crate) library: Option<PathBuf>,

    /// Secret key of a publisher, to sign governors' orders with.
    #[arg(long, value_name = "KEY", requires = "library", help_heading = "Governors")]
    pub(crate) publisher: Vec<PathBuf>,

    /// How many targets must have answered before a gate of a governor's order can hold.
    #[arg(long, value_name = "N", default_value_t = 10, help_heading = "Governors")]
    pub(crate) minimum_sample: u32,

    /// Length of a window.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s")]
    pub(crate) window: i64,

    /// How much faster than the clock gates and windows go.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) speed: u32,
}

/// What agents work on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum AgentHost {
    /// Made-up work.
    Simulated,
    /// This machine's process table; actions are recorded, none is taken.
    Processes,
}

/// Arguments of `agent`.
#[derive(Debug, Args)]
pub(crate) struct AgentArguments {
    /// The bus.
    #[command(flatten)]
    pub(crate) bus: BusArguments,

    /// The trust file.
    #[arg(long, value_name = "TRUST.json")]
    pub(crate) trust: PathBuf,

    /// The agent's name; with --count, how their names begin: NAME-0001 and so on.
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) id: Name,

    /// How many agents this process has.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) count: Option<u32>,

    /// A label, such as role=optimizer.
    #[arg(long, value_name = "LABEL=VALUE", value_parser = label)]
    pub(crate) label: Vec<(Name, Name)>,

    /// Capabilities the agent grants, with commas between; `all` grants every one. [default: none]
    #[arg(long, value_name = "CAP,…", value_delimiter = ',')]
    pub(crate) grant: Vec<String>,

    /// Rules no program can lift: a program whose VETOs hold here for every program.
    #[arg(long, value_name = "FILE")]
    pub(crate) veto: Option<PathBuf>,

    /// Directory of what has to survive a restart. Without it nothing does.
    #[arg(long, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,

    /// Agents without a state are new. Otherwise they lost it, and run nothing until the injector has
    /// admitted them.
    #[arg(long)]
    pub(crate) new: bool,

    /// What the agents work on.
    #[arg(long, value_enum, default_value_t = AgentHost::Simulated, value_name = "HOST", help_heading = "Work")]
    pub(crate) host: AgentHost,

    /// The queue of the bus that programs' `task_queue` is claimed from. [default: made-up tasks]
    #[arg(long, value_name = "NAME", conflicts_with = "host", help_heading = "Work")]
    pub(crate) queue: Option<String>,

    /// How many tasks of the queue an agent holds at once.
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1_000), help_heading = "Work")]
    pub(crate) claim: u32,

    /// How long a claim lasts when its process is not heard of any more.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "60s", help_heading = "Work")]
    pub(crate) lease: i64,

    /// What queries answer and which actions fail, as for `run`.
    #[arg(long, value_name = "F.jsonl", help_heading = "Work")]
    pub(crate) answers: Option<PathBuf>,

    /// What made-up work follows from.
    #[arg(long, value_name = "N", default_value_t = 1, help_heading = "Work")]
    pub(crate) seed: u64,

    /// How often an agent looks at the desired state without being told to.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "60s")]
    pub(crate) poll: i64,

    /// Length of a window: how often agents tell what their traces say.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s")]
    pub(crate) window: i64,

    /// How much faster than the clock programs, windows and polls go.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) speed: u32,

    /// What gives way when more of the traces waits for the bus than there is room for.
    #[arg(long, value_enum, default_value_t = Overflow::Spill, value_name = "POLICY", help_heading = "Traces")]
    pub(crate) overflow: Overflow,

    /// Room for traces that the bus has not taken.
    #[arg(long, value_name = "BYTES", value_parser = bytes, default_value = "64MB", help_heading = "Traces")]
    pub(crate) trace_room: i64,
}

/// What gives way when there is no room for traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Overflow {
    /// The programs: they wait until there is room.
    Block,
    /// The disk: traces are kept without bound.
    Spill,
    /// The traces: what figures are made of is kept, the rest is counted.
    Sample,
}

impl Overflow {
    /// As agents have it.
    pub(crate) fn policy(self) -> Policy {
        match self {
            Overflow::Block => Policy::Block,
            Overflow::Spill => Policy::Spill,
            Overflow::Sample => Policy::Sample,
        }
    }
}

/// Arguments of `monitor`.
#[derive(Debug, Args)]
pub(crate) struct MonitorArguments {
    /// The bus.
    #[command(flatten)]
    pub(crate) bus: BusArguments,

    /// The fleet.
    #[arg(long, value_name = "ID", value_parser = name)]
    pub(crate) fleet: Name,

    /// Length of a window.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s")]
    pub(crate) window: i64,

    /// An earlier report, as JSON, that figures are held against. [default: the order of the same name
    /// before, if the bus still has it]
    #[arg(long, value_name = "F.json")]
    pub(crate) baseline: Option<PathBuf>,

    /// Folder of the programs' sources: alerts name lines then.
    #[arg(long, value_name = "DIR")]
    pub(crate) library: Option<PathBuf>,

    /// Keeps what agents sign, a folder for each order, for `swarmc report` and `swarmc trace verify`.
    #[arg(long, value_name = "DIR", requires = "trust")]
    pub(crate) keep: Option<PathBuf>,

    /// The trust file: whose steps count in what is kept.
    #[arg(long, value_name = "TRUST.json")]
    pub(crate) trust: Option<PathBuf>,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub(crate) struct LookArguments {
    /// The bus.
    #[command(flatten)]
    pub(crate) bus: BusArguments,

    /// The fleet.
    #[arg(long, value_name = "ID", value_parser = name)]
    pub(crate) fleet: Name,

    /// Say who there is: role, labels, program, revision, status, and when each was last seen.
    #[arg(long)]
    pub(crate) agents: bool,
}

/// Arguments of `halt`, `resume` and `rollback`.
#[derive(Debug, Args)]
pub(crate) struct StepArguments {
    /// The bus.
    #[command(flatten)]
    pub(crate) bus: BusArguments,

    /// The fleet.
    #[arg(long, value_name = "ID", value_parser = name)]
    pub(crate) fleet: Name,

    /// Secret key of a publisher. One is enough to halt; the others take as many owners as an order.
    #[arg(long, required = true, value_name = "KEY")]
    pub(crate) key: Vec<PathBuf>,

    /// How long to wait for the agents' answers.
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "5s")]
    pub(crate) wait: i64,
}

/// What to do with a task queue.
#[derive(Debug, Subcommand)]
pub(crate) enum QueueCommand {
    /// Add tasks; those that are there already stay as they are.
    Add(QueueAddArguments),
    /// Say how many tasks wait, are at work, are done or were given up.
    Show(QueueShowArguments),
    /// Have tasks that were given up tried again.
    Revive(QueueReviveArguments),
}

/// Arguments of `queue add`.
#[derive(Debug, Args)]
pub(crate) struct QueueAddArguments {
    /// The queue's name; it is made if there is none.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// The tasks, a JSON array of rows as a program's `task_queue` has them, each with an `id`; or `-`.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// The bus.
    #[command(flatten)]
    pub(crate) bus: BusArguments,

    /// How often each is tried. [default: as the queue says, 3]
    #[arg(long, value_name = "N")]
    pub(crate) attempts: Option<u32>,
}

/// Arguments of `queue show`.
#[derive(Debug, Args)]
pub(crate) struct QueueShowArguments {
    /// The queue's name.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// One task of it.
    #[arg(value_name = "ID")]
    pub(crate) task: Option<String>,

    /// The bus.
    #[command(flatten)]
    pub(crate) bus: BusArguments,
}

/// Arguments of `queue revive`.
#[derive(Debug, Args)]
pub(crate) struct QueueReviveArguments {
    /// The queue's name.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,

    /// The tasks.
    #[arg(required = true, value_name = "ID")]
    pub(crate) tasks: Vec<String>,

    /// The bus.
    #[command(flatten)]
    pub(crate) bus: BusArguments,
}
