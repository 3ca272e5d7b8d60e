//! Roles, agents, and how an agent is doing.

use serde::{Deserialize, Serialize};

use super::name::AgentName;

/// What an agent is told to be: read from `agents/<role>.md`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// The file's stem: `hunter`.
    pub name: String,
    /// For people.
    pub title: String,
    /// The provider's CLI: `claude`.
    pub provider: String,
    /// The model, as the provider knows it: `opus`, `sonnet`.
    pub model: String,
    /// The types of task it takes.
    pub task_types: Vec<String>,
    /// How many agents hold the role.
    pub count: u32,
    /// The whole system prompt: master, shared rules, role, skills.
    pub prompt: String,
    /// SHA-256 of `prompt`, in hex: what an attempt pins.
    pub prompt_hash: String,
}

impl Role {
    /// The agents that hold the role: `hunter`, or `developer-1` to `developer-5` for a count of five.
    pub fn agents(&self) -> Vec<AgentName> {
        let names = if self.count == 1 {
            vec![self.name.clone()]
        } else {
            (1..=self.count).map(|i| format!("{}-{i}", self.name)).collect()
        };
        names.iter().filter_map(|name| name.parse().ok()).collect()
    }
}

/// How an agent is doing, as people see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentState {
    /// Not wanted, and not there.
    Absent,
    /// Its session was started and its worker has not said hello yet.
    Starting,
    /// Waits for work.
    Idle,
    /// Has a task.
    Working,
    /// Its account is at a limit.
    Cooling,
    /// Its account has no usable login.
    LoginRequired,
    /// A person stopped it from taking work.
    Paused,
    /// It crashed too often; a person has to look.
    Quarantined,
    /// Being ended.
    Stopping,
}

impl AgentState {
    /// The word used in JSON and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Starting => "starting",
            Self::Idle => "idle",
            Self::Working => "working",
            Self::Cooling => "cooling",
            Self::LoginRequired => "login_required",
            Self::Paused => "paused",
            Self::Quarantined => "quarantined",
            Self::Stopping => "stopping",
        }
    }
}
