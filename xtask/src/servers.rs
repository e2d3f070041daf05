//! The programs that tests need: Debian's `redis-server` and `nats-server`, and what knows units of systemd.

use anyhow::{Result, ensure};
use swarm_test_servers::Engine;

use crate::tools;

/// Installs what is missing where that is allowed: with apt-get as root, or with sudo that asks nothing. Elsewhere it
/// says what to install.
pub(crate) fn install_missing() -> Result<()> {
    if cfg!(target_os = "linux") {
        let found = tools::ensure("systemd-analyze", "systemd")?;
        ensure!(found, "the tests need systemd-analyze: `sudo apt-get install systemd`");
    }
    let missing: Vec<&str> =
        Engine::ALL.into_iter().filter(|engine| engine.find().is_none()).map(Engine::program).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let wanted = missing.join(" ");
    tools::install(&missing)?;
    let still = Engine::ALL.into_iter().find(|engine| engine.find().is_none());
    ensure!(
        still.is_none(),
        "the tests need {wanted}: `sudo apt-get install {wanted}`, or put the programs into a folder of PATH"
    );
    Ok(())
}
