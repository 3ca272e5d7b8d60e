//! A pipeline as a product keeps it: JSON that an earlier version may have written.
//!
//! Earlier versions let keys stand in an action that mean nothing there, and ignored them. In a file they are refused now (`action`); in
//! what is kept they go on being ignored, because a product must be able to end with the pipeline that it began with.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Pipeline;
use super::action::{keys_of, verb_of};

/// A pipeline whose parts are not read yet.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    version: u32,
    max_rounds: u32,
    types: BTreeMap<String, Value>,
    approvals: BTreeMap<String, Value>,
}

impl TryFrom<Kept> for Pipeline {
    type Error = serde_json::Error;

    fn try_from(kept: Kept) -> Result<Self, serde_json::Error> {
        let Kept { version, max_rounds, types, approvals } = kept;
        let on = |spec: &mut Value| {
            for actions in spec.get_mut("on").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
                mend(actions);
            }
        };
        let decisions = |spec: &mut Value| {
            for decision in ["approve", "reject"] {
                spec.get_mut(decision).into_iter().for_each(mend);
            }
        };
        Ok(Self { version, max_rounds, types: parts(types, on)?, approvals: parts(approvals, decisions)? })
    }
}

fn parts<T: DeserializeOwned>(
    kept: BTreeMap<String, Value>,
    mend: impl Fn(&mut Value),
) -> Result<BTreeMap<String, T>, serde_json::Error> {
    let read = |(name, mut part): (String, Value)| {
        mend(&mut part);
        Ok((name, serde_json::from_value(part)?))
    };
    kept.into_iter().map(read).collect()
}

/// Takes out of each action what was ignored in it.
fn mend(actions: &mut Value) {
    for action in actions.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        let Some(verb) = verb_of(|verb| action.get(verb).is_some_and(|value| !value.is_null())) else { continue };
        action.retain(|key, _| keys_of(verb).contains(&key.as_str()));
        if let Some(start) = action.get_mut("start_product").and_then(Value::as_object_mut) {
            start.retain(|key, _| key == "title" || key == "idea");
            // One without a title was read, and refused when it was to begin.
            start.entry("title").or_insert(Value::Null);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::domain::pipeline::{Action, Creation, Pipeline};

    /// What the shape of before wrote: every action with options of its own, here with all that it let stand and ignored.
    fn before(create: &serde_json::Value, ask: &serde_json::Value, start: &serde_json::Value) -> serde_json::Value {
        json!({
            "version": 1, "max_rounds": 3,
            "types": {"evaluate_idea": {
                "attempts": 3, "budget_usd": 1.5, "checks": [], "executor": "agent", "on": {"approve": [start, create], "reject": []},
                "payload": {"type": "object"}, "priority": 6, "requires": {"approve": {"$result.is_bounty": false}},
                "result": {"type": "object"}, "summary": "Decide", "timeout_minutes": 20, "tree": "none",
            }},
            "approvals": {"build": {"approve": [ask], "question": "Build?", "reject": [{"shelve_product": "$reason"}]}},
        })
    }

    #[test]
    fn what_was_kept_before_is_read() {
        let clean = before(
            &json!({"create": "write_spec", "payload": {"idea": "$payload.idea"}, "next_round": true}),
            &json!({"ask_person": "continue", "terms": {"summary": "x"}}),
            &json!({"start_product": {"idea": "$payload.idea", "title": "$payload.idea.title"}}),
        );
        let read: Pipeline = serde_json::from_value(clean.clone()).unwrap();
        let payload = Some(json!({"idea": "$payload.idea"}));
        let create = Creation { kind: "write_spec".to_owned(), payload, next_round: true, ..Creation::default() };
        assert_eq!(read.types["evaluate_idea"].on["approve"][1], Action::Create(create));
        // And it is written as it was, so that its hash stays what it was.
        assert_eq!(serde_json::to_value(&read).unwrap(), clean);
        let littered = before(
            &json!({"create": "write_spec", "payload": {"idea": "$payload.idea"}, "next_round": true, "terms": {"a": 1}}),
            &json!({"ask_person": "continue", "terms": {"summary": "x"}, "payload": {}, "for_each": "$result.x", "dedup": "x"}),
            &json!({"start_product": {"idea": "$payload.idea", "title": "$payload.idea.title", "slug": "x"}}),
        );
        assert_eq!(serde_json::from_value::<Pipeline>(littered).unwrap(), read);
    }
}
