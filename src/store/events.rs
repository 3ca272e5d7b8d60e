//! Events: appended with the change they tell of, read by sequence number.

use rusqlite::{Connection, Row};

use super::error::StoreError;
use super::{Reader, Tx};
use crate::domain::event::{Event, NewEvent};
use crate::domain::time::Millis;

pub(super) fn last_seq(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT coalesce(max(seq), 0) FROM events", [], |row| row.get(0))
}

fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        seq: row.get("seq")?,
        at: Millis(row.get("at")?),
        kind: row.get("kind")?,
        actor: row.get("actor")?,
        task: row.get("task")?,
        agent: row.get("agent")?,
        product: row.get("product")?,
        approval: row.get("approval")?,
        data: super::tasks::json(row, "data")?,
    })
}

impl Reader<'_> {
    /// The events after a sequence number, oldest first, at most `limit`.
    ///
    /// # Errors
    /// The database's.
    pub fn events_after(&self, seq: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2")?;
        Ok(statement.query_map((seq, limit), event)?.collect::<Result<_, _>>()?)
    }

    /// The newest events, oldest of them first.
    ///
    /// # Errors
    /// The database's.
    pub fn newest_events(&self, limit: u32) -> Result<Vec<Event>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM events ORDER BY seq DESC LIMIT ?1")?;
        let mut events = statement.query_map([limit], event)?.collect::<Result<Vec<_>, _>>()?;
        events.reverse();
        Ok(events)
    }

    /// Everything that happened to a task, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub fn events_of_task(&self, task: i64) -> Result<Vec<Event>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM events WHERE task = ?1 ORDER BY seq")?;
        Ok(statement.query_map([task], event)?.collect::<Result<_, _>>()?)
    }
}

impl Tx<'_> {
    /// Says what happened, in the transaction in which it happens.
    ///
    /// # Errors
    /// The database's.
    pub fn record(&self, at: Millis, event: &NewEvent) -> Result<i64, StoreError> {
        let sql = "INSERT INTO events (at, kind, actor, task, agent, product, approval, data) VALUES (?1,?2,?3,?4,?5,?6,?7,?8)";
        self.connection.prepare_cached(sql)?.execute((
            at.0,
            event.kind.as_str(),
            &event.actor,
            event.task,
            &event.agent,
            event.product,
            event.approval,
            event.data.to_string(),
        ))?;
        let seq = self.connection.last_insert_rowid();
        self.last_event.set(seq);
        Ok(seq)
    }
}
