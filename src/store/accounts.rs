//! Accounts: whether a login or key may be used now.

use rusqlite::{OptionalExtension, Row};

use super::error::StoreError;
use super::tasks::word;
use super::{Reader, Tx};
use crate::domain::account::AccountState;
use crate::domain::time::Millis;

/// An account as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Account {
    /// Its name: the provider's, until there can be several.
    pub name: String,
    /// Whether it may be used.
    pub state: AccountState,
    /// When it may be probed.
    pub until: Millis,
    /// How often it was probed in vain since it last worked.
    pub probes: u32,
    /// The attempt that probes it now.
    pub probing: Option<i64>,
    /// Why it may not be used.
    pub reason: Option<String>,
}

impl Account {
    /// An account that may be used.
    pub fn ready(name: &str) -> Self {
        Self { name: name.to_owned(), state: AccountState::Ready, until: Millis(0), probes: 0, probing: None, reason: None }
    }
}

fn account(row: &Row<'_>) -> rusqlite::Result<Account> {
    Ok(Account {
        name: row.get("name")?,
        state: word(row, "state", AccountState::parse)?,
        until: Millis(row.get("until")?),
        probes: row.get("probes")?,
        probing: row.get("probing")?,
        reason: row.get("reason")?,
    })
}

impl Reader<'_> {
    /// The account of this name; one that nothing is known of is ready.
    ///
    /// # Errors
    /// The database's.
    pub fn account(&self, name: &str) -> Result<Account, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM accounts WHERE name = ?1")?;
        Ok(statement.query_row([name], account).optional()?.unwrap_or_else(|| Account::ready(name)))
    }

    /// All accounts of which something is known.
    ///
    /// # Errors
    /// The database's.
    pub fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM accounts ORDER BY name")?;
        Ok(statement.query_map([], account)?.collect::<Result<_, _>>()?)
    }
}

impl Tx<'_> {
    /// Writes an account, new or not.
    ///
    /// # Errors
    /// The database's.
    pub fn put_account(&self, row: &Account) -> Result<(), StoreError> {
        let sql = "INSERT INTO accounts (name, state, until, probes, probing, reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                   ON CONFLICT (name) DO UPDATE SET state = excluded.state, until = excluded.until, probes = excluded.probes,
                     probing = excluded.probing, reason = excluded.reason";
        let values = (&row.name, row.state.as_str(), row.until.0, row.probes, row.probing, &row.reason);
        self.connection.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }
}
