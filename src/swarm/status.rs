//! The swarm at a glance: one consistent look at everything a person asks about first.

use std::collections::BTreeMap;

use super::Swarm;
use crate::domain::account::AccountState;
use crate::domain::agent::AgentState;
use crate::domain::budget::{Ledger, MicroUsd};
use crate::domain::error::Error;
use crate::domain::name::AgentName;
use crate::domain::session::SessionState;
use crate::domain::task::StateName;
use crate::store::{Account, AgentRow, ApprovalRow, ProductRow, SessionRow, TaskFilter, TaskRow};

/// How an agent is doing.
#[derive(Debug, Clone)]
pub struct AgentStatus {
    /// Its name.
    pub name: AgentName,
    /// Its role.
    pub role: String,
    /// The model it uses.
    pub model: String,
    /// The CLI it uses.
    pub provider: String,
    /// How it is doing.
    pub state: AgentState,
    /// Why, where that is not plain.
    pub why: Option<String>,
    /// Its live session.
    pub session: Option<SessionRow>,
    /// What it works on.
    pub task: Option<TaskRow>,
    /// How often its worker was started again after dying.
    pub restarts: i64,
    /// What it cost today.
    pub cost_today: MicroUsd,
    /// Tokens it used today.
    pub tokens_today: u64,
}

/// The swarm at a glance.
#[derive(Debug, Clone)]
pub struct Status {
    /// Whether this is a rehearsal.
    pub rehearsal: bool,
    /// Why everything is stopped, if it is.
    pub halted: Option<String>,
    /// Every agent, by name.
    pub agents: Vec<AgentStatus>,
    /// How many tasks are in each state.
    pub queue: BTreeMap<StateName, i64>,
    /// What waits for a person.
    pub approvals: Vec<(ApprovalRow, Option<ProductRow>)>,
    /// Tasks that failed for good, newest first.
    pub failed: Vec<TaskRow>,
    /// The day's money.
    pub ledger: Ledger,
    /// Accounts that are not ready.
    pub closed_accounts: Vec<Account>,
}

/// Which agents should live, and which sessions there are.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The agents that some role has, wanted or not.
    pub agents: Vec<AgentRow>,
    /// The sessions that have not ended.
    pub sessions: Vec<SessionRow>,
    /// Whether everything is to stop.
    pub halted: bool,
}

/// Failed tasks shown at a glance.
const FAILED_SHOWN: u32 = 20;

impl Swarm {
    /// The swarm at a glance.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn status(&self) -> Result<Status, Error> {
        let (rules, now) = (self.rules.clone(), self.now());
        self.store
            .read(move |reader| {
                let halted = reader.halted()?;
                let held = reader.held_tasks()?;
                let sessions = reader.live_sessions()?;
                let rows = reader.agents()?;
                let spend = reader.spend_by_agent(now)?;
                let mut agents = Vec::new();
                for (name, role) in rules.agents() {
                    let row = rows.iter().find(|row| row.name == name);
                    let session = sessions.iter().find(|session| session.agent == name).cloned();
                    let task = held.iter().find(|task| task.life.state.claim().is_some_and(|claim| claim.agent == name)).cloned();
                    let account = reader.account(&role.provider)?;
                    let (state, why) = state(row, session.as_ref(), task.is_some(), &account, halted.as_deref());
                    let spent = spend.iter().find(|spend| spend.agent == name.as_str());
                    agents.push(AgentStatus {
                        role: role.name.clone(),
                        model: role.model.clone(),
                        provider: role.provider.clone(),
                        state,
                        why,
                        session,
                        task,
                        restarts: row.map_or(0, |row| row.restarts),
                        cost_today: spent.map_or(MicroUsd(0), |spent| spent.cost),
                        tokens_today: spent.map_or(0, |spent| spent.tokens),
                        name,
                    });
                }
                let failed = TaskFilter { state: Some(StateName::Failed), limit: FAILED_SHOWN, ..TaskFilter::default() };
                Ok(Status {
                    rehearsal: rules.rehearsal,
                    halted,
                    agents,
                    queue: reader.task_counts()?.into_iter().collect(),
                    approvals: super::queries::with_products(reader, reader.approvals(false)?)?,
                    failed: reader.tasks(&failed)?,
                    ledger: Ledger { spent: reader.spent_today(now)?, reserved: reader.reserved()?, cap: rules.daily_cap },
                    closed_accounts: reader
                        .accounts()?
                        .into_iter()
                        .filter(|account| account.state != AccountState::Ready)
                        .collect(),
                })
            })
            .await
    }

    /// What the supervisor plans from.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn desired(&self) -> Result<Wanted, Error> {
        let known: Vec<AgentName> = self.rules.agents().into_iter().map(|(name, _)| name).collect();
        self.store
            .read(move |reader| {
                let agents = reader.agents()?.into_iter().filter(|row| known.contains(&row.name)).collect();
                Ok(Wanted { agents, sessions: reader.live_sessions()?, halted: reader.halted()?.is_some() })
            })
            .await
    }
}

fn state(
    row: Option<&AgentRow>,
    session: Option<&SessionRow>,
    working: bool,
    account: &Account,
    halted: Option<&str>,
) -> (AgentState, Option<String>) {
    if let Some(why) = row.and_then(|row| row.quarantined.clone()) {
        return (AgentState::Quarantined, Some(why));
    }
    let wanted = row.is_some_and(|row| row.wanted) && halted.is_none();
    match session {
        None if wanted => (AgentState::Starting, None),
        None => (AgentState::Absent, halted.map(|why| format!("halted: {why}"))),
        Some(_) if !wanted => (AgentState::Stopping, None),
        Some(session) if session.state != SessionState::Ready => (AgentState::Starting, None),
        Some(_) if working => (AgentState::Working, None),
        Some(_) => match (row.and_then(|row| row.paused.clone()), account.state) {
            (Some(why), _) => (AgentState::Paused, Some(why)),
            (None, AccountState::Cooling) => (AgentState::Cooling, account.reason.clone()),
            (None, AccountState::LoginRequired) => (AgentState::LoginRequired, account.reason.clone()),
            (None, AccountState::Ready) => (AgentState::Idle, None),
        },
    }
}
