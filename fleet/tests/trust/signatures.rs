//! How strict signatures are: known vectors, and the known ways to bend Ed25519.

use swarm_fleet::envelope::{Envelope, TRUST_TYPE, pre_authentication_encoding};
use swarm_fleet::key::{KeyId, PublicKey, SecretKey, SignatureBytes};
use swarm_fleet::refusal::Cause;

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap()).collect();
    digits.chunks_exact(2).map(|pair| pair.iter().fold(0, |byte, digit| byte << 4 | digit)).collect()
}

fn array<const N: usize>(text: &str) -> [u8; N] {
    hex(text).try_into().unwrap()
}

/// Secret seed, public key, message, signature.
const RFC_8032: [[&str; 4]; 3] = [
    [
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ],
    [
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ],
    [
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ],
];

#[test]
fn the_vectors_of_rfc_8032() {
    for [seed, public, message, signature] in RFC_8032 {
        let key = SecretKey::from_seed(array(seed));
        assert_eq!(key.public_key().to_bytes(), array::<32>(public));
        assert_eq!(key.sign(&hex(message)), array::<64>(signature));
        assert!(key.public_key().verifies(&hex(message), &array(signature)));
    }
}

/// The group's order, little-endian.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

#[test]
fn a_scalar_that_is_not_reduced_is_refused() {
    for [_, public, message, signature] in RFC_8032 {
        let key = PublicKey::from_bytes(&array(public)).unwrap();
        let mut signature: SignatureBytes = array(signature);
        let mut bent = 0;
        // S + L, S + 2 L … give the same point as S.
        while add_order(&mut signature) {
            assert!(!key.verifies(&hex(message), &signature));
            bent += 1;
        }
        assert!(bent >= 14, "S + kL fits 256 bits for 15 k or so");
    }
}

/// Adds the group's order to S; false where it does not fit.
fn add_order(signature: &mut SignatureBytes) -> bool {
    let mut carry = 0_u16;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
        carry = u16::from(*byte).wrapping_add(u16::from(order)).wrapping_add(carry);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    carry == 0
}

/// The points of small order, each in every encoding a lax reader takes.
const SMALL_ORDER: [(&str, Cause); 14] = [
    ("0100000000000000000000000000000000000000000000000000000000000000", Cause::WeakKey),
    ("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", Cause::WeakKey),
    ("0000000000000000000000000000000000000000000000000000000000000000", Cause::WeakKey),
    ("0000000000000000000000000000000000000000000000000000000000000080", Cause::WeakKey),
    ("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", Cause::WeakKey),
    ("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85", Cause::WeakKey),
    ("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a", Cause::WeakKey),
    ("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa", Cause::WeakKey),
    // y = 1 and y = −1 with the sign of x set, where x is 0.
    ("0100000000000000000000000000000000000000000000000000000000000080", Cause::WeakKey),
    ("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", Cause::WeakKey),
    // y = p and y = p + 1, with and without the sign.
    ("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", Cause::NoKey),
    ("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", Cause::NoKey),
    ("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", Cause::NoKey),
    ("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", Cause::NoKey),
];

#[test]
fn keys_of_small_order_are_refused() {
    for (encoding, cause) in SMALL_ORDER {
        assert_eq!(PublicKey::from_bytes(&array(encoding)).unwrap_err().cause, cause, "{encoding}");
    }
}

#[test]
fn commitments_of_small_order_are_refused() {
    let [_, public, message, signature] = RFC_8032[1];
    let key = PublicKey::from_bytes(&array(public)).unwrap();
    for (encoding, _) in SMALL_ORDER {
        for scalar in [signature.get(64..).unwrap(), &"0".repeat(64)] {
            assert!(!key.verifies(&hex(message), &array(&format!("{encoding}{scalar}"))), "{encoding}");
        }
    }
}

#[test]
fn every_y_beyond_the_prime_is_refused() {
    for low in 0xed..=0xff_u8 {
        for high in [0x7f, 0xff] {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (low, high);
            assert_eq!(PublicKey::from_bytes(&bytes).unwrap_err().cause, Cause::NoKey, "{low:x} {high:x}");
        }
    }
}

