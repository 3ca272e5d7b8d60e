//! A text that is never shown by accident.

use std::fmt;

use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

/// A secret. `Debug`, `Display` and `Serialize` give a placeholder; only [`Secret::expose`] gives the text.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

const PLACEHOLDER: &str = "<secret>";

impl Secret {
    /// Holds a text as a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// A new one that nobody can guess: 64 hex digits with 244 random bits.
    pub fn generate() -> Self {
        Self(format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple()))
    }

    /// The text itself. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether a given text is this secret; how long it takes says nothing about how much of it was right.
    pub fn matches(&self, given: &str) -> bool {
        // Digests differ everywhere if the texts differ anywhere, so that comparing them tells nothing.
        Sha256::digest(self.0.as_bytes()) == Sha256::digest(given.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PLACEHOLDER)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(PLACEHOLDER)
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(PLACEHOLDER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_way_of_showing_shows_it() {
        #[derive(Debug, Serialize)]
        struct Holder {
            key: Secret,
        }
        let holder = Holder { key: Secret::new("sk-ant-12345678") };
        let shown =
            [format!("{holder:?}"), format!("{holder:#?}"), holder.key.to_string(), serde_json::to_string(&holder).unwrap()];
        for text in shown {
            assert!(text.contains("<secret>") && !text.contains("sk-ant"), "{text}");
        }
        assert_eq!(holder.key.expose(), "sk-ant-12345678");
    }

    #[test]
    fn generated_ones_differ_and_match_only_themselves() {
        let (one, other) = (Secret::generate(), Secret::generate());
        assert_eq!(one.expose().len(), 64);
        assert!(
            one.matches(one.expose()) && !one.matches(other.expose()) && !one.matches("") && !one.matches(&one.expose()[1..])
        );
    }
}
