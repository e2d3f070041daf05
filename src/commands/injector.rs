//! `swarmc injector`: the process that leads a fleet's orders.

use std::path::PathBuf;

use serde_json::{Value, json};
use swarm_fleet::key::SecretKey;
use swarm_fleet::name::Name;
use swarm_fleet::order::Revision;
use swarm_node::injector::{Drafting, Library, Process, Settings};
use swarm_node::submission::Submission;

use crate::cli::InjectorArguments;
use crate::commands::payload::payload;
use crate::fleet::draft::Draft;
use crate::fleet::{disk, failure, open, positive, read_keys, read_trust, told_to_stop};
use crate::keys;
use crate::program;
use crate::status::{Failure, Fault, Status};
use crate::terminal::Terminal;

/// Runs until it is told to stop, or killed: whatever it is about to do is on disk before.
pub(crate) fn injector(arguments: &InjectorArguments, terminal: Terminal) -> Result<Status, Failure> {
    let trust = read_trust(&arguments.trust)?;
    let fleet = trust.fleet().clone();
    let settings = Settings {
        fleet: fleet.clone(),
        trust,
        key: keys::read_secret(&arguments.key)?,
        disk: disk(arguments.state.as_deref(), "injector.swarm")?,
        speed: arguments.speed,
        window_ns: positive(arguments.window),
    };
    let library: Option<Box<dyn Library>> = match &arguments.library {
        Some(folder) => Some(Box::new(Folder {
            folder: folder.clone(),
            fleet: fleet.clone(),
            publishers: read_keys(&arguments.publisher)?,
            minimum_sample: arguments.minimum_sample,
            terminal,
        })),
        None => None,
    };
    let bus = open(&arguments.bus.bus)?;
    let mut process = Process::new(settings, bus, library).map_err(|error| failure(&error))?;
    process.renew_keys(&arguments.new_key).map_err(|error| failure(&error))?;
    terminal.talk(&format!("injector of fleet {fleet}\n"));
    let stop = told_to_stop()?;
    process.run(&stop).map_err(|error| failure(&error))?;
    Ok(Status::Done)
}

/// Programs that governors order by name.
struct Folder {
    folder: PathBuf,
    fleet: Name,
    publishers: Vec<SecretKey>,
    minimum_sample: u32,
    terminal: Terminal,
}

impl Library for Folder {
    fn plan(&mut self, order: &str, drafting: &Drafting<'_>) -> Result<Submission, String> {
        self.draft(order, drafting).map_err(|failure| {
            json!({ "code": failure.code, "message": failure.message, "notes": failure.notes }).to_string()
        })
    }
}

impl Folder {
    fn draft(&self, order: &str, drafting: &Drafting<'_>) -> Result<Submission, Failure> {
        let wrong = |message: String| Failure::usage(Fault::WrongData, message);
        let document: Value =
            serde_json::from_str(order).map_err(|error| wrong(format!("the order is no JSON: {error}")))?;
        let kind = document.get("type").and_then(Value::as_str);
        let kind = kind.ok_or_else(|| wrong("it has no `type`, the name of an instruction".to_owned()))?;
        // A name holds no way out of the folder.
        let name =
            Name::new(kind).ok_or_else(|| wrong(format!("`type` is {kind}, which names no program")))?;
        let bare = name.as_str().split("_v").next().unwrap_or_default();
        let files = [name.as_str(), bare, &name.as_str().to_lowercase(), &bare.to_lowercase()]
            .map(|stem| self.folder.join(format!("{stem}.swarm")));
        let Some(path) = files.iter().find(|path| path.is_file()) else {
            return Err(wrong(format!("`type` is {name}, and the library has no such instruction")));
        };
        let Some(loaded) = program::load(path, program::options(false), self.terminal)? else {
            return Err(wrong(format!("`type` is {name}, and the library's program has errors")));
        };
        let payload = payload(document, "the order", &loaded)?;
        let members = drafting.members.iter();
        let above = drafting.above;
        let revision = Revision { epoch: above.epoch.max(1), counter: above.counter.saturating_add(1) };
        let draft = Draft {
            loaded: &loaded,
            fleet: self.fleet.clone(),
            candidates: members.map(|(name, member)| (name.clone(), member.labels.clone())).collect(),
            context: payload.context,
            id: payload.id,
            agents: payload.agents,
            desired: drafting.desired,
            revision,
            expires: None,
            minimum_sample: self.minimum_sample,
            injector: drafting.injector.clone(),
            shadow: None,
        };
        draft.submission(&self.publishers)
    }
}
