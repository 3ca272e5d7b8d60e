//! The shape of `pipeline.yaml`. Not here: its actions (`action`), and what can be wrong with it beside its shape (`problems`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::kept::Kept;
use super::{Action, words};
use crate::domain::error::Error;
use crate::domain::text;

/// A whole pipeline. The file is read part by part (`config::pipeline`); as a whole it is read where it is kept, which may be older.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Kept")]
pub struct Pipeline {
    /// Of this format. Only 1 exists.
    pub version: u32,
    /// How often review and test may send a product back before a person is asked.
    pub max_rounds: u32,
    /// The types of task, by name.
    pub types: BTreeMap<String, TaskType>,
    /// What follows a person's decision, by kind of approval.
    pub approvals: BTreeMap<String, ApprovalSpec>,
}

/// Who does a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Executor {
    /// An agent, with a model.
    #[default]
    Agent,
    /// The daemon, without.
    Daemon,
}

/// What a task finds in its workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tree {
    /// An empty folder.
    #[default]
    None,
    /// The product's own tree; its changes stay, and become the product's next snapshot.
    Write,
    /// A throw-away copy of the snapshot that was pinned when the task was created.
    Snapshot,
}

/// One type of task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskType {
    /// What it is, for people; one line.
    pub summary: String,
    /// Who does it.
    #[serde(default)]
    pub executor: Executor,
    /// What it works on.
    #[serde(default)]
    pub tree: Tree,
    /// Used where a task names none, 1–10, 10 first.
    #[serde(default = "five")]
    pub priority: i64,
    /// The most one attempt may cost, in US dollars.
    #[serde(default = "one_dollar")]
    pub budget_usd: f64,
    /// The longest one attempt may take, in minutes.
    #[serde(default = "half_an_hour")]
    pub timeout_minutes: u32,
    /// How many attempts may come to nothing.
    #[serde(default = "three")]
    pub attempts: u32,
    /// JSON Schema of the payload.
    pub payload: Value,
    /// JSON Schema of the result.
    pub result: Value,
    /// Which files must be there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// What the worker runs itself.
    #[serde(default)]
    pub checks: Vec<Check>,
    /// By verdict: what must hold in the result for it to count.
    #[serde(default)]
    pub requires: BTreeMap<String, BTreeMap<String, Value>>,
    /// By verdict: what follows.
    #[serde(default)]
    pub on: BTreeMap<String, Vec<Action>>,
}

fn five() -> i64 {
    5
}

fn one_dollar() -> f64 {
    1.0
}

fn half_an_hour() -> u32 {
    30
}

fn three() -> u32 {
    3
}

fn ten() -> u32 {
    10
}

/// Files that must exist in the workspace before a task may be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// Where in the result the declared files are listed (`$result.files`).
    pub files: String,
    /// Files that this type must always leave.
    #[serde(default)]
    pub must_have: Vec<String>,
}

/// What a failed check means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// The attempt failed, and the next one is told why.
    #[default]
    Retry,
    /// The task is done with the verdict `fail`, whatever the model said.
    FailVerdict,
}

/// A command that the worker runs in the sandbox, without network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// What it is called.
    pub name: String,
    /// Program and arguments.
    pub command: Vec<String>,
    /// How long it may take, in minutes.
    #[serde(default = "ten")]
    pub timeout_minutes: u32,
    /// What a failure means.
    #[serde(default)]
    pub on_failure: OnFailure,
}

/// What follows a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalSpec {
    /// What the person is asked.
    pub question: String,
    /// What follows a yes.
    #[serde(default)]
    pub approve: Vec<Action>,
    /// What follows a no; `$reason` is the person's.
    #[serde(default)]
    pub reject: Vec<Action>,
}

impl Pipeline {
    /// The type of this name.
    ///
    /// # Errors
    /// `Invalid`, with the names that exist.
    pub fn task_type(&self, name: &str) -> Result<&TaskType, Error> {
        self.types.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.types.keys().map(String::as_str).collect();
            Error::invalid("type", format!("there is no task type {:?}", text::one_line(name, 60)))
                .hint(format!("one of: {}", known.join(", ")))
        })
    }

    /// Whether an action makes the daemon put something on an outlet.
    pub fn publishes(&self, action: &Action) -> bool {
        let Action::Create(creation) = action else { return false };
        self.types.get(&creation.kind).is_some_and(|spec| spec.executor == Executor::Daemon)
    }
}

impl TaskType {
    /// The verdicts that a result of this type may carry; `done` for a type without.
    pub fn verdicts(&self) -> Vec<String> {
        let listed = self.result.pointer(&format!("/properties/{}/enum", words::VERDICT)).and_then(Value::as_array);
        match listed {
            Some(values) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            None => vec![words::DONE.to_owned()],
        }
    }

    /// The verdict of a result.
    pub fn verdict_of(&self, result: &Value) -> String {
        result.get(words::VERDICT).and_then(Value::as_str).unwrap_or(words::DONE).to_owned()
    }
}
