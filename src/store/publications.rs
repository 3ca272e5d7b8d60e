//! Publications: the intent first, then what became of it.

use rusqlite::{OptionalExtension, Row};

use super::error::StoreError;
use super::tasks::word;
use super::{Reader, Tx};
use crate::domain::approval::ApprovalId;
use crate::domain::publication::PublicationState;
use crate::domain::time::Millis;

/// A publication as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct PublicationRow {
    /// Its number.
    pub id: i64,
    /// What makes it the same publication for the outlet, however often it is tried.
    pub key: String,
    /// The approval that allows it.
    pub approval: ApprovalId,
    /// Of which product.
    pub product: i64,
    /// Where to.
    pub outlet: String,
    /// Where it is.
    pub state: PublicationState,
    /// Where it can be seen.
    pub url: Option<String>,
    /// What the outlet said against it.
    pub error: Option<String>,
    /// When it last changed.
    pub updated_at: Millis,
}

fn publication(row: &Row<'_>) -> rusqlite::Result<PublicationRow> {
    Ok(PublicationRow {
        id: row.get("id")?,
        key: row.get("key")?,
        approval: row.get("approval")?,
        product: row.get("product")?,
        outlet: row.get("outlet")?,
        state: word(row, "state", PublicationState::parse)?,
        url: row.get("url")?,
        error: row.get("error")?,
        updated_at: Millis(row.get("updated_at")?),
    })
}

impl Reader<'_> {
    /// The publication that an approval allowed.
    ///
    /// # Errors
    /// The database's.
    pub fn publication_of(&self, approval: ApprovalId) -> Result<Option<PublicationRow>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM publications WHERE approval = ?1")?;
        Ok(statement.query_row([approval], publication).optional()?)
    }

    /// All publications, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub fn publications(&self) -> Result<Vec<PublicationRow>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM publications ORDER BY id")?;
        Ok(statement.query_map([], publication)?.collect::<Result<_, _>>()?)
    }
}

impl Tx<'_> {
    /// Writes an intent down.
    ///
    /// # Errors
    /// The database's.
    pub fn insert_publication(
        &self,
        key: &str,
        approval: ApprovalId,
        product: i64,
        outlet: &str,
        now: Millis,
    ) -> Result<i64, StoreError> {
        let sql = "INSERT INTO publications (key, approval, product, outlet, state, created_at, updated_at)
                   VALUES (?1, ?2, ?3, ?4, 'intended', ?5, ?5)";
        self.connection.prepare_cached(sql)?.execute((key, approval, product, outlet, now.0))?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Writes what became of it.
    ///
    /// # Errors
    /// The database's.
    pub fn set_publication(
        &self,
        id: i64,
        state: PublicationState,
        url: Option<&str>,
        error: Option<&str>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE publications SET state = ?2, url = coalesce(?3, url), error = ?4, updated_at = ?5 WHERE id = ?1";
        self.connection.prepare_cached(sql)?.execute((id, state.as_str(), url, error, now.0))?;
        Ok(())
    }
}
