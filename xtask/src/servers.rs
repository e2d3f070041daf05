//! The servers that tests run against: Debian's `redis-server` and `nats-server`.

use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use swarm_test_servers::Engine;

/// Installs what is missing where that is allowed: with apt-get as root, or with sudo that asks nothing. Elsewhere it
/// says what to install.
pub(crate) fn install_missing() -> Result<()> {
    let missing: Vec<&str> =
        Engine::ALL.into_iter().filter(|engine| engine.find().is_none()).map(Engine::program).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let wanted = missing.join(" ");
    crate::say(&format!("installing {wanted}"))?;
    for before in [&[][..], &["sudo", "-n"][..]] {
        if apt(before, &["update", "--quiet"]) {
            let install = ["install", "--yes", "--no-install-recommends", "--quiet"];
            apt(before, &[&install, missing.as_slice()].concat());
            break;
        }
    }
    let still = Engine::ALL.into_iter().find(|engine| engine.find().is_none());
    ensure!(
        still.is_none(),
        "the tests need {wanted}: `sudo apt-get install {wanted}`, or put the programs into a folder of PATH"
    );
    Ok(())
}

/// Runs apt-get; true if it did what it was asked.
fn apt(before: &[&str], arguments: &[&str]) -> bool {
    let words: Vec<&str> =
        before.iter().copied().chain(["apt-get"]).chain(arguments.iter().copied()).collect();
    let Some((program, arguments)) = words.split_first() else { return false };
    let mut command = Command::new(program);
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
