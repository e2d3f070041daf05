//! Envelopes: bytes of a stated type with signatures, as the DSSE specification, version 1, has them.
//!
//! ```text
//! envelope  = "SWRE" version type payload signature*
//! type      = length bytes            payload = length bytes
//! signature = 32 bytes of key id, 64 bytes       a count before them, ascending by key id
//! ```
//!
//! That is the form on the wire; there is one for each envelope. For people and other tools there is DSSE's JSON.

use base64ct::{Base64, Encoding};
use serde::{Deserialize, Serialize};

use crate::codec::{Reader, Writer};
use crate::key::{KeyId, PublicKey, SecretKey, SignatureBytes, parse_digest};
use crate::refusal::{Cause, Refusal};

/// Payload type of an order.
pub const ORDER_TYPE: &str = "application/vnd.swarm.order.v1";

/// Payload type of a trust file.
pub const TRUST_TYPE: &str = "application/vnd.swarm.trust.v1";

/// Payload type of a plan.
pub const PLAN_TYPE: &str = "application/vnd.swarm.plan.v1";

/// Payload type of a record: one step of a plan.
pub const RECORD_TYPE: &str = "application/vnd.swarm.record.v1";

/// Payload type of an agent's acknowledgement.
pub const ACK_TYPE: &str = "application/vnd.swarm.ack.v1";

/// Payload type of a checkpoint, which admits an agent that lost its high-water mark.
pub const CHECKPOINT_TYPE: &str = "application/vnd.swarm.checkpoint.v1";

/// First bytes of an envelope in binary form.
pub const MAGIC: [u8; 4] = *b"SWRE";

/// Version of the binary form.
const VERSION: u8 = 1;

/// Most bytes of a payload: a module of greatest size and what is said about it.
pub const MAX_PAYLOAD: usize = (16 << 20) + (64 << 10);

/// Most signatures of an envelope: each costs its reader a verification.
pub const MAX_SIGNATURES: usize = 16;

/// Most bytes of a payload type.
const MAX_TYPE: usize = 128;

/// Bytes with signatures. Nothing is known of them yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// What the payload is.
    pub payload_type: String,
    /// The bytes that are signed, together with their type.
    pub payload: Vec<u8>,
    /// Ascending by key; no key twice.
    signatures: Vec<(KeyId, SignatureBytes)>,
}

/// What a signature covers: DSSE's pre-authentication encoding, which no two pairs of type and payload share.
pub fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len());
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

impl Envelope {
    /// An envelope no one has signed.
    pub fn new(payload_type: &str, payload: Vec<u8>) -> Envelope {
        Envelope { payload_type: payload_type.to_owned(), payload, signatures: Vec::new() }
    }

    /// Adds a signature.
    ///
    /// # Errors
    /// [`Cause::SignedTwice`] where this key has signed already, [`Cause::NoEnvelope`] where there is no room
    /// for more.
    pub fn sign(&mut self, key: &SecretKey) -> Result<(), Refusal> {
        let public = key.public_key();
        let id = public.id();
        let Err(place) = self.signatures.binary_search_by_key(&id, |(id, _)| *id) else {
            return Err(Refusal::new(
                Cause::SignedTwice,
                format!("key {} has signed this already", id.short()),
            ));
        };
        if self.signatures.len() >= MAX_SIGNATURES {
            let message = format!("an envelope has at most {MAX_SIGNATURES} signatures");
            return Err(Refusal::new(Cause::NoEnvelope, message));
        }
        let signature = key.sign(&pre_authentication_encoding(&self.payload_type, &self.payload));
        self.signatures.insert(place, (id, signature));
        Ok(())
    }

    /// Signatures with the keys that are said to have made them.
    pub fn signatures(&self) -> &[(KeyId, SignatureBytes)] {
        &self.signatures
    }

    /// Whether it holds a right signature of this key.
    pub fn verified_by(&self, key: &PublicKey) -> bool {
        let id = key.id();
        let signature = self.signatures.iter().find(|(named, _)| *named == id);
        let message = || pre_authentication_encoding(&self.payload_type, &self.payload);
        signature.is_some_and(|(_, signature)| key.verifies(&message(), signature))
    }

