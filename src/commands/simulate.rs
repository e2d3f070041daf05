//! `swarmc simulate`: a whole fleet in virtual time, from the order to the report.

use serde_json::{Map, Value as Json};
use swarm_bytecode::codec::strip;
use swarm_bytecode::module::{FunctionId, Module, TargetCount};
use swarm_bytecode::types::Type;
use swarm_fleet::name::Name;
use swarm_fleet::refusal::Refusal;
use swarm_fleet::simulate::{
    Conditions, Faults, Machines, Outcome, Request, SECOND, STARTED_AT, Setup, Simulation,
};
use swarm_vm::{Program, Value};

use crate::cli::SimulateArguments;
use crate::commands::payload::{Payload, read_payload};
use crate::commands::run::answers;
use crate::files;
use crate::program::{self, Loaded};
use crate::render::diagnostic;
use crate::render::fleet::{Facts, Report};
use crate::render::live::Live;
use crate::run_folder::{Folder, Shared};
use crate::status::{Failure, Fault, Status};
use crate::terminal::Terminal;

/// Compiles, signs, rolls out, runs, reports.
pub(crate) fn simulate(arguments: &SimulateArguments, terminal: Terminal) -> Result<Status, Failure> {
    let Some(loaded) = program::load(&arguments.file, program::options(false), terminal)? else {
        return Ok(Status::Failed);
    };
    let former = match &arguments.former {
        Some(path) => match program::load(path, program::options(false), terminal)? {
            Some(former) => Some(stripped(&former)),
            None => return Ok(Status::Failed),
        },
        None => None,
    };
    let module = &loaded.module;
    let payload = arguments.order.as_ref().map(|path| read_payload(path, &loaded)).transpose()?;
    let mut notes = Vec::new();
    let context = context(arguments, payload.as_ref(), module, &mut notes)?;
    let bytes = stripped(&loaded);
    let program = Program::load(&bytes)
        .map_err(|error| Failure::coded(Status::Refused, error.code(), error.message()))?;
    let answers = answers(arguments.answers.as_deref(), &program)?;
    let conditions = || {
        Conditions::new(&program, &context).map_err(|error| {
            Failure::usage(Fault::WrongData, format_args!("the context does not fit: {error}"))
        })
    };
    let mut judge = conditions()?;
    let filter = module.instruction.target.and_then(|target| target.filter);
    let role = filter.map(|filter| role(&mut judge, program.module(), filter));
    if let Some(role) = &role {
        notes.push(format!("the agents have the role the order is for: {role}"));
    }
    let lasts_ns = lasts(arguments, module);
    let request = Request {
        seed: arguments.seed,
        agents: agents(arguments, payload.as_ref(), module),
        module: &bytes,
        former: former.as_deref(),
        order: payload.as_ref().and_then(|payload| payload.id),
        lasts_ns,
        context: &context,
        minimum_sample: arguments.minimum_sample,
        labels: role.iter().filter_map(|role| Some((Name::new("role")?, Name::new(role)?))).collect(),
        poll_ns: positive(arguments.poll),
        window_ns: positive(arguments.window),
        shadow: arguments.shadow.map(positive),
    };
    let mut fits = conditions()?;
    let role = role.unwrap_or_default();
    let setup = Setup::new(&request, |name| {
        let agent = filter.and_then(|filter| {
            Conditions::agent(program.module(), filter, &|field| simulated(field, name.as_str(), &role))
        });
        filter.zip(agent).is_none_or(|(filter, agent)| fits.fits(filter, &agent))
    });
    let setup = setup.map_err(|refusal| refused(&refusal))?;
    let faults = arguments.faults.then(|| Faults::until((lasts_ns / 2).min(1800 * SECOND)));
    let facts = Facts::new(&setup, arguments, &loaded, notes);
    let machines = Machines::new(arguments.seed, STARTED_AT).answering(move |call| answers.given(call));
    let folder = arguments
        .traces
        .as_deref()
        .map(|root| Folder::create(root, &setup, &loaded.bytes, request.window_ns).map(Shared::new));
    let folder = folder.transpose()?;
    let mut simulation =
        Simulation::new(setup, machines, judge, faults).map_err(|refusal| refused(&refusal))?;
    if let Some(folder) = &folder {
        simulation = simulation.archived(Box::new(folder.clone()));
    }
    let mut live = Live::new(&loaded.module, terminal);
    let outcome = simulation.run(&mut |snapshot| live.show(snapshot));
    live.done(&outcome);
    folder.map_or(Ok(()), |folder| folder.finish())?;
    if arguments.shadow.is_some() {
        return shadowed(&outcome, former.as_deref(), terminal);
    }
    let report = Report { outcome: &outcome, facts: &facts, module: &loaded.module };
    let status = report.status();
    if terminal.json() {
        let mut document = report.for_programs();
        document.insert("diagnostics".into(), diagnostic::for_programs(&[loaded.findings]));
        terminal.document(Json::Object(document))?;
    } else {
        terminal.data(&report.for_people())?;
    }
    Ok(status)
}

