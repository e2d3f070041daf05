//! Text from programs and data, made safe to print: it can neither drive the terminal nor forge a line.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a character does something to a terminal or to the order of text instead of being seen.
pub(crate) fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// One visible character for each character: control characters as their pictures.
pub(crate) fn picture(character: char) -> char {
    match character {
        '\u{7f}' => '\u{2421}',
        '\0'..='\u{1f}' => char::from_u32(u32::from(character).saturating_add(0x2400)).unwrap_or('\u{fffd}'),
        _ if is_unsafe(character) => '\u{fffd}',
        _ => character,
    }
}

/// The text with every unsafe character replaced by a visible one.
pub(crate) fn safe(text: &str) -> Cow<'_, str> {
    if text.chars().any(is_unsafe) {
        Cow::Owned(text.chars().map(picture).collect())
    } else {
        Cow::Borrowed(text)
    }
}

/// The same, of several lines: line ends stay.
pub(crate) fn safe_lines(text: &str) -> String {
    text.chars().map(|character| if character == '\n' { '\n' } else { picture(character) }).collect()
}

/// A JSON value on one line, unsafe characters as escapes. Outside strings JSON has none, so the value stays
/// the same.
pub(crate) fn safe_json(value: &serde_json::Value) -> String {
    let plain = value.to_string();
    if !plain.chars().any(is_unsafe) {
        return plain;
    }
    let mut escaped = String::with_capacity(plain.len());
    for character in plain.chars() {
        if is_unsafe(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                let _infallible = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// A whole number with thin groups of three: `1_234_567` reads badly, `1,234,567` well.
pub(crate) fn grouped(number: u128) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && digits.len().saturating_sub(index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 action`, `2 actions`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", grouped(count as u128))
}

/// The text padded to a width counted in characters.
pub(crate) fn padded(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(text.chars().count());
    format!("{text}{}", " ".repeat(missing))
}

/// The text cut to a width, with an ellipsis where something is missing.
pub(crate) fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if text.chars().count() <= width {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().take(width.saturating_sub(1)).chain(['…']).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_unsafe_is_left() {
        assert_eq!(safe("a\x1b[31mb\u{202e}c\u{9b}"), "a␛[31mb\u{fffd}c\u{fffd}");
        assert_eq!(safe("plain — ünïcode 1 × 2"), "plain — ünïcode 1 × 2");
    }

    #[test]
    fn safe_json_is_the_same_value() {
        let value = serde_json::json!({ "text": "a\u{9b}31m\u{202e}\u{7f}\n" });
        let text = safe_json(&value);
        assert!(!text.chars().any(is_unsafe));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).unwrap(), value);
    }

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_000), "1,000");
        assert_eq!(grouped(12_345_678), "12,345,678");
    }
}
