//! Text that comes from outside: what is refused, and what is made harmless.
//!
//! A person's or a script's text with control characters is refused (they meant something else). A model's text is cleaned,
//! because refusing it would only cost another attempt. Neither may reach a terminal as it came: escape sequences can type.

use serde_json::Value;

use super::error::Error;

/// Whether a character would act on a terminal or hide from a reader: C0 and C1 controls but line feed and tab, DEL, and the
/// characters that reorder text (the trick of "Trojan Source").
pub fn is_unsafe(c: char) -> bool {
    let reorders = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    // Letters that nothing shows.
    let hides = matches!(c, '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    (c.is_control() && c != '\n' && c != '\t') || reorders || hides
}

/// Refuses unsafe characters and too long a text.
///
/// # Errors
/// `Invalid`, naming the field and the character.
pub fn check(field: &str, text: &str, max_bytes: usize) -> Result<(), Error> {
    if text.len() > max_bytes {
        return Err(
            Error::invalid(field, format!("{} bytes are too long", text.len())).hint(format!("at most {max_bytes} bytes"))
        );
    }
    match text.chars().find(|c| is_unsafe(*c) && *c != '\r') {
        Some(c) => Err(Error::invalid(field, format!("holds the control character U+{:04X}", u32::from(c)))
            .hint("take it out; line breaks and tabs are allowed")),
        None => Ok(()),
    }
}

/// Refuses unsafe characters anywhere in a JSON value, keys included.
///
/// # Errors
/// `Invalid`, naming the path inside the value.
pub fn check_json(field: &str, value: &Value) -> Result<(), Error> {
    match value {
        Value::String(text) => check(field, text, usize::MAX),
        Value::Array(items) => items.iter().enumerate().try_for_each(|(i, item)| check_json(&format!("{field}[{i}]"), item)),
        Value::Object(map) => map.iter().try_for_each(|(key, item)| {
            check(field, key, 1024)?;
            check_json(&format!("{field}.{key}"), item)
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

/// The text without unsafe characters: what may be shown on a terminal.
pub fn clean(text: &str) -> String {
    text.chars().filter(|c| !is_unsafe(*c)).collect()
}

/// The JSON value with every string cleaned.
pub fn clean_json(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(clean(&text)),
        Value::Array(items) => Value::Array(items.into_iter().map(clean_json).collect()),
        Value::Object(map) => Value::Object(map.into_iter().map(|(key, item)| (clean(&key), clean_json(item))).collect()),
        other => other,
    }
}

/// At most `max` bytes of `text`, cut between characters, with `…` where something was cut off.
pub fn clip(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(max)])
}

/// All of the text on one line of at most `max` bytes, cleaned: runs of white space become one space.
pub fn joined(text: &str, max: usize) -> String {
    // Clipped first, so that a text of megabytes costs no more than what is shown of it.
    let head = clip(text, max.saturating_mul(4));
    let words: Vec<String> = head.split_whitespace().map(clean).filter(|word| !word.is_empty()).collect();
    clip(&words.join(" "), max)
}

/// The first line, at most `max` characters, for a table or a log.
pub fn one_line(text: &str, max: usize) -> String {
    let cleaned = clean(text);
    let line = cleaned.trim().lines().next().unwrap_or_default();
    if line.chars().count() <= max {
        return line.to_owned();
    }
    line.chars().take(max.saturating_sub(1)).chain(std::iter::once('…')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_refused_and_cleaned() {
        assert!(check("title", "plain\n\ttext", 100).is_ok());
        for bad in ["\u{1b}[31m", "\u{7}", "\u{9b}31m", "a\u{202e}b", "\0"] {
            assert!(check("title", bad, 100).is_err(), "{bad:?}");
            assert!(!clean(bad).chars().any(is_unsafe));
        }
    }

    #[test]
    fn cutting_keeps_characters_whole() {
        assert_eq!(clip("aé", 2), "a…");
        assert_eq!(clip("aé", 3), "aé");
        assert_eq!(clip("é", 0), "…");
        assert_eq!(joined(&"word ".repeat(100_000), 9), "word word…");
    }

    #[test]
    fn escapes_never_reach_the_pane() {
        assert_eq!(clean("a\u{1b}[2Jb\r\u{7}\u{9b}31mc\td\ne"), "a[2Jb31mc\td\ne");
        assert_eq!(clean("rm \u{202e}x"), "rm x");
        assert_eq!(joined("  two\n  lines\u{1b}]0;title\u{7} ", 100), "two lines]0;title");
    }

    #[test]
    fn the_path_of_the_bad_string_is_named() {
        let error = check_json("payload", &serde_json::json!({"a": ["ok", "\u{1b}"]})).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("payload.a[1]"));
    }
}
