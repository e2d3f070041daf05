//! `swarmc status`, `halt`, `resume`, `rollback`: how an order stands, and what operators do about it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;
use swarm_bus::BusError;
use swarm_fleet::name::Name;
use swarm_fleet::refusal::Cause;
use swarm_node::operator::{Intent, Operator};
use swarm_node::registry::{self, Beat, LEFT};
use swarm_node::status::Status as OrderStatus;

use crate::cli::{LookArguments, StepArguments};
use crate::fleet::{failure, no_bus, open, positive, read_keys};
use crate::keys;
use crate::render::people::People;
use crate::render::progress::{status_json, status_text};
use crate::status::{Failure, Fault, Status};
use crate::terminal::Terminal;

/// How often a status is looked at that no hint told of.
const LOOK: Duration = Duration::from_millis(200);

/// Says how the order stands.
pub(crate) fn status(arguments: &LookArguments, terminal: Terminal) -> Result<Status, Failure> {
    let mut operator = Operator::new(&arguments.fleet, open(&arguments.bus.bus)?);
    if arguments.agents {
        return agents(&mut operator, terminal);
    }
    let status = operator.status().map_err(|error| no_bus(&error))?;
    let Some(status) = status else { return Err(no_order(&arguments.fleet)) };
    tell(&mut operator, &status, terminal)
}

/// Says who there is.
fn agents(operator: &mut Operator, terminal: Terminal) -> Result<Status, Failure> {
    let layout = operator.layout().clone();
    let desired = operator.desired().map_err(|error| failure(&error))?;
    let agents = registry::agents(operator.bus(), &layout).map_err(|error| no_bus(&error))?;
    let beats = registry::beats(operator.bus(), &layout).map_err(|error| no_bus(&error))?;
    let targets: BTreeSet<&Name> = desired.iter().flat_map(|desired| desired.targets()).collect();
    let people = People { agents: &agents, processes: &beats, targets: &targets, now: keys::now() };
    if terminal.json() {
        terminal.document(people.json())?;
    } else {
        terminal.data(&people.text())?;
    }
    Ok(Status::Done)
}

fn no_order(fleet: &swarm_fleet::name::Name) -> Failure {
    Failure::usage(Fault::NoOrder, format_args!("the bus knows of no order to fleet {fleet}"))
        .note("send one with `swarmc inject`, or look whether the injector runs")
}

/// Takes a step, and waits until all that can be reached have answered.
pub(crate) fn step(intent: Intent, arguments: &StepArguments, terminal: Terminal) -> Result<Status, Failure> {
    let keys = read_keys(&arguments.key)?;
    let mut operator = Operator::new(&arguments.fleet, open(&arguments.bus.bus)?);
    // Who listens first misses nothing.
    operator.wait(Duration::ZERO).map_err(|error| no_bus(&error))?;
    let begun = Instant::now();
    let revision = operator.step(intent, &keys).map_err(|error| match &error {
        swarm_node::NodeError::Refused(refusal) if refusal.cause == swarm_fleet::refusal::Cause::NoPlan => {
            no_order(&arguments.fleet)
        }
        error => failure(error),
    })?;
    let revision = revision.to_string();
    let patience = Duration::from_nanos(positive(arguments.wait));
    let mut last = None;
    loop {
        let status = operator.status().map_err(|error| no_bus(&error))?;
        let left = patience.saturating_sub(begun.elapsed());
        let answers = status.as_ref().filter(|status| status.revision == revision);
        let done = answers.is_some_and(|status| status.reached.silent == 0);
        last = answers.cloned().or(last);
        if done || left.is_zero() {
            break;
        }
        operator.wait(left.min(LOOK)).map_err(|error| no_bus(&error))?;
    }
    match last {
        Some(status) => {
            if !terminal.json() {
                let took = begun.elapsed().as_millis();
                terminal.talk(&format!("revision {revision}, {took} ms\n"));
            }
            tell(&mut operator, &status, terminal)?;
            let all = status.reached.not_active() == 0;
            Ok(if all { Status::Done } else { Status::NotConverged })
        }
        None => {
            let message = format!(
                "the step is on the bus as revision {revision}, and no injector tells what came of it"
            );
            Err(Failure::coded(Status::NotConverged, Fault::NoReply.code(), message)
                .note("agents take it without an injector too; `swarmc status` tells once one runs"))
        }
    }
}

/// Prints how an order stands; not converged is an exit code of its own.
pub(crate) fn tell(
    operator: &mut Operator,
    status: &OrderStatus,
    terminal: Terminal,
) -> Result<Status, Failure> {
    let layout = operator.layout().clone();
    let beats = registry::beats(operator.bus(), &layout).map_err(|error| no_bus(&error))?;
    let beats: Vec<(String, Beat)> = beats.into_iter().collect();
    let status = &with_leavers(operator, status.clone()).map_err(|error| no_bus(&error))?;
    if terminal.json() {
        terminal.document(Value::Object(status_json(status, &beats)))?;
    } else {
        terminal.data(&status_text(status, &beats))?;
    }
    Ok(if status.converged() { Status::Done } else { Status::NotConverged })
}

/// The same status; of those who are silent and never answered the order it says whether they have left.
fn with_leavers(operator: &mut Operator, mut status: OrderStatus) -> Result<OrderStatus, BusError> {
    let mut unheard: Vec<_> = status
        .exceptions
        .iter_mut()
        .filter(|(_, counts_as, why)| counts_as == "silent" && why.is_empty())
        .collect();
    if !unheard.is_empty() {
        let layout = operator.layout().clone();
        let agents = registry::agents(operator.bus(), &layout)?;
        for (name, _, why) in &mut unheard {
            let seen = Name::new(name).and_then(|name| agents.get(&name)?.state.as_ref());
            if seen.is_some_and(|state| state.status == LEFT) {
                LEFT.clone_into(why);
            }
        }
    }
    Ok(status)
}

/// A refused plan, as the injector told it.
pub(crate) fn refused(code: &str, message: &str) -> Failure {
    let failure = Failure::coded(Status::Refused, code, message);
    match Cause::ALL.iter().find(|cause| cause.code() == code) {
        Some(cause) => failure.note(cause.help()),
        None => failure,
    }
}
