//! Migrations: numbered files, appended to and never edited. The database remembers the number in `user_version`.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::error::OpenError;

const MIGRATIONS: &[&str] =
    &[include_str!("migrations/0001_foundation.sql"), include_str!("migrations/0002_pinned_snapshots.sql")];

/// Brings a database to the newest schema. Each step is one transaction, so that a death in between leaves a whole schema.
pub(super) fn to_newest(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    let fail = |error| OpenError::from_sqlite(path, error);
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(fail)?;
    if found > known {
        return Err(OpenError::TooNew { path: path.to_owned(), found, known });
    }
    for (number, sql) in (1_i64..).zip(MIGRATIONS).filter(|(number, _)| *number > found) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fail)?;
        transaction.execute_batch(sql).map_err(fail)?;
        transaction.pragma_update(None, "user_version", number).map_err(fail)?;
        transaction.commit().map_err(fail)?;
    }
    Ok(())
}
