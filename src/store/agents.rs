//! What is to be with each agent: wanted, paused, quarantined, and its exits.

use rusqlite::{OptionalExtension, Row};

use super::error::StoreError;
use super::tasks::{agent_name, json};
use super::{Reader, Tx};
use crate::domain::name::AgentName;
use crate::domain::time::Millis;

/// An agent as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentRow {
    /// Its name.
    pub name: AgentName,
    /// Whether a person wants it alive.
    pub wanted: bool,
    /// Why it takes no work, if a person paused it.
    pub paused: Option<String>,
    /// Why it is not started any more.
    pub quarantined: Option<String>,
    /// How often its worker was started again after dying.
    pub restarts: i64,
    /// When its workers died lately.
    pub exits: Vec<Millis>,
    /// Not to be started before.
    pub not_before: Millis,
}

fn agent(row: &Row<'_>) -> rusqlite::Result<AgentRow> {
    Ok(AgentRow {
        name: agent_name(row, "name")?,
        wanted: row.get("wanted")?,
        paused: row.get("paused")?,
        quarantined: row.get("quarantined")?,
        restarts: row.get("restarts")?,
        exits: serde_json::from_value(json(row, "exits")?).unwrap_or_default(),
        not_before: Millis(row.get("not_before")?),
    })
}

impl Reader<'_> {
    /// The agent of this name, if it was ever wanted.
    ///
    /// # Errors
    /// The database's.
    pub fn agent(&self, name: &AgentName) -> Result<Option<AgentRow>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM agents WHERE name = ?1")?;
        Ok(statement.query_row([name.as_str()], agent).optional()?)
    }

    /// All agents that were ever wanted, by name.
    ///
    /// # Errors
    /// The database's.
    pub fn agents(&self) -> Result<Vec<AgentRow>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM agents ORDER BY name")?;
        Ok(statement.query_map([], agent)?.collect::<Result<_, _>>()?)
    }
}

impl Tx<'_> {
    /// Writes an agent, new or not.
    ///
    /// # Errors
    /// The database's.
    pub fn put_agent(&self, row: &AgentRow) -> Result<(), StoreError> {
        let sql =
            "INSERT INTO agents (name, wanted, paused, quarantined, restarts, exits, not_before) VALUES (?1,?2,?3,?4,?5,?6,?7)
                   ON CONFLICT (name) DO UPDATE SET wanted = excluded.wanted, paused = excluded.paused,
                     quarantined = excluded.quarantined, restarts = excluded.restarts, exits = excluded.exits,
                     not_before = excluded.not_before";
        let exits = serde_json::to_string(&row.exits).unwrap_or_default();
        let values = (row.name.as_str(), row.wanted, &row.paused, &row.quarantined, row.restarts, exits, row.not_before.0);
        self.connection.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }
}
