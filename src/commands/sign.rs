//! `swarmc sign`: a program becomes an order, or an order or a plan gets another signature.

use std::path::{Path, PathBuf};

use serde_json::json;
use swarm_bytecode::codec::{digest, strip};
use swarm_fleet::envelope::{self, Envelope, ORDER_TYPE};
use swarm_fleet::key::SecretKey;
use swarm_fleet::name::Name;
use swarm_fleet::order::{Limits, Order, Targets};
use swarm_fleet::time::DAY;

use super::plan;
use crate::cli::SignArguments;
use crate::program::{self, Loaded};
use crate::render::module::row;
use crate::render::order::{order_json, order_text};
use crate::render::{style, text};
use crate::status::{Failure, Fault, Status};
use crate::terminal::Terminal;
use crate::{files, keys};

/// Signs and says what was signed.
pub(crate) fn sign(arguments: &SignArguments, terminal: Terminal) -> Result<Status, Failure> {
    let signers = arguments.key.iter().map(|path| keys::read_secret(path)).collect::<Result<Vec<_>, _>>()?;
    let bytes = files::read_bytes(&arguments.file)?;
    if plan::is_plan(&bytes) {
        unchanged(arguments, "a plan")?;
        if arguments.dsse {
            return Err(Failure::usage(Fault::Arguments, "a plan has no form in JSON: leave --dsse away"));
        }
        return plan::sign(&arguments.file, &bytes, &arguments.key, arguments.output.as_deref(), terminal);
    }
    let in_json = bytes.trim_ascii_start().starts_with(b"{");
    let is_order = bytes.starts_with(&envelope::MAGIC) || in_json;
    let mut envelope = if is_order {
        already_signed(arguments, &bytes)?
    } else {
        match program::from_bytes(&arguments.file, bytes, swarmc::compiler::Options::default(), terminal)? {
            Some(loaded) => Envelope::new(ORDER_TYPE, order(arguments, loaded)?.encode()),
            None => return Ok(Status::Failed),
        }
    };
    // What is signed is what was decoded again, so that nothing is signed that no agent could read.
    let order =
        Order::decode(&envelope.payload).map_err(|refusal| keys::refused(&arguments.file, &refusal))?;
    for (signer, path) in signers.iter().zip(&arguments.key) {
        envelope.sign(signer).map_err(|refusal| keys::unfit(path, &refusal))?;
    }
    let output = match &arguments.output {
        Some(output) => output.clone(),
        None if is_order => arguments.file.clone(),
        None => default_output(&arguments.file),
    };
    let written = if arguments.dsse || (is_order && in_json) {
        envelope.to_json().into_bytes()
    } else {
        envelope.encode()
    };
    if files::is_standard(&output) {
        terminal.bytes(&written)?;
    } else {
        files::write(&output, &written)?;
    }
    tell(&order, &envelope, &signers, &output, written.len(), terminal)?;
    Ok(Status::Done)
}

fn tell(
    order: &Order,
    envelope: &Envelope,
    signers: &[SecretKey],
    output: &Path,
    size: usize,
    terminal: Terminal,
) -> Result<(), Failure> {
    let to_stdout = files::is_standard(output);
    let signed_by: Vec<String> = envelope.signatures().iter().map(|(id, _)| id.to_string()).collect();
    if terminal.json() && !to_stdout {
        let output = output.display().to_string();
        let document = json!({
            "output": output, "bytes": size, "order": order_json(order), "signed_by": signed_by,
        });
        return terminal.document(document);
    }
    let name = if to_stdout { "<stdout>".to_owned() } else { output.display().to_string() };
    let mut words = format!("{}  {}\n", style::good(&text::safe(&name)), text::plural(size, "byte"));
    words.push_str(&order_text(order));
    let own: Vec<_> = signers.iter().map(|signer| signer.public_key().id()).collect();
    let ids = envelope.signatures().iter().map(|(id, _)| {
        let when = if own.contains(id) { "now" } else { "before" };
        format!("key {}, {when}", id.short())
    });
    for (index, signature) in ids.enumerate() {
        row(&mut words, if index == 0 { "signed" } else { "" }, &signature);
    }
    if to_stdout {
        terminal.talk(&words);
        return Ok(());
    }
    terminal.data(&words)
}