/// The edge cases of "Taming the many EdDSAs" (IACR ePrint 2020/1244): message, key, signature.
const EDGE_CASES: [[&str; 3]; 10] = [
    [
        "8c93255d71dcab10e8f379c26200f3c7bd5f09d9bc3068d3ef4edeb4853022b6",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a0000000000000000000000000000000000000000000000000000000000000000",
    ],
    [
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43a5bb704786be79fc476f91d3f3f89b03984d8068dcf1bb7dfc6637b45450ac04",
    ],
    [
        "aebf3f2601a0c8c5d39cc7d8911642f740b78168218da8471772b35f9d35b9ab",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa8c4bd45aecaca5b24fb97bc10ac27ac8751a7dfe1baff8b953ec9f5833ca260e",
    ],
    [
        "9bd9f44f4dcc75bd531b56b2cd280b0bb38fc1cd6d1230e14861d861de092e79",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "9046a64750444938de19f227bb80485e92b83fdb4b6506c160484c016cc1852f87909e14428a7a1d62e9f22f3d3ad7802db02eb2e688b6c52fcd6648a98bd009",
    ],
    [
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "160a1cb0dc9c0258cd0a7d23e94d8fa878bcb1925f2c64246b2dee1796bed5125ec6bc982a269b723e0668e540911a9a6a58921d6925e434ab10aa7940551a09",
    ],
    [
        "e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec4011eaccd55b53f56c",
        "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d",
        "21122a84e0b5fca4052f5b1235c80a537878b38f3142356b2c2384ebad4668b7e40bc836dac0f71076f9abe3a53f9c03c1ceeeddb658d0030494ace586687405",
    ],
    [
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "e96f66be976d82e60150baecff9906684aebb1ef181f67a7189ac78ea23b6c0e547f7690a0e2ddcd04d87dbc3490dc19b3b3052f7ff0538cb68afb369ba3a514",
    ],
    [
        "85e241a07d148b41e47d62c63f830dc7a6851a0b1f33ae4bb2f507fb6cffec40",
        "442aad9f089ad9e14647b1ef9099a1ff4798d78589e66f28eca69c11f582a623",
        "8ce5b96c8f26d0ab6c47958c9e68b937104cd36e13c33566acd2fe8d38aa19427e71f98a473474f2f13f06f97c20d58cc3f54b8bd0d272f42b695dd7e89a8c22",
    ],
    [
        "fdaebc429f4a735932a160da1301080c13280eea8bc280d1b392c6b9e6ba3a5a",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f454d370c8d9fc323a41450f8d513eafeb5b0697390c1e505a0d4ddc71f566607",
    ],
    [
        "84b698d39be126ff55fe45079e6c8bf64a0d7db6994560b4e96b7021eb39c1a1",
        "f7badec5b8abeaf699583992219b7b223f1df3fbbea919844e3f7c554a43dd43",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f084d5b99c2a9463d9c8bd5026916996984eeec87ddf1d3be329006ace1b37b09",
    ],
];

#[test]
fn the_edge_cases_of_the_field() {
    let verdicts = EDGE_CASES.map(|[message, key, signature]| match PublicKey::from_bytes(&array(key)) {
        Ok(key) => key.verifies(&hex(message), &array(signature)),
        Err(_) => false,
    });
    // Only the one with points of mixed order that fulfils the equation without cofactor: such a key has to
    // be made by its owner on purpose, and what it signs no one else can.
    let expected = [false, false, false, true, false, false, false, false, false, false];
    assert_eq!(verdicts, expected);
}

#[test]
fn every_bit_of_a_signature_and_a_message_counts() {
    let key = SecretKey::from_seed([1; 32]);
    let (public, message) = (key.public_key(), b"an order".to_vec());
    let signature = key.sign(&message);
    for bit in 0..512_usize {
        let mut bent = signature;
        bent[bit >> 3] ^= 1 << (bit & 7);
        assert!(!public.verifies(&message, &bent), "bit {bit}");
    }
    for bit in 0..64_usize {
        let mut bent = message.clone();
        bent[bit >> 3] ^= 1 << (bit & 7);
        assert!(!public.verifies(&bent, &signature));
    }
}

