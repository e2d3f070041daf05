//! How names of logs, values and hints are written as NATS subjects: `:` parts them as `.` does, everything
//! else but letters, digits, `-`, `_` and `/` is escaped. `swarm:execution:results` is
//! `swarm.execution.results`.

/// What logs, values, hints and the parts of great values stand under. No escaped name looks like the last.
pub(super) const LOGS: &str = "swarm-log.";
pub(super) const VALUES: &str = "$KV.swarm.";
pub(super) const HINTS: &str = "swarm-hint.";
pub(super) const PARTS: &str = "$KV.swarm.=parts.";

use crate::BusError;

/// How long a subject may be, in bytes: it stands in one line of the protocol with other words.
const LONGEST: usize = 2_000;

/// The subject of a name under one of the prefixes above.
pub(super) fn subject(prefix: &str, name: &str) -> Result<String, BusError> {
    let mut subject = prefix.to_owned();
    for (at, token) in name.split(':').enumerate() {
        if at > 0 {
            subject.push('.');
        }
        if token.is_empty() {
            subject.push('=');
        }
        for byte in token.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'/') {
                subject.push(char::from(byte));
            } else {
                subject.push('=');
                subject.extend([byte >> 4, byte & 15].into_iter().filter_map(|half| {
                    char::from_digit(u32::from(half), 16).map(|digit| digit.to_ascii_uppercase())
                }));
            }
        }
    }
    if subject.len() > LONGEST {
        return Err(BusError::Refused(format!("a name of {} bytes is too long for NATS", name.len())));
    }
    Ok(subject)
}

/// The name of a subject; none if it is not one that [`subject`] makes under the prefix.
pub(super) fn name(prefix: &str, subject: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(subject.len());
    for (at, token) in subject.strip_prefix(prefix)?.split('.').enumerate() {
        if at > 0 {
            bytes.push(b':');
        }
        if token == "=" {
            continue;
        }
        let mut rest = token.bytes();
        while let Some(byte) = rest.next() {
            if byte != b'=' {
                bytes.push(byte);
                continue;
            }
            let mut half = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
            let (high, low) = (half()?, half()?);
            bytes.push(u8::try_from(high << 4 | low).ok()?);
        }
    }
    String::from_utf8(bytes).ok()
}

/// What all subjects match whose names begin so. It may match more.
pub(super) fn beginning(prefix: &str, name: &str) -> Result<String, BusError> {
    match name.rsplit_once(':') {
        Some((whole, _)) => Ok(format!("{}.>", subject(prefix, whole)?)),
        None => Ok(format!("{prefix}>")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{VALUES, beginning, name, subject};

    #[test]
    fn names_of_the_field_are_plain_subjects() {
        let plain = |name| subject("", name).unwrap();
        assert_eq!(plain("swarm:execution:results"), "swarm.execution.results");
        assert_eq!(plain("trace:agent-0001:1732162800"), "trace.agent-0001.1732162800");
        assert_eq!(plain("a.b:*:>: :é"), "a=2Eb.=2A.=3E.=20.=C3=A9");
        assert_eq!(plain("a::"), "a.=.=");
        assert!(subject("", &"x".repeat(2_001)).is_err());
        assert_eq!(beginning("x.", "swarm:agent:agent-0").unwrap(), "x.swarm.agent.>");
        assert_eq!(beginning("x.", "swarm").unwrap(), "x.>");
        assert_eq!(name(VALUES, "$KV.swarm.=parts.a.b.0"), None);
    }

    proptest! {
        #[test]
        fn every_name_comes_back(text in "[a-z:=.* é>/-]{0,12}") {
            let written = subject(VALUES, &text).unwrap();
            prop_assert_eq!(name(VALUES, &written), Some(text));
            let tail = written.strip_prefix(VALUES).unwrap();
            prop_assert!(tail.split('.').all(|token| !token.is_empty() && !token.contains(['*', '>', ' '])));
        }
    }
}
