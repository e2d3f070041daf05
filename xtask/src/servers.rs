//! The programs that tests need: Debian's `redis-server` and `nats-server`, and what knows units of systemd.

use anyhow::{Result, ensure};
use swarm_test_servers::Engine;

use crate::tools;

/// The Debian packages of what cannot be found.
fn missing() -> Vec<&'static str> {
    let servers = Engine::ALL.into_iter().filter(|engine| engine.find().is_none()).map(Engine::program);
    let units = cfg!(target_os = "linux") && !tools::starts("systemd-analyze");
    servers.chain(units.then_some("systemd")).collect()
}

/// Installs what is missing where that is allowed: with apt-get as root, or with sudo that asks nothing.
/// Elsewhere it says what to install.
pub(crate) fn install_missing() -> Result<()> {
    let wanted = missing();
    if wanted.is_empty() {
        return Ok(());
    }
    tools::install(&wanted)?;
    let still = missing().join(" ");
    ensure!(
        still.is_empty(),
        "the tests need {still}: `sudo apt-get install {still}`, or put the programs into a folder of PATH"
    );
    Ok(())
}
