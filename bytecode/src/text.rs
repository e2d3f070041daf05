//! What the natives on texts mean. The interpreter and the constant folder call these functions, so that a result
//! never depends on who computed it. Characters are Unicode scalar values; white space is what Unicode calls so.

use std::iter;
use std::ops::Range;

use crate::cost::MAX_STRING_BYTES;
use crate::trap::TrapCode;

/// How many characters.
pub fn length(text: &str) -> i64 {
    whole(text.chars().count())
}

/// Each character by its lower case, whatever stands beside it.
///
/// # Errors
/// Too long.
pub fn lower(text: &str) -> Result<String, TrapCode> {
    checked(text.chars().flat_map(char::to_lowercase).collect())
}

/// Each character by its upper case, whatever stands beside it.
///
/// # Errors
/// Too long.
pub fn upper(text: &str) -> Result<String, TrapCode> {
    checked(text.chars().flat_map(char::to_uppercase).collect())
}

/// The text with each occurrence of `part` replaced, from the left; as it is where `part` is empty.
///
/// # Errors
/// Too long.
pub fn replace(text: &str, part: &str, by: &str) -> Result<String, TrapCode> {
    if part.is_empty() {
        return Ok(text.to_owned());
    }
    let mut pieces = text.split(part);
    let mut made = pieces.next().unwrap_or("").to_owned();
    for piece in pieces {
        // Looked at each time: a megabyte of texts can make a terabyte.
        room(made.len().saturating_add(by.len()).saturating_add(piece.len()))?;
        made.push_str(by);
        made.push_str(piece);
    }
    Ok(made)
}

/// What stands between the separators; the whole text where the separator is empty.
pub fn split<'a>(text: &'a str, separator: &'a str) -> impl Iterator<Item = &'a str> {
    let (whole, parts) =
        if separator.is_empty() { (Some(text), None) } else { (None, Some(text.split(separator))) };
    whole.into_iter().chain(parts.into_iter().flatten())
}

/// What stands between white space.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    let (plain, other) = if text.is_ascii() { (text, "") } else { ("", text) };
    ascii_words(plain.as_bytes()).filter_map(|word| plain.get(word)).chain(other.split_whitespace())
}

/// Where in ASCII what stands between white space does.
pub fn ascii_words(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut edges = WordEdges { rest: text, block: 0, left: 0, in_word: false, ended: false };
    iter::from_fn(move || Some(edges.next()?..edges.next()?))
}

/// The offsets in ASCII where a word begins or ends. They are looked for in 64 bytes at once: to ask byte by byte costs
/// more in branches that nothing foretells than in what is asked.
struct WordEdges<'a> {
    /// What has not been looked at.
    rest: &'a [u8],
    /// How many bytes lie before the last block that was looked at, and those that follow it.
    block: usize,
    /// The edges of that block that are left: a bit for each byte.
    left: u64,
    /// Whether the byte before `rest` is part of a word.
    in_word: bool,
    ended: bool,
}

impl WordEdges<'_> {
    /// Looks at the next block, and behind the text at one of spaces.
    fn look(&mut self) -> Option<()> {
        let (block, rest) = match self.rest.split_first_chunk() {
            Some((block, rest)) => (word_bytes(block), rest),
            None if self.ended => return None,
            None => {
                self.ended = true;
                let mut block = [b' '; BLOCK];
                block.iter_mut().zip(self.rest).for_each(|(to, from)| *to = *from);
                (word_bytes(&block), &[][..])
            }
        };
        self.left = block ^ ((block << 1) | u64::from(self.in_word));
        self.in_word = block >> (BLOCK - 1) != 0;
        self.rest = rest;
        self.block = self.block.wrapping_add(BLOCK);
        Some(())
    }
}

impl Iterator for WordEdges<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        while self.left == 0 {
            self.look()?;
        }
        let at = self.left.trailing_zeros() as usize;
        self.left &= self.left.wrapping_sub(1);
        Some(self.block.wrapping_sub(BLOCK).wrapping_add(at))
    }
}

const BLOCK: usize = 64;

/// A bit for each byte of ASCII, set where that is no white space. Eight bytes are told apart by sums that carry into the
/// top bit of each, which ASCII leaves free.
fn word_bytes(block: &[u8; BLOCK]) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = 0x80 * EACH;
    // What carries from the tab and from what stands behind the carriage return, and so of the space.
    const CONTROL: [u64; 2] = [(0x80 - 0x09) * EACH, (0x80 - 0x0e) * EACH];
    const SPACE: [u64; 2] = [(0x80 - 0x20) * EACH, (0x80 - 0x21) * EACH];
    let mut bits = 0;
    for eight in block.as_chunks().0.iter().rev() {
        let bytes = u64::from_le_bytes(*eight);
        let between = |[from, behind]: [u64; 2]| bytes.wrapping_add(from) & !bytes.wrapping_add(behind);
        let word = (!(between(CONTROL) | between(SPACE)) & TOP) >> 7;
        // Brings the lowest bits of eight bytes together in the highest byte.
        bits = (bits << 8) | (word.wrapping_mul(0x0102_0408_1020_4080) >> 56);
    }
    bits
}

