//! Benchmarks: criterion's, and Swarm beside its peers.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use swarm_test_servers::{Engine, Server};

use crate::{cargo, root, say, servers};

/// Where the peers' tables stand, and between which marks.
const PAGE: &str = "docs/performance.md";
const BEGIN: &str = "<!-- by cargo xtask bench peers -->\n";
const END: &str = "<!-- end -->\n";

/// The features of the two builds beside the default one: two flavours of Lua cannot be linked together.
const FURTHER: [&str; 2] = ["jit,lua54,rhai,sbpf,starlark,monty", "luau"];

/// Runs the benches of `benches/`.
pub(crate) fn criterion(rest: &[String]) -> Result<()> {
    let arguments = ["bench", "--locked", "--package", "swarm-benches", "--"].into_iter().map(str::to_owned);
    cargo("benchmarks", arguments.chain(rest.iter().cloned()), &[])
}

/// What `cargo xtask bench peers` is asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct Peers {
    /// Build and measure all peers, not only wasmi: that takes minutes.
    #[arg(long)]
    all: bool,
    /// Write the tables into docs/performance.md.
    #[arg(long)]
    write: bool,
    /// Handed on: tasks such as `policy`, `work` or `cold`, `--rounds N`, `--only NAME`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Starts the servers and measures how long a fleet takes over memory, Redis and NATS.
pub(crate) fn fleet(agents: u32) -> Result<()> {
    servers::install_missing()?;
    let servers: Vec<Server> =
        Engine::ALL.into_iter().map(Server::start).collect::<Result<_, _>>().map_err(anyhow::Error::msg)?;
    let urls: Vec<String> = servers.iter().map(Server::url).collect();
    let (urls, agents) = (urls.join(","), agents.to_string());
    let arguments = ["bench", "--locked", "--package", "swarm-node", "--bench", "fleet"];
    let variables = [("SWARM_BUS_URLS", urls.as_str()), ("SWARM_BENCH_AGENTS", agents.as_str())];
    cargo("figures of a fleet", arguments.map(str::to_owned), &variables)
}

/// Builds the peers, measures, and prints the tables or writes them into the page.
pub(crate) fn peers(asked: &Peers) -> Result<()> {
    let further = if asked.all { &FURTHER[..] } else { &[] };
    let programs: Vec<PathBuf> = further.iter().copied().map(build).collect::<Result<_>>()?;
    let first = build("")?;
    say("peers")?;
    let mut command = Command::new(&first);
    programs.iter().for_each(|program| {
        command.arg("--with").arg(program);
    });
    command.args(&asked.rest).current_dir(root()).stderr(Stdio::inherit());
    let done = command.output().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(done.status.success(), "{command:?} failed");
    let tables = String::from_utf8(done.stdout).context("the peers wrote no text")?;
    use std::io::Write as _;
    if !asked.write {
        return write!(std::io::stdout(), "{tables}").context("cannot write to stdout");
    }
    let path = root().join(PAGE);
    let page = std::fs::read_to_string(&path).with_context(|| format!("cannot read {PAGE}"))?;
    let made = between(&page, &tables).with_context(|| format!("{PAGE} lacks the marks for the tables"))?;
    std::fs::write(&path, made).with_context(|| format!("cannot write {PAGE}"))
}

/// The page with other text between its marks.
fn between(page: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, behind) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{text}\n{END}{behind}"))
}

/// Builds the peers with these features, and gives the program a name of its own.
fn build(features: &str) -> Result<PathBuf> {
    let manifest = ["build", "--release", "--locked", "--manifest-path", "benches/peers/Cargo.toml"];
    let what = if features.is_empty() { "peers" } else { features };
    cargo(what, manifest.into_iter().chain(["--features", features]), &[])?;
    let folder = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root().join("benches/peers/target"), |folder| root().join(Path::new(&folder)));
    let made = folder.join("release/swarm-peers");
    let kept = folder
        .join(format!("release/swarm-peers-{}", if features.is_empty() { "default" } else { features }));
    std::fs::copy(&made, &kept).with_context(|| format!("cannot copy {}", made.display()))?;
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::{BEGIN, END, between};

    #[test]
    fn only_what_stands_between_the_marks_changes() {
        let page = format!("a\n{BEGIN}old\n{END}b\n");
        assert_eq!(between(&page, "new"), Some(format!("a\n{BEGIN}\nnew\n{END}b\n")));
        assert_eq!(between("no marks", "new"), None);
    }
}
