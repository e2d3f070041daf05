//! A plan, before it goes out: for people and for programs.

use serde_json::{Map, Value, json};
use swarm_bytecode::codec::digest_text;
use swarm_compiler::bound::{Report, fleet};
use swarm_fleet::plan::Plan;
use swarm_fleet::verify::capabilities;
use swarm_fleet::verify::radius::BlastRadius;
use swarm_node::submission::Submission;

use super::amount;
use super::changes::Changes;
use super::module::{row, rows};
use super::order::{order_json, order_text};
use super::style::{bold, dim};
use super::text::{cut, grouped, plural, safe};
use crate::commands::program_of;
use crate::status::Failure;

/// Targets named before the rest is only counted.
const MOST_NAMED: usize = 4;

/// What a plan costs at most and asks for, and what it would replace.
struct Facts {
    agent: Option<u64>,
    whole: Option<u64>,
    radius: BlastRadius,
    asked: Vec<String>,
    former: Option<Former>,
}

/// What a rollback puts back.
struct Former {
    version: u32,
    digest: String,
    /// `None`: its module did not come along.
    changes: Option<Changes>,
}

fn facts(plan: &Plan, submission: &Submission) -> Result<Facts, Failure> {
    let program = program_of(plan)?;
    let sum = Report { order: program.module().bound.clone(), ..Report::default() };
    let targets = u64::from(plan.targets());
    let bill = fleet(&sum, program.module(), Some(targets), &std::collections::BTreeMap::new());
    let asked = capabilities(&program).iter().map(ToString::to_string).collect();
    let before =
        submission.former.as_deref().and_then(|bytes| swarm_bytecode::verify::Verified::load(bytes).ok());
    let former = plan.former.as_ref().map(|former| Former {
        version: former.version,
        digest: digest_text(&former.digest),
        changes: before.as_ref().map(|before| Changes::between(before.module(), program.module())),
    });
    let radius = BlastRadius::of(&plan.order, &program);
    Ok(Facts { agent: bill.agent.money, whole: bill.fleet.money, radius, asked, former })
}

/// For people; with the file's name and size, where it was written.
pub(crate) fn plan_text(
    plan: &Plan,
    submission: &Submission,
    file: Option<(String, usize)>,
) -> Result<String, Failure> {
    let facts = facts(plan, submission)?;
    let mut text = String::new();
    if let Some((name, size)) = file {
        text.push_str(&format!("{}  {}\n", bold(&safe(&name)), plural(size, "byte")));
    }
    text.push_str(&order_text(&plan.order));
    let shown: Vec<&str> = submission.targets.iter().take(MOST_NAMED).map(|name| name.as_str()).collect();
    let rest = submission.targets.len().saturating_sub(shown.len());
    let more = if rest == 0 { String::new() } else { dim(&format!(" and {} more", grouped(rest as u128))) };
    row(&mut text, "first are", &format!("{}{more}", shown.join(", ")));
    let waves: Vec<String> = plan.waves.iter().map(|reach| grouped((*reach).into())).collect();
    let seconds = plan.gate.after_ns / 1_000_000_000;
    let after = if seconds == 0 { String::new() } else { format!(", a gate {seconds}s after each") };
    let fails = if plan.gate.rolls_back { "rolls back" } else { "halts" };
    match plan.shadow {
        Some(shadow_ns) => {
            let lasts = super::fleet::duration(shadow_ns);
            row(&mut text, "in shadow", &format!("for {lasts}, all at once; nothing is performed"));
        }
        None => {
            let waves = format!("reach {}{after}; a gate that fails {fails}", waves.join(", "));
            row(&mut text, "waves", &waves);
        }
    }
    let money =
        |amount: Option<u64>| amount.map_or_else(|| "unbounded".to_owned(), |own| amount::money(own.into()));
    row(
        &mut text,
        "bill",
        &format!("at most {} an agent, {} the fleet", money(facts.agent), money(facts.whole)),
    );
    if facts.radius.actions > 0 {
        let radius = format!("{}: {}", facts.radius, grouped(u128::from(facts.radius.product())));
        row(&mut text, "radius", &radius);
    }
    if plan.context != "{}" && !plan.context.is_empty() {
        row(&mut text, "context", &cut(&safe(&plan.context), 100));
    }
    let asked: Vec<String> = facts.asked.iter().map(|own| safe(own).into_owned()).collect();
    rows(&mut text, "asks for", &asked);
    match &facts.former {
        None => row(&mut text, "replaces", "nothing: a rollback leaves nothing running"),
        Some(Former { version, digest, changes }) => {
            row(&mut text, "replaces", &format!("version {version}, {digest}"));
            rows(&mut text, "changes", &changes.as_ref().map(Changes::rows).unwrap_or_default());
        }
    }
    row(&mut text, "steps by", &format!("key {}", plan.injector.id().short()));
    let signers = submission.envelope.signatures().iter().map(|(id, _)| format!("key {}", id.short()));
    rows(&mut text, "signed by", &signers.collect::<Vec<_>>());
    Ok(text)
}

/// For programs.
pub(crate) fn plan_json(plan: &Plan, submission: &Submission) -> Result<Map<String, Value>, Failure> {
    let facts = facts(plan, submission)?;
    let former = facts.former.map(|former| {
        let changes = former.changes.as_ref().map(Changes::json);
        json!({ "version": former.version, "digest": former.digest, "changes": changes })
    });
    let document = json!({
        "order": order_json(&plan.order),
        "targets": submission.targets.iter().map(|name| name.as_str()).collect::<Vec<_>>(),
        "waves": plan.waves,
        "gate": {
            "after_ns": plan.gate.after_ns, "patience_ns": plan.gate.patience_ns,
            "minimum_sample": plan.gate.minimum_sample, "rolls_back": plan.gate.rolls_back,
        },
        "bill": { "agent_money": facts.agent, "fleet_money": facts.whole },
        "blast_radius": { "once_actions": facts.radius.actions, "product": facts.radius.product() },
        "capabilities": facts.asked,
        "context": serde_json::from_str::<Value>(&plan.context).unwrap_or_default(),
        "former": former,
        "injector": plan.injector.id().to_string(),
        "signed_by": submission.envelope.signatures().iter().map(|(id, _)| id.to_string()).collect::<Vec<_>>(),
    });
    match document {
        Value::Object(members) => Ok(members),
        _ => Ok(Map::new()),
    }
}
