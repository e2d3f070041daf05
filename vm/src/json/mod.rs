//! JSON at the border: strings that are safe to print, and inputs read straight into columns.

mod builder;
mod read;
mod redact;
mod scalar;

pub(crate) use read::{Wanted, read_document};

/// Appends a JSON string. Whatever could end a line, move a terminal's cursor or turn the reading direction is
/// written as a `\u` escape, so a value can forge neither a line of a trace nor what a person sees of it.
pub(crate) fn write_string(text: &str, out: &mut String) {
    out.push('"');
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    let mut rest = text;
    loop {
        let plain = rest.bytes().position(|byte| !is_plain(byte)).unwrap_or(rest.len());
        let (own, behind) = rest.split_at_checked(plain).unwrap_or((rest, ""));
        out.push_str(own);
        let mut characters = behind.chars();
        match characters.next() {
            None => break,
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(other) if is_unsafe(other) => {
                let mut units = [0u16; 2];
                for unit in other.encode_utf16(&mut units) {
                    out.push_str("\\u");
                    let digit = |shift: u32| char::from_digit(u32::from(*unit >> shift) & 15, 16);
                    out.extend([12, 8, 4, 0].into_iter().filter_map(digit));
                }
            }
            Some(other) => out.push(other),
        }
        rest = characters.as_str();
    }
    out.push('"');
}

/// Controls (C0, DEL, C1), line and paragraph separators, direction marks and invisible format characters.
pub(crate) fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{061c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let mut out = String::new();
        write_string(text, &mut out);
        out
    }

    #[test]
    fn strings_cannot_forge_lines_or_terminal_codes() {
        assert_eq!(written("a\"b\\c\nd\u{1b}[31m\u{7f}\u{9b}"), r#""a\"b\\c\nd\u001b[31m\u007f\u009b""#);
        assert_eq!(written("\u{202e}\u{2028}\u{e0001}"), r#""\u202e\u2028\udb40\udc01""#);
        assert_eq!(written("naïve 日本 🐝"), "\"naïve 日本 🐝\"");
    }

    #[test]
    fn strings_read_back() {
        let every = (0..=0x0011_0000u32).step_by(7).filter_map(char::from_u32).collect::<String>();
        assert_eq!(serde_json::from_str::<String>(&written(&every)).unwrap(), every);
    }
}
