//! What can go wrong with the file, told to people.

use std::path::{Path, PathBuf};

use crate::domain::error::Error;

/// What to do about a damaged database.
pub const WAY_OUT: &str =
    "stop the daemon, keep the file, and try `sqlite3 FILE .recover > rescued.sql`; nothing was overwritten";

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Not a database, or one whose pages make no sense.
    #[error("the database {path} is damaged ({detail}); {WAY_OUT}")]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// SQLite's words.
        detail: String,
    },
    /// Written by a newer version of the product.
    #[error(
        "the database {path} has schema {found}, and this version knows up to {known}; install the version that wrote it, or a newer one"
    )]
    TooNew {
        /// Which file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest that this version knows.
        known: i64,
    },
    /// Anything else: rights, a full disk.
    #[error("cannot open the database {path}: {source}; check that its folder can be written and the disk has room")]
    Other {
        /// Which file.
        path: PathBuf,
        /// SQLite's words.
        source: rusqlite::Error,
    },
}

impl OpenError {
    pub(super) fn from_sqlite(path: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        match source.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => Self::Damaged { path: path.to_owned(), detail: source.to_string() },
            _ => Self::Other { path: path.to_owned(), source },
        }
    }
}

/// An error of SQLite inside an operation; reaches the caller as `Unavailable`.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct StoreError(#[from] pub(super) rusqlite::Error);

impl From<StoreError> for Error {
    fn from(StoreError(error): StoreError) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, DiskFull, NotADatabase, SystemIoFailure};
        match error.sqlite_error_code() {
            Some(DiskFull) => Self::unavailable("the disk is full; nothing was changed").hint("free some space and ask again"),
            Some(SystemIoFailure) => Self::unavailable(format!("the disk did not take it ({error}); nothing was changed"))
                .hint("look at the disk, then ask again"),
            Some(DatabaseCorrupt | NotADatabase) => Self::unavailable(format!("the database is damaged ({error})")).hint(WAY_OUT),
            _ => Self::unavailable(format!("the database answered: {error}; nothing was changed")),
        }
    }
}
