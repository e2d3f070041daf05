//! The work in Lua 5.4 or Luau, with and without a meter: a hook after each thousand instructions, an
//! interrupt at each call and each round of a loop.

use std::any::Any;

use mlua::chunk::ChunkMode;
use mlua::{Function, Lua, LuaOptions, StdLib, Table, Value};

use crate::seen::{self, see};
use crate::task::{Makes, Run, Runs, Task, Timer, bytes, compiled, held, repeated, repeated_source};
use crate::work::{Work, tasks, text};
use crate::{Engine, Failure};

#[cfg(feature = "lua54")]
const NAMES: [&str; 2] = ["lua 5.4 + hook", "lua 5.4"];
#[cfg(feature = "luau")]
const NAMES: [&str; 2] = ["luau + interrupt", "luau"];

/// Two ways to run it.
pub const ENGINES: [Engine; 2] = [
    Engine { name: NAMES[0], runs: |task| runs(task, true) },
    Engine { name: NAMES[1], runs: |task| runs(task, false) },
];

const PROGRAM: &str = include_str!("../programs/workloads.lua");
#[cfg(feature = "lua54")]
const LOOP32: &str = include_str!("../programs/loop32.lua");
#[cfg(feature = "luau")]
const LOOP32: &str = include_str!("../programs/loop32.luau");

/// A state with the host's functions.
fn state(metered: bool) -> Result<Lua, Failure> {
    let libraries = StdLib::STRING | StdLib::TABLE | StdLib::MATH;
    #[cfg(feature = "luau")]
    let libraries = libraries | StdLib::BIT;
    let lua = Lua::new_with(libraries, LuaOptions::default())?;
    let globals = lua.globals();
    let throttle = |_: &Lua, (row, by): (i64, i64)| {
        see(|seen| seen.throttle(row, by));
        Ok(())
    };
    let trim = |_: &Lua, (row, by): (i64, i64)| {
        see(|seen| seen.trim(row, by));
        Ok(())
    };
    let reroute = |_: &Lua, row: i64| {
        see(|seen| seen.reroute(row));
        Ok(())
    };
    globals.set("throttle", lua.create_function(throttle)?)?;
    globals.set("trim", lua.create_function(trim)?)?;
    globals.set("reroute", lua.create_function(reroute)?)?;
    #[cfg(feature = "luau")]
    lua.sandbox(true)?;
    if metered {
        meter(&lua)?;
    }
    Ok(lua)
}

/// Counts down from so much that it never ends.
#[cfg(feature = "lua54")]
fn meter(lua: &Lua) -> Result<(), Failure> {
    const STEP: u32 = 1000;
    let left = std::cell::Cell::new(1_u64 << 40);
    lua.set_global_hook(mlua::HookTriggers::new().every_nth_instruction(STEP), move |_, _| {
        left.set(left.get().saturating_sub(u64::from(STEP)));
        if left.get() == 0 { Err(mlua::Error::runtime("out of fuel")) } else { Ok(mlua::VmState::Continue) }
    })?;
    Ok(())
}

/// Counts down from so much that it never ends.
#[cfg(feature = "luau")]
fn meter(lua: &Lua) -> Result<(), Failure> {
    let left = std::cell::Cell::new(1_u64 << 40);
    lua.set_interrupt(move |_| {
        left.set(left.get().saturating_sub(1));
        if left.get() == 0 { Err(mlua::Error::runtime("out of fuel")) } else { Ok(mlua::VmState::Continue) }
    });
    Ok(())
}

/// Source as bytecode without names.
fn bytecode(source: &str) -> Result<Vec<u8>, Failure> {
    #[cfg(feature = "luau")]
    return Ok(mlua::chunk::Compiler::new().set_optimization_level(2).set_debug_level(0).compile(source)?);
    #[cfg(feature = "lua54")]
    return Ok(Lua::new().load(source).into_function()?.dump(true));
}

