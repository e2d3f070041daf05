//! What stands in messages. A message without our headers is one entry or value. Entries appended together
//! are one message, so that all of them are there or none; what is greater than a message may be goes before
//! it in parts.

use async_nats::HeaderMap;

use crate::BusError;

/// How many entries are in a message.
pub(super) const ENTRIES: &str = "Swarm-Entries";
/// This message is a part of another one.
pub(super) const PART: &str = "Swarm-Part";
/// The sequence numbers of the messages whose payloads, put together, are this one's.
pub(super) const PARTS: &str = "Swarm-Parts";
/// There is no value any more.
pub(super) const REMOVED: &str = "KV-Operation";

/// How great a value or an append may be at most, in bytes: it is held in memory.
pub(super) const GREATEST: usize = 64 << 20;
/// How many entries may be appended at once: their number has to fit into a position.
const MOST_ENTRIES: usize = 1 << 20;
/// More parts than this there are not: their numbers have to fit into a header.
pub(super) const MOST_PARTS: usize = 1_500;

/// Refuses what is too great.
pub(super) fn check_size(bytes: usize) -> Result<(), BusError> {
    if bytes <= GREATEST {
        return Ok(());
    }
    Err(BusError::Refused(format!("{bytes} bytes are more than the {GREATEST} that it takes at once")))
}

/// Several entries in one payload.
pub(super) fn pack(entries: &[&[u8]]) -> Result<Vec<u8>, BusError> {
    if entries.len() > MOST_ENTRIES {
        return Err(BusError::Refused(format!("more than {MOST_ENTRIES} entries at once")));
    }
    let mut packed = Vec::new();
    for entry in entries {
        let length =
            u32::try_from(entry.len()).map_err(|_| BusError::Refused("an entry too great".to_owned()))?;
        packed.extend_from_slice(&length.to_le_bytes());
        packed.extend_from_slice(entry);
    }
    Ok(packed)
}

/// The entries of a payload that [`pack`] made. What is left over, in one that others made, is no entry.
pub(super) fn unpack(mut packed: &[u8]) -> Vec<Vec<u8>> {
    let mut entries = Vec::new();
    while let Some((length, rest)) = packed.split_first_chunk::<4>().filter(|_| entries.len() < MOST_ENTRIES)
    {
        let Some((entry, rest)) = usize::try_from(u32::from_le_bytes(*length))
            .ok()
            .and_then(|length| rest.split_at_checked(length))
        else {
            break;
        };
        entries.push(entry.to_vec());
        packed = rest;
    }
    entries
}

/// The sequence numbers of a message's parts; none if it is whole by itself.
pub(super) fn parts(headers: Option<&HeaderMap>) -> Option<Vec<u64>> {
    let text = headers?.get(PARTS)?.as_str();
    Some(text.split(',').take(MOST_PARTS).filter_map(|number| number.parse().ok()).collect())
}

/// Whether a message has a header.
pub(super) fn has(headers: Option<&HeaderMap>, name: &str) -> bool {
    headers.is_some_and(|headers| headers.get(name).is_some())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{pack, unpack};

    proptest! {
        #[test]
        fn what_was_packed_comes_back(entries: Vec<Vec<u8>>) {
            let slices: Vec<&[u8]> = entries.iter().map(Vec::as_slice).collect();
            prop_assert_eq!(unpack(&pack(&slices).unwrap()), entries);
        }

        #[test]
        fn any_bytes_are_unpacked(bytes: Vec<u8>) {
            prop_assert!(unpack(&bytes).iter().map(Vec::len).sum::<usize>() <= bytes.len());
        }
    }
}
