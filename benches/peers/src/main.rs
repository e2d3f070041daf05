//! Runs the same work on Swarm, in native Rust and on other machines: each in a fresh process, all in turn,
//! so that a drift of the machine's speed falls on all of them. Every result is compared with the native one.
//!
//! `cargo xtask bench peers` builds and runs it; by hand:
//! `cargo run --release -- [TASK …] [--rounds N] [--only NAME …] [--with PROGRAM …]`. `--with` names further
//! builds of this program, with other features: two flavours of Lua cannot be linked together.

#[cfg(feature = "jit")]
mod compiled;
mod coordinate;
mod heap;
#[cfg(any(feature = "lua54", feature = "luau"))]
mod lua;
#[cfg(feature = "monty")]
mod python;
#[cfg(feature = "sbpf")]
mod sbpf;
#[cfg(any(feature = "lua54", feature = "luau", feature = "rhai", feature = "monty", feature = "starlark"))]
mod seen;
#[cfg(feature = "starlark")]
mod star;
mod swarm;
mod tables;
mod task;
#[cfg(feature = "rhai")]
mod walker;
mod wasm;
mod work;
mod worker;

use std::path::PathBuf;

use task::{COLD, Runs, Task};

type Failure = Box<dyn std::error::Error>;

/// One who does the work.
pub struct Engine {
    /// Its name in tables; what stands behind a `+` says how it is metered.
    pub name: &'static str,
    /// How it does a task; nothing where it cannot be asked for that.
    pub runs: fn(Task) -> Result<Option<Runs>, Failure>,
}

/// All that this build knows; the native one first.
fn engines() -> Vec<Engine> {
    let mut engines = vec![Engine { name: "native", runs: work::native }];
    engines.extend(swarm::ENGINES);
    #[cfg(feature = "jit")]
    engines.extend(swarm::COMPILED);
    engines.extend(wasm::ENGINES);
    #[cfg(feature = "jit")]
    engines.extend(compiled::ENGINES);
    #[cfg(any(feature = "lua54", feature = "luau"))]
    engines.extend(lua::ENGINES);
    #[cfg(feature = "starlark")]
    engines.extend(star::ENGINES);
    #[cfg(feature = "sbpf")]
    engines.extend(sbpf::ENGINES);
    #[cfg(feature = "rhai")]
    engines.extend(walker::ENGINES);
    #[cfg(feature = "monty")]
    engines.extend(python::ENGINES);
    engines
}

fn main() -> Result<(), Failure> {
    let (mut rounds, mut tasks) = (7, Vec::new());
    let (mut only, mut programs) = (Vec::new(), vec![std::env::current_exe()?]);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--list" => {
                engines().iter().for_each(|engine| println!("{}", engine.name));
                return Ok(());
            }
            "--worker" => {
                let name = value()?;
                let engine = engines().into_iter().find(|engine| engine.name == name);
                return worker::work(&engine.ok_or("there is no such contestant")?);
            }
            "--rounds" => rounds = value()?.parse()?,
            "--only" => only.push(value()?),
            "--with" => programs.push(PathBuf::from(value()?)),
            "cold" => tasks.extend(COLD),
            "work" => tasks.extend(work::ALL.map(Task::Work)),
            name => tasks.push(Task::named(name).ok_or_else(|| format!("there is no task `{name}`"))?),
        }
    }
    if tasks.is_empty() {
        tasks.extend(work::ALL.into_iter().map(Task::Work).chain(COLD));
    }
    let mut contestants = coordinate::contestants(&programs)?;
    contestants.retain(|known| known.name == "native" || only.is_empty() || only.contains(&known.name));
    let mut results = Vec::new();
    for task in tasks {
        eprintln!("{}", task.name());
        results.push((task, coordinate::measure(task, &contestants, rounds)?));
    }
    let parts = [tables::work(&results, &contestants), tables::cold(&results, &contestants)];
    println!("{}", parts.join("\n").trim());
    Ok(())
}
