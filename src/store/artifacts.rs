//! What tasks left behind, by name and hash; the bytes are in the artifact store.

use rusqlite::Row;

use super::error::StoreError;
use super::{Reader, Tx};
use crate::domain::task::TaskId;
use crate::domain::time::Millis;

/// An artifact as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct ArtifactRow {
    /// Of which attempt.
    pub attempt: i64,
    /// What it is: `check:tests`, `prompt`.
    pub name: String,
    /// Of its bytes.
    pub sha256: String,
    /// In bytes.
    pub size: u64,
}

fn artifact(row: &Row<'_>) -> rusqlite::Result<ArtifactRow> {
    Ok(ArtifactRow {
        attempt: row.get("attempt")?,
        name: row.get("name")?,
        sha256: row.get("sha256")?,
        size: row.get::<_, i64>("size")?.unsigned_abs(),
    })
}

impl Reader<'_> {
    /// The artifacts of a task, in the order they were kept.
    ///
    /// # Errors
    /// The database's.
    pub fn artifacts_of(&self, task: TaskId) -> Result<Vec<ArtifactRow>, StoreError> {
        let mut statement = self.connection.prepare_cached("SELECT * FROM artifacts WHERE task = ?1 ORDER BY id")?;
        Ok(statement.query_map([task], artifact)?.collect::<Result<_, _>>()?)
    }
}

impl Tx<'_> {
    /// Keeps an artifact's name; the same name of the same attempt is kept once, the newest bytes winning.
    ///
    /// # Errors
    /// The database's.
    pub fn keep_artifact(&self, task: TaskId, row: &ArtifactRow, now: Millis) -> Result<(), StoreError> {
        let sql = "INSERT INTO artifacts (task, attempt, name, sha256, size, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                   ON CONFLICT (attempt, name) DO UPDATE SET sha256 = excluded.sha256, size = excluded.size";
        let size = super::attempts::signed(row.size);
        self.connection.prepare_cached(sql)?.execute((task, row.attempt, &row.name, &row.sha256, size, now.0))?;
        Ok(())
    }
}
