//! From actions to steps: values that begin with `$` are looked up, lists are unrolled. Pure.

use serde_json::{Map, Value};

use crate::domain::error::Error;
use crate::domain::pipeline::{Action, Creation, TaskType};
use crate::domain::text;

/// What `$…` can be looked up in: an object with `payload`, `result`, `product`, `task`, `reason`, `approval`.
#[derive(Debug, Clone)]
pub struct Lookup(pub Value);

/// One thing to do, with every value filled in.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Create a task.
    Create {
        /// Its type.
        kind: String,
        /// Its payload.
        payload: Value,
        /// Its priority, if not the type's.
        priority: Option<i64>,
        /// Its dedup key, if it has one.
        dedup: Option<String>,
        /// Whether it opens the product's next round.
        next_round: bool,
    },
    /// Ask a person.
    AskPerson {
        /// Which kind of approval.
        kind: String,
        /// What else is agreed to.
        terms: Value,
    },
    /// Begin a product.
    StartProduct {
        /// Its title.
        title: String,
        /// The idea behind it.
        idea: Value,
    },
    /// Give the product up.
    ShelveProduct {
        /// Why.
        reason: String,
    },
}

/// The most tasks that one outcome may create, whatever a list says.
const FAN_OUT_MAX: usize = 50;

/// What follows, in order.
///
/// # Errors
/// `Invalid` where a value that is needed is not there or has another shape.
pub fn follow(actions: &[Action], lookup: &Lookup) -> Result<Vec<Step>, Error> {
    let mut steps = Vec::new();
    for action in actions {
        match action {
            Action::Create(creation) => match &creation.for_each {
                None => steps.push(create(creation, lookup)?),
                Some(path) => {
                    let items = lookup.get(path);
                    let items = items.as_array().ok_or_else(|| Error::invalid(path.clone(), "is not a list"))?;
                    for item in items.iter().take(FAN_OUT_MAX) {
                        steps.push(create(creation, &lookup.with("item", item.clone()))?);
                    }
                }
            },
            Action::AskPerson { kind, terms } => {
                let terms = terms.as_ref().map_or_else(nothing, |terms| lookup.fill(terms));
                steps.push(Step::AskPerson { kind: kind.clone(), terms });
            }
            Action::StartProduct { title, idea } => {
                let title = lookup.fill(title).as_str().map(|title| text::one_line(title, 120)).unwrap_or_default();
                if title.is_empty() {
                    return Err(Error::invalid("start_product.title", "is empty"));
                }
                steps.push(Step::StartProduct { title, idea: lookup.fill(idea) });
            }
            Action::ShelveProduct { reason } => steps.push(Step::ShelveProduct { reason: lookup.text(reason) }),
        }
    }
    Ok(steps)
}

fn create(creation: &Creation, lookup: &Lookup) -> Result<Step, Error> {
    let Creation { kind, payload, priority, dedup, next_round, .. } = creation;
    let payload = payload.as_ref().map_or_else(nothing, |payload| lookup.fill(payload));
    if !payload.is_object() {
        return Err(Error::invalid("payload", format!("of the {kind} that follows is not an object")));
    }
    let dedup = dedup.as_ref().map(|key| {
        let words = match lookup.fill(key) {
            Value::Array(parts) => parts.iter().map(word).collect::<Vec<_>>().join(" "),
            one => word(&one),
        };
        format!("{kind}:{}", text::one_line(&words, 200))
    });
    Ok(Step::Create { kind: kind.clone(), payload, priority: *priority, dedup, next_round: *next_round })
}

/// A value as it stands in a text.
fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn nothing() -> Value {
    Value::Object(Map::new())
}

impl TaskType {
    /// Whether a verdict may count, given what this type requires of it.
    ///
    /// # Errors
    /// `Invalid`, naming the first value that contradicts the verdict.
    pub fn check_verdict(&self, verdict: &str, lookup: &Lookup) -> Result<(), Error> {
        for (path, wanted) in self.requires.get(verdict).into_iter().flatten() {
            let found = lookup.get(path);
            if found != *wanted {
                let path = path.trim_start_matches('$').to_owned();
                return Err(Error::invalid(path, format!("is {found}, which contradicts the verdict {verdict:?}"))
                    .hint(format!("{verdict:?} needs {wanted} here")));
            }
        }
        Ok(())
    }
}

impl Lookup {
    /// The same, with one more name.
    #[must_use]
    pub fn with(&self, name: &str, value: Value) -> Self {
        let mut copy = self.clone();
        if let Value::Object(map) = &mut copy.0 {
            map.insert(name.to_owned(), value);
        }
        copy
    }

    /// The value at `$a.b.c`, or null.
    pub fn get(&self, path: &str) -> Value {
        let mut at = &self.0;
        for name in path.trim_start_matches('$').split('.') {
            match at.get(name) {
                Some(next) => at = next,
                None => return Value::Null,
            }
        }
        at.clone()
    }

    /// The value with everything that begins with `$` looked up. What is not there is left out of objects, so that an optional
    /// field stays optional.
    pub fn fill(&self, value: &Value) -> Value {
        match value {
            Value::String(path) if path.starts_with('$') => self.get(path),
            Value::Array(items) => items.iter().map(|item| self.fill(item)).collect(),
            Value::Object(map) => {
                let filled = map.iter().map(|(key, item)| (key.clone(), self.fill(item)));
                Value::Object(filled.filter(|(_, item)| !item.is_null()).collect())
            }
            other => other.clone(),
        }
    }

    fn text(&self, value: &str) -> String {
        word(&self.fill(&Value::String(value.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn lookup() -> Lookup {
        Lookup(
            json!({"payload": {"idea": {"title": "T"}}, "result": {"ideas": [{"a": 1}, {"a": 2}], "ok": false}, "reason": "why"}),
        )
    }

    #[test]
    fn a_list_becomes_one_task_an_item() {
        let action = Action::Create(Creation {
            kind: "x".into(),
            for_each: Some("$result.ideas".into()),
            payload: Some(json!({"idea": "$item", "gone": "$payload.nothing"})),
            ..Creation::default()
        });
        let steps = follow(&[action], &lookup()).unwrap();
        let payloads = steps.iter().map(|step| match step {
            Step::Create { payload, .. } => payload.clone(),
            other => panic!("{other:?}"),
        });
        let payloads: Vec<_> = payloads.collect();
        assert_eq!(payloads, [json!({"idea": {"a": 1}}), json!({"idea": {"a": 2}})]);
    }

    #[test]
    fn a_looked_up_value_is_not_looked_up_again() {
        let hostile = Lookup(json!({"result": {"text": "$approval.id"}, "approval": {"id": 9}}));
        assert_eq!(hostile.fill(&json!({"a": "$result.text"})), json!({"a": "$approval.id"}));
    }

    #[test]
    fn what_a_list_is_not_is_an_error() {
        let action = Action::Create(Creation { kind: "x".into(), for_each: Some("$result.ok".into()), ..Creation::default() });
        assert!(follow(&[action], &lookup()).is_err());
    }
}
