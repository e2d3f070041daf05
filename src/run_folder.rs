//! The folder a run leaves behind: what was signed, and nothing that was added up.
//!
//! ```text
//! run.json     the window, the agents' keys, the targets in their order, whose steps count
//! plan         the signed plan          program   the module with its places in the source
//! records      the steps                acks      what agents said, each behind its length
//! traces/NAME  an agent's trace: its chunks, each behind its length
//! ```

pub(crate) mod keeping;

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};
use swarm_fleet::envelope::Envelope;
use swarm_fleet::key::PublicKey;
use swarm_fleet::name::Name;
use swarm_fleet::report::Evidence;
use swarm_fleet::simulate::{Archive, Setup};
use swarm_fleet::trace::chunk::{frame, frames};

use crate::files;
use crate::status::{Failure, Fault, Status};

/// Bytes of an agent's trace that are kept in memory before they are written.
const BUFFER: usize = 1 << 16;

/// Version of the folder.
const VERSION: u64 = 1;

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    let name = path.display().to_string();
    Failure::usage(Fault::Unwritable, format_args!("cannot write {name}: {error}")).file(name)
}

/// A folder that is being written.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    traces: BTreeMap<Name, Vec<u8>>,
    records: Vec<u8>,
    acks: Vec<u8>,
    /// The first thing that went wrong.
    trouble: Option<Failure>,
}

impl Folder {
    /// A new folder with what is known before anything happens.
    pub(crate) fn create(
        root: &Path,
        setup: &Setup,
        program: &[u8],
        window_ns: u64,
    ) -> Result<Folder, Failure> {
        let traces = root.join("traces");
        if traces.exists() {
            let name = root.display().to_string();
            let message = format!("{name} holds a run already");
            return Err(Failure::usage(Fault::Exists, message).file(name).note("name another folder"));
        }
        fs::create_dir_all(&traces).map_err(|error| unwritable(&traces, &error))?;
        let keys = setup
            .profiles
            .iter()
            .map(|profile| (profile.name.to_string(), Json::from(profile.key.public_key().to_string())));
        let about = json!({
            "format": VERSION, "simulated": true, "seed": setup.seed, "window_ns": window_ns,
            "targets": setup.targets.iter().map(Name::as_str).collect::<Vec<_>>(),
            "keys": keys.collect::<Map<_, _>>(),
        });
        let folder = Folder {
            root: root.to_owned(),
            traces: setup.targets.iter().map(|name| (name.clone(), Vec::new())).collect(),
            records: Vec::new(),
            acks: Vec::new(),
            trouble: None,
        };
        folder.write("run.json", format!("{about}\n").as_bytes())?;
        folder.write("plan", &setup.plan.encode())?;
        folder.write("program", program)?;
        Ok(folder)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        let path = self.root.join(name);
        fs::write(&path, bytes).map_err(|error| unwritable(&path, &error))
    }

    fn flush(&mut self, agent: &Name) {
        let Some(buffer) = self.traces.get_mut(agent) else { return };
        let path = self.root.join("traces").join(agent.as_str());
        let written = OpenOptions::new().create(true).append(true).open(&path);
        let written = written.and_then(|mut file: File| file.write_all(buffer));
        buffer.clear();
        if let Err(error) = written {
            self.trouble.get_or_insert_with(|| unwritable(&path, &error));
        }
    }

    fn finish(&mut self) -> Result<(), Failure> {
        let names: Vec<Name> = self.traces.keys().cloned().collect();
        names.iter().for_each(|name| self.flush(name));
        self.write("records", &self.records)?;
        self.write("acks", &self.acks)?;
        self.trouble.take().map_or(Ok(()), Err)
    }
}

/// A folder the simulator writes to and the command closes.
#[derive(Debug, Clone)]
pub(crate) struct Shared(std::rc::Rc<std::cell::RefCell<Folder>>);

impl Shared {
    pub(crate) fn new(folder: Folder) -> Shared {
        Shared(std::rc::Rc::new(std::cell::RefCell::new(folder)))
    }