#[test]
fn the_encoding_that_is_signed_is_that_of_the_specification() {
    let encoding = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world");
    assert_eq!(encoding, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    // Lengths keep type and payload apart.
    assert_ne!(pre_authentication_encoding("a", b"b c"), pre_authentication_encoding("a b", b"c"));
}

#[test]
fn keys_read_back() {
    let key = SecretKey::from_seed([9; 32]);
    let pem = key.to_pem().unwrap();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    assert_eq!(SecretKey::from_pem(&pem).unwrap().public_key(), key.public_key());
    let text = key.public_key().to_string();
    assert_eq!(text.parse::<PublicKey>().unwrap(), key.public_key());
    for bad in [
        "",
        "ed25519:",
        "ed25519:AAAA",
        "rsa:AAAA",
        text.trim_end_matches('='),
        &format!("{text} "),
        text.trim_start_matches("ed25519:"),
    ] {
        assert_eq!(bad.parse::<PublicKey>().unwrap_err().cause, Cause::NoKey, "{bad}");
    }
    for bad in [
        "",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        pem.get(..90).unwrap(),
        &pem.replace("PRIVATE", "PUBLIC"),
    ] {
        assert_eq!(SecretKey::from_pem(bad).unwrap_err().cause, Cause::NoKey, "{bad}");
    }
    assert!(!format!("{key:?}").contains(pem.lines().nth(1).unwrap()), "a secret key is not printed");
}

#[test]
fn a_key_id_is_the_digest_of_the_key() {
    let id: KeyId = PublicKey::from_bytes(&array(RFC_8032[0][1])).unwrap().id();
    assert_eq!(id.to_string(), "sha256:21fe31dfa154a261626bf854046fd2271b7bed4b6abe45aa58877ef47f9721b9");
    assert_eq!(id.short(), "21fe31dfa154");
}

#[test]
fn json_and_binary_hold_the_same() {
    let mut envelope = Envelope::new(TRUST_TYPE, b"{\"a\":1}".to_vec());
    envelope.sign(&SecretKey::from_seed([1; 32])).unwrap();
    envelope.sign(&SecretKey::from_seed([2; 32])).unwrap();
    assert_eq!(Envelope::read(envelope.to_json().as_bytes()).unwrap(), envelope);
    assert_eq!(Envelope::read(&envelope.encode()).unwrap(), envelope);
}

#[test]
fn the_json_form_is_taken_strictly() {
    let mut envelope = Envelope::new(TRUST_TYPE, b"{\"a\":1}".to_vec());
    envelope.sign(&SecretKey::from_seed([1; 32])).unwrap();
    let json = envelope.to_json();
    let key_id = envelope.signatures()[0].0.to_string();
    assert!(json.contains("\"payload\": \"eyJhIjoxfQ==\""));
    let signatures = json.find("\"signatures\"").unwrap();
    let (head, tail) = json.split_at(signatures);
    let one = tail.get(tail.find('{').unwrap()..=tail.find('}').unwrap()).unwrap();
    let cases = [
        // The same bytes with bits set that mean nothing, without padding, with white space, in the other
        // alphabet.
        json.replacen("eyJhIjoxfQ==", "eyJhIjoxfR==", 1),
        json.replacen("eyJhIjoxfQ==", "eyJhIjoxfQ", 1),
        json.replacen("eyJhIjoxfQ==", "eyJhIjox fQ==", 1),
        json.replacen("eyJhIjoxfQ==", "____", 1),
        json.replacen("\"payload\"", "\"more\": 1, \"payload\"", 1),
        json.replacen("\"payload\"", "\"payload\": \"\", \"payload\"", 1),
        json.replacen(TRUST_TYPE, "", 1),
        json.replacen(TRUST_TYPE, "a b", 1),
        json.replacen(TRUST_TYPE, "ä", 1),
        json.replacen(TRUST_TYPE, &"a".repeat(129), 1),
        json.replacen(&key_id, &key_id.to_uppercase(), 1),
        json.replacen(&key_id, "sha256:00", 1),
        json.replacen("==\"\n", "\"\n", 1),
        json.replacen("\"sig\": \"", "\"sig\": \"AAAA", 1),
        json.replacen("\"sig\": \"", "\"sig\": \"\", \"was\": \"", 1),
        format!("{head}\"signatures\": [{one}, {one}] }}"),
        format!("{head}\"signatures\": [{}] }}", vec![one; 17].join(", ")),
        format!("{json}{json}"),
        format!("[{json}]"),
    ];
    for case in cases {
        assert_ne!(case, json);
        assert_eq!(
            Envelope::read(case.as_bytes()).map_err(|refusal| refusal.cause),
            Err(Cause::NoEnvelope),
            "{case}"
        );
    }
    assert_eq!(
        Envelope::read(format!(" \n{json}\n ").as_bytes()).unwrap(),
        envelope,
        "white space around is free"
    );
    assert_eq!(Envelope::read(format!("{head}\"signatures\": [{one}] }}").as_bytes()).unwrap(), envelope);
}
