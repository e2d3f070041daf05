//! Programs that are no crates.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::say;

/// Whether a program can be started; one that is not there is installed where that is possible without a question: by
/// apt-get, as root.
pub(crate) fn ensure(program: &str, package: &str) -> Result<bool> {
    if starts(program, &["--version"]) {
        return Ok(true);
    }
    if !is_root() || !starts("apt-get", &["--version"]) {
        return Ok(false);
    }
    say(&format!("install {package}"))?;
    let mut command = Command::new("apt-get");
    command.args(["install", "--yes", "--no-install-recommends", package]).stdout(Stdio::null());
    let status = command.status().with_context(|| format!("cannot start {command:?}"))?;
    Ok(status.success() && starts(program, &["--version"]))
}

fn is_root() -> bool {
    let answer = Command::new("id").arg("-u").output();
    answer.is_ok_and(|answer| answer.stdout.trim_ascii() == b"0")
}

fn starts(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
