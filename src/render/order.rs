//! Orders, trust files and keys, for people and for programs.

use serde_json::{Map, Value, json};
use swarm_bytecode::codec::digest_text;
use swarm_bytecode::quantity::{self, format_time};
use swarm_bytecode::types::TypeId;
use swarm_fleet::envelope::Envelope;
use swarm_fleet::order::{Limits, Order, Targets};
use swarm_fleet::trust::Trust;
use swarm_fleet::trust::document::Document;

use super::module::{row, rows};
use super::style::{bold, dim, name};
use super::text::{grouped, plural, safe};

/// An order's id in hexadecimal digits.
pub(crate) fn id_text(id: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(id))
}

/// An order, for people. Its names are plain by construction.
pub(crate) fn order_text(order: &Order) -> String {
    let mut text = String::new();
    row(
        &mut text,
        "order",
        &format!("{}, revision {}", id_text(order.id), bold(&order.revision.to_string())),
    );
    row(&mut text, "program", &bold(&format!("{} version {}", order.name, order.version)));
    row(&mut text, "digest", &digest_text(&order.digest));
    let module = match &order.module {
        Some(module) => format!("inside, {}", plural(module.len(), "byte")),
        None => "fetched by its digest".to_owned(),
    };
    row(&mut text, "module", &module);
    if let Some(replaced) = &order.replaces {
        row(&mut text, "rolls back", &digest_text(replaced));
    }
    row(&mut text, "fleet", &name(order.fleet.as_str()));
    row(&mut text, "targets", &targets_text(&order.targets));
    row(
        &mut text,
        "valid",
        &format!("{} to {}", format_time(order.not_before), format_time(order.not_after)),
    );
    let limits: Vec<String> =
        limits(&order.limits).into_iter().map(|(what, value)| format!("{what} {value}")).collect();
    let limits = if limits.is_empty() { dim("those of each agent") } else { limits.join(", ") };
    row(&mut text, "limits", &limits);
    if order.emergency {
        row(&mut text, "emergency", "keys that have run out do not count");
    }
    text
}

/// An order, for programs.
pub(crate) fn order_json(order: &Order) -> Value {
    let limits: Map<String, Value> =
        limits(&order.limits).into_iter().map(|(what, value)| (what.to_owned(), json!(value))).collect();
    json!({
        "id": id_text(order.id),
        "fleet": order.fleet.as_str(),
        "revision": order.revision.to_string(),
        "name": order.name.as_str(),
        "version": order.version,
        "digest": digest_text(&order.digest),
        "module_bytes": order.module.as_ref().map(Vec::len),
        "replaces": order.replaces.as_ref().map(digest_text),
        "targets": targets_json(&order.targets),
        "limits": limits,
        "not_before": format_time(order.not_before),
        "not_after": format_time(order.not_after),
        "emergency": order.emergency,
    })
}

/// The limits that are set, with their units.
fn limits(limits: &Limits) -> Vec<(&'static str, String)> {
    let quantity = |ty, value: u64| quantity::format(ty, i64::try_from(value).unwrap_or(i64::MAX));
    let all = [
        ("fuel", limits.fuel.map(|fuel| grouped(u128::from(fuel)))),
        ("memory", limits.memory_bytes.map(|value| quantity(TypeId::BYTES, value))),
        ("deadline", limits.deadline_ns.map(|value| quantity(TypeId::DURATION, value))),
        ("money", limits.money.map(|value| quantity(TypeId::MONEY, value))),
        ("tokens", limits.tokens.map(|value| quantity(TypeId::TOKENS, value))),
    ];
    all.into_iter().filter_map(|(what, value)| Some((what, value?))).collect()
}

fn targets_text(targets: &Targets) -> String {
    match targets {
        Targets::All => "all agents".to_owned(),
        Targets::Labels(labels) => {
            let labels: Vec<String> =
                labels.iter().map(|(label, value)| format!("{label}={value}")).collect();
            format!("agents with {}", labels.join(", "))
        }
        Targets::Frozen { count, digest } => {
            format!("{} agents by name, list {}", grouped(u128::from(*count)), digest_text(digest))
        }
    }
}