/// The texts, one behind the other, with the separator between them.
///
/// # Errors
/// Too long.
pub fn join<'a>(items: impl Iterator<Item = &'a str> + Clone, separator: &str) -> Result<String, TrapCode> {
    let (count, bytes) = items.clone().fold((0_usize, 0_usize), |(count, bytes), item| {
        (count.saturating_add(1), bytes.saturating_add(item.len()))
    });
    let between = count.saturating_sub(1).saturating_mul(separator.len());
    let mut text = String::with_capacity(room(bytes.saturating_add(between))?);
    for (index, item) in items.enumerate() {
        if index > 0 {
            text.push_str(separator);
        }
        text.push_str(item);
    }
    Ok(text)
}

/// The first `count` characters; all, where there are fewer; none, where `count` is below 1.
pub fn left(text: &str, count: i64) -> &str {
    let end = usize::try_from(count).map_or(Some(0), |count| Some(text.char_indices().nth(count)?.0));
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

/// The last `count` characters; all, where there are fewer; none, where `count` is below 1.
pub fn right(text: &str, count: i64) -> &str {
    let Some(before) = usize::try_from(count).ok().and_then(|count| count.checked_sub(1)) else { return "" };
    let start = text.char_indices().nth_back(before).map(|(start, _)| start);
    start.and_then(|start| text.get(start..)).unwrap_or(text)
}

/// How many characters stand before the first occurrence of `part`.
pub fn index_of(text: &str, part: &str) -> Option<i64> {
    text.split_once(part).map(|(before, _)| length(before))
}

/// The whole number that a text says: `+`, `-` or no sign, and decimal digits.
pub fn parse_int(text: &str) -> Option<i64> {
    text.parse().ok()
}

/// How many digits of a number count, from the first that is not 0. The text of each float has fewer; and of
/// a number with more, it can take thousands of steps to find out which of two floats is nearer.
const DIGITS: usize = 19;

/// The nearest float to the number that a text says: `+`, `-` or no sign, digits, a point and digits or none, an
/// exponent or none. Digits behind the nineteenth that counts are as zeros. `None` too where it is beyond all
/// floats.
pub fn parse_float(text: &str) -> Option<f64> {
    let number = text.strip_prefix(['+', '-']).unwrap_or(text);
    let negative = text.starts_with('-');
    let (number, exponent) = match number.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent)),
        None => (number, None),
    };
    let below_one = exponent.is_some_and(|exponent| exponent.starts_with('-'));
    let exponent_text = exponent.map(|text| text.strip_prefix(['+', '-']).unwrap_or(text));
    let (before, fraction) = match number.split_once('.') {
        Some((before, fraction)) => (before, Some(fraction)),
        None => (number, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if ![Some(before), fraction, exponent_text].into_iter().flatten().all(digits) {
        return None;
    }
    let exponent = exponent_text.map_or(0, |digits| digits.parse().unwrap_or(i64::MAX));
    let exponent = if below_one { exponent.saturating_neg() } else { exponent };
    let fraction = fraction.unwrap_or("");
    let counting = || before.bytes().chain(fraction.bytes()).skip_while(|digit| *digit == b'0');
    let kept: String = counting().take(DIGITS).map(char::from).collect();
    if kept.is_empty() {
        return Some(0.0);
    }
    // Where the point stands behind the digits that are kept.
    let left_out = counting().skip(DIGITS).count();
    let power = exponent.saturating_add(whole(left_out)).saturating_sub(whole(fraction.len()));
    let value: f64 = format!("{kept}e{power}").parse().ok()?;
    // Values of the language are finite, and zero has no sign.
    let value = if negative && value != 0.0 { -value } else { value };
    value.is_finite().then_some(value)
}

/// The text `count` times, one behind the other; none, where `count` is below 1.
///
/// # Errors
/// Too long.
pub fn repeat(text: &str, count: i64) -> Result<String, TrapCode> {
    let count = usize::try_from(count.max(0)).unwrap_or(usize::MAX);
    // Nothing often is nothing.
    let count = if text.is_empty() { 0 } else { count };
    room(text.len().saturating_mul(count))?;
    Ok(text.repeat(count))
}

/// The texts, one behind the other: `concat`.
///
/// # Errors
/// Too long.
pub fn concat<'a>(parts: impl Iterator<Item = &'a str> + Clone) -> Result<String, TrapCode> {
    join(parts, "")
}

/// A length in bytes that a string may have.
fn room(bytes: usize) -> Result<usize, TrapCode> {
    let fits = u64::try_from(bytes).is_ok_and(|bytes| bytes <= MAX_STRING_BYTES);
    if fits { Ok(bytes) } else { Err(TrapCode::TooLong) }
}

fn checked(text: String) -> Result<String, TrapCode> {
    room(text.len())?;
    Ok(text)
}

/// A number of characters of a text in memory.
fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
