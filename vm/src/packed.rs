//! Numbers in as few bytes as they need, one behind the other.

/// Adds a number: seven bits of it for each byte, and as many zeros below them as bytes follow the first. One
/// of more than 56 bits is whole behind a byte of zeros.
#[inline(always)]
pub(crate) fn put(bytes: &mut Vec<u8>, number: u64) {
    if number < 128 {
        bytes.push(u8::try_from(number << 1 | 1).unwrap_or(0));
        return;
    }
    let bits = u64::BITS.wrapping_sub((number | 1).leading_zeros());
    let behind = bits.wrapping_sub(1) / 7;
    if behind < 8 {
        let whole = (number << 1 | 1).wrapping_shl(behind);
        bytes.extend_from_slice(&whole.to_le_bytes());
        bytes.truncate(bytes.len().saturating_sub(7).saturating_add(crate::slot::index(behind)));
    } else {
        bytes.push(0);
        bytes.extend_from_slice(&number.to_le_bytes());
    }
}

/// Takes the first number off the front.
pub(crate) fn take(bytes: &mut &[u8]) -> Option<u64> {
    let behind = bytes.first()?.trailing_zeros();
    let length = crate::slot::index(behind).saturating_add(1);
    let (own, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    // The byte of zeros has eight of them.
    let (own, shift) = if behind < 8 { (own, behind.saturating_add(1)) } else { (own.get(1..)?, 0) };
    let mut whole = [0; 8];
    whole.get_mut(..own.len())?.copy_from_slice(own);
    Some(u64::from_le_bytes(whole).wrapping_shr(shift))
}

#[cfg(test)]
mod tests {
    use super::{put, take};

    #[test]
    fn numbers_go_there_and_back() {
        let powers = (0..64).map(|bits| 1_u64 << bits);
        let numbers: Vec<u64> =
            powers.flat_map(|power| [power - 1, power, power + 1]).chain([u64::MAX]).collect();
        let mut bytes = Vec::new();
        numbers.iter().for_each(|number| put(&mut bytes, *number));
        let mut left = bytes.as_slice();
        let back: Vec<u64> = std::iter::from_fn(|| take(&mut left)).collect();
        assert_eq!((back, left), (numbers, &[][..]));
    }

    #[test]
    fn small_numbers_take_little() {
        for (number, length) in [(0, 1), (127, 1), (128, 2), (1 << 32, 5), ((1 << 56) - 1, 8), (1 << 56, 9)] {
            let mut bytes = Vec::new();
            put(&mut bytes, number);
            assert_eq!(bytes.len(), length, "{number}");
        }
    }
}