fn targets_json(targets: &Targets) -> Value {
    match targets {
        Targets::All => json!({ "kind": "all" }),
        Targets::Labels(labels) => {
            let labels: Map<String, Value> =
                labels.iter().map(|(label, value)| (label.to_string(), json!(value.as_str()))).collect();
            json!({ "kind": "labels", "labels": labels })
        }
        Targets::Frozen { count, digest } => {
            json!({ "kind": "names", "agents": count, "digest": digest_text(digest) })
        }
    }
}

/// A trust file, for people: what it says, and who of its roots has signed it.
pub(crate) fn trust_text(document: &Document, envelope: &Envelope) -> String {
    let mut text = String::new();
    row(&mut text, "fleet", &bold(&safe(&document.fleet)));
    row(&mut text, "version", &document.version.to_string());
    row(&mut text, "valid", &format!("{} to {}", safe(&document.issued), safe(&document.expires)));
    let roots: Vec<String> = document
        .roots
        .keys
        .iter()
        .map(|root| {
            let signed = if has_signed(&root.key, envelope) { "has signed" } else { "has not signed" };
            format!("{}  {}  {signed}", name(&safe(&root.owner)), dim(&key_text(&root.key)))
        })
        .collect();
    rows(&mut text, "roots", &roots);
    row(&mut text, "", &format!("{} of them must sign", plural_owners(document.roots.threshold)));
    let publishers: Vec<String> = document
        .publishers
        .iter()
        .map(|publisher| {
            let names = if publisher.names.iter().any(String::is_empty) {
                "all names".to_owned()
            } else {
                publisher.names.iter().map(|prefix| format!("{prefix}…")).collect::<Vec<_>>().join(", ")
            };
            let ceiling = if publisher.capabilities.is_empty() {
                "no capability".to_owned()
            } else {
                publisher.capabilities.join(", ")
            };
            let line = format!(
                "{}  {}  {}; {}; until {}",
                name(&safe(&publisher.owner)),
                dim(&key_text(&publisher.key)),
                safe(&names),
                safe(&ceiling),
                safe(&publisher.until)
            );
            line
        })
        .collect();
    rows(&mut text, "publishers", &publishers);
    let thresholds: Vec<String> = document
        .thresholds
        .iter()
        .map(|threshold| {
            let prefix =
                if threshold.prefix.is_empty() { "all names".into() } else { safe(&threshold.prefix) };
            format!("{}: {}", prefix, plural_owners(threshold.owners))
        })
        .collect();
    let by_radius = document.blast_radius.iter().map(|rule| {
        let above = grouped(u128::from(rule.above));
        format!("blast radius above {above}: {}", plural_owners(rule.owners))
    });
    rows(&mut text, "thresholds", &thresholds.into_iter().chain(by_radius).collect::<Vec<_>>());
    let floors: Vec<String> = document
        .floors
        .iter()
        .map(|floor| format!("{} version {}", safe(&floor.name), floor.version))
        .collect();
    rows(&mut text, "floors", &floors);
    let keys = document.revoked.keys.iter().map(|key| format!("key {}", safe(key)));
    let programs = document.revoked.digests.iter().map(|digest| format!("program {}", safe(digest)));
    rows(&mut text, "revoked", &keys.chain(programs).collect::<Vec<_>>());
    text
}

/// A trust file, for programs: the document as it is signed, and who has signed.
pub(crate) fn trust_json(document: &Document, envelope: &Envelope) -> Value {
    let signatures: Vec<String> = envelope.signatures().iter().map(|(id, _)| id.to_string()).collect();
    let signed = Trust::accept(envelope, None);
    json!({
        "trust": document,
        "signed_by": signatures,
        "signed": signed.is_ok(),
        "refusal": signed.err().map(|refusal| json!({ "code": refusal.code(), "message": refusal.message })),
    })
}

fn has_signed(key: &str, envelope: &Envelope) -> bool {
    key.parse().is_ok_and(|key| envelope.verified_by(&key))
}

fn key_text(key: &str) -> String {
    match key.parse::<swarm_fleet::key::PublicKey>() {
        Ok(key) => key.id().short(),
        Err(_) => "no key".to_owned(),
    }
}

fn plural_owners(count: u32) -> String {
    plural(usize::try_from(count).unwrap_or(usize::MAX), "owner")
}
