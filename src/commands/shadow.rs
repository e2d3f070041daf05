//! What `inject --shadow` and `simulate --shadow` tell: how a program in shadow differs from the one that runs.

use std::time::{Duration, Instant};

use serde_json::{Map, Value as Json, json};
use swarm_bytecode::module::Metric;
use swarm_bytecode::verify::Verified;
use swarm_fleet::injector::Accounting;
use swarm_fleet::plan::Plan;
use swarm_fleet::shadow::Comparisons;
use swarm_node::operator::Operator;
use swarm_node::status::Status as OrderStatus;
use swarm_node::submission::Submission;

use super::plan::program_of;
use crate::fleet::no_bus;
use crate::render::order::id_text;
use crate::render::shadow::Shadow;
use crate::status::{Failure, Status};
use crate::terminal::Terminal;

/// How long after its time the last word of an agent is waited for.
const GRACE: Duration = Duration::from_secs(5);

/// Waits for the last words of all agents that ran a shadow, and tells how it differs.
pub(super) fn finish(
    operator: &mut Operator,
    mut comparisons: Comparisons,
    (submission, plan): (&Submission, &Plan),
    status: &OrderStatus,
    terminal: Terminal,
) -> Result<Status, Failure> {
    let begun = Instant::now();
    loop {
        operator.compared(&mut comparisons).map_err(|error| no_bus(&error))?;
        let all = usize::try_from(status.reached.active).is_ok_and(|active| comparisons.over() >= active);
        let left = GRACE.saturating_sub(begun.elapsed());
        if all || left.is_zero() {
            break;
        }
        operator.wait(left.min(Duration::from_millis(100))).map_err(|error| no_bus(&error))?;
    }
    let accounting = status.reached.accounting();
    tell(&comparisons, plan, submission.former.as_deref(), accounting, terminal)?;
    let all = status.settled() && status.reached.not_active() == 0;
    Ok(if all { Status::Done } else { Status::NotConverged })
}

/// Tells how a program in shadow differs from the one a rollback of its plan would put back.
pub(super) fn tell(
    comparisons: &Comparisons,
    plan: &Plan,
    former: Option<&[u8]>,
    accounting: Accounting,
    terminal: Terminal,
) -> Result<(), Failure> {
    let new = program_of(plan)?;
    let former = former.and_then(|bytes| Verified::load(bytes).ok());
    let old: Option<(_, &[Metric])> =
        former.as_ref().map(|former| (former.digest(), former.module().metrics.as_slice()));
    let difference = comparisons.difference(old, &new.module().metrics);
    let shadow = Shadow {
        difference: &difference,
        old: old.map_or(&[], |(_, metrics)| metrics),
        new: &new.module().metrics,
    };
    let Accounting { targets, active, refused, failed, silent } = accounting;
    if terminal.json() {
        let mut document = Map::new();
        document.insert("order".into(), id_text(plan.order.id).into());
        let reached = json!({
            "targets": targets, "active": active, "refused": refused, "failed": failed, "silent": silent,
        });
        document.insert("reached".into(), reached);
        document.insert("shadow".into(), shadow.for_programs());
        return terminal.document(Json::Object(document));
    }
    let reached = format!(
        "  {targets} targets reached = {active} active + {refused} refused + {failed} failed + {silent} silent\n"
    );
    terminal.data(&format!("{}\n{reached}", shadow.for_people()))
}
