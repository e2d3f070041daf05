//! `swarmc plan`: an order's targets, waves and bill, frozen and signed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value as Json, json};
use swarm_bytecode::verify::Verified;
use swarm_fleet::order::Revision;
use swarm_fleet::plan::Plan;
use swarm_fleet::record::Directive;
use swarm_node::operator::Operator;
use swarm_node::registry;
use swarm_node::submission::Submission;

use crate::cli::{PlanArguments, PlanMaking};
use crate::commands::payload::read_payload;
use crate::fleet::draft::{Candidate, Draft, refused};
use crate::fleet::{failure, no_bus, open, positive, read_keys, read_trust};
use crate::program::{self, Loaded};
use crate::render::plan::{plan_json, plan_text};
use crate::status::{Failure, Fault, Status};
use crate::terminal::Terminal;
use crate::{files, keys};

/// Makes a plan, or signs one too; says what it is.
pub(crate) fn plan(arguments: &PlanArguments, terminal: Terminal) -> Result<Status, Failure> {
    let bytes = files::read_bytes(&arguments.file)?;
    if is_plan(&bytes) {
        return sign(&arguments.file, &bytes, &arguments.making.key, arguments.output.as_deref(), terminal);
    }
    let mut operator = match &arguments.bus {
        Some(url) => Some(open(url)?),
        None => None,
    };
    let Some(submission) = make(&arguments.file, &arguments.making, &mut operator, terminal)? else {
        return Ok(Status::Failed);
    };
    let output = arguments.output.clone().unwrap_or_else(|| default_output(&arguments.file));
    write(&arguments.file, &submission, Some(&output), terminal)
}

/// Signs a plan with these keys too, and says what it is; without an output it is replaced, without keys left
/// alone.
pub(crate) fn sign(
    file: &Path,
    bytes: &[u8],
    key_files: &[PathBuf],
    output: Option<&Path>,
    terminal: Terminal,
) -> Result<Status, Failure> {
    let mut submission = read(file, bytes)?;
    for (key, path) in read_keys(key_files)?.iter().zip(key_files) {
        submission.sign(key).map_err(|refusal| keys::unfit(path, &refusal))?;
    }
    let replaced = (!key_files.is_empty()).then_some(file);
    write(file, &submission, output.or(replaced), terminal)
}

fn write(
    file: &Path,
    submission: &Submission,
    output: Option<&Path>,
    terminal: Terminal,
) -> Result<Status, Failure> {
    let written = submission.encode();
    if let Some(output) = output {
        if files::is_standard(output) {
            terminal.bytes(&written)?;
            return Ok(Status::Done);
        }
        files::write(output, &written)?;
    }
    let plan = submission.plan().map_err(|refusal| keys::refused(file, &refusal))?;
    if terminal.json() {
        let mut document = plan_json(&plan, submission)?;
        document.insert("output".into(), json!(output.map(files::display_name)));
        terminal.document(Json::Object(document))?;
    } else {
        let name = output.map(|path| (files::display_name(path), written.len()));
        terminal.data(&plan_text(&plan, submission, name)?)?;
    }
    Ok(Status::Done)
}

/// Whether bytes are a plan; a program is none.
pub(crate) fn is_plan(bytes: &[u8]) -> bool {
    bytes.starts_with(b"SWRD")
}

/// Reads a plan.
pub(crate) fn read(path: &Path, bytes: &[u8]) -> Result<Submission, Failure> {
    Submission::decode(bytes).map_err(|refusal| keys::refused(path, &refusal))
}

