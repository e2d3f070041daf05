//! A run's folder for each order of a fleet of processes, written while it goes on.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};
use swarm_bytecode::module::Module;
use swarm_fleet::envelope::Envelope;
use swarm_fleet::message::Ack;
use swarm_fleet::name::Name;
use swarm_fleet::order::Sha256Digest;
use swarm_fleet::plan::Plan;
use swarm_fleet::record::Directive;
use swarm_fleet::trace::chunk::{Chunk, frame, frames};
use swarm_fleet::trust::Trust;
use swarm_fleet::verify::step::{Checked, authorised};
use swarm_node::NodeError;
use swarm_node::monitor::Archive;
use swarm_node::registry::Member;
use swarm_node::time::clock;

use super::VERSION;

/// Folders of orders, under one.
pub(crate) struct Keeping {
    root: PathBuf,
    trust: Arc<Trust>,
    window_ns: u64,
    sources: BTreeMap<Sha256Digest, Module>,
    run: Option<Run>,
    /// The order before.
    former: Option<Run>,
    /// What is not on disk yet, by file.
    held: BTreeMap<PathBuf, Vec<u8>>,
}

/// The order that is followed.
struct Run {
    root: PathBuf,
    order: [u8; 16],
    targets: BTreeMap<Name, Places>,
    records: Vec<Envelope>,
}

/// How far what an agent signed is kept.
#[derive(Debug, Clone, Copy, Default)]
struct Places {
    /// Incarnation and number of the chunk that comes next.
    chunk: (u64, u64),
    /// The last acknowledgement.
    ack: u64,
}

fn unwritable(path: &Path, error: std::io::Error) -> NodeError {
    NodeError::Disk { path: path.to_owned(), error }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), NodeError> {
    fs::write(path, bytes).map_err(|error| unwritable(path, error))
}

impl Keeping {
    /// Keeps orders under a folder; steps count that this trust file allows.
    pub(crate) fn new(
        root: PathBuf,
        trust: Arc<Trust>,
        window_ns: u64,
        sources: BTreeMap<Sha256Digest, Module>,
    ) -> Keeping {
        Keeping { root, trust, window_ns, sources, run: None, former: None, held: BTreeMap::new() }
    }

    /// Begins the folder of an order, or goes on with it.
    fn begin(&mut self, directive: &Directive, members: &BTreeMap<Name, Member>) -> Result<(), NodeError> {
        let plan = Plan::decode(&directive.plan().payload)?;
        let name: String = plan.order.id.iter().map(|byte| format!("{byte:02x}")).collect();
        let root = self.root.join(name);
        let traces = root.join("traces");
        if !traces.exists() {
            fs::create_dir_all(&traces).map_err(|error| unwritable(&traces, error))?;
            let keys = self.first_seen(directive.targets(), members)?;
            let publishers = self.trust.publishers().map(|key| Json::from(key.to_string()));
            let about = json!({
                "format": VERSION, "simulated": false, "open": true, "window_ns": self.window_ns,
                "targets": directive.targets().iter().map(Name::as_str).collect::<Vec<_>>(),
                "keys": keys, "publishers": publishers.collect::<Vec<_>>(),
            });
            let source = self.sources.get(&plan.order.digest).map(Module::encode);
            write(&root.join("plan"), &directive.plan().encode())?;
            write(&root.join("program"), &source.or(plan.order.module).unwrap_or_default())?;
            write(&root.join("records"), &[])?;
            write(&root.join("acks"), &[])?;
            // Last: a folder that has it has all.
            write(&root.join("run.json"), format!("{about}\n").as_bytes())?;
        }
        self.former = self.run.take().or_else(|| self.newest_but(&root));
        self.run = Some(Run::resume(root, plan.order.id, directive.targets().to_vec()));
        Ok(())
    }

    /// The keys of targets: those each was first seen with under this folder, whatever it is registered with now.
    fn first_seen(
        &self,
        targets: &[Name],
        members: &BTreeMap<Name, Member>,
    ) -> Result<Map<String, Json>, NodeError> {
        let path = self.root.join("keys.json");
        let known = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let mut known: Map<String, Json> = known.unwrap_or_default();
        let mut keys = Map::new();
        for name in targets {
            if let Some(member) = members.get(name) {
                known.entry(name.as_str()).or_insert_with(|| member.key.to_string().into());
            }
            keys.extend(known.get(name.as_str()).map(|key| (name.to_string(), key.clone())));
        }
        write(&path, format!("{}\n", Json::Object(known)).as_bytes())?;
        Ok(keys)
    }

