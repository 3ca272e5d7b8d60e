//! What follows from an outcome or a decision, as `pipeline.yaml` writes it: a mapping of which one key says what to do, and which may
//! have the others that go with that key, and no more.

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One thing that follows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(into = "Written")]
pub enum Action {
    /// `create`: a task, or one for every item of a list.
    Create(Creation),
    /// `ask_person`: an approval.
    AskPerson {
        /// Of which kind.
        kind: String,
        /// `terms`: what else is agreed to.
        terms: Option<Value>,
    },
    /// `start_product`: begin a product.
    StartProduct {
        /// `title`: what it is called.
        title: Value,
        /// `idea`: what is behind it; null for nothing.
        idea: Value,
    },
    /// `shelve_product`: give the product up.
    ShelveProduct {
        /// Why.
        reason: String,
    },
}

/// Which task is created, and how.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Creation {
    /// Its type.
    pub kind: String,
    /// `for_each`: once for every item of this list.
    pub for_each: Option<String>,
    /// `payload`; an empty one if it is left out.
    pub payload: Option<Value>,
    /// `priority`, if not the type's.
    pub priority: Option<i64>,
    /// `dedup`: a key that makes a second creation the same task; a value, or a list of values that make it together.
    pub dedup: Option<Value>,
    /// `next_round`: it opens the product's next round of the bounded loop.
    pub next_round: bool,
}

/// The keys that say what to do; exactly one of them is given.
const VERBS: &[&str] = &["create", "ask_person", "start_product", "shelve_product"];

/// An action as it is written in a file, and in the JSON that a product keeps.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    create: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ask_person: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start_product: Option<Start>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shelve_product: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    for_each: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    priority: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dedup: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    next_round: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    terms: Option<Value>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Start {
    title: Value,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    idea: Value,
}

/// The keys that may stand in an action with this verb.
pub(super) fn keys_of(verb: &str) -> &'static [&'static str] {
    match verb {
        "create" => &["create", "for_each", "payload", "priority", "dedup", "next_round"],
        "ask_person" => &["ask_person", "terms"],
        "start_product" => &["start_product"],
        "shelve_product" => &["shelve_product"],
        _ => &[],
    }
}

/// The one verb among the keys of an action.
pub(super) fn verb_of(has: impl Fn(&str) -> bool) -> Option<&'static str> {
    let mut given = VERBS.iter().copied().filter(|verb| has(verb));
    given.next().filter(|_| given.next().is_none())
}

impl Written {
    /// The keys that have a value.
    fn keys(&self) -> Vec<&'static str> {
        let keys = [
            ("create", self.create.is_some()),
            ("ask_person", self.ask_person.is_some()),
            ("start_product", self.start_product.is_some()),
            ("shelve_product", self.shelve_product.is_some()),
            ("for_each", self.for_each.is_some()),
            ("payload", self.payload.is_some()),
            ("priority", self.priority.is_some()),
            ("dedup", self.dedup.is_some()),
            ("next_round", self.next_round.is_some()),
            ("terms", self.terms.is_some()),
        ];
        keys.into_iter().filter(|(_, given)| *given).map(|(key, _)| key).collect()
    }
}

impl<'de> Deserialize<'de> for Action {
    /// By hand and not with `try_from`, so that a misplaced key is named as any unknown one is, with the keys that would be right.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer)?;
        let keys = written.keys();
        let one = || D::Error::custom(format!("does not say one thing to do → give exactly one of {}", VERBS.join(", ")));
        let verb = verb_of(|verb| keys.contains(&verb)).ok_or_else(one)?;
        let allowed = keys_of(verb);
        if let Some(misplaced) = keys.iter().find(|key| !allowed.contains(key)) {
            return Err(D::Error::unknown_field(misplaced, allowed));
        }
        match written {
            Written { create: Some(kind), for_each, payload, priority, dedup, next_round, .. } => {
                let next_round = next_round.unwrap_or_default();
                Ok(Self::Create(Creation { kind, for_each, payload, priority, dedup, next_round }))
            }
            Written { ask_person: Some(kind), terms, .. } => Ok(Self::AskPerson { kind, terms }),
            Written { start_product: Some(Start { title, idea }), .. } => Ok(Self::StartProduct { title, idea }),
            Written { shelve_product: Some(reason), .. } => Ok(Self::ShelveProduct { reason }),
            _ => Err(one()),
        }
    }
}

impl From<Action> for Written {
    fn from(action: Action) -> Self {
        match action {
            Action::Create(Creation { kind, for_each, payload, priority, dedup, next_round }) => Self {
                create: Some(kind),
                for_each,
                payload,
                priority,
                dedup,
                next_round: next_round.then_some(true),
                ..Self::default()
            },
            Action::AskPerson { kind, terms } => Self { ask_person: Some(kind), terms, ..Self::default() },
            Action::StartProduct { title, idea } => Self { start_product: Some(Start { title, idea }), ..Self::default() },
            Action::ShelveProduct { reason } => Self { shelve_product: Some(reason), ..Self::default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_written_is_what_was_read() {
        for action in [
            json!({"create": "x", "for_each": "$result.ideas", "payload": {"a": 1}, "priority": 2, "dedup": "$item", "next_round": true}),
            json!({"create": "x"}),
            json!({"ask_person": "build", "terms": {"summary": "$result.summary"}}),
            json!({"start_product": {"title": "$payload.idea.title", "idea": "$payload.idea"}}),
            json!({"shelve_product": "$reason"}),
        ] {
            let read: Action = serde_json::from_value(action.clone()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), action);
        }
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        for (action, why) in [
            (json!({}), "does not say one thing to do"),
            (json!({"create": "x", "shelve_product": "$reason"}), "does not say one thing to do"),
            (json!({"ask_person": "build", "payload": {}}), "`payload`"),
            (json!({"create": "x", "terms": {}}), "`terms`"),
            (json!({"shelve_product": "$reason", "next_round": false}), "`next_round`"),
            (json!({"start_product": {"title": "x", "name": "y"}}), "`name`"),
            (json!({"start_product": {"idea": "x"}}), "`title`"),
        ] {
            let error = serde_json::from_value::<Action>(action.clone()).unwrap_err().to_string();
            assert!(error.contains(why), "{action}: {error}");
        }
    }
}
