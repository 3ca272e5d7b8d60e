//! The swarm at a glance, as it travels.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::approvals::ApprovalView;
use super::tasks::TaskView;
use crate::domain::account::AccountState;
use crate::domain::agent::AgentState;
use crate::domain::task::StateName;
use crate::domain::time::Millis;

/// The swarm at a glance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StatusView {
    /// The swarm's name.
    pub name: String,
    /// Whether this is a rehearsal.
    pub rehearsal: bool,
    /// The home's folder.
    pub home: String,
    /// The daemon's version.
    pub version: String,
    /// The daemon's process.
    pub daemon_pid: u32,
    /// When the daemon started.
    pub since: Millis,
    /// Where it listens for HTTP.
    pub listen: Option<String>,
    /// How to look at an agent, with `AGENT` for its name.
    pub attach: String,
    /// Whether agents run outside the sandbox, because the settings say so.
    pub sandbox_off: bool,
    /// Why everything is stopped, if it is.
    pub halted: Option<String>,
    /// Every agent, by name.
    pub agents: Vec<AgentView>,
    /// How many tasks are in each state.
    pub queue: BTreeMap<StateName, i64>,
    /// What waits for a person.
    pub approvals: Vec<ApprovalView>,
    /// Tasks that failed for good.
    pub failed: Vec<TaskView>,
    /// The day's money.
    pub budget: BudgetView,
    /// Accounts that cannot be used now.
    pub accounts: Vec<AccountView>,
    /// What a person should know: warnings of the configuration, of the machine.
    pub notes: Vec<String>,
}

/// An agent at a glance.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AgentView {
    /// Its name.
    pub name: String,
    /// Its role.
    pub role: String,
    /// Its model.
    pub model: String,
    /// Its CLI.
    pub provider: String,
    /// How it is doing.
    pub state: AgentState,
    /// Why, where that is not plain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Its session's name at the runner, while it has one.
    pub session: Option<String>,
    /// Its worker's process, while it has one.
    pub pid: Option<i32>,
    /// What it works on.
    pub task: Option<i64>,
    /// That task's type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_type: Option<String>,
    /// How often its worker was started again after dying.
    pub restarts: i64,
    /// What it cost today, in US dollars.
    pub cost_today_usd: f64,
    /// Tokens it used today.
    pub tokens_today: u64,
}

/// The day's money, in US dollars.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct BudgetView {
    /// Spent since midnight UTC.
    pub spent_usd: f64,
    /// What the attempts under way may still spend.
    pub reserved_usd: f64,
    /// The most a day may cost.
    pub cap_usd: f64,
}

/// An account that cannot be used now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct AccountView {
    /// Its name.
    pub name: String,
    /// Why it cannot: it cools, or has no usable login.
    pub state: AccountState,
    /// When it is tried again.
    pub until: Option<Millis>,
    /// Why.
    pub reason: Option<String>,
}
