//! `swarmc trust`: the file that says whose signature counts. It is one DSSE envelope from its first draft on.

use std::path::Path;

use serde_json::Value;
use swarm_bytecode::codec::digest_text;
use swarm_bytecode::quantity::format_time;
use swarm_fleet::envelope::{Envelope, TRUST_TYPE};
use swarm_fleet::trust::Trust;
use swarm_fleet::trust::document::{
    BlastRadiusDocument, Document, FORMAT, FloorDocument, PublisherDocument, RevokedDocument, RootDocument,
    RootsDocument, ThresholdDocument,
};

use crate::cli::{
    TrustAddArguments, TrustCommand, TrustNewArguments, TrustShowArguments, TrustSignArguments,
};
use crate::render::order::{trust_json, trust_text};
use crate::render::style;
use crate::render::text::safe;
use crate::status::{Failure, Status};
use crate::terminal::Terminal;
use crate::{files, keys};

/// Does what the command says.
pub(crate) fn trust(command: &TrustCommand, terminal: Terminal) -> Result<Status, Failure> {
    match command {
        TrustCommand::New(arguments) => new(arguments, terminal),
        TrustCommand::Add(arguments) => add(arguments, terminal),
        TrustCommand::Sign(arguments) => sign(arguments, terminal),
        TrustCommand::Show(arguments) => show(arguments, terminal),
    }
}

fn new(arguments: &TrustNewArguments, terminal: Terminal) -> Result<Status, Failure> {
    if arguments.output.exists() {
        return Err(keys::exists(&arguments.output));
    }
    let roots = arguments.root.iter().map(|path| root(path)).collect::<Result<_, _>>()?;
    let mut document = Document {
        format: FORMAT,
        fleet: arguments.fleet.to_string(),
        version: 1,
        issued: String::new(),
        expires: String::new(),
        roots: RootsDocument { threshold: arguments.root_threshold, keys: roots },
        publishers: Vec::new(),
        thresholds: Vec::new(),
        blast_radius: Vec::new(),
        revoked: RevokedDocument::default(),
        floors: Vec::new(),
    };
    renew(&mut document, arguments.expires);
    write_draft(&arguments.output, &document, terminal)
}

fn root(path: &Path) -> Result<RootDocument, Failure> {
    let (key, owner) = keys::read_owned(path)?;
    Ok(RootDocument { key: key.to_string(), owner: owner.to_string() })
}

fn add(arguments: &TrustAddArguments, terminal: Terminal) -> Result<Status, Failure> {
    let (envelope, mut document) = read(&arguments.file)?;
    if !envelope.signatures().is_empty() {
        document.version = document.version.saturating_add(1);
    }
    renew(&mut document, arguments.expires);
    if let Some(path) = &arguments.publisher {
        add_publisher(&mut document, path, arguments)?;
    }
    for (prefix, owners) in &arguments.threshold {
        document.thresholds.retain(|threshold| threshold.prefix != *prefix);
        document.thresholds.push(ThresholdDocument { prefix: prefix.clone(), owners: *owners });
    }
    for (above, owners) in &arguments.blast_radius {
        document.blast_radius.retain(|rule| rule.above != *above);
        document.blast_radius.push(BlastRadiusDocument { above: *above, owners: *owners });
    }
    for (name, version) in &arguments.floor {
        document.floors.retain(|floor| floor.name != name.as_str());
        document.floors.push(FloorDocument { name: name.to_string(), version: *version });
    }
    add_digests(&mut document.revoked.keys, &arguments.revoke_key);
    add_digests(&mut document.revoked.digests, &arguments.revoke_program);
    for path in &arguments.root {
        let root = root(path)?;
        document.roots.keys.retain(|known| known.key != root.key);
        document.roots.keys.push(root);
    }
    for path in &arguments.drop_root {
        let key = keys::read_public(path)?.key.to_string();
        document.roots.keys.retain(|known| known.key != key);
    }
    if let Some(threshold) = arguments.root_threshold {
        document.roots.threshold = threshold;
    }
    write_draft(arguments.output.as_deref().unwrap_or(&arguments.file), &document, terminal)
}