/// What a shadow run says: how many agents ran it, and how it differs.
fn shadowed(outcome: &Outcome, former: Option<&[u8]>, terminal: Terminal) -> Result<Status, Failure> {
    let accounting = outcome.injector.accounting();
    let converged = outcome.violations.is_empty() && accounting.active == accounting.targets;
    super::shadow::tell(&outcome.comparisons, outcome.injector.plan(), former, accounting, terminal)?;
    for violation in &outcome.violations {
        terminal.talk(&format!("{violation}\n"));
    }
    Ok(if converged { Status::Done } else { Status::Failed })
}

fn refused(refusal: &Refusal) -> Failure {
    Failure::coded(Status::Refused, refusal.code(), refusal).note(refusal.help())
}

/// Agents have no use for names and places in the source.
fn stripped(loaded: &Loaded) -> Vec<u8> {
    strip(&loaded.bytes).unwrap_or_else(|_| loaded.bytes.clone())
}

fn positive(nanoseconds: i64) -> u64 {
    u64::try_from(nanoseconds).unwrap_or(0).max(SECOND)
}

fn agents(arguments: &SimulateArguments, payload: Option<&Payload>, module: &Module) -> u32 {
    let target = module.instruction.target.and_then(|target| match target.count {
        TargetCount::Exactly(count) | TargetCount::UpTo(count) => Some(count),
        TargetCount::All => None,
    });
    arguments.agents.or(payload.and_then(|payload| payload.agents)).or(target).unwrap_or(100)
}

fn lasts(arguments: &SimulateArguments, module: &Module) -> u64 {
    const HOUR: i64 = 3_600_000_000_000;
    positive(arguments.time.or(module.instruction.deadline_ns).unwrap_or(HOUR))
}

/// The first text of the program that makes an agent fit as its role: simulated agents are made for the order.
pub(super) fn role(judge: &mut Conditions, module: &Module, filter: FunctionId) -> String {
    let texts = module.strings.iter().map(|text| text.as_str()).chain(["worker"]);
    let fitting = texts.into_iter().find(|role| {
        Conditions::agent(module, filter, &|field| simulated(field, "agent-0001", role))
            .is_some_and(|agent| judge.fits(filter, &agent))
    });
    fitting.unwrap_or("worker").to_owned()
}

/// What a field of a simulated agent says.
fn simulated<'t>(field: &str, id: &'t str, role: &'t str) -> Option<&'t str> {
    match field {
        "id" => Some(id),
        "role" => Some(role),
        "region" => Some("eu-west"),
        _ => None,
    }
}

/// The context as JSON: what is given, and made-up values for the rest.
fn context(
    arguments: &SimulateArguments,
    payload: Option<&Payload>,
    module: &Module,
    notes: &mut Vec<String>,
) -> Result<String, Failure> {
    let mut members = match (&arguments.context, payload) {
        (Some(path), _) => match files::read_json(path)? {
            (_, Json::Object(members)) => members,
            _ => {
                let message = "a context is a JSON object";
                return Err(Failure::usage(Fault::WrongData, message).file(files::display_name(path)));
            }
        },
        (None, Some(payload)) => payload.context.clone(),
        (None, None) => Map::new(),
    };
    let mut made_up = Vec::new();
    for context in module.contexts.iter().filter(|context| context.default.is_none()) {
        let given = members.keys().any(|key| snake_case(key) == context.name);
        if given || matches!(module.ty(context.ty), Some(Type::Optional(_))) {
            continue;
        }
        let value = made_up_value(module.ty(context.ty)).unwrap_or_else(|| {
            serde_json::from_str(&Value::zero(module, context.ty).to_json()).unwrap_or(Json::Null)
        });
        made_up.push(format!("{} = {value}", context.name));
        members.insert(context.name.to_string(), value);
    }
    if !made_up.is_empty() {
        notes.push(format!("made up, for want of --context: {}", made_up.join(", ")));
    }
    Ok(Json::Object(members).to_string())
}

fn made_up_value(ty: Option<&Type>) -> Option<Json> {
    Some(match ty? {
        Type::Int => 10.into(),
        Type::Float => 1.5.into(),
        Type::Bool => true.into(),
        Type::String => "simulated".into(),
        Type::Duration => "1h".into(),
        Type::Bytes => "1GB".into(),
        Type::Bandwidth => "100Mbps".into(),
        Type::Money => "$1000".into(),
        Type::Tokens => "1000 tokens".into(),
        Type::Percent => "50%".into(),
        _ => return None,
    })
}

/// `currentCosts` as a program writes it: `current_costs`.
pub(crate) fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            if !snake.is_empty() {
                snake.push('_');
            }
            snake.push(letter.to_ascii_lowercase());
        } else {
            snake.push(letter);
        }
    }
    snake
}