    /// Checks every signature, each against the key `key_of` gives for its id. Nothing is left unchecked: one
    /// signature that is wrong or unknown is enough to refuse the envelope.
    ///
    /// # Errors
    /// [`Cause::OtherPayload`], [`Cause::Unsigned`], [`Cause::WrongSignature`], [`Cause::UnknownKey`].
    pub fn check<'k>(
        &self,
        payload_type: &str,
        key_of: impl Fn(&KeyId) -> Option<&'k PublicKey>,
    ) -> Result<(), Refusal> {
        match self.check_known(payload_type, key_of)? {
            None => Ok(()),
            Some(id) => {
                let message = format!("no one here knows key {}, which signed this", id.short());
                Err(Refusal::new(Cause::UnknownKey, message))
            }
        }
    }

    /// Like [`Envelope::check`], but gives the first unknown key, if there is one, to the caller to judge: such a
    /// signature proves nothing.
    ///
    /// # Errors
    /// [`Cause::OtherPayload`], [`Cause::Unsigned`], [`Cause::WrongSignature`].
    pub fn check_known<'k>(
        &self,
        payload_type: &str,
        key_of: impl Fn(&KeyId) -> Option<&'k PublicKey>,
    ) -> Result<Option<KeyId>, Refusal> {
        self.check_type(payload_type)?;
        if self.signatures.is_empty() {
            return Err(Refusal::new(Cause::Unsigned, "no one has signed this"));
        }
        let message = pre_authentication_encoding(&self.payload_type, &self.payload);
        let mut unknown = None;
        for (id, signature) in &self.signatures {
            match key_of(id) {
                Some(key) if !key.verifies(&message, signature) => {
                    let message = format!("the signature by key {} is wrong", id.short());
                    return Err(Refusal::new(Cause::WrongSignature, message));
                }
                Some(_) => {}
                None => unknown = unknown.or(Some(*id)),
            }
        }
        Ok(unknown)
    }

    /// Refuses a payload of another type.
    ///
    /// # Errors
    /// [`Cause::OtherPayload`].
    pub fn check_type(&self, payload_type: &str) -> Result<(), Refusal> {
        if self.payload_type == payload_type {
            return Ok(());
        }
        let message = format!("the envelope holds `{}`, not `{payload_type}`", self.payload_type);
        Err(Refusal::new(Cause::OtherPayload, message))
    }

    /// The form on the wire.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.raw(&MAGIC);
        writer.byte(VERSION);
        writer.blob(self.payload_type.as_bytes());
        writer.blob(&self.payload);
        writer.count(self.signatures.len());
        for (id, signature) in &self.signatures {
            writer.raw(&id.0);
            writer.raw(signature);
        }
        writer.bytes
    }

    /// Reads the form on the wire.
    ///
    /// # Errors
    /// [`Cause::NoEnvelope`] where the bytes are not the one form of an envelope.
    pub fn decode(bytes: &[u8]) -> Result<Envelope, Refusal> {
        let mut reader = Reader::new(bytes, Cause::NoEnvelope);
        reader.expect(&MAGIC, "an envelope begins with `SWRE`")?;
        reader.expect(&[VERSION], "version 1 is known here")?;
        let payload_type = reader.blob(MAX_TYPE)?;
        let payload_type = match std::str::from_utf8(payload_type) {
            Ok(text) if is_media_type(text) => text,
            _ => return Err(reader.refusal("a payload type is printable ASCII")),
        };
        let payload = reader.blob(MAX_PAYLOAD)?;
        let count = reader.count(MAX_SIGNATURES, 96)?;
        let mut signatures = Vec::with_capacity(count);
        for _ in 0..count {
            signatures.push((KeyId(reader.array()?), reader.array()?));
        }
        if !ascending(&signatures) {
            return Err(reader.refusal("signatures stand ascending by key, no key twice"));
        }
        reader.end()?;
        Ok(Envelope { payload_type: payload_type.to_owned(), payload: payload.to_vec(), signatures })
    }

    /// DSSE's JSON.
    pub fn to_json(&self) -> String {
        let json = JsonEnvelope {
            payload_type: self.payload_type.clone(),
            payload: Base64::encode_string(&self.payload),
            signatures: self
                .signatures
                .iter()
                .map(|(id, signature)| JsonSignature {
                    keyid: id.to_string(),
                    sig: Base64::encode_string(signature),
                })
                .collect(),
        };
        // Strings are all it holds: it cannot fail.
        let mut text = serde_json::to_string_pretty(&json).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Reads DSSE's JSON. White space and the order of members and signatures are free; nothing else is.
    ///
    /// # Errors
    /// [`Cause::NoEnvelope`] where the bytes are no such JSON.
    pub fn from_json(bytes: &[u8]) -> Result<Envelope, Refusal> {
        let refusal = |message: String| {
            Refusal::new(Cause::NoEnvelope, format!("{}: {message}", Cause::NoEnvelope.title()))
        };
        if bytes.len() > MAX_PAYLOAD.saturating_mul(2) {
            return Err(refusal("it is too large".to_owned()));
        }
        let json: JsonEnvelope = serde_json::from_slice(bytes).map_err(|error| refusal(error.to_string()))?;
        if json.payload_type.len() > MAX_TYPE || !is_media_type(&json.payload_type) {
            return Err(refusal("a payload type is printable ASCII".to_owned()));
        }
        let payload = Base64::decode_vec(&json.payload).ok().filter(|payload| payload.len() <= MAX_PAYLOAD);
        let Some(payload) = payload else { return Err(refusal("the payload is no base64".to_owned())) };
        if json.signatures.len() > MAX_SIGNATURES {
            return Err(refusal(format!("an envelope has at most {MAX_SIGNATURES} signatures")));
        }
        let mut signatures = Vec::with_capacity(json.signatures.len());
        for JsonSignature { keyid, sig } in &json.signatures {
            let mut bytes = [0; 64];
            let whole = Base64::decode(sig, &mut bytes).is_ok_and(|decoded| decoded.len() == 64);
            match parse_digest(keyid) {
                Some(id) if whole => signatures.push((KeyId(id), bytes)),
                _ => {
                    return Err(refusal(
                        "a signature has a `keyid` of `sha256:…` and 64 bytes of base64".to_owned(),
                    ));
                }
            }
        }
        signatures.sort_unstable_by_key(|(id, _)| *id);
        if !ascending(&signatures) {
            return Err(refusal("a key has signed twice".to_owned()));
        }
        Ok(Envelope { payload_type: json.payload_type, payload, signatures })
    }

    /// Reads either form; the first byte tells which it is.
    ///
    /// # Errors
    /// [`Cause::NoEnvelope`] where it is neither.
    pub fn read(bytes: &[u8]) -> Result<Envelope, Refusal> {
        match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => Envelope::from_json(bytes),
            _ => Envelope::decode(bytes),
        }
    }
}

fn is_media_type(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn ascending(signatures: &[(KeyId, SignatureBytes)]) -> bool {
    signatures.is_sorted_by(|(first, _), (second, _)| first < second)
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonEnvelope {
    #[serde(rename = "payloadType")]
    payload_type: String,
    payload: String,
    signatures: Vec<JsonSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonSignature {
    keyid: String,
    sig: String,
}
