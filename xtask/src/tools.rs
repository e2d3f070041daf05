//! Programs that are no crates: Debian's packages.

use std::process::{Command, Stdio};

use anyhow::Result;

use crate::say;

/// Whether a program can be started; one that is not there is installed where that is possible without a
/// question.
pub(crate) fn ensure(program: &str, package: &str) -> Result<bool> {
    if starts(program) {
        return Ok(true);
    }
    install(&[package])?;
    Ok(starts(program))
}

/// Asks apt-get for packages where that is allowed: as root, or with sudo that asks nothing. What came of it
/// the caller sees by looking for the programs.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    say(&format!("install {}", packages.join(" ")))?;
    for before in [&[][..], &["sudo", "-n"][..]] {
        if apt(before, &["update", "--quiet"]) {
            let install = ["install", "--yes", "--no-install-recommends", "--quiet"];
            apt(before, &[&install, packages].concat());
            break;
        }
    }
    Ok(())
}

/// Runs apt-get; true if it did what it was asked.
fn apt(before: &[&str], arguments: &[&str]) -> bool {
    let words: Vec<&str> =
        before.iter().copied().chain(["apt-get"]).chain(arguments.iter().copied()).collect();
    let Some((program, arguments)) = words.split_first() else { return false };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Whether a program can be started.
pub(crate) fn starts(program: &str) -> bool {
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
