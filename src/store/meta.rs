//! Single values: the epoch, the last fencing token, what kind of home this is.

use rusqlite::OptionalExtension;
use rusqlite::types::FromSql;

use super::error::StoreError;
use super::{Reader, Tx};
use crate::domain::task::Token;

/// The keys under which texts are kept.
pub mod key {
    /// Why everything is stopped; not there while nothing is.
    pub const HALTED: &str = "halted";
    /// `rehearsal` or `real`, for life.
    pub const KIND: &str = "kind";
    /// The end of the day for which it was said that the cap holds work back.
    pub const CAP_NOTED: &str = "cap_noted";
}

impl Reader<'_> {
    /// Why everything is stopped, if it is.
    ///
    /// # Errors
    /// The database's.
    pub fn halted(&self) -> Result<Option<String>, StoreError> {
        self.text(key::HALTED)
    }

    fn meta<T: FromSql>(&self, key: &str) -> Result<Option<T>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
        Ok(statement.query_row([key], |row| row.get(0)).optional()?)
    }

    /// A text kept under a key.
    ///
    /// # Errors
    /// The database's.
    pub fn text(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.meta(key)
    }
}

impl Tx<'_> {
    /// Keeps a text under a key.
    ///
    /// # Errors
    /// The database's.
    pub fn set_text(&self, key: &str, value: &str) -> Result<(), StoreError> {
        let sql = "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
        self.connection.prepare_cached(sql)?.execute((key, value))?;
        Ok(())
    }

    /// Forgets what is kept under a key.
    ///
    /// # Errors
    /// The database's.
    pub fn forget(&self, key: &str) -> Result<(), StoreError> {
        self.connection.prepare_cached("DELETE FROM meta WHERE key = ?1")?.execute([key])?;
        Ok(())
    }

    /// A fencing token that was never given out before.
    ///
    /// # Errors
    /// The database's.
    pub fn next_token(&self) -> Result<Token, StoreError> {
        let epoch = self.meta("epoch")?.unwrap_or(1);
        let sql = "UPDATE meta SET value = value + 1 WHERE key = 'token' RETURNING value";
        let n = self.connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
        Ok(Token { epoch, n })
    }
}
