//! Messages to agents, until they are delivered and after.

use rusqlite::{OptionalExtension, Row};

use super::error::StoreError;
use super::tasks::agent_name;
use super::{Reader, Tx};
use crate::domain::name::AgentName;
use crate::domain::time::Millis;

/// A message as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct MessageRow {
    /// Its number.
    pub id: i64,
    /// Its name in the CLI's conversation.
    pub uuid: String,
    /// To whom.
    pub agent: AgentName,
    /// From whom.
    pub sender: String,
    /// What it says.
    pub body: String,
    /// When it was accepted.
    pub created_at: Millis,
    /// When it was in the agent's conversation.
    pub delivered_at: Option<Millis>,
}

fn message(row: &Row<'_>) -> rusqlite::Result<MessageRow> {
    Ok(MessageRow {
        id: row.get("id")?,
        uuid: row.get("uuid")?,
        agent: agent_name(row, "agent")?,
        sender: row.get("sender")?,
        body: row.get("body")?,
        created_at: Millis(row.get("created_at")?),
        delivered_at: row.get::<_, Option<i64>>("delivered_at")?.map(Millis),
    })
}

impl Reader<'_> {
    /// The message of this name.
    ///
    /// # Errors
    /// The database's.
    pub fn message_by_uuid(&self, uuid: &str) -> Result<Option<MessageRow>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM messages WHERE uuid = ?1")?;
        Ok(statement.query_row([uuid], message).optional()?)
    }

    /// An agent's messages that were not delivered, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub fn waiting_messages(&self, agent: &AgentName) -> Result<Vec<MessageRow>, StoreError> {
        let sql = "SELECT * FROM messages WHERE agent = ?1 AND delivered_at IS NULL ORDER BY id";
        Ok(self.connection.prepare_cached(sql)?.query_map([agent.as_str()], message)?.collect::<Result<_, _>>()?)
    }
}

impl Tx<'_> {
    /// Accepts a message.
    ///
    /// # Errors
    /// The database's.
    pub fn insert_message(
        &self,
        uuid: &str,
        agent: &AgentName,
        sender: &str,
        body: &str,
        now: Millis,
    ) -> Result<i64, StoreError> {
        let sql = "INSERT INTO messages (uuid, agent, sender, body, created_at) VALUES (?1, ?2, ?3, ?4, ?5)";
        self.connection.prepare_cached(sql)?.execute((uuid, agent.as_str(), sender, body, now.0))?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Notes that a message was delivered during a task, and answers whether it was not yet.
    ///
    /// # Errors
    /// The database's.
    pub fn deliver_message(&self, id: i64, agent: &AgentName, task: i64, now: Millis) -> Result<bool, StoreError> {
        let sql = "UPDATE messages SET delivered_at = ?3, task = ?4 WHERE id = ?1 AND agent = ?2 AND delivered_at IS NULL";
        Ok(self.connection.prepare_cached(sql)?.execute((id, agent.as_str(), now.0, task))? == 1)
    }
}
