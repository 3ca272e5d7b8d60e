//! Approvals: a person's decision about exactly one snapshot and its terms.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// The number of an approval.
pub type ApprovalId = i64;

/// Where an approval is. It is decided once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalState {
    /// Waits for a person.
    Open,
    /// A person said yes.
    Approved,
    /// A person said no.
    Rejected,
    /// No longer asked.
    Withdrawn,
}

impl ApprovalState {
    /// The word used in rows and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Open, Self::Approved, Self::Rejected, Self::Withdrawn].into_iter().find(|state| state.as_str() == word)
    }
}

/// What a person decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Yes.
    Approve,
    /// No; a reason goes with it.
    Reject,
}

/// The hash that binds a decision: over kind, snapshot and terms, so that none of them can be swapped afterwards.
/// SHA-256 in hex over their canonical JSON (keys sorted).
pub fn binding(kind: &str, snapshot: Option<&str>, terms: &Value) -> String {
    let sealed = serde_json::json!({ "kind": kind, "snapshot": snapshot, "terms": terms });
    hex::encode(Sha256::digest(canonical(&sealed).as_bytes()))
}

/// JSON with sorted keys and no spaces: the same value always gives the same bytes.
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            let fields: Vec<String> =
                keys.into_iter().map(|key| format!("{}:{}", Value::String(key.clone()), canonical(&map[key]))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_order_of_keys_does_not_matter_and_everything_else_does() {
        let bind = |kind, snapshot, terms| binding(kind, snapshot, &terms);
        let one = bind("publish", Some("aa"), json!({"price": 3, "title": "x"}));
        assert_eq!(one, bind("publish", Some("aa"), json!({"title": "x", "price": 3})));
        for other in [
            bind("publish", Some("ab"), json!({"price": 3, "title": "x"})),
            bind("publish", Some("aa"), json!({"price": 4, "title": "x"})),
            bind("post", Some("aa"), json!({"price": 3, "title": "x"})),
            bind("publish", None, json!({"price": 3, "title": "x"})),
        ] {
            assert_ne!(one, other);
        }
    }
}
