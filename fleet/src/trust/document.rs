//! The trust file as it is written: JSON. What is signed are its exact bytes, so how they are laid out does not
//! matter; [`Document::to_payload`] lays them out for people.

use serde::{Deserialize, Serialize};

use crate::refusal::{Cause, Refusal};

/// Version of the format.
pub const FORMAT: u32 = 1;

/// Most bytes of a trust file.
pub const MAX_BYTES: usize = 1 << 20;

/// A trust file, its values not looked at yet: [`super::Trust::read`] does that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// [`FORMAT`].
    pub format: u32,
    /// The fleet.
    pub fleet: String,
    /// Rises with each file.
    pub version: u64,
    /// When it was made; RFC 3339.
    pub issued: String,
    /// When it runs out; RFC 3339.
    pub expires: String,
    /// Who signs the trust file.
    pub roots: RootsDocument,
    /// Who signs orders.
    pub publishers: Vec<PublisherDocument>,
    /// How many owners a program's name takes.
    pub thresholds: Vec<ThresholdDocument>,
    /// How many owners an order takes for how much it can do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub blast_radius: Vec<BlastRadiusDocument>,
    /// What no longer counts.
    pub revoked: RevokedDocument,
    /// Below which version a name may not fall.
    pub floors: Vec<FloorDocument>,
}

/// The root keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootsDocument {
    /// How many distinct owners must sign.
    pub threshold: u32,
    /// The keys.
    pub keys: Vec<RootDocument>,
}

/// A root key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RootDocument {
    /// `ed25519:…`
    pub key: String,
    /// Whose it is.
    pub owner: String,
}

/// A publisher's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublisherDocument {
    /// `ed25519:…`
    pub key: String,
    /// Whose it is.
    pub owner: String,
    /// From when it counts; RFC 3339.
    pub from: String,
    /// Until when it counts; RFC 3339.
    pub until: String,
    /// How the names of programs begin that it may sign; an empty text is all names.
    pub names: Vec<String>,
    /// The capabilities its programs may ask for; `*` is all of them.
    pub capabilities: Vec<String>,
}

/// A threshold; the longest prefix that fits a name decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdDocument {
    /// How the name begins; an empty text is all names.
    pub prefix: String,
    /// How many distinct owners must sign.
    pub owners: u32,
}

/// A threshold by blast radius ([`crate::verify::radius`]); of all that are exceeded, the one with most
/// owners decides, or that of the name, if it takes more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlastRadiusDocument {
    /// Orders whose agents × ONCE actions are more than this.
    pub above: u64,
    /// How many distinct owners must sign.
    pub owners: u32,
}

/// What no longer counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedDocument {
    /// Key ids, `sha256:…`.
    pub keys: Vec<String>,
    /// Programs by digest, `sha256:…`.
    pub digests: Vec<String>,
}

/// A floor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FloorDocument {
    /// The program's name.
    pub name: String,
    /// The lowest version that may run.
    pub version: u32,
}

impl Document {
    /// Reads the JSON.
    ///
    /// # Errors
    /// [`Cause::NoTrustFile`] where it is too large, no JSON, or has other members.
    pub fn from_payload(payload: &[u8]) -> Result<Document, Refusal> {
        let refusal = |message: String| {
            Refusal::new(Cause::NoTrustFile, format!("{}: {message}", Cause::NoTrustFile.title()))
        };
        if payload.len() > MAX_BYTES {
            return Err(refusal("it is larger than 1 MiB".to_owned()));
        }
        let document: Document =
            serde_json::from_slice(payload).map_err(|error| refusal(error.to_string()))?;
        if document.format != FORMAT {
            return Err(refusal(format!("format {}; format {FORMAT} is known here", document.format)));
        }
        Ok(document)
    }

    /// The JSON to sign.
    pub fn to_payload(&self) -> Vec<u8> {
        // Texts and numbers are all it holds: it cannot fail.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text.into_bytes()
    }
}
