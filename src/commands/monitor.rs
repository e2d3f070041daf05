//! `swarmc monitor`: follows an order's figures, and tells them on the bus.

use std::time::Duration;

use swarm_bus::{Position, Version};
use swarm_fleet::injector::Phase;
use swarm_fleet::plan::Plan;
use swarm_node::layout::{ALERTS, HEALTH, HISTORY, KEEP, METRICS, READ};
use swarm_node::operator::Operator;
use swarm_node::watcher::Watcher;
use swarm_node::{NodeError, roster};

use crate::cli::LookArguments;
use crate::fleet::{failure, open};
use crate::status::{Failure, Status};
use crate::terminal::Terminal;

/// How often windows are put together.
const WINDOW: Duration = Duration::from_secs(5);

/// Runs until it is killed; it keeps nothing that is not on the bus.
pub(crate) fn monitor(arguments: &LookArguments, terminal: Terminal) -> Result<Status, Failure> {
    let mut operator = Operator::new(&arguments.fleet, open(&arguments.bus.bus)?);
    terminal.talk(&format!("monitor of fleet {}\n", arguments.fleet));
    let mut followed: Option<Followed> = None;
    loop {
        match round(&mut operator, &mut followed) {
            // A bus that is away comes back.
            Ok(()) | Err(NodeError::Bus(swarm_bus::BusError::Away(_))) => std::thread::sleep(WINDOW),
            Err(error) => return Err(failure(&error)),
        }
    }
}

struct Followed {
    order: [u8; 16],
    watcher: Watcher,
    windows: Option<Position>,
    alerts: usize,
    /// Versions of the values it writes.
    health: Version,
    history: Version,
}

fn round(operator: &mut Operator, followed: &mut Option<Followed>) -> Result<(), NodeError> {
    let Some(directive) = operator.desired()? else { return Ok(()) };
    let plan = Plan::decode(&directive.plan().payload)?;
    if followed.as_ref().is_none_or(|own| own.order != plan.order.id) {
        let module = plan.order.module.as_deref().unwrap_or_default();
        let program = swarm_bytecode::verify::Verified::load(module)
            .map_err(|error| NodeError::Other(format!("the module is refused: {error}")))?;
        let watcher = Watcher::new(&program, &plan.context, plan.order.id, directive.targets())?;
        *followed = Some(Followed {
            order: plan.order.id,
            watcher,
            windows: None,
            alerts: 0,
            health: None,
            history: None,
        });
    }
    let Some(own) = followed else { return Ok(()) };
    let layout = operator.layout().clone();
    loop {
        let entries = operator.bus().read(&layout.windows, own.windows, READ)?;
        for entry in &entries {
            own.windows = Some(entry.position);
            own.watcher.take(&entry.bytes);
        }
        if entries.len() < READ {
            break;
        }
    }
    let status = operator.status()?.unwrap_or_default();
    let accounting = status.reached.accounting();
    own.watcher.close(status.now_ns, accounting.error_rate());
    let monitor = own.watcher.monitor();
    operator.bus().append(METRICS, &[&monitor.metrics_document(status.now_ns)], KEEP)?;
    // Without an injector no one knows where the order stands.
    if let Some(phase) = Phase::of(&status.phase) {
        let health = monitor.health_document(status.now_ns, phase, accounting);
        roster::put(operator.bus(), HEALTH, &mut own.health, &health)?;
    }
    roster::put(operator.bus(), HISTORY, &mut own.history, &monitor.history_document())?;
    for alert in monitor.alerts().iter().skip(own.alerts) {
        let alert = monitor.alert_document(alert, own.watcher.module());
        operator.bus().append(ALERTS, &[&alert], KEEP)?;
    }
    own.alerts = monitor.alerts().len();
    Ok(())
}
