//! Taking known secrets out of texts, by value.
//!
//! Not here: text that comes in pieces (`stream`).

use std::io::{self, Read};

use serde_json::Value;

use super::encode::forms;
use super::stream::RedactingStream;

/// What stands in a text where a secret was.
pub const MASK: &str = "[secret]";

/// Shorter secrets are not looked for, in bytes: they would be found by chance all over ordinary text.
pub const SECRET_MIN_BYTES: usize = 8;

/// Finds the known secrets in any text, also in base64 (both alphabets, at any alignment), JSON and addresses.
#[derive(Clone, Default)]
pub struct Redactor {
    /// What to look for, by first byte, the longest first.
    by_first: Vec<Vec<Vec<u8>>>,
    /// The length of the longest.
    longest: usize,
}

/// How a text goes on at some place.
pub(super) enum Match {
    /// Not with a secret.
    No,
    /// With a secret of this many bytes.
    Whole(usize),
    /// The text ends before it is clear.
    Unclear,
}

impl Redactor {
    /// A redactor for these secrets. Blank space around them does not count, and those shorter than [`SECRET_MIN_BYTES`] are left out.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut by_first = vec![Vec::new(); 256];
        let mut longest = 0;
        for secret in secrets.into_iter().map(str::trim).filter(|secret| secret.len() >= SECRET_MIN_BYTES) {
            for form in forms(secret) {
                longest = longest.max(form.len());
                by_first[usize::from(form[0])].push(form);
            }
        }
        for forms in &mut by_first {
            forms.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
            forms.dedup();
        }
        Self { by_first, longest }
    }

    /// Whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.longest == 0
    }

    /// The text with [`MASK`] in place of every secret, and of the beginning of one (at least [`SECRET_MIN_BYTES`] of it) at the end: the
    /// text may have been cut there.
    pub fn redact(&self, text: &str) -> String {
        // The forms are whole characters of the text, so that what is left is too.
        String::from_utf8_lossy(&self.redact_bytes(text.as_bytes())).into_owned()
    }

    /// The same for bytes that need not be text.
    pub fn redact_bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = RedactingStream::new(self);
        let mut out = stream.push(bytes);
        out.extend(stream.finish());
        out
    }

    /// Whether a whole secret is in what can be read.
    ///
    /// # Errors
    /// The reader's.
    pub fn finds_in(&self, mut from: impl Read) -> io::Result<bool> {
        let mut stream = RedactingStream::new(self);
        let mut piece = vec![0; 64 * 1024];
        loop {
            let n = from.read(&mut piece)?;
            stream.push(&piece[..n]);
            if stream.found() {
                return Ok(true);
            }
            if n == 0 {
                return Ok(stream.ends_with_secret());
            }
        }
    }

    /// Redacts every string of a JSON value, keys included.
    pub fn redact_json(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.redact(&text)),
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.redact_json(item)).collect()),
            Value::Object(map) => {
                Value::Object(map.into_iter().map(|(key, item)| (self.redact(&key), self.redact_json(item))).collect())
            }
            other => other,
        }
    }

    /// How many bytes of a text pass before one with which a secret could begin.
    pub(super) fn harmless(&self, text: &[u8]) -> usize {
        let begins = |byte: &u8| self.by_first.get(usize::from(*byte)).is_some_and(|forms| !forms.is_empty());
        text.iter().position(begins).unwrap_or(text.len())
    }

    /// How a text begins. `complete` says that nothing comes after it.
    pub(super) fn begins(&self, text: &[u8], complete: bool) -> Match {
        let Some(forms) = text.first().and_then(|first| self.by_first.get(usize::from(*first))) else { return Match::No };
        for form in forms {
            if text.starts_with(form) {
                return Match::Whole(form.len());
            }
            if !complete && form.starts_with(text) {
                return Match::Unclear;
            }
        }
        Match::No
    }
}

/// Without the secrets.
impl std::fmt::Debug for Redactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redactor").field("forms", &self.by_first.iter().map(Vec::len).sum::<usize>()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::super::encode::base64;
    use super::*;

    const KEY: &str = "sk-ant-api03-AbC/dEf+0123456789_x";

    #[test]
    fn every_form_is_taken_out() {
        let redactor = Redactor::new([KEY, "pass\"word\\1"]);
        let url_safe = base64(format!("u:{KEY}").as_bytes()).replace('+', "-").replace('/', "_");
        let texts = [
            format!("key={KEY}, again {KEY}{KEY}."),
            format!("Authorization: Basic {}", base64(format!("user:{KEY}").as_bytes())),
            url_safe,
            serde_json::json!({"a": "pass\"word\\1"}).to_string(),
            format!("https://x/?key={}", KEY.replace('/', "%2F").replace('+', "%2B")),
        ];
        for text in &texts {
            let redacted = redactor.redact(text);
            assert!(redacted.contains(MASK), "{text} gave {redacted}");
            for piece in ["AbC", "0123456789", "word", &base64(KEY.as_bytes())[4..20]] {
                assert!(!redacted.contains(piece), "{piece} is left of {text}: {redacted}");
            }
        }
        assert_eq!(redactor.redact(&texts[0]), "key=[secret], again [secret][secret].");
    }

    #[test]
    fn other_text_stays_as_it_is() {
        let redactor = Redactor::new([KEY, "short"]);
        for text in ["", "short", "sk-ant-api03-AbC is cut", "sk-ant", "Grüße, 日本語 \u{1f980}", &KEY[1..]] {
            assert_eq!(redactor.redact(text), text);
        }
        assert!(Redactor::new(["short", "  "]).is_empty());
    }

    #[test]
    fn the_longer_of_two_secrets_wins() {
        let redactor = Redactor::new(["abcdefgh", "abcdefghijkl"]);
        assert_eq!(redactor.redact("abcdefghijkl abcdefghij"), "[secret] [secret]");
        assert_eq!(redactor.redact("abcdefghij."), "[secret]ij.");
    }

    #[test]
    fn json_keeps_its_shape() {
        let redactor = Redactor::new([KEY]);
        let value = serde_json::json!({KEY: [1, {"a": format!("<{KEY}>")}], "b": null});
        assert_eq!(redactor.redact_json(value), serde_json::json!({"[secret]": [1, {"a": "<[secret]>"}], "b": null}));
    }

    #[test]
    fn a_whole_secret_is_found_wherever_it_lies_and_a_part_is_none() {
        let redactor = Redactor::new([KEY, &KEY[..20]]);
        for before in [0, 1, 64 * 1024 - 5, 64 * 1024] {
            let text = format!("{}{KEY}", "x".repeat(before));
            assert!(redactor.finds_in(text.as_bytes()).unwrap(), "after {before}");
            assert!(!redactor.finds_in(&text.as_bytes()[..before + 19]).unwrap(), "after {before}");
        }
        // The end of the text decides here: the longer one may still come.
        assert!(redactor.finds_in(&KEY.as_bytes()[..20]).unwrap());
        assert!(!Redactor::default().finds_in(KEY.as_bytes()).unwrap());
    }

    #[test]
    fn it_does_not_show_what_it_looks_for() {
        assert!(!format!("{:?}", Redactor::new([KEY])).contains("sk-ant"));
    }
}
