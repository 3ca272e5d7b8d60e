//! Tasks as they travel.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::event::Event;
use crate::domain::failure::FailureClass;
use crate::domain::task::{Outcome, StateName};
use crate::domain::time::Millis;

/// A request for a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateTask {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// 1 to 10, 10 first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<i64>,
    /// Bound by the type's schema.
    #[serde(default)]
    pub payload: Value,
    /// The tasks that must be done first.
    #[serde(default)]
    pub needs: Vec<i64>,
    /// Asking again under the same key is asking once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dedup_key: Option<String>,
    /// The product it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<i64>,
}

/// A task that is there now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Created {
    /// Its number.
    pub id: i64,
    /// Whether it was there before, under the same key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub existed: bool,
}

/// A reason, for requests that take one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reason {
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a task should wait for.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Depend {
    /// That task.
    pub needs: i64,
}

/// A claim as it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimView {
    /// Who holds it.
    pub agent: String,
    /// Its fencing token: epoch and number.
    pub token: String,
    /// The session whose worker holds it.
    pub session: Option<i64>,
}

/// A task in a list.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TaskView {
    /// Its number.
    pub id: i64,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where it is in its life.
    pub state: StateName,
    /// 1 to 10, 10 first.
    pub priority: i64,
    /// The product it is for.
    pub product: Option<i64>,
    /// The product's round it belongs to.
    pub round: i64,
    /// Attempts that counted.
    pub attempts_spent: u32,
    /// Times it was lost.
    pub losses: u32,
    /// Its claim, while it is held.
    pub claim: Option<ClaimView>,
    /// The verdict of its result.
    pub verdict: Option<String>,
    /// Why it failed, was lost, put back or cancelled last.
    pub reason: Option<String>,
    /// Not to be claimed before; 0 for at once.
    pub not_before: Millis,
    /// Who created it.
    pub created_by: String,
    /// When.
    pub created_at: Millis,
    /// When it last changed.
    pub updated_at: Millis,
}

/// An attempt as it is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AttemptView {
    /// Its number among the task's.
    pub number: i64,
    /// Who made it.
    pub agent: String,
    /// Its claim's token.
    pub token: String,
    /// The model.
    pub model: String,
    /// The CLI's conversation.
    pub conversation: String,
    /// SHA-256 of the system prompt.
    pub prompt: String,
    /// When it was claimed.
    pub started_at: Millis,
    /// When it ended.
    pub ended_at: Option<Millis>,
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// The class of its failure.
    pub class: Option<FailureClass>,
    /// What there is to say about its end.
    pub detail: Option<String>,
    /// In US dollars.
    pub cost_usd: f64,
    /// Tokens of all classes.
    pub tokens: u64,
}

/// An artifact as it is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ArtifactView {
    /// What it is.
    pub name: String,
    /// Of its bytes.
    pub sha256: String,
    /// In bytes.
    pub size: u64,
}

/// What a task waits for.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct NeedView {
    /// That task.
    pub id: i64,
    /// Where that task is.
    pub state: StateName,
}

/// Everything about a task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TaskDetail {
    /// What a list shows of it.
    #[serde(flatten)]
    pub task: TaskView,
    /// Its name outside the home.
    pub uuid: String,
    /// What is asked.
    pub payload: Value,
    /// What was answered.
    pub result: Option<Value>,
    /// Why the last attempt was refused.
    pub feedback: Option<String>,
    /// The task that led to it.
    pub parent: Option<i64>,
    /// The name of its product.
    pub product_slug: Option<String>,
    /// What it waits for.
    pub needs: Vec<NeedView>,
    /// Why it cannot go on by itself, if it cannot: a task it needs has failed.
    pub stuck: Option<String>,
    /// Its attempts, first to last.
    pub attempts: Vec<AttemptView>,
    /// What it left behind.
    pub artifacts: Vec<ArtifactView>,
    /// What happened to it.
    pub events: Vec<Event>,
}

/// A type of task, as it is shown.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TypeView {
    /// Its name.
    pub name: String,
    /// What it is.
    pub summary: String,
    /// Used where a task names none.
    pub priority: i64,
    /// The agents that take it.
    pub agents: Vec<String>,
    /// JSON Schema of its payload.
    pub payload: Value,
    /// JSON Schema of its result.
    pub result: Value,
}
