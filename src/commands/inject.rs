//! `swarmc inject`: a plan goes out, wave by wave, until it has converged or went back.

use std::time::{Duration, Instant};

use swarm_bus::Bus;
use swarm_fleet::name::Name;
use swarm_fleet::shadow::Comparisons;
use swarm_node::operator::Operator;
use swarm_node::status::Status as OrderStatus;
use swarm_node::submission::Submission;

use super::{plan, steps};
use crate::cli::InjectArguments;
use crate::fleet::embedded::Embedded;
use crate::fleet::{failure, no_bus, open, positive};
use crate::render::order::id_text;
use crate::render::progress::Watch;
use crate::status::{Failure, Fault, Status};
use crate::terminal::Terminal;
use crate::{files, keys};

/// How long an injector has to say whether it takes a plan.
const ANSWER: Duration = Duration::from_secs(15);

/// How often a status is looked at that no hint told of.
const LOOK: Duration = Duration::from_millis(200);

/// Sends a plan, and watches what comes of it.
pub(crate) fn inject(arguments: &InjectArguments, terminal: Terminal) -> Result<Status, Failure> {
    if arguments.bus.bus.starts_with("memory:") {
        let Some(embedded) = Embedded::start(arguments, terminal)? else { return Ok(Status::Failed) };
        let (bus, submission) = embedded.parts()?;
        return send(bus, &submission, arguments.timeout, terminal);
    }
    let bytes = files::read_bytes(&arguments.file)?;
    let mut bus = Some(open(&arguments.bus.bus)?);
    let submission = if plan::is_plan(&bytes) {
        Some(plan::read(&arguments.file, &bytes)?)
    } else {
        plan::make(&arguments.file, &arguments.making, &mut bus, terminal)?
    };
    match (submission, bus) {
        (Some(submission), Some(bus)) => send(bus, &submission, arguments.timeout, terminal),
        _ => Ok(Status::Failed),
    }
}

fn send(
    bus: Box<dyn Bus>,
    submission: &Submission,
    timeout: i64,
    terminal: Terminal,
) -> Result<Status, Failure> {
    let plan = submission.plan().map_err(|refusal| keys::refused("the plan".as_ref(), &refusal))?;
    let fleet: Name = plan.order.fleet.clone();
    let mut operator = Operator::new(&fleet, bus);
    // Who listens first misses nothing.
    operator.wait(Duration::ZERO).map_err(|error| no_bus(&error))?;
    let answer = operator.submit(submission, ANSWER).map_err(|error| failure(&error))?;
    match answer.map(|answer| answer.refused) {
        Some(None) => {}
        Some(Some((code, message))) => return Err(steps::refused(&code, &message)),
        None => {
            let message = format!("no injector of fleet {fleet} said whether it takes the plan");
            return Err(Failure::usage(Fault::NoReply, message)
                .note("look whether `swarmc injector` runs; it takes the plan when it does"));
        }
    }
    let order = id_text(plan.order.id);
    let watch = Watch::new();
    let mut shadow = plan.shadow.map(|_| Comparisons::new(plan.order.id));
    let patience = Duration::from_nanos(positive(timeout));
    let status = follow(&mut operator, &order, patience, &watch, shadow.as_mut());
    watch.done();
    match (status?, shadow) {
        (Some(status), Some(told)) => {
            super::shadow::finish(&mut operator, told, (submission, &plan), &status, terminal)
        }
        (status, _) => told(&mut operator, status, terminal),
    }
}

/// Prints how the order stands in the end.
fn told(operator: &mut Operator, status: Option<OrderStatus>, terminal: Terminal) -> Result<Status, Failure> {
    match status {
        Some(status) => steps::tell(operator, &status, terminal),
        None => Err(Failure::coded(
            Status::NotConverged,
            Fault::NoReply.code(),
            "the injector took the plan, and does not tell how it stands",
        )),
    }
}

/// Watches an order until it is settled, or the time is over.
fn follow(
    operator: &mut Operator,
    order: &str,
    patience: Duration,
    watch: &Watch,
    mut shadow: Option<&mut Comparisons>,
) -> Result<Option<OrderStatus>, Failure> {
    let begun = Instant::now();
    let mut last: Option<OrderStatus> = None;
    loop {
        // A bus that is away comes back.
        if let Some(told) = &mut shadow {
            let _read = operator.compared(told);
        }
        let status = operator.status().ok().flatten().filter(|status| status.order == order);
        if let Some(status) = status {
            watch.show(&status);
            let over = status.settled() && status.reached.silent == 0;
            last = Some(status);
            if over {
                return Ok(last);
            }
        }
        let left = patience.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Ok(last);
        }
        if operator.wait(left.min(LOOK)).is_err() {
            std::thread::sleep(left.min(LOOK));
        }
    }
}
