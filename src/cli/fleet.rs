//! The arguments of `keygen`, `sign`, `verify` and `trust`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use swarm_bytecode::quantity::parse_time;
use swarm_fleet::key::parse_digest;
use swarm_fleet::name::{Name, is_prefix};
use swarm_fleet::order::Revision;

use super::{bytes, duration, fuel, money, tokens};

/// Arguments of `keygen`.
#[derive(Debug, Args)]
pub(crate) struct KeygenArguments {
    /// Name of the two files: NAME.key is secret, NAME.pub is for everyone.
    #[arg(short, long, value_name = "NAME", default_value = "swarm")]
    pub(crate) output: PathBuf,

    /// Whose key it is; stands in NAME.pub.
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub(crate) owner: Option<Name>,
}

/// Arguments of `sign`.
#[derive(Debug, Args)]
pub(crate) struct SignArguments {
    /// Source file, module, an order or a plan to sign too, or `-`.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,

    /// Secret key to sign with; more than one, if you hold more.
    #[arg(long, required = true, value_name = "KEY")]
    pub(crate) key: Vec<PathBuf>,

    /// Where the order goes; `-` is stdout. Without it: FILE's name with `.order`, in the current directory; what
    /// is signed too is replaced.
    #[arg(short, long, value_name = "OUT.order")]
    pub(crate) output: Option<PathBuf>,

    /// Write DSSE's JSON instead of the binary form.
    #[arg(long)]
    pub(crate) dsse: bool,

    /// The fleet it is for.
    #[arg(long, value_name = "ID", value_parser = name, help_heading = "Order")]
    pub(crate) fleet: Option<Name>,

    /// Its place among the orders of the fleet; above all before.
    #[arg(long, value_name = "EPOCH.COUNTER", help_heading = "Order")]
    pub(crate) revision: Option<Revision>,

    /// Which agents: `all`, labels (`role=optimizer,region=eu`), or `@FILE` with a name in each line.
    /// [default: all]
    #[arg(long, value_name = "TARGETS", help_heading = "Order")]
    pub(crate) targets: Option<String>,

    /// When it begins. [default: now]
    #[arg(long, value_name = "TIME", value_parser = time, help_heading = "Order")]
    pub(crate) starts: Option<i64>,

    /// How long it is valid. [default: 24h]
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "Order")]
    pub(crate) expires: Option<i64>,

    /// Roll back: the digest of the program it replaces.
    #[arg(long, value_name = "DIGEST", value_parser = digest, help_heading = "Order")]
    pub(crate) replaces: Option<Digest>,

    /// An emergency: keys that have run out get no days of grace.
    #[arg(long, help_heading = "Order")]
    pub(crate) emergency: bool,

    /// The order's id, 32 hexadecimal digits: the same for all that belongs together. [default: random]
    #[arg(long, value_name = "ID", value_parser = order_id, help_heading = "Order")]
    pub(crate) id: Option<OrderId>,

    /// Leave the module out; agents fetch it by its digest.
    #[arg(long, help_heading = "Order")]
    pub(crate) digest_only: bool,

    /// Most fuel of a run.
    #[arg(long, value_name = "N", value_parser = fuel, help_heading = "Limits")]
    pub(crate) fuel: Option<i64>,

    /// Most memory of a run: `1MB`, `256KiB`.
    #[arg(long, value_name = "BYTES", value_parser = bytes, help_heading = "Limits")]
    pub(crate) memory: Option<i64>,

    /// Longest time of a run: `2s`, `500ms`.
    #[arg(long, value_name = "TIME", value_parser = duration, help_heading = "Limits")]
    pub(crate) deadline: Option<i64>,

    /// Most money a run's calls may cost: `$5`.
    #[arg(long, value_name = "MONEY", value_parser = money, help_heading = "Limits")]
    pub(crate) budget: Option<i64>,

    /// Most language-model tokens a run may use: `50_000`.
    #[arg(long, value_name = "N", value_parser = tokens, help_heading = "Limits")]
    pub(crate) tokens: Option<i64>,
}

/// Arguments of `verify`.
#[derive(Debug, Args)]
pub(crate) struct VerifyArguments {
    /// Order, or `-`.
    #[arg(value_name = "ORDER")]
    pub(crate) file: PathBuf,

    /// The trust file.
    #[arg(long, value_name = "TRUST.json")]
    pub(crate) trust: PathBuf,

