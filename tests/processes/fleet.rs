//! A fleet of real processes over a real bus, in a directory of its own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use swarm_test_servers::{Engine, Server};

/// Sends a number each second, once each, and counts.
const PROGRAM: &str = r#"INSTRUCTION hello {
  DEADLINE 1h
  TARGET ALL AGENTS
  ROLLOUT 20%, 100% AFTER 4s WHEN error_rate < 60% ELSE ROLLBACK
}
METRIC beats: int TOTAL
ACTION PING(n: int) REQUIRES ping.send ONCE
STATE n: int = 0
ON START {
  RECORD beats = 1
  PING(0)
}
EVERY 1s {
  n += 1
  RECORD beats = 1
  PING(n)
}
"#;

/// A fleet. Its processes end with it.
pub(crate) struct Fleet {
    pub(crate) directory: PathBuf,
    pub(crate) server: Server,
    injector: Option<Child>,
    monitor: Option<Child>,
    agents: BTreeMap<u32, Child>,
    each: u32,
    extra: Extra,
}

/// Arguments beside the usual ones.
#[derive(Default)]
pub(crate) struct Extra {
    pub(crate) injector: &'static [&'static str],
    pub(crate) agents: &'static [&'static str],
    /// Files of the fleet's directory.
    pub(crate) files: &'static [(&'static str, &'static str)],
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.kill_injector();
        self.kill_monitor();
        let all: Vec<u32> = self.agents.keys().copied().collect();
        all.into_iter().for_each(|process| self.kill_agents(process));
        let _gone = std::fs::remove_dir_all(&self.directory);
    }
}

fn swarmc(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_swarmc"));
    command.current_dir(directory).args(arguments).stdin(Stdio::null()).env_remove("SWARM_BUS");
    command
}

impl Fleet {
    /// A bus, keys and a trust file, an injector, and so many processes with so many agents each.
    pub(crate) fn start(engine: Engine, processes: u32, each: u32) -> Fleet {
        Fleet::start_with(engine, processes, each, Extra::default())
    }

