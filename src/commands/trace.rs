//! `swarmc trace`: whether traces are as their agents left them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value as Json, json};
use swarm_fleet::key::PublicKey;
use swarm_fleet::message::{Ack, TraceHead};
use swarm_fleet::name::Name;
use swarm_fleet::trace::verify::{Fault, Findings, Question, verify};

use crate::cli::{TraceCommand, TraceVerifyArguments};
use crate::files;
use crate::render::style::{dim, error, good};
use crate::render::text::{grouped, plural, safe};
use crate::run_folder::Run;
use crate::status::{Failure, Fault as Wrong, Status};
use crate::terminal::Terminal;

/// Faults that are shown before the rest is only counted.
const MOST_SHOWN: usize = 20;

/// Does what the command says.
pub(crate) fn trace(command: &TraceCommand, terminal: Terminal) -> Result<Status, Failure> {
    match command {
        TraceCommand::Verify(arguments) => verify_all(arguments, terminal),
    }
}

/// All traces together.
#[derive(Debug, Default)]
struct Sum {
    agents: u64,
    chunks: u64,
    entries: u64,
    bytes: u64,
    torn: u64,
    awaited: u64,
    new_disks: u64,
    faults: Vec<(String, String, Fault)>,
}

impl Sum {
    fn add(&mut self, file: &Path, agent: &str, found: Findings) {
        self.agents = self.agents.saturating_add(1);
        for chunk in &found.chunks {
            let bytes = chunk.body.len().saturating_add(chunk.marks.len());
            self.bytes = self.bytes.saturating_add(u64::try_from(bytes).unwrap_or(u64::MAX));
            self.chunks = self.chunks.saturating_add(1);
        }
        self.entries = self.entries.saturating_add(found.entries);
        self.awaited = self.awaited.saturating_add(found.awaited);
        self.torn = self.torn.saturating_add(found.torn);
        self.new_disks = self.new_disks.saturating_add(found.new_disks);
        let file = file.display().to_string();
        self.faults.extend(found.faults.into_iter().map(|fault| (agent.to_owned(), file.clone(), fault)));
    }
}

fn verify_all(arguments: &TraceVerifyArguments, terminal: Terminal) -> Result<Status, Failure> {
    let mut sum = Sum::default();
    let given = arguments.keys.as_deref().map(keys).transpose()?;
    let mut unkeyed = false;
    if arguments.path.is_dir() {
        let run = Run::open(&arguments.path)?;
        let told = told(&run);
        for name in &run.evidence.targets {
            let bytes = Run::read_trace(run.root(), name)?;
            let key = given.as_ref().unwrap_or(&run.evidence.keys).get(name);
            unkeyed |= key.is_none();
            let told = told.get(name).map_or(&[][..], Vec::as_slice);
            let open = arguments.open || run.evidence.open;
            let question = Question { agent: Some(name), key, told, open };
            sum.add(&Run::trace(run.root(), name), name.as_str(), verify(&bytes, &question));
        }
    } else {
        let bytes = files::read_bytes(&arguments.path)?;
        let named = arguments.path.file_name().and_then(|name| Name::new(&name.to_string_lossy()));
        let key = named.as_ref().and_then(|name| given.as_ref()?.get(name));
        unkeyed = key.is_none();
        let question = Question { agent: None, key, told: &[], open: arguments.open };
        let found = verify(&bytes, &question);
        let agent =
            found.chunks.first().map(|chunk| chunk.agent.to_string()).or(named.map(|name| name.to_string()));
        sum.add(&arguments.path, agent.as_deref().unwrap_or("?"), found);
    }
    tell(&sum, unkeyed, terminal)?;
    Ok(if sum.faults.is_empty() { Status::Done } else { Status::Refused })
}

