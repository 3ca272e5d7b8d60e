//! Bytes made visible: what an agent wrote can be read on a terminal without acting on it.

use crate::domain::text::is_unsafe;

/// The bytes as text: line feeds and tabs as they are, other control characters as `^X` or `<U+…>`, what is not UTF-8 as `<xx>`.
pub(crate) fn visible(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                c if !is_unsafe(c) && !is_empty(c) => shown.push(c),
                '\0'..='\u{1f}' => shown.extend(['^', char::from((c as u8) ^ 0x40)]),
                '\u{7f}' => shown.push_str("^?"),
                c => shown.push_str(&format!("<U+{:04X}>", u32::from(c))),
            }
        }
        for byte in chunk.invalid() {
            shown.push_str(&format!("<{byte:02x}>"));
        }
    }
    shown
}

/// Whether a character takes no room at all, so that two words which differ in it look the same, or breaks a line without being a line feed.
/// Some scripts and emoji need such ones, so that they are shown here only, where a person decides about the very bytes.
fn is_empty(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200d}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2064}' | '\u{ad}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_acts_on_the_terminal_and_nothing_is_lost() {
        assert_eq!(visible("plain\n\ttext é".as_bytes()), "plain\n\ttext é");
        assert_eq!(visible("pay\u{200b}pal \u{61c}x".as_bytes()), "pay<U+200B>pal <U+061C>x");
        assert_eq!(visible(b"\x1b[31m\x07\r\0\x7f"), "^[[31m^G^M^@^?");
        assert_eq!(visible("a\u{202e}b\u{9b}c".as_bytes()), "a<U+202E>b<U+009B>c");
        assert_eq!(visible(b"\xff\xc3ok"), "<ff><c3>ok");
    }
}