fn add_publisher(document: &mut Document, path: &Path, arguments: &TrustAddArguments) -> Result<(), Failure> {
    let (key, owner) = keys::read_owned(path)?;
    let key = key.to_string();
    let now = keys::now();
    let names = if arguments.names.is_empty() { vec![String::new()] } else { arguments.names.clone() };
    document.publishers.retain(|known| known.key != key);
    document.publishers.push(PublisherDocument {
        key,
        owner: owner.to_string(),
        from: format_time(keys::whole_seconds(now)),
        until: format_time(keys::whole_seconds(now.saturating_add(arguments.valid))),
        names,
        capabilities: arguments.capabilities.clone(),
    });
    Ok(())
}

fn add_digests(known: &mut Vec<String>, added: &[crate::cli::Digest]) {
    for digest in added {
        let text = digest_text(&digest.0);
        if !known.contains(&text) {
            known.push(text);
        }
    }
}

fn sign(arguments: &TrustSignArguments, terminal: Terminal) -> Result<Status, Failure> {
    let (mut envelope, document) = read(&arguments.file)?;
    let trust = Trust::read(&envelope.payload).map_err(|refusal| keys::refused(&arguments.file, &refusal))?;
    let mut former = Vec::new();
    for path in &arguments.key {
        let key = keys::read_secret(path)?;
        envelope.sign(&key).map_err(|refusal| keys::unfit(path, &refusal))?;
        if !trust.is_root(&key.public_key().id()) {
            former.push(safe(&files::display_name(path)).into_owned());
        }
    }
    files::write(&arguments.file, envelope.to_json().as_bytes())?;
    let status = tell(&arguments.file, &document, &envelope, terminal)?;
    for name in former {
        terminal
            .talk(&format!("note: {name} is no root of this file; it counts only if it was one before\n"));
    }
    Ok(status)
}

fn show(arguments: &TrustShowArguments, terminal: Terminal) -> Result<Status, Failure> {
    let (envelope, document) = read(&arguments.file)?;
    tell(&arguments.file, &document, &envelope, terminal)
}

/// A trust file that need not be signed yet.
fn read(path: &Path) -> Result<(Envelope, Document), Failure> {
    let envelope = keys::read_envelope(path)?;
    let document = envelope.check_type(TRUST_TYPE).and_then(|()| Document::from_payload(&envelope.payload));
    match document {
        Ok(document) => Ok((envelope, document)),
        Err(refusal) => Err(keys::refused(path, &refusal)),
    }
}

/// Every change renews the file: it is signed anew anyway.
fn renew(document: &mut Document, validity: i64) {
    let now = keys::now();
    document.issued = format_time(keys::whole_seconds(now));
    document.expires = format_time(keys::whole_seconds(now.saturating_add(validity)));
}

/// Writes a file that has to be signed, if it makes sense.
fn write_draft(path: &Path, document: &Document, terminal: Terminal) -> Result<Status, Failure> {
    let payload = document.to_payload();
    Trust::read(&payload).map_err(|refusal| keys::unfit(path, &refusal))?;
    let envelope = Envelope::new(TRUST_TYPE, payload);
    files::write(path, envelope.to_json().as_bytes())?;
    tell(path, document, &envelope, terminal)
}

fn tell(
    path: &Path,
    document: &Document,
    envelope: &Envelope,
    terminal: Terminal,
) -> Result<Status, Failure> {
    if terminal.json() {
        let mut whole = trust_json(document, envelope);
        if let Value::Object(members) = &mut whole {
            members.insert("file".into(), files::display_name(path).into());
        }
        terminal.document(whole)?;
        return Ok(Status::Done);
    }
    let name = files::display_name(path);
    let verdict = match Trust::accept(envelope, None) {
        Ok(_) => style::good("is signed"),
        Err(refusal) => style::warning(&format!("is not signed: {}", safe(&refusal.message))),
    };
    terminal.data(&format!("{} {verdict}\n{}", safe(&name), trust_text(document, envelope)))?;
    Ok(Status::Done)
}
