//! The trust of a fleet that one process makes for itself.

use swarm_bytecode::quantity::format_time;

use super::Trust;
use super::document::{
    Document, FORMAT, PublisherDocument, RevokedDocument, RootDocument, RootsDocument, ThresholdDocument,
};
use crate::envelope::{Envelope, TRUST_TYPE};
use crate::key::{PublicKey, SecretKey};
use crate::name::Name;
use crate::refusal::Refusal;
use crate::time::DAY;

impl Trust {
    /// The trust of a fleet that has one root and one governor, who may sign whatever there is: for
    /// simulations, and for fleets that end with their process. It is valid for `days` from a day before
    /// `now`, in whole seconds of nanoseconds since the Unix epoch.
    ///
    /// # Errors
    /// As [`Trust::accept`], where `now` or `days` lie outside of what a trust file can say.
    pub fn of_one_governor(
        fleet: &Name,
        governor: &PublicKey,
        root: &SecretKey,
        now: i64,
        days: i64,
    ) -> Result<Trust, Refusal> {
        let day = |days: i64| format_time(now.saturating_add(DAY.saturating_mul(days)));
        let root_document = RootDocument { key: root.public_key().to_string(), owner: "root".to_owned() };
        let document = Document {
            format: FORMAT,
            fleet: fleet.as_str().to_owned(),
            version: 1,
            issued: day(-1),
            expires: day(days),
            roots: RootsDocument { threshold: 1, keys: vec![root_document] },
            publishers: vec![PublisherDocument {
                key: governor.to_string(),
                owner: "governor".to_owned(),
                from: day(-1),
                until: day(60),
                names: vec![String::new()],
                capabilities: vec!["*".to_owned()],
            }],
            thresholds: vec![ThresholdDocument { prefix: String::new(), owners: 1 }],
            blast_radius: Vec::new(),
            revoked: RevokedDocument::default(),
            floors: vec![],
        };
        let mut envelope = Envelope::new(TRUST_TYPE, document.to_payload());
        envelope.sign(root)?;
        Trust::accept(&envelope, None)
    }
}