fn already_signed(arguments: &SignArguments, bytes: &[u8]) -> Result<Envelope, Failure> {
    unchanged(arguments, "an order")?;
    let envelope = Envelope::read(bytes).map_err(|refusal| keys::refused(&arguments.file, &refusal))?;
    envelope.check_type(ORDER_TYPE).map_err(|refusal| keys::refused(&arguments.file, &refusal))?;
    Ok(envelope)
}

/// What is signed too stays as it is: what would say something else about it is an error.
fn unchanged(arguments: &SignArguments, what: &str) -> Result<(), Failure> {
    let says = [
        ("--fleet", arguments.fleet.is_some()),
        ("--revision", arguments.revision.is_some()),
        ("--targets", arguments.targets.is_some()),
        ("--starts", arguments.starts.is_some()),
        ("--expires", arguments.expires.is_some()),
        ("--replaces", arguments.replaces.is_some()),
        ("--emergency", arguments.emergency),
        ("--id", arguments.id.is_some()),
        ("--digest-only", arguments.digest_only),
        ("--fuel", arguments.fuel.is_some()),
        ("--memory", arguments.memory.is_some()),
        ("--deadline", arguments.deadline.is_some()),
        ("--budget", arguments.budget.is_some()),
        ("--tokens", arguments.tokens.is_some()),
    ];
    if let Some((option, _)) = says.iter().find(|(_, given)| *given) {
        let file = files::display_name(&arguments.file);
        let message = format!("{file} is {what} already; {option} cannot change it");
        return Err(Failure::usage(Fault::Arguments, message)
            .file(file)
            .note(format!("sign it as it is, or make {what} anew")));
    }
    Ok(())
}

/// The order for a program.
fn order(arguments: &SignArguments, loaded: Loaded) -> Result<Order, Failure> {
    let missing = |option: &str, example: &str| {
        Failure::usage(Fault::Arguments, format_args!("an order needs {option}"))
            .note(format!("such as {example}"))
    };
    let fleet = arguments.fleet.clone().ok_or_else(|| missing("a fleet", "--fleet demo"))?;
    let revision = arguments.revision.ok_or_else(|| missing("a revision", "--revision 1.1"))?;
    let validity = arguments.expires.unwrap_or(DAY);
    if validity == 0 {
        let message = "an order that ends when it begins is good for nothing";
        return Err(
            Failure::usage(Fault::Arguments, message).note("say how long it is valid: `--expires 24h`")
        );
    }
    let header = &loaded.module.instruction;
    let Some(name) = Name::new(&header.name) else {
        let message = format!("the program's name `{}` cannot be ordered by", header.name);
        return Err(Failure::usage(Fault::Arguments, message)
            .note("begin the program with INSTRUCTION and a name of at most 64 of A-Z a-z 0-9 . _ -"));
    };
    // Agents have no use for names and places in the source; without them the digest covers every byte.
    let module = strip(&loaded.bytes).unwrap_or(loaded.bytes);
    let not_before = arguments.starts.unwrap_or_else(|| keys::whole_seconds(keys::now()));
    let limit = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
    Ok(Order {
        id: match arguments.id {
            Some(id) => id.0,
            None => *keys::random()?,
        },
        fleet,
        revision,
        name,
        version: header.version,
        digest: digest(&module),
        module: (!arguments.digest_only).then_some(module),
        replaces: arguments.replaces.map(|digest| digest.0),
        targets: arguments.targets.as_deref().map_or(Ok(Targets::All), keys::read_targets)?,
        limits: Limits {
            fuel: limit(arguments.fuel),
            memory_bytes: limit(arguments.memory),
            deadline_ns: limit(arguments.deadline),
            money: limit(arguments.budget),
            tokens: limit(arguments.tokens),
        },
        not_before,
        not_after: not_before.saturating_add(validity),
        emergency: arguments.emergency,
    })
}

/// FILE's name with `.order`, in the current directory; of standard input `out.order`.
fn default_output(file: &Path) -> PathBuf {
    let stem = if files::is_standard(file) { None } else { file.file_stem() };
    PathBuf::from(stem.unwrap_or("out".as_ref())).with_added_extension("order")
}
