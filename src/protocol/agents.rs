//! What is asked of agents, and said to them.

use serde::{Deserialize, Serialize};

/// Which agents a request is about; none named means all.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agents {
    /// Their names.
    #[serde(default)]
    pub agents: Vec<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A message to an agent.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tell {
    /// What it says.
    pub body: String,
    /// Its name: telling it again under the same one is telling it once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<uuid::Uuid>,
}
