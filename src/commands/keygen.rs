//! `swarmc keygen`: a key pair, from the system's randomness.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use serde_json::json;
use swarm_fleet::key::SecretKey;

use crate::cli::KeygenArguments;
use crate::keys;
use crate::render::module::row;
use crate::render::style;
use crate::render::text::safe;
use crate::status::{Failure, Status};
use crate::terminal::Terminal;

/// Writes the two files, neither over one that is there.
pub(crate) fn keygen(arguments: &KeygenArguments, terminal: Terminal) -> Result<Status, Failure> {
    let secret_path = with_suffix(&arguments.output, "key");
    let public_path = with_suffix(&arguments.output, "pub");
    if public_path.exists() {
        return Err(keys::exists(&public_path));
    }
    let secret = SecretKey::from_seed(*keys::random()?);
    let public = secret.public_key();
    let pem = secret.to_pem().map_err(|refusal| keys::unfit(&secret_path, &refusal))?;
    keys::create(&secret_path, pem.as_bytes(), true)?;
    let owner = arguments.owner.as_ref().map(|owner| format!(" {owner}")).unwrap_or_default();
    keys::create(&public_path, format!("{public}{owner}\n").as_bytes(), false)?;

    let (secret_name, public_name) = (secret_path.display().to_string(), public_path.display().to_string());
    if terminal.json() {
        terminal.document(json!({
            "secret": secret_name, "public": public_name, "key": public.to_string(),
            "key_id": public.id().to_string(), "owner": arguments.owner.as_ref().map(|owner| owner.as_str()),
        }))?;
        return Ok(Status::Done);
    }
    let mut text = format!("{}  keep it where only you can read it\n", style::good(&safe(&secret_name)));
    text.push_str(&format!(
        "{}  give it to whoever keeps the trust file\n",
        style::good(&safe(&public_name))
    ));
    row(&mut text, "key", &public.to_string());
    row(&mut text, "key id", &public.id().to_string());
    if let Some(owner) = &arguments.owner {
        row(&mut text, "owner", owner.as_str());
    }
    terminal.data(&text)?;
    Ok(Status::Done)
}

/// The name with a suffix behind all it has.
fn with_suffix(name: &Path, suffix: &str) -> PathBuf {
    name.with_added_extension(OsStr::new(suffix))
}