    /// The same, with more arguments.
    pub(crate) fn start_with(engine: Engine, processes: u32, each: u32, extra: Extra) -> Fleet {
        let server = Server::start(engine).unwrap();
        let unique = format!("swarm-fleet-{}-{}", std::process::id(), server.port());
        let directory = std::env::temp_dir().join(unique);
        std::fs::create_dir_all(&directory).unwrap();
        let mut fleet =
            Fleet { directory, server, injector: None, monitor: None, agents: BTreeMap::new(), each, extra };
        for name in ["root", "dan", "injector"] {
            fleet.run(&["keygen", "-o", name, "--owner", name]);
        }
        fleet.run(&["trust", "new", "--fleet", "demo", "--root", "root.pub"]);
        let capabilities = ["--capabilities", "*", "--threshold", "=1"];
        fleet.run(
            &[["trust", "add", "trust.json", "--publisher", "dan.pub"].as_slice(), &capabilities].concat(),
        );
        fleet.run(&["trust", "sign", "trust.json", "--key", "root.key"]);
        fleet.write_program(1);
        for (name, text) in fleet.extra.files {
            let path = fleet.directory.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        fleet.start_injector();
        for process in 1..=processes {
            fleet.start_agents(process);
        }
        fleet
    }

    pub(crate) fn write_program(&self, version: u32) {
        let program = PROGRAM.replace("INSTRUCTION hello", &format!("INSTRUCTION hello_v{version}"));
        std::fs::write(self.directory.join(format!("hello{version}.swarm")), program).unwrap();
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let output = swarmc(&self.directory, arguments).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {said}");
        output
    }

    fn spawn(&self, name: &str, arguments: &[&str]) -> Child {
        let log =
            std::fs::OpenOptions::new().append(true).create(true).open(self.directory.join(name)).unwrap();
        let url = self.server.url();
        // A file that may not grow is an error to the program, not its end.
        let mut command = Command::new("sh");
        command.current_dir(&self.directory).stdin(Stdio::null()).env_remove("SWARM_BUS");
        command
            .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_swarmc")])
            .args(arguments);
        command
            .args(["--bus", &url, "--trust", "trust.json"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    pub(crate) fn start_injector(&mut self) {
        let arguments = ["injector", "--key", "injector.key", "--state", "injector", "--window", "2s"];
        self.injector = Some(self.spawn("injector.log", &[&arguments, self.extra.injector].concat()));
    }

    pub(crate) fn kill_injector(&mut self) {
        if let Some(mut child) = self.injector.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// A monitor with short windows, which keeps runs in `runs`.
    pub(crate) fn start_monitor(&mut self) {
        let arguments =
            ["monitor", "--fleet", "demo", "--window", "2s", "--library", "library", "--keep", "runs"];
        self.monitor = Some(self.spawn("monitor.log", &arguments));
    }

    pub(crate) fn kill_monitor(&mut self) {
        if let Some(mut child) = self.monitor.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    pub(crate) fn start_agents(&mut self, process: u32) {
        let (id, state, count) = (format!("a{process}"), format!("agents{process}"), self.each.to_string());
        let mut arguments =
            vec!["agent", "--id", &id, "--state", &state, "--count", &count, "--grant", "all"];
        arguments.extend(["--poll", "2s", "--window", "2s", "--label", "role=worker"]);
        arguments.extend(self.extra.agents);
        if !self.directory.join(&state).exists() {
            arguments.push("--new");
        }
        let child = self.spawn(&format!("{id}.log"), &arguments);
        self.agents.insert(process, child);
    }

    /// Stops a process of agents where it is (`STOP`), or lets it go on (`CONT`).
    pub(crate) fn signal_agents(&self, process: u32, signal: &str) {
        let pid = self.agents[&process].id().to_string();
        assert!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success());
    }

    /// Lets no file of a process of agents grow beyond so many bytes more than its state has: its disk is
    /// full. `None`: there is room again.
    pub(crate) fn limit_agents(&self, process: u32, more: Option<u64>) {
        let pid = self.agents[&process].id().to_string();
        let state = self.directory.join(format!("agents{process}/agents.swarm"));
        let bytes = more.map(|more| std::fs::metadata(state).unwrap().len() + more);
        let soft = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let limit = format!("--fsize={soft}:unlimited");
        assert!(Command::new("prlimit").args(["--pid", &pid, &limit]).status().unwrap().success());
    }

    pub(crate) fn kill_agents(&mut self, process: u32) {
        if let Some(mut child) = self.agents.remove(&process) {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Tells a process of agents to stop, and waits until it has.
    pub(crate) fn stop_agents(&mut self, process: u32) {
        let child = self.agents.remove(&process).unwrap();
        self.stop(child);
    }

    /// Tells the injector to stop, and waits until it has.
    pub(crate) fn stop_injector(&mut self) {
        let child = self.injector.take().unwrap();
        self.stop(child);
    }

    fn stop(&self, mut child: Child) {
        let pid = child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "it does not stop\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(20));
        };
        assert!(status.success(), "{status}\n{}", self.logs());
    }

    /// Runs a command against the fleet; gives its exit code and its JSON.
    pub(crate) fn command(&self, arguments: &[&str]) -> (i32, Value) {
        let output = self.background(arguments).wait_with_output().unwrap();
        let document = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code().unwrap_or(-1), serde_json::from_str(&document).unwrap_or(Value::Null))
    }

    /// Runs a command that needs no bus; gives its exit code and its JSON.
    pub(crate) fn plain(&self, arguments: &[&str]) -> (i32, Value) {
        let output = swarmc(&self.directory, arguments).output().unwrap();
        let document = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code().unwrap_or(-1), serde_json::from_str(&document).unwrap_or(Value::Null))
    }

    /// Starts a command against the fleet.
    pub(crate) fn background(&self, arguments: &[&str]) -> Child {
        let url = self.server.url();
        let mut command = swarmc(&self.directory, arguments);
        command.args(["--bus", &url, "--format", "json"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// Sends a version of the program.
    pub(crate) fn inject(&self, version: u32) -> Child {
        self.inject_with(version, &[])
    }

    /// The same, with more arguments.
    pub(crate) fn inject_with(&self, version: u32, more: &[&str]) -> Child {
        self.inject_file(&format!("hello{version}.swarm"), more)
    }

    /// Sends a program.
    pub(crate) fn inject_file(&self, file: &str, more: &[&str]) -> Child {
        let keys = ["--key", "dan.key", "--trust", "trust.json", "--injector", "injector.pub"];
        let rest = ["--minimum-sample", "2", "--timeout", "240s"];
        self.background(&[["inject", file].as_slice(), &keys, &rest, more].concat())
    }

    pub(crate) fn status(&self) -> Value {
        self.command(&["status", "--fleet", "demo"]).1
    }

    /// Waits until the status is as it should be.
    pub(crate) fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let status = self.status();
            if holds(&status["status"]) {
                return status;
            }
            assert!(begun.elapsed() < Duration::from_secs(120), "{what}: {status}\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(150));
        }
    }

    /// Waits until the fleet's agents are known to the bus.
    pub(crate) fn until_told(&self, agents: usize) {
        let begun = Instant::now();
        loop {
            let mut bus = swarm_bus::open(&self.server.url()).unwrap();
            let layout = swarm_node::layout::Layout::new(&swarm_fleet::name::Name::new("demo").unwrap());
            let members = swarm_node::registry::read(&mut *bus, &layout).unwrap();
            if members.len() >= agents {
                return;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(120),
                "{} of {agents}\n{}",
                members.len(),
                self.logs()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What governors were told.
    pub(crate) fn results(&self) -> Vec<Value> {
        let mut bus = swarm_bus::open(&self.server.url()).unwrap();
        let entries = bus.read("swarm:execution:results", None, 100).unwrap();
        entries.iter().map(|entry| serde_json::from_slice(&entry.bytes).unwrap()).collect()
    }

    /// What the processes said.
    pub(crate) fn logs(&self) -> String {
        let names = ["injector", "monitor"]
            .map(str::to_owned)
            .into_iter()
            .chain((1..9).map(|process| format!("a{process}")));
        let read = |name: String| std::fs::read_to_string(self.directory.join(format!("{name}.log"))).ok();
        names.filter_map(read).collect()
    }

    /// Waits until at least so many effects happened.
    pub(crate) fn until_effects(&self, least: usize) {
        let begun = Instant::now();
        while self.effects().0 < least {
            let waits = begun.elapsed() < Duration::from_secs(120);
            assert!(waits, "{} of {least} effects\n{}", self.effects().0, self.logs());
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// How many effects happened, and those that happened twice.
    pub(crate) fn effects(&self) -> (usize, Vec<String>) {
        let mut seen: BTreeMap<String, u32> = BTreeMap::new();
        for process in 1..9 {
            let path = self.directory.join(format!("agents{process}/effects.log"));
            for line in std::fs::read_to_string(path).unwrap_or_default().lines() {
                *seen.entry(line.to_owned()).or_default() += 1;
            }
        }
        let twice = seen.iter().filter(|(_, count)| **count > 1).map(|(line, _)| line.clone()).collect();
        (seen.len(), twice)
    }
}

/// What a command printed.
pub(crate) fn outcome(child: Child) -> (i32, Value, String) {
    let output = child.wait_with_output().unwrap();
    let document = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (
        output.status.code().unwrap_or(-1),
        serde_json::from_str(&document).unwrap_or(Value::Null),
        said + &document,
    )
}
