//! Events: one row for each change of state, in the order they were committed.

mod kind;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use kind::EventKind;

use super::time::Millis;

/// What happened, as it is read back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Grows; gaps are allowed.
    pub seq: i64,
    /// When.
    pub at: Millis,
    /// What: the word of an [`EventKind`], perhaps of a newer version than this.
    pub kind: String,
    /// Who caused it.
    pub actor: String,
    /// The task it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<i64>,
    /// The agent it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The product it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<i64>,
    /// The approval it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<i64>,
    /// What else there is to say.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
}

impl Event {
    /// Its kind, if this version knows it.
    pub fn known(&self) -> Option<EventKind> {
        EventKind::parse(&self.kind)
    }
}

/// What happened, as it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// See [`Event::kind`].
    pub kind: EventKind,
    /// See [`Event::actor`].
    pub actor: String,
    /// See [`Event::task`].
    pub task: Option<i64>,
    /// See [`Event::agent`].
    pub agent: Option<String>,
    /// See [`Event::product`].
    pub product: Option<i64>,
    /// See [`Event::approval`].
    pub approval: Option<i64>,
    /// See [`Event::data`].
    pub data: Value,
}

impl NewEvent {
    /// An event of this kind, caused by this actor.
    pub fn new(kind: EventKind, actor: impl ToString) -> Self {
        let actor = actor.to_string();
        Self { kind, actor, task: None, agent: None, product: None, approval: None, data: Value::Null }
    }

    /// About a task.
    #[must_use]
    pub fn task(mut self, id: i64) -> Self {
        self.task = Some(id);
        self
    }

    /// About an agent.
    #[must_use]
    pub fn agent(mut self, name: impl ToString) -> Self {
        self.agent = Some(name.to_string());
        self
    }

    /// About a product.
    #[must_use]
    pub fn product(mut self, id: Option<i64>) -> Self {
        self.product = id;
        self
    }

    /// About an approval.
    #[must_use]
    pub fn approval(mut self, id: i64) -> Self {
        self.approval = Some(id);
        self
    }

    /// With more to say.
    #[must_use]
    pub fn data(mut self, data: Value) -> Self {
        self.data = data;
        self
    }
}
