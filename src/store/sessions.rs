//! Sessions: intended, started, ready, ended.

use rusqlite::{OptionalExtension, Row};

use super::error::StoreError;
use super::tasks::{agent_name, word};
use super::{Reader, Tx};
use crate::domain::name::AgentName;
use crate::domain::session::SessionState;
use crate::domain::time::Millis;

/// A session as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct SessionRow {
    /// Its number, which its worker says when it says hello.
    pub id: i64,
    /// Whose it is.
    pub agent: AgentName,
    /// Its name at the runner.
    pub name: String,
    /// Where it is.
    pub state: SessionState,
    /// The runner's address of it.
    pub pane: Option<String>,
    /// Its process.
    pub pid: Option<i32>,
    /// When the process started, in clock ticks since boot: tells it from a later one of the same number.
    pub start_time: Option<u64>,
    /// When it was intended.
    pub created_at: Millis,
    /// When its worker said hello.
    pub ready_at: Option<Millis>,
}

fn session(row: &Row<'_>) -> rusqlite::Result<SessionRow> {
    Ok(SessionRow {
        id: row.get("id")?,
        agent: agent_name(row, "agent")?,
        name: row.get("name")?,
        state: word(row, "state", SessionState::parse)?,
        pane: row.get("pane")?,
        pid: row.get("pid")?,
        start_time: row.get::<_, Option<i64>>("start_time")?.map(i64::unsigned_abs),
        created_at: Millis(row.get("created_at")?),
        ready_at: row.get::<_, Option<i64>>("ready_at")?.map(Millis),
    })
}

impl Reader<'_> {
    /// The sessions that have not ended.
    ///
    /// # Errors
    /// The database's.
    pub fn live_sessions(&self) -> Result<Vec<SessionRow>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM sessions WHERE state <> 'ended' ORDER BY id")?;
        Ok(statement.query_map([], session)?.collect::<Result<_, _>>()?)
    }

    /// The session of this number.
    ///
    /// # Errors
    /// The database's.
    pub fn session(&self, id: i64) -> Result<Option<SessionRow>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM sessions WHERE id = ?1")?;
        Ok(statement.query_row([id], session).optional()?)
    }

    /// An agent's session that has not ended.
    ///
    /// # Errors
    /// The database's.
    pub fn live_session_of(&self, agent: &AgentName) -> Result<Option<SessionRow>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM sessions WHERE agent = ?1 AND state <> 'ended'")?;
        Ok(statement.query_row([agent.as_str()], session).optional()?)
    }
}

impl Tx<'_> {
    /// Writes down that a session is to be started.
    ///
    /// # Errors
    /// The database's; there may be one live session an agent.
    pub fn insert_session(&self, agent: &AgentName, name: &str, now: Millis) -> Result<i64, StoreError> {
        let sql = "INSERT INTO sessions (agent, name, state, created_at) VALUES (?1, ?2, 'intended', ?3)";
        self.connection.prepare_cached(sql)?.execute((agent.as_str(), name, now.0))?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Writes down which process a session has.
    ///
    /// # Errors
    /// The database's.
    pub fn set_session_started(&self, id: i64, pane: &str, pid: i32, start_time: u64) -> Result<(), StoreError> {
        let sql = "UPDATE sessions SET state = CASE state WHEN 'intended' THEN 'started' ELSE state END, pane = ?2, pid = ?3,
                     start_time = ?4 WHERE id = ?1 AND state <> 'ended'";
        self.connection.prepare_cached(sql)?.execute((id, pane, pid, super::attempts::signed(start_time)))?;
        Ok(())
    }

    /// Writes down that a session's worker said hello.
    ///
    /// # Errors
    /// The database's.
    pub fn set_session_ready(&self, id: i64, now: Millis) -> Result<(), StoreError> {
        let sql = "UPDATE sessions SET state = 'ready', ready_at = coalesce(ready_at, ?2) WHERE id = ?1 AND state <> 'ended'";
        self.connection.prepare_cached(sql)?.execute((id, now.0))?;
        Ok(())
    }

    /// Writes down that a session is over, and answers whether it was not yet.
    ///
    /// # Errors
    /// The database's.
    pub fn end_session(&self, id: i64, why: &str, now: Millis) -> Result<bool, StoreError> {
        let sql = "UPDATE sessions SET state = 'ended', ended_at = ?2, why = ?3 WHERE id = ?1 AND state <> 'ended'";
        Ok(self.connection.prepare_cached(sql)?.execute((id, now.0, why))? == 1)
    }
}