fn from_source(lua: &Lua, source: &str) -> Result<Value, Failure> {
    #[cfg(feature = "luau")]
    return from_bytes(lua, &bytecode(source)?);
    #[cfg(feature = "lua54")]
    return Ok(lua.load(source).set_mode(ChunkMode::Text).call(())?);
}

fn from_bytes(lua: &Lua, code: &[u8]) -> Result<Value, Failure> {
    Ok(lua.load(code).set_mode(ChunkMode::Binary).call(())?)
}

/// The tasks as tables.
fn rows(lua: &Lua, work: Work, set: usize) -> Result<Table, Failure> {
    let tasks = tasks(work, set);
    let rows = lua.create_table()?;
    for [cpu_time, memory, network, row] in tasks.rows() {
        let task = lua.create_table()?;
        task.set("cpu_time", cpu_time)?;
        task.set("memory", memory)?;
        task.set("network", network)?;
        task.set("id", row)?;
        rows.push(task)?;
    }
    Ok(rows)
}

fn work_runs(work: Work, metered: bool) -> Result<Runs, Failure> {
    let lua = state(metered)?;
    let Value::Table(works) = from_source(&lua, &format!("{PROGRAM}{LOOP32}"))? else {
        return Err("the program gives no table".into());
    };
    let name = work.function();
    let function: Function = works.get(name)?;
    let arguments = (0..work.sets()).map(|set| {
        Ok(match work {
            _ if work.is_policy() => Value::Table(rows(&lua, work, set)?),
            Work::Wordcount => Value::String(lua.create_string(text())?),
            _ => Value::Integer(work.argument()),
        })
    });
    let arguments: Vec<Value> = arguments.collect::<Result<_, Failure>>()?;
    let mut turn = 0_usize;
    Ok(Box::new(move || {
        // The state lives as long as what it holds is used.
        let _ = &lua;
        let argument = &arguments[turn % arguments.len()];
        turn += 1;
        seen::reset();
        let start = Timer::start();
        let given: Option<i64> = function.call(argument)?;
        let amount = start.nanoseconds();
        Ok(Run { amount, result: given.unwrap_or_else(seen::result) })
    }))
}

/// The sample alone: its one function is what the text gives.
fn sample() -> Result<String, Failure> {
    let start = PROGRAM.find("function works.policy").ok_or("no policy")?;
    let end = PROGRAM.find("local function fib").ok_or("no fib")?;
    let text = PROGRAM.get(start..end).ok_or("no policy")?;
    Ok(text.replace("function works.policy", "return function"))
}

/// A state of its own, loaded: states share nothing. It has run once, over no tasks.
fn first_result(
    metered: bool,
    load: impl FnOnce(&Lua) -> Result<Value, Failure>,
) -> Result<Box<dyn Any>, Failure> {
    let lua = state(metered)?;
    let Value::Function(policy) = load(&lua)? else { return Err("the sample is no function".into()) };
    policy.call::<()>(lua.create_table()?)?;
    Ok(Box::new((lua, policy)))
}

fn runs(task: Task, metered: bool) -> Result<Option<Runs>, Failure> {
    if let Task::Work(work) = task {
        return work_runs(work, metered).map(Some);
    }
    let sample = sample()?;
    let code = bytecode(&sample)?;
    let size = code.len();
    let instance: Makes = Box::new(move || first_result(metered, |lua| from_bytes(lua, &code)));
    Ok(Some(match task {
        Task::Source => repeated(Box::new(move || first_result(metered, |lua| from_source(lua, &sample)))),
        Task::Bytes | Task::Instance => repeated(instance),
        Task::Idle => held(instance),
        Task::Compile => {
            let function = sample.replace("return function(", "function policy_@(");
            let lua = Lua::new();
            compiled(repeated_source(&function), move |source| {
                #[cfg(feature = "luau")]
                lua.load(bytecode(source)?).set_mode(ChunkMode::Binary).into_function()?;
                #[cfg(feature = "lua54")]
                lua.load(source).into_function()?;
                Ok(())
            })
        }
        _ => bytes(size),
    }))
}