/// The heads agents told in signed acknowledgements.
fn told(run: &Run) -> BTreeMap<Name, Vec<(u64, TraceHead)>> {
    let mut told: BTreeMap<Name, Vec<(u64, TraceHead)>> = BTreeMap::new();
    for envelope in &run.evidence.acks {
        let Ok(ack) = Ack::decode(&envelope.payload) else { continue };
        if run.evidence.keys.get(&ack.agent).is_some_and(|key| envelope.verified_by(key)) {
            told.entry(ack.agent).or_default().push((ack.incarnation, ack.head));
        }
    }
    told
}

/// Keys by agent.
fn keys(path: &Path) -> Result<BTreeMap<Name, PublicKey>, Failure> {
    let (_, json) = files::read_json(path)?;
    let members = json.get("keys").unwrap_or(&json).as_object();
    let keys: Option<_> = members.and_then(|members| {
        members.iter().map(|(name, key)| Some((Name::new(name)?, key.as_str()?.parse().ok()?))).collect()
    });
    keys.ok_or_else(|| {
        let name = files::display_name(path);
        Failure::usage(Wrong::WrongData, format_args!("{name} has no keys by agent")).file(name)
    })
}

fn tell(sum: &Sum, unkeyed: bool, terminal: Terminal) -> Result<(), Failure> {
    if terminal.json() {
        let faults = sum.faults.iter().map(|(agent, file, fault)| {
            json!({
                "code": fault.cause.code(), "agent": agent, "file": file, "incarnation": fault.incarnation,
                "chunk": fault.chunk, "entry": fault.entry, "byte": fault.byte, "message": fault.message,
            })
        });
        return terminal.document(json!({
            "agents": sum.agents, "chunks": sum.chunks, "entries": sum.entries, "bytes": sum.bytes,
            "torn": sum.torn, "awaited": sum.awaited, "new_disks": sum.new_disks, "signatures_checked": !unkeyed,
            "faults": faults.collect::<Vec<Json>>(),
        }));
    }
    let mut page = String::new();
    for (agent, file, fault) in sum.faults.iter().take(MOST_SHOWN) {
        let place = format!("chunk {}.{}, entry {}", fault.incarnation, fault.chunk, fault.entry);
        page.push_str(&format!(
            "{} {}: {place}: {}\n  {} {}, byte {}\n",
            error(&format!("error[{}]", fault.cause.code())),
            safe(agent),
            safe(&fault.message),
            dim("in"),
            safe(file),
            grouped(fault.byte as u128),
        ));
    }
    if let Some(more) = sum.faults.len().checked_sub(MOST_SHOWN).filter(|more| *more > 0) {
        page.push_str(&format!("… and {} more, all in --format json\n", grouped(more as u128)));
    }
    let verdict = match sum.faults.len() {
        0 => good("as their agents left them"),
        count => error(&plural(count, "fault")),
    };
    page.push_str(&format!(
        "{verdict}: {} entries of {}, {} chunks, {} bytes\n",
        grouped(sum.entries.into()),
        plural(usize::try_from(sum.agents).unwrap_or(usize::MAX), "agent"),
        grouped(sum.chunks.into()),
        grouped(sum.bytes.into()),
    ));
    if sum.awaited > 0 {
        let entries = plural(usize::try_from(sum.awaited).unwrap_or(usize::MAX), "entry");
        page.push_str(&format!("  {entries} told of and not here yet: it is still being written\n"));
    }
    if sum.torn > 0 {
        let starts = plural(usize::try_from(sum.torn).unwrap_or(usize::MAX), "start");
        page.push_str(&format!("  {starts} after a crash: what came after the last word on disk is lost\n"));
    }
    if sum.new_disks > 0 {
        let starts = plural(usize::try_from(sum.new_disks).unwrap_or(usize::MAX), "start");
        page.push_str(&format!("  {starts} with a new disk: what was not sent before is lost\n"));
    }
    if unkeyed {
        page.push_str("  signatures were not checked: give the agents' keys with --keys\n");
    }
    terminal.data(&page)
}