/// Makes a plan of a program. `None`: it has errors, and they are told.
pub(crate) fn make(
    file: &Path,
    making: &PlanMaking,
    bus: &mut Option<Box<dyn swarm_bus::Bus>>,
    terminal: Terminal,
) -> Result<Option<Submission>, Failure> {
    let Some(loaded) = program::load(file, program::options(false), terminal)? else { return Ok(None) };
    let missing = |what: &str, example: &str| {
        Failure::usage(Fault::Arguments, format_args!("a plan needs {what}"))
            .note(format!("such as {example}"))
    };
    let trust = making.trust.as_deref().ok_or_else(|| missing("a trust file", "--trust trust.json"))?;
    let injector =
        making.injector.as_deref().ok_or_else(|| missing("an injector", "--injector injector.pub"))?;
    let trust = read_trust(trust)?;
    let fleet = trust.fleet().clone();
    let injector = keys::read_public(injector)?.key;
    let mut operator = match bus {
        Some(bus) => Some(Operator::new(&fleet, bus.another().map_err(|error| no_bus(&error))?)),
        None => None,
    };
    let desired = match &mut operator {
        Some(operator) => operator.desired().map_err(|error| failure(&error))?,
        None => None,
    };
    let candidates = candidates(making, operator.as_mut())?;
    let (context, id, agents) = order_of(making, &loaded)?;
    let revision = match (making.revision, operator.is_some()) {
        (Some(revision), _) => revision,
        (None, true) => after(desired.as_deref()),
        (None, false) => return Err(missing("a revision, or a bus to ask", "--revision 1.1")),
    };
    let draft = Draft {
        loaded: &loaded,
        fleet,
        candidates,
        context,
        id,
        agents,
        desired: desired.as_deref(),
        revision,
        expires: making.expires,
        minimum_sample: making.minimum_sample,
        injector,
        shadow: making.shadow.map(positive),
    };
    draft.submission(&read_keys(&making.key)?).map(Some)
}

/// The revision after that of a plan.
pub(crate) fn after(desired: Option<&Directive>) -> Revision {
    let plan = desired.and_then(|desired| Plan::decode(&desired.plan().payload).ok());
    let last = plan.map_or(Revision { epoch: 1, counter: 0 }, |plan| plan.order.revision);
    Revision { epoch: last.epoch, counter: last.counter.saturating_add(1) }
}

fn candidates(making: &PlanMaking, operator: Option<&mut Operator>) -> Result<Vec<Candidate>, Failure> {
    let names = making.targets.as_deref().map(keys::read_names).transpose()?;
    let members = match operator {
        Some(operator) => {
            let layout = operator.layout().clone();
            registry::read(operator.bus(), &layout).map_err(|error| no_bus(&error))?
        }
        None => BTreeMap::new(),
    };
    match names {
        Some(names) => {
            let labels = |name: &_| members.get(name).map(|member| member.labels.clone()).unwrap_or_default();
            Ok(names.into_iter().map(|name| (name.clone(), labels(&name))).collect())
        }
        None if members.is_empty() => Err(Failure::usage(Fault::Arguments, "no one has told of any agents")
            .note("start agents, or name them with `--targets FILE`")),
        None => Ok(members.into_iter().map(|(name, member)| (name, member.labels)).collect()),
    }
}

/// The context of an order.
pub(crate) fn context_of(making: &PlanMaking, loaded: &Loaded) -> Result<Map<String, Json>, Failure> {
    order_of(making, loaded).map(|(context, ..)| context)
}

/// The role agents must have to fit the program: for those who make agents for it.
pub(crate) fn role_of(loaded: &Loaded, making: &PlanMaking) -> Result<Option<String>, Failure> {
    let Some(filter) = loaded.module.instruction.target.and_then(|target| target.filter) else {
        return Ok(None);
    };
    let context = Json::Object(context_of(making, loaded)?).to_string();
    let (program, mut conditions) = crate::fleet::draft::conditions(&loaded.bytes, &context)?;
    Ok(Some(super::simulate::role(&mut conditions, program.module(), filter)))
}

type OrderOf = (Map<String, Json>, Option<[u8; 16]>, Option<u32>);

fn order_of(making: &PlanMaking, loaded: &Loaded) -> Result<OrderOf, Failure> {
    if let Some(path) = &making.order {
        let payload = read_payload(path, loaded)?;
        return Ok((payload.context, payload.id, payload.agents));
    }
    let context = match &making.context {
        Some(path) => match files::read_json(path)? {
            (_, Json::Object(members)) => members,
            _ => {
                return Err(Failure::usage(Fault::WrongData, "a context is a JSON object")
                    .file(files::display_name(path)));
            }
        },
        None => Map::new(),
    };
    Ok((context, None, None))
}

/// FILE's name with `.plan`, in the current directory.
fn default_output(file: &Path) -> PathBuf {
    let stem = if files::is_standard(file) { None } else { file.file_stem() };
    PathBuf::from(stem.unwrap_or("out".as_ref())).with_added_extension("plan")
}

/// The program of a plan.
pub(crate) fn program_of(plan: &Plan) -> Result<Verified, Failure> {
    let module = plan.order.module.as_deref().unwrap_or_default();
    Verified::load(module).map_err(|error| {
        refused(&swarm_fleet::refusal::Refusal::new(
            swarm_fleet::refusal::Cause::ModuleRefused,
            format!("the module is refused: {error}"),
        ))
    })
}