    /// A trust file accepted before, whose roots must have signed the next; several, oldest first. Without
    /// one the trust file is believed about its own roots.
    #[arg(long, value_name = "TRUST.json")]
    pub(crate) roots: Vec<PathBuf>,

    /// What happens to an order that should be refused.
    #[arg(long, value_enum, default_value_t = TrustMode::Strict, value_name = "MODE")]
    pub(crate) mode: TrustMode,

    /// Check it as of this time instead of now.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) now: Option<i64>,

    /// The module, where the order does not carry it.
    #[arg(long, value_name = "FILE.bc")]
    pub(crate) module: Option<PathBuf>,

    /// File of what was accepted before: read, and written when the order is accepted and nothing was overlooked.
    #[arg(long, value_name = "FILE", help_heading = "Agent")]
    pub(crate) state: Option<PathBuf>,

    /// The agent's name; without it targets are not looked at.
    #[arg(long, value_name = "NAME", value_parser = name, help_heading = "Agent")]
    pub(crate) agent: Option<Name>,

    /// A label of the agent.
    #[arg(long, value_name = "LABEL=VALUE", value_parser = label, requires = "agent", help_heading = "Agent")]
    pub(crate) label: Vec<(Name, Name)>,

    /// The list of targets, a name in each line, where the order has one.
    #[arg(long, value_name = "FILE", requires = "agent", help_heading = "Agent")]
    pub(crate) names: Option<PathBuf>,

    /// Capabilities the agent grants, with commas between; `all` is the default.
    #[arg(long, value_name = "CAP,…", value_delimiter = ',', help_heading = "Agent")]
    pub(crate) grant: Option<Vec<String>>,
}

/// What happens to an order that should be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TrustMode {
    // It is refused.
    Strict,
    // Who sent it is not held against it.
    Permissive,
    // Neither is where and when it belongs.
    Audit,
}

/// The commands of `trust`.
#[derive(Debug, Subcommand)]
pub(crate) enum TrustCommand {
    /// Begin a trust file.
    New(TrustNewArguments),
    /// Change or renew a trust file; it has to be signed anew then.
    Add(Box<TrustAddArguments>),
    /// Sign a trust file.
    Sign(TrustSignArguments),
    /// Show what a trust file says and who signed it.
    Show(TrustShowArguments),
}

/// Arguments of `trust new`.
#[derive(Debug, Args)]
pub(crate) struct TrustNewArguments {
    /// Where it goes.
    #[arg(short, long, value_name = "TRUST.json", default_value = "trust.json")]
    pub(crate) output: PathBuf,

    /// The fleet.
    #[arg(long, value_name = "ID", value_parser = name)]
    pub(crate) fleet: Name,

    /// Public key of someone who signs trust files; one for each.
    #[arg(long, required = true, value_name = "KEY.pub")]
    pub(crate) root: Vec<PathBuf>,

    /// How many root owners must sign.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) root_threshold: u32,

    /// How long it is valid, 30 days at most.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "14d")]
    pub(crate) expires: i64,
}

/// Arguments of `trust add`.
#[derive(Debug, Args)]
pub(crate) struct TrustAddArguments {
    /// The trust file.
    #[arg(value_name = "TRUST.json")]
    pub(crate) file: PathBuf,

    /// Where the changed file goes; without it FILE is replaced.
    #[arg(short, long, value_name = "OUT.json")]
    pub(crate) output: Option<PathBuf>,

    /// How long the file is valid from now on, 30 days at most.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "14d")]
    pub(crate) expires: i64,

    /// Public key of someone who signs orders; a key that is there already is renewed.
    #[arg(long, value_name = "KEY.pub", help_heading = "Publisher")]
    pub(crate) publisher: Option<PathBuf>,

    /// How the names of programs begin that it may sign, with commas between. [default: all names]
    #[arg(long, value_name = "PREFIX,…", value_delimiter = ',', requires = "publisher", value_parser = prefix, help_heading = "Publisher")]
    pub(crate) names: Vec<String>,

