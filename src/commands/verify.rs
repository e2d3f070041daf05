//! `swarmc verify`: an order, checked as an agent would.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use swarm_fleet::refusal::Refusal;
use swarm_fleet::state::HighWaterMark;
use swarm_fleet::trust::{Capabilities, Trust};
use swarm_fleet::verify::{Accepted, Audience, Mode, Receiver, capabilities};

use crate::cli::{TrustMode, VerifyArguments};
use crate::render::module::{row, rows};
use crate::render::order::{order_json, order_text};
use crate::render::style;
use crate::render::text::safe;
use crate::status::{Failure, Status};
use crate::terminal::Terminal;
use crate::{files, keys};

/// Checks it and says what it is, or why it is refused.
pub(crate) fn verify(arguments: &VerifyArguments, terminal: Terminal) -> Result<Status, Failure> {
    files::one_standard_input([&arguments.file, &arguments.trust].into_iter().chain(&arguments.roots))?;
    let trust = accept_trust(arguments)?;
    let mark = arguments.state.as_deref().map_or_else(|| Ok(HighWaterMark::default()), read_state)?;
    let module = arguments.module.as_deref().map(files::read_bytes).transpose()?;
    let names = arguments.names.as_deref().map(keys::read_names).transpose()?;
    let labels: BTreeMap<_, _> = arguments.label.iter().cloned().collect();
    let audience = match &arguments.agent {
        Some(name) => Audience::Agent { name, labels: &labels, names: names.as_deref() },
        None => Audience::Anyone,
    };
    let receiver = Receiver {
        trust: &trust,
        mark: &mark,
        clock: arguments.now.unwrap_or_else(keys::now),
        audience,
        grants: &grants(arguments.grant.as_deref()),
        module: module.as_deref(),
        mode: match arguments.mode {
            TrustMode::Strict => Mode::Strict,
            TrustMode::Permissive => Mode::Permissive,
            TrustMode::Audit => Mode::Audit,
        },
    };
    let envelope = keys::read_envelope(&arguments.file)?;
    let accepted = swarm_fleet::verify::verify(&envelope, &receiver)
        .map_err(|refusal| keys::refused(&arguments.file, &refusal))?;
    // What was overlooked is for looking at: nothing is remembered of it.
    if let Some(state) = &arguments.state
        && accepted.overlooked().is_empty()
    {
        files::write(state, &accepted.mark().encode())?;
    }
    tell(&accepted, &trust, arguments, terminal)?;
    Ok(Status::Done)
}

/// Follows the chain of trust files, oldest first.
fn accept_trust(arguments: &VerifyArguments) -> Result<Trust, Failure> {
    let mut held: Option<Trust> = None;
    for path in arguments.roots.iter().chain([&arguments.trust]) {
        let envelope = keys::read_envelope(path)?;
        let trust =
            Trust::accept(&envelope, held.as_ref()).map_err(|refusal| keys::refused(path, &refusal))?;
        held = Some(trust);
    }
    held.ok_or_else(|| Failure::usage(crate::status::Fault::Arguments, "a trust file is needed"))
}

/// What was accepted before: nothing, where there is no such file yet.
fn read_state(path: &Path) -> Result<HighWaterMark, Failure> {
    if !path.exists() {
        return Ok(HighWaterMark::default());
    }
    HighWaterMark::decode(&files::read_bytes(path)?).map_err(|refusal| keys::unfit(path, &refusal))
}

fn grants(names: Option<&[String]>) -> Capabilities {
    match names {
        Some(names) if !names.iter().any(|name| name == "all") => {
            Capabilities::Only(names.iter().filter(|name| !name.is_empty()).map(Into::into).collect())
        }
        _ => Capabilities::All,
    }
}

fn tell(
    accepted: &Accepted,
    trust: &Trust,
    arguments: &VerifyArguments,
    terminal: Terminal,
) -> Result<(), Failure> {
    let asked: Vec<String> = capabilities(accepted.module()).iter().map(ToString::to_string).collect();
    let pinned = !arguments.roots.is_empty();
    if terminal.json() {
        let signers: Vec<Value> = accepted
            .signers()
            .iter()
            .map(|signer| json!({ "owner": signer.owner.as_str(), "key_id": signer.key.to_string() }))
            .collect();
        let overlooked: Vec<Value> = accepted.overlooked().iter().map(refusal_json).collect();
        return terminal.document(json!({
            "accepted": true, "order": order_json(accepted.order()), "capabilities": asked, "signers": signers,
            "trust": { "fleet": trust.fleet().as_str(), "version": trust.version(), "roots_pinned": pinned },
            "targets_checked": arguments.agent.is_some(), "overlooked": overlooked,
        }));
    }
    let file = files::display_name(&arguments.file);
    let verdict = if accepted.overlooked().is_empty() {
        style::good("is accepted")
    } else {
        style::warning("would be refused in strict mode")
    };
    let mut text = format!("{} {verdict}\n{}", safe(&file), order_text(accepted.order()));
    let asked: Vec<String> = asked.iter().map(|capability| style::name(&safe(capability))).collect();
    row(&mut text, "asks for", &if asked.is_empty() { style::dim("nothing") } else { asked.join(", ") });
    let signers: Vec<String> = accepted
        .signers()
        .iter()
        .map(|signer| format!("{}, key {}", signer.owner, signer.key.short()))
        .collect();
    rows(&mut text, "signed by", &signers);
    row(&mut text, "trust", &format!("version {} of fleet {}", trust.version(), trust.fleet()));
    for refusal in accepted.overlooked() {
        row(
            &mut text,
            "overlooked",
            &format!("{} {}", style::warning(refusal.code()), safe(&refusal.message)),
        );
    }
    terminal.data(&text)?;
    if !pinned {
        terminal.talk(
            "note: the trust file is believed about its own roots; `--roots` holds it against earlier ones\n",
        );
    }
    Ok(())
}

fn refusal_json(refusal: &Refusal) -> Value {
    json!({ "code": refusal.code(), "message": refusal.message, "help": refusal.help() })
}
