//! Keys: Ed25519, as strict as it can be checked.

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64, Encoding};
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey, KeypairBytes};
use ed25519_dalek::{Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::refusal::{Cause, Refusal};

/// SHA-256 of a public key's 32 bytes: how envelopes and revocations name it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 32]);

impl KeyId {
    /// The first 12 hexadecimal digits: enough for people to tell keys apart, never enough to compare them.
    pub fn short(&self) -> String {
        self.to_string().chars().skip("sha256:".len()).take(12).collect()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&swarm_bytecode::codec::digest_text(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Reads `sha256:` and 64 lower-case hexadecimal digits; `None` where it is something else.
pub fn parse_digest(text: &str) -> Option<[u8; 32]> {
    let digits = text.strip_prefix("sha256:")?;
    let lower = digits.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'));
    if digits.len() != 64 || !lower {
        return None;
    }
    let mut digest = [0; 32];
    for (byte, pair) in digest.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(digest)
}

/// A signature: 64 bytes, nothing known of them yet.
pub type SignatureBytes = [u8; 64];

/// A public key that can prove something: a point in its one encoding, and not of small order.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Checks the 32 bytes of a key.
    ///
    /// # Errors
    /// [`Cause::NoKey`] where they are no point in canonical form, [`Cause::WeakKey`] where the point has small
    /// order: anyone could sign for such a key.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<PublicKey, Refusal> {
        let point = VerifyingKey::from_bytes(bytes).ok().filter(|_| is_canonical(bytes));
        let Some(point) = point else {
            return Err(Refusal::new(Cause::NoKey, "the 32 bytes are no point of the curve in its one form"));
        };
        if point.is_weak() {
            return Err(Refusal::new(Cause::WeakKey, "the key has small order: anyone could sign for it"));
        }
        Ok(PublicKey(point))
    }

    /// The 32 bytes.
    pub fn to_bytes(&self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Its name.
    pub fn id(&self) -> KeyId {
        KeyId(Sha256::digest(self.0.as_bytes()).into())
    }

    /// Whether this signature of the message is right. Refused too: a scalar that is not reduced, a commitment of
    /// small order or not in its one form.
    pub fn verifies(&self, message: &[u8], signature: &SignatureBytes) -> bool {
        self.0.verify_strict(message, &ed25519_dalek::Signature::from_bytes(signature)).is_ok()
    }
}

/// Whether the y coordinate is below the field's prime, 2^255 − 19.
fn is_canonical(bytes: &[u8; 32]) -> bool {
    let [first, middle @ .., last] = bytes;
    let top = last & 0x7f == 0x7f && middle.iter().all(|byte| *byte == 0xff);
    !(top && *first >= 0xed)
}

impl fmt::Display for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ed25519:{}", Base64::encode_string(self.0.as_bytes()))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl FromStr for PublicKey {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<PublicKey, Refusal> {
        let mut bytes = [0; 32];
        let decoded = text.strip_prefix("ed25519:").and_then(|base64| {
            Base64::decode(base64, &mut bytes).ok().filter(|decoded| decoded.len() == 32).map(|_| ())
        });
        match decoded {
            Some(()) => PublicKey::from_bytes(&bytes),
            None => Err(Refusal::new(Cause::NoKey, "a public key is `ed25519:` and 44 characters of base64")),
        }
    }
}

/// A secret key; its memory is wiped when it is dropped.
pub struct SecretKey(SigningKey);

impl SecretKey {
    /// The key of a seed: 32 bytes of good randomness, which is for the caller to bring.
    pub fn from_seed(seed: [u8; 32]) -> SecretKey {
        let seed = Zeroizing::new(seed);
        SecretKey(SigningKey::from_bytes(&seed))
    }

    /// Reads PKCS#8 in PEM.
    ///
    /// # Errors
    /// [`Cause::NoKey`] where the text is no Ed25519 secret key.
    pub fn from_pem(pem: &str) -> Result<SecretKey, Refusal> {
        let no_key = || Refusal::new(Cause::NoKey, "the text is no Ed25519 secret key in PKCS#8 PEM");
        let mut pair = KeypairBytes::from_pkcs8_pem(pem).map_err(|_| no_key())?;
        let key = SecretKey::from_seed(pair.secret_key);
        pair.secret_key.zeroize();
        match &pair.public_key {
            Some(public) if public.to_bytes() != key.0.verifying_key().to_bytes() => Err(no_key()),
            _ => Ok(key),
        }
    }

    /// As PKCS#8 in PEM, without the public key, which every tool can compute. The text is wiped when it is
    /// dropped.
    ///
    /// # Errors
    /// [`Cause::NoKey`] where the encoder fails, which it does not for 32 bytes.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, Refusal> {
        let mut pair = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        let pem = pair.to_pkcs8_pem(LineEnding::LF);
        pair.secret_key.zeroize();
        pem.map_err(|error| Refusal::new(Cause::NoKey, format!("the key cannot be written: {error}")))
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs a message.
    pub fn sign(&self, message: &[u8]) -> SignatureBytes {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "SecretKey of {}", self.public_key().id())
    }
}
