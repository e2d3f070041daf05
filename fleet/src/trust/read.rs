//! From the trust file's JSON to values that make sense.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use smol_str::SmolStr;
use swarm_bytecode::quantity::parse_time;

use super::document::{Document, PublisherDocument, RootsDocument};
use super::{Capabilities, MAX_KEY_VALIDITY, MAX_VALIDITY, Publisher, Roots, Trust};
use crate::envelope::MAX_SIGNATURES;
use crate::key::{KeyId, PublicKey, parse_digest};
use crate::name::{Name, is_prefix, names_a_fleet};
use crate::refusal::{Cause, Refusal};

type Result<T> = std::result::Result<T, Refusal>;

pub(super) fn read(payload: &[u8]) -> Result<Trust> {
    let document = Document::from_payload(payload)?;
    let (issued, expires) = window("the trust file", &document.issued, &document.expires, MAX_VALIDITY)?;
    ensure(document.version > 0, "versions begin at 1")?;
    let roots = roots(&document.roots)?;
    let publishers = publishers(&document.publishers, &roots)?;
    let mut thresholds = BTreeMap::new();
    for threshold in &document.thresholds {
        ensure(
            is_prefix(&threshold.prefix),
            format_args!("`{}` is the beginning of no name", threshold.prefix),
        )?;
        let owners = owners(threshold.owners, format_args!("of `{}`", threshold.prefix))?;
        let former = thresholds.insert(SmolStr::new(&threshold.prefix), owners);
        ensure(former.is_none(), format_args!("the prefix `{}` has two thresholds", threshold.prefix))?;
    }
    let mut blast_radius = BTreeMap::new();
    for rule in &document.blast_radius {
        let owners = owners(rule.owners, format_args!("above a blast radius of {}", rule.above))?;
        let former = blast_radius.insert(rule.above, owners);
        ensure(former.is_none(), format_args!("the blast radius {} has two thresholds", rule.above))?;
    }
    let mut floors = BTreeMap::new();
    for floor in &document.floors {
        let former = floors.insert(name(&floor.name)?, floor.version);
        ensure(former.is_none(), format_args!("`{}` has two floors", floor.name))?;
    }
    let fleet = name(&document.fleet)?;
    ensure(
        names_a_fleet(&fleet),
        format_args!("a fleet is not to be called `{fleet}`: the bus has that name"),
    )?;
    Ok(Trust {
        fleet,
        version: document.version,
        issued,
        expires,
        roots,
        publishers,
        thresholds,
        blast_radius,
        revoked_keys: digests(&document.revoked.keys)?.into_iter().map(KeyId).collect(),
        revoked_programs: digests(&document.revoked.digests)?,
        floors,
        digest: Sha256::digest(payload).into(),
    })
}

fn owners(count: u32, whose: std::fmt::Arguments<'_>) -> Result<usize> {
    let owners = usize::try_from(count).unwrap_or(usize::MAX);
    ensure(
        (1..=MAX_SIGNATURES).contains(&owners),
        format_args!("a threshold is 1 to {MAX_SIGNATURES} owners, that {whose} is {owners}"),
    )?;
    Ok(owners)
}

fn roots(document: &RootsDocument) -> Result<Roots> {
    let mut keys = BTreeMap::new();
    for root in &document.keys {
        let key: PublicKey = root.key.parse()?;
        let former = keys.insert(key.id(), (key, name(&root.owner)?));
        ensure(former.is_none(), format_args!("the root key of {} stands twice", root.owner))?;
    }
    let threshold = usize::try_from(document.threshold).unwrap_or(usize::MAX);
    let owners = keys.values().map(|(_, owner)| owner).collect::<BTreeSet<_>>().len();
    ensure(
        threshold >= 1 && threshold <= owners,
        format_args!("{threshold} of {owners} root owners is no threshold"),
    )?;
    // The roots before and after a change sign one file.
    ensure(threshold.saturating_mul(2) <= MAX_SIGNATURES, "a threshold of roots is at most 8")?;
    Ok(Roots { threshold, keys })
}

fn publishers(documents: &[PublisherDocument], roots: &Roots) -> Result<BTreeMap<KeyId, Publisher>> {
    let mut publishers = BTreeMap::new();
    for document in documents {
        let key: PublicKey = document.key.parse()?;
        let id = key.id();
        let what = format!("the key of {}", document.owner);
        ensure(!roots.keys.contains_key(&id), format_args!("{what} is a root key: roots sign no orders"))?;
        let (from, until) = window(&what, &document.from, &document.until, MAX_KEY_VALIDITY)?;
        for prefix in &document.names {
            ensure(is_prefix(prefix), format_args!("`{prefix}` is the beginning of no name"))?;
        }
        ensure(!document.names.is_empty(), format_args!("{what} may sign no name at all"))?;
        let publisher = Publisher {
            key,
            owner: name(&document.owner)?,
            from,
            until,
            names: document.names.iter().map(SmolStr::new).collect(),
            ceiling: capabilities(&document.capabilities),
        };
        let former = publishers.insert(id, publisher);
        ensure(former.is_none(), format_args!("{what} stands twice"))?;
    }
    Ok(publishers)
}

fn capabilities(names: &[String]) -> Capabilities {
    if names.iter().any(|name| name == "*") {
        Capabilities::All
    } else {
        Capabilities::Only(names.iter().map(SmolStr::new).collect())
    }
}

fn window(what: &str, start: &str, end: &str, longest: i64) -> Result<(i64, i64)> {
    let (Some(from), Some(until)) = (parse_time(start), parse_time(end)) else {
        return contradiction(format_args!(
            "`{start}` to `{end}`: times are written as 2026-11-20T08:00:00Z"
        ));
    };
    ensure(until > from, format_args!("{what} ends before it begins"))?;
    let days = longest.div_euclid(super::DAY);
    ensure(until.saturating_sub(from) <= longest, format_args!("{what} is valid for more than {days} days"))?;
    Ok((from, until))
}

fn digests(texts: &[String]) -> Result<BTreeSet<[u8; 32]>> {
    let read = |text: &String| match parse_digest(text) {
        Some(digest) => Ok(digest),
        None => contradiction(format_args!("`{text}` is no `sha256:` and 64 hexadecimal digits")),
    };
    texts.iter().map(read).collect()
}

fn name(text: &str) -> Result<Name> {
    match Name::new(text) {
        Some(name) => Ok(name),
        None => contradiction(format_args!("`{text}` is no name: 1 to 64 of A-Z a-z 0-9 . _ -")),
    }
}

fn ensure(holds: bool, message: impl std::fmt::Display) -> Result<()> {
    if holds { Ok(()) } else { contradiction(message) }
}

fn contradiction<T>(message: impl std::fmt::Display) -> Result<T> {
    Err(Refusal::new(Cause::TrustContradicts, message.to_string()))
}
