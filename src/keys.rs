//! Key files, signed files, the system's clock and randomness: what the fleet's library does not touch.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use swarm_fleet::envelope::Envelope;
use swarm_fleet::key::{PublicKey, SecretKey};
use swarm_fleet::name::Name;
use swarm_fleet::order::Targets;
use swarm_fleet::refusal::Refusal;
use swarm_fleet::time::SECOND;
use zeroize::Zeroizing;

use crate::files;
use crate::status::{Failure, Fault, Status};

/// A public key as it stands in its file, with whose it is.
#[derive(Debug)]
pub(crate) struct KnownKey {
    /// The key.
    pub(crate) key: PublicKey,
    /// Whose it is.
    pub(crate) owner: Option<Name>,
}

/// A file that is not what it should be.
pub(crate) fn unfit(path: &Path, refusal: &Refusal) -> Failure {
    let file = files::display_name(path);
    Failure::coded(Status::Usage, refusal.code(), format_args!("{file}: {refusal}"))
        .file(file)
        .note(refusal.help())
}

/// Something that is refused.
pub(crate) fn refused(path: &Path, refusal: &Refusal) -> Failure {
    let file = files::display_name(path);
    let message = format_args!("{file} is refused: {refusal}");
    Failure::coded(Status::Refused, refusal.code(), message).file(file.clone()).note(refusal.help())
}

/// Bytes no one can guess.
pub(crate) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, Failure> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(bytes.as_mut_slice()).map_err(|error| {
        Failure::usage(Fault::NoRandomness, format_args!("the system gives no randomness: {error}"))
    })?;
    Ok(bytes)
}

/// The time, in nanoseconds since the Unix epoch.
pub(crate) fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// A time without its fraction of a second.
pub(crate) fn whole_seconds(time: i64) -> i64 {
    time.saturating_sub(time.rem_euclid(SECOND))
}

/// A secret key.
pub(crate) fn read_secret(path: &Path) -> Result<SecretKey, Failure> {
    let bytes = Zeroizing::new(files::read_bytes(path)?);
    // What is no text is no PEM.
    SecretKey::from_pem(std::str::from_utf8(&bytes).unwrap_or_default())
        .map_err(|refusal| unfit(path, &refusal))
}

/// A public key: `ed25519:…`, and behind it whose it is.
pub(crate) fn read_public(path: &Path) -> Result<KnownKey, Failure> {
    let bytes = files::read_bytes(path)?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    let mut words = text.split_whitespace();
    let key = words.next().unwrap_or_default().parse().map_err(|refusal| unfit(path, &refusal))?;
    let owner = words.next().map(|word| {
        let message = format_args!("{}: `{word}` is no owner's name", files::display_name(path));
        Name::new(word).ok_or_else(|| Failure::usage(Fault::Arguments, message))
    });
    Ok(KnownKey { key, owner: owner.transpose()? })
}

/// A public key whose owner is known.
pub(crate) fn read_owned(path: &Path) -> Result<(PublicKey, Name), Failure> {
    let KnownKey { key, owner } = read_public(path)?;
    let owner = owner.ok_or_else(|| {
        let file = files::display_name(path);
        Failure::usage(Fault::Arguments, format_args!("{file} does not say whose key it is"))
            .file(file)
            .note("write the owner's name behind the key, or make keys with `swarmc keygen --owner NAME`")
    })?;
    Ok((key, owner))
}

/// Writes a file that must not be there yet; a secret one can be read by its owner only.
pub(crate) fn create(path: &Path, bytes: &[u8], secret: bool) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if secret {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    #[cfg(not(unix))]
    let _ = secret;
    let written =
        options.open(path).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|error| match error.kind() {
        std::io::ErrorKind::AlreadyExists => exists(path),
        _ => files::unwritable(path, &error),
    })
}

/// The failure to write over a key or a trust file.
pub(crate) fn exists(path: &Path) -> Failure {
    let file = files::display_name(path);
    Failure::usage(Fault::Exists, format_args!("{file} is there already and is not written over"))
        .file(file)
        .note("choose another name, or move the old file away")
}

/// An envelope in either form.
pub(crate) fn read_envelope(path: &Path) -> Result<Envelope, Failure> {
    Envelope::read(&files::read_bytes(path)?).map_err(|refusal| refused(path, &refusal))
}

/// A list of names, one in each line; empty lines and what stands behind `#` do not count.
pub(crate) fn read_names(path: &Path) -> Result<Vec<Name>, Failure> {
    let bytes = files::read_bytes(path)?;
    let file = files::display_name(path);
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    let names = lines.filter(|line| !line.is_empty()).map(|line| {
        let message = format_args!("{file}: `{line}` is no name: 1 to 64 of A-Z a-z 0-9 . _ -");
        Name::new(line).ok_or_else(|| Failure::usage(Fault::Arguments, message).file(file.clone()))
    });
    let mut names = names.collect::<Result<Vec<_>, _>>()?;
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

/// Targets as they are written: `all`, labels, or a file of names.
pub(crate) fn read_targets(text: &str) -> Result<Targets, Failure> {
    if text == "all" {
        return Ok(Targets::All);
    }
    if let Some(path) = text.strip_prefix('@') {
        return Ok(Targets::freeze(read_names(&PathBuf::from(path))?));
    }
    let labels = text.split(',').map(|pair| {
        let (label, value) = pair.split_once('=')?;
        Some((Name::new(label)?, Name::new(value)?))
    });
    let labels: Option<std::collections::BTreeMap<Name, Name>> = labels.collect();
    labels.filter(|labels| labels.len() == text.split(',').count()).map(Targets::Labels).ok_or_else(|| {
        Failure::usage(Fault::Arguments, format_args!("`{text}` names no targets"))
            .note("write `all`, labels such as role=optimizer,region=eu, each once, or @FILE with a name in each line")
    })
}
