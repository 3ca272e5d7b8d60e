//! Opening connections: the one place that does, so that every one has the same pragmas.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::error::OpenError;

/// How long to wait for a lock. Only a foreign process (a backup, a person's sqlite3) can hold one.
const BUSY: Duration = Duration::from_secs(10);

/// Prepared statements kept for each connection.
const STATEMENTS: usize = 128;

/// The writing connection: WAL, and a commit is on the disk when it answers.
#[expect(clippy::disallowed_methods, reason = "this is the place that clippy.toml points to")]
pub(super) fn open_writer(path: &Path) -> Result<Connection, OpenError> {
    let fail = |error| OpenError::from_sqlite(path, error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(fail)?;
    connection.busy_timeout(BUSY).map_err(fail)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(fail)?;
    connection.pragma_update(None, "synchronous", "FULL").map_err(fail)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(fail)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}

/// A connection that cannot write.
#[expect(clippy::disallowed_methods, reason = "this is the place that clippy.toml points to")]
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(connection)
}