    /// Brings everything to disk.
    pub(crate) fn finish(&self) -> Result<(), Failure> {
        self.0.borrow_mut().finish()
    }
}

impl Archive for Shared {
    fn record(&mut self, record: &Envelope) {
        self.0.borrow_mut().records.extend(frame(record));
    }

    fn ack(&mut self, ack: &Envelope) {
        self.0.borrow_mut().acks.extend(frame(ack));
    }

    fn chunk(&mut self, agent: &Name, chunk: &Envelope) {
        let mut folder = self.0.borrow_mut();
        let Some(buffer) = folder.traces.get_mut(agent) else { return };
        buffer.extend(frame(chunk));
        if buffer.len() >= BUFFER {
            folder.flush(agent);
        }
    }
}

/// A folder that is read.
#[derive(Debug)]
pub(crate) struct Run {
    root: PathBuf,
    pub(crate) evidence: Evidence,
    /// The module, with its places.
    pub(crate) program: Vec<u8>,
}

impl Run {
    /// Opens a folder.
    pub(crate) fn open(root: &Path) -> Result<Run, Failure> {
        let file = root.join("run.json");
        let (_, about) = files::read_json(&file)?;
        let wrong = |what: &str| {
            let name = file.display().to_string();
            Failure::usage(Fault::WrongData, format_args!("{name}: {what}")).file(name)
        };
        if about.get("format").and_then(Json::as_u64) != Some(VERSION) {
            return Err(wrong("`format` 1 is known here"));
        }
        let targets =
            about.get("targets").and_then(Json::as_array).ok_or_else(|| wrong("it has no `targets`"))?;
        let targets: Option<Vec<Name>> = targets.iter().map(|name| Name::new(name.as_str()?)).collect();
        let targets = targets.ok_or_else(|| wrong("`targets` are names of agents"))?;
        let keys = about.get("keys").and_then(Json::as_object).ok_or_else(|| wrong("it has no `keys`"))?;
        let keys: Option<BTreeMap<Name, PublicKey>> =
            keys.iter().map(|(name, key)| Some((Name::new(name)?, key.as_str()?.parse().ok()?))).collect();
        let publishers =
            about.get("publishers").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        let publishers: Option<Vec<PublicKey>> =
            publishers.iter().map(|key| key.as_str()?.parse().ok()).collect();
        let evidence = Evidence {
            plan: Envelope::decode(&files::read_bytes(&root.join("plan"))?)
                .map_err(|refusal| refused(&refusal))?,
            targets,
            keys: keys.ok_or_else(|| wrong("`keys` are keys by agent"))?,
            publishers: publishers.ok_or_else(|| wrong("`publishers` are keys"))?,
            records: envelopes(&root.join("records"))?,
            acks: envelopes(&root.join("acks"))?,
            window_ns: about.get("window_ns").and_then(Json::as_u64).unwrap_or(30_000_000_000).max(1),
            open: about.get("open").and_then(Json::as_bool).unwrap_or(false),
        };
        Ok(Run { root: root.to_owned(), program: files::read_bytes(&root.join("program"))?, evidence })
    }

    /// The file of an agent's trace.
    pub(crate) fn trace(root: &Path, agent: &Name) -> PathBuf {
        root.join("traces").join(agent.as_str())
    }

    /// An agent's trace; nothing where there is no file.
    pub(crate) fn read_trace(root: &Path, agent: &Name) -> Result<Vec<u8>, Failure> {
        let path = Run::trace(root, agent);
        if path.exists() { files::read_bytes(&path) } else { Ok(Vec::new()) }
    }

    /// Where it lies.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }
}

/// A refusal as a failure.
pub(crate) fn refused(refusal: &swarm_fleet::refusal::Refusal) -> Failure {
    Failure::coded(Status::Refused, refusal.code(), refusal).note(refusal.help())
}

fn envelopes(path: &Path) -> Result<Vec<Envelope>, Failure> {
    let bytes = files::read_bytes(path)?;
    let read: Result<Vec<Envelope>, _> = frames(&bytes).map(|(_, envelope)| envelope).collect();
    read.map_err(|refusal| refused(&refusal).file(path.display().to_string()))
}
