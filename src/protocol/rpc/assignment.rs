//! Work: one task, with everything that its worker needs.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Message;
use crate::domain::credential::Credential;
use crate::domain::pipeline::{Check, Tree};
use crate::domain::task::Token;

/// A product as a worker needs it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AssignedProduct {
    /// Its number.
    pub id: i64,
    /// Its name in paths.
    pub slug: String,
    /// The files that the task is about, where it does not write them.
    pub snapshot: Option<String>,
}

/// Work.
#[derive(Clone, Serialize, Deserialize)]
pub struct Assignment {
    /// The task.
    pub task: i64,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// The attempt's number.
    pub attempt: i64,
    /// The claim's fencing token.
    pub token: Token,
    /// The model.
    pub model: String,
    /// The role's prompt.
    pub system_prompt: String,
    /// What to say first.
    pub prompt: String,
    /// What to say instead when the conversation goes on.
    pub resume_prompt: String,
    /// What to say instead of that, once.
    pub correction: Option<Correction>,
    /// The conversation.
    pub conversation: uuid::Uuid,
    /// Whether it goes on, if its file is there.
    pub resume: bool,
    /// JSON Schema of the result.
    pub result_schema: Value,
    /// What the workspace holds.
    pub tree: Tree,
    /// The product.
    pub product: Option<AssignedProduct>,
    /// What to run when the CLI is done.
    pub checks: Vec<Check>,
    /// The most the attempt may cost, in US dollars.
    pub budget_usd: f64,
    /// The longest it may take, in milliseconds.
    pub timeout_ms: u64,
    /// What waits to be told to the agent.
    pub messages: Vec<Message>,
    /// The CLI's program on this machine, without links.
    pub program: String,
    /// The login, for the CLI's environment only.
    pub credential: Option<Credential>,
}

/// What a conversation has to be told about its last answer, unless it holds it already.
#[derive(Clone, Serialize, Deserialize)]
pub struct Correction {
    /// The id under which it is said, whoever says it.
    pub id: uuid::Uuid,
    /// The text.
    pub text: String,
}

impl fmt::Debug for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Without the prompts, which are long, and the credential.
        f.debug_struct("Assignment")
            .field("task", &self.task)
            .field("kind", &self.kind)
            .field("token", &self.token)
            .finish_non_exhaustive()
    }
}
