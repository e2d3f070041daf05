//! What an agent does, for those who look.

use super::Agent;
use crate::message::Status;

/// What an agent does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// In a word, and why where there is a reason.
    pub status: String,
    /// What is installed, by name and version.
    pub program: Option<String>,
    /// Its high-water mark.
    pub revision: String,
}

impl Agent {
    /// What it does.
    pub fn state(&self) -> State {
        let durable = self.durable();
        let installed = durable.installed.as_ref();
        let program = installed.map(|installed| {
            let mut known = durable.mark.programs.iter();
            let named = known.find(|(_, (_, digest))| *digest == installed.digest);
            named.map_or_else(
                || swarm_bytecode::codec::digest_text(&installed.digest),
                |(name, (version, _))| format!("{name}_v{version}"),
            )
        });
        State { status: self.in_a_word(), program, revision: durable.mark.revision.to_string() }
    }

    /// The order of the program it runs.
    pub fn order(&self) -> [u8; 16] {
        self.totals.as_ref().map_or([0; 16], |(_, order, _)| *order)
    }

    fn in_a_word(&self) -> String {
        let durable = self.durable();
        if self.left {
            return "left".to_owned();
        }
        if self.unadmitted.is_some() {
            return "waits to be admitted".to_owned();
        }
        if durable.halted {
            return "halted".to_owned();
        }
        match self.standing() {
            Status::Idle if self.starting.is_some() || self.retry_at.is_some() => "starting".to_owned(),
            status @ (Status::Failed(_) | Status::Refused(_)) => {
                format!("{}: {}", status.name(), status.why())
            }
            Status::Finished(outcome) => outcome.to_string(),
            Status::Idle => "idle".to_owned(),
            Status::Active | Status::Left => "active".to_owned(),
        }
    }
}