    /// Capabilities its programs may ask for, with commas between; `*` is all. [default: none]
    #[arg(
        long,
        value_name = "CAP,…",
        value_delimiter = ',',
        requires = "publisher",
        help_heading = "Publisher"
    )]
    pub(crate) capabilities: Vec<String>,

    /// How long the key counts from now on, 90 days at most.
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "90d", help_heading = "Publisher")]
    pub(crate) valid: i64,

    /// How many owners must sign programs whose names begin so; `=N` for all names.
    #[arg(long, value_name = "PREFIX=N", value_parser = threshold, help_heading = "Rules")]
    pub(crate) threshold: Vec<(String, u32)>,

    /// How many owners must sign orders whose blast radius, agents × ONCE actions, is above a number.
    #[arg(long, value_name = "ABOVE=N", value_parser = blast_radius, help_heading = "Rules")]
    pub(crate) blast_radius: Vec<(u64, u32)>,

    /// The lowest version of a program that may run.
    #[arg(long, value_name = "NAME=VERSION", value_parser = floor, help_heading = "Rules")]
    pub(crate) floor: Vec<(Name, u32)>,

    /// Revoke a key, by its id.
    #[arg(long, value_name = "DIGEST", value_parser = digest, help_heading = "Rules")]
    pub(crate) revoke_key: Vec<Digest>,

    /// Revoke a program, by its digest.
    #[arg(long, value_name = "DIGEST", value_parser = digest, help_heading = "Rules")]
    pub(crate) revoke_program: Vec<Digest>,

    /// Add a root key.
    #[arg(long, value_name = "KEY.pub", help_heading = "Roots")]
    pub(crate) root: Vec<PathBuf>,

    /// Take a root key away.
    #[arg(long, value_name = "KEY.pub", help_heading = "Roots")]
    pub(crate) drop_root: Vec<PathBuf>,

    /// How many root owners must sign.
    #[arg(long, value_name = "N", help_heading = "Roots")]
    pub(crate) root_threshold: Option<u32>,
}

/// Arguments of `trust sign`.
#[derive(Debug, Args)]
pub(crate) struct TrustSignArguments {
    /// The trust file.
    #[arg(value_name = "TRUST.json")]
    pub(crate) file: PathBuf,

    /// Secret key to sign with.
    #[arg(long, required = true, value_name = "KEY")]
    pub(crate) key: Vec<PathBuf>,
}

/// Arguments of `trust show`.
#[derive(Debug, Args)]
pub(crate) struct TrustShowArguments {
    /// The trust file.
    #[arg(value_name = "TRUST.json")]
    pub(crate) file: PathBuf,
}

/// SHA-256 of something.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Digest(pub(crate) [u8; 32]);

/// An order's id.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrderId(pub(crate) [u8; 16]);

pub(super) fn name(text: &str) -> Result<Name, String> {
    Name::new(text).ok_or_else(|| "a name is 1 to 64 of A-Z a-z 0-9 . _ -".to_owned())
}

fn prefix(text: &str) -> Result<String, String> {
    if is_prefix(text) {
        Ok(text.to_owned())
    } else {
        Err("a name is 1 to 64 of A-Z a-z 0-9 . _ -".to_owned())
    }
}

fn time(text: &str) -> Result<i64, String> {
    parse_time(text).ok_or_else(|| "a time is written as 2026-11-20T08:00:00Z".to_owned())
}

fn digest(text: &str) -> Result<Digest, String> {
    parse_digest(text).map(Digest).ok_or_else(|| "a digest is `sha256:` and 64 hexadecimal digits".to_owned())
}

fn order_id(text: &str) -> Result<OrderId, String> {
    let digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let id = u128::from_str_radix(text, 16).ok().filter(|_| digits);
    id.map(|id| OrderId(id.to_be_bytes())).ok_or_else(|| "an id is 32 hexadecimal digits".to_owned())
}

pub(super) fn label(text: &str) -> Result<(Name, Name), String> {
    let pair = text.split_once('=').and_then(|(label, value)| Some((Name::new(label)?, Name::new(value)?)));
    pair.ok_or_else(|| "a label is written as role=optimizer".to_owned())
}

fn threshold(text: &str) -> Result<(String, u32), String> {
    let pair = text.split_once('=').and_then(|(prefix, owners)| Some((prefix, owners.parse().ok()?)));
    let (prefix, owners) = pair.ok_or("a threshold is written as cost_=2, or =1 for all names")?;
    self::prefix(prefix).map(|prefix| (prefix, owners))
}

fn blast_radius(text: &str) -> Result<(u64, u32), String> {
    let pair =
        text.split_once('=').and_then(|(above, owners)| Some((above.parse().ok()?, owners.parse().ok()?)));
    pair.ok_or_else(|| "a threshold by blast radius is written as 1000=3".to_owned())
}

fn floor(text: &str) -> Result<(Name, u32), String> {
    let pair =
        text.split_once('=').and_then(|(name, version)| Some((Name::new(name)?, version.parse().ok()?)));
    pair.ok_or_else(|| "a floor is written as cost_optimize=3".to_owned())
}