    /// The newest order that was kept before this one, by a monitor that was at work before.
    fn newest_but(&self, own: &Path) -> Option<Run> {
        let folders = fs::read_dir(&self.root).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        let orders =
            folders.filter(|root| root != own && root.join("run.json").is_file()).filter_map(|root| {
                let plan = Envelope::decode(&fs::read(root.join("plan")).ok()?).ok()?;
                let order = Plan::decode(&plan.payload).ok()?.order;
                Some((order.revision, order.id, root))
            });
        let (_, order, root) = orders.max_by_key(|(revision, ..)| *revision)?;
        let about: Json = serde_json::from_slice(&fs::read(root.join("run.json")).ok()?).ok()?;
        let targets = about.get("targets")?.as_array()?.iter();
        let targets = targets.filter_map(|name| Name::new(name.as_str()?)).collect();
        Some(Run::resume(root, order, targets))
    }
}

impl Run {
    /// An order with what its folder has already.
    fn resume(root: PathBuf, order: [u8; 16], names: Vec<Name>) -> Run {
        let mut targets = BTreeMap::new();
        for name in names {
            let last = read(&root.join("traces").join(name.as_str()))
                .iter()
                .filter_map(|own| Chunk::decode(&own.payload).ok())
                .next_back();
            let chunk = last.map_or((0, 0), |last| (last.incarnation, last.number.saturating_add(1)));
            targets.insert(name, Places { chunk, ack: 0 });
        }
        for ack in read(&root.join("acks")).iter().filter_map(|own| Ack::decode(&own.payload).ok()) {
            if let Some(places) = targets.get_mut(&ack.agent) {
                places.ack = places.ack.max(ack.sequence);
            }
        }
        let records = read(&root.join("records"));
        Run { root, order, targets, records }
    }
}

/// What a file has; nothing where it cannot be read.
fn read(path: &Path) -> Vec<Envelope> {
    let bytes = fs::read(path).unwrap_or_default();
    frames(&bytes).filter_map(|(_, envelope)| envelope.ok()).collect()
}

impl Archive for Keeping {
    fn step(&mut self, directive: &Directive, members: &BTreeMap<Name, Member>) -> Result<(), NodeError> {
        let checked = Checked::new(Arc::new(directive.clone()), &self.trust)?;
        // What nobody may order is not kept; it is written over before long.
        if authorised(&checked, &self.trust, clock()).is_err() {
            return Ok(());
        }
        if self.run.as_ref().is_none_or(|run| run.order != checked.plan().order.id) {
            self.flush()?;
            self.begin(directive, members)?;
        }
        if let Some(run) = self.run.as_mut().filter(|run| !run.records.contains(directive.record())) {
            run.records.push(directive.record().clone());
            self.held.entry(run.root.join("records")).or_default().extend(frame(directive.record()));
        }
        Ok(())
    }

    fn ack(&mut self, envelope: &Envelope) {
        let Ok(ack) = Ack::decode(&envelope.payload) else { return };
        let Some(run) = &mut self.run else { return };
        let Some(places) = run.targets.get_mut(&ack.agent).filter(|own| ack.sequence > own.ack) else {
            return;
        };
        places.ack = ack.sequence;
        self.held.entry(run.root.join("acks")).or_default().extend(frame(envelope));
    }

    fn chunk(&mut self, chunk: &Chunk, envelope: &Envelope) {
        let place = (chunk.incarnation, chunk.number);
        // A program that is replaced ends its chunk: that comes when the next order is followed already.
        let now = self.run.as_ref().map(|run| run.order);
        let former = self.former.as_mut().filter(|_| now != Some(chunk.order));
        for run in self.run.as_mut().into_iter().chain(former) {
            let Some(places) = run.targets.get_mut(&chunk.agent).filter(|own| place >= own.chunk) else {
                continue;
            };
            places.chunk = (chunk.incarnation, chunk.number.saturating_add(1));
            let path = run.root.join("traces").join(chunk.agent.as_str());
            self.held.entry(path).or_default().extend(frame(envelope));
        }
    }

    fn flush(&mut self) -> Result<(), NodeError> {
        for (path, bytes) in std::mem::take(&mut self.held) {
            let file = OpenOptions::new().create(true).append(true).open(&path);
            file.and_then(|mut file| file.write_all(&bytes)).map_err(|error| unwritable(&path, error))?;
        }
        Ok(())
    }
}
