//! `swarmc monitor`: follows an order's figures, and tells them on the bus.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use swarm_bytecode::codec::strip;
use swarm_bytecode::module::Module;
use swarm_fleet::order::Sha256Digest;
use swarm_node::monitor::{Archive, Process, Settings, Told};
use swarm_vm::Program;

use crate::cli::MonitorArguments;
use crate::fleet::{failure, open, positive, read_trust, told_to_stop};
use crate::render::fleet::duration;
use crate::render::style::{dim, warning};
use crate::render::text::{grouped, safe};
use crate::run_folder::keeping::Keeping;
use crate::status::{Failure, Fault, Status};
use crate::terminal::Terminal;
use crate::{files, program};

/// Runs until it is told to stop, or killed; it decides nothing.
pub(crate) fn monitor(arguments: &MonitorArguments, terminal: Terminal) -> Result<Status, Failure> {
    let window_ns = positive(arguments.window);
    let baseline = arguments.baseline.as_deref().map(files::read_json).transpose()?;
    let sources = arguments.library.as_deref().map(|folder| sources(folder, terminal)).transpose()?;
    let sources = sources.unwrap_or_default();
    let archive: Option<Box<dyn Archive>> = match (&arguments.keep, &arguments.trust) {
        (Some(root), Some(trust)) => {
            Some(Box::new(Keeping::new(root.clone(), read_trust(trust)?, window_ns, sources.clone())))
        }
        _ => None,
    };
    let settings = Settings {
        fleet: arguments.fleet.clone(),
        window: Duration::from_nanos(window_ns),
        baseline: baseline.map(|(_, document)| document),
        sources,
        archive,
    };
    let mut process = Process::new(settings, open(&arguments.bus.bus)?);
    terminal.talk(&format!("monitor of fleet {}, windows of {}\n", arguments.fleet, duration(window_ns)));
    let stop = told_to_stop()?;
    process.run(&stop, &mut |told| say(told, terminal)).map_err(|error| failure(&error))?;
    Ok(Status::Done)
}

/// A line for each window, and one for what left its course.
fn say(told: &Told, terminal: Terminal) {
    let order: String = told.order.chars().take(8).collect();
    let [agents, targets] = [told.agents, told.targets].map(|count| grouped(count as u128));
    let line = format!("{} {order}  {agents} of {targets} agents told", safe(&told.program));
    let after = format!("{:>10}", duration(told.at_ns));
    terminal.talk(&format!("{}  {line}\n", dim(&after)));
    for alert in &told.alerts {
        terminal.talk(&format!("{:>10}  {} {}\n", "", warning("alert"), safe(alert)));
    }
}

/// The programs of a folder, by the digest plans have.
fn sources(folder: &Path, terminal: Terminal) -> Result<BTreeMap<Sha256Digest, Module>, Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::usage(Fault::Unreadable, format_args!("cannot read {}: {error}", folder.display()))
    };
    let mut sources = BTreeMap::new();
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        paths.push(entry.map_err(unreadable)?.path());
    }
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "swarm"));
    paths.sort();
    for path in paths {
        // One that does not compile is in no plan; whoever writes it is told by `check`.
        let Some(loaded) = program::load_quietly(&path, program::options(false))? else {
            terminal.talk(&format!("{} has errors and is left out\n", safe(&files::display_name(&path))));
            continue;
        };
        if let Ok(program) = Program::load(&strip(&loaded.bytes).unwrap_or(loaded.bytes)) {
            sources.insert(program.digest(), loaded.module);
        }
    }
    Ok(sources)
}
